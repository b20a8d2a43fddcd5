"""HEART §7, §8, §11: what a venue, a gate or a partner refuses leaves no position without its stop and no book over its loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from argosy.core.effects import Alarm, Amend, Cancel, Effect
from argosy.core.errors import Misuse
from argosy.core.events import Adjust, Command, OrderUpdate, Session, Status
from argosy.core.intents import Ladder, Protection, Rung, Target
from argosy.core.orders import BUY, Tif, Work
from argosy.core.time import MINUTE
from argosy.engine.journal import Cross, Unsized, Verdict
from argosy.engine.restart import restart
from tests.walks.hand import (
    USD,
    Stage,
    Wanted,
    canceled,
    fills,
    lots,
    orders,
    play,
    records,
    resting,
    says,
    sent,
)

REDUCE, HALT = 1, 2


def want(lots: int, i: int = 0, stop: float = 0.0, take: float = 0.0, **given: Any) -> Target:
    nan = float("nan")
    guard = Protection(stop=stop or nan, take=take or nan) if stop or take else None
    return Target(i, lots=lots, protection=guard, **given)


def settle(stage: Stage, effects: Sequence[Effect]) -> list[Effect]:
    """Answer as a willing venue, in the same instant, whatever the effects ask, and what that leads to; all effects."""
    todo, seen = list(effects), []
    while todo:
        effect = todo.pop(0)
        seen.append(effect)
        assert len(seen) < 50, "no end of effects in one instant"
        if isinstance(effect, Cancel):
            todo += [*stage.reply(effect.order, "cancel"), *stage.update(effect.order, Work.CANCELED)]
        elif isinstance(effect, Amend):
            todo += stage.reply(effect.order, "amend")
            now = stage.state.blotter.tickets[effect.order].order
            limit, stop = (new if new == new else old for new, old in ((effect.limit, now.limit), (effect.stop, now.stop)))
            todo += stage.engine.step(OrderUpdate(stage.now, stage.now, effect.order, Work.WORKING, effect.lots or now.lots, limit, stop))
        else:
            for order in sent([effect]):
                todo += stage.reply(order.id)
    return seen


def alarms(effects: Sequence[Effect], severity: str = "page") -> list[str]:
    return [effect.code for effect in effects if isinstance(effect, Alarm) and effect.severity == severity]


# -- a refused exit ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exit", "event", "limits", "code"),
    [
        (want(0, limit=50.0), None, {"collar": {"max_pct": 3.0}}, "PRICE_COLLAR"),
        (want(0), (Status, 0, True), {}, "HALTED"),
        (want(0, tif=Tif.IOC), (Session, "24/7", False, 0, 1), {}, "SESSION_CLOSED"),
    ],
    ids=["collar", "halted", "session"],
)
def test_an_exit_that_the_gate_refuses_puts_the_stop_back_in_the_same_decision(exit: Target, event: Any, limits: Any, code: str) -> None:
    """10 at 100 with a stop at 90; the stop makes way for the exit, which may not go: the stop is there again before any row."""
    stage = Stage({"a": {0: want(10, stop=90.0), 1: exit}}, limits=limits)
    stage.buy(stage.bar(100.0), 100.0)
    assert resting(stage.run) == [("stop", -10, 90.0)]
    if event:
        stage.tell(*event)
    settle(stage, stage.bar(100.0))
    assert code in stage.state.counters.refusals
    assert resting(stage.run) == [("stop", -10, 90.0)]
    assert stage.lots("a") == 10


def test_a_stop_that_could_not_rest_while_its_instrument_was_halted_rests_when_it_trades_again() -> None:
    """The exit of minute 1 is refused by the halt; trading resumes and a bar comes: the 10 are stopped at 90, or sold."""
    stage = Stage({"a": {0: want(10, stop=90.0), 1: want(0)}})
    stage.buy(stage.bar(100.0), 100.0)
    stage.tell(Status, 0, True)
    settle(stage, stage.bar(100.0))
    settle(stage, stage.tell(Status, 0, False))
    settle(stage, stage.bar(100.0))
    assert stage.lots("a") == 10
    assert [signed for _, signed, _ in resting(stage.run)] == [-10]


def test_an_exit_larger_than_an_order_may_be_leaves_the_stops_that_were_there() -> None:
    """60 and 60 more, each stopped at 90; an exit of 120 is over the 100 of an order: the fall to 80 sells all 120 at 90."""
    plan = {0: want(60, stop=90.0), 1: want(120, stop=90.0), 3: want(0)}
    run = play({"a": plan}, [100.0] * 5 + [(100.0, 100.0, 80.0, 80.0), 80.0, 50.0], limits={"order_size": {"max_lots": 100}})
    assert run.engine.state.counters.refusals["MAX_ORDER_QTY"] >= 1
    assert lots(run, "a") == 0
    assert {price for _, signed, price in fills(run) if signed < 0} == {90.0}
    assert sum(signed for _, signed, _ in fills(run) if signed < 0) == -120


# -- cancels and stops on their way ---------------------------------------------------------------------------------------


def unsure() -> tuple[Stage, int, tuple[Effect, ...]]:
    """A limit order whose cancel timed out, and which the venue then shows as working."""
    stage = Stage({"a": {0: want(10, limit=90.0), 1: want(0)}})
    (order,) = stage.accept(stage.bar(100.0))
    assert canceled(stage.bar(100.0)) == [order.id]
    assert stage.reply(order.id, "cancel", "ambiguous") == ()
    return stage, order.id, stage.update(order.id, Work.WORKING)


def test_a_cancel_that_was_lost_is_sent_again_when_the_order_is_seen_to_work() -> None:
    _, order, effects = unsure()
    assert canceled(effects) == [order]


def test_halt_takes_back_an_order_whose_first_cancel_was_lost() -> None:
    stage = Stage({"a": {0: want(10, limit=90.0)}})
    (order,) = stage.accept(stage.bar(100.0))
    assert canceled(stage.tell(Command, "halt", "me", "stop")) == [order.id]
    stage.reply(order.id, "cancel", "ambiguous")
    seen = [*stage.update(order.id, Work.WORKING), *stage.bar(100.0)]
    assert canceled(seen) == [order.id]


def test_a_net_stop_sent_for_a_part_is_brought_to_the_whole_when_it_is_accepted() -> None:
    """Two holders of 10; 4 of 20 fill, a stop of 4 is on its way, 16 more fill: as soon as it is accepted, 20 are stopped at 80."""
    stage = Stage({"a": {0: want(10, stop=90.0)}, "b": {0: want(10, stop=80.0)}})
    (entry,) = stage.accept(stage.bar(100.0))
    assert entry.lots == 20
    (stop,) = sent(stage.fill(entry.id, 4, 100.0))
    assert (stop.lots, stop.stop) == (4, 80.0)
    more = stage.fill(entry.id, 16, 100.0)
    settle(stage, [*more, *stage.reply(stop.id)])
    assert stage.state.portfolio.lots == [20]
    assert resting(stage.run) == [("stop", -20, 80.0)]


def test_a_stop_and_target_of_one_instrument_do_not_cancel_those_of_another() -> None:
    """Both positions get a pair in one instant. The first is stopped out at 90; the second keeps its own pair until its own fall."""

    class Both:
        calls = -1

        def on_instant(self, book: Any) -> Any:
            self.calls += 1
            return {0: (want(10), want(10, 1)), 2: (want(10, 0, 90.0, 120.0), want(10, 1, 90.0, 120.0))}.get(self.calls)

        def on_bar(self, bar: Any, book: Any) -> None:
            return None

    fall = (100.0, 100.0, 80.0, 80.0)
    run = play({"a": Both}, [100.0] * 4 + [fall, 80.0, 80.0, 80.0], [100.0] * 6 + [fall, 80.0])
    pairs = [(order.instrument, order.tag, order.group) for order in orders(run) if order.tag]
    groups = [{group for i, _, group in pairs if i == own} for own in (0, 1)]
    assert [(i, tag) for i, tag, _ in pairs] == [(0, "stop"), (0, "take"), (1, "stop"), (1, "take")]  # none was sent twice
    assert [len(group) for group in groups] == [1, 1]
    assert groups[0] != groups[1]
    assert [(signed, price) for _, signed, price in fills(run)] == [(10, 100.0), (10, 100.0), (-10, 90.0), (-10, 90.0)]


def test_a_stop_whose_entry_ended_long_ago_is_still_moved() -> None:
    """1,100 orders of another strategy end after the entry; the stop at 90 is still the strategy's own and goes to 95."""
    other = says({k: want(10 if k % 2 else 0, 1) for k in range(1, 2900)})
    stage = Stage({"a": {0: want(10, stop=90.0), 3000: want(10, stop=95.0)}, "b": other}, 2)
    stage.buy(stage.bar(100.0), 100.0)
    for _ in range(1100):
        assert len(stage.buy(stage.bar(100.0, 1), 100.0)) == 1
    stage.minute = 2999
    assert [effect.stop for effect in stage.bar(100.0) if isinstance(effect, Amend)] == [95.0]


