"""HEART §5: who owns what: netting, internal crosses, orders split at zero, shared fills, budgets, one strategy alone."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.core.effects import Alarm, Cancel, Submit
from argosy.core.events import Bar, Command
from argosy.core.intents import Ladder, Protection, Rung, Target
from argosy.core.orders import BUY, SELL, Order, Share, Type, Work
from argosy.core.time import MINUTE
from argosy.engine.journal import Cross, Standing
from argosy.house import Wanted
from tests.walks.hand import (
    USD,
    Stage,
    canceled,
    fills,
    lots,
    orders,
    play,
    records,
    resting,
    says,
    sent,
    tape,
)


def cash(run: Any, strategy: str) -> int:
    return run.engine.state.portfolio.books[strategy].cash[0]


def parts(order: Order) -> list[tuple[str, int]]:
    return [(share.strategy, share.lots) for share in order.shares]


# -- netting and internal crosses ---------------------------------------------------------------------------------------


def test_what_two_strategies_want_alike_is_one_order_of_both() -> None:
    run = play({"a": {0: Target(0, lots=7)}, "b": {0: Target(0, lots=5)}}, [10.0, 10.0])
    assert [(order.lots, parts(order)) for order in orders(run)] == [(12, [("a", 7), ("b", 5)])]
    assert (cash(run, "a"), cash(run, "b")) == ((50_000 - 70) * USD, (50_000 - 50) * USD)


def test_wishes_at_different_limits_are_different_orders() -> None:
    run = play({"a": {0: Target(0, lots=7, limit=9.0)}, "b": {0: Target(0, lots=5, limit=9.5)}}, [10.0, 10.0])
    assert [(order.limit, parts(order)) for order in orders(run)] == [(9.0, [("a", 7)]), (9.5, [("b", 5)])]


def test_opposite_wishes_cross_inside_at_the_mid_without_a_fee() -> None:
    """a sells 4 of what it holds, b wants 4: nothing leaves the house. Fees are Alpaca's, so a fill would cost something."""
    run = play({"a": {0: Target(0, lots=10), 2: Target(0, lots=6)}, "b": {2: Target(0, lots=4)}}, [10.0, 10.0, 12.0, 12.0], fees="alpaca")
    assert fills(run) == [(1, 10, 10.0)]
    assert records(run, Cross) == [Cross(0, "b", "a", 4, 12.0, 48 * USD)]
    assert (lots(run, "a"), lots(run, "b")) == (6, 4)
    fee = run.engine.state.portfolio.books["a"].fees[0]
    assert cash(run, "a") == (50_000 - 100 + 48) * USD - fee
    assert cash(run, "b") == (50_000 - 48) * USD
    assert run.engine.state.portfolio.books["b"].fees[0] == 0
    assert run.engine.state.portfolio.books["a"].realised[0] == 8 * USD  # 4 lots bought at 10, crossed at 12


def test_the_mid_of_a_quote_is_where_they_cross() -> None:
    class Wants:
        def on_quote(self, quote: Any, book: Any) -> Any:
            return Target(0, lots=self.lots) if book.lots(0) == 0 else None

    class Buys(Wants):
        lots = 4

    class Sells(Wants):
        lots = -4

    stage = Stage({"a": Sells, "b": Buys})
    assert sent(stage.quote(9.98, 10.04)) == []
    crossed = [record for _, record in stage.engine.journal.records() if isinstance(record, Cross)]
    assert crossed == [Cross(0, "b", "a", 4, 10.01, 40_040_000)]
    assert stage.state.portfolio.lots == [0]
    assert (stage.lots("a"), stage.lots("b")) == (-4, 4)


def test_what_does_not_meet_inside_is_traded_outside() -> None:
    """a gives up 10, b wants 4: 4 cross, 6 are sold."""
    run = play({"a": {0: Target(0, lots=10), 2: Target(0, lots=0)}, "b": {2: Target(0, lots=4)}}, [10.0, 10.0, 12.0, 11.0])
    assert [(record.lots, record.price) for record in records(run, Cross)] == [(4, 12.0)]
    assert fills(run) == [(1, 10, 10.0), (3, -6, 11.0)]
    assert cash(run, "a") == (50_000 - 100 + 48 + 66) * USD


