"""Who listens to the streams: frames go out in order, each client at its own pace, and one that is too slow is sent away."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import Any, Protocol

from aiohttp import web

from argosy.core.time import SECOND
from argosy.exchange.accounts import Account
from argosy.exchange.faults import Frames, Rule
from argosy.exchange.market import kind_of
from argosy.exchange.streams import CHANNELS, DataTalk, TradingTalk, array, error, record
from argosy.exchange.wire import Body

PENDING_MAX = 200_000
"""Records or frames that may wait for one client of a data stream before it is called slow."""


class Torn(bytes):
    """A frame of which half is sent, and then the connection ends."""


class Reader(Protocol):
    """Somebody who hears trade updates in another way."""

    def told(self, account: Account, frame: Body) -> None: ...


class Peer:
    """One client. waiting: records (data) or frames (trading) that have not been sent; sent: all that were pushed; torn: it ends amid the next frame.

    kind: what its data stream carries, "" on the trading stream; number: the how many-th connection it is
    """

    def __init__(self, ws: web.WebSocketResponse, talk: TradingTalk | DataTalk, feed: str, hub: Hub, kind: str = "", number: int = 0) -> None:
        self.ws = ws
        self.hub = hub
        self.talk = talk
        self.feed = feed
        self.kind = kind
        self.number = number
        self.waiting: list[bytes] = []
        self.slow = False
        self.sent = 0
        self.torn = False
        self.writing = False
        self._some = asyncio.Event()

    @property
    def idle(self) -> bool:
        """Whether all that it should hear is written."""
        return not (self.waiting or self.writing) or self.ws.closed

    def push(self, piece: bytes) -> None:
        """Send something soon."""
        if self.slow:
            return
        if len(self.waiting) >= self.hub.slow_at and isinstance(self.talk, DataTalk):
            self.slow = True
            self.waiting = [piece]
        self.waiting.append(piece)
        self.sent += 1
        self._some.set()

    async def write(self) -> None:
        """Send what waits, until the connection ends."""
        talk = self.talk
        while not self.ws.closed:
            await self._some.wait()
            self._some.clear()
            pieces, self.waiting, self.writing = self.waiting, [], True
            try:
                if isinstance(talk, TradingTalk):
                    for frame in pieces:
                        await self._send(frame)
                elif self.slow:
                    await self._send(talk.encode(error(407)))
                    await self.ws.close()
                    return
                else:
                    for first in range(0, len(pieces), 1000):
                        await self._send(array(pieces[first : first + 1000], talk.packed))
            except (ConnectionError, RuntimeError):
                return
            finally:
                self.writing = False

    async def say(self, bodies: Iterable[Body]) -> None:
        """Answer a client at once."""
        frames = self.hub.data if isinstance(self.talk, DataTalk) else self.hub.trading
        for body in bodies:
            if not frames.rules:
                await self._send(self.talk.encode(body))
                continue
            for one, rule in frames.through(body, "control", body):
                for piece in mangled(self, self.talk.encode(one), one, rule):
                    await self._send(piece)

    async def _send(self, frame: bytes) -> None:
        text = isinstance(self.talk, DataTalk) and not self.talk.packed
        transport = transport_of(self.ws)
        if (self.torn or isinstance(frame, Torn)) and transport is not None:
            whole = b"".join(fragments(frame, len(frame), text))
            transport.write(whole[: max(len(whole) // 2, 1)])
            transport.close()
        elif self.hub.fragment and transport is not None:
            transport.write(b"".join(fragments(frame, self.hub.fragment, text)))
        elif text:
            await self.ws.send_str(frame.decode())
        else:
            await self.ws.send_bytes(frame)


class Hub:
    """All clients of both streams.

    trading, data: what happens to their frames on purpose; late: seconds by which trading frames are delayed
    auth_timeout:  seconds in which a client must say who it is; connections: of one account and data feed, 0 = any number
    most:          symbols of one data client, 0 = any number; counted: records and frames so far, by stream
    deaf: connections are open and nothing is heard or said; fragment: bytes in which frames are cut, 0 = whole; slow_at: records that may wait
    clock: the exchange's time where nothing moves by itself, None where delays are of the wall
    """

    def __init__(self, clock: Callable[[], int] | None = None) -> None:
        self.peers: dict[str, list[Peer]] = {"trading": [], "data": []}
        self.clock = clock
        self.counted = {"trading": 0, "data": 0}
        self.readers: list[Reader] = []
        self._late: list[tuple[int, int, Peer, bytes]] = []
        self._rank = 0
        self.clear()

    def clear(self) -> None:
        """Nothing is done on purpose."""
        self.trading, self.data = Frames(), Frames()
        self.late = 0.0
        self.auth_timeout = 10.0
        self.connections = 0
        self.most = 0
        self.slow_at = PENDING_MAX
        self.deaf = False
        self.fragment = 0

    @property
    def sent(self) -> int:
        """Records and frames so far."""
        return sum(self.counted.values())

    def told(self, account: Account, frame: Body) -> None:
        """A frame of trade_updates."""
        for reader in self.readers:
            reader.told(account, frame)
        peers = [p for p in self.peers["trading"] if isinstance(p.talk, TradingTalk) and p.talk.account is account and p.talk.listening]
        if not peers or self.deaf:
            return
        data = frame["data"]
        frames = self.trading
        out = frames.through((peers, frame), data["event"], data["order"]) if frames.busy else [((peers, frame), None)]
        for (listeners, one), rule in out:
            packed: dict[bool, bytes] = {}
            for peer in listeners:
                piece = packed.get(peer.talk.packed)
                if piece is None:
                    piece = packed[peer.talk.packed] = peer.talk.encode(one)
                for part in mangled(peer, piece, one, rule):
                    self._count("trading", peer, part)

    def _count(self, stream: str, peer: Peer, piece: bytes) -> None:
        self.counted[stream] += 1
        if not (self.late and stream == "trading"):
            peer.push(piece)
        elif self.clock is None:
            asyncio.get_running_loop().call_later(self.late, peer.push, piece)
        else:
            self._rank += 1
            heappush(self._late, (self.clock() + round(self.late * SECOND), self._rank, peer, piece))

    def release(self, now: int) -> None:
        """Send the frames whose delay is over, where nothing moves by itself."""
        while self._late and self._late[0][0] <= now:
            _, _, peer, piece = heappop(self._late)
            peer.push(piece)

    def published(self, channel: str, symbol: str, row: Any) -> None:
        """A record of market data."""
        peers = self.peers["data"]
        if not peers or self.deaf:
            return
        frames = self.data
        if not frames.busy:
            self._publish(channel, symbol, row, None)
            return
        kind = kind_of(symbol)
        if any(self._hears(peer, kind, channel, symbol) for peer in peers):
            about = {"S": symbol, **(row if isinstance(row, dict) else {})}
            for (way, name, one), rule in frames.through((channel, symbol, row), CHANNELS.get(channel, channel), about):
                self._publish(way, name, one, rule)

    def _hears(self, peer: Peer, kind: str, channel: str, symbol: str) -> bool:
        talk = peer.talk
        if not isinstance(talk, DataTalk) or talk.account is None or peer.kind != ("news" if channel == "news" else kind):
            return False
        return talk.wants(channel, "FAKEPACA" if peer.feed == "test" else symbol)

    def _publish(self, channel: str, symbol: str, row: Any, rule: Rule | None) -> None:
        packed: dict[bool, bytes] = {}
        kind = kind_of(symbol)
        for peer in self.peers["data"]:
            if not self._hears(peer, kind, channel, symbol):
                continue
            named = "FAKEPACA" if peer.feed == "test" else symbol
            way = peer.talk.packed
            piece = packed.get(way) if named == symbol else None
            if piece is None:
                piece = record(channel, named, row, way)
                if named == symbol:
                    packed[way] = piece
            for part in mangled(peer, piece, {"T": "pad"}, rule):
                self._count("data", peer, part)

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

    async def written(self, most_s: float = 10.0) -> bool:
        """When all that was pushed is written, or so many seconds later; False for the latter."""
        until = asyncio.get_running_loop().time() + most_s
        while not all(peer.idle for peers in self.peers.values() for peer in peers):
            if asyncio.get_running_loop().time() > until:
                return False
            await asyncio.sleep(0)
        return True


def mangled(peer: Peer, piece: bytes, body: Body, rule: Rule | None) -> list[bytes]:
    """What is sent of a frame or record on which a rule lies."""
    if rule is None:
        return [piece]
    if rule.what == "truncate":
        return [piece[: len(piece) // 2]]
    if rule.what == "tear":
        peer.torn = isinstance(peer.talk, DataTalk)
        return [Torn(piece)]
    if rule.what == "oversize":
        talk, pad = peer.talk, {**body, "pad": "x" * rule.size}
        if isinstance(talk, TradingTalk) or body.get("T") != "pad":
            return [talk.encode(pad)]
        return [piece, talk.encode(pad)[1:-1] if not talk.packed else talk.encode(pad)[1:]]
    return [piece]


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
