"""The client on raw sockets: what is kept, what is dropped, in which order requests leave, and that one may leave at once."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from argosy import __version__
from argosy.core.errors import Misconfigured
from argosy.net import lines as pools
from argosy.net.guard import Hosts
from argosy.net.http import Rest
from argosy.net.limits import Budget
from argosy.net.outcome import Answered, Failed
from argosy.net.secret import Secret
from tests.net.wild import LOCAL, Raw, Talk, answer, run

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


def says(*replies: bytes) -> Talk:
    """Answers the n-th request of a connection with the n-th of these, then hangs up."""

    async def talk(reader: Reader, writer: Writer, number: int) -> None:
        for said in replies:
            await request(reader)
            writer.write(said)
        await writer.drain()

    return talk


async def request(reader: Reader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0)
    return head + await reader.readexactly(length)


# -- what is said -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "query", "body", "wanted"),
    [
        ("GET", "", b"", b"GET /v2/x HTTP/1.1\r\n%bAccept-Encoding: gzip\r\n\r\n"),
        ("GET", "a=1", b"", b"GET /v2/x?a=1 HTTP/1.1\r\n%bAccept-Encoding: gzip\r\n\r\n"),
        ("DELETE", "", b"", b"DELETE /v2/x HTTP/1.1\r\n%bAccept-Encoding: identity\r\n\r\n"),
        ("POST", "", b"", b"POST /v2/x HTTP/1.1\r\n%bAccept-Encoding: identity\r\nContent-Length: 0\r\n\r\n"),
        ("POST", "", b'{"a":1}', b'POST /v2/x HTTP/1.1\r\n%bAccept-Encoding: identity\r\nContent-Length: 7\r\n\r\n{"a":1}'),
    ],
)
def test_a_request_to_the_letter(method: str, query: str, body: bytes, wanted: bytes) -> None:
    async def talk(reader: Reader, writer: Writer, number: int) -> None:
        for _ in range(2):  # said anew, and as it was remembered
            heard.append(await request(reader))
            writer.write(answer())

    heard: list[bytes] = []

    async def ask(rest: Rest, server: Raw) -> None:
        for _ in range(2):
            assert isinstance(await rest.call(method, "/v2/x", query=query, body=body), Answered)
        common = f"Host: 127.0.0.1:{server.port}\r\nUser-Agent: argosy/{__version__}\r\nContent-Type: application/json\r\n"
        common += "Accept: application/json\r\nK: hush\r\n"
        assert heard == [wanted % common.encode()] * 2

    run(talk, ask, headers={"Accept": "application/json", "K": Secret("hush")})


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("GET", "/a b", ""), ("GET", "/a\r\nX: y", ""), ("GET", "/", "a=\n"), ("GET", "", ""), ("GET", "x", ""), ("GET", "/ä", ""), ("get", "/", ""),
        ("GET / HTTP/1.1\r\nX:", "/", ""), ("GET", "/a\x7f", ""),
    ],
)  # fmt: skip
def test_what_no_request_can_say_is_not_said(method: str, path: str, query: str) -> None:
    async def ask(rest: Rest, server: Raw) -> None:
        got = await rest.call(method, path, query=query)
        assert isinstance(got, Failed) and (got.cause, got.sent) == ("REQUEST_INVALID", False)
        assert server.connections == 0

    run(says(answer()), ask)


@pytest.mark.parametrize("headers", [{"K": "a\r\nX: y"}, {"K": Secret("a\nb")}, {"a b": "c"}, {"K": "☃"}])
def test_a_key_with_a_line_break_is_refused_and_not_shown(headers: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured, match="NET_HEADERS") as caught:
        Rest("http://127.0.0.1:1", LOCAL, headers=headers)
    assert "a\nb" not in str(caught.value)


# -- what is kept -------------------------------------------------------------------------------------------------------------


def test_a_reply_with_something_after_it_counts_and_its_connection_does_not() -> None:
    async def ask(rest: Rest, server: Raw) -> None:
        for n in (1, 2):
            got = await rest.call("GET", "/", deadline_s=3)
            assert isinstance(got, Answered) and got.body == b"{}"
            assert server.connections == n

    run(says(answer() + answer(b"of another")), ask)


def test_what_is_said_unasked_is_never_taken_for_an_answer() -> None:
    async def talk(reader: Reader, writer: Writer, number: int) -> None:
        await request(reader)
        writer.write(answer(b"%d" % number))
        await asyncio.sleep(0.02)
        writer.write(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        await reader.read()

    async def ask(rest: Rest, server: Raw) -> None:
        for n in range(2):
            got = await rest.call("GET", "/", deadline_s=3)
            assert isinstance(got, Answered) and got.body == b"%d" % n
            await asyncio.sleep(0.05)

    assert run(talk, ask).connections == 2


def test_the_reply_to_a_request_that_was_given_up_is_not_the_next_ones() -> None:
    async def talk(reader: Reader, writer: Writer, number: int) -> None:
        await request(reader)
        await asyncio.sleep(0.15 if number == 0 else 0.0)
        writer.write(answer(b"%d" % number))
        await reader.read()

    async def ask(rest: Rest, server: Raw) -> None:
        assert await rest.call("POST", "/", body=b"{}", deadline_s=0.1) == Failed("DEADLINE", True)
        await asyncio.sleep(0.1)
        got = await rest.call("GET", "/", deadline_s=3)
        assert isinstance(got, Answered) and got.body == b"1"

    assert run(talk, ask).connections == 2


def test_who_is_cancelled_leaves_no_connection_behind() -> None:
    async def talk(reader: Reader, writer: Writer, number: int) -> None:
        await request(reader)
        ended.append(await reader.read())

    ended: list[bytes] = []

    async def ask(rest: Rest, server: Raw) -> None:
        task = asyncio.ensure_future(rest.call("POST", "/", body=b"{}"))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.05)
        assert ended == [b""] and not rest._lines._lines

    run(talk, ask)


def test_an_idle_connection_is_closed_in_time_and_a_fresh_one_opened() -> None:
    async def talk(reader: Reader, writer: Writer, number: int) -> None:
        while True:
            await request(reader)
            writer.write(answer())

    async def ask(rest: Rest, server: Raw) -> None:
        for wait, connections in ((0.0, 1), (0.05, 1), (0.4, 1), (0.0, 2)):
            assert isinstance(await rest.call("GET", "/", deadline_s=0.3), Answered)
            assert server.connections == connections
            await asyncio.sleep(wait)
        await asyncio.sleep(0.3)
        assert not rest._lines._lines

    run(talk, ask, keepalive_s=0.2)


def test_each_request_on_a_kept_connection_has_its_own_deadline() -> None:
    async def talk(reader: Reader, writer: Writer, number: int) -> None:
        for wait in (0.0, 0.3, 5.0):
            await request(reader)
            await asyncio.sleep(wait)
            writer.write(answer())

    async def ask(rest: Rest, server: Raw) -> None:
        assert isinstance(await rest.call("GET", "/", deadline_s=0.1), Answered)
        assert isinstance(await rest.call("GET", "/", deadline_s=3), Answered)  # the alarm of the one before rings, and means nothing
        begun = time.monotonic()
        assert await rest.call("GET", "/", deadline_s=0.1) == Failed("DEADLINE", True)
        assert 0.09 < time.monotonic() - begun < 1.0

    assert run(talk, ask).connections == 1


def test_a_connection_that_the_other_side_closes_while_idle_is_not_used() -> None:
    async def ask(rest: Rest, server: Raw) -> None:
        for n in (1, 2, 3):
            assert isinstance(await rest.call("POST", "/", body=b"{}"), Answered)
            assert server.connections == n
            await asyncio.sleep(0.05)

    run(says(answer()), ask)


def test_one_that_is_closed_just_as_we_write_may_have_heard_us() -> None:
    """The other side's end lies unread in our socket while we write: nobody knows whether it took the request before."""

    async def ask(rest: Rest, server: Raw) -> None:
        assert isinstance(await rest.call("GET", "/"), Answered)
        server.shut()
        time.sleep(0.02)  # the loop must not see the end before the request is written
        got = await rest.call("POST", "/", body=b"{}", deadline_s=2)
        assert isinstance(got, Failed) and (got.cause, got.sent) == ("RESET", True)

    run_closing(ask)