def test_a_leg_lives_longer_than_the_list_of_ended_orders() -> None:
    """The leg was cancelled by the venue; 1,100 orders later its entry fills the other 5, and all 10 are stopped."""
    other = says({k: want(10 if k % 2 else 0, 1) for k in range(1, 2000)})
    stage = Stage({"a": {0: want(10, limit=100.0, tif=Tif.GTC, stop=90.0)}, "b": other}, 2)
    (entry,) = stage.accept(stage.bar(100.0))
    (leg,) = [order for order in orders(stage.run) if order.tag]
    settle(stage, stage.fill(entry.id, 5, 100.0))
    settle(stage, stage.update(leg.id, Work.CANCELED))
    stage.minute = 0
    for _ in range(1100):
        assert len(stage.buy(stage.bar(100.0, 1), 100.0)) == 1
    settle(stage, stage.fill(entry.id, 5, 100.0))
    assert stage.lots("a") == 10
    assert {(tag, price) for tag, _, price in resting(stage.run)} == {("stop", 90.0)}
    assert sum(signed for _, signed, _ in resting(stage.run)) == -10


def test_a_hand_sale_brings_the_stop_down_to_what_the_account_holds() -> None:
    """The strategy has 10, the house sells 5 by hand: a stop of 10 would open a short of 5."""
    stage = Stage({"a": {0: want(10, stop=90.0)}})
    (entry,) = stage.accept(stage.bar(100.0))
    stage.fill(entry.id, 10, 100.0)
    settle(stage, stage.tell(Adjust, 0, -5, 100.0, 0, "", "hand sale"))
    assert (stage.state.portfolio.lots, stage.lots("a")) == ([5], 10)
    assert resting(stage.run) == [("stop", -5, 90.0)]


