"""Whole lots of a schedule: by largest remainder, none smaller than the smallest order, summing to the whole exactly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm

from argosy.engine.parts import parts


def portions(weights: Sequence[float], total: int, least: int = 1) -> tuple[int, ...]:
    """`total` lots in proportion to `weights` (not negative, finite); equal parts where all of them are 0.

    A part below `least` waits for the next; what is left at the end goes with the last that was large enough, and all
    of it at once where `total` itself is too small. Ties of the remainder go to the earlier part.
    """
    exact = [Fraction(weight) for weight in weights]
    if not any(exact):
        exact = [Fraction(1)] * len(weights)
    common = lcm(*(each.denominator for each in exact))
    raw = parts([int(each * common) for each in exact], total, range(len(exact)))
    out = [0] * len(raw)
    waiting, last = 0, 0
    for k, lots in enumerate(raw):
        waiting += lots
        if waiting and waiting >= least:
            out[k] = waiting
            waiting, last = 0, k
    out[last] += waiting
    return tuple(out)