def test_buyers_and_sellers_meet_in_the_order_of_their_ids() -> None:
    plan = {"a": {0: Target(0, lots=-5)}, "b": {0: Target(0, lots=3)}, "c": {0: Target(0, lots=-4)}, "d": {0: Target(0, lots=8)}}
    run = play(plan, [10.0, 10.0])
    assert [(record.buyer, record.seller, record.lots) for record in records(run, Cross)] == [("b", "a", 3), ("d", "a", 2), ("d", "c", 4)]
    assert fills(run) == [(1, 2, 10.0)]
    assert [lots(run, name) for name in "abcd"] == [-5, 3, -4, 8]


@pytest.mark.parametrize(("limit", "crosses"), [(9.99, 0), (10.0, 1), (10.01, 1)])
def test_a_limit_that_the_mid_does_not_meet_does_not_cross(limit: float, crosses: int) -> None:
    run = play({"a": {0: Target(0, lots=-4)}, "b": {0: Target(0, lots=4, limit=limit)}}, [10.0, 10.0])
    assert len(records(run, Cross)) == crosses


# -- orders that would cross zero ---------------------------------------------------------------------------------------


def test_an_order_that_would_cross_zero_is_split_into_an_exit_and_an_entry() -> None:
    run = play({"a": {0: Target(0, lots=10), 2: Target(0, lots=-5)}}, [10.0, 10.0, 11.0, 12.0])
    assert [(order.side, order.lots, order.reduce_only) for order in orders(run)] == [(BUY, 10, False), (SELL, 10, True), (SELL, 5, False)]
    assert fills(run) == [(1, 10, 10.0), (3, -10, 12.0), (3, -5, 12.0)]
    book = run.engine.state.portfolio.books["a"]
    assert (book.lots[0], book.cost[0], book.realised[0]) == (-5, -60 * USD, 20 * USD)


def test_a_shared_order_is_split_at_the_accounts_zero_and_the_exit_shared_pro_rata() -> None:
    """The account holds 9 (a 4, b 5); a wants -2 and b wants -1, 12 are sold: 9 close, shared 6:6 as 4.5:4.5, ties to a."""
    plan = {"a": {0: Target(0, lots=4), 2: Target(0, lots=-2)}, "b": {0: Target(0, lots=5), 2: Target(0, lots=-1)}}
    run = play(plan, [10.0, 10.0, 11.0, 12.0])
    second = orders(run)[1:]
    assert [(order.lots, order.reduce_only, parts(order)) for order in second] == [
        (9, True, [("a", 5), ("b", 4)]), (3, False, [("a", 1), ("b", 2)]),
    ]  # fmt: skip
    assert (lots(run, "a"), lots(run, "b")) == (-2, -1)


def test_the_part_that_opens_keeps_its_protection() -> None:
    plan = {0: Target(0, lots=10), 2: Target(0, lots=-5, protection=Protection(stop=14.0))}
    run = play({"a": plan}, [10.0, 10.0, 11.0, 12.0, 12.0])
    assert lots(run, "a") == -5
    assert resting(run) == [("stop", 5, 14.0)]


# -- shared fills -------------------------------------------------------------------------------------------------------


def shared(want: dict[str, int]) -> tuple[Stage, Order]:
    stage = Stage({name: {0: Target(0, lots=lots)} for name, lots in want.items()})
    (order,) = stage.accept(stage.bar(10.0))
    return stage, order


@pytest.mark.parametrize(
    ("want", "filled", "got"),
    [
        ({"a": 6, "b": 3}, 3, [2, 1]),
        ({"a": 5, "b": 5}, 3, [2, 1]),  # 1.5 each: the tie goes to a
        ({"a": 1, "b": 1, "c": 1}, 2, [1, 1, 0]),  # 0.67 each: a and b
        ({"a": 10, "b": 1}, 5, [5, 0]),  # 4.55 and 0.45: the odd lot to a
        ({"a": 2, "b": 3, "c": 5}, 4, [1, 1, 2]),  # 0.8, 1.2, 2.0
    ],
)
def test_a_shared_fill_is_pro_rata_by_largest_remainder_ties_by_id(want: dict[str, int], filled: int, got: list[int]) -> None:
    stage, order = shared(want)
    stage.fill(order.id, filled, 10.0)
    assert [stage.lots(name) for name in want] == got
    stage.state.portfolio.check()


