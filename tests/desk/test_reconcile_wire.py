"""The failures of production that a comparison must survive, each on the real wire with the exchange's faults (reference §6, by number)."""

from __future__ import annotations

import asyncio
import time

import pytest

from argosy.core.effects import Amend
from argosy.core.events import Fill, Link, OrderUpdate, Reply
from argosy.core.intents import Ladder, Protection, Rung, Target
from argosy.core.orders import BUY, Work
from argosy.core.time import MS
from argosy.desk.findings import Limits
from argosy.desk.rounds import Every
from argosy.desk.silence import Silence
from argosy.exchange.wire import PER_SHARE
from tests.desk.harbour import QUICK, Desk, Harbour, run

OFTEN = Every(inflight=0.05, orders=0.1, positions=0.15, fills=0.2, payments=0.5)
BUY_TEN = {"one": {0: Target(0, lots=10)}}


def rung(tag: str, px: float, lots: int = 5, side: int = BUY) -> Rung:
    return Rung(tag, side, px, lots)


def ladder(*rungs: Rung) -> Ladder:
    return Ladder(0, rungs)


def test_11_a_lost_fill_frame_is_found_by_the_walk(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, BUY_TEN) as desk:
            harbour.ctl("frames", stream="trading", drop=3)  # pending_new, new, fill
            desk.bar(0)
            await desk.idle()
            assert (desk.lots(), harbour.held()) == (0, 10)
            assert await desk.rounds.fills()
            desk.agree()
            assert desk.rounds.repaired == {"FILL_MISSING": 1} and desk.open() == {}

    run(work())


def test_11_a_lost_fill_frame_is_repaired_by_the_rounds_alone(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, BUY_TEN, every=OFTEN) as desk:
            harbour.ctl("frames", stream="trading", drop=3)
            began = time.monotonic()
            desk.bar(0)
            await desk.until(lambda: desk.lots() == 10)
            assert time.monotonic() - began < 2.0
            await desk.idle()
            desk.agree()

    run(work())


def test_14_five_orders_that_filled_while_the_stream_was_down(harbour: Harbour) -> None:
    rungs = [rung(f"r{k}", 99.0 - k) for k in range(5)]

    async def work() -> None:
        async with Desk(harbour, {"one": {0: ladder(*rungs)}}, every=OFTEN) as desk:
            desk.bar(0)
            await desk.until(lambda: len(harbour.resting()) == 5)
            await desk.idle()
            harbour.ctl("down", seconds=0.4)
            await desk.until(lambda: desk.rounds.links)
            harbour.quote(90.0, 90.02)
            assert harbour.held() == 25
            await desk.until(lambda: not desk.rounds.links and desk.lots() == 25)
            await desk.idle()
            desk.agree()
            assert desk.open() == {} and len(desk.fills()) == 5

    run(work())


def test_while_the_books_are_compared_after_a_return_no_risk_is_added(harbour: Harbour) -> None:
    """STREAM_RECONCILING: an entry is refused and never sent, an exit goes out; when all was compared, entries go again."""

    async def work() -> None:
        plan = {"one": {0: Target(0, lots=10), 1: Target(0, lots=20), 2: Target(0, lots=4), 3: Target(0, lots=8)}}
        async with Desk(harbour, plan, every=OFTEN) as desk:
            desk.bar(0)
            await desk.until(lambda: desk.lots() == 10)
            harbour.ctl("fault", method="GET", path="/v2/account/activities", status=503, times=10**6)
            harbour.ctl("ws", close="trading")
            await desk.until(lambda: desk.rounds.links)
            sent = len(harbour.client_ids())
            desk.bar(1)
            await desk.idle()
            assert desk.state.counters.refusals == {"STREAM_RECONCILING": 1} and len(harbour.client_ids()) == sent
            desk.bar(2)  # an exit
            await desk.until(lambda: harbour.held() == 4)
            await asyncio.sleep(0.3)
            assert desk.rounds.links  # no walk was answered, so nothing is known
            harbour.ctl("fault", clear=True)
            await desk.until(lambda: not desk.rounds.links, 10.0)
            desk.bar(3)
            await desk.until(lambda: desk.lots() == 8)
            await desk.idle()
            desk.agree()
            assert [event.state for _, event in desk.journal.records() if isinstance(event, Link)] == ["down", "reconciling", "up"]

    run(work())


