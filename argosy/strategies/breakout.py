"""Buys what leaves its range upward and goes when it falls out of a shorter one; it never moves its stop and never adds.

The rules of the Turtles (Dennis and Eckhardt 1983; Faith, "Way of the Turtle", 2007), without their pyramids.
"""

from __future__ import annotations

from math import isnan
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from argosy.core.strategy import ABSENT, Out
from argosy.kernels.indicators import atr, highest, lowest

BROKE, FELL, STOPPED = 0.0, 1.0, 2.0


class Params(msgspec.Struct, frozen=True):
    """What Breakout may be set to."""

    entry: Annotated[int, Meta(ge=2, le=2000, description="bars of the range that is broken out of")] = 20
    exit: Annotated[int, Meta(ge=2, le=2000, description="bars of the range that ends it, the other way")] = 10
    range: Annotated[int, Meta(ge=1, le=1000, description="bars of the average true range")] = 20
    stop_atr: Annotated[
        float, Meta(ge=0.0, le=50.0, description="distance of the stop in average true ranges; 0 = no stop")
    ] = 2.0
    weight: Annotated[float, Meta(gt=0.0, le=1.0, description="fraction of each allotment to hold")] = 1.0
    short: Annotated[bool, Meta(description="also sell short what leaves its range downward")] = False


class State(msgspec.Struct):
    """The ranges as they were a bar ago, nothing of them known at first. left: why the last trade ended (FELL, STOPPED)."""

    side: float = 0.0
    left: float = BROKE
    top: float = ABSENT
    bottom: float = -ABSENT
    roof: float = ABSENT
    floor: float = -ABSENT


class Breakout:
    """In at a close beyond the last `entry` bars, out at one beyond the last `exit` bars on the other side, or at the stop.

    The stop stands where it was set, a number of average true ranges from the entry's close.
    """

    name = "breakout"
    params = Params
    state = State
    scaled = ("top", "bottom", "roof", "floor")
    needs = staticmethod(
        lambda p: {
            "top": highest(p.entry), "bottom": lowest(p.entry), "roof": highest(p.exit), "floor": lowest(p.exit),
            "range": atr(p.range),
        }
    )  # fmt: skip

    @staticmethod
    def step(row: Any, needs: Any, state: State, params: Params, out: Out) -> None:
        """One bar against the ranges of the bars before it; never in and out at one bar."""
        if isnan(needs.top) or isnan(needs.floor) or isnan(needs.bottom) or isnan(needs.roof) or isnan(needs.range):
            return
        up = row.close > state.top
        down = row.close < state.bottom
        above = row.close > state.roof
        below = row.close < state.floor
        state.top = needs.top
        state.bottom = needs.bottom
        state.roof = needs.roof
        state.floor = needs.floor
        if state.side != 0.0:
            long = state.side > 0.0
            reached = False
            if out.stop != ABSENT:
                reached = row.low <= out.stop if long else row.high >= out.stop
            if reached or (below if long else above):
                state.left = STOPPED if reached else FELL
                state.side = 0.0
                out.target = 0.0
                out.stop = ABSENT
            return
        side = 0.0
        if up:
            side = 1.0
        elif down and params.short:
            side = -1.0
        if side != 0.0:
            state.side = side
            state.left = BROKE
            out.target = side * params.weight
            level = row.close - side * params.stop_atr * needs.range
            if params.stop_atr > 0.0 and level > 0.0:
                out.stop = level

    @staticmethod
    def explain(needs: Any, state: State, params: Params, out: Out) -> str:
        """Which range was left, and where the stop stands."""
        if state.side != 0.0:
            text = f"breakout: out of the {'high' if state.side > 0.0 else 'low'} of {params.entry} bars"
            return text if out.stop == ABSENT else f"{text}, stop {out.stop:.6g}"
        if state.left == STOPPED:
            return "breakout: the stop was reached"
        return f"breakout: fell back out of the last {params.exit} bars"
