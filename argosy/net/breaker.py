"""A fuse for one host: after so many failures it is left alone for a while; what must get through goes past it."""

from __future__ import annotations

from collections import deque


class Breaker:
    """Open after `failures` within `window_s` seconds; after `open_s` one trial is let through (half open).

    Times are monotonic seconds given by the caller.
    """

    def __init__(self, failures: int = 5, window_s: float = 10.0, open_s: float = 5.0) -> None:
        self._window_s = window_s
        self._open_s = open_s
        self._bad: deque[float] = deque(maxlen=failures)
        self._until = 0.0
        self._trial = False
        self.opened = 0

    @property
    def closed(self) -> bool:
        return not self._until

    def allows(self, now: float, urgent: bool = False) -> bool:
        """Whether a request may go; asking takes the one trial of a half-open fuse."""
        if not self._until or urgent:
            return True
        if now < self._until or self._trial:
            return False
        self._trial = True
        return True

    def good(self) -> None:
        """The host answered as a host in health does."""
        if self._until or self._bad:
            self._until = 0.0
            self._trial = False
            self._bad.clear()

    def bad(self, now: float) -> None:
        """The host did not answer, or with a 5xx."""
        self._bad.append(now)
        full = len(self._bad) == self._bad.maxlen and now - self._bad[0] <= self._window_s
        if self._trial or (full and not self._until):
            self._until = now + self._open_s
            self._trial = False
            self.opened += 1

    def let_go(self) -> None:
        """The trial that was taken was not made after all."""
        self._trial = False
