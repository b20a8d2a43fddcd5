"""A state as plain values, and a name of it: what two states are compared by; `now`, the time of the last event, is outside."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from argosy.engine.state import State


def snapshot(state: State) -> dict[str, object]:
    """Plain values of everything but `now`, the quotes at hand, and what a journal's refusals and counts say (`bare`, `patience`, `storms`).

    What newer schemas add is left out for the journal of an older one, whose state keeps its name.
    """
    found: dict[str, object] = {
        "portfolio": state.portfolio.snapshot(),
        "blotter": state.blotter.snapshot(),
        "counters": state.counters.snapshot(),
        "wishes": [(key, wish.snapshot()) for key, wish in sorted(state.wishes.items())],
        "level": (state.level, state.level_cause, state.clean),
        "status": sorted(state.status.items()),
        "risk": (state.peak, state.day_start, sorted(state.unrated.items())),
        "turn": state.turn,
        "sessions": [msgspec.to_builtins(session) for _, session in sorted(state.sessions.items())],
        "barred": (sorted(state.halted), sorted(state.delisted), *((sorted(state.drifted), sorted(state.stopped)) if state.drifted else ())),
        "factor": state.factor[:],
        "timers": sorted(state.timers),
        "facts": [msgspec.to_builtins(fact) for _, fact in sorted(state.facts.items())],
        "forecasts": [msgspec.to_builtins(forecast) for _, forecast in sorted(state.forecasts.items())],
        "rows": state.rows,
    }
    if state.schema >= 3:
        found["conditions"] = state.conditions.snapshot()
        found["latched"] = (state.day_base, state.causes[:], state.unguarded, state.done)
    return found


def name(state: State) -> str:
    """Equal states have equal names (32 hex digits)."""
    return blake2b(msgspec.msgpack.encode(snapshot(state), order="sorted"), digest_size=16).hexdigest()
