"""Orders at the market said to a broker as limits at their collar: the price by hand, what the exchange was sent, an exit that follows."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from argosy.core.effects import Cancel, Note
from argosy.core.events import Band, Quote, Reply, Session
from argosy.core.intents import Protection, Target
from argosy.core.orders import BUY, SELL, Approved, Order, Tif, Type, Work
from argosy.core.time import SECOND
from argosy.desk.collared import Collared, collared
from argosy.engine.rules.profiles import PROFILES
from argosy.settings import DeskSettings
from tests.desk.berth import Berth, berth, says, wants
from tests.desk.harbour import Harbour
from tests.desk.test_day import records
from tests.walks.hand import Stage

NAN = float("nan")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARGOSY_HOME", str(tmp_path))
    return tmp_path


class Nowhere:
    """A venue that takes nothing: only its wiring is looked at."""

    prompt = True
    extended: Any = None


def stage(bid: float = 100.0, ask: float = 100.02, band: tuple[float, float] | None = None, open_: bool = True) -> Stage:
    one = Stage({"a": {}})
    one.engine.step(Session(0, 0, "24/7", open_, 1, 10))
    one.engine.step(Quote(1, 1, 0, bid, ask, 1.0, 1.0))
    if band is not None:
        one.engine.step(Band(2, 2, 0, *band))
    return one


@pytest.mark.parametrize(
    ("side", "pct", "band", "price"),
    [
        (BUY, 3.0, None, 103.01),  # 100.01 * 1.03 = 103.0103: down to the grid, inside
        (SELL, 3.0, None, 97.01),  # 97.0097: up
        (BUY, 3.0, (95.0, 102.0), 102.0),  # the day's band is nearer
        (SELL, 3.0, (98.5, 102.0), 98.5),
        (BUY, 1.0, (95.0, 110.0), 101.01),
        (BUY, 3.0, (NAN, NAN), 103.01),
        (SELL, 3.0, (100.5, 110.0), 97.01),  # the market has left the band: a limit there would rest for ever
        (BUY, 3.0, (90.0, 99.5), 103.01),
    ],
)
def test_the_worst_price_is_the_collar_or_the_band_whichever_is_nearer_and_on_the_grid(
    side: int, pct: float, band: tuple[float, float] | None, price: float
) -> None:
    one = stage(band=band)
    assert Collared(Nowhere(), one.engine, pct, lambda: 0).price(Order(4, 0, side, 5)) == pytest.approx(price, abs=1e-9)


def test_it_stays_at_the_market_without_a_price_in_an_auction_and_while_the_market_is_closed() -> None:
    def price(one: Stage, order: Order, **more: bool) -> float | None:
        return Collared(Nowhere(), one.engine, 3.0, lambda: 0, **more).price(order)

    bare = Stage({"a": {}})
    plain = Order(4, 0, BUY, 5)
    assert price(bare, plain) is None
    assert price(stage(), Order(4, 0, BUY, 5, tif=Tif.OPG)) is None and price(stage(), Order(4, 0, BUY, 5, tif=Tif.CLS)) is None
    closed = stage(open_=False)
    assert price(closed, plain) is None
    assert price(closed, plain, extended=True) == pytest.approx(103.01)
    assert price(closed, Order(4, 0, BUY, 5, tif=Tif.IOC), extended=True) is None
    assert price(stage(), plain, regular=False, extended=True) is None  # in regular hours it goes out as it is
    one = Collared(Nowhere(), closed.engine, 3.0, lambda: 0, extended=True)
    assert one.extended(plain) and one.extended(Order(4, 0, BUY, 5, Type.LIMIT, 99.0)) and not one.extended(Order(4, 0, SELL, 5, Type.STOP, stop=9.0))
    assert not Collared(Nowhere(), stage().engine, 3.0, lambda: 0, extended=True).extended(plain)
    venue = Nowhere()  # where nobody knows a price yet it is said at the market, which no broker takes outside of regular hours
    Collared(venue, closed.engine, 3.0, lambda: 0, extended=True)
    assert not venue.extended(plain) and venue.extended(Order(4, 0, BUY, 5, Type.LIMIT, 99.0))


class Takes(Nowhere):
    """A venue that takes all and fills nothing."""

    async def submit(self, approved: Any, said: Any = None) -> Reply:
        return Reply(0, 0, approved.order.id, "submit", "accepted")


def test_an_exit_that_finds_nobody_is_told_once_after_half_a_minute_also_when_it_was_sent_anew() -> None:
    """Ten held; each exit rests at its collar. Its number changes after 20 s; at 30 s it is told, and not again while it rests."""
    one = Stage({"a": {0: Target(0, lots=10), 1: Target(0, lots=0), 3: Target(0, lots=0)}})
    one.tell(Session, "24/7", True, 0, 1 << 60)
    (entry,) = one.accept(one.bar(100.0))
    one.fill(entry.id, 10, 100.0, "x-1")
    seconds = [0]
    way = Collared(Takes(), one.engine, 3.0, lambda: seconds[0] * SECOND)
    for number in (entry.id, *(order.id for order in one.accept(one.bar(100.0)))):
        ticket = one.state.blotter.tickets.get(number)
        if ticket is not None and ticket.order.reduce_only:
            asyncio.run(way.submit(Approved(ticket.order)))
    first = next(iter(one.state.blotter.open[0].values())).order
    told: list[tuple[int, int]] = []
    for second in range(60):
        seconds[0] = second
        if second == 20:
            one.engine.do(Cancel(first.id))
            one.engine.decide()
            one.accept(one.update(first.id, Work.CANCELED))
            (again,) = (ticket.order for ticket in one.state.blotter.open[0].values())
            asyncio.run(way.submit(Approved(again)))
        told += [(second, order.id) for order in way.rests()]
    assert again.id != first.id and told == [(30, again.id)]
    one.update(again.id, Work.CANCELED)
    seconds[0] = 70
    assert way.rests() == []


@pytest.mark.parametrize(
    ("mode", "said", "extended", "limits", "stands"),
    [
        ("paper", "auto", False, {}, True), ("live", "auto", False, {}, True), ("sim", "auto", False, {}, False), ("sim", "limit", False, {}, True),
        ("live", "market", False, {}, False), ("live", "market", True, {}, True), ("live", "auto", False, {"collar": {"max_pct": None}}, False),
    ],
)  # fmt: skip
def test_by_default_with_a_broker_s_money_and_not_on_our_exchange(mode: Any, said: Any, extended: bool, limits: Any, stands: bool) -> None:
    settings = DeskSettings(mode=mode, market_orders=said, extended_hours=extended)
    found = collared(Nowhere(), stage().engine, settings, limits, lambda: 0)
    assert (found is not None) is stands
    if found is not None:
        assert found.prompt and (found.price(Order(4, 0, BUY, 5)) is None) is (said == "market")
    assert PROFILES["desk"]["collar"]["max_pct"] == 3.0


def orders(harbour: Harbour) -> list[tuple[str, str, str | None, bool]]:
    rows = harbour.rest("GET", "/v2/orders?status=all&nested=false&direction=asc")
    return [(row["side"], row["type"], row["limit_price"], row["extended_hours"]) for row in rows]


def test_what_the_exchange_is_sent_is_a_limit_and_what_the_journal_has_is_the_market_with_a_note(harbour: Harbour, home: Path) -> None:
    async def life() -> None:
        async with berth(harbour, {"one": wants(5)}, market_orders="limit", limits={"collar": {"max_pct": 2.0}}) as desk:
            await desk.until(lambda: desk.lots() == 5)
            assert orders(harbour) == [("buy", "limit", "102.01", False)]  # 100.01 * 1.02 = 102.0102
            assert await desk.stop() == 0

    asyncio.run(life())
    notes = [row.text for row in records(home) if type(row) is Note]
    assert len(notes) == 1 and notes[0].endswith("at the market goes out as a limit at 102.01, 2 % from 100.01 or the day's band")


def test_an_exit_that_the_market_left_behind_follows_it(harbour: Harbour, home: Path) -> None:
    """Out at 100 with a collar of 1 %: 99.01. The exchange holds back what comes, the market falls to 90: the limit goes to 89.11, and it fills."""
    out = [False]

    async def life() -> None:
        both = says(lambda quote, book, calls: Target(0, lots=0 if out[0] else 5, why="told") if quote.instrument == 0 else None)
        async with berth(harbour, {"one": both}, market_orders="limit", limits={"collar": {"max_pct": 1.0}}) as desk:
            await desk.until(lambda: desk.lots() == 5)
            harbour.quote(90.0, 110.0)  # wide: its middle is 100
            await desk.until(lambda: desk.state.quotes[0] == (90.0, 110.0))
            out[0] = True
            harbour.quote(90.0, 110.0)
            await desk.until(lambda: [row[1:3] for row in orders(harbour)][-1] == ("limit", "99"))
            assert desk.lots() == 5
            harbour.quote(90.0, 90.02)
            await desk.until(lambda: desk.lots() == 0, 8.0)
            assert harbour.held() == 0
            assert [row[1:3] for row in orders(harbour)][-1] == ("limit", "89.11")  # 90.01 * 0.99 = 89.1099, up
            desk.equal()
            assert await desk.stop() == 0

    asyncio.run(life())


def leaves(out: list[bool]) -> type:
    return says(lambda quote, book, calls: Target(0, lots=0 if out[0] else 5, why="told") if quote.instrument == 0 else None)


async def resting(desk: Berth, harbour: Harbour, out: list[bool]) -> None:
    """Out of 5 in a wide market: the limit stands at 99, and nobody takes it."""
    await desk.until(lambda: desk.lots() == 5)
    harbour.quote(90.0, 110.0)
    await desk.until(lambda: desk.state.quotes[0] == (90.0, 110.0))
    out[0] = True
    harbour.quote(90.0, 110.0)
    await desk.until(lambda: states(harbour) == [("101.01", "filled"), ("99", "new")])


def states(harbour: Harbour) -> list[tuple[str | None, str]]:
    return [(row["limit_price"], row["status"]) for row in harbour.rest("GET", "/v2/orders?status=all&nested=false&direction=asc")]


def test_an_exit_follows_once_for_each_move_and_what_else_is_looked_after_does_not_wait_for_it(
    harbour: Harbour, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes where its collar is and stays: nobody takes it back. The broker takes long for it, and the desk looks after its level all the while."""
    monkeypatch.setattr("argosy.desk.collared.FOLLOW", 500_000_000)
    out = [False]

    async def life() -> None:
        async with berth(harbour, {"one": leaves(out)}, market_orders="limit", limits={"collar": {"max_pct": 1.0}}) as desk:
            await resting(desk, harbour, out)
            looks: list[float] = []
            look = desk.desk.warden.look
            desk.desk.warden.look = lambda: (looks.append(asyncio.get_running_loop().time()), look())[1]  # type: ignore[method-assign, func-returns-value]
            harbour.ctl("fault", method="PATCH", path="/v2/orders", delay=1.6, times=1)
            harbour.quote(80.0, 100.0)
            await desk.until(lambda: states(harbour)[1:] == [("99", "replaced"), ("89.1", "new")], 9.0)  # 90 * 0.99
            await asyncio.sleep(4.0)  # long enough for another, and for who wants it at the market to say that it is not
            assert states(harbour)[1:] == [("99", "replaced"), ("89.1", "new")]
            assert max(later - before for before, later in pairwise(looks)) < 2.0
            harbour.quote(90.0, 90.02)
            await desk.until(lambda: desk.lots() == 0)
            desk.equal()
            assert await desk.stop() == 0

    asyncio.run(life())


