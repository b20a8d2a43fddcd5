"""Moving averages: where the price was on the whole over the last bars; they never say where it goes.

Plain (SMA), weighted (WMA, HMA), exponential (EMA, DEMA, TEMA), adaptive (KAMA); conventions of TA-Lib.
"""

from __future__ import annotations

from math import isnan, sqrt
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
from argosy.kernels.indicators.rolling import decay, lag_step, smooth_step, sum_step
from argosy.kernels.kernel import kernel

NAN = float("nan")


@kernel
def sma_step(s: State, p: Numbers, x: float) -> float:
    """State: [rows, sum (2 + n)]."""
    n = p[0]
    total = sum_step(s, 1, int(n), x)
    if s[0] < n - 1.0:
        s[0] += 1.0
        return NAN
    return total / n


@kernel
def sma_loop(s: State, p: Numbers, x: Numbers, out: Any) -> float:
    """`sma_step` on each row; from a fresh state two turns at a time, so that four sums grow side by side."""
    n = int(p[0])
    rows = len(x)
    o = out[0]
    t = 0
    check = 0.0
    if s[0] == 0.0 and s[1] == 0.0 and n > 1 and rows >= 3 * n:
        rest_1 = np.zeros(n + 1)
        rest_2 = np.zeros(n + 1)
        total = 0.0
        for k in range(n):
            total += x[k]
            o[k] = NAN
        o[n - 1] = total / n
        check = total
        t = n
        while t + 2 * n <= rows:
            total_1 = 0.0
            total_2 = 0.0
            back_1 = 0.0
            back_2 = 0.0
            turn_0, turn_1, turn_2 = x[t - n : t], x[t : t + n], x[t + n : t + 2 * n]
            out_1, out_2 = o[t : t + n], o[t + n : t + 2 * n]
            for k in range(n):
                total_1 += turn_1[k]
                total_2 += turn_2[k]
                back_1 += turn_0[n - 1 - k]
                back_2 += turn_1[n - 1 - k]
                out_1[k] = total_1
                out_2[k] = total_2
                rest_1[n - 1 - k] = back_1
                rest_2[n - 1 - k] = back_2
            for k in range(n):
                out_1[k] = (out_1[k] + rest_1[k + 1]) / n
                out_2[k] = (out_2[k] + rest_2[k + 1]) / n
            check += total_1 + total_2
            t += 2 * n
        back = 0.0
        for k in range(n):
            back += x[t - 1 - k]
            s[2 + n - k] = back
        s[0] = n - 1.0
    for k in range(t, rows):
        o[k] = sma_step(s, p, x[k])
        check += x[k]
    return check


@kernel
def ema_step(s: State, p: Numbers, x: float) -> float:
    """State: as `smooth_step`."""
    return smooth_step(s, 0, p[0], 2.0 / (p[0] + 1.0), x)


@kernel
def ema_loop(s: State, p: Numbers, x: Numbers, out: Any) -> float:
    """`ema_step` on each row, what it keeps held in hand."""
    n = p[0]
    a = 2.0 / (n + 1.0)
    rows = len(x)
    o = out[0]
    t = 0
    check = 0.0
    while t < rows and s[0] < n:
        o[t] = ema_step(s, p, x[t])
        check += x[t]
        t += 1
    value = s[1]
    before = s[2]
    last = s[3]
    o = o[t:]
    rest = x[t:]
    for k in range(len(o)):
        now = a * rest[k]
        new = decay(a, before, last, now)
        before = value
        value = new
        last = now
        o[k] = new
    if t < rows:
        s[1] = value
        s[2] = before
        s[3] = last
    return check + (value + before)


@kernel
def dema_step(s: State, p: Numbers, x: float) -> float:
    """State: two means as `smooth_step`."""
    a = 2.0 / (p[0] + 1.0)
    one = smooth_step(s, 0, p[0], a, x)
    if isnan(one):
        return NAN
    return 2.0 * one - smooth_step(s, 4, p[0], a, one)


@kernel
def dema_loop(s: State, p: Numbers, x: Numbers, out: Any) -> None:
    """`dema_step` on each row."""
    for t in range(len(x)):
        out[0, t] = dema_step(s, p, x[t])


