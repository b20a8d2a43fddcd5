"""Execution algorithms through the whole engine: children one by one through the gate, by hand, minute by minute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest

from argosy.core import events as ev
from argosy.core.events import Bar, Command, Quote, Session, Split, Timer, Trade
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Hold, Iceberg, Pov, Protection, Shortfall, Target, Twap, Vwap
from argosy.core.orders import Refused, Tif
from argosy.core.tape import Tape
from argosy.core.time import MINUTE
from argosy.engine.algos.grain import Grain
from argosy.engine.fold import fold
from argosy.engine.journal import Cross, Given, Released, Unsized, Verdict
from argosy.engine.restart import restart
from argosy.engine.state import State
from argosy.house import assemble
from tests.walks.hand import (
    NAN,
    Stage,
    fills,
    lots,
    orders,
    play,
    records,
    resting,
    sent,
    terms,
    wanted,
    wire,
)

TWAP4 = Twap(4 * MINUTE, 4)


def stage(plan: Any, **given: Any) -> Stage:
    """A stage whose one instrument has minute bars with volume."""
    out = Stage({"a": plan}, **given)
    out.engine.grains[0] = Grain(MINUTE, True)
    return out


def bars(volumes: Sequence[float], price: float = 10.0) -> Tape:
    """Minute bars that stand still, with these volumes."""
    n = len(volumes)
    ts = np.arange(n, dtype=np.int64) * MINUTE
    flat = np.full(n, price)
    return Tape(Bar, {
        "ts": ts, "known": ts + MINUTE, "instrument": np.zeros(n, np.int64), "open": flat, "high": flat, "low": flat, "close": flat,
        "volume": np.array(volumes, np.float64), "span": np.full(n, MINUTE),
    })  # fmt: skip


def over(tapes: Sequence[Tape], plan: Any, events: Sequence[Any] = (), table: Instruments | None = None, **given: Any) -> Any:
    """A finished run of one strategy over tapes."""
    names = table or Instruments([Instrument(symbol="S0")])
    run = assemble(wanted({"a": plan}), (names, list(tapes), list(events)), terms(**given))
    run.go()
    run.engine.state.portfolio.check()
    return run


def let_go(run: Any) -> list[int]:
    return [released.back for released in records(run, Released)]


# -- schedules ---------------------------------------------------------------------------------------------------------


def test_twap_sends_its_parts_at_their_minutes() -> None:
    """Wanted at the end of minute 0: 10 lots in four parts of 3, 3, 2 and 2, each at the next open."""
    run = play({"a": {0: Target(0, lots=10, execution=TWAP4)}}, [10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0])
    assert fills(run) == [(1, 3, 11.0), (2, 3, 12.0), (3, 2, 13.0), (4, 2, 14.0)]
    assert let_go(run) == [7, 4, 2, 0]
    assert run.engine.state.courses == {}


def test_vwap_sends_by_its_curve() -> None:
    run = play({"a": {0: Target(0, lots=-10, execution=Vwap(3 * MINUTE, (5.0, 2.0, 3.0)))}}, [10.0] * 6)
    assert fills(run) == [(1, -5, 10.0), (2, -2, 10.0), (3, -3, 10.0)]


def test_shortfall_sends_most_at_first() -> None:
    """kappa = acosh(1.5): e^kappa is (3 + sqrt 5) / 2, and of 21 lots 13, 5, 2 and 1 (sinh in the ratio 21 : 8 : 3 : 1 : 0)."""
    algo = Shortfall(4 * MINUTE, 4, risk_aversion=1.0, volatility=1.0, impact=1.0)
    run = play({"a": {0: Target(0, lots=21, execution=algo)}}, [10.0] * 7)
    assert fills(run) == [(1, 13, 10.0), (2, 5, 10.0), (3, 2, 10.0), (4, 1, 10.0)]


def test_pov_follows_what_is_traded() -> None:
    """A tenth of 100, 50, 0 and 300: known at the ends of minutes 1 to 4, sent then, filled at the next open."""
    plan = {0: Target(0, lots=40, execution=Pov(0.1))}
    run = over([bars([1e6, 100.0, 50.0, 0.0, 300.0, 10.0, 10.0, 1e6])], plan)
    assert fills(run) == [(2, 10, 10.0), (4, 5, 10.0), (5, 25, 10.0)]  # none in minute 3, which nobody traded; the last is cut


def test_pov_on_trades_counts_prints() -> None:
    """Half of prints of 4, 6 and 100 after the decision, which a fill at the first print makes."""

    class OnTrade:
        def on_trade(self, trade: Trade, book: Any) -> Any:
            return Target(0, lots=20, execution=Pov(0.5)) if trade.size == 7.0 else None

    n = 5
    at = np.arange(1, n + 1, dtype=np.int64) * MINUTE
    prints = Tape(Trade, {
        "ts": at, "known": at, "instrument": np.zeros(n, np.int64), "price": np.full(n, 10.0),
        "size": np.array([7.0, 4.0, 6.0, 100.0, 1.0]), "side": np.zeros(n, np.int64),
    })  # fmt: skip
    run = over([prints], OnTrade)
    assert fills(run) == [(3, 2, 10.0), (4, 3, 10.0), (5, 15, 10.0)]


def test_an_iceberg_shows_one_part_after_another() -> None:
    """Buys 25 at 10.00 showing 10: the ask comes to 10.00 again and again, and each time takes what is shown."""

    class OnQuote:
        def on_quote(self, quote: Quote, book: Any) -> Any:
            return Target(0, lots=25, limit=10.0, execution=Iceberg(10))

    asks = [10.2, 10.0, 10.0, 10.2, 9.9, 9.9]
    at = np.arange(1, 7, dtype=np.int64) * MINUTE
    quotes = Tape(Quote, {
        "ts": at, "known": at, "instrument": np.zeros(6, np.int64), "bid": np.full(6, 9.8), "ask": np.array(asks),
        "bid_size": np.full(6, 1e3), "ask_size": np.full(6, 1e3),
    })  # fmt: skip
    run = over([quotes], OnQuote)
    assert [(order.lots, order.limit) for order in orders(run)] == [(10, 10.0), (10, 10.0), (5, 10.0)]
    assert fills(run) == [(2, 10, 10.0), (3, 10, 10.0), (5, 5, 10.0)]  # the third rested while the ask was away


def test_lots_of_the_smallest_order() -> None:
    """Orders of at least 3: of 10 in four parts 3, 3, none and 4."""
    table = Instruments([Instrument(symbol="S0", min_lots=3)])
    run = play({"a": {0: Target(0, lots=10, execution=TWAP4)}}, [10.0] * 7, table=table)
    assert fills(run) == [(1, 3, 10.0), (2, 3, 10.0), (4, 4, 10.0)]


def test_slices_of_several_bars_and_a_limit() -> None:
    """Two parts two minutes apart, each at 10.50 or better: the first waits for its price, and the second is sent beside it."""
    run = play({"a": {0: Target(0, lots=8, limit=10.5, execution=Twap(4 * MINUTE, 2))}}, [10.0, 11.0, 11.0, 11.0, 10.2, 10.2])
    assert [(order.lots, order.limit) for order in orders(run)] == [(4, 10.5), (4, 10.5)]
    assert fills(run) == [(4, 4, 10.2), (4, 4, 10.2)]


# -- the gate, the venue -------------------------------------------------------------------------------------------------


def test_children_pass_the_gate_one_by_one_and_what_it_refuses_is_given_up() -> None:
    """A position of at most 6: parts of 3, 3, 2 and 2, of which the last two are refused."""
    run = play({"a": {0: Target(0, lots=10, execution=TWAP4)}}, [10.0] * 8, limits={"position": {"max_lots": 6}})
    assert fills(run) == [(1, 3, 10.0), (2, 3, 10.0)]
    refused = [verdict for verdict in records(run, Verdict) if isinstance(verdict.outcome, Refused)]
    assert [verdict.order.lots for verdict in refused] == [2, 2]
    assert run.engine.state.wishes["a", 0].lots == 6


def test_a_part_that_fills_in_parts_does_not_hold_up_the_next() -> None:
    """Two lots a bar: 3 lack one when the next 3 come; all 10 are there in the end."""
    run = play({"a": {0: Target(0, lots=10, execution=TWAP4)}}, [10.0] * 9, participation_frac=2e-6)
    assert [order.lots for order in orders(run)] == [3, 3, 2, 2]
    assert sum(lots for _, lots, _ in fills(run)) == lots(run, "a") == 10
    assert all(taken <= 2 for _, taken, _ in fills(run))


def test_two_strategies_share_what_their_algorithms_want_at_once() -> None:
    """One buys 8 and one sells 4, both by fours: 2 and 1 a minute; 1 crosses inside, 1 is bought."""
    run = play({"a": {0: Target(0, lots=8, execution=TWAP4)}, "b": {0: Target(0, lots=-4, execution=TWAP4)}}, [10.0] * 7)
    assert fills(run) == [(1, 1, 10.0), (2, 1, 10.0), (3, 1, 10.0), (4, 1, 10.0)]
    assert len(records(run, Cross)) == 4
    assert (lots(run, "a"), lots(run, "b")) == (8, -4)


# -- protections -------------------------------------------------------------------------------------------------------


def test_stops_are_for_what_has_filled() -> None:
    run = wire({"a": {0: Target(0, lots=10, execution=TWAP4, protection=Protection(stop=9.0))}}, [10.0] * 8)
    run.engine.open(run.cash)
    seen = []
    for minute in range(2, 7):
        run.replay.run(stop=minute)
        seen.append(sum(-signed for tag, signed, _ in resting(run) if tag == "stop"))
    assert seen == [3, 6, 8, 10, 10]


def test_a_stop_ends_the_program() -> None:
    """Six of ten are held when the price falls through the stop: they are sold, and the last four are not bought."""
    rows = [10.0, 10.0, 10.0, (10.0, 10.0, 8.0, 8.0), 8.0, 8.0, 8.0]
    run = play({"a": {0: Target(0, lots=10, execution=TWAP4, protection=Protection(stop=9.0))}}, rows)
    bought = [signed for _, signed, _ in fills(run) if signed > 0]
    assert lots(run, "a") == 0
    assert sum(bought) == 8, "3, 3 and the 2 sent before the bar in which the stop was reached"
    assert run.engine.state.courses == {}
    assert resting(run) == []


def test_an_exit_by_parts_keeps_a_stop_for_what_is_left() -> None:
    plan = {0: Target(0, lots=8, protection=Protection(stop=9.0)), 2: Target(0, lots=0, execution=TWAP4)}
    run = wire({"a": plan}, [10.0] * 9)
    run.engine.open(run.cash)
    seen = []
    for minute in range(2, 9):
        run.replay.run(stop=minute)
        seen.append((lots(run, "a"), sum(-signed for tag, signed, _ in resting(run) if tag == "stop")))
    assert seen == [(8, 8), (8, 6), (6, 4), (4, 2), (2, 0), (0, 0), (0, 0)]  # what is on its way out has no stop


def test_a_stop_during_an_exit_by_parts_leaves_nothing_to_sell_or_buy_back() -> None:
    plan = {0: Target(0, lots=8, protection=Protection(stop=9.0)), 2: Target(0, lots=0, execution=TWAP4)}
    run = play({"a": plan}, [10.0, 10.0, 10.0, 10.0, (10.0, 10.0, 8.0, 8.0), 8.0, 8.0, 8.0, 8.0])
    assert lots(run, "a") == 0
    assert sum(signed for _, signed, _ in fills(run)) == 0
    assert max(signed for minute, signed, _ in fills(run) if minute > 1) < 0, "nothing is bought back"


# -- new words ---------------------------------------------------------------------------------------------------------


def test_the_same_target_again_is_no_new_program() -> None:
    again = {k: Target(0, lots=10, execution=TWAP4, why=f"at {k}") for k in range(4)}
    run = play({"a": again}, [10.0] * 8)
    assert fills(run) == [(1, 3, 10.0), (2, 3, 10.0), (3, 2, 10.0), (4, 2, 10.0)]


def test_a_stop_that_moves_does_not_begin_the_program_anew() -> None:
    moved = {k: Target(0, weight=0.01, execution=TWAP4, protection=Protection(stop=9.0 + 0.1 * k)) for k in range(6)}
    run = play({"a": moved}, [10.0] * 9)
    assert fills(run) == [(1, 25, 10.0), (2, 25, 10.0), (3, 25, 10.0), (4, 25, 10.0)]
    assert {stop for _, _, stop in resting(run)} == {9.5}


def test_a_new_target_replaces_the_program_and_takes_back_what_waits() -> None:
    """At minute 2 it wants 4 at once: 3 are held and 3 more wait at a price that does not come; one of them is too many... all go."""
    plan = {0: Target(0, lots=10, limit=10.0, execution=TWAP4), 2: Target(0, lots=4)}
    run = play({"a": plan}, [10.0, 9.9, 11.0, 11.0, 11.0, 11.0])
    assert fills(run) == [(1, 3, 9.9), (3, 1, 11.0)]
    assert run.engine.state.courses == {}
    assert resting(run) == []


def test_hold_ends_it_where_it_is() -> None:
    run = play({"a": {0: Target(0, lots=10, execution=TWAP4), 2: Hold(0)}}, [10.0] * 8)
    assert fills(run) == [(1, 3, 10.0), (2, 3, 10.0)]
    assert run.engine.state.courses == {}


def test_a_horizon_shortens_the_schedule() -> None:
    """Four minutes asked, two there are: two parts of 5."""
    run = play({"a": {0: Target(0, lots=10, execution=TWAP4, horizon_ns=2 * MINUTE)}}, [10.0] * 8)
    assert fills(run) == [(1, 5, 10.0), (2, 5, 10.0)]


def test_a_horizon_ends_what_goes_by_the_market() -> None:
    """A tenth of 50 a minute would take eight minutes; the horizon comes after three, and then it is wanted flat."""
    plan = {0: Target(0, lots=40, execution=Pov(0.1), horizon_ns=3 * MINUTE, on_expiry="flat")}
    run = over([bars([50.0] * 9)], plan)
    assert fills(run) == [(2, 5, 10.0), (3, 5, 10.0), (4, -10, 10.0)]
    assert run.engine.state.courses == {}


# -- the session -------------------------------------------------------------------------------------------------------


def day(closes: int) -> list[Any]:
    """A session until a minute, and one after the night."""
    return [
        Session(0, 0, "24/7", True, 0, closes * MINUTE), Session(closes * MINUTE, closes * MINUTE, "24/7", False, 0, closes * MINUTE),
        Session(8 * MINUTE, 8 * MINUTE, "24/7", True, 1, 99 * MINUTE),
    ]  # fmt: skip


NIGHT = {0: 10.0, 1: 10.0, 2: 10.0, 8: 10.0, 9: 10.0, 10: 10.0}


def test_a_schedule_is_done_by_the_close() -> None:
    """The session ends after minute 3: of four parts two begin before, and share the whole."""
    run = play({"a": {0: Target(0, lots=10, execution=TWAP4)}}, NIGHT, events=day(3))
    assert fills(run) == [(1, 5, 10.0), (2, 5, 10.0)]


def test_good_till_cancelled_it_goes_on_after_the_night() -> None:
    """The parts of minutes 3 and 4 wait for the next open."""
    run = play({"a": {0: Target(0, lots=10, tif=Tif.GTC, execution=TWAP4)}}, NIGHT, events=day(3))
    assert fills(run) == [(1, 3, 10.0), (2, 3, 10.0), (8, 2, 10.0), (8, 2, 10.0)]


def test_a_share_of_volume_ends_with_the_session() -> None:
    rows = bars([50.0] * 9)
    run = over([rows.take(np.array([0, 1, 2, 8]))], {0: Target(0, lots=40, execution=Pov(0.1))}, day(3))
    assert sum(signed for _, signed, _ in fills(run)) == 5
    assert [given.cause for given in records(run, Given)] == ["SESSION"]
    assert run.engine.state.courses == {}


def test_in_a_closed_session_nothing_begins() -> None:
    one = stage({0: Target(0, lots=10, execution=TWAP4), 1: Target(0, lots=10, tif=Tif.GTC, execution=TWAP4)})
    one.tell(Session, "24/7", False, 0, 0)
    assert sent(one.bar(10.0)) == []
    assert [each.refused.code for each in records(one.run, Unsized)] == ["EXECUTION_CLOSED"]
    assert [order.lots for order in sent(one.bar(10.0))] == [3], "good till cancelled it may"


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("execution", "volumes", "code"),
    [
        (Twap(MINUTE, 2), [1e6] * 4, "EXECUTION_TAPE"),
        (Pov(0.1), [NAN] * 4, "EXECUTION_VOLUME"),
        (Pov(0.1), [0.0] * 4, "EXECUTION_VOLUME"),
        (Vwap(2 * MINUTE, (1.0, 1.0)), [NAN] * 4, "EXECUTION_VOLUME"),
        (Iceberg(2), [1e6] * 4, "EXECUTION_TAPE"),
    ],
)
def test_what_the_tape_cannot_support_is_refused_and_counted(execution: Any, volumes: list[float], code: str) -> None:
    run = over([bars(volumes)], {0: Target(0, lots=10, limit=10.0, execution=execution)})
    assert [each.refused.code for each in records(run, Unsized)] == [code]
    assert run.engine.state.counters.refusals == {code: 1}
    assert orders(run) == []


def test_nonsense_stops_the_strategy() -> None:
    run = play({"a": {0: Target(0, lots=10, execution=Pov(2.0))}}, [10.0] * 3)
    assert [failure.error[:15] for failure in run.engine.failures] == ["Misuse: EXECUTI"]


# -- levels, splits ----------------------------------------------------------------------------------------------------


def test_a_halt_takes_an_entry_away_and_lets_an_exit_go_on() -> None:
    plan = {0: Target(0, lots=8), 1: Target(0, lots=0, execution=TWAP4)}
    halt = [Command(3 * MINUTE + 1, 3 * MINUTE + 1, "halt", "me", "enough")]
    assert lots(play({"a": plan}, [10.0] * 9, events=halt), "a") == 0
    entry = play({"a": {0: Target(0, lots=8, execution=TWAP4)}}, [10.0] * 9, events=halt)
    assert lots(entry, "a") == 6  # of minutes 1 to 3; the fourth part is never sent
    assert entry.engine.state.courses == {}


def test_flatten_waits_for_no_schedule() -> None:
    events = [Command(3 * MINUTE + 1, 3 * MINUTE + 1, "flatten", "me", "enough")]
    run = play({"a": {0: Target(0, lots=8, execution=TWAP4)}}, [10.0] * 9, events=events)
    assert lots(run, "a") == 0
    assert run.engine.state.courses == {}


def test_a_split_between_two_parts() -> None:
    """3 and 3 of 10 are held; two for one makes 12 of 20, and the parts of 2 are parts of 4."""
    at = 3 * MINUTE - 1
    rows = [10.0, 10.0, 10.0, 5.0, 5.0, 5.0, 5.0]
    run = play({"a": {0: Target(0, lots=10, execution=TWAP4)}}, rows, events=[Split(at, at, 0, 2.0)])
    assert lots(run, "a") == 20
    assert sum(signed for minute, signed, _ in fills(run) if minute > 2) == 8


# -- the fold, restarts ------------------------------------------------------------------------------------------------


class Paced:
    """All that can be had on bars, one after another, with stops that move."""

    class state(msgspec.Struct):
        bars: int = 0

    def __init__(self) -> None:
        self.state = type(self).state()

    def on_bar(self, bar: Bar, book: Any) -> Any:
        self.state.bars += 1
        count = self.state.bars
        turn = count // 6 % 4
        if turn == 0:
            return Target(0, weight=0.001, execution=Twap(5 * MINUTE, 5), protection=Protection(stop=8.0 + 0.01 * count))
        if turn == 1:
            return Target(0, lots=-20, execution=Pov(0.04, least=2))
        if turn == 2:
            return Target(0, lots=5, execution=Vwap(3 * MINUTE, (3.0, 1.0, 2.0)), horizon_ns=4 * MINUTE, on_expiry="flat")
        return Target(0, lots=30, tif=Tif.GTC, execution=Shortfall(8 * MINUTE, 4, 1.0, 0.5, 1.0))


ROWS = 40
AT = 21 * MINUTE - 1
EVENTS = [
    Session(0, 0, "24/7", True, 0, 15 * MINUTE), Session(15 * MINUTE, 15 * MINUTE, "24/7", False, 0, 15 * MINUTE),
    Session(15 * MINUTE + 7, 15 * MINUTE + 7, "24/7", True, 1, 99 * MINUTE), Split(AT, AT, 0, 2.0),
]  # fmt: skip


def paced(**given: Any) -> Any:
    rng = np.random.default_rng(5)
    volumes = np.round(rng.random(ROWS) * 200.0)
    rows = bars(volumes.tolist())
    columns = dict(rows.columns)
    for name in ("open", "high", "low", "close"):
        columns[name] = np.where(columns["ts"] > AT, 5.0, 10.0)
    names = Instruments([Instrument(symbol="S0")])
    return assemble(wanted({"a": Paced}), (names, [Tape(Bar, columns)], EVENTS), terms(participation_frac=0.05, **given))


def test_the_walk_below_has_something_to_lose() -> None:
    run = paced()
    run.go()
    assert len(records(run, Released)) > 15
    assert len(fills(run)) > 15
    assert run.engine.failures == []


@pytest.mark.parametrize("k", range(1, ROWS))
def test_killed_at_any_row_with_an_algorithm_in_flight_it_goes_on(k: int) -> None:
    whole = paced()
    whole.engine.open(whole.cash)
    whole.replay.run()
    dead = paced()
    dead.engine.open(dead.cash)
    dead.replay.run(stop=k)
    fresh = paced()
    fresh.engine.journal = dead.engine.journal
    found = restart(fresh.engine, dead.engine.journal.records(), dead.replay.source.rows())
    assert (found.differed, found.changed) == ({}, [])
    for row in list(dead.replay.source.rows(fresh.engine.state.rows))[: k - fresh.engine.state.rows]:
        assert fresh.engine.step(row) == ()
    assert fresh.engine.state.hash == dead.engine.state.hash
    dead.replay.engine = fresh.engine
    dead.replay.run()
    assert fresh.engine.state.hash == whole.engine.state.hash
    assert fresh.engine.journal.dump() == whole.engine.journal.dump()


def test_the_fold_is_the_state_after_every_row() -> None:
    run = paced()
    run.engine.open(run.cash)
    flown = 0
    for stop in range(1, ROWS):
        run.replay.run(stop=stop)
        run.engine.mark_rows()  # so that the journal knows of the last row too
        state = fold(run.engine.journal.records(), State(run.engine.instruments, "USD", ["a"]), run.replay.source.rows())
        assert state.hash == run.engine.state.hash, stop
        assert {key: course.snapshot() for key, course in state.courses.items()} == {
            key: course.snapshot() for key, course in run.engine.state.courses.items()
        }
        flown += bool(state.courses)
    assert flown > 15


def test_a_course_is_part_of_the_state() -> None:
    """Two states that differ only in what is held back have two names."""
    run = paced()
    run.engine.open(run.cash)
    run.replay.run(stop=13)
    ((_, course),) = run.engine.state.courses.items()
    before = run.engine.state.hash
    for name in ("volume", "back", "total", "upto"):
        kept = getattr(course, name)
        setattr(course, name, kept + 1)
        assert run.engine.state.hash != before, name
        setattr(course, name, kept)
    assert run.engine.state.hash == before


def test_row_by_row_and_in_instants_it_is_the_same() -> None:
    """One engine takes its bars by `advance`, one by `instant`: equal in every record."""
    by_advance = paced()
    by_advance.go()
    other = paced()
    other.engine.open(other.cash)
    other.replay._run_single = lambda rows, start, stop: other.replay._run_instants(  # type: ignore[method-assign]
        rows, other.replay.source.instants().tolist()
    )
    other.replay.run()
    other.engine.close()
    assert other.engine.state.hash == by_advance.engine.state.hash
    assert other.engine.journal.dump() == by_advance.engine.journal.dump()


def test_ticks_are_not_slept_through_while_an_algorithm_counts_them() -> None:
    """A strategy that hears of its fills alone is walked over ticks compiled; not while its target follows their volume."""

    class OnFact:
        def on_fact(self, fact: Any, book: Any) -> Any:
            return Target(0, lots=50, execution=Pov(0.1, least=10))

    n = 400
    at = np.arange(1, n + 1, dtype=np.int64) * MINUTE
    prints = Tape(Trade, {
        "ts": at, "known": at, "instrument": np.zeros(n, np.int64), "price": np.full(n, 10.0), "size": np.full(n, 20.0),
        "side": np.zeros(n, np.int64),
    })  # fmt: skip
    fact = ev.Fact(5 * MINUTE + 1, 5 * MINUTE + 1, "src", "go")
    dumps = []
    for scan_from in (1, 10**9):
        run = assemble(wanted({"a": OnFact}), (Instruments([Instrument(symbol="S0")]), [prints], [fact]), terms(), scan_from=scan_from)
        run.go()
        assert run.replay.coasted == (scan_from == 1)
        dumps.append(run.engine.journal.dump())
        assert lots(run, "a") == 50
    assert dumps[0] == dumps[1]


def test_a_timer_that_comes_after_its_program_does_nothing() -> None:
    one = stage({0: Target(0, lots=10, execution=TWAP4), 1: Hold(0)})
    one.buy(one.bar(10.0), 10.0)
    one.bar(10.0)
    assert one.tell(Timer, "execution", "a") == ()
    assert one.lots("a") == 3
    assert one.fold() == one.state.hash


def test_a_late_timer_makes_up_for_what_was_missed() -> None:
    """A live rim may be late: at minute 3 all parts that were due are wanted together."""
    one = stage({0: Target(0, lots=10, execution=TWAP4)})
    one.buy(one.bar(10.0), 10.0)
    effects = one.tell(Timer, "execution", "a", after=2 * MINUTE + 5)
    assert [order.lots for order in sent(effects)] == [5]
    assert one.fold() == one.state.hash

