"""The catalog: every price we own, on disk as Parquet, with where it came from; it answers what was known at a time.

It never returns a row that was not known `as_of`, never hands out a file whose bytes are not those it wrote, and never
leaves a half-written one.

    <root>/manifest.json                               every file with rows, origin, licence and hash
    <root>/<kind>/<SYMBOL>/<span>-<hash>.parquet       the columns of a tape, without the instrument's id
    <root>/<kind>/<NAME>/<every>-<hash>.parquet        a table that is no tape: see `tables`
    <root>/actions/<SYMBOL>-<hash>.json                its splits and dividends
    <root>/rejected/<FILE>.csv                         rows of an imported file that were refused
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from io import BytesIO
from pathlib import Path
from typing import TypeVar, cast

import msgspec
import polars as pl

from argosy.core.errors import Misuse
from argosy.core.events import Fact, Funding
from argosy.core.instrument import Instrument, Instruments
from argosy.core.tape import KINDS, Tape
from argosy.core.time import NEVER, parse
from argosy.data import batch, manifest
from argosy.data.actions import Action, in_order
from argosy.data.batch import Batch
from argosy.data.manifest import Entry, Manifest
from argosy.data.tables import TABLES, facts, funding

Found = TypeVar("Found")
Symbols = str | Sequence[str] | Instruments | Sequence[Instrument]


class Catalog:
    """A folder of prices. root is made at the first write. Several processes may read; writers take turns (a lock file)."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    # -- asking --------------------------------------------------------------------------------------------------------

    def symbols(self, kind: str = "", every: str = "") -> tuple[str, ...]:
        """Symbols with prices, sorted; only those of a kind ("bar", ..., or a table's: "fact", "chain", ...) or span when given."""
        chosen = (e for e in self.describe() if (e.kind == kind if kind else e.kind in KINDS) and every in ("", e.every))
        return tuple(sorted({entry.symbol for entry in chosen}))

    def describe(self) -> list[Entry]:
        """Every file, by kind, symbol and span."""
        return [entry for _, entry in sorted(manifest.load(self.root).entries.items())]

    def instruments(self, symbols: Iterable[str] = (), kind: str = "", every: str = "") -> Instruments:
        """The facts of `symbols` with ids in that order; when none is named all, sorted, that have such a kind and span.

        Raises Misuse("CATALOG_SYMBOL") for one that is not there.
        """
        seen = manifest.load(self.root)
        facts = seen.instruments
        chosen = {e.symbol for e in seen.entries.values() if e.kind == (kind or e.kind) and e.every == (every or e.every)}
        wanted = list(symbols) or sorted(chosen & set(facts))
        for symbol in wanted:
            if symbol not in facts:
                raise self._unknown(symbol, sorted(facts))
        return Instruments(facts[symbol] for symbol in wanted)

    def tape(
        self, symbols: Symbols, kind: str = "bar", every: str = "", start: int | str = 0, end: int | str = NEVER, as_of: int | str = NEVER
    ) -> Tape:
        """The rows of `symbols` with start <= known < end and known <= as_of, as one tape sorted by known.

        symbols: strings get the ids 0, 1, ... in the order given; Instruments keep their own ids. every: the span's
        name; "" when the catalog has only one. Times: ns UTC or ISO text. Each file's bytes are checked against the manifest.
        Raises Misuse: CATALOG_SYMBOL (not there), CATALOG_SPAN (several spans), CATALOG_FILE (damaged, missing, foreign).
        """
        if kind not in KINDS:
            raise Misuse("CATALOG_KIND", f"{kind!r} is not a kind of price", where="--kind", fix=f"use {', '.join(KINDS)}")
        low, high, limit = (parse(t) if isinstance(t, str) else int(t) for t in (start, end, as_of))
        wanted = _wanted(symbols)
        if not wanted:
            raise Misuse("CATALOG_SYMBOL", "no symbol was asked for", fix="name one")

        def read(seen: Manifest) -> Tape:
            found = [(self._find(seen, symbol, kind, every), identity) for symbol, identity in wanted]
            return Tape.merge([self.load(entry, identity).as_of(limit).between(low, high) for entry, identity in found])

        return self._steady(read)

    def actions(self, symbols: Symbols, as_of: int | str = NEVER) -> list[Action]:
        """Splits and dividends known at or before `as_of`, by known; ids as in `tape`. A symbol without any adds none."""
        limit = parse(as_of) if isinstance(as_of, str) else int(as_of)

        def read(seen: Manifest) -> list[Action]:
            actions: list[Action] = []
            for symbol, identity in _wanted(symbols):
                entry = seen.entries.get(manifest.key("actions", symbol))
                if entry is not None:
                    own = (action for action in self._actions(entry) if action.known <= limit)
                    actions += [msgspec.structs.replace(action, instrument=identity) for action in own]
            return in_order(actions)

        return self._steady(read)

    def table(self, symbol: str, kind: str, every: str = "", start: int | str = 0, end: int | str = NEVER, as_of: int | str = NEVER) -> pl.DataFrame:
        """A table that is no tape (see `tables`): the rows with start <= known < end and known <= as_of, by known.

        Times as in `tape`. Raises Misuse: CATALOG_KIND, CATALOG_SYMBOL, CATALOG_SPAN, CATALOG_FILE.
        """
        if kind not in TABLES:
            raise Misuse("CATALOG_KIND", f"{kind!r} is not a kind of table", where="--kind", fix=f"use {', '.join(TABLES)}")
        low, high, limit = (parse(t) if isinstance(t, str) else int(t) for t in (start, end, as_of))
        frame = self._steady(lambda seen: self.sheet(self._find(seen, symbol, kind, every)))
        return frame.filter((pl.col("known") >= low) & (pl.col("known") < high) & (pl.col("known") <= limit))

    def facts(self, names: Iterable[str] = (), as_of: int | str = NEVER) -> list[Fact]:
        """Figures of the world as events, by known; all that there are when none is named. Their source is where they came from."""
        wanted = list(names) or self.symbols("fact")
        origins = {entry.symbol: entry.origin for entry in self.describe() if entry.kind == "fact"}
        out = [event for name in wanted for event in facts(name, self.table(name, "fact", as_of=as_of), origins.get(name, ""))]
        return sorted(out, key=lambda event: event.known)

    def funding(self, symbols: Symbols, as_of: int | str = NEVER) -> list[Funding]:
        """Funding of instruments as events, by known; ids as in `tape`. A symbol without any adds none."""
        there = set(self.symbols("funding"))
        own = [(symbol, identity) for symbol, identity in _wanted(symbols) if symbol in there]
        out = [event for symbol, identity in own for event in funding(self.table(symbol, "funding", as_of=as_of), identity)]
        return sorted(out, key=lambda event: event.known)

    def sheet(self, entry: Entry) -> pl.DataFrame:
        """All rows of an entry that is a table; its bytes are checked. Misuse("CATALOG_FILE")."""
        try:
            return pl.read_parquet(BytesIO(self._bytes(entry)))
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
            raise manifest.damaged(self.root, entry.path, str(error)) from error

    def load(self, entry: Entry, identity: int) -> Tape:
        """All rows of an entry, with this instrument id; its bytes are checked. Misuse("CATALOG_FILE")."""
        data = self._bytes(entry)
        try:
            return batch.decode(entry.kind, data, identity)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError, TypeError, Misuse) as error:
            raise manifest.damaged(self.root, entry.path, str(error)) from error

    def check(self) -> list[tuple[Entry, str]]:
        """Every entry with what is wrong with its file, "" when it is whole: read in full, its bytes compared."""
        out = []
        for entry in self.describe():
            try:
                if entry.kind == "actions":
                    self._actions(entry)
                elif entry.kind in TABLES:
                    self.sheet(entry)
                else:
                    self.load(entry, 0)
            except Misuse as error:
                out.append((entry, error.what))
            else:
                out.append((entry, ""))
        return out

    # -- writing -------------------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[Batch]:
        """Several writings as one: all of them count when the block ends well, none when it raises.

        Raises Misuse("CATALOG_FOLDER") when nothing can be written there, and what `Batch.put` raises.
        """
        with manifest.alone(self.root):
            made = Batch(self, manifest.load(self.root))
            try:
                yield made
                made.end()
            except OSError as error:
                raise manifest.unwritable(self.root, error) from error
            finally:
                made.sweep()

    def write(
        self, instrument: Instrument | str, tape: Tape, *, every: str = "", actions: Sequence[Action] | None = None,
        origin: str = "", licence: str = "", merge: bool = False,
    ) -> Entry:  # fmt: skip
        """Store the rows of one instrument, replacing what the catalog has of that kind and span.

        every: the span's name ("1m"); "" = that of the rows (the longest, when they differ), "tick" for no bars.
        actions: replaces the symbol's actions when given. merge: keep the rows that are there and add the new ones.
        Raises Misuse: CATALOG_WRITE (several instruments, no rows), CATALOG_CONFLICT (merge of rows that differ).
        """
        with self.writing() as made:
            return made.put(instrument, tape, every=every, actions=actions, origin=origin, licence=licence, merge=merge)

    def write_actions(self, symbol: str, actions: Sequence[Action], *, origin: str = "", licence: str = "") -> None:
        """Store the splits and dividends of one symbol, replacing those that are there."""
        with self.writing() as made:
            made.put_actions(symbol, actions, origin=origin, licence=licence)

    def write_text(self, path: str, text: str) -> None:
        """Lay a text beside the entries, whole or not at all; it is no part of the manifest. path: below the root."""
        try:
            manifest.put(self.root / path, text.encode())
        except OSError as error:
            raise manifest.unwritable(self.root, error) from error

    def remove(self, symbol: str, kind: str = "", every: str = "") -> list[Entry]:
        """Take a symbol out, or only its rows of a kind and span. Returns what went; Misuse("CATALOG_SYMBOL") for nothing."""
        with self.writing() as made:
            entries = made.manifest.entries
            chosen = [k for k, e in entries.items() if e.symbol == symbol and e.kind == (kind or e.kind) and e.every == (every or e.every)]
            if not chosen:
                raise self._unknown(symbol, sorted({entry.symbol for entry in entries.values()}), kind or "price")
            return [made.remove(key) for key in chosen if key in entries]

    def reindex(self) -> list[Entry]:
        """Make the manifest anew from the files that are there and whole, after files were restored or removed by hand.

        Each file says itself what it holds and where it came from. Of several for one place the one that the manifest
        named counts, else the newest. A damaged or foreign file is left out and left where it is. returns: the entries.
        """
        with manifest.alone(self.root):
            try:
                named = {entry.path for entry in manifest.load(self.root).entries.values()}
            except Misuse:
                named = set()
            new = Manifest()
            files = [*self.root.glob("*/*/*.parquet"), *self.root.glob("actions/*.json")]
            for file in sorted(files, key=lambda file: (file.relative_to(self.root).as_posix() in named, file.stat().st_mtime_ns)):
                found = batch.found_in(self.root, file)
                if found is not None:
                    entry, facts = found
                    new.entries[entry.key] = entry
                    if facts is not None:
                        new.instruments[facts.symbol] = facts
            manifest.save(self.root, new)
        return self.describe()

    # -- inside --------------------------------------------------------------------------------------------------------

    def _steady(self, read: Callable[[Manifest], Found]) -> Found:
        """What is read by one manifest; again when a writer put another in its place meanwhile."""
        seen = manifest.load(self.root)
        while True:
            try:
                return read(seen)
            except Misuse as error:
                now = manifest.load(self.root)
                if error.code != "CATALOG_FILE" or now == seen:
                    raise
                seen = now

    def _find(self, seen: Manifest, symbol: str, kind: str, every: str) -> Entry:
        if every:
            entry = seen.entries.get(manifest.key(kind, symbol, every))
            if entry is not None:
                return entry
        found = [entry for entry in seen.entries.values() if entry.symbol == symbol and entry.kind == kind]
        if not every and len(found) == 1:
            return found[0]
        spans = ", ".join(sorted(entry.every for entry in found))
        if every and found:
            raise Misuse("CATALOG_SPAN", f"{symbol} has no {kind} of {every}", where=str(self.root), fix=f"use --every {spans}")
        if found:
            what = f"{symbol} has {kind}s of several spans: {spans}"
            raise Misuse("CATALOG_SPAN", what, where=str(self.root), fix=f"choose one: --every {found[0].every}")
        raise self._unknown(symbol, sorted({entry.symbol for entry in seen.entries.values() if entry.kind == kind}), kind)

    def _bytes(self, entry: Entry) -> bytes:
        try:
            data = (self.root / entry.path).read_bytes()
        except OSError as error:
            raise manifest.damaged(self.root, entry.path, error.strerror or str(error)) from error
        if manifest.digest(data) != entry.hash:
            raise manifest.damaged(self.root, entry.path, "its bytes are not those that were written")
        return data

    def _actions(self, entry: Entry) -> list[Action]:
        data = self._bytes(entry)
        try:
            return msgspec.json.decode(data, type=batch.Actions).actions
        except msgspec.MsgspecError as error:
            raise manifest.damaged(self.root, entry.path, str(error)) from error

    def _unknown(self, symbol: str, known: Sequence[str], kind: str = "price") -> Misuse:
        near = get_close_matches(symbol.upper(), known, 1, 0.6)
        there = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
        fix = f"it has {there}" if known else "it is empty: argosy data import FILE"
        if near:
            fix = f"did you mean {near[0]}? {fix}"
        return Misuse("CATALOG_SYMBOL", f"the catalog has no {kind} of {symbol!r}", where=str(self.root), fix=fix)


def _wanted(symbols: Symbols) -> list[tuple[str, int]]:
    """Symbol and id of each."""
    items: list[str | Instrument] = [symbols] if isinstance(symbols, str) else list(cast("Iterable[str | Instrument]", symbols))
    return [(item, place) if isinstance(item, str) else (item.symbol, item.id) for place, item in enumerate(items)]
