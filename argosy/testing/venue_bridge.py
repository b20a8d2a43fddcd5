"""A bridge on which the cases for markets in step walk to a venue beyond a wire; it waits for what was said and never for time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

from argosy.core.effects import Amend, Cancel, Effect, Submit
from argosy.core.events import Account, Bar, Event, Fill, OrderUpdate
from argosy.core.instrument import Instrument
from argosy.core.orders import TERMINAL
from argosy.core.protocols import Venue

T = TypeVar("T")
SLOWEST_S = 10.0
"""One act that takes longer than this is broken."""


class Rig(Protocol):
    """A venue, and the hand on the market at its other end. All times are those of the stage, ns."""

    @property
    def venue(self) -> Venue: ...

    async def play(self, thing: Event, now: int, opening: bool) -> None:
        """Let the venue's market live through a bar (`opening`: its first moment, else all of it), a session's turn or a halt."""

    async def fill(self, order: int, lots: int, price: float) -> None:
        """Let a resting order fill in part."""

    async def learn(self, symbol: str) -> Instrument:
        """The facts of a symbol, asked for at the venue; Misuse("INSTRUMENT_UNKNOWN") where it has none."""

    async def said(self) -> list[Event]:
        """What the venue said by itself since this was asked last, once everything that is under way has arrived."""

    async def close(self) -> None:
        """End both sides."""


class Bridge:
    """One venue, stepped: the reply first, then what the venue said because of it, in the order heard."""

    def __init__(self, opening: Coroutine[Any, Any, Rig]) -> None:
        self._runner = asyncio.Runner()
        self._lots: Counter[int] = Counter()
        self._of: dict[int, int] = {}
        try:
            self._rig = self._run(opening)
        except BaseException:
            self._runner.close()
            raise

    def close(self) -> None:
        """End it."""
        try:
            self._run(self._rig.close())
        finally:
            self._runner.close()

    # -- as a market ------------------------------------------------------------------------------------------------------

    def apply(self, thing: Effect | Event, now: int) -> Sequence[Event]:
        """Do one thing, and hear all that follows from it."""
        venue = self._rig.venue
        if isinstance(thing, Submit):
            order, legs = thing.approved.order, thing.approved.legs
            self._of.update((one.id, one.instrument) for one in (order, *legs))
            return self._heard(self._asked(venue.submit(thing.approved)))
        if isinstance(thing, Cancel):
            return self._heard(self._asked(venue.cancel(thing)))
        if isinstance(thing, Amend):
            return self._heard(self._asked(venue.amend(thing)))
        if not isinstance(thing, Event):
            raise TypeError(f"a venue is not asked for {thing!r}")
        return self._heard(self._played(thing, now, False))

    def opening(self, bar: Bar) -> Sequence[Event]:
        """A bar begins."""
        return self._heard(self._played(bar, bar.ts, True))

    def busy(self, instrument: int) -> bool:
        """Whether the venue itself shows an open order; what it counts is held against what it said."""
        told = self.snapshot()
        fresh = [event for event in told if isinstance(event, Fill)]
        assert not fresh, f"the venue counts executions that it never told: {fresh}"
        held = {row: lots for row, lots in self._lots.items() if lots}
        (account,) = [event for event in told if isinstance(event, Account)]
        assert account.positions == held, f"the venue holds {account.positions}, and told {held}"
        return any(
            isinstance(event, OrderUpdate) and event.work not in TERMINAL and self._of.get(event.order) == instrument for event in told
        )

    # -- what only a venue has --------------------------------------------------------------------------------------------

    def snapshot(self) -> Sequence[Event]:
        """What the venue counts."""
        return self._run(self._rig.venue.snapshot())

    def account(self) -> Account:
        """The venue's account."""
        (account,) = [event for event in self.snapshot() if isinstance(event, Account)]
        return account

    def facts(self, symbol: str) -> Instrument:
        """What the venue says of a symbol."""
        learnt = self._run(self._rig.learn(symbol))
        assert self._rig.venue.facts(symbol) == learnt
        return learnt

    def fill(self, order: int, lots: int, price: float) -> Sequence[Event]:
        """Fill a resting order in part, by the hand on the market."""

        async def act() -> list[Event]:
            await self._rig.fill(order, lots, price)
            return await self._rig.said()

        return self._heard(act())

    # -- inside -----------------------------------------------------------------------------------------------------------

    async def _asked(self, question: Awaitable[Event]) -> list[Event]:
        reply = await question
        return [reply, *await self._rig.said()]

    async def _played(self, thing: Event, now: int, opening: bool) -> list[Event]:
        await self._rig.play(thing, now, opening)
        return await self._rig.said()

    def _heard(self, work: Coroutine[Any, Any, list[Event]]) -> list[Event]:
        events = self._run(work)
        for event in events:
            if isinstance(event, Fill):
                self._lots[event.instrument] += event.side * event.lots
        return events

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        async def bounded() -> T:
            async with asyncio.timeout(SLOWEST_S):
                return await work

        return self._runner.run(bounded())
