"""One law in two lanes for steps that say entries with their own stops and targets: walked compiled they leave what stepping leaves."""

from __future__ import annotations

import math
import os
from collections import Counter
from typing import Any

import msgspec
import numpy as np
import pytest

from argosy.core.effects import Cancel
from argosy.core.errors import Misuse
from argosy.core.events import Bar, Command, Event, Fill
from argosy.core.strategy import declare
from argosy.core.tape import Tape
from argosy.core.time import MINUTE
from argosy.engine.engine import Breakers
from argosy.engine.entries import Entries
from argosy.engine.records import Memory, Reserve, Stretch, Verdict, Wanted
from argosy.engine.restart import restart
from argosy.engine.turns import ROW
from argosy.house import Terms, assemble
from argosy.house import Wanted as Asked
from argosy.kernels.brackets import ENTRY, INSIDE, OPEN, STOP, TAKE
from argosy.kernels.entries import walker
from argosy.lab.backtest import Outcome
from argosy.lab.orders import orders
from tests.laws.lanes import FREE, SCANNED, STEPPED, Case, both, difference, said
from tests.laws.market import bars, instruments
from tests.laws.test_lanes import Records
from tests.laws.wild_entries import STRATEGIES, case

SEEDS = range(60)
DRILL = bool(os.environ.get("ARGOSY_DRILL"))
BLOCK = 250


class Once(msgspec.Struct):
    """Bars called at."""

    n: int = 0


class At(msgspec.Struct):
    """What is said from bar `first` on, and at which bar the step fails."""

    first: int = 1
    last: int = 1
    lots: float = 10.0
    limit: float = 99.0
    stop: float = 98.0
    take: float = 101.0
    fails: int = 0


class Says:
    """An entry at fixed prices at bars `first` to `last`, nothing afterwards."""

    unit = "lots"
    wants = "entry"
    params = At
    state = Once

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        state.n += 1
        if params.fails != 0 and state.n == params.fails:
            out.target = 1.0 / (params.fails - state.n)
        out.target = math.inf
        if params.first <= state.n <= params.last:
            out.target, out.limit, out.stop, out.take = params.lots, params.limit, params.stop, params.take


def tape(*rows: tuple[float, float, float, float]) -> Tape:
    """Minutes of open, high, low, close each."""
    prices = np.array(rows, float)
    ts = np.arange(len(rows), dtype=np.int64) * MINUTE
    like = np.full(len(rows), 1)
    columns = {"ts": ts, "known": ts + MINUTE, "instrument": like * 0, "volume": like * 1000.0, "span": like * MINUTE}
    return Tape(Bar, columns | dict(zip(("open", "high", "low", "close"), prices.T, strict=True)))


QUIET = (100.0, 100.5, 99.5, 100.0)


