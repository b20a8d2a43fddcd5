"""Where the money came from: trades by strategy, instrument, month, hour, weekday, side or regime, and steps by month or regime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.money import per_one
from argosy.core.time import DAY
from argosy.kernels import stats as kernels
from argosy.lab.result import Result
from argosy.lab.statistics.regimes import Labels, volatility_terciles
from argosy.lab.statistics.versus import Pair, pair
from argosy.lab.verdict import earned

if TYPE_CHECKING:
    import polars as pl

GROUPS = ("strategy", "symbol", "month", "weekday", "hour", "side", "regime")
"""What trades may be grouped by: month is that of the exit, when the money was made; weekday, hour and regime are the entry's."""
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def by_trade(
    result: Result, group: str, *, trades: pl.DataFrame | None = None, regime: Labels | None = None, zone: str = "UTC"
) -> pl.DataFrame:
    """Closed trades of each group, one row a group in its natural order.

    Columns: group, trades, pnl, fees, expectancy (currency), win_rate, profit_factor (inf without a loss), payoff, average_frac,
    best_frac, worst_frac, held_days, mae_frac, mfe_frac (means; null without bars). What has no sense is null.
    trades: the result's own, or the same with the columns of `excursions`; zone: of months, weekdays and hours
    regime: labels of the caller's; volatility terciles of the benchmark if left out
    Misuse("STATISTICS_GROUP") for another group.
    """
    import polars as pl

    if group not in GROUPS:
        raise Misuse("STATISTICS_GROUP", f"trades have no {group!r}", fix=f"one of {', '.join(GROUPS)}")
    table = result.trades if trades is None else trades
    closed = table.filter(~table["open"])
    keys, names = _keys(closed, group, result, regime, zone)
    one = per_one(result.currency)
    rows: list[dict[str, Any]] = []
    columns = {name: closed[name].to_numpy() for name in ("pnl", "fees", "return_frac", "held_ns")}
    reach = {name: closed[name].to_numpy() if name in closed.columns else None for name in ("mae_frac", "mfe_frac")}
    for key in sorted(set(keys.tolist())):
        own = keys == key
        pnl: list[float] = (columns["pnl"][own] / one).tolist()
        fracs = columns["return_frac"][own]
        fracs = fracs[~np.isnan(fracs)]
        row: dict[str, Any] = {
            "group": names[key], "trades": len(pnl), "pnl": sum(pnl), "fees": float(columns["fees"][own].sum()) / one,
            "expectancy": kernels.expectancy.py(pnl), "win_rate": kernels.win_rate.py(pnl), "profit_factor": kernels.profit_factor.py(pnl),
            "payoff": kernels.payoff.py(pnl), "average_frac": float(fracs.mean()) if len(fracs) else None,
            "best_frac": float(fracs.max()) if len(fracs) else None, "worst_frac": float(fracs.min()) if len(fracs) else None,
            "held_days": float(columns["held_ns"][own].mean()) / DAY,
        }  # fmt: skip
        rows.append(row | {name: _mean(column[own]) if column is not None else None for name, column in reach.items()})
    floats = (
        "pnl", "fees", "expectancy", "win_rate", "profit_factor", "payoff", "average_frac", "best_frac", "worst_frac", "held_days",
        "mae_frac", "mfe_frac",
    )  # fmt: skip
    schema: dict[str, Any] = {"group": pl.String, "trades": pl.Int64} | dict.fromkeys(floats, pl.Float64)
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col(floats).fill_nan(None))


