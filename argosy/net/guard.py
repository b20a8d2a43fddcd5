"""Which hosts may be spoken to: the last door before a socket; it never opens for a name that is not on its list."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn
from urllib.parse import urlsplit

from argosy.core.errors import Misconfigured, Rejected

SCHEMES = frozenset({"http", "https", "ws", "wss"})
STAGGER_S = 0.25
"""An address that has not answered for so long is not waited for alone."""


_MINT = object()
"""What makes a proof; the arming ceremony alone takes it (a test reads every file of the house for that)."""


class Armed:
    """The proof that the owner armed live trading. Nothing makes one but `desk.arming.arm`, from a signed record that holds.

    account: number of the account; venue: whose hosts it opens; until_ns: ns UTC at which it ends
    record:  hash of the signed record that it stands for
    size_cap_usd: the largest order; first_cap_usd: the same from at_ns, when the proof was made, until first_until_ns
    It cannot be changed, copied or pickled. Misconfigured("NOT_ARMED") for anyone else who makes one.
    """

    __slots__ = ("account", "at_ns", "first_cap_usd", "first_until_ns", "record", "size_cap_usd", "until_ns", "venue")
    account: str
    venue: str
    until_ns: int
    record: str
    size_cap_usd: float
    first_cap_usd: float
    at_ns: int
    first_until_ns: int

    def __init__(
        self, mint: object, *, account: str, venue: str, until_ns: int, record: str, size_cap_usd: float = 0.0, first_cap_usd: float = 0.0,
        at_ns: int = 0, first_until_ns: int = 0,
    ) -> None:  # fmt: skip
        if mint is not _MINT:
            raise Misconfigured("NOT_ARMED", "a proof of arming is made by the ceremony alone", fix="argosy arm")
        told = (account, at_ns, first_cap_usd, first_until_ns, record, size_cap_usd, until_ns, venue)
        for name, value in zip(self.__slots__, told, strict=True):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a proof of arming is not changed")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a proof of arming is not changed")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a proof of arming is not copied")

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("a proof of arming has no other kinds")

    def __repr__(self) -> str:
        return f"Armed({self.account}, until {self.until_ns}, record {self.record[:12]})"


class Hosts:
    """The hosts that a connection may go to.

    names:    exact host names, over TLS only; loopback: this machine alone, whatever a name resolves to
    until_ns: ns UTC after which nothing more is let out (an arming that ends); 0: no end
    clock:    ns UTC, asked only where there is an end
    Raises Misconfigured("HOST_FORBIDDEN") for another host, Rejected("ARMING_ENDED") after the end.
    """

    def __init__(
        self, names: frozenset[str] = frozenset(), *, loopback: bool = False, until_ns: int = 0, clock: Callable[[], int] | None = None
    ) -> None:
        if loopback == bool(names):
            raise Misconfigured("HOSTS", "hosts are named, or loopback, and never both or neither")
        if until_ns and clock is None:
            raise Misconfigured("HOSTS", "hosts with an end need a clock")
        self.names = names
        self.loopback = loopback
        self._until_ns = until_ns
        self._clock = clock

    def check(self, url: str) -> None:
        """Refuse a URL that is not let out."""
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        if parts.scheme not in SCHEMES or parts.username is not None or parts.password is not None:
            raise _forbidden(url)
        if self.loopback:
            if host != "localhost" and not is_loopback(host):
                raise _forbidden(url)
        elif host not in self.names or parts.scheme not in ("https", "wss") or parts.port not in (None, 443):
            raise _forbidden(url)
        self.check_time()

    def check_time(self) -> None:
        """Refuse when the end has come."""
        if self._until_ns and self._clock is not None and self._clock() >= self._until_ns:
            raise Rejected("ARMING_ENDED", "live trading is no longer armed", fix="arm it again")

    def opened(self, address: Any) -> socket.socket:
        """A socket for a resolved address (family, type, protocol, name, sockaddr), small writes unheld; the address is checked."""
        family, kind, protocol, _, where = address
        if self.loopback and not is_loopback(str(where[0])):
            raise _forbidden(f"{where[0]}")
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        return made

    async def connect(self, host: str, port: int) -> socket.socket:
        """A connected socket; OSError when none of the host's addresses answers.

        The next address is tried when one failed, or has not answered within STAGGER_S; the first that answers is taken.
        """
        loop = asyncio.get_running_loop()
        left = list(await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        if len(left) == 1:
            return await self._reach(left[0])
        last: Exception = OSError(f"{host} has no address")
        tries: list[asyncio.Task[socket.socket]] = []
        taken: socket.socket | None = None
        try:
            while taken is None and (left or tries):
                if left:
                    tries.append(loop.create_task(self._reach(left.pop(0))))
                await asyncio.wait(tries, timeout=STAGGER_S if left else None, return_when=asyncio.FIRST_COMPLETED)
                for one in [one for one in tries if one.done()]:
                    try:
                        taken = taken or one.result()
                    except OSError as error:
                        last = error
                        tries.remove(one)
        finally:
            for one in tries:
                one.cancel()
                one.add_done_callback(partial(_shut, taken))
        if taken is None:
            raise last
        return taken

    async def _reach(self, address: Any) -> socket.socket:
        made = self.opened(address)
        try:
            await asyncio.get_running_loop().sock_connect(made, address[4])
        except BaseException:
            made.close()
            raise
        return made


def _shut(taken: socket.socket | None, one: asyncio.Task[socket.socket]) -> None:
    """A connection that came too late, or that nobody waits for, is closed."""
    if not one.cancelled() and one.exception() is None and one.result() is not taken:
        one.result().close()


def is_loopback(host: str) -> bool:
    """Whether a text is an address of this machine itself; a name never is."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _forbidden(url: str) -> Misconfigured:
    parts = urlsplit(url) if "://" in url else None
    shown = f"{parts.scheme}://{parts.hostname}" if parts is not None else url
    return Misconfigured("HOST_FORBIDDEN", f"{shown} is not a host of this mode", fix="see the venue's modes: sim, paper, live")
