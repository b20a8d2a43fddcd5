"""The disk is full, slow, read-only or breaks: nothing is dropped, each commit says so with a code, and the desk can halt."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from argosy.core.errors import Broken
from argosy.store import segment
from argosy.store.reader import Reader
from argosy.store.recorder import Recorder
from tests.store.shelf import CODEC, crash, fill, memory, opened, packed, record

ROOT = Path(__file__).resolve().parents[2]
WRITE, SYNC = os.write, os.fdatasync


class Disk:
    """A disk that takes `room` more bytes of the journal, then none."""

    def __init__(self, room: int, error: int = errno.ENOSPC) -> None:
        self.room = room
        self.error = error

    def write(self, fd: int, data: Any) -> int:
        if not self.room:
            raise OSError(self.error, os.strerror(self.error))
        done = WRITE(fd, bytes(data)[: self.room])
        self.room -= done
        return done


@pytest.mark.parametrize("room", [0, 1, 15, 16, 17, 100, 101, 5000])
def test_a_full_disk_stops_the_journal_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    journal = opened(tmp_path)
    disk = Disk(room)
    monkeypatch.setattr("argosy.store.journal.os.write", disk.write)
    refused = []
    for k in range(100):
        journal.append(record(k))
        try:
            journal.commit()
        except Broken as error:
            refused.append(error)
    assert {error.code for error in refused} == {"JOURNAL_DISK"}
    assert all("No space left" in error.what for error in refused)
    health = journal.health()
    assert health.behind > 0
    assert health.written < health.seq == 101
    assert "No space left" in health.fault
    with pytest.raises(Broken, match="JOURNAL_DISK"):
        journal.check()
    with pytest.raises(Broken, match="JOURNAL_DISK"):
        journal.commit()  # also with nothing new
    with pytest.raises(Broken, match="JOURNAL_DISK"):
        journal.write()
    disk.room = 1 << 30
    journal.commit()
    journal.check()
    assert journal.health().fault == ""
    assert journal.chain == memory(100, 1).chain
    assert Reader(tmp_path, CODEC).verify().records == 100
    journal.close()


def test_dying_on_a_full_disk_leaves_what_was_written_and_a_torn_tail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = opened(tmp_path)
    fill(journal, 0, 10)
    with monkeypatch.context() as patch:
        patch.setattr("argosy.store.journal.os.write", Disk(20).write)
        with pytest.raises(Broken, match="JOURNAL_DISK"):
            fill(journal, 10, 10)
        with pytest.raises(Broken, match="JOURNAL_DISK"):
            journal.close()
    with opened(tmp_path) as again:
        assert again.opened.recovered
        assert again.opened.torn == 20
        assert again.seq == 11


def test_a_real_limit_of_the_system(tmp_path: Path) -> None:
    """A file may not grow beyond 9,000 bytes: the journal says so, and what it had committed before is there."""
    program = """
import resource, sys
from argosy.core.errors import Broken
from tests.store.shelf import opened, record
journal = opened(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))
for k in range(1000):
    journal.append(record(k))
    try:
        journal.commit()
    except Broken as error:
        print(journal.health().written, error.code)
        break
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    written, code = done.stdout.split()
    assert code == "JOURNAL_DISK"
    with opened(tmp_path) as journal:
        assert 50 < journal.seq == int(written)


