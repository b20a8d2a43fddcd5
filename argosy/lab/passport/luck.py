"""How much of the result luck explains: trials counted, deflated Sharpe, length of the record, overfitting by choosing."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Broken
from argosy.kernels.overfit import (
    backtest_years,
    clusters,
    cscv,
    deflated_sharpe,
    effective_trials,
    expected_maximum,
    probabilistic_sharpe,
    standard_error,
    track_record,
)
from argosy.lab import trials as ledger
from argosy.lab.looks import code_key, looks
from argosy.lab.passport.check import Check, check, grade
from argosy.lab.passport.subject import Subject
from argosy.lab.trials import Tried
from argosy.lab.words import number, percent

DSR_BAR, DSR_POOR = 0.95, 0.90
PBO_BAR, PBO_POOR = 0.10, 0.30
LOSS_BAR, LOSS_POOR = 0.05, 0.25
BLOCKS = 16


def counted(subject: Subject, folder: Path | str | None, tried: NDArray[np.float64]) -> tuple[Check, Tried]:
    """How often these prices were tried, and whether the ledger that says so is whole.

    tried: (D, C) returns of the choices of this passport's own grid, to fall back on without a ledger
    """
    title, bar = "Trials counted", "a ledger from which nothing is missing"
    why = "the best of many looks good by chance, so nothing can be said without knowing how many there were"
    if folder is None:
        ratios = ratios_of(tried)
        own = Tried(max(1, len(ratios)), 1, len(ratios), _mean(ratios), _variance(ratios), {})
        said = "No ledger was kept, so only the trials of this passport are counted; whatever was tried before is unknown."
        return check("trials", title, "warn", said, {"trials": own.trials, "ledger": None}, bar, why), own
    whole = ledger.inspect(folder)
    numbers: dict[str, Any] = {"ledger": whole.place, "lines": whole.lines, "in_ledger": whole.trials, "witnessed": whole.witnessed}
    try:
        seen = looks([subject.data[0][i] for i in subject.own], subject.data[1])
        found = ledger.tried(seen, folder, code_key(subject.cls))
    except Broken as error:
        nothing = Tried(max(1, tried.shape[1]), 0, 0, 0.0, 0.0, {})
        return check("trials", title, "fail", f"The ledger of trials cannot be read: {error.where}.", numbers, bar, why), nothing
    numbers |= {"trials": found.trials, "runs": found.runs, "elsewhere": found.elsewhere, "beside": found.beside, "others": found.others}
    numbers |= {"strategies": dict(sorted(found.strategies.items(), key=lambda item: -item[1])[:8])}
    if whole.faults:
        what = "; ".join(whole.faults[:3])
        said = f"The ledger of trials was tampered with or lost: {what}. Nobody can say how often these prices were tried."
        return check("trials", title, "fail", said, numbers | {"faults": list(whole.faults[:10])}, bar, why), found
    times = "once" if found.trials == 1 else f"{found.trials:,} times"
    said = f"These prices were tried {times} in {found.runs:,} run{'' if found.runs == 1 else 's'}; nothing is missing from the ledger."
    if not whole.witnessed:
        said = f"These prices were tried {times}, says a ledger that this machine did not see being written."
    if found.beside:
        said += f" The same strategy was tried {_times(found.beside)} on {_others(found.others)}, which counts as choosing among them."
    if found.elsewhere:
        said += f" Of all these, {found.elsewhere:,} {'is' if found.elsewhere == 1 else 'are'} known from other ledgers of the same owner alone."
    return check("trials", title, "pass" if whole.witnessed else "warn", said, numbers, bar, why), found


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _others(count: int) -> str:
    return "another instrument" if count == 1 else f"{count:,} other instruments"


def _trials(tried: Tried) -> str:
    """How many trials, and how many of them on other instruments."""
    said = "1 trial" if tried.looks == 1 else f"{tried.looks:,} trials"
    return said + (f" ({tried.beside:,} of them on {_others(tried.others)})" if tried.beside else "")


def ratios_of(returns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sharpe ratio of a day of each column that varies."""
    if returns.shape[0] < 2 or not returns.shape[1]:
        return np.zeros(0)
    deviation = returns.std(axis=0, ddof=1)
    fine = deviation > 0.0
    return np.asarray(returns[:, fine].mean(axis=0) / deviation[fine])


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else 0.0


