"""Compares our orders with what the venue showed of them, and says what follows: what to book, what to ask, what to tell.

It is synchronous, asks nobody and reads no clock. It concludes nothing from an absence, nothing of an object that moved since the
question was asked, and nothing from an answer that did not come. What the venue shows to be less than we know is old news.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence
from typing import Any

import msgspec

from argosy.core.effects import Alarm
from argosy.core.events import Command, Event, Fill, OrderUpdate, Reply, Split
from argosy.core.orders import TERMINAL, Type, Work
from argosy.core.shown import ShownOrder, execution
from argosy.desk.balances import Balances
from argosy.desk.executions import Executions
from argosy.desk.findings import Ask, Finding, Limits, Policy, Step, Tell, When, Withdraw
from argosy.desk.recover import Recovered
from argosy.engine.blotter import Ticket
from argosy.engine.state import State

NAN = float("nan")
KEPT = 4096
"""Orders whose last word is remembered before those that are gone are forgotten."""
_PENDING = frozenset({Work.PENDING_CANCEL, Work.PENDING_REPLACE})
_UNANSWERED = frozenset({Work.SENT, Work.UNKNOWN})
Mark = tuple[Work, int, bool, int]


class Quiet:
    """When each order and instrument was heard of last, or did something by itself, in ticks."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._orders: dict[int, int] = {}
        self._instruments: dict[int, int] = {}

    def noise(self, order: int, instrument: int, tick: int) -> None:
        """Something happened about an order (0: none) of an instrument (-1: none)."""
        if order:
            self._orders[order] = tick
        if instrument >= 0:
            self._instruments[instrument] = tick

    def order(self, number: int, asked: int) -> bool:
        """Whether an order had been quiet long enough when the question was asked."""
        return asked - self._orders.get(number, -self.limit) >= self.limit

    def instrument(self, i: int, asked: int) -> bool:
        """Whether all of an instrument had been quiet long enough."""
        return asked - self._instruments.get(i, -self.limit) >= self.limit

    def age(self, number: int, tick: int) -> int:
        """How long an order has been quiet; at least the limit where nothing was ever heard of it."""
        return tick - self._orders.get(number, -self.limit)

    def forget(self, orders: Container[int]) -> None:
        """Where many are remembered, forget all but these."""
        if len(self._orders) > KEPT:
            self._orders = {number: at for number, at in self._orders.items() if number in orders}


