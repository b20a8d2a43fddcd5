"""A higher timeframe: where its bars begin, what they are made of; seen only at their close."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.time import DAY, HOUR, MINUTE, SECOND, parse, span
from argosy.kernels import indicators as ind
from argosy.kernels.indicators import Indicator

Columns = dict[str, NDArray[Any]]
NOON = parse("2026-01-05T12:00:00Z")
"""A Monday."""


def bars(starts: list[int], close: list[float], length: int = MINUTE) -> Columns:
    """Bars that begin `starts` ns after noon, each open, high and low equal to its close, of volume 1."""
    values = np.array(close)
    columns: Columns = dict.fromkeys(("open", "high", "low", "close"), values)
    columns["volume"] = np.ones(len(close))
    columns["ts"] = NOON + np.array(starts, dtype=np.int64)
    columns["span"] = np.full(len(close), length, dtype=np.int64)
    return columns


def values(spec: Indicator, columns: Columns) -> list[float | None]:
    """The batch, after the stream has given the same."""
    got = spec.batch(columns)
    stream = spec.stream()
    rows = zip(*(columns[name].tolist() for name in spec.columns), strict=True)
    np.testing.assert_array_equal(np.array([stream.update(*row) for row in rows]), got)
    return [None if math.isnan(v) else float(v) for v in got]


def test_seen_at_the_close_of_its_bar() -> None:
    columns = bars([k * MINUTE for k in range(11)], [float(k) for k in range(11)])
    want = [None] * 4 + [4.0] * 5 + [9.0] * 2
    assert values(ind.sma(1, every="5m"), columns) == want, "12:04 ends at 12:05, 12:09 at 12:10"
    assert values(ind.sma(2, every="5m"), columns) == [None] * 9 + [6.5] * 2


def test_bars_begin_at_multiples_since_the_epoch() -> None:
    """Data from 12:03 on: the first bar of five minutes has two rows and closes at 12:05 all the same."""
    columns = bars([k * MINUTE for k in range(3, 11)], [3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0])
    assert values(ind.sma(1, every="5m"), columns) == [None, 4.0, 4.0, 4.0, 4.0, 4.0, 9.0, 9.0]
    assert values(ind.sma(1, every="4h"), columns) == [None] * 8, "12:00 is a multiple; 16:00 is far"


def test_a_gap_closes_a_bar_when_the_next_one_begins() -> None:
    """Rows at 12:01, 12:02, [two are lost], 12:07, [a quarter of an hour is lost], 12:26, 12:29, 12:30."""
    columns = bars([m * MINUTE for m in (1, 2, 7, 26, 29, 30)], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert values(ind.sma(1, every="5m"), columns) == [None, None, 2.0, 3.0, 5.0, 5.0]
    assert values(ind.sma(2, every="5m"), columns) == [None, None, None, 2.5, 4.0, 4.0], "no rows, no bar"


def test_one_row_may_close_two_bars() -> None:
    """The row of 12:09 ends the bar of 12:00, which had lost its end, and then its own."""
    columns = bars([0, 9 * MINUTE, 10 * MINUTE], [1.0, 2.0, 9.0])
    assert values(ind.sma(2, every="5m"), columns) == [None, 1.5, 1.5]


def test_what_a_bar_is_made_of() -> None:
    columns = bars([k * MINUTE for k in range(4)], [10.0, 11.0, 9.0, 10.0])
    columns["open"] = np.array([9.0, 10.0, 11.0, 9.0])
    columns["high"] = np.array([12.0, 15.0, 11.0, 13.0])
    columns["low"] = np.array([8.0, 10.0, 6.0, 9.0])
    columns["volume"] = np.array([1.0, 2.0, 3.0, 4.0])
    assert values(ind.highest(1, every="2m"), columns) == [None, 15.0, 15.0, 13.0]
    assert values(ind.lowest(1, every="2m"), columns) == [None, 8.0, 8.0, 6.0]
    assert values(ind.mom(1, every="2m"), columns) == [None, None, None, -1.0], "the closes are 11 and 10"
    assert values(ind.atr(1, every="2m"), columns) == [None, None, None, 7.0], "13 - 6, with 11 inside"
    both = values(ind.vwap(2, every="2m"), columns)
    assert both[:3] == [None] * 3
    assert both[3] == pytest.approx(((15 + 8 + 11) / 3 * 3 + (13 + 6 + 10) / 3 * 7) / 10, rel=1e-15)


def test_weeks_begin_on_monday() -> None:
    """Days from Thursday 2026-01-01: a week closes with its Sunday, or when Monday's bar is there."""
    start = parse("2026-01-01")
    days = start + np.arange(12, dtype=np.int64) * DAY
    columns = bars([0] * 12, [float(day) for day in range(1, 13)], DAY)
    columns["ts"] = days
    want = [None] * 3 + [4.0] * 7 + [11.0] * 2
    assert values(ind.sma(1, every="1w"), columns) == want, "Sundays are the 4th and the 11th"
    keep = np.array([day % 7 not in (2, 3) for day in range(12)])
    week = {name: column[keep] for name, column in columns.items()}
    assert week["close"].tolist() == [1.0, 2.0, 5.0, 6.0, 7.0, 8.0, 9.0, 12.0]
    assert values(ind.sma(1, every="1w"), week) == [None, None, 2.0, 2.0, 2.0, 2.0, 2.0, 9.0]


