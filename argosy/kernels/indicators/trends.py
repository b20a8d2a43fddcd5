"""Trends: ADX, Parabolic SAR, SuperTrend, Ichimoku: which way the price has gone and how firmly, never how far yet."""

from __future__ import annotations

from math import isnan
from typing import Any

from argosy.core.errors import Misuse
from argosy.kernels.indicators.indicator import (
    Definition,
    Indicator,
    Numbers,
    State,
    define,
    make,
    real,
    whole,
)
from argosy.kernels.indicators.ranges import range_step
from argosy.kernels.indicators.rolling import decay, lag_step, smooth_step
from argosy.kernels.kernel import kernel

NAN = float("nan")


@kernel
def adx_step(s: State, p: Numbers, high: float, low: float, close: float) -> tuple[float, float, float]:
    """Wilder's sums, as TA-Lib keeps them; where nothing moved the ADX stays.

    State: [rows, high, low, close, +DM, -DM, TR, the three a row before, the last row of each, ADX (4, as
    `smooth_step`)]. A sum loses its nth part and takes the new row, said over two rows as in `smooth_step`.
    """
    n = p[0]
    row = s[0]
    if row == 0.0:
        s[0] = 1.0
        s[1] = high
        s[2] = low
        s[3] = close
        return NAN, NAN, NAN
    before = s[3]
    up = high - s[1]
    down = s[2] - low
    plus = up if up > 0.0 and up > down else 0.0
    minus = down if down > 0.0 and down > up else 0.0
    wide = (high if high > before else before) - (low if low < before else before)
    s[1] = high
    s[2] = low
    s[3] = close
    if row < n:
        s[0] = row + 1.0
        s[4] += plus
        s[5] += minus
        s[6] += wide
        if row == n - 1.0:
            for k in range(4, 7):
                s[k + 3] = s[k]
                s[k + 6] = s[k] / n
        return NAN, NAN, NAN
    keep = 1.0 - 1.0 / n
    twice = keep * keep
    sum_plus = twice * s[7] + (keep * s[10] + plus)
    sum_minus = twice * s[8] + (keep * s[11] + minus)
    sum_wide = twice * s[9] + (keep * s[12] + wide)
    s[7] = s[4]
    s[8] = s[5]
    s[9] = s[6]
    s[4] = sum_plus
    s[5] = sum_minus
    s[6] = sum_wide
    s[10] = plus
    s[11] = minus
    s[12] = wide
    di_plus = 0.0
    di_minus = 0.0
    dx = 0.0
    moved = False
    if sum_wide > 0.0:
        share = 100.0 / sum_wide
        di_plus = share * sum_plus
        di_minus = share * sum_minus
        total = sum_plus + sum_minus
        if total > 0.0:
            moved = True
            away = sum_plus - sum_minus
            dx = 100.0 * ((away if away > 0.0 else -away) / total)
    if moved or s[13] < n:
        adx = smooth_step(s, 13, n, 1.0 / n, dx)
    else:
        adx = s[14]
    return adx, di_plus, di_minus


@kernel
def adx_loop(s: State, p: Numbers, high: Any, low: Any, close: Any, out: Any) -> float:
    """`adx_step` on each row, what it keeps held in hand."""
    n = p[0]
    rows = len(close)
    oa, op, om = out[0], out[1], out[2]
    t = 0
    check = 0.0
    while t < rows and s[13] < n:
        oa[t], op[t], om[t] = adx_step(s, p, high[t], low[t], close[t])
        check += (high[t] - low[t]) * close[t]
        t += 1
    if t == rows:
        return check
    oa, op, om, high, low, close = oa[t:], op[t:], om[t:], high[t:], low[t:], close[t:]
    a = 1.0 / n
    keep = 1.0 - a
    twice = keep * keep
    top, bottom, price = s[1], s[2], s[3]
    plus, minus, wide = s[4], s[5], s[6]
    plus_before, minus_before, wide_before = s[7], s[8], s[9]
    plus_last, minus_last, wide_last = s[10], s[11], s[12]
    adx, adx_before, adx_last = s[14], s[15], s[16]
    for k in range(len(close)):
        h = high[k]
        low_now = low[k]
        up = h - top
        down = bottom - low_now
        rise = up if up > 0.0 and up > down else 0.0
        fall = down if down > 0.0 and down > up else 0.0
        span = (h if h > price else price) - (low_now if low_now < price else price)
        top = h
        bottom = low_now
        price = close[k]
        check += (h - low_now) * price
        new = twice * plus_before + (keep * plus_last + rise)
        plus_before = plus
        plus = new
        plus_last = rise
        new = twice * minus_before + (keep * minus_last + fall)
        minus_before = minus
        minus = new
        minus_last = fall
        new = twice * wide_before + (keep * wide_last + span)
        wide_before = wide
        wide = new
        wide_last = span
        share = 0.0
        if wide > 0.0:
            share = 100.0 / wide
            total = plus + minus
            if total > 0.0:
                away = plus - minus
                now = a * (100.0 * ((away if away > 0.0 else -away) / total))
                new = decay(a, adx_before, adx_last, now)
                adx_before = adx
                adx = new
                adx_last = now
        oa[k] = adx
        op[k] = share * plus
        om[k] = share * minus
    s[1], s[2], s[3] = top, bottom, price
    s[4], s[5], s[6] = plus, minus, wide
    s[7], s[8], s[9] = plus_before, minus_before, wide_before
    s[10], s[11], s[12] = plus_last, minus_last, wide_last
    s[14], s[15], s[16] = adx, adx_before, adx_last
    return check


