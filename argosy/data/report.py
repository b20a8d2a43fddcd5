"""What became of a file of prices: rows kept, rows refused and why, and how good each symbol is; it changes no row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

import msgspec

from argosy.core.time import iso, span_text
from argosy.data.quality import Health

SHOWN = 20
"""Symbols and files that are told by name; the rest is counted."""


class Reject(msgspec.Struct, frozen=True):
    """A row that was refused: its line in the file, why, and its text."""

    line: int
    reason: str
    text: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file. rows_in == rows_kept + rows_rejected; reasons: rejected rows by cause.

    rejects: the first refused row of each cause; written: the catalog's files; rejected_file: all refused rows as CSV,
    "" when there are none; planned: nothing was written, and `written` tells what would be
    """

    file: str
    kind: str
    rows_in: int
    rows_kept: int
    rows_rejected: int
    reasons: dict[str, int]
    notes: list[str]
    symbols: list[Health]
    rejects: list[Reject] = []
    written: list[str] = []
    rejected_file: str = ""
    planned: bool = False

    def __str__(self) -> str:
        head = f"{self.file}: {self.rows_in:,} rows in, {self.rows_kept:,} {self.kind}s kept, {self.rows_rejected:,} rejected"
        first = {reject.reason: reject.line for reject in self.rejects}
        lines = [head]
        for reason, count in sorted(self.reasons.items(), key=lambda pair: (-pair[1], pair[0])):
            lines.append(f"  rejected {count:,}: {reason}" + (f" (first in row {first[reason]:,})" if reason in first else ""))
        if self.rejected_file:
            lines.append(f"  rejected rows are in {self.rejected_file}")
        lines += [f"  note: {note}" for note in self.notes]
        for health in self.symbols[:SHOWN]:
            found = told(health)
            step = f", step {span_text(health.step)}" if health.step else ""
            times = f"{iso(health.first)} .. {iso(health.last)}{step}"
            lines.append(f"  {health.symbol}: {health.rows:,} rows, {times}" + (f"; {', '.join(found)}" if found else ""))
        if len(self.symbols) > SHOWN:
            lines.append(f"  and {len(self.symbols) - SHOWN} symbols more")
        return "\n".join(lines + [f"  {'would write' if self.planned else 'wrote'} {name}" for name in self.written[:SHOWN]])


def told(health: Health) -> list[str]:
    """What is worth saying of a symbol's rows: "3 gaps", "12 of zero volume"."""
    return [f"{getattr(health, name):,} {word}" for name, word in _FOUND if getattr(health, name)]


def as_csv(rejects: Iterable[Reject]) -> str:
    """Refused rows with their line and the reason, as a file to look at and mend."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["line", "reason", "text"])
    writer.writerows((reject.line, reject.reason, reject.text) for reject in rejects)
    return text.getvalue()


def lines_of(rejects: Sequence[Reject], reason: str) -> list[int]:
    """The lines refused for one reason."""
    return [reject.line for reject in rejects if reject.reason == reason]


_FOUND = (
    ("gaps", "gaps"), ("missing", "rows missing in them"), ("zero_volume", "of zero volume"), ("unknown_volume", "without volume"),
    ("flat", "with one price"), ("one_sided", "one-sided"), ("locked", "locked"), ("crossed", "crossed"),
    ("outliers", "spikes"), ("splits", "like unadjusted splits"),
)  # fmt: skip
