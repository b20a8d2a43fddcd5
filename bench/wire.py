"""What the wire costs on loopback: an order's way to a server and back, beside alpaca-py; and frames received and decoded to events."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from statistics import median, quantiles
from typing import Any

import msgspec

from argosy.core.events import Event, Quote
from argosy.core.instrument import Instrument, Instruments
from argosy.core.orders import BUY, Order, Tif, Type
from argosy.net.secret import Secret
from argosy.venues.alpaca import words
from argosy.venues.alpaca.answer import Accepted
from argosy.venues.alpaca.client import connect
from argosy.venues.alpaca.feed import Feed
from argosy.venues.alpaca.modes import place
from bench.figure import Figure, figure

KEY, SECRET = "PKBENCH0", "benchsecret"
PEER = "alpaca-py 0.44"
BURST = 20
SYMBOLS = ("AAPL", "MSFT", "SPY", "TSLA", "QQQ")
ANSWER = {
    "id": "61e69015-8549-4bfd-b9c3-01e75843f47d", "created_at": "2021-03-16T18:38:01.942282Z", "updated_at": "2021-03-16T18:38:01.942282Z",
    "submitted_at": "2021-03-16T18:38:01.937734Z", "filled_at": None, "expired_at": None, "canceled_at": None, "failed_at": None,
    "replaced_at": None, "replaced_by": None, "replaces": None, "asset_id": "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415", "symbol": "AAPL",
    "asset_class": "us_equity", "notional": None, "qty": "10", "filled_qty": "0", "filled_avg_price": None, "order_class": "",
    "order_type": "limit", "type": "limit", "side": "buy", "time_in_force": "day", "limit_price": "150.25", "stop_price": None,
    "status": "accepted", "extended_hours": False, "legs": None, "trail_percent": None, "trail_price": None, "hwm": None,
}  # fmt: skip


class _Server(asyncio.Protocol):
    """The least that answers a POST with an order that has its id; one connection."""

    def __init__(self) -> None:
        self._held = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self._held += data
        while True:
            head, mark, rest = self._held.partition(b"\r\n\r\n")
            if not mark:
                return
            at = head.lower().find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(rest) < length:
                return
            body, self._held = rest[:length], rest[length:]
            name = json.loads(body).get("client_order_id", "") if body else ""
            reply = json.dumps(ANSWER | {"client_order_id": name}).encode()
            if self._transport is not None:
                self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(reply), reply))


def _rest(said: Connection) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", 0)
        said.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    looped(serve())


def frames(each: int, packed: bool) -> list[bytes]:
    """Different frames of quotes, `each` to a frame, as Alpaca sends them."""
    from datetime import UTC, datetime, timedelta

    begun = datetime(2026, 11, 20, 15, 0, 0, 59, tzinfo=UTC)
    made = []
    for k in range(500):
        rows: list[dict[str, Any]] = []
        for j in range(each):
            at = begun + timedelta(microseconds=997 * (k * each + j))
            rows.append({
                "T": "q", "S": SYMBOLS[(k + j) % 5], "bx": "V", "bp": 150.0 + (k % 97) / 100, "bs": 100 + j, "ax": "V", "ap": 150.02 + (k % 97) / 100,
                "as": 200 + k, "c": ["R"], "z": "C", "t": at if packed else at.isoformat().replace("+00:00", "Z"),
            })  # fmt: skip
        made.append(msgspec.msgpack.encode(rows) if packed else msgspec.json.encode(rows))
    return made


def _feed(said: Connection, each: int, packed: bool, count: int) -> None:
    """A data stream that sends bursts of frames as fast as they are taken."""
    from picows import WSListener, WSMsgType, ws_create_server

    kind = WSMsgType.BINARY if packed else WSMsgType.TEXT
    opcode = 0x82 if packed else 0x81
    on_wire = [
        bytes([opcode, len(one)]) + one if len(one) < 126 else bytes([opcode, 126]) + len(one).to_bytes(2, "big") + one
        for one in frames(each, packed)
    ]

    def row(**things: str) -> bytes:
        return msgspec.msgpack.encode([things]) if packed else msgspec.json.encode([things])

    class Sender(WSListener):
        def __init__(self) -> None:
            self.steps = 0
            self.free = asyncio.Event()
            self.free.set()

        def on_ws_connected(self, transport: Any) -> None:
            transport.send(kind, row(T="success", msg="connected"))

        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            if frame.msg_type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            self.steps += 1
            if self.steps == 1:
                transport.send(kind, row(T="success", msg="authenticated"))
            elif self.steps == 2:
                transport.send(kind, row(T="subscription"))
                self.task = asyncio.ensure_future(self._pour(transport))

        def pause_writing(self) -> None:
            self.free.clear()

        def resume_writing(self) -> None:
            self.free.set()

        async def _pour(self, transport: Any) -> None:
            await asyncio.sleep(0.05)
            write = transport.underlying_transport.write
            bursts = [b"".join(on_wire[k : k + BURST]) for k in range(0, len(on_wire), BURST)]
            for k in range(count // each // BURST):
                write(bursts[k % len(bursts)])
                if not self.free.is_set():
                    await self.free.wait()
                else:
                    await asyncio.sleep(0)

    async def serve() -> None:
        server = await ws_create_server(lambda request: Sender(), "127.0.0.1", 0)
        said.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    looped(serve())


def looped(work: Any) -> Any:
    """Run on uvloop where it is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)


