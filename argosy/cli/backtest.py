"""`argosy backtest`: one strategy over the past, with fees, slippage and the risk gate on; it sends no order anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from argosy.cli.options import Benchmark, Cash, Config, End, Every, Given, Json, Start, Symbols, Where

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from argosy.house import Data, Wanted
    from argosy.lab.backtest import Outcome
    from argosy.lab.orders import Asked
    from argosy.lab.result import Result
    from argosy.settings import Settings


def backtest(
    strategy: Annotated[
        str,
        typer.Argument(
            help="A registered strategy (see `argosy strategies`), a section [strategies.NAME], or FILE.py:CLASS."
        ),
    ],
    symbols: Symbols = "",
    data: Where = "",
    every: Every = "",
    start: Start = "",
    end: End = "",
    param: Given = None,
    benchmark: Benchmark = "",
    cash: Cash = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Also write the report, one HTML file.", metavar="FILE")
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(
            "--save", help="Also save the whole result in this folder (JSON and Parquet).", metavar="DIR"
        ),
    ] = None,
    trades: Annotated[bool, typer.Option("--trades", help="List the trades: what each earned, and why.")] = False,
    orders: Annotated[bool, typer.Option("--orders", help="List the orders: how each ended, and why it was wanted.")] = False,
    refusals: Annotated[
        bool, typer.Option("--refusals", help="List refused and trimmed orders, with the numbers compared.")
    ] = False,
    last: Annotated[int, typer.Option("--last", help="Rows of each list, from the end; 0 is all.", metavar="N", min=0)] = 20,
    json: Json = False,
    config: Config = None,
) -> None:
    """Run one strategy over the past and say how it did beside buying and holding.

    \b
      argosy backtest trend
      argosy backtest trend --symbols AAPL,MSFT -p fast=20 -p slow=100 --report trend.html
      argosy backtest mean_reversion --symbols IBM --trades --last 5
      argosy backtest above.py:Above --symbols IBM
      argosy backtest trend --data shelf --symbols IBM --benchmark QQQ
      argosy backtest covered_call --data shelf --symbols SPY
      argosy backtest mean_reversion --data prices.csv --start 2015-01-01 --cash 25000 --json
    """
    import msgspec

    from argosy.cli import prices, screen
    from argosy.lab.yardstick import yardstick
    from argosy.settings import load

    loaded = load(config, {"account.cash": cash} if cash is not None else {})
    wanted = want(strategy, loaded.settings, parameters(param or []), split(symbols))
    source = data or prices.default(loaded.settings.data.catalog)
    found, label = prices.gather(source, split(symbols) or wanted.symbols, start, end, every, **prices.wishes([wanted.plugin]))
    wanted = msgspec.structs.replace(wanted, symbols=prices.chosen(wanted.symbols, found))
    beside = prices.benchmark(source, benchmark, loaded.settings, found)
    screen.folder(save, "--save")
    rows = sum(len(tape) for tape in found[1])
    with screen.progress(strategy, rows, json) as show:
        result, asked = perform([wanted], found, loaded.settings, strategy, lambda done: show(done, ""), save)
    result.settings = result.settings | {"prices": label}
    if beside is not None and len(result.known):
        result.yardstick = yardstick(*beside, result.known, float(result.value[0]))
    if save is not None:
        from argosy.lab.orders import frame
        from argosy.lab.page import ground

        frame(asked).write_parquet(result.save(save) / "orders.parquet")
        ground.save(save, result, found)
    if report is not None:
        write_report([result], found, report, "", [asked])
    if json:
        from argosy.cli import lists

        screen.say_json(
            result.summary()
            | {"beside": screen.beside(result)}
            | ({"report": str(report)} if report else {})
            | ({"saved": str(save)} if save else {})
            | lists.plain(result, asked, last, trades=trades, orders=orders, refusals=refusals)
        )
    else:
        out = screen.console()
        out.print(screen.ground(result, label), style=screen.SOFT)
        screen.verdict(result, out)
        if result.hint:
            out.print(f"stepped in Python, not compiled: {result.hint}", style=screen.SOFT, soft_wrap=True)
        if trades or orders or refusals:
            from argosy.cli import lists

            lists.show(result, asked, last, out, trades=trades, orders=orders, refusals=refusals)
        for what, path in (("report", report), ("saved", save)):
            if path is not None:
                out.print(f"\n{what}   {path}", soft_wrap=True)
    if result.failures:
        raise typer.Exit(1)


def split(text: str) -> tuple[str, ...]:
    """ "A, B" -> ("A", "B")"""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def parameters(given: Sequence[str]) -> dict[str, Any]:
    """["fast=20"] -> {"fast": "20"}; texts become numbers where the strategy wants them. Misuse("PARAM_SHAPE")."""
    from argosy.core.errors import Misuse

    out: dict[str, Any] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name.strip().isidentifier():
            raise Misuse(
                "PARAM_SHAPE",
                f"{text!r} is not NAME=VALUE",
                where="--param",
                fix="write it like --param fast=20",
            )
        out[name.strip()] = _value(value.strip())
    return out


def _value(text: str) -> Any:
    """JSON for lists, tables and truth; every other text as it is, for the strategy's own types to read."""
    import msgspec

    if text[:1] in "{[" or text in ("true", "false"):
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return text
    return text


