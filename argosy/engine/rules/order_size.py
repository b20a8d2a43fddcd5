"""Refuses the fat finger: one order larger than the owner allows; it never looks at the position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from argosy.core.money import to_units
from argosy.core.orders import Order, Refused, Trimmed
from argosy.engine.rules.room import fit
from argosy.engine.rules.rule import HALT, Room, View


class OrderSizeLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """max_lots: of one order; max_notional: whole units of `currency`, the base; None: no limit. trim: send what is allowed."""

    max_lots: Annotated[int, msgspec.Meta(gt=0)] | None = None
    max_notional: Annotated[float, msgspec.Meta(gt=0, le=1e11)] | None = None
    currency: str = "USD"
    trim: bool = False


class OrderSize:
    """MAX_ORDER_QTY, MAX_ORDER_NOTIONAL; size sanity, so exits too; while the desk is flattened an exit goes in parts of that size."""

    code = "MAX_ORDER_NOTIONAL"
    codes = ("MAX_ORDER_QTY", "MAX_ORDER_NOTIONAL")
    guards_exits = True

    def __init__(self, limits: OrderSizeLimits) -> None:
        self.limits = limits
        self.binds = limits.max_lots is not None or limits.max_notional is not None
        self._lots = limits.max_lots if limits.max_lots is not None else 1 << 80
        self._units = (
            to_units(limits.max_notional, limits.currency) if limits.max_notional is not None else 1 << 80
        )

    def clear(self, room: Room, view: View, /) -> bool:
        """Narrow `room` to where this rule passes every plain market order; False when it cannot say."""
        room.lots = min(room.lots, self._lots)
        room.value = min(room.value, self._units)
        return True

    def check(
        self, order: Order, legs: Sequence[Order], exit: bool, view: View, /
    ) -> Refused | Trimmed | None:
        lots = order.lots
        value = view.asked.value
        if lots <= self._lots and (value is None or value <= self._units):
            if value is None and not exit and self.limits.max_notional is not None:
                return Refused(
                    "MAX_ORDER_NOTIONAL", {"limit_units": self._units}, "the order cannot be valued"
                )
            return None
        numbers: dict[str, float]
        if lots > self._lots:
            code, fits = "MAX_ORDER_QTY", self._lots
            numbers = {"lots": lots, "limit_lots": self._lots}
        else:
            code, fits = (
                "MAX_ORDER_NOTIONAL",
                fit(view, order.instrument, view.asked.price, self._units, lots),
            )
            numbers = {"notional_units": value or 0, "limit_units": self._units}
        if fits > 0 and (self.limits.trim or (exit and view.level > HALT)):
            return Trimmed(code, lots, fits, numbers)
        return Refused(code, numbers, "one order is larger than allowed")
