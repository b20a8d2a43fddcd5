"""What the memory of a desk costs: records a second into a file by each way of syncing, and a recovery of a million records."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from argosy.core.events import Bar
from argosy.core.instrument import Instrument, Instruments
from argosy.core.intents import Target
from argosy.core.tape import Tape
from argosy.core.time import MINUTE
from argosy.engine import saved
from argosy.engine.fold import fold
from argosy.engine.journal import MemoryJournal
from argosy.engine.restart import restart
from argosy.engine.state import State
from argosy.house import Terms, Wanted, assemble
from argosy.quay import codec
from argosy.store.journal import DurableJournal
from argosy.store.manifest import Identity
from argosy.store.recorder import Recorder
from bench.figure import Figure, figure

CODEC = codec()
OWN = Identity("bench", "sim")


class Restless:
    """Wants another size at each bar, so that each bar is a wish, an order and what comes of it."""

    def on_bar(self, bar: Bar, book: Any) -> Target:
        return Target(bar.instrument, lots=1 + (bar.ts // MINUTE) % 2)


def _tape(rows: int) -> Tape:
    ts = np.arange(rows, dtype=np.int64) * MINUTE
    close = 100.0 + np.round(np.sin(np.arange(rows) / 50.0), 2)
    same = {"open": close, "high": close + 0.05, "low": close - 0.05, "close": close}
    return Tape(Bar, {"ts": ts, "known": ts + MINUTE, "instrument": np.zeros(rows, np.int64), **same,
                      "volume": np.full(rows, 1e9), "span": np.full(rows, MINUTE)})  # fmt: skip


def _run(rows: int, tape: Tape | None = None, journal: Any = None) -> Any:
    table = Instruments([Instrument(symbol="S0")])
    return assemble([Wanted("bench", Restless)], (table, [tape or _tape(rows)], []), Terms(profile="lab", fees="free"), bulk=False, journal=journal)


def _write(journal: Any, records: list[Any], each: int) -> float:
    """Processor seconds to append and commit all, `each` to a decision."""
    append, commit = journal.append, journal.commit
    begun = time.process_time()
    for at in range(0, len(records), each):
        for record in records[at : at + each]:
            append(record)
        commit()
    journal.flush()
    return time.process_time() - begun


def figures(quick: bool) -> Iterator[Figure]:
    """The file by each policy, read back and held against the chain in memory; then the recovery."""
    home = Path(tempfile.mkdtemp(prefix="argosy-bench-", dir=os.environ.get("ARGOSY_BENCH_DISK")))
    try:
        run = _run(2_000 if quick else 20_000)
        run.go()
        records = [record for _, record in run.engine.journal.records()]
        yield from _policies(home, records, 3 if quick else 5)
        yield from _recovery(home, 4_000 if quick else 200_000)
    finally:
        shutil.rmtree(home)


def _policies(home: Path, records: list[Any], turns: int) -> Iterator[Figure]:
    count = len(records)
    for name, policy, each in (
        ("journal.none", "none", 64), ("journal.group", "group", 64), ("journal.decisions", "group", 4), ("journal.each", "each", 4),
    ):  # fmt: skip
        some = records if policy != "each" else records[:2_000]
        memory = MemoryJournal()
        _write(memory, some, each)
        took, wall, wrong, slowest = [], [], "", 0
        for turn in range(turns if policy != "each" else 1):
            with DurableJournal(home / f"{name}-{turn}", CODEC, OWN, sync=policy, pack=False) as journal:  # type: ignore[arg-type]
                begun = time.perf_counter()
                took.append(_write(journal, some, each))
                wall.append(time.perf_counter() - begun)
                slowest = journal.health().sync_longest_ns
                if journal.chain != memory.chain or sum(1 for _ in journal.kept()) != len(some):
                    wrong = "the file is not what the journal in memory has"
        note = f"{count:,} records, {each} a write, CRC and chain; {len(some) / sorted(wall)[len(wall) // 2] / 1e3:,.0f} k/s by the wall"
        if policy == "each":
            yield figure(name, min(wall) / (len(some) / each) * 1e6, wrong=wrong, note=f"a decision of {each} records on the disk before it is sent")
            continue
        note += f"; longest sync {slowest / 1e6:.1f} ms" if slowest else ""
        yield figure(name, len(some) / sorted(took)[len(took) // 2], wrong=wrong, note=note)


def _recovery(home: Path, rows: int) -> Iterator[Figure]:
    """A desk that died after a million records: opened, checked, its state loaded and what came after folded and relived."""
    tape = _tape(rows)
    journal = DurableJournal(home / "long", CODEC, OWN, sync="none")
    run = _run(rows, tape, journal)
    recorder = Recorder(home / "rows")
    for row in tape.rows():
        recorder.append(row)
    recorder.close()
    run.engine.open(run.cash)
    run.replay.run(stop=int(rows * 0.95))
    journal.remember(saved.save(run.engine), rows=run.engine.state.rows, code=saved.code(run.engine), state=run.engine.state.hash)
    run.replay.run()
    journal.write()
    count, chain, state = journal.seq - 1, journal.chain, run.engine.state.hash
    _die(journal)

    fresh = _run(rows, tape)
    begun = time.process_time()
    again = DurableJournal(home / "long", CODEC, OWN, sync="none", pack=False)
    opened = time.process_time() - begun
    fresh.engine.journal = again
    label = again.snapshots.latest(saved.code(fresh.engine), again.seq)
    wrong = "" if label is not None else "the snapshot did not fit"
    if label is not None:
        with Recorder(home / "rows", pack=False) as back:
            restart(fresh.engine, again.records(label.label.seq, label.tip), back.rows(label.label.rows), label.blob)
    took = time.process_time() - begun
    wrong = wrong or _same(fresh, tape, again, chain, state)
    note = f"{count:,} records in {took:.2f} s, snapshot at 95 %; {opened:.2f} s of it to examine the files"
    yield figure("journal.recovery", took * 1e6 / count, wrong=wrong, note=note)

    begun = time.process_time()
    told = fold(again.records(), State(fresh.engine.instruments, "USD", ["bench"]), tape.rows())
    took = time.process_time() - begun
    wrong = "" if told.portfolio.snapshot() == fresh.engine.state.portfolio.snapshot() else "the fold is another state"
    yield figure("journal.refold", took * 1e6 / count, wrong=wrong, note=f"{count:,} records from the first, without a snapshot, in {took:.2f} s")
    again.close()


def _same(fresh: Any, tape: Tape, journal: DurableJournal, chain: str, state: str) -> str:
    """What is wrong with a recovery, after the rows that left no record are seen again."""
    for row in tape.rows(fresh.engine.state.rows):
        fresh.engine.step(row)
    if journal.chain != chain:
        return "the chain is another"
    return "" if fresh.engine.state.hash == state else "the state is another"


def _die(journal: DurableJournal) -> None:
    """Leave a journal as a kill would."""
    journal._syncer.stop()  # noqa: SLF001  (there is no door for dying)
    if journal._packer is not None:  # noqa: SLF001
        journal._packer.stop()  # noqa: SLF001
    os.close(journal._fd)  # noqa: SLF001
    journal._fd = -1  # noqa: SLF001
    journal._lease.give_back()  # noqa: SLF001
