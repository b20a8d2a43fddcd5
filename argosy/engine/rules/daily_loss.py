"""Refuses new risk once the day has lost its share of equity; it never counts a withdrawal as a loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from argosy.core.orders import Order, Refused
from argosy.engine.rules.room import ppm
from argosy.engine.rules.rule import Room, View


class DailyLossLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """max_pct: of the day's first equity; None: no limit."""

    max_pct: Annotated[float, msgspec.Meta(ge=0.0001, le=100)] | None = None


class DailyLoss:
    """DAILY_LOSS: equity is below the day's start by more than the limit."""

    code = "DAILY_LOSS"
    codes = ("DAILY_LOSS",)
    guards_exits = False

    def __init__(self, limits: DailyLossLimits) -> None:
        self.limits = limits
        self.binds = limits.max_pct is not None
        self._ppm = ppm(limits.max_pct) if limits.max_pct is not None else 1 << 40

    def clear(self, room: Room, view: View, /) -> bool:
        """Narrow `room` to where this rule passes every plain market order; False when it cannot say."""
        start = view.day_start
        room.least_equity = max(room.least_equity, start - max(start, 0) * self._ppm // 1_000_000 + 1)
        return True

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        start = view.day_start
        loss = start - view.equity
        if loss <= 0 or loss * 1_000_000 <= start * self._ppm:
            return None
        return Refused(
            "DAILY_LOSS",
            {
                "loss_units": loss,
                "day_start_units": start,
                "limit_units": max(start, 0) * self._ppm // 1_000_000,
                "limit_pct": self._ppm / 10_000,
            },
            "the day's loss limit is spent",
        )
