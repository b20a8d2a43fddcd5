"""Series of figures (rates, indices, unemployment) as facts with the time they could be known; it never lets one be known early.

A file without vintages holds figures as they were revised later. A figure is known a stated lag after the end of its
period, `LAGS` by its frequency or what the owner says; a file that tells when each figure was published is taken at its word.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.time import DAY, iso, span, span_text
from argosy.data import columns
from argosy.data.options import Options
from argosy.data.quality import gaps_of
from argosy.data.reading import Reading, Sheet
from argosy.data.symbols import symbol_in
from argosy.data.table import Table
from argosy.data.tables import ALL, Leaf, leaf

Ints = NDArray[np.int64]

LAGS = {"day": 1 * DAY, "week": 7 * DAY, "month": 45 * DAY, "quarter": 60 * DAY, "year": 120 * DAY, "change": 1 * DAY}
"""How long after the end of its period a figure counts as known, when nothing says it: later than nearly all are published."""

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
SERIES = ("seriesid", "series", "indicator", "variable", "metric", "seriesname", "mnemonic", "concept")
VALUE = ("value", "obsvalue", "observationvalue", "val")
PUBLISHED = ("realtimestart", "vintage", "vintagedate", "released", "releasedate", "published", "publicationdate", "asof", "knownat")


def read(path: Path, table: Table, options: Options) -> Reading:
    """The facts of a long table (series, date, value) or a wide one (date, a column a series).

    Raises Misuse: INGEST_COLUMNS, INGEST_DATES, INGEST_NOTHING, INGEST_CONFLICT (two values of one date), INGEST_LAG.
    """
    sheet = Sheet(path, table, options)
    id_place, value_place = sheet.place(*SERIES), sheet.place(*VALUE)
    published = sheet.place(*PUBLISHED)
    when = _time_place(sheet, published)
    if id_place < 0 and value_place < 0:
        wide = [i for i, name in enumerate(table.names) if i not in (when, published) and name]
        if published >= 0:
            what = "a wide table cannot tell when each figure was published"
            raise Misuse("INGEST_COLUMNS", what, where=sheet.where, fix="write series, date, value, published")
        table = table.long(when, wide, "series", "value")
        sheet, id_place, value_place, when = Sheet(path, table, options), 1, 2, 0
        sheet.notes.append(f"a table of figures: each of {len(wide)} columns is a series, each cell a row")
    times = sheet.times(when)
    values = sheet.number(value_place, needed=True)
    told = sheet.times(published, "time of publication") if published >= 0 else None
    if told is not None and not told.dates:
        known_at: Ints | None = told.utc
    else:
        known_at = told.utc + DAY if told is not None else None  # a date alone: by the end of it
    names = sheet.text(id_place) if id_place >= 0 else pl.Series([options.symbol or symbol_in(path.name) or "FACT"] * len(table.lines))
    sheet.sieve.refuse((names == "").to_numpy(), "no name of a series")
    lag = _lag(options)
    leaves: list[Leaf] = []
    rhythms: set[str] = set()
    frame = pl.DataFrame({"name": names, "row": np.arange(len(names))}).filter(pl.Series(sheet.sieve.alive))
    for (name,), own in frame.group_by("name", maintain_order=True):
        rows = own["row"].to_numpy()
        label = options.symbol if options.symbol and frame["name"].n_unique() == 1 else _label(str(name), path)
        own_leaf, every = _series(sheet, label, rows[np.argsort(times.utc[rows], kind="stable")], times.utc, values, known_at, lag)
        leaves.append(own_leaf)
        rhythms.add(every)
    if known_at is None:
        lags = ", ".join(f"{every} +{span_text(LAGS[every]) if lag < 0 else span_text(lag) if lag else '0'}" for every in sorted(rhythms))
        sheet.notes.append(f"no vintages: values are as revised; known after the end of the period by {lags} (--lag says another)")
    else:
        sheet.notes.append(f"known as the column {table.names[published]} says")
    return sheet.reading("fact", leaves)


def _series(
    sheet: Sheet, name: str, rows: Ints, utc: Ints, values: NDArray[np.float64], known_at: Ints | None, lag: int
) -> tuple[Leaf, str]:
    """The leaf of one series, and its rhythm."""
    ts, value = utc[rows], values[rows]
    if known_at is None:
        same = np.flatnonzero((np.diff(ts) == 0) & (value[1:] != value[:-1]))
        if len(same) and not sheet.options.keep:
            one, other = sheet.table.lines[rows[same[0]]], sheet.table.lines[rows[same[0] + 1]]
            raise Misuse(
                "INGEST_CONFLICT", f"{name}: lines {one} and {other} have the date {iso(int(ts[same[0]]))} and different values",
                where=f"{sheet.where}:{other}", fix="choose one: --keep first or --keep last",
            )  # fmt: skip
        twice = np.r_[False, np.diff(ts) == 0] if sheet.options.keep != "last" else np.r_[np.diff(ts) == 0, False]
        sheet.sieve.refuse_rows(rows[twice], "duplicate of another row")
        ts, value, rows = ts[~twice], value[~twice], rows[~twice]
    every, ends = period(ts)
    known = ends + (LAGS[every] if lag < 0 else lag) if known_at is None else np.maximum(known_at[rows], ts)
    gaps, _ = gaps_of(np.unique(ts)) if every in ("day", "week") else ([], 0)
    holes = missing(ts, every)
    frame = pl.DataFrame({"ts": ts, "known": known, "value": value})
    found = {"gaps": len(gaps), "missing": sum(gap.missing for gap in gaps)} if every in ("day", "week") else {"gaps": holes[0], "missing": holes[1]}
    return leaf("fact", name, ALL, frame, **found), every


def period(ts: Ints) -> tuple[str, Ints]:
    """The frequency of ascending dates ("day", "week", "month", "quarter", "year", "change"), and the end of each one's period, ns.

    A first of a month begins its period, as statistical offices stamp; a last of a month ends it. Dates without a rhythm
    ("change": a rate and the days on which it was changed) are true from the end of their day.
    """
    days = np.diff(np.unique(ts)) / DAY
    usual = float(np.median(days)) if len(days) else 0.0
    dated = ts.astype("M8[ns]").astype("M8[D]")
    months = dated.astype("M8[M]")
    first = bool(np.mean(dated == months.astype("M8[D]")) > 0.9)
    last = bool(np.mean((dated + 1) == (months + 1).astype("M8[D]")) > 0.9)
    if usual and usual <= 3.5:
        return "day", ts - ts % DAY + DAY
    if usual and usual <= 9.5 and float(np.mean(np.abs(days - 7) <= 2)) > 0.8:
        return "week", ts - ts % DAY + (7 * DAY if float(np.mean((dated.astype(np.int64) + 3) % 7 <= 1)) > 0.8 else DAY)
    if usual > 20 and (first or last):
        every = "month" if usual <= 45 else "quarter" if usual <= 120 else "year"
        ends = (months + _MONTHS[every]).astype("M8[D]").astype(np.int64) * DAY if first else ts - ts % DAY + DAY
        return every, ends
    return "change", ts - ts % DAY + DAY


def missing(ts: Ints, every: str) -> tuple[int, int]:
    """Holes in a monthly, quarterly or yearly series, and the periods missing in them."""
    if every not in _MONTHS or len(ts) < 2:
        return 0, 0
    months = np.unique(ts.astype("M8[ns]").astype("M8[M]").astype(np.int64))
    wide = np.diff(months) // _MONTHS[every] - 1
    return int((wide > 0).sum()), int(wide[wide > 0].sum())


def _lag(options: Options) -> int:
    """The stated lag in ns, -1 for the usual ones. Misuse("INGEST_LAG")."""
    if not options.lag:
        return -1
    if options.lag in ("0", "0d"):
        return 0
    try:
        return span(options.lag)
    except Misuse as error:
        raise Misuse("INGEST_LAG", f"{options.lag!r} is no lag", where="--lag", fix="write it like 45d, or 0") from error


def _time_place(sheet: Sheet, published: int) -> int:
    for place, name in enumerate(sheet.table.names):
        if place != published and (columns.role(name) in ("date", "stamp", "time") or "".join(c for c in name.lower() if c.isalnum()) in TIMES):
            return place
    raise Misuse(
        "INGEST_COLUMNS", f"no column holds a date or time; columns: {columns.listed(sheet.table.names)}",
        where=f"{sheet.where}:{sheet.table.header}", fix="name it date",
    )  # fmt: skip


TIMES = ("timeperiod", "period", "month", "quarter", "year", "observationdate")


def _label(name: str, path: Path) -> str:
    """The name of a fact: its own, with that of the file before a bare length ("10year" -> "TREASURY.10year")."""
    bare = name.replace(" ", "").lower()
    if bare[:1].isdigit():
        return f"{symbol_in(path.name) or 'CURVE'}.{name.strip().replace(' ', '')}"
    return name.strip()
