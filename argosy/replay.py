"""The synchronous loop: market rows and scheduled events become instants, effects go to a simulated market, answers come back.

Lab, exchange and the nightly twin share it. It owns the order of time and nothing else: it computes no price, no fill and
no decision, and it never reads a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import islice
from operator import attrgetter

import numpy as np

from argosy.core.effects import Amend, Cancel, Effect, SetTimer, Submit
from argosy.core.errors import Broken
from argosy.core.events import (
    RANK,
    Bar,
    BookDelta,
    Delist,
    Event,
    Expiry,
    MarketEvent,
    Quote,
    Session,
    Split,
    Status,
    Timer,
    Trade,
)
from argosy.core.merged import Merged
from argosy.core.protocols import Market
from argosy.core.tape import Tape
from argosy.core.time import NEVER
from argosy.engine.coast import Coast
from argosy.engine.engine import Engine
from argosy.engine.entries import Entries
from argosy.engine.scan import Scan
from argosy.engine.steps import hint

_KNOWN = attrgetter("known")
_FOR_MARKET = (Session, Split, Status, Delist, Expiry)


SCAN_FROM = 50_000
"""Rows from which compiling a strategy pays."""
ENTRIES_PAY = 10
"""A step that says entries pays so many times earlier: each of its bars is orders."""


class Replay:
    """Drives an engine and a simulated market through the past.

    events: what else became known (sessions, splits, dividends, cash flows, commands, facts), in any order
    progress: called with the number of market rows done, now and then
    scan_from: rows from which a strategy that can be compiled is, a tenth of them where a step says entries
    scanned, coasted: whether it was, or slept through ticks;
    hint: what in its step kept it from being compiled
    """

    def __init__(
        self,
        engine: Engine,
        market: Market,
        tapes: Sequence[Tape],
        events: Iterable[Event] = (),
        *,
        progress: Callable[[int], None] | None = None,
        scan_from: int = SCAN_FROM,
    ) -> None:
        self.engine = engine
        self.market = market
        self.source = Merged(tapes)
        self._scan_from = scan_from
        self.scanned = self.coasted = False
        self.hint = ""
        self._timers: set[tuple[int, str, str]] = set()
        self.script: tuple[Event, ...] = tuple(sorted(events, key=_KNOWN))
        self._script = list(self.script[::-1])  # last first, so that the next is popped cheaply
        self._late: list[tuple[int, int, int, Event]] = []
        self._count = 0
        self._progress = progress

    def run(self, stop: int | None = None) -> None:
        """Feed every row from where the engine stands (or up to row `stop`) and every scheduled event.

        Called again, it goes on; leaves the engine at the last instant. `stop` must be the edge of an instant.
        """
        source = self.source
        for timer in sorted(self.engine.state.timers - self._timers):  # set before a restart
            self._time(*timer)
        start = self.engine.state.rows
        stop = len(source) if stop is None else min(stop, len(source))
        if start < stop:
            rows = source.rows(start)
            bounds = source.instants()
            inside = bounds[(bounds >= start) & (bounds < stop)].tolist()
            scan, coast = self._scan(stop - start), self._coast(stop - start)
            if source.openings:
                self._run_openings(rows, [*inside, stop])
            elif scan is not None:
                self._run_scanned(scan, start, stop)
            elif coast is not None:
                self._run_coasted(coast, start, stop)
            elif len(inside) == stop - start and all(tape.kind is Bar for tape in source.tapes):
                self._run_single(rows, start, stop)
            else:
                self._run_instants(rows, [*inside, stop])
        if stop == len(source) and stop:
            self._finish(int(source.known[-1]))

    # -- lanes -----------------------------------------------------------------------------------------------------------

    def _scan(self, rows: int) -> Scan | None:
        """The compiled way through quiet bars, where there is one and it pays."""
        if self.source.openings or not all(tape.kind is Bar for tape in self.source.tapes):
            return None
        found = Entries.of(self.engine, self.source.columns) if rows >= self._scan_from // ENTRIES_PAY else None
        if found is None and rows < self._scan_from:
            return None
        scan = found or Scan.of(self.engine, self.source.columns)
        self.scanned = scan is not None
        self.hint = "" if self.scanned else hint(self.engine.slots)
        return scan

    def _run_quick(self, start: int, stop: int, leap: Callable[[int, int], None], instant: Callable[[int, int, bool], None]) -> None:
        """Quiet stretches compiled, as far as `leap(row, end)` takes them; what stops it instant by instant, `instant(row, end, calm)`.

        calm: nothing scheduled is due by the instant's end
        """
        known, state = self.source.known, self.engine.state
        done, quiet, at = start, start, -1
        while done < stop:
            upcoming = self._next()
            if upcoming != at or quiet <= done:
                at, quiet = upcoming, self._quiet_until(done, stop)
            if quiet > done:
                leap(done, quiet)
            if state.rows == done:
                end = done + 1
                while end < stop and known[end] == known[done]:
                    end += 1
                instant(done, end, quiet > done)
            done = state.rows
            if self._progress is not None:
                self._progress(done)

    def _run_scanned(self, scan: Scan, start: int, stop: int) -> None:
        """Bars of one step strategy: what touches no order is walked with it, compiled."""
        market, instrument = self.market, self.source.columns["instrument"]

        def leap(row: int, end: int) -> None:
            if scan.ready:
                self._perform(scan.leap(row, end, market))

        def instant(row: int, end: int, calm: bool) -> None:
            self._open(scan, row, end)
            if calm and scan.ready and scan.sleeps and not any(market.busy(i) for i in instrument[row:end].tolist()):
                return  # whatever rested has been filled at the open: the rest of the instant is quiet
            self._perform(self._instant([scan.bar(r) for r in range(row, end)]))

        self._run_quick(start, stop, leap, instant)

    def _open(self, scan: Scan, start: int, end: int) -> None:
        """The openings of rows [start, end), one instant, with what is due before each."""
        market, columns = self.market, self.source.columns
        starts, instrument = columns["ts"], columns["instrument"]
        for ts in sorted(set(starts[start:end].tolist())):
            self._before(ts + 1)
            opened: list[Event] = []
            for row in range(start, end):
                if market.busy(instrument.item(row)) and starts.item(row) == ts:
                    opened.extend(market.opening(scan.bar(row)))
            if opened:
                self._deliver(opened, ts)

    def _instant(self, bars: Sequence[Bar]) -> Sequence[Effect]:
        """An instant of bars after their openings: what is due, what happens inside the bars, the engine's word."""
        now = bars[0].known
        self._before(now)
        answers = [answer for bar in bars if self.market.busy(bar.instrument) for answer in self.market.apply(bar, now)]
        due = self._due(now, answers)
        return self.engine.instant([*due, *bars]) if due else self.engine.bars(bars)

    def _run_single(self, rows: Iterator[MarketEvent], start: int, stop: int) -> None:
        """One bar an instant: the quickest lane; stretches without scheduled events run without looking for them."""
        advance, market, perform = self.engine.advance, self.market, self._perform
        state = self.engine.state
        single = len(self.source.tapes) == 1 and len(self.source.tapes[0].instruments) == 1
        only = self.source.tapes[0].instruments[0] if single else -1
        done = start
        while done < stop:
            quiet = self._quiet_until(done, stop)
            if quiet == done or (market.busy(only) if single else True):
                bar = next(rows)
                if quiet == done or market.busy(bar.instrument):
                    effects = self._bar_instant(bar)  # type: ignore[arg-type]
                else:
                    effects = advance((bar,))  # type: ignore[arg-type]
            else:
                effects = advance(islice(rows, quiet - done))  # type: ignore[arg-type]
            if effects:
                perform(effects)
            done = state.rows
            if self._progress is not None:
                self._progress(done)

    def _bar_instant(self, bar: Bar) -> Sequence[Effect]:
        """One bar with all that is due by it: its opening first, as an instant of its own at the bar's start."""
        market = self.market
        calm = self._next() > bar.known
        if not calm:
            self._before(bar.ts + 1)
        if market.busy(bar.instrument):
            opened = market.opening(bar)
            if opened:
                self._deliver(opened, bar.ts)
            calm = self._next() > bar.known
        if not calm:
            self._before(bar.known)
        answers = market.apply(bar, bar.known) if market.busy(bar.instrument) else ()
        if answers or not calm:
            due = self._due(bar.known, answers)
            if due:
                return self.engine.instant([*due, bar])
        return self.engine.advance((bar,))

    def _coast(self, rows: int) -> Coast | None:
        """The compiled way through trades and quotes for which nobody is called, where there is one and it pays."""
        if rows < self._scan_from or any(tape.kind not in (Trade, Quote, BookDelta) for tape in self.source.tapes):
            return None
        if any(tape.kind is BookDelta and self.market.busy(i) for tape in self.source.tapes for i in tape.instruments):
            return None  # the venue keeps a book, and must see each of its rows
        self.coasted = Coast.fits(self.engine)
        return Coast(self.engine, self.source.ticks()) if self.coasted else None

    def _run_coasted(self, coast: Coast, start: int, stop: int) -> None:
        """Ticks for which nobody is called: what touches no order is walked over, compiled."""
        market, source = self.market, self.source

        def leap(row: int, end: int) -> None:
            if coast.ready:
                effects = coast.run(row, end, market.touch())
                for i, last in coast.quotes.items():
                    if market.busy(i) and market.apply(source.row(last), source.known.item(last)):  # the quote at hand; it touches nothing
                        raise Broken("COAST", f"row {last} was walked over and touched an order", fix="report it; scan_from turns this off")
                self._perform(effects)

        def instant(row: int, end: int, calm: bool) -> None:
            self._step([source.row(r) for r in range(row, end)], False)

        self._run_quick(start, stop, leap, instant)

    def _run_instants(self, rows: Iterator[MarketEvent], bounds: list[int]) -> None:
        """Instants of several rows or kinds, none of whose bars began before the instant that came before."""
        only_bars = all(tape.kind is Bar for tape in self.source.tapes)
        for k in range(len(bounds) - 1):
            self._step(list(islice(rows, bounds[k + 1] - bounds[k])), only_bars)
            if self._progress is not None and k % 4096 == 0:
                self._progress(bounds[k + 1])

    def _step(self, batch: list[MarketEvent], only_bars: bool) -> None:
        """One instant of rows: the openings of its bars, what is due before, the market's answers, the engine's word."""
        engine, market = self.engine, self.market
        busy = market.busy
        now = batch[0].known
        answers: list[Event] = []
        if self._next() <= now or any(busy(row.instrument) for row in batch):
            bars = [row for row in batch if type(row) is Bar]
            for ts in sorted({bar.ts for bar in bars}):
                self._before(ts + 1)
                opened = [answer for bar in bars if bar.ts == ts and busy(bar.instrument) for answer in market.opening(bar)]
                if opened:
                    self._deliver(opened, ts)
            self._before(now)
            for row in batch:
                if busy(row.instrument):
                    answers.extend(market.apply(row, now))
            due = self._due(now, answers)
            effects = engine.instant([*due, *batch]) if due or not only_bars else engine.bars(batch)  # type: ignore[arg-type]
        else:
            effects = engine.bars(batch) if only_bars else engine.instant(batch)  # type: ignore[arg-type]
        if effects:
            self._perform(effects)

    def _run_openings(self, rows: Iterator[MarketEvent], bounds: list[int]) -> None:
        """Bars that overlap other rows: their openings happen at their own time, before anything known later."""
        market = self.market
        moments: list[tuple[int, int, list[MarketEvent]]] = []
        for k in range(len(bounds) - 1):
            batch = list(islice(rows, bounds[k + 1] - bounds[k]))
            moments.append((batch[0].known, 0, batch))
            moments.extend((row.ts, 1, [row]) for row in batch if type(row) is Bar)
        moments.sort(key=lambda moment: moment[:2])
        for when, opening, batch in moments:
            if opening:
                self._before(when + 1)
                bar = batch[0]
                assert type(bar) is Bar
                if market.busy(bar.instrument):
                    opened = market.opening(bar)
                    if opened:
                        self._deliver(opened, when)
                continue
            self._before(when)
            answers = [answer for row in batch if market.busy(row.instrument) for answer in market.apply(row, when)]
            effects = self.engine.instant([*self._due(when, answers), *batch])
            if effects:
                self._perform(effects)

    # -- time ------------------------------------------------------------------------------------------------------------

    def _quiet_until(self, done: int, stop: int) -> int:
        """The row before which no scheduled or late event is due."""
        at = self._next()
        if at == NEVER:
            return stop
        return min(stop, max(done, int(np.searchsorted(self.source.known, at, side="left"))))

    def _next(self) -> int:
        """When the next scheduled or late event is known."""
        script, late = self._script, self._late
        at = script[-1].known if script else NEVER
        if late and late[0][0] < at:
            at = late[0][0]
        return min(at, self.market.due)

    def _before(self, now: int) -> None:
        """Deliver everything known strictly before `now`, instant by instant."""
        while (at := self._next()) < now:
            due = self._take(at)  # nothing, where something happened at the venue of which the news is under way
            if due:
                self._perform(self.engine.instant(due))

    def _take(self, at: int) -> list[Event]:
        """All scheduled and late events known by `at`; the market hears first of those that concern it."""
        script, late = self._script, self._late
        events = self._now_or_later(self.market.settle(at), at) if self.market.due <= at else []
        while script and script[-1].known <= at:
            event = script.pop()
            events.append(event)
            if isinstance(event, _FOR_MARKET):
                events.extend(self._now_or_later(self.market.apply(event, at), at))
        while late and late[0][0] <= at:
            events.append(heappop(late)[3])
        return events

    def _due(self, now: int, answers: Sequence[Event]) -> list[Event]:
        """Events of the instant `now` beside its market rows."""
        events = self._now_or_later(answers, now)
        if self._next() <= now:
            events.extend(self._take(now))
        return events

    def _now_or_later(self, answers: Sequence[Event], now: int) -> list[Event]:
        """The answers known by now; the others are kept for their time."""
        if len(answers) == 1 and answers[0].known <= now:
            return list(answers)
        due = []
        for answer in answers:
            if answer.known <= now:
                due.append(answer)
            else:
                self._later(answer)
        return due

    def _time(self, at: int, name: str, strategy: str) -> None:
        """Wake the engine at a time it asked for."""
        self._timers.add((at, name, strategy))
        self._later(Timer(at, at, name, strategy))

    def _later(self, event: Event) -> None:
        self._count += 1
        heappush(self._late, (event.known, RANK[type(event)], self._count, event))

    def _deliver(self, answers: Sequence[Event], now: int) -> None:
        """Give the engine a market's answers as one instant."""
        due = self._now_or_later(answers, now)
        if due:
            self._perform(self.engine.step(due[0]) if len(due) == 1 else self.engine.instant(due))

    # -- effects ---------------------------------------------------------------------------------------------------------

    def _perform(self, effects: Sequence[Effect]) -> None:
        """Do what the engine asked, and give it the answers; repeated until it asks for nothing more."""
        engine, market = self.engine, self.market
        while effects:
            now = engine.state.now
            answers: list[Event] = []
            for effect in effects:
                kind = type(effect)
                if kind is Submit or kind is Cancel or kind is Amend:
                    answers.extend(market.apply(effect, now))
                elif kind is SetTimer:
                    self._time(effect.at, effect.name, effect.strategy)  # type: ignore[union-attr]
            due = self._now_or_later(answers, now)
            if not due:
                return
            effects = engine.step(due[0]) if len(due) == 1 else engine.instant(due)

    def _finish(self, last: int) -> None:
        """Deliver what is known by the last row; what would be known later stays undelivered, for the tape has ended."""
        self._before(last + 1)
        if self._progress is not None:
            self._progress(len(self.source))
