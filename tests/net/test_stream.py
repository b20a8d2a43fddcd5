"""A kept connection: whole messages by both libraries, silence noticed, no storm of attempts, whatever the other side does."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import struct
import time
from collections.abc import Awaitable, Callable

import pytest

from argosy.net.backoff import Backoff
from argosy.net.guard import Hosts
from argosy.net.link import Link, open_link
from argosy.net.stream import Denied, Stream
from tests.net.wild import Raw

LOCAL = Hosts(loopback=True)
BOTH = pytest.mark.parametrize("by", ["picows", "aiohttp"])
Writer = asyncio.StreamWriter
Reader = asyncio.StreamReader


async def upgrade(reader: Reader, writer: Writer) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    key = next(line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())  # noqa: S324
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def frame(opcode: int, data: bytes, fin: bool = True) -> bytes:
    head = bytes([(0x80 if fin else 0) | opcode])
    if len(data) < 126:
        return head + bytes([len(data)]) + data
    if len(data) < 65536:
        return head + b"\x7e" + struct.pack(">H", len(data)) + data
    return head + b"\x7f" + struct.pack(">Q", len(data)) + data


async def opcode_of(reader: Reader) -> int:
    """Read one masked frame of the client; its opcode."""
    first, second = await reader.readexactly(2)
    length = second & 127
    if length == 126:
        length = struct.unpack(">H", await reader.readexactly(2))[0]
    await reader.readexactly(4 + length)
    return first & 15


class Ear:
    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.downs: list[str] = []
        self.ups = 0
        self.some = asyncio.Event()

    def heard(self, message: bytes) -> None:
        self.messages.append(message)
        self.some.set()

    async def greet(self, link: Link) -> None: ...

    def up(self) -> None:
        self.ups += 1

    def down(self, why: str) -> None:
        self.downs.append(why)


def told(frames: bytes, by: str, *, count: int = 1, largest: int = 1 << 20) -> tuple[list[bytes], tuple[int, str] | None]:
    """What a client hears of raw bytes, and how the connection ended if it did."""

    async def whole() -> tuple[list[bytes], tuple[int, str] | None]:
        async def talk(reader: Reader, writer: Writer, number: int) -> None:
            await upgrade(reader, writer)
            for k in range(0, len(frames), 7):  # torn into crumbs on the way
                writer.write(frames[k : k + 7])
                if k % 700 == 0:
                    await writer.drain()
                    await asyncio.sleep(0)
            await reader.read()

        ear = Ear()
        async with Raw(talk) as server:
            link = await open_link(server.url.replace("http", "ws"), LOCAL, ear, by=by, largest=largest)
            try:
                async with asyncio.timeout(2):
                    while len(ear.messages) < count and not link.closed.done():
                        await asyncio.sleep(0.002)
                    if count == 0:
                        await link.closed
            except TimeoutError:
                pass
            end = link.closed.result() if link.closed.done() else None
            link.close()
            async with asyncio.timeout(3):
                await link.closed
        return ear.messages, end

    return asyncio.run(whole())


@BOTH
@pytest.mark.parametrize(
    ("frames", "messages"),
    [
        (frame(1, b'{"a":1}'), [b'{"a":1}']),
        (frame(2, b"\x91\x80"), [b"\x91\x80"]),
        (frame(1, b"ab", fin=False) + frame(0, b"cd", fin=False) + frame(0, b"ef"), [b"abcdef"]),
        (frame(2, b"ab", fin=False) + frame(9, b"ping") + frame(0, b"cd"), [b"abcd"]),
        (frame(2, b"x" * 300) + frame(1, b"y" * 70_000), [b"x" * 300, b"y" * 70_000]),
        (frame(1, b"") + frame(1, b"z"), [b"", b"z"]),
    ],
)  # fmt: skip
def test_messages_come_whole(by: str, frames: bytes, messages: list[bytes]) -> None:
    assert told(frames, by, count=len(messages))[0] == messages


@BOTH
@pytest.mark.parametrize(
    "frames",
    [
        frame(2, b"x" * 2000),
        frame(2, b"x" * 600, fin=False) + frame(0, b"x" * 600),
        frame(0, b"of nothing"),
        frame(2, b"a", fin=False) + frame(2, b"b"),
        b"\xff\xff\xff\xff\xff",
    ],
    ids=["too large", "too large in parts", "continuation of nothing", "message inside another", "noise"],
)
def test_what_is_too_large_or_against_the_protocol_ends_the_connection(by: str, frames: bytes) -> None:
    messages, end = told(frames, by, count=0, largest=1000)
    assert messages == [] and end is not None


@BOTH
def test_a_goodbye_is_told_with_its_code(by: str) -> None:
    _, end = told(frame(8, struct.pack(">H", 1012) + b"restart"), by, count=0)
    assert end == (1012, "restart")


@BOTH
@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_a_refused_upgrade_is_an_error_of_the_world(by: str, status: int) -> None:
    async def whole() -> None:
        async def talk(reader: Reader, writer: Writer, number: int) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())

        async with Raw(talk) as server:
            with pytest.raises(OSError):
                await open_link(server.url.replace("http", "ws"), LOCAL, Ear(), by=by, open_s=2)

    asyncio.run(whole())


def keep(
    talk: Callable[[Reader, Writer, int], Awaitable[None]], after: Callable[[Stream, Ear, Raw], Awaitable[None]], **named: object
) -> None:
    async def whole() -> None:
        async with Raw(talk) as server:
            ear = Ear()
            stream = Stream(server.url.replace("http", "ws"), LOCAL, ear, **named)
            stream.start()
            try:
                async with asyncio.timeout(8):
                    await after(stream, ear, server)
            finally:
                await stream.close()

    asyncio.run(whole())


@BOTH
def test_a_half_open_connection_is_given_up_and_another_opened(by: str) -> None:
    pings = [0]

    async def talk(reader: Reader, writer: Writer, number: int) -> None:
        await upgrade(reader, writer)
        if number == 0:
            while True:  # the socket stays open and nobody is there
                if await opcode_of(reader) == 9:
                    pings[0] += 1
        writer.write(frame(2, b"hello"))
        await reader.read()

    async def after(stream: Stream, ear: Ear, server: Raw) -> None:
        begun = time.monotonic()
        await ear.some.wait()
        assert time.monotonic() - begun < 3.0
        assert ear.downs == [why for why in ear.downs if why.startswith("silent for")] and len(ear.downs) == 1
        assert pings == [1] and server.connections == 2

    keep(talk, after, by=by, ping_s=0.2, silence_s=0.5)


@BOTH
def test_pongs_keep_a_quiet_connection_but_not_a_mute_stream(by: str) -> None:
    async def talk(reader: Reader, writer: Writer, number: int) -> None:
        await upgrade(reader, writer)
        while True:
            if await opcode_of(reader) == 9:
                writer.write(frame(10, b"argosy"))

    async def quiet(stream: Stream, ear: Ear, server: Raw) -> None:
        await asyncio.sleep(0.9)
        assert server.connections == 1 and ear.downs == []

    async def mute(stream: Stream, ear: Ear, server: Raw) -> None:
        while not ear.downs:
            await asyncio.sleep(0.01)
        assert ear.downs[0].startswith("mute for")

    keep(talk, quiet, by=by, ping_s=0.1, silence_s=0.3)
    keep(talk, mute, by=by, ping_s=0.1, silence_s=0.3, mute_s=0.6)


@BOTH
@pytest.mark.parametrize("refusal", ["closed port", "denied greeting", "dropped", 401, 403, 406, 407, 429, 500, 502, 503, 504])
def test_refusal_brings_no_storm(by: str, refusal: str | int) -> None:
    """Forty attempts on a clock that runs with the pauses: never more than twelve in a minute of it."""
    now = [0.0]
    made: list[float] = []

    async def talk(reader: Reader, writer: Writer, number: int) -> None:
        if refusal == "dropped":
            return
        if isinstance(refusal, int):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % refusal)
            return
        await upgrade(reader, writer)
        await reader.read()

    class Refused(Ear):
        async def greet(self, link: Link) -> None:
            raise Denied(406, "connection limit exceeded", wait_s=1.0)

    async def sleep(seconds: float) -> None:
        now[0] += seconds
        made.append(now[0])
        await asyncio.sleep(0)

    async def whole() -> None:
        async with Raw(talk) as server:
            ear = Refused()
            url = "ws://127.0.0.1:9" if refusal == "closed port" else server.url.replace("http", "ws")
            backoff = Backoff(lambda: 0.0, lambda: now[0])
            stream = Stream(url, LOCAL, ear, by=by, backoff=backoff, sleep=sleep)
            stream.start()
            async with asyncio.timeout(20):
                while stream.attempts < 40:
                    await asyncio.sleep(0.001)
            await stream.close()
            assert len(ear.downs) >= 39 and ear.ups == 0
            if refusal == "denied greeting":
                assert "406" in ear.downs[0]

    asyncio.run(whole())
    assert all(made[k + 12] - made[k] >= 60.0 for k in range(len(made) - 12))


@BOTH
def test_a_connection_that_comes_and_goes_brings_no_storm(by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each one is ready and counts as a good one, so that delays begin small again each time: still twelve a minute at most."""
    monkeypatch.setattr("argosy.net.stream.HEALTHY_S", 0.0)
    now = [0.0]
    made: list[float] = []

    async def talk(reader: Reader, writer: Writer, number: int) -> None:
        await upgrade(reader, writer)

    async def sleep(seconds: float) -> None:
        now[0] += seconds
        made.append(now[0])
        await asyncio.sleep(0)

    async def whole() -> None:
        async with Raw(talk) as server:
            ear = Ear()
            stream = Stream(server.url.replace("http", "ws"), LOCAL, ear, by=by, backoff=Backoff(lambda: 0.0, lambda: now[0]), sleep=sleep)
            stream.start()
            async with asyncio.timeout(20):
                while stream.attempts < 40:
                    await asyncio.sleep(0.001)
            await stream.close()
            assert ear.ups > 30

    asyncio.run(whole())
    assert made[11] < 10.0  # the first twelve at once, else this shows nothing
    assert all(made[k + 12] - made[k] >= 60.0 for k in range(len(made) - 12))


