"""Pauses a strategy that closed several trades in a row at a loss until the next session; it never keeps it from getting out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from argosy.core.orders import Order, Refused
from argosy.engine.rules.rule import Room, View


class LosingStreakLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """max_losses: trades closed at a loss in a row, fees included, that pause a strategy; None: no limit."""

    max_losses: Annotated[int, msgspec.Meta(gt=0)] | None = None


class LosingStreak:
    """CONSECUTIVE_LOSSES: the strategy has closed `max_losses` trades in a row at a loss today; an order of several is refused for one."""

    code = "CONSECUTIVE_LOSSES"
    codes = ("CONSECUTIVE_LOSSES",)
    guards_exits = False

    def __init__(self, limits: LosingStreakLimits) -> None:
        self.limits = limits
        self.binds = limits.max_losses is not None
        self._most = limits.max_losses or 1 << 62

    def clear(self, room: Room, view: View, /) -> bool:
        """Narrow `room` to where this rule passes every plain market order; False when it cannot say."""
        room.streak = min(room.streak, self._most)
        return True

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        losses = view.counters.losses
        if not losses:
            return None
        for share in order.shares:
            count = losses.get(share.strategy, 0)
            if count >= self._most:
                return Refused(
                    "CONSECUTIVE_LOSSES",
                    {"losses": count, "limit": self._most},
                    f"{share.strategy} is paused until the next session",
                )
        return None
