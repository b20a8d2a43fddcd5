"""Keeps orders tiny in the first minutes after a desk was armed, while its owner watches; it never limits an exit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from argosy.core.money import to_units
from argosy.core.orders import Order, Refused, Trimmed
from argosy.core.time import SECOND
from argosy.engine.rules.room import fit
from argosy.engine.rules.rule import Room, View


class FirstMinutesLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """minutes: how long after arming; max_units: of the thing (shares) in one order; max_notional: of one order, whole units of
    `currency`, the base; None: no limit. trim: send what is allowed.
    """

    minutes: Annotated[float, msgspec.Meta(gt=0, le=1440)] | None = None
    max_units: Annotated[float, msgspec.Meta(gt=0)] | None = 1.0
    max_notional: Annotated[float, msgspec.Meta(gt=0, le=1e11)] | None = None
    currency: str = "USD"
    trim: bool = True


class FirstMinutes:
    """FIRST_MINUTES: never where nobody armed the desk, as in a lab."""

    code = "FIRST_MINUTES"
    codes = ("FIRST_MINUTES",)
    guards_exits = False

    def __init__(self, limits: FirstMinutesLimits) -> None:
        self.limits = limits
        self.binds = limits.minutes is not None
        self._for_ns = int((limits.minutes or 0.0) * 60 * SECOND)
        self._units = to_units(limits.max_notional, limits.currency) if limits.max_notional is not None else None

    def clear(self, room: Room, view: View, /) -> bool:
        """Narrow `room` to where this rule passes every plain market order; False when it cannot say."""
        armed = view.conditions.armed
        return armed < 0 or view.now - armed >= self._for_ns

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | Trimmed | None:
        armed = view.conditions.armed
        if armed < 0 or view.now - armed >= self._for_ns:
            return None
        fits = order.lots
        numbers: dict[str, float] = {"lots": order.lots, "age_ns": view.now - armed, "for_ns": self._for_ns}
        if self.limits.max_units is not None:
            numbers["limit_lots"] = float(fits_of(self.limits.max_units, view.asked.facts.lot))
            fits = min(fits, fits_of(self.limits.max_units, view.asked.facts.lot))
        if self._units is not None:
            numbers["limit_units"] = self._units
            if view.asked.value is None:
                return Refused("FIRST_MINUTES", numbers, "the order cannot be valued")
            fits = min(fits, fit(view, order.instrument, view.asked.price, self._units, order.lots))
        if fits >= order.lots:
            return None
        if self.limits.trim and fits > 0:
            return Trimmed("FIRST_MINUTES", order.lots, fits, numbers)
        return Refused("FIRST_MINUTES", numbers, "too large for the first minutes after arming")


def fits_of(units: float, lot: float) -> int:
    """Whole lots in so many units of the thing."""
    return int(units / lot * (1.0 + 1e-12))
