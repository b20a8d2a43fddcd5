"""The rows of a sweep, the best first: what every combination earned on every instrument, in figures of a backtest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.money import per_one
from argosy.kernels.sweep.account import (
    BROKE,
    CASH,
    CROSS,
    DEALT,
    EQUITY,
    EXPOSED,
    FEES,
    FILLS,
    FINE,
    HELD,
    OUT,
    OVERFLOW,
    PRICE,
    RAISED,
    RATIO,
    REFUSED,
    ROOM,
    SHORT,
    SIZE,
    STOPPED,
    TIRED,
    TRIMMED,
    TRIPS,
    WINS,
)
from argosy.kernels.sweep.marks import COUNT, DEPTH, MEAN, SQUARES
from argosy.lab.sweep.grid import Plan
from argosy.lab.sweep.ground import Ground
from argosy.lab.sweep.shore import Shore
from argosy.lab.sweep.work import Sums

if TYPE_CHECKING:
    import polars as pl

CODES = {
    FINE: "", OUT: "SWEEP_STEP_OUT", SIZE: "SWEEP_ORDER_SIZE", PRICE: "SWEEP_PRICE", SHORT: "SWEEP_NOT_SHORTABLE", CROSS: "SWEEP_SELF_CROSS",
    OVERFLOW: "SWEEP_OVERFLOW", TRIMMED: "SWEEP_TRIMMED", ROOM: "SWEEP_ORDERS", RAISED: "SWEEP_STEP_RAISED", RATIO: "SWEEP_SPLIT",
    TIRED: "SWEEP_VENUE_REFUSES", BROKE: "SWEEP_NO_EQUITY",
}  # fmt: skip
"""Why a combination has no figures on an instrument: there the engine would refuse an order, or do what a sweep cannot tell."""
LESS = ("max_drawdown", "fees")
"""Figures of which less is better."""
RANKS = ("sharpe", "total_return", "end_equity", "win_rate", "trades", "exposure", *LESS)
"""Figures that rows can be sorted by."""


def frame(made: Plan, lands: Sequence[Ground | Shore], out: Sums, currency: str) -> pl.DataFrame:
    """One row a combination and instrument, in order of instrument, then of the grid; columns as `run.sweep` tells."""
    import polars as pl

    accounts, figures = out.accounts, out.figures
    equity = accounts[:, EQUITY]
    count = len(made.combinations)
    one = per_one(currency)
    fine = accounts[:, REFUSED] == FINE
    rows = np.repeat([len(land) for land in lands], count).astype(np.float64)
    cash = np.repeat([land.cash for land in lands], count).astype(np.float64)
    ppy = np.repeat([land.ppy for land in lands], count)
    trips = accounts[:, TRIPS]

    def figure(values: NDArray[Any]) -> pl.Series:
        return pl.Series(np.where(fine, values, np.nan), dtype=pl.Float64, nan_to_null=True)

    def whole(values: NDArray[np.int64]) -> pl.Series:
        return pl.Series(values, dtype=pl.Int64).set(pl.Series(~fine), None)

    with np.errstate(invalid="ignore", divide="ignore"):
        returns = np.where(rows > 1, (equity / one) / (cash / one) - 1.0, np.nan)
        wins = np.where(trips > 0, accounts[:, WINS] / trips, np.nan)
        columns: dict[str, Any] = {"symbol": [land.symbol for land in lands for _ in range(count)]}
        for at, name in enumerate(made.names):
            columns[name] = [combination.given[at] for combination in made.combinations] * len(lands)
        columns |= {
            "total_return": figure(returns), "sharpe": figure(_sharpe(figures, ppy)), "max_drawdown": figure(figures[:, DEPTH]),
            "trades": whole(trips), "win_rate": figure(wins), "exposure": figure(accounts[:, EXPOSED] / rows),
            "fees": figure(accounts[:, FEES] / one), "traded": figure(accounts[:, DEALT] / one), "end_equity": figure(equity / one),
            "fills": whole(accounts[:, FILLS]), "stops": whole(accounts[:, STOPPED]), "equity_units": whole(equity),
            "cash_units": whole(accounts[:, CASH]), "fees_units": whole(accounts[:, FEES]), "lots": whole(accounts[:, HELD]),
            "refused": [CODES[code] for code in accounts[:, REFUSED].tolist()],
        }  # fmt: skip
    return pl.DataFrame(columns)


def known(by: str) -> None:
    """Misuse("SWEEP_BY") for what rows cannot be sorted by; "" is no order of its own."""
    if by and by not in RANKS:
        raise Misuse("SWEEP_BY", f"rows cannot be sorted by {by!r}", where="by", fix=f"one of {', '.join(RANKS)}")


def ranked(rows: pl.DataFrame, by: str) -> pl.DataFrame:
    """The rows, the best in `by` first, those without it last; equal ones stay in their order."""
    return rows.sort(by, descending=by not in LESS, nulls_last=True, maintain_order=True)


def _sharpe(figures: NDArray[np.float64], ppy: NDArray[np.float64]) -> NDArray[np.float64]:
    """`stats.sharpe` of the ends of days, from their sums."""
    count, mean, squares = figures[:, COUNT], figures[:, MEAN], figures[:, SQUARES]
    deviation = np.sqrt(squares / (count - 1.0))
    ratio = mean / deviation * np.sqrt(ppy)
    return np.where((count >= 2.0) & (ppy > 0.0) & (deviation > 1e-12 * np.abs(mean)), ratio, np.nan)
