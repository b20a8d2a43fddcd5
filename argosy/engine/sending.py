"""Passes what was planned through the gate: numbers the drafts, records the verdicts, asks for what was approved; it plans nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from argosy.core.effects import Submit
from argosy.engine.journal import Reserve
from argosy.engine.outcomes import PROTECTIONS
from argosy.engine.planner import Draft, order_of
from argosy.engine.records import Verdict
from argosy.engine.shelter import afresh, shelter
from argosy.engine.touch import declined, unprotected

if TYPE_CHECKING:
    from argosy.engine.engine import Engine


def may_leave(engine: Engine, exits: Sequence[Draft]) -> bool:
    """Ask the gate about exits before their stops make way; what it refuses is recorded, and planned without."""
    if engine.patience.waits and any(tired(engine, draft) for draft in exits):
        return False
    allowed = True
    for draft in exits:
        engine.mark_rows()
        order, legs = order_of(draft, engine.journal.seq * 4, 0)
        refused = engine.gate.admit(order, legs, engine.view).refused
        if refused is not None and shelter(engine, draft, refused):
            allowed = False
        elif refused is not None:
            engine.record(Verdict(order, refused))
            engine.dirty.add(draft.instrument)
            allowed = False
    return allowed


def send(engine: Engine, drafts: list[Draft]) -> None:
    """Number the drafts, exits first, pass them through the gate, record the verdicts."""
    view, gate, state = engine.view, engine.gate, engine.state
    if len(drafts) > 1:
        drafts = sorted(drafts, key=lambda draft: _priority(engine, draft))
    pair, paired = 0, (-1, "")
    for draft in drafts:
        if state.bare.asleep(draft.instrument, draft.tag, state.rows):
            continue
        if state.patience.waits and tired(engine, draft):
            continue
        engine.mark_rows()
        number = engine.journal.seq * 4
        whose = (draft.instrument, draft.shares[0].strategy)
        pair = (pair if pair and whose == paired else number) if draft.paired else 0
        paired = whose
        order, legs = order_of(draft, number, pair)
        verdict = gate.admit(order, legs, view)
        approved, refused = verdict.approved, declined(draft, verdict)
        if shelter(engine, draft, refused) if refused is not None else afresh(engine, draft):
            continue
        if refused is not None:
            engine.record(Verdict(order, refused))
            if draft.tag in PROTECTIONS:
                unprotected(engine, draft, refused.code)
            elif draft.reduce_only or (refused.code == "TRADE_INTERVAL" and len(draft.shares) > 1) or engine.instruments[draft.instrument].away_ns:
                engine.dirty.add(draft.instrument)  # what was away for it comes back; who need not wait goes alone
            continue
        if verdict.trimmed is not None:
            engine.record(Verdict(order, verdict.trimmed))
            if draft.reduce_only:
                engine.dirty.add(draft.instrument)  # what may not go yet gets its stop
        assert approved is not None
        submit = Submit(approved)
        engine.record(Reserve(submit, view.reservation(approved.order), verdict.exit))
        engine.effects.append(submit)


def tired(engine: Engine, draft: Draft) -> bool:
    """Whether the venue refused the same thing so often that it is asked for later; time brings it back."""
    what = draft.tag or ("exit" if draft.reduce_only else "entry")
    return engine.patience.asleep((draft.instrument, what), engine.state.now)


def _priority(engine: Engine, draft: Draft) -> tuple[int, str, int, str]:
    exits = draft.reduce_only or engine.state.portfolio.lots[draft.instrument] * draft.side < 0
    return (0 if exits else 1, draft.shares[0].strategy, draft.instrument, draft.tag)
