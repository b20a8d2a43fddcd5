"""Keeps the sum of all positions within bounds, all open and unknown orders counted as filled; it never nets what may not fill."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from argosy.core.money import to_units
from argosy.core.orders import Order, Refused
from argosy.engine.rules.room import nearly
from argosy.engine.rules.rule import Room, View

Amount = Annotated[float, msgspec.Meta(gt=0, le=1e11)]


class ExposureLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """max_gross, max_net: whole units of `currency`, the base; max_leverage: gross over equity; None: no limit."""

    max_gross: Amount | None = None
    max_net: Amount | None = None
    max_leverage: Annotated[float, msgspec.Meta(ge=0.001, le=1000)] | None = None
    currency: str = "USD"


class Exposure:
    """MAX_GROSS, MAX_NET, MAX_LEVERAGE. An order that does not raise the number it would break is fine."""

    code = "MAX_GROSS"
    codes = ("MAX_GROSS", "MAX_NET", "MAX_LEVERAGE")
    guards_exits = False

    def __init__(self, limits: ExposureLimits) -> None:
        self.limits = limits
        self.binds = (limits.max_gross, limits.max_net, limits.max_leverage) != (None, None, None)
        self._gross = to_units(limits.max_gross, limits.currency) if limits.max_gross is not None else 1 << 80
        self._net = to_units(limits.max_net, limits.currency) if limits.max_net is not None else 1 << 80
        self._nets = limits.max_net is not None
        self._nearly = nearly(100 * (limits.max_leverage or 0.0))
        self._ppm = round(limits.max_leverage * 1_000_000) if limits.max_leverage is not None else 0

    def clear(self, room: Room, view: View, /) -> bool:
        """Narrow `room` to where this rule passes every plain market order; False when it cannot say."""
        room.gross = min(room.gross, self._gross)
        if self._nets:
            room.net = min(room.net, self._net)
        if self._ppm:
            room.leverage = min(room.leverage, self._nearly)
        return True

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        asked = view.asked
        low, high = asked.low, asked.high
        lots, price, value = order.lots, asked.price, asked.value
        i = order.instrument
        if asked.reference > price:
            price = asked.reference
            value = view.value(i, lots, price)
        if value is None:
            return Refused(self._first(), {"lots": lots}, "the order cannot be valued")
        worst = max(-low, high)
        more = (high + lots if order.side > 0 else lots - low) - worst
        if more > 0:
            added = value if more == lots else view.value(i, more, price) or 0
            gross = view.gross + added
            if gross > self._gross:
                return Refused(
                    "MAX_GROSS",
                    {"gross_units": gross, "added_units": added, "limit_units": self._gross},
                    "gross exposure",
                )
            if (
                self._ppm
                and gross > (equity := view.equity) * self._nearly
                and gross * 1_000_000 > equity * self._ppm
            ):
                return Refused(
                    "MAX_LEVERAGE",
                    {
                        "gross_units": gross,
                        "added_units": added,
                        "equity_units": equity,
                        "limit": self._ppm / 1_000_000,
                    },
                    "leverage",
                )
        if self._nets:
            low, high = view.nets
            before = high if order.side > 0 else low
            net = before + value if order.side > 0 else before - value
            if net * order.side > self._net:
                return Refused(
                    "MAX_NET",
                    {"net_units": net, "before_units": before, "limit_units": self._net},
                    "net exposure",
                )
        return None

    def _first(self) -> str:
        """The code of the first limit that is set."""
        if self.limits.max_gross is not None:
            return "MAX_GROSS"
        return "MAX_NET" if self.limits.max_net is not None else "MAX_LEVERAGE"
