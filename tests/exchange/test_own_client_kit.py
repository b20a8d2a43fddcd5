"""The conformance suite of venues over the wire: Argosy's client of Alpaca against the real simulated exchange, on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from argosy.core.events import Bar, Event, Session, Status
from argosy.core.instrument import Instrument, Instruments
from argosy.core.orders import BUY, SELL, Order, Tif, Type, Work
from argosy.core.time import NEVER
from argosy.exchange.hours import Hours
from argosy.exchange.server import Server
from argosy.exchange.trading import Terms
from argosy.exchange.venue import Exchange
from argosy.net.guard import Hosts
from argosy.net.http import Rest
from argosy.net.secret import Secret
from argosy.testing.venue_kit import START, VenueKit
from argosy.venues.alpaca.account import AccountStream
from argosy.venues.alpaca.broker import AlpacaVenue
from argosy.venues.alpaca.client import Client, headers
from argosy.venues.alpaca.codec import TradeUpdate
from argosy.venues.alpaca.modes import place
from argosy.venues.alpaca.resolve import Patience
from tests.exchange.official import KEY, SECRET

STILL = 1e-12
"""Speed of an exchange whose time is moved by the case alone."""


class ByHand:
    """A feed in which nothing happens by itself."""

    due = NEVER
    leap = 0

    def begin(self, exchange: Exchange) -> None: ...
    def step(self, exchange: Exchange) -> None: ...
    def pin(self, symbol: str, quote: tuple[float, float] | None) -> None: ...


class AlpacaRig:
    """The exchange, its bars played by hand, and a venue with its account stream, each at its own end of real sockets."""

    def __init__(self, instruments: Instruments) -> None:
        exchange = Exchange(
            instruments.symbols, [(KEY, SECRET)], START, seed=3, hours=Hours(forced=True), terms=Terms(cash=1_000_000)
        )
        exchange.by_bars = True
        for board in exchange.market.boards:
            board.price(100.0)
        self.exchange = exchange
        self.server = Server(exchange, ByHand(), speed=STILL)
        self.heard: list[Event] = []
        self.frames = 0

    async def begin(self, instruments: Instruments) -> AlpacaRig:
        await self.server.start()
        where = place("sim", base=self.server.url)
        key, secret = Secret(KEY), Secret(SECRET)
        client = Client(Rest(where.trading, Hosts(loopback=True), headers=headers(key, secret)))
        self.venue = AlpacaVenue(client, instruments, "TEST", clock=lambda: self.exchange.now, patience=Patience(), listener=self.heard.append)
        self._stream = AccountStream(key, secret, self._told, lambda up, why: None).stream(where)
        self._stream.start()
        await self._stream.ready.wait()
        return self

    def _told(self, update: TradeUpdate) -> None:
        self.frames += 1
        self.venue.told(update)

    async def play(self, thing: Event, now: int, opening: bool) -> None:
        exchange = self.exchange
        exchange.advance(now)
        if isinstance(thing, Bar):
            (exchange.open_bar if opening else exchange.end_bar)(thing)
        elif isinstance(thing, Status):
            exchange.halt(exchange.market.boards[thing.instrument].symbol, thing.halted)
        elif isinstance(thing, Session):
            exchange.hours.forced = thing.open
            exchange.turn(exchange.hours.phase(now))

    async def fill(self, order: int, lots: int, price: float) -> None:
        self.exchange.execute(f"TEST{order}", lots, price)

    async def learn(self, symbol: str) -> Instrument:
        (row,) = await self.venue.learn([symbol])
        return row

    async def said(self) -> list[Event]:
        while self.frames < self.server.hub.sent or self.venue.unsettled:
            await asyncio.sleep(0.0005)
        self.exchange.audit()
        events, self.heard[:] = list(self.heard), []
        return events

    async def close(self) -> None:
        assert not [kind for kind, _ in self.venue.odd.kept if kind != "event"], self.venue.odd.kept
        await self._stream.close()
        await self.venue.close()
        await self.server.stop()


class TestAlpacaOverTheWire(VenueKit):
    REFUSES = {
        "opposite": "40310000",  # a potential wash trade: Alpaca has one position an account, and lets nobody trade with himself
        "group": "GROUP_UNSUPPORTED",  # one-cancels-other is one order with a leg there, never two that were sent apart
        "beyond": "40310000",  # insufficient qty: an order may not be larger than the position that it ends
        "halted": "42210000",
    }

    async def open(self, instruments: Instruments) -> AlpacaRig:
        return await AlpacaRig(instruments).begin(instruments)

    def test_one_cancels_other_in_alpacas_own_words(self) -> None:
        """What `group` cannot say here, a target with the stop as its leg does."""
        for bar, filled, ended in (((100.0, 106.0, 99.0, 105.0), 2, 3), ((97.0, 98.0, 94.0, 96.0), 3, 2)):
            stage = self.stage()
            stage.submit(1, BUY, 5)
            stage.bar(100.0, 101.0, 99.0, 100.0)
            stop = Order(3, 0, SELL, 5, Type.STOP, stop=95.0, tif=Tif.GTC, reduce_only=True, parent=2)
            stage.submit(2, SELL, 5, stop, type=Type.LIMIT, limit=105.0)
            stage.bar(*bar)
            assert stage.filled(filled) == 5
            assert [work for work, _ in stage.ends(ended)] == [Work.CANCELED]
            assert stage.position() == 0

    def test_reduce_only_is_refused_where_nothing_is_held(self) -> None:
        stage = self.stage()
        stage.submit(1, SELL, 5, reduce_only=True)
        stage.submit(2, BUY, 5, reduce_only=True)
        assert [reply.code for order in (1, 2) for reply in stage.replies(order)] == ["42210000"] * 2
        stage.bar(100.0, 101.0, 99.0, 100.0)
        assert not stage.fills()


def test_a_venue_that_says_too_little_is_found_out() -> None:
    """The kit itself: a fill that the venue keeps to itself, and a code that is not the declared one, fail a case."""

    class Deaf(AlpacaRig):
        def _told(self, update: TradeUpdate) -> None:
            self.frames += 1
            if update.event != "fill":
                self.venue.told(update)

    class Forgets(TestAlpacaOverTheWire):
        async def open(self, instruments: Instruments) -> Deaf:
            return await Deaf(instruments).begin(instruments)

    class Otherwise(TestAlpacaOverTheWire):
        REFUSES = TestAlpacaOverTheWire.REFUSES | {"opposite": "SOMETHING_ELSE"}

    class Undeclared(TestAlpacaOverTheWire):
        REFUSES: Any = {}

    for kind, case in (
        (Forgets, "test_an_order_is_accepted_then_filled_whole"),
        (Otherwise, "test_orders_of_both_sides_at_once_add_up"),
        (Undeclared, "test_one_cancels_other"),
    ):
        kit: Any = kind()
        kit.setup_method()
        run: Callable[[], None] = getattr(kit, case)
        with pytest.raises(AssertionError):
            run()
        kit.teardown_method()


def test_a_kit_without_a_venue_says_so() -> None:
    kit = VenueKit()
    kit.setup_method()
    with pytest.raises(NotImplementedError):
        kit.stage()


