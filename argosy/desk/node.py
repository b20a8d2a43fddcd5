"""The rim around the heart: what becomes known goes in at once, what is wanted goes out; between them nothing waits in a queue.

One thread owns everything here. An event is recorded, the engine is stepped, the journal is committed, then the effects are performed:
nothing is sent that is not written. It decides nothing about trading, and it never goes on after the engine broke a law.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from argosy.core import events as ev
from argosy.core.effects import Alarm, Cancel, Note, SetTimer
from argosy.core.errors import ArgosyError, Broken
from argosy.core.points import reach
from argosy.core.protocols import Journal, Venue
from argosy.core.time import MS
from argosy.desk.bars import Bars
from argosy.desk.clock import Clock
from argosy.desk.folder import Folder
from argosy.desk.gather import Gather
from argosy.desk.perform import Perform
from argosy.desk.seen import Seen
from argosy.desk.sessions import Sessions
from argosy.engine.engine import Engine

PULSE_S = 0.1
BEHIND_NS = 2 * MS
"""A turn of the loop that has lasted this long is behind: of the quotes that still lie in it, the last of each symbol counts."""
ROWS = frozenset({ev.Bar, ev.Quote, ev.Trade, ev.BookDelta})


class Recorder(Protocol):
    """What keeps the market rows that the journal only counts."""

    @property
    def append(self) -> Callable[[ev.MarketEvent], None]: ...


class Paper(Protocol):
    """A venue that fills from the desk's own market rows, and must see them first."""

    def row(self, event: ev.MarketEvent) -> None: ...
    def happened(self, event: Any) -> None: ...
    def passed(self, now: int) -> None: ...


class Stream(msgspec.Struct):
    """How a stream is. since: ns of its last turn; heard: ns of the last thing on it; turns: how often it came up."""

    name: str
    up: bool = False
    since: int = 0
    heard: int = 0
    turns: int = 0
    why: str = ""


class Told(msgspec.Struct, frozen=True):
    """An alarm: something the owner must see."""

    at: int
    code: str
    text: str
    severity: str = "warn"


