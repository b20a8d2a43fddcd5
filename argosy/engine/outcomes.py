"""What ends, refusals and fills of orders do to the wishes that stand: given up, spent, moved along; it asks for nothing new."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from argosy.core.events import Adjust, Reply
from argosy.core.intents import Protection
from argosy.core.orders import Order, Refused, Work
from argosy.engine.blotter import Ticket
from argosy.engine.patience import key_of
from argosy.engine.records import Guarded, Verdict
from argosy.engine.wish import give_up, shrink

if TYPE_CHECKING:
    from argosy.engine.state import State

FLATTEN = 3
PROTECTIONS = ("stop", "take", "trail")
"""Tags of protective orders; a rung's order is tagged "rung:" and its name; a plain child has no tag."""


def answered(state: State, reply: Reply) -> None:
    """What the venue refuses is counted, so that it is not asked for again and again; what it does at last is forgotten."""
    ticket = state.blotter.tickets.get(reply.order)
    if ticket is not None and reply.outcome != "ambiguous":
        order = ticket.order
        key = key_of(order) if reply.verb == "submit" else (order.instrument, f"{reply.verb} {order.id}")
        if reply.outcome == "refused":
            state.patience.refused(key, state.now)
        else:
            state.patience.accepted(key)
    if state.storms is not None and reply.outcome == "refused" and reply.verb != "cancel":  # a cancel may always come too late
        state.storms.refused(state.now)


def ended(state: State, ticket: Ticket) -> None:
    """An order ended with lots open: unless we asked for it, its strategies' wishes are given up to that extent."""
    order = ticket.order
    ticket.returned = state.counters.on_ended(order.id)
    if order.tag.startswith("rung:"):
        if not ticket.cancelling:
            spend(state, order)
    elif not ticket.cancelling and not order.tag:
        ticket.forgone = True
        for share, left in zip(order.shares, ticket.left, strict=True):
            wish = state.wishes.get((share.strategy, order.instrument))
            if wish is not None and wish.lots is not None and wish.turn <= ticket.turn:
                wish.lots -= order.side * left
    for leg in state.blotter.legs(order.id):
        other = state.blotter.tickets[leg]
        if other.leg and ticket.cum == 0 and other.work is Work.SENT:
            state.blotter.move(other, Work.CANCELED)


def spend(state: State, order: Order) -> None:
    """A rung that has been is not sent again until a new ladder says so."""
    wish = state.wishes.get((order.shares[0].strategy, order.instrument))
    if wish is not None:
        wish.spent.add(order.tag[5:])


def after_all(state: State, strategy: str, ticket: Ticket, signed: int) -> None:
    """What an order had given up filled nevertheless: it was wanted, and nothing has been wanted since."""
    wish = state.wishes.get((strategy, ticket.order.instrument))
    if wish is not None and wish.lots is not None and wish.turn <= ticket.turn:
        wish.lots += signed


def flat(state: State, strategy: str, instrument: int) -> None:
    """A position that is gone as it was wanted leaves no levels behind."""
    wish = state.wishes.get((strategy, instrument))
    if wish is not None and wish.lots == 0 and not state.portfolio.books[strategy].lots[instrument]:
        wish.protection, wish.house = None, False


def beside(state: State, strategy: str, instrument: int, signed: int, tag: str) -> None:
    """A protection or a rung moved the position beside the target: what is wanted moves with it, so that nothing undoes it.

    A protection that did what the target asks for anyway (the strategy wants out and its stop was first) moves only the rest.
    """
    wish = state.wishes.get((strategy, instrument))
    if wish is None or wish.lots is None:
        return
    if tag in PROTECTIONS:
        state.courses.guarded(strategy, instrument, signed)
        lacked = wish.lots - (state.portfolio.books[strategy].lots[instrument] - signed)
        if lacked * signed > 0:
            signed -= lacked if abs(lacked) < abs(signed) else signed
    wish.lots += signed


def sheltered(state: State, given: Guarded) -> None:
    """The house's stop is a level like any other from now on: it goes with the position, a split, the strategy's own next word."""
    wish = state.wish(given.strategy, given.instrument)
    rung = wish.rungs[given.rung] if given.rung else None
    own = (rung.protection if rung is not None else wish.protection) or Protection()
    guarded = msgspec.structs.replace(own, stop=given.stop)
    if rung is not None:
        wish.rungs[given.rung] = msgspec.structs.replace(rung, protection=guarded)
    else:
        wish.protection, wish.house = guarded, True


def traded(state: State, strategy: str, i: int, signed: int, realised: int, fee: int) -> None:
    """A virtual book was moved: what its trade has earned so far. Journals of older schemas count each execution that realises."""
    portfolio, counters = state.portfolio, state.counters
    if not portfolio.single and (c := portfolio.currency_of[i]):
        base, cost = portfolio.to_base(realised, c), portfolio.to_base(fee, c)
        realised, fee = realised if base is None else base, fee if cost is None else cost
    if state.schema >= 4:
        counters.on_traded(strategy, i, portfolio.books[strategy].lots[i], signed, realised, fee)
    elif realised:
        counters.on_closed(strategy, realised)


def over(state: State, i: int) -> None:
    """Lots changed and nobody traded: whose position is gone by that has no trade under way."""
    for strategy, book in state.portfolio.books.items():
        if not book.lots[i]:
            state.counters.on_over(strategy, i)


def adjusted(state: State, adjust: Adjust) -> None:
    """What a comparison with the venue found is booked; it is nobody's trade."""
    state.portfolio.adjust(adjust)
    if adjust.instrument >= 0:
        over(state, adjust.instrument)


def judged(state: State, verdict: Verdict) -> None:
    """What the gate did not simply approve is given up; what came too soon waits, a protection is asked for again, ever more seldom."""
    order = verdict.order
    outcome = verdict.outcome
    if isinstance(outcome, Refused):
        state.counters.on_refusal(outcome.code)
    asked, kept = (order.lots, 0) if isinstance(outcome, Refused) else (outcome.asked, outcome.lots)
    if order.tag.startswith("rung:"):
        if not kept:
            spend(state, order)
        else:
            shrink(state.wishes, order, kept)
    elif order.tag:
        if not kept:
            state.bare.refused(order.instrument, order.tag, state.rows)
            state.patience.stuck.add(order.instrument)
    elif isinstance(outcome, Refused) and outcome.code == "TRADE_INTERVAL":  # wanted still, and later
        numbers = outcome.numbers
        for share in order.shares:
            if (left := numbers.get(f"{share.strategy}_ns", numbers["interval_ns"]) - numbers["age_ns"]) > 0:
                state.patience.postponed(order.instrument, share.strategy, state.now, state.now + int(left))
    else:
        give_up(state.wishes, order, asked - kept)
        if order.reduce_only and not kept and state.level >= FLATTEN:
            state.patience.declined(key_of(order), state.now)
