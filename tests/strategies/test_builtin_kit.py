"""Every strategy of the house keeps the laws of strategies."""

from __future__ import annotations

from argosy.strategies.breakout import Breakout
from argosy.strategies.buy_and_hold import BuyAndHold
from argosy.strategies.dca import Dca
from argosy.strategies.grid import Grid
from argosy.strategies.mean_reversion import MeanReversion
from argosy.strategies.multi_timeframe import MultiTimeframe
from argosy.strategies.pairs import Pairs
from argosy.strategies.rebalance import Rebalance
from argosy.strategies.risk_parity import RiskParity
from argosy.strategies.trend import Trend
from argosy.strategies.volatility_target import VolatilityTarget
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


class TestBreakout(StepKit):
    strategy = Breakout


class TestBreakoutBothWays(StepKit):
    strategy = Breakout
    given = {"entry": 8, "exit": 4, "range": 5, "stop_atr": 1.0, "short": True, "weight": 0.5}


class TestMultiTimeframe(StepKit):
    """The kit's bars are an hour apart: two hours, four hours and a day above them."""

    strategy = MultiTimeframe
    given = {"second": 120, "third": 240, "fourth": 1440, "fast": 2, "slow": 4, "short": True}


class TestVolatilityTarget(StepKit):
    strategy = VolatilityTarget
    given = {"per_year": 8760, "band": 0.05}


class TestPairs(StrategyKit):
    """Its prices are random, so that nothing belongs together: it is asked for no evidence."""

    strategy = Pairs
    given = {"window": 40, "evidence": 0.0, "entry": 1.5, "stop": 3.0}


class TestPairsOfNamedSymbols(StrategyKit):
    strategy = Pairs
    given = {"first": "CCC", "second": "AAA", "window": 30, "evidence": 2.5, "half_life": 8.0, "entry": 1.2, "stop": 2.5}


class TestDca(StrategyKit):
    """Its safety orders and its sale are prices of its own, laid anew after a split."""

    strategy = Dca
    given = {"every": "1d"}
    splits = False


class TestRiskParity(StrategyKit):
    strategy = RiskParity
    given = {"every": "1d", "window": 30}


class TestInverseVolatility(StrategyKit):
    strategy = RiskParity
    given = {"every": "2d", "window": 20, "method": "inverse"}
