"""Does what the engine asked of the world: orders to the venue in the order they were decided, timers, alarms.

Everything here was recorded before. What need not wait for its turn is begun at once, so that its bytes can leave in the very call in
which it was decided; what comes of it is heard later, never in that call. An answer comes back as an event; a venue that raises is an
ambiguous answer, for the order may be there. It decides nothing, drops nothing and sends nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from typing import Any

from argosy.core.effects import Alarm, Amend, Cancel, Effect, Note, SetTimer, Submit
from argosy.core.errors import ArgosyError
from argosy.core.events import Event, Reply
from argosy.core.orders import Approved, Order
from argosy.core.points import reach
from argosy.core.protocols import Venue

KEPT = 4096
"""Orders that are answered and still remembered, at least."""
Replies = Reply | Sequence[Reply]
Work = Coroutine[Any, Any, Replies]


class Begun:
    """A work whose first step was taken where it was asked for; awaited, it goes on from there and raises what that step raised.

    The first step of a work may neither ask which task it is in nor tell anybody anything.
    """

    __slots__ = ("_raised", "_said", "_waits", "_work")

    def __init__(self, work: Work) -> None:
        self._work = work
        self._waits: Any = None
        self._said: Replies | None = None
        self._raised: Exception | None = None
        try:
            self._waits = work.send(None)
        except StopIteration as done:
            self._said = done.value
        except Exception as error:  # noqa: BLE001  (whatever it is, it is raised to who awaits it)
            self._raised = error

    def over(self, task: asyncio.Task[None]) -> None:
        """Who awaited it is done. Where that was before a step of its own, the work does not know yet that it was given up."""
        self._work.close()

    def __await__(self) -> Generator[Any, Any, Replies]:
        if self._raised is not None:
            raise self._raised
        if self._said is not None:
            return self._said
        work, waits = self._work, self._waits
        while True:
            try:
                try:
                    yield waits
                except BaseException as error:  # noqa: BLE001  (a cancellation is the work's to hear)
                    waits = work.throw(error)
                else:
                    waits = work.send(None)
            except StopIteration as done:
                said: Replies = done.value
                return said


class Perform:
    """The hands of a desk.

    venue: where orders go; heard: takes each answer; now: ns UTC; timer, alarm, note: who keeps those effects
           `prompt`: the first step of what it is asked may be taken at once (see `Begun`); without it that is left to the loop
    Orders and amendments of one instrument go out one after another, each when the one before is answered; a cancel waits for
    its own order alone, so that no stuck order stands before it.
    """

    def __init__(
        self, venue: Venue, heard: Callable[[Event], None], now: Callable[[], int], *, timer: Callable[[SetTimer], None],
        alarm: Callable[[Alarm], None], note: Callable[[Note], None],
    ) -> None:  # fmt: skip
        self._heard = heard
        self._now = now
        self._prompt = False
        self.venue = venue
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

    @property
    def venue(self) -> Venue:
        """Where orders go."""
        return self._venue

    @venue.setter
    def venue(self, venue: Venue) -> None:
        self._venue = venue
        self._prompt = bool(getattr(venue, "prompt", False))

    def submit(self, approved: Approved) -> None:
        """Send an order with its legs."""
        order = approved.order
        self._put((order.id,), "submit", self._venue.submit, (approved,), self._lanes.get(order.instrument), order.instrument)
        self._own(approved)

    def cancel(self, effect: Cancel) -> None:
        """Ask for an order's end, as soon as the order itself was answered."""
        self._put((effect.order,), "cancel", self._venue.cancel, (effect,), self._orders.get(effect.order), -1)

    def _amend(self, effect: Amend) -> None:
        i = self._instruments.get(effect.order, -1)
        self._put((effect.order,), "amend", self._venue.amend, (effect,), self._lanes.get(i), i)

    def _pair(self, take: Approved, stop: Approved) -> None:
        """A target and a stop of one position, of which one cancels the other: one request where the venue has such a thing."""
        together: Callable[[Approved, Approved], Work] | None = getattr(self._venue, "submit_pair", None)
        if together is None:
            self.submit(take)
            self.submit(stop)
            return
        self._own(take)
        self._own(stop)
        i = take.order.instrument
        self._put((take.order.id, stop.order.id), "submit", together, (take, stop), self._lanes.get(i), i)

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

    def _put(
        self, orders: tuple[int, ...], verb: str, ask: Callable[..., Any], what: tuple[Any, ...], before: asyncio.Task[None] | None, lane: int
    ) -> None:  # fmt: skip
        """One request in its turn: begun now where it is its turn, else when that which stands before it was answered."""
        if before is not None and before.done():
            before = None
        create = asyncio.get_running_loop().create_task
        if before is None and self._prompt:
            reach(f"{verb}.before")
            begun = Begun(ask(*what))
            task = create(self._hear(orders, verb, begun))
            task.add_done_callback(begun.over)
        else:
            task = create(self._do(orders, verb, ask, what, before))
        self._keep(task, orders, lane)

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

    async def _do(
        self, orders: tuple[int, ...], verb: str, ask: Callable[..., Any], what: tuple[Any, ...], before: asyncio.Task[None] | None
    ) -> None:  # fmt: skip
        """One request when its turn has come, and its answer."""
        if before is not None:
            await asyncio.wait((before,))
        reach(f"{verb}.before")
        await self._hear(orders, verb, ask(*what))

    async def _hear(self, orders: tuple[int, ...], verb: str, work: Awaitable[Replies]) -> None:
        """The answer to a request that is under way."""
        try:
            said = await work
        except Exception as error:  # noqa: BLE001  (whatever it was, the order may be there, and somebody must ask)
            said = [self._ambiguous(order, verb, error) for order in orders]
        reach(f"{verb}.after")
        if isinstance(said, Reply):
            self._heard(said)
        else:
            for reply in said:
                self._heard(reply)

    def _ambiguous(self, order: int, verb: Any, error: Exception) -> Reply:
        now = self._now()
        text = str(error) if isinstance(error, ArgosyError | OSError) else f"{type(error).__name__}: {error}"
        return Reply(now, now, order, verb, "ambiguous", getattr(error, "code", "VENUE_RAISED"), text)

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
