"""Holds a stock and writes calls on it, one series after another; it never writes more than the stock covers."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from argosy.core.intents import Hold, Intent, Target
from argosy.core.optioned import Series, rolled, soonest, stock_of
from argosy.core.protocols import Book
from argosy.core.series import chosen, held, size
from argosy.core.strategy import Watch


class Params(Series, frozen=True):
    """What CoveredCall may be set to."""

    above: Annotated[float, Meta(ge=-0.5, le=2.0, description="least distance of the strike above the price, a fraction")] = 0.02
    rebuy: Annotated[bool, Meta(description="whether stock that was called away is bought again")] = True


class State(msgspec.Struct):
    """call: the series last written, -1 before the first; owned: the stock has been bought once."""

    call: int = -1
    owned: bool = False


class CoveredCall:
    """Stock first; once it is there a call beyond the price with the nearest expiry, held to its end or rolled.

    A call that ends worthless is followed by the next. One that is assigned takes the stock at its strike; then all begins anew.
    """

    name = "covered_call"
    params = Params
    state: State | type[State] = State
    watches = (Watch("*", "bar"),)
    chains = True

    def __init__(self, params: Params) -> None:
        self._params = params
        self.state = State()

    def on_instant(self, book: Book) -> tuple[Intent, ...] | Intent | None:
        """Look once an instant, when all prices of it are in."""
        params, state = self._params, self.state
        stock = stock_of(book, params)
        price = book.mark(stock)
        if not price > 0.0 or book.resting(stock):
            return None
        written = held(book, stock, "call", -1)
        if written:
            (i,) = written[:1]
            if rolled(book, i, params):
                return Target(i, lots=0, why=f"rolled before its expiry, {book.instrument(i).symbol} is bought back")
            return None
        call = chosen(book, stock, "call", price * (1.0 + params.above), soonest(book, params))
        if call < 0 or book.resting(call):
            return None
        wanted = params.contracts * size(book, stock, call)
        if book.lots(stock) < wanted:
            if state.owned and book.lots(stock) == 0 and not params.rebuy:
                return None
            why = f"stock to cover {params.contracts} calls"
            return Hold(stock, why=why), Target(stock, lots=wanted, why=why)  # the same target was wanted before it was called away
        state.call, state.owned = call, True
        return Target(call, lots=-params.contracts, why=f"write {book.instrument(call).symbol} at a price of {price:.2f}")
