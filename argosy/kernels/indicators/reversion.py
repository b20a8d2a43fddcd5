"""Mean reversion: half-life and Hurst exponent: whether a price of late came back or ran on; no promise that it will."""

from __future__ import annotations

from math import log, sqrt
from typing import Any

from argosy.kernels.indicators.indicator import (
    Definition,
    Indicator,
    Numbers,
    Source,
    State,
    define,
    make,
    whole,
)
from argosy.kernels.indicators.rolling import both_step, sum_step
from argosy.kernels.kernel import kernel

NAN = float("nan")
INF = float("inf")
LN2 = 0.6931471805599453
TEN_LN2 = 6.931471805599453


@kernel
def halflife_step(s: State, p: Numbers, x: float) -> float:
    """State: [as `both_step` of (row before, change) (12 + 2 n), begun, row before]; regression of the change on it."""
    n = int(p[0])
    o = 12 + 2 * n
    before = s[o + 1]
    s[o + 1] = x
    if s[o] == 0.0:
        s[o] = 1.0
        return NAN
    if not both_step(s, n, before, x - before):
        return NAN
    if not s[7] > 0.0:
        return NAN
    slope = s[9] / s[7]
    return LN2 / -slope if slope < 0.0 else INF


@kernel
def halflife_loop(s: State, p: Numbers, x: Numbers, out: Any) -> None:
    """`halflife_step` on each row."""
    for t in range(len(x)):
        out[0, t] = halflife_step(s, p, x[t])


@kernel
def hurst_step(s: State, p: Numbers, x: float) -> float:
    """State: [rows, ring of 8, sums of squared moves over 1, 2, 4 and 8 rows (2 + n each)].

    The slope of log root mean square move on log lag, by least squares on the four lags: with log2 of the lag
    0, 1, 2, 3 it is (1.5 (l8 - l1) + 0.5 (l4 - l2)) / 10 ln 2, l the logs of the mean squares.
    """
    n = int(p[0])
    row = s[0]
    at = int(row) % 8
    if row < 8.0:
        s[1 + at] = x
        s[0] = row + 1.0
        return NAN
    move = x - s[1 + (at + 7) % 8]
    one = sum_step(s, 9, n, move * move)
    move = x - s[1 + (at + 6) % 8]
    two = sum_step(s, 11 + n, n, move * move)
    move = x - s[1 + (at + 4) % 8]
    four = sum_step(s, 13 + 2 * n, n, move * move)
    move = x - s[1 + at]
    eight = sum_step(s, 15 + 3 * n, n, move * move)
    s[1 + at] = x
    s[0] = row + 1.0
    if row < n + 7.0:
        return NAN
    if not (one > 0.0 and two > 0.0 and four > 0.0 and eight > 0.0):
        return NAN
    ratio = eight / one
    return log(ratio * sqrt(ratio) * sqrt(four / two)) / TEN_LN2


@kernel
def hurst_loop(s: State, p: Numbers, x: Numbers, out: Any) -> None:
    """`hurst_step` on each row."""
    for t in range(len(x)):
        out[0, t] = hurst_step(s, p, x[t])


define(
    Definition(
        "halflife", halflife_step, halflife_loop, lambda p: 14 + 2 * int(p[0]), ("close",), ("value",), ("ratio",),
        lambda p: (int(p[0]) + 1,),
        "Chan, Algorithmic Trading (2013), after Uhlenbeck and Ornstein, On the Theory of Brownian Motion (1930): "
        "-ln 2 / slope of change on level", names=("n",), heavy=True,
    )
)  # fmt: skip
define(
    Definition(
        "hurst", hurst_step, hurst_loop, lambda p: 17 + 4 * int(p[0]), ("close",), ("value",), ("ratio",),
        lambda p: (int(p[0]) + 8,),
        "Mandelbrot and Van Ness, Fractional Brownian Motions (1968): slope of log root mean square move on log "
        "lag, lags 1, 2, 4, 8; as used by Chan, Algorithmic Trading (2013)", names=("n",), heavy=True,
    )
)  # fmt: skip


def halflife(n: int = 100, every: str = "", of: Source = "") -> Indicator:
    """Bars in which half of a deviation from the mean goes away, by regression over n changes. n: bars, at least 3.

    inf where the price did not come back (the slope is not negative), nan where it stood still.
    """
    return make("halflife", (whole("halflife", n, 3),), every, of)


def hurst(n: int = 100, every: str = "", of: Source = "") -> Indicator:
    """Hurst exponent of the moves of n bars: below 0.5 they came back, above they ran on. nan in a still market.

    Over 100 bars of a pure random walk it lies within about 0.1 of 0.5 by chance alone. n: bars, at least 16.
    """
    return make("hurst", (whole("hurst", n, 16),), every, of)
