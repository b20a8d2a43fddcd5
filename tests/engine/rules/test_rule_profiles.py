"""The profiles: what binds in each, and how a wrong setting is named."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from fakeview import ACME, USD, FakeView, order, stop_leg

from argosy.core.errors import Misconfigured
from argosy.engine.risk import RiskGate
from argosy.engine.rules.profiles import PROFILES, SHELF, rules


def limits(profile: str, settings: dict[str, Any] | None = None, base: str = "USD") -> dict[str, Any]:
    made = rules(profile, settings, base=base)
    return {name: rule.limits for name, rule in zip(SHELF, made, strict=True)}  # type: ignore[attr-defined]


def test_both_profiles_have_every_rule_in_one_order():
    for profile in PROFILES:
        assert [type(rule) for rule in rules(profile)] == [make for make, _ in SHELF.values()]


def test_lab_lets_a_wild_order_pass_and_desk_does_not():
    view = FakeView()
    view.equity = 50_000 * USD
    wild = order(40_000)
    assert RiskGate(rules("lab")).admit(wild, (), view).approved is not None
    refused = RiskGate(rules("desk")).admit(wild, (), view).refused
    assert refused is not None
    assert refused.code == "DAILY_LOSS"


def test_desk_has_the_careful_numbers():
    desk = limits("desk")
    assert desk["position"].max_pct == 5.0
    assert desk["daily_loss"].max_pct == 2.0
    assert desk["trades_per_day"].max_trades == 10
    assert desk["protection"].required is True
    assert desk["protection"].default_stop_pct == 2.0
    assert desk["collar"].max_pct == 3.0
    assert desk["drawdown"].max_pct == 10.0
    assert desk["duplicate"].window_ms == 1000
    assert desk["buying_power"].use_pct == 95.0


def test_desk_trims_a_protected_entry_and_its_leg():
    view = FakeView()
    entry = order(80)
    verdict = RiskGate(rules("desk")).admit(entry, (stop_leg(entry, 98.0),), view)
    assert verdict.trimmed is not None
    assert verdict.approved is not None
    assert (verdict.trimmed.code, verdict.approved.order.lots, verdict.approved.legs[0].lots) == ("MAX_POSITION", 50, 50)


def test_settings_lie_over_the_profile_one_limit_at_a_time():
    made = limits("desk", {"position": {"max_lots": 7}, "daily_loss": {"max_pct": None}, "order_rate": {"per_second": "3"}})
    assert (made["position"].max_pct, made["position"].max_lots) == (5.0, 7)
    assert made["daily_loss"].max_pct is None
    assert (made["order_rate"].per_second, made["order_rate"].per_minute) == (3, 160)


def test_amounts_are_in_the_base_currency():
    made = limits("lab", {"order_size": {"max_notional": 10}}, base="BTC")
    assert made["order_size"].currency == "BTC"
    assert made["exposure"].currency == "BTC"


def test_settings_do_not_change_the_profile():
    before = msgspec.json.encode(PROFILES)
    rules("desk", {"position": {"max_pct": 1}})
    assert msgspec.json.encode(PROFILES) == before


WRONG = [
    ("tests", {}, "PROFILE_UNKNOWN", "limits", "known: lab, desk"),
    ("lab", {"positon": {}}, "RULE_UNKNOWN", "limits.positon", "known: known, grid"),
    ("lab", {"position": {"max_pc": 5}}, "LIMIT_UNKNOWN", "limits.position.max_pc", "known: max_pct, max_lots, trim"),
    ("lab", {"known": {"x": 5}}, "LIMIT_UNKNOWN", "limits.known.x", "known: none"),
    ("lab", {"order_size": {"currency": "EUR"}}, "LIMIT_UNKNOWN", "limits.order_size.currency", "known: max_lots"),
    ("lab", {"position": {"max_pct": 0}}, "LIMIT_VALUE", "limits.position.max_pct", "bounds"),
    ("desk", {"daily_loss": {"max_pct": 100.1}}, "LIMIT_VALUE", "limits.daily_loss.max_pct", "bounds"),
    ("desk", {"trades_per_day": {"max_trades": -1}}, "LIMIT_VALUE", "limits.trades_per_day.max_trades", "bounds"),
    ("desk", {"order_rate": {"per_second": 4097}}, "LIMIT_VALUE", "limits.order_rate.per_second", "bounds"),
    ("desk", {"duplicate": {"window_ms": 60_001}}, "LIMIT_VALUE", "limits.duplicate.window_ms", "bounds"),
    ("desk", {"protection": {"required": "perhaps"}}, "LIMIT_VALUE", "limits.protection.required", "bounds"),
    ("desk", {"position": 5}, "LIMIT_VALUE", "limits.position", "key = value"),
]


@pytest.mark.parametrize(("profile", "settings", "code", "where", "fix"), WRONG)
def test_a_wrong_setting_is_named(profile: str, settings: dict[str, Any], code: str, where: str, fix: str):
    with pytest.raises(Misconfigured) as caught:
        rules(profile, settings)
    assert caught.value.code == code
    assert caught.value.where == where
    assert fix in caught.value.fix


def test_an_exit_passes_the_desk_in_every_bad_hour():
    view = FakeView()
    view.held[ACME] = 100
    view.equity = 10_000 * USD
    view.buying_power = 0
    view.level = 3
    for k in range(50):
        view.counters.on_order(order(id=k), view.now)
        view.counters.on_closed("a", -1)
    verdict = RiskGate(rules("desk")).admit(order(100, -1), (), view)
    assert verdict.approved is not None
    assert verdict.exit is True
