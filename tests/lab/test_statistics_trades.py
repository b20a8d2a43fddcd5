"""Excursions of trades bar by bar, groups that add up, and labels that know no future."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core.errors import Misuse
from argosy.core.events import Bar
from argosy.core.instrument import Instrument, Instruments
from argosy.core.tape import Tape
from argosy.core.time import DAY, HOUR, parse
from argosy.lab.result import fill_frame
from argosy.lab.statistics import (
    GROUPS,
    Labels,
    Range,
    by_step,
    by_trade,
    excursions,
    ranges,
    statistics,
    volatility_terciles,
)
from argosy.lab.trades import Ratio, round_trips
from argosy.lab.verdict import conclude
from tests.lab.conftest import START, M, fill, frame

LOW = [9.0, 7.0, 8.0, 5.0, 4.0, 6.0, 3.0]
HIGH = [11.0, 12.0, 13.0, 14.0, 16.0, 12.0, 18.0]


def bars(low: list[float] = LOW, high: list[float] = HIGH) -> dict[str, Range]:
    """Bars of whole days from START on."""
    at = START + np.arange(len(low)) * DAY
    return {"A": Range(at, at + DAY, np.array(high), np.array(low))}


def trips(*fills: tuple, splits: list[Ratio] | None = None, marks: dict[str, float] | None = None, now: int | None = None):
    return round_trips(fill_frame(frame(*fills)), splits=splits or [], marks=marks, now=now)


CASES = [
    # name, fills, MAE, MFE, bars
    ("long: bars 1, 2, 3 lie inside; the bar that opens with the exit does not", (fill(1, "A", 1, 1, 10.0), fill(4, "A", -1, 1, 11.0)), 0.5, 0.4, 3),
    ("short: the other way round", (fill(1, "A", -1, 1, 10.0), fill(4, "A", 1, 1, 11.0)), 0.4, 0.5, 3),
    ("entered inside a bar: it began before", (fill(1.5, "A", 1, 1, 10.0), fill(3, "A", -1, 1, 11.0)), 0.2, 0.3, 1),
    ("ended inside a bar: only the exit's price", (fill(1, "A", 1, 1, 10.0), fill(3.5, "A", -1, 1, 4.0)), 0.6, 0.3, 2),
    ("in and out at once", (fill(1, "A", 1, 1, 10.0), fill(1.5, "A", -1, 1, 10.5)), 0.0, 0.05, 0),
    ("a gain from the first moment has no adverse move", (fill(1, "A", 1, 1, 2.0), fill(3, "A", -1, 1, 11.0)), 0.0, 5.5, 2),
    ("scaled in: against the average price", (fill(1, "A", 1, 1, 8.0), fill(2, "A", 1, 1, 12.0), fill(4, "A", -1, 2, 10.0)), 0.5, 0.4, 3),
]  # fmt: skip


@pytest.mark.parametrize(("name", "fills", "mae", "mfe", "count"), CASES, ids=[row[0] for row in CASES])
def test_excursions_by_hand(name: str, fills: tuple, mae: float, mfe: float, count: int) -> None:
    whole = tuple((int(row[0]), int(row[1]), *row[2:]) for row in fills)
    (trip,) = excursions(trips(*whole), bars()).to_dicts()
    assert (trip["mae_frac"], trip["mfe_frac"], trip["bars"]) == (pytest.approx(mae), pytest.approx(mfe), count)


def test_bars_before_a_split_count_in_the_units_after_it() -> None:
    """Bought at 10; lows 7 and 8, then two for one, lows 5 and 4 of the new units: entry 5, lowest 3.5; highs 12, 13, 14, 16."""
    split = Ratio(START + 3 * DAY, "A", 2.0)
    (trip,) = excursions(trips(fill(1, "A", 1, 1, 10.0), fill(5, "A", -1, 2, 5.0), splits=[split]), bars(), [split]).to_dicts()
    assert trip["entry_price"] == 5.0
    assert trip["mae_frac"] == pytest.approx((5.0 - 3.5) / 5.0) and trip["mfe_frac"] == pytest.approx((16.0 - 5.0) / 5.0)
    later = [split, Ratio(START + 6 * DAY, "A", 10.0)]
    (same,) = excursions(trips(fill(1, "A", 1, 1, 10.0), fill(5, "A", -1, 2, 5.0), splits=later), bars(), later).to_dicts()
    assert same["mae_frac"] == trip["mae_frac"], "a split after the trade is none of its"


def test_open_trades_and_symbols_without_bars() -> None:
    found = excursions(trips(fill(1, "A", 1, 1, 10.0), fill(1, "B", 1, 1, 10.0), marks={"A": 10.0}), bars()).to_dicts()
    assert (found[0]["mae_frac"], found[0]["mfe_frac"], found[0]["bars"]) == (pytest.approx(0.7), pytest.approx(0.8), 6)
    assert (found[1]["mae_frac"], found[1]["bars"]) == (None, None)
    holes = bars([9.0, math.nan, math.nan], [11.0, math.nan, 12.0])
    (trip,) = excursions(trips(fill(1, "A", 1, 1, 10.0), marks={"A": 10.0}), holes).to_dicts()
    assert (trip["mae_frac"], trip["mfe_frac"]) == (0.0, pytest.approx(0.2))
    (none,) = excursions(trips(fill(9, "A", 1, 1, 10.0), marks={"A": 10.0}), bars()).to_dicts()
    assert (none["mae_frac"], none["mfe_frac"], none["bars"]) == (0.0, 0.0, 0)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 20)), min_size=4, max_size=20), st.data())
def test_excursions_are_the_extremes_of_the_bars_inside(rows: list[tuple[int, int]], data: st.DataObject) -> None:
    low, high = [float(row[0]) for row in rows], [float(sum(row)) for row in rows]
    first = data.draw(st.integers(0, len(rows) - 2))
    last = data.draw(st.integers(first + 1, len(rows) - 1))
    side = data.draw(st.sampled_from([1, -1]))
    (trip,) = excursions(trips(fill(first, "A", side, 1, 20.0), fill(last, "A", -side, 1, 22.0)), bars(low, high)).to_dicts()
    lowest, highest = min([*low[first:last], 22.0, 20.0]), max([*high[first:last], 22.0])
    down, up = (20.0 - lowest) / 20.0, (highest - 20.0) / 20.0
    assert (trip["mae_frac"], trip["mfe_frac"]) == pytest.approx((down, up) if side > 0 else (up, down))


def test_the_finest_bars_are_taken() -> None:
    def tape(every: int, count: int) -> Tape:
        at, flat = START + np.arange(count) * every, np.full(count, 10.0)
        return Tape(Bar, {"ts": at, "known": at + every, "instrument": np.zeros(count, np.int64), "open": flat, "high": flat, "low": flat,
                          "close": flat, "volume": flat, "span": np.full(count, every)})  # fmt: skip

    table = Instruments([Instrument(id=0, symbol="A"), Instrument(id=1, symbol="B")])
    found = ranges([tape(DAY, 3), tape(HOUR, 40)], list(table))
    assert list(found) == ["A"] and len(found["A"].ts) == 40


# -- groups ------------------------------------------------------------------------------------------------------------


def months(count: int = 60):
    """Trades of two strategies in two symbols, one begun every five days, of one to three days."""
    rng = np.random.default_rng(5)
    rows = []
    for k in range(count):
        day, side, strategy = 5 * k, int(rng.choice([1, -1])), str(rng.choice(["x", "y"]))
        symbol, price = str(rng.choice(["A", "B"])), float(rng.integers(90, 110))
        rows.append(fill(day, symbol, side, 3, price, 0.25, strategy))
        rows.append(fill(day + int(rng.integers(1, 4)), symbol, -side, 3, float(rng.integers(90, 110)), 0.25, strategy))
    known = START + np.arange(5 * count + 5) * DAY
    value = 1e3 * np.cumprod(1 + rng.normal(0, 0.01, len(known)))
    held = 1e3 * np.cumprod(1 + rng.normal(0, 0.01, len(known)) * np.where(np.arange(len(known)) // 60 % 2, 3.0, 0.5))
    return conclude(
        name="m", strategies=["x", "y"], symbols=["A", "B"], currency="USD", cash=1_000 * M, known=known, equity=np.rint(value * M).astype(np.int64),
        benchmark=held, fills=frame(*rows), marks={"A": 100.0, "B": 100.0},
    )  # fmt: skip


@pytest.mark.parametrize("group", GROUPS)
def test_groups_add_up_to_the_whole(group: str) -> None:
    one = months()
    closed = one.trades.filter(~one.trades["open"])
    got = by_trade(one, group)
    assert got["trades"].sum() == closed.height
    assert got["pnl"].sum() == pytest.approx(closed["pnl"].sum() / M) and got["fees"].sum() == pytest.approx(closed["fees"].sum() / M)
    assert (got["win_rate"] * got["trades"]).sum() == pytest.approx(float((closed["pnl"] > 0).sum()))
    assert got["mae_frac"].null_count() == got.height and got["group"].is_unique().all()


def test_groups_by_hand() -> None:
    one = months()
    rows = one.trades.filter(~one.trades["open"]).to_dicts()
    shorts = [row["pnl"] / M for row in rows if row["side"] < 0]
    got = {row["group"]: row for row in by_trade(one, "side").to_dicts()}
    assert got["short"]["expectancy"] == pytest.approx(sum(shorts) / len(shorts))
    gains, losses = sum(v for v in shorts if v > 0), -sum(v for v in shorts if v < 0)
    assert got["short"]["profit_factor"] == pytest.approx(gains / losses)
    first = parse("2024-01-01")  # a Monday; entries are five days apart
    assert first == START
    assert by_trade(one, "weekday")["group"].to_list()[:2] == ["Monday", "Tuesday"]
    assert by_trade(one, "hour")["group"].to_list() == ["00"]
    assert by_trade(one, "hour", zone="America/New_York")["group"].to_list() == ["19", "20"], "midnight in London, winter and summer"
    assert by_trade(one, "month")["group"].to_list()[:2] == ["2024-01", "2024-02"]
    labels = Labels(np.array([START + 20 * DAY, START + 40 * DAY]), ["early", "late"])
    by = {row["group"]: row["trades"] for row in by_trade(one, "regime", regime=labels).to_dicts()}
    assert by == {"unknown": 4, "early": 4, "late": len(rows) - 8}, "a label counts from its own time on"


def test_groups_have_excursions_where_there_are_bars() -> None:
    one = months()
    at = START + np.arange(310) * DAY
    seen = excursions(one.trades, {"A": Range(at, at + DAY, np.full(310, 120.0), np.full(310, 80.0))})
    got = {row["group"]: row for row in by_trade(one, "symbol", trades=seen).to_dicts()}
    assert got["B"]["mae_frac"] is None and got["A"]["mae_frac"] > 0.0
    assert statistics(one, trades=seen).deals.mae_frac == pytest.approx(got["A"]["mae_frac"])


@pytest.mark.parametrize("group", ["month", "weekday", "regime"])
def test_steps_of_groups_compound_to_the_whole(group: str) -> None:
    one = months()
    got = by_step(one, group)
    assert np.prod(1 + got["total_return"].to_numpy()) == pytest.approx(1 + one.stats["total_return"], rel=1e-6)
    assert np.prod(1 + got["benchmark_return"].to_numpy()) == pytest.approx(one.benchmark[-1] / one.benchmark[0], rel=1e-6)
    assert got["steps"].sum() == len(one.known) - 1
    if group == "month":
        assert got["group"][0] == "2024-01" and got["steps"][0] == 31  # what ends at midnight of 1 February is January's


def test_a_group_that_there_is_not_is_refused() -> None:
    one = months(3)
    for code, asked in (
        ("STATISTICS_GROUP", lambda: by_trade(one, "colour")), ("STATISTICS_GROUP", lambda: by_step(one, "side")),
        ("ZONE", lambda: by_trade(one, "hour", zone="Mars/Olympus")),
        ("REGIME_WINDOW", lambda: volatility_terciles(one.known, one.benchmark, window=1)),
        ("REGIME_LABELS", lambda: by_trade(one, "regime", regime=Labels(np.array([2, 1]), ["a", "b"]))),
    ):  # fmt: skip
        with pytest.raises(Misuse, match=code):
            asked()


# -- regimes -----------------------------------------------------------------------------------------------------------


def test_no_day_is_judged_by_its_future() -> None:
    """The labels of a shorter past are the first labels of a longer one, and the days are labelled when they are over."""
    one = months()
    whole = volatility_terciles(one.known, one.benchmark, window=5, history=20)
    assert {"calm", "usual", "wild", "unknown"} == set(whole.labels)
    for cut in (30, 77, 200):
        part = volatility_terciles(one.known[:cut], one.benchmark[:cut], window=5, history=20)
        assert list(part.labels) == list(whole.labels)[: cut - 1]
    spoiled = one.benchmark.copy()
    spoiled[150:] *= np.cumprod(1 + np.random.default_rng(1).normal(0, 0.2, len(spoiled) - 150))
    assert list(volatility_terciles(one.known, spoiled, window=5, history=20).labels)[:149] == list(whole.labels)[:149]
    assert whole.known[0] == one.known[1], "the first return is complete on the second day"


def test_terciles_by_hand() -> None:
    """Deviations of windows of two: |a - b| / root 2. Steps alternate by 1, 2, 3 ... % so each is above all before it."""
    value = 100 * np.cumprod(1 + np.array([0.0, *[0.01 * k * (-1) ** k for k in range(1, 12)]]))
    got = volatility_terciles(START + np.arange(12) * DAY, value, window=2, history=3)
    assert list(got.labels) == ["unknown"] * 4 + ["wild"] * 7
    calmer = 100 * np.cumprod(1 + np.array([0.0, *[0.01 * (12 - k) * (-1) ** k for k in range(1, 12)]]))
    assert list(volatility_terciles(START + np.arange(12) * DAY, calmer, window=2, history=3).labels) == ["unknown"] * 4 + ["calm"] * 7
    assert Labels(got.known, got.labels).at(np.array([START, int(got.known[4])])) == ["unknown", "wild"]


def test_where_sessions_pause_an_exit_inside_a_bar_does_not_count_it() -> None:
    """Bars from 14:30 to 21:00. Known at 21:00, an exit was inside the bar or at its close; known at 14:30, before it."""
    open_at = START + 14 * HOUR + np.arange(4) * DAY
    seen = {"A": Range(open_at, open_at + 6 * HOUR, np.array([11.0, 12.0, 30.0, 40.0]), np.array([9.0, 8.0, 2.0, 1.0]))}
    rows = [fill(0, "A", 1, 1, 10.0), fill(2, "A", -1, 1, 11.0)]
    for leave, want in ((int(open_at[2]), (0.2, 0.2, 2)), (int(open_at[2]) + 6 * HOUR, (0.2, 0.2, 2)), (int(open_at[3]), (0.8, 2.0, 3))):
        made = [(int(open_at[0]), *rows[0][1:]), (leave, *rows[1][1:])]
        (trip,) = excursions(trips(*made), seen).to_dicts()
        assert (trip["mae_frac"], trip["mfe_frac"], trip["bars"]) == (pytest.approx(want[0]), pytest.approx(want[1]), want[2])
