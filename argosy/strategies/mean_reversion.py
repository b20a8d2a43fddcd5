"""Trades against unusual prices: buys far below the mean, sells when it is near again; it never adds to a loser."""

from __future__ import annotations

from math import isnan
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from argosy.core.strategy import ABSENT, Out
from argosy.kernels.indicators import stddev, zscore

RETURNED, STOPPED, TIMED = 0.0, 1.0, 2.0


class Params(msgspec.Struct, frozen=True):
    """What MeanReversion may be set to. A deviation is the population standard deviation of the closes in the window."""

    window: Annotated[int, Meta(ge=2, le=2000, description="bars of the mean and its deviation")] = 20
    entry: Annotated[
        float, Meta(gt=0.0, le=10.0, description="deviations from the mean at which to enter")
    ] = 2.0
    exit: Annotated[
        float,
        Meta(ge=0.0, le=10.0, description="deviations from the mean within which to leave; below entry"),
    ] = 0.5
    stop: Annotated[
        float,
        Meta(ge=0.0, le=50.0, description="distance of the stop from the entry in deviations; 0 = no stop"),
    ] = 3.0
    max_bars: Annotated[
        int, Meta(ge=0, le=100_000, description="bars after which to leave; 0 = no limit")
    ] = 40
    weight: Annotated[float, Meta(gt=0.0, le=1.0, description="fraction of each allotment to hold")] = 1.0
    short: Annotated[bool, Meta(description="also sell short far above the mean")] = False


class State(msgspec.Struct):
    """side: 1 long, -1 short, 0 out; bars: held so far; left: why the last trade ended (RETURNED, STOPPED, TIMED)."""

    side: float = 0.0
    bars: float = 0.0
    left: float = RETURNED


class MeanReversion:
    """Enters at `entry` deviations; leaves within `exit` of the mean, at the stop, or after `max_bars`.

    After a stop or a time-out it waits until the price has been within `entry` again, so that a fall is not bought twice.
    """

    name = "mean_reversion"
    params = Params
    state = State
    needs = staticmethod(lambda p: {"z": zscore(p.window), "deviation": stddev(p.window)})

    @staticmethod
    def step(row: Any, needs: Any, state: State, params: Params, out: Out) -> None:
        """One bar: leave if it is time, else enter if the price is unusual; never both at one bar."""
        z = needs.z
        if isnan(z) or isnan(needs.deviation):
            return
        if state.side != 0.0:
            side = state.side
            state.bars += 1.0
            reached = False
            if out.stop != ABSENT:
                reached = row.low <= out.stop if side > 0.0 else row.high >= out.stop
            if reached or side * z >= -params.exit or (params.max_bars > 0 and state.bars >= params.max_bars):
                state.left = RETURNED
                if reached:
                    state.left = STOPPED
                elif side * z < -params.exit:
                    state.left = TIMED
                state.side = 0.0
                out.target = 0.0
                out.stop = ABSENT
            return
        side = 0.0
        if z <= -params.entry:
            side = 1.0
        elif z >= params.entry:
            side = -1.0
        if side == 0.0:
            state.left = RETURNED
        elif state.left == RETURNED and (side > 0.0 or params.short):
            state.side = side
            state.bars = 0.0
            out.target = side * params.weight
            if params.stop > 0.0:
                level = row.close - side * params.stop * needs.deviation
                if level > 0.0:
                    out.stop = level

    @staticmethod
    def explain(needs: Any, state: State, params: Params, out: Out) -> str:
        """How far from the mean the price is, and what follows."""
        text = f"mean reversion: {needs.z:.2f} deviations from the mean"
        if state.side != 0.0:
            return text if out.stop == ABSENT else f"{text}, stop {out.stop:.6g}"
        if state.left == STOPPED:
            return f"{text}, the stop was reached"
        return f"{text} after {state.bars:.0f} bars" if state.left == TIMED else f"{text}, back near it"
