"""Brings a desk to where it may trade: whose account it is, what time, what the journal knows, what the venue shows, and both the same.

It is one sequence, and it ends ready or it raises: a desk never trades on books that were not compared. Nothing is sent before its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from argosy.core import events as ev
from argosy.core.effects import Amend, Cancel, Effect, Submit
from argosy.core.errors import Broken, Misconfigured, Retry
from argosy.core.orders import TERMINAL, Approved, Work
from argosy.core.points import reach
from argosy.core.shown import Showing
from argosy.core.time import SECOND
from argosy.desk.balances import HAND
from argosy.desk.clock import WARN_NS, Clock
from argosy.desk.findings import Step
from argosy.desk.recover import Recovered, Stamped, known_orders, recover
from argosy.desk.rounds import Every, Rounds
from argosy.engine.engine import Engine
from argosy.engine.records import Run
from argosy.engine.restart import Relived, restart
from argosy.engine.state import LIVE

OFFSET_MAX = SECOND
PASSES = 4
"""Comparisons of a start until one finds nothing more to mend."""
_NAN = float("nan")


class Started(msgspec.Struct):
    """How a start went.

    fresh:       no journal was there; relived: what the replay found; offset_ns: the venue's clock less ours
    quarantined: strategies that may not go on as they were, and why
    repaired:    what differed and was mended, by code; barred: symbols that are not traded until books and account agree
    effects:     what the engine wants done since; resend: orders of which nobody had ever heard, to be sent once more under their own
                 ids. Both are for the rim, in this order, once it may send
    """

    fresh: bool
    relived: Relived | None = None
    offset_ns: int = 0
    quarantined: dict[str, str] = {}
    repaired: dict[str, int] = {}
    barred: list[str] = []
    effects: list[Effect] = []
    resend: list[Approved] = []


class Start:
    """One start.

    engine:  built, not opened; rounds: with its reconciler and the venue to ask; clock: of the desk
    lease:   takes the account for this desk or raises; connect: brings the account's stream up, whose news go to `rounds.hear`
    begins:  events of now (ns) that come before anything is decided, such as the owner's word "arm"
    fresh_s: how old an order may be that nobody ever heard of, to be sent once more
    patience_s: how long the venue may be silent before the start is given up
    known:   what the journal knew of the venue when it was read (`Recovered.packed`), b"" where there was none; opened: ns at which it began
    """

    def __init__(
        self, engine: Engine, rounds: Rounds, clock: Clock, *, connect: Callable[[], Awaitable[None]],
        lease: Callable[[], None] = lambda: None, begins: Callable[[int], Sequence[ev.Event]] = lambda now: (),
        fresh_s: float = 10.0, patience_s: float = 60.0,
    ) -> None:  # fmt: skip
        self.engine = engine
        self.rounds = rounds
        self.clock = clock
        self.started = Started(True)
        self.known = b""
        self.opened = 0
        self._lease = lease
        self._connect = connect
        self._begins = begins
        self._fresh_s = fresh_s
        self._patience_s = patience_s

    @property
    def showing(self) -> Showing:
        """The venue that is asked."""
        return self.rounds.showing

    async def run(
        self, records: Sequence[tuple[int, Any]], rows: Iterable[ev.MarketEvent] = (), *, saved: bytes = b"",
        since: Sequence[tuple[int, Any]] | None = None, known: Recovered | None = None,
    ) -> Started:  # fmt: skip
        """The whole sequence.

        records: of the journal, all of it, or all after those that `known` was read from; rows: market rows from the first on
        saved:   a saved engine; since: the records after it (`engine.restart`), where there is one
        Raises what lease, journal and engine raise; Misconfigured DESK_NAME_USED, JOURNAL_OTHER, ACCOUNT_CURRENCY; Retry where the
        venue is silent too long.
        """
        reach("start.lease")
        self._lease()
        reach("start.clock")
        await self._offset()
        fresh = self.started.fresh = not records and not saved
        found = Recovered(self.rounds.reconciler.executions)
        stamped = Stamped(rows)
        if not fresh:
            reach("start.replay")
            self._same(known.header if known is not None else records[0][1])
            found = recover(records, self.engine.instruments, known)
            self.started.relived = restart(self.engine, since if saved and since is not None else records, iter(stamped), saved)
            stamped.ends(self.engine.state.rows)
            self.known, self.opened = found.packed(self.engine.state.blotter.tickets), found.opened
        reach("start.stream")
        self.rounds.hold()
        await self._connect()
        step, every = self.rounds.step, self.rounds.every
        self.rounds.step, self.rounds.every = self._step, Every(queries=1 << 20, chains=every.chains)
        try:
            await self._books(found, stamped)
        finally:
            self.rounds.step, self.rounds.every = step, every
        return self.started

    async def _books(self, found: Recovered, stamped: Stamped) -> None:
        """What the venue shows, and both made the same."""
        rounds = self.rounds
        reach("start.reads")
        if self.started.fresh:
            rounds.reconciler.begin()
            await self._insist(self._open)
        else:
            rounds.reconciler.begin(found)
            rounds.begin(found.latest - rounds.reconciler.limits.back)
            self._first()
            self._quarantine()
            self.showing.adopt(known_orders(self.engine.state, found.sent))
            await self._insist(lambda: self._ended(found))
        for _ in range(PASSES):
            before = sum(rounds.repaired.values())
            reach("start.compare")
            await self._insist(self._compare)
            if sum(rounds.repaired.values()) == before:
                break
        reach("start.drain")
        rounds.drain()
        if not self.started.fresh:
            await self._insist(lambda: self._unsent(found, stamped))
        rounds.mended()
        self._check()
        rounds.reconciler.go(rounds.when().tick)
        self.started.repaired = dict(rounds.repaired)
        self.started.barred = [self.engine.instruments[i].symbol for i in sorted(self.engine.state.drifted)]
        reach("start.ready")

    # -- the steps -------------------------------------------------------------------------------------------------------

    def _same(self, header: Any) -> None:
        """The journal is of this desk and of these symbols: else its orders would be another hand's, and its numbers other things."""
        if not isinstance(header, Run):
            return  # the last days alone, of a journal whose beginning was read for the saved engine
        wired = (self.showing.desk, self.engine.state.portfolio.base, self.engine.instruments.symbols)
        if (header.desk, header.base, header.symbols) != wired:
            raise Misconfigured(
                "JOURNAL_OTHER", f"the journal is of desk {header.desk} in {header.base} with {', '.join(header.symbols)}", where="desk",
                fix="give the desk its name and its symbols, in that order, or begin with another name",
            )  # fmt: skip

    async def _offset(self) -> None:
        """The venue's time against ours."""
        theirs, asked, answered = await self._insist(self.showing.offset)
        offset = self.started.offset_ns = self.clock.heard(theirs, asked, answered)
        apart = abs(offset) / self.clock.speed  # an exchange that plays faster is as much further away
        if apart > WARN_NS:
            severity = "page" if apart > OFFSET_MAX else "warn"
            self.rounds.rim.alarm("CLOCK_OFFSET", f"this machine's clock is {-offset / SECOND:+.3f} s from the venue's", severity)

    async def _open(self) -> None:
        """A first start: the books begin with what the account holds. An order of this desk's name is of another journal."""
        showing, engine = self.showing, self.engine
        used = [row for row in (*await showing.resting(), *await showing.ended(0)) if row.ours]
        if used:
            raise Misconfigured(
                "DESK_NAME_USED", f"the account knows {len(used)} orders of this desk's name, and there is no journal of them", where="desk.name",
                fix="bring the journal back, or give the desk another name",
            )  # fmt: skip
        limits, now = self.rounds.reconciler.limits, self.clock.now()
        paid, fills = await showing.payments(now - limits.paid), await showing.fills(now - limits.back)
        shown = await showing.account()
        if {row.name for row in await showing.fills(-1)} - {row.name for row in fills}:
            raise Retry("VENUE_MOVES", "another hand trades while the account is read")
        now = self.clock.now()
        if shown.currency != engine.state.portfolio.base:
            raise Misconfigured("ACCOUNT_CURRENCY", f"the account is in {shown.currency}, the desk counts in {engine.state.portfolio.base}")
        reach("start.open")
        engine.open((ev.CashFlow(now, now, shown.currency, shown.cash),))
        self._first()
        for cause in [f"{row.word} {row.id}" for row in paid] + [HAND + row.name for row in fills]:
            self.rounds.reconciler.balances.booked.add(cause)
            self._step(ev.Adjust(now, now, -1, 0, _NAN, 0, shown.currency, cause))  # it is in the opening already: nothing moves
        reach("start.opened")

    def _quarantine(self) -> None:
        """Strategies that are not what they were, or did not want again what they had wanted."""
        relived = self.started.relived
        if relived is None:
            return
        why = dict.fromkeys(relived.changed, "its code is not the one that wrote the journal") | relived.differed
        keep = self.rounds.reconciler.balances.policy.changed == "warmup"
        for strategy, cause in sorted(why.items()):
            if keep and strategy in relived.changed:
                self.rounds.rim.alarm("STRATEGY_WARMED", f"{strategy}: {cause}; it goes on with a fresh state of its own")
            elif self.engine.state.status.get(strategy) == "active":
                self.started.quarantined[strategy] = cause
                self.engine.stand(strategy, "quarantined", cause)
                self.rounds.rim.alarm("STRATEGY_QUARANTINED", f"{strategy}: {cause}", "page")

    async def _ended(self, found: Recovered) -> None:
        """Orders that are over at the venue, and those that were under way: by our names, whatever became of them."""
        asked = self.rounds.when().tick
        rows = await self.showing.ended(found.latest - self.rounds.reconciler.limits.back)
        await self.rounds.take([*self.rounds.reconciler.shown(rows, asked, self.rounds.when()), *self.rounds.reconciler.apart()])

    async def _compare(self) -> None:
        if not await self.rounds.whole():
            raise Retry("VENUE_SILENT", "the venue did not answer all that a start must know")

    async def _unsent(self, found: Recovered, stamped: Stamped) -> None:
        """Orders that were decided and of which nobody ever heard: sent once more while fresh, for their ids are unique for ever.

        One that is wanted no more, or too old, is over as soon as the venue goes on not knowing it: nobody else will ever answer.
        """
        state, now = self.engine.state, self.clock.now()
        never, youngest = [], 0
        for number in sorted(found.unanswered):
            ticket, sent = state.blotter.tickets.get(number), found.sent[number]
            if ticket is None or ticket.work in TERMINAL or ticket.cum or await self.showing.order(number):
                continue
            decided = max(sent.after, stamped.before(sent.row))
            wanted = ticket.work in (Work.SENT, Work.UNKNOWN) and not ticket.cancelling and (state.level == LIVE or ticket.order.reduce_only)
            if not wanted or now - decided > self._fresh_s * SECOND:
                never.append(number)
                youngest = max(youngest, decided)
            elif number not in {approved.order.id for approved in self.started.resend}:
                self.started.resend.append(sent.approved)
        if never:
            await asyncio.sleep(min(self.clock.seconds_to(youngest + self.rounds.reconciler.limits.quiet), self._patience_s))
        for number in never:
            if not await self.showing.order(number):
                when, text = self.clock.now(), "it was decided, and not wanted any more before it was sent"
                reply = ev.Reply(when, when, number, "submit", "refused", "NOT_FOUND", text)
                await self.rounds.take([Step(reply, "NOT_FOUND", self.engine.instruments[found.sent[number].approved.order.instrument].symbol)])
                self.started.effects = [one for one in self.started.effects if not (isinstance(one, Cancel | Amend) and one.order == number)]

    def _check(self) -> None:
        """The sums that every fold must have: virtual books to the account, reservations to the open orders."""
        state = self.engine.state
        state.portfolio.check()
        kept = sum(ticket.reserved for row in state.blotter.open for ticket in row.values())
        if kept != state.blotter.reserved:
            raise Broken("RESERVATIONS", f"{state.blotter.reserved} units are reserved and the open orders hold {kept}")

    # -- inside ----------------------------------------------------------------------------------------------------------

    def _first(self) -> None:
        for event in self._begins(self.clock.now()):
            self._step(event)

    def _step(self, event: ev.Event) -> None:
        """Step an event; what the engine wants done waits for the end of the start."""
        effects = self.engine.step(event)
        self.engine.journal.commit()
        self.started.effects.extend(effects)
        self.rounds.reconciler.held.update(_about(effects))
        self.rounds.stepped(event)

    async def _insist(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Ask until there is an answer, for as long as the patience lasts."""
        end = asyncio.get_running_loop().time() + self._patience_s
        pause = 0.1
        while True:
            try:
                return await ask()
            except Retry:
                if asyncio.get_running_loop().time() + pause > end:
                    raise
            await asyncio.sleep(pause)
            pause = min(2.0 * pause, 5.0)


def _about(effects: Iterable[Effect]) -> Iterator[int]:
    """The orders that effects are about."""
    for effect in effects:
        if isinstance(effect, Submit):
            yield effect.approved.order.id
            yield from (leg.id for leg in effect.approved.legs)
        elif isinstance(effect, Cancel | Amend):
            yield effect.order
