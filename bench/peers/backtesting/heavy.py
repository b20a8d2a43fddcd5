"""Every bar in backtesting.py: the unfilled entry is cancelled, and a new one with stop and target is placed; no commission."""

# mypy: ignore-errors
from __future__ import annotations

import warnings

from backtesting import Backtest, Strategy
from run import prepare as prepare

warnings.simplefilter("ignore")


class Brackets(Strategy):
    """A new entry a thousandth below each close, its stop and target a thousandth from it."""

    def init(self):
        pass

    def next(self):
        for order in self.orders:
            if not order.is_contingent:
                order.cancel()
        close = round(self.data.Close[-1] * 100.0)
        entry = close - close // 1_000
        self.buy(size=100, limit=entry / 100.0, sl=(entry - entry // 1_000) / 100.0, tp=(entry + entry // 1_000) / 100.0)


def run(frame):
    """Fills and end equity."""
    stats = Backtest(frame, Brackets, cash=10_000_000, commission=0.0, finalize_trades=False).run()
    return 2 * len(stats["_trades"]) + len(stats["_strategy"].trades), stats["Equity Final [$]"]
