"""Keeps a strategy within what it was given: its own money, and the loss it may make; it never looks at another's book."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from argosy.core.orders import Order, Refused
from argosy.engine.rules.room import nearly, ppm
from argosy.engine.rules.rule import Room, View


class BudgetLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """use_pct: part of a strategy's own buying power that it may spend; None: it may use what others leave. Its greatest loss is
    its own (`max_loss_frac` of a strategy) and always holds."""

    use_pct: Annotated[float, msgspec.Meta(ge=0.0001, le=100)] | None = None


class Budget:
    """BUDGET, BUDGET_LOSS: each share of an order against the virtual book it is for."""

    code = "BUDGET"
    codes = ("BUDGET", "BUDGET_LOSS")
    guards_exits = False

    def __init__(self, limits: BudgetLimits) -> None:
        self.limits = limits
        self._nearly = nearly(limits.use_pct or 0.0)
        self._ppm = ppm(limits.use_pct) if limits.use_pct is not None else 0

    def clear(self, room: Room, view: View, /) -> bool:
        """Narrow `room` to where this rule passes every plain market order; False when it cannot say."""
        if self._ppm:
            room.own_power_frac = min(room.own_power_frac, self._nearly)
        room.own_loss = True
        return True

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        for share in order.shares:
            if not share.strategy:
                continue
            own = view.own(share.strategy)
            if own.max_loss and own.budget - own.equity >= own.max_loss:
                return Refused(
                    "BUDGET_LOSS",
                    {"loss_units": own.budget - own.equity, "limit_units": own.max_loss, "budget_units": own.budget},
                    f"{share.strategy} has lost what it may lose",
                )
            if self._ppm:
                needed = view.value(order.instrument, share.lots, view.asked.price)
                limit = own.power * self._ppm // 1_000_000
                if needed is None or needed > limit:
                    return Refused(
                        "BUDGET",
                        {"needed_units": needed or 0, "limit_units": limit, "power_units": own.power, "use_pct": self._ppm / 10_000},
                        f"{share.strategy} has not that much of its own",
                    )
        return None