def test_3_a_fill_that_comes_before_the_answer_to_its_order(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, BUY_TEN) as desk:
            harbour.ctl("fault", method="POST", path="/v2/orders", delay=0.3, apply=True)
            desk.bar(0)
            await desk.until(lambda: desk.lots() == 10)
            assert not [event for event in desk.stepped if isinstance(event, Reply)]
            await desk.idle()
            assert await desk.rounds.whole()
            desk.agree()
            assert len(desk.fills()) == 1 and desk.rounds.repaired == {}

    run(work())


@pytest.mark.parametrize("known", ["broker id", "client id"])
def test_15_news_of_an_order_by_one_of_its_two_names(harbour: Harbour, known: str) -> None:
    """The order came about, its answer and its first frames are lost: what follows names it by an id never heard of."""

    async def work() -> None:
        async with Desk(harbour, {"one": {0: Target(0, lots=10, limit=99.0)}}) as desk:
            harbour.ctl("frames", stream="trading", drop=2)
            harbour.ctl("fault", method="POST", path="/v2/orders", drop=True, apply=True)
            harbour.ctl("fault", method="GET", path="/v2/orders", status=503, times=40)
            desk.bar(0)
            await desk.until(lambda: harbour.resting())
            (ticket,) = harbour.account.open()
            if known == "client id":
                harbour.quote(98.0, 98.02)
            else:
                body = {
                    "event": "fill", "execution_id": "e", "timestamp": None, "price": "99", "qty": "10", "position_qty": "10",
                    "order": {"id": ticket.id, "symbol": "AAPL", "side": "buy", "qty": "10", "filled_qty": "10", "status": "filled"},
                }  # fmt: skip
                harbour.ctl("frames", stream="trading", drop=1)
                harbour.quote(98.0, 98.02)
                harbour.ctl("frame", stream="trading", body={"stream": "trade_updates", "data": body})
            await desk.until(lambda: harbour.held() == 10)
            harbour.ctl("fault", clear=True)
            await desk.until(lambda: not desk.venue.unsettled)
            await desk.idle()
            assert await desk.rounds.whole()
            desk.agree()
            assert len(desk.fills()) == 1

    run(work())


def test_13_a_fill_between_an_amendment_and_its_answer(harbour: Harbour) -> None:
    """A stop's size follows the position; while the answer is on its way the old order fills in part, and the frame is lost."""

    async def work() -> None:
        plan = {"one": {0: Target(0, lots=10, limit=100.5, protection=Protection(take=110.0)), 1: Target(0, lots=6)}}
        async with Desk(harbour, plan) as desk:
            desk.bar(0)
            await desk.until(lambda: desk.lots() == 10)
            await desk.until(lambda: len(harbour.resting()) == 1)
            await desk.idle()
            (take,) = harbour.account.open()
            harbour.ctl("fault", method="PATCH", path="/v2/orders", delay=0.25, apply=True)
            harbour.ctl("fault", method="DELETE", path="/v2/orders", delay=0.25, apply=True)
            harbour.ctl("frames", stream="trading", drop=1)
            harbour.ctl("fill", order_id=take.id, qty=3, price=110)
            desk.bar(1)
            await desk.idle()
            for _ in range(4):
                await desk.quiet()
                assert await desk.rounds.whole()
            desk.agree()
            assert desk.lots() == harbour.held() <= 6
            desk.state.portfolio.check()

    run(work())


