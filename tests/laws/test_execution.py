"""Execution algorithms at random: the books sum to the account, the fold is the state, a restart changes nothing, no lot too many."""

from __future__ import annotations

import os
from typing import Any

import msgspec
import numpy as np
import pytest

from argosy.core.events import Bar, Split
from argosy.core.intents import Hold, Pov, Protection, Shortfall, Target, Twap, Vwap
from argosy.core.orders import Tif
from argosy.core.time import MINUTE
from argosy.engine.fold import fold
from argosy.engine.journal import Released, Wanted
from argosy.engine.restart import restart
from argosy.engine.state import State
from argosy.house import Terms, assemble
from argosy.house import Wanted as Wants
from tests.laws.market import bars, instruments, sessions

SEEDS = range(40 if os.environ.get("ARGOSY_DRILL") else 6)
ROWS = 260


class Whims:
    """Wants anything, by any algorithm, at random but repeatably."""

    class params(msgspec.Struct):
        seed: int = 0

    class state(msgspec.Struct):
        seen: int = 0

    def __init__(self, params: Any) -> None:
        self.seed = params.seed
        self.state = type(self).state()

    def on_bar(self, bar: Bar, book: Any) -> Any:
        self.state.seen += 1
        rng = np.random.default_rng((self.seed, self.state.seen))
        if rng.random() > 0.12:
            return None
        i, lots, count = bar.instrument, int(rng.integers(-60, 61)), int(rng.integers(1, 7))
        algo = (
            Twap(count * MINUTE, count),
            Vwap(count * MINUTE, tuple(rng.integers(0, 5, count).tolist())),
            Pov(float(rng.uniform(0.005, 0.1)), int(rng.integers(1, 6))),
            Shortfall(2 * count * MINUTE, count, float(rng.uniform(0.0, 3.0)), 1.0, 1.0),
            None,
        )[int(rng.integers(0, 5))]
        if rng.random() < 0.1:
            return Hold(i)
        side = 1 if lots >= 0 else -1
        return Target(
            i, lots=lots, execution=algo, limit=round(bar.close * (1.0 + side * 0.001), 2) if rng.random() < 0.3 else float("nan"),
            tif=Tif.GTC if rng.random() < 0.4 else Tif.DAY, horizon_ns=int(rng.integers(1, 9)) * MINUTE if rng.random() < 0.2 else 0,
            on_expiry="flat" if rng.random() < 0.5 else "keep",
            protection=Protection(stop=round(bar.close * (1.0 - side * 0.004), 2)) if rng.random() < 0.4 else None,
        )  # fmt: skip


def wired(seed: int) -> Any:
    tape = bars(seed, ROWS, 2)
    at = ROWS // 2 * MINUTE - 1
    events = [*sessions(tape, 60), Split(at, at, 1, 2.0)]
    names = instruments(2, min_lots=1 + seed % 3)
    strategies = [Wants("a", Whims, {"seed": seed}), Wants("b", Whims, {"seed": seed + 1000})]
    terms = Terms(cash=50_000.0, fees="alpaca", slippage_bps=1.0, participation_frac=0.05 * (seed % 3), multiplier=4.0)
    return assemble(strategies, (names, [tape], events), terms)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_books_sum_and_the_fold_is_the_state(seed: int) -> None:
    run = wired(seed)
    run.go()
    state = run.engine.state
    assert run.engine.failures == []
    assert sum(1 for _, record in run.engine.journal.records() if isinstance(record, Released)) > 20
    state.portfolio.check()
    for i in range(2):
        assert sum(book.lots[i] for book in state.portfolio.books.values()) == state.portfolio.lots[i]
    again = fold(run.engine.journal.records(), State(run.engine.instruments, "USD", ["a", "b"]), run.replay.source.rows())
    assert again.hash == state.hash


@pytest.mark.parametrize("seed", SEEDS)
def test_a_restart_anywhere_changes_nothing(seed: int) -> None:
    whole = wired(seed)
    whole.engine.open(whole.cash)
    whole.replay.run()
    bounds = whole.replay.source.instants().tolist()
    k = bounds[int(np.random.default_rng(seed).integers(20, len(bounds) - 20))]
    dead = wired(seed)
    dead.engine.open(dead.cash)
    dead.replay.run(stop=k)
    fresh = wired(seed)
    fresh.engine.journal = dead.engine.journal
    found = restart(fresh.engine, dead.engine.journal.records(), dead.replay.source.rows())
    assert (found.differed, found.changed) == ({}, [])
    stand = fresh.engine.state.rows
    missed = list(dead.replay.source.rows(stand))[: k - stand]
    while missed:
        count = sum(1 for row in missed if row.known == missed[0].known)
        assert fresh.engine.instant(missed[:count]) == ()
        missed = missed[count:]
    dead.replay.engine = fresh.engine
    dead.replay.run()
    assert fresh.engine.state.hash == whole.engine.state.hash
    assert fresh.engine.journal.dump() == whole.engine.journal.dump()


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_held_back_only_falls_and_never_comes_to_less_than_nothing(seed: int) -> None:
    """Between two words of a strategy (a split apart), each release holds back less than the one before."""
    run = wired(seed)
    run.go()
    last: dict[tuple[str, int], int] = {}
    for _, record in run.engine.journal.records():
        if isinstance(record, Wanted):
            last.pop((record.strategy, record.intent.instrument), None)
        elif isinstance(record, Split):
            last.clear()
        elif isinstance(record, Released):
            key = (record.strategy, record.instrument)
            assert 0 <= record.back < last.get(key, 1 << 62)
            last[key] = record.back
