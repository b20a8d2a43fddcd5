"""Refuses orders that come faster than allowed, before the venue does; it never delays one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from argosy.core.orders import Order, Refused
from argosy.core.time import MINUTE, SECOND
from argosy.engine.counters import STAMPS
from argosy.engine.rules.rule import Room, View

Rate = Annotated[int, msgspec.Meta(gt=0, le=STAMPS)]


class OrderRateLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Orders in any second and in any minute, exits counted; None: no limit. Keep both below the venue's own limit."""

    per_second: Rate | None = None
    per_minute: Rate | None = None


class OrderRate:
    """ORDER_RATE."""

    code = "ORDER_RATE"
    codes = ("ORDER_RATE",)
    guards_exits = False

    def __init__(self, limits: OrderRateLimits) -> None:
        self.limits = limits
        self.binds = limits.per_second is not None or limits.per_minute is not None
        self._second = limits.per_second or STAMPS + 1
        self._minute = limits.per_minute or STAMPS + 1

    def clear(self, room: Room, view: View, /) -> bool:
        """Narrow `room` to where this rule passes every plain market order; False when it cannot say."""
        room.rate = min(room.rate, self._second, self._minute)
        return True

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        stamps = view.counters.stamps
        held = len(stamps)
        if held >= self._second and view.now - stamps[-self._second] < SECOND:
            return Refused(
                "ORDER_RATE", {"limit": self._second, "window_ns": SECOND}, "too many orders in a second"
            )
        if held >= self._minute and view.now - stamps[-self._minute] < MINUTE:
            return Refused(
                "ORDER_RATE", {"limit": self._minute, "window_ns": MINUTE}, "too many orders in a minute"
            )
        return None
