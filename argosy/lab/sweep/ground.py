"""The past of one instrument as a compiled loop reads it; what the loop could not tell exactly is refused with a code here."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.events import Bar, Dividend, Event, Fact, Forecast, Session, Split
from argosy.core.instrument import Instrument, tick_fraction
from argosy.core.money import per_one, to_units, unit
from argosy.core.strategy import Declaration
from argosy.core.tape import Tape
from argosy.core.time import span
from argosy.data.actions import forward_factor
from argosy.engine.engine import Breakers
from argosy.engine.slot import FIELDS, table
from argosy.house import Data, Terms
from argosy.kernels.sweep.account import LOTS_UNIT, NOTIONAL, WEIGHT, Market
from argosy.kernels.sweep.loop import AFTER, BEFORE, BETWEEN, CLOSE, DIVIDEND, SPLIT
from argosy.lab.sweep.series import Series, series

_SIZING = {"lots": LOTS_UNIT, "weight": WEIGHT, "notional": NOTIONAL}
_HARMLESS = (Fact, Forecast)  # a step never sees them
_ACTUAL = Breakers()


class Ground(NamedTuple):
    """One instrument's past. bars, bounds, days, events, amounts: see `kernels.sweep.loop`; ppy: days a year; factor: of
    splits, None without one."""

    symbol: str
    tape: Tape
    bars: tuple[NDArray[Any], ...]
    bounds: NDArray[np.float64]
    days: NDArray[np.int64]
    events: NDArray[np.int64]
    amounts: NDArray[np.float64]
    market: Market
    cash: int
    ppy: float
    factor: NDArray[np.float64] | None

    def __len__(self) -> int:
        return len(self.tape)

    @property
    def hash(self) -> str:
        """A name of its prices."""
        return self.tape.hash

    def column(self, need: Any) -> NDArray[np.float64]:
        """An indicator in all rows, (T,): what the engine's own table of needs says."""
        if self.factor is None:
            values: NDArray[np.float64] = need.batch(self.tape.columns)
            return values
        return table({"need": need}, self.tape.columns, self.factor)[0]


def terms_fit(terms: Terms) -> None:
    """Misuse for terms that a sweep cannot keep: SWEEP_LIMITS, SWEEP_VENUE, SWEEP_CURRENCY."""
    fix = "leave it out, or run `argosy backtest` for a single choice"
    if terms.limits or terms.profile != "lab":
        raise Misuse("SWEEP_LIMITS", "a sweep has no risk gate, so limits cannot be kept", where="terms.limits, terms.profile", fix=fix)
    if terms.breakers != _ACTUAL:
        raise Misuse("SWEEP_LIMITS", "a sweep has no breakers", where="terms.breakers", fix=fix)
    if terms.participation_frac or terms.latency_ms:
        raise Misuse("SWEEP_VENUE", "a sweep knows no latency and no share of the volume", where="terms", fix=fix)
    if terms.limit_rule not in ("through", "touch"):
        raise Misuse("SWEEP_VENUE", f"{terms.limit_rule!r} is no limit rule", where="terms.limit_rule", fix='write "through" or "touch"')
    if not 0.0 <= terms.slippage_bps < 10_000.0:
        raise Misuse("SWEEP_VENUE", f"{terms.slippage_bps} bps is no slippage", where="terms.slippage_bps", fix="from 0 to 10000")
    if terms.fx:
        raise Misuse("SWEEP_CURRENCY", "a sweep counts in one currency", where="terms.fx", fix=fix)


def grounds(data: Data, symbols: Sequence[str], declaration: Declaration, terms: Terms) -> list[Ground]:
    """The ground of each symbol (all, if none is named), in order of the run's instruments."""
    instruments, tapes, events = data
    wanted = [instruments[symbol].id for symbol in symbols] if symbols else [row.id for row in instruments]
    return [ground(instruments[i], tapes, events, declaration, terms) for i in sorted(set(wanted))]


