"""How long to wait before trying again: longer each time, never in step with others, never more than so many a minute."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

MINUTE_S = 60.0


class Backoff:
    """Delays between attempts, in seconds: full jitter under a ceiling that doubles.

    first_s, cap_s: the ceiling of the first delay and of all; per_minute: most attempts in any 60 s
    chance: a number in [0, 1) each time it is called; clock: monotonic seconds
    """

    def __init__(
        self, chance: Callable[[], float], clock: Callable[[], float], *, first_s: float = 0.25, cap_s: float = 30.0, per_minute: int = 12
    ) -> None:
        self._chance = chance
        self._clock = clock
        self._first = first_s
        self._cap = cap_s
        self._tries = 0
        self._seen: deque[float] = deque(maxlen=per_minute)

    def delay(self, at_least_s: float = 0.0) -> float:
        """Seconds to wait before the next attempt, which is counted as made then."""
        now = self._clock()
        ceiling = min(self._cap, self._first * 2.0 ** min(self._tries - 1, 30)) if self._tries else 0.0
        wait = max(at_least_s, ceiling * (0.5 + 0.5 * self._chance()))
        if len(self._seen) == self._seen.maxlen:  # the oldest of the last n attempts is a minute ago at the earliest
            wait = max(wait, self._seen[0] + MINUTE_S + 0.001 - now)
        self._tries += 1
        self._seen.append(now + wait)
        return wait

    def calm(self) -> None:
        """It went well for a while: the next delay begins small again. Attempts of the last minute still count."""
        self._tries = 0
