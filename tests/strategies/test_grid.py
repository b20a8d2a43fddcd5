"""The grid's lines by hand, and its laws over all that may be held."""

from __future__ import annotations

import math
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core.instrument import Instrument
from argosy.core.intents import Ladder, Rung
from argosy.core.orders import BUY, SELL
from argosy.strategies.grid import Center, Grid, Params, lines

STOCK = Instrument(symbol="AAA")
PLENTY = 1e12


def table(
    center: Center, held: int, levels: int = 2, room: float = PLENTY, row: Instrument = STOCK
) -> list[tuple[str, float, int]]:
    """(tag, price, signed lots) of each rung, lines 10 % apart."""
    return [
        (rung.tag, rung.px, rung.side * rung.lots) for rung in lines(center, held, levels, 0.1, row, room)
    ]


def test_it_begins_with_buys_below() -> None:
    # 100 / 1.1 = 90.909 -> 90.90, 100 / 1.21 = 82.644 -> 82.64: rounded down, we pay less
    assert table(Center(100.0, 10, 0, 0), 0) == [("buy-1", 90.90, 10), ("buy-2", 82.64, 10)]


def test_a_bought_line_is_sold_one_line_up() -> None:
    assert table(Center(100.0, 10, 0, 0), 10) == [("buy-2", 82.64, 10), ("sell0", 100.0, -10)]
    # 90.909 -> 90.91: rounded up, we get more
    assert table(Center(100.0, 10, 0, 0), 20) == [("sell-1", 90.91, -10), ("sell0", 100.0, -10)]


def test_a_line_filled_in_part_is_bought_out_and_sold_in_part() -> None:
    assert table(Center(100.0, 10, 0, 0), 4) == [
        ("buy-1", 90.90, 6),
        ("buy-2", 82.64, 10),
        ("sell0", 100.0, -4),
    ]
    assert table(Center(100.0, 10, 0, 0), 14) == [
        ("buy-2", 82.64, 6),
        ("sell-1", 90.91, -4),
        ("sell0", 100.0, -10),
    ]


def test_what_was_held_is_sold_above() -> None:
    center = Center(100.0, 10, 25, 25)
    assert table(center, 25) == [
        ("buy-1", 90.90, 10),
        ("buy-2", 82.64, 10),
        ("sell1", 110.0, -10),
        ("sell2", 121.0, -15),
    ]
    # ten sold on line 1: they are bought back on line 0, the rest goes on line 2
    assert table(center, 15) == [
        ("buy0", 100.0, 10),
        ("buy-1", 90.90, 10),
        ("buy-2", 82.64, 10),
        ("sell2", 121.0, -15),
    ]


def test_buys_stop_where_the_money_ends() -> None:
    assert table(Center(100.0, 10, 0, 0), 0, room=909.0) == [("buy-1", 90.90, 10)]
    assert table(Center(100.0, 10, 0, 0), 0, room=908.9) == []


def test_small_prices_have_small_ticks_and_multipliers_cost_more() -> None:
    assert table(Center(0.5, 10, 0, 0), 0) == [("buy-1", 0.4545, 10), ("buy-2", 0.4132, 10)]
    future = Instrument(symbol="F", multiplier=Decimal(50), tick=Decimal("0.25"))
    assert table(Center(100.0, 1, 0, 0), 0, room=90.75 * 50, row=future) == [("buy-1", 90.75, 1)]


def test_orders_below_the_smallest_are_left_out() -> None:
    coarse = Instrument(symbol="C", min_lots=5)
    assert table(Center(100.0, 10, 0, 0), 7, row=coarse) == [("buy-2", 82.64, 10), ("sell0", 100.0, -7)]


@settings(max_examples=300)
@given(
    st.floats(0.9, 5000.0), st.integers(1, 500), st.integers(0, 5000), st.integers(0, 9000),
    st.integers(1, 20), st.floats(0.001, 0.3), st.floats(0.0, 1e6),
)  # fmt: skip
def test_laws_of_the_lines(
    reference: float, size: int, base: int, held: int, levels: int, spacing: float, room: float
) -> None:
    rungs = lines(Center(reference, size, base, held), held, levels, spacing, STOCK, room)
    buys = [rung for rung in rungs if rung.side == BUY]
    sells = [rung for rung in rungs if rung.side == SELL]
    assert len(buys) + len(sells) == len(rungs) == len({rung.tag for rung in rungs})
    assert sum(rung.lots for rung in sells) <= held, "it sells more than it holds"
    if held >= base - levels * size:  # within what the lines can have brought about
        assert sum(rung.lots for rung in sells) == held, "something held has no way out"
    assert sum(rung.lots * rung.px for rung in buys) <= room * (1.0 + 1e-12), "it borrows"
    assert all(rung.lots > 0 and rung.px > 0.0 for rung in rungs)
    assert all(rung.lots <= size for rung in buys)
    if buys and sells:
        assert max(rung.px for rung in buys) < min(rung.px for rung in sells), "it would trade with itself"


