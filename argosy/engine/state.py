"""Everything the engine knows, changed only by recorded facts and decisions; it decides nothing and calls nobody.

`State.apply(record)` is the one way in for what the journal holds, and `bar/quote/trade` + `settle` for market rows, which
the journal holds by reference. The engine uses the same doors, so `fold(journal, source) == state` by construction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import partial
from typing import Any

from argosy.core import effects as fx
from argosy.core import events as ev
from argosy.core.errors import Broken
from argosy.core.instrument import Instruments
from argosy.core.intents import Ladder, Target
from argosy.core.orders import Order, Work
from argosy.core.time import NEVER
from argosy.engine import outcomes
from argosy.engine.algos.courses import Courses
from argosy.engine.bare import Bare
from argosy.engine.blotter import Blotter
from argosy.engine.conditions import Conditions
from argosy.engine.counters import Counters
from argosy.engine.endings import delist, exercise, expire
from argosy.engine.journal import Cross, Given, Grant, Memory, Released, Reserve, Rows, Run
from argosy.engine.outcomes import PROTECTIONS as PROTECTIONS
from argosy.engine.outcomes import after_all, answered, beside, ended, flat, over, spend, traded
from argosy.engine.patience import Patience
from argosy.engine.portfolio import HOUSE, Fx, Portfolio
from argosy.engine.records import Guarded, Standing, Stretch, Unsized, Verdict, Wanted
from argosy.engine.snap import limit_on_grid, protection_on_grid, rung_on_grid
from argosy.engine.snapshot import name, snapshot
from argosy.engine.storms import Storms
from argosy.engine.wish import Wish
from argosy.kernels import ledger

NAN = float("nan")
LIVE, REDUCE, HALT, FLATTEN, DARK, PROBE = 0, 1, 2, 3, 4, -1
DONE = frozenset({"FLAT", "DESK_DARK"})
DRIFT = "RECONCILE_DRIFT"
"""Reason of a Status that the desk itself gives: what it holds of an instrument is not what the venue shows."""
_MONEY = frozenset({
    ev.Fill, ev.Bust, ev.Reversal, ev.Adjust, ev.CashFlow, ev.Split, ev.Dividend, ev.Funding, ev.Borrow, ev.Delist,
    ev.Exercise, ev.Assignment, ev.Expiry,
})  # fmt: skip


class State:
    """The foldable whole: books, orders, wishes, counters, sessions, latches, timers, facts.

    level:   safety level; status: strategy -> active | paused | retired | quarantined
    peak:    greatest equity at the end of a market instant, cash flows taken out; day_start likewise at the session's begin
    day_base: what the breaker of the daily loss counts from: day_start, or the equity at the last resume after it
    causes:  of the levels latched since the desk was last live; unguarded: the owner had protections taken off as well;
    done:    it was said that the account is flat, or that the desk may go dark
    schema:  of the journal that tells it; a state of an older one keeps its name
    storms:  what breakers count, None where none does
    factor:  cumulative split factor by instrument; rows: market rows applied
    halted:  instruments that may not be traded: stopped by their venue, or drifted, whose books here disagree with the venue's
    """

    def __init__(self, instruments: Instruments, base: str, strategies: Iterable[str], fx_rates: Iterable[Fx] = ()) -> None:
        names = tuple(strategies)
        n = len(instruments)
        self.instruments = instruments
        self.portfolio = Portfolio(instruments, base, names, fx_rates)
        self.blotter = Blotter(n)
        self.counters = Counters()
        self.now = 0
        self.rows = 0
        self.level = LIVE
        self.level_cause = ""
        self.clean = 0
        self.causes: list[str] = []
        self.unguarded = self.done = False
        self.schema = ev.SCHEMA
        self.status: dict[str, str] = dict.fromkeys(names, "active")
        self.wishes: dict[tuple[str, int], Wish] = {}
        self.courses = Courses(self)
        self.peak = 0
        self.day_start = 0
        self.day_base = 0
        self.unrated: dict[int, int] = {}
        self.bare = Bare()
        self.patience = Patience()
        self.conditions = Conditions()
        self.storms: Storms | None = None
        self.stray = False
        self.turn = 0
        self.sessions: dict[str, ev.Session] = {}
        self.halted: set[int] = set()
        self.stopped: set[int] = set()
        self.drifted: set[int] = set()
        self.delisted: set[int] = set()
        self.factor = [1.0] * n
        self.quotes: list[tuple[float, float]] = [(NAN, NAN)] * n
        self.timers: set[tuple[int, str, str]] = set()
        self.facts: dict[str, ev.Fact] = {}
        self.forecasts: dict[tuple[int, str], ev.Forecast] = {}
        self.filled: list[tuple[ev.Fill, str, int, int]] = []
        self.on_stretch: Callable[[Stretch], None] | None = None
        self._on_fill: Callable[[ev.Fill, str, int, int, Order | None], None] | None = None
        self._do: dict[type, Callable[[Any], None]] = {
            Run: self._run, Rows: self._rows, Grant: self._grant, Wanted: self.want, Cross: self._cross,
            Verdict: partial(outcomes.judged, self), Unsized: self._unsized, Released: self.courses.release, Reserve: self.reserve,
            Given: self._given, Standing: self._standing, Memory: self._ignore, Guarded: partial(outcomes.sheltered, self),
            fx.Cancel: self._cancel, fx.Amend: self._amend, fx.SetTimer: self._set_timer,
            fx.Note: self._ignore, fx.Alarm: self._alarm, ev.Reply: self._reply, ev.OrderUpdate: self._update,
            ev.Fill: self._fill, ev.Bust: self._undo, ev.Reversal: self._undo, ev.Account: self._account,
            ev.Adjust: partial(outcomes.adjusted, self), ev.CashFlow: self._cash_flow, ev.Split: self._split,
            ev.Dividend: self.portfolio.dividend, ev.Funding: self.portfolio.funding, ev.Borrow: self.portfolio.borrow,
            ev.Delist: partial(delist, self), ev.Exercise: partial(exercise, self), ev.Assignment: partial(exercise, self),
            ev.Expiry: partial(expire, self), ev.Status: self._status, ev.Session: self._session,
            ev.Band: self.conditions.band, ev.Link: self.conditions.link, ev.Gap: self.conditions.gap,
            ev.Fact: self._fact, ev.Forecast: self._forecast, ev.Timer: self._timer, ev.Command: self._command,
            ev.Latch: self._latch,
        }  # fmt: skip

    def apply(self, record: Any) -> None:
        """Apply one recorded thing; Broken("RECORD_KIND") for a kind that no journal holds."""
        do = self._do.get(type(record))
        if do is None:
            raise Broken("RECORD_KIND", f"a journal does not hold {type(record).__name__}")
        known = getattr(record, "known", 0)
        if known > self.now:
            self.now = known
        do(record)
        if self.bare.waits:
            self.bare.follow(record, self.portfolio.lots, self.rows)

    def observe(
        self,
        on_money: Callable[[int], None],
        on_fill: Callable[[ev.Fill, str, int, int, Order | None], None],
        on_stretch: Callable[[Stretch], None],
    ) -> None:
        """Call `on_money(instrument or -1)` after each record that moved lots or cash, `on_fill` for each share of a fill.

        A stretch of plain orders, which did both many times, calls `on_stretch` instead.
        """
        self.on_stretch = on_stretch

        def watched(do: Callable[[Any], None]) -> Callable[[Any], None]:
            def call(record: Any) -> None:
                do(record)
                on_money(getattr(record, "instrument", -1))
                if getattr(record, "underlying", -1) >= 0:
                    on_money(record.underlying)

            return call

        for kind in _MONEY:
            self._do[kind] = watched(self._do[kind])
        self._on_fill = on_fill

    # -- market rows -----------------------------------------------------------------------------------------------------

    def bar(self, bar: ev.Bar) -> None:
        """Mark at the close. A bar without a price (nan) leaves the mark."""
        close = bar.close
        if close == close:
            portfolio = self.portfolio
            i = bar.instrument
            portfolio.marks[i] = close
            portfolio.marked[i] = bar.known
            if portfolio.lots[i]:
                portfolio.revalue(i)

    def quote(self, quote: ev.Quote) -> None:
        """Mark at the mid, or at the one side that is shown."""
        bid, ask = quote.bid, quote.ask
        self.quotes[quote.instrument] = (bid, ask)
        mid = (bid + ask) * 0.5
        mid = mid if mid == mid else bid if bid == bid else ask
        if mid == mid:
            i, portfolio = quote.instrument, self.portfolio
            portfolio.marks[i] = mid
            portfolio.marked[i] = quote.known
            if portfolio.lots[i]:
                portfolio.revalue(i)

    def trade(self, trade: ev.Trade) -> None:
        """Mark at the print."""
        if trade.price == trade.price:
            self.portfolio.mark(trade.instrument, trade.price, trade.known)

    def row(self, event: ev.MarketEvent) -> None:
        """Apply one market row of any kind."""
        kind = type(event)
        if kind is ev.Bar:
            self.bar(event)  # type: ignore[arg-type]
        elif kind is ev.Quote:
            self.quote(event)  # type: ignore[arg-type]
        elif kind is ev.Trade:
            self.trade(event)  # type: ignore[arg-type]
        self.rows += 1
        if event.known > self.now:
            self.now = event.known
        if self.courses:
            self.courses.see(event)

    def settle(self) -> None:
        """The market rows of an instant are all applied: the peak may rise."""
        if self.unrated:
            self._rate()
        equity = self.portfolio.equity
        if equity > self.peak:
            self.peak = equity
        if self.storms is not None:
            self.storms.settle(self.now, equity)

    # -- account events --------------------------------------------------------------------------------------------------

    def _ignore(self, record: Any) -> None:
        """Recorded for people; changes nothing."""

    def _run(self, run: Run) -> None:
        self.schema = run.schema

    def _rows(self, record: Rows) -> None:
        if record.upto != self.rows:
            raise Broken("ROWS", f"the journal stands at market row {record.upto}, the state at {self.rows}", fix="fold with the run's own tapes")

    def _reply(self, reply: ev.Reply) -> None:
        if reply.outcome == "refused" or self.patience.waits:
            answered(self, reply)
        ticket = self.blotter.reply(reply)
        if ticket is not None:
            self.counters.on_refusal(reply.code)
            ended(self, ticket)

    def _update(self, update: ev.OrderUpdate) -> None:
        ticket = self.blotter.update(update)
        if ticket is not None and ticket.work is not Work.FILLED:
            ended(self, ticket)

    def _fill(self, fill: ev.Fill) -> None:
        counted = self.blotter.fill(fill)
        if counted is None:
            return
        ticket, shares = counted
        storms = self.storms
        if storms is not None and ticket is not None:
            storms.executed(self.now, fill.instrument, fill.side, fill.order)
        tag = ticket.order.tag if ticket is not None else ""
        for strategy, signed, realised, fee in self.portfolio.fill(fill, shares):
            self.filled.append((fill, strategy, signed, realised))
            if self._on_fill is not None:
                self._on_fill(fill, strategy, signed, fee, ticket.order if ticket is not None else None)
            if strategy != HOUSE:
                traded(self, strategy, fill.instrument, signed, realised, fee)
                if realised and storms is not None:
                    base = self.portfolio.to_base(realised, self.portfolio.currency_of[fill.instrument])
                    storms.closed(fill.order, realised if base is None else base)
                if tag:
                    beside(self, strategy, fill.instrument, signed, tag)
                elif ticket is not None and ticket.forgone:
                    after_all(self, strategy, ticket, signed)
                flat(self, strategy, fill.instrument)
        if ticket is not None and ticket.returned:  # it ended without a fill, so it was no trade; now it is one
            ticket.returned = False
            self.counters.on_late(tuple(share.strategy for share in ticket.order.shares))
        self.counters.on_fill(fill.order)
        if ticket is not None and tag.startswith("rung:") and ticket.work is Work.FILLED:
            spend(self, ticket.order)

    def _undo(self, event: ev.Bust | ev.Reversal) -> None:
        undone = self.blotter.undo(event)
        self.stray = undone is None
        if undone is not None:
            self.portfolio.unfill(*undone)
            over(self, undone[0].instrument)

    def _account(self, account: ev.Account) -> None:
        """Evidence only: count the clean reconciles that PROBE waits for: nothing differs, and every connection is up."""
        lots = self.portfolio.lots
        self.conditions.counted = account.positions
        clean = all(lots[i] == account.positions.get(i, 0) for i in range(len(lots))) and not self.drifted and not self.conditions.links
        self.clean = self.clean + 1 if clean else 0

    def _cash_flow(self, flow: ev.CashFlow) -> None:
        self.portfolio.cash_flow(flow)
        index = self.portfolio.currency_index(flow.currency)
        self.unrated[index] = self.unrated.get(index, 0) + flow.amount
        self._rate()

    def _rate(self) -> None:
        """Deposits and withdrawals are no profit: peak and day's start move with them, once a rate says by how much."""
        for index, units in list(self.unrated.items()):
            base = self.portfolio.to_base(units, index)
            if base is not None:
                self.peak += base
                self.day_start += base
                self.day_base += base
                if self.storms is not None:
                    self.storms.shift(base)
                del self.unrated[index]

    def _split(self, split: ev.Split) -> None:
        i = split.instrument
        before = {name: book.lots[i] for name, book in self.portfolio.books.items()}
        self.portfolio.split(split)
        over(self, i)
        self.blotter.split(i, split.ratio)
        self.factor[i] *= split.ratio
        self.conditions.split(i, split.ratio)
        bid, ask = self.quotes[i]
        self.quotes[i] = (bid / split.ratio, ask / split.ratio)
        exact = Fraction(split.ratio).limit_denominator(10_000)
        row = self.instruments[i]
        for (strategy, instrument), wish in self.wishes.items():
            if instrument != i:
                continue
            wish.split(self.portfolio.books[strategy].lots[i], before[strategy], split.ratio, exact, row)

    def _status(self, status: ev.Status) -> None:
        """A halt of the venue's and one of ours, whose books disagree with its, stand apart: the end of one does not end the other."""
        i = status.instrument
        own = self.drifted if status.reason == DRIFT else self.stopped
        if own is self.stopped and not status.halted and i in own:
            self.conditions.resumed[i] = status.known
        (own.add if status.halted else own.discard)(i)
        (self.halted.add if i in self.stopped or i in self.drifted else self.halted.discard)(i)

    def _session(self, session: ev.Session) -> None:
        self.sessions[session.calendar] = session
        if session.open and session.day > self.counters.day:
            self.counters.on_session(session.day)
            self.day_start = self.day_base = self.portfolio.equity
            for i in [i for i in self.conditions.bands if self.instruments[i].calendar == session.calendar]:
                del self.conditions.bands[i]

    def _fact(self, fact: ev.Fact) -> None:
        self.facts[fact.name] = fact
        self.conditions.fact(fact)

    def _forecast(self, forecast: ev.Forecast) -> None:
        self.forecasts[forecast.instrument, forecast.model] = forecast

    def _timer(self, timer: ev.Timer) -> None:
        self.timers = {row for row in self.timers if not (row[0] <= timer.known and row[1:] == (timer.name, timer.strategy))}

    def _command(self, command: ev.Command) -> None:
        """What the engine does of it is recorded beside it; two words change what is known by themselves."""
        if not command.reason or command.strategy:
            return
        if command.verb == "arm":
            self.conditions.armed = command.known
        elif command.verb == "halt" and command.protections and self.level <= HALT:
            self.unguarded = True

    def _alarm(self, alarm: fx.Alarm) -> None:
        self.done = self.done or alarm.code in DONE

    def _latch(self, latch: ev.Latch) -> None:
        """A level; from outside none leads down. What was lost before a resume is not held against what comes after it."""
        if self.schema >= 3:
            if latch.by != "engine" and 0 <= latch.level < self.level:
                return
            if latch.level > LIVE:
                self.causes.append(latch.cause)
            else:
                self._go_on(latch.level)
        self.level = latch.level
        self.level_cause = latch.cause
        self.clean = 0
        self.done = False

    def _go_on(self, level: int) -> None:
        if level == PROBE:
            self.day_base = self.portfolio.equity
            if "DRAWDOWN" in self.causes:
                self.peak = self.portfolio.equity
            if self.storms is not None:
                self.storms.clear()
        self.causes.clear()
        self.unguarded = False

    # -- decisions -------------------------------------------------------------------------------------------------------

    def wish(self, strategy: str, instrument: int) -> Wish:
        """The standing wish of a strategy on an instrument, made empty on first use."""
        key = (strategy, instrument)
        wish = self.wishes.get(key)
        if wish is None:
            wish = self.wishes[key] = Wish()
        return wish

    def turned(self, strategy: str, instrument: int) -> int:
        """How many wishes there had been when the standing one came; 0 when there is none."""
        wish = self.wishes.get((strategy, instrument))
        return 0 if wish is None else wish.turn

    def _grant(self, grant: Grant) -> None:
        self.portfolio.grant(grant.strategy, grant.units, grant.max_loss)

    def want(self, wanted: Wanted) -> None:
        intent = wanted.intent
        wish = self.wishes.get((wanted.strategy, intent.instrument)) or self.wish(wanted.strategy, intent.instrument)
        wish.turn = self.turn = self.turn + 1
        if self.courses or getattr(intent, "execution", None) is not None:
            self.courses.lay(wanted)
        if wanted.by != "protection":
            wish.intent = intent
        i = intent.instrument
        if type(intent) is Target:
            held = self.portfolio.books[wanted.strategy].lots[i]
            before = held or wish.lots or 0
            wish.lots = wanted.lots
            limit = intent.limit
            wish.limit = limit_on_grid(limit, self.instruments[i], wanted.lots - held) if limit == limit else limit
            wish.tif = intent.tif
            anew = not before or before * wanted.lots < 0
            if intent.protection is not None or anew:  # on the way out the levels stand until the position is gone
                wish.protection, wish.house = intent.protection and protection_on_grid(intent.protection, self.instruments[i], wanted.lots), False
            wish.until = wanted.at + intent.horizon_ns if intent.horizon_ns else NEVER
            wish.on_expiry = intent.on_expiry
        elif type(intent) is Ladder:
            wish.spent = set()
            wish.rungs = {rung.tag: rung_on_grid(rung, self.instruments[i]) for rung in intent.rungs}
        else:
            wish.lots = None
            wish.rungs = {}
            wish.until = NEVER

    def _cross(self, cross: Cross) -> None:
        told = self.portfolio.cross(cross.instrument, cross.buyer, cross.seller, cross.lots, cross.notional)
        for strategy, signed, realised, fee in told if self.schema >= 4 else ():
            if strategy != HOUSE:
                traded(self, strategy, cross.instrument, signed, realised, fee)
        if self._on_fill is not None:
            self.seen(cross.instrument, "cross", cross.buyer, cross.lots, cross.price)
            self.seen(cross.instrument, "cross", cross.seller, -cross.lots, cross.price)

    def seen(self, i: int, how: str, strategy: str, signed: int, price: float) -> None:
        """Show the observer a change of a virtual book that no venue made, as a fill without order and fee."""
        if self._on_fill is not None:
            side = 1 if signed > 0 else -1
            notional = ledger.notional.py(signed, price, self.portfolio.scale[i])
            fill = ev.Fill(self.now, self.now, i, 0, how, side, abs(signed), price, notional, 0)
            self._on_fill(fill, strategy, signed, 0, None)

    def _unsized(self, unsized: Unsized) -> None:
        self.counters.on_refusal(unsized.refused.code)

    def reserve(self, record: Reserve) -> None:
        approved = record.submit.approved
        if self.bare.waits:
            self.bare.rests(approved.order.instrument, approved.order.tag)
        self.blotter.add(approved.order, record.units).turn = self.turn
        for leg in approved.legs:
            self.blotter.add(leg).turn = self.turn
        self.counters.on_order(approved.order, self.now, record.exit)

    def _cancel(self, cancel: fx.Cancel) -> None:
        self._asked(cancel.order)
        self.blotter.cancelling(cancel.order)

    def _amend(self, amend: fx.Amend) -> None:
        self._asked(amend.order)
        self.blotter.amending(amend.order)

    def _asked(self, order: int) -> None:
        """A cancel or amend goes out: counted where requests are."""
        if self.counters.requests is not None:
            self.counters.requests.changed(self.now, [share.strategy for share in self.blotter.tickets[order].order.shares])

    def _set_timer(self, timer: fx.SetTimer) -> None:
        self.timers.add((timer.at, timer.name, timer.strategy))

    def _given(self, given: Given) -> None:
        wish = self.wish(given.strategy, given.instrument)
        self.courses.end(given.strategy, given.instrument)
        wish.intent = None
        wish.lots = None
        wish.until = NEVER
        if given.cause not in ("HORIZON", "SESSION"):  # the time of a target is not that of the ladder beside it
            wish.rungs = {}

    def _standing(self, standing: Standing) -> None:
        self.status[standing.strategy] = standing.status

    # -- questions -------------------------------------------------------------------------------------------------------

    def session_open(self, instrument: int) -> bool:
        """Whether the instrument's calendar is in session; 24/7 and calendars without events always are."""
        session = self.sessions.get(self.instruments[instrument].calendar)
        return True if session is None else session.open

    def snapshot(self) -> dict[str, object]:
        """Plain values of everything but `now`."""
        return snapshot(self)

    @property
    def hash(self) -> str:
        """A name of the state: equal states have equal hashes (32 hex digits)."""
        return name(self)
