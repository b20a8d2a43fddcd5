"""One run of a desk, from its settings to its exit status: the parts wired, the books compared, the loops kept, the end made cleanly.

It never begins to trade before the account is the one that was named, and it never leaves while an order of ours may still be unknown
without saying so in the journal.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from argosy import quay
from argosy.core.errors import ArgosyError, Broken, Misconfigured, Retry
from argosy.core.events import Link
from argosy.core.instrument import Instruments
from argosy.core.money import to_units
from argosy.core.points import reach
from argosy.core.time import DAY, SECOND, span
from argosy.desk import folder as folders
from argosy.desk import nameplate, watchdog
from argosy.desk.actions import Actions
from argosy.desk.bars import Bars
from argosy.desk.clock import Clock
from argosy.desk.collared import Collared, collared, exits
from argosy.desk.dawn import Dawn, keep
from argosy.desk.executions import Executions
from argosy.desk.findings import Limits, Policy
from argosy.desk.gather import gather
from argosy.desk.heartbeat import Heart
from argosy.desk.inbox import Inbox
from argosy.desk.log import Log
from argosy.desk.node import PULSE_S, Node, Told
from argosy.desk.permit import Permit, shown
from argosy.desk.reconcile import Reconciler
from argosy.desk.reload import changed
from argosy.desk.rounds import ACCOUNT, MARKET, Every, Rounds
from argosy.desk.sessions import around, scheduled
from argosy.desk.silence import Silence
from argosy.desk.status import Minutes, Status, status
from argosy.desk.warden import Warden
from argosy.desk.word import Word
from argosy.engine.engine import Engine
from argosy.engine.state import REDUCE
from argosy.house import Terms, Wanted
from argosy.net.guard import Armed
from argosy.net.secret import Secret
from argosy.settings import DeskSettings, WatchdogSettings
from argosy.store.manifest import Identity

BASE = "1m"
GOODBYE_S = 5.0
SAVE_EVERY = 250_000
"""Records and market rows after which the engine is saved, so that a restart need not relive more."""
Settled = tuple[Terms, DeskSettings, tuple[Wanted, ...]]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a run was asked for.

    wanted: strategies; terms: limits and account terms; settings: of the desk; key, secret: of the account; armed: proof, live alone
    watchdog: of the process that watches this one, None: none is started
    again:  reads the settings anew, for a reload; config: the file they are in, "" where there is none; names: of strategies, as asked for
    """

    wanted: tuple[Wanted, ...]
    terms: Terms
    settings: DeskSettings
    key: Secret
    secret: Secret
    armed: Armed | None = None
    watchdog: WatchdogSettings | None = None
    again: Callable[[], Settled] | None = None
    config: str = ""
    names: tuple[str, ...] = ()


