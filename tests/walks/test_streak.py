"""CONSECUTIVE_LOSSES counts trades from flat to flat, by strategy, with their fees; every figure here is computed by hand."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.core.events import Adjust
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Target
from argosy.core.orders import Work
from argosy.engine.counters import Counters
from argosy.engine.journal import Verdict
from argosy.house import Wanted, assemble
from tests.walks.hand import USD, Stage, sent, tape, terms


def trade(stage: Stage, effects: Any, *parts: tuple[int, float, int]) -> None:
    """Accept the one order of the effects, and fill it in parts: (signed lots, price, fee in units)."""
    (order,) = stage.accept(effects)
    for signed, price, fee in parts:
        stage.fill(order.id, signed, price, fee=fee)


def losses(stage: Stage, strategy: str = "a") -> int:
    return stage.state.counters.losses.get(strategy, 0)


def test_a_losing_trade_closed_in_five_parts_is_one_loss() -> None:
    stage = Stage({"a": {0: Target(0, lots=10), 1: Target(0, lots=0)}})
    trade(stage, stage.bar(10.0), (10, 10.0, 0))
    (out,) = stage.accept(stage.bar(9.0))
    for part in range(5):
        assert losses(stage) == 0, part
        stage.fill(out.id, -2, 9.0)
    assert losses(stage) == 1
    assert stage.fold() == stage.state.hash


def test_a_trade_that_is_reduced_at_a_loss_and_ends_with_a_gain_is_none() -> None:
    """Ten at 10: four sold at 9 lose 4, six at 11 win 6: the trade won 2."""
    stage = Stage({"a": {0: Target(0, lots=10), 1: Target(0, lots=6), 2: Target(0, lots=0)}})
    trade(stage, stage.bar(10.0), (10, 10.0, 0))
    trade(stage, stage.bar(9.0), (-4, 9.0, 0))
    assert losses(stage) == 0 and stage.state.counters.trips == {("a", 0): -4 * USD}
    trade(stage, stage.bar(11.0), (-6, 11.0, 0))
    assert losses(stage) == 0 and stage.state.counters.trips == {}


@pytest.mark.parametrize(("fee", "count"), [(100_000, 0), (499_999, 0), (500_000, 0), (500_001, 1)])
def test_the_fees_of_entry_and_exit_are_the_trades_own(fee: int, count: int) -> None:
    """Ten shares a dime better: a gain of 1.00, of which each of the two executions takes its fee; at 0.50 each nothing is left."""
    stage = Stage({"a": {0: Target(0, lots=10), 1: Target(0, lots=0)}})
    trade(stage, stage.bar(10.0), (10, 10.0, fee))
    trade(stage, stage.bar(10.1), (-10, 10.1, fee))
    assert losses(stage) == count


def test_what_was_booked_by_hand_is_no_part_of_the_next_trade() -> None:
    """Ten at 10, five sold at 8 lose 10; the other five are gone at the venue and are booked so. Five at 8, out at 9, win 5: no loss."""
    stage = Stage({"a": {0: Target(0, lots=10), 1: Target(0, lots=5), 2: Target(0, lots=0), 3: Target(0, lots=5), 4: Target(0, lots=0)}})
    trade(stage, stage.bar(10.0), (10, 10.0, 0))
    trade(stage, stage.bar(8.0), (-5, 8.0, 0))
    for order in sent(stage.bar(8.0)):
        stage.reply(order.id, "submit", "refused", "NO_POSITION")
    stage.tell(Adjust, 0, -5, 8.0, 0, "", "by hand", strategy="a")
    assert (stage.lots("a"), stage.state.counters.trips) == (0, {})
    for order in [ticket.order for ticket in stage.state.blotter.open[0].values()]:
        stage.update(order.id, Work.CANCELED)
    trade(stage, stage.bar(8.0), (5, 8.0, 0))
    trade(stage, stage.bar(9.0), (-5, 9.0, 0))
    assert (stage.lots("a"), losses(stage), stage.fold()) == (0, 0, stage.state.hash)


def test_one_execution_that_turns_the_position_ends_a_trade_and_begins_another() -> None:
    """Long 10 at 10, sold 15 at 10.10 for a fee of 1.50: 1.00 for the ten shares of it, so nothing won; 0.50 begins the short."""
    counters = Counters()
    counters.on_traded("a", 0, 10, 10, 0, 0)
    counters.on_traded("a", 0, -5, -15, 1_000_000, 1_500_000)
    assert counters.losses == {} and counters.trips == {("a", 0): -500_000}
    counters.on_traded("a", 0, 0, 5, 400_000, 0)  # 0.40 won, 0.50 paid
    assert counters.losses == {"a": 1} and counters.trips == {}


def test_strategies_and_instruments_are_counted_apart() -> None:
    counters = Counters()
    for strategy, i, earned in (("a", 0, -1), ("b", 0, -1), ("a", 1, -1), ("a", 0, 5), ("b", 1, -1)):
        counters.on_traded(strategy, i, 1, 1, 0, 0)
        counters.on_traded(strategy, i, 0, -1, earned, 0)
    assert counters.losses == {"b": 2}


def test_what_two_cross_inside_ends_the_trade_of_who_gets_out() -> None:
    stage = Stage({"a": {0: Target(0, lots=10), 2: Target(0, lots=0)}, "b": {2: Target(0, lots=10)}})
    trade(stage, stage.bar(10.0), (10, 10.0, 0))
    stage.bar(9.5)
    assert sent(stage.bar(9.0)) == []
    assert (stage.lots("a"), stage.lots("b"), losses(stage), losses(stage, "b")) == (0, 10, 1, 0)
    assert stage.fold() == stage.state.hash


def test_the_rule_pauses_after_trades_and_not_after_executions() -> None:
    """Two trades, each closed in two parts at a loss: with three allowed the third entry goes, with two it does not."""
    for most, orders in ((3, 1), (2, 0)):
        plan = {k: Target(0, lots=10 * (k % 2 == 0)) for k in range(5)}
        stage = Stage({"a": plan}, limits={"losing_streak": {"max_losses": most}})
        for _ in range(2):
            trade(stage, stage.bar(10.0), (10, 10.0, 0))
            trade(stage, stage.bar(9.0), (-5, 9.0, 0), (-5, 9.0, 0))
        assert losses(stage) == 2
        assert len(sent(stage.bar(10.0))) == orders
        refused = [one.outcome.code for _, one in stage.engine.journal.records() if isinstance(one, Verdict)]
        assert refused == [] if orders else ["CONSECUTIVE_LOSSES"]


class Flips:
    """Ten, then five, then none, again and again."""

    unit = "lots"

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        k = row.ts // 60_000_000_000 % 3
        out.target = 10.0 if k == 0 else 5.0 if k == 1 else 0.0


def test_machine_code_counts_the_same_trades() -> None:
    """Bought at 10.00, half sold at 9.80 and half at 10.10, a loss of 0.50: nineteen trades are over, the twentieth is half sold."""
    data = Instruments([Instrument(symbol="S0")]), [tape([(10.1, 10.0, 9.8)[k % 3] for k in range(60)])], []
    states = []
    for start in (1, 10**9):
        run = assemble([Wanted("a", Flips)], data, terms(), scan_from=start)
        run.go()
        states.append(run.engine.state)
    assert [state.counters.losses for state in states] == [{"a": 19}] * 2
    assert [state.counters.trips[("a", 0)] for state in states] == [-1 * USD] * 2
    assert states[0].hash == states[1].hash
