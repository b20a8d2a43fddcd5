"""Refuses new risk in a currency whose rate to the base is missing or old; it never converts anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from argosy.core.orders import Order, Refused
from argosy.core.time import MS
from argosy.engine.rules.rule import Room, View


class FxLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """max_age_ms: oldest rate to trade on; None: any known rate."""

    max_age_ms: Annotated[int, msgspec.Meta(gt=0, le=86_400_000 * 31)] | None = None


class FxFresh:
    """FX_STALE."""

    code = "FX_STALE"
    codes = ("FX_STALE",)
    guards_exits = False

    def __init__(self, limits: FxLimits) -> None:
        self.limits = limits
        self._age_ns = (limits.max_age_ms or 0) * MS

    def clear(self, room: Room, view: View, /) -> bool:
        """In the base currency there is no rate to be old."""
        return True

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        asked = view.asked
        currency = asked.facts.currency
        if currency == view.base:
            return None
        if asked.value is None:
            return Refused(
                "FX_STALE", {"limit_ns": self._age_ns}, f"{currency} has no usable rate to {view.base}"
            )
        if self._age_ns and (age := view.fx_age_ns(currency)) > self._age_ns:
            return Refused(
                "FX_STALE", {"age_ns": age, "limit_ns": self._age_ns}, f"the rate of {currency} is old"
            )
        return None
