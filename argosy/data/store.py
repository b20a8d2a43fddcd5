"""How a file that was read and judged is laid into the catalog, or what would be done with it; all of it or nothing.

It never puts prices that say less in the place of those that say more unless the owner asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from argosy.core.errors import Misuse
from argosy.core.events import Bar, Quote
from argosy.core.tape import Tape
from argosy.core.time import iso
from argosy.data import manifest as shelf
from argosy.data.options import Options
from argosy.data.quality import Health, inspect
from argosy.data.reading import Reading
from argosy.data.renames import strangers
from argosy.data.report import Report
from argosy.data.series import Series

if TYPE_CHECKING:
    from argosy.data.catalog import Catalog
    from argosy.data.manifest import Entry, Manifest


class Step(msgspec.Struct, frozen=True):
    """One thing to do: key of the entry, rows, and "new", "replaces 5,849 rows", "adds to 5,849 rows", "is there already"."""

    key: str
    rows: int
    what: str


def lay(reading: Reading, catalog: Catalog, options: Options, origin: str, *, merge: bool = False, replace: bool = False) -> Report:
    """Write a reading; returns its report with the files written. Raises Misuse: INGEST_LESSER, and those of `Catalog.write`."""
    with catalog.writing() as batch:
        reading, notes = _ready(reading, catalog, batch.manifest, options, merge=merge, replace=replace)
        for step in _steps(reading, batch.manifest, merge=merge):
            if step.what.startswith("replaces"):
                _, symbol, every = step.key.split("/", 2)
                notes.append(f"{symbol}: the {step.what.split()[1]} rows of {every} that were there are replaced (--merge adds)")
        written = [
            batch.put(
                item.instrument, item.tape, every=item.every, actions=item.actions if item.tells else None, merge=merge,
                origin=origin, licence=options.licence,
            )
            for item in reading.series
        ]  # fmt: skip
        written += [batch.put_table(leaf, origin=origin, licence=options.licence, merge=merge) for leaf in reading.leaves]
        for symbol, actions in reading.actions.items():
            written.append(batch.put_actions(symbol, actions, origin=origin, licence=options.licence))
    return msgspec.structs.replace(reading.report, notes=notes, written=[str(catalog.root / entry.path) for entry in written])


def planned(reading: Reading, catalog: Catalog, options: Options, *, merge: bool = False, replace: bool = False) -> Report:
    """The report of a reading with what would be written in `written`; nothing is. Errors as `lay`."""
    seen = shelf.load(catalog.root)
    reading, notes = _ready(reading, catalog, seen, options, merge=merge, replace=replace)
    steps = [f"{step.key}: {step.rows:,} rows, {step.what}" for step in _steps(reading, seen, merge=merge)]
    return msgspec.structs.replace(reading.report, notes=notes, written=steps, planned=True)


def _steps(reading: Reading, seen: Manifest, *, merge: bool) -> list[Step]:
    out = []
    for item in reading.series:
        before = seen.entries.get(shelf.key(reading_kind(item), item.instrument.symbol, item.every))
        out.append(_step(shelf.key(reading_kind(item), item.instrument.symbol, item.every), len(item.tape), before, item.tape.hash, merge))
    for leaf in reading.leaves:
        key = shelf.key(leaf.kind, leaf.symbol, leaf.every)
        out.append(_step(key, leaf.frame.height, seen.entries.get(key), "", merge))
    for symbol, actions in reading.actions.items():
        key = shelf.key("actions", symbol)
        before = seen.entries.get(key)
        out.append(Step(key, len(actions), f"takes the place of {before.rows:,}" if before else "new"))
    return out


def reading_kind(item: Series) -> str:
    """The catalog's word for the rows of a series."""
    return item.tape.kind.__name__.lower()


def _step(key: str, rows: int, before: Entry | None, tape: str, merge: bool) -> Step:
    if before is None:
        return Step(key, rows, "new")
    if tape and before.tape == tape:
        return Step(key, rows, "is there already")
    return Step(key, rows, f"adds to {before.rows:,} rows" if merge else f"replaces {before.rows:,} rows")


def _ready(reading: Reading, catalog: Catalog, seen: Manifest, options: Options, *, merge: bool, replace: bool) -> tuple[Reading, list[str]]:
    """The reading as it will be laid, and what is to be said of it."""
    notes = list(reading.report.notes)
    series: list[Series] = []
    lost = 0
    for item in reading.series:
        item, gone = _own(item, catalog, seen, options, notes)
        lost += gone
        before = seen.entries.get(shelf.key("bar", item.instrument.symbol, item.every)) if item.tape.kind is Bar else None
        if before is not None and not replace and not merge and _rank(item.tape) < _rank(catalog.load(before, 0)):
            if item.quotes is not None:
                notes.append(f"{item.instrument.symbol}: {before.rows:,} bars of trades are there: the closing quotes are stored beside them")
                item = msgspec.structs.replace(item, tape=item.quotes, every="tick", quotes=None)
            else:
                lacks = "volume" if _rank(item.tape) else "range or volume"
                raise Misuse(
                    "INGEST_LESSER", f"{item.instrument.symbol} {item.every}: these bars have no {lacks} and would take the place of "
                    f"{before.rows:,} that have, from {before.origin}", where=str(catalog.root),
                    fix="store them under another name (--symbol X), in another catalog (--catalog DIR), or say --replace",
                )  # fmt: skip
        series.append(item)
    report = reading.report
    if lost:
        report = msgspec.structs.replace(
            report, rows_kept=report.rows_kept - lost, rows_rejected=report.rows_rejected + lost, symbols=[item.health for item in series],
            reasons=report.reasons | {"another security had the ticker on that date (map file)": lost},
        )  # fmt: skip
    return msgspec.structs.replace(reading, report=report, series=series), notes


def _own(item: Series, catalog: Catalog, seen: Manifest, options: Options, notes: list[str]) -> tuple[Series, int]:
    """A series without the rows of another security that had its ticker, when that is wanted; else a word about them."""
    symbol = item.instrument.symbol
    if shelf.key("names", symbol, "day") not in seen.entries:
        return item, 0
    odd = strangers(catalog.table(symbol, "names"), symbol, item.tape["ts"])
    count = int(odd.sum())
    if not count:
        return item, 0
    first, last = (iso(int(item.tape["ts"][odd][i]))[:10] for i in (0, -1))
    if not options.own_name or count == len(item.tape):
        notes.append(f"{symbol}: {count:,} rows, {first} to {last}, are of dates when another security had the ticker (--own-name)")
        return item, 0
    notes.append(f"{symbol}: {count:,} rows, {first} to {last}, left out: another security had the ticker")
    tape = item.tape.take(~odd)
    return msgspec.structs.replace(item, tape=tape, health=_inspected(tape, symbol), quotes=None), count


def _inspected(tape: Tape, symbol: str) -> Health:
    return inspect(tape, [symbol]).entries[0]


def _rank(tape: Tape) -> int:
    """How much a bar tells: 2 with a volume, 1 with a range, 0 closes alone."""
    if tape.kind is Quote or not np.isnan(tape["volume"]).all():
        return 2
    return int(bool((tape["high"] > tape["low"]).any()))
