"""Figures over a moving window: volatility, Sharpe, beta and correlation of the last steps; it never looks past a row."""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence
from math import isnan, sqrt
from typing import Any

from numpy.typing import NDArray

from argosy.kernels.kernel import kernel

NAN = float("nan")
In = Sequence[float] | NDArray[Any]
Out = MutableSequence[float] | NDArray[Any]


@kernel
def exactly(
    returns: In, benchmark: In, start: int, stop: int
) -> tuple[float, float, float, float, float]:
    """(mean, mean_b, sxx, sxy, syy) of the steps from start to stop, directly, in two passes."""
    count = stop - start
    x = 0.0
    y = 0.0
    for k in range(start, stop):
        x += returns[k]
        y += benchmark[k]
    x /= count
    y /= count
    sxx = 0.0
    sxy = 0.0
    syy = 0.0
    for k in range(start, stop):
        dx = returns[k] - x
        dy = benchmark[k] - y
        sxx += dx * dx
        sxy += dx * dy
        syy += dy * dy
    return x, y, sxx, sxy, syy


@kernel
def rolling(
    returns: In, benchmark: In, window: int, ppy: float,
    volatility: Out, sharpe: Out, beta: Out, correlation: Out,
) -> None:  # fmt: skip
    """Fill the four outputs, (N,) each, with the figures of the last `window` steps up to and with each one; nan before.

    returns, benchmark: (N,) simple returns of the same steps; nan in one makes the windows that hold it nan; ppy: steps in a year.
    volatility and sharpe as in `stats.curve`; beta is covariance over the benchmark's variance, nan where that has none.

    Sums move with the window about a base that is taken anew once in a window; where they would be float dust beside what
    passed through them, the window is summed directly.
    """
    count = len(returns)
    bad = 0
    p = 0.0
    q = 0.0
    sx = 0.0
    sy = 0.0
    xx = 0.0
    xy = 0.0
    yy = 0.0
    most_x = 0.0
    most_y = 0.0
    root = sqrt(ppy) if ppy > 0.0 else NAN
    for t in range(count):
        volatility[t] = NAN
        sharpe[t] = NAN
        beta[t] = NAN
        correlation[t] = NAN
        if window < 2:
            continue
        if isnan(returns[t]) or isnan(benchmark[t]):
            bad = t + 1
        if t + 1 - window < bad:
            continue
        if t + 1 - window == bad or (t + 1) % window == 0:
            p, q, xx, xy, yy = exactly(returns, benchmark, t + 1 - window, t + 1)
            sx = 0.0
            sy = 0.0
            most_x = xx
            most_y = yy
        else:
            new_x = returns[t] - p
            new_y = benchmark[t] - q
            old_x = returns[t - window] - p
            old_y = benchmark[t - window] - q
            sx += new_x - old_x
            sy += new_y - old_y
            xx += new_x * new_x - old_x * old_x
            xy += new_x * new_y - old_x * old_y
            yy += new_y * new_y - old_y * old_y
            most_x += new_x * new_x
            most_y += new_y * new_y
        mean = p + sx / window
        mean_b = q + sy / window
        sxx = xx - sx * (sx / window)
        sxy = xy - sx * (sy / window)
        syy = yy - sy * (sy / window)
        if sxx < 1e-4 * most_x or syy < 1e-4 * most_y:
            mean, mean_b, sxx, sxy, syy = exactly(returns, benchmark, t + 1 - window, t + 1)
        deviation = sqrt(sxx / (window - 1))
        volatility[t] = deviation * root
        moved = deviation > 1e-12 * abs(mean)
        if moved:
            sharpe[t] = mean / deviation * root
        if sqrt(syy / (window - 1)) > 1e-12 * abs(mean_b):
            beta[t] = sxy / syy
            if moved:
                correlation[t] = sxy / (sqrt(sxx) * sqrt(syy))
