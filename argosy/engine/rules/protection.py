"""Refuses an entry that nothing would take out of the market again; it names the stop that the house gives, and places none itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from argosy.core.orders import Order, Refused, Type
from argosy.engine.rules.rule import Room, View

_STOP, _STOP_LIMIT, _TRAILING = Type.STOP, Type.STOP_LIMIT, Type.TRAILING


class ProtectionLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """required: every entry carries a stop, or its strategy guards all that it holds; default_stop_pct: how far from its price
    the stop is that the house gives an entry without one (`engine.shelter`); 0: none is given, and the entry stays refused."""

    required: bool = False
    default_stop_pct: Annotated[float, msgspec.Meta(ge=0, lt=100)] = 2.0


class Protected:
    """PROTECTION_REQUIRED: no leg is a stop of at least the order's lots on the losing side of its price, and none is to be placed.

    Another strategy's stop, or a rung's own, guards nobody else.
    """

    code = "PROTECTION_REQUIRED"
    codes = ("PROTECTION_REQUIRED",)
    guards_exits = False

    def __init__(self, limits: ProtectionLimits) -> None:
        self.limits = limits
        self.binds = limits.required
        self._required = limits.required

    def clear(self, room: Room, view: View, /) -> bool:
        """Narrow `room` to where this rule passes every plain market order; False when it cannot say."""
        return not self._required

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        if not self._required:
            return None
        price = view.asked.price
        for leg in legs:
            if leg.side != order.side and leg.lots >= order.lots:
                kind = leg.type
                if kind is _TRAILING:
                    return None
                if (kind is _STOP or kind is _STOP_LIMIT) and (price - leg.stop) * order.side > 0:
                    return None
        if view.will_guard(order, price):
            return None
        pct = self.limits.default_stop_pct
        default = {"default_stop_pct": pct, "default_stop": price * (1 - order.side * pct / 100)} if pct else {}
        return Refused("PROTECTION_REQUIRED", default | {"price": price}, "an entry needs a stop")
