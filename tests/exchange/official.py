"""The official alpaca-py client, unmodified, pointed at an exchange of ours; its own deprecation warnings are none of our business."""

import asyncio
import json
import threading
import time
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from alpaca.common.exceptions import APIError
    from alpaca.data.historical import StockHistoricalDataClient
    from alpaca.data.live import StockDataStream
    from alpaca.trading.client import TradingClient
    from alpaca.trading.stream import TradingStream

from argosy.core.time import parse
from argosy.exchange.open import Wanted, opened
from argosy.exchange.server import Server

KEY, SECRET = "PKTEST", "hush"
OPEN = parse("2026-11-20T15:00:00Z")  # a Friday, ten in the morning in New York


class Broker:
    """An exchange with the official clients at hand, and the control door."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.trading = TradingClient(KEY, SECRET, url_override=server.url)
        self.data = StockHistoricalDataClient(KEY, SECRET, url_override=server.url)

    def ctl(self, verb: str, **body: object) -> dict:
        request = urllib.request.Request(f"{self.server.url}/_ctl/{verb}", json.dumps(body).encode(), method="POST")  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310
            return json.loads(reply.read())

    def quote(self, bid: float, ask: float, symbol: str = "AAPL") -> None:
        self.ctl("quote", symbol=symbol, bid=bid, ask=ask)

    def code(self, act: Callable[[], object]) -> tuple[int, int]:
        """(HTTP status, code) of the refusal of an act."""
        try:
            act()
        except APIError as error:
            return error.status_code, json.loads(str(error)).get("code", 0)
        raise AssertionError("it was not refused")

    @contextmanager
    def updates(self) -> Iterator[list]:
        """The trade updates that the official stream hears."""
        heard: list = []

        async def hear(update: object) -> None:
            heard.append(update)

        stream = TradingStream(KEY, SECRET, url_override=f"ws://{self.server.at}/stream")
        stream.subscribe_trade_updates(hear)
        with running(stream, lambda: any(p.talk.listening for p in self.server.hub.peers["trading"])):
            yield heard

    @contextmanager
    def market(self, feed: str = "iex", **channels: tuple[str, ...]) -> Iterator[list]:
        """What the official data stream hears of channels (quotes=("AAPL",))."""
        heard: list = []

        async def hear(row: object) -> None:
            heard.append(row)

        stream = StockDataStream(KEY, SECRET, url_override=f"ws://{self.server.at}/v2/{feed}")
        for channel, symbols in channels.items():
            getattr(stream, f"subscribe_{channel}")(hear, *symbols)
        with running(stream, lambda: any(any(p.talk.lists.values()) for p in self.server.hub.peers["data"])):
            yield heard


@contextmanager
def running(stream: object, ready: Callable[[], bool]) -> Iterator[None]:
    def run() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            asyncio.run(stream._run_forever())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    wait(ready)
    try:
        yield
    finally:
        stream._should_run = False
        stream._stop_stream_queue.put_nowait({"should_stop": True})
        if stream._stop_stream_event is not None and stream._loop.is_running():
            stream._loop.call_soon_threadsafe(stream._stop_stream_event.set)  # it does not wait to come back
        if stream._loop.is_running() and stream._ws is not None:
            asyncio.run_coroutine_threadsafe(stream._ws.close(), stream._loop)
        thread.join(10)


def wait(ready: Callable[[], object], seconds: float = 10.0) -> None:
    """Until something is so; it fails when it never is."""
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


@contextmanager
def broker(**wanted: object) -> Iterator[Broker]:
    """An exchange whose market opened half an hour ago, with AAPL at 100.00 / 100.02 and MSFT at 200.00 / 200.02."""
    with opened(Wanted(keys=((KEY, SECRET), ("PKTWO", "hush")), symbols=["AAPL", "MSFT"], control=True, seed=3, **wanted), OPEN) as server:
        house = Broker(server)
        house.quote(100.00, 100.02)
        house.quote(200.00, 200.02, "MSFT")
        yield house
