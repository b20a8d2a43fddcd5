"""Whether the result hangs on one set of parameters, and whether both ways through the past give it; it chooses nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from argosy.core.errors import Misuse
from argosy.core.strategy import declare
from argosy.house import Wanted
from argosy.kernels.overfit import moments
from argosy.lab.backtest import run
from argosy.lab.passport.check import Check, Status, check
from argosy.lab.passport.subject import Subject, ratio_of, tried
from argosy.lab.sweep import sweep
from argosy.lab.words import number

STEP = 0.1
"""How far a neighbour is, as a fraction of the parameter, where no grid says it."""
KEPT, POSITIVE = 0.5, 0.75


def neighbours(subject: Subject, grid: Mapping[str, Any]) -> dict[str, list[Any]]:
    """By numeric parameter: its nearest values below and above, on the grid where it has one, else a tenth away; within its bounds."""
    own: dict[str, Any] = {name: getattr(subject.declaration.params, name) for name in subject.declaration.params.__struct_fields__}
    out: dict[str, list[Any]] = {}
    for name, value in own.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or (not value and name not in grid):
            continue  # a nought is often an "off", which has no neighbour
        if name in grid:
            axis = sorted({_number(one) for one in grid[name]})
            near = [x for x in axis if x < value][-1:] + [x for x in axis if x > value][:1]
        else:
            step: float = max(1, round(abs(value) * STEP)) if isinstance(value, int) else abs(value) * STEP
            near = [value - step, value + step]
        good = [one for one in near if _allowed(subject, {name: one})]
        if good:
            out[name] = good
    return out


def _number(value: Any) -> float | int:
    found = float(value)
    return int(found) if found.is_integer() else found


def _allowed(subject: Subject, change: Mapping[str, Any]) -> bool:
    try:
        declare(subject.cls, "", **(subject.params | dict(change)))
    except Misuse:
        return False
    return True


def sensitivity(subject: Subject, grid: Mapping[str, Any], patience_s: float = 15.0) -> Check:
    """One parameter at a time moved to its neighbours; these runs are not counted, because nothing is chosen from them."""
    title = "Neighbouring parameters"
    bar = f"half of the Sharpe is left at the middle neighbour, and {POSITIVE:.0%} of them earn"
    why = "a real edge is a hill; a needle that stands alone was found by searching"
    near = neighbours(subject, grid)
    if not near:
        return check("sensitivity", title, "none", "It has no parameter with a neighbour.", {}, bar, why)
    if not subject.sweeps:
        most = max(2, int(patience_s / max(0.01, subject.outcome.seconds)) // 2)
        near = dict(list(near.items())[:most])
    base, ratios = float("nan"), {}
    for name, values in near.items():
        own = getattr(subject.declaration.params, name)
        choices, returns = tried(subject, {name: [*values, own]}, None, lambda done, total: None)
        for choice, column in zip(choices, returns.T, strict=True):
            ratio = moments(column).sharpe * subject.ppy**0.5
            if choice[name] == own:
                base = float(ratio)
            else:
                ratios[f"{name}={choice[name]:g}"] = float(ratio)
    values_of = np.nan_to_num(np.array(list(ratios.values())))
    numbers: dict[str, Any] = {"sharpe": base, "neighbours": ratios}
    if not base > 0.0 or not len(values_of):
        said = "It did not earn, so there is no hill to stand on."
        return check("sensitivity", title, "fail" if subject.outcome.account.fills else "none", said, numbers, bar, why)
    middle, positive, worst = float(np.median(values_of)) / base, float(np.mean(values_of > 0.0)), float(values_of.min())
    numbers |= {"middle": middle, "positive": positive, "worst": worst}
    status: Status = "fail" if positive < 0.5 else "warn" if middle < KEPT or positive < POSITIVE else "pass"
    low = min(ratios, key=lambda key: ratios[key] if ratios[key] == ratios[key] else -np.inf)
    said = (
        f"Moved to {len(ratios)} neighbours, the Sharpe goes from {number(base)} to {number(float(np.median(values_of)))} in the middle; "
        f"the worst is {low} with {number(worst)}."
    )
    return check("sensitivity", title, status, said, numbers, bar, why)


def parity(subject: Subject, most: int = 2) -> Check:
    """Both lanes on the overlap: each of a few instruments alone, walked and swept, equal to the unit; else the same run twice."""
    title, bar, why = "Two ways, one result", "equal to the unit", "a result that depends on how it is computed is none"
    if not subject.sweeps:
        again = subject.again(cls=subject.made(subject.data))
        one, two = subject.outcome.run.engine.state, again.run.engine.state
        same = one.portfolio.equity == two.portfolio.equity and len(subject.outcome.account.fills) == len(again.account.fills)
        said = "It cannot be swept, so it was walked twice, with the same result."
        if not same:
            said = "Walked twice, it gave two results: it is not deterministic."
        return check("parity", title, "pass" if same else "fail", said, {"how": "walked twice"}, bar, why)
    compared: dict[str, Any] = {}
    for symbol in subject.names[:most]:
        alone = subject.data if len(subject.data[0]) == 1 else _alone(subject, symbol)
        row = sweep(subject.cls, alone, {}, terms=subject.terms, params=subject.params, symbols=[symbol], trials=None, by="").to_dicts()[0]
        if row["refused"]:
            compared[symbol] = row["refused"]
            continue
        whole = len(subject.data[0]) == 1
        outcome = subject.outcome if whole else run([Wanted("it", subject.cls, subject.params, (symbol,))], alone, subject.terms, trials=None)
        walked = (outcome.run.engine.state.portfolio.equity, len(outcome.account.fills), sum(fee for _, _, _, fee, _ in outcome.account.fills))
        swept = (row["equity_units"], row["fills"], row["fees_units"])
        if walked != swept:
            said = f"On {symbol} the walk ends with {walked[1]:,} fills and {walked[0]:,} units, the sweep with {swept[1]:,} and {swept[0]:,}."
            return check("parity", title, "fail", said, {"symbol": symbol, "walked": walked, "swept": swept}, bar, why)
        compared[symbol] = walked[1]
    refused = [symbol for symbol, found in compared.items() if isinstance(found, str)]
    if refused:
        said = f"On {', '.join(refused)} the sweep cannot tell exactly what the engine does, so there was nothing to compare."
        return check("parity", title, "none" if len(refused) == len(compared) else "pass", said, {"compared": compared}, bar, why)
    said = f"Walked event by event and swept in one loop, {', '.join(compared)} end with the same fills, fees and equity, to the unit."
    return check("parity", title, "pass", said, {"compared": compared, "sharpe": ratio_of(subject.outcome)}, bar, why)


def _alone(subject: Subject, symbol: str) -> Any:
    """The data with one instrument's rows."""
    instruments, tapes, events = subject.data
    i = instruments[symbol].id
    own = [tape.only(i) for tape in tapes if len(tape) and i in tape.instruments]
    return instruments, own, [event for event in events if getattr(event, "instrument", i) == i]

