"""A venue of paper: what the market shows now fills what is ordered here, and no order leaves; it holds no account but its own.

The simulated venue's core decides, as in a backtest on quotes and trades. Whoever feeds it gives it each market row first, and each
time that passes, so that what fills is known before the heart sees the row.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

from argosy.core.effects import Amend, Cancel, Effect, Submit
from argosy.core.events import Account, Event, Fill, MarketEvent, Quote, Reply, Session, Split, Status, Trade
from argosy.core.instrument import Instrument, Instruments
from argosy.core.orders import Approved, Order
from argosy.core.protocols import Market


class PaperVenue:
    """An account of paper (`core.protocols.Venue`).

    market: decides what fills; clock: ns UTC; cash: units at the start
    Events go to the listener at once, or come out of `stream` while there is none.
    """

    def __init__(self, market: Market, instruments: Instruments, clock: Callable[[], int], *, cash: int = 0, currency: str = "USD") -> None:
        self.market = market
        self.instruments = instruments
        self.cash = cash
        self.currency = currency
        self.lots: dict[int, int] = {}
        self.marks: dict[int, float] = {}
        self._clock = clock
        self._listener: Callable[[Event], None] | None = None
        self._queue: deque[Event] = deque()
        self._told = asyncio.Event()

    # -- what the market shows -------------------------------------------------------------------------------------------

    def row(self, event: MarketEvent) -> None:
        """A market row: what it fills is told. Bars fill nothing here, for what happened inside them is over."""
        kind = type(event)
        if kind is Quote:
            mid = (event.bid + event.ask) * 0.5  # type: ignore[union-attr]
        elif kind is Trade:
            mid = event.price  # type: ignore[union-attr]
        else:
            return
        if mid == mid:
            self.marks[event.instrument] = mid
        if self.market.busy(event.instrument):
            self._tell(self.market.apply(event, event.known))

    def happened(self, event: Session | Status | Split) -> None:
        """A session began or ended, trading stopped, shares were split."""
        self._tell(self.market.apply(event, event.known))
        if type(event) is Split and event.instrument in self.lots:
            self.lots[event.instrument] = int(self.lots[event.instrument] * event.ratio)

    def passed(self, now: int) -> None:
        """Time has passed: what happens by itself is told."""
        if self.market.due <= now:
            self._tell(self.market.settle(now))

    # -- what may be asked of a venue ------------------------------------------------------------------------------------

    async def submit(self, approved: Approved) -> Reply:
        """Take an order with its legs."""
        return self._ask(Submit(approved), approved.order.id)

    async def cancel(self, effect: Cancel) -> Reply:
        """Take one back."""
        return self._ask(effect, effect.order)

    async def amend(self, effect: Amend) -> Reply:
        """Change one."""
        return self._ask(effect, effect.order)

    def _ask(self, effect: Effect, order: int) -> Reply:
        said = self.market.apply(effect, self._clock())
        reply = next(event for event in said if type(event) is Reply and event.order == order)  # a market answers at once
        self._tell([event for event in said if event is not reply])
        return reply

    async def snapshot(self) -> Sequence[Event]:
        """The account of paper."""
        now = self._clock()
        worth = 0
        for i, lots in self.lots.items():
            worth += round(lots * self.marks.get(i, 0.0) * self.instruments[i].scale)
        equity = self.cash + worth
        return [Account(now, now, self.currency, self.cash, equity, max(0, self.cash), {i: lots for i, lots in self.lots.items() if lots})]

    async def walk(self) -> list[Event]:
        """Nothing is lost here."""
        return []

    async def stream(self) -> AsyncIterator[Event]:
        """What becomes known, as it does."""
        while True:
            while self._queue:
                yield self._queue.popleft()
            self._told.clear()
            await self._told.wait()

    def facts(self, symbol: str) -> Instrument:
        """The instrument of a symbol."""
        return self.instruments[symbol]

    def adopt(self, orders: Iterable[tuple[Order, tuple[Order, ...]]]) -> None:
        """Orders of before a restart; `restore` has placed them."""

    def restore(self, cash: int, lots: Mapping[int, int], approved: Iterable[Approved]) -> None:
        """Begin where a journal ended: its cash and positions, and the approvals of the orders that still rest."""
        self.cash = cash
        self.lots = dict(lots)
        for one in approved:
            self.market.apply(Submit(one), self._clock())

    def listen(self, listener: Callable[[Event], None]) -> None:
        """From now on whatever becomes known is told at once."""
        self._listener = listener
        while self._queue:
            listener(self._queue.popleft())

    async def close(self) -> None:
        """Nothing is open."""

    @property
    def unsettled(self) -> int:
        """Nothing is ever unknown here."""
        return 0

    def _tell(self, events: Sequence[Event]) -> None:
        for event in events:
            if type(event) is Fill:
                signed = event.side * event.lots
                self.lots[event.instrument] = self.lots.get(event.instrument, 0) + signed
                self.cash -= event.notional + event.fee
            if self._listener is not None:
                self._listener(event)
            else:
                self._queue.append(event)
                self._told.set()
