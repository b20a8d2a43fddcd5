"""The stop that the house gives an entry without one: by hand, through splits, folds and restarts, and never in the place of a strategy's own."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.core.events import Split
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Ladder, Protection, Rung, Target
from argosy.core.orders import BUY, SELL, Order, Type, Work
from argosy.engine.records import Guarded
from argosy.engine.restart import restart
from tests.walks.hand import NAN, Stage, canceled, fills, lots, play, records, resting, sent

FREE = {"position": {"max_pct": None}, "exposure": {"max_leverage": None}, "duplicate": {"window_ms": None}}


def staged(strategies: Any, **limits: Any) -> Stage:
    return Stage(strategies, profile="desk", limits=FREE | limits)


def legs(effects: Any) -> list[Order]:
    return [leg for effect in effects if hasattr(effect, "approved") for leg in effect.approved.legs]


def stop_of(stage: Stage, strategy: str = "a") -> float:
    protection = stage.state.wishes[strategy, 0].protection
    return NAN if protection is None else protection.stop


def given(stage: Stage) -> list[Guarded]:
    return [record for _, record in stage.engine.journal.records() if type(record) is Guarded]


@pytest.mark.parametrize(
    ("want", "pct", "stop", "price"),
    [
        (Target(0, lots=10), 2.0, 98.0, 100.0),
        (Target(0, lots=-10), 2.0, 102.0, 100.0),
        (Target(0, lots=10), 1.23, 98.77, 100.0),
        (Target(0, lots=10), 1.234, 98.77, 100.0),  # 98.766 goes up to the grid: no later
        (Target(0, lots=-10), 1.234, 101.23, 100.0),  # 101.234 goes down
        (Target(0, lots=10, limit=95.0), 2.0, 93.1, 95.0),  # it cannot pay more than 95
        (Target(0, lots=10, limit=101.0), 2.0, 98.0, 100.0),  # it will hardly pay 101
        (Target(0, lots=-10, limit=105.0), 2.0, 107.1, 105.0),
        (Target(0, lots=10, protection=Protection(take=120.0)), 2.0, 98.0, 100.0),
    ],
)
def test_an_entry_without_a_stop_gets_one_so_far_from_its_price(want: Target, pct: float, stop: float, price: float) -> None:
    stage = staged({"a": {0: want}}, protection={"default_stop_pct": pct})
    effects = stage.bar(100.0)
    (entry,) = sent(effects)
    own = [leg for leg in legs(effects) if leg.tag == "stop"]
    assert [(leg.type, leg.side, leg.lots, leg.stop) for leg in own] == [(Type.STOP, -entry.side, 10, pytest.approx(stop, abs=1e-9))]
    assert [(one.strategy, one.instrument, one.stop, one.price, one.rung) for one in given(stage)] == [("a", 0, own[0].stop, price, "")]
    assert stage.state.counters.refusals == {}
    takes = [leg.limit for leg in legs(effects) if leg.tag == "take"]
    assert takes == ([120.0] if want.protection else [])


@pytest.mark.parametrize(
    ("want", "own"),
    [
        (Target(0, lots=10, protection=Protection(stop=90.0)), 90.0),
        (Target(0, lots=10, protection=Protection(trail=7.0)), NAN),
        (Ladder(0, (Rung("b", BUY, 99.0, 5, protection=Protection(stop=97.0)),)), 97.0),
    ],
)
def test_a_stop_of_its_own_is_left_alone(want: Any, own: float) -> None:
    stage = staged({"a": {0: want}})
    effects = stage.bar(100.0)
    assert [leg.stop for leg in legs(effects) if leg.tag == "stop"] == ([own] if own == own else [])
    assert given(stage) == []


@pytest.mark.parametrize("bad", [Protection(stop=101.0), Protection(stop=100.0)])
def test_a_stop_of_its_own_on_the_wrong_side_is_refused_and_not_mended(bad: Protection) -> None:
    stage = staged({"a": {0: Target(0, lots=10, protection=bad)}})
    assert sent(stage.bar(100.0)) == []
    assert (stage.state.counters.refusals, given(stage)) == ({"PROTECTION_REQUIRED": 1}, [])


def test_nothing_is_given_where_the_owner_said_so_or_no_stop_is_required() -> None:
    refused = staged({"a": {0: Target(0, lots=10)}}, protection={"default_stop_pct": 0.0})
    assert sent(refused.bar(100.0)) == []
    assert (refused.state.counters.refusals, given(refused)) == ({"PROTECTION_REQUIRED": 1}, [])
    free = Stage({"a": {0: Target(0, lots=10)}})
    effects = free.bar(100.0)
    assert (len(sent(effects)), legs(effects), given(free)) == (1, [], [])


def test_where_a_tick_is_more_than_the_distance_it_is_the_next_tick_or_no_entry() -> None:
    """2 % of 0.0010 on a grid of 0.0001: a tick below is 10 %, and is taken; at one tick there is nothing below."""
    table = Instruments([Instrument(symbol="P")])
    stage = Stage({"a": {0: Target(0, lots=10)}}, profile="desk", limits=FREE, table=table)
    assert [leg.stop for leg in legs(stage.bar(0.001))] == [0.0009]
    least = Stage({"a": {0: Target(0, lots=10)}}, profile="desk", limits=FREE, table=Instruments([Instrument(symbol="P")]))
    assert sent(least.bar(0.0001)) == []
    assert least.state.counters.refusals == {"PROTECTION_REQUIRED": 1}


def test_said_again_it_is_no_news_and_what_is_added_shares_the_stop() -> None:
    """10 at 100 with the house's stop at 98; the same again at 101; 15 at 104: its 5 hang on the 98 of the position."""
    stage = staged({"a": {0: Target(0, lots=10), 1: Target(0, lots=10), 2: Target(0, lots=15), 3: Target(0, lots=4)}})
    (entry,) = stage.accept(stage.bar(100.0))
    stage.update(entry.id + 1, Work.ACKED)
    stage.fill(entry.id, 10, 100.0)
    assert stage.bar(101.0) == ()
    effects = stage.bar(104.0)
    assert ([order.lots for order in sent(effects)], [leg.stop for leg in legs(effects)]) == ([5], [98.0])
    assert len(given(stage)) == 1
    (more,) = stage.accept(effects)
    stage.update(more.id + 1, Work.ACKED)
    stage.fill(more.id, 5, 104.0)
    stage.bar(104.0)  # 4 are wanted: exits are asked for nothing, and the levels stand
    assert (len(given(stage)), stop_of(stage)) == (1, 98.0)