def test_20_a_part_that_fills_while_the_order_is_replaced_is_not_bought_twice(harbour: Harbour) -> None:
    """Four of ten filled unheard when the order was replaced by one for all ten: it becomes one for six, and ten are bought."""

    async def work() -> None:
        async with Desk(harbour, {"one": {0: Target(0, lots=10, limit=99.0)}}) as desk:
            desk.bar(0)
            await desk.until(lambda: harbour.resting())
            await desk.idle()
            (ticket,) = harbour.account.open()
            number = desk.venue.ledger.by_id(ticket.id).order.id
            harbour.ctl("frames", stream="trading", drop=1)
            harbour.ctl("fill", order_id=ticket.id, qty=4, price=99)
            amend = Amend(number, lots=10)
            desk.engine.record(amend)
            desk.step(await desk.venue.amend(amend))
            await desk.quiet()
            assert await desk.rounds.whole()
            assert desk.lots() == 4 == harbour.held()
            (ticket,) = harbour.account.open()
            assert ticket.leaves == 6 * PER_SHARE
            harbour.quote(97.0, 97.02)
            await desk.until(lambda: desk.lots() == 10)
            assert await desk.rounds.whole()
            desk.agree()
            assert desk.open() == {} and harbour.held() == 10

    run(work())


@pytest.mark.parametrize("first", ["REST", "stream"])
def test_21_the_same_fill_by_question_and_by_stream_is_one(harbour: Harbour, first: str) -> None:
    async def work() -> None:
        async with Desk(harbour, BUY_TEN) as desk:
            if first == "REST":
                harbour.ctl("frames", stream="trading", delay=0.4)
            desk.bar(0)
            await desk.until(lambda: harbour.held() == 10)
            if first == "stream":
                await desk.until(lambda: desk.lots() == 10)
            assert await desk.rounds.fills()
            assert desk.lots() == 10
            await asyncio.sleep(0.5)
            harbour.ctl("frames", stream="trading", delay=0)
            await desk.idle()
            assert await desk.rounds.whole()
            desk.agree()
            assert len(desk.fills()) == 1 and desk.rounds.reconciler.doubled >= (first == "REST")

    run(work())


def test_23_a_part_then_the_end_books_the_part_alone(harbour: Harbour) -> None:
    """The part's frame and the end's are lost: first the fill is booked, then the end, and the position is what was bought."""

    async def work() -> None:
        async with Desk(harbour, {"one": {0: ladder(rung("a", 99.0, 10))}}) as desk:
            desk.bar(0)
            await desk.until(lambda: harbour.resting())
            await desk.idle()
            (ticket,) = harbour.account.open()
            harbour.ctl("frames", stream="trading", drop=9)
            harbour.ctl("fill", order_id=ticket.id, qty=4, price=99)
            harbour.rest("DELETE", f"/v2/orders/{ticket.id}")
            harbour.ctl("frames", stream="trading", drop=0)
            await desk.quiet()
            assert await desk.rounds.orders()
            desk.agree()
            assert desk.lots() == 4 and desk.open() == {}
            kinds = [type(event) for event in desk.stepped if isinstance(event, Fill | OrderUpdate)][-2:]
            assert kinds == [Fill, OrderUpdate]

    run(work())


def test_7_the_end_of_a_leg_that_was_not_streamed(harbour: Harbour) -> None:
    """A bracket's target fills, the stop ends with it, and not one frame of it comes: one round sets it right."""

    async def work() -> None:
        plan = {"one": {0: ladder(Rung("a", BUY, 100.5, 10, protection=Protection(stop=95.0, take=105.0)))}}
        async with Desk(harbour, plan) as desk:
            desk.bar(0)
            await desk.until(lambda: desk.lots() == 10 and len(harbour.resting()) == 2)
            await desk.idle()
            assert len(desk.open()) == 2
            harbour.ctl("frames", stream="trading", drop=9)
            harbour.quote(106.0, 106.02)
            assert harbour.held() == 0
            harbour.ctl("frames", stream="trading", drop=0)
            for _ in range(2):  # the fill, after which the stop is asked back and is over already; then that
                await desk.quiet()
                assert await desk.rounds.whole()
            desk.agree()
            assert desk.lots() == 0 and desk.open() == {}

    run(work())


