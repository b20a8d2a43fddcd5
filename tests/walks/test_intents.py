"""HEART §4: targets, horizons, holds; what is wanted stands until it is replaced, and the planner sends only what lacks."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.core.effects import Cancel, SetTimer
from argosy.core.events import Timer
from argosy.core.intents import Hold, Ladder, Protection, Rung, Target
from argosy.core.orders import BUY, SELL, Tif, Type, Work
from argosy.core.time import MINUTE
from argosy.engine.journal import Wanted as WantedRecord
from tests.walks.hand import Stage, canceled, fills, lots, orders, play, records, resting, sent


@pytest.mark.parametrize(
    ("target", "want"),
    [
        (Target(0, lots=7), 7),
        (Target(0, lots=-7), -7),
        (Target(0, weight=0.5), 1666),  # 50,000 / 30 = 1666.67 toward zero
        (Target(0, weight=-0.5), -1666),
        (Target(0, notional=1_000.0), 33),  # 33.33
        (Target(0, notional=-1_000.0), -33),
        (Target(0, weight=0.0), 0),
    ],
)
def test_a_target_comes_to_lots_rounded_toward_zero(target: Target, want: int) -> None:
    run = play({"a": {0: target}}, [30.0, 30.0])
    assert records(run, WantedRecord)[0].lots == want
    assert lots(run, "a") == want


def test_weight_is_of_the_virtual_equity_and_not_of_the_account() -> None:
    """Two strategies have 50,000 each; a whole weight of one is 500 lots at 100."""
    run = play({"a": {0: Target(0, weight=1.0)}, "b": {}}, [100.0, 100.0])
    assert lots(run, "a") == 500


def test_weight_is_evaluated_once_at_the_decisions_mark() -> None:
    """Wanted at 100 (1000 lots); bought at 110 the next minute, the price doubles, nothing is traded again."""
    weight = {k: Target(0, weight=1.0, why=f"bar {k}") for k in range(4)}
    run = play({"a": weight}, [100.0, (110.0, 110.0, 110.0, 110.0), 220.0, 220.0])
    assert fills(run) == [(1, 1000, 110.0)]
    assert [record.lots for record in records(run, WantedRecord)] == [1000]


def test_weight_of_equity_counts_the_position_at_its_mark() -> None:
    """500 lots at 100 gain 20 each: equity 110,000, half of it at 120 is 458.33."""
    run = play({"a": {0: Target(0, weight=0.5), 2: Target(0, weight=0.5, evidence=(1,), tif=Tif.GTC)}}, [100.0, 100.0, 120.0, 120.0])
    assert records(run, WantedRecord)[0].lots == 500
    # the same size wanted with another time in force: evaluated once, so the lots stand
    assert [record.lots for record in records(run, WantedRecord)] == [500, 500]
    other = play({"a": {0: Target(0, weight=0.5), 2: Target(0, weight=0.5000001)}}, [100.0, 100.0, 120.0, 120.0])
    assert [record.lots for record in records(other, WantedRecord)] == [500, 458]
    assert fills(other) == [(1, 500, 100.0), (3, -42, 120.0)]


def test_a_repeat_is_a_no_op_whatever_its_reason() -> None:
    plan = {0: Target(0, lots=5, why="one"), 1: Target(0, lots=5, why="two", evidence=(3,)), 2: Target(0, lots=5)}
    run = play({"a": plan}, [10.0] * 4)
    assert len(records(run, WantedRecord)) == 1
    assert fills(run) == [(1, 5, 10.0)]


def test_none_means_no_change() -> None:
    run = play({"a": {0: Target(0, lots=5, limit=9.0), 1: None}}, [10.0] * 3)
    assert resting(run) == [("", 5, 9.0)]


def test_a_new_target_replaces_the_old_one() -> None:
    run = play({"a": {0: Target(0, lots=5), 2: Target(0, lots=2)}}, [10.0, 10.0, 11.0, 12.0])
    assert fills(run) == [(1, 5, 10.0), (3, -3, 12.0)]


def test_the_planner_subtracts_what_is_filled_and_working() -> None:
    """Of 10 wanted 4 are filled and 6 work; 15 wanted then sends 5 more and leaves the six alone."""
    stage = Stage({"a": {0: Target(0, lots=10), 1: Target(0, lots=15)}})
    first = sent(stage.bar(10.0))[0]
    stage.reply(first.id)
    stage.fill(first.id, 4, 10.0)
    effects = stage.bar(10.0)
    assert [(order.side, order.lots) for order in sent(effects)] == [(BUY, 5)]
    assert canceled(effects) == []


def test_a_smaller_target_takes_back_what_works_before_it_sends_the_rest() -> None:
    """10 wanted, 4 filled, 6 working; 7 wanted: cancel, and only after the venue's word buy the 3 that lack."""
    stage = Stage({"a": {0: Target(0, lots=10), 1: Target(0, lots=7)}})
    first = sent(stage.bar(10.0))[0]
    stage.reply(first.id)
    stage.fill(first.id, 4, 10.0)
    effects = stage.bar(10.0)
    assert (canceled(effects), sent(effects)) == ([first.id], [])
    assert stage.reply(first.id, "cancel") == ()
    assert [(order.side, order.lots) for order in sent(stage.update(first.id, Work.CANCELED))] == [(BUY, 3)]


