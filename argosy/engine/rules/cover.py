"""Refuses options written without what they promise: the stock, the money, or a longer option; it never looks at what is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from argosy.core.instrument import Instruments
from argosy.core.orders import Order, Refused
from argosy.engine.rules.rule import HALT, Room, View


class CoverLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """naked: True lets options be written that nothing covers."""

    naked: bool = False


class Written(NamedTuple):
    """One option that is written or held, as it would be at worst.

    lots: signed; size: lots of the underlying that cover one lot, 0 where cash alone is paid and none do; scale: of its notional
    """

    call: bool
    strike: float
    expiry: int
    instrument: int
    lots: int
    size: int
    scale: float


class Cover:
    """NAKED_OPTION, CASH_SECURED: what is written must be covered with all open orders filled at worst, and stay so.

    A short call is covered by a long one on the same underlying with a strike no higher that ends no sooner, else by the
    underlying held; a short put by a long one with a strike no lower, else by cash of its strike beyond what orders reserve.
    So a sale of the stock that covers, and a purchase with the cash that does, are refused as well, exits included; at the
    levels that flatten only new writing is.
    """

    code = "NAKED_OPTION"
    codes = ("NAKED_OPTION", "CASH_SECURED")
    guards_exits = True

    def __init__(self, limits: CoverLimits) -> None:
        self.limits = limits
        self.binds = not limits.naked
        self._table: Instruments | None = None
        self._known = 0
        self._family: dict[int, int] = {}
        self._options: dict[int, list[int]] = {}

    def clear(self, room: Room, view: View, /) -> bool:
        """False: with options in the run each order is looked at by itself."""
        return not any(row.option is not None for row in view.instruments)

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        table = view.instruments
        if table is not self._table or len(table) != self._known:
            self._learn(table)
        if exit and view.level >= HALT:
            return None
        if order.side > 0:
            return self._spends(order, view) if not exit else None
        i = order.instrument
        family = self._family.get(i)
        if family is None:
            return None
        rows = self._rows(family, order, view)
        stock = view.worst(family)[0] - (order.lots if i == family else 0)
        calls = _open(rows, True)
        needed = sum(lots * row.size for row, lots in calls)
        bare = sum(lots for row, lots in calls if not row.size)
        if bare:
            text = f"calls on {table[family].symbol} that settle in cash are covered by none of it"
            return Refused("NAKED_OPTION", {"uncovered_lots": bare, "coverable_lots": 0}, text)
        if needed > max(stock, 0):
            text = f"calls written on {table[family].symbol} would not be covered"
            return Refused("NAKED_OPTION", {"needed_lots": needed, "held_lots": stock}, text)
        if i != family and table[i].option is not None and any(row.instrument == i for row, _ in _open(rows, False)):
            return self._secured(view, rows, family, 0)
        return None

    def _spends(self, order: Order, view: View) -> Refused | None:
        """A purchase must leave the cash that secures puts, those of every underlying."""
        value = view.asked.value
        for family in self._options:
            said = self._secured(view, self._rows(family, None, view), family, value or 0)
            if said is not None:
                return said
        return None

    def _secured(self, view: View, rows: list[Written], family: int, spent: int) -> Refused | None:
        owed = 0
        for other in self._options:
            own = rows if other == family else self._rows(other, None, view)
            for row, lots in _open(own, False):
                owed += view.value(row.instrument, lots, row.strike) or 0
        free = view.cash - view.reserved - spent
        if owed and owed > free:
            return Refused("CASH_SECURED", {"needed_units": owed, "free_units": free}, "the cash does not secure the puts that are written")
        return None

    def _rows(self, family: int, order: Order | None, view: View) -> list[Written]:
        """The options of an underlying at worst, with an order filled."""
        table = view.instruments
        rows = []
        for i in self._options[family]:
            terms = table[i].option
            lots = view.worst(i)[0] - (order.lots if order is not None and order.instrument == i else 0)
            if terms is not None and lots and not view.delisted(i):
                size = table.delivery(i)[0] if terms.settlement == "physical" else 0
                rows.append(Written(terms.right == "call", float(terms.strike), terms.expiry_ns, i, lots, size, table[i].scale))
        return rows

    def _learn(self, table: Instruments) -> None:
        """Read which instruments belong together."""
        self._table, self._known = table, len(table)
        self._family, self._options = {}, {}
        for row in table:
            if row.option is not None:
                under = table[row.option.underlying].id
                self._family[row.id] = self._family[under] = under
                self._options.setdefault(under, []).append(row.id)


def _open(rows: list[Written], call: bool) -> list[tuple[Written, int]]:
    """The written options of one right with the lots that no held one covers; the hardest to cover choose first."""
    side = [row for row in rows if row.call == call]
    held = {row.instrument: row.lots for row in side if row.lots > 0}
    sign = 1.0 if call else -1.0
    left = []
    for short in sorted((row for row in side if row.lots < 0), key=lambda row: (sign * row.strike, -row.expiry, row.instrument)):
        lots = -short.lots
        fit = [
            row for row in side
            if row.lots > 0 and sign * row.strike <= sign * short.strike and row.expiry >= short.expiry and row.scale == short.scale
        ]  # fmt: skip
        for row in sorted(fit, key=lambda row: (-sign * row.strike, row.expiry, row.instrument)):
            used = min(lots, held[row.instrument])
            held[row.instrument] -= used
            lots -= used
        if lots:
            left.append((short, lots))
    return left
