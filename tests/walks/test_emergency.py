"""HEART §12 beyond `test_levels`: protections taken off by the owner's word alone, L3 that verifies, L4 by policy, latches from outside."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.core.effects import Alarm, Cancel
from argosy.core.events import Command, Latch, Status, Timer
from argosy.core.intents import Ladder, Protection, Rung, Target
from argosy.core.orders import BUY, SELL, Work
from argosy.engine.engine import Breakers
from argosy.engine.restart import restart
from tests.walks.hand import Stage, canceled, sent

LIVE, REDUCE, HALT, FLATTEN, DARK, PROBE = 0, 1, 2, 3, 4, -1


def alarms(effects: Any) -> list[str]:
    return [effect.code for effect in effects if isinstance(effect, Alarm)]


def say(stage: Stage, verb: str, reason: str = "because", **more: Any) -> Any:
    return stage.tell(Command, verb, "owner", reason, **more)


def guarded(stage: Stage) -> int:
    """10 are held at 10.00 with a stop at 9.00 that rests; its id."""
    (entry,) = stage.accept(stage.bar(10.0))
    stage.update(entry.id + 1, Work.ACKED)
    stage.fill(entry.id, 10, 10.0)
    return entry.id + 1


def settle(stage: Stage, effects: Any) -> None:
    """Be the venue: accept and fill what is at market, let the rest rest, take back what is cancelled, until nothing more is asked."""
    while effects:
        new: list[Any] = []
        for effect in effects:
            if isinstance(effect, Cancel):
                new += stage.reply(effect.order, "cancel")
                new += stage.update(effect.order, Work.CANCELED)
        for order in sent(effects):
            new += stage.reply(order.id)
            if not order.tag:
                new += stage.fill(order.id, order.side * order.lots, 10.0)
        effects = new


PLAN = {0: Target(0, lots=10, protection=Protection(stop=9.0))}


# -- L2 ------------------------------------------------------------------------------------------------------------------


def test_halt_keeps_protections_and_halt_with_protections_takes_them_off_until_the_desk_goes_on() -> None:
    stage = Stage({"a": PLAN})
    stop = guarded(stage)
    assert canceled(say(stage, "halt")) == []
    assert canceled(say(stage, "halt", protections=True)) == [stop]
    stage.reply(stop, "cancel")
    assert stage.update(stop, Work.CANCELED) == ()
    for _ in range(3):
        assert stage.bar(10.0) == ()
    assert stage.tell(Timer, "pulse", after=100_000_000) == ()
    assert stage.state.unguarded is True
    effects = say(stage, "resume")
    assert [(order.tag, order.side, order.lots, order.stop) for order in sent(effects)] == [("stop", SELL, 10, 9.0)]
    assert (stage.state.unguarded, stage.state.level) == (False, PROBE)


def test_an_exit_that_works_stays_when_protections_go() -> None:
    """6 of 10 are offered at 12.00 and a stop guards the other 4: the stop goes, the offer can only make the position smaller."""
    stage = Stage({"a": {**PLAN, 1: Target(0, lots=4, limit=12.0)}})
    stop = guarded(stage)
    effects = stage.bar(10.0)
    stage.reply(stop, "cancel")
    effects = stage.update(stop, Work.CANCELED)
    exit, rest = stage.accept(effects)
    assert [(order.tag, order.lots) for order in (exit, rest)] == [("", 6), ("stop", 4)]
    assert canceled(say(stage, "halt", protections=True)) == [rest.id]
    assert stage.work(exit.id) is Work.WORKING


def test_taking_protections_off_needs_a_reason_too() -> None:
    stage = Stage({"a": PLAN})
    guarded(stage)
    effects = say(stage, "halt", reason="", protections=True)
    assert (alarms(effects), canceled(effects)) == (["COMMAND_REASON"], [])
    assert (stage.state.unguarded, stage.state.level) == (False, LIVE)


@pytest.mark.parametrize("verb", ["flatten", "dark"])
def test_protections_are_not_taken_off_by_a_word_that_is_less_than_what_is_latched(verb: str) -> None:
    stage = Stage({"a": PLAN}, breakers=Breakers(dark="leave"))
    guarded(stage)
    say(stage, verb)
    effects = say(stage, "halt", protections=True)
    assert alarms(effects) == ["LEVEL_LATCHED"]
    assert stage.state.unguarded is False


def test_a_stop_of_several_is_taken_off_and_not_watched_either() -> None:
    """Two hold; the engine watches each one's level, and a stop of the net rests. Without protections neither acts."""
    stage = Stage({"a": {0: Target(0, lots=10, protection=Protection(stop=9.0))}, "b": {1: Target(0, lots=5, protection=Protection(stop=9.5))}})
    guarded(stage)
    settle(stage, stage.bar(10.0))
    assert [(ticket.order.tag, ticket.leaves) for ticket in stage.state.blotter.open[0].values()] == [("stop", 15)]
    effects = say(stage, "halt", protections=True)
    assert len(canceled(effects)) == 1
    settle(stage, effects)
    assert stage.state.blotter.open[0] == {}
    assert sent(stage.bar(8.0)) == []
    assert stage.state.portfolio.lots == [15]


