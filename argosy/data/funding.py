"""Funding rates of a perpetual as exchanges' histories write them; a rate is a fraction of the position's value, longs pay a positive one.

It never turns a rate into a price, whatever the columns are called.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from argosy.core.errors import Misuse
from argosy.core.time import MINUTE
from argosy.data.numbers import numbers
from argosy.data.options import Options
from argosy.data.quality import gaps_of, modal_step
from argosy.data.reading import Reading, Sheet
from argosy.data.symbols import symbol_in
from argosy.data.table import Table
from argosy.data.tables import ALL, leaf

RATE = ("fundingrate", "lastfundingrate", "rate", "funding")
TIME = ("fundingtime", "calctime", "date", "timestamp", "ts", "time", "datetime")
SYMBOL = ("symbol", "coin", "pair", "instrument", "instid", "market")


def looks(table: Table) -> bool:
    """Whether a table of bars is one of funding: the rate in the place of the open, and no price at all beside it."""
    names = [name.strip().lower() for name in table.names]
    if not {"open", "high", "low", "close"} <= set(names) or not len(table.lines):
        return False
    rates, bad = numbers(table.columns[names.index("open")])
    rest = [numbers(table.columns[names.index(name)])[0] for name in ("high", "low", "close")]
    empty = all(float(np.mean((values == 0) | np.isnan(values))) > 0.99 for values in rest)
    return empty and not bad.any() and bool(np.nanmax(np.abs(rates), initial=0.0) < 0.2) and bool((rates != 0).any())


def read(path: Path, table: Table, options: Options) -> Reading:
    """The funding of each symbol of a table. Raises Misuse: INGEST_COLUMNS, INGEST_SYMBOL, INGEST_CONFLICT, INGEST_NOTHING."""
    sheet = Sheet(path, table, options)
    when, rate = sheet.place(*TIME), sheet.place(*RATE)
    if rate < 0:
        rate = sheet.place("open")
        sheet.notes.append("bars without a price: the open is read as the funding rate")
    if when < 0 or rate < 0:
        what = f"funding needs a time and a rate; columns: {', '.join(table.names[:12])}"
        raise Misuse("INGEST_COLUMNS", what, where=sheet.where, fix="name them date, funding_rate")
    times, rates = sheet.times(when), sheet.number(rate, needed=True)
    with np.errstate(invalid="ignore"):
        sheet.sieve.refuse(np.abs(rates) >= 1.0, "a rate of the whole position or more")
    place = sheet.place(*SYMBOL)
    name = options.symbol or ("" if place >= 0 else symbol_in(path.name))
    if place < 0 and not name:
        raise Misuse("INGEST_SYMBOL", "neither a column nor the file's name tells the symbol", where=sheet.where, fix="name it: --symbol XRPUSDT")
    names = sheet.text(place) if place >= 0 and not options.symbol else pl.Series([name] * len(table.lines))
    frame = pl.DataFrame({"name": names, "row": np.arange(len(names))}).filter(pl.Series(sheet.sieve.alive))
    leaves = []
    for (symbol,), own in frame.group_by("name", maintain_order=True):
        rows = own["row"].to_numpy()
        rows = rows[np.argsort(times.utc[rows], kind="stable")]
        ts = times.utc[rows]
        twice = np.r_[False, np.diff(ts) == 0]
        odd = np.flatnonzero(twice & (np.r_[0.0, np.diff(rates[rows])] != 0))
        if len(odd) and not options.keep:
            line = int(table.lines[rows[odd[0]]])
            what = f"{symbol}: two rates for one time"
            raise Misuse("INGEST_CONFLICT", what, where=f"{sheet.where}:{line}", fix="choose one: --keep first or --keep last")
        if options.keep == "last":
            twice = np.r_[np.diff(ts) == 0, False]
        sheet.sieve.refuse_rows(rows[twice], "duplicate of another row")
        rows, ts = rows[~twice], ts[~twice]
        whole = np.round(ts / MINUTE).astype(np.int64) * MINUTE  # exchanges stamp a few milliseconds late
        gaps, _ = gaps_of(whole)
        step = modal_step(whole)
        table_of = pl.DataFrame({"ts": ts, "known": ts, "rate": rates[rows]})
        leaves.append(leaf("funding", str(symbol), ALL, table_of, step=step, gaps=len(gaps), missing=sum(gap.missing for gap in gaps)))
    return sheet.reading("funding", leaves)
