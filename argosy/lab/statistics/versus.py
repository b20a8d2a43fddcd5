"""A curve beside its benchmark: what moved with it, what was added, how it did in good and bad steps; a benchmark is always named."""

from __future__ import annotations

from math import exp, expm1, isfinite, isnan, log1p, sqrt

import msgspec
import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.kernels import stats as kernels
from argosy.lab.statistics import reasons as why
from argosy.lab.statistics.reasons import Figures
from argosy.lab.statistics.sample import Sample, a_year, lane, returns
from argosy.lab.verdict import daily

NAN = float("nan")


class Versus(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of a curve against a benchmark; `catalogue.FIGURES` defines each. Annual where a year has a say; nan undefined."""

    alpha: float = NAN
    beta: float = NAN
    correlation: float = NAN
    excess_return: float = NAN
    tracking_error: float = NAN
    information_ratio: float = NAN
    up_capture: float = NAN
    down_capture: float = NAN


class Pair(msgspec.Struct, frozen=True):
    """Returns of the same steps. ends: (N,) ns, when each was complete; own, benchmark: (N,) simple returns; ppy: steps a year."""

    ends: NDArray[np.int64]
    own: NDArray[np.float64]
    benchmark: NDArray[np.float64]
    ppy: float
    own_total: float
    benchmark_total: float


def pair(
    known: NDArray[np.int64], value: NDArray[np.float64], benchmark: NDArray[np.float64], *, steps: str = "days", ppy: float | None = None,
    fresh: NDArray[np.bool_] | None = None,
) -> Pair:  # fmt: skip
    """The steps on which both have a value. known: (T,) ns; value: (T,) with deposits taken out (`verdict.earned`); benchmark: (T,).

    fresh: (T,) whether the benchmark had a price of its own since the row before; None: always. A day without one is no step of
    either: the next one spans both, or a return of the run would stand beside nothing and be made up for on the day after.
    Rows before the benchmark's first value are left out, and so are steps after one of the two has nothing left. A nan
    further on stays, and what reads it is nan. Misuse("STATISTICS_SHAPE") for columns of different lengths.
    """
    if not len(known) == len(value) == len(benchmark):
        raise Misuse(
            "STATISTICS_SHAPE", f"known, value and benchmark have lengths {len(known)}, {len(value)}, {len(benchmark)}",
            fix="bring the benchmark to the run's times with `aligned`",
        )  # fmt: skip
    start = first(benchmark)
    known, value, benchmark = known[start:], value[start:], benchmark[start:]
    totals = [float(column[-1] / column[0] - 1.0) if len(column) > 1 and column[0] > 0.0 else NAN for column in (value, benchmark)]
    year = a_year(known, steps) if ppy is None else ppy
    if steps == "days":
        rows = daily(known)
        if len(rows) and (value[rows[0]] != value[0] or benchmark[rows[0]] != benchmark[0]):
            rows = np.concatenate((np.zeros(1, np.int64), rows))
        if fresh is not None and len(rows):
            counted = np.cumsum(fresh[start:])[rows]
            kept = rows[np.diff(counted, prepend=counted[0] - 1) > 0]
            year *= len(kept) / len(rows)
            rows = kept
        known, value, benchmark = known[rows], value[rows], benchmark[rows]
    own, other = returns(value), returns(benchmark)
    count = min(len(own), len(other))
    return Pair(known[1 : count + 1], own[:count], other[:count], year, *totals)


def together(own: Sample, beside: Sample) -> Pair:
    """The pair of two curves whose every row is a step, from the returns that they have: `beside` may begin later."""
    start = len(own.known) - len(beside.known)
    value = own.value[start:]
    totals = [float(column[-1] / column[0] - 1.0) if len(column) > 1 and column[0] > 0.0 else NAN for column in (value, beside.value)]
    mine = own.returns[start:]
    count = min(len(mine), len(beside.returns))
    return Pair(beside.ends[:count], mine[:count], beside.returns[:count], own.ppy, *totals)


def first(values: NDArray[np.float64]) -> int:
    """The row of the first value that is not nan; their number when there is none."""
    if len(values) and values[0] == values[0]:
        return 0
    seen = ~np.isnan(values)
    return int(np.argmax(seen)) if seen.any() else len(values)


def of_pair(one: Pair) -> tuple[Versus, dict[str, str]]:
    """The figures of a pair, and the reason of each that is not finite."""
    count, mean, mean_b, sxx, sxy, syy, saa, ups, up, up_b, downs, down, down_b = lane(kernels.versus, one.own, one.benchmark)
    holes = count > 0 and (mean != mean or mean_b != mean_b)
    made = Figures((count == 0, why.APART), (holes, why.HOLES), (count < 2, why.FEW))
    ppy = one.ppy
    year = (not ppy > 0.0, why.YEARLESS)
    root = sqrt(ppy) if ppy > 0.0 else NAN
    own = sqrt(sxx / (count - 1)) if count > 1 else NAN
    other = sqrt(syy / (count - 1)) if count > 1 else NAN
    moves, swings = own > 1e-12 * abs(mean), other > 1e-12 * abs(mean_b)
    flat = (not swings, why.FLAT)
    beta = sxy / syy if swings else NAN
    made.add("alpha", _annual(mean - beta * mean_b, ppy), flat, year)
    made.add("beta", beta, flat)
    within = max(-1.0, min(1.0, sxy / (sqrt(sxx) * sqrt(syy)))) if moves and swings else NAN
    made.add("correlation", within, flat, (not moves, why.STILL))
    made.add("excess_return", one.own_total - one.benchmark_total, (True, why.START))
    active = sqrt(saa / (count - 1)) if count > 1 else NAN
    made.add("tracking_error", active * root, year)
    parts = active > 1e-12 * (abs(mean) + abs(mean_b))
    made.add("information_ratio", (mean - mean_b) / active * root if parts else NAN, year, (not parts, why.SAME))
    made.add("up_capture", _captured(up, up_b, ups, ppy), (ups == 0, why.NO_RISE), year)
    made.add("down_capture", _captured(down, down_b, downs, ppy), (downs == 0, why.NO_DROP), year)
    return Versus(**made.values), made.reasons


def _annual(a_step: float, ppy: float) -> float:
    """A return a step compounded over a year; -1 at or below a loss of everything, nan beyond float64."""
    if not (isfinite(a_step) and ppy > 0.0):
        return NAN
    power = ppy * log1p(a_step) if a_step > -1.0 else -float("inf")
    return expm1(power) if power < 709.0 else float("inf")


def _captured(own: float, other: float, count: int, ppy: float) -> float:
    """Growth a year over the benchmark's growth a year, of logs over `count` steps."""
    if not count or not ppy > 0.0 or isnan(own) or isnan(other):
        return NAN
    over, under = own * (ppy / count), other * (ppy / count)
    if max(over, under) >= 709.0:
        return exp(over - under) if over - under < 709.0 else float("inf")
    return expm1(over) / expm1(under) if expm1(under) else NAN


def aligned(known: NDArray[np.int64], times: NDArray[np.int64], prices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Another series at the times of a run, the last price known by each, (T,); nan before its first.

    times: (M,) ns ascending, when each price was known; prices: (M,), adjusted for splits (`figures.unsplit`)
    """
    if not len(times):
        return np.full(len(known), NAN)
    good = ~np.isnan(prices)
    times, prices = np.asarray(times)[good], np.asarray(prices, np.float64)[good]
    place = np.searchsorted(times, known, side="right") - 1
    return np.where(place >= 0, prices[np.maximum(place, 0)], NAN) if len(times) else np.full(len(known), NAN)
