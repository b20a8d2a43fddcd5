"""Refuses prices far through the market and orders that no price can judge; it never moves a price."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from argosy.core.orders import Order, Refused
from argosy.core.time import MS
from argosy.engine.rules.rule import Room, View


class CollarLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """max_pct: how far a limit may lie through the reference (the stop of a stop-limit), None: anywhere.

    both_sides: also refuse passive limits that far away; market_age_ms: oldest mark for an entry at market, None: any
    """

    max_pct: Annotated[float, msgspec.Meta(gt=0, le=1000)] | None = None
    both_sides: bool = False
    market_age_ms: Annotated[int, msgspec.Meta(gt=0, le=86_400_000 * 31)] | None = None


class Collar:
    """PRICE_COLLAR, NO_REFERENCE (an entry that cannot be valued, a limit without a reference, a market entry on an old one).

    Price sanity, so exits too; only an exit at market needs no reference, for it has no price that could be wrong.
    """

    code = "PRICE_COLLAR"
    codes = ("PRICE_COLLAR", "NO_REFERENCE")
    guards_exits = True

    def __init__(self, limits: CollarLimits) -> None:
        self.limits = limits
        self._frac = limits.max_pct / 100 if limits.max_pct is not None else 0.0
        self._age_ns = limits.market_age_ms * MS if limits.market_age_ms is not None else 0

    def clear(self, room: Room, view: View, /) -> bool:
        """A market order at a price marked lately is always within it; a limit within its distance."""
        if self._age_ns:
            room.age_ns = min(room.age_ns, self._age_ns)
        if self._frac:
            room.through = min(room.through, self._frac)
            if self.limits.both_sides:
                room.away = min(room.away, self._frac)
        return True

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        asked = view.asked
        limit = order.limit
        if limit != limit:
            if exit:
                return None
            if asked.price != asked.price:
                return Refused("NO_REFERENCE", {}, "no price is known to judge this order")
            if self._age_ns and (age := view.now - view.marked(order.instrument)) > self._age_ns:
                return Refused(
                    "NO_REFERENCE",
                    {"age_ns": age, "limit_ns": self._age_ns},
                    "the price for a market order is too old",
                )
            return None
        frac = self._frac
        if not frac:
            return None
        anchor = order.stop
        if anchor != anchor:
            anchor = asked.reference
            if anchor != anchor:
                return Refused("NO_REFERENCE", {"limit": limit}, "no price is known to judge this limit")
        room = frac * anchor
        through = (limit - anchor) * order.side
        if through <= room * _SLACK and (not self.limits.both_sides or through >= -room * _SLACK):
            return None
        return Refused(
            "PRICE_COLLAR",
            {
                "limit": limit,
                "reference": anchor,
                "away_pct": 100 * (limit / anchor - 1),
                "limit_pct": 100 * frac,
            },
            "the limit lies too far from the market",
        )


_SLACK = 1 + 1e-9
"""A limit exactly on the collar is inside it, whatever the floats say in the last place."""
