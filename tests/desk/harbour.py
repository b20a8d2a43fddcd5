"""A desk small enough to see through, against the real exchange over the real wire: it can be killed and begun again on its journal."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from argosy.core.effects import Alarm, Amend, Cancel, Effect, Submit
from argosy.core.events import Bar, Event, Fill
from argosy.core.instrument import Instrument, Instruments
from argosy.core.orders import Work
from argosy.core.time import MINUTE, MS
from argosy.desk.clock import Clock
from argosy.desk.executions import Executions
from argosy.desk.findings import Limits, Policy
from argosy.desk.reconcile import Reconciler
from argosy.desk.rounds import Every, Rounds
from argosy.desk.silence import Silence
from argosy.desk.start import Start, Started
from argosy.engine.journal import MemoryJournal
from argosy.exchange.server import Server
from argosy.exchange.wire import PER_SHARE
from argosy.net.guard import Hosts
from argosy.net.http import Rest
from argosy.net.secret import Secret
from argosy.venues.alpaca.account import AccountStream
from argosy.venues.alpaca.broker import AlpacaVenue
from argosy.venues.alpaca.client import Client, headers
from argosy.venues.alpaca.codec import TradeUpdate
from argosy.venues.alpaca.modes import place
from argosy.venues.alpaca.resolve import Patience
from argosy.venues.alpaca.shown import Shows
from tests.walks import hand

KEY, SECRET = "PKTEST", "hush"
SYMBOLS = ("AAPL", "MSFT")
QUICK = Limits(quiet=60 * MS, lookups=3, over=300 * MS, inferred=400 * MS, stuck=200 * MS, stranger=60 * MS)
HEARD_S = 0.3
NEVER = Every(inflight=99.0, orders=99.0, positions=99.0, fills=99.0, payments=99.0)
"""No round comes by itself: the test asks."""


class Harbour:
    """The exchange and its control door. AAPL stands at 100.00 / 100.02, MSFT at 200.00 / 200.02."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def ctl(self, verb: str, **body: object) -> Any:
        request = urllib.request.Request(f"{self.server.url}/_ctl/{verb}", json.dumps(body).encode(), method="POST")  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310
            return json.loads(reply.read())

    def quote(self, bid: float, ask: float, symbol: str = "AAPL") -> None:
        self.ctl("quote", symbol=symbol, bid=bid, ask=ask)

    def rest(self, method: str, path: str, **body: object) -> Any:
        """Another hand's request, with the same keys."""
        request = urllib.request.Request(  # noqa: S310
            f"{self.server.url}{path}", json.dumps(body).encode() if body else None, method=method,
            headers={"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310
            raw = reply.read()
            return json.loads(raw) if raw else None

    def by_hand(self, symbol: str, side: str, qty: int, limit: float = 0.0) -> Any:
        """Another hand's order; its id."""
        more = {"type": "limit", "limit_price": str(limit), "time_in_force": "gtc"} if limit else {"type": "market", "time_in_force": "day"}
        return self.rest("POST", "/v2/orders", symbol=symbol, side=side, qty=str(qty), **more)["id"]

    @property
    def account(self) -> Any:
        return self.server.exchange.accounts[KEY]

    def held(self, i: int = 0) -> int:
        """Shares that the exchange counts."""
        return self.account.lots(i) // PER_SHARE

    def client_ids(self) -> list[str]:
        """Names of all orders that ever were, in order."""
        return [ticket.client for ticket in self.account.tickets.values()]

    def resting(self) -> set[str]:
        return {ticket.client for ticket in self.account.open()}


@contextmanager
def fresh(harbour: Harbour) -> Iterator[Harbour]:
    """The exchange as on its first day."""
    harbour.ctl("reset")
    harbour.quote(100.00, 100.02)
    harbour.quote(200.00, 200.02, "MSFT")
    try:
        yield harbour
    finally:
        harbour.ctl("reset")


class Desk:
    """One life of a desk. journal, rows: outlive it; plan: minute -> what the strategies want at it, by name.

    stepped: events in the order in which the engine had them; alarms: what was told; effects: what went out
    """

    def __init__(
        self, harbour: Harbour, plan: Mapping[str, Any] | None = None, *, before: Desk | None = None, every: Every = NEVER,
        limits: Limits = QUICK, policy: Policy | None = None, silence: Silence | None = None, code: Mapping[str, Any] | None = None,
        mute_s: float = 0.0, wait: bool = True, lease: Callable[[], None] = lambda: None, name: str = "", away_ns: int = 0,
    ) -> None:  # fmt: skip
        self.harbour = harbour
        self.name = name or (before.name if before is not None else "ARGO")
        self.plan = dict(plan) if plan is not None else dict(before.plan) if before is not None else {"one": {}}
        self.journal = before.journal if before is not None else MemoryJournal()
        self.rows: list[Bar] = list(before.rows) if before is not None else []
        self.away_ns = away_ns or (before.away_ns if before is not None else 0)
        names = Instruments(Instrument(symbol=symbol, away_ns=self.away_ns) for symbol in SYMBOLS)
        strategies = code or {one: hand.says(wants) for one, wants in self.plan.items()}
        self.engine = hand.assemble(
            hand.wanted(strategies), (names, [], []), hand.terms(cash=1_000_000.0, desk=self.name), journal=self.journal
        ).engine
        self.state = self.engine.state
        where = place("sim", base=harbour.server.url)
        client = Client(Rest(harbour.server.url, Hosts(loopback=True), headers=headers(Secret(KEY), Secret(SECRET))))
        patience = Patience(lookups=3, over_s=0.4, first_s=0.02, resends=3, fresh_s=1.0, order_s=1.0, read_s=1.0)
        self.clock = Clock()
        self.venue = AlpacaVenue(client, names, self.name, patience=patience, clock=self.clock.now)
        self.silence = silence or Silence()
        self.rounds = Rounds(
            self, Shows(self.venue, read_s=2.0), Reconciler(self.state, Executions(names), policy=policy, limits=limits), self.clock.now, every=every,
            silence=self.silence, drop=lambda name: self.stream.drop(),
        )  # fmt: skip
        self.venue.listen(self.rounds.hear)
        speaker = AccountStream(Secret(KEY), Secret(SECRET), self._told, self._turned)
        self.stream = speaker.stream(where, mute_s=mute_s)
        self.stepped: list[Event] = []
        self.alarms: list[str] = []
        self.effects: list[Effect] = []
        self.started: Started
        self.patience_s, self.fresh_s = 3.0, 10.0
        self._follows = False
        self.deaf = False
        self.dead = False
        self._wait = wait
        self._lease = lease
        self._tasks: set[asyncio.Task[None]] = set()
        self._running: asyncio.Task[None] | None = None

    # -- the rim ---------------------------------------------------------------------------------------------------------

    def step(self, event: Event) -> None:
        if self.dead:
            return
        self.stepped.append(event)
        effects = self.engine.step(event)
        self.journal.commit()
        self.perform(effects)
        self.rounds.stepped(event)

    hear = step

    def alarm(self, code: str, text: str, severity: str = "warn") -> None:
        self.alarms.append(code)

    def perform(self, effects: Any) -> None:
        for effect in effects:
            self.effects.append(effect)
            if self.deaf:  # killed between the journal and the socket
                continue
            if isinstance(effect, Submit):
                self._do(self.venue.submit(effect.approved))
            elif isinstance(effect, Cancel):
                self._do(self.venue.cancel(effect))
            elif isinstance(effect, Amend):
                self._do(self.venue.amend(effect))
            elif isinstance(effect, Alarm):
                self.alarms.append(effect.code)

    def _do(self, work: Any) -> None:
        async def done() -> None:
            self.step(await work)

        task = asyncio.ensure_future(done())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _told(self, update: TradeUpdate) -> None:
        self.rounds.spoke()
        self.venue.told(update)

    def _turned(self, up: bool, why: str) -> None:
        if not self.dead:
            self.rounds.turned("account", up, why)

    # -- a life ----------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Desk:
        async def connect() -> None:
            self.stream.start()
            if self._wait:
                await asyncio.wait_for(self.stream.ready.wait(), 5)

        await self.follow()
        start = Start(
            self.engine, self.rounds, self.clock, lease=self._lease, connect=connect, patience_s=self.patience_s, fresh_s=self.fresh_s
        )
        try:
            records = list(self.journal.records()) if self.journal.seq > 1 else []
            self.started = await start.run(records, self.rows)
        except BaseException:
            await self.kill()
            raise
        self.perform(self.started.effects)
        for approved in self.started.resend:
            self.perform([Submit(approved)])
        if self.rounds.every is not NEVER:
            self._running = asyncio.ensure_future(self.rounds.run())
        return self

    async def follow(self) -> None:
        """Take the exchange's time for ours, once."""
        if not self._follows:
            self._follows = True
            self.clock.heard(*await self.rounds.showing.offset())
            self.clock.follow()

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def kill(self) -> None:
        """kill -9: nothing more is stepped, nothing is said goodbye to."""
        self.dead = True
        for task in [*self._tasks, *([self._running] if self._running else [])]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._running is not None:
            await asyncio.gather(self._running, return_exceptions=True)
        await self.stream.close()
        await self.venue.close()

    # -- what a test says and sees ---------------------------------------------------------------------------------------

    def bar(self, minute: int, close: float = 100.0, i: int = 0) -> None:
        """A minute: the strategies want what the plan says."""
        bar = Bar(minute * MINUTE, self.clock.now(), i, close, close, close, close, 1e6, MINUTE)
        self.rows.append(bar)
        self.step(bar)

    async def until(self, so: Callable[[], object], seconds: float = 5.0) -> None:
        end = time.monotonic() + seconds
        while not so():
            assert time.monotonic() < end, "it never came"
            await asyncio.sleep(0.005)

    async def idle(self) -> None:
        """Until nothing is under way; what the exchange did a moment ago has this moment to be heard."""
        await self.until(lambda: not self._tasks)
        end = time.monotonic() + HEARD_S
        while time.monotonic() < end and any(self.lots(i) != self.harbour.held(i) for i in range(len(SYMBOLS))):
            await asyncio.sleep(0.005)

    async def quiet(self) -> None:
        """Until all is quiet for long enough to be judged."""
        await self.idle()
        self.rounds.reconciler.watch(time.monotonic_ns())
        await asyncio.sleep(1.3 * self.rounds.reconciler.limits.quiet / 1e9)

    def lots(self, i: int = 0, strategy: str | None = None) -> int:
        portfolio = self.state.portfolio
        return portfolio.lots[i] if strategy is None else portfolio.books[strategy].lots[i]

    def open(self) -> dict[str, Work]:
        """Open orders by the name that the exchange knows them by."""
        from argosy.venues.alpaca.words import name

        desk = self.venue.ledger.desk
        return {name(desk, t.order.id): t.work for row in self.state.blotter.open for t in row.values()}

    def fills(self) -> list[Fill]:
        return [event for event in self.stepped if isinstance(event, Fill)]

    def agree(self) -> None:
        """Books and exchange hold the same, to the unit."""
        self.state.portfolio.check()
        for i in range(len(SYMBOLS)):
            assert self.lots(i) == self.harbour.held(i), SYMBOLS[i]
        assert self.state.portfolio.cash[0] == self.harbour.account.cash


def run(work: Any) -> None:
    """A test's coroutine, which ends by itself."""

    async def whole() -> None:
        async with asyncio.timeout(30):
            await work

    asyncio.run(whole())
