"""Opens the exchange from the words of a command line and serves until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from argosy.core.errors import Misuse
from argosy.core.time import parse
from argosy.exchange.drawn import Drawn
from argosy.exchange.feed import Feed, Live, Taped
from argosy.exchange.hours import Hours
from argosy.exchange.server import Server
from argosy.exchange.trading import Terms
from argosy.exchange.venue import Exchange

MONDAY = "2026-01-05T15:00:00Z"
"""When a live feed begins where nothing moves by itself and nobody says when, so that two runs are alike: ten in the morning in New York."""
SYMBOLS = ["AAPL", "AMZN", "GOOGL", "IBM", "META", "MSFT", "NVDA", "QQQ", "SPY", "TSLA"]


class Wanted(msgspec.Struct, kw_only=True):
    """What a command line asked for; see its help."""

    host: str = "127.0.0.1"
    port: int = 0
    keys: tuple[tuple[str, str], ...] = (("PKSIM", "secret"),)
    symbols: list[str] = []
    feed: str = "live"
    speed: float | str = 1.0
    limit: int = 0
    seed: int = 0
    control: bool = False
    cash: int = 100_000
    margin: str = "intraday_2026"
    start: str = ""


def terms(cash: int, margin: str) -> Terms:
    """The terms of a margin profile; Misuse("EXCHANGE_MARGIN") for a name that is none."""
    if margin == "cash":
        return Terms(cash=cash, multiplier=1)
    if margin == "intraday_2026":
        return Terms(cash=cash)
    if margin == "legacy_pdt":
        return Terms(cash=cash, multiplier=4, regime="legacy_pdt")
    raise Misuse("EXCHANGE_MARGIN", f"{margin!r} is no profile", where="--margin", fix="intraday_2026, legacy_pdt or cash")


def pace(speed: float | str) -> tuple[float, bool]:
    """(seconds of the exchange in one of ours, whether only steps move it) of "2.5", "max" or "step"; Misuse("EXCHANGE_SPEED")."""
    if speed == "step":
        return 1.0, True
    if speed == "max":
        return float("inf"), False
    try:
        found = float(speed)
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise Misuse("EXCHANGE_SPEED", f"a speed is above 0, not {speed}", where="--speed", fix="a number, max or step")
    return found, False


def _sane(wanted: Wanted) -> None:
    """Misuse for what no exchange can be opened with."""
    for value, most, what, code in (
        (wanted.port, 65_535, "--port", "EXCHANGE_PORT"), (wanted.limit, 10**9, "--rate-limit", "EXCHANGE_LIMIT"),
        (wanted.seed, 2**63 - 1, "--seed", "EXCHANGE_SEED"), (wanted.cash, 10**12, "--cash", "EXCHANGE_CASH"),
    ):  # fmt: skip
        if not 0 <= value <= most:
            raise Misuse(code, f"it is from 0 to {most}, not {value}", where=what)
    names = [key for key, _ in wanted.keys]
    if not names or len(set(names)) != len(names) or not all(key and secret for key, secret in wanted.keys):
        raise Misuse("EXCHANGE_KEYS", "each account has a key of its own, and a secret", where="--key, --secret")


def build(wanted: Wanted, now: int | None = None) -> Server:
    """The server, not yet listening. now: ns at which a live feed starts, the wall's time when it is not said."""
    feed: Feed
    _sane(wanted)
    speed, paced = pace(wanted.speed)
    if wanted.feed == "live":
        said = wanted.start or (MONDAY if paced and now is None else "")
        start = parse(said) if said else (time.time_ns() if now is None else now)
        symbols = wanted.symbols or SYMBOLS
        if len(set(symbols)) != len(symbols):
            raise Misuse("EXCHANGE_SYMBOLS", "a symbol is named twice", where="--symbols")
        hours = Hours(forced=True)
        feed = Live(symbols, start, wanted.seed)
    elif wanted.feed.startswith("tape:"):
        tape = Taped(wanted.feed[5:], wanted.symbols, parse(wanted.start) if wanted.start else 0)
        feed, symbols, start, hours = tape, tape.symbols, tape.start, Hours()
    elif wanted.feed.startswith("drawn:"):
        feed = Drawn(wanted.feed[6:], wanted.symbols, parse(wanted.start) if wanted.start else 0, wanted.seed)
        symbols, start, hours = feed.symbols, feed.start, Hours()
    else:
        raise Misuse("EXCHANGE_FEED", f"{wanted.feed!r} is no feed", where="--feed", fix="live, tape:PATH, drawn:PATH, tape:demo or drawn:demo")
    exchange = Exchange(symbols, wanted.keys, start, seed=wanted.seed, hours=hours, terms=terms(wanted.cash, wanted.margin))
    feed.begin(exchange)
    return Server(
        exchange, feed, host=wanted.host, port=wanted.port, speed=speed, limit=wanted.limit, control=wanted.control, paced=paced
    )


@contextmanager
def opened(wanted: Wanted, now: int | None = None) -> Iterator[Server]:
    """An exchange in a thread of its own, for tests and notebooks: `with opened(Wanted(control=True)) as server: server.url`."""
    loop = asyncio.new_event_loop()
    server = build(wanted, now)
    thread = threading.Thread(target=loop.run_forever, name="argosy exchange", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def serve(wanted: Wanted, told: Callable[[dict[str, object]], None]) -> None:
    """Serve until SIGINT or SIGTERM; `told` hears where."""
    server = build(wanted)

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for one in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(one, stop.set)
        await server.start()
        at = server.at
        told({
            "trading": f"http://{at}", "data": f"http://{at}", "trade_updates": f"ws://{at}/stream", "market_data": f"ws://{at}/v2/iex",
            "keys": [key for key, _ in wanted.keys], "symbols": [board.symbol for board in server.exchange.market.boards],
            "feed": wanted.feed, "control": f"http://{at}/_ctl" if wanted.control else "off",
        })  # fmt: skip
        await stop.wait()
        await server.stop()

    try:
        import uvloop
    except ImportError:
        asyncio.run(main())
    else:
        uvloop.run(main())
