"""Each bound of a clearance by itself: just within it an order passes without the rules, beyond it they are asked, and say why."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from argosy.core.events import Delist, Session
from argosy.core.instrument import Instrument, Instruments
from argosy.core.orders import Order, Refused, Share, Tif, Type
from argosy.engine import clearance
from argosy.engine.risk import RiskGate
from argosy.engine.rules.position import Position, PositionLimits
from argosy.engine.rules.profiles import rules
from argosy.engine.rules.rule import Room, bounds_of
from tests.walks.hand import NAN, Stage

Setup = Callable[[Stage], Any]


def order(lots: int, side: int = 1, i: int = 0, **more: Any) -> Order:
    return Order(4_000, i, side, lots, shares=(Share("a", lots),), **more)


def stage(limits: dict[str, Any], table: Instruments | None = None, price: float = 50.0) -> Stage:
    made = Stage({"a": {}}, 2, table, limits=limits)
    made.tell(Session, "24/7", True, 1, 10**15)
    for i in range(2):
        made.quote(price, price, i)
    return made


def nothing(stage: Stage) -> None:
    """As it is."""


def fallen(stage: Stage) -> None:
    """1,000 units were worth 60, and are worth 59.4."""
    stage.fill(10**9, 1_000, 50.0)
    stage.quote(60.0, 60.0)
    stage.quote(59.4, 59.4)


def one(**facts: Any) -> Instruments:
    return Instruments([Instrument(symbol="S0", **facts), Instrument(symbol="S1")])


def entered(stage: Stage) -> None:
    stage.state.counters.on_order(order(20), stage.now)


BOUNDS: dict[str, tuple[dict[str, Any], Setup, int, int, int, str]] = {  # limits, before, side, lots that pass (0: none), that do not, code
    "largest order": ({"order_size": {"max_lots": 20}}, nothing, 1, 20, 21, "MAX_ORDER_QTY"),
    "worth of an order": ({"order_size": {"max_notional": 1_000}}, nothing, 1, 19, 21, "MAX_ORDER_NOTIONAL"),
    "day": ({"daily_loss": {"max_pct": 0.5}}, fallen, 1, 1, 0, ""),
    "drawdown": ({"drawdown": {"max_pct": 0.5}}, fallen, 1, 0, 1, "DRAWDOWN"),
    "drawdown not yet": ({"drawdown": {"max_pct": 0.6}}, fallen, 1, 1, 0, ""),
    "trades": ({"trades_per_day": {"max_trades": 1}}, entered, 1, 0, 1, "TRADES_PER_DAY"),
    "own trades": ({"trades_per_day": {"max_trades_per_strategy": 1}}, entered, 1, 0, 1, "TRADES_PER_DAY"),
    "losses": ({"losing_streak": {"max_losses": 1}}, lambda stage: stage.state.counters.on_closed("a", -1), 1, 0, 1, "CONSECUTIVE_LOSSES"),
    "rate": ({"order_rate": {"per_second": 1}}, entered, 1, 0, 1, "ORDER_RATE"),
    "rate of two": ({"order_rate": {"per_second": 2}}, entered, 1, 1, 0, ""),
    "duplicate": ({"duplicate": {"window_ms": 1_000}}, entered, 1, 0, 20, "DUPLICATE"),
    "interval": ({"interval": {"every_s": 1.0}}, lambda stage: (entered(stage), stage.quote(50.0, 50.0)), 1, 0, 1, "TRADE_INTERVAL"),
    "no shorts": ({"short": {"allow": False}}, nothing, -1, 0, 1, "NOT_SHORTABLE"),
    "position": ({"position": {"max_lots": 20, "trim": False}}, nothing, 1, 20, 21, "MAX_POSITION"),
    "part of equity": ({"position": {"max_pct": 1.0, "trim": False}}, nothing, 1, 19, 21, "MAX_POSITION"),
    "gross": ({"exposure": {"max_gross": 1_000}}, nothing, 1, 19, 21, "MAX_GROSS"),
    "net": ({"exposure": {"max_net": 1_000}}, nothing, 1, 19, 21, "MAX_NET"),
    "leverage": ({"exposure": {"max_leverage": 0.01}}, nothing, 1, 19, 21, "MAX_LEVERAGE"),
    "buying power": ({"buying_power": {"use_pct": 1.0}}, nothing, 1, 19, 21, "BUYING_POWER"),
    "own buying power": ({"budget": {"use_pct": 1.0}}, nothing, 1, 19, 21, "BUDGET"),
    "old price": ({"stale": {"max_age_ms": 1}}, lambda stage: stage.quote(1.0, 2.0, 1, after=2_000_000), 1, 0, 1, "STALE_DATA"),
    "old price at market": ({"collar": {"market_age_ms": 1}}, lambda stage: stage.quote(1.0, 2.0, 1, after=2_000_000), 1, 0, 1, "NO_REFERENCE"),
    "locked": ({"stale": {"locked": True}}, nothing, 1, 0, 1, "QUOTE_LOCKED"),
    "crossed": ({"stale": {"crossed": True}}, lambda stage: stage.quote(50.1, 50.0), 1, 0, 1, "QUOTE_CROSSED"),
    "price of nothing": ({"exposure": {"max_gross": 1_000}}, lambda stage: stage.quote(0.0, 0.0), 1, 0, 1, "MAX_GROSS"),
    "ended": ({}, lambda stage: stage.tell(Delist, 0, 50.0), 1, 0, 1, "DELISTED"),
}


def test_there_is_no_bound_that_nobody_looks_at() -> None:
    """A rule that narrows what `Clearance` does not read would pass unasked. Whether a strategy's own loss is limited its book says."""
    read = set(re.findall(r"room\.(\w+)", Path(clearance.__file__).read_text(encoding="utf-8")))
    assert read >= set(Room.__slots__) - {"own_loss"}


