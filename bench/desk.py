"""How quickly a desk answers the market: frame in to order bytes out in process, every rule of the gate asked, recorded."""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from argosy import quay
from argosy.core.events import CashFlow, Fill, Reply
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Target
from argosy.core.money import to_units
from argosy.core.strategy import Watch
from argosy.core.time import MINUTE
from argosy.desk.bars import Bars
from argosy.desk.clock import Clock
from argosy.desk.folder import Folder
from argosy.desk.node import Node
from argosy.desk.sessions import Sessions
from argosy.engine.breakers import Breakers
from argosy.house import Terms, Wanted
from argosy.net.outcome import Answered
from argosy.net.secret import Secret
from argosy.store.manifest import Identity
from bench.figure import Figure, figure

SYMBOLS = tuple(f"S{k:03}" for k in range(50))
CASH = 10_000_000
OFF: dict[str, dict[str, Any]] = {
    "trades_per_day": {"max_trades": None}, "losing_streak": {"max_losses": None}, "duplicate": {"window_ms": None},
    "order_rate": {"per_second": None, "per_minute": None, "per_minute_each": None, "requests_per_minute": None, "cancels_per_order": None},
    "protection": {"required": False}, "first_minutes": {"minutes": None}, "after_halt": {"market_wait_ms": None},
}  # fmt: skip
"""Limits that a bench of many orders would break; all others are those of a desk."""
ANSWER = {"id": "", "client_order_id": "", "symbol": "S000", "status": "new", "qty": "10", "filled_qty": "0", "side": "buy", "type": "market"}


class Flip:
    """In and out at each quote of the first symbol whose bid is on the whole dollar; all others it only hears."""

    name = "flip"
    watches = (Watch("*", "quote"),)

    def on_quote(self, quote: Any, book: Any) -> Target | None:
        """Every quote."""
        if quote.bid % 1.0:
            return None
        return Target(quote.instrument, lots=0 if book.lots(quote.instrument) else 10, why="bench")


class Wire:
    """Carries requests nowhere: notes when an order's bytes are there, and says yes."""

    def __init__(self) -> None:
        self.at = 0
        self.body = b""
        self.count = 0

    async def call(self, method: str, path: str, *, query: str = "", body: bytes = b"", deadline_s: float = 10.0, urgent: bool = False) -> Answered:
        """One request."""
        self.at = time.perf_counter_ns()
        self.body = body
        self.count += 1
        said = ANSWER | {"id": f"id-{self.count}", "client_order_id": msgspec.json.decode(body)["client_order_id"] if body else ""}
        return Answered(200, msgspec.json.encode(said), {})

    async def close(self) -> None:
        """Nothing is open."""


def _frame(k: int, price: float, at: int) -> bytes:
    seconds, rest = divmod(at, 1_000_000_000)
    stamp = msgspec.msgpack.Ext(-1, (rest << 34 | seconds).to_bytes(8, "big"))
    return msgspec.msgpack.encode([{
        "T": "q", "S": SYMBOLS[k % 50], "bx": "V", "bp": price, "bs": 100, "ax": "V", "ap": price + 0.01, "as": 200, "c": ["R"], "z": "C", "t": stamp,
    }])  # fmt: skip


