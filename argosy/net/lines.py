"""Connections to one host that are kept for the next request; who waits for one gets it in turn, and none is used that said something unasked."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from time import monotonic
from urllib.parse import urlsplit

from argosy.core.errors import ArgosyError
from argosy.net.guard import Hosts
from argosy.net.outcome import Failed, Outcome
from argosy.net.reply import Reply, Torn

OPEN_S = 30.0
"""How long a connection may take to open, whoever waits for it."""
RESERVED = 4
"""Connections beyond the most that only who is urgent may open: where all others are stuck on a host that is slow, a cancel still leaves."""
GOODBYE_S = 0.3
_EARLY_S = 0.002
"""Timers ring to the millisecond; one that rings this much early has rung."""
_NEVER = float("inf")


class Line(asyncio.Protocol):
    """One connection: one request at a time, its reply, and its own alarm clock for deadlines and idleness."""

    __slots__ = ("_alarm", "_due", "_flight", "_lines", "_loop", "_reply", "_rings", "_transport")

    def __init__(self, lines: Lines, loop: asyncio.AbstractEventLoop) -> None:
        self._lines: Lines | None = lines
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._flight: asyncio.Future[Outcome] | None = None
        self._reply = Reply(0)
        self._due = self._rings = _NEVER
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def open(self) -> bool:
        """Whether a request may be written to it."""
        return self._lines is not None and self._transport is not None and not self._transport.is_closing()

    def send(self, request: bytes, until: float, bodiless: bool = False) -> asyncio.Future[Outcome]:
        """Write a request now; what becomes of it, by `until` (monotonic seconds). From here on bytes of it can have left."""
        self._transport.write(request)  # type: ignore[union-attr]
        flight = self._flight = self._loop.create_future()
        self._reply = Reply(self._lines.largest if self._lines is not None else 0, bodiless)
        self._wake(until)
        return flight

    def rest(self, until: float) -> None:
        """Idle from now on, and closed at `until` (monotonic seconds)."""
        self._wake(until)

    def drop(self) -> None:
        """Give it up; who waits for a reply on it is told so."""
        self._end("RESET", "dropped")

    # -- what happens on it ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """A piece of the reply; anything else is no answer to anything, and ends it."""
        flight = self._flight
        if flight is None:
            self._end("RESET", "it spoke unasked")
            return
        try:
            if self._reply.feed(data):
                self._answered(flight)
        except Torn as wrong:
            self._end(wrong.cause, str(wrong))

    def eof_received(self) -> None:
        """The other side has said all that it will. Over TLS that proves nothing: anyone on the way can cut it."""
        flight, lines = self._flight, self._lines
        try:
            if flight is not None and lines is not None and not lines.secure and self._reply.over():
                self._answered(flight)
        except Torn as wrong:
            self._end(wrong.cause, str(wrong))

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone."""
        self._end("BROKEN_REPLY" if self._reply.begun and self._flight is not None else "RESET", type(error).__name__ if error else "closed")

    # -- inside ----------------------------------------------------------------------------------------------------------

    def _answered(self, flight: asyncio.Future[Outcome]) -> None:
        self._flight = None
        if not flight.done():
            flight.set_result(self._reply.answer)
        lines, out = self._lines, self._transport
        if self._reply.keeps and lines is not None and out is not None and not out.get_write_buffer_size():
            lines.put(self)
        else:
            self._end("RESET", "not kept")

    def _end(self, cause: str, why: str) -> None:
        lines, self._lines = self._lines, None
        flight, self._flight = self._flight, None
        if flight is not None and not flight.done():
            flight.set_result(Failed(cause, True, why))
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
        if lines is not None:
            lines.gone(self)

    def _wake(self, due: float) -> None:
        """Ring at `due`. An alarm that is set for earlier is left as it is: it looks again when it rings."""
        self._due = due
        if due < self._rings:
            if self._alarm is not None:
                self._alarm.cancel()
            self._rings = due
            self._alarm = self._loop.call_later(due - monotonic(), self._ring)

    def _ring(self) -> None:
        self._rings, self._alarm = _NEVER, None
        if self._due - monotonic() > _EARLY_S:
            self._wake(self._due)
        else:
            self._end("DEADLINE", "")