def test_8_a_cancel_that_never_ends_is_told_and_never_believed(harbour: Harbour) -> None:
    async def work() -> None:
        plan = {"one": {0: ladder(rung("a", 99.0, 10)), 1: ladder()}}
        async with Desk(harbour, plan) as desk:
            desk.bar(0)
            await desk.until(lambda: harbour.resting())
            await desk.idle()
            harbour.ctl("hold_cancels", on=True)
            desk.bar(1)
            await desk.idle()
            await desk.quiet()
            assert await desk.rounds.orders()
            assert set(desk.open().values()) == {Work.PENDING_CANCEL}
            assert desk.alarms.count("CANCEL_STUCK") == 0
            await asyncio.sleep(QUICK.stuck / 1e9)
            for _ in range(3):
                assert await desk.rounds.orders()
            assert desk.alarms.count("CANCEL_STUCK") == 1 and set(desk.open().values()) == {Work.PENDING_CANCEL}
            (ticket,) = harbour.account.open()
            harbour.ctl("fill", order_id=ticket.id)  # it may still fill, and does
            await desk.until(lambda: desk.lots() == 10)
            desk.agree()

    run(work())


def test_9_an_order_that_was_refused_and_traded_all_the_same(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, BUY_TEN) as desk:
            harbour.ctl("frames", stream="trading", drop=3)
            harbour.ctl("fault", method="POST", path="/v2/orders", status=422, apply=True)
            desk.bar(0)
            await desk.idle()
            assert desk.open() == {} and (desk.lots(), harbour.held()) == (0, 10)
            assert await desk.rounds.fills()
            desk.agree()
            assert desk.lots(0, "one") == 10 and "FILL_AFTER_REFUSAL" in desk.alarms

    run(work())


def test_an_order_that_was_refused_and_works_all_the_same_is_taken_back(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, {"one": {0: Target(0, lots=10, limit=99.0)}}) as desk:
            harbour.ctl("frames", stream="trading", drop=9)
            harbour.ctl("fault", method="POST", path="/v2/orders", status=422, apply=True)
            desk.bar(0)
            await desk.idle()
            harbour.ctl("frames", stream="trading", drop=0)
            assert desk.open() == {} and len(harbour.resting()) == 1
            await desk.quiet()
            assert await desk.rounds.orders()
            assert "ORDER_ORPHANED" in desk.alarms and harbour.resting() == set()
            desk.agree()

    run(work())


@pytest.mark.parametrize("believed", [False, True])
def test_24_an_order_that_is_not_there_for_long_and_then_filled(harbour: Harbour, believed: bool) -> None:
    """404 for as long as nobody believes it, and for longer: either way the fill is booked once, for whom it was."""

    async def work() -> None:
        over = 200 * MS if believed else 60_000 * MS
        limits = Limits(quiet=20 * MS, lookups=3, over=over)
        async with Desk(harbour, BUY_TEN, limits=limits) as desk:
            desk.venue._patience = desk.venue._resolver._patience = type(desk.venue._patience)(over_s=60.0, first_s=9.0, order_s=0.5)
            harbour.ctl("frames", stream="trading", drop=9)
            harbour.ctl("fault", method="POST", path="/v2/orders", drop=True, apply=True)
            harbour.ctl("fault", method="GET", path="/v2/orders:", status=404, times=10**6)
            harbour.ctl("fault", method="GET", path="/v2/account/activities", body=None, status=503, times=10**6)
            desk.bar(0)
            await desk.idle()
            assert set(desk.open().values()) == {Work.UNKNOWN}
            for _ in range(12):
                await asyncio.sleep(0.03)
                assert await desk.rounds.inflight()
            assert (desk.open() == {}) is believed
            harbour.ctl("fault", clear=True)
            harbour.ctl("frames", stream="trading", drop=0)
            assert await desk.rounds.whole()
            desk.agree()
            assert desk.lots(0, "one") == 10 and len(desk.fills()) == 1 and len(harbour.client_ids()) == 1

    run(work())


