"""What the matrix found, each as the smallest story that shows it."""

from __future__ import annotations

import asyncio

from argosy.core.events import Reply
from argosy.core.intents import Ladder, Protection, Rung, Target
from argosy.core.orders import BUY
from tests.desk.harbour import Desk, Harbour, run


def lost(harbour: Harbour, apply: bool) -> None:
    """The next order's answer never comes, and no frame of it."""
    harbour.ctl("fault", method="POST", path="/v2/orders", drop=True, apply=apply, times=1)
    harbour.ctl("fault", method="GET", path="/v2/orders:by_client_order_id", status=503)
    harbour.ctl("frames", stream="trading", drop=99)


def found(harbour: Harbour) -> None:
    harbour.ctl("fault", clear=True)
    harbour.ctl("frames", stream="trading", drop=0)


def test_a_stop_of_which_nothing_was_heard_and_that_filled_meanwhile_is_ours(harbour: Harbour) -> None:
    """A leg bears a name of the broker's own: who asks for the execution's order alone takes it for another hand's."""

    async def work() -> None:
        async with Desk(harbour, {"one": {0: Target(0, lots=10, protection=Protection(stop=95.0))}}) as desk:
            lost(harbour, apply=True)
            desk.bar(0)
            await desk.until(lambda: harbour.held() == 10)
        found(harbour)
        harbour.quote(93.0, 93.02)
        assert harbour.held() == 0
        async with Desk(harbour, before=desk) as again:
            again.agree()
            assert again.alarms == [] and again.started.barred == [] and not again.state.drifted
            assert again.lots(0, "one") == 0 and again.started.repaired == {"FILL_MISSING": 2}

    run(work())


def test_an_order_that_was_taken_back_before_it_was_sent_is_over_at_the_next_start(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, {"one": {0: Ladder(0, (Rung("low", BUY, 90.0, 5),)), 1: Ladder(0, ())}}) as desk:
            desk.deaf = True
            desk.bar(0)
            desk.bar(1)
            assert len(desk.open()) == 1
        async with Desk(harbour, before=desk) as again:
            assert again.open() == {} and again.started.resend == []
            assert again.started.repaired["NOT_FOUND"] == 1 and again.alarms == []
            assert harbour.client_ids() == [] and again.state.blotter.reserved == 0
            told = [event for _, event in again.journal.records() if isinstance(event, Reply)]
            assert [(event.outcome, event.code) for event in told] == [("refused", "NOT_FOUND")]
            await again.idle()
            again.agree()

    run(work())


def test_an_order_whose_sending_was_in_doubt_is_sent_once_more_and_once_alone(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, {"one": {0: Target(0, lots=10)}}) as desk:
            lost(harbour, apply=False)
            desk.bar(0)
            await desk.until(lambda: any(isinstance(event, Reply) and event.outcome == "ambiguous" for event in desk.stepped))
        found(harbour)
        assert harbour.client_ids() == []
        async with Desk(harbour, before=desk) as again:
            assert [approved.order.lots for approved in again.started.resend] == [10]
            await again.until(lambda: again.lots() == 10)
            await again.idle()
            again.agree()
            assert len(harbour.client_ids()) == 1
        async with Desk(harbour, before=again) as last:
            assert last.started.resend == [] and last.started.repaired == {}
            await asyncio.sleep(0.1)
            last.agree()

    run(work())
