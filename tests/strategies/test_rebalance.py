"""When Rebalance trades and for what, by hand on a book with set numbers."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.core.errors import Misuse
from argosy.core.instrument import Instrument
from argosy.core.intents import Hold, Target
from argosy.core.strategy import declare
from argosy.core.time import DAY
from argosy.strategies.rebalance import Params, Rebalance

ROWS = (Instrument(symbol="AAA", id=0), Instrument(symbol="BBB", id=1))


class Pocket:
    """A Book of two instruments with set numbers."""

    instruments = (0, 1)

    def __init__(self) -> None:
        self.now = 10 * DAY
        self.equity = 10_000.0
        self.marks = [100.0, 50.0]
        self.held = [0, 0]
        self.working: tuple[object, ...] = ()

    def mark(self, instrument: int) -> float:
        return self.marks[instrument]

    def lots(self, instrument: int) -> int:
        return self.held[instrument]

    def resting(self, instrument: int) -> tuple[object, ...]:
        return self.working

    def instrument(self, key: int) -> Instrument:
        return ROWS[key]


def asked(strategy: Rebalance, book: Any) -> dict[int, float]:
    """Wanted weight by instrument; each comes with a Hold before it, so that it is evaluated anew."""
    intents = strategy.on_instant(book) or ()
    targets = [intent for intent in intents if isinstance(intent, Target)]
    holds = [intent for intent in intents if isinstance(intent, Hold)]
    assert [hold.instrument for hold in holds] == [target.instrument for target in targets]
    assert [type(intent) for intent in intents] == [Hold, Target] * len(targets)
    return {target.instrument: target.weight or 0.0 for target in targets}


def test_equal_weights_less_the_reserve() -> None:
    assert asked(Rebalance(Params(reserve=0.1)), Pocket()) == {0: 0.45, 1: 0.45}


def test_named_weights_leave_the_others_alone() -> None:
    assert asked(Rebalance(Params(weights={"BBB": 0.4}, reserve=0.0)), Pocket()) == {1: 0.4}
    assert asked(Rebalance(Params(weights={"AAA": 0.7, "BBB": -0.3}, reserve=0.0)), Pocket()) == {
        0: 0.7,
        1: -0.3,
    }


def test_it_begins_with_those_that_have_a_price() -> None:
    strategy, book = Rebalance(Params()), Pocket()
    book.marks[1] = float("nan")
    assert asked(strategy, book) == {0: 0.99}
    book.marks[1] = 50.0
    assert len(asked(strategy, book)) == 2


@pytest.mark.parametrize(
    ("days", "trades"),
    [
        ([10, 11, 13], [True, False, False]),
        ([10, 14], [True, True]),
        ([10, 27, 28, 29], [True, True, True, False]),
    ],
)
def test_by_the_calendar(days: list[int], trades: list[bool]) -> None:
    """Spans are counted from 1970: with 7 days the edges are days 7, 14, 21, 28."""
    strategy, book = Rebalance(Params(every="1w", band=0.0)), Pocket()
    seen = []
    for day in days:
        book.now = day * DAY
        seen.append(bool(asked(strategy, book)))
    assert seen == trades


def test_by_drift() -> None:
    strategy, book = Rebalance(Params(every="", band=0.05, reserve=0.0)), Pocket()
    assert asked(strategy, book) == {0: 0.5, 1: 0.5}
    book.held = [50, 100]
    assert asked(strategy, book) == {}
    book.marks, book.equity = [121.0, 50.0], 11_050.0  # 6050 / 11050 = 54.75 %
    assert asked(strategy, book) == {}
    book.marks, book.equity = [123.0, 50.0], 11_150.0  # 6150 / 11150 = 55.16 %
    book.working = (object(),)
    assert asked(strategy, book) == {}, "its orders are still working"
    book.working = ()
    intents = strategy.on_instant(book)  # type: ignore[arg-type]
    assert intents is not None
    assert intents[1].why == "rebalance: AAA drifted to 55.2%, AAA to 50.0%"


def test_a_short_drifts_as_well() -> None:
    strategy, book = Rebalance(Params(weights={"AAA": -0.5}, every="", band=0.05, reserve=0.0)), Pocket()
    asked(strategy, book)
    book.held = [-50, 0]
    assert asked(strategy, book) == {}
    book.marks = [120.0, 50.0]
    book.equity = 9_000.0  # -6000 / 9000 = -66.7 %
    assert asked(strategy, book) == {0: -0.5}


def test_a_weight_of_a_stranger_is_refused() -> None:
    with pytest.raises(Misuse, match="REBALANCE_SYMBOL"):
        Rebalance(Params(weights={"ZZZ": 0.4})).on_instant(Pocket())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "params", [{"every": "soon"}, {"weights": {"AAA": 0.7, "BBB": -0.4}}, {"weights": {"AAA": 1.5}}]
)
def test_parameters_that_clash_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(Misuse, match="STRATEGY_PARAM"):
        declare(Rebalance, **params)
