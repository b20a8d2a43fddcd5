"""A recovery from a snapshot is a recovery from the first record: fold(all) == load(snapshot) + fold(rest), to the bit."""

from __future__ import annotations

import errno
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core.errors import Broken
from argosy.core.intents import Target, Twap
from argosy.core.time import MINUTE
from argosy.engine import saved
from argosy.engine.fold import fold
from argosy.engine.restart import restart
from argosy.engine.state import State
from argosy.kernels.indicators import ema, sma
from argosy.store.snapshots import MAGIC, Label, Snapshots
from tests.laws.test_books import whole
from tests.store.shelf import fill, opened
from tests.walks.hand import wire


def until(run: Any, k: int) -> Any:
    run.engine.open(run.cash)
    run.replay.run(stop=k)
    return run


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.02, 0.9), st.floats(0.0, 0.3))
def test_a_snapshot_and_the_rest_are_the_whole(seed: int, part: float, more: float) -> None:
    """Random strategies, part fills, a split, a dividend, a deposit. Saved somewhere, killed somewhere later, resumed, run to the end:
    the state, and every record written after it, are those of the run that was never stopped and of the fold from the first record."""
    straight = whole(seed)
    straight.go()
    dead = whole(seed)
    bounds = dead.replay.source.instants()
    k, end = (int(bounds[int(min(1.0, at) * (len(bounds) - 1))]) for at in (part, part + more))
    until(dead, k)
    blob, seq, rows = saved.save(dead.engine), dead.engine.journal.seq, dead.engine.state.rows
    dead.replay.run(stop=end)
    fresh = whole(seed)
    fresh.engine.journal = dead.engine.journal
    rest = [pair for pair in dead.engine.journal.records() if pair[0] >= seq]
    found = restart(fresh.engine, rest, dead.replay.source.rows(rows), blob)
    assert (found.changed, found.differed) == ([], {})
    blank = State(fresh.engine.instruments, "USD", [slot.id for slot in fresh.engine.slots])
    folded = fold(dead.engine.journal.records(), blank, dead.replay.source.rows())
    for bar in islice(dead.replay.source.rows(folded.rows), max(0, fresh.engine.state.rows - folded.rows)):
        folded.row(bar)
        folded.settle()
    assert fresh.engine.state.hash == folded.hash
    for bar in list(dead.replay.source.rows(fresh.engine.state.rows))[: end - fresh.engine.state.rows]:
        assert fresh.engine.step(bar) == ()
    assert fresh.engine.state.hash == dead.engine.state.hash
    dead.replay.engine = fresh.engine
    dead.replay.run()
    fresh.engine.close()
    assert fresh.engine.journal.dump() == straight.engine.journal.dump()
    assert fresh.engine.state.hash == straight.engine.state.hash


class Means:
    """A class strategy with indicators of two grains, a window and a wake."""

    needs = {"fast": sma(2), "slow": ema(4), "wide": sma(2, every="3m")}
    window = 3

    def on_bar(self, bar: Any, book: Any) -> Any:
        if book.warming:
            return None
        needs = book.needs(0)
        high = float(book.window(0, 3)[:, 1].max())
        if needs.wide == needs.wide and needs.fast > needs.slow:
            return Target(0, lots=int(high * 10) % 7 + 1)
        return Target(0, lots=-int(needs.slow * 100) % 5)


@pytest.mark.parametrize("k", range(2, 18, 3))
def test_indicators_windows_and_streams_go_on_to_the_bit(k: int) -> None:
    prices = [10.0 + (n * 7 % 11) / 10 for n in range(20)]
    one = streamed(prices)
    one.go()
    dead = until(streamed(prices), k)
    blob, seq, rows = saved.save(dead.engine), dead.engine.journal.seq, dead.engine.state.rows
    fresh = streamed(prices)
    fresh.engine.journal = dead.engine.journal
    restart(fresh.engine, [pair for pair in dead.engine.journal.records() if pair[0] >= seq], dead.replay.source.rows(rows), blob)
    dead.replay.engine = fresh.engine
    dead.replay.run()
    fresh.engine.close()
    assert fresh.engine.journal.dump() == one.engine.journal.dump()
    assert fresh.engine.slot("m").save() == one.engine.slot("m").save()
    assert len(dead.engine.journal.dump()) > 2000


