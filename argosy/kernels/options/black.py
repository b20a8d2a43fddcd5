"""What a European option is worth and how that moves: Black-Scholes-Merton on spot, Black-76 on a forward; it never raises.

right: +1 a call, -1 a put. years: to expiry, of 365 days, >= 0. rate, dividend: continuous, per year (0.05 is 5 %).
sigma: volatility per year (0.2 is 20 %), >= 0. Prices are per unit of the underlying, without the multiplier.
What has no sense (a negative price, time or volatility, nan) is nan.

The option that is out of the money is valued as a difference of two ratios of Mills, which keeps its digits however
little it is worth, and the other as that plus what exercising the forward gives: parity of put and call is exact.

Sources: Black and Scholes, The Pricing of Options and Corporate Liabilities (1973); Merton, Theory of Rational
Option Pricing (1973); Black, The Pricing of Commodity Contracts (1976); the greeks as in Haug, The Complete Guide to
Option Pricing Formulas (2007), chapter 2; the form with ratios: Jaeckel, Let's Be Rational (2015).
"""

from __future__ import annotations

from math import exp, log, sqrt
from typing import NamedTuple

from argosy.kernels.kernel import kernel
from argosy.kernels.options.normal import INF, INV_ROOT_2PI, NAN, e_to, mills

CALL = 1
PUT = -1
DAYS = 365.0
POINT = 0.01
SMALL = 0.05
"""Half a total deviation below which the difference of two ratios of Mills is a series."""


class Greeks(NamedTuple):
    """A value and how it moves, per unit of the underlying; floats, or (N,) float64 arrays of `bulk`.

    delta: per 1.00 of the underlying        gamma: delta per 1.00
    vega:  per 1.00 of volatility            theta: per year that passes (negative: it decays)
    rho:   per 1.00 of the rate              vanna: delta per 1.00 of volatility
    volga: vega per 1.00 of volatility       charm: delta per year that passes

    A volatility or rate point is 0.01 and a day 1/365: `practical` gives the figures that a screen shows.
    """

    price: float
    delta: float
    gamma: float
    vega: float
    theta: float
    rho: float
    vanna: float
    volga: float
    charm: float


@kernel
def gap(h: float, t: float, p: float, m: float) -> float:
    """Y(p) - Y(m) of Y(z) = N(z) / density(z), for p = h + t <= 0 or t small, m = h - t <= 0, h <= 0, t > 0.

    A series in t where t is small: the odd derivatives of Y at h, by Y' = 1 + h Y and Y'' = Y + h Y', and so on.
    """
    if t >= SMALL:
        return mills(-p) - mills(-m)
    zero = mills(-h)
    one = 1.0 + h * zero
    two = zero + h * one
    three = 2.0 * one + h * two
    four = 3.0 * two + h * three
    five = 4.0 * three + h * four
    six = 5.0 * four + h * five
    seven = 6.0 * five + h * six
    eight = 7.0 * six + h * seven
    nine = 8.0 * seven + h * eight
    y = t * t
    tail = (three + y * (five + y * (seven + y * nine / 72.0) / 42.0) / 20.0) / 6.0
    total = 2.0 * t * (one + y * tail)
    return total if total > 0.0 else 0.0


@kernel
def parts(now: float, then: float, x: float, v: float) -> tuple[float, float, float, float, float, float, float]:
    """(call, put, weight, d1, d2, N(d1), N(d2)) of discounted prices; v > 0, x = log(now / then).

    now: of the underlying, without what it pays until expiry; then: of the strike; weight: now * density(d1), which
    is then * density(d2). N(d1) and N(d2) are of the side that is out of the money, as it is there:
    of a call where x <= 0; else N(-d1) and N(-d2), in these places, so that small ones keep their digits.
    """
    u = -abs(x)
    h = u / v
    t = 0.5 * v
    p = h + t
    m = h - t
    top = then if x > 0.0 else now
    bottom = now if x > 0.0 else then
    height = INV_ROOT_2PI * exp(-0.5 * p * p)
    weight = top * height
    below = mills(-m)
    if p <= 0.0:
        ratio = mills(-p)
        first = height * ratio
        if t < SMALL:
            worth = weight * gap(h, t, p, m)
        else:
            worth = weight * (ratio - below)
    else:
        first = 1.0 - height * mills(p)
        if t < SMALL:
            worth = weight * gap(h, t, p, m)
        else:
            worth = top * first - weight * below
    if not worth > 0.0 and worth == worth:
        worth = 0.0
    second = weight * below / bottom
    if x > 0.0:
        return worth + (now - then), worth, weight, -m, -p, second, first
    return worth, worth + (then - now), weight, p, m, first, second


