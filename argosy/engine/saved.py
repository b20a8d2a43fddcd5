"""An engine's memory as bytes, so that a restart need not begin with the first record; only ever a short cut, never the truth.

What a journal folds to is the truth. A saved engine is taken only by the very code that saved it, with the same strategies and
instruments, and only where the state that comes out has the name that went in; else everything is folded.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from argosy.core.errors import Broken
from argosy.engine.slot import Cell, StreamFeed, TableFeed

if TYPE_CHECKING:
    from argosy.engine.engine import Engine
    from argosy.engine.state import State

_LEFT_OUT = frozenset({"_do", "_on_fill", "on_stretch"})
"""What a state is wired with, and not what it knows."""
_PLAIN = frozenset({
    ("builtins", "set"), ("builtins", "frozenset"), ("collections", "deque"), ("collections", "defaultdict"), ("builtins", "int"),
    ("fractions", "Fraction"), ("decimal", "Decimal"),
})  # fmt: skip


@cache
def sources() -> str:
    """Hash of the code that a state is made of, of Python and of msgspec: another hash may mean another thing by the same bytes."""
    root = Path(__file__).parent.parent
    digest = blake2b(f"{sys.version_info[:3]} {msgspec.__version__}".encode(), digest_size=16)
    for room in ("core", "engine", "kernels"):
        for path in sorted((root / room).rglob("*.py")):
            digest.update(str(path.relative_to(root)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def code(engine: Engine) -> str:
    """Name of everything that must be the same for a saved engine to be taken back: code, strategies and instruments."""
    rows = [msgspec.to_builtins(row, str_keys=True, builtin_types=()) if isinstance(row, msgspec.Struct) else repr(row) for row in engine.instruments]
    cells = [[slot.id, slot.code, list(slot.instruments), [type(cell.feed).__name__ for cell in slot.cells.values()]] for slot in engine.slots]
    whole = msgspec.json.encode([sources(), repr(rows), cells, engine.state.portfolio.base, list(engine.state.portfolio.books)])
    return blake2b(whole, digest_size=16).hexdigest()


def save(engine: Engine) -> bytes:
    """All that an engine remembers, between two events. Its journal stands at the same place, and is not in it."""
    state = engine.state
    things = _things(state)
    body = {
        "code": code(engine),
        "hash": state.hash,
        "things": {name: _fields(thing) for name, thing in things.items()},
        "courses": dict(state.courses),
        "strategies": {slot.id: (slot.save(), {i: _feed(cell) for i, cell in slot.cells.items()}) for slot in engine.slots},
        "bars": engine.dispatch.bars,
        "windows": [None if window is None else (window._rows.tobytes(), window._at, window.count) for window in engine.dispatch.windows],
        "engine": (engine.cursor, engine._since_memory, _fields(engine.patience)),
    }
    file = io.BytesIO()
    _Writer(file, things, state).dump(body)
    return file.getvalue()


def load(engine: Engine, blob: bytes) -> None:
    """Bring a fresh engine to where another was saved.

    Raises Broken SNAPSHOT_CODE (other code, strategies or instruments), SNAPSHOT_STATE (what comes out is not what went in); the
    engine is then of no more use.
    """
    state = engine.state
    things = _things(state)
    try:
        body = _Loader(io.BytesIO(blob), things, state).load()
    except (pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, KeyError, TypeError, ValueError) as error:
        raise Broken("SNAPSHOT_STATE", f"the saved engine cannot be read: {error}", fix="fold the journal from its first record") from error
    if not isinstance(body, dict) or body.get("code") != code(engine):
        raise Broken("SNAPSHOT_CODE", "the engine was saved by other code, strategies or instruments", fix="fold the journal from its first record")
    for name, fields in body["things"].items():
        thing = things[name]
        for field, value in fields.items():
            setattr(thing, field, value)
    state.courses.clear()
    state.courses.update(body["courses"])
    for slot in engine.slots:
        own, feeds = body["strategies"][slot.id]
        slot.load(own)
        for i, fed in feeds.items():
            _take_back(slot.cells[i], fed)
    engine.dispatch.bars[:] = body["bars"]
    for window, rows in zip(engine.dispatch.windows, body["windows"], strict=True):
        if window is not None:
            numbers, window._at, window.count = rows
            window._rows.ravel()[:] = memoryview(numbers).cast("d")
    engine.cursor, engine._since_memory, patience = body["engine"]
    for field, value in patience.items():
        setattr(engine.patience, field, value)
    if state.hash != body["hash"]:
        raise Broken("SNAPSHOT_STATE", "the state that was loaded is not the one that was saved", fix="fold the journal from its first record")
    engine.rebind()


def _things(state: State) -> dict[str, Any]:
    """The objects that others know and that must stay the same ones, by name."""
    books = {f"book {name}": book for name, book in state.portfolio.books.items()}
    return {
        "state": state, "portfolio": state.portfolio, "blotter": state.blotter, "counters": state.counters, "courses": state.courses,
        "bare": state.bare, "patience": state.patience, "conditions": state.conditions, **books,
    }  # fmt: skip


def _fields(thing: Any) -> dict[str, Any]:
    """What an object remembers, by field."""
    names = [name for kind in type(thing).__mro__ for name in kind.__dict__.get("__slots__", ())] + list(getattr(thing, "__dict__", ()))
    return {name: getattr(thing, name) for name in names if name not in _LEFT_OUT and hasattr(thing, name)}


def _feed(cell: Cell) -> tuple[Any, ...]:
    """What a cell's needs remember."""
    feed: Any = cell.feed
    needs = None if cell.needs is None else msgspec.structs.astuple(cell.needs)
    if isinstance(feed, TableFeed):
        return needs, feed.awake, feed.at
    waker = feed._waker
    return needs, feed.awake, feed._factor, [stream.save() for stream in feed._streams], None if waker is None else (waker._sides[:], waker._known)


