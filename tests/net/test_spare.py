"""A connection is opened beforehand, so that an order beside a poll under way waits for no handshake; nobody else notices it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from argosy.net.guard import Hosts
from argosy.net.http import Rest
from argosy.net.outcome import Answered, Failed
from tests.net.wild import LOCAL, Raw, answer


class House(Raw):
    """Answers at once, but `/slow` only when it is let; knows how many connections stand."""

    def __init__(self) -> None:
        super().__init__(self._serve)
        self.let = asyncio.Event()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while True:
            if b"/slow" in await self.request(reader):
                await self.let.wait()
            writer.write(answer())


def run(ask: Callable[[Rest, House], Awaitable[None]], **named: Any) -> None:
    async def whole() -> None:
        async with House() as house:
            async with Rest(house.url, LOCAL, **named) as rest:
                await ask(rest, house)
            assert [task for task in asyncio.all_tasks() if "_open" in repr(task.get_coro())] == []

    asyncio.run(whole())


async def until(true: Callable[[], bool]) -> AsyncIterator[None]:
    """Turns of the loop, until it is so."""
    for _ in range(1000):
        if true():
            return
        yield
        await asyncio.sleep(0.001)
    raise AssertionError("it never came")


@pytest.mark.parametrize("spare", [True, False])
def test_an_order_beside_a_poll_leaves_at_once(spare: bool) -> None:
    async def ask(rest: Rest, house: House) -> None:
        assert isinstance(await rest.call("GET", "/"), Answered)
        assert house.connections == 1
        poll = asyncio.ensure_future(rest.call("GET", "/slow"))
        async for _ in until(lambda: house.connections == 1 + spare and len(house.heard) == 2):
            pass
        await asyncio.sleep(0.01)  # the second one is ours, too, now
        order = rest.call("POST", "/order", body=b"{}")
        order.send(None)
        assert house.connections == 1 + spare, "nothing was opened for it yet"
        async for _ in until(lambda: len(house.heard) == 3) if spare else _nothing():
            pass
        assert (b"/order" in house.heard[-1]) == spare
        order.close()
        house.let.set()
        assert isinstance(await poll, Answered)

    run(ask, spare=spare)


async def _nothing() -> AsyncIterator[None]:
    return
    yield


def test_one_spare_and_no_more_and_never_beyond_the_limit() -> None:
    async def ask(rest: Rest, house: House) -> None:
        for _ in range(20):
            assert isinstance(await rest.call("GET", "/"), Answered)
        await asyncio.sleep(0.02)
        assert house.connections == 2
        polls = [asyncio.ensure_future(rest.call("GET", "/slow")) for _ in range(3)]
        await asyncio.sleep(0.05)
        assert house.connections == 3, "three under way, and no fourth"
        house.let.set()
        assert all(isinstance(one, Answered) for one in await asyncio.gather(*polls))

    run(ask, spare=True, connections=3)


def test_one_that_cannot_be_opened_is_told_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = Hosts.connect
    begun: list[int] = []

    async def once(self: Hosts, host: str, port: int) -> socket.socket:
        begun.append(1)
        if len(begun) == 2:
            raise ConnectionRefusedError
        return await connect(self, host, port)

    monkeypatch.setattr(Hosts, "connect", once)

    async def ask(rest: Rest, house: House) -> None:
        for _ in range(2):
            assert isinstance(await rest.call("GET", "/"), Answered)
        await asyncio.sleep(0.01)
        assert len(begun) == 2 and house.connections == 1
        assert isinstance(await rest.call("GET", "/"), Answered)
        await asyncio.sleep(0.01)
        assert len(begun) == 3 and house.connections == 2, "it is tried again when it is wanted again"

    run(ask, spare=True)


def test_who_waits_while_the_spare_takes_the_last_place_and_fails_gets_his_own(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = Hosts.connect
    fails = asyncio.Event()
    begun: list[int] = []

    async def second_fails(self: Hosts, host: str, port: int) -> socket.socket:
        begun.append(1)
        if len(begun) == 2:
            await fails.wait()
            raise ConnectionResetError
        return await connect(self, host, port)

    monkeypatch.setattr(Hosts, "connect", second_fails)

    async def ask(rest: Rest, house: House) -> None:
        assert isinstance(await rest.call("GET", "/"), Answered)
        poll = asyncio.ensure_future(rest.call("GET", "/slow"))
        await asyncio.sleep(0.01)
        order = asyncio.ensure_future(rest.call("POST", "/order", body=b"{}"))
        await asyncio.sleep(0.01)
        assert len(begun) == 2, "the spare has the second place"
        fails.set()
        assert isinstance(await asyncio.wait_for(order, 2), Answered)
        house.let.set()
        assert isinstance(await poll, Answered)

    run(ask, spare=True, connections=2)


def test_closing_ends_one_that_is_being_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = Hosts.connect
    begun: list[int] = []

    async def hangs(self: Hosts, host: str, port: int) -> socket.socket:
        begun.append(1)
        if len(begun) == 2:
            await asyncio.Event().wait()
        return await connect(self, host, port)

    monkeypatch.setattr(Hosts, "connect", hangs)

    async def ask(rest: Rest, house: House) -> None:
        for _ in range(2):
            assert isinstance(await rest.call("GET", "/"), Answered)
        await asyncio.sleep(0.01)
        assert len(begun) == 2

    run(ask, spare=True)


def test_a_cancel_leaves_though_every_connection_is_stuck_and_others_wait() -> None:
    """Orders that the host does not answer hold both connections, and more stand in line: the cancels go past them, in their order."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            heard.append(head.split(b" HTTP")[0])
            if head.startswith(b"POST"):
                await let.wait()
            writer.write(answer())

    heard: list[bytes] = []
    let = asyncio.Event()

    async def life() -> None:
        async with Raw(talk) as server, Rest(server.url, LOCAL, connections=2) as rest:
            orders = [asyncio.create_task(rest.call("POST", f"/o{k}", deadline_s=1.0)) for k in range(5)]
            await asyncio.sleep(0.1)
            cancels = [asyncio.create_task(rest.call("DELETE", f"/o{k}", deadline_s=1.0, urgent=True)) for k in range(2)]
            assert all(isinstance(got, Answered) for got in await asyncio.wait_for(asyncio.gather(*cancels), 0.5))
            assert heard[:2] == [b"POST /o0", b"POST /o1"] and sorted(heard[2:]) == [b"DELETE /o0", b"DELETE /o1"]
            assert len(rest._lines._lines) == 2  # what was opened beyond the most carries no order
            got = await asyncio.gather(*orders)
            assert [(one.cause, one.sent) for one in got if isinstance(one, Failed)] == [("DEADLINE", True)] * 2 + [("DEADLINE", False)] * 3
            assert isinstance(await rest.call("DELETE", "/o9", urgent=True), Answered)
            let.set()
            await asyncio.sleep(0.05)

    asyncio.run(life())


