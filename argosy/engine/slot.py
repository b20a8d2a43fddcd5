"""A strategy bound to a run: its object, its instruments, its needs and its private state; it decides nothing itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from hashlib import blake2b
from inspect import getsource
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.events import Bar
from argosy.core.strategy import Declaration, Out
from argosy.engine.wakes import Waker


def bare_type(kind: Any) -> Any:
    """The plain type of a field that may say more than its type: `Annotated[float, Meta(gt=0)]` is a float."""
    return getattr(kind, "__origin__", kind)


class Feed(Protocol):
    """Gives the needs of the row that a bar is: a streaming indicator set, or the next row of a table computed in bulk.

    awake: whether that row is one at which the strategy asked to be called
    """

    awake: bool

    def __call__(self, bar: Bar, /) -> Any: ...


FIELDS = ("open", "high", "low", "close", "volume")
LEVELS = ("target", "limit", "stop", "take")


class Binding(msgspec.Struct, frozen=True):
    """What the house asks the engine to run.

    id:       unique name of the strategy in this run; instruments: ids it is bound to
    budget:   base units moved from the house book to its own at the start
    max_loss: base units of it that it may lose, then it may only get out; 0 = all of it
    share:    fraction of its equity that weight 1 of a step strategy means on each instrument; 0 = 1 / instruments
    """

    id: str
    declaration: Declaration
    instruments: tuple[int, ...]
    budget: int
    share: float = 0.0
    max_loss: int = 0


class Cell:
    """One strategy on one instrument: its needs, its step's numbers and how many bars it still needs to warm up.

    spans: least and greatest span of the bars it follows, where its instrument has several series; None = all bars
    stirred: a fill or a fact that it wakes at came since its last bar
    away:  brings its numbers home from the compiled scan that has walked ahead of it; None when they are here
    """

    __slots__ = ("away", "feed", "instrument", "last", "needs", "out", "slot", "spans", "state", "step", "stirred", "warm")

    def __init__(self, slot: Slot, instrument: int) -> None:
        declaration = slot.declaration
        self.slot = slot
        self.instrument = instrument
        self.warm = declaration.warmup
        self.spans: tuple[int, int] | None = None
        self.step = declaration.step
        self.out = Out()
        self.last = Out()
        self.needs: Any = None
        self.state = declaration.state()
        self.feed: Feed = StreamFeed(declaration, slot.shape)
        self.stirred = False
        self.away: Callable[[], None] | None = None
        self.settle()

    def sees(self, span: int) -> bool:
        """Whether a bar of this span is of the series the cell follows; without a choice every bar is."""
        return self.spans is None or self.spans[0] <= span <= self.spans[1]

    def settle(self) -> None:
        """Whole numbers that a step wrote where fractions belong become what they are in machine code."""
        state, out = self.state, self.out
        for name in self.slot.fractions:
            value = getattr(state, name)
            if type(value) is int or type(value) is bool:
                setattr(state, name, float(value))
        for name in LEVELS:
            value = getattr(out, name)
            if type(value) is int or type(value) is bool:
                setattr(out, name, float(value))

    def split(self, ratio: float) -> None:
        """Bring price-like numbers to the new raw prices: levels stand, the state's `scaled` fields and the streams' factor."""
        if self.away is not None:
            self.away()
        for out in (self.out, self.last):
            out.limit /= ratio
            out.stop /= ratio
            out.take /= ratio
        for name in self.slot.declaration.scaled:
            setattr(self.state, name, getattr(self.state, name) / ratio)
        split = getattr(self.feed, "split", None)
        if split is not None:
            split(ratio)


class Slot:
    """A bound strategy. handlers: name -> bound method of its object; status lives in the engine's state."""

    def __init__(self, binding: Binding) -> None:
        declaration = binding.declaration
        self.id = binding.id
        self.binding = binding
        self.declaration = declaration
        self.instruments = binding.instruments
        self.share = binding.share or 1.0 / max(1, len(binding.instruments))
        self.shape = msgspec.defstruct("Needs", [(name, float) for name in declaration.needs], frozen=True, gc=False)
        self.thing = None if declaration.step is not None else declaration.make()
        self.handlers: dict[str, Callable[..., Any]] = {
            name: getattr(self.thing if self.thing is not None else declaration.cls, name) for name in declaration.handlers
        }
        self.explain: Callable[..., str] | None = getattr(declaration.cls, "explain", None)
        self.fractions = [field.name for field in msgspec.structs.fields(declaration.state) if bare_type(field.type) is float]
        self.cells = {i: Cell(self, i) for i in binding.instruments}

    @property
    def code(self) -> str:
        """Hash of the class's source and its params: another hash is another strategy."""
        try:
            source = getsource(self.declaration.cls)
        except (OSError, TypeError):  # a class made at a prompt has no source file; its name stands for it
            source = self.declaration.cls.__qualname__
        params = msgspec.msgpack.encode(self.declaration.params, order="sorted")
        return blake2b(source.encode() + params, digest_size=16).hexdigest()

    def save(self) -> bytes:
        """The private state as bytes: each cell's state, standing numbers and warm-up, and the object's own `state`."""
        for cell in self.cells.values():
            if cell.away is not None:
                cell.away()
            cell.settle()
        cells = {
            i: (cell.state, [cell.out.target, cell.out.limit, cell.out.stop, cell.out.take],
                [float(getattr(cell.last, name)) for name in LEVELS], cell.warm, cell.stirred)
            for i, cell in self.cells.items()
        }  # fmt: skip
        own = getattr(self.thing, "state", None)
        return msgspec.msgpack.encode((cells, own if isinstance(own, msgspec.Struct) else None))

    def load(self, blob: bytes) -> None:
        """Take back what `save` gave."""
        cells, own = msgspec.msgpack.decode(blob, strict=False)
        for key, (state, out, last, warm, stirred) in cells.items():
            cell = self.cells[int(key)]
            cell.state = msgspec.convert(state, self.declaration.state)
            cell.out.target, cell.out.limit, cell.out.stop, cell.out.take = out
            cell.last.target, cell.last.limit, cell.last.stop, cell.last.take = last
            cell.warm = warm
            cell.stirred = stirred
        if own is not None and self.thing is not None:
            self.thing.state = msgspec.convert(own, self.declaration.state)


