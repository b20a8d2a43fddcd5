"""Whether one Sharpe ratio is above another by more than chance: two tests that know the runs lived through the same days.

Jobson and Korkie, Performance Hypothesis Testing with the Sharpe and Treynor Measures (1981), with the correction of Memmel (2003):
for independent normal returns. Politis and Romano, The Stationary Bootstrap (1994): blocks of the same days drawn for both, which keeps
fat tails, quiet and wild times, and what the two have in common; blocks as long as Politis and White (2004) say.
"""

from __future__ import annotations

from math import erfc, sqrt

import msgspec
import numpy as np
from numpy.typing import NDArray

from argosy.lab.montecarlo.blocks import block_length

NAN = float("nan")
PATHS = 2_000
SEED = 20
CHANCE = 0.05
"""A difference whose p is not below this may be chance."""


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """The Sharpe ratio of `one` less that of `other`, a year.

    error, z, p: standard error, ratio and two-sided probability (Jobson-Korkie-Memmel); low, high: the middle 95 % of the bootstrap;
    p_paths: two-sided probability by the bootstrap, moved to no difference; block: mean days of a block. nan where a run never moved.
    """

    one: str
    other: str
    difference: float
    error: float
    z: float
    p: float
    low: float
    high: float
    p_paths: float
    block: float
    paths: int

    @property
    def sure(self) -> bool:
        """Whether neither test leaves it to chance."""
        return self.p < CHANCE and self.p_paths < CHANCE


def memmel(own: NDArray[np.float64], other: NDArray[np.float64], ppy: float) -> tuple[float, float]:
    """(difference, standard error) of the yearly Sharpe ratios of returns of the same (n,) days; nan where one does not move."""
    count = len(own)
    a, b = ratio(own), ratio(other)
    if count < 2 or a != a or b != b:
        return NAN, NAN
    rho = float(np.corrcoef(own, other)[0, 1])
    variance = (2.0 - 2.0 * rho + 0.5 * (a * a + b * b) - a * b * rho * rho) / count
    return (a - b) * sqrt(ppy), sqrt(max(0.0, variance) * ppy)


def ratio(returns: NDArray[np.float64]) -> float:
    """Mean over standard deviation (n - 1) of a step; nan where they do not vary."""
    if len(returns) < 2:
        return NAN
    mean, deviation = float(returns.mean()), float(returns.std(ddof=1))
    return mean / deviation if deviation > 1e-12 * max(1e-12, abs(mean)) else NAN


def gap(names: tuple[str, str], returns: NDArray[np.float64], ppy: float, *, paths: int = PATHS, seed: int = SEED) -> Gap:
    """The gap of two runs. returns: (n, 2) of the same days."""
    return gaps(names, returns, ppy, paths=paths, seed=seed)[0]


def gaps(names: tuple[str, ...], returns: NDArray[np.float64], ppy: float, *, paths: int = PATHS, seed: int = SEED) -> list[Gap]:
    """The gap of each pair of runs, earlier less later. returns: (n, K) of the same days; the same draws for all pairs."""
    block = max(block_length(returns[:, k]) for k in range(len(names)))
    drawn = resampled(returns, block, paths, seed) * sqrt(ppy)
    out = []
    for i in range(len(names)):
        for j in range(i + 1, len(names)):
            difference, error = memmel(returns[:, i], returns[:, j], ppy)
            z = difference / error if error > 0.0 else NAN
            found = drawn[:, i] - drawn[:, j]
            found = found[np.isfinite(found)]
            known = difference == difference and len(found) > 0
            low, high = np.quantile(found, [0.025, 0.975]).tolist() if known else (NAN, NAN)
            beyond = int((np.abs(found - difference) >= abs(difference)).sum()) if known else 0
            out.append(Gap(
                one=names[i], other=names[j], difference=difference, error=error, z=z, p=erfc(abs(z) / sqrt(2.0)) if z == z else NAN,
                low=low, high=high, p_paths=(1 + beyond) / (1 + len(found)) if known else NAN, block=block, paths=paths,
            ))  # fmt: skip
    return out


def resampled(returns: NDArray[np.float64], block: float, paths: int, seed: int) -> NDArray[np.float64]:
    """Sharpe ratios of a step of each run on drawn days, (paths, K): the same days for every run; nan where one does not move."""
    count = len(returns)
    rng = np.random.default_rng(seed)
    middle = returns.mean(axis=0)
    off = returns - middle
    sums, squares = np.zeros((paths, returns.shape[1])), np.zeros((paths, returns.shape[1]))
    at = rng.integers(0, count, paths)
    for step in range(count):
        if step:
            fresh = rng.random(paths) < 1.0 / block
            at = np.where(fresh, rng.integers(0, count, paths), (at + 1) % count)
        row = off[at]
        sums += row
        squares += row * row
    mean = sums / count
    variance = (squares - count * mean * mean) / max(1, count - 1)
    still = ~(variance > 1e-24)
    out: NDArray[np.float64] = np.where(still, NAN, (mean + middle) / np.sqrt(np.where(still, 1.0, variance)))
    return out
