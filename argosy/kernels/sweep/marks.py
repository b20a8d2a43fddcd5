"""What a combination was worth along the way: the deepest fall and the days' returns; it looks at rows only where that can matter.

Blocks of rows know their lowest and highest price. While a position does not change, its worth rises or falls with the price
alone, so a block that stays above the deepest fall so far, at both of its ends, holds no deeper one.
"""

from __future__ import annotations

from typing import Any

from argosy.kernels.kernel import kernel
from argosy.kernels.ledger import notional

BLOCK = 64
"""Rows of a block."""
DEPTH, COUNT, MEAN, SQUARES, LAST, FIRST = 0, 1, 2, 3, 4, 5
FIGURES = 6
"""Places of `figures`, float64: greatest fall; count, mean and squares of daily returns; the last day's value, the first row's."""


@kernel
def day_end(figures: Any, value: float) -> None:
    """Count one day's return, as `stats.moments` does over the ends of days; the first row stands before the first day."""
    before = figures[LAST]
    if figures[COUNT] < 0.0:  # no day yet
        figures[COUNT] = 0.0
        if value == before:
            return
    figures[LAST] = value
    if not before > 0.0:
        figures[LAST] = -1.0
        return
    change = value / before - 1.0
    figures[COUNT] += 1.0
    off = change - figures[MEAN]
    figures[MEAN] += off / figures[COUNT]
    figures[SQUARES] += off * (change - figures[MEAN])


@kernel
def floor_of(peak: int, depth: float) -> int:
    """Worth at or above which no fall from `peak` is deeper than `depth`; a unit is added for the rounding of the product."""
    return peak - int(depth * peak) + 1


@kernel
def blocks(open: Any, high: Any, low: Any, close: Any, out: Any) -> None:
    """Lowest and highest close, lowest and highest price of each block of rows.

    open, high, low, close: (T,) float64; out: (4, ceil(T / BLOCK)) float64, overwritten
    """
    n = len(close)
    for b in range(out.shape[1]):
        at = b * BLOCK
        least, most = close[at], close[at]
        bottom, top = min(low[at], open[at]), max(high[at], open[at])
        for t in range(at + 1, min(at + BLOCK, n)):
            least, most = min(least, close[t]), max(most, close[t])
            bottom, top = min(bottom, low[t], open[t]), max(top, high[t], open[t])
        out[0, b], out[1, b], out[2, b], out[3, b] = least, most, bottom, top


@kernel
def untouched(opens: Any, highs: Any, lows: Any, bounds: Any, lo: int, low: float, high: float) -> int:
    """The first row from `lo` on that does not lie between low and high, but at most the end of its block."""
    b = lo // BLOCK
    end = min((b + 1) * BLOCK, len(opens))
    if low < bounds[2, b] and bounds[3, b] < high:
        return end
    t = lo
    while t < end and low < min(lows[t], opens[t]) and max(highs[t], opens[t]) < high:
        t += 1
    return t


@kernel
def marked(
    closes: Any, bounds: Any, lo: int, hi: int, held: int, cash: int, scale: float, peak: int, floor: int, depth: float
) -> tuple[int, int, float]:
    """Mark rows [lo, hi) at one position: (peak, floor, deepest fall), as if each row had been looked at.

    bounds: what `blocks` made; held: not 0; floor: `floor_of` the peak and the deepest fall before
    """
    up, down = (1, 0) if held > 0 else (0, 1)
    t = lo
    while t < hi:
        b = t // BLOCK
        end = min((b + 1) * BLOCK, hi)
        top = cash + notional(held, bounds[up, b], scale)
        bottom = cash + notional(held, bounds[down, b], scale)
        whole = t == b * BLOCK and (end - t == BLOCK or end == len(closes))
        if top <= peak:
            # no new peak in it: only prices beyond `edge` can be deeper, and those are marked exactly
            while t < end:
                if bottom >= floor:
                    t = end
                    break
                edge = (floor - cash + 1) / (held * scale) * (1.0 + 1e-12 if held > 0 else 1.0 - 1e-12)
                while t < end and ((closes[t] > edge) if held > 0 else (closes[t] < edge)):
                    t += 1
                if t < end:
                    equity = cash + notional(held, closes[t], scale)
                    if equity < floor and peak > 0:
                        depth = max(depth, (peak - equity) / peak)
                        floor = floor_of(peak, depth)
                    t += 1
            continue
        if whole:
            above = floor_of(top, depth)
            if bottom >= above and bottom >= floor:
                peak = top
                floor = above
                t = end
                continue
        while t < end:
            equity = cash + notional(held, closes[t], scale)
            if equity > peak:
                peak = equity
                floor = floor_of(peak, depth)
            elif equity < floor and peak > 0:
                fall = (peak - equity) / peak
                if fall > depth:
                    depth = fall
                    floor = floor_of(peak, depth)
            t += 1
    return peak, floor, depth
