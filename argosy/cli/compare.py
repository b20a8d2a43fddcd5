"""`argosy compare`: saved runs side by side, and which one may be chosen; it runs nothing and recommends nothing that was not tested."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from argosy.cli.options import Json

if TYPE_CHECKING:
    from argosy.lab.compare import Comparison
    from argosy.lab.result import Result


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Folders that `argosy backtest ... --save DIR` wrote, two or more.", metavar="RUN RUN ...")],
    passports: Annotated[
        Path | None, typer.Option("--passports", help="Where the passports are; the runs' own folders if left out.", metavar="DIR")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Also write a page with the lines of all.", metavar="FILE.html")] = None,
    json: Json = False,
) -> None:
    """Put saved runs side by side on the days they share, and say which may be chosen.

    The figures with the best of each marked, how the runs move together, and whether the difference of two Sharpe ratios may be chance
    (Jobson-Korkie-Memmel, and a paired stationary bootstrap). A run without a passport is "not tested"; it is never recommended, and
    neither is one that failed its passport. When none is left, that is what is said.

    \b
      argosy backtest trend --symbols IBM --save runs/trend
      argosy backtest mean_reversion --symbols IBM --save runs/mean
      argosy passport trend --symbols IBM --out passports/trend.html
      argosy compare runs/trend runs/mean --passports passports --out beside.html
      argosy compare runs/trend runs/mean --json
    """
    from argosy.cli import screen
    from argosy.lab.compare import compare as beside
    from argosy.lab.compare import gather, write

    results = [_opened(run) for run in runs]
    names = called(runs, results)
    tested, notes = gather(dict(zip(names, results, strict=True)), passports if passports is not None else runs)
    found = beside(results, names=names, tested=tested, notes=notes)
    if out is not None:
        write(found, out)
    if json:
        screen.say_json(found.plain() | ({"out": str(out)} if out else {}))
        return
    _show(found)
    if out is not None:
        screen.console().print(f"\npage   {out}", soft_wrap=True)


def _opened(run: Path) -> Result:
    from argosy.core.errors import Misuse
    from argosy.lab.result import Result

    if not run.is_dir():
        raise Misuse("COMPARE_RUN", f"there is no folder {str(run)!r}", where="RUN", fix="write one: argosy backtest trend --symbols IBM --save run")
    return Result.load(run)


def called(runs: list[Path], results: list[Result]) -> tuple[str, ...]:
    """The runs' own names where all differ, else those of their folders, else numbered."""
    from argosy.lab.compare.comparison import unique

    for names in ([result.name for result in results], [run.resolve().name for run in runs]):
        if len(set(names)) == len(names):
            return tuple(names)
    return unique([str(run) for run in runs])


def _show(found: Comparison) -> None:
    from rich.text import Text

    from argosy.cli import screen
    from argosy.core.time import iso
    from argosy.lab.page.numbers import label, said
    from argosy.lab.statistics import FIGURES
    from argosy.lab.words import number

    out = screen.console()
    currency = found.results[0].currency
    cut = "; longer runs were cut to these days" if found.cut else ""
    days = f"{iso(int(found.days.known[0]))[:10]} to {iso(int(found.days.known[-1]))[:10]} · {len(found.days.returns):,} common days{cut}"
    out.print(days, style=screen.SOFT, soft_wrap=True)
    out.print()
    table = screen.table()
    table.add_column("", no_wrap=True, style=screen.SOFT)
    for name in found.names:
        table.add_column(name, justify="right")
    tones = {"PASS": f"bold {screen.GAIN}", "WEAK": "bold", "FAIL": f"bold {screen.LOSS}"}
    verdicts = [found.tested[name].verdict for name in found.names]
    table.add_row("passport", *(Text(verdict, style=tones.get(verdict, screen.SOFT)) for verdict in verdicts))
    for row in found.rows:
        group, name = row.figure.split(".")
        cells = [
            Text(("• " if k in row.best else "") + said(name, value, FIGURES[group][name].unit, currency), style="bold" if k in row.best else "")
            for k, value in enumerate(row.values)
        ]
        table.add_row(label(name), *cells)
    out.print(table)
    out.print()
    for one in found.gaps:
        sure = "more than chance" if one.sure else "may be chance"
        out.print(
            f"Sharpe of {one.one} less {one.other}: {number(one.difference)} ± {number(one.error)}, p {number(one.p, 3)} (Jobson-Korkie-Memmel), "
            f"{number(one.low)} to {number(one.high)}, p {number(one.p_paths, 3)} (paired stationary bootstrap): {sure}",
            soft_wrap=True,
        )
    pairs = [
        f"{a} and {b} {number(float(found.correlation[i, j]))}"
        for i, a in enumerate(found.names) for j, b in enumerate(found.names) if i < j
    ]  # fmt: skip
    out.print(f"correlation of daily returns: {', '.join(pairs)}", style=screen.SOFT, soft_wrap=True)
    out.print()
    for k, text in enumerate((*found.advice.sentences, *found.notes)):
        out.print(Text(text, style="bold" if not k else ""), soft_wrap=True)
