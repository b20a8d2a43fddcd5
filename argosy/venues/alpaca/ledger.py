"""Which of Alpaca's orders is which of ours: by our id in it, by the chain of orders that took each other's place, by its legs."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from argosy.core.errors import Misuse
from argosy.core.ids import order_seq
from argosy.core.orders import Order, Type
from argosy.venues.alpaca.codec import WireOrder, record

ZERO = Decimal(0)


class Placed(msgspec.Struct, gc=True):
    """One decision and what is known of it at Alpaca.

    ids:      Alpaca's ids of it, oldest first; the last is the one at work
    filled:   cumulative quantity by Alpaca's id
    amends:   amendments sent so far; unwanted: it shall not be sent again
    refused:  code and words of Alpaca's definite no, None while there is none
    """

    order: Order
    legs: tuple[Order, ...] = ()
    ids: list[str] = []
    filled: dict[str, Decimal] = {}
    amends: int = 0
    unwanted: bool = False
    refused: tuple[str, str] | None = None

    @property
    def id(self) -> str:
        """Alpaca's id of the order at work, "" while it is not known."""
        return self.ids[-1] if self.ids else ""

    @property
    def total(self) -> Decimal:
        """What the chain has filled in units, as far as it is known."""
        return sum(self.filled.values(), ZERO)


class Ledger:
    """The orders of one desk at Alpaca. desk: the four letters that its ids begin with."""

    def __init__(self, desk: str) -> None:
        self.desk = desk
        self.placed: dict[int, Placed] = {}
        self._mates: dict[int, Placed] = {}
        self._by_id: dict[str, int] = {}
        self.fresh: list[str] = []
        """Alpaca's ids that were learnt since somebody looked."""

    def place(self, order: Order, legs: tuple[Order, ...] = ()) -> Placed:
        """Note a decision; the same one again is the same row."""
        row = self.placed.get(order.id)
        if row is None:
            row = self.placed[order.id] = Placed(order, legs)
            for leg in legs:
                self.placed.setdefault(leg.id, Placed(leg))
        return row

    def apart(self, row: Placed) -> bool:
        """Whether another order of its one-cancels-other group was sent before it, and not with it: Alpaca cannot tie the two."""
        group = row.order.group
        if not group or row.order.parent or row.legs:
            return False
        first = self._mates.get(group)
        if first is None or first.refused is not None:
            first = self._mates[group] = row
        return first is not row

    def find(self, told: WireOrder) -> Placed | None:
        """Whose order it is, and from now on that id is known; None for one that is not this desk's."""
        number = self._by_id.get(told.id) if told.id else None
        if number is None:
            number = self._by_name(told.client_order_id)
        if number is None and told.replaces:
            number = self._by_id.get(told.replaces)
        row = self.placed.get(number) if number is not None else None
        if row is not None:
            self._learn(row, told)
        return row

    def forget(self, row: Placed, identity: str) -> None:
        """An order that never took its place is not part of the chain."""
        if identity in row.ids:
            row.ids.remove(identity)
            row.filled.pop(identity, None)

    def by_id(self, identity: str) -> Placed | None:
        """The row of one of Alpaca's ids, None where it is not known."""
        number = self._by_id.get(identity)
        return None if number is None else self.placed.get(number)

    def ours(self, told: WireOrder) -> bool:
        """Whether the id in an order is one of this desk's decisions, known here or not."""
        return _number(self.desk, told.client_order_id) is not None

    def _by_name(self, name: str) -> int | None:
        number = _number(self.desk, name)
        return number if number in self.placed else None

    def _learn(self, row: Placed, told: WireOrder) -> None:
        if told.id and told.id not in row.ids:
            self._by_id[told.id] = row.order.id
            self.fresh.append(told.id)
            row.ids.insert(_link(row.ids, told), told.id)
        number = told.client_order_id.partition(".")[2]
        if number.isdigit() and len(number) < 9:
            row.amends = max(row.amends, int(number))
        if told.id and told.filled_qty is not None:
            row.filled[told.id] = max(row.filled.get(told.id, ZERO), told.filled_qty)
        if told.legs and row.legs:
            for thing in told.legs:
                self._leg(row, record(WireOrder, thing))

    def _leg(self, row: Placed, told: WireOrder) -> None:
        """A leg is told by its kind: the limit is the take-profit, what has a stop price is the stop."""
        for leg in row.legs:
            if told.id and (leg.type is Type.LIMIT) == (told.type == "limit") and told.id not in self._by_id:
                self._learn(self.placed[leg.id], told)
                return


def _link(ids: list[str], told: WireOrder) -> int:
    """Where in its chain an order stands: after the one whose place it took, before the one that took its; the first is heard of last, too."""
    if told.replaces in ids:
        return ids.index(told.replaces) + 1
    if told.replaced_by in ids:
        return ids.index(told.replaced_by)
    return 0 if told.replaces is None and told.client_order_id.partition(".")[2] == "" else len(ids)


def _number(desk: str, name: str) -> int | None:
    """The order number in one of our names, None in any other."""
    own = name.partition(".")[0]
    if own[:4] != desk:
        return None
    try:
        return order_seq(own)
    except Misuse:
        return None
