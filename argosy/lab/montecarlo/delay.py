"""A strategy that is heard late: what it wants reaches the market some bars after it said so; it decides exactly as before."""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec

from argosy.core.errors import Misuse
from argosy.core.strategy import ABSENT, Out

LEVELS = ("target", "limit", "stop", "take")


def delayed(cls: type, bars: int) -> type:
    """The strategy whose wishes are `bars` bars late, its own class at 0; run it through the engine, it is not compiled.

    A step strategy's four numbers are handed on `bars` bars of the instrument later; of others, what `on_bar` answers is (prices in it as
    they were then). Answers to other events are not late. Misuse("MONTE_DELAY") for fewer bars than none, and for a strategy that
    hears no bars or declares what wakes it (it would be asked too seldom to be heard in time).
    """
    if bars < 0:
        raise Misuse("MONTE_DELAY", f"{bars} bars is no delay", where="delays", fix="0 or more")
    if bars == 0:
        return cls
    if getattr(cls, "wakes", ()):
        raise Misuse("MONTE_DELAY", f"{cls.__name__} is woken, not asked on every bar", where=cls.__qualname__, fix="leave delays out")
    step, on_bar = getattr(cls, "step", None), getattr(cls, "on_bar", None)
    own: dict[str, Any] = {"__module__": cls.__module__, "__doc__": cls.__doc__, "explain": None}
    if step is not None:
        own |= _late_step(cls, step, bars)
    elif on_bar is not None:
        own["on_bar"] = _late_bar(on_bar, bars)
    else:
        raise Misuse("MONTE_DELAY", f"{cls.__name__} hears no bars, so nothing of it can be bars late", where=cls.__qualname__)
    return type(cls.__name__, (cls,), own)


def _late_step(cls: type, step: Any, bars: int) -> dict[str, Any]:
    """A step whose own numbers, and those under way, are kept in its state; `waiting` counts the bars so far."""
    state: type[msgspec.Struct] = getattr(cls, "state", msgspec.Struct)
    names = [f"late_{k}_{level}" for k in range(bars + 1) for level in LEVELS]
    bases = (state,) if issubclass(state, msgspec.Struct) and state is not msgspec.Struct else ()
    made = msgspec.defstruct(f"Late{state.__name__}", [(name, float, ABSENT) for name in names], bases=bases)
    prices = (f"late_{k}_{level}" for k in range(bars + 1) for level in LEVELS[1:])

    def later(row: Any, needs: Any, state: Any, params: Any, out: Any) -> None:
        mine = Out()
        for level in LEVELS:
            setattr(mine, level, getattr(state, f"late_0_{level}"))
        step(row, needs, state, params, mine)
        for level in LEVELS:
            setattr(out, level, getattr(state, f"late_{bars - 1}_{level}"))
            for k in range(bars, 0, -1):
                setattr(state, f"late_{k}_{level}", getattr(state, f"late_{k - 1}_{level}"))
            setattr(state, f"late_0_{level}", getattr(mine, level))

    return {"step": staticmethod(later), "state": made, "scaled": (*getattr(cls, "scaled", ()), *prices)}


def _late_bar(on_bar: Any, bars: int) -> Any:
    """A handler that answers with what it would have answered `bars` bars of the instrument ago."""

    def later(self: Any, bar: Any, book: Any) -> Any:
        waiting: dict[int, deque[Any]] = self.__dict__.setdefault("_late_answers", {})
        own = waiting.setdefault(bar.instrument, deque())
        own.append(on_bar(self, bar, book))
        return own.popleft() if len(own) > bars else None

    return later
