"""What orders cost: one market order more, and bars on which an entry is cancelled and placed anew with stop and target."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from time import process_time
from unittest.mock import patch

from argosy.engine.entries import Entries as Quick
from bench import oracle
from bench.clock import in_turn
from bench.figure import Figure, figure
from bench.market import prices, tape
from bench.peers import Failed, Rival, file_of
from bench.robots import LOTS, Brackets, Cross, Entries, Idle
from bench.trial import CASH, STEPPED, Trial, expected, play, walk, wrong

WALK = "_walk"
"""The call of the quick way that is machine code."""
SIZES = (5_000, 10_000, 20_000, 40_000)


def figures(quick: bool) -> Iterator[Figure]:
    """Microseconds an order and a bar, and whether the cost of a bar stays what it is as the run grows longer."""
    yield from _plain(quick)
    yield from _heavy(quick)
    yield from _stepped(quick)
    yield _compiled(quick)
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
    """The walk of the brackets, as the house walks a step that says entries."""
    return play(Entries, tape(rows), touch=touch)


def checked(trial: Trial, rows: int, *, refold: bool = False, touch: bool = False) -> str:
    """Why a walk of brackets does not count, against the independent loop."""
    series = prices(rows)
    open_, high, low, close = (column.tolist() for column in series[:4])
    return wrong(trial, oracle.brackets(open_, high, low, close, int(LOTS), CASH * 1_000_000, int(touch)), refold=refold)


def _heavy(quick: bool) -> Iterator[Figure]:
    sizes = SIZES[:2] if quick else SIZES
    costs: dict[int, list[float]] = {rows: [] for rows in sizes}
    said = ""
    heavy(SIZES[0])  # compiles what is compiled
    for k in range(3 if quick else 5):
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


def _stepped(quick: bool) -> Iterator[Figure]:
    """The same brackets stepped: as the ladders of a handler in Python, and as the step that is compiled above."""
    rows = 2_000 if quick else 10_000
    for name, strategy in (("orders.heavy_stepped", Brackets), ("orders.heavy_uncompiled", Entries)):
        trials = [play(strategy, tape(rows), scan_from=STEPPED) for _ in range(1 if quick else 3)]
        said = checked(trials[0], rows, refold=True)
        yield figure(name, median(trial.seconds for trial in trials) / rows * 1e6, wrong=said, note="every bar through the engine's step")


def _compiled(quick: bool) -> Figure:
    """Orders a second in the compiled loop alone: step, gate, matching, ledger and columns, without the journal's bytes and hashes."""
    rows = 10_000 if quick else 40_000
    spent, walk_ = [0.0], getattr(Quick, WALK)

    def timed(self: Quick, lo: int, hi: int) -> tuple[int, int, int]:
        begun = process_time()
        at, count, why = walk_(self, lo, hi)
        spent[0] += process_time() - begun
        return at, count, why

    heavy(SIZES[0])
    times = []
    with patch.object(Quick, WALK, timed):
        for _ in range(3):
            spent[0] = 0.0
            trial = heavy(rows)
            times.append(spent[0])
    note = f"{median(times) / rows * 1e9:.0f} ns a bar with 1 cancel and 3 orders; the journal's bytes, hashes and snapshots are in orders.heavy"
    return figure("orders.heavy_compiled", rows * 3 / median(times), wrong=checked(trial, rows), note=note)


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
