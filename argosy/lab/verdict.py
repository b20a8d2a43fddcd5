"""The verdict on a run: its numbers, beside those of buying and holding; it reads what happened and never asks for a price.

Statistics use equity at the end of each UTC day that has a row (weekly or slower rows are used as they are), so that the
same strategy has one Sharpe ratio on minutes and on days. A year has 252 such days, 365 when weekends trade (`steps_a_year`). Growth
a year counts calendar time; the drawdown sees every row. Deposits and withdrawals are no profit: with them, all figures are of the time-weighted
value of a unit (`earned`).
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
from argosy.lab.result import FILL_COLUMNS, Failed, Flow, Result, fill_frame
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
    flows: Sequence[Flow] = (),
    marks: Mapping[str, float] | None = None,
    refusals: Mapping[str, int] | None = None,
    failures: Sequence[Failed] = (),
    settings: Mapping[str, Any] | None = None,
    hashes: Mapping[str, str] | None = None,
    seconds: float = 0.0,
    bars: int = 0,
    hint: str = "",
    options: Mapping[str, str] | None = None,
) -> Result:
    """The Result of a run, its trades and statistics worked out here.

    cash: units at the start; equity: (T,) units; fills: frame or columns of `lab.result.FILL_COLUMNS`, as they happened;
    marks: last price of each symbol, which values the trips still open; flows: deposits and withdrawals after the start; options: see `Result`
    """
    import polars as pl

    frame = fills if isinstance(fills, pl.DataFrame) else fill_frame(dict(fills) or None)
    now = int(known[-1]) if len(known) else None
    trades = round_trips(frame, splits=splits, marks=marks, now=now)
    value = np.asarray(equity, np.float64) / per_one(currency)
    made = Result(
        name=name, strategies=tuple(strategies), symbols=tuple(symbols), currency=currency, cash=cash, known=known,
        equity=equity, benchmark=benchmark, fills=frame, trades=trades, refusals=dict(refusals or {}),
        benchmark_stats=of_curve(known, benchmark), failures=tuple(failures), splits=tuple(splits), flows=tuple(flows),
        settings=dict(settings or {}), hashes=dict(hashes or {}), seconds=seconds, bars=bars, hint=hint,
        options=None if options is None else dict(options),
    )  # fmt: skip
    curve = of_curve(known, value, made.flow if flows else None)
    made.stats = curve | tally(trades) | of_fills(known, value, frame, trades, currency)
    return made


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
        Ratio(event.known, instruments[event.instrument].symbol, event.ratio, _lieu(outcome, event))
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
        options={row.symbol: row.option.underlying for row in instruments if row.option is not None},
        fills=columns, splits=splits, flows=outcome.flows(), marks=marks, refusals=outcome.refusals, failures=failures, settings=settings,
        hashes={"tape": " ".join(outcome.source.hashes), "journal": getattr(engine.journal, "chain", ""), "state": engine.state.hash},
        seconds=outcome.seconds, bars=len(outcome.source), hint=replay.hint,
    )  # fmt: skip


def _lieu(outcome: Outcome, split: Split) -> float:
    """What the fraction of a lot was paid at: the split's own price, else the last mark before it in the new units, as the portfolio does."""
    if split.price == split.price:
        return split.price
    latest, mark = -1, float("nan")
    for tape in outcome.source.tapes:
        names = {"close": ("close", "close"), "price": ("price", "price")}
        first, second = next((pair for name, pair in names.items() if name in tape.columns), ("bid", "ask"))
        price = (tape[first] + tape[second]) * 0.5
        own = np.flatnonzero((tape["instrument"] == split.instrument) & (tape["known"] < split.known) & ~np.isnan(price))
        if len(own) and int(tape["known"][own[-1]]) > latest:
            latest, mark = int(tape["known"][own[-1]]), float(price[own[-1]])
    return mark / split.ratio


