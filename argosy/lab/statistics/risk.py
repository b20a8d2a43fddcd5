"""What the spread of returns says of risk: errors of a Sharpe ratio, losses in the tail; it assumes no more than it names."""

from __future__ import annotations

from math import exp, isnan, pi, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from argosy.kernels.overfit import normal_cdf, standard_error

NAN = float("nan")
NORMAL = NormalDist()
DEEP = -8.0
"""Normal deviations below which there is nothing of a tail any more: one in 10^15."""


# -- how sure a Sharpe ratio is ----------------------------------------------------------------------------------------


def error_iid(sharpe: float, count: int) -> float:
    """Standard error of a Sharpe ratio a step of `count` independent normal returns, sqrt((1 + S²/2) / n).

    Source: Lo, The Statistics of Sharpe Ratios (2002).
    """
    return sqrt((1.0 + 0.5 * sharpe * sharpe) / count) if count > 1 else NAN


def error(sharpe: float, count: int, skew: float, kurtosis: float) -> float:
    """The same for returns that are not normal: sqrt((1 - g S + (k + 2) S² / 4) / (n - 1)), k in excess of the normal's.

    Source: Mertens, Comments on Variance of the IID Estimator in Lo (2002); with n - 1 as Bailey and López de Prado, The Sharpe
    Ratio Efficient Frontier (2012).
    """
    return standard_error(sharpe, count, skew, kurtosis + 3.0)


def probability(sharpe: float, deviation: float, over: float = 0.0) -> float:
    """Probability that the true ratio is above `over`, given its standard error: all three a step.

    Source: Bailey and López de Prado, The Sharpe Ratio Efficient Frontier (2012), the probabilistic Sharpe ratio.
    """
    return normal_cdf((sharpe - over) / deviation) if deviation > 0.0 else NAN


# -- the tail ----------------------------------------------------------------------------------------------------------


def lowest(values: NDArray[np.float64], count: int, *, upper: bool = False) -> NDArray[np.float64]:
    """The `count` smallest (or largest) values, ascending; of many, only those that a strided look says may be among them."""
    if len(values) > 50_000:
        some = np.sort(values[:: len(values) // 5_000])
        place = min(len(some) - 1, int(1.3 * count / len(values) * len(some)) + 30)
        few = values[values >= some[len(some) - 1 - place]] if upper else values[values <= some[place]]
        if len(few) >= count:
            values = few
    if count < len(values):
        values = np.partition(values, len(values) - count)[len(values) - count :] if upper else np.partition(values, count - 1)[:count]
    return np.sort(values)


class Tails:
    """Both ends of the returns, which hold no nan. level: how much of them is the tail, like 0.05. nan without returns.

    lower, upper: quantiles at `level` and 1 - `level`, linear between order statistics (Hyndman and Fan, Sample Quantiles in
    Statistical Packages, 1996, their definition 7); mean: of the floor((n - 1) level) + 1 smallest returns
    """

    def __init__(self, returns: NDArray[np.float64], level: float) -> None:
        self.lower = self.upper = self.mean = NAN
        if not len(returns):
            return
        place = (len(returns) - 1) * level
        whole = int(place)
        few = lowest(returns, min(whole + 2, len(returns)))
        self.lower = _between(few, place)
        self.mean = float(few[: whole + 1].mean())
        self.upper = -_between(-lowest(returns, min(whole + 2, len(returns)), upper=True)[::-1], place)


def _between(ordered: NDArray[np.float64], place: float) -> float:
    low = int(place)
    first = float(ordered[low])
    return first + (float(ordered[min(low + 1, len(ordered) - 1)]) - first) * (place - low)


def gaussian(mean: float, deviation: float, level: float) -> tuple[float, float]:
    """(quantile, mean beyond it) of a normal return at `level`, both as returns.

    Source: McNeil, Frey and Embrechts, Quantitative Risk Management (2005).
    """
    z = NORMAL.inv_cdf(level)
    return mean + deviation * z, mean - deviation * _density(z) / level


def cornish_fisher(mean: float, deviation: float, skew: float, kurtosis: float, level: float) -> tuple[float, float]:
    """(quantile, mean beyond it) at `level` of a return with this skew and kurtosis in excess, both as returns.

    The quantile is the normal's, bent: z + (z² - 1) g/6 + (z³ - 3z) k/24 - (2z³ - 5z) g²/36; the mean is its integral over the
    tail. nan where the bent curve does not rise all through the tail, down to `DEEP`, so that it is no distribution.
    Source: Cornish and Fisher, Moments and Cumulants in the Specification of Distributions (1938); Maillard, A User's Guide to
    the Cornish Fisher Expansion (2012), for the mean and the domain.
    """
    z = NORMAL.inv_cdf(level)
    if isnan(skew) or isnan(kurtosis) or not _rises(skew, kurtosis, z):
        return NAN, NAN
    g, k = skew / 6.0, kurtosis / 24.0
    gg = skew * skew / 36.0
    bent = z + (z * z - 1.0) * g + (z**3 - 3.0 * z) * k - (2.0 * z**3 - 5.0 * z) * gg
    one = -_density(z)  # integrals of z, z² and z³ over the tail, times the normal density
    two = level + z * one
    three = (z * z + 2.0) * one
    whole = one + (two - level) * g + (three - 3.0 * one) * k - (2.0 * three - 5.0 * one) * gg
    return mean + deviation * bent, mean + deviation * whole / level


def _rises(skew: float, kurtosis: float, below: float) -> bool:
    """Whether the bent quantile grows with z from `DEEP` to `below`: its slope a + bz + cz² is nowhere negative there."""
    a = 1.0 - kurtosis / 8.0 + 5.0 * skew * skew / 36.0
    b = skew / 3.0
    c = kurtosis / 8.0 - skew * skew / 6.0
    places = [DEEP, below]
    if c and DEEP < -b / (2.0 * c) < below:
        places.append(-b / (2.0 * c))
    return all(a + b * z + c * z * z >= 0.0 for z in places)


def _density(z: float) -> float:
    return exp(-0.5 * z * z) / sqrt(2.0 * pi)