class Pocket:
    """A Book of one instrument with set numbers."""

    instruments = (0,)
    now = 1

    def __init__(self, mark: float, lots: int = 0, equity: float = 10_000.0) -> None:
        self.price, self.held, self.equity = mark, lots, equity
        self.closes = [math.nan, math.nan]
        self.open_orders = 0

    def window(self, instrument: int, n: int) -> Any:
        return np.array([[0.0, 0.0, 0.0, close, 0.0] for close in self.closes[-n:]])

    def resting(self, instrument: int) -> tuple[None, ...]:
        return (None,) * self.open_orders

    def mark(self, instrument: int) -> float:
        return self.price

    def lots(self, instrument: int) -> int:
        return self.held

    def instrument(self, key: int) -> Instrument:
        return STOCK


def asked(grid: Grid, book: Any) -> Ladder | None:
    book.closes.append(book.price)
    book.now += 1
    return grid.on_bar(SimpleNamespace(instrument=0, close=book.price), book)  # type: ignore[arg-type]


def test_the_grid_is_laid_followed_and_laid_anew() -> None:
    grid = Grid(Params(levels=2, spacing=0.1, invest=1.0))
    book = Pocket(100.0)
    first = asked(grid, book)
    assert first is not None
    assert [(rung.tag, rung.lots) for rung in first.rungs] == [
        ("buy-1", 50),
        ("buy-2", 50),
    ]  # 10000 / (2 * 100)
    assert first.why == "grid: laid about 100"
    book.open_orders = 2
    assert asked(grid, book) is None, "nothing has happened"
    book.price, book.held = 90.0, 50
    after = asked(grid, book)
    assert after is not None
    assert after.why == "grid: holds 50 lots"
    assert [rung.tag for rung in after.rungs] == ["buy-2", "sell0"]
    assert grid.on_fill(SimpleNamespace(instrument=0), book) is None, "that fill is followed already"  # type: ignore[arg-type]
    book.price, book.held, book.equity = 121.0, 0, 10_500.0
    assert asked(grid, book) is not None
    book.price = 121.1
    anew = asked(grid, book)
    assert anew is not None
    assert anew.why == "grid: 121.1 has left the lines about 100"
    assert [(rung.px, rung.lots) for rung in anew.rungs] == [
        (110.09, 43),
        (100.08, 43),
    ]  # 10500 / (2 * 121.1) = 43.35


def test_a_grid_that_fell_out_sells_above_and_buys_with_what_is_left() -> None:
    grid = Grid(Params(levels=2, spacing=0.1, invest=1.0))
    book = Pocket(100.0)
    asked(grid, book)
    book.price, book.held, book.equity = 80.0, 100, 9_000.0
    fallen = asked(grid, book)
    assert fallen is not None
    # 9000 / (2 * 80) = 56 a line; 1000 are left, 56 * 72.72 = 4072 is more than that
    assert [(rung.tag, rung.px, rung.lots) for rung in fallen.rungs] == [
        ("sell1", 88.0, 56),
        ("sell2", 96.8, 44),
    ]


def test_missing_orders_are_asked_for_once_more() -> None:
    grid = Grid(Params(levels=2, spacing=0.1, invest=1.0))
    book = Pocket(100.0)
    first = asked(grid, book)
    book.open_orders = 1
    again = asked(grid, book)
    assert first is not None
    assert again is not None
    assert (again.rungs, again.why) == (first.rungs, "grid: 1 orders are missing")
    assert asked(grid, book) is None, "it does not insist"
    book.open_orders = 2
    assert asked(grid, book) is None
    book.open_orders = 1
    assert asked(grid, book) is not None, "they were there, and are missing again"


def test_a_split_lays_the_grid_anew_however_wide_it_is() -> None:
    grid = Grid(Params(levels=50, spacing=0.1, invest=1.0))
    book = Pocket(100.0)
    asked(grid, book)
    book.price, book.held = 91.0, 2
    assert asked(grid, book) is not None
    book.closes = [close / 4.0 for close in book.closes]  # four for one
    book.price, book.held = 23.0, 4
    fill: Any = SimpleNamespace(instrument=0)
    assert grid.on_fill(fill, book) is None, "the lines are old prices"  # type: ignore[arg-type]
    anew = asked(grid, book)
    assert anew is not None
    assert anew.why == "grid: laid anew about 23 after a split or a pause"
    assert anew.rungs[0] == Rung("buy-1", BUY, 20.9, 8)  # 10000 / (50 * 23) = 8.7 lots on 23 / 1.1 = 20.909
    assert [(rung.tag, rung.px, rung.lots) for rung in anew.rungs if rung.side == SELL] == [
        ("sell1", 25.3, 4)
    ]
    book.price, book.held = 20.0, 12
    book.closes.append(20.0)
    assert grid.on_fill(fill, book) is not None, "its own prices again"  # type: ignore[arg-type]


def test_no_grid_where_the_budget_is_too_small() -> None:
    assert asked(Grid(Params(levels=5)), Pocket(100.0, equity=500.0)) is None
    assert asked(Grid(Params(levels=5)), Pocket(float("nan"))) is None
