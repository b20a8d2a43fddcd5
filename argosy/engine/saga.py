"""Keeps orders of both sides apart where their venue will not have them beside each other: what must go first goes, what can wait is held.

A saga is no program of its own: cancel the stop, hear that it is gone, trade, protect what is held then. Each call of the planner takes
out of the plan what the venue would refuse now, and asks for what stands in its way. It never leaves a protection away for what the gate
refuses, nor for longer than the venue's own facts say: then it is given up, and the protection comes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from argosy.core.effects import Alarm, SetTimer
from argosy.core.intents import Protection
from argosy.core.orders import Order, Tif, Type
from argosy.engine.allocator import wished
from argosy.engine.blotter import Ticket
from argosy.engine.drafts import Draft, Plan
from argosy.engine.guards import ENDING
from argosy.engine.outcomes import PROTECTIONS
from argosy.engine.records import Given
from argosy.engine.state import State

if TYPE_CHECKING:
    from argosy.core.events import Timer
    from argosy.engine.engine import Engine

NAME, OWN = "saga ", "*"
"""A timer of a saga: its name with the protection that made way behind it, and for whom it is: no strategy."""
HELD = 3
"""Of `turn`: it is held until its price is there."""
_LIMIT = Type.LIMIT
_RESTING = frozenset({Tif.DAY, Tif.GTC, Tif.GTD})


def apart(state: State, i: int, out: Plan) -> None:
    """Take out of a plan what the venue would refuse beside what is open there, or beside what goes out before it.

    Exits come first, then what trades at once, then protections, then what rests. What rests goes out with a stop as its leg, for such
    orders are exempt, or it is held until its price is there. What opens waits until what closes has filled.
    """
    asked, out.drafts = out.drafts, []
    held = state.portfolio.lots[i]
    ahead = [exit for exit in out.exits if not any(exit is one for one in asked)]  # they wait for their own stops
    if not out.way:
        out.exits = []
    for draft in sorted(asked, key=lambda draft: _rank(state, draft)):
        if not draft.tag and not draft.reduce_only and held * draft.side < 0:
            continue
        if state.patience.waits and state.patience.asleep((i, draft.tag or ("exit" if draft.reduce_only else "entry")), state.now):
            continue  # it will not be sent: nothing waits for it
        if held * draft.side < 0 and _short(state, draft, ahead):
            keeps = [one for one in state.blotter.open[i].values() if _keeps(one, draft)]
            if keeps:
                _withdraw(keeps, out)
                ahead.append(draft)
            if keeps or _of_ladder(draft):
                continue
        beside = [one for one in ahead if _clash(draft, one, one.protection is not None or one.paired)]
        first = [one for one in state.blotter.open[i].values() if not one.leg and _clash(draft, one.order, linked(state, one.order))]
        if not beside and not first:
            out.drafts.append(draft)
        elif draft.tag in PROTECTIONS:
            _withdraw([one for one in first if rests(state, one.order)], out)
        elif not draft.reduce_only and rests(state, draft):
            tags = {one.tag for one in beside} | {one.order.tag for one in first}
            if not tags <= set(PROTECTIONS) or not _leads(state, draft):
                continue
            out.drafts.append(draft)
        elif not beside:
            _before(state, draft, first, out)
        ahead.append(draft)


def _short(state: State, draft: Draft, ahead: list[Draft]) -> bool:
    """Whether other orders keep so much of the position that too little is left for one against it."""
    kept: dict[int, int] = {}
    for one in state.blotter.open[draft.instrument].values():
        if one.order.side == draft.side and not one.leg:
            key = one.order.group or -one.order.id
            kept[key] = max(kept.get(key, 0), one.leaves)
    going = sum(one.lots for one in ahead if one.side == draft.side and not (one.paired and (draft.paired or one.tag == "take")))
    return draft.lots > abs(state.portfolio.lots[draft.instrument]) - sum(kept.values()) - going


def _keeps(ticket: Ticket, draft: Draft) -> bool:
    """Whether an open order makes way for what needs its part of the position: a rung for all but rungs, and of stop and target that
    stand alone each for the other, for the venue has both as one order only."""
    order = ticket.order
    if order.side != draft.side or ticket.leg or _of_ladder(draft):
        return False
    return _of_ladder(order) or (not draft.paired and {draft.tag, order.tag} == {"stop", "take"})


def _of_ladder(one: Order | Draft) -> bool:
    return one.tag.startswith("rung:")


def _rank(state: State, draft: Draft) -> int:
    """Who goes first: 0 exits at once, 1 what else trades at once, 2 protections, 3 exits that rest, 4 what else rests and what a ladder
    takes off a position."""
    if draft.tag in PROTECTIONS:
        return 2
    if _of_ladder(draft) and state.portfolio.lots[draft.instrument] * draft.side < 0:
        return 4
    return (0 if draft.reduce_only else 1) + (3 if rests(state, draft) else 0)


def _clash(draft: Draft, other: Order | Draft, complex_: bool) -> bool:
    """Whether a draft may not go out beside another order. complex_: that one is part of a complex order.

    Two limits may stand on both sides (whether they cross is the gate's question). Plain children of both sides never do: either may
    carry the position through zero that the other was meant for. A stop makes way for a simple child even as a leg, for after the
    trade there is to be another one anyway.
    """
    if draft.side == other.side:
        return False
    if not draft.tag and not other.tag:
        return True
    if draft.protection is not None or draft.paired or (draft.type is _LIMIT and other.type is _LIMIT):
        return False
    return not complex_ or (draft.tag not in PROTECTIONS and other.tag in ("stop", "trail"))


def linked(state: State, order: Order) -> bool:
    """Whether an order went out as part of a complex one: with legs, as a leg, or as one of two that cancel each other."""
    return bool(order.parent or order.group or state.blotter.legs(order.id))


def rests(state: State, order: Order | Draft) -> bool:
    """Whether an order waits for a price that is not there: everything else trades at once, or as soon as it may."""
    return order.type is _LIMIT and _waits(state, order.instrument, order.side, order.limit, order.tif)


def _waits(state: State, i: int, side: int, limit: float, tif: int) -> bool:
    return tif in _RESTING and not there(state, i, side, limit)


def there(state: State, i: int, side: int, limit: float) -> bool:
    """Whether the market is where a limit trades: at the far side of the quote, or at the mark."""
    bid, ask = state.quotes[i]
    far = ask if side > 0 else bid
    return (limit - (far if far == far else state.portfolio.marks[i])) * side >= 0.0


def _leads(state: State, draft: Draft) -> bool:
    """Give an entry that rests the widest stop of those whom it is for as its leg; False where it cannot have one."""
    row = state.instruments[draft.instrument]
    if draft.tag or row.kind != "equity" or draft.tif is Tif.GTD or row.units(draft.lots) % 1:
        return False
    levels = []
    for share in draft.shares:
        protection = state.wishes[share.strategy, draft.instrument].protection
        stop = protection.stop if protection is not None else draft.limit
        if not (draft.limit - stop) * draft.side > 0.0 or state.portfolio.books[share.strategy].lots[draft.instrument] * draft.side < 0:
            return False
        levels.append(stop)
    draft.protection = Protection(stop=min(levels) if draft.side > 0 else max(levels))
    return True


def _before(state: State, draft: Draft, first: list[Ticket], out: Plan) -> None:
    """What must go before a draft: orders of the other side that rest (for an exit all of them), and when they have gone, protections."""
    others = [one for one in first if one.order.tag not in PROTECTIONS]
    _withdraw([one for one in others if draft.reduce_only or rests(state, one.order)], out)
    if not others:
        out.exits.append(draft)
        out.way += [one.order.id for one in first if not _leaves(one) and one.order.id not in (*out.way, *out.cancels)]
        out.saga = first[0].order.id


def _withdraw(tickets: list[Ticket], out: Plan) -> None:
    out.cancels += [one.order.id for one in tickets if not _leaves(one) and one.order.id not in out.cancels]


def _leaves(ticket: Ticket) -> bool:
    return ticket.cancelling or ticket.work in ENDING


# -- whose part of a position it is --------------------------------------------------------------------------------------------


def turn(state: State, i: int, side: int, limit: float | None, tif: int, strategies: Sequence[str]) -> int:
    """Who may take the account's position first: 0 who gets out of its own at once, 1 who opens its own against it at once, 2 who gets
    out when its price is there; HELD: who would open with what rests, and keep the position from those who hold it and from their stops.
    """
    rest = limit is not None and _waits(state, i, side, limit, tif)
    if any(state.portfolio.books[strategy].lots[i] * side < 0 for strategy in strategies):
        return 2 if rest else 0
    return HELD if rest else 1


def keeping(state: State, i: int, lots: int) -> list[int]:
    """Plain orders that rest and keep so much of the position that what trades at once, of so many lots, finds too little of it: they make way."""
    held = state.portfolio.lots[i]
    against = [one for one in state.blotter.open[i].values() if not one.order.tag and one.order.side * held < 0]
    if min(lots, abs(held)) <= abs(held) - sum(one.leaves for one in against):
        return []
    return [one.order.id for one in against if rests(state, one.order) and not _leaves(one)]


# -- a saga that takes too long ----------------------------------------------------------------------------------------------


def begun(engine: Engine, i: int, guard: int) -> None:
    """A protection makes way for an order: the time that it may be away for it begins, once."""
    state, name = engine.state, f"{NAME}{guard}"
    if _leaves(state.blotter.tickets[guard]) and not any(name == known for _, known, _ in state.timers):
        timer = SetTimer(name, state.now + state.instruments[i].away_ns, OWN)
        engine.record(timer)
        engine.effects.append(timer)


def late(engine: Engine, timer: Timer) -> None:
    """The time is over: where the protection is not gone yet, or what it made way for still works, that is wanted no more."""
    state = engine.state
    guard = state.blotter.tickets.get(int(timer.name.removeprefix(NAME)))
    if guard is None:
        return
    i, side, open_ = guard.order.instrument, guard.order.side, state.blotter.open[guard.order.instrument]
    after = [one for one in open_.values() if one.order.id > guard.order.id]
    stuck = guard.order.id in open_ and _leaves(guard)
    back = any(one.order.tag in PROTECTIONS and not one.leg and not _leaves(one) for one in after)
    working = [one for one in after if one.order.tag not in PROTECTIONS and one.order.side != side]
    if not stuck and (back or not working):
        return
    for strategy, instrument in sorted(state.wishes):
        wish = state.wishes[strategy, instrument]
        if instrument == i and (wish.rungs or (wished(state, strategy, i) - state.portfolio.books[strategy].lots[i]) * side < 0):
            engine.record(Given(strategy, i, "SAGA"))
    what = "the protection that was to make way is not gone" if stuck else "the order that a protection made way for is not done"
    engine.do(Alarm("SAGA_LATE", f"{state.instruments[i].symbol}: {what}; it is wanted no more", "page"))
    engine.dirty.add(i)


__all__ = ["HELD", "NAME", "apart", "begun", "keeping", "late", "linked", "rests", "there", "turn"]