def test_a_final_refusal_ends_it() -> None:
    class Final(Ear):
        async def greet(self, link: Link) -> None:
            raise Denied(409, "insufficient subscription", final=True)

    async def talk(reader: Reader, writer: Writer, number: int) -> None:
        await upgrade(reader, writer)
        await reader.read()

    async def whole() -> None:
        async with Raw(talk) as server:
            ear = Final()
            stream = Stream(server.url.replace("http", "ws"), LOCAL, ear)
            with pytest.raises(Denied):
                await asyncio.wait_for(stream.start(), 5)
            assert server.connections == 1 and len(ear.downs) == 1

    asyncio.run(whole())


@BOTH
def test_a_greeting_that_is_never_answered_is_left(by: str) -> None:
    class Patient(Ear):
        async def greet(self, link: Link) -> None:
            await asyncio.sleep(60)

    async def talk(reader: Reader, writer: Writer, number: int) -> None:
        await upgrade(reader, writer)
        await reader.read()

    async def whole() -> None:
        async with Raw(talk) as server:
            ear = Patient()
            stream = Stream(server.url.replace("http", "ws"), LOCAL, ear, by=by, greet_s=0.2)
            stream.start()
            async with asyncio.timeout(5):
                while not ear.downs:
                    await asyncio.sleep(0.01)
            await stream.close()
            assert ear.downs[0] == "no answer to the greeting"

    asyncio.run(whole())
