"""HEART §9: what is recorded, in which order, and that the journal alone gives the state back; it never asks strategy, model or rule."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from argosy.core import events as ev
from argosy.core.effects import Amend, Note, Submit
from argosy.core.errors import Broken
from argosy.core.ids import client_order_id, order_seq
from argosy.core.intents import Hold, Ladder, Protection, Rung, Target, Twap
from argosy.core.orders import BUY, Refused, Work
from argosy.core.time import DAY, MINUTE
from argosy.engine.algos.grain import Grain
from argosy.engine.fold import fold
from argosy.engine.journal import MemoryJournal, Record, Reserve, Rows, Run, Unsized, Verdict, frames
from argosy.engine.journal import Wanted as WantedRecord
from argosy.engine.records import Guarded
from argosy.engine.risk import RiskGate
from argosy.engine.state import State
from tests.walks.hand import USD, Stage, orders, play, records, sent, wire


def folded(run: Any, upto: int | None = None) -> State:
    """The state that the first `upto` records of a run's journal give."""
    engine = run.engine
    names = [slot.id for slot in engine.slots]
    return fold(list(engine.journal.records())[:upto], State(engine.instruments, "USD", names), run.replay.source.rows())


# -- what is recorded ---------------------------------------------------------------------------------------------------


def test_market_rows_are_recorded_by_reference() -> None:
    """A thousand quiet bars leave the header, the deposit, the budget, one mark and one memory."""
    quiet = play({"a": {}}, [10.0] * 1000)
    assert [type(record).__name__ for _, record in quiet.engine.journal.records()] == ["Run", "CashFlow", "Grant", "Rows", "Memory"]
    assert records(quiet, Rows) == [Rows(1000)]
    assert not records(quiet, ev.Bar)


def test_rows_say_how_many_came_before_what_follows() -> None:
    run = play({"a": {3: Target(0, lots=1)}}, [10.0] * 6)
    marks = [record for _, record in run.engine.journal.records() if isinstance(record, Rows | WantedRecord | ev.Fill)]
    assert [record.upto if isinstance(record, Rows) else type(record).__name__ for record in marks] == [4, "Wanted", "Fill", 6]


def test_the_header_names_schema_strategies_code_and_tapes() -> None:
    run = play({"a": {}, "b": {}}, [10.0, 11.0])
    other = play({"a": {}, "b": {}}, [10.0, 11.01])
    (header,) = records(run, Run)
    assert (header.schema, header.desk, header.base, header.symbols, header.strategies) == (ev.SCHEMA, "ARGO", "USD", ("S0",), ("a", "b"))
    assert set(header.code) == {"a", "b"}
    assert all(len(code) == 32 for code in header.code.values())
    assert header.tapes != records(other, Run)[0].tapes  # one price of a cent is another tape
    assert [seq for seq, _ in run.engine.journal.records()] == list(range(1, run.engine.journal.seq))


def test_an_instant_is_recorded_as_input_then_wish_then_verdict_and_effect() -> None:
    """A fill is heard, the strategy answers with two wishes, one order is denied and one sent."""

    class Answers:
        def on_bar(self, bar: ev.Bar, book: Any) -> Any:
            return Target(0, lots=2) if bar.ts == 0 else None

        def on_fill(self, fill: ev.Fill, book: Any) -> Any:
            return (Target(0, lots=4), Ladder(0, (Rung("big", BUY, 9.0, 99),))) if book.lots(0) == 2 else None

    stage = Stage({"a": Answers}, limits={"order_size": {"max_lots": 50}})
    (order,) = stage.accept(stage.bar(10.0))
    first = stage.engine.journal.seq
    effects = stage.fill(order.id, 2, 10.0)
    own = [record for seq, record in stage.engine.journal.records() if seq >= first]
    assert [type(record).__name__ for record in own] == ["Fill", "Wanted", "Wanted", "Reserve", "Verdict"]
    assert repr([record.submit for record in own if isinstance(record, Reserve)]) == repr(list(effects))


def test_when_effects_are_returned_they_stand_in_the_journal() -> None:
    """The moment before they may be performed: everything that is asked for has been recorded."""
    plan = {0: Target(0, lots=5, limit=9.0), 1: (Target(0, lots=5, limit=9.1), Ladder(0, (Rung("x", BUY, 8.0, 1),))), 2: Hold(0)}
    stage = Stage({"a": plan})
    for _ in range(4):
        for effect in stage.bar(10.0):
            held = [record for _, record in stage.engine.journal.records()]
            assert repr(effect) in [repr(record.submit if isinstance(record, Reserve) else record) for record in held]
            if isinstance(effect, Submit):
                stage.reply(effect.approved.order.id)


