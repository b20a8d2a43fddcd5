"""The market rows a desk saw, in the order it saw them, so that what it did can be told and relived; it never changes a bit of one.

A journal refers to rows by their count (`Rows(upto)`); live there is no tape, so they lie here. Segment files as a journal's:

    <first row>.rows      head | batches            <first row>.rows.gz   the same, gzip; only of a closed one
    batch                 first u64 | rows u32 | length u32 | crc32 u32 | rows
    row                   kind u8 | its fields, 8 bytes each (BookDelta.clear: 1), little endian
"""

from __future__ import annotations

import os
import re
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from argosy.core import points
from argosy.core.errors import Broken, Misuse
from argosy.core.events import Bar, BookDelta, MarketEvent, Quote, Trade
from argosy.store import segment
from argosy.store.lease import Lease
from argosy.store.packer import Packer
from argosy.store.segment import Head

MAGIC = b"ARGOSYR\x01"
LAYOUT = 1
"""Number of this layout of rows; a recording of any released number is read for ever."""
BATCH = struct.Struct("<QIII")
SEGMENT_BYTES = 256 << 20
EARLY = 16
"""Rows after which they are written without being asked, so that a decision finds few that wait."""
LOCK = "writer"


class _Kind(NamedTuple):
    """How rows of one kind lie."""

    make: Any
    pack: Callable[..., bytes]
    unpack: Callable[[bytes, int], tuple[Any, ...]]
    size: int


def _kind(make: Any, layout: str) -> _Kind:
    form = struct.Struct("<B" + layout)
    return _Kind(make, form.pack, struct.Struct("<x" + layout).unpack_from, form.size)


_KINDS: dict[int, _Kind] = {1: _kind(Bar, "qqqdddddq"), 2: _kind(Quote, "qqqdddd"), 3: _kind(Trade, "qqqddq"), 4: _kind(BookDelta, "qqqqdd?")}
_CODE = {kind.make: (code, kind.pack) for code, kind in _KINDS.items()}
_values = msgspec.structs.astuple


class Batches:
    """Goes over the batches of one file and checks each. at: the end of what was good; row: the next row."""

    def __init__(self, data: bytes, at: int, row: int, where: str) -> None:
        self.data = data
        self.at = at
        self.row = row
        self._where = where

    def __iter__(self) -> Iterator[tuple[int, int, bytes]]:
        """(first row, rows, their bytes). Raises Broken: ROWS_TORN (cut short), ROWS_CRC, ROWS_GAP; `at` stands at the bad one."""
        data, size = self.data, BATCH.size
        while self.at < len(data):
            if self.at + size > len(data):
                raise self._broken("ROWS_TORN", "a batch is cut short")
            first, rows, length, crc = BATCH.unpack_from(data, self.at)
            body = data[self.at + size : self.at + size + length]
            if len(body) != length:
                raise self._broken("ROWS_TORN", f"the batch of row {first} is cut short")
            if crc32(body, rows) != crc or not rows:
                raise self._broken("ROWS_CRC", f"the batch of row {first} is not what was written")
            if first != self.row:
                raise self._broken("ROWS_GAP", f"row {first} stands where {self.row} should")
            self.at += size + length
            self.row += rows
            yield first, rows, body

    def torn(self, error: Broken) -> bool:
        """Whether what is wrong is the end of a write that was cut off: no whole batch follows it."""
        if error.code not in ("ROWS_TORN", "ROWS_CRC"):
            return False
        data = self.data
        view = memoryview(data)
        for high in {self.row >> 24, (self.row >> 24) + 1}:
            pattern = re.compile(b"(?s)(?=..." + re.escape(high.to_bytes(5, "little")) + b")")
            for match in pattern.finditer(data, self.at + 1, len(data.rstrip(b"\0"))):
                place = match.start()
                if place + BATCH.size > len(data):
                    break
                first, rows, length, crc = BATCH.unpack_from(data, place)
                body = view[place + BATCH.size : place + BATCH.size + length]
                if rows and 0 <= first - self.row < 1 << 24 and len(body) == length and crc32(body, rows) == crc:
                    return False
        return True

    def _broken(self, code: str, what: str) -> Broken:
        return Broken(code, what, where=f"{self._where}, byte {self.at}", fix="see docs/journal.md")


