"""What happens before a journal is written again: all of it is examined, a torn tail is put aside, damage means quarantine.

Nothing is ever deleted: what is cut off lies in `torn/`, what an owner's word leaves out lies in `aside-N/`.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import NamedTuple, NoReturn
from zlib import crc32

import msgspec

from argosy.core.errors import Broken, Misuse
from argosy.store import manifest as pages
from argosy.store import segment
from argosy.store.frames import HEAD, START, Codec, Walk
from argosy.store.lease import Lease
from argosy.store.manifest import Damage, Identity, Manifest, Release
from argosy.store.reader import Reader, torn, unbegun
from argosy.store.segment import Place
from argosy.store.snapshots import Snapshots

LOCK = "writer"
JUMP = 1 << 20
"""Sequences that are passed over where records may have been lost: an order's number must never be used again."""


class Opened(msgspec.Struct):
    """What an opening found.

    fresh:     there was no journal; recovered: the last run died without closing it
    seq, chain: the next sequence, and the chain in hex
    torn:      bytes of a write that was cut off; torn_file: where they lie now
    rebooted:  the machine was switched off since: what was in the page cache and not yet durable may be lost without a trace, so
               orders with later numbers may exist at the venue (see `DurableJournal.skip`)
    took_ns:   time it took
    """

    fresh: bool
    recovered: bool = False
    seq: int = 1
    chain: str = START.hex()
    torn: int = 0
    torn_file: str = ""
    rebooted: bool = False
    took_ns: int = 0


class Last(NamedTuple):
    """The segment that is written on: its path, None where a new one must be made, and a walk that stands at its end."""

    path: Path | None
    walk: Walk


def examine(folder: Path, codec: Codec, manifest: Manifest) -> tuple[Last, int, str]:
    """Check all of a journal and cut off a torn tail: (the last segment, bytes that were torn, where they lie now).

    Closed segments are held against the size and CRC that the next one says of them; the last is walked frame by frame.
    Raises Broken as `Reader.kept` and JOURNAL_SHORT (it ends before the place where a run closed it).
    """
    places = segment.places(folder)
    lost, aside = 0, ""
    if places and _cut_at_birth(places[-1], codec):
        lost, aside = segment.put_aside(places[-1].path, 0)
        places = places[:-1]
    if not places:
        return Last(None, Walk(b"", 0, manifest.first, START, codec, "")), lost, aside
    before: Walk | None = None
    for place in places:
        head, walk = segment.walk(place, codec, _content(place))
        if before is None:
            if head.first != manifest.first:
                raise Broken("JOURNAL_MISSING", f"records {manifest.first} to {head.first - 1} are not there", where=place.path.name)
        elif (len(before.data), crc32(before.data)) != (head.size, head.before):
            raise Broken("JOURNAL_CRC", f"the segment before {place.path.name} is not the one that was closed", where=place.path.name)
        elif not head.jump and before.sealed() != head.chain:
            raise Broken("JOURNAL_CHAIN", "it begins with another chain than the segment before it ends with", where=place.path.name)
        before = walk
    end = walk.data
    try:
        for _ in walk.frames():
            pass
    except Broken as error:
        if places[-1].path.suffix == ".gz" or not torn(walk, error):
            raise
        lost += len(end) - walk.at
        aside = segment.put_aside(places[-1].path, walk.at)[1]
    path = places[-1].path
    return Last(path if path.suffix != ".gz" else None, walk), lost, aside


def _content(place: Place) -> bytes:
    try:
        return segment.content(place.path)
    except OSError as error:
        raise Broken("JOURNAL_DISK", f"it cannot be read: {error.strerror}", where=str(place.path), fix="examine the disk") from error


def _cut_at_birth(place: Place, codec: Codec) -> bool:
    """Whether the last file is a segment whose making was cut off."""
    try:
        segment.walk(place, codec)
    except Broken as error:
        return unbegun(place, error)
    return False


def ended(manifest: Manifest, following: int, chain: str, lost: int) -> None:
    """That a journal reaches as far as the run that closed it said: Broken JOURNAL_SHORT.

    following: its next sequence; chain: hex, of everything; lost: bytes of a torn tail
    """
    page = manifest.runs[-1] if manifest.runs else None
    if page is None or page.status != "Ended":
        return
    if (following, chain) != (page.last, page.chain) or lost:
        what = "it does not end as it was closed"
        if following != page.last:
            what = f"it was closed before record {page.last} and ends before {following}"
        raise Broken("JOURNAL_SHORT", what, fix="argosy journal verify shows the extent; see docs/journal.md")


def quarantine(folder: Path, manifest: Manifest, error: Broken) -> NoReturn:
    """Mark a journal as damaged, so that nobody goes on with it unseen, and raise what was found."""
    manifest.damage = Damage(error.code, error.what, error.where, time.time_ns())
    if manifest.runs:
        manifest.runs[-1].status = "Quarantined"
        manifest.runs[-1].note = str(error)
    try:
        pages.write(folder, manifest)
    except OSError as disk:
        error.add_note(f"and the quarantine could not be written down: {disk}")
    raise error


