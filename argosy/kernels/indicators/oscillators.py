"""Oscillators: where the close stands in its range of late (Stochastic, CCI, Williams %R); no promise to return."""

from __future__ import annotations

from math import isnan
from typing import Any

import numpy as np

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
from argosy.kernels.indicators.momentum import strength_step
from argosy.kernels.indicators.rolling import bottom_rows, bottom_step, sum_step, top_rows, top_step
from argosy.kernels.kernel import kernel

NAN = float("nan")


@kernel
def place_in(top: float, bottom: float, x: float) -> float:
    """Where x stands between bottom and top, 0 to 100; 0 when they are equal, as in TA-Lib."""
    wide = top - bottom
    return (x - bottom) / wide * 100.0 if wide != 0.0 else 0.0


@kernel
def stoch_step(s: State, p: Numbers, high: float, low: float, close: float) -> tuple[float, float]:
    """p: [n, smooth, d]. State: [rows, top, bottom (2 + n each), mean (2 + smooth), mean (2 + d)]."""
    n = int(p[0])
    smooth = int(p[1])
    top = top_step(s, 1, n, high)
    bottom = bottom_step(s, 3 + n, n, low)
    row = s[0] + 1.0
    if row < n:
        s[0] = row
        return NAN, NAN
    k = sum_step(s, 5 + 2 * n, smooth, place_in(top, bottom, close)) / smooth
    if row < n + p[1] - 1.0:
        s[0] = row
        return NAN, NAN
    d = sum_step(s, 7 + 2 * n + smooth, int(p[2]), k) / p[2]
    if row < n + p[1] + p[2] - 2.0:
        s[0] = row
        return NAN, NAN
    return k, d


@kernel
def stoch_loop(s: State, p: Numbers, high: Numbers, low: Numbers, close: Numbers, out: Any) -> None:
    """`stoch_step` on each row."""
    for t in range(len(close)):
        out[0, t], out[1, t] = stoch_step(s, p, high[t], low[t], close[t])


@kernel
def stochrsi_step(s: State, p: Numbers, x: float) -> tuple[float, float]:
    """p: [n, window, d]. State: [rows, rsi (10), top, bottom (2 + window each), mean (2 + d)]."""
    strength = strength_step(s, 1, p[0], x)
    if isnan(strength):
        return NAN, NAN
    n = int(p[1])
    top = top_step(s, 11, n, strength)
    bottom = bottom_step(s, 13 + n, n, strength)
    row = s[0] + 1.0
    if row < n:
        s[0] = row
        return NAN, NAN
    k = place_in(top, bottom, strength)
    d = sum_step(s, 15 + 2 * n, int(p[2]), k) / p[2]
    if row < n + p[2] - 1.0:
        s[0] = row
        return NAN, NAN
    return k, d


@kernel
def stochrsi_loop(s: State, p: Numbers, x: Numbers, out: Any) -> None:
    """`stochrsi_step` on each row."""
    for t in range(len(x)):
        out[0, t], out[1, t] = stochrsi_step(s, p, x[t])


@kernel
def cci_step(s: State, p: Numbers, high: float, low: float, close: float) -> float:
    """State: [rows, place, sum (2 + n), ring of n]. The mean deviation takes n steps; there is no shorter way."""
    n = int(p[0])
    x = (high + low + close) / 3.0
    o = 4 + n
    at = int(s[1])
    s[o + at] = x
    at += 1
    s[1] = 0.0 if at == n else float(at)
    mean = sum_step(s, 2, n, x) / n
    if s[0] < n - 1.0:
        s[0] += 1.0
        return NAN
    total = 0.0
    for k in range(o, o + n):
        away = s[k] - mean
        total += away if away > 0.0 else -away
    away = x - mean
    if away == 0.0 or total == 0.0:
        return 0.0
    return away / (0.015 * (total / n))


@kernel
def cci_loop(s: State, p: Numbers, high: Numbers, low: Numbers, close: Numbers, out: Any) -> None:
    """`cci_step` on each row."""
    for t in range(len(close)):
        out[0, t] = cci_step(s, p, high[t], low[t], close[t])


