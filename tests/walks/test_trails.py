"""HEART §5: a trailing stop is followed by the venue, also where several strategies hold the instrument."""

from __future__ import annotations

from argosy.core.intents import Protection, Target
from tests.walks.hand import fills, lots, play, resting


def test_a_trail_lives_on_when_another_strategy_buys() -> None:
    """a holds 10 and trails by 5, b buys 10 without a stop. The price goes 100, 110, 104: a is out at 105, b stays."""
    rows = [100.0, 100.0, 100.0, (100.0, 110.0, 100.0, 110.0), (109.0, 109.0, 104.0, 104.0), 104.0]
    run = play({"a": {0: Target(0, lots=10, protection=Protection(trail=5.0))}, "b": {1: Target(0, lots=10)}}, rows)
    assert (lots(run, "a"), lots(run, "b")) == (0, 10)
    assert fills(run)[-1] == (5, -10, 105.0)


def test_a_trail_and_a_stop_beside_it_are_no_more_than_is_held() -> None:
    wants = {"a": {0: Target(0, lots=10, protection=Protection(trail=5.0))}, "b": {1: Target(0, lots=6, protection=Protection(stop=90.0))}}
    run = play(wants, [100.0] * 5)
    assert sorted((tag, signed) for tag, signed, _ in resting(run)) == [("stop", -6), ("trail", -10)]


def test_a_trail_wanted_where_two_hold_already_is_sent() -> None:
    wants = {"a": {0: Target(0, lots=10), 2: Target(0, lots=10, protection=Protection(trail=3.0))}, "b": {0: Target(0, lots=6)}}
    run = play(wants, [100.0] * 5)
    assert [(tag, signed) for tag, signed, _ in resting(run)] == [("trail", -10)]
