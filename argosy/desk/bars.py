"""Longer bars out of the broker's minutes: each given on only when it is over, by the same arithmetic as in the past.

Five minutes and hours are counted from the epoch, as indicators of a higher timeframe count them; a day is a session, from its open to
its close, half days too, of what was traded inside it. It never shows a bar that grows, and never changes one that was shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from argosy.core.events import Bar, Session
from argosy.core.time import DAY, NEVER, SECOND
from argosy.kernels.indicators.higher import BEFORE, fold_step, origin

GRACE = 3 * SECOND
"""How long after its end a bar waits for its last minute, where nothing was traded in it that would close it."""
_fold = fold_step.py


class Growing:
    """One instrument's bar of one span. every: ns; a day of an instrument with sessions is a session."""

    __slots__ = ("clock", "every", "first", "instrument", "known", "row", "sessions", "shown")

    def __init__(self, instrument: int, every: int, sessions: bool) -> None:
        self.instrument = instrument
        self.every = every
        self.sessions = sessions
        self.first = origin(every)
        self.clock = [0, 0]
        self.row = [0.0] * 10
        self.shown = 0

    @property
    def ends(self) -> int:
        """When the bar at hand is over, ns; NEVER where none grows or its session ends it."""
        return self.clock[0] + self.first + self.every if self.clock[1] and not self.sessions else NEVER

    def add(self, bar: Bar) -> list[Bar]:
        """A minute; what is over by it."""
        if self.sessions:
            return self._inside(bar)
        if bar.ts < self.shown:  # late: its bar was given on without it
            return []
        begun, grew = self.clock[0], self.clock[1]
        done = _fold(
            self.clock, self.row, self.every, self.first, bar.close - bar.close == 0.0, bar.open, bar.high, bar.low, bar.close,
            bar.volume, bar.ts, bar.span,
        )  # fmt: skip
        over = []
        if done in (BEFORE, 3) and grew:
            over.append(self._bar(begun, self.row[5:], bar.known))
        if done >= 2:
            over.append(self._bar(self.clock[0], self.row[:5], bar.known))
        return over

    def _bar(self, start: int, row: Sequence[float], known: int) -> Bar:
        begin = start + self.first
        self.shown = begin + self.every
        return Bar(begin, max(known, self.shown), self.instrument, row[0], row[1], row[2], row[3], row[4], self.every)

    def end(self, now: int, grace: int = GRACE) -> list[Bar]:
        """Give on what is over and waits for nothing more."""
        if self.ends + grace > now:
            return []
        self.clock[1] = 0
        return [self._bar(self.clock[0], self.row[:5], now)]

    # -- a day -----------------------------------------------------------------------------------------------------------

    def _inside(self, bar: Bar) -> list[Bar]:
        opened, closes = self.clock[0], self.shown
        if not opened <= bar.ts < closes or bar.close - bar.close != 0.0:
            return []
        row = self.row
        if not self.clock[1]:
            self.clock[1] = 1
            row[:5] = [bar.open, bar.high, bar.low, bar.close, bar.volume]
        else:
            row[1], row[2], row[3], row[4] = max(row[1], bar.high), min(row[2], bar.low), bar.close, row[4] + bar.volume
        if bar.ts + bar.span >= closes:
            return self._day(bar.known)
        return []

    def _day(self, known: int) -> list[Bar]:
        opened, closes = self.clock[0], self.shown
        if not self.clock[1]:
            return []
        self.clock[1] = 0
        self.shown = opened  # what comes later is of no day
        row = self.row
        return [Bar(opened, max(known, closes), self.instrument, row[0], row[1], row[2], row[3], row[4], closes - opened)]

    def session(self, begins: int, closes: int) -> None:
        """A session began: its minutes make the day."""
        if self.clock[0] != begins:
            self.clock[0], self.clock[1], self.shown = begins, 0, closes


class Bars:
    """The bars that strategies asked for, from minutes.

    wanted: instrument -> spans, ns; a span of a minute is the broker's own bar
    calendars: of each instrument, "24/7" for none
    """

    def __init__(self, wanted: Mapping[int, Iterable[int]], calendars: Sequence[str], base: int) -> None:
        self.base = base
        self._plain = frozenset(i for i, spans in wanted.items() if base in set(spans))
        self._growing = {
            i: [Growing(i, every, every == DAY and calendars[i] != "24/7") for every in sorted(set(spans)) if every != base]
            for i, spans in wanted.items()
        }
        self._calendars = calendars
        self._ended: dict[int, int] = {}

    def add(self, bar: Bar) -> list[Bar]:
        """A minute came: the bars to give on, the shortest first. The same minute told twice is one."""
        i = bar.instrument
        growing = self._growing.get(i)
        if growing is None or bar.ts <= self._ended.get(i, -1):
            return []
        self._ended[i] = bar.ts
        over = [bar] if i in self._plain else []
        for one in growing:
            over += one.add(bar)
        return over

    def due(self, now: int) -> list[Bar]:
        """Bars that are over although no minute said so."""
        return [bar for growing in self._growing.values() for one in growing if one.clock[1] for bar in one.end(now)]

    def over(self, i: int, now: int) -> list[Bar]:
        """Bars of one instrument that are over, whether or not a minute said so."""
        return [bar for one in self._growing.get(i, ()) if one.clock[1] for bar in one.end(now, 0)]

    def waits(self, closes: int, now: int) -> bool:
        """Whether the day of a session that closed is still to get its last minute, which the broker tells after the close."""
        days = [(i, one) for i, growing in self._growing.items() for one in growing if one.sessions and one.clock[1] and one.shown == closes]
        return now < closes + GRACE and bool(days)

    def session(self, session: Session, begins: int) -> list[Bar]:
        """A session began at `begins` (ns), or ended: days begin and end with it."""
        over = []
        for i, growing in self._growing.items():
            if self._calendars[i] != session.calendar:
                continue
            for one in growing:
                if one.sessions and session.open:
                    one.session(begins, session.closes)
                elif one.sessions:
                    over += one._day(session.known)  # noqa: SLF001  (two of one noun)
        return over