@kernel
def tema_step(s: State, p: Numbers, x: float) -> float:
    """State: three means as `smooth_step`."""
    a = 2.0 / (p[0] + 1.0)
    one = smooth_step(s, 0, p[0], a, x)
    if isnan(one):
        return NAN
    two = smooth_step(s, 4, p[0], a, one)
    if isnan(two):
        return NAN
    return 3.0 * one - 3.0 * two + smooth_step(s, 8, p[0], a, two)


@kernel
def tema_loop(s: State, p: Numbers, x: Numbers, out: Any) -> None:
    """`tema_step` on each row."""
    for t in range(len(x)):
        out[0, t] = tema_step(s, p, x[t])


@kernel
def weigh_step(s: State, o: int, n: int, x: float) -> float:
    """The mean of the last n rows with weights 1 to n, the newest the heaviest; no use before there are n.

    As `sum_step`, for weighted sums. Layout: [place, sum of this turn, its weighted sum, ring of n].
    """
    k = int(s[o])
    at = o + 3 + k
    plain = s[o + 1] + x
    total = s[o + 2] + (k + 1) * x
    s[at] = x
    if k < n - 1:
        s[o] += 1.0
        s[o + 1] = plain
        s[o + 2] = total
        return (total + (n - 1 - k) * plain + s[at + 1]) / (0.5 * n * (n + 1.0))
    plain = 0.0
    rest = 0.0
    for j in range(at, o + 2, -1):
        plain += s[j]
        rest += plain
        s[j] = rest
    s[o] = 0.0
    s[o + 1] = 0.0
    s[o + 2] = 0.0
    return total / (0.5 * n * (n + 1.0))


@kernel
def wma_step(s: State, p: Numbers, x: float) -> float:
    """State: [rows, weights (3 + n)]."""
    n = p[0]
    value = weigh_step(s, 1, int(n), x)
    if s[0] < n - 1.0:
        s[0] += 1.0
        return NAN
    return value


@kernel
def wma_loop(s: State, p: Numbers, x: Numbers, out: Any) -> None:
    """`wma_step` on each row."""
    for t in range(len(x)):
        out[0, t] = wma_step(s, p, x[t])


@kernel
def hma_step(s: State, p: Numbers, x: float) -> float:
    """p: [n, n // 2, root of n]. State: [rows, weights of n, of n // 2, of the root (3 + each)]."""
    n = int(p[0])
    half = int(p[1])
    slow = weigh_step(s, 1, n, x)
    fast = weigh_step(s, 4 + n, half, x)
    s[0] += 1.0
    if s[0] < n:
        return NAN
    value = weigh_step(s, 7 + n + half, int(p[2]), 2.0 * fast - slow)
    if s[0] < n + p[2] - 1.0:
        return NAN
    s[0] = n + p[2] - 1.0
    return value


@kernel
def hma_loop(s: State, p: Numbers, x: Numbers, out: Any) -> None:
    """`hma_step` on each row."""
    for t in range(len(x)):
        out[0, t] = hma_step(s, p, x[t])


@kernel
def kama_step(s: State, p: Numbers, x: float) -> float:
    """p: [n, fast, slow]. State: [rows, last, value, lag (1 + n), sum of moves (2 + n)]."""
    n = int(p[0])
    last = s[1]
    old = lag_step(s, 3, n, x)
    s[1] = x
    if s[0] == 0.0:
        s[0] = 1.0
        return NAN
    change = x - last
    moved = sum_step(s, 4 + n, n, change if change > 0.0 else -change)
    if s[0] < n:
        s[0] += 1.0
        return NAN
    if s[0] == n:
        s[0] += 1.0
        s[2] = last
    change = x - old
    if change < 0.0:
        change = -change
    straight = change / moved if moved > change else 1.0
    slow = 2.0 / (p[2] + 1.0)
    a = straight * (2.0 / (p[1] + 1.0) - slow) + slow
    s[2] += a * a * (x - s[2])
    return s[2]


@kernel
def kama_loop(s: State, p: Numbers, x: Numbers, out: Any) -> None:
    """`kama_step` on each row."""
    for t in range(len(x)):
        out[0, t] = kama_step(s, p, x[t])


