"""A hundred instruments in one portfolio: the same cross on each, one account; it counts only what is right."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from bench.figure import Figure, figure
from bench.trial import STEPPED, expected, walk, wrong

WIDE = 100


def figures(quick: bool) -> Iterator[Figure]:
    """Bars a second over all instruments together, a hundred of them known at each minute."""
    rows = 1_000 if quick else 10_000
    right = expected(rows, WIDE)
    for name, scan_from, runs in (("instruments", None, 3), ("instruments.stepped", STEPPED, 2)):
        walk(600, WIDE, scan_from=scan_from)
        trials = [walk(rows, WIDE, scan_from=scan_from) for _ in range(runs)]
        said = next(filter(None, (wrong(trial, right, refold=k == 0) for k, trial in enumerate(trials))), "")
        note = f"{right.fills:,} fills on {WIDE} instruments, equity to the unit, 0 refusals, fold equal"
        yield figure(name, rows * WIDE / median(trial.seconds for trial in trials), wrong=said, note=note)
