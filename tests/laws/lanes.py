"""The two lanes beside each other: a run in either of them, everything that it leaves, and the first thing in which they differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from argosy.core import events as ev
from argosy.core.instrument import Instruments
from argosy.core.tape import Tape
from argosy.core.time import MINUTE
from argosy.engine.fold import fold
from argosy.engine.state import State
from argosy.house import Run, Terms, Wanted, assemble
from argosy.kernels.indicators import sma
from argosy.lab.backtest import Account

SCANNED, STEPPED = 1, 1 << 60
"""Rows from which a run is scanned: always, never."""


class Case(NamedTuple):
    """All that a run is made of. bulk: whether needs are computed beforehand (only then can it be scanned)."""

    wanted: Wanted
    instruments: Instruments
    tapes: list[Tape]
    events: list[ev.Event]
    terms: Terms
    bulk: bool = True

    def run(self, scan_from: int) -> tuple[Run, Account, str]:
        """Run it in one lane; what it raised is told as text."""
        run = assemble([self.wanted], (self.instruments, self.tapes, self.events), self.terms, bulk=self.bulk, scan_from=scan_from)
        account = Account()
        account.watch(run.engine.state)
        try:
            run.go()
        except Exception as error:  # noqa: BLE001 - whatever one lane raises the other must raise
            return run, account, repr(error)
        return run, account, ""


def facts(run: Run, account: Account, raised: str) -> Iterator[tuple[str, Any]]:
    """Everything that a run leaves, by name: what both lanes must agree in."""
    engine = run.engine
    yield "raised", raised
    for seq, record in engine.journal.records():
        yield f"record {seq}", repr(record)
    yield "seq", engine.journal.seq
    for name, value in engine.state.snapshot().items():
        yield name, repr(value)
    yield "hash", engine.state.hash
    yield "now", engine.state.now
    yield "failures", [(failure.strategy, failure.known, failure.event, failure.error) for failure in engine.failures]
    yield "account", repr(([column.tolist() for column in account.changes()], account.fills))
    yield "venue", [(run.market.lots(i), run.market.busy(i)) for i in range(len(engine.instruments))]
    yield "venue's next", run.market.due
    yield "cells", [(slot.save(), [getattr(cell.feed, "at", 0) for cell in slot.cells.values()]) for slot in engine.slots]


def difference(case: Case) -> tuple[Run, str]:
    """Run both lanes; the scanned run, and the first thing that differs in words ("" when all is alike, and folds)."""
    scanned, stepped = case.run(SCANNED), case.run(STEPPED)
    assert not stepped[0].replay.scanned
    for (name, one), (other_name, other) in zip(facts(*scanned), facts(*stepped), strict=False):
        if (name, one) != (other_name, other):
            return scanned[0], f"{name}:\n  scanned {one}\n  stepped {other_name}: {other}"
    engine = scanned[0].engine
    if not scanned[2]:
        state = State(engine.instruments, "USD", ["one"])
        if fold(engine.journal.records(), state, scanned[0].replay.source.rows()).hash != engine.state.hash:
            return scanned[0], "the journal does not fold to the state"
    return scanned[0], ""


# -- cases by hand ------------------------------------------------------------------------------------------------------

FREE = Terms(cash=50_000.0, fees="free", slippage_bps=0.0)


def both(strategy: type, params: dict[str, Any], rows: Instruments, tape: Tape, events: list[ev.Event], terms: Terms = FREE) -> Run:
    """The scanned run, after its stepped one was found alike in everything; it really was scanned."""
    run, found = difference(Case(Wanted("one", strategy, params), rows, [tape], events, terms))
    assert not found, found
    assert run.replay.scanned
    return run


def said(run: Run, kind: type) -> list[Any]:
    """The records of one kind."""
    return [record for _, record in run.engine.journal.records() if type(record) is kind]


def minutes(prices: Sequence[float], at: Sequence[int] | None = None, instrument: int = 0) -> Tape:
    """Bars of a minute that stand still at a price each. at: the minutes at which they start."""
    price = np.array(prices)
    ts = np.array(at if at is not None else range(len(prices)), np.int64) * MINUTE
    like = np.full(len(ts), 1)
    columns = {"ts": ts, "known": ts + MINUTE, "instrument": like * instrument, "volume": like * 1000.0, "span": like * MINUTE}
    return Tape(ev.Bar, columns | dict.fromkeys(("open", "high", "low", "close"), price))


def seen(run: Run) -> list[int]:
    """Rows of its needs that each cell has read."""
    return [cell.feed.at for cell in run.engine.slots[0].cells.values()]  # type: ignore[attr-defined]


class Count(msgspec.Struct):
    """Bars called at."""

    n: int = 0


class Plan:
    """Wants `one` at its bar `first` and `two` at its bar `second`, with a stop `below` the close; raises at `fails` on S0."""

    unit = "lots"
    state = Count
    needs = {"close": sma(1)}

    class params(msgspec.Struct):
        first: int = 3
        second: int = 0
        one: float = 5.0
        two: float = 0.0
        below: float = 0.0
        fails: int = 0

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        state.n += 1
        if row.instrument == 0 and state.n == params.fails:
            out.target = 1.0 / (params.fails - state.n)
        if state.n == params.first or state.n == params.second:
            out.target = params.one if state.n == params.first else params.two
            if params.below != 0.0:
                out.stop = row.close - params.below if out.target != 0.0 else np.inf
