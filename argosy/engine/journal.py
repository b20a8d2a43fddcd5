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

from argosy.core import effects as fx
from argosy.core import events as ev
from argosy.core.errors import Broken
from argosy.core.intents import Hold, Ladder, Target
from argosy.core.orders import Order, Refused, Trimmed

GROUP = 64
"""Records after which a commit group is closed, at the end of a decision."""


class Run(msgspec.Struct, frozen=True, tag=True):
    """The first record: who ran with what. tapes: content hashes; code: strategy id -> hash of its code and params."""

    schema: int
    desk: str
    base: str
    symbols: tuple[str, ...]
    strategies: tuple[str, ...]
    tapes: tuple[str, ...] = ()
    code: dict[str, str] = {}
    limits: str = ""


class Rows(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag=True):
    """Market rows up to (not including) `upto` of the run's merged source were applied before the next record.

    With `events` > 0 an instant of several events begins here: the next `events` records, then `rows` market rows, are one
    instant. A recorded event without such a mark is an instant of its own.
    """

    upto: int
    events: int = 0
    rows: int = 0


class Grant(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Base units moved from the house book to a strategy's."""

    strategy: str
    units: int


class Wanted(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A strategy's intent and the lots it came to, evaluated once. lots: signed wanted position (ladders and holds: 0).

    engine: the engine wants it for the strategy (a protection it triggered); the strategy's own word still stands, so that
    saying it again is a repeat, as after a stop that rested at the venue
    """

    strategy: str
    intent: Target | Ladder | Hold
    lots: int
    at: int
    engine: bool = False


class Cross(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Opposite wishes met inside the house at the mid, without fee: `buyer` took `lots` from `seller`."""

    instrument: int
    buyer: str
    seller: str
    lots: int
    price: float
    notional: int


class Verdict(msgspec.Struct, frozen=True, gc=False, tag=True):
    """What the gate said when it did not simply approve (an approval is recorded inside its Submit)."""

    order: Order
    outcome: Refused | Trimmed


class Reserve(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A Submit with the base units held back for it; exit: it can only shrink the position."""

    submit: fx.Submit
    units: int
    exit: bool = False


class Given(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A strategy's wish was given up: it keeps what it holds, and the same wish would be a new one. Or it was paused, retired,
    quarantined, or its horizon came."""

    strategy: str
    instrument: int
    cause: str


class Standing(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A strategy's own standing changed: active | paused | retired | quarantined."""

    strategy: str
    status: str
    cause: str


class Memory(msgspec.Struct, frozen=True, tag=True):
    """A snapshot of a strategy's own state at this place of the journal."""

    strategy: str
    blob: bytes
    rows: int


Record = (
    Run | Rows | Grant | Wanted | Cross | Verdict | Reserve | Given | Standing | Memory
    | fx.Cancel | fx.Amend | fx.SetTimer | fx.Note | fx.Alarm
    | ev.Reply | ev.OrderUpdate | ev.Fill | ev.Bust | ev.Reversal | ev.Account | ev.Adjust | ev.CashFlow | ev.Split
    | ev.Dividend | ev.Funding | ev.Borrow | ev.Delist | ev.Status | ev.Session | ev.Gap | ev.Fact | ev.Forecast
    | ev.Timer | ev.Command | ev.Latch
)  # fmt: skip
"""Everything a journal may hold."""

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
            seq += 1
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
        """All records, decoded, in order."""
        return frames(self.dump())


def frames(data: bytes) -> Iterator[tuple[int, Any]]:
    """Decode frames and check them: Broken JOURNAL_TORN (cut short), JOURNAL_CRC, JOURNAL_GAP (a sequence is missing)."""
    at = 0
    expected = 0
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
        if expected and seq != expected:
            raise Broken("JOURNAL_GAP", f"record {seq} follows {expected - 1}")
        expected = seq + 1
        at += length
        yield seq, _decoder.decode(body)
