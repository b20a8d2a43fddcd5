"""The days that several runs have in common, and what each made on them; a day that one of them lacks is counted for none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.time import DAY, iso
from argosy.lab.result import Result
from argosy.lab.verdict import daily, earned, steps_a_year

FEWEST = 3


class Days(NamedTuple):
    """known: (N + 1,) ns, the last rows of the common UTC days, of the first run; value: (N + 1, K) currency, deposits taken out;
    returns: (N, K) simple, from one common day to the next; ppy: such steps in a year."""

    known: NDArray[np.int64]
    value: NDArray[np.float64]
    returns: NDArray[np.float64]
    ppy: float


def common(results: Sequence[Result]) -> Days:
    """The common days of all runs. Misuse("COMPARE_APART") when there are fewer than three, or one has nothing left on the way."""
    ends = []
    for result in results:
        known, value = earned(result.known, result.value, result.flow)
        rows = daily(known)
        ends.append((known[rows], value[rows]))
    shared = ends[0][0] // DAY
    for known, _ in ends[1:]:
        shared = np.intersect1d(shared, known // DAY)
    if len(shared) < FEWEST:
        spans = "; ".join(
            f"{result.name} {iso(int(result.known[0]))[:10]} to {iso(int(result.known[-1]))[:10]}" if len(result.known) else f"{result.name} no rows"
            for result in results
        )
        raise Misuse("COMPARE_APART", f"the runs share {len(shared)} days: {spans}", fix="compare runs of the same time")
    columns, times = [], None
    for result, (known, value) in zip(results, ends, strict=True):
        place = np.searchsorted(known // DAY, shared)
        times = known[place] if times is None else times
        picked = value[place]
        if not bool((picked[:-1] > 0.0).all()):
            raise Misuse("COMPARE_APART", f"{result.name} had nothing left on the way, so its returns have no sense", fix="leave it out")
        columns.append(picked)
    whole = np.column_stack(columns)
    assert times is not None  # noqa: S101  (there is a first run)
    return Days(times, whole, whole[1:] / whole[:-1] - 1.0, steps_a_year(times))
