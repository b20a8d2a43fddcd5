"""Refuses prices off the tick and sizes off the lot, as the venue would; it never rounds an order into shape."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from argosy.core.orders import Order, Refused, Type
from argosy.engine.rules.rule import PRICE_LIMIT, Facts, Room, View

TOLERANCE = 1e-9
"""A price within this fraction of itself from a multiple of the tick is on it (floats cannot say 0.1)."""

_MARKET, _LIMIT, _STOP = Type.MARKET, Type.LIMIT, Type.STOP
_STOP_LIMIT, _TRAILING = Type.STOP_LIMIT, Type.TRAILING


class GridLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to set: tick, lot, smallest and largest order are facts of the instrument."""


class Grid:
    """PRICE_TICK, QTY_STEP (no whole positive lots, or shares that do not sum to them), QTY_MIN, QTY_MAX; legs as well."""

    code = "PRICE_TICK"
    codes = ("PRICE_TICK", "QTY_STEP", "QTY_MIN", "QTY_MAX")
    guards_exits = True

    def __init__(self, limits: GridLimits) -> None:
        self.limits = limits

    def clear(self, room: Room, view: View, /) -> bool:
        """Whole lots between the smallest and the largest order of the instrument; a market order has no price to be off."""
        return True

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        facts = view.asked.facts
        for part in (order, *legs) if legs else (order,):
            lots = part.lots
            if type(lots) is not int or not facts.min_lots <= lots <= facts.max_lots:
                return _size(part, facts)
            shares = part.shares
            if shares:
                given = shares[0].lots if len(shares) == 1 else sum([share.lots for share in shares])
                if given != lots:
                    numbers: dict[str, float] = {"lots": lots, "share_lots": given}
                    return Refused("QTY_STEP", numbers, "the shares do not sum to the order")
            kind = part.type
            price = part.limit
            if price == price:
                if off(price, facts):
                    return _tick("limit", price, facts)
            elif kind is _MARKET:
                continue
            elif kind is _LIMIT or kind is _STOP_LIMIT:
                return _tick("limit", price, facts)
            price = part.stop
            if price == price:
                if off(price, facts):
                    return _tick("stop", price, facts)
            elif kind is _STOP or kind is _STOP_LIMIT:
                return _tick("stop", price, facts)
            if kind is _TRAILING and not 0.0 < part.trail < (1.0 if part.trail_frac else PRICE_LIMIT):
                return Refused(
                    "PRICE_TICK", {"trail": part.trail}, "a trailing distance is positive, a fraction below 1"
                )
        return None


def off(price: float, facts: Facts) -> bool:
    """Whether a price is not positive or lies off the tick of its size."""
    if not 0.0 < price < PRICE_LIMIT:
        return True
    tick = facts.tick if price >= 1.0 else facts.tick_small
    steps = (price / tick + 0.5) // 1.0
    return not (steps >= 1.0 and -TOLERANCE * price <= steps * tick - price <= TOLERANCE * price)


def _tick(name: str, price: float, facts: Facts) -> Refused:
    tick = facts.tick_small if price < 1.0 else facts.tick
    return Refused("PRICE_TICK", {name: price, "tick": tick}, f"the {name} price is missing or off the tick")


def _size(order: Order, facts: Facts) -> Refused:
    lots = order.lots
    if type(lots) is not int or lots <= 0:
        return Refused("QTY_STEP", {"lots": lots}, "an order counts positive whole lots")
    if lots < facts.min_lots:
        return Refused("QTY_MIN", {"lots": lots, "min_lots": facts.min_lots}, "below the smallest order")
    return Refused("QTY_MAX", {"lots": lots, "max_lots": facts.max_lots}, "above the largest order")
