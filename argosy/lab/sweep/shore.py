"""The ticks of one instrument as the compiled lane reads them; what it could not tell exactly is refused with a code here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.events import BookDelta, Event, Fact, Forecast, Quote, Session, Trade
from argosy.core.instrument import Instrument
from argosy.core.merged import Merged
from argosy.core.money import to_units
from argosy.core.strategy import BOOK, QUOTE, TRADE, Declaration
from argosy.core.tape import Tape
from argosy.core.time import MS
from argosy.house import Data, Terms
from argosy.kernels.queue import MODELS
from argosy.kernels.sweep.account import Market
from argosy.kernels.sweep.marks import BLOCK, blocks
from argosy.kernels.ticks.depth import gridded, tops
from argosy.kernels.ticks.loop import STRETCH, bounded
from argosy.kernels.ticks.places import Rows, Sea
from argosy.lab.sweep.ground import market_of
from argosy.lab.verdict import daily, steps_a_year

_KINDS = {"book": BOOK, "quote": QUOTE, "trade": TRADE}
_NUMBERS: dict[type, int] = {BookDelta: BOOK, Quote: QUOTE, Trade: TRADE}
_HARMLESS = (Fact, Forecast)  # a step never sees them
_WIDEST = 1 << 22
"""Most price levels of a book that are laid out on the instrument's ticks; wider ones are counted first."""
Column = NDArray[Any]


class Laid(NamedTuple):
    """The rows of some tapes of one instrument, looked through once. days: instants that end a UTC day; cuts: of the stretches."""

    tapes: tuple[Tape, ...]
    rows: Rows
    days: NDArray[np.int64]
    cuts: NDArray[np.int64]
    ppy: float


class Shore(NamedTuple):
    """One instrument's ticks. watched: bits of the kinds its step is called for; closes: when sessions ended."""

    symbol: str
    hash: str
    rows: Rows
    sea: Sea
    days: NDArray[np.int64]
    closes: NDArray[np.int64]
    cuts: NDArray[np.int64]
    market: Market
    cash: int
    ppy: float

    def __len__(self) -> int:
        return len(self.rows.marks)

    def warm(self, rows: int) -> int:
        """The first row on which a step is called that has to be shown `rows` first."""
        if rows <= 1:
            return 0
        seen = np.flatnonzero((self.sea.watched >> self.rows.kind) & 1)
        return int(seen[rows - 1]) if rows <= len(seen) else len(self.rows.kind)


def terms_fit(terms: Terms) -> None:
    """Misuse for terms that ticks cannot be swept with: SWEEP_LIMITS, SWEEP_VENUE, SWEEP_CURRENCY."""
    fix = "leave it out, or run `argosy backtest` for a single choice"
    if terms.limits or terms.profile != "lab":
        raise Misuse("SWEEP_LIMITS", "a sweep has no risk gate, so limits cannot be kept", where="terms.limits, terms.profile", fix=fix)
    if terms.breakers.watching:
        raise Misuse("SWEEP_LIMITS", "a sweep has no breakers", where="terms.breakers", fix=fix)
    if terms.limit_rule not in ("through", "touch"):
        raise Misuse("SWEEP_VENUE", f"{terms.limit_rule!r} is no limit rule", where="terms.limit_rule", fix='write "through" or "touch"')
    if not 0.0 <= terms.participation_frac <= 1.0:
        raise Misuse("SWEEP_VENUE", f"{terms.participation_frac} is no share of volume", where="terms.participation_frac", fix="from 0 to 1")
    if min(terms.latency_ms, terms.latency_jitter_ms, terms.report_latency_ms) < 0.0:
        raise Misuse("SWEEP_VENUE", "a latency cannot be negative", where="terms.latency_ms", fix="from 0")
    if terms.queue not in MODELS:
        raise Misuse("SWEEP_VENUE", f"{terms.queue!r} is no queue", where="terms.queue", fix=f"one of {', '.join(MODELS)}")
    if terms.fx:
        raise Misuse("SWEEP_CURRENCY", "a sweep counts in one currency", where="terms.fx", fix=fix)


