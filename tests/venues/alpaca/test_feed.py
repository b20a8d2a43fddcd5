"""Frames become core's events where they are read; the talk before them, its refusals and its interruptions are survived."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

import msgspec
import pytest

from argosy.core.events import Bar, Fact, Gap, Quote, Status, Trade
from argosy.core.instrument import Instrument, Instruments
from argosy.core.time import MINUTE, parse
from argosy.net.secret import Secret
from argosy.venues.alpaca import messages as ms
from argosy.venues.alpaca.feed import WAITS, Feed
from argosy.venues.alpaca.modes import place
from tests.venues.alpaca.server import KEY, SECRET, Alpaca

TABLE = Instruments([Instrument(symbol="AAPL"), Instrument(symbol="MSFT")])
T = "2026-11-20T15:00:00.000000059Z"
NOW = parse("2026-11-20T15:01:00.5Z")


def heard(*rows: Any, pack: bool = False) -> tuple[list[Any], list[Any], Feed]:
    events: list[Any] = []
    others: list[Any] = []
    feed = Feed(Secret("k"), Secret("s"), TABLE, {}, events.append, other=others.append, clock=lambda: NOW, pack=pack)
    feed.heard(msgspec.msgpack.encode(list(rows)) if pack else json.dumps(list(rows)).encode())
    return events, others, feed


@pytest.mark.parametrize("pack", [False, True])
def test_each_message_is_its_event(pack: bool) -> None:
    events, _, _ = heard(
        {"T": "q", "S": "MSFT", "bp": 10.5, "bs": 300, "ap": 10.52, "as": 200, "t": T, "x": 1},
        {"T": "t", "S": "AAPL", "p": 20.25, "s": 7, "t": T, "c": ["@"]},
        {"T": "b", "S": "AAPL", "o": 1.0, "h": 2.0, "l": 0.5, "c": 1.5, "v": 99, "n": 4, "vw": 1.2, "t": "2026-11-20T15:00:00Z"},
        {"T": "s", "S": "AAPL", "sc": "H", "sm": "Halt", "rc": "T12", "rm": "News", "t": T},
        {"T": "s", "S": "AAPL", "sc": "T", "sm": "Trading", "t": T},
        {"T": "q", "S": "UNKNOWN", "bp": 1, "ap": 2, "t": T},
        pack=pack,
    )
    ts = parse(T)
    assert events == [
        Quote(ts, NOW, 1, 10.5, 10.52, 300.0, 200.0),
        Trade(ts, NOW + 1, 0, 20.25, 7.0),
        Bar(parse("2026-11-20T15:00:00Z"), NOW + 2, 0, 1.0, 2.0, 0.5, 1.5, 99.0, MINUTE),
        Status(ts, NOW + 3, 0, True, "H Halt T12 News"),
        Status(ts, NOW + 4, 0, False, "T Trading"),
    ]


def test_no_two_rows_are_known_at_one_time_though_the_clock_stands() -> None:
    """A journal's fold takes what was known at one time for one instant; the desk has stepped each row by itself."""
    events: list[Any] = []
    feed = Feed(Secret("k"), Secret("s"), TABLE, {}, events.append, clock=lambda: NOW, pack=False)
    for price in (10.0, 11.0):
        feed.heard(json.dumps([{"T": "t", "S": "AAPL", "p": price + k, "s": 1, "t": T} for k in range(3)]).encode())
    known = [event.known for event in events]
    assert len(known) == 6 and known == sorted(set(known))


def test_a_side_without_an_order_is_nan() -> None:
    (quote,), _, _ = heard({"T": "q", "S": "AAPL", "bp": 0, "bs": 5, "ap": 10.5, "as": 1, "t": T})
    assert math.isnan(quote.bid) and (quote.bid_size, quote.ask) == (0.0, 10.5)


def test_a_bar_is_never_known_before_its_end() -> None:
    (bar,), _, _ = heard({"T": "b", "S": "AAPL", "o": 1, "h": 1, "l": 1, "c": 1, "v": 1, "t": "2026-11-20T15:00:30Z"})
    assert bar.known == bar.ts + MINUTE > NOW  # the clock here is behind the market's


def test_what_is_no_event_goes_elsewhere() -> None:
    events, others, feed = heard(
        {"T": "l", "S": "AAPL", "u": 110.0, "d": 90.0, "i": "B", "t": T},
        {"T": "x", "S": "AAPL", "i": 5, "p": 1.0, "s": 1, "t": T},
        {"T": "u", "S": "AAPL", "o": 1, "h": 1, "l": 1, "c": 1, "v": 1, "t": T},
        {"T": "brand_new", "S": "AAPL"},
        {"T": "s", "S": "AAPL", "sc": "Q?", "t": T},
    )
    assert events == [] and feed.bands == {0: (90.0, 110.0)}
    assert [type(row) for row in others] == [ms.BandMessage, ms.CancelMessage, ms.UpdatedBar, ms.Unknown, ms.StatusMessage]


