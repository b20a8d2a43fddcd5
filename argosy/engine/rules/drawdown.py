"""Refuses new risk while equity is too far below its peak; it never forgets the peak at a restart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from argosy.core.orders import Order, Refused
from argosy.engine.rules.room import ppm
from argosy.engine.rules.rule import Room, View


class DrawdownLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """max_pct: of the peak equity; None: no limit."""

    max_pct: Annotated[float, msgspec.Meta(ge=0.0001, le=100)] | None = None


class Drawdown:
    """DRAWDOWN: equity is below its peak by more than the limit."""

    code = "DRAWDOWN"
    codes = ("DRAWDOWN",)
    guards_exits = False

    def __init__(self, limits: DrawdownLimits) -> None:
        self.limits = limits
        self.binds = limits.max_pct is not None
        self._ppm = ppm(limits.max_pct) if limits.max_pct is not None else 1 << 40

    def clear(self, room: Room, view: View, /) -> bool:
        """Narrow `room` to where this rule passes every plain market order; False when it cannot say."""
        room.fall_frac = min(room.fall_frac, self._ppm * 1e-6 * (1 - 1e-9))
        return True

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        peak = view.peak
        fall = peak - view.equity
        if fall <= 0 or fall * 1_000_000 <= peak * self._ppm:
            return None
        return Refused(
            "DRAWDOWN",
            {
                "drawdown_units": fall,
                "peak_units": peak,
                "limit_units": max(peak, 0) * self._ppm // 1_000_000,
                "limit_pct": self._ppm / 10_000,
            },
            "the drawdown breaker is open",
        )
