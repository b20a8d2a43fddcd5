"""What TA-Lib does not have against plain loops over the formula; and what large prices, outliers and still markets do."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from argosy.kernels import indicators as ind
from argosy.kernels.indicators import DEFINITIONS, Indicator
from tests.kernels.test_indicators import EVERY_OUTPUT, Columns, agree, demo, flat, walk

Values = NDArray[np.float64]


def weighted(x: list[float], n: int, t: int) -> float:
    """The weighted mean of the n rows up to t, exactly summed."""
    return math.fsum((k + 1) * x[t - n + 1 + k] for k in range(n)) / (n * (n + 1) / 2)


def hull(x: list[float], n: int) -> Values:
    root = math.isqrt(n)
    raw = {t: 2 * weighted(x, n // 2, t) - weighted(x, n, t) for t in range(n - 1, len(x))}
    out = np.full(len(x), np.nan)
    for t in range(n + root - 2, len(x)):
        out[t] = math.fsum((k + 1) * raw[t - root + 1 + k] for k in range(root)) / (root * (root + 1) / 2)
    return out


@pytest.mark.parametrize("n", [2, 3, 9, 16, 55])
def test_hull(n: int) -> None:
    for columns in (walk(600, 1), demo()):
        agree(ind.hma(n).batch(columns), hull(columns["close"].tolist(), n))


def wilder(columns: Columns, n: int) -> list[float]:
    high, low, close = (columns[name].tolist() for name in ("high", "low", "close"))
    out = [math.nan] * len(close)
    ranges = [max(high[t] - low[t], abs(high[t] - close[t - 1]), abs(low[t] - close[t - 1])) for t in range(1, len(close))]
    for t in range(n, len(close)):
        out[t] = math.fsum(ranges[:n]) / n if t == n else (out[t - 1] * (n - 1) + ranges[t - 1]) / n
    return out


def follow(columns: Columns, n: int, k: float) -> tuple[Values, Values]:
    """SuperTrend as its table of cases: two ratchets, and a switch where the close passes the one in force."""
    high, low, close = (columns[name].tolist() for name in ("high", "low", "close"))
    wide = wilder(columns, n)
    stop, way = np.full(len(close), np.nan), np.full(len(close), np.nan)
    roof = floor = 0.0
    up = True
    for t in range(n, len(close)):
        basic_roof, basic_floor = (high[t] + low[t]) / 2 + k * wide[t], (high[t] + low[t]) / 2 - k * wide[t]
        if t == n:
            roof, floor = basic_roof, basic_floor
            up = close[t] >= (high[t] + low[t]) / 2
        else:
            roof = basic_roof if close[t - 1] > roof else min(roof, basic_roof)
            floor = basic_floor if close[t - 1] < floor else max(floor, basic_floor)
            up = close[t] >= floor if up else close[t] > roof
        stop[t], way[t] = (floor, 1.0) if up else (roof, -1.0)
    return stop, way


@pytest.mark.parametrize(("n", "k"), [(1, 1.0), (7, 3.0), (10, 2.0)])
def test_supertrend(n: int, k: float) -> None:
    for columns in (walk(2_000, 1), walk(2_000, 3), demo()):
        stop, way = follow(columns, n, k)
        agree(ind.supertrend(n, k).stop.batch(columns), stop)
        np.testing.assert_array_equal(ind.supertrend(n, k).way.batch(columns), way)
        assert set(way[n:]) == {1.0, -1.0}


def test_psar_says_its_way() -> None:
    """Long while the stop is below the bar, short while it is above."""
    columns = walk(3_000, 2)
    stop, way = ind.psar().stop.batch(columns)[1:], ind.psar().way.batch(columns)[1:]
    middle = 0.5 * (columns["high"] + columns["low"])[1:]
    np.testing.assert_array_equal(way, np.where(stop < middle, 1.0, -1.0))


def test_signals_of_the_oscillators() -> None:
    """The mean of the line, seeded with the plain mean of its first values."""
    columns = walk(500, 3)
    line = ind.ppo(5, 9, 4).batch(columns)
    want = np.full(500, np.nan)
    want[11] = line[8:12].sum() / 4
    for t in range(12, 500):
        want[t] = want[t - 1] + 0.4 * (line[t] - want[t - 1])
    agree(ind.ppo(5, 9, 4).signal.batch(columns), want)
    agree(ind.ppo(5, 9, 4).hist.batch(columns), line - want)


def moved(x: Values, lag: int) -> NDArray[np.longdouble]:
    return x[lag:].astype(np.longdouble) - x[:-lag]


@pytest.mark.parametrize("n", [3, 20, 100])
def test_half_life(n: int) -> None:
    """Least squares in longer floats, window by window."""
    for columns in (walk(2_000, 4), demo()):
        x = columns["close"]
        level = sliding_window_view(x[:-1].astype(np.longdouble), n)
        change = sliding_window_view(moved(x, 1), n)
        level = level - level.mean(axis=1, keepdims=True)
        slope = (level * change).sum(axis=1) / (level * level).sum(axis=1)
        want = np.where(slope < 0, -np.log(2) / np.minimum(slope, -1e-30), np.inf).astype(np.float64)
        got = ind.halflife(n).batch(columns)
        assert np.isnan(got[:n]).all()
        np.testing.assert_allclose(1.0 / got[n:], 1.0 / want, rtol=1e-9, atol=1e-12)


def test_half_life_of_a_known_process() -> None:
    """A deviation that loses a tenth each bar: half is gone after ln 2 / 0.1 bars."""
    x = [100.0 + (-1.0) ** (k // 50) * 5.0 * 0.9 ** (k % 50) for k in range(50)]
    assert ind.halflife(40).batch({"close": np.array(x)})[-1] == pytest.approx(math.log(2) / 0.1, rel=1e-9)
    assert ind.halflife(10).batch({"close": 1.1 ** np.arange(30.0)})[-1] == math.inf, "it runs away"


@pytest.mark.parametrize("n", [16, 100])
def test_hurst(n: int) -> None:
    """The slope by NumPy's own least squares."""
    for columns in (walk(1_500, 5), demo()):
        x = columns["close"]
        logs = [0.5 * np.log(sliding_window_view(moved(x, lag)[8 - lag :] ** 2, n).mean(axis=1)) for lag in (1, 2, 4, 8)]
        slope = np.polyfit(np.log([1.0, 2.0, 4.0, 8.0]), np.array(logs, dtype=np.float64), 1)[0]
        got = ind.hurst(n).batch(columns)
        assert np.isnan(got[: n + 7]).all()
        np.testing.assert_allclose(got[n + 7 :], slope, rtol=1e-9, atol=1e-9)


