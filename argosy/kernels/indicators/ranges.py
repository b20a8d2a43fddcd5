"""Ranges: ATR, highest, lowest, channels, Aroon: how far the price moves, never which way it should."""

from __future__ import annotations

from math import isnan
from typing import Any

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
from argosy.kernels.indicators.rolling import (
    age_step,
    bottom_rows,
    bottom_step,
    decay,
    smooth_step,
    top_rows,
    top_step,
)
from argosy.kernels.kernel import kernel

NAN = float("nan")


@kernel
def range_step(s: State, o: int, n: float, high: float, low: float, close: float) -> float:
    """Wilder's mean of true ranges, seeded with the mean of n. Layout: [begun, previous close, as `smooth_step`]."""
    before = s[o + 1]
    s[o + 1] = close
    if s[o] == 0.0:
        s[o] = 1.0
        return NAN
    top = high if high > before else before
    bottom = low if low < before else before
    return smooth_step(s, o + 2, n, 1.0 / n, top - bottom)


@kernel
def atr_step(s: State, p: Numbers, high: float, low: float, close: float) -> float:
    """State: as `range_step`."""
    return range_step(s, 0, p[0], high, low, close)


@kernel
def range_rows(s: State, n: float, high: Any, low: Any, close: Any, o: Any) -> float:
    """`range_step` on each row, what it keeps held in hand; returns a number that is finite where all rows are."""
    a = 1.0 / n
    rows = len(close)
    t = 0
    check = 0.0
    while t < rows and s[2] < n:
        o[t] = range_step(s, 0, n, high[t], low[t], close[t])
        check += (high[t] - low[t]) * close[t]
        t += 1
    if t == rows:
        return check
    price = s[1]
    value = s[3]
    before = s[4]
    last = s[5]
    o, high, low, close = o[t:], high[t:], low[t:], close[t:]
    for k in range(len(o)):
        top = high[k] if high[k] > price else price
        bottom = low[k] if low[k] < price else price
        now = a * (top - bottom)
        price = close[k]
        check += (high[k] - low[k]) * price
        new = decay(a, before, last, now)
        before = value
        value = new
        last = now
        o[k] = new
    s[1] = price
    s[3] = value
    s[4] = before
    s[5] = last
    return check


@kernel
def atr_loop(s: State, p: Numbers, high: Numbers, low: Numbers, close: Numbers, out: Any) -> float:
    """`atr_step` on each row."""
    return range_rows(s, p[0], high, low, close, out[0])


@kernel
def natr_step(s: State, p: Numbers, high: float, low: float, close: float) -> float:
    """State: as `range_step`. 0 where the close is 0, as in TA-Lib."""
    wide = range_step(s, 0, p[0], high, low, close)
    if isnan(wide):
        return NAN
    return wide / close * 100.0 if close != 0.0 else 0.0


@kernel
def natr_loop(s: State, p: Numbers, high: Numbers, low: Numbers, close: Numbers, out: Any) -> float:
    """`natr_step` on each row."""
    o = out[0]
    check = range_rows(s, p[0], high, low, close, o)
    for t in range(len(close)):
        if o[t] == o[t]:
            o[t] = o[t] / close[t] * 100.0 if close[t] != 0.0 else 0.0
    return check


@kernel
def highest_step(s: State, p: Numbers, high: float) -> float:
    """State: [rows, top (2 + n)]."""
    best = top_step(s, 1, int(p[0]), high)
    if s[0] < p[0] - 1.0:
        s[0] += 1.0
        return NAN
    return best


@kernel
def highest_loop(s: State, p: Numbers, high: Numbers, out: Any) -> None:
    """`highest_step` on each row."""
    o = out[0]
    done = 0
    if s[0] == 0.0 and s[1] == 0.0:
        done = top_rows(s, 1, int(p[0]), high, o)
        if done > 0:
            s[0] = p[0] - 1.0
    for t in range(done, len(high)):
        o[t] = highest_step(s, p, high[t])


