"""The fold: a state rebuilt from a journal, from recorded facts and decisions only; it never calls a strategy, model or rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from argosy.core import events as ev
from argosy.core.errors import Broken
from argosy.engine.journal import Rows
from argosy.engine.state import State


class RowFeed:
    """Brings a state's market rows to where its journal says, settling at the end of each instant."""

    def __init__(
        self,
        state: State,
        rows: Iterator[ev.MarketEvent],
        on_instant: Callable[[list[ev.MarketEvent]], None] | None = None,
    ) -> None:
        self._on_instant = on_instant
        self._state = state
        self._rows = rows
        self._ahead: ev.MarketEvent | None = None
        self._events = 0
        self._due = 0

    def upto(self, row: int) -> None:
        """Apply rows until `row`, instant by instant."""
        state = self._state
        instant: list[ev.MarketEvent] = []
        while state.rows < row:
            event = self._ahead if self._ahead is not None else next(self._rows, None)
            self._ahead = None
            if event is None:
                raise Broken("ROWS_MISSING", f"the source has {state.rows} rows, the journal {row}")
            state.row(event)
            instant.append(event)
            if state.rows < row:
                self._ahead = next(self._rows, None)
            if self._ahead is None or self._ahead.known != event.known:
                state.settle()
                if self._on_instant is not None:
                    self._on_instant(instant)
                instant = []

    def hold(self, events: int, rows: int) -> None:
        """An instant of `events` records and then `rows` market rows begins."""
        self._events, self._due = events, rows

    def counted(self) -> bool:
        """One record was applied; market rows of its marked instant follow its last. True while the instant is not whole."""
        if not self._events:
            return False
        self._events -= 1
        if self._events:
            return True
        if self._due:
            self.upto(self._state.rows + self._due)
        return False


def fold(records: Iterable[tuple[int, Any]], state: State, rows: Iterator[ev.MarketEvent]) -> State:
    """Rebuild the state from a journal: recorded facts and decisions only, market rows from the run's own source.

    state: a fresh State of the same instruments, base, strategies; rows: the run's market rows from the first on.
    Raises Broken("ROWS_MISSING") when the source ends before the journal does.
    """
    feed = RowFeed(state, rows)
    for _, record in records:
        if type(record) is Rows:
            feed.upto(record.upto)
            if record.events:
                feed.hold(record.events, record.rows)
            continue
        state.apply(record)
        feed.counted()
    state.filled.clear()
    return state