class Desk:
    """A desk that is being run.

    told:  hears plain words of what goes on; ready: set when it trades
    node, wired, rounds (None where no order leaves), minutes: there from "starting" on; settled: the settings as they are now
    """

    def __init__(self, asked: Asked, told: Callable[[str, Mapping[str, Any]], None] | None = None) -> None:
        self.asked = asked
        self.settled: Settled = (asked.terms, asked.settings, asked.wanted)
        self.clock = Clock(speed=asked.settings.speed)
        self.node: Node
        self.wired: quay.Wired
        self.minutes: Minutes
        self.rounds: Rounds | None = None
        self.permit: Permit
        self.warden: Warden
        self.collared: Collared | None = None
        self.actions: Actions
        self.limits = (0.0, 0.0)
        self.ready = asyncio.Event()
        self._told = told or _nobody
        self._loops: set[asyncio.Task[None]] = set()
        self._log: Log | None = None
        self._heart: Heart
        self._saved = 0
        self._known = b""
        self._told_limits: list[str] = []

    @property
    def settings(self) -> DeskSettings:
        """Of the desk, as they are now."""
        return self.settled[1]

    # -- from the beginning to the end -----------------------------------------------------------------------------------

    async def run(self) -> int:
        """The whole life; its exit status. Raises an ArgosyError where it could not begin."""
        settings = self.settings
        if settings.speed != 1.0 and settings.mode != "sim":
            raise Misconfigured("DESK_SPEED", "only an exchange of our own has another speed", where="desk.speed", fix="leave it out")
        door = quay.door(
            settings.mode, settings.base, self.asked.key, self.asked.secret, armed=self.asked.armed, per_minute=settings.requests_per_minute
        )
        try:
            return await self._with(door)
        finally:
            await door.close()

    async def _with(self, door: quay.Door) -> int:
        settings = self.settings
        account = await quay.account(door, settings.account)
        hours = await self._time(door)
        symbols = list(settings.symbols) or sorted({symbol for one in self.asked.wanted for symbol in one.symbols})
        if not symbols:
            raise Misconfigured("DESK_SYMBOLS", "no symbol is named", where="desk.symbols", fix='symbols = ["AAPL"], or --symbols AAPL')
        instruments = await quay.learn(door, symbols, fractional=settings.fractional)
        number = account.account_number
        place = folders.of(settings.mode, number)
        self.permit = Permit(self.asked.armed, number, place.make().arming)
        identity = Identity(account=number, mode=settings.mode, desk=settings.name)
        log = self._log = Log(
            place.log, self.asked.key, self.asked.secret, level=settings.log_level, mode=settings.mode, account=number, desk=settings.name,
            run=f"{time.time_ns():x}",
        )  # fmt: skip
        try:
            with quay.recorder(place.rows, number) as recorder, quay.journal(place.journal, settings.journal_sync, identity, recorder) as journal:
                cash = to_units(account.cash or 0, account.currency or "USD")
                self._wire(door, instruments, journal, recorder, place, hours, cash, number)
                dawn = Dawn(
                    self.wired, self.node, self.rounds, journal, recorder, cash=cash, currency=account.currency or "USD", feed=settings.feed,
                    clock=self.clock, begins=self.permit.begins, actions=self.actions,
                )  # fmt: skip
                self._banner(account.equity or 0)
                return await self._live(dawn, journal)
        except ArgosyError as error:
            log.say("failed", "error", code=error.code, text=error.what)
            raise
        finally:
            log.close()

    async def _time(self, door: quay.Door) -> quay.Hours:
        """The broker's clock, held against ours; an exchange of our own is followed."""
        asked = self.clock.mono()
        hours = await quay.hours(door)
        offset = self.clock.heard(hours.now, asked, self.clock.mono())
        if door.place.mode == "sim":
            self.clock.follow()
        elif abs(offset) > SECOND:
            raise Misconfigured("CLOCK_OFFSET", f"this machine's clock is {-offset / SECOND:+.2f} s from the broker's", fix="set it by NTP")
        return hours

    def _wire(
        self, door: quay.Door, instruments: Instruments, journal: Any, recorder: Any, place: folders.Folder, hours: quay.Hours, cash: int,
        account: str,
    ) -> None:  # fmt: skip
        asked, settings = self.asked, self.settings
        terms = self.permit.under(msgspec.structs.replace(asked.terms, desk=settings.name, on_failure=settings.on_failure, profile="desk"))
        self._told_limits = shown(terms.limits)
        self.wired = wired = quay.desk(
            door, asked.wanted, instruments, terms, journal, cash=cash, feed=settings.feed, base=BASE, clock=self.clock.now
        )
        breakers = wired.engine.levels.breakers
        self.limits = (breakers.daily_loss_frac, breakers.drawdown_frac)
        sessions = around(instruments, self.clock.now(), hours, door.place.mode == "sim")
        calendars, base = [row.calendar for row in instruments], span(BASE)
        bars = Bars(wired.bars, calendars, base)
        self.collared = collared(wired.venue, wired.engine, settings, terms.limits, self.clock.now) if door.sends else None
        self.node = node = Node(
            wired.engine, self.collared or wired.venue, journal, self.clock, place, sessions=sessions, bars=bars, recorder=recorder,
            paper=wired.paper, mode=settings.mode, account=account, desk=settings.name, log=self._alarm,
            gather=gather(wired.engine.slots, bars, base, calendars, sessions),
        )  # fmt: skip
        self.warden = Warden(node, self.permit, wired.door.ending)
        self.minutes = Minutes(instruments.symbols, [float(row.lot) for row in instruments])
        self.minutes.follow(wired.engine)
        self._heart = Heart(place.heartbeat, time.time_ns)
        nameplate.write(wired.engine, place.root)
        if wired.showing is not None:
            self._rounds(wired, wired.showing)
        else:
            wired.venue.listen(node.hear)
        balances = self.rounds.reconciler.balances if self.rounds is not None else None
        self.actions = Actions(node, door.history, place.actions, balances)
        node.on_step.append(self.actions.stepped)
        wired.listen(node.row)
        wired.turned = node.turned

    def _rounds(self, wired: quay.Wired, showing: Any) -> None:
        """What compares the books with the account's, again and again."""
        node, settings = self.node, self.settings
        silence = Silence()
        silence.expect(ACCOUNT, int(settings.mute_s * SECOND))
        silence.expect(MARKET, int(settings.mute_s * SECOND), always=True)
        streams = {ACCOUNT: wired.account_stream, MARKET: wired.feed_stream}

        def drop(name: str) -> None:
            stream = streams[name]
            if stream is not None:
                stream.drop()

        self.rounds = rounds = Rounds(
            node, showing,
            Reconciler(
                wired.engine.state, Executions(wired.engine.instruments), policy=Policy(hand=settings.policy, symbols=settings.policies),
                limits=Limits(quiet=int(settings.quiet_s * SECOND)),
            ),
            self.clock.now, every=_every(settings), silence=silence, drop=drop, trading=self._trading,
        )  # fmt: skip
        wired.venue.listen(rounds.hear)
        wired.spoke = rounds.spoke
        node.on_turn += [rounds.turned, self._linked]
        node.on_step.append(rounds.stepped)
        node.on_rows = lambda: silence.heard(MARKET, self.clock.mono())

    def _linked(self, name: str, up: bool, why: str) -> None:
        """The market's stream came or went: the gate lets no new risk out while it is away."""
        node = self.node
        links = node.engine.state.conditions.links
        if name == MARKET and node.trading and up == (MARKET in links):
            now = self.clock.now()
            node.step(Link(now, now, MARKET, "up" if up else "down"))

    def _trading(self) -> bool:
        """Whether prices are owed now."""
        state = self.node.engine.state
        return any(state.session_open(row.id) for row in self.node.engine.instruments)

    def _banner(self, equity: Any) -> None:
        """Whose money, how much of it, by whom, within which limits and until when."""
        node, engine = self.node, self.node.engine
        self.say(
            "starting", mode=node.mode, account=node.account, equity=float(equity), currency=engine.state.portfolio.base,
            strategies=[slot.id for slot in engine.slots], symbols=list(engine.instruments.symbols), limits=self._told_limits,
            armed_until=self.permit.until,
        )  # fmt: skip

    async def _live(self, dawn: Dawn, journal: Any) -> int:
        node, wired = self.node, self.wired
        word = Word(node, self.minutes, lambda: self.limits, self.reload, self._way(), self.actions)
        inbox = Inbox(node.folder.inbox, word.verbs())
        await inbox.open()
        try:
            self._keep("heartbeat", self._heartbeat())
            started = await dawn.run()
            self._known = dawn.known
            self.say("compared", fresh=started.fresh, repaired=started.repaired, barred=started.barred, bars=dawn.bars, rested=dawn.rested)
            self._begin(started)
            self._watched()
            await dawn.prices()
            self.ready.set()
            self.say("trading", strategies=[slot.id for slot in node.engine.slots], inbox=str(node.folder.inbox))
            await node.stopping.wait()
            await self._end(journal)
        finally:
            for task in self._loops:
                task.cancel()
            await asyncio.gather(*self._loops, return_exceptions=True)
            node.quiet()
            await node.perform.close()
            await wired.feed_stream.close()
            if wired.account_stream is not None:
                await wired.account_stream.close()
            await wired.venue.close()
            await inbox.close()
        if node.broken is None:  # else its watchdog finds it silent, and gets the account out of risk
            try:
                self._heart.end(node.engine.state.level)
            except OSError as error:  # as when it broke
                self.say("no last heartbeat", why=str(error))
        self.say("ended", why=node.ended, status=node.exit_status)
        return node.exit_status

    def _begin(self, started: Any) -> None:
        """Trade from now on."""
        node = self.node
        node.trading = True
        self.warden.pardoned()
        reach("begin.effects")
        node.perform(started.effects)
        reach("begin.performed")
        for approved in started.resend:
            node.perform.submit(approved)
        self.warden.latched()
        self._keep("pulse", self._pulse())
        self._keep("second", self._seconds())
        self._keep("actions", self._mornings())
        if self.collared is not None:
            self._keep("exits", exits(self.collared, node))
        if self.rounds is not None:
            self._keep("rounds", self.rounds.run())
        self._saved = self._written()
        gc.collect()
        gc.freeze()

    def _watched(self) -> None:
        """Start the process that gets the account out of risk when this one is silent."""
        wanted, node, asked = self.asked.watchdog, self.node, self.asked
        if wanted is not None and wanted.on and self.rounds is not None and watchdog.seen(node.folder) is None:
            watchdog.start(
                node.folder, mode=node.mode, account=node.account, base=self.settings.base, silence_s=wanted.silence_s, flatten=wanted.flatten,
                collar_frac=wanted.collar_frac, key=asked.key.reveal(), secret=asked.secret.reveal(),
            )  # fmt: skip

    async def _end(self, journal: Any) -> None:
        """What would enlarge a position is taken back, stops stay, the books are closed."""
        node = self.node
        self.say("stopping", why=node.ended)
        if node.broken is not None:
            return
        loop = asyncio.get_running_loop()
        if self.settings.shutdown == "flatten":
            node.act(_flatten)
            end = loop.time() + 4.0 * GOODBYE_S
            while any(node.engine.state.portfolio.lots) and loop.time() < end:
                await asyncio.sleep(0.02)
            if any(node.engine.state.portfolio.lots):
                node.alarm("NOT_FLAT", "the desk ends before everything is closed", "page")
        reach("end.entries")
        node.close_entries()
        reach("end.taken")
        end = loop.time() + GOODBYE_S
        while node.leaving() and loop.time() < end:
            await asyncio.sleep(0.01)
        await node.perform.idle(1.0)
        if node.broken is None:
            reach("end.close")
            node.engine.close()
            keep(node, journal, self._known)

    # -- loops -----------------------------------------------------------------------------------------------------------

    def _keep(self, name: str, work: Awaitable[None]) -> None:
        """Run a loop for as long as the desk lives; its death is an alarm, and the end of the desk."""

        async def kept() -> None:
            try:
                await work
            except Exception as error:  # noqa: BLE001  (whatever it was: it is named, and the desk ends)
                text = str(error) if isinstance(error, ArgosyError) else f"{type(error).__name__}: {error}"
                self.node.alarm("LOOP_DIED", f"{name}: {text}", "page")
                self.node.stop(f"the {name} loop died: {text}", 1)

        self._loops.add(asyncio.ensure_future(kept()))

    async def _pulse(self) -> None:
        node = self.node
        while True:
            await asyncio.sleep(PULSE_S)
            node.pulse()

    async def _heartbeat(self) -> None:
        while True:
            self._heart.beat(self.node.engine.state.level)
            await asyncio.sleep(self.settings.heartbeat_ms / 1000.0)

    async def _seconds(self) -> None:
        """Each second: the latch of another process, the disk, the state that is to be saved."""
        node, journal = self.node, self.node.journal
        check: Callable[[], None] = getattr(journal, "check", _fine)
        stalled = False
        while True:
            await asyncio.sleep(1.0)
            self.warden.look()
            self._calendar()
            if self.settings.speed != 1.0:
                await self._follow()
            try:
                check()
                stalled = False
            except Broken as error:
                if not stalled:
                    stalled = True
                    node.alarm(error.code, error.what, "page")
                    self.warden.latch(REDUCE, error.code)
            if self._written() - self._saved > SAVE_EVERY and not node.closing and node.broken is None:
                self._saved = self._written()
                keep(node, journal, self._known)

    async def _mornings(self) -> None:
        """Before each open: what companies do to their shares."""
        pause = 1.0
        while True:
            await asyncio.sleep(pause)
            if self.actions.due(self.clock.now()) and not self.node.closing:
                pause = 1.0 if await self.actions.ask() else 20.0

    def _calendar(self) -> None:
        """The sessions of the days that come."""
        sessions, now = self.node.sessions, self.clock.now()
        if sessions.known_until < now + 3 * DAY:
            for calendar in {row.calendar for row in self.node.engine.instruments} - {"24/7"}:
                sessions.extend(calendar, scheduled(calendar, now))

    async def _follow(self) -> None:
        """An exchange of our own may leave out its nights: count on from its time."""
        asked = self.clock.mono()
        try:
            hours = await quay.hours(self.wired.door)
        except Retry:
            return
        self.clock.heard(hours.now, asked, self.clock.mono())
        self.clock.follow()

    def _written(self) -> int:
        return self.node.journal.seq + self.node.engine.state.rows

    # -- what is told, and what may change ---------------------------------------------------------------------------------

    def say(self, what: str, **more: Any) -> None:
        """Tell whoever looks, and the log."""
        if self._log is not None:
            self._log.say(what, **more)
        self._told(what, more)

    def _alarm(self, told: Told) -> None:
        if self._log is not None:
            self._log.say("alarm", "error" if told.severity == "page" else "warning", code=told.code, text=told.text)
        self._told("alarm", {"code": told.code, "text": told.text, "severity": told.severity})

    def _way(self) -> dict[str, Any]:
        """What another process must know to look at the same account; keys where it is a simulated one, else each finds its own."""
        asked, node, settings = self.asked, self.node, self.settings
        own = self.wired.door.place.mode == "sim"
        keys = {"key": asked.key.reveal(), "secret": asked.secret.reveal()} if own else {}
        told = {"mode": node.mode, "account": node.account, "base": settings.base, "config": asked.config, "strategies": asked.names}
        return {**told, "symbols": list(node.engine.instruments.symbols), **keys}

    def status(self) -> Status:
        """How it stands."""
        return status(self.node, self.minutes, self.limits)

    def look(self) -> None:
        """Tell how it stands."""
        self._told("status", msgspec.to_builtins(self.status()))

    def reload(self) -> Mapping[str, Any]:
        """Take the settings anew where they may change. Misconfigured RELOAD, RELOAD_REFUSED, and what reading them raises."""
        if self.asked.again is None:
            raise Misconfigured("RELOAD", "this desk was started without a file of settings", fix="start it with `argosy run`")
        fresh = self.asked.again()
        found = changed(self.settled, fresh)
        self.permit.keeps(found)
        node, settings = self.node, fresh[1]
        if "risk" in found:
            self.limits = quay.limit(node.engine, self.permit.under(fresh[0]))
        self.settled = fresh
        if self._log is not None:
            self._log.level(settings.log_level)
        if self.rounds is not None:
            self.rounds.every = _every(settings)
            self.rounds.reconciler.balances.policy = Policy(hand=settings.policy, symbols=settings.policies)
        if found:
            self.say("reloaded", changed=found)
        return {"changed": found}


def _every(settings: DeskSettings) -> Every:
    return Every(inflight=settings.inflight_s, orders=settings.orders_s, positions=settings.positions_s, fills=settings.fills_s)


def _flatten(engine: Engine) -> None:
    """Every strategy wants nothing of what it holds."""
    for strategy in engine.state.portfolio.books:
        engine.levels.flatten(strategy, "the desk ends")


def _fine() -> None:
    """A journal in memory never stalls."""


def _nobody(what: str, more: Mapping[str, Any]) -> None:
    """Nobody looks."""
