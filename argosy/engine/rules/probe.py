"""Keeps orders tiny after a halt until the books have proved clean; it never limits an exit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from argosy.core.orders import Order, Refused, Trimmed
from argosy.engine.rules.room import fit, ppm
from argosy.engine.rules.rule import PROBE, Room, View


class ProbeLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At level PROBE an order is one lot, or at most `max_pct` of equity; trim: send that much of a larger one."""

    max_pct: Annotated[float, msgspec.Meta(ge=0.0001, le=100)] = 0.5
    trim: bool = True


class Probe:
    """PROBE_SIZE."""

    code = "PROBE_SIZE"
    codes = ("PROBE_SIZE",)
    guards_exits = False

    def __init__(self, limits: ProbeLimits) -> None:
        self.limits = limits
        self._ppm = ppm(limits.max_pct)

    def clear(self, room: Room, view: View, /) -> bool:
        """It binds at level PROBE only."""
        return True

    def check(
        self, order: Order, legs: Sequence[Order], exit: bool, view: View, /
    ) -> Refused | Trimmed | None:
        if view.level != PROBE or order.lots <= 1:
            return None
        value = view.asked.value
        limit = max(view.equity, 0) * self._ppm // 1_000_000
        if value is not None and value <= limit:
            return None
        numbers: dict[str, float] = {
            "lots": order.lots,
            "limit_units": limit,
            "limit_pct": self.limits.max_pct,
        }
        if value is not None:
            numbers["notional_units"] = value
            if self.limits.trim:
                fits = fit(view, order.instrument, view.asked.price, limit, order.lots)
                return Trimmed("PROBE_SIZE", order.lots, max(1, fits), numbers)
        return Refused("PROBE_SIZE", numbers, "too large while the desk proves itself")