def test_part_fills_one_by_one_end_where_each_wanted_to_be() -> None:
    """2:1 in single lots: 0.67 to a, then of what lacks (1:1) the tie to a, then b."""
    stage, order = shared({"a": 2, "b": 1})
    seen = []
    for _ in range(3):
        stage.fill(order.id, 1, 10.0)
        seen.append((stage.lots("a"), stage.lots("b")))
    assert seen == [(1, 0), (2, 0), (2, 1)]
    assert stage.work(order.id) is Work.FILLED


def test_money_and_fee_of_a_shared_fill_go_with_the_lots_to_the_last_unit() -> None:
    """3 lots at 3.333333 are 9,999,999 units: 6,666,666 and 3,333,333; a fee of 7 units is 5 and 2."""
    stage, order = shared({"a": 2, "b": 1})
    stage.fill(order.id, 3, 3.333333, fee=7)
    books = stage.state.portfolio.books
    assert [(books[name].fees[0], 50_000 * USD - books[name].cash[0]) for name in "ab"] == [(5, 6_666_671), (2, 3_333_335)]
    assert 100_000 * USD - stage.state.portfolio.cash[0] == 9_999_999 + 7


# -- ladders and self-crossing ------------------------------------------------------------------------------------------


TOUCHED = [10.0, 10.5, (11.0, 11.0, 10.0, 10.0), 10.0, 10.0]
"""Minute 2 comes down to 10.00 and not through it: a rung that buys there rests, and the mark is its price."""


def test_a_market_order_that_would_meet_an_own_rung_is_refused() -> None:
    run = play({"a": {2: Target(0, lots=-5)}, "b": {1: Ladder(0, (Rung("x", BUY, 10.0, 3),))}}, TOUCHED[:3])
    assert run.engine.state.counters.refusals == {"SELF_CROSS": 1}
    assert resting(run) == [("rung:x", 3, 10.0)]


def test_an_exit_does_not_meet_an_own_rung_either() -> None:
    """HEART §12 names the rules that exits bypass; that of self-crossing is not among them."""
    run = play({"a": {0: Target(0, lots=5), 2: Target(0, lots=0)}, "b": {1: Ladder(0, (Rung("x", BUY, 10.0, 3),))}}, TOUCHED[:3])
    exits = [order for order in orders(run) if order.reduce_only]
    assert not (exits and ("rung:x", 3, 10.0) in resting(run))


def test_a_ladder_is_not_netted_with_the_target_of_another() -> None:
    """b wants to sell 5 at market, a's rung would buy 5 at 9.00: no cross; b sells to the market, the rung waits."""
    run = play({"a": {0: Ladder(0, (Rung("x", BUY, 9.0, 5),))}, "b": {0: Target(0, lots=-5)}}, [10.0, 10.0, 10.0])
    assert records(run, Cross) == []
    assert fills(run) == [(1, -5, 10.0)]
    assert resting(run) == [("rung:x", 5, 9.0)]


# -- budgets ------------------------------------------------------------------------------------------------------------


def test_a_budget_is_a_part_of_the_account_and_the_rest_is_the_houses() -> None:
    plan = {"a": Wanted("a", _quiet(), budget_frac=0.3), "b": Wanted("b", _quiet(), budget_frac=0.5)}
    run = play(plan, [10.0])
    assert [cash(run, name) for name in ("a", "b", "")] == [30_000 * USD, 50_000 * USD, 20_000 * USD]
    assert [run.engine.state.portfolio.books[name].budget for name in ("a", "b")] == [30_000 * USD, 50_000 * USD]


def _quiet() -> type:
    class Quiet:
        def on_bar(self, bar: Bar, book: Any) -> None:
            return None

    return Quiet


