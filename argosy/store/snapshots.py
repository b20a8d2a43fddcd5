"""States saved at places of a journal, so that a recovery need not begin with the first record; each can be thrown away at any time.

A file says at which record it was taken, what the chain was there, which code it is for and what its bytes hash to. One that does
not fit is passed over, and the reason is kept; the journal alone is the truth.
"""

from __future__ import annotations

import os
import struct
import time
import zlib
from hashlib import blake2b
from pathlib import Path
from zlib import crc32

import msgspec

from argosy.core import points
from argosy.core.errors import Broken
from argosy.store.segment import sync_folder

MAGIC = b"ARGOSYS\x01"
FOLDER = "snapshots"
KEPT = 3
_LEAD = struct.Struct("<II")


class Label(msgspec.Struct, frozen=True):
    """What a snapshot says of itself.

    seq:  the sequence of the first record that is not in it; rows: market rows that are; chain: hex, before `seq`
    code: what it is for, as its maker names it; state: the maker's name of the state; made: ns UTC; digest: hash of the bytes
    """

    seq: int
    rows: int
    chain: str
    code: str
    state: str
    made: int
    digest: bytes


class Snapshot(msgspec.Struct, frozen=True):
    """A snapshot as it was taken back."""

    label: Label
    blob: bytes

    @property
    def tip(self) -> bytes:
        """The chain before its first missing record, as `Reader.records` takes it."""
        return bytes.fromhex(self.label.chain)


class Snapshots:
    """The snapshots of one journal. folder: the journal's; passed: file -> why it was passed over by the last `latest`."""

    def __init__(self, folder: Path | str, keep: int = KEPT) -> None:
        self.folder = Path(folder) / FOLDER
        self.keep = keep
        self.passed: dict[str, str] = {}

    def files(self) -> list[Path]:
        """Newest first."""
        return sorted(self.folder.glob("*.snap"), reverse=True)

    def save(self, blob: bytes, *, seq: int, rows: int, chain: str, code: str, state: str = "") -> Path:
        """Keep a state, durably, and forget the oldest beyond `keep`. The journal must be durable up to `seq` before.

        Raises Broken("SNAPSHOT_DISK"); the earlier ones are then still there.
        """
        digest = blake2b(blob, digest_size=16).digest()
        label = msgspec.msgpack.encode(Label(seq, rows, chain, code, state, time.time_ns(), digest))
        path = self.folder / f"{seq:020d}.snap"
        part = path.with_name(path.name + ".part")
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            with part.open("wb") as file:
                file.write(MAGIC + _LEAD.pack(len(label), crc32(label)) + label + zlib.compress(blob, 1))
                file.flush()
                os.fsync(file.fileno())
            points.reach("journal.snapshot.rename")
            part.rename(path)
            sync_folder(self.folder)
            for old in self.files()[self.keep :]:
                old.unlink()
        except OSError as error:
            raise Broken("SNAPSHOT_DISK", f"the snapshot cannot be kept: {error.strerror or error}", where=str(path), fix="make room") from error
        return path

    def latest(self, code: str, upto: int) -> Snapshot | None:
        """The newest that fits, None where none does (see `passed`).

        code: what it must be for; upto: the journal's next sequence
        Raises Broken("JOURNAL_SHORT") where one was taken at a record that the journal no longer has.
        """
        self.passed = {}
        for path in self.files():
            try:
                label, packed = self._label(path)
                if label.seq > upto:
                    what = f"a snapshot was taken before record {label.seq}, and the journal ends before {upto}"
                    raise Broken("JOURNAL_SHORT", what, where=str(path), fix="argosy journal verify; see docs/journal.md")
                if label.code != code:
                    self.passed[path.name] = "it is for other code, strategies or instruments"
                    continue
                blob = zlib.decompress(packed)
            except (OSError, ValueError, zlib.error, msgspec.MsgspecError) as error:
                self.passed[path.name] = f"it cannot be read: {error}"
                continue
            if blake2b(blob, digest_size=16).digest() != label.digest:
                self.passed[path.name] = "it is not what was written"
                continue
            return Snapshot(label, blob)
        return None

    def drop(self, after: int, aside: Path | None = None) -> None:
        """Take away those at records after `after`; aside: where they are laid."""
        for path in self.files():
            if int(path.name.partition(".")[0]) > after:
                if aside is None:
                    path.unlink()
                else:
                    path.rename(aside / path.name)

    def _label(self, path: Path) -> tuple[Label, bytes]:
        data = path.read_bytes()
        at = len(MAGIC) + _LEAD.size
        if data[: len(MAGIC)] != MAGIC or len(data) < at:
            raise ValueError("it does not begin as a snapshot does")
        length, crc = _LEAD.unpack_from(data, len(MAGIC))
        body = data[at : at + length]
        if crc32(body) != crc:
            raise ValueError("what it says of itself is not what was written")
        return msgspec.msgpack.decode(body, type=Label), data[at + length :]
