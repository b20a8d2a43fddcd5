"""Each call ends in a typed outcome before its deadline, and says truly whether a byte of it can have left."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from argosy.core.errors import Misconfigured
from argosy.net.breaker import Breaker
from argosy.net.guard import Hosts
from argosy.net.http import Rest
from argosy.net.limits import Budget
from argosy.net.outcome import Answered, Failed
from argosy.net.secret import Secret
from tests.net.wild import LOCAL, Raw, answer, run


async def _fine(server: Raw, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await server.request(reader)
        writer.write(answer(b'{"a":1}', X_RateLimit_Limit=200))


def test_an_answer_has_status_body_and_headers_and_the_connection_is_kept() -> None:
    holder: list[Raw] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await _fine(holder[0], reader, writer)

    async def ask(rest: Rest, server: Raw) -> None:
        holder.append(server)
        for _ in range(3):
            got = await rest.call("POST", "/v2/orders", query="a=1%20b", body=b'{"x":1}')
            assert got == Answered(200, b'{"a":1}', {"content-length": "7", "x-ratelimit-limit": "200"})

    server = run(talk, ask, headers={"K": Secret("hush-hush")})
    assert server.connections == 1
    assert server.heard[0].startswith(b"POST /v2/orders?a=1%20b HTTP/1.1\r\n")
    assert b"K: hush-hush\r\n" in server.heard[0] and server.heard[0].endswith(b'{"x":1}')


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_a_refused_connection_was_surely_not_sent() -> None:
    async def ask() -> None:
        async with Rest(f"http://127.0.0.1:{free_port()}", LOCAL) as rest:
            got = await rest.call("POST", "/", body=b"{}")
            assert isinstance(got, Failed) and (got.cause, got.sent) == ("CONNECT", False)

    asyncio.run(ask())


def test_a_name_that_is_not_found_was_surely_not_sent() -> None:
    async def ask() -> None:
        async with Rest("https://no-such-host.invalid", Hosts(frozenset({"no-such-host.invalid"}))) as rest:
            got = await rest.call("POST", "/", body=b"{}", deadline_s=5)
            assert isinstance(got, Failed) and got.cause in ("DNS", "CONNECT", "DEADLINE") and not got.sent

    asyncio.run(ask())


async def _request(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    if b"Content-Length" in head:
        await reader.readexactly(int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0]))


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (b"", "RESET"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", "BROKEN_REPLY"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "BROKEN_REPLY"),
        (b"what is this\r\n\r\n", "BROKEN_REPLY"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd", "BROKEN_REPLY"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n{", "REPLY_TOO_LARGE"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"800\r\n" + b"x" * 2048 + b"\r\n", "REPLY_TOO_LARGE"),
    ],
)
def test_what_breaks_after_the_request_left_may_have_been_heard(said: bytes, cause: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await _request(reader)
        writer.write(said)
        await writer.drain()

    async def ask(rest: Rest, server: Raw) -> None:
        got = await rest.call("POST", "/", body=b"{}", deadline_s=3)
        assert isinstance(got, Failed), got
        assert (got.cause, got.sent) == (cause, True)

    assert run(talk, ask, largest=1000).connections == 1


def test_a_silent_server_is_left_at_the_deadline() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await asyncio.sleep(2)

    async def ask(rest: Rest, server: Raw) -> None:
        begun = time.monotonic()
        got = await rest.call("POST", "/", body=b"{}", deadline_s=0.1)
        assert got == Failed("DEADLINE", True)
        assert 0.09 < time.monotonic() - begun < 1.0

    run(talk, ask)


def test_a_deadline_while_waiting_for_a_connection_was_surely_not_sent() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await asyncio.sleep(1)

    async def ask(rest: Rest, server: Raw) -> None:
        first = asyncio.ensure_future(rest.call("GET", "/", deadline_s=0.6))
        await asyncio.sleep(0.05)
        assert await rest.call("POST", "/", body=b"{}", deadline_s=0.1) == Failed("DEADLINE", False)  # the pool of one is taken
        assert await first == Failed("DEADLINE", True)

    run(talk, ask, connections=1)


@pytest.mark.parametrize("method", ["POST", "DELETE", "GET", "PATCH"])
def test_nothing_is_sent_twice_when_a_kept_connection_breaks(method: str) -> None:
    count = [0]

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await _request(reader)
        count[0] += 1
        writer.write(answer())
        await _request(reader)
        count[0] += 1  # and hang up without a word

    async def ask(rest: Rest, server: Raw) -> None:
        assert isinstance(await rest.call(method, "/"), Answered)
        got = await rest.call(method, "/", deadline_s=2)
        assert isinstance(got, Failed) and got.sent
        assert count == [2]

    assert run(talk, ask).connections == 1


def test_no_redirect_is_followed() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await _request(reader)
        writer.write(answer(b"", 307, Location="/elsewhere"))

    async def ask(rest: Rest, server: Raw) -> None:
        got = await rest.call("POST", "/", body=b"{}")
        assert isinstance(got, Answered) and got.status == 307

    assert run(talk, ask).connections == 1


def test_the_breaker_spares_a_broken_host_but_lets_a_cancel_through() -> None:
    count = [0]

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while True:
            await _request(reader)
            count[0] += 1
            writer.write(answer(b"", 503))

    async def ask(rest: Rest, server: Raw) -> None:
        for _ in range(5):
            await rest.call("POST", "/", body=b"{}")
        assert await rest.call("POST", "/", body=b"{}") == Failed("CIRCUIT_OPEN", False)
        assert count == [5]
        got = await rest.call("DELETE", "/", urgent=True)
        assert isinstance(got, Answered) and count == [6]

    run(talk, ask, breaker=Breaker())


def test_what_is_kept_back_on_this_side_is_no_failure_of_the_host() -> None:
    """Many requests that an arming's end or their own words keep back do not shut the way for an exit."""
    now = [5]
    breaker = Breaker()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await _request(reader)
        writer.write(answer())

    async def whole() -> None:
        async with Raw(talk) as server, Rest(server.url, Hosts(loopback=True, until_ns=100, clock=lambda: now[0]), breaker=breaker) as rest:
            assert await rest.call("GET", "/a b") == Failed("REQUEST_INVALID", False, "a path, a query and a method are visible ASCII")
            now[0] = 100
            for _ in range(8):
                got = await rest.call("POST", "/", body=b"{}")
                assert isinstance(got, Failed) and (got.cause, got.sent) == ("ARMING_ENDED", False)
            assert breaker.closed
            async with Rest(server.url, Hosts(loopback=True), breaker=breaker) as after:
                assert isinstance(await after.call("POST", "/", body=b"{}"), Answered)

    asyncio.run(whole())


