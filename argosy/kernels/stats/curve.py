"""Figures of an equity curve, one by one: return, growth, volatility, Sharpe, Sortino, drawdown; it never judges what is good enough.

equity: (T,) values at equal steps, positive at the start, in any currency; ppy: steps in a year (252 days,
8760 hours), positive. Returns are simple, equity[t] / equity[t - 1] - 1; after equity that is not positive
there are none any more. Both may be lists (`.py`) or float64 arrays.

What has no sense is nan, never a warning or an error: too few rows, nan in what is read, a ppy that is not
positive. Equity that never changes has return, growth, volatility and drawdown 0, but no Sharpe or Sortino
ratio.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, isnan, log, sqrt
from typing import NamedTuple

from argosy.kernels.kernel import kernel

NAN = float("nan")
INF = float("inf")


class Summary(NamedTuple):
    """A row of a comparison table: fractions, not percent; drawdown positive, its length in steps."""

    total_return: float
    cagr: float
    volatility: float
    sharpe: float
    sortino: float
    max_drawdown: float
    drawdown_length: int


@kernel
def total_return(equity: Sequence[float]) -> float:
    """Last over first, less one; nan for fewer than one step or a start that is not positive."""
    if len(equity) < 2 or not equity[0] > 0.0:
        return NAN
    return equity[len(equity) - 1] / equity[0] - 1.0


@kernel
def cagr(equity: Sequence[float], ppy: float) -> float:
    """Compound annual growth, (last / first) ** (ppy / steps) - 1.

    -1 when nothing is left, inf when beyond float64, nan where `total_return` is.
    """
    if len(equity) < 2 or not equity[0] > 0.0 or not ppy > 0.0:
        return NAN
    ratio = equity[len(equity) - 1] / equity[0]
    if ratio <= 0.0:
        return -1.0
    if isnan(ratio):
        return NAN
    power = log(ratio) * (ppy / (len(equity) - 1))
    if isnan(power):
        return NAN
    return exp(power) - 1.0 if power < 709.0 else INF


@kernel
def moments(equity: Sequence[float]) -> tuple[int, float, float, float]:
    """(count, mean, sum of squares about it, sum of squares below zero) of the returns.

    Source: Welford, Note on a Method for Calculating Corrected Sums of Squares and Products (1962), one pass.
    """
    count = 0
    mean = 0.0
    squares = 0.0
    below = 0.0
    for t in range(1, len(equity)):
        if equity[t - 1] <= 0.0:
            break
        change = equity[t] / equity[t - 1] - 1.0
        count += 1
        step = change - mean
        mean += step / count
        squares += step * (change - mean)
        if change < 0.0:
            below += change * change
    return count, mean, squares, below


@kernel
def volatility(equity: Sequence[float], ppy: float) -> float:
    """Annual standard deviation of returns (n - 1 in the divisor, times the root of ppy).

    nan for fewer than two returns. Source: Hull, Options, Futures and Other Derivatives, on simple returns.
    """
    count, _, squares, _ = moments(equity)
    if count < 2 or not ppy > 0.0:
        return NAN
    return sqrt(squares / (count - 1)) * sqrt(ppy)


@kernel
def sharpe(equity: Sequence[float], ppy: float) -> float:
    """Mean over standard deviation of returns (n - 1), times the root of ppy; riskless rate 0.

    nan without variation: a deviation below 1e-12 of the mean's size is float dust.
    Source: Sharpe, The Sharpe Ratio (1994).
    """
    count, mean, squares, _ = moments(equity)
    if count < 2 or not ppy > 0.0:
        return NAN
    deviation = sqrt(squares / (count - 1))
    if not deviation > 1e-12 * abs(mean):
        return NAN
    return mean / deviation * sqrt(ppy)


@kernel
def sortino(equity: Sequence[float], ppy: float) -> float:
    """Mean return over the root mean square of the returns below 0, times the root of ppy.

    All returns count in the divisor. nan without losses (or with none but float dust).
    Source: Sortino and Price, Performance Measurement in a Downside Risk Framework (1994), target 0.
    """
    count, mean, _, below = moments(equity)
    if count < 2 or not ppy > 0.0:
        return NAN
    deviation = sqrt(below / count)
    if not deviation > 1e-12 * abs(mean):
        return NAN
    return mean / deviation * sqrt(ppy)


@kernel
def max_drawdown(equity: Sequence[float]) -> tuple[float, int]:
    """(depth, length) of the deepest fall from a peak.

    depth: (peak - low) / peak, a positive fraction, above 1 when equity falls below nothing
    length: rows from that peak until equity is back at it, or until the end; the last of equal peaks counts

    Of falls equally deep the first counts. No fall: (0.0, 0). Peaks that are not positive have no fraction
    and are passed over. No rows, or nan in any: (nan, 0).
    Source: Magdon-Ismail and Atiya, Maximum Drawdown (2004).
    """
    depth = 0.0
    length = 0
    peak = -INF
    at = 0
    of = -1
    for t in range(len(equity)):
        value = equity[t]
        if isnan(value):
            return NAN, 0
        if value >= peak:
            if of >= 0:
                length = t - of
                of = -1
            peak = value
            at = t
        elif peak > 0.0 and (peak - value) / peak > depth:
            depth = (peak - value) / peak
            of = at
    if len(equity) == 0:
        return NAN, 0
    if of >= 0:
        length = len(equity) - 1 - of
    return depth, length


def summary(equity: Sequence[float], ppy: float) -> Summary:
    """All figures of an equity curve, compiled; equity: (T,) float64 array."""
    depth, length = max_drawdown(equity)
    return Summary(
        total_return(equity), cagr(equity, ppy), volatility(equity, ppy), sharpe(equity, ppy),
        sortino(equity, ppy), depth, length
    )  # fmt: skip
