"""A start against the real exchange: whatever happened while nobody looked, the books and the account come out the same."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.core import points
from argosy.core.effects import Amend, Cancel, Note, Submit
from argosy.core.errors import Broken, Misconfigured, Retry
from argosy.core.events import Adjust, Command, Fill, Link, Reply
from argosy.core.intents import Ladder, Protection, Rung, Target
from argosy.core.orders import BUY, Approved, Order, Work
from argosy.desk.findings import Limits, Policy
from argosy.desk.rounds import Every
from argosy.desk.start import Start, _about
from tests.desk.harbour import QUICK, Desk, Harbour, run


def rung(tag: str, px: float, lots: int = 5, side: int = BUY) -> Rung:
    return Rung(tag, side, px, lots)


RUNGS = Ladder(0, tuple(rung(f"r{k}", 99.0 - k) for k in range(14)))


def test_a_first_start_begins_with_the_accounts_cash_and_trades(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, {"one": {0: Target(0, lots=10)}}) as desk:
            assert desk.started.fresh and desk.state.portfolio.cash[0] == harbour.account.cash == 1_000_000_000_000
            desk.bar(0)
            await desk.until(lambda: desk.lots() == 10)
            await desk.idle()
            desk.agree()
            assert await desk.rounds.whole()
            assert desk.rounds.repaired == {} and desk.alarms == []

    run(work())


def test_17_killed_with_a_position_it_is_still_long(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, {"one": {0: Target(0, lots=10, protection=Protection(stop=90.0))}}) as desk:
            desk.bar(0)
            await desk.until(lambda: desk.lots() == 10 and len(harbour.resting()) == 1)
            await desk.idle()
        async with Desk(harbour, before=desk) as again:
            assert not again.started.fresh and again.started.repaired == {} and again.alarms == []
            assert again.lots(0, "one") == 10 == harbour.held()
            await again.idle()
            assert set(again.open().values()) == {Work.WORKING} and len(harbour.resting()) == 1 and len(harbour.client_ids()) == 2
            again.agree()

    run(work())


def test_16_begun_ten_times_the_position_is_the_same_and_19_so_are_the_ids(harbour: Harbour) -> None:
    """Each time the frames of the fills were lost: they are booked in the first life, under names that no later life makes anew."""

    async def work() -> None:
        plan = {"one": {0: Target(0, lots=10)}}
        async with Desk(harbour, plan) as desk:
            harbour.ctl("frames", stream="trading", drop=9)
            desk.bar(0)
            await desk.idle()
            harbour.ctl("frames", stream="trading", drop=0)
        before, seen = desk, []
        for life in range(10):
            async with Desk(harbour, before=before) as again:
                again.agree()
                assert again.lots() == 10, life
                seen.append((again.state.portfolio.snapshot(), [e.execution for _, e in again.journal.records() if isinstance(e, Fill)]))
                assert again.started.repaired == ({"FILL_MISSING": 1} if life == 0 else {}), life
            before = again
        assert all(one == seen[0] for one in seen) and len(seen[0][1]) == 1

    run(work())


def test_18_fourteen_resting_orders_are_all_managed_again(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, {"one": {0: RUNGS, 1: Ladder(0, RUNGS.rungs[:2])}}) as desk:
            desk.bar(0)
            await desk.until(lambda: len(harbour.resting()) == 14)
            await desk.idle()
        harbour.quote(97.5, 97.52)  # two fill while nobody looks
        async with Desk(harbour, before=desk) as again:
            again.agree()
            assert again.lots() == 10 and set(again.open()) == harbour.resting() and len(again.open()) == 12
            again.bar(1)  # it wants the two that filled anew, and none of the others: the twelve are taken back
            await again.until(lambda: len(harbour.resting()) == 0 and again.lots() == 20)
            await again.idle()
            assert again.open() == {} and len(harbour.client_ids()) == 16
            again.agree()

    run(work())


def test_22_a_position_older_than_any_look_back_stays(harbour: Harbour) -> None:
    """Executions are read again from where the last known one was; what is older the journal knows."""

    async def work() -> None:
        async with Desk(harbour, {"one": {0: Target(0, lots=10), 1: Target(0, lots=12)}}) as desk:
            desk.bar(0)
            await desk.until(lambda: desk.lots() == 10)
            await desk.idle()
        limits = Limits(quiet=QUICK.quiet, back=0, paid=0)
        async with Desk(harbour, before=desk, limits=limits) as again:
            again.agree()
            assert again.started.barred == [] and again.started.repaired == {}
            again.bar(1)
            await again.until(lambda: again.lots() == 12)
            await again.idle()
            again.agree()

    run(work())


def test_a_fill_a_part_and_an_end_while_it_was_dead(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, {"one": {0: Ladder(0, RUNGS.rungs[:3])}}) as desk:
            desk.bar(0)
            await desk.until(lambda: len(harbour.resting()) == 3)
            await desk.idle()
        whole, part, gone = harbour.account.open()
        harbour.ctl("fill", order_id=whole.id)
        harbour.ctl("fill", order_id=part.id, qty=2, price=98)
        harbour.rest("DELETE", f"/v2/orders/{part.id}")
        harbour.rest("DELETE", f"/v2/orders/{gone.id}")
        async with Desk(harbour, before=desk) as again:
            again.agree()
            assert again.lots() == 7 == again.lots(0, "one") and again.open() == {}
            assert again.started.repaired == {"FILL_MISSING": 2, "ORDER_ENDED": 2}

    run(work())


@pytest.mark.parametrize("place", ["order", "cancel", "nothing"])
def test_killed_between_the_journal_and_the_socket(harbour: Harbour, place: str) -> None:
    """What was decided and never sent: a fresh order goes out once, under its own id; a cancel is asked anew."""

    async def work() -> None:
        plan = {"one": {0: Ladder(0, RUNGS.rungs[:2]), 1: Ladder(0, RUNGS.rungs[:1] if place == "cancel" else RUNGS.rungs[:3])}}
        async with Desk(harbour, plan) as desk:
            desk.bar(0)
            await desk.until(lambda: len(harbour.resting()) == 2)
            await desk.idle()
            desk.deaf = place != "nothing"
            desk.bar(1)
            await desk.idle()
            names = len(harbour.client_ids())
        async with Desk(harbour, before=desk) as again:
            assert len(again.started.resend) == (place == "order")
            count = 1 if place == "cancel" else 3
            await again.until(lambda: len(harbour.resting()) == count)
            await again.idle()
            again.agree()
            assert set(again.open()) == harbour.resting() and len(harbour.client_ids()) == names + (place == "order")
            assert again.started.repaired == ({"CANCEL_LOST": 1} if place == "cancel" else {})

    run(work())


def test_an_order_that_is_no_longer_fresh_is_not_sent_and_in_the_end_not_believed_in(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, {"one": {0: Target(0, lots=10)}}) as desk:
            desk.deaf = True
            desk.bar(0)
        again = Desk(harbour, before=desk)
        again.fresh_s = 0.0
        async with again:
            assert again.started.resend == [] and again.started.repaired == {"NOT_FOUND": 1}
            assert again.open() == {} and harbour.client_ids() == []
            told = [event for _, event in again.journal.records() if isinstance(event, Reply)]
            assert [(event.outcome, event.code) for event in told] == [("refused", "NOT_FOUND")]

    run(work())


@pytest.mark.parametrize("halted", [False, True])
def test_under_a_halt_only_what_reduces_is_sent_again(harbour: Harbour, halted: bool) -> None:
    async def work() -> None:
        async with Desk(harbour, {"one": {0: Target(0, lots=10), 1: Target(0, lots=0)}, "two": {1: Target(1, lots=5)}}) as desk:
            desk.bar(0)
            await desk.until(lambda: desk.lots() == 10)
            await desk.idle()
            desk.deaf = True
            desk.bar(1)
            now = desk.clock.now()
            desk.bar(1, 200.0, 1)
            if halted:
                desk.step(Command(now, now, "reduce", "me", "a storm"))
        async with Desk(harbour, before=desk) as again:
            assert [one.order.instrument for one in again.started.resend] == ([0] if halted else [0, 1])
            await again.until(lambda: again.lots() == 0 and again.lots(1) == (0 if halted else 5))
            await again.idle()
            again.agree()
            assert harbour.held(1) == (0 if halted else 5)

    run(work())


def test_an_order_whose_answer_was_never_heard_is_found_by_its_name(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, {"one": {0: Target(0, lots=10), 1: Target(0, lots=12, limit=98.0)}}) as desk:
            harbour.ctl("frames", stream="trading", drop=99)
            harbour.ctl("fault", method="POST", path="/v2/orders", drop=True, apply=True)
            desk.bar(0)
            await desk.until(lambda: harbour.held() == 10)
        harbour.ctl("frames", stream="trading", drop=0)
        async with Desk(harbour, before=desk) as again:
            again.agree()
            assert again.lots(0, "one") == 10 and again.started.resend == [] and len(harbour.client_ids()) == 1

    run(work())


def test_a_bracket_whose_legs_have_names_of_the_brokers_own_is_managed_again(harbour: Harbour) -> None:
    async def work() -> None:
        plan = {"one": {0: Ladder(0, (Rung("a", BUY, 100.5, 10, protection=Protection(stop=95.0, take=105.0)),))}}
        async with Desk(harbour, plan) as desk:
            desk.bar(0)
            await desk.until(lambda: desk.lots() == 10 and len(desk.open()) == 2)
            await desk.idle()
        async with Desk(harbour, before=desk) as again:
            assert again.alarms == [] and len(again.open()) == 2
            harbour.quote(106.0, 106.02)
            await again.until(lambda: again.lots() == 0 and again.open() == {})
            await again.idle()
            again.agree()

    run(work())


def test_an_amended_order_is_one_order_after_a_restart_too(harbour: Harbour) -> None:
    """Three of ten filled under the first id, two under the second; the third rests: five are booked and five are open."""
    async def work() -> None:
        async with Desk(harbour, {"one": {0: Target(0, lots=10, limit=99.0)}}) as desk:
            desk.bar(0)
            await desk.until(lambda: harbour.resting())
            await desk.idle()
            for qty in (3, 2):
                (ticket,) = harbour.account.open()
                harbour.ctl("fill", order_id=ticket.id, qty=qty, price=99)
                await desk.until(lambda: desk.lots() == harbour.held())
                number = desk.venue.ledger.by_id(ticket.id).order.id
                desk.engine.record(Amend(number, lots=10))
                desk.step(await desk.venue.amend(Amend(number, lots=10)))
            await desk.idle()
        assert harbour.held() == 5
        async with Desk(harbour, before=desk) as again:
            again.agree()
            assert again.alarms == [] and set(again.started.repaired) <= {"ORDER_STATE"}
            (row,) = again.state.blotter.open[0].values()
            assert (row.cum, row.order.lots, row.leaves) == (5, 10, 5)
            harbour.ctl("fill", order_id=harbour.account.open()[0].id, price=99)
            await again.until(lambda: again.lots() == 10)
            again.agree()
            assert again.open() == {}

    run(work())


def test_what_came_while_the_venue_was_read_is_taken_in_afterwards_and_once(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, {"one": {0: Ladder(0, RUNGS.rungs[:2])}}) as desk:
            desk.bar(0)
            await desk.until(lambda: len(harbour.resting()) == 2)
            await desk.idle()
        seen: list[str] = []

        def reached(place: str) -> None:
            seen.append(place)
            if place == "start.reads":
                harbour.ctl("fill", order_id=harbour.account.open()[0].id)
            if place == "reconcile.account" and seen.count(place) == 1:  # after the account was read
                harbour.ctl("fill", order_id=harbour.account.open()[0].id)

        points.hook = reached
        try:
            async with Desk(harbour, before=desk) as again:
                await again.until(lambda: again.lots() == 10)
                again.agree()
                assert len([e for e in again.stepped if isinstance(e, Fill)]) <= 2
        finally:
            points.hook = None
        order = [
            "start.lease", "start.clock", "start.replay", "start.stream", "start.reads", "start.compare", "reconcile.whole", "start.drain",
            "start.ready",
        ]  # fmt: skip
        assert [place for place in dict.fromkeys(seen) if place in order] == order

    run(work())


def test_killed_while_the_stream_was_away_it_trades_again_once_all_was_compared(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, {"one": {0: Target(0, lots=3)}}) as desk:
            desk.rounds.turned("account", False, "gone")
            assert desk.state.conditions.links == {"account": "down"}
        async with Desk(harbour, before=desk) as again:
            assert again.state.conditions.links == {} and again.rounds.links == ""
            again.bar(0)
            await again.until(lambda: again.lots() == 3)
            await again.idle()
            again.agree()

    run(work())


def test_nothing_is_asked_and_nothing_replayed_without_the_lease(harbour: Harbour) -> None:
    class Taken(Broken):
        pass

    def lease() -> None:
        raise Taken("LEASE_TAKEN", "another desk has this account")

    async def work() -> None:
        with pytest.raises(Taken):
            async with Desk(harbour, {"one": {}}, lease=lease):
                raise AssertionError("it began")

    run(work())


def test_a_silent_venue_is_waited_for_and_then_given_up(harbour: Harbour) -> None:
    async def work() -> None:
        desk = Desk(harbour, {"one": {}})
        desk.patience_s = 0.4
        desk.rounds.showing.read_s = 0.1
        harbour.ctl("fault", method="GET", path="/v2/positions", status=503, times=10**6)
        with pytest.raises(Retry, match="VENUE_SILENT"):
            async with desk:
                raise AssertionError("it began")
        harbour.ctl("fault", clear=True)
        harbour.ctl("fault", method="GET", path="/v2/positions", status=503, times=2)
        async with Desk(harbour, {"one": {}}) as again:
            assert again.started.fresh

    run(work())


@pytest.mark.parametrize("skew", [2.0, -2.0, 0.0])
def test_28_a_clock_that_is_wrong_is_told(harbour: Harbour, skew: float) -> None:
    async def work() -> None:
        desk = Desk(harbour, {"one": {0: Target(0, lots=3)}})
        await desk.follow()
        harbour.ctl("clock", skew=skew)
        try:
            async with desk:
                assert desk.alarms == (["CLOCK_OFFSET"] if skew else [])
                assert abs(desk.started.offset_ns / 1e9 - skew) < 0.2
                desk.bar(0)
                await desk.until(lambda: desk.lots() == 3)
                await desk.idle()
                assert await desk.rounds.whole()
                desk.agree()
        finally:
            harbour.ctl("clock", skew=0)

    run(work())


def test_a_first_start_under_a_name_that_has_orders_is_refused(harbour: Harbour) -> None:
    """The same numbers would be taken for the orders of another journal."""

    async def work() -> None:
        async with Desk(harbour, {"one": {0: Target(0, lots=3)}}) as desk:
            desk.bar(0)
            await desk.until(lambda: desk.lots() == 3)
            await desk.idle()
        with pytest.raises(Misconfigured, match="DESK_NAME_USED"):
            async with Desk(harbour, {"one": {}}):
                raise AssertionError("it began")
        async with Desk(harbour, {"one": {}}, name="NEXT", policy=Policy(hand="adopt")) as other:
            other.agree()

    run(work())


@pytest.mark.parametrize("rule", ["halt", "adopt"])
def test_what_another_hand_did_before_the_first_start_is_in_the_opening_and_nowhere_else(harbour: Harbour, rule: Any) -> None:
    """Also what it does while the account is read: then it is read again."""
    harbour.by_hand("MSFT", "buy", 2)
    harbour.by_hand("MSFT", "sell", 2)

    async def work() -> None:
        desk = Desk(harbour, {"one": {0: Target(0, lots=3)}}, policy=Policy(hand=rule))
        ask, times = desk.rounds.showing.account, 0

        async def account() -> Any:
            nonlocal times
            times += 1
            shown = await ask()
            if times == 1:
                harbour.by_hand("MSFT", "buy", 4)
            return shown

        desk.rounds.showing.account = account  # type: ignore[method-assign]
        async with desk:
            assert times >= 3 and desk.alarms == (["RECONCILE_DRIFT"] if rule == "halt" else ["ADOPTED"])
            assert desk.state.portfolio.cash[0] == harbour.account.cash and desk.lots(1) == (0 if rule == "halt" else 4)
        async with Desk(harbour, before=desk, policy=Policy(hand=rule)) as again:
            assert again.alarms == (["RECONCILE_DRIFT"] if rule == "halt" else [])
            assert again.state.portfolio.cash[0] == harbour.account.cash and again.started.repaired == {}

    run(work())


def test_a_journal_of_another_desk_is_refused(harbour: Harbour) -> None:
    """Under another name its own orders would be another hand's."""

    async def work() -> None:
        async with Desk(harbour, {"one": {0: Target(0, lots=3)}}) as desk:
            pass
        with pytest.raises(Misconfigured, match="JOURNAL_OTHER"):
            async with Desk(harbour, before=desk, name="NEXT"):
                raise AssertionError("it began")

    run(work())


