"""One REST client for every venue: each call has a deadline and ends in a typed outcome; it never sends an order twice by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from argosy.core.errors import ArgosyError, Misconfigured
from argosy.net.breaker import Breaker
from argosy.net.guard import Hosts
from argosy.net.limits import Budget
from argosy.net.outcome import Answered, Failed, Outcome
from argosy.net.secret import Secret

if TYPE_CHECKING:
    import aiohttp

DEADLINE_S = 10.0
LARGEST = 32 << 20
"""Bytes of the largest reply that is read."""
_MARK: ContextVar[list[bool]] = ContextVar("argosy_net_mark")


class Calls(Protocol):
    """What can carry a request: the client below, or a cassette that plays one back."""

    async def call(
        self, method: str, path: str, *, query: str = "", body: bytes = b"", deadline_s: float = DEADLINE_S, urgent: bool = False
    ) -> Outcome: ...

    async def close(self) -> None: ...


def fast_headers(raw: Any) -> dict[str, str]:
    """Raw header pairs as text with names in lower case; the last of equal names wins."""
    return {name.lower(): value for name, value in raw.items()}


class Rest:
    """Requests to one host over kept-alive connections.

    base:    URL without a path; hosts: the door it must pass
    headers: sent with each request; a Secret among them is unveiled only here
    budget, breaker: None = unlimited, none
    Nothing is sent again: no redirect is followed, no request repeated on a connection that broke, not even a GET.
    """

    def __init__(
        self, base: str, hosts: Hosts, *, headers: Mapping[str, str | Secret] | None = None, budget: Budget | None = None,
        breaker: Breaker | None = None, connections: int = 16, keepalive_s: float = 15.0, largest: int = LARGEST,
    ) -> None:  # fmt: skip
        hosts.check(base)
        self.base = base.rstrip("/")
        self.hosts = hosts
        self.budget = budget
        self.breaker = breaker
        self._headers = dict(headers or {})
        self._connections = connections
        self._keepalive_s = keepalive_s
        self._largest = largest
        self._session: aiohttp.ClientSession | None = None
        self._urls: dict[str, Any] = {}
        self._closed = False
        self._broken: tuple[type[BaseException], ...] = ()

    async def __aenter__(self) -> Rest:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; later calls fail with CLOSED."""
        self._closed = True
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(
        self, method: str, path: str, *, query: str = "", body: bytes = b"", deadline_s: float = DEADLINE_S, urgent: bool = False
    ) -> Outcome:
        """One request. query: already encoded, without "?"; urgent: a cancel, which may use the reserve and pass the breaker."""
        if self._closed:
            return Failed("CLOSED", False)
        begun = time.monotonic()
        breaker, budget = self.breaker, self.budget
        if breaker is not None and not breaker.allows(begun, urgent):
            return Failed("CIRCUIT_OPEN", False)
        if budget is not None and budget.wait(urgent) > 0.0 and not await budget.take(begun + deadline_s, urgent):
            if breaker is not None:
                breaker.let_go()
            return Failed("RATE_LIMIT", False)
        try:
            outcome = await self._send(method, path, query, body, deadline_s - (time.monotonic() - begun))
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
                    breaker.bad(time.monotonic())
                else:
                    breaker.good()
        else:
            if budget is not None:
                budget.lost()
            if breaker is not None:
                breaker.bad(time.monotonic())
        return outcome

    async def _send(self, method: str, path: str, query: str, body: bytes, left_s: float) -> Outcome:
        if left_s <= 0.0:
            return Failed("DEADLINE", False)
        session = self._session or self._open()
        mark: list[bool] = []
        token = _MARK.set(mark)
        try:
            self.hosts.check_time()
            async with asyncio.timeout(left_s), session.request(
                method, self._url(path, query), data=body or None, allow_redirects=False
            ) as reply:  # fmt: skip
                size = reply.content_length
                if size is not None and size > self._largest:
                    reply.close()
                    return Failed("REPLY_TOO_LARGE", True, f"{size} bytes")
                return Answered(reply.status, await self._read(reply), fast_headers(reply.headers))
        except TimeoutError:
            return Failed("DEADLINE", bool(mark))
        except ArgosyError as error:
            return Failed(error.code, False, error.what)
        except self._broken as error:
            return Failed(_cause(error), bool(mark), type(error).__name__)
        finally:
            _MARK.reset(token)

    async def _read(self, reply: aiohttp.ClientResponse) -> bytes:
        if reply.content_length is not None:
            return await reply.read()
        parts: list[bytes] = []
        size = 0
        async for part in reply.content.iter_any():
            size += len(part)
            if size > self._largest:
                reply.close()
                raise _TooLarge
            parts.append(part)
        return b"".join(parts)

    def _url(self, path: str, query: str) -> Any:
        from yarl import URL

        if query or len(path) > 24:
            return URL(f"{self.base}{path}?{query}" if query else self.base + path, encoded=True)
        url = self._urls.get(path)
        if url is None:
            url = self._urls[path] = URL(self.base + path, encoded=True)
        return url

    def _open(self) -> aiohttp.ClientSession:
        try:
            import aiohttp
        except ImportError as error:
            raise Misconfigured("NET_MISSING", "aiohttp is not installed", fix="pip install 'argosy[desk]'") from error

        class Marked(aiohttp.TCPConnector):
            """A pool that notes when a request has got its connection: before that not one byte can have left."""

            async def connect(self, *arguments: Any, **named: Any) -> Any:
                connection = await super().connect(*arguments, **named)
                _MARK.get().append(True)
                return connection

        self._broken = (aiohttp.ClientError, OSError, ValueError, EOFError, _TooLarge)
        headers = {name: value.reveal() if isinstance(value, Secret) else value for name, value in self._headers.items()}
        connector = Marked(
            limit=self._connections, keepalive_timeout=self._keepalive_s, ttl_dns_cache=60, socket_factory=self.hosts.opened,
            happy_eyeballs_delay=0.25,
        )  # fmt: skip
        session = aiohttp.ClientSession(
            connector=connector, headers={"Content-Type": "application/json", **headers}, cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None), trust_env=False, auto_decompress=True,
        )  # fmt: skip
        session._retry_connection = False  # noqa: SLF001  (aiohttp repeats DELETE by itself on a broken connection; we never do)
        self._session = session
        return session


class _TooLarge(Exception):
    """A reply without a length went on too long."""


def _cause(error: BaseException) -> str:
    """The stable name of a broken call."""
    import aiohttp

    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "DNS"
    if isinstance(error, aiohttp.ClientSSLError):
        return "TLS"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "CONNECT"
    if isinstance(error, _TooLarge):
        return "REPLY_TOO_LARGE"
    if isinstance(error, aiohttp.ClientPayloadError | aiohttp.ClientResponseError | ValueError):
        return "BROKEN_REPLY"
    return "RESET"
