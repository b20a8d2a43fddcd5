"""`argosy data`: bring prices into the catalog and look at what is there; a row that cannot be trusted is refused and listed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from argosy.cli.backtest import Config, Json

if TYPE_CHECKING:
    from argosy.data.catalog import Catalog

app = typer.Typer(no_args_is_help=True, help="Import prices and look at the catalog.", rich_markup_mode=None)
Folder = Annotated[
    Path | None,
    typer.Option(
        "--catalog", help="The catalog's folder; data.catalog of the settings if left out.", metavar="DIR"
    ),
]


@app.command("import")
def bring(
    file: Annotated[Path, typer.Argument(help="A CSV or Parquet file of bars, quotes or trades.")],
    symbol: Annotated[
        str, typer.Option("--symbol", help="Name of the instrument, when the file does not say.")
    ] = "",
    kind: Annotated[
        str, typer.Option("--kind", help="bar, quote or trade, when the columns do not say.")
    ] = "",
    every: Annotated[str, typer.Option("--every", help="Span of the bars, like 5m.", metavar="SPAN")] = "",
    zone: Annotated[
        str, typer.Option("--zone", help="Zone of times without one, like America/New_York; UTC if left out.")
    ] = "",
    dates: Annotated[str, typer.Option("--dates", help="mdy or dmy, for dates like 3/4/2021.")] = "",
    calendar: Annotated[
        str, typer.Option("--calendar", help="Exchange calendar that stamps daily bars, like XNYS.")
    ] = "",
    keep: Annotated[
        str, typer.Option("--keep", help="first or last of several rows of one time; refused if left out.")
    ] = "",
    currency: Annotated[str, typer.Option("--currency", help="Currency of the prices.")] = "USD",
    merge: Annotated[
        bool, typer.Option("--merge", help="Add to what the catalog has of the symbol.")
    ] = False,
    json: Json = False,
    catalog: Folder = None,
    config: Config = None,
) -> None:
    """Read a file of prices, judge every row, and store the good ones.

    \b
      argosy data import SPY.csv --symbol SPY --calendar XNYS
      argosy data import ticks.parquet --kind trade --zone America/New_York
    """
    from argosy.cli import screen
    from argosy.core.errors import Misuse
    from argosy.data.ingest import Options, ingest

    if not file.exists():
        raise Misuse("DATA_FILE", f"there is no file {str(file)!r}", where="FILE", fix="check the path")
    choices = {
        "--keep": (keep, ("first", "last")),
        "--dates": (dates, ("mdy", "dmy")),
        "--kind": (kind, ("bar", "quote", "trade")),
    }
    for flag, (value, known) in choices.items():
        if value and value not in known:
            raise Misuse(
                "DATA_OPTION",
                f"{value!r} is not a value of {flag}",
                where=flag,
                fix=f"use {' or '.join(known)}",
            )
    options = Options(
        symbol=symbol, kind=kind, every=every, zone=zone, dates=dates, calendar=calendar, keep=keep, currency=currency,  # type: ignore[arg-type]
    )  # fmt: skip
    report = ingest(file, _catalog(catalog, config), options, merge=merge)
    if json:
        screen.say_json(report)
    else:
        typer.echo(str(report))


@app.command("list")
def entries(json: Json = False, catalog: Folder = None, config: Config = None) -> None:
    """List what the catalog holds.

    \b
      argosy data list --catalog prices
    """
    from argosy.cli import screen
    from argosy.core.time import iso

    shelf = _catalog(catalog, config)
    rows = shelf.describe()
    if json:
        screen.say_json(rows)
        return
    if not rows:
        typer.echo(
            f"The catalog {shelf.root} is empty. `argosy data import FILE` fills it; `--data demo` needs none."
        )
        return
    table = _table(("symbol", "kind", "every", "rows", "from", "to", "origin"))
    for row in rows:
        table.add_row(
            row.symbol,
            row.kind,
            row.every,
            f"{row.rows:,}",
            iso(row.start)[:16],
            iso(row.end)[:16],
            row.origin,
        )
    screen.console().print(table)


@app.command("show")
def rows(
    symbol: Annotated[str, typer.Argument(help="Whose rows.")],
    kind: Annotated[str, typer.Option("--kind", help="bar, quote, trade or book.")] = "bar",
    every: Annotated[
        str, typer.Option("--every", help="Span of the bars, when there are several.", metavar="SPAN")
    ] = "",
    start: Annotated[str, typer.Option("--start", help="First time.", metavar="DATE")] = "",
    end: Annotated[str, typer.Option("--end", help="Time to stop before.", metavar="DATE")] = "",
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=10_000, help="How many rows.")] = 10,
    json: Json = False,
    catalog: Folder = None,
    config: Config = None,
) -> None:
    """Print the first rows of a symbol, with when each happened and when it was known.

    \b
      argosy data show SPY --start 2020-03-01 -n 20
    """
    import msgspec

    from argosy.cli import screen
    from argosy.core.time import NEVER, iso

    tape = _catalog(catalog, config).tape([symbol], kind, every, start or 0, end or NEVER)
    picked = [msgspec.structs.asdict(row) for row in tape.rows(0, count)]
    if json:
        screen.say_json(picked)
        return
    names = [name for name in (picked[0] if picked else {}) if name not in ("instrument", "span")]
    table = _table(names)
    for row in picked:
        table.add_row(*(iso(row[name]) if name in ("ts", "known") else _said(row[name]) for name in names))
    out = screen.console()
    out.print(table)
    out.print(f"{min(count, len(tape)):,} of {len(tape):,} rows", style=screen.SOFT)


@app.command()
def inspect(
    symbol: Annotated[str, typer.Argument(help="Whose prices.")],
    kind: Annotated[str, typer.Option("--kind", help="bar, quote, trade or book.")] = "bar",
    every: Annotated[
        str, typer.Option("--every", help="Span of the bars, when there are several.", metavar="SPAN")
    ] = "",
    json: Json = False,
    catalog: Folder = None,
    config: Config = None,
) -> None:
    """Judge the prices of a symbol: gaps, spikes, splits that were not adjusted, quotes that cross.

    \b
      argosy data inspect SPY
    """
    from argosy.cli import screen
    from argosy.data.quality import inspect as judge

    tape = _catalog(catalog, config).tape([symbol], kind, every)
    found = judge(tape, [symbol])
    if json:
        screen.say_json(found)
    else:
        typer.echo(str(found))


def _catalog(folder: Path | None, config: Path | None) -> Catalog:
    from argosy.data.catalog import Catalog

    if folder is not None:
        return Catalog(folder)
    from argosy.settings import load

    return Catalog(load(config).settings.data.catalog)


def _said(value: Any) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def _table(names: Any) -> Any:
    from rich import box
    from rich.table import Table

    from argosy.cli import screen

    table = Table(box=box.SIMPLE_HEAD, header_style=screen.SOFT, pad_edge=False, show_edge=False)
    texts = ("symbol", "kind", "every", "from", "to", "origin", "ts", "known")
    for name in names:
        table.add_column(name, justify="left" if name in texts else "right", no_wrap=name != "origin")
    return table
