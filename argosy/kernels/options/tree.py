"""What an option is worth that may be exercised early: a binomial tree with one row of memory; it never raises.

Units are those of `argosy.kernels.options.black`. Two trees: Leisen and Reimer's, whose error falls with the square of
the steps (an odd number of them), and Cox, Ross and Rubinstein's, which is in every book. Kernels take `nodes`, a
scratch row of at least `room(steps)` floats; `american` and its like below make one.

Sources: Cox, Ross and Rubinstein, Option Pricing: A Simplified Approach (1979); Leisen and Reimer, Binomial Models for
Option Valuation: Examining and Improving Convergence (1996), with Peizer and Pratt's second inversion; Pelsser and
Vorst, The Binomial Model and the Greeks (1994), for the tree that begins two steps ago.
"""

from __future__ import annotations

from math import expm1, log, sqrt
from typing import Any, Literal

import numpy as np

from argosy.core.errors import Misuse
from argosy.kernels.kernel import kernel
from argosy.kernels.options.black import Greeks, sensible
from argosy.kernels.options.implied import ABOVE, BELOW, EXPIRED, FOUND, NONSENSE
from argosy.kernels.options.normal import INF, NAN, e_to

LEISEN_REIMER = 0
COX = 1
MOST_STEPS = 100_000
Style = Literal["american", "european"]


@kernel
def room(steps: int) -> int:
    """Floats of scratch that a tree of so many steps needs."""
    return 2 * (steps + 4)


@kernel
def inversion(z: float, steps: int) -> float:
    """The chance of one step up whose sum over the steps is N(z), by Peizer and Pratt's second method."""
    by = z / (steps + 1.0 / 3.0 + 0.1 / (steps + 1.0))
    half = 0.5 * sqrt(-expm1(-by * by * (steps + 1.0 / 6.0)))
    return 0.5 + half if z >= 0.0 else 0.5 - half


@kernel
def moves(
    spot: float, strike: float, years: float, rate: float, dividend: float, sigma: float, steps: int, kind: int
) -> tuple[float, float, float]:
    """(up, down, chance of up) of one step; the chance is outside (0, 1) where a tree of these cannot be."""
    dt = years / steps
    growth = e_to((rate - dividend) * dt)
    if kind == COX:
        up = e_to(sigma * sqrt(dt))
        down = 1.0 / up
        if not (down < up * (1.0 - 1e-9) and up < INF):
            return 1.0, 1.0, 0.0
        return up, down, (growth - down) / (up - down)
    v = sigma * sqrt(years)
    d2 = (log(spot / strike) + (rate - dividend) * years) / v - 0.5 * v
    chance = inversion(d2, steps)
    if not 0.0 < chance < 1.0:
        return 1.0, 1.0, 0.0
    up = growth * inversion(d2 + v, steps) / chance
    down = (growth - chance * up) / (1.0 - chance)
    return up, down, chance if 0.0 < down < up * (1.0 - 1e-9) and up < INF else 0.0


@kernel
def certain(right: int, early: bool, spot: float, strike: float, years: float, rate: float, dividend: float) -> float:
    """The value without volatility: the best discounted exercise of the moments at which it may be the best."""
    best = right * (spot * e_to(-dividend * years) - strike * e_to(-rate * years))
    if early:
        best = max(best, right * (spot - strike))
        if rate != dividend and rate * dividend > 0.0:
            when = log(dividend * spot / (rate * strike)) / (dividend - rate)
            if 0.0 < when < years:
                best = max(best, right * (spot * e_to(-dividend * when) - strike * e_to(-rate * when)))
    return best if best > 0.0 else 0.0