def streamed(prices: list[Any]) -> Any:
    """A run whose needs are streamed bar by bar, as a desk's are."""
    from argosy.core.instrument import Instrument, Instruments
    from argosy.house import Wanted, assemble
    from tests.walks.hand import tape, terms

    return assemble([Wanted("m", Means)], (Instruments([Instrument(symbol="S0")]), [tape(prices)], []), terms(), bulk=False)


def test_a_course_under_way_is_saved() -> None:
    """An execution algorithm that holds something back goes on holding it back."""
    want = Target(0, lots=10, execution=Twap(4 * MINUTE, 4))
    dead = until(wire({"a": {0: want}}, [10.0] * 8), 2)
    state = dead.engine.state
    assert state.courses
    fresh = wire({"a": {0: want}}, [10.0] * 8)
    fresh.engine.journal = dead.engine.journal
    restart(fresh.engine, [], iter(()), saved.save(dead.engine))
    new = fresh.engine.state
    assert new.hash == state.hash
    assert {key: course.snapshot() for key, course in new.courses.items()} == {key: course.snapshot() for key, course in state.courses.items()}
    assert new.wishes["a", 0].course is new.courses["a", 0]  # one thing, as before


def test_an_engine_saved_by_other_code_strategies_or_instruments_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    blob = saved.save(until(whole(1), 40).engine)
    assert len(saved.sources()) == 32
    other = whole(2)  # other parameters
    with pytest.raises(Broken, match="SNAPSHOT_CODE"):
        saved.load(other.engine, blob)
    monkeypatch.setattr(saved, "sources", lambda: "another")
    with pytest.raises(Broken, match="SNAPSHOT_CODE"):
        saved.load(whole(1).engine, blob)


def test_a_state_that_comes_out_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    run = until(whole(1), 40)
    with monkeypatch.context() as patch:
        patch.setattr(State, "hash", property(lambda self: "0" * 32))
        blob = saved.save(run.engine)
    with pytest.raises(Broken, match="SNAPSHOT_STATE"):
        saved.load(whole(1).engine, blob)


def test_rubbish_and_what_could_do_harm_is_refused() -> None:
    import pickle
    import subprocess

    class Evil:
        def __reduce__(self) -> Any:
            return (subprocess.check_output, (["true"],))

    engine = whole(1).engine
    for blob in (b"", b"rubbish", pickle.dumps(Evil()), pickle.dumps({"code": eval}), pickle.dumps([1]), b"Pnothing\n.", b"\x80\x05\x8c\x01xQ."):
        with pytest.raises(Broken, match=r"SNAPSHOT_STATE|SNAPSHOT_CODE"):
            saved.load(engine, blob)


