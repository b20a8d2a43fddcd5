"""What the simulated venue takes, and the code with which it refuses the rest; it never trims an order."""

from __future__ import annotations

from math import isfinite

from argosy.core.effects import Amend
from argosy.core.orders import Order, Tif, Type
from argosy.core.time import HOUR
from argosy.venues.sim.book import Lane, Resting

DAILY = 6 * HOUR
"""A bar at least this long is a whole session: it has that session's opening and closing auction."""

_MARKET, _LIMIT, _STOP, _STOP_LIMIT = Type.MARKET, Type.LIMIT, Type.STOP, Type.STOP_LIMIT
_IOC, _FOK, _OPG, _CLS, _GTD = Tif.IOC, Tif.FOK, Tif.OPG, Tif.CLS, Tif.GTD


def refusal(lane: Lane, order: Order, arrival: int) -> str:
    """The code for which an order is refused, "" when the venue takes it.

    DELISTED HALTED NOT_TRADABLE  the instrument cannot be traded (now)
    LOTS_INVALID                  not positive, below min_lots (except reduce-only), above max_lots
    SIDE_INVALID PRICE_INVALID    a side that is none; a price that the type needs is missing or not positive
    TIF_UNSUPPORTED               an auction that the tape does not have, or not with this type
    EXPIRE_PAST                   GTD that ends before it arrives
    POST_ONLY_INVALID             post-only is for limit orders that may rest
    """
    if lane.delisted:
        return "DELISTED"
    if lane.halted:
        return "HALTED"
    row = lane.row
    if not row.tradable:
        return "NOT_TRADABLE"
    if order.side != 1 and order.side != -1:
        return "SIDE_INVALID"
    lots = order.lots
    if lots <= 0 or (lots < row.min_lots and not order.reduce_only) or lots > row.max_lots > 0:
        return "LOTS_INVALID"
    kind = order.type
    if kind is not _MARKET and not _priced(order):
        return "PRICE_INVALID"
    tif = order.tif
    if (tif is _OPG or tif is _CLS) and not _auctions(lane, kind):
        return "TIF_UNSUPPORTED"
    if tif is _GTD and order.expire <= arrival:
        return "EXPIRE_PAST"
    if order.post_only and (kind is not _LIMIT or tif in (_IOC, _FOK, _OPG, _CLS)):
        return "POST_ONLY_INVALID"
    return ""


def positive(price: float) -> bool:
    """Whether a number can be a price here."""
    return price > 0.0 and isfinite(price)


def _priced(order: Order) -> bool:
    kind = order.type
    if kind is _LIMIT:
        return positive(order.limit)
    if kind is _STOP:
        return positive(order.stop)
    if kind is _STOP_LIMIT:
        return positive(order.limit) and positive(order.stop)
    return positive(order.trail) and not (order.trail_frac and order.trail >= 1.0)


def _auctions(lane: Lane, kind: Type) -> bool:
    """Whether the tape has auctions for this type: bars, in sessions or a whole session long."""
    if kind is not _MARKET and kind is not _LIMIT:
        return False
    if lane.quotes or lane.trades or lane.levels is not None:
        return False
    return lane.calendar != "24/7" or not lane.span or lane.span >= DAILY


def amend_refusal(resting: Resting, effect: Amend, lane: Lane) -> str:
    """The code for which an amend is refused, "" when it is taken; prices only where the order has one."""
    if (
        effect.lots < 0
        or (effect.lots and effect.lots <= resting.filled)
        or effect.lots > lane.row.max_lots > 0
    ):
        return "LOTS_INVALID"
    for new, old in ((effect.limit, resting.limit), (effect.stop, resting.stop)):
        if new == new and not (positive(new) and old == old):
            return "PRICE_INVALID"
    return ""


def beside(lane: Lane, order: Order, legs: tuple[Order, ...]) -> str:
    """The code for which an order is refused beside what is open, where the facts say that sides are kept apart.

    WASH_TRADE  an order of the other side is open that it could trade with: two limits that cross, or one of them is no limit.
                Orders with legs, legs, and pairs of which one cancels the other are exempt
    QTY_HELD    it is for more than the position of the other side, less what other orders keep of it
    """
    side, held = order.side, lane.lots
    if held * side < 0:
        kept: dict[int, int] = {}
        for one in lane.working:
            if one.side == side and not (order.group and one.group == order.group):
                key = one.group or -one.order.id
                kept[key] = max(kept.get(key, 0), one.lots - one.filled)
        if order.lots > abs(held) - sum(kept.values()):
            return "QTY_HELD"
    if legs or order.group or order.parent:
        return ""
    for one in lane.working:
        if one.side == side or one.legs or one.group or one.order.parent:
            continue
        if order.type is not _LIMIT or one.type is not _LIMIT or (order.limit - one.limit) * side >= 0.0:
            return "WASH_TRADE"
    return ""
