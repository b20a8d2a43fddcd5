"""`argosy data`: bring prices into the catalog and look at what is there; a row that cannot be trusted is refused and listed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from argosy.cli.backtest import Config, Json

if TYPE_CHECKING:
    from argosy.data.catalog import Catalog
    from argosy.data.report import Report

app = typer.Typer(no_args_is_help=True, help="Import prices and look at the catalog.", rich_markup_mode=None)
Folder = Annotated[
    Path | None,
    typer.Option("--catalog", help="The catalog's folder; data.catalog of the settings if left out.", metavar="DIR"),
]
Of = Annotated[str, typer.Argument(help="Whose prices.", metavar="SYMBOL")]
Kind = Annotated[str, typer.Option("--kind", help="bar, quote, trade or book.")]
Every = Annotated[str, typer.Option("--every", help="Span of the bars, when there are several.", metavar="SPAN")]


@app.command("import")
def bring(
    file: Annotated[Path, typer.Argument(help="A CSV or Parquet file of bars, quotes or trades.")],
    symbol: Annotated[str, typer.Option("--symbol", help="Name of the instrument, when the file does not say.")] = "",
    kind: Annotated[str, typer.Option("--kind", help="bar, quote or trade, when the columns do not say.")] = "",
    every: Annotated[str, typer.Option("--every", help="Span of the bars, like 5m.", metavar="SPAN")] = "",
    zone: Annotated[
        str, typer.Option("--zone", help="Zone of times without one, like America/New_York; UTC if left out.")
    ] = "",
    dates: Annotated[str, typer.Option("--dates", help="mdy or dmy, for dates like 3/4/2021.")] = "",
    decimal: Annotated[str, typer.Option("--decimal", help="What parts decimals, . or , when the numbers do not show it.")] = "",
    day: Annotated[
        str, typer.Option("--day", help="The day of times counted since midnight, like 2013-10-07.", metavar="DATE")
    ] = "",
    columns: Annotated[
        str, typer.Option("--columns", help="Names for a file without a header, with commas.", metavar="A,B")
    ] = "",
    calendar: Annotated[
        str, typer.Option("--calendar", help="Exchange calendar that stamps daily bars, like XNYS.")
    ] = "",
    stamped: Annotated[str, typer.Option("--stamped", help="start or end: which time of a bar the file tells.")] = "start",
    keep: Annotated[
        str, typer.Option("--keep", help="first or last of several rows of one time; refused if left out.")
    ] = "",
    delay_ms: Annotated[
        int, typer.Option("--delay-ms", min=0, max=86_400_000, help="How long after its end a row could be known.")
    ] = 0,
    currency: Annotated[str, typer.Option("--currency", help="Currency of the prices; by the symbol, else USD, if left out.")] = "",
    asset: Annotated[
        str, typer.Option("--asset", help="equity, crypto, fx, future, option or index; by the symbol if left out.")
    ] = "",
    origin: Annotated[str, typer.Option("--origin", help="Where the file is from, to be noted; its name if left out.")] = "",
    licence: Annotated[str, typer.Option("--licence", help="What may be done with the prices, to be noted.")] = "",
    merge: Annotated[bool, typer.Option("--merge", help="Add to what the catalog has of the symbol.")] = False,
    json: Json = False,
    catalog: Folder = None,
    config: Config = None,
) -> None:
    """Read a file of prices, judge every row, and store the good ones.

    All of the file is stored or nothing; what the catalog had of the symbol stays until then. Refused rows are
    listed with their line and the reason in a file of their own.

    \b
      argosy data import SPY.csv --calendar XNYS
      argosy data import trades.parquet --symbol IBM --zone America/New_York
      argosy data import january.csv --symbol SPY --merge
      argosy backtest trend --symbols SPY
    """
    from argosy.cli import screen
    from argosy.data.ingest import Options, ingest

    _there(file)
    choices = {
        "--kind": (kind, ("bar", "quote", "trade")), "--dates": (dates, ("mdy", "dmy")), "--decimal": (decimal, (".", ",")),
        "--stamped": (stamped, ("start", "end")), "--keep": (keep, ("first", "last")),
        "--asset": (asset, ("equity", "crypto", "fx", "future", "option", "index")),
    }  # fmt: skip
    for flag, (value, known) in choices.items():
        _one_of(flag, value, known)
    options = Options(
        symbol=symbol, kind=kind, every=every, zone=zone, dates=dates, decimal=decimal, day=day,
        columns=tuple(name.strip() for name in columns.split(",")) if columns else (), calendar=calendar,
        stamped=stamped, keep=keep, delay_ms=delay_ms, currency=currency, asset=asset, origin=origin, licence=licence,  # type: ignore[arg-type]
    )  # fmt: skip
    shelf = _catalog(catalog, config)
    with _busy(json) as tell:
        report = ingest(file, shelf, options, merge=merge, progress=tell)
    if json:
        screen.say_json(report)
    else:
        _told(report, shelf, catalog)


@app.command("list")
def entries(json: Json = False, catalog: Folder = None, config: Config = None) -> None:
    """List what the catalog holds.

    \b
      argosy data list --catalog prices
    """
    from argosy.cli import screen

    shelf = _catalog(catalog, config)
    rows = shelf.describe()
    if json:
        screen.say_json(rows)
        return
    if not rows:
        typer.echo(f"The catalog {shelf.root} is empty. `argosy data import FILE` fills it; `--data demo` needs none.")
        return
    table = _table(("symbol", "kind", "every", "rows", "from", "to", "origin"))
    for row in rows:
        table.add_row(row.symbol, row.kind, row.every, f"{row.rows:,}", _when(row.start, row.rows), _when(row.end, row.rows), row.origin)
    screen.console().print(table)


@app.command("show")
def rows(
    symbol: Of,
    kind: Kind = "bar",
    every: Every = "",
    start: Annotated[str, typer.Option("--start", help="First time.", metavar="DATE")] = "",
    end: Annotated[str, typer.Option("--end", help="Time to stop before.", metavar="DATE")] = "",
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=10_000, help="How many rows.")] = 10,
    last: Annotated[bool, typer.Option("--last", help="The last rows, not the first.")] = False,
    json: Json = False,
    catalog: Folder = None,
    config: Config = None,
) -> None:
    """Print rows of a symbol, with when each happened and when it was known.

    \b
      argosy data show SPY --start 2020-03-01 -n 20
      argosy data show SPY --last
    """
    import msgspec

    from argosy.cli import screen
    from argosy.core.time import NEVER, iso

    tape = _catalog(catalog, config).tape([symbol], kind, every, start or 0, end or NEVER)
    begin = max(0, len(tape) - count) if last else 0
    picked = [msgspec.structs.asdict(row) for row in tape.rows(begin, begin + count)]
    if json:
        screen.say_json(picked)
        return
    if not picked:
        typer.echo(f"{symbol} has no row from {start or 'the start'} to {end or 'the end'}.")
        return
    names = [name for name in picked[0] if name not in ("instrument", "span")]
    table = _table(names)
    for row in picked:
        table.add_row(*(iso(row[name]) if name in ("ts", "known") else _said(row[name]) for name in names))
    out = screen.console()
    out.print(table)
    out.print(f"{len(picked):,} of {len(tape):,} rows", style=screen.SOFT)


@app.command()
def inspect(symbol: Of, kind: Kind = "bar", every: Every = "", json: Json = False, catalog: Folder = None, config: Config = None) -> None:
    """Judge the prices of a symbol: gaps, spikes, splits that were not adjusted, quotes that cross.

    \b
      argosy data inspect SPY
    """
    from argosy.cli import screen
    from argosy.data.quality import inspect as judge

    found = judge(_catalog(catalog, config).tape([symbol], kind, every), [symbol])
    if json:
        screen.say_json(found)
    else:
        typer.echo(str(found))


@app.command()
def check(json: Json = False, catalog: Folder = None, config: Config = None) -> None:
    """Read every file of the catalog and compare it with what was written; exit status 1 when one is damaged.

    \b
      argosy data check
    """
    from argosy.cli import screen

    shelf = _catalog(catalog, config)
    found = shelf.check()
    wrong = [(entry, what) for entry, what in found if what]
    if json:
        files = [{"path": entry.path, "symbol": entry.symbol, "rows": entry.rows, "ok": not what, "what": what} for entry, what in found]
        screen.say_json({"ok": not wrong, "files": files})
    else:
        for entry, what in wrong:
            typer.secho(f"✗ {entry.symbol} {entry.kind} {entry.every}", fg=typer.colors.RED, bold=True, err=True, nl=False)
            typer.echo(f"  {what}\n  where  {shelf.root / entry.path}\n  fix    import {entry.origin or 'its source'} again", err=True)
        rows_seen = sum(entry.rows for entry, what in found if not what)
        typer.echo(f"{'✗' if wrong else '✓'} {len(found) - len(wrong)} of {len(found)} files are whole, {rows_seen:,} rows")
    if wrong:
        raise typer.Exit(1)


@app.command()
def remove(symbol: Of, kind: Annotated[str, typer.Option("--kind", help="Only bar, quote, trade or book.")] = "", every: Every = "",
           json: Json = False, catalog: Folder = None, config: Config = None) -> None:  # fmt: skip
    """Take a symbol out of the catalog, or only its rows of a kind or span.

    \b
      argosy data remove SPY
      argosy data remove SPY --every 1m
    """
    from argosy.cli import screen

    gone = _catalog(catalog, config).remove(symbol, kind, every)
    if json:
        screen.say_json(gone)
    else:
        typer.echo("\n".join(f"removed {entry.symbol} {entry.kind} {entry.every}, {entry.rows:,} rows" for entry in gone))


@app.command()
def reindex(json: Json = False, catalog: Folder = None, config: Config = None) -> None:
    """List the catalog's files anew, after some were restored or taken away by hand.

    \b
      argosy data reindex
    """
    from argosy.cli import screen

    shelf = _catalog(catalog, config)
    found = shelf.reindex()
    if json:
        screen.say_json(found)
    else:
        typer.echo(f"✓ {len(found)} files of {len({entry.symbol for entry in found})} symbols are listed in {shelf.root}")


# -- what is said --------------------------------------------------------------------------------------------------------


def _told(report: Report, shelf: Catalog, folder: Path | None) -> None:
    """What became of the file: rows, a line for each symbol, refused rows by cause, what was assumed, what comes next."""
    from rich.text import Text

    from argosy.cli import screen
    from argosy.core.time import span_text
    from argosy.data.report import SHOWN, told

    out = screen.console()
    mark = "!" if report.rows_rejected else "✓"
    head = f"{report.rows_in:,} rows in, {report.rows_kept:,} {report.kind}s kept, {report.rows_rejected:,} rejected"
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
        table.add_row(health.symbol, f"{health.rows:,}", _when(health.first, 1), _when(health.last, 1), step, ", ".join(told(health)))
    out.print(table)
    if len(report.symbols) > SHOWN:
        out.print(f"and {len(report.symbols) - SHOWN} symbols more: argosy data list", style=screen.SOFT)
    if report.rejected_file:
        out.print(Text.assemble(("refused rows  ", screen.SOFT), report.rejected_file), soft_wrap=True)
    out.print(Text.assemble(("catalog       ", screen.SOFT), str(shelf.root)), soft_wrap=True)
    if report.kind == "bar":
        where = f" --data {folder}" if folder is not None else ""
        command = f"argosy backtest trend{where} --symbols {report.symbols[0].symbol}"
        out.print(Text.assemble(("next          ", screen.SOFT), command), soft_wrap=True)


@contextmanager
def _busy(quiet: bool) -> Iterator[Callable[[str], None]]:
    """What is being done, on stderr while it lasts; nothing when stderr is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda what: None
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield status.update


