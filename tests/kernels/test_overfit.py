"""Luck in numbers: the papers' own worked examples, an independent slow cross-validation, and both lanes to the bit."""

from __future__ import annotations

from itertools import combinations
from math import inf, isnan, log, nan, sqrt

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from argosy.kernels.overfit import (
    backtest_years,
    clusters,
    cscv,
    deflated_sharpe,
    effective_trials,
    expected_maximum,
    moments,
    normal_cdf,
    probabilistic_sharpe,
    ratio,
    split_ranks,
    standard_error,
    track_record,
)

# -- the papers -------------------------------------------------------------------------------------------------------------


def test_the_deflated_sharpe_ratio_of_the_paper() -> None:
    """Bailey and Lopez de Prado (2014), numerical example: 2.5 a year, five years of 250 days, skew -3, kurtosis 10, variance 1/2."""
    sharpe, variance = 2.5 / sqrt(250), 0.5 / 250
    assert expected_maximum(100, sqrt(variance)) == pytest.approx(0.1132, abs=5e-5)
    assert deflated_sharpe(sharpe, 1250, -3.0, 10.0, 100, variance) == pytest.approx(0.9004, abs=5e-5)
    assert deflated_sharpe(sharpe, 1250, -3.0, 10.0, 46, variance) == pytest.approx(0.9505, abs=5e-5)
    assert deflated_sharpe(sharpe, 1250, 0.0, 3.0, 88, variance) == pytest.approx(0.9505, abs=5e-5), "the same with normal returns"


def test_the_probabilistic_sharpe_ratio_of_the_paper() -> None:
    """Bailey and Lopez de Prado (2012): two years of months, 0.458 a month, skew -2.448, kurtosis 10.164."""
    assert probabilistic_sharpe(0.458, 24) == pytest.approx(0.982, abs=5e-4)
    assert probabilistic_sharpe(0.458, 24, -2.448, 10.164) == pytest.approx(0.913, abs=5e-4)


@pytest.mark.parametrize(("steps", "years"), [(252, 2.73), (52, 2.83), (12, 3.24)])
def test_the_least_track_record_of_the_paper(steps: int, years: float) -> None:
    """Bailey and Lopez de Prado (2012): a Sharpe of 2 above 1 with 95 %, normal, by days, weeks and months."""
    assert track_record(2.0 / sqrt(steps), 0.0, 3.0, 1.0 / sqrt(steps)) / steps == pytest.approx(years, abs=5e-3)


def test_the_least_track_record_of_a_hedge_fund_index() -> None:
    """The same by months with the paper's skew -0.72 and kurtosis 5.78: 4.99 years."""
    assert track_record(2.0 / sqrt(12), -0.72, 5.78, 1.0 / sqrt(12)) / 12 == pytest.approx(4.99, abs=5e-3)


def test_the_least_backtest_of_the_paper() -> None:
    """Bailey, Borwein, Lopez de Prado and Zhu (2014): with five years of days, no more than 45 trials for a Sharpe of 1."""
    assert backtest_years(45, 1.0) == pytest.approx(5.0, abs=5e-3)
    assert expected_maximum(10) == pytest.approx(1.57, abs=5e-3), "ten trials without skill are expected to show 1.57"
    assert backtest_years(45, 2.0) == pytest.approx(backtest_years(45, 1.0) / 4.0)


# -- by hand ----------------------------------------------------------------------------------------------------------------


def test_moments_by_hand() -> None:
    found = moments(np.array([1.0, 2.0, 3.0, 6.0]))
    assert (found.rows, found.mean) == (4, 3.0)
    assert found.deviation == pytest.approx(sqrt(14 / 3))
    assert found.skew == pytest.approx((-8 - 1 + 27) / 4 / 3.5**1.5)
    assert found.kurt == pytest.approx((16 + 1 + 81) / 4 / 3.5**2)
    assert found.sharpe == pytest.approx(3.0 / sqrt(14 / 3))


def test_what_has_no_sense_is_nan() -> None:
    assert isnan(moments(np.array([0.01, 0.01, 0.01])).sharpe)
    assert isnan(moments(np.array([])).mean) and moments(np.array([0.5])).mean == 0.5
    assert isnan(deflated_sharpe(nan, 100, 0.0, 3.0, 10, 0.1)) and isnan(deflated_sharpe(0.1, 100, 0.0, 3.0, 10, nan))
    assert isnan(probabilistic_sharpe(0.1, 1)) and isnan(standard_error(0.1, 1))
    assert track_record(0.0) == inf and track_record(-0.1) == inf and isnan(track_record(nan))
    assert backtest_years(10, 0.0) == inf and isnan(backtest_years(10, nan)) and isnan(expected_maximum(nan))
    assert expected_maximum(1) == 0.0 == expected_maximum(0.5)


def test_one_trial_deflates_nothing() -> None:
    assert deflated_sharpe(0.1, 500, -0.5, 5.0, 1, 0.3) == probabilistic_sharpe(0.1, 500, -0.5, 5.0)
    assert normal_cdf(0.0) == 0.5 and normal_cdf(1.959963984540054) == pytest.approx(0.975)


@settings(deadline=None, max_examples=50)
@given(st.floats(0.01, 0.3), st.integers(30, 5000), st.integers(2, 5000), st.floats(1e-6, 1e-2))
def test_more_trials_are_never_better(sharpe: float, count: int, trials: int, variance: float) -> None:
    one = deflated_sharpe(sharpe, count, 0.0, 3.0, trials, variance)
    assert deflated_sharpe(sharpe, count, 0.0, 3.0, trials * 2, variance) <= one <= probabilistic_sharpe(sharpe, count)


