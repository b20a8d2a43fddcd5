"""Momentum: RSI, MACD, PPO, rate of change; how fast the price moved, never where it will go."""

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
    whole,
)
from argosy.kernels.indicators.rolling import decay, lag_step, smooth_step
from argosy.kernels.kernel import kernel

NAN = float("nan")


@kernel
def strength_step(s: State, o: int, n: float, x: float) -> float:
    """Wilder's RSI, nan before n changes. Layout: [begun, last, gains, losses (4 each, as `smooth_step`)]."""
    change = x - s[o + 1]
    s[o + 1] = x
    if s[o] == 0.0:
        s[o] = 1.0
        return NAN
    a = 1.0 / n
    if change > 0.0:
        gain = smooth_step(s, o + 2, n, a, change)
        loss = smooth_step(s, o + 6, n, a, 0.0)
    else:
        gain = smooth_step(s, o + 2, n, a, 0.0)
        loss = smooth_step(s, o + 6, n, a, -change)
    if isnan(gain):
        return NAN
    total = gain + loss
    return 100.0 * (gain / total) if total != 0.0 else 0.0


@kernel
def rsi_step(s: State, p: Numbers, x: float) -> float:
    """State: as `strength_step`."""
    return strength_step(s, 0, p[0], x)


@kernel
def rsi_loop(s: State, p: Numbers, x: Numbers, out: Any) -> float:
    """`rsi_step` on each row, what it keeps held in hand."""
    n = p[0]
    a = 1.0 / n
    rows = len(x)
    o = out[0]
    t = 0
    check = 0.0
    while t < rows and s[2] < n:
        o[t] = rsi_step(s, p, x[t])
        check += x[t]
        t += 1
    if t == rows:
        return check
    price = s[1]
    gain = s[3]
    gain_before = s[4]
    gain_last = s[5]
    loss = s[7]
    loss_before = s[8]
    loss_last = s[9]
    o = o[t:]
    rest = x[t:]
    for k in range(len(o)):
        change = rest[k] - price
        price = rest[k]
        up = a * (change if change > 0.0 else 0.0)
        down = a * (0.0 if change > 0.0 else -change)
        new = decay(a, gain_before, gain_last, up)
        gain_before = gain
        gain = new
        gain_last = up
        new = decay(a, loss_before, loss_last, down)
        loss_before = loss
        loss = new
        loss_last = down
        total = gain + loss
        o[k] = 100.0 * (gain / total) if total != 0.0 else 0.0
    s[1] = price
    s[3] = gain
    s[4] = gain_before
    s[5] = gain_last
    s[7] = loss
    s[8] = loss_before
    s[9] = loss_last
    return check + (gain + loss) + (gain_before + loss_before)


@kernel
def macd_step(s: State, p: Numbers, x: float) -> tuple[float, float, float]:
    """State: [rows, fast, slow, signal (4 each)]. The fast seed is the last part of the slow one."""
    fast, slow, signal = p[0], p[1], p[2]
    if s[0] < slow:
        s[0] += 1.0
        quick = NAN
        if s[0] > slow - fast:
            quick = smooth_step(s, 1, fast, 2.0 / (fast + 1.0), x)
    else:
        quick = smooth_step(s, 1, fast, 2.0 / (fast + 1.0), x)
    base = smooth_step(s, 5, slow, 2.0 / (slow + 1.0), x)
    if isnan(base):
        return NAN, NAN, NAN
    line = quick - base
    mean = smooth_step(s, 9, signal, 2.0 / (signal + 1.0), line)
    if isnan(mean):
        return NAN, NAN, NAN
    return line, mean, line - mean


