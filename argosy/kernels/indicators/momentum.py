"""Momentum: RSI, MACD, rate of change; how fast the price moved, never where it will go."""

from __future__ import annotations

from math import isnan
from typing import Any

from argosy.kernels.indicators.indicator import Definition, Indicator, Numbers, State, define, whole
from argosy.kernels.kernel import kernel

NAN = float("nan")


@kernel
def rsi_step(s: State, p: Numbers, x: float) -> float:
    """State: [rows, last, mean gain, mean loss]; Wilder's means, seeded with those of n changes."""
    n = p[0]
    change = x - s[1]
    s[1] = x
    s[0] += 1.0
    if s[0] == 1.0:
        return NAN
    gain = 0.0
    loss = 0.0
    if change > 0.0:
        gain = change
    elif change < 0.0:
        loss = -change
    if s[0] <= n + 1.0:
        s[2] += gain
        s[3] += loss
        if s[0] < n + 1.0:
            return NAN
        s[2] /= n
        s[3] /= n
    else:
        s[2] = (s[2] * (n - 1.0) + gain) / n
        s[3] = (s[3] * (n - 1.0) + loss) / n
    total = s[2] + s[3]
    if total == 0.0:
        return 0.0
    return 100.0 * (s[2] / total)


@kernel
def rsi_loop(s: State, p: Numbers, x: Numbers, out: Any) -> None:
    """`rsi_step` on each row."""
    for t in range(len(x)):
        out[0, t] = rsi_step(s, p, x[t])


@kernel
def macd_step(s: State, p: Numbers, x: float) -> tuple[float, float, float]:
    """State: [rows, fast, slow, signal]. The fast seed is the last part of the slow one."""
    fast, slow, signal = p[0], p[1], p[2]
    s[0] += 1.0
    row = s[0]
    if row < slow:
        s[2] += x
        if row > slow - fast:
            s[1] += x
        return NAN, NAN, NAN
    if row == slow:
        s[2] = (s[2] + x) / slow
        s[1] = (s[1] + x) / fast
    else:
        s[1] = (x - s[1]) * (2.0 / (fast + 1.0)) + s[1]
        s[2] = (x - s[2]) * (2.0 / (slow + 1.0)) + s[2]
    line = s[1] - s[2]
    if row < slow + signal - 1.0:
        s[3] += line
        return NAN, NAN, NAN
    if row == slow + signal - 1.0:
        s[3] = (s[3] + line) / signal
    else:
        s[3] = (line - s[3]) * (2.0 / (signal + 1.0)) + s[3]
    return line, s[3], line - s[3]


@kernel
def macd_loop(s: State, p: Numbers, x: Numbers, out: Any) -> None:
    """`macd_step` on each row."""
    for t in range(len(x)):
        a, b, c = macd_step(s, p, x[t])
        out[0, t] = a
        out[1, t] = b
        out[2, t] = c


@kernel
def lag_step(s: State, p: Numbers, x: float) -> float:
    """State: [rows, place, ring of n]; returns the row n before this one."""
    n = int(p[0])
    at = int(s[1])
    old = s[2 + at]
    s[2 + at] = x
    at += 1
    s[1] = 0.0 if at == n else float(at)
    s[0] += 1.0
    return old if s[0] > n else NAN


@kernel
def roc_step(s: State, p: Numbers, x: float) -> float:
    """Percent change over n rows; 0 when the row n before is 0, as in TA-Lib."""
    old = lag_step(s, p, x)
    if isnan(old):
        return NAN
    return 0.0 if old == 0.0 else (x / old - 1.0) * 100.0


@kernel
def roc_loop(s: State, p: Numbers, x: Numbers, out: Any) -> None:
    """`roc_step` on each row."""
    for t in range(len(x)):
        out[0, t] = roc_step(s, p, x[t])


@kernel
def mom_step(s: State, p: Numbers, x: float) -> float:
    """Change over n rows."""
    return x - lag_step(s, p, x)


@kernel
def mom_loop(s: State, p: Numbers, x: Numbers, out: Any) -> None:
    """`mom_step` on each row."""
    for t in range(len(x)):
        out[0, t] = mom_step(s, p, x[t])


define(
    Definition(
        "rsi", rsi_step, rsi_loop, lambda p: 4, ("close",), ("value",), ("ratio",),
        lambda p: (int(p[0]) + 1,), "Wilder, New Concepts in Technical Trading Systems (1978); TA-Lib RSI",
    )
)  # fmt: skip
define(
    Definition(
        "macd", macd_step, macd_loop, lambda p: 4, ("close",), ("macd", "signal", "hist"),
        ("price", "price", "price"), lambda p: (int(p[1] + p[2]) - 1,) * 3,
        "Appel, Technical Analysis: Power Tools for Active Investors (2005); TA-Lib MACD",
    )
)  # fmt: skip
define(
    Definition(
        "roc", roc_step, roc_loop, lambda p: 2 + int(p[0]), ("close",), ("value",), ("ratio",),
        lambda p: (int(p[0]) + 1,), "(close / close n rows ago - 1) * 100; TA-Lib ROC",
    )
)  # fmt: skip
define(
    Definition(
        "mom", mom_step, mom_loop, lambda p: 2 + int(p[0]), ("close",), ("value",), ("price",),
        lambda p: (int(p[0]) + 1,), "close - close n rows ago; TA-Lib MOM",
    )
)  # fmt: skip


def rsi(n: int = 14, every: str = "") -> Indicator:
    """Wilder's relative strength index, 0 to 100; 0 when nothing moved, as in TA-Lib. n: bars, at least 2."""
    return Indicator("rsi", (whole("rsi", n, 2),), every=every)


def macd(fast: int = 12, slow: int = 26, signal: int = 9, every: str = "") -> Indicator:
    """Difference of two exponential means with its own mean: outputs macd, signal, hist.

    fast, slow: bars, at least 2, in either order; signal: bars, at least 1
    """
    low, high = sorted((whole("macd", fast, 2), whole("macd", slow, 2)))
    return Indicator("macd", (low, high, whole("macd", signal)), every=every)


def roc(n: int = 10, every: str = "") -> Indicator:
    """Percent change over n bars."""
    return Indicator("roc", (whole("roc", n),), every=every)


def mom(n: int = 10, every: str = "") -> Indicator:
    """Change in price over n bars."""
    return Indicator("mom", (whole("mom", n),), every=every)
