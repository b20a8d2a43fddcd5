"""Laws of the gate over random desks: what it admits never makes the worst case worse than its limits allow."""

from __future__ import annotations

from typing import Any

from fakeview import ACME, COIN, EURO, HARD, NAN, NOW, USD, FakeView, order, stop_leg
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core.orders import Order, Share, Type
from argosy.engine.risk import RiskGate, Verdict
from argosy.engine.rules.profiles import SHELF, rules

TRADED = (ACME, EURO, HARD, COIN)
LIMITS: dict[str, Any] = {
    "order_size": {"max_lots": 120, "max_notional": 9_000},
    "collar": {"max_pct": 30},
    "stale": {"max_age_ms": 1000},
    "daily_loss": {"max_pct": 2},
    "drawdown": {"max_pct": 10},
    "losing_streak": {"max_losses": 2},
    "trades_per_day": {"max_trades": 2},
    "order_rate": {"per_second": 1},
    "duplicate": {"window_ms": 1000},
    "protection": {"required": True},
    "position": {"max_pct": 5, "max_lots": 90},
    "exposure": {"max_gross": 12_000, "max_net": 8_000, "max_leverage": 0.1},
    "buying_power": {"use_pct": 95, "trim": True},
}


@st.composite
def desks(draw: st.DrawFn) -> FakeView:
    """A desk with positions, open orders and losses; gross and net are the worst case, counted by hand."""
    view = FakeView()
    lots = st.integers(-120, 120)
    some = st.integers(0, 60)
    for i in TRADED:
        view.held[i], view.buys[i], view.sells[i] = draw(lots), draw(some), draw(some)
        view.marks[i] = draw(st.sampled_from([100.0, 37.25, 180.5, NAN]))
        view.known[i] = NOW - draw(st.sampled_from([0, 2_000_000_000]))
    view.equity = draw(st.sampled_from([100_000, 97_000, 30_000, -5])) * USD
    view.buying_power = draw(st.integers(0, 20_000)) * USD
    view.level = draw(st.sampled_from([0, 0, 0, 1, 2, 3, -1]))
    view.rates = draw(st.sampled_from([{"USD": 1.0, "EUR": 1.1}, {"USD": 1.0, "EUR": 1.1}, {"USD": 1.0}]))
    if draw(st.booleans()):
        view.counters.on_order(order(5, id=9), NOW)
        view.counters.on_closed("a", -1)
        view.counters.on_closed("a", -1)
    view.gross = sum(worst_value(view, i) for i in TRADED)
    view.net = draw(st.integers(-15_000, 15_000)) * USD
    return view


def worst_value(view: FakeView, i: int, price: float = NAN) -> int:
    """Base units of the worst |position| of an instrument at the mark (100 when none), or at `price`."""
    mark = price if price == price else view.marks[i] if view.marks[i] == view.marks[i] else 100.0
    return view.value(i, max(map(abs, view.worst(i))), mark) or 0


@st.composite
def asks(draw: st.DrawFn) -> tuple[Order, tuple[Order, ...]]:
    i, side = draw(st.sampled_from(TRADED)), draw(st.sampled_from([1, -1]))
    parts = draw(st.lists(st.integers(1, 70), min_size=1, max_size=3))
    shares = tuple(Share("abc"[k], part) for k, part in enumerate(parts))
    limit = draw(st.sampled_from([NAN, NAN, 100.0, 95.5, 37.25, 181.0]))
    kind = Type.MARKET if limit != limit else Type.LIMIT
    one = order(sum(parts), side, i, type=kind, limit=limit, shares=shares, reduce_only=draw(st.booleans()))
    if draw(st.booleans()):
        return one, ()
    away = 100.0 if limit != limit else limit
    return one, (stop_leg(one, round(away * (1 - 0.9 * side)) + 1.0),)


def admit(view: FakeView, one: Order, legs: tuple[Order, ...], names: set[str]) -> tuple[RiskGate, Verdict]:
    gate = RiskGate(rule for name, rule in zip(SHELF, rules("lab", LIMITS), strict=True) if name in names)
    return gate, gate.admit(one, legs, view)


ANY_RULES = st.sets(st.sampled_from(sorted(SHELF)))


