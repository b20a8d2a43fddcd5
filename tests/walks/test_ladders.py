"""HEART §4: a ladder is the complete wanted set of resting orders; it is diffed by tag, and unchanged rungs are left alone."""

from __future__ import annotations

from argosy.core.effects import Cancel
from argosy.core.intents import Ladder, Protection, Rung, Target
from argosy.core.orders import BUY, SELL, Tif, Work
from tests.walks.hand import Stage, canceled, fills, lots, orders, play, records, resting, sent

LOW = Rung("low", BUY, 9.0, 5)
HIGH = Rung("high", SELL, 11.0, 5)


def test_a_ladder_rests_each_rung_under_its_tag() -> None:
    run = play({"a": {0: Ladder(0, (LOW, HIGH), why="grid")}}, [10.0, 10.0])
    assert resting(run) == [("rung:high", -5, 11.0), ("rung:low", 5, 9.0)]
    assert [(order.tif, order.why) for order in orders(run)] == [(Tif.GTC, "grid"), (Tif.GTC, "grid")]


def test_unchanged_rungs_keep_their_orders_and_a_changed_one_is_cancel_confirm_replace() -> None:
    stage = Stage({"a": {0: Ladder(0, (LOW, HIGH)), 1: Ladder(0, (LOW, Rung("high", SELL, 12.0, 5)))}})
    low, high = sorted(sent(stage.bar(10.0)), key=lambda order: -order.side)
    stage.reply(low.id)
    stage.reply(high.id)
    effects = stage.bar(10.0)
    assert (canceled(effects), sent(effects)) == ([high.id], [])
    assert stage.reply(high.id, "cancel") == ()
    replaced = sent(stage.update(high.id, Work.CANCELED))
    assert [(order.tag, order.side, order.lots, order.limit) for order in replaced] == [("rung:high", SELL, 5, 12.0)]
    assert stage.work(low.id) is Work.WORKING
    assert set(stage.state.blotter.open[0]) == {low.id, replaced[0].id}


def test_a_new_rung_beside_old_ones_sends_only_itself() -> None:
    stage = Stage({"a": {0: Ladder(0, (LOW,)), 1: Ladder(0, (LOW, Rung("lower", BUY, 8.0, 5)))}})
    stage.reply(sent(stage.bar(10.0))[0].id)
    effects = stage.bar(10.0)
    assert [order.tag for order in sent(effects)] == ["rung:lower"]
    assert canceled(effects) == []


def test_the_same_ladder_again_is_a_no_op() -> None:
    run = play({"a": {0: Ladder(0, (LOW, HIGH)), 1: Ladder(0, (LOW, HIGH), why="again"), 2: Ladder(0, (HIGH, LOW))}}, [10.0] * 4)
    assert len(orders(run)) == 2
    assert records(run, Cancel) == []


def test_an_absent_rung_is_cancelled_and_an_empty_ladder_cancels_all() -> None:
    run = play({"a": {0: Ladder(0, (LOW, HIGH)), 1: Ladder(0, (HIGH,))}}, [10.0] * 3)
    assert resting(run) == [("rung:high", -5, 11.0)]
    run = play({"a": {0: Ladder(0, (LOW, HIGH)), 1: Ladder(0)}}, [10.0] * 3)
    assert resting(run) == []
    assert len(records(run, Cancel)) == 2


def test_a_filled_rung_is_not_sent_again_until_a_ladder_says_so() -> None:
    """The low rung fills at minute 1; the standing ladder does not refill it, the same ladder said again does."""
    rows = [10.0, (10.0, 10.0, 8.9, 10.0), 10.0, 10.0]
    once = play({"a": {0: Ladder(0, (LOW, HIGH))}}, rows)
    assert fills(once) == [(2, 5, 9.0)]
    assert resting(once) == [("rung:high", -5, 11.0)]
    again = play({"a": {0: Ladder(0, (LOW, HIGH)), 2: Ladder(0, (LOW, HIGH))}}, rows)
    assert resting(again) == [("rung:high", -5, 11.0), ("rung:low", 5, 9.0)]


