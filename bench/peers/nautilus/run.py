"""The 10/30 cross in nautilus_trader: bars with execution on, netting; it fills a market order at the close it was decided on."""

# mypy: ignore-errors
from __future__ import annotations

from decimal import Decimal

import pandas as pd
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig, StrategyConfig
from nautilus_trader.indicators import SimpleMovingAverage
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Money
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

SHARE = TestInstrumentProvider.equity(symbol="X", venue="SIM")
BARS = BarType.from_str("X.SIM-1-MINUTE-LAST-EXTERNAL")


class Cross(Strategy):
    """Long 100 while the fast mean is above the slow one."""

    def __init__(self):
        super().__init__(StrategyConfig())
        self.fast = SimpleMovingAverage(10)
        self.slow = SimpleMovingAverage(30)
        self.fills = 0
        self.held = False

    def on_start(self):
        self.size = SHARE.make_qty(Decimal(100))
        self.register_indicator_for_bars(BARS, self.fast)
        self.register_indicator_for_bars(BARS, self.slow)
        self.subscribe_bars(BARS)

    def on_bar(self, bar):
        if not self.slow.initialized:
            return
        above = self.fast.value - self.slow.value > 1e-6
        if above != self.held:
            side = OrderSide.BUY if above else OrderSide.SELL
            self.submit_order(self.order_factory.market(SHARE.id, side, self.size))

    def on_order_filled(self, event):
        self.fills += 1
        self.held = event.order_side == OrderSide.BUY


def prepare(prices):
    """Its bar objects, made outside the time."""
    index = pd.date_range("2020-01-01", periods=len(prices), freq="min", tz="UTC")
    frame = pd.DataFrame(prices, columns=["open", "high", "low", "close", "volume"], index=index)
    frame["volume"] = 1e6  # it fills in parts what is more than a quarter of a bar's volume; nobody else here does
    return BarDataWrangler(BARS, SHARE).process(frame)


def run(bars):
    """Fills and end equity."""
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(
        venue=Venue("SIM"), oms_type=OmsType.NETTING, account_type=AccountType.MARGIN, base_currency=USD,
        starting_balances=[Money(10_000_000, USD)], bar_execution=True,
    )  # fmt: skip
    engine.add_instrument(SHARE)
    engine.add_data(bars, validate=False)
    strategy = Cross()
    engine.add_strategy(strategy)
    engine.run()
    account = engine.portfolio.account(Venue("SIM"))
    equity = float(account.balance_total(USD).as_double())
    open_ = engine.cache.positions_open()
    for position in open_:
        equity += float(position.unrealized_pnl(bars[-1].close).as_double())
    fills = strategy.fills
    engine.dispose()
    return fills, equity
