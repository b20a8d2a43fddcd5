"""The risk gate: turns orders into Approved, Trimmed or Refused. It never raises for a refusal and never reads a clock.

It is the only maker of `Approved`; venues accept nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from argosy.core.instrument import Instruments
from argosy.core.orders import Approved, Order, Refused, Share, Trimmed
from argosy.engine.clearance import Clearance
from argosy.engine.parts import parts
from argosy.engine.rules.profiles import SHELF
from argosy.engine.rules.rule import NAN, PRICE_LIMIT, STRANGER, Facts, Room, Rule, View, bounds_of
from argosy.engine.view import StateView

LOTS_LIMIT = 1 << 62
OURS = frozenset(make for make, _ in SHELF.values())
"""The rules whose bounds are known to hold for limits with legs, too."""


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What the gate says of one order: `approved`, or `refused`; with `trimmed` beside `approved` when it is for fewer lots.

    exit: the order (as approved or asked) could only shrink the position, so that the rules for new risk were not asked
    """

    approved: Approved | None
    refused: Refused | None = None
    trimmed: Trimmed | None = None
    exit: bool = False


class RiskGate:
    """An ordered list of rules. Rules that bind nothing are left out, rules for new risk are not shown exits.

    An order is an exit when it has no legs and, with all open and UNKNOWN orders filled at worst, still cannot carry the
    position through zero; a reduce-only protection (tag "stop", "take" or "trail") is compared with the position alone, because
    the engine takes protections off as the position goes.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        binding = [rule for rule in self.rules if getattr(rule, "binds", True)]
        self._binding = binding
        self._clearance: Clearance | None = None
        self._entries = tuple(rule.check for rule in binding)
        self._exits = tuple(rule.check for rule in binding if rule.guards_exits)
        self._codes = {
            False: tuple(rule.code for rule in binding),
            True: tuple(rule.code for rule in binding if rule.guards_exits),
        }
        self._table = Instruments()
        self._facts: list[Facts] = []
        self._known = 0

    def admit(self, order: Order, legs: Sequence[Order], view: View) -> Verdict:
        """The verdict on an order with its legs, seen from `view`.

        The first rule that refuses ends it. When a rule allows only fewer lots, the rest of the rules see the trimmed order,
        which then runs through all of them once more; a rule that would trim it again refuses it.
        """
        exit = self._ask(order, legs, view)
        for check in self._exits if exit else self._entries:
            said = check(order, legs, exit, view)
            if said is not None:
                if type(said) is Refused:
                    return Verdict(None, said, None, exit)
                return self._trim(order, legs, view)
        return Verdict(Approved(order, legs if type(legs) is tuple else tuple(legs)), None, None, exit)

    def swift(self, order: Order, view: StateView) -> Verdict | None:
        """The verdict of `admit` on an order without legs with which no rule can find anything wrong; None where one might."""
        clearance = self._clearance
        if view.instruments is not self._table or not 0 <= order.instrument < self._known:
            if self._learn(view.instruments, order.instrument) is STRANGER:
                return None
            clearance = None
        if clearance is None:
            clearance = self._clearance = Clearance(self._binding, self._facts, view, self._ask)
        exit = clearance.exit(order, view)
        return None if exit is None else Verdict(Approved(order), None, None, exit)

    def forget(self) -> None:
        """Something changed that is neither a price, nor a position or order or their counts: what was worked out holds no more."""
        self._clearance = None

    def room(self, view: View, entries: bool = False) -> Room | None:
        """Bounds within which no rule refuses or trims a plain market order; None when a rule cannot say.

        entries: or a limit with its stop and target, if nothing of our own meets it and its prices are on the grid
        """
        room = Room()
        if entries and not all(type(rule) in OURS for rule in self.rules):
            return None
        for rule in self.rules:
            if getattr(rule, "binds", True):
                clear = bounds_of(rule)
                if clear is None or not clear(room, view):
                    return None
        return room

    def _trim(self, order: Order, legs: Sequence[Order], view: View) -> Verdict:
        """The whole way again, for an order that some rule allows only in part."""
        asked = order.lots
        trimmed: Trimmed | None = None
        for again in (False, True):
            exit = self._ask(order, legs, view)
            for check, code in zip(self._exits if exit else self._entries, self._codes[exit], strict=True):
                said = check(order, legs, exit, view)
                if said is None:
                    continue
                if isinstance(said, Refused):
                    return Verdict(None, said, None, exit)
                if isinstance(said, int):
                    said = Trimmed(code, asked, said, {"lots": order.lots, "allowed_lots": said})
                if said.lots >= order.lots:
                    continue
                if again or said.lots < view.asked.facts.min_lots:
                    return Verdict(
                        None, Refused(said.code, said.numbers, "nothing that may be sent fits"), None, exit
                    )
                trimmed = Trimmed(said.code, asked, said.lots, said.numbers)
                order, legs = shrink(order, legs, said.lots)
                self._ask(order, legs, view)
        return Verdict(Approved(order, tuple(legs)), None, trimmed, exit)

    def _ask(self, order: Order, legs: Sequence[Order], view: View) -> bool:
        """Fill `view.asked` for an order, and say whether it is an exit."""
        asked = view.asked
        i = order.instrument
        lots = order.lots
        if view.instruments is self._table and 0 <= i < self._known:
            asked.facts = self._facts[i]
        else:
            asked.facts = self._learn(view.instruments, i)
            if asked.facts is STRANGER:
                asked.price, asked.reference, asked.value, asked.low, asked.high = (
                    order.limit,
                    NAN,
                    None,
                    0,
                    0,
                )
                return False
        asked.low, asked.high = low, high = view.worst(i)
        asked.reference = price = view.reference(i)
        limit = order.limit
        if order.side > 0:
            exit = high + lots <= 0
            if limit == limit:
                price = limit
            elif order.stop == order.stop and not order.stop <= price:
                price = order.stop
        else:
            exit = low >= lots
            if limit == limit and not limit <= price:
                price = limit
            if order.stop == order.stop and not order.stop <= price:
                price = order.stop
        asked.price = price
        asked.value = (
            view.value(i, lots, price) if 0.0 < price < PRICE_LIMIT and 0 < lots < LOTS_LIMIT else None
        )
        if order.reduce_only:
            exit = lots <= -order.side * view.lots(i)
        return exit and not legs

    def _learn(self, table: Instruments, i: int) -> Facts:
        """Read the facts of instruments not seen before; STRANGER when the run does not know this one."""
        if table is not self._table:
            self._table = table
            self._facts = []
        self._facts += [Facts(table[k]) for k in range(len(self._facts), len(table))]
        self._known = len(self._facts)
        return self._facts[i] if 0 <= i < self._known else STRANGER



def shrink(order: Order, legs: Sequence[Order], lots: int) -> tuple[Order, tuple[Order, ...]]:
    """The order for `lots` of its lots, its shares and its legs pro rata.

    Shares: largest remainder, ties by strategy id; a share of nothing is left out. Legs with one tag are shrunk together,
    so that several takes still sum to the order; ties by their place; a leg of nothing is left out.
    """
    if not 0 < lots < order.lots:
        return order, tuple(legs)
    sizes = [0] * len(legs)
    for tag in dict.fromkeys(leg.tag for leg in legs):
        places = [place for place, leg in enumerate(legs) if leg.tag == tag]
        whole = sum(legs[place].lots for place in places)
        own = parts([legs[place].lots for place in places], whole * lots // order.lots, places)
        for place, part in zip(places, own, strict=True):
            sizes[place] = part
    smaller = tuple(_resize(leg, size) for leg, size in zip(legs, sizes, strict=True) if size)
    return _resize(order, lots), smaller


def _resize(order: Order, lots: int) -> Order:
    shares = order.shares
    own = parts([share.lots for share in shares], lots, [share.strategy for share in shares])
    split = tuple(Share(share.strategy, part) for share, part in zip(shares, own, strict=True) if part)
    return msgspec.structs.replace(order, lots=lots, shares=split)
