"""Makes the packaged demo prices from the stocks.csv.gz named as the argument; see argosy/data/demo.md for its origin.

It never downloads anything. Usage: python scripts/make_demo_prices.py stocks.csv.gz [demo.parquet]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl

from argosy.data.calendars import schedule
from argosy.data.demo import CALENDAR, FILE

META = {
    "origin": "Quandl WIKI Prices (2018 archive), PyPI bokeh-sampledata 2026.1 _data/stocks.csv.gz",
    "licence": "public domain",
    "command": "python scripts/make_demo_prices.py stocks.csv.gz",
    "times": f"ts = open, known = close of the {CALENDAR} session, ns UTC",
}


def main(source: str, target: str = str(FILE)) -> None:
    """Read the CSV, stamp each day with its session and write the Parquet file."""
    rows = pl.read_csv(source).rename({"Ticker": "symbol", "Adj Close": "adj_close"}).sort("symbol", "Date")
    rows = rows.rename({name: name.lower() for name in ("Open", "High", "Low", "Close", "Volume")})
    dates = rows["Date"].str.to_date().cast(pl.Datetime("ns")).cast(pl.Int64).to_numpy()
    opens, closes, days = schedule(CALENDAR, int(dates.min()), int(dates.max()) + 86_400_000_000_000)
    place = np.searchsorted(days, dates)
    if not np.array_equal(days[place], dates):
        sys.exit(f"a row is not on a {CALENDAR} session: {rows['Date'][int(np.flatnonzero(days[place] != dates)[0])]}")
    table = rows.select(
        pl.col("symbol").cast(pl.Categorical), pl.Series("ts", opens[place]), pl.Series("known", closes[place]),
        *(pl.col(name).cast(pl.Float64) for name in ("open", "high", "low", "close", "volume", "adj_close")),
    )  # fmt: skip
    table.write_parquet(Path(target), compression="zstd", compression_level=22, statistics=False, metadata=META)
    print(f"{target}: {len(table)} rows, {Path(target).stat().st_size:,} bytes")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
