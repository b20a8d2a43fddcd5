"""The books' arithmetic: what a trade is worth, what a position cost, who gets which part; integers only, nothing is lost.

Lots are signed integers (bought +, sold -), money is an integer count of the currency's unit. This is the only place where
money is rounded; it never knows fees or currencies.
"""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence

from argosy.kernels.kernel import kernel

LIMIT = 4611686018427387904.0
"""2**62: a money amount at or beyond this size is refused before it is booked."""

_SAFE = 4.0e18
"""Products of integers that stay below this (as floats) are exact in int64."""


@kernel
def notional(lots: int, px: float, k: float) -> int:
    """Money for `lots` at `px`, in currency units, half-even: round((lots * px) * k). The only rounding of money.

    k: currency units per lot and point of price (lot size x multiplier / currency unit; 1 share in USD: 1e6).
    Needs overflow(lots, px, k) to be False; else Python raises for nan and inf, and machine code wraps.
    """
    return round((lots * px) * k)


@kernel
def overflow(lots: int, px: float, k: float) -> bool:
    """Whether that money cannot be booked: 2**62 units or more, or not finite."""
    return not abs((lots * px) * k) < LIMIT


@kernel
def apply_fill(lots: int, cost: int, fill_lots: int, fill_notional: int) -> tuple[int, int, int]:
    """(lots, cost, realized) after a fill. All signed: long +, short -; cost is what the open lots were bought for.

    fill_notional: notional(fill_lots, px, k), so negative for a sell. realized: profit in currency units without fees.
    A fill that enlarges adds its notional to the cost and realizes nothing. One that closes takes its part of the cost out:
    all of it when all is closed, else round(cost * (closed / lots)). One that crosses zero closes all with its
    pro-rata part of the notional and opens the rest. Flat is exactly 0 lots and 0 cost.
    Law: new cost - cost == fill_notional + realized, as integers.
    """
    after = lots + fill_lots
    if lots == 0 or fill_lots == 0 or (lots > 0) == (fill_lots > 0):
        return after, cost + fill_notional, 0
    if after == 0:
        return 0, 0, -fill_notional - cost
    if (after > 0) == (lots > 0):
        part = round(cost * (-fill_lots / lots))
        return after, cost - part, -fill_notional - part
    part = round(fill_notional * (-lots / fill_lots))
    return after, fill_notional - part, -part - cost


@kernel
def _divide(total: int, weight: int, of: int) -> tuple[int, int]:
    """(quotient, remainder) of total * weight / of, exact although the product may not fit; 0 <= weight <= of < 2**62."""
    if float(total) * float(weight) < _SAFE:
        product = total * weight
        return product // of, product % of
    quotient = 0
    remainder = 0
    whole = total // of
    rest = total % of
    bit = 1 << 61
    while bit > 0:
        quotient += quotient
        remainder += remainder
        if remainder >= of:
            remainder -= of
            quotient += 1
        if weight & bit:
            remainder -= of - rest
            if remainder < 0:
                remainder += of
            else:
                quotient += 1
        bit >>= 1
    return whole * weight + quotient, remainder


@kernel
def apportion(total: int, weights: Sequence[int], out: MutableSequence[int]) -> None:
    """Split an integer by weights into `out`: largest remainder, ties to the lower index; the parts sum to `total`.

    weights: (n,) integers >= 0 with a sum below 2**62; |total| < 2**62. A negative total gives the mirror image. Weights
    that are all 0 get nothing: `out` is all 0. Lists in plain Python, int64 arrays in machine code.
    """
    count = len(weights)
    of = 0
    for i in range(count):
        of += weights[i]
        out[i] = 0
    if of == 0:
        return
    size = abs(total)
    left = size
    remainders = [0] * count
    for i in range(count):
        out[i], remainders[i] = _divide(size, weights[i], of)
        left -= out[i]
    while left > 0:
        best = 0
        for i in range(1, count):
            if remainders[i] > remainders[best]:
                best = i
        out[best] += 1
        remainders[best] = -1
        left -= 1
    if total < 0:
        for i in range(count):
            out[i] = -out[i]
