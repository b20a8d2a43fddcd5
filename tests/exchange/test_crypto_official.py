"""Coins through the official clients: orders at any hour, prices, books and streams; the numbers are worked out by hand."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from alpaca.data.historical import CryptoHistoricalDataClient
from alpaca.data.live import CryptoDataStream
from alpaca.data.requests import (
    CryptoBarsRequest,
    CryptoLatestBarRequest,
    CryptoLatestOrderbookRequest,
    CryptoLatestQuoteRequest,
    CryptoLatestTradeRequest,
    CryptoQuoteRequest,
    CryptoSnapshotRequest,
    CryptoTradesRequest,
)
from alpaca.data.timeframe import TimeFrame
from alpaca.trading.enums import AssetClass, OrderSide, OrderStatus, TimeInForce
from alpaca.trading.requests import (
    GetAssetsRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    StopLimitOrderRequest,
)

from argosy.exchange.open import Wanted, opened
from tests.exchange.official import KEY, OPEN, SECRET, Broker, running, wait

BTC = "BTC/USD"
BUY, SELL, GTC, IOC = OrderSide.BUY, OrderSide.SELL, TimeInForce.GTC, TimeInForce.IOC


@pytest.fixture(scope="module")
def house() -> Iterator[Broker]:
    with opened(Wanted(keys=((KEY, SECRET),), symbols=["AAPL", BTC, "ETH/USD"], control=True, seed=3), OPEN) as server:
        yield Broker(server)


@pytest.fixture(autouse=True)
def anew(house: Broker) -> None:
    house.ctl("reset", cash=100_000)
    house.quote(50_000.00, 50_010.00, BTC)


@pytest.fixture
def data(house: Broker) -> CryptoHistoricalDataClient:
    return CryptoHistoricalDataClient(url_override=house.server.url)  # prices of coins need no key


@contextmanager
def stream(house: Broker, **channels: tuple[str, ...]) -> Iterator[list]:
    heard: list = []

    async def hear(row: object) -> None:
        heard.append(row)

    one = CryptoDataStream(KEY, SECRET, url_override=f"ws://{house.server.at}/v1beta3/crypto/us")
    for channel, symbols in channels.items():
        getattr(one, f"subscribe_{channel}")(hear, *symbols)
    with running(one, lambda: any(any(p.talk.lists.values()) for p in house.server.hub.peers["data"])):
        yield heard


def market(qty: float, side: OrderSide = BUY, tif: TimeInForce = GTC) -> MarketOrderRequest:
    return MarketOrderRequest(symbol=BTC, qty=qty, side=side, time_in_force=tif)


def test_bought_and_sold_in_parts(house: Broker) -> None:
    done = house.trading.get_order_by_id(house.trading.submit_order(market(0.123456789)).id)
    assert (done.status, done.filled_qty, done.filled_avg_price) == (OrderStatus.FILLED, "0.123456789", "50010")
    assert done.asset_class is AssetClass.CRYPTO and done.symbol == BTC
    assert house.trading.get_account().cash == "93825.925982"  # 100,000 - 0.123456789 x 50,010
    position = house.trading.get_open_position("BTCUSD")
    assert (position.symbol, position.qty, position.asset_class) == ("BTCUSD", "0.123456789", AssetClass.CRYPTO)
    assert house.trading.get_open_position(position.asset_id).qty == "0.123456789"
    house.trading.close_position("BTCUSD")
    assert house.trading.get_all_positions() == []
    assert house.trading.get_account().cash == "99998.765432"  # ten dollars a coin were lost


def test_limits_notionals_and_stops(house: Broker) -> None:
    money = house.trading.submit_order(MarketOrderRequest(symbol=BTC, notional=250, side=BUY, time_in_force=GTC))
    assert house.trading.get_order_by_id(money.id).filled_qty == "0.004999"
    rest = house.trading.submit_order(LimitOrderRequest(symbol=BTC, qty=0.5, side=BUY, time_in_force=GTC, limit_price=49_000))
    assert house.trading.get_order_by_id(rest.id).status is OrderStatus.NEW
    missed = house.trading.submit_order(LimitOrderRequest(symbol=BTC, qty=0.5, side=BUY, time_in_force=IOC, limit_price=49_000))
    assert house.trading.get_order_by_id(missed.id).status is OrderStatus.CANCELED
    house.quote(48_900.00, 48_910.00, BTC)
    assert house.trading.get_order_by_id(rest.id).filled_avg_price == "49000"
    stop = house.trading.submit_order(StopLimitOrderRequest(symbol=BTC, qty=0.5, side=SELL, time_in_force=GTC, stop_price=48_000, limit_price=47_900))
    house.quote(47_950.00, 47_960.00, BTC)
    assert house.trading.get_order_by_id(stop.id).status is OrderStatus.FILLED


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"time_in_force": "day"}, 422), ({"type": "stop", "stop_price": 1}, 422), ({"extended_hours": True, "type": "limit", "limit_price": 1}, 422),
        ({"order_class": "bracket", "take_profit": {"limit_price": 9e4}, "stop_loss": {"stop_price": 1}}, 422), ({"side": "sell"}, 403),
        ({"qty": 3}, 403),  # 150,030 dollars: coins are not bought on margin
    ],
)  # fmt: skip
def test_what_coins_do_not_allow(house: Broker, change: dict, status: int) -> None:
    body = {"symbol": BTC, "qty": 1, "side": "buy", "type": "market", "time_in_force": "gtc"} | change
    assert house.code(lambda: house.trading.post("/orders", body))[0] == status


def test_coins_trade_when_shares_do_not(house: Broker) -> None:
    house.ctl("clock", is_open=False)
    assert house.trading.get_order_by_id(house.trading.submit_order(market(0.1)).id).status is OrderStatus.FILLED
    share = house.trading.submit_order(MarketOrderRequest(symbol="AAPL", qty=1, side=BUY, time_in_force=TimeInForce.DAY))
    assert share.status is OrderStatus.ACCEPTED
    count = len(house.server.exchange.market.board("ETH/USD").quotes)
    wait(lambda: len(house.server.exchange.market.board("ETH/USD").quotes) > count)
    # half of a coin's worth is no margin: all of it is
    assert float(house.trading.get_account().initial_margin) == pytest.approx(5000.5)


def test_assets_by_class(house: Broker) -> None:
    coins = house.trading.get_all_assets(GetAssetsRequest(asset_class=AssetClass.CRYPTO))
    assert {a.symbol for a in coins} == {BTC, "ETH/USD"} and not any(a.marginable or a.shortable for a in coins)
    assert {a.symbol for a in house.trading.get_all_assets(GetAssetsRequest(asset_class=AssetClass.US_EQUITY))} == {"AAPL"}
    assert house.trading.get_asset("ETH/USD").fractionable


def test_history(data: CryptoHistoricalDataClient) -> None:
    end = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    asked = CryptoBarsRequest(symbol_or_symbols=[BTC, "ETH/USD"], timeframe=TimeFrame.Minute, start=end - timedelta(hours=30), end=end)
    bars = data.get_crypto_bars(asked).data
    assert len(bars[BTC]) >= 1440 and len(bars["ETH/USD"]) == len(bars[BTC])  # the night, too
    gaps = {b.timestamp - a.timestamp for a, b in zip(bars[BTC], bars[BTC][1:], strict=False)}
    assert gaps == {timedelta(minutes=1)}
    days = data.get_crypto_bars(CryptoBarsRequest(symbol_or_symbols=BTC, timeframe=TimeFrame.Day, start=end - timedelta(days=20), end=end)).data[BTC]
    assert 19 <= len(days) <= 22 and {d.timestamp.weekday() for d in days} == set(range(7))


def test_latest_of_all(house: Broker, data: CryptoHistoricalDataClient) -> None:
    house.ctl("trade", symbol=BTC, price=50_005, size=0.25)
    quote = data.get_crypto_latest_quote(CryptoLatestQuoteRequest(symbol_or_symbols=BTC))[BTC]
    assert (quote.bid_price, quote.ask_price) == (50_000.0, 50_010.0)
    assert data.get_crypto_latest_trade(CryptoLatestTradeRequest(symbol_or_symbols=BTC))[BTC].price > 49_000
    assert data.get_crypto_latest_bar(CryptoLatestBarRequest(symbol_or_symbols=BTC))[BTC].volume > 0
    book = data.get_crypto_latest_orderbook(CryptoLatestOrderbookRequest(symbol_or_symbols=[BTC, "ETH/USD"]))[BTC]
    assert (book.bids[0].price, book.asks[0].price) == (50_000.0, 50_010.0) and len(book.bids) == len(book.asks) == 5
    assert [b.price for b in book.bids] == sorted((b.price for b in book.bids), reverse=True)
    shot = data.get_crypto_snapshot(CryptoSnapshotRequest(symbol_or_symbols=BTC))[BTC]
    assert shot.latest_quote.bid_price == 50_000.0 and shot.previous_daily_bar is not None
    since = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    assert data.get_crypto_quotes(CryptoQuoteRequest(symbol_or_symbols=BTC, start=since)).data[BTC]
    assert data.get_crypto_trades(CryptoTradesRequest(symbol_or_symbols=BTC, start=since)).data[BTC]


def test_the_stream_of_coins_has_books(house: Broker) -> None:
    with stream(house, quotes=(BTC,), trades=("*",), orderbooks=("ETH/USD",), bars=(BTC,)) as heard:
        house.ctl("trade", symbol=BTC, price=50_004, size=0.5)
        kinds = {"Quote", "Trade", "Orderbook"}
        wait(lambda: kinds <= {type(r).__name__ for r in heard})
        assert {r.symbol for r in heard if type(r).__name__ == "Quote"} == {BTC}
        assert {r.symbol for r in heard if type(r).__name__ == "Orderbook"} == {"ETH/USD"}
        assert {r.symbol for r in heard} <= {BTC, "ETH/USD"}  # no shares here


def test_shares_and_coins_have_streams_of_their_own(house: Broker) -> None:
    with house.market(quotes=("*",)) as heard:
        wait(lambda: len(heard) > 4)
        assert {r.symbol for r in heard} == {"AAPL"}

    async def talk() -> list:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{house.server.url}/v2/iex") as ws:
            await ws.send_json({"action": "auth", "key": KEY, "secret": SECRET})
            await ws.send_json({"action": "subscribe", "orderbooks": ["*"]})
            return [(await ws.receive_json())[0] for _ in range(3)]

    assert asyncio.run(talk())[2]["code"] == 410
