"""Each mode leads to its own hosts, and live to none without the proof of arming."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from argosy.core.errors import ArgosyError, Misconfigured
from argosy.net.guard import _MINT, Armed, Hosts
from argosy.net.http import Rest
from argosy.net.outcome import Answered, Failed
from argosy.net.secret import Secret
from argosy.venues.alpaca.client import Client, connect
from argosy.venues.alpaca.history import History
from argosy.venues.alpaca.leaving import Ending
from argosy.venues.alpaca.modes import check_key, place
from tests.net.wild import Raw, answer

PROOF = Armed(_MINT, account="123", venue="alpaca", until_ns=100, record="h")


def test_paper_leads_to_paper_alone() -> None:
    where = place("paper")
    assert (where.trading, where.account) == ("https://paper-api.alpaca.markets", "wss://paper-api.alpaca.markets/stream")
    where.hosts.check(where.trading)
    where.data_hosts.check(where.feed("sip"))
    where.data_hosts.check(where.news)
    for url in ("https://api.alpaca.markets", where.data, "http://127.0.0.1"):
        with pytest.raises(Misconfigured):
            where.hosts.check(url)
    with pytest.raises(Misconfigured):
        where.data_hosts.check(where.trading)  # an order cannot go out by the door of the data


@pytest.mark.parametrize(
    ("mode", "named"),
    [
        ("sim", {"base": "https://api.alpaca.markets"}),
        ("sim", {"base": "https://paper-api.alpaca.markets"}),
        ("sim", {}),
        ("sim", {"base": "http://127.0.0.1:80/v2"}),
        ("paper", {"base": "https://api.alpaca.markets"}),
        ("paper", {"base": "http://127.0.0.1:1"}),
        ("live", {}),
        ("live", {"armed": None}),
        ("live", {"armed": PROOF, "clock": lambda: 100}),
        ("live", {"armed": Armed(_MINT, account="1", venue="kraken", until_ns=100, record=""), "clock": lambda: 5}),
        ("live", {"armed": PROOF, "clock": lambda: 5, "base": "https://paper-api.alpaca.markets"}),
        ("backtest", {}),
    ],
)
def test_no_other_way_is_open(mode: Any, named: dict[str, Any]) -> None:
    with pytest.raises(ArgosyError) as caught:
        place(mode, **named)
    assert caught.value.code in ("HOST_FORBIDDEN", "NOT_ARMED", "MODE")


def test_an_armed_live_client_stops_sending_when_the_arming_ends() -> None:
    now = [5]
    where = place("live", armed=PROOF, clock=lambda: now[0])
    where.hosts.check("https://api.alpaca.markets/v2/orders")
    client = connect(where, Secret("AK1"), Secret("s"))
    now[0] = 100

    async def ask() -> None:
        reply = await client.submit(b"{}", "TEST4", deadline_s=1)
        assert (reply.code, reply.text) == ("NOT_SENT", "ARMING_ENDED")
        await client.close()

    asyncio.run(ask())


def test_a_key_of_the_other_environment_is_refused() -> None:
    check_key("paper", Secret("PKABC"))
    check_key("live", Secret("AKABC"))
    check_key("sim", Secret("AKABC"))
    for mode, key in (("paper", "AKABCDEF"), ("live", "PKABCDEF")):
        with pytest.raises(Misconfigured) as caught:
            check_key(mode, Secret(key))
        assert caught.value.code == "KEY_MODE" and key not in str(caught.value)


# -- reads --------------------------------------------------------------------------------------------------------------------


def read_from(replies: list[bytes], ask: Any) -> list[bytes]:
    """Run against a server that gives these replies one after another; the requests it heard."""

    async def whole() -> list[bytes]:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
            while replies:
                await server.request(reader)
                writer.write(replies.pop(0))

        async with Raw(talk) as server:
            client = connect(place("sim", base=server.url), Secret("k"), Secret("s"))
            await ask(client)
            await client.close()
            return server.heard

    return asyncio.run(whole())


def test_only_a_null_token_ends_the_pages() -> None:
    pages = [
        b'{"bars":{"A":[{"o":1}]},"next_page_token":"x1"}',
        b'{"bars":{},"next_page_token":"x2"}',
        b'{"bars":{"A":[{"o":2}],"B":[{"o":3}]},"next_page_token":null}',
    ]

    async def ask(client: Client) -> None:
        got = await History(client).all("bars", ["A", "B"], "2026-01-01")
        assert got.value == {"A": [{"o": 1}, {"o": 2}], "B": [{"o": 3}]}

    heard = read_from([answer(page) for page in pages], ask)
    assert [b"page_token=x1" in heard[1], b"page_token=x2" in heard[2], b"page_token" in heard[0]] == [True, True, False]


def test_a_page_that_cannot_be_had_is_not_an_end() -> None:
    async def ask(client: Client) -> None:
        got = await History(client).all("bars", ["A"], "2026-01-01", deadline_s=0.5)
        assert got.cause.startswith("HTTP_500") or got.cause == "CIRCUIT_OPEN"

    read_from([answer(b'{"bars":{"A":[{"o":1}]},"next_page_token":"x1"}'), *[answer(b"", 500)] * 9], ask)


def test_a_token_that_comes_again_is_no_endless_read() -> None:
    async def ask(client: Client) -> None:
        got = await History(client).all("trades", ["A"], "2026-01-01")
        assert got.cause == "BROKEN_REPLY"

    read_from([answer(b'{"trades":{},"next_page_token":"x1"}')] * 3, ask)


def test_a_busy_read_is_asked_again_until_it_answers() -> None:
    async def ask(client: Client) -> None:
        client._chance = lambda: 0.1
        got = await client.clock()
        assert got.value.is_open is True

    assert (
        len(read_from([answer(b"", 503), answer(b"garbage"), answer(b'{"is_open":true,"timestamp":"2026-11-20T10:00:00-05:00"}')], ask))
        == 3
    )


def test_a_refused_read_is_not_asked_again() -> None:
    async def ask(client: Client) -> None:
        got = await client.account()
        assert (got.code, got.text, got.status) == ("HTTP_401", "unauthorized.", 401)

    assert len(read_from([answer(b'{"message":"unauthorized."}', 401)], ask)) == 1


def test_open_orders_beyond_a_page_are_read_with_none_lost_at_the_seam() -> None:
    """Five hundred to a page, and three of the same microsecond lie across the seam."""
    rows = [{"id": f"o{k}", "submitted_at": f"2026-11-20T15:00:{min(k, 499) // 10:02d}.{min(k, 499) % 10}Z"} for k in range(503)]
    import json

    async def ask(client: Client) -> None:
        got = await client.orders()
        assert [row.id for row in got.value] == [row["id"] for row in rows]

    heard = read_from([answer(json.dumps(rows[:500]).encode()), answer(json.dumps(rows[495:]).encode())], ask)
    assert b"after=2026-11-20T15%3A00%3A49.899999Z" in heard[1]


def test_an_exit_that_the_end_of_the_arming_meets_while_it_waits_goes_out_by_the_other_way_and_an_entry_does_not() -> None:
    """One connection, and somebody has it; the arming ends before the others have their turn."""
    now, heard = [5], []
    held = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            heard.append(await reader.readexactly(length))
            await held.wait()
            writer.write(answer())

    async def life() -> None:
        async with Raw(talk) as server:
            hosts = Hosts(loopback=True, until_ns=100, clock=lambda: now[0])
            door = Ending(Rest(server.url, hosts, connections=1), Rest(server.url, Hosts(loopback=True)), lambda: now[0] >= 100)
            first = asyncio.create_task(door.call("GET", "/v2/clock"))
            await asyncio.sleep(0.05)
            waiting = [asyncio.create_task(door.call("POST", "/v2/orders", body=body)) for body in (ENTRY, EXIT)]
            await asyncio.sleep(0.05)
            now[0] = 100
            held.set()
            entry, exit_ = await asyncio.gather(*waiting)
            assert entry == Failed("ARMING_ENDED", False, "only orders that close go out now")
            assert isinstance(exit_, Answered) and heard == [b"", EXIT]
            await first
            await door.close()

    asyncio.run(life())


ENTRY = b'{"symbol":"A","qty":"1","side":"sell","type":"market"}'
EXIT = b'{"symbol":"A","qty":"1","side":"sell","type":"market","position_intent":"sell_to_close"}'
