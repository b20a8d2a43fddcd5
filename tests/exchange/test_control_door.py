"""Every verb of the control door, asked for by hand over HTTP, and what the official client then sees; every flag of the command."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from itertools import product

import aiohttp
import pytest
import requests
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.requests import StockBarsRequest, StockLatestQuoteRequest, StockQuotesRequest
from alpaca.data.timeframe import TimeFrame
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, OrderStatus, TimeInForce
from alpaca.trading.requests import LimitOrderRequest, MarketOrderRequest, ReplaceOrderRequest

from argosy.exchange.open import Wanted, build, opened
from argosy.exchange.server import VERBS
from tests.exchange.official import KEY, SECRET, Broker, wait

HEAD = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}
NAMED = ("reset", "quote", "hold_fills", "fill", "event", "clock", "rate_limit", "fault", "ws")


@pytest.fixture(autouse=True)
def anew(house: Broker) -> None:
    house.ctl("reset", cash=100_000)
    house.quote(100.00, 100.02)


def say(house: Broker, verb: str, body: object = None) -> tuple[int, dict]:
    """(status, answer) of a verb, sent by hand."""
    reply = requests.post(f"{house.server.url}/_ctl/{verb}", json=body, timeout=10)
    return reply.status_code, reply.json()


def buy(qty: float = 1, client: str | None = None) -> MarketOrderRequest:
    return MarketOrderRequest(symbol="AAPL", qty=qty, side=OrderSide.BUY, time_in_force=TimeInForce.DAY, client_order_id=client)


def resting(qty: float = 10, price: float = 90) -> LimitOrderRequest:
    return LimitOrderRequest(symbol="AAPL", qty=qty, side=OrderSide.BUY, time_in_force=TimeInForce.DAY, limit_price=price)


def test_the_named_verbs_are_there_and_more() -> None:
    assert set(NAMED) <= set(VERBS)


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_a_word_that_a_verb_does_not_take_is_named(house: Broker, verb: str) -> None:
    status, told = say(house, verb, {"moons": 3})
    assert status == 400 and "moons" in told["message"] and told["usage"]
    assert say(house, verb, [1])[0] == 400


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("reset", {"cash": "much"}), ("quote", {"symbol": "AAPL", "bid": 2, "ask": 1}), ("quote", {"symbol": "MOON", "bid": 1, "ask": 2}),
        ("quote", {"symbol": "AAPL", "bid": 1}), ("quote", {"symbol": "AAPL", "bid": -1, "ask": 2}), ("hold_fills", {}),
        ("hold_fills", {"on": "maybe"}),
        ("fill", {}), ("fill", {"order_id": 7}), ("event", {"order_id": "x"}), ("clock", {}), ("clock", {"is_open": "perhaps"}),
        ("rate_limit", {}), ("rate_limit", {"limit": 1.5}), ("fault", {"path": "/v2"}), ("fault", {"status": 42}),
        ("fault", {"status": 500, "times": 0}),
        ("ws", {"close": "moon"}), ("ws", {"mute": "moon"}), ("ws", {"auth_timeout": "soon"}), ("frames", {"drop": -1}), ("step", {"seconds": 1}),
        ("step", {}), ("terms", {"partial_frac": 2}), ("frame", {}), ("hide", {"seconds": -1}),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_nothing_happens(house: Broker, verb: str, body: dict) -> None:
    before = house.data.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="AAPL"))["AAPL"]
    status, told = say(house, verb, body)
    assert status == 400 and told["message"], told
    assert house.trading.get_clock().is_open and house.server.faults.rules == []
    after = house.data.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="AAPL"))["AAPL"]
    assert (after.bid_price, after.ask_price) == (before.bid_price, before.ask_price)


def test_unknown_verbs_name_the_known_ones(house: Broker) -> None:
    status, told = say(house, "moon", {})
    assert status == 404 and set(NAMED) <= set(told["verbs"])
    assert requests.get(f"{house.server.url}/_ctl/reset", timeout=5).status_code == 404
    with opened(Wanted(symbols=["AAPL"])) as closed:
        reply = requests.post(f"{closed.url}/_ctl/reset", json={}, timeout=5)
        assert reply.status_code == 404 and "--control" in reply.json()["message"]


def test_reset_begins_anew_with_cash(house: Broker) -> None:
    house.trading.submit_order(buy(3))
    changes = {"rate_limit": {"limit": 5}, "clock": {"is_open": False, "skew": 9}, "hold_fills": {"on": True}, "halt": {"symbol": "MSFT"}}
    for verb, body in changes.items():
        assert say(house, verb, body)[0] == 200
    assert say(house, "fault", {"path": "/v2/account", "status": 500, "times": None})[0] == 200
    assert say(house, "reset", {"cash": 12_345.5}) == (200, {"ok": True})
    account = house.trading.get_account()
    assert (account.cash, account.equity, account.buying_power) == ("12345.50", "12345.50", "24691")
    assert house.trading.get_all_positions() == [] and house.trading.get_orders() == []
    assert house.trading.get_clock().is_open
    assert house.trading.get_order_by_id(house.trading.submit_order(buy()).id).status is OrderStatus.FILLED
    rows = house.trading.get("/account/activities", {"direction": "asc"})
    assert [row["activity_type"] for row in rows] == ["CSD", "FILL"]
    for _ in range(8):
        assert house.trading.get_clock()  # the limit of five went, too


def test_quote_and_hold_fills_and_fill(house: Broker) -> None:
    assert say(house, "quote", {"symbol": "AAPL", "bid": "101.50", "ask": 101.53})[0] == 200
    best = house.data.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="AAPL"))["AAPL"]
    assert (best.bid_price, best.ask_price) == (101.50, 101.53)
    assert say(house, "hold_fills", {"on": True})[0] == 200
    with house.updates() as heard:
        order = house.trading.submit_order(buy(10, "mine"))
        assert house.trading.get_order_by_id(order.id).status is OrderStatus.NEW
        assert say(house, "fill", {"order_id": str(order.id), "qty": 4, "price": 101.51})[0] == 200
        part = house.trading.get_order_by_id(order.id)
        assert (part.status, part.filled_qty, part.filled_avg_price) == (OrderStatus.PARTIALLY_FILLED, "4", "101.51")
        assert say(house, "fill", {"order_id": "mine", "qty": "1.5", "price": "101.52"})[0] == 200
        assert say(house, "fill", {"order_id": str(order.id)})[0] == 200  # the rest, at the ask
        assert house.trading.get_order_by_id(order.id).filled_qty == "10"
        wait(lambda: len(heard) == 5)
    assert [(u.qty, u.price, u.position_qty) for u in heard[2:]] == [(4.0, 101.51, 4.0), (1.5, 101.52, 5.5), (4.5, 101.53, 10.0)]
    # 100,000 - 4 x 101.51 - 1.5 x 101.52 - 4.5 x 101.53
    assert house.trading.get_account().cash == "98984.795"
    assert say(house, "fill", {"order_id": str(order.id)})[0] == 422
    assert say(house, "hold_fills", {"on": False})[0] == 200
    assert house.trading.get_order_by_id(house.trading.submit_order(buy()).id).status is OrderStatus.FILLED


EVENTS = [
    ("canceled", "canceled", False), ("expired", "expired", False), ("rejected", "rejected", False), ("pending_cancel", "pending_cancel", True),
    ("suspended", "suspended", True), ("done_for_day", "done_for_day", True), ("stopped", "stopped", True), ("calculated", "calculated", True),
    ("order_cancel_rejected", "new", True), ("restated", "new", True), ("never heard of", "new", True),
]  # fmt: skip


def test_event(house: Broker) -> None:
    with house.updates() as heard:
        for event, status, live in EVENTS:
            house.ctl("reset", cash=100_000)
            order = house.trading.submit_order(resting())
            wait(lambda: len(heard) == 2)
            heard.clear()
            assert say(house, "event", {"order_id": str(order.id), "event": event})[0] == 200
            wait(lambda: heard)
            assert getattr(heard[0].event, "value", heard[0].event) == event
            assert heard[0].order.id == order.id
            assert house.trading.get_order_by_id(order.id).status.value == status
            assert (house.trading.get_account().buying_power == "199100") is live  # 90 x 10 are kept while it lives
            heard.clear()


def test_a_silent_end_is_found_by_asking_alone(house: Broker) -> None:
    order = house.trading.submit_order(resting())
    with house.updates() as heard:
        assert say(house, "event", {"order_id": str(order.id), "event": "canceled", "silent": True})[0] == 200
        house.trading.submit_order(buy())
        wait(lambda: len(heard) == 3)
    assert {u.order.id for u in heard} != {order.id}
    assert house.trading.get_order_by_id(order.id).status is OrderStatus.CANCELED


def test_clock_opens_and_closes(house: Broker) -> None:
    status, told = say(house, "clock", {"is_open": False})
    assert status == 200 and told["is_open"] is False
    assert not house.trading.get_clock().is_open
    order = house.trading.submit_order(buy())
    assert order.status is OrderStatus.ACCEPTED
    assert say(house, "clock", {"is_open": True})[1]["is_open"] is True
    assert house.trading.get_order_by_id(order.id).status is OrderStatus.FILLED


def test_rate_limit(house: Broker) -> None:
    assert say(house, "rate_limit", {"limit": 2, "window_s": 1000})[0] == 200
    codes = [requests.get(f"{house.server.url}/v2/clock", headers=HEAD, timeout=5).status_code for _ in range(4)]
    assert codes == [200, 200, 429, 429]
    assert say(house, "rate_limit", {"limit": 0})[0] == 200
    assert house.trading.get_clock()


@pytest.mark.parametrize("apply", [False, True])
@pytest.mark.parametrize("how", [{"status": 503}, {"drop": True}, {"status": 422}])
def test_fault_once_and_then_no_more(house: Broker, how: dict, apply: bool) -> None:
    assert say(house, "fault", {"method": "POST", "path": "/v2/orders", "apply": apply, "times": 1, **how})[0] == 200
    sent = {"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day", "client_order_id": "f"}
    try:
        reply = requests.post(f"{house.server.url}/v2/orders", json=sent, headers=HEAD, timeout=5)
        assert reply.status_code == how["status"]
    except requests.exceptions.ConnectionError:
        assert how == {"drop": True}
    assert len(house.trading.get_all_positions()) == int(apply)
    if not apply:
        assert house.trading.submit_order(buy(1, "f")).client_order_id == "f"


def test_fault_delays_and_counts(house: Broker) -> None:
    assert say(house, "fault", {"method": "GET", "path": "/v2/clock", "delay": 0.15, "times": 2})[0] == 200
    spent = []
    for _ in range(3):
        begun = time.monotonic()
        assert house.trading.get_clock()
        spent.append(time.monotonic() - begun)
    assert min(spent[:2]) >= 0.15 > spent[2]
    assert say(house, "fault", {"path": "/v2/clock", "status": 500, "times": None})[0] == 200
    assert [requests.get(f"{house.server.url}/v2/clock", headers=HEAD, timeout=5).status_code for _ in range(3)] == [500] * 3
    assert say(house, "fault", {"clear": True})[0] == 200
    assert house.trading.get_clock()


def test_ws_close_and_mute(house: Broker) -> None:
    with house.market(quotes=("AAPL",)) as quotes, house.updates() as updates:
        wait(lambda: quotes)
        assert say(house, "ws", {"mute": "data"})[0] == 200
        time.sleep(0.1)
        count = len(quotes)
        house.trading.submit_order(buy())
        wait(lambda: len(updates) == 3)
        time.sleep(0.3)
        assert len(quotes) == count  # nothing came, and nothing was closed
        assert say(house, "ws", {"mute": False})[0] == 200
        wait(lambda: len(quotes) > count)
        assert say(house, "ws", {"close": "data"})[1]["closed"] == 1
        assert say(house, "stats")[1]["trading_connections"] == 1


def test_ws_auth_timeout(house: Broker) -> None:
    async def silent() -> tuple[list, float]:
        begun = time.monotonic()
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{house.server.url}/v2/iex") as ws:
            said = [(await ws.receive_json())[0] for _ in range(2)]
            await ws.receive()
            return said, time.monotonic() - begun

    assert say(house, "ws", {"auth_timeout": 0.2})[0] == 200
    said, spent = asyncio.run(silent())
    assert [row.get("code") for row in said] == [None, 404] and 0.2 <= spent < 2


def test_a_new_order_may_not_be_found_for_a_while(house: Broker) -> None:
    assert say(house, "hide", {"seconds": 0.4})[0] == 200
    order = house.trading.submit_order(buy(1, "late"))
    assert house.code(lambda: house.trading.get_order_by_id(order.id)) == (404, 40410000)
    assert house.code(lambda: house.trading.get_order_by_client_id("late")) == (404, 40410000)
    assert house.code(lambda: house.trading.submit_order(buy(1, "late"))) == (422, 40010001)
    assert house.trading.get_open_position("AAPL").qty == "1"  # it lived all the while
    wait(lambda: house.trading.get("/orders", {"status": "all"}))
    assert house.trading.get_order_by_client_id("late").filled_qty == "1"


def test_stuck_in_pending_cancel(house: Broker) -> None:
    order = house.trading.submit_order(resting())
    assert say(house, "hold_cancels", {"on": True})[0] == 200
    house.trading.cancel_order_by_id(order.id)
    assert house.trading.get_order_by_id(order.id).status is OrderStatus.PENDING_CANCEL
    assert house.code(lambda: house.trading.cancel_order_by_id(order.id)) == (422, 42210000)
    assert house.trading.get_account().buying_power == "199100"
    house.quote(89.00, 89.02)
    assert house.trading.get_order_by_id(order.id).filled_qty == "10"  # it can still fill


def test_held_replacements_stay_pending(house: Broker) -> None:
    order = house.trading.submit_order(resting())
    assert say(house, "hold_replaces", {"on": True})[0] == 200
    assert house.trading.replace_order_by_id(order.id, ReplaceOrderRequest(limit_price=91)).status is OrderStatus.PENDING_REPLACE
    assert house.trading.get_order_by_id(order.id).status is OrderStatus.PENDING_REPLACE


def test_paper_mode_fills_in_parts(house: Broker) -> None:
    assert say(house, "terms", {"partial_frac": 0.5})[1]["partial_frac"] == 0.5
    try:
        parts = []
        with house.updates() as heard:
            for number in range(20):
                house.trading.submit_order(buy(10, f"p{number}"))
            wait(lambda: sum(u.event == "fill" for u in heard) == 20)
            parts = [u for u in heard if u.event == "partial_fill"]
        assert 3 <= len(parts) <= 17 and {u.qty for u in parts} == {5.0}
        assert house.trading.get_open_position("AAPL").qty == "200"
    finally:
        say(house, "terms", {"partial_frac": 0})


def test_a_restart_that_refuses_connections_keeps_the_accounts(house: Broker) -> None:
    order = house.trading.submit_order(resting())
    account = house.trading.get_account().id
    with house.updates() as heard:
        assert say(house, "down", {"seconds": 0.4, "refuse": True})[0] == 200
        time.sleep(0.1)
        with pytest.raises(requests.exceptions.ConnectionError):
            requests.get(f"{house.server.url}/v2/clock", headers=HEAD, timeout=5)

        def back() -> bool:
            try:
                return bool(house.trading.get_clock())
            except requests.exceptions.ConnectionError:
                return False

        wait(back)
        assert house.trading.get_account().id == account and house.trading.get_order_by_id(order.id).id == order.id
        wait(lambda: any(p.talk.listening for p in house.server.hub.peers["trading"]))
        house.trading.submit_order(buy())
        wait(lambda: len(heard) == 3)


def test_live_begins_open_with_tight_quotes_history_and_cash() -> None:
    with opened(Wanted(keys=((KEY, SECRET),), symbols=["AAPL", "XYZ", "SPY"], feed="live")) as server:
        data, trading = StockHistoricalDataClient(KEY, SECRET, url_override=server.url), TradingClient(KEY, SECRET, url_override=server.url)
        begun = datetime.now(UTC)
        assert trading.get_clock().is_open and abs(trading.get_clock().timestamp - begun) < timedelta(seconds=5)
        account = trading.get_account()
        assert (account.cash, account.equity, account.buying_power, account.multiplier) == ("100000", "100000", "200000", "2")
        time.sleep(2.0)
        asked = StockQuotesRequest(symbol_or_symbols=["AAPL", "XYZ", "SPY"], start=begun)
        rows = data.get_stock_quotes(asked).data
        spent = (datetime.now(UTC) - begun).total_seconds()
        for symbol in ("AAPL", "XYZ", "SPY"):
            assert 3 <= len(rows[symbol]) / spent <= 7
            for quote in rows[symbol]:
                assert 50 < quote.bid_price < quote.ask_price <= quote.bid_price + 0.04
                assert quote.ask_price / quote.bid_price < 1.001
        end = begun - timedelta(minutes=1)
        past = StockBarsRequest(symbol_or_symbols="XYZ", timeframe=TimeFrame.Minute, start=end - timedelta(days=10), end=end)
        assert len(data.get_stock_bars(past).data["XYZ"]) > 1000
        recent = StockBarsRequest(symbol_or_symbols="XYZ", timeframe=TimeFrame.Minute, start=begun - timedelta(minutes=120), end=begun)
        assert len(data.get_stock_bars(recent).data["XYZ"]) >= 100  # behind this very minute, whatever the hour


FLAGS = list(product(("live", "tape:demo"), ("1", "max", "step", "20.5"), (0, 3), (True, False)))


@pytest.mark.parametrize(("feed", "speed", "limit", "control"), FLAGS)
def test_flags_go_together(feed: str, speed: str, limit: int, control: bool) -> None:
    server = build(Wanted(feed=feed, speed=speed, limit=limit, control=control, seed=4, symbols=["AAPL"] if feed == "live" else []))
    assert server.control is control and server.limit == limit and server.paced is (speed == "step")
    assert server.exchange.market.boards and server.exchange.seed == 4
    assert server.now() >= server.exchange.now


def test_as_fast_as_it_goes(house: Broker) -> None:
    with opened(Wanted(keys=((KEY, SECRET),), feed="tape:demo", speed="max", control=True, start="2013-02-01")) as server:
        wait(lambda: server.feed.due > server.exchange.now + 10**18, 30)
        last = server.exchange.now
        client = TradingClient(KEY, SECRET, url_override=server.url)
        assert client.get_clock().timestamp.year == 2013
        time.sleep(0.1)
        assert server.exchange.now == last  # a tape that is over stays at its last row
