"""Which executions are in the books, so that one that is heard twice, by stream and by question, is one; it never looks at a price.

An execution covers a stretch of its order: from what was filled before it to what was filled after it, both in its name and its lots.
What a stretch has in common with what is covered was booked before, under whatever name.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from argosy.core.events import Fill
from argosy.core.instrument import Instruments
from argosy.core.shown import place

KEPT = 100_000
"""Orders of which it is remembered; older ones are never told again."""

Stretches = list[tuple[int, int]]


class Executions:
    """What is covered, by the venue's id of the order, in lots; executions without a place by their name."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments
        self._orders: dict[str, tuple[int, Stretches]] = {}
        self._names: dict[str, None] = {}

    def book(self, fill: Fill) -> None:
        """An execution is in the books now."""
        where = self._where(fill.execution, fill.instrument, fill.lots)
        if where is None:
            self._names[fill.execution] = None
            if len(self._names) > KEPT:
                del self._names[next(iter(self._names))]
            return
        identity, low, high = where
        _, stretches = self._orders.get(identity, (0, []))
        self._orders[identity] = (fill.instrument, joined([*stretches, (low, high)]))
        if len(self._orders) > KEPT:
            del self._orders[next(iter(self._orders))]

    def lacks(self, name: str, instrument: int, lots: int) -> int:
        """How many lots of an execution are not in the books yet: all of them, none, or a part."""
        where = self._where(name, instrument, lots)
        if where is None:
            return 0 if name in self._names else lots
        identity, low, high = where
        covered = sum(max(0, min(high, end) - max(low, begin)) for begin, end in self._orders.get(identity, (0, []))[1])
        return lots - covered

    def total(self, identity: str) -> int:
        """Lots of one of the venue's orders that are in the books."""
        return sum(end - begin for begin, end in self._orders.get(identity, (0, []))[1])

    def split(self, instrument: int, ratio: float) -> None:
        """Lots became others: what is covered of the open orders with them."""
        exact = Fraction(ratio).limit_denominator(10_000)
        for identity, (i, stretches) in self._orders.items():
            if i == instrument:
                self._orders[identity] = (i, joined((int(begin * exact), int(end * exact)) for begin, end in stretches))

    def take(self, other: Executions) -> None:
        """Know what another knows."""
        self._orders, self._names = dict(other._orders), dict(other._names)

    def kept(self) -> tuple[dict[str, tuple[int, Stretches]], list[str]]:
        """All that is known, as plain values."""
        return self._orders, list(self._names)

    @classmethod
    def of(cls, instruments: Instruments, kept: tuple[dict[str, tuple[int, Stretches]], list[str]]) -> Executions:
        """What was kept, known again."""
        made = cls(instruments)
        made._orders, made._names = kept[0], dict.fromkeys(kept[1])
        return made

    def _where(self, name: str, instrument: int, lots: int) -> tuple[str, int, int] | None:
        told = place(name)
        if told is None:
            return None
        high = self._instruments[instrument].lots(told[1])
        return told[0], high - lots, high


def joined(stretches: Iterable[tuple[int, int]]) -> Stretches:
    """The same stretches in order, those that touch as one."""
    out: Stretches = []
    for begin, end in sorted(stretches):
        if out and begin <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((begin, end))
    return out
