"""Keeps what is held of one sector within bounds, all open and unknown orders counted as filled; the owner says what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from argosy.core.orders import Order, Refused
from argosy.engine.rules.room import ppm
from argosy.engine.rules.rule import Room, View


class SectorLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """max_pct: of equity, longs and shorts of one sector added; None: no limit. of: symbol -> sector; what is not in it has none."""

    max_pct: Annotated[float, msgspec.Meta(ge=0.0001, le=10_000)] | None = None
    of: dict[str, str] | None = None


class Sector:
    """MAX_SECTOR. An order that does not raise what is held at worst is fine."""

    code = "MAX_SECTOR"
    codes = ("MAX_SECTOR",)
    guards_exits = False

    def __init__(self, limits: SectorLimits) -> None:
        self.limits = limits
        self._of = limits.of or {}
        self.binds = limits.max_pct is not None and bool(self._of)
        self._ppm = ppm(limits.max_pct) if limits.max_pct is not None else 1 << 40

    def clear(self, room: Room, view: View, /) -> bool:
        """Narrow `room` to where this rule passes every plain market order; False when it cannot say."""
        return False

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        asked = view.asked
        sector = self._of.get(asked.facts.row.symbol)
        if sector is None:
            return None
        before = max(-asked.low, asked.high)
        after = asked.high + order.lots if order.side > 0 else order.lots - asked.low
        if after <= before:
            return None
        price = asked.reference if asked.reference > asked.price else asked.price
        worst = view.value(order.instrument, after, price) if price == price else None
        limit = view.equity * self._ppm // 1_000_000
        numbers: dict[str, float] = {"limit_units": limit, "limit_pct": self._ppm / 10_000}
        for row in view.instruments:
            if worst is None:
                return Refused("MAX_SECTOR", numbers, f"what is held of {sector} cannot be valued")
            if row.id == order.instrument or self._of.get(row.symbol) != sector:
                continue
            low, high = view.worst(row.id)
            lots = max(-low, high)
            if lots:
                one = view.value(row.id, lots, view.mark(row.id)) if view.mark(row.id) == view.mark(row.id) else None
                worst = worst + one if one is not None else None
        if worst is not None and worst <= limit:
            return None
        return Refused("MAX_SECTOR", numbers | {"sector_units": worst or 0}, f"too much of {sector}")