def shores(data: Data, symbols: Sequence[str], declaration: Declaration, terms: Terms) -> list[Shore]:
    """The shore of each symbol (all, if none is named), in order of the run's instruments."""
    instruments, tapes, events = data
    wanted = [instruments[symbol].id for symbol in symbols] if symbols else [row.id for row in instruments]
    return [shore(instruments[i], tapes, events, declaration, terms) for i in sorted(set(wanted))]


def shore(row: Instrument, tapes: Sequence[Tape], events: Sequence[Event], declaration: Declaration, terms: Terms) -> Shore:
    """The ticks of one instrument; Misuse: SWEEP_TAPE, SWEEP_PRICES, SWEEP_EVENTS, SWEEP_CURRENCY, SWEEP_INSTRUMENT."""
    having = [tape for tape in tapes if len(tape) and row.id in tape.instruments]
    kinds = [tape.kind for tape in having]
    if not having or any(kind not in _NUMBERS for kind in kinds) or len(set(kinds)) != len(kinds):
        said = ", ".join(kind.__name__ for kind in kinds) or "nothing"
        fix = "give its trades, its quotes and its book once each"
        raise Misuse("SWEEP_TAPE", f"a sweep of ticks needs one tape of a kind: {row.symbol} has {said}", where=row.symbol, fix=fix)
    if set(kinds) == {BookDelta}:
        raise Misuse("SWEEP_TAPE", f"a book alone has no price to count {row.symbol} by", where=row.symbol, fix="add its trades or quotes")
    deep = terms.depth and BookDelta in kinds
    if terms.queue != "none" and not deep:
        fix = 'give a tape of its book and depth=True, or queue="none"'
        raise Misuse("SIM_QUEUE", "a queue is known from an order book only", where=row.symbol, fix=fix)
    if row.currency != terms.currency:
        raise Misuse("SWEEP_CURRENCY", f"{row.symbol} trades in {row.currency}, the account counts in {terms.currency}", where=row.symbol)
    if not row.tradable or row.restricted:
        raise Misuse("SWEEP_INSTRUMENT", f"{row.symbol} may not be traded", where=row.symbol)
    if row.away_ns:
        raise Misuse("SWEEP_INSTRUMENT", f"{row.symbol} keeps sides apart, which a sweep does not", where=row.symbol, fix="away_ns=0, or a run")
    found = laid(tuple(having), row, deep, terms.queue != "none")
    sea = Sea(
        int(terms.latency_ms * MS), int(terms.latency_jitter_ms * MS), int(terms.report_latency_ms * MS), int(terms.latency_seed),
        float(terms.participation_frac), MODELS.index(terms.queue), Quote not in kinds and not deep, deep,
        sum(1 << _KINDS[kind] for kind in declaration.ticks),
    )  # fmt: skip
    return Shore(
        row.symbol, " ".join(tape.hash for tape in having), found.rows, sea, found.days, _closes(row, events), found.cuts,
        market_of(row, declaration, terms), to_units(terms.cash, terms.currency), found.ppy,
    )  # fmt: skip


def _closes(row: Instrument, events: Sequence[Event]) -> NDArray[np.int64]:
    """When sessions of the instrument's calendar ended, in order."""
    ends = []
    for event in sorted(events, key=lambda one: one.known):
        if isinstance(event, _HARMLESS) or getattr(event, "instrument", row.id) != row.id:
            continue
        if not isinstance(event, Session):
            raise Misuse("SWEEP_EVENTS", f"a sweep of ticks knows nothing of {type(event).__name__}", where=row.symbol, fix="use `argosy backtest`")
        if event.calendar != row.calendar or event.open:
            continue
        if row.calendar == "24/7" or event.ts != event.known:
            raise Misuse("SWEEP_EVENTS", f"a session of {row.symbol} ends round the clock, or is known late", where=row.symbol)
        ends.append(event.known)
    return np.asarray(ends, np.int64)


_SEEN: WeakKeyDictionary[Tape, list[tuple[tuple[int, bool, bool], Laid]]] = WeakKeyDictionary()


def laid(tapes: tuple[Tape, ...], row: Instrument, deep: bool, queued: bool) -> Laid:
    """The rows of an instrument, made once for the same tapes; Misuse: SWEEP_PRICES, SWEEP_TAPE."""
    known = _SEEN.setdefault(tapes[0], [])
    asked = (row.id, deep, queued)
    for key, found in known:
        if key == asked and len(found.tapes) == len(tapes) - 1 and all(a is b for a, b in zip(found.tapes, tapes[1:], strict=True)):
            return found
    made = _laid(tuple(tape.only(row.id) for tape in tapes), row, deep, queued)._replace(tapes=tapes[1:])
    known.append((asked, made))
    return made


