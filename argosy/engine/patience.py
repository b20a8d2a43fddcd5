"""When to stop asking: a venue that refuses the same thing again and again in one moment is left alone until time has passed."""

from __future__ import annotations

TRIES = 5
"""Refusals of one instrument in one moment after which the engine waits."""


class Patience:
    """Counts refusals by instrument at one `now`.

    stuck: instruments that wait for the next market row or heartbeat; bare: those of them whose protection the gate refused
    """

    __slots__ = ("_counts", "_now", "bare", "stuck")

    def __init__(self) -> None:
        self._now = -1
        self._counts: dict[int, int] = {}
        self.stuck: set[int] = set()
        self.bare: set[int] = set()

    def ends(self, instrument: int, now: int) -> bool:
        """Note a refusal; whether it was one too many."""
        if now != self._now:
            self._now = now
            self._counts.clear()
        count = self._counts[instrument] = self._counts.get(instrument, 0) + 1
        if count > TRIES:
            self.stuck.add(instrument)
        return count > TRIES
