"""Statistics of an equity curve, each figure by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.kernels import stats

CURVE = [100.0, 110.0, 99.0, 99.0, 118.8]
"""Returns +10 %, -10 %, 0, +20 %: mean 5 %, squares about it 25 + 225 + 25 + 225 = 500 e-4, below zero 100 e-4."""


@pytest.mark.parametrize("lane", ["py", "jit"])
def test_by_hand(lane: str) -> None:
    def of(name: str, *rest: float) -> float:
        made = getattr(stats, name)
        return made.py(CURVE, *rest) if lane == "py" else made.jit(np.array(CURVE), *rest)

    assert of("total_return") == pytest.approx(0.188, abs=1e-12)
    assert of("cagr", 4.0) == pytest.approx(0.188, abs=1e-12), "four steps are one year"
    assert of("cagr", 2.0) == pytest.approx(math.sqrt(1.188) - 1.0, abs=1e-12), "four steps are two years"
    assert of("volatility", 4.0) == pytest.approx(2.0 * math.sqrt(0.05 / 3.0), abs=1e-12)
    assert of("sharpe", 4.0) == pytest.approx(0.05 / math.sqrt(0.05 / 3.0) * 2.0, abs=1e-12)
    assert of("sortino", 4.0) == pytest.approx(0.05 / math.sqrt(0.01 / 4.0) * 2.0, abs=1e-12)


@pytest.mark.parametrize(
    ("curve", "depth", "length"),
    [
        (CURVE, 0.1, 3),
        ([100.0, 90.0, 100.0, 80.0, 90.0], 0.2, 2),
        ([100.0, 80.0, 90.0, 70.0, 100.0, 71.0], 0.3, 4),
        ([100.0, 90.0, 100.0, 90.0, 95.0], 0.1, 2),
        ([100.0, 100.0, 50.0], 0.5, 1),
        ([100.0, 101.0, 102.0], 0.0, 0),
        ([100.0, 0.0], 1.0, 1),
        ([], 0.0, 0),
    ],
)
def test_drawdown_by_hand(curve: list[float], depth: float, length: int) -> None:
    got = stats.max_drawdown.py(curve)
    assert got == (pytest.approx(depth, abs=1e-12), length)
    assert stats.max_drawdown(np.array(curve, dtype=np.float64)) == got


def test_what_has_no_sense_is_nan() -> None:
    flat, short, ruin = [100.0, 100.0, 100.0], [100.0], [100.0, 50.0, 0.0, 10.0]
    assert math.isnan(stats.sharpe.py(flat, 252.0))
    assert math.isnan(stats.sortino.py([100.0, 101.0, 103.0], 252.0))
    assert math.isnan(stats.total_return.py(short))
    assert math.isnan(stats.volatility.py([100.0, 101.0], 252.0))
    assert stats.volatility.py(flat, 252.0) == 0.0
    assert stats.cagr.py(ruin[:3], 252.0) == -1.0
    assert stats.cagr.py([1.0, 1e300], 1e6) == math.inf
    assert stats.moments.py(ruin)[0] == 2, "nothing is a return on nothing"


def test_steady_growth_has_no_sharpe() -> None:
    """1 % each step varies only by float dust; dividing by dust would make a ratio of 1e14."""
    assert math.isnan(stats.sharpe.py([1.01**t for t in range(100)], 252.0))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(0.5, 2.0), min_size=2, max_size=60))
def test_numpy_agrees(factors: list[float]) -> None:
    curve = np.cumprod([100.0, *factors])
    returns = curve[1:] / curve[:-1] - 1.0
    peak = np.maximum.accumulate(curve)
    assert stats.volatility(curve, 252.0) == pytest.approx(
        returns.std(ddof=1) * math.sqrt(252.0), rel=1e-9, abs=1e-12
    )
    assert stats.max_drawdown(curve)[0] == pytest.approx(((peak - curve) / peak).max(), abs=1e-15)


def test_a_summary_is_all_of_them() -> None:
    row = stats.summary(np.array(CURVE), 4.0)
    assert row.cagr == stats.cagr.py(CURVE, 4.0)
    assert (row.max_drawdown, row.drawdown_length) == stats.max_drawdown.py(CURVE)
