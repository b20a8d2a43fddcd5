"""What single parts cost: the gate's word on an order, a journal's record, a fold, a row of a tape; each with its result checked."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from argosy.core.orders import BUY, Order, Refused
from argosy.engine.fold import fold
from argosy.engine.journal import MemoryJournal
from argosy.engine.risk import RiskGate
from argosy.engine.rules.profiles import SHELF, rules
from argosy.engine.state import State
from argosy.engine.view import StateView
from bench.clock import typical
from bench.figure import Figure, figure
from bench.market import table, tape
from bench.robots import LIMITS
from bench.trial import STEPPED, Trial, walk


def figures(quick: bool) -> Iterator[Figure]:
    """Each part alone, over what a real walk of it left behind."""
    rows = 20_000 if quick else 100_000
    trial = walk(rows, scan_from=STEPPED)
    yield _gate(trial, 5_000 if quick else 50_000)
    records = list(trial.outcome.run.engine.journal.records())
    yield _journal([record for _, record in records])
    yield _fold(trial, records, rows)
    yield _tape(100_000 if quick else 1_000_000)


def _gate(trial: Trial, orders: int) -> Figure:
    """Microseconds to admit one plain market order that opens a position, all rules asked."""
    gate = RiskGate(rules("lab", LIMITS))
    tight = RiskGate(rules("lab", LIMITS | {"order_size": {"max_lots": 99}}))
    view = StateView(trial.state, 1.0)
    entry = Order(1, 0, BUY, 100)
    said = tight.admit(entry, (), view).refused
    fault = ""
    if not isinstance(said, Refused) or said.code != "MAX_ORDER_QTY":
        fault = f"a limit of 99 lots does not refuse 100: {said}"
    allowed = [0]

    def admit() -> None:
        ask = gate.admit
        allowed[0] = sum(ask(entry, (), view).approved is not None for _ in range(orders))

    cost = typical(admit, 5) / orders * 1e6
    if allowed[0] != orders:
        fault = fault or f"{orders - allowed[0]} of {orders} were not approved"
    asked = sum(1 for rule in gate.rules if getattr(rule, "binds", True))
    return figure("parts.gate", cost, wrong=fault, note=f"{asked} of {len(SHELF)} rules can bind and are asked")


def _journal(records: list[Any]) -> Figure:
    """Records a second: appended, encoded, with CRC and chain."""
    kept: list[MemoryJournal] = []

    def write() -> None:
        journal = MemoryJournal()
        append, commit = journal.append, journal.commit
        for record in records:
            append(record)
            commit()
        journal.flush()
        kept.append(journal)

    rate = len(records) / typical(write, 5)
    again = MemoryJournal()
    for _, record in kept[-1].records():
        again.append(record)
        again.commit()
    # Chains are compared, not records: a price that is absent is nan, which equals nothing.
    fault = "" if again.seq == len(records) + 1 else f"{again.seq - 1} of {len(records)} records were read back"
    if len({journal.chain for journal in (again, *kept)}) != 1:
        fault = fault or "what was read back has another chain than what was written"
    return figure("parts.journal", rate, wrong=fault, note=f"{len(records):,} records of a walk, read back with the same chain")


def _fold(trial: Trial, records: list[tuple[int, Any]], rows: int) -> Figure:
    """Records a second folded into a state, the market's rows between them with it."""
    states: list[State] = []
    source = trial.outcome.run.replay.source

    def rebuild() -> None:
        states.append(fold(iter(records), State(table(), "USD", ["bench"]), source.rows()))

    took = typical(rebuild, 3)
    fault = "" if states[-1].hash == trial.state.hash else "the folded state is not the one after the run"
    return figure("parts.fold", len(records) / took, wrong=fault, note=f"with {rows / took / 1e6:.2f} M market rows a second; hash equal")


def _tape(rows: int) -> Figure:
    """Rows a second as events."""
    bars = tape(rows)
    took = typical(lambda: deque(bars.rows(), maxlen=0), 5)
    last = deque(bars.rows(), maxlen=1)[0]
    same = all(getattr(last, name) == column[-1] for name, column in bars.columns.items())
    return figure("parts.tape", rows / took, wrong="" if same else f"the last row is {last}", note=f"{rows:,} bars")
