"""Splits and dividends: read out of a vendor's adjusted closes, and the factor that keeps indicators continuous.

It never changes a price: fills, cash and orders stay raw, and the forward factor uses only splits already known.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite, log
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.events import Bar, Dividend, Event, Split
from argosy.core.tape import Tape

Action = Split | Dividend

EVE_NS = 1
"""An action takes effect this long before its ex-date's open, so that a fill at the open is already after it."""

RATIOS: tuple[float, ...] = tuple(
    sorted(
        {p / q for p in (*range(1, 31), 40, 50, 100) for q in (1, 2, 3, 4) if p > q}
        | {6 / 5, 11 / 10, 21 / 20}
        | {q / p for p in (*range(2, 31), 40, 50, 100) for q in (1, 2, 3, 4) if p > q}
    )
)
"""New units per old unit that companies choose: 2:1, 3:2, 7:1, a stock dividend of 5 or 10 %, and reverse splits."""

Base = Literal["auto", "ex", "previous"]


class Odd(msgspec.Struct, frozen=True):
    """A step of the adjustment factor that is neither a split nor a dividend. row: of the tape; step: old/new factor."""

    row: int
    ts: int
    step: float


class Derived(msgspec.Struct, frozen=True):
    """What adjusted closes tell. actions: by `known`; odd: steps left unexplained; base: how dividends were solved."""

    actions: list[Action]
    odd: list[Odd]
    base: str


def derive(tape: Tape, adjusted: NDArray[np.float64], *, currency: str = "USD", base: Base = "auto") -> Derived:
    """Splits and dividends from raw closes and a vendor's adjusted closes.

    tape: bars of one instrument with raw prices; adjusted: (T,) adjusted closes, nan where unknown.
    With f = close / adjusted, the step at row t is f[t-1] / f[t]: the split ratio, or 1 + dividend/price. Vendors divide
    by the close of the ex-date (`base="ex"`) or solve from the close before it ("previous": step = p / (p - dividend));
    "auto" takes what gives the rounder amounts. Each action has ts = known = `EVE_NS` before its bar's start.
    A split needs both a simple ratio and the matching jump of the raw price. Amounts are rounded to four decimals.
    Raises Misuse("ACTIONS_INPUT").
    """
    if tape.kind is not Bar or len(tape.instruments) > 1 or len(adjusted) != len(tape):
        raise Misuse("ACTIONS_INPUT", "actions come from bars of one instrument with one adjusted close a row")
    rows = np.flatnonzero(np.isfinite(adjusted) & (adjusted > 0) & np.isfinite(tape["close"]) & (tape["close"] > 0))
    close, adj = tape["close"][rows], np.asarray(adjusted, dtype=np.float64)[rows]
    if len(rows) < 2:
        return Derived([], [], base)
    factor = close / adj
    noise = _resolution(adj) / adj
    if _decimals(close) > 4:  # not a quoted price: it was itself computed and rounded
        noise = noise + _resolution(close) / close
    steps = factor[:-1] / factor[1:]
    limit = 2 * (noise[:-1] + noise[1:]) + 1e-9
    at = np.flatnonzero(np.abs(steps - 1) > np.maximum(limit, 2e-5))
    splits: list[Action] = []
    cash: list[tuple[int, float, float]] = []
    odd: list[Odd] = []
    identity = int(tape["instrument"][0])
    for i in at.tolist():
        row = int(rows[i + 1])
        ts = int(tape["ts"][row]) - EVE_NS
        step = float(steps[i])
        ratio = _ratio(step, float(limit[i]), float(close[i] / close[i + 1]))
        rest = step / ratio
        if ratio != 1.0:
            splits.append(Split(ts=ts, known=ts, instrument=identity, ratio=ratio))
        if abs(rest - 1) <= max(float(limit[i]), 1e-6):
            continue
        if 1 < rest < 1.5:
            cash.append((row, (rest - 1) * float(close[i + 1]), float(close[i]) / ratio * (1 - 1 / rest)))
        else:
            odd.append(Odd(row=row, ts=int(tape["ts"][row]), step=step))
    if base == "auto":
        loose = [sum(abs(amounts[k] * 200 - round(amounts[k] * 200)) for amounts in cash) for k in (1, 2)]
        base = "ex" if loose[0] < loose[1] else "previous"
    actions = splits
    for row, from_ex, from_previous in cash:
        ts = int(tape["ts"][row]) - EVE_NS
        amount = round(from_ex if base == "ex" else from_previous, 4)
        actions.append(Dividend(ts=ts, known=ts, instrument=identity, amount=amount, currency=currency))
    return Derived(in_order(actions), odd, base)


