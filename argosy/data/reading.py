"""A file that was read and judged: its report, its series and tables, and the refused rows by line; nothing is written by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.data import stamps
from argosy.data.actions import Action
from argosy.data.numbers import numbers
from argosy.data.options import Options
from argosy.data.quality import Health
from argosy.data.report import Reject, Report
from argosy.data.series import Series
from argosy.data.sieve import Sieve
from argosy.data.table import Table
from argosy.data.tables import Leaf


class Reading(msgspec.Struct, frozen=True):
    """What a file holds. series: prices, one a symbol; leaves: tables that are no tape; actions: splits and dividends by symbol."""

    report: Report
    series: list[Series]
    rejects: list[Reject]
    leaves: list[Leaf] = []
    actions: dict[str, list[Action]] = {}


class Sheet:
    """A table on its way that is no prices: which rows are alive, and what had to be assumed."""

    def __init__(self, path: Path, table: Table, options: Options) -> None:
        self.path, self.table, self.options, self.where = path, table, options, str(path)
        self.sieve, self.notes = Sieve(table), list(table.notes)

    def place(self, *words: str) -> int:
        """The column of one of these words (letters and digits only), in this order; -1 when there is none."""
        names = ["".join(letter for letter in name.lower() if letter.isalnum()) for name in self.table.names]
        return next((names.index(word) for word in words if word in names), -1)

    def text(self, place: int) -> pl.Series:
        return self.table.columns[place].cast(pl.String).fill_null("").str.strip_chars()

    def number(self, place: int, *, needed: bool = False) -> NDArray[np.float64]:
        """A column as numbers, nan for blanks; rows with other text are refused, and blank ones too when `needed`."""
        values, bad = numbers(self.table.columns[place])
        self.sieve.refuse(bad, f"{self.table.names[place]} is not a number")
        if needed:
            self.sieve.refuse(np.isnan(values), f"{self.table.names[place]} has no value (blank or .)")
        return values

    def times(self, place: int, what: str = "date or time") -> stamps.Stamps:
        """A column of times; rows whose time cannot be read are refused."""
        options = self.options
        found = stamps.read(self.table.columns[place], order=options.dates, zone=options.zone, lines=self.table.lines, where=self.where)
        self.sieve.refuse(~found.ok, f"{what} cannot be read")
        return found

    def reading(self, kind: str, leaves: Sequence[Leaf], actions: Mapping[str, list[Action]] | None = None) -> Reading:
        """The reading of what is left. Raises Misuse("INGEST_NOTHING") when that is nothing."""
        return conclude(self, kind, list(leaves), dict(actions or {}))


def conclude(sheet: Sheet, kind: str, leaves: list[Leaf], actions: dict[str, list[Action]]) -> Reading:
    """The reading of a sheet; rows_in == rows_kept + rows_rejected."""
    rejects = sheet.sieve.rejects()
    kept = int(sheet.sieve.alive.sum())
    if not kept:
        raise nothing(rejects, sheet.table.rows, sheet.where)
    health = [leaf.health for leaf in leaves] or [Health(symbol=name, kind=kind, rows=len(found)) for name, found in actions.items()]
    return Reading(report_of(sheet.path, kind, sheet.table.rows, kept, rejects, sheet.notes, health), [], rejects, leaves, actions)


def report_of(path: Path, kind: str, rows: int, kept: int, rejects: Sequence[Reject], notes: list[str], symbols: list[Health]) -> Report:
    """The report of a file: the first refused row of each cause, and how often each was."""
    first: dict[str, Reject] = {}
    for reject in rejects:
        first.setdefault(reject.reason, reject)
    return Report(
        file=path.name, kind=kind, rows_in=rows, rows_kept=kept, rows_rejected=len(rejects), notes=notes, symbols=symbols,
        reasons=dict(Counter(reject.reason for reject in rejects)),
        rejects=[msgspec.structs.replace(reject, text=reject.text[:200]) for reject in first.values()],
    )  # fmt: skip


def nothing(rejects: Sequence[Reject], rows: int, where: str) -> Misuse:
    """What to say when no row can be kept."""
    causes = ", ".join(f"{reason} ({count:,})" for reason, count in Counter(reject.reason for reject in rejects).most_common(3))
    shown = f"; the first is {rejects[0].text[:80]!r}" if rejects else ""
    return Misuse(
        "INGEST_NOTHING", f"none of {rows:,} rows can be kept: {causes}{shown}", where=f"{where}:{rejects[0].line if rejects else 1}",
        fix="look at that row; say --kind, --dates or --columns if it was misread",
    )  # fmt: skip
