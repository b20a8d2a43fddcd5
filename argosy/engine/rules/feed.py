"""Refuses new risk while we may not have seen everything: a connection is being compared, or a feed lost something; exits pass."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from argosy.core.orders import Order, Refused
from argosy.engine.rules.rule import Room, View


class FeedLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """links: refuse while a connection to a venue is not up; gaps: refuse after a gap until a fresh price of the instrument."""

    links: bool = True
    gaps: bool = True


class SeenAll:
    """STREAM_RECONCILING, FEED_GAP."""

    code = "STREAM_RECONCILING"
    codes = ("STREAM_RECONCILING", "FEED_GAP")
    guards_exits = False

    def __init__(self, limits: FeedLimits) -> None:
        self.limits = limits
        self.binds = limits.links or limits.gaps

    def clear(self, room: Room, view: View, /) -> bool:
        """Narrow `room` to where this rule passes every plain market order; False when it cannot say."""
        return view.conditions.quiet

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        conditions = view.conditions
        if conditions.quiet:
            return None
        if conditions.links and self.limits.links:
            text = ", ".join(f"{name} is {state}" for name, state in sorted(conditions.links.items()))
            return Refused("STREAM_RECONCILING", {"connections": len(conditions.links)}, text)
        if self.limits.gaps and conditions.gaps:
            lost, marked = conditions.lost_since(order.instrument), view.marked(order.instrument)
            if marked <= lost:
                return Refused("FEED_GAP", {"lost_ns": lost, "marked_ns": marked}, "no price came since the feed lost something")
        return None
