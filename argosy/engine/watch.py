"""The protections that the engine itself watches: where several strategies hold an instrument, only one stop rests at the venue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from argosy.core.events import Bar, MarketEvent
from argosy.engine.state import State


def reached(state: State, bound: Sequence[str], event: MarketEvent) -> Iterator[tuple[str, str]]:
    """(strategy, "stop" or "take") of each own level that a market row reached; none while only one strategy holds or wants.

    bound: the strategies bound to the row's instrument. A bar that reaches both is taken for the worse one, the stop.
    """
    i = event.instrument
    books, wishes = state.portfolio.books, state.wishes
    holders = [name for name in bound if books[name].lots[i] or ((wish := wishes.get((name, i))) is not None and wish.lots)]
    if len(holders) < 2:
        return
    low, high = (event.low, event.high) if type(event) is Bar else (state.portfolio.marks[i],) * 2
    for strategy in holders:
        wish = wishes.get((strategy, i))
        lots = books[strategy].lots[i]
        if wish is None or wish.protection is None or not lots or wish.lots == 0:
            continue
        stop, take = wish.protection.stop, wish.protection.take
        if low <= stop if lots > 0 else high >= stop:
            yield strategy, "stop"
        elif high >= take if lots > 0 else low <= take:
            yield strategy, "take"
