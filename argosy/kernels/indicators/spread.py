"""Spread about the mean: deviation, bands, z-score: how unusual a price is, never that it will return."""

from __future__ import annotations

from math import isnan, sqrt
from typing import Any

from argosy.kernels.indicators.indicator import Definition, Indicator, Numbers, State, define, real, whole
from argosy.kernels.kernel import kernel

NAN = float("nan")


@kernel
def moments_step(s: State, n: int, x: float) -> tuple[float, float]:
    """Mean and population standard deviation of the last n rows.

    State: [rows, place, base, mean less base, squares about the mean, greatest squares since they were
    summed, ring of n].

    Welford's update with the leaving row taken off in the same step, on distances from a base near the mean,
    so that no digits are lost to a large price. The ring is summed anew about a new base when the squares
    have fallen a thousandfold and each time it has turned 16 times, so that neither an outlier that left nor
    a long series leaves its dust behind. n equal rows have exactly their own mean and no deviation, for their
    squares fall to dust and the base is then their price.
    """
    at = int(s[1])
    s[0] += 1.0
    row = s[0]
    if row == 1.0:
        s[2] = x
    old = s[6 + at]
    s[6 + at] = x
    base = s[2]
    before = s[3]
    if row <= n:
        step = x - base - before
        s[3] += step / row
        s[4] += step * (x - base - s[3])
    else:
        s[3] += (x - old) / n
        s[4] += (x - old) * ((x - base - s[3]) + (old - base - before))
    at += 1
    turned = False
    if at == n:
        at = 0
        turned = row % (16.0 * n) == 0.0
    s[1] = float(at)
    if row < n:
        return NAN, NAN
    if turned or s[4] < s[5] * 1e-3:
        total = 0.0
        for k in range(n):
            total += s[6 + k] - x
        mean = total / n
        squares = 0.0
        for k in range(n):
            away = s[6 + k] - x - mean
            squares += away * away
        s[2] = x
        s[3] = mean
        s[4] = squares
        s[5] = squares
    elif s[4] > s[5]:
        s[5] = s[4]
    var = s[4] / n
    return s[2] + s[3], sqrt(var) if var > 0.0 else 0.0


@kernel
def stddev_step(s: State, p: Numbers, x: float) -> float:
    """p[1] deviations. State: as `moments_step`."""
    moments = moments_step(s, int(p[0]), x)
    return moments[1] * p[1]


@kernel
def stddev_loop(s: State, p: Numbers, x: Numbers, out: Any) -> None:
    """`stddev_step` on each row."""
    for t in range(len(x)):
        out[0, t] = stddev_step(s, p, x[t])


@kernel
def bbands_step(s: State, p: Numbers, x: float) -> tuple[float, float, float]:
    """The mean and p[1] deviations above and below it. State: as `moments_step`."""
    mean, dev = moments_step(s, int(p[0]), x)
    return mean + p[1] * dev, mean, mean - p[1] * dev


@kernel
def bbands_loop(s: State, p: Numbers, x: Numbers, out: Any) -> None:
    """`bbands_step` on each row."""
    for t in range(len(x)):
        a, b, c = bbands_step(s, p, x[t])
        out[0, t] = a
        out[1, t] = b
        out[2, t] = c


@kernel
def zscore_step(s: State, p: Numbers, x: float) -> float:
    """Deviations of the row from the mean. State: as `moments_step`."""
    mean, dev = moments_step(s, int(p[0]), x)
    if isnan(dev):
        return NAN
    return (x - mean) / dev if dev > 0.0 else 0.0


@kernel
def zscore_loop(s: State, p: Numbers, x: Numbers, out: Any) -> None:
    """`zscore_step` on each row."""
    for t in range(len(x)):
        out[0, t] = zscore_step(s, p, x[t])


define(
    Definition(
        "stddev", stddev_step, stddev_loop, lambda p: 6 + int(p[0]), ("close",), ("value",), ("price",),
        lambda p: (int(p[0]),), "population standard deviation of n closes, times k; TA-Lib STDDEV",
    )
)  # fmt: skip
define(
    Definition(
        "bbands", bbands_step, bbands_loop, lambda p: 6 + int(p[0]), ("close",), ("upper", "middle", "lower"),
        ("price", "price", "price"), lambda p: (int(p[0]),) * 3,
        "Bollinger, Bollinger on Bollinger Bands (2001): mean and k population deviations; TA-Lib BBANDS",
    )
)  # fmt: skip
define(
    Definition(
        "zscore", zscore_step, zscore_loop, lambda p: 6 + int(p[0]), ("close",), ("value",), ("ratio",),
        lambda p: (int(p[0]),), "(close - mean) / population deviation of n closes; 0 when all are equal",
    )
)  # fmt: skip


def stddev(n: int = 20, k: float = 1.0, every: str = "") -> Indicator:
    """k population standard deviations of the last n closes, in price; n at least 2, k positive."""
    return Indicator("stddev", (whole("stddev", n, 2), real("stddev", k)), every=every)


def bbands(n: int = 20, k: float = 2.0, every: str = "") -> Indicator:
    """Bollinger bands, k population deviations about the mean of n closes: outputs upper, middle, lower."""
    return Indicator("bbands", (whole("bbands", n, 2), real("bbands", k)), every=every)


def zscore(n: int = 20, every: str = "") -> Indicator:
    """How many population deviations the close is from the mean of the last n; 0 when they are all equal."""
    return Indicator("zscore", (whole("zscore", n, 2),), every=every)