def run_closing(ask: Callable[[Rest, Any], Awaitable[None]]) -> None:
    class Server:
        def __init__(self) -> None:
            self.listener = socket.create_server(("127.0.0.1", 0))
            self.made: socket.socket | None = None

        def serve(self) -> None:
            self.made, _ = self.listener.accept()
            self.made.recv(1 << 16)
            self.made.sendall(answer())

        def shut(self) -> None:
            assert self.made is not None
            self.made.close()

    async def whole() -> None:
        server = Server()
        served = asyncio.ensure_future(asyncio.to_thread(server.serve))
        async with Rest(f"http://127.0.0.1:{server.listener.getsockname()[1]}", LOCAL) as rest:
            await ask(rest, server)
        await served
        server.listener.close()

    asyncio.run(whole())


# -- in which order, and at once ----------------------------------------------------------------------------------------------


def test_who_waits_for_a_connection_gets_it_in_turn() -> None:
    async def talk(reader: Reader, writer: Writer, number: int) -> None:
        while True:
            heard.append((await request(reader)).split(b" ")[1])
            await asyncio.sleep(0.01)
            writer.write(answer())

    heard: list[bytes] = []

    async def ask(rest: Rest, server: Raw) -> None:
        got = await asyncio.gather(*(rest.call("POST", f"/{n}", body=b"{}", deadline_s=3) for n in range(6)))
        assert all(isinstance(one, Answered) for one in got)
        assert heard == [b"/%d" % n for n in range(6)]

    assert run(talk, ask, connections=1).connections == 1


