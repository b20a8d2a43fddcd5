"""The trade interval: entries of one symbol stay apart, what comes too soon waits and goes as it is wanted then, exits are never held back."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from argosy.core.errors import Misconfigured
from argosy.core.intents import Ladder, Protection, Rung, Target
from argosy.core.orders import BUY, Refused
from argosy.core.time import MINUTE
from argosy.engine.records import Verdict
from argosy.engine.restart import restart
from argosy.engine.rules.profiles import rules
from tests.walks.hand import Stage, fills, lots, play, records, sent

FLAT = [100.0] * 14


def every(seconds: float, **more: Any) -> dict[str, Any]:
    return {"interval": {"every_s": seconds, **more}}


def run(plan: dict[int, Any], seconds: float = 180.0, **more: Any) -> Any:
    return play({"a": plan}, FLAT, limits=every(seconds, **more))


def sizes(one: Any) -> list[tuple[int, int]]:
    return [(minute, signed) for minute, signed, _ in fills(one)]


def refused(one: Any) -> list[str]:
    return [record.outcome.code for record in records(one, Verdict) if isinstance(record.outcome, Refused)]


def test_what_comes_too_soon_waits_and_goes_once_when_the_interval_is_over() -> None:
    """Minute k is decided at k + 1 and fills at that open. An entry at 1; more is wanted at 2; three minutes later, at 4, it goes."""
    one = run({0: Target(0, lots=5), 1: Target(0, lots=8)})
    assert sizes(one) == [(1, 5), (4, 3)]
    assert refused(one) == ["TRADE_INTERVAL"]  # told once, not at each row
    assert sizes(play({"a": {0: Target(0, lots=5), 1: Target(0, lots=8)}}, FLAT)) == [(1, 5), (2, 3)]


def test_what_goes_then_is_what_is_wanted_then() -> None:
    assert sizes(run({0: Target(0, lots=5), 1: Target(0, lots=8), 2: Target(0, lots=20)})) == [(1, 5), (4, 15)]
    assert sizes(run({0: Target(0, lots=5), 1: Target(0, lots=8), 2: Target(0, lots=5)})) == [(1, 5)]  # nothing is wanted any more


def test_said_again_at_each_bar_it_is_the_same_wish() -> None:
    """What a limit refuses for good is not wanted again by a repeat; what waits needs none, and a repeat does no harm."""
    one = run({0: Target(0, lots=5), **{k: Target(0, lots=8) for k in range(1, 12)}})
    assert sizes(one) == [(1, 5), (4, 3)]


def test_exits_and_turns_out_of_a_position_go_at_once() -> None:
    assert sizes(run({0: Target(0, lots=5), 1: Target(0, lots=2), 2: Target(0, lots=0)})) == [(1, 5), (2, -3), (3, -2)]
    assert sizes(run({0: Target(0, lots=5), 1: Target(0, lots=-4)})) == [(1, 5), (2, -5), (4, -4)]  # out at once, the other side later


def test_a_stop_is_an_exit_and_the_way_back_in_waits() -> None:
    rows = [100.0, 100.0, (100.0, 100.0, 94.0, 95.0), *[95.0] * 8]
    guarded = Target(0, lots=5, protection=Protection(stop=95.0))
    one = play({"a": {0: guarded, 2: Target(0, lots=6, protection=Protection(stop=90.0))}}, rows, limits=every(240.0))
    assert sizes(one) == [(1, 5), (3, -5), (5, 6)]


def test_one_moment_is_one_decision_and_symbols_are_apart() -> None:
    rungs = Ladder(0, (Rung("x", BUY, 99.0, 1), Rung("y", BUY, 98.0, 1)))
    stage = Stage({"a": {0: (rungs, Target(1, lots=3)), 1: Target(1, lots=3)}, "b": {0: Target(0, lots=2)}}, instruments=2, limits=every(600.0))
    assert sorted((order.instrument, order.lots) for order in sent(stage.bar(100.0))) == [(0, 1), (0, 1), (0, 2)]
    stage.minute -= 1
    assert [(order.instrument, order.lots) for order in sent(stage.bar(100.0, 1))] == [(1, 3)]
    assert stage.state.counters.refusals == {}


def test_rungs_of_a_ladder_are_no_new_decisions() -> None:
    ladder = Ladder(0, (Rung("x", BUY, 99.0, 1), Rung("y", BUY, 98.0, 1)))
    stage = Stage({"a": {0: Target(0, lots=5), 1: ladder}}, limits=every(600.0))
    stage.buy(stage.bar(100.0), 100.0)
    assert sorted(order.tag for order in sent(stage.bar(100.0))) == ["rung:x", "rung:y"]


def test_a_strategy_has_its_own_and_the_others_that_of_the_desk() -> None:
    plan = {0: Target(0, lots=5), 1: Target(0, lots=8)}
    assert sizes(run(plan, 180.0, of={"a": 300.0})) == [(1, 5), (6, 3)]
    assert sizes(run(plan, 300.0, of={"other": 60.0})) == [(1, 5), (6, 3)]
    assert sizes(play({"a": plan}, FLAT, limits={"interval": {"of": {"a": 120.0}}})) == [(1, 5), (3, 3)]
    assert sizes(play({"a": plan}, FLAT, limits={"interval": {"of": {"b": 120.0}}})) == [(1, 5), (2, 3)]


def test_nobody_waits_for_the_interval_of_another() -> None:
    """b has none: what it wants at minute 2 goes at once, beside a's 5 of minute 1, which wait until ten minutes after b's last entry."""
    stage = Stage({"a": {1: Target(0, lots=5)}, "b": {0: Target(0, lots=10), 2: Target(0, lots=20)}}, limits={"interval": {"of": {"a": 600.0}}})
    went: list[tuple[int, str, int]] = []
    for minute in range(14):
        orders = stage.buy(stage.bar(100.0), 100.0)
        went += [(minute, order.shares[0].strategy, order.lots) for order in orders]
    assert went == [(0, "b", 10), (2, "b", 10), (12, "a", 5)]
    stage.engine.mark_rows()
    assert stage.state.patience.waits == {} and stage.fold() == stage.state.hash


def test_of_an_order_of_several_those_wait_whose_interval_is_not_over() -> None:
    both = {0: Target(0, lots=5), 2: Target(0, lots=8)}
    stage = Stage({"a": both, "b": both}, limits={"interval": {"every_s": 60.0, "of": {"a": 300.0}}})
    went: list[Any] = []
    for minute in range(9):
        orders = stage.buy(stage.bar(100.0), 100.0)
        went += [(minute, [(share.strategy, share.lots) for share in order.shares]) for order in orders]
    assert went == [(0, [("a", 5), ("b", 5)]), (2, [("b", 3)]), (7, [("a", 3)])]


@pytest.mark.parametrize("k", [2, 3])
def test_a_restart_waits_for_the_same_moment(k: int) -> None:
    strategies = {"a": {0: Target(0, lots=5), 1: Target(0, lots=8)}}
    stage = Stage(strategies, limits=every(240.0))
    stage.buy(stage.bar(100.0), 100.0)
    for _ in range(k):
        assert sent(stage.bar(100.0)) == []
    stage.engine.mark_rows()
    assert stage.fold() == stage.state.hash
    fresh = Stage(strategies, limits=every(240.0), opened=False)
    relived = restart(fresh.engine, stage.engine.journal.records(), iter(list(stage.rows)))
    assert (fresh.state.hash, relived.differed) == (stage.state.hash, {})
    fresh.minute = stage.minute
    while fresh.minute < 3:
        assert sent(fresh.bar(100.0)) == []
    assert [order.lots for order in sent(fresh.bar(100.0))] == [3]
    assert fresh.state.now == 5 * MINUTE


def test_a_long_run_keeps_it_to_the_minute() -> None:
    """Out and in again each minute: every entry is at least three minutes after the one before, whichever lane walks it."""
    plan = {k: Target(0, lots=k % 2) for k in range(60)}
    one = play({"a": plan}, [100.0] * 70, limits=every(180.0))
    entries = [minute for minute, signed in sizes(one) if signed > 0]
    assert len(entries) > 8
    assert min(b - a for a, b in pairwise(entries)) >= 3
    assert lots(one, "a") in (0, 1)


def test_what_is_no_time_is_a_mistake() -> None:
    for given in ({"every_s": 0.0}, {"every_s": 1e9}, {"of": {"a": -1.0}}):
        with pytest.raises(Misconfigured, match="LIMIT_VALUE"):
            rules("lab", {"interval": given})
