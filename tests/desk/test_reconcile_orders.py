"""Our orders against the venue's, row by row: what was shown, how long it was quiet, and what must follow. Ticks are seconds here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from argosy.core.events import Command, Fill, OrderUpdate, Reply, Split
from argosy.core.intents import Protection, Target
from argosy.core.orders import BUY, SELL, Type, Work
from argosy.core.shown import ShownFill, ShownOrder
from argosy.core.time import SECOND
from argosy.desk.executions import Executions
from argosy.desk.findings import Ask, Limits, Policy, Step, Tell, When, Withdraw
from argosy.desk.reconcile import KEPT, Quiet, Reconciler
from tests.walks.hand import Stage, sent

NAN = float("nan")


class Table:
    """One order for ten, bought at a limit of 9, and a comparison at second `at`; `order` is its number."""

    def __init__(self, lots: int = 10, policy: Policy | None = None, limits: Limits | None = None, **target: Any) -> None:
        self.stage = Stage({"one": {0: Target(0, lots=lots, **({"limit": 9.0} | target)), 5: Target(0, lots=0)}}, instruments=2)
        (order,) = sent(self.stage.bar(10.0))
        self.order = order.id
        self.state = self.stage.state
        self.ticket = self.state.blotter.tickets[order.id]
        self.own = Executions(self.stage.engine.instruments)
        self.books = Reconciler(self.state, self.own, policy=policy, limits=limits)
        self.settle()

    def when(self, at: float) -> When:
        return When(self.state.now + 1, int(at * SECOND))

    def row(self, work: Work | None = Work.WORKING, **more: Any) -> ShownOrder:
        return ShownOrder(**{
            "id": "v", "number": self.order, "ours": True, "instrument": 0, "symbol": "S0", "side": 1, "work": work, "lots": 10, "limit": 9.0, **more,
        })  # fmt: skip

    def shows(self, *rows: ShownOrder, at: float = 100.0, asked: float | None = None) -> list[Any]:
        return self.books.resting(rows, int((at if asked is None else asked) * SECOND), self.when(at))

    def told(self, *rows: ShownOrder, at: float = 100.0) -> list[Any]:
        return self.books.answered(self.order, rows, int(at * SECOND), self.when(at))

    def step(self, event: Any, at: float = 0.0) -> list[Any]:
        admitted = self.books.admit(event)
        if admitted is None:
            return []
        self.stage.engine.step(admitted)
        return self.books.heard(admitted, self.when(at))

    def fill(self, lots: int, cum: int, at: float = 0.0, price: float = 9.0, **more: Any) -> list[Any]:
        now = self.state.now
        return self.step(Fill(now, now, 0, more.pop("order", self.order), f"v:{cum}", 1, lots, price, round(lots * price * 1e6), 0), at)

    def work(self, work: Work) -> None:
        """It is so, and has been for long."""
        if work is Work.PENDING_REPLACE:
            self.stage.update(self.order, Work.WORKING)
        self.stage.update(self.order, work)
        self.settle()

    def settle(self) -> None:
        self.books.begin()
        self.books.go(0)

    def take(self, found: Sequence[Any]) -> None:
        """Step what was found."""
        for one in found:
            if isinstance(one, Step):
                self.step(one.event)


def codes(found: Sequence[Any]) -> list[str]:
    """What was found, in one word each."""
    out = []
    for one in found:
        if isinstance(one, Step):
            out.append(one.code)
        elif isinstance(one, Ask):
            out.append(f"ask {one.what}")
        elif isinstance(one, Tell):
            out.append(f"tell {one.alarm.code}")
        else:
            out.append("withdraw")
    return out


# -- what is open at both -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs", "found", "then"),
    [
        (Work.WORKING, Work.WORKING, [], Work.WORKING),
        (Work.WORKING, Work.ACKED, [], Work.WORKING),
        (Work.ACKED, Work.WORKING, ["ORDER_STATE"], Work.WORKING),
        (Work.ACKED, Work.ACKED, [], Work.ACKED),
        (Work.SENT, Work.ACKED, ["ORDER_STATE"], Work.ACKED),
        (Work.SENT, Work.WORKING, ["ORDER_STATE"], Work.WORKING),
        (Work.UNKNOWN, Work.WORKING, ["ORDER_STATE"], Work.WORKING),
        (Work.WORKING, Work.PENDING_CANCEL, ["ORDER_STATE"], Work.PENDING_CANCEL),
        (Work.PENDING_CANCEL, Work.PENDING_CANCEL, [], Work.PENDING_CANCEL),
        (Work.PENDING_CANCEL, Work.WORKING, ["CANCEL_LOST"], Work.WORKING),
        (Work.WORKING, Work.PENDING_REPLACE, ["ORDER_STATE"], Work.PENDING_REPLACE),
        (Work.PENDING_REPLACE, Work.PENDING_REPLACE, [], Work.PENDING_REPLACE),
        (Work.PENDING_REPLACE, Work.WORKING, ["AMEND_LOST"], Work.WORKING),
        (Work.WORKING, None, [], Work.WORKING),
        (Work.WORKING, Work.CANCELED, ["ORDER_ENDED"], Work.CANCELED),
        (Work.WORKING, Work.EXPIRED, ["ORDER_ENDED"], Work.EXPIRED),
        (Work.WORKING, Work.REJECTED, ["ORDER_ENDED"], Work.REJECTED),
        (Work.UNKNOWN, Work.CANCELED, ["ORDER_ENDED"], Work.CANCELED),
        (Work.PENDING_CANCEL, Work.CANCELED, ["ORDER_ENDED"], Work.CANCELED),
    ],
)  # fmt: skip
def test_where_an_order_is(ours: Work, theirs: Work | None, found: list[str], then: Work) -> None:
    table = Table()
    if ours is Work.UNKNOWN:
        table.stage.reply(table.order, outcome="ambiguous")
        table.settle()
    elif ours is not Work.SENT:
        table.work(ours)
    assert table.ticket.work is ours
    said = table.shows(table.row(theirs))
    assert codes(said) == found
    table.take(said)
    assert table.ticket.work is then


@pytest.mark.parametrize(
    ("shown", "lots", "limit"),
    [({"lots": 7}, 7, 9.0), ({"limit": 8.5}, 10, 8.5), ({"lots": 12, "limit": 8.0}, 12, 8.0), ({"limit": NAN}, 10, 9.0), ({"lots": 0}, 10, 9.0),
     ({"stop": 3.0}, 10, 9.0)],
)  # fmt: skip
def test_what_another_hand_changed_of_it_is_taken_over(shown: dict[str, Any], lots: int, limit: float) -> None:
    table = Table()
    table.work(Work.WORKING)
    said = table.shows(table.row(**shown))
    assert codes(said) == (["ORDER_CHANGED"] if (lots, limit) != (10, 9.0) else [])
    table.take(said)
    assert (table.ticket.order.lots, table.ticket.order.limit) == (lots, limit)


def test_an_amendment_of_ours_that_came_about_is_no_change_by_another() -> None:
    table = Table()
    table.work(Work.PENDING_REPLACE)
    said = table.shows(table.row(lots=8))
    assert codes(said) == ["ORDER_STATE"]
    table.take(said)
    assert (table.ticket.work, table.ticket.order.lots) == (Work.WORKING, 8)


def test_of_an_order_that_is_not_known_the_state_comes_first_and_then_what_it_is() -> None:
    table = Table()
    table.stage.reply(table.order, outcome="ambiguous")
    table.settle()
    table.take(table.shows(table.row(lots=8)))
    assert (table.ticket.work, table.ticket.order.lots) == (Work.WORKING, 10)
    assert codes(table.shows(table.row(lots=8), at=200.0)) == ["ORDER_CHANGED"]


def test_a_stop_that_moves_by_itself_has_not_changed_and_one_that_was_moved_has() -> None:
    for protection, kind, stop, found in (
        (Protection(trail=1.0), Type.TRAILING, 9.9, []), (Protection(stop=8.0), Type.STOP, 8.5, ["ORDER_CHANGED"]),
        (Protection(stop=8.0), Type.STOP, 8.0, []),
    ):  # fmt: skip
        table = Table(limit=NAN, protection=protection)
        table.stage.reply(table.order)
        guards = sent(table.stage.fill(table.order, 10, 10.0))
        if guards:
            table.stage.reply(guards[0].id)
        (guard,) = table.state.blotter.open[0].values()
        assert guard.order.type is kind and guard.work is Work.WORKING
        table.settle()
        row = table.row(number=guard.order.id, side=-1, limit=NAN, stop=stop)
        assert codes(table.shows(row)) == found


def test_a_cancel_that_was_lost_is_asked_anew() -> None:
    table = Table()
    table.work(Work.WORKING)
    for _ in range(5):
        table.stage.bar(10.0)
    assert table.ticket.cancelling
    table.settle()
    said = table.shows(table.row())
    assert codes(said) == ["CANCEL_LOST"]
    (one,) = said
    effects = table.stage.engine.step(one.event)
    assert [type(effect).__name__ for effect in effects] == ["Cancel"]


def test_a_cancel_under_way_for_long_is_told_once_and_never_believed() -> None:
    table = Table(limits=Limits(stuck=60 * SECOND))
    table.work(Work.PENDING_CANCEL)
    row = table.row(Work.PENDING_CANCEL)
    assert [codes(table.shows(row, at=at)) for at in (10, 69, 70, 71, 900)] == [[], [], ["tell CANCEL_STUCK"], [], []]
    assert table.ticket.work is Work.PENDING_CANCEL
    assert codes(table.shows(table.row(), at=910)) == ["CANCEL_LOST"]
    assert [codes(table.shows(row, at=at)) for at in (920, 979, 980)] == [[], [], ["tell CANCEL_STUCK"]]


# -- quantity -------------------------------------------------------------------------------------------------------------------


def test_what_is_less_than_we_know_is_old_news() -> None:
    table = Table()
    table.work(Work.WORKING)
    table.fill(4, 4)
    for work in (Work.WORKING, Work.CANCELED, Work.PENDING_CANCEL):
        assert table.shows(table.row(work, filled=3, cum=3)) == []
    assert table.books.stale == 3 and table.ticket.work is Work.WORKING


@pytest.mark.parametrize("work", [Work.WORKING, Work.CANCELED, Work.FILLED])
def test_more_than_we_know_asks_for_the_executions_before_anything_is_concluded(work: Work) -> None:
    table = Table()
    table.work(Work.WORKING)
    assert codes(table.shows(table.row(work, filled=4, cum=4))) == ["ask fills"]
    assert table.ticket.work is Work.WORKING
    table.fill(4, 4, at=100.0)
    said = table.told(table.row(work, filled=4, cum=4), at=106.0)
    assert codes(said) == ([] if work is Work.WORKING else ["tell FILL_DISAGREES"] if work is Work.FILLED else ["ORDER_ENDED"])


def test_executions_that_never_come_are_booked_at_the_average_and_not_again_when_they_come() -> None:
    """Four at 8.50 are known, the venue shows ten at 8.80: the six that must have been cost 8.80 x 10 - 8.50 x 4 = 54.00."""
    table = Table(limits=Limits(inferred=60 * SECOND))
    table.work(Work.WORKING)
    table.fill(4, 4, price=8.5)
    row = table.row(Work.FILLED, filled=10, cum=10, average=8.8)
    assert [codes(table.shows(row, at=at)) for at in (100, 159)] == [["ask fills"], ["ask fills"]]
    said = table.shows(row, at=160)
    assert codes(said) == ["FILL_INFERRED", "tell FILL_INFERRED"]
    fill = said[0].event
    assert (fill.execution, fill.lots, fill.notional, fill.price) == ("v:10", 6, 54_000_000, 9.0)
    table.take(said)
    assert table.stage.lots("one") == 10 and table.ticket.work is Work.FILLED
    for lots, cum in ((3, 7), (3, 10)):  # the real ones
        table.fill(lots, cum)
    assert table.stage.lots("one") == 10 and table.books.doubled == 2
    assert table.state.portfolio.cash[0] == 100_000_000_000 - 88_000_000


def test_an_average_that_cannot_be_is_not_used_backwards() -> None:
    """The average says less than what was paid already: the missing lots are booked at it, not at a price below nothing."""
    table = Table(limits=Limits(inferred=0))
    table.work(Work.WORKING)
    table.fill(9, 9, price=9.0)
    (step, _) = table.shows(table.row(Work.FILLED, filled=10, cum=10, average=1.0))
    assert (step.event.lots, step.event.notional) == (1, 1_000_000)


@pytest.mark.parametrize(("shown", "why"), [({"average": NAN}, "no average"), ({"cum": 0, "average": 9.0}, "not under this id")])
def test_what_cannot_be_inferred_is_asked_for_again(shown: dict[str, Any], why: str) -> None:
    table = Table(limits=Limits(inferred=0))
    table.work(Work.WORKING)
    row = table.row(**({"filled": 4, "cum": 4} | shown))
    assert [codes(table.shows(row, at=at)) for at in (100, 500, 900)] == [["ask fills"]] * 3, why


def test_each_further_fill_is_waited_for_anew() -> None:
    table = Table(limits=Limits(inferred=60 * SECOND))
    table.work(Work.WORKING)
    assert codes(table.shows(table.row(filled=4, cum=4, average=9.0), at=100)) == ["ask fills"]
    assert codes(table.shows(table.row(filled=6, cum=6, average=9.0), at=161)) == ["ask fills"]
    assert codes(table.shows(table.row(filled=6, cum=6, average=9.0), at=220)) == ["ask fills"]
    assert codes(table.shows(table.row(filled=6, cum=6, average=9.0), at=221)) == ["FILL_INFERRED", "tell FILL_INFERRED"]


def test_whole_for_less_than_was_asked() -> None:
    """The venue made the order smaller and filled it: it is over, for what it filled."""
    table = Table()
    table.work(Work.WORKING)
    table.fill(6, 6)
    said = table.told(table.row(Work.FILLED, filled=6, cum=6, lots=6))
    assert codes(said) == ["ORDER_ENDED"] and said[0].event == OrderUpdate(table.state.now + 1, table.state.now + 1, table.order, Work.FILLED, 6)
    table.take(said)
    assert (table.ticket.work, table.ticket.order.lots, table.stage.lots("one")) == (Work.FILLED, 6, 6)
    assert table.told(table.row(Work.FILLED, filled=6, cum=6, lots=6), at=200.0) == []


# -- quiet ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heard", "asked", "found"), [(95.1, 100.0, []), (95.0, 100.0, ["ORDER_ENDED"]), (99.0, 104.0, ["ORDER_ENDED"]), (101.0, 100.0, [])]
)
def test_only_an_order_that_was_quiet_before_the_question_is_judged(heard: float, asked: float, found: list[str]) -> None:
    table = Table()
    now = table.state.now
    table.step(OrderUpdate(now, now, table.order, Work.WORKING), at=heard)
    assert codes(table.shows(table.row(Work.CANCELED), at=105.0, asked=asked)) == found


def test_what_we_asked_of_it_ourselves_is_noise_too() -> None:
    table = Table()
    table.work(Work.WORKING)
    assert table.shows(at=100.0) == [Ask("order", table.order, "ORDER_ABSENT")]
    for _ in range(5):
        table.stage.bar(10.0)
    assert table.ticket.cancelling
    assert table.shows(at=200.0) == [] == table.shows(at=204.9)
    assert table.shows(at=205.0) == [Ask("order", table.order, "ORDER_ABSENT")]


def test_a_new_order_is_not_quiet_before_it_was_seen() -> None:
    table = Table()
    again = Reconciler(table.state, table.own)
    again.go(0)
    assert again.resting([], 100 * SECOND, table.when(100.0)) == []
    assert again.resting([], 105 * SECOND, table.when(105.0)) == [Ask("order", table.order, "ORDER_ABSENT")]


def test_what_a_comparison_found_itself_is_no_noise_but_what_it_led_to_is() -> None:
    table = Table()
    table.work(Work.WORKING)
    now = table.state.now
    table.stage.engine.step(Fill(now, now, 0, table.order, "v:4", 1, 4, 9.0, 36_000_000, 0))
    table.books.heard(Fill(now, now, 0, table.order, "v:4", 1, 4, 9.0, 36_000_000, 0), table.when(100.0), own=True)
    assert codes(table.shows(table.row(Work.CANCELED, filled=4, cum=4), at=100.1)) == ["ORDER_ENDED"]
    table = Table()
    table.work(Work.PENDING_CANCEL)
    event = OrderUpdate(now, now, table.order, Work.PENDING_CANCEL)
    table.books.heard(event, table.when(100.0), own=True)
    assert table.shows(table.row(), at=100.1) == []


def test_an_order_about_which_something_waits_to_be_sent_is_left_alone() -> None:
    table = Table()
    table.work(Work.WORKING)
    table.books.begin()
    table.books.held.add(table.order)
    assert table.shows(table.row(Work.CANCELED)) == [] == table.shows()
    table.books.go(100 * SECOND)
    assert table.shows(at=104.0) == [] and codes(table.shows(at=105.0)) == ["ask order"]


def test_quiet_forgets_orders_that_are_gone() -> None:
    quiet = Quiet(5)
    for number in range(1, KEPT + 3):
        quiet.noise(number, 0, 100)
    quiet.forget({1, 2})
    assert not quiet.order(1, 104) and quiet.order(3, 104)
    quiet.forget(())
    assert not quiet.order(1, 104)  # few are kept
    assert quiet.age(1, 107) == 7 and quiet.age(99_999, 107) == 112


# -- what is absent -----------------------------------------------------------------------------------------------------------------


def test_absence_alone_ends_nothing() -> None:
    table = Table()
    table.work(Work.WORKING)
    for at in range(100, 100_000, 5_000):
        assert table.shows(at=at) == [Ask("order", table.order, "ORDER_ABSENT")]
    assert table.ticket.work is Work.WORKING


@pytest.mark.parametrize(("lookups", "span", "believed"), [(5, 30.0, True), (4, 30.0, False), (5, 29.9, False), (50, 29.0, False)])
def test_no_such_order_is_believed_after_enough_times_over_enough_time(lookups: int, span: float, believed: bool) -> None:
    table = Table()
    found: list[Any] = []
    for k in range(lookups):
        found = table.told(at=100.0 + span * k / (lookups - 1))
    assert codes(found) == (["NOT_FOUND"] if believed else [])
    if believed:
        table.take(found)
        assert table.ticket.work is Work.REJECTED and table.told(at=500.0) == []


def test_not_of_one_that_filled_in_part_nor_of_one_that_was_answered_nor_of_a_leg() -> None:
    limits = Limits(lookups=1, over=0)
    table = Table(limits=limits)
    table.fill(4, 4)
    assert codes(table.told()) == ["tell ORDER_VANISHED"] and table.told(at=200.0) == []
    table = Table(limits=limits)
    table.work(Work.WORKING)
    assert codes(table.told()) == ["tell ORDER_VANISHED"]
    table = Table(limits=limits, limit=9.0, protection=Protection(stop=8.0))
    (leg,) = table.state.blotter.legs(table.order)
    assert codes(table.books.answered(leg, (), 100 * SECOND, table.when(100.0))) == ["tell ORDER_VANISHED"]


def test_to_be_there_once_begins_the_count_anew() -> None:
    table = Table(limits=Limits(lookups=2, over=0))
    assert table.told(at=100.0) == []
    table.told(table.row(Work.ACKED), at=110.0)
    assert codes(table.told(table.row(Work.ACKED), at=120.0)) == ["ORDER_STATE"]
    assert table.told(at=130.0) == [] and codes(table.told(at=140.0)) == ["NOT_FOUND"]


def test_an_answer_about_an_order_that_never_was_ours_says_nothing() -> None:
    table = Table(limits=Limits(lookups=1, over=0))
    assert table.books.answered(999, (), 0, table.when(1.0)) == []


def test_orders_without_an_answer_are_asked_for_the_longest_first() -> None:
    stage = Stage({"one": {0: Target(0, lots=5, limit=9.0)}, "two": {0: Target(1, lots=5, limit=9.0)}}, instruments=2)
    first, second = sent(stage.bar(10.0))[0], sent(stage.row(stage.rows[0].__class__(0, stage.now + 1, 1, 10.0, 10.0, 10.0, 10.0, 1.0, 60)))[0]
    books = Reconciler(stage.state, Executions(stage.engine.instruments))
    books.quiet.noise(first.id, 0, 10 * SECOND)
    books.quiet.noise(second.id, 1, 2 * SECOND)
    assert [ask.order for ask in books.inflight(20 * SECOND)] == [second.id, first.id]
    assert [ask.order for ask in books.inflight(14 * SECOND)] == [second.id]
    stage.reply(second.id)
    assert [ask.order for ask in books.inflight(20 * SECOND)] == [first.id]


def test_a_leg_hangs_on_its_entry_as_long_as_that_is_open() -> None:
    table = Table(protection=Protection(stop=8.0, take=12.0))
    legs = table.state.blotter.legs(table.order)
    assert len(legs) == 2 and [ask.order for ask in table.books.inflight(10 * SECOND)] == [table.order]
    table.stage.reply(table.order)
    assert table.shows(table.row()) == []
    assert [ask.order for ask in table.books.apart()] == [legs[0]]  # one of them tells of both
    table.stage.fill(table.order, 10, 9.0)
    assert [ask.order for ask in table.shows(at=200.0)] == [] and [ask.order for ask in table.shows(at=206.0)] == legs


# -- what is not ours, and what should be no more ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("ended", [Work.CANCELED, Work.REJECTED, Work.EXPIRED])
def test_an_order_that_is_over_here_and_works_there_is_taken_back(ended: Work) -> None:
    table = Table()
    table.work(ended)
    said = table.shows(table.row())
    assert codes(said) == ["withdraw", "tell ORDER_ORPHANED"] and said[0] == Withdraw("v", table.order)
    assert codes(table.shows(table.row(), at=200.0)) == ["withdraw"]
    assert table.shows(table.row(Work.CANCELED)) == [] == table.shows(table.row(None))
    assert codes(table.told(table.row(Work.CANCELED, filled=4, cum=4))) == ["ask fills"]


def test_not_of_one_that_ended_only_now() -> None:
    table = Table()
    now = table.state.now
    table.step(OrderUpdate(now, now, table.order, Work.CANCELED), at=98.0)
    assert table.shows(table.row(), at=100.0) == []
    assert codes(table.shows(table.row(), at=103.0)) == ["withdraw", "tell ORDER_ORPHANED"]


def test_an_order_of_our_name_that_no_book_knows_is_taken_back() -> None:
    table = Table()
    table.work(Work.WORKING)
    row = table.row(number=0, id="w")
    assert codes(table.shows(row, table.row())) == ["withdraw", "tell ORDER_ORPHANED"]
    assert table.shows(table.row(Work.CANCELED, number=0, id="w"), table.row()) == []


def test_an_order_that_filled_whole_here_and_is_open_there_with_less_is_old_news() -> None:
    table = Table()
    table.fill(10, 10)
    assert table.ticket.work is Work.FILLED
    assert table.shows(table.row(filled=4, cum=4)) == [] and table.books.stale == 1
    assert table.shows(table.row(filled=10, cum=10)) == []
    assert codes(table.shows(table.row(Work.FILLED, filled=12, cum=12))) == ["ask fills"]


def hand(**more: Any) -> ShownOrder:
    return ShownOrder(**{"id": "h", "instrument": 0, "symbol": "S0", "side": -1, "work": Work.WORKING, "lots": 3, **more})


@pytest.mark.parametrize(
    ("rule", "found"), [("halt", ["tell HAND_ORDER", "RECONCILE_DRIFT"]), ("adopt", ["tell HAND_ORDER"]), ("ignore", ["tell HAND_ORDER"])]
)
def test_an_order_of_another_hand_is_told_once_it_surely_is_one(rule: Any, found: list[str]) -> None:
    table = Table(policy=Policy(hand=rule))
    table.work(Work.WORKING)
    assert [codes(table.shows(table.row(), hand(), at=at)) for at in (100, 104.9, 105, 106)] == [[], [], found, []]
    assert table.books.balances.hands == {0}
    assert table.shows(table.row(), at=110) == [] and table.books.balances.hands == set()
    assert table.shows(table.row(), hand(), at=120) == []  # another, with its own time


def test_one_of_a_symbol_that_is_not_ours_halts_nothing() -> None:
    table = Table()
    table.work(Work.WORKING)
    table.shows(table.row(), hand(instrument=-1, symbol="ZZZ"), at=100)
    assert codes(table.shows(table.row(), hand(instrument=-1, symbol="ZZZ"), at=106)) == ["tell HAND_ORDER"]


# -- what comes in ----------------------------------------------------------------------------------------------------------------


def test_an_execution_is_admitted_once_and_a_part_of_one_for_what_is_new() -> None:
    table = Table()
    table.work(Work.WORKING)
    now = table.state.now

    def fill(lots: int, cum: int, name: str = "v") -> Fill:
        return Fill(now, now, 0, table.order, f"{name}:{cum}", 1, lots, 9.0, lots * 9_000_000, lots * 3)

    assert table.books.admit(fill(4, 4)) == fill(4, 4)
    assert table.books.admit(fill(4, 4)) is None and table.books.doubled == 1
    assert table.books.admit(fill(3, 10)) == fill(3, 10)  # before the one between them
    part = table.books.admit(fill(6, 10))  # six to ten are booked: three of its six are new
    assert part is not None
    assert (part.lots, part.notional, part.fee, part.execution) == (3, 27_000_000, 9, "v:10")
    assert table.books.admit(fill(3, 7)) is None
    assert table.books.admit(Reply(now, now, table.order, "submit", "accepted")) == Reply(now, now, table.order, "submit", "accepted")


def test_more_than_was_ordered_is_booked_told_and_stops_whose_order_it_was() -> None:
    table = Table()
    table.work(Work.WORKING)
    table.fill(10, 10)
    said = table.fill(2, 12)
    assert codes(said) == ["tell OVERFILL", "OVERFILL"]
    assert table.stage.lots("one") == 10 and table.stage.lots("") == 2
    assert isinstance(said[1].event, Command) and (said[1].event.verb, said[1].event.strategy) == ("pause", "one")
    table.take(said)
    assert table.state.status["one"] == "paused"
    assert table.fill(1, 13) == []  # it stands already


def test_a_fill_of_an_order_that_was_refused_and_of_one_that_nobody_knows() -> None:
    table = Table()
    table.stage.reply(table.order, outcome="refused")
    assert codes(table.fill(4, 4)) == ["tell FILL_AFTER_REFUSAL"] and table.stage.lots("one") == 4
    assert codes(table.fill(4, 4, order=999_999)) == []  # the same
    assert codes(table.fill(4, 8, order=999_999)) == ["tell FILL_UNKNOWN"] and table.stage.lots("") == 4


def test_an_answer_about_an_order_that_nobody_knows_is_no_harm() -> None:
    table = Table()
    now = table.state.now
    assert table.step(Reply(now, now, 999_999, "submit", "accepted")) == []


def test_a_split_rescales_what_is_covered() -> None:
    table = Table()
    table.work(Work.WORKING)
    table.fill(4, 4)
    now = table.state.now
    table.step(Split(now, now, 0, 0.5))
    assert table.own.total("v") == 2 and table.books.balances.splits == [(now, 0)]
    assert table.books.balances._executions.lacks("v:4", 0, 2) == 2


# -- at a start --------------------------------------------------------------------------------------------------------------------


def test_at_a_start_nothing_need_have_been_quiet() -> None:
    table = Table()
    now = table.state.now
    table.step(OrderUpdate(now, now, table.order, Work.WORKING), at=99.9)
    table.books.begin()
    assert codes(table.shows(table.row(Work.CANCELED), hand())) == ["ORDER_ENDED", "tell HAND_ORDER", "RECONCILE_DRIFT"]
    table.books.go(0)
    assert not table.books.still


def test_at_a_start_less_than_we_know_may_be_a_chain_of_which_only_the_end_is_known() -> None:
    table = Table()
    table.work(Work.WORKING)
    table.fill(4, 4)
    table.books.begin()
    row = table.row(filled=0, cum=0)
    assert table.shows(row) == [Ask("order", table.order, "CHAIN")]
    assert table.told(row) == [] == table.shows(row)  # asked once


def test_sides_are_what_they_are() -> None:
    """A sale whose executions never come is booked at its average with the sign of a sale."""
    table = Table(limits=Limits(inferred=0), lots=-10, limit=11.0)
    assert table.ticket.order.side == SELL != BUY
    table.work(Work.WORKING)
    (step, _) = table.shows(table.row(Work.FILLED, side=-1, filled=10, cum=10, average=11.5, limit=11.0))
    assert (step.event.side, step.event.lots, step.event.notional) == (-1, 10, -115_000_000)
    table.step(step.event)
    assert table.stage.lots("one") == -10 and table.state.portfolio.cash[0] == 100_115_000_000


def test_executions_that_are_read_make_the_books_whole() -> None:
    table = Table()
    table.work(Work.WORKING)
    rows = [
        ShownFill(name=f"v:{cum}", number=table.order, ours=True, instrument=0, symbol="S0", side=1, lots=lots, price=9.0, notional=lots * 9_000_000)
        for lots, cum in ((4, 4), (6, 10))
    ]  # fmt: skip
    for _ in range(2):
        table.take(list(table.books.balances.moved(rows, None, table.state.now)))
    assert table.stage.lots("one") == 10 and table.ticket.work is Work.FILLED and table.books.doubled == 0


def test_after_a_restart_it_knows_what_the_journal_knows() -> None:
    from argosy.desk.recover import recover

    table = Table(protection=Protection(stop=8.0))
    table.fill(10, 10)
    table.state.drifted.add(1)
    again = Reconciler(table.state, Executions(table.stage.engine.instruments))
    again.begin(recover(table.stage.engine.journal.records(), table.stage.engine.instruments))
    now = table.state.now
    assert again.admit(Fill(now, now, 0, table.order, "v:10", 1, 10, 9.0, 90_000_000, 0)) is None
    assert again.balances.barred == {1: "it did when the desk ended"}
    assert [ask.code for ask in again.apart()] == ["LEG"]
