"""The engine: an event comes in, effects go out; between them state, strategies, allocation, planning and the risk gate.

It is synchronous and single-threaded. It reads no clock, no socket, no environment and no chance; whatever is not in its
state or in the event does not exist for it. Everything that changes its state is recorded first.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Sequence
from typing import Any

from argosy.core import events as ev
from argosy.core.effects import Alarm, Amend, Cancel, Effect, SetTimer
from argosy.core.errors import Broken, Misuse
from argosy.core.instrument import Instruments
from argosy.core.intents import Target
from argosy.core.protocols import Journal
from argosy.core.time import NEVER
from argosy.engine.algos.grain import Grain
from argosy.engine.algos.pace import pace
from argosy.engine.dispatch import Dispatch
from argosy.engine.failure import Failure
from argosy.engine.journal import Given, Grant, Memory, Released, Reserve, Rows, Run, Standing, Verdict
from argosy.engine.levels import Breakers, Levels
from argosy.engine.planner import Draft, plan
from argosy.engine.portfolio import HOUSE, Fx
from argosy.engine.records import Stretch, Unsized, Wanted
from argosy.engine.requests import Requests
from argosy.engine.risk import RiskGate
from argosy.engine.saga import begun
from argosy.engine.sending import may_leave, send
from argosy.engine.slot import Binding, Slot
from argosy.engine.state import State
from argosy.engine.straight import straight, want
from argosy.engine.touch import touch
from argosy.engine.view import StateView
from argosy.engine.watch import due, reached
from argosy.kernels import ledger

notional = ledger.notional.py
NONE: tuple[Effect, ...] = ()
ROUNDS = 4
"""Plans of one decision: the first, and those that a refused or trimmed exit makes necessary."""
_ROWS = frozenset({ev.Bar, ev.Quote, ev.Trade, ev.BookDelta})
_PAID = frozenset({ev.CashFlow, ev.Dividend, ev.Adjust})
_ACCOUNT = frozenset({ev.Fill, ev.Reply, ev.OrderUpdate})
_ORDERLY = frozenset({
    Wanted, Unsized, Verdict, Reserve, Released, Given, Cancel, Amend, SetTimer, ev.Timer, ev.Fill, ev.Reply, ev.OrderUpdate, ev.Account,
})  # fmt: skip
"""Records of wishes, orders and time alone: what the gate has worked out outlives them."""


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
        self.journal = journal
        self.on_failure = on_failure
        self.failures: list[Failure] = []
        self.state = State(instruments, base, ids, fx)
        self.view = StateView(self.state, multiplier)
        self.dispatch = Dispatch(self.state, ordered, self.fail)
        self.levels = Levels(self, breakers or Breakers())
        self.effects: list[Effect] = []
        self.dirty: set[int] = set()
        self.muted = False
        self.state.storms = self.levels.breakers.storms()
        self.gate = gate
        self.patience = self.state.patience
        self.grains: dict[int, Grain] = {}
        self._watched = frozenset(i for i, bound in enumerate(self.dispatch.bound) if len(bound) > 1 or instruments[i].away_ns)
        self.cursor = 0
        self.heartbeats: list[ev.Event] = []
        self._memory_every = memory_every
        self._since_memory = 0
        self._header = Run(
            ev.SCHEMA, desk, base, instruments.symbols, tuple(ids), tapes,
            {slot.id: slot.code for slot in self.dispatch.slots},
        )  # fmt: skip
        self._budgets = [Grant(binding.id, binding.budget, binding.max_loss) for binding in ordered if binding.budget]

    @property
    def gate(self) -> RiskGate:
        """The only maker of Approved."""
        return self._gate

    @gate.setter
    def gate(self, gate: RiskGate) -> None:
        """Ask another gate from the next order on; what it looks at is counted from now on."""
        self._gate = gate
        if self.state.counters.requests is None and any(getattr(rule, "paces", False) for rule in gate.rules):
            self.state.counters.requests = Requests()

    @property
    def slots(self) -> list[Slot]:
        """The bound strategies, by id."""
        return self.dispatch.slots

    def slot(self, strategy: str) -> Slot:
        """The bound strategy of an id."""
        return self.dispatch.by_id[strategy]

    def resume(self, cursor: int) -> None:
        """Go on after a restart. cursor: the market row that the journal has marked last."""
        self.cursor = cursor
        self.state.filled.clear()
        self.levels.watch()
        self.rebind()

    def rebind(self) -> None:
        """Read the cells' feeds anew, after they were changed."""
        self.dispatch.bind()
        self._gate.forget()

    # -- life ------------------------------------------------------------------------------------------------------------

    def open(self, cash: Sequence[ev.CashFlow]) -> None:
        """Begin a journal: the header, the first deposits, the budgets. Called once, before the first event."""
        self.record(self._header)
        for flow in cash:
            self.record(flow)
        for grant in self._budgets:
            self.record(grant)
        self.state.peak = self.state.day_start = self.state.day_base = self.state.portfolio.equity

    def close(self) -> None:
        """End a run: snapshot the strategies, mark the last row, close the commit group."""
        self.remember()
        self.journal.flush()

    def remember(self) -> None:
        """Record a snapshot of every strategy's private state."""
        for slot in self.slots:
            self.record(Memory(slot.id, slot.save(), self.state.rows))
        if not self.slots:
            self.mark_rows()
        self._since_memory = 0

    # -- events ----------------------------------------------------------------------------------------------------------

    def step(self, event: ev.Event) -> tuple[Effect, ...]:
        """Take one event that is an instant of its own; returns the effects to perform, already recorded."""
        kind = type(event)
        if kind is ev.Bar:
            return self.advance((event,))  # type: ignore[arg-type]
        if (kind is ev.Quote or kind is ev.Trade) and not self.state.filled:
            return self.tick(event)  # type: ignore[arg-type]
        if self.dispatch.listens or kind not in _ACCOUNT:
            return self.instant((event,))
        self.record(event)
        touch(self, event)
        self.state.filled.clear()
        if self.dirty or self.effects:
            return self.decide()
        return NONE

    def advance(self, bars: Iterable[ev.Bar]) -> tuple[Effect, ...]:
        """Step bars, each an instant of its own, until one has effects; returns them, or nothing when the bars end.

        Defined as `step` on each bar: it only spares the way in and out. An iterator keeps its place between calls.
        """
        state = self.state
        portfolio = state.portfolio
        marks, marked, lots, on_bar = portfolio.marks, portfolio.marked, portfolio.lots, self.dispatch.on_bar
        value, worth, cash, scale = portfolio.value, portfolio.worth, portfolio.cash, portfolio.scale
        currency, single, settle = portfolio.currency_of, portfolio.single and state.storms is None, state.settle
        wants, on_instant, keeps, courses = self.dispatch.wants, self.dispatch.on_instant, self.dispatch.keeps, state.courses
        watches = self.levels.watching
        for bar in bars:
            i = bar.instrument
            close = bar.close
            state.rows += 1
            if bar.known > state.now:
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
                self.levels.check()
            if courses or self.patience.stuck:
                self._rest((bar,))
            if keeps:
                self.dispatch.keep(bar)
            for call in on_bar[i]:
                call(bar)
            if on_instant:
                self.dispatch.close_instant()
            if wants or self.dirty or self.effects:
                effects = self.decide()
                if effects:
                    return effects
                on_bar, on_instant, keeps = self.dispatch.on_bar, self.dispatch.on_instant, self.dispatch.keeps
        return NONE

    def tick(self, event: ev.Quote | ev.Trade) -> tuple[Effect, ...]:
        """`instant` for one quote or trade, before which nothing was filled: the lane of a desk."""
        state, dispatch = self.state, self.dispatch
        kind = type(event)
        if kind is ev.Quote:
            state.quote(event)  # type: ignore[arg-type]
        else:
            state.trade(event)  # type: ignore[arg-type]
        state.rows += 1
        if event.known > state.now:
            state.now = event.known
        if state.courses:
            state.courses.see(event)
        portfolio = state.portfolio
        if not portfolio.single or state.storms is not None or portfolio.cash[0] + portfolio.worth[0] > state.peak:
            state.settle()
        if event.instrument in self._watched:
            self._trigger(event)
        if self.levels.watching:
            self.levels.check()
        if state.courses or self.patience.stuck:
            self._rest()
        for call in dispatch.on_row[kind][event.instrument]:
            call(event)
        if dispatch.on_instant:
            dispatch.close_instant()
        if dispatch.wants or self.dirty or self.effects:
            return self.decide()
        return NONE

    def instant(self, events: Sequence[ev.Event]) -> tuple[Effect, ...]:
        """Take all events of one instant: first every state change, then the handlers, then one decision."""
        if len(events) > 1:
            events = ev.sort_instant(list(events))
        self._absorb(events)
        self.dispatch.handle(events)
        effects = self.decide() if self.dispatch.wants or self.dirty or self.effects else NONE
        self.heartbeats = []
        return effects

    def bars(self, bars: Sequence[ev.Bar]) -> tuple[Effect, ...]:
        """`instant` for bars only, already in order of instrument: the lane of a portfolio's tape."""
        state = self.state
        mark = state.bar
        for bar in bars:
            mark(bar)
        state.rows += len(bars)
        state.now = bars[-1].known
        state.settle()
        if self._watched:
            for bar in bars:
                self._trigger(bar)
        if self.levels.watching:
            self.levels.check()
        if state.courses or self.patience.stuck:
            self._rest(bars)
        if self.dispatch.keeps:
            for bar in bars:
                self.dispatch.keep(bar)
        on_bar = self.dispatch.on_bar
        if len(self.slots) == 1:
            for bar in bars:
                for call in on_bar[bar.instrument]:
                    call(bar)
        else:
            self.dispatch.by_strategy(bars)
        if self.dispatch.on_instant:
            self.dispatch.close_instant()
        if self.dispatch.wants or self.dirty or self.effects:
            return self.decide()
        return NONE

    # -- phase 1: state --------------------------------------------------------------------------------------------------

    def _absorb(self, events: Sequence[ev.Event]) -> None:
        state = self.state
        self.heartbeats = [event for event in events if type(event) is ev.Timer and event.name == "pulse"]
        rows = sum(1 for event in events if type(event) in _ROWS)
        if len(events) > 1:
            recorded = len(events) - rows - len(self.heartbeats)
            if recorded:
                self.journal.append(Rows(state.rows, recorded, rows))
                self.cursor = state.rows
        for event in events:
            if type(event) not in _ROWS and not (type(event) is ev.Timer and event.name == "pulse"):
                self.record(event)
        for event in events:
            if type(event) in _ROWS:
                state.row(event)  # type: ignore[arg-type]
        state.now = max(state.now, events[-1].known)
        if rows:
            if len(events) > rows:
                self.cursor = state.rows
            state.settle()
            if self._watched:
                for event in events:
                    if type(event) in _ROWS:
                        self._trigger(event)
        if len(events) > rows:
            for event in events:
                if type(event) not in _ROWS:
                    touch(self, event)
        if self.dispatch.keeps:  # as the handlers of this instant will find them: after commands, splits and pauses
            for event in events:
                if type(event) is ev.Bar:
                    self.dispatch.keep(event)
        if rows or self.heartbeats:
            if self.levels.watching:
                self.levels.check(bool(self.heartbeats))
            if state.courses or self.patience.stuck:
                self._rest()

    def _rest(self, rows: Sequence[ev.Bar] = ()) -> None:
        """Time has passed: what waited is planned again, what is paced goes on. rows: those its courses have not seen."""
        if self.patience.stuck:
            self.dirty |= self.patience.ripe(self.state.rows, self.state.now, self.state.bare)
        if self.state.courses:
            for row in rows:
                self.state.courses.see(row)
            pace(self)

    def rescale(self, split: ev.Split) -> None:
        """Bring the strategies to the prices after a split."""
        self.dispatch.split(split)
        self.dirty.add(split.instrument)

    # -- phase 2: strategies ---------------------------------------------------------------------------------------------

    def fail(self, slot: Slot, event: Any, error: Exception) -> None:
        """A strategy raised: it stops, the others go on; its ladder goes, its protections stay."""
        if self.state.status[slot.id] == "quarantined":
            return  # a step that raised on one instrument was called on the next one of the same instant
        text = f"{type(error).__name__}: {error}"
        trace = "".join(traceback.format_exception(error))
        self.failures.append(Failure(slot.id, self.state.now, repr(event), text, trace))
        if self.muted:
            return
        self.stand(slot.id, "quarantined", text)
        self.do(Alarm("STRATEGY_QUARANTINED", f"{slot.id}: {text}", "page"))
        if self.on_failure == "flatten":
            self.levels.flatten(slot.id, "quarantined")

    def stand(self, strategy: str, status: str, cause: str) -> None:
        """Change a strategy's standing; one that is not active keeps position and protections and loses its wishes."""
        self.record(Standing(strategy, status, cause))
        if status != "active":
            for i in self.dispatch.by_id[strategy].instruments:
                if (strategy, i) in self.state.wishes:
                    self.record(Given(strategy, i, status.upper()))
                    self.dirty.add(i)
            self.dispatch.drop(strategy)
        self.dispatch.bind()

    # -- engine-side protections -----------------------------------------------------------------------------------------

    def _trigger(self, event: Any) -> None:
        """Where several strategies hold an instrument, the engine itself watches each one's stop and target."""
        i = event.instrument
        if i in self._watched and not self.state.unguarded:
            for strategy, tag in reached(self.state, self.dispatch.bound[i], event):
                self.record(Wanted(strategy, Target(i, lots=0, why=f"protection: {tag}"), 0, self.state.now, "protection"))
                self.dirty.add(i)
            if due(self.state, self.dispatch.bound[i], i):
                self.dirty.add(i)

    # -- phase 3: decide -------------------------------------------------------------------------------------------------

    def decide(self) -> tuple[Effect, ...]:
        """Record what is wanted, plan each touched instrument once, gate the drafts, return the effects."""
        wants = self.dispatch.wants
        if wants and len(wants) == 1 and not self.dirty and not self.effects and straight(self, *wants[0]):
            wants.clear()
        elif wants:
            wants = wants[:]
            self.dispatch.wants.clear()
            for slot, intent in wants:
                if intent is not None and self.state.status[slot.id] == "active":
                    want(self, slot, intent)
            if self.levels.flattening:
                self.levels.verify()
        for _ in range(ROUNDS if self.dirty else 0):  # again, where the gate refused an exit or trimmed it
            planned = sorted(self.dirty)
            self.dirty.clear()
            drafts: list[Draft] = []
            for i in planned:
                self._plan(i, drafts)
            send(self, drafts)
            if not self.dirty:
                break
        self.dirty.clear()
        effects = tuple(self.effects)
        self.effects.clear()
        self.journal.commit()
        if self._memory_every:
            self._since_memory += 1
            if self._since_memory >= self._memory_every:
                self.remember()
        return effects

    def _plan(self, i: int, drafts: list[Draft]) -> None:
        state = self.state
        bound = self.dispatch.bound[i]
        if state.portfolio.books[HOUSE].lots[i] and (HOUSE, i) in state.wishes:
            bound = [HOUSE, *bound]
        made = plan(state, i, bound)
        for cross in made.crosses:
            self.record(cross)
        if made.crosses and self.instruments[i].away_ns:
            self.dirty.add(i)  # protections follow what the crosses made of the books
        self._cancel(i, made.cancels)
        if made.way and may_leave(self, made.exits):
            self._cancel(i, made.way)
        if made.saga:
            begun(self, i, made.saga)
        for amend in made.amends:
            if not self.patience.asleep((i, f"amend {amend.order}"), state.now):
                self.do(amend)
        drafts.extend(made.drafts)

    def _cancel(self, i: int, orders: Sequence[int]) -> None:
        for order in orders:
            if not self.patience.asleep((i, f"cancel {order}"), self.state.now):
                self.do(Cancel(order))

    def do(self, effect: Cancel | Amend | Alarm) -> None:
        """Record an effect and ask for it."""
        self.record(effect)
        self.effects.append(effect)

    def leap(self, stretch: Stretch | None, cursor: int, decisions: int) -> None:
        """Record a stretch of plain orders, if any, that was walked elsewhere; its state is for the caller to bring home."""
        if stretch is not None:
            self.journal.stretch(stretch)
        self.cursor = cursor
        if self._memory_every:
            self._since_memory += decisions

    @property
    def decisions_left(self) -> int:
        """Decisions that may be made elsewhere before the strategies must be snapshot."""
        return self._memory_every - self._since_memory - 1 if self._memory_every else NEVER

    # -- recording -------------------------------------------------------------------------------------------------------

    def mark_rows(self) -> None:
        """Say in the journal how many market rows came before what follows."""
        rows = self.state.rows
        if rows != self.cursor:
            self.cursor = rows
            self.journal.append(Rows(rows))

    def record(self, record: Any) -> None:
        """Record first, then apply; a heartbeat that did something after all goes before what it did."""
        if self.muted:
            raise Broken("MUTED", "a decision was made while the past is relived")
        kind = type(record)
        if kind not in _ORDERLY:
            self._gate.forget()
            if kind in _PAID:
                self.state.portfolio.currency_index(record.currency)  # broken before it is recorded, or no journal could be read
        if self.state.rows != self.cursor:
            self.mark_rows()
        if self.heartbeats:
            pulses, self.heartbeats = self.heartbeats, []
            for pulse in pulses:
                self.record(pulse)
        self.journal.append(record)
        self.state.apply(record)


__all__ = ["Breakers", "Engine", "Failure"]