def test_profit_and_loss_stay_in_the_book_that_made_them() -> None:
    """a gains 20 on 10 lots, b loses 6 on 3 short lots; the next weight of each is of its own equity."""
    plan = {"a": {0: Target(0, lots=10), 2: Target(0, lots=0)}, "b": {0: Target(0, lots=-3), 2: Target(0, lots=0)}}
    run = play(plan, [10.0, 10.0, 12.0, 12.0])
    portfolio = run.engine.state.portfolio
    assert (portfolio.equity_of("a"), portfolio.equity_of("b")) == ((50_000 + 20) * USD, (50_000 - 6) * USD)
    assert portfolio.equity == (100_000 + 14) * USD


def test_a_strategy_cannot_spend_more_than_its_budget() -> None:
    """a has 10,000 of the 100,000; 200 lots at 100 would cost 20,000."""

    class Greedy:
        def on_bar(self, bar: Bar, book: Any) -> Any:
            return Target(0, lots=200) if bar.ts == 0 else None

    plan = {"a": Wanted("a", Greedy, budget_frac=0.1), "b": Wanted("b", _quiet(), budget_frac=0.9)}
    run = play(plan, [100.0, 100.0], limits={"budget": {"use_pct": 100.0}})
    assert lots(run, "a") == 0
    assert run.engine.state.counters.refusals == {"BUDGET": 1}


def test_a_budget_has_a_greatest_loss() -> None:
    """a may lose 5 % of its 10,000. 50 lots bought at 100 stand at 91: 450 lost, more may be bought; at 90 it is 500, and no more."""
    a = says({0: Target(0, lots=50), 2: Target(0, lots=51), 3: Target(0, lots=52), 4: Target(0, lots=0)})
    plan = {
        "a": Wanted("a", a, budget_frac=0.1, max_loss_frac=0.05),
        "b": Wanted("b", _quiet(), budget_frac=0.9),
    }
    run = play(plan, [100.0, 100.0, 91.0, 90.0, 90.0, 90.0])
    assert [order.lots for order in orders(run)] == [50, 1, 51]
    assert run.engine.state.counters.refusals == {"BUDGET_LOSS": 1}
    assert lots(run, "a") == 0  # the way out stays open


# -- one strategy alone -------------------------------------------------------------------------------------------------


def order_book(verb: str, minutes: int = 8, reason: str = "because") -> Any:
    """a and b hold 10 and 4 with stops of their own; a also has a rung. At minute 3 the owner speaks to a alone."""
    want_a = (Target(0, lots=10, protection=Protection(stop=8.0)), Ladder(0, (Rung("x", BUY, 9.0, 2),)))
    plan = {"a": {0: want_a, 5: Target(0, lots=20)}, "b": {0: Target(0, lots=4, protection=Protection(stop=7.0)), 5: Target(0, lots=6)}}
    at = 3 * MINUTE + 1
    return play(plan, [10.0] * minutes, events=[Command(at, at, verb, "me", reason, "a")])


def test_a_paused_strategy_keeps_position_and_protection_loses_its_orders_and_is_not_asked() -> None:
    run = order_book("pause")
    assert run.engine.state.status == {"a": "paused", "b": "active"}
    assert (lots(run, "a"), lots(run, "b")) == (10, 6)
    assert resting(run) == [("stop", -16, 7.0)]
    assert len([order for order in orders(run) if order.tag == "rung:x"]) == 1


def test_a_paused_strategy_still_has_its_stop() -> None:
    """Paused at minute 3; the low of minute 6 passes a's 8.00 and not b's 7.00: a's ten are sold at the next open."""
    want = {"a": {0: Target(0, lots=10, protection=Protection(stop=8.0))}, "b": {0: Target(0, lots=4, protection=Protection(stop=7.0))}}
    at = 3 * MINUTE + 1
    rows = [10.0] * 6 + [(10.0, 10.0, 7.9, 8.1), 8.2, 8.2]
    run = play(want, rows, events=[Command(at, at, "pause", "me", "holiday", "a")])
    assert fills(run) == [(1, 14, 10.0), (7, -10, 8.2)]
    assert (lots(run, "a"), lots(run, "b")) == (0, 4)


def test_an_unpaused_strategy_is_asked_again() -> None:
    at = [3 * MINUTE + 1, 5 * MINUTE + 1]
    events = [Command(at[0], at[0], "pause", "me", "tea", "a"), Command(at[1], at[1], "unpause", "me", "back", "a")]
    plan = {3: Target(0, lots=3), 6: Target(0, lots=5)}
    run = play({"a": plan}, [10.0] * 9, events=events)
    assert fills(run) == [(7, 5, 10.0)]
    assert [record.status for record in records(run, Standing)] == ["paused", "active"]


