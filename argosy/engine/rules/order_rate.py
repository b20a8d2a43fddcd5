"""Refuses orders that come faster than allowed, before the venue does; it never delays one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from argosy.core.orders import Order, Refused
from argosy.core.time import MINUTE, SECOND
from argosy.engine.counters import STAMPS
from argosy.engine.requests import Requests
from argosy.engine.rules.rule import Room, View

Rate = Annotated[int, msgspec.Meta(gt=0, le=STAMPS)]


class OrderRateLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Orders in any second and in any minute, exits counted; None: no limit. Keep them below the venue's own limit.

    per_minute_each: orders of one strategy in any minute; requests_per_minute: orders, cancels and amends, of which `kept_for_cancels`
    are for cancels and exits alone; cancels_per_order: cancels and amends for each order of a strategy in a minute, from `cancels_from` on
    """

    per_second: Rate | None = None
    per_minute: Rate | None = None
    per_minute_each: Rate | None = None
    requests_per_minute: Rate | None = None
    kept_for_cancels: Annotated[int, msgspec.Meta(ge=0, le=STAMPS)] = 0
    cancels_per_order: Annotated[float, msgspec.Meta(gt=0, le=1000)] | None = None
    cancels_from: Rate = 20


class OrderRate:
    """ORDER_RATE, of the account; STRATEGY_RATE, of one strategy; REQUEST_RATE, cancels and amends counted; CANCEL_RATIO.

    Cancels themselves are never refused, for they take risk away.
    """

    code = "ORDER_RATE"
    codes = ("ORDER_RATE", "STRATEGY_RATE", "REQUEST_RATE", "CANCEL_RATIO")
    guards_exits = False

    def __init__(self, limits: OrderRateLimits) -> None:
        self.limits = limits
        self.paces = (limits.per_minute_each, limits.requests_per_minute, limits.cancels_per_order) != (None, None, None)
        self.binds = limits.per_second is not None or limits.per_minute is not None or self.paces
        self._requests = max(0, (limits.requests_per_minute or 1 << 40) - limits.kept_for_cancels)
        self._second = limits.per_second or STAMPS + 1
        self._minute = limits.per_minute or STAMPS + 1

    def clear(self, room: Room, view: View, /) -> bool:
        """Narrow `room` to where this rule passes every plain market order; False when it cannot say."""
        room.rate = min(room.rate, self._second, self._minute)
        return not self.paces

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        stamps = view.counters.stamps
        held = len(stamps)
        if held >= self._second and view.now - stamps[-self._second] < SECOND:
            return Refused(
                "ORDER_RATE", {"limit": self._second, "window_ns": SECOND}, "too many orders in a second"
            )
        if held >= self._minute and view.now - stamps[-self._minute] < MINUTE:
            return Refused(
                "ORDER_RATE", {"limit": self._minute, "window_ns": MINUTE}, "too many orders in a minute"
            )
        requests = view.counters.requests
        return self._paced(order, view.now, requests) if self.paces and requests is not None else None

    def _paced(self, order: Order, now: int, requests: Requests) -> Refused | None:
        """The limits that look at cancels or at single strategies."""
        limits = self.limits
        if limits.requests_per_minute is not None:
            asked = requests.orders(now) + requests.changes(now)
            if asked >= self._requests:
                numbers: dict[str, float] = {"requests": asked, "limit": self._requests, "window_ns": MINUTE}
                return Refused("REQUEST_RATE", numbers, "the rest of the minute is kept for cancels")
        for share in order.shares:
            sent = requests.orders(now, share.strategy)
            if limits.per_minute_each is not None and sent >= limits.per_minute_each:
                numbers = {"orders": sent, "limit": limits.per_minute_each, "window_ns": MINUTE}
                return Refused("STRATEGY_RATE", numbers, f"{share.strategy} sends too many orders")
            if limits.cancels_per_order is not None:
                changes = requests.changes(now, share.strategy)
                if changes >= limits.cancels_from and changes > limits.cancels_per_order * sent:
                    numbers = {"changes": changes, "orders": sent, "limit": limits.cancels_per_order}
                    return Refused("CANCEL_RATIO", numbers, f"{share.strategy} takes back too much of what it sends")
        return None
