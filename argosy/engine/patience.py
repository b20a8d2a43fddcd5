"""When to stop asking: what is refused again and again is left alone for a while. It never forgets that it must ask again."""

from __future__ import annotations

TRIES = 5
"""Refusals by the venue of one instrument in one moment after which the engine waits."""
LONGEST = 1024
"""Market rows, at most, between two requests for a protection that the gate refuses."""


class Patience:
    """Counts refusals by instrument.

    stuck: instruments that wait for a market row or heartbeat; bare: tries by instrument whose protection the gate refused
    """

    __slots__ = ("_counts", "_due", "_now", "bare", "stuck")

    def __init__(self) -> None:
        self._now = -1
        self._counts: dict[int, int] = {}
        self._due: dict[int, int] = {}
        self.stuck: set[int] = set()
        self.bare: dict[int, int] = {}

    def ends(self, instrument: int, now: int) -> bool:
        """Note a venue's refusal; whether it was one too many."""
        if now != self._now:
            self._now = now
            self._counts.clear()
        count = self._counts[instrument] = self._counts.get(instrument, 0) + 1
        if count > TRIES:
            self.stuck.add(instrument)
        return count > TRIES

    def unprotected(self, instrument: int, rows: int) -> bool:
        """Note that a protection was refused after so many market rows; whether for the first time."""
        tries = self.bare[instrument] = self.bare.get(instrument, 0) + 1
        self._due[instrument] = rows + min(LONGEST, 1 << min(tries - 1, 10))
        self.stuck.add(instrument)
        return tries == 1

    def protected(self, instrument: int) -> None:
        """A protection may rest, or none is needed any more."""
        if self.bare.pop(instrument, None) is not None:
            self._due.pop(instrument)

    def ripe(self, rows: int) -> set[int]:
        """Take the instruments that have waited long enough."""
        found = {i for i in self.stuck if self._due.get(i, 0) <= rows}
        self.stuck -= found
        return found
