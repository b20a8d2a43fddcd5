"""How much to bet for the quickest growth, for one bet, one asset or many; and how much less, for what is only estimated.

Weights are fractions of equity, above 1 with borrowed money, negative short. Means and volatilities are of one span (per
year, or per bar), means in excess of the riskless rate. An edge that is unknown or not positive is bet 0.

Sources: Kelly, A New Interpretation of Information Rate (1956); Thorp, The Kelly Criterion in Blackjack, Sports Betting and
the Stock Market (2006), also for fractions of it; Baker and McHale, Optimal Betting Under Parameter Uncertainty, Decision
Analysis 10 (2013); Kan and Zhou, Optimal Portfolio Choice with Parameter Uncertainty, JFQA 42 (2007).
"""

from __future__ import annotations

from math import isfinite, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argosy.core.errors import Misuse
from argosy.kernels.kernel import kernel

INF = float("inf")
SWEEPS = 10_000


class Many(NamedTuple):
    """weights: (N,) fractions of equity; shrunk: the part of the plain answer that the estimate deserves, 0 to 1;
    growth: expected per span at these weights, were the estimates true; capped: whether gross was brought down to `most`."""

    weights: NDArray[np.float64]
    shrunk: float
    growth: float
    capped: bool


# -- one bet -----------------------------------------------------------------------------------------------------------


@kernel
def bet(chance: float, win: float, loss: float) -> float:
    """Fraction to stake on a bet that wins `win` per unit staked with a chance and else loses `loss` (1 = the stake).

    chance / loss - (1 - chance) / win, 0 when there is no edge. Source: Kelly (1956), as in Thorp (2006), section 7.
    """
    if not (0.0 <= chance <= 1.0 and 0.0 < win < INF and 0.0 < loss < INF):
        return 0.0
    stake = chance / loss - (1.0 - chance) / win
    return stake if stake > 0.0 else 0.0


@kernel
def bet_shrink(chance: float, win: float, error: float) -> float:
    """The part of the stake that an estimated chance deserves; error: its standard error. For bets that lose the stake.

    edge**2 / (edge**2 + ((win + 1) * error)**2) with edge = (win + 1) * chance - 1. Source: Baker and McHale (2013), the
    approximation of their equation for the shrunken stake.
    """
    edge = (win + 1.0) * chance - 1.0
    if not (edge > 0.0 and error >= 0.0):
        return 0.0
    off = (win + 1.0) * error
    return 1.0 / (1.0 + (off / edge) * (off / edge))


@kernel
def observed(wins: float, losses: float) -> tuple[float, float]:
    """(chance, its standard error) of so many wins and losses; (0, inf) without trades. Binomial, with the sample's own chance.

    Nothing is sure for having never been seen otherwise: without a loss (or a win) the error is that of the chance that Laplace's rule
    of succession gives, (wins + 1) / (count + 2), which is never 0.
    """
    count = wins + losses
    if not count > 0.0:
        return 0.0, INF
    chance = wins / count
    spread = chance * (1.0 - chance)
    least = (count + 1.0) / (count + 2.0) / (count + 2.0)
    return chance, sqrt((spread if spread > least else least) / count)


# -- one asset -----------------------------------------------------------------------------------------------------------


@kernel
def kelly_weight(mean: float, sigma: float, part: float, most: float) -> float:
    """part * mean / sigma**2, at most `most` either way; part 0.5 is half Kelly. Short where the mean is negative.

    Half of it gives three quarters of the growth at half of the volatility. Source: Thorp (2006), section 7, the continuous form
    (Merton's fraction for logarithmic utility).
    """
    if not (sigma > 0.0 and part > 0.0 and most > 0.0) or mean != mean:
        return 0.0
    weight = part * (mean / sigma / sigma)
    return most if weight > most else -most if weight < -most else weight


@kernel
def mean_shrink(mean: float, sigma: float, count: float) -> float:
    """The part of Kelly's weight that a mean deserves which was estimated from `count` spans: m**2 / (m**2 + sigma**2 / n).

    It maximises the expected growth over the estimate's own error; Baker and McHale's (2013) argument in continuous form.
    """
    if not (sigma >= 0.0 and count > 0.0) or not abs(mean) > 0.0:
        return 0.0
    ratio = sigma / mean
    return 1.0 / (1.0 + ratio * ratio / count)


@kernel
def growth(weight: float, mean: float, sigma: float) -> float:
    """Growth per span of a weight kept constant, above the riskless rate: w * m - w**2 sigma**2 / 2. Source: Thorp (2006)."""
    risk = weight * sigma
    return weight * mean - 0.5 * risk * risk


# -- many assets -----------------------------------------------------------------------------------------------------------