def test_hurst_of_known_processes() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(0.0, 1.0, 20_000)
    assert ind.hurst(10_000).batch({"close": np.cumsum(noise)})[-1] == pytest.approx(0.5, abs=0.03), "a random walk"
    assert ind.hurst(10_000).batch({"close": noise})[-1] == pytest.approx(0.0, abs=0.03), "noise about a level"
    assert ind.hurst(16).batch({"close": np.arange(30.0)})[-1] == pytest.approx(1.0, abs=1e-12), "a straight line"


@pytest.mark.parametrize("n", [2, 7, 60])
def test_correlation_and_beta_against_numpy(n: int) -> None:
    for columns in (walk(3_000, 5), demo()):
        x, y = columns["close"], columns["other"]
        ret_x, ret_y = np.diff(x) / x[:-1], np.diff(y) / y[:-1]
        for got, a, b, beta in (
            (ind.correl(n).batch(columns)[n - 1 :], x, y, False),
            (ind.beta(n).batch(columns)[n:], ret_x, ret_y, True),
        ):
            one = sliding_window_view(a.astype(np.longdouble), n)
            two = sliding_window_view(b.astype(np.longdouble), n)
            one, two = one - one.mean(axis=1, keepdims=True), two - two.mean(axis=1, keepdims=True)
            product, xx, yy = (one * two).sum(axis=1), (one * one).sum(axis=1), (two * two).sum(axis=1)
            moves = (xx > 0) & (yy > 0)
            want = product[moves] / (yy[moves] if beta else np.sqrt(xx[moves] * yy[moves]))
            np.testing.assert_allclose(got[moves], want.astype(np.float64), rtol=1e-9, atol=1e-9)


