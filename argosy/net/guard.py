"""Which hosts may be spoken to: the last door before a socket; it never opens for a name that is not on its list."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from argosy.core.errors import Misconfigured, Rejected

SCHEMES = frozenset({"http", "https", "ws", "wss"})


class Armed(msgspec.Struct, frozen=True, kw_only=True):
    """The proof that the owner armed live trading; only the arming ceremony makes one.

    account: number of the account; venue: whose hosts it opens; until_ns: ns UTC at which it ends
    record:  hash of the signed record that it stands for
    """

    account: str
    venue: str
    until_ns: int
    record: str


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
        """A connected socket; OSError when none of the host's addresses answers."""
        loop = asyncio.get_running_loop()
        last: OSError = OSError(f"{host} has no address")
        for address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            made = self.opened(address)
            try:
                await loop.sock_connect(made, address[4])
            except OSError as error:
                made.close()
                last = error
            except BaseException:
                made.close()
                raise
            else:
                return made
        raise last


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