def ground(row: Instrument, tapes: Sequence[Tape], events: Sequence[Event], declaration: Declaration, terms: Terms) -> Ground:
    """The past of one instrument; Misuse: SWEEP_TAPE, SWEEP_PRICES, SWEEP_EVENTS, SWEEP_SPLIT, SWEEP_CURRENCY, SWEEP_INSTRUMENT."""
    having = [tape for tape in tapes if len(tape) and row.id in tape.instruments]
    if len(having) != 1 or having[0].kind is not Bar:
        raise Misuse("SWEEP_TAPE", f"a sweep needs {row.symbol} in exactly one series of bars, not {len(having)}", where=row.symbol)
    if row.currency != terms.currency:
        raise Misuse("SWEEP_CURRENCY", f"{row.symbol} trades in {row.currency}, the account counts in {terms.currency}", where=row.symbol)
    if not row.tradable or row.restricted:
        raise Misuse("SWEEP_INSTRUMENT", f"{row.symbol} may not be traded", where=row.symbol)
    if row.away_ns:
        raise Misuse("SWEEP_INSTRUMENT", f"{row.symbol} keeps sides apart, which a sweep does not", where=row.symbol, fix="away_ns=0, or a run")
    found = series(having[0], row.id, row.symbol)
    tape = found.tape
    _fits(row, found, declaration)
    if declaration.scaled and any(isinstance(event, Split) and event.instrument == row.id for event in events):
        raise Misuse("SWEEP_SPLIT", f"{declaration.name} keeps prices in its state, and {row.symbol} has a split", where=row.symbol)
    kept, amounts = _events(row, events, tape["ts"], tape["known"])
    splits = [event for event in events if isinstance(event, Split) and event.instrument == row.id]
    return Ground(
        row.symbol, tape, found.bars, found.bounds, found.days, kept, amounts, market_of(row, declaration, terms),
        to_units(terms.cash, terms.currency), found.ppy, forward_factor(tape, splits) if splits else None,
    )  # fmt: skip


def _fits(row: Instrument, found: Series, declaration: Declaration) -> None:
    """Misuse: WATCH_SPAN, STRATEGY_NEEDS for bars that the strategy does not ask for."""
    if row.option is not None:
        raise Misuse("SWEEP_OPTION", f"{row.symbol} is an option, whose end a sweep does not know", where=row.symbol, fix="use `argosy backtest`")
    for watch in declaration.watches:
        if watch.every and span(watch.every) != found.span:
            raise Misuse("WATCH_SPAN", f"{declaration.name} watches bars of {watch.every}, {row.symbol} has others", where=row.symbol)
    for name, need in declaration.needs.items():
        strange = [column for column in need.columns if column not in FIELDS and column not in found.tape.columns]
        if strange:
            raise Misuse("STRATEGY_NEEDS", f"need {name!r} reads {', '.join(strange)}, which a bar does not have", fix=f"use {', '.join(FIELDS)}")


def _events(
    row: Instrument, events: Sequence[Event], ts: NDArray[np.int64], known: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Payments and ends of sessions, at the row and the moment in it at which the engine hears of them."""
    rows: list[tuple[int, int, int, int, int]] = []
    amounts: list[float] = []
    for event in sorted(events, key=lambda one: one.known):
        if isinstance(event, _HARMLESS) or getattr(event, "instrument", row.id) != row.id:
            continue
        ratio = Fraction(1)
        if isinstance(event, Session):
            if event.calendar != row.calendar or event.open:
                continue
            if row.calendar == "24/7":
                raise Misuse("SWEEP_EVENTS", f"{row.symbol} trades round the clock, and yet a session of it ends", where=row.symbol)
            if event.ts != event.known:
                raise Misuse("SWEEP_EVENTS", "a session that is known late cannot be swept", where=row.symbol)
            kind, amount = CLOSE, 0.0
        elif isinstance(event, Dividend) and event.currency in ("", row.currency):
            kind, amount = DIVIDEND, event.amount
        elif isinstance(event, Split):
            kind, amount = SPLIT, event.ratio
            ratio = Fraction(event.ratio).limit_denominator(10_000)
        else:
            raise Misuse("SWEEP_EVENTS", f"a sweep knows nothing of {type(event).__name__}", where=row.symbol, fix="use `argosy backtest`")
        at = int(np.searchsorted(known, event.known, side="left"))
        if at == len(known):
            continue  # the tape has ended: never delivered
        when = BEFORE if event.known <= ts[at] else AFTER if event.known == known[at] or kind == CLOSE else BETWEEN
        if kind == SPLIT and when != BEFORE:
            raise Misuse("SWEEP_SPLIT", f"a split of {row.symbol} comes inside a bar", where=row.symbol, fix="sweep a period without it")
        rows.append((at, when, kind, ratio.numerator, ratio.denominator))
        amounts.append(amount)
    return np.asarray(rows, np.int64).reshape(-1, 5), np.asarray(amounts, np.float64)


def market_of(row: Instrument, declaration: Declaration, terms: Terms) -> Market:
    """What is the same in all combinations on an instrument."""
    cash = to_units(terms.cash, terms.currency)
    step, small = tick_fraction(row.tick), tick_fraction(row.tick_small)
    return Market(
        row.scale, float(row.lot), float(unit(row.currency)), float(per_one(terms.currency)), float(terms.slippage_bps), 1.0,
        step[0], step[1], step[2], small[0], small[1], small[2],
        max(1, row.min_lots), row.max_lots or 1 << 62, cash - int(cash * 1.0), _SIZING[declaration.unit],
        row.id, terms.limit_rule == "through", row.calendar == "24/7", row.shortable,
    )  # fmt: skip
