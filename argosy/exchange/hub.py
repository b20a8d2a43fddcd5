"""Who listens to the streams: frames go out in order, each client at its own pace, and one that is too slow is sent away."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import web

from argosy.exchange.accounts import Account
from argosy.exchange.faults import Frames
from argosy.exchange.streams import DataTalk, TradingTalk, array, error, record
from argosy.exchange.wire import Body

PENDING_MAX = 200_000
"""Records or frames that may wait for one client of a data stream before it is called slow."""


class Peer:
    """One client. waiting: records (data) or frames (trading) that have not been sent."""

    def __init__(self, ws: web.WebSocketResponse, talk: TradingTalk | DataTalk, feed: str, hub: Hub) -> None:
        self.ws = ws
        self.hub = hub
        self.talk = talk
        self.feed = feed
        self.waiting: list[bytes] = []
        self.slow = False
        self._some = asyncio.Event()

    def push(self, piece: bytes) -> None:
        """Send something soon."""
        if self.slow:
            return
        if len(self.waiting) >= self.hub.slow_at and isinstance(self.talk, DataTalk):
            self.slow = True
            self.waiting = [piece]
        self.waiting.append(piece)
        self._some.set()

    async def write(self) -> None:
        """Send what waits, until the connection ends."""
        talk = self.talk
        while not self.ws.closed:
            await self._some.wait()
            self._some.clear()
            pieces, self.waiting = self.waiting, []
            try:
                if isinstance(talk, TradingTalk):
                    for frame in pieces:
                        await self._send(frame)
                elif self.slow:
                    await self.say([error(407)])
                    await self.ws.close()
                    return
                else:
                    for first in range(0, len(pieces), 1000):
                        await self._send(array(pieces[first : first + 1000], talk.packed))
            except (ConnectionError, RuntimeError):
                return

    async def say(self, bodies: Iterable[Body]) -> None:
        """Answer a client at once."""
        for body in bodies:
            await self._send(self.talk.encode(body))

    async def _send(self, frame: bytes) -> None:
        text = isinstance(self.talk, DataTalk) and not self.talk.packed
        transport = transport_of(self.ws)
        if self.hub.fragment and transport is not None:
            transport.write(b"".join(fragments(frame, self.hub.fragment, text)))
        elif text:
            await self.ws.send_str(frame.decode())
        else:
            await self.ws.send_bytes(frame)


class Hub:
    """All clients of both streams.

    trading, data: what happens to their frames on purpose; late: seconds by which trading frames are delayed
    auth_timeout:  seconds in which a client must say who it is; connections: of one account and data feed, 0 = any number
    most:          symbols of one data client, 0 = any number; sent: records and frames so far
    deaf: connections are open and nothing is heard or said; fragment: bytes in which frames are cut, 0 = whole; slow_at: records that may wait
    """

    def __init__(self) -> None:
        self.peers: dict[str, list[Peer]] = {"trading": [], "data": []}
        self.trading, self.data = Frames(), Frames()
        self.late = 0.0
        self.auth_timeout = 10.0
        self.connections = 0
        self.most = 0
        self.slow_at = PENDING_MAX
        self.deaf = False
        self.fragment = 0
        self.sent = 0

    def told(self, account: Account, frame: Body) -> None:
        """A frame of trade_updates."""
        for peer in self.peers["trading"]:
            talk = peer.talk
            if isinstance(talk, TradingTalk) and talk.account is account and talk.listening:
                for one in self.trading.through(talk.encode(frame)):
                    self.sent += 1
                    self._later(peer.push, one)

    def _later(self, push: Callable[[bytes], None], frame: bytes) -> None:
        if self.late:
            asyncio.get_running_loop().call_later(self.late, push, frame)
        else:
            push(frame)

    def published(self, channel: str, symbol: str, row: Any) -> None:
        """A record of market data."""
        packed: dict[bool, bytes] = {}
        for peer in self.peers["data"]:
            talk = peer.talk
            named = "FAKEPACA" if peer.feed == "test" else symbol
            if not isinstance(talk, DataTalk) or talk.account is None or not talk.wants(channel, named):
                continue
            piece = packed.get(talk.packed) if named == symbol else None
            if piece is None:
                piece = record(channel, named, row, talk.packed)
                if named == symbol:
                    packed[talk.packed] = piece
            for one in self.data.through(piece):
                self.sent += 1
                peer.push(one)

    def full(self, account: Account, feed: str) -> bool:
        """Whether an account may not have another connection to a data feed."""
        mine = [p for p in self.peers["data"] if p.talk.account is account and p.feed == feed]
        return bool(self.connections) and len(mine) >= self.connections

    async def close(self, which: str = "all", rude: bool = False) -> int:
        """End the connections of a stream; rude: without a word. Returns how many there were."""
        closed = 0
        for name, peers in self.peers.items():
            if which not in ("all", name):
                continue
            for peer in list(peers):
                closed += 1
                if rude:
                    cut(peer.ws)
                else:
                    await peer.ws.close(code=1001, message=b"going away")
        return closed


def fragments(frame: bytes, size: int, text: bool) -> list[bytes]:
    """The frames of one message that is cut into pieces, as a server sends them (RFC 6455, 5.4)."""
    pieces = [frame[at : at + size] for at in range(0, len(frame), size)] or [b""]
    out = []
    for place, piece in enumerate(pieces):
        first = (0x80 if place == len(pieces) - 1 else 0) | ((1 if text else 2) if place == 0 else 0)
        length = len(piece)
        if length < 126:
            head = struct.pack(">BB", first, length)
        elif length < 1 << 16:
            head = struct.pack(">BBH", first, 126, length)
        else:
            head = struct.pack(">BBQ", first, 127, length)
        out += [head, piece]
    return out


def transport_of(ws: web.WebSocketResponse) -> asyncio.Transport | None:
    """What a connection writes to; None when it is gone."""
    request = ws._req  # noqa: SLF001 the library has no public door to it
    return request.transport if request is not None else None


def cut(ws: web.WebSocketResponse) -> None:
    """End a connection without a closing frame."""
    transport = transport_of(ws)
    if transport is not None:
        transport.abort()
