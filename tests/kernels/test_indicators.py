"""Indicators against TA-Lib, NumPy and the hand; their warm-up, scale and errors."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import talib
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.time import DAY, MINUTE
from argosy.data.demo import load
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
    columns["other"] = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.001, rows)))
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


@cache
def demo() -> Columns:
    tape = load(("IBM",)).tape
    market = load(("MSFT",)).tape
    columns = {name: np.asarray(tape.columns[name]) for name in (*PRICES, "volume", "ts", "span")}
    columns["volume"] = columns["volume"].astype(np.float64)
    columns["other"] = np.asarray(market.columns["close"])
    return columns


def windows(x: NDArray[np.float64], n: int) -> NDArray[np.longdouble]:
    return sliding_window_view(x.astype(np.longdouble), n)


def filled(n: int, values: NDArray[Any]) -> NDArray[np.float64]:
    return np.concatenate([np.full(n - 1, np.nan), values.astype(np.float64)])


def deviation(x: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Two passes in longer floats; TA-Lib's one pass loses digits where the price stands still."""
    return filled(n, windows(x, n).std(axis=1))


def later(values: NDArray[Any], rows: int) -> NDArray[np.float64]:
    return np.concatenate([np.full(rows, np.nan), values[:-rows]])


def after(values: NDArray[Any], then: Callable[[NDArray[Any]], NDArray[Any]]) -> NDArray[np.float64]:
    """An indicator of an indicator: TA-Lib is given the rows that have a value."""
    blank = int(np.isnan(values).sum())
    return np.concatenate([np.full(blank, np.nan), then(values[blank:])])


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
    (ind.ema(1), lambda k: k["close"]),
    (ind.wma(10), lambda k: talib.WMA(k["close"], 10)),
    (ind.wma(1), lambda k: k["close"]),
    (ind.dema(10), lambda k: talib.DEMA(k["close"], 10)),
    (ind.tema(10), lambda k: talib.TEMA(k["close"], 10)),
    (ind.ppo(12, 26, 9), lambda k: talib.PPO(k["close"], 12, 26, 1)),
    (ind.stoch(14, 3, 3), lambda k: talib.STOCH(k["high"], k["low"], k["close"], 14, 3, 0, 3, 0)[0]),
    (ind.stoch(14, 3, 3).d, lambda k: talib.STOCH(k["high"], k["low"], k["close"], 14, 3, 0, 3, 0)[1]),
    (ind.stoch(5, 1, 4), lambda k: talib.STOCHF(k["high"], k["low"], k["close"], 5, 4, 0)[0]),
    (ind.stoch(5, 1, 4).d, lambda k: talib.STOCHF(k["high"], k["low"], k["close"], 5, 4, 0)[1]),
    (ind.willr(14), lambda k: talib.WILLR(k["high"], k["low"], k["close"], 14)),
    (ind.obv(), lambda k: talib.OBV(k["close"], k["volume"])),
    (ind.natr(14), lambda k: talib.NATR(k["high"], k["low"], k["close"], 14)),
    (ind.natr(1), lambda k: talib.TRANGE(k["high"], k["low"], k["close"]) / k["close"] * 100.0),
    (ind.aroon(14), lambda k: talib.AROON(k["high"], k["low"], 14)[1]),
    (ind.aroon(14).down, lambda k: talib.AROON(k["high"], k["low"], 14)[0]),
    (ind.aroon(14).osc, lambda k: talib.AROONOSC(k["high"], k["low"], 14)),
    (ind.psar(), lambda k: talib.SAR(k["high"], k["low"], 0.02, 0.2)),
    (ind.psar(0.05, 0.07), lambda k: talib.SAR(k["high"], k["low"], 0.05, 0.07)),
    (ind.donchian(20).upper, lambda k: talib.MAX(k["high"], 20)),
    (ind.donchian(20).middle, lambda k: talib.MIDPRICE(k["high"], k["low"], 20)),
    (ind.donchian(20).lower, lambda k: talib.MIN(k["low"], 20)),
    (ind.ichimoku().conversion, lambda k: talib.MIDPRICE(k["high"], k["low"], 9)),
    (ind.ichimoku().base, lambda k: talib.MIDPRICE(k["high"], k["low"], 26)),
    (ind.ichimoku().cloud_b, lambda k: later(talib.MIDPRICE(k["high"], k["low"], 52), 26)),
    (
        ind.ichimoku().cloud_a,
        lambda k: later((talib.MIDPRICE(k["high"], k["low"], 9) + talib.MIDPRICE(k["high"], k["low"], 26)) / 2.0, 26),
    ),
    (
        ind.keltner(20, 2.0, 10).upper,
        lambda k: talib.EMA(k["close"], 20) + 2.0 * talib.ATR(k["high"], k["low"], k["close"], 10),
    ),
    (
        ind.keltner(9, 1.5, 10).lower,
        lambda k: (
            np.where(np.isnan(talib.ATR(k["high"], k["low"], k["close"], 10)), np.nan, talib.EMA(k["close"], 9))
            - 1.5 * talib.ATR(k["high"], k["low"], k["close"], 10)
        ),
    ),
    (ind.rsi(14, of="high"), lambda k: talib.RSI(k["high"], 14)),
    (ind.sma(5, of=ind.rsi(14)), lambda k: after(talib.RSI(k["close"], 14), lambda x: talib.SMA(x, 5))),
    (ind.roc(3, of=ind.ema(5, of="open")), lambda k: after(talib.EMA(k["open"], 5), lambda x: talib.ROC(x, 3))),
    (ind.correl(30, of=("high", "volume")), lambda k: talib.CORREL(k["high"], k["volume"], 30)),
]
DUST: list[tuple[Indicator, Oracle]] = [
    (ind.mfi(14), lambda k: talib.MFI(k["high"], k["low"], k["close"], k["volume"], 14)),
    (ind.kama(10), lambda k: talib.KAMA(k["close"], 10)),
    (ind.cci(14), lambda k: talib.CCI(k["high"], k["low"], k["close"], 14)),
    (ind.stochrsi(14, 5, 3), lambda k: talib.STOCHRSI(k["close"], 14, 5, 3, 0)[0]),
    (ind.stochrsi(14, 5, 3).d, lambda k: talib.STOCHRSI(k["close"], 14, 5, 3, 0)[1]),
    (ind.correl(30), lambda k: talib.CORREL(k["close"], k["other"], 30)),
    (ind.beta(20), lambda k: talib.BETA(k["other"], k["close"], 20)),
]
"""Where TA-Lib divides dust by dust, or compares it, when the market stands still: judged in one that moves."""


