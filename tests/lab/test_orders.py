"""What became of each order, on prices made by hand: filled, refused with numbers, trimmed, canceled with its entry's leg."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from argosy.core.events import Bar
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Protection, Target
from argosy.core.tape import Tape
from argosy.core.time import DAY
from argosy.house import Terms, Wanted
from argosy.lab.backtest import run
from argosy.lab.orders import Asked, compared, frame, meaning, orders

START = 20_000 * DAY


def tape(rows: list[tuple[float, float, float, float]]) -> Tape:
    """Daily bars of one share: open, high, low, close."""
    ts = START + np.arange(len(rows), dtype=np.int64) * DAY
    prices = dict(zip(("open", "high", "low", "close"), np.array(rows).T, strict=True))
    n = len(rows)
    return Tape(Bar, {"ts": ts, "known": ts + DAY, "instrument": np.zeros(n), "volume": np.full(n, 1e6), "span": np.full(n, DAY), **prices})


class Says:
    """Says at each bar what its script has for it."""

    script: dict[int, Target] = {}

    def __init__(self, params: object = None) -> None:
        self.bar = -1

    def on_bar(self, bar: Any, book: Any) -> Target | None:
        self.bar += 1
        return self.script.get(self.bar)


def walk(script: dict[int, Target], limits: dict[str, dict[str, Any]] | None = None) -> list[Asked]:
    strategy = type("Spoken", (Says,), {"script": script})
    rows = [(100.0, 101.0, 99.0, 100.0)] * 2 + [(100.0, 112.0, 99.0, 110.0)] + [(110.0, 111.0, 109.0, 110.0)] * 3
    terms = Terms(cash=10_000.0, fees="free", slippage_bps=0.0, limits=limits or {})
    instruments = Instruments([Instrument(symbol="AAA", calendar="24/7")])
    outcome = run([Wanted("s", strategy)], (instruments, [tape(rows)], []), terms)
    assert outcome.failures == []
    return orders(outcome)


def test_a_filled_order_says_when_why_and_at_what() -> None:
    (row,) = walk({0: Target(0, lots=10, why="a reason")})
    assert (row.known, row.ended) == (START + DAY, START + DAY)
    assert (row.outcome, row.side, row.units, row.filled, row.price) == ("filled", 1, 10.0, 10.0, 100.0)
    assert (row.symbol, row.strategy, row.kind, row.why, row.code) == ("AAA", "s", "market", "a reason", "")


def test_legs_are_rows_and_the_one_that_was_not_needed_is_canceled() -> None:
    entry, stop, take = walk({0: Target(0, lots=10, protection=Protection(stop=90.0, take=108.0), why="in")})
    assert (stop.parent, take.parent) == (entry.number, entry.number)
    assert (entry.outcome, take.outcome, take.price) == ("filled", "filled", 108.0)
    assert (stop.outcome, stop.stop, stop.filled, stop.price) == ("canceled", 90.0, 0.0, None)


def test_a_refusal_says_which_rule_and_what_it_compared() -> None:
    (row,) = walk({0: Target(0, lots=10, why="more than allowed")}, {"order_size": {"max_lots": 5}})
    assert (row.outcome, row.filled, row.price, row.why) == ("refused", 0.0, None, "more than allowed")
    assert row.code == "MAX_ORDER_QTY"
    assert (row.numbers["lots"], row.numbers["limit_lots"]) == (10, 5)
    assert meaning(row.code)


def test_a_trim_is_no_refusal() -> None:
    (row,) = walk({0: Target(0, lots=50)}, {"position": {"max_pct": 10.0}})
    assert (row.outcome, row.units, row.filled, row.code) == ("filled", 10.0, 10.0, "MAX_POSITION")
    assert row.text == "trimmed from 50 lots to 10"


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ({"order_lots": 80, "limit_pct": 5.0}, "order 80 lots, limit 5\u00a0%"),
        ({"worst_units": 9_575_100_000, "price": 195.98}, "worst $9,575.10, price 195.98"),
        ({"age_ns": 90 * 60 * 10**9, "window_ms": 1_000.0}, "age 90 minutes, window 1,000 ms"),
        ({}, ""),
    ],
)
def test_numbers_are_said_in_their_units(numbers: dict[str, float], said: str) -> None:
    assert compared(numbers) == said


def test_the_table_has_a_row_an_order() -> None:
    rows = walk({0: Target(0, lots=10, why="in"), 2: Target(0, lots=0, why="out")})
    table = frame(rows)
    assert table["side"].to_list() == [1, -1]
    assert table["why"].to_list() == ["in", "out"]
    assert table["price"].to_list() == [100.0, 110.0]
    assert frame([]).height == 0
