"""What a reader checks: numbers, seals, and that segments follow each other, also while they are compressed under its eyes."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from zlib import crc32

import pytest

from argosy.core.errors import Broken
from argosy.store import segment
from argosy.store.frames import HEAD, START, Walk, seal
from argosy.store.packer import compress
from argosy.store.reader import Reader
from argosy.store.recorder import Recorder, read
from argosy.store.segment import Head, Place
from tests.store.shelf import CODEC, crash, fill, memory, opened, record, row, stretch


def frame(seq: int, thing: object) -> bytes:
    body = CODEC.encode(thing)
    return HEAD.pack(seq, len(body), crc32(body)) + body


def group(chain: bytes, *frames: bytes) -> tuple[bytes, bytes]:
    """(its bytes with the seal, the chain after it)."""
    after = blake2b(b"".join(frames), digest_size=16, key=chain).digest()
    return b"".join(frames) + seal(after, len(frames)), after


def walked(data: bytes) -> Walk:
    walk = Walk(data, 0, 1, START, CODEC, "x")
    for _ in walk.frames():
        pass
    return walk


def test_a_group_by_hand() -> None:
    data, chain = group(START, frame(1, record(1)), frame(2, record(2)))
    walk = walked(data)
    assert (walk.seq, walk.records, walk.groups, walk.open, walk.chain, walk.tip(), walk.sealed()) == (3, 2, 1, 0, chain, chain, chain)
    more = walked(data + frame(3, record(3)))
    assert (more.seq, more.open, more.chain) == (4, 1, chain)
    assert more.tip() == blake2b(frame(3, record(3)), digest_size=16, key=chain).digest()
    assert more.before() == chain
    assert more.sealed() == b""
    assert walked(b"").sealed() == START


@pytest.mark.parametrize(
    ("data", "code", "seq"),
    [
        (frame(2, record(1)), "JOURNAL_GAP", 1),
        (frame(1, record(1)) + frame(3, record(1)), "JOURNAL_GAP", 2),
        (frame(1, record(1)) + frame(1, record(1)), "JOURNAL_GAP", 2),
        (frame(1, stretch(5)) + frame(5, record(1)), "JOURNAL_GAP", 2),
        (frame(1, stretch(5)) + frame(7, record(1)), "JOURNAL_GAP", 2),
        (frame(1, record(1)) + seal(b"0" * 16, 1), "JOURNAL_CHAIN", 2),
        (group(START, frame(1, record(1)))[0][:-4] + b"\2\0\0\0", "JOURNAL_CRC", 2),
        (frame(1, record(1)) + seal(blake2b(frame(1, record(1)), digest_size=16, key=START).digest(), 2), "JOURNAL_CHAIN", 2),
        (HEAD.pack(0, 3, crc32(b"abc")) + b"abc", "JOURNAL_CRC", 1),
    ],
)
def test_what_does_not_follow_is_named(data: bytes, code: str, seq: int) -> None:
    walk = Walk(data, 0, 1, START, CODEC, "x")
    with pytest.raises(Broken, match=code):
        for _ in walk.frames():
            pass
    assert walk.seq == seq


def test_a_wide_record_takes_its_numbers() -> None:
    assert walked(frame(1, stretch(5)) + frame(6, record(1))).seq == 7
    assert walked(frame(1, stretch(5))).seq == 6


def lay(folder: Path, first: int, chain: bytes, body: bytes, jump: str = "", size: int = 0) -> None:
    (folder / segment.name(first)).write_bytes(segment.opening(Head(CODEC.schema, first, chain, size=size, jump=jump)) + body)


@pytest.mark.parametrize(
    ("first", "jump", "rest", "code"),
    [(2, "", b"", ""), (3, "", b"", "JOURNAL_MISSING"), (3, "why", b"", ""), (2, "", frame(2, record(2)), "JOURNAL_MISSING"),
     (1 << 20, "why", frame(2, record(2)), "JOURNAL_CHAIN")],
)  # fmt: skip
def test_segments_follow_each_other(tmp_path: Path, first: int, jump: str, rest: bytes, code: str) -> None:
    body, chain = group(START, frame(1, record(1)))
    lay(tmp_path, 1, START, body + rest)
    lay(tmp_path, first, chain, frame(first, record(3)), jump)
    if not code:
        assert [seq for seq, _ in Reader(tmp_path, CODEC).records()] == [1, first]
        assert [part.jump for part in Reader(tmp_path, CODEC).verify().parts] == ["", jump]
    else:
        with pytest.raises(Broken, match=code):
            list(Reader(tmp_path, CODEC).records())


def test_another_chain_at_the_beginning_of_a_segment(tmp_path: Path) -> None:
    lay(tmp_path, 1, START, group(START, frame(1, record(1)))[0])
    lay(tmp_path, 2, b"0" * 16, frame(2, record(2)))
    with pytest.raises(Broken, match="JOURNAL_CHAIN"):
        list(Reader(tmp_path, CODEC).records())


def test_a_torn_tail_in_a_segment_that_is_not_the_last_is_damage(tmp_path: Path) -> None:
    body, chain = group(START, frame(1, record(1)))
    lay(tmp_path, 1, START, body + b"\1\2")
    lay(tmp_path, 2, chain, b"")
    for call in (lambda: list(Reader(tmp_path, CODEC).records()), Reader(tmp_path, CODEC).verify, lambda: list(Reader(tmp_path, CODEC).follow())):
        with pytest.raises(Broken, match="JOURNAL_TORN"):
            call()


def test_a_closed_segment_is_held_against_what_the_next_one_says(tmp_path: Path) -> None:
    body, chain = group(START, frame(1, record(1)))
    lay(tmp_path, 1, START, body)
    lay(tmp_path, 2, chain, b"", size=7)
    with pytest.raises(Broken, match="JOURNAL_CRC"):
        Reader(tmp_path, CODEC).verify()


def test_a_segment_that_is_compressed_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of files was made before: the reader finds the other file."""
    journal = opened(tmp_path / "journal", segment_bytes=900)
    fill(journal, 0, 200)
    crash(journal)
    places = segment.places(tmp_path / "journal")
    compress(places[0].path)
    with Recorder(tmp_path / "rows", segment_bytes=300, pack=False) as recorder:
        import random

        for k in range(30):
            recorder.append(row(random.Random(k), k))
            recorder.commit()
    rows = segment.places(tmp_path / "rows", "rows")
    compress(rows[0].path)
    monkeypatch.setattr(segment, "places", lambda folder, kind="seg": rows if kind == "rows" else places)
    assert len(list(Reader(tmp_path / "journal", CODEC).records())) == 200
    assert len(list(read(tmp_path / "rows"))) == 30