class _Parts:
    """The rows of several tapes put in order, column by column."""

    def __init__(self, tapes: Sequence[Tape]) -> None:
        self.source = Merged(tapes)
        self.tapes = self.source.tapes
        self._places = self.source.places if len(self.tapes) > 1 else None

    @cached_property
    def kind(self) -> Column:
        return self.put([np.full(len(tape), _NUMBERS[tape.kind], np.int8) for tape in self.tapes])

    def put(self, parts: Sequence[Column]) -> Column:
        """Columns of the tapes as one."""
        if self._places is None:
            return parts[0]
        return np.concatenate(parts)[self._places]

    def column(self, name: str, lacking: float = np.nan) -> Column:
        """A column by name; where a tape has none, a constant."""
        kind: np.dtype[Any] = np.dtype(np.int64 if name == "side" else np.float64)
        value = 0 if name == "side" else lacking
        if all(name not in tape.columns for tape in self.tapes):
            return _constant(len(self.source), value, kind)
        return self.put([tape[name] if name in tape.columns else np.full(len(tape), value, kind) for tape in self.tapes])


_CONSTANTS: dict[tuple[str, np.dtype[Any]], Column] = {}


def _constant(count: int, value: float, kind: np.dtype[Any]) -> Column:
    """A column of one value; one array serves all that have it."""
    key = (str(value), kind)
    found = _CONSTANTS.get(key)
    if found is None or len(found) < count:
        found = _CONSTANTS[key] = np.full(count, value, kind)
    return found[:count]


