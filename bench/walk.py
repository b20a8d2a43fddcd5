"""The walk lane: one instrument, a million minutes, every rule on, acks, journal and chain on; it counts only what is right."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from bench.figure import Figure, figure
from bench.trial import STEPPED, expected, walk, wrong

LANES = {"walk": None, "walk.stepped": STEPPED}


def figures(quick: bool) -> Iterator[Figure]:
    """Bars a second as the house walks them by itself, and with every bar through the engine's step in Python."""
    rows, runs = (100_000, 3) if quick else (1_000_000, 5)
    right = expected(rows)
    for name, scan_from in LANES.items():
        walk(min(rows, 60_000), scan_from=scan_from)  # compiles what is compiled
        times, wholes, said = [], [], ""
        for k in range(runs if scan_from is None else max(3, runs - 2)):
            trial = walk(rows, scan_from=scan_from)
            times.append(trial.seconds)
            wholes.append(trial.whole)
            said = said or wrong(trial, right, refold=k == 0)
        note = f"{right.fills:,} fills, equity to the unit, 0 refusals, fold equal"
        yield figure(name, rows / median(times), wrong=said, note=note)
        if name == "walk":
            yield figure("walk.wired", rows / median(wholes), wrong=said, note="with wiring, needs and reading")
