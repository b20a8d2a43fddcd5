"""Orders at the market on their way to a broker, as limits that no thin book can carry far: the collar is their worst price.

The engine's order stays what it was, at the market: this is how it is said to the broker, and it stands in the journal as a note before it
is. It sends nothing of its own, drops nothing, and makes no order larger. An exit that the market has left behind follows it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import msgspec

from argosy.core.effects import Amend, Cancel, Note
from argosy.core.events import Event, Reply
from argosy.core.instrument import Instrument
from argosy.core.orders import Approved, Order, Tif, Type, Work
from argosy.core.time import SECOND
from argosy.engine.engine import Engine
from argosy.engine.rules.profiles import PROFILES
from argosy.settings import DeskSettings

FOLLOW = 2 * SECOND
"""How long an exit may rest at its collar before it follows the market."""


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
        self._said: dict[int, int] = {}
        venue.extended = self.extended

    async def submit(self, approved: Approved) -> Reply:
        """Send an order with its legs, at its collar where it has no price."""
        order = approved.order
        price = self.price(order) if order.type is Type.MARKET else None
        if price is not None:
            self._said[order.id] = self._now()
            away = f"{100 * self._frac:g} % from {self._reference(order):.10g}"
            self._note(f"order {order.id} at the market goes out as a limit at {price:.10g}, {away} or the day's band")
            approved = msgspec.structs.replace(approved, order=msgspec.structs.replace(order, type=Type.LIMIT, limit=price))
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
        """
        engine, i = self._engine, order.instrument
        open_ = engine.state.session_open(i)
        if order.tif in (Tif.OPG, Tif.CLS) or not (self._regular if open_ else self.extended(order)):
            return None
        reference = self._reference(order)
        worst = reference * (1.0 + order.side * self._frac)
        low, high = engine.state.conditions.bands.get(i, (float("nan"), float("nan")))
        band = high if order.side > 0 else low
        if (worst - band) * order.side > 0.0:
            worst = band
        price = engine.instruments[i].snap(worst, -order.side)
        return price if 0.0 < price < 1e15 else None

    def extended(self, order: Order) -> bool:
        """Whether an order is to say that it may trade in extended hours: a plain one, for the day or until cancelled, while the market is closed."""
        plain = order.type in (Type.MARKET, Type.LIMIT) and order.tif in (Tif.DAY, Tif.GTC) and not self._has_legs(order)
        return self._after_hours and plain and not self._engine.state.session_open(order.instrument)

    async def follow(self) -> None:
        """Exits that rest at a collar which the market has gone through: each to where its collar is now."""
        now = self._now()
        working = {ticket.order.id: ticket for open_ in self._engine.state.blotter.open for ticket in open_.values()}
        self._said = {number: at for number, at in self._said.items() if number in working}
        for number, said in list(self._said.items()):
            ticket = working[number]
            order = ticket.order
            if not order.reduce_only or ticket.work is not Work.WORKING or ticket.cancelling or now - said < FOLLOW:
                continue
            price = self.price(order)
            if price is None:
                continue
            self._said[number] = now
            self._note(f"order {number} has not left yet: its limit goes to {price:.10g}")
            await self._venue.amend(Amend(number, limit=price))

    def _reference(self, order: Order) -> float:
        return self._engine.view.reference(order.instrument)

    def _has_legs(self, order: Order) -> bool:
        return bool(self._engine.state.blotter.legs(order.id))

    def _note(self, text: str) -> None:
        self._engine.record(Note(text))
        self._engine.journal.commit()


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


__all__ = ["Collared", "collared"]
