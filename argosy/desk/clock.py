"""What time it is at the desk: the wall's for stamps, which never runs back here, and a monotonic one for waiting."""

from __future__ import annotations

import time
from collections.abc import Callable

from argosy.core.time import SECOND

WARN_NS = SECOND // 4
"""An offset to the broker above this is said aloud; doctor fails above a second."""


class Clock:
    """Nanoseconds UTC counted on from one look at the wall by the monotonic clock, so that a wall that jumps moves nothing.

    offset_ns: the broker's time less ours when it was measured last; asked: monotonic ns of that
    speed:     seconds of the desk in one of the wall's: 1, but for an exchange of our own that plays faster
    wall, monotonic: for tests
    """

    def __init__(
        self, *, speed: float = 1.0, wall: Callable[[], int] = time.time_ns, monotonic: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self.speed = speed
        self.offset_ns = 0
        self.asked = 0
        self.mono = monotonic
        self._wall = wall
        self._plain = speed == 1.0
        self._origin = wall()
        self._began = monotonic()
        self._least = 0
        self._follows = False

    def now(self) -> int:
        """Nanoseconds UTC; never less than before."""
        now = self._origin + (self.mono() - self._began if self._plain else int((self.mono() - self._began) * self.speed))
        if now < self._least:
            return self._least
        self._least = now
        return now

    def seconds_to(self, at: int) -> float:
        """Seconds of waiting until `at` (ns UTC), at least 0."""
        return max(0.0, (at - self.now()) / SECOND / self.speed)

    @property
    def drift_ns(self) -> int:
        """How far the wall has gone away from what was counted: a jump of the machine's clock."""
        return self._wall() - self._origin - (self.mono() - self._began) if self._plain else 0

    def heard(self, theirs: int, asked: int, answered: int) -> int:
        """The broker said `theirs` between two monotonic moments: the offset from the middle of them."""
        middle = self._origin + int(((asked + answered) // 2 - self._began) * self.speed)
        self.offset_ns, self.asked = theirs - middle, answered
        return self.offset_ns

    def follow(self) -> None:
        """Count on from the broker's time as it was heard last: for an exchange of our own, which may play another year.

        The first time it may go anywhere; after that time waits where it would run back.
        """
        if not self._follows:
            self._follows, self._least = True, 0
        self._origin += self.offset_ns
        self.offset_ns = 0
