"""How long a block of returns must be for a bootstrap to keep what hangs together in them; it draws nothing.

Source: Politis and White, Automatic Block-Length Selection for the Dependent Bootstrap (2004), with the correction of Patton, Politis
and White (2009), for the stationary bootstrap.
"""

from __future__ import annotations

from math import ceil, log10, sqrt

import numpy as np
from numpy.typing import NDArray


def block_length(values: NDArray[np.float64]) -> float:
    """The mean block for these values, from 1 to min(3 root n, n / 3); 1 where there is nothing to keep together.

    values: (n,) float64, finite. With R the autocovariances, m the first lag after which K of them in a row are no more than chance
    and M = 2 m: b = (2 G^2 / D)^(1/3) n^(1/3), G = sum of w(k / M) |k| R(k), D = 2 (sum of w(k / M) R(k))^2, w flat to 1/2, then
    straight down to 0 at 1.
    """
    n = len(values)
    if n < 8:
        return 1.0
    most = max(1.0, float(ceil(min(3.0 * sqrt(n), n / 3.0))))
    off = np.asarray(values, np.float64) - float(np.mean(values))
    if not float(np.abs(off).max()) > 0.0:
        return 1.0
    run = max(5, ceil(sqrt(log10(n))))
    furthest = min(n - 1, ceil(sqrt(n)) + run)
    cov = np.asarray([float(off[: n - k] @ off[k:]) / n for k in range(furthest + 1)])
    rho = np.abs(cov / cov[0])
    chance = 2.0 * sqrt(log10(n) / n)
    lag = _settles(rho, chance, run)
    reach = min(2 * max(lag, 1), furthest)
    k = np.arange(-reach, reach + 1)
    weight = np.clip(2.0 * (1.0 - np.abs(k) / reach), 0.0, 1.0)
    own = cov[np.abs(k)]
    slope = float((weight * np.abs(k) * own).sum())
    level = float((weight * own).sum())
    if level == 0.0:
        return 1.0
    return float(min(most, max(1.0, (slope / level) ** 2 * n) ** (1.0 / 3.0))) if slope else 1.0


def _settles(rho: NDArray[np.float64], chance: float, run: int) -> int:
    """The smallest lag after which `run` correlations in a row are no more than chance; else the last one that is more."""
    quiet = rho[1:] < chance
    for m in range(len(quiet) - run + 1):
        if bool(quiet[m : m + run].all()):
            return m
    loud = np.flatnonzero(~quiet)
    return int(loud[-1]) + 1