def _variance(values: NDArray[np.float64]) -> float:
    return float(values.var(ddof=1)) if len(values) > 1 else 0.0


def deflated(subject: Subject, tried: Tried, choices: NDArray[np.float64]) -> Check:
    """Deflated Sharpe ratio: whether the result is above what the best of so many would show without any skill.

    Trials of the same strategy on other instruments count among them, as independent ones: showing the best of many is choosing.
    What luck would show is the larger of two: the paper's, from all distinct trials and the spread of their ratios; and that of as many
    independent trials as they amount to, spread as chance spreads a ratio over so many days. Trials that are alike share their luck: on
    one path all of them may shine, with hardly any spread, and the first alone would take that for skill.
    """
    m, year = subject.moments, sqrt(subject.ppy)
    alike = float(tried.looks)
    if choices.shape[1] > 1 and choices.shape[0] > 1:
        alike = max(1.0, effective_trials(choices)) + max(0, tried.looks - choices.shape[1])
    spread = expected_maximum(tried.looks, sqrt(tried.variance))
    chance_alone = expected_maximum(alike, sqrt(1.0 / (m.rows - 1))) if m.rows > 1 else float("nan")
    luck = max(spread, chance_alone)
    dsr = probabilistic_sharpe(m.sharpe, m.rows, m.skew, m.kurt, luck)
    numbers: dict[str, Any] = {
        "deflated_sharpe": dsr, "deflated_by_spread": deflated_sharpe(m.sharpe, m.rows, m.skew, m.kurt, tried.looks, tried.variance),
        "effective_trials": alike, "probabilistic_sharpe": probabilistic_sharpe(m.sharpe, m.rows, m.skew, m.kurt), "sharpe": m.sharpe * year,
        "standard_error": standard_error(m.sharpe, m.rows, m.skew, m.kurt) * year, "best_of_luck": luck * year, "trials": tried.looks,
        "beside": tried.beside,
        "variance": tried.variance * subject.ppy, "skew": m.skew, "kurt": m.kurt, "days": m.rows,
    }  # fmt: skip
    if choices.shape[1] > 1 and choices.shape[0] > 1:
        numbers["clusters"] = clusters(choices)
    if not isfinite(dsr):
        said = "There is no Sharpe ratio to judge: it never traded, or its worth never changed."
    elif tried.looks == 1:
        said = f"Tried once, Sharpe {number(m.sharpe * year)} a year: the chance that it is real is {chance(dsr)}."
    else:
        said = (
            f"After {_trials(tried)} luck alone would show a best Sharpe of {number(luck * year)}; this one has {number(m.sharpe * year)}: "
            f"the chance that it is more than luck is {chance(dsr)}."
        )
    why = "Bailey and Lopez de Prado (2014): the Sharpe ratio less what the best of N would show by chance, with fat tails; 95 % is their own bar"
    return check("deflated_sharpe", "Deflated Sharpe ratio", grade(dsr, DSR_BAR, DSR_POOR), said, numbers, f"at least {DSR_BAR:.0%}", why)


def chance(frac: float) -> str:
    """A probability in words; none is ever certain."""
    return "above 99.9\u00a0%" if frac > 0.999 else "below 0.1\u00a0%" if frac < 0.001 else percent(frac)