@kernel
def macd_loop(s: State, p: Numbers, x: Numbers, out: Any) -> float:
    """`macd_step` on each row, what it keeps held in hand."""
    rows = len(x)
    o, m, h = out[0], out[1], out[2]
    a = 2.0 / (p[0] + 1.0)
    b = 2.0 / (p[1] + 1.0)
    c = 2.0 / (p[2] + 1.0)
    t = 0
    check = 0.0
    while t < rows and s[9] < p[2]:
        check += x[t]
        one, two, three = macd_step(s, p, x[t])
        o[t] = one
        m[t] = two
        h[t] = three
        t += 1
    if t == rows:
        return check
    f, f_before, f_last = s[2], s[3], s[4]
    g, g_before, g_last = s[6], s[7], s[8]
    i, i_before, i_last = s[10], s[11], s[12]
    o, m, h, rest = o[t:], m[t:], h[t:], x[t:]
    for k in range(len(o)):
        now = a * rest[k]
        new = decay(a, f_before, f_last, now)
        f_before = f
        f = new
        f_last = now
        now = b * rest[k]
        new = decay(b, g_before, g_last, now)
        g_before = g
        g = new
        g_last = now
        line = f - g
        now = c * line
        new = decay(c, i_before, i_last, now)
        i_before = i
        i = new
        i_last = now
        o[k] = line
        m[k] = i
        h[k] = line - i
    s[2], s[3], s[4] = f, f_before, f_last
    s[6], s[7], s[8] = g, g_before, g_last
    s[10], s[11], s[12] = i, i_before, i_last
    return check + (f + f_before)


@kernel
def ppo_step(s: State, p: Numbers, x: float) -> tuple[float, float, float]:
    """State: fast, slow, signal (4 each); both means begin with the first row. 0 where the slow one is 0."""
    quick = smooth_step(s, 0, p[0], 2.0 / (p[0] + 1.0), x)
    base = smooth_step(s, 4, p[1], 2.0 / (p[1] + 1.0), x)
    if isnan(base):
        return NAN, NAN, NAN
    line = (quick - base) / base * 100.0 if base != 0.0 else 0.0
    mean = smooth_step(s, 8, p[2], 2.0 / (p[2] + 1.0), line)
    return line, mean, line - mean


@kernel
def ppo_loop(s: State, p: Numbers, x: Numbers, out: Any) -> None:
    """`ppo_step` on each row."""
    for t in range(len(x)):
        out[0, t], out[1, t], out[2, t] = ppo_step(s, p, x[t])


@kernel
def roc_step(s: State, p: Numbers, x: float) -> float:
    """Percent change over n rows; 0 when the row n before is 0, as in TA-Lib. State: [rows, lag (1 + n)]."""
    old = lag_step(s, 1, int(p[0]), x)
    if s[0] < p[0]:
        s[0] += 1.0
        return NAN
    return 0.0 if old == 0.0 else (x / old - 1.0) * 100.0


@kernel
def roc_loop(s: State, p: Numbers, x: Numbers, out: Any) -> None:
    """`roc_step` on each row; the ring is filled only with what the next chunk needs."""
    n = int(p[0])
    rows = len(x)
    o = out[0]
    t = min(rows, n)
    for k in range(t):
        o[k] = roc_step(s, p, x[k])
    for k in range(t, rows):
        o[k] = 0.0 if x[k - n] == 0.0 else (x[k] / x[k - n] - 1.0) * 100.0
    if rows > n:
        at = int(s[1]) + rows - n
        for back in range(1, n + 1):
            s[2 + (at - back) % n] = x[rows - back]
        s[1] = float(at % n)


@kernel
def mom_step(s: State, p: Numbers, x: float) -> float:
    """Change over n rows. State: [rows, lag (1 + n)]."""
    old = lag_step(s, 1, int(p[0]), x)
    if s[0] < p[0]:
        s[0] += 1.0
        return NAN
    return x - old