def test_requests_leave_in_the_order_of_asking_though_connections_open_in_another(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[bytes] = []

    async def talk(reader: Reader, writer: Writer, number: int) -> None:
        heard.append((await request(reader)).split(b" ")[1])
        await asyncio.sleep(0.5)
        writer.write(answer())

    waits = iter((0.06, 0.03, 0.0))

    async def slowly(self: Hosts, host: str, port: int) -> socket.socket:
        await asyncio.sleep(next(waits))
        return await connect(self, host, port)

    connect = Hosts.connect
    monkeypatch.setattr(Hosts, "connect", slowly)

    async def ask(rest: Rest, server: Raw) -> None:
        await asyncio.gather(*(rest.call("POST", f"/{n}", body=b"{}", deadline_s=3) for n in range(3)))
        assert heard == [b"/0", b"/1", b"/2"]

    run(talk, ask)


def test_where_one_connection_cannot_be_had_who_came_first_gets_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = [0]

    async def one_fails(self: Hosts, host: str, port: int) -> socket.socket:
        tried[0] += 1
        if tried[0] == 1:
            raise ConnectionRefusedError
        return await connect(self, host, port)

    connect = Hosts.connect
    monkeypatch.setattr(Hosts, "connect", one_fails)

    async def ask(rest: Rest, server: Raw) -> None:
        first, second = await asyncio.gather(*(rest.call("POST", "/", body=b"{}", deadline_s=3) for _ in range(2)))
        assert isinstance(first, Answered)
        assert isinstance(second, Failed) and (second.cause, second.sent) == ("CONNECT", False)

    run(says(answer()), ask)


def test_a_connection_that_breaks_makes_room_for_who_waits() -> None:
    async def talk(reader: Reader, writer: Writer, number: int) -> None:
        await request(reader)
        if number:
            writer.write(answer())

    async def ask(rest: Rest, server: Raw) -> None:
        first, second = await asyncio.gather(*(rest.call("POST", "/", body=b"{}", deadline_s=3) for _ in range(2)))
        assert isinstance(first, Failed) and (first.cause, first.sent) == ("RESET", True)
        assert isinstance(second, Answered)

    assert run(talk, ask, connections=1).connections == 2


def test_an_opening_that_nobody_waits_for_any_more_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []

    async def hangs_once(self: Hosts, host: str, port: int) -> socket.socket:
        begun.append(1)
        if len(begun) == 1:
            await asyncio.Event().wait()
        return await connect(self, host, port)

    connect = Hosts.connect
    monkeypatch.setattr(Hosts, "connect", hangs_once)

    async def ask(rest: Rest, server: Raw) -> None:
        assert await rest.call("GET", "/", deadline_s=0.05) == Failed("DEADLINE", False)
        assert isinstance(await rest.call("GET", "/", deadline_s=2), Answered)

    run(says(answer()), ask, connections=1)


def test_a_host_that_never_lets_in_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "OPEN_S", 0.05)

    async def never(self: Hosts, host: str, port: int) -> socket.socket:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(Hosts, "connect", never)

    async def ask(rest: Rest, server: Raw) -> None:
        got = await rest.call("GET", "/", deadline_s=2)
        assert got == Failed("CONNECT", False, "TimeoutError")

    run(says(), ask)


