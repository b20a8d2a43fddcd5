"""A tape: what a market said, in columns sorted by when it was known; read-only, and rows only at the last moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from itertools import chain, repeat, starmap
from typing import Any, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.events import Bar, BookDelta, MarketEvent, Quote, Trade

CHUNK = 2_048
"""Rows turned into Python values at a time: large enough to be quick, small enough to stay in cache."""

KINDS: dict[str, type[MarketEvent]] = {"bar": Bar, "quote": Quote, "trade": Trade, "book": BookDelta}
_INTEGER = frozenset({"ts", "known", "instrument", "span", "side"})


def columns_of(kind: type[MarketEvent]) -> tuple[str, ...]:
    """The column names of a kind, in the order of its fields."""
    return tuple(field.name for field in msgspec.structs.fields(kind))


class Tape:
    """Columns of one kind of market event, sorted by (known, instrument), ties in source order.

    kind:    Bar, Quote, Trade or BookDelta
    columns: a (T,) array for each field of the kind: int64 for times, instrument, span and side, bool for clear, else
             float64
    Raises Misuse: TAPE_COLUMNS (missing, extra or uneven), TAPE_ORDER (not sorted by known), TAPE_TIME (known before ts).
    """

    def __init__(self, kind: type[MarketEvent], columns: Mapping[str, NDArray[Any]]) -> None:
        names = columns_of(kind)
        if set(names) != set(columns):
            odd = sorted(set(names) ^ set(columns))
            raise Misuse("TAPE_COLUMNS", f"a {kind.__name__} tape has {', '.join(names)}; odd: {', '.join(odd)}")
        self.kind = kind
        self.columns: dict[str, NDArray[Any]] = {}
        for name in names:
            dtype = np.int64 if name in _INTEGER else np.bool_ if name == "clear" else np.float64
            column: NDArray[Any] = np.ascontiguousarray(columns[name], dtype=dtype)
            if column is columns[name]:
                column = column.view()
            column.flags.writeable = False
            self.columns[name] = column
        lengths = {len(column) for column in self.columns.values()}
        if len(lengths) != 1:
            raise Misuse("TAPE_COLUMNS", f"columns have different lengths: {sorted(lengths)}")
        known = self.columns["known"]
        if np.any(known[1:] < known[:-1]):
            raise Misuse("TAPE_ORDER", "rows are not sorted by known", fix="sort them, or build with Tape.merge")
        if np.any(known < self.columns["ts"]):
            raise Misuse("TAPE_TIME", "a row is known before it happened", fix="known must be at or after ts")

    def __len__(self) -> int:
        return len(self.columns["known"])

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]

    @cached_property
    def hash(self) -> str:
        """A name of the content: equal for equal rows, whatever the source (32 hex digits)."""
        digest = blake2b(self.kind.__name__.encode(), digest_size=16)
        for name, column in self.columns.items():
            digest.update(name.encode())
            digest.update(column.data)
        return digest.hexdigest()

    @cached_property
    def instruments(self) -> tuple[int, ...]:
        """Ids that occur, ascending."""
        instrument = self.columns["instrument"]
        if len(instrument) and (instrument == instrument[0]).all():
            return (int(instrument[0]),)
        return tuple(int(i) for i in np.unique(instrument))

    def rows(self, start: int = 0, stop: int | None = None) -> Iterator[MarketEvent]:
        """The events of rows [start, stop), built a chunk at a time."""
        stop = len(self) if stop is None else min(stop, len(self))
        return chain.from_iterable(self._chunks(start, stop))

    def _chunks(self, start: int, stop: int) -> Iterator[Iterator[MarketEvent]]:
        """Iterators over the events of a chunk each; a column that never changes is not copied."""
        columns = [
            repeat(column[0].item()) if name in ("instrument", "span") and len(column) and (column == column[0]).all() else column
            for name, column in self.columns.items()
        ]
        kind = cast(Any, self.kind)
        for at in range(start, stop, CHUNK):
            end = min(at + CHUNK, stop)
            lists = [column if isinstance(column, repeat) else column[at:end].tolist() for column in columns]
            yield starmap(kind, zip(*lists, strict=False))

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Tape:
        """The tape of the chosen rows, which must keep the order."""
        return Tape(self.kind, {name: column[index] for name, column in self.columns.items()})

    def only(self, instrument: int) -> Tape:
        """The rows of one instrument; the tape itself where it has no others."""
        if self.instruments == (instrument,):
            return self
        return self.take(self.columns["instrument"] == instrument)

    def between(self, start: int, end: int) -> Tape:
        """The rows with start <= known < end."""
        low, high = np.searchsorted(self.columns["known"], [start, end], side="left")
        return self.take(slice(int(low), int(high)))

    def as_of(self, known: int) -> Tape:
        """What was known at `known`, nothing later."""
        return self.take(slice(0, int(np.searchsorted(self.columns["known"], known, side="right"))))

    @staticmethod
    def merge(tapes: Sequence[Tape]) -> Tape:
        """One tape of several of the same kind, sorted by (known, instrument), ties in the order given."""
        kinds = {tape.kind for tape in tapes}
        if len(kinds) != 1:
            raise Misuse("TAPE_KINDS", "only tapes of one kind can be merged", fix="replay takes several tapes as they are")
        if len(tapes) == 1:
            return tapes[0]
        joined = {name: np.concatenate([tape[name] for tape in tapes]) for name in tapes[0].columns}
        order = np.lexsort((joined["instrument"], joined["known"]))
        return Tape(kinds.pop(), {name: column[order] for name, column in joined.items()})

    def __repr__(self) -> str:
        return f"<Tape {self.kind.__name__} rows={len(self)} instruments={len(self.instruments)}>"
