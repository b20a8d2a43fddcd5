"""Dca's cycle by hand: what it buys, where its safety orders lie, where it sells."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.core.errors import Misuse
from argosy.core.events import Split
from argosy.core.instrument import Instrument
from argosy.core.strategy import declare
from argosy.core.time import MINUTE
from argosy.house import Wanted
from argosy.strategies.dca import Cycle, Dca, Params, safety
from tests.walks.hand import fills, lots, play, resting

GIVEN = {"every": "1h", "part": 0.01, "safety": 2, "drop": 0.1, "scale": 2.0, "take": 0.1}


def test_the_safety_orders() -> None:
    """90, 81 and 72.90 below 100; 10, 15 and 22 lots: 22.5 toward zero."""
    cycle = Cycle(bought=1, size=10, base=100.0)
    rungs = safety(cycle, Params(drop=0.1, scale=1.5, safety=3), Instrument(symbol="AAA"), 1e9)
    assert [(rung.tag, rung.px, rung.lots) for rung in rungs] == [("safety1.1", 90.0, 10), ("safety1.2", 81.0, 15), ("safety1.3", 72.9, 22)]


def test_a_safety_order_that_has_filled_does_not_come_again() -> None:
    cycle = Cycle(bought=1, size=10, base=100.0, met=18)
    rungs = safety(cycle, Params(drop=0.1, scale=1.5, safety=3), Instrument(symbol="AAA"), 1e9)
    assert [(rung.tag, rung.lots) for rung in rungs] == [("safety1.2", 7), ("safety1.3", 22)]


def test_safety_orders_that_cannot_be_paid_are_not_laid() -> None:
    cycle = Cycle(bought=1, size=10, base=100.0)
    params = Params(drop=0.1, scale=1.5, safety=3)
    assert len(safety(cycle, params, Instrument(symbol="AAA"), 900.0 + 1215.0)) == 2
    assert len(safety(cycle, params, Instrument(symbol="AAA"), 900.0 + 1214.0)) == 1


def test_a_whole_cycle() -> None:
    """10 at 100; 10 at 90 make an average of 95; 20 at 81 make 88; all 40 are sold at 88 x 1.1 = 96.80: 352 earned."""
    rows = [100.0, 100.0, (100.0, 100.0, 89.0, 95.0), (95.0, 95.0, 80.0, 85.0), (85.0, 97.0, 85.0, 97.0), 97.0]
    run = play({"d": Wanted("d", Dca, GIVEN)}, rows)
    assert fills(run) == [(1, 10, 100.0), (3, 10, 90.0), (4, 20, 81.0), (5, -40, 96.8)]
    assert run.engine.state.portfolio.cash[0] == 100_352 * 1_000_000
    assert resting(run) == []


def test_what_rests_moves_with_the_average() -> None:
    run = play({"d": Wanted("d", Dca, GIVEN)}, [100.0, 100.0, (100.0, 100.0, 89.0, 95.0)])
    assert [(tag, signed, round(px, 2)) for tag, signed, px in resting(run)] == [("rung:safety1.2", 20, 81.0), ("rung:take", -20, 104.5)]


def test_regular_buys_come_by_the_clock_and_end() -> None:
    """Every two minutes, counted from 1970: known at minutes 1, 2, 4 and 6; three of them at most."""
    given = GIVEN | {"every": "2m", "parts": 3, "safety": 0, "take": 0.0}
    run = play({"d": Wanted("d", Dca, given)}, [100.0] * 10)
    assert fills(run) == [(1, 10, 100.0), (2, 10, 100.0), (4, 10, 100.0)]


def test_it_never_spends_more_than_its_allotment() -> None:
    given = GIVEN | {"every": "1m", "part": 0.4, "parts": 9, "take": 0.0, "safety": 0}
    run = play({"d": Wanted("d", Dca, given)}, [100.0] * 8)
    assert lots(run, "d") == 800


def test_a_new_cycle_begins_after_the_sale() -> None:
    """The sale is known with the bar at whose end it buys anew: 1,001.10 / 111 are 9."""
    given = GIVEN | {"every": "3m", "safety": 0, "parts": 1}
    run = play({"d": Wanted("d", Dca, given)}, [100.0, 100.0, (100.0, 111.0, 100.0, 111.0), 100.0, 100.0])
    assert [(minute, signed) for minute, signed, _ in fills(run)] == [(1, 10), (3, -10), (3, 9)]


def test_a_split_in_the_middle_of_a_cycle() -> None:
    """10 at 100 are 20 at 50; the sale is at 55, and not at 110."""
    at = 2 * MINUTE - 1
    rows = [100.0, 100.0, 50.0, (50.0, 50.0, 44.0, 46.0), (46.0, 60.0, 46.0, 60.0)]
    run = play({"d": Wanted("d", Dca, GIVEN)}, rows, events=[Split(at, at, 0, 2.0)])
    assert fills(run) == [(1, 10, 100.0), (4, 20, 45.0), (5, -40, 52.25)]  # (10 x 100 + 20 x 45) / 40 = 47.50, a tenth more


@pytest.mark.parametrize("params", [{"every": "soon"}, {"part": 0.0}, {"scale": 0.5}])
def test_what_makes_no_sense_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(Misuse, match="STRATEGY_PARAM"):
        declare(Dca, **params)
