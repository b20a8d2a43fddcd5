"""Tapes written by hand, strategies that say what they are told, and a stage on which the test itself is the venue.

Minute k has the bar that starts at k and is known at k + 1 minutes; its handlers run then. Money is USD in millionths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from argosy.core.effects import Cancel, Effect, Submit
from argosy.core.events import Bar, Event, Fill, OrderUpdate, Quote, Reply
from argosy.core.instrument import Instrument, Instruments
from argosy.core.orders import Order, Work
from argosy.core.tape import Tape
from argosy.core.time import MINUTE
from argosy.engine.fold import fold
from argosy.engine.journal import Reserve
from argosy.engine.state import State
from argosy.house import Run, Terms, Wanted, assemble

USD = 1_000_000
NAN = float("nan")
Row = float | tuple[float, float, float, float]


def tape(rows: Mapping[int, Row] | Sequence[Row], i: int = 0) -> Tape:
    """One-minute bars of instrument i: a number is a bar that stands still, minutes by position or by key."""
    pairs = sorted(rows.items()) if isinstance(rows, Mapping) else list(enumerate(rows))
    prices = np.array([row if isinstance(row, tuple) else (row,) * 4 for _, row in pairs], np.float64)
    ts = np.array([minute for minute, _ in pairs], np.int64) * MINUTE
    n = len(pairs)
    return Tape(Bar, {
        "ts": ts, "known": ts + MINUTE, "instrument": np.full(n, i), "open": prices[:, 0], "high": prices[:, 1],
        "low": prices[:, 2], "close": prices[:, 3], "volume": np.full(n, 1e6), "span": np.full(n, MINUTE),
    })  # fmt: skip


def says(plan: Mapping[int, Any]) -> type:
    """A strategy that wants plan[k] (an intent or several) when the bar of minute k is known."""

    class Says:
        def on_bar(self, bar: Bar, book: Any) -> Any:
            wanted = plan.get(bar.ts // MINUTE)
            if wanted is None:
                return None
            several = wanted if isinstance(wanted, tuple) else (wanted,)
            return tuple(intent for intent in several if intent.instrument == bar.instrument)

    return Says


def terms(**given: Any) -> Terms:
    return Terms(**{"fees": "free", "slippage_bps": 0.0, **given})


def wanted(strategies: Mapping[str, Any]) -> list[Wanted]:
    out = []
    for name, one in strategies.items():
        if isinstance(one, Wanted):
            out.append(one)
        else:
            out.append(Wanted(name, one if isinstance(one, type) else says(one)))
    return out


def wire(
    strategies: Mapping[str, Any], *rows: Any, events: Sequence[Event] = (), table: Instruments | None = None, **given: Any
) -> Run:
    """A run over hand-written rows, one sequence an instrument, not started."""
    tapes = [tape(own, i) for i, own in enumerate(rows)]
    names = table or Instruments(Instrument(symbol=f"S{i}") for i in range(max(1, len(rows))))
    merged = [Tape.merge(tapes)] if tapes else []
    return assemble(wanted(strategies), (names, merged, list(events)), terms(**given))


def play(strategies: Mapping[str, Any], *rows: Any, **given: Any) -> Run:
    """`wire`, then the whole run; it ends with the books summing to the account."""
    run = wire(strategies, *rows, **given)
    run.go()
    run.engine.state.portfolio.check()
    return run


def records(run: Run, *kinds: type) -> list[Any]:
    """What the journal holds of some kinds, in order."""
    return [record for _, record in run.engine.journal.records() if isinstance(record, kinds)]


def orders(run: Run) -> list[Order]:
    """All orders that were sent, legs after their entries."""
    out = []
    for reserve in records(run, Reserve):
        out.append(reserve.submit.approved.order)
        out.extend(reserve.submit.approved.legs)
    return out


def fills(run: Run) -> list[tuple[int, int, float]]:
    """(minute it happened, signed lots, price) of all executions."""
    return [(fill.ts // MINUTE, fill.side * fill.lots, fill.price) for fill in records(run, Fill)]


def lots(run: Run, strategy: str, i: int = 0) -> int:
    return run.engine.state.portfolio.books[strategy].lots[i]


def resting(run: Run, i: int = 0) -> list[tuple[str, int, int, float]]:
    """(tag, signed lots still open, work, limit or stop) of the open orders that are no waiting legs."""
    out = []
    for ticket in run.engine.state.blotter.open[i].values():
        order = ticket.order
        if not ticket.leg:
            out.append((order.tag, order.side * ticket.leaves, order.limit if order.limit == order.limit else order.stop))
    return sorted(out)


class Stage:
    """An engine without a market: the test gives it bars and answers as a venue would, at any time it likes."""

    def __init__(
        self, strategies: Mapping[str, Any], instruments: int = 1, table: Instruments | None = None, opened: bool = True, **given: Any
    ) -> None:
        names = table or Instruments(Instrument(symbol=f"S{i}") for i in range(instruments))
        self.run = assemble(wanted(strategies), (names, [], []), terms(**given))
        self.engine = self.run.engine
        self.state = self.engine.state
        if opened:
            self.engine.open(self.run.cash)
        self.run_fx = given.get("fx", ())
        self.rows: list[Any] = []
        self.minute = -1
        self.count = 0

    @property
    def now(self) -> int:
        return self.state.now

    def bar(self, close: Row, i: int = 0) -> tuple[Effect, ...]:
        """The next minute's bar."""
        self.minute += 1
        o, h, low, c = close if isinstance(close, tuple) else (close,) * 4
        ts = self.minute * MINUTE
        return self.row(Bar(ts, ts + MINUTE, i, o, h, low, c, 1e6, MINUTE))

    def quote(self, bid: float, ask: float, i: int = 0, after: int = 1) -> tuple[Effect, ...]:
        """A quote, `after` ns from now."""
        at = self.now + after
        return self.row(Quote(at, at, i, bid, ask, 100.0, 100.0))

    def row(self, row: Any) -> tuple[Effect, ...]:
        """A market row of any kind, kept for a fold."""
        self.rows.append(row)
        return self.engine.step(row)

    def reply(self, order: int, verb: str = "submit", outcome: str = "accepted", code: str = "") -> tuple[Effect, ...]:
        return self.engine.step(Reply(self.now, self.now, order, verb, outcome, code))  # type: ignore[arg-type]

    def update(self, order: int, work: Work, lots: int = 0) -> tuple[Effect, ...]:
        return self.engine.step(OrderUpdate(self.now, self.now, order, work, lots))

    def fill(self, order: int, signed: int, price: float, execution: str = "", i: int = 0, fee: int = 0) -> tuple[Effect, ...]:
        self.count += 1
        side = 1 if signed > 0 else -1
        name = execution or f"x{self.count}"
        notional = round(signed * price * USD)
        return self.engine.step(Fill(self.now, self.now, i, order, name, side, abs(signed), price, notional, fee))

    def tell(self, kind: type, *fields: Any, after: int = 0, **named: Any) -> tuple[Effect, ...]:
        """One event of a kind, `after` ns from now, known at once: its fields after ts and known."""
        at = self.now + after
        return self.engine.step(kind(at, at, *fields, **named))

    def accept(self, effects: Sequence[Effect]) -> list[Order]:
        """Answer every submit among the effects with "accepted"; the orders."""
        orders = sent(effects)
        for order in orders:
            self.reply(order.id)
        return orders

    def buy(self, want: Sequence[Effect], price: float) -> list[Order]:
        """Accept and fill whole what the effects submit, at a price."""
        orders = self.accept(want)
        for order in orders:
            self.fill(order.id, order.side * order.lots, price, i=order.instrument)
        return orders

    def fold(self) -> str:
        """The hash of the state that the journal alone gives; for stages whose rows are bars in one file."""
        state = State(self.engine.instruments, self.state.portfolio.base, [slot.id for slot in self.engine.slots], self.run_fx)
        return fold(self.engine.journal.records(), state, iter(self.rows)).hash

    def work(self, order: int) -> Work:
        return self.state.blotter.tickets[order].work

    def lots(self, strategy: str, i: int = 0) -> int:
        return self.state.portfolio.books[strategy].lots[i]


def sent(effects: Sequence[Effect]) -> list[Order]:
    """The orders that effects submit."""
    return [effect.approved.order for effect in effects if isinstance(effect, Submit)]


def canceled(effects: Sequence[Effect]) -> list[int]:
    return [effect.order for effect in effects if isinstance(effect, Cancel)]