def in_order(actions: Iterable[Action]) -> list[Action]:
    """Actions by known, then instrument; of one instant the split first, because the amount is per unit after it."""
    return sorted(actions, key=lambda action: (action.known, action.instrument, isinstance(action, Dividend)))


def forward_factor(tape: Tape, splits: Iterable[Event]) -> NDArray[np.float64]:
    """What raw prices are multiplied with so that an indicator sees no split: the product of ratios already known.

    splits: events of any kind and order; only Split counts. returns: (T,) float64, row t uses splits with
    known <= the row's known, of the row's instrument. Raises Misuse("SPLIT_RATIO") for a ratio that is not positive.
    """
    factor = np.ones(len(tape))
    known, instrument = tape["known"], tape["instrument"]
    chosen = sorted((event for event in splits if isinstance(event, Split)), key=lambda event: event.known)
    for split in chosen:
        if not (isfinite(split.ratio) and split.ratio > 0):
            raise Misuse("SPLIT_RATIO", f"a split's ratio is positive, not {split.ratio}")
        first = int(np.searchsorted(known, split.known, side="left"))
        factor[first:][instrument[first:] == split.instrument] *= split.ratio
    return factor


def nearest_ratio(value: float, tolerance: float) -> float:
    """The simple split ratio within `tolerance` (relative) of `value`; 1.0 when there is none."""
    best = min(RATIOS, key=lambda ratio: abs(log(value / ratio)))
    return best if abs(value / best - 1) <= tolerance else 1.0


def _ratio(step: float, noise: float, jump: float) -> float:
    """The split in one step of the factor, 1.0 when it is none. jump: raw close before / raw close after."""
    if abs(log(step)) < 0.04 or abs(log(jump / step)) > (0.25 if noise < 1e-5 else min(0.25, 0.6 * abs(log(step)))):
        return 1.0
    exact = nearest_ratio(step, max(noise, 1e-6))
    if exact != 1.0:
        return exact
    whole = [ratio for ratio in RATIOS if 1 < step / ratio < 1.03 and (ratio >= 2 or ratio in (1.5, 0.5, 0.1))]
    if whole and abs(log(step)) > 0.3:
        return max(whole)  # a split and a dividend on one day
    return round(step, 6) if abs(log(step)) > 0.4 else 1.0


def _decimals(values: NDArray[np.float64]) -> int:
    """Decimals in which nearly all of `values` are written, 0 to 12."""
    for places in range(12):
        if np.mean(np.abs(values - np.round(values, places)) < 1e-9 * np.maximum(1.0, np.abs(values))) > 0.99:
            return places
    return 12


def _resolution(values: NDArray[np.float64]) -> float:
    """Half a unit of the last decimal: how wrong a written value may be."""
    return 0.5 * 10.0 ** -_decimals(values)


def apart(tape: Tape, actions: Iterable[Action]) -> tuple[Tape, list[Action]]:
    """Bars and actions such that an action lies between the bar before it and the open of its ex-date.

    Bars of whole UTC days leave no room there: one ends at the midnight at which the next begins, and an action `EVE_NS` before that would
    meet the old price with the new units. It is moved to just after that midnight, and the start of the bar of the ex-date behind it: by
    two nanoseconds, its end stays. All else is returned as it was. tape: bars of any instruments; actions: by `known`.
    """
    actions = list(actions)
    if tape.kind is not Bar or not len(tape) or not actions:
        return tape, actions
    ts, span, known, instrument = (np.array(tape[name]) for name in ("ts", "span", "known", "instrument"))
    out: list[Action] = []
    for action in actions:
        rows = np.flatnonzero(instrument == action.instrument)
        before = rows[(ts[rows] < action.known) & (known[rows] > action.known) & (known[rows] <= action.known + EVE_NS)]
        if not len(before):
            out.append(action)
            continue
        at = int(known[before[-1]]) + EVE_NS
        for row in rows[(ts[rows] >= action.known) & (ts[rows] <= at)].tolist():
            late = at + EVE_NS - int(ts[row])
            ts[row], span[row] = ts[row] + late, span[row] - late
        out.append(msgspec.structs.replace(action, ts=at, known=at))
    return Tape(Bar, dict(tape.columns) | {"ts": ts, "span": span}), in_order(out)
