"""Refuses new risk on old or crossed prices; it never guesses a price."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from argosy.core.orders import Order, Refused
from argosy.core.time import MS
from argosy.engine.rules.rule import Room, View


class StaleLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """max_age_ms: oldest mark to decide on, None: any; crossed: refuse while the bid is above the ask; locked: while it equals it."""

    max_age_ms: Annotated[int, msgspec.Meta(gt=0, le=86_400_000 * 31)] | None = None
    crossed: bool = False
    locked: bool = False


class FreshData:
    """STALE_DATA, QUOTE_CROSSED, QUOTE_LOCKED."""

    code = "STALE_DATA"
    codes = ("STALE_DATA", "QUOTE_CROSSED", "QUOTE_LOCKED")
    guards_exits = False

    def __init__(self, limits: StaleLimits) -> None:
        self.limits = limits
        self.binds = limits.max_age_ms is not None or limits.crossed or limits.locked
        self._age_ns = limits.max_age_ms * MS if limits.max_age_ms is not None else 1 << 80
        self._crossed, self._locked = limits.crossed, limits.locked

    def clear(self, room: Room, view: View, /) -> bool:
        """A bar just marked is not old, and bars have no quote that could be crossed."""
        room.age_ns = min(room.age_ns, self._age_ns)
        room.uncrossed = room.uncrossed or self._crossed or self._locked
        return True

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        i = order.instrument
        age = view.now - view.marked(i)
        if age > self._age_ns:
            return Refused(
                "STALE_DATA", {"age_ns": age, "limit_ns": self._age_ns}, "the last price is too old"
            )
        if self._crossed or self._locked:
            bid, ask = view.quote(i)
            if bid > ask and self._crossed:
                return Refused("QUOTE_CROSSED", {"bid": bid, "ask": ask}, "the quote is crossed")
            if bid == ask and self._locked:
                return Refused("QUOTE_LOCKED", {"bid": bid, "ask": ask}, "the quote is locked")
        return None
