"""What else a run is measured by: one thing bought with the same cash and held, like SPY; it is never traded by the run and costs nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from argosy.core.events import Dividend, Event, Split
from argosy.core.tape import Tape
from argosy.core.time import DAY
from argosy.lab.result import Yardstick
from argosy.lab.statistics.versus import aligned


def yardstick(name: str, tape: Tape, events: Sequence[Event], known: NDArray[np.int64], cash: float) -> Yardstick:
    """Bars of one thing as a yardstick of a run. known: (T,) ns of the run; events: its splits and dividends; cash: in currency.

    A bar of a whole UTC day is over only at midnight, though its market closed before: it is set beside the run's last row of that day,
    so that the days of both are the same ones. It is a comparison of what was, and nothing was decided by it.
    """
    times, good = beside(tape, known), ~np.isnan(tape["close"])
    closes = aligned(known, times, tape["close"])
    seen = np.flatnonzero(~np.isnan(closes))
    value = holding(known, closes, events, cash)
    value[: seen[0] if len(seen) else len(value)] = np.nan
    counted = np.searchsorted(times[good], known, side="right")
    return Yardstick(name, value, np.diff(counted, prepend=0) > 0)


def beside(tape: Tape, known: NDArray[np.int64]) -> NDArray[np.int64]:
    """The time at which each bar counts, ns: when it was known, or, of a whole UTC day, at the last row of the run within that day."""
    times: NDArray[np.int64] = tape["known"]
    whole = (tape["span"] == DAY) & (times % DAY == 0)
    if not len(known) or not whole.any():
        return times
    place = np.searchsorted(known, times, side="right") - 1
    row = known[np.maximum(place, 0)]
    return np.where(whole & (place >= 0) & (row > times - DAY), row, times)


def holding(known: NDArray[np.int64], marks: NDArray[np.float64], events: Sequence[Event], cash: float) -> NDArray[np.float64]:
    """What `cash` is worth at each time, bought at the first mark and held, dividends kept as cash, without costs: (T,) currency.

    known: (T,) ns; marks: (T,) raw prices, nan before the first; events: of this instrument, splits and dividends among them
    """
    seen = np.flatnonzero(~np.isnan(marks))
    if not len(seen):
        return np.full(len(known), cash)
    units = np.full(len(known), cash / marks[seen[0]])
    extra = np.zeros(len(known))
    for event in events:
        first = int(np.searchsorted(known, event.known, side="left"))
        if isinstance(event, Split) and first > seen[0]:
            units[first:] *= event.ratio
        elif isinstance(event, Dividend) and first > seen[0]:
            extra[first:] += units[min(first, len(units) - 1)] * event.amount
    value: NDArray[np.float64] = units * marks + extra
    value[: seen[0]] = cash
    return value
