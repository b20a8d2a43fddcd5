"""Restart: the state from the journal, the strategies' private state by reliving what came after their last snapshot.

Reliving calls the same handlers with the same events and sends nothing: what they want must be what the journal says they
wanted. A strategy that wants otherwise, or whose code changed, is named; it is for the caller to quarantine it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from argosy.core import events as ev
from argosy.core.errors import Broken
from argosy.core.intents import Target
from argosy.engine.engine import Engine
from argosy.engine.fold import RowFeed
from argosy.engine.journal import Memory, Rows, Run, Standing, Unsized, Wanted
from argosy.engine.saved import load
from argosy.engine.wish import repeats, same_ladder


class Relived(msgspec.Struct):
    """What a restart found. rows: market rows applied; changed: strategies whose code is not the journal's; differed: strategies
    that wanted something else than the journal says, with what."""

    rows: int
    changed: list[str]
    differed: dict[str, str]


def restart(engine: Engine, records: Iterable[tuple[int, Any]], rows: Iterator[ev.MarketEvent], saved: bytes = b"") -> Relived:
    """Bring a fresh engine to where its journal ends.

    engine: built like the one that wrote the journal, not opened; rows: the run's market rows from the first on
    saved:  what `saved.save` gave at a place of the journal; records and rows are then those after that place
    Raises Broken JOURNAL_EMPTY, and what `fold` and `saved.load` raise.
    """
    recorded = [record for _, record in records]
    changed: list[str] = []
    if saved:
        load(engine, saved)
    elif not recorded or not isinstance(recorded[0], Run):
        raise Broken("JOURNAL_EMPTY", "the journal does not begin with a run's header")
    else:
        header = recorded[0]
        changed = [slot.id for slot in engine.slots if header.code.get(slot.id) != slot.code]
    memories = _last_memories(recorded)
    relive = _Reliving(engine, memories, changed)
    engine.muted = True
    feed = RowFeed(engine.state, rows, relive.rows)
    cursor = engine.cursor
    for place, record in enumerate(recorded):
        if type(record) is Rows:
            feed.upto(record.upto)
            cursor = record.upto + record.rows
            if record.events:
                feed.hold(record.events, record.rows)
                relive.begin()
            continue
        engine.state.apply(record)
        relive.record(record, place)
        if not feed.counted():
            relive.end()
    relive.end()
    engine.muted = False
    engine.resume(cursor)
    return Relived(engine.state.rows, changed, relive.differed)


def _last_memories(recorded: list[Any]) -> dict[str, tuple[int, Memory]]:
    """The last snapshot of each strategy and its place."""
    return {record.strategy: (place, record) for place, record in enumerate(recorded) if type(record) is Memory}


class _Reliving:
    """Feeds handlers what they were fed, and holds what they want against what is recorded."""

    def __init__(self, engine: Engine, memories: dict[str, tuple[int, Memory]], changed: list[str]) -> None:
        self._engine = engine
        self._memories = memories
        self._awake = {slot.id for slot in engine.slots if slot.id not in memories and slot.id not in changed}
        self._held: list[ev.Event] | None = None
        self._wants: dict[str, list[tuple[Any, bool]]] = {}
        self.differed: dict[str, str] = {}

    def begin(self) -> None:
        """An instant of several events begins."""
        self._held = []

    def record(self, record: Any, place: int) -> None:
        """One record was applied."""
        engine = self._engine
        if isinstance(record, ev.Event):
            if isinstance(record, ev.Split):
                engine.rescale(record)
            if self._held is not None:
                self._held.append(record)
            else:
                self._settle()
                self._ask([record])
        elif type(record) is Standing:
            engine.rebind()
        elif type(record) is Wanted or type(record) is Unsized:
            self._hold_against(record)
        elif type(record) is Memory and self._memories[record.strategy][0] == place:
            engine.slot(record.strategy).load(record.blob)
            self._awake.add(record.strategy)
            engine.rebind()

    def _hold_against(self, record: Wanted | Unsized) -> None:
        """What is recorded must be wanted again; what the engine wanted for a strategy is none of its words."""
        strategy = record.strategy
        waiting = self._wants.get(strategy, [])
        wanted = record.intent
        if type(record) is Wanted and record.by != "strategy":  # what it said in the same instant may be no news beside that
            wish = self._engine.state.wishes[strategy, wanted.instrument]
            self._wants[strategy] = [
                (one, again or (one.instrument == wanted.instrument and type(one) is Target and wish.lots is not None and repeats(wish.intent, one)))
                for one, again in waiting
            ]
            return
        for want in waiting:
            if want[0].instrument == wanted.instrument and repeats(wanted, want[0]):
                waiting.remove(want)
                return
        if strategy in self._awake:
            now = waiting[0][0] if waiting else "nothing"
            self.differed.setdefault(strategy, f"at {self._engine.state.now}: {now} instead of {record.intent}")

    def rows(self, rows: list[ev.MarketEvent]) -> None:
        """An instant's market rows were applied; what waited for one has waited long enough, as it had then."""
        state = self._engine.state
        if state.patience.stuck:
            state.patience.ripe(state.rows, state.now, state.bare)
        if self._held is not None:
            self._held.extend(rows)
            return
        self._settle()
        self._ask(rows)

    def end(self) -> None:
        """The records of a marked instant are all there."""
        if self._held is not None:
            held, self._held = self._held, None
            self._settle()
            self._ask(held)

    def _ask(self, events: list[Any]) -> None:
        """Let the strategies that are awake see the events; those asleep only keep their indicators warm."""
        wants = relive(self._engine, events, self._awake)
        for strategy, intent, again in wants:
            self._wants.setdefault(strategy, []).append((intent, again))

    def _settle(self) -> None:
        """What was wanted in the instant before and not recorded is a difference."""
        for strategy, waiting in self._wants.items():
            anew = [intent for intent, again in waiting if not again]
            if anew:
                self.differed.setdefault(strategy, f"at {self._engine.state.now}: {anew[0]}")
        self._wants.clear()


def relive(engine: Engine, events: Sequence[ev.Event], awake: set[str]) -> list[tuple[str, Any, bool]]:
    """Feed the handlers of strategies that are awake and return what they want, and whether it repeats what stands.

    The state has the events already. Strategies asleep only keep windows and indicators. Nothing is recorded or sent.
    """
    for event in events:
        if type(event) is ev.Bar:
            if engine.dispatch.keeps:
                engine.dispatch.keep(event)
            for slot in engine.slots:
                cell = slot.cells.get(event.instrument)
                if cell is not None and cell.sees(event.span) and slot.id not in awake and slot.declaration.step is not None:
                    cell.needs = cell.feed(event)
    asleep = [slot.id for slot in engine.slots if slot.id not in awake]
    engine.dispatch.handle(events, asleep)
    wants: list[tuple[str, Any, bool]] = []
    latest: dict[tuple[str, int], Any] = {}
    for slot, intent in engine.dispatch.wants:
        if intent is None:
            continue
        key = (slot.id, intent.instrument)
        wish = engine.state.wishes.get(key)
        standing = latest.get(key, wish.intent if wish is not None and wish.lots is not None else None)
        again = type(intent) is Target and repeats(standing, intent)
        if again or (same_ladder(wish, intent) and latest.get(key) is None):
            wants.append((slot.id, intent, True))
            continue
        latest[key] = intent
        wants.append((slot.id, intent, False))
    engine.dispatch.wants.clear()
    engine.effects.clear()
    engine.dirty.clear()
    return wants
