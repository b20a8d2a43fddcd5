"""The courses that are under way, by strategy and instrument; part of the state, changed by its records and market rows alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from argosy.core.events import MarketEvent
from argosy.core.intents import Ladder, Target
from argosy.core.time import NEVER
from argosy.engine.algos.course import Course, goes_on, plot
from argosy.engine.records import Released, Wanted

if TYPE_CHECKING:
    from argosy.engine.state import State


class Courses(dict[tuple[str, int], Course]):
    """(strategy, instrument) -> the course of its wish; only those that still hold something back."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self._state = state

    def see(self, row: MarketEvent) -> None:
        """Count what a market row says was traded."""
        for (_, instrument), course in self.items():
            if instrument == row.instrument:
                course.see(row)

    def lay(self, wanted: Wanted) -> None:
        """Which course a new word leads on, before it becomes the wish: a new one, that of the same target, or none."""
        state, intent, strategy = self._state, wanted.intent, wanted.strategy
        if type(intent) is Ladder:
            return
        i = intent.instrument
        wish = state.wish(strategy, i)
        course = None
        if type(intent) is Target and intent.execution is not None:
            if wish.lots is not None and goes_on(wish.intent, intent) and (wish.course is not None or wish.lots == wanted.lots):
                if wish.course is not None:
                    wish.course.grow(wanted.lots - wish.lots)
                return
            session = state.sessions.get(state.instruments[i].calendar)
            closes = session.closes if session is not None and session.open else NEVER
            course = plot(intent, wanted.lots, state.portfolio.books[strategy].lots[i], wanted.at, closes)
        self.end(strategy, i)
        if course is not None:
            self[strategy, i] = wish.course = course

    def release(self, released: Released) -> None:
        """Let a course go on; one that holds nothing back is at its end."""
        course = self[released.strategy, released.instrument]
        course.back = released.back
        if not course.back:
            self.end(released.strategy, released.instrument)

    def end(self, strategy: str, instrument: int) -> None:
        """Take a course away; its wish is then what it says."""
        if self.pop((strategy, instrument), None) is not None:
            self._state.wishes[strategy, instrument].course = None

    def guarded(self, strategy: str, instrument: int, signed: int) -> None:
        """A stop or target traded `signed` lots: it ends a course that was going the other way, and what that held back."""
        course = self.get((strategy, instrument))
        wish = self._state.wishes.get((strategy, instrument))
        if course is not None and wish is not None and wish.lots is not None and signed * course.side < 0:
            wish.lots -= course.side * course.back
            self.end(strategy, instrument)