# -- a venue that goes on refusing ----------------------------------------------------------------------------------------


def test_a_stop_refused_again_and_again_is_tried_a_few_times_then_at_the_next_row() -> None:
    stage = Stage({"a": {0: want(10), 1: want(10, stop=90.0)}})
    stage.buy(stage.bar(100.0), 100.0)
    effects, tries, paged = stage.bar(100.0), 0, []
    while sent(effects) and tries < 50:
        (order,) = sent(effects)
        tries += 1
        effects = stage.reply(order.id, outcome="refused", code="STOP_ABOVE_MARKET")
        paged += alarms(effects)
    assert 1 <= tries <= 8
    assert len(paged) == 1
    again = stage.bar(100.0)
    assert [(order.tag, order.lots, order.stop) for order in sent(again)] == [("stop", 10, 90.0)]
    settle(stage, again)
    assert resting(stage.run) == [("stop", -10, 90.0)]


def test_a_cancel_refused_again_and_again_is_tried_a_few_times_then_at_the_next_row() -> None:
    stage = Stage({"a": {0: want(10, limit=90.0), 1: want(0)}})
    (order,) = stage.accept(stage.bar(100.0))
    effects, tries, paged = stage.bar(100.0), 0, []
    while canceled(effects) and tries < 50:
        tries += 1
        effects = stage.reply(order.id, "cancel", "refused", "PENDING")
        paged += alarms(effects)
    assert 1 <= tries <= 8
    assert len(paged) == 1
    assert canceled(stage.bar(100.0)) == [order.id]


