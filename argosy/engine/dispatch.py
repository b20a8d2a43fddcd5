"""Calls the strategies and collects what they want: handlers by strategy id, steps by row; it records and sends nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from functools import partial
from typing import Any

import msgspec

from argosy.core import events as ev
from argosy.core.errors import Misuse
from argosy.core.intents import Protection, Target
from argosy.core.strategy import ABSENT, BOOK, QUOTE, TRADE, OnFact, OnFill, Out, Tick
from argosy.engine.book import StrategyBook
from argosy.engine.entry import ladder
from argosy.engine.slot import Binding, Cell, Slot, Window
from argosy.engine.state import State

NAN = float("nan")
_HANDLER: dict[type, str] = {ev.Fact: "on_fact", ev.Forecast: "on_forecast", ev.Timer: "on_timer"}
_OPENS = frozenset({ev.Bar, ev.Quote, ev.Trade, ev.BookDelta, ev.Fact, ev.Forecast, ev.Timer, ev.Fill})
"""Kinds of events that close with on_instant: news. Answers of a venue alone are none, or a strategy could talk to itself."""

_TICKS: dict[str, type] = {"book": ev.BookDelta, "quote": ev.Quote, "trade": ev.Trade}
_ROWS: dict[type, str] = {ev.Quote: "on_quote", ev.Trade: "on_trade", ev.BookDelta: "on_book"}
"""Market rows beside bars, and who is called with them."""

Call = Callable[[Any], None]
Fail = Callable[[Slot, Any, Exception], None]


class Dispatch:
    """The bound strategies and their calls.

    slots:   by id, ascending; books: what each sees
    bound:   instrument -> ids bound to it; bars, windows: the last bars that class strategies read
    wants:   (slot, intent) collected since the last decision, in the order of the calls
    on_bar:  instrument -> bar calls of the active strategies; fail: told when a strategy raised
    on_row:  kind of a quote, trade or book's row -> instrument -> calls of the active strategies
    """

    def __init__(self, state: State, bindings: Iterable[Binding], fail: Fail) -> None:
        self._state = state
        self._fail = fail
        self.slots = [Slot(binding) for binding in bindings]
        self.by_id = {slot.id: slot for slot in self.slots}
        n = len(state.instruments)
        self.bars: list[ev.Bar | None] = [None] * n
        self.windows: list[Window | None] = [None] * n
        self.bound: list[list[str]] = [[] for _ in range(n)]
        for slot in self.slots:
            size = slot.declaration.window
            for i in slot.instruments:
                self.bound[i].append(slot.id)
                known = self.windows[i]
                if size and (known is None or known.size < size):
                    self.windows[i] = Window(size)
        self.books = {slot.id: StrategyBook(state, slot, self.bars, self.windows) for slot in self.slots}
        self.wants: list[tuple[Slot, Any]] = []
        self.on_bar: list[list[Callable[[ev.Bar], None]]] = [[] for _ in range(n)]
        self.on_instant: list[tuple[Slot, Callable[..., Any]]] = []
        self.keeps = False
        self.listens = False
        self.bind()

    def bind(self) -> None:
        """Build the dispatch tables from the slots that are still active."""
        n = len(self._state.instruments)
        active = [slot for slot in self.slots if self._state.status[slot.id] == "active"]
        self.on_bar = [[] for _ in range(n)]
        self._warms: list[list[Callable[[ev.Bar], None]]] = [[] for _ in range(n)]
        self._calls: dict[str, dict[int, Callable[[ev.Bar], None]]] = {}
        self._rows: dict[str, dict[tuple[type, int], Call]] = {slot.id: {} for slot in active}
        self.on_instant = []
        self._stirs = [(slot, *stirs) for slot in active if any(stirs := _stirs(slot))]
        self.listens = bool(self._stirs) or any(slot.handlers for slot in active)
        self.keeps = any(window is not None for window in self.windows)
        for slot in self.slots:
            if slot not in active:  # what it needs stays true while it rests
                for i, cell in slot.cells.items():
                    self._warms[i].append(_only(cell, self._warm_call(cell)))
                    self.keeps = True
        for slot in active:
            calls: dict[int, Callable[[ev.Bar], None]] = {}
            rows = self._rows[slot.id]
            for kind, name in _ROWS.items():
                if name in slot.handlers:
                    rows |= dict.fromkeys([(kind, i) for i in slot.cells], partial(self._ask, slot, slot.handlers[name], (self.books[slot.id],)))
            kinds = {watch.kind for watch in slot.declaration.watches}
            for i, cell in slot.cells.items():
                if slot.declaration.ticks:
                    rows |= dict.fromkeys([(_TICKS[kind], i) for kind in slot.declaration.ticks], self._tick_call(slot, cell))
                elif slot.declaration.step is not None:
                    calls[i] = _only(cell, self._step_call(slot, cell))
                elif "bar" in kinds or slot.declaration.needs:
                    calls[i] = _only(cell, self._handler_call(slot, cell))
                    self._warms[i].append(_only(cell, self._warm_call(cell)))
                    self.keeps = True
            for i, call in calls.items():
                self.on_bar[i].append(call)
            self._calls[slot.id] = calls
            if "on_instant" in slot.handlers:
                self.on_instant.append((slot, slot.handlers["on_instant"]))
        self.on_row = {kind: [[rows[kind, i] for rows in self._rows.values() if (kind, i) in rows] for i in range(n)] for kind in _ROWS}

    def _step_call(self, slot: Slot, cell: Cell) -> Callable[[ev.Bar], None]:
        """The bar handler of a step strategy on one instrument."""
        step, out, last, params, state = cell.step, cell.out, cell.last, slot.declaration.params, cell.state
        assert step is not None
        feed = cell.feed
        wants = self.wants
        anew = slot.declaration.wants == "entry"

        def call(bar: ev.Bar) -> None:
            if cell.away is not None:
                cell.away()
            needs = feed(bar)
            if cell.warm:
                cell.warm -= 1
                if cell.warm:
                    return
            if not feed.awake:
                if not cell.stirred:
                    return
                cell.stirred = False
            try:
                step(bar, needs, state, params, out)
            except Exception as error:  # a strategy may raise anything; it is recorded and quarantined
                self._fail(slot, bar, error)
                return
            if anew or out.target != last.target or out.stop != last.stop or out.limit != last.limit or out.take != last.take:
                wants.append((slot, self.stepped(slot, cell, bar, needs)))

        return call

    def _tick_call(self, slot: Slot, cell: Cell) -> Callable[[Any], None]:
        """The handler of a step strategy on one instrument's trades, quotes and book."""
        step, out, last, params, state = cell.step, cell.out, cell.last, slot.declaration.params, cell.state
        assert step is not None
        wants, quotes, i = self.wants, self._state.quotes, cell.instrument
        held = self._state.portfolio.books[slot.id].lots
        needs = slot.shape()

        def call(event: Any) -> None:
            if cell.warm:
                cell.warm -= 1
                if cell.warm:
                    return
            if self._state.status[slot.id] != "active":
                return
            bid, ask = quotes[i]
            if type(event) is ev.Quote:
                row = Tick(event.ts, event.known, i, QUOTE, NAN, NAN, 0, bid, ask, event.bid_size, event.ask_size, float(held[i]))
            else:
                kind = TRADE if type(event) is ev.Trade else BOOK
                row = Tick(event.ts, event.known, i, kind, event.price, event.size, event.side, bid, ask, NAN, NAN, float(held[i]))
            try:
                step(row, needs, state, params, out)
            except Exception as error:  # a strategy may raise anything; it is recorded and quarantined
                self._fail(slot, event, error)
                return
            if out.target != last.target or out.stop != last.stop or out.limit != last.limit or out.take != last.take:
                wants.append((slot, self.stepped(slot, cell, event, needs)))

        return call

    def stepped(self, slot: Slot, cell: Cell, bar: ev.MarketEvent | None, needs: Any) -> Any:
        """The intent that a step's four numbers mean."""
        out, last = cell.out, cell.last
        last.target, last.limit, last.stop, last.take = out.target, out.limit, out.stop, out.take
        target = out.target
        unit = slot.declaration.unit
        entry = slot.declaration.wants == "entry"
        if unit == "lots" and not entry and out.limit == out.stop == out.take == ABSENT and -1e18 < target < 1e18:
            return Target(cell.instrument, int(target), why=self._why(slot, cell, needs))
        if target == ABSENT:
            return None
        if not sound(out) or (entry and int(target) and out.limit == ABSENT):
            cell.settle()
            raise_text = f"out is target={target} limit={out.limit} stop={out.stop} take={out.take}"
            self._fail(slot, bar, Misuse("STEP_OUT", raise_text, where=slot.id, fix="write finite numbers, or ABSENT for no level"))
            return None
        if entry:
            return ladder(cell.instrument, int(target), out.limit, out.stop, out.take, self._why(slot, cell, needs))
        protection = None
        if out.stop != ABSENT or out.take != ABSENT:
            protection = Protection(
                stop=NAN if out.stop == ABSENT else out.stop, take=NAN if out.take == ABSENT else out.take
            )
        return Target(
            cell.instrument,
            lots=int(target) if unit == "lots" else None,
            weight=target * slot.share if unit == "weight" else None,
            notional=float(target) if unit == "notional" else None,
            limit=NAN if out.limit == ABSENT else out.limit,
            protection=protection,
            why=self._why(slot, cell, needs),
        )

    def _why(self, slot: Slot, cell: Cell, needs: Any) -> str:
        """The step's own reason in words, or its name."""
        explain = slot.explain
        if explain is None:
            return slot.declaration.name
        cell.settle()
        return str(explain(needs, copy(cell.state), slot.declaration.params, cell.out))

    def _handler_call(self, slot: Slot, cell: Cell) -> Callable[[ev.Bar], None]:
        """The bar handler of a class strategy on one instrument, if it has one."""
        handler = slot.handlers.get("on_bar")
        books, feed = (self.books[slot.id],), cell.feed

        def call(bar: ev.Bar) -> None:
            if handler is not None and (feed.awake or cell.stirred):
                cell.stirred = False
                self._ask(slot, handler, books, bar)

        return call

    def _warm_call(self, cell: Cell) -> Callable[[ev.Bar], None]:
        """What brings a class strategy's needs of one instrument up to a bar, before any handler of the instant runs."""
        feeds = bool(cell.slot.declaration.needs or cell.slot.declaration.wakes)

        def warm(bar: ev.Bar) -> None:
            if cell.away is not None:
                cell.away()
            if feeds:
                cell.needs = cell.feed(bar)
            if cell.warm > 0:
                cell.warm -= 1

        return warm

    def _ask(self, slot: Slot, handler: Callable[..., Any], books: tuple[StrategyBook, ...], what: Any) -> None:
        """Call a handler and keep what it wants; one that raised in this instant is not called again. books: what it is given beside `what`."""
        if self._state.status[slot.id] != "active":
            return
        try:
            wanted = handler(what, *books)
            if wanted is None:
                return
            if slot.declaration.warmup and self.books[slot.id].warming:
                raise Misuse("INTENT_WARMING", f"{slot.id} wants {wanted!r} while its needs warm up", fix="return None while book.warming")
        except Exception as error:  # a strategy may raise anything; it is recorded and quarantined
            self._fail(slot, what, error)
            return
        if not isinstance(wanted, tuple):
            self.wants.append((slot, wanted))
            return
        for intent in wanted:
            self.wants.append((slot, intent))

    def handle(self, events: Sequence[ev.Event], asleep: Sequence[str] = ()) -> None:
        """Call the handlers of an instant: strategies by id, each on all events in order, then on_instant."""
        filled = self._state.filled
        if not self.listens and not (len(events) > 1 or type(events[0]) in _OPENS):
            filled.clear()
            return
        if self._stirs:
            self._stir(events)
        for slot in self.slots:
            if self._state.status[slot.id] != "active" or slot.id in asleep:
                continue
            books = (self.books[slot.id],)
            calls, rows = self._calls[slot.id], self._rows[slot.id]
            on_fill = slot.handlers.get("on_fill")
            if on_fill is not None and filled:
                for fill, strategy, signed, _ in filled:
                    if strategy == slot.id:
                        own = fill if fill.lots == abs(signed) else msgspec.structs.replace(fill, lots=abs(signed))
                        self._ask(slot, on_fill, books, own)
            for event in events:
                kind = type(event)
                if kind is ev.Bar:
                    call = calls.get(event.instrument)  # type: ignore[attr-defined]
                    if call is not None:
                        call(event)  # type: ignore[arg-type]
                    continue
                if kind in _ROWS:
                    row = rows.get((kind, event.instrument))  # type: ignore[attr-defined]
                    if row is not None:
                        row(event)
                    continue
                name = _HANDLER.get(kind)
                handler = slot.handlers.get(name or "")
                if handler is None:
                    continue
                i = getattr(event, "instrument", -1)
                if i >= 0 and i not in slot.cells:
                    continue
                if kind is ev.Timer and event.strategy not in ("", slot.id):  # type: ignore[attr-defined]
                    continue
                self._ask(slot, handler, books, event)
        filled.clear()
        if self.on_instant and any(type(event) in _OPENS for event in events):
            self.close_instant()

    def _stir(self, events: Sequence[ev.Event]) -> None:
        """Note fills and facts for those that wake at them: their next bar is one to be called at."""
        facts = any(type(event) is ev.Fact for event in events)
        for slot, on_fill, on_fact in self._stirs:
            for fill, strategy, _, _ in self._state.filled if on_fill else ():
                if strategy == slot.id and fill.instrument in slot.cells:
                    slot.cells[fill.instrument].stirred = True
            if on_fact and facts:
                for cell in slot.cells.values():
                    cell.stirred = True

    def close_instant(self) -> None:
        """Call on_instant of the strategies that have it and are warm."""
        for slot, handler in list(self.on_instant):
            if not self.books[slot.id].warming:
                self._ask(slot, handler, (), self.books[slot.id])

    def by_strategy(self, bars: Sequence[ev.Bar]) -> None:
        """Call bar handlers strategy by strategy, each on all bars of the instant."""
        for calls in self._calls.values():
            for bar in bars:
                call = calls.get(bar.instrument)
                if call is not None:
                    call(bar)

    def keep(self, bar: ev.Bar) -> None:
        """Bring what class strategies read (last bars, windows, needs) up to a bar."""
        self.bars[bar.instrument] = bar
        window = self.windows[bar.instrument]
        if window is not None:
            window.push(bar)
        for warm in self._warms[bar.instrument]:
            warm(bar)

    def drop(self, strategy: str) -> None:
        """Forget what a strategy wanted in this instant: it is no longer active."""
        self.wants[:] = [want for want in self.wants if want[0].id != strategy]

    def split(self, split: ev.Split) -> None:
        """Bring cells and windows to the prices after a split."""
        for slot in self.slots:
            cell = slot.cells.get(split.instrument)
            if cell is not None:
                cell.split(split.ratio)
        window = self.windows[split.instrument]
        if window is not None:
            window.split(split.ratio)


def _stirs(slot: Slot) -> tuple[bool, bool]:
    """Whether a strategy wakes at its own fills, and at facts."""
    wakes = slot.declaration.wakes
    return any(isinstance(wake, OnFill) for wake in wakes), any(isinstance(wake, OnFact) for wake in wakes)


_NOWHERE = float("-inf")


def sound(out: Out) -> bool:
    """Whether a step's numbers can mean an intent: a target of this world, levels that are numbers, or ABSENT (never -inf)."""
    return -1e18 < out.target < 1e18 and out.limit > _NOWHERE and out.stop > _NOWHERE and out.take > _NOWHERE


def _only(cell: Cell, call: Callable[[ev.Bar], None]) -> Callable[[ev.Bar], None]:
    """The call for the bars that a cell follows; the call itself where there is only one series."""
    if cell.spans is None:
        return call

    def chosen(bar: ev.Bar) -> None:
        if cell.sees(bar.span):
            call(bar)

    return chosen
