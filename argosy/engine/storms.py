"""What the post-trade breakers count: refusals, executions, losses in a row, how fast equity falls; it judges nothing.

Told by recorded events and market rows alone. An engine keeps it where a breaker asks for it; it is no part of the state's name, because
what came of it (a latch) is recorded.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from argosy.core.time import NEVER

if TYPE_CHECKING:
    from argosy.engine.breakers import Breakers


class Storms:
    """Counts within windows of time, all in ns.

    losses: orders in a row that closed at a loss, of the whole account, whatever the day; cleared by a gain and by a resume
    """

    __slots__ = ("_before", "_executions", "_last", "_most", "_realised", "_refusals", "_tops", "fall_ns", "losses", "refuse_ns", "repeat_ns")

    def __init__(self, refuse_ns: int, repeat_ns: int, fall_ns: int) -> None:
        self.refuse_ns = refuse_ns
        self.repeat_ns = repeat_ns
        self.fall_ns = fall_ns
        self.clear()

    def clear(self) -> None:
        """Begin anew: the owner has resumed."""
        self.losses = self._most = 0
        self._before = self._realised = 0
        self._last = -1
        self._refusals: deque[int] = deque()
        self._executions: dict[tuple[int, int], dict[int, int]] = {}
        self._tops: deque[tuple[int, int]] = deque()

    def refused(self, now: int) -> None:
        """The venue refused an order or a change of one."""
        self._refusals.append(now)
        self._forget(now)

    def refusals(self, now: int) -> int:
        """How many refusals there were within the window."""
        self._forget(now)
        return len(self._refusals)

    def executed(self, now: int, instrument: int, side: int, order: int) -> None:
        """An order of ours filled, or a part of it; an order counts once."""
        orders = self._executions.setdefault((instrument, side), {})
        orders.setdefault(order, now)
        self._most = max(self._most, len(orders))

    def repeated(self, now: int) -> tuple[int, int, int]:
        """The most orders that filled on one side of one instrument within the window: (how many, instrument, side)."""
        most = (0, -1, 0)
        for (instrument, side), orders in list(self._executions.items()):
            for order in [order for order, at in orders.items() if now - at > self.repeat_ns]:
                del orders[order]
            if not orders:
                del self._executions[instrument, side]
                continue
            most = max(most, (len(orders), instrument, side))
        self._most = most[0]
        return most

    def calm(self, equity: int, limits: Breakers) -> bool:
        """Whether nothing that is counted here can be at its limit, even if nothing of it were older than its window."""
        if self.losses >= (limits.losses or NEVER) or len(self._refusals) >= (limits.rejects or NEVER) or self._most >= (limits.repeats or NEVER):
            return False
        top = self._tops[0][1] if self._tops else equity
        return top - equity <= 0.999 * limits.velocity_frac * top

    def closed(self, order: int, realised: int) -> None:
        """An order closed lots with so many base units of profit; the parts of one order are judged together."""
        if order != self._last:
            self._last, self._before, self._realised = order, self.losses, 0
        self._realised += realised
        if self._realised:
            self.losses = self._before + 1 if self._realised < 0 else 0

    def settle(self, now: int, equity: int) -> None:
        """The equity at the end of a market instant."""
        tops = self._tops
        while tops and tops[-1][1] <= equity:
            tops.pop()
        tops.append((now, equity))
        while now - tops[0][0] > self.fall_ns:
            tops.popleft()

    def shift(self, units: int) -> None:
        """A deposit or withdrawal of base units is no profit and no loss."""
        self._tops = deque((at, equity + units) for at, equity in self._tops)

    def top(self, now: int, equity: int) -> int:
        """The highest equity within the window, at least the present one."""
        return next((max(top, equity) for at, top in self._tops if now - at <= self.fall_ns), equity)

    def _forget(self, now: int) -> None:
        row = self._refusals
        while row and now - row[0] > self.refuse_ns:
            row.popleft()
