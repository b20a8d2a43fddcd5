"""What to bet, by hand; and that no other weight grows quicker."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core.errors import Misuse
from argosy.kernels import kelly, sizing
from argosy.kernels.kelly import kelly_weights

USD = 1_000_000
K = 1e6


@pytest.mark.parametrize("lane", ["py", "jit"])
@pytest.mark.parametrize(
    ("what", "name", "args", "want"),
    [
        ("Thorp's coin of 53 %: 2 p - 1", "bet", (0.53, 1.0, 1.0), 0.06),
        ("three to one at 40 %: .4 - .6 / 3", "bet", (0.4, 3.0, 1.0), 0.2),
        ("a half to win, a quarter to lose: 2 - 1", "bet", (0.5, 0.5, 0.25), 1.0),
        ("no edge", "bet", (0.5, 1.0, 1.0), 0.0),
        ("a bad one", "bet", (0.3, 1.0, 1.0), 0.0),
        ("not a chance", "bet", (1.5, 1.0, 1.0), 0.0),
        ("unknown", "bet", (math.nan, 1.0, 1.0), 0.0),
        ("edge .2 at even odds, error .1: .04 / (.04 + .04)", "bet_shrink", (0.6, 1.0, 0.1), 0.5),
        ("known for sure", "bet_shrink", (0.6, 1.0, 0.0), 1.0),
        ("nothing to shrink", "bet_shrink", (0.5, 1.0, 0.1), 0.0),
        ("60 of 100: root of .24 / 100", "observed", (60.0, 40.0), (0.6, math.sqrt(0.0024))),
        ("one win of one is not sure: Laplace's 2/3, root of 2/9", "observed", (1.0, 0.0), (1.0, math.sqrt(2.0) / 3.0)),
        ("nor are three losses of three: root of 4/25 / 3", "observed", (0.0, 3.0), (0.0, math.sqrt(4.0 / 75.0))),
        ("one of two is its own: root of .25 / 2", "observed", (1.0, 1.0), (0.5, math.sqrt(0.125))),
        ("nothing seen", "observed", (0.0, 0.0), (0.0, math.inf)),
        ("8 % over 20 %: .08 / .04", "kelly_weight", (0.08, 0.2, 1.0, 10.0), 2.0),
        ("half of it", "kelly_weight", (0.08, 0.2, 0.5, 10.0), 1.0),
        ("at most", "kelly_weight", (0.08, 0.2, 1.0, 1.5), 1.5),
        ("short", "kelly_weight", (-0.08, 0.2, 1.0, 1.5), -1.5),
        ("short of half", "kelly_weight", (-0.02, 0.2, 1.0, 1.5), -0.5),
        ("no volatility known", "kelly_weight", (0.08, 0.0, 1.0, 1.5), 0.0),
        ("no mean known", "kelly_weight", (math.nan, 0.2, 1.0, 1.5), 0.0),
        ("8 % over 20 % in 25 years: .0064 / (.0064 + .04 / 25)", "mean_shrink", (0.08, 0.2, 25.0), 0.8),
        ("no mean", "mean_shrink", (0.0, 0.2, 25.0), 0.0),
        ("no years", "mean_shrink", (0.08, 0.2, 0.0), 0.0),
        ("unknown mean", "mean_shrink", (math.nan, 0.2, 5.0), 0.0),
        ("growth at Kelly: m**2 / (2 s**2)", "growth", (2.0, 0.08, 0.2), 0.08),
        ("three quarters of it at half", "growth", (1.0, 0.08, 0.2), 0.06),
        ("and none at twice", "growth", (4.0, 0.08, 0.2), 0.0),
        # s = ((100 - 4) .25 - 2) / 100 = .22; 97 * 94 / 9800 * .22 / .24
        ("two assets of 100 spans", "many_shrink", (0.25, 2, 100), 97 * 94 / 9800 * 0.22 / 0.24),
        ("nothing left when unbiased", "many_shrink", (0.02, 2, 100), 0.0),
        ("too few spans", "many_shrink", (0.25, 2, 6), 0.0),
        ("no mix at all", "many_shrink", (0.0, 2, 100), 0.0),
    ],
)
def test_by_hand(lane: str, what: str, name: str, args: tuple[Any, ...], want: Any) -> None:
    assert getattr(getattr(kelly, name), lane)(*args) == pytest.approx(want, rel=1e-14, abs=1e-16), what


@pytest.mark.parametrize("lane", ["py", "jit"])
@pytest.mark.parametrize(
    ("what", "name", "args", "want"),
    [
        ("12.5 shares in lots of one", "fixed_lots", (12.5, 1.0), 12),
        ("0.3 of a coin in lots of 0.1, whose float is a hair less", "fixed_lots", (0.3, 0.1), 3),
        ("short", "fixed_lots", (-0.3, 0.1), -3),
        ("in lots of a thousandth", "fixed_lots", (-2.0, 0.001), -2000),
        ("lots of nothing", "fixed_lots", (1.0, 0.0), 0),
        ("more than a million lots, exactly", "fixed_lots", (2e6, 1.0), 2_000_000),
        ("1 % of 50 000 between 20 and 18: 500 / 2", "risk_lots", (50_000 * USD, 0.01, 20.0, 18.0, K), 250),
        ("a stop above is a short", "risk_lots", (50_000 * USD, 0.01, 20.0, 24.0, K), -125),
        ("no distance", "risk_lots", (50_000 * USD, 0.01, 20.0, 20.0, K), 0),
        ("no stop", "risk_lots", (50_000 * USD, 0.01, 20.0, math.nan, K), 0),
        ("ruined", "risk_lots", (0, 0.01, 20.0, 18.0, K), 0),
        ("nothing risked", "risk_lots", (50_000 * USD, 0.0, 20.0, 18.0, K), 0),
        ("at the peak, a fifth to lose: 2 * .2", "drawdown_weight", (2.0, 100.0, 100.0, 0.2), 0.4),
        ("half of the way down: 2 * 10 / 90", "drawdown_weight", (2.0, 90.0, 100.0, 0.2), 2.0 * 10 / 90),
        ("at the floor", "drawdown_weight", (2.0, 80.0, 100.0, 0.2), 0.0),
        ("below it", "drawdown_weight", (2.0, 70.0, 100.0, 0.2), 0.0),
        ("above an old peak", "drawdown_weight", (2.0, 120.0, 100.0, 0.2), 0.4),
        ("all may be lost", "drawdown_weight", (2.0, 70.0, 100.0, 1.0), 2.0),
        ("nothing may", "drawdown_weight", (2.0, 100.0, 100.0, 0.0), 0.0),
        ("short", "drawdown_weight", (-1.0, 90.0, 100.0, 0.2), -1.0 * 10 / 90),
        ("ruined", "drawdown_weight", (1.0, 0.0, 100.0, 0.2), 0.0),
    ],
)
def test_other_sizes_by_hand(lane: str, what: str, name: str, args: tuple[Any, ...], want: float) -> None:
    assert getattr(getattr(sizing, name), lane)(*args) == pytest.approx(want, rel=1e-13), what


def test_two_assets_by_hand() -> None:
    """Variances .04 and .09, covariance .012 (correlation .2), means .08 and .06: the inverse by hand, determinant .003456."""
    mean, covariance = [0.08, 0.06], [[0.04, 0.012], [0.012, 0.09]]
    a = (0.09 * 0.08 - 0.012 * 0.06) / 0.003456
    b = (0.04 * 0.06 - 0.012 * 0.08) / 0.003456
    known = kelly_weights(mean, covariance)
    assert known.weights == pytest.approx([a, b], rel=1e-13)
    assert (known.shrunk, known.capped) == (1.0, False)
    assert known.growth == pytest.approx((a * 0.08 + b * 0.06) / 2, rel=1e-13)
    half = kelly_weights(mean, covariance, part=0.5)
    assert half.weights == pytest.approx([a / 2, b / 2], rel=1e-13)
    assert half.growth == pytest.approx(known.growth * 0.75, rel=1e-13)
    tight = kelly_weights(mean, covariance, most=1.0)
    assert tight.capped
    assert tight.weights == pytest.approx([a / (a + b), b / (a + b)], rel=1e-13)
    seen = kelly_weights(mean, covariance, count=60)
    ratio = a * 0.08 + b * 0.06
    s = (56 * ratio - 2) / 60
    assert seen.shrunk == pytest.approx(57 * 54 / (60 * 58) * s / (s + 2 / 60), rel=1e-13)
    assert seen.weights == pytest.approx(known.weights * seen.shrunk, rel=1e-13)


def test_long_only_is_not_the_clipped_answer() -> None:
    """Two assets much alike, one better: unbounded the worse is sold to hold more of the better; long-only holds the better alone."""
    mean, covariance = [0.10, 0.02], [[0.04, 0.03], [0.03, 0.04]]
    free = kelly_weights(mean, covariance).weights
    assert free[1] < 0.0 < 0.10 / 0.04 < free[0]
    assert kelly_weights(mean, covariance, long_only=True).weights == pytest.approx([0.10 / 0.04, 0.0], rel=1e-13)


MATRIX = st.integers(0, 2**32 - 1).map(np.random.default_rng)


@settings(max_examples=60)
@given(MATRIX, st.integers(1, 8), st.booleans())
def test_no_other_weights_grow_quicker_and_both_lanes_are_equal(draw: np.random.Generator, n: int, long_only: bool) -> None:
    data = draw.normal(size=(4 * n + 5, n)) * 0.2
    covariance, mean = np.cov(data.T, bias=True).reshape(n, n), draw.normal(0.02, 0.1, n)
    found = kelly_weights(mean, covariance, long_only=long_only)
    if not long_only:
        assert covariance @ found.weights == pytest.approx(mean, rel=1e-9, abs=1e-12)
    for _ in range(20):
        other = found.weights + draw.normal(0.0, 0.1, n)
        other = np.maximum(other, 0.0) if long_only else other
        assert other @ mean - 0.5 * other @ covariance @ other <= found.growth + 1e-12
    roots = [covariance.flatten().tolist(), covariance.flatten()]
    assert kelly.cholesky.py(roots[0], n)
    assert kelly.cholesky.jit(roots[1], n)
    assert roots[0] == roots[1].tolist()
    answers = [mean.tolist(), mean.copy()]
    kelly.solved.py(roots[0], n, answers[0])
    kelly.solved.jit(roots[1], n, answers[1])
    assert answers[0] == answers[1].tolist()
    starts = [[0.0] * n, np.zeros(n)]
    sweeps = kelly.bounded.py(mean.tolist(), covariance.flatten().tolist(), n, -0.5, 2.0, starts[0])
    assert sweeps == kelly.bounded.jit(mean, covariance.flatten(), n, -0.5, 2.0, starts[1]) > 0
    assert starts[0] == starts[1].tolist()
    assert all(-0.5 <= x <= 2.0 for x in starts[0])


@pytest.mark.parametrize(
    ("mean", "covariance", "more"),
    [
        ([0.1, 0.1], [[0.04, 0.04], [0.04, 0.04]], {}),
        ([0.1], [[0.04, 0.0], [0.0, 0.04]], {}),
        ([0.1, math.nan], [[0.04, 0.0], [0.0, 0.04]], {}),
        ([0.1, 0.1], [[0.04, 0.01], [0.0, 0.04]], {}),
        ([0.1], [[0.04]], {"part": 0.0}),
        ([[0.1]], [[0.04]], {}),
        ([0.1], [[-0.04]], {}),
    ],
)
def test_what_has_no_answer(mean: Any, covariance: Any, more: dict[str, float]) -> None:
    with pytest.raises(Misuse, match="KELLY"):
        kelly_weights(mean, covariance, **more)  # type: ignore[arg-type]


def test_shrinking_pays() -> None:
    """Out of sample, over many samples of known truth, the shrunk weights grow quicker than the plain ones (Kan and Zhou's point)."""
    draw = np.random.default_rng(8)
    n, spans = 5, 60
    mean, covariance = np.full(n, 0.01), np.diag(np.full(n, 0.0025)) + 0.001
    plain = shrunk = 0.0
    for _ in range(200):
        data = draw.multivariate_normal(mean, covariance, spans)
        for count in (0, spans):
            w = kelly_weights(data.mean(axis=0), np.cov(data.T, bias=True), count=count).weights
            grown = float(w @ mean - 0.5 * w @ covariance @ w)
            plain, shrunk = (plain + grown, shrunk) if not count else (plain, shrunk + grown)
    assert shrunk > plain
    assert shrunk > 0.0