@kernel
def european(
    right: int, now: float, then: float, x: float, spot: float, years: float, rate: float, dividend: float, sigma: float
) -> tuple[float, float, float, float, float, float, float, float, float]:
    """The value and its greeks, from discounted prices; a zero volatility or time gives the limits.

    At the money without volatility or time gamma has no limit but infinity, and charm none: inf and nan.
    """
    root = sqrt(years)
    v = sigma * root
    if v > 0.0:
        call, put, weight, d1, d2, first, second = parts(now, then, x, v)
        price = call if right > 0 else put
        if x > 0.0:  # what is kept is of the put
            n1 = 1.0 - first if right > 0 else -first
            n2 = 1.0 - second if right > 0 else -second
        else:
            n1 = first if right > 0 else first - 1.0
            n2 = second if right > 0 else second - 1.0
        carry = now / spot
        vega = weight * root
        gamma = weight / (spot * spot * v)
        theta = rate * then * n2
        theta = dividend * now * n1 - theta - 0.5 * weight * sigma / root
        turn = weight / spot
        vanna = -turn * d2 / sigma
        volga = vega * d1 * d2 / sigma
        charm = dividend * carry * n1 - turn * (2.0 * (rate - dividend) * years - d2 * v) / (2.0 * years * v)
        return price, carry * n1, gamma, vega, theta, years * then * n2, vanna, volga, charm
    inside = right * (now - then)
    price = inside if inside > 0.0 else 0.0
    if now == then:
        bend = now * INV_ROOT_2PI
        half = 0.5 * right
        theta = half * (dividend * now - rate * then)
        if sigma > 0.0:
            theta = -INF
        return price, half * now / spot, INF, bend * root, theta, years * then * half, 0.0, 0.0, NAN
    on = float(right) if inside > 0.0 else 0.0
    slope = on * now / spot
    return (
        price, slope, 0.0, 0.0, on * (dividend * now - rate * then), years * then * on, 0.0, 0.0, dividend * slope
    )  # fmt: skip


@kernel
def sensible(spot: float, strike: float, years: float, rate: float, dividend: float, sigma: float) -> bool:
    """Whether an option of these has a value: prices above 0, time and volatility not below, none beyond 1e-100 to 1e100."""
    return (
        1e-100 < spot < 1e100 and 1e-100 < strike < 1e100 and (years == 0.0 or 1e-100 < years < 1e100)
        and (sigma == 0.0 or 1e-100 < sigma < 1e100) and -1e100 < rate < 1e100 and -1e100 < dividend < 1e100
    )  # fmt: skip


@kernel
def bsm_greeks(
    right: int, spot: float, strike: float, years: float, rate: float, dividend: float, sigma: float
) -> tuple[float, float, float, float, float, float, float, float, float]:
    """Value and greeks of a European option on a spot price, in the order of `Greeks`."""
    if not sensible(spot, strike, years, rate, dividend, sigma):
        return NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN
    now = spot * e_to(-dividend * years)
    then = strike * e_to(-rate * years)
    if not (1e-200 < now < 1e200 and 1e-200 < then < 1e200):
        return NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN
    x = log(spot / strike) + (rate - dividend) * years
    return european(right, now, then, x, spot, years, rate, dividend, sigma)


@kernel
def bsm(right: int, spot: float, strike: float, years: float, rate: float, dividend: float, sigma: float) -> float:
    """Value of a European option on a spot price that pays a continuous yield."""
    if not sensible(spot, strike, years, rate, dividend, sigma):
        return NAN
    now = spot * e_to(-dividend * years)
    then = strike * e_to(-rate * years)
    if not (1e-200 < now < 1e200 and 1e-200 < then < 1e200):
        return NAN
    v = sigma * sqrt(years)
    if v > 0.0:
        call, put, _, _, _, _, _ = parts(now, then, log(spot / strike) + (rate - dividend) * years, v)
        return call if right > 0 else put
    inside = right * (now - then)
    return inside if inside > 0.0 else 0.0


@kernel
def black76_greeks(
    right: int, forward: float, strike: float, years: float, rate: float, sigma: float
) -> tuple[float, float, float, float, float, float, float, float, float]:
    """Value and greeks of a European option on a forward or a future; delta, gamma, vanna, charm are of the forward.

    It is the option on a spot price that pays the rate; the rate only discounts, so rho is -years * price.
    """
    price, delta, gamma, vega, theta, _, vanna, volga, charm = bsm_greeks(
        right, forward, strike, years, rate, rate, sigma
    )
    return price, delta, gamma, vega, theta, -years * price, vanna, volga, charm


@kernel
def black76(right: int, forward: float, strike: float, years: float, rate: float, sigma: float) -> float:
    """Value of a European option on a forward or a future."""
    return bsm(right, forward, strike, years, rate, rate, sigma)


def practical(greeks: Greeks) -> Greeks:
    """The same per day and per point, as screens show them: vega, rho, vanna per 0.01, volga per 0.01 twice, theta and charm a day."""
    return greeks._replace(
        vega=greeks.vega * POINT, rho=greeks.rho * POINT, theta=greeks.theta / DAYS,
        vanna=greeks.vanna * POINT, volga=greeks.volga * POINT * POINT, charm=greeks.charm / DAYS,
    )  # fmt: skip
