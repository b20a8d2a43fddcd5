"""Alpaca as a venue: sends what the gate approved, says what Alpaca said, and asks until it knows; it never concludes from silence."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from argosy.core.effects import Amend, Cancel
from argosy.core.errors import Misuse, Retry
from argosy.core.events import Account, Event, Fill, OrderUpdate, Reply
from argosy.core.instrument import Instrument, Instruments
from argosy.core.money import to_units
from argosy.core.orders import TERMINAL, Approved, Order, Work
from argosy.core.shown import execution
from argosy.core.time import iso
from argosy.venues.alpaca import facts, words
from argosy.venues.alpaca.answer import NOT_SENT, Accepted, Ambiguous, Answer, Refused
from argosy.venues.alpaca.client import Client, missing, value
from argosy.venues.alpaca.codec import Activity, Oddities, TradeUpdate, WireOrder, ns_of, record
from argosy.venues.alpaca.ledger import ZERO, Ledger, Placed
from argosy.venues.alpaca.resolve import Patience, Resolver

NAN = float("nan")
Verb = Literal["submit", "cancel", "amend"]
_FILLS = frozenset({"fill", "partial_fill"})


class AlpacaVenue:
    """One account at Alpaca, in core's words (`core.protocols.Venue`).

    instruments: of the run, by symbol; desk: four letters; clock: ns UTC
    patience: how long it is asked about an order that nobody knows; odd: what was not understood
    walk_from: ns before which executions are of no interest, 0: all are
    What becomes known by itself (updates, fills, the end of an ambiguity) comes out of `stream`, or at once to `listener`.
    Executions are named by Alpaca's order id and the cumulative quantity after them, which stream and REST tell alike, so
    that the same execution heard twice is one.
    extended: whether an order may trade outside of regular hours; whoever wires the desk sets it
    prompt: the first step of what is asked tells nobody anything, so that it may be taken at once, and the bytes leave with it.
    """

    prompt = True

    def __init__(
        self, client: Client, instruments: Instruments, desk: str, *, clock: Callable[[], int] = time.time_ns,
        patience: Patience | None = None, listener: Callable[[Event], None] | None = None, odd: Oddities | None = None,
    ) -> None:  # fmt: skip
        self.client = client
        self.instruments = instruments
        self.ledger = Ledger(desk)
        self.odd = odd or Oddities()
        self.extended: Callable[[Order], bool] = _regular
        self.foreign: dict[str, WireOrder] = {}
        self.last_activity = ""
        self.walk_from = 0
        self._facts: dict[str, Instrument] = {}
        self._clock = clock
        self._patience = patience or Patience()
        self._resolver = Resolver(client, self.ledger, self._patience)
        self._listener = listener
        self._queue: deque[Event] = deque()
        self._told = asyncio.Event()
        self._said: set[str] = set()
        self._ends: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._amending: dict[int, asyncio.Lock] = {}
        self._strange: dict[str, list[Activity | TradeUpdate]] = {}
        self._walking = self._walk_wanted = False

    # -- what may be asked of a venue ------------------------------------------------------------------------------------

    async def submit(self, approved: Approved, said: Order | None = None) -> Reply:
        """Send an order with its legs. The same one again is the same order, whatever became of the first sending.

        said: how it is put in words, where that is not as it was decided; what is told of it is told of the decision
        An ambiguous reply is followed, in the stream, by a Reply that is not, as soon as Alpaca can be asked.
        """
        order, legs = approved.order, approved.legs
        said = said or order
        if order.instrument not in self.instruments:
            return self._reply(order.id, "submit", "refused", "INSTRUMENT_UNKNOWN")
        row = self.instruments[order.instrument]
        code = facts.refusal(row, said, legs)
        if code:
            return self._reply(order.id, "submit", "refused", code)
        placed = self.ledger.place(order, legs)
        if placed.refused is not None:
            return self._reply(order.id, "submit", "refused", *placed.refused)
        if self.ledger.apart(placed):
            return self._reply(order.id, "submit", "refused", "GROUP_UNSUPPORTED", "sent apart they cannot end each other; see submit_pair")
        body = words.request(row, said, legs, self.ledger.desk, extended=self.extended(said))
        sent = time.monotonic()
        answer = await self.client.submit(body, words.name(self.ledger.desk, order.id), deadline_s=self._patience.order_s)
        if isinstance(answer, Ambiguous):
            self._later(self._settle(placed, body, sent))
        return self._answered(order.id, "submit", answer)

    async def submit_pair(self, take: Approved, stop: Approved) -> list[Reply]:
        """Send a target and a stop of one position, of which one cancels the other, as the one order that Alpaca has for both."""
        if take.order.lots != stop.order.lots or take.order.side != stop.order.side:
            first, second = await self.submit(stop), await self.submit(take)  # apart only one goes out: what protects comes first
            return [second, first]
        whole = msgspec.structs.replace(take, legs=(stop.order,))
        first = await self.submit(whole)
        second = self._reply(stop.order.id, "submit", first.outcome, first.code, first.text)
        return [first, second]

    def listen(self, listener: Callable[[Event], None]) -> None:
        """From now on whatever becomes known is told at once."""
        self._listener = listener
        while self._queue:
            listener(self._queue.popleft())

    async def cancel(self, effect: Cancel) -> Reply:
        """Ask for an order's end. Accepted: Alpaca will try; the end itself is told by an update."""
        placed = self.ledger.placed.get(effect.order)
        if placed is None:
            return self._reply(effect.order, "cancel", "refused", "NOT_CANCELABLE", "this desk never sent it")
        if placed.refused is not None:
            return self._reply(effect.order, "cancel", "refused", "NOT_CANCELABLE", f"it was refused: {placed.refused[0]}")
        placed.unwanted = True
        if not placed.id:
            found = await self._resolver.lookup(placed)
            if not isinstance(found, Accepted):
                cause = "ORDER_UNKNOWN" if missing(found) else getattr(found, "cause", "ORDER_UNKNOWN")
                return self._reply(effect.order, "cancel", "ambiguous", cause, "Alpaca does not show the order yet")
        answer = await self._resolver.cancel(placed)
        if isinstance(answer, Refused) and answer.status in (404, 422):
            if await self._over(placed):
                return self._reply(effect.order, "cancel", "accepted")
            return self._reply(effect.order, "cancel", "refused", "NOT_CANCELABLE", f"{answer.code} {answer.text}")
        return self._answered(effect.order, "cancel", answer)

    async def amend(self, effect: Amend) -> Reply:
        """Change a working order; Alpaca puts another in its place, which is the same order here."""
        placed = self.ledger.placed.get(effect.order)
        if placed is None or not placed.id:
            return self._reply(effect.order, "amend", "refused", "NOT_AMENDABLE", "it is not known to work")
        row = self.instruments[placed.order.instrument]
        if effect.lots < 0 or (effect.lots and row.units(effect.lots) <= placed.total):
            return self._reply(effect.order, "amend", "refused", "LOTS_INVALID")
        if any(price == price and not facts.on_tick(row, price) for price in (effect.limit, effect.stop)):
            return self._reply(effect.order, "amend", "refused", "PRICE_TICK")
        async with self._amending.setdefault(effect.order, asyncio.Lock()):
            answer = await self._resolver.replace(placed, row, effect)
        if isinstance(answer, Accepted):
            self._heard(answer.value, "replaced" if answer.value.status == "replaced" else "")
        return self._answered(effect.order, "amend", answer)

    async def snapshot(self) -> Sequence[Event]:
        """The account, the open orders of this desk and all fills that were not told yet. Retry where Alpaca does not answer."""
        account = value(await self.client.account(), "the account")
        positions = value(await self.client.positions(), "the positions")
        orders = value(await self.client.orders(), "the open orders")
        now = self._clock()
        held: dict[int, int] = {}
        for position in positions:
            if position.symbol in self.instruments and position.qty is not None:
                row = self.instruments[position.symbol]
                sign = -1 if position.side == "short" and position.qty > 0 else 1
                held[row.id] = sign * row.lots(position.qty)
            else:
                self.odd.keep("position", position)
        currency = account.currency or "USD"
        cash, equity, power = (to_units(figure or ZERO, currency) for figure in (account.cash, account.equity, account.buying_power))
        events: list[Event] = [Account(now, now, currency, cash, equity, power, held)]
        for order in orders:
            for one in (order, *(record(WireOrder, leg) for leg in order.legs or ())):
                events += self._update_of(one, one.status, now)
        return [*events, *await self.walk()]

    async def walk(self) -> list[Event]:
        """Every execution since the last walk that was not told yet, from the activities. Retry where Alpaca does not answer."""
        after = iso(self.walk_from) if self.walk_from and not self.last_activity else ""
        rows = value(await self.client.activities("FILL", since=self.last_activity, after=after), "the fills")
        events: list[Event] = []
        for activity in rows:
            fill = await self._fill_of_activity(activity)
            if fill is not None:
                events.append(fill)
        if rows:
            self.last_activity = rows[-1].id
        return events

    async def stream(self) -> AsyncIterator[Event]:
        """What becomes known, as it does. One listener; it ends when the task that listens does."""
        while True:
            while self._queue:
                yield self._queue.popleft()
            self._told.clear()
            await self._told.wait()

    def facts(self, symbol: str) -> Instrument:
        """The instrument of a symbol that was learnt; Misuse("INSTRUMENT_UNKNOWN") before."""
        if symbol not in self._facts:
            raise Misuse("INSTRUMENT_UNKNOWN", f"{symbol!r} was not asked for at Alpaca", fix="await learn([symbol]) first")
        return self._facts[symbol]

    async def learn(self, symbols: Iterable[str]) -> list[Instrument]:
        """Ask for the facts of symbols. Misuse("INSTRUMENT_UNKNOWN") where Alpaca has none of a name."""
        learnt = []
        for symbol in symbols:
            answer = await self.client.asset(symbol)
            if missing(answer):
                raise Misuse("INSTRUMENT_UNKNOWN", f"Alpaca has no {symbol!r}")
            self._facts[symbol] = facts.instrument(value(answer, f"the facts of {symbol}"))
            learnt.append(self._facts[symbol])
        return learnt

    def adopt(self, orders: Iterable[tuple[Order, tuple[Order, ...]]]) -> None:
        """Orders that the journal knows to be sent, after a restart."""
        pairs: dict[int, Placed] = {}
        for order, legs in orders:
            placed = self.ledger.place(order, legs)
            mate = pairs.setdefault(order.group, placed) if order.group and not order.parent else placed
            if mate is not placed:  # two that cancel each other went out as one: the target, with the stop as its leg
                take, stop = (mate, placed) if mate.order.tag == "take" else (placed, mate)
                take.legs = (stop.order,)

    def look(self, order: WireOrder) -> Placed | None:
        """Which decision an order is, None for another hand's; fills that were told of it before that was known are said now."""
        placed = self.ledger.find(order)
        self._known_now()
        return placed

    async def close(self) -> None:
        """Stop asking, and close the connections."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.client.close()

    @property
    def unsettled(self) -> int:
        """Ambiguities that are still being asked about."""
        return len(self._tasks)

    # -- what Alpaca says by itself --------------------------------------------------------------------------------------

    def told(self, update: TradeUpdate) -> None:
        """One message of the account stream."""
        if update.event in _FILLS and update.order.id and None in (update.order.filled_qty, update.qty, update.price):
            self.odd.keep("fill", update)
            self._walk_soon()
        self._heard(update.order, update.event, update)

    def _heard(self, order: WireOrder, event: str, update: TradeUpdate | None = None) -> None:
        now = self._clock()
        if update is not None and update.event in _FILLS:
            placed = self.ledger.find(order)
            fill = self._fill_of_update(placed, update, now) if placed is not None else None
            if placed is None:
                self._stranger(order, update)
            if fill is not None:
                self._emit(fill)
            self._known_now()
            return
        ts = ns_of(update.timestamp) if update is not None else 0
        told = self._update_of(order, event or order.status, now, ts)
        if told and self._lacks(order):
            self._later(self._after_fills(told))
        else:
            for one in told:
                self._emit(one)
        self._known_now()

    def _lacks(self, order: WireOrder) -> bool:
        """Whether an order shows more filled than its executions that were told: one of them was lost, or is on its way."""
        return bool(order.id and order.filled_qty) and execution(order.id, order.filled_qty or ZERO) not in self._said

    async def _after_fills(self, told: list[Event]) -> None:
        """Say what became of an order after its executions, which are asked for: an end before its fills would be believed to be all."""
        for one in [*await self._resolver.insist(self.walk), *told]:
            self._emit(one)

    def _known_now(self) -> None:
        """Fills that were told of orders before it was known that they are ours."""
        fresh, self.ledger.fresh = self.ledger.fresh, []
        for identity in fresh:
            self.foreign.pop(identity, None)
            for told in self._strange.pop(identity, ()):
                placed = self.ledger.by_id(identity)
                if isinstance(told, TradeUpdate):
                    fill = self._fill_of_update(placed, told, self._clock())
                else:
                    fill = self._fill_of_row(placed, told)
                if fill is not None:
                    self._emit(fill)

    def _update_of(self, order: WireOrder, event: str, now: int, ts: int = 0) -> list[Event]:
        """The order's state as an update; nothing for what is not ours or not understood."""
        placed = self.ledger.find(order)
        if placed is None:
            self._stranger(order)
            return []
        work = words.WORKS.get(event)
        if work is None:
            self.odd.keep("event", (event, order))
            return []
        if placed.id != order.id or (work is Work.REPLACED and placed.ids[-1:] != [order.id]):
            return []  # an order whose place another has taken: the decision lives on
        if work is Work.REPLACED or (work is Work.FILLED and event != "filled"):
            return []  # what takes its place, or its executions, say more
        if work is Work.FILLED:
            self._walk_soon()
            return []
        if work is Work.REJECTED and len(placed.ids) > 1:
            self._later(self._replacement_refused(placed, order))
            return []
        ts = ts or ns_of(order.updated_at) or now
        row = self.instruments[placed.order.instrument]
        lots, limit, stop = 0, NAN, NAN
        if placed.amends and work in (Work.WORKING, Work.ACKED) and order.qty is not None and len(placed.ids) > 1:
            before = sum((placed.filled.get(one, ZERO) for one in placed.ids[:-1]), ZERO)
            lots = row.lots(order.qty + (ZERO if self._resolver.carries else before))
            limit = float(order.limit_price) if order.limit_price is not None and placed.order.limit == placed.order.limit else NAN
            stop = float(order.stop_price) if order.stop_price is not None and placed.order.stop == placed.order.stop else NAN
        code = "" if event in ("new", "accepted", "canceled", "expired") else event.upper()
        return [OrderUpdate(min(ts, now), now, placed.order.id, work, lots, limit, stop, code)]

    def _fill_of_update(self, placed: Placed | None, update: TradeUpdate, now: int) -> Fill | None:
        order = update.order
        if placed is None or order.filled_qty is None:
            return None
        leaves = -1
        if order.qty is not None and len(placed.ids) == 1:
            leaves = max(0, self.instruments[placed.order.instrument].lots(order.qty - order.filled_qty))
        return self._fill(placed, order.id, order.filled_qty, update.qty, update.price, ns_of(update.timestamp), now, leaves)

    async def _fill_of_activity(self, activity: Activity) -> Fill | None:
        placed = self.ledger.by_id(activity.order_id)
        if placed is None and activity.order_id and activity.order_id not in self.foreign:
            answer = await self.client.order(activity.order_id)
            if missing(answer):
                return None
            order = value(answer, "an order")
            placed = self.ledger.find(order)
        if placed is None:
            self._stranger(WireOrder(id=activity.order_id, symbol=activity.symbol, side=activity.side), activity)
        return self._fill_of_row(placed, activity)

    def _fill_of_row(self, placed: Placed | None, activity: Activity) -> Fill | None:
        if placed is None or activity.cum_qty is None:
            return None
        ts = ns_of(activity.transaction_time)
        leaves = -1
        if activity.leaves_qty is not None and len(placed.ids) == 1:
            leaves = max(0, self.instruments[placed.order.instrument].lots(activity.leaves_qty))
        placed.filled[activity.order_id] = max(placed.filled.get(activity.order_id, ZERO), activity.cum_qty)
        return self._fill(placed, activity.order_id, activity.cum_qty, activity.qty, activity.price, ts, self._clock(), leaves)

    def _fill(
        self, placed: Placed, identity: str, cum: Decimal, qty: Decimal | None, at: Decimal | None, ts: int, now: int, leaves: int
    ) -> Fill | None:
        """One execution, said once. An execution without a size or price is asked for in the activities."""
        if qty is None or at is None or qty <= 0:
            self.odd.keep("fill", (identity, cum, qty, at))
            return None
        name = execution(identity, cum)
        if name in self._said:
            return None
        self._said.add(name)
        order = placed.order
        row = self.instruments[order.instrument]
        lots = row.lots(qty)
        if lots * row.lot != qty:
            self.odd.keep("dust", (identity, qty))
        if lots == 0:
            return None
        worth = to_units(row.units(lots) * at * row.multiplier, row.currency)
        return Fill(min(ts or now, now), now, order.instrument, order.id, name, order.side, lots, float(at), worth * order.side, 0, leaves=leaves)

    # -- inside ----------------------------------------------------------------------------------------------------------

    async def _settle(self, placed: Placed, body: bytes, sent: float) -> None:
        """Ask until it is known what became of a submit, and say it."""
        order = placed.order.id
        answer = await self._resolver.settle(placed, body, sent)
        reply = self._answered(order, "submit", answer)
        self._emit(reply)
        for leg in placed.legs:
            if not leg.parent:  # the other one of a pair
                self._emit(msgspec.structs.replace(reply, order=leg.id))
        if isinstance(answer, Accepted):
            self._heard(answer.value, "")
            if answer.value.filled_qty:
                self._walk_soon()

    async def _replacement_refused(self, placed: Placed, refused: WireOrder) -> None:
        """The order that should have taken another's place was rejected: the other lives on, unless Alpaca says how it ended."""
        self.ledger.forget(placed, refused.id)
        found = await self._resolver.insist(self._asker(placed))
        self._heard(found, "")

    async def _over(self, placed: Placed) -> bool:
        """What became of an order that cannot be canceled is asked for and told at once, its fills first. True: it is on its way out."""
        if placed.order.id in self._ends:
            return False
        found = await self._resolver.lookup(placed)
        if not isinstance(found, Accepted):
            return False
        if self._lacks(found.value):
            try:
                for fill in await self.walk():
                    self._emit(fill)
            except Retry:
                self._walk_soon()
        self._heard(found.value, "")
        return words.WORKS.get(found.value.status) is Work.PENDING_CANCEL

    def _asker(self, placed: Placed) -> Callable[[], Awaitable[WireOrder]]:
        async def ask() -> WireOrder:
            found: WireOrder = value(await self._resolver.lookup(placed), "an order")
            return found

        return ask

    def _walk_soon(self) -> None:
        """Read the activities; where that is being done already, once more after it, however often it was asked for."""
        self._walk_wanted = True
        if not self._walking:
            self._walking = True
            self._later(self._walk_on())

    async def _walk_on(self) -> None:
        try:
            while self._walk_wanted:
                self._walk_wanted = False
                for event in await self._resolver.insist(self.walk):
                    self._emit(event)
        finally:
            self._walking = False

    def _answered(self, order: int, verb: Verb, answer: Answer[WireOrder] | Answer[None]) -> Reply:
        if isinstance(answer, Accepted):
            if isinstance(answer.value, WireOrder):
                self.ledger.find(answer.value)
                self._known_now()
            return self._reply(order, verb, "accepted")
        if isinstance(answer, Ambiguous):
            return self._reply(order, verb, "ambiguous", answer.cause)
        code = answer.text if answer.code == NOT_SENT and answer.text == "RATE_LIMIT" else answer.code
        placed = self.ledger.placed.get(order)
        if verb == "submit" and placed is not None and answer.code != NOT_SENT and answer.status != 429:  # else Alpaca never weighed it
            placed.refused = (code, answer.text)
        return self._reply(order, verb, "refused", code, answer.text)

    def _reply(self, order: int, verb: Verb, outcome: Literal["accepted", "refused", "ambiguous"], code: str = "", text: str = "") -> Reply:
        now = self._clock()
        return Reply(now, now, order, verb, outcome, code, text)

    def _stranger(self, order: WireOrder, told: Activity | TradeUpdate | None = None) -> None:
        """An order of another hand, or one that is not known as ours yet: kept for reconciliation, its fills with it."""
        if order.id:
            if told is None or order.id not in self.foreign:
                self.foreign[order.id] = order
            if told is not None:
                self._strange.setdefault(order.id, []).append(told)
            if len(self.foreign) > 10_000:
                gone = next(iter(self.foreign))
                del self.foreign[gone]
                self._strange.pop(gone, None)

    def _emit(self, event: Event) -> None:
        if type(event) is OrderUpdate and event.work in TERMINAL:
            self._ends.add(event.order)
        if self._listener is not None:
            self._listener(event)
            return
        self._queue.append(event)
        self._told.set()

    def _later(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _regular(order: Order) -> bool:
    """An order is for regular hours."""
    return False