def test_who_is_urgent_has_the_next_connection_and_all_who_wait_are_told_of_a_close() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            heard.append(head.split(b" HTTP")[0])
            await asyncio.sleep(0.2)
            writer.write(answer())

    heard: list[bytes] = []

    async def life() -> None:
        async with Raw(talk) as server, Rest(server.url, LOCAL, connections=1) as rest:
            tasks = [asyncio.create_task(rest.call("GET", f"/{k}")) for k in range(3)]
            await asyncio.sleep(0.05)
            tasks += [asyncio.create_task(rest.call("DELETE", f"/{k}", urgent=True)) for k in range(6)]
            await asyncio.gather(*tasks)
            assert heard[0] == b"GET /0" and sorted(heard[1:7]) == [b"DELETE /%d" % k for k in range(6)] and heard[7:] == [b"GET /1", b"GET /2"]
            assert server.connections <= 1 + 4
            waits = [asyncio.create_task(rest.call("GET", "/")) for _ in range(2)]
            waits += [asyncio.create_task(rest.call("DELETE", "/", urgent=True)) for _ in range(8)]
            await asyncio.sleep(0.05)
            await rest.close()
            assert {one.cause for one in await asyncio.gather(*waits) if isinstance(one, Failed)} == {"RESET", "CLOSED"}
            await asyncio.sleep(0.25)

    asyncio.run(life())
