"""Plain facts that a result needs beside it: enough trades, the yardstick of holding, and prices that can be believed."""

from __future__ import annotations

from typing import Any

import numpy as np

from argosy.data.quality import inspect
from argosy.kernels.overfit import moments, normal_cdf
from argosy.lab.passport.check import Check, Status, check, grade
from argosy.lab.passport.subject import Subject
from argosy.lab.verdict import daily
from argosy.lab.words import number, percent

TRADES, FEW_TRADES = 30, 10


def trades(subject: Subject) -> Check:
    """Closed round trips; where a position is changed and never left, half of its fills."""
    stats = subject.result.stats
    closed, fills = int(stats.get("trades", 0)), subject.result.fills.height
    failed = subject.result.failures
    numbers = {"trades": closed, "fills": fills} | {name: stats.get(name) for name in ("win_rate", "profit_factor", "exposure")}
    title, bar = "Enough trades", f"at least {TRADES} closed, or as many fills twice over"
    why = "with fewer than thirty trips the error of their mean is as large as most edges"
    if failed:
        return check("trades", title, "fail", f"It stopped with an error: {failed[0].error}.", numbers, bar, why)
    counted = max(closed, fills // 2)
    said = f"{closed:,} trips were closed, {percent(stats.get('win_rate'), 0)} of them won."
    if closed < counted:
        said = f"{closed:,} trips were closed, and {fills:,} fills were made: as much as {counted:,} trips."
    if counted < FEW_TRADES:
        said = "It never traded." if not fills else f"{said[:-1]}: that is a bet, not a test."
    return check("trades", title, grade(float(counted), TRADES, FEW_TRADES), said, numbers, bar, why)


def benchmark(subject: Subject) -> Check:
    """Against buying and holding the same instruments: more for the risk taken, and how sure that is."""
    result = subject.result
    own, held = result.stats, result.benchmark_stats
    rows = daily(result.known)
    theirs = result.benchmark[rows]
    if len(rows) and rows[0] != 0:
        theirs = np.concatenate((result.benchmark[:1], theirs))
    theirs = np.diff(theirs) / theirs[:-1] if len(theirs) > 1 else np.zeros(0)
    n = min(len(theirs), len(subject.returns))
    excess = moments(subject.returns[:n] - theirs[:n])
    mine, other = subject.sharpe, moments(theirs).sharpe * subject.ppy**0.5
    numbers = {
        "gain": own.get("total_return"), "gain_holding": held.get("total_return"), "sharpe": mine, "sharpe_holding": other,
        "fall": own.get("max_drawdown"), "fall_holding": held.get("max_drawdown"), "information_ratio": excess.sharpe * subject.ppy**0.5,
        "chance_better": normal_cdf(excess.sharpe * excess.rows**0.5) if excess.sharpe == excess.sharpe else float("nan"),
    }  # fmt: skip
    said = (
        f"It gained {percent(own.get('total_return'), signed=True)} with a Sharpe of {number(mine)}; holding the same gained "
        f"{percent(held.get('total_return'), signed=True)} with {number(other)}."
    )
    better = mine > other if other == other else mine > 0.0
    status: Status = "pass" if better else "warn"
    why = "what can be had by doing nothing is no skill; less gain for much less risk is"
    return check("benchmark", "Against holding", status, said, numbers, "a higher Sharpe ratio than holding", why)


def quality(subject: Subject) -> Check:
    """What is odd about the prices."""
    title, bar, why = "The prices", "no impossible rows, hardly any gaps, no split that nobody told of", "a result is not better than its prices"
    found: dict[str, Any] = {}
    worst: Status = "pass"
    said: list[str] = []
    rows = 0
    told = sum(type(event).__name__ == "Split" for event in subject.data[2])
    for tape in subject.data[1]:
        for entry in inspect(tape, subject.data[0]).entries:
            rows += entry.rows
            marks = {
                name: getattr(entry, name)
                for name in ("missing", "duplicates", "nan", "non_positive", "bad_range", "zero_volume", "outliers", "splits")
                if getattr(entry, name)
            }
            if not marks:
                continue
            found[entry.symbol] = marks
            if not entry.clean:
                worst = "fail"
                said.append(f"{entry.symbol} has impossible rows")
            elif entry.missing > 0.02 * entry.rows or entry.zero_volume > 0.05 * entry.rows or entry.outliers or entry.splits > told:
                worst = "warn" if worst == "pass" else worst
                odd = [f"{count:,} {name.replace('_', ' ')}" for name, count in marks.items()]
                said.append(f"{entry.symbol} has {', '.join(odd)}")
    text = f"{rows:,} rows were looked through and nothing odd was found." if not said else f"Of {rows:,} rows: {'; '.join(said[:4])}."
    return check("prices", title, worst, text, {"rows": rows, "found": found}, bar, why)