class Reconciler:
    """Our books held against the venue's.

    state:   of the engine, read alone; executions: those that are in the books
    stale:   answers that were older than our books; doubled: executions that were heard before
    balances: the same for positions, cash, executions and payments; still: at a start, where nothing moves but by us;
    held: orders about which something waits to be sent until that is over
    """

    def __init__(self, state: State, executions: Executions, *, policy: Policy | None = None, limits: Limits | None = None) -> None:
        self.state = state
        self.executions = executions
        self.limits = limits or Limits()
        self.quiet = Quiet(self.limits.quiet)
        self.balances = Balances(state, executions, self.quiet, policy or Policy(), self.tell, self.calm)
        self.stale = 0
        self.doubled = 0
        self.still = False
        self.held: set[int] = set()
        self._said: set[str] = set()
        self._chained: set[int] = set()
        self._marks: dict[int, Mark] = {}
        self._missed: dict[int, tuple[int, int]] = {}
        self._stuck: dict[int, int] = {}
        self._lacking: dict[str, tuple[int, int]] = {}
        self._strangers: dict[str, int] = {}

    # -- what happens --------------------------------------------------------------------------------------------------

    def admit(self, event: Event) -> Event | None:
        """An event that is about to be stepped: itself, None where it is in the books, or the part of it that is not."""
        if type(event) is not Fill:
            return event
        new = self.executions.lacks(event.execution, event.instrument, event.lots)
        self.executions.book(event)
        if new == event.lots:
            return event
        self.doubled += 1
        if not new:
            return None
        notional, fee = round(event.notional * new / event.lots), round(event.fee * new / event.lots)
        return msgspec.structs.replace(event, lots=new, notional=notional, fee=fee)

    def heard(self, event: Event, when: When, own: bool = False) -> list[Finding]:
        """An event was stepped: what it is about is not quiet, and what it says of more than was ordered has consequences.

        own: it was found by a comparison, so that what is asked after it is as new as our books
        """
        kind = type(event)
        if kind is Split:
            self.executions.split(event.instrument, event.ratio)  # type: ignore[attr-defined]
            self.balances.split(event)  # type: ignore[arg-type]
        if kind is Fill or kind is Reply or kind is OrderUpdate:
            ticket = self.state.blotter.tickets.get(event.order)  # type: ignore[attr-defined]
            i = ticket.order.instrument if ticket is not None else getattr(event, "instrument", -1)
            asking = ticket is not None and (ticket.work in _UNANSWERED or ticket.work in _PENDING)
            self.quiet.noise(event.order, i, when.tick - (self.quiet.limit if own and not asking else 0))  # type: ignore[attr-defined]
            if ticket is not None and not asking:
                self._marks[ticket.order.id] = _mark(ticket)
        return self._filled(event, when) if kind is Fill else []  # type: ignore[arg-type]

    def _filled(self, fill: Fill, when: When) -> list[Finding]:
        """An execution was booked: more than was ordered, or of an order that had been refused, stops whose order it was."""
        ticket = self.state.blotter.tickets.get(fill.order)
        symbol = self.state.instruments[fill.instrument].symbol
        if ticket is None:
            text = f"{symbol}: {fill.lots} lots filled for order {fill.order}, which is not known here any more"
            return self.tell(f"stray {fill.execution}", "FILL_UNKNOWN", text, page=True)
        over = ticket.cum - ticket.order.lots
        if over > 0:
            found = self.tell(f"over {fill.order}", "OVERFILL", f"{symbol}: order {fill.order} filled {over} lots more than it was for", page=True)
            for share in ticket.order.shares:
                if self.state.status.get(share.strategy) == "active":
                    why = f"OVERFILL of order {fill.order}"
                    found.append(Step(Command(when.now, when.now, "pause", "reconcile", why, share.strategy), "OVERFILL", symbol))
            return found
        if ticket.work is Work.REJECTED:
            return self.tell(f"dead {fill.order}", "FILL_AFTER_REFUSAL", f"{symbol}: order {fill.order} was refused and traded after all", page=True)
        return []

    def watch(self, tick: int) -> None:
        """Look at the open orders: what changed since the last look, or was not there, is not quiet."""
        marks: dict[int, Mark] = {}
        for ticket in self._open():
            number = ticket.order.id
            mark = marks[number] = _mark(ticket)
            if self._marks.get(number) != mark:
                self.quiet.noise(number, ticket.order.instrument, tick)
        self._marks = marks
        self.quiet.forget(self.state.blotter.tickets)

    def begin(self, recovered: Recovered | None = None) -> None:
        """At a start nothing moves but by us: nothing need have been quiet, until `go`. recovered: what the journal knows."""
        self.still, self.quiet.limit, self._chained = True, 0, set()
        self._marks = {ticket.order.id: _mark(ticket) for ticket in self._open()}
        self.balances.barred = dict.fromkeys(self.state.drifted, "it did when the desk ended")
        if recovered is not None:
            self.executions.take(recovered.executions)
            balances = self.balances
            balances.booked, balances.splits = set(recovered.booked), list(recovered.splits)
            balances.flows, balances.dividends = Counter(recovered.flows), Counter(recovered.dividends)

    def go(self, tick: int) -> None:
        """The start is over."""
        self.still, self.quiet.limit = False, self.limits.quiet
        for number in self.held:
            self.quiet.noise(number, -1, tick)
        self.held.clear()

    def apart(self) -> list[Ask]:
        """Orders that a list of open orders does not name as ours: legs have names of the venue's own. One of each entry or pair."""
        found: dict[int, int] = {}
        for ticket in self._open():
            if ticket.order.parent or ticket.order.group:
                found.setdefault(ticket.order.parent or -ticket.order.group, ticket.order.id)
        return [Ask("order", number, "LEG") for number in found.values()]

    def shown(self, rows: Sequence[ShownOrder], asked: int, when: When) -> list[Finding]:
        """Orders that the venue shows for whatever reason: those of ours against what we have."""
        return [one for row in rows if row.ours for one in self._order(row, asked, when)]

    # -- orders ----------------------------------------------------------------------------------------------------------

    def inflight(self, tick: int) -> list[Ask]:
        """Orders, cancels and amendments that have no answer and have been quiet too long, the longest first."""
        old = [
            ticket for ticket in self._open()
            if (ticket.work in _UNANSWERED or ticket.work in _PENDING) and not self._hangs(ticket)
            and self.quiet.age(ticket.order.id, tick) >= self.limits.quiet
        ]  # fmt: skip
        old.sort(key=lambda ticket: -self.quiet.age(ticket.order.id, tick))
        return [Ask("order", ticket.order.id, "IN_FLIGHT") for ticket in old]

    def resting(self, rows: Sequence[ShownOrder], asked: int, when: When) -> list[Finding]:
        """Every open order that the venue shows against every one that we have."""
        self.watch(when.tick)
        found: list[Finding] = []
        seen: set[int] = set()
        hands: dict[str, int] = {}
        for row in rows:
            if row.number:
                seen.add(row.number)
            if row.ours:
                found += self._order(row, asked, when)
            else:
                hands[row.id] = self._strangers.get(row.id, when.tick)
                found += self._hand(row, hands[row.id], when)
        self._strangers = hands
        self.balances.hands = {row.instrument for row in rows if row.id in hands and self._surely(hands[row.id], when)}
        for ticket in self._open():
            number = ticket.order.id
            if number not in seen and not self._hangs(ticket) and self._still(number, asked):
                found.append(Ask("order", number, "ORDER_ABSENT"))
        return found

    def answered(self, number: int, rows: Sequence[ShownOrder], asked: int, when: When) -> list[Finding]:
        """One order was asked for: what the venue showed of it and of what hangs on it, without it where there is none."""
        self._chained.add(number)
        found = self.shown(rows, asked, when)
        if any(row.number == number for row in rows):
            self._missed.pop(number, None)
            return found
        return found + self._absent(number, asked, when)

    def _order(self, row: ShownOrder, asked: int, when: When) -> list[Finding]:
        """One order of ours as the venue shows it."""
        ticket = self.state.blotter.tickets.get(row.number)
        if ticket is None or (ticket.work in TERMINAL and ticket.work is not Work.FILLED):
            if row.work is None or row.work in TERMINAL or (ticket is not None and not self._still(row.number, asked)):
                return self._filled_more(ticket, row, when) if ticket is not None else []
            text = f"{row.symbol}: order {row.number or row.id} works at the venue and is over here; it is taken back"
            return [Withdraw(row.id, row.number), *self.tell(f"orphan {row.id}", "ORDER_ORPHANED", text, page=True)]
        if not self._still(row.number, asked):
            return []
        if row.filled < ticket.cum:
            self.stale += 1
            return [Ask("order", row.number, "CHAIN")] if self.still and row.number not in self._chained else []
        if row.filled > ticket.cum:
            return self._filled_more(ticket, row, when)
        self._lacking.pop(row.id, None)
        if ticket.work is Work.FILLED or row.work is None:
            return []
        return self._ended(ticket, row, row.work, when.now) if row.work in TERMINAL else self._working(ticket, row, row.work, when)

    def _filled_more(self, ticket: Ticket, row: ShownOrder, when: When) -> list[Finding]:
        """More is filled than we know: its executions are asked for; booked at its average only if they never come."""
        if row.filled <= ticket.cum:
            return []
        lots, since = self._lacking.setdefault(row.id, (row.filled, when.tick))
        if lots != row.filled:
            self._lacking[row.id] = (row.filled, when.tick)
            return [Ask("fills", row.number, "FILL_MISSING")]
        lacks = row.cum - self.executions.total(row.id)
        if when.tick - since < self.limits.inferred or lacks <= 0 or row.average != row.average:
            return [Ask("fills", row.number, "FILL_MISSING")]
        del self._lacking[row.id]
        return [*self._infer(ticket, row, lacks, when.now), *self._told_inferred(ticket, lacks)]

    def _infer(self, ticket: Ticket, row: ShownOrder, lacks: int, now: int) -> list[Finding]:
        """The execution that must have been: its name and its lots say all that is missing, so that those it stands for are none later."""
        order = ticket.order
        one = self.state.instruments[order.instrument]
        paid = sum(fill.notional for fill, _ in ticket.executions.values() if fill.execution.startswith(f"{row.id}:"))
        notional = order.side * round(row.cum * row.average * one.scale) - paid
        if notional * order.side <= 0:
            notional = order.side * round(lacks * row.average * one.scale)
        name = execution(row.id, one.units(row.cum))
        price = abs(notional) / (lacks * one.scale)
        fill = Fill(min(row.ts or now, now), now, order.instrument, order.id, name, order.side, lacks, price, notional, 0)
        return [Step(fill, "FILL_INFERRED", f"{one.symbol}: {lacks} lots of order {order.id} at its average")]

    def _told_inferred(self, ticket: Ticket, lacks: int) -> list[Finding]:
        text = f"the venue shows {lacks} lots of order {ticket.order.id} as filled and does not tell the executions; booked at its average"
        return self.tell(f"inferred {ticket.order.id} {ticket.cum}", "FILL_INFERRED", text, page=True)

    def _ended(self, ticket: Ticket, row: ShownOrder, work: Work, now: int) -> list[Finding]:
        """The venue says that it is over, and all that it filled is in the books."""
        self._stuck.pop(row.number, None)
        if work is Work.FILLED:
            if row.lots not in (0, ticket.cum):  # whole by the venue's count, and not by what it tells: not understood
                text = f"order {row.number} is filled whole at the venue, and {ticket.cum} of {ticket.order.lots} lots here"
                return self.tell(f"whole {row.number}", "FILL_DISAGREES", text, page=True)
            return [Step(_update(row, work, now, lots=ticket.cum), "ORDER_ENDED")]
        return [Step(_update(row, work, now), "ORDER_ENDED", work.name)]

    def _working(self, ticket: Ticket, row: ShownOrder, work: Work, when: When) -> list[Finding]:
        """Open at both: what we asked that did not come about is asked anew, what another changed is taken over."""
        number, now = row.number, when.now
        if work is Work.PENDING_CANCEL:
            since = self._stuck.setdefault(number, when.tick)
            stuck = when.tick - since >= self.limits.stuck
            text = f"{row.symbol}: the cancel of order {number} has been under way for {(when.tick - since) // 10**9} s; it may still fill"
            found = self.tell(f"stuck {number}", "CANCEL_STUCK", text, page=True) if stuck else []
            return found if ticket.work is work else [*found, Step(_update(row, work, now), "ORDER_STATE", work.name)]
        self._stuck.pop(number, None)
        self._said.discard(f"stuck {number}")
        changed = self._changed(ticket, row)
        if changed is not None and ticket.work is not Work.PENDING_REPLACE and self.balances.splitting(ticket.order, row):
            return [Ask("payments", code="SPLIT")]
        if changed is not None and ticket.work is not Work.UNKNOWN:
            what = "ORDER_CHANGED" if ticket.work is not Work.PENDING_REPLACE else "ORDER_STATE"
            update = OrderUpdate(min(row.ts or now, now), now, number, Work.WORKING, *changed)
            return [Step(update, what, f"{row.symbol}: order {number}")]
        if work is Work.PENDING_REPLACE:
            return [] if ticket.work is work else [Step(_update(row, work, now), "ORDER_STATE", work.name)]
        if ticket.cancelling or ticket.work is Work.PENDING_CANCEL:
            return [Step(Reply(now, now, number, "cancel", "refused", "CANCEL_LOST"), "CANCEL_LOST", row.symbol)]
        if ticket.work is Work.PENDING_REPLACE:
            return [Step(Reply(now, now, number, "amend", "refused", "AMEND_LOST"), "AMEND_LOST", row.symbol)]
        if ticket.work in _UNANSWERED or (ticket.work is Work.ACKED and work is Work.WORKING):
            return [Step(_update(row, work, now), "ORDER_STATE", work.name)]
        return []

    def _changed(self, ticket: Ticket, row: ShownOrder) -> tuple[int, float, float] | None:
        """(lots, limit, stop) that are other than ours, 0 and nan where they are not; None where all agree.

        What an execution took back left is not compared, nor what moves by itself, nor a price that the order has not of us.
        """
        order = ticket.order
        lots = row.lots if row.lots and row.lots != order.lots and row.lots >= ticket.cum and not ticket.undone else 0
        limit = row.limit if order.limit == order.limit and row.limit == row.limit and row.limit != order.limit else NAN
        moves = order.type is Type.TRAILING
        stop = row.stop if not moves and order.stop == order.stop and row.stop == row.stop and row.stop != order.stop else NAN
        return None if not lots and limit != limit and stop != stop else (lots, limit, stop)

    def _absent(self, number: int, asked: int, when: When) -> list[Finding]:
        """The venue says that there is no such order: believed of one that was never answered, after long enough, with no fill known."""
        ticket = self.state.blotter.tickets.get(number)
        if ticket is None or ticket.work in TERMINAL or not self._still(number, asked):
            return []
        count, first = self._missed.get(number, (0, when.tick))
        self._missed[number] = (count + 1, first)
        if count + 1 < self.limits.lookups or when.tick - first < self.limits.over:
            return []
        symbol = self.state.instruments[ticket.order.instrument].symbol
        if ticket.work in _UNANSWERED and not ticket.cum and not ticket.order.parent:
            del self._missed[number]
            reply = Reply(when.now, when.now, number, "submit", "refused", "NOT_FOUND", f"asked {count + 1} times and never there")
            return [Step(reply, "NOT_FOUND", symbol)]
        text = f"{symbol}: order {number} is {ticket.work.name} here and the venue says that there is none"
        return self.tell(f"vanished {number}", "ORDER_VANISHED", text, page=True)

    def _hand(self, row: ShownOrder, first: int, when: When) -> list[Finding]:
        """An order of another hand, once it surely is one."""
        if not self._surely(first, when):
            return []
        rule = self.balances.policy.of(row.symbol)
        text = f"{row.symbol}: an order of another hand is open ({row.id}); policy: {rule}"
        found = self.tell(f"hand {row.id}", "HAND_ORDER", text, page=rule == "halt")
        if rule == "halt" and row.instrument >= 0:
            found += self.balances.bar(row.instrument, when.now, "an order of another hand is open")
        return found

    def _surely(self, first: int, when: When) -> bool:
        return self.still or when.tick - first >= self.limits.stranger

    # -- inside ----------------------------------------------------------------------------------------------------------

    def _open(self) -> list[Ticket]:
        return [ticket for row in self.state.blotter.open for ticket in row.values()]

    def _still(self, number: int, asked: int) -> bool:
        """Whether an order may be judged by an answer: it was quiet, and nothing about it waits to be sent."""
        return number not in self.held and self.quiet.order(number, asked)

    def _hangs(self, ticket: Ticket) -> bool:
        """Whether it is a leg whose entry is still open: the entry is asked for, and tells it."""
        parent = self.state.blotter.tickets.get(ticket.order.parent) if ticket.leg else None
        return parent is not None and parent.work not in TERMINAL

    def tell(self, key: str, code: str, text: str, page: bool = False) -> list[Any]:
        """Say something once, until `calm` is called for the same key."""
        if key in self._said:
            return []
        self._said.add(key)
        return [Tell(Alarm(code, text, "page" if page else "warn"))]

    def calm(self, key: str) -> None:
        """What was told is over: it may be told again."""
        self._said.discard(key)


def _mark(ticket: Ticket) -> Mark:
    return ticket.work, ticket.cum, ticket.cancelling, ticket.order.lots


def _update(row: ShownOrder, work: Work, now: int, lots: int = 0) -> OrderUpdate:
    return OrderUpdate(min(row.ts or now, now), now, row.number, work, lots)
