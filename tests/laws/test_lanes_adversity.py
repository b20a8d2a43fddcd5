"""What once told the two lanes apart, case by case: pauses, odd tapes, failures, nonsense, late answers, refusals."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import numpy as np
import pytest

from argosy.core.effects import Alarm, Amend, Cancel
from argosy.core.events import CashFlow, Command, Event, Fill, OrderUpdate, Reply
from argosy.core.orders import Work
from argosy.core.strategy import Every
from argosy.core.tape import Tape
from argosy.core.time import MINUTE, SECOND
from argosy.engine.engine import Breakers
from argosy.engine.records import Rows, Verdict, Wanted
from argosy.house import Wanted as Asked
from argosy.kernels.indicators import sma
from argosy.replay import SCAN_FROM
from tests.laws.lanes import (
    FREE,
    SCANNED,
    STEPPED,
    Case,
    Count,
    Plan,
    both,
    difference,
    facts,
    minutes,
    said,
    seen,
)
from tests.laws.market import bars, instruments

# -- pauses ------------------------------------------------------------------------------------------------------------


class Sees:
    """Trades only when the mean of one close is not the close: never, while its needs are those of its bar."""

    unit = "lots"
    needs = {"close": sma(1)}

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        out.target = 5.0 if needs.close > row.close else (-5.0 if needs.close < row.close else 0.0)


@pytest.mark.parametrize(("pause", "unpause"), [(0, 1), (1, 0), (1, 1), (0, 0)])
def test_needs_follow_every_row_of_a_pause_known_with_a_bar_or_between_two(pause: int, unpause: int) -> None:
    tape = bars(3, 300)
    at, then = int(tape["known"][50]) + pause, int(tape["known"][60]) + unpause
    run = both(Sees, {}, instruments(), tape, [Command(at, at, "pause", "me", "why", "one"), Command(then, then, "unpause", "me", "why", "one")])
    assert run.engine.state.status["one"] == "active"
    assert said(run, Fill) == []
    assert seen(run) == [len(tape)]


@pytest.mark.parametrize("parted", [False, True])
@pytest.mark.parametrize(("verb", "left"), [("pause", 40), ("flatten", 0)])
def test_the_venue_is_told_the_net_of_each_stretch_once(verb: str, left: int, parted: bool) -> None:
    """Buys 100, sells 60, in one stretch or in two; then a flatten has 40 to sell and the venue has them to give."""
    tape = minutes([50.0] * 60)
    events: list[Event] = [Command(30 * MINUTE + 1, 30 * MINUTE + 1, verb, "me", "why", "one")]
    if parted:
        events.append(CashFlow(12 * MINUTE + 1, 12 * MINUTE + 1, "USD", 1))
    run = both(Plan, {"first": 10, "one": 100.0, "second": 15, "two": 40.0}, instruments(), tape, events)
    assert run.engine.state.portfolio.lots == [left]
    assert run.market.lots(0) == left
    fills = [(fill.side, fill.lots, fill.leaves) for fill in said(run, Fill)]
    assert fills == [(1, 100, 0), (-1, 60, 0), (-1, 40, 0)][: 3 if verb == "flatten" else 2]


# -- tapes -------------------------------------------------------------------------------------------------------------


class Mean:
    """Above or below a long mean, looked at now and then."""

    unit = "lots"
    state = Count
    needs = {"mean": sma(50)}

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        state.n += 1
        if state.n % 150 == 0:
            out.target = 5.0 if row.close > needs.mean else 0.0


@pytest.mark.parametrize(("strategy", "rows", "scan_from"), [(Mean, 60_000, SCAN_FROM), (Mean, 600, SCANNED), (Plan, 600, SCANNED)])
def test_needs_that_are_streamed_are_stepped(strategy: type, rows: int, scan_from: int) -> None:
    tape = minutes(np.round(50.0 + np.sin(np.arange(rows) / 37.0), 2).tolist())
    case = Case(Asked("one", strategy, {}), instruments(), [tape], [], FREE)
    streamed, bulk = case._replace(bulk=False).run(scan_from)[0], case.run(scan_from)[0]
    assert (streamed.replay.scanned, bulk.replay.scanned) == (False, True)
    assert streamed.engine.failures == []
    assert repr(list(streamed.engine.journal.records())) == repr(list(bulk.engine.journal.records()))
    assert streamed.engine.state.counters.trades_in_all > 0


def test_wakes_without_needs_are_stepped() -> None:
    class Woken(Plan):
        needs: dict[str, object] = {}
        wakes = (Every("7m"),)

    case = Case(Asked("one", Woken, {}), instruments(), [minutes([50.0] * 30)], [], FREE)
    run, found = difference(case)
    assert (found, run.replay.scanned) == ("", False)
    assert [fill.ts for fill in said(run, Fill)] == [21 * MINUTE]  # its third edge of seven minutes


@pytest.mark.parametrize(("minute", "asked"), [(0, []), (6, [5])])
def test_one_row_wakes_or_it_does_not(minute: int, asked: list[int]) -> None:
    """A bar known at minute 1 is on no edge of seven minutes, one known at minute 7 is."""

    class Woken(Plan):
        wakes = (Every("7m"),)

    run = both(Woken, {"first": 1}, instruments(), minutes([50.0], [minute]), [])
    assert [wanted.lots for wanted in said(run, Wanted)] == asked


# -- failures and nonsense ---------------------------------------------------------------------------------------------


def test_the_other_instruments_of_a_failed_instant_follow() -> None:
    tape = bars(3, 300, 2)
    later = int(tape["known"][300]) + 1
    run = both(Plan, {"fails": 50}, instruments(2), tape, [Command(later, later, "unpause", "me", "why", "one")])
    assert [failure.error for failure in run.engine.failures] == ["ZeroDivisionError: float division by zero"]
    assert [alarm.code for alarm in said(run, Alarm)] == ["STRATEGY_QUARANTINED", "STRATEGY_STANDING"]
    assert seen(run) == [len(tape.only(0)), len(tape.only(1))]


def test_the_other_instruments_follow_where_a_breaker_is_looked_at_too() -> None:
    """100 lots of each lose 500 USD of 50,000 in the very instant in which the step raises on the first."""
    prices = [50.0] * 9 + [47.5] * 9
    tape = Tape.merge([minutes(prices), minutes(prices, instrument=1)])
    terms = msgspec.structs.replace(FREE, breakers=Breakers(drawdown_frac=0.01))
    run = both(Plan, {"one": 100.0, "fails": 10}, instruments(2), tape, [], terms)
    assert run.engine.failures[0].known == 10 * MINUTE
    assert run.engine.state.level > 0
    assert seen(run) == [18, 18]


@pytest.mark.parametrize("target", [float("nan"), float("inf"), -float("inf"), 1e30])
def test_nonsense_is_told_of_the_bar_that_gave_it(target: float) -> None:
    tape = Tape.merge([minutes([50.0] * 9), minutes([60.0] * 9, instrument=1)])
    run = both(Plan, {"one": 5.0, "second": 6, "two": target}, instruments(2), tape, [])
    if target == float("inf"):  # it is ABSENT: nothing is wanted
        assert run.engine.failures == []
    else:
        assert [failure.event for failure in run.engine.failures] == [repr(next(tape.rows(10)))]
        assert next(tape.rows(10)).known == 6 * MINUTE


# -- answers that come late, and protections that may not rest ---------------------------------------------------------


def test_a_delayed_cancel_is_answered_in_its_own_time() -> None:
    """Out at bar 6: the stop's cancel is sent at minute 6 and answered 70 seconds later, between two rows of another instrument."""
    tape = Tape.merge([minutes([50.0] * 6), minutes([60.0] * 20, instrument=1)])
    terms = msgspec.structs.replace(FREE, latency_ms=70_000.0)
    run = both(Plan, {"first": 2, "second": 6, "below": 9.0}, instruments(2), tape, [], terms)
    gone = [update.known for update in said(run, OrderUpdate) if update.work is Work.CANCELED]
    assert len(said(run, Cancel)) >= 1
    assert gone[0] == 6 * MINUTE + 70 * SECOND


