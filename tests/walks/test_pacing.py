"""A venue that is far away refuses each time at a later moment: what it refuses is asked for ever more seldom, told once, and never given up.

Times are of the test's own clock: a refusal comes 40 ms after what it refuses, heartbeats every 100 ms, bars every minute.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from argosy.core.effects import Alarm, Amend, Cancel, Submit
from argosy.core.events import Adjust, Command, Link, Reply, Timer
from argosy.core.intents import Protection, Target
from argosy.core.orders import Work
from argosy.core.time import MINUTE, MS, SECOND
from argosy.engine.patience import FIRST_NS, LONGEST_NS
from argosy.engine.restart import restart
from argosy.engine.saved import load, save
from tests.walks.hand import Stage, sent

AWAY = 40 * MS
PULSE = 100 * MS


def alarms(effects: Any) -> list[str]:
    return [effect.code for effect in effects if isinstance(effect, Alarm)]


def refuses(stage: Stage, effects: Any, span: int, verb: str = "cancel", until: int = 0) -> tuple[list[int], list[str]]:
    """Refuse whatever is asked for `span` ns, each AWAY later, with heartbeats between; when something was asked, and what was paged."""
    asked: list[int] = []
    paged: list[str] = []
    start, pulse = stage.now, stage.now + PULSE
    pending: list[tuple[int, int, str]] = []

    def take(found: Any) -> None:
        paged.extend(alarms(found))
        for effect in found:
            if isinstance(effect, Cancel | Amend | Submit):
                number = effect.approved.order.id if isinstance(effect, Submit) else effect.order
                word = "submit" if isinstance(effect, Submit) else "cancel" if isinstance(effect, Cancel) else "amend"
                asked.append(stage.now - start)
                pending.append((stage.now + AWAY, number, word))

    take(effects)
    while stage.now < start + span:
        if pending and pending[0][0] <= pulse:
            at, number, word = pending.pop(0)
            take(stage.engine.step(Reply(at, at, number, word, "refused", "NOT_CANCELABLE")))  # type: ignore[arg-type]
        else:
            take(stage.engine.step(Timer(pulse, pulse, "pulse")))
            pulse += PULSE
    return asked, paged


def parked() -> tuple[Stage, Any]:
    """A limit that rests, and a strategy that no longer wants it: its cancel is on its way."""
    stage = Stage({"a": {0: Target(0, lots=10, limit=90.0), 1: Target(0, lots=0)}})
    stage.accept(stage.bar(100.0))
    return stage, stage.bar(100.0)


def test_a_cancel_that_the_venue_refuses_is_repeated_ever_more_seldom_and_told_once() -> None:
    """Asked, and once again at once; then after 250 ms, 500 ms, 1 s ... as heartbeats find it, and never more than a minute apart."""
    stage, effects = parked()
    asked, paged = refuses(stage, effects, 10 * MINUTE)
    waits = [b - a for a, b in itertools.pairwise(asked)]
    assert waits[0] == AWAY
    for k, wait in enumerate(waits[1:]):
        least = min(LONGEST_NS, FIRST_NS << k)
        assert least + AWAY <= wait <= least + AWAY + PULSE
    assert len(asked) < 20  # at network speed it would have been 15,000 times
    assert waits[-1] >= MINUTE
    assert paged == ["CANCEL_REFUSED"]


def test_without_the_wait_it_would_be_asked_at_the_speed_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the test above holds against: the waits are what keeps the venue from being asked 25 times a second."""
    monkeypatch.setattr("argosy.engine.patience.Patience.asleep", lambda self, key, now: False)
    stage, effects = parked()
    asked, _ = refuses(stage, effects, 2 * SECOND)
    assert len(asked) > 40


def test_when_the_venue_gives_in_it_is_over() -> None:
    stage, effects = parked()
    refuses(stage, effects, 5 * SECOND)
    (order,) = stage.state.blotter.open[0]
    stage.reply(order, "cancel")
    stage.update(order, Work.CANCELED)
    assert stage.state.patience.waits == {}
    later, paged = refuses(stage, stage.bar(100.0), 2 * MINUTE)
    assert (later, paged) == ([], [])
    assert stage.state.patience.stuck == set()


