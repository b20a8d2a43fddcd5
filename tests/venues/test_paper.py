"""The venue of paper: orders are filled by the quotes that are shown to it, its cash and lots are counted by hand, nothing leaves."""

from __future__ import annotations

import asyncio
from typing import Any

from argosy.core.effects import Amend, Cancel
from argosy.core.events import Account, Bar, Event, Fill, OrderUpdate, Quote, Reply, Session, Split, Trade
from argosy.core.instrument import Instrument, Instruments
from argosy.core.orders import BUY, SELL, Approved, Order, Tif, Type, Work
from argosy.core.time import DAY, MINUTE, MS
from argosy.venues.paper import PaperVenue
from argosy.venues.sim.core import SimCore

NAMES = Instruments([Instrument(symbol="AAA", calendar="24/7"), Instrument(symbol="BBB", calendar="24/7")])
UNIT = 1_000_000


class Stand:
    """A venue of paper with a clock in hand. heard: what it told."""

    def __init__(self, cash: int = 10_000, listen: bool = True, **market: Any) -> None:
        self.now = 0
        self.venue = PaperVenue(SimCore(NAMES, **market), NAMES, lambda: self.now, cash=cash * UNIT)
        self.heard: list[Event] = []
        if listen:
            self.venue.listen(self.heard.append)

    def quote(self, bid: float, ask: float, i: int = 0) -> None:
        self.now += MINUTE
        self.venue.row(Quote(self.now, self.now, i, bid, ask, 1e6, 1e6))

    def submit(self, number: int, side: int, lots: int, **more: Any) -> Reply:
        self.now += MS
        return asyncio.run(self.venue.submit(Approved(Order(number, 0, side, lots, **more))))

    def account(self) -> Account:
        (found,) = asyncio.run(self.venue.snapshot())
        assert isinstance(found, Account)
        return found

    def fills(self) -> list[tuple[int, int, float]]:
        return [(one.order, one.lots * one.side, one.price) for one in self.heard if isinstance(one, Fill)]


def test_an_order_fills_at_the_touch_and_the_account_is_counted_by_hand() -> None:
    stand = Stand()
    stand.quote(99.0, 101.0)
    assert stand.submit(4, BUY, 10).outcome == "accepted"
    stand.quote(99.5, 100.5)
    assert stand.fills() == [(4, 10, 100.5)]
    assert (stand.venue.cash, stand.venue.lots) == ((10_000 - 1_005) * UNIT, {0: 10})
    found = stand.account()
    assert (found.cash, found.equity) == (8_995 * UNIT, (8_995 + 10 * 100) * UNIT)
    assert (found.buying_power, found.positions) == (found.cash, {0: 10})
    stand.venue.row(Trade(stand.now, stand.now, 0, 110.0, 5.0))  # what is traded is the price from now on
    assert stand.account().equity == (8_995 + 1_100) * UNIT
    stand.venue.row(Bar(0, stand.now, 0, 1.0, 1.0, 1.0, 1.0, 1.0, MINUTE))  # what happened inside a bar is over
    stand.quote(float("nan"), 100.5)  # one side alone is no price
    assert stand.account().equity == (8_995 + 1_100) * UNIT
    stand.submit(8, SELL, 10)
    stand.quote(102.0, 103.0)
    assert stand.fills()[-1] == (8, -10, 102.0) and stand.venue.cash == (8_995 + 1_020) * UNIT and stand.account().positions == {}


def test_a_resting_order_is_changed_and_taken_back() -> None:
    stand = Stand()
    stand.quote(99.0, 101.0)
    assert stand.submit(4, BUY, 10, type=Type.LIMIT, limit=90.0).outcome == "accepted"
    assert asyncio.run(stand.venue.amend(Amend(4, 7, limit=95.0))).outcome == "accepted"
    stand.quote(93.0, 94.0)
    assert stand.fills() == [(4, 7, 94.0)] or stand.fills() == [(4, 7, 95.0)]
    stand.submit(8, BUY, 10, type=Type.LIMIT, limit=50.0)
    assert asyncio.run(stand.venue.cancel(Cancel(8))).outcome == "accepted"
    assert [one.work for one in stand.heard if isinstance(one, OrderUpdate) and one.order == 8][-1] is Work.CANCELED
    stand.quote(40.0, 41.0)
    assert len(stand.fills()) == 1
    assert asyncio.run(stand.venue.cancel(Cancel(99))).outcome == "refused"


def test_what_is_told_before_anybody_listens_is_kept_in_order() -> None:
    stand = Stand(listen=False)
    stand.quote(99.0, 101.0)
    stand.submit(4, BUY, 1)
    stand.quote(99.0, 101.0)

    async def first() -> Event:
        return await anext(aiter(stand.venue.stream()))

    early = asyncio.run(first())
    stand.venue.listen(stand.heard.append)
    assert any(isinstance(one, Fill) for one in (early, *stand.heard))

    async def waits() -> Event:
        late = Stand(listen=False)
        told = asyncio.ensure_future(anext(aiter(late.venue.stream())))
        await asyncio.sleep(0)
        late.quote(99.0, 101.0)
        await late.venue.submit(Approved(Order(4, 0, BUY, 1)))
        late.quote(99.0, 101.0)
        return await asyncio.wait_for(told, 1)

    assert isinstance(asyncio.run(waits()), Event)


def test_a_split_makes_more_lots_of_those_that_are_held_and_of_no_others() -> None:
    stand = Stand()
    stand.venue.restore(500 * UNIT, {0: 10}, ())
    for i in (0, 1):
        stand.venue.happened(Split(5, 5, i, 2.0))
    stand.venue.happened(Session(5, 5, "XNYS", True, 20_260_105, DAY))
    assert stand.venue.lots == {0: 20} and stand.account().cash == 500 * UNIT


def test_it_goes_on_with_the_orders_that_a_journal_knows() -> None:
    stand = Stand()
    stand.venue.adopt([])
    stand.venue.restore(100 * UNIT, {0: 3}, [Approved(Order(4, 0, SELL, 3, type=Type.LIMIT, limit=120.0))])
    stand.quote(121.0, 122.0)
    assert stand.venue.lots == {0: 0} and stand.venue.cash >= (100 + 360) * UNIT
    assert stand.venue.facts("BBB") is NAMES["BBB"] and stand.venue.unsettled == 0 and asyncio.run(stand.venue.walk()) == []
    asyncio.run(stand.venue.close())


def test_what_happens_by_itself_is_told_when_its_time_has_come() -> None:
    stand = Stand()
    stand.quote(99.0, 101.0)
    ends = stand.now + 10 * MS
    stand.submit(4, BUY, 1, type=Type.LIMIT, limit=50.0, tif=Tif.GTD, expire=ends)
    stand.venue.passed(ends - 1)
    assert not any(isinstance(one, OrderUpdate) and one.work is Work.EXPIRED for one in stand.heard)
    stand.venue.passed(ends)
    assert [one.order for one in stand.heard if isinstance(one, OrderUpdate) and one.work is Work.EXPIRED] == [4]
