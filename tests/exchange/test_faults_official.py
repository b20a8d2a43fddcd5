"""What goes wrong on purpose, seen by the official client: lost replies, storms of 429, mute streams, lost and doubled frames."""

import asyncio

import aiohttp
import pytest
import requests
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import GetOrdersRequest, LimitOrderRequest, MarketOrderRequest

from tests.exchange.official import KEY, SECRET, Broker, wait

HEAD = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}


@pytest.fixture(autouse=True)
def anew(house: Broker) -> None:
    house.ctl("reset", cash=50_000)


def buy(client_id: str | None = None) -> MarketOrderRequest:
    return MarketOrderRequest(symbol="AAPL", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.DAY, client_order_id=client_id)


def all_orders(house: Broker) -> list:
    return house.trading.get_orders(GetOrdersRequest(status="all"))


def test_a_reply_is_lost_after_the_order_was_taken(house: Broker) -> None:
    house.ctl("fault", method="POST", path="/v2/orders", drop=True, apply=True)
    with pytest.raises(requests.exceptions.ConnectionError):
        house.trading.submit_order(buy("one"))
    assert house.trading.get_order_by_client_id("one").filled_qty == "1"
    assert house.code(lambda: house.trading.submit_order(buy("one"))) == (422, 40010001)


def test_a_reply_is_lost_before_the_order_was_taken(house: Broker) -> None:
    house.ctl("fault", method="POST", path="/v2/orders", drop=True)
    with pytest.raises(requests.exceptions.ConnectionError):
        house.trading.submit_order(buy("two"))
    assert all_orders(house) == []


def test_the_official_client_doubles_on_504(house: Broker) -> None:
    impatient = TradingClient(KEY, SECRET, url_override=house.server.url)
    impatient._retry_wait = 0
    house.ctl("fault", method="POST", path="/v2/orders", status=504, apply=True)
    impatient.submit_order(buy())
    assert len(all_orders(house)) == 2  # it retries a POST without an id of its own: why it never carries an order of ours


def test_a_refusal_that_was_executed(house: Broker) -> None:
    house.ctl("fault", method="POST", path="/v2/orders", status=422, apply=True)
    assert house.code(lambda: house.trading.submit_order(buy("three"))) == (422, 42210000)
    assert house.trading.get_order_by_client_id("three").filled_qty == "1"


def test_delays_and_counts(house: Broker) -> None:
    house.ctl("fault", method="GET", path="/v2/account", delay=0.2, times=1, after=1)
    loop_time = asyncio.new_event_loop()
    loop_time.close()
    import time

    spent = []
    for _ in range(3):
        start = time.monotonic()
        house.trading.get_account()
        spent.append(time.monotonic() - start)
    assert spent[1] >= 0.2 > max(spent[0], spent[2])


