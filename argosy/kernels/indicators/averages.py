"""Moving averages: where the price was on the whole over the last bars; they never say where it goes.

The mean of the last n (SMA), and the exponential mean seeded with it (EMA); conventions of TA-Lib.
"""

from __future__ import annotations

from typing import Any

from argosy.kernels.indicators.indicator import Definition, Indicator, Numbers, State, define, whole
from argosy.kernels.kernel import kernel

NAN = float("nan")


@kernel
def sma_step(s: State, p: Numbers, x: float) -> float:
    """State: [rows, place, sum, ring of n]. The sum takes the new row before it gives up the old one."""
    n = int(p[0])
    at = int(s[1])
    s[0] += 1.0
    s[2] += x
    if s[0] < n:
        s[3 + at] = x
        s[1] = at + 1.0
        return NAN
    total = s[2]
    s[3 + at] = x
    at += 1
    if at == n:
        at = 0
    s[1] = float(at)
    s[2] = total - s[3 + at]
    return total / n


@kernel
def sma_loop(s: State, p: Numbers, x: Numbers, out: Any) -> None:
    """`sma_step` on each row."""
    for t in range(len(x)):
        out[0, t] = sma_step(s, p, x[t])


@kernel
def ema_step(s: State, p: Numbers, x: float) -> float:
    """State: [rows, value]. The first value is the mean of the first n rows."""
    n = p[0]
    s[0] += 1.0
    if s[0] < n:
        s[1] += x
        return NAN
    if s[0] == n:
        s[1] = (s[1] + x) / n
        return s[1]
    s[1] = (x - s[1]) * (2.0 / (n + 1.0)) + s[1]
    return s[1]


@kernel
def ema_loop(s: State, p: Numbers, x: Numbers, out: Any) -> None:
    """`ema_step` on each row."""
    for t in range(len(x)):
        out[0, t] = ema_step(s, p, x[t])


define(
    Definition(
        "sma", sma_step, sma_loop, lambda p: 3 + int(p[0]), ("close",), ("value",), ("price",),
        lambda p: (int(p[0]),), "mean of the last n closes; TA-Lib SMA",
    )
)  # fmt: skip
define(
    Definition(
        "ema", ema_step, ema_loop, lambda p: 2, ("close",), ("value",), ("price",),
        lambda p: (int(p[0]),), "alpha = 2 / (n + 1), seeded with the SMA; TA-Lib EMA",
    )
)  # fmt: skip


def sma(n: int, every: str = "") -> Indicator:
    """Mean of the last n closes."""
    return Indicator("sma", (whole("sma", n),), every=every)


def ema(n: int, every: str = "") -> Indicator:
    """Exponential mean of the closes with alpha = 2 / (n + 1), seeded with the mean of the first n."""
    return Indicator("ema", (whole("ema", n),), every=every)
