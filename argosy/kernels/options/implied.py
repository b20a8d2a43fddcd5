"""The volatility at which an option is worth its price; a price that no volatility gives is nan with its reason.

The price of the option out of the money, over the discounted price that bounds it, is c in (0, 1); its inverse in the
total deviation v is found by Householder's third-order steps from a guess, inside a bracket that never lets go:
on 1 / log c below the point of inflection, on c about it, on log (1 - c) far above.

Sources: Jaeckel, Let's Be Rational (2015), for the objectives; Manaster and Koehler, The Calculation of Implied
Variances from the Black-Scholes Model (1982), for the point of inflection as the place to divide at.
"""

from __future__ import annotations

from math import exp, log, sqrt

from argosy.kernels.kernel import kernel
from argosy.kernels.options.black import SMALL, gap, sensible
from argosy.kernels.options.normal import INF, INV_ROOT_2PI, NAN, e_to, mills, rough_quantile

FOUND = 0
BELOW = 1
ABOVE = 2
EXPIRED = 3
NONSENSE = 4
REASONS = ("", "BELOW_INTRINSIC", "ABOVE_BOUND", "EXPIRED", "NOT_A_PRICE")
"""Why there is no volatility, by the code that the kernels give."""

LOG_ROOT_2PI = 0.9189385332046727
ENOUGH = 1e-4
"""A step of this part of v, of a method whose error is its fourth power, is the last one."""


@kernel
def deviation(c: float, rest: float, u: float) -> float:
    """Total deviation v > 0 at which an option out of the money by u = -abs(log(forward / strike)) is worth c of its bound.

    rest: 1 - c, as exact as the caller has it. 0 < c < 1.
    """
    turn = sqrt(-2.0 * u)  # the point of inflection in v: there d1 of the option is 0
    middle = INV_ROOT_2PI * gap(-0.5 * turn, 0.5 * turn, 0.0, -turn) if turn > 0.0 else 0.0
    low = c < middle
    if low:
        p = rough_quantile(0.5 * (c / middle))
    else:
        p = -rough_quantile(0.5 * (rest / (1.0 - middle)))
    if low:
        v = -2.0 * u / (sqrt(p * p - 2.0 * u) - p)
        target = 1.0 / log(c)
    else:
        v = p + sqrt(p * p - 2.0 * u) if p > 0.0 else turn
        target = c if c < 0.9 else log(rest)
    least = 0.0
    most = turn if low else INF
    if not v > 0.0:
        v = turn if turn > 0.0 else c / INV_ROOT_2PI
    for _ in range(100):
        h = u / v
        t = 0.5 * v
        p = h + t
        m = h - t
        gamma = p * m / v
        delta = gamma * gamma - 3.0 * (h / v) * (h / v) - 0.25
        if low:
            width = gap(h, t, p, m)
            if width > 0.0:
                level = log(width) - 0.5 * p * p - LOG_ROOT_2PI
                slope = 1.0 / width
                second = gamma - slope
                third = delta - 3.0 * slope * gamma + 2.0 * slope * slope
                ratio = slope / level
                off = 1.0 / level - target
                by = off * level / ratio  # minus f over its slope
                delta = third - 6.0 * second * ratio + 6.0 * ratio * ratio
                gamma = second - 2.0 * ratio
                off = -off
            else:
                off = -1.0
                by = INF
        else:
            height = INV_ROOT_2PI * exp(-0.5 * p * p)
            if c < 0.9:
                if t < SMALL:
                    worth = height * gap(h, t, p, m)
                elif p <= 0.0:
                    worth = height * (mills(-p) - mills(-m))
                else:
                    worth = 1.0 - height * (mills(p) + mills(-m))
                off = worth - target
                by = -off / height if height > 0.0 else INF
            else:
                left = height * (mills(p) + mills(-m)) if p > 0.0 else 1.0 - height * (mills(-p) - mills(-m))
                slope = -height / left if left > 0.0 else 0.0
                off = target - log(left) if left > 0.0 else 1.0
                by = off / slope if slope < 0.0 else INF
                delta = delta - 3.0 * slope * gamma + 2.0 * slope * slope
                gamma = gamma - slope
        if off > 0.0:
            most = v
        elif off < 0.0:
            least = v
        else:
            return v
        step = by * (1.0 + 0.5 * gamma * by)
        step = step / (1.0 + by * (gamma + delta * by / 6.0)) if abs(by) < INF else NAN
        new = v + step
        if not least < new < most:
            new = 0.5 * (least + most) if most < INF else 2.0 * v
            if not least < new < most or new == v:
                return v
        elif abs(step) <= ENOUGH * v:
            return new
        v = new
    return v


@kernel
def implied(
    right: int, price: float, spot: float, strike: float, years: float, rate: float, dividend: float
) -> tuple[float, int]:
    """(volatility per year, code) of a European option on a spot price; nan with the code that says why, see `REASONS`.

    A price that is exactly what exercising the forward gives has volatility 0. Prices so deep in the money that their
    last digit is worth more than the option's chance have one of the volatilities that round to them.
    """
    if not sensible(spot, strike, years, rate, dividend, 0.0) or not -INF < price < INF:
        return NAN, NONSENSE
    if years == 0.0:
        return NAN, EXPIRED
    now = spot * e_to(-dividend * years)
    then = strike * e_to(-rate * years)
    if not (1e-200 < now < 1e200 and 1e-200 < then < 1e200):
        return NAN, NONSENSE
    x = log(spot / strike) + (rate - dividend) * years
    worth = price
    if right > 0 and x > 0.0:
        worth = price - (now - then)
    elif right < 0 and x <= 0.0:
        worth = price - (then - now)
    top = then if x > 0.0 else now
    if worth < 0.0:
        return NAN, BELOW
    if worth >= top:
        return NAN, ABOVE
    c = worth / top
    if c == 0.0:
        return 0.0, FOUND
    return deviation(c, (top - worth) / top, -abs(x)) / sqrt(years), FOUND


@kernel
def implied76(right: int, price: float, forward: float, strike: float, years: float, rate: float) -> tuple[float, int]:
    """(volatility per year, code) of a European option on a forward or a future."""
    return implied(right, price, forward, strike, years, rate, rate)
