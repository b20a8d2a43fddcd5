"""What of an account's open orders could enlarge a position, what guards one, and what nothing guards; it sends nothing and guesses nothing.

It knows only what the broker tells: the desk that sent these orders may be dead. An order that could go either way counts as risk.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from argosy.venues.alpaca.codec import WireOrder, WirePosition
from argosy.venues.alpaca.leaving import CLOSING

Flatten = Literal["none", "unprotected", "all"]
"""Which positions are closed: none, those of which the broker holds no stop, all."""
PREFIX = "LEAVE-"
"""How the ids of exits begin that are sent in an emergency, so that whoever comes next knows them."""
STOPS = frozenset({"stop", "stop_limit", "trailing_stop"})
LINKED = frozenset({"bracket", "oco", "oto"})
ZERO = Decimal(0)
_LAST = Decimal("Infinity")


class Exit(msgspec.Struct, frozen=True):
    """A position to be closed, or a part of it. qty: what no stop and no exit under way covers; held: orders that hold its shares back.

    side: of the exit, "sell" or "buy"; price: the broker's last, None where it told none
    """

    symbol: str
    side: str
    qty: Decimal
    price: Decimal | None
    held: tuple[WireOrder, ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """What is to be done, by one look at the account.

    cancel: orders that can enlarge a position, the largest first; waiting: such ones that are being cancelled already
    keep: what guards; ours: exits under way; exits: what is to be closed
    """

    cancel: tuple[WireOrder, ...] = ()
    waiting: tuple[WireOrder, ...] = ()
    keep: tuple[WireOrder, ...] = ()
    ours: tuple[WireOrder, ...] = ()
    exits: tuple[Exit, ...] = ()

    @property
    def done(self) -> bool:
        """Whether nothing is left to do or to wait for."""
        return not (self.cancel or self.waiting or self.ours or self.exits)


def plan(orders: Sequence[WireOrder], positions: Iterable[WirePosition], flatten: Flatten = "unprotected", ours: Iterable[str] = ()) -> Plan:
    """Sort an account's open orders (flat, legs as orders of their own) against its positions. ours: ids of exits of this emergency."""
    known = set(ours)
    held = {position.symbol: position for position in positions if quantity(position)}
    groups: dict[str, list[WireOrder]] = {symbol: [] for symbol in held}
    for order in orders:
        groups.setdefault(order.symbol, []).append(order)
    cancel: list[WireOrder] = []
    keep: list[WireOrder] = []
    leaving: list[WireOrder] = []
    exits: list[Exit] = []
    for symbol, group in groups.items():
        lots = quantity(held[symbol]) if symbol in held else ZERO
        mine = [order for order in group if order.id in known or order.client_order_id.startswith(PREFIX)]
        guards, risky = _sorted([order for order in group if order not in mine], lots)
        awake = [order for order in risky if order.status != "held"]
        cancel += awake or risky  # what is held goes with the order that it hangs on
        keep += guards
        leaving += mine
        if lots and flatten != "none":
            found = _exit(symbol, lots, held[symbol].current_price, guards, mine, flatten)
            exits += [found] if found is not None else []
    cancel.sort(key=_worth, reverse=True)
    return Plan(
        tuple(order for order in cancel if order.status != "pending_cancel"), tuple(order for order in cancel if order.status == "pending_cancel"),
        tuple(keep), tuple(leaving), tuple(exits),
    )  # fmt: skip


def quantity(position: WirePosition) -> Decimal:
    """Shares held; negative for a short position."""
    lots = position.qty or ZERO
    return -abs(lots) if position.side == "short" else lots


def remaining(order: WireOrder) -> Decimal | None:
    """Shares that an order may still trade; None where it was given in money."""
    return None if order.qty is None else max(ZERO, order.qty - (order.filled_qty or ZERO))


def _sorted(group: Sequence[WireOrder], lots: Decimal) -> tuple[list[WireOrder], list[WireOrder]]:
    """(what guards a position of `lots`, what could enlarge or turn it)."""
    guards: list[WireOrder] = []
    plain: list[WireOrder] = []
    risky: list[WireOrder] = []
    out = "sell" if lots > 0 else "buy"
    for order in group:
        left = remaining(order)
        marked = order.odd.get("position_intent") in CLOSING or order.order_class in LINKED
        if not lots or order.side != out or left is None:
            risky.append(order)
        elif marked or (order.type in STOPS and left <= abs(lots)):
            guards.append(order)
        else:
            plain.append(order)
    room = abs(lots) - sum((remaining(order) or ZERO for order in guards if order.status != "held"), ZERO)
    for order in plain:
        left = remaining(order) or ZERO
        if left <= room:
            room -= left
            guards.append(order)
        else:
            risky.append(order)
    return guards, risky


def _exit(
    symbol: str, lots: Decimal, price: Decimal | None, guards: Sequence[WireOrder], mine: Sequence[WireOrder], flatten: Flatten
) -> Exit | None:
    """What of a position must be closed, and what stands in the way."""
    leaving = sum((remaining(order) or ZERO for order in mine), ZERO)
    stops = [order for order in guards if order.type in STOPS and order.status != "pending_cancel"]
    covered = ZERO if flatten == "all" else min(abs(lots), sum((remaining(order) or ZERO for order in stops), ZERO))
    open_ = abs(lots) - covered - leaving
    if open_ <= 0:
        return None
    reserved = sum((remaining(order) or ZERO for order in guards if order.status != "held"), ZERO)
    loose = list(guards) if flatten == "all" else [order for order in guards if order.type not in STOPS]
    held = tuple(loose) if abs(lots) - reserved - leaving < open_ else ()
    return Exit(symbol, "sell" if lots > 0 else "buy", open_, price, held)


def _worth(order: WireOrder) -> Decimal:
    """About how much an order is about; one without a price before all others."""
    price = order.limit_price or order.stop_price
    left = remaining(order)
    if left is None:
        return order.notional or _LAST
    return _LAST if price is None else left * price
