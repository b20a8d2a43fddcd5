"""Market rows come back as they were to the bit, in their order, through crashes, rotation and compression."""

from __future__ import annotations

import errno
import os
import random
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core.errors import Broken, Misuse
from argosy.core.events import Bar, BookDelta, Fact, MarketEvent, Quote, Trade
from argosy.store import segment
from argosy.store.frames import START
from argosy.store.recorder import BATCH, LAYOUT, MAGIC, Recorder, read
from argosy.store.segment import Head
from tests.store.shelf import opened, packed, record, row

FLOAT = st.floats(allow_nan=True, allow_infinity=True, width=64)
INT = st.integers(-(1 << 63), (1 << 63) - 1)
ROWS = st.lists(
    st.one_of(
        st.builds(Bar, INT, INT, INT, FLOAT, FLOAT, FLOAT, FLOAT, FLOAT, INT), st.builds(Quote, INT, INT, INT, FLOAT, FLOAT, FLOAT, FLOAT),
        st.builds(Trade, INT, INT, INT, FLOAT, FLOAT, INT), st.builds(BookDelta, INT, INT, INT, INT, FLOAT, FLOAT, st.booleans()),
    ),
    max_size=30,
)  # fmt: skip


def bits(rows: Any) -> list[bytes]:
    """Rows as bytes: two nan are the same only if all their bits are."""
    return [type(one).__name__.encode() + msgspec.msgpack.encode(one) for one in rows]


def crash(recorder: Recorder) -> Path:
    os.close(recorder._fd)
    recorder._fd = -1
    recorder._lease.give_back()
    return recorder._path


def kept(folder: Path, count: int, **more: Any) -> list[MarketEvent]:
    rng = random.Random(count)
    rows = [row(rng, k) for k in range(count)]
    with Recorder(folder, **{"pack": False} | more) as recorder:
        for k, one in enumerate(rows):
            recorder.append(one)
            if k % 3 == 0:
                recorder.commit()
    return rows


@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(1, 7), st.integers(0, 30))
def test_rows_come_back_equal_to_the_bit(tmp_path_factory: Any, rows: list[MarketEvent], each: int, start: int) -> None:
    folder = tmp_path_factory.mktemp("rows")
    recorder = Recorder(folder, segment_bytes=500, pack=False)
    for k, one in enumerate(rows):
        recorder.append(one)
        assert recorder.count == k + 1
        if k % each == 0:
            recorder.commit()
    assert bits(recorder.rows(min(start, len(rows)))) == bits(rows[start:])
    crash(recorder)
    with Recorder(folder, segment_bytes=500, pack=False) as again:
        assert again.opened == (len(rows), 0, "")
        assert bits(again.rows()) == bits(rows)


def test_what_is_committed_is_in_the_file_and_before_the_journal(tmp_path: Path) -> None:
    """A journal that is given the recorder writes the rows first, so that no record refers to a row that is not there."""
    order: list[str] = []
    recorder = Recorder(tmp_path / "rows")
    journal = opened(tmp_path / "journal", rows=recorder, sync="each")
    put, write = recorder._put, os.write
    recorder._put = lambda: (order.append("rows"), put())[1]  # type: ignore[method-assign]
    journal._put = (lambda put: lambda: (order.append("journal"), put())[1])(journal._put)  # type: ignore[method-assign]
    for k in range(3):
        recorder.append(row(random.Random(k), k))
        journal.append(record(k))
        journal.commit()
        assert len(list(read(tmp_path / "rows"))) == k + 1
    recorder.append(row(random.Random(3), 3))
    journal.write()
    assert len(list(read(tmp_path / "rows"))) == 4
    assert order == ["rows", "journal"] * 3 + ["rows"]
    journal.close()
    recorder.close()
    assert write is os.write


def test_rows_are_durable_before_the_journal_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(tmp_path / "rows")
    journal = opened(tmp_path / "journal", rows=recorder, sync="none")
    synced: list[int] = []
    monkeypatch.setattr("argosy.store.recorder.os.fdatasync", synced.append)
    recorder.append(row(random.Random(0), 0))
    journal.append(record(0))
    journal.sync()
    assert synced == [recorder._fd, journal._fd]
    journal.close()
    recorder.close()


def test_rows_that_cannot_be_synced_are_a_failed_sync_of_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(tmp_path / "rows")
    journal = opened(tmp_path / "journal", rows=recorder, sync="none")

    def broken() -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(journal._syncer, "_before", broken)
    with pytest.raises(Broken, match="JOURNAL_SYNC"):
        journal.sync()
    with pytest.raises(Broken, match="JOURNAL_SYNC"):
        journal.close()
    recorder.close()


