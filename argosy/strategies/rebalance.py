"""Keeps fixed weights: sells what has grown and buys what has shrunk, by the calendar or by drift; it has no view on prices."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from argosy.core.errors import Misuse
from argosy.core.intents import Hold, Intent, Target
from argosy.core.protocols import Book
from argosy.core.strategy import Watch
from argosy.core.time import span


class Params(msgspec.Struct, frozen=True):
    """What Rebalance may be set to.

    Raises ValueError when `every` is no span or the weights' sizes sum to more than 1.
    """

    weights: Annotated[
        dict[str, Annotated[float, Meta(ge=-1.0, le=1.0)]],
        Meta(
            description="fraction of the budget by symbol; none named = equal parts of all; the unnamed are left alone"
        ),
    ] = {}
    every: Annotated[
        str,
        Meta(description='span of the calendar, counted from 1970, like "1d" or "4w"; "" = by drift alone'),
    ] = "4w"
    band: Annotated[
        float,
        Meta(
            ge=0.0,
            le=1.0,
            description="drift of a weight that is restored at once; 0 = by the calendar alone",
        ),
    ] = 0.05
    reserve: Annotated[
        float,
        Meta(ge=0.0, le=0.5, description="fraction kept in cash for costs and gaps; scales all weights"),
    ] = 0.01

    def __post_init__(self) -> None:
        if self.every:
            try:
                span(self.every)
            except Misuse as error:
                raise ValueError(str(error)) from error
        if sum(abs(weight) for weight in self.weights.values()) > 1.0 + 1e-9:
            raise ValueError("the sizes of the weights sum to more than 1")


class State(msgspec.Struct):
    """period: number of the calendar span last rebalanced in, -1 before the first."""

    period: int = -1


class Rebalance:
    """Sets all weights at once: at the first instant at which all have a price, at each edge of `every`, and on drift.

    It does not look for drift while its own orders are working. Drift compares lots x price with equity, so it needs
    instruments in the account's own currency; elsewhere set band = 0.
    """

    name = "rebalance"
    params = Params
    state: State | type[State] = State
    watches = (Watch("*", "bar"),)

    def __init__(self, params: Params) -> None:
        self._params = params
        self._every = span(params.every) if params.every else 0
        self.state = State()

    def on_instant(self, book: Book) -> tuple[Intent, ...] | None:
        """Look once an instant, when all prices of it are in."""
        weights = self._weights(book)
        if not weights or not all(book.mark(i) > 0.0 for i in weights):
            return None
        state = self.state
        period = book.now // self._every if self._every else 0
        if period == state.period:
            why = self._drift(book, weights)
        else:
            why = (
                f"rebalance: every {self._params.every}"
                if state.period >= 0
                else "rebalance: the first weights"
            )
        if not why:
            return None
        state.period = period
        intents: list[Intent] = []
        for i, weight in weights.items():
            # a weight is evaluated once; Hold withdraws the standing one, so that the same weight is evaluated anew
            text = f"{why}, {book.instrument(i).symbol} to {weight:.1%}"
            intents += (Hold(i, why=why), Target(i, weight=weight, why=text))
        return tuple(intents)

    def _weights(self, book: Book) -> dict[int, float]:
        """Wanted weight by instrument id, ascending; Misuse("REBALANCE_SYMBOL") for a symbol the strategy is not bound to."""
        room = 1.0 - self._params.reserve
        named = self._params.weights
        if not named:
            priced = [i for i in sorted(book.instruments) if book.mark(i) > 0.0]
            return {i: room / len(priced) for i in priced}
        ids = {book.instrument(i).symbol: i for i in sorted(book.instruments)}
        for symbol in named:
            if symbol not in ids:
                fix = f"it trades: {', '.join(ids)}"
                raise Misuse("REBALANCE_SYMBOL", f"{symbol!r} has a weight but is not traded", fix=fix)
        return {i: room * named[symbol] for symbol, i in ids.items() if symbol in named}

    def _drift(self, book: Book, weights: dict[int, float]) -> str:
        """The first weight that has left its band, in words; "" when all are inside."""
        band = self._params.band
        equity = book.equity
        if not band or not equity > 0.0 or any(book.resting(i) for i in weights):
            return ""
        for i, weight in weights.items():
            row = book.instrument(i)
            held = float(row.units(book.lots(i)) * row.multiplier) * book.mark(i) / equity
            if abs(held - weight) > band:
                return f"rebalance: {row.symbol} drifted to {held:.1%}"
        return ""