def by_step(
    result: Result, group: str = "month", *, benchmark: NDArray[np.float64] | None = None, regime: Labels | None = None, zone: str = "UTC"
) -> pl.DataFrame:
    """Daily steps of each group, "month", "weekday" or "regime", beside the benchmark's; deposits are no profit.

    Columns: group, steps, total_return, benchmark_return (compounded over the group's steps), volatility, sharpe (annual), beta,
    gaining_steps. A step belongs to the month and weekday in which it ends, and to the regime known when it began.
    """
    import polars as pl

    if group not in ("month", "weekday", "regime"):
        raise Misuse("STATISTICS_GROUP", f"steps have no {group!r}", fix="month, weekday or regime")
    known, value = earned(result.known, result.value, result.flow)
    held = (result.benchmark if benchmark is None else benchmark)[len(result.known) - len(known) :]
    steps = pair(known, value, held)
    if group == "regime":
        labels = regime or volatility_terciles(result.known, result.benchmark)
        said = labels.at(np.concatenate((known[:1], steps.ends[:-1])) if len(steps.ends) else steps.ends)
        names = sorted(set(said))
        keys = np.array([names.index(label) for label in said], np.int64)
        label_of = dict(enumerate(names))
    else:
        keys, label_of = _times(pl.Series(steps.ends - 1), group, zone)  # what ends at midnight is of the day before
    rows = [_step_row(label_of[key], keys == key, steps) for key in sorted(set(keys.tolist()))]
    floats = ("total_return", "benchmark_return", "volatility", "sharpe", "beta", "gaining_steps")
    schema: dict[str, Any] = {"group": pl.String, "steps": pl.Int64} | dict.fromkeys(floats, pl.Float64)
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col(floats).fill_nan(None))


def _step_row(name: str, own: NDArray[np.bool_], steps: Pair) -> tuple[Any, ...]:
    """One group's figures of its steps."""
    mine, other = steps.own[own], steps.benchmark[own]
    count, mean, mean_b, sxx, sxy, syy, *_ = kernels.versus.py(mine.tolist(), other.tolist())
    deviation = (sxx / (count - 1)) ** 0.5 if count > 1 else float("nan")
    swing = (syy / (count - 1)) ** 0.5 if count > 1 else float("nan")
    return (
        name, count, float(np.prod(1.0 + mine) - 1.0), float(np.prod(1.0 + other) - 1.0), deviation * steps.ppy**0.5,
        mean / deviation * steps.ppy**0.5 if deviation > 1e-12 * abs(mean) else None,
        sxy / syy if swing > 1e-12 * abs(mean_b) else None, float(np.mean(mine > 0.0)),
    )  # fmt: skip


def _mean(column: NDArray[np.float64]) -> float | None:
    good = column[~np.isnan(column)]
    return float(good.mean()) if len(good) else None


def _keys(closed: pl.DataFrame, group: str, result: Result, regime: Labels | None, zone: str) -> tuple[NDArray[np.int64], dict[int, str]]:
    """A sortable number for each trade's group, and the name of each number."""
    if group in ("month", "weekday", "hour"):
        return _times(closed["left" if group == "month" else "entered"], group, zone)
    said: Sequence[str]
    if group == "side":
        said = ["long" if side > 0 else "short" for side in closed["side"].to_list()]
    elif group == "regime":
        said = (regime or volatility_terciles(result.known, result.benchmark)).at(closed["entered"].to_numpy())
    else:
        said = closed[group].to_list()
    names = sorted(set(said))
    place = {name: k for k, name in enumerate(names)}
    return np.array([place[name] for name in said], np.int64), dict(enumerate(names))


def _times(times: pl.Series, group: str, zone: str) -> tuple[NDArray[np.int64], dict[int, str]]:
    """Months, weekdays or hours of times in a zone. Misuse("ZONE") for a zone that there is not."""
    import polars as pl

    try:
        local = times.cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(zone)
    except pl.exceptions.PolarsError as error:
        raise Misuse("ZONE", f"there is no time zone {zone!r}", fix="write it like America/New_York") from error
    if group == "month":
        keys = (local.dt.year().cast(pl.Int64) * 12 + local.dt.month() - 1).to_numpy()
        return keys, {key: f"{key // 12:04d}-{key % 12 + 1:02d}" for key in set(keys.tolist())}
    if group == "weekday":
        keys = local.dt.weekday().cast(pl.Int64).to_numpy() - 1
        return keys, dict(enumerate(WEEKDAYS))
    keys = local.dt.hour().cast(pl.Int64).to_numpy()
    return keys, {key: f"{key:02d}" for key in range(24)}
