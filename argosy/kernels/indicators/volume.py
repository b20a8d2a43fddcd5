"""Volume: VWAP, money flow, on-balance volume: how much stood behind the price; they see no order book."""

from __future__ import annotations

from typing import Any

from argosy.kernels.indicators.indicator import Definition, Indicator, Numbers, State, define, make, whole
from argosy.kernels.indicators.rolling import sum_step
from argosy.kernels.kernel import kernel

NAN = float("nan")


@kernel
def vwap_step(s: State, p: Numbers, high: float, low: float, close: float, volume: float) -> float:
    """State: [rows, sum of money, sum of volume (2 + n each)]. Each bar stands for its typical price."""
    n = int(p[0])
    money = sum_step(s, 1, n, (high + low + close) / 3.0 * volume)
    total = sum_step(s, 3 + n, n, volume)
    if s[0] < n - 1.0:
        s[0] += 1.0
        return NAN
    return money / total if total > 0.0 else NAN


@kernel
def vwap_loop(
    s: State, p: Numbers,
    high: Numbers, low: Numbers, close: Numbers, volume: Numbers, out: Any,
) -> None:  # fmt: skip
    """`vwap_step` on each row."""
    for t in range(len(close)):
        out[0, t] = vwap_step(s, p, high[t], low[t], close[t], volume[t])


@kernel
def mfi_step(s: State, p: Numbers, high: float, low: float, close: float, volume: float) -> float:
    """State: [rows, typical price before, sum of rising, of falling money (2 + n each)]."""
    n = int(p[0])
    x = (high + low + close) / 3.0
    before = s[1]
    s[1] = x
    if s[0] == 0.0:
        s[0] = 1.0
        return NAN
    money = x * volume
    up = sum_step(s, 2, n, money if x > before else 0.0)
    down = sum_step(s, 4 + n, n, money if x < before else 0.0)
    if s[0] < n:
        s[0] += 1.0
        return NAN
    total = up + down
    return 100.0 * (up / total) if total > 0.0 else 0.0


@kernel
def mfi_loop(
    s: State, p: Numbers,
    high: Numbers, low: Numbers, close: Numbers, volume: Numbers, out: Any,
) -> None:  # fmt: skip
    """`mfi_step` on each row."""
    for t in range(len(close)):
        out[0, t] = mfi_step(s, p, high[t], low[t], close[t], volume[t])


@kernel
def obv_step(s: State, p: Numbers, close: float, volume: float) -> float:
    """State: [begun, close before, sum, what its rounding has lost]; Neumaier's sum, so that nothing is lost."""
    before = s[1]
    s[1] = close
    if s[0] == 0.0:
        s[0] = 1.0
        s[2] = volume
        return volume
    move = 0.0
    if close > before:
        move = volume
    elif close < before:
        move = -volume
    total = s[2] + move
    if abs(s[2]) >= abs(move):
        s[3] += (s[2] - total) + move
    else:
        s[3] += (move - total) + s[2]
    s[2] = total
    return total + s[3]


@kernel
def obv_loop(s: State, p: Numbers, close: Numbers, volume: Numbers, out: Any) -> None:
    """`obv_step` on each row."""
    for t in range(len(close)):
        out[0, t] = obv_step(s, p, close[t], volume[t])


_BAR = ("high", "low", "close", "volume")
define(
    Definition(
        "vwap", vwap_step, vwap_loop, lambda p: 5 + 2 * int(p[0]), _BAR, ("value",), ("price",),
        lambda p: (int(p[0]),),
        "sum(typical price * volume) / sum(volume) of n bars; Berkowitz, Logue and Noser, The Total Cost of "
        "Transactions on the NYSE (1988)", names=("n",), heavy=True,
    )
)  # fmt: skip
define(
    Definition(
        "mfi", mfi_step, mfi_loop, lambda p: 6 + 2 * int(p[0]), _BAR, ("value",), ("ratio",),
        lambda p: (int(p[0]) + 1,),
        "Quong and Soudack, Volume-Weighted RSI: Money Flow, Stocks & Commodities 7 (1989); TA-Lib MFI",
        names=("n",), heavy=True,
    )
)  # fmt: skip
define(
    Definition(
        "obv", obv_step, obv_loop, lambda p: 4, ("close", "volume"), ("value",), ("volume",),
        lambda p: (1,), "Granville, New Key to Stock Market Profits (1963); TA-Lib OBV", names=(), memory=True,
    )
)  # fmt: skip


def vwap(n: int = 20, every: str = "") -> Indicator:
    """Volume-weighted average of the typical price over the last n bars; nan while none of them has volume.

    It rolls and knows no sessions: with n the bars of a day it is the day's VWAP at the close only.
    """
    return make("vwap", (whole("vwap", n),), every)


def mfi(n: int = 14, every: str = "") -> Indicator:
    """Money flow index, the share of money in rising bars, 0 to 100; 0 when no bar of the n rose or fell with volume."""
    return make("mfi", (whole("mfi", n, 2),), every)


def obv(every: str = "") -> Indicator:
    """On-balance volume: the volume of rising bars less that of falling ones since the first bar; only its changes mean something."""
    return make("obv", (), every)
