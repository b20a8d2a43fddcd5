"""Runs combinations on one instrument: its indicators once each, then the compiled loop; what comes out is integers and sums.

The same work is done by a thread, a process or a machine elsewhere, with the same result to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.strategy import ABSENT
from argosy.engine.steps import struct_type
from argosy.kernels.fees import FeeSchedule
from argosy.kernels.linked import linked
from argosy.kernels.sweep.account import ACCOUNT, LEVELS, RAISED, REFUSED
from argosy.kernels.sweep.link import places, sweeper
from argosy.kernels.sweep.marks import FIGURES
from argosy.kernels.sweep.orders import CAPACITY, FLOATS, INTEGERS
from argosy.kernels.ticks import places as mail
from argosy.kernels.ticks.link import ticker
from argosy.lab.sweep.grid import Combination, Plan
from argosy.lab.sweep.ground import Ground
from argosy.lab.sweep.shore import Shore

FILL = np.dtype(
    [(name, "i8") for name in ("row", "tag", "side", "lots")]
    + [("price", "f8"), ("notional", "i8"), ("fee", "i8"), ("cash", "i8")]
)
"""A fill as the loop writes it down."""
ORDER = np.dtype(
    [(name, "i8") for name in ("sent", "kind", "side", "lots", "tag", "end", "ended", "filled")] + [("level", "f8"), ("price", "f8")]
)
"""An order as the loop writes it down."""
CHUNK = 256
"""Most combinations that a thread takes at a time."""
_OUT = np.dtype([(name, "f8") for name in ("target", "limit", "stop", "take")])
_NO_FILLS, _NO_ORDERS = np.zeros(0, FILL), np.zeros(0, ORDER)


class Sums(NamedTuple):
    """What combinations came to: accounts (C, ACCOUNT) int64, figures (C, FIGURES) float64, and, where they were asked for, curves
    (C, D) float64: worth in currency at the end of each of the ground's days, nan where a combination was refused."""

    accounts: NDArray[np.int64]
    figures: NDArray[np.float64]
    curves: NDArray[np.float64]

    def part(self, lo: int, hi: int) -> Sums:
        """Rows [lo, hi), to be written to."""
        return Sums(self.accounts[lo:hi], self.figures[lo:hi], self.curves[lo:hi])


def sums(count: int, days: int = 0) -> Sums:
    """Room for so many combinations; days: of curves, 0 for none."""
    return Sums(np.zeros((count, ACCOUNT), np.int64), np.zeros((count, FIGURES)), np.full((count, days), np.nan))


def link(made: Plan) -> Callable[..., None]:
    """The compiled loop of a strategy's step, ready for threads."""
    step = made.declaration.step
    if not isinstance(step, FunctionType):
        raise TypeError("SWEEP_STRATEGY: only step strategies are linked")
    if made.declaration.ticks:
        return ticker(linked(step)).jit
    return sweeper(linked(step), places(tuple(made.declaration.needs))).jit


