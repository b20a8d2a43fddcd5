"""Strategies that share a position at an exchange which takes an order beside an opposite stop for a wash trade (reference §6, 29)."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
from typing import Any

import pytest

from argosy.core.effects import SetTimer
from argosy.core.events import Reply, Timer
from argosy.core.intents import Ladder, Protection, Rung, Target
from argosy.core.orders import BUY, Work
from argosy.core.time import SECOND
from argosy.desk.rounds import Every
from argosy.exchange.wire import PER_SHARE
from tests.desk.harbour import Desk, Harbour, run

OFTEN = Every(inflight=0.05, orders=0.1, positions=0.15, fills=0.2, payments=0.5)
AWAY = 10 * SECOND


def guarded(want: int, stop: float, **rest: Any) -> Target:
    return Target(0, lots=want, protection=Protection(stop=stop), **rest)


def stops(harbour: Harbour) -> list[tuple[int, float]]:
    """(signed shares, level) of the stops that rest at the exchange."""
    return sorted((t.side * t.leaves // PER_SHARE, t.stop) for t in harbour.account.open() if t.kind == "stop" and not t.hung)


def refused(desk: Desk) -> list[str]:
    return [f"{event.code} {event.text}" for event in desk.stepped if isinstance(event, Reply) and event.outcome == "refused"]


async def settled(desk: Desk, lots: int, *levels: tuple[int, float]) -> None:
    """Until the account holds so many and these stops rest; nothing was refused and nobody paged on the way."""
    try:
        await desk.until(lambda: desk.lots() == desk.harbour.held() == lots and stops(desk.harbour) == sorted(levels))
    except AssertionError:
        raise AssertionError(f"{desk.lots()} {desk.harbour.held()} {stops(desk.harbour)} {refused(desk)} {desk.alarms} {desk.open()}") from None
    await desk.idle()
    desk.agree()
    assert refused(desk) == [] and desk.alarms == []


async def settled_flat(desk: Desk) -> None:
    """Until nothing is held and nothing is open."""
    await desk.until(lambda: desk.lots() == desk.harbour.held() == 0 and not desk.open() and not desk.harbour.account.open())
    desk.agree()


TWO = {"a": {0: guarded(10, 95.0), 2: guarded(16, 95.0)}, "b": {1: guarded(4, 90.0), 3: guarded(1, 90.0)}}


def test_29_two_that_hold_the_same_buy_more_and_sell_some_and_one_stop_of_all_rests(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, TWO, away_ns=AWAY) as desk:
            desk.bar(0)
            await settled(desk, 10, (-10, 95.0))
            desk.bar(1)  # another strategy buys beside the stop
            await settled(desk, 14, (-14, 90.0))
            desk.bar(2)  # the first one tops up beside the common stop
            await settled(desk, 20, (-20, 90.0))
            desk.bar(3)
            await settled(desk, 17, (-17, 90.0))
            assert (desk.lots(strategy="a"), desk.lots(strategy="b")) == (16, 1)

    run(work())


def test_29_without_the_saga_the_exchange_refuses_the_top_up(harbour: Harbour) -> None:
    """What the rule of the exchange is worth: the same desk, told that its venue has none."""

    async def work() -> None:
        async with Desk(harbour, TWO) as desk:
            for minute in range(3):
                desk.bar(minute)
                await asyncio.sleep(0.3)
            assert any("40310000" in text and "wash" in text for text in refused(desk))
            assert desk.lots() == 14

    run(work())


def test_29_the_same_for_an_account_that_is_short(harbour: Harbour) -> None:
    async def work() -> None:
        plan = {"a": {0: guarded(-10, 105.0), 2: guarded(-16, 105.0)}, "b": {1: guarded(-4, 110.0), 3: guarded(0, 110.0)}}
        async with Desk(harbour, plan, away_ns=AWAY) as desk:
            desk.bar(0)
            await settled(desk, -10, (10, 105.0))
            desk.bar(1)
            await settled(desk, -14, (14, 110.0))
            desk.bar(2)
            await settled(desk, -20, (20, 110.0))
            desk.bar(3)
            await settled(desk, -16, (16, 105.0))

    run(work())


def test_29_a_limit_that_rests_goes_out_with_its_stop_and_leaves_the_other_one_where_it_is(harbour: Harbour) -> None:
    async def work() -> None:
        plan = {"a": {0: guarded(10, 95.0)}, "b": {1: guarded(4, 90.0), 2: guarded(9, 90.0, limit=98.0)}}
        async with Desk(harbour, plan, away_ns=AWAY) as desk:
            desk.bar(0)
            await settled(desk, 10, (-10, 95.0))
            desk.bar(1)
            await settled(desk, 14, (-14, 90.0))
            desk.bar(2)
            await desk.until(lambda: any(t.kind == "limit" and t.klass == "oto" for t in harbour.account.open()))
            await settled(desk, 14, (-14, 90.0))
            harbour.quote(97.90, 97.95)
            await settled(desk, 19, (-19, 90.0))

    run(work())


def test_29_one_sells_while_the_bid_of_another_rests(harbour: Harbour) -> None:
    """A bid without a stop is a simple order: it makes way for the sale, and comes back behind it."""

    async def work() -> None:
        plan = {"a": {0: Target(0, lots=10), 2: Target(0, lots=4)}, "b": {1: Target(0, lots=5, limit=98.0)}}
        async with Desk(harbour, plan, away_ns=AWAY) as desk:
            for minute, lots in ((0, 10), (1, 10), (2, 4)):
                desk.bar(minute)
                await settled(desk, lots)
            await desk.until(lambda: [t.limit for t in harbour.account.open()] == [98.0])
            assert refused(desk) == []

    run(work())


def test_29_a_stop_that_fills_while_it_makes_way_leaves_what_the_other_wanted(harbour: Harbour) -> None:
    async def work() -> None:
        plan = {"a": {0: guarded(10, 95.0)}, "b": {1: guarded(4, 80.0)}}
        async with Desk(harbour, plan, away_ns=AWAY) as desk:
            desk.bar(0)
            await settled(desk, 10, (-10, 95.0))
            harbour.ctl("fault", method="DELETE", path="/v2/orders", delay=0.3, times=1)
            desk.bar(1)
            harbour.quote(94.00, 94.02)  # before the cancel arrives
            await desk.until(lambda: desk.lots(strategy="a") == 0 and desk.lots(strategy="b") == 4)
            await desk.until(lambda: stops(harbour) == [(-4, 80.0)])
            desk.agree()

    run(work())


def test_29_a_market_that_falls_through_the_level_while_the_stop_is_away_is_left_at_once(harbour: Harbour) -> None:
    """The trade is accepted and does not fill: the engine sees the level pass, takes the bid back and gets the first strategy out."""

    async def work() -> None:
        plan = {"a": {0: guarded(10, 95.0)}, "b": {1: guarded(4, 80.0)}}
        async with Desk(harbour, plan, away_ns=AWAY) as desk:
            desk.bar(0)
            await settled(desk, 10, (-10, 95.0))
            harbour.ctl("hold_fills", on=True)
            desk.bar(1)
            await desk.until(lambda: stops(harbour) == [] and any(t.kind == "market" for t in harbour.account.open()))
            desk.bar(2, 96.0)
            await desk.idle()
            assert desk.state.wishes["a", 0].lots == 10
            desk.bar(3, 93.0)
            await desk.until(lambda: any(t.kind == "market" and t.side < 0 for t in harbour.account.open()))
            harbour.ctl("hold_fills", on=False)
            harbour.quote(93.00, 93.02)
            await settled(desk, 4, (-4, 80.0))
            assert (desk.lots(strategy="a"), desk.lots(strategy="b")) == (0, 4)

    run(work())


def test_29_what_the_exchange_refuses_for_another_reason_puts_the_stop_back(harbour: Harbour) -> None:
    async def work() -> None:
        plan = {"a": {0: guarded(10, 95.0)}, "b": {1: guarded(40_000, 90.0)}}
        async with Desk(harbour, plan, away_ns=AWAY) as desk:
            desk.bar(0)
            await settled(desk, 10, (-10, 95.0))
            desk.bar(1)
            await desk.until(lambda: refused(desk))
            await desk.until(lambda: stops(harbour) == [(-10, 95.0)])
            assert "buying power" in refused(desk)[0] and len(refused(desk)) == 1 and desk.alarms == []

    run(work())


def test_29_a_stop_that_is_stuck_on_its_way_out_is_told_and_nothing_is_traded(harbour: Harbour) -> None:
    async def work() -> None:
        plan = {"a": {0: guarded(10, 95.0)}, "b": {1: guarded(4, 90.0)}}
        async with Desk(harbour, plan, away_ns=AWAY) as desk:
            desk.bar(0)
            await settled(desk, 10, (-10, 95.0))
            harbour.ctl("hold_cancels", on=True)
            desk.bar(1)
            await desk.until(lambda: Work.PENDING_CANCEL in desk.open().values())
            (timer,) = [one for one in desk.effects if isinstance(one, SetTimer)]
            now = desk.clock.now()
            desk.step(Timer(now, max(now, timer.at), timer.name, timer.strategy))
            assert desk.alarms == ["SAGA_LATE"]
            await asyncio.sleep(0.1)
            assert desk.lots() == harbour.held() == 10 and len(harbour.client_ids()) == 2 and desk.state.wishes["b", 0].lots is None
            harbour.quote(94.00, 94.02)  # what is stuck may still fill
            await settled_flat(desk)
            assert len(harbour.client_ids()) == 2

    run(work())


def test_29_rungs_wait_while_a_stop_rests_and_go_when_it_has_gone(harbour: Harbour) -> None:
    async def work() -> None:
        plan = {"a": {0: Target(0, lots=10), 1: guarded(10, 95.0), 3: Target(0, lots=0)}, "b": {2: Ladder(0, (Rung("r", BUY, 97.0, 3),))}}
        async with Desk(harbour, plan, away_ns=AWAY) as desk:
            for minute, levels in ((0, []), (1, [(-10, 95.0)]), (2, [(-10, 95.0)])):
                desk.bar(minute)
                await settled(desk, 10, *levels)
            assert len(harbour.account.open()) == 1
            desk.bar(3)
            await settled(desk, 0)
            await desk.until(lambda: [t.limit for t in harbour.account.open()] == [97.0])

    run(work())


LIMIT_90 = {"side": "buy", "type": "limit", "limit_price": "90", "time_in_force": "gtc"}
STOP_110 = {"side": "buy", "type": "stop", "stop_price": "110", "time_in_force": "gtc"}
LEGS = {"order_class": "bracket", "take_profit": {"limit_price": "80"}, "stop_loss": {"stop_price": "130"}}


@pytest.mark.parametrize(
    ("rests", "comes", "wash"),
    [
        (LIMIT_90, {"type": "limit", "limit_price": "95"}, False),
        (LIMIT_90, {"type": "limit", "limit_price": "90"}, True),
        (LIMIT_90, {"type": "limit", "limit_price": "89"}, True),
        (LIMIT_90, {"type": "market"}, True),
        (LIMIT_90, {"type": "stop", "stop_price": "85"}, True),
        (LIMIT_90, {"type": "trailing_stop", "trail_price": "5"}, True),
        (STOP_110, {"type": "limit", "limit_price": "120"}, True),
        (STOP_110, {"type": "market"}, True),
        (STOP_110, {"type": "market"} | LEGS, False),
    ],
)
def test_29_what_the_exchange_takes_for_a_wash_trade(harbour: Harbour, rests: dict[str, Any], comes: dict[str, Any], wash: bool) -> None:
    """Reference §1: an opposite market or stop order is open, or limits cross; complex orders are exempt."""
    harbour.rest("POST", "/v2/orders", symbol="AAPL", qty="1", **rests)
    order = {"symbol": "AAPL", "qty": "1", "side": "sell", "time_in_force": "gtc" if comes["type"] != "market" else "day"} | comes
    if not wash:
        assert harbour.rest("POST", "/v2/orders", **order)["id"]
        return
    with pytest.raises(urllib.error.HTTPError) as refused:
        harbour.rest("POST", "/v2/orders", **order)
    told = json.loads(refused.value.read())
    refused.value.close()
    assert (refused.value.code, told["code"], "wash" in told["message"]) == (403, 40310000, True)


# -- killed on the way -----------------------------------------------------------------------------------------------------------


async def killed(harbour: Harbour, step: int, unsent: bool) -> int:
    """Kill a desk behind so many events of the saga, unsent: with what it asked for last still in the journal alone; how many there are."""
    async with Desk(harbour, TWO, away_ns=AWAY, every=OFTEN) as desk:
        desk.bar(0)
        await settled(desk, 10, (-10, 95.0))
        desk.bar(1)
        await settled(desk, 14, (-14, 90.0))
        begun = len(desk.stepped)
        whole, count = desk.step, 0

        def step_(event: Any) -> None:
            nonlocal count
            count += 1
            if count == step and unsent:
                desk.deaf = True
            whole(event)
            if count == step:
                desk.dead = True

        desk.step = desk.hear = desk.rounds.step = step_  # type: ignore[method-assign]
        desk.bar(2)
        end = time.monotonic() + 0.6
        while not desk.dead and time.monotonic() < end:
            await asyncio.sleep(0.005)
        events = len(desk.stepped) - begun
        await asyncio.sleep(0)  # what was asked for is on its way
    async with Desk(harbour, before=desk, every=OFTEN) as again:
        await again.until(lambda: again.lots() == harbour.held() == 20 and stops(harbour) == [(-20, 90.0)])
        again.agree()
        assert (again.lots(strategy="a"), again.lots(strategy="b")) == (16, 4)
        assert len(harbour.client_ids()) == len(set(harbour.client_ids()))
    return events


@pytest.mark.parametrize("unsent", [False, True])
@pytest.mark.parametrize("step", range(1, 9))
def test_29_killed_anywhere_in_the_saga_it_is_ended_after_the_restart(harbour: Harbour, step: int, unsent: bool) -> None:
    async def work() -> None:
        assert await killed(harbour, step, unsent)

    run(work())
