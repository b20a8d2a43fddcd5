"""Another hand in the same account, and what companies and the broker do, on the real wire: seen, kept apart, never a strategy's."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from argosy.core.events import Account, Adjust, CashFlow, Dividend, Latch, Split, Status
from argosy.core.intents import Ladder, Protection, Rung, Target
from argosy.core.orders import BUY, Work
from argosy.desk.findings import Policy
from argosy.engine.state import DRIFT
from tests.desk.harbour import Desk, Harbour, run

PLAN = {"one": {0: Target(0, lots=10), 1: Target(0, lots=12), 2: Target(1, lots=5), 3: Target(0, lots=14)}}


def pay(harbour: Harbour, kind: str, dollars: float, **more: Any) -> None:
    """The broker writes a row that is no trade."""
    exchange = harbour.server.exchange
    harbour.account.book(kind, round(dollars * 1e6), exchange.now, more)


def events(desk: Desk, kind: type) -> list[Any]:
    return [event for _, event in desk.journal.records() if isinstance(event, kind)]


async def both_walks(desk: Desk) -> None:
    await desk.quiet()
    assert await desk.rounds.fills()
    assert await desk.rounds.payments()
    assert await desk.rounds.positions()


def test_by_default_a_symbol_that_another_hand_traded_is_not_traded_until_it_agrees(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, PLAN) as desk:
            desk.bar(0)
            await desk.until(lambda: desk.lots() == 10)
            harbour.by_hand("AAPL", "buy", 7)
            await both_walks(desk)
            assert desk.state.drifted == {0} and desk.lots() == 10 == desk.lots(0, "one")
            assert desk.alarms.count("HAND_TRADE") == 1
            desk.bar(1)
            await desk.idle()
            assert len(harbour.client_ids()) == 2 and desk.state.counters.refusals == {"RECONCILE_DRIFT": 1}
            desk.bar(2, 200.0, 1)  # another symbol goes on
            await desk.until(lambda: desk.lots(1) == 5)
            harbour.by_hand("AAPL", "sell", 7)
            harbour.quote(101.0, 101.02)
            await both_walks(desk)
            assert desk.state.drifted == set() and desk.lots(0, "one") == 10
            desk.bar(3)
            await desk.until(lambda: desk.lots() == 14)
            await both_walks(desk)
            desk.agree()  # what it lost on the way is the house's
            assert {adjust.cause.split()[0] for adjust in events(desk, Adjust) if adjust.lots} == {"HAND"}

    run(work())


def test_the_halt_and_what_led_to_it_outlive_the_desk(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, PLAN) as desk:
            desk.bar(0)
            await desk.until(lambda: desk.lots() == 10)
            harbour.by_hand("AAPL", "buy", 7)
            await both_walks(desk)
        async with Desk(harbour, before=desk) as again:
            assert again.started.barred == ["AAPL"] and again.state.drifted == {0}
            assert len(events(again, Status)) == 1
        async with Desk(harbour, before=again, policy=Policy(hand="adopt")) as third:  # the owner takes it in
            third.agree()
            assert third.started.barred == [] and (third.lots(0, ""), third.lots(0, "one")) == (7, 10)
            (adjust,) = [one for one in events(third, Adjust) if one.lots]
            assert adjust.cause.startswith("HAND ") and adjust.cash == -round(7 * 100.02 * 1e6)
        async with Desk(harbour, before=third, policy=Policy(hand="adopt")) as fourth:
            fourth.agree()
            assert fourth.started.repaired == {}

    run(work())


def test_adopted_it_is_the_houses_and_no_strategy_sees_it(harbour: Harbour) -> None:
    class Sees:
        seen: list[Any] = []

        def on_bar(self, bar: Any, book: Any) -> Any:
            return Target(0, lots=10) if bar.ts == 0 else None

        def on_fill(self, fill: Any, book: Any) -> None:
            self.seen.append(fill.lots)

    async def work() -> None:
        async with Desk(harbour, {"one": {}}, code={"one": Sees}, policy=Policy(hand="adopt")) as desk:
            desk.bar(0)
            await desk.until(lambda: desk.lots() == 10)
            await desk.idle()
            for side, qty in (("sell", 4), ("buy", 9)):
                harbour.by_hand("AAPL", side, qty)
                await both_walks(desk)
                desk.agree()
            assert (desk.lots(0, "one"), desk.lots(0, "")) == (10, 5) and Sees.seen == [10]
            assert desk.state.drifted == set()

    run(work())


def test_ignored_it_is_left_out_and_its_cash_is_no_loss(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, PLAN, policy=Policy(symbols={"AAPL": "ignore"})) as desk:
            desk.bar(0)
            await desk.until(lambda: desk.lots() == 10)
            await desk.idle()
            equity, peak = desk.state.portfolio.equity, desk.state.peak
            harbour.by_hand("AAPL", "buy", 7)
            await both_walks(desk)
            assert (desk.lots(), harbour.held()) == (10, 17) and desk.state.drifted == set()
            assert desk.state.portfolio.cash[0] == harbour.account.cash
            assert desk.state.portfolio.equity - equity == desk.state.peak - peak == -round(7 * 100.02 * 1e6)
            assert desk.rounds.reconciler.balances.clean
            desk.bar(1)
            await desk.until(lambda: desk.lots() == 12)
        async with Desk(harbour, before=desk, policy=Policy(symbols={"AAPL": "ignore"})) as again:
            assert again.state.portfolio.cash[0] == harbour.account.cash and again.lots() == 12
            assert len(events(again, CashFlow)) == 2  # the opening, and that one

    run(work())


def test_an_account_that_holds_something_at_first(harbour: Harbour) -> None:
    harbour.by_hand("AAPL", "buy", 7)
    harbour.by_hand("MSFT", "sell", 3)

    async def work() -> None:
        async with Desk(harbour, PLAN) as desk:
            assert sorted(desk.started.barred) == ["AAPL", "MSFT"] and desk.lots() == 0
            desk.bar(0)
            await desk.idle()
            assert len(harbour.client_ids()) == 2
        rule = Policy(hand="adopt")
        async with Desk(harbour, PLAN, policy=rule, name="NEXT") as desk:
            assert desk.started.barred == [] and (desk.lots(0, ""), desk.lots(1, "")) == (7, -3)
            desk.agree()
            state = desk.state
            assert state.portfolio.equity == state.peak == state.day_start  # what was there is no profit
            assert state.portfolio.equity == pytest.approx(harbour.account.equity(harbour.server.exchange.market), rel=1e-6)
            desk.bar(0)
            await desk.until(lambda: desk.lots(0, "one") == 10)
            await desk.idle()
            desk.agree()
        async with Desk(harbour, before=desk, policy=rule) as again:
            again.agree()
            assert again.started.repaired == {}

    run(work())


@pytest.mark.parametrize("rule", ["halt", "adopt", "ignore"])
def test_an_open_order_of_another_hand(harbour: Harbour, rule: Any) -> None:
    identity = harbour.by_hand("AAPL", "buy", 7, 90.0)

    async def work() -> None:
        async with Desk(harbour, PLAN, policy=Policy(hand=rule)) as desk:
            assert desk.alarms == ["HAND_ORDER"] and desk.state.drifted == ({0} if rule == "halt" else set())
            assert len(harbour.resting()) == 1
            await desk.quiet()
            assert await desk.rounds.whole()
            assert desk.alarms == ["HAND_ORDER"] and desk.state.drifted == ({0} if rule == "halt" else set())
            harbour.rest("DELETE", f"/v2/orders/{identity}")
            await desk.quiet()
            assert await desk.rounds.whole()
            assert desk.state.drifted == set()
            desk.agree()

    run(work())


def test_an_order_of_another_hand_is_one_only_when_it_was_seen_twice(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, PLAN) as desk:
            harbour.by_hand("AAPL", "buy", 7, 90.0)
            assert await desk.rounds.orders()
            assert desk.alarms == []
            await desk.quiet()
            assert await desk.rounds.orders()
            assert desk.alarms == ["HAND_ORDER"]

    run(work())


def test_a_split_and_a_dividend_are_what_they_are_and_no_drift(harbour: Harbour) -> None:
    """Position, resting orders and strategies follow the split; the dividend goes to whoever holds; the second start books nothing."""

    async def work() -> None:
        low = Ladder(0, (Rung("a", BUY, 80.0, 4),))
        plan = {"one": {0: Target(0, lots=10, protection=Protection(stop=60.0)), 2: Target(0, lots=24)}, "two": {1: low}}
        async with Desk(harbour, plan) as desk:
            desk.bar(0)
            await desk.until(lambda: desk.lots() == 10 and len(harbour.resting()) == 1)
            desk.bar(1)
            await desk.until(lambda: len(harbour.resting()) == 2)
            await desk.idle()
            harbour.ctl("dividend", symbol="AAPL", amount=0.5)
            harbour.ctl("split", symbol="AAPL", ratio=2.0)
            harbour.quote(50.0, 50.02)
            await desk.quiet()
            assert await desk.rounds.positions()  # finds both: asks what moved, and looks again
            desk.agree()
            assert desk.lots(0, "one") == 20 and desk.state.drifted == set() and desk.alarms == []
            assert [event.ratio for event in events(desk, Split)] == [2.0]
            assert [event.amount for event in events(desk, Dividend)] == [0.5]
            assert desk.state.portfolio.books["one"].cash[0] - 500_000_000_000 == -round(10 * 100.02e6) + 5_000_000
            await desk.quiet()
            assert await desk.rounds.orders()
            for row in desk.state.blotter.open[0].values():
                ticket = next(t for t in harbour.account.open() if (t.side, t.kind == "stop") == (row.order.side, row.order.tag == "stop"))
                assert (row.order.lots, row.order.limit, row.order.stop) == (
                    ticket.lots // 10**9, pytest.approx(ticket.limit, nan_ok=True), pytest.approx(ticket.stop, nan_ok=True),
                )  # fmt: skip
        async with Desk(harbour, before=desk) as again:
            again.agree()
            assert again.started.repaired == {} and again.lots() == 20

    run(work())


@pytest.mark.parametrize("when", ["running", "dead"])
def test_money_that_came_and_went_is_no_profit_and_a_fee_is_a_cost(harbour: Harbour, when: str) -> None:
    async def work() -> None:
        async with Desk(harbour, PLAN) as desk:
            desk.bar(0)
            await desk.until(lambda: desk.lots() == 10)
            await desk.idle()
            if when == "running":
                await self_paid(harbour, desk)
        if when == "dead":
            for _ in range(2):
                pay(harbour, "CSD", 500.0)
            pay(harbour, "CSW", -200.0)
            pay(harbour, "FEE", -1.25, description="TAF")
        for _ in range(3):
            async with Desk(harbour, before=desk) as again:
                again.agree()
                assert again.state.peak == 1_000_800_000_000 and again.state.portfolio.equity < again.state.peak
                flows = [event.amount for event in events(again, CashFlow)]
                assert flows == [10**12, 5 * 10**8, 5 * 10**8, -2 * 10**8]
                assert [event.cash for event in events(again, Adjust) if event.cash] == [-1_250_000]
                assert again.alarms == []
            desk = again

    async def self_paid(harbour: Harbour, desk: Desk) -> None:
        pay(harbour, "CSD", 500.0)
        assert await desk.rounds.payments()
        pay(harbour, "CSD", 500.0)
        pay(harbour, "CSW", -200.0)
        pay(harbour, "FEE", -1.25, description="TAF")
        for _ in range(3):
            assert await desk.rounds.payments()
        await desk.quiet()
        assert await desk.rounds.positions()
        desk.agree()

    run(work())


def test_cash_that_nothing_explains_is_told_and_only_adopted_where_the_owner_says_so(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, PLAN) as desk:
            harbour.account.cash += 5_000_000  # no row tells of it
            await desk.quiet()
            for _ in range(3):
                assert await desk.rounds.positions()
            assert desk.alarms == ["CASH_DRIFT"] and desk.state.portfolio.cash[0] == 10**12
            assert not desk.rounds.reconciler.balances.clean
            desk.rounds.reconciler.balances.policy = Policy(cash="adopt")
            assert await desk.rounds.positions()
            desk.agree()
            assert [event.cause for event in events(desk, Adjust) if event.cash] == ["CASH_UNEXPLAINED"]
            assert desk.rounds.reconciler.balances.clean

    run(work())


def test_only_rounds_in_which_all_agrees_count_for_the_probe(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, PLAN) as desk:
            desk.bar(0)
            await desk.until(lambda: desk.lots() == 10)
            await desk.quiet()
            now = desk.clock.now()
            desk.step(Latch(now, now, -1, "resume", "me"))
            assert desk.state.level == -1
            assert await desk.rounds.positions() and desk.state.clean == 1
            assert await desk.rounds.positions() and desk.state.clean == 2
            harbour.by_hand("AAPL", "buy", 1)
            assert await desk.rounds.positions() and desk.state.clean == 0
            harbour.by_hand("AAPL", "sell", 1)
            for count in (1, 2):
                assert await desk.rounds.positions() and desk.state.clean == count, count
            assert desk.state.level == -1
            assert await desk.rounds.positions() and desk.state.level == 0
            assert len(events(desk, Account)) >= 5

    run(work())


def test_a_halt_of_the_venues_and_one_of_ours_do_not_end_each_other(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, PLAN) as desk:
            harbour.by_hand("AAPL", "buy", 1)
            await both_walks(desk)
            now = desk.clock.now()
            desk.step(Status(now, now, 0, True, "LULD"))
            desk.step(Status(now, now, 0, False, "LULD"))
            assert desk.state.halted == {0}
            desk.step(Status(now, now, 0, True, "LULD"))
            harbour.by_hand("AAPL", "sell", 1)
            await both_walks(desk)
            assert desk.state.drifted == set() and desk.state.halted == {0}
            assert [event.reason for event in events(desk, Status)] == [DRIFT, "LULD", "LULD", "LULD", DRIFT]

    run(work())


def test_an_order_that_another_hand_changed_is_taken_as_it_is(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, {"one": {0: Target(0, lots=10, limit=90.0)}}) as desk:
            desk.bar(0)
            await desk.until(lambda: harbour.resting())
            await desk.idle()
            (ticket,) = harbour.account.open()
            harbour.ctl("frames", stream="trading", drop=9)
            harbour.rest("PATCH", f"/v2/orders/{ticket.id}", limit_price="89", qty="6")
            harbour.ctl("frames", stream="trading", drop=0)
            await desk.quiet()
            assert await desk.rounds.orders()
            assert desk.rounds.repaired.get("ORDER_CHANGED") == 1
            await desk.idle()  # it is not what is wanted: the engine puts its own in the place
            await desk.until(lambda: {(t.limit, t.leaves) for t in harbour.account.open()} == {(90.0, 10 * 10**9)})
            await desk.idle()
            await asyncio.sleep(0.05)
            assert set(desk.open()) == harbour.resting() and set(desk.open().values()) == {Work.WORKING}
            desk.agree()

    run(work())
