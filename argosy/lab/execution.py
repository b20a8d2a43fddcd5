"""What it cost to get there: every target of a run with its arrival price, what was paid on average, and what others paid meanwhile.

It reads the journal and the tapes of a finished run; it asks no strategy and no algorithm again. A row is one target (a
parent), whatever number of orders it took; protections and ladders are no part of it.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.events import Bar, Event, Fill, Quote, Split, Trade
from argosy.core.intents import Ladder, Target
from argosy.core.tape import Tape
from argosy.core.time import DAY
from argosy.engine.records import Cross, Given, Reserve, Rows, Wanted

if TYPE_CHECKING:
    import polars as pl

    from argosy.lab.backtest import Outcome

PLAIN = "at once"


class Parent(msgspec.Struct):
    """One target of one strategy and what became of it. Prices and units are those of the decision, splits since undone.

    known:     when it was decided (ns UTC); algorithm: twap, vwap, pov, iceberg, shortfall, or "at once"
    side:      +1 bought, -1 sold; asked, filled: units; children: orders sent for it
    arrival:   the last price known at the decision; average: of what filled; last: when the last of it happened
    slippage_bps: average against arrival, + is a cost; vwap_bps: likewise against `vwap`
    vwap:      what the market paid from the decision to the last fill, by volume: of trades, or of each bar's
               (high + low + close) / 3; null where the rows show no volume
    """

    known: int
    strategy: str
    symbol: str
    algorithm: str
    side: int
    asked: float
    filled: float = 0.0
    children: int = 0
    arrival: float | None = None
    average: float | None = None
    slippage_bps: float | None = None
    vwap: float | None = None
    vwap_bps: float | None = None
    last: int | None = None
    why: str = ""


class _Prices:
    """The prices of a run's instruments, by time; a raw price of a later day in terms of an earlier one."""

    def __init__(self, outcome: Outcome) -> None:
        self._tapes = outcome.source.tapes
        self._own: dict[int, list[Tape]] = {}
        self._splits = [event for event in outcome.run.replay.script if isinstance(event, Split)]

    def tapes(self, i: int) -> list[Tape]:
        """The rows of one instrument, a tape a kind and source."""
        if i not in self._own:
            self._own[i] = [tape.only(i) for tape in self._tapes if i in tape.instruments]
        return self._own[i]

    def ratio(self, i: int, start: int, end: int) -> float:
        """Units at `end` for one at `start`."""
        found = 1.0
        for split in self._splits:
            if split.instrument == i and start < split.known <= end:
                found *= split.ratio
        return found

    def at(self, i: int, known: int) -> float | None:
        """The last price known then."""
        best: tuple[int, float] | None = None
        for tape in self.tapes(i):
            price = _price(tape)
            row = int(np.searchsorted(tape["known"], known, side="right")) - 1
            while row >= 0 and price[row] != price[row]:
                row -= 1
            if row >= 0 and (best is None or tape["known"][row] > best[0]):
                best = int(tape["known"][row]), float(price[row])
        return None if best is None else best[1]

    def vwap(self, i: int, start: int, last: int) -> float | None:
        """Price by volume of the rows that began from `start` to `last`, in terms of `start`."""
        having = [tape for tape in self.tapes(i) if tape.kind is Trade] or sorted(
            (tape for tape in self.tapes(i) if tape.kind is Bar), key=lambda tape: int(tape["span"].max())
        )
        if not having:
            return None
        tape = having[0]
        low, high = np.searchsorted(tape["ts"], [start, last + 1])
        rows = tape.take(slice(int(low), int(high)))
        volume = rows["size"] if tape.kind is Trade else rows["volume"]
        price = rows["price"] if tape.kind is Trade else (rows["high"] + rows["low"] + rows["close"]) / 3.0
        ratio = np.array([self.ratio(i, start, ts) for ts in rows["ts"].tolist()]) if self._splits else np.ones(len(price))
        good = (volume > 0.0) & (price == price)
        whole = float(np.sum((volume / ratio)[good]))
        return float(np.sum((price * volume)[good])) / whole if whole > 0.0 else None


def _price(tape: Tape) -> NDArray[np.float64]:
    """What a row is marked at: a bar's close, a quote's middle, a print."""
    if tape.kind is Quote:
        middle: NDArray[np.float64] = (tape["bid"] + tape["ask"]) * 0.5
        return middle
    return tape["close"] if tape.kind is Bar else tape["price"] if tape.kind is Trade else np.full(len(tape), np.nan)


