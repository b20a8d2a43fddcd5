"""How records lie in a file: each with its sequence and a CRC, in groups that a hash ties to all before; it decides nothing.

    frame   seq u64 | length u32 | crc32 u32 | body      little endian; the body is the record as its codec wrote it
    seal    a frame with seq 0, whose body is the chain after its group (16 bytes) and the frames in it (u32)

The chain of a group is blake2b-16 of its frames, keyed with the chain before: what the journal in memory has for the same records.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from typing import Any, NamedTuple
from zlib import crc32

from argosy.core.errors import Broken

HEAD = struct.Struct("<QII")
SEAL = struct.Struct("<16sI")
START = b"\0" * 16
"""The chain before the first record."""
TAIL_CODES = frozenset({"JOURNAL_TORN", "JOURNAL_CRC"})
"""What a write that was cut off may look like; anything else in a file was not done by a crash."""


class Codec(NamedTuple):
    """How records become bytes and bytes records; the house gives it, since this room knows no record.

    schema: number of the layout of records; encode, decode: one record; every released schema must decode
    wide:   the kind of record that stands for several, or None; width: the sequences it takes; unfold: the records themselves
    """

    schema: int
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]
    wide: type | None = None
    width: Callable[[Any], int] = lambda record: 1
    unfold: Callable[[Any], Iterable[Any]] = lambda record: (record,)


def seal(chain: bytes, frames: int) -> bytes:
    """The frame that closes a group."""
    body = SEAL.pack(chain, frames)
    return HEAD.pack(0, len(body), crc32(body)) + body


class Walk:
    """Goes over the frames of one segment and checks them: CRC, sequence, and the chain at each seal.

    data:  the segment's bytes; at: where its first frame begins; seq: the first sequence; chain: the chain there
    where: the file's name, for what is said of it

    While it goes: `at` is the end of what was found good, `frame` where the last frame begins, `seq` the next sequence, `chain` that
    of the closed groups, `begun` where the open group begins and `open` the frames in it, `groups` those that are closed, `records`
    the frames seen.
    """

    def __init__(self, data: bytes, at: int, seq: int, chain: bytes, codec: Codec, where: str) -> None:
        self.data = data
        self.at = at
        self.frame = at
        self.seq = seq
        self.chain = chain
        self.begun = at
        self.open = 0
        self.groups = 0
        self.records = 0
        self._codec = codec
        self._where = where
        self._last: tuple[int, bytes] | None = None

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """(sequence, body) of each record.

        Raises Broken: JOURNAL_TORN (cut short), JOURNAL_CRC (not what was written), JOURNAL_GAP (another sequence than the next),
        JOURNAL_CHAIN (a seal that does not fit); `at` then stands at the bad frame.
        """
        data, size, head = self.data, HEAD.size, HEAD.unpack_from
        end = len(data)
        while self.at < end:
            at = self.at
            if at + size > end:
                raise self._broken("JOURNAL_TORN", f"a frame is cut short after {end - at} of {size} bytes")
            seq, length, crc = head(data, at)
            body = data[at + size : at + size + length]
            if len(body) != length:
                raise self._broken("JOURNAL_TORN", f"record {seq} is cut short: {len(body)} of {length} bytes")
            if crc32(body) != crc or (not seq and length != SEAL.size):
                raise self._broken("JOURNAL_CRC", f"record {seq} is not what was written")
            if not seq:
                self._seal(body)
                continue
            if seq != self.seq and seq != self._after():
                raise self._broken("JOURNAL_GAP", f"record {seq} stands where {self._after()} should")
            self._last = (seq, body)
            self.seq = seq + 1
            self.frame = at
            self.at = at + size + length
            self.open += 1
            self.records += 1
            yield seq, body
        self.seq = self._after()

    def tip(self) -> bytes:
        """The chain of everything so far, as if the open group were closed here."""
        return self._digest(self.at) if self.open else self.chain

    def sealed(self) -> bytes:
        """The chain that the last bytes say, as a closed segment ends, without walking there; of one without a frame the chain it begins with."""
        body = self.data[-SEAL.size :]
        if len(self.data) == self.begun:
            return self.chain
        return SEAL.unpack(body)[0] if self.data[-SEAL.size - HEAD.size : -SEAL.size] == HEAD.pack(0, SEAL.size, crc32(body)) else b""

    def more(self, data: bytes) -> None:
        """Go on with what the file has grown by; what the chain no longer needs is let go."""
        begun = self.begun
        self.data = self.data[begun:] + data
        self.at -= begun
        self.frame -= begun
        self.begun = 0

    def before(self) -> bytes:
        """The chain of everything before the last frame, as if the open group were closed there."""
        return self._digest(self.frame) if self.frame > self.begun else self.chain

    def _digest(self, end: int) -> bytes:
        return blake2b(memoryview(self.data)[self.begun : end], digest_size=16, key=self.chain).digest()

    def _after(self) -> int:
        """The sequence after the last frame, which may stand for several records."""
        if self._last is None or self._codec.wide is None:
            return self.seq
        seq, body = self._last
        record = self._codec.decode(body)
        return seq + (self._codec.width(record) if type(record) is self._codec.wide else 1)

    def _seal(self, body: bytes) -> None:
        chain, frames = SEAL.unpack(body)
        if chain != self._digest(self.at) or frames != self.open:
            raise self._broken("JOURNAL_CHAIN", f"the group before record {self.seq} is not the one that was sealed")
        self.chain = chain
        self.at += HEAD.size + SEAL.size
        self.begun = self.at
        self.open = 0
        self.groups += 1

    def _broken(self, code: str, what: str) -> Broken:
        return Broken(code, what, where=f"{self._where}, byte {self.at}", fix="argosy journal verify shows the extent; see docs/journal.md")


def follows(data: bytes, at: int, seq: int) -> int:
    """Where the first whole frame after `at` begins, -1 when there is none: a write that was cut off has none behind it.

    seq: the sequence expected at `at`; frames up to 2**24 further are looked for, and seals
    """
    view = memoryview(data)
    end = len(data.rstrip(b"\0"))  # a file that grew and was never written ends in zeros
    found = len(data)
    mark = HEAD.pack(0, SEAL.size, 0)[:12]
    place = data.find(mark, at + 1)
    while place >= 0:
        if _whole(view, place):
            found = place
            break
        place = data.find(mark, place + 1)
    for high in {(seq >> 24), (seq >> 24) + 1}:
        pattern = re.compile(b"(?s)(?=..." + re.escape(high.to_bytes(5, "little")) + b")")
        for match in pattern.finditer(data, at + 1, min(end, found)):
            place = match.start()
            if len(data) - place >= HEAD.size and 0 <= HEAD.unpack_from(data, place)[0] - seq < 1 << 24 and _whole(view, place):
                found = min(found, place)
                break
    return found if found < len(data) else -1


def _whole(view: memoryview, at: int) -> bool:
    """Whether a frame stands there, whole and as it was written."""
    if at + HEAD.size > len(view):
        return False
    _, length, crc = HEAD.unpack_from(view, at)
    body = view[at + HEAD.size : at + HEAD.size + length]
    return len(body) == length and bool(crc32(body) == crc)
