"""How long an order lives: sessions, UTC days, GTD; it is never cut out of a bar that it lived to see."""

from __future__ import annotations

from argosy.core.events import Event, Session
from argosy.core.orders import Tif, Work
from argosy.core.time import NEVER
from argosy.venues.sim.book import Lane, Resting
from argosy.venues.sim.clearing import Clearing


class Sessions:
    """The sessions of each calendar and the orders that end with them.

    A DAY or CLS order ends with the session in which it arrived (at or after a close: the next one). A
    calendar that never closed ("24/7") ends DAY orders with the UTC day, which matching sees at the next row.
    """

    __slots__ = ("_clearing", "_lanes", "closes", "opened")

    def __init__(self, clearing: Clearing, lanes: list[Lane]) -> None:
        self._clearing = clearing
        self._lanes = lanes
        self.opened: dict[str, int] = {}
        self.closes: dict[str, int] = {}

    def start(self, calendar: str) -> int:
        """When the running session of a calendar opened; NEVER when none runs."""
        return self.opened.get(calendar, NEVER)

    def end(self, calendar: str) -> int:
        """When the running or last session of a calendar closes; -1 before the first."""
        return self.closes.get(calendar, -1)

    def apply(self, session: Session, known: int, out: list[Event]) -> None:
        """A session begins or ends; `known` includes the report's latency."""
        calendar = session.calendar
        if session.open:
            self.opened[calendar] = session.ts
            self.closes[calendar] = session.closes
            return
        self.opened.pop(calendar, None)
        end = session.ts
        for lane in self._lanes:
            if lane.calendar == calendar:
                fresh, lane.utc = lane.utc, False
                for resting in lane.working[:]:
                    if fresh:
                        resting.day_end = NEVER
                    if resting.arrival < end and (resting.tif is Tif.DAY or resting.tif is Tif.CLS):
                        self.expire(lane, resting, end, known, out)

    def expire(self, lane: Lane, resting: Resting, end: int, known: int, out: list[Event]) -> None:
        """End an order at `end`, or with the bar at hand when that may touch it and belongs to its life.

        A session owns each bar that begins in it; a GTD order lives through a bar only when the bar ends by
        then.
        """
        bar = lane.bar
        last = end if resting.tif is not Tif.GTD or bar is None else end - bar.span + 1
        if bar is not None and resting.from_ts <= bar.ts < last:
            lane.late.append((resting, end))
        elif resting.id in self._clearing.orders:
            self._clearing.end(resting, Work.EXPIRED, resting.tif.name, end, known, out)

    def after(self, lane: Lane, known: int, out: list[Event]) -> None:
        """The bar at hand is over: end the orders that waited for it."""
        late, lane.late = lane.late, []
        for resting, end in late:
            if resting.id in self._clearing.orders:
                self._clearing.end(resting, Work.EXPIRED, resting.tif.name, end, known, out)
