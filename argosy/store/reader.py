"""Reads a journal from its folder, checking all it reads; it changes nothing, so it may look while a desk writes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from argosy.core.errors import Broken, Misuse
from argosy.store import segment
from argosy.store.frames import START, TAIL_CODES, Codec, Walk, follows
from argosy.store.segment import Head, Place


class Part(msgspec.Struct, frozen=True):
    """What was found in one segment. first, next: its sequences; records: frames; groups: closed; bytes: as they lie; jump: see `Head`"""

    file: str
    schema: int
    first: int
    next: int
    records: int
    groups: int
    bytes: int
    packed: bool
    jump: str = ""


class Verified(msgspec.Struct):
    """What reading all of a journal found. next: the next sequence; chain: hex, of everything; open: frames in the open group;
    torn: bytes at the end that a write left when it was cut off (the next opening cuts them off)"""

    parts: list[Part]
    next: int = 1
    chain: str = ""
    records: int = 0
    groups: int = 0
    open: int = 0
    torn: int = 0
    torn_code: str = ""


class Step(NamedTuple):
    """A segment while it is read: its head, a walk at its first frame, and whether it is the last."""

    head: Head
    walk: Walk
    place: Place
    last: bool


class Reader:
    """A journal as it lies in a folder. codec: the house's, see `Codec`.

    unbegun: a last file without a record, whose making was cut off; None where the last reading met none
    """

    def __init__(self, folder: Path | str, codec: Codec) -> None:
        self.folder = Path(folder)
        self.codec = codec
        self.unbegun: Path | None = None

    def kept(self, start: int = 1, tip: bytes | None = None) -> Iterator[tuple[int, Any]]:
        """(sequence, record) from `start` on as they are kept, a stretch as one. tip: what the chain must be before `start`.

        A write that was cut off at the very end ends the records; anything else is raised, as `frames.Walk` and `steps` say.
        Broken JOURNAL_START where the journal does not reach back, or is not that far, or another chain stands there.
        """
        decode = self.codec.decode
        reached = tip is None or (start == 1 and tip == START)
        for step in self.steps(start):
            walk = step.walk
            try:
                for seq, body in walk.frames():
                    if seq < start:
                        continue
                    if not reached:
                        reached = self._reach(seq == start and walk.before() == tip, start)
                    yield seq, decode(body)
            except Broken as error:
                if not step.last or not torn(walk, error):
                    raise
            if not reached and walk.seq == start:
                reached = self._reach(walk.tip() == tip, start)
        if not reached:
            self._reach(False, start)

    def records(self, start: int = 1, tip: bytes | None = None) -> Iterator[tuple[int, Any]]:
        """As `kept`, a stretch as the records it is short for."""
        wide, unfold = self.codec.wide, self.codec.unfold
        if wide is None:
            return self.kept(start, tip)
        return (
            pair
            for seq, record in self.kept(start, tip)
            for pair in (enumerate(unfold(record), seq) if type(record) is wide else ((seq, record),))
        )

    def steps(self, start: int = 1) -> Iterator[Step]:
        """The segments from the one that holds `start`, each checked to follow the one before it once that was walked to its end.

        Raises Broken: JOURNAL_MISSING (a segment is not there), JOURNAL_CHAIN (it begins with another chain than the one before
        ended with), and what `segment.walk` raises.
        """
        places = segment.places(self.folder)
        begin = max((k for k, place in enumerate(places) if place.first <= start), default=0)
        before: Step | None = None
        for k in range(begin, len(places)):
            place, last = places[k], k == len(places) - 1
            try:
                head, walk = self._walk(place)
            except Broken as error:
                if last and unbegun(place, error):
                    self.unbegun = place.path
                    return
                raise
            if before is not None:
                follow(before, head, place)
            elif place.first > start and head.size:
                raise Broken("JOURNAL_MISSING", f"the segment before record {place.first} is not there", where=place.path.name)
            before = Step(head, walk, place, last)
            yield before

    def follow(self, start: int = 1) -> Iterator[tuple[int, Any] | None]:
        """(sequence, record) from `start` on as they are kept, for ever: None each time there is nothing more yet. Raises as `kept`."""
        decode = self.codec.decode
        while not segment.places(self.folder):
            yield None
        held: Step | None = None
        for step in self.steps(start):
            yield from ((seq, decode(body)) for seq, body in self._grown(step) if seq >= start)
            held = step
        size = 0 if held is None else len(held.walk.data)
        while held is not None:
            step = held
            after = [place for place in segment.places(self.folder) if place.first > step.place.first]
            grown = _after(step.place, size)
            if grown:
                size += len(grown)
                step.walk.more(grown)
                yield from ((seq, decode(body)) for seq, body in self._grown(step) if seq >= start)
            elif after:
                head, walk = self._walk(after[0])
                follow(step, head, after[0])
                held, size = Step(head, walk, after[0], True), len(walk.data)
                yield from ((seq, decode(body)) for seq, body in self._grown(held) if seq >= start)
            else:
                yield None

    def _grown(self, step: Step) -> Iterator[tuple[int, bytes]]:
        """The frames that are there whole; one that is being written comes later."""
        try:
            yield from step.walk.frames()
        except Broken as error:
            if not step.last or not torn(step.walk, error):
                raise

    def verify(self) -> Verified:
        """Read all of it. Raises as `kept` does; a torn tail is counted, not raised."""
        found = Verified([])
        before: Step | None = None
        for step in self.steps():
            if before is not None and (head := step.head).size and (head.size, head.before) != (len(before.walk.data), crc32(before.walk.data)):
                raise Broken("JOURNAL_CRC", "the segment is not the one that was closed", where=before.place.path.name)
            walk = step.walk
            try:
                for _, body in walk.frames():
                    self.codec.decode(body)
            except Broken as error:
                if not step.last or not torn(walk, error):
                    raise
                found.torn, found.torn_code = len(walk.data) - walk.at, error.code
            path = step.place.path
            found.parts.append(
                Part(path.name, step.head.schema, step.place.first, walk.seq, walk.records, walk.groups, path.stat().st_size, path.suffix == ".gz",
                     step.head.jump)
            )  # fmt: skip
            found.records += walk.records
            found.groups += walk.groups
            found.next, found.chain, found.open = walk.seq, walk.tip().hex(), walk.open
            before = step
        if self.unbegun is not None:
            found.torn, found.torn_code = self.unbegun.stat().st_size, "JOURNAL_HEAD"
        return found

    def _reach(self, here: bool, start: int) -> bool:
        """That the place before `start` is the one that was meant."""
        if not here:
            what = f"the place before record {start} is not the one that was remembered"
            raise Broken("JOURNAL_START", what, where=str(self.folder), fix="fold from the first record")
        return here

    def _walk(self, place: Place) -> tuple[Head, Walk]:
        """A segment, or the same one compressed meanwhile."""
        try:
            return segment.walk(place, self.codec)
        except FileNotFoundError:
            return segment.walk(Place(place.first, place.path.with_name(segment.name(place.first) + ".gz")), self.codec)
        except OSError as error:
            raise Broken("JOURNAL_DISK", f"it cannot be read: {error.strerror}", where=str(place.path), fix="examine the disk") from error


def follow(before: Step, head: Head, place: Place) -> None:
    """That a segment goes on where the one before it ended."""
    walk = before.walk
    if walk.open and not head.jump:
        raise Broken("JOURNAL_MISSING", f"{before.place.path.name} ends inside a group", where=before.place.path.name)
    if head.first != walk.seq and not (head.jump and head.first > walk.seq):
        raise Broken("JOURNAL_MISSING", f"records {walk.seq} to {head.first - 1} are not there", where=place.path.name)
    if head.chain != walk.tip():
        raise Broken("JOURNAL_CHAIN", "it begins with another chain than the segment before it ends with", where=place.path.name)


def torn(walk: Walk, error: Broken) -> bool:
    """Whether what is wrong is the end of a write that was cut off: nothing whole follows it."""
    return error.code in TAIL_CODES and follows(walk.data, walk.at, walk.seq) < 0


def _after(place: Place, size: int) -> bytes:
    """What a segment has beyond `size`; a compressed one does not grow."""
    if place.path.suffix == ".gz":
        return b""
    try:
        with place.path.open("rb") as file:
            file.seek(size)
            return file.read()
    except FileNotFoundError:  # compressed meanwhile
        return segment.content(place.path.with_name(segment.name(place.first) + ".gz"))[size:]


def unbegun(place: Place, error: Broken) -> bool:
    """Whether a file is the beginning of a segment that was cut off before it had a record: no head, and no whole frame."""
    if error.code != "JOURNAL_HEAD" or place.path.suffix == ".gz":
        return False
    data = place.path.read_bytes()
    try:
        segment.head_of(data, place.path)
    except Broken:
        return follows(data, 0, place.first) < 0
    return False  # it is whole, and says another number than its name


def empty(folder: Path | str) -> bool:
    """Whether a folder holds no journal; Misuse("JOURNAL_FOLDER") when it is a file."""
    path = Path(folder)
    if path.exists() and not path.is_dir():
        raise Misuse("JOURNAL_FOLDER", f"{path} is a file", where=str(path), fix="name a folder")
    return not segment.places(path)