def test_a_new_segment_that_cannot_be_made_is_made_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = opened(tmp_path, segment_bytes=3000)

    def begin(path: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("argosy.store.segment.begin", begin)
        with pytest.raises(Broken, match="JOURNAL_DISK"):
            fill(journal, 0, 200)
        with pytest.raises(Broken, match="JOURNAL_DISK"):
            journal.commit()
        assert len(segment.places(tmp_path)) == 1
    journal.commit()
    assert len(segment.places(tmp_path)) == 2
    done = journal.seq - 1
    fill(journal, done, 200 - done)
    assert repr(list(journal.kept())) == repr(list(memory(200).kept()))
    journal.close()


def test_a_segment_whose_first_bytes_do_not_fit_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argosy.store.segment.os.write", lambda fd, data: 3)
    with pytest.raises(OSError, match="No space"):
        segment.begin(tmp_path / "00000000000000000001.seg", b"abcdef")
    assert segment.places(tmp_path) == []


@pytest.mark.parametrize("policy", ["each", "group"])
def test_a_sync_that_fails_is_final(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str) -> None:
    """After it nobody knows what is on the disk, so no later success counts; what is recorded is still written."""
    journal = opened(tmp_path, sync=policy)
    fill(journal, 0, 3)

    def broken(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("argosy.store.syncer.os.fdatasync", broken)
        journal.append(record(3))
        until = time.monotonic() + 10
        told = ""
        while not told and time.monotonic() < until:
            try:
                journal.commit()
            except Broken as error:
                told = error.code
            time.sleep(0.002)
        assert told == "JOURNAL_SYNC"
    journal.append(record(4))
    for call in (journal.commit, journal.check, journal.sync):
        with pytest.raises(Broken, match="JOURNAL_SYNC"):
            call()
    assert journal.durable <= 4
    assert Reader(tmp_path, CODEC).verify().records == 5
    assert "Input/output" in journal.health().fault
    with pytest.raises(Broken, match="JOURNAL_SYNC"):
        journal.close()
    with opened(tmp_path) as again:
        assert again.seq == 6


def test_a_slow_disk_is_seen_while_it_is_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    def slow(fd: int) -> None:
        gate.wait(20)
        SYNC(fd)

    journal = opened(tmp_path, sync="group", stall_ns=30_000_000)
    monkeypatch.setattr("argosy.store.syncer.os.fdatasync", slow)
    begun = time.monotonic()
    journal.append(record(0))
    journal.commit()
    assert time.monotonic() - begun < 5  # the loop does not wait for it
    time.sleep(0.06)
    assert journal.health().waits_ns > 30_000_000
    with pytest.raises(Broken, match="JOURNAL_STALL"):
        journal.check()
    journal.append(record(1))
    journal.commit()  # nothing is refused or dropped
    gate.set()
    until = time.monotonic() + 10
    while journal.durable < 3 and time.monotonic() < until:
        time.sleep(0.002)
    journal.check()
    assert journal.health().sync_longest_ns > 30_000_000
    journal.close()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(Broken, match="JOURNAL_DISK"):
        opened(file / "journal")
    with pytest.raises(Broken, match="ROWS_DISK"):
        Recorder(file / "rows")
    closed = Path("/sys/argosy") if os.geteuid() == 0 else tmp_path / "closed"  # root may write anywhere but there
    if os.geteuid():
        closed.mkdir(mode=0o500)
    with pytest.raises(Broken, match=r"JOURNAL_DISK|LEASE_FILE"):
        opened(closed)


def test_a_folder_that_became_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(tmp_path).close()

    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(tmp_path))

    with monkeypatch.context() as patch:
        patch.setattr("argosy.store.manifest.write", refuse)
        with pytest.raises(Broken, match=r"JOURNAL_DISK.*Read-only"):
            opened(tmp_path)
    journal = opened(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("argosy.store.manifest.write", refuse)
        with pytest.raises(Broken, match=r"JOURNAL_DISK.*Read-only"):
            journal.close()
    with opened(tmp_path) as again:
        assert again.opened.recovered  # it could not say that it had ended


def test_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = opened(tmp_path)
    fill(journal, 0, 10)
    crash(journal)

    def refuse(path: Path) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("argosy.store.segment.content", refuse)
    with pytest.raises(Broken, match=r"JOURNAL_DISK.*Input"):
        opened(tmp_path)
    with pytest.raises(Broken, match=r"JOURNAL_DISK.*Input"):
        list(Reader(tmp_path, CODEC).records())
    monkeypatch.undo()
    with opened(tmp_path) as again:  # it was not damaged, and is in no quarantine
        assert again.seq == 11


def test_a_segment_that_cannot_be_compressed_stays_and_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = opened(tmp_path, segment_bytes=1500, pack=True)
    monkeypatch.setattr("argosy.store.packer._crc", lambda part: -1)
    fill(journal, 0, 200)
    packed(journal)
    assert "PACK_DIFFERS" in journal.health().unpacked
    assert journal.dump() == memory(200).dump()
    assert all(place.path.suffix == ".seg" for place in segment.places(tmp_path))
    monkeypatch.undo()
    journal.close()


def test_what_was_compressed_badly_reads_as_nothing(tmp_path: Path) -> None:
    from argosy.store.packer import _crc

    for data in (b"", b"nonsense", b"\x1f\x8b\x08\0\0\0\0\0\0\3garbage"):
        path = tmp_path / "x.gz.part"
        path.write_bytes(data)
        assert _crc(path) in (-1, 0)
    path.write_bytes(b"nonsense")
    assert _crc(path) == -1