def test_an_exit_that_may_not_be_changed_is_taken_back_and_planned_anew(harbour: Harbour, home: Path) -> None:
    out = [False]

    async def life() -> None:
        async with berth(harbour, {"one": leaves(out)}, market_orders="limit", limits={"collar": {"max_pct": 1.0}}) as desk:
            await resting(desk, harbour, out)
            harbour.ctl("fault", method="PATCH", path="/v2/orders", status=422, times=100)
            harbour.quote(80.0, 100.0)
            await desk.until(lambda: states(harbour)[1:] == [("99", "canceled"), ("89.1", "new")], 8.0)
            harbour.quote(90.0, 90.02)
            await desk.until(lambda: desk.lots() == 0)
            desk.equal()
            assert await desk.stop() == 0

    asyncio.run(life())
    harbour.ctl("fault", clear=True)


def test_an_exit_of_the_run_before_is_followed_too(harbour: Harbour, home: Path) -> None:
    out = [False]

    async def life(again: bool) -> None:
        async with berth(harbour, {"one": leaves(out)}, market_orders="limit", limits={"collar": {"max_pct": 1.0}}) as desk:
            if not again:
                await resting(desk, harbour, out)
            else:
                assert states(harbour)[1:] == [("99", "new")]
                harbour.quote(90.0, 90.02)
                await desk.until(lambda: desk.lots() == 0, 9.0)
                assert states(harbour)[1:] == [("99", "replaced"), ("89.11", "filled")]
                desk.equal()
            assert await desk.stop() == 0

    for again in (False, True):
        asyncio.run(life(again))


def test_in_extended_hours_a_plain_order_trades_and_one_with_a_stop_waits(harbour: Harbour, home: Path) -> None:
    from argosy.core.events import Session as Turned

    async def life() -> None:
        lots = [0]
        stop = Protection(stop=60.0)
        plain = says(lambda quote, book, calls: Target(1, lots=lots[0], why="told") if lots[0] and quote.instrument == 1 else None)
        guarded = says(lambda quote, book, calls: Target(0, lots=3, why="told", protection=stop) if lots[0] and quote.instrument == 0 else None)
        async with berth(harbour, {"plain": plain, "z": guarded}, extended_hours=True) as desk:
            now = desk.desk.clock.now()
            desk.node.step(Turned(now, now, "XNYS", False, 20260101, now))
            assert not desk.state.session_open(1)
            lots[0] = 2
            harbour.quote(200.0, 200.02, "MSFT")
            await desk.until(lambda: ("buy", "limit", "206.01", True) in orders(harbour))
            harbour.quote(100.0, 100.02)
            await desk.until(lambda: ("buy", "market", None, False) in orders(harbour))
            assert await desk.stop() == 0

    asyncio.run(life())
