"""From socket to socket: a quote's frame leaves a market in another process, and the desk's order comes back to it; all recorded.

The other process is market and broker in one: it sends quotes of fifty symbols by a schedule, whatever comes back and however late, and
each order's time counts from the moment at which its quote should have left: what waits in a queue is not forgotten. One quote in a
hundred is on the whole dollar, and the desk's strategy trades on it. The broker fills each order on the account's stream.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import json
import os
import select
import socket
import struct
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import msgspec

from argosy import quay
from argosy.core.events import CashFlow, Fill, Quote, Reply
from argosy.core.instrument import Instrument, Instruments
from argosy.core.money import to_units
from argosy.core.time import MINUTE, SECOND
from argosy.desk.bars import Bars
from argosy.desk.clock import Clock
from argosy.desk.folder import Folder
from argosy.desk.node import PULSE_S, Node
from argosy.desk.sessions import Sessions
from argosy.engine.breakers import Breakers
from argosy.house import Terms, Wanted
from argosy.net.secret import Secret
from argosy.store.manifest import Identity
from bench.desk import CASH, OFF, SYMBOLS, Flip, histogram
from bench.figure import Figure, figure
from bench.wire import awake, looped, served

EACH = 100
"""Of so many quotes one makes an order."""
KEY, SECRET = "PKBENCH0", "benchsecret"
WARM_S = 2.0


class Patient(Flip):
    """In and out as `Flip`, but where its last order is not done yet it lets the quote pass, and counts it. passed: how many."""

    name = "patient"
    passed: ClassVar[int] = 0

    def on_quote(self, quote: Any, book: Any) -> Any:
        """Every quote."""
        if quote.bid % 1.0 == 0.0 and book.resting(quote.instrument):
            Patient.passed += 1
            return None
        return super().on_quote(quote, book)


class Told(NamedTuple):
    """What the market saw. Times are ns, one an order.

    due: from the moment at which its quote should have left to its order's bytes; left: from the moment at which it did
    late: the sender behind its schedule, ns by quote that made an order; posts: orders that came, fills: that were told
    """

    due: list[int]
    left: list[int]
    late: list[int]
    quotes: int
    posts: int
    fills: int


def _frame(symbol: str, price: float) -> bytearray:
    """A frame of one quote, as it is on the wire; its last eight bytes are its time."""
    row = {
        "T": "q", "S": symbol, "bx": "V", "bp": price, "bs": 100, "ax": "V", "ap": price + 0.01, "as": 200, "c": ["R"], "z": "C",
        "t": msgspec.msgpack.Ext(-1, bytes(8)),
    }  # fmt: skip
    body = msgspec.msgpack.encode([row])
    assert len(body) < 126
    return bytearray(bytes((0x82, len(body))) + body)


def _text(thing: Any, packed: bool) -> bytes:
    body = msgspec.msgpack.encode(thing) if packed else msgspec.json.encode(thing)
    head = bytes((0x82 if packed else 0x81,))
    return head + (bytes((len(body),)) if len(body) < 126 else bytes((126,)) + struct.pack(">H", len(body))) + body


class _Caller:
    """One connection of the desk's, whatever it is for."""

    def __init__(self, made: socket.socket) -> None:
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = made
        self.held = b""
        self.role = "rest"
        self.steps = 0


