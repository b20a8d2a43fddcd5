"""Refuses what the account cannot pay, its own open orders already reserved; it never counts on money from sales to come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from argosy.core.orders import Order, Refused, Trimmed
from argosy.engine.rules.room import fit, nearly, ppm
from argosy.engine.rules.rule import Room, View


class BuyingPowerLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """use_pct: part of the buying power that may be spent, None: no limit; trim: send the part that can be paid."""

    use_pct: Annotated[float, msgspec.Meta(ge=0.0001, le=100)] | None = None
    trim: bool = False


class BuyingPower:
    """BUYING_POWER: what the order opens (beyond closing the other side), long or short, costs more than may be spent."""

    code = "BUYING_POWER"
    codes = ("BUYING_POWER",)
    guards_exits = False

    def __init__(self, limits: BuyingPowerLimits) -> None:
        self.limits = limits
        self.binds = limits.use_pct is not None
        self._nearly = nearly(limits.use_pct or 0.0)
        self._ppm = ppm(limits.use_pct) if limits.use_pct is not None else 1 << 80

    def clear(self, room: Room, view: View, /) -> bool:
        """Narrow `room` to where this rule passes every plain market order; False when it cannot say."""
        room.power_frac = min(room.power_frac, self._nearly)
        return True

    def check(
        self, order: Order, legs: Sequence[Order], exit: bool, view: View, /
    ) -> Refused | Trimmed | None:
        asked = view.asked
        needed = asked.value
        power = view.buying_power
        if needed is not None and needed <= power * self._nearly:
            return None
        closing = 0
        if needed is not None:
            before = asked.high if order.side > 0 else -asked.low
            if before < 0:
                closing = min(-before, order.lots)
                needed = view.value(order.instrument, order.lots - closing, asked.price)
        limit = power * self._ppm // 1_000_000
        if needed is not None and (needed <= limit or needed == 0):
            return None
        numbers: dict[str, float] = {
            "limit_units": limit,
            "buying_power_units": power,
            "use_pct": self._ppm / 10_000,
        }
        if needed is None:
            return Refused("BUYING_POWER", numbers, "the order cannot be valued")
        numbers["needed_units"] = needed
        if self.limits.trim:
            fits = closing + fit(view, order.instrument, asked.price, limit, order.lots - closing)
            if fits > 0:
                return Trimmed("BUYING_POWER", order.lots, fits, numbers)
        return Refused("BUYING_POWER", numbers, "not enough buying power")
