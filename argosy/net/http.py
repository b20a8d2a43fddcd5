"""One REST client for every venue: each call has a deadline and ends in a typed outcome; it never sends an order twice by itself.

It speaks HTTP/1.1 on sockets of its own. Where a connection is idle, and budget and breaker permit, the bytes of a request leave before
`call` first waits for anything: whoever takes its first step at once has sent it at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from time import monotonic
from types import TracebackType
from typing import Protocol
from urllib.parse import urlsplit

from argosy import __version__
from argosy.core.errors import ArgosyError, Misconfigured
from argosy.net.breaker import Breaker
from argosy.net.guard import Hosts
from argosy.net.limits import Budget
from argosy.net.lines import Lines
from argosy.net.outcome import Answered, Failed, Outcome
from argosy.net.secret import Secret

DEADLINE_S = 10.0
LARGEST = 32 << 20
"""Bytes of the largest reply that is read."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_OURS = frozenset({"ARMING_ENDED", "HOST_FORBIDDEN", "REQUEST_INVALID", "CLOSED"})
"""What kept a request back on this side: it says nothing of the host, and must not shut the way out for what may still go."""
_visible = re.compile(r"[!-~]+\Z").match
_field = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~\x80-\xff]*\Z").match


class Calls(Protocol):
    """What can carry a request: the client below, or a cassette that plays one back."""

    async def call(
        self, method: str, path: str, *, query: str = "", body: bytes = b"", deadline_s: float = DEADLINE_S, urgent: bool = False
    ) -> Outcome: ...

    async def close(self) -> None: ...


class Rest:
    """Requests to one host over kept-alive connections.

    base:    URL without a query; hosts: the door it must pass
    headers: sent with each request; a Secret among them is unveiled only here
    budget, breaker: None = unlimited, none; spare: whether a connection is opened beforehand, see `Lines`
    Nothing is sent again: no redirect is followed, no request repeated on a connection that broke, not even a GET. What is asked for may
    come packed (gzip); what changes something is answered plain.
    """

    def __init__(
        self, base: str, hosts: Hosts, *, headers: Mapping[str, str | Secret] | None = None, budget: Budget | None = None,
        breaker: Breaker | None = None, connections: int = 16, keepalive_s: float = 15.0, largest: int = LARGEST, spare: bool = False,
    ) -> None:  # fmt: skip
        hosts.check(base)
        self.base = base.rstrip("/")
        self.hosts = hosts
        self.budget = budget
        self.breaker = breaker
        self._headers = dict(headers or {})
        self._lines = Lines(self.base, hosts, connections, keepalive_s, largest, spare)
        self._head = _Head(self.base, self._headers)

    async def __aenter__(self) -> Rest:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; later calls fail with CLOSED."""
        await self._lines.close()

    async def call(
        self, method: str, path: str, *, query: str = "", body: bytes = b"", deadline_s: float = DEADLINE_S, urgent: bool = False
    ) -> Outcome:
        """One request. query: already encoded, without "?"; urgent: a cancel, which may use the reserve and pass the breaker."""
        if self._lines.closed:
            return Failed("CLOSED", False)
        until = monotonic() + deadline_s
        breaker, budget = self.breaker, self.budget
        if breaker is not None and not breaker.allows(until - deadline_s, urgent):
            return Failed("CIRCUIT_OPEN", False)
        if budget is not None and budget.wait(urgent) > 0.0 and not await budget.take(until, urgent):
            if breaker is not None:
                breaker.let_go()
            return Failed("RATE_LIMIT", False)
        try:
            outcome = await self._send(method, path, query, body, until, urgent)
        except BaseException:  # given up by who asked: neither its place in the budget nor the fuse's one trial may be kept for ever
            if budget is not None:
                budget.lost()
            if breaker is not None:
                breaker.let_go()
            raise
        if isinstance(outcome, Answered):
            if budget is not None:
                budget.heard(outcome.status, outcome.headers)
            if breaker is not None:
                if outcome.status >= 500:
                    breaker.bad(monotonic())
                else:
                    breaker.good()
        else:
            if budget is not None:
                budget.lost()
            if breaker is not None:
                if outcome.cause in _OURS:
                    breaker.let_go()
                else:
                    breaker.bad(monotonic())
        return outcome

    async def _send(self, method: str, path: str, query: str, body: bytes, until: float, urgent: bool) -> Outcome:
        """Surely nothing left before `Line.send`; after it something may have."""
        request = self._head.request(method, path, query, body)
        if request is None:
            return Failed("REQUEST_INVALID", False, "a path, a query and a method are visible ASCII")
        left = until - monotonic()
        if left <= 0.0:
            return Failed("DEADLINE", False)
        refused = self._refused()
        if refused is not None:
            return refused
        line = self._lines.take()
        if line is None:
            given = await self._lines.wait(left, urgent)
            if isinstance(given, Failed):
                return given
            line = given
            refused = self._refused() if line.open else Failed("RESET", False, "closed before it was used")
            if refused is not None:
                self._lines.put(line)
                return refused
        flight = line.send(request, until, method == "HEAD")
        try:
            return await flight
        except BaseException:
            line.drop()  # whose reply nobody waits for can carry no other
            raise

    def _refused(self) -> Failed | None:
        """Whether the door is shut by now."""
        try:
            self.hosts.check_time()
        except ArgosyError as error:
            return Failed(error.code, False, error.what)
        return None


class _Head:
    """What every request to a host begins with. It does not show what it holds: keys are in it."""

    __slots__ = ("_known", "_prefix", "_reads", "_writes")

    def __init__(self, base: str, headers: Mapping[str, str | Secret]) -> None:
        parts = urlsplit(base)
        host = parts.netloc
        own = {name.lower() for name in headers}
        given = {name: value.reveal() if isinstance(value, Secret) else value for name, value in headers.items()}
        always = {"Host": host, "User-Agent": f"argosy/{__version__}", "Accept": "*/*", "Content-Type": "application/json"}
        lines = [f"{name}: {value}" for name, value in always.items() if name.lower() not in own]
        lines += [f"{name}: {value}" for name, value in given.items()]
        if any(_field(line) is None for line in lines):
            raise Misconfigured("NET_HEADERS", "a header of the requests holds what no header may", fix="see the key for spaces and line breaks")
        head = "".join(f"{line}\r\n" for line in lines)
        packing = "" if "accept-encoding" in own else "Accept-Encoding: gzip\r\n"
        plain = "" if "accept-encoding" in own else "Accept-Encoding: identity\r\n"
        self._prefix = parts.path
        self._reads = f" HTTP/1.1\r\n{head}{packing}".encode("latin-1")
        self._writes = f" HTTP/1.1\r\n{head}{plain}".encode("latin-1")
        self._known: dict[tuple[str, str], bytes] = {}

    def request(self, method: str, path: str, query: str, body: bytes) -> bytes | None:
        """The whole request, None where it cannot be said."""
        head = self._known.get((method, path)) if not query else None
        if head is None:
            target = f"{self._prefix}{path}?{query}" if query else f"{self._prefix}{path}"
            if method not in _METHODS or target[:1] != "/" or _visible(target) is None:
                return None
            head = f"{method} {target}".encode("ascii") + (self._reads if method in ("GET", "HEAD") else self._writes)
            if not query and len(path) <= 24 and len(self._known) < 256:
                self._known[method, path] = head
        if body or method in ("POST", "PUT", "PATCH"):
            return b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)
        return head + b"\r\n"
