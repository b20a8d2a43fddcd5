"""Two series: correlation and beta: how they moved together of late, never that one moves the other."""

from __future__ import annotations

from math import sqrt
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
from argosy.kernels.indicators.rolling import both_step
from argosy.kernels.kernel import kernel

NAN = float("nan")


@kernel
def correl_step(s: State, p: Numbers, x: float, y: float) -> float:
    """State: as `both_step`. 0 when one of them stands still, as in TA-Lib."""
    if not both_step(s, int(p[0]), x, y):
        return NAN
    if not (s[7] > 0.0 and s[8] > 0.0):
        return 0.0
    value = s[9] / (sqrt(s[7]) * sqrt(s[8]))
    if value > 1.0:
        return 1.0
    return value if value > -1.0 else -1.0


@kernel
def correl_loop(s: State, p: Numbers, x: Numbers, y: Numbers, out: Any) -> None:
    """`correl_step` on each row."""
    for t in range(len(x)):
        out[0, t] = correl_step(s, p, x[t], y[t])


@kernel
def beta_step(s: State, p: Numbers, x: float, y: float) -> float:
    """State: [as `both_step` of the returns (12 + 2 n), begun, x before, y before]. 0 when the market stands still."""
    n = int(p[0])
    o = 12 + 2 * n
    before_x = s[o + 1]
    before_y = s[o + 2]
    s[o + 1] = x
    s[o + 2] = y
    if s[o] == 0.0:
        s[o] = 1.0
        return NAN
    move_x = (x - before_x) / before_x if before_x != 0.0 else 0.0
    move_y = (y - before_y) / before_y if before_y != 0.0 else 0.0
    if not both_step(s, n, move_x, move_y):
        return NAN
    return s[9] / s[8] if s[8] > 0.0 else 0.0


@kernel
def beta_loop(s: State, p: Numbers, x: Numbers, y: Numbers, out: Any) -> None:
    """`beta_step` on each row."""
    for t in range(len(x)):
        out[0, t] = beta_step(s, p, x[t], y[t])


define(
    Definition(
        "correl", correl_step, correl_loop, lambda p: 12 + 2 * int(p[0]), ("close", "other"), ("value",),
        ("ratio",), lambda p: (int(p[0]),), "Pearson's correlation of n rows; TA-Lib CORREL", names=("n",),
        free=True, heavy=True,
    )
)  # fmt: skip
define(
    Definition(
        "beta", beta_step, beta_loop, lambda p: 15 + 2 * int(p[0]), ("close", "other"), ("value",), ("ratio",),
        lambda p: (int(p[0]) + 1,),
        "Sharpe, Capital Asset Prices (1964): covariance of n returns over the market's variance; TA-Lib BETA",
        names=("n",), free=True, heavy=True,
    )
)  # fmt: skip

PAIR = ("close", "other")


def correl(n: int = 30, every: str = "", of: tuple[Source, Source] = PAIR) -> Indicator:
    """Correlation of the levels of two series over n rows, -1 to 1; of returns with `of=(roc(1), roc(1, of="other"))`.

    of: two columns or indicators; "other" is another instrument's close on the same rows. n: bars, at least 2.
    """
    return make("correl", (whole("correl", n, 2),), every, of)


def beta(n: int = 60, every: str = "", of: tuple[Source, Source] = PAIR) -> Indicator:
    """How much the first series returned per return of the second, over n bars. n: bars, at least 2.

    of: the asset's price and the market's; "other" is another instrument's close on the same rows
    """
    return make("beta", (whole("beta", n, 2),), every, of)
