"""How a run did, from its equity and its trades: return, risk, drawdown; it never judges what is good enough.

curve:   figures of an equity curve, one by one        trades: figures of closed trades
spread:  all moments of returns in two passes          water:  all drawdowns in one
versus:  returns beside a benchmark's, in two          rolling: both over a moving window
units:   time-weighted value, deposits taken out

What has no sense is nan, never a warning or an error.
"""

from argosy.kernels.stats.curve import (
    Summary,
    cagr,
    max_drawdown,
    moments,
    sharpe,
    sortino,
    summary,
    total_return,
    volatility,
)
from argosy.kernels.stats.rolling import rolling
from argosy.kernels.stats.spread import spread
from argosy.kernels.stats.trades import (
    average_gain,
    average_loss,
    expectancy,
    payoff,
    profit_factor,
    streaks,
    win_rate,
)
from argosy.kernels.stats.units import units
from argosy.kernels.stats.versus import versus
from argosy.kernels.stats.water import water

__all__ = [
    "Summary", "average_gain", "average_loss", "cagr", "expectancy", "max_drawdown", "moments", "payoff", "profit_factor", "rolling",
    "sharpe", "sortino", "spread", "streaks", "summary", "total_return", "units", "versus", "volatility", "water", "win_rate",
]  # fmt: skip
