"""Ranges and their trends: ATR, ADX, highest, lowest: how far the price moves, never which way it should."""

from __future__ import annotations

from typing import Any

from argosy.kernels.indicators.indicator import Definition, Indicator, Numbers, State, define, whole
from argosy.kernels.kernel import kernel

NAN = float("nan")


@kernel
def true_range(high: float, low: float, before: float) -> float:
    """The widest of high - low, |high - previous close|, |low - previous close|."""
    wide = high - low
    up = abs(high - before)
    down = abs(low - before)
    if up >= down:
        if up > wide:
            return up
    elif down > wide:
        return down
    return wide


@kernel
def atr_step(s: State, p: Numbers, high: float, low: float, close: float) -> float:
    """State: [rows, previous close, value]; Wilder's mean of true ranges, seeded with the mean of n."""
    n = p[0]
    before = s[1]
    s[1] = close
    s[0] += 1.0
    if s[0] == 1.0:
        return NAN
    wide = true_range(high, low, before)
    if s[0] <= n + 1.0:
        s[2] += wide
        if s[0] < n + 1.0:
            return NAN
        s[2] /= n
        return s[2]
    s[2] = (s[2] * (n - 1.0) + wide) / n
    return s[2]


@kernel
def atr_loop(s: State, p: Numbers, high: Numbers, low: Numbers, close: Numbers, out: Any) -> None:
    """`atr_step` on each row."""
    for t in range(len(close)):
        out[0, t] = atr_step(s, p, high[t], low[t], close[t])


@kernel
def adx_step(s: State, p: Numbers, high: float, low: float, close: float) -> tuple[float, float, float]:
    """State: [rows, high, low, close, +DM, -DM, TR, sum of DX, ADX]; Wilder's sums, as TA-Lib keeps them."""
    n = p[0]
    row = s[0]
    s[0] += 1.0
    if row == 0.0:
        s[1] = high
        s[2] = low
        s[3] = close
        return NAN, NAN, NAN
    up = high - s[1]
    down = s[2] - low
    plus = up if up > 0.0 and up > down else 0.0
    minus = down if down > 0.0 and down > up else 0.0
    wide = true_range(high, low, s[3])
    s[1] = high
    s[2] = low
    s[3] = close
    if row < n:
        s[4] += plus
        s[5] += minus
        s[6] += wide
        return NAN, NAN, NAN
    s[4] = s[4] - s[4] / n + plus
    s[5] = s[5] - s[5] / n + minus
    s[6] = s[6] - s[6] / n + wide
    di_plus = 0.0
    di_minus = 0.0
    if s[6] != 0.0:
        di_plus = 100.0 * (s[4] / s[6])
        di_minus = 100.0 * (s[5] / s[6])
        total = di_plus + di_minus
        dx = 100.0 * (abs(di_minus - di_plus) / total) if total != 0.0 else 0.0
        if row < 2.0 * n:
            s[7] += dx
            if row == 2.0 * n - 1.0:
                s[8] = s[7] / n
        elif total != 0.0:
            s[8] = (s[8] * (n - 1.0) + dx) / n
    if row < 2.0 * n - 1.0:
        return NAN, di_plus, di_minus
    return s[8], di_plus, di_minus


@kernel
def adx_loop(s: State, p: Numbers, high: Numbers, low: Numbers, close: Numbers, out: Any) -> None:
    """`adx_step` on each row."""
    for t in range(len(close)):
        a, b, c = adx_step(s, p, high[t], low[t], close[t])
        out[0, t] = a
        out[1, t] = b
        out[2, t] = c


@kernel
def extreme_step(s: State, n: int, sign: float, x: float) -> float:
    """The greatest of sign * x over n rows, times sign: the head of a queue that only falls.

    State: [rows, head, size, ring of n values, ring of n rows].
    """
    row = s[0]
    head = int(s[1])
    size = int(s[2])
    value = sign * x
    if size > 0 and s[3 + n + head] <= row - n:
        head += 1
        if head == n:
            head = 0
        size -= 1
    while size > 0:
        tail = head + size - 1
        if tail >= n:
            tail -= n
        if s[3 + tail] > value:
            break
        size -= 1
    tail = head + size
    if tail >= n:
        tail -= n
    s[3 + tail] = value
    s[3 + n + tail] = row
    s[0] = row + 1.0
    s[1] = float(head)
    s[2] = size + 1.0
    return sign * s[3 + head] if row + 1.0 >= n else NAN


@kernel
def highest_step(s: State, p: Numbers, high: float) -> float:
    """State: as `extreme_step`."""
    return extreme_step(s, int(p[0]), 1.0, high)


@kernel
def highest_loop(s: State, p: Numbers, high: Numbers, out: Any) -> None:
    """`highest_step` on each row."""
    for t in range(len(high)):
        out[0, t] = highest_step(s, p, high[t])


@kernel
def lowest_step(s: State, p: Numbers, low: float) -> float:
    """State: as `extreme_step`."""
    return extreme_step(s, int(p[0]), -1.0, low)


@kernel
def lowest_loop(s: State, p: Numbers, low: Numbers, out: Any) -> None:
    """`lowest_step` on each row."""
    for t in range(len(low)):
        out[0, t] = lowest_step(s, p, low[t])


_BAR = ("high", "low", "close")
define(
    Definition(
        "atr", atr_step, atr_loop, lambda p: 3, _BAR, ("value",), ("price",), lambda p: (int(p[0]) + 1,),
        "Wilder, New Concepts in Technical Trading Systems (1978); TA-Lib ATR",
    )
)  # fmt: skip
define(
    Definition(
        "adx", adx_step, adx_loop, lambda p: 9, _BAR, ("adx", "plus", "minus"), ("ratio", "ratio", "ratio"),
        lambda p: (2 * int(p[0]), int(p[0]) + 1, int(p[0]) + 1),
        "Wilder, New Concepts in Technical Trading Systems (1978); TA-Lib ADX, PLUS_DI, MINUS_DI",
    )
)  # fmt: skip
define(
    Definition(
        "highest", highest_step, highest_loop, lambda p: 3 + 2 * int(p[0]), ("high",), ("value",), ("price",),
        lambda p: (int(p[0]),), "greatest high of n rows; TA-Lib MAX",
    )
)  # fmt: skip
define(
    Definition(
        "lowest", lowest_step, lowest_loop, lambda p: 3 + 2 * int(p[0]), ("low",), ("value",), ("price",),
        lambda p: (int(p[0]),), "least low of n rows; TA-Lib MIN",
    )
)  # fmt: skip


def atr(n: int = 14, every: str = "") -> Indicator:
    """Wilder's average true range, in price; the first bar has no range, for want of a close before it."""
    return Indicator("atr", (whole("atr", n),), every=every)


def adx(n: int = 14, every: str = "") -> Indicator:
    """Wilder's directional index, 0 to 100: outputs adx, plus, minus."""
    return Indicator("adx", (whole("adx", n, 2),), every=every)


def highest(n: int = 20, every: str = "") -> Indicator:
    """The greatest high of the last n bars, this one included."""
    return Indicator("highest", (whole("highest", n),), every=every)


def lowest(n: int = 20, every: str = "") -> Indicator:
    """The least low of the last n bars, this one included."""
    return Indicator("lowest", (whole("lowest", n),), every=every)
