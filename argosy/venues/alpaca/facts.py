"""What Alpaca trades and how: ticks, lots, what may be shorted, and the code for which an order cannot be said to it at all."""

from __future__ import annotations

from decimal import Decimal

from argosy.core.instrument import Instrument
from argosy.core.orders import Order, Tif, Type
from argosy.core.time import SECOND
from argosy.venues.alpaca.codec import WireAsset

FRACTION = Decimal("1E-9")
WHOLE = Decimal(1)
AWAY_NS = 10 * SECOND
"""Alpaca refuses an order beside an opposite market or stop order as a wash trade: how long a protection may be away for one."""
_TIFS = frozenset({Tif.DAY, Tif.GTC, Tif.IOC, Tif.FOK, Tif.OPG, Tif.CLS})
_AUCTIONS = frozenset({Tif.OPG, Tif.CLS})
_RESTING = frozenset({Tif.DAY, Tif.GTC})


def instrument(asset: WireAsset) -> Instrument:
    """The instrument that an asset is. Whole shares, or billionths of one where fractions may be traded."""
    crypto = asset.asset_class == "crypto"
    lot = FRACTION if asset.fractionable or crypto else WHOLE
    least = asset.min_order_size if crypto and asset.min_order_size else lot
    step = asset.price_increment
    tick = step if crypto and step is not None and step > 0 else Decimal("0.01")
    return Instrument(
        symbol=asset.symbol, venue="alpaca", kind="crypto" if crypto else "equity", lot=lot, tick=tick,
        tick_small=tick if crypto else Decimal("0.0001"), min_lots=max(1, int(least / lot)), calendar="24/7" if crypto else "XNYS",
        tradable=bool(asset.tradable) and asset.status == "active", marginable=bool(asset.marginable), shortable=bool(asset.shortable),
        away_ns=AWAY_NS,
    )  # fmt: skip


def refusal(row: Instrument, order: Order, legs: tuple[Order, ...] = ()) -> str:
    """The code for which an order cannot be put into Alpaca's words, "" where it can; what it may *not* do, Alpaca says itself.

    TIF_UNSUPPORTED        GTD; an auction for other than market and limit; a fraction for more than a day
    TYPE_UNSUPPORTED       a trailing stop as a leg
    PRICE_TICK             a price off the tick grid
    POST_ONLY_UNSUPPORTED  Alpaca has no such order
    LEGS_UNSUPPORTED       legs that are not one take-profit and one stop, at most, of the entry's lots, or of a fraction
    """
    fraction = row.units(order.lots) % 1 != 0
    if order.tif not in _TIFS or (order.tif in _AUCTIONS and order.type not in (Type.MARKET, Type.LIMIT)):
        return "TIF_UNSUPPORTED"
    if fraction and row.kind == "equity" and order.tif is not Tif.DAY:
        return "TIF_UNSUPPORTED"
    if order.post_only:
        return "POST_ONLY_UNSUPPORTED"
    for one in (order, *legs):
        for price in (one.limit, one.stop):
            if price == price and not on_tick(row, price):
                return "PRICE_TICK"
    return _legs(order, legs, fraction) if legs else ""


def _legs(order: Order, legs: tuple[Order, ...], fraction: bool) -> str:
    takes = [leg for leg in legs if leg.type is Type.LIMIT]
    stops = [leg for leg in legs if leg.type in (Type.STOP, Type.STOP_LIMIT)]
    if any(leg.type is Type.TRAILING for leg in legs):
        return "TYPE_UNSUPPORTED"
    if len(takes) > 1 or len(stops) > 1 or len(takes) + len(stops) != len(legs) or fraction:
        return "LEGS_UNSUPPORTED"
    if any(leg.lots != order.lots or leg.instrument != order.instrument for leg in legs):
        return "LEGS_UNSUPPORTED"
    if not is_exit_pair(order, legs) and any(leg.side == order.side for leg in legs):
        return "LEGS_UNSUPPORTED"
    return "" if order.tif in _RESTING else "TIF_UNSUPPORTED"


def is_exit_pair(order: Order, legs: tuple[Order, ...]) -> bool:
    """Whether it is a target whose one leg is the stop on the same side: a one-cancels-other that leaves a position."""
    return order.type is Type.LIMIT and len(legs) == 1 and legs[0].side == order.side and legs[0].type in (Type.STOP, Type.STOP_LIMIT)


def on_tick(row: Instrument, price: float) -> bool:
    """Whether a price is on the grid, exactly as its shortest text says."""
    if not 0.0 < price < 1e12:
        return False
    exact = Decimal(repr(price))
    return exact % (row.tick if exact >= 1 else row.tick_small) == 0
