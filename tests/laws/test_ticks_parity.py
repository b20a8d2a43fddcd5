"""One law in two lanes, on ticks: a swept combination has every fill, and cash, equity, fees and lots to the unit, of its walk.

Latency, queue and depth are on and off in all ways; the loop in plain Python is the compiled one.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from argosy.core.errors import Misuse
from argosy.core.events import BookDelta, Fact, Session, Split, Trade
from argosy.core.strategy import Out
from argosy.core.tape import Tape
from argosy.core.time import MS
from argosy.house import Terms, Wanted, assemble, fee_schedule
from argosy.kernels.fees import bps, per_share
from argosy.kernels.queue import FIFO, PROPORTIONAL, reached, thinned
from argosy.kernels.sweep.account import ACCOUNT, FILLS, LEVELS
from argosy.kernels.sweep.marks import FIGURES
from argosy.kernels.ticks.depth import tops
from argosy.kernels.ticks.link import ticker
from argosy.lab.backtest import run
from argosy.lab.sweep import fills, records, sweep
from argosy.lab.sweep.grid import plan
from argosy.lab.sweep.shore import shores
from argosy.lab.sweep.work import FILL, desks
from argosy.lab.sweep.work import single as single_run
from argosy.venues.sim.levels import Levels
from tests.laws.tides import Maker, Odd, Rolls, RollsAll, RollsTrades, RollsWeight, market, parity, tapes

DRILL = bool(os.environ.get("ARGOSY_DRILL"))
FEES = ("alpaca", "free", per_share(0.005, 1.0), bps(2.0, 7.0))
KINDS = (("trade",), ("quote",), ("trade", "quote"), ("trade", "book"), ("trade", "quote", "book"))


@settings(max_examples=300 if DRILL else 30, deadline=None)
@given(
    seed=st.integers(1, 2_000_000), strategy=st.sampled_from([Rolls, RollsAll, RollsTrades, RollsWeight, Maker]), kinds=st.sampled_from(KINDS),
    often=st.integers(1, 40), limits=st.integers(0, 1), guards=st.integers(0, 1), adds=st.integers(0, 1), fees=st.sampled_from(FEES),
    rule=st.sampled_from(["through", "touch"]), latency=st.sampled_from([0.0, 1.0, 2.5, 10.0]), jitter=st.sampled_from([0.0, 3.0]),
    report=st.sampled_from([0.0, 1.0, 4.5]), depth=st.booleans(), queue=st.sampled_from(["none", "fifo", "proportional"]),
    share=st.sampled_from([0.0, 0.0, 0.3, 1.0]),
)  # fmt: skip
def test_any_strategy_on_any_ticks_is_its_walk(
    seed: int, strategy: type, kinds: Any, often: int, limits: int, guards: int, adds: int, fees: Any, rule: Any, latency: float,
    jitter: float, report: float, depth: bool, queue: Any, share: float,
) -> None:  # fmt: skip
    if "trade" not in kinds:
        strategy = Rolls
    deep = depth and "book" in kinds
    terms = Terms(
        cash=20_000.0, fees=fees, limit_rule=rule, latency_ms=latency, latency_jitter_ms=jitter, latency_seed=seed, report_latency_ms=report,
        depth=deep, queue=queue if deep else "none", participation_frac=share,
    )  # fmt: skip
    params: dict[str, Any] = {"seed": seed, "often": often, "limits": limits, "guards": guards, "adds": adds}
    if strategy is RollsWeight:
        params["part"] = 0.1
    if strategy is Maker:
        params = {"size": float(1 + seed % 7), "away": (seed % 3) / 100.0}
    event(f"told: {parity(strategy, params, market(seed, 300, kinds), terms)}")


@pytest.mark.parametrize("model", [{}, {"latency_ms": 2.5}, {"report_latency_ms": 1.5}, {"depth": True}, {"depth": True, "queue": "fifo"}])
def test_each_model_by_itself_is_told(model: dict[str, Any]) -> None:
    """None of the figures above is empty: with each model by itself a maker trades, and both lanes say how."""
    terms = Terms(cash=20_000.0, fees="free", **model)
    data = market(5, 1_500, ("trade", "quote", "book"))
    assert parity(Maker, {}, data, terms)
    assert fills(Maker, data, terms=terms).height > 20


def test_sessions_end_orders_as_in_the_walk() -> None:
    made = tapes(3, 1_200, ("trade", "quote"))
    last = int(made[0]["known"][-1])
    ends = [Session(t, t, "XNYS", False, k, t) for k, t in enumerate(range(last // 9, last, last // 9))]
    data = (market(3, 10, ("trade",), calendar="XNYS")[0], made, [*ends, Fact(5, 5, "s", "news", 1.0)])
    kept = sum(parity(Rolls, {"seed": k, "often": 30, "adds": 0}, data, Terms(cash=20_000.0, latency_ms=1.0)) for k in range(4))
    assert kept > 0


def test_days_end_orders_round_the_clock() -> None:
    made = [
        Tape(tape.kind, dict(tape.columns) | {name: tape[name] * 100_000 for name in ("ts", "known")})
        for tape in tapes(4, 1_500, ("trade", "quote"), calm=0.97)
    ]  # fmt: skip
    data = (market(4, 10, ("trade",))[0], made, [])
    assert sum(parity(Rolls, {"seed": k, "often": 60, "guards": k % 2}, data, Terms(cash=20_000.0)) for k in range(4)) > 0


def test_many_combinations_at_once_are_each_alone() -> None:
    data = market(9, 20_000, ("trade", "book"))
    terms = Terms(cash=20_000.0, fees="alpaca", depth=True, queue="fifo", latency_ms=1.0)
    grid = {"size": [1.0, 2.0, 3.0, 5.0], "away": [0.0, 0.01, 0.02]}
    rows = sweep(Maker, data, grid, terms=terms, trials=None, by="", workers=2)
    assert rows.height == 12
    for one in rows.rows(named=True)[::5]:
        outcome = run([Wanted("one", Maker, {name: one[name] for name in grid})], data, terms)
        assert one["equity_units"] == outcome.run.engine.state.portfolio.equity
        assert one["fills"] == len(outcome.account.fills) > 0


# -- the law in words --------------------------------------------------------------------------------------------------


BID: dict[str, float] = {"limit": 10.0}
POUNCE: dict[str, float] = {}
"""5 lots, from the first print on: bid at 10.00, or taken at market."""


def table(trades: list[tuple[int, float, float, int]], book: list[tuple[int, int, float, float]] = ()) -> Any:  # type: ignore[assignment]
    """Trades (ms, price, size, aggressor) and levels (ms, side, price, size) of one instrument."""
    at = np.asarray([row[0] for row in trades], np.int64) * MS
    columns: dict[str, Any] = {"ts": at, "known": at, "instrument": np.zeros(len(at), np.int64)}
    columns |= {name: np.asarray([row[k] for row in trades]) for name, k in (("price", 1), ("size", 2), ("side", 3))}
    made = [Tape(Trade, columns)]
    if book:
        at = np.asarray([row[0] for row in book], np.int64) * MS
        columns = {"ts": at, "known": at, "instrument": np.zeros(len(at), np.int64), "clear": np.zeros(len(at), np.bool_)}
        columns |= {name: np.asarray([row[k] for row in book]) for name, k in (("side", 1), ("price", 2), ("size", 3))}
        made.append(Tape(BookDelta, columns))
    return market(1, 10, ("trade",))[0], made, []


def got(params: dict[str, float], data: Any, **terms: Any) -> list[tuple[int, int, float]]:
    """(ms at which the engine heard, lots, price) of each fill, the same in both lanes."""
    said = Terms(cash=20_000.0, fees="free", **terms)
    assert parity(Odd, params, data, said)
    return [(known // MS, lots, price) for known, lots, price in fills(Odd, data, params=params, terms=said).select("known", "lots", "price").rows()]


QUEUED: list[tuple[str, str, list[tuple[int, float, float, int]], list[tuple[int, int, float, float]], list[tuple[int, int, float]]]] = [
    # a book that shows 8 at 10.00 before the order comes at 2 ms; sells of 6 and 4 trade there: 8 - 6 - 4 leaves 2 for the order
    ("trades", "fifo", [(2, 10.1, 1, 1), (3, 10.0, 6, -1), (4, 10.0, 4, -1), (5, 10.0, 9, -1)], [(1, 1, 10.0, 8)], [(4, 2, 10.0), (5, 3, 10.0)]),
    # a buyer's trade at 10.00 takes nothing from the queue of bids
    ("buyers", "fifo", [(2, 10.1, 1, 1), (3, 10.0, 50, 1), (4, 10.0, 7, -1), (5, 10.0, 2, -1)], [(1, 1, 10.0, 8)], [(5, 1, 10.0)]),
    # the level shrinks to 3: at most 3 are ahead
    ("fewer", "fifo", [(2, 10.1, 1, 1), (4, 10.0, 4, -1), (5, 10.0, 4, -1)], [(1, 1, 10.0, 8), (3, 1, 10.0, 3)], [(4, 1, 10.0), (5, 4, 10.0)]),
    # it grows: those come behind
    ("more", "fifo", [(2, 10.1, 1, 1), (4, 10.0, 9, -1)], [(1, 1, 10.0, 8), (3, 1, 10.0, 80)], [(4, 1, 10.0)]),
    # a trade below passes the whole level
    ("through", "fifo", [(2, 10.1, 1, 1), (3, 9.99, 1, -1)], [(1, 1, 10.0, 8)], [(3, 5, 10.0)]),
    # 4 of 12 behind and before leave evenly: of 8 ahead a third goes, 5.33 stay, a trade of 7 leaves one whole lot
    ("evenly", "proportional", [(2, 10.1, 1, 1), (5, 10.0, 7, -1)], [(1, 1, 10.0, 8), (3, 1, 10.0, 12), (4, 1, 10.0, 8)], [(5, 1, 10.0)]),
    # the same under fifo: nobody ahead left, a trade of 7 does not come to the order
    ("worst", "fifo", [(2, 10.1, 1, 1), (5, 10.0, 7, -1)], [(1, 1, 10.0, 8), (3, 1, 10.0, 12), (4, 1, 10.0, 8)], []),
    # the asks come down to the bid: it is filled whole, at its own price
    ("crossed", "fifo", [(2, 10.1, 1, 1)], [(1, 1, 10.0, 8), (3, -1, 10.3, 2), (4, -1, 9.9, 2)], [(4, 5, 10.0)]),
    # without a queue, the trade at 10.00 is not through it, the one at 9.99 is
    ("none", "none", [(2, 10.1, 1, 1), (3, 10.0, 50, -1), (4, 9.99, 1, -1)], [(1, 1, 10.0, 8)], [(4, 5, 10.0)]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "queue", "trades", "book", "right"), QUEUED, ids=[row[0] for row in QUEUED])
def test_a_queue_counted_by_hand(name: str, queue: Any, trades: Any, book: Any, right: Any) -> None:
    assert got(BID, table(trades, book), depth=True, queue=queue) == right


def test_latency_there_and_back_counted_by_hand() -> None:
    """Sent at 2 ms, there at 4: the print at 3 is too soon, the one at 4 fills; the news is back at 7."""
    data = table([(2, 10.0, 9, 1), (3, 10.1, 9, 1), (4, 10.2, 9, 1), (9, 10.3, 9, 1)])
    assert got(POUNCE, data) == [(3, 5, 10.1)]
    assert got(POUNCE, data, latency_ms=2.0) == [(4, 5, 10.2)]
    assert got(POUNCE, data, latency_ms=2.0, report_latency_ms=3.0) == [(7, 5, 10.2)]
    assert got(POUNCE, data, report_latency_ms=30.0) == []  # the tape has ended


def test_depth_takes_from_the_book_not_from_the_print() -> None:
    data = table([(2, 10.0, 9, 1), (3, 10.1, 9, 1)], [(1, -1, 10.4, 3), (4, -1, 10.5, 3)])
    assert got(POUNCE, data) == [(3, 5, 10.1)]
    assert got(POUNCE, data, depth=True) == [(4, 5, 10.4)]
    assert got(POUNCE, data, depth=True, participation_frac=1.0) == [(4, 3, 10.4)]


def test_what_ahead_means() -> None:
    assert reached.py(8.0, 6.0) == (2.0, 0.0)
    assert reached.py(2.0, 5.0) == (0.0, 3.0)
    assert reached.py(2.0, float("nan")) == (2.0, 0.0)
    assert thinned.py(FIFO, 8.0, 0.0, 12.0, 9.0, 0.0) == 8.0
    assert thinned.py(FIFO, 8.0, 2.0, 12.0, 3.0, 0.0) == 5.0
    assert thinned.py(PROPORTIONAL, 8.0, 0.0, 12.0, 9.0, 0.0) == 6.0
    assert thinned.py(PROPORTIONAL, 8.0, 0.0, 12.0, 9.0, 3.0) == 8.0  # what left has traded


@pytest.mark.parametrize("seed", range(3))
def test_the_book_of_a_tape_is_the_venue_s(seed: int) -> None:
    """Both lanes keep the book in ways of their own: after every row they show the same."""
    (tape,) = tapes(seed, 400, ("book",))
    cents = np.rint(tape["price"] * 100.0).astype(np.int64)
    level, count = cents - cents.min(), int(cents.max() - cents.min()) + 1
    for lane in (tops.py, tops.jit):
        out = [np.empty(len(tape)) for _ in range(7)]
        lane(tape["known"], tape["side"], level, tape["size"], tape["clear"], tape["price"], *(np.empty(count) for _ in range(3)), *out)
        levels = Levels()
        for t, delta in enumerate(tape.rows()):
            assert isinstance(delta, BookDelta)
            before = 0.0 if delta.clear else levels.size(delta.side, delta.price)
            levels.apply(delta)
            assert repr((*levels.top(), before)) == repr(tuple(float(column[t]) for column in out[:5]))
            assert (out[5][t] == np.inf and out[6][t] == -np.inf) == (levels.torn == delta.known)


# -- both ways to run the loop -----------------------------------------------------------------------------------------

def case(k: int, strategy: type) -> tuple[Any, dict[str, Any], Any, Terms]:
    """A small run, its models on and off by its number."""
    kinds = KINDS[k % 5]
    deep = "book" in kinds and k % 3 != 0
    params: dict[str, Any] = {"seed": k, "often": 2 + k % 9, "limits": k % 2, "adds": k % 3 // 2, "part": 0.1 if strategy is RollsWeight else 1.0}
    if strategy is Maker:
        params = {"size": 2.0 + k}
    terms = Terms(
        cash=20_000.0, fees=FEES[k % 4], limit_rule=("through", "touch")[k % 2], depth=deep, latency_jitter_ms=(0.0, 3.0)[k % 2],
        queue=("none", "fifo", "proportional")[k % 3] if deep else "none", latency_ms=(0.0, 1.0, 2.5)[k % 3],
        report_latency_ms=(0.0, 0.0, 1.5)[k % 3], participation_frac=(0.0, 0.3)[k // 3 % 2],
    )  # fmt: skip
    return strategy, params, market(30 + k, 500, kinds), terms


ORDER = (Rolls, Rolls, RollsAll, RollsAll, Maker, Rolls, Rolls, RollsWeight, Maker, Maker, RollsTrades, Rolls, RollsAll, Maker)
PLAIN = [case(k, strategy) for k, strategy in enumerate(ORDER)]
PLAIN += [
    (Rolls, {"often": 2}, market(50, 300, ("trade",), shortable=False), Terms(cash=20_000.0)),
    (Rolls, {"often": 2}, market(51, 300, ("trade",), min_lots=4), Terms(cash=20_000.0)),
    (Rolls, {"often": 25, "guards": 0}, (market(52, 9, ("trade",), calendar="XNYS")[0], tapes(52, 400, ("trade",)),
     [Session(t * MS, t * MS, "XNYS", False, t, t * MS) for t in (90, 200, 301)]), Terms(cash=20_000.0, latency_ms=1.0)),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(PLAIN)))
def test_the_loop_in_plain_python_is_the_compiled_one(number: int) -> None:
    strategy, params, data, terms = PLAIN[number]
    made = plan(strategy, {}, params)
    land = shores(data, (), made.declaration, terms)[0]
    out, log, _ = single_run(made, land, fee_schedule(terms.fees), 900, 0)
    account, figures, plain = np.zeros((1, ACCOUNT), np.int64), np.zeros((1, FIGURES)), np.empty(900, FILL).view(np.recarray)
    declaration = made.declaration
    rows = land.rows._replace(**{name: getattr(land.rows, name).tolist() for name in land.rows._fields if "bounds" not in name})
    ticker(declaration.step).py(
        0, 0, np.zeros(2, np.int64), land.cash, rows, land.cuts.tolist(), [land.warm(made.combinations[0].warmup)], [declaration.params],
        [declaration.state()], [Out()], land.market, fee_schedule(terms.fees), land.sea, land.days.tolist(), land.closes.tolist(), account,
        np.empty((1, LEVELS)), *desks(1), plain, figures,
    )  # fmt: skip
    assert account[0].tolist() == out.accounts[0].tolist()
    assert figures[0].tobytes() == out.figures[0].tobytes()
    assert account[0, FILLS] <= 900
    assert plain[: account[0, FILLS]].tobytes() == log[: account[0, FILLS]].tobytes()


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "code"),
    [({"target": float("nan")}, "SWEEP_STEP_OUT"), ({"limit": 2e9}, "SWEEP_PRICE"), ({"target": 4e18}, "SWEEP_STEP_OUT"),
     ({"root": 0.0}, "SWEEP_STEP_RAISED"), ({"target": -4.0}, "SWEEP_NOT_SHORTABLE"), ({"target": 8e17}, "SWEEP_OVERFLOW")],
)  # fmt: skip
def test_a_combination_that_cannot_be_told_says_why(params: dict[str, float], code: str) -> None:
    row = sweep(Odd, market(7, 50, ("trade",), shortable=False), {}, params=params, terms=Terms(cash=20_000.0), trials=None).row(0, named=True)
    assert row["refused"] == code
    assert row["equity_units"] is None


def test_terms_and_tapes_that_cannot_be_told_are_refused() -> None:
    data = market(8, 60, ("trade",))
    both = market(8, 60, ("trade", "book"))
    for code, given_, terms in (
        ("SIM_QUEUE", data, Terms(queue="fifo", depth=True)), ("SIM_QUEUE", both, Terms(queue="fifo")),
        ("SWEEP_LIMITS", data, Terms(profile="desk")), ("SWEEP_VENUE", data, Terms(participation_frac=2.0)),
        ("SWEEP_TAPE", market(8, 60, ("book",)), Terms()), ("SWEEP_TAPE", (data[0], [*data[1], *data[1]], []), Terms()),
        ("SWEEP_EVENTS", (data[0], data[1], [Session(5, 5, "24/7", False, 0, 5)]), Terms()),
    ):  # fmt: skip
        with pytest.raises(Misuse, match=code):
            sweep(Maker, given_, {}, terms=terms, trials=None)
    with pytest.raises(Misuse, match="SWEEP_RECORDS"):
        records(Maker, data)
    with pytest.raises(Misuse, match="SIM_QUEUE"):
        assemble([Wanted("one", Maker)], data, Terms(queue="fifo", depth=True))
    split = (data[0], data[1], [Split(5, 5, data[0][0].id, 2.0)])
    with pytest.raises(Misuse, match="SIM_REPORT"):  # a fill of before it would be heard in the lots of after it
        assemble([Wanted("one", Maker)], split, Terms(report_latency_ms=1.0))
    assemble([Wanted("one", Maker)], split, Terms(latency_ms=1.0))
