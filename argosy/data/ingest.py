"""Brings a vendor's file of prices into the catalog: reads it, judges every row, and accounts for each that is refused.

It never guesses between two meanings that matter (day or month, which of two prices) and never loses a row silently:
rows in = rows kept + rows rejected.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.events import Bar, Quote, Trade
from argosy.data import columns, contracts, factors, facts, funding, renames, stamps, zones
from argosy.data.fields import Fields
from argosy.data.layouts import layout
from argosy.data.numbers import numbers, numeric
from argosy.data.options import INFERRED, Options
from argosy.data.reading import Reading, nothing, report_of
from argosy.data.report import Reject, Report, as_csv
from argosy.data.series import Series, Sorter
from argosy.data.sieve import Sieve
from argosy.data.symbols import day_in, guess_kind, symbol_in, zone_in
from argosy.data.table import Table, open_table

if TYPE_CHECKING:
    from argosy.data.catalog import Catalog

__all__ = ["INFERRED", "Options", "Reading", "Reject", "Report", "Series", "ingest", "read", "survey"]

_SYMBOL = re.compile(r"[\w^=.:/&$ -]{1,32}")
_SKIPPED = "local time that the change of clocks skipped"
_READERS = {
    "facts": facts.read, "funding": funding.read, "contracts": contracts.read, "two_headed": contracts.read_two_headed,
    "factors": factors.read, "names": renames.read,
}  # fmt: skip


def ingest(
    path: str | Path, catalog: Catalog, options: Options = INFERRED, *, merge: bool = False, replace: bool = False, plan: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Report:  # fmt: skip
    """Read a file and write it into the catalog; refused rows go to `rejected/<file>.csv` there.

    merge: add to what the catalog has of the symbol instead of replacing it; replace: also where what comes says less (closes
    only, a middle of bid and ask, no volume) than what is there; plan: read and judge only, write nothing: `written` then tells
    what would be; progress: told what is being done.
    Errors as `survey` and `Catalog.write`, and INGEST_LESSER; all of the file is stored or nothing, what was there stays until then.
    """
    from argosy.data.store import lay, planned

    told = progress or (lambda what: None)
    reading = survey(path, options, progress=told)
    origin = options.origin or Path(path).name
    if plan:
        return planned(reading, catalog, options, merge=merge, replace=replace)
    told(f"writing {reading.report.rows_kept:,} rows")
    report = lay(reading, catalog, options, origin, merge=merge, replace=replace)
    rejected = ""
    if reading.rejects:
        name = f"rejected/{Path(path).name.removesuffix('.csv')}.csv"
        catalog.write_text(name, as_csv(reading.rejects))
        rejected = str(catalog.root / name)
    return msgspec.structs.replace(report, rejected_file=rejected)


def survey(path: str | Path, options: Options = INFERRED, *, progress: Callable[[str], None] | None = None) -> Reading:
    """Read a file of any layout that the house knows and judge every row; nothing is written.

    Raises Misuse: those of `open_table` and `layouts.layout`, and INGEST_KIND, INGEST_COLUMNS, INGEST_DATES, INGEST_ZONE,
    INGEST_SYMBOL, INGEST_DECIMAL, INGEST_SPAN, INGEST_CONFLICT (rows of one time that differ), INGEST_NOTHING (no row can be kept).
    """
    told = progress or (lambda what: None)
    path = Path(path)
    told(f"reading {path.name}")
    table = open_table(path, options.columns)
    told(f"judging {table.rows:,} rows")
    return judge(path, table, options)


def judge(path: Path, table: Table, options: Options = INFERRED) -> Reading:
    """As `survey`, of a table that is read already; path: what to call it."""
    _index(table)
    found = layout(table, options)
    if found == "prices":
        return _File(path, table, options).reading()
    if options.kind not in ("", *_KINDS[found]):
        raise Misuse("INGEST_KIND", f"this holds {_NAMED[found]}, not {options.kind}s", where=str(path), fix="leave --kind out")
    return _READERS[found](path, table, options)


def _index(table: Table) -> None:
    """Name a first column that has no name, or that of a row's number, a date where it is one (as notebooks write it)."""
    if not table.names or table.names[0].strip().lower() not in ("", "index", "unnamed: 0") or not len(table.lines):
        return
    try:
        times = stamps.read(table.columns[0].head(50), order="mdy")
    except Misuse:
        return
    if times.ok.all() and not times.form.startswith("epoch"):
        table.notes.append("the first column has no name and holds dates")
        table.names[0] = "date"