@kernel
def psar_step(s: State, p: Numbers, high: float, low: float) -> tuple[float, float]:
    """p: [step, most]. State: [rows, high, low, way (1 up, -1 down), stop for this row, extreme, acceleration].

    The first way is down when the second low is further below the first than its high is above, as in TA-Lib.
    """
    before_high = s[1]
    before_low = s[2]
    s[1] = high
    s[2] = low
    if s[0] == 0.0:
        s[0] = 1.0
        return NAN, NAN
    if s[0] == 1.0:
        s[0] = 2.0
        down = before_low - low
        s[6] = p[0]
        if down > 0.0 and down > high - before_high:
            s[3] = -1.0
            s[4] = before_high
            s[5] = low
        else:
            s[3] = 1.0
            s[4] = before_low
            s[5] = high
        before_high = high
        before_low = low
    stop = s[4]
    extreme = s[5]
    top = high if high > before_high else before_high
    bottom = low if low < before_low else before_low
    if s[3] > 0.0:
        if low <= stop:
            s[3] = -1.0
            stop = extreme if extreme > top else top
            s[5] = low
            s[6] = p[0]
            following = stop + p[0] * (low - stop)
            s[4] = following if following > top else top
            return stop, -1.0
        if high > extreme:
            s[5] = high
            s[6] += p[0]
            if s[6] > p[1]:
                s[6] = p[1]
        following = stop + s[6] * (s[5] - stop)
        s[4] = following if following < bottom else bottom
        return stop, 1.0
    if high >= stop:
        s[3] = 1.0
        stop = extreme if extreme < bottom else bottom
        s[5] = high
        s[6] = p[0]
        following = stop + p[0] * (high - stop)
        s[4] = following if following < bottom else bottom
        return stop, 1.0
    if low < extreme:
        s[5] = low
        s[6] += p[0]
        if s[6] > p[1]:
            s[6] = p[1]
    following = stop + s[6] * (s[5] - stop)
    s[4] = following if following > top else top
    return stop, -1.0


@kernel
def psar_loop(s: State, p: Numbers, high: Numbers, low: Numbers, out: Any) -> None:
    """`psar_step` on each row."""
    for t in range(len(high)):
        out[0, t], out[1, t] = psar_step(s, p, high[t], low[t])


@kernel
def supertrend_step(s: State, p: Numbers, high: float, low: float, close: float) -> tuple[float, float]:
    """p: [n, k]. State: [way (1 up, -1 down, 0 none yet), upper, lower, close before, range (6, as `range_step`)]."""
    before = s[3]
    s[3] = close
    wide = range_step(s, 4, p[0], high, low, close)
    if isnan(wide):
        return NAN, NAN
    middle = 0.5 * (high + low)
    upper = middle + p[1] * wide
    lower = middle - p[1] * wide
    if s[0] == 0.0:
        s[0] = 1.0 if close >= middle else -1.0
    else:
        if not (upper < s[1] or before > s[1]):
            upper = s[1]
        if not (lower > s[2] or before < s[2]):
            lower = s[2]
        if s[0] > 0.0:
            if close < lower:
                s[0] = -1.0
        elif close > upper:
            s[0] = 1.0
    s[1] = upper
    s[2] = lower
    return (lower if s[0] > 0.0 else upper), s[0]


@kernel
def supertrend_loop(s: State, p: Numbers, high: Numbers, low: Numbers, close: Numbers, out: Any) -> None:
    """`supertrend_step` on each row."""
    for t in range(len(close)):
        out[0, t], out[1, t] = supertrend_step(s, p, high[t], low[t], close[t])


@kernel
def middle_step(s: State, o: int, n: int, high: float, low: float) -> float:
    """The middle of the range of n rows. Layout: [place, top, bottom, ring of tops (n), ring of bottoms (n)]."""
    at = o + 3 + int(s[o])
    top = s[o + 1]
    bottom = s[o + 2]
    if at == o + 3 or high > top:
        top = high
    if at == o + 3 or low < bottom:
        bottom = low
    s[at] = high
    s[at + n] = low
    if at < o + 2 + n:
        s[o] += 1.0
        s[o + 1] = top
        s[o + 2] = bottom
        rest = s[at + 1]
        if rest > top:
            top = rest
        rest = s[at + 1 + n]
        if rest < bottom:
            bottom = rest
        return 0.5 * (top + bottom)
    most = high
    least = low
    for k in range(at, o + 2, -1):
        if s[k] > most:
            most = s[k]
        s[k] = most
        if s[k + n] < least:
            least = s[k + n]
        s[k + n] = least
    s[o] = 0.0
    return 0.5 * (top + bottom)


