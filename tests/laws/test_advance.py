"""HEART §10: going on for many rows at once is stepping each row: the same fills, refusals and state, breakers that fire included.

One run goes whole, the other is let go one instant at a time. The compiled way has its own law in `test_lanes.py`.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core.events import CashFlow, Command, Dividend, Event, Fill, Latch, Split
from argosy.core.time import MINUTE
from argosy.engine.engine import Breakers
from argosy.engine.journal import Verdict
from argosy.house import Terms, Wanted, assemble
from tests.laws.market import Cross, Dice, bars, sessions
from tests.laws.market import instruments as table_of
from tests.walks.hand import records

DRILL = bool(os.environ.get("ARGOSY_DRILL"))
FREE: dict[str, Any] = {"fees": "free", "slippage_bps": 0.0}
TERMS = {
    "plain": Terms(**FREE),
    "fees": Terms(fees="alpaca", slippage_bps=3.0),
    "refusals": Terms(**FREE, limits={"order_size": {"max_lots": 1500, "trim": True}, "trades_per_day": {"max_trades": 3}}),
    "breakers": Terms(**FREE, breakers=Breakers(daily_loss_frac=0.004, drawdown_frac=0.006)),
    "capped": Terms(fees="alpaca", slippage_bps=1.0, participation_frac=0.05),
    "late": Terms(**FREE, latency_ms=90_000.0),
}


def strategies(kind: str, seed: int) -> list[Wanted]:
    if kind == "step":
        return [Wanted("one", Cross, {"fast": 3, "slow": 8})]
    if kind == "guarded":
        return [Wanted("one", Cross, {"fast": 3, "slow": 8, "guarded": 1, "short": 1})]
    if kind == "dice":
        return [Wanted("one", Dice, {"seed": seed})]
    return [Wanted("ann", Dice, {"seed": seed}), Wanted("one", Cross, {"fast": 3, "slow": 8, "guarded": 1})]


def news(tape: Any, busy: bool) -> list[Event]:
    """Sessions; and, when busy, a split, a dividend, a deposit and a word of the owner inside bars."""
    if not busy:
        return sessions(tape, 120)
    at = [int(tape["known"][k]) + 7 for k in (60, 110, 150, 200)]
    return [
        *sessions(tape, 120), Split(at[0], at[0], 0, 2.0), Dividend(at[1], at[1], 0, 0.2), CashFlow(at[2], at[2], "USD", 10**9),
        Command(at[3], at[3], "resume", "me", "go on"),
    ]  # fmt: skip


def whole_and_stepped(seed: int, kind: str, terms: str, busy: bool, bulk: bool = True, instruments: int = 1) -> tuple[Any, Any]:
    tape = bars(seed, 260, instruments, vol=0.004)
    events = news(tape, busy)
    table = table_of(instruments)
    whole, stepped = (assemble(strategies(kind, seed), (table, [tape], list(events)), TERMS[terms], bulk=bulk) for _ in range(2))
    whole.go()
    stepped.engine.open(stepped.cash)
    for stop in stepped.replay.source.instants()[1:].tolist():
        stepped.replay.run(stop=stop)
    stepped.engine.close()
    return whole, stepped


def same(whole: Any, stepped: Any) -> None:
    for kind in (Fill, Verdict, Latch):
        assert repr(records(whole, kind)) == repr(records(stepped, kind))
    assert whole.engine.state.hash == stepped.engine.state.hash
    assert repr(list(whole.engine.journal.records())) == repr(list(stepped.engine.journal.records()))


@settings(max_examples=300 if DRILL else 24)
@given(st.integers(0, 10_000), st.sampled_from(["step", "guarded", "dice", "both"]), st.sampled_from(sorted(TERMS)), st.booleans())
def test_many_rows_at_once_are_each_row_stepped(seed: int, kind: str, terms: str, busy: bool) -> None:
    same(*whole_and_stepped(seed, kind, terms, busy))


@pytest.mark.parametrize("seed", range(4))
def test_it_is_so_for_several_instruments_and_for_streamed_needs(seed: int) -> None:
    same(*whole_and_stepped(seed, "guarded", "fees", True, instruments=3))
    same(*whole_and_stepped(seed, "step", "plain", True, bulk=False))


def test_the_breakers_of_the_law_fire_and_its_rules_refuse() -> None:
    """Or the law above would say nothing."""
    latched = refused = filled = 0
    for seed in range(6):
        whole, _ = whole_and_stepped(seed, "step", "breakers", False)
        latched += len(records(whole, Latch))
        filled += len(records(whole, Fill))
        whole, _ = whole_and_stepped(seed, "step", "refusals", False)
        refused += len(records(whole, Verdict))
    assert latched >= 3
    assert refused >= 6
    assert filled >= 12


def test_a_breaker_that_fires_in_a_stretch_without_orders_fires_at_its_row() -> None:
    """Held through a slow fall of a cent a bar: the level is latched by the very row that reaches it, not at the end of the stretch."""
    from argosy.core.intents import Target
    from tests.walks.hand import play

    fall = [100.0, 100.0, *[100.0 - 0.01 * k for k in range(1, 400)]]
    run = play({"a": {0: Target(0, lots=1000)}}, fall, breakers=Breakers(drawdown_frac=0.02))
    # 2,000 of 100,000 are 2.00 a share: the 200th fall, which is row 201, known at minute 202; 3,000 the 300th
    assert [(latch.level, latch.known // MINUTE) for latch in records(run, Latch)] == [(1, 202), (2, 302)]
