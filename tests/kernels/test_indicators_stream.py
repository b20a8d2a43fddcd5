"""Indicators fed bar by bar in plain Python are their batch to the bit, on whatever series there can be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from argosy.core.time import DAY, MINUTE
from argosy.kernels import indicators as ind
from argosy.kernels.indicators import DEFINITIONS, Indicator

SMALL = st.integers(1, 9)
COLUMN = st.sampled_from(["open", "high", "low", "close", "volume"])
MAKERS: dict[str, st.SearchStrategy[Indicator]] = {
    **{name: st.builds(getattr(ind, name), SMALL)
       for name in ("sma", "ema", "wma", "dema", "tema", "atr", "natr", "roc", "mom", "highest", "lowest",
                    "donchian", "aroon", "willr", "vwap")},
    **{name: st.builds(getattr(ind, name), st.integers(2, 9)) for name in ("rsi", "adx", "zscore", "hma", "cci", "mfi")},
    "kama": st.builds(ind.kama, SMALL, SMALL, SMALL),
    "stddev": st.builds(ind.stddev, st.integers(2, 9), st.floats(0.1, 4.0)),
    "bbands": st.builds(ind.bbands, st.integers(2, 9), st.floats(0.1, 4.0)),
    "macd": st.builds(ind.macd, st.integers(2, 6), st.integers(2, 9), st.integers(1, 5)),
    "ppo": st.builds(ind.ppo, st.integers(2, 6), st.integers(2, 9), st.integers(1, 5)),
    "stoch": st.builds(ind.stoch, SMALL, st.integers(1, 4), st.integers(1, 4)),
    "stochrsi": st.builds(ind.stochrsi, st.integers(2, 6), st.integers(1, 6), st.integers(1, 4)),
    "obv": st.builds(ind.obv),
    "keltner": st.builds(ind.keltner, SMALL, st.floats(0.1, 4.0), SMALL),
    "psar": st.builds(ind.psar, st.floats(0.001, 0.1), st.floats(0.1, 0.5)),
    "supertrend": st.builds(ind.supertrend, SMALL, st.floats(0.1, 4.0)),
    "ichimoku": st.builds(ind.ichimoku, st.integers(1, 4), SMALL, SMALL, st.integers(1, 5)),
    "correl": st.builds(ind.correl, st.integers(2, 9), of=st.tuples(COLUMN, COLUMN)),
    "beta": st.builds(ind.beta, st.integers(2, 9), of=st.tuples(COLUMN, COLUMN)),
    "halflife": st.builds(ind.halflife, st.integers(3, 9)),
    "hurst": st.builds(ind.hurst, st.integers(16, 18)),
}  # fmt: skip
CHAINS = st.sampled_from([
    ind.sma(3, of=ind.rsi(4)), ind.zscore(3, of=ind.vwap(2)), ind.bbands(3, of=ind.stoch(3).d).upper,
    ind.correl(4, of=(ind.roc(1), ind.roc(1, of="volume"))), ind.rsi(3, of="volume"),
    ind.ema(2, of=ind.sma(3, of=ind.atr(2))), ind.beta(3, of=("close", "close")), ind.sma(2, of=ind.halflife(3)),
])  # fmt: skip

TIES = st.integers(9_990, 10_010).map(lambda cents: cents / 100.0)
WILD = st.floats(1e-9, 1e12)
VOLUME = st.one_of(st.just(0.0), st.integers(0, 10**6).map(float), st.floats(0.0, 1e15))


@st.composite
def series(draw: st.DrawFn) -> dict[str, NDArray[Any]]:
    """Bars of a minute or two with ties, jumps, stretches that stand still, gaps, and bars without volume."""
    price = draw(st.sampled_from([TIES, TIES, WILD, st.one_of(TIES, WILD)]))
    rows = []
    ts = 20_000 * DAY + draw(st.integers(0, 120)) * MINUTE
    for _ in range(draw(st.integers(0, 25))):
        a, b, c, d = sorted(draw(st.tuples(price, price, price, price)))
        middle = [b, c] if draw(st.booleans()) else [c, b]
        volume = draw(VOLUME)
        minutes = draw(st.sampled_from([1, 1, 1, 2]))
        for _ in range(draw(st.sampled_from([1, 1, 2, 15]))):
            rows.append((middle[0], d, a, middle[1], volume, ts, minutes * MINUTE))
            ts += (minutes + draw(st.sampled_from([0, 0, 0, 1, 7, 500]))) * MINUTE
    names = ("open", "high", "low", "close", "volume", "ts", "span")
    kinds = (np.float64,) * 5 + (np.int64,) * 2
    return {name: np.array([row[k] for row in rows], dtype=kinds[k]) for k, name in enumerate(names)}


def bits(values: NDArray[np.float64]) -> list[int | None]:
    """A number's bits; 0.0 is not -0.0, and nan is None."""
    return [None if np.isnan(v) else int(v.view(np.int64)) for v in values]