def read(path: str | Path, options: Options = INFERRED, *, progress: Callable[[str], None] | None = None) -> Reading:
    """Read a file of prices and judge every row; nothing is written. Errors as `survey`, and INGEST_PRICES for what is none."""
    reading = survey(path, options, progress=progress)
    if not reading.series:
        raise Misuse(
            "INGEST_PRICES", f"this holds no prices but {reading.report.kind}: {', '.join(h.symbol for h in reading.report.symbols[:5])}",
            where=str(path), fix="argosy data import brings it into the catalog, beside the prices",
        )  # fmt: skip
    return reading


_KINDS = {"facts": ("fact",), "funding": ("funding",), "contracts": (), "two_headed": (), "factors": (), "names": ()}
_NAMED = {
    "facts": "figures", "funding": "funding rates", "contracts": "option contracts", "two_headed": "option contracts",
    "factors": "adjustment factors", "names": "names of securities",
}  # fmt: skip


class _File:
    """One file on its way: what its columns mean, which rows are alive, and what had to be assumed."""

    def __init__(self, path: Path, table: Table, options: Options) -> None:
        self.path, self.options, self.where = path, options, str(path)
        self.roles = columns.roles(table.names)
        self.shape = columns.shape(self.roles, table.names, f"{path}:{table.header}" if table.header else str(path), options.kind)
        if self.shape == "wide":
            table, self.roles = self._unpivot(table)
        if self.shape == "close" and "close" not in self.roles:
            self.roles["close"] = self.roles["price"]
        self.table, self.sieve, self.notes = table, Sieve(table), list(table.notes)
        self.kind: type[Bar | Quote | Trade] = Bar
        if self.shape == "trade":
            self.kind = Trade
        elif self.shape == "quote" or (self.shape == "quotebar" and options.kind == "quote"):
            self.kind = Quote

    def reading(self) -> Reading:
        times = self._times()
        symbols, names = self._symbols()
        place = f"{self.where}:{self.table.lines[0]}" if len(self.table.lines) else self.where
        fields = Fields(self.sieve, self.roles, place, self.options.decimal, self.options.prints)
        values = fields.of(self.kind, self.shape)
        self.notes += fields.notes
        flip = self._falling(times, symbols)
        if flip:
            self.notes.append("newest first: the order was turned")
        sorter = Sorter(
            self.sieve, self.options, self.where, self.kind, times, values, barred=self.kind is Bar or self.shape == "quotebar",
            adjusted=fields.adjusted(), ids=self._column("id") if "id" in self.roles else None,
            closing=fields.closing() if self.shape == "quotebar" and self.kind is Bar else None,
        )  # fmt: skip
        series: list[Series] = []
        order = np.argsort(symbols, kind="stable")
        bounds = np.searchsorted(symbols[order], np.arange(len(names) + 1))
        for code, name in enumerate(names):
            rows = order[bounds[code] : bounds[code + 1]]
            rows = rows[self.sieve.alive[rows]]
            item = sorter.series(name, rows[::-1] if flip else rows) if len(rows) else None
            if item is not None:
                series.append(item)
        self.notes += sorter.notes
        return self._reading(series)

    def _reading(self, series: list[Series]) -> Reading:
        rejects = self.sieve.rejects()
        if not series:
            raise nothing(rejects, self.table.rows, self.where)
        kept = sum(len(item.tape) for item in series)
        health = [item.health for item in series]
        report = report_of(self.path, self.kind.__name__.lower(), self.table.rows, kept, rejects, self.notes, health)
        return Reading(report, series, rejects)

    def _unpivot(self, table: Table) -> tuple[Table, dict[str, int]]:
        """A panel of closes (a column each symbol) as rows of (time, symbol, close)."""
        keep = next(iter(self.roles.values()))
        wide = [i for i, name in enumerate(table.names) if i != keep and name]
        odd = [table.names[i] for i in wide if not _SYMBOL.fullmatch(table.names[i])]
        texts = [i for i in wide if not numeric(table.columns[i])]
        if odd or texts:
            name = odd[0] if odd else table.names[texts[0]]
            raise Misuse(
                "INGEST_COLUMNS", f"column {name[:40]!r} is neither a price nor a known word; columns: {columns.listed(table.names)}",
                where=f"{self.where}:{table.header}", fix="name prices open high low close, bid ask, or price size",
            )  # fmt: skip
        long = table.long(keep, wide, "symbol", "close")
        long.notes.append(f"a panel: each of {len(wide)} columns is a symbol, each cell a row")
        return long, {next(iter(self.roles)): 0, "symbol": 1, "close": 2}

    def _times(self) -> stamps.Stamps:
        lines, options = self.table.lines, self.options
        if "ms" in self.roles and not {"date", "stamp"} & set(self.roles):
            day = options.day or day_in(self.path.name)
            zone = options.zone or zone_in(self.path.name)
            times = stamps.of_day(self._column("ms"), day, zone)
            if not zone and (guessed := self._zone(times)):
                zone = guessed
                times = stamps.of_day(self._column("ms"), day, zone)
            told = "" if options.zone else " (--zone names another)"
            self.notes.append(f"times are milliseconds since midnight of {day}, zone {zone or 'UTC'}{told}")
        else:
            if "date" in self.roles and "time" in self.roles:
                column = stamps.joined(self._column("date"), self._column("time"))
            else:
                column = self._column("stamp" if "stamp" in self.roles else "date")
            times = stamps.read(column, order=options.dates, zone=options.zone, lines=lines, where=self.where)
            if not times.zoned and not times.dates and not options.zone:
                zone = self._zone(times)
                if zone == zones.NEW_YORK:
                    times = stamps.read(column, order=options.dates, zone=zone, lines=lines, where=self.where)
                    self.notes.append("times have no zone and fit New York's trading day: read as America/New_York (--zone names another)")
                else:
                    self.notes.append("times have no zone: read as UTC (--zone names another)")
            if times.form:
                self.notes.append(f"times written as {times.form}")
        self.sieve.refuse(times.lost, _SKIPPED)
        self.sieve.refuse(~times.ok, "date or time cannot be read")
        return times

    def _zone(self, times: stamps.Stamps) -> str:
        """The zone that a US share's times fit, "" for anything else."""
        name = self.options.symbol or ("" if "symbol" in self.roles else symbol_in(self.path.name))
        if "symbol" in self.roles and not name:
            first = self._column("symbol").cast(pl.String).drop_nulls()
            name = str(first[0]) if len(first) else ""
        if (self.options.asset or guess_kind(name)) not in ("equity", "option", "index") or self.options.currency not in ("", "USD"):
            return ""
        role = next((one for one in ("volume", "size") if one in self.roles), "")
        weight = numbers(self._column(role))[0] if role else np.ones(len(times.ok))
        if not role and {"bid_close", "ask_close"} <= set(self.roles):  # a quote's weight: how narrow it is
            bid, ask = (numbers(self._column(f"{side}_close"))[0] for side in columns.SIDES)
            with np.errstate(invalid="ignore", divide="ignore"):
                weight = np.where((bid > 0) & (ask > bid), bid / (ask - bid), np.nan)
        return zones.guess(times.local[times.ok], weight[times.ok])

    def _symbols(self) -> tuple[NDArray[np.int64], list[str]]:
        """A code for each row and the symbols in the order of their codes; -1 is none."""
        count, wanted = len(self.table.lines), self.options.symbol
        if "symbol" not in self.roles:
            name = wanted or symbol_in(self.path.name)
            if not name:
                raise Misuse("INGEST_SYMBOL", "neither a column nor the file's name tells the symbol", where=self.where, fix="name it: --symbol AAPL")
            if not wanted:
                self.notes.append(f"symbol {name} is from the file's name (--symbol names another)")
            return np.zeros(count, dtype=np.int64), [name]
        column = self._column("symbol").cast(pl.String).fill_null("").str.strip_chars()
        self.sieve.refuse((column == "").to_numpy(), "no symbol")
        names = column.filter(pl.Series(self.sieve.alive)).unique(maintain_order=True).to_list()
        if wanted and wanted not in names:
            if len(names) > 1:
                raise Misuse("INGEST_SYMBOL", f"no row is of {wanted!r}", where=self.where, fix=f"it has {columns.listed(names)}")
            self.notes.append(f"symbol {names[0] if names else ''} is stored as {wanted}")
            return np.zeros(count, dtype=np.int64), [wanted]
        if wanted:
            self.sieve.refuse((column != wanted).to_numpy(), "another symbol")
            names = [wanted]
        codes = column.replace_strict(names, list(range(len(names))), default=-1, return_dtype=pl.Int64) if names else pl.Series([-1] * count)
        return codes.to_numpy(), names

    def _column(self, role: str) -> pl.Series:
        return self.table.columns[self.roles[role]]

    def _falling(self, times: stamps.Stamps, symbols: NDArray[np.int64]) -> bool:
        """Whether the file has its newest rows first."""
        rows = np.flatnonzero(self.sieve.alive)
        steps, same = np.diff(times.utc[rows]), np.diff(symbols[rows]) == 0
        return int((steps[same] < 0).sum()) > int((steps[same] > 0).sum())
