"""A whole desk, as `argosy run` runs it, against the real exchange over the real wire, in a folder of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from argosy.core.intents import Hold, Ladder, Target
from argosy.core.strategy import Watch
from argosy.desk.inbox import ask
from argosy.desk.run import Asked, Desk
from argosy.engine.breakers import Breakers
from argosy.house import Terms, Wanted
from argosy.net.secret import Secret
from argosy.settings import DeskSettings
from tests.desk.harbour import KEY, SECRET, SYMBOLS, Harbour

FREE: dict[str, dict[str, Any]] = {
    "trades_per_day": {"max_trades": None}, "position": {"max_pct": None},
    "losing_streak": {"max_losses": None}, "band": {"respect": False},  # prices here jump from test to test
    "duplicate": {"window_ms": None}, "protection": {"required": False},
    "order_rate": {"per_second": None, "per_minute": None}, "after_halt": {"market_wait_ms": None},
}  # fmt: skip
"""Limits of the desk's profile that would stand in a test's way."""


def says(script: Callable[[Any, Any, list[int]], Any], every: str = "quote") -> type:
    """A strategy that returns what `script(event, book, calls)` says; calls is a list that lives with the object."""

    class Said:
        name = "said"
        watches = (Watch("*", "quote") if every == "quote" else Watch("*", "bar", "" if every == "bar" else every),)

        def __init__(self) -> None:
            self.calls: list[int] = []

        def on_quote(self, quote: Any, book: Any) -> Target | Ladder | Hold | None:
            self.calls.append(quote.instrument)
            return script(quote, book, self.calls)

        def on_bar(self, bar: Any, book: Any) -> Target | Ladder | Hold | None:
            self.calls.append(bar.instrument)
            return script(bar, book, self.calls)

    if every == "quote":
        del Said.on_bar
    else:
        del Said.on_quote
    return Said


def wants(lots: int, **more: Any) -> type:
    """One that wants to hold so many of AAPL from its first quote on."""
    return says(lambda quote, book, calls: Target(0, lots=lots, why="as told", **more) if quote.instrument == 0 else None)


def asked(
    harbour: Harbour, strategies: Mapping[str, type], *, limits: Mapping[str, Any] | None = None, key: str = KEY, **settings: Any
) -> Asked:
    """What such a run is asked for."""
    settings = {
        "mode": "sim", "base": harbour.server.url, "symbols": list(SYMBOLS), "quiet_s": 0.2, "fills_s": 1.0, "orders_s": 0.5,
        "inflight_s": 0.2, "positions_s": 1.0,
    } | settings  # fmt: skip
    return Asked(
        wanted=tuple(Wanted(name, plugin) for name, plugin in strategies.items()),
        terms=Terms(limits={**FREE, **(limits or {})}, breakers=Breakers(silence_s=60.0)),
        settings=DeskSettings(**settings), key=Secret(key), secret=Secret(SECRET),
    )  # fmt: skip


class Berth:
    """A desk that runs. said: what it told, in order."""

    def __init__(self, wish: Asked, harbour: Harbour) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.desk = Desk(wish, lambda what, more: self.said.append((what, dict(more))))
        self.harbour = harbour
        self.running: asyncio.Task[int]

    @property
    def node(self) -> Any:
        return self.desk.node

    @property
    def state(self) -> Any:
        return self.desk.node.engine.state

    @property
    def alarms(self) -> list[str]:
        return [told.code for told in self.desk.node.alarms]

    def lots(self, i: int = 0, strategy: str | None = None) -> int:
        portfolio = self.state.portfolio
        return portfolio.lots[i] if strategy is None else portfolio.books[strategy].lots[i]

    def told(self, what: str) -> dict[str, Any]:
        """What was said of this, the last time."""
        return [more for name, more in self.said if name == what][-1]

    def open(self) -> list[Any]:
        return [ticket for row in self.state.blotter.open for ticket in row.values()]

    async def ask(self, verb: str, **said: Any) -> dict[str, Any]:
        """The owner's word, from another thread, as another process would say it."""
        return await asyncio.to_thread(ask, self.node.folder.inbox, verb, 5.0, **said)

    async def until(self, so: Callable[[], object], seconds: float = 6.0) -> None:
        end = time.monotonic() + seconds
        while not so():
            assert time.monotonic() < end, f"it never came: {self.said[-5:]} {self.desk.status().decisions[-5:]} {self.desk.status().orders}"
            assert not self.running.done() or so(), f"it ended: {self.said[-5:]}"
            await asyncio.sleep(0.01)

    async def stop(self) -> int:
        self.desk.node.stop("the test ends")
        return await asyncio.wait_for(self.running, 15)

    def equal(self) -> None:
        """Positions and cash are the exchange's, to the cent."""
        account = self.harbour.account
        assert self.state.portfolio.cash[0] == account.cash
        for i, symbol in enumerate(self.desk.node.engine.instruments.symbols):
            assert self.state.portfolio.lots[i] == self.harbour.held(i), symbol


@asynccontextmanager
async def berth(harbour: Harbour, strategies: Mapping[str, type] | Asked, **more: Any) -> AsyncIterator[Berth]:
    """A desk that trades, until the block ends."""
    wish = strategies if isinstance(strategies, Asked) else asked(harbour, strategies, **more)
    one = Berth(wish, harbour)
    one.running = asyncio.ensure_future(one.desk.run())
    try:
        ready = asyncio.ensure_future(one.desk.ready.wait())
        await asyncio.wait((one.running, ready), timeout=15, return_when=asyncio.FIRST_COMPLETED)
        if one.running.done():
            ready.cancel()
            one.running.result()
            raise AssertionError(f"it ended at once: {one.said}")
        assert ready.done(), one.said
        yield one
    finally:
        if not one.running.done():
            if one.desk.ready.is_set():
                one.desk.node.stop("the test ends")
                await asyncio.wait((one.running,), timeout=15)
            if not one.running.done():
                one.running.cancel()
                await asyncio.gather(one.running, return_exceptions=True)
