"""What is said while files are brought into the catalog and after: rows, flaws, what was done about them; it judges nothing itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from argosy.cli import screen
from argosy.core.errors import Misuse
from argosy.core.time import iso, span_text

if TYPE_CHECKING:
    from argosy.data.catalog import Catalog
    from argosy.data.options import Options
    from argosy.data.reading import Reading
    from argosy.data.report import Report

PRICED = ("bar", "quote", "trade")


class Ways(msgspec.Struct, frozen=True):
    """How to lay what was read: beside what is there, over better bars, or not at all."""

    merge: bool = False
    replace: bool = False
    plan: bool = False


def one(file: Path, shelf: Catalog, options: Options, ways: Ways, json: bool, folder: Path | None) -> None:
    """Bring one file, and say what became of it."""
    from argosy.data.ingest import ingest

    there(file)
    with busy(json) as tell:
        report = ingest(file, shelf, options, merge=ways.merge, replace=ways.replace, plan=ways.plan, progress=tell)
    if json:
        screen.say_json(report)
    else:
        told(report, shelf, folder)


def many(files: Sequence[Path], shelf: Catalog, options: Options, ways: Ways, json: bool) -> None:
    """Bring several files and folders; what cannot be brought is named at the end, with exit status 1. Misuse("DATA_FILES")."""
    from argosy.data.ingest import ingest

    chosen = [found for file in files for found in _files(file)]
    if not chosen:
        raise Misuse("DATA_FILES", "no file is in there", where=", ".join(map(str, files)), fix="name files, or a folder of them")
    if options.symbol and len(chosen) > 1:
        what = f"--symbol names one instrument, and there are {len(chosen)} files"
        raise Misuse("DATA_OPTION", what, where="--symbol", fix="bring them one by one")
    reports: list[Report] = []
    refused: list[tuple[Path, Misuse]] = []
    with screen.progress("importing", len(chosen), json) as show:
        for k, file in enumerate(chosen):
            show(k, file.name)
            try:
                reports.append(ingest(file, shelf, options, merge=ways.merge, replace=ways.replace, plan=ways.plan))
            except Misuse as error:
                refused.append((file, error))
    if json:
        wrong = [{"file": str(file), "code": error.code, "what": error.what, "where": error.where, "fix": error.fix} for file, error in refused]
        screen.say_json({"files": reports, "refused": wrong})
    else:
        _told_all(reports, refused, shelf, ways.plan)
    if refused:
        raise typer.Exit(1)


def laid(found: Sequence[tuple[Reading, str]], shelf: Catalog, ways: Ways, json: bool, folder: Path | None) -> None:
    """Lay what was fetched, and say what became of it. found: readings with where they came from."""
    from argosy.data.options import Options
    from argosy.data.store import lay, planned

    licence = Options(licence="personal use only: terms of Yahoo Finance")
    reports = [
        planned(reading, shelf, licence, merge=ways.merge, replace=ways.replace) if ways.plan
        else lay(reading, shelf, licence, origin, merge=ways.merge, replace=ways.replace)
        for reading, origin in found
    ]  # fmt: skip
    if json:
        screen.say_json({"files": reports, "refused": []})
        return
    for report in reports:
        told(report, shelf, folder)


# -- what is said --------------------------------------------------------------------------------------------------------


def told(report: Report, shelf: Catalog, folder: Path | None) -> None:
    """What became of the file: rows, a line for each symbol, refused rows by cause, what was assumed, what comes next."""
    from rich.text import Text

    from argosy.data.report import SHOWN
    from argosy.data.report import told as worth

    out = screen.console()
    mark = "·" if report.planned else "!" if report.rows_rejected else "✓"
    name = report.kind.replace("_", " ")
    noun = name if name.endswith("s") else f"{name}s" if report.kind in (*PRICED, "fact") else f"rows of {name}"
    head = f"{report.rows_in:,} rows in, {report.rows_kept:,} {noun} kept, {report.rows_rejected:,} rejected"
    out.print(Text.assemble((f"{mark} {report.file}", f"bold {screen.LOSS if report.rows_rejected else screen.GAIN}"), f"  {head}"))
    first = {reject.reason: reject for reject in report.rejects}
    for reason, count in sorted(report.reasons.items(), key=lambda pair: (-pair[1], pair[0])):
        out.print(Text.assemble((f"  rejected {count:,}: ", screen.LOSS), reason))
        if reason in first:
            out.print(Text(f"    row {first[reason].line:,}: {first[reason].text[:90]}", style=screen.SOFT), overflow="ellipsis", no_wrap=True)
    for note in report.notes:
        out.print(Text(f"  {note}", style=screen.SOFT))
    table = _table(("symbol", "rows", "from", "to", "step", "worth knowing"))
    for health in report.symbols[:SHOWN]:
        step = span_text(health.step) if health.step else ""
        begin, end = _day(health.first, health.last), _day(health.last, health.last)
        table.add_row(health.symbol, f"{health.rows:,}", begin, end, step, ", ".join(worth(health)))
    out.print(table)
    if len(report.symbols) > SHOWN:
        out.print(f"and {len(report.symbols) - SHOWN} symbols more: argosy data list", style=screen.SOFT)
    if report.planned:
        for line in report.written:
            out.print(Text.assemble(("would write   ", screen.SOFT), line), soft_wrap=True)
        out.print("Nothing was written: leave --plan out to do it.", style="bold")
        return
    if report.rejected_file:
        out.print(Text.assemble(("refused rows  ", screen.SOFT), report.rejected_file), soft_wrap=True)
    out.print(Text.assemble(("catalog       ", screen.SOFT), str(shelf.root)), soft_wrap=True)
    where = f" --catalog {folder}" if folder is not None else ""
    if report.kind == "bar":
        command = f"argosy backtest trend{where.replace('--catalog', '--data')} --symbols {report.symbols[0].symbol}"
        out.print(Text.assemble(("next          ", screen.SOFT), command), soft_wrap=True)
    elif report.kind not in (*PRICED, "actions") and report.symbols:
        command = f"argosy data show '{report.symbols[0].symbol}' --kind {report.kind}{where} --last"
        out.print(Text.assemble(("next          ", screen.SOFT), command), soft_wrap=True)


def _told_all(reports: Sequence[Report], refused: Sequence[tuple[Path, Misuse]], shelf: Catalog, plan: bool) -> None:
    """A row a file: what it is, its rows and span, and the flaws found with what was done."""
    from rich.text import Text

    from argosy.data.report import told as worth

    out = screen.console()
    table = _table(("file", "kind", "symbol", "rows", "refused", "from", "to", "worth knowing"))
    for report in reports:
        symbols = [health.symbol for health in report.symbols]
        first, last = min((h.first for h in report.symbols), default=0), max((h.last for h in report.symbols), default=0)
        flaws = [f"{count:,} {reason}" for reason, count in sorted(report.reasons.items(), key=lambda pair: -pair[1])[:2]]
        flaws += worth(report.symbols[0])[:3] if len(report.symbols) == 1 else []
        shown = ", ".join(symbols[:3]) + (f" +{len(symbols) - 3}" if len(symbols) > 3 else "")
        refused_here = Text(f"{report.rows_rejected:,}", style=screen.LOSS if report.rows_rejected else screen.SOFT)
        span = (_day(first, last), _day(last, last))
        table.add_row(report.file, report.kind, shown, f"{report.rows_kept:,}", refused_here, *span, ", ".join(flaws))
    if reports:
        out.print(table)
    for file, error in refused:
        out.print(Text.assemble((f"✗ {file.name}", f"bold {screen.LOSS}"), f"  {error.code}: {error.what}"), soft_wrap=True)
        out.print(Text(f"    where {error.where}; {error.fix}", style=screen.SOFT), soft_wrap=True)
    rows = sum(report.rows_kept for report in reports)
    verb = "would be stored" if plan else "stored"
    out.print(f"{'·' if plan else '✓'} {len(reports)} files {verb}, {rows:,} rows; {len(refused)} refused   {shelf.root}", soft_wrap=True)
    if plan:
        out.print("Nothing was written: leave --plan out to do it.", style="bold")


@contextmanager
def busy(quiet: bool) -> Iterator[Callable[[str], None]]:
    """What is being done, on stderr while it lasts; nothing when stderr is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda what: None
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield status.update


