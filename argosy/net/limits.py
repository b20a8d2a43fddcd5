"""How many requests a minute are left, with a share kept back for cancels; it never lets one out into a refusal it knows of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

WINDOW_S = 60.0
LONGEST_S = 120.0
"""No refusal is believed to last longer than this; a wild header cannot silence a desk for a day."""


class Budget:
    """Requests of one account against one host.

    per_minute:   until the host's own headers say otherwise
    reserve_frac: share of the window that only urgent requests (cancels) may use
    clock, wall:  monotonic and UNIX seconds
    After a 429 nothing goes out until the reset but urgent ones, and of those no more than the reserve.
    """

    def __init__(
        self, clock: Callable[[], float], wall: Callable[[], float], *, per_minute: int = 200, reserve_frac: float = 0.2
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._frac = reserve_frac
        self.limit = per_minute
        self.left = per_minute
        self._reset = clock() + WINDOW_S
        self._flying = 0
        self._urgent_left = self.reserve
        self.blocked_until = 0.0
        self.refusals = 0

    @property
    def reserve(self) -> int:
        """Requests of a window that only urgent ones may use; at least one."""
        return max(1, int(self.limit * self._frac))

    def wait(self, urgent: bool = False) -> float:
        """Seconds until a request may go; 0.0 takes one out of the budget."""
        now = self._clock()
        if now >= self._reset:
            self._fresh(now + WINDOW_S)
        if now < self.blocked_until:
            if not urgent or self._urgent_left <= 0:
                return self.blocked_until - now
            self._urgent_left -= 1
        elif self.left <= (0 if urgent else self.reserve):
            return max(0.001, self._reset - now)
        self.left -= 1
        self._flying += 1
        return 0.0

    async def take(self, deadline: float, urgent: bool = False) -> bool:
        """Wait for one; False as soon as it is clear that the deadline (monotonic seconds) comes first."""
        while (wait := self.wait(urgent)) > 0.0:
            if self._clock() + wait > deadline:
                return False
            await asyncio.sleep(min(wait, 1.0))
        return True

    def heard(self, status: int, headers: Mapping[str, str]) -> None:
        """A taken request was answered: believe what the headers say."""
        self._flying = max(0, self._flying - 1)
        now = self._clock()
        reset = self._reset_of(headers, now)
        if "x-ratelimit-limit" in headers:
            limit = _count(headers["x-ratelimit-limit"])
            if limit and limit != self.limit:
                self.left += limit - self.limit
                self.limit = limit
                self._urgent_left = min(self._urgent_left, self.reserve)
        if reset is not None and reset > self._reset + 1.0:
            self._fresh(reset)
        elif reset is not None and reset > now:
            self._reset = reset
        left = _count(headers.get("x-ratelimit-remaining", ""))
        if left is not None:
            self.left = min(self.left, left - self._flying)
        if status == 429:
            self.refusals += 1
            until = reset if reset is not None and reset > now else now + _retry_after(headers, 5.0)
            if until > self.blocked_until:
                if now >= self.blocked_until:
                    self._urgent_left = self.reserve
                self.blocked_until = until
            if reset is not None:
                self.left = min(self.left, 0)

    def lost(self) -> None:
        """A taken request was not answered; it is counted as used."""
        self._flying = max(0, self._flying - 1)

    def _fresh(self, reset: float) -> None:
        self._reset = reset
        self.left = self.limit - self._flying
        if self._clock() >= self.blocked_until:  # while it is silent, a reset that moves away is no new window
            self._urgent_left = self.reserve

    def _reset_of(self, headers: Mapping[str, str], now: float) -> float | None:
        """The monotonic moment of the reset; measured on the host's own clock where it shows one, so that ours may be wrong."""
        reset = _count(headers.get("x-ratelimit-reset", ""))
        if reset is None:
            return None
        theirs = self._wall()
        if "date" in headers:
            try:
                theirs = parsedate_to_datetime(headers["date"]).timestamp()
            except (ValueError, TypeError, IndexError, OverflowError):
                pass
        return now + min(max(0.0, reset - theirs), LONGEST_S)


def _count(text: str) -> int | None:
    """A whole number of a header, None where there is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _retry_after(headers: Mapping[str, str], default: float) -> float:
    seconds = _count(headers.get("retry-after", ""))
    return default if seconds is None else min(float(seconds), LONGEST_S)
