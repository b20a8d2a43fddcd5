"""How far a large order moves the market against itself; a cost to plan with, it never fills anything."""

from __future__ import annotations

from math import sqrt

from argosy.kernels.kernel import kernel

INF = float("inf")


@kernel
def square_root(size: float, volume: float, sigma: float, y: float) -> float:
    """Expected move as a fraction of the price: y * sigma * sqrt(size / volume).

    size, volume: of the order and of a day, in the same unit
    sigma, y:     daily volatility as a fraction; a number of the market, about 1

    inf when there is no volume, 0 for no order. Source: Toth et al., "Anomalous price impact and the critical
    nature of liquidity in financial markets", Physical Review X 1, 021006 (2011).
    """
    if not size > 0.0:
        return 0.0
    if not volume > 0.0:
        return INF
    return y * sigma * sqrt(size / volume)


@kernel
def moved(side: int, price: float, size: float, volume: float, sigma: float, y: float) -> float:
    """The price after the square-root move, against the order: up for a buy; a sale never goes below 0."""
    move = square_root(size, volume, sigma, y)
    if side < 0 and move > 1.0:
        return 0.0
    return price * (1.0 + side * move)
