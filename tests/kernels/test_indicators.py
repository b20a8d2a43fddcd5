"""Indicators against TA-Lib, NumPy and the hand; their warm-up, scale and errors."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import talib
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.time import DAY, MINUTE
from argosy.kernels import indicators as ind
from argosy.kernels.indicators import DEFINITIONS, Indicator, define

Columns = dict[str, NDArray[Any]]
PRICES = ("open", "high", "low", "close")


def walk(rows: int, seed: int = 1, step: float = 0.0) -> Columns:
    """A walk of bars of a minute from 100, low <= open, close <= high; step: rounded to it, with ties."""
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.002, rows)))
    opened = np.concatenate([[100.0], close[:-1]])
    columns: Columns = {
        "open": opened,
        "high": np.maximum(opened, close) * (1.0 + rng.random(rows) * 0.002),
        "low": np.minimum(opened, close) * (1.0 - rng.random(rows) * 0.002),
        "close": close,
    }
    if step:
        columns = {name: np.round(np.round(column / step) * step, 2) for name, column in columns.items()}
    columns["volume"] = rng.integers(1, 1000, rows) * 1.0
    columns["ts"] = np.arange(rows, dtype=np.int64) * MINUTE + 20_000 * DAY
    columns["span"] = np.full(rows, MINUTE, dtype=np.int64)
    return columns


def flat(rows: int) -> Columns:
    columns = walk(rows)
    for name in PRICES:
        columns[name] = np.full(rows, 101.37)
    return columns


def plateau(rows: int) -> Columns:
    """A walk in cents that stands still for a while, moves on and stands still to the end."""
    columns = walk(rows, 4, 0.01)
    for name in PRICES:
        columns[name][200:300] = columns["close"][200]
        columns[name][rows // 2 :] = columns["close"][rows // 2]
    return columns


def windows(x: NDArray[np.float64], n: int) -> NDArray[np.longdouble]:
    return sliding_window_view(x.astype(np.longdouble), n)


def filled(n: int, values: NDArray[Any]) -> NDArray[np.float64]:
    return np.concatenate([np.full(n - 1, np.nan), values.astype(np.float64)])


def deviation(x: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Two passes in longer floats; TA-Lib's one pass loses digits where the price stands still."""
    return filled(n, windows(x, n).std(axis=1))


Oracle = Callable[[Columns], NDArray[np.float64]]
ORACLES: list[tuple[Indicator, Oracle]] = [
    (ind.sma(10), lambda k: talib.SMA(k["close"], 10)),
    (ind.sma(1), lambda k: k["close"]),
    (ind.ema(10), lambda k: talib.EMA(k["close"], 10)),
    (ind.rsi(14), lambda k: talib.RSI(k["close"], 14)),
    (ind.rsi(2), lambda k: talib.RSI(k["close"], 2)),
    (ind.atr(14), lambda k: talib.ATR(k["high"], k["low"], k["close"], 14)),
    (ind.atr(1), lambda k: talib.ATR(k["high"], k["low"], k["close"], 1)),
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
    (ind.stddev(5, 3.0), lambda k: talib.STDDEV(k["close"], 5, 3.0)),
    (ind.highest(20), lambda k: talib.MAX(k["high"], 20)),
    (ind.lowest(20), lambda k: talib.MIN(k["low"], 20)),
    (
        ind.vwap(20),
        lambda k: (
            talib.SUM(talib.TYPPRICE(k["high"], k["low"], k["close"]) * k["volume"], 20)
            / talib.SUM(k["volume"], 20)
        ),
    ),
]
IDS = [f"{each.name}{each.params}.{each.outputs[each.out]}" for each, _ in ORACLES]
EVERY_OUTPUT = [
    made.output(name)
    for made in (
        ind.sma(1), ind.sma(7), ind.ema(1), ind.ema(7), ind.rsi(2), ind.rsi(7), ind.atr(1), ind.atr(7),
        ind.adx(2), ind.adx(7), ind.bbands(2), ind.bbands(7), ind.macd(2, 3, 1), ind.macd(3, 7, 4),
        ind.roc(1), ind.roc(7), ind.mom(1), ind.mom(7), ind.stddev(2), ind.stddev(7), ind.highest(1),
        ind.highest(7), ind.lowest(1), ind.lowest(7), ind.vwap(1), ind.vwap(7), ind.zscore(2), ind.zscore(7),
    )
    for name in made.outputs
]  # fmt: skip


