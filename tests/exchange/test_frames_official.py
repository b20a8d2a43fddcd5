"""Frames that break on purpose: lost ones of one kind, cut, torn and oversized ones, half-open connections; the official client is none the worse."""

import asyncio
import json

import aiohttp
import pytest
from alpaca.trading.enums import OrderClass, OrderSide, OrderStatus, TimeInForce
from alpaca.trading.requests import MarketOrderRequest, StopLossRequest, TakeProfitRequest

from argosy.exchange.faults import Frames
from tests.exchange.official import KEY, SECRET, Broker, wait


@pytest.fixture(autouse=True)
def anew(house: Broker) -> None:
    house.ctl("reset", cash=100_000)
    house.quote(100.00, 100.02)


def buy(**more: object) -> MarketOrderRequest:
    return MarketOrderRequest(symbol="AAPL", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.DAY, **more)


def test_the_cancel_of_a_leg_is_not_told(house: Broker) -> None:
    with house.updates() as heard:
        order = house.trading.submit_order(
            buy(order_class=OrderClass.BRACKET, take_profit=TakeProfitRequest(limit_price=105), stop_loss=StopLossRequest(stop_price=95))
        )
        house.ctl("frames", stream="trading", drop=1, event="canceled", where={"type": "stop"})
        house.quote(106.00, 106.02)
        wait(lambda: sum(u.event == "fill" for u in heard) == 2)
        house.trading.submit_order(buy())
        wait(lambda: sum(u.event == "fill" for u in heard) == 3)
    assert not [u for u in heard if u.event == "canceled"]
    stop = house.trading.get_order_by_id(order.legs[1].id)
    assert stop.status is OrderStatus.CANCELED  # REST knows


def test_one_kind_of_record_is_lost_doubled_or_late(house: Broker) -> None:
    with house.market(quotes=("AAPL", "MSFT"), trades=("AAPL",)) as heard:
        house.ctl("frames", stream="data", drop=2, event="t")
        for price in (1, 2, 3):
            house.ctl("trade", symbol="AAPL", price=100 + price / 100, size=777)
        wait(lambda: any(getattr(r, "size", 0) == 777 for r in heard))
        assert [r.price for r in heard if getattr(r, "size", 0) == 777] == [100.03]
        house.ctl("frames", stream="data", reorder=1, event="t")
        for price in (4, 5):
            house.ctl("trade", symbol="AAPL", price=100 + price / 100, size=778)
        wait(lambda: sum(getattr(r, "size", 0) == 778 for r in heard) == 2)
        assert sorted(r.price for r in heard if getattr(r, "size", 0) == 778) == [100.04, 100.05]


@pytest.mark.parametrize("way", ["truncate", "tear"])
def test_the_official_client_comes_back_from_a_broken_frame(house: Broker, way: str) -> None:
    before = house.server.connected
    with house.market(quotes=("AAPL",)) as heard:
        wait(lambda: heard)
        house.ctl("frames", stream="data", **{way: 1})
        if way == "truncate":  # it reads the rest of what came, or connects anew
            count = len(heard)
            wait(lambda: len(heard) > count + 3, 20)
        else:
            wait(lambda: house.server.connected >= before + 2, 20)
            count = len(heard)
            wait(lambda: len(heard) > count + 3, 20)


def test_broken_updates_leave_the_books_alone(house: Broker) -> None:
    async def hear(way: str) -> list[bytes]:
        said: list[bytes] = []
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{house.server.url}/stream", max_msg_size=1 << 20) as ws:
            await ws.send_json({"action": "auth", "key": KEY, "secret": SECRET})
            await ws.receive()
            await ws.send_json({"action": "listen", "data": {"streams": ["trade_updates"]}})
            await ws.receive()
            await asyncio.to_thread(house.ctl, "frames", stream="trading", event="fill", **{way: 1})
            await asyncio.to_thread(house.trading.submit_order, buy())
            while len(said) < 3:
                message = await ws.receive(5)
                if message.type is not aiohttp.WSMsgType.BINARY:
                    break
                said.append(message.data)
        return said

    for way, count in (("truncate", 3), ("tear", 2), ("oversize", 2)):
        said = asyncio.run(hear(way))
        assert len(said) == count, way
        if way == "truncate":
            with pytest.raises(json.JSONDecodeError):
                json.loads(said[2])
    assert house.trading.get_open_position("AAPL").qty == "3"
    assert house.ctl("stats")["ok"]


def test_answers_can_be_lost_too(house: Broker) -> None:
    async def talk() -> list[dict]:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{house.server.url}/stream") as ws:
            await ws.send_json({"action": "auth", "key": KEY, "secret": SECRET})
            await ws.send_json({"action": "listen", "data": {"streams": ["trade_updates"]}})
            return [json.loads((await ws.receive(5)).data)]

    house.ctl("frames", stream="trading", drop=1, event="control")
    assert asyncio.run(talk())[0]["stream"] == "listening"


def test_half_open_is_open_and_silent(house: Broker) -> None:
    async def talk() -> list:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{house.server.url}/stream", autoping=False) as ws:
            await ws.send_json({"action": "auth", "key": KEY, "secret": SECRET})
            await ws.send_json({"action": "listen", "data": {"streams": ["trade_updates"]}})
            said = [json.loads((await ws.receive(5)).data)["stream"] for _ in range(2)]
            await asyncio.to_thread(house.ctl, "ws", deaf=True)
            await asyncio.to_thread(house.trading.submit_order, buy())
            await ws.ping()
            with pytest.raises(TimeoutError):
                await ws.receive(0.4)
            await asyncio.to_thread(house.ctl, "ws", deaf=False)
            assert not ws.closed
            await asyncio.to_thread(house.trading.submit_order, buy())
            said.append(json.loads((await ws.receive(5)).data)["data"]["event"])
            return said

    assert asyncio.run(talk()) == ["authorization", "listening", "pending_new"]


def test_rules_are_used_up_in_order_and_only_by_what_suits() -> None:
    frames = Frames()
    frames.set({"drop": 1}, "fill", {"symbol": "A"})
    frames.set({"duplicate": 2})
    assert frames.through("a", "fill", {"symbol": "B"})[0][0] == "a"  # the duplicate rule, for any event
    assert [f for f, _ in frames.through("b", "fill", {"symbol": "A"})] == []
    assert [f for f, _ in frames.through("c", "fill", {"symbol": "A"})] == ["c", "c"]
    assert [f for f, _ in frames.through("d", "fill", {"symbol": "A"})] == ["d"]
    assert not frames.busy
    frames.set({"reorder": 1})
    assert frames.through("e", "new", {}) == [] and frames.busy
    assert [f for f, _ in frames.through("f", "new", {})] == ["f", "e"]
    frames.set({"drop": 5})
    assert frames.through("g", "control", {})[0][0] == "g"  # answers are not records
    frames.set({"drop": 0})
    assert not frames.busy
