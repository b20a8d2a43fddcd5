"""HEART §9, restart: load, re-feed with outputs muted, go on; another code warms up; other outputs are named for quarantine."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from argosy.core.errors import Broken
from argosy.core.events import Bar, Command, Dividend, Event, Fill, Session, Split
from argosy.core.intents import Ladder, Protection, Rung, Target
from argosy.core.orders import BUY, SELL
from argosy.core.time import MINUTE
from argosy.engine.journal import Memory, Wanted
from argosy.engine.restart import Relived, restart
from argosy.kernels.indicators import sma
from tests.walks.hand import Stage, fills, lots, play, records, resting, sent, terms, wire
from tests.walks.hand import Wanted as Wants

PRICES: list[Any] = [
    10.0, 10.1, (10.1, 10.4, 10.0, 10.3), 10.3, (10.3, 10.3, 9.4, 9.6), 9.6, 9.7, (9.7, 9.9, 9.1, 9.2), 9.2, 9.4, 9.9, 10.4, 10.8, 10.6, 10.2, 9.8,
]  # fmt: skip


class Busy:
    """Means, targets with stops, a ladder and horizons, from a private count of bars."""

    class state(msgspec.Struct):
        bars: int = 0
        bought: int = 0

    needs = {"fast": sma(2), "slow": sma(4)}

    def __init__(self) -> None:
        self.state = type(self).state()

    def on_bar(self, bar: Bar, book: Any) -> Any:
        self.state.bars += 1
        if book.warming:
            return None
        rungs = (Rung("b", BUY, round(bar.close - 0.3, 2), 2), Rung("s", SELL, round(bar.close + 0.3, 2), 2))
        if self.state.bars % 5 == 0:
            return Ladder(0, rungs)
        if book.needs(0).fast > book.needs(0).slow:
            return Target(0, weight=0.1, protection=Protection(stop=round(bar.close * 0.95, 2)), horizon_ns=4 * MINUTE, on_expiry="flat")
        return Target(0, lots=-self.state.bars, limit=round(bar.close + 0.05, 2))

    def on_fill(self, fill: Fill, book: Any) -> Any:
        self.state.bought += fill.side * fill.lots


class Steady:
    unit = "lots"
    needs = {"mean": sma(3)}

    @staticmethod
    def step(row, needs, state, params, out):  # type: ignore[no-untyped-def]
        out.target = 7.0 if row.close > needs.mean else -3.0
        out.stop = row.close * (0.97 if out.target > 0 else 1.03)


EVENTS: list[Event] = [
    Session(0, 0, "24/7", True, 0, 8 * MINUTE), Session(8 * MINUTE, 8 * MINUTE, "24/7", False, 0, 8 * MINUTE),
    Session(8 * MINUTE + 5, 8 * MINUTE + 5, "24/7", True, 1, 99 * MINUTE), Dividend(6 * MINUTE + 1, 6 * MINUTE + 1, 0, 0.2),
    Split(10 * MINUTE - 1, 10 * MINUTE - 1, 0, 2.0), Command(11 * MINUTE + 1, 11 * MINUTE + 1, "pause", "me", "tea", "steady"),
    Command(13 * MINUTE + 1, 13 * MINUTE + 1, "unpause", "me", "back", "steady"),
]  # fmt: skip
ROWS = {k if k < 9 else k + 1: row if k < 9 else row / 2 for k, row in enumerate(PRICES)}
"""Minute 9 is a night; after it the prices are those of a split of two for one."""


def busy(strategies: Any = None) -> Any:
    return wire(strategies or {"busy": Busy, "steady": Steady}, ROWS, events=EVENTS, participation_frac=4e-6)


def broken_at(k: int, strategies: Any = None, graceful: bool = False) -> Any:
    run = busy(strategies)
    run.engine.open(run.cash)
    run.replay.run(stop=k)
    if graceful:
        run.engine.close()
    return run


def resumed(dead: Any, strategies: Any = None) -> tuple[Any, Relived]:
    """A fresh run that stands where the dead one's journal ends."""
    fresh = busy(strategies)
    fresh.engine.journal = dead.engine.journal
    found = restart(fresh.engine, dead.engine.journal.records(), dead.replay.source.rows())
    return fresh, found


def finish(fresh: Any, dead: Any, k: int) -> None:
    """Feed what the dead engine had seen without a record, then the rest, to the market that is still there."""
    for bar in list(dead.replay.source.rows(fresh.engine.state.rows))[: k - fresh.engine.state.rows]:
        assert fresh.engine.step(bar) == ()
    dead.replay.engine = fresh.engine
    dead.replay.run()


