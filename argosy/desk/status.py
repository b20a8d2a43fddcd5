"""How a desk stands, as one record made from its state when somebody asks: for the dashboard, the command line, machines; it changes nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec

from argosy.core.events import Command, Fill
from argosy.core.intents import Ladder, Target
from argosy.core.money import per_one
from argosy.core.orders import Trimmed
from argosy.core.time import SECOND
from argosy.desk.node import Node, Told
from argosy.engine.engine import Engine
from argosy.engine.records import Guarded, Unsized, Verdict, Wanted

LEVELS = {-1: "PROBE", 0: "LIVE", 1: "REDUCE", 2: "HALT", 3: "FLATTEN", 4: "DARK"}
DECISIONS, KEPT = 20, 256
_TOLD = frozenset({Wanted, Unsized, Guarded, Verdict, Fill, Command})


class Position(msgspec.Struct, frozen=True):
    """What is held of one symbol: lots, quantity in shares, average price paid, mark, value and open profit in base currency.

    by_strategy: lots of each strategy's own book; "" is the house's, which trades for nobody
    """

    symbol: str
    lots: int
    qty: float
    average: float
    mark: float
    value: float
    pnl: float
    by_strategy: dict[str, int]


class Order(msgspec.Struct, frozen=True):
    """An order that is not over. client_id: as the broker sees it; age: seconds since it was decided, nan where that is not known."""

    id: int
    client_id: str
    symbol: str
    side: str
    qty: float
    filled: float
    type: str
    limit: float | None
    stop: float | None
    work: str
    strategy: str
    tag: str
    age: float


class Strategy(msgspec.Struct, frozen=True):
    """A strategy's own book. status: active, paused, retired or quarantined; cause: of that."""

    id: str
    plugin: str
    status: str
    equity: float
    pnl: float
    budget: float
    cause: str = ""


class Flow(msgspec.Struct, frozen=True):
    """A stream. age: seconds since something was heard on it."""

    name: str
    up: bool
    age: float


class Gauge(msgspec.Struct, frozen=True):
    """A risk and its limit, as fractions; limit 0: none."""

    name: str
    value: float
    limit: float


class Decision(msgspec.Struct, frozen=True):
    """What was wanted, refused or filled. at: ns UTC."""

    at: int
    strategy: str
    symbol: str
    what: str
    why: str


class Status(msgspec.Struct, frozen=True):
    """A desk at a moment; money in base currency, times ns UTC.

    state: starting, trading, stopping, broken; level: see docs/heart-tests.md, 12; cause: of it
    journal: sequence of the next record, and the hash of what is closed; decisions, alarms: the last ones, the newest last
    """

    mode: str
    account: str
    desk: str
    state: str
    level: str
    cause: str
    now: int
    started: int
    equity: float
    cash: float
    day_pnl: float
    peak: float
    positions: list[Position]
    orders: list[Order]
    strategies: list[Strategy]
    streams: list[Flow]
    gauges: list[Gauge]
    journal: dict[str, Any]
    decisions: list[Decision]
    refusals: dict[str, int]
    alarms: list[Told]
    halted: list[str] = []
    sessions: dict[str, bool] = {}
    fills: int = 0
    rows: int = 0
    conflated: int = 0
    late_bars: int = 0
    offset_ms: float = 0.0
    pid: int = 0


class Minutes:
    """The last decisions of a desk, kept beside its journal for whoever looks: it only notes that a record was written."""

    def __init__(self, symbols: tuple[str, ...], lots: Sequence[float]) -> None:
        self.fills = 0
        self._noted: deque[tuple[int, Any]] = deque(maxlen=KEPT)
        self._symbols = symbols
        self._one = lots

    def follow(self, engine: Engine) -> None:
        """See each record that the engine writes from now on."""
        journal: Any = engine.journal
        write, state, note = journal.append, engine.state, self._noted.append

        def append(record: Any) -> None:
            write(record)
            kind = type(record)
            if kind in _TOLD:
                note((state.now, record))
                if kind is Fill:
                    self.fills += 1

        journal.append = append

    @property
    def last(self) -> list[Decision]:
        """The last of them, the newest last."""
        return [self._words(now, record) for now, record in list(self._noted)[-DECISIONS:]]

    def _words(self, now: int, record: Any) -> Decision:
        """A record in words."""
        kind = type(record)
        if kind is Verdict:
            order, outcome = record.order, record.outcome
            one = self._one[order.instrument]
            what = f"{outcome.code}: {_side(order.side)} {order.lots * one:g}"
            if type(outcome) is Trimmed:
                what += f", of which {outcome.lots * one:g} may go"
            who = order.shares[0].strategy if order.shares else ""
            return Decision(now, who, self._symbols[order.instrument], what, getattr(outcome, "text", ""))
        if kind is Fill:
            what = f"{'bought' if record.side > 0 else 'sold'} {record.lots * self._one[record.instrument]:g} at {record.price:g}"
            return Decision(now, "", self._symbols[record.instrument], what, f"order {record.order}")
        if kind is Command:
            symbol = self._symbols[record.instrument] if record.instrument >= 0 else ""
            return Decision(now, record.strategy, symbol, f"{record.verb} by {record.by}", record.reason)
        if kind is Guarded:
            what = f"gets the house's stop at {record.stop:g}"
            return Decision(now, record.strategy, self._symbols[record.instrument], what, f"it brought none; measured from {record.price:g}")
        intent = record.intent
        what = "wants nothing more"
        if type(intent) is Target:
            what = f"wants {record.lots * self._one[intent.instrument]:g}" if kind is Wanted else f"{record.refused.code}: it came to no size"
        elif type(intent) is Ladder:
            what = f"wants {len(intent.rungs)} resting orders"
        return Decision(now, record.strategy, self._symbols[intent.instrument], what, getattr(intent, "why", ""))