class _Market:
    """The other side, in one thread that never sleeps: the schedule, the streams, the broker."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.poll = select.epoll()
        self.poll.register(self.listener, select.EPOLLIN)
        self.callers: dict[int, _Caller] = {}
        self.data: _Caller | None = None
        self.account: _Caller | None = None
        self.told = Told([], [], [], 0, 0, 0)
        self.posts = self.fills = 0
        self.sent: dict[str, tuple[int, int]] = {}
        self.quiet = [[_frame(symbol, 100.01 + (k + j) % 90 / 100) for j in range(7)] for k, symbol in enumerate(SYMBOLS)]
        self.loud = [_frame(symbol, 100.0) for symbol in SYMBOLS]

    def serve(self, timeout: float = 0.0) -> None:
        """Whatever came in since the last look."""
        for number, _ in self.poll.poll(timeout, 32):
            if number == self.listener.fileno():
                made = _Caller(self.listener.accept()[0])
                self.callers[made.socket.fileno()] = made
                self.poll.register(made.socket, select.EPOLLIN)
                continue
            caller = self.callers[number]
            try:
                data = caller.socket.recv(1 << 16)
            except OSError:
                data = b""
            at = time.perf_counter_ns()
            if not data:
                self.poll.unregister(number)
                caller.socket.close()
                del self.callers[number]
                continue
            caller.held += data
            if caller.role == "rest":
                self._asked(caller, at)
            else:
                self._talked(caller)

    def _asked(self, caller: _Caller, at: int) -> None:
        while True:
            head, mark, rest = caller.held.partition(b"\r\n\r\n")
            if not mark:
                return
            lower = head.lower()
            if b"sec-websocket-key:" in lower:
                key = head[lower.index(b"sec-websocket-key:") + 18 :].split(b"\r\n", 1)[0].strip()
                accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest())
                caller.socket.send(
                    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
                )
                caller.held = rest
                caller.role = "data" if b" /v2/" in head.split(b"\r\n")[0] else "account"
                if caller.role == "data":
                    caller.socket.send(_text([{"T": "success", "msg": "connected"}], True))
                return
            where = lower.find(b"content-length:")
            length = int(lower[where + 15 :].split(b"\r\n", 1)[0]) if where >= 0 else 0
            if len(rest) < length:
                return
            body, caller.held = rest[:length], rest[length:]
            self._ordered(caller, body, at)

    def _ordered(self, caller: _Caller, body: bytes, at: int) -> None:
        asked = json.loads(body)
        symbol, name = asked["symbol"], asked["client_order_id"]
        due, left = self.sent.pop(symbol, (0, 0))
        self.posts += 1
        if due:
            self.told.due.append(at - due)
            self.told.left.append(at - left)
            self.told.late.append(left - due)
        order = {
            "id": f"id-{self.posts}", "client_order_id": name, "symbol": symbol, "side": asked["side"], "qty": asked["qty"], "type": "market",
            "order_type": "market", "time_in_force": "day", "asset_class": "us_equity", "status": "accepted", "filled_qty": "0",
            "created_at": "2026-11-20T15:00:00.000001Z", "submitted_at": "2026-11-20T15:00:00.000001Z", "legs": None, "limit_price": None,
        }  # fmt: skip
        reply = json.dumps(order).encode()
        caller.socket.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(reply), reply))
        if self.account is not None:
            done = order | {"status": "filled", "filled_qty": asked["qty"], "filled_avg_price": "100"}
            said = {"event": "fill", "execution_id": f"x-{self.posts}", "price": "100", "qty": asked["qty"], "position_qty": "0", "order": done}
            self.account.socket.send(_text({"stream": "trade_updates", "data": said}, False))
            self.fills += 1

    def _talked(self, caller: _Caller) -> None:
        """A message of the desk's on a stream: the next step of its greeting; pings are not answered, for none is sent so soon."""
        held = caller.held
        while len(held) >= 6:
            small = held[1] & 127
            length, at = (small, 2) if small < 126 else (int.from_bytes(held[2:4], "big"), 4)
            if len(held) < at + 4 + length:
                break
            held = held[at + 4 + length :]
            caller.steps += 1
            packed = caller.role == "data"
            steps: list[Any] = (
                [[{"T": "success", "msg": "authenticated"}], [{"T": "subscription", "quotes": list(SYMBOLS)}]]
                if packed
                else [
                    {"stream": "authorization", "data": {"status": "authorized", "action": "authenticate"}},
                    {"stream": "listening", "data": {"streams": ["trade_updates"]}},
                ]
            )
            if caller.steps <= 2:
                caller.socket.send(_text(steps[caller.steps - 1], packed))
            if caller.steps == 2:
                if packed:
                    self.data = caller
                else:
                    self.account = caller
        caller.held = held

    def pour(self, count: int, keep: bool = False, loud: bool = True) -> None:
        """So many quotes by the schedule, then a pause. keep: whether their orders' times count; loud: whether any makes an order."""
        assert self.data is not None
        way, clock, wall, step = self.data.socket, time.perf_counter_ns, time.time_ns, SECOND // self.rate
        begun, backlog = clock() + 1_000_000, bytearray()
        if not keep:
            self.sent.clear()
        for k in range(count):
            due = begun + k * step
            wakes = loud and k % EACH == EACH // 2
            which = k // EACH % 50 if wakes else k % 50
            frame = self.loud[which] if wakes else self.quiet[which][k // 50 % 7]
            while clock() < due:
                self.serve()
            seconds, rest = divmod(wall(), SECOND)
            frame[-8:] = (rest << 34 | seconds).to_bytes(8, "big")
            left = clock()
            if wakes and keep:
                self.sent[SYMBOLS[which]] = (due, left)
            if backlog:
                backlog += frame
            else:
                try:
                    done = way.send(frame)
                except BlockingIOError:
                    done = 0
                backlog += frame[done:]
            if backlog:
                try:
                    del backlog[: way.send(backlog)]
                except BlockingIOError:
                    self.serve()
        end = clock() + SECOND // 2
        while clock() < end:
            self.serve(0.001)
            if backlog:
                del backlog[: way.send(backlog)]


def _peer(said: Connection, rate: int, count: int) -> None:
    """The market's process: it says its port, and, when both streams are there and all is poured, what it saw."""
    _alone(False)
    market = _Market(rate)
    said.send(market.listener.getsockname()[1])
    while market.data is None or market.account is None:
        market.serve(0.01)
    market.pour(int(WARM_S * rate))
    said.send(None)
    market.pour(int(WARM_S * rate), loud=False)
    said.send(None)
    market.pour(count, keep=True)
    said.send(market.told._replace(quotes=2 * int(WARM_S * rate) + count, posts=market.posts, fills=market.fills))
    while True:
        market.serve(0.1)


def _alone(first: bool) -> None:
    """The desk on the first processor, the market on the others: neither waits for the other's slice of time."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        mine = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, mine[:1] if first else mine[1:])


class Seen(NamedTuple):
    """What a run came to.

    cpu_us: of the desk's process for each quote, orders and fills in it; quiet_us: where no quote makes an order
    late:   quotes passed over because the next one of their symbol was there already
    busy:   quotes on the whole dollar whose symbol's last order was not done; wrong: what was not as it must be
    """

    told: Told
    cpu_us: float
    quiet_us: float
    late: int
    busy: int
    wrong: str


def run(rate: int, count: int, sync: str = "group") -> Seen:
    """Pour `count` quotes at `rate` a second into a desk, and see what came back."""
    with tempfile.TemporaryDirectory() as folder, awake(), served(_peer, rate, count) as (port, hear):
        had = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
        _alone(True)
        try:
            seen: Seen = looped(_desk(Path(folder), port, hear, sync))
        finally:
            if had:
                os.sched_setaffinity(0, had)
    return seen


async def _desk(folder: Path, port: int, hear: Connection, sync: str) -> Seen:
    clock = Clock()
    door = quay.door("sim", f"http://127.0.0.1:{port}", Secret(KEY), Secret(SECRET))
    instruments = Instruments(Instrument(symbol=symbol) for symbol in SYMBOLS)
    recorder = quay.recorder(folder / "rows", "PABENCH")
    journal = quay.journal(folder / "journal", sync, Identity(account="PABENCH", mode="sim"), recorder)
    terms = Terms(limits=OFF, profile="desk", breakers=Breakers())
    Patient.passed = 0
    wired = quay.desk(door, (Wanted("patient", Patient),), instruments, terms, journal, cash=to_units(CASH, "USD"), clock=clock.now)
    node = Node(
        wired.engine, wired.venue, journal, clock, Folder(folder), sessions=Sessions({}), bars=Bars(wired.bars, ["24/7"] * 50, MINUTE),
        recorder=recorder,
    )  # fmt: skip
    wired.venue.listen(node.hear)
    wired.listen(node.row)
    wired.turned = node.turned
    now = clock.now()
    wired.engine.open((CashFlow(now, now, "USD", to_units(CASH, "USD")),))
    assert wired.account_stream is not None
    gc.collect()
    gc.freeze()
    wired.account_stream.start()
    wired.feed_stream.start()
    marks: list[tuple[int, int]] = []
    told: Told | None = None
    while told is None:
        await asyncio.sleep(PULSE_S)
        node.pulse()
        if hear.poll():
            told = hear.recv()
            marks.append((time.process_time_ns(), node.rows))
    await node.perform.idle(5.0)
    rows, seen = recorder.count, wired.engine.state.rows
    await wired.feed_stream.close()
    await wired.account_stream.close()
    await door.close()
    kept = [type(record) for _, record in journal.records()]
    loud = sum(1 for row in recorder.rows() if isinstance(row, Quote) and row.bid == 100.0)
    journal.close()
    recorder.close()
    wrong = [
        text
        for text, bad in (
            (f"{told.posts} orders came of {loud - Patient.passed} quotes on the whole dollar", told.posts != loud - Patient.passed),
            (f"{rows} rows were recorded and {seen} seen of {told.quotes}", not rows == seen == told.quotes - node.conflated),
            (f"{kept.count(Reply)} replies and {kept.count(Fill)} fills in the journal", not kept.count(Reply) == kept.count(Fill) == told.posts),
            (f"the desk stopped: {node.broken}", node.broken is not None),
        )
        if bad
    ]
    (a, m), (b, n), (c, o) = marks
    return Seen(told, (c - b) / 1e3 / (o - n), (b - a) / 1e3 / (n - m), node.conflated, Patient.passed, "; ".join(wrong))


def figures(quick: bool) -> Iterator[Figure]:
    """The desk between two sockets: typical, slow and slowest order, and its processor's time for a quote."""
    rate = 20_000
    seen = run(rate, rate * (3 if quick else 15))
    due, left = histogram(seen.told.due), histogram(seen.told.left)
    late = histogram(seen.told.late)
    note = (
        f"{len(seen.told.due):,} orders of {seen.told.quotes:,} quotes, {rate:,}/s by schedule; from the frame's own leaving p50 "
        f"{left.get_value_at_percentile(50) / 1e3:.0f}, p99 {left.get_value_at_percentile(99) / 1e3:.0f} us, its sender late by p50 "
        f"{late.get_value_at_percentile(50) / 1e3:.0f}, p99 {late.get_value_at_percentile(99) / 1e3:.0f} us; journal in groups, rows recorded, "
        f"processors kept awake; {seen.late:,} quotes were passed over for newer ones, {seen.busy:,} found an order under way"
    )
    yield figure("sockets.p50", due.get_value_at_percentile(50) / 1e3, wrong=seen.wrong, note=note)
    yield figure("sockets.p99", due.get_value_at_percentile(99) / 1e3, wrong=seen.wrong)
    yield figure("sockets.max", due.get_max_value() / 1e3, wrong=seen.wrong)
    share = f"% of one processor at {rate:,} quotes/s, journal and recorder in it"
    yield figure("sockets.quiet", seen.quiet_us, wrong=seen.wrong, note=f"no quote makes an order: {seen.quiet_us * rate / 1e4:.0f} {share}")
    more = f"one in {EACH} makes an order that is filled: {seen.cpu_us * rate / 1e4:.0f} {share}"
    yield figure("sockets.cpu", seen.cpu_us, wrong=seen.wrong, note=more)