def test_beta_by_hand() -> None:
    """The asset moves twice as far as the market."""
    market = np.array([100.0, 101.0, 99.99, 102.9897])
    asset = np.array([10.0, 10.2, 9.996, 10.59576])
    assert ind.beta(3).batch({"close": asset, "other": market})[-1] == pytest.approx(2.0, rel=1e-9)
    assert ind.correl(4).batch({"close": -market, "other": market})[-1] == -1.0
    assert ind.correl(4).batch({"close": np.ones(4), "other": market})[-1] == 0.0


def test_on_balance_volume_loses_nothing() -> None:
    rng = np.random.default_rng(2)
    close = np.round(100.0 + rng.normal(0.0, 1.0, 5_000), 1)
    volume = 10.0 ** rng.uniform(-6.0, 14.0, 5_000)
    got = ind.obv().batch({"close": close, "volume": volume})
    moves = [volume[0], *(volume[1:] * np.sign(np.diff(close)))]
    want = [math.fsum(moves[: t + 1]) for t in range(0, 5_000, 97)]
    np.testing.assert_allclose(got[::97], want, rtol=1e-14)


# -- large prices, long series, outliers ---------------------------------------------------------------------

ROLLING = [spec for spec in EVERY_OUTPUT if not DEFINITIONS[spec.name].memory and not spec.of]


@pytest.fixture(scope="module")
def fine() -> Columns:
    """A million bars of 1e6 give or take 0.01, as where a coin is priced in a small currency."""
    rng = np.random.default_rng(3)
    close = 1e6 + rng.normal(0.0, 0.01, 1_000_000)
    columns = {"open": close, "close": close, "high": close + rng.random(1_000_000) * 0.01}
    columns["low"] = close - rng.random(1_000_000) * 0.01
    columns["volume"] = rng.random(1_000_000) * 1e6
    columns["other"] = 1e6 + rng.normal(0.0, 0.01, 1_000_000)
    return columns


LONG: list[tuple[Indicator, Callable[[Columns, int], float], float]] = [
    (ind.sma(20), lambda k, t: math.fsum(k["close"][t - 19 : t + 1]) / 20, 1e6),
    (ind.wma(20), lambda k, t: weighted(k["close"].tolist(), 20, t), 1e6),
    (ind.hma(16), lambda k, t: hull(k["close"][t - 30 : t + 1].tolist(), 16)[-1], 1e6),
    (ind.stddev(20), lambda k, t: float(k["close"][t - 19 : t + 1].astype(np.longdouble).std()), 0.01),
    (ind.bbands(20).upper, lambda k, t: float(exact(k, t).mean() + 2 * exact(k, t).std()), 1e6),
    (ind.zscore(20), lambda k, t: float((exact(k, t)[-1] - exact(k, t).mean()) / exact(k, t).std()), 1.0),
    (ind.correl(20), lambda k, t: correlated(k, t), 1.0),
    (ind.halflife(20), lambda k, t: lives(k, t), 1.0),
    (ind.vwap(20), lambda k, t: bought(k, t), 1e6),
    (ind.highest(20), lambda k, t: max(k["high"][t - 19 : t + 1]), 1e6),
    (ind.hurst(20), lambda k, t: rough(k, t), 1.0),
]


def exact(k: Columns, t: int, name: str = "close", n: int = 20) -> NDArray[np.longdouble]:
    return k[name][t - n + 1 : t + 1].astype(np.longdouble)


def correlated(k: Columns, t: int) -> float:
    x, y = (exact(k, t, name) - exact(k, t, name).mean() for name in ("close", "other"))
    return float((x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum()))


def lives(k: Columns, t: int) -> float:
    x, change = exact(k, t - 1), np.diff(exact(k, t, n=21))
    x = x - x.mean()
    return float(np.log(np.longdouble(2)) / -((x * change).sum() / (x * x).sum()))


def bought(k: Columns, t: int) -> float:
    typical = (exact(k, t, "high") + exact(k, t, "low") + exact(k, t)) / 3
    return float((typical * exact(k, t, "volume")).sum() / exact(k, t, "volume").sum())


def rough(k: Columns, t: int) -> float:
    logs = [0.5 * np.log(float((moved(k["close"][t - 19 - lag : t + 1], lag) ** 2).mean())) for lag in (1, 2, 4, 8)]
    return float(np.polyfit(np.log([1.0, 2.0, 4.0, 8.0]), logs, 1)[0])


