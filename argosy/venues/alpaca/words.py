"""An order in Alpaca's words, and Alpaca's words as states of an order; nothing is rounded on the way."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from argosy.core.effects import Amend
from argosy.core.ids import client_order_id
from argosy.core.instrument import Instrument
from argosy.core.orders import Order, Tif, Type, Work
from argosy.venues.alpaca.facts import is_exit_pair

TYPES = {Type.MARKET: "market", Type.LIMIT: "limit", Type.STOP: "stop", Type.STOP_LIMIT: "stop_limit", Type.TRAILING: "trailing_stop"}
TIFS = {Tif.DAY: "day", Tif.GTC: "gtc", Tif.IOC: "ioc", Tif.FOK: "fok", Tif.OPG: "opg", Tif.CLS: "cls"}

WORKS: dict[str, Work] = {
    "new": Work.WORKING,
    "partially_filled": Work.WORKING,
    "partial_fill": Work.WORKING,
    "accepted": Work.ACKED,
    "pending_new": Work.ACKED,
    "accepted_for_bidding": Work.ACKED,
    "held": Work.ACKED,
    "stopped": Work.WORKING,
    "suspended": Work.WORKING,
    "calculated": Work.WORKING,
    "done_for_day": Work.WORKING,
    "restated": Work.WORKING,
    "order_replace_rejected": Work.WORKING,
    "order_cancel_rejected": Work.WORKING,
    "pending_cancel": Work.PENDING_CANCEL,
    "pending_replace": Work.PENDING_REPLACE,
    "canceled": Work.CANCELED,
    "expired": Work.EXPIRED,
    "rejected": Work.REJECTED,
    "fill": Work.FILLED,
    "filled": Work.FILLED,
    "replaced": Work.REPLACED,
}
"""Events of the stream and statuses of REST; one that is not here is kept and moves no order."""


def exact(value: Decimal) -> str:
    """A number as plain text: 1E+1 is "10", 1.500 is "1.5"."""
    return f"{value.normalize():f}"


def price(value: float) -> str:
    """A price's shortest text, without an exponent."""
    text = repr(value)
    if "e" in text or "n" in text:
        return exact(Decimal(text))
    return text.removesuffix(".0")


@lru_cache(4096)
def name(desk: str, order: int, amends: int = 0) -> str:
    """The id that Alpaca sees: of the decision, and of its n-th amendment, which Alpaca takes for another order."""
    own = client_order_id(desk, order)
    return f"{own}.{amends}" if amends else own


def request(row: Instrument, order: Order, legs: tuple[Order, ...], desk: str, *, extended: bool = False) -> bytes:
    """The body of a new order with its legs. One that may only reduce says so in Alpaca's words, and is refused there where it would open."""
    if not legs and order.type is not Type.TRAILING and not extended:
        return _plain(row, order, desk)
    body: dict[str, Any] = {
        "symbol": row.symbol,
        "qty": exact(row.units(order.lots)),
        "side": "buy" if order.side > 0 else "sell",
        "type": TYPES[order.type],
        "time_in_force": TIFS[order.tif],
        "client_order_id": name(desk, order.id),
    }
    if order.reduce_only and not legs:
        body["position_intent"] = "buy_to_close" if order.side > 0 else "sell_to_close"
    if order.limit == order.limit:
        body["limit_price"] = price(order.limit)
    if order.stop == order.stop and order.type is not Type.TRAILING:
        body["stop_price"] = price(order.stop)
    if order.type is Type.TRAILING:
        key = "trail_percent" if order.trail_frac else "trail_price"
        body[key] = exact(Decimal(repr(order.trail)) * 100) if order.trail_frac else price(order.trail)
    if extended:
        body["extended_hours"] = True
    if legs and is_exit_pair(order, legs):
        body["order_class"] = "oco"
        body["take_profit"] = {"limit_price": body.pop("limit_price")}
        body["stop_loss"] = _stop(legs[0])
    elif legs:
        body["order_class"] = "bracket" if len(legs) == 2 else "oto"
        for leg in legs:
            if leg.type is Type.LIMIT:
                body["take_profit"] = {"limit_price": price(leg.limit)}
            else:
                body["stop_loss"] = _stop(leg)
    return msgspec.json.encode(body)


def _plain(row: Instrument, order: Order, desk: str) -> bytes:
    """The same for an order alone: what its kind of order begins with and ends with was put in words before."""
    side, kind, tif = order.side > 0, order.type, order.tif
    before, after, closes = _kind(row.symbol, side, int(kind), int(tif))
    lots = order.lots
    qty = str(lots) if row.lot == 1 else exact(row.units(lots))
    text = f"{before}{qty}{after}{name(desk, order.id)}{closes if order.reduce_only else _CLOSED}"
    if order.limit == order.limit:
        text += f',"limit_price":"{price(order.limit)}"'
    if order.stop == order.stop:
        text += f',"stop_price":"{price(order.stop)}"'
    return f"{text}}}".encode()


_CLOSED = '"'


@lru_cache(16_384)
def _kind(symbol: str, buys: bool, kind: int, tif: int) -> tuple[str, str, str]:
    """Of a kind of order: the words up to the quantity, from there to its id, and after that of one that may only reduce."""
    side = "buy" if buys else "sell"
    begins = msgspec.json.encode({"symbol": symbol})[:-1].decode()
    then = f'","side":"{side}","type":"{TYPES[Type(kind)]}","time_in_force":"{TIFS[Tif(tif)]}","client_order_id":"'
    return f'{begins},"qty":"', then, f'","position_intent":"{side}_to_close"'


def _stop(leg: Order) -> dict[str, str]:
    stop = {"stop_price": price(leg.stop)}
    if leg.limit == leg.limit:
        stop["limit_price"] = price(leg.limit)
    return stop


def change(row: Instrument, effect: Amend, desk: str, amends: int, filled: Decimal) -> bytes:
    """The body of an amendment. effect.lots: the new total of the order; amends: the how many-th it is, from 1.

    filled: what the orders that this one takes the place of have filled; the new order is for the rest.
    """
    body = {"client_order_id": name(desk, effect.order, amends)}
    if effect.lots:
        body["qty"] = exact(row.units(effect.lots) - filled)
    if effect.limit == effect.limit:
        body["limit_price"] = price(effect.limit)
    if effect.stop == effect.stop:
        body["stop_price"] = price(effect.stop)
    return msgspec.json.encode(body)