class Node:
    """One desk at work.

    engine, venue, journal, clock, folder: as wired; recorder: keeps market rows, None: nobody; paper: see `quay.Wired`
    sessions:  when markets are open; bars: longer bars out of minutes; gather: bars that wait for each other, None where none do
    account:   number of the account; mode: as the owner named it, for the eye alone
    streams:   by name; alarms: the last ones; log: told each of them
    closed:    set when the desk has ended; ended: why, "" while it works; status: what it exits with
    broken:    the law that did not hold; after it nothing more is stepped
    on_turn:   called with (name, up, why) when a stream comes or goes; on_step: after each event that was no market row
    on_rows:   called once a turn of the loop in which a data stream said something
    seen:      the last bar of each series that went in; again: instruments that are planned anew with their next price
    """

    def __init__(
        self, engine: Engine, venue: Venue, journal: Journal, clock: Clock, folder: Folder, *, sessions: Sessions, bars: Bars,
        recorder: Recorder | None = None, paper: Paper | None = None, mode: str = "sim", account: str = "", desk: str = "ARGO",
        log: Callable[[Told], None] | None = None, gather: Gather | None = None,
    ) -> None:  # fmt: skip
        self.engine = engine
        self.venue = venue
        self.journal = journal
        self.clock = clock
        self.folder = folder
        self.sessions = sessions
        self.bars = bars
        self.gather = gather
        self.recorder = recorder
        self.paper = paper
        self.mode, self.account, self.desk = mode, account, desk
        self.perform = Perform(venue, self.hear, clock.now, timer=self._set_timer, alarm=self._alarmed, note=_unread)
        self.streams = {"account": Stream("account"), "market": Stream("market")}
        self.alarms: deque[Told] = deque(maxlen=200)
        self.closed = asyncio.Event()
        self.stopping = asyncio.Event()
        self.ended = ""
        self.exit_status = 0
        self.broken: ArgosyError | None = None
        self.trading = self.closing = False
        self.began = clock.now()
        self.rows = self.conflated = 0
        self.slowest_ns = 0
        self.on_turn: list[Callable[[str, bool, str], None]] = []
        self.on_step: list[Callable[[ev.Event], None]] = []
        self.on_rows: Callable[[], None] = _nothing
        self.seen = Seen()
        self.again: set[int] = set()
        self._log = log
        self._late: dict[int, ev.Quote] = {}
        self._turn = 0
        self._timers: dict[tuple[int, str, str], asyncio.TimerHandle] = {}
        self._keep = recorder.append if recorder is not None else None
        self._step = engine.step
        self._market = self.streams["market"]

    # -- what comes in ---------------------------------------------------------------------------------------------------

    def row(self, event: ev.Event) -> None:
        """What a data stream says, where its frame is read: the hot path."""
        kind = type(event)
        if self.broken is not None or self.closing:
            return
        mono = self.clock.mono
        if not self._turn:
            self._turn = mono()
            asyncio.get_running_loop().call_soon(self._turned_over)
        elif kind is ev.Quote and mono() - self._turn > BEHIND_NS:
            self.conflated += event.instrument in self._late  # type: ignore[attr-defined]
            self._late[event.instrument] = event  # type: ignore[attr-defined, assignment]
            return
        if kind is ev.Quote or kind is ev.Trade:
            self.rows += 1
            if self.again:
                self._again(event.instrument)  # type: ignore[attr-defined]
            if self.paper is not None:
                self.paper.row(event)  # type: ignore[arg-type]
            if self._keep is not None:
                self._keep(event)  # type: ignore[arg-type]
            try:
                effects = self._step(event)
                if effects:
                    reach("effects.quote")
                    self.perform(effects)
            except Exception as error:  # whatever it is, the heart stands between two states
                self._broke(error)
        elif kind is ev.Bar:
            self._minute(event)  # type: ignore[arg-type]
        else:
            self.step(event)

    def _again(self, instrument: int) -> None:
        """The first price of an instrument since the start: what stands is planned anew."""
        if instrument in self.again:
            self.again.discard(instrument)
            self.engine.dirty.add(instrument)

    def _turned_over(self) -> None:
        """The turn of the loop has ended: what was put off is taken."""
        took = self.clock.mono() - self._turn
        if took > self.slowest_ns:
            self.slowest_ns = took
        self._turn = 0
        self._market.heard = self.clock.now()
        self.on_rows()
        if self._late:
            late, self._late = self._late, {}
            for quote in late.values():
                self.row(quote)

    def _minute(self, bar: ev.Bar) -> None:
        bars = self.bars.add(bar)
        if self.gather is not None:
            for whole in self.gather.add(bar, bars, self.clock.now()):
                self.instant(whole)
        elif bars:
            self.instant(bars)

    def hear(self, event: ev.Event) -> None:
        """What the venue says of the account: fills, updates, replies."""
        self.streams["account"].heard = self.clock.now()
        self.step(event)

    def step(self, event: ev.Event) -> None:
        """One event that is an instant of its own: recorded, stepped, committed, its effects performed."""
        if self.broken is not None:
            return
        kind = type(event)
        if kind in ROWS:
            self.instant((event,))
            return
        if self.paper is not None and kind in (ev.Session, ev.Status, ev.Split):
            self.paper.happened(event)
        reach(f"step.{kind.__name__.lower()}")
        try:
            if self.closing and kind is not ev.Fill:
                self.engine.record(event)
                effects: Sequence[Any] = ()
            else:
                effects = self._step(event)
            self.journal.commit()
            if effects:
                reach("effects.before")
                self.perform(effects)
                reach("effects.after")
            for hear in self.on_step:
                hear(event)
        except Exception as error:  # as above
            self._broke(error)

    def instant(self, events: Sequence[ev.Event]) -> None:
        """Several events that became known together."""
        if self.broken is not None:
            return
        for event in events:
            if type(event) in ROWS:
                self.rows += 1
                if type(event) is ev.Bar:
                    self.seen.note(event)
                if self._keep is not None:
                    self._keep(event)  # type: ignore[arg-type]
        try:
            effects = self.engine.instant(events) if len(events) > 1 else self._step(events[0])
            self.journal.commit()
            if effects:
                self.perform(effects)
        except Exception as error:  # as above
            self._broke(error)

    def act(self, do: Callable[[Engine], None]) -> None:
        """Let somebody record something, and do what the engine makes of it."""
        if self.broken is not None:
            return
        try:
            do(self.engine)
            effects = self.engine.decide()
            self.journal.commit()
            if effects:
                self.perform(effects)
        except Exception as error:  # as above
            self._broke(error)

    # -- the end -------------------------------------------------------------------------------------------------------------

    def close_entries(self) -> None:
        """Take back every order that could enlarge a position; wishes stand, so that the next run goes on with them.

        From now on nothing is planned: what the venue says is only recorded.
        """
        self.closing = True
        for open_ in self.engine.state.blotter.open:
            for ticket in list(open_.values()):
                if not ticket.order.reduce_only and not ticket.cancelling:
                    self.engine.do(Cancel(ticket.order.id))
        effects = tuple(self.engine.effects)
        self.engine.effects.clear()
        self.journal.commit()
        self.perform(effects)

    def leaving(self) -> bool:
        """Whether an order that could enlarge a position is not over yet."""
        return any(not ticket.order.reduce_only for open_ in self.engine.state.blotter.open for ticket in open_.values())

    # -- time ------------------------------------------------------------------------------------------------------------

    def pulse(self) -> None:
        """A tenth of a second has passed."""
        if self.broken is not None or self.closing:
            return
        now = self.clock.now()
        if self.paper is not None:
            self.paper.passed(now)
        if (due := self.sessions.due) <= now and not self.bars.waits(due, now):
            for event in self.sessions.take(now):
                day = self.bars.session(event, event.ts)
                if day:
                    self.instant(day)  # the day's bar belongs to its session
                self.step(event)
        over = self.bars.due(now)
        if self.gather is not None:
            over = self.gather.join(over)
            for whole in self.gather.due(now):
                self.instant(whole)
        if over:
            self.instant(over)
        self.step(ev.Timer(now, now, "pulse"))

    def _set_timer(self, effect: SetTimer) -> None:
        self.wake(effect.at, effect.name, effect.strategy)

    def wake(self, at: int, name: str, strategy: str) -> None:
        """Tell the engine at `at` (ns) that it has come; also for timers of before a restart."""
        key = (at, name, strategy)
        if key not in self._timers:
            self._timers[key] = self._later(key)

    def _later(self, key: tuple[int, str, str]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(min(self.clock.seconds_to(key[0]), 3600.0), self._ring, key)

    def _ring(self, key: tuple[int, str, str]) -> None:
        at, name, strategy = key
        now = self.clock.now()
        if now < at:  # a long wait is not exact
            self._timers[key] = self._later(key)
            return
        del self._timers[key]
        self.step(ev.Timer(at, now, name, strategy))

    # -- what goes wrong -------------------------------------------------------------------------------------------------

    def turned(self, name: str, up: bool, why: str) -> None:
        """A stream came or went."""
        stream = self.streams.setdefault(name, Stream(name))
        if up:
            stream.turns += 1
        changed = stream.up != up
        stream.up, stream.since, stream.why = up, self.clock.now(), why
        if changed and not up and not self.stopping.is_set():
            self.alarm("STREAM_DOWN", f"the {name} stream is gone: {why}")
        for hear in self.on_turn:
            hear(name, up, why)

    def alarm(self, code: str, text: str, severity: str = "warn") -> None:
        """Say something that the owner must see."""
        self._tell(Told(self.clock.now(), code, text, severity))

    def _alarmed(self, alarm: Alarm) -> None:
        self._tell(Told(self.clock.now(), alarm.code, alarm.text, alarm.severity))

    def _tell(self, told: Told) -> None:
        self.alarms.append(told)
        if self._log is not None:
            self._log(told)

    def _broke(self, error: Exception) -> None:
        """A law did not hold, or something raised in the heart: nothing more is stepped; who runs the desk sees to the orders."""
        if not isinstance(error, ArgosyError):
            error = Broken("HEART_RAISED", f"{type(error).__name__}: {error}", fix="keep the folder of the desk and report it")
        self.broken = error
        self.alarm(error.code, f"the desk has stopped: {error}", "page")
        self.stop(f"{error.code}: {error.what}", 1)

    def stop(self, why: str, exit_status: int = 0) -> None:
        """End the desk as soon as it can be done cleanly."""
        if not self.ended:
            self.ended, self.exit_status = why, exit_status
        self.stopping.set()

    def quiet(self) -> None:
        """No timer rings any more."""
        for handle in self._timers.values():
            handle.cancel()
        self._timers.clear()


def _nothing() -> None:
    """Nobody wants to know."""


def _unread(note: Note) -> None:
    """A note is in the journal."""