# -- crosses --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inside", [False, True], ids=["alone", "with_a_seller_inside"])
def test_no_cross_enlarges_a_book_that_has_spent_its_loss(inside: bool) -> None:
    """A book of 50,000 may lose 500 and has lost 1,000: 300 more are refused, whether or not a partner sells them."""
    both = {"a": Wanted("a", says({0: want(100), 3: want(400)}), budget_frac=0.5, max_loss_frac=0.01)}
    if inside:
        both["b"] = Wanted("b", says({0: want(300), 3: want(0)}), budget_frac=0.5)
    run = play(both, [100.0, 100.0, 100.0, 90.0, 90.0, 90.0], limits={"budget": {"use_pct": 100.0}})
    assert lots(run, "a") == 100
    assert run.engine.state.counters.refusals == {"SELF_CROSS" if inside else "BUDGET_LOSS": 1}  # inside, it would meet the partner's sale
    assert run.engine.state.portfolio.lots == [100]  # the partner is out all the same


@pytest.mark.parametrize("event", [(Command, "reduce", "me", "why"), (Status, 0, True)], ids=["reduce", "halted"])
def test_no_cross_opens_positions_where_none_may_be_opened(event: Any) -> None:
    stage = Stage({"a": {1: want(10)}, "b": {1: want(-10)}})
    stage.bar(100.0)
    stage.tell(*event)
    assert sent(stage.bar(100.0)) == []
    assert (stage.lots("a"), stage.lots("b")) == (0, 0)
    assert records(stage.run, Cross) == []


def test_at_reduce_two_books_may_still_leave_by_a_cross() -> None:
    """a is long 10, b short 10; under REDUCE both want out: 10 cross at the mark and nothing is sent."""
    stage = Stage({"a": {0: want(10), 1: want(0)}, "b": {0: want(-10), 1: want(0)}})
    stage.bar(100.0)
    assert (stage.lots("a"), stage.lots("b")) == (10, -10)
    stage.tell(Command, "reduce", "me", "why")
    assert sent(stage.bar(100.0)) == []
    assert (stage.lots("a"), stage.lots("b")) == (0, 0)


# -- limits and wishes ----------------------------------------------------------------------------------------------------


def test_two_strategies_that_bring_their_stops_enter_under_the_desk_profile() -> None:
    run = play({"a": {0: want(10, stop=99.0)}, "b": {0: want(10, stop=98.5)}}, [100.0] * 5, profile="desk")
    assert (lots(run, "a"), lots(run, "b")) == (10, 10)
    assert run.engine.state.counters.refusals == {}


def test_a_weight_of_no_equity_is_refused() -> None:
    """3,000 at 100 on 100,000; at 50 the equity is -50,000: half of that is no position, long or short."""
    run = play({"a": {0: Target(0, weight=3.0), 4: Target(0, weight=0.5)}}, [100.0, 100.0, 100.0, 50.0, 50.0, 50.0, 50.0], multiplier=4.0)
    assert run.engine.state.portfolio.equity == -50_000 * USD
    assert fills(run) == [(1, 3000, 100.0)]
    assert len(orders(run)) == 1
    assert [record.refused.code for record in records(run, Unsized)] == ["NO_EQUITY"]
    assert records(run, Verdict) == []


def test_a_horizon_of_a_target_leaves_the_ladder() -> None:
    ladder = Ladder(0, (Rung("b", BUY, 80.0, 5),))
    run = play({"a": {0: want(10, horizon_ns=4 * MINUTE), 1: ladder}}, [100.0] * 10)
    assert resting(run) == [("rung:b", 5, 80.0)]
    assert lots(run, "a") == 10


def test_partly_filled_ioc_entries_are_trades() -> None:
    """One lot of a bar's volume fills, the rest of each order ends: two trades, then the limit of two."""
    plan = {k: want(1000 * (k + 1), tif=Tif.IOC) for k in range(8)}
    run = play({"a": plan}, [100.0] * 10, participation_frac=1e-6, limits={"trades_per_day": {"max_trades": 2}})
    assert [(minute, signed) for minute, signed, _ in fills(run)] == [(1, 1), (2, 1)]
    assert run.engine.state.counters.trades_in_all == 2
    assert run.engine.state.counters.refusals == {"TRADES_PER_DAY": 6}