@kernel
def lowest_step(s: State, p: Numbers, low: float) -> float:
    """State: [rows, bottom (2 + n)]."""
    best = bottom_step(s, 1, int(p[0]), low)
    if s[0] < p[0] - 1.0:
        s[0] += 1.0
        return NAN
    return best


@kernel
def lowest_loop(s: State, p: Numbers, low: Numbers, out: Any) -> None:
    """`lowest_step` on each row."""
    o = out[0]
    done = 0
    if s[0] == 0.0 and s[1] == 0.0:
        done = bottom_rows(s, 1, int(p[0]), low, o)
        if done > 0:
            s[0] = p[0] - 1.0
    for t in range(done, len(low)):
        o[t] = lowest_step(s, p, low[t])


@kernel
def donchian_step(s: State, p: Numbers, high: float, low: float) -> tuple[float, float, float]:
    """State: [rows, top, bottom (2 + n each)]."""
    n = int(p[0])
    top = top_step(s, 1, n, high)
    bottom = bottom_step(s, 3 + n, n, low)
    if s[0] < p[0] - 1.0:
        s[0] += 1.0
        return NAN, NAN, NAN
    return top, 0.5 * (top + bottom), bottom


@kernel
def donchian_loop(s: State, p: Numbers, high: Numbers, low: Numbers, out: Any) -> None:
    """`donchian_step` on each row."""
    done = 0
    if s[0] == 0.0 and s[1] == 0.0:
        n = int(p[0])
        done = top_rows(s, 1, n, high, out[0])
        if done > 0:
            bottom_rows(s, 3 + n, n, low, out[2])
            s[0] = p[0] - 1.0
            for t in range(done):
                out[1, t] = 0.5 * (out[0, t] + out[2, t])
    for t in range(done, len(high)):
        out[0, t], out[1, t], out[2, t] = donchian_step(s, p, high[t], low[t])


@kernel
def keltner_step(s: State, p: Numbers, high: float, low: float, close: float) -> tuple[float, float, float]:
    """p: [n, k, ranges]. State: [mean (4, as `smooth_step`), range (6, as `range_step`)]."""
    mean = smooth_step(s, 0, p[0], 2.0 / (p[0] + 1.0), close)
    wide = range_step(s, 4, p[2], high, low, close)
    if isnan(mean) or isnan(wide):
        return NAN, NAN, NAN
    return mean + p[1] * wide, mean, mean - p[1] * wide


@kernel
def keltner_loop(s: State, p: Numbers, high: Numbers, low: Numbers, close: Numbers, out: Any) -> None:
    """`keltner_step` on each row."""
    for t in range(len(close)):
        out[0, t], out[1, t], out[2, t] = keltner_step(s, p, high[t], low[t], close[t])


@kernel
def aroon_step(s: State, p: Numbers, high: float, low: float) -> tuple[float, float, float]:
    """State: [rows, age of the top, of the bottom (3 + 2 (n + 1) each)]; n + 1 rows are looked at."""
    n = int(p[0])
    top = age_step(s, 1, n + 1, high)
    bottom = age_step(s, 6 + 2 * n, n + 1, -low)
    if s[0] < p[0]:
        s[0] += 1.0
        return NAN, NAN, NAN
    up = 100.0 * ((n - top) / n)
    down = 100.0 * ((n - bottom) / n)
    return up, down, 100.0 * ((bottom - top) / n)


@kernel
def aroon_loop(s: State, p: Numbers, high: Numbers, low: Numbers, out: Any) -> None:
    """`aroon_step` on each row."""
    for t in range(len(high)):
        out[0, t], out[1, t], out[2, t] = aroon_step(s, p, high[t], low[t])