class Other:
    """The same plan by another code."""

    def on_bar(self, bar: Any, book: Any) -> Any:
        return Target(0, lots=10) if bar.ts == 0 else None


class Fickle:
    """Wants something else when it is asked again."""

    asked = 0

    def on_bar(self, bar: Any, book: Any) -> Any:
        type(self).asked += 1
        return Target(0, lots=10 + (type(self).asked > 1))


@pytest.mark.parametrize(("changed", "standing"), [("quarantine", "quarantined"), ("warmup", "active")])
def test_a_strategy_whose_code_changed(harbour: Harbour, changed: Any, standing: str) -> None:
    async def work() -> None:
        async with Desk(harbour, {"one": {0: Target(0, lots=10)}}) as desk:
            desk.bar(0)
            await desk.until(lambda: desk.lots() == 10)
            await desk.idle()
        async with Desk(harbour, before=desk, code={"one": Other}, policy=Policy(changed=changed)) as again:
            assert again.state.status["one"] == standing and again.lots(0, "one") == 10
            assert again.alarms[0] == ("STRATEGY_QUARANTINED" if changed == "quarantine" else "STRATEGY_WARMED")
            assert set(again.started.quarantined) == ({"one"} if changed == "quarantine" else set())
            again.agree()

    run(work())


def test_a_strategy_that_differs_when_it_is_relived_is_quarantined_whatever_the_policy(harbour: Harbour) -> None:
    async def work() -> None:
        Fickle.asked = 0
        async with Desk(harbour, {"one": {}}, code={"one": Fickle}) as desk:
            desk.bar(0)
            await desk.until(lambda: desk.lots() == 10)
            await desk.idle()
        async with Desk(harbour, before=desk, code={"one": Fickle}, policy=Policy(changed="warmup")) as again:
            assert again.state.status["one"] == "quarantined" and "11" in again.started.quarantined["one"]
        async with Desk(harbour, before=again, code={"one": Fickle}) as third:  # it stands as it stood: not quarantined twice
            assert third.started.quarantined == {} and third.state.status["one"] == "quarantined"

    run(work())