@contextmanager
def served(target: Any, *arguments: Any) -> Iterator[tuple[int, Connection]]:
    """The port of a server in a process of its own, and what it says after that."""
    hear, say = multiprocessing.Pipe(False)
    process = multiprocessing.get_context("spawn").Process(target=target, args=(say, *arguments), daemon=True)
    process.start()
    try:
        if not hear.poll(30):
            raise TimeoutError("the server of the bench did not start")
        yield hear.recv(), hear
    finally:
        process.kill()
        process.join()


def _rests_never() -> None:
    os.nice(19)
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    while True:
        pass


@contextmanager
def awake() -> Iterator[None]:
    """Every processor kept awake by a process of the lowest priority, which gives way to any other.

    A virtual processor that sleeps takes some 50 us to wake, and a round trip wakes one on each way: that is the machine's, not the
    client's, and twice as much of our order as of the peer's.
    """
    idle = [multiprocessing.get_context("spawn").Process(target=_rests_never, daemon=True) for _ in range(os.cpu_count() or 1)]
    for process in idle:
        process.start()
    try:
        yield
    finally:
        for process in idle:
            process.kill()
            process.join()


def ours(port: int, count: int) -> list[float]:
    """Microseconds of each order of ours, from an Order to the decoded answer."""

    async def run() -> list[float]:
        client = connect(place("sim", base=f"http://127.0.0.1:{port}"), Secret(KEY), Secret(SECRET), per_minute=10_000_000)
        row = Instrument(symbol="AAPL")
        took = []
        for k in range(1, count + 101):
            order = Order(k, 0, BUY, 10, Type.LIMIT, limit=150.25, tif=Tif.DAY)
            begun = time.perf_counter_ns()
            body = words.request(row, order, (), "BNCH")
            answer = await client.submit(body, words.name("BNCH", k))
            took.append((time.perf_counter_ns() - begun) / 1e3)
            if not isinstance(answer, Accepted) or answer.value.client_order_id != words.name("BNCH", k):
                raise AssertionError(f"order {k} was not accepted: {answer}")
        await client.close()
        return took[100:]

    result: list[float] = looped(run())
    return result