@pytest.mark.parametrize("k", range(1, len(ROWS)))
def test_killed_after_any_row_it_goes_on_as_if_nothing_had_been(k: int) -> None:
    """Two strategies, part fills, a split, a dividend, a pause: at each of the 15 places not one hash is another."""
    whole = busy()
    whole.engine.open(whole.cash)
    whole.replay.run()
    dead = broken_at(k)
    fresh, found = resumed(dead)
    assert (found.differed, found.changed) == ({}, [])
    finish(fresh, dead, k)
    assert fresh.engine.state.hash == whole.engine.state.hash
    assert fresh.engine.journal.dump() == whole.engine.journal.dump()
    assert fresh.engine.slot("busy").save() == whole.engine.slot("busy").save()


def test_the_walk_above_has_something_to_lose() -> None:
    whole = busy()
    whole.go()
    assert len(fills(whole)) > 10
    assert any(one.leaves for one in records(whole, Fill))  # part fills


@pytest.mark.parametrize("k", [3, 7, 10, 14])
def test_after_a_shutdown_the_private_state_is_loaded_from_its_snapshot(k: int) -> None:
    """The handlers are not called again for what the snapshot holds: nothing is relived before it."""
    dead = broken_at(k, graceful=True)
    fresh, found = resumed(dead)
    assert found.differed == {}
    assert fresh.engine.slot("busy").save() == dead.engine.slot("busy").save()
    assert fresh.engine.slot("steady").save() == dead.engine.slot("steady").save()
    assert fresh.engine.state.hash == dead.engine.state.hash


def test_a_restart_of_a_restart_is_a_restart() -> None:
    whole = busy()
    whole.engine.open(whole.cash)
    whole.replay.run()
    dead = broken_at(4)
    second, _ = resumed(dead)
    for bar in list(dead.replay.source.rows(second.engine.state.rows))[: 4 - second.engine.state.rows]:
        second.engine.step(bar)
    dead.replay.engine = second.engine
    dead.replay.run(stop=11)
    third = busy()
    third.engine.journal = second.engine.journal
    assert restart(third.engine, second.engine.journal.records(), dead.replay.source.rows()).differed == {}
    finish(third, dead, 11)
    assert third.engine.state.hash == whole.engine.state.hash


def test_while_the_past_is_relived_nothing_is_sent_and_nothing_recorded() -> None:
    dead = broken_at(10)
    before = dead.engine.journal.dump()
    fresh, _ = resumed(dead)
    assert fresh.engine.effects == []
    assert fresh.engine.journal.dump() == before
    assert not fresh.engine.muted


def test_a_decision_that_died_before_its_bytes_left_has_the_same_id_again() -> None:
    """Recorded and not performed: after the restart the order is there, SENT, with the id that a resend carries."""
    stage = Stage({"a": {0: Target(0, lots=5)}})
    (order,) = sent(stage.bar(10.0))
    fresh = Stage({"a": {0: Target(0, lots=5)}})
    fresh.engine.journal = stage.engine.journal
    restart(fresh.engine, stage.engine.journal.records(), iter(stage.rows))
    ticket = fresh.state.blotter.tickets[order.id]
    assert (repr(ticket.order), ticket.work.name) == (repr(order), "SENT")
    assert fresh.bar(10.0) == ()  # and it is not decided a second time


# -- other outputs, other code ------------------------------------------------------------------------------------------


class Moody:
    """Its answer hangs on something outside its state, which no strategy may do."""

    mood = 5

    def on_bar(self, bar: Bar, book: Any) -> Any:
        return Target(0, lots=self.mood) if bar.ts == 2 * MINUTE else None


def test_outputs_that_do_not_match_the_journal_are_named_and_can_be_quarantined(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"calm": {2: Target(0, lots=2, protection=Protection(stop=8.0))}, "moody": Moody}
    dead = broken_at(6, own)
    monkeypatch.setattr(Moody, "mood", 6)
    fresh, found = resumed(dead, own)
    assert list(found.differed) == ["moody"]
    assert "lots=6" in found.differed["moody"]
    assert lots(fresh, "moody") == 5  # history is what the journal says
    fresh.engine.stand("moody", "quarantined", found.differed["moody"])
    assert fresh.engine.state.status == {"calm": "active", "moody": "quarantined"}
    finish(fresh, dead, 6)
    assert (lots(fresh, "moody"), lots(fresh, "calm")) == (10, 4)  # kept through the split of 2:1


BESIDE = {"calm": {k: Target(0, lots=k) for k in range(5)}, "moody": Moody}
"""Another strategy keeps the journal going, so that what is silent is seen to be silent."""


def nothing(self: Any, bar: Bar, book: Any) -> None:
    """What a fixed strategy might say."""