def test_flattening_one_strategy_leaves_the_others_alone() -> None:
    run = order_book("flatten")
    assert run.engine.state.status == {"a": "paused", "b": "active"}
    assert (lots(run, "a"), lots(run, "b")) == (0, 6)
    assert fills(run) == [(1, 14, 10.0), (4, -10, 10.0), (6, 2, 10.0)]
    assert resting(run) == [("stop", -4, 7.0), ("stop", -2, 7.0)] or resting(run) == [("stop", -6, 7.0)]


def test_a_retired_strategy_is_flat_and_never_asked_again() -> None:
    run = order_book("retire")
    assert run.engine.state.status == {"a": "retired", "b": "active"}
    assert (lots(run, "a"), lots(run, "b")) == (0, 6)


def test_flattening_one_of_two_that_hold_against_each_other_crosses_nothing_and_trades_its_own() -> None:
    """a +10, b -4: the account holds 6. Flattening a sells 10 through zero: 6 close, 4 open the account's short, which is b's."""
    at = 2 * MINUTE + 1
    run = play({"a": {0: Target(0, lots=10)}, "b": {0: Target(0, lots=-4)}}, [10.0] * 5, events=[Command(at, at, "flatten", "me", "why", "a")])
    assert (lots(run, "a"), lots(run, "b"), run.engine.state.portfolio.lots) == (0, -4, [-4])
    assert fills(run) == [(1, 6, 10.0), (3, -6, 10.0), (3, -4, 10.0)]


@pytest.mark.parametrize(("verb", "code"), [("dance", "COMMAND_UNKNOWN"), ("halt", "COMMAND_UNKNOWN"), ("pause", "COMMAND_REASON")])
def test_what_cannot_be_done_to_a_strategy_is_an_alarm_and_nothing_else(verb: str, code: str) -> None:
    run = order_book(verb, reason="" if code == "COMMAND_REASON" else "why")
    assert [alarm.code for alarm in records(run, Alarm)] == [code]
    assert run.engine.state.status == {"a": "active", "b": "active"}
    assert lots(run, "a") == 20


def test_a_command_to_nobody_is_an_alarm() -> None:
    stage = Stage({"a": {}})
    effects = stage.tell(Command, "pause", "me", "why", "zed")
    assert [effect.code for effect in effects if isinstance(effect, Alarm)] == ["STRATEGY_UNKNOWN"]


# -- the saga of the net stop -------------------------------------------------------------------------------------------


def guarded(want: int, stop: float) -> Target:
    return Target(0, lots=want, protection=Protection(stop=stop))


def test_the_net_stop_follows_the_net_by_cancel_confirm_replace() -> None:
    """a 10 @9, b 4 @8: a stop of 14 at 8. b buys 6 more: the stop goes first, and a new one of 20 comes after the venue's word."""
    stage = Stage({"a": {0: guarded(10, 9.0)}, "b": {0: guarded(4, 8.0), 1: guarded(10, 8.0)}})
    (entry,) = stage.accept(stage.bar(10.0))
    (stop,) = stage.accept(stage.fill(entry.id, 14, 10.0))
    (more,) = stage.accept(stage.bar(10.0))
    assert (more.side, more.lots, parts(more)) == (BUY, 6, [("b", 6)])
    effects = stage.fill(more.id, 6, 10.0)
    assert (canceled(effects), sent(effects)) == ([stop.id], [])
    assert stage.reply(stop.id, "cancel") == ()
    (again,) = sent(stage.update(stop.id, Work.CANCELED))
    assert (again.type, again.side, again.lots, again.stop, parts(again)) == (Type.STOP, SELL, 20, 8.0, [("a", 10), ("b", 10)])


