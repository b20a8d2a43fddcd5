"""What is wrong with a tape is counted; every figure here was worked out by hand."""

import numpy as np
import pytest

from argosy.core.events import Bar, Quote, Trade
from argosy.core.tape import Tape
from argosy.core.time import DAY, HOUR, MINUTE, parse
from argosy.data.quality import Gap, gaps_of, inspect, modal_step

MONDAY = parse("2024-01-01")
NAN = float("nan")


def bars(ts, close, *, volume=100.0, high=None, low=None, opens=None, span=DAY):
    ts, close = np.asarray(ts, dtype=np.int64), np.asarray(close, dtype=float)
    opens = close if opens is None else np.asarray(opens, dtype=float)
    return Tape(
        Bar,
        {
            "ts": ts, "known": ts + span, "instrument": np.zeros(len(ts), dtype=np.int64), "open": opens,
            "high": np.fmax(opens, close) + 0.5 if high is None else np.asarray(high, dtype=float),
            "low": np.fmin(opens, close) - 0.5 if low is None else np.asarray(low, dtype=float), "close": close,
            "volume": np.broadcast_to(np.asarray(volume, dtype=float), ts.shape).copy(), "span": np.full(len(ts), span),
        },
    )  # fmt: skip


def days(count, step=DAY):
    return MONDAY + np.arange(count) * step


def one(tape):
    return inspect(tape, ["X"]).entries[0]


def test_a_clean_week_has_nothing_to_report():
    found = one(bars([MONDAY + k * DAY for k in (0, 1, 2, 3, 4, 7, 8, 9, 10, 11)], np.linspace(100, 104, 10)))
    assert (found.rows, found.step, found.gaps, found.breaks) == (10, DAY, 0, 1)  # the weekend is no gap
    assert found.clean and found.symbol == "X"


def test_a_missing_day_is_a_gap_and_a_long_one_counts_its_rows():
    ts = np.delete(days(30, HOUR), [5, 6, 7])
    found = one(bars(ts, np.linspace(100, 104, len(ts)), span=HOUR))
    assert (found.gaps, found.missing) == (1, 3)
    assert (found.gap_list[0].start, found.gap_list[0].end) == (MONDAY + 4 * HOUR, MONDAY + 8 * HOUR)


def test_nights_of_an_exchange_are_no_gaps_but_a_hole_in_a_day_is():
    minutes = np.concatenate([MONDAY + day * DAY + np.arange(570, 960) * MINUTE for day in (0, 1, 2, 3, 4, 7, 8)])
    assert gaps_of(minutes) == ([], 6)
    hole = np.delete(minutes, np.arange(100, 110))
    assert gaps_of(hole)[0] == [Gap(int(minutes[99]), int(minutes[110]), 10)]


def test_the_usual_step():
    assert modal_step(np.array([0, 60, 120, 180]) * 10**9) == 60 * 10**9
    assert modal_step(np.array([5, 5])) == 0 and modal_step(np.array([5])) == 0
    sparse = np.cumsum([0, *([5 * MINUTE] * 20), *([MINUTE] * 4)])
    assert modal_step(sparse) == MINUTE


@pytest.mark.parametrize(
    ("change", "field", "count"),
    [
        ({"volume": [100, 0, 0, 100, 100]}, "zero_volume", 2),
        ({"volume": [100, NAN, 100, 100, 100]}, "unknown_volume", 1),
        ({"high": [1, 200, 200, 200, 200]}, "bad_range", 1),
        ({"close": [100, NAN, 101, 102, 103]}, "nan", 1),
        ({"close": [100, 0, 101, 102, 103], "low": [0, 0, 0, 0, 0]}, "non_positive", 5),
        ({"ts": [0, 1, 1, 2, 3]}, "duplicates", 1),
        ({"high": [100, 101.5, 102.5, 103.5, 104.5], "low": [100, 98, 98, 98, 98], "close": [100, 101, 102, 103, 104]}, "flat", 1),
    ],
)
def test_each_flaw_is_counted(change, field, count):
    change = {"ts": [0, 1, 2, 3, 4], "close": [100, 101, 102, 103, 104], **change}
    ts = MONDAY + np.array(change.pop("ts")) * DAY
    found = one(bars(ts, change.pop("close"), **change))
    assert getattr(found, field) == count
    assert found.clean == (field in ("zero_volume", "unknown_volume", "flat"))


def wave(count=60):
    return 100 + np.sin(np.arange(count) * 1.7)


def test_a_lone_spike_is_an_outlier_and_says_where():
    close = wave()
    close[30] *= 3
    found = one(bars(days(60), close))
    assert found.outliers == 1 and found.outlier_list[0].ts == MONDAY + 30 * DAY
    assert found.outlier_list[0].move == pytest.approx(close[30] / close[29]) and found.splits == 0


@pytest.mark.parametrize("ratio", [2.0, 7.0, 1.5, 0.1])
def test_a_split_nobody_told_of_is_recognised(ratio):
    close = wave()
    close[30:] /= ratio
    found = one(bars(days(60), close))
    assert (found.splits, found.outliers) == (1, 0)
    assert found.split_list[0].ratio == ratio and found.split_list[0].ts == MONDAY + 30 * DAY


def test_quotes_with_one_side_locked_and_crossed():
    bid = np.array([100, NAN, 101, 102, 100, 100.0])
    ask = np.array([101, 101, NAN, 101, 100, 101.0])
    ts = days(6, MINUTE)
    size = np.ones(6)
    tape = Tape(Quote, {"ts": ts, "known": ts, "instrument": np.zeros(6), "bid": bid, "ask": ask, "bid_size": size, "ask_size": size})
    found = one(tape)
    assert (found.one_sided, found.crossed, found.locked, found.nan) == (2, 1, 1, 0)


def test_trades_and_a_report_for_people_and_machines():
    ts = days(5, MINUTE)
    tape = Tape(Trade, {"ts": ts, "known": ts, "instrument": np.zeros(5), "price": [1, 2, NAN, 0, 1], "size": np.ones(5), "side": np.zeros(5)})
    quality = inspect(tape, ["X"])
    assert (quality.entries[0].nan, quality.entries[0].non_positive, quality.clean) == (1, 1, False)
    assert "X  trade  5 rows" in str(quality) and '"non_positive":1' in quality.json()
    assert inspect(tape).entries[0].symbol == "#0"
