"""What is rare on the wire: things that are missing, closed twice, cancelled half-way or not installed; each ends as it must."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import socket
import stat
import sys
import time
from pathlib import Path

import pytest

from argosy.core.errors import Misconfigured, Misuse
from argosy.net import stream as streams
from argosy.net.backoff import Backoff
from argosy.net.breaker import Breaker
from argosy.net.cassette import Recorder, Recording, frames
from argosy.net.guard import Hosts
from argosy.net.http import Rest
from argosy.net.keystore import Cost, Keystore, find, passphrase
from argosy.net.limits import Budget
from argosy.net.link import open_link
from argosy.net.outcome import Answered, Failed
from argosy.net.secret import Secret, Veil
from argosy.net.stream import Stream
from tests.net.test_stream import Ear, Reader, Writer, frame, keep, upgrade
from tests.net.wild import Raw, answer

LOCAL = Hosts(loopback=True)
BOTH = pytest.mark.parametrize("by", ["picows", "aiohttp"])


# -- requests -----------------------------------------------------------------------------------------------------------------


async def _answering(reader: Reader, writer: Writer, number: int) -> None:
    while True:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer())


def test_a_closed_client_sends_nothing() -> None:
    async def ask() -> None:
        async with Raw(_answering) as server:
            rest = Rest(server.url, LOCAL)
            await rest.close()
            assert await rest.call("POST", "/", body=b"{}") == Failed("CLOSED", False)
            assert server.connections == 0

    asyncio.run(ask())


def test_a_deadline_that_is_over_sends_nothing() -> None:
    async def ask() -> None:
        async with Raw(_answering) as server, Rest(server.url, LOCAL) as rest:
            assert await rest.call("POST", "/", body=b"{}", deadline_s=0.0) == Failed("DEADLINE", False)
            assert server.connections == 0

    asyncio.run(ask())


def test_a_trial_that_the_budget_forbids_is_given_back_to_the_breaker() -> None:
    """Half open, one request may try; when the budget keeps it back, the next may try in its place."""
    fuse = Breaker(failures=1, open_s=0.0)
    fuse.bad(time.monotonic())
    assert not fuse.closed

    async def ask() -> None:
        async with Raw(_answering) as server:
            budget = Budget(time.monotonic, time.time, per_minute=1)  # its one request is kept for cancels
            async with Rest(server.url, LOCAL, breaker=fuse, budget=budget) as rest:
                assert await rest.call("GET", "/", deadline_s=0.05) == Failed("RATE_LIMIT", False)
                rest.budget = None
                assert isinstance(await rest.call("GET", "/"), Answered)
                assert fuse.closed

    asyncio.run(ask())


def test_a_server_without_tls_was_surely_not_sent_to() -> None:
    async def talk(reader: Reader, writer: Writer, number: int) -> None:
        await reader.read(100)
        writer.write(b"this is no TLS at all\r\n\r\n")

    async def ask() -> None:
        async with Raw(talk) as server, Rest(server.url.replace("http", "https"), LOCAL) as rest:
            got = await rest.call("POST", "/", body=b"{}", deadline_s=3)
            assert isinstance(got, Failed) and (got.cause, got.sent) == ("TLS", False)

    asyncio.run(ask())


@pytest.mark.parametrize("date", ["nonsense", "Mon, 99 Jan 2026 99:99:99 GMT", ""])
def test_a_reset_is_read_on_our_own_clock_where_the_hosts_date_is_none(date: str) -> None:
    now = [100.0]
    budget = Budget(lambda: now[0], lambda: 1_700_000_000.0 + now[0])
    budget.wait()
    budget.heard(429, {"x-ratelimit-reset": str(1_700_000_000 + 107), "date": date})
    assert budget.wait() == pytest.approx(7.0)


def test_what_is_not_installed_is_said_with_its_fix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("aiohttp", "argon2.low_level"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(Misconfigured, match="cryptography and argon2"):
        Keystore(tmp_path / "k", Secret("long enough")).set("A_KEY", Secret("v"), 1)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Misconfigured, match="aiohttp is not installed"):
        asyncio.run(open_link("ws://127.0.0.1:1", LOCAL, Ear()))


def test_a_connection_that_is_cancelled_half_way_leaves_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[socket.socket] = []
    opened = LOCAL.opened

    def noted(address: object) -> socket.socket:
        made.append(opened(address))
        return made[-1]

    monkeypatch.setattr(LOCAL, "opened", noted)

    async def walk() -> None:
        loop = asyncio.get_running_loop()

        async def never(sock: socket.socket, address: object) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(loop, "sock_connect", never)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(LOCAL.connect("127.0.0.1", 9), 0.05)
        assert len(made) == 1 and made[0].fileno() == -1

    asyncio.run(walk())


def test_a_door_with_an_end_needs_a_clock() -> None:
    with pytest.raises(Misconfigured, match="clock"):
        Hosts(frozenset({"a"}), until_ns=5)


# -- streams ------------------------------------------------------------------------------------------------------------------


async def _greets(reader: Reader, writer: Writer, number: int) -> None:
    await upgrade(reader, writer)
    writer.write(frame(2, b"hello %d" % number))
    await reader.read()


@BOTH
def test_a_closed_link_takes_what_is_said_to_it_quietly(by: str) -> None:
    async def walk() -> None:
        async with Raw(_greets) as server:
            link = await open_link(server.url.replace("http", "ws"), LOCAL, Ear(), by=by)
            link.close()
            async with asyncio.timeout(3):
                end = await link.closed
            assert end == (1000, "closed by us")
            for _ in range(2):
                link.send(b"{}")
                link.send(b"\x80", True)
                link.ping()
                link.close()
            await asyncio.sleep(0.05)

    asyncio.run(walk())


@BOTH
def test_a_link_that_was_cut_takes_what_is_said_to_it_quietly(by: str) -> None:
    async def cut(reader: Reader, writer: Writer, number: int) -> None:
        await upgrade(reader, writer)
        await writer.drain()
        writer.transport.abort()

    async def walk() -> None:
        async with Raw(cut) as server:
            link = await open_link(server.url.replace("http", "ws"), LOCAL, Ear(), by=by)
            for _ in range(20):
                link.send(b"x" * 60_000)
                link.ping()
                await asyncio.sleep(0)
            async with asyncio.timeout(3):
                code, _ = await link.closed
            assert code in (1006, 1002)

    asyncio.run(walk())


@BOTH
def test_a_stream_is_started_once_dropped_and_closed_at_any_time(by: str, tmp_path: Path) -> None:
    file = tmp_path / "s.cassette"
    recorder = Recorder(file, Veil())

    async def after(stream: Stream, ear: Ear, server: Raw) -> None:
        assert stream.start() is stream.start()
        await ear.some.wait()
        await stream.ready.wait()
        assert stream.link is not None and stream.send(b"{}") and stream.send(b"\x80", True)
        ear.some.clear()
        stream.drop()
        await ear.some.wait()
        assert server.connections == 2 and ear.downs == ["closed 1000 closed by us"]
        await stream.close()
        assert stream.link is None and not stream.send(b"{}")
        stream.drop()
        await stream.close()

    keep(_greets, after, by=by, recorder=recorder)
    recorder.close()
    assert [message for _, message in frames(file)] == [b"hello 0", b"hello 1"]


def test_a_stream_that_may_no_longer_speak_ends_and_says_why() -> None:
    """An arming that ends: the next attempt is a definite no, not another attempt."""
    now = [0]

    async def walk() -> None:
        async with Raw(_greets) as server:
            ear = Ear()
            hosts = Hosts(loopback=True)
            stream = Stream(server.url.replace("http", "ws"), hosts, ear)

            def ended(url: str) -> None:
                raise Misconfigured("HOST_FORBIDDEN", "no longer")

            hosts.check = ended  # type: ignore[method-assign]
            with pytest.raises(Misconfigured, match="HOST_FORBIDDEN"):
                await asyncio.wait_for(stream.start(), 5)
            assert server.connections == now[0] and len(ear.downs) == 1 and stream.attempts == 1

    asyncio.run(walk())


def test_after_a_good_connection_the_next_delay_is_small_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEALTHY_S", 0.0)
    calmed = [0]

    class Noted(Backoff):
        def calm(self) -> None:
            calmed[0] += 1
            super().calm()

    async def after(stream: Stream, ear: Ear, server: Raw) -> None:
        for _ in range(2):
            ear.some.clear()
            await stream.ready.wait()
            stream.drop()
            await ear.some.wait()
        assert calmed[0] >= 1

    keep(_greets, after, backoff=Noted(lambda: 0.0, time.monotonic))


def test_a_refusal_that_lies_unread_when_the_connection_ends_is_still_told() -> None:
    """The other side says why and hangs up at once: the greeting has not read it yet when the end is noticed."""

    class Late(Ear):
        async def greet(self, link: object) -> None:
            await self.some.wait()
            await asyncio.sleep(0.01)
            raise streams.Denied(406, "connection limit exceeded")

    async def talk(reader: Reader, writer: Writer, number: int) -> None:
        await upgrade(reader, writer)
        writer.write(frame(2, b"no"))

    async def walk() -> None:
        async with Raw(talk) as server:
            ear = Late()
            stream = Stream(server.url.replace("http", "ws"), LOCAL, ear)
            stream.start()
            async with asyncio.timeout(5):
                while not ear.downs:
                    await asyncio.sleep(0.005)
            await stream.close()
            assert ear.downs[0] == "denied 406: connection limit exceeded"

    asyncio.run(walk())


# -- keys ---------------------------------------------------------------------------------------------------------------------

CHEAP = Cost(memory_kib=64, rounds=1, lanes=1)
PASS = Secret("correct horse battery")


def test_the_file_is_for_its_owner_alone_whatever_lay_there(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    left = tmp_path / "keys.json.new"
    left.write_text("torn")
    left.chmod(0o666)
    before = os.umask(0)
    try:
        Keystore(file, PASS, cost=CHEAP).set("A_KEY", Secret("value"), 1)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and not left.exists()


def test_a_new_passphrase_is_long_enough_too(tmp_path: Path) -> None:
    store = Keystore(tmp_path / "keys.json", PASS, cost=CHEAP)
    store.set("A_KEY", Secret("value"), 1)
    with pytest.raises(Misuse, match="at least"):
        store.rotate(Secret("short"))
    assert store.get("A_KEY") == Secret("value")


def test_the_passphrase_may_lie_in_a_file(tmp_path: Path) -> None:
    store, said = tmp_path / "keys.json", tmp_path / "pass"
    Keystore(store, PASS, cost=CHEAP).set("A_KEY", Secret("kept"), 1)
    said.write_text(PASS.reveal() + "\nand a second line\n")
    environ = {"ARGOSY_PASSPHRASE_FILE": str(said)}
    assert passphrase(environ) == PASS and find("A_KEY", environ, store) == Secret("kept")
    assert passphrase(environ | {"ARGOSY_PASSPHRASE": "another"}) == Secret("another") and passphrase({}) is None
    for wrong in ("", "\n"):
        said.write_text(wrong)
        with pytest.raises(Misconfigured, match="PASSPHRASE_FILE"):
            passphrase(environ)
    with pytest.raises(Misconfigured, match="PASSPHRASE_FILE"):
        passphrase({"ARGOSY_PASSPHRASE_FILE": str(tmp_path / "none")})


def test_what_is_lacking_is_said(tmp_path: Path) -> None:
    store = tmp_path / "keys.json"
    with pytest.raises(Misconfigured, match="argosy secrets set B_KEY"):
        find("B_KEY", {}, store)
    Keystore(store, PASS, cost=CHEAP).set("A_KEY", Secret("kept"), 1)
    with pytest.raises(Misconfigured, match="closed"):
        find("B_KEY", {}, store)
    with pytest.raises(Misconfigured, match="no such name"):
        find("B_KEY", {"ARGOSY_PASSPHRASE": PASS.reveal()}, store)


@pytest.mark.parametrize("value", ["abc/def+ghi==", 'quo"ted\\one', "söme thing"])
def test_a_secret_is_veiled_as_url_and_json_write_it(value: str) -> None:
    from json import dumps
    from urllib.parse import quote, quote_plus

    veil = Veil(Secret(value))
    for written in (value, quote(value, safe=""), quote_plus(value), dumps(value)[1:-1]):
        assert veil.text(f"a={written}&b") == "a=***&b"
        assert veil.bytes(f"a={written}&b".encode()) == b"a=***&b"


def test_a_recording_closes_what_it_carries(tmp_path: Path) -> None:
    closed = [0]

    class Calls:
        async def close(self) -> None:
            closed[0] += 1

    recorder = Recorder(tmp_path / "x", Veil())
    asyncio.run(Recording(Calls(), recorder).close())
    recorder.close()
    assert closed == [1]
