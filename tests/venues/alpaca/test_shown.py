"""What Alpaca shows when it is asked, against the exchange; and what it may answer that no exchange of ours would."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from argosy.core.effects import Amend, Cancel
from argosy.core.errors import Retry
from argosy.core.events import Fill, OrderUpdate
from argosy.core.instrument import Instrument, Instruments
from argosy.core.orders import BUY, SELL, Approved, Order, Tif, Type, Work
from argosy.core.shown import Showing, ShownPosition
from argosy.core.time import parse
from argosy.exchange.open import Wanted, opened
from argosy.net.guard import Hosts
from argosy.net.http import Rest
from argosy.net.secret import Secret
from argosy.venues.alpaca.account import AccountStream
from argosy.venues.alpaca.answer import Accepted, Refused
from argosy.venues.alpaca.broker import AlpacaVenue
from argosy.venues.alpaca.client import Client, headers
from argosy.venues.alpaca.codec import Activity, WireAccount, WireClock, WireOrder, WirePosition, record
from argosy.venues.alpaca.ledger import Ledger
from argosy.venues.alpaca.modes import place
from argosy.venues.alpaca.resolve import Patience
from argosy.venues.alpaca.shown import Shows

KEY, SECRET = "PKTEST", "hush"
TABLE = Instruments([Instrument(symbol="AAPL"), Instrument(symbol="MSFT")])


class House:
    def __init__(self, server: Any) -> None:
        self.server = server

    def ctl(self, verb: str, **body: object) -> Any:
        request = urllib.request.Request(f"{self.server.url}/_ctl/{verb}", json.dumps(body).encode(), method="POST")  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310
            return json.loads(reply.read())

    @property
    def account(self) -> Any:
        return self.server.exchange.accounts[KEY]


def venue_of(house: House, events: list[Any]) -> AlpacaVenue:
    client = Client(Rest(house.server.url, Hosts(loopback=True), headers=headers(Secret(KEY), Secret(SECRET))))
    patience = Patience(order_s=1.0, read_s=1.0, first_s=0.02)
    return AlpacaVenue(client, TABLE, "TEST", listener=events.append, patience=patience)


def run(work: Callable[[House, AlpacaVenue, list[Any]], Awaitable[None]]) -> None:
    async def whole(house: House) -> None:
        events: list[Any] = []
        venue = venue_of(house, events)
        where = place("sim", base=house.server.url)
        stream = AccountStream(Secret(KEY), Secret(SECRET), venue.told, lambda up, why: None).stream(where)
        stream.start()
        try:
            async with asyncio.timeout(20):
                await stream.ready.wait()
                await work(house, venue, events)
        finally:
            await stream.close()
            await venue.close()

    with opened(Wanted(keys=((KEY, SECRET),), symbols=["AAPL", "MSFT", "TSLA"], control=True, seed=3)) as server:
        house = House(server)
        for symbol, bid in (("AAPL", 100.0), ("MSFT", 200.0), ("TSLA", 300.0)):
            house.ctl("quote", symbol=symbol, bid=bid, ask=bid + 0.02)
        asyncio.run(whole(house))


def limit(number: int, lots: int = 10, px: float = 99.0, i: int = 0) -> Order:
    return Order(number, i, BUY, lots, Type.LIMIT, limit=px, tif=Tif.GTC)


def test_the_account_as_it_is() -> None:
    async def work(house: House, venue: AlpacaVenue, events: list[Any]) -> None:
        shows = Shows(venue)
        like: Showing = shows
        assert like.desk == "TEST"
        await venue.submit(Approved(Order(4, 0, BUY, 10)))
        await venue.submit(Approved(Order(8, 1, SELL, 3)))
        await venue.client.submit(b'{"symbol":"TSLA","qty":"2","side":"buy","type":"market","time_in_force":"day"}', "x")
        told = await shows.account()
        assert told.positions == {0: ShownPosition(10, 100.02, 100.01), 1: ShownPosition(-3, 200.0, 200.01)}
        assert told.strange == {"TSLA": "2"} and (told.cash, told.number) == (house.account.cash, house.account.number)
        theirs, asked, answered = await shows.offset()
        assert abs(theirs - house.server.exchange.now) < 5 * 10**8 and asked < answered

    run(work)


def test_orders_with_their_chains_and_legs_by_whatever_name() -> None:
    async def work(house: House, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(Approved(limit(4)))
        for qty in (3, 2):
            (ticket,) = house.account.open()
            house.ctl("fill", order_id=ticket.id, qty=qty, price=99)
            assert (await venue.amend(Amend(4, lots=10))).outcome == "accepted"
        stop = Order(13, 0, SELL, 4, Type.STOP, stop=90.0, tif=Tif.GTC, parent=12, group=12)
        take = Order(14, 0, SELL, 4, Type.LIMIT, limit=120.0, tif=Tif.GTC, parent=12, group=12)
        entry = limit(12, 4, 100.5)
        await venue.submit(Approved(entry, (stop, take)))
        await venue.submit(Approved(limit(16, 1)))
        await venue.cancel(Cancel(16))
        again = venue_of(house, [])
        shows = Shows(again)
        try:
            shows.adopt([(limit(4), ()), (entry, (stop, take)), (limit(16, 1), ())])
            rows = await shows.resting()
            end, *legs = [(row.number, row.ours, row.filled) for row in rows]
            assert end == (4, True, 0) and legs == [(0, False, 0)] * 2  # the end of a chain, and legs that nobody knows yet
            (row,) = await shows.order(4)
            assert (row.lots, row.filled, row.cum, row.work, row.limit) == (10, 5, 0, Work.WORKING, 99.0)
            told = {row.number: row for row in await shows.order(13)}
            assert set(told) == {12, 13, 14} and told[12].work is Work.FILLED and told[12].average == 100.02
            assert (told[13].stop, told[13].side, told[14].work) == (90.0, -1, Work.WORKING)
            rows = await shows.resting()
            assert {(row.number, row.filled) for row in rows} == {(4, 5), (13, 0), (14, 0)}
            assert await shows.order(999) == [] and {row.number for row in await shows.order(14)} == {14}
            shows.adopt([(limit(20), ())])
            assert await shows.order(20) == []
            ended = await shows.ended(0)
            assert {(row.number, row.work) for row in ended} == {(12, Work.FILLED), (16, Work.CANCELED)}
            assert await shows.withdraw(again.ledger.placed[4].id) and await shows.withdraw(again.ledger.placed[4].id)
            assert {row.number for row in await shows.resting()} == {13, 14}
        finally:
            await again.close()

    run(work)


def test_executions_since_the_last_time_and_whose_they_are() -> None:
    async def work(house: House, venue: AlpacaVenue, events: list[Any]) -> None:
        shows = Shows(venue)
        await venue.submit(Approved(limit(4)))
        (ticket,) = house.account.open()
        house.ctl("fill", order_id=ticket.id, qty=4, price=99)
        (row,) = await shows.fills(0)
        assert (row.number, row.ours, row.lots, row.price, row.notional, row.leaves) == (4, True, 4, 99.0, 396_000_000, 6)
        assert row.name == f"{ticket.id}:4" and venue.walk_from == 0
        await venue.client.submit(b'{"symbol":"MSFT","qty":"2","side":"sell","type":"market","time_in_force":"day"}', "x")
        await venue.client.submit(b'{"symbol":"TSLA","qty":"2","side":"buy","type":"market","time_in_force":"day"}', "y")
        rows = await shows.fills(-1)
        assert [(row.number, row.ours, row.symbol, row.instrument, row.side, row.lots) for row in rows][-2:] == [
            (0, False, "MSFT", 1, -1, 2), (0, False, "TSLA", -1, 1, 0),
        ]  # fmt: skip
        assert rows[-2].notional == -400_000_000
        after = house.server.exchange.now
        assert await shows.fills(after) == [] and venue.walk_from == after

    run(work)


def test_an_execution_whose_order_is_not_shown_yet_is_no_other_hands() -> None:
    async def work(house: House, venue: AlpacaVenue, events: list[Any]) -> None:
        shows = Shows(venue)
        await venue.client.submit(b'{"symbol":"AAPL","qty":"2","side":"buy","type":"market","time_in_force":"day"}', "x")
        house.ctl("fault", method="GET", path="/v2/orders/", status=404, times=4)
        for _ in range(4):
            with pytest.raises(Retry, match="not yet the order"):
                await shows.fills(-1)
        (row,) = await shows.fills(-1)
        assert not row.ours
        other = Shows(venue)
        house.ctl("fault", method="GET", path="/v2/orders/", status=404, times=9)
        for _ in range(4):
            with pytest.raises(Retry):
                await other.fills(-1)
        (row,) = await other.fills(-1)  # in the end it is
        assert not row.ours and row.number == 0

    run(work)


def test_what_moved_without_an_order() -> None:
    async def work(house: House, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(Approved(Order(4, 0, BUY, 10)))
        house.ctl("dividend", symbol="AAPL", amount=0.5)
        house.ctl("split", symbol="AAPL", ratio=2.0)
        now = house.server.exchange.now
        house.account.book("JNLS", 0, now, {"symbol": "AAPL", "qty": "-3"})
        house.account.book("FEE", -120_000, now, {})
        house.account.book("CSW", -5_000_000, now, {"status": "canceled"})
        house.account.book("NEWWORD", 0, now, {"symbol": "AAPL", "qty": "1"})
        house.account.book("OTHER", 1_000_000, now, {})
        rows = await Shows(venue).payments(0)
        assert [(row.word, row.kind, row.instrument, row.amount, row.lots) for row in rows] == [
            ("CSD", "flow", -1, 100_000_000_000, 0), ("DIV", "dividend", 0, 5_000_000, 10), ("SPLIT", "split", 0, 0, 10),
            ("JNLS", "transfer", 0, 0, -3), ("FEE", "cost", -1, -120_000, 0), ("NEWWORD", "stock", 0, 0, 1), ("OTHER", "cost", -1, 1_000_000, 0),
        ]  # fmt: skip
        assert rows[1].each == 0.5 and abs(rows[1].ts - now) < 10**9 and len({row.id for row in rows}) == 7
        assert await Shows(venue).payments(now + 10**9) == []

    run(work)


def test_an_end_is_told_after_the_executions_before_it() -> None:
    """The frame of a fill is lost and the end's is not: the end shows more than was told, so the executions are asked for first."""

    async def work(house: House, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(Approved(limit(4)))
        (ticket,) = house.account.open()
        house.ctl("frames", stream="trading", drop=1)
        house.ctl("fill", order_id=ticket.id, qty=4, price=99)
        assert not [event for event in events if isinstance(event, Fill)]
        await venue.cancel(Cancel(4))
        while not any(isinstance(event, OrderUpdate) and event.work is Work.CANCELED for event in events):
            await asyncio.sleep(0.005)
        told = [type(event) for event in events if isinstance(event, Fill) or (isinstance(event, OrderUpdate) and event.work is Work.CANCELED)]
        assert told == [Fill, OrderUpdate]

    run(work)


# -- what no exchange of ours would answer ----------------------------------------------------------------------------------------


class Canned:
    """A client that answers what it was given."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def __getattr__(self, name: str) -> Any:
        async def answer(*args: Any, **named: Any) -> Any:
            one = self.answers[name]
            return one(*args) if callable(one) else one

        return answer


def shows(**answers: Any) -> Shows:
    return Shows(AlpacaVenue(Canned(**answers), TABLE, "TEST"))  # type: ignore[arg-type]


def asked(work: Awaitable[Any]) -> Any:
    async def whole() -> Any:
        return await work

    return asyncio.run(whole())


@pytest.mark.parametrize(
    "answers",
    [
        {"positions": Accepted([WirePosition(symbol="AAPL")]), "account": Accepted(WireAccount(cash=Decimal(1)))},
        {"positions": Accepted([]), "account": Accepted(WireAccount())},
        {"positions": Refused("HTTP_403", "forbidden.", 403), "account": Accepted(WireAccount(cash=Decimal(1)))},
    ],
)
def test_figures_that_are_not_told_are_no_figures(answers: dict[str, Any]) -> None:
    with pytest.raises(Retry, match="VENUE_SILENT"):
        asked(shows(**answers).account())


def test_a_time_that_is_none() -> None:
    with pytest.raises(Retry, match="did not tell the time"):
        asked(shows(clock=Accepted(WireClock(timestamp="noon"))).offset())


def test_a_short_position_by_its_side_or_its_sign() -> None:
    for qty, side in (("-3", "short"), ("3", "short"), ("-3", "")):
        rows = [record(WirePosition, {"symbol": "AAPL", "qty": qty, "side": side})]
        told = asked(shows(positions=Accepted(rows), account=Accepted(WireAccount(cash=Decimal(1)))).account())
        assert told.positions[0].lots == -3


def test_rows_that_say_too_little_are_kept_and_no_fills() -> None:
    rows = [
        record(Activity, {"id": "1", "activity_type": "FILL", "order_id": "", "symbol": "AAPL", "side": "buy", **more})
        for more in ({"qty": "1"}, {"price": "1"}, {"qty": "0", "price": "1"}, {"qty": "1", "price": "1", "side": "?"}, {"qty": "0.5", "price": "1"})
    ]  # fmt: skip
    one = shows(activities=Accepted(rows))
    assert asked(one.fills(-1)) == [] and one.venue.odd.count == 5
    named = record(Activity, {"id": "9", "symbol": "AAPL", "side": "sell_short", "qty": "2", "price": "3"})
    (row,) = asked(shows(activities=Accepted([named])).fills(-1))
    assert (row.name, row.side, row.ours) == ("9", -1, False)


def test_an_order_of_a_word_that_is_not_known_and_of_a_symbol_that_is_not_ours() -> None:
    rows = [WireOrder(id="a", symbol="AAPL", side="buy", status="dreaming"), WireOrder(id="b", symbol="ZZZ", status="new", side="sell")]
    one = shows(orders=Accepted(rows))
    first, second = asked(one.resting())
    assert first.work is None and not first.ours and one.venue.odd.count == 1
    assert (second.symbol, second.instrument, second.side, second.work) == ("ZZZ", -1, -1, Work.WORKING)


def test_one_of_our_name_that_no_decision_here_has_made() -> None:
    (row,) = asked(shows(orders=Accepted([WireOrder(id="a", symbol="AAPL", side="buy", status="new", client_order_id="TEST4")])).resting())
    assert row.ours and row.number == 0


def test_a_chain_that_goes_in_a_ring_ends() -> None:
    ring = {
        "a": WireOrder(id="a", symbol="AAPL", client_order_id="TEST4", status="replaced", replaced_by="b"),
        "b": WireOrder(id="b", symbol="AAPL", client_order_id="TEST4.1", status="replaced", replaced_by="a", replaces="a"),
    }
    one = shows(by_client_id=Accepted(ring["a"]), order=lambda name: Accepted(ring[name]))
    one.adopt([(limit(4), ())])
    with pytest.raises(Retry, match="by what"):
        asked(one.order(4))


@pytest.mark.parametrize(
    ("row", "at"),
    [
        ({"transaction_time": "2026-11-20T15:00:01Z"}, "2026-11-20T15:00:01Z"), ({"id": "20261120150002500::x"}, "2026-11-20T15:00:02.5Z"),
        ({"id": "x", "date": "2026-11-20"}, "2026-11-20"), ({"id": "2026::x"}, ""),
    ],
)  # fmt: skip
def test_when_a_row_was(row: dict[str, str], at: str) -> None:
    told = record(Activity, {"activity_type": "FEE", "net_amount": "-1", **row})
    (one,) = asked(shows(activities=Accepted([told])).payments(0))
    assert one.ts == (parse(at) if at else 0)


def test_a_chain_is_put_in_order_however_it_is_heard_of() -> None:
    chain = [
        WireOrder(id="a", client_order_id="TEST4", replaced_by="b"), WireOrder(id="b", client_order_id="TEST4.1", replaces="a", replaced_by="c"),
        WireOrder(id="c", client_order_id="TEST4.2", replaces="b"),
    ]  # fmt: skip
    for heard in ("abc", "cab", "bca", "cba", "acb", "bac"):
        ledger = Ledger("TEST")
        ledger.place(limit(4))
        for name in heard:
            ledger.find(chain["abc".index(name)])
        assert ledger.placed[4].ids == ["a", "b", "c"], heard


def test_a_later_one_of_a_chain_leads_to_the_first_and_a_leg_that_was_changed_is_asked_for_itself() -> None:
    first = WireOrder(id="a", symbol="AAPL", client_order_id="TEST4", status="replaced", replaced_by="b", filled_qty=Decimal(3))
    later = WireOrder(id="b", symbol="AAPL", client_order_id="TEST4.1", status="new", replaces="a", qty=Decimal(7), filled_qty=Decimal(2))
    one = shows(order=lambda name: Accepted({"a": first, "b": later}[name]), by_client_id=Accepted(first))
    one.adopt([(limit(4), ())])
    one.venue.look(later)
    (row,) = asked(one.order(4))
    assert (row.id, row.filled, row.lots, row.cum) == ("b", 5, 10, 2)
    stop = Order(13, 0, SELL, 10, Type.STOP, stop=90.0, parent=12, group=12)
    moved = WireOrder(id="m", symbol="AAPL", side="sell", client_order_id="TESTD.1", status="new", replaces="l", qty=Decimal(10))
    one = shows(order=Accepted(moved), by_client_id=Refused("40410000", "", 404))
    one.adopt([(limit(12), (stop,))])
    one.venue.look(moved)
    (row,) = asked(one.order(13))
    assert (row.number, row.id) == (13, "m")
    gone = shows(order=Refused("40410000", "", 404), by_client_id=Refused("40410000", "", 404))
    gone.adopt([(limit(12), (stop,))])
    gone.venue.look(moved)
    assert asked(gone.order(13)) == []


def test_legs_that_are_not_told_with_the_name_are_asked_for_by_the_id() -> None:
    stop = Order(13, 0, SELL, 10, Type.STOP, stop=90.0, parent=12, group=12)
    plain = WireOrder(id="e", symbol="AAPL", side="buy", client_order_id="TESTC", status="filled", qty=Decimal(10), filled_qty=Decimal(10))
    whole = msgspec.structs.replace(plain, legs=[{"id": "l", "symbol": "AAPL", "side": "sell", "type": "stop", "status": "held", "qty": "10"}])
    one = shows(by_client_id=Accepted(plain), order=Accepted(whole))
    one.adopt([(limit(12), (stop,))])
    assert {(row.number, row.work) for row in asked(one.order(13))} == {(12, Work.FILLED), (13, Work.ACKED)}
    one = shows(by_client_id=Accepted(plain), order=Refused("HTTP_500", "", 500))
    one.adopt([(limit(12), (stop,))])
    assert {row.number for row in asked(one.order(12))} == {12}


def test_a_pair_that_went_out_apart_is_found_by_its_own_name() -> None:
    stop = Order(13, 0, SELL, 10, Type.STOP, stop=90.0, group=12, tag="stop")
    told = {"TESTC": WireOrder(id="t", symbol="AAPL", side="sell", client_order_id="TESTC", status="new", qty=Decimal(10))}
    told["TESTD"] = WireOrder(id="s", symbol="AAPL", side="sell", client_order_id="TESTD", status="new", qty=Decimal(10))
    one = shows(by_client_id=lambda name: Accepted(told[name]), order=lambda name: Accepted(next(row for row in told.values() if row.id == name)))
    one.adopt([(Order(12, 0, SELL, 10, Type.LIMIT, limit=120.0, group=12, tag="take"), ()), (stop, ())])
    assert 13 in {row.number for row in asked(one.order(13))}


def test_a_fill_of_ours_whose_order_was_not_known_yet() -> None:
    row = record(Activity, {"id": "1", "order_id": "a", "symbol": "AAPL", "side": "buy", "qty": "4", "price": "9", "cum_qty": "4"})
    order = WireOrder(id="a", symbol="AAPL", client_order_id="TEST4", status="new", side="buy")
    one = shows(activities=Accepted([row]), order=Accepted(order))
    one.adopt([(limit(4), ())])
    (fill,) = asked(one.fills(-1))
    assert (fill.number, fill.ours, fill.name) == (4, True, "a:4")
