"""What might have come instead: the same returns or trades drawn again and again in another order; it invents no return.

Draws are numbers scattered from (path, step, seed) and nothing else, so a path is the same again whoever walks it and however many
are walked beside it.
"""

from __future__ import annotations

from typing import Any

from argosy.kernels.kernel import kernel
from argosy.kernels.latency import scatter

WHOLE = 4294967296.0
"""One more than the greatest scattered number."""


@kernel
def place(number: int, seed: int, count: int) -> int:
    """One of `count` places, 0 to count - 1, each as likely; count below 2**31."""
    return (scatter(number, seed) * count) >> 32


@kernel
def follow(at: int, number: int, seed: int, count: int, cut: float) -> int:
    """The place after `at`: the next one (the first after the last), or, as often as `cut` / 2**32 says, any other.

    number: of this draw, even; at: -1 before the first draw.
    Source: Politis and Romano, The Stationary Bootstrap (1994): blocks of geometric length on a circle.
    """
    if at < 0 or scatter(number, seed) < cut:
        return place(number + 1, seed, count)
    return at + 1 if at + 1 < count else 0


@kernel
def stationary(count: int, length: float, seed: int, path: int, out: Any) -> None:
    """The places that one path takes, into `out`, (S,) int64; length: mean block, 1 draws each by itself; path: its number."""
    cut = WHOLE / length
    at = -1
    first = 2 * path * len(out)
    for t in range(len(out)):
        at = follow(at, first + 2 * t, seed, count, cut)
        out[t] = at


@kernel
def resampled(
    values: Any, steps: int, length: float, additive: bool, start: float, seed: int, first: int, marks: Any, ends: Any, depths: Any,
    equity: Any, falls: Any,
) -> None:  # fmt: skip
    """Walk P paths of `steps` drawn values each and write down where they led.

    values:   (N,) float64 returns as fractions, or amounts where `additive`; length: mean block, >= 1
    start:    equity before the first step; a compounding path that loses everything stays at 0
    first:    number of the first path, so that pieces of the work make one whole
    marks:    (K,) int64 steps, ascending, 1 to `steps`, at which to write equity and the fall from the peak, (P, K) float64
    ends:     (P,) equity at the end; depths: (P,) greatest fall, a fraction of the peak before it
    """
    cut = WHOLE / length
    count = len(values)
    for p in range(len(ends)):
        at = -1
        number = 2 * (first + p) * steps
        value = start
        peak = start
        depth = 0.0
        fall = 0.0
        k = 0
        for t in range(steps):
            at = follow(at, number + 2 * t, seed, count, cut)
            if additive:
                value = value + values[at]
            else:
                value = value * (1.0 + values[at])
                if value < 0.0:
                    value = 0.0
            if value > peak:
                peak = value
            fall = (peak - value) / peak if peak > 0.0 else 0.0
            if fall > depth:
                depth = fall
            if k < len(marks) and marks[k] == t + 1:
                equity[p, k] = value
                falls[p, k] = fall
                k += 1
        ends[p] = value
        depths[p] = depth