def test_reservations_that_do_not_sum_stop_the_start(harbour: Harbour) -> None:
    async def work() -> None:
        async with Desk(harbour, {"one": {0: Ladder(0, RUNGS.rungs[:2])}}) as desk:
            desk.bar(0)
            await desk.until(lambda: len(harbour.resting()) == 2)
            await desk.idle()
        again = Desk(harbour, before=desk)

        def reached(place: str) -> None:
            if place == "start.drain":
                again.state.blotter.reserved += 1

        points.hook = reached
        try:
            with pytest.raises(Broken, match="RESERVATIONS"):
                async with again:
                    raise AssertionError("it began")
        finally:
            points.hook = None

    run(work())


@pytest.mark.parametrize("n", range(0, 60, 3))
def test_killed_at_any_place_of_a_start_the_next_one_ends_the_same(harbour: Harbour, n: int) -> None:
    """A part, an end and a hand trade happened meanwhile; the start is cut at its n-th named place, and begun again."""

    class Killed(BaseException):
        pass

    async def work() -> None:
        async with Desk(harbour, {"one": {0: Ladder(0, RUNGS.rungs[:3])}}) as desk:
            desk.bar(0)
            await desk.until(lambda: len(harbour.resting()) == 3)
            await desk.idle()
        first, second, _ = harbour.account.open()
        harbour.ctl("fill", order_id=first.id, qty=2, price=99)
        harbour.rest("DELETE", f"/v2/orders/{first.id}")
        harbour.ctl("fill", order_id=second.id)
        harbour.by_hand("MSFT", "buy", 3)
        harbour.ctl("dividend", symbol="AAPL", amount=0.25)
        policy = Policy(hand="adopt")
        left = n

        def reached(place: str) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed(place)

        points.hook = reached
        broken = Desk(harbour, before=desk, policy=policy)
        try:
            async with broken:
                pass
        except Killed:
            broken.dead = True
        finally:
            points.hook = None
        async with Desk(harbour, before=broken, policy=policy) as again:
            again.agree()
            assert again.lots(0, "one") == 7 and again.lots(1, "") == 3 and again.lots(1, "one") == 0
            assert set(again.open()) == harbour.resting() and len(again.open()) == 1
            assert again.started.barred == []

    run(work())


