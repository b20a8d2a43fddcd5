"""Rows with holes: they are not counted, the value stands, and the indicator goes on; restarts go on, too."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.time import MINUTE
from argosy.kernels import indicators as ind
from argosy.kernels.indicators import DEFINITIONS, Indicator
from tests.kernels.test_indicators import EVERY_OUTPUT, Columns, walk

HOLES = (math.nan, math.inf, -math.inf)


def holed(rows: int, seed: int, names: tuple[str, ...]) -> tuple[Columns, NDArray[np.bool_]]:
    """A walk in which each of these columns lost a tenth of its rows, and the rows that are whole."""
    columns = walk(rows, seed)
    rng = np.random.default_rng(seed)
    whole = np.ones(rows, dtype=np.bool_)
    for name in names:
        lost = rng.random(rows) < 0.1
        lost[:2] = True
        lost[40:60] = True
        columns[name][lost] = rng.choice(HOLES, int(lost.sum()))
        whole &= ~lost
    return columns, whole


def standing(values: NDArray[np.float64], whole: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Values of the whole rows, each standing until the next."""
    out = np.full(len(whole), np.nan)
    last, k = math.nan, 0
    for t in range(len(whole)):
        if whole[t]:
            last, k = values[k], k + 1
        out[t] = last
    return out


def streamed(spec: Indicator, columns: Columns) -> NDArray[np.float64]:
    stream = spec.stream()
    return np.array([stream.update(*row) for row in rows(spec, columns)])


def rows(spec: Indicator, columns: Columns) -> list[tuple[Any, ...]]:
    return list(zip(*(columns[name].tolist() for name in spec.columns), strict=True))


ON_ROWS = [spec for spec in EVERY_OUTPUT if not spec.of]


@pytest.mark.parametrize("spec", ON_ROWS, ids=str)
def test_a_row_with_a_hole_is_not_counted_and_the_value_stands(spec: Indicator) -> None:
    columns, whole = holed(300, 5, spec.columns)
    kept = {name: column[whole] for name, column in columns.items()}
    want = standing(spec.batch(kept), whole)
    np.testing.assert_array_equal(spec.batch(columns), want)
    np.testing.assert_array_equal(streamed(spec, columns), want)
    assert not np.isnan(want[-100:]).any(), "it lives on"


@pytest.mark.parametrize("spec", ON_ROWS, ids=str)
def test_holes_in_columns_that_it_does_not_read_are_nothing(spec: Indicator) -> None:
    columns = walk(200, 6)
    want = spec.batch(columns)
    for name in ("open", "high", "low", "close", "volume", "other"):
        if name not in spec.columns:
            columns[name] = np.full(200, np.nan)
    np.testing.assert_array_equal(spec.batch(columns), want)


@pytest.mark.parametrize("name", [name for name in sorted(DEFINITIONS) if DEFINITIONS[name].checks])
def test_no_hole_escapes_a_loop_that_checks_itself(name: str) -> None:
    """One number, at any place of any column it reads, nan or infinite either way."""
    spec = next(spec for spec in EVERY_OUTPUT if spec.name == name and not spec.of and spec.warmup > 2)
    columns = walk(130, 3)
    for column in spec.columns:
        for at in range(130):
            for hole in HOLES:
                holes = columns | {column: columns[column].copy()}
                holes[column][at] = hole
                got = spec.batch(holes)
                kept = {key: np.delete(values, at) for key, values in columns.items()}
                np.testing.assert_array_equal(got, standing(spec.batch(kept), np.arange(130) != at))


def test_no_row_is_whole() -> None:
    for spec in EVERY_OUTPUT:
        columns = {name: np.full(50, np.nan) for name in spec.columns}
        assert np.isnan(spec.batch(columns)).all()
        assert np.isnan(streamed(spec, columns)).all()
        assert len(spec.batch({name: np.empty(0) for name in spec.columns})) == 0


def test_by_hand() -> None:
    nan = math.nan
    spec = ind.sma(2)
    columns = {"close": np.array([nan, 1.0, nan, 3.0, math.inf, nan, 5.0, 7.0])}
    want = [None, None, None, 2.0, 2.0, 2.0, 4.0, 6.0]
    assert [None if math.isnan(v) else v for v in spec.batch(columns)] == want
    assert [None if math.isnan(v) else v for v in streamed(spec, columns)] == want


def test_a_chain_counts_the_rows_that_have_a_value() -> None:
    """The mean of a vwap that has none while nothing is traded, and a price that is missing once."""
    nan = math.nan
    price = np.array([1.0, 2.0, nan, 4.0, 5.0, 6.0])
    columns = {"high": price, "low": price, "close": price, "volume": np.array([1.0, 1.0, 1.0, 0.0, 1.0, 1.0])}
    spec = ind.sma(2, of=ind.vwap(1))
    want = [None, 1.5, 1.5, 1.5, 3.5, 5.5]
    assert [None if math.isnan(v) else v for v in spec.batch(columns)] == want
    assert [None if math.isnan(v) else v for v in streamed(spec, columns)] == want


