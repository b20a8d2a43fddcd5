"""The 10/30 cross in backtesting.py, in its quick form (raw arrays): market orders filled at the next open, no commission."""

# mypy: ignore-errors
from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy

warnings.simplefilter("ignore")


def mean(values, n):
    """The mean of the last n, nan before."""
    sums = np.cumsum(np.insert(np.asarray(values, float), 0, 0.0))
    out = np.full(len(values), np.nan)
    out[n - 1 :] = (sums[n:] - sums[:-n]) / n
    return out


class Cross(Strategy):
    """Long 100 while the fast mean is above the slow one."""

    def init(self):
        self.fast = self.I(mean, self.data.Close, 10)
        self.slow = self.I(mean, self.data.Close, 30)

    def next(self):
        above = self.fast[-1] - self.slow[-1] > 1e-6
        if above and not self.position:
            self.buy(size=100)
        elif self.position and not above:
            self.position.close()


def prepare(prices):
    """A frame with its column names."""
    index = pd.date_range("2020-01-01", periods=len(prices), freq="min")
    return pd.DataFrame(prices, columns=["Open", "High", "Low", "Close", "Volume"], index=index)


def run(frame):
    """Fills and end equity; the statistics it always computes are in its time."""
    stats = Backtest(frame, Cross, cash=10_000_000, commission=0.0, finalize_trades=False).run()
    trades = stats["_trades"]
    held = stats["_strategy"].trades
    return 2 * len(trades) + len(held), stats["Equity Final [$]"]
