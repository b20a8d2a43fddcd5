"""The order book of one instrument as its tape tells it: sizes by price on both sides; it knows nothing of our orders."""

from __future__ import annotations

from argosy.core.events import BookDelta

NAN = float("nan")


class Levels:
    """What stands at each price. torn: when a new book began; until that moment is over it is not whole."""

    __slots__ = ("_asks", "_best", "_bids", "_least", "torn")

    def __init__(self) -> None:
        self._bids: dict[float, float] = {}
        self._asks: dict[float, float] = {}
        self._best = self._least = NAN
        self.torn = -1 << 63

    def size(self, side: int, price: float) -> float:
        """What is shown at a level, 0.0 where nothing is. side: +1 bids, -1 asks."""
        return (self._bids if side > 0 else self._asks).get(price, 0.0)

    def apply(self, delta: BookDelta) -> None:
        """Take one changed level."""
        if delta.clear:
            self._bids.clear()
            self._asks.clear()
            self._best = self._least = NAN
            self.torn = delta.known
        price = delta.price
        if delta.side > 0:
            if delta.size > 0.0:
                self._bids[price] = delta.size
                if not price <= self._best:
                    self._best = price
            elif self._bids.pop(price, None) is not None and price == self._best:
                self._best = max(self._bids, default=NAN)
        elif delta.size > 0.0:
            self._asks[price] = delta.size
            if not price >= self._least:
                self._least = price
        elif self._asks.pop(price, None) is not None and price == self._least:
            self._least = min(self._asks, default=NAN)

    def top(self) -> tuple[float, float, float, float]:
        """(bid, ask, bid_size, ask_size); a side without an order is nan with size 0."""
        bid, ask = self._best, self._least
        return bid, ask, self._bids.get(bid, 0.0), self._asks.get(ask, 0.0)
