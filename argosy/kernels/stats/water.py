"""How deep and how long a curve was under water: every fall from a peak in one pass; it never looks at prices between rows."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from argosy.kernels.kernel import kernel

NAN = float("nan")
INF = float("inf")


@kernel
def water(equity: Sequence[float]) -> tuple[float, int, int, int, int, int, float, float]:
    """(depth, peak, low, back, start, end, squares, total) of an equity curve.

    depth, peak, low: the deepest fall as a positive fraction of its peak, and the rows of the peak and of the low
    back:             the row at which that peak was reached again, -1 when it was not
    start, end:       the rows of the longest time from a peak until it was reached again, or until the last row
    squares, total:   sums of the squared falls and of the falls, over all rows

    The last of equal peaks counts, the first of equal falls, the first of equal times. No fall: depth 0 and rows 0 and -1.
    Peaks that are not positive have no fraction. No rows, or nan in any: depth nan.
    Source: Magdon-Ismail and Atiya, Maximum Drawdown (2004); Martin and McCann, The Investor's Guide to Fidelity Funds (1989).
    """
    depth = 0.0
    peak = 0
    low = 0
    back = -1
    start = 0
    end = 0
    squares = 0.0
    total = 0.0
    top = -INF
    at = 0
    of = -1
    for t in range(len(equity)):
        value = equity[t]
        if isnan(value):
            return NAN, 0, 0, -1, 0, 0, NAN, NAN
        if value >= top:
            if t - at > 1 and t - at > end - start:
                start = at
                end = t
            if of >= 0:
                back = t
                of = -1
            top = value
            at = t
        elif top > 0.0:
            fall = (top - value) / top
            squares += fall * fall
            total += fall
            if fall > depth:
                depth = fall
                peak = at
                low = t
                back = -1
                of = at
    if len(equity) == 0:
        return NAN, 0, 0, -1, 0, 0, NAN, NAN
    if len(equity) - 1 - at > end - start:
        start = at
        end = len(equity) - 1
    return depth, peak, low, back, start, end, squares, total
