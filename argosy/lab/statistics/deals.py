"""All figures of the trades of a run and of what they cost; a trade still open is counted, and never as won or lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from argosy.core.money import per_one
from argosy.core.time import DAY
from argosy.kernels import stats as kernels
from argosy.lab.result import Result
from argosy.lab.statistics import reasons as why
from argosy.lab.statistics.reasons import Figures
from argosy.lab.trades import tally
from argosy.lab.verdict import YEAR, cost_figures, of_fills

if TYPE_CHECKING:
    import polars as pl

NAN = float("nan")


class Deals(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of closed trades and of costs; `catalogue.FIGURES` defines each. Money in whole currency; nan undefined."""

    trades: float = 0.0
    open_trades: float = 0.0
    win_rate: float = NAN
    profit_factor: float = NAN
    payoff: float = NAN
    expectancy: float = NAN
    average_frac: float = NAN
    best_frac: float = NAN
    worst_frac: float = NAN
    average_gain: float = NAN
    average_loss: float = NAN
    longest_wins: float = 0.0
    longest_losses: float = 0.0
    held_days: float = NAN
    mae_frac: float = NAN
    mfe_frac: float = NAN
    exposure: float = NAN
    traded: float = 0.0
    turnover: float = NAN
    fees: float = 0.0
    fee_bps: float = NAN
    drag: float = NAN


def of_trades(result: Result, trades: pl.DataFrame, value: NDArray[np.float64]) -> tuple[Deals, dict[str, str]]:
    """The figures of a run's trades, and the reason of each that is not finite.

    trades: the result's own, or the same with the columns of `excursions`; value: the result's equity in currency, (T,)
    """
    closed = trades.filter(~trades["open"])
    pnl: list[float] = (closed["pnl"] / per_one(result.currency)).to_list()
    none = (not pnl, why.NO_TRADES)
    made = Figures()
    counted = tally(trades)
    for name in ("trades", "open_trades", "win_rate"):
        made.add(name, counted[name], none)
    lost = (not any(value < 0.0 for value in pnl), why.NO_LOSSES)
    gained = (not any(value > 0.0 for value in pnl), why.NO_GAINS)
    made.add("profit_factor", counted["profit_factor"], none, lost)
    made.add("payoff", kernels.payoff.py(pnl), none, gained, lost)
    made.add("expectancy", kernels.expectancy.py(pnl), none)
    for name in ("average_frac", "best_frac", "worst_frac"):
        made.add(name, counted[name], none)
    made.add("average_gain", kernels.average_gain.py(pnl), none, gained)
    made.add("average_loss", kernels.average_loss.py(pnl), none, lost)
    wins, losses = kernels.streaks.py(pnl)
    made.add("longest_wins", wins)
    made.add("longest_losses", losses)
    made.add("held_days", float(np.mean(closed["held_ns"].to_numpy())) / DAY if pnl else NAN, none)
    for name in ("mae_frac", "mfe_frac"):
        column = closed[name].drop_nulls().to_list() if name in closed.columns else []
        made.add(name, sum(column) / len(column) if column else NAN, none, (True, why.NO_BARS))
    known = result.known
    years = float(known[-1] - known[0]) / YEAR if len(known) > 1 else 0.0
    costs = of_fills(known, value, result.fills, trades, result.currency)
    empty = (not len(known), why.EMPTY)
    made.add("exposure", costs["exposure"], empty)
    made.add("traded", costs["traded"])
    instant = (not years > 0.0, "no time went by")
    poor = (True, "the mean equity is not above nothing")
    made.add("turnover", costs["turnover"], empty, instant, poor)
    made.add("fees", costs["fees"])
    spent = cost_figures(known, value, costs["traded"], costs["fees"])
    made.add("fee_bps", spent["fee_bps"], (True, why.UNTRADED))
    made.add("drag", spent["drag"], empty, instant, poor)
    return Deals(**made.values), made.reasons