def test_rate_limits_are_said_and_kept(house: Broker) -> None:
    reply = requests.get(house.server.url + "/v2/account", headers=HEAD, timeout=5)
    assert {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Request-ID"} <= set(reply.headers)
    house.ctl("rate_limit", limit=3, window_s=1000)
    try:
        seen = [requests.get(house.server.url + "/v2/clock", headers=HEAD, timeout=5) for _ in range(4)]
        assert [r.status_code for r in seen] == [200, 200, 200, 429]
        assert [r.headers["X-RateLimit-Remaining"] for r in seen] == ["2", "1", "0", "0"]
        assert seen[-1].json() == {"code": 42910000, "message": "rate limit exceeded"}
        other = requests.get(house.server.url + "/v2/clock", headers=HEAD | {"APCA-API-KEY-ID": "PKTWO"}, timeout=5)
        assert other.status_code == 200  # each account has its own
    finally:
        house.ctl("rate_limit", limit=0)


def test_bad_keys(house: Broker) -> None:
    assert requests.get(house.server.url + "/v2/account", timeout=5).status_code == 401
    wrong = requests.get(house.server.url + "/v2/stocks/bars", headers=HEAD | {"APCA-API-SECRET-KEY": "x"}, timeout=5)
    assert (wrong.status_code, wrong.json()) == (403, {"message": "forbidden."})
    assert requests.get(house.server.url + "/v2/account", auth=(KEY, SECRET), timeout=5).status_code == 200
    body = requests.post(house.server.url + "/v2/orders", headers=HEAD, data=b"{", timeout=5)
    assert (body.status_code, body.json()["code"]) == (400, 40010000)


def test_accounts_do_not_see_each_other(house: Broker) -> None:
    other = TradingClient("PKTWO", "hush", url_override=house.server.url)
    with house.updates() as heard:
        other.submit_order(buy("theirs"))
        house.trading.submit_order(buy("mine"))
        wait(lambda: len(heard) == 3)
    assert {u.order.client_order_id for u in heard} == {"mine"}
    assert len(other.get_all_positions()) == 1 and other.get_account().id != house.trading.get_account().id
    assert house.code(lambda: house.trading.get_order_by_client_id("theirs")) == (404, 40410000)


def test_frames_are_lost_doubled_and_out_of_order(house: Broker) -> None:
    with house.updates() as heard:
        house.ctl("frames", drop=1)
        house.trading.submit_order(buy())
        wait(lambda: len(heard) == 2)
        assert [getattr(u.event, "value", u.event) for u in heard] == ["new", "fill"]
        house.ctl("frames", duplicate=1)
        house.trading.submit_order(buy())
        wait(lambda: len(heard) == 6)
        assert heard[2].execution_id == heard[3].execution_id
        house.ctl("frames", reorder=1)
        house.trading.submit_order(buy())
        wait(lambda: len(heard) == 9)
        assert [getattr(u.event, "value", u.event) for u in heard[6:]] == ["new", "pending_new", "fill"]
    rows = house.trading.get("/account/activities/FILL", {"direction": "asc"})
    assert len(rows) == 3  # REST has them all


def test_mute_and_closed_streams(house: Broker) -> None:
    with house.updates() as heard:
        house.ctl("ws", mute="trading")
        house.trading.submit_order(buy())
        house.ctl("ws", mute=False)
        house.trading.submit_order(buy())
        wait(lambda: len(heard) == 3)
        assert house.ctl("ws", close="trading")["closed"] == 1
        wait(lambda: house.ctl("stats")["trading_connections"] == 1 and any(p.talk.listening for p in house.server.hub.peers["trading"]))
        house.trading.submit_order(buy())  # the official client came back by itself
        wait(lambda: len(heard) == 6)


def test_the_trading_stream_speaks_msgpack_and_both_logins(house: Broker) -> None:
    import msgspec

    async def talk(packed: bool) -> list:
        headers = {"Content-Type": "application/msgpack"} if packed else {}
        code = msgspec.msgpack if packed else msgspec.json
        said = []
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{house.server.url}/stream", headers=headers) as ws:
            for line in (
                {"action": "listen", "data": {"streams": ["trade_updates"]}}, {"action": "auth", "key": KEY, "secret": "no"},
                {"action": "auth", "key": KEY, "secret": SECRET}, {"action": "listen", "data": {"streams": ["trade_updates", "moons"]}},
            ):  # fmt: skip
                await ws.send_bytes(code.encode(line))
                message = await ws.receive()
                assert message.type is aiohttp.WSMsgType.BINARY
                said.append(code.decode(message.data)["data"])
        return said

    for packed in (False, True):
        assert asyncio.run(talk(packed)) == [
            {"status": "unauthorized", "action": "listen"}, {"status": "unauthorized", "action": "auth"},
            {"status": "authorized", "action": "auth"}, {"streams": ["trade_updates"]},
        ]  # fmt: skip


def test_a_restart_is_survived(house: Broker) -> None:
    order = house.trading.submit_order(LimitOrderRequest(symbol="AAPL", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.GTC, limit_price=90))
    house.ctl("down", seconds=0.2)
    with pytest.raises(requests.exceptions.ConnectionError):
        house.trading.get_account()

    def back() -> bool:
        try:
            return bool(house.trading.get_account())
        except requests.exceptions.ConnectionError:
            return False

    wait(back)
    assert house.trading.get_order_by_id(order.id).id == order.id


def test_clock_skew_and_configurations(house: Broker) -> None:
    before = house.trading.get_clock().timestamp
    house.ctl("clock", skew=-2)
    assert (house.trading.get_clock().timestamp - before).total_seconds() < -1
    house.ctl("clock", skew=0)
    settings = house.trading.get_account_configurations()
    settings.suspend_trade = True
    assert house.trading.set_account_configurations(settings).suspend_trade
    assert house.code(lambda: house.trading.submit_order(buy())) == (403, 40310000)
    settings.suspend_trade = False
    settings.no_shorting = True
    house.trading.set_account_configurations(settings)
    short = MarketOrderRequest(symbol="AAPL", qty=1, side=OrderSide.SELL, time_in_force=TimeInForce.DAY)
    assert house.code(lambda: house.trading.submit_order(short)) == (403, 40310000)
    settings.no_shorting = False
    house.trading.set_account_configurations(settings)


def test_control_says_what_is_wrong(house: Broker) -> None:
    for verb, body, status in (("quote", {}, 400), ("moon", {}, 404), ("fault", {"sttus": 3}, 400), ("fill", {"order_id": "x"}, 404)):
        reply = requests.post(f"{house.server.url}/_ctl/{verb}", json=body, timeout=5)
        assert reply.status_code == status and reply.json()["message"]
