"""From wired parts to a desk that may trade: the journal relived, the books compared, history fed, the streams up; nothing is sent before.

It ends ready or it raises. Where no order leaves there is no account to compare with, and the journal alone says what is held.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import msgspec

from argosy import quay
from argosy.core.errors import Broken, Retry
from argosy.core.events import CashFlow, Event, Session
from argosy.core.points import reach
from argosy.core.time import DAY, SECOND
from argosy.desk.actions import Actions
from argosy.desk.clock import Clock
from argosy.desk.node import Node
from argosy.desk.recover import Recovered, recover, unpacked
from argosy.desk.rounds import Rounds
from argosy.desk.start import Start, Started
from argosy.desk.warm import past, rest, volumes, warm
from argosy.engine.engine import Engine
from argosy.engine.restart import restart
from argosy.engine.saved import code, save

STREAM_S = 30.0
PATIENCE_S = 60.0


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """What a saved state is. bars: (instrument, span, start) of the last one of each series; engine: as `saved.save` gives it

    known: what the journal knew of the venue when this run began (`Recovered.packed`), b"" where it was the first
    """

    bars: list[tuple[int, int, int]]
    engine: bytes
    known: bytes = b""


class Memory(Protocol):
    """A journal that outlives its process, with states saved at places of it."""

    snapshots: Any

    @property
    def seq(self) -> int: ...
    def records(self, start: int = 1, tip: bytes | None = None) -> Any: ...


def keep(node: Node, journal: Any, known: bytes = b"") -> None:
    """Save the engine at this place of its journal, so that the next start is quick. known: see `Kept`."""
    engine = node.engine
    bars = [(i, every, ts) for (i, every), ts in node.seen.bars.items()]
    blob = msgspec.msgpack.encode(Kept(bars, save(engine), known))
    journal.remember(blob, rows=engine.state.rows, code=code(engine), state=engine.state.hash)


class Dawn:
    """One beginning.

    wired, node, rounds (None where no order leaves), journal, recorder: the parts; cash, currency: of the account, for a first start
    begins: see `Start`; actions: splits and the like since the last time, before history is read; known: see `Kept`, once it ran
    """

    def __init__(
        self, wired: quay.Wired, node: Node, rounds: Rounds | None, journal: Memory, recorder: Any, *, cash: int, currency: str, feed: str,
        clock: Clock, begins: Callable[[int], Sequence[Event]] = lambda now: (), actions: Actions | None = None,
    ) -> None:  # fmt: skip
        self.wired = wired
        self.node = node
        self.rounds = rounds
        self.journal = journal
        self.recorder = recorder
        self.cash = cash
        self.currency = currency
        self.feed = feed
        self.clock = clock
        self.begins = begins
        self.actions = actions
        self.fresh = journal.seq <= 1
        self.bars = self.rested = 0
        self.known = b""
        self.started = Started(self.fresh)

    async def run(self) -> Started:
        """All of it. What the engine wants done since its journal ended is in the answer; whoever calls performs it, in order."""
        node, engine = self.node, self.node.engine
        records, since, saved, first, known = self._told(engine)
        seen = node.seen
        rows = seen.over(self.recorder.rows(first) if not self.fresh else ())
        opened = 0
        if self.rounds is not None:
            start = Start(engine, self.rounds, self.clock, connect=self._connect, begins=self.begins, patience_s=PATIENCE_S)
            self.started = await start.run(records, rows, saved=saved, since=since, known=known)
            self.known, opened = start.known, start.opened
        elif self.fresh:
            now = self.clock.now()
            engine.open((CashFlow(now, now, self.currency, self.cash),))
        else:
            self.started.relived = restart(engine, since if since is not None else records, rows, saved)
            found = recover(records, engine.instruments, known)
            self.known, opened = found.packed(engine.state.blotter.tickets), found.opened
            self._paper(found)
            if self.actions is not None:
                self.actions.splits += found.splits
        reach("dawn.rows")
        self._rest()
        sessions = node.sessions.begin(self.clock.now())
        for event in sessions:
            if event.open:
                node.bars.session(event, event.ts)
        if self.actions is not None:
            await self.actions.begin(self.fresh, opened)
        reach("dawn.history")
        self.bars = warm(node, await _patiently(self._past), seen)
        for event in sessions:
            if self._fresh_session(event):
                node.step(event)
        for fact in await _patiently(self._volumes):
            node.step(fact)
        for at, name, strategy in sorted(engine.state.timers):
            node.wake(at, name, strategy)
        return self.started

    async def prices(self) -> None:
        """The market's stream, once whoever calls has performed what was left."""
        if not self.fresh:
            self.node.again = set(range(len(self.node.engine.instruments)))
        self.wired.feed_stream.start()
        await _ready(self.wired.feed_stream.ready.wait, "market")
        reach("dawn.ready")

    def _told(self, engine: Engine) -> tuple[list[Any], list[Any] | None, bytes, int, Recovered | None]:
        """(records, those after the saved state, the saved state, the number of the first market row after it, what was read before).

        Records are all, or all since the run began that saved the state: what came before is in it, and in what was read before.
        """
        if self.fresh:
            return [], None, b"", 0, None
        found = self.journal.snapshots.latest(code(engine), self.journal.seq)
        if found is None:
            return list(self.journal.records()), None, b"", 0, None
        kept = msgspec.msgpack.decode(found.blob, type=Kept)
        known = unpacked(kept.known, engine.instruments) if kept.known else None
        records = list(self.journal.records(known.upto if known is not None else 1))
        self.node.seen.bars |= {(i, every): ts for i, every, ts in kept.bars}
        return records, [row for row in records if row[0] >= found.label.seq], kept.engine, found.label.rows, known

    async def _connect(self) -> None:
        stream = self.wired.account_stream
        if stream is not None:
            stream.start()
            await _ready(stream.ready.wait, "account")

    def _rest(self) -> None:
        """The rows that were recorded after the last decision."""
        engine = self.node.engine
        if self.fresh:
            return
        if self.recorder.count < engine.state.rows:
            raise Broken("ROWS_MISSING", f"the journal knows {engine.state.rows} market rows, the recording {self.recorder.count}")
        self.rested = rest(self.node, self.node.seen.over(self.recorder.rows(engine.state.rows)))

    async def _past(self) -> list[Any]:
        now = self.clock.now()
        rows = max((rows for (_, every), rows in self.wired.back.items() if every == DAY), default=0)
        days = self.node.sessions.past(now, rows * 7 // 5 + 14)
        return await past(
            self.wired.door.history, self.wired.back, self.node.engine.instruments.symbols, days, now - now % SECOND, seen=self.node.seen.bars,
            feed=self.feed,
        )  # fmt: skip

    async def _volumes(self) -> list[Any]:
        return await volumes(self.wired.door.history, self.node.engine.instruments.symbols, self.clock.now(), feed=self.feed)

    def _fresh_session(self, event: Session) -> bool:
        """Whether the journal does not know this session yet, or knows it otherwise."""
        known = self.node.engine.state.sessions.get(event.calendar)
        return known is None or (known.day, known.open) != (event.day, event.open)

    def _paper(self, found: Recovered) -> None:
        """An account of paper, from its journal: cash, positions and what rests."""
        paper = self.wired.paper
        if paper is None:
            return
        state = self.node.engine.state
        resting = {number for row in state.blotter.open for number, ticket in row.items() if not ticket.leg}
        held = {i: lots for i, lots in enumerate(state.portfolio.lots) if lots}
        paper.restore(state.portfolio.cash[0], held, [found.sent[number].approved for number in sorted(resting)])


async def _patiently(ask: Callable[[], Awaitable[list[Any]]]) -> list[Any]:
    """What the history tells, asked again for as long as the patience lasts."""
    end = asyncio.get_running_loop().time() + PATIENCE_S
    while True:
        try:
            return await ask()
        except Retry:
            if asyncio.get_running_loop().time() > end:
                raise
        await asyncio.sleep(1.0)


async def _ready(wait: Callable[[], Awaitable[Any]], name: str) -> None:
    try:
        await asyncio.wait_for(wait(), STREAM_S)
    except TimeoutError as error:
        what = f"the {name} stream did not come up in {STREAM_S:g} s"
        raise Retry("STREAM_SILENT", what, fix="see whether the broker is up, and the key right") from error