def _laid(tapes: tuple[Tape, ...], row: Instrument, deep: bool, queued: bool) -> Laid:
    parts = _Parts(tapes)
    n = len(parts.source)
    known = np.ascontiguousarray(parts.source.known)
    kind = parts.kind
    price, size, side = parts.column("price"), parts.column("size"), parts.column("side")
    bid, ask = parts.column("bid"), parts.column("ask")
    bid_size, ask_size = parts.column("bid_size"), parts.column("ask_size")
    _priced(row, price, bid, ask)
    quotes = any(tape.kind is Quote for tape in tapes)
    if quotes:
        mid = (bid + ask) * 0.5
        mid = np.where(np.isnan(mid), np.where(np.isnan(bid), ask, bid), mid)
        mark = np.where(kind == QUOTE, mid, np.where(kind == TRADE, price, np.nan))
    else:
        mark = price if len(tapes) == 1 else np.where(kind == TRADE, price, np.nan)
    low, high = _reach(kind, price, bid, ask, deep, quotes, len(tapes) == 1)
    edges = np.flatnonzero(known[1:] != known[:-1]) + 1
    starts = np.concatenate(([0], edges, [n])).astype(np.int64)
    number = np.arange(n, dtype=np.int64) if len(starts) == n + 1 else np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    marks = _last(mark, starts)
    standing_bid, standing_ask = bid, ask
    if quotes:
        last = np.maximum.accumulate(np.where(kind == QUOTE, np.arange(n), -1))[starts[1:] - 1][number]
        standing_bid, standing_ask = (np.where(last >= 0, one[last], np.nan) for one in (bid, ask))
    before = _constant(n, np.nan, np.dtype(np.float64))
    none = np.zeros(0)
    level_side, level_price, level_row, level_size, clears = none.astype(np.int64), none, none.astype(np.int64), none, none.astype(np.int64)
    if deep:
        at = np.flatnonzero(kind == BOOK)
        shown = told(next(tape for tape in tapes if tape.kind is BookDelta), row)
        bid, ask, bid_size, ask_size = bid.copy(), ask.copy(), bid_size.copy(), ask_size.copy()
        before = np.full(n, np.nan)
        for column, made in zip((bid, ask, bid_size, ask_size, before, low, high), shown, strict=True):
            column[at] = made
        if queued:
            order = np.lexsort((at, price[at], side[at]))
            level_side, level_price, level_row, level_size = side[at][order], price[at][order], at[order], size[at][order]
            clears = at[next(tape for tape in tapes if tape.kind is BookDelta)["clear"]]
    bounds = np.empty((2, -(-n // BLOCK)))
    bounded(low, high, bounds)
    mark_bounds = np.empty((4, -(-len(marks) // BLOCK)))
    blocks(marks, marks, marks, marks, mark_bounds)
    moments = known[starts[:-1]] if len(starts) != n + 1 else known
    rows = Rows(
        parts.put([tape["ts"] for tape in parts.tapes]), known, kind, price, size, side, bid, ask, bid_size, ask_size, standing_bid,
        standing_ask, before, low, high, bounds, number, starts, marks, mark_bounds, moments, level_side, level_price, level_row, level_size,
        clears,
    )  # fmt: skip
    rows = Rows(*(_own(column) for column in rows))
    cuts = starts[np.searchsorted(starts, np.arange(0, n + STRETCH, STRETCH).clip(max=n))]
    return Laid((), rows, daily(moments), np.unique(cuts), steps_a_year(moments))


def _own(column: Column) -> Column:
    """The column as an array that may be written to, as machine code is made for; nobody writes to it."""
    if column.flags.writeable and column.flags.c_contiguous:
        return column
    found = np.ascontiguousarray(column)
    return found if found.flags.writeable else found.copy()


def _priced(row: Instrument, *columns: Column) -> None:
    """Misuse("SWEEP_PRICES") for a price that is none."""
    for column in columns:
        wrong = ~np.isnan(column) & ~((column > 0.0) & (column < 1e9))
        if wrong.any():
            at = int(np.flatnonzero(wrong)[0])
            raise Misuse("SWEEP_PRICES", f"row {at} of {row.symbol} has the price {column[at]}", where=row.symbol, fix="a price is positive")


def _reach(kind: Column, price: Column, bid: Column, ask: Column, deep: bool, quotes: bool, one: bool) -> tuple[Column, Column]:
    """Lowest and highest price at which a row may touch an order; inf and -inf where it touches none."""
    trades = ~np.isnan(price) if one and not quotes else (kind == TRADE) & ~np.isnan(price)
    low, high = np.where(trades, price, np.inf), np.where(trades, price, -np.inf)
    if quotes and not deep:
        empty = np.isnan(bid) & np.isnan(ask)  # orders may end at it all the same
        asked = kind == QUOTE
        low = np.where(asked, np.where(empty, -np.inf, np.where(np.isnan(ask), np.inf, ask)), low)
        high = np.where(asked, np.where(empty, np.inf, np.where(np.isnan(bid), -np.inf, bid)), high)
    return low, high


def _last(mark: Column, starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The last price at the end of each instant, 0 before the first."""
    if len(starts) == len(mark) + 1 and not np.isnan(mark).any():
        found: NDArray[np.float64] = np.ascontiguousarray(mark)
        return found
    last = np.maximum.accumulate(np.where(np.isnan(mark), -1, np.arange(len(mark))))[starts[1:] - 1]
    return np.where(last >= 0, mark[last], 0.0)


def told(book: Tape, row: Instrument) -> list[NDArray[np.float64]]:
    """(bid, ask, bid_size, ask_size, before, low, high) of each row of a book."""
    n = len(book)
    price, side = book["price"], book["side"]
    if np.isnan(price).any() or np.any((side != 1) & (side != -1)):
        raise Misuse("SWEEP_TAPE", f"the book of {row.symbol} has a level without a price or a side", where=row.symbol)
    level = np.empty(n, np.int64)
    num, whole = row.tick.as_integer_ratio()
    den = 10 ** max(0, -int(row.tick.as_tuple().exponent))
    num = num * (den // whole)
    least, most = round(float(price.min()) * den / num), round(float(price.max()) * den / num)
    if most - least < _WIDEST and gridded(price, float(num), float(den), least, level):
        count = most - least + 1
    else:
        own, level = np.unique(price, return_inverse=True)
        count = len(own)
    out = [np.empty(n) for _ in range(7)]
    tops(
        book["known"], side, level.astype(np.int64), book["size"], book["clear"], price, np.empty(count), np.empty(count), np.empty(count), *out
    )
    return out
