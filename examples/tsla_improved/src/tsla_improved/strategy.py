"""Rides the strong rises of one volatile stock and leaves early; it never shorts, averages down or trades in a storm."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from argosy.core.strategy import ABSENT, Out, Watch
from argosy.kernels.indicators import atr, ema, roc


class Params(msgspec.Struct, frozen=True):
    """What TSLA Improved may be set to. A range is the average true range of `range` bars, in price."""

    fast: Annotated[int, Meta(ge=2, le=500, description="bars of the fast exponential average")] = 12
    slow: Annotated[int, Meta(ge=3, le=2000, description="bars of the slow exponential average")] = 48
    momentum: Annotated[int, Meta(ge=1, le=500, description="bars over which momentum is measured")] = 20
    momentum_pct: Annotated[
        float, Meta(ge=0.0, le=100.0, description="least rise over those bars to enter")
    ] = 3.0
    range: Annotated[int, Meta(ge=2, le=500, description="bars of the average true range")] = 14
    calm: Annotated[
        float, Meta(gt=0.0, le=1.0, description="greatest range to enter, as a fraction of the price")
    ] = 0.07
    stop: Annotated[
        float, Meta(gt=0.0, le=20.0, description="distance of the stop below the entry, in ranges")
    ] = 2.5
    take: Annotated[
        float, Meta(gt=0.0, le=100.0, description="distance of the take-profit above, in ranges")
    ] = 8.0
    trail: Annotated[
        float, Meta(gt=0.0, le=20.0, description="fall from the peak that ends the trade, in ranges")
    ] = 3.5
    rest: Annotated[int, Meta(ge=0, le=1000, description="bars to stay out after a trade")] = 3
    risk: Annotated[float, Meta(gt=0.0, le=0.5, description="fraction of the allotment lost at the stop")] = (
        0.05
    )
    weight: Annotated[
        float, Meta(gt=0.0, le=1.0, description="greatest fraction of the allotment to hold")
    ] = 0.95


class State(msgspec.Struct):
    """peak: highest high since the entry, a price, 0 while out; rest: bars still to stay out."""

    peak: float = 0.0
    rest: float = 0.0


class TslaImproved:
    """Enters when trend and momentum agree and the range is calm; leaves at whatever comes first:

    - the stop or the take-profit, which rest at the venue from the entry on,
    - a close more than `trail` ranges below the peak since the entry,
    - a close at which the fast average is no longer above the slow one.

    The position is sized so that the stop costs `risk` of the allotment, up to `weight`.
    """

    name = "tsla_improved"
    params = Params
    state = State
    scaled = ("peak",)
    watches = (Watch("*", "bar"),)
    needs = staticmethod(
        lambda p: {
            "fast": ema(p.fast),
            "slow": ema(p.slow),
            "momentum": roc(p.momentum),
            "range": atr(p.range),
        }
    )

    @staticmethod
    def step(row: Any, needs: Any, state: State, params: Params, out: Out) -> None:
        """One bar: floats and attributes only, so that the same function can be compiled."""
        fast = needs.fast
        slow = needs.slow
        size = needs.range
        if not (fast > 0.0 and slow > 0.0 and size >= 0.0 and needs.momentum > -101.0):
            return  # an indicator is still nan
        if state.peak > 0.0:
            state.peak = max(state.peak, row.high)
            if (
                row.low <= out.stop
                or row.high >= out.take
                or row.close < state.peak - params.trail * size
                or fast <= slow
            ):
                state.peak = 0.0
                state.rest = params.rest
                out.target = 0.0
                out.stop = ABSENT
                out.take = ABSENT
            return
        if state.rest > 0.0:
            state.rest -= 1.0
            return
        distance = params.stop * size
        if (
            fast > slow
            and needs.momentum >= params.momentum_pct
            and size <= params.calm * row.close
            and 0.0 < distance < row.close
        ):
            state.peak = row.close
            out.target = min(params.weight, params.risk * row.close / distance)
            out.stop = row.close - distance
            out.take = row.close + params.take * size

    @staticmethod
    def explain(needs: Any, state: State, params: Params, out: Out) -> str:
        """The numbers behind the decision."""
        text = f"fast {needs.fast:.6g}, slow {needs.slow:.6g}, momentum {needs.momentum:+.1f}%, range {needs.range:.4g}"
        if state.peak > 0.0:
            return f"enter: {text}, stop {out.stop:.6g}, take {out.take:.6g}"
        return f"leave: {text}"
