"""Goes with the trend: long while the fast average is above the slow one, short (if wished) while below.

It never guesses a turn and never adds to a position.
"""

from __future__ import annotations

from math import isnan
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from argosy.core.strategy import ABSENT, Out
from argosy.kernels.indicators import atr, sma


class Params(msgspec.Struct, frozen=True):
    """What Trend may be set to."""

    fast: Annotated[int, Meta(ge=1, le=1000, description="bars of the fast average")] = 10
    slow: Annotated[int, Meta(ge=2, le=5000, description="bars of the slow average")] = 30
    range: Annotated[int, Meta(ge=1, le=1000, description="bars of the average true range")] = 14
    stop_atr: Annotated[
        float, Meta(ge=0.0, le=50.0, description="distance of the stop in average true ranges; 0 = no stop")
    ] = 0.0
    weight: Annotated[float, Meta(gt=0.0, le=1.0, description="fraction of each allotment to hold")] = 1.0
    short: Annotated[bool, Meta(description="sell short while the fast average is below the slow one")] = (
        False
    )


class State(msgspec.Struct):
    """side: the trend that was last acted on: 1 up, -1 down (shorts only), 0 none."""

    side: float = 0.0


class Trend:
    """Two averages with an optional stop, fixed at entry. After a stop it stays out until the trend has turned."""

    name = "trend"
    params = Params
    state = State
    needs = staticmethod(lambda p: {"fast": sma(p.fast), "slow": sma(p.slow), "range": atr(p.range)})

    @staticmethod
    def step(row: Any, needs: Any, state: State, params: Params, out: Out) -> None:
        """Act when the trend turns, and when a bar reaches the stop (the venue has then closed the position)."""
        fast = needs.fast
        slow = needs.slow
        size = needs.range
        if isnan(fast) or isnan(slow) or isnan(size):
            return
        side = 0.0
        if fast > slow:
            side = 1.0
        elif fast < slow and params.short:
            side = -1.0
        if side != state.side:
            state.side = side
            out.target = side * params.weight
            out.stop = ABSENT
            if side != 0.0 and params.stop_atr > 0.0:
                level = row.close - side * params.stop_atr * size
                if level > 0.0:
                    out.stop = level
        elif out.stop != ABSENT and (
            (side > 0.0 and row.low <= out.stop) or (side < 0.0 and row.high >= out.stop)
        ):
            out.target = 0.0
            out.stop = ABSENT

    @staticmethod
    def explain(needs: Any, state: State, params: Params, out: Out) -> str:
        """The two averages, and what they made of the position."""
        sign = ">" if needs.fast > needs.slow else "<" if needs.fast < needs.slow else "="
        text = f"trend: fast {needs.fast:.6g} {sign} slow {needs.slow:.6g}"
        if out.target == 0.0 and state.side != 0.0:
            return f"{text}, but the stop was reached"
        return text if out.stop == ABSENT else f"{text}, stop {out.stop:.6g}"