def length(subject: Subject, tried: Tried) -> Check:
    """Whether the record is long enough for its own Sharpe ratio, and for so many trials."""
    m = subject.moments
    least = track_record(m.sharpe, m.skew, m.kurt)
    years = backtest_years(tried.looks, subject.sharpe)
    need = max(least / subject.ppy, years) if least == least and years == years else float("nan")
    numbers = {"days": m.rows, "years": subject.years, "least_days": least, "least_years": least / subject.ppy, "least_years_for_trials": years}
    title = "Length of the record"
    bar, why = "no shorter than both least lengths", (
        "least track record (Bailey and Lopez de Prado 2012): days until a Sharpe above 0 is 95 % sure; least backtest (2014): years below "
        "which the best of so many trials is expected to show such a Sharpe without any skill"
    )  # fmt: skip
    if need != need:
        return check("length", title, "fail", "There is no Sharpe ratio whose record could be long enough.", numbers, bar, why)
    if not isfinite(need):
        return check("length", title, "fail", "It did not earn; no record is long enough to say that it does.", numbers, bar, why)
    enough = subject.years >= need
    least_said, trials_said = "less than 0.1" if need < 0.1 else number(need, 1), _trials(tried)
    said = f"{number(subject.years, 1)} years of days; {least_said} are needed for this Sharpe after {trials_said}."
    return check("length", title, "pass" if enough else "warn" if subject.years >= need / 2 else "fail", said, numbers, bar, why)


def overfit(choices: NDArray[np.float64], tried: Tried, year: float) -> Check:
    """Probability of backtest overfitting by CSCV over the choices of the grid."""
    title, bar = "Overfitting by choosing", f"at most {PBO_BAR:.0%}, or at most {LOSS_BAR:.0%} of the chosen lose"
    why = (
        "Bailey, Borwein, Lopez de Prado and Zhu (2015): 12,870 times the best of one half of the days is followed into the other half. It is "
        "below the middle there in half of them when choosing finds nothing; where every choice earns, it does not matter which is chosen"
    )
    rows, count = choices.shape
    blocks = next((size for size in (BLOCKS, 10, 8, 6) if rows >= 4 * size), 0)
    if count < 2 or not blocks:
        if tried.trials <= 1:
            return check("overfit", title, "none", "Nothing was chosen: it was tried with one set of parameters.", {"choices": count}, bar, why)
        said = "Something was chosen, and by what is not known: give the grid that was searched, and it is asked."
        if count >= 2:
            said = f"{rows} days are too few to be cut into blocks."
        return check("overfit", title, "warn", said, {"choices": count, "days": rows}, bar, why)
    found = cscv(choices, blocks)
    counts, edges = np.histogram(found.logits, bins=24)
    numbers = {
        "pbo": found.pbo, "loss": found.loss, "slope": found.slope, "inside": found.inside * year, "outside": found.outside * year,
        "splits": found.splits, "blocks": found.blocks, "choices": found.trials, "logits": counts.tolist(), "edges": edges.tolist(),
    }  # fmt: skip
    status = grade(found.pbo, PBO_BAR, PBO_POOR)
    if found.loss <= LOSS_BAR:
        status = "pass"
    elif found.loss >= 0.5:
        status = "fail"
    elif status == "fail" and found.loss <= LOSS_POOR:
        status = "warn"
    said = (
        f"The best of {found.trials:,} choices on half of the days was below the middle on the other half in {percent(found.pbo, 0)} of "
        f"{found.splits:,} splits, and lost money there in {percent(found.loss, 0)}; its Sharpe went from {number(found.inside * year)} to "
        f"{number(found.outside * year)}."
    )
    return check("overfit", title, status, said, numbers, bar, why)


def best(choices: list[dict[str, Any]], returns: NDArray[np.float64]) -> Mapping[str, Any]:
    """The choice with the highest Sharpe ratio; {} without any."""
    if not choices:
        return {}
    deviation = returns.std(axis=0, ddof=1) if returns.shape[0] > 1 else np.zeros(returns.shape[1])
    ratios = np.divide(returns.mean(axis=0), deviation, out=np.full(returns.shape[1], -np.inf), where=deviation > 0.0)
    return choices[int(np.argmax(ratios))]
