"""All figures of one equity curve, the same for a strategy and for what it is compared with; none without its definition."""

from __future__ import annotations

from math import sqrt

import msgspec
import numpy as np
from numpy.typing import NDArray

from argosy.core.time import DAY
from argosy.kernels import stats as kernels
from argosy.lab.statistics import reasons as why
from argosy.lab.statistics.reasons import Figures
from argosy.lab.statistics.risk import Tails, cornish_fisher, error, error_iid, gaussian, probability
from argosy.lab.statistics.sample import Sample, holed, lane
from argosy.lab.verdict import MONTH, YEAR, a_year, calmar

NAN = float("nan")


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of a curve; `catalogue.FIGURES` defines each. Fractions, not percent; losses, falls and VaR positive; nan undefined."""

    total_return: float = NAN
    cagr: float = NAN
    volatility: float = NAN
    sharpe: float = NAN
    sharpe_error: float = NAN
    sharpe_error_iid: float = NAN
    sharpe_above_0: float = NAN
    sortino: float = NAN
    calmar: float = NAN
    omega: float = NAN
    max_drawdown: float = NAN
    max_drawdown_days: float = NAN
    underwater_days: float = NAN
    average_drawdown: float = NAN
    ulcer: float = NAN
    var: float = NAN
    cvar: float = NAN
    var_gaussian: float = NAN
    cvar_gaussian: float = NAN
    var_cornish_fisher: float = NAN
    cvar_cornish_fisher: float = NAN
    skew: float = NAN
    kurtosis: float = NAN
    tail_ratio: float = NAN
    best_step: float = NAN
    worst_step: float = NAN
    gaining_steps: float = NAN


def of_sample(one: Sample, tail: float = 0.05) -> tuple[Curve, dict[str, str]]:
    """The figures of a sampled curve, and the reason of each that is not finite. tail: the level of VaR and the tails."""
    value = one.value
    never = not len(value)
    holes = never or holed(value)
    made = Figures((never, why.EMPTY), (holes, why.HOLES), (not never and not value[0] > 0.0, why.START))
    _growth(made, one, holes)
    _steps(made, one, tail, holes)
    return Curve(**made.values), made.reasons


def _growth(made: Figures, one: Sample, holes: bool) -> None:
    """What sees every row: growth and falls."""
    known, value = one.known, one.value
    ends: NDArray[np.float64] = value[[0, -1]] if len(value) > 1 else value[:0]
    years = float(known[-1] - known[0]) / YEAR if len(known) > 1 else 0.0
    short = (len(value) == 1, "there is one row")
    made.add("total_return", kernels.total_return.py(ends.tolist()), short)
    growth = a_year(ends.tolist(), known)
    made.add("cagr", growth, short, (years < MONTH, why.BRIEF))
    blank = (NAN, 0, 0, -1, 0, 0, NAN, NAN)
    depth, peak, _, back, start, end, squares, total = lane(kernels.water, value) if len(value) and not holes else blank
    back = back if back >= 0 else len(known) - 1
    made.add("max_drawdown", depth)
    days = (float(known[back] - known[peak]) / DAY if depth > 0.0 else 0.0) if depth == depth else NAN
    made.add("max_drawdown_days", days)
    made.add("underwater_days", float(known[end] - known[start]) / DAY if depth == depth else NAN)
    count = len(value) - 1
    made.add("average_drawdown", total / count if count > 0 else NAN, short)
    made.add("ulcer", sqrt(squares / count) if count > 0 and squares == squares else NAN, short)
    made.add("calmar", calmar(growth, depth), short, (years < MONTH, why.BRIEF), (not depth > 0.0, why.NO_FALL))


def _steps(made: Figures, one: Sample, tail: float, holes: bool) -> None:
    """What sees the returns of equal steps: risk, ratios and tails."""
    returns, ppy = one.returns, one.ppy
    if holes or (len(one.value) and not one.value[0] > 0.0):
        returns = returns[:0]
    count, mean, m2, m3, m4, below, gains, losses, ups, _, best, worst = lane(kernels.spread, returns)
    few, still = (count < 2, why.FEW), (True, why.STILL)
    year = (not ppy > 0.0, why.YEARLESS)
    root = sqrt(ppy) if ppy > 0.0 else NAN
    deviation = sqrt(m2 / (count - 1)) if count > 1 else NAN
    moves = deviation > 1e-12 * abs(mean)
    ratio = mean / deviation if moves else NAN
    variance = m2 / count if count > 0 else NAN
    skew = m3 / count / (variance * sqrt(variance)) if moves else NAN
    kurtosis = m4 / count / (variance * variance) - 3.0 if moves else NAN
    made.add("volatility", deviation * root, few, year)
    made.add("sharpe", ratio * root, few, year, still)
    sure = error(ratio, count, skew, kurtosis)
    made.add("sharpe_error", sure * root, few, year, still)
    made.add("sharpe_error_iid", error_iid(ratio, count) * root, few, year, still)
    made.add("sharpe_above_0", probability(ratio, sure), few, still)
    down = sqrt(below / count) if count > 0 else NAN
    made.add("sortino", mean / down * root if down > 1e-12 * abs(mean) and count > 1 else NAN, few, year, (True, why.NO_LOSS))
    made.add("omega", gains / losses if losses > 0.0 and count > 1 else NAN, few, (True, why.NO_LOSS))
    ends = Tails(returns if count > 1 and mean == mean else returns[:0], tail)
    made.add("var", -ends.lower, few)
    made.add("cvar", -ends.mean, few)
    made.add("tail_ratio", abs(ends.upper / ends.lower) if ends.lower else NAN, few, (ends.lower == 0.0, why.NO_TAIL))
    normal = gaussian(mean, deviation, tail) if count > 1 else (NAN, NAN)
    bent = cornish_fisher(mean, deviation, skew, kurtosis, tail) if moves else (NAN, NAN)
    for name, (quantile, beyond), cause in (("gaussian", normal, why.HUGE), ("cornish_fisher", bent, why.BENT)):
        made.add(f"var_{name}", -quantile, few, (not moves, why.STILL), (True, cause))
        made.add(f"cvar_{name}", -beyond, few, (not moves, why.STILL), (True, cause))
    made.add("skew", skew, few, still)
    made.add("kurtosis", kurtosis, few, still)
    made.add("best_step", best, few)
    made.add("worst_step", worst, few)
    made.add("gaining_steps", ups / count if count > 0 else NAN, few)
