"""HEART §5: protections belong to virtual books: with one holder they rest at the venue, with several the engine triggers them."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.core.effects import Amend, Submit
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Ladder, Protection, Rung, Target
from argosy.core.orders import BUY, SELL, Type, Work
from argosy.core.time import SECOND
from argosy.engine.journal import Wanted as WantedRecord
from tests.walks.hand import NAN, Stage, canceled, fills, lots, orders, play, records, resting, sent


def guarded(want: int, stop: float = NAN, take: float = NAN, **rest: Any) -> Target:
    return Target(0, lots=want, protection=Protection(stop=stop, take=take), **rest)


def test_one_holders_protection_goes_with_the_entry_as_legs() -> None:
    stage = Stage({"a": {0: guarded(10, 9.0, 12.0)}})
    effects = stage.bar(10.0)
    approved = next(effect.approved for effect in effects if isinstance(effect, Submit))
    assert [(leg.tag, leg.type, leg.side, leg.lots, leg.parent, leg.reduce_only) for leg in approved.legs] == [
        ("stop", Type.STOP, SELL, 10, approved.order.id, True), ("take", Type.LIMIT, SELL, 10, approved.order.id, True),
    ]  # fmt: skip
    assert len({leg.group for leg in approved.legs}) == 1


def test_the_stop_rests_at_the_venue_and_sells_there() -> None:
    run = play({"a": {0: guarded(10, 9.0, 12.0)}}, [10.0, 10.0, (10.0, 10.0, 8.5, 8.6), 8.0])
    assert fills(run) == [(1, 10, 10.0), (3, -10, 9.0)]  # heard of at the end of minute 2
    assert resting(run) == []


def test_after_a_stop_the_standing_target_does_not_buy_again() -> None:
    plan = {k: guarded(10, 9.0) for k in range(6)}
    run = play({"a": plan}, [10.0, 10.0, (10.0, 10.0, 8.5, 8.6), 9.5, 9.5, 9.5])
    assert fills(run) == [(1, 10, 10.0), (3, -10, 9.0)]


def test_after_a_stop_that_the_engine_triggered_a_repeat_does_not_buy_again_either() -> None:
    """The same strategy, but another one holds the instrument too: the outcome for it is the same law."""
    plan = {k: guarded(10, 9.0) for k in range(6)}
    run = play({"a": plan, "b": {0: guarded(4, 5.0)}}, [10.0, 10.0, (10.0, 10.0, 8.5, 8.6), 9.5, 9.5, 9.5])
    assert fills(run) == [(1, 14, 10.0), (3, -10, 9.5)]
    assert (lots(run, "a"), lots(run, "b")) == (0, 4)


def test_a_protection_given_later_rests_as_orders_of_its_own() -> None:
    run = play({"a": {0: Target(0, lots=10), 2: guarded(10, 9.0, 12.0)}}, [10.0] * 4)
    assert resting(run) == [("stop", -10, 9.0), ("take", -10, 12.0)]
    pair = [order for order in orders(run) if order.tag]
    assert pair[0].group == pair[1].group != 0


def test_a_moved_stop_is_amended_in_place() -> None:
    run = play({"a": {0: guarded(10, 9.0), 2: guarded(10, 9.5)}}, [10.0] * 4)
    assert [(amend.stop, amend.lots) for amend in records(run, Amend)] == [(9.5, 0)]
    assert resting(run) == [("stop", -10, 9.5)]
    assert len(orders(run)) == 2


def test_another_trail_replaces_the_one_that_rests() -> None:
    plan = {0: Target(0, lots=10, protection=Protection(trail=1.0)), 2: Target(0, lots=10, protection=Protection(trail=0.5))}
    run = play({"a": plan}, [10.0] * 4)
    trails = [ticket.order.trail for ticket in run.engine.state.blotter.open[0].values()]
    assert trails == [0.5]


def test_a_target_without_protection_keeps_the_standing_one_and_covers_what_is_added() -> None:
    run = play({"a": {0: guarded(10, 9.0), 2: Target(0, lots=15)}}, [10.0] * 5)
    assert lots(run, "a") == 15
    assert resting(run) == [("stop", -10, 9.0), ("stop", -5, 9.0)]


def test_a_smaller_position_has_a_smaller_stop() -> None:
    run = play({"a": {0: guarded(10, 9.0), 2: Target(0, lots=4)}}, [10.0] * 5)
    assert lots(run, "a") == 4
    assert resting(run) == [("stop", -4, 9.0)]


def test_an_exit_is_cancel_confirm_sell() -> None:
    """The stop holds the shares, so it goes first; the sale waits for the venue's word."""
    stage = Stage({"a": {0: guarded(10, 9.0), 1: Target(0, lots=0)}})
    effects = stage.bar(10.0)
    entry = sent(effects)[0]
    stop = entry.id + 1
    stage.reply(entry.id)
    stage.update(stop, Work.ACKED)
    stage.fill(entry.id, 10, 10.0)
    effects = stage.bar(10.0)
    assert (canceled(effects), sent(effects)) == ([stop], [])
    assert stage.reply(stop, "cancel") == ()
    exits = sent(stage.update(stop, Work.CANCELED))
    assert [(order.side, order.lots, order.reduce_only, order.tag) for order in exits] == [(SELL, 10, True, "")]


