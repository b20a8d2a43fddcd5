"""A run as plain tables and as one document, for other programs: what the report shows, in CSV, Parquet or JSON; it rounds nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from argosy.core.errors import Misuse
from argosy.lab import figures
from argosy.lab.page import groups
from argosy.lab.page.ground import Ground
from argosy.lab.report import WINDOWS
from argosy.lab.result import Result
from argosy.lab.statistics import rolling, statistics
from argosy.lab.verdict import daily, falls, monthly

if TYPE_CHECKING:
    import polars as pl

Kind = Literal["csv", "parquet"]


def tables(result: Result, ground: Ground | None = None) -> dict[str, pl.DataFrame]:
    """The tables of a run by name; times in ns UTC, fractions 0 to 1, money of fills and trades in units as `Result` has them.

    curve: known, equity, benchmark (currency), drawdown (deposits taken out), benchmark_drawdown, and yardstick where there is one
    fills, trades: the result's, trades with mae_frac, mfe_frac and bars where bars were seen; statistics: a row a figure, with definition
    and source; months: year, month, own, benchmark; rolling: of the first of `report.WINDOWS` days that fits; invested: long and short as
    fractions of equity; refusals: code, count; and by_symbol, by_side, by_regime, by_month, by_strategy where there are trades.
    """
    import polars as pl

    ground = ground or Ground({})
    trades = result.trades if ground.reach is None else ground.reach
    held = {(year, month): frac for year, month, frac in monthly(result.known, result.benchmark)}
    months = [(year, month, frac, held.get((year, month))) for year, month, frac in monthly(result.known, result.grown)]
    out = {
        "curve": pl.DataFrame({
            "known": result.known, "equity": result.value, "benchmark": result.benchmark, "drawdown": falls(result.grown),
            "benchmark_drawdown": falls(result.benchmark),
        } | ({"yardstick": result.yardstick.value} if result.yardstick is not None else {})),
        "fills": result.fills,
        "trades": trades,
        "statistics": statistics(result, trades=trades).frame(),
        "months": pl.DataFrame(
            months, schema={"year": pl.Int64, "month": pl.Int64, "own": pl.Float64, "benchmark": pl.Float64}, orient="row"
        ),
        "refusals": pl.DataFrame(
            sorted(result.refusals.items(), key=lambda item: (-item[1], item[0])), schema={"code": pl.String, "count": pl.Int64}, orient="row"
        ),
    }  # fmt: skip
    window = next((days for days in WINDOWS if len(daily(result.known)) > 2 * days), 0)
    if window:
        out["rolling"] = rolling(result, window)
    if result.fills.height and len(result.known):
        known, long, short = figures.invested(result, ground.prices, len(result.known))
        out["invested"] = pl.DataFrame({"known": known, "long": long, "short": short})
    return out | {f"by_{name}": table for name, table in groups.tables(result, ground.reach).items()}


def write(found: Mapping[str, pl.DataFrame], folder: Path | str, kind: Kind = "csv") -> list[Path]:
    """Write each table to a file of its name in `folder`, made if need be. Returns the files. Misuse("EXPORT_PATH")."""
    at = Path(folder)
    out = []
    try:
        at.mkdir(parents=True, exist_ok=True)
        for name, table in found.items():
            out.append(at / f"{name}.{kind}")
            if kind == "csv":
                table.write_csv(out[-1])
            else:
                table.write_parquet(out[-1], compression="zstd")
    except OSError as error:
        raise Misuse("EXPORT_PATH", f"the tables cannot be written: {error.strerror}", where=str(at), fix="name another folder") from error
    return out


def document(result: Result, ground: Ground | None = None, passport: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Everything a report says, without the curves, fills and trades: plain JSON values, null where a figure has no value."""
    ground = ground or Ground({})
    trades = result.trades if ground.reach is None else ground.reach
    months = [{"year": year, "month": month, "own": frac if frac == frac else None} for year, month, frac in monthly(result.known, result.grown)]
    return result.summary() | {
        "statistics": statistics(result, trades=trades).plain(),
        "months": months,
        "groups": {name: [_plain(row) for row in table.to_dicts()] for name, table in groups.tables(result, ground.reach).items()},
        "passport": dict(passport) if passport else None,
    }


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(value, float) and value - value != 0.0 else value for name, value in row.items()}
