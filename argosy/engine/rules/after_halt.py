"""Refuses entries at market in the first moments after a halt, when nobody knows the price; a limit says its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from argosy.core.orders import Order, Refused, Type
from argosy.core.time import MS
from argosy.engine.rules.rule import Room, View

_LIMIT, _STOP_LIMIT = Type.LIMIT, Type.STOP_LIMIT


class AfterHaltLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """market_wait_ms: how long after trading resumed entries need a limit, None: not at all."""

    market_wait_ms: Annotated[int, msgspec.Meta(gt=0, le=3_600_000)] | None = None


class AfterHalt:
    """HALT_RESUMED."""

    code = "HALT_RESUMED"
    codes = ("HALT_RESUMED",)
    guards_exits = False

    def __init__(self, limits: AfterHaltLimits) -> None:
        self.limits = limits
        self.binds = limits.market_wait_ms is not None
        self._wait_ns = (limits.market_wait_ms or 0) * MS

    def clear(self, room: Room, view: View, /) -> bool:
        """Narrow `room` to where this rule passes every plain market order; False when it cannot say."""
        return all(view.now - at >= self._wait_ns for at in view.conditions.resumed.values())

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        resumed = view.conditions.resumed
        if not resumed or order.type is _LIMIT or order.type is _STOP_LIMIT:
            return None
        at = resumed.get(order.instrument)
        if at is None or view.now - at >= self._wait_ns:
            return None
        return Refused("HALT_RESUMED", {"age_ns": view.now - at, "wait_ns": self._wait_ns}, "trading has only just resumed: give a limit")