def there(file: Path) -> None:
    """Misuse("DATA_FILE") with the name that may have been meant, when there is no such file."""
    from difflib import get_close_matches

    try:
        if file.exists():
            return
        names = [found.name for found in file.parent.iterdir()] if file.parent.is_dir() else []
    except OSError:  # the reader will say why
        return
    near = get_close_matches(file.name, names, 1)
    raise Misuse("DATA_FILE", f"there is no file {str(file)!r}", where="FILE", fix=f"did you mean {near[0]}?" if near else "check the path")


def _files(place: Path) -> list[Path]:
    """The files of a folder and of those in it, by name; hidden ones and READMEs are no data."""
    there(place)
    if not place.is_dir():
        return [place]
    found = (file for file in place.rglob("*") if file.is_file())
    return sorted(file for file in found if not any(part.startswith(".") for part in file.relative_to(place).parts) and file.suffix.lower() != ".md")


def _day(ns: int, until: int) -> str:
    return iso(ns)[:16].replace("T", " ") if until else ""


def _table(names: Sequence[str]) -> Any:
    table = screen.table()
    for name in names:
        number = name in ("rows", "refused")
        table.add_column(name, justify="right" if number else "left", no_wrap=name not in ("worth knowing", "file"), min_width=7 if number else None)
    return table