def test_a_delayed_amend_is_answered_inside_the_bar_at_whose_open_it_was_sent() -> None:
    """Of 80 lots 50 fill at an open, a twentieth of its volume: the stop is amended then, and the answer comes 0.1 s later."""
    terms = msgspec.structs.replace(FREE, latency_ms=100.0, participation_frac=0.05)
    run = both(Plan, {"one": 80.0, "below": 9.0}, instruments(), minutes([50.0] * 9), [], terms)
    first = said(run, Fill)[0]
    assert (first.lots, said(run, Amend)[0].lots) == (50, 50)
    assert next(reply.known for reply in said(run, Reply) if reply.verb == "amend") == first.known + SECOND // 10


def test_what_is_flattened_in_a_gap_is_sold_at_the_next_open_and_known_there() -> None:
    """Two instruments pause from minute 6 to minute 9; the flatten at minute 7 sells at the open of minute 9, an instant of its own."""
    at = [0, 1, 2, 3, 4, 5, 9, 10, 11]
    tape = Tape.merge([minutes([50.0] * 9, at), minutes([60.0] * 9, at, instrument=1)])
    run = both(Plan, {}, instruments(2), tape, [Command(7 * MINUTE, 7 * MINUTE, "flatten", "me", "why", "one")])
    sold = [(fill.ts, fill.known) for fill in said(run, Fill) if fill.side < 0]
    assert sold == [(9 * MINUTE, 9 * MINUTE)] * 2


def test_a_protection_that_is_refused_is_asked_for_ever_more_seldom() -> None:
    """Of 8 lots 5 are sold; a stop for the other 3 is less than the least order of 5: refused when the sale is sent, at its fill
    before another row, and then after 2, 4, 8 and 16 rows more."""
    run = both(Plan, {"one": 8.0, "second": 6, "two": 3.0, "below": 9.0}, instruments(min_lots=5), minutes([50.0] * 45), [])
    rows, asked = 0, []
    for _, record in run.engine.journal.records():
        rows = record.upto if type(record) is Rows else rows
        if type(record) is Verdict:
            assert record.outcome.code == "QTY_MIN"
            asked.append(rows)
    assert [later - sooner for sooner, later in pairwise(asked)] == [0, 2, 4, 8, 16]
    assert [alarm.code for alarm in said(run, Alarm)] == ["PROTECTION_REFUSED"]


def test_the_comparison_sees_every_part() -> None:
    """Two runs that differ in one order differ in what they leave; a run compared with itself does not."""
    case = Case(Asked("one", Plan, {}), instruments(), [minutes([50.0] * 9)], [], FREE)
    other = case._replace(wanted=Asked("one", Plan, {"one": 6.0}))
    assert list(facts(*case.run(STEPPED))) == list(facts(*case.run(STEPPED)))
    assert list(facts(*case.run(STEPPED))) != list(facts(*other.run(STEPPED)))
