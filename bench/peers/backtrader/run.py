"""The 10/30 cross in backtrader: market orders filled at the next open, no commission."""

# mypy: ignore-errors
from __future__ import annotations

import datetime as dt

import backtrader as bt


class Feed(bt.feed.DataBase):
    """Rows from lists."""

    def __init__(self, rows):
        super().__init__()
        self.rows = rows

    def start(self):
        super().start()
        self.left = iter(self.rows)

    def _load(self):
        row = next(self.left, None)
        if row is None:
            return False
        lines = self.lines
        lines.datetime[0], lines.open[0], lines.high[0], lines.low[0], lines.close[0], lines.volume[0] = row
        lines.openinterest[0] = 0.0
        return True


class Cross(bt.Strategy):
    """Long 100 while the fast mean is above the slow one."""

    def __init__(self):
        self.fast = bt.indicators.SMA(self.data.close, period=10)
        self.slow = bt.indicators.SMA(self.data.close, period=30)
        self.fills = 0

    def next(self):
        above = self.fast[0] - self.slow[0] > 1e-6
        if above and not self.position:
            self.buy(size=100)
        elif self.position and not above:
            self.sell(size=100)

    def notify_order(self, order):
        if order.status == order.Completed:
            self.fills += 1


def prepare(prices):
    """Rows with backtrader's own day numbers."""
    start = bt.date2num(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    return [(start + k / 1440.0, *row) for k, row in enumerate(prices.tolist())]


def run(rows):
    """Fills and end equity."""
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.broker.setcash(10_000_000.0)
    cerebro.adddata(Feed(rows))
    cerebro.addstrategy(Cross)
    strategy = cerebro.run()[0]
    return strategy.fills, cerebro.broker.getvalue()