def test_what_the_engine_wanted_for_it_in_the_same_instant_is_no_difference() -> None:
    """The horizon says flat as the bar comes with which the strategy says the same: it was no news, and is none when it is relived."""
    plan = {0: Target(0, lots=10, horizon_ns=MINUTE, on_expiry="flat"), 1: Target(0, lots=0), 3: Target(0, lots=4)}
    dead = wire({"a": plan}, [10.0] * 6)
    dead.engine.open(dead.cash)
    dead.replay.run(stop=5)
    assert [(one.by, one.lots) for one in records(dead, Wanted)] == [("strategy", 10), ("horizon", 0), ("strategy", 4)]
    fresh = wire({"a": plan}, [10.0] * 6)
    fresh.engine.journal = dead.engine.journal
    assert restart(fresh.engine, dead.engine.journal.records(), dead.replay.source.rows()).differed == {}


def test_what_is_wanted_now_and_was_not_is_a_difference() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Moody, "on_bar", nothing)
        dead = broken_at(6, BESIDE)
    assert list(resumed(dead, BESIDE)[1].differed) == ["moody"]


def test_what_was_wanted_and_is_not_now_is_a_difference_too() -> None:
    dead = broken_at(6, BESIDE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Moody, "on_bar", nothing)
        assert list(resumed(dead, BESIDE)[1].differed) == ["moody"]


def test_other_code_is_named_warmed_up_and_not_asked_about_the_past() -> None:
    """Another parameter is another code: needs and windows are as warm as they would be, the handlers hear nothing of the past."""
    calls: list[int] = []

    class Params(msgspec.Struct):
        size: int = 5

    class Watches:
        params = Params
        needs = {"mean": sma(3)}
        window = 2

        def __init__(self, params: Any) -> None:
            self.size = params.size

        def on_bar(self, bar: Bar, book: Any) -> Any:
            calls.append(bar.ts // MINUTE)
            if bar.ts == 6 * MINUTE:
                seen.append((book.warming, book.needs(0).mean, book.window(0, 2)[:, 3].tolist()))
            return Target(0, lots=self.size) if bar.ts in (3 * MINUTE, 6 * MINUTE) else None

    seen: list[Any] = []
    old = {"a": Wants("a", Watches, {"size": 5})}
    new = {"a": Wants("a", Watches, {"size": 9})}
    dead = broken_at(6, old)
    calls.clear()
    fresh, found = resumed(dead, new)
    assert (found.changed, found.differed, calls) == (["a"], {}, [])
    assert lots(fresh, "a") == 5
    finish(fresh, dead, 6)
    assert calls[0] == 6 or calls[:2] == [5, 6]
    assert seen == [(False, pytest.approx((9.6 + 9.6 + 9.7) / 3), [9.6, 9.7])]
    assert records(fresh, Wanted)[-1].lots == 9


def test_a_journal_that_does_not_begin_with_its_header_is_broken() -> None:
    with pytest.raises(Broken, match="JOURNAL_EMPTY"):
        restart(busy().engine, [], iter(()))
    dead = broken_at(3)
    with pytest.raises(Broken, match="JOURNAL_EMPTY"):
        restart(busy().engine, list(dead.engine.journal.records())[1:], dead.replay.source.rows())


def test_snapshots_come_every_n_decisions_and_at_shutdown() -> None:
    from argosy.core.instrument import Instrument, Instruments
    from argosy.engine.engine import Engine
    from argosy.house import assemble
    from tests.walks.hand import tape

    run = assemble([Wants("busy", Busy)], (Instruments([Instrument(symbol="S0")]), [tape(ROWS)], []), terms())
    engine = Engine(
        run.engine.instruments, [slot.binding for slot in run.engine.slots], run.engine.gate, run.engine.journal, memory_every=3,
    )  # fmt: skip
    run.engine = engine
    run.replay.engine = engine
    run.go()
    places = [seq for seq, record in engine.journal.records() if isinstance(record, Memory)]
    assert len(places) > 3
    assert places[-1] == engine.journal.seq - 1


def test_the_venue_still_has_what_it_had_and_the_engine_knows_it() -> None:
    """A stop rests through the crash; after the restart the engine holds it as its own and moves it."""
    plan = {"a": {0: Target(0, lots=10, protection=Protection(stop=9.0)), 5: Target(0, lots=10, protection=Protection(stop=9.5))}}
    dead = wire(plan, [10.0] * 8)
    dead.engine.open(dead.cash)
    dead.replay.run(stop=4)
    fresh = wire(plan, [10.0] * 8)
    fresh.engine.journal = dead.engine.journal
    assert restart(fresh.engine, dead.engine.journal.records(), dead.replay.source.rows()).differed == {}
    finish(fresh, dead, 4)
    assert resting(fresh) == [("stop", -10, 9.5)]
    assert play(plan, [10.0] * 8).engine.state.portfolio.snapshot() == fresh.engine.state.portfolio.snapshot()
