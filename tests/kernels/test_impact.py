"""The square-root law by hand: four times the size moves the price twice as far."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.kernels import impact


@pytest.mark.parametrize("lane", ["py", "jit"])
def test_by_hand(lane: str) -> None:
    """1 % of a day's volume at 2 % volatility moves 0.02 * sqrt(0.01) = 0.2 %; 100 becomes 100.2 for a buy, 99.8 for a sale."""
    square_root, moved = getattr(impact.square_root, lane), getattr(impact.moved, lane)
    assert square_root(10_000.0, 1_000_000.0, 0.02, 1.0) == pytest.approx(0.002, abs=1e-15)
    assert square_root(10_000.0, 1_000_000.0, 0.02, 0.5) == pytest.approx(0.001, abs=1e-15)
    assert moved(1, 100.0, 10_000.0, 1_000_000.0, 0.02, 1.0) == pytest.approx(100.2, abs=1e-12)
    assert moved(-1, 100.0, 10_000.0, 1_000_000.0, 0.02, 1.0) == pytest.approx(99.8, abs=1e-12)


@pytest.mark.parametrize("lane", ["py", "jit"])
def test_the_edges(lane: str) -> None:
    """No order moves nothing; no volume has no bottom; a price does not fall below zero."""
    square_root, moved = getattr(impact.square_root, lane), getattr(impact.moved, lane)
    assert square_root(0.0, 0.0, 0.02, 1.0) == 0.0
    assert square_root(-5.0, 100.0, 0.02, 1.0) == 0.0
    assert square_root(5.0, 0.0, 0.02, 1.0) == math.inf
    assert moved(1, 100.0, 5.0, 0.0, 0.02, 1.0) == math.inf
    assert moved(-1, 100.0, 5.0, 0.0, 0.02, 1.0) == 0.0
    assert moved(-1, 100.0, 10_000.0, 1.0, 0.02, 1.0) == 0.0, (
        "0.02 * sqrt(10 000) = 2: more than the whole price"
    )


@settings(deadline=None, max_examples=100)
@given(st.floats(1.0, 1e6), st.floats(1.0, 1e9), st.floats(0.001, 0.5))
def test_four_times_the_size_moves_twice_as_far(size: float, volume: float, sigma: float) -> None:
    """sqrt(4 x) = 2 sqrt(x) is exact in binary."""
    assert impact.square_root.py(4.0 * size, volume, sigma, 1.0) == 2.0 * impact.square_root.py(
        size, volume, sigma, 1.0
    )