def test_a_new_file_is_begun_and_closed_ones_are_compressed(tmp_path: Path) -> None:
    rows = kept(tmp_path, 100, segment_bytes=900, pack=False)
    places = segment.places(tmp_path, "rows")
    assert len(places) > 4
    recorder = Recorder(tmp_path, segment_bytes=900, pack=True)
    packed(recorder)
    assert [place.path.name.partition(".")[2] for place in segment.places(tmp_path, "rows")] == ["rows.gz"] * (len(places) - 1) + ["rows"]
    for start in (0, 1, 37, places[2].first, 99, 100):
        assert bits(recorder.rows(start)) == bits(rows[start:])
    for k in range(100, 160):
        recorder.append(row(random.Random(k), k))
        recorder.commit()
    packed(recorder)
    assert recorder.count == 160
    assert bits(recorder.rows()) == bits([*rows, *(row(random.Random(k), k) for k in range(100, 160))])
    recorder.close()
    recorder.close()
    recorder.sync()  # nothing is open: nothing to do


def test_a_tail_torn_at_every_byte_of_the_last_batch(tmp_path: Path) -> None:
    rows = kept(tmp_path / "whole", 20)
    (place,) = segment.places(tmp_path / "whole", "rows")
    data = place.path.read_bytes()
    begins, sizes = len(data), []
    at = segment.head_of(data, place.path, MAGIC)[1]
    while at < len(data):
        first, count, length, _ = BATCH.unpack_from(data, at)
        begins, sizes = at, [*sizes, first]
        at += BATCH.size + length
    for cut in range(begins + 1, len(data)):
        folder = tmp_path / str(cut)
        shutil.copytree(place.path.parent, folder)
        (folder / place.path.name).write_bytes(data[:cut])
        assert bits(read(folder)) == bits(rows[: sizes[-1]])
        with Recorder(folder) as recorder:
            count, lost, aside = recorder.opened
            assert (count, lost) == (sizes[-1], cut - begins)
            assert Path(aside).read_bytes() == data[begins:cut]
            for one in rows[count:]:
                recorder.append(one)
            assert bits(recorder.rows()) == bits(rows)
        shutil.rmtree(folder)


@pytest.mark.parametrize("rest", [b"\0" * 19, b"\0" * 4096, b"\xff" * 100])
def test_zeros_and_rubbish_at_the_end_are_cut_off(tmp_path: Path, rest: bytes) -> None:
    rows = kept(tmp_path, 20)
    with segment.places(tmp_path, "rows")[0].path.open("ab") as file:
        file.write(rest)
    with Recorder(tmp_path) as recorder:
        assert recorder.opened[:2] == (20, len(rest))
        assert bits(recorder.rows()) == bits(rows)


def test_a_bit_flipped_at_any_byte_is_found(tmp_path: Path) -> None:
    """Named, or cut off at the very end: never read as other numbers."""
    rows = kept(tmp_path, 40, segment_bytes=900)
    places = segment.places(tmp_path, "rows")
    rng = random.Random(4)
    for place in places:
        data = place.path.read_bytes()
        for at in range(len(data)):
            flipped = bytearray(data)
            flipped[at] ^= 1 << rng.randrange(8)
            place.path.write_bytes(flipped)
            try:
                found = list(read(tmp_path))
            except Broken:
                continue
            assert place is places[-1], at
            assert len(found) < len(rows)
            assert bits(found) == bits(rows[: len(found)])
        place.path.write_bytes(data)


def test_damage_before_the_end_is_refused_at_opening(tmp_path: Path) -> None:
    kept(tmp_path, 40)
    path = segment.places(tmp_path, "rows")[0].path
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    with pytest.raises(Broken, match="ROWS_CRC"):
        Recorder(tmp_path)
    with pytest.raises(Broken, match="ROWS_CRC"):
        Recorder(tmp_path)


def test_a_segment_that_is_missing_or_not_far_enough_back(tmp_path: Path) -> None:
    kept(tmp_path, 100, segment_bytes=900)
    places = segment.places(tmp_path, "rows")
    places[1].path.rename(tmp_path / "away")
    with pytest.raises(Broken, match="ROWS_GAP"):
        list(read(tmp_path))
    places[0].path.unlink()
    with pytest.raises(Broken, match="ROWS_START"):
        list(read(tmp_path))
    assert len(list(read(tmp_path, places[2].first))) == 100 - places[2].first
    places[3].path.rename(tmp_path / segment.name(999, "rows"))
    with pytest.raises(Broken, match=r"ROWS_GAP|ROWS_HEAD"):
        list(read(tmp_path, places[2].first))


