"""Refuses entries beyond the day's number of trades; it never counts exits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from argosy.core.orders import Order, Refused
from argosy.engine.rules.rule import Room, View

Count = Annotated[int, msgspec.Meta(ge=0)]


class TradesPerDayLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Entries a day of the account and of each strategy, those still unfilled counted; None: no limit."""

    max_trades: Count | None = None
    max_trades_per_strategy: Count | None = None


class TradesPerDay:
    """TRADES_PER_DAY."""

    code = "TRADES_PER_DAY"
    codes = ("TRADES_PER_DAY",)
    guards_exits = False

    def __init__(self, limits: TradesPerDayLimits) -> None:
        self.limits = limits
        self.binds = limits.max_trades is not None or limits.max_trades_per_strategy is not None
        self._all = limits.max_trades if limits.max_trades is not None else 1 << 62
        self._each = limits.max_trades_per_strategy

    def clear(self, room: Room, view: View, /) -> bool:
        """Narrow `room` to where this rule passes every plain market order; False when it cannot say."""
        room.trades = min(room.trades, self._all)
        if self._each is not None:
            room.own_trades = min(room.own_trades, self._each)
        return True

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        counters = view.counters
        if counters.trades_in_all >= self._all:
            return Refused(
                "TRADES_PER_DAY",
                {"trades": counters.trades_in_all, "limit": self._all},
                "the account has had its trades of the day",
            )
        each = self._each
        if each is not None:
            for share in order.shares:
                count = counters.trades.get(share.strategy, 0)
                if count >= each:
                    return Refused(
                        "TRADES_PER_DAY",
                        {"trades": count, "limit": each},
                        f"{share.strategy} has had its trades of the day",
                    )
        return None
