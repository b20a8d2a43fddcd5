"""Bars of one moment as one instant, for strategies that compare instruments: held until all have come, or the grace is over.

What comes later is an instant of its own, and counted. It holds nothing that no strategy asked to be held, and changes nothing in a bar
but when it became known: all of an instant did when it was whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import gcd

import msgspec

from argosy.core.errors import Misuse
from argosy.core.events import Bar
from argosy.core.strategy import Declaration
from argosy.core.time import MS, span
from argosy.desk.bars import Bars
from argosy.desk.sessions import ALWAYS, Sessions
from argosy.engine.slot import Slot

Instants = list[list[Bar]]


class Gather:
    """The bars that wait for each other.

    wanted: (declaration, instruments) of each strategy that aligns; base: span of the broker's bars, ns; bars: makes the longer ones
    owed:   (instrument, start of a bar) -> whether one is to be expected: its market was in session
    late:   how many bars came after their instant
    Misuse("STRATEGY_ALIGN") where a strategy would align to less than the broker's bars.
    """

    def __init__(
        self, wanted: Iterable[tuple[Declaration, Sequence[int]]], bars: Bars, base: int, owed: Callable[[int, int], bool]
    ) -> None:
        self.late = 0
        self.grace = 0
        self._every: dict[int, int] = {}
        self._bars, self._owed = bars, owed
        self._base = base
        self._held: dict[int, list[Bar]] = {}
        self._came: dict[int, set[int]] = {}
        self._shut = -1
        for declaration, instruments in wanted:
            every = span(declaration.align)
            if every % base:
                what = f"{declaration.name} aligns to {declaration.align}, which the desk's bars do not divide"
                raise Misuse("STRATEGY_ALIGN", what, where=declaration.name, fix='align = "1m", or whole minutes')
            self.grace = max(self.grace, declaration.grace_ms * MS)
            for i in instruments:
                self._every[i] = gcd(self._every.get(i, every), every)  # two minutes and five: each minute, so that both find theirs

    def add(self, bar: Bar, over: list[Bar], now: int) -> Instants:
        """A bar of the broker's came, and `over` are the bars that it ends, itself among them: the instants that are whole by it."""
        end, every = bar.ts + bar.span, self._every.get(bar.instrument, 0)
        if not every or end % every:
            return [over] if over else []
        if end <= self._shut:
            self.late += len(over)
            return [over] if over else []
        self._held.setdefault(end, []).extend(over)
        self._came.setdefault(end, set()).add(bar.instrument)
        return self._shut_until(end, now) if self._whole(end) else []

    def due(self, now: int) -> Instants:
        """The instants whose grace is over."""
        over = [end for end in self._held if end + self.grace <= now]
        return self._shut_until(max(over), now) if over else []

    def join(self, over: Sequence[Bar]) -> list[Bar]:
        """Bars that ended without a minute: each to the instant of its moment where that is still open; the others are given back."""
        rest: list[Bar] = []
        for bar in over:
            held = self._held.get(bar.ts + bar.span) if bar.instrument in self._every else None
            (rest if held is None else held).append(bar)
        return rest

    def _whole(self, end: int) -> bool:
        """Whether all have come that are to be expected; where none is, only time tells."""
        owed = {i for i, every in self._every.items() if end % every == 0 and self._owed(i, end - self._base)}
        return bool(owed) and owed <= self._came[end]

    def _shut_until(self, end: int, now: int) -> Instants:
        """Give on what is held, the oldest first, up to the instant of `end`."""
        whole: Instants = []
        for moment in sorted(one for one in self._held if one <= end):
            held = self._held.pop(moment)
            came = self._came.pop(moment)
            self._shut = moment
            for i, every in self._every.items():
                if i not in came and moment % every == 0:
                    held += self._bars.over(i, moment)  # nothing was traded in its last minute
            if held:
                known = max(now, *(bar.known for bar in held))
                whole.append([msgspec.structs.replace(bar, known=known) for bar in sorted(held, key=lambda bar: bar.instrument)])
        return whole


def gather(slots: Iterable[Slot], bars: Bars, base: int, calendars: Sequence[str], sessions: Sessions) -> Gather | None:
    """What the strategies of a desk need gathered; None where each bar is an instant for all of them."""
    wanted = [(slot.declaration, slot.instruments) for slot in slots if slot.declaration.align]

    def owed(i: int, at: int) -> bool:
        return calendars[i] == ALWAYS or sessions.running(calendars[i], at) is not None

    return Gather(wanted, bars, base, owed) if wanted else None


__all__ = ["Gather", "gather"]
