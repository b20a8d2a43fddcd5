"""Orders at the market on their way to a broker, as limits that no thin book can carry far: the collar is their worst price.

The engine's order stays what it was, at the market: this is how it is said to the broker, and it stands in the journal as a note before it
is. It sends nothing of its own, drops nothing, and makes no order larger. An exit that the market has left behind follows it; where the
broker does not let it, it is taken back, and planned anew at the collar of that moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from argosy.core.effects import Amend, Cancel, Note
from argosy.core.events import Event, Reply
from argosy.core.instrument import Instrument
from argosy.core.orders import TERMINAL, Approved, Order, Tif, Type, Work
from argosy.core.time import SECOND
from argosy.engine.engine import Engine
from argosy.engine.rules.profiles import PROFILES
from argosy.settings import DeskSettings

if TYPE_CHECKING:
    from argosy.desk.node import Node

NAN = float("nan")
FOLLOW = 2 * SECOND
"""How long an exit may rest at its collar before it follows the market."""
RESTS = 30 * SECOND
"""How long before the owner is told: the market may be wider than the collar, and only she can say what to give for the way out."""


class Collared:
    """A broker's venue that is told limits instead of orders at the market.

    venue:    where they go; engine: prices, bands, sessions and the journal; pct: from the reference, in percent
    regular:  in regular hours; extended: outside of them a plain order goes out as a limit for extended hours, else it waits for the open
    now:      ns UTC
    """

    def __init__(self, venue: Any, engine: Engine, pct: float, now: Callable[[], int], *, regular: bool = True, extended: bool = False) -> None:
        self.prompt = getattr(venue, "prompt", False)
        self._venue = venue
        self._engine = engine
        self._frac = pct / 100.0
        self._now = now
        self._regular, self._after_hours = regular, extended
        self._said: dict[int, tuple[int, float]] = {}
        self._since: dict[int, tuple[int, int]] = {}
        self._told: set[int] = set()
        self._met = False
        venue.extended = lambda order: order.type is Type.LIMIT and self.extended(order)  # one without a price waits for the open

    async def submit(self, approved: Approved) -> Reply:
        """Send an order with its legs, at its collar where it has no price."""
        order = approved.order
        price = self.price(order) if order.type is Type.MARKET else None
        if price is not None:
            self._said[order.id] = self._now(), price
            away = f"{100 * self._frac:g} % from {self._reference(order):.10g}"
            self._note(f"order {order.id} at the market goes out as a limit at {price:.10g}, {away} or the day's band")
            told: Reply = await self._venue.submit(approved, msgspec.structs.replace(order, type=Type.LIMIT, limit=price))
            return told
        reply: Reply = await self._venue.submit(approved)
        return reply

    async def submit_pair(self, take: Approved, stop: Approved) -> list[Reply]:
        """A target and a stop of one position have prices of their own."""
        replies: list[Reply] = await self._venue.submit_pair(take, stop)
        return replies

    async def cancel(self, effect: Cancel) -> Reply:
        """Ask for an order's end."""
        reply: Reply = await self._venue.cancel(effect)
        return reply

    async def amend(self, effect: Amend) -> Reply:
        """Change a working order."""
        reply: Reply = await self._venue.amend(effect)
        return reply

    async def snapshot(self) -> Sequence[Event]:
        """What the venue shows now."""
        events: Sequence[Event] = await self._venue.snapshot()
        return events

    def stream(self) -> AsyncIterator[Event]:
        """What becomes known by itself."""
        events: AsyncIterator[Event] = self._venue.stream()
        return events

    def facts(self, symbol: str) -> Instrument:
        """A symbol as the venue knows it."""
        row: Instrument = self._venue.facts(symbol)
        return row

    def price(self, order: Order) -> float | None:
        """The worst price of an order at the market, on the grid inside the collar and the day's bands; None where it stays at the market.

        It stays so without a price to measure from, in an auction, and while the market is closed unless it may trade in extended hours.
        A band that the market has left is an old one: a limit there would never be filled, so that it counts for nothing.
        """
        engine, i = self._engine, order.instrument
        open_ = engine.state.session_open(i)
        if order.tif in (Tif.OPG, Tif.CLS) or not (self._regular if open_ else self.extended(order)):
            return None
        reference = self._reference(order)
        worst = reference * (1.0 + order.side * self._frac)
        low, high = engine.state.conditions.bands.get(i, (NAN, NAN))
        band = high if order.side > 0 else low
        if (worst - band) * order.side > 0.0 and (band - reference) * order.side > 0.0:
            worst = band
        price = engine.instruments[i].snap(worst, -order.side)
        return price if 0.0 < price < 1e15 else None

    def extended(self, order: Order) -> bool:
        """Whether an order is to say that it may trade in extended hours: a plain one, for the day or until cancelled, while the market is closed."""
        plain = order.type in (Type.MARKET, Type.LIMIT) and order.tif in (Tif.DAY, Tif.GTC) and not self._has_legs(order)
        return self._after_hours and plain and not self._engine.state.session_open(order.instrument)

    async def follow(self) -> list[int]:
        """Exits that rest at a collar which the market has moved away from: each to where its collar is now.

        The answer: exits that the broker did not let follow. Who asks takes them back; what wants them plans them anew.
        """
        now = self._now()
        working = {ticket.order.id: ticket for open_ in self._engine.state.blotter.open for ticket in open_.values()}
        self._said = {number: said for number, said in self._said.items() if number in working}
        if not self._met:  # of a run before this one: where its limit is, is not known here
            self._met = True
            self._said = {number: (now, NAN) for number, one in working.items() if one.order.type is Type.MARKET} | self._said
        stuck = []
        for number, (said, before) in list(self._said.items()):
            ticket = working[number]
            order = ticket.order
            if not order.reduce_only or ticket.work is not Work.WORKING or ticket.cancelling or now - said < FOLLOW:
                continue
            price = self.price(order)
            if price is None or price == before:
                continue
            self._said[number] = now, price
            self._note(f"order {number} has not left yet: its limit goes to {price:.10g}")
            reply = await self.amend(Amend(number, limit=price))
            if reply.outcome == "refused":
                stuck.append(number)
        return stuck

    def rests(self) -> list[Order]:
        """Exits of instruments whose exit finds nobody for half a minute by now, each instrument once; one taken back and sent anew is no new one."""
        now, open_ = self._now(), self._engine.state.blotter.open
        exits = {one.order.instrument: one.order for some in open_ for one in some.values() if one.order.reduce_only and one.order.id in self._said}
        for i in exits:
            self._since[i] = self._since.get(i, (now, now))[0], now
        self._since = {i: (first, last) for i, (first, last) in self._since.items() if now - last < FOLLOW}
        late = [i for i in exits if now - self._since[i][0] >= RESTS and i not in self._told]
        self._told = (self._told & self._since.keys()) | set(late)
        return [exits[i] for i in late]

    def _reference(self, order: Order) -> float:
        return self._engine.view.reference(order.instrument)

    def _has_legs(self, order: Order) -> bool:
        return bool(self._engine.state.blotter.legs(order.id))

    def _note(self, text: str) -> None:
        self._engine.record(Note(text))
        self._engine.journal.commit()