def _there(file: Path) -> None:
    """Misuse("DATA_FILE") with the name that may have been meant, when there is no such file."""
    from difflib import get_close_matches

    from argosy.core.errors import Misuse

    try:
        if file.exists():
            return
        names = [one.name for one in file.parent.iterdir()] if file.parent.is_dir() else []
    except OSError:  # the reader will say why
        return
    near = get_close_matches(file.name, names, 1)
    raise Misuse("DATA_FILE", f"there is no file {str(file)!r}", where="FILE", fix=f"did you mean {near[0]}?" if near else "check the path")


def _one_of(flag: str, value: str, known: tuple[str, ...]) -> None:
    from argosy.core.errors import Misuse

    if value and value not in known:
        raise Misuse("DATA_OPTION", f"{value!r} is not a value of {flag}", where=flag, fix=f"use {' or '.join(known)}")


def _catalog(folder: Path | None, config: Path | None) -> Catalog:
    from argosy.data.catalog import Catalog

    if folder is not None:
        return Catalog(folder)
    from argosy.settings import load

    return Catalog(load(config).settings.data.catalog)


def _when(ns: int, rows: int) -> str:
    from argosy.core.time import iso

    return iso(ns)[:16].replace("T", " ") if rows else ""


def _said(value: Any) -> str:
    return f"{value:,.8g}" if isinstance(value, float) else str(value)


def _table(names: Any) -> Any:
    from rich import box
    from rich.table import Table

    from argosy.cli import screen

    table = Table(box=box.SIMPLE_HEAD, header_style=screen.SOFT, pad_edge=False, show_edge=False)
    texts = ("symbol", "kind", "every", "from", "to", "origin", "ts", "known", "step", "worth knowing")
    for name in names:
        table.add_column(name, justify="left" if name in texts else "right", no_wrap=name not in ("origin", "worth knowing"))
    return table