def agree(got: NDArray[np.float64], want: NDArray[np.float64]) -> None:
    """Equal within 1e-9 of the value, nan in the same rows; 1e-12 at a price of 100 is dust about zero."""
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)


# -- oracles -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("spec", "oracle"), ORACLES, ids=IDS)
def test_ta_lib_agrees(spec: Indicator, oracle: Oracle) -> None:
    for columns in (walk(2_000, 1), walk(2_000, 2), walk(2_000, 3, 0.01), flat(300)):
        agree(spec.batch(columns), oracle(columns))


@pytest.mark.parametrize(("spec", "oracle"), ORACLES, ids=IDS)
def test_ta_lib_agrees_on_200_000_bars(spec: Indicator, oracle: Oracle) -> None:
    columns = walk(200_000, 7)
    agree(spec.batch(columns), oracle(columns))


@pytest.mark.parametrize(("spec", "oracle"), ORACLES, ids=IDS)
def test_ta_lib_agrees_on_ties_and_plateaus(spec: Indicator, oracle: Oracle) -> None:
    """Prices in dimes and a still market; deviations there are dust in TA-Lib, so the true one judges."""
    for columns in (walk(2_000, 5, 0.1), walk(2_000, 6, 1.0), plateau(2_000)):
        want = oracle(columns)
        if spec.name == "stddev":
            n, k = int(spec.params[0]), spec.params[1]
            true = deviation(columns["close"], n) * k
            np.testing.assert_allclose(want**2, true**2, rtol=1e-9, atol=1e-14 * 100.0**2 * n * k * k)
            want = true
        elif spec.name == "bbands":
            sign = (1.0, 0.0, -1.0)[spec.out]
            mean = filled(20, windows(columns["close"], 20).mean(axis=1))
            true = mean + sign * 2.0 * deviation(columns["close"], 20)
            np.testing.assert_allclose(want, true, rtol=0.0, atol=1e-4)
            want = true
        agree(spec.batch(columns), want)


def test_deviation_of_a_still_market_is_exactly_nothing() -> None:
    for columns in (flat(100), plateau(2_000), walk(3_000, 6, 1.0)):
        still = filled(5, np.ptp(sliding_window_view(columns["close"], 5), axis=1)) == 0.0
        assert still.any()
        np.testing.assert_array_equal(ind.stddev(5).batch(columns) == 0.0, still)
        assert (ind.zscore(5).batch(columns)[still] == 0.0).all()
        band = ind.bbands(5)
        for name in band.outputs:
            np.testing.assert_array_equal(band.output(name).batch(columns)[still], columns["close"][still])


@pytest.mark.parametrize("n", [2, 3, 5, 20, 200])
def test_deviation_against_numpy(n: int) -> None:
    """Ten times closer to the true one than TA-Lib has to be, also where two closes are nearly equal."""
    for columns in (walk(50_000, 7), walk(20_000, 8, 0.01), plateau(2_000)):
        got, want = ind.stddev(n).batch(columns), deviation(columns["close"], n)
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("n", [2, 5, 20])
def test_zscore_against_numpy(n: int) -> None:
    for columns in (walk(5_000, 8), walk(5_000, 9, 0.01)):
        x = columns["close"]
        dev = deviation(x, n)
        mean = filled(n, windows(x, n).mean(axis=1))
        want = np.divide(x - mean, dev, out=np.where(np.isnan(dev), np.nan, 0.0), where=dev > 0.0)
        np.testing.assert_allclose(ind.zscore(n).batch(columns), want, rtol=1e-9, atol=1e-9)


def test_an_outlier_leaves_no_dust_in_the_deviation() -> None:
    columns = walk(400, 3)
    columns["close"][100] = 1e9
    got, want = ind.stddev(20).batch(columns), deviation(columns["close"], 20)
    np.testing.assert_allclose(got, want, rtol=1e-10)


