"""The two lanes over whatever may come: drawn markets, venues, limits and outside events leave the same, to the last record."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from argosy.engine.records import Stretch
from tests.laws.lanes import SCANNED, difference
from tests.laws.wild_lanes import case

SEEDS = range(120)
DRILL = bool(os.environ.get("ARGOSY_DRILL"))
BLOCK = 250


@pytest.mark.parametrize("seed", SEEDS)
def test_both_lanes_leave_the_same(seed: int) -> None:
    _, found = difference(case(seed))
    assert not found, f"seed {seed}: {found}"


@pytest.mark.skipif(not DRILL, reason="a long drill: set ARGOSY_DRILL=1")
@pytest.mark.parametrize("first", range(1_000, 5_000, BLOCK))
def test_both_lanes_leave_the_same_thousands_of_times(first: int) -> None:
    found = {seed: said for seed in range(first, first + BLOCK) if (said := difference(case(seed))[1])}
    assert not found, "\n".join(f"seed {seed}: {said}" for seed, said in found.items())


def test_a_seed_draws_the_same_case_for_ever() -> None:
    one, other = case(7), case(7)
    assert [tape.hash for tape in one.tapes] == [tape.hash for tape in other.tapes]
    assert repr((one.wanted, one.events, one.terms, one.bulk)) == repr((other.wanted, other.events, other.terms, other.bulk))


def test_the_cases_are_wild_enough() -> None:
    """The law above sees every kind of thing it speaks of: runs that are scanned, stretches in them, and what ends a stretch."""
    seen: Counter[str] = Counter()
    for seed in SEEDS[:80]:
        drawn = case(seed)
        run, _, raised = drawn.run(SCANNED)
        seen["scanned"] += run.replay.scanned
        seen["stretches"] += any(type(record) is Stretch for record in run.engine.journal.kept())
        seen["streamed"] += not drawn.bulk
        seen["raised"] += bool(raised)
        seen.update({type(record).__name__ for _, record in run.engine.journal.records()})
        seen.update({failure.error.split(":")[0] for failure in run.engine.failures})
        seen.update(refused for refused, times in run.engine.state.counters.refusals.items() if times)
    for kind in ("Fill", "Amend", "Split", "Delist", "Adjust", "Latch", "Status", "Funding", "ZeroDivisionError", "Misuse"):
        assert seen[kind] >= 2, (kind, seen)
    assert min(seen["scanned"], 2 * seen["stretches"]) >= 40, seen
    assert seen["streamed"] >= 2, seen
    assert sum(1 for kind in seen if kind.isupper()) >= 12, seen  # refusals by their codes