def test_trials_that_are_alike_amount_to_fewer() -> None:
    draw = np.random.RandomState(4)
    alone = draw.normal(size=(2_000, 20))
    assert effective_trials(alone) == pytest.approx(20, abs=1.0) and clusters(alone) == 20
    same = np.repeat(alone[:, :1], 20, axis=1)
    assert effective_trials(same) == pytest.approx(1.0) and clusters(same) == 1
    pairs = np.array([[1.0, 1.0, 1.0], [-1.0, -1.0, 1.0], [1.0, 1.0, -1.0], [-1.0, -1.0, -1.0]])
    assert effective_trials(pairs) == pytest.approx(1 / 3 + 2 / 3 * 3), "correlations 1, 0 and 0: a third on the mean"
    assert clusters(pairs) == 2 and effective_trials(np.zeros((5, 3))) == 0.0 and clusters(np.zeros((5, 3))) == 0


# -- choosing ---------------------------------------------------------------------------------------------------------------


def slow(returns: np.ndarray, blocks: int) -> tuple[list[float], list[float], list[float]]:
    """CSCV as the paper tells it: matrices cut, joined and ranked, one split after the other."""
    parts = [returns[len(returns) * k // blocks : len(returns) * (k + 1) // blocks] for k in range(blocks)]
    logits, inside, outside = [], [], []
    for chosen in combinations(range(blocks), blocks // 2):
        own = np.concatenate([parts[k] for k in chosen])
        other = np.concatenate([parts[k] for k in range(blocks) if k not in chosen])
        ratios = [part.mean(axis=0) / part.std(axis=0, ddof=1) for part in (own, other)]
        best = int(np.argmax(ratios[0]))
        rank = int(np.sum(ratios[1] < ratios[1][best])) + 1
        share = rank / (returns.shape[1] + 1)
        logits.append(log(share / (1 - share)))
        inside.append(ratios[0][best])
        outside.append(ratios[1][best])
    return logits, inside, outside


@pytest.mark.parametrize(("rows", "trials", "blocks"), [(60, 5, 4), (131, 12, 6), (97, 3, 8), (64, 30, 8)])
def test_cross_validation_is_what_the_paper_tells(rows: int, trials: int, blocks: int) -> None:
    returns = np.random.RandomState(rows).normal(0.001, 0.01, (rows, trials))
    found = cscv(returns, blocks)
    logits, inside, outside = slow(returns, blocks)
    assert found.logits.tolist() == pytest.approx(logits)
    assert found.pbo == pytest.approx(np.mean(np.array(logits) <= 0.0))
    assert found.loss == pytest.approx(np.mean(np.array(outside) < 0.0))
    assert (found.inside, found.outside) == pytest.approx((np.mean(inside), np.mean(outside)))
    assert [found.slope, found.intercept] == pytest.approx(np.polyfit(inside, outside, 1).tolist())
    assert (found.splits, found.trials) == (len(logits), trials)


def test_noise_is_overfitted_in_half_of_the_splits() -> None:
    found = [cscv(np.random.RandomState(seed).normal(0.0, 0.01, (400, 60)), 10) for seed in range(30)]
    assert np.mean([one.pbo for one in found]) == pytest.approx(0.5, abs=0.08)
    assert np.mean([one.loss for one in found]) == pytest.approx(0.5, abs=0.08)
    assert all(one.outside < one.inside for one in found), "the best of one half is never as good in the other"


def test_a_strategy_that_is_better_is_chosen_and_stays_better() -> None:
    returns = np.random.RandomState(1).normal(0.0, 0.01, (800, 200))
    returns[:, 77] += 0.004
    found = cscv(returns)
    assert (found.splits, found.pbo, found.loss) == (12_870, 0.0, 0.0)


def test_never_trading_has_the_ratio_of_nothing() -> None:
    returns = np.random.RandomState(2).normal(-0.002, 0.01, (200, 4))
    returns[:, 2] = 0.0
    found = cscv(returns, 8)
    assert found.outside == 0.0 == found.inside, "of losers and one that does nothing, nothing is chosen"


def test_too_little_is_nan_and_odd_blocks_are_wrong() -> None:
    assert isnan(cscv(np.zeros((100, 1))).pbo) and isnan(cscv(np.zeros((31, 5))).pbo)
    with pytest.raises(ValueError, match="CSCV_BLOCKS"):
        cscv(np.zeros((100, 5)), 7)


# -- both lanes ---------------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(st.floats(-10, 10), st.floats(0, 100), st.integers(1, 400))
@example(0.0, 5e-324, 3)
def test_the_ratio_is_the_same_compiled(total: float, squares: float, count: int) -> None:
    one, two = ratio.py(total, squares, float(count)), ratio.jit(total, squares, float(count))
    assert np.float64(one).tobytes() == np.float64(two).tobytes()


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 9), st.sampled_from([2, 4, 6]), st.integers(0, 2**31))
def test_the_ranks_are_the_same_compiled(trials: int, blocks: int, seed: int) -> None:
    draw = np.random.RandomState(seed)
    returns = np.round(draw.normal(0.0, 0.01, (blocks, trials, 5)), 2)  # ties occur
    sums, squares = returns.sum(axis=2), (returns**2).sum(axis=2)
    halves = np.zeros((len(list(combinations(range(blocks), blocks // 2))), blocks), np.int8)
    for c, chosen in enumerate(combinations(range(blocks), blocks // 2)):
        halves[c, list(chosen)] = 1
    out = []
    for lane in (split_ranks.py, split_ranks.jit):
        found = np.zeros((len(halves), 3))
        lane(sums, squares, np.full(blocks, 5.0), halves, np.zeros(trials), np.zeros(trials), found)
        out.append(found.tobytes())
    assert out[0] == out[1]
