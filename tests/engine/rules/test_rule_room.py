"""The room of a gate: within the bounds that its rules give, no rule refuses or trims a plain order; where one cannot say, there is none."""

from __future__ import annotations

from typing import Any

import pytest
from fakeview import ACME, CALL, COIN, NOW, USD, FakeView, order
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core.events import Band, Fact, Gap, Link
from argosy.core.orders import Order, Share
from argosy.engine.risk import RiskGate
from argosy.engine.rules.profiles import SHELF, rules
from argosy.engine.rules.rule import INF, Own, Room

GIVEN: dict[str, dict[str, Any]] = {
    "order_size": {"max_lots": 120, "max_notional": 9_000, "trim": True},
    "collar": {"max_pct": 30, "both_sides": True},
    "daily_loss": {"max_pct": 2},
    "drawdown": {"max_pct": 10},
    "losing_streak": {"max_losses": 2},
    "trades_per_day": {"max_trades": 2, "max_trades_per_strategy": 1},
    "order_rate": {"per_second": 2, "per_minute": 9},
    "duplicate": {"window_ms": 1000},
    "position": {"max_pct": 5, "max_lots": 90},
    "exposure": {"max_gross": 12_000, "max_net": 8_000, "max_leverage": 0.1},
    "buying_power": {"use_pct": 95, "trim": True},
    "budget": {"use_pct": 95},
    "session": {"queue": False},
    "short": {"allow": False},
    "first_minutes": {"minutes": 5},
    "after_halt": {"market_wait_ms": 1000},
}


def within(room: Room, view: FakeView, one: Order, i: int) -> bool:
    """Whether a market order is within the bounds, by their own words."""
    held = view.held[i]
    if held * one.side < 0 or view.marks[i] != view.marks[i] or (one.side < 0 and not room.shorts):
        return False
    after = abs(held) + one.lots
    value = view.value(i, one.lots, view.marks[i])
    whole = view.value(i, after, view.marks[i])
    if value is None or whole is None:
        return False
    counters, own = view.counters, view.own("a")
    stamps = counters.stamps
    return (
        one.lots <= room.lots and value <= room.value and after <= room.position_lots and whole <= room.position_frac * view.equity
        and view.gross + value <= room.gross and abs(view.net) + value <= room.net and view.gross + value <= room.leverage * view.equity
        and value <= room.power_frac * view.buying_power and value <= room.own_power_frac * own.power
        and not (room.own_loss and own.max_loss and own.budget - own.equity >= own.max_loss)
        and view.equity >= room.least_equity and view.peak - view.equity <= room.fall_frac * view.peak
        and counters.trades_in_all < room.trades and counters.trades.get("a", 0) < room.own_trades
        and counters.losses.get("a", 0) < room.streak and len(stamps) < room.rate
        and view.now - counters.last.get(i, -(1 << 60)) >= room.apart_ns
    )  # fmt: skip


@st.composite
def calm(draw: st.DrawFn) -> FakeView:
    """A desk of which nothing rests, near its limits."""
    view = FakeView()
    for i in (ACME, COIN):
        view.held[i] = draw(st.sampled_from([0, 0, 15, -15, 40, -40]))
    view.equity = draw(st.sampled_from([100_000, 98_000, 99_000, 12_000])) * USD + draw(st.integers(-1, 1))
    view.peak = draw(st.sampled_from([100_000, 108_000])) * USD
    view.buying_power = draw(st.sampled_from([100_000, 3_000])) * USD
    view.gross = sum(abs(view.value(i, view.held[i], 100.0) or 0) for i in (ACME, COIN))
    view.net = sum(view.value(i, view.held[i], 100.0) or 0 for i in (ACME, COIN))
    view.open = draw(st.booleans())
    view.owned = Own(view.equity, view.buying_power, 100_000 * USD, draw(st.sampled_from([0, 2_000, 50_000])) * USD)
    for k in range(draw(st.integers(0, 3))):
        view.counters.on_order(order(5, id=9 + k, shares=(Share(draw(st.sampled_from("ab")), 5),)), NOW - draw(st.sampled_from([0, 2_000_000_000])))
    for _ in range(draw(st.integers(0, 2))):
        view.counters.on_closed("a", -1)
    return view


SEEN: dict[bool, int] = {True: 0, False: 0}


@settings(deadline=None, max_examples=600)
@given(calm(), st.sets(st.sampled_from(sorted(GIVEN)), max_size=5), st.integers(1, 130), st.sampled_from([1, -1]), st.sampled_from([ACME, COIN]))
def test_within_the_room_nothing_is_refused_or_trimmed(view: FakeView, named: set[str], lots: int, side: int, i: int) -> None:
    gate = RiskGate(rules("lab", {name: GIVEN[name] for name in named}))
    room = gate.room(view)
    one = order(lots, side, i)
    inside = room is not None and within(room, view, one, i) and lots >= view.instruments[i].min_lots
    SEEN[inside] += 1
    if inside:
        verdict = gate.admit(one, (), view)
        assert verdict.refused is None
        assert verdict.trimmed is None


def test_the_law_above_says_something() -> None:
    if not SEEN[True]:
        test_within_the_room_nothing_is_refused_or_trimmed()
    assert SEEN[True] > 20
    assert SEEN[False] > 20