_BAR = ("high", "low", "close")
_THREE = ("price", "price", "price")
_BANDS = ("upper", "middle", "lower")
define(
    Definition(
        "atr", atr_step, atr_loop, lambda p: 6, _BAR, ("value",), ("price",), lambda p: (int(p[0]) + 1,),
        "Wilder, New Concepts in Technical Trading Systems (1978); TA-Lib ATR", names=("n",), memory=True, checks=True,
    )
)  # fmt: skip
define(
    Definition(
        "natr", natr_step, natr_loop, lambda p: 6, _BAR, ("value",), ("ratio",), lambda p: (int(p[0]) + 1,),
        "Forman, Cross-Market Evaluations with Normalized Average True Range, Stocks & Commodities (2006); "
        "TA-Lib NATR", names=("n",), memory=True, checks=True,
    )
)  # fmt: skip
define(
    Definition(
        "highest", highest_step, highest_loop, lambda p: 3 + int(p[0]), ("high",), ("value",), ("price",),
        lambda p: (int(p[0]),), "greatest high of n rows; TA-Lib MAX", names=("n",),
    )
)  # fmt: skip
define(
    Definition(
        "lowest", lowest_step, lowest_loop, lambda p: 3 + int(p[0]), ("low",), ("value",), ("price",),
        lambda p: (int(p[0]),), "least low of n rows; TA-Lib MIN", names=("n",),
    )
)  # fmt: skip
define(
    Definition(
        "donchian", donchian_step, donchian_loop, lambda p: 5 + 2 * int(p[0]), ("high", "low"), _BANDS, _THREE,
        lambda p: (int(p[0]),) * 3,
        "Donchian, High Finance in Copper, Financial Analysts Journal 16 (1960): highest high, lowest low, middle",
        names=("n",), heavy=True,
    )
)  # fmt: skip
define(
    Definition(
        "keltner", keltner_step, keltner_loop, lambda p: 10, _BAR, _BANDS, _THREE,
        lambda p: (max(int(p[0]), int(p[2]) + 1),) * 3,
        "Keltner, How to Make Money in Commodities (1960), as Connors and Raschke have it, Street Smarts (1995): "
        "EMA of the close and k average true ranges", names=("n", "k", "ranges"), memory=True, heavy=True,
    )
)  # fmt: skip
define(
    Definition(
        "aroon", aroon_step, aroon_loop, lambda p: 11 + 4 * int(p[0]), ("high", "low"), ("up", "down", "osc"),
        ("ratio", "ratio", "ratio"), lambda p: (int(p[0]) + 1,) * 3,
        "Chande, A Time Price Oscillator, Stocks & Commodities 13 (1995); TA-Lib AROON, AROONOSC", names=("n",),
        heavy=True,
    )
)  # fmt: skip


def atr(n: int = 14, every: str = "") -> Indicator:
    """Wilder's average true range, in price; the first bar has no range, for want of a close before it."""
    return make("atr", (whole("atr", n),), every)


def natr(n: int = 14, every: str = "") -> Indicator:
    """Average true range in percent of the close, comparable between prices."""
    return make("natr", (whole("natr", n),), every)


def highest(n: int = 20, every: str = "", of: Source = "") -> Indicator:
    """The greatest high of the last n bars, this one included."""
    return make("highest", (whole("highest", n),), every, of)


def lowest(n: int = 20, every: str = "", of: Source = "") -> Indicator:
    """The least low of the last n bars, this one included."""
    return make("lowest", (whole("lowest", n),), every, of)


def donchian(n: int = 20, every: str = "") -> Indicator:
    """Highest high and lowest low of the last n bars, this one included: outputs upper, middle, lower."""
    return make("donchian", (whole("donchian", n),), every)


def keltner(n: int = 20, k: float = 2.0, ranges: int = 10, every: str = "") -> Indicator:
    """EMA of n closes and k average true ranges (of `ranges` bars) about it: outputs upper, middle, lower."""
    return make("keltner", (whole("keltner", n), real("keltner", k), whole("keltner", ranges)), every)


def aroon(n: int = 14, every: str = "") -> Indicator:
    """How fresh the high and the low of the last n + 1 bars are, 100 (now) to 0: outputs up, down, osc (their difference)."""
    return make("aroon", (whole("aroon", n),), every)