def test_a_new_limit_is_cancel_confirm_replace() -> None:
    stage = Stage({"a": {0: Target(0, lots=10, limit=9.0), 1: Target(0, lots=10, limit=9.5)}})
    first = sent(stage.bar(10.0))[0]
    stage.reply(first.id)
    effects = stage.bar(10.0)
    assert (canceled(effects), sent(effects)) == ([first.id], [])
    second = sent(stage.update(first.id, Work.CANCELED))
    assert [(order.type, order.lots, order.limit) for order in second] == [(Type.LIMIT, 10, 9.5)]
    assert second[0].id != first.id


def test_a_limit_comes_to_the_tick_no_worse_than_asked() -> None:
    """Tick 0.01: a buy at 9.876 goes down, a sell at 10.123 up."""
    run = play({"a": {0: Target(0, lots=1, limit=9.876), 1: Target(0, lots=-1, limit=10.123)}}, [10.0] * 3)
    assert [order.limit for order in orders(run)] == [9.87, 10.13]


def test_expiry_cancels_the_rest_and_keeps_the_position() -> None:
    stage = Stage({"a": {0: Target(0, lots=10, limit=10.0, horizon_ns=3 * MINUTE)}})
    effects = stage.bar(10.0)
    order = sent(effects)[0]
    timers = [effect for effect in effects if isinstance(effect, SetTimer)]
    assert [(timer.name, timer.at, timer.strategy) for timer in timers] == [("horizon", 4 * MINUTE, "a")]
    stage.reply(order.id)
    stage.fill(order.id, 4, 10.0)
    effects = stage.engine.step(Timer(4 * MINUTE, 4 * MINUTE, "horizon", "a"))
    assert canceled(effects) == [order.id]
    assert stage.update(order.id, Work.CANCELED) == ()
    assert stage.lots("a") == 4


def test_what_fills_while_the_expiry_is_on_its_way_is_kept_too() -> None:
    stage = Stage({"a": {0: Target(0, lots=10, limit=10.0, horizon_ns=MINUTE)}})
    order = sent(stage.bar(10.0))[0]
    stage.reply(order.id)
    stage.engine.step(Timer(2 * MINUTE, 2 * MINUTE, "horizon", "a"))
    assert stage.fill(order.id, 3, 10.0) == ()
    assert stage.update(order.id, Work.CANCELED) == ()
    assert stage.lots("a") == 3


def test_expiry_with_flat_closes_the_position() -> None:
    plan = {0: Target(0, lots=10, horizon_ns=2 * MINUTE, on_expiry="flat")}
    run = play({"a": plan}, [10.0, 10.0, 10.0, 12.0, 12.0])
    # wanted at minute 1, expired at minute 3, sold at the open of minute 3's bar
    assert fills(run) == [(1, 10, 10.0), (3, -10, 12.0)]


def test_after_its_expiry_the_same_target_is_a_new_one() -> None:
    target = Target(0, lots=10, limit=9.0, horizon_ns=MINUTE)
    run = play({"a": {0: target, 1: target, 3: target}}, [10.0] * 5)
    assert [record.at for record in records(run, WantedRecord)] == [MINUTE, 2 * MINUTE, 4 * MINUTE]
    # at minute 2 it expires and is wanted again in one instant: the working order serves; at minute 3 it is cancelled
    assert len(orders(run)) == 2


def test_hold_withdraws_the_standing_intent_and_keeps_position_and_protection() -> None:
    plan = {
        0: Target(0, lots=10, protection=Protection(stop=8.0)),
        2: Target(0, lots=20, limit=9.0),
        3: Hold(0),
    }
    run = play({"a": plan}, [10.0] * 6)
    assert lots(run, "a") == 10
    assert resting(run) == [("stop", -10, 8.0)]
    assert len(records(run, Cancel)) == 1


def test_hold_withdraws_a_ladder() -> None:
    run = play({"a": {0: Ladder(0, (Rung("x", BUY, 9.0, 1), Rung("y", SELL, 11.0, 1))), 1: Hold(0)}}, [10.0] * 3)
    assert resting(run) == []


def test_after_a_hold_the_same_target_is_a_new_one() -> None:
    run = play({"a": {0: Target(0, lots=5, limit=9.0), 1: Hold(0), 2: Target(0, lots=5, limit=9.0)}}, [10.0] * 4)
    assert len(orders(run)) == 2
    assert resting(run) == [("", 5, 9.0)]


def test_a_refusal_gives_the_wish_up_and_a_repeat_does_not_ask_again() -> None:
    plan: dict[int, Any] = {k: Target(0, lots=50) for k in range(4)}
    run = play({"a": plan}, [10.0] * 5, limits={"order_size": {"max_lots": 20}})
    assert run.engine.state.counters.refusals == {"MAX_ORDER_QTY": 1}
    assert fills(run) == []


def test_a_trimmed_order_gives_up_only_what_was_cut() -> None:
    run = play({"a": {0: Target(0, lots=50)}}, [10.0] * 4, limits={"order_size": {"max_lots": 20, "trim": True}})
    assert fills(run) == [(1, 20, 10.0)]
    assert run.engine.state.wishes["a", 0].lots == 20


def test_intents_keep_their_reason_and_evidence_in_the_journal() -> None:
    run = play({"a": {0: Target(0, lots=1, why="cheap", evidence=(4, 9))}}, [10.0, 10.0])
    intent = records(run, WantedRecord)[0].intent
    assert (intent.why, intent.evidence) == ("cheap", (4, 9))
    assert orders(run)[0].why == "cheap"
