"""Refuses the same order twice within a moment, the mark of a loop gone wrong; it never looks at fills."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from argosy.core.orders import Order, Refused
from argosy.core.time import MS
from argosy.engine.counters import like_of, likeness
from argosy.engine.rules.rule import Room, View


class DuplicateLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """window_ms: how long an equal order counts as a duplicate, at most a minute; None: never."""

    window_ms: Annotated[int, msgspec.Meta(gt=0, le=60_000)] | None = None


class Duplicate:
    """DUPLICATE: same strategies, instrument, side, lots, type and prices as an entry less than the window ago."""

    code = "DUPLICATE"
    codes = ("DUPLICATE",)
    guards_exits = False

    def __init__(self, limits: DuplicateLimits) -> None:
        self.limits = limits
        self.binds = limits.window_ms is not None
        self._window_ns = (limits.window_ms or 0) * MS

    def clear(self, room: Room, view: View, /) -> bool:
        """Narrow `room` to where this rule passes every plain market order; False when it cannot say."""
        room.apart_ns = max(room.apart_ns, self._window_ns)
        return True

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        counters = view.counters
        since = view.now - self._window_ns
        if counters.last.get(order.instrument, since) <= since:
            return None
        like = likeness(order)
        for stamp, entry in reversed(counters.recent):
            if stamp <= since:
                break
            if like_of(entry) == like:
                return Refused(
                    "DUPLICATE",
                    {"age_ns": view.now - stamp, "window_ns": self._window_ns, "lots": order.lots},
                    "the same order was sent a moment ago",
                )
        return None