def test_vwap_against_numpy() -> None:
    """With volumes from 1e-8 to 1e12, none at all for a while, and one price that is a mistake."""
    columns = walk(3_000, 3)
    rng = np.random.default_rng(4)
    columns["volume"] = 10.0 ** rng.uniform(-8.0, 12.0, 3_000)
    columns["volume"][1_000:1_050] = 0.0
    columns["high"][2_000] = 1e7
    typical = (columns["high"] + columns["low"] + columns["close"]).astype(np.longdouble) / 3.0
    for n in (1, 7, 30):
        money = (sliding_window_view(typical, n) * windows(columns["volume"], n)).sum(axis=1)
        volume = windows(columns["volume"], n).sum(axis=1)
        want = filled(n, np.divide(money, volume, out=np.full_like(money, np.nan), where=volume > 0.0))
        got = ind.vwap(n).batch(columns)
        assert np.isnan(got[n:]).sum() == 51 - n
        np.testing.assert_allclose(got, want, rtol=1e-9)


# -- by hand -------------------------------------------------------------------------------------------------


def test_by_hand() -> None:
    columns = {
        "high": np.array([3.0, 4.0, 5.0, 8.0, 6.0]),
        "low": np.array([0.0, 1.0, 2.0, 5.0, 3.0]),
        "close": np.array([1.0, 2.0, 3.0, 6.0, 5.0]),
        "volume": np.array([1.0, 3.0, 0.0, 0.0, 2.0]),
    }

    def values(spec: Indicator) -> list[float | None]:
        return [None if math.isnan(v) else round(v, 12) for v in spec.batch(columns)]

    assert values(ind.sma(2)) == [None, 1.5, 2.5, 4.5, 5.5]
    assert values(ind.ema(3)) == [None, None, 2.0, 4.0, 4.5], "2, then halfway to 6, then halfway to 5"
    assert values(ind.mom(2)) == [None, None, 2.0, 4.0, 2.0]
    assert values(ind.roc(1)) == [None, 100.0, 50.0, 100.0, round(-100.0 / 6.0, 12)]
    assert values(ind.highest(2)) == [None, 4.0, 5.0, 8.0, 8.0]
    assert values(ind.highest(1)) == [3.0, 4.0, 5.0, 8.0, 6.0]
    assert values(ind.lowest(2)) == [None, 0.0, 1.0, 2.0, 3.0]
    assert values(ind.lowest(1)) == [0.0, 1.0, 2.0, 5.0, 3.0]
    assert values(ind.stddev(2)) == [None, 0.5, 0.5, 1.5, 0.5]
    assert values(ind.stddev(2, 3.0)) == [None, 1.5, 1.5, 4.5, 1.5]
    assert values(ind.zscore(2)) == [None, 1.0, 1.0, 1.0, -1.0]
    assert values(ind.bbands(2, 2.0).upper) == [None, 2.5, 3.5, 7.5, 6.5]
    assert values(ind.bbands(2, 2.0).lower) == [None, 0.5, 1.5, 1.5, 4.5]
    assert values(ind.rsi(2)) == [None, None, 100.0, 100.0, round(200.0 / 3.0, 12)], (
        "gains 1 1 3 0: means 1, (1+3)/2, (2+0)/2; losses 0 0 0 1: means 0, 0, 1/2; last 1 of 1.5"
    )
    assert values(ind.atr(2)) == [None, None, 3.0, 4.0, 3.5], "ranges 3 3 5 3: (3+3)/2, (3+5)/2, (4+3)/2"
    both = round((4 / 3 + 3 * 7 / 3) / 4, 12)
    assert values(ind.vwap(2)) == [None, both, round(7 / 3, 12), None, round(14 / 3, 12)]


def test_row_t_uses_no_row_after_t() -> None:
    columns = walk(200, 2, 0.01)
    for spec in EVERY_OUTPUT:
        whole = spec.batch(columns)
        for rows in (0, 1, 5, 50, 199):
            part = spec.batch({name: column[:rows] for name, column in columns.items()})
            np.testing.assert_array_equal(part, whole[:rows])


# -- what an indicator says of itself ------------------------------------------------------------------------


@pytest.mark.parametrize("spec", EVERY_OUTPUT, ids=str)
def test_warmup_is_the_number_of_rows_until_the_first_value(spec: Indicator) -> None:
    values = spec.batch(walk(200))
    assert int(np.flatnonzero(~np.isnan(values))[0]) + 1 == spec.warmup
    assert not np.isnan(values[spec.warmup - 1 :]).any()


def test_every_definition_is_tested_and_names_its_source() -> None:
    assert {spec.name for spec in EVERY_OUTPUT} == set(DEFINITIONS)
    for definition in DEFINITIONS.values():
        assert len(definition.source) > 10
        assert len(definition.outputs) == len(definition.scale)
        assert getattr(ind, definition.name).__module__.startswith(ind.__name__)


