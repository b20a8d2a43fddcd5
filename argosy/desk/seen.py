"""Which bar of each series went into the books last, so that none goes in twice after a pause; it keeps no prices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from argosy.core.events import Bar, MarketEvent
from argosy.core.time import DAY, HOUR


class Seen:
    """The last bar of each series that went into the books: (instrument, span) -> its start."""

    def __init__(self, bars: Mapping[tuple[int, int], int] | None = None) -> None:
        self.bars = dict(bars or {})

    def note(self, bar: Bar) -> None:
        """One went in."""
        self.bars[key(bar)] = bar.ts

    def over(self, rows: Iterable[MarketEvent]) -> Iterator[MarketEvent]:
        """Rows on their way in."""
        for row in rows:
            if type(row) is Bar:
                self.note(row)
            yield row


def key(bar: Bar) -> tuple[int, int]:
    """The series that a bar is of: its instrument and span, a day whatever its hours."""
    return bar.instrument, DAY if bar.span > 2 * HOUR else bar.span
