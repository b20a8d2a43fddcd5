"""What it costs to hold: Borrow and Funding events for a replay, from a table of rates; it books nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from argosy.core.errors import Misuse
from argosy.core.events import Borrow, Funding
from argosy.core.time import DAY

YEAR_NS = 365 * DAY
"""The year of a borrow rate: actual/365, as US stock loan is quoted."""


def borrow(instrument: int, times: Sequence[int], annual_frac: Sequence[tuple[int, float]]) -> list[Borrow]:
    """Borrow events at `times`, each with the rate for the time since the one before it.

    times:       ascending ns UTC; the first begins the count and makes no event
    annual_frac: (from ns, yearly rate as a fraction), ascending; a rate holds until the next and must begin
                 by times[0]
    returns:     len(times) - 1 events, known when they happen
    Raises Misuse("CARRY_RATES") when either is not ascending or no rate holds at times[0].
    """
    _ascending(times)
    _ascending([at for at, _ in annual_frac])
    if len(times) < 2:
        return []
    if not annual_frac or annual_frac[0][0] > times[0]:
        raise Misuse(
            "CARRY_RATES",
            f"no borrow rate holds at {times[0]}",
            fix="begin the table at or before the first time",
        )
    edges = [*annual_frac[1:], (times[-1], 0.0)]
    events = []
    k = 0
    for start, end in pairwise(times):
        at, rate = start, 0.0
        while edges[k][0] < end:
            if edges[k][0] > at:
                rate += annual_frac[k][1] * (edges[k][0] - at) / YEAR_NS
                at = edges[k][0]
            k += 1
        rate += annual_frac[k][1] * (end - at) / YEAR_NS
        events.append(Borrow(end, end, instrument, rate))
    return events


def funding(instrument: int, rates: Iterable[tuple[int, float]], known_after_ns: int = 0) -> list[Funding]:
    """Funding events from (ns, rate per period) rows, each known `known_after_ns` after it happened."""
    if known_after_ns < 0:
        raise Misuse("CARRY_RATES", f"funding cannot be known {-known_after_ns} ns before it happened")
    rows = list(rates)
    _ascending([at for at, _ in rows])
    return [Funding(at, at + known_after_ns, instrument, rate) for at, rate in rows]


def _ascending(times: Sequence[int]) -> None:
    for before, after in pairwise(times):
        if after <= before:
            raise Misuse(
                "CARRY_RATES",
                f"time {after} does not come after {before}",
                fix="sort the table and drop duplicates",
            )