def test_a_timer_that_changes_nothing_is_recorded_when_it_was_asked_for() -> None:
    """Only the pulse is left out: other timers were asked for, and their coming is news."""
    stage = Stage({"a": {}})
    stage.bar(10.0)
    before = stage.engine.journal.seq
    stage.tell(ev.Timer, "pulse")
    assert stage.engine.journal.seq == before
    stage.tell(ev.Timer, "tea")
    assert stage.engine.journal.seq == before + 2  # the mark of the row and the timer


# -- ids ----------------------------------------------------------------------------------------------------------------


def test_an_orders_number_is_four_times_the_sequence_of_its_decision() -> None:
    guarded = Protection(stop=9.0, take=12.0)
    run = play({"a": {0: Target(0, lots=5, protection=guarded), 2: Target(0, lots=900)}}, [10.0] * 5, limits={"order_size": {"max_lots": 50}})
    seen = []
    for seq, record in run.engine.journal.records():
        if isinstance(record, Reserve):
            seen.append(record.submit.approved.order.id == 4 * seq)
            assert [leg.id for leg in record.submit.approved.legs] == [4 * seq + 1, 4 * seq + 2][: len(record.submit.approved.legs)]
        elif isinstance(record, Verdict):
            seen.append(record.order.id == 4 * seq)  # what was denied has its number too
    assert seen == [True, True]


def test_the_venue_sees_at_most_18_characters_with_no_run_and_no_attempt() -> None:
    run = play({"a": {k: Target(0, lots=k) for k in range(1, 9)}}, [10.0] * 10)
    texts = [client_order_id("ARGO", order.id) for order in orders(run)]
    assert len(set(texts)) == len(texts) > 5
    assert all(len(text) <= 18 and text.startswith("ARGO") and order_seq(text) == order.id for text, order in zip(texts, orders(run), strict=True))
    assert len(client_order_id("ARGO", (1 << 63) - 1)) <= 18


def test_the_same_decision_has_the_same_id_in_every_run_of_it() -> None:
    plan: dict[int, Any] = {0: Target(0, lots=5), 2: Target(0, lots=0), 3: Ladder(0, (Rung("x", BUY, 9.0, 2),))}
    runs = [play({"a": plan}, [10.0] * 6) for _ in range(2)]
    assert [order.id for order in orders(runs[0])] == [order.id for order in orders(runs[1])]
    assert runs[0].engine.journal.chain == runs[1].engine.journal.chain


# -- frames, CRC, chain -------------------------------------------------------------------------------------------------


def written() -> bytes:
    run = play({"a": {k: Target(0, lots=k % 3) for k in range(8)}}, [10.0] * 10)
    return run.engine.journal.dump()


@pytest.mark.parametrize("place", [0.02, 0.3, 0.5, 0.77, 0.99])
def test_a_changed_byte_is_found(place: float) -> None:
    data = bytearray(written())
    at = int(place * len(data))
    data[at] ^= 0x10
    with pytest.raises(Broken, match="JOURNAL_"):
        list(frames(bytes(data)))


def test_a_torn_end_is_found_and_what_came_before_it_is_whole() -> None:
    data = written()
    whole = [record for _, record in frames(data)]
    torn = frames(data[:-3])
    read = [next(torn)[1] for _ in whole[:-1]]
    assert repr(read) == repr(whole[:-1])
    with pytest.raises(Broken, match="JOURNAL_TORN"):
        next(torn)


def test_a_record_that_is_missing_is_found() -> None:
    journal = MemoryJournal()
    for k in range(3):
        journal.append(Note(f"line {k}"))
    data = journal.dump()
    third = len(data) // 3
    with pytest.raises(Broken, match="JOURNAL_GAP"):
        list(frames(data[:third] + data[2 * third :]))


