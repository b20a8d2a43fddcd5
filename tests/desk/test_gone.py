"""An order that cannot be canceled because it is over: what became of it is asked for at once, whatever the stream keeps to itself."""

from __future__ import annotations

from argosy.core.events import Fill, OrderUpdate, Reply
from argosy.core.intents import Protection, Target
from argosy.core.orders import Work
from tests.desk.harbour import Desk, Harbour, run
from tests.desk.test_saga import AWAY, guarded, settled, stops


def test_a_cancel_that_comes_too_late_brings_the_fill_that_the_stream_did_not_tell(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, {"one": {0: Target(0, lots=10, limit=99.0), 1: Target(0, lots=0)}}) as desk:
            desk.bar(0)
            await desk.until(lambda: Work.WORKING in desk.open().values())
            harbour.ctl("frames", stream="trading", drop=1, event="fill")
            harbour.quote(98.00, 98.02)
            await desk.until(lambda: harbour.held() == 10)
            assert desk.lots() == 0
            desk.bar(1, 98.0)
            await desk.until(lambda: desk.lots() == harbour.held() == 0 and len(desk.fills()) == 2)  # it was bought, so it is sold
            answers = [event for event in desk.stepped if isinstance(event, Reply) and event.verb == "cancel"]
            assert [(one.outcome, one.code) for one in answers] == [("refused", "NOT_CANCELABLE")]
            fill = next(event for event in desk.stepped if isinstance(event, Fill))
            assert desk.stepped.index(fill) < desk.stepped.index(answers[0])
            desk.agree()
            assert desk.alarms == []

    run(work())


def test_an_order_that_ended_unheard_is_over_with_the_refused_cancel(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, {"one": {0: Target(0, lots=10, limit=99.0), 1: Target(0, lots=0)}}) as desk:
            desk.bar(0)
            await desk.until(lambda: Work.WORKING in desk.open().values())
            harbour.ctl("frames", stream="trading", drop=9)
            harbour.rest("DELETE", f"/v2/orders/{harbour.account.open()[0].id}")
            desk.bar(1)
            await desk.until(lambda: desk.open() == {})
            ended = [event for event in desk.stepped if isinstance(event, OrderUpdate) and event.work is Work.CANCELED]
            assert len(ended) == 1 and desk.alarms == []

    run(work())


def test_a_stop_that_filled_unheard_ends_the_saga_that_wanted_it_away(harbour: Harbour) -> None:
    async def work() -> None:
        plan = {"a": {0: guarded(10, 95.0)}, "b": {1: Target(0, lots=4, protection=Protection(stop=80.0))}}
        async with Desk(harbour, plan, away_ns=AWAY) as desk:
            desk.bar(0)
            await settled(desk, 10, (-10, 95.0))
            harbour.ctl("frames", stream="trading", drop=1, event="fill")
            harbour.quote(94.00, 94.02)
            await desk.until(lambda: harbour.held() == 0)
            assert desk.lots() == 10
            desk.bar(1, 96.0)
            await desk.until(lambda: desk.lots(strategy="a") == 0 and desk.lots(strategy="b") == 4 and stops(harbour) == [(-4, 80.0)])
            desk.agree()
            assert desk.alarms == []

    run(work())
