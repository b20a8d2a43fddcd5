"""The whole way of one order: submit, accepted, the frame of its fill, the event of it."""

from __future__ import annotations

import asyncio

import pytest

from argosy.core.events import Fill, OrderUpdate
from argosy.core.instrument import Instrument, Instruments
from argosy.core.orders import BUY, Approved, Order, Tif, Type, Work
from argosy.net.secret import Secret
from argosy.venues.alpaca.account import AccountStream
from argosy.venues.alpaca.broker import AlpacaVenue
from argosy.venues.alpaca.client import connect
from argosy.venues.alpaca.modes import place
from tests.venues.alpaca.server import KEY, SECRET, Alpaca


@pytest.mark.parametrize("by", ["picows", "aiohttp"])
def test_an_order_goes_out_and_its_fill_comes_back(by: str) -> None:
    async def walk() -> None:
        async with Alpaca() as server:
            where = place("sim", base=server.url)
            venue = AlpacaVenue(connect(where, Secret(KEY), Secret(SECRET)), Instruments([Instrument(symbol="AAPL")]), "TEST")
            turns: list[tuple[bool, str]] = []
            account = AccountStream(Secret(KEY), Secret(SECRET), venue.told, lambda up, why: turns.append((up, why)))
            stream = account.stream(where, by=by)
            stream.start()
            async with asyncio.timeout(5):
                await stream.ready.wait()
                order = Order(4, 0, BUY, 10, Type.LIMIT, limit=150.25, tif=Tif.DAY)
                reply = await venue.submit(Approved(order))
                assert (reply.outcome, reply.order, reply.verb) == ("accepted", 4, "submit")
                (sent,) = server.orders.values()
                assert (sent["client_order_id"], sent["qty"], sent["limit_price"]) == ("TEST4", "10", "150.25")
                server.fill("TEST4", "4", "150.2")
                server.fill("TEST4", "6", "150.25")
                told = []
                async for event in venue.stream():
                    told.append(event)
                    if len(told) == 2:
                        break
            first, second = told
            assert isinstance(first, Fill) and isinstance(second, Fill)
            assert (first.lots, first.price, first.leaves, first.notional) == (4, 150.2, 6, 600_800_000)
            assert (second.lots, second.price, second.leaves, second.notional) == (6, 150.25, 0, 901_500_000)
            assert first.execution != second.execution
            assert turns == [(True, "")]
            await stream.close()
            await venue.close()

    asyncio.run(walk())


def test_an_order_that_ends_says_so() -> None:
    async def walk() -> None:
        async with Alpaca() as server:
            where = place("sim", base=server.url)
            events: list[object] = []
            client = connect(where, Secret(KEY), Secret(SECRET))
            venue = AlpacaVenue(client, Instruments([Instrument(symbol="AAPL")]), "TEST", listener=events.append)
            account = AccountStream(Secret(KEY), Secret(SECRET), venue.told, lambda up, why: None)
            stream = account.stream(where)
            stream.start()
            async with asyncio.timeout(5):
                await stream.ready.wait()
                await venue.submit(Approved(Order(4, 0, BUY, 10, Type.LIMIT, limit=150.25)))
                server.tell("canceled", next(iter(server.orders.values())))
                while not events:
                    await asyncio.sleep(0.001)
            (update,) = events
            assert isinstance(update, OrderUpdate) and (update.order, update.work) == (4, Work.CANCELED)
            await stream.close()
            await venue.close()

    asyncio.run(walk())