def test_the_word_survives_a_restart() -> None:
    stage = Stage({"a": PLAN})
    stop = guarded(stage)
    say(stage, "halt", protections=True)
    stage.update(stop, Work.CANCELED)
    fresh = Stage({"a": PLAN}, opened=False)
    fresh.engine.journal, fresh.minute, fresh.rows = stage.engine.journal, stage.minute, stage.rows
    restart(fresh.engine, stage.engine.journal.records(), iter(list(stage.rows)))
    assert (fresh.state.unguarded, fresh.state.level) == (True, HALT)
    assert fresh.bar(10.0) == ()


# -- L3 ------------------------------------------------------------------------------------------------------------------


def test_flatten_says_once_that_nothing_is_held_and_nothing_is_open() -> None:
    stage = Stage({"a": {0: (Target(0, lots=10), Ladder(0, (Rung("b", BUY, 9.0, 3),)))}})
    for order in stage.accept(stage.bar(10.0)):
        if not order.tag:
            stage.fill(order.id, 10, 10.0)
    effects = say(stage, "flatten")
    (rung,) = canceled(effects)
    (exit,) = stage.accept(effects)
    assert alarms(stage.fill(exit.id, -10, 10.0)) == []  # the rung is still on its way out
    stage.reply(rung, "cancel")
    assert alarms(stage.update(rung, Work.CANCELED)) == ["FLAT"]
    assert alarms(stage.bar(10.0)) == []


def test_what_was_called_canceled_and_fills_after_all_is_flattened_again() -> None:
    stage = Stage({"a": {0: Target(0, lots=10, limit=10.0)}})
    (entry,) = stage.accept(stage.bar(10.0))
    say(stage, "flatten")
    assert alarms(stage.update(entry.id, Work.CANCELED)) == ["FLAT"]
    effects = [*stage.fill(entry.id, 10, 10.0), *stage.bar(10.0)]
    assert [order.side * order.lots for order in sent(effects)] == [-10]


def test_a_position_larger_than_one_order_may_be_is_flattened_in_parts() -> None:
    """25 held, 10 an order: refused at any other time, sent in parts of 10, 10 and 5 while flattening."""
    plan: dict[int, Any] = {0: Target(0, lots=10), 1: Target(0, lots=20), 2: Target(0, lots=25), 3: Target(0, lots=0)}
    stage = Stage({"a": plan}, limits={"order_size": {"max_lots": 10}})
    for _ in range(3):
        for order in stage.accept(stage.bar(10.0)):
            stage.fill(order.id, order.lots, 10.0)
    assert sent(stage.bar(10.0)) == []
    assert stage.state.counters.refusals == {"MAX_ORDER_QTY": 1}
    parts = []
    effects: Any = say(stage, "flatten")
    for _ in range(5):
        for order in stage.accept(effects):
            parts.append(order.lots)
            stage.fill(order.id, -order.lots, 10.0)
        effects = stage.bar(10.0)
    assert (parts, stage.state.portfolio.lots) == ([10, 10, 5], [0])


# -- L4 ------------------------------------------------------------------------------------------------------------------


def test_dark_leaves_positions_to_their_protections_and_says_when_the_desk_may_go() -> None:
    stage = Stage({"a": {**PLAN, 1: Ladder(0, (Rung("b", BUY, 9.0, 3),))}})
    guarded(stage)
    (rung,) = stage.accept(stage.bar(10.0))
    effects = say(stage, "dark")
    assert (canceled(effects), alarms(effects)) == ([rung.id], [])
    stage.reply(rung.id, "cancel")
    assert alarms(stage.update(rung.id, Work.CANCELED)) == ["DESK_DARK"]
    assert [ticket.order.tag for ticket in stage.state.blotter.open[0].values()] == ["stop"]
    assert stage.bar(10.0) == ()


def test_dark_by_the_other_policy_flattens_first() -> None:
    stage = Stage({"a": PLAN}, breakers=Breakers(dark="flatten"))
    stop = guarded(stage)
    effects = say(stage, "dark")
    assert (canceled(effects), alarms(effects)) == ([stop], [])
    stage.reply(stop, "cancel")
    (exit,) = stage.accept(stage.update(stop, Work.CANCELED))
    assert (exit.side, exit.lots) == (SELL, 10)
    (stop,) = stage.accept(stage.update(exit.id, Work.CANCELED))  # the exit ended: what is left gets its stop at once,
    assert canceled(stage.bar(10.0)) == [stop.id]  # and at the next look is wanted no more
    stage.reply(stop.id, "cancel")
    (exit,) = stage.accept(stage.update(stop.id, Work.CANCELED))
    assert alarms(stage.fill(exit.id, -10, 10.0)) == ["DESK_DARK"]


