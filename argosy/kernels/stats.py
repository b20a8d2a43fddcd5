"""How a run did, from its equity alone: return, risk and drawdown; it never judges, and says nan where a
number has no sense.

equity: (T,) values at equal steps, positive at the start; ppy: steps in a year (252 days, 8760 hours).
Returns are simple,
equity[t] / equity[t - 1] - 1; after equity that is not positive there are no returns any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log, sqrt
from typing import NamedTuple

from argosy.kernels.kernel import kernel

NAN = float("nan")


class Summary(NamedTuple):
    """A row of a comparison table; fractions, not percent; drawdown as a positive fraction, its length in
    steps.
    """

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
    """Compound annual growth: (last / first) ** (ppy / steps) - 1; -1 when nothing is left, inf when beyond
    float64.
    """
    if len(equity) < 2 or not equity[0] > 0.0:
        return NAN
    ratio = equity[len(equity) - 1] / equity[0]
    if ratio != ratio:
        return NAN
    if ratio <= 0.0:
        return -1.0
    power = log(ratio) * (ppy / (len(equity) - 1))
    return exp(power) - 1.0 if power < 709.0 else float("inf")


@kernel
def moments(equity: Sequence[float]) -> tuple[int, float, float, float]:
    """(count, mean, sum of squares about it, sum of squares below zero) of the returns, by Welford's one pass
    (1962).
    """
    count = 0
    mean = 0.0
    squares = 0.0
    below = 0.0
    for t in range(1, len(equity)):
        if not equity[t - 1] > 0.0:
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
    """Annual standard deviation of returns (n - 1 in the divisor, times the root of ppy); nan for fewer than
    two returns.
    """
    count, _, squares, _ = moments(equity)
    if count < 2:
        return NAN
    return sqrt(squares / (count - 1)) * sqrt(ppy)


@kernel
def sharpe(equity: Sequence[float], ppy: float) -> float:
    """Mean over standard deviation of returns, annual, riskless rate 0; nan without variation.

    Source: Sharpe, The Sharpe Ratio (1994). A deviation below 1e-12 of the mean's size is float dust, not
    variation.
    """
    count, mean, squares, _ = moments(equity)
    if count < 2:
        return NAN
    deviation = sqrt(squares / (count - 1))
    if not deviation > 1e-12 * abs(mean):
        return NAN
    return mean / deviation * sqrt(ppy)


@kernel
def sortino(equity: Sequence[float], ppy: float) -> float:
    """Mean return over the root mean square of the returns below 0 (all steps in the divisor), annual; nan
    without losses.

    Source: Sortino and Price, Performance Measurement in a Downside Risk Framework (1994), target 0.
    """
    count, mean, _, below = moments(equity)
    if count < 2 or not below > 0.0:
        return NAN
    return mean / sqrt(below / count) * sqrt(ppy)


@kernel
def max_drawdown(equity: Sequence[float]) -> tuple[float, int]:
    """(depth, length) of the deepest fall from a peak.

    depth: (peak - low) / peak, a positive fraction. length: steps from that peak until equity is back at it,
    or until the
    end. Of falls equally deep the first counts. No fall: (0.0, 0).
    """
    depth = 0.0
    length = 0
    peak = NAN
    at = 0
    of = -1
    for t in range(len(equity)):
        value = equity[t]
        if peak != peak or value >= peak:
            if of >= 0:
                length = t - of
                of = -1
            peak = value
            at = t
        elif peak > 0.0 and (peak - value) / peak > depth:
            depth = (peak - value) / peak
            of = at
    if of >= 0:
        length = len(equity) - 1 - of
    return depth, length


def summary(equity: Sequence[float], ppy: float) -> Summary:
    """All of them, compiled; equity: (T,) float64 array."""
    depth, length = max_drawdown(equity)
    return Summary(
        total_return(equity), cagr(equity, ppy), volatility(equity, ppy), sharpe(equity, ppy),
        sortino(equity, ppy), depth, length
    )  # fmt: skip
