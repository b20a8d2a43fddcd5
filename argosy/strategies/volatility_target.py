"""Holds less when prices move much and more when they are calm, so that the risk stays the same; it has no view on direction.

Source: Moreira and Muir, "Volatility-Managed Portfolios", Journal of Finance 72 (2017); Moskowitz, Ooi and Pedersen,
"Time Series Momentum", Journal of Financial Economics 104 (2012), which scale by volatility rather than variance.
"""

from __future__ import annotations

from math import isnan, sqrt
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from argosy.core.strategy import ABSENT, Empty, Out
from argosy.kernels.indicators import roc, stddev


class Params(msgspec.Struct, frozen=True):
    """What VolatilityTarget may be set to."""

    target: Annotated[
        float, Meta(gt=0.0, le=2.0, description="volatility wanted of each allotment, a year, as a fraction")
    ] = 0.15
    window: Annotated[int, Meta(ge=2, le=5000, description="bars whose returns are measured")] = 20
    per_year: Annotated[
        int, Meta(ge=1, le=600_000, description="bars in a year: 252 days, 98,280 minutes of a US stock")
    ] = 252
    most: Annotated[float, Meta(gt=0.0, le=4.0, description="greatest weight; above 1 needs margin")] = 1.0
    band: Annotated[
        float, Meta(ge=0.0, le=1.0, description="change of the weight, as a fraction of it, below which nothing is done")
    ] = 0.1


class VolatilityTarget:
    """Weight = wanted volatility / that of the last `window` bars; 0 < weight <= most.

    In a market that stands still the weight is `most`. Each change sizes the position anew.
    """

    name = "volatility_target"
    params = Params
    needs = staticmethod(lambda p: {"moves": stddev(p.window, of=roc(1))})

    @staticmethod
    def step(row: Any, needs: Any, state: Empty, params: Params, out: Out) -> None:
        """Want the weight of today's volatility, when it has left the band about the one that stands."""
        if isnan(needs.moves):
            return
        yearly = needs.moves / 100.0 * sqrt(float(params.per_year))  # roc is in percent
        weight = params.most
        if params.target < params.most * yearly:
            weight = params.target / yearly
        if out.target == ABSENT or abs(weight - out.target) > params.band * out.target:
            out.target = weight

    @staticmethod
    def explain(needs: Any, state: Empty, params: Params, out: Out) -> str:
        """What was measured, and the weight that follows."""
        yearly = needs.moves / 100.0 * sqrt(float(params.per_year))
        return f"volatility target: {yearly:.1%} a year measured, weight {out.target:.3g}"
