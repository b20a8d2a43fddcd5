"""`argosy demo`: every strategy of the house on the packaged prices, side by side; it needs no account, network or settings."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from argosy.cli.backtest import perform, split, write_report
from argosy.cli.options import Cash, Config, End, Json, Start, Symbols

PAIR = {"first": "IBM", "second": "MSFT"}
"""The pair of the demo. The first two by name, AAPL and FB, have nine months together."""


def demo(
    report: Annotated[
        Path, typer.Option("--report", help="Where to write the report.", metavar="FILE")
    ] = Path("argosy-report.html"),
    svg: Annotated[
        Path | None, typer.Option("--svg", help="Also draw a small picture of all equity lines.", metavar="FILE")
    ] = None,
    symbols: Symbols = "",
    start: Start = "",
    end: End = "",
    cash: Cash = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Run all built-in strategies on five US stocks, 2000 to 2013, with fees and the risk gate on.

    Prints them side by side with buying and holding and with the verdict of a short passport, and writes a report that opens in any
    browser.

    \b
      argosy demo
      argosy demo --symbols AAPL,IBM,MSFT --start 2006-01-01 --report fleet.html
    """
    from argosy.cli import prices, screen
    from argosy.core import plugins
    from argosy.core.errors import Misuse
    from argosy.house import Wanted
    from argosy.lab.backtest import Outcome
    from argosy.lab.passport import verdicts
    from argosy.lab.passport.paper import plain
    from argosy.settings import load

    settings = load(config, {"account.cash": cash} if cash is not None else {}).settings
    names = [
        name
        for name, point in plugins.found("argosy.strategies").items()
        if point.value.startswith("argosy.")
    ]
    if not names:
        raise Misuse(
            "PLUGINS_NONE",
            "no strategy of the house is registered",
            fix="install the package: pip install -e .",
        )
    found, label = prices.gather(prices.DEMO, split(symbols), start, end)
    rows = sum(len(tape) for tape in found[1])
    results, asked, left_out, notes = [], [], [], []
    outcomes: list[Outcome] = []
    wanted: list[Wanted] = []
    with screen.progress("demo", rows * len(names), json) as show:
        for k, name in enumerate(names):
            told = partial(show_part, show, k * rows, name)
            if prices.trades_options([name]):
                left_out.append(f"{name} trades options: argosy backtest {name} shows it on a synthetic chain")
                continue
            legs = PAIR if name == "pairs" and set(PAIR.values()) <= set(found[0].symbols) else {}
            one = Wanted(name=name, plugin=name, params=legs)
            try:
                result, sent = perform([one], found, settings, name, told, kept=outcomes)
            except Misuse as error:
                if error.code != "INDICATOR_EVERY":  # it looks at bars that are finer than these
                    raise
                left_out.append(f"{name} needs bars of minutes, and these are of days ({error.what})")
                continue
            if legs:
                notes.append(f"{name} trades {legs['first']} and {legs['second']}: of these five, two old firms of one trade")
            if not result.fills.height:
                notes.append(f"{name} never traded: its conditions were never met on these prices")
            wanted.append(one)
            results.append(result)
            asked.append(sent)
        passports = verdicts(wanted, found, settings.terms(), outcomes, told=lambda name: show(rows * len(names), f"testing {name}"))
        show(rows * len(names), "report")
        told_of = {k: plain(passports[one.name]) for k, one in enumerate(wanted) if one.name in passports}
        write_report(results, found, report, "The demo fleet", asked, told_of)
    if svg is not None:
        from argosy.cli.picture import svg as picture

        svg.write_text(picture(results, "Argosy demo"), encoding="utf-8")
    if json:
        tested = {name: {"verdict": one.verdict, "reasons": one.reasons, "trials": one.trials} for name, one in passports.items()}
        rows_of = [result.summary() | {"passport": tested[result.name]} for result in results]
        screen.say_json({"results": rows_of, "report": str(report)})
        return
    from rich.text import Text

    out = screen.console()
    out.print()
    out.print(
        Text.assemble(("Argosy demo", "bold"), "   every strategy with the whole account, one at a time")
    )
    out.print(screen.ground(results[0], label), style=screen.SOFT)
    out.print()
    out.print(screen.comparison(results, out.width, passports))
    out.print()
    screen.why(passports, out)
    out.print()
    for line in [*notes, *(f"left out: {line}" for line in left_out)]:
        out.print(line, style=screen.SOFT)
    out.print("Past prices under stated assumptions: not advice, and no promise.", style=screen.SOFT)
    out.print(Text.assemble("report   ", (str(report), "bold"), "   (open it in a browser)"), soft_wrap=True)
    chosen = min(results, key=lambda result: ("PASS", "WEAK", "FAIL").index(passports[result.name].verdict)).name
    out.print(Text.assemble("tested   ", (f"argosy passport {chosen} --out passport.html", "bold"), "   (signed)"))
    out.print(Text.assemble("why      ", (f"argosy backtest {chosen} --trades --orders", "bold"), "   (each trade)"))


def show_part(show: Callable[[int, str], None], before: int, name: str, done: int) -> None:
    """Progress of one strategy, counted after the rows of those before it."""
    show(before + done, name)
