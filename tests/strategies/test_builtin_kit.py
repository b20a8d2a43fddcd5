"""Every strategy of the house keeps the laws of strategies."""

from __future__ import annotations

from argosy.strategies.buy_and_hold import BuyAndHold
from argosy.strategies.grid import Grid
from argosy.strategies.mean_reversion import MeanReversion
from argosy.strategies.rebalance import Rebalance
from argosy.strategies.trend import Trend
from argosy.testing.strategy_kit import StepKit, StrategyKit


class TestBuyAndHold(StepKit):
    strategy = BuyAndHold


class TestTrend(StepKit):
    strategy = Trend


class TestTrendWithStop(StepKit):
    strategy = Trend
    given = {"fast": 4, "slow": 11, "range": 7, "stop_atr": 1.5, "short": True, "weight": 0.5}


class TestMeanReversion(StepKit):
    strategy = MeanReversion
    given = {"window": 15, "entry": 1.5, "short": True, "max_bars": 5, "stop": 1.0}


class TestMeanReversionWithoutStop(StepKit):
    strategy = MeanReversion
    given = {"stop": 0.0, "max_bars": 0}


class TestRebalance(StrategyKit):
    strategy = Rebalance
    given = {"every": "1d"}


class TestRebalanceByDrift(StrategyKit):
    strategy = Rebalance
    given = {"every": "", "band": 0.02, "weights": {"AAA": 0.5, "CCC": 0.2}}


class TestGrid(StrategyKit):
    """A grid's lines are prices of its own; a split moves the price out of them and the grid is laid anew."""

    strategy = Grid
    splits = False
