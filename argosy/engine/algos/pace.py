"""Moves paced targets on: releases what is due by now and asks to be woken when time alone will do so; it plans and sends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from argosy.core.effects import SetTimer
from argosy.core.time import NEVER
from argosy.engine.allocator import wished, working
from argosy.engine.records import Given, Released

if TYPE_CHECKING:
    from argosy.engine.engine import Engine

TIMER = "execution"


def pace(engine: Engine) -> None:
    """Release what is due of each paced target. At its end, what is left of one without a schedule is given up."""
    state = engine.state
    for key, course in sorted(state.courses.items()):
        strategy, i = key
        row = state.instruments[i]
        if course.end <= state.now and not course.every:
            engine.record(Given(strategy, i, "SESSION"))
            engine.dirty.add(i)
            continue
        done = wished(state, strategy, i) == state.portfolio.books[strategy].lots[i] and strategy not in working(state, i)
        back, at = course.due(state.now, float(row.lot), row.min_lots, done)
        if back < course.back:
            engine.record(Released(strategy, i, back))
            engine.dirty.add(i)
        if back and at != NEVER and (at, TIMER, strategy) not in state.timers:
            timer = SetTimer(TIMER, at, strategy)
            engine.record(timer)
            engine.effects.append(timer)
