"""Lets only risk-reducing orders pass where that was promised or a safety level asks for it; it never stops an exit."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from argosy.core.orders import Order, Refused
from argosy.engine.rules.rule import HALT, Room, View


class ReduceOnlyLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to set: the order and the safety level decide."""


class ReduceOnly:
    """REDUCE_ONLY (a reduce-only order or leg that could enlarge; level REDUCE), HALTED_DESK (level 2 and above)."""

    code = "REDUCE_ONLY"
    codes = ("REDUCE_ONLY", "HALTED_DESK")
    guards_exits = False

    def __init__(self, limits: ReduceOnlyLimits) -> None:
        self.limits = limits

    def clear(self, room: Room, view: View, /) -> bool:
        """Narrow `room` to where this rule passes every plain market order; False when it cannot say."""
        return view.level == 0

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        level = view.level
        if level >= HALT:
            return Refused("HALTED_DESK", {"level": level}, "the desk is halted: only exits pass")
        if order.reduce_only or level > 0:
            asked = view.asked
            return Refused(
                "REDUCE_ONLY",
                {
                    "level": level,
                    "lots": order.side * order.lots,
                    "lowest_lots": asked.low,
                    "highest_lots": asked.high,
                },
                "it could enlarge the position",
            )
        for leg in legs:
            if (
                not leg.reduce_only
                or leg.side == order.side
                or leg.lots > order.lots
                or leg.instrument != order.instrument
            ):
                return Refused(
                    "REDUCE_ONLY",
                    {"level": level, "lots": order.side * order.lots, "leg_lots": leg.side * leg.lots},
                    "a leg must be a reduce-only order against its entry, no larger than it",
                )
        return None
