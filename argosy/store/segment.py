"""One file of a journal: who wrote it, where it begins, and its frames; closed ones may lie compressed. It is never changed inside.

    <first sequence>.seg      magic | length u32 | crc32 u32 | head in msgpack | frames
    <first sequence>.seg.gz   the same, gzip; only of a closed segment
"""

from __future__ import annotations

import errno
import gzip
import os
import struct
import zlib
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import msgspec

from argosy.core import points
from argosy.core.errors import Broken
from argosy.store.frames import Codec, Walk

MAGIC = b"ARGOSYJ\x01"
"""What the files of a journal begin with; those of market rows have a mark of their own, of the same length."""
_LEAD = struct.Struct("<II")


class Head(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a segment says of itself.

    schema: number of the records' layout; first: sequence of its first record; chain: that of all before it
    run:    the run that wrote it; made: ns UTC
    before, size: CRC and bytes of the segment before it, 0 when it is the first
    jump:   why `first` does not follow the last record before it; "" when it does
    """

    schema: int
    first: int
    chain: bytes
    run: str = ""
    made: int = 0
    before: int = 0
    size: int = 0
    jump: str = ""


class Place(NamedTuple):
    """A segment's file and the sequence that its name says."""

    first: int
    path: Path


def name(first: int, kind: str = "seg") -> str:
    """The file of a segment. kind: "seg" of a journal, "rows" of market rows."""
    return f"{first:020d}.{kind}"


def places(folder: Path, kind: str = "seg") -> list[Place]:
    """The segments of a folder in order; of one that lies there twice, because compressing it was cut off, the plain file."""
    found: dict[int, Path] = {}
    for path in sorted(folder.glob(f"*.{kind}*")):
        digits, _, ending = path.name.partition(".")
        if ending in (kind, f"{kind}.gz") and digits.isdecimal() and int(digits) not in found:
            found[int(digits)] = path
    return [Place(first, found[first]) for first in sorted(found)]


def opening(head: Head, magic: bytes = MAGIC) -> bytes:
    """The bytes a segment begins with."""
    body = msgspec.msgpack.encode(head)
    return magic + _LEAD.pack(len(body), crc32(body)) + body


def content(path: Path) -> bytes:
    """A segment's bytes; Broken JOURNAL_CRC where it was compressed and cannot be read. OSError as the system gives it."""
    if path.suffix != ".gz":
        return path.read_bytes()
    try:
        return gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise Broken("JOURNAL_CRC", f"the compressed segment cannot be read: {error}", where=path.name) from error


def head_of(data: bytes, path: Path, magic: bytes = MAGIC) -> tuple[Head, int]:
    """What a segment says of itself and where its frames begin.

    Raises Broken: JOURNAL_HEAD (it is not a segment, or its head is not what was written).
    """
    at = len(MAGIC) + _LEAD.size
    if data[: len(magic)] != magic or len(data) < at:
        raise Broken("JOURNAL_HEAD", "it does not begin as a segment does", where=path.name)
    length, crc = _LEAD.unpack_from(data, len(MAGIC))
    body = data[at : at + length]
    if len(body) != length or crc32(body) != crc:
        raise Broken("JOURNAL_HEAD", "what it says of itself is not what was written", where=path.name)
    try:
        head = msgspec.msgpack.decode(body, type=Head)
    except msgspec.MsgspecError as error:
        raise Broken("JOURNAL_HEAD", f"what it says of itself cannot be read: {error}", where=path.name) from error
    return head, at + length


def walk(place: Place, codec: Codec, data: bytes | None = None) -> tuple[Head, Walk]:
    """A segment's head and a walk over its frames, at its first.

    Raises Broken: JOURNAL_HEAD, JOURNAL_CRC (compressed and damaged), JOURNAL_SCHEMA (a newer Argosy wrote it).
    """
    data = content(place.path) if data is None else data
    head, at = head_of(data, place.path)
    if head.first != place.first:
        raise Broken("JOURNAL_HEAD", f"it begins with record {head.first} and is named {place.first}", where=place.path.name)
    if head.schema > codec.schema:
        what = f"it was written with schema {head.schema}, this Argosy knows up to {codec.schema}"
        raise Broken("JOURNAL_SCHEMA", what, where=place.path.name, fix="use the Argosy that wrote it, or a newer one")
    return head, Walk(data, at, head.first, head.chain, codec, place.path.name)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def begin(path: Path, data: bytes) -> int:
    """Make a segment with its first bytes, whole before it has its name; a descriptor that appends to it. OSError as the system gives it."""
    part = path.with_name(path.name + ".part")
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        if os.write(fd, data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(fd)
        points.reach("journal.segment.rename")
        part.rename(path)
        sync_folder(path.parent)
    except OSError:
        os.close(fd)
        raise
    return fd


def put_aside(path: Path, keep: int) -> tuple[int, str]:
    """Keep `keep` bytes of a file and lay the rest into `torn/` beside it, durably and first; (bytes, their file)."""
    rest = path.read_bytes()[keep:]
    folder = path.parent / "torn"
    folder.mkdir(mode=0o700, exist_ok=True)
    target = folder / f"{path.name}.{keep}.{sum(1 for _ in folder.iterdir())}"
    with target.open("xb") as file:
        file.write(rest)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)
    points.reach("journal.torn.cut")
    if keep:
        with path.open("rb+") as file:
            file.truncate(keep)
            os.fsync(file.fileno())
    else:
        path.unlink()
    sync_folder(path.parent)
    return len(rest), str(target)
