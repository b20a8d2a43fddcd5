"""Refuses an order that would trade with one of our own; it never cancels the other one."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from argosy.core.orders import Order, Refused, Type
from argosy.engine.rules.rule import Room, View

_MARKET, _LIMIT = Type.MARKET, Type.LIMIT


class SelfCrossLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """prevent: False leaves it to the venue."""

    prevent: bool = True


class SelfCross:
    """SELF_CROSS: our own opposite limit lies at or inside this order's limit, or at market inside the far side of the quote.

    Without a quote a market order is compared with the reference. Stops wait, and are not judged before they trigger; where a venue
    refuses orders beside them, the planner keeps them apart before it asks here (`engine.saga`).
    """

    code = "SELF_CROSS"
    codes = ("SELF_CROSS",)
    guards_exits = False

    def __init__(self, limits: SelfCrossLimits) -> None:
        self.limits = limits
        self.binds = limits.prevent
        self._prevent = limits.prevent

    def clear(self, room: Room, view: View, /) -> bool:
        """Nothing of our own rests."""
        return True

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        side = order.side
        own = view.opposite(order.instrument, side)
        if own != own or not self._prevent:
            return None
        if order.type is not _MARKET and order.type is not _LIMIT:
            return None
        reach = order.limit
        if reach != reach:
            bid, ask = view.quote(order.instrument)
            reach = ask if side > 0 else bid
            if reach != reach:
                reach = view.asked.reference
        if (reach - own) * side < 0:
            return None
        return Refused(
            "SELF_CROSS", {"own_limit": own, "reach": reach}, "it would trade with an order of our own"
        )
