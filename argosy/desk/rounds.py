"""Asks the venue again and again whether our books are right, and acts on what the comparison finds; it compares nothing itself.

A question that is not answered changes nothing: it is asked again in the next round. A round asks no more than its share.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from argosy.core.errors import Retry
from argosy.core.events import Event, Link, Reply
from argosy.core.points import reach
from argosy.core.shown import Showing, ShownFill, ShownPayment
from argosy.core.time import SECOND
from argosy.desk.findings import Ask, Finding, Step, Tell, When, Withdraw
from argosy.desk.reconcile import Reconciler
from argosy.desk.silence import Silence
from argosy.engine.state import State

ACCOUNT, MARKET = "account", "market"


class Every(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often is asked, seconds, and how much.

    inflight: orders without an answer; orders: all open ones; positions: with the cash; fills: the walk of executions; payments: what
    moved without an order, and at each walk that a difference asks for; queries: single orders a round; chains: how often a round goes
    on to ask what its answers made it ask
    """

    inflight: float = 2.0
    orders: float = 7.5
    positions: float = 30.0
    fills: float = 60.0
    payments: float = 600.0
    queries: int = 10
    chains: int = 3


class Rim(Protocol):
    """What rounds need of the desk around them (`desk.node.Node` is one)."""

    def step(self, event: Event) -> None: ...
    def hear(self, event: Event) -> None: ...
    def alarm(self, code: str, text: str, severity: str = "warn") -> None: ...