@pytest.mark.parametrize("name", BOUNDS)
def test_each_bound_is_where_its_rule_is(name: str) -> None:
    limits, before, side, passes, refused, code = BOUNDS[name]
    at = stage(limits)
    before(at)
    gate, view = at.engine.gate, at.engine.view
    if passes:
        said = gate.swift(order(passes, side), view)
        assert said is not None
        assert said.refused is said.trimmed is None
        assert said.approved is not None
    if refused:
        assert gate.swift(order(refused, side), view) is None
        verdict = gate.admit(order(refused, side), (), view)
        assert verdict.refused is not None
        assert verdict.refused.code == code


FACTS: dict[str, tuple[dict[str, Any], float, Order, str]] = {
    "restricted": ({"restricted": True}, 50.0, order(1), "RESTRICTED"),
    "too few": ({"min_lots": 5}, 50.0, order(4), "QTY_MIN"),
    "too many": ({"max_lots": 50}, 50.0, order(51), "QTY_MAX"),
    "never priced": ({}, NAN, order(1), "NO_REFERENCE"),
    "not shortable": ({"shortable": False}, 50.0, order(1, -1), "NOT_SHORTABLE"),
    "more lots than can be counted": ({}, 1e-13, order(1 << 62), "OVERFLOW"),
    "worth more than can be counted": ({}, 50.0, order(1 << 61), "OVERFLOW"),
    "off the tick": ({}, 50.0, order(1, type=Type.LIMIT, limit=50.001), "PRICE_TICK"),
    "shares of another sum": ({}, 50.0, Order(4, 0, 1, 5, shares=(Share("a", 4),)), "QTY_STEP"),
    "another currency without a rate": ({"currency": "EUR"}, 50.0, order(1), "FX_STALE"),
}


@pytest.mark.parametrize("name", FACTS)
def test_what_the_instrument_forbids_is_left_to_the_rules(name: str) -> None:
    facts, price, asked, code = FACTS[name]
    at = stage({}, one(**facts), price)
    assert at.engine.gate.swift(asked, at.engine.view) is None
    verdict = at.engine.gate.admit(asked, (), at.engine.view)
    assert verdict.refused is not None
    assert verdict.refused.code == code


@pytest.mark.parametrize(
    "asked",
    [
        order(1, tif=Tif.IOC), order(1, stop=40.0), order(1, type=Type.STOP, stop=60.0), order(1, limit=50.0), order(1, i=9),
        order(1, reduce_only=True),
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_the_rules(asked: Order) -> None:
    at = stage({})
    assert at.engine.gate.swift(asked, at.engine.view) is None


def test_an_exit_passes_what_bars_entries_and_is_as_large_as_an_order_may_be() -> None:
    at = stage({"trades_per_day": {"max_trades": 0}, "order_size": {"max_lots": 60}})
    at.fill(10**9, 100, 50.0)
    gate, view = at.engine.gate, at.engine.view
    said = gate.swift(order(60, -1, reduce_only=True), view)
    assert said is not None
    assert said.exit
    assert gate.swift(order(61, -1), view) is None
    assert gate.swift(order(1), view) is None
    at.fill(10**9 + 1, -50, 50.0)
    assert gate.swift(order(50, -1), view) is not None
    assert gate.swift(order(51, -1), view) is None  # it would go through zero


def test_open_orders_elsewhere_are_counted_and_leave_a_net_limit_to_its_rule() -> None:
    for limits, lots in (({"exposure": {"max_gross": 2_000}}, 9), ({"exposure": {"max_net": 2_000}}, 1)):
        at = stage(limits)
        gate, view = at.engine.gate, at.engine.view
        assert gate.swift(order(39), view) is not None
        at.state.blotter.add(order(30, i=1), 1_500_000_000)
        passes = gate.swift(order(lots), view) is not None
        assert passes is ("max_net" not in limits.get("exposure", {}))
        assert gate.swift(order(11), view) is None
        assert gate.admit(order(11), (), view).refused is not None
        at.state.blotter.move(at.state.blotter.tickets[4_000], at.work(4_000).CANCELED)
        assert gate.swift(order(39), view) is not None


class NoBuys(Position):
    """Somebody's own rule, made of one of ours: its bounds are those of another question."""

    def check(self, order: Order, legs: Any, exit: bool, view: Any) -> Any:
        return Refused("NO_BUYS", {}, "") if order.side > 0 else None


class Named(Position):
    """One of ours by another name: its question is the same, and so are its bounds."""

    code = "OWN_POSITION"


def test_bounds_are_a_rule_s_as_long_as_its_question_is_the_one_that_they_are_of() -> None:
    limits = PositionLimits(max_pct=90.0)
    assert [bounds_of(rule) is not None for rule in (Position(limits), Named(limits), NoBuys(limits))] == [True, True, False]
    asked = type("Asked", (), {})()  # its question is told to it alone, and bounds it has none
    asked.check = lambda order, legs, exit, view: None
    assert bounds_of(asked) is None


def test_a_rule_made_of_one_of_ours_is_asked() -> None:
    made = stage({})
    made.engine.gate = RiskGate([*rules("lab"), NoBuys(PositionLimits(max_pct=90.0))])
    assert made.engine.gate.swift(order(1), made.engine.view) is None
    assert made.engine.gate.room(made.engine.view) is None
    assert made.engine.gate.swift(order(1, side=-1), made.engine.view) is not None