def test_27_a_stream_that_answers_pings_and_says_nothing_is_found_within_its_limit(harbour: Harbour) -> None:
    async def work() -> None:
        silence = Silence()
        silence.expect("account", 250 * MS)
        async with Desk(harbour, BUY_TEN, every=OFTEN, silence=silence) as desk:
            harbour.ctl("ws", mute="trading")
            await asyncio.sleep(0.3)
            began = time.monotonic()
            desk.bar(0)
            await desk.until(lambda: "STREAM_MUTE" in desk.alarms)
            assert time.monotonic() - began < 0.25 + 0.4
            harbour.ctl("ws", mute=False)
            await desk.until(lambda: desk.lots() == 10 and not desk.rounds.links)
            desk.agree()

    run(work())


def test_1_orders_accepted_in_a_blackout_are_unknown_and_then_found(harbour: Harbour) -> None:
    async def work() -> None:
        plan = {"one": {0: ladder(*(rung(f"r{k}", 99.0 - k) for k in range(4)))}}
        async with Desk(harbour, plan, every=OFTEN) as desk:
            harbour.ctl("fault", method="POST", path="/v2/orders", drop=True, apply=True, times=4)
            harbour.ctl("fault", method="GET", path="/v2", drop=True, times=30)
            harbour.ctl("ws", close="trading", rude=True)
            desk.bar(0)
            await desk.until(lambda: len(harbour.resting()) == 4)
            harbour.quote(90.0, 90.02)
            await desk.until(lambda: desk.lots() == 20 and not desk.rounds.links, 15.0)
            await desk.idle()
            desk.agree()
            assert len(harbour.client_ids()) == 4 and desk.open() == {}

    run(work())


def test_2_orders_placed_in_a_blip_are_not_forgotten(harbour: Harbour) -> None:
    async def work() -> None:
        plan = {"one": {0: ladder(*(rung(f"r{k}", 99.0 - k) for k in range(3)))}}
        async with Desk(harbour, plan, every=OFTEN) as desk:
            harbour.ctl("down", seconds=0.3)
            desk.bar(0)
            await desk.until(lambda: desk.open() and not desk._tasks and not desk.venue.unsettled)
            await desk.until(lambda: not desk.rounds.links)
            await asyncio.sleep(0.5)
            assert set(desk.open()) == harbour.resting()
            desk.agree()

    run(work())


def test_12_a_lost_exit_is_not_sent_again_and_again(harbour: Harbour) -> None:
    async def work() -> None:
        plan = {"one": {0: Target(0, lots=10), 1: Target(0, lots=0), 2: Target(0, lots=0), 3: Target(0, lots=0)}}
        async with Desk(harbour, plan) as desk:
            desk.bar(0)
            await desk.until(lambda: desk.lots() == 10)
            harbour.ctl("frames", stream="trading", drop=9)
            for minute in (1, 2, 3):
                desk.bar(minute)
                await desk.idle()
            harbour.ctl("frames", stream="trading", drop=0)
            assert len(harbour.client_ids()) == 2 and harbour.held() == 0
            await desk.quiet()
            assert await desk.rounds.whole()
            desk.agree()

    run(work())


def test_a_question_that_fails_is_no_answer(harbour: Harbour) -> None:
    """The venue says nothing of positions, or nothing of orders: nobody is flat, nothing is over."""

    async def work() -> None:
        plan = {"one": {0: Target(0, lots=10), 1: ladder(rung("a", 90.0))}}
        async with Desk(harbour, plan) as desk:
            desk.bar(0)
            await desk.until(lambda: desk.lots() == 10)
            desk.bar(1)
            await desk.until(lambda: harbour.resting())
            await desk.quiet()
            desk.rounds.showing.read_s = 0.05
            for path in ("/v2/positions", "/v2/orders", "/v2/account", "/v2/account/activities"):
                harbour.ctl("fault", method="GET", path=path, status=503, times=10**6)
                done = [await ask() for ask in (desk.rounds.orders, desk.rounds.positions, desk.rounds.fills, desk.rounds.whole)]
                assert not all(done), path
                assert desk.lots() == 10 and set(desk.open().values()) == {Work.WORKING} and desk.rounds.repaired == {}
                harbour.ctl("fault", clear=True)
            assert sum(desk.rounds.failed.values()) >= 4

    run(work())
