"""Where Alpaca is, by mode: sim is this machine alone, paper its paper host alone, live only with the proof of arming."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from argosy.core.errors import Misconfigured
from argosy.net.guard import Armed, Hosts
from argosy.net.secret import Secret

Mode = Literal["sim", "paper", "live"]
DATA = "data.alpaca.markets"
STREAM = "stream.data.alpaca.markets"
TRADING = {"paper": "paper-api.alpaca.markets", "live": "api.alpaca.markets"}
PREFIX = {"paper": "PK", "live": "AK"}
"""How the ids of keys begin."""


class Place(NamedTuple):
    """The addresses of one mode and the doors that lead to them, one for orders and one for data.

    trading, data: REST base URLs without a path; account: the account stream; feeds: base of the data streams
    """

    mode: Mode
    trading: str
    data: str
    account: str
    feeds: str
    hosts: Hosts
    data_hosts: Hosts

    def feed(self, name: str) -> str:
        """URL of the stock stream `iex`, `sip`, `delayed_sip` or `test`."""
        return f"{self.feeds}/v2/{name}"

    @property
    def news(self) -> str:
        return f"{self.feeds}/v1beta1/news"


def place(mode: Mode, *, base: str = "", armed: Armed | None = None, clock: Callable[[], int] = time.time_ns) -> Place:
    """The addresses of a mode.

    base: in sim, the exchange's URL on this machine, like http://127.0.0.1:8900; in other modes empty or the mode's own host
    Raises Misconfigured: HOST_FORBIDDEN for a base that is not the mode's, NOT_ARMED for live without a proof that holds.
    """
    if mode == "sim":
        hosts = Hosts(loopback=True)
        hosts.check(base)
        base = base.rstrip("/")
        if urlsplit(base).path:
            raise Misconfigured("HOST_FORBIDDEN", f"{base} has a path", fix="name host and port alone")
        sockets = "ws" + base.removeprefix("http")
        return Place(mode, base, base, f"{sockets}/stream", sockets, hosts, hosts)
    if mode not in TRADING:
        raise Misconfigured("MODE", f"{mode!r} is no mode of Alpaca", fix="sim, paper or live")
    name = TRADING[mode]
    if base and urlsplit(base).hostname != name:
        raise Misconfigured("HOST_FORBIDDEN", f"{urlsplit(base).hostname} is not the host of {mode}", fix=f"https://{name}")
    until = 0
    if mode == "live":
        if armed is None or armed.venue != "alpaca" or clock() >= armed.until_ns:
            raise Misconfigured("NOT_ARMED", "live trading is not armed", fix="arm it: it asks for account, limits and your word")
        until = armed.until_ns
    hosts = Hosts(frozenset({name}), until_ns=until, clock=clock)
    return Place(
        mode, f"https://{name}", f"https://{DATA}", f"wss://{name}/stream", f"wss://{STREAM}", hosts, Hosts(frozenset({DATA, STREAM}))
    )


def check_key(mode: Mode, key: Secret) -> None:
    """Refuse a key of the other environment, Misconfigured("KEY_MODE")."""
    other = {"paper": "live", "live": "paper"}.get(mode)
    if other is not None and key.reveal().startswith(PREFIX[other]):
        raise Misconfigured("KEY_MODE", f"the key is one for {other}, the mode is {mode}", fix=f"a key for {mode} begins with {PREFIX[mode]}")
