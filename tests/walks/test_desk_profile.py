"""A desk with the careful limits, through the whole engine: what has no stop does not trade; what may be missed keeps new risk out."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.core.events import Account, Band, Command, Fact, Gap, Link, Session, Split, Status
from argosy.core.intents import Ladder, Protection, Rung, Target
from argosy.core.orders import BUY, Work
from argosy.core.time import MINUTE, SECOND
from argosy.engine.restart import restart
from argosy.engine.state import DRIFT
from tests.walks.hand import Stage, sent

STOP = Protection(stop=97.0)
NONE_GIVEN = {"protection": {"default_stop_pct": 0.0}}
"""The house gives no stop (`tests/walks/test_default_stop.py` has the other way)."""


def refusals(stage: Stage) -> dict[str, int]:
    return stage.state.counters.refusals


def guarded(lots: int = 10) -> Target:
    return Target(0, lots=lots, protection=STOP)


# -- PROTECTION_REQUIRED ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("want", "passes"),
    [
        (Target(0, lots=10), False),
        (Target(0, lots=10, limit=99.0), False),
        (Target(0, lots=10, protection=Protection(take=120.0)), False),
        (Target(0, lots=10, protection=Protection(stop=101.0)), False),  # on the wrong side: it would sell at once
        (Target(0, lots=-10, protection=Protection(stop=99.0)), False),
        (guarded(), True),
        (Target(0, lots=10, protection=Protection(trail=2.0)), True),
        (Target(0, lots=-10, protection=Protection(stop=102.0)), True),
        (Ladder(0, (Rung("b", BUY, 99.0, 5),)), False),
        (Ladder(0, (Rung("b", BUY, 99.0, 5, protection=Protection(stop=97.0)),)), True),
    ],
    ids=lambda value: None if isinstance(value, bool) else type(value).__name__,
)
def test_an_entry_without_a_stop_is_refused_and_nothing_is_invented(want: Any, passes: bool) -> None:
    stage = Stage({"a": {0: want}}, profile="desk", limits=NONE_GIVEN)
    orders = sent(stage.bar(100.0))
    assert bool(orders) is passes
    assert refusals(stage) == ({} if passes else {"PROTECTION_REQUIRED": 1})


def test_what_adds_to_a_guarded_position_passes_and_its_stop_grows() -> None:
    stage = Stage({"a": {0: guarded(), 1: Target(0, lots=15)}}, profile="desk", limits={"duplicate": {"window_ms": None}})
    (entry,) = stage.accept(stage.bar(100.0))
    stage.update(entry.id + 1, Work.ACKED)
    stage.fill(entry.id, 10, 100.0)
    (more,) = stage.accept(stage.bar(100.0))
    assert (more.lots, refusals(stage)) == (5, {})
    stage.update(more.id + 1, Work.ACKED)
    stage.fill(more.id, 5, 100.0)
    stops = [ticket.leaves for ticket in stage.state.blotter.open[0].values() if ticket.order.tag == "stop"]
    assert sum(stops) == 15


@pytest.mark.parametrize("other", [Target(0, lots=5), Ladder(0, (Rung("b", BUY, 99.0, 5),))], ids=["target", "rung"])
def test_the_stop_of_one_strategy_guards_no_other(other: Any) -> None:
    """a holds 10 with its stop at the venue; b would buy 5 that nothing would sell."""
    stage = Stage({"a": {0: guarded()}, "b": {1: other}}, profile="desk", limits=NONE_GIVEN)
    (entry,) = stage.accept(stage.bar(100.0))
    stage.update(entry.id + 1, Work.ACKED)
    stage.fill(entry.id, 10, 100.0)
    assert [order for order in sent(stage.bar(100.0)) if not order.reduce_only] == []
    assert refusals(stage) == {"PROTECTION_REQUIRED": 1}


def test_a_rung_s_own_stop_guards_no_other_rung() -> None:
    rungs = (Rung("safe", BUY, 99.0, 5, protection=Protection(stop=97.0)), Rung("bare", BUY, 98.5, 5))
    stage = Stage({"a": {0: Ladder(0, rungs)}}, profile="desk", limits=NONE_GIVEN)
    orders = sent(stage.bar(100.0))
    assert [order.tag for order in orders] == ["rung:safe"]
    assert refusals(stage) == {"PROTECTION_REQUIRED": 1}


# -- what may have been missed -----------------------------------------------------------------------------------------------


def holding(plan: dict[int, Any], **given: Any) -> Stage:
    """10 are held; from minute 1 on the plan goes on."""
    stage = Stage({"a": {0: Target(0, lots=10), **plan}}, **given)
    stage.buy(stage.bar(100.0), 100.0)
    return stage


def test_while_a_connection_is_compared_only_exits_pass_and_a_restart_knows() -> None:
    stage = holding({1: Target(0, lots=15), 2: Target(0, lots=4), 3: Target(0, lots=6)})
    stage.tell(Link, "account", "reconciling")
    assert sent(stage.bar(100.0)) == []
    assert refusals(stage) == {"STREAM_RECONCILING": 1}
    fresh = Stage({"a": {0: Target(0, lots=10), 1: Target(0, lots=15)}}, opened=False)
    stage.engine.mark_rows()
    restart(fresh.engine, stage.engine.journal.records(), iter(list(stage.rows)))
    assert fresh.state.conditions.links == {"account": "reconciling"}
    assert fresh.state.hash == stage.state.hash
    (exit,) = stage.accept(stage.bar(100.0))
    assert exit.side * exit.lots == -6
    stage.fill(exit.id, -6, 100.0)
    stage.tell(Link, "account", "up")
    assert [order.lots for order in sent(stage.bar(100.0))] == [2]


def test_after_a_gap_a_fresh_price_is_needed() -> None:
    """The gap is at minute 1; the bar known then was made of rows that may be missing; the next one is fresh."""
    stage = Stage({"a": {1: Target(0, lots=10), 2: Target(0, lots=11)}, "b": {1: Target(1, lots=5)}}, instruments=2)
    stage.bar(100.0)
    stage.tell(Gap, 0, "feed", after=MINUTE)
    assert sent(stage.bar(100.0)) == []
    assert refusals(stage) == {"FEED_GAP": 1}
    stage.minute -= 1
    assert [order.lots for order in sent(stage.bar(100.0, i=1))] == [5]  # of another instrument nothing was lost
    assert [order.lots for order in sent(stage.bar(100.0))] == [11]


def test_a_symbol_that_disagrees_is_not_traded_and_exits_only_as_the_venue_counts() -> None:
    """We hold 10; the venue says 6. Not one more is bought; 10 are not sold, 6 may be."""
    plan = {1: Target(0, lots=15), 2: Target(0, lots=0), 3: Target(0, lots=4), 4: Target(0, lots=15), 5: Target(0, lots=16)}
    stage = holding(plan)
    stage.tell(Account, "USD", 0, 0, 0, {0: 6})
    stage.tell(Status, 0, True, DRIFT)
    assert sent(stage.bar(100.0)) == []
    assert sent(stage.bar(100.0)) == []
    assert refusals(stage) == {"RECONCILE_DRIFT": 2}
    (exit,) = sent(stage.bar(100.0))
    assert exit.side * exit.lots == -6
    stage.reply(exit.id)
    stage.fill(exit.id, -6, 100.0)
    stage.tell(Status, 0, False, "its venue's halt is another thing")
    assert sent(stage.bar(100.0)) == []
    assert refusals(stage) == {"RECONCILE_DRIFT": 3}
    stage.tell(Status, 0, False, DRIFT)
    assert len(sent(stage.bar(100.0))) == 1


def test_a_band_is_a_collar_until_the_next_session() -> None:
    stage = Stage({"a": {k: Target(0, lots=10 + k, limit=106.0) for k in range(9)}})
    stage.tell(Session, "24/7", True, 0, 10_000 * MINUTE)
    stage.tell(Band, 0, 95.0, 105.0)
    assert sent(stage.bar(100.0)) == []
    assert refusals(stage) == {"LULD_BAND": 1}
    stage.tell(Split, 0, 0.5)  # one for two: the band is at 190 to 210 now
    assert stage.state.conditions.bands == {0: (190.0, 210.0)}
    stage.tell(Session, "24/7", False, 0, 0)
    stage.tell(Session, "24/7", True, 1, 10_000 * MINUTE)
    assert stage.state.conditions.bands == {}
    stage.tell(Band, 0, 95.0, 105.0)
    stage.tell(Band, 0, float("nan"), float("nan"))
    assert len(sent(stage.bar(100.0))) == 1


def test_the_first_seconds_after_a_halt_need_a_limit() -> None:
    stage = Stage({"a": {1: Target(0, lots=10), 2: Target(0, lots=11, limit=100.0), 3: Target(0, lots=12)}},
                  limits={"after_halt": {"market_wait_ms": 90_000}})  # fmt: skip
    stage.bar(100.0)
    stage.tell(Status, 0, False, "no halt before it, so nothing resumes")
    assert stage.state.conditions.resumed == {}
    stage.tell(Status, 0, True, "news")
    stage.tell(Status, 0, False, "over", after=SECOND)
    assert sent(stage.bar(100.0)) == []
    assert refusals(stage) == {"HALT_RESUMED": 1}
    (order,) = stage.accept(stage.bar(100.0))
    stage.fill(order.id, 11, 100.0)
    assert [order.lots for order in sent(stage.bar(100.0))] == [1]


def test_a_restricted_short_needs_an_uptick_and_a_fact_ends_it() -> None:
    plan = {0: Target(0, lots=-10), 1: Target(0, lots=-10, limit=100.5), 2: Target(0, lots=-20, limit=100.0)}
    stage = Stage({"a": plan})
    stage.quote(100.0, 100.2, after=1)
    stage.tell(Fact, "nyse", "ssr", 1.0, "", 0)
    stage.tell(Fact, "nyse", "ssr", 1.0, "everybody", -1)
    assert sent(stage.bar(100.0)) == []
    assert [order.limit for order in stage.accept(stage.bar(100.0))] == [100.5]
    stage.tell(Fact, "nyse", "ssr", 0.0, "", 0)
    assert stage.state.conditions.uptick == set()


def test_the_first_minutes_after_arming_are_one_share_an_order() -> None:
    plan = {k: Target(0, lots=10 * (k + 1)) for k in range(8)}
    stage = Stage({"a": plan}, limits={"first_minutes": {"minutes": 3}})
    stage.tell(Command, "arm", "owner", "the ceremony")
    lots = []
    for _ in range(5):
        for order in stage.accept(stage.bar(100.0)):
            lots.append(order.lots)
            stage.fill(order.id, order.lots, 100.0)
    # armed at minute 0: the bars known at 1 and 2 minutes send one share; from the third minute on what is lacking
    assert lots == [1, 1, 28, 10, 10]


def test_a_ladder_that_is_taken_back_too_often_is_refused_and_cancels_always_pass() -> None:
    """A new price each second: three cancels for one order that stays is the limit."""

    class Restless:
        def on_quote(self, quote: Any, book: Any) -> Any:
            return Ladder(0, (Rung("b", BUY, quote.bid, 1),))

    stage = Stage({"a": Restless}, limits={"order_rate": {"requests_per_minute": 20, "kept_for_cancels": 5}})
    stage.bar(100.0)
    sends = cancels = 0
    for k in range(14):
        effects: Any = stage.quote(90.0 + 0.01 * k, 110.0, after=SECOND)
        while effects:
            new: list[Any] = []
            for effect in effects:
                if type(effect).__name__ == "Submit":
                    sends += 1
                    new += stage.reply(effect.approved.order.id)
                elif type(effect).__name__ == "Cancel":
                    cancels += 1
                    new += stage.reply(effect.order, "cancel")
                    new += stage.update(effect.order, Work.CANCELED)
            effects = new
    assert refusals(stage) == {"REQUEST_RATE": 14 - sends}
    assert sends + cancels <= 16
    assert stage.state.blotter.open[0] == {}
    stage.quote(95.0, 110.0, after=MINUTE)
    assert len(stage.state.blotter.open[0]) == 1
