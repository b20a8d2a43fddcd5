"""Ten thousand orders of which nobody knows at first what became of them: how many are at the exchange exactly once. It must be all.

The exchange is a process of its own. Every sending, the repeated ones too, is struck by chance before or after it is done: the
connection is cut, a 504 is answered, the answer is torn, or it comes when nobody waits for it any more; one question in five is
struck as well. The count is the exchange's: its orders by client id, its executions and its position.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, NamedTuple

from argosy.core.events import Event, Fill, Reply
from argosy.core.ids import client_order_id
from argosy.core.instrument import Instrument, Instruments
from argosy.core.orders import BUY, Approved, Order
from argosy.net.guard import Hosts
from argosy.net.http import Rest
from argosy.net.secret import Secret
from argosy.venues.alpaca.account import AccountStream
from argosy.venues.alpaca.broker import AlpacaVenue
from argosy.venues.alpaca.client import Client, headers
from argosy.venues.alpaca.modes import place
from argosy.venues.alpaca.resolve import Patience
from bench.figure import Figure, figure

if TYPE_CHECKING:
    from aiohttp import web

    from argosy.exchange.server import Server

KEY, SECRET, DESK = "PKAMBIG0", "ambiguous0secret", "AMBI"
WAYS = ("cut", "504", "torn", "late")
STRUCK = 0.85
"""Share of the sendings that are struck."""
ASKED = 0.2
LATE_S = 0.8
PATIENCE = Patience(lookups=3, over_s=0.6, first_s=0.02, resends=20, fresh_s=600.0, order_s=0.5, read_s=5.0)
LINES = 64
PATIENCE_END_S = 60.0
"""How long it is waited for the last word after the last order was sent; what is not known then is counted as it is."""


class Count(NamedTuple):
    """What the exchange has at the end.

    orders: how many it has by client id; executions: of those; held: shares; struck: by way, "before" or "after"; sendings: POSTs heard
    """

    orders: dict[str, int]
    executions: int
    held: int
    struck: dict[str, int]
    sendings: int


class Outcome(NamedTuple):
    """One drill. once: orders at the exchange exactly once, with one execution that was told once; wrong: what was not as it must be."""

    sent: int
    once: int
    ambiguous: int
    seconds: float
    there: Count
    wrong: str


def _stormy(seed: int) -> tuple[Server, Counter[str]]:
    """The exchange, with what strikes its answers, and how often it did."""
    from aiohttp import web

    from argosy.exchange.open import Wanted, build
    from argosy.exchange.server import Server

    chance = random.Random(seed)
    struck: Counter[str] = Counter()

    class Stormy(Server):
        """An exchange whose line is bad."""

        async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
            path, method = request.path, request.method
            sending = (method, path) == ("POST", "/v2/orders")
            struck["sendings"] += sending
            if chance.random() >= (STRUCK if sending else ASKED if path == "/v2/orders:by_client_order_id" else 0.0):
                return await super()._handle(request)
            way = chance.choice(WAYS)
            before = chance.random() < 0.5 and way != "torn"  # what is torn has been done
            struck[f"{way} {'before' if before else 'after'}"] += sending
            if before and way == "late":
                await request.read()
                await asyncio.sleep(LATE_S)
                return await super()._handle(request)
            if before:
                return _broken(request, way)
            answer = await super()._handle(request)
            if way == "late":
                await asyncio.sleep(LATE_S)
                return answer
            if way == "torn" and isinstance(answer, web.Response) and isinstance(answer.body, bytes):
                return web.Response(status=answer.status, body=answer.body[:-7], content_type="application/json")
            return _broken(request, way)

    made = build(Wanted(keys=((KEY, SECRET),), symbols=["AAPL"], seed=seed, cash=100_000_000))
    return Stormy(made.exchange, made.feed, host=made.host), struck


def _broken(request: web.BaseRequest, way: str) -> web.StreamResponse:
    from aiohttp import web

    if way == "cut" and request.transport is not None:
        request.transport.abort()
    return web.json_response({"code": 50010000, "message": "gateway timeout"}, status=504)


def _serve(pipe: Connection, seed: int) -> None:
    async def main() -> None:
        server, struck = _stormy(seed)
        await server.start()
        pipe.send(server.url)
        while not pipe.poll():
            await asyncio.sleep(0.02)
        pipe.recv()
        await asyncio.sleep(2 * LATE_S)  # what was struck late may only now be done
        exchange = server.exchange
        exchange.audit()
        (account,) = exchange.accounts.values()
        names = Counter(ticket.client for ticket in account.tickets.values())
        executions = sum(1 for row in account.activities if row.kind == "FILL")
        sendings = struck.pop("sendings")
        pipe.send(Count(dict(names), executions, account.lots(0) // 10**9, dict(struck), sendings))
        await server.stop()

    asyncio.run(main())


async def _send(url: str, count: int) -> tuple[list[Reply], list[Event], list[str]]:
    """(first replies, all that became known by itself, what was not understood) of `count` market orders for one share each."""
    key, secret = Secret(KEY), Secret(SECRET)
    where = place("sim", base=url)
    events: list[Event] = []
    client = Client(Rest(url, Hosts(loopback=True), headers=headers(key, secret), connections=2 * LINES))
    venue = AlpacaVenue(client, Instruments([Instrument(symbol="AAPL")]), DESK, patience=PATIENCE, listener=events.append)
    stream = AccountStream(key, secret, venue.told, lambda up, why: None).stream(where)
    stream.start()
    gate = asyncio.Semaphore(LINES)

    async def one(number: int) -> Reply:
        async with gate:
            while True:
                reply = await venue.submit(Approved(Order(number, 0, BUY, 1)))
                if reply.code != "NOT_SENT":  # a definite no for want of a connection in time: it may be said again
                    return reply

    try:
        await stream.ready.wait()
        replies = await asyncio.gather(*(one(number) for number in range(1, count + 1)))
        end = time.monotonic() + PATIENCE_END_S
        while (venue.unsettled or len({event.order for event in events if isinstance(event, Fill)}) < count) and time.monotonic() < end:
            await asyncio.sleep(0.1)
    finally:
        await stream.close()
        await venue.close()
    return replies, events, [kind for kind, _ in venue.odd.kept]


def drill(count: int, seed: int = 7) -> Outcome:
    """Send `count` orders through the storm and count what came of them."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, seed), daemon=True)
    process.start()
    try:
        if not ours.poll(60):
            raise TimeoutError("the exchange did not start")
        url = ours.recv()
        begun = time.perf_counter()
        replies, events, odd = asyncio.run(asyncio.wait_for(_send(url, count), 60 + count / 10))
        seconds = time.perf_counter() - begun
        ours.send(None)
        there: Count = ours.recv()
    finally:
        process.kill()
        process.join()
    return _judged(count, seconds, replies, events, odd, there)


