"""What an account event makes worth planning again, and what the engine itself must do about it; it plans and sends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from argosy.core import events as ev
from argosy.core.effects import Alarm
from argosy.core.intents import Target
from argosy.core.orders import Order, Refused
from argosy.engine.algos.pace import pace
from argosy.engine.journal import Given, Wanted
from argosy.engine.patience import PARKED, key_of
from argosy.engine.planner import content
from argosy.engine.saga import NAME, late
from argosy.engine.state import LIVE, PROBE

if TYPE_CHECKING:
    from argosy.engine.engine import Engine
    from argosy.engine.planner import Draft
    from argosy.engine.risk import Verdict


_COUNTED = frozenset({ev.Fill, ev.Reply, ev.OrderUpdate, ev.Status, ev.Delist, ev.Adjust})
"""What may trip a breaker, or end a flattening, between two market rows."""


def touch(engine: Engine, event: ev.Event) -> None:
    """What an account event makes worth planning again, and what the engine itself must do about it."""
    kind = type(event)
    dirty = engine.dirty
    if kind is ev.Fill:
        i = event.instrument  # type: ignore[attr-defined]
        if engine.state.blotter.open[i] or not content(engine.state, i, engine.dispatch.bound[i]):
            dirty.add(i)
    elif kind is ev.Reply or kind is ev.OrderUpdate:
        ticket = engine.state.blotter.tickets.get(event.order)  # type: ignore[attr-defined]
        refused = kind is ev.Reply and event.outcome == "refused"  # type: ignore[attr-defined]
        if ticket is not None and refused and _tires(engine, ticket.order, event):  # type: ignore[arg-type]
            pass
        elif ticket is not None:
            order = ticket.order
            accepted = kind is ev.Reply and event.outcome == "accepted"  # type: ignore[attr-defined]
            if not accepted or order.tag or any(engine.state.turned(share.strategy, order.instrument) > ticket.turn for share in order.shares):
                dirty.add(order.instrument)
    elif kind is ev.Timer and event.name.startswith(NAME):  # type: ignore[attr-defined]
        late(engine, event)  # type: ignore[arg-type]
    elif kind is ev.Timer:
        _expire(engine, event)  # type: ignore[arg-type]
    elif kind is ev.Status or kind is ev.Session:
        dirty |= engine.state.bare.instruments  # what could not be protected may be so now
    elif kind is ev.Split:
        engine.rescale(event)  # type: ignore[arg-type]
    elif kind in (ev.Exercise, ev.Assignment, ev.Expiry):
        dirty.update(i for i in (event.instrument, event.underlying) if i >= 0)  # type: ignore[attr-defined]
    elif kind in (ev.Bust, ev.Reversal, ev.Delist, ev.Adjust):
        if engine.state.stray and kind in (ev.Bust, ev.Reversal):
            text = f"{event.execution} was taken back and is not known: reconcile"  # type: ignore[attr-defined]
            engine.do(Alarm("EXECUTION_UNKNOWN", text, "page"))
        dirty.update(range(len(engine.instruments)) if getattr(event, "instrument", -1) < 0 else (event.instrument,))  # type: ignore[attr-defined]
    elif kind is ev.Command:
        engine.levels.command(event)  # type: ignore[arg-type]
    elif kind is ev.Latch:
        engine.levels.latched(event.level)  # type: ignore[attr-defined]
        if event.level < engine.state.level:  # type: ignore[attr-defined]
            engine.do(Alarm("LEVEL_LATCHED", f"a latch by {event.by} is less than what is latched; only resume leads down"))  # type: ignore[attr-defined]
    elif kind is ev.Account and engine.state.level == PROBE and engine.state.clean >= engine.levels.breakers.probe_clean:
        engine.levels.latch(LIVE, "PROBE_CLEAN")
    levels = engine.levels
    if levels.each_row and kind in _COUNTED:
        levels.count()
    if engine.state.courses and (kind is ev.Fill or kind is ev.Timer):
        pace(engine)


def _tires(engine: Engine, order: Order, reply: ev.Reply) -> bool:
    """The venue refuses again and again, in one moment or one after another: say so once, and let time pass."""
    i, patience = order.instrument, engine.patience
    symbol, code = engine.instruments[i].symbol, reply.code or "no code"
    if spent := patience.spent(i, engine.state.now):
        if spent == 1:
            engine.do(Alarm("VENUE_REFUSES", f"{symbol}: refused again and again with {code}", "page"))
        return True
    key = key_of(order) if reply.verb == "submit" else (i, f"{reply.verb} {order.id}")
    if patience.tries(key) == PARKED:
        what = f"{reply.verb} of order {order.id}" if reply.verb != "submit" else key[1]
        text = f"{symbol}: the venue goes on refusing the {what} with {code}; it is asked ever more seldom"
        engine.do(Alarm("CANCEL_REFUSED" if reply.verb == "cancel" else "VENUE_REFUSES", text, "page"))
    if order.tag or order.reduce_only or reply.verb != "submit":
        return patience.asleep(key, engine.state.now)
    return False


def declined(draft: Draft, verdict: Verdict) -> Refused | None:
    """What the gate refused; the common stop of several holders is whole or is not, for a part of it would be exchanged for ever."""
    if draft.common and verdict.trimmed is not None:
        return Refused(verdict.trimmed.code, verdict.trimmed.numbers, "a stop of several holders is not divided")
    return verdict.refused


def unprotected(engine: Engine, draft: Draft, code: str) -> None:
    """The gate refused a stop or target: say so once, and ask again, ever more seldom, until it may rest."""
    if engine.state.bare.tries(draft.instrument, draft.tag) == 1:
        text = f"{engine.instruments[draft.instrument].symbol}: its {draft.tag} was refused with {code}"
        engine.do(Alarm("PROTECTION_REFUSED", text, "page"))


def _expire(engine: Engine, timer: ev.Timer) -> None:
    """Give up wishes whose horizon has come."""
    for strategy, i in sorted(engine.state.wishes):
        wish = engine.state.wishes[strategy, i]
        if wish.until <= timer.known:
            engine.record(Given(strategy, i, "HORIZON"))
            if wish.on_expiry == "flat":
                engine.record(Wanted(strategy, Target(i, lots=0, why="horizon reached"), 0, timer.known, "horizon"))
            engine.dirty.add(i)
