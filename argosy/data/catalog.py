"""The catalog: every price we own, on disk as Parquet, with where it came from; it answers what was known at a time.

It never returns a row that was not known `as_of`, never hands out a file whose bytes are not those it wrote, and never
leaves a half-written one.

    <root>/manifest.json                        every file with rows, origin, licence and hash
    <root>/instruments.json                     the facts of each symbol
    <root>/<kind>/<SYMBOL>/<span>.parquet       the columns of a tape, without the instrument's id
    <root>/actions/<SYMBOL>.json                its splits and dividends
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote as percent

import msgspec
import numpy as np
import polars as pl

from argosy.core.errors import Misuse
from argosy.core.events import Bar, Dividend, MarketEvent, Split
from argosy.core.instrument import Instrument, Instruments
from argosy.core.tape import KINDS, Tape, columns_of
from argosy.core.time import NEVER, iso, parse
from argosy.core.time import span as span_ns
from argosy.data.actions import Action, in_order

LAYOUT = 1
"""Number of the layout on disk; another number is refused rather than misread."""

_NAME = {event: name for name, event in KINDS.items()}


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the catalog. path: below the root; every: "1m", "1d" or "tick"; start, end: first and last `known`.

    hash: blake2b-128 of the file's bytes; tape: hash of the rows, equal for equal rows with instrument id 0
    """

    path: str
    kind: str
    symbol: str
    every: str
    rows: int
    start: int
    end: int
    origin: str
    licence: str
    hash: str
    tape: str = ""


class _Manifest(msgspec.Struct):
    layout: int
    check: str
    entries: dict[str, Entry]


