"""Spread about the mean: deviation, bands, z-score: how unusual a price is, never that it will return."""

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
    real,
    whole,
)
from argosy.kernels.indicators.rolling import moments_anew, moments_step
from argosy.kernels.kernel import kernel

NAN = float("nan")


@kernel
def moments_rows(s: State, n: int, about: bool, x: Any, mean: Any, dev: Any) -> float:
    """`moments_step` on each row, what it keeps held in hand, into two rows: mean and deviation.

    about: the row's distance from the mean in place of the mean
    returns a number that is finite where all rows are
    """
    rows = len(x)
    share = 1.0 / n
    t = 0
    check = 0.0
    while t < rows and (s[0] < n or t < n):
        check += x[t]
        mean[t], dev[t] = moments_step(s, n, x[t])
        if about:
            mean[t] = x[t] - s[2] - s[3]
        t += 1
    if t == rows:
        return check
    came, left, means, squared = x[t:], x[t - n :], mean[t:], dev[t:]
    rows -= t
    at = int(s[1])
    base, center, squares, greatest = s[2], s[3], s[4], s[5]
    k = 0
    while k < rows:
        begin = k
        turns = (16 - int(s[6])) * n - at
        until = min(rows, k + turns)
        fell = False
        while k < until:
            now = came[k]
            old = left[k]
            change = now - old
            new = center + change * share
            squares += change * ((now - base - new) + (old - base - center))
            center = new
            means[k] = now - base - center if about else base + center
            squared[k] = squares * share
            k += 1
            if squares < greatest * 1e-3:
                fell = True
                break
            if squares > greatest:
                greatest = squares
        check += squares
        at += k - begin
        s[6] += float(at // n)
        at %= n
        if fell or k - begin == turns or k == rows:
            for back in range(n):
                s[7 + (at - 1 - back) % n] = left[n + k - 1 - back]
        if fell or k - begin == turns:
            now = came[k - 1]
            moments_anew(s, n, now)
            base, center, squares, greatest = s[2], s[3], s[4], s[5]
            means[k - 1] = now - base - center if about else base + center
            squared[k - 1] = squares * share
    s[1] = float(at)
    s[2], s[3], s[4], s[5] = base, center, squares, greatest
    for k in range(rows):
        squared[k] = sqrt(squared[k]) if squared[k] > 0.0 else 0.0
    return check


@kernel
def stddev_step(s: State, p: Numbers, x: float) -> float:
    """p[1] deviations. State: as `moments_step`."""
    moments = moments_step(s, int(p[0]), x)
    return moments[1] * p[1]


@kernel
def stddev_loop(s: State, p: Numbers, x: Numbers, out: Any) -> float:
    """`stddev_step` on each row."""
    o = out[0]
    check = moments_rows(s, int(p[0]), False, x, np.empty(len(x)), o)
    for t in range(len(x)):
        o[t] = o[t] * p[1]
    return check


@kernel
def bbands_step(s: State, p: Numbers, x: float) -> tuple[float, float, float]:
    """The mean and p[1] deviations above and below it. State: as `moments_step`."""
    mean, dev = moments_step(s, int(p[0]), x)
    wide = p[1] * dev
    return mean + wide, mean, mean - wide


@kernel
def bbands_loop(s: State, p: Numbers, x: Numbers, out: Any) -> float:
    """`bbands_step` on each row."""
    upper, middle, lower = out[0], out[1], out[2]
    check = moments_rows(s, int(p[0]), False, x, middle, lower)
    for t in range(len(x)):
        wide = p[1] * lower[t]
        upper[t] = middle[t] + wide
        lower[t] = middle[t] - wide
    return check


@kernel
def zscore_step(s: State, p: Numbers, x: float) -> float:
    """Deviations of the row from the mean. State: as `moments_step`."""
    moments = moments_step(s, int(p[0]), x)
    dev = moments[1]
    if isnan(dev):
        return NAN
    return (x - s[2] - s[3]) / dev if dev > 0.0 else 0.0


@kernel
def zscore_loop(s: State, p: Numbers, x: Numbers, out: Any) -> float:
    """`zscore_step` on each row."""
    o = out[0]
    away = np.empty(len(x))
    check = moments_rows(s, int(p[0]), True, x, away, o)
    for t in range(len(x)):
        if o[t] == o[t]:
            o[t] = away[t] / o[t] if o[t] > 0.0 else 0.0
    return check


define(
    Definition(
        "stddev", stddev_step, stddev_loop, lambda p: 7 + int(p[0]), ("close",), ("value",), ("price",),
        lambda p: (int(p[0]),), "population standard deviation of n closes, times k; TA-Lib STDDEV",
        names=("n", "k"), checks=True,
    )
)  # fmt: skip
define(
    Definition(
        "bbands", bbands_step, bbands_loop, lambda p: 7 + int(p[0]), ("close",), ("upper", "middle", "lower"),
        ("price", "price", "price"), lambda p: (int(p[0]),) * 3,
        "Bollinger, Bollinger on Bollinger Bands (2001): mean and k population deviations; TA-Lib BBANDS",
        names=("n", "k"), checks=True, heavy=True,
    )
)  # fmt: skip
define(
    Definition(
        "zscore", zscore_step, zscore_loop, lambda p: 7 + int(p[0]), ("close",), ("value",), ("ratio",),
        lambda p: (int(p[0]),), "(close - mean) / population deviation of n closes; 0 when all are equal",
        names=("n",), checks=True, heavy=True,
    )
)  # fmt: skip


def stddev(n: int = 20, k: float = 1.0, every: str = "", of: Source = "") -> Indicator:
    """k population standard deviations of the last n closes, in price; n at least 2, k positive."""
    return make("stddev", (whole("stddev", n, 2), real("stddev", k)), every, of)


def bbands(n: int = 20, k: float = 2.0, every: str = "", of: Source = "") -> Indicator:
    """Bollinger bands, k population deviations about the mean of n closes: outputs upper, middle, lower."""
    return make("bbands", (whole("bbands", n, 2), real("bbands", k)), every, of)


def zscore(n: int = 20, every: str = "", of: Source = "") -> Indicator:
    """How many population deviations the close is from the mean of the last n; 0 when they are all equal."""
    return make("zscore", (whole("zscore", n, 2),), every, of)
