"""`argosy data`: bring prices into the catalog and look at what is there; a row that cannot be trusted is refused and listed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from argosy.cli.options import Config, Json

if TYPE_CHECKING:
    from argosy.data.catalog import Catalog

app = typer.Typer(no_args_is_help=True, help="Import prices and look at the catalog.", rich_markup_mode=None)
Folder = Annotated[
    Path | None,
    typer.Option("--catalog", help="The catalog's folder; data.catalog of the settings if left out.", metavar="DIR"),
]
Of = Annotated[str, typer.Argument(help="Whose prices.", metavar="SYMBOL")]
Kind = Annotated[str, typer.Option("--kind", help="bar, quote, trade or book; show also knows fact, funding, chain, names, ...")]
Every = Annotated[str, typer.Option("--every", help="Span of the bars, when there are several.", metavar="SPAN")]


@app.command("import")
def bring(
    files: Annotated[list[Path], typer.Argument(help="Files (CSV, JSON, Parquet, Feather, plain or gzip) or folders of them.", metavar="FILE...")],
    symbol: Annotated[str, typer.Option("--symbol", help="Name of the instrument, when the file does not say.")] = "",
    kind: Annotated[str, typer.Option("--kind", help="bar, quote, trade, fact or funding, when the content does not say.")] = "",
    every: Annotated[str, typer.Option("--every", help="Span of the bars, like 5m.", metavar="SPAN")] = "",
    zone: Annotated[str, typer.Option("--zone", help="Zone of times without one, like America/New_York; by the hours of trade, else UTC.")] = "",
    dates: Annotated[str, typer.Option("--dates", help="mdy or dmy, for dates like 3/4/2021.")] = "",
    decimal: Annotated[str, typer.Option("--decimal", help="What parts decimals, . or , when the numbers do not show it.")] = "",
    day: Annotated[str, typer.Option("--day", help="The day of times counted since midnight, like 2013-10-07.", metavar="DATE")] = "",
    columns: Annotated[str, typer.Option("--columns", help="Names for a file without a header, with commas.", metavar="A,B")] = "",
    calendar: Annotated[str, typer.Option("--calendar", help="Exchange calendar that stamps daily bars, like XNYS.")] = "",
    stamped: Annotated[str, typer.Option("--stamped", help="start or end: which time of a bar the file tells.")] = "start",
    keep: Annotated[str, typer.Option("--keep", help="first or last of several rows of one time; refused if left out.")] = "",
    delay_ms: Annotated[int, typer.Option("--delay-ms", min=0, max=86_400_000, help="How long after its end a row could be known.")] = 0,
    lag: Annotated[
        str, typer.Option("--lag", help="How long after its period a figure is known, like 45d; by its frequency if left out.", metavar="SPAN")
    ] = "",
    prints: Annotated[str, typer.Option("--prints", help="regular, or all: also trades whose condition says that they set no price.")] = "regular",
    own_name: Annotated[bool, typer.Option("--own-name", help="Leave out dates on which a map file gives the ticker to another.")] = False,
    currency: Annotated[str, typer.Option("--currency", help="Currency of the prices; by the symbol, else USD, if left out.")] = "",
    asset: Annotated[str, typer.Option("--asset", help="equity, crypto, fx, future, option or index; by the symbol if left out.")] = "",
    origin: Annotated[str, typer.Option("--origin", help="Where the file is from, to be noted; its name if left out.")] = "",
    licence: Annotated[str, typer.Option("--licence", help="What may be done with the prices, to be noted.")] = "",
    merge: Annotated[bool, typer.Option("--merge", help="Add to what the catalog has of the symbol.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Let bars without volume take the place of bars that have it.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would be done, and do nothing.")] = False,
    json: Json = False,
    catalog: Folder = None,
    config: Config = None,
) -> None:
    """Read files of prices, figures, funding or option chains, judge every row, and store the good ones.

    What a file is, is told by its content. All of a file is stored or nothing; what the catalog had of the symbol stays until
    then. Refused rows are listed with their line and the reason in a file of their own. Of several files those that are no
    prices are named, and the rest is stored; the exit status is then 1.

    \b
      argosy data import SPY.csv --calendar XNYS
      argosy data import ticks_20131007.parquet --symbol IBM --plan
      argosy data import january.csv --symbol SPY --merge
      argosy data import downloads/ --catalog shelf
      argosy backtest trend --symbols SPY
    """
    from argosy.cli import imports
    from argosy.data.ingest import Options

    choices = {
        "--kind": (kind, ("bar", "quote", "trade", "fact", "funding")), "--dates": (dates, ("mdy", "dmy")), "--decimal": (decimal, (".", ",")),
        "--stamped": (stamped, ("start", "end")), "--keep": (keep, ("first", "last")), "--prints": (prints, ("regular", "all")),
        "--asset": (asset, ("equity", "crypto", "fx", "future", "option", "index")),
    }  # fmt: skip
    for flag, (value, known) in choices.items():
        _one_of(flag, value, known)
    options = Options(
        symbol=symbol, kind=kind, every=every, zone=zone, dates=dates, decimal=decimal, day=day,
        columns=tuple(name.strip() for name in columns.split(",")) if columns else (), calendar=calendar,
        stamped=stamped, keep=keep, delay_ms=delay_ms, lag=lag, prints=prints, own_name=own_name, currency=currency, asset=asset,  # type: ignore[arg-type]
        origin=origin, licence=licence,
    )  # fmt: skip
    shelf = _catalog(catalog, config)
    ways = imports.Ways(merge=merge, replace=replace, plan=plan)
    if len(files) == 1 and not files[0].is_dir():
        imports.one(files[0], shelf, options, ways, json, catalog)
    else:
        imports.many(files, shelf, options, ways, json)


@app.command("fetch")
def fetch(
    symbols: Annotated[list[str], typer.Argument(help="Symbols as Yahoo writes them, like SPY or BTC-USD.", metavar="SYMBOL...")],
    start: Annotated[str, typer.Option("--from", help="First day.", metavar="DATE")] = "",
    end: Annotated[str, typer.Option("--to", help="Day to stop before; today if left out.", metavar="DATE")] = "",
    every: Annotated[str, typer.Option("--every", help="Span: 1m 2m 5m 15m 30m 1h 1d 1w; minutes reach back days only.", metavar="SPAN")] = "1d",
    calendar: Annotated[str, typer.Option("--calendar", help="Exchange calendar that stamps daily bars; XNYS for shares, 24/7 for coins.")] = "",
    merge: Annotated[bool, typer.Option("--merge", help="Add to what the catalog has of the symbol.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Let bars without volume take the place of bars that have it.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Fetch and judge, say what would be done, and store nothing.")] = False,
    json: Json = False,
    catalog: Folder = None,
    config: Config = None,
) -> None:
    """Fetch bars, splits and dividends from Yahoo through yfinance, judge every row, and store the good ones.

    Prices are stored as Yahoo's daily history gives them: adjusted for splits, not for dividends, which are stored beside them.
    Needs the extra: pip install "argosy[fetch]". The prices are for personal use, as Yahoo's terms say.

    \b
      argosy data fetch SPY IBM --from 2015-01-01
      argosy data fetch BTC-USD --from 2024-01-01 --every 1h --catalog shelf
      argosy data fetch SPY --from 2024-06-01 --merge
    """
    from argosy.cli import imports
    from argosy.data.fetch import Request, fetched

    shelf = _catalog(catalog, config)
    ways = imports.Ways(merge=merge, replace=replace, plan=plan)
    request = Request(tuple(symbols), start, end, every, calendar)
    with imports.busy(json) as tell:
        found = fetched(request, progress=tell)
    imports.laid(found, shelf, ways, json, catalog)


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
    from argosy.data.tables import TABLES

    shelf = _catalog(catalog, config)
    if kind in TABLES:
        _sheet(shelf.table(symbol, kind, every, start or 0, end or NEVER), symbol, count, last, json)
        return
    tape = shelf.tape([symbol], kind, every, start or 0, end or NEVER)
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


_TIMES = ("ts", "known", "first", "last")


def _sheet(frame: Any, symbol: str, count: int, last: bool, json: bool) -> None:
    """Rows of a table that is no tape."""
    from argosy.cli import screen
    from argosy.core.time import iso

    rows = (frame.tail(count) if last else frame.head(count)).to_dicts()
    if json:
        screen.say_json(rows)
        return
    if not rows:
        typer.echo(f"{symbol} has no such row in that time.")
        return
    table = _table(rows[0])
    for row in rows:
        shown = ((iso(value) if name in _TIMES else "" if value is None else _said(value)) for name, value in row.items())
        table.add_row(*shown)
    out = screen.console()
    out.print(table)
    out.print(f"{len(rows):,} of {frame.height:,} rows", style=screen.SOFT)


def _when(ns: int, rows: int) -> str:
    from argosy.core.time import iso

    return iso(ns)[:16].replace("T", " ") if rows else ""


def _said(value: Any) -> str:
    return f"{value:,.8g}" if isinstance(value, float) else str(value)


def _table(names: Any) -> Any:
    from argosy.cli import screen

    table = screen.table()
    texts = ("symbol", "kind", "every", "from", "to", "origin", "ts", "known", "step", "worth knowing")
    for name in names:
        table.add_column(name, justify="left" if name in texts else "right", no_wrap=name not in ("origin", "worth knowing"))
    return table
