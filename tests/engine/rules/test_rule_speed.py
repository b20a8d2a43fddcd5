"""What the gate costs on the way to Approved; printed with -s, not judged."""

from __future__ import annotations

import timeit

from fakeview import FakeView, order, stop_leg

from argosy.engine.risk import RiskGate
from argosy.engine.rules.profiles import SHELF, rules

TIGHT = {
    "order_size": {"max_lots": 1000, "max_notional": 50_000},
    "collar": {"max_pct": 3, "market_age_ms": 1000},
    "stale": {"max_age_ms": 1000, "crossed": True},
    "fx": {"max_age_ms": 1000},
    "daily_loss": {"max_pct": 2},
    "drawdown": {"max_pct": 10},
    "losing_streak": {"max_losses": 3},
    "trades_per_day": {"max_trades": 1000, "max_trades_per_strategy": 1000},
    "order_rate": {"per_second": 100, "per_minute": 1000},
    "duplicate": {"window_ms": 1000},
    "protection": {"required": True},
    "position": {"max_pct": 5},
    "exposure": {"max_gross": 100_000, "max_net": 100_000, "max_leverage": 1},
    "buying_power": {"use_pct": 95},
}


class Quick(FakeView):
    """The fake desk without its care for unknown ids: about what an engine's own view costs."""

    def lots(self, i):
        return self.held[i]

    def worst(self, i):
        return self.lows[i], self.highs[i]

    def marked(self, i):
        return self.known[i]

    def quote(self, i):
        return self.bids[i], self.asks[i]

    def value(self, i, lots, px):
        return round(lots * px * self.scales[i])

    def reference(self, i):
        return self.marks[i]


def test_speed_of_the_allowed_path():
    view = Quick()
    view.lows = [0] * 7
    view.highs = [0] * 7
    buy = order(10, limit=100.0)
    legs = (stop_leg(buy, 98.0),)
    exit = order(10, -1)
    for name, gate, sent, with_legs, held in (
        ("lab, wide open", RiskGate(rules("lab")), buy, (), 0),
        ("lab, wide open, at market", RiskGate(rules("lab")), order(10), (), 0),
        (f"all {len(SHELF)} rules binding, with a stop leg", RiskGate(rules("lab", TIGHT)), buy, legs, 0),
        (f"all {len(SHELF)} rules binding, guarded, at market", RiskGate(rules("lab", TIGHT)), order(10), (), 0),
        ("desk, exit", RiskGate(rules("desk")), exit, (), 10),
    ):
        view.lows[0] = view.highs[0] = view.held[0] = held
        view.guarded = {0}
        verdict = gate.admit(sent, with_legs, view)
        assert verdict.approved is not None
        assert verdict.approved.order is sent
        best = min(timeit.repeat(lambda: gate.admit(sent, with_legs, view), number=2_000, repeat=7)) / 2_000  # noqa: B023
        print(f"\n{name}: {best * 1e9:,.0f} ns", end="")
