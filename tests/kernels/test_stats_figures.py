"""Moments, falls, time-weighted units, figures beside a benchmark and over windows: each by hand, then against NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.kernels import stats

NAN = float("nan")
LANES = pytest.mark.parametrize("lane", ["py", "jit"])


def run(kernel: object, lane: str, *columns: list[float]) -> tuple[float, ...]:
    data = [np.array(column, np.float64) for column in columns] if lane == "jit" else columns
    return getattr(kernel, lane)(*data)


@LANES
def test_a_spread_by_hand(lane: str) -> None:
    """Returns 10, -10, 0, 20 and -5 %: mean 3 %; off it 7, -13, -3, 17, -8; squares 49 + 169 + 9 + 289 + 64 = 580."""
    count, mean, m2, m3, m4, below, gains, losses, ups, downs, best, worst = run(stats.spread, lane, [0.10, -0.10, 0.0, 0.20, -0.05])
    assert (count, ups, downs) == (5, 2, 2)
    assert (mean, gains, losses, best, worst) == pytest.approx((0.03, 0.30, 0.15, 0.20, -0.10), abs=1e-15)
    assert m2 == pytest.approx(580e-4, abs=1e-15)
    assert m3 == pytest.approx((343 - 2197 - 27 + 4913 - 512) * 1e-6, abs=1e-16)
    assert m4 == pytest.approx((2401 + 28561 + 81 + 83521 + 4096) * 1e-8, abs=1e-17)
    assert below == pytest.approx(125e-4, abs=1e-16)


@LANES
def test_a_spread_of_nothing_and_of_nan(lane: str) -> None:
    nothing = run(stats.spread, lane, [])
    assert nothing[0] == 0 and all(math.isnan(nothing[k]) for k in (1, 10, 11)) and nothing[2:10] == (0.0,) * 6 + (0, 0)
    holed = run(stats.spread, lane, [0.1, NAN, 0.2])
    assert all(math.isnan(holed[k]) for k in (1, 2, 3, 4)) and holed[8:10] == (2, 0)


WATERS = [
    # depth, peak, low, back, start, end, sum of squares, sum
    ([100.0, 110.0, 99.0, 99.0, 118.8], (0.1, 1, 2, 4, 1, 4, 0.02, 0.2)),
    ([100.0, 90.0, 100.0, 80.0, 90.0], (0.2, 2, 3, -1, 0, 2, 0.01 + 0.04 + 0.01, 0.4)),
    ([100.0, 80.0, 100.0, 99.0, 98.0, 97.0, 100.0], (0.2, 0, 1, 2, 2, 6, 0.04 + 0.0001 + 0.0004 + 0.0009, 0.26)),
    ([100.0, 101.0, 102.0], (0.0, 0, 0, -1, 0, 0, 0.0, 0.0)),
    ([100.0, 100.0, 90.0, 100.0], (0.1, 1, 2, 3, 1, 3, 0.01, 0.1)),
    ([100.0, 0.0], (1.0, 0, 1, -1, 0, 1, 1.0, 1.0)),
    ([100.0, -50.0], (1.5, 0, 1, -1, 0, 1, 2.25, 1.5)),
    ([-5.0, -9.0, 10.0, 8.0], (0.2, 2, 3, -1, 0, 2, 0.04, 0.2)),
    ([7.0], (0.0, 0, 0, -1, 0, 0, 0.0, 0.0)),
    ([100.0, 100.0, 100.0], (0.0, 0, 0, -1, 0, 0, 0.0, 0.0)),
]


@LANES
@pytest.mark.parametrize(("curve", "want"), WATERS, ids=range(len(WATERS)))
def test_water_by_hand(curve: list[float], want: tuple[float, ...], lane: str) -> None:
    assert run(stats.water, lane, curve) == pytest.approx(want, abs=1e-12)


@LANES
@pytest.mark.parametrize("curve", [[], [NAN], [100.0, NAN, 90.0], [100.0, 90.0, NAN]])
def test_water_of_nothing_or_nan(curve: list[float], lane: str) -> None:
    depth, *rows, squares, total = run(stats.water, lane, curve)
    assert math.isnan(depth) and math.isnan(squares) and math.isnan(total) and rows == [0, 0, -1, 0, 0]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.one_of(st.integers(-20, 20).map(float), st.floats(0.0, 1e3)), max_size=40))
def test_water_and_the_drawdown_of_the_verdict_agree(curve: list[float]) -> None:
    depth, length = stats.max_drawdown.py(curve)
    got = stats.water.py(curve)
    assert got[0] == pytest.approx(depth, nan_ok=True)
    if depth > 0.0:
        back = got[3] if got[3] >= 0 else len(curve) - 1
        assert back - got[1] == length
        assert got[5] - got[4] >= length, "the longest time under water is no shorter than that of the deepest fall"


UNITS = [
    ("growth without flows", [100.0, 110.0, 99.0], [0.0] * 3, 0, [1.0, 1.1, 0.99]),
    ("a deposit is no profit", [100.0, 210.0, 231.0], [0.0, 100.0, 0.0], 0, [1.0, 1.1, 1.21]),
    ("a withdrawal is no loss", [100.0, 60.0, 66.0], [0.0, -50.0, 0.0], 0, [1.0, 1.1, 1.21]),
    ("what comes with the first row is the start", [100.0, 110.0], [100.0, 0.0], 0, [1.0, 1.1]),
    ("money that comes late", [0.0, 0.0, 50.0, 55.0], [0.0, 0.0, 50.0, 0.0], 2, [1.0, 1.0, 1.0, 1.1]),
    ("emptied, and filled again", [100.0, 0.0, 0.0, 80.0, 88.0], [0.0, -110.0, 0.0, 80.0, 0.0], 0, [1.0, 1.1, 1.1, 1.1, 1.21]),
    ("ruin stays ruin", [100.0, 0.0, 50.0, 55.0], [0.0, 0.0, 50.0, 0.0], 0, [1.0, 0.0, 0.0, 0.0]),
    ("below nothing", [100.0, -20.0, 50.0], [0.0, 0.0, 70.0], 0, [1.0, -0.2, -0.2]),
    ("starting below nothing", [-1.0, 10.0], [0.0, 0.0], 0, [NAN, NAN]),
    ("earned on nothing", [100.0, 0.0, 5.0], [0.0, -100.0, 0.0], 0, [1.0, 1.0, NAN]),
    ("nan", [100.0, NAN, 110.0], [0.0] * 3, 0, [1.0, NAN, NAN]),
    ("nothing", [], [], 0, []),
    ("never any money", [0.0, 0.0], [0.0, 0.0], 2, [1.0, 1.0]),
]


@LANES
@pytest.mark.parametrize(("name", "equity", "flows", "first", "want"), UNITS, ids=[row[0] for row in UNITS])
def test_units_by_hand(name: str, equity: list[float], flows: list[float], first: int, want: list[float], lane: str) -> None:
    out = np.zeros(len(equity))
    data = (equity, flows) if lane == "py" else (np.array(equity, np.float64), np.array(flows, np.float64))
    assert getattr(stats.units, lane)(*data, out) == first
    assert out.tolist() == pytest.approx(want, abs=1e-12, nan_ok=True)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.floats(0.5, 2.0), st.integers(-40, 200)), min_size=1, max_size=30))
def test_units_do_not_know_of_flows(rows: list[tuple[float, int]]) -> None:
    """Whatever is paid in or out after each step, a unit grows as the returns alone say."""
    value, equity, flows = 100.0, [100.0], [0.0]
    for factor, flow in rows:
        value = value * factor + max(flow, 1 - value * factor)
        flows.append(value - equity[-1] * factor)
        equity.append(value)
    out = np.zeros(len(equity))
    assert stats.units.py(equity, flows, out) == 0
    assert out[-1] == pytest.approx(math.prod(factor for factor, _ in rows), rel=1e-9)


@LANES
def test_versus_by_hand(lane: str) -> None:
    """Own 2, -1, 3, 0 %; benchmark 1, -1, 1, 0 %: means 1 and 0.25 %; products off them 10, 5, 2.75 in 1e-4."""
    got = run(stats.versus, lane, [0.02, -0.01, 0.03, 0.0], [0.01, -0.01, 0.01, 0.0])
    count, mean, mean_b, sxx, sxy, syy, saa, ups, up, up_b, downs, down, down_b = got
    assert (count, ups, downs) == (4, 2, 1)
    assert (mean, mean_b, sxx, sxy, syy) == pytest.approx((0.01, 0.0025, 10e-4, 5e-4, 2.75e-4), abs=1e-15)
    assert saa == pytest.approx(10e-4 - 2 * 5e-4 + 2.75e-4, abs=1e-15)
    assert (up, up_b) == pytest.approx((math.log(1.02 * 1.03), math.log(1.01 * 1.01)), abs=1e-15)
    assert (down, down_b) == pytest.approx((math.log(0.99), math.log(0.99)), abs=1e-15)
    assert run(stats.versus, lane, [], [])[0] == 0


@LANES
def test_growth_beyond_float64_is_kept_as_a_log(lane: str) -> None:
    got = run(stats.versus, lane, [9.0] * 1000 + [-0.9] * 2000 + [-1.0], [1.0] * 1000 + [-0.5] * 2001)
    assert got[8:10] == pytest.approx((1000 * math.log(10.0), 1000 * math.log(2.0)), rel=1e-12)
    assert got[11] == -math.inf and got[12] == pytest.approx(2001 * math.log(0.5), rel=1e-12)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2)), min_size=3, max_size=60))
def test_numpy_agrees_on_moments_and_covariances(rows: list[tuple[float, float]]) -> None:
    own, other = (np.array([row[k] for row in rows]) for k in (0, 1))
    _, mean, m2, m3, m4, *_ = stats.spread.py(own.tolist())
    off = own - own.mean()
    assert (mean, m2, m3, m4) == pytest.approx([own.mean(), *((off**k).sum() for k in (2, 3, 4))], rel=1e-9, abs=1e-12)
    got = stats.versus.py(own.tolist(), other.tolist())
    count = len(rows) - 1
    cov = np.cov(own, other) * count
    assert got[3:7] == pytest.approx([cov[0, 0], cov[0, 1], cov[1, 1], np.var(own - other, ddof=1) * count], rel=1e-9, abs=1e-12)


def windows(own: np.ndarray, other: np.ndarray, window: int) -> np.ndarray:
    """Volatility, sharpe, beta and correlation of every window, each summed from its own rows; ppy 4."""
    out = np.full((4, len(own)), NAN)
    for t in range(window - 1, len(own)):
        x, y = own[t + 1 - window : t + 1], other[t + 1 - window : t + 1]
        cov = np.cov(x, y)
        out[:, t] = 2 * x.std(ddof=1), 2 * x.mean() / x.std(ddof=1), cov[0, 1] / cov[1, 1], np.corrcoef(x, y)[0, 1]
    return out


@LANES
@pytest.mark.parametrize("window", [2, 3, 20])
def test_windows_one_by_one(window: int, lane: str) -> None:
    rng = np.random.default_rng(window)
    own, other = rng.normal(0.001, 0.01, (2, 200))
    own[50] = 40.0  # what has passed through a window leaves no dust
    out = np.zeros((4, 200))
    data = (own, other) if lane == "jit" else (own.tolist(), other.tolist())
    getattr(stats.rolling, lane)(*data, window, 4.0, *out)
    want = windows(own, other, window)
    assert np.array_equal(np.isnan(out), np.isnan(want))
    np.testing.assert_allclose(out, want, rtol=1e-8, atol=1e-12)


@LANES
def test_windows_over_holes_and_flat_stretches(lane: str) -> None:
    own = [0.01, 0.02, NAN, 0.03, 0.01, 0.02, 0.02, 0.02, 0.02, 0.01]
    other = [0.01, 0.00, 0.01, 0.02, 0.01, 0.00, 0.01, 0.01, 0.01, 0.01]
    out = np.zeros((4, len(own)))
    data = (np.array(own), np.array(other)) if lane == "jit" else (own, other)
    getattr(stats.rolling, lane)(*data, 3, 1.0, *out)
    assert [t for t in range(len(own)) if not math.isnan(out[0, t])] == [5, 6, 7, 8, 9], "a window with a hole in it has no value"
    assert out[0, 7] == 0.0 and out[0, 8] == 0.0, "2 % three times does not vary"
    assert math.isnan(out[1, 7]) and math.isnan(out[3, 7]) and out[2, 7] == pytest.approx(0.0, abs=1e-12)
    assert math.isnan(out[2, 8]) and math.isnan(out[2, 9]), "a benchmark that does not vary has no beta"
    assert out[0, 9] == pytest.approx(math.sqrt(1e-4 / 3), rel=1e-12)


STREAKS = [([], 0, 0), ([1.0, 2.0, -1.0, 3.0], 2, 1), ([1.0, 0.0, 1.0, -1.0, -1.0, -1.0], 1, 3), ([1.0, NAN, 1.0], 1, 0)]


@LANES
@pytest.mark.parametrize(("pnl", "wins", "losses"), STREAKS, ids=range(len(STREAKS)))
def test_streaks(pnl: list[float], wins: int, losses: int, lane: str) -> None:
    assert run(stats.streaks, lane, pnl) == (wins, losses)


PAYOFFS = [([10.0, 20.0, -5.0, 0.0], 15.0, 5.0, 3.0), ([10.0], 10.0, NAN, NAN), ([-5.0], NAN, 5.0, NAN), ([], NAN, NAN, NAN),
           ([1.0, NAN, -1.0], NAN, NAN, NAN)]  # fmt: skip


@LANES
@pytest.mark.parametrize(("pnl", "gain", "loss", "ratio"), PAYOFFS, ids=range(len(PAYOFFS)))
def test_payoff(pnl: list[float], gain: float, loss: float, ratio: float, lane: str) -> None:
    for kernel, want in ((stats.average_gain, gain), (stats.average_loss, loss), (stats.payoff, ratio)):
        assert run(kernel, lane, pnl) == pytest.approx(want, nan_ok=True)
