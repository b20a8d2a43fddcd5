"""Implementation shortfall: sells fast what is risky to hold and slowly what is dear to sell; the price moves it no more.

Source: Almgren and Chriss, "Optimal Execution of Portfolio Transactions", Journal of Risk 3 (2001), equations 13 and 16
to 18, with one slice as the unit of time.
"""

from __future__ import annotations

from math import acosh, exp, expm1

from argosy.core.intents import Shortfall

FLAT = 1e-6
"""An urgency a slice below which the schedule is a straight line to the last lot of any size."""


def kappa(algo: Shortfall) -> float:
    """The urgency of a trade, per slice: 0 is a straight line, 1 leaves about a third after each slice.

    2 (cosh kappa - 1) = risk aversion x volatility^2 / (impact - permanent / 2)
    """
    square = algo.risk_aversion * algo.volatility * algo.volatility / (algo.impact - algo.permanent / 2.0)
    return acosh(1.0 + square / 2.0)


def left(urgency: float, done: int, count: int) -> float:
    """The fraction still to be traded after `done` of `count` slices: sinh(kappa (count - done)) / sinh(kappa count)."""
    if urgency < FLAT:
        return (count - done) / count
    return exp(-urgency * done) * expm1(-2.0 * urgency * (count - done)) / expm1(-2.0 * urgency * count)


def weights(algo: Shortfall, count: int) -> tuple[float, ...]:
    """What is traded in each of the `count` slices that there is time for, as a fraction of the whole."""
    urgency = kappa(algo)
    path = [left(urgency, done, count) for done in range(count + 1)]
    return tuple(max(0.0, path[k] - path[k + 1]) for k in range(count))
