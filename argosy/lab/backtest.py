"""A backtest: replay the past through the engine and read the result out of the journal; it adds no arithmetic of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argosy.core.events import Bar, BookDelta, CashFlow, Fill, Quote, Trade
from argosy.core.merged import Merged
from argosy.core.money import per_one
from argosy.core.orders import Order
from argosy.core.tape import Tape
from argosy.core.time import iso
from argosy.engine.engine import Failure
from argosy.engine.records import Stretch
from argosy.engine.state import State
from argosy.engine.stretch import executed, fills
from argosy.house import Data, Run, Terms, Wanted, assemble
from argosy.kernels.overfit import moments
from argosy.lab import trials as ledger
from argosy.lab.looks import looks, run_line
from argosy.lab.result import Flow
from argosy.lab.verdict import daily, earned, flowed, steps_a_year
from argosy.lab.yardstick import holding
from argosy.replay import SCAN_FROM

_LAST = (BookDelta, Quote, Trade, Bar)

Share = tuple[Fill, str, int, int, Order | None]
"""A fill, a strategy, its lots and its fee of it in units, and the order."""


class Changes(NamedTuple):
    """Changes of an account, (C,) int64 each. rows: market rows applied before; instrument: -1 where only cash moved; lots: the
    new position of it; cash: new base cash, units."""

    rows: NDArray[np.int64]
    instrument: NDArray[np.int64]
    lots: NDArray[np.int64]
    cash: NDArray[np.int64]


class Account:
    """What the account held after each change: the raw material of an equity curve."""

    def __init__(self) -> None:
        self._loose: list[tuple[int, int, int, int]] = []
        self._blocks: list[Changes] = []
        self._seen: list[Share | Stretch] = []

    @property
    def fills(self) -> list[Share]:
        """Every strategy's share of every execution, in order."""
        out: list[Share] = []
        for seen in self._seen:
            if isinstance(seen, Stretch):
                out.extend((fill, seen.strategy, fill.lots, fill.fee, order) for order, fill in fills(seen))
            else:
                out.append(seen)
        return out

    def changes(self) -> Changes:
        """All changes, in order."""
        self._gather()
        empty = Changes(*np.empty((4, 0), np.int64))
        rows, instrument, lots, cash = map(np.concatenate, zip(empty, *self._blocks, strict=True))
        return Changes(rows, instrument, lots, cash)

    def _gather(self) -> None:
        if self._loose:
            rows, instrument, lots, cash = np.array(self._loose, np.int64).T
            self._blocks.append(Changes(rows, instrument, lots, cash))
            self._loose.clear()

    def watch(self, state: State) -> None:
        """Note each record that moves lots or cash."""
        portfolio, loose = state.portfolio, self._loose

        def note(instrument: int) -> None:
            loose.append((state.rows, instrument, portfolio.lots[instrument] if instrument >= 0 else 0, portfolio.cash[0]))

        def filled(fill: Fill, strategy: str, signed: int, fee: int, order: Order | None) -> None:
            self._seen.append((fill, strategy, abs(signed), fee, order))

        def stretched(stretch: Stretch) -> None:
            self._seen.append(stretch)
            self._gather()
            deals = executed(stretch)
            traded, held = deals["instrument"], deals["side"] * deals["lots"]
            for i in np.unique(traded).tolist():
                own = traded == i
                run = np.cumsum(held[own])
                held[own] = portfolio.lots[i] - run[-1] + run
            rows, instrument, cash = (np.ascontiguousarray(deals[name], np.int64) for name in ("rows", "instrument", "cash"))
            self._blocks.append(Changes(rows, instrument, held, cash))

        state.observe(note, filled, stretched)


