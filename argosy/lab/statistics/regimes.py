"""Labels of the times a market was in, each known when it is used; a label never tells of what came after it."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.lab.statistics.sample import sample
from argosy.lab.statistics.versus import first

NONE = "unknown"
"""The label before there is one."""
TERCILES = ("calm", "usual", "wild")


class Labels(NamedTuple):
    """A labelled series: from `known[k]` (ns, ascending) until the next, the label is `labels[k]`."""

    known: NDArray[np.int64]
    labels: Sequence[str]

    def at(self, times: NDArray[np.int64]) -> list[str]:
        """The label known at each time; NONE before the first. One that becomes known at that very time counts."""
        if len(self.known) != len(self.labels) or np.any(np.diff(self.known) < 0):
            raise Misuse("REGIME_LABELS", "times and labels do not fit", fix="one label for each time, times ascending")
        places = np.searchsorted(self.known, times, side="right") - 1
        return [self.labels[place] if place >= 0 else NONE for place in places.tolist()]


def volatility_terciles(
    known: NDArray[np.int64], benchmark: NDArray[np.float64], *, window: int = 21, history: int = 63
) -> Labels:
    """Calm, usual or wild days: the benchmark's deviation over `window` days beside all that were measured before that day.

    known, benchmark: (T,) rows of a run. A day is labelled when it is over, by how many of the earlier deviations lie below its
    own: under a third is calm, from two thirds wild. NONE until `history` of them have been seen, so no day is judged by its
    future. Misuse("REGIME_WINDOW") for a window below 2 or a history below 3.
    """
    if window < 2 or history < 3:
        raise Misuse("REGIME_WINDOW", f"a window of {window} and a history of {history} tell nothing", fix="at least 2 and 3")
    start = first(benchmark)
    one = sample(known[start:], benchmark[start:])
    past: list[float] = []
    labels: list[str] = []
    for t in range(len(one.returns)):
        label = NONE
        deviation = float(np.std(one.returns[t + 1 - window : t + 1], ddof=1)) if t + 1 >= window else float("nan")
        if deviation == deviation:
            if len(past) >= history:
                rank = bisect_left(past, deviation) / len(past)
                label = TERCILES[0 if rank < 1 / 3 else 1 if rank < 2 / 3 else 2]
            insort(past, deviation)
        labels.append(label)
    return Labels(one.ends, labels)
