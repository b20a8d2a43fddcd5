"""HEART §8: an order's way and its quantity are two things; only evidence ends an order, and an execution is applied once."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.core.effects import Amend, Cancel
from argosy.core.errors import Broken
from argosy.core.events import Bust, OrderUpdate, Reply, Reversal
from argosy.core.intents import Ladder, Protection, Rung, Target
from argosy.core.orders import BUY, EDGES, TERMINAL, Order, Tif, Work
from argosy.core.time import MINUTE
from argosy.engine.journal import Verdict
from tests.walks.hand import USD, Stage, canceled, fills, lots, orders, play, records, resting, sent

LIMIT = Target(0, lots=10, limit=9.5, tif=Tif.GTC)
STARTS = (Work.SENT, Work.ACKED, Work.WORKING, Work.PENDING_CANCEL, Work.PENDING_REPLACE, Work.UNKNOWN)


def staged(start: Work) -> tuple[Stage, Order]:
    """A stage with one order of 10 at 9.50 (or the stop of one, which can be amended) that stands at `start`."""
    if start is Work.PENDING_REPLACE:
        stage = Stage({"a": {0: Target(0, lots=10, protection=Protection(stop=9.0)), 1: Target(0, lots=10, protection=Protection(stop=9.2))}})
        (entry,) = stage.accept(stage.bar(10.0))
        stage.fill(entry.id, 10, 10.0)
        (amend,) = [effect for effect in stage.bar(10.0) if isinstance(effect, Amend)]
        return stage, stage.state.blotter.tickets[amend.order].order
    stage = Stage({"a": {0: LIMIT, 1: Target(0, lots=0) if start is Work.PENDING_CANCEL else None}})
    (order,) = sent(stage.bar(10.0))
    if start is Work.ACKED:
        stage.update(order.id, Work.ACKED)
    elif start is Work.UNKNOWN:
        stage.reply(order.id, outcome="ambiguous")
    elif start is not Work.SENT:
        stage.reply(order.id)
    if start is Work.PENDING_CANCEL:
        assert canceled(stage.bar(10.0)) == [order.id]
    return stage, order


@pytest.mark.parametrize("end", list(Work), ids=lambda work: f"to_{work.name}")
@pytest.mark.parametrize("start", STARTS, ids=lambda work: work.name)
def test_every_edge_of_the_table_is_walked_and_every_other_is_broken(start: Work, end: Work) -> None:
    stage, order = staged(start)
    assert stage.work(order.id) is start
    if end in EDGES[start] or end is start:
        stop = 9.2 if start is Work.PENDING_REPLACE else float("nan")  # the new terms, or the engine asks for them again
        stage.engine.step(OrderUpdate(stage.now, stage.now, order.id, end, stop=stop))
        assert stage.work(order.id) is end
        assert (order.id in stage.state.blotter.open[0]) == (end not in TERMINAL)
        stage.state.portfolio.check()
    else:
        with pytest.raises(Broken, match="ORDER_EDGE"):
            stage.update(order.id, end)


@pytest.mark.parametrize("end", [Work.CANCELED, Work.EXPIRED, Work.REJECTED, Work.FILLED])
def test_word_that_comes_after_an_orders_end_changes_nothing(end: Work) -> None:
    stage, order = staged(Work.WORKING)
    if end is Work.FILLED:
        stage.fill(order.id, 10, 9.5)
    else:
        stage.update(order.id, end)
    before = stage.state.hash
    for late in (Work.WORKING, Work.CANCELED, Work.ACKED):
        assert stage.update(order.id, late) == ()
    stage.reply(order.id, "cancel", "refused")
    assert stage.work(order.id) is end
    assert stage.state.hash == before


# -- quantity -----------------------------------------------------------------------------------------------------------


def test_an_execution_is_applied_once() -> None:
    stage, order = staged(Work.WORKING)
    for _ in range(3):
        stage.fill(order.id, 4, 9.5, "x-7")
    assert (stage.lots("a"), stage.state.blotter.tickets[order.id].cum) == (4, 4)
    assert stage.state.portfolio.cash[0] == (100_000 - 38) * USD


def test_an_execution_is_applied_once_also_after_its_order_ended() -> None:
    stage, order = staged(Work.WORKING)
    stage.fill(order.id, 10, 9.5, "x-7")
    stage.fill(order.id, 10, 9.5, "x-7")
    assert (stage.lots("a"), stage.lots("")) == (10, 0)


def test_an_execution_of_a_stranger_is_applied_once_too() -> None:
    stage, _ = staged(Work.WORKING)
    stage.fill(999, 4, 9.5, "hand")
    stage.fill(999, 4, 9.5, "hand")
    assert stage.lots("") == 4


def test_quantity_and_way_are_counted_apart() -> None:
    """Filled in parts while a cancel is on its way: the way stays PENDING_CANCEL, the quantity counts."""
    stage, order = staged(Work.PENDING_CANCEL)
    stage.fill(order.id, 3, 9.5)
    ticket = stage.state.blotter.tickets[order.id]
    assert (ticket.work, ticket.cum, ticket.leaves) == (Work.PENDING_CANCEL, 3, 7)
    stage.fill(order.id, 7, 9.5)
    assert (ticket.work, ticket.cum, ticket.leaves) == (Work.FILLED, 10, 0)


@pytest.mark.parametrize("end", [Work.CANCELED, Work.EXPIRED])
def test_a_late_fill_of_an_ended_order_is_booked(end: Work) -> None:
    stage, order = staged(Work.WORKING)
    stage.update(order.id, end)
    stage.fill(order.id, 4, 9.5)
    ticket = stage.state.blotter.tickets[order.id]
    assert (stage.lots("a"), ticket.work, ticket.cum) == (4, end, 4)
    stage.fill(order.id, 6, 9.5)
    assert (stage.lots("a"), ticket.work, ticket.cum) == (10, Work.FILLED, 10)
    stage.state.portfolio.check()


def test_a_late_fill_of_what_was_wanted_is_kept() -> None:
    """10 were wanted; the venue expires the order and then reports its fill after all: that is the 10 that were wanted."""
    stage, order = staged(Work.WORKING)
    stage.update(order.id, Work.EXPIRED)
    assert sent(stage.fill(order.id, 10, 9.5)) == []


def test_a_late_fill_after_our_own_cancel_is_held_against_the_standing_target() -> None:
    """0 is wanted now, the cancel was confirmed, and 4 fill late: they are sold."""
    stage, order = staged(Work.PENDING_CANCEL)
    stage.reply(order.id, "cancel")
    stage.update(order.id, Work.CANCELED)
    out = sent(stage.fill(order.id, 4, 9.5))
    assert [(one.side * one.lots, one.reduce_only) for one in out] == [(-4, True)]


def test_a_fill_that_comes_before_the_answer_is_evidence() -> None:
    stage, order = staged(Work.SENT)
    stage.fill(order.id, 4, 9.5)
    assert stage.work(order.id) is Work.WORKING
    stage.reply(order.id)
    assert (stage.work(order.id), stage.lots("a")) == (Work.WORKING, 4)


def test_a_refusal_that_comes_after_a_fill_ends_only_the_rest() -> None:
    stage, order = staged(Work.SENT)
    stage.fill(order.id, 4, 9.5)
    stage.reply(order.id, outcome="refused", code="LATE")
    assert (stage.work(order.id), stage.lots("a")) == (Work.REJECTED, 4)
    stage.state.portfolio.check()


# -- unknown ------------------------------------------------------------------------------------------------------------


def test_an_ambiguous_answer_makes_an_order_unknown_and_nothing_is_sent_in_its_stead() -> None:
    """A time-out of an order of 10: the target of 15, then of 3, waits; a second order could double the position."""
    stage = Stage({"a": {0: LIMIT, 1: Target(0, lots=15), 2: Target(0, lots=3), 3: Target(0, lots=0)}})
    (order,) = sent(stage.bar(10.0))
    assert stage.reply(order.id, outcome="ambiguous") == ()
    assert stage.work(order.id) is Work.UNKNOWN
    assert [sent(stage.bar(10.0)) for _ in range(3)] == [[], [], []]
    assert stage.work(order.id) is Work.UNKNOWN


def test_what_is_unknown_counts_as_if_it_would_fill() -> None:
    """A limit of 12 lots a position: with 10 unknown only 2 of a rung of 5 may go."""
    plan = {0: LIMIT, 1: Ladder(0, (Rung("x", BUY, 9.0, 5),))}
    stage = Stage({"a": plan}, limits={"position": {"max_lots": 12}})
    (order,) = sent(stage.bar(10.0))
    stage.reply(order.id, outcome="ambiguous")
    assert [(one.tag, one.lots) for one in sent(stage.bar(10.0))] == [("rung:x", 2)]


@pytest.mark.parametrize(
    ("evidence", "work", "held"),
    [
        (lambda stage, order: stage.reply(order), Work.WORKING, 0),
        (lambda stage, order: stage.update(order, Work.WORKING), Work.WORKING, 0),
        (lambda stage, order: stage.fill(order, 3, 9.5), Work.WORKING, 3),
        (lambda stage, order: stage.fill(order, 10, 9.5), Work.FILLED, 10),
        (lambda stage, order: stage.update(order, Work.CANCELED), Work.CANCELED, 0),
        (lambda stage, order: stage.update(order, Work.EXPIRED), Work.EXPIRED, 0),
        (lambda stage, order: stage.reply(order, outcome="refused", code="NO"), Work.REJECTED, 0),
    ],
)
def test_only_evidence_ends_the_unknown(evidence: Any, work: Work, held: int) -> None:
    stage, order = staged(Work.UNKNOWN)
    stage.reply(order.id, outcome="ambiguous")
    stage.bar(10.0)
    assert stage.work(order.id) is Work.UNKNOWN
    evidence(stage, order.id)
    assert (stage.work(order.id), stage.lots("a")) == (work, held)


def test_after_the_unknown_has_ended_the_standing_target_goes_on() -> None:
    stage = Stage({"a": {0: LIMIT, 1: Target(0, lots=15)}})
    (order,) = sent(stage.bar(10.0))
    stage.reply(order.id, outcome="ambiguous")
    stage.bar(10.0)
    effects = stage.fill(order.id, 4, 9.5)  # it rests after all, at a limit that is not wanted any more
    assert canceled(effects) == [order.id]
    stage.reply(order.id, "cancel")
    assert [one.lots for one in sent(stage.update(order.id, Work.CANCELED))] == [11]


def test_the_end_of_an_order_of_an_older_target_takes_nothing_off_the_new_one() -> None:
    """10 were on their way when 15 were wanted; the venue says that the 10 are canceled: 15 lack, not 5."""
    stage = Stage({"a": {0: LIMIT, 1: Target(0, lots=15)}})
    (order,) = sent(stage.bar(10.0))
    stage.reply(order.id, outcome="ambiguous")
    stage.bar(10.0)
    assert [one.lots for one in sent(stage.update(order.id, Work.CANCELED))] == [15]


def test_when_the_unknown_turns_out_to_rest_the_new_target_is_pursued() -> None:
    stage = Stage({"a": {0: LIMIT, 1: Target(0, lots=15)}})
    (order,) = sent(stage.bar(10.0))
    stage.reply(order.id, outcome="ambiguous")
    stage.bar(10.0)
    assert canceled([*stage.reply(order.id), *stage.bar(10.0)]) == [order.id]


def test_a_stop_moved_before_its_answer_came_is_moved_when_it_comes() -> None:
    """The stop of 9.00 is on its way when the strategy wants 9.20; the venue then accepts it."""
    plan = {0: Target(0, lots=10), 1: Target(0, lots=10, protection=Protection(stop=9.0)), 2: Target(0, lots=10, protection=Protection(stop=9.2))}
    stage = Stage({"a": plan})
    stage.buy(stage.bar(10.0), 10.0)
    (stop,) = sent(stage.bar(10.0))
    effects = [*stage.bar(10.0), *stage.reply(stop.id), *stage.bar(10.0)]
    assert [effect.stop for effect in effects if isinstance(effect, Amend)] == [9.2]


def test_an_ambiguous_cancel_leaves_an_order_that_may_still_fill() -> None:
    stage, order = staged(Work.PENDING_CANCEL)
    stage.reply(order.id, "cancel", "ambiguous")
    assert stage.work(order.id) is Work.UNKNOWN
    stage.fill(order.id, 10, 9.5)
    assert stage.lots("a") == 10
    stage.state.portfolio.check()


def test_an_ambiguous_answer_after_the_venue_showed_the_order_changes_nothing() -> None:
    stage, order = staged(Work.WORKING)
    stage.reply(order.id, outcome="ambiguous")
    assert stage.work(order.id) is Work.WORKING


def test_a_cancel_that_came_too_late_leaves_the_order_working() -> None:
    stage, order = staged(Work.PENDING_CANCEL)
    stage.reply(order.id, "cancel", "refused", "TOO_LATE")
    assert stage.work(order.id) in (Work.WORKING, Work.PENDING_CANCEL)


# -- the venue says no --------------------------------------------------------------------------------------------------


def test_a_refusal_of_the_venue_gives_the_wish_up_and_is_not_asked_again() -> None:
    stage = Stage({"a": dict.fromkeys(range(4), LIMIT)})
    (order,) = sent(stage.bar(10.0))
    assert stage.reply(order.id, outcome="refused", code="NO_BUYING_POWER") == ()
    assert stage.work(order.id) is Work.REJECTED
    assert [sent(stage.bar(10.0)) for _ in range(3)] == [[], [], []]


def leaving(want: int) -> tuple[Stage, list[Order]]:
    """10 held, guarded at 9.00; the strategy wants fewer, the stop has gone, and this is what is sent then."""
    stage = Stage({"a": {0: Target(0, lots=10, protection=Protection(stop=9.0)), 1: Target(0, lots=want)}})
    (entry,) = stage.accept(stage.bar(10.0))
    stage.update(entry.id + 1, Work.ACKED)
    stage.fill(entry.id, 10, 10.0)
    assert canceled(stage.bar(10.0)) == [entry.id + 1]
    stage.reply(entry.id + 1, "cancel")
    return stage, sent(stage.update(entry.id + 1, Work.CANCELED))


def test_a_part_that_leaves_leaves_a_guarded_rest() -> None:
    stage, out = leaving(4)
    exit = next(order for order in out if not order.tag)
    assert (exit.side * exit.lots, exit.reduce_only) == (-6, True)
    stage.accept([])
    for order in out:
        stage.reply(order.id)
    stage.fill(exit.id, -6, 10.0)
    guards = [ticket.order for ticket in stage.state.blotter.open[0].values() if ticket.order.tag == "stop"]
    assert [(order.side, order.stop) for order in guards] == [(-1, 9.0)]


def test_an_exit_and_the_guard_beside_it_are_no_more_than_is_held() -> None:
    """Decision 008: venues reserve the shares of a resting stop and refuse the exit; what is left is guarded after the fill."""
    _, out = leaving(4)
    assert sum(order.lots for order in out) <= 10


def test_a_refused_exit_of_a_guarded_position_puts_the_guard_back() -> None:
    """The stop went first, the exit was refused: what is still held is guarded again."""
    stage, (exit,) = leaving(0)
    out = sent(stage.reply(exit.id, outcome="refused", code="NO"))
    assert [(order.tag, order.side * order.lots, order.stop) for order in out] == [("stop", -10, 9.0)]


def test_a_day_order_that_the_venue_expires_gives_its_wish_up() -> None:
    stage = Stage({"a": {0: Target(0, lots=10, limit=9.5), 1: Target(0, lots=10, limit=9.5)}})
    (order,) = stage.accept(stage.bar(10.0))
    stage.fill(order.id, 4, 9.5)
    assert stage.update(order.id, Work.EXPIRED) == ()
    assert sent(stage.bar(10.0)) == []
    assert stage.state.wishes["a", 0].lots == 4


def test_an_amend_of_the_venue_changes_lots_and_prices_of_the_same_order() -> None:
    stage, order = staged(Work.WORKING)
    stage.engine.step(OrderUpdate(stage.now, stage.now, order.id, Work.WORKING, 6, 9.4))
    ticket = stage.state.blotter.tickets[order.id]
    assert (ticket.order.lots, ticket.order.limit, ticket.order.id) == (6, 9.4, order.id)


def test_an_answer_about_an_order_that_we_do_not_know_changes_nothing() -> None:
    stage, _ = staged(Work.WORKING)
    before = stage.state.hash
    stage.reply(777)
    stage.update(778, Work.CANCELED)
    assert stage.state.hash == before
    assert stage.state.blotter.stale == 2


# -- what is taken back -------------------------------------------------------------------------------------------------


def bust(stage: Stage, kind: type, execution: str) -> Any:
    return stage.tell(kind, execution)


@pytest.mark.parametrize("kind", [Bust, Reversal])
def test_an_execution_taken_back_is_undone_to_the_unit_with_its_fee(kind: type) -> None:
    stage, order = staged(Work.WORKING)
    stage.fill(order.id, 4, 9.5, "x-1", fee=123_457)
    assert stage.state.portfolio.cash[0] == (100_000 - 38) * USD - 123_457
    bust(stage, kind, "x-1")
    portfolio = stage.state.portfolio
    assert (stage.lots("a"), portfolio.cash[0], portfolio.books["a"].fees[0], portfolio.books["a"].cost[0]) == (0, 100_000 * USD, 0, 0)
    assert stage.state.blotter.tickets[order.id].cum == 0
    portfolio.check()


@pytest.mark.parametrize("kind", [Bust, Reversal])
def test_it_is_undone_once_and_a_strangers_too(kind: type) -> None:
    stage, order = staged(Work.WORKING)
    stage.fill(order.id, 4, 9.5, "x-1")
    stage.fill(999, 3, 9.5, "hand")
    for execution in ("x-1", "x-1", "hand", "hand", "never"):
        bust(stage, kind, execution)
    assert (stage.lots("a"), stage.lots(""), stage.state.portfolio.cash[0]) == (0, 0, 100_000 * USD)


def test_a_shared_execution_is_taken_back_from_those_who_had_it() -> None:
    stage = Stage({"a": {0: Target(0, lots=5)}, "b": {0: Target(0, lots=5)}})
    (order,) = stage.accept(stage.bar(10.0))
    stage.fill(order.id, 3, 10.0, "x-1")
    stage.fill(order.id, 4, 10.0, "x-2")
    assert (stage.lots("a"), stage.lots("b")) == (4, 3)
    bust(stage, Bust, "x-1")  # of which a had 2 and b 1
    assert (stage.lots("a"), stage.lots("b")) == (2, 2)
    stage.state.portfolio.check()


def test_after_a_bust_the_standing_target_lacks_it_and_asks_again() -> None:
    stage = Stage({"a": {0: Target(0, lots=10)}})
    (order,) = stage.accept(stage.bar(10.0))
    stage.fill(order.id, 10, 10.0, "x-1")
    out = sent(bust(stage, Bust, "x-1"))
    assert [one.side * one.lots for one in out] == [10]
    assert out[0].id != order.id


def test_after_a_reversal_its_order_is_open_again_and_nothing_is_sent_beside_it() -> None:
    stage = Stage({"a": {0: Target(0, lots=10)}})
    (order,) = stage.accept(stage.bar(10.0))
    stage.fill(order.id, 10, 10.0, "x-1")
    assert sent(bust(stage, Reversal, "x-1")) == []
    assert stage.work(order.id) is Work.WORKING
    assert list(stage.state.blotter.open[0]) == [order.id]
    stage.fill(order.id, 10, 10.1, "x-2")
    assert (stage.lots("a"), stage.work(order.id)) == (10, Work.FILLED)


def test_a_busted_execution_that_is_told_again_stays_undone() -> None:
    """A venue that replays its stream after a reconnect tells the old execution once more."""
    stage, order = staged(Work.WORKING)
    stage.fill(order.id, 4, 9.5, "x-1")
    bust(stage, Bust, "x-1")
    stage.fill(order.id, 4, 9.5, "x-1")
    assert stage.lots("a") == 0


# -- through the venue --------------------------------------------------------------------------------------------------


def test_the_gate_denies_before_anything_is_sent() -> None:
    """DENIED is no order on its way: it is a verdict in the journal, with its number, and nothing rests."""
    run = play({"a": {0: Target(0, lots=50)}}, [10.0, 10.0], limits={"order_size": {"max_lots": 20}})
    (verdict,) = records(run, Verdict)
    assert verdict.order.id > 0
    assert orders(run) == []
    assert records(run, Reply, Cancel) == []


def test_an_order_of_the_real_venue_walks_from_sent_to_filled() -> None:
    """Fills of a capped volume, 3 a bar, of 7: 3, 3, 1; every record is in its order."""
    run = play({"a": {0: Target(0, lots=7)}}, [10.0] * 5, participation_frac=3e-6)
    assert fills(run) == [(1, 3, 10.0), (2, 3, 10.0), (3, 1, 10.0)]
    ticket = run.engine.state.blotter.tickets[orders(run)[0].id]
    assert (ticket.work, ticket.cum, list(ticket.executions)) == (Work.FILLED, 7, [f"{ticket.order.id}-{k}" for k in (1, 2, 3)])


def test_a_day_order_of_the_real_venue_ends_with_its_session() -> None:
    from argosy.core.events import Session

    events = [Session(0, 0, "24/7", True, 0, 3 * MINUTE), Session(3 * MINUTE, 3 * MINUTE, "24/7", False, 0, 3 * MINUTE)]
    run = play({"a": {0: Target(0, lots=7, limit=9.0)}}, [10.0] * 5, events=events)
    assert [update.work for update in records(run, OrderUpdate)] == [Work.EXPIRED]
    assert (resting(run), lots(run, "a")) == ([], 0)
