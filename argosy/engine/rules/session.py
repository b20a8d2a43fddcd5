"""Refuses what cannot wait for the opening while the market is closed; it never knows the hours, only whether it is open."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from argosy.core.orders import Order, Refused, Tif
from argosy.engine.rules.rule import Room, View

_IOC, _FOK = Tif.IOC, Tif.FOK


class SessionLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """queue: the venue keeps DAY, GTC, GTD, OPG and CLS orders for the next session; False: it takes nothing while closed."""

    queue: bool = True


class InSession:
    """SESSION_CLOSED; exits too, for the venue would refuse them."""

    code = "SESSION_CLOSED"
    codes = ("SESSION_CLOSED",)
    guards_exits = True

    def __init__(self, limits: SessionLimits) -> None:
        self.limits = limits
        self._queue = limits.queue

    def clear(self, room: Room, view: View, /) -> bool:
        """Narrow `room` to where this rule passes every plain market order; False when it cannot say."""
        return self._queue or all(view.session_open(row.id) for row in view.instruments)

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        tif = order.tif
        if self._queue and tif is not _IOC and tif is not _FOK:
            return None
        if view.session_open(order.instrument):
            return None
        return Refused("SESSION_CLOSED", {"tif": int(tif)}, "the market is closed and this order cannot wait")