def theirs(port: int, count: int) -> list[float]:
    """Microseconds of each order of alpaca-py, to its decoded answer."""
    from alpaca.trading.client import TradingClient
    from alpaca.trading.enums import OrderSide, TimeInForce
    from alpaca.trading.requests import LimitOrderRequest

    client = TradingClient(KEY, SECRET, url_override=f"http://127.0.0.1:{port}")
    took = []
    for k in range(1, count + 21):
        begun = time.perf_counter_ns()
        name = words.name("PEER", k)
        wish = LimitOrderRequest(
            symbol="AAPL", qty=10, side=OrderSide.BUY, time_in_force=TimeInForce.DAY, limit_price=150.25, client_order_id=name
        )
        answer = client.submit_order(wish)
        took.append((time.perf_counter_ns() - begun) / 1e3)
        if getattr(answer, "client_order_id", "") != name:
            raise AssertionError(f"order {k} of alpaca-py was not accepted")
    return took[20:]


def received(each: int, packed: bool, count: int) -> tuple[float, float, str]:
    """(messages a second of processor, of the wall, what was wrong) from the socket to core's events."""
    heard: list[int] = [0, 0]
    last: list[Event | None] = [None]

    async def run(port: int) -> tuple[float, float]:
        done = asyncio.Event()

        def listener(event: Event) -> None:
            n = heard[0] = heard[0] + 1
            if n == 1:
                heard[1] = time.process_time_ns()
                begun.append(time.perf_counter())
            elif n == count:
                last[0] = event
                done.set()

        begun: list[float] = []
        where = place("sim", base=f"http://127.0.0.1:{port}")
        table = Instruments([Instrument(symbol=symbol) for symbol in SYMBOLS])
        feed = Feed(Secret(KEY), Secret(SECRET), table, {"quotes": list(SYMBOLS)}, listener, pack=packed)
        stream = feed.stream(where, where.feed("iex"))
        stream.start()
        async with asyncio.timeout(120):
            await done.wait()
        spent = (time.process_time_ns() - heard[1]) / 1e9
        wall = time.perf_counter() - begun[0]
        await stream.close()
        return count / spent, count / wall

    with served(_feed, each, packed, count) as (port, _):
        cpu, wall = looped(run(port))
    event = last[0]
    final = frames(each, packed)[(count // each - 1) % 500]
    want = (msgspec.msgpack.decode(final) if packed else msgspec.json.decode(final))[-1]
    right = isinstance(event, Quote) and (event.bid, event.ask_size) == (want["bp"], want["as"])
    return cpu, wall, "" if right else f"the last quote is {event}, sent was {want}"


def figures(quick: bool) -> Iterator[Figure]:
    """Orders beside alpaca-py on the same server, then frames of one quote and of ten, MessagePack and JSON."""
    yield from _orders(200 if quick else 1_000, 2 if quick else 5)
    count = 50_000 if quick else 500_000
    for name, each, packed in (("wire.feed", 1, True), ("wire.feed_tens", 10, True), ("wire.feed_json", 1, False)):
        cpu, wall, wrong = received(each, packed, count)
        note = f"{each} quote(s) a frame, a second of processor, socket to event; {wall / 1e3:,.0f} k/s by the wall beside its server"
        yield figure(name, cpu, wrong=wrong, note=note)


def _orders(count: int, turns: int) -> Iterator[Figure]:
    mine: list[float] = []
    other: list[float] = []
    ratios = []
    with awake(), served(_rest) as (port, _):
        ours(port, 50)
        for _ in range(turns):
            ours_now, theirs_now = ours(port, count), theirs(port, count // 4)
            mine += ours_now
            other += theirs_now
            ratios.append(median(theirs_now) / median(ours_now))
    p99 = quantiles(mine, n=100)[98]
    ratio = median(ratios)
    note = f"p50 of {len(mine):,}, p99 {p99:.0f} us; order to decoded answer, processors kept awake"
    yield figure("wire.order", median(mine), note=note, peer=PEER, peer_value=median(other), ratio=ratio)
    yield figure("wire.order_ratio", ratio, note="times as long takes the same order by alpaca-py, same server, in turn", peer=PEER, ratio=ratio)