def test_a_book_without_money_is_no_book() -> None:
    both = {"a": Wanted("a", says({}), budget_frac=1.0), "b": Wanted("b", says({0: Target(0, weight=1.0)}))}
    with pytest.raises(Misuse, match="BUDGET"):
        play(both, [100.0] * 4)


def test_a_retired_strategy_is_not_brought_back_by_unpause() -> None:
    stage = Stage({"a": {1: want(10)}})
    stage.bar(100.0)
    stage.tell(Command, "retire", "me", "done", "a")
    effects = stage.tell(Command, "unpause", "me", "again", "a")
    assert [effect for effect in effects if isinstance(effect, Alarm)]
    assert stage.state.status == {"a": "retired"}
    assert stage.bar(100.0) == ()


def test_good_till_date_without_a_date_is_misuse() -> None:
    run = play({"a": {0: want(10, limit=90.0, tif=Tif.GTD)}}, [100.0] * 4)
    (failure,) = run.engine.failures
    assert "TARGET_TIF" in failure.error
    assert orders(run) == []


def test_good_till_date_ends_at_the_horizon() -> None:
    """Decided when the bar of minute 0 is known, one minute in; five minutes later is minute 6."""
    run = play({"a": {0: want(10, limit=90.0, tif=Tif.GTD, horizon_ns=5 * MINUTE)}}, [100.0] * 9)
    (order,) = orders(run)
    assert (order.tif, order.expire) == (Tif.GTD, 6 * MINUTE)
    assert resting(run) == []


def test_a_protection_that_the_gate_refuses_is_paged_once_and_asked_for_again_until_it_rests() -> None:
    """120 held bare; a stop for all of them is larger than an order may be, until 40 of them are sold."""
    plan = {0: want(60), 1: want(120), 2: want(120, stop=90.0), 4: want(80, stop=90.0)}
    stage = Stage({"a": plan}, limits={"order_size": {"max_lots": 100}})
    paged = []
    for _ in range(3):
        effects = settle(stage, stage.bar(100.0))
        for order in sent(effects):
            effects += settle(stage, stage.fill(order.id, order.lots, 100.0))
        paged += alarms(effects)
    assert (paged, resting(stage.run), stage.lots("a")) == (["PROTECTION_REFUSED"], [], 120)
    assert settle(stage, stage.bar(100.0)) == []
    assert stage.state.counters.refusals == {"MAX_ORDER_QTY": 2}
    (sale,) = [order for order in sent(settle(stage, stage.bar(100.0))) if not order.tag]
    settle(stage, stage.fill(sale.id, -40, 100.0))
    assert resting(stage.run) == [("stop", -80, 90.0)]


def test_a_stop_refused_while_the_instrument_is_halted_rests_as_soon_as_it_trades_again() -> None:
    stage = Stage({"a": {0: want(10), 1: want(10, stop=90.0)}})
    stage.buy(stage.bar(100.0), 100.0)
    stage.tell(Status, 0, True)
    assert alarms(settle(stage, stage.bar(100.0))) == ["PROTECTION_REFUSED"]
    assert resting(stage.run) == []
    settle(stage, stage.tell(Status, 0, False))
    assert resting(stage.run) == [("stop", -10, 90.0)]


def test_a_position_that_died_without_its_stop_has_it_again_at_the_first_row_after_a_restart() -> None:
    """The stop was refused by a halt, which ended while the engine was dead: the first bar after the restart brings it."""
    plan = {"a": {0: want(10), 1: want(10, stop=90.0)}}
    dead = Stage(plan)
    dead.buy(dead.bar(100.0), 100.0)
    dead.tell(Status, 0, True)
    settle(dead, dead.bar(100.0))
    fresh = Stage(plan, opened=False)
    assert restart(fresh.engine, dead.engine.journal.records(), iter(dead.rows)).differed == {}
    fresh.minute = dead.minute
    settle(fresh, fresh.tell(Status, 0, False))
    settle(fresh, fresh.bar(100.0))
    assert resting(fresh.run) == [("stop", -10, 90.0)]