def _judged(count: int, seconds: float, replies: list[Reply], events: list[Event], odd: list[str], there: Count) -> Outcome:
    yes = Counter(event.order for event in [*replies, *events] if isinstance(event, Reply) and event.outcome == "accepted")
    no = [event for event in [*replies, *events] if isinstance(event, Reply) and event.outcome == "refused"]
    fills = Counter(event.order for event in events if isinstance(event, Fill))
    names = {number: client_order_id(DESK, number) for number in range(1, count + 1)}
    once = sum(1 for number, name in names.items() if there.orders.get(name) == yes[number] == fills[number] == 1)
    ambiguous = sum(1 for reply in replies if reply.outcome == "ambiguous")
    wrong = [
        text
        for text, bad in (
            (f"{len(set(there.orders) - set(names.values()))} orders that nobody sent", set(there.orders) != set(names.values())),
            (f"{max(there.orders.values(), default=0)} orders of one id", any(n > 1 for n in there.orders.values())),
            (f"{there.executions} executions, {there.held} shares", not there.executions == there.held == count),
            (f"refused: {no[:3]}", bool(no)),
            (f"not understood: {sorted(set(odd))}", bool(odd)),
            (f"only {ambiguous} were ambiguous: no storm", ambiguous < count // 2),
        )
        if bad
    ]
    return Outcome(count, once, ambiguous, seconds, there, "; ".join(wrong))


def figures(quick: bool) -> Iterator[Figure]:
    """The share of the orders that are at the exchange exactly once."""
    done = drill(300 if quick else 10_000)
    ways = ", ".join(f"{way} {n:,}" for way, n in sorted(done.there.struck.items()))
    note = (
        f"{done.once:,} of {done.sent:,} exactly once at the exchange, each executed and told once; {done.ambiguous:,} ambiguous at first, "
        f"{done.there.sendings:,} sendings struck by {ways}; {done.seconds:.0f} s"
    )
    yield figure("ambiguous.once", 100.0 * done.once / done.sent, wrong=done.wrong, note=note)
