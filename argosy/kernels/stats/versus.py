"""Returns beside a benchmark's, step by step: how they move together and what is left; it never chooses the benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from argosy.kernels.kernel import kernel

NAN = float("nan")
INF = float("inf")
LEAST, MOST = 1e-100, 1e100


@kernel
def carried(product: float, total: float) -> tuple[float, float]:
    """(1.0, total) with the log of the product moved into the total, so that a product never overflows; -inf after ruin, nan stays."""
    if product <= 0.0:
        return 1.0, -INF
    return 1.0, total + log(product)


@kernel
def versus(
    returns: Sequence[float], benchmark: Sequence[float]
) -> tuple[int, float, float, float, float, float, float, int, float, float, int, float, float]:
    """(count, mean, mean_b, sxx, sxy, syy, saa, ups, up, up_b, downs, down, down_b); both (N,) simple returns of the same steps.

    sxx, sxy, syy: sums of products about the means (x own, y the benchmark's); saa: of the differences about their mean
    ups, downs:    steps in which the benchmark rose, and fell; up, up_b, down, down_b: logs of the growth over those steps,
                   -inf when it left nothing
    No steps: count 0 and nan. Source: Sharpe, A Simplified Model for Portfolio Analysis (1963), for the moments; Morningstar,
    Upside and Downside Capture Ratios, for the growth.
    """
    count = len(returns)
    if count == 0:
        return 0, NAN, NAN, NAN, NAN, NAN, NAN, 0, NAN, NAN, 0, NAN, NAN
    x = 0.0
    y = 0.0
    for k in range(count):
        x += returns[k]
        y += benchmark[k]
    x /= count
    y /= count
    sxx = 0.0
    sxy = 0.0
    syy = 0.0
    ups = 0
    downs = 0
    up = 1.0
    up_b = 1.0
    down = 1.0
    down_b = 1.0
    log_up = 0.0
    log_up_b = 0.0
    log_down = 0.0
    log_down_b = 0.0
    saa = 0.0
    for k in range(count):
        dx = returns[k] - x
        dy = benchmark[k] - y
        sxx += dx * dx
        sxy += dx * dy
        syy += dy * dy
        saa += (dx - dy) * (dx - dy)
        rise = benchmark[k] > 0.0
        drop = benchmark[k] < 0.0
        ups += 1 if rise else 0
        downs += 1 if drop else 0
        up *= 1.0 + returns[k] if rise else 1.0
        up_b *= 1.0 + benchmark[k] if rise else 1.0
        down *= 1.0 + returns[k] if drop else 1.0
        down_b *= 1.0 + benchmark[k] if drop else 1.0
        if not (LEAST < up < MOST and LEAST < up_b < MOST and LEAST < down < MOST and LEAST < down_b < MOST):
            up, log_up = carried(up, log_up)
            up_b, log_up_b = carried(up_b, log_up_b)
            down, log_down = carried(down, log_down)
            down_b, log_down_b = carried(down_b, log_down_b)
    return (
        count, x, y, sxx, sxy, syy, saa,
        ups, log_up + log(up), log_up_b + log(up_b), downs, log_down + log(down), log_down_b + log(down_b),
    )  # fmt: skip
