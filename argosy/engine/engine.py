"""The engine: an event comes in, effects go out; between them state, strategies, allocation, planning and the risk gate.

It is synchronous and single-threaded. It reads no clock, no socket, no environment and no chance; whatever is not in its
state or in the event does not exist for it. Everything that changes its state is recorded first.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from argosy.core import events as ev
from argosy.core.effects import Alarm, Amend, Cancel, Effect, SetTimer, Submit
from argosy.core.errors import Broken, Misuse
from argosy.core.instrument import Instruments
from argosy.core.intents import Hold, Ladder, Protection, Target
from argosy.core.money import per_one
from argosy.core.orders import Order
from argosy.core.protocols import Journal
from argosy.core.strategy import ABSENT
from argosy.core.time import NEVER
from argosy.engine.book import StrategyBook
from argosy.engine.journal import Given, Grant, Memory, Reserve, Rows, Run, Standing, Verdict, Wanted
from argosy.engine.planner import Draft, guard, plan
from argosy.engine.portfolio import HOUSE, Fx
from argosy.engine.risk import RiskGate
from argosy.engine.slot import Binding, Cell, Slot, Window
from argosy.engine.state import DARK, FLATTEN, HALT, LIVE, PROBE, REDUCE, State
from argosy.engine.view import StateView
from argosy.kernels import ledger

notional = ledger.notional.py
NAN = float("nan")
NONE: tuple[Effect, ...] = ()
_ROWS = frozenset({ev.Bar, ev.Quote, ev.Trade, ev.BookDelta})
_ACCOUNT = frozenset({ev.Fill, ev.Reply, ev.OrderUpdate})
_HANDLER = {
    ev.Quote: "on_quote", ev.Trade: "on_trade", ev.BookDelta: "on_book", ev.Fact: "on_fact",
    ev.Forecast: "on_forecast", ev.Timer: "on_timer",
}  # fmt: skip


class Breakers(msgspec.Struct, frozen=True):
    """When the engine latches a level by itself: at the limit REDUCE, at half as much again HALT; 0 = never.

    In the lab nothing latches unless asked (the gate's rules refuse by code); a desk sets both.
    """

    daily_loss_frac: float = 0.0
    drawdown_frac: float = 0.0
    probe_clean: int = 3

    @property
    def watching(self) -> bool:
        return self.daily_loss_frac > 0.0 or self.drawdown_frac > 0.0


class Failure(msgspec.Struct, frozen=True):
    """A strategy that raised: where, on what, with which parameters; the run's capsule."""

    strategy: str
    known: int
    event: str
    error: str
    trace: str


class Engine:
    """The heart of a desk and of a backtest.

    gate:       the only maker of Approved; multiplier: buying power per equity
    on_failure: "keep" or "flatten" the position of a strategy that raised
    memory_every: recorded instants between snapshots of strategies' private state (0 = only at `close`)
    Raises Misuse("STRATEGY_TWICE") when two bindings share an id.
    """

    def __init__(
        self,
        instruments: Instruments,
        bindings: Iterable[Binding],
        gate: RiskGate,
        journal: Journal,
        *,
        base: str = "USD",
        desk: str = "ARGO",
        fx: Iterable[Fx] = (),
        multiplier: float = 1.0,
        breakers: Breakers | None = None,
        on_failure: str = "keep",
        memory_every: int = 0,
        tapes: tuple[str, ...] = (),
    ) -> None:
        ordered = sorted(bindings, key=lambda binding: binding.id)
        ids = [binding.id for binding in ordered]
        if len(set(ids)) != len(ids) or HOUSE in ids:
            raise Misuse("STRATEGY_TWICE", f"strategy ids must be unique and not empty: {', '.join(ids)}")
        self.instruments = instruments
        self.gate = gate
        self.journal = journal
        self.breakers = breakers or Breakers()
        self.on_failure = on_failure
        self.failures: list[Failure] = []
        self.state = State(instruments, base, ids, fx)
        self.view = StateView(self.state, multiplier)
        self.slots = [Slot(binding) for binding in ordered]
        self._by_id = {slot.id: slot for slot in self.slots}
        n = len(instruments)
        self._bars: list[ev.Bar | None] = [None] * n
        self._windows: list[Window | None] = [None] * n
        self._bound: list[list[str]] = [[] for _ in range(n)]
        for slot in self.slots:
            for i in slot.instruments:
                self._bound[i].append(slot.id)
                size = slot.declaration.window
                known = self._windows[i]
                if size and (known is None or known._n < size):
                    self._windows[i] = Window(size)
        self._keeps_bars = False
        self.books = {slot.id: StrategyBook(self.state, slot, self._bars, self._windows) for slot in self.slots}
        self._effects: list[Effect] = []
        self._wants: list[tuple[Slot, Any]] = []
        self._dirty: set[int] = set()
        self._watched: set[int] = set()
        self._cursor = 0
        self.muted = False
        self._memory_every = memory_every
        self._since_memory = 0
        self._one = per_one(base)
        self._on_bar: list[list[Callable[[ev.Bar], None]]] = []
        self._on_row: dict[type, list[list[tuple[Slot, Callable[..., Any]]]]] = {}
        self._on_instant: list[tuple[Slot, Callable[..., Any]]] = []
        self._bind()
        self._header = Run(
            ev.SCHEMA, desk, base, instruments.symbols, tuple(ids), tapes,
            {slot.id: slot.code for slot in self.slots}, gate.name if hasattr(gate, "name") else "",
        )  # fmt: skip
        self._budgets = [Grant(binding.id, binding.budget) for binding in ordered if binding.budget]

    def slot(self, strategy: str) -> Slot:
        """The bound strategy of an id."""
        return self._by_id[strategy]

    def relive(self, events: Sequence[ev.Event], awake: set[str]) -> list[tuple[str, Any]]:
        """Feed the handlers of strategies that are awake and return what they want, without repeats of what stands.

        The state has the events already. Strategies asleep only keep windows and indicators. Nothing is recorded or sent.
        """
        for event in events:
            if type(event) is ev.Bar:
                if self._keeps_bars:
                    self._keep(event)
                for slot in self.slots:
                    cell = slot.cells.get(event.instrument)
                    if cell is not None and slot.id not in awake and slot.declaration.step is not None:
                        cell.needs = cell.feed(event)
        asleep = [slot.id for slot in self.slots if slot.id not in awake]
        self._handle(events, asleep)
        wants: list[tuple[str, Any]] = []
        latest: dict[tuple[str, int], Any] = {}
        for slot, intent in self._wants:
            if intent is None:
                continue
            key = (slot.id, intent.instrument)
            wish = self.state.wishes.get(key)
            standing = latest.get(key, wish.intent if wish is not None and wish.lots is not None else None)
            if type(intent) is Target and repeats(standing, intent):
                continue
            if not _same_ladder(wish, intent) or latest.get(key) is not None:
                latest[key] = intent
                wants.append((slot.id, intent))
        self._wants.clear()
        self._effects.clear()
        self._dirty.clear()
        return wants

    def resume(self, cursor: int) -> None:
        """Go on after a restart. cursor: the market row that the journal has marked last."""
        self._cursor = cursor
        self.state.filled.clear()
        for i, bound in enumerate(self._bound):
            if len(bound) > 1 and len(_holding(self.state, i, bound)) > 1:
                self._watched.add(i)
        self._bind()

    def rebind(self) -> None:
        """Read the cells' feeds anew, after they were changed."""
        self._bind()

    # -- life ------------------------------------------------------------------------------------------------------------

    def open(self, cash: Sequence[ev.CashFlow]) -> None:
        """Begin a journal: the header, the first deposits, the budgets. Called once, before the first event."""
        self._record(self._header)
        for flow in cash:
            self._record(flow)
        for grant in self._budgets:
            self._record(grant)
        self.state.peak = self.state.day_start = self.state.portfolio.equity

    def close(self) -> None:
        """End a run: snapshot the strategies, mark the last row, close the commit group."""
        self.remember()
        self.journal.flush()

    def remember(self) -> None:
        """Record a snapshot of every strategy's private state."""
        for slot in self.slots:
            self._record(Memory(slot.id, slot.save(), self.state.rows))
        if not self.slots:
            self._mark_rows()
        self._since_memory = 0

    # -- events ----------------------------------------------------------------------------------------------------------

    def step(self, event: ev.Event) -> tuple[Effect, ...]:
        """Take one event that is an instant of its own; returns the effects to perform, already recorded."""
        kind = type(event)
        if kind is ev.Bar:
            return self.advance((event,))  # type: ignore[arg-type]
        if self._listens or kind not in _ACCOUNT:
            return self.instant((event,))
        self._record(event)
        self._touch(event)
        self.state.filled.clear()
        if self._dirty or self._effects:
            return self._decide()
        return NONE

    def advance(self, bars: Iterable[ev.Bar]) -> tuple[Effect, ...]:
        """Step bars, each an instant of its own, until one has effects; returns them, or nothing when the bars end.

        Defined as `step` on each bar: it only spares the way in and out. An iterator keeps its place between calls.
        """
        state = self.state
        portfolio = state.portfolio
        marks, marked, lots, on_bar = portfolio.marks, portfolio.marked, portfolio.lots, self._on_bar
        value, worth, cash, scale = portfolio.value, portfolio.worth, portfolio.cash, portfolio.scale
        currency, single, settle = portfolio.currency_of, portfolio.single, state.settle
        wants, on_instant, keeps = self._wants, self._on_instant, self._keeps_bars
        watches = self.breakers.watching
        for bar in bars:
            i = bar.instrument
            close = bar.close
            state.rows += 1
            state.now = bar.known
            if close == close:
                marks[i] = close
                marked[i] = bar.known
                if lots[i]:
                    new = notional(lots[i], close, scale[i])
                    worth[currency[i]] += new - value[i]
                    value[i] = new
                    if not single or cash[0] + worth[0] > state.peak:
                        settle()
                    if self._watched:
                        self._trigger(bar)
            if watches:
                self._check_breakers()
            if keeps:
                self._keep(bar)
            for call in on_bar[i]:
                call(bar)
            if on_instant:
                self._close_instant()
            if wants or self._dirty or self._effects:
                effects = self._decide()
                if effects:
                    return effects
                on_bar, on_instant = self._on_bar, self._on_instant
        return NONE

    def instant(self, events: Sequence[ev.Event]) -> tuple[Effect, ...]:
        """Take all events of one instant: first every state change, then the handlers, then one decision."""
        if len(events) > 1:
            events = ev.sort_instant(list(events))
        self._absorb(events)
        self._handle(events)
        if self._wants or self._dirty or self._effects:
            return self._decide()
        return NONE

    def bars(self, bars: Sequence[ev.Bar]) -> tuple[Effect, ...]:
        """`instant` for bars only, already in order of instrument: the lane of a portfolio's tape."""
        state = self.state
        mark = state.bar
        for bar in bars:
            mark(bar)
        state.rows += len(bars)
        state.now = bars[-1].known
        if state.portfolio.held:
            state.settle()
            if self._watched:
                for bar in bars:
                    self._trigger(bar)
        if self.breakers.watching:
            self._check_breakers()
        if self._keeps_bars:
            for bar in bars:
                self._keep(bar)
        on_bar = self._on_bar
        if len(self.slots) == 1:
            for bar in bars:
                for call in on_bar[bar.instrument]:
                    call(bar)
        else:
            self._by_strategy(bars)
        if self._on_instant:
            self._close_instant()
        if self._wants or self._dirty:
            return self._decide()
        return NONE

    def _by_strategy(self, bars: Sequence[ev.Bar]) -> None:
        """Call bar handlers strategy by strategy, each on all bars of the instant."""
        for calls in self._calls.values():
            for bar in bars:
                call = calls.get(bar.instrument)
                if call is not None:
                    call(bar)

    # -- phase 1: state --------------------------------------------------------------------------------------------------

    def _absorb(self, events: Sequence[ev.Event]) -> None:
        state = self.state
        if len(events) > 1:
            rows = sum(1 for event in events if type(event) in _ROWS)
            pulses = sum(1 for event in events if type(event) is ev.Timer and event.name == "pulse")
            recorded = len(events) - rows - pulses
            if recorded:
                self.journal.append(Rows(state.rows, recorded, rows))
                self._cursor = state.rows
        rows = 0
        for event in events:
            if type(event) not in _ROWS and not (type(event) is ev.Timer and event.name == "pulse"):
                self._record(event)
        for event in events:
            if type(event) in _ROWS:
                state.row(event)  # type: ignore[arg-type]
                rows += 1
                if self._keeps_bars and type(event) is ev.Bar:
                    self._keep(event)
        state.now = max(state.now, events[-1].known)
        if rows:
            if len(events) > rows:
                self._cursor = state.rows
            if state.portfolio.held:
                state.settle()
                if self._watched:
                    for event in events:
                        if type(event) in _ROWS:
                            self._trigger(event)
        if len(events) > rows:
            for event in events:
                if type(event) not in _ROWS:
                    self._touch(event)
        if rows and self.breakers.watching:
            self._check_breakers()

    def _touch(self, event: ev.Event) -> None:
        """What an account event makes worth planning again, and what the engine itself must do about it."""
        kind = type(event)
        dirty = self._dirty
        if kind is ev.Fill:
            i = event.instrument  # type: ignore[attr-defined]
            if self.state.blotter.open[i] or not self._content(i):
                dirty.add(i)
        elif kind is ev.Reply or kind is ev.OrderUpdate:
            ticket = self.state.blotter.tickets.get(event.order)  # type: ignore[attr-defined]
            if ticket is not None and (kind is ev.OrderUpdate or event.outcome != "accepted"):  # type: ignore[attr-defined]
                dirty.add(ticket.order.instrument)
        elif kind is ev.Session or kind is ev.Timer:
            if kind is ev.Timer:
                self._expire(event)  # type: ignore[arg-type]
        elif kind is ev.Split:
            self.rescale(event)  # type: ignore[arg-type]
        elif kind in (ev.Bust, ev.Reversal, ev.Delist, ev.Adjust):
            dirty.update(range(len(self.instruments)) if getattr(event, "instrument", -1) < 0 else (event.instrument,))  # type: ignore[attr-defined]
        elif kind is ev.Command:
            self._command(event)  # type: ignore[arg-type]
        elif kind is ev.Latch:
            self._latched(event.level)  # type: ignore[attr-defined]
        elif kind is ev.Account and self.state.level == PROBE and self.state.clean >= self.breakers.probe_clean:
            self._latch(LIVE, "PROBE_CLEAN")

    def _content(self, i: int) -> bool:
        """Whether one plain strategy holds just what it wants of an instrument, so that nothing is left to plan."""
        bound = self._bound[i]
        if len(bound) != 1:
            return False
        wish = self.state.wishes.get((bound[0], i))
        return (
            wish is not None and wish.protection is None and not wish.rungs
            and wish.lots == self.state.portfolio.books[bound[0]].lots[i] == self.state.portfolio.lots[i]
        )  # fmt: skip

    def rescale(self, split: ev.Split) -> None:
        """Bring cells and windows to the prices after a split."""
        for slot in self.slots:
            cell = slot.cells.get(split.instrument)
            if cell is not None:
                cell.split(split.ratio)
        window = self._windows[split.instrument]
        if window is not None:
            window.split(split.ratio)
        self._dirty.add(split.instrument)

    def _keep(self, bar: ev.Bar) -> None:
        """Bring what class strategies read (last bars, windows, needs) up to a bar."""
        self._bars[bar.instrument] = bar
        window = self._windows[bar.instrument]
        if window is not None:
            window.push(bar)
        for warm in self._warms[bar.instrument]:
            warm(bar)

    def _expire(self, timer: ev.Timer) -> None:
        """Give up wishes whose horizon has come."""
        for (strategy, i), wish in self.state.wishes.items():
            if wish.until <= timer.known:
                self._record(Given(strategy, i, "HORIZON"))
                if wish.on_expiry == "flat":
                    self._record(Wanted(strategy, Target(i, lots=0, why="horizon reached"), 0, timer.known))
                self._dirty.add(i)

    # -- phase 2: strategies ---------------------------------------------------------------------------------------------

    def _bind(self) -> None:
        """Build the dispatch tables from the slots that are still active."""
        n = len(self.instruments)
        active = [slot for slot in self.slots if self.state.status[slot.id] == "active"]
        self._on_bar = [[] for _ in range(n)]
        self._warms: list[list[Callable[[ev.Bar], None]]] = [[] for _ in range(n)]
        self._calls: dict[str, dict[int, Callable[[ev.Bar], None]]] = {}
        self._on_instant = []
        self._listens = any(slot.handlers for slot in active)
        self._keeps_bars = any(window is not None for window in self._windows)
        for slot in active:
            calls: dict[int, Callable[[ev.Bar], None]] = {}
            kinds = {watch.kind for watch in slot.declaration.watches}
            for i, cell in slot.cells.items():
                if slot.declaration.step is not None:
                    calls[i] = self._step_call(slot, cell)
                elif "bar" in kinds or slot.declaration.needs:
                    calls[i] = self._handler_call(slot, cell)
                    self._warms[i].append(self._warm_call(cell))
                    self._keeps_bars = True
            for i, call in calls.items():
                self._on_bar[i].append(call)
            self._calls[slot.id] = calls
            if "on_instant" in slot.handlers:
                self._on_instant.append((slot, slot.handlers["on_instant"]))

    def _step_call(self, slot: Slot, cell: Cell) -> Callable[[ev.Bar], None]:
        """The bar handler of a step strategy on one instrument."""
        step, out, last, params, state = cell.step, cell.out, cell.last, slot.declaration.params, cell.state
        assert step is not None
        feed = cell.feed
        wants = self._wants

        def call(bar: ev.Bar) -> None:
            needs = feed(bar)
            if cell.warm:
                cell.warm -= 1
                if cell.warm:
                    return
            try:
                step(bar, needs, state, params, out)
            except Exception as error:  # a strategy may raise anything; it is recorded and quarantined
                self._fail(slot, bar, error)
                return
            if out.target != last.target or out.stop != last.stop or out.limit != last.limit or out.take != last.take:
                wants.append((slot, self._stepped(slot, cell, bar, needs)))

        return call

    def _stepped(self, slot: Slot, cell: Cell, bar: ev.Bar, needs: Any) -> Any:
        """The intent that a step's four numbers mean."""
        out, last = cell.out, cell.last
        last.target, last.limit, last.stop, last.take = out.target, out.limit, out.stop, out.take
        target = out.target
        unit = slot.declaration.unit
        if unit == "lots" and out.limit == out.stop == out.take == ABSENT and -1e18 < target < 1e18:
            return Target(cell.instrument, int(target), why=self._why(slot, cell, needs))
        if target == ABSENT:
            return None
        if not -1e18 < target < 1e18 or out.limit != out.limit or out.stop != out.stop or out.take != out.take:
            raise_text = f"out is target={target} limit={out.limit} stop={out.stop} take={out.take}"
            self._fail(slot, bar, Misuse("STEP_OUT", raise_text, where=slot.id, fix="write finite numbers, or ABSENT for no level"))
            return None
        protection = None
        if out.stop != ABSENT or out.take != ABSENT:
            protection = Protection(
                stop=NAN if out.stop == ABSENT else out.stop, take=NAN if out.take == ABSENT else out.take
            )
        return Target(
            cell.instrument,
            lots=int(target) if unit == "lots" else None,
            weight=target * slot.share if unit == "weight" else None,
            notional=target if unit == "notional" else None,
            limit=NAN if out.limit == ABSENT else out.limit,
            protection=protection,
            why=self._why(slot, cell, needs),
        )

    def _why(self, slot: Slot, cell: Cell, needs: Any) -> str:
        """The step's own reason in words, or its name."""
        explain = slot.explain
        return slot.declaration.name if explain is None else str(explain(needs, cell.state, slot.declaration.params, cell.out))

    def _handler_call(self, slot: Slot, cell: Cell) -> Callable[[ev.Bar], None]:
        """The bar handler of a class strategy on one instrument, if it has one."""
        handler = slot.handlers.get("on_bar")
        book = self.books[slot.id]

        def call(bar: ev.Bar) -> None:
            if handler is not None:
                self._ask(slot, handler, bar, book)

        return call

    def _warm_call(self, cell: Cell) -> Callable[[ev.Bar], None]:
        """What brings a class strategy's needs of one instrument up to a bar, before any handler of the instant runs."""
        feeds = bool(cell.slot.declaration.needs)

        def warm(bar: ev.Bar) -> None:
            if feeds:
                cell.needs = cell.feed(bar)
            if cell.warm > 0:
                cell.warm -= 1

        return warm

    def _ask(self, slot: Slot, handler: Callable[..., Any], *given: Any) -> None:
        """Call a handler and keep what it wants."""
        warming = self.books[slot.id].warming
        try:
            wanted = handler(*given)
            if wanted is None:
                return
            if warming:
                raise Misuse("INTENT_WARMING", f"{slot.id} wants {wanted!r} while its needs warm up", fix="return None while book.warming")
        except Exception as error:  # a strategy may raise anything; it is recorded and quarantined
            self._fail(slot, given[0], error)
            return
        for intent in wanted if isinstance(wanted, tuple) else (wanted,):
            self._wants.append((slot, intent))

    def _handle(self, events: Sequence[ev.Event], asleep: Sequence[str] = ()) -> None:
        """Call the handlers of an instant: strategies by id, each on all events in order, then on_instant."""
        filled = self.state.filled
        if not self._listens and not (len(events) > 1 or type(events[0]) in _ROWS):
            filled.clear()
            return
        for slot in self.slots:
            if self.state.status[slot.id] != "active" or slot.id in asleep:
                continue
            book = self.books[slot.id]
            calls = self._calls[slot.id]
            on_fill = slot.handlers.get("on_fill")
            if on_fill is not None and filled:
                for fill, strategy, signed, _ in filled:
                    if strategy == slot.id:
                        own = fill if fill.lots == abs(signed) else msgspec.structs.replace(fill, lots=abs(signed))
                        self._ask(slot, on_fill, own, book)
            for event in events:
                kind = type(event)
                if kind is ev.Bar:
                    call = calls.get(event.instrument)  # type: ignore[attr-defined]
                    if call is not None:
                        call(event)  # type: ignore[arg-type]
                    continue
                name = _HANDLER.get(kind)
                handler = slot.handlers.get(name) if name is not None else None
                if handler is None:
                    continue
                i = getattr(event, "instrument", -1)
                if i >= 0 and i not in slot.cells:
                    continue
                if kind is ev.Timer and event.strategy not in ("", slot.id):  # type: ignore[attr-defined]
                    continue
                self._ask(slot, handler, event, book)
        filled.clear()
        if self._on_instant:
            self._close_instant()

    def _close_instant(self) -> None:
        for slot, handler in list(self._on_instant):
            if not self.books[slot.id].warming:
                self._ask(slot, handler, self.books[slot.id])

    def _fail(self, slot: Slot, event: Any, error: Exception) -> None:
        """A strategy raised: it stops, the others go on; its ladder goes, its protections stay."""
        text = f"{type(error).__name__}: {error}"
        trace = "".join(traceback.format_exception(error))
        self.failures.append(Failure(slot.id, self.state.now, repr(event), text, trace))
        if self.muted:
            return
        self._stand(slot.id, "quarantined", text)
        self._effects.append(Alarm("STRATEGY_QUARANTINED", f"{slot.id}: {text}", "page"))
        if self.on_failure == "flatten":
            self._flatten(slot.id, "quarantined")

    def _stand(self, strategy: str, status: str, cause: str) -> None:
        """Change a strategy's standing; one that is not active keeps position and protections and loses its wishes."""
        self._record(Standing(strategy, status, cause))
        if status != "active":
            for i in self._by_id[strategy].instruments:
                if (strategy, i) in self.state.wishes:
                    self._record(Given(strategy, i, status.upper()))
                    self._dirty.add(i)
            self._wants[:] = [want for want in self._wants if want[0].id != strategy]
        self._bind()

    # -- engine-side protections -----------------------------------------------------------------------------------------

    def _trigger(self, event: Any) -> None:
        """Where several strategies hold an instrument, the engine itself watches each one's stop and target."""
        i = event.instrument
        if i not in self._watched:
            return
        low, high = (event.low, event.high) if type(event) is ev.Bar else (self.state.portfolio.marks[i],) * 2
        for strategy in self._bound[i]:
            wish = self.state.wishes.get((strategy, i))
            lots = self.state.portfolio.books[strategy].lots[i]
            if wish is None or wish.protection is None or not lots or wish.lots == 0:
                continue
            stop, take = wish.protection.stop, wish.protection.take
            hit = ""
            if low <= stop if lots > 0 else high >= stop:
                hit = "stop"
            elif high >= take if lots > 0 else low <= take:
                hit = "take"
            if hit:
                self._record(Wanted(strategy, Target(i, lots=0, why=f"protection: {hit}"), 0, self.state.now))
                self._dirty.add(i)

    # -- phase 3: decide -------------------------------------------------------------------------------------------------

    def _decide(self) -> tuple[Effect, ...]:
        """Record what is wanted, plan each touched instrument once, gate the drafts, return the effects."""
        if self._wants:
            wants = self._wants[:]
            self._wants.clear()
            for slot, intent in wants:
                if intent is not None and self.state.status[slot.id] == "active":
                    self._want(slot, intent)
        drafts: list[Draft] = []
        dirty = self._dirty
        if dirty:
            for i in sorted(dirty) if len(dirty) > 1 else tuple(dirty):
                self._plan(i, drafts)
            dirty.clear()
        if drafts:
            if len(drafts) > 1:
                drafts.sort(key=self._priority)
            self._send(drafts)
        effects = tuple(self._effects)
        self._effects.clear()
        self.journal.commit()
        if self._memory_every:
            self._since_memory += 1
            if self._since_memory >= self._memory_every:
                self.remember()
        return effects

    def _want(self, slot: Slot, intent: Any) -> None:
        """Evaluate an intent once and record it; a repeat of the standing one is a no-op."""
        if type(intent) not in (Target, Ladder, Hold):
            self._fail(slot, intent, Misuse("INTENT_KIND", f"{slot.id} returned {intent!r}", fix="return Target, Ladder, Hold or None"))
            return
        i = intent.instrument
        if i not in slot.cells:
            self._fail(slot, intent, Misuse("INSTRUMENT_UNBOUND", f"{slot.id} wants instrument {i!r}, which it is not bound to"))
            return
        wish = self.state.wishes.get((slot.id, i))
        lots = 0
        if type(intent) is Target:
            if wish is not None and wish.lots is not None and repeats(wish.intent, intent):
                return
            evaluated = self._lots(slot, intent)
            if isinstance(evaluated, Exception):
                self._fail(slot, intent, evaluated)
                return
            lots = evaluated
        elif type(intent) is Ladder:

            if len({rung.tag for rung in intent.rungs}) != len(intent.rungs):
                self._fail(slot, intent, Misuse("LADDER_TAGS", f"{slot.id} names a rung twice"))
                return
            if _same_ladder(wish, intent):
                return
        self._record(Wanted(slot.id, intent, lots, self.state.now))
        if type(intent) is Target and intent.horizon_ns:
            timer = SetTimer("horizon", self.state.now + intent.horizon_ns, slot.id)
            self._record(timer)
            self._effects.append(timer)
        self._dirty.add(i)

    def _lots(self, slot: Slot, target: Target) -> int | Exception:
        """The signed lots a target comes to, rounded toward zero; an error when it says nothing or cannot be evaluated."""
        if (target.lots is not None) + (target.weight is not None) + (target.notional is not None) != 1:
            given = f"lots={target.lots} weight={target.weight} notional={target.notional}"
            return Misuse("TARGET_SIZE", f"{slot.id} wants {given}", fix="give exactly one of them")
        if target.lots is not None:
            return target.lots if isinstance(target.lots, int) else Misuse("TARGET_SIZE", f"lots are whole, not {target.lots!r}")
        portfolio = self.state.portfolio
        i = target.instrument
        mark = portfolio.marks[i]
        if not mark > 0.0:
            return Misuse("TARGET_PRICE", f"{self.instruments[i].symbol} has no price to size by")
        if target.weight is not None:
            amount = target.weight * portfolio.equity_of(slot.id)
            one = portfolio.scale[i]
            rate = portfolio.to_base(1_000_000_000, portfolio.currency_of[i])
            if rate is None:
                return 0
            amount = amount * 1_000_000_000 / rate
        else:
            amount = (target.notional or 0.0) * per_one(self.instruments[i].currency)
            one = portfolio.scale[i]
        if amount != amount or abs(amount) == float("inf"):
            return Misuse("TARGET_SIZE", f"{slot.id} wants {target!r}")
        return int(amount / (mark * one))

    def _plan(self, i: int, drafts: list[Draft]) -> None:
        state = self.state
        bound = self._bound[i]
        if state.portfolio.books[HOUSE].lots[i] and (HOUSE, i) in state.wishes:
            bound = [HOUSE, *bound]
        made = plan(state, i, bound)
        for cross in made.crosses:
            self._record(cross)
        for order in made.cancels:
            self._do(Cancel(order))
        for amend in made.amends:
            self._do(amend)
        drafts.extend(made.drafts)
        if len(bound) > 1:
            (self._watched.add if len(_holding(state, i, bound)) > 1 else self._watched.discard)(i)

    def _do(self, effect: Cancel | Amend) -> None:
        self._record(effect)
        self._effects.append(effect)

    def _priority(self, draft: Draft) -> tuple[int, str, int, str]:
        exits = draft.reduce_only or self.state.portfolio.lots[draft.instrument] * draft.side < 0
        return (0 if exits else 1, draft.shares[0].strategy, draft.instrument, draft.tag)

    def _send(self, drafts: list[Draft]) -> None:
        """Number the drafts, pass them through the gate, record the verdicts."""
        view, gate = self.view, self.gate
        pair = 0
        for draft in drafts:
            self._mark_rows()
            number = self.journal.seq * 4
            if draft.paired:
                pair = pair or number
            else:
                pair = 0
            order, legs = _order(draft, number, pair)
            verdict = gate.admit(order, legs, view)
            approved = verdict.approved
            if verdict.refused is not None:
                self._record(Verdict(order, verdict.refused))
                continue
            if verdict.trimmed is not None:
                self._record(Verdict(order, verdict.trimmed))
            assert approved is not None
            submit = Submit(approved)
            self._record(Reserve(submit, view.reservation(approved.order), verdict.exit))
            self._effects.append(submit)

    # -- the owner's word ------------------------------------------------------------------------------------------------

    def _command(self, command: ev.Command) -> None:
        verb, strategy = command.verb, command.strategy
        if not command.reason:
            self._effects.append(Alarm("COMMAND_REASON", f"{verb} by {command.by} has no reason and was not done"))
            return
        if strategy:
            self._command_one(verb, strategy, command.reason)
            return
        levels = {"reduce": REDUCE, "halt": HALT, "flatten": FLATTEN, "dark": DARK, "resume": PROBE}
        if verb in levels:
            self._latch(levels[verb], command.reason, command.by)
        else:
            self._effects.append(Alarm("COMMAND_UNKNOWN", f"{verb!r} is no command of a desk"))

    def _command_one(self, verb: str, strategy: str, reason: str) -> None:
        if strategy not in self._by_id:
            self._effects.append(Alarm("STRATEGY_UNKNOWN", f"no strategy is named {strategy!r}"))
        elif verb == "pause":
            self._stand(strategy, "paused", reason)
        elif verb == "unpause":
            self._stand(strategy, "active", reason)
        elif verb == "flatten":
            self._stand(strategy, "paused", reason)
            self._flatten(strategy, reason)
        elif verb == "retire":
            self._stand(strategy, "retired", reason)
            self._flatten(strategy, reason)
        else:
            self._effects.append(Alarm("COMMAND_UNKNOWN", f"{verb!r} is no command of a strategy"))

    def _flatten(self, strategy: str, why: str) -> None:
        book = self.state.portfolio.books[strategy]
        for i, lots in enumerate(book.lots):
            if lots:
                self._record(Wanted(strategy, Target(i, lots=0, why=why), 0, self.state.now))
                self._dirty.add(i)

    def _latch(self, level: int, cause: str, by: str = "engine") -> None:
        now = self.state.now
        self._record(ev.Latch(now, now, level, cause, by))
        self._latched(level)

    def _latched(self, level: int) -> None:
        """Do what a level asks: from HALT on cancel what can enlarge a position; at FLATTEN close everything."""
        if level < HALT:
            return
        for row in self.state.blotter.open:
            for ticket in list(row.values()):
                if not ticket.order.reduce_only and not ticket.cancelling:
                    self._do(Cancel(ticket.order.id))
        for (strategy, i) in list(self.state.wishes):
            self._record(Given(strategy, i, f"L{level}"))
            self._dirty.add(i)
        if level == FLATTEN:
            for strategy in self.state.portfolio.books:
                self._flatten(strategy, "flatten")

    def _check_breakers(self) -> None:
        """Latch by daily loss and drawdown, where the breakers are set."""
        state, breakers = self.state, self.breakers
        equity = state.portfolio.equity
        for limit, start, cause in (
            (breakers.daily_loss_frac, state.day_start, "DAILY_LOSS"),
            (breakers.drawdown_frac, state.peak, "DRAWDOWN"),
        ):
            if not limit or start <= 0:
                continue
            lost = (start - equity) / start
            level = HALT if lost >= 1.5 * limit else REDUCE if lost >= limit else LIVE
            if level > max(state.level, LIVE):
                self._latch(level, cause)

    # -- recording -------------------------------------------------------------------------------------------------------

    def _mark_rows(self) -> None:
        """Say in the journal how many market rows came before what follows."""
        rows = self.state.rows
        if rows != self._cursor:
            self._cursor = rows
            self.journal.append(Rows(rows))

    def _record(self, record: Any) -> None:
        """Record first, then apply."""
        if self.muted:
            raise Broken("MUTED", "a decision was made while the past is relived")
        state = self.state
        append = self.journal.append
        if state.rows != self._cursor:
            self._cursor = state.rows
            append(Rows(state.rows))
        append(record)
        state.apply(record)


def repeats(standing: Any, intent: Any) -> bool:
    """Whether an intent repeats the standing one (its reason and evidence do not count; nan equals nan)."""
    if type(intent) is not Target:
        return repr(standing) == repr(intent)
    if type(standing) is not Target or standing.lots != intent.lots or standing.weight != intent.weight:
        return False
    if standing.notional != intent.notional or standing.tif != intent.tif or standing.horizon_ns != intent.horizon_ns:
        return False
    if standing.limit != intent.limit and (standing.limit == standing.limit or intent.limit == intent.limit):
        return False
    return standing.on_expiry == intent.on_expiry and repr(standing.protection) == repr(intent.protection)


def _same_ladder(wish: Any, intent: Any) -> bool:
    """Whether a ladder repeats the standing one and none of its rungs was filled or refused."""
    return (
        wish is not None and type(intent) is Ladder and type(wish.intent) is Ladder and not wish.spent
        and repr(wish.intent.rungs) == repr(intent.rungs)
    )  # fmt: skip


def _holding(state: State, i: int, bound: list[str]) -> list[str]:
    return [
        name for name in bound
        if state.portfolio.books[name].lots[i] or (state.wishes.get((name, i)) is not None and state.wishes[name, i].lots)
    ]  # fmt: skip


def _order(draft: Draft, number: int, pair: int) -> tuple[Order, tuple[Order, ...]]:
    """The order and legs of a draft. number: four times the journal sequence; legs take the next numbers."""
    order = Order(
        number, draft.instrument, draft.side, draft.lots, draft.type, draft.limit, draft.stop, draft.trail, draft.trail_frac,
        draft.tif, NEVER, draft.reduce_only, draft.post_only, draft.shares, draft.tag, 0, pair, draft.why,
    )  # fmt: skip
    protection = draft.protection
    if protection is None:
        return order, ()
    legs: list[Order] = []
    for tag in ("stop", "take", "trail"):
        level = getattr(protection, tag)
        if level == level:
            leg = guard(draft.instrument, -draft.side, draft.lots, draft.shares, tag, protection)
            legs.append(
                Order(
                    number + 1 + len(legs), leg.instrument, leg.side, leg.lots, type=leg.type, limit=leg.limit, stop=leg.stop,
                    trail=leg.trail, trail_frac=leg.trail_frac, tif=leg.tif, reduce_only=True, shares=leg.shares, tag=tag,
                    parent=number, group=number, why=leg.why,
                )  # fmt: skip
            )
    return order, tuple(legs)


__all__ = ["Breakers", "Engine", "Failure", "repeats"]
