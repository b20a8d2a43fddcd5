"""What a report of a saved run needs beside its result: prices for its charts, how far trades went, and what was refused.

Saved beside the result as prices.parquet (thinned for drawing), reach.parquet (one row a trade) and orders.parquet.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from argosy.lab import figures
from argosy.lab.orders import Asked
from argosy.lab.result import Result
from argosy.lab.statistics import excursions, ranges

if TYPE_CHECKING:
    import polars as pl

    from argosy.house import Data

POINTS = 20_000
"""Most prices kept of one instrument; every extreme is among them."""


class Ground(NamedTuple):
    """prices: raw, by symbol; reach: the trades with mae_frac, mfe_frac and bars, None without bars; asked: orders, as far as known."""

    prices: figures.Prices
    reach: pl.DataFrame | None = None
    asked: Sequence[Asked] = ()


def reached(result: Result, data: Data) -> pl.DataFrame | None:
    """The trades of a run with their excursions; None where there is nothing to see."""
    bars = ranges(data[1], list(data[0])) if result.trades.height else {}
    return excursions(result.trades, bars, result.splits) if bars else None


def save(folder: Path, result: Result, data: Data) -> Path:
    """Write prices and excursions of a run beside its result. Returns the folder."""
    import polars as pl

    parts = []
    for symbol, (known, price) in figures.prices(data[1], list(data[0])).items():
        if symbol in result.symbols:
            rows = figures.thin(price, POINTS)
            parts.append(pl.DataFrame({"symbol": [symbol] * len(rows), "known": known[rows], "price": price[rows]}))
    schema = {"symbol": pl.String, "known": pl.Int64, "price": pl.Float64}
    (pl.concat(parts) if parts else pl.DataFrame(schema=schema)).write_parquet(folder / "prices.parquet", compression="zstd")
    found = reached(result, data)
    if found is not None:
        found.select("mae_frac", "mfe_frac", "bars").write_parquet(folder / "reach.parquet", compression="zstd")
    else:
        (folder / "reach.parquet").unlink(missing_ok=True)
    return folder


def load(folder: Path, result: Result) -> Ground:
    """What was saved, as far as it is there and fits the result; a run saved by an older release has less to show.

    Raises polars' ComputeError for a damaged file.
    """
    import polars as pl

    prices: dict[str, tuple[np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int], np.dtype[np.float64]]]] = {}
    if (folder / "prices.parquet").is_file():
        for (symbol,), own in pl.read_parquet(folder / "prices.parquet").group_by("symbol", maintain_order=True):
            prices[str(symbol)] = own["known"].to_numpy(), own["price"].to_numpy()
    reach = None
    if (folder / "reach.parquet").is_file():
        found = pl.read_parquet(folder / "reach.parquet")
        reach = result.trades.hstack(found) if found.height == result.trades.height else None
    asked: list[Asked] = []
    if (folder / "orders.parquet").is_file():
        for row in pl.read_parquet(folder / "orders.parquet").filter(pl.col("text").str.len_chars() + pl.col("code").str.len_chars() > 0).to_dicts():
            numbers = row.pop("numbers", "")
            text = row["text"]
            if numbers and row["outcome"] == "refused":
                text = f"{text or 'refused'} ({numbers})"
            asked.append(Asked(**(row | {"text": text, "numbers": {}})))
    return Ground(prices, reach, asked)