def _side(side: int) -> str:
    return "buy" if side > 0 else "sell"


def status(node: Node, minutes: Minutes | None = None, limits: tuple[float, float] = (0.0, 0.0)) -> Status:
    """The desk as it stands. limits: daily loss and fall from the peak, as fractions, at which it gets out of risk."""
    engine = node.engine
    state = engine.state
    portfolio, now = state.portfolio, node.clock.now()
    one = per_one(portfolio.base)
    symbols = engine.instruments.symbols
    equity = portfolio.equity
    lost = (state.day_start - equity) / state.day_start if state.day_start > 0 else 0.0
    fall = (state.peak - equity) / state.peak if state.peak > 0 else 0.0
    gross = portfolio.gross / equity if equity > 0 else 0.0
    stage = "trading" if node.trading else "starting"
    stage = "broken" if node.broken else "stopping" if node.stopping.is_set() else stage
    return Status(
        mode=node.mode, account=node.account, desk=node.desk, state=stage, level=LEVELS[state.level], cause=state.level_cause, now=now,
        started=node.began, equity=equity / one, cash=engine.view.cash / one, day_pnl=(equity - state.day_start) / one, peak=state.peak / one,
        positions=[_position(node, i, one) for i in sorted(portfolio.held)], orders=_orders(node, now),
        strategies=[_strategy(node, slot.id, one) for slot in engine.slots],
        streams=[Flow(s.name, s.up, (now - s.heard) / SECOND if s.heard else -1.0) for s in node.streams.values()],
        gauges=[
            Gauge("daily loss", max(0.0, lost), limits[0]), Gauge("fall from peak", max(0.0, fall), limits[1]), Gauge("gross exposure", gross, 0.0),
        ],
        journal={"seq": node.journal.seq, "chain": getattr(node.journal, "told", "")},
        decisions=minutes.last if minutes is not None else [], refusals=dict(state.counters.refusals), alarms=list(node.alarms)[-20:],
        halted=[symbols[i] for i in sorted(state.halted)], sessions={name: session.open for name, session in state.sessions.items()},
        fills=minutes.fills if minutes is not None else 0, rows=node.rows, conflated=node.conflated,
        late_bars=node.gather.late if node.gather is not None else 0, offset_ms=node.clock.offset_ns / 1e6,
    )  # fmt: skip


def _position(node: Node, i: int, one: int) -> Position:
    portfolio = node.engine.state.portfolio
    row = node.engine.instruments[i]
    lots = portfolio.lots[i]
    cost = sum(book.cost[i] for book in portfolio.books.values())
    value = portfolio.value[i]
    mark = portfolio.marks[i]
    average = cost / (lots * row.scale) if lots else 0.0
    return Position(
        row.symbol, lots, float(row.units(lots)), average, mark if mark == mark else 0.0, value / one, (value - cost) / one,
        {name: book.lots[i] for name, book in portfolio.books.items() if book.lots[i]},
    )  # fmt: skip


def _orders(node: Node, now: int) -> list[Order]:
    from argosy.core.ids import client_order_id

    found = []
    instruments = node.engine.instruments
    for open_ in node.engine.state.blotter.open:
        for ticket in open_.values():
            order = ticket.order
            row = instruments[order.instrument]
            at = node.perform.begun(order.id)
            found.append(
                Order(
                    order.id, client_order_id(node.desk, order.id), row.symbol, "buy" if order.side > 0 else "sell", float(row.units(order.lots)),
                    float(row.units(ticket.cum)), order.type.name.lower(), _price(order.limit), _price(order.stop), ticket.work.name,
                    ", ".join(share.strategy or "house" for share in order.shares), order.tag, (now - at) / SECOND if at else -1.0,
                )  # fmt: skip
            )
    return found


def _price(value: float) -> float | None:
    return value if value == value else None


def _strategy(node: Node, name: str, one: int) -> Strategy:
    state = node.engine.state
    book = state.portfolio.books[name]
    equity = state.portfolio.equity_of(name)
    cause = next((failure.error for failure in node.engine.failures if failure.strategy == name), "")
    return Strategy(
        name, node.engine.slot(name).declaration.name, state.status[name], equity / one, (equity - book.budget) / one, book.budget / one, cause
    )
