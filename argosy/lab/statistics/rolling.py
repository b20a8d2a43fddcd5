"""Figures of the last steps, at each step: rolling volatility, Sharpe, beta and correlation for a chart; none looks ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.kernels import stats as kernels
from argosy.lab.statistics.sample import COMPILED_FROM
from argosy.lab.statistics.versus import Pair, pair
from argosy.lab.verdict import earned

if TYPE_CHECKING:
    import polars as pl

    from argosy.lab.result import Result

COLUMNS = ("volatility", "sharpe", "beta", "correlation")


def rolling(result: Result, window: int = 126, *, benchmark: NDArray[np.float64] | None = None, steps: str = "days") -> pl.DataFrame:
    """Columns known (ns, when the step was complete), volatility, sharpe (annual), beta, correlation; one row a step.

    window: steps looked back on, this one among them; rows before it is full, and figures without sense, are null
    benchmark: (T,) at the run's times, see `aligned`; buying and holding the same instruments if left out
    Misuse("STATISTICS_WINDOW") for fewer than two.
    """
    known, value = earned(result.known, result.value, result.flow)
    held = result.benchmark if benchmark is None else benchmark
    return of_pair(pair(known, value, held[len(held) - len(known) :], steps=steps), window)


def of_pair(one: Pair, window: int) -> pl.DataFrame:
    """The same of returns that are already in step."""
    import polars as pl

    if window < 2:
        raise Misuse("STATISTICS_WINDOW", f"a window of {window} steps has no deviation", fix="two steps or more")
    out = [np.empty(len(one.own)) for _ in COLUMNS]
    if len(one.own) >= COMPILED_FROM:
        own, other = np.ascontiguousarray(one.own), np.ascontiguousarray(one.benchmark)
        kernels.rolling.jit(own, other, window, one.ppy, *out)
    else:
        kernels.rolling.py(one.own.tolist(), one.benchmark.tolist(), window, one.ppy, *out)
    frame = pl.DataFrame({"known": one.ends} | dict(zip(COLUMNS, out, strict=True)))
    return frame.with_columns(pl.col(name).fill_nan(None) for name in COLUMNS)
