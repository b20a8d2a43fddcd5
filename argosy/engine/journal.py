"""The journal in memory: append-only, gap-free, a CRC on each record and a hash chain over commit groups.

It holds account events, commands, wishes, verdicts and effects; market rows are recorded by reference (`Rows`), so that a
million quiet bars cost nothing. It never calls a strategy and never changes what it holds.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any
from zlib import crc32

import msgspec

from argosy.core.errors import Broken
from argosy.engine.records import (
    Cross,
    Given,
    Grant,
    Memory,
    Record,
    Released,
    Reserve,
    Rows,
    Run,
    Standing,
    Stretch,
    Unsized,
    Verdict,
    Wanted,
)
from argosy.engine.stretch import unfold

GROUP = 64
"""Records after which a commit group is closed, at the end of a decision."""

_HEAD = struct.Struct("<QII")
_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(Record)


class MemoryJournal:
    """A journal that lives in the process: the lab's, and the model of the durable one.

    Frames are `seq u64 | length u32 | crc32 u32 | msgpack`; `chain` is the hash of all closed groups.
    """

    def __init__(self) -> None:
        self._next = 1
        self._pending: list[Any] = []
        self._groups: list[bytes] = []
        self._chain = b"\0" * 16
        self.append: Callable[[Any], None] = self._pending.append

    @property
    def seq(self) -> int:
        """The sequence of the next record; the first is 1."""
        return self._next + len(self._pending)

    def stretch(self, stretch: Stretch) -> None:
        """Append a stretch; it takes the sequences of all the records it stands for."""
        self.flush()
        self._pending.append(stretch)
        self.flush()

    def commit(self) -> None:
        """A decision is complete: close the commit group if it is long enough."""
        if len(self._pending) >= GROUP:
            self.flush()

    def flush(self) -> None:
        """Close the commit group: encode, check and chain the pending records."""
        pending = self._pending
        if not pending:
            return
        seq = self._next
        parts: list[bytes] = []
        encode = _encoder.encode
        pack = _HEAD.pack
        for record in pending:
            body = encode(record)
            parts.append(pack(seq, len(body), crc32(body)))
            parts.append(body)
            seq += 1 if type(record) is not Stretch else record.records
        group = b"".join(parts)
        self._chain = blake2b(group, digest_size=16, key=self._chain).digest()
        self._groups.append(group)
        self._next = seq
        pending.clear()

    @property
    def chain(self) -> str:
        """Hash of everything recorded; equal journals have equal chains."""
        self.flush()
        return self._chain.hex()

    def dump(self) -> bytes:
        """All frames as bytes."""
        self.flush()
        return b"".join(self._groups)

    def records(self) -> Iterator[tuple[int, Any]]:
        """All records, decoded, in order; a stretch as the records it is short for."""
        return frames(self.dump())

    def kept(self) -> Iterator[Any]:
        """All records as they are kept, a stretch as one."""
        for _, record in _kept(self.dump()):
            yield record


def frames(data: bytes) -> Iterator[tuple[int, Any]]:
    """Decode frames and check them, a stretch as the records it is short for; raises what is broken in them."""
    for seq, record in _kept(data):
        if type(record) is Stretch:
            yield from enumerate(unfold(record), seq)
        else:
            yield seq, record


def _kept(data: bytes) -> Iterator[tuple[int, Any]]:
    """Decode frames and check them: Broken JOURNAL_TORN (cut short), JOURNAL_CRC, JOURNAL_GAP (a sequence is missing)."""
    at = 0
    expected = 1
    while at < len(data):
        if at + _HEAD.size > len(data):
            raise Broken("JOURNAL_TORN", f"a frame is cut short at byte {at}")
        seq, length, crc = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        body = data[at : at + length]
        if len(body) != length:
            raise Broken("JOURNAL_TORN", f"record {seq} is cut short at byte {at}")
        if crc32(body) != crc:
            raise Broken("JOURNAL_CRC", f"record {seq} is not what was written", where=f"byte {at}")
        if seq != expected:
            raise Broken("JOURNAL_GAP", f"record {seq} stands where {expected} should")
        at += length
        record = _decoder.decode(body)
        expected = seq + (record.records if type(record) is Stretch else 1)
        yield seq, record


__all__ = [
    "GROUP", "Cross", "Given", "Grant", "Memory", "MemoryJournal", "Record", "Released", "Reserve", "Rows", "Run", "Standing", "Stretch",
    "Unsized", "Verdict", "Wanted", "frames",
]  # fmt: skip