class Catalog:
    """A folder of prices. root is made at the first write. Several processes may read; writers take turns (a lock file)."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    # -- asking --------------------------------------------------------------------------------------------------------

    def symbols(self, kind: str = "", every: str = "") -> tuple[str, ...]:
        """Symbols with prices, sorted; only those of a kind ("bar", "quote", "trade", "book") or span when given."""
        chosen = (e for e in self.describe() if kind in ("", e.kind) and every in ("", e.every))
        return tuple(sorted({entry.symbol for entry in chosen if entry.kind != "actions"}))

    def describe(self) -> list[Entry]:
        """Every file, by path."""
        return [entry for _, entry in sorted(self._manifest().items())]

    def instruments(self, symbols: Iterable[str] = ()) -> Instruments:
        """The facts of `symbols` with ids in that order; all, sorted, when none is named. Misuse("CATALOG_SYMBOL")."""
        facts = self._facts()
        wanted = list(symbols) or sorted(facts)
        for symbol in wanted:
            if symbol not in facts:
                raise self._unknown(symbol, sorted(facts))
        return Instruments(facts[symbol] for symbol in wanted)

    def tape(
        self,
        symbols: str | Sequence[str] | Instruments | Sequence[Instrument],
        kind: str = "bar",
        every: str = "",
        start: int | str = 0,
        end: int | str = NEVER,
        as_of: int | str = NEVER,
    ) -> Tape:
        """The rows of `symbols` with start <= known < end and known <= as_of, as one tape sorted by known.

        symbols: strings get the ids 0, 1, ... in the order given; Instruments keep their own ids. every: the span's
        name; "" when the catalog has only one. Times: ns UTC or ISO text. Each file's bytes are checked against the manifest.
        Raises Misuse: CATALOG_SYMBOL (not there), CATALOG_SPAN (several spans), CATALOG_FILE (damaged, missing, foreign).
        """
        if kind not in KINDS:
            raise Misuse("CATALOG_KIND", f"{kind!r} is not a kind of price", fix=f"use {', '.join(KINDS)}")
        low, high, limit = (parse(t) if isinstance(t, str) else int(t) for t in (start, end, as_of))
        tapes = []
        manifest = self._manifest()
        for symbol, identity in _wanted(symbols):
            entry = self._find(manifest, symbol, kind, every)
            tape = self._load(entry, identity).as_of(limit).between(low, high)
            tapes.append(tape)
        if not tapes:
            raise Misuse("CATALOG_SYMBOL", "no symbol was asked for", fix="name one")
        return Tape.merge(tapes)

    def actions(
        self, symbols: str | Sequence[str] | Instruments | Sequence[Instrument], as_of: int | str = NEVER
    ) -> list[Action]:
        """Splits and dividends known at or before `as_of`, by known; ids as in `tape`. A symbol without any adds none."""
        limit = parse(as_of) if isinstance(as_of, str) else int(as_of)
        found: list[Action] = []
        manifest = self._manifest()
        for symbol, identity in _wanted(symbols):
            entry = manifest.get(f"actions/{_folder(symbol)}.json")
            if entry is None:
                continue
            try:
                actions = msgspec.json.decode(self._bytes(entry), type=list[Split | Dividend])
            except msgspec.MsgspecError as error:
                raise self._damaged(entry.path, str(error)) from error
            found += [msgspec.structs.replace(action, instrument=identity) for action in actions if action.known <= limit]
        return in_order(found)

    # -- writing -------------------------------------------------------------------------------------------------------

    def write(
        self,
        instrument: Instrument | str,
        tape: Tape,
        *,
        every: str = "",
        actions: Sequence[Action] | None = None,
        origin: str = "",
        licence: str = "",
        merge: bool = False,
    ) -> Entry:
        """Store the rows of one instrument, replacing what the catalog has of that kind and span.

        every: the span's name ("1m"); "" = that of the rows (the longest, when they differ), "tick" for no bars.
        actions: replaces the symbol's actions when given. merge: keep the rows that are there and add the new ones.
        Raises Misuse: CATALOG_WRITE (several instruments, no rows), CATALOG_CONFLICT (merge of rows that differ).
        """
        facts = Instrument(symbol=instrument) if isinstance(instrument, str) else instrument
        if len(tape.instruments) != 1:
            raise Misuse("CATALOG_WRITE", f"{facts.symbol}: a file holds the rows of one instrument, not of {len(tape.instruments)}", fix="use tape.only(id)")
        kind = _NAME[tape.kind]
        name = every or (_span_name(tape) if tape.kind is Bar else "tick")
        if name != "tick":
            span_ns(name)
        path = f"{kind}/{_folder(facts.symbol)}/{name}.parquet"
        with self._writing() as manifest:
            if merge and path in manifest:
                tape = self._merged(manifest[path], tape)
            plain = Tape(tape.kind, {**tape.columns, "instrument": np.zeros(len(tape), dtype=np.int64)})
            frame = pl.DataFrame({column: plain[column] for column in columns_of(tape.kind) if column != "instrument"})
            buffer = BytesIO()
            frame.write_parquet(buffer, compression="zstd")
            entry = Entry(
                path=path, kind=kind, symbol=facts.symbol, every=name, rows=len(plain), start=int(plain["known"][0]),
                end=int(plain["known"][-1]), origin=origin, licence=licence, hash=_hash(buffer.getvalue()), tape=plain.hash,
            )  # fmt: skip
            known = self._facts() if manifest or (self.root / "instruments.json").exists() else {}
            known[facts.symbol] = msgspec.structs.replace(facts, id=0)
            self._put(path, buffer.getvalue())
            self._put("instruments.json", msgspec.json.format(msgspec.json.encode([known[s] for s in sorted(known)])))
            manifest[path] = entry
            if actions is not None:
                self._put_actions(manifest, facts.symbol, actions, origin, licence)
        return entry

    def write_actions(self, symbol: str, actions: Sequence[Action], *, origin: str = "", licence: str = "") -> None:
        """Store the splits and dividends of one symbol, replacing those that are there."""
        with self._writing() as manifest:
            self._put_actions(manifest, symbol, actions, origin, licence)

    def write_text(self, path: str, text: str) -> None:
        """Lay a text beside the entries, whole or not at all; it is no part of the manifest. path: below the root."""
        self._put(path, text.encode())

    def reindex(self) -> list[Entry]:
        """Make the manifest anew from the files that are there and whole, after files were restored or removed by hand.

        Origin and licence are kept for files that the manifest named. returns: the entries. A damaged file is left out
        and left where it is.
        """
        try:
            before = self._manifest()
        except Misuse:
            before = {}
        facts = {_folder(symbol): symbol for symbol in self._facts()}
        with self._writing(fresh=True) as manifest:
            for file in sorted(self.root.glob("*/*/*.parquet")):
                path = file.relative_to(self.root).as_posix()
                kind, folder, name = path.split("/")
                if kind not in KINDS or folder not in facts:
                    continue
                data = file.read_bytes()
                old = before.get(path)
                entry = Entry(
                    path=path, kind=kind, symbol=facts[folder], every=name.removesuffix(".parquet"), rows=0, start=0, end=0,
                    origin=old.origin if old else "found by reindex", licence=old.licence if old else "", hash=_hash(data),
                )  # fmt: skip
                try:
                    tape = self._decode(entry, data, 0)
                except Misuse:
                    continue
                if len(tape):
                    manifest[path] = msgspec.structs.replace(
                        entry, rows=len(tape), start=int(tape["known"][0]), end=int(tape["known"][-1]), tape=tape.hash
                    )
            for path, old in before.items():
                if old.kind == "actions" and (self.root / path).is_file() and _hash((self.root / path).read_bytes()) == old.hash:
                    manifest[path] = old
        return self.describe()

    # -- inside --------------------------------------------------------------------------------------------------------

    def _manifest(self) -> dict[str, Entry]:
        path = self.root / "manifest.json"
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._damaged("manifest.json", str(error)) from error
        try:
            found = msgspec.json.decode(data, type=_Manifest)
        except msgspec.MsgspecError as error:
            raise self._damaged("manifest.json", str(error)) from error
        if found.layout != LAYOUT:
            raise Misuse("CATALOG_LAYOUT", f"layout {found.layout} is not layout {LAYOUT}", where=str(path), fix="import the files again")
        if _hash(msgspec.json.encode(found.entries)) != found.check:
            raise self._damaged("manifest.json", "its checksum does not agree")
        return found.entries

    def _facts(self) -> dict[str, Instrument]:
        try:
            rows = msgspec.json.decode((self.root / "instruments.json").read_bytes(), type=list[Instrument])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError) as error:
            raise Misuse("CATALOG_FILE", f"instruments.json cannot be read: {error}", where=str(self.root / "instruments.json"), fix="restore it from a backup, or import again") from error  # fmt: skip
        return {row.symbol: row for row in rows}

    def _find(self, manifest: dict[str, Entry], symbol: str, kind: str, every: str) -> Entry:
        if every:
            entry = manifest.get(f"{kind}/{_folder(symbol)}/{every}.parquet")
            if entry is not None:
                return entry
        found = [entry for entry in manifest.values() if entry.symbol == symbol and entry.kind == kind]
        if not every and len(found) == 1:
            return found[0]
        spans = ", ".join(sorted(entry.every for entry in found))
        if every and found:
            raise Misuse("CATALOG_SPAN", f"{symbol} has no {kind} of {every}", where=str(self.root), fix=f"it has {spans}")
        if found:
            raise Misuse("CATALOG_SPAN", f"{symbol} has {kind}s of several spans", where=str(self.root), fix=f"choose one of {spans}")
        raise self._unknown(symbol, sorted({entry.symbol for entry in manifest.values() if entry.kind == kind}), kind)

    def _load(self, entry: Entry, identity: int) -> Tape:
        return self._decode(entry, self._bytes(entry), identity)

    def _bytes(self, entry: Entry) -> bytes:
        try:
            data = (self.root / entry.path).read_bytes()
        except OSError as error:
            raise self._damaged(entry.path, error.strerror or str(error)) from error
        if _hash(data) != entry.hash:
            raise self._damaged(entry.path, "its bytes are not those that were written")
        return data

    def _decode(self, entry: Entry, data: bytes, identity: int) -> Tape:
        kind: type[MarketEvent] = KINDS[entry.kind]
        try:
            frame = pl.read_parquet(BytesIO(data))
            columns: dict[str, Any] = {name: frame[name].to_numpy() for name in frame.columns}
            columns["instrument"] = np.full(len(frame), identity, dtype=np.int64)
            return Tape(kind, columns)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError, TypeError, Misuse) as error:
            raise self._damaged(entry.path, str(error)) from error

    def _merged(self, entry: Entry, tape: Tape) -> Tape:
        """What is stored and what is new; equal bars once, a bar that differs is refused."""
        stored = self._load(entry, 0)
        new = Tape(tape.kind, {**tape.columns, "instrument": np.zeros(len(tape), dtype=np.int64)})
        if tape.kind is not Bar:
            if len(stored) and len(new) and new["known"][0] <= stored["known"][-1] and new["known"][-1] >= stored["known"][0]:
                raise Misuse("CATALOG_CONFLICT", f"{entry.symbol}: the new rows overlap those that are stored", where=entry.path, fix="write without merge to replace them")
            return Tape.merge([stored, new])
        place = {ts: i for i, ts in enumerate(stored["ts"].tolist())}
        fresh = np.ones(len(new), dtype=bool)
        names = [name for name in new.columns if name != "instrument"]
        for i, ts in enumerate(new["ts"].tolist()):
            if ts in place:
                fresh[i] = False
                if not all(np.array_equal(new[name][i], stored[name][place[ts]], equal_nan=True) for name in names):
                    raise Misuse("CATALOG_CONFLICT", f"{entry.symbol}: the bar of {iso(ts)} is stored with other values", where=entry.path, fix="write without merge to replace them")  # fmt: skip
        return Tape.merge([stored, new.take(fresh)]) if fresh.any() else stored

    def _put_actions(self, manifest: dict[str, Entry], symbol: str, actions: Sequence[Action], origin: str, licence: str) -> None:
        path = f"actions/{_folder(symbol)}.json"
        rows = in_order(msgspec.structs.replace(action, instrument=0) for action in actions)
        data = msgspec.json.format(msgspec.json.encode(rows))
        times = [row.known for row in rows] or [0]
        self._put(path, data)
        manifest[path] = Entry(
            path=path, kind="actions", symbol=symbol, every="", rows=len(rows), start=times[0], end=times[-1], origin=origin,
            licence=licence, hash=_hash(data),
        )  # fmt: skip

    def _put(self, path: str, data: bytes) -> None:
        """Bytes at a path below the root: a new file, made durable, then given its name."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.{os.getpid()}.draft")
        try:
            with draft.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)

    @contextmanager
    def _writing(self, *, fresh: bool = False) -> Iterator[dict[str, Entry]]:
        """The manifest, for one writer at a time; it is stored when the block ends well."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("a") as lock:
            try:
                import fcntl
            except ImportError:  # no such lock on this system: one writer is the owner's promise
                pass
            else:
                fcntl.flock(lock, fcntl.LOCK_EX)
            entries = {} if fresh else self._manifest()
            yield entries
            entries = dict(sorted(entries.items()))
            found = _Manifest(LAYOUT, _hash(msgspec.json.encode(entries)), entries)
            self._put("manifest.json", msgspec.json.format(msgspec.json.encode(found)))

    def _damaged(self, path: str, reason: str) -> Misuse:
        return Misuse(
            "CATALOG_FILE", f"{path} is damaged, missing or not ours: {reason}", where=str(self.root / path),
            fix="import its source again, or restore it; after mending files by hand: argosy data reindex",
        )  # fmt: skip

    def _unknown(self, symbol: str, known: Sequence[str], kind: str = "price") -> Misuse:
        there = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
        return Misuse(
            "CATALOG_SYMBOL", f"the catalog has no {kind} of {symbol!r}", where=str(self.root),
            fix=f"it has {there}" if known else "it is empty: argosy data import FILE",
        )  # fmt: skip


def _wanted(symbols: str | Sequence[str] | Instruments | Sequence[Instrument]) -> list[tuple[str, int]]:
    """Symbol and id of each."""
    items: list[str | Instrument] = [symbols] if isinstance(symbols, str) else list(cast("Iterable[str | Instrument]", symbols))
    return [(item, place) if isinstance(item, str) else (item.symbol, item.id) for place, item in enumerate(items)]


def _folder(symbol: str) -> str:
    """A file name for a symbol: "BTC/USD" -> "BTC%2FUSD"; Misuse("CATALOG_SYMBOL") when it is not one."""
    if not symbol or len(symbol) > 64 or not any(letter.isalnum() for letter in symbol) or symbol != symbol.strip():
        raise Misuse("CATALOG_SYMBOL", f"{symbol!r} is not a symbol", fix="use letters and digits, like BTC/USD")
    name = percent(symbol, safe="")
    return "%2E" + name[1:] if name.startswith(".") else name


def _span_name(tape: Tape) -> str:
    from argosy.core.time import DAY, HOUR, span_text

    longest = int(tape["span"].max())
    # sessions of one day have lengths of their own: they are daily bars
    steps = np.diff(tape["ts"])
    if longest < DAY and len(steps) and int(np.median(steps)) >= 20 * HOUR:
        longest = DAY
    return span_text(longest)


def _hash(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