def test_who_is_cancelled_with_a_connection_in_hand_gives_it_to_the_next() -> None:
    async def talk(reader: Reader, writer: Writer, number: int) -> None:
        while True:
            heard.append((await request(reader)).split(b" ")[1])
            await asyncio.sleep(0.05)
            writer.write(answer())

    heard: list[bytes] = []

    async def ask(rest: Rest, server: Raw) -> None:
        pool = rest._lines
        first = asyncio.ensure_future(rest.call("GET", "/1"))
        await asyncio.sleep(0.02)
        second, third = asyncio.ensure_future(rest.call("GET", "/2")), asyncio.ensure_future(rest.call("GET", "/3"))
        await asyncio.sleep(0)
        given = pool.put

        def put(line: pools.Line) -> None:
            given(line)
            second.cancel()  # it has its turn, and does not know it yet
            pool.put = given  # type: ignore[method-assign]

        pool.put = put  # type: ignore[method-assign]
        await first
        assert isinstance(await third, Answered) and second.cancelled()
        assert heard == [b"/1", b"/3"]

    assert run(talk, ask, connections=1).connections == 1


def test_an_arming_that_ends_while_a_connection_is_waited_for_lets_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [5]
    door = Hosts(loopback=True, until_ns=100, clock=lambda: now[0])

    async def slowly(self: Hosts, host: str, port: int) -> socket.socket:
        made = await connect(self, host, port)
        now[0] = 100
        return made

    connect = Hosts.connect
    monkeypatch.setattr(Hosts, "connect", slowly)

    async def whole() -> None:
        heard: list[bytes] = []

        async def talk(reader: Reader, writer: Writer, number: int) -> None:
            heard.append(await reader.read(10))

        async with Raw(talk) as server:
            async with Rest(server.url, door) as rest:
                got = await rest.call("POST", "/", body=b"{}", deadline_s=2)
                assert isinstance(got, Failed) and (got.cause, got.sent) == ("ARMING_ENDED", False)
                assert len(rest._lines._idle) == 1  # the connection is as good as before
                now[0] = 5
            await asyncio.sleep(0.01)
            assert heard == [b""]

    asyncio.run(whole())


def _forever(*replies: bytes) -> Talk:
    async def talk(reader: Reader, writer: Writer, number: int) -> None:
        while True:
            await request(reader)
            writer.write(answer(b"%d" % number))

    return talk


def test_a_connection_that_is_being_closed_is_neither_used_nor_kept() -> None:
    async def ask(rest: Rest, server: Raw) -> None:
        assert isinstance(await rest.call("GET", "/"), Answered)
        (line,) = rest._lines._idle
        line._transport.close()  # type: ignore[union-attr]
        got = await rest.call("GET", "/")
        assert isinstance(got, Answered) and got.body == b"1"
        (other,) = rest._lines._idle
        rest._lines._idle.clear()
        other._transport.close()  # type: ignore[union-attr]
        rest._lines.put(other)
        assert not rest._lines._idle and not other.open

    run(_forever(), ask)