@pytest.mark.parametrize(("spec", "direct", "scale"), LONG, ids=[each[0].name for each in LONG])
def test_after_a_million_rows_it_is_still_what_it_should_be(
    fine: Columns, spec: Indicator, direct: Callable[[Columns, int], float], scale: float
) -> None:
    got = spec.batch(fine)
    for t in (100, 499_999, 999_983, 999_990, 999_998, 999_999):
        near = {name: column[t - 60 : t + 1] for name, column in fine.items()}
        assert got[t] == pytest.approx(direct(near, 60), rel=1e-9, abs=1e-9 * scale), t


@pytest.mark.parametrize("spec", ROLLING, ids=str)
def test_what_has_left_the_window_leaves_no_dust(spec: Indicator) -> None:
    """One price, then one volume, that is a mistake: soon all is as if it had not been."""
    columns = walk(900, 6)
    want = spec.batch(columns)
    for name, wrong in (("close", 1e9), ("high", 1e9), ("volume", 1e18), ("low", 1e-9), ("other", 1e9)):
        spoilt = {key: column.copy() for key, column in columns.items()}
        spoilt[name][300] = wrong
        got = spec.batch(spoilt)
        np.testing.assert_allclose(got[350:], want[350:], rtol=1e-9, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("spec", [spec for spec in EVERY_OUTPUT if DEFINITIONS[spec.name].memory and spec.name != "obv"], ids=str)
def test_what_remembers_all_forgets_in_time(spec: Indicator) -> None:
    """Two histories that differ only at the start are one in the end."""
    columns = walk(4_000, 6)
    other = {key: column.copy() for key, column in columns.items()}
    for name in ("open", "high", "low", "close"):
        other[name][:20] = walk(20, 9)[name]
    np.testing.assert_allclose(spec.batch(other)[-500:], spec.batch(columns)[-500:], rtol=1e-9, atol=1e-9)


# -- still markets and short series --------------------------------------------------------------------------

STILL: dict[str, float] = {
    "rsi": 0.0, "stoch": 0.0, "stochrsi": 0.0, "cci": 0.0, "willr": 0.0, "mfi": 0.0, "adx": 0.0, "roc": 0.0,
    "mom": 0.0, "atr": 0.0, "natr": 0.0, "ppo": 0.0, "macd": 0.0, "stddev": 0.0, "zscore": 0.0, "correl": 0.0,
    "beta": 0.0, "halflife": math.nan, "hurst": math.nan,
}  # fmt: skip


@pytest.mark.parametrize("spec", [spec for spec in EVERY_OUTPUT if not spec.of], ids=str)
def test_a_market_that_stands_still(spec: Indicator) -> None:
    columns = flat(400) | {"other": np.full(400, 7.0), "volume": np.full(400, 1.0)}
    got = spec.batch(columns)
    if spec.name == "aroon":
        assert set(got[spec.warmup - 1 :]) == ({0.0} if spec.outputs[spec.out] == "osc" else {100.0})
    elif spec.outputs[spec.out] == "way":
        assert set(got[spec.warmup - 1 :]) <= {1.0, -1.0}
    else:
        want = 1.0 if spec.name == "obv" else STILL.get(spec.name, 101.37)
        np.testing.assert_allclose(got[spec.warmup - 1 :], want, rtol=1e-12, atol=1e-11)


def test_nothing_is_traded() -> None:
    columns = walk(200) | {"volume": np.zeros(200)}
    assert np.isnan(ind.vwap(5).batch(columns)).all()
    assert (ind.mfi(5).batch(columns)[5:] == 0.0).all()
    assert (ind.obv().batch(columns) == 0.0).all()


@pytest.mark.parametrize("spec", EVERY_OUTPUT, ids=str)
def test_a_series_too_short_has_no_value(spec: Indicator) -> None:
    short: dict[str, Any] = {name: column[: spec.warmup - 1] for name, column in walk(200).items()}
    assert np.isnan(spec.batch(short)).all()
    stream = spec.stream()
    for row in zip(*(short[name].tolist() for name in spec.columns), strict=True):
        assert math.isnan(stream.update(*row))
