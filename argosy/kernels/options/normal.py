"""The bell curve: how likely a move of so many deviations is; good in the far tails, and it never raises.

Source of the rational functions: W. J. Cody, "Rational Chebyshev Approximations for the Error Function",
Mathematics of Computation 23 (1969); of the first guess of a quantile: M. J. Wichura, "Algorithm AS 241: The
Percentage Points of the Normal Distribution", Applied Statistics 37 (1988), its short form (7 digits).
"""

from __future__ import annotations

from math import exp, log, sqrt

from argosy.kernels.kernel import kernel

INF = float("inf")
NAN = float("nan")
ROOT_HALF = 0.7071067811865476
"""1 / sqrt(2)"""
INV_ROOT_2PI = 0.3989422804014327
"""1 / sqrt(2 pi), the density at 0"""
ROOT_HALF_PI = 1.2533141373155003
"""sqrt(pi / 2), the ratio of Mills at 0"""
INV_ROOT_PI = 0.5641895835477563
"""1 / sqrt(pi)"""


@kernel
def e_to(x: float) -> float:
    """e to the power of x; inf where that is no double, nan of nan. Never raises."""
    if x > 709.782712893384:
        return INF
    return exp(x)


@kernel
def density(z: float) -> float:
    """The normal density at z deviations."""
    return INV_ROOT_2PI * exp(-0.5 * z * z)


@kernel
def mills(z: float) -> float:
    """N(-z) over the density at z, for z >= 0: a ratio that stays a plain number however far the tail (Mills, 1926).

    Relative error below 1e-15. nan of nan; 0 of inf.
    """
    x = z * ROOT_HALF
    if x <= 0.46875:
        y = x * x
        above = 1.85777706184603153e-1 * y
        above = (above + 3.16112374387056560) * y
        above = (above + 1.13864154151050156e2) * y
        above = (above + 3.77485237685302021e2) * y + 3.20937758913846947e3
        below = (y + 2.36012909523441209e1) * y
        below = (below + 2.44024637934444173e2) * y
        below = (below + 1.28261652607737228e3) * y + 2.84423683343917062e3
        return ROOT_HALF_PI * (exp(y) * (1.0 - x * above / below))
    if x <= 4.0:
        above = 2.15311535474403846e-8 * x
        above = (above + 5.64188496988670089e-1) * x
        above = (above + 8.88314979438837594) * x
        above = (above + 6.61191906371416295e1) * x
        above = (above + 2.98635138197400131e2) * x
        above = (above + 8.81952221241769090e2) * x
        above = (above + 1.71204761263407058e3) * x
        above = (above + 2.05107837782607147e3) * x + 1.23033935479799725e3
        below = (x + 1.57449261107098347e1) * x
        below = (below + 1.17693950891312499e2) * x
        below = (below + 5.37181101862009858e2) * x
        below = (below + 1.62138957456669019e3) * x
        below = (below + 3.29079923573345963e3) * x
        below = (below + 4.36261909014324716e3) * x
        below = (below + 3.43936767414372164e3) * x + 1.23033935480374942e3
        return ROOT_HALF_PI * (above / below)
    if x > 1e150:
        return 0.0 if x == INF else 1.0 / z
    y = 1.0 / (x * x)
    above = 1.63153871373020978e-2 * y
    above = (above + 3.05326634961232344e-1) * y
    above = (above + 3.60344899949804439e-1) * y
    above = (above + 1.25781726111229246e-1) * y
    above = (above + 1.60837851487422766e-2) * y + 6.58749161529837803e-4
    below = (y + 2.56852019228982242) * y
    below = (below + 1.87295284992346725) * y
    below = (below + 5.27905102951428412e-1) * y
    below = (below + 6.05183413124413191e-2) * y + 2.33520497626869185e-3
    return ROOT_HALF_PI * ((INV_ROOT_PI - y * above / below) / x)


@kernel
def cdf(z: float) -> float:
    """The chance of less than z deviations, N(z); small values keep their digits as far as doubles go."""
    if z <= 0.0:
        return density(z) * mills(-z)
    return 1.0 - density(z) * mills(z)


@kernel
def rough_quantile(p: float) -> float:
    """z with N(z) = p, to seven digits, 0 < p < 1: a first guess, nan elsewhere."""
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        above = ((5.9109374720e1 * r + 1.5929113202e2) * r + 5.0434271938e1) * r + 3.3871327179
        return q * above / (((6.7187563600e1 * r + 7.8757757664e1) * r + 1.7895169469e1) * r + 1.0)
    tail = p if q < 0.0 else 1.0 - p
    if not tail > 0.0:
        return NAN
    r = sqrt(-log(tail))
    if r <= 5.0:
        r -= 1.6
        above = ((1.7023821103e-1 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777
        z = above / ((1.2021132975e-1 * r + 7.3700164250e-1) * r + 1.0)
    else:
        r -= 5.0
        above = ((1.7337203997e-2 * r + 4.2868294337e-1) * r + 3.0812263860) * r + 6.6579051150
        z = above / ((1.2258202635e-2 * r + 2.4197894225e-1) * r + 1.0)
    return -z if q < 0.0 else z