def test_a_partly_filled_rung_is_unchanged() -> None:
    stage = Stage({"a": {0: Ladder(0, (LOW,)), 1: Ladder(0, (LOW, HIGH))}})
    low = sent(stage.bar(10.0))[0]
    stage.reply(low.id)
    stage.fill(low.id, 2, 9.0)
    effects = stage.bar(10.0)
    assert canceled(effects) == []
    assert [order.tag for order in sent(effects)] == ["rung:high"]


def test_ladders_of_two_strategies_are_not_netted() -> None:
    run = play({"a": {0: Ladder(0, (LOW,))}, "b": {0: Ladder(0, (Rung("low", SELL, 11.0, 5),))}}, [10.0] * 3)
    assert resting(run) == [("rung:low", -5, 11.0), ("rung:low", 5, 9.0)]
    assert [order.shares[0].strategy for order in orders(run)] == ["a", "b"]


def test_self_crossing_is_prevented() -> None:
    """b would sell at 9.50 into a's buy at 9.80: refused with a code, the first order is left alone."""
    plan_a = {0: Ladder(0, (Rung("x", BUY, 9.8, 5),))}
    plan_b = {1: Ladder(0, (Rung("y", SELL, 9.5, 5),))}
    run = play({"a": plan_a, "b": plan_b}, [10.0, 10.0, 10.0])
    assert run.engine.state.counters.refusals == {"SELF_CROSS": 1}
    assert resting(run) == [("rung:x", 5, 9.8)]


def test_a_refused_rung_is_not_asked_again() -> None:
    plan = {0: Ladder(0, (Rung("big", BUY, 9.0, 50), LOW))}
    run = play({"a": plan}, [10.0] * 4, limits={"order_size": {"max_lots": 20}})
    assert run.engine.state.counters.refusals == {"MAX_ORDER_QTY": 1}
    assert resting(run) == [("rung:low", 5, 9.0)]


def test_a_rung_that_fills_moves_the_target_with_it() -> None:
    """Flat is wanted first, then a ladder: what the ladder buys is no surplus of the old target and is not sold again."""
    plan = {0: Target(0, lots=0), 1: Ladder(0, (LOW,))}
    run = play({"a": plan}, [10.0, 10.0, (10.0, 10.0, 8.9, 10.0), 10.0, 10.0])
    assert fills(run) == [(3, 5, 9.0)]
    assert lots(run, "a") == 5


def test_a_rungs_own_stop_and_take_live_from_its_fill_on() -> None:
    """Bought at 9.00 inside minute 1; its legs rest (8.50 and 9.80), and the take is passed at minute 3."""
    rung = Rung("low", BUY, 9.0, 5, protection=Protection(stop=8.5, take=9.8))
    rows = [9.5, (9.5, 9.5, 8.9, 9.1), (9.1, 9.2, 9.0, 9.1), (9.2, 9.9, 9.1, 9.9)]
    held = play({"a": {0: Ladder(0, (rung,))}}, rows[:3])
    assert resting(held) == [("stop", -5, 8.5), ("take", -5, 9.8)]
    run = play({"a": {0: Ladder(0, (rung,))}}, rows)
    assert fills(run) == [(2, 5, 9.0), (4, -5, 9.8)]
    assert resting(run) == []


def test_a_rungs_legs_stay_while_another_strategy_holds_the_instrument_too() -> None:
    rung = Rung("low", BUY, 9.0, 5, protection=Protection(stop=8.5))
    run = play({"a": {0: Ladder(0, (rung,))}, "b": {0: Target(0, lots=3)}}, [9.5, 9.5, (9.5, 9.5, 8.9, 9.1), 9.1])
    assert (lots(run, "a"), lots(run, "b")) == (5, 3)
    assert resting(run) == [("stop", -5, 8.5)]


def test_rungs_prices_come_to_the_tick_no_worse_than_asked() -> None:
    run = play({"a": {0: Ladder(0, (Rung("b", BUY, 9.009, 1), Rung("s", SELL, 11.001, 1)))}}, [10.0, 10.0])
    assert resting(run) == [("rung:b", 1, 9.0), ("rung:s", -1, 11.01)]
