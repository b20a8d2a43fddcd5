"""The short ways of a desk are the long ones: a quote alone, a plain wish, a plain order, breakers far from their limits.

One engine goes the short ways, another is told the same events and may not; not a byte of what they record may differ.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from random import Random
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core.errors import Broken
from argosy.core.events import Band, CashFlow, Command, Fact, Gap, Link, Session, Status
from argosy.core.intents import Target
from argosy.core.orders import Order, Share, Tif, Type
from argosy.core.strategy import Watch
from argosy.core.time import MINUTE, SECOND
from argosy.engine import engine as hearts
from argosy.engine.breakers import Breakers
from argosy.engine.engine import Engine
from argosy.engine.levels import Levels
from argosy.engine.risk import RiskGate, Verdict
from argosy.engine.storms import Storms
from argosy.engine.view import StateView
from tests.laws.rush import LOOSE, TERMS, Rush, desk
from tests.walks.hand import Stage, sent

DRILL = bool(os.environ.get("ARGOSY_DRILL"))
STEPS = 220
NAN = float("nan")
SEEN: Counter[str] = Counter()


def some(n: int) -> settings:
    return settings(max_examples=500 if DRILL else n, deadline=None)


def raw(thing: Any) -> bytes:
    """What of it a journal would hold: nan is then like nan."""
    return msgspec.msgpack.encode(thing)


def check(levels: Levels, pulse: bool = False) -> None:
    """As it is defined: every breaker is asked at every row."""
    if levels.flattening:
        levels.verify()
    levels.count(pulse)


@contextmanager
def the_long_way() -> Iterator[None]:
    """No short way is taken."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hearts, "straight", lambda engine, slot, intent: False)
        patch.setattr(Engine, "tick", lambda engine, event: engine.instant((event,)))
        patch.setattr(Levels, "check", check)
        yield


@contextmanager
def watched() -> Iterator[None]:
    """Each verdict that the gate finds quickly is compared with that of all its rules."""
    swift, straight = RiskGate.swift, hearts.straight

    def compared(gate: RiskGate, order: Order, view: StateView) -> Verdict | None:
        said = swift(gate, order, view)
        SEEN["asked" if said is None else "exit" if said.exit else "entry"] += 1
        assert said is None or raw(said) == raw(gate.admit(order, (), view))
        return said

    def counted(engine: Engine, slot: Any, intent: Any) -> bool:
        taken = straight(engine, slot, intent)
        SEEN["straight" if taken else "round"] += 1
        return taken

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RiskGate, "swift", compared)
        patch.setattr(hearts, "straight", counted)
        yield


def both(seed: int, kind: str, **given_: Any) -> tuple[Rush, Engine]:
    """A run by the short ways, and an engine that took the long ones and asked for the same after each event."""
    rush = Rush(seed, desk(seed, kind, **given_))
    with watched():
        rush.run(STEPS)
    other = desk(seed, kind, **given_)
    other.open([CashFlow(0, 0, "USD", 100_000_000_000)])
    with the_long_way():
        for k, event in enumerate(rush.events):
            assert (k, raw(other.step(event))) == (k, raw(rush.said[k]))
    return rush, other


@some(120)
@given(st.integers(0, 100_000), st.sampled_from(sorted(TERMS)), st.sampled_from([(False, False), (False, False), (True, False), (False, True)]))
def test_the_short_ways_record_and_ask_what_the_long_ones_do(seed: int, kind: str, how: tuple[bool, bool]) -> None:
    rush, other = both(seed, kind, shared=how[0], wrong=how[1])
    rush.engine.close()
    other.close()
    assert rush.engine.journal.dump() == other.journal.dump()  # type: ignore[attr-defined]
    assert rush.state.hash == other.state.hash
    assert [(one.strategy, one.known, one.error) for one in rush.engine.failures] == [(one.strategy, one.known, one.error) for one in other.failures]


def test_the_law_above_says_something() -> None:
    SEEN.clear()
    for seed, kind in enumerate([*TERMS, *TERMS]):
        both(seed, kind)
    assert min(SEEN[what] for what in ("straight", "round", "entry", "exit", "asked")) > 20, SEEN


class Asks:
    """Wants at each quote what it is told."""

    watches = (Watch("*", "quote"),)
    told: ClassVar[list[Any]] = []

    def on_quote(self, quote: Any, book: Any) -> Any:
        return self.told.pop(0) if self.told else None


def tired(stage: Stage) -> None:
    """The venue has refused the same thing again and again, and time must pass."""
    for lots in (5, 6, 7):
        Asks.told.append(Target(0, lots=lots))
        for one in sent(stage.quote(49.99, 50.01, after=SECOND)):
            stage.reply(one.id, outcome="refused", code="NO")
    Asks.told.append(Target(0, lots=8))
    assert not stage.quote(49.99, 50.01)
    assert stage.quote(49.99, 50.01, after=10 * SECOND)