def test_a_headline_is_a_fact_for_each_of_our_symbols() -> None:
    news = {"T": "n", "id": 9, "headline": "Up", "created_at": T, "symbols": ["AAPL", "XYZ", "MSFT"], "source": "b"}
    events, _, _ = heard(news, news | {"symbols": ["XYZ"]}, news | {"symbols": None})
    assert [(fact.instrument, fact.name, fact.text, fact.source) for fact in events] == [
        (i, "9", "Up", "alpaca.news") for i in (0, 1, -1, -1)
    ]
    assert all(isinstance(fact, Fact) and fact.ts == parse(T) and math.isnan(fact.value) for fact in events)


@pytest.mark.parametrize("by", ["picows", "aiohttp"])
@pytest.mark.parametrize("pack", [False, True])
def test_it_logs_in_subscribes_and_comes_back_with_a_gap(by: str, pack: bool) -> None:
    async def walk() -> None:
        events: list[Any] = []
        turns: list[bool] = []
        wants = {"quotes": ["AAPL"], "bars": ["*"], "trades": []}
        async with Alpaca() as server:
            where = place("sim", base=server.url)
            feed = Feed(Secret(KEY), Secret(SECRET), TABLE, wants, events.append, pack=pack, turned=lambda up, why: turns.append(up))
            stream = feed.stream(where, where.feed("iex"), by=by)
            stream.start()
            async with asyncio.timeout(8):
                await stream.ready.wait()
                assert server.subscriptions == [{"action": "subscribe", "quotes": ["AAPL"], "bars": ["*"]}]
                assert feed.subscribed == {"quotes": ["AAPL"], "bars": ["*"]}
                row = [{"T": "q", "S": "AAPL", "bp": 1.5, "bs": 1, "ap": 1.6, "as": 1, "t": T}]
                for socket in server.data_sockets:
                    await (socket.send_bytes(msgspec.msgpack.encode(row)) if pack else socket.send_str(json.dumps(row)))
                while not events:
                    await asyncio.sleep(0.002)
                assert feed.want(stream, "trades", ["MSFT"])
                while len(server.subscriptions) < 2:
                    await asyncio.sleep(0.002)
                assert server.subscriptions[1] == {"action": "subscribe", "trades": ["MSFT"]}
                for socket in list(server.data_sockets):
                    socket._req.transport.abort()
                while len(server.subscriptions) < 3:
                    await asyncio.sleep(0.002)
                await stream.ready.wait()
            assert server.subscriptions[2] == {"action": "subscribe", "quotes": ["AAPL"], "bars": ["*"], "trades": ["MSFT"]}
            assert isinstance(events[0], Quote) and isinstance(events[1], Gap) and events[1].instrument == -1
            assert turns == [True, False, True]
            await stream.close()

    asyncio.run(walk())


@pytest.mark.parametrize("code", [402, 404, 405, 406, 407, 409, 500])
def test_a_refusal_is_told_and_kept_away_from(code: int) -> None:
    async def walk() -> None:
        downs: list[str] = []
        waits: list[float] = []

        async def sleep(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) > 1:
                await asyncio.Event().wait()

        async with Alpaca() as server:
            server.data_error = (code, "no")
            where = place("sim", base=server.url)
            feed = Feed(Secret(KEY), Secret(SECRET), TABLE, {"quotes": ["*"]}, lambda event: None, turned=lambda up, why: downs.append(why))
            stream = feed.stream(where, where.feed("iex"), sleep=sleep)
            stream.start()
            async with asyncio.timeout(5):
                while len(waits) < 2:
                    await asyncio.sleep(0.002)
            assert downs == [f"denied {code}: no"] and waits[1] >= WAITS[code] and server.data_connections == 1
            await stream.close()

    asyncio.run(walk())


def test_a_wrong_key_never_gets_in_and_is_not_told() -> None:
    async def walk() -> None:
        downs: list[str] = []
        async with Alpaca() as server:
            where = place("sim", base=server.url)
            key = Secret("PKWRONG-AND-LONG")
            feed = Feed(key, Secret(SECRET), TABLE, {"quotes": ["*"]}, lambda event: None, turned=lambda up, why: downs.append(why))
            stream = feed.stream(where, where.feed("iex"))
            stream.start()
            async with asyncio.timeout(5):
                while not downs:
                    await asyncio.sleep(0.002)
            assert downs == ["denied 402: auth failed"] and server.subscriptions == []
            assert key.reveal() not in repr(feed.odd.kept) + repr(vars(feed))
            await stream.close()

    asyncio.run(walk())