def ids(table: list[tuple[Indicator, Oracle]]) -> list[str]:
    return [f"{each.name}{each.params}{each.of or ''}.{each.outputs[each.out]}" for each, _ in table]


IDS = ids(ORACLES)
EVERY_OUTPUT = [
    made.output(name)
    for made in (
        ind.sma(1), ind.sma(7), ind.ema(1), ind.ema(7), ind.rsi(2), ind.rsi(7), ind.atr(1), ind.atr(7),
        ind.adx(2), ind.adx(7), ind.bbands(2), ind.bbands(7), ind.macd(2, 3, 1), ind.macd(3, 7, 4),
        ind.roc(1), ind.roc(7), ind.mom(1), ind.mom(7), ind.stddev(2), ind.stddev(7), ind.highest(1),
        ind.highest(7), ind.lowest(1), ind.lowest(7), ind.vwap(1), ind.vwap(7), ind.zscore(2), ind.zscore(7),
        ind.wma(1), ind.wma(7), ind.dema(1), ind.dema(7), ind.tema(1), ind.tema(7), ind.hma(2), ind.hma(7),
        ind.kama(1), ind.kama(7), ind.ppo(2, 3, 1), ind.ppo(3, 7, 4), ind.stoch(1, 1, 1), ind.stoch(7, 3, 2),
        ind.stochrsi(2, 1, 1), ind.stochrsi(7, 4, 3), ind.cci(2), ind.cci(7), ind.willr(1), ind.willr(7),
        ind.mfi(2), ind.mfi(7), ind.obv(), ind.natr(1), ind.natr(7), ind.donchian(1), ind.donchian(7),
        ind.keltner(1, 1.0, 1), ind.keltner(7, 2.0, 3), ind.keltner(3, 2.0, 7), ind.aroon(1), ind.aroon(7),
        ind.psar(), ind.supertrend(1), ind.supertrend(7), ind.ichimoku(1, 1, 1, 1), ind.ichimoku(3, 7, 5, 4),
        ind.correl(2), ind.correl(7), ind.beta(2), ind.beta(7), ind.halflife(3), ind.halflife(7), ind.hurst(16),
        ind.sma(3, of=ind.rsi(7)), ind.highest(3, of="volume"), ind.bbands(3, of=ind.ema(4, of="high")),
        ind.correl(5, of=(ind.roc(2), ind.mom(4, of="volume"))),
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


@pytest.mark.parametrize(("spec", "oracle"), DUST, ids=ids(DUST))
def test_ta_lib_agrees_in_a_market_that_moves(spec: Indicator, oracle: Oracle) -> None:
    for columns in (walk(2_000, 1), walk(2_000, 2), walk(20_000, 7)):
        agree(spec.batch(columns), oracle(columns))


@pytest.mark.parametrize(("spec", "oracle"), [*ORACLES, *DUST], ids=[*IDS, *ids(DUST)])
def test_ta_lib_agrees_on_real_prices(spec: Indicator, oracle: Oracle) -> None:
    """Raw daily prices of the packaged demo, splits and all."""
    columns = demo()
    assert len(columns["close"]) > 3_000
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
    assert spec.scale != "price" or "volume" not in spec.inputs or spec.name == "vwap"
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
    assert ind.sma(10, of="close") == ind.sma(10), "its own input said aloud is no other indicator"
    chain = ind.sma(10, of=ind.atr(5))
    assert (chain.columns, chain.inputs, chain.scale) == (("high", "low", "close"), (ind.atr(5),), "price")
    assert ind.sma(3, of="volume").scale == "volume"
    assert ind.sma(3, of=ind.sma(4, of="volume")).scale == "volume"
    assert ind.sma(3, of=ind.rsi(4)).scale == "ratio"
    assert ind.roc(3, of="volume").scale == "ratio"
    assert ind.correl(5, of=("high", ind.sma(3, of="open"))).columns == ("high", "open")
    assert pickle.loads(pickle.dumps(chain)) == chain != ind.sma(10)
    assert hash(copy.deepcopy(chain)) == hash(chain)
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
    ("INDICATOR_PARAM", lambda: Indicator("macd", (12.0, 26.0))),
    ("INDICATOR_PARAM", lambda: ind.hma(1)),
    ("INDICATOR_PARAM", lambda: ind.kama(10, fast=0)),
    ("INDICATOR_PARAM", lambda: ind.stoch(14, 0)),
    ("INDICATOR_PARAM", lambda: ind.stochrsi(1)),
    ("INDICATOR_PARAM", lambda: ind.cci(1)),
    ("INDICATOR_PARAM", lambda: ind.mfi(1)),
    ("INDICATOR_PARAM", lambda: ind.keltner(20, 0.0)),
    ("INDICATOR_PARAM", lambda: ind.psar(0.2, 0.1)),
    ("INDICATOR_PARAM", lambda: ind.psar(-0.1)),
    ("INDICATOR_PARAM", lambda: ind.supertrend(10, math.inf)),
    ("INDICATOR_PARAM", lambda: ind.ichimoku(9, 26, 52, 0)),
    ("INDICATOR_PARAM", lambda: ind.correl(1)),
    ("INDICATOR_PARAM", lambda: ind.halflife(2)),
    ("INDICATOR_PARAM", lambda: ind.hurst(15)),
    ("INDICATOR_OF", lambda: ind.sma(10, of="hihg")),
    ("INDICATOR_OF", lambda: ind.sma(10, of=("high", "low"))),  # type: ignore[arg-type]
    ("INDICATOR_OF", lambda: ind.sma(10, of=3)),  # type: ignore[arg-type]
    ("INDICATOR_OF", lambda: ind.correl(10, of=("close",))),  # type: ignore[arg-type]
    ("INDICATOR_OF", lambda: Indicator("atr", (14.0,), of=("open", "open", "open"))),
    ("INDICATOR_OF", lambda: ind.sma(10, of=ind.rsi(14, every="1h"))),
    ("INDICATOR_OF", lambda: ind.beta(10, every="1h")),
    ("INDICATOR_COLUMNS", lambda: ind.beta(10).batch({"close": np.ones(3)})),
    ("SPAN", lambda: ind.sma(10, every="5 minutes")),
    ("SPAN", lambda: ind.sma(10, every="0m")),
]  # fmt: skip


@pytest.mark.parametrize(("code", "act"), BAD, ids=range(len(BAD)))
def test_errors_have_codes(code: str, act: Callable[[], object]) -> None:
    with pytest.raises(Misuse) as caught:
        act()
    assert caught.value.code == code
