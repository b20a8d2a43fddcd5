"""Every order and what the venue said of it, on two axes; it never guesses: only evidence ends an order."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from fractions import Fraction

import msgspec

from argosy.core.errors import Broken
from argosy.core.events import Bust, Fill, OrderUpdate, Reply, Reversal
from argosy.core.orders import EDGES, TERMINAL, Order, Share, Type, Work
from argosy.engine.parts import parts
from argosy.engine.records import plain

KEPT = 1024
"""Ended orders remembered for late fills; a fill of an older one belongs to the house book."""


class Ticket:
    """One order on its way.

    order:      as decided (amends replace it, with the same id)
    work, cum:  the two axes: where it is, and lots filled
    left:       lots of each share not yet filled, in the order of `order.shares`
    executions: fill and its shares by execution id, each applied once
    reserved:   base units held back for it while it can still enlarge a position
    leg:        it waits for its parent to fill
    cancelling: we asked for its end (so its end is no news to its strategy's wish)
    turn:       how many wishes there had been when it was sent: later ones are none of its business
    forgone:    it ended by itself and what it lacked was given up; should that fill after all, it was wanted
    returned:   it ended without a fill and was counted as no trade
    undone:     executions that the venue took back
    """

    __slots__ = ("cancelling", "cum", "executions", "forgone", "left", "leg", "order", "reserved", "returned", "turn", "undone", "work")

    def __init__(self, order: Order, leg: bool) -> None:
        self.order = order
        self.work = Work.SENT
        self.cum = 0
        shares = order.shares
        self.left = [shares[0].lots] if len(shares) == 1 else [share.lots for share in shares]
        self.executions: dict[str, tuple[Fill, tuple[Share, ...]]] = {}
        self.reserved = 0
        self.leg = leg
        self.cancelling = False
        self.turn = 0
        self.forgone = False
        self.returned = False
        self.undone: tuple[str, ...] = ()

    @property
    def leaves(self) -> int:
        """Lots that may still fill."""
        return 0 if self.work in TERMINAL else self.order.lots - self.cum

    def snapshot(self) -> tuple[object, ...]:
        return (
            plain(self.order), int(self.work), self.cum, self.left[:], sorted(self.executions),
            self.reserved, self.leg, self.cancelling, self.turn, self.forgone, self.undone,
        )  # fmt: skip


class Blotter:
    """Tickets by order id; the open ones by instrument. The last KEPT ended ones stay, for late fills.

    busy: instruments that have open orders, or had
    """

    def __init__(self, instruments: int) -> None:
        self.tickets: dict[int, Ticket] = {}
        self.open: list[dict[int, Ticket]] = [{} for _ in range(instruments)]
        self.busy: set[int] = set()
        self.reserved = 0
        self.stale = 0
        self._legs: dict[int, list[int]] = {}
        self._ended: deque[int] = deque()
        self._strangers: dict[str, Fill | None] = {}

    def add(self, order: Order, reserved: int = 0) -> Ticket:
        """A new order, journalled and sent in the same breath: NEW -> INTENT -> SENT."""
        ticket = Ticket(order, order.parent != 0)
        ticket.reserved = reserved
        self.reserved += reserved
        self.tickets[order.id] = ticket
        self.open[order.instrument][order.id] = ticket
        self.busy.add(order.instrument)
        if order.parent:
            self._legs.setdefault(order.parent, []).append(order.id)
        return ticket

    def move(self, ticket: Ticket, work: Work) -> None:
        """Walk one edge of the table; Broken("ORDER_EDGE") when the table has no such edge."""
        if work is ticket.work:
            return
        if work not in EDGES[ticket.work]:
            raise Broken("ORDER_EDGE", f"order {ticket.order.id} cannot go from {ticket.work.name} to {work.name}")
        ticket.work = work
        if work in TERMINAL:
            self._close(ticket)

    def _close(self, ticket: Ticket) -> None:
        self.reserved -= ticket.reserved
        ticket.reserved = 0
        number = ticket.order.id
        row = self.open[ticket.order.instrument]
        if row.pop(number, None) is not None:
            if not row:
                self.busy.discard(ticket.order.instrument)
            self._ended.append(number)
            if len(self._ended) > KEPT:
                self._forget(self._ended.popleft())

    def _forget(self, old: int) -> None:
        """Drop an ended order, unless it was opened again or one of its legs still rests and must know whose it is."""
        ticket = self.tickets.get(old)
        if ticket is None or ticket.work not in TERMINAL:
            return
        if any(leg in self.open[ticket.order.instrument] for leg in self._legs.get(old, ())):
            self._ended.append(old)
            return
        del self.tickets[old]
        self._legs.pop(old, None)

    # -- what we asked ---------------------------------------------------------------------------------------------------

    def cancelling(self, order_id: int) -> None:
        ticket = self.tickets[order_id]
        ticket.cancelling = True
        if ticket.work is not Work.UNKNOWN:
            self.move(ticket, Work.PENDING_CANCEL)

    def amending(self, order_id: int) -> None:
        ticket = self.tickets[order_id]
        if ticket.work not in (Work.UNKNOWN, Work.SENT):
            self.move(ticket, Work.PENDING_REPLACE)

    # -- what the venue said ---------------------------------------------------------------------------------------------

    def reply(self, reply: Reply) -> Ticket | None:
        """Apply an answer; returns the ticket if it ended by it. A reply about an unknown order is ignored and counted."""
        ticket = self.tickets.get(reply.order)
        if ticket is None:
            self.stale += 1
            return None
        if ticket.work in TERMINAL:
            return None
        if reply.outcome == "ambiguous":
            if Work.UNKNOWN in EDGES[ticket.work]:  # else the venue has shown since where the order is
                self.move(ticket, Work.UNKNOWN)
        elif reply.verb == "submit":
            if reply.outcome == "refused":
                self.move(ticket, Work.REJECTED)
                return ticket
            if ticket.work in (Work.SENT, Work.UNKNOWN, Work.ACKED):
                if ticket.work is Work.UNKNOWN:
                    ticket.cancelling = False  # whatever was asked of it is lost; it is asked anew
                ticket.work = Work.WORKING
        elif reply.outcome == "refused":
            if reply.verb == "cancel":
                ticket.cancelling = False
            self.move(ticket, Work.WORKING)
        return None

    def update(self, update: OrderUpdate) -> Ticket | None:
        """Apply the venue's word; returns the ticket if it ended by it."""
        ticket = self.tickets.get(update.order)
        if ticket is None:
            self.stale += 1
            return None
        if ticket.work in TERMINAL:
            if update.work is not ticket.work:
                self.stale += 1
            return None
        order = ticket.order
        if ticket.work is Work.UNKNOWN:
            ticket.cancelling = False
        if update.lots or update.limit == update.limit or update.stop == update.stop:
            self._amended(ticket, update)
        elif update.work not in EDGES[ticket.work] and update.work is not ticket.work:
            raise Broken("ORDER_EDGE", f"order {order.id} cannot go from {ticket.work.name} to {update.work.name}")
        self.move(ticket, update.work)
        return ticket if ticket.work in TERMINAL else None

    def _amended(self, ticket: Ticket, update: OrderUpdate) -> None:
        order = ticket.order
        lots = update.lots or order.lots
        if lots != order.lots:
            ticket.left, shares = _resize(order, ticket.left, lots)
            order = msgspec.structs.replace(order, lots=lots, shares=shares)
        if update.limit == update.limit:
            order = msgspec.structs.replace(order, limit=update.limit)
        if update.stop == update.stop:
            order = msgspec.structs.replace(order, stop=update.stop)
        ticket.order = order

    def fill(self, fill: Fill) -> tuple[Ticket | None, tuple[Share, ...]] | None:
        """Count an execution; returns its ticket and the shares it belongs to, or None when it was applied before.

        Shares of a fill are pro rata to what each still lacks, by largest remainder, ties by strategy id. An execution of
        an unknown order, or beyond an order's lots, belongs to the house book: the venue is right about the position.
        """
        ticket = self.tickets.get(fill.order)
        if ticket is None:
            if fill.execution in self._strangers:
                return None
            self._strangers[fill.execution] = fill
            if len(self._strangers) > KEPT:
                del self._strangers[next(iter(self._strangers))]
            return None, (Share("", fill.lots),)
        if fill.execution in ticket.undone or fill.execution in ticket.executions:
            return None
        shares = _attribute(ticket, fill.lots)
        ticket.executions[fill.execution] = (fill, shares)
        lots = ticket.order.lots
        before = lots - ticket.cum
        ticket.cum += fill.lots
        if ticket.cum >= lots:
            if Work.FILLED in EDGES[ticket.work]:  # not what was refused or denied, and traded after all: the position is right
                self.move(ticket, Work.FILLED)
        else:
            if ticket.reserved:
                kept = ticket.reserved * (lots - ticket.cum) // before
                self.reserved -= ticket.reserved - kept
                ticket.reserved = kept
            if ticket.work is Work.SENT or ticket.work is Work.UNKNOWN:
                self.move(ticket, Work.WORKING)
        legs = self._legs.get(fill.order)
        if legs:
            for leg in legs:
                other = self.tickets.get(leg)
                if other is None:
                    continue
                other.leg = False
                if other.work is Work.SENT:
                    other.work = Work.WORKING
        return ticket, shares

    def undo(self, event: Bust | Reversal) -> tuple[Fill, tuple[Share, ...]] | None:
        """Take an execution back; returns the fill and its shares, None when it is not known or undone before."""
        stranger = self._strangers.get(event.execution)
        if stranger is not None:
            self._strangers[event.execution] = None
            return stranger, (Share("", stranger.lots),)
        for ticket in self.tickets.values():
            row = ticket.executions.pop(event.execution, None)
            if row is None:
                continue
            fill, shares = row
            ticket.cum -= fill.lots
            if isinstance(event, Bust):
                self._busted(ticket, event.execution, shares)
            else:
                self._reversed(ticket, shares)
            return fill, shares
        return None

    def _busted(self, ticket: Ticket, execution: str, shares: tuple[Share, ...]) -> None:
        """A venue does not fill again what it took back: the order is for that much less, and its wish lacks it anew."""
        order = ticket.order
        gone = {share.strategy: share.lots for share in shares}
        kept = tuple(Share(share.strategy, share.lots - gone.get(share.strategy, 0)) for share in order.shares)
        ticket.undone += (execution,)
        ticket.order = msgspec.structs.replace(order, lots=sum(share.lots for share in kept), shares=kept)
        if ticket.work not in TERMINAL and ticket.cum >= ticket.order.lots:
            self.move(ticket, Work.FILLED)

    def _reversed(self, ticket: Ticket, shares: tuple[Share, ...]) -> None:
        """A chain that reorganised may take the same transaction in again: the order is open for it."""
        for share in shares:
            for k, whole in enumerate(ticket.order.shares):
                if whole.strategy == share.strategy:
                    ticket.left[k] += share.lots
        if ticket.work is Work.FILLED:
            ticket.work = Work.WORKING
            self.open[ticket.order.instrument][ticket.order.id] = ticket
            self.busy.add(ticket.order.instrument)

    def split(self, instrument: int, ratio: float) -> None:
        """Rescale open orders as venues do: lots times the ratio (fractions dropped), prices divided by it."""
        exact = Fraction(ratio).limit_denominator(10_000)
        for ticket in list(self.open[instrument].values()):
            order = ticket.order
            lots = max(1, int(order.lots * exact))
            done = [share.lots - left for share, left in zip(order.shares, ticket.left, strict=True)]
            ticket.cum = int(ticket.cum * exact)
            names = [share.strategy for share in order.shares]
            done = parts(done, ticket.cum, names)
            ticket.left = parts(ticket.left, lots - ticket.cum, names)
            shares = tuple(
                Share(share.strategy, past + left) for share, past, left in zip(order.shares, done, ticket.left, strict=True)
            )
            ticket.order = msgspec.structs.replace(
                order, lots=lots, shares=shares, limit=order.limit / ratio, stop=order.stop / ratio,
                trail=order.trail if order.trail_frac else order.trail / ratio,
            )  # fmt: skip

    def relay(self, instrument: int, rows: Sequence[tuple[Order, Work, bool, int, int]]) -> None:
        """The open orders of an instrument were walked elsewhere: these are they now (order, work, leg, turn, reserved), in order.

        Those that ended there are forgotten: whoever walked them knows that no fill of theirs is still to come.
        """
        for number, ticket in self.open[instrument].items():
            del self.tickets[number]
            self._legs.pop(ticket.order.parent or number, None)
            self.reserved -= ticket.reserved
        self.open[instrument].clear()
        for order, work, leg, turn, reserved in rows:
            ticket = self.add(order, reserved)
            ticket.work, ticket.leg, ticket.turn = work, leg, turn

    # -- questions -------------------------------------------------------------------------------------------------------

    def worst(self, instrument: int, lots: int) -> tuple[int, int]:
        """Lowest and highest position if every open and UNKNOWN sell, or buy, filled, in whatever order is worst.

        Protections are left out (they go as the position goes), and a reduce-only exit cannot cross zero, but it may fill before what can.
        """
        sells = buys = cut_low = cut_high = 0
        for ticket in self.open[instrument].values():
            order = ticket.order
            leaves = order.lots - ticket.cum
            if order.reduce_only:
                if order.tag:
                    continue
                if order.side > 0:
                    cut_high += leaves
                else:
                    cut_low += leaves
            elif order.side > 0:
                buys += leaves
            else:
                sells += leaves
        low = max(0, lots - cut_low) if lots > 0 else lots
        high = min(0, lots + cut_high) if lots < 0 else lots
        return low - sells, high + buys

    def dearest(self, instrument: int, price: float) -> float:
        """The highest price at which an open order may fill, at least `price`: a limit or a stop above it; nan only without any."""
        for ticket in self.open[instrument].values():
            order = ticket.order
            if not order.reduce_only:
                for level in (order.limit, order.stop):
                    if level == level and not level <= price:
                        price = level
        return price

    def working(self) -> list[int]:
        """Instruments with open orders."""
        self.busy = {i for i in self.busy if self.open[i]}
        return sorted(self.busy)

    def worst_of(self, strategy: str, instrument: int, lots: int) -> int:
        """The largest |position| that a virtual book of `lots` may come to by a strategy's part of the open orders."""
        buys = sells = 0
        for ticket in self.open[instrument].values():
            order = ticket.order
            if order.reduce_only:
                continue
            for share, left in zip(order.shares, ticket.left, strict=True):
                if share.strategy == strategy:
                    if order.side > 0:
                        buys += left
                    else:
                        sells += left
        return max(lots + buys, sells - lots, abs(lots))

    def reserved_by(self, strategy: str) -> int:
        """Base units held back for a strategy's part of the open orders."""
        return sum(
            ticket.reserved * share.lots // ticket.order.lots
            for row in self.open for ticket in row.values() if ticket.reserved
            for share in ticket.order.shares if share.strategy == strategy
        )  # fmt: skip

    def opposite(self, instrument: int, side: int) -> float:
        """The best limit of own working orders on the other side (nan: none; inf/-inf: a market order)."""
        best = float("nan")
        for ticket in self.open[instrument].values():
            order = ticket.order
            if order.side == side or ticket.leg or order.type in (Type.STOP, Type.TRAILING, Type.STOP_LIMIT):
                continue
            limit = order.limit if order.type is Type.LIMIT else float("-inf") * order.side * -1.0
            if best != best or (limit < best if side > 0 else limit > best):
                best = limit
        return best

    def legs(self, parent: int) -> list[int]:
        return self._legs.get(parent, [])

    def snapshot(self) -> list[tuple[object, ...]]:
        """The open tickets, for the state hash; ended ones are the journal's."""
        return [ticket.snapshot() for row in self.open for _, ticket in sorted(row.items())]


def _attribute(ticket: Ticket, lots: int) -> tuple[Share, ...]:
    """Split `lots` over what each share still lacks, and take them off."""
    left = ticket.left
    shares = ticket.order.shares
    if len(left) == 1:
        if lots <= left[0]:
            left[0] -= lots
            return (Share(shares[0].strategy, lots),)
        own, left[0] = left[0], 0
        return (Share(shares[0].strategy, own), Share("", lots - own)) if own else (Share("", lots),)
    total = sum(left)
    over = max(0, lots - total)
    lots -= over
    each = parts(left, lots, [share.strategy for share in shares])
    for k, part in enumerate(each):
        left[k] -= part
    given = [Share(shares[k].strategy, part) for k, part in enumerate(each) if part]
    if over:
        given.append(Share("", over))
    return tuple(given)


def _resize(order: Order, left: list[int], lots: int) -> tuple[list[int], tuple[Share, ...]]:
    """What each share lacks and owns when an order's total becomes `lots`, pro rata by largest remainder."""
    filled = order.lots - sum(left)
    open_lots = max(0, lots - filled)
    if len(left) == 1:
        return [open_lots], (Share(order.shares[0].strategy, lots),)
    lacks = parts(left, open_lots, [share.strategy for share in order.shares])
    shares = tuple(Share(share.strategy, share.lots - left[k] + lacks[k]) for k, share in enumerate(order.shares))
    return lacks, shares
