"""Money and positions as integers: what a fill is worth, leaves, and to whom; it never loses a unit.

`notional` is the only place where money is rounded. All else adds and subtracts integers, so sums are exact
and do not depend on order. In the compiled lane integers are int64: the gate refuses what `overflow` says
cannot be booked.
"""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence
from typing import Any

from numpy.typing import NDArray

from argosy.kernels.kernel import kernel

_LIMIT = 2.0**62
_MOST = (1 << 63) - 1


@kernel
def notional(lots: int, px: float, k: float) -> int:
    """Worth of `lots` at `px` in integer currency units, rounded half-even; k is `Instrument.scale`.

    Signed as lots are. Ask `overflow` first: a worth that is not finite raises here in plain Python and is
    undefined compiled.
    """
    return round(lots * px * k)


@kernel
def overflow(lots: int, px: float, k: float) -> bool:
    """Whether the worth cannot be booked: not finite, or 2**62 units and more."""
    return not abs(lots * px * k) < _LIMIT


@kernel
def apply_fill(lots: int, cost: int, fill_lots: int, fill_notional: int) -> tuple[int, int, int]:
    """What a fill makes of a position: (lots, cost, realized profit before fees), all signed integers.

    lots, cost:               the position; a short has a negative cost: what was received for it
    fill_lots, fill_notional: signed alike, + buys, - sells; fill_lots is not 0
    A part closed takes its part of the cost with it, half-even; closing all takes all. A fill that crosses
    zero is split by lots:
    first it closes, the rest opens. Law: realized == (cost after - cost before) - fill_notional, always and
    exactly.
    Compiled it needs |cost| + |fill_notional| < 2**63.
    """
    left = lots + fill_lots
    if lots == 0 or (lots > 0) == (fill_lots > 0):
        return left, cost + fill_notional, 0
    if left == 0:
        return 0, 0, -cost - fill_notional
    if (left > 0) == (lots > 0):
        gone = round(cost * (fill_lots * -1.0 / lots))
        return left, cost - gone, -gone - fill_notional
    closing = round(fill_notional * (lots * -1.0 / fill_lots))
    return left, fill_notional - closing, -closing - cost


@kernel
def share(total: int, weight: int, whole: int) -> tuple[int, int]:
    """Quotient and remainder of total * weight / whole, within int64 all along.

    total >= 0, whole > 0, 0 <= weight <= whole.
    """
    if weight == 0 or total <= _MOST // weight:
        product = total * weight
        return product // whole, product % whole
    quotient = 0
    rest = 0
    # Long multiplication, one binary digit of total at a time, the rest always below whole.
    for k in range(62, -1, -1):
        quotient += quotient
        if rest >= whole - rest:
            rest -= whole - rest
            quotient += 1
        else:
            rest += rest
        if (total >> k) & 1:
            if rest >= whole - weight:
                rest -= whole - weight
                quotient += 1
            else:
                rest += weight
    return quotient, rest


@kernel
def apportion(
    total: int, weights: Sequence[int] | NDArray[Any], out: MutableSequence[int] | NDArray[Any]
) -> None:
    """Split `total` over `weights` into `out` by largest remainder; ties go to the lower index.

    total:   signed, |total| < 2**63
    weights: (n,) integers >= 0 whose sum is below 2**63; all zero: every part is 0, and the total stays with
             the caller
    out:     (n,) integers, overwritten; sums to total exactly, parts have its sign, a weight of zero gets
             nothing
    Raises ValueError for a negative weight, OverflowError when the weights or the total leave int64.
    """
    n = len(weights)
    whole = 0
    for k in range(n):
        weight = weights[k]
        out[k] = 0
        if weight < 0:
            raise ValueError("a weight is negative")
        if weight > _MOST - whole:
            raise OverflowError("the weights sum to 2**63 or more")
        whole += weight
    if total < -_MOST or total > _MOST:
        raise OverflowError("the total is beyond int64")
    if whole == 0 or total == 0:
        return
    sign = 1 if total > 0 else -1
    left = total * sign
    rests = [0] * n
    size = left
    for k in range(n):
        part, rest = share(size, weights[k], whole)
        out[k] = sign * part
        rests[k] = rest
        left -= part
    while left > 0:
        best = 0
        for k in range(1, n):
            if rests[k] > rests[best]:
                best = k
        out[best] += sign
        rests[best] = -1
        left -= 1
