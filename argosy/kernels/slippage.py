"""How much worse than the price at hand an order trades; always adverse, never a gift."""

from __future__ import annotations

from argosy.kernels.kernel import kernel


@kernel
def bps(side: int, price: float, by: float) -> float:
    """`by` basis points of the price."""
    return price * (1.0 + side * by * 1e-4)


@kernel
def ticks(side: int, price: float, count: float, tick: float) -> float:
    """`count` ticks of size `tick`."""
    return price + side * count * tick


@kernel
def spread(side: int, price: float, width: float, frac: float) -> float:
    """A fraction of the spread's width (0.5 from mid is the touch); a crossed or unknown one is free."""
    if not width > 0.0:
        return price
    return price + side * frac * width


@kernel
def volume_share(side: int, price: float, size: float, volume: float, coefficient: float) -> float:
    """The square of the order's share of the row's volume, times `coefficient`, as a fraction of the price.

    size and volume in the same unit; a share above 1 counts as 1, so does any share of no volume.
    Source: the quadratic volume-share model of the Zipline backtester (coefficient 0.1 there).
    """
    part = 1.0
    if size < volume:
        part = size / volume
    return price * (1.0 + side * (part * part * coefficient))
