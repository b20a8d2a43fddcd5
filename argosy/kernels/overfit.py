"""How much of a good result luck explains, when many were tried and the best was kept; it never says what was tried.

sharpe ratios here are of one step (a day), never annualised, riskless rate 0; skew and kurt are the moments of the same returns
(a normal has 0 and 3). What has no sense is nan, never a warning.

Sources: Bailey and Lopez de Prado, The Sharpe Ratio Efficient Frontier (2012): PSR, least track record. Bailey, Borwein, Lopez de
Prado and Zhu, Pseudo-Mathematics and Financial Charlatanism (2014): least length of a backtest. Bailey and Lopez de Prado, The
Deflated Sharpe Ratio (2014): expected maximum, DSR, trials that count. Bailey, Borwein, Lopez de Prado and Zhu, The Probability of
Backtest Overfitting (2015): CSCV.
"""

from __future__ import annotations

from itertools import combinations
from math import comb, e, erfc, isfinite, log, sqrt
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argosy.kernels.kernel import kernel
from argosy.kernels.stats.spread import spread

COMPILED_FROM = 20_000
"""Returns from which their moments are worth compiled code."""
NAN = float("nan")
INF = float("inf")
GAMMA = 0.5772156649015329
"""Euler and Mascheroni's constant."""
_NORMAL = NormalDist()


def normal_cdf(z: float) -> float:
    """Probability that a standard normal is at most z."""
    return 0.5 * erfc(-z / sqrt(2.0))


# -- one Sharpe ratio -------------------------------------------------------------------------------------------------------


class Moments(NamedTuple):
    """Of returns: rows, mean, deviation (n - 1), skew and kurtosis (n in the divisors), sharpe = mean / deviation."""

    rows: int
    mean: float
    deviation: float
    skew: float
    kurt: float
    sharpe: float


def moments(returns: NDArray[np.float64]) -> Moments:
    """Moments of (T,) returns, from the sums of `stats.spread`.

    sharpe, skew and kurt are nan without variation: a deviation below 1e-12 of the mean is dust.
    """
    n = len(returns)
    if n < 2:
        return Moments(n, float(returns[0]) if n else NAN, NAN, NAN, NAN, NAN)
    column: Any = np.ascontiguousarray(returns) if n >= COMPILED_FROM else returns.tolist()
    _, mean, m2, m3, m4, *_ = (spread.jit if n >= COMPILED_FROM else spread.py)(column)
    deviation = sqrt(m2 / (n - 1))
    if not deviation > 1e-12 * abs(mean) or not isfinite(deviation):
        return Moments(n, mean, deviation, NAN, NAN, NAN)
    second = m2 / n
    return Moments(n, mean, deviation, m3 / n / (second * sqrt(second)), m4 / n / (second * second), mean / deviation)


def standard_error(sharpe: float, count: int, skew: float = 0.0, kurt: float = 3.0) -> float:
    """Standard deviation of an estimated Sharpe ratio from `count` returns; nan for fewer than two."""
    spread = 1.0 - skew * sharpe + (kurt - 1.0) / 4.0 * sharpe * sharpe
    return sqrt(spread / (count - 1)) if count > 1 and spread >= 0.0 else NAN


def probabilistic_sharpe(sharpe: float, count: int, skew: float = 0.0, kurt: float = 3.0, benchmark: float = 0.0) -> float:
    """Probability that the true Sharpe ratio is above `benchmark` (of one step, too), 0 to 1."""
    error = standard_error(sharpe, count, skew, kurt)
    return normal_cdf((sharpe - benchmark) / error) if error > 0.0 else NAN


def track_record(sharpe: float, skew: float = 0.0, kurt: float = 3.0, benchmark: float = 0.0, confidence: float = 0.95) -> float:
    """Returns needed to say with `confidence` that the true ratio is above `benchmark`; inf when the estimate is not."""
    if sharpe != sharpe or skew != skew or kurt != kurt:
        return NAN
    if not sharpe > benchmark:
        return INF
    z = _NORMAL.inv_cdf(confidence) / (sharpe - benchmark)
    return 1.0 + (1.0 - skew * sharpe + (kurt - 1.0) / 4.0 * sharpe * sharpe) * z * z


# -- many trials ------------------------------------------------------------------------------------------------------------


def expected_maximum(trials: float, deviation: float = 1.0) -> float:
    """Expected best of so many independent trials without skill whose ratios spread by `deviation`; 0 for a single one."""
    if trials != trials or deviation != deviation:
        return NAN
    if trials <= 1.0:
        return 0.0
    return deviation * ((1.0 - GAMMA) * _NORMAL.inv_cdf(1.0 - 1.0 / trials) + GAMMA * _NORMAL.inv_cdf(1.0 - 1.0 / (trials * e)))


def deflated_sharpe(sharpe: float, count: int, skew: float, kurt: float, trials: float, variance: float) -> float:
    """Probability that the true ratio is above what the best of `trials` without skill would show, 0 to 1.

    variance: of the trials' Sharpe ratios, of one step
    """
    if not variance >= 0.0:
        return NAN
    return probabilistic_sharpe(sharpe, count, skew, kurt, expected_maximum(trials, sqrt(variance)))


def backtest_years(trials: float, sharpe: float) -> float:
    """Years below which the best of `trials` without skill is expected to show an annual Sharpe ratio of `sharpe`; inf for none above 0."""
    if not sharpe > 0.0:
        return INF if sharpe == sharpe else NAN
    best = expected_maximum(trials)
    return best * best / (sharpe * sharpe)


