"""The last door: what is not on the list has no socket, however it is spelt."""

from __future__ import annotations

import asyncio
import socket

import pytest

from argosy.core.errors import ArgosyError, Misconfigured, Rejected
from argosy.net.guard import Hosts, is_loopback

LOCAL = Hosts(loopback=True)
PAPER = Hosts(frozenset({"paper-api.alpaca.markets"}))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "ws://127.8.9.1:1/x", "http://[::1]:80", "http://localhost:99/y", "https://127.0.0.1"]
)
def test_this_machine_is_let_in(url: str) -> None:
    LOCAL.check(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.alpaca.markets", "http://10.0.0.1", "http://0.0.0.0:80", "http://127.0.0.1.evil.com", "http://localhost.evil.com",
        "http://127.0.0.1@evil.com/", "http://user:x@127.0.0.1/", "file:///etc/passwd", "http://2130706433/", "http://[::ffff:8.8.8.8]/", "", "//x",
    ],
)  # fmt: skip
def test_another_machine_is_not(url: str) -> None:
    with pytest.raises(Misconfigured, match="HOST_FORBIDDEN"):
        LOCAL.check(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://paper-api.alpaca.markets", "https://api.alpaca.markets", "https://paper-api.alpaca.markets:8443", "https://127.0.0.1",
        "https://paper-api.alpaca.markets.evil.com", "https://x@paper-api.alpaca.markets", "ws://paper-api.alpaca.markets/stream",
    ],
)  # fmt: skip
def test_a_named_host_is_exact_and_over_tls(url: str) -> None:
    PAPER.check("https://paper-api.alpaca.markets/v2")
    PAPER.check("wss://PAPER-API.alpaca.markets/stream")
    with pytest.raises(Misconfigured, match="HOST_FORBIDDEN"):
        PAPER.check(url)


def test_an_address_is_checked_again_where_the_socket_is_made() -> None:
    """A name may resolve to anything: localhost to another machine, by a file or a resolver."""
    good = LOCAL.opened((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 1)))
    assert good.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    good.close()
    with pytest.raises(Misconfigured, match="HOST_FORBIDDEN"):
        LOCAL.opened((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 443)))


@pytest.mark.parametrize("by", ["rest", "picows", "aiohttp"])
def test_no_way_leads_out_where_localhost_is_another_machine(by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from argosy.net.http import Rest
    from argosy.net.link import open_link

    async def elsewhere(self: object, host: str, port: int, **named: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("203.0.113.7", port))]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", elsewhere)

    class Ear:
        def heard(self, message: bytes) -> None: ...

    async def ask() -> None:
        if by == "rest":
            async with Rest("http://localhost:81", LOCAL) as rest:
                got = await rest.call("GET", "/", deadline_s=2)
                assert (got.cause, got.sent) == ("HOST_FORBIDDEN", False)
        else:
            with pytest.raises(ArgosyError, match="HOST_FORBIDDEN"):
                await open_link("ws://localhost:81/", LOCAL, Ear(), open_s=2, by=by)

    asyncio.run(ask())


def test_an_arming_ends() -> None:
    now = [10]
    hosts = Hosts(frozenset({"api.alpaca.markets"}), until_ns=20, clock=lambda: now[0])
    hosts.check("https://api.alpaca.markets")
    now[0] = 20
    with pytest.raises(Rejected, match="ARMING_ENDED"):
        hosts.check("https://api.alpaca.markets")


@pytest.mark.parametrize(("names", "loopback"), [(frozenset(), False), (frozenset({"a"}), True)])
def test_a_door_is_one_or_the_other(names: frozenset[str], loopback: bool) -> None:
    with pytest.raises(Misconfigured, match="HOSTS"):
        Hosts(names, loopback=loopback)


def test_names_are_no_addresses() -> None:
    assert is_loopback("127.0.0.1") and is_loopback("::1") and not is_loopback("localhost") and not is_loopback("")


def address(port: int, host: str = "127.0.0.1") -> tuple[object, ...]:
    return (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))


@pytest.mark.parametrize("case", ["refused first", "silent first", "all refused", "two answer", "cancelled"])
def test_each_address_of_a_host_is_tried_and_no_socket_is_left(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argosy.net.guard.STAGGER_S", 0.05)
    made: list[socket.socket] = []
    opened = LOCAL.opened
    monkeypatch.setattr(LOCAL, "opened", lambda one: made.append(opened(one)) or made[-1])

    async def ask() -> None:
        loop = asyncio.get_running_loop()
        connect = loop.sock_connect

        async def connects(one: socket.socket, where: tuple[str, int]) -> None:
            if where[1] == 1:
                raise ConnectionRefusedError
            if where[1] == 2:
                await asyncio.Event().wait()
            if case == "two answer":
                await asyncio.sleep(0.08 if where[0] == "127.0.0.1" else 0.03)
            await connect(one, where)

        monkeypatch.setattr(loop, "sock_connect", connects)
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.2", server.getsockname()[1])):
            port = server.getsockname()[1]
            found = {
                "refused first": [address(1), address(port)], "silent first": [address(2), address(port)], "all refused": [address(1)] * 2,
                "two answer": [address(port), address(port, "127.0.0.2")], "cancelled": [address(2), address(2)],
            }[case]  # fmt: skip

            async def resolved(host: str, port: int, **named: object) -> list[object]:
                return list(found)

            monkeypatch.setattr(loop, "getaddrinfo", resolved)
            if case == "all refused":
                with pytest.raises(ConnectionRefusedError):
                    await LOCAL.connect("localhost", port)
            elif case == "cancelled":
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(LOCAL.connect("localhost", port), 0.1)
            else:
                with await asyncio.wait_for(LOCAL.connect("localhost", port), 2) as one:
                    assert one.getpeername() == (("127.0.0.1", port) if case != "two answer" else one.getpeername())
                    await asyncio.sleep(0.01)
                    assert [other.fileno() for other in made if other is not one] == [-1] * (len(made) - 1)
        await asyncio.sleep(0.01)
        assert len(made) == 2 and all(one.fileno() == -1 for one in made)

    asyncio.run(ask())


def test_a_host_without_an_address_is_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask() -> None:
        async def none(host: str, port: int, **named: object) -> list[object]:
            return []

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", none)
        with pytest.raises(OSError, match="no address"):
            await LOCAL.connect("localhost", 1)

    asyncio.run(ask())