class Bench:
    """A desk without sockets. sync: of its journal; None: in memory, and no rows are recorded."""

    def __init__(self, folder: Path, sync: str | None) -> None:
        self.clock = Clock()
        door = quay.door("sim", "http://127.0.0.1:1", Secret("PKBENCH0"), Secret("benchsecret"))
        instruments = Instruments(Instrument(symbol=symbol) for symbol in SYMBOLS)
        self.recorder = quay.recorder(folder / "rows", "PABENCH") if sync else None
        if sync:
            journal: Any = quay.journal(folder / "journal", sync, Identity(account="PABENCH", mode="sim"), self.recorder)
        else:
            from argosy.engine.journal import MemoryJournal

            journal = MemoryJournal()
        self.journal = journal
        terms = Terms(limits=OFF, profile="desk", breakers=Breakers())
        wired = self.wired = quay.desk(door, (Wanted("flip", Flip),), instruments, terms, journal, cash=to_units(CASH, "USD"), clock=self.clock.now)
        self.wire = Wire()
        door.client.calls = self.wire
        self.node = Node(
            wired.engine, wired.venue, journal, self.clock, Folder(folder), sessions=Sessions({}), bars=Bars(wired.bars, ["24/7"] * 50, MINUTE),
            recorder=self.recorder,
        )  # fmt: skip
        wired.venue.listen(self.node.hear)
        wired.feed.listen(self.node.row)
        now = self.clock.now()
        wired.engine.open((CashFlow(now, now, "USD", to_units(CASH, "USD")),))

    async def run(self, orders: int, between: int) -> list[int]:
        """ns from a frame to its order's bytes, of so many frames that make one; `between` quiet frames lie before each."""
        feed, node, wire, engine = self.wired.feed, self.node, self.wire, self.wired.engine
        feed.heard(_frame(0, 100.5, self.clock.now()))
        taken = []
        count = 0
        for n in range(orders):
            for _ in range(between):
                count += 1
                feed.heard(_frame(count, 100.01 + count % 50 / 100, self.clock.now()))
            await asyncio.sleep(0)
            frame = _frame(0, 100.0, self.clock.now())
            before = wire.count
            begun = time.perf_counter_ns()
            feed.heard(frame)
            while wire.count == before:
                await asyncio.sleep(0)
            taken.append(wire.at - begun)
            await node.perform.idle(1.0)
            ticket = next(iter(engine.state.blotter.open[0].values()))
            now, order = self.clock.now(), ticket.order
            paid = order.side * order.lots * 100_000_000
            node.step(Fill(now, now, 0, order.id, f"x:{n}", order.side, order.lots, 100.0, paid, 0, leaves=0))
        return taken

    def close(self) -> None:
        """Give the folder back."""
        close = getattr(self.journal, "close", None)
        if close is not None:
            close()
        if self.recorder is not None:
            self.recorder.close()


def histogram(taken: list[int]) -> Any:
    """The times in ns, kept to three digits."""
    from hdrh.histogram import HdrHistogram

    made = HdrHistogram(1, 10_000_000_000, 3)
    for ns in taken:
        made.record_value(ns)
    return made


def inside(sync: str | None, orders: int, between: int = 20) -> tuple[float, float, float, str]:
    """p50, p99 and greatest time in µs, and what was wrong with the result."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), sync)

        async def whole() -> list[int]:
            await bench.run(200, between)
            gc.collect()
            gc.freeze()
            gc.disable()
            try:
                return await bench.run(orders, between)
            finally:
                gc.enable()

        try:
            import uvloop

            taken = uvloop.run(whole())
        except ImportError:
            taken = asyncio.run(whole())
        wrong = ""
        if bench.wire.count != orders + 200 or bench.node.broken is not None:
            wrong = f"{bench.wire.count} orders of {orders + 200} went out"
        elif sync and bench.recorder is not None:
            bench.journal.write()
            rows = bench.recorder.count
            if rows != bench.wired.engine.state.rows or rows < (orders + 200) * (between + 1):
                wrong = f"{rows} rows were recorded of {bench.wired.engine.state.rows}"
            elif sum(1 for _, record in bench.journal.records() if type(record) is Reply) != orders + 200:
                wrong = "replies are missing in the journal"
        bench.close()
    made = histogram(taken)
    return made.get_value_at_percentile(50) / 1e3, made.get_value_at_percentile(99) / 1e3, made.get_max_value() / 1e3, wrong


def figures(quick: bool) -> Iterator[Figure]:
    """Every figure of the desk."""
    orders = 1_000 if quick else 10_000
    for sync in ("group", "none", "each"):
        p50, p99, most, wrong = inside(sync, orders if sync != "each" else orders // 10)
        named = "" if sync == "group" else f".{sync}"
        yield figure(f"desk.p50{named}", p50, wrong=wrong)
        yield figure(f"desk.p99{named}", p99, wrong=wrong, note=f"max {most:.0f} µs of {orders} orders")
