"""The passport: a thousand choices on five years of minutes, examined and signed; and cross-validation of a thousand trials alone.

`python -m bench.passport` prints how long each question took.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from itertools import combinations, pairwise
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

from argosy.house import Terms
from argosy.kernels.fees import bps
from argosy.kernels.overfit import Overfit, cscv
from argosy.lab import trials
from argosy.lab.passport import Passport, issue
from argosy.lab.passport.paper import read, write
from argosy.strategies.trend import Trend
from bench.figure import Figure, figure
from bench.market import table, tape

TERMS = Terms(cash=1_000_000.0, fees=bps(1, 1), slippage_bps=0.0)
GRID = {"fast": range(5, 45), "slow": range(50, 300, 10)}
DAYS, TRIALS, BLOCKS = 1_260, 1_000, 16


def noise(days: int = DAYS, count: int = TRIALS) -> Any:
    """Daily returns without skill, (days, count); drawn by NumPy's legacy generator, whose numbers are frozen."""
    return np.random.RandomState(16).normal(0.0, 0.01, (days, count))


def differs(returns: Any, found: Overfit) -> str:
    """Why a cross-validation does not count, "" when it does: twenty of its splits again, as the paper tells them."""
    edges = [len(returns) * k // found.blocks for k in range(found.blocks + 1)]
    parts = [np.arange(lo, hi) for lo, hi in pairwise(edges)]
    chosen = list(combinations(range(found.blocks), found.blocks // 2))
    for at in range(0, len(chosen), len(chosen) // 20):
        inside = np.concatenate([parts[k] for k in chosen[at]])
        outside = np.concatenate([parts[k] for k in range(found.blocks) if k not in chosen[at]])
        own, other = (returns[rows].mean(axis=0) / returns[rows].std(axis=0, ddof=1) for rows in (inside, outside))
        share = (np.sum(other < other[np.argmax(own)]) + 1.0) / (returns.shape[1] + 1.0)
        if abs(np.log(share / (1.0 - share)) - found.logits[at]) > 1e-9:
            return f"split {at}: {found.logits[at]}, told {np.log(share / (1.0 - share))}"
    return ""


def examined(rows: int, folder: Path) -> tuple[Passport, float]:
    """A passport of a sweep, and the seconds until it was signed and written."""
    begun = perf_counter()
    made = issue(Trend, (table(), [tape(rows)], []), grid=GRID, terms=TERMS, trials=folder / "trials")
    write(made, folder / "passport.html")
    return made, perf_counter() - begun


def figures(quick: bool) -> Iterator[Figure]:
    """Seconds of a cross-validation and of a whole passport."""
    cscv(noise(64, 4), BLOCKS)
    begun = perf_counter()
    found = cscv(noise(), BLOCKS)
    took = perf_counter() - begun
    note = f"{TRIALS:,} trials x {DAYS:,} days, {BLOCKS} blocks, {found.splits:,} splits, one core; twenty splits told again as the paper does"
    yield figure("passport.cscv", took, wrong=differs(noise(), found), note=note)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        before = os.environ.get("ARGOSY_HOME")
        os.environ["ARGOSY_HOME"] = str(folder / "home")
        try:
            (folder / "warm").mkdir()
            examined(60_000, folder / "warm")  # compiled
            worked = process_time()
            made, took = examined(60_000 if quick else 500_000, folder)
            worked = process_time() - worked
            held = all(one.good for one in read(folder / "passport.html")[1])
            counted = trials.count(folder / "trials")
        finally:
            if before is None:
                del os.environ["ARGOSY_HOME"]
            else:
                os.environ["ARGOSY_HOME"] = before
    wrong = "" if made.verdict == "FAIL" else f"a random walk was given {made.verdict}"
    wrong = wrong or ("" if held and counted == TRIALS + 1 and made.trials == TRIALS else f"{made.trials} trials, signature {held}")
    slow = ", ".join(f"{what} {took:.1f} s" for what, took in sorted(made.seconds.items(), key=lambda item: -item[1])[:4])
    note = (
        f"{TRIALS:,} choices x {made.rows:,} minutes, all questions, written and signed; {worked:.1f} s of the processors, "
        f"{os.getloadavg()[0]:.1f} others wanted them; {slow}"
    )
    yield figure("passport.sweep", took, wrong=wrong, note=note)


if __name__ == "__main__":
    for one in figures(False):
        print(f"{one.name:<18}{one.value or 0.0:8.2f} {one.unit}   {one.note}")
