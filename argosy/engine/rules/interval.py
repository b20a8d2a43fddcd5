"""Keeps entries of one symbol apart in time: the trade interval of a robot; what comes too soon waits, and it never holds an exit back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from argosy.core.orders import Order, Refused
from argosy.core.time import SECOND
from argosy.engine.rules.rule import Room, View

Seconds = Annotated[float, msgspec.Meta(gt=0, le=604_800)]


class IntervalLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """every_s: seconds from one entry of a symbol to the next, at least; None: any. of: strategy -> its own, in the place of that."""

    every_s: Seconds | None = None
    of: dict[str, Seconds] | None = None


class Interval:
    """TRADE_INTERVAL: the symbol was entered less than the interval ago. Entries of one moment are one decision.

    Rungs of a ladder rest side by side and are no new decisions; they are not looked at. Of an order of several
    strategies those wait whose own interval is not over (`numbers` names each one's), and the others go without them.
    """

    code = "TRADE_INTERVAL"
    codes = ("TRADE_INTERVAL",)
    guards_exits = False

    def __init__(self, limits: IntervalLimits) -> None:
        self.limits = limits
        self._every = round((limits.every_s or 0.0) * SECOND)
        self._of = {name: round(seconds * SECOND) for name, seconds in (limits.of or {}).items()}
        self._longest = max(self._every, *self._of.values()) if self._of else self._every
        self.binds = self._longest > 0

    def clear(self, room: Room, view: View, /) -> bool:
        """Narrow `room` to where this rule passes every plain market order; False when it cannot say."""
        room.apart_ns = max(room.apart_ns, self._longest)
        return True

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        last = view.counters.last.get(order.instrument)
        if last is None or order.tag:
            return None
        every = max((self._of.get(share.strategy, self._every) for share in order.shares), default=self._every) if self._of else self._every
        age = view.now - last
        if age == 0 or age >= every:
            return None
        numbers: dict[str, float] = {"age_ns": age, "interval_ns": every}
        if len(order.shares) > 1:
            numbers |= {f"{share.strategy}_ns": self._of.get(share.strategy, self._every) for share in order.shares}
        return Refused("TRADE_INTERVAL", numbers, "the symbol was entered a short while ago; it waits")