def test_a_missing_first_record_is_found_too() -> None:
    journal = MemoryJournal()
    for k in range(3):
        journal.append(Note(f"line {k}"))
    data = journal.dump()
    with pytest.raises(Broken, match="JOURNAL_GAP"):
        list(frames(data[len(data) // 3 :]))


@pytest.mark.parametrize("change", ["text", "order", "more"])
def test_the_chain_names_everything_that_was_recorded(change: str) -> None:
    lines = ["one", "two", "three"]
    other = {"text": ["one", "two", "tree"], "order": ["two", "one", "three"], "more": ["one", "two", "three", "four"]}[change]
    chains = []
    for texts in (lines, other, lines):
        journal = MemoryJournal()
        for text in texts:
            journal.append(Note(text))
        chains.append(journal.chain)
    assert chains[0] == chains[2] != chains[1]


def test_each_group_is_chained_to_the_one_before() -> None:
    """The same second group after another first one has another hash."""
    chains = []
    for first in ("a", "b"):
        journal = MemoryJournal()
        journal.append(Note(first))
        journal.flush()
        journal.append(Note("the same"))
        chains.append(journal.chain)
    assert chains[0] != chains[1]


# -- fold ---------------------------------------------------------------------------------------------------------------


def everything() -> Stage:
    """A stage on which every kind of record is made, most of them with something behind them."""

    class Busy:
        def on_bar(self, bar: ev.Bar, book: Any) -> Any:
            minute = bar.ts // MINUTE
            wants = {
                0: Target(0, lots=10, protection=Protection(stop=9.0)),
                5: Target(0, lots=40, execution=Twap(2 * MINUTE, 2)),
                1: (Target(0, lots=10, protection=Protection(stop=9.2)), Ladder(1, (Rung("x", BUY, 8.0, 2), Rung("huge", BUY, 7.0, 99)))),
                3: Target(1, lots=-4, horizon_ns=5 * MINUTE),
                4: Hold(1),
            }.get(minute)
            wants = wants if isinstance(wants, tuple) else (wants,)
            return tuple(want for want in wants if want is not None and want.instrument == bar.instrument) or None

    class Raises:
        def on_fact(self, fact: ev.Fact, book: Any) -> Any:
            raise ValueError(fact.text)

    class Opposite:
        def on_bar(self, bar: ev.Bar, book: Any) -> Any:
            return Target(1, lots=4) if bar.instrument == 1 and bar.ts == 3 * MINUTE else None

    stage = Stage({"busy": Busy, "opposite": Opposite, "raises": Raises}, instruments=2, limits={"order_size": {"max_lots": 50}})
    tell = stage.tell
    tell(ev.Session, "24/7", True, 0, DAY)
    (entry,) = stage.accept(stage.bar(10.0))
    stop = entry.id + 1
    stage.update(stop, Work.ACKED)
    stage.fill(entry.id, 6, 10.0, "x-1")
    stage.fill(entry.id, 4, 10.0, "x-2", fee=5)
    assert [type(effect) for effect in stage.bar(10.1)] == [Amend]
    stage.engine.step(ev.OrderUpdate(stage.now, stage.now, stop, Work.WORKING, 0, float("nan"), 9.2))
    stage.minute -= 1
    stage.accept(stage.bar(20.0, i=1))
    stage.quote(10.0, 10.2)
    stage.row(ev.Trade(stage.now, stage.now, 0, 10.05, 3.0, 1))
    stage.row(ev.BookDelta(stage.now, stage.now, 0, 1, 10.0, 5.0))
    stage.minute = 2
    stage.bar(20.5, i=1)
    tell(ev.Bust, "x-1")
    tell(ev.Reversal, "x-2")
    stage.fill(777, 3, 10.0, "hand")
    tell(ev.Adjust, 0, -1, 10.0, 7, "USD", "RECONCILE")
    tell(ev.CashFlow, "USD", 5 * USD)
    tell(ev.Dividend, 0, 0.25)
    tell(ev.Funding, 0, 1e-4)
    tell(ev.Borrow, 1, 1e-4)
    stage.minute = 2
    stage.bar(20.5, i=1)  # minute 3: they cross, and a timer is set
    tell(ev.Split, 0, 1.5)
    tell(ev.Status, 1, True, "news")
    tell(ev.Gap, 0, "feed", 3)
    tell(ev.Band, 0, 6.0, 14.0)
    tell(ev.Link, "account", "reconciling")
    tell(ev.Link, "account", "up")
    tell(ev.Fact, "src", "adv", 5e6, "", 0)
    tell(ev.Command, "arm", "me", "the ceremony")
    tell(ev.Forecast, "model", 0, 0.01, 0.02, DAY)
    tell(ev.Fact, "src", "cpi", 3.1, "up")
    tell(ev.Account, "USD", 1, 1, 1, {0: 3})
    tell(ev.Timer, "tea")
    tell(ev.Command, "pause", "me", "why", "opposite")
    tell(ev.Latch, 1, "CAUSE")
    stage.reply(entry.id)
    stage.bar(20.5, i=1)  # minute 4: a hold cancels the rung
    tell(ev.Exercise, 0, 2, 1, -4, 80 * USD, 20.0)
    tell(ev.Assignment, 0, 1, -1, 0, -3 * USD, 7.0, "early", "busy")
    tell(ev.Expiry, 0, 21.0, 1.0, 1, 2, -40 * USD, 20.0)
    stage.engine.grains[0] = Grain(MINUTE, True)
    stage.bar(6.7)  # minute 5: an algorithm lets go of half
    tell(ev.Delist, 1, 19.0)
    stage.engine.record(Note("a line for people"))
    stage.engine.record(Unsized("opposite", Target(0, weight=0.5), Refused("FX_STALE", {})))
    stage.engine.close()
    stage.engine.record(Guarded("busy", 0, 9.0, 9.2))
    return stage


def test_the_fold_is_the_state_over_every_kind_of_record() -> None:
    stage = everything()
    kinds = {type(record) for _, record in stage.engine.journal.records()}
    told = {kind for kind in get_args(Record) if kind.__name__ != "Stretch"}  # a stretch is short for other records, and read as them
    assert told - kinds == set()
    assert stage.fold() == stage.state.hash


def test_the_fold_is_the_state_after_every_event() -> None:
    """Not only at the end: the journal up to any event gives the state after that event."""
    run = wire({"a": {k: Target(0, lots=k * (-1) ** k, protection=Protection(stop=8.0)) for k in range(0, 20, 2)}}, [10.0, 10.5, 9.9] * 8,
               events=[ev.Split(9 * MINUTE + 1, 9 * MINUTE + 1, 0, 2.0), ev.Dividend(12 * MINUTE + 1, 12 * MINUTE + 1, 0, 0.3)])  # fmt: skip
    run.engine.open(run.cash)
    for stop in range(1, 24):
        run.replay.run(stop=stop)
        state = folded(run)
        left_out = {"rows": 0, "portfolio": 0, "risk": 0}  # rows after the last record are not the journal's; they move marks and peak
        assert repr(state.snapshot() | left_out) == repr(run.engine.state.snapshot() | left_out)
        assert (state.portfolio.lots, state.portfolio.cash) == (run.engine.state.portfolio.lots, run.engine.state.portfolio.cash)


def test_the_fold_is_the_state_when_a_row_of_something_else_comes_after_a_good_fill() -> None:
    """Bought at 9.00 with the mark at 10.00; a bar of the other instrument, then the first falls to 9.00: was 100,010 ever the peak?"""
    stage = Stage({"a": {0: Target(0, lots=10)}}, instruments=2)
    (order,) = stage.accept(stage.bar(10.0))
    stage.fill(order.id, 10, 9.0)
    stage.bar(20.0, i=1)
    stage.bar(9.0)
    stage.engine.close()
    assert stage.fold() == stage.state.hash


def test_the_fold_asks_no_strategy_no_model_and_no_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Asked:
        armed = False

        def __init__(self) -> None:
            self._note("made")

        def _note(self, what: str) -> None:
            if Asked.armed:
                asked.append(what)

        def on_bar(self, bar: ev.Bar, book: Any) -> Any:
            self._note("on_bar")
            return Target(0, lots=5) if bar.ts == 0 else None

        def on_fill(self, fill: ev.Fill, book: Any) -> None:
            self._note("on_fill")

    run = play({"a": Asked}, [10.0] * 4)
    Asked.armed = True
    monkeypatch.setattr(RiskGate, "admit", lambda *given: asked.append("gate"))
    assert folded(run).hash == run.engine.state.hash
    assert asked == []


def test_a_deployed_fix_does_not_rewrite_history() -> None:
    """The strategy and the limits of today would have done nothing; the journal says what was done."""
    run = play({"a": {0: Target(0, lots=5)}}, [10.0] * 3)
    today = wire({"a": {}}, [10.0] * 3, limits={"order_size": {"max_lots": 1}})
    state = fold(run.engine.journal.records(), State(today.engine.instruments, "USD", ["a"]), today.replay.source.rows())
    assert state.portfolio.lots == [5]
    assert state.hash == run.engine.state.hash


def test_a_fold_with_too_few_rows_or_a_record_that_no_journal_holds_is_broken() -> None:
    run = play({"a": {}}, [10.0] * 3)
    with pytest.raises(Broken, match="ROWS_MISSING"):
        fold(run.engine.journal.records(), State(run.engine.instruments, "USD", ["a"]), iter([]))
    with pytest.raises(Broken, match="RECORD_KIND"):
        run.engine.state.apply(ev.Bar(0, 0, 0, 1.0, 1.0, 1.0, 1.0, 1.0, 1))


def test_another_tape_gives_another_state() -> None:
    """The rows are the run's own: with one other price the fold is another state, and the hash says so."""
    run = play({"a": {0: Target(0, lots=5)}}, [10.0, 10.0, 11.0])
    other = wire({"a": {}}, [10.0, 10.0, 11.01])
    state = fold(run.engine.journal.records(), State(run.engine.instruments, "USD", ["a"]), other.replay.source.rows())
    assert state.hash != run.engine.state.hash


def test_the_journal_is_append_only() -> None:
    """What was read once is read again, byte for byte, as the front of what comes later."""
    stage = Stage({"a": {0: Target(0, lots=5)}})
    early = stage.engine.journal.dump()
    stage.accept(stage.bar(10.0))
    sent(stage.bar(10.0))
    assert stage.engine.journal.dump().startswith(early)