def effective_trials(returns: NDArray[np.float64]) -> float:
    """How many independent trials (T, N) returns amount to: rho + (1 - rho) N, rho the mean correlation of two columns, not below 0.

    Columns without variation count as none; 0 without a column that varies.
    """
    off = returns - returns.mean(axis=0)
    length = np.sqrt((off * off).sum(axis=0))
    unit = off[:, length > 0.0] / length[length > 0.0]
    n = unit.shape[1]
    if n < 2:
        return float(n)
    total = unit.sum(axis=1)
    rho = max(0.0, (float(total @ total) - n) / (n * (n - 1)))
    return float(rho + (1.0 - rho) * n)


def clusters(returns: NDArray[np.float64], alike: float = 0.7) -> int:
    """How many groups (T, N) returns fall into: each joins the first earlier one with which it correlates by at least `alike`.

    A quick lower bound of what was really different; columns without variation are left out.
    """
    off = returns - returns.mean(axis=0)
    length = np.sqrt((off * off).sum(axis=0))
    unit = off[:, length > 0.0] / length[length > 0.0]
    leaders: list[int] = []
    for k in range(unit.shape[1]):
        if not leaders or float(np.max(unit[:, leaders].T @ unit[:, k])) < alike:
            leaders.append(k)
    return len(leaders)


# -- choosing, and what becomes of the chosen ---------------------------------------------------------------------------------


class Overfit(NamedTuple):
    """What combinatorially symmetric cross-validation says.

    pbo:       share of splits in which the best of one half is below the middle of the other half
    loss:      share of splits in which the best of one half loses in the other
    slope, intercept: of the other half's ratio over the chosen's own, by least squares; inside, outside: their means (of one step)
    splits, blocks, trials: how many there were
    logits:    (splits,) of the chosen's relative rank in the other half
    """

    pbo: float
    loss: float
    slope: float
    intercept: float
    inside: float
    outside: float
    splits: int
    blocks: int
    trials: int
    logits: NDArray[np.float64]


@kernel
def ratio(total: float, squares: float, count: float) -> float:
    """Sharpe ratio from the sum and the sum of squares of returns; 0 without variation."""
    spread = squares - total * total / count
    if not spread > 1e-20 * squares or count < 2.0:
        return 0.0
    deviation = sqrt(spread / (count - 1.0))
    if deviation == 0.0:  # a spread so near nothing that a share of it is nothing
        return 0.0
    return total / count / deviation


@kernel
def split_ranks(sums: Any, squares: Any, counts: Any, halves: Any, inside: Any, outside: Any, found: Any) -> None:
    """For each split: who is best inside, and where it stands outside.

    sums, squares: (S, N) of each block; counts: (S,) rows of each, float64; halves: (C, S) 1 where a block is inside, else 0
    inside, outside: (N,) scratch; found: (C, 3) ratio inside, ratio outside, rank outside (1 is the worst, ties shared)
    """
    blocks, trials = sums.shape
    for c in range(len(halves)):
        own = 0.0
        other = 0.0
        for s in range(blocks):
            if halves[c, s] == 1:
                own += counts[s]
            else:
                other += counts[s]
        best = 0
        for k in range(trials):
            a, b, x, y = 0.0, 0.0, 0.0, 0.0
            for s in range(blocks):
                if halves[c, s] == 1:
                    a += sums[s, k]
                    x += squares[s, k]
                else:
                    b += sums[s, k]
                    y += squares[s, k]
            inside[k] = ratio(a, x, own)
            outside[k] = ratio(b, y, other)
            if inside[k] > inside[best]:
                best = k
        chosen = outside[best]
        below, same = 0.0, 0.0
        for k in range(trials):
            if outside[k] < chosen:
                below += 1.0
            elif outside[k] == chosen:
                same += 1.0
        found[c, 0] = inside[best]
        found[c, 1] = chosen
        found[c, 2] = below + (same + 1.0) / 2.0


def cscv(returns: NDArray[np.float64], blocks: int = 16) -> Overfit:
    """Combinatorially symmetric cross-validation of (T, N) returns, a column a trial, by Sharpe ratio.

    blocks: even; the rows are cut into as many, which differ by at most one row, and each half of them is once the place where the
    best is chosen (16 blocks: 12,870 splits). All nan for fewer than two columns or two rows a block.
    """
    rows, trials = returns.shape
    if blocks < 2 or blocks % 2:
        raise ValueError(f"CSCV_BLOCKS: {blocks} blocks cannot be halved")
    if trials < 2 or rows < 2 * blocks:
        return Overfit(NAN, NAN, NAN, NAN, NAN, NAN, 0, blocks, trials, np.empty(0))
    edges = [rows * k // blocks for k in range(blocks + 1)]
    sums = np.add.reduceat(returns, edges[:-1], axis=0)
    squares = np.add.reduceat(returns * returns, edges[:-1], axis=0)
    halves = np.zeros((comb(blocks, blocks // 2), blocks), np.int8)
    for c, chosen in enumerate(combinations(range(blocks), blocks // 2)):
        halves[c, list(chosen)] = 1
    found = np.empty((len(halves), 3))
    split_ranks(sums, squares, np.diff(edges).astype(np.float64), halves, np.empty(trials), np.empty(trials), found)
    own, other, rank = found.T
    share = rank / (trials + 1.0)
    logits = np.array([log(w / (1.0 - w)) for w in share.tolist()])
    off = own - own.mean()
    spread = float(off @ off)
    slope = float(off @ other) / spread if spread > 0.0 else NAN
    inside, outside = float(own.mean()), float(other.mean())
    return Overfit(
        float(np.mean(logits <= 0.0)), float(np.mean(other < 0.0)), slope, outside - slope * inside, inside, outside, len(halves), blocks,
        trials, logits,
    )  # fmt: skip