def flattening(stage: Stage) -> None:
    """The owner gets out while the strategy wants in."""
    Asks.told.append(Target(0, lots=9))
    stage.buy(stage.quote(49.99, 50.01), 50.0)
    stage.tell(Command, "flatten", "me", "out")
    for lots in (4, 12, 9):
        Asks.told.append(Target(0, lots=lots))
        stage.quote(49.99, 50.01, after=MINUTE)


@pytest.mark.parametrize("script", [tired, flattening])
def test_the_long_way_is_taken_where_more_than_the_wish_decides(script: Callable[[Stage], None]) -> None:
    made = []
    for way in (nullcontext, the_long_way):
        Asks.told.clear()
        stage = Stage({"a": Asks})
        with way():
            script(stage)
        made.append((stage.run.engine.journal.dump(), stage.state.hash))  # type: ignore[attr-defined]
    assert made[0] == made[1]


def test_nothing_is_wanted_while_the_past_is_relived_and_nobody_wants_who_was_stopped() -> None:
    stage = Stage({"a": {}})
    stage.quote(49.99, 50.01)
    stage.engine.dispatch.wants.append((stage.engine.slot("a"), Target(0, lots=1)))
    stage.engine.muted = True
    with pytest.raises(Broken, match="MUTED"):
        stage.quote(49.99, 50.01)
    stage.engine.muted = False
    stage.engine.stand("a", "paused", "why")
    stage.engine.dispatch.wants.append((stage.engine.slot("a"), Target(0, lots=1)))
    assert not stage.quote(49.99, 50.01)


# -- the gate ----------------------------------------------------------------------------------------------------------------


def anything(random: Random, mark: float, number: int) -> Order:
    """An order that a planner would draft, or never would."""
    lots = random.choice((1, 3, 9, 20, 49, 61, 400, 1 << 61))
    limit = random.choice((NAN, NAN, round(mark + random.choice((-0.3, -0.05, 0.0, 0.05, 0.3)), 2), mark + 0.001))
    kind = random.choice((Type.MARKET if limit != limit else Type.LIMIT,) * 6 + (Type.STOP, Type.LIMIT, Type.MARKET))
    shares = random.choice(((Share("ann", lots),),) * 5 + ((Share("ann", lots), Share("bob", 1)), (Share("bob", 2),)))
    return Order(
        number, random.choice((0, 0, 0, 1, 1, 7)), random.choice((1, -1)), lots, kind, limit, random.choice((NAN, NAN, NAN, mark)),
        tif=random.choice((Tif.DAY, Tif.DAY, Tif.GTC, Tif.IOC)), reduce_only=random.random() < 0.2, shares=shares,
    )  # fmt: skip


@some(120)
@given(st.integers(0, 100_000), st.sampled_from(sorted(TERMS)))
def test_what_passes_quickly_passes_every_rule(seed: int, kind: str) -> None:
    """After each event of a wild run, of orders that no strategy has wanted."""
    rush, random = Rush(seed, desk(seed, kind)), Random(seed)
    for k in range(STEPS):
        rush.step()
        mark = rush.state.portfolio.marks[0]
        order = anything(random, mark if mark == mark else 50.0, 4 * k)
        said = rush.engine.gate.swift(order, rush.engine.view)
        if said is not None:
            SEEN["passed"] += 1
            assert raw(said) == raw(rush.engine.gate.admit(order, (), rush.engine.view))


def test_that_law_says_something_too() -> None:
    SEEN.clear()
    for seed, kind in enumerate([*TERMS, *TERMS]):
        test_what_passes_quickly_passes_every_rule.hypothesis.inner_test(seed, kind)  # type: ignore[attr-defined]
    assert SEEN["passed"] > 60


# -- what the gate has worked out --------------------------------------------------------------------------------------------


def on(side: int = 1) -> Order:
    return Order(4_000, 0, side, 10, shares=(Share("a", 10),))


def day_after(stage: Stage) -> None:
    """A day begins that counts from more than the day before it, and loses some of that."""
    stage.quote(59.99, 60.01)
    stage.tell(Session, "24/7", True, 2, 10**15)
    stage.quote(49.99, 50.01)


CHANGES: dict[str, tuple[dict[str, Any], list[tuple[Any, ...]] | Any, int, str]] = {
    "band": ({}, [(Band, 0, 10.0, 20.0)], 1, "LULD_BAND"),
    "link": ({}, [(Link, "account", "reconciling")], 1, "STREAM_RECONCILING"),
    "gap": ({}, [(Gap, 0, "feed")], 1, "FEED_GAP"),
    "session": ({"session": {"queue": False}}, [(Session, "24/7", False, 1, 10**15)], 1, "SESSION_CLOSED"),
    "arm": ({"first_minutes": {"minutes": 5.0, "trim": False}}, [(Command, "arm", "me", "go")], 1, "FIRST_MINUTES"),
    "short": ({}, [(Fact, "x", "ssr", 1.0, "", 0)], -1, "UPTICK_REQUIRED"),
    "volume": ({"adv": {"max_pct": 1.0}}, [(Fact, "x", "adv", 900.0, "", 0)], 1, "MAX_PCT_ADV"),
    "halt": ({"after_halt": {"market_wait_ms": 1_000}}, [(Status, 0, True), (Status, 0, False)], 1, "HALT_RESUMED"),
    "day": ({"daily_loss": {"max_pct": 0.5}}, day_after, 1, "DAILY_LOSS"),
}


