"""`argosy daily`: update the prices, decide BUY, SELL or HOLD for each symbol with the reasons, and report; it sends no order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from argosy.cli.options import PLACE, Cash, Config, Json, Symbols

if TYPE_CHECKING:
    from collections.abc import Sequence

    from argosy.core.instrument import Instruments
    from argosy.house import Wanted
    from argosy.lab.daily import Age, Daily
    from argosy.settings import Settings

BUILT_IN = ("trend", "mean_reversion", "rebalance")
"""What decides when the settings name no strategy."""


def daily(
    symbols: Symbols = "",
    data: Annotated[str, typer.Option("--data", help=PLACE, metavar="PATH")] = "",
    every: Annotated[str, typer.Option("--every", help="Span of the bars, when a catalog has several.", metavar="SPAN")] = "",
    strategies: Annotated[
        str, typer.Option("--strategies", help="Who decides, with commas; those of the settings, else three built-in ones.", metavar="A,B")
    ] = "",
    holdings: Annotated[
        Path | None, typer.Option("--holdings", help="What you hold: a CSV of symbol, quantity, price; a row CASH is cash.", metavar="FILE")
    ] = None,
    cash: Cash = None,
    band: Annotated[float, typer.Option("--band", help="Fraction within which a holding is near enough to what is wanted.", min=0.0, max=1.0)] = 0.05,
    fetch: Annotated[bool, typer.Option("--fetch", help="First bring the catalog's Yahoo prices up to date (internet, yfinance).")] = False,
    as_of: Annotated[str, typer.Option("--as-of", help="Decide as if this day had just closed; today if left out.", metavar="DATE")] = "",
    out: Annotated[Path | None, typer.Option("--out", help="Also write the report, one HTML file.", metavar="FILE")] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Say what the strategies want of each symbol after its last closed bar: BUY, SELL or HOLD, and why.

    The same strategies, engine, fees and limits as in a backtest, over the same past: what is decided is what a backtest up to
    that bar wants. Prices that are not of the last session are said to be stale. No order is sent.

    \b
      argosy daily
      argosy daily --symbols IBM,AAPL --strategies trend --as-of 2012-12-12
      argosy daily --data shelf --holdings mine.csv --out today.html
      argosy daily --data shelf --fetch --json
    """
    from time import time_ns

    from argosy.cli import prices, screen
    from argosy.cli.backtest import split
    from argosy.core.errors import Misuse
    from argosy.core.time import DAY, iso, parse
    from argosy.lab.daily import Holdings, ages, decide, read
    from argosy.lab.daily.page import html
    from argosy.settings import load

    loaded = load(config, {"account.cash": cash} if cash is not None and holdings is None else {})
    settings = loaded.settings
    wanted = fleet(settings, split(strategies), split(symbols))
    source = data or prices.default(settings.data.catalog)
    clock = parse(as_of) + (0 if "T" in as_of else DAY) if as_of else time_ns()
    if fetch:
        _update(source, split(symbols), every or "1d", json)
    found, label = prices.gather(source, split(symbols), "", iso(clock + 1), every, facts=prices.hears(one.plugin for one in wanted))
    mine = read(holdings) if holdings is not None else None
    if mine is not None and cash is not None:
        mine = Holdings(mine.rows, cash)
    rows = sum(len(tape) for tape in found[1])
    with screen.progress("deciding", rows, json) as show:
        result = decide(wanted, found, settings.terms(), holdings=mine, band_frac=band, progress=lambda done: show(done, ""))
    old = ages(found[0], found[1], clock)
    if out is not None:
        try:
            out.write_text(html(result, old, label), encoding="utf-8")
        except OSError as error:
            what = f"the report cannot be written: {error.strerror or error}"
            raise Misuse("DAILY_OUT", what, where=str(out), fix="name a file in a folder of yours") from error
    if json:
        _json(result, old, clock, label, out)
    else:
        _show(result, old, label, found[0], out)
    if result.failures:
        raise typer.Exit(1)


def fleet(settings: Settings, names: Sequence[str], symbols: Sequence[str]) -> list[Wanted]:
    """Who decides: the named ones, else all of the settings, else the built-in three. Budgets as the settings say, else equal parts."""
    from argosy.cli.backtest import want
    from argosy.core import plugins

    chosen = list(names) or list(settings.strategies)
    if not chosen:
        there = plugins.found("argosy.strategies")
        chosen = [name for name in BUILT_IN if name in there] or [name for name, point in there.items() if point.value.startswith("argosy.")]
    return [want(name, settings, {}, symbols) for name in chosen]