def test_a_new_position_gets_a_new_stop_and_a_turn_does_too() -> None:
    """Long at 100, out at 110, long at 120, then straight to short at 130."""
    wants = {0: 10, 1: 0, 2: 10, 3: -10}
    run = play(
        {"a": {k: Target(0, lots=n) for k, n in wants.items()}}, [100.0, 110.0, 120.0, 130.0, 130.0, 130.0, 130.0], profile="desk", limits=FREE,
    )  # fmt: skip
    assert [(one.stop, one.price) for one in records(run, Guarded)] == [(98.0, 100.0), (117.6, 120.0), (132.6, 130.0)]
    assert lots(run, "a") == -10
    assert resting(run) == [("stop", 10, 132.6)]


@pytest.mark.parametrize(
    ("lots", "first", "then", "stop"),
    [(10, 100.0, 95.0, 93.1), (10, 100.0, 110.0, 107.8), (-10, 100.0, 105.0, 107.1), (-10, 100.0, 90.0, 91.8)],
)
def test_an_entry_that_moves_before_it_fills_takes_its_stop_along(lots: int, first: float, then: float, stop: float) -> None:
    """10 bid at 100 with the house's 98, then at 95: a stop above the bid would be refused, and one of 98 under 110 is 11 % away."""
    side = 1 if lots > 0 else -1
    stage = staged({"a": {0: Target(0, lots=lots, limit=first), 1: Target(0, lots=lots, limit=then)}})
    (entry,) = stage.accept(stage.bar(first + side))
    assert canceled(stage.bar(then + side)) == [entry.id]
    assert stop_of(stage) == pytest.approx(first * (1 - 0.02 * side))  # it may fill yet
    stage.reply(entry.id, "cancel")
    effects = stage.update(entry.id, Work.CANCELED)
    assert [(order.limit, order.lots) for order in sent(effects)] == [(then, 10)]
    assert [leg.stop for leg in legs(effects)] == [pytest.approx(stop)] and stop_of(stage) == legs(effects)[0].stop
    assert (len(given(stage)), stage.state.counters.refusals, stage.fold()) == (2, {}, stage.state.hash)


def test_what_has_filled_in_part_keeps_the_stop_it_has() -> None:
    """3 of 10 were bought at 100 with the house's 98; the rest is bid at 110 and shares it: a position has one stop."""
    stage = staged({"a": {0: Target(0, lots=10, limit=100.0), 1: Target(0, lots=10, limit=110.0)}})
    (entry,) = stage.accept(stage.bar(101.0))
    stage.update(entry.id + 1, Work.ACKED)
    stage.fill(entry.id, 3, 100.0)
    stage.bar(111.0)
    stage.reply(entry.id, "cancel")
    effects = stage.update(entry.id, Work.CANCELED)
    assert [(order.lots, order.limit) for order in sent(effects) if not order.tag] == [(7, 110.0)]
    assert (stop_of(stage), len(given(stage))) == (98.0, 1)


