"""Statistics of an equity curve and of trades, each figure by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.kernels import stats

CURVE = [100.0, 110.0, 99.0, 99.0, 118.8]
"""Returns +10 %, -10 %, 0, +20 %: mean 5 %; squares about it 25 + 225 + 25 + 225, below zero 100, in 1e-4."""


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
        ([100.0, 50.0, 200.0, 150.0, 210.0, 90.0, 300.0], 120.0 / 210.0, 2),
        ([100.0, 80.0, 110.0, 88.0, 110.0], 0.2, 2),
        ([100.0, 100.0, 90.0, 100.0], 0.1, 2),
        ([100.0, -50.0], 1.5, 1),
        ([-5.0, -9.0, 10.0, 8.0], 0.2, 1),
        ([7.0], 0.0, 0),
    ],
)
def test_drawdown_by_hand(curve: list[float], depth: float, length: int) -> None:
    got = stats.max_drawdown.py(curve)
    assert got == (pytest.approx(depth, abs=1e-12), length)
    assert stats.max_drawdown(np.array(curve, dtype=np.float64)) == got


ALL = ["total_return", "cagr", "volatility", "sharpe", "sortino", "max_drawdown"]
NOTHING = [
    ([], ALL),
    ([100.0], ALL[:-1]),
    ([100.0, 101.0], ["volatility", "sharpe", "sortino"]),
    ([100.0, 100.0, 100.0], ["sharpe", "sortino"]),
    ([100.0, 110.0, 120.0], ["sortino"]),
    ([0.0, 10.0, 20.0], ALL[:-1]),
    ([-1.0, 10.0, 20.0], ALL[:-1]),
    ([math.nan, 100.0, 90.0, 95.0], ALL),
    ([100.0, 90.0, 95.0, math.nan], ALL),
    ([100.0, math.nan, 90.0, 95.0], ["volatility", "sharpe", "sortino", "max_drawdown"]),
    ([math.nan] * 4, ALL),
]


@pytest.mark.parametrize(("curve", "without"), NOTHING, ids=range(len(NOTHING)))
def test_exactly_these_figures_have_no_sense(curve: list[float], without: list[str]) -> None:
    for lane in ("py", "jit"):
        data = curve if lane == "py" else np.array(curve, dtype=np.float64)
        got = []
        for name in ALL:
            made = getattr(getattr(stats, name), lane)
            value = made(data) if name in ("total_return", "max_drawdown") else made(data, 252.0)
            if math.isnan(value[0] if name == "max_drawdown" else value):
                got.append(name)
        assert got == without


def test_equity_that_never_changes() -> None:
    row = stats.summary(np.full(5, 100.0), 252.0)
    assert (row.total_return, row.cagr, row.volatility) == (0.0, 0.0, 0.0)
    assert (row.max_drawdown, row.drawdown_length) == (0.0, 0)


@pytest.mark.parametrize("ppy", [0.0, -252.0, math.nan])
def test_a_year_has_some_steps(ppy: float) -> None:
    for name in ("cagr", "volatility", "sharpe", "sortino"):
        assert math.isnan(getattr(stats, name).py(CURVE, ppy))
        assert math.isnan(getattr(stats, name)(np.array(CURVE), ppy))


TRADES: list[tuple[list[float], float, float, float]] = [
    ([10.0, -5.0, 0.0, 20.0, -10.0], 0.4, 2.0, 3.0),
    ([3.0, 1.0], 1.0, math.inf, 2.0),
    ([-3.0, -1.0], 0.0, 0.0, -2.0),
    ([0.0, 0.0], 0.0, math.nan, 0.0),
    ([], math.nan, math.nan, math.nan),
    ([5.0, math.nan, -5.0], math.nan, math.nan, math.nan),
]


@pytest.mark.parametrize(("pnl", "rate", "factor", "mean"), TRADES, ids=range(len(TRADES)))
def test_trades_by_hand(pnl: list[float], rate: float, factor: float, mean: float) -> None:
    for data, lane in ((pnl, "py"), (np.array(pnl, dtype=np.float64), "jit")):
        assert getattr(stats.win_rate, lane)(data) == pytest.approx(rate, abs=1e-15, nan_ok=True)
        assert getattr(stats.profit_factor, lane)(data) == pytest.approx(factor, abs=1e-15, nan_ok=True)
        assert getattr(stats.expectancy, lane)(data) == pytest.approx(mean, abs=1e-15, nan_ok=True)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(-1_000, 1_000), min_size=1, max_size=40))
def test_expectancy_is_what_wins_bring_less_what_losses_take(cents: list[int]) -> None:
    pnl = [value / 100.0 for value in cents]
    wins, losses = [v for v in pnl if v > 0], [-v for v in pnl if v < 0]
    rate = stats.win_rate.py(pnl)
    got = (rate * sum(wins) / len(wins) if wins else 0.0) - (sum(losses) / len(pnl) if losses else 0.0)
    assert stats.expectancy.py(pnl) == pytest.approx(got, abs=1e-9)
    if losses:
        assert stats.profit_factor.py(pnl) == pytest.approx(sum(wins) / sum(losses), rel=1e-12)


def test_ruin_and_riches() -> None:
    ruin = [100.0, 50.0, 0.0, 10.0]
    assert stats.cagr.py(ruin[:3], 252.0) == -1.0
    assert stats.cagr.py([1.0, 1e300], 1e6) == math.inf
    assert stats.moments.py(ruin)[0] == 2, "nothing is a return on nothing"


def test_steady_growth_has_no_sharpe() -> None:
    """1 % each step varies only by float dust; dividing by dust would make a ratio of 1e14."""
    curve = [1.01**t for t in range(100)]
    assert math.isnan(stats.sharpe.py(curve, 252.0))
    assert math.isnan(stats.sortino.py(curve, 252.0))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(0.5, 2.0), min_size=2, max_size=60))
def test_numpy_agrees(factors: list[float]) -> None:
    curve = np.cumprod([100.0, *factors])
    returns = curve[1:] / curve[:-1] - 1.0
    peak = np.maximum.accumulate(curve)
    mean, down = returns.mean(), math.sqrt((np.minimum(returns, 0.0) ** 2).mean())
    if returns.std(ddof=1) > 1e-6:
        assert stats.sharpe(curve, 252.0) == pytest.approx(
            mean / returns.std(ddof=1) * math.sqrt(252.0), rel=1e-6, abs=1e-6
        )
    if down > 1e-6:
        want = mean / down * math.sqrt(252.0)
        assert stats.sortino(curve, 252.0) == pytest.approx(want, rel=1e-6, abs=1e-6)
    assert stats.volatility(curve, 252.0) == pytest.approx(
        returns.std(ddof=1) * math.sqrt(252.0), rel=1e-9, abs=1e-12
    )
    assert stats.max_drawdown(curve)[0] == pytest.approx(((peak - curve) / peak).max(), abs=1e-15)


def test_a_summary_is_all_of_them() -> None:
    row = stats.summary(np.array(CURVE), 4.0)
    assert row.cagr == stats.cagr.py(CURVE, 4.0)
    assert (row.max_drawdown, row.drawdown_length) == stats.max_drawdown.py(CURVE)
