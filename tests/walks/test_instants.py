"""HEART §1: events of one `known` are one instant: all state first, then handlers by strategy id, then one decision."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.core.effects import Cancel, SetTimer
from argosy.core.events import Account, Bar, CashFlow, Command, Fact, Session, Timer
from argosy.core.intents import Target
from argosy.core.time import MINUTE
from argosy.engine.journal import Reserve, Rows
from argosy.engine.journal import Wanted as WantedRecord
from tests.walks.hand import USD, Stage, fills, play, records, sent, wire


def test_now_is_the_greatest_known_seen() -> None:
    stage = Stage({"a": {}})
    stage.bar(100.0)
    assert stage.now == MINUTE
    stage.engine.step(Fact(0, MINUTE // 2, "src", "late", 1.0))
    assert stage.now == MINUTE


def test_a_handler_sees_the_whole_instant_applied() -> None:
    """The first instrument's handler already sees the second's mark, the deposit and the fact of the same moment."""
    seen: list[tuple[int, float, float, float, float]] = []

    class Looks:
        def on_bar(self, bar: Bar, book: Any) -> None:
            fact = book.fact("cpi")
            seen.append((bar.instrument, book.mark(0), book.mark(1), book.equity, fact.value if fact else 0.0))

    events = [CashFlow(MINUTE, MINUTE, "USD", 50 * USD, "a"), Fact(MINUTE, MINUTE, "src", "cpi", 3.5)]
    play({"a": Looks}, [10.0, 11.0], [20.0, 21.0], events=events)
    assert seen == [
        (0, 10.0, 20.0, 100_050.0, 3.5), (1, 10.0, 20.0, 100_050.0, 3.5),
        (0, 11.0, 21.0, 100_050.0, 3.5), (1, 11.0, 21.0, 100_050.0, 3.5),
    ]  # fmt: skip


@pytest.mark.parametrize("rows", [([10.0, 11.0],), ([10.0, 11.0], [20.0, 21.0])])
def test_what_is_known_with_a_bar_is_applied_before_the_bars_handler(rows: Any) -> None:
    """A deposit, a fact and a session known at the moment of the first bar are of its instant, however many instruments there are."""
    seen: list[tuple[float, bool]] = []

    class Looks:
        def on_bar(self, bar: Bar, book: Any) -> None:
            if bar.ts == 0 and bar.instrument == 0:
                seen.append((book.equity, book.fact("cpi") is not None))

    events = [CashFlow(MINUTE, MINUTE, "USD", 50 * USD, "a"), Fact(MINUTE, MINUTE, "src", "cpi", 3.5)]
    play({"a": Looks}, *rows, events=events)
    assert seen == [(100_050.0, True)]


def test_strategies_are_called_by_id_each_on_all_events_then_on_instant() -> None:
    calls: list[str] = []

    def scribe(name: str) -> type:
        class Scribe:
            def on_bar(self, bar: Bar, book: Any) -> None:
                calls.append(f"{name}:bar{bar.instrument}")

            def on_fact(self, fact: Fact, book: Any) -> None:
                calls.append(f"{name}:fact")

            def on_timer(self, timer: Timer, book: Any) -> None:
                calls.append(f"{name}:timer")

            def on_instant(self, book: Any) -> None:
                calls.append(f"{name}:instant")

        return Scribe

    events = [Timer(MINUTE, MINUTE, "tea"), Fact(MINUTE, MINUTE, "src", "cpi")]
    play({"zoe": scribe("zoe"), "ann": scribe("ann")}, [10.0], [20.0], events=events)
    own = ["bar0", "bar1", "fact", "timer"]
    assert calls == [f"ann:{what}" for what in own] + [f"zoe:{what}" for what in own] + ["ann:instant", "zoe:instant"]


def test_events_of_an_instant_are_recorded_by_kind_then_instrument() -> None:
    events = [
        Timer(MINUTE, MINUTE, "tea"), Fact(MINUTE, MINUTE, "src", "two", instrument=1), Fact(MINUTE, MINUTE, "src", "one", instrument=0),
        CashFlow(MINUTE, MINUTE, "USD", 5), Command(MINUTE, MINUTE, "pause", "me", "why", "a"),
    ]  # fmt: skip
    run = play({"a": {}}, [10.0], [20.0], events=events)
    own = records(run, Command, CashFlow, Fact, Timer)[1:]  # the first is the start capital
    assert [(type(event).__name__, getattr(event, "name", "")) for event in own] == [
        ("Command", ""), ("CashFlow", ""), ("Fact", "one"), ("Fact", "two"), ("Timer", "tea"),
    ]  # fmt: skip


def test_there_is_one_decision_an_instant() -> None:
    """The last word of an instant is planned: 3, then 5 of the same strategy is one order of 5, not 3 and 2."""

    class Wavers:
        def on_bar(self, bar: Bar, book: Any) -> Any:
            return Target(0, lots=3) if bar.ts == 0 else None

        def on_instant(self, book: Any) -> Any:
            return Target(0, lots=5) if book.now == MINUTE else None

    run = play({"a": Wavers}, [10.0, 10.0])
    assert [reserve.submit.approved.order.lots for reserve in records(run, Reserve)] == [5]
    assert [record.lots for record in records(run, WantedRecord)] == [3, 5]


def test_orders_of_an_instant_go_out_exits_first_then_by_strategy_instrument_and_tag() -> None:
    plan_a = {0: (Target(1, lots=7), Target(2, lots=4)), 2: (Target(0, lots=6), Target(1, lots=0))}
    plan_b = {0: Target(2, lots=9), 2: Target(2, lots=3)}
    run = wire({"a": plan_a, "b": plan_b}, [10.0] * 4, [20.0] * 4, [30.0] * 4)
    run.go()
    second = [reserve.submit.approved.order for reserve in records(run, Reserve)][2:]
    assert [(order.shares[0].strategy, order.instrument, order.side * order.lots) for order in second] == [
        ("a", 1, -7), ("b", 2, -6), ("a", 0, 6),
    ]  # fmt: skip


def test_permuting_the_rows_of_an_instant_changes_nothing() -> None:
    plan = {0: (Target(0, lots=1), Target(1, lots=2), Target(2, lots=3))}
    runs = []
    for order in ((0, 1, 2), (2, 0, 1)):
        run = wire({"a": plan}, [10.0, 11.0], [20.0, 21.0], [30.0, 31.0])
        source = run.replay.source.tapes[0]
        index = [*order, *(3 + k for k in order)]
        other = wire({"a": plan}, [10.0, 11.0], [20.0, 21.0], [30.0, 31.0])
        other.replay = type(run.replay)(other.engine, other.market, [source.take(index)])  # type: ignore[arg-type]
        other.go()
        runs.append(other)
    assert runs[0].engine.state.hash == runs[1].engine.state.hash
    assert runs[0].engine.journal.chain == runs[1].engine.journal.chain


def test_a_pulse_that_changes_nothing_is_not_recorded() -> None:
    stage = Stage({"a": {}})
    stage.bar(100.0)
    before = stage.engine.journal.seq
    assert stage.engine.step(Timer(stage.now + 5, stage.now + 5, "pulse")) == ()
    assert stage.engine.journal.seq == before
    assert stage.now == MINUTE + 5


def test_a_pulse_that_ends_a_wish_is_recorded_before_what_it_did() -> None:
    """The horizon of 30 s has passed when the pulse comes: the pulse is the input of the cancel, so it stands before it."""
    stage = Stage({"a": {0: Target(0, lots=5, limit=99.0, horizon_ns=MINUTE // 2)}})
    order = sent(stage.bar(100.0))[0]
    stage.reply(order.id)
    at = stage.now + MINUTE // 2
    effects = stage.engine.step(Timer(at, at, "pulse"))
    assert [effect.order for effect in effects] == [order.id]  # type: ignore[union-attr]
    kinds = [type(record).__name__ for _, record in stage.engine.journal.records()]
    assert kinds[-3:] == ["Timer", "Given", "Cancel"]


def test_a_pulse_that_makes_a_strategy_trade_is_recorded_once_before_its_wish() -> None:
    class Impatient:
        def on_timer(self, timer: Timer, book: Any) -> Any:
            return Target(0, lots=2) if book.mark(0) == 100.0 else None

    stage = Stage({"a": Impatient})
    stage.engine.step(Timer(1, 1, "pulse"))
    stage.bar(100.0)
    effects = stage.engine.step(Timer(stage.now + 1, stage.now + 1, "pulse"))
    assert len(sent(effects)) == 1
    stage.engine.step(Timer(stage.now + 1, stage.now + 1, "pulse"))
    own = [record for _, record in stage.engine.journal.records() if isinstance(record, Timer | WantedRecord)]
    assert [type(record).__name__ for record in own] == ["Timer", "Wanted"]


def test_now_is_outside_the_state_hash() -> None:
    stage = Stage({"a": {}})
    stage.bar(100.0)
    before = stage.state.hash
    stage.engine.step(Timer(stage.now + 7, stage.now + 7, "pulse"))
    assert stage.now == MINUTE + 7
    assert stage.state.hash == before


def test_timers_are_merged_by_known_between_the_rows() -> None:
    calls: list[tuple[str, int]] = []

    class Hears:
        def on_bar(self, bar: Bar, book: Any) -> None:
            calls.append(("bar", book.now))

        def on_timer(self, timer: Timer, book: Any) -> None:
            calls.append((timer.name, book.now))

    half = MINUTE // 2
    events = [Timer(2 * MINUTE + half, 2 * MINUTE + half, "late"), Timer(MINUTE + half, MINUTE + half, "early")]
    play({"a": Hears}, [1.0, 1.0, 1.0], events=events)
    assert calls == [("bar", MINUTE), ("early", MINUTE + half), ("bar", 2 * MINUTE), ("late", 2 * MINUTE + half), ("bar", 3 * MINUTE)]


def test_a_day_begins_with_a_session_event_and_not_with_a_date() -> None:
    """Two sessions inside one UTC hour are two days: trades are counted from nought and the day's start is marked anew."""
    plan = {0: Target(0, lots=10), 2: Target(0, lots=20)}
    events = [Session(0, 0, "24/7", True, 0, 2 * MINUTE), Session(2 * MINUTE, 2 * MINUTE, "24/7", False, 0, 2 * MINUTE)]
    opens = Session(2 * MINUTE + 1, 2 * MINUTE + 1, "24/7", True, 1, 9 * MINUTE)
    run = play({"a": plan}, [10.0, 10.0, 12.0, 12.0], events=[*events, opens])
    state = run.engine.state
    assert fills(run) == [(1, 10, 10.0), (3, 10, 12.0)]
    assert state.counters.day == 1
    assert state.counters.trades == {"a": 1}
    # the second session opens while the position is marked at the close of minute 1: 10.00
    assert state.day_start == 100_000 * USD


