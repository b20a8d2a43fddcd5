"""The engine's quick way through trades and quotes for which no strategy is called: they sleep until a fill, a timer or a command.

`Coast.run` is defined as `Engine.instant` on each row: the same marks, peak and latches. Where a strategy listens to rows, steps,
or keeps needs, there is no coast, and the engine takes each row.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from argosy.core.effects import Effect
from argosy.core.merged import Ticks
from argosy.engine.engine import NONE, Engine
from argosy.kernels import coast as kernels

_LISTENERS = frozenset({"on_bar", "on_quote", "on_trade", "on_book", "on_instant"})
_INF = float("inf")


class Coast:
    """The rows of a run in arrays. quotes: instruments whose quote came in the last run -> its row."""

    def __init__(self, engine: Engine, rows: Ticks) -> None:
        n = len(engine.instruments)
        self._engine = engine
        self._rows = rows
        self._floor = np.full(n, -_INF)
        self._ceiling = np.full(n, _INF)
        self._book = np.zeros((n, 4), np.int64)
        self._tally = np.zeros(3, np.int64)
        self._scale = np.array(engine.state.portfolio.scale, np.float64)
        self.quotes: dict[int, int] = {}

    @staticmethod
    def fits(engine: Engine) -> bool:
        """Whether no strategy is called for a row, and the engine itself need not look at each."""
        several = any(len(bound) > 1 for bound in engine.dispatch.bound)
        if several or not engine.state.portfolio.single or any(row.away_ns for row in engine.instruments):
            return False
        return all(slot.declaration.step is None and not slot.declaration.needs and not _LISTENERS & set(slot.handlers) for slot in engine.slots)

    @property
    def ready(self) -> bool:
        """Whether nothing waits for the next row."""
        engine = self._engine
        return not engine.patience.stuck and not engine.state.filled and not engine.state.courses and not engine.levels.each_row

    def run(self, lo: int, hi: int, touch: Sequence[tuple[int, float, float]]) -> tuple[Effect, ...]:
        """Walk rows [lo, hi), which must end with an instant, as far as no order is touched and nothing has to be decided.

        touch: (instrument, floor, ceiling) of those with resting orders. The engine stands behind the last row walked.
        """
        engine, book, tally = self._engine, self._book, self._tally
        state, portfolio, levels = engine.state, engine.state.portfolio, engine.levels
        for i, low, high in touch:
            self._floor[i] = low
            self._ceiling[i] = high
        book[:, kernels.HELD] = portfolio.lots
        book[:, kernels.VALUE] = portfolio.value
        book[:, kernels.MARKED] = portfolio.marked
        book[:, kernels.QUOTED] = -1
        marks = np.array(portfolio.marks, np.float64)
        tally[:] = portfolio.cash[0], portfolio.worth[0], state.peak
        least, fall = levels.alert() if levels.watching else (-_INF, _INF)
        at, why = kernels.coast.jit(
            lo, hi, tuple(self._rows[:6]), self._floor, self._ceiling, book, marks, self._scale, tally, float(least), float(fall)
        )
        for i, _, _ in touch:
            self._floor[i] = -_INF
            self._ceiling[i] = _INF
        self.quotes.clear()
        if at == lo:
            return NONE
        state.rows = at
        state.now = max(state.now, self._rows.known.item(at - 1))
        portfolio.value[:] = book[:, kernels.VALUE].tolist()
        portfolio.marked[:] = book[:, kernels.MARKED].tolist()
        portfolio.marks[:] = marks.tolist()
        portfolio.worth[0] = tally.item(kernels.WORTH)
        state.peak = tally.item(kernels.PEAK)
        self.quotes.update((i, row) for i, row in enumerate(book[:, kernels.QUOTED].tolist()) if row >= 0)
        for i, row in self.quotes.items():
            state.quotes[i] = (self._rows.bid.item(row), self._rows.ask.item(row))
        if why == kernels.ALERT:
            levels.check()
            if engine.dirty or engine.effects:
                return engine.decide()
        return NONE
