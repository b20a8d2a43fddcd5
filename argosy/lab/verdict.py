"""The verdict on a run: its numbers, beside those of buying and holding; it reads what happened and never asks for a price.

Statistics use equity at the end of each UTC day that has a row (weekly or slower rows are used as they are), so that the
same strategy has one Sharpe ratio on minutes and on days. A year has 252 such days, 365 when weekends trade. Growth a year
counts calendar time; the drawdown sees every row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from argosy.core.events import Split
from argosy.core.money import per_one
from argosy.core.time import DAY
from argosy.kernels import stats as kernels
from argosy.lab.result import FILL_COLUMNS, Failed, Result, fill_frame
from argosy.lab.trades import Ratio, round_trips, tally

if TYPE_CHECKING:
    import polars as pl

    from argosy.lab.backtest import Outcome

YEAR = 365.25 * DAY
"""Nanoseconds in a mean calendar year."""
MONTH = 30 / 365.25
"""Years below which growth a year says nothing."""


def conclude(
    *,
    name: str,
    strategies: Sequence[str],
    symbols: Sequence[str],
    currency: str,
    cash: int,
    known: NDArray[np.int64],
    equity: NDArray[np.int64],
    benchmark: NDArray[np.float64],
    fills: pl.DataFrame | Mapping[str, Sequence[Any]],
    splits: Sequence[Ratio] = (),
    marks: Mapping[str, float] | None = None,
    refusals: Mapping[str, int] | None = None,
    failures: Sequence[Failed] = (),
    settings: Mapping[str, Any] | None = None,
    hashes: Mapping[str, str] | None = None,
    seconds: float = 0.0,
    bars: int = 0,
    hint: str = "",
) -> Result:
    """The Result of a run, its trades and statistics worked out here.

    cash: units at the start; equity: (T,) units; fills: frame or columns of `lab.result.FILL_COLUMNS`, as they happened;
    marks: last price of each symbol, which values the trips still open
    """
    import polars as pl

    frame = fills if isinstance(fills, pl.DataFrame) else fill_frame(dict(fills) or None)
    now = int(known[-1]) if len(known) else None
    trades = round_trips(frame, splits=splits, marks=marks, now=now)
    value = np.asarray(equity, np.float64) / per_one(currency)
    return Result(
        name=name, strategies=tuple(strategies), symbols=tuple(symbols), currency=currency, cash=cash, known=known,
        equity=equity, benchmark=benchmark, fills=frame, trades=trades, refusals=dict(refusals or {}),
        stats=of_curve(known, value) | tally(trades) | of_fills(known, value, frame, trades, currency),
        benchmark_stats=of_curve(known, benchmark), failures=tuple(failures), splits=tuple(splits),
        settings=dict(settings or {}), hashes=dict(hashes or {}), seconds=seconds, bars=bars, hint=hint,
    )  # fmt: skip


def gather(outcome: Outcome, name: str, *, settings: Mapping[str, Any] | None = None) -> Result:
    """The Result of a finished run of `lab.backtest`."""
    engine, replay = outcome.run.engine, outcome.run.replay
    portfolio, instruments = engine.state.portfolio, engine.instruments
    columns: dict[str, list[Any]] = {column: [] for column in FILL_COLUMNS}
    for fill, strategy, lots, fee, order in outcome.account.fills:
        row = instruments[fill.instrument]
        notional = fill.notional if lots == fill.lots else round(Fraction(fill.notional * lots, fill.lots))
        tag, why = (order.tag, order.why) if order is not None else ("", "")
        values = (
            fill.known, fill.ts, row.symbol, strategy, fill.order, fill.execution, fill.side, lots, float(row.units(lots)),
            fill.price, notional, fee, fill.maker, tag, why,
        )  # fmt: skip
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
    splits = [
        Ratio(event.known, instruments[event.instrument].symbol, event.ratio, event.price)
        for event in replay.script
        if isinstance(event, Split)
    ]
    marks = {row.symbol: portfolio.marks[row.id] for row in instruments if portfolio.marks[row.id] > 0}
    failures = [
        Failed(failed.strategy, failed.known, failed.error, failed.event, failed.trace)
        for failed in outcome.failures
    ]
    return conclude(
        name=name, strategies=[slot.id for slot in engine.slots], symbols=instruments.symbols, currency=portfolio.base,
        cash=outcome.run.cash[0].amount, known=outcome.instants(), equity=outcome.equity(), benchmark=outcome.benchmark(),
        fills=columns, splits=splits, marks=marks, refusals=outcome.refusals, failures=failures, settings=settings,
        hashes={"tape": " ".join(outcome.source.hashes), "journal": getattr(engine.journal, "chain", ""), "state": engine.state.hash},
        seconds=outcome.seconds, bars=len(outcome.source), hint=replay.hint,
    )  # fmt: skip


def of_curve(known: NDArray[np.int64], value: NDArray[np.float64]) -> dict[str, float]:
    """total_return, cagr, volatility, sharpe, sortino, max_drawdown (all fractions), max_drawdown_days; nan where undefined.

    known: (T,) ns UTC; value: (T,) currency. max_drawdown_days: from the peak until it is reached
    again, or until the end. cagr is undefined for less than 30 days.
    """
    value = np.asarray(value, np.float64)
    rows = daily(known)
    curve: list[float] = value[rows].tolist()
    if len(value) and (not curve or curve[0] != value[0]):
        curve = [float(value[0]), *curve]
    ppy = steps_a_year(known)
    years = (known[-1] - known[0]) / YEAR if len(known) > 1 else 0.0
    depth, length = kernels.max_drawdown.py(value.tolist())
    days = 0.0
    if depth > 0.0:
        low = int(np.argmax(falls(value)))
        peak = low - int(np.argmax(value[: low + 1][::-1]))
        days = float(known[min(peak + length, len(known) - 1)] - known[peak]) / DAY
    return {
        "total_return": kernels.total_return.py(value.tolist()),
        "cagr": kernels.cagr.py(value.tolist(), (len(value) - 1) / years) if years >= MONTH else float("nan"),
        "volatility": kernels.volatility.py(curve, ppy),
        "sharpe": kernels.sharpe.py(curve, ppy),
        "sortino": kernels.sortino.py(curve, ppy),
        "max_drawdown": depth,
        "max_drawdown_days": days,
    }


def of_fills(
    known: NDArray[np.int64],
    value: NDArray[np.float64],
    fills: pl.DataFrame,
    trades: pl.DataFrame,
    currency: str,
) -> dict[str, float]:
    """fees, traded (currency), turnover (traded / mean equity, a year), exposure (share of rows with an open position)."""
    one = per_one(currency)
    traded = float(fills["notional"].abs().sum()) / one
    years = (known[-1] - known[0]) / YEAR if len(known) > 1 else 0.0
    mean = float(value.mean()) if len(value) else 0.0
    return {
        "fees": float(fills["fee"].sum()) / one,
        "traded": traded,
        "turnover": float(traded / mean / years) if years and mean > 0.0 else float("nan"),
        "exposure": exposure(known, trades),
    }


def exposure(known: NDArray[np.int64], trades: pl.DataFrame) -> float:
    """Share of rows at which some position was open, entry included and exit not."""
    if not len(known):
        return float("nan")
    change = np.zeros(len(known) + 1, np.int64)
    entered = trades["entered"].to_numpy()
    left = trades["left"].fill_null(int(known[-1]) + 1).to_numpy()
    np.add.at(change, np.searchsorted(known, entered, side="left"), 1)
    np.add.at(change, np.searchsorted(known, left, side="left"), -1)
    return float(np.count_nonzero(np.cumsum(change[:-1]) > 0) / len(known))


def daily(known: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows that are the last of their UTC day: (days,) int64."""
    if not len(known):
        return np.zeros(0, np.int64)
    day = np.asarray(known) // DAY
    return np.append(np.flatnonzero(day[1:] != day[:-1]), len(day) - 1).astype(np.int64)


