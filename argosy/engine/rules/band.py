"""Refuses prices at which no trade may happen today: beyond the limits that the exchange has set; it never moves a price."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from argosy.core.orders import Order, Refused
from argosy.engine.rules.rule import Room, View


class BandLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """respect: False leaves limit up, limit down to the venue."""

    respect: bool = True


class InBand:
    """LULD_BAND: a buy's limit above the upper band or a sale's below the lower one; an entry at market while the price is outside.

    Price sanity, so exits too; only an exit at market passes, for it has no price that could be wrong.
    """

    code = "LULD_BAND"
    codes = ("LULD_BAND",)
    guards_exits = True

    def __init__(self, limits: BandLimits) -> None:
        self.limits = limits
        self.binds = limits.respect

    def clear(self, room: Room, view: View, /) -> bool:
        """Narrow `room` to where this rule passes every plain market order; False when it cannot say."""
        return not view.conditions.bands

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        bands = view.conditions.bands
        if not bands or order.instrument not in bands:
            return None
        low, high = bands[order.instrument]
        price = order.limit
        if price != price:
            if exit:
                return None
            price = view.asked.reference
            outside = price < low or price > high
        else:
            outside = price > high if order.side > 0 else price < low
        if not outside:
            return None
        return Refused("LULD_BAND", {"price": price, "low": low, "high": high}, "no trade may happen there")
