"""A real exchange with orders in it, and a process that beats like a desk, for the tests of what stops one."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from argosy.desk.folder import Folder
from argosy.exchange.open import Wanted, opened
from argosy.exchange.server import Server
from argosy.net.secret import Secret
from argosy.venues.alpaca.leaving import leave

KEY, SECRET = "PKSIM", "secret"


@contextmanager
def exchange(**named: Any) -> Iterator[Server]:
    """An exchange of three symbols whose prices stand still: AAA at 100, BBB at 50, CCC at 10."""
    with opened(Wanted(symbols=["AAA", "BBB", "CCC"], control=True, seed=7, **named)) as server:
        for symbol, price in (("AAA", 100.0), ("BBB", 50.0), ("CCC", 10.0)):
            control(server, "quote", symbol=symbol, bid=price - 0.01, ask=price, bid_size=10_000, ask_size=10_000)
        yield server


def control(server: Server, verb: str, **body: Any) -> Any:
    """A word to the exchange's hand."""
    return ask(server, "POST", f"/_ctl/{verb}", body)


def ask(server: Server, method: str, path: str, body: Any = None) -> Any:
    """A plain request, past all our clients; None for an empty answer."""
    headers = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}
    raw = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(server.url + path, raw, headers, method=method)  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310
        raw = reply.read()
    return json.loads(raw) if raw else None


def order(server: Server, symbol: str, side: str, qty: float, kind: str = "market", **more: Any) -> dict[str, Any]:
    """An order of somebody's."""
    body = {"symbol": symbol, "side": side, "qty": str(qty), "type": kind, "time_in_force": "gtc", **more}
    return ask(server, "POST", "/v2/orders", body)  # type: ignore[no-any-return]


def live(server: Server) -> list[dict[str, Any]]:
    """The open orders, flat."""
    return ask(server, "GET", "/v2/orders?status=open&limit=500&nested=false")  # type: ignore[no-any-return]


def held(server: Server) -> dict[str, float]:
    """The positions."""
    return {row["symbol"]: float(row["qty"]) for row in ask(server, "GET", "/v2/positions")}


def account(server: Server) -> str:
    """The account's number."""
    return str(ask(server, "GET", "/v2/account")["account_number"])


def client(server: Server, per_minute: int = 60_000) -> Any:
    """A client of the emergency door."""
    return leave("sim", Secret(KEY), Secret(SECRET), base=server.url, per_minute=per_minute)


DESKLING = """
import signal, sys, time
from pathlib import Path
from argosy.desk import latch
from argosy.desk.folder import Folder
from argosy.desk.heartbeat import Heart
folder = Folder(Path(sys.argv[1]))
heart = Heart(folder.heartbeat, time.time_ns)
going = [True]
def stop(*_): going[0] = False
def stall(*_): time.sleep(float(sys.argv[2]))
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGUSR1, stall)
level = 0
while going[0]:
    found = latch.read(folder.latch)
    level = found.level if found else 0
    heart.beat(level)
    time.sleep(0.05)
heart.end(level)
"""


@contextmanager
def desk(folder: Folder, stall_s: float = 5.0) -> Iterator[subprocess.Popen[bytes]]:
    """A process that beats from inside its loop; SIGUSR1 stalls the loop, SIGTERM ends it in order."""
    folder.root.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen([sys.executable, "-c", DESKLING, str(folder.root), str(stall_s)], cwd=Path(__file__).parents[2])
    try:
        until(folder.heartbeat.exists)
        yield process
    finally:
        process.kill()
        process.wait(10)


def until(true: Callable[[], Any], within_s: float = 10.0) -> float:
    """Wait until something is so; how many seconds it took."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < within_s, "it never came to be"
        time.sleep(0.01)
    return time.monotonic() - begun


def run(work: Any) -> Any:
    """One coroutine."""
    return asyncio.run(work)
