"""Refuses an order that is a large part of what is traded in a day: it would move the price; it never guesses a volume."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from argosy.core.orders import Order, Refused
from argosy.engine.rules.rule import Room, View


class AdvLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """max_pct: of the average daily volume, for one order; None: no limit. The volume is a fact named "adv", or stands in `volumes`
    (symbol -> units a day). required: refuse where no volume is known.
    """

    max_pct: Annotated[float, msgspec.Meta(ge=0.0001, le=100)] | None = None
    required: bool = False
    volumes: dict[str, Annotated[float, msgspec.Meta(gt=0)]] | None = None


class Adv:
    """MAX_PCT_ADV."""

    code = "MAX_PCT_ADV"
    codes = ("MAX_PCT_ADV",)
    guards_exits = False

    def __init__(self, limits: AdvLimits) -> None:
        self.limits = limits
        self.binds = limits.max_pct is not None
        self._frac = (limits.max_pct or 0.0) / 100.0 * (1.0 + 1e-12)

    def clear(self, room: Room, view: View, /) -> bool:
        """Narrow `room` to where this rule passes every plain market order; False when it cannot say."""
        return not self.limits.required and not view.conditions.volumes and not self.limits.volumes

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        facts = view.asked.facts
        volume = view.conditions.volumes.get(order.instrument)
        if volume is None and self.limits.volumes is not None:
            volume = self.limits.volumes.get(facts.row.symbol)
        units = order.lots * facts.lot
        numbers: dict[str, float] = {"units": units, "limit_pct": self.limits.max_pct or 0.0}
        if volume is None:
            return Refused("MAX_PCT_ADV", numbers, "no daily volume is known") if self.limits.required else None
        if units <= volume * self._frac:
            return None
        return Refused("MAX_PCT_ADV", numbers | {"daily_units": volume}, "too much of what is traded in a day")
