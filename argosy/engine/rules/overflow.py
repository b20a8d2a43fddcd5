"""Refuses an order whose worth is too large to be booked in 64 bits; it never wraps round."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from argosy.core.money import INT_LIMIT
from argosy.core.orders import Order, Refused
from argosy.engine.rules.rule import Room, View
from argosy.kernels import ledger

_overflow = ledger.overflow.py


class OverflowLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to set: the limit is `money.INT_LIMIT`, judged by the kernel that the ledger books with."""


class Overflow:
    """OVERFLOW: lots or notional (in units of the instrument's currency) at or beyond 2**62; exits too."""

    code = "OVERFLOW"
    codes = ("OVERFLOW",)
    guards_exits = True

    def __init__(self, limits: OverflowLimits) -> None:
        self.limits = limits

    def clear(self, room: Room, view: View, /) -> bool:
        """Sizes that come near it are left out beforehand."""
        return True

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        asked = view.asked
        side = asked.high if order.side > 0 else -asked.low
        lots = order.lots + side if side > 0 else order.lots
        price = asked.price
        if lots < INT_LIMIT and (price != price or not _overflow(lots, price, asked.facts.scale)):
            return None
        return Refused(
            "OVERFLOW",
            {"lots": lots, "price": price, "limit_units": INT_LIMIT},
            "the position it makes is too large to be booked",
        )
