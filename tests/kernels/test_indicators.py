"""Indicators against TA-Lib, NumPy and the hand; batch against stream to the bit; a higher timeframe seen only at its close."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import talib
from numpy.typing import NDArray

from argosy.core.time import DAY, HOUR, MINUTE, span
from argosy.kernels import indicators as ind
from argosy.kernels.indicators import Indicator

Columns = dict[str, NDArray[Any]]


def walk(rows: int, seed: int = 1, start: float = 100.0, cents: bool = False) -> Columns:
    """A random walk of bars of one minute that obey low <= open, close <= high."""
    rng = np.random.default_rng(seed)
    close = start * np.exp(np.cumsum(rng.normal(0.0, 0.002, rows)))
    opened = np.concatenate([[start], close[:-1]])
    high = np.maximum(opened, close) * (1.0 + rng.random(rows) * 0.002)
    low = np.minimum(opened, close) * (1.0 - rng.random(rows) * 0.002)
    columns: Columns = {
        "open": opened,
        "high": high,
        "low": low,
        "close": close,
        "volume": rng.integers(1, 1000, rows) * 1.0,
    }
    if cents:
        columns = {name: np.round(column, 2) for name, column in columns.items()}
    columns["ts"] = np.arange(rows, dtype=np.int64) * MINUTE + 20_000 * DAY
    columns["span"] = np.full(rows, MINUTE, dtype=np.int64)
    return columns


ORACLES: list[tuple[Indicator, Any]] = [
    (ind.sma(10), lambda k: talib.SMA(k["close"], 10)),
    (ind.sma(1), lambda k: k["close"]),
    (ind.ema(10), lambda k: talib.EMA(k["close"], 10)),
    (ind.rsi(14), lambda k: talib.RSI(k["close"], 14)),
    (ind.rsi(2), lambda k: talib.RSI(k["close"], 2)),
    (ind.atr(14), lambda k: talib.ATR(k["high"], k["low"], k["close"], 14)),
    (ind.adx(14), lambda k: talib.ADX(k["high"], k["low"], k["close"], 14)),
    (ind.adx(2), lambda k: talib.ADX(k["high"], k["low"], k["close"], 2)),
    (ind.adx(14).plus, lambda k: talib.PLUS_DI(k["high"], k["low"], k["close"], 14)),
    (ind.adx(14).minus, lambda k: talib.MINUS_DI(k["high"], k["low"], k["close"], 14)),
    (ind.bbands(20, 2.0).upper, lambda k: talib.BBANDS(k["close"], 20, 2.0, 2.0)[0]),
    (ind.bbands(20, 2.0).middle, lambda k: talib.BBANDS(k["close"], 20, 2.0, 2.0)[1]),
    (ind.bbands(20, 2.0).lower, lambda k: talib.BBANDS(k["close"], 20, 2.0, 2.0)[2]),
    (ind.macd(12, 26, 9), lambda k: talib.MACD(k["close"], 12, 26, 9)[0]),
    (ind.macd(12, 26, 9).signal, lambda k: talib.MACD(k["close"], 12, 26, 9)[1]),
    (ind.macd(12, 26, 9).hist, lambda k: talib.MACD(k["close"], 12, 26, 9)[2]),
    (ind.macd(26, 12, 9), lambda k: talib.MACD(k["close"], 26, 12, 9)[0]),
    (ind.roc(10), lambda k: talib.ROC(k["close"], 10)),
    (ind.mom(10), lambda k: talib.MOM(k["close"], 10)),
    (ind.stddev(20), lambda k: talib.STDDEV(k["close"], 20)),
    (ind.highest(20), lambda k: talib.MAX(k["high"], 20)),
    (ind.lowest(20), lambda k: talib.MIN(k["low"], 20)),
]
IDS = [f"{each.name}{each.params}.{each.outputs[each.out]}" for each, _ in ORACLES]


def agree(got: NDArray[np.float64], want: NDArray[np.float64], level: float) -> None:
    """Equal within 1e-9 of the value, or of a thousandth of the price where the value crosses zero; nan in the same rows."""
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9 * level * 1e-3)


@pytest.mark.parametrize(("spec", "oracle"), ORACLES, ids=IDS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ta_lib_agrees(spec: Indicator, oracle: Any, seed: int) -> None:
    columns = walk(2_000, seed)
    agree(spec.batch(columns), oracle(columns), 100.0)


@pytest.mark.parametrize(("spec", "oracle"), ORACLES, ids=IDS)
def test_ta_lib_agrees_after_200_000_bars(spec: Indicator, oracle: Any) -> None:
    columns = walk(200_000, 7)
    agree(spec.batch(columns)[-1_000:], oracle(columns)[-1_000:], float(columns["close"][-1]))


@pytest.mark.parametrize("spec", [each for each, _ in ORACLES] + [ind.zscore(20)], ids=[*IDS, "zscore"])
@pytest.mark.parametrize("cents", [False, True])
def test_a_stream_is_its_batch_to_the_bit(spec: Indicator, cents: bool) -> None:
    columns = walk(3_000, 5, cents=cents)
    stream = spec.stream()
    rows = zip(*(columns[name].tolist() for name in spec.columns), strict=True)
    np.testing.assert_array_equal(np.array([stream.update(*row) for row in rows]), spec.batch(columns))


@pytest.mark.parametrize("spec", [each for each, _ in ORACLES] + [ind.zscore(20)], ids=[*IDS, "zscore"])
def test_warmup_is_the_first_row_with_a_value(spec: Indicator) -> None:
    values = spec.batch(walk(200))
    assert np.isnan(values[: spec.warmup - 1]).all()
    assert not np.isnan(values[spec.warmup - 1 :]).any()


def test_by_hand() -> None:
    columns = {
        "close": np.array([1.0, 2.0, 3.0, 6.0, 5.0]),
        "high": np.array([3.0, 1.0, 2.0, 5.0, 4.0]),
        "low": np.array([2.0, 1.0, 4.0, 3.0, 5.0]),
    }

    def values(spec: Indicator) -> list[float]:
        return [-1.0 if math.isnan(v) else round(v, 12) for v in spec.batch(columns)]

    assert values(ind.sma(2)) == [-1.0, 1.5, 2.5, 4.5, 5.5]
    assert values(ind.ema(3)) == [-1.0, -1.0, 2.0, 4.0, 4.5], "2, then halfway to 6, then halfway to 5"
    assert values(ind.mom(2)) == [-1.0, -1.0, 2.0, 4.0, 2.0]
    assert values(ind.roc(1)) == [-1.0, 100.0, 50.0, 100.0, round(-100.0 / 6.0, 12)]
    assert values(ind.highest(2)) == [-1.0, 3.0, 2.0, 5.0, 5.0]
    assert values(ind.lowest(2)) == [-1.0, 1.0, 1.0, 3.0, 3.0]
    assert values(ind.stddev(2)) == [-1.0, 0.5, 0.5, 1.5, 0.5]
    assert values(ind.zscore(2)) == [-1.0, 1.0, 1.0, 1.0, -1.0]


def test_a_flat_market_has_no_deviation() -> None:
    columns = walk(100)
    columns["close"] = np.full(100, 0.1)
    assert (ind.zscore(20).batch(columns)[19:] == 0.0).all()
    assert (ind.stddev(20).batch(columns)[19:] == 0.0).all()


def test_scale_says_what_a_split_does() -> None:
    assert [ind.sma(5).scale, ind.atr(5).scale, ind.macd().signal.scale, ind.stddev(5).scale] == ["price"] * 4
    assert [ind.rsi().scale, ind.roc().scale, ind.zscore().scale, ind.adx().scale] == ["ratio"] * 4
    columns = walk(500)
    twice = {
        name: column * 2.0 if name in ("open", "high", "low", "close") else column
        for name, column in columns.items()
    }
    for spec, _ in ORACLES:
        factor = 2.0 if spec.scale == "price" else 1.0
        np.testing.assert_allclose(spec.batch(twice), spec.batch(columns) * factor, rtol=1e-9, atol=1e-9)


def test_specs_are_values() -> None:
    assert ind.macd(12, 26, 9).signal == ind.macd(12, 26, 9).output("signal") != ind.macd(12, 26, 9)
    assert len({ind.sma(10), ind.sma(10), ind.sma(11), ind.sma(10, every="5m")}) == 3


# -- a higher timeframe --------------------------------------------------------------------------------------------------


def higher(columns: Columns, every: str, spec: Indicator) -> NDArray[np.float64]:
    """The same by another way: cut into buckets, compute on their bars, and look each value up at the row that closes it."""
    size = span(every)
    bucket = columns["ts"] // size
    cuts = np.flatnonzero(np.diff(bucket)) + 1
    groups = np.split(np.arange(len(bucket)), cuts)
    bars = {
        "open": np.array([columns["open"][g[0]] for g in groups]), "high": np.array([columns["high"][g].max() for g in groups]),
        "low": np.array([columns["low"][g].min() for g in groups]), "close": np.array([columns["close"][g[-1]] for g in groups]),
    }  # fmt: skip
    values = spec.batch(bars)
    out = np.full(len(bucket), np.nan)
    for value, group in zip(values, groups, strict=True):
        last = group[-1]
        ended = columns["ts"][last] + columns["span"][last] >= (bucket[last] + 1) * size
        seen = last if ended else last + 1
        out[seen:] = value
    return out


@pytest.mark.parametrize("name", ["atr", "sma", "rsi", "highest"])
def test_a_higher_timeframe_is_seen_at_its_close(name: str) -> None:
    columns = walk(1_000, 3)
    keep = np.random.default_rng(4).random(1_000) > 0.3
    holes = {key: column[keep] for key, column in columns.items()}
    make = getattr(ind, name)
    for data in (columns, holes):
        got = make(5, every="5m").batch(data)
        np.testing.assert_array_equal(got, higher(data, "5m", make(5)))
        stream = make(5, every="5m").stream()
        rows = zip(*(data[key].tolist() for key in make(5, every="5m").columns), strict=True)
        np.testing.assert_array_equal(np.array([stream.update(*row) for row in rows]), got)


def test_a_higher_timeframe_by_hand() -> None:
    """Bars at 9:58, 9:59, 10:00, 10:03, 10:05: the bucket of 9:55 closes with 9:59, that of 10:00 only when 10:05 arrives."""
    ts = np.array([598, 599, 600, 603, 605], dtype=np.int64) * MINUTE
    close = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    columns = {
        "open": close,
        "high": close,
        "low": close,
        "close": close,
        "volume": close,
        "ts": ts,
        "span": np.full(5, MINUTE),
    }
    values = ind.sma(1, every="5m").batch(columns)
    assert [None if math.isnan(v) else v for v in values] == [None, 2.0, 2.0, 2.0, 4.0]


def test_a_partial_hour_is_never_seen() -> None:
    """What the value is at a row does not change when the rows after it do."""
    columns = walk(600, 9)
    changed = {name: column.copy() for name, column in columns.items()}
    for name in ("open", "high", "low", "close"):
        changed[name][330:] *= 1.5
    spec = ind.sma(3, every="1h")
    assert HOUR == 60 * MINUTE
    np.testing.assert_array_equal(spec.batch(columns)[:330], spec.batch(changed)[:330])