# -- what the gate trims ----------------------------------------------------------------------------------------------------

NINE = {"order_size": {"max_lots": 9, "trim": True}}


def test_a_trimmed_rung_stays_as_it_was_allowed() -> None:
    """A rung of 12 where 9 may be sent: 9 rest, and nothing is cancelled to be sent again."""
    run = play({"a": {0: Ladder(0, (Rung("b", BUY, 80.0, 12),))}}, [100.0] * 6, limits=NINE)
    assert resting(run) == [("rung:b", 9, 80.0)]
    assert len(orders(run)) == 1
    assert records(run, Cancel) == []


def test_a_common_stop_that_is_too_large_is_refused_whole_and_paged() -> None:
    """Two holders of 6: one stop of 12 may not be sent, 9 of it are not exchanged for ever, and the engine watches each level."""
    fall = (100.0, 100.0, 80.0, 80.0)
    run = play({"a": {0: want(6, stop=90.0)}, "b": {2: want(6, stop=85.0)}}, [100.0] * 6 + [fall, 80.0, 80.0], limits=NINE)
    assert "PROTECTION_REFUSED" in [alarm.code for alarm in records(run, Alarm)]
    assert (lots(run, "a"), lots(run, "b")) == (0, 0)
    assert len(orders(run)) < 12


def test_what_a_trimmed_exit_leaves_behind_keeps_a_stop() -> None:
    """10 held; the exit at 500 is trimmed to 9 and rests: the tenth has its stop at 20."""
    run = play({"a": {0: want(6, stop=20.0), 2: want(10, stop=20.0), 4: want(0, limit=500.0, tif=Tif.GTC)}}, [100.0] * 9, limits=NINE)
    assert sorted((tag, signed) for tag, signed, _ in resting(run)) == [("", -9), ("stop", -1)]


# -- how often a refused protection is asked for ----------------------------------------------------------------------------


def bare(other: dict[int, Any] | None = None) -> Stage:
    """120 held, and a stop of 120 where 100 may be sent."""
    plan = {0: want(60), 1: want(120), 2: want(120, stop=90.0)}
    stage = Stage({"a": plan} | ({"b": other} if other else {}), 2, limits={"order_size": {"max_lots": 100}})
    for _ in range(2):
        for order in sent(settle(stage, stage.bar(100.0))):
            settle(stage, stage.fill(order.id, order.lots, 100.0))
    return stage


def test_a_refused_stop_is_asked_for_ever_more_seldom_and_never_given_up() -> None:
    stage, asked = bare(), []
    for row in range(60):
        before = stage.state.counters.refusals.get("MAX_ORDER_QTY", 0)
        settle(stage, stage.bar(100.0))
        if stage.state.counters.refusals.get("MAX_ORDER_QTY", 0) > before:
            asked.append(row)
    assert asked == [0, 1, 3, 7, 15, 31, 47]


def test_an_order_of_another_kind_does_not_begin_the_asking_anew() -> None:
    """The same instrument's ladder is quoted anew each bar: one page, and the stop is not asked for with each rung."""
    ladder = {k: Ladder(0, (Rung("q", BUY, 50.0 + k % 7, 1),)) for k in range(3, 60)}

    class Both:
        calls = -1

        def on_bar(self, bar: Any, book: Any) -> Any:
            self.calls += 1
            return {0: want(60), 1: want(120), 2: want(120, stop=90.0)}.get(self.calls, ladder.get(self.calls))

    run = play({"a": Both}, [100.0] * 60, limits={"order_size": {"max_lots": 100}})
    assert [alarm.code for alarm in records(run, Alarm)] == ["PROTECTION_REFUSED"]
    assert run.engine.state.counters.refusals["MAX_ORDER_QTY"] < 12


def test_a_position_taken_away_ends_the_waiting_and_the_next_is_paged_again() -> None:
    stage = bare()
    settle(stage, stage.bar(100.0))
    assert stage.state.bare.waits
    settle(stage, stage.tell(Adjust, 0, -120, 100.0, 0, "", "hand sale", "a"))
    assert stage.state.portfolio.lots[0] == 0
    assert stage.state.bare.waits == {}
