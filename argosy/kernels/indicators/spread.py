"""Spread about the mean: standard deviation, Bollinger bands, z-score; how unusual a price is, never whether it returns."""

from __future__ import annotations

from math import sqrt
from typing import Any

from argosy.kernels.indicators.indicator import Definition, Indicator, define, whole
from argosy.kernels.kernel import kernel

NAN = float("nan")


@kernel
def moments_step(s: Any, n: int, x: float) -> tuple[float, float]:
    """Mean and population standard deviation of the last n rows; state: [rows, place, mean, sum of squares about it, ring of n].

    Welford's update with the leaving row taken off in the same step, so that a long series does not lose digits to a large
    mean; the ring is summed anew each time it has turned 64 times.
    """
    at = int(s[1])
    s[0] += 1.0
    if s[0] <= n:
        s[4 + at] = x
        step = x - s[2]
        s[2] += step / s[0]
        s[3] += step * (x - s[2])
    else:
        old = s[4 + at]
        s[4 + at] = x
        before = s[2]
        s[2] = before + (x - old) / n
        s[3] += (x - old) * (x - s[2] + old - before)
    at += 1
    if at == n:
        at = 0
        if s[0] % (64.0 * n) == 0.0:
            total = 0.0
            for k in range(n):
                total += s[4 + k]
            mean = total / n
            squares = 0.0
            for k in range(n):
                squares += (s[4 + k] - mean) * (s[4 + k] - mean)
            s[2] = mean
            s[3] = squares
    s[1] = float(at)
    if s[0] < n:
        return NAN, NAN
    var = s[3] / n
    return s[2], sqrt(var) if var > 0.0 else 0.0


@kernel
def stddev_step(s: Any, p: Any, x: float) -> float:
    mean, dev = moments_step(s, int(p[0]), x)
    return dev * p[1]


@kernel
def stddev_loop(s: Any, p: Any, x: Any, out: Any) -> None:
    for t in range(len(x)):
        out[0, t] = stddev_step(s, p, x[t])


@kernel
def bbands_step(s: Any, p: Any, x: float) -> tuple[float, float, float]:
    mean, dev = moments_step(s, int(p[0]), x)
    return mean + p[1] * dev, mean, mean - p[1] * dev


@kernel
def bbands_loop(s: Any, p: Any, x: Any, out: Any) -> None:
    for t in range(len(x)):
        a, b, c = bbands_step(s, p, x[t])
        out[0, t] = a
        out[1, t] = b
        out[2, t] = c


@kernel
def zscore_step(s: Any, p: Any, x: float) -> float:
    mean, dev = moments_step(s, int(p[0]), x)
    if dev != dev:
        return NAN
    return (x - mean) / dev if dev > 0.0 else 0.0


@kernel
def zscore_loop(s: Any, p: Any, x: Any, out: Any) -> None:
    for t in range(len(x)):
        out[0, t] = zscore_step(s, p, x[t])


define(
    Definition(
        "stddev", stddev_step, stddev_loop, lambda p: 4 + int(p[0]), ("close",), ("value",), ("price",),
        lambda p: (int(p[0]),), "population standard deviation of n closes, times k; TA-Lib STDDEV",
    )
)  # fmt: skip
define(
    Definition(
        "bbands", bbands_step, bbands_loop, lambda p: 4 + int(p[0]), ("close",), ("upper", "middle", "lower"),
        ("price", "price", "price"), lambda p: (int(p[0]),) * 3, "Bollinger, mean and k population deviations; TA-Lib BBANDS",
    )
)  # fmt: skip
define(
    Definition(
        "zscore", zscore_step, zscore_loop, lambda p: 4 + int(p[0]), ("close",), ("value",), ("ratio",),
        lambda p: (int(p[0]),), "(close - mean) / population deviation of n closes; 0 when they are all equal",
    )
)  # fmt: skip


def stddev(n: int = 20, k: float = 1.0, every: str = "") -> Indicator:
    """k population standard deviations of the last n closes, in price."""
    return Indicator("stddev", (whole("stddev", n, 2), float(k)), every=every)


def bbands(n: int = 20, k: float = 2.0, every: str = "") -> Indicator:
    """Bollinger bands: outputs upper, middle, lower."""
    return Indicator("bbands", (whole("bbands", n, 2), float(k)), every=every)


def zscore(n: int = 20, every: str = "") -> Indicator:
    """How many population deviations the close is from the mean of the last n."""
    return Indicator("zscore", (whole("zscore", n, 2),), every=every)
