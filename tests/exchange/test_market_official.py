"""Market data through the official clients: history with pages, latest records, snapshots, both encodings of the streams."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import aiohttp
import msgspec
import pytest
from alpaca.data.requests import (
    StockBarsRequest,
    StockLatestBarRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
    StockQuotesRequest,
    StockSnapshotRequest,
    StockTradesRequest,
)
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit

from tests.exchange.official import KEY, SECRET, Broker, wait

NOON = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
HEAD = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}


def test_minutes_behind_the_start(house: Broker) -> None:
    span = {"start": NOON - timedelta(minutes=30), "end": NOON - timedelta(minutes=1)}
    asked = StockBarsRequest(symbol_or_symbols=["MSFT", "AAPL"], timeframe=TimeFrame.Minute, **span)
    bars = house.data.get_stock_bars(asked).data
    assert {s: len(rows) for s, rows in bars.items()} == {"AAPL": 30, "MSFT": 30}  # the market opened at 14:30
    for row in bars["AAPL"]:
        assert row.low <= min(row.open, row.close) <= max(row.open, row.close) <= row.high
        assert row.low > 49 and row.volume > 0


def test_pages_hold_all_rows_once(house: Broker) -> None:
    span = {"start": NOON - timedelta(days=3), "end": NOON - timedelta(minutes=1)}
    asked = StockBarsRequest(symbol_or_symbols=["AAPL", "MSFT"], timeframe=TimeFrame.Minute, **span)
    whole = house.data.get_stock_bars(asked).data
    seen: dict[str, list] = {"AAPL": [], "MSFT": []}
    token, pages = None, 0
    while True:
        params = {"symbols": "MSFT,AAPL", "timeframe": "1Min", "start": "2026-11-17T15:00:00Z", "end": "2026-11-20T14:59:00Z"}
        params |= {"limit": 97, "page_token": token}
        page = house.data.get("/stocks/bars", params)
        pages += 1
        assert sum(len(rows) for rows in page["bars"].values()) <= 97
        for symbol, rows in page["bars"].items():
            seen[symbol] += [row["t"] for row in rows]
        token = page["next_page_token"]
        if token is None:
            break
    assert pages > 20
    for symbol, rows in whole.items():
        assert [datetime.fromisoformat(t[:19] + "+00:00") for t in seen[symbol]] == [row.timestamp for row in rows]


@pytest.mark.parametrize(("frame", "count"), [(TimeFrame(5, TimeFrameUnit.Minute), 6), (TimeFrame(15, TimeFrameUnit.Minute), 2)])
def test_longer_bars_are_made_of_minutes(house: Broker, frame: TimeFrame, count: int) -> None:
    start, end = NOON - timedelta(minutes=30), NOON - timedelta(minutes=1)
    short = house.data.get_stock_bars(StockBarsRequest(symbol_or_symbols="AAPL", timeframe=TimeFrame.Minute, start=start, end=end)).data["AAPL"]
    long = house.data.get_stock_bars(StockBarsRequest(symbol_or_symbols="AAPL", timeframe=frame, start=start, end=end)).data["AAPL"]
    assert len(long) == count
    part = short[: 30 // count]
    assert (long[0].open, long[0].close) == (part[0].open, part[-1].close)
    assert long[0].high == max(row.high for row in part)
    assert long[0].volume == sum(row.volume for row in part)


def test_days_weeks_and_months(house: Broker) -> None:
    asked = {"symbol_or_symbols": "AAPL", "start": NOON - timedelta(days=90), "end": NOON}
    days = house.data.get_stock_bars(StockBarsRequest(timeframe=TimeFrame.Day, **asked)).data["AAPL"]
    assert 60 <= len(days) <= 64
    assert all(row.timestamp.hour in (4, 5) for row in days)  # midnight in New York
    weeks = house.data.get_stock_bars(StockBarsRequest(timeframe=TimeFrame.Week, **asked)).data["AAPL"]
    assert all(row.timestamp.weekday() == 0 for row in weeks)
    assert sum(row.volume for row in weeks[1:]) == pytest.approx(sum(row.volume for row in days if row.timestamp >= weeks[1].timestamp))
    months = house.data.get_stock_bars(StockBarsRequest(timeframe=TimeFrame.Month, **asked)).data["AAPL"]
    assert {row.timestamp.day for row in months} == {1}


def test_latest_and_snapshots(house: Broker) -> None:
    house.quote(100.00, 100.02)
    house.ctl("trade", symbol="AAPL", price=100.01, size=30)
    best = house.data.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols=["AAPL", "NONE"]))
    assert list(best) == ["AAPL"]  # unknown symbols are absent
    assert (best["AAPL"].bid_price, best["AAPL"].ask_price) == (100.00, 100.02)
    last = house.data.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols="AAPL"))["AAPL"]
    assert last.price in (100.00, 100.01, 100.02)
    assert house.data.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols="AAPL"))["AAPL"].volume > 0
    snapshot = house.data.get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols=["AAPL", "MSFT"]))["AAPL"]
    assert snapshot.previous_daily_bar.timestamp < snapshot.daily_bar.timestamp


def test_quotes_and_trades_page_forward(house: Broker) -> None:
    wait(lambda: len(house.server.exchange.market.boards[0].trades) > 3)
    asked = {"symbol_or_symbols": "AAPL", "start": NOON}
    quotes = house.data.get_stock_quotes(StockQuotesRequest(**asked)).data["AAPL"]
    assert quotes == sorted(quotes, key=lambda q: q.timestamp) and len(quotes) > 3
    trades = house.data.get_stock_trades(StockTradesRequest(limit=2, **asked)).data["AAPL"]
    assert [t.id for t in trades] == [1, 2]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/stocks/bars?symbols=AAPL&timeframe=7Dogs", 400), ("/stocks/bars?symbols=a%20b&timeframe=1Min", 400), ("/stocks/bars?timeframe=1Min", 400),
        ("/stocks/bars?symbols=AAPL&timeframe=1Min&limit=10001", 400), ("/stocks/bars?symbols=AAPL&timeframe=1Min&page_token=zz", 400),
        ("/stocks/moons?symbols=AAPL", 404), ("/stocks/quotes?symbols=AAPL&start=soon", 400),
    ],
)  # fmt: skip
def test_data_refusals_have_no_code(house: Broker, path: str, status: int) -> None:
    async def ask() -> tuple[int, dict]:
        async with aiohttp.ClientSession(headers=HEAD) as session, session.get(f"{house.server.url}/v2{path}") as reply:
            return reply.status, await reply.json()

    got, body = asyncio.run(ask())
    assert got == status and "message" in body
    assert "code" not in body or status == 404


def test_the_official_data_stream(house: Broker) -> None:
    with house.market(quotes=("AAPL", "MSFT"), trades=("*",), bars=("AAPL",)) as heard:
        house.quote(120.00, 120.02)
        house.ctl("trade", symbol="MSFT", price=200.01, size=7)
        wait(lambda: any(getattr(row, "bid_price", 0) == 120.0 for row in heard))
        wait(lambda: any(getattr(row, "size", 0) == 7.0 for row in heard))
        house.ctl("halt", symbol="AAPL")
        house.ctl("halt", symbol="AAPL", on=False)
    assert {row.symbol for row in heard} == {"AAPL", "MSFT"}


async def _talk(house: Broker, packed: bool, lines: list) -> list:
    headers = {"Content-Type": "application/msgpack"} if packed else {}
    encode, decode = (msgspec.msgpack.encode, msgspec.msgpack.decode) if packed else (lambda b: json.dumps(b).encode(), json.loads)
    heard = []
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{house.server.url}/v2/sip", headers=headers) as ws:
        heard.append(decode((await ws.receive()).data))
        for line in lines:
            await ws.send_bytes(encode(line))
            heard.append(decode((await ws.receive()).data))
    return heard


@pytest.mark.parametrize("packed", [False, True])
def test_every_word_of_the_data_stream(house: Broker, packed: bool) -> None:
    login = {"action": "auth", "key": KEY, "secret": SECRET}
    nothing = {"trades": [], "quotes": [], "bars": [], "updatedBars": [], "dailyBars": [], "lulds": [], "corrections": [], "cancelErrors": []}
    heard = asyncio.run(_talk(house, packed, [
        {"action": "subscribe", "quotes": ["AAPL"]}, {"action": "auth", "key": KEY, "secret": "no"}, login, login, "what",
        {"action": "dance"}, {"action": "subscribe", "moons": ["AAPL"]}, {"action": "subscribe", "statuses": ["*"]},
    ]))  # fmt: skip
    assert [rows[0].get("code", rows[0].get("msg", rows[0]["T"])) for rows in heard] == [
        "connected", 401, 402, "authenticated", 403, 400, 400, 410, "subscription",
    ]  # fmt: skip
    assert heard[-1] == [{"T": "subscription", **nothing, "statuses": ["*"]}]


def test_limits_of_the_data_stream(house: Broker) -> None:
    login = {"action": "auth", "key": KEY, "secret": SECRET}
    house.ctl("ws", symbols=1)
    try:
        heard = asyncio.run(_talk(house, False, [login, {"action": "subscribe", "quotes": ["A", "B"]}]))
        assert heard[-1] == [{"T": "error", "code": 405, "msg": "symbol limit exceeded"}]
    finally:
        house.ctl("ws", symbols=0)

    async def two() -> list:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{house.server.url}/v2/iex") as first:
            await first.receive()
            await first.send_json(login)
            await first.receive()
            async with session.ws_connect(f"{house.server.url}/v2/iex") as second:
                await second.receive()
                await second.send_json(login)
                return (await second.receive()).json()

    house.ctl("ws", connections=1)
    try:
        assert asyncio.run(two()) == [{"T": "error", "code": 406, "msg": "connection limit exceeded"}]
    finally:
        house.ctl("ws", connections=0)
    house.ctl("ws", auth_timeout=0.05)
    try:
        assert asyncio.run(_silent(house)) == [{"T": "error", "code": 404, "msg": "auth timeout"}]
    finally:
        house.ctl("ws", auth_timeout=10)


async def _silent(house: Broker) -> list:
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{house.server.url}/v2/iex") as ws:
        await ws.receive()
        return (await ws.receive()).json()


def test_the_calendar_knows_half_days(house: Broker) -> None:
    from alpaca.trading.requests import GetAssetsRequest, GetCalendarRequest

    rows = house.trading.get_calendar(GetCalendarRequest(start="2026-11-25", end="2026-11-30"))
    assert [(str(row.date), row.close.hour) for row in rows] == [("2026-11-25", 16), ("2026-11-27", 13), ("2026-11-30", 16)]
    clock = house.trading.get_clock()
    assert clock.is_open and clock.next_close.isoformat() == "2026-11-20T16:00:00-05:00"
    assert clock.next_open.isoformat() == "2026-11-23T09:30:00-05:00"
    assert [a.symbol for a in house.trading.get_all_assets(GetAssetsRequest())] == ["AAPL", "MSFT"]
    asset = house.trading.get_asset("MSFT")
    assert asset.fractionable and house.trading.get_asset(str(asset.id)).symbol == "MSFT"
    assert house.code(lambda: house.trading.get_asset("NONE")) == (404, 40410000)


def test_frames_in_pieces_reach_the_official_client(house: Broker) -> None:
    house.ctl("ws", fragment=7)
    try:
        with house.market(quotes=("AAPL",)) as heard, house.updates() as updates:
            house.quote(130.00, 130.02)
            wait(lambda: any(row.bid_price == 130.0 for row in heard))
            house.ctl("event", order_id=_some_order(house), event="restated")
            wait(lambda: [u for u in updates if getattr(u.event, "value", u.event) == "restated"])
    finally:
        house.ctl("ws", fragment=0)


def _some_order(house: Broker) -> str:
    from alpaca.trading.enums import OrderSide, TimeInForce
    from alpaca.trading.requests import LimitOrderRequest

    wish = LimitOrderRequest(symbol="AAPL", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.DAY, limit_price=5)
    return str(house.trading.submit_order(wish).id)


def test_pieces_are_frames_of_one_message() -> None:
    from argosy.exchange.hub import fragments

    assert fragments(b"abcde", 2, True) == [b"\x01\x02", b"ab", b"\x00\x02", b"cd", b"\x80\x01", b"e"]
    assert fragments(b"ab", 9, False) == [b"\x82\x02", b"ab"]
    assert fragments(b"x" * 200, 200, False)[0] == b"\x82\x7e\x00\xc8"


def test_a_slow_client_is_sent_away(house: Broker) -> None:
    house.ctl("ws", slow_at=0)
    try:
        login = {"action": "auth", "key": KEY, "secret": SECRET}

        async def listen() -> list:
            async with aiohttp.ClientSession() as session, session.ws_connect(f"{house.server.url}/v2/iex") as ws:
                await ws.receive()
                await ws.send_json(login)
                await ws.receive()
                await ws.send_json({"action": "subscribe", "quotes": ["*"]})
                await ws.receive()
                said = (await ws.receive()).json()
                assert (await ws.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
                return said

        assert asyncio.run(listen()) == [{"T": "error", "code": 407, "msg": "slow client"}]
    finally:
        house.ctl("ws", slow_at=200_000)


def test_a_deaf_connection_answers_no_ping(house: Broker) -> None:
    async def ping() -> bool:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{house.server.url}/v2/test", autoping=False) as ws:
            await ws.receive()
            await ws.ping(b"?")
            try:
                return (await ws.receive(timeout=0.3)).type is aiohttp.WSMsgType.PONG
            except TimeoutError:
                return False

    assert asyncio.run(ping())
    house.ctl("ws", deaf=True)
    try:
        assert not asyncio.run(ping())
    finally:
        house.ctl("ws", deaf=False)


def test_the_test_feed_has_its_own_symbol(house: Broker) -> None:
    with house.market("test", quotes=("FAKEPACA",)) as heard:
        wait(lambda: len(heard) > 2)
    assert {row.symbol for row in heard} == {"FAKEPACA"}


def test_corrections_and_cancels_come_with_trades(house: Broker) -> None:
    from alpaca.data.live import StockDataStream

    from tests.exchange.official import running

    heard: list = []

    async def hear(row: object) -> None:
        heard.append(row)

    stream = StockDataStream(KEY, SECRET, url_override=f"ws://{house.server.at}/v2/sip")
    stream.subscribe_trades(hear, "NOTHING")
    stream.register_trade_corrections(hear)
    stream.register_trade_cancels(hear)
    with running(stream, lambda: any(any(p.talk.lists.values()) for p in house.server.hub.peers["data"])):
        head = {"S": "AAPL", "x": "V", "t": "2026-11-20T15:00:00.000000001Z", "z": "C"}
        old = {"oi": 1, "op": 100.0, "os": 5, "oc": ["@"], "ci": 2, "cp": 100.1, "cs": 5, "cc": ["@"]}
        house.ctl("frame", stream="data", body={"T": "c", **head, **old})
        house.ctl("frame", stream="data", body={"T": "x", **head, "i": 1, "p": 100.0, "s": 5, "a": "C"})
        house.ctl("frame", stream="data", body={"T": "unheard of", "S": "AAPL"})
        wait(lambda: len(heard) == 2)
    assert (heard[0].corrected_price, heard[1].action) == (100.1, "C")