def test_a_timeframe_of_the_rows_themselves_changes_nothing() -> None:
    columns = bars([k * MINUTE for k in range(60)], [float(k * k % 17) for k in range(60)])
    for made in (ind.rsi(5), ind.macd(2, 5, 3).hist, ind.adx(4), ind.vwap(3)):
        spec = Indicator(made.name, made.params, made.out, "1m")
        np.testing.assert_array_equal(spec.batch(columns), made.batch(columns))
        first = np.flatnonzero(~np.isnan(spec.batch(columns)))[0] + 1
        assert first == spec.warmup == made.warmup


def test_warmup_is_the_fewest_rows_that_it_can_take() -> None:
    columns = bars([k * MINUTE for k in range(60)], [float(k) for k in range(60)])
    spec = ind.sma(4, every="5m")
    assert spec.warmup == 4
    assert np.flatnonzero(~np.isnan(spec.batch(columns)))[0] + 1 == 20


def test_longer_bars_make_no_shorter_ones() -> None:
    """A day of 25 hours, where clocks are put back, is a day; an hour is not five minutes."""
    columns = bars([0, 25 * HOUR, 49 * HOUR], [1.0, 2.0, 3.0], 25 * HOUR)
    assert values(ind.sma(1, every="1d"), columns) == [1.0, 2.0, 3.0]
    for length, every in ((HOUR, "5m"), (MINUTE, "30s"), (2 * SECOND, "1s")):
        with pytest.raises(Misuse) as caught:
            ind.sma(1, every=every).batch(bars([0], [1.0], length))
        assert caught.value.code == "INDICATOR_EVERY"


# -- the same by another way ---------------------------------------------------------------------------------


def walk(rows: int, seed: int) -> Columns:
    rng = np.random.default_rng(seed)
    close = np.round(100.0 + np.cumsum(rng.normal(0.0, 0.1, rows)), 2)
    columns = bars([k * MINUTE for k in range(rows)], close.tolist())
    columns["high"] = close + np.round(rng.random(rows), 2)
    columns["low"] = close - np.round(rng.random(rows), 2)
    columns["volume"] = rng.integers(1, 100, rows) * 1.0
    return columns


def higher(columns: Columns, every: str, spec: Indicator) -> NDArray[np.float64]:
    """Cut into buckets, compute on their bars, and look each value up at the row that closes it."""
    size = span(every)
    bucket = columns["ts"] // size
    groups = np.split(np.arange(len(bucket)), np.flatnonzero(np.diff(bucket)) + 1)
    made = {
        "open": np.array([columns["open"][g[0]] for g in groups]),
        "high": np.array([columns["high"][g].max() for g in groups]),
        "low": np.array([columns["low"][g].min() for g in groups]),
        "close": np.array([columns["close"][g[-1]] for g in groups]),
        "volume": np.array([columns["volume"][g].sum() for g in groups]),
    }
    out = np.full(len(bucket), np.nan)
    for value, group in zip(spec.batch(made), groups, strict=True):
        last = group[-1]
        ended = columns["ts"][last] + columns["span"][last] >= (bucket[last] + 1) * size
        out[last if ended else last + 1 :] = value
    return out


MADE = [ind.atr(5), ind.sma(5), ind.rsi(5), ind.highest(5), ind.vwap(5), ind.adx(3).plus]


@pytest.mark.parametrize("every", ["5m", "1h"])
@pytest.mark.parametrize("made", MADE, ids=str)
def test_buckets_cut_by_numpy_give_the_same(made: Indicator, every: str) -> None:
    columns = walk(1_500, 3)
    keep = np.random.default_rng(4).random(1_500) > 0.3
    holes = {name: column[keep] for name, column in columns.items()}
    spec = Indicator(made.name, made.params, made.out, every)
    for data in (columns, holes):
        np.testing.assert_array_equal(spec.batch(data), higher(data, every, made))


@pytest.mark.parametrize("cut", [300, 329, 330, 359, 360, 361])
def test_a_bar_that_is_not_over_is_never_seen(cut: int) -> None:
    """What a value is at a row does not change when the rows after it do."""
    columns = walk(600, 9)
    changed = {name: column.copy() for name, column in columns.items()}
    for name in ("open", "high", "low", "close"):
        changed[name][cut:] *= 1.5
    for spec in (ind.sma(3, every="1h"), ind.atr(2, every="30m"), ind.highest(1, every="1h")):
        np.testing.assert_array_equal(spec.batch(columns)[:cut], spec.batch(changed)[:cut])
        assert not np.array_equal(spec.batch(columns), spec.batch(changed), equal_nan=True)