@kernel
def mom_loop(s: State, p: Numbers, x: Numbers, out: Any) -> None:
    """`mom_step` on each row; the ring is filled only with what the next chunk needs."""
    n = int(p[0])
    rows = len(x)
    o = out[0]
    t = min(rows, n)
    for k in range(t):
        o[k] = mom_step(s, p, x[k])
    for k in range(t, rows):
        o[k] = x[k] - x[k - n]
    if rows > n:
        at = int(s[1]) + rows - n
        for back in range(1, n + 1):
            s[2 + (at - back) % n] = x[rows - back]
        s[1] = float(at % n)


_CLOSE = ("close",)
_THREE = ("price", "price", "price")
define(
    Definition(
        "rsi", rsi_step, rsi_loop, lambda p: 10, _CLOSE, ("value",), ("ratio",),
        lambda p: (int(p[0]) + 1,), "Wilder, New Concepts in Technical Trading Systems (1978); TA-Lib RSI",
        names=("n",), memory=True, checks=True,
    )
)  # fmt: skip
define(
    Definition(
        "macd", macd_step, macd_loop, lambda p: 13, _CLOSE, ("macd", "signal", "hist"), _THREE,
        lambda p: (int(p[1] + p[2]) - 1,) * 3,
        "Appel, Technical Analysis: Power Tools for Active Investors (2005); TA-Lib MACD",
        names=("fast", "slow", "signal"), memory=True, checks=True, heavy=True,
    )
)  # fmt: skip
define(
    Definition(
        "ppo", ppo_step, ppo_loop, lambda p: 12, _CLOSE, ("ppo", "signal", "hist"), ("ratio", "ratio", "ratio"),
        lambda p: (int(p[1]), int(p[1] + p[2]) - 1, int(p[1] + p[2]) - 1),
        "Appel, Technical Analysis: Power Tools for Active Investors (2005), MACD in percent of the slow mean; "
        "TA-Lib PPO with exponential means",
        names=("fast", "slow", "signal"), memory=True, heavy=True,
    )
)  # fmt: skip
define(
    Definition(
        "roc", roc_step, roc_loop, lambda p: 2 + int(p[0]), _CLOSE, ("value",), ("ratio",),
        lambda p: (int(p[0]) + 1,), "(close / close n rows ago - 1) * 100; TA-Lib ROC", names=("n",),
    )
)  # fmt: skip
define(
    Definition(
        "mom", mom_step, mom_loop, lambda p: 2 + int(p[0]), _CLOSE, ("value",), ("price",),
        lambda p: (int(p[0]) + 1,), "close - close n rows ago; TA-Lib MOM", names=("n",),
    )
)  # fmt: skip


def rsi(n: int = 14, every: str = "", of: Source = "") -> Indicator:
    """Wilder's relative strength index, 0 to 100; 0 when nothing moved, as in TA-Lib. n: bars, at least 2."""
    return make("rsi", (whole("rsi", n, 2),), every, of)


def macd(fast: int = 12, slow: int = 26, signal: int = 9, every: str = "", of: Source = "") -> Indicator:
    """Difference of two exponential means with its own mean: outputs macd, signal, hist.

    fast, slow: bars, at least 2, in either order; signal: bars, at least 1
    """
    low, high = sorted((whole("macd", fast, 2), whole("macd", slow, 2)))
    return make("macd", (low, high, whole("macd", signal)), every, of)


def ppo(fast: int = 12, slow: int = 26, signal: int = 9, every: str = "", of: Source = "") -> Indicator:
    """MACD in percent of the slow mean: outputs ppo, signal, hist; comparable between prices.

    fast, slow: bars, at least 2, in either order; signal: bars, at least 1
    """
    low, high = sorted((whole("ppo", fast, 2), whole("ppo", slow, 2)))
    return make("ppo", (low, high, whole("ppo", signal)), every, of)


def roc(n: int = 10, every: str = "", of: Source = "") -> Indicator:
    """Percent change over n bars."""
    return make("roc", (whole("roc", n),), every, of)


def mom(n: int = 10, every: str = "", of: Source = "") -> Indicator:
    """Change in price over n bars."""
    return make("mom", (whole("mom", n),), every, of)