BARE = {"sma", "ema", "wma", "dema", "tema", "hma"}
"""Indicators that have no n of their own."""


def streamed(spec: Indicator, columns: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
    stream = spec.stream()
    rows = zip(*(columns[name].tolist() for name in spec.columns), strict=True)
    values = [stream.update(*row) for row in rows]
    assert all(type(value) is float for value in values)
    return np.array(values, dtype=np.float64)


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_a_stream_is_its_batch_to_the_bit(name: str) -> None:
    @settings(deadline=None, max_examples=40)
    @given(MAKERS[name], series(), st.data())
    def same(made: Indicator, columns: dict[str, NDArray[Any]], data: st.DataObject) -> None:
        spec = made.output(data.draw(st.sampled_from(made.outputs)))
        assert bits(streamed(spec, columns)) == bits(spec.batch(columns))

    same()


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_so_is_one_of_a_higher_timeframe(name: str) -> None:
    @settings(deadline=None, max_examples=15)
    @given(MAKERS[name], series(), st.sampled_from(["1m", "2m", "5m", "1h", "1d"]))
    def same(made: Indicator, columns: dict[str, NDArray[Any]], every: str) -> None:
        if every == "1m":
            columns["span"] = np.minimum(columns["span"], MINUTE)
        spec = Indicator(made.name, made.params, made.out, every, made.of)
        assert bits(streamed(spec, columns)) == bits(spec.batch(columns))

    same()


@settings(deadline=None, max_examples=60)
@given(CHAINS, series(), st.sampled_from(["", "2m", "1h"]))
def test_so_is_one_of_another(made: Indicator, columns: dict[str, NDArray[Any]], every: str) -> None:
    spec = Indicator(made.name, made.params, made.out, every, made.of)
    assert bits(streamed(spec, columns)) == bits(spec.batch(columns))


def test_a_long_stream_is_its_batch_to_the_bit() -> None:
    """Long enough for the rings to be summed anew."""
    rng = np.random.default_rng(3)
    close = np.round(100.0 + np.cumsum(rng.normal(0.0, 0.02, 4_000)), 2)
    columns = {"high": close + 0.01, "low": close - 0.02, "close": close}
    columns["volume"] = 10.0 ** rng.uniform(-8, 8, 4_000)
    for name, definition in DEFINITIONS.items():
        made = getattr(ind, name)()  if name not in BARE else getattr(ind, name)(20)
        if name in ("correl", "beta"):
            made = getattr(ind, name)(20, of=("high", "volume"))
        for out in definition.outputs:
            spec = made.output(out)
            assert bits(streamed(spec, columns)) == bits(spec.batch(columns))


@settings(deadline=None, max_examples=150)
@given(st.integers(2, 6), st.lists(st.tuples(st.one_of(TIES, WILD), st.integers(1, 8)), max_size=20))
def test_equal_rows_have_no_deviation_exactly(n: int, runs: list[tuple[float, int]]) -> None:
    stream, middle = ind.stddev(n).stream(), ind.bbands(n).middle.stream()
    last: list[float] = []
    for price, times in runs:
        for _ in range(times):
            last = [*last, price][-n:]
            dev, mean = stream.update(price), middle.update(price)
            if len(last) == n and len(set(last)) == 1:
                assert (dev, mean) == (0.0, price)


def test_streams_of_one_indicator_share_nothing() -> None:
    spec = ind.sma(2)
    one, two = spec.stream(), spec.stream()
    assert np.isnan(one.update(1.0))
    assert np.isnan(two.update(5.0))
    assert (one.update(3.0), two.update(7.0)) == (2.0, 6.0)


def test_batch_takes_any_kind_of_column_and_leaves_it_alone() -> None:
    close = np.array([1, 9, 2, 9, 3, 9], dtype=np.int64)[::2]
    before = close.copy()
    close.flags.writeable = False
    assert ind.sma(2).batch({"close": close}).tolist()[1:] == [1.5, 2.5]
    np.testing.assert_array_equal(close, before)
    locked = np.array([1.0, 2.0, 3.0])
    locked.flags.writeable = False
    assert ind.sma(2).batch({"close": locked}).tolist()[1:] == [1.5, 2.5]