def test_a_net_stop_that_fills_while_it_is_being_changed_is_not_replaced() -> None:
    stage = Stage({"a": {0: guarded(10, 9.0), 1: guarded(10, 7.0)}, "b": {0: guarded(4, 8.0)}})
    (entry,) = stage.accept(stage.bar(10.0))
    (stop,) = stage.accept(stage.fill(entry.id, 14, 10.0))
    assert canceled(stage.bar(10.0)) == [stop.id]
    assert sent(stage.fill(stop.id, -14, 8.0)) == []
    assert (stage.lots("a"), stage.lots("b")) == (0, 0)
    assert not stage.state.blotter.open[0]


def test_a_part_fill_of_the_net_stop_is_shared_by_what_each_has_in_it() -> None:
    """14 shared 10:4; 7 of it fill: 5 and 2."""
    stage = Stage({"a": {0: guarded(10, 9.0)}, "b": {0: guarded(4, 8.0)}})
    (entry,) = stage.accept(stage.bar(10.0))
    (stop,) = stage.accept(stage.fill(entry.id, 14, 10.0))
    effects = stage.fill(stop.id, -7, 8.0)
    assert (stage.lots("a"), stage.lots("b")) == (5, 2)
    assert (canceled(effects), sent(effects)) == ([], [])  # the rest of the stop still is what guards the rest of the net


def test_the_engine_triggers_a_shorts_stop_from_a_quote_too() -> None:
    """With quotes the mark is the mid: 11.05 is beyond a's 11.00 and not beyond b's 12.00."""
    stage = Stage({"a": {0: guarded(-10, 11.0)}, "b": {0: guarded(-4, 12.0)}})
    (entry,) = stage.accept(stage.bar(10.0))
    (stop,) = stage.accept(stage.fill(entry.id, -14, 10.0))
    assert stage.quote(10.9, 11.08) == ()
    effects = stage.quote(11.0, 11.1)
    assert (canceled(effects), sent(effects)) == ([stop.id], [])
    stage.reply(stop.id, "cancel")
    out = sent(stage.update(stop.id, Work.CANCELED))
    exit = [order for order in out if not order.tag]
    assert [(order.side, order.lots, parts(order)) for order in exit] == [(BUY, 10, [("a", 10)])]


def test_cancels_of_an_instant_are_recorded_before_its_orders() -> None:
    """a's limit is moved away while b buys: one instant, the cancel first."""
    stage = Stage({"a": {0: Target(0, lots=5, limit=9.0), 1: Ladder(0, (Rung("x", BUY, 8.0, 1),))}, "b": {1: Target(0, lots=0)}})
    (first,) = stage.accept(stage.bar(10.0))
    effects = stage.bar(10.0)
    assert [type(effect).__name__ for effect in effects] == ["Submit"]
    assert stage.work(first.id) is Work.WORKING
    other = Stage({"a": {0: Ladder(0, (Rung("x", BUY, 8.0, 1),)), 1: (Ladder(0), Target(0, lots=3))}})
    other.accept(other.bar(10.0))
    assert [type(effect) for effect in other.bar(10.0)] == [Cancel, Submit]


def test_a_house_fill_is_nobodys_and_the_books_still_sum() -> None:
    """A hand trade at the broker: an order that we do not know."""
    stage = Stage({"a": {}})
    stage.bar(10.0)
    stage.fill(999, 5, 10.0, "hand-1")
    assert (stage.lots("a"), stage.lots("")) == (0, 5)
    assert stage.state.portfolio.books[""].cash[0] == -50 * USD
    stage.state.portfolio.check()


def test_lots_beyond_an_order_belong_to_the_house() -> None:
    stage = Stage({"a": {0: Target(0, lots=5)}})
    (order,) = stage.accept(stage.bar(10.0))
    stage.fill(order.id, 7, 10.0)
    assert (stage.lots("a"), stage.lots("")) == (5, 2)
    assert stage.state.blotter.tickets[order.id].order.shares == (Share("a", 5),)


def test_a_tape_of_hand_is_what_it_says() -> None:
    """A number is a bar that stands still, known at its end."""
    one = tape([10.0, (1.0, 4.0, 0.5, 2.0)])
    assert [(bar.ts, bar.known, bar.open, bar.high, bar.low, bar.close) for bar in one.rows()] == [
        (0, MINUTE, 10.0, 10.0, 10.0, 10.0), (MINUTE, 2 * MINUTE, 1.0, 4.0, 0.5, 2.0),
    ]  # fmt: skip