def test_a_stop_that_fills_while_its_cancel_is_on_the_way_leaves_nothing_to_sell() -> None:
    stage = Stage({"a": {0: guarded(10, 9.0), 1: Target(0, lots=0)}})
    entry = sent(stage.bar(10.0))[0]
    stage.reply(entry.id)
    stage.update(entry.id + 1, Work.ACKED)
    stage.fill(entry.id, 10, 10.0)
    stage.bar(10.0)
    assert sent(stage.fill(entry.id + 1, -10, 9.0)) == []
    assert stage.lots("a") == 0


def test_with_several_holders_one_stop_of_the_net_rests_at_the_widest_level() -> None:
    run = play({"a": {0: guarded(10, 9.0)}, "b": {0: guarded(4, 8.0)}}, [10.0] * 4)
    assert resting(run) == [("stop", -14, 8.0)]
    ticket = next(t for t in run.engine.state.blotter.open[0].values() if t.order.tag == "stop")
    assert [(share.strategy, share.lots) for share in ticket.order.shares] == [("a", 10), ("b", 4)]


def test_with_several_short_holders_the_widest_level_is_the_highest() -> None:
    run = play({"a": {0: guarded(-10, 11.0)}, "b": {0: guarded(-4, 12.0)}}, [10.0] * 4)
    assert resting(run) == [("stop", 14, 12.0)]


def test_the_net_of_a_long_and_a_short_is_what_the_venues_stop_guards() -> None:
    run = play({"a": {0: guarded(10, 9.0)}, "b": {0: guarded(-4, 12.0)}}, [10.0] * 4)
    assert run.engine.state.portfolio.lots == [6]
    assert resting(run) == [("stop", -6, 9.0)]


def test_with_several_holders_the_engine_triggers_each_ones_own_stop() -> None:
    """a's 9.00 is passed in minute 2, b's 8.00 is not: a's ten go at the next open, and b's four are guarded alone."""
    run = play({"a": {0: guarded(10, 9.0)}, "b": {0: guarded(4, 8.0)}}, [10.0, 10.0, (10.0, 10.0, 8.9, 9.2), 9.1, 9.1, 9.1])
    assert fills(run) == [(1, 14, 10.0), (3, -10, 9.1)]
    assert (lots(run, "a"), lots(run, "b")) == (0, 4)
    assert resting(run) == [("stop", -4, 8.0)]
    reasons = [record.intent.why for record in records(run, WantedRecord)]
    assert "protection: stop" in reasons


def test_with_several_holders_the_engine_triggers_each_ones_own_take() -> None:
    run = play({"a": {0: guarded(10, 9.0, 11.0)}, "b": {0: guarded(4, 8.0)}}, [10.0, 10.0, (10.0, 11.2, 10.0, 11.1), 11.1, 11.1])
    assert fills(run) == [(1, 14, 10.0), (3, -10, 11.1)]
    assert (lots(run, "a"), lots(run, "b")) == (0, 4)


def test_the_venues_net_stop_closes_all_holders_and_what_they_want() -> None:
    """One bar falls through both levels: the venue's stop of 14 at 8.00 fills, nothing is sold twice."""
    run = play({"a": {0: guarded(10, 9.0)}, "b": {0: guarded(4, 8.0)}}, [10.0, 10.0, (10.0, 10.0, 7.0, 7.5), 7.5, 7.5])
    assert fills(run) == [(1, 14, 10.0), (3, -14, 8.0)]
    assert (lots(run, "a"), lots(run, "b")) == (0, 0)
    assert resting(run) == []