def test_the_beginning_of_a_file_that_was_cut_off_is_laid_aside(tmp_path: Path) -> None:
    rows = kept(tmp_path, 20)
    (tmp_path / segment.name(20, "rows")).write_bytes(MAGIC + b"\1")
    assert bits(read(tmp_path)) == bits(rows)
    with Recorder(tmp_path) as recorder:
        assert recorder.opened[:2] == (20, 9)
        assert bits(recorder.rows()) == bits(rows)


def test_when_only_compressed_files_are_left_a_new_one_is_begun(tmp_path: Path) -> None:
    from argosy.store.packer import compress

    rows = kept(tmp_path, 20)
    compress(segment.places(tmp_path, "rows")[0].path)
    with Recorder(tmp_path) as recorder:
        assert recorder.opened[0] == 20
        recorder.append(rows[0])
        assert bits(recorder.rows()) == bits([*rows, rows[0]])
    path = segment.places(tmp_path, "rows")[0].path
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(Broken, match="ROWS_CRC"):
        list(read(tmp_path))
    segment.places(tmp_path, "rows")[1].path.unlink()
    with pytest.raises(Broken, match="ROWS_CRC"):
        Recorder(tmp_path)


def test_a_compressed_file_that_is_the_last_and_torn_is_damage(tmp_path: Path) -> None:
    from argosy.store.packer import compress

    kept(tmp_path, 20)
    path = segment.places(tmp_path, "rows")[0].path
    path.write_bytes(path.read_bytes()[:-3])
    compress(path)
    with pytest.raises(Broken, match="ROWS_TORN"):
        Recorder(tmp_path)


def test_a_newer_layout_is_refused(tmp_path: Path) -> None:
    (tmp_path / segment.name(0, "rows")).write_bytes(segment.opening(Head(LAYOUT + 1, 0, START), MAGIC))
    with pytest.raises(Broken, match="ROWS_LAYOUT"):
        Recorder(tmp_path)


def test_what_is_no_market_row_is_refused(tmp_path: Path) -> None:
    with Recorder(tmp_path) as recorder:
        with pytest.raises(Misuse, match="ROWS_KIND"):
            recorder.append(Fact(1, 1, "fed", "rate"))  # type: ignore[arg-type]
        assert recorder.count == 0


@pytest.mark.parametrize("room", [0, 7, 60])
def test_a_full_disk_stops_it_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    from tests.store.test_disk import Disk

    rng = random.Random(9)
    rows = [row(rng, k) for k in range(30)]
    recorder = Recorder(tmp_path)
    disk = Disk(room)
    monkeypatch.setattr("argosy.store.recorder.os.write", disk.write)
    refused = []
    for one in rows:
        recorder.append(one)
        try:
            recorder.commit()
        except Broken as error:
            refused.append(error.code)
    assert refused == ["ROWS_DISK"] * len(refused)
    assert len(refused) >= 28
    assert recorder.count == 30
    disk.room = 1 << 30
    assert bits(recorder.rows()) == bits(rows)
    recorder.close()


def test_a_new_file_that_cannot_be_made_is_made_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(tmp_path, segment_bytes=150, pack=False)

    def full(path: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("argosy.store.segment.begin", full)
        for k in range(3):
            recorder.append(row(random.Random(k), k))
        recorder.commit()  # the file is full now
        recorder.append(row(random.Random(3), 3))
        with pytest.raises(Broken, match="ROWS_DISK"):
            recorder.commit()
    for k in range(recorder.count, 10):
        recorder.append(row(random.Random(k), k))
    assert bits(recorder.rows()) == bits([row(random.Random(k), k) for k in range(10)])
    assert len(segment.places(tmp_path, "rows")) > 1
    recorder.close()


def test_a_close_that_cannot_sync_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(tmp_path)

    def broken(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("argosy.store.recorder.os.fdatasync", broken)
        with pytest.raises(Broken, match="ROWS_DISK"):
            recorder.close()
    Recorder(tmp_path).close()


def test_a_recording_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(tmp_path, 5)

    def refuse(*_: object) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("argosy.store.segment.content", refuse)
        with pytest.raises(Broken, match="ROWS_DISK"):
            Recorder(tmp_path)
    Recorder(tmp_path).close()


def test_one_process_writes(tmp_path: Path) -> None:
    with Recorder(tmp_path), pytest.raises(Misuse, match="LEASE_HELD"):
        Recorder(tmp_path)