class Lines:
    """The connections to one host.

    connections: the most at once; keepalive_s: how long one is kept idle; largest: bytes of the largest reply
    spare: whether another is opened beforehand when the last idle one is taken, so that an order beside a poll waits for no handshake
    Who was last used is used first. Where none is idle, one is opened; who came first gets the first that is free, so that requests leave
    in the order in which they were asked for; who is urgent (a cancel) stands before who is not.
    """

    def __init__(self, base: str, hosts: Hosts, connections: int, keepalive_s: float, largest: int, spare: bool = False) -> None:
        parts = urlsplit(base)
        self.host = parts.hostname or ""
        self.secure = parts.scheme in ("https", "wss")
        self.port = parts.port or (443 if self.secure else 80)
        self.hosts = hosts
        self.connections = connections
        self.keepalive_s = keepalive_s
        self.largest = largest
        self.spare = spare
        self.closed = False
        self._context: ssl.SSLContext | None = None
        self._idle: list[Line] = []
        self._lines: set[Line] = set()
        self._dials: list[asyncio.Task[None]] = []
        self._waiting: deque[asyncio.Future[Line | Failed]] = deque()
        self._urgent: deque[asyncio.Future[Line | Failed]] = deque()
        self._ahead: asyncio.Task[None] | None = None

    def take(self) -> Line | None:
        """An idle connection, None where there is none: whoever waits for one gets it before it is idle."""
        while self._idle:
            line = self._idle.pop()
            if line.open:
                if self.spare and not self._idle:
                    asyncio.get_running_loop().call_soon(self._prepare)  # after the bytes of this request
                return line
        return None

    async def wait(self, left_s: float, urgent: bool = False) -> Line | Failed:
        """A connection in turn; Failed, surely not sent, where none comes within `left_s` seconds."""
        row = self._urgent if urgent else self._waiting
        loop = asyncio.get_running_loop()
        place: asyncio.Future[Line | Failed] = loop.create_future()
        row.append(place)
        self._dial()
        alarm = loop.call_later(left_s, _late, place)
        try:
            return await place
        except BaseException:
            if place.done() and not place.cancelled() and isinstance(given := place.result(), Line):
                self.put(given)  # who asked has gone; it is another's
            raise
        finally:
            alarm.cancel()
            if place in row:
                row.remove(place)
            while len(self._dials) > self._asking:
                self._dials.pop(0).cancel()  # nobody waits for it any more, and it may never be answered

    def put(self, line: Line) -> None:
        """A connection that is free again."""
        if self.closed or not line.open:
            line.drop()
            return
        for row in (self._urgent, self._waiting):
            if row is self._waiting and len(self._lines) > self.connections:
                line.drop()  # it was one more than the most, and nobody is urgent now
                return
            while row:
                place = row.popleft()
                if not place.done():
                    place.set_result(line)
                    return
        line.rest(monotonic() + self.keepalive_s)
        self._idle.append(line)

    def gone(self, line: Line) -> None:
        """A connection that is no more: there is room for another."""
        self._lines.discard(line)
        if line in self._idle:
            self._idle.remove(line)
        if self._asking and not self.closed:
            self._dial()

    async def close(self) -> None:
        """Close all; who waits is told so."""
        self.closed = True
        for row in (self._urgent, self._waiting):
            while row:
                place = row.popleft()
                if not place.done():
                    place.set_result(Failed("CLOSED", False))
        dials, self._dials = self._dials, []
        if self._ahead is not None:
            dials.append(self._ahead)
        for dial in dials:
            dial.cancel()
        for line in list(self._lines):
            line.drop()
        await asyncio.gather(*dials, return_exceptions=True)
        await asyncio.sleep(0)  # the loop closes the sockets in its next turn

    # -- inside ----------------------------------------------------------------------------------------------------------

    def _dial(self) -> None:
        """Open as many as are waited for, and as there is room for."""
        while len(self._dials) < self._asking and self._room():
            self._dials.append(asyncio.get_running_loop().create_task(self._open()))

    @property
    def _asking(self) -> int:
        return len(self._waiting) + len(self._urgent)

    def _room(self) -> bool:
        most = self.connections + min(RESERVED, len(self._urgent))
        return len(self._dials) + len(self._lines) + (self._ahead is not None) < most

    def _prepare(self) -> None:
        if not self.closed and not self._idle and self._ahead is None and self._room():
            self._ahead = asyncio.get_running_loop().create_task(self._open_ahead())

    async def _open_ahead(self) -> None:
        """Open one for whoever comes next. Nobody has asked for it: where it cannot be, who asks will be told why."""
        line: Line | None = None
        try:
            line = await self._connected()
        except (ArgosyError, OSError):  # no way, no name, no certificate, no time
            pass
        finally:
            self._ahead = None
        if line is not None:
            self._lines.add(line)
            self.put(line)
        elif self._asking:
            self._dial()  # there is room again

    async def _open(self) -> None:
        """Open one, and give it to who waits first; where it cannot be, who came last is told, for the others may still get one."""
        line: Line | None = None
        try:
            line = await self._connected()
        except TimeoutError:
            said = Failed("CONNECT", False, "TimeoutError")
        except ArgosyError as error:
            said = Failed(error.code, False, error.what)
        except ssl.SSLError as error:
            said = Failed("TLS", False, error.reason or type(error).__name__)
        except socket.gaierror as error:
            said = Failed("DNS", False, type(error).__name__)
        except OSError as error:
            said = Failed("CONNECT", False, type(error).__name__)
        finally:
            task = asyncio.current_task()
            self._dials = [dial for dial in self._dials if dial is not task]
        if line is not None:
            self._lines.add(line)
            self.put(line)
            return
        while row := self._waiting or self._urgent:
            place = row.pop()
            if not place.done():
                place.set_result(said)
                break
        self._dial()

    async def _connected(self) -> Line:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(OPEN_S):
            made = await self.hosts.connect(self.host, self.port)
            try:
                _, line = await loop.create_connection(
                    lambda: Line(self, loop), sock=made, ssl=self._tls() if self.secure else None,
                    server_hostname=self.host if self.secure else None,
                )  # fmt: skip
            except BaseException:
                made.close()
                raise
        return line

    def _tls(self) -> ssl.SSLContext:
        """The certificate must be this host's, from an authority that the machine trusts."""
        if self._context is None:
            self._context = ssl.create_default_context()
            self._context.set_alpn_protocols(["http/1.1"])
        return self._context


def _late(place: asyncio.Future[Line | Failed]) -> None:
    if not place.done():
        place.set_result(Failed("DEADLINE", False))