def test_changing_the_net_stop_is_cancel_confirm_replace() -> None:
    stage = Stage({"a": {0: guarded(10, 9.0), 1: guarded(10, 7.0)}, "b": {0: guarded(4, 8.0)}})
    order = sent(stage.bar(10.0))[0]
    stage.reply(order.id)
    stop = sent(stage.fill(order.id, 14, 10.0))[0]
    assert (stop.tag, stop.lots, stop.stop) == ("stop", 14, 8.0)
    stage.reply(stop.id)
    effects = stage.bar(10.0)
    assert (canceled(effects), sent(effects)) == ([stop.id], [])
    assert sent(stage.reply(stop.id, "cancel")) == []
    again = sent(stage.update(stop.id, Work.CANCELED))
    assert [(order.tag, order.lots, order.stop) for order in again] == [("stop", 14, 7.0)]


def test_when_a_second_holder_comes_the_first_ones_own_stop_becomes_the_net_stop() -> None:
    run = play({"a": {0: guarded(10, 9.0)}, "b": {2: guarded(4, 8.0)}}, [10.0] * 6)
    assert resting(run) == [("stop", -14, 8.0)]


def test_when_one_holder_is_left_its_own_stop_and_take_rest_again() -> None:
    run = play({"a": {0: guarded(10, 9.0, 12.0)}, "b": {0: guarded(4, 8.0), 2: Target(0, lots=0)}}, [10.0] * 6)
    assert lots(run, "b") == 0
    assert resting(run) == [("stop", -10, 9.0), ("take", -10, 12.0)]


def test_protections_come_to_the_tick_no_later_than_asked() -> None:
    """A long's stop goes up to the grid, so that it triggers no later; its take up, so that it sells no cheaper."""
    run = play({"a": {0: guarded(10, 9.001, 12.001)}}, [10.0] * 3)
    assert resting(run) == [("stop", -10, 9.01), ("take", -10, 12.01)]
    run = play({"a": {0: guarded(-10, 11.009, 8.009)}}, [10.0] * 3)
    assert resting(run) == [("stop", 10, 11.0), ("take", 10, 8.0)]


@pytest.mark.parametrize("away_ns", [0, 10 * SECOND])
def test_who_turns_is_not_taken_out_by_the_stop_of_where_it_turns_to(away_ns: int) -> None:
    """a holds 10 and wants 3 short with a stop at 12, b holds 10 and wants no stop: the 12 guards neither while they are long."""
    turn = Target(0, lots=-3, protection=Protection(stop=12.0))
    table = Instruments([Instrument(symbol="S0", away_ns=away_ns)])
    stage = Stage({"a": {0: Target(0, lots=10), 1: turn}, "b": {0: Target(0, lots=10)}}, table=table)
    stage.buy(stage.bar(10.0), 10.0)
    effects = stage.bar(10.0)
    assert [(one.tag, one.side * one.lots) for one in sent(effects)] == [("", -13)]
    (order,) = stage.accept(effects)
    assert stage.bar(10.0) == () and stage.state.wishes["a", 0].lots == -3
    stage.fill(order.id, -13, 10.0)
    assert (stage.lots("a"), stage.lots("b")) == (-3, 10)


def test_a_rungs_own_stop_that_waits_for_its_rung_is_no_stop_of_what_is_held() -> None:
    """Its legs were sent and nobody said more of them: the 14 that are held get their stop all the same."""
    rungs = Ladder(0, (Rung("low", BUY, 7.0, 2, protection=Protection(stop=5.0)),))
    stage = Stage({"a": {0: (guarded(10, 9.0), rungs)}, "b": {0: guarded(4, 8.0)}})
    orders = stage.accept(stage.bar(10.0))
    (child,) = [order for order in orders if not order.tag]
    (rung,) = [order for order in orders if order.tag]
    assert stage.work(rung.id + 1) is Work.SENT
    assert [(one.tag, one.lots, one.stop) for one in sent(stage.fill(child.id, 14, 10.0))] == [("stop", 14, 8.0)]
