"""Alpaca's market data streams as core's events, from the socket to the listener without a queue; it invents no price and fills no gap."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from argosy.core.events import Bar, Event, Fact, Gap, Quote, Status, Trade
from argosy.core.instrument import Instruments
from argosy.core.time import MINUTE
from argosy.net.link import Link
from argosy.net.secret import Secret
from argosy.net.stream import Denied, Stream
from argosy.venues.alpaca import messages as ms
from argosy.venues.alpaca.codec import Oddities
from argosy.venues.alpaca.modes import Place

NAN = float("nan")
CHANNELS = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds")
HALTS = frozenset({"2", "H", "P"})
"""Codes by which trading stops: CTS "2" halt, UTP "H" halted and "P" paused."""
quote_message, trade_message, moment = ms.QuoteMessage, ms.TradeMessage, ms.moment
"""Near at hand for the hot path."""
RESUMES = frozenset({"3", "T"})
WAITS = {401: 10.0, 402: 10.0, 404: 1.0, 405: 30.0, 406: 10.0, 407: 1.0, 408: 60.0, 409: 60.0, 410: 60.0, 411: 60.0, 500: 2.0}
"""Seconds to stay away after each refusal; 406 may last until the old connection is reaped."""


class Feed:
    """The speaker of one data stream.

    listener: gets each event where the frame is read, so it must be quick; other: messages that are no event of core (late
    corrections, bands, bars told again, unknown ones), as records
    wants:    channel -> symbols ("*" for all); only symbols of `instruments` become events
    clock:    ns UTC, asked once a frame: `known` of its first event; each later one was known a nanosecond later, so that none are
        taken for one instant
    After each return of the stream a Gap says that something may be missing.
    """

    def __init__(
        self, key: Secret, secret: Secret, instruments: Instruments, wants: Mapping[str, list[str]], listener: Callable[[Event], None], *,
        other: Callable[[Any], None] | None = None, clock: Callable[[], int] = time.time_ns, odd: Oddities | None = None,
        name: str = "alpaca", pack: bool = True, turned: Callable[[bool, str], None] | None = None,
    ) -> None:  # fmt: skip
        self.odd = odd or Oddities()
        self.wants = {channel: list(symbols) for channel, symbols in wants.items() if symbols}
        self.subscribed: dict[str, list[str]] = {}
        self.bands: dict[int, tuple[float, float]] = {}
        self.heard_ns = 0
        self._told = 0
        self.frames = 0
        self._key, self._secret = key, secret
        self._ids = {row.symbol: row.id for row in instruments}
        self._find = self._ids.get
        self._listener = listener
        self._other = other or _nobody
        self._clock = clock
        self._name = name
        self._pack = pack
        self._turned = turned or _unturned
        self._messages = ms.Messages(self.odd)
        self._quick = self._messages.pack if pack else self._messages.json
        self._steps: asyncio.Queue[Any] = asyncio.Queue(64)
        self._ups = 0

    def stream(self, place: Place, url: str, **named: Any) -> Stream:
        """The kept connection that this speaks on; MessagePack where `pack`."""
        headers = {"Content-Type": "application/msgpack"} if self._pack else {}
        return Stream(url, place.data_hosts, self, headers=headers, **named)

    # -- the hot path ----------------------------------------------------------------------------------------------------

    def heard(self, message: bytes) -> None:
        """One frame: each of its messages becomes an event at once."""
        began = self.heard_ns = max(self._clock(), self.heard_ns + self._told)
        self.frames += 1
        listener, find = self._listener, self._find
        try:
            rows: list[Any] = self._quick(message)
        except ms.WRONG:
            rows = self._messages.decode(message)
        self._told = len(rows) + 1
        for known, row in enumerate(rows, began):
            kind = type(row)
            if kind is quote_message:
                i = find(row.S)
                if i is not None:
                    bid, ask = row.bp, row.ap
                    if bid > 0.0 and ask > 0.0:
                        listener(Quote(moment(row.t) or known, known, i, bid, ask, row.bs, row.asize))
                    else:
                        listener(_one_sided(row, known, i))
            elif kind is trade_message:
                i = find(row.S)
                if i is not None and row.p > 0.0:
                    listener(Trade(moment(row.t) or known, known, i, row.p, row.s))
            else:
                self._rarer(kind, row, known)

    def _rarer(self, kind: type, row: Any, known: int) -> None:
        if kind is ms.BarMessage:
            i = self._ids.get(row.S)
            start = ms.moment(row.t)
            if i is not None and start and row.o > 0.0:
                self._listener(Bar(start, max(known, start + MINUTE), i, row.o, row.h, row.l, row.c, row.v, MINUTE))
        elif kind is ms.StatusMessage:
            self._status(row, known)
        elif kind is ms.BandMessage:
            i = self._ids.get(row.S)
            if i is not None and row.u > 0.0:
                self.bands[i] = (row.d, row.u)
            self._other(row)
        elif kind is ms.NewsMessage:
            self._news(row, known)
        elif kind is ms.SuccessMessage or kind is ms.ErrorMessage or kind is ms.SubscriptionMessage:
            self._control(row)
        else:
            self._other(row)

    def _status(self, row: ms.StatusMessage, known: int) -> None:
        i = self._ids.get(row.S)
        if i is None:
            return
        ts = ms.moment(row.t) or known
        reason = " ".join(part for part in (row.sc, row.sm, row.rc, row.rm) if part)
        if row.sc in HALTS:
            self._listener(Status(ts, known, i, True, reason))
        elif row.sc in RESUMES:
            self._listener(Status(ts, known, i, False, reason))
        else:
            self._other(row)

    def _news(self, row: ms.NewsMessage, known: int) -> None:
        """A fact for each of our symbols that the headline names, else one of no instrument."""
        ids = [i for symbol in row.symbols or () if (i := self._ids.get(symbol)) is not None] or [-1]
        ts = ms.moment(row.created_at) or known
        for i in ids:
            self._listener(Fact(ts, known, f"{self._name}.news", str(row.id), NAN, row.headline, i))

    # -- the talk ---------------------------------------------------------------------------------------------------------

    def _control(self, row: Any) -> None:
        if type(row) is ms.SubscriptionMessage:
            self.subscribed = {
                channel: symbols for channel in (*CHANNELS, "news") if (symbols := getattr(row, channel)) is not None and symbols
            }
        if self._steps.full():
            self._steps.get_nowait()
        self._steps.put_nowait(row)
        if type(row) is ms.ErrorMessage:
            self.odd.keep("error", (row.code, row.msg))

    async def greet(self, link: Link) -> None:
        """Log in and subscribe to all that is wanted."""
        await self._expect("connected")
        self._say(link, {"action": "auth", "key": self._key.reveal(), "secret": self._secret.reveal()})
        await self._expect("authenticated")
        if self.wants:
            self._say(link, {"action": "subscribe", **self.wants})
            await self._expect("")

    async def _expect(self, message: str) -> None:
        """The next step: a success with this message, or with "" the subscription."""
        while True:
            row = await self._steps.get()
            if type(row) is ms.ErrorMessage:
                raise Denied(row.code, row.msg, wait_s=WAITS.get(row.code, 1.0))
            if type(row) is ms.SubscriptionMessage and not message:
                return
            if type(row) is ms.SuccessMessage and row.msg == message:
                return

    def _say(self, link: Link, thing: dict[str, Any]) -> None:
        link.send(msgspec.msgpack.encode(thing) if self._pack else msgspec.json.encode(thing), self._pack)

    def listen(self, listener: Callable[[Event], None]) -> None:
        """From now on this one gets each event."""
        self._listener = listener

    def want(self, stream: Stream, channel: str, symbols: list[str]) -> bool:
        """Subscribe to more; kept for the next connection too. Whether it could be said on this one."""
        have = self.wants.setdefault(channel, [])
        fresh = [symbol for symbol in symbols if symbol not in have]
        have += fresh
        return not fresh or self._ask(stream, {"action": "subscribe", channel: fresh})

    def unwant(self, stream: Stream, channel: str, symbols: list[str]) -> bool:
        """Unsubscribe."""
        self.wants[channel] = [symbol for symbol in self.wants.get(channel, ()) if symbol not in symbols]
        if not self.wants[channel]:
            del self.wants[channel]
        return self._ask(stream, {"action": "unsubscribe", channel: symbols})

    def _ask(self, stream: Stream, thing: dict[str, Any]) -> bool:
        return stream.send(msgspec.msgpack.encode(thing) if self._pack else msgspec.json.encode(thing), self._pack)

    def up(self) -> None:
        """Subscribed; after a first time, something may have been missed meanwhile."""
        self._ups += 1
        if self._ups > 1:
            now = self._clock()
            self._listener(Gap(now, now, -1, self._name))
        self._turned(True, "")

    def down(self, why: str) -> None:
        """Gone; what was said on it counts no more."""
        while not self._steps.empty():
            self._steps.get_nowait()
        self._turned(False, why)


def _one_sided(row: ms.QuoteMessage, known: int, i: int) -> Quote:
    """A quote of which a side is missing: no price there, and no size."""
    bid, ask = row.bp, row.ap
    return Quote(
        moment(row.t) or known, known, i, bid if bid > 0.0 else NAN, ask if ask > 0.0 else NAN, row.bs if bid > 0.0 else 0.0,
        row.asize if ask > 0.0 else 0.0,
    )  # fmt: skip


def _nobody(row: Any) -> None:
    """Nobody listens to the rest."""


def _unturned(up: bool, why: str) -> None:
    """Nobody asks how the stream is."""