def _take_back(cell: Cell, fed: tuple[Any, ...]) -> None:
    feed: Any = cell.feed
    needs, feed.awake, *rest = fed
    cell.needs = None if needs is None else cell.slot.shape(*needs)
    if isinstance(feed, TableFeed):
        (feed.at,) = rest
        return
    assert isinstance(feed, StreamFeed)
    feed._factor, streams, waker = rest
    for stream, saved in zip(feed._streams, streams, strict=True):
        stream.load(saved)
    if feed._waker is not None:
        feed._waker._sides[:], feed._waker._known = waker


def _names(things: dict[str, Any], state: State) -> Iterator[tuple[Any, str]]:
    yield from ((thing, name) for name, thing in things.items())
    yield state.instruments, "instruments"
    yield from ((row, f"instrument {row.id}") for row in state.instruments)


def struct(kind: type, body: bytes) -> Any:
    """A record as it was encoded: what was left out because it is a default is that default again, the same one."""
    return msgspec.msgpack.decode(body, type=kind)


class _Writer(pickle.Pickler):
    """Writes by name what is there before and after, and records as a journal does."""

    def __init__(self, file: io.BytesIO, things: dict[str, Any], state: State) -> None:
        super().__init__(file, protocol=5)
        self._known = {id(thing): name for thing, name in _names(things, state)}

    def persistent_id(self, thing: Any) -> str | None:
        return self._known.get(id(thing))

    def reducer_override(self, thing: Any) -> Any:
        """How a thing is made again."""
        return (struct, (type(thing), msgspec.msgpack.encode(thing))) if isinstance(thing, msgspec.Struct) else NotImplemented


class _Loader(pickle.Unpickler):
    """Reads what was written, and makes nothing but the house's own things and plain containers."""

    def __init__(self, file: io.BytesIO, things: dict[str, Any], state: State) -> None:
        super().__init__(file)
        self._known = {name: thing for thing, name in _names(things, state)}

    def persistent_load(self, name: str) -> Any:
        return self._known[name]

    def find_class(self, module: str, name: str) -> Any:
        """A class by its name; anything that could do harm is no class of ours."""
        if (module, name) == (__name__, "struct"):
            return struct
        ours = module.startswith(("argosy.core.", "argosy.engine.")) and "." not in name
        found = super().find_class(module, name) if ours or (module, name) in _PLAIN else None
        if not isinstance(found, type):
            raise pickle.UnpicklingError(f"{module}.{name} does not belong into a saved engine")
        return found
