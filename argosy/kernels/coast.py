"""Trades and quotes for which nobody is called: marks and the peak, as far as no order is touched; it fills and decides nothing."""

from __future__ import annotations

from typing import Any

from argosy.kernels.kernel import kernel
from argosy.kernels.ledger import notional

COASTED, TOUCHED, ALERT = 0, 1, 2
"""Why it stopped: at the end, before a row that may touch an order, at an equity to look at."""

# columns of `book`, (instruments, 4) int64: lots held, their value, when marked, last row that was a quote (-1: none)
HELD, VALUE, MARKED, QUOTED = 0, 1, 2, 3
# places of `tally`, (3,) int64
CASH, WORTH, PEAK = 0, 1, 2


@kernel
def coast(
    lo: int, hi: int, rows: Any, floor: Any, ceiling: Any, book: Any, marks: Any, scale: Any, tally: Any, least: float, fall: float
) -> tuple[int, int]:
    """Walk rows [lo, hi), whole instants; returns (rows walked up to, why it stopped).

    rows:   (instrument, known, low, high, mark, quote), (T,) each; mark is nan where a row says no price
    floor, ceiling: (n,) float64; a row with low <= floor or high >= ceiling is not walked, nor is its instant
    book, tally: see the names above; marks, scale: (n,) float64, last prices and units of money a lot and unit of price
    least, fall: equity at or below the first, or the second's fraction of the peak below it, is to be looked at
    """
    instrument, known, low, high, mark, quote = rows
    worth = tally[WORTH]
    peak = tally[PEAK]
    t = lo
    while t < hi:
        now = known[t]
        end = t
        while end < hi and known[end] == now:
            i = instrument[end]
            if low[end] <= floor[i] or high[end] >= ceiling[i]:
                return t, TOUCHED
            end += 1
        for r in range(t, end):
            i = instrument[r]
            if quote[r]:
                book[i, QUOTED] = r
            price = mark[r]
            if price == price:
                marks[i] = price
                book[i, MARKED] = now
                if book[i, HELD] != 0:
                    value = notional(book[i, HELD], price, scale[i])
                    worth += value - book[i, VALUE]
                    book[i, VALUE] = value
        t = end
        tally[WORTH] = worth
        equity = tally[CASH] + worth
        if equity > peak:
            peak = equity
            tally[PEAK] = peak
        if equity <= least or peak - equity >= fall * peak:
            return t, ALERT
    return t, COASTED