class TableFeed:
    """Needs computed in bulk, read row by row: rows `first` and on of `table` are its instrument's. at: rows read so far.

    wakes: (rows of its instrument,) bool, where it asked to be called; None: everywhere
    """

    __slots__ = ("_item", "_shape", "at", "awake", "first", "table", "wakes")

    def __init__(self, table: NDArray[Any], first: int, shape: type, at: int = 0, wakes: NDArray[np.bool_] | None = None) -> None:
        self.table = table
        self.wakes = wakes
        self.awake = True
        self.first = first
        self.at = at
        self._item = table.item
        self._shape = shape

    def __call__(self, bar: Bar) -> Any:
        at = self.at
        self.at = at + 1
        if self.wakes is not None:
            self.awake = self.wakes.item(at)
        return self._shape(*self._item(self.first + at))

    def of(self, row: int) -> Any:
        """The needs of a row of its instrument, counted from 0."""
        return self._shape(*self._item(self.first + row))


class StreamFeed:
    """Needs streamed bar by bar on the forward-adjusted series, read back in raw prices (live, and whenever no bulk table is given)."""

    __slots__ = ("_factor", "_inputs", "_scales", "_shape", "_streams", "_waker", "awake")

    def __init__(self, declaration: Declaration, shape: type) -> None:
        needs = declaration.needs
        self._shape = shape
        self.awake = True
        self._waker = Waker(declaration.wakes, list(needs)) if declaration.wakes else None
        self._streams = [need.stream() for need in needs.values()]
        self._inputs = [tuple(need.columns) for need in needs.values()]
        self._scales = [need.scale for need in needs.values()]
        self._factor = 1.0

    def split(self, ratio: float) -> None:
        self._factor *= ratio

    def __call__(self, bar: Bar) -> Any:
        factor = self._factor
        values = []
        for stream, inputs, scale in zip(self._streams, self._inputs, self._scales, strict=True):
            row = [adjusted(bar, name, factor) for name in inputs]
            value = stream.update(*row)
            values.append(read(value, scale, factor))
        if self._waker is not None:
            self.awake = self._waker(bar, values)
        return self._shape(*values)


def adjusted(bar: Bar, name: str, factor: float) -> float:
    """A bar's column on the forward-adjusted series: prices times the factor, volume divided by it, times untouched."""
    value: float = getattr(bar, name)
    if name in ("open", "high", "low", "close"):
        return value * factor
    return value / factor if name == "volume" else value


def read(value: float, scale: str, factor: float) -> float:
    """An indicator of the adjusted series in today's raw terms."""
    if scale == "price":
        return value / factor
    return value * factor if scale == "volume" else value


def table(needs: Mapping[str, Any], columns: Mapping[str, NDArray[Any]], factor: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """The needs of all rows of one instrument in bulk: equal to the bit to what StreamFeed gives row by row.

    columns: (T,) arrays named as the fields of Bar; factor: (T,) split factor known at each row. returns (T,) float64 each.
    """
    series: dict[str, NDArray[Any]] = {}
    for name, column in columns.items():
        if name in ("open", "high", "low", "close"):
            series[name] = column * factor
        else:
            series[name] = column / factor if name == "volume" else column
    out = []
    for name, need in needs.items():
        strange = [column for column in need.columns if column not in FIELDS and column not in Bar.__struct_fields__]
        if strange:
            raise Misuse("STRATEGY_NEEDS", f"need {name!r} reads {', '.join(strange)}, which a bar does not have", fix=f"use {', '.join(FIELDS)}")
        values = need.batch(series)
        out.append(values / factor if need.scale == "price" else values * factor if need.scale == "volume" else values)
    return out


class Window:
    """The last n bars of an instrument as one contiguous (n, 5) view, oldest first; written twice so that it never copies."""

    __slots__ = ("_at", "_rows", "count", "size")

    def __init__(self, n: int) -> None:
        if n <= 0:
            raise Misuse("WINDOW", f"a window of {n} bars cannot be kept")
        self.size = n
        self._rows = np.full((2 * n, 5), math.nan)
        self._at = 0
        self.count = 0

    def push(self, bar: Bar) -> None:
        row = (bar.open, bar.high, bar.low, bar.close, bar.volume)
        self._rows[self._at] = row
        self._rows[self._at + self.size] = row
        self._at = (self._at + 1) % self.size
        self.count += 1

    def last(self, n: int) -> NDArray[np.float64]:
        """The last n rows, (n, 5), nan where nothing is known yet; n <= the declared window."""
        if n > self.size:
            raise Misuse("WINDOW", f"{n} bars were asked of a window of {self.size}", fix="declare a larger window on the strategy")
        end = self._at + self.size
        view = self._rows[end - n : end]
        view = view.view()
        view.flags.writeable = False
        return view

    def split(self, ratio: float) -> None:
        self._rows[:, :4] /= ratio
        self._rows[:, 4] *= ratio
