"""When the market is open, as events: sessions of the calendar with their half days, or what an exchange of our own says.

It reads no clock: it is asked what is due by a time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from argosy.core.events import Session
from argosy.core.instrument import Instruments
from argosy.core.time import DAY, NEVER

ALWAYS = "24/7"


class Day(NamedTuple):
    """One session of a calendar: its open, its close (ns) and its date as yyyymmdd."""

    opens: int
    closes: int
    day: int


class Sessions:
    """The sessions of the calendars that the desk's instruments have.

    days:   calendar -> its sessions, ascending, from the running one on
    """

    def __init__(self, days: Mapping[str, Sequence[Day]]) -> None:
        self._days: dict[str, list[Day]] = {calendar: sorted(rows) for calendar, rows in days.items() if calendar != ALWAYS}
        self._open: dict[str, Day | None] = {}
        self._closed: dict[str, int] = {}

    def begin(self, now: int) -> list[Session]:
        """What stands at the start: each calendar in or out of session."""
        events = []
        for calendar in self._days:
            running = self.running(calendar, now)
            self._open[calendar] = running
            last = running or self._last(calendar, now)
            if running is None:
                self._closed[calendar] = last.closes if last is not None else 0
            if last is not None:
                events.append(Session(min(now, last.opens if running else last.closes), now, calendar, running is not None, last.day, last.closes))
            else:
                events.append(Session(now, now, calendar, False, 0, now))
        return events

    def running(self, calendar: str, now: int) -> Day | None:
        """The session that `now` is in."""
        rows = self._days.get(calendar, ())
        at = bisect_right(rows, now, key=lambda day: day.opens) - 1
        return rows[at] if at >= 0 and rows[at].opens <= now < rows[at].closes else None

    def _last(self, calendar: str, now: int) -> Day | None:
        over = [day for day in self._days[calendar] if day.closes <= now]
        return over[-1] if over else None

    @property
    def due(self) -> int:
        """When something happens next, ns; NEVER when nothing does."""
        moments = [day.closes for day in self._open.values() if day is not None]
        for calendar, day in self._open.items():
            if day is None:
                moments += [row.opens for row in self._days[calendar] if row.opens >= self._closed[calendar]][:1]
        return min(moments, default=NEVER)

    def take(self, now: int) -> list[Session]:
        """What happened by `now`, in order."""
        events: list[Session] = []
        for calendar in self._days:
            while True:
                running = self._open.get(calendar)
                if running is not None:
                    if now < running.closes:
                        break
                    events.append(Session(running.closes, now, calendar, False, running.day, running.closes))
                    self._open[calendar], self._closed[calendar] = None, running.closes
                    continue
                following = self.running(calendar, now)
                if following is None:
                    break
                self._open[calendar] = following
                events.append(Session(following.opens, now, calendar, True, following.day, following.closes))
        return events

    def extend(self, calendar: str, days: Iterable[Day]) -> None:
        """More sessions are known; those that were known stay as they are."""
        rows = self._days.setdefault(calendar, [])
        last = rows[-1].closes if rows else 0
        self._days[calendar] = [*rows, *(day for day in sorted(days) if day.opens >= last)]

    def past(self, now: int, back: int) -> list[Day]:
        """The sessions of the last `back` days, the running one too, of whichever calendar, ascending."""
        known = {day for rows in self._days.values() for day in rows if day.opens <= now}
        first = min((day.opens for day in known), default=now)
        return sorted(known | {day for calendar in self._days for day in scheduled(calendar, first, 0, back)})

    def opens(self, now: int) -> int:
        """When the session opens that runs, or that comes next, of whichever calendar; 0 where there is none."""
        running = [day.opens for rows in self._days.values() for day in rows if day.closes > now]
        return min(running, default=0)

    @property
    def known_until(self) -> int:
        """The end of the last session that is known, of the calendar that is known least far; NEVER where there is none."""
        return min((rows[-1].closes if rows else 0 for rows in self._days.values()), default=NEVER)


def scheduled(calendar: str, now: int, days: int = 10, back: int = 7) -> list[Day]:
    """The sessions of a calendar from `back` days ago to `days` days ahead."""
    from argosy.data.calendars import session_events

    events = session_events(calendar, now - back * DAY, now + days * DAY)
    return [Day(event.ts, event.closes, event.day) for event in events if event.open]


class Word(Protocol):
    """What a broker's clock says: whether the market is open, and when it closes next, ns UTC."""

    @property
    def open(self) -> bool: ...
    @property
    def closes(self) -> int: ...


def around(instruments: Instruments, now: int, hours: Word, own: bool) -> Sessions:
    """The calendar's sessions around `now`; where an exchange of our own is open at another hour, its word."""
    days: dict[str, Sequence[Day]] = {}
    for calendar in {row.calendar for row in instruments} - {"24/7"}:
        rows = scheduled(calendar, now)
        if own and hours.open and not any(day.opens <= now < day.closes for day in rows):
            closes = hours.closes
            number = max((day.day for day in rows if day.opens <= closes), default=0)
            rows = [day for day in rows if day.closes <= now] + [Day(now, closes, number)] + [day for day in rows if day.opens >= closes]
        days[calendar] = rows
    return Sessions(days)
