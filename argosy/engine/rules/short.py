"""Refuses short sales where they are not possible or not wanted; it never stops the sale of what is held."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from argosy.core.orders import Order, Refused
from argosy.engine.rules.rule import Room, View


class ShortLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """allow: False keeps the account long-only; True leaves it to the instrument's `shortable`."""

    allow: bool = True


class Short:
    """NOT_SHORTABLE: a sale that could end below zero, all open sales counted."""

    code = "NOT_SHORTABLE"
    codes = ("NOT_SHORTABLE",)
    guards_exits = False

    def __init__(self, limits: ShortLimits) -> None:
        self.limits = limits
        self._allow = limits.allow

    def clear(self, room: Room, view: View, /) -> bool:
        """Narrow `room` to where this rule passes every plain market order; False when it cannot say."""
        room.shorts = room.shorts and self._allow
        return True

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        if order.side > 0:
            return None
        asked = view.asked
        if asked.low >= order.lots or (self._allow and asked.facts.shortable):
            return None
        return Refused(
            "NOT_SHORTABLE",
            {"lots": order.lots, "sellable_lots": max(asked.low, 0)},
            f"{asked.facts.row.symbol} cannot be sold short",
        )
