"""Statistics of a million steps of equity beside a benchmark, all figures at once; a time counts only where peers say the same."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argosy.core.money import per_one
from argosy.core.time import MINUTE, parse
from argosy.lab.result import Result
from argosy.lab.statistics import Statistics, rolling, statistics
from argosy.lab.verdict import conclude
from bench.clock import seconds, typical
from bench.figure import Figure, figure

Column = NDArray[np.float64]
SAME = 1e-9


def run(rows: int) -> Result:
    """A run of minutes whose returns have fat tails, beside what it is compared with; no trades."""
    rng = np.random.default_rng(20)
    other = rng.standard_t(4, rows) * 1e-4
    own = 0.5 * other + rng.standard_t(5, rows) * 1e-4
    known = parse("2015-01-01") + np.arange(rows) * MINUTE
    equity = np.rint(1e5 * np.cumprod(1.0 + own) * per_one("USD")).astype(np.int64)
    return conclude(
        name="million", strategies=[], symbols=[], currency="USD", cash=int(equity[0]), known=known, equity=equity,
        benchmark=np.asarray(1e5 * np.cumprod(1.0 + other), np.float64), fills={},
    )  # fmt: skip


def returns(curve: Column) -> Column:
    """Simple returns, (N,)."""
    made: Column = curve[1:] / curve[:-1] - 1.0
    return made


def peer() -> Any | None:
    """empyrical, when it is installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return import_module("empyrical")
    except ImportError:
        return None


def theirs(emp: Any, own: Column, other: Column, ppy: float) -> dict[str, float]:
    """The figures that both have, in our conventions: losses positive, ratios of a year."""
    root = math.sqrt(ppy)
    more = {"annualization": ppy}
    return {
        "curve.total_return": emp.cum_returns_final(own), "curve.volatility": emp.annual_volatility(own, **more),
        "curve.sharpe": emp.sharpe_ratio(own, **more), "curve.sortino": emp.sortino_ratio(own, **more), "curve.omega": emp.omega_ratio(own),
        "curve.max_drawdown": -emp.max_drawdown(own), "curve.var": -emp.value_at_risk(own), "curve.cvar": -emp.conditional_value_at_risk(own),
        "curve.tail_ratio": emp.tail_ratio(own), "versus.beta": emp.beta(own, other), "versus.alpha": emp.alpha(own, other, **more),
        "versus.information_ratio": emp.excess_sharpe(own, other) * root, "versus.tracking_error": emp.annual_volatility(own - other, **more),
    }  # fmt: skip


def differs(made: Statistics, wanted: dict[str, float]) -> str:
    """Which figure is not the peer's, "" when all are."""
    mine = made.flat()
    for name, want in wanted.items():
        if not abs(mine[name] - want) <= SAME * max(abs(want), 1e-6):
            return f"{name} is {mine[name]!r}, empyrical's {want!r}"
    return ""


def figures(quick: bool) -> Iterator[Figure]:
    """Every row a step, days as steps, and rolling figures."""
    rows = 100_000 if quick else 1_000_000
    one = run(rows)
    emp = peer()
    own, other = returns(one.value), returns(one.benchmark)
    made = statistics(one, steps="rows")
    fault, slow, note = "", None, f"{len(made.flat())} figures of {rows:,} steps, curve, benchmark, both and trades"
    if emp is not None:
        ask: Callable[[], dict[str, float]] = lambda: theirs(emp, own, other, made.ppy)  # noqa: E731  (named for its type)
        fault, slow = differs(made, ask()), seconds(ask) * 1e3
        note += "; its 13 equal to 1e-9"
    took = typical(lambda: statistics(one, steps="rows"), 5 if quick else 15) * 1e3
    ratio = slow / took if slow else None
    yield figure("statistics.million", took, wrong=fault, note=note, peer="empyrical, 13" if emp else "", peer_value=slow, ratio=ratio)
    days = statistics(one)
    fault = "" if math.isclose(days.curve.sharpe, one.stats["sharpe"], rel_tol=1e-9) else "the verdict has another Sharpe ratio"
    took = typical(lambda: statistics(one), 5 if quick else 15) * 1e3
    yield figure("statistics.days", took, wrong=fault, note=f"{days.count:,} days of {rows:,} minutes; drawdowns see every row")
    window = 390
    table = rolling(one, window, steps="rows")
    last = own[-window:]
    want = float(last.mean() / last.std(ddof=1) * math.sqrt(made.ppy))
    fault = "" if math.isclose(float(table["sharpe"][-1]), want, rel_tol=1e-7) else f"the last Sharpe ratio is {table['sharpe'][-1]}, not {want}"
    took = typical(lambda: rolling(one, window, steps="rows"), 3 if quick else 7) * 1e3
    yield figure("statistics.rolling", took, wrong=fault, note=f"volatility, Sharpe, beta, correlation of windows of {window}, {rows:,} rows")