def test_a_function_of_the_house_is_not_called_by_what_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only kinds of things are made; to call something is no part of reading."""
    called: list[str] = []
    monkeypatch.setattr("argosy.core.points.hook", called.append)
    with pytest.raises(Broken, match="SNAPSHOT_STATE"):
        saved.load(whole(1).engine, b"cargosy.core.points\nreach\n(S'boom'\ntR.")
    assert called == []


# -- the shelf of snapshots -----------------------------------------------------------------------------------------------


def kept(folder: Path, *seqs: int, code: str = "c") -> Snapshots:
    shelf = Snapshots(folder)
    for seq in seqs:
        shelf.save(b"state %d" % seq, seq=seq, rows=seq * 2, chain="ab" * 16, code=code, state="name")
    return shelf


def test_the_newest_that_fits_is_taken_and_the_oldest_go(tmp_path: Path) -> None:
    shelf = kept(tmp_path, 10, 20, 30, 40)
    assert [int(path.name[:20]) for path in shelf.files()] == [40, 30, 20]
    found = shelf.latest("c", 40)
    assert found is not None
    assert (found.blob, found.label.seq, found.label.rows, found.label.state, found.tip) == (b"state 40", 40, 80, "name", b"\xab" * 16)
    kept(tmp_path, 50, code="d")
    again = shelf.latest("c", 50)
    assert again is not None
    assert again.label.seq == 40
    assert list(shelf.passed.values()) == ["it is for other code, strategies or instruments"]
    assert shelf.latest("e", 50) is None
    assert Snapshots(tmp_path / "none").latest("c", 1) is None


def test_one_that_is_damaged_at_any_byte_is_passed_over(tmp_path: Path) -> None:
    shelf = kept(tmp_path, 10, 20)
    newest = shelf.files()[0]
    data = newest.read_bytes()
    for at in range(len(data)):
        flipped = bytearray(data)
        flipped[at] ^= 4
        newest.write_bytes(flipped)
        found = shelf.latest("c", 100)
        assert found is not None
        if found.label.seq == 20:
            assert found.blob == b"state 20"
        else:
            assert newest.name in shelf.passed
    for size in (0, 8, 20, len(data) - 1):
        newest.write_bytes(data[:size])
        found = shelf.latest("c", 100)
        assert found is not None
        assert found.label.seq == 10
    import msgspec

    label = msgspec.msgpack.encode(Label(20, 0, "", "c", "", 0, b"0" * 16))
    from zlib import compress, crc32

    from argosy.store.snapshots import _LEAD

    newest.write_bytes(MAGIC + _LEAD.pack(len(label), crc32(label)) + label + compress(b"other"))
    assert shelf.latest("c", 100).label.seq == 10  # type: ignore[union-attr]
    assert shelf.passed[newest.name] == "it is not what was written"


def test_a_journal_that_ends_before_its_snapshot_is_short(tmp_path: Path) -> None:
    shelf = kept(tmp_path, 10, 20)
    with pytest.raises(Broken, match="JOURNAL_SHORT"):
        shelf.latest("c", 19)


def test_they_can_be_taken_away(tmp_path: Path) -> None:
    shelf = kept(tmp_path, 10, 20, 30)
    shelf.drop(10, tmp_path)
    assert (tmp_path / "00000000000000000030.snap").exists()
    assert len(shelf.files()) == 1
    shelf.drop(0)
    assert shelf.files() == []


def test_a_full_disk_keeps_the_earlier_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = kept(tmp_path, 10)

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("argosy.store.snapshots.os.fsync", full)
        with pytest.raises(Broken, match="SNAPSHOT_DISK"):
            kept(tmp_path, 20)
    assert shelf.latest("c", 20).label.seq == 10  # type: ignore[union-attr]


def test_the_journal_is_read_from_the_place_of_a_snapshot_only_if_it_is_that_place(tmp_path: Path) -> None:
    with opened(tmp_path, segment_bytes=2000) as journal:
        fill(journal, 0, 100)
        journal.remember(b"hundred", rows=7, code="c", state="s")
        assert journal.durable == 101
        fill(journal, 100, 130)
        found = journal.snapshots.latest("c", journal.seq)
        assert found is not None
        assert (found.label.seq, found.label.rows) == (101, 7)
        assert [seq for seq, _ in journal.records(found.label.seq, found.tip)] == list(range(101, 231))
        for start, tip in ((101, b"0" * 16), (102, found.tip), (100, found.tip), (9999, found.tip)):
            with pytest.raises(Broken, match="JOURNAL_START"):
                list(journal.records(start, tip))
        whole_chain = bytes.fromhex(journal.chain)
        assert list(journal.records(231, whole_chain)) == []
        assert len(list(journal.records(1, b"\0" * 16))) == 230
        with pytest.raises(Broken, match="JOURNAL_START"):
            list(journal.records(231, found.tip))
