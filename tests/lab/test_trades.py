"""Round trips against sums on paper, and the law that their money is the account's money."""

import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core.time import DAY
from argosy.lab.result import fill_frame
from argosy.lab.trades import Ratio, round_trips, tally
from tests.lab.conftest import START, M, fill, frame


def trips(*rows, **more) -> list[dict]:
    return round_trips(fill_frame(frame(*rows)), **more).to_dicts()


def test_a_long_trip_in_two_entries_and_two_exits():
    (trip,) = trips(
        fill(0, "A", 1, 10, 10.0, 1.0, why="in"),
        fill(1, "A", 1, 30, 14.0),
        fill(2, "A", -1, 20, 15.0, 2.0),
        fill(5, "A", -1, 20, 12.0, why="out"),
    )
    assert trip["units"] == 40.0
    assert trip["entry_price"] == 13.0  # (10 x 10 + 30 x 14) / 40
    assert trip["exit_price"] == 13.5
    assert trip["pnl"] == (540 - 520 - 3) * M
    assert trip["fees"] == 3 * M
    assert trip["return_frac"] == pytest.approx(17 / 520)
    assert trip["held_ns"] == 5 * DAY
    assert (trip["why_in"], trip["why_out"], trip["open"], trip["fills"], trip["side"]) == (
        "in",
        "out",
        False,
        4,
        1,
    )


def test_a_short_trip_gains_when_the_price_falls():
    (trip,) = trips(fill(0, "A", -1, 4, 50.0), fill(1, "A", 1, 4, 45.0, 0.25))
    assert (trip["side"], trip["pnl"]) == (-1, 19_750_000)


def test_a_fill_that_crosses_zero_ends_one_trip_and_begins_the_next():
    first, second = trips(
        fill(0, "A", 1, 10, 10.0), fill(1, "A", -1, 30, 11.0, 0.3), marks={"A": 9.0}, now=START + 3 * DAY
    )
    assert (first["pnl"], first["fees"], first["open"]) == (10 * M - 100_000, 100_000, False)
    assert (second["side"], second["units"], second["entry_price"], second["open"], second["left"]) == (
        -1,
        20.0,
        11.0,
        True,
        None,
    )
    assert second["pnl"] == 40 * M - 200_000  # 20 x (11 - 9), less its two thirds of the fee
    assert (second["exit_price"], second["held_ns"]) == (9.0, 2 * DAY)


def test_an_open_trip_without_a_mark_has_no_profit():
    (trip,) = trips(fill(0, "A", 1, 10, 10.0))
    assert (trip["pnl"], trip["return_frac"], trip["exit_price"], trip["open"]) == (None, None, None, True)


def test_strategies_and_symbols_are_apart():
    found = trips(fill(0, "A", 1, 1, 10.0, strategy="x"), fill(0, "B", 1, 1, 10.0, strategy="x"), fill(1, "A", -1, 1, 12.0, strategy="y"),
                  fill(2, "A", -1, 1, 11.0, strategy="x"))  # fmt: skip
    assert [(t["strategy"], t["symbol"], t["open"]) for t in found] == [
        ("x", "A", False),
        ("x", "B", True),
        ("y", "A", True),
    ]
    assert found[0]["pnl"] == 1 * M


def test_a_split_rescales_the_position_and_prices_are_in_new_units():
    (trip,) = trips(
        fill(0, "A", 1, 10, 30.0), fill(4, "A", -1, 20, 16.0), splits=[Ratio(START + 2 * DAY, "A", 2.0)]
    )
    assert (trip["units"], trip["entry_price"], trip["exit_price"], trip["pnl"]) == (20.0, 15.0, 16.0, 20 * M)


def test_a_split_is_before_a_fill_of_its_own_time():
    (trip,) = trips(
        fill(0, "A", 1, 10, 30.0), fill(2, "A", -1, 20, 16.0), splits=[Ratio(START + 2 * DAY, "A", 2.0)]
    )
    assert (trip["open"], trip["pnl"]) == (False, 20 * M)


def test_a_fraction_of_a_lot_leaves_as_cash_at_the_split():
    (trip,) = trips(
        fill(0, "A", 1, 3, 10.0), fill(4, "A", -1, 4, 8.0), splits=[Ratio(START + DAY, "A", 1.5, 6.0)]
    )
    assert trip["open"] is False
    assert trip["pnl"] == (4 * 8 + 3 - 30) * M  # half a share was paid at 6


def test_a_position_smaller_than_a_share_after_a_reverse_split_is_closed_in_cash():
    (trip,) = trips(fill(0, "A", 1, 3, 1.0), splits=[Ratio(START + DAY, "A", 0.1, 12.0)], now=START + 9 * DAY)
    assert (trip["open"], trip["pnl"], trip["why_out"]) == (False, 600_000, "split: cash in lieu")


def test_shared_fractions_go_to_the_largest_then_to_the_first_name():
    found = trips(
        fill(0, "A", 1, 1, 10.0, strategy="x"), fill(0, "A", 1, 1, 10.0, strategy="y"),
        fill(2, "A", -1, 2, 8.0, strategy="x"), fill(2, "A", -1, 1, 8.0, strategy="y"),
        splits=[Ratio(START + DAY, "A", 1.5, 6.0)],
    )  # fmt: skip
    assert [t["open"] for t in found] == [False, False]  # the account keeps 3: x has 2, y has 1
    assert [t["pnl"] for t in found] == [(16 - 10 - 3) * M, (8 - 10 + 3) * M]


def test_tally_counts_closed_trips_only():
    table = round_trips(fill_frame(frame(
        fill(0, "A", 1, 1, 10.0), fill(1, "A", -1, 1, 13.0), fill(2, "A", 1, 1, 10.0), fill(3, "A", -1, 1, 9.0), fill(4, "A", 1, 1, 10.0)
    )), marks={"A": 99.0})  # fmt: skip
    found = tally(table)
    assert (found["trades"], found["open_trades"], found["win_rate"], found["profit_factor"]) == (
        2,
        1,
        0.5,
        3.0,
    )
    assert (found["best_frac"], found["worst_frac"], found["average_frac"]) == (0.3, -0.1, pytest.approx(0.1))


def test_tally_of_nothing_is_undefined_and_of_no_loss_infinite():
    assert math.isnan(tally(round_trips(fill_frame()))["win_rate"])
    assert (
        tally(round_trips(fill_frame(frame(fill(0, "A", 1, 1, 1.0), fill(1, "A", -1, 1, 2.0)))))[
            "profit_factor"
        ]
        == math.inf
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("AB"),
            st.sampled_from("xy"),
            st.sampled_from([1, -1]),
            st.integers(1, 9),
            st.integers(100, 999),
            st.integers(0, 99),
        ),
        max_size=30,
    )
)
def test_the_money_of_all_trips_is_the_money_of_all_fills(orders):
    rows = [
        fill(k, symbol, side, lots, cents / 100, fee / 100, strategy=who)
        for k, (symbol, who, side, lots, cents, fee) in enumerate(orders)
    ]
    fills = fill_frame(frame(*rows)) if rows else fill_frame()
    table = round_trips(fills, marks={"A": 5.0, "B": 7.0})
    held = {symbol: sum(row[6] * row[7] for row in rows if row[2] == symbol) for symbol in "AB"}
    worth = held["A"] * 5 * M + held["B"] * 7 * M
    assert table["pnl"].sum() == worth - fills["notional"].sum() - fills["fee"].sum()
    assert table["fees"].sum() == fills["fee"].sum()
    assert table.filter(~pl.col("open"))["left"].null_count() == 0
