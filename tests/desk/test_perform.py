"""What the hands do at once and what they leave for later: the bytes leave in the call, what comes of them never comes back in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from argosy.core import points
from argosy.core.effects import Amend, Cancel, Effect, Submit
from argosy.core.errors import Retry
from argosy.core.events import Reply
from argosy.core.orders import BUY, SELL, Approved, Order, Type
from argosy.desk.perform import Perform


class Prompt:
    """A venue whose requests leave with the first step; gates: an answer waits for its; answers at once where there is none and `quick`."""

    prompt = True

    def __init__(self) -> None:
        self.left: list[tuple[str, int]] = []
        self.gates: dict[int, asyncio.Event] = {}
        self.raises: dict[int, Exception] = {}
        self.quick = False

    async def _do(self, verb: Any, *numbers: int) -> list[Reply]:
        self.left += [(verb, number) for number in numbers]
        if numbers[0] in self.raises:
            raise self.raises[numbers[0]]
        if numbers[0] in self.gates:
            await self.gates[numbers[0]].wait()
            await asyncio.sleep(0)
        elif not self.quick:
            await asyncio.sleep(0)
        return [Reply(1, 1, number, verb, "accepted") for number in numbers]

    async def submit(self, approved: Approved) -> Reply:
        return (await self._do("submit", approved.order.id))[0]

    async def submit_pair(self, take: Approved, stop: Approved) -> list[Reply]:
        return await self._do("submit", take.order.id, stop.order.id)

    async def cancel(self, effect: Cancel) -> Reply:
        return (await self._do("cancel", effect.order))[0]

    async def amend(self, effect: Amend) -> Reply:
        return (await self._do("amend", effect.order))[0]


def order(number: int, i: int = 0, side: int = BUY, **more: Any) -> Submit:
    return Submit(Approved(Order(number, i, side, 5, **more)))


def hands(venue: Any, heard: Callable[[Reply], None]) -> Perform:
    return Perform(venue, heard, lambda: 9, timer=print, alarm=print, note=print)  # type: ignore[arg-type]


@pytest.mark.parametrize("quick", [False, True])
def test_what_need_not_wait_has_left_when_the_call_returns_and_no_answer_is_heard_in_it(quick: bool) -> None:
    async def life() -> None:
        venue = Prompt()
        venue.quick = quick
        heard: list[Reply] = []
        perform = hands(venue, heard.append)
        perform([order(4), order(8, 1), Cancel(99), Amend(98, lots=3)])
        assert venue.left == [("submit", 4), ("submit", 8), ("cancel", 99), ("amend", 98)]
        assert heard == [] and perform.busy == 4 and perform.begun(4) == 9
        assert await perform.idle(1.0)
        assert [(one.verb, one.order) for one in heard] == venue.left

    asyncio.run(life())


def test_a_cancel_decided_before_a_submit_leaves_before_it_and_its_own_order_before_both() -> None:
    async def life() -> None:
        venue = Prompt()
        venue.gates[4] = asyncio.Event()
        perform = hands(venue, lambda reply: None)
        perform([order(4), Cancel(4), order(8), order(12, 1), Cancel(77), order(16, 2)])
        assert venue.left == [("submit", 4), ("submit", 12), ("cancel", 77), ("submit", 16)]  # 4's cancel and 8 stand behind 4
        venue.gates[4].set()
        assert await perform.idle(1.0)
        assert venue.left[4:] == [("cancel", 4), ("submit", 8)]

    asyncio.run(life())


def test_what_an_answer_brings_leaves_in_that_answers_own_call() -> None:
    """An answer is heard where nothing else is being done: what it makes the engine want goes out in order too."""

    async def life() -> None:
        venue = Prompt()
        inside: list[int] = [0]

        def heard(reply: Reply) -> None:
            assert inside[0] == 0
            inside[0] += 1
            if reply.order < 40 and reply.verb == "submit":
                perform([order(reply.order + 36), Cancel(reply.order)])
            inside[0] -= 1

        perform = hands(venue, heard)
        inside[0] = 1
        perform([order(4), order(8, 1)])
        inside[0] = 0
        assert await perform.idle(1.0)
        assert venue.left[:2] == [("submit", 4), ("submit", 8)]
        assert sorted(venue.left[2:]) == [("cancel", 4), ("cancel", 8), ("submit", 40), ("submit", 44)]

    asyncio.run(life())


def test_a_venue_without_the_promise_is_asked_by_the_loop() -> None:
    class Plain(Prompt):
        prompt = False

    async def life() -> None:
        venue = Plain()
        perform = hands(venue, lambda reply: None)
        perform([order(4)])
        assert venue.left == []
        assert await perform.idle(1.0) and venue.left == [("submit", 4)]
        perform.venue = Prompt()
        perform([order(8)])
        assert perform.venue.left == [("submit", 8)]
        assert await perform.idle(1.0)

    asyncio.run(life())


def test_a_first_step_that_raises_leaves_the_order_unknown_and_the_others_go() -> None:
    async def life() -> None:
        venue = Prompt()
        venue.raises = {4: Retry("VENUE_SILENT", "gone"), 8: OSError("torn")}
        heard: list[Reply] = []
        perform = hands(venue, heard.append)
        perform([order(4), order(8, 1), order(12, 2)])
        assert heard == [] and len(venue.left) == 3
        assert await perform.idle(1.0)
        assert sorted((one.order, one.outcome, one.code) for one in heard) == [
            (4, "ambiguous", "VENUE_SILENT"), (8, "ambiguous", "VENUE_RAISED"), (12, "accepted", ""),
        ]  # fmt: skip

    asyncio.run(life())


def test_a_bug_in_a_venue_leaves_the_order_unknown_and_is_in_the_journal() -> None:
    """Else nobody would ever answer for the order, and what went wrong would be said to nobody."""

    async def life() -> None:
        venue = Prompt()
        venue.raises = {4: ZeroDivisionError("a bug")}
        heard: list[Reply] = []
        perform = hands(venue, heard.append)
        perform([order(4), order(8, 1)])
        task = perform._lanes[0]
        assert await perform.idle(1.0)
        assert task.exception() is None
        assert [(one.order, one.outcome, one.code, one.text) for one in heard] == [
            (4, "ambiguous", "VENUE_RAISED", "ZeroDivisionError: a bug"), (8, "accepted", "", ""),
        ]  # fmt: skip

    asyncio.run(life())


@pytest.mark.parametrize("first", [True, False])
def test_what_is_given_up_is_given_up_in_the_venue_too(first: bool) -> None:
    """first: before its task has taken a step of its own."""
    ended: list[str] = []

    class Waits(Prompt):
        async def submit(self, approved: Approved) -> Reply:
            try:
                await asyncio.Event().wait()
            except BaseException as error:
                ended.append(type(error).__name__)
                raise
            raise AssertionError

    async def life() -> None:
        perform = hands(Waits(), lambda reply: None)
        perform([order(4)])
        if not first:
            await asyncio.sleep(0.01)
        await perform.close()
        assert perform.busy == 0 and ended == ["GeneratorExit" if first else "CancelledError"]

    asyncio.run(life())


def test_a_pair_goes_out_as_one_at_once() -> None:
    take = order(4, side=SELL, type=Type.LIMIT, limit=9.0, tag="take", group=4)
    stop = order(8, side=SELL, type=Type.STOP, stop=5.0, tag="stop", group=4)

    async def life() -> None:
        venue = Prompt()
        heard: list[Reply] = []
        perform = hands(venue, heard.append)
        effects: list[Effect] = [stop, take, Cancel(4)]
        perform(effects)
        assert venue.left == [("submit", 4), ("submit", 8)]
        assert await perform.idle(1.0)
        assert [(one.verb, one.order) for one in heard] == [("submit", 4), ("submit", 8), ("cancel", 4)]
        venue.raises = {12: OSError("torn")}
        perform([
            order(12, side=SELL, type=Type.LIMIT, limit=9.0, tag="take", group=12),
            order(16, side=SELL, type=Type.STOP, stop=5.0, tag="stop", group=12),
        ])  # fmt: skip
        assert await perform.idle(1.0)
        assert [(one.order, one.outcome) for one in heard[3:]] == [(12, "ambiguous"), (16, "ambiguous")]

    asyncio.run(life())


def test_every_place_of_a_crash_is_reached_as_often_and_in_the_same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    reached: list[str] = []
    monkeypatch.setattr(points, "hook", reached.append)

    async def life() -> None:
        venue = Prompt()
        venue.gates[4] = asyncio.Event()
        perform = hands(venue, lambda reply: None)
        perform([order(4), order(8), Cancel(99)])
        assert reached == ["submit.before", "cancel.before"]
        venue.gates[4].set()
        assert await perform.idle(1.0)
        assert sorted(reached) == sorted(["submit.before", "submit.after"] * 2 + ["cancel.before", "cancel.after"])
        assert reached[0] == "submit.before" and reached.index("submit.after") > reached.index("cancel.before")

    asyncio.run(life())
