"""The durable journal is the journal in memory, and still there afterwards."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core.errors import Broken, Misuse
from argosy.core.protocols import Journal
from argosy.core.time import DAY
from argosy.engine.journal import MemoryJournal
from argosy.store import segment
from argosy.store.journal import DurableJournal
from argosy.store.manifest import read
from argosy.store.reader import Reader, empty
from tests.store.shelf import CODEC, OWN, crash, fill, memory, opened, packed, record, stretch

DOINGS = ("append", "append", "append", "many", "commit", "flush", "stretch", "write", "chain", "crash", "close")
STEPS = st.lists(st.sampled_from(DOINGS), max_size=40)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.sampled_from([1, 400, 1 << 20]))
def test_it_is_the_journal_in_memory_whatever_is_done_and_whenever_it_dies(tmp_path_factory: Any, steps: list[str], size: int) -> None:
    """Same sequences, same frames, same chain: through rotation, crashes after a commit, and orderly ends."""
    folder = tmp_path_factory.mktemp("journal")
    ours, theirs, k = opened(folder, segment_bytes=size), MemoryJournal(), 0
    for step in steps:
        if step in ("append", "many"):
            for _ in range(1 if step == "append" else 70):
                ours.append(record(k))
                theirs.append(record(k))
                k += 1
        elif step == "stretch":
            ours.stretch(stretch(k % 4 + 1))
            theirs.stretch(stretch(k % 4 + 1))
        elif step == "crash":
            ours.commit()
            theirs.commit()
            crash(ours)
            ours = opened(folder, segment_bytes=size)
            assert ours.opened.recovered
        elif step == "close":
            ours.close()
            theirs.flush()
            ours = opened(folder, segment_bytes=size)
            assert not ours.opened.recovered
        elif step == "chain":
            assert len(ours.chain) == 32  # to look changes nothing
        elif step == "write":
            ours.write()
        else:
            getattr(ours, step)()
            getattr(theirs, step)()
        assert ours.seq == theirs.seq
    assert ours.dump() == theirs.dump()
    assert ours.chain == theirs.chain
    assert repr(list(ours.kept())) == repr(list(theirs.kept()))
    found = Reader(folder, CODEC).verify()
    assert (found.next, found.chain) == (ours.seq, ours.chain)
    ours.close()


def test_it_is_a_journal_as_the_house_knows_it(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        assert isinstance(journal, Journal)
        assert journal.seq == 1
        assert list(journal.records()) == []
        fill(journal, 0, 5)
        assert [seq for seq, _ in journal.records()] == [1, 2, 3, 4, 5]
        assert [seq for seq, _ in journal.records(4)] == [4, 5]


def test_a_stretch_is_unfolded_as_the_records_it_is_short_for(tmp_path: Path) -> None:
    """The codec says how: here a stretch of n stands for the numbers 0 .. n - 1."""
    own = CODEC._replace(unfold=lambda one: range(one.records))
    with DurableJournal(tmp_path, own, sync="none", pack=False) as journal:
        journal.append(record(1))
        journal.stretch(stretch(3))
        journal.append(record(2))
        assert [(seq, type(one).__name__) for seq, one in journal.records()] == [(1, "Reply"), (2, "int"), (3, "int"), (4, "int"), (5, "Rows")]
        assert [one for _, one in journal.records()][1:4] == [0, 1, 2]


def test_a_codec_without_wide_records_reads_one_by_one(tmp_path: Path) -> None:
    own = CODEC._replace(wide=None)
    with DurableJournal(tmp_path, own, sync="none") as journal:
        fill(journal, 0, 7)
        assert [seq for seq, _ in journal.records(3)] == [3, 4, 5, 6, 7]


def test_what_is_committed_is_in_the_file_before_commit_returns(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.append(record(0))
    assert Reader(tmp_path, CODEC).verify().records == 0
    journal.commit()
    assert Reader(tmp_path, CODEC).verify().records == 1
    journal.append(record(1))
    journal.write()
    assert Reader(tmp_path, CODEC).verify().records == 2
    assert journal.health().written == 3
    journal.close()


@pytest.mark.parametrize("policy", ["none", "group", "each"])
def test_each_policy_keeps_the_same_and_says_what_is_durable(tmp_path: Path, policy: str) -> None:
    journal = DurableJournal(tmp_path, CODEC, OWN, sync=policy)
    fill(journal, 0, 200)
    if policy == "none":
        assert journal.durable == 1
        assert journal.health().waits_ns == 0
    elif policy == "each":
        assert journal.durable == 201
    else:
        until = time.monotonic() + 10
        while journal.durable < 201 and time.monotonic() < until:
            time.sleep(0.002)
        assert journal.durable == 201
        assert journal.health().sync_ns > 0
        assert journal.health().sync_at > 1_700_000_000_000_000_000
    assert journal.chain == memory(200).chain
    journal.sync()
    assert journal.durable == 201
    assert journal.health().policy == policy
    journal.close()
    journal.close()  # a second time does nothing


def test_a_policy_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="JOURNAL_SYNC"):
        DurableJournal(tmp_path, CODEC, OWN, sync="sometimes")  # type: ignore[arg-type]


def test_a_segment_ends_with_the_group_that_fills_it_and_with_the_day(tmp_path: Path) -> None:
    now = [5 * DAY]
    journal = opened(tmp_path, segment_bytes=1 << 20, clock=lambda: now[0])
    fill(journal, 0, 100)
    assert len(segment.places(tmp_path)) == 1
    now[0] += DAY
    fill(journal, 100, 100)
    assert len(segment.places(tmp_path)) == 2
    now[0] += 1
    fill(journal, 200, 200)
    assert len(segment.places(tmp_path)) == 2
    journal.close()
    assert Reader(tmp_path, CODEC).verify().records == 400
    for place in segment.places(tmp_path):
        head, walk = segment.walk(place, CODEC)
        assert head.first == walk.seq == place.first
        assert head.run == journal._run
    assert segment.walk(segment.places(tmp_path)[1], CODEC)[0].made == 6 * DAY


def test_closed_segments_are_compressed_and_read_the_same(tmp_path: Path) -> None:
    journal = opened(tmp_path, segment_bytes=2000, pack=True)
    fill(journal, 0, 600)
    packed(journal)
    files = [place.path.name for place in segment.places(tmp_path)]
    assert len(files) > 3
    assert files[0].endswith(".seg.gz")
    assert files[-1].endswith(".seg")
    assert journal.dump() == memory(600).dump()
    journal.close()
    again = opened(tmp_path, segment_bytes=2000, pack=True)  # those that were left are compressed now
    packed(again)
    assert [place.path.suffix for place in segment.places(tmp_path)] == [".gz"] * (len(files) - 1) + [".seg"]
    assert again.chain == memory(600).chain
    assert again.opened.seq == 601
    again.close()


def test_of_a_segment_that_lies_there_twice_the_plain_one_is_read(tmp_path: Path) -> None:
    """Compressing was cut off between naming the one and taking the other away."""
    import gzip

    journal = opened(tmp_path, segment_bytes=2000)
    fill(journal, 0, 300)
    journal.close()
    first = segment.places(tmp_path)[0].path
    first.with_name(first.name + ".gz").write_bytes(gzip.compress(b"nonsense"))
    assert Reader(tmp_path, CODEC).verify().records == 300


def test_a_record_that_cannot_be_encoded_stops_the_journal_and_what_came_before_is_kept(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    fill(journal, 0, 5)
    journal.append(record(5))
    journal.append({1, object()})
    journal.append(record(6))
    for _ in range(2):
        with pytest.raises(Broken, match=r"JOURNAL_RECORD.*set cannot be recorded.*record 7"):
            journal.commit()
    assert [seq for seq, _ in Reader(tmp_path, CODEC).records()] == [1, 2, 3, 4, 5]  # what was encoded goes with the next write
    journal._pending.pop(0)
    journal.commit()
    assert [seq for seq, _ in journal.records()] == [1, 2, 3, 4, 5, 6, 7]
    journal.close()


def test_the_manifest_tells_of_each_run(tmp_path: Path) -> None:
    crash(opened(tmp_path))
    second = opened(tmp_path)
    fill(second, 0, 10)
    crash(second)
    with opened(tmp_path) as third:
        assert third.opened.recovered
        assert not third.opened.rebooted
        fill(third, 10, 10)
    manifest = read(tmp_path)
    assert manifest is not None
    assert (manifest.account, manifest.mode, manifest.desk, manifest.first) == ("PA3", "paper", "ARGO", 1)
    assert [(page.status, page.first, page.last) for page in manifest.runs] == [("Recovered", 1, 1), ("Recovered", 1, 11), ("Ended", 11, 21)]
    assert {page.code for page in manifest.runs} == {"c0de"}
    assert manifest.runs[-1].chain == Reader(tmp_path, CODEC).verify().chain
    assert manifest.runs[-1].ended >= manifest.runs[-1].started > 0


def test_a_crash_of_the_machine_is_told_from_one_of_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argosy.store.journal.boot", lambda: "before")
    crash(opened(tmp_path))
    monkeypatch.setattr("argosy.store.journal.boot", lambda: "after")
    with opened(tmp_path) as journal:
        assert journal.opened.rebooted


def test_another_account_or_mode_is_refused(tmp_path: Path) -> None:
    from argosy.store.manifest import Identity

    opened(tmp_path).close()
    for other in (Identity("PA4", "paper"), Identity("PA3", "live")):
        with pytest.raises(Misuse, match="JOURNAL_ACCOUNT"):
            DurableJournal(tmp_path, CODEC, other)
    opened(tmp_path).close()  # and the refusal left no lock behind


def test_one_process_writes(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(Misuse, match="LEASE_HELD"):
        opened(tmp_path)
    opened(tmp_path).close()


def test_numbers_can_be_passed_over_with_a_reason(tmp_path: Path) -> None:
    """The venue knows orders that the journal lost with the machine: their numbers are not used again, also after a crash."""
    journal = opened(tmp_path)
    fill(journal, 0, 10)
    with pytest.raises(Misuse, match="JOURNAL_SKIP"):
        journal.skip(11, "ann", "no reason")
    journal.skip(5000, "start", "the venue knows order 19988")
    assert journal.seq == 5000
    fill(journal, 10, 10)
    crash(journal)
    with opened(tmp_path) as again:
        assert again.opened.seq == 5010
        assert [seq for seq, _ in again.records()] == [*range(1, 11), *range(5000, 5010)]
        assert [seq for seq, _ in again.records(11)] == [*range(5000, 5010)]
    manifest = read(tmp_path)
    assert manifest is not None
    assert manifest.releases[0].reason == "the venue knows order 19988"
    assert "start" in Reader(tmp_path, CODEC).verify().parts[1].jump


def test_a_skip_that_died_after_it_was_written_down_is_done_at_the_next_opening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = opened(tmp_path)
    fill(journal, 0, 10)
    monkeypatch.setattr(journal, "_rotate", lambda first, jump: None)
    journal.skip(700, "start", "orders at the venue")
    crash(journal)
    with opened(tmp_path) as again:
        assert again.opened.seq == again.seq == 700
        fill(again, 10, 3)
        assert [seq for seq, _ in again.records(10)] == [10, 700, 701, 702]


def test_an_empty_folder_is_empty(tmp_path: Path) -> None:
    assert empty(tmp_path)
    assert empty(tmp_path / "nowhere")
    opened(tmp_path).close()
    assert not empty(tmp_path)
    with pytest.raises(Misuse, match="JOURNAL_FOLDER"):
        empty(tmp_path / "manifest.json")


def test_told_is_the_chain_of_what_is_closed(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        before = journal.told
        fill(journal, 0, 10)
        assert journal.told == before != journal.chain
        journal.flush()
        assert journal.told == journal.chain


def test_the_committed_journals_of_every_schema_go_through_it(tmp_path: Path) -> None:
    """What is recorded in files folds for ever, since the records do: frames of each released schema, written and read back."""
    from argosy.engine.journal import frames
    from tests.journals.book import pages
    from tests.journals.book import read as page_of

    for path in pages():
        page = page_of(path)
        whole = [one for _, one in frames(page.frames)]
        with opened(tmp_path / path.stem) as journal:
            for one in whole:
                journal.append(one)
                journal.commit()
            assert repr([one for _, one in journal.records()]) == repr(whole)


def test_follow_shows_what_comes_through_rotation_and_compression(tmp_path: Path) -> None:
    reader = Reader(tmp_path, CODEC)
    feed = reader.follow(3)
    assert next(feed) is None  # there is no journal yet
    journal = opened(tmp_path, segment_bytes=1500, pack=True)
    seen: list[int] = []

    def pull() -> None:
        while (pair := next(feed)) is not None:
            seen.append(pair[0])

    pull()
    for k in range(60):
        fill(journal, 10 * k, 10)
        if k % 2:
            pull()
    packed(journal)
    pull()
    assert seen == list(range(3, 601))
    assert len(segment.places(tmp_path)) > 3
    with journal._path.open("ab") as file:  # half a frame, being written
        file.write(b"\x59\x02\0\0")
    assert next(feed) is None
    crash(journal)


def test_follow_raises_what_is_damaged(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    fill(journal, 0, 10)
    feed = Reader(tmp_path, CODEC).follow()
    for _ in range(10):
        assert next(feed) is not None
    crash(journal)
    data = bytearray(journal._path.read_bytes())
    size = len(data)
    more = opened(tmp_path)
    fill(more, 10, 10)
    crash(more)
    data = bytearray(more._path.read_bytes())
    data[size + 20] ^= 1
    more._path.write_bytes(data)
    with pytest.raises(Broken, match="JOURNAL_CRC"):
        next(feed)


def test_a_wish_to_stop_that_comes_during_a_sync_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bell is rung already while the thread is at a sync; it must not wait for another ring then."""
    import os

    from argosy.store import syncer

    fd = os.open(tmp_path / "x", os.O_WRONLY | os.O_CREAT)
    one = syncer.Syncer("group", fd, 1)

    def sleep(seconds: float) -> None:
        one._stopping = True
        one._ring()

    monkeypatch.setattr(syncer.time, "sleep", sleep)
    one.wrote(5)
    assert one._thread is not None
    one._thread.join(10)
    ended = not one._thread.is_alive()
    one._ring()
    one._thread.join(10)
    os.close(fd)
    assert ended
    assert one.durable == 5
