"""Argosy's own client of Alpaca against the exchange: what the venue says it holds is what the exchange has, also when replies are lost."""

import asyncio
import random
from typing import Any

from argosy.core.effects import Amend, Cancel
from argosy.core.events import Account, Fill, OrderUpdate, Reply
from argosy.core.instrument import Instrument, Instruments
from argosy.core.orders import BUY, SELL, Approved, Order, Tif, Type, Work
from argosy.net.guard import Hosts
from argosy.net.http import Rest
from argosy.net.secret import Secret
from argosy.venues.alpaca.account import AccountStream
from argosy.venues.alpaca.answer import Accepted, Ambiguous
from argosy.venues.alpaca.broker import AlpacaVenue
from argosy.venues.alpaca.client import Client, connect, headers
from argosy.venues.alpaca.codec import WireOrder
from argosy.venues.alpaca.modes import place
from argosy.venues.alpaca.resolve import Patience
from tests.exchange.official import KEY, SECRET, Broker, broker


async def _with(house: Broker, events: list[Any], work: Any) -> None:
    where = place("sim", base=house.server.url)
    patience = Patience(order_s=1.0, read_s=1.0, first_s=0.02)
    calls = Rest(house.server.url, Hosts(loopback=True), headers=headers(Secret(KEY), Secret(SECRET)))  # no breaker: faults are many here
    client = Client(calls)
    venue = AlpacaVenue(client, Instruments([Instrument(symbol="AAPL")]), "TEST", listener=events.append, patience=patience)
    stream = AccountStream(Secret(KEY), Secret(SECRET), venue.told, lambda up, why: None).stream(where)
    stream.start()
    try:
        async with asyncio.timeout(40):
            await stream.ready.wait()
            await work(venue)
    finally:
        await stream.close()
        await venue.close()


async def _until(ready: Any) -> None:
    while not ready():
        await asyncio.sleep(0.01)


def test_its_words_are_understood() -> None:
    events: list[Any] = []
    with broker() as house:

        async def work(venue: AlpacaVenue) -> None:
            assert (await venue.submit(Approved(Order(1, 0, BUY, 10)))).outcome == "accepted"
            await _until(lambda: any(isinstance(e, Fill) and e.order == 1 for e in events))
            await venue.submit(Approved(Order(2, 0, SELL, 10, Type.LIMIT, limit=110.0, tif=Tif.GTC)))
            house.ctl("fill", order_id=house.server.exchange.accounts[KEY].open()[0].id, qty=4, price=110)
            await _until(lambda: sum(e.lots for e in events if isinstance(e, Fill)) == 14)
            assert (await venue.amend(Amend(2, limit=108.0))).outcome == "accepted"
            ticket = house.server.exchange.accounts[KEY].open()[0]
            assert (ticket.limit, ticket.lots) == (108.0, 6_000_000_000)  # what is left of ten
            assert (await venue.cancel(Cancel(2))).outcome == "accepted"
            await _until(lambda: any(isinstance(e, OrderUpdate) and e.order == 2 and e.work is Work.CANCELED for e in events))
            legs = (
                Order(4, 0, SELL, 5, Type.LIMIT, limit=120.0, parent=3, tag="take"),
                Order(5, 0, SELL, 5, Type.STOP, stop=90.0, parent=3, tag="stop"),
            )
            assert (await venue.submit(Approved(Order(3, 0, BUY, 5), legs))).outcome == "accepted"
            house.quote(121.00, 121.02)
            await _until(lambda: any(isinstance(e, Fill) and e.order == 4 for e in events))
            told = await venue.snapshot()
            account = next(e for e in told if isinstance(e, Account))
            mine = house.server.exchange.accounts[KEY]
            assert account.cash == mine.cash and account.positions == {0: 6}
            paid = sum(e.notional + e.fee for e in events if isinstance(e, Fill))
            assert mine.cash == 100_000_000_000 - paid

        asyncio.run(_with(house, events, work))


