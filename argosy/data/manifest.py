"""The list of a catalog's files: what each holds, where it came from and the hash of its bytes; one file, changed whole.

It never names a file that is not there yet, and a reader sees the old list or the new one, nothing between.

    <root>/manifest.json      every file with rows, origin, licence and hash, and the facts of each symbol
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from urllib.parse import quote as percent

import msgspec

from argosy.core.errors import Misuse
from argosy.core.instrument import Instrument

LAYOUT = 1
"""Number of the layout on disk; another number is refused rather than misread."""

NAME = "manifest.json"


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

    @property
    def key(self) -> str:
        """What the entry is, whatever its bytes: "bar/SPY/1d"."""
        return key(self.kind, self.symbol, self.every)


class Manifest(msgspec.Struct):
    """entries: by `Entry.key`; instruments: facts by symbol, ids 0."""

    entries: dict[str, Entry] = {}
    instruments: dict[str, Instrument] = {}


class _File(msgspec.Struct):
    layout: int
    check: str
    list: Manifest


def key(kind: str, symbol: str, every: str = "") -> str:
    """The place of an entry: "bar/BTC%2FUSD/1m", "actions/SPY"."""
    return f"{kind}/{folder(symbol)}/{every}" if every else f"{kind}/{folder(symbol)}"


def folder(symbol: str) -> str:
    """A file name for a symbol: "BTC/USD" -> "BTC%2FUSD"; Misuse("CATALOG_SYMBOL") when it is not one."""
    if not symbol or len(symbol) > 64 or not any(letter.isalnum() for letter in symbol) or symbol != symbol.strip():
        raise Misuse("CATALOG_SYMBOL", f"{symbol!r} is not a symbol", fix="use letters and digits, like BTC/USD")
    name = percent(symbol, safe="")
    return "%2E" + name[1:] if name.startswith(".") else name


def digest(data: bytes) -> str:
    """blake2b-128 of bytes, in hex."""
    return blake2b(data, digest_size=16).hexdigest()


def load(root: Path) -> Manifest:
    """The list of the catalog in a folder; an empty one when there is none. Raises Misuse: CATALOG_FILE, CATALOG_LAYOUT."""
    path = root / NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Manifest()
    except OSError as error:
        raise damaged(root, NAME, error.strerror or str(error)) from error
    try:
        found = msgspec.json.decode(data, type=_File)
    except msgspec.MsgspecError as error:
        raise damaged(root, NAME, str(error)) from error
    if found.layout != LAYOUT:
        raise Misuse("CATALOG_LAYOUT", f"layout {found.layout} is not layout {LAYOUT}", where=str(path), fix="import the files again")
    if digest(msgspec.json.encode(found.list)) != found.check:
        raise damaged(root, NAME, "its checksum does not agree")
    return found.list


def save(root: Path, manifest: Manifest) -> None:
    """Put the list in the place of the one that is there."""
    ordered = Manifest(dict(sorted(manifest.entries.items())), dict(sorted(manifest.instruments.items())))
    found = _File(LAYOUT, digest(msgspec.json.encode(ordered)), ordered)
    put(root / NAME, msgspec.json.format(msgspec.json.encode(found)))


def put(target: Path, data: bytes) -> None:
    """Bytes under a name: a new file, made durable, then given its name, so that nobody ever sees half of it."""
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
def alone(root: Path) -> Iterator[None]:
    """The folder for one writer at a time. Raises Misuse("CATALOG_FOLDER") when nothing can be written there."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = (root / ".lock").open("a")
    except OSError as error:
        raise unwritable(root, error) from error
    with lock:
        try:
            import fcntl
        except ImportError:  # no such lock on this system: one writer is the owner's promise
            pass
        else:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def unwritable(root: Path, error: OSError) -> Misuse:
    """What to say when the folder of a catalog cannot be written."""
    return Misuse(
        "CATALOG_FOLDER", f"the catalog cannot be written: {error.strerror or error}", where=str(root),
        fix="name a folder of yours with room in it: --catalog DIR",
    )  # fmt: skip


def damaged(root: Path, path: str, reason: str) -> Misuse:
    """What to say of a file that is not what was written."""
    return Misuse(
        "CATALOG_FILE", f"{path} is damaged, missing or not ours: {reason}", where=str(root / path),
        fix="import its source again, or restore it; after mending files by hand: argosy data reindex",
    )  # fmt: skip