def perform(
    made: Plan, land: Ground | Shore, schedule: FeeSchedule, out: Sums, *, threads: int = 1, memory_mb: float = 64.0,
    told: Callable[[int], None] | None = None,
) -> Sums:  # fmt: skip
    """Run all combinations of a plan on one instrument into `out`, which is returned.

    memory_mb: most memory for indicators at a time; told: called with the number of combinations done since the last call
    """
    run = link(made)  # before there are threads
    table = np.empty((room(made, land, memory_mb), len(land)))
    with ThreadPoolExecutor(threads) as pool:
        for lo, hi, rows in blocks(made.combinations, land, table):
            size = min(CHUNK, -(-(hi - lo) // (4 * threads)))
            tasks = [
                pool.submit(_run, run, made, land, schedule, made.combinations[at : min(hi, at + size)], table, rows,
                            out.part(at, min(hi, at + size)))
                for at in range(lo, hi, size)
            ]  # fmt: skip
            for task in as_completed(tasks):
                count = task.result()
                if told is not None:
                    told(count)
    return out


def single(made: Plan, land: Ground | Shore, schedule: FeeSchedule, fills: int, orders: int) -> tuple[Sums, NDArray[Any], NDArray[Any]]:
    """Run the first combination with room for so many records of fills and orders; no room for orders is quicker."""
    out, one = sums(1), made.combinations[:1]
    table = np.empty((max(1, len(one[0].needs)), len(land)))
    rows: dict[Any, int] = {}
    for need in one[0].needs:
        if need not in rows:
            rows[need] = len(rows)
            table[rows[need]] = _column(land, need)
    log = np.empty(fills, FILL)
    notes = np.empty(orders, ORDER) if orders else _NO_ORDERS
    _run(link(made), made, land, schedule, one, table, rows, out, log, notes)
    return out, log, notes


def room(made: Plan, land: Ground | Shore, memory_mb: float) -> int:
    """Indicators that are held at a time: all, where the memory allows it; never fewer than one combination needs."""
    least = max(1, *(len(set(one.needs)) for one in made.combinations))
    every = len({need for one in made.combinations for need in one.needs})
    return max(least, min(every, int(memory_mb * 1e6 / (8 * max(1, len(land))))))


def blocks(combinations: Sequence[Combination], land: Ground | Shore, table: NDArray[np.float64]) -> Iterator[tuple[int, int, dict[Any, int]]]:
    """Stretches of combinations whose indicators fit into the table together, and the row of each; computed once a stretch."""
    rows: dict[Any, int] = {}
    lo = 0
    while lo < len(combinations):
        wanted: dict[Any, None] = {}
        hi = lo
        while hi < len(combinations):
            fresh = [need for need in dict.fromkeys(combinations[hi].needs) if need not in wanted]
            if hi > lo and len(wanted) + len(fresh) > len(table):
                break
            wanted.update(dict.fromkeys(fresh))
            hi += 1
        rows = {need: row for need, row in rows.items() if need in wanted}
        free = sorted(set(range(len(table))) - set(rows.values()), reverse=True)
        for need in wanted:
            if need not in rows:
                rows[need] = free.pop()
                table[rows[need]] = _column(land, need)
        yield lo, hi, rows
        lo = hi


def _column(land: Ground | Shore, need: Any) -> NDArray[np.float64]:
    if isinstance(land, Shore):
        raise TypeError("STRATEGY_NEEDS: a step on ticks has no needs")
    return land.column(need)


def _run(
    run: Callable[..., None], made: Plan, land: Ground | Shore, schedule: FeeSchedule, combinations: Sequence[Combination],
    table: NDArray[np.float64], rows: dict[Any, int], out: Sums, log: NDArray[Any] = _NO_FILLS, notes: NDArray[Any] = _NO_ORDERS,
) -> int:  # fmt: skip
    """Run some combinations, one after the other; returns how many."""
    declaration = made.declaration
    count = len(combinations)
    params = np.zeros(count, struct_type(declaration.params))
    if made.fields:
        params[:] = [one.params for one in combinations]
    fresh = declaration.state()
    states = np.zeros(count, struct_type(fresh))
    if fresh.__struct_fields__:
        states[:] = tuple(getattr(fresh, name) for name in fresh.__struct_fields__)
    outs = np.full((count, 4), ABSENT).view(_OUT)[:, 0]
    own: tuple[Any, ...] = (params, states, outs, land.market, schedule)
    if isinstance(land, Shore):
        given = _given_ticks(land, combinations, own, out, log)
    else:
        given = _given_bars(land, made, combinations, own, table, rows, out, log, notes)
    row, seat = 0, 0
    while True:
        cursor = np.full(2, -1, np.int64)
        try:
            run(row, seat, cursor, land.cash, *given)
            return count
        except Exception as error:
            if cursor[0] < 0:  # it never began
                said = str(error).strip().splitlines()
                why = next((line for line in said if line.strip() and not line.startswith(("Failed in", "Traceback"))), "")
                raise Misuse(
                    "SWEEP_COMPILE", f"{declaration.name}.step is nothing that machine code can do: {why.strip()[:200]}",
                    where=f"{declaration.cls.__module__}.{declaration.cls.__qualname__}",
                    fix="use arithmetic, comparisons and attributes only, or run it with `argosy backtest`",
                ) from error  # fmt: skip
            row, seat = cursor.tolist()
            out.accounts[seat, REFUSED] = RAISED
            seat += 1


def _given_bars(
    land: Ground, made: Plan, combinations: Sequence[Combination], own: tuple[Any, ...], table: NDArray[np.float64],
    rows: dict[Any, int], out: Sums, log: NDArray[Any], notes: NDArray[Any],
) -> tuple[Any, ...]:  # fmt: skip
    """What the loop over bars is given, from `bars` on."""
    count = len(combinations)
    width = len(places(tuple(made.declaration.needs)))
    seats = np.zeros((count, width), np.int64)
    for c, one in enumerate(combinations):
        seats[c, : len(one.needs)] = [rows[need] for need in one.needs]
    warms = np.asarray([max(0, one.warmup - 1) for one in combinations], np.int64)
    integers, floats = np.zeros((count, CAPACITY, INTEGERS), np.int64), np.zeros((count, CAPACITY, FLOATS))
    return (
        land.bars, land.bounds, table, seats, warms, *own, land.days, land.events, land.amounts, out.accounts,
        np.empty((count, LEVELS)), integers, floats, log, notes, out.figures, out.curves,
    )  # fmt: skip


def _given_ticks(
    land: Shore, combinations: Sequence[Combination], own: tuple[Any, ...], out: Sums, log: NDArray[Any]
) -> tuple[Any, ...]:  # fmt: skip
    """What the loop over ticks is given, from `rows` on."""
    count = len(combinations)
    warms = np.asarray([land.warm(one.warmup) for one in combinations], np.int64)
    return (
        land.rows, land.cuts, warms, *own, land.sea, land.days, land.closes, out.accounts, np.empty((count, LEVELS)), *desks(count), log,
        out.figures,
    )  # fmt: skip


def desks(count: int) -> tuple[NDArray[Any], ...]:
    """Room for the orders and the mail of so many combinations: the arrays of `kernels.ticks.places.Desk`."""
    shapes = (
        (mail.CAPACITY, mail.INTEGERS, np.int64), (mail.CAPACITY, mail.FLOATS, np.float64), (mail.BOX, mail.WORDS, np.int64),
        (mail.BOX, 0, np.float64), (mail.BOX, mail.ERRANDS, np.int64), (mail.BOX, 0, np.float64), (mail.BOX, mail.ERRANDS, np.int64),
        (mail.BOX, 0, np.float64),
    )  # fmt: skip
    return tuple(np.zeros((count, rows, width) if width else (count, rows), kind) for rows, width, kind in shapes)
