"""The walk lane: one instrument, a million minutes, every rule on, acks, journal and chain on; it counts only what is right."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from bench.figure import Figure, figure
from bench.robots import Sided, Woken
from bench.trial import STEPPED, Trial, expected, walk, wrong

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
    yield _woken(rows, runs)


def _woken(rows: int, runs: int) -> Figure:
    """A strategy that says what wakes it, against itself called on every bar: the first compiled, then stepped on fewer bars."""
    trials = [walk(rows, strategy=Woken) for _ in range(runs)]
    said = _apart(trials[0], walk(rows, strategy=Sided))
    few = rows // 10
    said = said or _apart(walk(few, strategy=Woken, scan_from=STEPPED), walk(few, strategy=Sided, scan_from=STEPPED))
    fills = len(trials[0].outcome.account.fills)
    note = f"called at {fills:,} crosses of its means; the same fills and equity as called on every bar, compiled and, on {few:,} bars, stepped"
    return figure("walk.woken", rows / median(trial.seconds for trial in trials), wrong=said, note=note)


def _apart(one: Trial, other: Trial) -> str:
    """Where two runs differ in fills or equity, "" where they do not."""
    ours, theirs = ([fill for fill, *_ in trial.outcome.account.fills] for trial in (one, other))
    if not ours:
        return "it never traded"
    if one.state.portfolio.equity != other.state.portfolio.equity or len(ours) != len(theirs):
        return f"{len(ours)} fills, called on every bar {len(theirs)}; equity {one.state.portfolio.equity} and {other.state.portfolio.equity}"
    same = all((a.ts, a.side, a.lots, a.price) == (b.ts, b.side, b.lots, b.price) for a, b in zip(ours, theirs, strict=True))
    return "" if same else "a fill differs"