def test_a_desk_that_is_dark_at_its_start_knows_it() -> None:
    """What was said is not said again, so that a restart changes nothing; who starts a desk reads it from the state."""
    stage = Stage({"a": PLAN})
    guarded(stage)
    say(stage, "dark")
    fresh = Stage({"a": PLAN}, opened=False)
    fresh.engine.journal = stage.engine.journal
    restart(fresh.engine, stage.engine.journal.records(), iter(list(stage.rows)))
    assert (fresh.state.level, fresh.state.done, stage.state.done) == (DARK, True, True)
    assert fresh.tell(Timer, "pulse", after=100_000_000) == ()
    say(fresh, "resume")
    assert fresh.state.done is False


# -- latches from outside --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "level"), [(FLATTEN, HALT), (HALT, REDUCE), (DARK, FLATTEN), (HALT, LIVE)])
def test_a_latch_of_a_watchdog_never_leads_down(before: int, level: int) -> None:
    stage = Stage({"a": PLAN})
    guarded(stage)
    stage.tell(Latch, before, "first", "watchdog")
    effects = stage.tell(Latch, level, "second", "watchdog")
    assert alarms(effects) == ["LEVEL_LATCHED"]
    assert (stage.state.level, stage.state.level_cause) == (before, "first")
    assert stage.fold() == stage.state.hash


def test_a_latch_of_a_watchdog_acts() -> None:
    stage = Stage({"a": {0: Target(0, lots=10, limit=9.0)}})
    (entry,) = stage.accept(stage.bar(10.0))
    assert canceled(stage.tell(Latch, HALT, "stalled", "watchdog")) == [entry.id]
    assert stage.state.causes == ["stalled"]


# -- cancel and flatten of a part ------------------------------------------------------------------------------------------


def test_the_owner_cancels_one_order_and_what_it_was_for_is_not_wanted_any_more() -> None:
    stage = Stage({"a": {0: Target(0, lots=10, limit=9.0)}, "b": {0: Target(1, lots=5, limit=9.0)}}, instruments=2)
    (one,) = stage.accept(stage.bar(10.0))
    stage.minute -= 1
    (two,) = stage.accept(stage.bar(10.0, i=1))
    effects = say(stage, "cancel", order=one.id)
    assert canceled(effects) == [one.id]
    stage.reply(one.id, "cancel")
    assert stage.update(one.id, Work.CANCELED) == ()
    assert stage.bar(10.0) == ()
    assert stage.work(two.id) is Work.WORKING


@pytest.mark.parametrize(("what", "gone"), [({}, {0, 1}), ({"instrument": 1}, {1}), ({"strategy": "a"}, {0}), ({"strategy": "a",
    "instrument": 1}, set())])
def test_what_a_cancel_is_about(what: dict[str, Any], gone: set[int]) -> None:
    stage = Stage({"a": {0: Target(0, lots=10, limit=9.0)}, "b": {0: Target(1, lots=5, limit=9.0)}}, instruments=2)
    (one,) = stage.accept(stage.bar(10.0))
    stage.minute -= 1
    (two,) = stage.accept(stage.bar(10.0, i=1))
    effects = say(stage, "cancel", **what)
    assert set(canceled(effects)) == {(one.id, two.id)[i] for i in gone}
    assert alarms(effects) == ([] if gone else ["COMMAND_NOTHING"])
    assert canceled(say(stage, "cancel", **what)) == []  # they are on their way out already


def test_a_cancel_leaves_protections_and_says_so() -> None:
    stage = Stage({"a": PLAN})
    stop = guarded(stage)
    assert alarms(say(stage, "cancel", order=stop)) == ["PROTECTION_KEPT"]
    assert alarms(say(stage, "cancel")) == ["COMMAND_NOTHING"]
    assert [ticket.order.id for ticket in stage.state.blotter.open[0].values()] == [stop]


def test_one_instrument_is_flattened_and_the_strategies_go_on() -> None:
    plan = {0: (Target(0, lots=10), Ladder(0, (Rung("b", BUY, 9.0, 3),)), Target(1, lots=7)), 3: Target(0, lots=2)}
    stage = Stage({"a": plan}, instruments=2)
    for order in stage.accept(stage.bar(10.0)):
        if not order.tag:
            stage.fill(order.id, 10, 10.0)
    stage.minute -= 1
    stage.buy(stage.bar(10.0, i=1), 10.0)
    effects = say(stage, "flatten", instrument=0)
    assert len(canceled(effects)) == 1
    assert [(order.instrument, order.side * order.lots) for order in sent(effects)] == [(0, -10)]
    for order in stage.accept(effects):
        stage.fill(order.id, -10, 10.0)
    assert (stage.state.level, stage.state.portfolio.lots, stage.state.status) == (LIVE, [0, 7], {"a": "active"})
    stage.minute = 2
    assert [order.lots for order in sent(stage.bar(10.0))] == [2]


def test_a_word_to_arm_is_recorded_and_changes_no_level() -> None:
    stage = Stage({"a": PLAN})
    assert say(stage, "arm", reason="") != ()
    assert stage.state.conditions.armed == -1
    assert say(stage, "arm") == ()
    assert (stage.state.conditions.armed, stage.state.level) == (stage.now, LIVE)
    stage.tell(Status, 0, False)
    assert stage.fold() == stage.state.hash
    assert not [effect for effect in say(stage, "pause", strategy="a") if isinstance(effect, Cancel)]