@pytest.mark.parametrize("spec", [s for s in EVERY_OUTPUT if s.of], ids=str)
def test_chains_stream_as_they_batch_through_holes(spec: Indicator) -> None:
    columns, _ = holed(300, 7, spec.columns)
    got = spec.batch(columns)
    np.testing.assert_array_equal(streamed(spec, columns), got)
    assert not np.isnan(got[-100:]).any()


def test_a_higher_timeframe_is_made_of_whole_rows() -> None:
    """Rows of a minute; the second and the last of the first bar are lost, and one ends a bar all the same."""
    nan = math.nan
    close = np.array([1.0, nan, 3.0, nan, 5.0, 6.0, nan, nan, 9.0])
    columns = dict.fromkeys(("open", "high", "low", "close"), close)
    columns = columns | {"volume": np.ones(9), "ts": np.arange(9) * MINUTE, "span": np.full(9, MINUTE)}
    want = {"close": [None, None, None, 3.0, 3.0, 3.0, 3.0, 6.0, 6.0], "volume": [None, None, None, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0]}
    for name, values in want.items():
        spec = ind.sma(1, every="4m", of=name)
        got = [None if math.isnan(v) else v for v in spec.batch(columns)]
        assert got == [None if math.isnan(v) else v for v in streamed(spec, columns)]
        assert got == values


def test_a_higher_timeframe_streams_as_it_batches_through_holes() -> None:
    for spec in (ind.atr(3, every="5m"), ind.rsi(3, every="7m"), ind.sma(2, of=ind.vwap(2), every="3m")):
        columns, _ = holed(400, 8, ("high", "low", "close", "volume"))
        got = spec.batch(columns)
        np.testing.assert_array_equal(streamed(spec, columns), got)
        assert not np.isnan(got[-100:]).any()


# -- restarts ------------------------------------------------------------------------------------------------


RESTARTS = [*EVERY_OUTPUT, ind.atr(3, every="5m"), ind.sma(2, of=ind.rsi(3), every="3m")]


@pytest.mark.parametrize("spec", RESTARTS, ids=str)
def test_a_stream_that_loads_what_another_saved_goes_on_as_it(spec: Indicator) -> None:
    columns, _ = holed(150, 9, ("close",))
    table = rows(spec, columns)
    want = streamed(spec, columns)
    for cut in (0, 1, 5, 41, 90, 149):
        first = spec.stream()
        head = [first.update(*row) for row in table[:cut]]
        second = spec.stream()
        second.load(first.save())
        tail = [second.update(*row) for row in table[cut:]]
        np.testing.assert_array_equal(np.array(head + tail), want)


def test_a_state_of_another_is_refused() -> None:
    saved = ind.sma(5).stream().save()
    for spec, blob in ((ind.sma(6), saved), (ind.ema(5), saved), (ind.sma(5, every="1h"), saved), (ind.sma(5), b"dust"), (ind.sma(5), saved[:-1])):
        with pytest.raises(Misuse) as caught:
            spec.stream().load(blob)
        assert caught.value.code == "INDICATOR_STATE"


# -- lanes ---------------------------------------------------------------------------------------------------


def same(a: Any, b: Any) -> None:
    """Equal to the bit, nan aside."""
    one, two = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    np.testing.assert_array_equal(np.isnan(one), np.isnan(two))
    live = ~np.isnan(one)
    np.testing.assert_array_equal(one[live].view(np.int64), two[live].view(np.int64))


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_plain_and_compiled_are_one(name: str) -> None:
    """Step, and loop in chunks: the same values and the same state left behind, from a plain list or an array."""
    definition = DEFINITIONS[name]
    params = next(spec.params for spec in reversed(EVERY_OUTPUT) if spec.name == name and not spec.of)
    columns = walk(700, 4, 0.01)
    for column in ("open", "high", "low", "close"):
        columns[column][200:260] = columns["close"][200]
    columns["volume"][300:330] = 0.0
    inputs = [columns[each] for each in definition.inputs]
    size, outputs = definition.size(params), len(definition.outputs)
    plain, compiled = [0.0] * size, np.zeros(size)
    by_step = np.empty((outputs, 700))
    for t, row in enumerate(zip(*(column.tolist() for column in inputs), strict=True)):
        value = definition.step.py(plain, params, *row)
        same(definition.step.jit(compiled, params, *row), value)
        by_step[:, t] = value
    same(compiled, plain)
    for lane in (definition.loop.py, definition.loop.jit):
        for cuts in ([0, 700], [0, 1, 3, 10, 251, 252, 400, 700]):
            state, out = np.zeros(size), np.full((outputs, 700), -7.0)
            for lo, hi in pairwise(cuts):
                lane(state, params, *(column[lo:hi] for column in inputs), out[:, lo:hi])
            same(out, by_step)
            same(state, plain)