@settings(deadline=None, max_examples=400)
@given(desks(), asks(), ANY_RULES)
def test_admitted_risk_is_within_the_limit_or_not_more_than_before(view: FakeView, ask: tuple[Order, tuple[Order, ...]], names: set[str]):
    one, legs = ask
    i = one.instrument
    low, high = view.worst(i)
    _, verdict = admit(view, one, legs, names)
    assert (verdict.approved is None) != (verdict.refused is None)
    if verdict.approved is None:
        assert verdict.trimmed is None
        return
    sent = verdict.approved.order
    assert 0 < sent.lots <= one.lots
    assert (sent.lots < one.lots) == (verdict.trimmed is not None)
    assert sum(share.lots for share in sent.shares) == sent.lots
    assert all(0 < leg.lots <= sent.lots for leg in verdict.approved.legs)
    assert len(verdict.approved.legs) == len(legs)

    after_low, after_high = (low, high + sent.lots) if sent.side > 0 else (low - sent.lots, high)
    if sent.reduce_only and verdict.exit:  # the venue takes what would open or flip off it
        assert sent.lots <= -sent.side * view.lots(i)
        after_low, after_high = low, high
    before, after = max(abs(low), abs(high)), max(abs(after_low), abs(after_high))
    mark = view.marks[i]
    price = max((p for p in (sent.limit, mark) if p == p), default=NAN)
    grown = view.value(i, after, price) if price == price else None
    held = view.value(i, before, price) if price == price else None
    if "position" in names:
        assert after <= max(90, before)
        if grown is not None and held is not None:
            assert grown <= max(view.equity * 5 // 100, held)
    more = after - before
    if "exposure" in names and more > 0:
        added = view.value(i, more, price)
        assert added is not None
        assert view.gross + added <= 12_000 * USD
        assert 10 * (view.gross + added) <= view.equity
    if "exposure" in names and not verdict.exit:
        value = view.value(i, sent.lots, price)
        assert value is not None
        net = view.net + sent.side * value
        assert abs(net) <= max(8_000 * USD, abs(view.net))
    if "order_size" in names:
        assert sent.lots <= 120
    if "reduce_only" in names and view.level > 0 and not sent.reduce_only:
        assert after_low >= 0 or after_high <= 0
        assert after <= before
    if "probe" in names and view.level == -1 and not verdict.exit and sent.lots > 1:
        paid = view.value(i, sent.lots, view.asked.price)
        assert paid is not None
        assert 200 * paid <= view.equity
    if "buying_power" in names and not verdict.exit:
        opened = max(0, after_high) - max(0, high) if sent.side > 0 else max(0, -after_low) - max(0, -low)
        cost = view.value(i, opened, view.asked.price)
        assert cost is not None
        assert cost == 0 or cost * 100 <= view.buying_power * 95


@settings(deadline=None, max_examples=300)
@given(desks(), asks(), ANY_RULES)
def test_an_exit_is_never_refused_by_a_rule_for_new_risk(view: FakeView, ask: tuple[Order, tuple[Order, ...]], names: set[str]):
    one, _ = ask
    low, high = view.worst(one.instrument)
    room = low if one.side < 0 else -high
    if room <= 0:
        return
    exit = order(min(one.lots, room), one.side, one.instrument, limit=one.limit, type=one.type)
    gate, verdict = admit(view, exit, (), names)
    assert verdict.exit is True
    bypassed = {code for rule in gate.rules if not rule.guards_exits for code in rule.codes}  # type: ignore[attr-defined]
    if verdict.refused is not None:
        assert verdict.refused.code not in bypassed
    guards = {name for name, (make, _) in SHELF.items() if make.guards_exits}  # type: ignore[attr-defined]
    assert guards == {"known", "grid", "overflow", "order_size", "session", "collar", "band", "cover"}  # a sale of what covers is no exit
    assert (verdict.refused is None) == (admit(view, exit, (), names & guards)[1].refused is None)


@settings(deadline=None, max_examples=200)
@given(desks(), asks())
def test_fewer_rules_never_refuse_more(view: FakeView, ask: tuple[Order, tuple[Order, ...]]):
    one, legs = ask
    everything = set(SHELF)
    _, verdict = admit(view, one, legs, everything)
    if verdict.refused is not None:
        return
    for name in SHELF:
        _, without = admit(view, one, legs, everything - {name})
        assert without.approved is not None
        assert verdict.approved is not None
        assert without.approved.order.lots >= verdict.approved.order.lots


@settings(deadline=None, max_examples=200)
@given(desks(), asks(), ANY_RULES)
def test_the_same_question_has_the_same_answer(view: FakeView, ask: tuple[Order, tuple[Order, ...]], names: set[str]):
    one, legs = ask
    before = view.counters.snapshot()
    gate, first = admit(view, one, legs, names)
    assert str(gate.admit(one, list(legs), view)) == str(first)  # text, because nan is not itself
    assert view.counters.snapshot() == before