def steps_a_year(known: NDArray[np.int64]) -> float:
    """252 for days without weekends, 365 with them; for weekly and slower rows what the calendar says."""
    days = np.asarray(known)[daily(known)] // DAY
    if len(days) < 2:
        return 252.0
    if float(np.median(np.diff(days))) > 4.0:
        return float((len(days) - 1) * YEAR / DAY / (days[-1] - days[0]))
    weekday = (days + 3) % 7  # the epoch was a Thursday; 0 is Monday
    return 365.0 if float(np.mean(weekday >= 5)) > 0.1 else 252.0


def falls(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Drawdown at each row, a positive fraction of the peak so far: (T,) float64."""
    if not len(value):
        return np.zeros(0, np.float64)
    peak = np.maximum.accumulate(value)
    return np.where(peak > 0.0, (peak - value) / np.where(peak > 0.0, peak, 1.0), 0.0)


def monthly(known: NDArray[np.int64], value: NDArray[np.float64]) -> list[tuple[int, int, float]]:
    """(year, month, return) of each calendar month in UTC; the first month begins at the first row."""
    if len(known) < 2:
        return []
    months = np.asarray(known).astype("datetime64[ns]").astype("datetime64[M]")
    ends = np.append(np.flatnonzero(months[1:] != months[:-1]), len(months) - 1)
    before = np.concatenate(([value[0]], value[ends[:-1]]))
    out = []
    for end, base in zip(ends.tolist(), before.tolist(), strict=True):
        count = int(months[end].astype(np.int64))
        out.append(
            (
                1970 + count // 12,
                count % 12 + 1,
                float(value[end]) / base - 1.0 if base > 0.0 else float("nan"),
            )
        )
    return out
