"""Which wall clock a file of minutes or ticks was written by, told by when its market was busy; it guesses nothing that does not fit.

US shares trade from 04:00 to 20:00 in New York, and most of it from 09:30 to 16:00. A file whose times fit that as they stand
was written by New York's clock; one that fits after a conversion from UTC was written in UTC.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from argosy.core.time import DAY, HOUR, MINUTE
from argosy.data.stamps import to_utc

NEW_YORK = "America/New_York"
_SPREAD = 0.15
"""How much better one clock must fit than the other."""


def guess(local: NDArray[np.int64], weight: NDArray[np.float64]) -> str:
    """`NEW_YORK` or "UTC" for wall clocks (ns) of a US share with weights (sizes, or ones); "" when neither fits better."""
    good = np.isfinite(weight) & (weight > 0)
    if good.sum() < 20:
        return ""
    local, weight = local[good], weight[good]
    fits = {NEW_YORK: _fit(local, weight), "UTC": _fit(_in_new_york(local), weight)}
    best, other = sorted(fits.values(), reverse=True)
    if best < 0.5 or best - other < _SPREAD:
        return ""
    return max(fits, key=lambda zone: fits[zone])


def _fit(wall: NDArray[np.int64], weight: NDArray[np.float64]) -> float:
    """The part of the weight that lies in the session, if nearly every row lies in the hours of trade at all."""
    clock = wall % DAY
    weekday = (wall // DAY + 3) % 7
    open_at_all = (clock >= 4 * HOUR) & (clock <= 20 * HOUR) & (weekday < 5)
    if float(np.mean(open_at_all)) < 0.99:
        return 0.0
    session = (clock >= 9 * HOUR + 30 * MINUTE) & (clock <= 16 * HOUR)
    return float(weight[session].sum() / weight.sum())


def _in_new_york(utc: NDArray[np.int64]) -> NDArray[np.int64]:
    """New York's wall clock of moments in UTC."""
    hours = np.unique(utc // HOUR)
    out = np.empty(len(hours), dtype=np.int64)
    for ahead in (4, 5):  # the clock there is four or five hours behind: take the one that leads back
        wall = hours * HOUR - ahead * HOUR
        back, lost = to_utc(wall, NEW_YORK)
        fits = (back == hours * HOUR) & ~lost
        out[fits] = -ahead * HOUR
    return np.asarray(utc + out[np.searchsorted(hours, utc // HOUR)], dtype=np.int64)
