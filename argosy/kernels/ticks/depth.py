"""The order book of a tape, told level by level: what it shows after each row. It depends on no order, so it is made once a tape."""

from __future__ import annotations

from typing import Any

from argosy.kernels.kernel import kernel

NAN = float("nan")
INF = float("inf")


@kernel
def gridded(price: Any, num: float, den: float, least: int, out: Any) -> bool:
    """The level of each row's price on a grid of num / den, counted from `least`, into out (T,) int64; False where one is off it."""
    for t in range(len(price)):
        if price[t] != price[t]:
            return False
        steps = round(price[t] * den / num)
        if steps * num / den != price[t] or steps < least:
            return False
        out[t] = steps - least
    return True


@kernel
def tops(
    known: Any, side: Any, level: Any, size: Any, clear: Any, price: Any, grid: Any, bids: Any, asks: Any, bid: Any, ask: Any,
    bid_size: Any, ask_size: Any, before: Any, low: Any, high: Any,
) -> None:  # fmt: skip
    """The best of both sides after each row, and what stood at its level before it.

    known ... price: (T,) rows of a book in order; level: place of the row's price among all, ascending with it
    grid, bids, asks: (levels,) overwritten: the price of a level and its sizes
    bid ... before: (T,) overwritten; a side without an order is nan with size 0
    low, high: (T,) what may touch an order, the ask and the bid: inf and -inf in a row of the moment
               that began a new book, all where it shows nothing
    """
    count = len(grid)
    for b in range(count):
        bids[b] = 0.0
        asks[b] = 0.0
    best, least = -1, count
    torn = known[0] - 1 if len(known) > 0 else 0
    for t in range(len(known)):
        if clear[t]:
            for b in range(count):
                bids[b] = 0.0
                asks[b] = 0.0
            best, least = -1, count
            torn = known[t]
        b = level[t]
        grid[b] = price[t]
        shown = size[t] if size[t] > 0.0 else 0.0
        if side[t] > 0:
            before[t] = bids[b]
            bids[b] = shown
            if shown > 0.0:
                if b > best:
                    best = b
            elif b == best:
                while best >= 0 and bids[best] == 0.0:
                    best -= 1
        else:
            before[t] = asks[b]
            asks[b] = shown
            if shown > 0.0:
                if b < least:
                    least = b
            elif b == least:
                while least < count and asks[least] == 0.0:
                    least += 1
        bid[t], bid_size[t] = NAN, 0.0
        ask[t], ask_size[t] = NAN, 0.0
        if best >= 0:
            bid[t], bid_size[t] = grid[best], bids[best]
        if least < count:
            ask[t], ask_size[t] = grid[least], asks[least]
        if known[t] == torn:
            low[t], high[t] = INF, -INF
        elif best < 0 and least >= count:
            low[t], high[t] = -INF, INF
        else:
            low[t] = ask[t] if least < count else INF
            high[t] = bid[t] if best >= 0 else -INF
