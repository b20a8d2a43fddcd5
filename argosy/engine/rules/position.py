"""Keeps one position small against the account, all open and unknown orders counted as filled; it trims before it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from argosy.core.orders import Order, Refused, Trimmed
from argosy.engine.rules.room import fit, nearly, ppm
from argosy.engine.rules.rule import Room, View


class PositionLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """max_pct: of equity, at the order's price or the reference if that is higher; max_lots: of one instrument; None: no limit.

    trim: send the part that fits
    """

    max_pct: Annotated[float, msgspec.Meta(ge=0.0001, le=10_000)] | None = None
    max_lots: Annotated[int, msgspec.Meta(gt=0)] | None = None
    trim: bool = True


class Position:
    """MAX_POSITION."""

    code = "MAX_POSITION"
    codes = ("MAX_POSITION",)
    guards_exits = False

    def __init__(self, limits: PositionLimits) -> None:
        self.limits = limits
        self.binds = limits.max_pct is not None or limits.max_lots is not None
        self._ppm = ppm(limits.max_pct) if limits.max_pct is not None else 0
        self._nearly = nearly(limits.max_pct or 0.0)
        self._lots = limits.max_lots if limits.max_lots is not None else 1 << 80

    def clear(self, room: Room, view: View, /) -> bool:
        """Narrow `room` to where this rule passes every plain market order; False when it cannot say."""
        room.position_lots = min(room.position_lots, self._lots)
        if self._ppm:
            room.position_frac = min(room.position_frac, self._nearly)
        return True

    def check(
        self, order: Order, legs: Sequence[Order], exit: bool, view: View, /
    ) -> Refused | Trimmed | None:
        asked = view.asked
        before = asked.high if order.side > 0 else -asked.low
        after = before + order.lots
        if after <= 0:
            return None
        most = self._lots
        if self._ppm:
            value = asked.value
            if (
                not before
                and value is not None
                and value <= view.equity * self._nearly
                and after <= most
                and not asked.reference > asked.price
            ):
                return None
            limit = view.equity * self._ppm // 1_000_000
            price = asked.price
            if asked.reference > price:
                price = asked.reference
                value = view.value(order.instrument, after, price)
            elif before:
                value = view.value(order.instrument, after, price) if price == price else None
            if value is not None and value <= limit and after <= most:
                return None
            numbers: dict[str, float] = {"worst_lots": before, "order_lots": order.lots, "limit_units": limit}
            numbers["limit_pct"] = self._ppm / 10_000
            if value is None:
                return Refused("MAX_POSITION", numbers, "the position cannot be valued")
            numbers["worst_units"] = value
            if value > limit:
                most = min(most, fit(view, order.instrument, price, limit, after))
        else:
            if after <= most:
                return None
            numbers = {"worst_lots": before, "order_lots": order.lots}
        if self.limits.max_lots is not None:
            numbers["limit_lots"] = self._lots
        if self.limits.trim and most > before:
            return Trimmed("MAX_POSITION", order.lots, most - before, numbers)
        return Refused("MAX_POSITION", numbers, "the position would be too large")