def parents(outcome: Outcome) -> list[Parent]:
    """Every target of a finished run that came to lots, in the order of decision."""
    engine, source = outcome.run.engine, outcome.source.known
    instruments, prices = engine.instruments, _Prices(outcome)
    out: list[Parent] = []
    spent: dict[int, tuple[int, float]] = {}
    standing: dict[tuple[str, int], Parent] = {}
    owner: dict[tuple[int, str], Parent] = {}
    held: dict[tuple[str, int], int] = {}
    shares: dict[tuple[int, str], list[tuple[str, int]]] = {}
    for fill, strategy, lots, _, _ in outcome.account.fills:
        shares.setdefault((fill.order, fill.execution), []).append((strategy, lots))
    now = 0

    def took(parent: Parent | None, strategy: str, i: int, signed: int, price: float, at: int) -> None:
        held[strategy, i] = held.get((strategy, i), 0) + signed
        if parent is None:
            return
        ratio = prices.ratio(i, parent.known, at)
        units = float(instruments[i].units(abs(signed))) / ratio
        parent.filled += units
        parent.last = at
        number = id(parent)
        spent[number] = i, spent.get(number, (i, 0.0))[1] + units * price * ratio

    for _, record in engine.journal.records():
        if isinstance(record, Event):
            now = max(now, record.known)
        elif isinstance(record, Rows) and 0 < record.upto <= len(source):
            now = max(now, int(source[record.upto - 1]))
        if isinstance(record, Wanted):
            intent, key = record.intent, (record.strategy, record.intent.instrument)
            lots = record.lots - held.get(key, 0)
            if isinstance(intent, Ladder):
                continue
            standing.pop(key, None)
            if isinstance(intent, Target) and lots and record.by != "protection":
                row = instruments[intent.instrument]
                algorithm = PLAIN if intent.execution is None else str(intent.execution.__struct_config__.tag)
                begun = standing[key] = Parent(
                    record.at, record.strategy, row.symbol, algorithm, 1 if lots > 0 else -1, float(row.units(abs(lots))),
                    arrival=prices.at(row.id, record.at), why=intent.why,
                )  # fmt: skip
                out.append(begun)
        elif isinstance(record, Given):
            standing.pop((record.strategy, record.instrument), None)
        elif isinstance(record, Reserve):
            order = record.submit.approved.order
            for share in order.shares if not order.tag else ():
                wanted = standing.get((share.strategy, order.instrument))
                if wanted is not None and wanted.side == order.side:
                    wanted.children += 1
                    owner[order.id, share.strategy] = wanted
        elif isinstance(record, Fill):
            for strategy, lots in shares.pop((record.order, record.execution), ()):
                parent = owner.get((record.order, strategy))
                took(parent, strategy, record.instrument, record.side * lots, record.price, record.ts)
        elif isinstance(record, Cross):
            for strategy, signed in ((record.buyer, record.lots), (record.seller, -record.lots)):
                took(standing.get((strategy, record.instrument)), strategy, record.instrument, signed, record.price, now)
        elif isinstance(record, Split):
            exact = Fraction(record.ratio).limit_denominator(10_000)
            for key in held:
                if key[1] == record.instrument:
                    held[key] = int(held[key] * exact)
    for one in out:
        _close(one, spent.get(id(one)), prices)
    return out


def _close(parent: Parent, spent: tuple[int, float] | None, prices: _Prices) -> None:
    """The averages of a parent that traded."""
    if spent is None or not parent.filled or parent.last is None:
        return
    i, cost = spent
    parent.average = cost / parent.filled
    parent.vwap = prices.vwap(i, parent.known, parent.last)
    parent.slippage_bps = bps(parent.side, parent.average, parent.arrival)
    parent.vwap_bps = bps(parent.side, parent.average, parent.vwap)


def bps(side: int, paid: float, against: float | None) -> float | None:
    """What was paid beyond a price, in bps of it; + is a cost for a buy and for a sell."""
    return side * (paid - against) / against * 1e4 if against else None


def frame(rows: list[Parent]) -> pl.DataFrame:
    """The same as a table, one row a parent."""
    import polars as pl

    kinds: dict[str, Any] = {
        "known": pl.Int64, "strategy": pl.String, "symbol": pl.String, "algorithm": pl.String, "side": pl.Int8, "asked": pl.Float64,
        "filled": pl.Float64, "children": pl.Int64, "arrival": pl.Float64, "average": pl.Float64, "slippage_bps": pl.Float64,
        "vwap": pl.Float64, "vwap_bps": pl.Float64, "last": pl.Int64, "why": pl.String,
    }  # fmt: skip
    plain = [msgspec.structs.asdict(row) for row in rows]
    return pl.DataFrame({name: [row[name] for row in plain] for name in kinds}, schema=kinds)


def volume_curve(tape: Tape, span_ns: int, slices: int, start_ns: int = 0) -> tuple[float, ...]:
    """The curve of `Vwap` from past volume: the mean fraction of a day's window that traded in each of its slices.

    tape: bars or trades of one instrument, of days before the one to be traded
    span_ns, start_ns: length of the window and where it begins in the UTC day; days without volume in it do not count
    Raises Misuse("CURVE") when there is none at all.
    """
    volume = tape["volume"] if tape.kind is Bar else tape["size"] if tape.kind is Trade else np.zeros(len(tape))
    at = tape["ts"] % DAY - start_ns
    edges = [span_ns * k // slices for k in range(slices + 1)]
    total = np.zeros(slices)
    days = 0
    day = tape["ts"] // DAY
    for each in np.unique(day).tolist():
        mine = (day == each) & (volume > 0.0)
        traded = np.array([float(np.sum(volume[mine & (at >= low) & (at < high)])) for low, high in pairwise(edges)])
        if traded.sum() > 0.0:
            total += traded / traded.sum()
            days += 1
    if not days:
        raise Misuse("CURVE", f"{tape!r} shows no volume in that part of the day", fix="give a tape of bars with volume, or of trades")
    return tuple((total / days).tolist())
