"""The read-only view that a strategy gets of its own book and of the market; it cannot send, change or wait for anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.events import Bar, Fact, Forecast
from argosy.core.instrument import Instrument
from argosy.core.money import per_one
from argosy.core.orders import Order
from argosy.engine.portfolio import Portfolio

if TYPE_CHECKING:
    from argosy.engine.slot import Slot, Window
    from argosy.engine.state import State


class StrategyBook:
    """`core.protocols.Book` of one strategy over the engine's state."""

    __slots__ = ("_bars", "_book", "_one", "_portfolio", "_slot", "_state", "_windows")

    def __init__(self, state: State, slot: Slot, bars: list[Bar | None], windows: list[Window | None]) -> None:
        self._state = state
        self._portfolio: Portfolio = state.portfolio
        self._book = state.portfolio.books[slot.id]
        self._slot = slot
        self._bars = bars
        self._windows = windows
        self._one = per_one(state.portfolio.base)

    @property
    def now(self) -> int:
        return self._state.now

    @property
    def warming(self) -> bool:
        if not self._slot.declaration.warmup:
            return False
        return any(cell.warm > 0 for cell in self._slot.cells.values())

    @property
    def cash(self) -> float:
        portfolio = self._portfolio
        total = self._book.cash[0]
        for index in range(1, len(self._book.cash)):
            total += portfolio.to_base(self._book.cash[index], index) or 0
        return total / self._one

    @property
    def equity(self) -> float:
        return self._portfolio.equity_of(self._slot.id) / self._one

    @property
    def instruments(self) -> tuple[int, ...]:
        return self._slot.instruments

    def lots(self, instrument: int) -> int:
        return self._book.lots[instrument]

    def mark(self, instrument: int) -> float:
        return self._portfolio.marks[instrument]

    def bar(self, instrument: int) -> Bar | None:
        return self._bars[instrument]

    def needs(self, instrument: int) -> Any:
        cell = self._slot.cells.get(instrument)
        if cell is None:
            raise Misuse("INSTRUMENT_UNBOUND", f"{self._slot.id} is not bound to instrument {instrument}")
        return cell.needs

    def window(self, instrument: int, n: int) -> NDArray[np.float64]:
        window = self._windows[instrument]
        if window is None:
            raise Misuse("WINDOW", f"{self._slot.id} declares no window", fix="set window = n on the class")
        return window.last(n)

    def resting(self, instrument: int) -> tuple[Order, ...]:
        own = self._slot.id
        return tuple(
            ticket.order
            for ticket in self._state.blotter.open[instrument].values()
            if any(share.strategy == own for share in ticket.order.shares)
        )

    def forecast(self, instrument: int, model: str) -> Forecast | None:
        return self._state.forecasts.get((instrument, model))

    def fact(self, name: str) -> Fact | None:
        return self._state.facts.get(name)

    def instrument(self, key: int | str) -> Instrument:
        return self._state.instruments[key]
