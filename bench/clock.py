"""Stopwatches: medians of repeated runs, and two things timed in turn; they time and judge nothing."""

from __future__ import annotations

import gc
from collections.abc import Callable
from statistics import median
from time import process_time
from typing import Any, NamedTuple


class Pair(NamedTuple):
    """Two things timed in turn. ours, theirs: median seconds; ratio: median of theirs / ours, pair by pair."""

    ours: float
    theirs: float
    ratio: float


def seconds(work: Callable[[], Any]) -> float:
    """Processor seconds of one call; garbage of earlier work is taken out first."""
    gc.collect()
    begun = process_time()
    work()
    return process_time() - begun


def typical(work: Callable[[], Any], runs: int) -> float:
    """Median processor seconds of several calls."""
    return median(seconds(work) for _ in range(runs))


def in_turn(ours: Callable[[], float], theirs: Callable[[], float], pairs: int) -> Pair:
    """Two stopwatches read in turn; which goes first changes from pair to pair. Each returns the seconds it took."""
    a, b = [], []
    for k in range(pairs):
        if k % 2:
            b.append(theirs())
            a.append(ours())
        else:
            a.append(ours())
            b.append(theirs())
    return Pair(median(a), median(b), median(y / x for x, y in zip(a, b, strict=True)))
