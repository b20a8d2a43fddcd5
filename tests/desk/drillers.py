"""A strategy for drills: it does in a second what others do in a month, and all it does follows from the prices that it saw."""

from __future__ import annotations

import msgspec

from argosy.core.intents import Ladder, Protection, Rung, Target
from argosy.core.orders import BUY
from argosy.core.strategy import Watch


class Seen(msgspec.Struct):
    """What it remembers: quotes by symbol, and a sum over all that it saw, in their order."""

    n: dict[int, int] = {}
    sum: float = 0.0

    def count(self, i: int) -> int:
        """One more quote of a symbol: how many now."""
        self.n[i] = self.n.get(i, 0) + 1
        return self.n[i]


class Weaver:
    """In and out of the first symbol with a stop that moves; resting bids under the second, two of them and then others; both by count."""

    watches = (Watch("*", "quote"),)
    state = Seen

    def __init__(self) -> None:
        self.state = Seen()  # type: ignore[misc,assignment]

    def on_quote(self, quote, book):  # type: ignore[no-untyped-def]
        i, state = quote.instrument, self.state
        n = state.count(i)
        state.sum = 0.9 * state.sum + quote.bid * (1 + i)
        if n % 2:
            return None
        turn, base = (n // 2) % 8, round(quote.bid, 2)
        if i == 0:
            lots = (7, 7, 12, 12, 5, 5, 9, 0)[turn]
            stop = Protection(stop=round(base * (0.95 - 0.002 * turn), 2)) if lots else None
            return Target(0, lots=lots, why=f"turn {n}, {state.sum:.6f}", protection=stop)
        guard = Protection(stop=round(base * 0.8, 2))
        rungs = [
            Rung(f"r{k}", BUY, round(base * (0.97 - 0.01 * k - 0.001 * (turn // 2)), 2), 3 + k, protection=guard)
            for k in range((2, 2, 3, 3, 1, 1, 2, 0)[turn])
        ]
        return Ladder(i, tuple(rungs), why=f"turn {n}, {state.sum:.6f}")


class Knitter:
    """Another holder of the first symbol, which buys more and sells some beside the first one's stop, so that each time there is a saga."""

    watches = (Watch("*", "quote"),)
    state = Seen

    def __init__(self) -> None:
        self.state = Seen()  # type: ignore[misc,assignment]

    def on_quote(self, quote, book):  # type: ignore[no-untyped-def]
        i, state = quote.instrument, self.state
        n = state.count(i)
        if i or n % 3:
            return None
        lots = (3, 6, 4, 4, 8, 0)[(n // 3) % 6]
        stop = Protection(stop=round(round(quote.bid, 2) * 0.85, 2)) if lots else None
        return Target(0, lots=lots, why=f"turn {n}", protection=stop)