NONE: list[tuple[str, dict[str, Any], Any]] = [
    ("session", {"queue": False}, lambda view: setattr(view, "open", False)),
    ("band", {}, lambda view: view.conditions.band(Band(NOW, NOW, ACME, 90.0, 110.0))),
    ("reduce_only", {}, lambda view: setattr(view, "level", 1)),
    ("feed", {}, lambda view: view.conditions.link(Link(NOW, NOW, "account", "reconciling"))),
    ("feed", {}, lambda view: view.conditions.gap(Gap(NOW, NOW, ACME, "feed"))),
    ("after_halt", {"market_wait_ms": 1}, lambda view: view.conditions.resumed.update({ACME: NOW})),
    ("short", {}, lambda view: view.conditions.fact(Fact(NOW, NOW, "x", "ssr", 1.0, "", ACME))),
    ("first_minutes", {"minutes": 1}, lambda view: setattr(view.conditions, "armed", NOW - 59_999_999_999)),
    ("adv", {"max_pct": 1}, lambda view: view.conditions.fact(Fact(NOW, NOW, "x", "adv", 1e9, "", ACME))),
    ("cover", {}, lambda view: view.list_options()),
]


@pytest.mark.parametrize(("rule", "given_", "change"), NONE, ids=[row[0] for row in NONE])
def test_there_is_no_room_while_a_rule_cannot_say(rule: str, given_: dict[str, Any], change: Any) -> None:
    gate, view = RiskGate(rules("lab", {rule: given_})), FakeView()
    assert gate.room(view) is not None
    change(view)
    assert gate.room(view) is None


@pytest.mark.parametrize(
    ("rule", "given_"),
    [
        ("protection", {"required": True}), ("adv", {"max_pct": 1, "required": True}), ("adv", {"max_pct": 1, "volumes": {"ACME": 1e9}}),
        ("sector", {"max_pct": 1, "of": {"ACME": "tools"}}),
        ("order_rate", {"per_minute_each": 5}), ("order_rate", {"requests_per_minute": 5}), ("order_rate", {"cancels_per_order": 5}),
    ],
)  # fmt: skip
def test_rules_that_look_at_more_than_bounds_leave_no_room(rule: str, given_: dict[str, Any]) -> None:
    assert RiskGate(rules("lab", {rule: given_})).room(FakeView()) is None


def test_what_time_has_ended_takes_no_room() -> None:
    gate, view = RiskGate(rules("lab", {"first_minutes": {"minutes": 1}, "after_halt": {"market_wait_ms": 1}})), FakeView()
    view.conditions.armed = NOW - 60_000_000_000
    view.conditions.resumed[ACME] = NOW - 1_000_000
    assert gate.room(view) is not None
    view.conditions.resumed[COIN] = NOW - 999_999
    assert gate.room(view) is None


def test_what_each_limit_gives() -> None:
    room = RiskGate(rules("lab", {name: GIVEN[name] for name in sorted(set(GIVEN) - {"session"})})).room(FakeView())
    assert room is not None
    assert (room.lots, room.value, room.position_lots, room.gross, room.net) == (120, 9_000 * USD, 90, 12_000 * USD, 8_000 * USD)
    assert (room.trades, room.own_trades, room.streak, room.rate, room.apart_ns, room.shorts) == (2, 1, 2, 2, 1_000_000_000, False)
    assert (room.through, room.away, room.least_equity) == (0.3, 0.3, 98_000 * USD + 1)
    wide = RiskGate(rules("lab")).room(FakeView())
    assert wide is not None
    assert wide.lots == wide.value == wide.gross == wide.rate == INF
    assert wide.own_loss is True
    assert (wide.age_ns >= 1 << 80, wide.uncrossed) == (True, False)


def test_a_rule_of_another_house_has_no_room_for_entries_and_one_without_bounds_none_at_all() -> None:
    class Foreign:
        code, guards_exits, binds = "FOREIGN", False, True

        def clear(self, room: Room, view: Any) -> bool:
            return True

        def check(self, order: Order, legs: Any, exit: bool, view: Any) -> None:
            return None

    class Silent(Foreign):
        clear = None  # type: ignore[assignment]

    view = FakeView()
    assert RiskGate([Foreign()]).room(view) is not None
    assert RiskGate([Foreign()]).room(view, entries=True) is None
    assert RiskGate(rules("lab")).room(view, entries=True) is not None
    assert RiskGate([Silent()]).room(view) is None
    assert len(SHELF) == 31
    assert CALL == 7


@pytest.mark.parametrize(
    ("rule", "given_", "name", "value"),
    [
        ("collar", {"market_age_ms": 7}, "age_ns", 7_000_000), ("stale", {"max_age_ms": 9}, "age_ns", 9_000_000),
        ("stale", {"locked": True}, "uncrossed", True), ("stale", {"crossed": True}, "uncrossed", True),
        ("collar", {"max_pct": 5}, "through", 0.05), ("collar", {"max_pct": 5}, "away", INF), ("position", {"max_lots": 7}, "position_frac", INF),
        ("exposure", {"max_gross": 5}, "leverage", INF), ("trades_per_day", {"max_trades": 4}, "own_trades", INF),
        ("stale", {"max_age_ms": 1}, "lots", INF), ("budget", {}, "own_power_frac", INF),
    ],
)  # fmt: skip
def test_a_limit_that_is_off_bounds_nothing(rule: str, given_: dict[str, Any], name: str, value: float) -> None:
    room = RiskGate(rules("lab", {rule: given_})).room(FakeView())
    assert room is not None
    assert getattr(room, name) == pytest.approx(value)
