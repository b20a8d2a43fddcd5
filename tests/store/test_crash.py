"""The process dies at any moment, and the disk lies: what was committed is there, and damage is found, wherever it is."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from argosy.core import points
from argosy.core.errors import ArgosyError, Broken
from argosy.store import segment
from argosy.store.frames import HEAD, follows
from argosy.store.reader import Reader
from tests.store.shelf import CODEC, crash, fill, memory, opened, packed, stretch

ROOT = Path(__file__).resolve().parents[2]
WRITER = """
import os, sys
from argosy.store.journal import DurableJournal
from tests.store.shelf import CODEC, OWN, record
journal = DurableJournal(sys.argv[1], CODEC, OWN, sync=sys.argv[2], segment_bytes=4000)
while True:
    for _ in range(1 + journal.seq % 5):
        journal.append(record(journal.seq - 1))
    journal.commit()
    os.write(1, b"%d\\n" % journal.seq)
"""


def say_last(out: bytes) -> int:
    """The last sequence that was said whole."""
    lines = out.split(b"\n")[:-1]
    return int(lines[-1]) if lines else 1


@pytest.mark.parametrize("policy", ["none", "group", "each"])
def test_killed_at_random_moments_nothing_committed_is_lost(tmp_path: Path, policy: str) -> None:
    """Four lives of one journal; at the end all records are those of one long life, without a gap, and the chain holds."""
    rng = random.Random(policy)
    for life in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), policy], cwd=ROOT, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)}
        )
        assert process.stdout is not None
        said = process.stdout.readline()
        time.sleep(rng.random() * 0.15)
        process.send_signal(signal.SIGKILL)
        said += process.stdout.read()
        process.wait()
        process.stdout.close()
        with opened(tmp_path) as journal:
            assert journal.opened.recovered, life
            assert journal.opened.torn == 0  # the page cache outlives the process
            assert journal.seq >= say_last(said) > 1
            numbers = [seq for seq, _ in journal.records()]
            assert numbers == list(range(1, journal.seq))
            one = memory(0)
            for _, record in journal.records():
                one.append(record)
            assert repr([record for _, record in journal.records()]) == repr(list(one.kept()))
    assert Reader(tmp_path, CODEC).verify().next > 5


class Died(BaseException):
    """The process ended here."""


PLACES = ("journal.write", "journal.written", "journal.rotate", "journal.segment.rename", "journal.manifest.rename", "journal.sync", "journal.close",
          "journal.snapshot.rename")  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("turn", [1, 2, 5])
def test_dead_at_a_named_place_it_goes_on_as_if_nothing_had_been(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, turn: int) -> None:
    """Work is done again from what the journal says is there; the chain at the end is that of a life without a death."""
    left, deaths = [turn], []

    def hook(name: str) -> None:
        if name == place:
            left[0] -= 1
            if not left[0]:
                deaths.append(name)
                raise Died

    def life(goal: int) -> None:
        journal = opened(tmp_path, segment_bytes=700)
        try:
            while journal.seq <= goal:
                fill(journal, journal.seq - 1, 1)
                if journal.seq % 20 == 0:
                    journal.remember(b"state", rows=0, code="x")
            journal.close()
        except Died:
            journal._pending.clear()
            journal._parts.clear()
            crash(journal)
            raise

    monkeypatch.setattr(points, "hook", hook)
    for _ in range(3):
        try:
            life(300)
        except Died:
            continue
    monkeypatch.setattr(points, "hook", None)
    assert deaths or turn > 1, "the place is never reached"
    with opened(tmp_path) as journal:
        assert [seq for seq, _ in journal.records()] == list(range(1, 301))
        assert repr(list(journal.kept())) == repr(list(memory(300).kept()))


@pytest.mark.parametrize("place", ["store.pack.rename", "store.pack.unlink"])
def test_dead_while_a_segment_is_compressed_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    from argosy.store.packer import compress

    journal = opened(tmp_path, segment_bytes=700)
    fill(journal, 0, 200)
    journal.close()
    first = segment.places(tmp_path)[0].path

    def hook(name: str) -> None:
        if name == place:
            raise Died

    monkeypatch.setattr(points, "hook", hook)
    with pytest.raises(Died):
        compress(first)
    monkeypatch.setattr(points, "hook", None)
    again = opened(tmp_path, segment_bytes=700, pack=True)
    assert again.dump() == memory(200).dump()
    packed(again)
    assert again._packer.fault == ""
    assert not first.exists()
    assert again.dump() == memory(200).dump()
    again.close()


# -- torn tails -----------------------------------------------------------------------------------------------------------


def after(folder: Path, count: int) -> Path:
    journal = opened(folder)
    fill(journal, 0, count)
    crash(journal)
    return journal._path


@pytest.mark.parametrize("count", [1, 2, 64, 65, 66])  # the last frame is the first, one in an open group, a seal, one after a seal
def test_a_tail_torn_at_every_byte_of_the_last_frame(tmp_path: Path, count: int) -> None:
    path = after(tmp_path / "whole", count)
    data = path.read_bytes()
    _, walk = segment.walk(segment.places(path.parent)[0], CODEC)
    seqs = [seq for seq, _ in walk.frames()]
    begins = walk.frame if walk.at == walk.frame or walk.open else len(data) - 36  # a seal is 36 bytes
    kept = seqs[:-1] if begins == walk.frame else seqs
    for cut in range(begins + 1, len(data)):
        folder = tmp_path / str(cut)
        shutil.copytree(path.parent, folder)
        (folder / path.name).write_bytes(data[:cut])
        with opened(folder) as journal:
            assert journal.opened.torn == cut - begins
            assert Path(journal.opened.torn_file).read_bytes() == data[begins:cut]
            assert [seq for seq, _ in journal.records()] == kept
            fill(journal, len(kept), count + 5 - len(kept))
            assert repr(list(journal.kept())) == repr(list(memory(count + 5).kept()))
        with opened(folder) as again:
            assert again.opened.torn == 0
        shutil.rmtree(folder)


@pytest.mark.parametrize("rest", [b"\0" * 16, b"\0" * 5000, b"\xff" * 300, b"\x42\0\0\0\0\0\0\0\x05\0\0\0abcdefghi"])
def test_what_a_dead_machine_leaves_at_the_end_is_cut_off(tmp_path: Path, rest: bytes) -> None:
    path = after(tmp_path, 65)
    with path.open("ab") as file:
        file.write(rest)
    found = Reader(tmp_path, CODEC).verify()
    assert (found.torn, found.next) == (len(rest), 66)
    with opened(tmp_path) as journal:
        assert journal.opened.torn == len(rest)
        assert journal.dump() == memory(65).dump()


def test_the_beginning_of_a_segment_that_was_cut_off_is_laid_aside(tmp_path: Path) -> None:
    """A machine may lose the bytes of a new file whose name it has kept."""
    for size in (0, 5, 30):
        folder = tmp_path / str(size)
        journal = opened(folder, segment_bytes=700)
        fill(journal, 0, 128)
        crash(journal)
        at = journal.seq
        data = journal._path.read_bytes()
        (folder / segment.name(at)).write_bytes(data[:size])
        if at == segment.places(folder)[-2].first:
            continue
        assert Reader(folder, CODEC).verify().torn == size
        assert [seq for seq, _ in Reader(folder, CODEC).records()] == list(range(1, 129))
        with opened(folder) as again:
            assert again.opened.torn == size
            assert again.opened.seq == at


# -- flipped bits ---------------------------------------------------------------------------------------------------------


def grown(folder: Path, pack: bool = False) -> Path:
    """A journal of three segments with closed and open groups, a wide record, and a run that died."""
    journal = opened(folder, segment_bytes=600, pack=pack)
    for first in (0, 6, 12):
        fill(journal, first, 6)
        journal.flush()
    journal.stretch(stretch(5))
    fill(journal, 23, 4)
    if pack:
        packed(journal)
    crash(journal)
    assert len(segment.places(folder)) >= 3
    return folder


def test_a_bit_flipped_at_any_byte_is_found(tmp_path: Path) -> None:
    """Read from the first record, either the damage is named, or what is cut off at the very end is."""
    folder = grown(tmp_path)
    whole = Reader(folder, CODEC).verify()
    unseen = []
    rng = random.Random(1)
    for place in segment.places(folder):
        data = place.path.read_bytes()
        for at in range(len(data)):
            flipped = bytearray(data)
            flipped[at] ^= 1 << rng.randrange(8)
            place.path.write_bytes(flipped)
            try:
                found = Reader(folder, CODEC).verify()
            except Broken:
                continue
            if not found.torn:
                unseen.append((place.path.name, at))
        place.path.write_bytes(data)
    assert unseen == []
    assert Reader(folder, CODEC).verify() == whole


def test_a_bit_flipped_in_a_compressed_segment_is_found_or_did_nothing(tmp_path: Path) -> None:
    """The head of a gzip file has bytes that mean nothing; whatever reads back is what was written."""
    folder = grown(tmp_path, pack=True)
    frames = [body for step in Reader(folder, CODEC).steps() for _, body in step.walk.frames()]
    first = segment.places(folder)[0].path
    assert first.suffix == ".gz"
    data = first.read_bytes()
    silent = 0
    for at in range(len(data)):
        flipped = bytearray(data)
        flipped[at] ^= 0x10
        first.write_bytes(flipped)
        try:
            Reader(folder, CODEC).verify()
        except Broken:
            continue
        silent += 1
        assert [body for step in Reader(folder, CODEC).steps() for _, body in step.walk.frames()] == frames
    assert silent <= 10


@pytest.mark.parametrize("seed", range(30))
def test_opening_a_flipped_journal_never_goes_on_unseen(tmp_path: Path, seed: int) -> None:
    """It is opened with a torn tail told and kept, or it is refused and in quarantine; before the last segment it is always refused."""
    folder = grown(tmp_path / "it")
    rng = random.Random(seed)
    place = rng.choice(segment.places(folder))
    data = bytearray(place.path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    place.path.write_bytes(data)
    try:
        journal = opened(folder)
    except Broken:
        with pytest.raises(Broken, match="JOURNAL_QUARANTINE"):
            opened(folder)
        return
    assert place == segment.places(folder)[-1]
    assert journal.opened.torn > 0
    assert Path(journal.opened.torn_file).exists()
    journal.close()


def test_a_flipped_letter_of_the_manifest_is_found(tmp_path: Path) -> None:
    folder = grown(tmp_path)
    path = folder / "manifest.json"
    data = path.read_bytes()
    for at in range(len(data)):
        if data[at : at + 1].isspace():
            continue
        flipped = bytearray(data)
        flipped[at] ^= 1
        path.write_bytes(flipped)
        with pytest.raises(ArgosyError) as caught:
            opened(folder).close()
        assert caught.value.code in ("JOURNAL_MANIFEST", "JOURNAL_ACCOUNT")


def test_a_length_that_swallows_the_rest_is_no_torn_tail(tmp_path: Path) -> None:
    """One flipped bit in the length of an early record must not make a short journal of a long one."""
    path = after(tmp_path, 200)
    data = bytearray(path.read_bytes())
    _, at = segment.head_of(bytes(data), path)
    data[at + 10] ^= 0x40  # the third byte of the first record's length
    path.write_bytes(data)
    with pytest.raises(Broken, match="JOURNAL_TORN"):
        opened(tmp_path)
    with pytest.raises(Broken, match="JOURNAL_TORN"):
        list(Reader(tmp_path, CODEC).records())


def test_what_follows_a_bad_frame_is_found_by_its_number_or_by_a_seal() -> None:
    from zlib import crc32

    from argosy.store.frames import seal

    def frame(seq: int, body: bytes) -> bytes:
        return HEAD.pack(seq, len(body), crc32(body)) + body

    bad = b"\x01" * 30
    assert follows(bad, 0, 5) == -1
    assert follows(bad + frame(6, b"abc"), 0, 5) == 30
    assert follows(bad + frame(6, b"abc") + frame(7, b""), 0, 5) == 30
    assert follows(bad + frame(4, b"abc"), 0, 5) == -1  # an older number is none that follows
    assert follows(bad + seal(b"x" * 16, 3), 0, 5) == 30
    assert follows(bad + seal(b"x" * 16, 3)[:-1] + b"\x07", 0, 5) == -1
    assert follows(bad + frame(6, b"abc")[:-1], 0, 5) == -1
    edge = (1 << 24) - 1
    assert follows(bad + frame(edge + 2, b"abc"), 0, edge) == 30  # beyond a carry
    assert follows(bad + frame(5 + (1 << 25), b"abc"), 0, 5) == -1
    assert follows(bad + HEAD.pack(6, 1 << 20, 0), 0, 5) == -1