@pytest.mark.parametrize("spec", EVERY_OUTPUT, ids=str)
def test_scale_says_what_a_split_does(spec: Indicator) -> None:
    columns = walk(300, step=0.01)
    split = {name: column * 2.0 if name in PRICES else column for name, column in columns.items()}
    split["volume"] = columns["volume"] / 2.0
    factor = {"price": 2.0, "ratio": 1.0, "volume": 0.5}[spec.scale]
    np.testing.assert_array_equal(spec.batch(split), spec.batch(columns) * factor)


def test_an_indicator_is_a_value() -> None:
    macd = ind.macd(12, 26, 9)
    assert macd.signal == macd.output("signal") != macd
    assert macd.signal.hist == macd.hist
    assert (macd.out, macd.signal.out, macd.hist.out) == (0, 1, 2)
    assert len({ind.sma(10), ind.sma(10), ind.sma(11), ind.sma(10, every="5m")}) == 3
    assert ind.macd(26, 12, 9) == macd, "fast is the smaller"
    for same in (copy.deepcopy(macd.signal), pickle.loads(pickle.dumps(macd.signal))):
        assert same == macd.signal
    assert ind.sma(10).columns == ("close",)
    assert ind.vwap(10).columns == ("high", "low", "close", "volume")
    assert ind.sma(10, every="5m").columns == ("open", "high", "low", "close", "volume", "ts", "span")


def test_an_unknown_output_is_no_attribute() -> None:
    assert not hasattr(ind.sma(10), "signal")
    with pytest.raises(AttributeError, match=r"INDICATOR_OUTPUT: macd .*'sginal'.* macd, signal, hist"):
        _ = ind.macd().sginal
    with pytest.raises(Misuse, match="it has: upper, middle, lower") as caught:
        ind.bbands().output("top")
    assert caught.value.code == "INDICATOR_OUTPUT"


BAD: list[tuple[str, Callable[[], object]]] = [
    ("INDICATOR_PARAM", lambda: ind.sma(0)),
    ("INDICATOR_PARAM", lambda: ind.sma(-3)),
    ("INDICATOR_PARAM", lambda: ind.ema(2.5)),  # type: ignore[arg-type]
    ("INDICATOR_PARAM", lambda: ind.ema(math.nan)),  # type: ignore[arg-type]
    ("INDICATOR_PARAM", lambda: ind.atr(math.inf)),  # type: ignore[arg-type]
    ("INDICATOR_PARAM", lambda: ind.atr("14")),  # type: ignore[arg-type]
    ("INDICATOR_PARAM", lambda: ind.mom(None)),  # type: ignore[arg-type]
    ("INDICATOR_PARAM", lambda: ind.highest(True)),
    ("INDICATOR_PARAM", lambda: ind.rsi(1)),
    ("INDICATOR_PARAM", lambda: ind.adx(1)),
    ("INDICATOR_PARAM", lambda: ind.zscore(1)),
    ("INDICATOR_PARAM", lambda: ind.vwap(0)),
    ("INDICATOR_PARAM", lambda: ind.macd(12, 26, 0)),
    ("INDICATOR_PARAM", lambda: ind.macd(1, 26)),
    ("INDICATOR_PARAM", lambda: ind.bbands(20, math.nan)),
    ("INDICATOR_PARAM", lambda: ind.bbands(20, 0.0)),
    ("INDICATOR_PARAM", lambda: ind.stddev(20, -1.0)),
    ("INDICATOR_NAME", lambda: Indicator("smma", (10.0,))),
    ("INDICATOR_OUTPUT", lambda: Indicator("sma", (10.0,), 1)),
    ("INDICATOR_TWICE", lambda: define(DEFINITIONS["sma"])),
    ("INDICATOR_COLUMNS", lambda: ind.atr(14).batch({"close": np.ones(3)})),
    ("INDICATOR_COLUMNS", lambda: ind.vwap(1).batch(dict(walk(3), low=np.ones(2)))),
    ("SPAN", lambda: ind.sma(10, every="5 minutes")),
    ("SPAN", lambda: ind.sma(10, every="0m")),
]  # fmt: skip


@pytest.mark.parametrize(("code", "act"), BAD, ids=range(len(BAD)))
def test_errors_have_codes(code: str, act: Callable[[], object]) -> None:
    with pytest.raises(Misuse) as caught:
        act()
    assert caught.value.code == code
