"""Worse conditions than those of the test: costs twice as high, fills one bar later, ten times the size; nothing is tuned to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from argosy.core.events import Bar
from argosy.core.money import per_one
from argosy.core.time import DAY, MS
from argosy.kernels.impact import square_root
from argosy.kernels.overfit import moments
from argosy.lab.late import late
from argosy.lab.montecarlo.stress import dearer
from argosy.lab.passport.check import Check, check, grade
from argosy.lab.passport.subject import Subject, gain, ratio_of
from argosy.lab.verdict import daily
from argosy.lab.words import number, percent

STEPPED = 1 << 62
SIZES = (1.0, 3.0, 10.0)


_COSTS = ("costs", "Costs twice as high")
_COSTS_WHY = "it still gains, with half of its Sharpe left", (
    "what costs are in practice is known to about a factor of two; an edge that they eat is no edge"
)


def costs_again(subject: Subject) -> Check:
    """The same trades, their fees and slippage paid once more on the day: quicker than a run, which would also trade a little less."""
    result, slip = subject.result, max(subject.terms.slippage_bps, 0.5)
    fills = result.fills
    paid = (fills["fee"].to_numpy() + np.abs(fills["notional"].to_numpy()) * slip * 1e-4) / per_one(result.currency)
    more = np.zeros(len(result.known))
    np.add.at(more, np.minimum(np.searchsorted(result.known, fills["known"].to_numpy()), len(more) - 1), paid)
    value = result.value - np.cumsum(more)
    rows = daily(result.known)
    curve = value[rows]
    ratio = moments(np.diff(curve) / curve[:-1]).sharpe * subject.ppy**0.5 if len(curve) > 2 and (curve > 0.0).all() else float("nan")
    own, other = gain(subject.outcome), float(value[-1] / result.value[0] - 1.0) if len(value) else 0.0
    return _costs(subject, own, other, float(ratio), 2 * slip, "the same trades, paid twice")


def costs(subject: Subject) -> Check:
    """The same run with fees and slippage twice as high."""
    terms = subject.terms
    slip = max(2.0 * terms.slippage_bps, 1.0)
    outcome = subject.again(terms=msgspec.structs.replace(terms, fees=dearer(terms.fees, 2.0), slippage_bps=slip))
    return _costs(subject, gain(subject.outcome), gain(outcome), ratio_of(outcome), slip, "run again")


def _costs(subject: Subject, own: float, other: float, ratio: float, slip: float, how: str) -> Check:
    base = subject.sharpe
    kept = ratio / base if base > 0.0 else float("nan")
    free = "" if subject.terms.slippage_bps else " (no slippage was charged; 1 bps is taken)"
    said = f"With fees and slippage doubled{free} the gain is {percent(other, signed=True)} instead of {percent(own, signed=True)}, the Sharpe "
    said += f"{number(ratio)} instead of {number(base)}."
    status = "fail" if not other > 0.0 else grade(kept, 0.5, 0.0)
    numbers = {"gain": own, "gain_doubled": other, "sharpe": base, "sharpe_doubled": ratio, "kept": kept, "slippage_bps": slip, "how": how}
    return check(*_COSTS, status, said, numbers, *_COSTS_WHY)


# -- one bar later --------------------------------------------------------------------------------------------------------------


def delay(subject: Subject) -> Check:
    """The same decisions, each acted on one bar later."""
    declaration = subject.declaration
    how = "each decision is handed over one bar later"
    if declaration.wakes or any(watch.kind != "bar" for watch in declaration.watches) or not set(declaration.handlers) <= _HANDLERS:
        step = _usual(subject)
        how = f"orders reach the venue {step / 1e9:g} s later"
        latency = subject.terms.latency_ms + step / MS
        outcome = subject.again(terms=msgspec.structs.replace(subject.terms, latency_ms=latency))
    else:
        outcome = subject.again(cls=late(subject.cls, 1), scan_from=STEPPED)
    own, other, base, ratio = gain(subject.outcome), gain(outcome), subject.sharpe, ratio_of(outcome)
    kept = ratio / base if base > 0.0 else float("nan")
    said = (
        f"Acting one bar later, it gains {percent(other, signed=True)} instead of {percent(own, signed=True)}, with a Sharpe of {number(ratio)} "
        f"instead of {number(base)}."
    )
    if outcome.failures:
        said, kept, other = f"Acting one bar later, it stops with an error: {outcome.failures[0].error}.", float("nan"), float("nan")
    status = "fail" if not other > 0.0 else grade(kept, 0.5, 0.0)
    numbers = {"gain": own, "gain_late": other, "sharpe": base, "sharpe_late": ratio, "kept": kept, "how": how}
    why = "an edge that is gone after one bar was the price of that bar, which nobody gets; it is also where a small look-ahead shows"
    return check("delay", "One bar later", status, said, numbers, "it still gains, with half of its Sharpe left", why)


_HANDLERS = frozenset({"on_bar", "on_fill", "on_instant", "on_fact", "on_forecast", "on_timer"})


def _usual(subject: Subject) -> int:
    """The usual distance of two rows of an instrument, ns."""
    steps = [np.diff(tape.only(i)["known"]) for tape in subject.data[1] for i in tape.instruments if len(tape)]
    found = np.concatenate(steps) if steps else np.zeros(0, np.int64)
    found = found[found > 0]
    return int(np.median(found)) + 1 if len(found) else 1


# -- more money -----------------------------------------------------------------------------------------------------------------


def capacity(subject: Subject) -> Check:
    """What is left of the gain at 1, 3 and 10 times the size, after the market has moved away from each fill.

    Every fill pays the square-root law in full: deviation of a day x root of (its size / the day's volume), as a fraction of its worth.
    """
    title, bar = "Room for more money", "half of the gain is left at ten times the size"
    why = "impact grows with the root of the size (Toth et al. 2011) and gain only with the size: every edge has an end"
    fills = subject.result.fills
    days = {row: _days(subject, row) for row in subject.own}
    total = dict.fromkeys(SIZES, 0.0)
    gained = float(subject.result.value[-1] - subject.result.value[0]) if len(subject.result.value) else 0.0
    unknown, most, one_unit = 0, 0.0, per_one(subject.terms.currency)
    symbols = {subject.data[0][i].symbol: i for i in subject.own}
    for symbol, known, units, notional in fills.select("symbol", "known", "units", "notional").iter_rows():
        volume, sigma = days[symbols[symbol]].get(known // DAY, (0.0, 0.0))
        if not volume > 0.0:
            unknown += 1
            continue
        worth = abs(notional) / one_unit
        most = max(most, units / volume)
        for size in SIZES:
            total[size] += size * worth * square_root.py(size * units, volume, sigma, 1.0)
    numbers: dict[str, Any] = {"gain": gained, "fills_without_volume": unknown, "largest_share_of_a_day": most}
    for size in SIZES:
        numbers[f"gain_{size:g}x"] = size * gained - total[size]
        numbers[f"kept_{size:g}x"] = (size * gained - total[size]) / (size * gained) if gained > 0.0 else float("nan")
    if not fills.height or unknown > fills.height / 2:
        said = "It never traded." if not fills.height else "The prices come without volume, so nobody knows how much money it carries."
        return check("capacity", title, "none" if fills.height else "fail", said, numbers, bar, why)
    if not gained > 0.0:
        return check("capacity", title, "fail", "There is no gain that could be had with more money.", numbers, bar, why)
    one, three, ten = (numbers[f"kept_{size:g}x"] for size in SIZES)
    status = "fail" if not one > 0.0 else grade(ten, 0.5, 0.0) if ten > 0.0 else "warn" if three > 0.0 else "fail"
    said = f"After impact {percent(one, 0)} of the gain is left at this size, {percent(three, 0)} at three times and {percent(ten, 0)} at ten times."
    return check("capacity", title, status, said, numbers, bar, why)


def _days(subject: Subject, instrument: int) -> Mapping[int, tuple[float, float]]:
    """(volume, deviation of a day's return) by UTC day; volume 0 where it is unknown."""
    for tape in subject.data[1]:
        if tape.kind is Bar and len(tape) and instrument in tape.instruments:
            own = tape.only(instrument)
            day = own["known"] // DAY
            ends = np.append(np.flatnonzero(day[1:] != day[:-1]), len(day) - 1)
            starts = np.concatenate((np.zeros(1, np.int64), ends[:-1] + 1))
            volume = np.add.reduceat(np.nan_to_num(own["volume"]), starts)
            return dict(zip(day[ends].tolist(), zip(volume.tolist(), [_sigma(own["close"][ends])] * len(ends), strict=True), strict=True))
    return {}


def _sigma(close: NDArray[np.float64]) -> float:
    moves = np.diff(np.log(close[close > 0.0]))
    return float(np.std(moves)) if len(moves) else 0.0
