"""A comparison of runs: their figures on the same days, the best of each, how they move together, and what may be recommended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.time import DAY, iso
from argosy.lab.compare.advice import Advice, advise
from argosy.lab.compare.days import Days, common
from argosy.lab.compare.gap import Gap, gaps, ratio
from argosy.lab.compare.tested import Tested
from argosy.lab.result import Result
from argosy.lab.statistics import FIGURES, Statistics, statistics
from argosy.lab.statistics.catalogue import better

SHOWN = (
    "curve.total_return", "curve.cagr", "curve.volatility", "curve.sharpe", "curve.sharpe_error", "curve.sharpe_above_0", "curve.sortino",
    "curve.calmar", "curve.omega", "curve.max_drawdown", "curve.max_drawdown_days", "curve.ulcer", "curve.var", "curve.cvar", "curve.skew",
    "curve.worst_step", "versus.alpha", "versus.beta", "versus.correlation", "versus.information_ratio", "deals.trades", "deals.win_rate",
    "deals.profit_factor", "deals.average_frac", "deals.held_days", "deals.exposure", "deals.turnover", "deals.fees", "deals.drag",
)  # fmt: skip
"""Figures side by side; `catalogue.better` says which way is."""


class Row(NamedTuple):
    """One figure of all runs. values: in their order, nan where there is none; best: the places of the best, none where no one can be."""

    figure: str
    better: int
    values: list[float]
    best: list[int]


class Comparison(msgspec.Struct, kw_only=True):
    """Runs side by side.

    names: of the runs, all different; results: as they were saved; days: what they share; cut: whether a run was longer than that, so
    that its figures here are of the common time only; rows: `SHOWN`; correlation: (K, K) of daily returns, nan where a run never moved
    gaps: of each pair; tested: by name; advice; notes: what to know of the files
    """

    names: tuple[str, ...]
    results: list[Result]
    days: Days
    cut: bool
    statistics: list[Statistics]
    rows: list[Row]
    correlation: NDArray[np.float64]
    gaps: list[Gap]
    tested: dict[str, Tested]
    advice: Advice
    notes: list[str] = []

    def plain(self) -> dict[str, Any]:
        """JSON values; null where a figure has none."""
        return {
            "runs": list(self.names),
            "start": iso(int(self.days.known[0]))[:10], "end": iso(int(self.days.known[-1]))[:10], "days": len(self.days.returns),
            "cut_to_common_days": self.cut,
            "figures": [
                {
                    "figure": row.figure, "unit": _unit(row.figure), "better": {1: "more", -1: "less", 0: "neither"}[row.better],
                    "values": {name: _finite(value) for name, value in zip(self.names, row.values, strict=True)},
                    "best": [self.names[k] for k in row.best],
                }
                for row in self.rows
            ],
            "correlation": {a: {b: _finite(float(self.correlation[i, j])) for j, b in enumerate(self.names)} for i, a in enumerate(self.names)},
            "sharpe_differences": [
                {name: _finite(value) if isinstance(value, float) else value for name, value in msgspec.structs.asdict(one).items()}
                | {"tests": ["Jobson-Korkie-Memmel", "paired stationary bootstrap"], "more_than_chance": one.sure}
                for one in self.gaps
            ],
            "tested": {
                name: {"verdict": one.verdict, "said": one.said, "file": one.file, "reasons": one.passport.get("reasons", [])}
                for name, one in self.tested.items()
            },
            "recommended": self.advice.recommended,
            "advice": self.advice.sentences,
            "notes": self.notes,
        }  # fmt: skip


def compare(
    results: Sequence[Result], *, names: Sequence[str] = (), tested: Mapping[str, Tested] | None = None, notes: Sequence[str] = ()
) -> Comparison:
    """Compare saved runs on the days that all of them have.

    names: of the runs, their own if left out, numbered where two are the same; tested: by name (`tested.gather`), "not tested" where missing
    Misuse: COMPARE_RUNS (fewer than two), COMPARE_NAMES, COMPARE_CURRENCY, COMPARE_APART (fewer than three common days).
    """
    if len(results) < 2:
        raise Misuse("COMPARE_RUNS", "a comparison needs at least two runs", where="RUN", fix="argosy compare runs/a runs/b")
    called = tuple(names) if names else unique([result.name for result in results])
    if len(called) != len(results) or len(set(called)) != len(called):
        raise Misuse("COMPARE_NAMES", f"{len(results)} runs are called {', '.join(called)}", fix="give each run a name of its own")
    currencies = sorted({result.currency for result in results})
    if len(currencies) > 1:
        raise Misuse("COMPARE_CURRENCY", f"the runs count in {', '.join(currencies)}", fix="compare runs in one currency")
    days = common(results)
    start, end = int(days.known[0]) // DAY * DAY, int(days.known[-1]) // DAY * DAY + DAY
    cut = any(int(result.known[0]) < start or int(result.known[-1]) >= end for result in results)
    stats = [statistics(between(result, start, end)) for result in results]
    rows = [_row(figure, better(figure.partition(".")[2]), [one.flat()[figure] for one in stats]) for figure in SHOWN]
    found = gaps(called, days.returns, days.ppy)
    known = {name: (tested or {}).get(name, Tested()) for name in called}
    sharpes = {name: ratio(days.returns[:, k]) * days.ppy**0.5 for k, name in enumerate(called)}
    stopped = [name for name, result in zip(called, results, strict=True) if result.failures]
    return Comparison(
        names=called, results=list(results), days=days, cut=cut, statistics=stats, rows=rows, correlation=correlation(days.returns), gaps=found,
        tested=known, advice=advise(sharpes, known, found, stopped), notes=list(notes),
    )  # fmt: skip


def unique(names: Sequence[str]) -> tuple[str, ...]:
    """The same names, those that come again with a number: a, a 2, a 3."""
    seen: dict[str, int] = {}
    out: list[str] = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        while (made := name if seen[name] == 1 else f"{name} {seen[name]}") in out:
            seen[name] += 1
        out.append(made)
    return tuple(out)


def between(result: Result, start: int, end: int) -> Result:
    """A run from `start` on and before `end` (ns): its rows, fills and flows there, and the trades entered there."""
    inside = (result.known >= start) & (result.known < end)
    if bool(inside.all()):
        return result
    return msgspec.structs.replace(
        result, known=result.known[inside], equity=result.equity[inside], benchmark=result.benchmark[inside],
        fills=result.fills.filter((pl.col("known") >= start) & (pl.col("known") < end)),
        trades=result.trades.filter((pl.col("entered") >= start) & (pl.col("entered") < end)),
        flows=tuple(flow for flow in result.flows if start < flow.known < end),
        yardstick=None if (one := result.yardstick) is None else msgspec.structs.replace(
            one, value=one.value[inside], fresh=None if one.fresh is None else one.fresh[inside]
        ),
    )  # fmt: skip


def correlation(returns: NDArray[np.float64]) -> NDArray[np.float64]:
    """(K, K) of the columns; nan in the row and column of one that does not move."""
    off = returns - returns.mean(axis=0)
    size = np.sqrt((off * off).sum(axis=0))
    size = np.where(size > 1e-15 * max(1, len(returns)), size, np.nan)
    made: NDArray[np.float64] = np.clip(off.T @ off / np.outer(size, size), -1.0, 1.0)
    return made


def _row(figure: str, better: int, values: list[float]) -> Row:
    known = [value * better for value in values if value == value]
    best = [k for k, value in enumerate(values) if better and value == value and value * better == max(known)] if len(known) > 1 else []
    return Row(figure, better, values, best if len(best) < len(known) else [])


def _unit(figure: str) -> str:
    group, name = figure.split(".")
    return FIGURES[group][name].unit


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