def told(run: Any) -> list[tuple[int, int, float, bool]]:
    """(minute of the bar at whose start or in which it filled, signed lots, price, maker) of each fill."""
    return [(fill.ts // MINUTE, fill.side * fill.lots, fill.price, fill.maker) for fill in said(run, Fill)]


@pytest.mark.parametrize(
    ("rows", "fills"),
    [
        # inside its first bar, below the limit; the target is beyond that bar's reach and met by the next one
        ([QUIET, (100.0, 102.0, 98.5, 100.0), (100.0, 101.5, 99.5, 101.0)], [(2, 10, 99.0, True), (3, -10, 101.0, True)]),
        # only met, not passed: through fills nothing
        ([QUIET, (100.0, 102.0, 99.0, 100.0), QUIET], []),
        # at the open, better than the limit; then the whole bar counts, and stop and target both inside are the worse one
        ([QUIET, (98.5, 102.0, 97.5, 100.0), QUIET], [(1, 10, 98.5, False), (2, -10, 98.0, False)]),
        # at the open, and the target in the same bar
        ([QUIET, (98.5, 102.0, 98.2, 100.0), QUIET], [(1, 10, 98.5, False), (2, -10, 101.0, True)]),
        # at the open beyond its own stop: both at the open
        ([QUIET, (97.0, 102.0, 96.0, 100.0), QUIET], [(1, 10, 97.0, False), (1, -10, 97.0, False)]),
        # inside, and the stop in the same bar
        ([QUIET, (100.0, 102.0, 97.0, 100.0), QUIET], [(2, 10, 99.0, True), (2, -10, 98.0, False)]),
        # the open gaps through the stop, and through the target
        ([QUIET, (100.0, 100.5, 98.5, 99.0), (97.0, 97.5, 96.0, 97.0)], [(2, 10, 99.0, True), (2, -10, 97.0, False)]),
        ([QUIET, (100.0, 100.5, 98.5, 99.0), (103.0, 104.0, 102.0, 103.0)], [(2, 10, 99.0, True), (2, -10, 103.0, True)]),
    ],
)  # fmt: skip
def test_an_entry_and_its_exits_fill_as_the_bars_say(rows: list[Any], fills: list[Any]) -> None:
    run = both(Says, {}, instruments(1), tape(*rows, QUIET), [])
    assert told(run) == fills
    assert any(type(record) is Stretch for record in run.engine.journal.kept())


def test_the_mirror_image_is_sold() -> None:
    up, down = (100.0, 102.5, 99.8, 100.0), (100.0, 100.2, 98.0, 99.0)
    run = both(Says, {"lots": -10.0, "limit": 101.0, "stop": 103.0, "take": 99.0}, instruments(1), tape(QUIET, up, down, QUIET), [])
    assert told(run) == [(2, -10, 101.0, True), (3, 10, 99.0, True)]


def test_the_same_entry_said_again_rests_and_after_its_fill_it_is_a_new_one() -> None:
    falls = (100.0, 100.5, 98.5, 99.5)
    run = both(Says, {"last": 4}, instruments(1), tape(QUIET, QUIET, QUIET, falls, falls, QUIET), [])
    assert told(run) == [(4, 10, 99.0, True), (5, 10, 99.0, True)]
    assert len(said(run, Wanted)) == 2
    assert said(run, Cancel) == []
    assert [record.submit.approved.order.tag for record in said(run, Reserve)] == ["rung:in"] * 2


def test_no_lots_withdraw_the_entry_and_leave_what_filled_its_exits() -> None:
    class Withdraws(Says):
        @staticmethod
        def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
            state.n += 1
            out.target = params.lots if state.n != 4 else 0.0
            out.limit, out.stop, out.take = params.limit - 0.01 * state.n, params.stop, params.take

    falls = (100.0, 100.5, 98.5, 99.5)
    run = both(Withdraws, {}, instruments(1), tape(QUIET, falls, QUIET, QUIET, falls, QUIET), [])
    assert told(run) == [(2, 10, 98.99, True), ]
    assert run.market.busy(0)
    assert run.engine.state.portfolio.lots == [10]


def test_an_entry_needs_a_limit_and_a_step_in_lots() -> None:
    run = both(Says, {"limit": math.inf}, instruments(1), tape(*[QUIET] * 4), [])
    assert [failure.error.split(":")[0] for failure in run.engine.failures] == ["STEP_OUT"] or run.engine.failures
    for body in ({"wants": "both"}, {"unit": "weight"}):
        with pytest.raises(Misuse, match="STRATEGY_WANTS"):
            declare(type("Odd", (Says,), body))


def test_what_the_gate_refuses_is_refused_with_its_numbers() -> None:
    """An entry at a target that still rests would trade with it: the engine says so, and the walk goes on."""
    falls = (100.0, 100.5, 98.5, 99.5)

    class Higher(Says):
        @staticmethod
        def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
            state.n += 1
            out.target, out.stop, out.take = params.lots, 90.0, 101.0
            out.limit = 99.0 if state.n < 4 else 101.0 if state.n < 8 else 99.0

    run = both(Higher, {}, instruments(1), tape(QUIET, falls, *[QUIET] * 8), [])
    assert {record.outcome.code for record in said(run, Verdict)} == {"SELF_CROSS"}


def test_a_step_that_raises_is_quarantined_and_its_exits_stay() -> None:
    falls = (100.0, 100.5, 98.5, 99.5)
    run = both(Says, {"last": 9, "fails": 5}, instruments(1), tape(QUIET, falls, *[QUIET] * 8), [])
    assert run.engine.state.status["one"] == "quarantined"
    assert run.engine.state.portfolio.lots == [10]
    assert sorted(ticket.order.tag for ticket in run.engine.state.blotter.open[0].values()) == ["stop", "take"]


def test_a_breaker_fires_in_the_middle_of_a_stretch() -> None:
    """Ten thousand shares lose four dollars each: a twelfth of the account."""
    wide = {"lots": 10_000.0, "stop": 50.0, "take": 150.0}
    rows = [QUIET, (100.0, 100.5, 98.5, 99.0), (99.0, 99.0, 95.0, 95.0), *[(95.0, 95.0, 95.0, 95.0)] * 4]
    terms = Terms(cash=480_000.0, multiplier=4.0, fees="free", slippage_bps=0.0, breakers=Breakers(daily_loss_frac=0.05))
    run = both(Says, wide, instruments(1), tape(*rows), [], terms)
    assert run.engine.state.level == 2
    assert any(type(record) is Stretch for record in run.engine.journal.kept())


@pytest.mark.parametrize("verb", ["pause", "flatten", "retire"])
def test_commands_come_between_stretches(verb: str) -> None:
    market = bars(5, 400)
    at = int(market["known"][200]) + 1
    later = int(market["known"][300]) + 1
    events: list[Event] = [Command(at, at, verb, "me", "why", "one"), Command(later, later, "unpause", "me", "why", "one")]
    run = both(STRATEGIES[0], {"gap": 2.0, "stop": 9.0, "take": 9.0, "ticks": 0.01}, instruments(1), market, events)
    assert len(said(run, Fill)) > 20


@pytest.mark.parametrize("k", [3, 90, 171, 299, 398])
def test_a_restart_in_the_middle_changes_nothing(k: int) -> None:
    drawn = Case(Asked("one", STRATEGIES[4], {"gap": 2.0, "stop": 9.0, "take": 12.0, "ticks": 0.01}), instruments(1), [bars(11, 400)], [], FREE)
    k = min(k, len(drawn.tapes[0]) - 1)
    whole = drawn.run(SCANNED)[0]
    dead = _wired(drawn)
    dead.engine.open(dead.cash)
    dead.replay.run(stop=k)
    fresh = _wired(drawn)
    fresh.engine.journal = dead.engine.journal
    found = restart(fresh.engine, dead.engine.journal.records(), dead.replay.source.rows())
    assert (found.differed, found.changed) == ({}, [])
    for bar in list(dead.replay.source.rows(fresh.engine.state.rows))[: k - fresh.engine.state.rows]:
        assert fresh.engine.step(bar) == ()
    assert fresh.engine.state.hash == dead.engine.state.hash
    dead.replay.engine = fresh.engine
    dead.replay.run()
    fresh.engine.close()
    assert fresh.engine.state.hash == whole.engine.state.hash
    one, other = list(fresh.engine.journal.records()), list(whole.engine.journal.records())
    assert repr(one) == repr(other)


def test_long_spans_of_decisions_are_snapshot_alike() -> None:
    """Three decisions a bar: the snapshot of every 4,096 falls into the walk, on the same record."""
    run = both(STRATEGIES[0], {"gap": 3.0, "stop": 9.0, "take": 9.0, "ticks": 0.01}, instruments(1), bars(21, 2_600), [])
    assert len(said(run, Memory)) >= 2
    assert sum(type(record) is Stretch for record in run.engine.journal.kept()) >= 2


def _wired(drawn: Case) -> Any:
    return assemble([drawn.wanted], (drawn.instruments, drawn.tapes, drawn.events), drawn.terms, scan_from=SCANNED)


def test_the_orders_of_a_report_are_the_same() -> None:
    drawn = Case(Asked("one", STRATEGIES[4], {"gap": 2.0, "stop": 9.0, "take": 12.0, "ticks": 0.01}), instruments(1), [bars(12, 300)], [], FREE)
    shown = []
    for lane in (SCANNED, STEPPED):
        run, account, _ = drawn.run(lane)
        outcome = Outcome(run, account, 0.0, run.replay.source)
        shown.append((orders(outcome), outcome.fills(), outcome.equity().tolist()))
    assert shown[0] == shown[1]
    assert {row.tag for row in shown[0][0]} == {"rung:in", "stop", "take"}


def test_the_walk_is_the_same_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernels as Python, row by row, leave what their machine code leaves."""
    for seed in (500, 501, 502, 504):
        drawn = case(seed)._replace(bulk=True)
        compiled = drawn.run(SCANNED)[0]
        with monkeypatch.context() as patch:
            patch.setattr(Entries, "__init__", _plain(Entries.__init__))
            plain = drawn.run(SCANNED)[0]
        for one, other in zip(plain.engine.journal.kept(), compiled.engine.journal.kept(), strict=True):
            assert repr(one) == repr(other)
        assert plain.engine.state.hash == compiled.engine.state.hash


def _plain(made: Any) -> Any:
    """A walk whose kernel is Python."""

    def init(self: Any, engine: Any, slot: Any, columns: Any) -> None:
        made(self, engine, slot, columns)
        self._kernel = walker(slot.declaration.step).py
        for name in ("_table", "_states", "_outs", "_lasts", "_row", "_params", "_log", "_memo"):
            setattr(self, name, Records(getattr(self, name)))
        self._before = tuple(Records(array) for array in self._before)

    return init


# -- drawn -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_both_lanes_leave_the_same(seed: int) -> None:
    _, found = difference(case(seed))
    assert not found, f"seed {seed}: {found}"


@pytest.mark.skipif(not DRILL, reason="a long drill: set ARGOSY_DRILL=1")
@pytest.mark.parametrize("first", range(1_000, 5_000, BLOCK))
def test_both_lanes_leave_the_same_thousands_of_times(first: int) -> None:
    found = {seed: said for seed in range(first, first + BLOCK) if (said := difference(case(seed))[1])}
    assert not found, "\n".join(f"seed {seed}: {said}" for seed, said in found.items())


def test_the_cases_are_wild_enough() -> None:
    """The law above sees every kind of fill that a stretch can hold, and everything that ends one."""
    seen: Counter[Any] = Counter()
    for seed in SEEDS:
        run, _, _ = case(seed).run(SCANNED)
        for record in run.engine.journal.kept():
            if type(record) is Stretch:
                seen["stretches"] += 1
                rows = np.frombuffer(record.deals, ROW)
                seen.update(zip(rows["kind"].tolist(), rows["what"].tolist(), rows["maker"].tolist(), strict=True))
                seen["short"] += int(np.sum((rows["kind"] != 1) & (rows["side"] < 0)))
                seen["canceled"] += int(np.sum(rows["gone"] > 0))
        seen.update({type(record).__name__ for _, record in run.engine.journal.records()})
        seen.update({failure.error.split(":")[0] for failure in run.engine.failures})
        seen.update(refused for refused, times in run.engine.state.counters.refusals.items() if times)
    for kind, what, maker in ((OPEN, ENTRY, 0), (OPEN, STOP, 0), (OPEN, TAKE, 1), (INSIDE, ENTRY, 1), (INSIDE, STOP, 0), (INSIDE, TAKE, 1)):
        assert seen[kind, what, maker] >= 5, (kind, what, maker, seen)
    for kind in ("stretches", "short", "canceled", "Verdict", "Latch", "ZeroDivisionError", "Misuse"):
        assert seen[kind] >= 2, (kind, seen)
    assert sum(1 for kind in seen if isinstance(kind, str) and kind.isupper()) >= 6, seen
