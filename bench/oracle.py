"""The same trades counted without the house: integers and plain loops; it imports nothing of argosy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

CENT = 10_000
"""Units of cash (1e-6 USD) in a cent."""


class Count(NamedTuple):
    """What a loop found. fills: executions; equity: end worth in units, cash and position at the last close."""

    fills: int
    equity: int


def cross(
    open_: Sequence[int], close: Sequence[int], lots: int, cash: int, fee_bps: int, fast: int = 10, slow: int = 30
) -> Count:
    """Long `lots` while the fast mean is above the slow one, filled at the next open, fee in basis points of worth.

    open_, close: cents; cash: units. Means are compared as whole numbers (slow * sum(fast) > fast * sum(slow)): no rounding.
    A fee is exact in units too: a cent is 10,000 of them.
    """
    short, long = 0, 0
    held, wanted, fills = 0, 0, 0
    for t in range(len(close)):
        if wanted != held:
            worth = (wanted - held) * open_[t] * CENT
            cash -= worth + abs(worth) * fee_bps // 10_000
            held = wanted
            fills += 1
        now = close[t]
        short += now - (close[t - fast] if t >= fast else 0)
        long += now - (close[t - slow] if t >= slow else 0)
        if t >= slow - 1:
            wanted = lots if slow * short > fast * long else 0
    return Count(fills, cash + held * close[-1] * CENT)


def swings(prints: Sequence[int], low: int, high: int, cash: int) -> Count:
    """One resting order from the first print on: bought at `low` when a print is below it, sold at `high` when one is above."""
    held, fills = 0, 0
    for price in prints[1:]:
        if not held and price < low:
            held, cash, fills = 1, cash - low * CENT, fills + 1
        elif held and price > high:
            held, cash, fills = 0, cash + high * CENT, fills + 1
    return Count(fills, cash + held * prints[-1] * CENT)


def brackets(
    open_: Sequence[int], high: Sequence[int], low: Sequence[int], close: Sequence[int], lots: int, cash: int, touch: int = 0
) -> Count:
    """Each bar a fresh entry a thousandth below the close, with a stop and a target a thousandth from it; no fee.

    An entry lives one bar: at the open when that is at or below it, inside when the low is below it. Then its stop and target
    live until one fills, the stop first. After an entry inside a bar only the stop counts in that bar. A target must be passed,
    or met by an open. With touch = 1 (a cent) limits inside a bar need only be reached.
    An entry at or above a target that still rests would trade with it; the house refuses that, this loop does not know it, and
    the caller sees refusals.
    """
    exits: list[tuple[int, int]] = []
    held, fills, entry = 0, 0, 0
    for t in range(len(close)):
        at, top, bottom = open_[t], high[t], low[t]
        opened = entry > 0 and at <= entry
        price = at if opened else entry if 0 < bottom < entry + touch else 0
        left = []
        live = [(stop, take, True) for stop, take in exits]
        if price:
            cash -= price * lots * CENT
            held += lots
            fills += 1
            stop, take = entry - entry // 1_000, entry + entry // 1_000
            live.append((stop, take, opened))
        for stop, take, whole in live:
            out = 0
            if bottom <= stop:
                out = min(at, stop) if whole else stop
            elif whole and (at >= take or top > take - touch):
                out = max(at, take)
            if out:
                cash += out * lots * CENT
                held -= lots
                fills += 1
            else:
                left.append((stop, take))
        exits = left
        entry = close[t] - close[t] // 1_000
    return Count(fills, cash + held * close[-1] * CENT)
