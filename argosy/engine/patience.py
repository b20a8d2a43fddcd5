"""When to stop asking: what the venue refuses again and again in one moment is left alone until time has passed."""

from __future__ import annotations

from argosy.engine.bare import Bare

TRIES = 5
"""Refusals of one instrument in one moment after which the engine waits."""


class Patience:
    """Counts the venue's refusals by instrument at one `now`.

    stuck: instruments that wait for a market row or heartbeat, for the venue's sake or for a protection that the gate refused
    """

    __slots__ = ("_counts", "_now", "_venue", "stuck")

    def __init__(self) -> None:
        self._now = -1
        self._counts: dict[int, int] = {}
        self._venue: set[int] = set()
        self.stuck: set[int] = set()

    def ends(self, instrument: int, now: int) -> bool:
        """Note a refusal; whether it was one too many."""
        if now != self._now:
            self._now = now
            self._counts.clear()
        count = self._counts[instrument] = self._counts.get(instrument, 0) + 1
        if count > TRIES:
            self.stuck.add(instrument)
            self._venue.add(instrument)
        return count > TRIES

    def ripe(self, rows: int, bare: Bare) -> set[int]:
        """Take the instruments that have waited long enough."""
        found = {i for i in self.stuck if i in self._venue or bare.due(i, rows)}
        self.stuck -= found
        self._venue.clear()
        return found
