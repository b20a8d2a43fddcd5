"""A strategy that is heard late: what it wants reaches the market some bars after it said so; it decides exactly as before."""

from __future__ import annotations

from typing import Any

import msgspec

from argosy.core.errors import Misuse
from argosy.core.intents import Hold, Intent, Ladder, Target
from argosy.core.strategy import ABSENT, HANDLERS, Out

LEVELS = ("target", "limit", "stop", "take")
MOST = 1_000
"""Bars by which a wish may be late: all that are under way are kept."""


def late(cls: type, bars: int) -> type:
    """The strategy whose wishes are `bars` bars late, its own class at 0; run it through the engine, it is not compiled.

    A step strategy's four numbers are handed on `bars` bars of the instrument later, prices among them brought over splits. Of others every
    intent waits until its instrument has had so many more bars (prices in it as they were then), or so many instants where no bar is heard.
    Misuse("LATE") for fewer bars than none or more than `MOST`, and for a strategy that hears no bars or declares what wakes it (it would be
    asked too seldom to be heard in time).
    """
    if not 0 <= bars <= MOST:
        raise Misuse("LATE", f"{bars} bars is no delay", where="delays", fix=f"0 to {MOST:,}")
    if bars == 0:
        return cls
    if getattr(cls, "wakes", ()):
        raise Misuse("LATE", f"{cls.__name__} is woken, not asked on every bar", where=cls.__qualname__, fix="leave delays out")
    own: dict[str, Any] = {"__module__": cls.__module__, "__doc__": cls.__doc__, "explain": None}
    if getattr(cls, "step", None) is not None:
        own |= _late_step(cls, bars)
    elif callable(getattr(cls, "on_bar", None)) or callable(getattr(cls, "on_instant", None)):
        own |= _late_class(cls, bars)
    else:
        raise Misuse("LATE", f"{cls.__name__} hears no bars, so nothing of it can be bars late", where=cls.__qualname__)
    return type(cls.__name__, (cls,), own)


def _late_step(cls: type, bars: int) -> dict[str, Any]:
    """A step whose own numbers, and those under way, are kept in its state."""
    step: Any = cls.step  # type: ignore[attr-defined]
    state: type[msgspec.Struct] = getattr(cls, "state", msgspec.Struct)
    names = [f"late_{k}_{level}" for k in range(bars + 1) for level in LEVELS]
    bases = (state if issubclass(state, msgspec.Struct) else msgspec.Struct,)
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


class _Waiting:
    """What was said and is not due yet. heard: bars of each instrument so far, of -1 instants; said: (when of its count, intent)."""

    __slots__ = ("barred", "heard", "said")

    def __init__(self, barred: bool) -> None:
        self.barred = barred
        self.heard: dict[int, int] = {}
        self.said: list[tuple[int, Target | Ladder | Hold]] = []

    def count(self, instrument: int) -> None:
        self.heard[instrument] = self.heard.get(instrument, 0) + 1

    def place(self, intent: Target | Ladder | Hold) -> int:
        return self.heard.get(intent.instrument if self.barred else -1, 0)

    def keep(self, said: Intent | tuple[Intent, ...] | None) -> None:
        for intent in said if isinstance(said, tuple) else (said,) if said is not None else ():
            self.said.append((self.place(intent), intent))

    def due(self, bars: int) -> tuple[Intent, ...]:
        ready = [one for one in self.said if self.place(one[1]) >= one[0] + bars]
        self.said = [one for one in self.said if one not in ready]
        return tuple(intent for _, intent in ready)


def _late_class(cls: Any, bars: int) -> dict[str, Any]:
    """Handlers whose intents are kept, and given at the close of the instant in which they are due."""
    barred = callable(getattr(cls, "on_bar", None))
    last = getattr(cls, "on_instant", None)

    def waiting(self: Any) -> _Waiting:
        found: _Waiting = self.__dict__.setdefault("_late", _Waiting(barred))
        return found

    def wrapped(name: str) -> Any:
        original = getattr(cls, name)

        def handler(self: Any, event: Any, book: Any) -> None:
            if name == "on_bar":
                waiting(self).count(event.instrument)
            waiting(self).keep(original(self, event, book))

        return handler

    def on_instant(self: Any, book: Any) -> tuple[Intent, ...]:
        own = waiting(self)
        if not barred:
            own.count(-1)
        said = last(self, book) if last is not None else None
        ready = own.due(bars)
        own.keep(said)
        return ready

    return {name: wrapped(name) for name in HANDLERS if name != "on_instant" and callable(getattr(cls, name, None))} | {"on_instant": on_instant}
