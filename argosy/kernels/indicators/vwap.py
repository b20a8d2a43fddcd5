"""Volume-weighted average price of the last bars: what those who traded paid; it sees no order book.

Each bar stands for its typical price, (high + low + close) / 3, with its whole volume.
"""

from __future__ import annotations

from typing import Any

from argosy.kernels.indicators.indicator import Definition, Indicator, Numbers, State, define, whole
from argosy.kernels.kernel import kernel

NAN = float("nan")


@kernel
def vwap_step(s: State, p: Numbers, high: float, low: float, close: float, volume: float) -> float:
    """State: [rows, place, money, volume, greatest volume since they were summed, monies (n), volumes (n)].

    Both sums are made anew when the volume has fallen a thousandfold and each time the ring has turned 64
    times, so that neither a huge bar that left nor a long series leaves its dust behind.
    """
    n = int(p[0])
    at = int(s[1])
    money = (high + low + close) / 3.0 * volume
    s[0] += 1.0
    row = s[0]
    s[2] += money - s[5 + at]
    s[3] += volume - s[5 + n + at]
    s[5 + at] = money
    s[5 + n + at] = volume
    at += 1
    anew = s[3] < s[4] * 1e-3
    if at == n:
        at = 0
        anew = anew or row % (64.0 * n) == 0.0
    s[1] = float(at)
    if anew:
        s[2] = 0.0
        s[3] = 0.0
        for k in range(n):
            s[2] += s[5 + k]
            s[3] += s[5 + n + k]
        s[4] = s[3]
    elif s[3] > s[4]:
        s[4] = s[3]
    if row < n or not s[3] > 0.0:
        return NAN
    return s[2] / s[3]


@kernel
def vwap_loop(
    s: State, p: Numbers,
    high: Numbers, low: Numbers, close: Numbers, volume: Numbers, out: Any,
) -> None:  # fmt: skip
    """`vwap_step` on each row."""
    for t in range(len(close)):
        out[0, t] = vwap_step(s, p, high[t], low[t], close[t], volume[t])


define(
    Definition(
        "vwap", vwap_step, vwap_loop, lambda p: 5 + 2 * int(p[0]), ("high", "low", "close", "volume"),
        ("value",), ("price",), lambda p: (int(p[0]),),
        "sum(typical price * volume) / sum(volume) of n bars; Berkowitz, Logue and Noser, The Total Cost of "
        "Transactions on the NYSE (1988)",
    )
)  # fmt: skip


def vwap(n: int = 20, every: str = "") -> Indicator:
    """Volume-weighted average of the typical price over the last n bars; nan while none of them has volume.

    It rolls and knows no sessions: with n the bars of a day it is the day's VWAP at the close only.
    """
    return Indicator("vwap", (whole("vwap", n),), every=every)