_CLOSE = ("close",)
define(
    Definition(
        "sma", sma_step, sma_loop, lambda p: 3 + int(p[0]), _CLOSE, ("value",), ("price",),
        lambda p: (int(p[0]),), "mean of the last n closes; TA-Lib SMA", names=("n",), checks=True,
    )
)  # fmt: skip
define(
    Definition(
        "ema", ema_step, ema_loop, lambda p: 4, _CLOSE, ("value",), ("price",),
        lambda p: (int(p[0]),), "alpha = 2 / (n + 1), seeded with the SMA; TA-Lib EMA", names=("n",), memory=True,
        checks=True,
    )
)  # fmt: skip
define(
    Definition(
        "wma", wma_step, wma_loop, lambda p: 4 + int(p[0]), _CLOSE, ("value",), ("price",),
        lambda p: (int(p[0]),), "mean of the last n closes with weights 1 to n; TA-Lib WMA", names=("n",),
    )
)  # fmt: skip
define(
    Definition(
        "dema", dema_step, dema_loop, lambda p: 8, _CLOSE, ("value",), ("price",),
        lambda p: (2 * int(p[0]) - 1,),
        "Mulloy, Smoothing Data with Faster Moving Averages, Stocks & Commodities 12 (1994); TA-Lib DEMA",
        names=("n",), memory=True,
    )
)  # fmt: skip
define(
    Definition(
        "tema", tema_step, tema_loop, lambda p: 12, _CLOSE, ("value",), ("price",),
        lambda p: (3 * int(p[0]) - 2,),
        "Mulloy, Smoothing Data with Faster Moving Averages, Stocks & Commodities 12 (1994); TA-Lib TEMA",
        names=("n",), memory=True, heavy=True,
    )
)  # fmt: skip
define(
    Definition(
        "hma", hma_step, hma_loop, lambda p: 10 + int(p[0] + p[1] + p[2]), _CLOSE, ("value",), ("price",),
        lambda p: (int(p[0] + p[2]) - 1,),
        "Hull, How to Reduce Lag in a Moving Average (2005): WMA of 2 WMA(n / 2) - WMA(n), over the root of n",
        names=("n", "half", "root"), heavy=True,
    )
)  # fmt: skip
define(
    Definition(
        "kama", kama_step, kama_loop, lambda p: 6 + 2 * int(p[0]), _CLOSE, ("value",), ("price",),
        lambda p: (int(p[0]) + 1,), "Kaufman, Smarter Trading (1995); TA-Lib KAMA",
        names=("n", "fast", "slow"), memory=True, heavy=True,
    )
)  # fmt: skip


def sma(n: int, every: str = "", of: Source = "") -> Indicator:
    """Mean of the last n closes."""
    return make("sma", (whole("sma", n),), every, of)


def ema(n: int, every: str = "", of: Source = "") -> Indicator:
    """Exponential mean of the closes with alpha = 2 / (n + 1), seeded with the mean of the first n."""
    return make("ema", (whole("ema", n),), every, of)


def wma(n: int, every: str = "", of: Source = "") -> Indicator:
    """Mean of the last n closes with weights 1 to n, the newest the heaviest."""
    return make("wma", (whole("wma", n),), every, of)


def dema(n: int, every: str = "", of: Source = "") -> Indicator:
    """Twice the EMA less the EMA of the EMA: less lag, more overshoot."""
    return make("dema", (whole("dema", n),), every, of)


def tema(n: int, every: str = "", of: Source = "") -> Indicator:
    """Three times the EMA, less three times its EMA, and the EMA of that: still less lag."""
    return make("tema", (whole("tema", n),), every, of)


def hma(n: int, every: str = "", of: Source = "") -> Indicator:
    """Hull's mean: nearly no lag on a straight trend. n: bars, at least 2."""
    n = int(whole("hma", n, 2))
    return make("hma", (float(n), float(n // 2), float(int(sqrt(n)))), every, of)


def kama(n: int = 10, fast: int = 2, slow: int = 30, every: str = "", of: Source = "") -> Indicator:
    """Kaufman's mean: as quick as an EMA of `fast` bars on a straight way of n bars, as slow as `slow` in noise."""
    return make("kama", (whole("kama", n), whole("kama", fast), whole("kama", slow)), every, of)
