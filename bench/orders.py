"""What orders cost: one market order more, and bars on which an entry is cancelled and placed anew with stop and target."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from bench import oracle
from bench.clock import in_turn
from bench.figure import Figure, figure
from bench.market import prices, tape
from bench.peers import Failed, Rival, file_of
from bench.robots import LOTS, Brackets, Cross, Idle
from bench.trial import CASH, STEPPED, Trial, expected, play, walk, wrong

SIZES = (5_000, 10_000, 20_000, 40_000)


def figures(quick: bool) -> Iterator[Figure]:
    """Microseconds an order and a bar, and whether the cost of a bar stays what it is as the run grows longer."""
    yield from _plain(quick)
    yield from _heavy(quick)
    yield _against(5_000 if quick else 20_000, 1 if quick else 3)


def _plain(quick: bool) -> Iterator[Figure]:
    for name, scan_from, rows in (("orders.stepped", STEPPED, 50_000), ("orders.compiled", None, 500_000)):
        rows = rows // 5 if quick else rows
        right = expected(rows)
        said = wrong(walk(rows, scan_from=scan_from), right)
        costs = []
        for _ in range(3 if quick else 5):
            with_orders, without = (walk(rows, strategy=one, scan_from=scan_from).seconds for one in (Cross, Idle))
            costs.append((with_orders - without) / right.fills * 1e6)
        note = f"a run with {right.fills:,} orders less one with none, same bars and needs"
        yield figure(name, median(costs), wrong=said, note=note)


def heavy(rows: int, *, touch: bool = False) -> Trial:
    """The walk of the brackets, bar by bar."""
    return play(Brackets, tape(rows), touch=touch)


def checked(trial: Trial, rows: int, *, refold: bool = False, touch: bool = False) -> str:
    """Why a walk of brackets does not count, against the independent loop."""
    series = prices(rows)
    open_, high, low, close = (column.tolist() for column in series[:4])
    return wrong(trial, oracle.brackets(open_, high, low, close, int(LOTS), CASH * 1_000_000, int(touch)), refold=refold)


def _heavy(quick: bool) -> Iterator[Figure]:
    sizes = SIZES[:2] if quick else SIZES
    costs: dict[int, list[float]] = {rows: [] for rows in sizes}
    said = ""
    heavy(2_000)
    for k in range(1 if quick else 3):
        for rows in sizes if k % 2 == 0 else sizes[::-1]:
            trial = heavy(rows)
            costs[rows].append(trial.seconds / rows * 1e6)
            said = said or checked(trial, rows, refold=k == 0 and rows == sizes[0])
    cost = {rows: median(costs[rows]) for rows in sizes}
    read = ", ".join(f"{rows // 1_000} k: {one:.1f} us" for rows, one in cost.items())
    yield figure("orders.heavy", cost[sizes[-1]], wrong=said, note=f"a bar with 1 cancel and 3 orders; {read}")
    yield figure("orders.heavy_rate", 3e6 / cost[sizes[-1]], wrong=said, note="orders placed a second, cancels not counted")
    slope = median(long / short for short, long in zip(costs[sizes[0]], costs[sizes[-1]], strict=True))
    yield figure("orders.linear", slope, wrong=said, note=f"a bar's cost at {sizes[-1]:,} bars over that at {sizes[0]:,}")


def _against(rows: int, pairs: int) -> Figure:
    """The same brackets in backtesting.py, whose limits fill when touched: so do ours here."""
    shown = "backtesting.py 0.6.6"
    try:
        with Rival("backtesting", file_of(rows), "heavy.py") as rival:
            rival.run()
            pair = in_turn(lambda: heavy(rows, touch=True).whole, rival.run, pairs)
            trial = heavy(rows, touch=True)
            said = checked(trial, rows, touch=True)
            fills, equity = len(trial.outcome.account.fills), trial.state.portfolio.equity / 1e6
            apart = abs(rival.answer["equity"] - equity)
            # A stop that the bar of its entry only touches fills here and not there: then a 500th of the price, a trade in 1,000.
            if abs(rival.answer["fills"] - fills) > fills * 0.001 or apart > max(1.0, fills * 0.001) * LOTS * 200.0 / 500.0:
                said = said or f"{shown} has {rival.answer}, we have {fills} fills and {equity:.2f}"
    except Failed as error:
        return figure("orders.heavy_backtesting", None, peer=shown, note=f"{shown}: {error}")
    note = f"{rows:,} bars, {pair.ours / rows * 1e6:.1f} us a bar against {pair.theirs / rows * 1e6:.1f}; "
    note += f"{fills:,} fills, theirs {rival.answer['fills']:,}; "
    note += f"equity {apart:.2f} USD apart (a stop that the bar of its entry just touches fills here, not there)"
    return figure(
        "orders.heavy_backtesting", pair.ratio, wrong=said, note=note, peer=shown, peer_value=rows * 3 / pair.theirs, ratio=pair.ratio
    )
