"""The steps on which a curve is judged: one a day, or every row; deposits are taken out, and nothing is filled in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.kernels.kernel import Kernel
from argosy.lab.verdict import YEAR, daily, earned, steps_a_year

R = TypeVar("R")
COMPILED_FROM = 20_000
"""Rows from which a kernel is run compiled; below that the compiler would take longer to come than the figures."""


class Sample(NamedTuple):
    """A curve and its returns at equal steps.

    known, value: (T,) every row, deposits taken out
    ends:         (N,) ns, when each return was complete
    returns:      (N,) simple; fewer when the curve fell to nothing, after which there are none; ppy: steps in a year
    """

    known: NDArray[np.int64]
    value: NDArray[np.float64]
    ends: NDArray[np.int64]
    returns: NDArray[np.float64]
    ppy: float


def sample(
    known: NDArray[np.int64], value: NDArray[np.float64], flows: NDArray[np.float64] | None = None, *,
    steps: str = "days", ppy: float | None = None,
) -> Sample:  # fmt: skip
    """The steps of a curve. known: (T,) ns UTC ascending; value: (T,) currency; flows: see `Result.flow`.

    steps: "days" (the last row of each UTC day, as the verdict has it, and the first row where it differs from that) or
    "rows" (each; a year has what the calendar says). ppy: steps in a year, if not as these say.
    Misuse("STATISTICS_STEPS") for another word, Misuse("STATISTICS_SHAPE") for columns of different lengths.
    """
    known = np.asarray(known, np.int64)
    if len(known) != len(value) or (flows is not None and len(flows) != len(value)):
        sizes = (len(known), len(value), len(value) if flows is None else len(flows))
        raise Misuse("STATISTICS_SHAPE", f"known, value and flows have lengths {sizes}", fix="give one value for each time")
    if steps not in ("days", "rows"):
        raise Misuse("STATISTICS_STEPS", f"there are no steps called {steps!r}", fix="days or rows")
    known, value = earned(known, value, flows)
    year = a_year(known, steps) if ppy is None else ppy
    if steps == "rows":
        made = returns(value)
        return Sample(known, value, known[1 : len(made) + 1], made, year)
    rows = daily(known)
    if len(value) and value[rows[0]] != value[0]:
        rows = np.concatenate((np.zeros(1, np.int64), rows))
    made = returns(value[rows])
    return Sample(known, value, known[rows[1 : len(made) + 1]], made, year)


def a_year(known: NDArray[np.int64], steps: str) -> float:
    """Steps in a year: of days as the verdict has them, of rows what the calendar says; 252 when it says nothing."""
    if steps == "days":
        return steps_a_year(known)
    span = float(known[-1] - known[0]) if len(known) > 1 else 0.0
    return (len(known) - 1) * YEAR / span if span > 0.0 else 252.0


def returns(curve: NDArray[np.float64]) -> NDArray[np.float64]:
    """Simple returns of a curve, up to the row at which nothing is left: (N,) float64."""
    if len(curve) < 2:
        return np.zeros(0)
    count = len(curve) - 1
    if not float(curve.min()) > 0.0:  # nan is looked at, too
        ruined = curve[:-1] <= 0.0
        count = int(np.argmax(ruined)) if ruined.any() else count
    made: NDArray[np.float64] = curve[1 : count + 1] / curve[:count]
    made -= 1.0
    return made


def lane(kernel: Kernel[..., R], *columns: NDArray[np.float64]) -> R:
    """A kernel over columns, plain or compiled by their length; the same bits."""
    if len(columns[0]) >= COMPILED_FROM:
        return kernel.jit(*(np.ascontiguousarray(column) for column in columns))
    plain: Callable[..., Any] = kernel.py
    made: R = plain(*(column.tolist() for column in columns))
    return made


def holed(values: NDArray[np.float64]) -> bool:
    """Whether any value is nan."""
    return bool(np.isnan(values.sum())) and bool(np.isnan(values).any())
