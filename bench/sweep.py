"""The sweep lane: a thousand choices of the shipped cross and of a step like a user's, held against the engine's own runs.

`python -m bench.sweep` alone prints the peak memory of one sweep above the imported interpreter, as JSON.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from time import perf_counter, process_time
from typing import Any

import msgspec
import polars as pl

from argosy.core.strategy import ABSENT, Out
from argosy.house import Terms, Wanted, fee_schedule
from argosy.kernels.fees import bps
from argosy.kernels.indicators import sma
from argosy.lab.backtest import run
from argosy.lab.sweep import records, sweep
from argosy.lab.sweep.grid import plan
from argosy.lab.sweep.ground import grounds
from argosy.lab.sweep.work import single
from argosy.strategies.trend import Trend
from bench.figure import HERE, Figure, figure
from bench.market import table, tape
from bench.memory import SELF, read
from bench.robots import Cross
from bench.trial import CASH, expected

TERMS = Terms(cash=1_000_000.0, fees=bps(5, 5), slippage_bps=0.0)
GRID = {"fast": range(5, 45), "slow": range(50, 300, 10)}
STOP = {"stop_atr": 3.0}
PEER = "vectorbt 1.2 numba"
PEER_RATE, PEER_MB = 8.2, 2176.0
"""What the peer did once, on another day: 1,000 pairs of averages on 100,000 bars, no stop; a note, never a ratio."""


class Guarded:
    """A cross as a user writes one: lots, and a stop a hundredth below the entry."""

    unit = "lots"

    class params(msgspec.Struct):
        """Bars of the means, and the distance of the stop."""

        fast: int = 10
        slow: int = 30
        room: float = 0.01

    class state(msgspec.Struct):
        """side: 1 while it wants to be long."""

        side: float = 0.0

    needs = staticmethod(lambda p: {"fast": sma(p.fast), "slow": sma(p.slow)})

    @staticmethod
    def step(row: Any, needs: Any, state: Any, params: Any, out: Out) -> None:
        """Long with a stop while the fast mean is above; out after a stop until it has crossed again."""
        side = 1.0 if needs.fast > needs.slow else 0.0
        if side != state.side:
            state.side = side
            out.target = 100.0 * side
            out.stop = row.close * (1.0 - params.room) if side > 0.0 else ABSENT
        elif row.low <= out.stop and out.stop != ABSENT:
            out.target = 0.0
            out.stop = ABSENT


def swept(strategy: type, rows: int, grid: dict[str, range], params: Mapping[str, object], workers: int) -> pl.DataFrame:
    """One whole sweep, as a user calls it, without a ledger."""
    return sweep(strategy, (table(), [tape(rows)], []), grid, terms=TERMS, params=dict(params), workers=workers, trials=None)


def differs(strategy: type, rows: int, frame: pl.DataFrame, params: Mapping[str, object]) -> str:
    """Why a sweep does not count, "" when it does: the engine's own run of its best, middle and worst row, to the unit."""
    if frame["refused"].n_unique() != 1 or frame["refused"][0]:
        return f"refused: {', '.join(sorted(set(frame['refused']) - {''}))}"
    for place in (0, frame.height // 2, frame.height - 1):
        row = frame.row(place, named=True)
        chosen = dict(params) | {name: row[name] for name in GRID}
        outcome = run([Wanted("bench", strategy, chosen)], (table(), [tape(rows)], []), TERMS, trials=None)
        walked = (outcome.run.engine.state.portfolio.equity, len(outcome.account.fills), sum(fee for _, _, _, fee, _ in outcome.account.fills))
        if walked != (row["equity_units"], row["fills"], row["fees_units"]):
            return f"{chosen}: {(row['equity_units'], row['fills'], row['fees_units'])}, walked {walked}"
    return ""


def least(work: Callable[[], Any], runs: int, clock: Callable[[], float]) -> tuple[float, Any]:
    """Seconds of the quickest of several calls after a first one (others use the machine, too), and what it gave."""
    best, found = float("inf"), work()
    for _ in range(runs):
        gc.collect()
        begun = clock()
        found = work()
        best = min(best, clock() - begun)
    return best, found


def figures(quick: bool) -> Iterator[Figure]:
    """Million bars x combinations a second of one core, seconds of a grid, MB, and bars a second with all records."""
    rows, runs = (20_000, 2) if quick else (100_000, 15)
    combinations = len(GRID["fast"]) * len(GRID["slow"])
    for name, strategy, params in (("sweep.cross", Trend, STOP), ("sweep.user", Guarded, {})):
        took, frame = least(lambda strategy=strategy, params=params: swept(strategy, rows, GRID, params, 1), runs, process_time)  # type: ignore[misc]
        note = (
            f"{combinations:,} x {rows:,} bars with fee, stop and statistics, {frame['fills'].mean():,.0f} fills each; indicators, plan and "
            f"table included; {took / combinations / rows * 1e9:.2f} ns; three rows equal the engine's, to the unit"
        )
        yield figure(
            name, combinations * rows / took / 1e6, wrong=differs(strategy, rows, frame, params), note=note, peer=f"{PEER}, once",
            peer_value=PEER_RATE,
        )  # fmt: skip
    took, frame = least(lambda: swept(Trend, rows, GRID, STOP, 2), runs, perf_counter)
    note = f"{combinations:,} x {rows:,} bars, two threads, wall; {os.getloadavg()[0]:.1f} others wanted the processors"
    yield figure("sweep.grid", took, wrong=differs(Trend, rows, frame, STOP), note=note)
    yield _memory(rows)
    yield _records(50_000 if quick else 1_000_000, runs)


def _records(rows: int, runs: int) -> Figure:
    """The W1 cross once, compiled, with every fill and every order written down; then the same with frames made of them."""
    terms = Terms(cash=float(CASH), fees=bps(5, 5), slippage_bps=0.0)
    data: tuple[Any, ...] = (table(), [tape(rows)], [])
    whole, found = least(lambda: records(Cross, data, terms=terms), runs, process_time)
    made = plan(Cross, {}, {})
    land = grounds(data, (), made.declaration, terms)[0]
    took, _ = least(lambda: single(made, land, fee_schedule(terms.fees), rows // 16, rows // 4), runs, process_time)
    right = expected(rows)
    last = found.fills.row(-1, named=True)
    lots = int(found.fills.select((pl.col("side") * pl.col("lots")).sum()).item())
    equity = last["cash"] + round(lots * float(tape(rows)["close"][-1]) * 1e6)
    wrong = "" if (found.fills.height, equity) == right else f"{found.fills.height} fills and {equity} units, not {right}"
    note = (
        f"{rows:,} bars, {found.orders.height:,} orders, {found.fills.height:,} fills, indicators included; "
        f"with frames of orders, fills and {found.trades.height:,} trades {rows / whole / 1e6:.0f} M"
    )
    return figure("sweep.records", rows / took / 1e6, wrong=wrong, note=note)


def _memory(rows: int) -> Figure:
    done = subprocess.run(
        (sys.executable, "-m", "bench.sweep", str(rows)), cwd=HERE.parent, capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        return figure("sweep.memory", None, note=f"exit {done.returncode}: {said[-1] if said else ''} (it reads Linux's own count)")
    found = json.loads(done.stdout.splitlines()[-1])
    note = f"1,000 x {rows:,} bars, two threads; peak above the imported interpreter, {found['tape'] / 1e6:.0f} MB of it are the tape"
    return figure("sweep.memory", found["peak"] / 1e6, wrong=found["wrong"], note=note, peer=f"{PEER}, once, in all", peer_value=PEER_MB)


def main(rows: int) -> None:
    """Measure from where all is imported and compiled; the tape counts, what made it does not."""
    few = {"fast": range(5, 7), "slow": range(50, 70, 10)}
    swept(Trend, 2_000, few, STOP, 2)
    gc.collect()
    imported = read("VmRSS")
    bars = tape(rows)
    gc.collect()
    (SELF / "clear_refs").write_text("5")  # the peak begins anew
    frame = swept(Trend, rows, GRID, STOP, 2)
    peak = read("VmHWM") - imported
    size = sum(column.nbytes for column in bars.columns.values())
    print(json.dumps({"peak": peak, "tape": size, "wrong": differs(Trend, rows, frame, STOP)}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