async def exits(collared: Collared, node: Node) -> None:
    """Each second, for as long as the broker takes and beside all else that a desk looks after: exits that the market left behind."""
    while True:
        await asyncio.sleep(1.0)
        for number in await collared.follow() if not node.closing and node.broken is None else ():
            node.act(partial(_taken_back, number))
        for order in collared.rests():
            symbol = node.engine.instruments[order.instrument].symbol
            text = f"{symbol}: the exit {order.id} finds nobody within the collar for {RESTS // SECOND} s; it follows the market, and rests"
            node.alarm("EXIT_RESTS", text, "page")


def _taken_back(number: int, engine: Engine) -> None:
    """An order that is still open is taken back; who wanted it plans it anew."""
    ticket = engine.state.blotter.tickets.get(number)
    if ticket is not None and not ticket.cancelling and ticket.work not in TERMINAL:
        engine.do(Cancel(number))


def collared(
    venue: Any, engine: Engine, settings: DeskSettings, limits: Mapping[str, Mapping[str, Any]], now: Callable[[], int]
) -> Collared | None:
    """What stands before a broker's venue by a desk's settings; None where orders go out as they are. limits: of risk, over the desk's profile."""
    said = settings.market_orders
    regular = said == "limit" or (said == "auto" and settings.mode in ("paper", "live"))
    collar: dict[str, Any] = {**PROFILES["desk"]["collar"], **limits.get("collar", {})}
    pct = collar["max_pct"]
    if pct is None or not (regular or settings.extended_hours):
        return None
    return Collared(venue, engine, pct, now, regular=regular, extended=settings.extended_hours)


__all__ = ["Collared", "collared", "exits"]
