"""The venue against the simulated exchange, as a process of its own: orders, streams, amendments, legs, faults; both agree at the end."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from argosy.core.effects import Amend, Cancel
from argosy.core.events import Account, Fill, OrderUpdate, Quote, Reply
from argosy.core.instrument import Instruments
from argosy.core.orders import BUY, SELL, Approved, Order, Tif, Type, Work
from argosy.net.secret import Secret
from argosy.venues.alpaca.account import AccountStream
from argosy.venues.alpaca.broker import AlpacaVenue
from argosy.venues.alpaca.client import Client, connect, headers, value
from argosy.venues.alpaca.feed import Feed
from argosy.venues.alpaca.history import History
from argosy.venues.alpaca.modes import Place, place
from argosy.venues.alpaca.resolve import Patience

KEY, SECRET = Secret("PKTESTKEY0123456789"), Secret("verysecretvalue0123456789")


class House:
    """The exchange's process."""

    def __init__(self) -> None:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        flags = ["--port", str(self.port), "--key", KEY.reveal(), "--secret", SECRET.reveal(), "--symbols", "AAPL,MSFT", "--feed", "live"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "argosy.cli", "exchange", *flags, "--control", "--rate-limit", "100000"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 30
        while True:
            try:
                self.ctl("clock", is_open=True)
                return
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    self.close()
                    raise
                time.sleep(0.1)

    def ctl(self, verb: str, **body: Any) -> Any:
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/_ctl/{verb}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(asked, timeout=5) as reply:  # noqa: S310
            return json.loads(reply.read() or b"null")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    one = House()
    yield one
    one.close()


class Desk:
    """A venue with both its streams."""

    def __init__(self, house: House, table: Instruments, name: str) -> None:
        self.where: Place = place("sim", base=f"http://127.0.0.1:{house.port}")
        self.events: list[Any] = []
        patience = Patience(lookups=3, over_s=1.0, first_s=0.05, resends=20, fresh_s=30.0, order_s=0.6, read_s=3.0)
        client = connect(self.where, KEY, SECRET, per_minute=100_000)
        client.calls.breaker = None  # the faults below are many, and meant
        self.venue = AlpacaVenue(client, table, name, patience=patience, listener=self.events.append)
        self.account = AccountStream(KEY, SECRET, self.venue.told, lambda up, why: None).stream(self.where)
        self.quotes: list[Any] = []
        self.feed = Feed(KEY, SECRET, table, {"quotes": ["AAPL"]}, self.quotes.append).stream(self.where, self.where.feed("iex"))

    async def __aenter__(self) -> Desk:
        self.account.start()
        self.feed.start()
        await asyncio.wait_for(asyncio.gather(self.account.ready.wait(), self.feed.ready.wait()), 10)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.account.close()
        await self.feed.close()
        await self.venue.close()

    async def until(self, ready: Any, seconds: float = 8.0) -> None:
        async with asyncio.timeout(seconds):
            while not ready():
                await asyncio.sleep(0.005)

    def filled(self, order: int) -> int:
        return sum(event.lots for event in self.events if isinstance(event, Fill) and event.order == order)

    def last(self, order: int) -> Work | None:
        told = [event.work for event in self.events if isinstance(event, OrderUpdate) and event.order == order]
        return told[-1] if told else None


async def learnt(house: House) -> Instruments:
    client = connect(place("sim", base=f"http://127.0.0.1:{house.port}"), KEY, SECRET)
    venue = AlpacaVenue(client, Instruments(), "FACT")
    rows = await venue.learn(["AAPL", "MSFT"])
    await venue.close()
    return Instruments(rows)


def test_a_day_at_the_exchange(house: House) -> None:
    async def walk() -> None:
        table = await learnt(house)
        share = table["AAPL"].lots(1)
        async with Desk(house, table, "DAYS") as desk:
            venue = desk.venue
            await desk.until(lambda: desk.quotes)
            quote = next(event for event in desk.quotes if isinstance(event, Quote))
            low, high = round(quote.bid * 0.9, 2), round(quote.ask * 1.1, 2)
            # at the market
            assert (await venue.submit(Approved(Order(4, 0, BUY, 10 * share)))).outcome == "accepted"
            await desk.until(lambda: desk.filled(4) == 10 * share)
            # rests, is changed, is taken back
            assert (await venue.submit(Approved(Order(8, 0, BUY, 5 * share, Type.LIMIT, limit=low)))).outcome == "accepted"
            await desk.until(lambda: desk.last(8) is Work.WORKING)
            reply = await venue.amend(Amend(8, lots=7 * share, limit=round(low - 1, 2)))
            assert reply.outcome == "accepted", reply
            shown = value(await venue.client.order(venue.ledger.placed[8].id), "it")
            assert (shown.qty, shown.limit_price) == (Decimal(7), Decimal(str(round(low - 1, 2))))
            assert (await venue.cancel(Cancel(8))).outcome == "accepted"
            await desk.until(lambda: desk.last(8) is Work.CANCELED)
            assert (await venue.cancel(Cancel(8))).code == "NOT_CANCELABLE"
            # a bracket: the entry fills, both legs live; one is taken back and the other goes with it
            history = History(Client(connect(desk.where, KEY, SECRET).calls))
            latest = value(await history.latest("quotes", ["MSFT", "NONE"]), "quotes")
            assert set(latest) == {"MSFT"}
            await history._client.close()
            ask = latest["MSFT"]["ap"]
            two = table["MSFT"].lots(2)
            stop = Order(13, 1, SELL, two, Type.STOP, stop=round(ask * 0.8, 2), tif=Tif.GTC, parent=12, group=12)
            take = Order(14, 1, SELL, two, Type.LIMIT, limit=round(ask * 1.3, 2), tif=Tif.GTC, parent=12, group=12)
            entry = Order(12, 1, BUY, two, Type.LIMIT, limit=round(ask * 1.02, 2), tif=Tif.GTC)
            reply = await venue.submit(Approved(entry, (stop, take)))
            assert reply.outcome == "accepted", reply
            await desk.until(lambda: desk.filled(12) == two)
            await desk.until(lambda: desk.last(14) is Work.WORKING)
            assert (await venue.cancel(Cancel(14))).outcome == "accepted"
            await desk.until(lambda: desk.last(14) is Work.CANCELED and desk.last(13) is Work.CANCELED)
            # refused
            assert (await venue.submit(Approved(Order(16, 0, BUY, 10**6 * share, Type.LIMIT, limit=high)))).code == "40310000"
            events = await venue.snapshot()
            (account,) = [event for event in events if isinstance(event, Account)]
            told = sum(event.side * event.lots for event in desk.events if isinstance(event, Fill) and event.instrument == 0)
            assert account.positions[0] == told == 10 * share
            assert not [event for event in events if isinstance(event, Fill) and event.order == 4]  # told by the stream already
            assert not [kind for kind, _ in venue.odd.kept if kind in ("torn", "event", "fill", "dust")], venue.odd.kept

    asyncio.run(walk())


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("FLT1", {"status": 504, "apply": True}),
        ("FLT2", {"status": 504, "apply": False}),
        ("FLT3", {"drop": True, "apply": True}),
        ("FLT4", {"drop": True, "apply": False}),
        ("FLT5", {"delay": 0.9, "apply": True}),
    ],
)
def test_orders_struck_by_a_fault_exist_once(house: House, name: str, fault: dict[str, Any]) -> None:

    async def walk() -> None:
        table = await learnt(house)
        async with Desk(house, table, name) as desk:
            for number in range(4, 24, 4):
                house.ctl("fault", method="POST", path="/v2/orders", times=1, **fault)
                order = Order(number, 0, BUY, table["AAPL"].lots(1), Type.LIMIT, limit=5.0)
                await desk.venue.submit(Approved(order))
                await desk.until(lambda: not desk.venue.unsettled)
            await asyncio.sleep(0.5)
            orders = value(await desk.venue.client.orders("all"), "all orders")
            ours = sorted(row.client_order_id for row in orders if row.client_order_id.startswith(name))
            assert ours == sorted(f"{name}{digit}" for digit in "48CGM")
            assert not [event for event in desk.events if isinstance(event, Reply) and event.outcome != "accepted"]
            value(await desk.venue.client.cancel_all(), "the end of all")

    asyncio.run(walk())


def test_headers_are_secrets() -> None:
    assert SECRET.reveal() not in repr(headers(KEY, SECRET))
