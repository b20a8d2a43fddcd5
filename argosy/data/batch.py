"""One writing into the catalog: several symbols, all of them or none; what was there stays readable until all is written.

It never changes a file in place: each content has a file name of its own, and the manifest says which one counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import polars as pl

from argosy.core.errors import Misuse
from argosy.core.events import Bar
from argosy.core.instrument import Instrument
from argosy.core.tape import KINDS, Tape, columns_of
from argosy.core.time import DAY, iso, span, span_text
from argosy.data import manifest as shelf
from argosy.data import tables
from argosy.data.actions import Action, in_order
from argosy.data.manifest import Entry
from argosy.data.tables import Leaf

if TYPE_CHECKING:
    from argosy.data.catalog import Catalog

NOTE = "argosy"
"""Key of the metadata in each Parquet file: what it holds, so that a manifest can be made anew from the files."""

_NAME = {event: name for name, event in KINDS.items()}


class Note(msgspec.Struct, kw_only=True):
    """What a file says of itself."""

    kind: str
    every: str
    origin: str
    licence: str
    instrument: Instrument


class Actions(msgspec.Struct, kw_only=True):
    """The splits and dividends of one symbol, as they lie on disk."""

    symbol: str
    origin: str
    licence: str
    actions: list[Action]


class Batch:
    """Made by `Catalog.writing`, which ends it. entries: what the catalog will hold."""

    def __init__(self, catalog: Catalog, manifest: shelf.Manifest) -> None:
        self._catalog, self.root, self.manifest = catalog, catalog.root, manifest
        self._before = {entry.path for entry in manifest.entries.values()}
        self._made: list[str] = []

    def before(self, symbol: str, kind: str, every: str) -> Entry | None:
        """What the catalog has of a symbol, kind and span; None when there is nothing."""
        return self.manifest.entries.get(shelf.key(kind, symbol, every))

    def put(
        self, instrument: Instrument | str, tape: Tape, *, every: str = "", actions: Sequence[Action] | None = None,
        origin: str = "", licence: str = "", merge: bool = False,
    ) -> Entry:  # fmt: skip
        """The rows of one instrument; arguments and errors as `Catalog.write`."""
        facts = Instrument(symbol=instrument) if isinstance(instrument, str) else instrument
        facts = msgspec.structs.replace(facts, id=0)
        if len(tape.instruments) != 1:
            count = len(tape.instruments)
            raise Misuse("CATALOG_WRITE", f"{facts.symbol}: a file holds the rows of one instrument, not of {count}", fix="use tape.only(id)")
        kind = _NAME[tape.kind]
        name = every or (span_name(tape) if tape.kind is Bar else "tick")
        if name != "tick":
            span(name)
        before = self.before(facts.symbol, kind, name)
        plain = Tape(tape.kind, {**tape.columns, "instrument": np.zeros(len(tape), dtype=np.int64)})
        if merge and before is not None:
            plain = self._merged(before, plain)
            origin, licence = _both(before.origin, origin), _both(before.licence, licence)
        if actions is not None:
            self.put_actions(facts.symbol, self._kept(facts.symbol, tape, actions) if merge else actions, origin=origin, licence=licence)
        note = Note(kind=kind, every=name, origin=origin, licence=licence, instrument=facts)
        buffer = BytesIO()
        frame = pl.DataFrame({column: plain[column] for column in columns_of(tape.kind) if column != "instrument"})
        frame.write_parquet(buffer, compression="zstd", metadata={NOTE: msgspec.json.encode(note).decode()})
        entry = entry_of(note, plain, buffer.getvalue())
        self._lay(entry, buffer.getvalue())
        self.manifest.instruments[facts.symbol] = facts
        return entry

    def put_table(self, leaf: Leaf, *, origin: str = "", licence: str = "", merge: bool = False) -> Entry:
        """A table that is no tape, instead of the one that is there, or beside its rows. Misuse("CATALOG_CONFLICT")."""
        before, frame = self.before(leaf.symbol, leaf.kind, leaf.every), leaf.frame
        if merge and before is not None:
            frame = tables.merged(leaf.kind, leaf.symbol, self._catalog.sheet(before), frame, before.path)
            origin, licence = _both(before.origin, origin), _both(before.licence, licence)
        note = Note(kind=leaf.kind, every=leaf.every, origin=origin, licence=licence, instrument=Instrument(symbol=leaf.symbol))
        buffer = BytesIO()
        frame.write_parquet(buffer, compression="zstd", metadata={NOTE: msgspec.json.encode(note).decode()})
        entry = entry_of_table(note, frame, buffer.getvalue())
        self._lay(entry, buffer.getvalue())
        return entry

    def put_actions(self, symbol: str, actions: Sequence[Action], *, origin: str = "", licence: str = "") -> Entry:
        """The splits and dividends of one symbol, instead of those that are there."""
        rows = in_order(msgspec.structs.replace(action, instrument=0) for action in actions)
        plain = msgspec.to_builtins(Actions(symbol=symbol, origin=origin, licence=licence, actions=rows))
        told = [{key: value for key, value in row.items() if value == value} for row in plain["actions"]]  # JSON has no word for nan
        data = msgspec.json.format(msgspec.json.encode(plain | {"actions": told}))
        entry = entry_of_actions(symbol, rows, data, origin, licence)
        self._lay(entry, data)
        return entry

    def remove(self, key: str) -> Entry:
        """Take an entry out; its file goes when the batch ends well."""
        entry = self.manifest.entries.pop(key)
        if entry.kind in KINDS and not any(other.symbol == entry.symbol and other.kind in KINDS for other in self.manifest.entries.values()):
            self.manifest.instruments.pop(entry.symbol, None)
            self.manifest.entries.pop(shelf.key("actions", entry.symbol), None)
        return entry

    def end(self) -> None:
        """Make the new list the one that counts."""
        shelf.save(self.root, self.manifest)
        self._made, self._before = sorted(self._before), {entry.path for entry in self.manifest.entries.values()}

    def sweep(self) -> None:
        """Drop the files that no list names: the new ones when the batch failed, the old ones when it ended well."""
        for path in set(self._made) - self._before:
            (self.root / path).unlink(missing_ok=True)

    def _lay(self, entry: Entry, data: bytes) -> None:
        self._made.append(entry.path)
        shelf.put(self.root / entry.path, data)
        self.manifest.entries[entry.key] = entry

    def _kept(self, symbol: str, tape: Tape, actions: Sequence[Action]) -> list[Action]:
        """What is known of the time outside the new rows, and what the new rows tell."""
        low, high = int(tape["ts"].min()), int(tape["ts"].max())
        old = [action for action in self._catalog.actions(symbol) if not low <= action.known <= high]
        return [*old, *actions]

    def _merged(self, entry: Entry, new: Tape) -> Tape:
        """What is stored and what is new; equal rows once, a bar that differs is refused."""
        stored = self._catalog.load(entry, 0)
        if stored.hash == new.hash:
            return stored
        if new.kind is not Bar:
            if new["known"][0] <= stored["known"][-1] and new["known"][-1] >= stored["known"][0]:
                raise _conflict(entry, f"the new rows, {iso(int(new['known'][0]))} .. {iso(int(new['known'][-1]))}, overlap those that are stored")
            return Tape.merge([stored, new])
        order = np.argsort(stored["ts"], kind="stable")
        place = order[np.minimum(np.searchsorted(stored["ts"][order], new["ts"]), len(order) - 1)]
        there = stored["ts"][place] == new["ts"]
        same = np.ones(len(new), dtype=bool)
        for name, column in new.columns.items():
            other = stored[name][place]
            same &= (column == other) | ((column != column) & (other != other))
        odd = np.flatnonzero(there & ~same)
        if len(odd):
            raise _conflict(entry, f"{len(odd):,} bars are stored with other values, the first at {iso(int(new['ts'][odd[0]]))}")
        return Tape.merge([stored, new.take(~there)]) if not there.all() else stored


def entry_of(note: Note, tape: Tape, data: bytes) -> Entry:
    """The entry of a file with these rows and these bytes."""
    symbol, found = note.instrument.symbol, shelf.digest(data)
    return Entry(
        path=f"{shelf.key(note.kind, symbol, note.every)}-{found[:8]}.parquet", kind=note.kind, symbol=symbol, every=note.every, rows=len(tape),
        start=int(tape["known"][0]), end=int(tape["known"][-1]), origin=note.origin, licence=note.licence, hash=found, tape=tape.hash,
    )  # fmt: skip


def entry_of_table(note: Note, frame: pl.DataFrame, data: bytes) -> Entry:
    """The entry of a table with these rows and these bytes."""
    symbol, found = note.instrument.symbol, shelf.digest(data)
    return Entry(
        path=f"{shelf.key(note.kind, symbol, note.every)}-{found[:8]}.parquet", kind=note.kind, symbol=symbol, every=note.every, rows=frame.height,
        start=int(frame["known"][0]), end=int(frame["known"][-1]), origin=note.origin, licence=note.licence, hash=found,
    )  # fmt: skip


def entry_of_actions(symbol: str, rows: Sequence[Action], data: bytes, origin: str, licence: str) -> Entry:
    """The entry of a file of splits and dividends."""
    times = [row.known for row in rows] or [0]
    found = shelf.digest(data)
    return Entry(
        path=f"{shelf.key('actions', symbol)}-{found[:8]}.json", kind="actions", symbol=symbol, every="", rows=len(rows), start=times[0],
        end=times[-1], origin=origin, licence=licence, hash=found,
    )  # fmt: skip


def found_in(root: Path, path: Path) -> tuple[Entry, Instrument | None] | None:
    """What a file below the root says of itself; None when it is none of ours, or damaged."""
    try:
        data = path.read_bytes()
        if path.suffix == ".json":
            told = msgspec.json.decode(data, type=Actions)
            return msgspec.structs.replace(
                entry_of_actions(told.symbol, told.actions, data, told.origin, told.licence), path=path.relative_to(root).as_posix()
            ), None
        note = msgspec.json.decode(pl.read_parquet_metadata(BytesIO(data)).get(NOTE, ""), type=Note)
        if note.kind in tables.TABLES:
            frame = pl.read_parquet(BytesIO(data))
            return msgspec.structs.replace(entry_of_table(note, frame, data), path=path.relative_to(root).as_posix()), None
        tape = decode(note.kind, data, 0)
    except (OSError, msgspec.MsgspecError, pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError, TypeError, KeyError, Misuse):
        return None
    if not len(tape):
        return None
    return msgspec.structs.replace(entry_of(note, tape, data), path=path.relative_to(root).as_posix()), note.instrument


def decode(kind: str, data: bytes, identity: int) -> Tape:
    """The rows of a Parquet file of the catalog, with this instrument id; errors of polars, and TAPE_*."""
    frame = pl.read_parquet(BytesIO(data))
    columns = {name: frame[name].to_numpy() for name in frame.columns}
    return Tape(KINDS[kind], {**columns, "instrument": np.full(len(frame), identity, dtype=np.int64)})


def span_name(tape: Tape) -> str:
    """The name of the usual length of a tape's bars: the longest; sessions of one day each are daily bars."""
    longest = int(tape["span"].max())
    steps = np.diff(tape["ts"])
    if longest < DAY and len(steps) and int(np.median(steps)) >= 20 * DAY // 24:
        longest = DAY
    return span_text(longest)


def _both(old: str, new: str) -> str:
    parts = [part for part in (*old.split("; "), new) if part]
    return "; ".join(dict.fromkeys(parts))


def _conflict(entry: Entry, what: str) -> Misuse:
    return Misuse("CATALOG_CONFLICT", f"{entry.symbol}: {what}", where=entry.path, fix="leave --merge out to replace what is stored")
