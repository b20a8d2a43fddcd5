"""What an account has beside its orders: news, watchlists, screeners, corporate actions, settings, trade events; through the official clients."""

import asyncio
import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import aiohttp
import pytest
import requests
from alpaca.data.enums import CorporateActionsType, MarketType, MostActivesBy
from alpaca.data.historical import ScreenerClient
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.historical.news import NewsClient
from alpaca.data.live.news import NewsDataStream
from alpaca.data.requests import CorporateActionsRequest, MarketMoversRequest, MostActivesRequest, NewsRequest
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import (
    CreateWatchlistRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    UpdateWatchlistRequest,
)

from tests.exchange.official import KEY, SECRET, Broker, running, wait

HEAD = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}


@pytest.fixture(autouse=True)
def anew(house: Broker) -> None:
    house.ctl("reset", cash=100_000)
    house.quote(100.00, 100.02)


def buy(qty: float = 1, **more: object) -> MarketOrderRequest:
    return MarketOrderRequest(symbol="AAPL", qty=qty, side=OrderSide.BUY, time_in_force=TimeInForce.DAY, **more)


def test_news_are_kept_and_told(house: Broker) -> None:
    heard: list = []

    async def hear(article: object) -> None:
        heard.append(article)

    stream = NewsDataStream(KEY, SECRET, url_override=f"ws://{house.server.at}/v1beta1/news")
    stream.subscribe_news(hear, "AAPL")
    with running(stream, lambda: any(any(p.talk.lists.values()) for p in house.server.hub.peers["data"])):
        house.ctl("article", headline="Something else", symbols=["MSFT"])
        told = house.ctl("article", headline="Apples fall", symbols=["MSFT", "AAPL"], content="<p>From trees.</p>", author="Newton")
        wait(lambda: heard)
    assert [(a.id, a.headline, a.symbols, a.content) for a in heard] == [(told["id"], "Apples fall", ["MSFT", "AAPL"], "<p>From trees.</p>")]
    client = NewsClient(KEY, SECRET, url_override=house.server.url)
    found = client.get_news(NewsRequest(symbols="AAPL", include_content=True, limit=1)).data["news"]
    assert [(a.id, a.content, a.author) for a in found] == [(told["id"], "<p>From trees.</p>", "Newton")]
    plain = client.get_news(NewsRequest(symbols="AAPL", limit=1)).data["news"]
    assert plain[0].content == ""
    for number in range(60):
        house.ctl("article", headline=f"n{number}", symbols=["QQ"])
    whole = client.get_news(NewsRequest(symbols="QQ", sort="asc")).data["news"]  # two pages of fifty
    assert [a.headline for a in whole] == [f"n{number}" for number in range(60)]
    behind = client.get_news(NewsRequest(end=datetime(2026, 11, 20, 14, 59, tzinfo=UTC))).data["news"]
    assert {s for a in behind for s in a.symbols} == {"AAPL", "MSFT"}  # written before the start, by the feed
    for query in ("limit=51", "sort=up", "start=soon", "page_token=x"):
        assert requests.get(f"{house.server.url}/v1beta1/news?{query}", headers=HEAD, timeout=5).status_code == 400


def test_watchlists(house: Broker) -> None:
    trading = house.trading
    assert trading.get_watchlists() == []
    made = trading.create_watchlist(CreateWatchlistRequest(name="mine", symbols=["AAPL"]))
    assert [a.symbol for a in made.assets] == ["AAPL"] and made.account_id == trading.get_account().id
    assert house.code(lambda: trading.create_watchlist(CreateWatchlistRequest(name="mine", symbols=[]))) == (422, 42210000)
    assert [a.symbol for a in trading.add_asset_to_watchlist_by_id(made.id, "MSFT").assets] == ["AAPL", "MSFT"]
    assert house.code(lambda: trading.add_asset_to_watchlist_by_id(made.id, "MSFT")) == (422, 42210000)
    assert house.code(lambda: trading.add_asset_to_watchlist_by_id(made.id, "MOON")) == (422, 42210000)
    assert [a.symbol for a in trading.remove_asset_from_watchlist_by_id(made.id, "AAPL").assets] == ["MSFT"]
    assert trading.update_watchlist_by_id(made.id, UpdateWatchlistRequest(name="yours")).name == "yours"
    assert trading.get_watchlist_by_id(made.id).name == "yours" and trading.get_watchlists()[0].assets is None
    by_name = trading.get("/watchlists:by_name", {"name": "yours"})
    assert by_name["id"] == str(made.id)
    assert [a["symbol"] for a in trading.put("/watchlists:by_name?name=yours", {"symbols": ["AAPL", "MSFT"]})["assets"]] == ["AAPL", "MSFT"]
    trading.delete_watchlist_by_id(made.id)
    assert trading.get_watchlists() == []
    assert house.code(lambda: trading.get_watchlist_by_id(made.id)) == (404, 40410000)
    assert house.code(lambda: trading.post("/watchlists", {"name": "x" * 65})) == (422, 40010001)


