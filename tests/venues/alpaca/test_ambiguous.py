"""Orders of which nobody knows what became of them: each exists exactly once at the end, and the venue says so and nothing else."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter

import pytest

from argosy.core.effects import Cancel
from argosy.core.events import Fill, Reply
from argosy.core.ids import client_order_id
from argosy.core.instrument import Instrument, Instruments
from argosy.core.orders import BUY, Approved, Order, Type
from argosy.net.guard import Hosts
from argosy.net.http import Rest
from argosy.net.secret import Secret
from argosy.venues.alpaca.answer import Accepted, Ambiguous
from argosy.venues.alpaca.broker import AlpacaVenue
from argosy.venues.alpaca.client import Client, headers
from argosy.venues.alpaca.resolve import Patience
from tests.net.wild import Raw, answer
from tests.venues.alpaca.server import FAULTS, KEY, SECRET, Alpaca

QUICK = Patience(lookups=3, over_s=0.6, first_s=0.02, resends=20, fresh_s=60.0, order_s=0.6, read_s=2.0)
TABLE = Instruments([Instrument(symbol="AAPL"), Instrument(symbol="POOR")])


def venue_of(server: Alpaca, events: list[object], patience: Patience = QUICK, **named: object) -> AlpacaVenue:
    client = Client(Rest(server.url, Hosts(loopback=True), headers=headers(Secret(KEY), Secret(SECRET)), connections=128, **named))
    return AlpacaVenue(client, TABLE, "TEST", patience=patience, listener=events.append)


def order(number: int, instrument: int = 0) -> Approved:
    return Approved(Order(number, instrument, BUY, 1, Type.LIMIT, limit=100.0))


async def settled(venue: AlpacaVenue, seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while venue.unsettled:
            await asyncio.sleep(0.005)


async def many(count: int, seed: int) -> None:
    """`count` orders; every sending, the repeated ones too, is struck by a random fault, and one question in five."""
    chance = random.Random(seed)
    events: list[object] = []
    async with Alpaca() as server:
        server.delay_s = 0.8

        def fault(method: str, path: str) -> str:
            if method == "POST":
                return chance.choice(FAULTS) if chance.random() < 0.85 else ""
            return chance.choice(("drop_before", "504_before", "drop_after")) if chance.random() < 0.2 else ""

        server.fault = fault
        venue = venue_of(server, events)
        gate = asyncio.Semaphore(96)

        async def one(number: int) -> Reply:
            async with gate:
                reply = await venue.submit(order(number))
                while (
                    reply.code == "NOT_SENT"
                ):  # this machine was too busy to open a connection in time: a definite no, so it may be said again
                    reply = await venue.submit(order(number))
                return reply

        replies = await asyncio.gather(*(one(4 * k) for k in range(1, count + 1)))
        await settled(venue, 60 + count / 50)
        await asyncio.sleep(2 * server.delay_s)
        names = Counter(row["client_order_id"] for row in server.orders.values())
        gone = [r for r in [*replies, *events] if isinstance(r, Reply) and client_order_id("TEST", r.order) not in names]
        assert gone == []
        assert set(names.values()) == {1}
        assert set(names) == {client_order_id("TEST", 4 * k) for k in range(1, count + 1)}
        first = Counter(reply.outcome for reply in replies)
        assert first["refused"] == 0 and first["ambiguous"] > count / 2
        ended = Counter(reply.order for reply in [*replies, *(e for e in events if isinstance(e, Reply))] if reply.outcome == "accepted")
        assert len(ended) == count and set(ended.values()) == {1}
        await venue.close()


def test_ambiguous_submits_are_one_order_each() -> None:
    """By a small law of orders here; `tests/exchange/test_own_client_ambiguous.py` counts at the exchange itself."""
    asyncio.run(many(2_000 if os.environ.get("ARGOSY_DRILL") else 300, seed=7))


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_alone(fault: str) -> None:
    async def walk() -> None:
        events: list[object] = []
        async with Alpaca() as server:
            left = [fault]
            server.delay_s = 0.8
            server.fault = lambda method, path: left.pop() if method == "POST" and left else ""
            venue = venue_of(server, events)
            reply = await venue.submit(order(4))
            assert reply.outcome == "ambiguous" and reply.code
            await settled(venue)
            (said,) = [event for event in events if isinstance(event, Reply)]
            assert (said.order, said.verb, said.outcome) == (4, "submit", "accepted")
            await asyncio.sleep(0.3)
            sent = sum(1 for method, _, _ in server.seen if method == "POST")
            assert len(server.orders) == 1 and sent == (2 if fault.endswith("before") else 1)
            await venue.close()

    asyncio.run(walk())


def test_what_was_not_sent_is_sent_again_and_is_no_ambiguity() -> None:
    async def walk() -> None:
        events: list[object] = []
        server = Alpaca()
        async with server:
            pass  # now nobody listens at its port, which is kept
        venue = venue_of(server, events, Patience(order_s=5.0))
        sending = asyncio.ensure_future(venue.submit(order(4)))
        await asyncio.sleep(0.2)
        async with server:
            assert (await sending).outcome == "accepted" and server.posts["TEST4"] == 1
            await venue.close()

    asyncio.run(walk())


def test_what_could_not_be_sent_until_the_deadline_is_a_definite_no() -> None:
    async def walk() -> None:
        server = Alpaca()
        async with server:
            pass
        venue = venue_of(server, [], Patience(order_s=0.3))
        reply = await venue.submit(order(4))
        assert (reply.outcome, reply.code) == ("refused", "NOT_SENT") and venue.unsettled == 0
        await venue.close()

    asyncio.run(walk())


def test_an_order_that_is_never_shown_ends_refused_only_after_the_patience() -> None:
    async def walk() -> None:
        events: list[object] = []
        async with Alpaca() as server:
            server.fault = lambda method, path: "504_before" if method == "POST" else ""
            venue = venue_of(server, events, Patience(lookups=3, over_s=0.6, first_s=0.02, resends=1, order_s=0.2, read_s=2.0))
            await venue.submit(order(4))
            await asyncio.sleep(0.4)
            assert events == []  # not yet believed
            await settled(venue)
            (said,) = events
            assert (said.outcome, said.code) == ("refused", "NOT_FOUND")
            assert server.posts["TEST4"] == 0 and sum(1 for m, _, _ in server.seen if m == "POST") == 2
            await venue.close()

    asyncio.run(walk())


def test_silence_is_never_a_no() -> None:
    """While Alpaca cannot be asked, nothing is concluded; when it can, the order is found, with its fill."""

    async def walk() -> None:
        events: list[object] = []
        async with Alpaca() as server:
            dark = [True]
            server.fault = lambda method, path: "504_after" if method == "POST" else "504_before" if dark[0] else ""
            venue = venue_of(server, events, Patience(lookups=2, over_s=0.1, first_s=0.02, fresh_s=60.0, order_s=0.2, read_s=0.1))
            assert (await venue.submit(order(4))).outcome == "ambiguous"
            server.fill("TEST4", "1", "99.5")
            await asyncio.sleep(1.0)
            assert events == [] and venue.unsettled == 1
            dark[0] = False
            await settled(venue)
            assert [event.outcome for event in events if isinstance(event, Reply)] == ["accepted"]
            assert [(event.lots, event.price) for event in events if isinstance(event, Fill)] == [(1, 99.5)]
            await venue.close()

    asyncio.run(walk())


def test_a_refusal_of_the_second_sending_says_nothing_of_the_first() -> None:
    """The first one arrives late, and takes the buying power that the second one then lacks: the order is there, and said so."""

    async def walk() -> None:
        events: list[object] = []
        async with Alpaca() as server:
            sends = [0]
            act = server._act

            def late(request: object, body: dict[str, object]) -> tuple[int, object]:
                if request.method == "POST" and sends[0] == 2:
                    sends[0] += 1
                    return 403, {"code": 40310000, "message": "insufficient buying power"}
                return act(request, body)

            def fault(method: str, path: str) -> str:
                if method == "POST":
                    sends[0] += 1
                return "delay_before" if method == "POST" and sends[0] == 1 else ""

            server._act, server.fault, server.delay_s = late, fault, 0.5
            venue = venue_of(server, events, Patience(lookups=3, over_s=1.0, first_s=0.02, order_s=0.2, read_s=1.0))
            assert (await venue.submit(order(4))).outcome == "ambiguous"
            await settled(venue)
            assert [event.outcome for event in events if isinstance(event, Reply)] == ["accepted"] and len(server.orders) == 1
            await venue.close()

    asyncio.run(walk())


def test_an_order_that_is_no_longer_wanted_is_not_sent_again() -> None:
    async def walk() -> None:
        events: list[object] = []
        async with Alpaca() as server:
            server.fault = lambda method, path: "504_before" if method == "POST" else ""
            venue = venue_of(server, events, Patience(lookups=3, over_s=0.3, first_s=0.1, fresh_s=60.0, order_s=0.2, read_s=1.0))
            await venue.submit(order(4))
            assert (await venue.cancel(Cancel(4))).outcome == "ambiguous"
            await settled(venue)
            assert sum(1 for method, _, _ in server.seen if method == "POST") == 1 and server.orders == {}
            await venue.close()

    asyncio.run(walk())


def test_an_old_decision_is_not_sent_again() -> None:
    async def walk() -> None:
        async with Alpaca() as server:
            server.fault = lambda method, path: "504_before" if method == "POST" else ""
            venue = venue_of(server, [], Patience(lookups=2, over_s=0.2, first_s=0.05, fresh_s=0.0, order_s=0.2, read_s=1.0))
            await venue.submit(order(4))
            await settled(venue)
            assert sum(1 for method, _, _ in server.seen if method == "POST") == 1
            await venue.close()

    asyncio.run(walk())


def test_a_429_is_no_ambiguity_and_the_same_id_goes_again() -> None:
    async def walk() -> None:
        async with Alpaca() as server:
            left = ["429", "429"]
            server.fault = lambda method, path: left.pop() if left else ""
            venue = venue_of(server, [], Patience(order_s=3.0))
            reply = await venue.submit(order(4))
            assert reply.outcome == "accepted" and len(server.orders) == 1
            await venue.close()

    asyncio.run(walk())


def test_a_submit_twice_is_one_order() -> None:
    async def walk() -> None:
        async with Alpaca() as server:
            venue = venue_of(server, [])
            assert [(await venue.submit(order(4))).outcome for _ in range(3)] == ["accepted"] * 3
            assert len(server.orders) == 1
            await venue.close()

    asyncio.run(walk())


def test_a_reply_too_many_is_never_taken_for_the_answer_about_another_order() -> None:
    """Something on the way answers once more than it was asked, late enough to meet the next request: what it says is of another order."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0))
            await asyncio.sleep(0.01)
            writer.write(answer(b'{"id":"one","client_order_id":"ARGO4","replaces":"zero","status":"new"}'))

    async def life() -> None:
        async with Raw(talk) as server:
            client = Client(Rest(server.url, Hosts(loopback=True)))
            other = Ambiguous("OTHER_REPLY")
            assert isinstance(await client.submit(b'{"client_order_id":"ARGO4"}', "ARGO4"), Accepted)
            assert await client.submit(b'{"client_order_id":"ARGO8"}', "ARGO8") == other
            assert isinstance(await client.order("one"), Accepted) and await client.order("two") == other
            assert isinstance(await client.by_client_id("ARGO4"), Accepted) and await client.by_client_id("ARGO8") == other
            assert isinstance(await client.replace("zero", b"{}"), Accepted) and await client.replace("two", b"{}") == other
            await client.close()

    asyncio.run(life())