class Outcome:
    """A finished run with what it left: the wired run, the account's changes, the time it took.

    seconds: of the replay alone, without wiring and reading
    """

    def __init__(self, run: Run, account: Account, seconds: float, source: Merged) -> None:
        self.run = run
        self.account = account
        self.seconds = seconds
        self.source = source

    @property
    def failures(self) -> list[Failure]:
        return self.run.engine.failures

    @property
    def refusals(self) -> dict[str, int]:
        return dict(self.run.engine.state.counters.refusals)

    def instants(self) -> NDArray[np.int64]:
        """When each market instant was known, (T,) int64 ns."""
        bounds = self.source.instants()
        return self.source.known[bounds[:-1]]

    def equity(self) -> NDArray[np.int64]:
        """Account equity after each market instant, (T,) int64 units of the base currency (single-currency runs).

        The sum of cash and of each position at its last price, with the ledger's own rounding.
        """
        bounds = self.source.instants()
        count = len(bounds) - 1
        if count == 0:
            return np.empty(0, np.int64)
        changes = self.account.changes()
        at = np.clip(np.searchsorted(bounds, changes.rows, side="right") - 1, 0, count - 1)
        total = _steps(at, changes.cash, count)
        for row in self.run.engine.instruments:
            own = changes.instrument == row.id
            if not own.any():
                continue
            position = _steps(at[own], changes.lots[own], count)
            marks = self._marks(row.id, bounds)
            value = np.rint(position * np.where(np.isnan(marks), 0.0, marks) * row.scale)
            total += value.astype(np.int64)
        return total

    def _marks(self, instrument: int, bounds: NDArray[np.int64]) -> NDArray[np.float64]:
        """The last price of an instrument after each instant, (T,) float64, nan before the first."""
        known: list[NDArray[np.int64]] = []
        prices: list[NDArray[np.float64]] = []
        for tape in sorted(self.source.tapes, key=lambda each: _LAST.index(each.kind)):  # in an instant, the later of them marks
            own = tape["instrument"] == instrument
            price = _prices(tape)[own]
            good = ~np.isnan(price)
            known.append(tape["known"][own][good])
            prices.append(price[good])
        when = np.concatenate(known)
        price = np.concatenate(prices)
        order = np.argsort(when, kind="stable")
        when, price = when[order], price[order]
        instants = self.source.known[bounds[:-1]]
        place = np.searchsorted(when, instants, side="right") - 1
        return np.where(place >= 0, price[np.maximum(place, 0)], np.nan)

    def benchmark(self, first: int = 0) -> NDArray[np.float64]:
        """Buy and hold of all instruments in equal parts from each one's first price, dividends kept as cash, without costs.

        (T - first,) float64 in the base currency. An instrument that starts later waits as cash until then. first: row to begin at
        """
        bounds = self.source.instants()
        instants = self.source.known[bounds[:-1]][first:]
        instruments = [row for row in self.run.engine.instruments if row.option is None]  # nobody holds every option of a chain
        start = self.run.cash[0].amount / per_one(self.run.engine.state.portfolio.base)
        total = np.zeros(len(instants))
        for row in instruments:
            own = [event for event in self.run.replay.script if getattr(event, "instrument", -1) == row.id]
            total += holding(instants, self._marks(row.id, bounds)[first:], own, start / len(instruments))
        return total

    def flows(self) -> list[Flow]:
        """Deposits and withdrawals after the start, in the base currency."""
        base = self.run.engine.state.portfolio.base
        return [Flow(one.known, one.amount) for one in self.run.replay.script if isinstance(one, CashFlow) and one.currency in ("", base)]

    def fills(self) -> list[dict[str, Any]]:
        """Every execution, split by strategy, in order: plain rows for a frame. Money in whole units of the currency."""
        rows: list[dict[str, Any]] = []
        instruments = self.run.engine.instruments
        for fill, strategy, lots, fee, order in self.account.fills:
            row = instruments[fill.instrument]
            one = per_one(row.currency)
            rows.append(
                {
                    "known": fill.known, "ts": fill.ts, "symbol": row.symbol, "strategy": strategy, "order": fill.order,
                    "execution": fill.execution, "side": fill.side, "lots": lots, "units": float(row.units(lots)),
                    "price": fill.price, "notional": fill.notional / one * (lots / fill.lots), "fee": fee / one,
                    "maker": fill.maker, "tag": order.tag if order is not None else "",
                    "why": order.why if order is not None else "",
                }  # fmt: skip
            )
        return rows


