"""What an intent does: it is recorded, and its instrument planned; where all is plain, its order goes the straight way to the venue.

The straight way is an abridgement of `want`, `plan` and `send`, and no second opinion: what it does not know to be plain it leaves to
them, untouched. The law that both ways record the same, byte for byte, is tests/laws/test_straight.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from argosy.core.effects import SetTimer, Submit
from argosy.core.errors import Misuse
from argosy.core.intents import Target
from argosy.core.money import INT_LIMIT
from argosy.core.orders import BUY, SELL, Order, Share, Tif, Type
from argosy.engine.algos.pace import pace
from argosy.engine.evaluate import judge
from argosy.engine.records import Reserve, Unsized, Wanted
from argosy.engine.state import LIVE

if TYPE_CHECKING:
    from argosy.engine.engine import Engine
    from argosy.engine.slot import Slot
    from argosy.engine.wish import Wish

NAN = float("nan")
"""Not the default of Order's fields but another: a journal leaves out a default and writes this, as for an order that was planned."""
_MARKET, _LIMIT = Type.MARKET, Type.LIMIT


def want(engine: Engine, slot: Slot, intent: Any) -> None:
    """Record an intent, or that it came to no size; a repeat of the standing one is a no-op, nonsense a failure."""
    said = judge(engine.state, slot.id, slot.cells, intent, engine.grains)
    if said is None:
        return
    if isinstance(said, Misuse):
        engine.fail(slot, intent, said)
        return
    engine.record(said)
    if type(said) is Unsized:
        return
    if type(intent) is Target and intent.horizon_ns:
        timer = SetTimer("horizon", engine.state.now + intent.horizon_ns, slot.id)
        engine.record(timer)
        engine.effects.append(timer)
    if engine.state.courses:
        pace(engine)
    engine.dirty.add(intent.instrument)


def straight(engine: Engine, slot: Slot, intent: Any) -> bool:
    """Take the one intent of an instant, with nothing else to plan. False: it is not plain, and nothing was done.

    True: it is recorded, and so is its order where no rule had anything to say; else its instrument is left to be planned.
    """
    state, i, strategy = engine.state, getattr(intent, "instrument", -1), slot.id
    if type(intent) is not Target or intent.horizon_ns or intent.execution is not None:
        return False
    if i not in slot.cells or state.blotter.open[i] or len(engine.dispatch.bound[i]) > 1 or state.status[strategy] != "active" or engine.muted:
        return False
    if state.level != LIVE or state.courses or state.bare.waits or state.patience.waits or engine.heartbeats:
        return False
    said = _anew(engine, slot, intent, state.wishes.get((strategy, i))) or judge(state, strategy, slot.cells, intent, engine.grains)
    if said is None:
        return True
    if type(said) is not Wanted:
        return False
    append, portfolio = engine.journal.append, state.portfolio
    engine.mark_rows()
    append(said)
    state.want(said)
    wish = state.wishes[strategy, i]
    held, wanted = portfolio.books[strategy].lots[i], said.lots
    if wish.rungs or wish.protection is not None or held != portfolio.lots[i] or held < 0 < wanted or wanted < 0 < held:
        engine.dirty.add(i)
        return True
    if wanted == held:
        return True
    limit, lots = wish.limit, abs(wanted - held)
    order = Order(
        engine.journal.seq * 4, i, BUY if wanted > held else SELL, lots, _LIMIT if limit == limit else _MARKET, limit, NAN, NAN, tif=wish.tif,
        reduce_only=abs(wanted) < abs(held), shares=(Share(strategy, lots),), why=intent.why,
    )  # fmt: skip
    verdict = engine.gate.swift(order, engine.view)
    if verdict is None:
        engine.dirty.add(i)
        return True
    assert verdict.approved is not None
    submit = Submit(verdict.approved)
    reserve = Reserve(submit, engine.view.reservation(order), verdict.exit)
    append(reserve)
    state.reserve(reserve)
    engine.effects.append(submit)
    return True


def _anew(engine: Engine, slot: Slot, intent: Target, wish: Wish | None) -> Wanted | None:
    """What `judge` makes of other whole lots than those that stand, of which there is nothing to judge; None: it is to be asked."""
    lots, standing = intent.lots, wish.intent if wish is not None else None
    if type(lots) is int and type(standing) is Target and lots != standing.lots and intent.weight is None and intent.notional is None:
        return Wanted(slot.id, intent, lots, engine.state.now) if abs(lots) < INT_LIMIT and intent.tif is not Tif.GTD else None
    return None
