"""Laws under a venue that does anything it may: books conserve to the unit, the fold is the state, a restart at any event changes nothing."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core.events import Bar, CashFlow, Quote
from argosy.engine.restart import restart
from argosy.engine.state import State
from tests.laws.wild import Wild, build

STEPS = 250
DRILL = bool(os.environ.get("ARGOSY_DRILL"))


def plain(state: State) -> str:
    """The state without peak and day's start: what is wrong with them is marked in `tests/walks/test_journal.py`."""
    return repr({name: value for name, value in state.snapshot().items() if name != "risk"})


def some(n: int) -> settings:
    return settings(max_examples=400 if DRILL else n)


@some(30)
@given(st.integers(0, 100_000))
def test_whatever_happens_the_books_conserve_to_the_unit(seed: int) -> None:
    """After every event: account lots and cash are the plain sums of what was told, and the virtual books sum to the account."""
    wild = Wild(seed)
    portfolio = wild.state.portfolio
    for _ in range(STEPS):
        wild.step()
        portfolio.check()
        assert portfolio.lots == wild.lots
        assert portfolio.cash == [wild.cash]
    assert not wild.engine.failures


@some(30)
@given(st.integers(0, 100_000))
def test_whatever_happens_the_fold_of_the_journal_is_the_state(seed: int) -> None:
    wild = Wild(seed)
    wild.run(STEPS)
    wild.engine.close()
    assert plain(wild.fold()) == plain(wild.state)


@some(20)
@given(st.integers(0, 100_000), st.floats(0.01, 0.99))
def test_whatever_happens_a_restart_changes_nothing(seed: int, part: float) -> None:
    """Not a record and not a hash differs: run(0..n) = run(0..k) + restart + run(k..n)."""
    wild = Wild(seed)
    wild.run(STEPS)
    k = int(part * len(wild.events))
    first = build(seed)
    first.open([CashFlow(0, 0, "USD", 100_000_000_000)])
    for event in wild.events[:k]:
        first.step(event)
    rows = [event for event in wild.events if isinstance(event, Bar | Quote)]
    fresh = build(seed)
    fresh.journal = first.journal
    found = restart(fresh, first.journal.records(), iter(rows))
    assert (found.differed, found.changed) == ({}, [])
    before = sum(isinstance(event, Bar | Quote) for event in wild.events[:k])
    for row in rows[fresh.state.rows : before]:
        assert fresh.step(row) == ()  # rows that left no record are fed again
    assert plain(fresh.state) == plain(first.state)
    for event in wild.events[k:]:
        fresh.step(event)
    assert plain(fresh.state) == plain(wild.state)
    assert fresh.journal.dump() == wild.engine.journal.dump()


@some(10)
@given(st.integers(0, 100_000))
def test_whatever_happens_the_same_events_give_the_same_journal(seed: int) -> None:
    wild = Wild(seed)
    wild.run(STEPS)
    again = build(seed)
    again.open([CashFlow(0, 0, "USD", 100_000_000_000)])
    for event in wild.events:
        again.step(event)
    assert again.journal.dump() == wild.engine.journal.dump()
    assert again.state.hash == wild.state.hash


def test_the_wild_venue_is_wild_enough() -> None:
    """The laws above see every kind of thing they speak of."""
    seen: dict[str, int] = {}
    for seed in range(10):
        wild = Wild(seed)
        wild.run(STEPS)
        for _, record in wild.engine.journal.records():
            seen[type(record).__name__] = seen.get(type(record).__name__, 0) + 1
    for kind in ("Wanted", "Reserve", "Verdict", "Cross", "Fill", "Bust", "Split", "Dividend", "Cancel", "Given", "Standing", "Latch"):
        assert seen.get(kind, 0) >= 3, (kind, seen)


@pytest.mark.skipif(not DRILL, reason="a long drill: set ARGOSY_DRILL=1")
def test_a_thousand_wild_days() -> None:
    for seed in range(1000):
        wild = Wild(seed)
        wild.run(STEPS)
        wild.state.portfolio.check()
        wild.engine.close()
        assert plain(wild.fold()) == plain(wild.state)