def of_curve(
    known: NDArray[np.int64], value: NDArray[np.float64], flows: NDArray[np.float64] | None = None
) -> dict[str, float]:
    """total_return, cagr, volatility, sharpe, sortino, max_drawdown (all fractions), max_drawdown_days; nan where undefined.

    known: (T,) ns UTC; value: (T,) currency; flows: see `Result.flow`. max_drawdown_days: from the peak until it is reached
    again, or until the end. cagr is undefined for less than 30 days. `lab.statistics` has all figures, with definitions.
    """
    known, value = earned(known, value, flows)
    rows = daily(known)
    curve: list[float] = value[rows].tolist()
    if len(value) and (not curve or curve[0] != value[0]):
        curve = [float(value[0]), *curve]
    ppy = steps_a_year(known)
    depth, peak, back = deepest(value)
    ends = [float(value[0]), float(value[-1])] if len(value) > 1 else []
    return {
        "total_return": kernels.total_return.py(ends),
        "cagr": a_year(ends, known),
        "volatility": kernels.volatility.py(curve, ppy),
        "sharpe": kernels.sharpe.py(curve, ppy),
        "sortino": kernels.sortino.py(curve, ppy),
        "max_drawdown": depth,
        "max_drawdown_days": float(known[back] - known[peak]) / DAY if depth > 0.0 else 0.0,
    }


def a_year(ends: Sequence[float], known: NDArray[np.int64]) -> float:
    """Growth a calendar year between a first and a last value; nan for less than `MONTH`. known: (T,) ns of the rows between them."""
    years = float(known[-1] - known[0]) / YEAR if len(known) > 1 else 0.0
    return kernels.cagr.py(ends, 1.0 / years) if years >= MONTH else float("nan")


def calmar(cagr: float, depth: float) -> float:
    """Growth a year over the deepest fall, nan where there was none. Source: Young, Calmar Ratio (1991), here over the whole time."""
    return cagr / depth if depth > 0.0 else float("nan")


def flowed(known: NDArray[np.int64], flows: Sequence[Flow]) -> NDArray[np.float64]:
    """What came in (+) or went out (-) by each row and after the one before, in units of money, (T,) float64."""
    out = np.zeros(len(known))
    for when, amount in flows if len(out) else ():
        out[min(int(np.searchsorted(known, when)), len(out) - 1)] += amount
    return out