def _update(source: str, symbols: Sequence[str], every: str, json: bool) -> None:
    """Bring the prices of a catalog that came from Yahoo up to date, and fetch those that are asked for and not there."""
    from argosy.cli import imports
    from argosy.core.errors import Misuse
    from argosy.core.time import DAY, iso
    from argosy.data.catalog import Catalog
    from argosy.data.fetch import Request, fetched
    from argosy.data.options import Options
    from argosy.data.store import lay

    if source == "demo" or not (Path(source).is_dir() or not Path(source).exists()):
        raise Misuse("DAILY_FETCH", f"{source!r} is no catalog that can be brought up to date", where="--fetch", fix="name one: --data shelf")
    shelf = Catalog(source)
    bars = {entry.symbol: entry for entry in shelf.describe() if entry.kind == "bar" and entry.every == every}
    chosen = list(symbols) or [symbol for symbol, entry in bars.items() if entry.origin.startswith("Yahoo Finance")]
    if not chosen:
        fix = "fetch some first: argosy data fetch SPY --from 2015-01-01"
        raise Misuse("DAILY_FETCH", "no prices in the catalog came from Yahoo", where=source, fix=fix)
    foreign = [symbol for symbol in chosen if symbol in bars and not bars[symbol].origin.startswith("Yahoo Finance")]
    if foreign:
        what = f"{', '.join(foreign)} came from a file, whose prices may be adjusted in another way"
        raise Misuse("DAILY_FETCH", what, where=source, fix="import a newer file with --merge, or fetch into another catalog")
    with imports.busy(json) as tell:
        for symbol in chosen:
            start = iso(bars[symbol].start - 5 * DAY)[:10] if symbol in bars else ""
            for reading, origin in fetched(Request((symbol,), start, "", every), progress=tell):  # whole: a split changes all of it
                lay(reading, shelf, Options(licence="personal use only: terms of Yahoo Finance"), origin)


def _json(result: Daily, old: Sequence[Age], clock: int, label: str, out: Path | None) -> None:
    import msgspec

    from argosy.cli import screen
    from argosy.lab.daily.decide import counted

    stale = [{"symbol": age.symbol, "known": age.known, "missed": age.missed} for age in old if age.stale]
    head = {"as_of": clock, "data": label, "stale": bool(stale), "stale_symbols": stale, "tally": counted(result)}
    screen.say_json(head | msgspec.to_builtins(result) | ({"report": str(out)} if out is not None else {}))


def _show(result: Daily, old: Sequence[Age], label: str, instruments: Instruments, out: Path | None) -> None:
    from rich.text import Text

    from argosy.cli import screen
    from argosy.core.time import iso
    from argosy.lab.daily.decide import counted
    from argosy.lab.daily.page import order, said, size, warning
    from argosy.lab.words import NONE, money, number, percent

    say = screen.console()
    say.print()
    tally = counted(result)
    tones = {"BUY": f"bold {screen.GAIN}", "SELL": f"bold {screen.LOSS}", "HOLD": screen.SOFT}
    say.print(Text.assemble((f"After {iso(result.known)[:10]}   ", "bold"), *[(f"{count} {name}   ", tones[name]) for name, count in tally.items()]))
    whose = "your own" if result.own else "a paper account"
    sized = f"sized for {money(result.equity, result.currency, 0)} of {whose}"
    say.print(f"{label} · {', '.join(result.strategies)} · {sized}", style=screen.SOFT, soft_wrap=True)
    stale = [age for age in old if age.stale]
    if stale:
        say.print(Text(f"\n!! {warning(stale)}", style=f"bold {screen.LOSS}"))
    for failed in result.failures:
        say.print(Text(f"\n✗ {failed}", style=f"bold {screen.LOSS}"))
    if result.unknown:
        say.print(Text(f"\n! held, and not in the data: {', '.join(result.unknown)}; nothing is said of them", style=screen.LOSS))
    table = screen.table(padding=(0, 1))
    for head in ("Symbol", "Decision", ">Close", ">Holds", ">Wants", ">Trade", ">Worth", ">Share", "Why"):
        side = "right" if head.startswith(">") else "left"
        table.add_column(head.lstrip(">"), justify=side, no_wrap=head != "Why", overflow="fold", ratio=1 if head == "Why" else None)  # type: ignore[arg-type]
    for call in order(result.calls):
        gain = f" ({percent(call.gain_frac, 0, signed=True)})" if call.gain_frac is not None else ""
        why = Text("\n").join(Text(said(voice), style="" if voice.action != "HOLD" else screen.SOFT) for voice in call.voices)
        table.add_row(
            Text(call.symbol, style="bold"), Text(call.action, style=tones[call.action]), f"{number(call.price)}{gain}", size(call.held),
            size(call.wanted), size(call.trade) if call.trade else NONE, money(call.worth, result.currency, 0) if call.trade else NONE,
            percent(call.share_frac, 0), why,
        )  # fmt: skip
    say.print()
    say.print(table)
    for note in result.notes:
        say.print(note, style=screen.SOFT)
    say.print("What the strategies want on past prices: not advice; no order was sent.", style=screen.SOFT)
    if out is not None:
        say.print(Text.assemble(("report   ", screen.SOFT), (str(out), "bold")), soft_wrap=True)