def test_an_instant_of_several_events_is_marked_in_the_journal() -> None:
    run = play({"a": {}}, [10.0], [20.0], events=[Fact(MINUTE, MINUTE, "src", "cpi"), Timer(MINUTE, MINUTE, "tea")])
    assert Rows(0, 2, 2) in records(run, Rows)


@pytest.mark.parametrize("kind", ["reply", "account"])
def test_an_answer_of_the_venue_alone_asks_no_strategy(kind: str) -> None:
    calls = []

    class Counts:
        def on_instant(self, book: Any) -> None:
            calls.append(book.now)

    stage = Stage({"a": Counts})
    if kind == "reply":
        stage.reply(77)
    else:
        stage.engine.step(Account(0, 0, "USD", 0, 0, 0))
    assert calls == []


def test_effects_are_returned_in_the_order_they_are_recorded() -> None:
    stage = Stage({"a": {0: Target(0, lots=5, limit=99.0), 1: (Target(0, lots=5, limit=98.0, horizon_ns=MINUTE),)}})
    order = sent(stage.bar(100.0))[0]
    stage.reply(order.id)
    before = stage.engine.journal.seq
    effects = stage.bar(100.0)
    recorded = [record for seq, record in stage.engine.journal.records() if seq >= before and isinstance(record, Cancel | SetTimer)]
    assert list(effects) == recorded
    assert [type(effect) for effect in effects] == [SetTimer, Cancel]
