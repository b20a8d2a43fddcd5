"""What a damaged journal leads to: quarantine, until the owner says why it may go on; and then no number is used twice."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from argosy.core.errors import Broken, Misuse
from argosy.store import manifest as pages
from argosy.store import opening, segment
from argosy.store.journal import DurableJournal
from argosy.store.lease import Lease
from argosy.store.manifest import Identity
from argosy.store.reader import Reader
from argosy.store.snapshots import Snapshots
from tests.store.shelf import CODEC, OWN, crash, fill, memory, opened, packed


def three(folder: Path, count: int = 210, pack: bool = False, end: bool = True) -> list[Path]:
    """A journal of at least three segments; their files."""
    journal = opened(folder, segment_bytes=2500, pack=pack)
    fill(journal, 0, count)
    if pack:
        packed(journal)
    (journal.close if end else lambda: crash(journal))()
    files = [place.path for place in segment.places(folder)]
    assert len(files) >= 3
    return files


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def refused(folder: Path, code: str) -> Broken:
    """Opening finds it, marks it, and refuses from then on."""
    with pytest.raises(Broken, match=code) as caught:
        opened(folder)
    manifest = pages.read(folder)
    assert manifest is not None
    assert manifest.damage is not None
    assert manifest.damage.code == code
    assert manifest.runs[-1].status == "Quarantined"
    with pytest.raises(Broken, match=f"JOURNAL_QUARANTINE.*{code}"):
        opened(folder)
    return caught.value


def test_a_closed_segment_that_changed(tmp_path: Path) -> None:
    files = three(tmp_path)
    flip(files[0], 300)
    error = refused(tmp_path, "JOURNAL_CRC")
    assert files[1].name in error.where


def test_a_segment_that_is_not_there(tmp_path: Path) -> None:
    for gone, code in ((0, "JOURNAL_MISSING"), (1, "JOURNAL_CRC"), (2, "JOURNAL_SHORT")):
        folder = tmp_path / str(gone)
        files = three(folder)
        for path in files[gone : gone + 1] if gone < 2 else files[2:]:
            path.unlink()
        refused(folder, code)
        if gone < 2:
            with pytest.raises(Broken, match="JOURNAL_MISSING"):
                list(Reader(folder, CODEC).records())


def test_all_segments_gone(tmp_path: Path) -> None:
    for path in three(tmp_path):
        path.unlink()
    refused(tmp_path, "JOURNAL_SHORT")


def test_a_whole_group_cut_off_behind_an_orderly_end(tmp_path: Path) -> None:
    """A crash cannot do that: the run said where it ended."""
    files = three(tmp_path, 200)
    files[-1].write_bytes(files[-1].read_bytes()[:-10])
    assert Reader(tmp_path, CODEC).verify().torn > 0
    error = refused(tmp_path, "JOURNAL_SHORT")
    assert error.what == "it does not end as it was closed"


def test_an_edited_end_with_good_frames(tmp_path: Path) -> None:
    """As many records, each with a good check sum, and another chain."""
    three(tmp_path / "one", 200)
    folder = tmp_path / "two"
    three(folder, 200)
    manifest = pages.read(folder)
    assert manifest is not None
    manifest.runs[-1].chain = "0" * 32
    pages.write(folder, manifest)
    assert "does not end as it was closed" in refused(folder, "JOURNAL_SHORT").what


def test_segments_of_two_journals_do_not_mix(tmp_path: Path) -> None:
    """The last segment of another journal with the same numbers: the chain tells."""
    ours = three(tmp_path / "ours", end=False)
    other = opened(tmp_path / "other", segment_bytes=2500)
    fill(other, 1, 210)
    crash(other)
    theirs = [place.path for place in segment.places(tmp_path / "other")]
    data = theirs[-1].read_bytes()
    head, _ = segment.head_of(data, theirs[-1])
    own, own_at = segment.head_of(ours[-1].read_bytes(), ours[-1])
    forged = msgspec.structs.replace(head, first=own.first, size=own.size, before=own.before)
    ours[-1].write_bytes(segment.opening(forged) + ours[-1].read_bytes()[own_at:])
    with pytest.raises(Broken, match="JOURNAL_CHAIN"):
        Reader(tmp_path / "ours", CODEC).verify()
    refused(tmp_path / "ours", "JOURNAL_CHAIN")


def test_a_segment_that_says_another_number_than_its_name(tmp_path: Path) -> None:
    for count in (210, 195):  # with a seal in it, and with frames alone
        folder = tmp_path / str(count)
        files = three(folder, count, end=False)
        files[-1].rename(folder / segment.name(999))
        refused(folder, "JOURNAL_HEAD")


def test_a_file_that_is_no_segment(tmp_path: Path) -> None:
    files = three(tmp_path)
    data = files[-1].read_bytes()
    files[-1].write_bytes(b"X" + data[1:])
    refused(tmp_path, "JOURNAL_HEAD")
    with pytest.raises(Broken, match="JOURNAL_HEAD"):
        segment.head_of(segment.MAGIC + segment._LEAD.pack(1, 0), files[0])
    from zlib import crc32

    with pytest.raises(Broken, match="JOURNAL_HEAD"):
        segment.head_of(segment.MAGIC + segment._LEAD.pack(1, crc32(b"\xc1")) + b"\xc1", files[0])


def test_a_newer_schema_is_refused_and_is_no_damage(tmp_path: Path) -> None:
    newer = CODEC._replace(schema=CODEC.schema + 1)
    with DurableJournal(tmp_path, newer, OWN) as journal:
        fill(journal, 0, 3)
    with pytest.raises(Broken, match="JOURNAL_SCHEMA"):
        opened(tmp_path)
    with DurableJournal(tmp_path, newer, OWN) as journal:
        assert journal.seq == 4


def test_no_manifest(tmp_path: Path) -> None:
    three(tmp_path)
    (tmp_path / "manifest.json").unlink()
    with pytest.raises(Broken, match="JOURNAL_MANIFEST"):
        opened(tmp_path)
    with pytest.raises(Misuse, match="JOURNAL_SOUND"):
        opening.release(tmp_path, CODEC, by="ann", reason="looked at by hand")
    said = opening.release(tmp_path, CODEC, by="ann", reason="looked at by hand", identity=OWN)
    assert (said.code, said.kept) == ("JOURNAL_MANIFEST", 211)
    with opened(tmp_path) as journal:
        assert journal.seq == said.next > 211


def test_a_manifest_that_cannot_be_read(tmp_path: Path) -> None:
    three(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(Broken, match="JOURNAL_MANIFEST"):
        opened(tmp_path)
    with pytest.raises(Broken, match="JOURNAL_MANIFEST"):
        opening.release(tmp_path, CODEC, by="ann", reason="looked at by hand")
    opening.release(tmp_path, CODEC, by="ann", reason="looked at by hand", identity=OWN)
    assert (tmp_path / "aside-0" / "manifest.json").read_text() == "{"
    opened(tmp_path).close()
    (tmp_path / "manifest.json").unlink()
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(Broken, match="JOURNAL_MANIFEST"):
        opened(tmp_path)


def test_a_quarantine_that_cannot_be_written_down_is_raised_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flip(three(tmp_path)[0], 300)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("argosy.store.manifest.write", full)
    with pytest.raises(Broken, match="JOURNAL_CRC") as caught:
        opened(tmp_path)
    assert "No space left" in caught.value.__notes__[0]


# -- the owner's word -----------------------------------------------------------------------------------------------------


def released(folder: Path, **more: Any) -> pages.Release:
    return opening.release(folder, CODEC, **{"by": "Ann", "reason": "positions compared by hand"} | more)


@pytest.mark.parametrize("pack", [False, True])
def test_a_release_keeps_what_is_good_lays_the_rest_aside_and_uses_no_number_twice(tmp_path: Path, pack: bool) -> None:
    files = three(tmp_path, 300, pack=pack)
    which = next(k for k, path in enumerate(files) if k == 1)
    originals = {path.name: path.read_bytes() for path in files}
    if pack:
        files[which].write_bytes(files[which].read_bytes()[:60] + b"\0\0\0\0" + files[which].read_bytes()[64:])
    else:
        flip(files[which], 1800)
    first = segment.places(tmp_path)[1].first
    refused(tmp_path, "JOURNAL_CRC")
    said = released(tmp_path)
    assert first <= said.kept < 301
    assert pack == (said.kept == first)
    assert said.next > 300 + opening.JUMP
    aside = tmp_path / said.aside
    assert {path.name for path in aside.iterdir()} == {path.name for path in files[1:]}
    assert (aside / files[-1].name).read_bytes() == originals[files[-1].name]
    with opened(tmp_path) as journal:
        assert journal.opened.seq == said.next
        kept = [seq for seq, _ in journal.records()]
        assert kept == list(range(1, said.kept))
        assert repr(list(journal.kept())) == repr(list(memory(300).kept())[: said.kept - 1])
        fill(journal, 0, 70)
    found = Reader(tmp_path, CODEC).verify()
    assert found.next == said.next + 70
    assert any("Ann: positions compared by hand" in part.jump for part in found.parts)
    assert [seq for seq, _ in Reader(tmp_path, CODEC).records()] == [*kept, *range(said.next, said.next + 70)]
    manifest = pages.read(tmp_path)
    assert manifest is not None
    assert manifest.damage is None
    assert (manifest.releases[0].by, manifest.releases[0].code) == ("Ann", "JOURNAL_CRC")


def test_a_release_of_a_journal_whose_first_segment_is_gone(tmp_path: Path) -> None:
    three(tmp_path)[0].unlink()
    refused(tmp_path, "JOURNAL_MISSING")
    said = released(tmp_path)
    with opened(tmp_path) as journal:
        assert journal.seq == said.next
        fill(journal, 0, 3)
        assert [seq for seq, _ in journal.records()] == [said.next, said.next + 1, said.next + 2]
    opened(tmp_path).close()


def test_a_release_of_a_journal_that_is_short_but_sound_inside(tmp_path: Path) -> None:
    files = three(tmp_path)
    for path in files[2:]:
        path.unlink()
    refused(tmp_path, "JOURNAL_SHORT")
    good = Reader(tmp_path, CODEC).verify().next
    said = released(tmp_path)
    assert said.kept == good
    assert said.next > 211  # what the manifest said it had reached
    with opened(tmp_path) as journal:
        assert len(list(journal.records())) == good - 1


def test_snapshots_of_what_is_left_out_are_laid_aside(tmp_path: Path) -> None:
    journal = opened(tmp_path, segment_bytes=2500)
    for _ in range(3):
        fill(journal, journal.seq - 1, 70)
        journal.remember(b"x", rows=0, code="c")
    journal.close()
    flip(segment.places(tmp_path)[1].path, 900)
    refused(tmp_path, "JOURNAL_CRC")
    said = released(tmp_path)
    assert all(int(path.name[:20]) <= said.kept for path in Snapshots(tmp_path).files())
    assert len(Snapshots(tmp_path).files()) < 3
    with opened(tmp_path) as again:
        found = again.snapshots.latest("c", again.seq)
        assert found is not None
        rest = [seq for seq, _ in again.records(found.label.seq, found.tip)]
        assert rest == list(range(found.label.seq, said.kept))


def test_a_release_needs_a_name_a_reason_and_damage(tmp_path: Path) -> None:
    three(tmp_path)
    for by, reason in (("", "long enough"), ("ann", "short"), ("  ", "long enough"), ("ann", "        ")):
        with pytest.raises(Misuse, match="JOURNAL_REASON"):
            opening.release(tmp_path, CODEC, by=by, reason=reason)
    with pytest.raises(Misuse, match="JOURNAL_SOUND"):
        released(tmp_path)
    with opened(tmp_path), pytest.raises(Misuse, match="LEASE_HELD"):
        released(tmp_path)


def test_a_release_that_died_before_its_last_word_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flip(three(tmp_path)[0], 1800)
    refused(tmp_path, "JOURNAL_CRC")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("argosy.store.manifest.write", die)
        with pytest.raises(KeyboardInterrupt):
            released(tmp_path)
    with pytest.raises(Broken, match="JOURNAL_QUARANTINE"):
        opened(tmp_path)
    said = released(tmp_path)
    with opened(tmp_path) as journal:
        assert journal.seq == said.next
        numbers = [seq for seq, _ in journal.records()]
        assert numbers == list(range(1, len(numbers) + 1))
        assert 0 < len(numbers) < 210


def test_only_compressed_segments_are_left(tmp_path: Path) -> None:
    """The last, plain one was lost before it had a record: a new one is begun behind the compressed one."""
    journal = opened(tmp_path, segment_bytes=700, pack=True)
    fill(journal, 0, 66)
    packed(journal)
    crash(journal)
    places = segment.places(tmp_path)
    assert [place.path.suffix for place in places] == [".gz", ".seg"]
    at = segment.walk(places[1], CODEC)[1].seq
    places[1].path.write_bytes(places[1].path.read_bytes()[:20])
    with opened(tmp_path) as again:
        assert (again.opened.seq, again.opened.torn) == (at, 20)
        done = at - 1
        fill(again, done, 100 - done)
        assert repr(list(again.kept())) == repr(list(memory(100).kept()))


def test_a_compressed_segment_that_is_the_last_and_open_is_damage(tmp_path: Path) -> None:
    from argosy.store.packer import compress

    journal = opened(tmp_path)
    fill(journal, 0, 5)
    crash(journal)
    compress(journal._path)
    with pytest.raises(Broken, match="JOURNAL_MISSING"):
        opened(tmp_path)
    folder = tmp_path / "two"
    journal = opened(folder)
    fill(journal, 0, 5)
    crash(journal)
    data = journal._path.read_bytes()
    journal._path.write_bytes(data[:-3])
    compress(journal._path)
    refused(folder, "JOURNAL_TORN")


def test_other_files_in_the_folder_are_none_of_its_business(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    fill(journal, 0, 5)
    journal.close()
    (tmp_path / "notes.seg").touch()
    (tmp_path / "00000000000000000009.seg.part").touch()
    (tmp_path / "00000000000000000009.segment").touch()
    with opened(tmp_path) as again:
        assert again.seq == 6
    shutil.rmtree(tmp_path / "torn", ignore_errors=True)


def test_the_lock_is_given_back_when_an_opening_fails(tmp_path: Path) -> None:
    three(tmp_path)
    with pytest.raises(Misuse, match="JOURNAL_ACCOUNT"):
        DurableJournal(tmp_path, CODEC, Identity("other", "paper"))
    Lease(tmp_path / opening.LOCK).give_back()