@kernel
def rolled(
    right: int, early: bool, spot: float, strike: float, years: float, rate: float, dividend: float, sigma: float,
    steps: int, kind: int, nodes: Any,
) -> tuple[float, float, float, float, float]:
    """(value, value lower, value higher, lower, higher): today's value, and what it would be at two prices beside spot.

    They are nodes of today of a tree that began two steps ago. steps: at least 1; odd for Leisen and Reimer's.
    """
    up, down, chance = 1.0, 1.0, 0.0
    if sigma * sqrt(years) > 0.0:
        up, down, chance = moves(spot, strike, years, rate, dividend, sigma, steps, kind)
    if not 0.0 < chance < 1.0:
        value = certain(right, early, spot, strike, years, rate, dividend)
        lower = spot * 0.999
        higher = spot * 1.001
        return (
            value, certain(right, early, lower, strike, years, rate, dividend),
            certain(right, early, higher, strike, years, rate, dividend), lower, higher
        )  # fmt: skip
    discount = e_to(-rate * (years / steps))
    rise = chance * discount
    fall = (1.0 - chance) * discount
    apart = up / down
    base = steps + 4
    price = spot * e_to(steps * log(down)) / apart  # the lowest node of the last day
    factor = 1.0
    for j in range(steps + 3):
        nodes[base + j] = factor
        worth = right * (price * factor - strike)
        nodes[j] = worth if worth > 0.0 else 0.0
        factor *= apart
    back = 1.0 / down
    for level in range(steps - 1, -1, -1):
        price *= back
        if level == 0:  # today the node between is the spot price itself
            price = spot
            nodes[base], nodes[base + 1], nodes[base + 2] = 1.0 / apart, 1.0, apart
        if early:
            for j in range(level + 3):
                hold = rise * nodes[j + 1] + fall * nodes[j]
                take = right * (price * nodes[base + j] - strike)
                nodes[j] = take if take > hold else hold
        else:
            for j in range(level + 3):
                nodes[j] = rise * nodes[j + 1] + fall * nodes[j]
    return nodes[1], nodes[0], nodes[2], spot / apart, spot * apart


@kernel
def tree_ok(
    spot: float, strike: float, years: float, rate: float, dividend: float, sigma: float, steps: int
) -> bool:
    """Whether a tree of these can be laid."""
    return (
        1 <= steps <= MOST_STEPS and sensible(spot, strike, years, rate, dividend, sigma)
        and abs(rate) * years < 200.0 and abs(dividend) * years < 200.0 and sigma * sqrt(years * steps) < 200.0
    )  # fmt: skip


@kernel
def tree(
    right: int, early: bool, spot: float, strike: float, years: float, rate: float, dividend: float, sigma: float,
    steps: int, kind: int, nodes: Any,
) -> float:
    """The value of an option by a tree; nan of what has no sense."""
    if not tree_ok(spot, strike, years, rate, dividend, sigma, steps):
        return NAN
    value, _, _, _, _ = rolled(right, early, spot, strike, years, rate, dividend, sigma, steps, kind, nodes)
    return value


@kernel
def bent(
    right: int, early: bool, spot: float, strike: float, years: float, rate: float, dividend: float, sigma: float,
    steps: int, kind: int, nodes: Any,
) -> tuple[float, float, float]:
    """(value, delta, gamma), of the parabola through three nodes of today."""
    value, below, above, lower, higher = rolled(
        right, early, spot, strike, years, rate, dividend, sigma, steps, kind, nodes
    )
    left = (value - below) / (spot - lower)
    on = (above - value) / (higher - spot)
    gamma = 2.0 * (on - left) / (higher - lower)
    delta = left + 0.5 * gamma * (spot - lower)
    return value, delta, gamma


@kernel
def tree_greeks(
    right: int, early: bool, spot: float, strike: float, years: float, rate: float, dividend: float, sigma: float,
    steps: int, kind: int, nodes: Any,
) -> tuple[float, float, float, float, float, float, float, float, float]:
    """Value and greeks by a tree, in the order of `Greeks`; sigma and years above 0, else nan.

    delta and gamma are the tree's own. theta is what the equation of Black and Scholes leaves for it, 0 where exercise
    is best now. vega, vanna and volga are central differences over a volatility point each way (less where sigma is
    below two points), rho over a thousandth, charm over a hundredth of the time.
    """
    if not (tree_ok(spot, strike, years, rate, dividend, sigma, steps) and sigma > 0.0 and years > 0.0):
        return NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN
    value, delta, gamma = bent(right, early, spot, strike, years, rate, dividend, sigma, steps, kind, nodes)
    if early and value <= right * (spot - strike):
        theta = 0.0
    else:
        theta = rate * value - (rate - dividend) * spot * delta - 0.5 * sigma * sigma * spot * spot * gamma
    by = 0.01 if sigma > 0.02 else 0.5 * sigma
    more, more_delta, _ = bent(right, early, spot, strike, years, rate, dividend, sigma + by, steps, kind, nodes)
    less, less_delta, _ = bent(right, early, spot, strike, years, rate, dividend, sigma - by, steps, kind, nodes)
    step = 0.001
    dear = tree(right, early, spot, strike, years, rate + step, dividend, sigma, steps, kind, nodes)
    cheap = tree(right, early, spot, strike, years, rate - step, dividend, sigma, steps, kind, nodes)
    span = 0.01 * years
    _, later, _ = bent(right, early, spot, strike, years + span, rate, dividend, sigma, steps, kind, nodes)
    _, sooner, _ = bent(right, early, spot, strike, years - span, rate, dividend, sigma, steps, kind, nodes)
    return (
        value, delta, gamma, (more - less) / (2.0 * by), theta, (dear - cheap) / (2.0 * step),
        (more_delta - less_delta) / (2.0 * by), (more - 2.0 * value + less) / (by * by), (sooner - later) / (2.0 * span)
    )  # fmt: skip