def test_follow_goes_on_in_a_segment_that_was_compressed_meanwhile(tmp_path: Path) -> None:
    journal = opened(tmp_path, segment_bytes=2000)
    fill(journal, 0, 30)
    feed = Reader(tmp_path, CODEC).follow()
    seen = [next(feed) for _ in range(30)]
    fill(journal, 30, 200)
    compress(segment.places(tmp_path)[0].path)
    while (pair := next(feed)) is not None:
        seen.append(pair)
    assert [pair[0] for pair in seen if pair is not None] == list(range(1, 231))
    feed = Reader(tmp_path, CODEC).follow(100)  # begins in compressed and plain ones
    assert next(feed)[0] == 100  # type: ignore[index]
    journal.close()
    for place in segment.places(tmp_path):
        if place.path.suffix != ".gz":
            compress(place.path)
    feed = Reader(tmp_path, CODEC).follow()
    assert [next(feed)[0] for _ in range(230)] == list(range(1, 231))  # type: ignore[index]
    assert next(feed) is None


def test_a_row_file_that_says_another_number_than_its_name(tmp_path: Path) -> None:
    with Recorder(tmp_path) as recorder:
        import random

        recorder.append(row(random.Random(1), 1))
    segment.places(tmp_path, "rows")[0].path.rename(tmp_path / segment.name(5, "rows"))
    with pytest.raises(Broken, match="ROWS_HEAD"):
        list(read(tmp_path, 5))
    assert Place(5, tmp_path / segment.name(5, "rows")) == segment.places(tmp_path, "rows")[0]


def test_memory_and_file_agree_on_the_hand_made_group(tmp_path: Path) -> None:
    one = memory(0)
    one.append(record(1))
    one.append(record(2))
    one.flush()
    assert one.chain == group(START, frame(1, record(1)), frame(2, record(2)))[1].hex()