def test_a_stop_of_its_own_stays_when_its_entry_moves() -> None:
    """Its own word is meant as it stands: at 95 its 98 guards nothing, and is refused."""
    stage = staged({"a": {0: Target(0, lots=10, limit=100.0, protection=Protection(stop=98.0)), 1: Target(0, lots=10, limit=95.0)}})
    (entry,) = stage.accept(stage.bar(101.0))
    stage.bar(96.0)
    stage.reply(entry.id, "cancel")
    assert sent(stage.update(entry.id, Work.CANCELED)) == []
    assert (given(stage), stage.state.counters.refusals) == ([], {"PROTECTION_REQUIRED": 1})


def test_it_takes_the_position_out_like_any_stop() -> None:
    """Bought at the open of minute 1, 100; minute 2 falls through 98 and the stop fills there; the same wish is no news."""
    run = play(
        {"a": {k: Target(0, lots=10) for k in range(5)}}, [100.0, 100.0, (99.0, 99.0, 97.0, 97.5), 97.5, 97.5], profile="desk", limits=FREE,
    )  # fmt: skip
    assert fills(run) == [(1, 10, 100.0), (3, -10, 98.0)]
    assert lots(run, "a") == 0
    assert len(records(run, Guarded)) == 1


def test_rungs_get_each_their_own_from_their_own_price() -> None:
    """10 are held with a stop at 98. A bid at 99 is guarded by that one; one at 95 is not, and gets its own; an offer is an exit."""
    rungs = (Rung("low", BUY, 95.0, 5), Rung("high", BUY, 99.0, 5), Rung("out", SELL, 105.0, 10))
    stage = staged({"a": {0: Target(0, lots=10), 1: Ladder(0, rungs), 2: Ladder(0, rungs)}})
    (entry,) = stage.accept(stage.bar(100.0))
    stage.update(entry.id + 1, Work.ACKED)
    stage.fill(entry.id, 10, 100.0)
    effects = stage.bar(100.0)
    stage.accept(effects)
    by_tag = {effect.approved.order.tag: [leg.stop for leg in effect.approved.legs] for effect in effects if hasattr(effect, "approved")}
    assert {tag: stops for tag, stops in by_tag.items() if tag.startswith("rung")} == {"rung:low": [93.1], "rung:high": [], "rung:out": []}
    assert [(one.rung, one.stop, one.price) for one in given(stage)] == [("", 98.0, 100.0), ("low", 93.1, 95.0)]
    assert (stage.bar(100.0), len(given(stage))) == ((), 2)


def test_bids_alone_get_each_their_own() -> None:
    stage = staged({"a": {0: Ladder(0, (Rung("low", BUY, 95.0, 5), Rung("high", BUY, 99.0, 5)))}})
    assert sorted(leg.stop for leg in legs(stage.bar(100.0))) == [93.1, 97.02]


def test_of_two_strategies_each_gets_its_own() -> None:
    """a holds 10 of its own stop at 97; b wants 5: b's stop is 98.98, watched by the engine, and one common stop rests at 97."""
    stage = staged({"a": {0: Target(0, lots=10, protection=Protection(stop=97.0))}, "b": {1: Target(0, lots=5)}})
    (entry,) = stage.accept(stage.bar(100.0))
    stage.update(entry.id + 1, Work.ACKED)
    stage.fill(entry.id, 10, 100.0)
    (other,) = stage.accept(stage.bar(101.0))
    assert (other.lots, [(one.strategy, one.stop) for one in given(stage)]) == (5, [("b", 98.98)])
    stage.fill(other.id, 5, 101.0)
    assert (stop_of(stage, "a"), stop_of(stage, "b")) == (97.0, 98.98)
    stage.bar((99.0, 99.0, 98.5, 98.6))
    assert (stage.state.wishes["a", 0].lots, stage.state.wishes["b", 0].lots) == (10, 0)


def test_a_split_moves_it_and_fold_and_restart_know_it() -> None:
    strategies = {"a": {0: Target(0, lots=10), 3: Target(0, lots=0)}}
    stage = staged(strategies)
    (entry,) = stage.accept(stage.bar(100.0))
    stage.update(entry.id + 1, Work.ACKED)
    stage.fill(entry.id, 10, 100.0)
    stage.tell(Split, 0, 2.0)
    assert stop_of(stage) == 49.0
    stage.bar(50.0)
    stage.engine.mark_rows()
    assert stage.fold() == stage.state.hash
    fresh = Stage(strategies, profile="desk", limits=FREE, opened=False)
    relived = restart(fresh.engine, stage.engine.journal.records(), iter(list(stage.rows)))
    assert (fresh.state.hash, relived.differed) == (stage.state.hash, {})
