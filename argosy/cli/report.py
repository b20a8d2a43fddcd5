"""`argosy report`: a saved run as one HTML page, or as tables for other programs; it runs nothing and changes nothing in the run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from argosy.cli.options import Json

if TYPE_CHECKING:
    from argosy.lab.page.ground import Ground
    from argosy.lab.result import Result


def report(
    run: Annotated[Path, typer.Argument(help="A folder that `argosy backtest ... --save DIR` wrote.", metavar="RUN")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Where to write the page; report.html in the run's folder if left out.", metavar="FILE")
    ] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write tables as CSV into this folder instead.", metavar="DIR")] = None,
    parquet: Annotated[Path | None, typer.Option("--parquet", help="Write tables as Parquet into this folder instead.", metavar="DIR")] = None,
    passport: Annotated[
        Path | None, typer.Option("--passport", help="The run's passport, .html or .json; its signature is checked.", metavar="FILE")
    ] = None,
    title: Annotated[str, typer.Option("--title", help="A name for the page.", metavar="TEXT")] = "",
    json: Json = False,
) -> None:
    """Show a saved run: one page that opens in any browser, without network, on a phone too.

    Equity beside holding, falls, months, trades on the prices with zoom, rolling Sharpe and beta, spread of days, exposure, refusals, costs,
    every statistic with its definition, and where the money came from. With --json the figures go to stdout and no page is written
    unless --out names one.

    \b
      argosy backtest trend --symbols IBM --save runs/trend
      argosy report runs/trend
      argosy report runs/trend --passport trend-passport.html --out trend.html
      argosy report runs/trend --csv tables
      argosy report runs/trend --json
    """
    from argosy.lab import export

    result, ground = opened(run)
    tested = matched(passport, result) if passport is not None else None
    files: list[Path] = []
    if csv is not None or parquet is not None:
        found = export.tables(result, ground)
        files += export.write(found, csv, "csv") if csv is not None else []
        files += export.write(found, parquet, "parquet") if parquet is not None else []
    if out is not None or not (files or json):
        from argosy.lab.report import write

        passports = {0: tested} if tested else {}
        page = write(
            result, out or run / "report.html", prices=ground.prices, asked=[ground.asked], reaches=[ground.reach], passports=passports, title=title
        )
        files.append(page)
    if json:
        from argosy.cli import screen

        screen.say_json(export.document(result, ground, tested) | {"files": [str(file) for file in files]})
        return
    from argosy.cli import screen

    console = screen.console()
    for file in files:
        console.print(f"wrote   {file}   ({file.stat().st_size / 1e3:,.0f} kB)", soft_wrap=True)


def opened(run: Path) -> tuple[Result, Ground]:
    """A saved run with what its report needs. Misuse: REPORT_RUN (no such folder), RESULT_READ, REPORT_GROUND (a damaged file)."""
    from argosy.core.errors import Misuse
    from argosy.lab.page import ground
    from argosy.lab.result import Result

    if not run.is_dir():
        raise Misuse("REPORT_RUN", f"there is no folder {str(run)!r}", where="RUN", fix="write one: argosy backtest trend --symbols IBM --save run")
    result = Result.load(run)
    import polars as pl

    try:
        return result, ground.load(run, result)
    except (OSError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
        raise Misuse("REPORT_GROUND", f"prices or orders of the run cannot be read: {error}", where=str(run), fix="save the run again") from error


def matched(file: Path, result: Result) -> dict[str, Any]:
    """The plain passport of a run. Misuse: PASSPORT_READ; REPORT_PASSPORT when it is of something else, or its signature does not hold."""
    from argosy.core.errors import Misuse
    from argosy.lab.compare.tested import fits
    from argosy.lab.passport.paper import plain, read

    passport, findings = read(file)
    bad = [one.said for one in findings if one.good is False]
    differs = fits(passport, result)
    if bad or differs:
        what = f"this passport says nothing of the run: {bad[0] if bad else differs}"
        raise Misuse("REPORT_PASSPORT", what, where=str(file), fix="name the passport of this very strategy, or leave it out")
    return plain(passport)