def test_a_connection_that_breaks_between_its_turn_and_its_use_was_surely_not_written_to() -> None:
    async def ask(rest: Rest, server: Raw) -> None:
        put = rest._lines.put

        def broken(line: pools.Line) -> None:
            put(line)
            line.drop()
            rest._lines.put = put  # type: ignore[method-assign]

        rest._lines.put = broken  # type: ignore[method-assign]
        got = await rest.call("POST", "/", body=b"{}")
        assert isinstance(got, Failed) and (got.cause, got.sent) == ("RESET", False)
        assert isinstance(await rest.call("POST", "/", body=b"{}"), Answered)

    run(_forever(), ask)


def test_a_reply_in_the_very_turn_in_which_its_asker_gives_up_is_nobodys() -> None:
    async def ask(rest: Rest, server: Raw) -> None:
        assert isinstance(await rest.call("GET", "/"), Answered)
        (line,) = rest._lines._idle
        task = asyncio.ensure_future(rest.call("GET", "/"))
        await asyncio.sleep(0)
        task.cancel()
        line.data_received(answer(b"late"))
        with pytest.raises(asyncio.CancelledError):
            await task
        again = await rest.call("GET", "/")
        assert isinstance(again, Answered) and again.body == b"1"

    assert run(_forever(), ask).connections == 2


def test_who_has_just_given_up_waiting_is_passed_over() -> None:
    async def ask(rest: Rest, server: Raw) -> None:
        pool = rest._lines
        assert isinstance(await rest.call("GET", "/"), Answered)
        line = pool.take()
        gone: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        gone.set_result(Failed("DEADLINE", False))
        pool._waiting.append(gone)
        assert line is not None
        pool.put(line)
        assert pool.take() is line and line.open and not pool._waiting
        pools._late(gone)
        line.drop()

    run(_forever(), ask)


def test_closing_says_so_to_who_waits_and_who_is_under_way() -> None:
    async def talk(reader: Reader, writer: Writer, number: int) -> None:
        await reader.read()

    async def ask(rest: Rest, server: Raw) -> None:
        calls = [asyncio.ensure_future(rest.call("POST", "/", body=b"{}")) for _ in range(2)]
        await asyncio.sleep(0.05)
        await rest.close()
        first, second = await asyncio.gather(*calls)
        assert isinstance(first, Failed) and (first.cause, first.sent) == ("RESET", True)
        assert second == Failed("CLOSED", False)

    run(talk, ask, connections=1)


def test_closing_ends_an_opening(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(self: Hosts, host: str, port: int) -> socket.socket:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(Hosts, "connect", never)

    async def ask(rest: Rest, server: Raw) -> None:
        call = asyncio.ensure_future(rest.call("POST", "/", body=b"{}"))
        await asyncio.sleep(0.02)
        await rest.close()
        assert await call == Failed("CLOSED", False)

    run(says(), ask)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_with_an_idle_connection_the_bytes_have_left_when_the_first_step_returns(loop: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    async def whole() -> None:
        budget = Budget(time.monotonic, time.time)
        async with Rest(f"http://127.0.0.1:{listener.getsockname()[1]}", LOCAL, budget=budget) as rest:
            first = asyncio.ensure_future(rest.call("GET", "/"))
            made, _ = await asyncio.to_thread(listener.accept)
            with made:
                await asyncio.to_thread(made.recv, 4096)
                made.sendall(answer())
                await first
                made.setblocking(False)
                call = rest.call("POST", "/v2/orders", body=b'{"x":1}')
                waits = call.send(None)  # no turn of the loop lies between
                assert made.recv(4096).endswith(b'\r\n\r\n{"x":1}')
                made.sendall(answer(b"done"))
                while not waits.done():
                    await asyncio.sleep(0.001)
                with pytest.raises(StopIteration) as end:
                    call.send(None)
                assert end.value.value.body == b"done"

    if loop == "uvloop":
        import uvloop

        uvloop.run(whole())
    else:
        asyncio.run(whole())
    listener.close()