def test_screeners(house: Broker) -> None:
    client = ScreenerClient(KEY, SECRET, url_override=house.server.url)
    house.ctl("trade", symbol="MSFT", price=200, size=10_000_000)
    top = client.get_most_actives(MostActivesRequest(by=MostActivesBy.VOLUME, top=1)).most_actives
    assert [row.symbol for row in top] == ["MSFT"] and top[0].volume >= 10_000_000
    board = house.server.exchange.market.board("AAPL")
    moved = client.get_market_movers(MarketMoversRequest(market_type=MarketType.STOCKS, top=5))
    row = next(r for r in (*moved.gainers, *moved.losers) if r.symbol == "AAPL")
    assert row.change == pytest.approx(100.01 - board.before, abs=1e-4)
    assert row.percent_change == pytest.approx(row.change / board.before * 100, abs=0.01)
    assert all((r.change > 0) == (r in moved.gainers) for r in (*moved.gainers, *moved.losers))
    assert all(r.change > 0 for r in moved.gainers) and all(r.change < 0 for r in moved.losers)
    assert requests.get(f"{house.server.url}/v1beta1/screener/stocks/most-actives?by=moons", headers=HEAD, timeout=5).status_code == 400


def test_corporate_actions(house: Broker) -> None:
    client = CorporateActionsClient(KEY, SECRET, url_override=house.server.url)
    house.trading.submit_order(buy(10))
    house.ctl("dividend", symbol="AAPL", amount=0.25)
    house.ctl("split", symbol="AAPL", ratio=4)
    house.ctl("split", symbol="MSFT", ratio=0.5)
    found = client.get_corporate_actions(CorporateActionsRequest(symbols=["AAPL", "MSFT"], start=date(2026, 11, 20), end=date(2026, 11, 20))).data
    assert (found["cash_dividends"][0].rate, found["forward_splits"][0].new_rate) == (0.25, 4.0)
    assert [(s.symbol, s.new_rate, s.old_rate) for s in found["reverse_splits"]] == [("MSFT", 1.0, 2.0)]
    one = client.get_corporate_actions(CorporateActionsRequest(types=[CorporateActionsType.CASH_DIVIDEND], start=date(2026, 11, 1))).data
    assert list(one) == ["cash_dividends"]
    assert client.get_corporate_actions(CorporateActionsRequest(start=date(2027, 1, 1), end=date(2027, 2, 1))).data == {}
    position = house.trading.get_open_position("AAPL")
    assert (position.qty, position.cost_basis) == ("40", "1000.20")
    seen, token = [], None
    while True:
        query = {"limit": "1"} | ({"page_token": token} if token else {})
        page = requests.get(f"{house.server.url}/v1/corporate-actions", params=query, headers=HEAD, timeout=5).json()
        seen += [row["id"] for rows in page["corporate_actions"].values() for row in rows]
        token = page["next_page_token"]
        if token is None or len(seen) > 5:
            break
    assert len(seen) == len(set(seen)) == 3
    house.ctl("split", symbol="AAPL", ratio=0.25)
    house.ctl("split", symbol="MSFT", ratio=2)


def test_settings_have_effects(house: Broker) -> None:
    settings = house.trading.get_account_configurations()
    settings.fractional_trading = False
    house.trading.set_account_configurations(settings)
    assert house.code(lambda: house.trading.submit_order(buy(0.5))) == (403, 40310000)
    settings.fractional_trading, settings.max_margin_multiplier = True, "1"
    house.trading.set_account_configurations(settings)
    assert house.trading.submit_order(buy(0.5)).qty == "0.5"
    account = house.trading.get_account()
    assert account.multiplier == "1" and not account.shorting_enabled and float(account.buying_power) < 100_000
    assert house.code(lambda: house.trading.submit_order(buy(1500))) == (403, 40310000)
    settings.max_margin_multiplier = "2"
    house.trading.set_account_configurations(settings)
    assert house.trading.submit_order(buy(1500)).qty == "1500"
    for wrong in ({"max_options_trading_level": 4}, {"max_margin_multiplier": "3"}, {"suspend_trade": "maybe"}):
        assert house.code(lambda wrong=wrong: house.trading.patch("/account/configurations", wrong)) == (422, 40010001)