def earned(
    known: NDArray[np.int64], value: NDArray[np.float64], flows: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(known, value) of an account without what came in and went out: the first money, grown at time-weighted returns.

    flows: (T,) currency, see `Result.flow`; without any the value is as it was. Rows before the first money are left out.
    """
    value = np.asarray(value, np.float64)
    if flows is None or not np.any(flows[1:]):
        return known, value
    unit = np.empty(len(value))
    first = kernels.units.py(value.tolist(), flows.tolist(), unit)
    return known[first:], unit[first:] * (value[first] if first < len(value) else 1.0)


def deepest(value: NDArray[np.float64]) -> tuple[float, int, int]:
    """(depth, peak, back) of the deepest fall: a fraction and two rows; back is the last row when the peak was not reached again.

    `kernels.stats.max_drawdown` to the bit, over a million rows at once. (nan, 0, 0) without rows or with nan in any.
    """
    if not len(value) or np.isnan(value).any():
        return float("nan"), 0, 0
    down = falls(value)
    low = int(np.argmax(down))
    depth = float(down[low])
    if not depth > 0.0:
        return 0.0, 0, 0
    peak = low - int(np.argmax(value[: low + 1][::-1]))
    again = value[low:] >= value[peak]
    at = int(np.argmax(again))
    return depth, peak, low + at if again[at] else len(value) - 1


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
    fees = float(fills["fee"].sum()) / one
    turnover = cost_figures(known, value, traded, fees)["turnover"]
    return {"fees": fees, "traded": traded, "turnover": turnover, "exposure": exposure(known, trades)}


def cost_figures(known: NDArray[np.int64], value: NDArray[np.float64], traded: float, fees: float) -> dict[str, float]:
    """turnover (traded over the mean equity, a year), fee_bps (fees over traded), drag (fees over the mean equity, a year); nan undefined."""
    years = float(known[-1] - known[0]) / YEAR if len(known) > 1 else 0.0
    mean = float(value.mean()) if len(value) else 0.0
    fine = years > 0.0 and mean > 0.0
    return {
        "turnover": traded / mean / years if fine else float("nan"), "fee_bps": 1e4 * fees / traded if traded > 0.0 else float("nan"),
        "drag": fees / mean / years if fine else float("nan"),
    }  # fmt: skip


def exposure(known: NDArray[np.int64], trades: pl.DataFrame) -> float:
    """Share of rows at which some position was open, entry included and exit not."""
    if not len(known):
        return float("nan")
    start = np.searchsorted(known, trades["entered"].to_numpy(), side="left")
    end = np.searchsorted(known, trades["left"].fill_null(int(known[-1]) + 1).to_numpy(), side="left")
    order = np.argsort(start, kind="stable")
    start, end = start[order], end[order]
    reached = np.concatenate((np.zeros(1, np.int64), np.maximum.accumulate(end)[:-1])) if len(end) else end
    return float(np.maximum(end - np.maximum(start, reached), 0).sum() / len(known))


def daily(known: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows that are the last of their UTC day: (days,) int64. known: (T,) ns ascending."""
    if not len(known):
        return np.zeros(0, np.int64)
    known = np.asarray(known)
    first, last = int(known[0]) // DAY, int(known[-1]) // DAY
    if last - first < len(known):  # look for each midnight
        ends = np.searchsorted(known, np.arange(first + 1, last + 1) * DAY) - 1
        return np.append(ends[np.append(ends[1:] != ends[:-1], True)] if len(ends) else ends, len(known) - 1).astype(np.int64)
    day = known // DAY
    return np.append(np.flatnonzero(day[1:] != day[:-1]), len(day) - 1).astype(np.int64)


def steps_a_year(known: NDArray[np.int64]) -> float:
    """252 for days of five a week, 365 for seven, six in seven of that for six; for rows that are no days what the calendar says.

    Which days the five are does not matter: a bar of a whole UTC day is known at midnight, so those of Monday to Friday are known from
    Tuesday to Saturday. Six is what currencies have, which open on Sunday night. Rows are days where one in ten follows on the day before.
    """
    days = np.asarray(known)[daily(known)] // DAY
    if len(days) < 2:
        return 252.0
    gaps = np.diff(days)
    if float(np.median(gaps)) > 4.0 or float(np.mean(gaps == 1)) < 0.1:
        return float((len(days) - 1) * YEAR / DAY / (days[-1] - days[0]))
    weekday = (days + 3) % 7  # the epoch was a Thursday; 0 is Monday
    traded = np.bincount(weekday, minlength=7) > 0.05 * len(days)
    if traded[5:].all():
        return 365.0
    return 365.0 * 6.0 / 7.0 if traded.sum() == 6 else 252.0


def falls(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Drawdown at each row, a positive fraction of the peak so far: (T,) float64."""
    if not len(value):
        return np.zeros(0, np.float64)
    peak = np.maximum.accumulate(value)
    return np.where(peak > 0.0, (peak - value) / np.where(peak > 0.0, peak, 1.0), 0.0)


def monthly(known: NDArray[np.int64], value: NDArray[np.float64]) -> list[tuple[int, int, float]]:
    """(year, month, return) of each calendar month in UTC; the first month begins at the first row.

    A row at midnight is of the day that ends there: the bar of a month's last day is of that month.
    """
    if len(known) < 2:
        return []
    months = (np.asarray(known) - 1).astype("datetime64[ns]").astype("datetime64[M]")
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