@kernel
def ichimoku_step(s: State, p: Numbers, high: float, low: float) -> tuple[float, float, float, float]:
    """p: [conversion, base, span, shift]. State: [rows, three of `middle_step` (3 + 2 n), two lags (1 + shift)]."""
    n = int(p[0])
    m = int(p[1])
    k = int(p[2])
    o = 4 + 2 * n
    conversion = middle_step(s, 1, n, high, low)
    base = middle_step(s, o, m, high, low)
    o += 3 + 2 * m
    span = middle_step(s, o, k, high, low)
    row = s[0]
    s[0] = row + 1.0
    o += 3 + 2 * k
    shift = int(p[3])
    cloud_a = lag_step(s, o, shift, 0.5 * (conversion + base))
    cloud_b = lag_step(s, o + 1 + shift, shift, span)
    if row >= k + p[3] - 1.0 and row >= m + p[3] - 1.0:
        return conversion, base, cloud_a, cloud_b
    return (
        conversion if row >= n - 1.0 else NAN,
        base if row >= m - 1.0 else NAN,
        cloud_a if row >= m + p[3] - 1.0 else NAN,
        cloud_b if row >= k + p[3] - 1.0 else NAN,
    )


@kernel
def ichimoku_loop(s: State, p: Numbers, high: Numbers, low: Numbers, out: Any) -> None:
    """`ichimoku_step` on each row."""
    for t in range(len(high)):
        out[0, t], out[1, t], out[2, t], out[3, t] = ichimoku_step(s, p, high[t], low[t])


_BAR = ("high", "low", "close")
define(
    Definition(
        "adx", adx_step, adx_loop, lambda p: 17, _BAR, ("adx", "plus", "minus"), ("ratio", "ratio", "ratio"),
        lambda p: (2 * int(p[0]), int(p[0]) + 1, int(p[0]) + 1),
        "Wilder, New Concepts in Technical Trading Systems (1978); TA-Lib ADX, PLUS_DI, MINUS_DI",
        names=("n",), memory=True, checks=True, heavy=True,
    )
)  # fmt: skip
define(
    Definition(
        "psar", psar_step, psar_loop, lambda p: 7, ("high", "low"), ("stop", "way"), ("price", "ratio"),
        lambda p: (2, 2), "Wilder, New Concepts in Technical Trading Systems (1978); TA-Lib SAR",
        names=("step", "most"), memory=True,
    )
)  # fmt: skip
define(
    Definition(
        "supertrend", supertrend_step, supertrend_loop, lambda p: 10, _BAR, ("stop", "way"), ("price", "ratio"),
        lambda p: (int(p[0]) + 1,) * 2,
        "Seban, Tout le monde mérite d'être riche (2008): ratcheted bands k average true ranges from the middle",
        names=("n", "k"), memory=True, heavy=True,
    )
)  # fmt: skip
define(
    Definition(
        "ichimoku", ichimoku_step, ichimoku_loop, lambda p: 12 + 2 * int(p[0] + p[1] + p[2] + p[3]),
        ("high", "low"), ("conversion", "base", "cloud_a", "cloud_b"), ("price",) * 4,
        lambda p: (int(p[0]), int(p[1]), int(p[1] + p[3]), int(p[2] + p[3])),
        "Hosoda, Ichimoku Kinko Hyo (1969), in English: Elliott, Ichimoku Charts (2007)",
        names=("conversion", "base", "span", "shift"), heavy=True,
    )
)  # fmt: skip


def adx(n: int = 14, every: str = "") -> Indicator:
    """Wilder's directional index, 0 to 100: outputs adx, plus (+DI), minus (-DI). n: bars, at least 2."""
    return make("adx", (whole("adx", n, 2),), every)


def psar(step: float = 0.02, most: float = 0.2, every: str = "") -> Indicator:
    """Parabolic stop and reverse: outputs stop, its price in force during this bar, and way, 1 up or -1 down after it.

    step: acceleration at the start and at each new extreme; most: its bound, at least step
    """
    if real("psar", most) < real("psar", step):
        raise Misuse("INDICATOR_PARAM", f"psar takes most of at least step, not {most!r} below {step!r}")
    return make("psar", (real("psar", step), real("psar", most)), every)


def supertrend(n: int = 10, k: float = 3.0, every: str = "") -> Indicator:
    """A stop that follows k average true ranges behind the trend: outputs stop and way, 1 up or -1 down.

    The first way is up when the close is in the upper half of its bar.
    """
    return make("supertrend", (whole("supertrend", n), real("supertrend", k)), every)


def ichimoku(conversion: int = 9, base: int = 26, span: int = 52, shift: int = 26, every: str = "") -> Indicator:
    """Ichimoku: outputs conversion and base (middles of ranges) and cloud_a, cloud_b, the cloud as it hangs over this bar.

    The cloud of this bar was drawn `shift` bars ago from what was known then. The lagging line is the close, seen
    from the past; it would look ahead and is not given.
    """
    bars = (conversion, base, span, shift)
    return make("ichimoku", tuple(whole("ichimoku", each) for each in bars), every)
