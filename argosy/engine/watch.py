"""The levels that the engine itself watches: those of several holders, of whom one stop rests at the venue, and those of a stop that is away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from argosy.core.events import Bar, MarketEvent
from argosy.core.orders import Work
from argosy.engine.allocator import wished, working
from argosy.engine.saga import there
from argosy.engine.state import State

_GUARDS = frozenset({Work.ACKED, Work.WORKING, Work.PENDING_REPLACE})


def reached(state: State, bound: Sequence[str], event: MarketEvent) -> Iterator[tuple[str, str]]:
    """(strategy, "stop" or "take") of each own level that a market row reached; none of one holder whose stop rests at the venue.

    bound: the strategies bound to the row's instrument. A bar that reaches both is taken for the worse one, the stop.
    """
    i = event.instrument
    books, wishes = state.portfolio.books, state.wishes
    if len(bound) == 1 and ((only := wishes.get((bound[0], i))) is None or only.protection is None):
        return
    holders = [name for name in bound if books[name].lots[i] or ((wish := wishes.get((name, i))) is not None and wish.lots)]
    if len(holders) < 2 and (not state.instruments[i].away_ns or guarded(state, i)):
        return
    low, high = (event.low, event.high) if type(event) is Bar else (state.portfolio.marks[i],) * 2
    for strategy in holders:
        wish = wishes.get((strategy, i))
        lots = books[strategy].lots[i]
        if wish is None or wish.protection is None or not lots:
            continue
        if wish.lots is not None and (wish.lots * lots < 0 or (wish.lots == 0 and wish.limit != wish.limit)):
            continue  # it gets out already; and where it turns, the level is that of the side it turns to
        stop, take = wish.protection.stop, wish.protection.take
        if low <= stop if lots > 0 else high >= stop:
            yield strategy, "stop"
        elif high >= take if lots > 0 else low <= take:
            yield strategy, "take"


def guarded(state: State, i: int) -> bool:
    """Whether a stop rests at the venue, as far as is known: not on its way there or out, and no leg of what has not filled whole."""
    open_ = state.blotter.open[i]
    return any(
        ticket.order.tag in ("stop", "trail") and ticket.work in _GUARDS and not ticket.cancelling and ticket.order.parent not in open_
        for ticket in open_.values()
    )  # fmt: skip


def due(state: State, bound: Sequence[str], i: int) -> bool:
    """Whether a limit has its price that was held back because of a protection of ours, or of what another holds (`engine.saga`)."""
    open_ = state.blotter.open[i]
    if not state.instruments[i].away_ns or not (open_ or state.portfolio.lots[i]):
        return False
    out = {ticket.order.tag for ticket in open_.values()}
    for strategy in bound:
        wish = state.wishes.get((strategy, i))
        if wish is None:
            continue
        lacks = wished(state, strategy, i) - state.portfolio.books[strategy].lots[i] - working(state, i).get(strategy, 0)
        if lacks and wish.limit == wish.limit and there(state, i, 1 if lacks > 0 else -1, wish.limit):
            return True
        if any(f"rung:{name}" not in out and name not in wish.spent and there(state, i, rung.side, rung.px) for name, rung in wish.rungs.items()):
            return True
    return False