def want(name: str, settings: Settings, params: Mapping[str, Any], symbols: Sequence[str]) -> Wanted:
    """The strategy of that name in the settings, else the plugin of that name or a class in a file; flags beat settings."""
    from argosy.house import Wanted

    if ".py:" in name:
        cls = from_file(name)
        return Wanted(name=cls.__name__.lower(), plugin=cls, params=dict(params), symbols=tuple(symbols))
    entry = settings.strategies.get(name)
    if entry is None:
        return Wanted(name=name, plugin=name, params=dict(params), symbols=tuple(symbols))
    return Wanted(
        name=name, plugin=entry.plugin or name, params=entry.params | dict(params), symbols=tuple(symbols or entry.symbols),
        budget_frac=entry.budget_frac,
    )  # fmt: skip


def from_file(place: str) -> type:
    """The class of "path/to/file.py:Class"; Misuse("STRATEGY_FILE") when there is none or the file cannot be run."""
    from argosy.core import plugins

    return plugins.from_file(place)


def perform(
    wanted: Sequence[Wanted],
    data: Data,
    settings: Settings,
    name: str,
    progress: Callable[[int], None] | None = None,
    journal: Path | None = None,
    kept: list[Outcome] | None = None,
) -> tuple[Result, list[Asked]]:
    """Run and gather the result, and what became of each order; refusals are counted from the orders themselves.

    journal: a folder in which the journal is kept, for `argosy explain`; kept: a list to which the run itself is added
    """
    from collections import Counter

    from argosy.lab.backtest import run
    from argosy.lab.orders import REFUSED
    from argosy.lab.orders import orders as every
    from argosy.lab.verdict import gather

    outcome = run(wanted, data, settings.terms(), progress=progress)
    if kept is not None:
        kept.append(outcome)
    if journal is not None:
        from argosy.lab.why import keep

        keep(outcome, journal)
    fleet = {
        one.name: {"plugin": one.plugin.__qualname__ if isinstance(one.plugin, type) else one.plugin, "symbols": list(one.symbols)} | dict(one.params)
        for one in wanted
    }
    used = settings.plain() | {"strategies": fleet}
    result, asked = gather(outcome, name, settings=used), every(outcome)
    result.refusals = dict(Counter(row.code for row in asked if row.outcome == REFUSED))
    return result, asked


def write_report(
    results: Sequence[Result], data: Data, path: Path, title: str, asked: Sequence[Sequence[Asked]],
    passports: Mapping[int, Mapping[str, Any]] | None = None,
) -> None:  # fmt: skip
    """Write the report, with prices for the charts of trades, and plain passports by place of the result where there are some."""
    from argosy.lab import figures
    from argosy.lab.page.ground import reached
    from argosy.lab.report import write

    reaches = [reached(result, data) for result in results]
    prices = figures.prices(data[1], list(data[0]))
    write(list(results), path, prices=prices, asked=asked, reaches=reaches, passports=passports, title=title)
