"""A desk in lock-step with an exchange that moves in steps: no clock of this machine is looked at, so the same seed writes the same journal.

Time is told. In each step the exchange lets a span happen and says how much it said; when the desk has all of it, the desk takes it in:
the account's news first, then prices, each in its order; then timers that are due, and a pulse. Orders go out one after another, and
what they bring is taken in before time goes on.
"""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from argosy.core.effects import Amend, Cancel
from argosy.core.orders import Approved
from argosy.core.time import SECOND, parse
from argosy.desk.clock import Clock
from argosy.desk.run import Asked, Desk

TALK = ("success", "error", "subscription")


class Told:
    """A clock's hands, moved by hand."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at


class SingleFile:
    """A venue that is asked one thing at a time, in the order of asking."""

    def __init__(self, venue: Any) -> None:
        self._venue = venue
        self._turn = asyncio.Lock()

    async def submit(self, approved: Approved) -> Any:
        async with self._turn:
            return await self._venue.submit(approved)

    async def submit_pair(self, take: Approved, stop: Approved) -> Any:
        async with self._turn:
            return await self._venue.submit_pair(take, stop)

    async def cancel(self, effect: Cancel) -> Any:
        async with self._turn:
            return await self._venue.cancel(effect)

    async def amend(self, effect: Amend) -> Any:
        async with self._turn:
            return await self._venue.amend(effect)


class Paced(Desk):
    """A desk whose time is told and whose loops are called; everything else of it is as it is."""

    def __init__(self, asked: Asked, at: int) -> None:
        self.said: list[tuple[str, Any]] = []
        super().__init__(asked, lambda what, more: self.said.append((what, dict(more))))
        self.hands = Told(at)
        self.clock = Clock(wall=self.hands, monotonic=self.hands)
        self.account: list[Any] = []
        self.market: list[Any] = []
        self.held = False
        self.heard = {"trading": 0, "data": 0}

    def _wire(self, *parts: Any) -> None:
        super()._wire(*parts)
        node, wired, rounds = self.node, self.wired, self.rounds
        assert rounds is not None and wired.account_stream is not None
        rounds._tick = self.hands
        node.perform.venue = SingleFile(wired.venue)  # type: ignore[assignment]
        node._later = lambda key: _Still()  # type: ignore[assignment,method-assign,return-value]
        if wired.showing is not None:
            wired.showing.offset = self._offset  # type: ignore[method-assign]
        self._count(wired.feed, "data", lambda message: sum(row["T"] not in TALK for row in msgspec.msgpack.decode(message)))
        self._count(wired.account_stream._part, "trading", lambda message: msgspec.json.decode(message)["stream"] == "trade_updates")
        hear, row = rounds.hear, node.row
        wired.venue.listen(lambda event: self.account.append(event) if self.held else hear(event))
        wired.listen(lambda event: self.market.append(event) if self.held else row(event))

    def _count(self, ear: Any, stream: str, records: Callable[[bytes], int]) -> None:
        hear = ear.heard

        def heard(message: bytes) -> None:
            hear(message)
            self.heard[stream] += records(message)

        ear.heard = heard

    async def _offset(self) -> tuple[int, int, int]:
        return self.hands.at, self.hands.at, self.hands.at

    async def _pulse(self) -> None:
        """The one who moves time calls it."""

    async def _seconds(self) -> None:
        """As above."""

    def _begin(self, started: Any) -> None:
        assert self.rounds is not None
        self.rounds.run = _nothing  # type: ignore[method-assign]
        super()._begin(started)


class _Still:
    """A timer that does not ring by itself."""

    def cancel(self) -> None:
        """Nothing is to be cancelled."""


async def _nothing() -> None:
    """No round comes by itself."""


class Tide:
    """Who moves the time of an exchange and of a desk. url: of the exchange; step_s: so much at once."""

    def __init__(self, desk: Paced, url: str, step_s: float) -> None:
        self.desk = desk
        self.url = url
        self.step_ns = int(step_s * SECOND)
        self.steps = 0
        self.running: asyncio.Task[int]

    async def ctl(self, verb: str, **body: object) -> Any:
        return await asyncio.to_thread(control, self.url, verb, **body)

    async def settle(self, told: Any) -> None:
        """Until the desk has all that the exchange said, nothing is under way, and nothing new came of it."""
        desk = self.desk
        node, wired = desk.node, desk.wired
        while True:
            await self._has(told)
            if not await node.perform.idle(10.0):
                raise AssertionError("an order was not answered")
            account, desk.account = desk.account, []
            market, desk.market = desk.market, []
            for event in account:
                desk.rounds.hear(event)  # type: ignore[union-attr]
            for event in market:
                node.row(event)
            await asyncio.sleep(0)  # the turn of the loop is over: what was put off is taken
            if node.broken is not None:
                raise node.broken
            if not (account or market or node.perform.busy or wired.venue.unsettled):  # type: ignore[union-attr]
                return
            if not await node.perform.idle(10.0):
                raise AssertionError("an order was not answered")
            told = await self.ctl("step", seconds=0)

    async def _has(self, told: Any) -> None:
        """Every frame that was written has been read."""
        counts = {row["stream"]: row["total"] for row in told["connections"]}
        end = asyncio.get_running_loop().time() + 10.0
        while any(self.desk.heard[stream] < counts.get(stream, 0) for stream in self.desk.heard):
            if asyncio.get_running_loop().time() > end:
                raise AssertionError(f"the desk has {self.desk.heard} of {counts}")
            await asyncio.sleep(0.0005)

    async def step(self) -> None:
        """One span."""
        desk = self.desk
        node = desk.node
        desk.hands.at += self.step_ns
        await self.settle(await self.ctl("step", seconds=self.step_ns / SECOND))
        for key in sorted(key for key in node._timers if key[0] <= desk.hands.at):
            node._ring(key)
        node.pulse()
        self.steps += 1
        if self.steps % 12 == 0:
            await desk.rounds.whole()  # type: ignore[union-attr]
        await self.settle(await self.ctl("step", seconds=0))

    async def end(self) -> int:
        """The end of the day."""
        self.desk.held = False
        self.desk.node.stop("the day is over")
        return await asyncio.wait_for(self.running, 20)


@asynccontextmanager
async def tide(asked: Asked, url: str, step_s: float = 15.0) -> AsyncIterator[Tide]:
    """A desk that waits for its time to go on, and who moves it."""
    told = control(url, "stats")
    desk = Paced(asked, parse(told["now"]))
    one = Tide(desk, url, step_s)
    one.running = asyncio.ensure_future(desk.run())
    try:
        ready = asyncio.ensure_future(desk.ready.wait())
        await asyncio.wait((one.running, ready), timeout=20, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            ready.cancel()
            one.running.cancel()
            one.running.result()
        desk.held = True
        await one.settle(await one.ctl("step", seconds=0))
        yield one
    finally:
        if not one.running.done():
            one.running.cancel()
            await asyncio.gather(one.running, return_exceptions=True)


def control(url: str, verb: str, **body: object) -> Any:
    """Say something at the exchange's control door."""
    request = urllib.request.Request(f"{url}/_ctl/{verb}", json.dumps(body).encode(), method="POST")  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310
        return json.loads(reply.read())
