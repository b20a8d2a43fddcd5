"""A file has its name only once its bytes are on the disk, and the name is there before anybody builds on it."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from argosy.store import manifest, segment
from argosy.store.manifest import Manifest
from argosy.store.packer import compress
from argosy.store.recorder import Recorder
from argosy.store.snapshots import Snapshots
from tests.store.shelf import crash, fill, opened, row

FSYNC, RENAME, UNLINK = os.fsync, Path.rename, Path.unlink


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was synced, named and taken away, in order: "sync file", "name", "sync folder", "unlink"."""
    out: list[str] = []

    def fsync(fd: int) -> None:
        out.append("sync folder" if Path(f"/proc/self/fd/{fd}").is_dir() else "sync file")
        FSYNC(fd)

    def rename(path: Path, target: Path) -> Path:
        out.append("name")
        return RENAME(path, target)

    def unlink(path: Path, missing_ok: bool = False) -> None:
        out.append("unlink")
        UNLINK(path, missing_ok)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", rename)
    monkeypatch.setattr(Path, "unlink", unlink)
    return out


def test_new_files_are_synced_named_and_their_folder_synced(tmp_path: Path, done: list[str]) -> None:
    os.close(segment.begin(tmp_path / segment.name(1), b"abc"))
    manifest.write(tmp_path, Manifest())
    Snapshots(tmp_path).save(b"x", seq=1, rows=0, chain="", code="")
    assert done == ["sync file", "name", "sync folder"] * 3


def test_the_plain_segment_goes_last(tmp_path: Path, done: list[str]) -> None:
    journal = opened(tmp_path)
    fill(journal, 0, 70)
    crash(journal)
    done.clear()
    compress(journal._path)
    assert done == ["sync file", "name", "sync folder", "unlink"]


def test_what_is_cut_off_is_safe_before_it_is_cut(tmp_path: Path, done: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.seg"
    path.write_bytes(b"keeptorn")
    sizes: list[int] = []
    monkeypatch.setattr("argosy.core.points.hook", lambda name: sizes.append(path.stat().st_size))
    assert segment.put_aside(path, 4)[0] == 4
    assert sizes == [8]  # nothing was cut when the rest was safe
    assert done == ["sync file", "sync folder", "sync file", "sync folder"]
    assert path.read_bytes() == b"keep"
    segment.put_aside(path, 0)
    assert not path.exists()
    assert sorted(one.name for one in (tmp_path / "torn").iterdir()) == ["x.seg.0.1", "x.seg.4.0"]


def test_a_closed_segment_is_on_the_disk_before_the_next_one_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    sync, begin = os.fdatasync, segment.begin
    monkeypatch.setattr(os, "fdatasync", lambda fd: (order.append("sync"), sync(fd))[1])
    monkeypatch.setattr(segment, "begin", lambda path, data: (order.append("begin"), begin(path, data))[1])
    for policy, wanted in (("group", "sync"), ("none", "")):
        with opened(tmp_path / policy, sync=policy, segment_bytes=500) as journal:
            order.clear()
            monkeypatch.setattr(journal._syncer, "wrote", lambda seq: None)
            fill(journal, 0, 70)
            assert order == [wanted, "begin"][not wanted :]


def test_a_closed_file_of_rows_is_on_the_disk_before_the_next_one_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    sync, begin = os.fdatasync, segment.begin
    with Recorder(tmp_path, segment_bytes=1, pack=False) as recorder:
        monkeypatch.setattr(os, "fdatasync", lambda fd: (order.append("sync"), sync(fd))[1])
        monkeypatch.setattr(segment, "begin", lambda path, data: (order.append("begin"), begin(path, data))[1])
        recorder.append(row(random.Random(1), 1))
        recorder.commit()
        assert order == ["sync", "begin"]