def _prices(tape: Tape) -> NDArray[np.float64]:
    """What each row marks its instrument with, (T,), nan where it does not: as `engine.state` marks."""
    if tape.kind is Bar or tape.kind is Trade:
        price: NDArray[np.float64] = tape["close" if tape.kind is Bar else "price"]
        return price
    if tape.kind is BookDelta:
        return np.full(len(tape), np.nan)
    bid, ask = tape["bid"], tape["ask"]
    mid = (bid + ask) * 0.5
    return np.where(np.isnan(mid), np.where(np.isnan(bid), ask, bid), mid)


def _steps(at: NDArray[np.int64], values: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """A step function over `count` instants: the last of `values` at or before each, 0 before the first."""
    out = np.zeros(count, np.int64)
    last = np.full(count, -1, np.int64)
    np.maximum.at(last, at, np.arange(len(at)))
    last = np.maximum.accumulate(last)
    seen = last >= 0
    out[seen] = values[last[seen]]
    return out


def run(
    wanted: Sequence[Wanted],
    data: Data,
    terms: Terms | None = None,
    *,
    progress: Callable[[int], None] | None = None,
    bulk: bool = True,
    scan_from: int = SCAN_FROM,
    trials: Path | str | None = ledger.TRIALS,
) -> Outcome:
    """Run strategies over the past and return what came of it.

    data: instruments, market tapes, and other events (sessions, splits, dividends, facts, commands)
    trials: folder of the ledger to which this run is added, so that later statistics know how often one looked; None keeps no count
    Raises Misuse or Misconfigured before anything ran; a strategy that raises is a failure in the outcome, not an error.
    """
    wired = assemble(wanted, data, terms, progress=progress, bulk=bulk, scan_from=scan_from)
    account = Account()
    account.watch(wired.engine.state)
    begun = time.perf_counter()
    wired.go()
    outcome = Outcome(wired, account, time.perf_counter() - begun, wired.replay.source)
    if trials is not None:
        _count(outcome, data, terms or Terms(), trials)
    return outcome


def _count(outcome: Outcome, data: Data, terms: Terms, folder: Path | str) -> None:
    """Write a run down in the ledger of trials, with its Sharpe ratio."""
    declared = {slot.id: slot.declaration for slot in outcome.run.engine.slots}
    known = outcome.instants()
    ppy = steps_a_year(known)
    sharpe = moments(returns(outcome)).sharpe * ppy**0.5
    instruments, tapes, _ = data
    ledger.append(folder, {"at": iso(time.time_ns())} | run_line(declared, looks(list(instruments), tapes), terms, sharpe, ppy))


def returns(outcome: Outcome) -> NDArray[np.float64]:
    """Simple returns of the account from the end of one UTC day to the next, the first from the start; (D,) float64.

    Deposits are taken out. They end where equity is no longer positive. `lab.verdict` takes its ratios of the same days.
    """
    known, equity = outcome.instants(), outcome.equity().astype(np.float64)
    if not len(equity):
        return np.zeros(0)
    flows = flowed(known, outcome.flows())
    known, equity = earned(known, equity, flows)
    if not len(equity):
        return np.zeros(0)
    curve = equity[daily(known)]
    if curve[0] != equity[0]:
        curve = np.concatenate((equity[:1], curve))
    dead = np.flatnonzero(curve <= 0.0)
    curve = curve[: int(dead[0]) + 1] if len(dead) else curve
    return np.asarray(np.diff(curve) / curve[:-1])
