"""The memory of a desk: what was recorded survives the process, and what was synced survives the machine. It drops nothing.

The same records give the same chain as the journal in memory. A record is *recorded* when `commit` or `write` has returned (page
cache: it survives kill -9), *durable* when it was synced. Where the disk fails, what is pending stays, every commit says so with
a code, and a later one goes on where the disk left off.

    journal = DurableJournal(folder, codec, Identity(account="PA3", mode="paper"), sync="group")
    journal.append(record); journal.commit()
    for seq, record in journal.records(): ...
    journal.close()
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from time import monotonic_ns
from typing import Any
from zlib import crc32

import msgspec

from argosy.core import points
from argosy.core.errors import Broken, Misuse
from argosy.core.time import DAY
from argosy.store import manifest as pages
from argosy.store import opening, segment
from argosy.store.frames import HEAD, START, Codec, seal
from argosy.store.lease import Lease, boot
from argosy.store.manifest import Identity, Manifest, Page, Release
from argosy.store.opening import Opened
from argosy.store.packer import Packer
from argosy.store.reader import Reader
from argosy.store.recorder import Recorder
from argosy.store.snapshots import Snapshots
from argosy.store.syncer import Policy, Syncer

GROUP = 64
"""Records after which a commit group is closed, at the end of a decision."""
SEGMENT_BYTES = 16 << 20
STALL_NS = 2_000_000_000
"""For how long something may wait for its sync before `check` calls the disk too slow."""


class Health(msgspec.Struct, frozen=True):
    """How the disk is doing.

    seq:     the next sequence; written: all before it is in the page cache; durable: all before it is on the disk
    behind:  bytes that could not be written yet; waits_ns: how long something has waited for a sync
    sync_at: ns UTC of the last sync; sync_ns, sync_longest_ns, write_longest_ns: what they took
    fault:   the last error of writing or syncing, "" when all is well; unpacked: the segment that could not be compressed, and why
    """

    policy: str
    seq: int
    written: int
    durable: int
    behind: int
    waits_ns: int
    sync_at: int
    sync_ns: int
    sync_longest_ns: int
    write_longest_ns: int
    segment: str
    segment_bytes: int
    fault: str = ""
    unpacked: str = ""


class DurableJournal:
    """A journal in a folder of segment files; one process writes it. Implements `core.protocols.Journal`.

    folder:   made where it is not there; codec: how records become bytes (the house's)
    identity: whose journal it is, and the hashes of this run's code and settings
    sync:     "none" | "group" (a thread, 2 ms) | "each" (every commit waits for the disk)
    segment_bytes: a segment is closed with the group that reaches it, and with the first of a new UTC day; pack: compress closed ones
    stall_ns: for how long a sync may be waited for, see `check`
    clock:    ns UTC, for stamps and the turn of days; it decides nothing that is recorded

    opened:   what its opening found
    rows:     the recorder whose rows the records refer to: written before them at each commit, and synced before them

    Opening examines all of it. Raises Broken JOURNAL_QUARANTINE and what `opening.examine` raises; JOURNAL_DISK where
    the folder cannot be written; Misuse JOURNAL_ACCOUNT (another account's or mode's), LEASE_HELD (somebody writes it).
    """

    def __init__(
        self,
        folder: Path | str,
        codec: Codec,
        identity: Identity | None = None,
        *,
        sync: Policy = "group",
        segment_bytes: int = SEGMENT_BYTES,
        pack: bool = True,
        rows: Recorder | None = None,
        stall_ns: int = STALL_NS,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        if sync not in ("none", "group", "each"):
            raise Misuse("JOURNAL_SYNC", f"{sync!r} is no way to sync", where="journal.sync", fix="none, group or each")
        self.folder = Path(folder)
        self.codec = codec
        self.identity = identity or Identity()
        self.snapshots = Snapshots(self.folder)
        self.stall_ns = stall_ns
        self._clock = clock
        self._bytes = segment_bytes
        self._rows = rows
        self._pending: list[Any] = []
        self._parts: list[bytes] = []
        self._fault: OSError | None = None
        self._slowest = 0
        self._day = clock() // DAY
        self._due = False
        self._packer = Packer() if pack else None
        self.append: Callable[[Any], None] = self._pending.append
        self._fd = -1
        self._path = self.folder
        self._next = self._written = 1
        self._closed = START
        self._hash: Any = None
        self._open_frames = self._size = self._crc = 0
        self._syncer = Syncer("none", -1, 1)
        self._lease = self._lock()
        try:
            self._open(sync)
        except BaseException:
            self._lease.give_back()
            if self._fd >= 0:
                os.close(self._fd)
            raise

    # -- what is recorded ------------------------------------------------------------------------------------------------

    @property
    def seq(self) -> int:
        """The sequence of the next record."""
        return self._next + len(self._pending)

    @property
    def chain(self) -> str:
        """Hash of everything recorded, in hex; equal journals have equal chains. Reading it changes nothing."""
        self._encode()
        return (self._hash.copy().digest() if self._open_frames else self._closed).hex()

    @property
    def told(self) -> str:
        """Hash of the groups that are closed, in hex: what a glance is given, since it costs nothing."""
        return self._closed.hex()

    def stretch(self, stretch: Any) -> None:
        """Append a record that stands for several; it is a group of its own and takes the sequences of all of them."""
        self.flush()
        self._pending.append(stretch)
        self.flush()

    def commit(self) -> None:
        """A decision is complete: put everything pending into the page cache, in one write.

        Raises Broken JOURNAL_DISK (what could not be written is kept, and the next commit goes on with it), JOURNAL_SYNC (a sync
        failed: nobody knows what is on the disk), JOURNAL_RECORD (a record that cannot be encoded).
        """
        if self._rows is not None:
            self._rows.commit()
        if self._pending:
            self._encode()
            if self._open_frames >= GROUP:
                self._seal()
        if self._parts or self._fault is not None:
            self._put()
        if self._fault is not None or self._syncer.error is not None:
            self._complain()

    def write(self) -> None:
        """As `commit`, without ending a decision: the group stays open."""
        if self._rows is not None:
            self._rows.commit()
        self._encode()
        if self._parts or self._fault is not None:
            self._put()
        if self._fault is not None or self._syncer.error is not None:
            self._complain()

    def flush(self) -> None:
        """Close the commit group, and write it."""
        self._encode()
        if self._open_frames:
            self._seal()
        self.commit()

    def sync(self) -> None:
        """Make everything recorded durable before this returns; raises as `commit`."""
        self.write()
        points.reach("journal.sync")
        self._syncer.sync()
        if self._syncer.error is not None:
            self._complain()

    # -- what it holds ---------------------------------------------------------------------------------------------------

    def records(self, start: int = 1, tip: bytes | None = None) -> Iterator[tuple[int, Any]]:
        """(sequence, record) from `start` on, read and checked from the files; a stretch as the records it is short for."""
        self.write()
        return Reader(self.folder, self.codec).records(start, tip)

    def kept(self, start: int = 1) -> Iterator[Any]:
        """The records as they are kept, a stretch as one."""
        self.write()
        return (record for _, record in Reader(self.folder, self.codec).kept(start))

    def dump(self) -> bytes:
        """All frames as bytes, as the journal in memory has them."""
        self.write()
        parts = []
        for step in Reader(self.folder, self.codec).steps():
            parts += [step.walk.data[step.walk.frame : step.walk.at] for _ in step.walk.frames()]
        return b"".join(parts)

    def remember(self, blob: bytes, *, rows: int, code: str, state: str = "") -> None:
        """Keep a state that was saved at this very place; everything before it is made durable first.

        rows: market rows that are in it; code, state: see `snapshots.Label`. Raises as `sync`, and Broken SNAPSHOT_DISK.
        """
        self.sync()
        self.snapshots.save(blob, seq=self.seq, rows=rows, chain=self.chain, code=code, state=state)

    # -- how it is doing -------------------------------------------------------------------------------------------------

    @property
    def durable(self) -> int:
        """All records before this sequence are on the disk."""
        return self._syncer.durable

    def health(self) -> Health:
        """How the disk is doing, for the owner's eyes and for gauges."""
        syncer = self._syncer
        error = self._fault or syncer.error
        return Health(
            syncer.policy, self.seq, self._written, syncer.durable, sum(map(len, self._parts)), syncer.waits_ns(), syncer.last_ns, syncer.took_ns,
            syncer.longest_ns, self._slowest, self._path.name, self._size, str(error) if error is not None else "",
            self._packer.fault if self._packer is not None else "",
        )  # fmt: skip

    def check(self) -> None:
        """Raise what `commit` would, and Broken JOURNAL_STALL where a sync has been waited for too long: then no new risk."""
        if self._fault is not None or self._syncer.error is not None:
            self._complain()
        waits = self._syncer.waits_ns()
        if waits > self.stall_ns:
            what = f"the disk has not answered for {waits / 1e9:.1f} s"
            raise Broken("JOURNAL_STALL", what, where=str(self._path), fix="see what else writes to this disk; no new risk until it answers")

    # -- its end ---------------------------------------------------------------------------------------------------------

    def skip(self, to: int, by: str, reason: str) -> None:
        """Pass over sequences, so that no number is used twice: the venue knows orders of ours that are not recorded here.

        to: the next sequence; by, reason: what is written down with it. Misuse("JOURNAL_SKIP") when it would go back.
        """
        self.flush()
        if to <= self._next:
            raise Misuse("JOURNAL_SKIP", f"the journal stands at {self._next} already, not before {to}")
        said = Release(self._clock(), by, reason, "SKIP", self._next, to, "")
        self._manifest.releases.append(said)
        self._keep()
        self._rotate(to, f"skipped by {by}: {reason}")
        self.commit()  # says so where the new segment could not be made

    def close(self) -> None:
        """End the run: close the group, make all durable, say so in the manifest, give the folder back. A second time does nothing."""
        if self._fd < 0:
            return
        try:
            self.flush()
            self._syncer.sync()
            if self._syncer.error is not None:
                self._complain()
            points.reach("journal.close")
            page = self._manifest.runs[-1]
            page.status, page.ended, page.last, page.chain = "Ended", self._clock(), self._next, self._closed.hex()
            self._keep()
        finally:
            self._syncer.stop()
            if self._packer is not None:
                self._packer.stop()
            os.close(self._fd)
            self._fd = -1
            self._lease.give_back()

    def __enter__(self) -> DurableJournal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
    # -- inside ----------------------------------------------------------------------------------------------------------

    def _encode(self) -> None:
        """Turn what is pending into frames; a record that cannot be encoded stays where it is, and all after it."""
        pending = self._pending
        if not pending:
            return
        encode, pack, check, wide = self.codec.encode, HEAD.pack, crc32, self.codec.wide
        seq, done = self._next, 0
        parts: list[bytes] = []
        fault: Exception | None = None
        for record in pending:
            try:
                body = encode(record)
            except (TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
                fault = error
                break
            parts.append(pack(seq, len(body), check(body)))
            parts.append(body)
            seq += 1 if type(record) is not wide else self.codec.width(record)
            done += 1
        if done:
            frames = b"".join(parts)
            self._hash.update(frames)
            self._parts.append(frames)
            self._open_frames += done
            self._next = seq
            del pending[:done]
        if fault is not None:
            raise Broken("JOURNAL_RECORD", f"{type(pending[0]).__name__} cannot be recorded: {fault}", where=f"record {seq}") from fault

    def _seal(self) -> None:
        """Close the commit group."""
        self._closed = self._hash.digest()
        self._parts.append(seal(self._closed, self._open_frames))
        self._hash = blake2b(digest_size=16, key=self._closed)
        self._open_frames = 0
        self._due = self._size >= self._bytes or self._clock() // DAY != self._day

    def _put(self) -> None:
        """Write what is encoded; what the disk does not take stays, in order."""
        parts = self._parts
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        begun = monotonic_ns()
        points.reach("journal.write")
        try:
            while data:
                done = os.write(self._fd, data)
                written, data = (data, b"") if done == len(data) else (data[:done], data[done:])
                self._crc = crc32(written, self._crc)
                self._size += done
                self._parts = [data] if data else []
        except OSError as error:
            self._fault = error
            return
        points.reach("journal.written")
        self._fault = None
        self._written = self._next
        took = monotonic_ns() - begun
        if took > self._slowest:
            self._slowest = took
        self._syncer.wrote(self._next)
        if self._due and not self._open_frames:
            self._rotate(self._next, "")

    def _complain(self) -> None:
        """Raise what is wrong with the disk."""
        error = self._syncer.error
        if error is not None:
            what = f"a sync failed, so nobody knows what is on the disk: {error.strerror or error}"
            raise Broken("JOURNAL_SYNC", what, where=str(self._path), fix="halt; examine the disk; start again from what it holds") from error
        error = self._fault
        if error is not None:
            behind = sum(map(len, self._parts))
            what = f"the disk does not take what is recorded: {error.strerror or error}; {behind:,} bytes wait"
            raise Broken("JOURNAL_DISK", what, where=str(self._path), fix="make room; what waits is written with the next commit") from error

    def _rotate(self, first: int, jump: str) -> None:
        """Close the segment, and go on in a new one that begins with `first`."""
        try:
            points.reach("journal.rotate")
            if self._syncer.policy != "none":
                self._syncer.sync()
                if self._syncer.error is not None:
                    return
            old, fd = self._path, self._fd
            self._make(segment.Head(self.codec.schema, first, self._closed, self._run, self._clock(), self._crc, self._size, jump))
        except OSError as error:
            self._fault = error
            return
        self._next = self._written = first
        self._syncer.swap(self._fd, first)
        os.close(fd)
        if self._packer is not None:
            self._packer.add(old)

    def _make(self, head: segment.Head) -> None:
        """A new segment."""
        path, data = self.folder / segment.name(head.first), segment.opening(head)
        self._fd = segment.begin(path, data)
        self._path, self._size, self._crc, self._due = path, len(data), crc32(data), False
        self._day = self._clock() // DAY

    def _lock(self) -> Lease:
        """The right to write this folder."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            fix = "name a folder that this user may write"
            raise Broken("JOURNAL_DISK", f"the folder cannot be made: {error.strerror}", where=str(self.folder), fix=fix) from error
        return Lease(self.folder / opening.LOCK, account=self.identity.account, what="journal")

    def _open(self, policy: Policy) -> None:
        """Examine what is there, and stand at its end."""
        begun = monotonic_ns()
        manifest = self._manifest = self._mine(pages.read(self.folder))
        before = manifest.runs[-1] if manifest.runs else None
        crashed = before is not None and before.status == "Running"
        try:
            last, lost, aside = opening.examine(self.folder, self.codec, manifest)
            opening.ended(manifest, last.walk.seq, last.walk.tip().hex(), lost)
        except Broken as error:
            if error.code in ("JOURNAL_SCHEMA", "JOURNAL_DISK"):
                raise
            opening.quarantine(self.folder, manifest, error)
        except OSError as error:
            raise self._disk(error) from error
        walk = last.walk
        if before is not None and crashed:
            before.status, before.last, before.chain, before.torn = "Recovered", walk.seq, walk.tip().hex(), lost
        now = self._clock()
        self._run = f"{now:x}-{os.getpid()}"
        booted = boot()
        manifest.runs.append(
            Page(self._run, "Running", self.identity.code, self.identity.config, os.getpid(), socket.gethostname(), booted, now, first=walk.seq)
        )
        self._next = self._written = walk.seq
        self._closed, self._open_frames = walk.chain, walk.open
        self._hash = blake2b(memoryview(walk.data)[walk.begun : walk.at], digest_size=16, key=walk.chain)
        floor = max([0, *(said.next for said in manifest.releases)])
        try:
            pages.write(self.folder, manifest)
            self._go_on(last, max(floor, walk.seq))
        except OSError as error:
            raise self._disk(error) from error
        self._syncer = Syncer(policy, self._fd, self._next, self._rows.sync if self._rows is not None else None)
        self.opened = Opened(
            before is None, crashed, self._next, walk.tip().hex(), lost, aside, crashed and before is not None and before.boot != booted,
            monotonic_ns() - begun,
        )  # fmt: skip
        if self._packer is not None:
            self._packer.add(*[place.path for place in segment.places(self.folder)[:-1] if place.path.suffix != ".gz"])

    def _mine(self, manifest: Manifest | None) -> Manifest:
        """The manifest, a new one in an empty folder; refuses another's, and one in quarantine."""
        own = self.identity
        if manifest is None:
            if segment.places(self.folder):
                fix = "argosy journal release FOLDER --by NAME --reason TEXT --account A --mode M"
                raise Broken("JOURNAL_MANIFEST", "there are segments and no manifest that says whose they are", where=str(self.folder), fix=fix)
            return Manifest(1, own.account, own.mode, own.desk)
        if (manifest.account, manifest.mode) != (own.account, own.mode):
            what = f"the journal is of account {manifest.account!r} in mode {manifest.mode!r}, not {own.account!r} in {own.mode!r}"
            raise Misuse("JOURNAL_ACCOUNT", what, where=str(self.folder), fix="give each account and mode a folder of its own")
        opening.refuse(self.folder, manifest)
        return manifest

    def _go_on(self, last: opening.Last, first: int) -> None:
        """Open the last segment for more, or make a new one."""
        walk = last.walk
        if last.path is not None and first == walk.seq:
            self._path, self._size = last.path, walk.at
            self._crc = crc32(memoryview(walk.data)[: walk.at])
            self._fd = os.open(last.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            self._day = self._clock() // DAY if not walk.records else self._day
            return
        jump = "" if first == walk.seq else "numbers that an earlier run may have used"
        if walk.open and not jump:
            raise Broken("JOURNAL_MISSING", "the last segment is compressed and ends inside a group", where=str(self.folder))
        before = walk.data[: walk.at]
        self._closed, self._open_frames = walk.tip(), 0
        self._hash = blake2b(digest_size=16, key=self._closed)
        self._next = self._written = first
        self._make(segment.Head(self.codec.schema, first, self._closed, self._run, self._clock(), crc32(before) if before else 0, len(before), jump))

    def _keep(self) -> None:
        """Write the manifest; Broken JOURNAL_DISK."""
        try:
            pages.write(self.folder, self._manifest)
        except OSError as error:
            raise self._disk(error) from error

    def _disk(self, error: OSError) -> Broken:
        fix = "make room, or give the folder to this user"
        return Broken("JOURNAL_DISK", f"it cannot be written: {error.strerror or error}", where=str(error.filename or self.folder), fix=fix)