def refuse(folder: Path, manifest: Manifest) -> None:
    """Broken("JOURNAL_QUARANTINE") where a journal is in quarantine."""
    damage = manifest.damage
    if damage is not None:
        what = f"the journal is in quarantine since it was found damaged: {damage.code}, {damage.what}"
        fix = "read docs/journal.md, then: argosy journal release FOLDER --by NAME --reason TEXT"
        raise Broken("JOURNAL_QUARANTINE", what, where=str(folder), fix=fix)


def release(folder: Path | str, codec: Codec, *, by: str, reason: str, identity: Identity | None = None) -> Release:
    """The owner lets a damaged journal go on: what is good before the damage stays, the rest lies aside, numbers are passed over.

    identity: whose journal it is, needed only where its manifest itself is damaged
    Raises Misuse: JOURNAL_REASON (no name or no reason), JOURNAL_SOUND (there is no damage); LEASE_HELD while a desk writes.
    """
    folder = Path(folder)
    if not by.strip() or len(reason.strip()) < 8:
        raise Misuse("JOURNAL_REASON", "a release needs a name and a reason of 8 letters or more", fix="say who you are and why it is safe to go on")
    with Lease(folder / LOCK, what="release"):
        aside = folder / f"aside-{sum(1 for _ in folder.glob('aside-*'))}"
        try:
            manifest = pages.read(folder)
        except Broken:
            if identity is None:
                raise
            aside.mkdir(mode=0o700)
            (folder / pages.FILE).rename(aside / pages.FILE)
            damage = Damage("JOURNAL_MANIFEST", "it was damaged", "", time.time_ns())
            manifest = Manifest(1, identity.account, identity.mode, identity.desk, damage=damage)
        if manifest is None and identity is not None and segment.places(folder):
            damage = Damage("JOURNAL_MANIFEST", "it was not there", "", time.time_ns())
            manifest = Manifest(1, identity.account, identity.mode, identity.desk, damage=damage)
        if manifest is None or manifest.damage is None:
            raise Misuse("JOURNAL_SOUND", "the journal is not in quarantine", where=str(folder))
        good, ends = _good(folder, codec, manifest)
        following = (max(good.seq, ends) // JUMP + 2) * JUMP
        said = Release(time.time_ns(), by.strip(), reason.strip(), manifest.damage.code, good.seq, following, aside.name)
        _leave_out(folder, aside, good)
        Snapshots(folder).drop(good.seq, aside)
        _begin(folder, manifest, codec, good, said)
        manifest.releases.append(said)
        manifest.damage = None
        pages.write(folder, manifest)
    return said


class _Good(NamedTuple):
    """How far a journal is good: the next sequence, its chain, the segment it ends in and the bytes of it; None: before all segments."""

    seq: int
    chain: bytes
    place: Place | None
    at: int
    crc: int


def _good(folder: Path, codec: Codec, manifest: Manifest) -> tuple[_Good, int]:
    """(how far it is good, a sequence that no record of it can have reached)."""
    found = _Good(manifest.first, START, None, 0, 0)
    reader = Reader(folder, codec)
    sound = True
    ends = max([manifest.first, *(page.last for page in manifest.runs), *(release.next for release in manifest.releases)])
    try:
        for step in reader.steps():
            walk = step.walk
            try:
                for _ in walk.frames():
                    pass
            finally:
                found = _Good(walk.seq, walk.tip(), step.place, walk.at, crc32(memoryview(walk.data)[: walk.at]))
    except Broken:
        sound = False
    for place in segment.places(folder):
        try:
            size = len(segment.content(place.path))
        except (Broken, OSError):
            size = place.path.stat().st_size * 1032  # what deflate can shrink at most
        ends = max(ends, place.first + size // HEAD.size)
    return found, max(ends, found.seq) if sound else ends + JUMP


def _leave_out(folder: Path, aside: Path, good: _Good) -> None:
    """Lay what is not good aside, whole; of the segment that is good in part the good part stays."""
    aside.mkdir(mode=0o700, exist_ok=True)
    for place in segment.places(folder):
        if good.place is not None and place.first < good.place.first:
            continue
        if good.place is not None and place.first == good.place.first:
            data = segment.content(place.path)
            if good.at == len(data):
                continue
            target = folder / segment.name(place.first)
            part = target.with_name(target.name + ".part")
            part.write_bytes(data[: good.at])
            place.path.rename(aside / place.path.name)
            part.rename(target)
        else:
            place.path.rename(aside / place.path.name)
    segment.sync_folder(aside)
    segment.sync_folder(folder)


def _begin(folder: Path, manifest: Manifest, codec: Codec, good: _Good, said: Release) -> None:
    """The segment that goes on after a release."""
    jump = f"released by {said.by}: {said.reason}"
    if good.place is None:
        manifest.first = said.next
    head = segment.Head(codec.schema, said.next, good.chain, "", said.at, good.crc, good.at, jump)
    with (folder / segment.name(said.next)).open("xb") as file:
        file.write(segment.opening(head))
        file.flush()
        os.fsync(file.fileno())
    segment.sync_folder(folder)
