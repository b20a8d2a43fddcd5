"""What may be asked of the venue beside a plain submit, and what Alpaca says by itself: told once, as it was said."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from argosy.core.effects import Amend, Cancel
from argosy.core.errors import Misuse, Retry
from argosy.core.events import Account, Fill, OrderUpdate, Reply
from argosy.core.instrument import Instrument, Instruments
from argosy.core.orders import BUY, SELL, Approved, Order, Tif, Type, Work
from argosy.core.protocols import Venue
from argosy.venues.alpaca import words
from argosy.venues.alpaca.broker import AlpacaVenue
from argosy.venues.alpaca.codec import update
from argosy.venues.alpaca.resolve import Patience
from tests.venues.alpaca.server import Alpaca
from tests.venues.alpaca.test_ambiguous import TABLE, order, settled, venue_of


def run(work: Callable[[Alpaca, AlpacaVenue, list[Any]], Awaitable[None]], patience: Patience | None = None) -> None:
    async def whole() -> None:
        events: list[Any] = []
        async with Alpaca() as server:
            venue = venue_of(server, events, patience or Patience(order_s=1.0, read_s=1.0, first_s=0.02))
            # the frames of the account stream, without a socket
            server.push = lambda frame: venue.told(update(json.loads(frame)["data"]))
            try:
                async with asyncio.timeout(20):
                    await work(server, venue, events)
            finally:
                await venue.close()

    asyncio.run(whole())


def fills(events: list[Any]) -> list[tuple[int, int, float]]:
    return [(event.order, event.lots, event.price) for event in events if isinstance(event, Fill)]


def works(events: list[Any]) -> list[tuple[int, Work]]:
    return [(event.order, event.work) for event in events if isinstance(event, OrderUpdate)]


def test_it_has_the_shape_of_a_venue() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        shape: Venue = venue
        assert shape is venue

    run(work)


# -- refusals -----------------------------------------------------------------------------------------------------------------


def test_a_refusal_has_alpacas_code() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        reply = await venue.submit(order(4, 1))
        assert (reply.outcome, reply.code, reply.text) == ("refused", "40310000", "insufficient buying power")
        assert (await venue.submit(order(4, 1))).code == "40310000" and server.posts["TEST4"] == 1  # it stays refused
        answer = await venue.client.submit(words.request(TABLE[1], order(8, 1).order, (), "TEST"), "TEST8")
        assert answer.numbers == {"buying_power": Decimal("0.5"), "cost_basis": Decimal(100)}
        assert venue.unsettled == 0

    run(work)


STOP = Order(5, 0, SELL, 10, Type.STOP, stop=95.0, reduce_only=True, parent=4, group=4)
TAKE = Order(6, 0, SELL, 10, Type.LIMIT, limit=110.0, reduce_only=True, parent=4, group=4)
ENTRY = Order(4, 0, BUY, 10, Type.LIMIT, limit=100.0, tif=Tif.GTC)


@pytest.mark.parametrize(
    ("one", "legs", "code"),
    [
        (Order(4, 0, BUY, 1, Type.LIMIT, limit=100.001), (), "PRICE_TICK"),
        (Order(4, 0, BUY, 1, Type.LIMIT, limit=0.12345), (), "PRICE_TICK"),
        (Order(4, 0, BUY, 1, Type.LIMIT, limit=-1.0), (), "PRICE_TICK"),
        (Order(4, 0, BUY, 1, tif=Tif.GTD, expire=5), (), "TIF_UNSUPPORTED"),
        (Order(4, 0, BUY, 1, Type.STOP, stop=5.0, tif=Tif.OPG), (), "TIF_UNSUPPORTED"),
        (Order(4, 0, BUY, 1, Type.LIMIT, limit=5.0, post_only=True), (), "POST_ONLY_UNSUPPORTED"),
        (ENTRY, (STOP, STOP), "LEGS_UNSUPPORTED"),
        (ENTRY, (Order(5, 0, SELL, 4, Type.STOP, stop=95.0),), "LEGS_UNSUPPORTED"),
        (ENTRY, (Order(5, 0, SELL, 10, Type.TRAILING, trail=1.0),), "TYPE_UNSUPPORTED"),
        (Order(4, 0, BUY, 10, tif=Tif.IOC), (STOP,), "TIF_UNSUPPORTED"),
        (Order(4, 9, BUY, 1), (), "INSTRUMENT_UNKNOWN"),
    ],
)
def test_what_cannot_be_said_to_alpaca_is_refused_here(one: Order, legs: tuple[Order, ...], code: str) -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        reply = await venue.submit(Approved(one, legs))
        assert (reply.outcome, reply.code) == ("refused", code) and server.seen == []

    run(work)


@pytest.mark.parametrize(
    ("one", "legs", "body"),
    [
        (Order(4, 0, BUY, 10), (), {"type": "market", "time_in_force": "day"}),
        (
            Order(4, 0, SELL, 10, Type.STOP_LIMIT, limit=94.5, stop=95.0, tif=Tif.GTC),
            (),
            {"type": "stop_limit", "limit_price": "94.5", "stop_price": "95", "time_in_force": "gtc"},
        ),
        (Order(4, 0, SELL, 10, Type.TRAILING, trail=0.015, trail_frac=True), (), {"type": "trailing_stop", "trail_percent": "1.5"}),
        (Order(4, 0, SELL, 10, Type.TRAILING, trail=0.25), (), {"type": "trailing_stop", "trail_price": "0.25"}),
        (Order(4, 0, BUY, 10, tif=Tif.CLS), (), {"time_in_force": "cls"}),
        (
            ENTRY,
            (STOP, TAKE),
            {"order_class": "bracket", "limit_price": "100", "stop_loss": {"stop_price": "95"}, "take_profit": {"limit_price": "110"}},
        ),
        (ENTRY, (STOP,), {"order_class": "oto", "stop_loss": {"stop_price": "95"}}),
        (
            Order(4, 0, SELL, 10, Type.LIMIT, limit=110.0),
            (STOP,),
            {"order_class": "oco", "take_profit": {"limit_price": "110"}, "stop_loss": {"stop_price": "95"}},
        ),
    ],
)
def test_an_order_in_alpacas_words(one: Order, legs: tuple[Order, ...], body: dict[str, Any]) -> None:
    said = json.loads(words.request(TABLE[0], one, legs, "TEST"))
    assert {key: said[key] for key in body} == body
    assert (said["symbol"], said["qty"], said["client_order_id"]) == ("AAPL", "10", "TEST4")
    assert ("limit_price" in said) == (one.limit == one.limit and said.get("order_class") != "oco")


def test_a_fraction_of_a_share_is_exact() -> None:
    row = Instrument(symbol="AAPL", lot=Decimal("1E-9"))
    assert json.loads(words.request(row, Order(4, 0, BUY, 1_500_000_001), (), "TEST"))["qty"] == "1.500000001"
    assert words.price(1e-4) == "0.0001" and words.price(12345678.9) == "12345678.9" and words.exact(Decimal("1E+3")) == "1000"


# -- cancel -------------------------------------------------------------------------------------------------------------------


def test_a_cancel_is_taken_and_its_end_told_once() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(order(4))
        assert (await venue.cancel(Cancel(4))).outcome == "accepted"
        assert works(events) == [(4, Work.CANCELED)]
        again = await venue.cancel(Cancel(4))
        assert (again.outcome, again.code) == ("refused", "NOT_CANCELABLE")
        never = await venue.cancel(Cancel(77))
        assert (never.outcome, never.code) == ("refused", "NOT_CANCELABLE")

    run(work)


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "504_before", "504_after"])
def test_a_cancel_whose_answer_is_lost_is_looked_up(fault: str) -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(order(4))
        left = [fault]
        server.fault = lambda method, path: left.pop() if method == "DELETE" and left else ""
        assert (await venue.cancel(Cancel(4))).outcome == "accepted"
        assert next(iter(server.orders.values()))["status"] == "canceled"
        assert sum(1 for method, _, _ in server.seen if method == "DELETE") == (2 if fault.endswith("before") else 1)

    run(work)


def test_a_cancel_that_nobody_answers_is_ambiguous_and_never_a_no() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(order(4))
        server.fault = lambda method, path: "504_before"
        assert (await venue.cancel(Cancel(4))).outcome == "ambiguous"
        assert works(events) == []

    run(work, Patience(order_s=0.2, read_s=0.2))


# -- amend --------------------------------------------------------------------------------------------------------------------


def test_an_amended_order_is_the_same_order() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(Approved(ENTRY))
        server.fill("TEST4", "4", "99.5")
        reply = await venue.amend(Amend(4, lots=12, limit=101.0))
        assert reply.outcome == "accepted"
        fresh = server.orders[server.names["TEST4.1"]]
        assert (fresh["qty"], fresh["limit_price"]) == ("8", "101")  # twelve in all, of which four are filled
        server.fill("TEST4.1", "8", "100.5")
        assert fills(events) == [(4, 4, 99.5), (4, 8, 100.5)]
        (last,) = [event for event in events if isinstance(event, OrderUpdate)][-1:]
        assert (last.work, last.lots, last.limit) == (Work.WORKING, 12, 101.0)
        assert not [event for event in events if isinstance(event, OrderUpdate) and event.work in (Work.REPLACED, Work.CANCELED)]

    run(work)


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "504_before", "504_after"])
def test_an_amend_whose_answer_is_lost_happens_once(fault: str) -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(Approved(ENTRY))
        left = [fault]
        server.fault = lambda method, path: left.pop() if method == "PATCH" and left else ""
        assert (await venue.amend(Amend(4, limit=101.0))).outcome == "accepted"
        assert len(server.orders) == 2 and server.orders[server.names["TEST4.1"]]["limit_price"] == "101"
        assert (await venue.amend(Amend(4, limit=102.0))).outcome == "accepted"
        assert (await venue.cancel(Cancel(4))).outcome == "accepted"
        assert [row["status"] for row in server.orders.values()] == ["replaced", "replaced", "canceled"]

    run(work)


def filling(server: Alpaca, qty: str) -> Callable[[str, str], str]:
    """A fault that is none: so much of the order fills, unheard, while its first amendment is made."""
    left = [True]

    def fault(method: str, path: str) -> str:
        if method == "PATCH" and left:
            left.pop()
            server.fill("TEST4", qty, "99.5", tell=False)
        return ""

    return fault


def test_a_fill_while_it_is_amended_is_not_bought_twice() -> None:
    """Four of ten fill between the request and its execution: the new order must not be for ten again."""

    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(Approved(ENTRY))
        server.fault = filling(server, "4")
        assert (await venue.amend(Amend(4, lots=10, limit=101.0))).outcome == "accepted"
        working = [row for row in server.orders.values() if row["status"] in ("new", "partially_filled")]
        assert [row["qty"] for row in working] == ["6"]

    run(work)


def test_a_refused_amend_leaves_the_order_as_it_is() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        assert (await venue.amend(Amend(4, limit=1.0))).code == "NOT_AMENDABLE"
        await venue.submit(Approved(ENTRY))
        for effect, code in ((Amend(4, lots=-1), "LOTS_INVALID"), (Amend(4, limit=1.0001), "PRICE_TICK")):
            assert ((reply := await venue.amend(effect)).outcome, reply.code) == ("refused", code)
        await venue.cancel(Cancel(4))
        reply = await venue.amend(Amend(4, limit=101.0))
        assert (reply.outcome, reply.code) == ("refused", "42210000")

    run(work)


def test_a_replacement_that_is_rejected_later_leaves_the_old_order_managed() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(Approved(ENTRY))
        await venue.amend(Amend(4, limit=101.0))
        old, fresh = server.orders.values()
        old["status"], old["replaced_by"], fresh["status"] = "new", None, "rejected"
        events.clear()
        server.tell("rejected", fresh)
        await settled(venue)
        assert works(events) == [(4, Work.WORKING)]
        assert (await venue.cancel(Cancel(4))).outcome == "accepted" and old["status"] == "canceled"

    run(work)


# -- fills --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["stream", "walk"])
def test_the_same_fill_by_stream_and_by_rest_is_one(first: str) -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(Approved(ENTRY))
        server.fill("TEST4", "4", "99.5", tell=first == "stream")
        events += await venue.walk()
        row = server.orders[server.names["TEST4"]]
        server.tell("partial_fill", row, price="99.5", qty="4", execution_id="late")
        server.tell("partial_fill", row, price="99.5", qty="4", execution_id="late")
        events += await venue.walk()
        assert fills(events) == [(4, 4, 99.5)]

    run(work)


def test_a_lost_fill_frame_is_found_by_the_walk() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(Approved(ENTRY))
        server.fill("TEST4", "4", "99.5", tell=False)
        server.fill("TEST4", "1", "99.6")
        events += await venue.walk()
        assert sorted(fills(events)) == [(4, 1, 99.6), (4, 4, 99.5)]
        assert len({event.execution for event in events if isinstance(event, Fill)}) == 2
        assert await venue.walk() == []

    run(work)


def test_a_walk_over_many_pages_finds_every_fill() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(Approved(Order(4, 0, BUY, 250)))
        for _ in range(250):
            server.fill("TEST4", "1", "99.5", tell=False)
        found = await venue.walk()
        assert sum(event.lots for event in found) == 250 and found[-1].leaves == 0

    run(work)


def test_a_fill_before_the_reply_to_its_order_is_told() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        server.fault = lambda method, path: "delay_after" if method == "POST" else ""
        sending = asyncio.ensure_future(venue.submit(order(4)))
        while not server.orders:
            await asyncio.sleep(0.005)
        server.fill("TEST4", "1", "99.5")
        assert fills(events) == [(4, 1, 99.5)] and not sending.done()
        assert (await sending).outcome == "accepted"

    run(work)


def test_a_fill_without_its_cumulative_quantity_is_asked_for() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(Approved(ENTRY))
        server.fill("TEST4", "4", "99.5", tell=False)
        row = {key: value for key, value in server.orders[server.names["TEST4"]].items() if key != "filled_qty"}
        server.tell("partial_fill", row, price="99.5", qty="4")
        await settled(venue)
        assert fills(events) == [(4, 4, 99.5)]

    run(work)


def test_an_order_of_another_hand_is_kept_and_not_told() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        for name in ("by-hand", "OTHR4", "TESTil"):
            row = server._new(name, {"symbol": "AAPL", "qty": "5", "side": "buy", "type": "market"}, None)
            server.tell("new", row)
            server.fill(name, "5", "10")
        assert events == [] and await venue.walk() == [] and len(venue.foreign) == 3

    run(work)


def test_legs_are_known_by_their_kind_and_their_fills_are_theirs() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        assert (await venue.submit(Approved(ENTRY, (STOP, TAKE)))).outcome == "accepted"
        _, take, stop = server.orders.values()
        server.fill("TEST4", "10", "100")
        server.tell("new", take)
        server.tell("held", stop)
        server.fill(take["client_order_id"], "10", "110")
        server.tell("canceled", stop)
        assert fills(events) == [(4, 10, 100.0), (6, 10, 110.0)]
        assert works(events) == [(6, Work.WORKING), (5, Work.ACKED), (5, Work.CANCELED)]
        assert [event.side for event in events if isinstance(event, Fill)] == [1, -1]

    run(work)


def test_a_legs_fill_heard_before_the_leg_is_known_is_told_when_it_is() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        server.fault = lambda method, path: "delay_after" if method == "POST" else ""
        sending = asyncio.ensure_future(venue.submit(Approved(ENTRY, (STOP, TAKE))))
        while len(server.orders) < 3:
            await asyncio.sleep(0.005)
        _, take, _ = server.orders.values()
        server.fill("TEST4", "10", "100", tell=False)
        server.fill(take["client_order_id"], "10", "110")
        assert events == [] and list(venue.foreign) == [take["id"]]
        await sending
        assert fills(events) == [(6, 10, 110.0)] and venue.foreign == {}
        assert fills(await venue.walk()) == [(4, 10, 100.0)]

    run(work)


@pytest.mark.parametrize(
    ("event", "work"),
    [
        ("new", Work.WORKING),
        ("accepted", Work.ACKED),
        ("pending_new", Work.ACKED),
        ("pending_cancel", Work.PENDING_CANCEL),
        ("canceled", Work.CANCELED),
        ("expired", Work.EXPIRED),
        ("rejected", Work.REJECTED),
        ("done_for_day", Work.WORKING),
        ("suspended", Work.WORKING),
        ("pending_replace", Work.PENDING_REPLACE),
        ("order_cancel_rejected", Work.WORKING),
        ("order_replace_rejected", Work.WORKING),
        ("stopped", Work.WORKING),
        ("calculated", Work.WORKING),
        ("held", Work.ACKED),
    ],
)
def test_what_alpaca_says_of_an_order(event: str, work: Work) -> None:
    async def walk(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(Approved(ENTRY))
        server.tell(event, server.orders[server.names["TEST4"]])
        assert works(events) == [(4, work)]

    run(walk)


def test_an_event_that_is_not_known_moves_nothing_and_is_kept() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(Approved(ENTRY))
        server.tell("quantum_flip", server.orders[server.names["TEST4"]])
        assert events == [] and venue.odd.kept[-1][0] == "event" and venue.odd.kept[-1][1][0] == "quantum_flip"

    run(work)


# -- start-up -----------------------------------------------------------------------------------------------------------------


def test_after_a_restart_everything_is_known_again_and_told_once() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(Approved(ENTRY, (STOP, TAKE)))
        await venue.submit(Approved(Order(8, 0, BUY, 5, Type.LIMIT, limit=90.0)))
        await venue.amend(Amend(8, limit=91.0))
        server.fill("TEST4", "10", "100", tell=False)
        for _ in range(3):
            again = venue_of(server, [])
            again.adopt([(ENTRY, (STOP, TAKE)), (Order(8, 0, BUY, 5, Type.LIMIT, limit=90.0), ())])
            told = list(await again.snapshot())
            (account,) = [event for event in told if isinstance(event, Account)]
            assert (account.cash, account.buying_power, account.positions) == (100_000_000_000, 200_000_000_000, {0: 10})
            assert fills(told) == [(4, 10, 100.0)]
            assert {event.order for event in told if isinstance(event, OrderUpdate)} >= {8}
            assert (await again.amend(Amend(8, limit=92.0))).outcome == "accepted"  # the number of amendments is known too
            server.fault = lambda method, path: ""
            await again.close()
        assert [row["limit_price"] for row in server.orders.values() if row["client_order_id"].startswith("TEST8")] == [
            "90",
            "91",
            "92",
            "92",
            "92",
        ]

    run(work)


def test_a_snapshot_that_cannot_be_had_is_a_retry() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        server.fault = lambda method, path: "504_before"
        venue.client._chance = lambda: 1.0
        with pytest.raises(Retry, match="VENUE_SILENT"):
            await asyncio.wait_for(_short(venue), 5)

    async def _short(venue: AlpacaVenue) -> None:
        from argosy.venues.alpaca.client import value

        value(await venue.client.account(deadline_s=0.1), "the account")

    run(work)


def test_facts_are_learnt() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        with pytest.raises(Misuse, match="INSTRUMENT_UNKNOWN"):
            venue.facts("AAPL")
        await venue.learn(["AAPL", "IBM"])
        assert (venue.facts("AAPL").lot, venue.facts("IBM").lot, venue.facts("IBM").calendar) == (Decimal("1E-9"), Decimal(1), "XNYS")
        with pytest.raises(Misuse, match="INSTRUMENT_UNKNOWN"):
            await venue.learn(["NONE"])

    run(work)


def test_two_amounts_of_lots_are_dust_and_said_so() -> None:
    async def work(server: Alpaca, venue: AlpacaVenue, events: list[Any]) -> None:
        await venue.submit(Approved(ENTRY))
        server.fill("TEST4", "2.5", "99.5")
        assert fills(events) == [(4, 2, 99.5)] and venue.odd.kept[-1][0] == "dust"
        assert isinstance(TABLE, Instruments) and not [event for event in events if isinstance(event, Reply)]

    run(work)
