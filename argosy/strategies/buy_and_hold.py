"""Buys once and keeps: what every other strategy has to beat; it never sells and never looks at a price."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from argosy.core.strategy import Empty, Out


class Params(msgspec.Struct, frozen=True):
    """What BuyAndHold may be set to."""

    weight: Annotated[float, Meta(gt=0.0, le=1.0, description="fraction of each allotment to hold")] = 1.0


class BuyAndHold:
    """Holds `weight` of the allotment of each instrument from its first bar on."""

    name = "buy_and_hold"
    params = Params

    @staticmethod
    def step(row: Any, needs: Any, state: Empty, params: Params, out: Out) -> None:
        """Want the same at every bar; the first is the one that buys."""
        out.target = params.weight

    @staticmethod
    def explain(needs: Any, state: Empty, params: Params, out: Out) -> str:
        """Why it bought."""
        return f"buy and hold: {params.weight:.0%} of the allotment"