class Rounds:
    """The questions of one account.

    rim:     steps events; showing: is asked; reconciler: compares
    now:     desk's ns UTC, for stamps; tick: monotonic ns, for how long things last
    drop:    gives a stream up, by name, so that another is opened
    trading: whether prices are owed now
    links:   how the account's stream is: "" where it is up and nothing is in doubt
    done:    how often each kind of question was answered; failed: how often not; repaired: what was found, by code
    """

    def __init__(
        self, rim: Rim, showing: Showing, reconciler: Reconciler, now: Callable[[], int], *, every: Every | None = None,
        tick: Callable[[], int] = time.monotonic_ns, silence: Silence | None = None, drop: Callable[[str], None] = lambda name: None,
        trading: Callable[[], bool] = lambda: True,
    ) -> None:  # fmt: skip
        self.rim = rim
        self.showing = showing
        self.reconciler = reconciler
        self.every = every or Every()
        self.silence = silence or Silence()
        self.step = rim.step
        self.done: dict[str, int] = {}
        self.failed: dict[str, int] = {}
        self.repaired: dict[str, int] = {}
        self._now = now
        self._tick = tick
        self._drop = drop
        self._trading = trading
        self._held: list[Event] | None = None
        self._lock = asyncio.Lock()
        self._again = asyncio.Event()
        self.links = ""
        self._asked: dict[int, int] = {}
        self._own: Event | None = None
        self._orphans: dict[str, None] = {}
        self._fills_from = -1

    @property
    def state(self) -> State:
        """The books."""
        return self.reconciler.state

    def when(self) -> When:
        """This moment."""
        return When(self._now(), self._tick())

    # -- what comes in ---------------------------------------------------------------------------------------------------

    def hear(self, event: Event) -> None:
        """What the venue says of the account: every event of it comes through here, and each execution once."""
        if self._held is not None:
            self._held.append(event)
            return
        admitted = self.reconciler.admit(event)
        if admitted is not None:
            self.rim.hear(admitted)

    def spoke(self) -> None:
        """The account's stream itself said something: an answer of the venue about an order of ours is no sign of it."""
        self.silence.heard(ACCOUNT, self._tick())

    def stepped(self, event: Event) -> None:
        """An event was stepped, whoever said it: the rim tells each."""
        if type(event) is Reply and event.outcome == "accepted":
            self.silence.owes(ACCOUNT, self._tick())
        self._act(self.reconciler.heard(event, self.when(), event is self._own))

    def begin(self, fills_from: int) -> None:
        """From where on executions are read the first time, ns."""
        self._fills_from = max(fills_from, 0)

    def hold(self) -> None:
        """Keep what the venue says from now on: the books are being compared."""
        if self._held is None:
            self._held = []

    def drain(self) -> int:
        """Take in what was kept, in order, each execution once; how many it were."""
        held, self._held = self._held or [], None
        for event in held:
            admitted = self.reconciler.admit(event)
            if admitted is not None:
                self.step(admitted)
        return len(held)

    def turned(self, name: str, up: bool, why: str) -> None:
        """A stream came or went. After the account's came back nothing that adds risk goes out before the books were compared."""
        self.silence.turned(name, up, self._tick())
        if name != ACCOUNT:
            return
        if not up:
            self._link("down")
        elif self.links:
            self._link("reconciling")
            self._again.set()

    def mended(self) -> None:
        """A start has compared everything: whatever hole the journal tells of is behind us."""
        self.links = self.state.conditions.links.get(ACCOUNT, "")
        self._link("up")

    def _link(self, state: Literal["up", "down", "reconciling"]) -> None:
        """Say in the journal how the account's stream is; while it is not up, the gate lets nothing out that adds risk."""
        if self.links == state or (state == "up" and not self.links):
            return
        self.links = "" if state == "up" else state
        now = self._now()
        reach("link.turned")
        self.step(Link(now, now, ACCOUNT, state))

    # -- rounds ----------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """All rounds, for as long as the desk lives; a loop that dies ends all of them, with its own error."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._loop("inflight", self.inflight))
                group.create_task(self._loop("orders", self.orders))
                group.create_task(self._loop("positions", self.positions))
                group.create_task(self._loop("fills", self.fills))
                group.create_task(self._loop("payments", self.payments))
                group.create_task(self._return())
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _loop(self, name: str, ask: Callable[[], Awaitable[bool]]) -> None:
        """One round again and again. An interval that is changed meanwhile counts from the next time on."""
        while True:
            await asyncio.sleep(getattr(self.every, name))
            await ask()

    async def _return(self) -> None:
        """After each return of the account's stream: everything is compared, until it once was."""
        while True:
            await self._again.wait()
            self._again.clear()
            while not await self.whole():
                await asyncio.sleep(min(1.0, self.every.inflight))
            if not self._again.is_set() and self.links == "reconciling":
                self._link("up")

    async def inflight(self) -> bool:
        """Orders that have no answer; and streams that say nothing."""
        tick = self._tick()
        for name in self.silence.mute(tick, self._trading()):
            age = self.silence.age(name, tick) / SECOND
            self.rim.alarm("STREAM_MUTE", f"the {name} stream has been open and silent for {age:.1f} s; another is opened", "page")
            self._drop(name)
        self.reconciler.watch(tick)
        return await self._ask("inflight", lambda: self._single(self.reconciler.inflight(self._tick())))

    async def orders(self) -> bool:
        """All open orders."""
        return await self._ask("orders", self._orders)

    async def positions(self) -> bool:
        """Positions and cash."""
        return await self._ask("positions", self._account)

    async def fills(self) -> bool:
        """The executions since the last time."""
        return await self._ask("fills", lambda: self._walk(fills=True))

    async def payments(self) -> bool:
        """What moved without an order."""
        return await self._ask("payments", lambda: self._walk(payments=True))

    async def whole(self) -> bool:
        """Everything once; whether all of it was answered."""
        reach("reconcile.whole")
        answered = await self._ask("whole", self._everything)
        reach("reconcile.whole.done")
        return answered

    async def _everything(self) -> None:
        self.reconciler.watch(self._tick())
        await self._walk(fills=True)
        await self._orders()
        await self._walk(fills=True, payments=True)
        await self._account()

    async def _ask(self, name: str, work: Callable[[], Awaitable[None]]) -> bool:
        """One round at a time; no answer is no news, and another round comes."""
        async with self._lock:
            try:
                await work()
                await self._take_back()
            except Retry:
                self.failed[name] = self.failed.get(name, 0) + 1
                return False
        self.done[name] = self.done.get(name, 0) + 1
        return True

    async def take(self, found: Iterable[Finding]) -> None:
        """Act on findings of the caller's own question, and ask what they ask."""
        await self._follow(self._act(found))

    async def _take_back(self) -> None:
        """Orders of ours that must go, asked for by the venue's own id; whether they went is seen in the next round."""
        while self._orphans:
            identity, _ = self._orphans.popitem()
            reach("reconcile.withdraw")
            await self.showing.withdraw(identity)

    async def _orders(self) -> None:
        asked = self._tick()
        rows = await self.showing.resting()
        reach("reconcile.orders")
        await self._follow(self._act(self.reconciler.resting(rows, asked, self.when())))

    async def _account(self) -> None:
        asked = self._tick()
        shown = await self.showing.account()
        reach("reconcile.account")
        self.reconciler.watch(self._tick())
        await self._follow(self._act(self.reconciler.balances.compared(shown, asked, self._now())))

    async def _walk(self, *, fills: bool = False, payments: bool = False) -> None:
        """Read executions or payments or both, and take them in as they happened."""
        told: Sequence[ShownFill] | None = None
        paid: Sequence[ShownPayment] | None = None
        if fills:
            told = await self.showing.fills(self._fills_from)
            self._fills_from = -1
        if payments:
            paid = await self.showing.payments(self._now() - self.reconciler.limits.paid)
        reach("reconcile.walk")
        self._act(self.reconciler.balances.moved(told, paid, self._now()))

    async def _single(self, asks: Iterable[Ask]) -> None:
        """Ask for single orders, those first that were asked for longest ago, no more than the share of a round."""
        numbers = sorted({ask.order for ask in asks}, key=lambda number: self._asked.get(number, 0))
        further: list[Ask] = []
        for number in numbers[: self.every.queries]:
            asked = self._asked[number] = self._tick()
            rows = await self.showing.order(number)
            reach("reconcile.order")
            further += self._act(self.reconciler.answered(number, rows, asked, self.when()))
        tickets = self.state.blotter.tickets
        self._asked = {number: tick for number, tick in self._asked.items() if number in tickets}
        if any(ask.what == "fills" for ask in further):
            await self._walk(fills=True)
            for number in {ask.order for ask in further if ask.order}:
                asked = self._tick()
                self._act(self.reconciler.answered(number, await self.showing.order(number), asked, self.when()))

    async def _follow(self, asks: list[Ask]) -> None:
        """Ask what a comparison needs to know before it concludes."""
        for _ in range(self.every.chains):
            if not asks:
                return
            what = {ask.what for ask in asks}
            if "fills" in what or "payments" in what:
                await self._walk(fills="fills" in what, payments="payments" in what)
            await self._single([ask for ask in asks if ask.order])
            if "account" not in what:
                return
            asked = self._tick()
            shown = await self.showing.account()
            asks = self._act(self.reconciler.balances.compared(shown, asked, self._now()))

    # -- what follows ----------------------------------------------------------------------------------------------------

    def _act(self, found: Iterable[Finding]) -> list[Ask]:
        """Do what was found, in order; what must be asked first is returned."""
        asks: list[Ask] = []
        for one in found:
            if isinstance(one, Ask):
                asks.append(one)
            elif isinstance(one, Tell):
                self.rim.alarm(one.alarm.code, one.alarm.text, one.alarm.severity)
            elif isinstance(one, Withdraw):
                self._orphans[one.id] = None
            else:
                self._take(one)
        return asks

    def _take(self, found: Step) -> None:
        """A difference goes into the books."""
        if found.code != "ACCOUNT":
            self.repaired[found.code] = self.repaired.get(found.code, 0) + 1
        if found.code in ("FILL_MISSING", "ORDER_ENDED"):
            self.silence.owes(ACCOUNT, self._tick())
        admitted = self.reconciler.admit(found.event)
        if admitted is not None:
            reach("reconcile.step")
            self._own = admitted
            self.step(admitted)
            reach("reconcile.stepped")

    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """What was asked and found, for whoever looks."""
        return {"done": self.done, "failed": self.failed, "repaired": self.repaired}
