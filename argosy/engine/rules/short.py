"""Refuses short sales where they are not possible or not wanted; it never stops the sale of what is held."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from argosy.core.orders import Order, Refused
from argosy.engine.rules.rule import Room, View


class ShortLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """allow: False keeps the account long-only; True leaves it to the instrument's `shortable`. uptick: while a short-sale restriction is
    in force (a fact named "ssr"), a short sale needs a limit above the bid.
    """

    allow: bool = True
    uptick: bool = True


class Short:
    """NOT_SHORTABLE: a sale that could end below zero, all open sales counted. UPTICK_REQUIRED: one at or below the bid under Rule 201."""

    code = "NOT_SHORTABLE"
    codes = ("NOT_SHORTABLE", "UPTICK_REQUIRED")
    guards_exits = False

    def __init__(self, limits: ShortLimits) -> None:
        self.limits = limits
        self._allow = limits.allow

    def clear(self, room: Room, view: View, /) -> bool:
        """Narrow `room` to where this rule passes every plain market order; False when it cannot say."""
        room.shorts = room.shorts and self._allow
        return not view.conditions.uptick

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        if order.side > 0:
            return None
        asked = view.asked
        if asked.low >= order.lots:
            return None
        symbol = asked.facts.row.symbol
        if not (self._allow and asked.facts.shortable):
            return Refused("NOT_SHORTABLE", {"lots": order.lots, "sellable_lots": max(asked.low, 0)}, f"{symbol} cannot be sold short")
        if self.limits.uptick and order.instrument in view.conditions.uptick:
            bid = view.quote(order.instrument)[0]
            if not order.limit > bid:
                return Refused("UPTICK_REQUIRED", {"limit": order.limit, "bid": bid}, f"{symbol} may be sold short above the bid only")
        return None
