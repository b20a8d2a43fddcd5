"""A venue, an owner and a market that do anything they may: seeded, so that a run can be told again event by event.

It keeps its own account with plain sums, which knows nothing of the engine's books.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from random import Random
from typing import Any

from argosy.core.effects import Amend, Effect, Submit
from argosy.core.events import (
    Account,
    Bar,
    Borrow,
    Bust,
    CashFlow,
    Command,
    Dividend,
    Event,
    Fact,
    Fill,
    Funding,
    OrderUpdate,
    Quote,
    Reply,
    Session,
    Split,
    Timer,
)
from argosy.core.orders import TERMINAL, Work
from argosy.core.time import MINUTE, SECOND
from argosy.engine.engine import Engine
from argosy.engine.fold import fold
from argosy.engine.state import State
from argosy.house import Terms, Wanted, assemble
from tests.laws.market import Cross, Dice, instruments

TERMS = Terms(fees="free", slippage_bps=0.0, limits={"position": {"max_lots": 60}, "order_size": {"max_lots": 50, "trim": True}})
KINDS = 22


def build(seed: int) -> Engine:
    """Three strategies over two instruments: two throw dice, one follows its averages with a stop."""
    wanted = [
        Wanted("ann", Dice, {"seed": seed}), Wanted("bob", Dice, {"seed": seed + 1, "size": 15}),
        Wanted("cross", Cross, {"fast": 2, "slow": 4, "guarded": 1}),
    ]  # fmt: skip
    return assemble(wanted, (instruments(2), [], []), TERMS).engine


class Wild:
    """Drives an engine for `steps` events. events: what it was fed, in order; cash, lots: the account by plain sums."""

    def __init__(self, seed: int, engine: Engine | None = None) -> None:
        self.random = Random(seed)
        self.engine = engine or build(seed)
        self.state = self.engine.state
        self.engine.open([CashFlow(0, 0, "USD", 100_000_000_000)])
        self.cash = 100_000_000_000
        self.lots = [0, 0]
        self.marks: list[float] = [float("nan")] * 2
        self.events: list[Event] = []
        self.amends: dict[int, Amend] = {}
        self.cums: dict[int, int] = {}
        self.orders: dict[int, Any] = {}
        self.told: list[Fill] = []
        self.now = 0
        self.price = [50.0, 80.0]
        self.count = 0

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self.step()

    def feed(self, event: Event) -> None:
        """Give the engine one event and remember what it asks."""
        self.events.append(event)
        self.note(self.engine.step(event))

    def note(self, effects: Sequence[Effect]) -> None:
        """What the engine asks for."""
        for effect in effects:
            if isinstance(effect, Submit):
                for order in (effect.approved.order, *effect.approved.legs):
                    self.orders[order.id] = order
            elif isinstance(effect, Amend):
                self.amends[effect.order] = effect

    def step(self) -> None:
        """One thing happens."""
        self.now += self.random.choice((0, 1, SECOND))
        what = self.random.randrange(KINDS)
        if what < 7:
            self._bar(self.random.randrange(2))
        elif what < 18:
            self._answer()
        else:
            self._elsewhere()

    def _bar(self, i: int) -> None:
        close = max(1.0, round(self.price[i] + self.random.choice((-0.6, -0.2, -0.05, 0.0, 0.05, 0.2, 0.6)), 2))
        start, self.price[i] = self.now, close
        self.now += MINUTE
        high, low = max(close, self.price[i]) + 0.1, min(close, self.price[i]) - 0.1
        self.marks[i] = close
        if self.random.random() < 0.15:
            self.feed(Quote(self.now, self.now, i, close - 0.01, close + 0.01, 10.0, 10.0))
            self.marks[i] = ((close - 0.01) + (close + 0.01)) * 0.5
        else:
            self.feed(Bar(start, self.now, i, close, high, low, close, 1000.0, MINUTE))

    def _answer(self) -> None:
        """The venue says something true about some order, or says it twice, or late."""
        tickets = [ticket for row in self.state.blotter.open for ticket in row.values()]
        pick = self.random.random()
        if pick < 0.08 and self.told:
            self.feed(self.random.choice(self.told))  # told again
            return
        if pick < 0.12 and self.told:
            self._bust()
            return
        if pick < 0.16:
            self._late()
            return
        if not tickets:
            return
        ticket = self.random.choice(tickets)
        number, work = ticket.order.id, ticket.work
        if work is Work.SENT:
            if ticket.leg:
                self.feed(OrderUpdate(self.now, self.now, number, Work.ACKED))
            elif pick < 0.7:
                self.feed(Reply(self.now, self.now, number, "submit", "accepted"))
            elif pick < 0.8:
                self.feed(Reply(self.now, self.now, number, "submit", "ambiguous"))
            elif pick < 0.88:
                self.feed(Reply(self.now, self.now, number, "submit", "refused", "NO"))
                self._orphans(number)
            else:
                self._fill(ticket)
        elif work is Work.PENDING_CANCEL and pick < 0.7:
            self.feed(Reply(self.now, self.now, number, "cancel", "accepted"))
            self.feed(OrderUpdate(self.now, self.now, number, Work.CANCELED))
            self._orphans(number)
        elif work is Work.PENDING_CANCEL and pick < 0.8:
            self.feed(Reply(self.now, self.now, number, "cancel", self.random.choice(("refused", "ambiguous"))))  # type: ignore[arg-type]
        elif work is Work.PENDING_REPLACE and pick < 0.8:
            amend = self.amends[number]
            lots = amend.lots if amend.lots > ticket.cum else 0
            self.feed(OrderUpdate(self.now, self.now, number, Work.WORKING, lots, amend.limit, amend.stop))
        elif ticket.leg or pick < 0.25:
            self.feed(OrderUpdate(self.now, self.now, number, self.random.choice((Work.CANCELED, Work.EXPIRED))))
            self._orphans(number)
        else:
            self._fill(ticket)

    def _orphans(self, parent: int) -> None:
        """Legs of an entry that ended without a fill end with it."""
        for number in list(self.state.blotter.legs(parent)):
            ticket = self.state.blotter.tickets.get(number)
            if ticket is not None and ticket.leg and ticket.work not in TERMINAL:
                self.feed(OrderUpdate(self.now, self.now, number, Work.CANCELED))

    def _fill(self, ticket: Any) -> None:
        order = ticket.order
        i = order.instrument
        left = ticket.leaves
        if left <= 0 or self.marks[i] != self.marks[i]:
            return
        lots = left if self.random.random() < 0.6 else self.random.randint(1, left)
        self._execute(i, order.id, order.side, lots)

    def _execute(self, i: int, order: int, side: int, lots: int) -> None:
        price = round(self.price[i] + self.random.choice((-0.02, 0.0, 0.03)), 2)
        self.count += 1
        notional, fee = side * round(lots * price * 1e6), self.random.randrange(2_000_000)
        fill = Fill(self.now, self.now, i, order, f"e{self.count}", side, lots, price, notional, fee)
        self.cash -= notional + fee
        self.lots[i] += side * lots
        self.told.append(fill)
        self.feed(fill)

    def _late(self) -> None:
        """A fill of an order that the venue has already called canceled or expired."""
        late = [
            ticket for ticket in self.state.blotter.tickets.values()
            if ticket.work in (Work.CANCELED, Work.EXPIRED) and ticket.cum < ticket.order.lots and not ticket.leg
        ]  # fmt: skip
        if late:
            ticket = self.random.choice(late)
            self._execute(ticket.order.instrument, ticket.order.id, ticket.order.side, self.random.randint(1, ticket.order.lots - ticket.cum))

    def _bust(self) -> None:
        """An execution since the last split is taken back, once."""
        fill = self.told.pop(self.random.randrange(len(self.told)))
        self.cash += fill.notional + fill.fee
        self.lots[fill.instrument] -= fill.side * fill.lots
        self.feed(Bust(self.now, self.now, fill.execution))

    def _elsewhere(self) -> None:
        """What happens without an order."""
        now, i = self.now, self.random.randrange(2)
        what = self.random.randrange(13)
        known = self.marks[i] == self.marks[i]
        if what == 0:
            amount = self.random.randint(-10**9, 10**9)
            self.cash += amount
            self.feed(CashFlow(now, now, "USD", amount, self.random.choice(("", "ann", "bob"))))
        elif what == 1 and known:
            amount = self.random.randrange(100) / 100.0
            self.cash += round(self.lots[i] * amount * 1e6)
            self.feed(Dividend(now, now, i, amount))
        elif what == 2 and known:
            rate = self.random.randint(-9, 9) / 10_000.0
            self.cash -= round(self.lots[i] * (rate * self.marks[i]) * 1e6)
            self.feed(Funding(now, now, i, rate))
        elif what == 3 and known:
            rate = self.random.randrange(9) / 10_000.0
            if self.lots[i] < 0:
                self.cash -= round(-self.lots[i] * (rate * self.marks[i]) * 1e6)
            self.feed(Borrow(now, now, i, rate))
        elif what == 4 and known:
            ratio = self.random.choice((2.0, 0.5, 1.5))
            exact = self.lots[i] * Fraction(ratio)
            self.lots[i] = int(exact)
            self.cash += round((exact - int(exact)) * Fraction(self.marks[i] / ratio * 1e6))
            self.marks[i] /= ratio
            self.price[i] = max(1.0, round(self.marks[i], 2))
            self.told = [fill for fill in self.told if fill.instrument != i]
            self.feed(Split(now, now, i, ratio))
        elif what == 5:
            self._execute(i, 10**9 + self.count, self.random.choice((-1, 1)), self.random.randint(1, 5))  # a hand trade
        elif what == 6:
            verb = self.random.choice(("pause", "unpause", "unpause", "flatten"))
            self.feed(Command(now, now, verb, "me", "why", self.random.choice(("ann", "bob"))))
        elif what == 7 and self.random.random() < 0.3:
            self.feed(Command(now, now, self.random.choice(("reduce", "halt", "flatten", "resume", "resume")), "me", "why"))
        elif what == 8:
            self.feed(Account(now, now, "USD", 0, 0, 0, dict(enumerate(self.lots))))
        elif what == 9:
            self.count += 1
            self.feed(Session(now, now, "24/7", self.count % 2 == 0, self.count, now + MINUTE))
        elif what == 10:
            self.feed(Fact(now, now, "src", "cpi", float(self.count)))
        else:
            self.feed(Timer(now, now, self.random.choice(("pulse", "horizon", "tea")), ""))

    def fold(self) -> State:
        """The state that the journal alone gives."""
        rows = iter([event for event in self.events if isinstance(event, Bar | Quote)])
        return fold(self.engine.journal.records(), State(self.engine.instruments, "USD", ["ann", "bob", "cross"]), rows)