def test_a_stop_that_the_venue_refuses_is_asked_for_ever_more_seldom_and_rests_at_last() -> None:
    stage = Stage({"a": {0: Target(0, lots=10), 1: Target(0, lots=10, protection=Protection(stop=90.0))}})
    stage.buy(stage.bar(100.0), 100.0)
    asked, paged = refuses(stage, stage.bar(100.0), 2 * MINUTE)
    assert 8 <= len(asked) <= 12
    assert paged == ["VENUE_REFUSES"]
    effects: Any = ()
    while not sent(effects):
        effects = stage.tell(Timer, "pulse", after=PULSE)
    (stop,) = stage.accept(effects)
    assert (stop.tag, stop.lots, stop.stop) == ("stop", 10, 90.0)
    assert stage.state.patience.waits == {}


def test_an_amend_that_the_venue_refuses_is_asked_ever_more_seldom() -> None:
    plan = {0: Target(0, lots=10, protection=Protection(stop=90.0)), 1: Target(0, lots=10, protection=Protection(stop=91.0))}
    stage = Stage({"a": plan})
    (entry,) = stage.accept(stage.bar(100.0))
    stage.update(entry.id + 1, Work.ACKED)
    stage.fill(entry.id, 10, 100.0)
    asked, paged = refuses(stage, stage.bar(100.0), 2 * MINUTE)
    assert 8 <= len(asked) <= 12
    assert paged == ["VENUE_REFUSES"]


def test_a_flattening_that_the_venue_refuses_does_not_flood_it() -> None:
    """Verified at each heartbeat, asked ever more seldom; nothing is recorded while it waits."""
    stage = Stage({"a": {0: Target(0, lots=10)}})
    stage.buy(stage.bar(100.0), 100.0)
    asked, _ = refuses(stage, stage.tell(Command, "flatten", "owner", "out"), 2 * MINUTE)
    assert 8 <= len(asked) <= 12
    before = stage.engine.journal.seq
    until = max(wait[2] for wait in stage.state.patience.waits.values())
    for at in range(stage.now + PULSE, until, PULSE):
        assert stage.engine.step(Timer(at, at, "pulse")) == ()
    assert stage.engine.journal.seq == before
    effects = stage.engine.step(Timer(until, until, "pulse"))
    assert [order.side * order.lots for order in sent(effects)] == [-10]


def test_a_flattening_that_the_gate_refuses_does_not_flood_the_journal() -> None:
    """The instrument is halted for an hour: the exit is asked for, refused and recorded a hundred times, not at all 36,000 heartbeats."""
    from argosy.core.events import Status

    stage = Stage({"a": {0: Target(0, lots=10)}})
    stage.buy(stage.bar(100.0), 100.0)
    stage.tell(Status, 0, True, "news")
    stage.tell(Command, "flatten", "owner", "out")
    start, pulses = stage.now, 6_000
    for k in range(1, pulses):
        stage.engine.step(Timer(start + k * PULSE, start + k * PULSE, "pulse"))
    assert 15 <= stage.state.counters.refusals["HALTED"] <= 25
    stage.tell(Status, 0, False, "news")
    effects: list[Any] = []
    for _ in range(700):
        effects += stage.tell(Timer, "pulse", after=PULSE)
    assert [order.side * order.lots for order in sent(effects)] == [-10]


def test_a_restart_goes_on_waiting() -> None:
    """What was refused is told by the journal: a fresh engine asks when the first one would have asked, and not at once."""
    stage, effects = parked()
    refuses(stage, effects, 20 * SECOND)
    fresh = Stage({"a": {0: Target(0, lots=10, limit=90.0), 1: Target(0, lots=0)}}, opened=False)
    restart(fresh.engine, stage.engine.journal.records(), iter(stage.rows))
    assert fresh.state.patience.waits == stage.state.patience.waits
    assert fresh.state.patience.stuck == {0}
    for one in (stage, fresh):
        one.engine.journal = type(stage.engine.journal)() if one is fresh else one.engine.journal
    found = []
    for one in (stage, fresh):
        at, effects = stage.now if one is stage else found[0][1], ()
        start = at
        while not effects and at < start + MINUTE:
            at += PULSE
            effects = one.engine.step(Timer(at, at, "pulse"))
        found.append(([type(effect) for effect in effects], start, at))
    assert found[0] == found[1]
    assert found[0][0] == [Cancel]