def test_two_exits_of_one_group_are_one_pair() -> None:
    events: list[Any] = []
    with broker() as house:

        async def work(venue: AlpacaVenue) -> None:
            await venue.submit(Approved(Order(1, 0, BUY, 6)))
            await _until(lambda: any(isinstance(e, Fill) and e.order == 1 for e in events))
            take = Order(2, 0, SELL, 6, Type.LIMIT, limit=110.0, tif=Tif.GTC, group=2)
            stop = Order(3, 0, SELL, 6, Type.STOP, stop=95.0, tif=Tif.GTC, group=2, parent=2)
            assert (await venue.submit(Approved(take, (stop,)))).outcome == "accepted"
            tickets = house.server.exchange.accounts[KEY].open()
            assert [(t.klass, t.kind) for t in tickets] == [("oco", "limit"), ("oco", "stop")]
            house.ctl("fill", order_id=tickets[0].id, qty=4, price=110)
            house.quote(94.00, 94.02)
            await _until(lambda: any(isinstance(e, OrderUpdate) and e.order == 2 and e.work is Work.CANCELED for e in events))
            await _until(lambda: sum(e.lots for e in events if isinstance(e, Fill) and e.order == 3) == 2)
            assert house.server.exchange.accounts[KEY].positions == {}

        asyncio.run(_with(house, events, work))


def test_ambiguous_orders_arrive_once() -> None:
    events: list[Any] = []
    chance = random.Random(7)
    with broker() as house:

        async def work(venue: AlpacaVenue) -> None:
            faults = [{"drop": True}, {"drop": True, "apply": True}, {"status": 504}, {"status": 504, "apply": True}, {"delay": 0.01}]
            for number in range(1, 61):
                house.ctl("fault", method="POST", path="/v2/orders", **chance.choice(faults))
                reply = await venue.submit(Approved(Order(number, 0, BUY, 1)))
                assert reply.outcome in ("accepted", "ambiguous")
            last = {}
            await _until(lambda: not venue.unsettled and len({e.order for e in events if isinstance(e, Fill)}) == 60)
            for event in events:
                if isinstance(event, Reply):
                    last[event.order] = event.outcome
            assert set(last.values()) <= {"accepted"}

        asyncio.run(_with(house, events, work))
        account = house.server.exchange.accounts[KEY]
        assert len(account.tickets) == 60
        assert account.lots(0) == 60_000_000_000
        executions = [e.execution for e in events if isinstance(e, Fill)]
        assert len(set(executions)) == 60


def test_after_a_429_the_exchange_hears_nothing_but_the_reserved_cancels() -> None:
    """Somebody else used the account's requests up: one refusal, and until the reset the exchange counts no more of ours."""
    events: list[Any] = []
    with broker() as house:

        async def work(venue: AlpacaVenue) -> None:
            assert (await venue.submit(Approved(Order(1, 0, BUY, 1, Type.LIMIT, limit=50.0)))).outcome == "accepted"
            house.ctl("rate_limit", limit=5, window_s=10**9)  # a window that does not end while this runs
            for _ in range(5):
                assert isinstance(await venue.client.account(), Accepted)
            ours = connect(place("sim", base=house.server.url), Secret(KEY), Secret(SECRET))
            again = AlpacaVenue(ours, venue.instruments, "TEST", patience=Patience(order_s=0.1, read_s=0.1))
            again.adopt([(Order(1, 0, BUY, 1, Type.LIMIT, limit=50.0), ())])
            again.ledger.find(WireOrder(id=venue.ledger.placed[1].id, client_order_id="TEST1"))
            assert await ours.account(deadline_s=0.3) == Ambiguous("RATE_LIMIT")
            server = house.server
            assert server.budget.refused == 1
            before = server.requests
            for number in range(2, 8):
                reply = await again.submit(Approved(Order(number, 0, BUY, 1)))
                assert (reply.outcome, reply.code) == ("refused", "RATE_LIMIT")
                assert await ours.account(deadline_s=0.05) == Ambiguous("RATE_LIMIT")
            assert server.requests == before
            for _ in range(4):
                await again.cancel(Cancel(1))
            assert server.requests == before + 1  # a fifth of five is one
            await again.close()

        asyncio.run(_with(house, events, work))