def test_who_gives_up_keeps_neither_a_place_in_the_budget_nor_the_trial_of_the_fuse() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await _request(reader)
        await reader.read()

    async def ask(rest: Rest, server: Raw) -> None:
        assert await rest.call("GET", "/", deadline_s=0.05) == Failed("DEADLINE", True)
        assert await rest.call("GET", "/", deadline_s=0.05) == Failed("CIRCUIT_OPEN", False)
        await asyncio.sleep(0.06)
        trial = asyncio.create_task(rest.call("GET", "/", deadline_s=5))
        await asyncio.sleep(0.02)
        trial.cancel()
        with pytest.raises(asyncio.CancelledError):
            await trial
        assert await rest.call("GET", "/", deadline_s=0.05) == Failed("DEADLINE", True)  # the next one is the trial
        assert rest.budget is not None and rest.budget._flying == 0

    run(talk, ask, breaker=Breaker(failures=1, open_s=0.05), budget=Budget(time.monotonic, time.time))


def test_after_a_429_nothing_goes_out_until_the_reset_but_reserved_cancels() -> None:
    seen: list[tuple[bytes, float]] = []
    until = [0.0]

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            now = time.time()
            seen.append((head.split(b" ")[0], now))
            if now < until[0]:
                writer.write(answer(b"", 429, X_RateLimit_Limit=10, X_RateLimit_Remaining=0, X_RateLimit_Reset=int(until[0])))
            else:
                writer.write(answer(b"", 200, X_RateLimit_Limit=10, X_RateLimit_Remaining=9, X_RateLimit_Reset=int(now) + 60))

    async def ask(rest: Rest, server: Raw) -> None:
        until[0] = float(int(time.time()) + 2)
        first = await rest.call("GET", "/")
        assert isinstance(first, Answered) and first.status == 429
        assert await rest.call("GET", "/", deadline_s=0.2) == Failed("RATE_LIMIT", False)
        cancels = [await rest.call("DELETE", "/", urgent=True, deadline_s=0.2) for _ in range(4)]
        assert [isinstance(one, Answered) for one in cancels] == [True, True, False, False]  # the reserve of ten is two
        got = await rest.call("GET", "/", deadline_s=4)
        assert isinstance(got, Answered) and got.status == 200

    run(talk, ask, budget=Budget(time.monotonic, time.time, per_minute=10))
    early = [method for method, when in seen[1:] if when < until[0] - 0.05]
    assert early == [b"DELETE", b"DELETE"]


def test_a_host_that_is_not_let_out_is_refused_before_anything() -> None:
    with pytest.raises(Misconfigured, match="HOST_FORBIDDEN"):
        Rest("https://api.alpaca.markets", LOCAL)
