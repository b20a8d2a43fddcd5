"""How old the last bar of each symbol is, counted in sessions that it misses; it reads no clock, the time is told to it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from argosy.core.events import Bar
from argosy.core.instrument import Instrument, Instruments
from argosy.core.tape import Tape
from argosy.core.time import DAY
from argosy.data.calendars import ALWAYS, sessions


class Age(msgspec.Struct, frozen=True):
    """The last bar of a symbol. known: ns; missed: sessions (days, for what never closes) that ended since; stale: any did."""

    symbol: str
    known: int
    missed: int

    @property
    def stale(self) -> bool:
        return self.missed > 0


def ages(instruments: Instruments, tapes: Sequence[Tape], now: int) -> list[Age]:
    """The age of each symbol's last bar at `now` (ns UTC), oldest first. A session counts from an hour after its close."""
    out = []
    for row in instruments:
        known = max((int(tape.only(row.id)["known"][-1]) for tape in tapes if tape.kind is Bar and row.id in tape.instruments), default=0)
        if known:
            out.append(Age(row.symbol, known, _missed(row, known, now)))
    return sorted(out, key=lambda age: (-age.missed, age.symbol))


def _missed(row: Instrument, known: int, now: int) -> int:
    """Sessions that ended after a bar was known and are an hour old at `now`."""
    if now <= known:
        return 0
    calendar = row.calendar
    if calendar == ALWAYS and row.kind == "equity" and row.currency == "USD":
        calendar = "XNYS"  # imported by whole days: its market closes all the same
    if calendar == ALWAYS:
        idle = 3 * DAY if row.kind == "fx" else DAY  # currencies rest at weekends
        return max(0, (now - known - idle // 24) // DAY) if now - known > idle + idle // 24 else 0
    _, closes = sessions(calendar, known, now)
    hour = DAY // 24
    return int(((closes > known) & (closes <= now - hour)).sum())
