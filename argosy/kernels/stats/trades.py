"""Figures of closed trades: how often they win, by how much, and what one is worth; it never counts a trade still open.

pnl: (N,) profit (+) or loss (-) of each closed trade after fees, in any currency; a list (`.py`) or a float64
array. What has no sense is nan, never a warning or an error: no trades, nan in what is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from argosy.kernels.kernel import kernel

NAN = float("nan")
INF = float("inf")


@kernel
def win_rate(pnl: Sequence[float]) -> float:
    """Trades that gained over all trades, 0 to 1; a trade of 0 is no win. nan without trades."""
    wins = 0
    for k in range(len(pnl)):
        if isnan(pnl[k]):
            return NAN
        if pnl[k] > 0.0:
            wins += 1
    return wins / len(pnl) if len(pnl) > 0 else NAN


@kernel
def profit_factor(pnl: Sequence[float]) -> float:
    """Sum of gains over sum of losses, positive; inf with gains and no loss, nan without either."""
    gains = 0.0
    losses = 0.0
    for k in range(len(pnl)):
        if isnan(pnl[k]):
            return NAN
        if pnl[k] > 0.0:
            gains += pnl[k]
        else:
            losses -= pnl[k]
    if losses > 0.0:
        return gains / losses
    return INF if gains > 0.0 else NAN


@kernel
def expectancy(pnl: Sequence[float]) -> float:
    """Mean profit of a trade, in the currency of pnl; nan without trades.

    It is win rate * mean gain - loss rate * mean loss.
    Source: Tharp, Trade Your Way to Financial Freedom (1998), in currency and not in multiples of the risk.
    """
    total = 0.0
    for k in range(len(pnl)):
        total += pnl[k]
    return total / len(pnl) if len(pnl) > 0 else NAN


@kernel
def average_gain(pnl: Sequence[float]) -> float:
    """Mean profit of the trades that gained, in the currency of pnl; nan without one."""
    total = 0.0
    count = 0
    for k in range(len(pnl)):
        if isnan(pnl[k]):
            return NAN
        if pnl[k] > 0.0:
            total += pnl[k]
            count += 1
    return total / count if count > 0 else NAN


@kernel
def average_loss(pnl: Sequence[float]) -> float:
    """Mean loss of the trades that lost, positive, in the currency of pnl; nan without one. A trade of 0 is neither."""
    total = 0.0
    count = 0
    for k in range(len(pnl)):
        if isnan(pnl[k]):
            return NAN
        if pnl[k] < 0.0:
            total -= pnl[k]
            count += 1
    return total / count if count > 0 else NAN


@kernel
def payoff(pnl: Sequence[float]) -> float:
    """Mean gain over mean loss; nan without a gain or without a loss."""
    gain = average_gain(pnl)
    loss = average_loss(pnl)
    return gain / loss if loss > 0.0 else NAN


@kernel
def streaks(pnl: Sequence[float]) -> tuple[int, int]:
    """(wins, losses): the longest runs of trades one after another that gained, and that lost; a trade of 0 or nan ends both."""
    wins = 0
    losses = 0
    up = 0
    down = 0
    for k in range(len(pnl)):
        up = up + 1 if pnl[k] > 0.0 else 0
        down = down + 1 if pnl[k] < 0.0 else 0
        wins = up if up > wins else wins
        losses = down if down > losses else losses
    return wins, losses