@contextmanager
def events(house: Broker, **query: str) -> Iterator["queue.Queue[dict]"]:
    """Server-sent events as they come, read on a thread."""
    heard: queue.Queue[dict] = queue.Queue()
    reply = requests.get(f"{house.server.url}/v2/events/trades", params=query, headers=HEAD, stream=True, timeout=5)
    assert reply.status_code == 200 and reply.headers["Content-Type"] == "text/event-stream"

    def read() -> None:
        try:
            for line in reply.iter_lines(chunk_size=1):
                if line.startswith(b"data: "):
                    heard.put(json.loads(line[6:]))
        except (requests.exceptions.RequestException, AttributeError, ValueError, OSError):
            return

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    yield heard
    reply.close()
    thread.join(5)


def test_events_tell_what_streams_lost(house: Broker) -> None:
    house.trading.submit_order(buy(2, client_order_id="first"))
    since = (datetime.now(UTC) - timedelta(days=4000)).isoformat().replace("+00:00", "Z")
    with events(house, since=since) as heard:
        past = [heard.get(timeout=5) for _ in range(3)]
        assert [e["event"] for e in past] == ["pending_new", "new", "fill"]
        assert past[2]["order"]["client_order_id"] == "first" and past[2]["account_id"] == str(house.trading.get_account().id)
        house.trading.submit_order(buy(3, client_order_id="second"))
        live = [heard.get(timeout=5) for _ in range(3)]
        assert [(e["event"], e["order"]["client_order_id"]) for e in live] == [("pending_new", "second"), ("new", "second"), ("fill", "second")]
    with events(house, since_id=past[1]["event_id"]) as heard:
        assert heard.get(timeout=5)["event_id"] == past[2]["event_id"]
    with events(house, since=since, until="2030-01-01T00:00:00Z") as heard:
        assert [heard.get(timeout=5)["event"] for _ in range(6)] == ["pending_new", "new", "fill"] * 2
    with events(house) as heard:
        house.trading.submit_order(buy(1, client_order_id="third"))
        assert heard.get(timeout=5)["order"]["client_order_id"] == "third"
    for query, status in (({"since": "soon"}, 422), ({"since_id": "nobody"}, 404), ({"until": "2030-01-01"}, 422)):
        assert requests.get(f"{house.server.url}/v2/events/trades", params=query, headers=HEAD, timeout=5).status_code == status
    assert requests.get(f"{house.server.url}/v2/events/trades", timeout=5).status_code == 401


def test_price_bands_are_told(house: Broker) -> None:
    with _raw(house) as heard:
        house.ctl("luld", symbol="AAPL", down=95.0, up=105.0)
        told = house.ctl("luld", symbol="AAPL")
        wait(lambda: len(heard) >= 2)
    assert (heard[0]["d"], heard[0]["u"], heard[0]["i"]) == (95.0, 105.0, "B")
    closes = [row.c for row in house.server.exchange.market.board("AAPL").minutes[-5:]]
    mean = sum(closes) / 5
    assert (told["down"], told["up"]) == (round(mean * 0.95, 2), round(mean * 1.05, 2)) == (heard[1]["d"], heard[1]["u"])


@contextmanager
def _raw(house: Broker) -> Iterator[list]:
    """The records of a stream that the official client has no word for, heard by hand."""
    heard: list = []
    ready, over = threading.Event(), threading.Event()

    async def listen() -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{house.server.url}/v2/iex") as ws:
            await ws.send_json({"action": "auth", "key": KEY, "secret": SECRET})
            await ws.send_json({"action": "subscribe", "lulds": ["*"]})
            while not over.is_set():
                try:
                    rows = json.loads((await ws.receive(0.1)).data)
                except TimeoutError:
                    continue
                heard.extend(row for row in rows if row["T"] == "l")
                if rows[0]["T"] == "subscription":
                    ready.set()

    thread = threading.Thread(target=lambda: asyncio.run(listen()), daemon=True)
    thread.start()
    assert ready.wait(5)
    yield heard
    over.set()
    thread.join(5)


def test_orders_say_when_they_end(house: Broker) -> None:
    ends = {}
    for tif in (TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC):
        wish = LimitOrderRequest(symbol="AAPL", qty=1, side=OrderSide.BUY, time_in_force=tif, limit_price=90)
        ends[tif] = house.trading.submit_order(wish).expires_at
    assert ends[TimeInForce.DAY] == datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
    assert ends[TimeInForce.GTC] == datetime(2027, 2, 18, 21, 15, tzinfo=UTC)  # ninety days, a quarter past four in New York
    assert ends[TimeInForce.IOC] is None
    late = LimitOrderRequest(symbol="AAPL", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.DAY, limit_price=90, extended_hours=True)
    assert house.trading.submit_order(late).expires_at == datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
