"""Journals to be tested with: the house's own codec, records of every form, and folders that are copied and damaged."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from argosy.core.effects import Cancel
from argosy.core.events import SCHEMA, Bar, BookDelta, Command, Fill, Quote, Reply, Trade
from argosy.engine.journal import MemoryJournal
from argosy.engine.records import Rows, Run, Stretch
from argosy.quay import codec
from argosy.store.journal import DurableJournal
from argosy.store.manifest import Identity

CODEC = codec()
OWN = Identity("PA3", "paper", "ARGO", "c0de", "c0f1")


def record(k: int) -> Any:
    """The k-th record: of several kinds and lengths."""
    if not k:
        return Run(SCHEMA, "ARGO", "USD", ("AAPL", "IBM"), ("ann",))
    return (
        Fill(k, k, k % 2, 4 * k, f"{4 * k}-1", 1, 10 + k, 99.5 + k / 8, 12_345 * k, 7, False, 0),
        Reply(k, k, 4 * k, "submit", "accepted"),
        Rows(k),
        Command(k, k, "halt", "me", "a reason" * (k % 5)),
        Cancel(4 * k),
    )[k % 5]


def stretch(records: int) -> Stretch:
    """One record that takes the sequences of several; only its width is looked at here."""
    return Stretch("ann", "lots", 1.0, records, b"", ())


def fill(journal: Any, first: int, count: int, each: int = 3) -> None:
    """Append records first .. first + count - 1, a commit after each `each`."""
    for k in range(first, first + count):
        journal.append(record(k))
        if k % each == each - 1:
            journal.commit()
    journal.commit()


def opened(folder: Path, **more: Any) -> DurableJournal:
    return DurableJournal(folder, CODEC, OWN, **{"sync": "none", "pack": False} | more)


def crash(journal: DurableJournal) -> None:
    """What kill -9 leaves: everything that was written, nothing that was pending, no goodbye."""
    import os

    if journal._fd < 0:
        return
    journal._syncer.stop()
    if journal._packer is not None:
        journal._packer.stop()
    os.close(journal._fd)
    journal._fd = -1
    journal._lease.give_back()


def memory(count: int, each: int = 3) -> MemoryJournal:
    journal = MemoryJournal()
    fill(journal, 0, count, each)
    return journal


def row(rng: random.Random, k: int) -> Any:
    """The k-th market row, with numbers that a careless hand would change."""
    odd = [float("nan"), -0.0, 5e-324, 1.7976931348623157e308, 0.1 + 0.2, float("inf")]
    price = rng.choice([*odd, rng.random() * 100])
    ts = k * 10 + rng.randrange(5)
    return rng.choice([
        Bar(ts, ts + 3, k % 3, price, rng.random(), rng.random(), price, 1e9, 60_000_000_000),
        Quote(ts, ts + 3, k % 3, price, 3.0, 1.0, 2.0),
        Trade(ts, ts + 3, k % 3, price, 0.5, rng.choice([-1, 0, 1])),
        BookDelta(ts, ts + 3, k % 3, -1, price, 0.0, rng.random() < 0.5),
    ])  # fmt: skip


def packed(journal: Any) -> None:
    """Wait until all closed files are compressed."""
    import time

    until = time.monotonic() + 20
    while journal._packer._thread is not None:
        assert time.monotonic() < until
        time.sleep(0.005)