@kernel
def tree_vol(
    right: int, early: bool, price: float, spot: float, strike: float, years: float, rate: float, dividend: float,
    steps: int, kind: int, nodes: Any,
) -> tuple[float, int]:
    """(volatility per year, code) at which a tree gives the price; bracketed, to 1e-12 of it or 1e-13 of the bound.

    code: as `argosy.kernels.options.implied.REASONS`. A price of immediate exercise has every small volatility: 0.
    """
    if not (tree_ok(spot, strike, years, rate, dividend, 0.0, steps) and -INF < price < INF):
        return NAN, NONSENSE
    if years == 0.0:
        return NAN, EXPIRED
    low = 0.0
    floor = certain(right, early, spot, strike, years, rate, dividend) - price
    if floor > 0.0:
        return NAN, BELOW
    if floor == 0.0:
        return 0.0, FOUND
    bound = spot if right > 0 else strike
    high = 0.25
    ceiling = tree(right, early, spot, strike, years, rate, dividend, high, steps, kind, nodes) - price
    while ceiling < 0.0:
        low, floor = high, ceiling
        high *= 2.0
        if high * sqrt(years * steps) >= 200.0:
            return NAN, ABOVE
        ceiling = tree(right, early, spot, strike, years, rate, dividend, high, steps, kind, nodes) - price
    for turn in range(200):
        sigma = low - floor * (high - low) / (ceiling - floor) if turn % 3 < 2 else 0.5 * (low + high)
        if not low < sigma < high:
            sigma = 0.5 * (low + high)
        off = tree(right, early, spot, strike, years, rate, dividend, sigma, steps, kind, nodes) - price
        if abs(off) <= 1e-13 * bound or high - low <= 1e-12 * high:
            return sigma, FOUND
        if off < 0.0:
            low, floor = sigma, off
        else:
            high, ceiling = sigma, off
    return 0.5 * (low + high), FOUND


# -- with a row of their own ---------------------------------------------------------------------------------------------


def _row(steps: int, kind: str) -> tuple[int, int, Any]:
    if kind not in ("leisen-reimer", "cox-ross-rubinstein"):
        raise Misuse("OPTION_TREE", f"{kind!r} is no tree", fix="leisen-reimer or cox-ross-rubinstein")
    if not 1 <= steps <= MOST_STEPS:
        raise Misuse("OPTION_STEPS", f"{steps} steps", fix=f"1 to {MOST_STEPS:,}")
    code = COX if kind == "cox-ross-rubinstein" else LEISEN_REIMER
    steps += 1 - steps % 2 if code == LEISEN_REIMER else 0
    return steps, code, np.empty(2 * (steps + 4))


def american(
    right: int, spot: float, strike: float, years: float, rate: float, dividend: float, sigma: float, *,
    steps: int = 501, kind: str = "leisen-reimer", style: Style = "american",
) -> float:  # fmt: skip
    """Value of an option by a tree; an even number of steps is one more for Leisen and Reimer's. Misuse for another tree."""
    count, code, nodes = _row(steps, kind)
    return tree(
        int(right), style == "american", float(spot), float(strike), float(years), float(rate), float(dividend), float(sigma), count, code, nodes
    )


def american_greeks(
    right: int, spot: float, strike: float, years: float, rate: float, dividend: float, sigma: float, *,
    steps: int = 501, kind: str = "leisen-reimer", style: Style = "american",
) -> Greeks:  # fmt: skip
    """Value and greeks of an option by a tree."""
    count, code, nodes = _row(steps, kind)
    return Greeks(
        *tree_greeks(
            int(right), style == "american", float(spot), float(strike), float(years), float(rate), float(dividend), float(sigma), count, code, nodes
        )
    )


def american_vol(
    right: int, price: float, spot: float, strike: float, years: float, rate: float, dividend: float, *,
    steps: int = 501, kind: str = "leisen-reimer", style: Style = "american",
) -> tuple[float, int]:  # fmt: skip
    """(volatility, code) at which a tree gives the price."""
    count, code, nodes = _row(steps, kind)
    return tree_vol(
        int(right), style == "american", float(price), float(spot), float(strike), float(years), float(rate), float(dividend), count, code, nodes
    )
