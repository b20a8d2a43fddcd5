"""Holds a stock and a put on it, so that the loss has a floor; it buys the next put when one has ended."""

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
    """What ProtectivePut may be set to."""

    below: Annotated[float, Meta(ge=-0.5, lt=1.0, description="least distance of the strike below the price, a fraction")] = 0.05
    again: Annotated[bool, Meta(description="whether stock that went at the strike is bought again")] = True


class State(msgspec.Struct):
    """put: the series last bought, -1 before the first; owned: the stock has been bought once."""

    put: int = -1
    owned: bool = False


class ProtectivePut:
    """The put first, then the stock, so that the stock is never held bare; a put in the money at its end sells the stock at its strike."""

    name = "protective_put"
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
        bought = held(book, stock, "put", +1)
        if not bought:
            put = chosen(book, stock, "put", price * (1.0 - params.below), soonest(book, params))
            gone = state.owned and book.lots(stock) == 0 and not params.again
            if put < 0 or gone or book.resting(put):
                return None
            state.put = put
            return Target(put, lots=params.contracts, why=f"buy {book.instrument(put).symbol} at a price of {price:.2f}")
        (i,) = bought[:1]
        wanted = params.contracts * size(book, stock, i)
        if book.lots(i) == params.contracts and book.lots(stock) < wanted:
            state.owned = True
            why = f"stock under {params.contracts} puts"
            return Hold(stock, why=why), Target(stock, lots=wanted, why=why)  # the same target was wanted before it went at the strike
        if rolled(book, i, params):
            return Target(i, lots=0, why=f"rolled before its expiry, {book.instrument(i).symbol} is sold")
        return None
