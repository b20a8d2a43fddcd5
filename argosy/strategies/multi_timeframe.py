"""Goes with the trend when all timeframes agree: its own bars, minutes, hours and days; it never looks at a bar that is not over.

A bar of a higher timeframe is known only at its close, in the past as in the present.
"""

from __future__ import annotations

from math import isnan
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from argosy.core.strategy import ABSENT, Out
from argosy.kernels.indicators import atr, ema


class Params(msgspec.Struct, frozen=True):
    """What MultiTimeframe may be set to. Its own bars are the first of four timeframes, and no other is shorter."""

    second: Annotated[int, Meta(ge=0, le=100_000, description="minutes of the second timeframe; 0 = its own bars")] = 5
    third: Annotated[int, Meta(ge=0, le=100_000, description="minutes of the third timeframe; 0 = its own bars")] = 60
    fourth: Annotated[int, Meta(ge=0, le=100_000, description="minutes of the fourth timeframe; 0 = its own bars")] = 1440
    fast: Annotated[int, Meta(ge=1, le=1000, description="bars of the fast average, in each timeframe")] = 5
    slow: Annotated[int, Meta(ge=2, le=5000, description="bars of the slow average, in each timeframe")] = 20
    keep: Annotated[int, Meta(ge=1, le=4, description="timeframes that must still agree for it to stay")] = 3
    stop_atr: Annotated[
        float,
        Meta(ge=0.0, le=50.0, description="distance of the stop in true ranges of the third timeframe; 0 = none"),
    ] = 2.0
    weight: Annotated[float, Meta(gt=0.0, le=1.0, description="fraction of each allotment to hold")] = 1.0
    short: Annotated[bool, Meta(description="also sell short when all of them fall")] = False


class State(msgspec.Struct):
    """side: 1 long, -1 short, 0 out; agree: timeframes that went its way at the last bar; armed: 0 after a stop until they part."""

    side: float = 0.0
    agree: float = 0.0
    armed: float = 1.0


def _needs(p: Params) -> dict[str, Any]:
    minutes = {"second": p.second, "third": p.third, "fourth": p.fourth}
    frames = {name: f"{each}m" if each else "" for name, each in minutes.items()}
    needs: dict[str, Any] = {"fast_first": ema(p.fast), "slow_first": ema(p.slow), "range": atr(14, every=frames["third"])}
    for name, every in frames.items():
        needs[f"fast_{name}"] = ema(p.fast, every=every)
        needs[f"slow_{name}"] = ema(p.slow, every=every)
    return needs


class MultiTimeframe:
    """In when the fast average is on the same side of the slow one in all four timeframes, out when fewer than `keep` agree.

    After its stop it waits until they have parted once, so that a fall is not bought twice.
    """

    name = "multi_timeframe"
    params = Params
    state = State
    needs = staticmethod(_needs)

    @staticmethod
    def step(row: Any, needs: Any, state: State, params: Params, out: Out) -> None:
        """Count the timeframes that rise and those that fall."""
        if isnan(needs.slow_first) or isnan(needs.slow_second) or isnan(needs.slow_third) or isnan(needs.slow_fourth):
            return
        if isnan(needs.fast_first) or isnan(needs.fast_second) or isnan(needs.fast_third) or isnan(needs.fast_fourth):
            return
        if isnan(needs.range):
            return
        rising = 0.0
        falling = 0.0
        if needs.fast_first > needs.slow_first:
            rising += 1.0
        elif needs.fast_first < needs.slow_first:
            falling += 1.0
        if needs.fast_second > needs.slow_second:
            rising += 1.0
        elif needs.fast_second < needs.slow_second:
            falling += 1.0
        if needs.fast_third > needs.slow_third:
            rising += 1.0
        elif needs.fast_third < needs.slow_third:
            falling += 1.0
        if needs.fast_fourth > needs.slow_fourth:
            rising += 1.0
        elif needs.fast_fourth < needs.slow_fourth:
            falling += 1.0
        side = 0.0
        if rising == 4.0:
            side = 1.0
        elif falling == 4.0:
            side = -1.0
        if state.side != 0.0:
            long = state.side > 0.0
            state.agree = rising if long else falling
            reached = False
            if out.stop != ABSENT:
                reached = row.low <= out.stop if long else row.high >= out.stop
            if reached or state.agree < params.keep:
                state.armed = 0.0 if reached and side != 0.0 else 1.0
                state.side = 0.0
                out.target = 0.0
                out.stop = ABSENT
            return
        if side == 0.0:
            state.armed = 1.0
        elif state.armed > 0.0 and (side > 0.0 or params.short):
            state.side = side
            state.agree = 4.0
            out.target = side * params.weight
            level = row.close - side * params.stop_atr * needs.range
            if params.stop_atr > 0.0 and level > 0.0:
                out.stop = level

    @staticmethod
    def explain(needs: Any, state: State, params: Params, out: Out) -> str:
        """How many timeframes agree, and where the stop stands."""
        if state.side != 0.0:
            text = f"multi timeframe: all four {'rise' if state.side > 0.0 else 'fall'}"
            return text if out.stop == ABSENT else f"{text}, stop {out.stop:.6g}"
        return "multi timeframe: the stop was reached" if state.agree >= params.keep else f"multi timeframe: only {state.agree:.0f} of four agree"
