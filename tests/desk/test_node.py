"""A desk between two sockets: an order's bytes leave in the call in which its quote is read, and are written down before."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from argosy import quay
from argosy.core.events import CashFlow, Reply
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
from argosy.net.secret import Secret
from argosy.store.manifest import Identity

LOOPS = pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
LIMITS = {
    "duplicate": {"window_ms": None}, "order_rate": {"per_second": None, "per_minute_each": None}, "protection": {"required": False},
    "first_minutes": {"minutes": None}, "after_halt": {"market_wait_ms": None},
}  # fmt: skip


class Whole:
    """Buys where the bid is on the whole dollar."""

    name = "whole"
    watches = (Watch("*", "quote"),)

    def on_quote(self, quote: Any, book: Any) -> Target | None:
        return Target(quote.instrument, lots=10, why="whole") if quote.bid % 1.0 == 0.0 else None


def frame(symbol: str, bid: float) -> bytes:
    return msgspec.msgpack.encode([{"T": "q", "S": symbol, "bp": bid, "bs": 100, "ap": bid + 0.01, "as": 200}])


class Berth:
    """A desk at a broker who is one listening socket."""

    def __init__(self, folder: Path) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.clock = Clock()
        self.door = quay.door("sim", f"http://127.0.0.1:{self.listener.getsockname()[1]}", Secret("PKTEST"), Secret("hush"))
        self.recorder = quay.recorder(folder / "rows", "PA1")
        self.journal = quay.journal(folder / "journal", "none", Identity(account="PA1", mode="sim"), self.recorder)
        table = Instruments(Instrument(symbol=symbol) for symbol in ("A", "B"))
        terms = Terms(limits=LIMITS, profile="desk", breakers=Breakers())
        cash = to_units(1_000_000, "USD")
        self.wired = quay.desk(self.door, (Wanted("whole", Whole),), table, terms, self.journal, cash=cash, clock=self.clock.now)
        self.node = Node(
            self.wired.engine, self.wired.venue, self.journal, self.clock, Folder(folder), sessions=Sessions({}),
            bars=Bars(self.wired.bars, ["24/7"] * 2, MINUTE), recorder=self.recorder,
        )  # fmt: skip
        self.wired.venue.listen(self.node.hear)
        self.wired.feed.listen(self.node.row)
        now = self.clock.now()
        self.wired.engine.open((CashFlow(now, now, "USD", cash),))

    async def warm(self) -> socket.socket:
        """One idle connection to the broker, by a question that is answered; the broker's end of it."""
        ask = asyncio.ensure_future(self.door.client.clock())
        made, _ = await asyncio.to_thread(self.listener.accept)
        await asyncio.to_thread(made.recv, 4096)
        made.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await ask
        made.setblocking(False)
        return made

    async def close(self) -> None:
        await self.door.close()
        self.journal.close()
        self.recorder.close()
        self.listener.close()


def live(loop: str, work: Callable[[], Any]) -> None:
    if loop == "uvloop":
        import uvloop

        uvloop.run(work())
    else:
        asyncio.run(work())


@LOOPS
def test_an_order_has_left_when_its_quotes_frame_was_read_and_is_written_down_before(loop: str, tmp_path: Path) -> None:
    async def life() -> None:
        berth = Berth(tmp_path)
        there = await berth.warm()
        before = berth.journal.health().written
        berth.wired.feed.heard(frame("A", 100.01))
        with pytest.raises(BlockingIOError):
            there.recv(4096)
        berth.wired.feed.heard(frame("A", 100.0))
        head, _, body = there.recv(4096).partition(b"\r\n\r\n")  # no turn of the loop lies between
        assert head.startswith(b"POST /v2/orders HTTP/1.1\r\n")
        said = msgspec.json.decode(body)
        assert (said["symbol"], said["qty"], said["side"]) == ("A", "10", "buy")
        assert berth.journal.health().written > before
        assert berth.journal.health().written == berth.journal.seq
        told = msgspec.json.encode({"id": "x", "client_order_id": said["client_order_id"], "symbol": "A", "status": "new", "qty": "10"})
        there.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(told), told))
        assert await berth.node.perform.idle(2.0)
        assert [record.outcome for _, record in berth.journal.records() if type(record) is Reply] == ["accepted"]
        assert berth.node.broken is None
        there.close()
        await berth.close()

    live(loop, life)


@LOOPS
def test_two_orders_of_one_frame_leave_in_their_order(loop: str, tmp_path: Path) -> None:
    """Each on a connection of its own, the second as soon as one is open."""

    async def life() -> None:
        berth = Berth(tmp_path)
        there = await berth.warm()
        berth.wired.feed.heard(msgspec.msgpack.encode([msgspec.msgpack.decode(frame(symbol, 100.0))[0] for symbol in "AB"]))
        assert b'"symbol":"A"' in there.recv(4096)
        other, _ = await asyncio.to_thread(berth.listener.accept)
        assert b'"symbol":"B"' in await asyncio.to_thread(other.recv, 4096)
        other.close()
        there.close()
        await berth.node.perform.close()
        await berth.close()

    live(loop, life)
