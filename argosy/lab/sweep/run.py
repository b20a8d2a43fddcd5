"""Tries all combinations of a grid on all instruments and counts the trials; or writes down every fill and order of one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.time import iso
from argosy.house import Data, Terms, fee_schedule
from argosy.kernels.kernel import watched
from argosy.kernels.sweep.account import FILLS, FINE, REFUSED, SENT
from argosy.lab import trials as ledger
from argosy.lab.looks import code_key, looks, plain, terms_key
from argosy.lab.sweep.grid import Grid, Plan, plan
from argosy.lab.sweep.ground import Ground, grounds, terms_fit
from argosy.lab.sweep.places import spread
from argosy.lab.sweep.shore import Shore, shores
from argosy.lab.sweep.shore import terms_fit as ticks_fit
from argosy.lab.sweep.table import CODES, frame, known, ranked
from argosy.lab.sweep.work import Sums, single, sums
from argosy.lab.trials import Look

if TYPE_CHECKING:
    import polars as pl

TAGS = ("", "stop", "take")
KINDS = ("market", "limit", "stop")
ENDS = ("resting", "cancelled", "filled", "expired")
Progress = Callable[[int, int], None]


def sweep(
    strategy: str | type,
    data: Data,
    grid: Grid,
    *,
    terms: Terms | None = None,
    params: Mapping[str, object] | None = None,
    symbols: Sequence[str] = (),
    by: str = "sharpe",
    on: str = "threads",
    workers: int = 0,
    progress: bool | Progress = False,
    trials: Path | str | None = ledger.TRIALS,
    at_ns: int = 0,
    memory_mb: float = 64.0,
) -> pl.DataFrame:
    """Try every combination of `grid` on every instrument, each alone with an account of its own; one row each, the best first.

    A row is equal to the unit with `lab.backtest.run` of that strategy on that instrument alone, on the same terms.

    grid:      values by parameter, {"fast": range(5, 50, 5), "slow": [50, 100]}; params: values that stay the same
    by:        what the best is the best in (`table.RANKS`); "" leaves rows in order of instrument, then of the grid, whose last
               name turns fastest
    on:        "threads", "processes" or "ray"; workers: 0 is one a core; the rows are the same wherever and with however many
    progress:  True draws a bar on stderr; a function is called with (runs done, runs in all)
    trials:    folder of the ledger to which this run is added, so that later statistics know how often one looked; None keeps
               no count; at_ns: the moment to write there, ns UTC (the caller has the clock)
    memory_mb: most memory for indicators at a time; they are shared by the combinations that need them

    Columns: symbol, the names of the grid, total_return, sharpe, max_drawdown, trades, win_rate, exposure (fractions; as a
    backtest's), fees, traded, end_equity (currency), fills, stops (protections that filled), equity_units, cash_units,
    fees_units, lots (integers, at the end), refused (a code where there are no figures, else "").
    Raises Misuse: SWEEP_STRATEGY SWEEP_GRID SWEEP_BY SWEEP_LIMITS SWEEP_VENUE SWEEP_CURRENCY SWEEP_TAPE SWEEP_PRICES
    SWEEP_EVENTS SWEEP_SPLIT SWEEP_INSTRUMENT SWEEP_PLACE SWEEP_PICKLE SWEEP_COMPILE RAY_MISSING, before anything ran.
    """
    known(by)
    terms = terms or Terms()
    rows = _swept(strategy, data, grid, terms, params or {}, symbols, on, workers, progress, trials, at_ns, memory_mb, False)[0]
    return ranked(rows, by) if by else rows


class Curves(NamedTuple):
    """A sweep with the worth of every combination at the end of every day.

    rows: as `sweep` gives them, in order of instrument, then of the grid; names: of the grid
    choices: the values of each combination by name, in order of the grid
    known: by symbol, when each day ended, (D,) int64 ns; equity: by symbol, (C, D) float64 currency, nan where it was refused
    """

    rows: pl.DataFrame
    names: tuple[str, ...]
    choices: list[dict[str, Any]]
    known: dict[str, NDArray[np.int64]]
    equity: dict[str, NDArray[np.float64]]


def curves(
    strategy: str | type,
    data: Data,
    grid: Grid,
    *,
    terms: Terms | None = None,
    params: Mapping[str, object] | None = None,
    symbols: Sequence[str] = (),
    workers: int = 0,
    progress: bool | Progress = False,
    trials: Path | str | None = ledger.TRIALS,
    at_ns: int = 0,
    memory_mb: float = 64.0,
) -> Curves:
    """`sweep` on threads, with every combination's equity at the end of each UTC day; memory C x D beside that of a sweep.

    Raises as `sweep` does.
    """
    terms = terms or Terms()
    rows, made, lands, out = _swept(strategy, data, grid, terms, params or {}, symbols, "threads", workers, progress, trials, at_ns, memory_mb, True)
    count = len(made.combinations)
    ends = {land.symbol: land.tape["known"][land.days] for land in lands if isinstance(land, Ground)}
    worth = {land.symbol: out.curves[k * count : (k + 1) * count, : len(land.days)] for k, land in enumerate(lands)}
    for k, land in enumerate(lands):
        worth[land.symbol][out.accounts[k * count : (k + 1) * count, REFUSED] != FINE] = np.nan
    return Curves(rows, made.names, [dict(zip(made.names, one.given, strict=True)) for one in made.combinations], ends, worth)


def _swept(
    strategy: str | type, data: Data, grid: Grid, terms: Terms, params: Mapping[str, object], symbols: Sequence[str], on: str, workers: int,
    progress: bool | Progress, trials: Path | str | None, at_ns: int, memory_mb: float, daily: bool,
) -> tuple[pl.DataFrame, Plan, Sequence[Ground | Shore], Sums]:  # fmt: skip
    made = plan(strategy, grid, params)
    lands = _lands(data, symbols, made, terms)
    if daily and made.declaration.ticks:
        raise Misuse("SWEEP_CURVES", f"{made.declaration.name} sees ticks, of which no days are kept", fix="use `sweep`")
    total = len(made.combinations) * len(lands)
    out = sums(total, max(len(land.days) for land in lands) if daily else 0)
    done = 0
    with _shown(progress, total) as show:

        def told(count: int) -> None:
            nonlocal done
            done += count
            show(done, total)

        spread(on, made, lands, fee_schedule(terms.fees), out, workers or os.cpu_count() or 1, memory_mb, told)
    rows = frame(made, lands, out, terms.currency)
    if trials is not None:
        ledger.append(trials, _line(made, lands, _seen(data, lands), rows, params, terms, at_ns))
    return rows, made, lands, out


class Records(NamedTuple):
    """What one choice of parameters did on one instrument, in polars frames.

    fills:  row, known, ts, side, lots, price, notional, fee, cash, tag; notional, fee and cash (after it) in units; tag "" for
            what the step wanted, "stop" or "take" for protections
    orders: sent, ended (rows; ended null while it rests), kind, side, lots, level (null at market; where it stood last), tag,
            end ("filled", "cancelled", "expired", "resting"), filled, price (of its last fill); in the order in which they were sent
    trades: entered, left (rows; left null while open), side, lots (most held), pnl, fees (units, after fees; null while open), fills
    """

    fills: pl.DataFrame
    orders: pl.DataFrame
    trades: pl.DataFrame


def records(
    strategy: str | type, data: Data, *, params: Mapping[str, object] | None = None, terms: Terms | None = None, symbol: str = ""
) -> Records:
    """Every fill, order and trade of one choice of parameters on one instrument, compiled.

    Raises Misuse as `sweep` does, and ("SWEEP_REFUSED") where the choice has no figures.
    """
    land, log, notes = _recorded(strategy, data, params, terms, symbol, True)
    return Records(_fills(land, log), _orders(notes), _trades(log))


def fills(
    strategy: str | type, data: Data, *, params: Mapping[str, object] | None = None, terms: Terms | None = None, symbol: str = ""
) -> pl.DataFrame:
    """The fills alone, `Records.fills`, in the quickest way."""
    land, log, _ = _recorded(strategy, data, params, terms, symbol, False)
    return _fills(land, log)


def _recorded(
    strategy: str | type, data: Data, params: Mapping[str, object] | None, terms: Terms | None, symbol: str, orders: bool
) -> tuple[Ground | Shore, NDArray[Any], NDArray[Any]]:
    terms = terms or Terms()
    made = plan(strategy, {}, params or {})
    if orders and made.declaration.ticks:
        raise Misuse("SWEEP_RECORDS", "a sweep of ticks writes down fills, not orders", where=made.declaration.name, fix="use `fills`")
    land = _lands(data, (symbol,) if symbol else (), made, terms)[0]
    room = max(1024, len(land) // 16)
    while True:
        out, log, notes = single(made, land, fee_schedule(terms.fees), room, room * 4 if orders else 0)
        account = out.accounts[0]
        if account[REFUSED] != FINE:
            raise Misuse("SWEEP_REFUSED", f"{made.declaration.name} on {land.symbol}: {CODES[int(account[REFUSED])]}", where=land.symbol)
        if account[FILLS] <= room and (not orders or account[SENT] <= room * 4):
            return land, log[: int(account[FILLS])], notes[: int(account[SENT])] if orders else notes
        room = max(int(account[FILLS]), int(account[SENT]) // 4 + 1)


def _lands(data: Data, symbols: Sequence[str], made: Plan, terms: Terms) -> Sequence[Ground | Shore]:
    """The past of each instrument, as bars or as ticks, whichever the step sees."""
    if made.declaration.ticks:
        ticks_fit(terms)
        return shores(data, symbols, made.declaration, terms)
    terms_fit(terms)
    return grounds(data, symbols, made.declaration, terms)


def _fills(land: Ground | Shore, log: NDArray[Any]) -> pl.DataFrame:
    import polars as pl

    rows = log["row"]
    if isinstance(land, Shore):
        when = land.rows.known[rows]
        times = {"row": rows, "known": when + land.sea.report, "ts": when}
    else:
        times = {"row": rows, "known": land.tape["known"][rows], "ts": land.tape["ts"][rows]}
    return pl.DataFrame(
        times
        | {name: np.ascontiguousarray(log[name]) for name in ("side", "lots", "price", "notional", "fee", "cash")}
        | {"tag": _words(log["tag"], TAGS)}
    )


def _orders(notes: NDArray[Any]) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame({
        "sent": np.ascontiguousarray(notes["sent"]),
        "ended": pl.Series(np.ascontiguousarray(notes["ended"])).set(pl.Series(notes["ended"] < 0), None),
        "kind": _words(notes["kind"], KINDS), "side": np.ascontiguousarray(notes["side"]), "lots": np.ascontiguousarray(notes["lots"]),
        "level": pl.Series(np.ascontiguousarray(notes["level"]), nan_to_null=True), "tag": _words(notes["tag"], TAGS),
        "end": _words(notes["end"], ENDS), "filled": np.ascontiguousarray(notes["filled"]),
        "price": pl.Series(np.ascontiguousarray(notes["price"]), nan_to_null=True),
    })  # fmt: skip


def _words(places: NDArray[np.int64], words: Sequence[str]) -> pl.Series:
    """Numbers as the words they stand for."""
    import polars as pl

    return pl.Series(words, dtype=pl.String).gather(pl.Series(np.ascontiguousarray(places)))


def _trades(log: NDArray[Any]) -> pl.DataFrame:
    """Round trips from flat to flat, from the fills."""
    import polars as pl

    signed = log["side"] * log["lots"]
    held = np.cumsum(signed)
    last = np.flatnonzero(held == 0)
    first = np.concatenate((np.zeros(1, np.int64), last + 1))
    is_open = len(held) > 0 and held[-1] != 0
    first = first[: len(last) + int(is_open)]
    ends = np.append(last, len(held) - 1)[: len(first)].astype(np.int64)
    shut = held[ends] == 0 if len(ends) else np.zeros(0, np.bool_)

    def total(name: str) -> NDArray[np.int64]:
        return np.add.reduceat(log[name], first) if len(first) else np.zeros(0, np.int64)

    most = np.maximum.reduceat(np.abs(held), first) if len(first) else np.zeros(0, np.int64)
    gain = -total("notional") - total("fee")
    return pl.DataFrame({
        "entered": log["row"][first], "left": pl.Series(log["row"][ends]).set(pl.Series(~shut), None), "side": log["side"][first],
        "lots": most, "pnl": pl.Series(gain).set(pl.Series(~shut), None), "fees": total("fee"), "fills": ends - first + 1,
    })  # fmt: skip


def _seen(data: Data, lands: Sequence[Ground | Shore]) -> dict[str, Look]:
    """What the sweep sees of each of its instruments."""
    symbols = {land.symbol for land in lands}
    return looks([row for row in data[0] if row.symbol in symbols], data[1])


def _line(
    made: Plan, lands: Sequence[Ground | Shore], seen: Mapping[str, Look], rows: pl.DataFrame, fixed: Mapping[str, object], terms: Terms,
    at_ns: int,
) -> dict[str, Any]:  # fmt: skip
    """This run in the ledger of trials: what was tried on what, how often, and how the figures were spread."""
    cls = made.declaration.cls
    tried = {name: list(dict.fromkeys(one.given[at] for one in made.combinations)) for at, name in enumerate(made.names)}
    spread_of = {
        name: {"mean": rows[name].mean(), "variance": rows[name].var(), "best": rows[name].max(), "count": rows.height - rows[name].null_count()}
        for name in ("sharpe", "total_return")
    }
    whole = prod(map(len, tried.values())) == len(made.combinations)  # else not a grid, but chosen points
    choices = {} if whole else {"choices": [dict(zip(made.names, one.given, strict=True)) for one in made.combinations]}
    return {
        "at": iso(at_ns) if at_ns else "", "kind": "sweep", "strategy": f"{cls.__module__}.{cls.__qualname__}", "code": code_key(cls),
        "data": {land.symbol: land.hash for land in lands}, "looks": seen, "terms": terms_key(terms), "ppy": lands[0].ppy,
        "grid": tried, "params": dict(fixed), **choices, "held": {k: v for k, v in plain(made.declaration.params).items() if k not in tried},
        "parameters": len(made.names), "trials": rows.height, "refused": int((rows["refused"] != "").sum()), **spread_of,
    }  # fmt: skip


@contextmanager
def _shown(progress: bool | Progress, total: int) -> Iterator[Progress]:
    """The function that shows how far a sweep is."""
    if callable(progress):
        yield progress
        return
    if not progress:
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("sweep", total=total)
        with watched(lambda kernel: bar.update(task, description=f"sweep: compiling {kernel}, once on this machine")):
            yield lambda done, _: bar.update(task, completed=done, description="sweep")