def test_an_exit_that_waits_keeps_its_stop() -> None:
    """The venue refuses the exit twice; asked a third time within the wait, the stop does not make way for what is not sent."""
    plan = {0: Target(0, lots=10, protection=Protection(stop=90.0)), 1: Target(0, lots=0), 2: Target(0, lots=4), 3: Target(0, lots=2)}
    stage = Stage({"a": plan})
    (entry,) = stage.accept(stage.bar(100.0))
    stage.update(entry.id + 1, Work.ACKED)
    stage.fill(entry.id, 10, 100.0)
    stage.state.patience.declined((0, "exit"), stage.now - 1)
    stage.state.patience.declined((0, "exit"), stage.now)
    for _ in range(4):
        stage.state.patience.declined((0, "exit"), stage.now + 1)
    stage.state.patience.waits[0, "exit"][2] = stage.now + 90 * SECOND
    assert stage.bar(100.0) == ()
    assert [ticket.order.tag for ticket in stage.state.blotter.open[0].values()] == ["stop"]
    effects = stage.bar(100.0)  # 90 s have passed
    assert [type(effect) for effect in effects] == [Cancel]


def stirred(stage: Stage) -> Any:
    """Something happens to the instrument, so that it is planned again, while what was refused waits."""
    assert [wait[2] > stage.now + MS for wait in stage.state.patience.waits.values()] == [True]
    return stage.tell(Adjust, 0, 0, float("nan"), 0, "USD", "nothing", after=MS)


def test_what_waits_is_not_asked_for_whatever_else_happens_meanwhile() -> None:
    """A cancel, an amend and a stop that the venue refused twice: news of the instrument does not bring them back before their time."""
    stage, effects = parked()
    refuses(stage, effects, 300 * MS)
    assert stirred(stage) == ()

    plan = {0: Target(0, lots=10, protection=Protection(stop=90.0)), 1: Target(0, lots=10, protection=Protection(stop=91.0))}
    stage = Stage({"a": plan})
    (entry,) = stage.accept(stage.bar(100.0))
    stage.update(entry.id + 1, Work.ACKED)
    stage.fill(entry.id, 10, 100.0)
    refuses(stage, stage.bar(100.0), 300 * MS)
    assert stirred(stage) == ()

    stage = Stage({"a": {0: Target(0, lots=10), 1: Target(0, lots=10, protection=Protection(stop=90.0))}})
    stage.buy(stage.bar(100.0), 100.0)
    refuses(stage, stage.bar(100.0), 300 * MS)
    assert stirred(stage) == ()
    asked, _ = refuses(stage, (), 2 * SECOND)
    assert len(asked) >= 1


def test_a_saved_engine_goes_on_waiting_and_knowing() -> None:
    """Patience and conditions are the same objects to all who read them, also after a restart from what was saved."""
    stage, effects = parked()
    stage.tell(Link, "account", "reconciling")
    refuses(stage, effects, 300 * MS)
    blob = save(stage.engine)
    fresh = Stage({"a": {0: Target(0, lots=10, limit=90.0), 1: Target(0, lots=0)}}, opened=False)
    load(fresh.engine, blob)
    assert fresh.state.hash == stage.state.hash
    assert fresh.engine.patience is fresh.state.patience
    assert fresh.state.patience.waits == stage.state.patience.waits
    assert fresh.engine.view.conditions is fresh.state.conditions
    assert fresh.state.conditions.links == {"account": "reconciling"}
    fresh.tell(Link, "account", "up")
    assert fresh.engine.view.conditions.quiet


def test_a_restart_after_the_wait_knows_that_it_is_over() -> None:
    """A bar ended the wait and the cancel is on its way again: the fresh engine waits for nothing either."""
    stage, effects = parked()
    refuses(stage, effects, 300 * MS)
    assert [type(effect) for effect in stage.bar(100.0)] == [Cancel]
    fresh = Stage({"a": {0: Target(0, lots=10, limit=90.0), 1: Target(0, lots=0)}}, opened=False)
    restart(fresh.engine, stage.engine.journal.records(), iter(list(stage.rows)))
    assert fresh.state.patience.waits == stage.state.patience.waits
    assert fresh.state.patience.stuck == stage.state.patience.stuck == set()


def test_refusals_of_one_moment_are_told_once() -> None:
    stage, _ = parked()
    (order,) = stage.state.blotter.open[0]
    told = [code for _ in range(9) for code in alarms(stage.reply(order, "cancel", "refused", "PENDING"))]
    assert told == ["VENUE_REFUSES"]
