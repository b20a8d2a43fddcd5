"""What ends a position without an order: exercise, assignment, expiry, delisting; it books what was said and decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from argosy.core.events import Assignment, Delist, Exercise, Expiry
from argosy.engine.outcomes import over, traded
from argosy.engine.portfolio import HOUSE, apportion

if TYPE_CHECKING:
    from argosy.engine.state import State


def delist(state: State, event: Delist) -> None:
    """Close every book at the final price; nothing of the instrument is wanted any more."""
    i = event.instrument
    for name, book in state.portfolio.books.items():
        if book.lots[i]:
            state.seen(i, "delist", name, -book.lots[i], event.price)
    state.portfolio.delist(event)
    over(state, i)
    _end(state, i)


def exercise(state: State, event: Exercise | Assignment) -> None:
    """Options go, and the underlying or cash comes: from the books that hold them (long, or short), pro rata to their lots.

    What no book holds is the house's. Each book's part of delivery and cash is that of its lots, so that all sum to the account.
    """
    i = event.instrument
    portfolio = state.portfolio
    side = 1 if type(event) is Exercise else -1
    names = [event.strategy] if event.strategy else list(portfolio.books)
    held = [max(0, side * portfolio.books[name].lots[i]) for name in names]
    parts = dict(zip(names, apportion(min(event.lots, sum(held)), held), strict=True))
    parts[HOUSE] = parts.get(HOUSE, 0) + event.lots - sum(parts.values())
    weights = list(parts.values())
    delivered, cash = apportion(event.delivered, weights), apportion(event.cash, weights)
    portfolio.lots[i] -= side * event.lots
    portfolio.cash[portfolio.currency_of[i]] += event.cash
    if event.underlying >= 0:
        portfolio.lots[event.underlying] += event.delivered
    how = "exercise" if side > 0 else "assignment"
    for k, (name, lots) in enumerate(parts.items()):
        if lots:
            _settle(state, name, i, -side * lots, (event.underlying, delivered[k], cash[k], event.price), how)
    _revalue(state, i, event.underlying)


def expire(state: State, event: Expiry) -> None:
    """The rest of an option is settled for its worth between the books, or gone; nothing of it is wanted any more."""
    i = event.instrument
    portfolio = state.portfolio
    lots = portfolio.lots[i]
    portfolio.lots[i] = 0
    portfolio.cash[portfolio.currency_of[i]] += lots * event.cash
    if event.underlying >= 0:
        portfolio.lots[event.underlying] += lots * event.delivered
    for name, book in portfolio.books.items():
        own = book.lots[i]
        if own:
            _settle(state, name, i, -own, (event.underlying, own * event.delivered, own * event.cash, event.strike), "expiry")
    portfolio.marks[i] = event.worth
    _revalue(state, i, event.underlying)
    _end(state, i)


def _settle(state: State, name: str, i: int, signed: int, against: tuple[int, int, int, float], how: str) -> None:
    """One book's options change by `signed` lots. against: underlying (-1: cash alone), its lots, cash, and price.

    A delivery is booked at the strike, and the premium is then won or lost with the option; cash alone closes the option for it.
    """
    portfolio = state.portfolio
    under, delivered, cash, price = against
    before = sum(portfolio.books[name].realised)
    c = portfolio.currency_of[i]
    if under >= 0 and delivered:
        portfolio.share(name, i, c, signed, 0, 0)
        portfolio.share(name, under, portfolio.currency_of[under], delivered, -cash, 0)
        state.seen(i, how, name, signed, 0.0)
        state.seen(under, how, name, delivered, price)
        wish = state.wishes.get((name, under))
        if wish is not None and wish.lots is not None:
            wish.lots += delivered  # it moved beside the target: nothing undoes it
    else:
        portfolio.share(name, i, c, signed, -cash, 0)
        state.seen(i, how, name, signed, abs(cash / (signed * portfolio.scale[i])))
    wish = state.wishes.get((name, i))
    if wish is not None and wish.lots is not None:
        wish.lots += signed
    realised = sum(portfolio.books[name].realised) - before
    if name != HOUSE:
        traded(state, name, i, signed, realised, 0)


def _revalue(state: State, i: int, underlying: int) -> None:
    for one in (i, underlying):
        if one >= 0:
            state.portfolio.revalue(one)
            over(state, one)


def _end(state: State, i: int) -> None:
    state.delisted.add(i)
    for (strategy, instrument), wish in state.wishes.items():
        if instrument == i:
            wish.lots = None
            wish.rungs = {}
            state.courses.end(strategy, i)