def changed(name: str) -> tuple[RiskGate, StateView, Order]:
    """A desk on which an order passed quickly, after the change that bars it."""
    limits, change, side, code = CHANGES[name]
    stage = Stage({"a": {}}, limits=LOOSE | limits)
    stage.tell(Session, "24/7", True, 1, 10**15)
    stage.quote(49.99, 50.01)
    stage.fill(10**9, 100, 50.0)
    gate, view, order = stage.engine.gate, stage.engine.view, on(side) if name != "short" else Order(4_000, 0, -1, 200, shares=(Share("a", 200),))
    assert gate.swift(order, view) is not None
    if callable(change):
        change(stage)
    else:
        for kind, *fields in change:
            stage.tell(kind, *fields)
    refused = gate.admit(order, (), view).refused
    assert refused is not None
    assert refused.code == code
    return gate, view, order


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_worked_out_is_forgotten_when_it_changes(name: str) -> None:
    gate, view, order = changed(name)
    assert gate.swift(order, view) is None


@pytest.mark.parametrize("name", CHANGES)
def test_without_forgetting_it_would_pass(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each change above is one that only `forget` tells."""
    monkeypatch.setattr(RiskGate, "forget", lambda gate: None)
    gate, view, order = changed(name)
    assert gate.swift(order, view) is not None


def test_what_was_worked_out_is_forgotten_at_a_restart_and_with_other_instruments() -> None:
    stage = Stage({"a": {}}, limits=LOOSE)
    stage.quote(49.99, 50.01)
    gate, view = stage.engine.gate, stage.engine.view
    assert gate.swift(on(), view) is not None
    stage.state.conditions.bands[0] = (10.0, 20.0)
    assert gate.swift(on(), view) is not None  # nobody has told it
    stage.engine.resume(stage.engine.cursor)
    assert gate.swift(on(), view) is None
    assert gate.swift(Order(4_000, 7, 1, 10, shares=(Share("a", 10),)), view) is None


# -- breakers ----------------------------------------------------------------------------------------------------------------


def test_breakers_are_asked_where_one_may_be_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """At every count and fall that latches, and seldom else; the law above compares what comes of it."""
    counted: list[bool] = []
    count = Levels.count
    monkeypatch.setattr(Levels, "count", lambda levels, pulse=False: (counted.append(pulse), count(levels, pulse))[1])
    stage = Stage({"a": {}}, breakers=Breakers(daily_loss_frac=0.01, velocity_frac=0.01, losses=2, rejects=2, repeats=2, drifts=1))
    stage.tell(Session, "24/7", True, 1, 10**15)
    stage.quote(49.99, 50.01)
    stage.fill(10**9, 1_000, 50.0)
    counted.clear()
    for k in range(20):
        stage.quote(49.99 - k / 100, 50.01 - k / 100)
    assert not counted
    stage.quote(49.0, 49.02)  # 990 USD of 100,000: not quite
    assert not counted
    stage.quote(48.98, 49.0)
    assert counted == [False]
    assert stage.state.level == 1


@pytest.mark.parametrize(
    "tell",
    [
        lambda storms: storms.refused(0), lambda storms: (storms.closed(1, -5), storms.closed(2, -5)),
        lambda storms: (storms.executed(0, 0, 1, 4), storms.executed(0, 0, 1, 8)), lambda storms: (storms.settle(0, 1000), storms.settle(1, 989)),
    ],
)  # fmt: skip
def test_storms_are_calm_below_each_limit_alone(tell: Callable[[Storms], Any]) -> None:
    limits = Breakers(velocity_frac=0.01, losses=2, rejects=1, repeats=2)
    storms = Storms(SECOND, SECOND, SECOND)
    assert storms.calm(989, limits)
    tell(storms)
    assert not storms.calm(989, limits)


def test_what_is_older_than_its_window_is_forgotten_when_it_is_counted() -> None:
    limits, storms = Breakers(repeats=2), Storms(SECOND, SECOND, SECOND)
    storms.executed(0, 0, 1, 4)
    storms.executed(2 * SECOND, 0, 1, 8)
    assert not storms.calm(0, limits)
    assert storms.repeated(2 * SECOND) == (1, 0, 1)
    assert storms.calm(0, limits)