@kernel
def willr_step(s: State, p: Numbers, high: float, low: float, close: float) -> float:
    """State: [rows, top, bottom (2 + n each)]."""
    n = int(p[0])
    top = top_step(s, 1, n, high)
    bottom = bottom_step(s, 3 + n, n, low)
    if s[0] < n - 1.0:
        s[0] += 1.0
        return NAN
    wide = top - bottom
    return (top - close) / wide * -100.0 if wide != 0.0 else 0.0


@kernel
def willr_loop(s: State, p: Numbers, high: Numbers, low: Numbers, close: Numbers, out: Any) -> None:
    """`willr_step` on each row."""
    done = 0
    if s[0] == 0.0 and s[1] == 0.0:
        n = int(p[0])
        bottoms = np.empty(len(close))
        done = top_rows(s, 1, n, high, out[0])
        if done > 0:
            bottom_rows(s, 3 + n, n, low, bottoms)
            s[0] = p[0] - 1.0
            for t in range(n - 1, done):
                wide = out[0, t] - bottoms[t]
                out[0, t] = (out[0, t] - close[t]) / wide * -100.0 if wide != 0.0 else 0.0
    for t in range(done, len(close)):
        out[0, t] = willr_step(s, p, high[t], low[t], close[t])


_BAR = ("high", "low", "close")
_RATIOS = ("ratio", "ratio")
define(
    Definition(
        "stoch", stoch_step, stoch_loop, lambda p: 9 + 2 * int(p[0]) + int(p[1]) + int(p[2]), _BAR, ("k", "d"),
        _RATIOS, lambda p: (int(p[0] + p[1] + p[2]) - 2,) * 2,
        "Lane, Lane's Stochastics, Stocks & Commodities 2 (1984); TA-Lib STOCH", names=("n", "smooth", "d"), heavy=True,
    )
)  # fmt: skip
define(
    Definition(
        "stochrsi", stochrsi_step, stochrsi_loop, lambda p: 17 + 2 * int(p[1]) + int(p[2]), ("close",), ("k", "d"),
        _RATIOS, lambda p: (int(p[0] + p[1] + p[2]) - 1,) * 2,
        "Chande and Kroll, The New Technical Trader (1994); TA-Lib STOCHRSI", names=("n", "window", "d"),
        memory=True, heavy=True,
    )
)  # fmt: skip
define(
    Definition(
        "cci", cci_step, cci_loop, lambda p: 4 + 2 * int(p[0]), _BAR, ("value",), ("ratio",),
        lambda p: (int(p[0]),), "Lambert, Commodity Channel Index, Commodities (1980); TA-Lib CCI", names=("n",),
        heavy=True,
    )
)  # fmt: skip
define(
    Definition(
        "willr", willr_step, willr_loop, lambda p: 5 + 2 * int(p[0]), _BAR, ("value",), ("ratio",),
        lambda p: (int(p[0]),),
        "Williams, How I Made One Million Dollars Last Year Trading Commodities (1973); TA-Lib WILLR",
        names=("n",), heavy=True,
    )
)  # fmt: skip


def stoch(n: int = 14, smooth: int = 3, d: int = 3, every: str = "") -> Indicator:
    """Where the close stands in the range of n bars, 0 to 100: outputs k, the mean of `smooth` such, and d, its own.

    0 where the range is nothing, as in TA-Lib. smooth 1 gives the fast stochastic.
    """
    return make("stoch", (whole("stoch", n), whole("stoch", smooth), whole("stoch", d)), every)


def stochrsi(n: int = 14, window: int = 14, d: int = 3, every: str = "", of: Source = "") -> Indicator:
    """Where the RSI of n bars stands in its own range of `window` bars, 0 to 100: outputs k and its mean d."""
    return make("stochrsi", (whole("stochrsi", n, 2), whole("stochrsi", window), whole("stochrsi", d)), every, of)


def cci(n: int = 20, every: str = "") -> Indicator:
    """Commodity channel index: the typical price less its mean, in 0.015 mean deviations. n: bars, at least 2."""
    return make("cci", (whole("cci", n, 2),), every)


def willr(n: int = 14, every: str = "") -> Indicator:
    """Williams %R: where the close stands below the top of the range of n bars, 0 (top) to -100 (bottom)."""
    return make("willr", (whole("willr", n),), every)