@kernel
def cholesky(matrix: Any, n: int) -> bool:
    """Replace the lower triangle of a flat (N * N) symmetric matrix by its root; False when it is not positive definite."""
    for j in range(n):
        for i in range(j, n):
            total = matrix[i * n + j]
            for k in range(j):
                total -= matrix[i * n + k] * matrix[j * n + k]
            if i == j:
                if not total > 1e-14 * abs(matrix[i * n + j]):
                    return False
                matrix[i * n + j] = sqrt(total)
            else:
                matrix[i * n + j] = total / matrix[j * n + j]
    return True


@kernel
def solved(root: Any, n: int, x: Any) -> None:
    """Replace x (N,) by the solution of matrix * y = x, from the root that `cholesky` left."""
    for i in range(n):
        for k in range(i):
            x[i] -= root[i * n + k] * x[k]
        x[i] /= root[i * n + i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            x[i] -= root[k * n + i] * x[k]
        x[i] /= root[i * n + i]


@kernel
def bounded(mean: Any, matrix: Any, n: int, low: float, high: float, x: Any) -> int:
    """Into x (N,), from where it stands, the weights in [low, high] that grow the quickest; sweeps needed, -1 for too many.

    One weight after another is brought to its best beside the others, until none moves: for a positive definite matrix
    (flat, N * N) that ends at the one maximum.
    """
    for sweep in range(SWEEPS):
        moved = 0.0
        size = 1e-300
        for i in range(n):
            pull = mean[i]
            for k in range(n):
                if k != i:
                    pull -= matrix[i * n + k] * x[k]
            best = pull / matrix[i * n + i]
            best = low if best < low else high if best > high else best
            moved = max(moved, abs(best - x[i]))
            size = max(size, abs(best))
            x[i] = best
        if moved <= 1e-14 * size:
            return sweep + 1
    return -1


@kernel
def many_shrink(sharpe2: float, assets: int, count: int) -> float:
    """The part of sigma**-1 mu that estimates of `assets` means and their covariances from `count` spans deserve.

    sharpe2: the squared Sharpe ratio per span of the estimated best mix. Source: Kan and Zhou (2007), the best single
    coefficient on the tangency portfolio, (T - N - 1)(T - N - 4) / (T (T - 2)) * s / (s + N / T), where s is the unbiased
    estimate ((T - N - 2) sharpe2 - N) / T of the true squared ratio, at least 0.
    """
    if count <= assets + 4 or not sharpe2 > 0.0:
        return 0.0
    true = ((count - assets - 2) * sharpe2 - assets) / count
    if not true > 0.0:
        return 0.0
    spread = (count - assets - 1) * (count - assets - 4) / (count * (count - 2.0))
    return spread * true / (true + assets / count)


def kelly_weights(
    mean: ArrayLike, covariance: ArrayLike, *, part: float = 1.0, most: float = INF, count: int = 0, long_only: bool = False
) -> Many:
    """The weights sigma**-1 mu of many assets, fewer for what is estimated, and brought down together to a gross of `most`.

    mean: (N,) excess means per span; covariance: (N, N) per span, divided by `count` and not by count - 1
    count: spans that both were estimated from, 0 = they are known: no shrinking
    Misuse("KELLY") for other shapes, numbers that are none, or a covariance that is not positive definite.
    """
    mu = np.ascontiguousarray(mean, dtype=np.float64)
    sigma = np.ascontiguousarray(covariance, dtype=np.float64)
    n = len(mu) if mu.ndim == 1 else 0
    if not n or sigma.shape != (n, n):
        raise Misuse("KELLY", f"means {mu.shape} and covariances {sigma.shape} do not fit", fix="(N,) and (N, N)")
    if not (np.isfinite(mu).all() and np.isfinite(sigma).all() and np.allclose(sigma, sigma.T, rtol=1e-9, atol=0.0)):
        raise Misuse("KELLY", "means and covariances must be finite, the covariances symmetric", fix="leave assets without data out")
    if not (part > 0.0 and isfinite(part) and most > 0.0):
        raise Misuse("KELLY", f"part {part} and most {most} must be above 0")
    root = sigma.flatten()
    if not cholesky(root, n):
        raise Misuse("KELLY", "the covariances are not positive definite", fix="fewer assets than spans, none of them a mix of others")
    x = mu.copy()
    solved(root, n, x)
    shrunk = many_shrink(float(np.dot(mu, x)), n, count) if count else 1.0
    if long_only:
        x = np.maximum(x, 0.0)
        if bounded(mu, sigma.reshape(-1), n, 0.0, INF, x) < 0:
            raise Misuse("KELLY", "the covariances are too near to singular for a long-only answer")
    x *= part * shrunk
    gross = float(np.sum(np.abs(x)))
    if capped := gross > most:
        x *= most / gross
    return Many(x, shrunk, float(np.dot(x, mu) - 0.5 * np.dot(x, sigma @ x)), capped)