class Recorder:
    """Market rows in a folder of segment files; one process writes it. `append` is cheap, `commit` is one write, seldom needed before.

    opened: (rows found, bytes of a torn tail, the file they lie in now)
    Raises Broken: ROWS_DISK, and what `Batches` raises for damage inside; Misuse LEASE_HELD.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        pack: bool = True,
        account: str = "",
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.folder = Path(folder)
        self._bytes = segment_bytes
        self._clock = clock
        self._pending: list[bytes] = []
        self._left = b""
        self._fault: OSError | None = None
        self._fd = -1
        self._size = 0
        self._whole = True
        self._path = self.folder
        self._lock = threading.Lock()
        self._packer = Packer() if pack else None
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise self._disk(error) from error
        self._lease = Lease(self.folder / LOCK, account=account, what="recorder")
        try:
            self._written, lost, aside = self._open()
        except BaseException:
            self._lease.give_back()
            raise
        self.opened = (self._written, lost, aside)
        if self._packer is not None:
            self._packer.add(*[place.path for place in segment.places(self.folder, "rows")[:-1] if place.path.suffix != ".gz"])

    @property
    def count(self) -> int:
        """Rows so far, those included that are not written yet: the number of the next one."""
        return self._written + len(self._pending)

    def append(self, event: MarketEvent) -> None:
        """Take a row. What the disk does not take is said by the next commit. Raises Misuse ROWS_KIND."""
        kind = _CODE.get(type(event))
        if kind is None:
            raise Misuse("ROWS_KIND", f"{type(event).__name__} is no market row", fix="record it in the journal")
        pending = self._pending
        pending.append(kind[1](kind[0], *_values(event)))
        if len(pending) >= EARLY and not self._left:
            try:
                self.commit()
            except Broken:  # what is left stays, and is tried again
                return

    def commit(self) -> None:
        """Put everything pending into the page cache, in one write. Raises Broken ROWS_DISK; nothing is lost, a later one goes on."""
        if self._left:
            self._put()
        pending = self._pending
        if not pending:
            return
        body, rows = b"".join(pending), len(pending)
        self._left = BATCH.pack(self._written, rows, len(body), crc32(body, rows)) + body
        self._written += rows
        pending.clear()
        self._put()

    def rows(self, start: int = 0) -> Iterator[MarketEvent]:
        """The rows from number `start` on, as they were to the bit, read and checked from the files."""
        if self._fd >= 0:
            self.commit()
        return read(self.folder, start)

    def sync(self) -> None:
        """Make everything written durable; OSError as the system gives it."""
        with self._lock:
            if self._fd >= 0:
                os.fdatasync(self._fd)

    def close(self) -> None:
        """Write and sync what is there, and give the folder back. A second time does nothing."""
        if self._fd < 0:
            return
        try:
            self.commit()
            self.sync()
        except OSError as error:
            raise self._disk(error) from error
        finally:
            if self._packer is not None:
                self._packer.stop()
            with self._lock:
                os.close(self._fd)
                self._fd = -1
            self._lease.give_back()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- inside ----------------------------------------------------------------------------------------------------------

    def _put(self) -> None:
        try:
            if self._size >= self._bytes and self._whole:
                self._rotate()
            while self._left:
                points.reach("rows.write")
                done = os.write(self._fd, self._left)
                self._size += done
                self._whole = done == len(self._left)
                self._left = self._left[done:]
            points.reach("rows.written")
        except OSError as error:
            raise self._disk(error) from error

    def _rotate(self) -> None:
        """Go on in a new file; the one before is durable first."""
        (first,) = struct.unpack_from("<Q", self._left)
        with self._lock:
            os.fdatasync(self._fd)
            old, fd = self._path, self._fd
            self._make(first, self._size)
            os.close(fd)
        if self._packer is not None:
            self._packer.add(old)

    def _make(self, first: int, size: int) -> None:
        path = self.folder / segment.name(first, "rows")
        data = segment.opening(Head(LAYOUT, first, b"", made=self._clock(), size=size), MAGIC)
        self._fd = segment.begin(path, data)
        self._path, self._size, self._whole = path, len(data), True

    def _open(self) -> tuple[int, int, str]:
        """Check the last file, cut off a torn tail, and stand at its end."""
        lost, aside = 0, ""
        places = segment.places(self.folder, "rows")
        row = 0
        try:
            if places and _cut_at_birth(places[-1]):
                lost, aside = segment.put_aside(places.pop().path, 0)
            if places:
                batches = _batches(places[-1])
                try:
                    for _ in batches:
                        pass
                except Broken as error:
                    if places[-1].path.suffix == ".gz" or not batches.torn(error):
                        raise
                    more, aside = segment.put_aside(places[-1].path, batches.at)
                    lost += more
                row = batches.row
            if places and places[-1].path.suffix != ".gz":
                self._path, self._size = places[-1].path, batches.at
                self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            else:
                self._make(row, 0)
        except OSError as error:
            raise self._disk(error) from error
        return row, lost, aside

    def _disk(self, error: OSError) -> Broken:
        what = f"market rows cannot be written: {error.strerror or error}"
        return Broken("ROWS_DISK", what, where=str(error.filename or self._path), fix="make room, or give the folder to this user")


def read(folder: Path | str, start: int = 0) -> Iterator[MarketEvent]:
    """The rows of a folder from number `start` on; it changes nothing, so it may look while a desk writes.

    A batch that was cut off at the very end ends them. Raises Broken: ROWS_CRC, ROWS_TORN, ROWS_GAP for anything else, and
    ROWS_START where the recording does not reach back to `start`.
    """
    places = segment.places(Path(folder), "rows")
    begin = max((k for k, place in enumerate(places) if place.first <= start), default=0)
    if places and places[begin].first > start:
        raise Broken("ROWS_START", f"the recording begins with row {places[begin].first}, not before {start}", where=str(folder))
    row = places[begin].first if places else 0
    kinds = _KINDS
    for place in places[begin:]:
        last = place is places[-1]
        if last and _cut_at_birth(place):
            return
        if place.first != row:
            raise Broken("ROWS_GAP", f"rows {row} to {place.first - 1} are not there", where=place.path.name)
        batches = _batches(place)
        try:
            for first, rows, body in batches:
                if first + rows <= start:
                    continue
                at, number = 0, first
                while at < len(body):
                    kind = kinds[body[at]]
                    if number >= start:
                        yield kind.make(*kind.unpack(body, at))
                    number += 1
                    at += kind.size
        except Broken as error:
            if not last or not batches.torn(error):
                raise
        row = batches.row


def _batches(place: segment.Place) -> Batches:
    try:
        data = segment.content(place.path)
    except FileNotFoundError:  # compressed meanwhile
        data = segment.content(place.path.with_name(place.path.name + ".gz"))
    except Broken as error:
        raise Broken("ROWS_CRC", error.what, where=error.where) from error
    head, at = _head(data, place)
    if head.schema > LAYOUT:
        raise Broken("ROWS_LAYOUT", f"it was written in layout {head.schema}", where=place.path.name, fix="use a newer Argosy")
    return Batches(data, at, place.first, place.path.name)


def _head(data: bytes, place: segment.Place) -> tuple[Head, int]:
    try:
        head, at = segment.head_of(data, place.path, MAGIC)
    except Broken as error:
        raise Broken("ROWS_HEAD", error.what, where=error.where) from error
    if head.first != place.first:
        raise Broken("ROWS_HEAD", f"it begins with row {head.first} and is named {place.first}", where=place.path.name)
    return head, at


def _cut_at_birth(place: segment.Place) -> bool:
    """Whether a file is a segment whose making was cut off: no head, and no whole batch."""
    if place.path.suffix == ".gz":
        return False
    data = place.path.read_bytes()
    try:
        segment.head_of(data, place.path, MAGIC)
    except Broken:
        return Batches(data, 0, place.first, "").torn(Broken("ROWS_TORN", ""))
    return False
