"""Does what the engine asked of the world: orders to the venue in the order they were decided, timers, alarms.

Everything here was recorded before. An answer comes back as an event; a venue that raises is an ambiguous answer, for the order may
be there. It decides nothing, drops nothing and sends nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from argosy.core.effects import Alarm, Amend, Cancel, Effect, Note, SetTimer, Submit
from argosy.core.errors import ArgosyError
from argosy.core.events import Event, Reply
from argosy.core.orders import Approved, Order
from argosy.core.points import reach
from argosy.core.protocols import Venue

KEPT = 4096
"""Orders that are answered and still remembered, at least."""
Work = Callable[[], Awaitable[Reply]]


class Perform:
    """The hands of a desk.

    venue: where orders go; heard: takes each answer; now: ns UTC; timer, alarm, note: who keeps those effects
    Orders and amendments of one instrument go out one after another, each when the one before is answered; a cancel waits for
    its own order alone, so that no stuck order stands before it.
    """

    def __init__(
        self, venue: Venue, heard: Callable[[Event], None], now: Callable[[], int], *, timer: Callable[[SetTimer], None],
        alarm: Callable[[Alarm], None], note: Callable[[Note], None],
    ) -> None:  # fmt: skip
        self.venue = venue
        self._heard = heard
        self._now = now
        self._rare: dict[type, Callable[[Any], None]] = {SetTimer: timer, Alarm: alarm, Note: note}
        self._lanes: dict[int, asyncio.Task[None]] = {}
        self._orders: dict[int, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._instruments: dict[int, int] = {}
        self._begun: dict[int, int] = {}

    def __call__(self, effects: Sequence[Effect]) -> None:
        """Do these, in this order. Nothing is waited for here."""
        pairs = _pairs(effects) if len(effects) > 1 else None
        for effect in effects:
            kind = type(effect)
            if kind is Submit:
                approved = effect.approved  # type: ignore[union-attr]
                if pairs is not None and (mate := pairs.get(approved.order.id)) is not None:
                    if mate is not approved:  # the stop of a pair goes out with its target
                        self._pair(approved, mate)
                    continue
                self.submit(approved)
            elif kind is Cancel:
                self.cancel(effect)  # type: ignore[arg-type]
            elif kind is Amend:
                self._amend(effect)  # type: ignore[arg-type]
            else:
                self._rare[kind](effect)

    @property
    def busy(self) -> int:
        """Requests under way or waiting for one."""
        return len(self._tasks)

    def submit(self, approved: Approved) -> None:
        """Send an order with its legs."""
        self._own(approved)
        number, i = approved.order.id, approved.order.instrument
        self._put(number, "submit", lambda: self.venue.submit(approved), self._lanes.get(i), i)

    def cancel(self, effect: Cancel) -> None:
        """Ask for an order's end, as soon as the order itself was answered."""
        number = effect.order
        self._put(number, "cancel", lambda: self.venue.cancel(effect), self._orders.get(number), -1)

    def _amend(self, effect: Amend) -> None:
        i = self._instruments.get(effect.order, -1)
        self._put(effect.order, "amend", lambda: self.venue.amend(effect), self._lanes.get(i), i)

    def _pair(self, take: Approved, stop: Approved) -> None:
        """A target and a stop of one position, of which one cancels the other: one request where the venue has such a thing."""
        together: Callable[[Approved, Approved], Awaitable[Sequence[Reply]]] | None = getattr(self.venue, "submit_pair", None)
        if together is None:
            self.submit(take)
            self.submit(stop)
            return
        self._own(take)
        self._own(stop)
        i = take.order.instrument
        task = asyncio.ensure_future(self._both(together, take, stop, self._lanes.get(i)))
        self._keep(task, (take.order.id, stop.order.id), i)

    async def _both(
        self, together: Callable[[Approved, Approved], Awaitable[Sequence[Reply]]], take: Approved, stop: Approved, before: asyncio.Task[None] | None
    ) -> None:  # fmt: skip
        if before is not None and not before.done():
            await asyncio.wait((before,))
        reach("submit.before")
        try:
            replies: Sequence[Reply] = await together(take, stop)
        except (ArgosyError, OSError) as error:
            replies = [self._ambiguous(one.order.id, "submit", error) for one in (take, stop)]
        reach("submit.after")
        for reply in replies:
            self._heard(reply)

    def _own(self, approved: Approved) -> None:
        now = self._now()
        for order in (approved.order, *approved.legs):
            self._instruments[order.id], self._begun[order.id] = order.instrument, now

    def begun(self, order: int) -> int:
        """When an order was decided, ns UTC; 0 where that was before this process."""
        return self._begun.get(order, 0)

    def adopt(self, orders: Sequence[Order]) -> None:
        """Orders of before a restart, so that what is asked about them keeps its turn."""
        for order in orders:
            self._instruments[order.id] = order.instrument

    def _put(self, order: int, verb: str, work: Work, before: asyncio.Task[None] | None, lane: int) -> None:
        task = asyncio.ensure_future(self._do(order, verb, work, before))
        self._keep(task, (order,), lane)

    def _keep(self, task: asyncio.Task[None], orders: Sequence[int], lane: int) -> None:
        self._tasks.add(task)
        if lane >= 0:
            self._lanes[lane] = task
            for order in orders:
                self._orders[order] = task
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if len(self._orders) > KEPT:
            self._orders = {order: one for order, one in self._orders.items() if not one.done()}
        for kept in (self._instruments, self._begun):
            while len(kept) > 16 * KEPT:
                del kept[next(iter(kept))]

    async def _do(self, order: int, verb: str, work: Work, before: asyncio.Task[None] | None) -> None:
        """One request in its turn, and its answer."""
        if before is not None and not before.done():
            await asyncio.wait((before,))
        reach(f"{verb}.before")
        try:
            reply = await work()
        except (ArgosyError, OSError) as error:
            reply = self._ambiguous(order, verb, error)
        reach(f"{verb}.after")
        self._heard(reply)

    def _ambiguous(self, order: int, verb: Any, error: Exception) -> Reply:
        now = self._now()
        return Reply(now, now, order, verb, "ambiguous", getattr(error, "code", "VENUE_RAISED"), str(error))

    async def idle(self, timeout_s: float) -> bool:
        """Wait until nothing is under way; False where that takes longer."""
        end = asyncio.get_running_loop().time() + timeout_s
        while self._tasks:
            left = end - asyncio.get_running_loop().time()
            if left <= 0.0:
                return False
            await asyncio.wait(set(self._tasks), timeout=left)
        return True

    async def close(self) -> None:
        """Give up what is under way; what became of it is found out at the next start."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _pairs(effects: Sequence[Effect]) -> dict[int, Approved] | None:
    """Of each two protections that cancel each other: the target's id with the stop's approval, and the stop's with its own."""
    groups: dict[int, list[Approved]] = {}
    for effect in effects:
        if type(effect) is Submit and effect.approved.order.group and not effect.approved.legs:
            groups.setdefault(effect.approved.order.group, []).append(effect.approved)
    found: dict[int, Approved] = {}
    for group in groups.values():
        takes = [one for one in group if one.order.tag == "take"]
        stops = [one for one in group if one.order.tag == "stop"]
        if len(takes) == len(stops) == 1 and takes[0].order.lots == stops[0].order.lots:
            found[takes[0].order.id], found[stops[0].order.id] = stops[0], stops[0]
    return found or None
