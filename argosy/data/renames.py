"""Which ticker a security had when, from a vendor's map file; so that another company's bars under the same ticker are seen.

It renames nothing and drops nothing unless it is asked to.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.time import DAY
from argosy.data.options import Options
from argosy.data.reading import Reading, Sheet
from argosy.data.symbols import symbol_in
from argosy.data.table import Table
from argosy.data.tables import leaf


def looks(table: Table) -> bool:
    """Whether the columns are dates and tickers, and nothing that could be a price."""
    words = {"".join(letter for letter in name.lower() if letter.isalnum()) for name in table.names}
    return {"date", "ticker"} <= words and not words & {"open", "close", "price", "value", "bid", "adjclose", "last"} and len(words) <= 5


def read(path: Path, table: Table, options: Options) -> Reading:
    """The names of each security: the first row's date is its first day, each row's date the last day of its ticker."""
    sheet = Sheet(path, table, options)
    times = sheet.times(sheet.place("date"))
    tickers = sheet.text(sheet.place("ticker"))
    sheet.sieve.refuse((tickers == "").to_numpy(), "no ticker")
    symbol, exchange = sheet.place("symbol", "permtick", "security"), sheet.place("exchange", "primaryexchange")
    name = options.symbol or ("" if symbol >= 0 else symbol_in(path.name))
    if symbol < 0 and not name:
        raise Misuse("INGEST_SYMBOL", "neither a column nor the file's name tells the security", where=sheet.where, fix="name it: --symbol QQQ")
    names = sheet.text(symbol) if symbol >= 0 else pl.Series([name] * len(tickers))
    data = {"name": names, "date": pl.Series(times.utc), "ticker": tickers.str.to_uppercase()}
    data["exchange"] = sheet.text(exchange) if exchange >= 0 else pl.Series([""] * len(tickers))
    frame = pl.DataFrame(data).filter(pl.Series(sheet.sieve.alive))
    leaves = []
    for (own,), part in frame.group_by("name", maintain_order=True):
        part = part.sort("date", maintain_order=True)
        last = part["date"].to_numpy()
        first = np.r_[last[0], last[:-1] + DAY]
        keep = last > last[0] if len(last) > 1 else np.ones(1, dtype=bool)
        rows = pl.DataFrame(
            {"ts": first, "known": first, "first": first, "last": last, "ticker": part["ticker"], "exchange": part["exchange"]}
        ).filter(pl.Series(keep))
        rows = rows.with_columns(ts=pl.when(pl.int_range(pl.len()) == 0).then(int(last[0])).otherwise("ts"))
        rows = rows.with_columns(first="ts", known="ts")
        leaves.append(leaf("names", str(own), "day", rows))
        others = sorted(set(rows["ticker"].to_list()) - {str(own).upper()})
        if others:
            sheet.notes.append(f"{own} was also called {', '.join(others)}")
    sheet.notes.append("bars of dates on which another security had the ticker are told at import, and left out with --own-name")
    return sheet.reading("names", leaves)


def strangers(names: pl.DataFrame, symbol: str, ts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which moments lie on dates when the security of that symbol did not trade under it. names: a `names` table."""
    mine = names.filter(pl.col("ticker") == symbol.upper())
    own = np.zeros(len(ts), dtype=bool)
    for first, last in mine.select("first", "last").iter_rows():
        own |= (ts >= first) & (ts < last + DAY)
    return ~own