def test_the_rounds_may_be_left_to_themselves(harbour: Harbour) -> None:
    """A loop of the rounds that dies ends them all, with its own error."""
    async def work() -> None:
        async with Desk(harbour, {"one": {}}) as desk:
            desk.rounds.every = Every(inflight=0.01, orders=9, positions=9, fills=9, payments=9)

            async def broken() -> bool:
                raise Broken("LAW", "a law did not hold")

            desk.rounds.inflight = broken  # type: ignore[method-assign]
            with pytest.raises(Broken, match="LAW"):
                await desk.rounds.run()

    run(work())


def test_small_things_of_a_start_and_of_rounds(harbour: Harbour) -> None:
    """The last days of a journal have no header; legs wait with their entry; a stream that turns twice the same way is one turn."""

    async def work() -> None:
        async with Desk(harbour, {"one": {}}) as desk:
            start = Start(desk.engine, desk.rounds, desk.clock, connect=desk.follow)
            start._same(Adjust(0, 0, -1, 0, 0.0, 0, "USD", "x"))
            start._quarantine()
            order, leg = Order(4, 0, BUY, 1), Order(5, 0, BUY, 1, parent=4)
            assert list(_about([Submit(Approved(order, (leg,))), Cancel(8), Amend(12), Note("x")])) == [4, 5, 8, 12]
            desk.engine.state.portfolio.base = "EUR"
            harbour.ctl("reset")
            with pytest.raises(Misconfigured, match="ACCOUNT_CURRENCY"):
                await start._open()
            desk.engine.state.portfolio.base = "USD"
            for up in (True, False, False):
                desk.rounds.turned("account", up, "")
            desk.rounds.turned("market", False, "")
            assert desk.rounds.links == "down" and desk.rounds.drain() == 0
            desk.rounds.hold()
            desk.rounds.hear(Adjust(0, 0, -1, 0, 0.0, 0, "USD", "x"))
            desk.rounds.hold()
            assert desk.rounds.drain() == 1
            assert set(desk.rounds.counts()) == {"done", "failed", "repaired"} and desk.rounds.counts()["done"]["whole"] >= 1
            assert [event.state for event in desk.stepped if isinstance(event, Link)] == ["down"]

    run(work())
