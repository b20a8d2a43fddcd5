"""`argosy passport`: whether a backtest deserves to be believed, as a signed page; it chooses among what you name and sends no order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from argosy.cli.options import PLACE, Cash, Config, End, Every, Fixed, Json, Ledger, Start, Symbols

if TYPE_CHECKING:
    from argosy.lab.passport import Passport

TONES = {"pass": "#3fa37a", "warn": "#d99a2b", "fail": "#d2564c", "none": "bright_black"}
VERDICTS = {"PASS": "pass", "WEAK": "warn", "FAIL": "fail"}
SIGNS = {"pass": "✓", "warn": "!", "fail": "✗", "none": "·"}


def passport(
    strategy: Annotated[
        str, typer.Argument(help="A registered strategy, a section [strategies.NAME], or FILE.py:CLASS; or a word: `verify`, `key`.")
    ],
    file: Annotated[Path | None, typer.Argument(help="After `verify`: the passport to check, .html or .json.", metavar="[FILE]")] = None,
    symbols: Symbols = "",
    grid: Annotated[
        list[str] | None,
        typer.Option("--grid", "--set", "-s", help="Values to choose from: fast=5:50:5 (first:last:step) or fast=5,10,20; repeat it.",
                     metavar="NAME=VALUES"),
    ] = None,
    data: Annotated[str, typer.Option("--data", "--prices", help=PLACE, metavar="PATH")] = "",
    every: Every = "",
    start: Start = "",
    end: End = "",
    param: Fixed = None,
    cash: Cash = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the signed passport: a page, or .json.", metavar="FILE")] = None,
    key: Annotated[
        list[str] | None, typer.Option("--key", help="After `verify`: a public key of someone else that you trust; repeat it.", metavar="KEY")
    ] = None,
    ledger: Ledger = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Ask of a strategy everything that a careful owner would, and sign the answers.

    Trials counted, deflated Sharpe, overfitting by choosing, look-ahead, costs twice as high, fills one bar later, neighbouring
    parameters, two ways through the past, room for more money. PASS, WEAK or FAIL, with reasons. With --grid the best choice is examined
    and every choice is counted. A verdict of FAIL ends with exit status 1.

    \b
      argosy passport trend --symbols IBM --grid fast=5:50:5 --grid slow=60:200:20 --out trend.html
      argosy passport mean_reversion -p window=20 --json
      argosy passport my_idea.py:MyIdea --prices prices.csv --out idea.html
      argosy passport verify trend.html
      argosy passport key                          the public key of this machine, for those who should trust it
    """
    from argosy.core.errors import Misuse

    if strategy == "key" and file is None:
        _key(json)
        return
    if key and strategy != "verify":
        raise Misuse("PASSPORT_TRUST", "a key is for checking a passport", where="--key", fix="argosy passport verify FILE --key KEY")
    if strategy == "verify":
        if file is None:
            raise Misuse("PASSPORT_FILE", "there is no passport to check", where="FILE", fix="argosy passport verify trend.html")
        _verify(file, key or [], data, ledger, json, config)
        return
    if file is not None:
        raise Misuse("PASSPORT_FILE", f"{str(file)!r} is one word too many", where="FILE", fix="the page is named with --out")
    _issue(strategy, symbols, grid or [], data, every, start, end, param or [], cash, out, ledger, json, config)


def _issue(
    strategy: str, symbols: str, grid: list[str], data: str, every: str, start: str, end: str, param: list[str], cash: float | None,
    out: Path | None, ledger: Path | None, json: bool, config: Path | None,
) -> None:  # fmt: skip
    from argosy.cli import prices, screen
    from argosy.cli.backtest import parameters, split, want
    from argosy.cli.sweep import axes
    from argosy.lab.passport import issue, write
    from argosy.lab.trials import TRIALS
    from argosy.settings import load

    screen.writable(out, "--out")
    settings = load(config, {"account.cash": cash} if cash is not None else {}).settings
    choices = axes(grid) if grid else {}
    wanted = want(strategy, settings, parameters(param), split(symbols))
    source = data or prices.default(settings.data.catalog)
    found, label = prices.gather(source, split(symbols) or wanted.symbols, start, end, every, **prices.wishes([wanted.plugin]))
    where = {"strategy": strategy, "data": source, "symbols": list(split(symbols) or wanted.symbols), "every": every, "start": start, "end": end}
    with screen.progress(f"passport of {strategy}", 1000, json) as show:
        made = issue(
            wanted.plugin, found, params=wanted.params, grid=choices, terms=settings.terms(), symbols=prices.chosen(wanted.symbols, found),
            trials=ledger or TRIALS,
            told=lambda what, part: show(int(part * 1000), what), source=where,
        )  # fmt: skip
    if out is not None:
        write(made, out)
    if json:
        from argosy.lab.passport.paper import plain

        screen.say_json(plain(made) | ({"out": str(out)} if out else {}))
    else:
        _show(made, label, out)
    if made.verdict == "FAIL":
        raise typer.Exit(1)


def _show(made: Passport, label: str, path: Path | None) -> None:
    from rich.text import Text

    from argosy.cli import screen
    from argosy.lab.passport.check import WORDS

    out = screen.console()
    tone = TONES[VERDICTS[made.verdict]]
    out.print()
    out.print(Text.assemble((f" {made.verdict} ", f"bold reverse {tone}"), "  ", (made.name, "bold"), f"   {WORDS[made.verdict]}"), soft_wrap=True)
    chosen = ", ".join(f"{name} {value}" for name, value in made.params.items())
    ground = f"{label} · {', '.join(made.symbols[:8])} · {made.period[0]} to {made.period[1]} · {made.rows:,} rows"
    out.print(ground, style=screen.SOFT, soft_wrap=True)
    if chosen:
        out.print(f"{'chosen' if made.grid else 'with'} {chosen}", style=screen.SOFT, soft_wrap=True)
    out.print()
    table = screen.table("", "", show_header=False)
    table.add_column("", overflow="fold", max_width=max(40, min(out.width, 140) - 32))
    for one in made.checks:
        colour = TONES[one.status]
        table.add_row(Text(SIGNS[one.status], style=f"bold {colour}"), Text(one.title, style="" if one.status == "pass" else colour), one.said)
    out.print(table)
    if path is not None:
        out.print(Text.assemble("\npassport   ", (str(path), "bold"), f"   (signed; argosy passport verify {path})"), soft_wrap=True)


def _key(json: bool) -> None:
    """Say the public key of this machine."""
    from argosy.cli import screen
    from argosy.lab.passport.seal import public

    by, _, name = public().partition(" ")
    if json:
        screen.say_json({"by": by, "key": name})
    else:
        screen.console().print(f"{by} {name}", soft_wrap=True)


def _verify(file: Path, keys: list[str], data: str, trials: Path | None, json: bool, config: Path | None) -> None:
    from rich.text import Text

    from argosy.cli import screen
    from argosy.lab.passport import compared, read

    made, findings = read(file, keys)
    code, names, count = _now(made, data, trials, config)
    findings += compared(made, code, names, count)
    good = all(one.good is not False for one in findings) and any(one.name == "signature" and one.good for one in findings)
    if json:
        rows = [{"name": one.name, "good": one.good, "said": one.said} for one in findings]
        screen.say_json({"file": str(file), "holds": good, "verdict": made.verdict, "name": made.name, "made": made.made, "findings": rows})
    else:
        out = screen.console()
        head = ("it holds", f"bold {TONES['pass']}") if good else ("it does not hold", f"bold {TONES['fail']}")
        out.print(Text.assemble((f"{made.name}: {made.verdict}", "bold"), f"   made {made.made}   ", head))
        for one in findings:
            status = "none" if one.good is None else "pass" if one.good else "fail"
            out.print(Text.assemble((f"{SIGNS[status]}  ", f"bold {TONES[status]}"), one.said), soft_wrap=True)
    if not good:
        raise typer.Exit(1)


def _now(made: Passport, data: str, trials: Path | None, config: Path | None) -> tuple[str | None, dict[str, str] | None, int | None]:
    """Hash of the code, hashes of the prices, and trials, as they are now; None for what is not found here."""
    from argosy.cli import prices
    from argosy.cli.backtest import want
    from argosy.core import plugins
    from argosy.core.errors import ArgosyError
    from argosy.lab import trials as ledger
    from argosy.lab.looks import code_key, looks
    from argosy.settings import load

    source: dict[str, Any] = made.source
    code: str | None = None
    names: dict[str, str] | None = None
    count: int | None = None
    try:
        plugin = want(str(source.get("strategy", "")), load(config, {}).settings, {}, ()).plugin
        code = code_key(plugin if isinstance(plugin, type) else plugins.load("argosy.strategies", plugin))
    except ArgosyError:
        pass
    try:
        place = data or str(source.get("data", ""))
        found, _ = prices.gather(place, source.get("symbols", ()), source.get("start", ""), source.get("end", ""), source.get("every", ""))
        seen = looks([found[0][symbol] for symbol in made.symbols], found[1])
        names = {symbol: look.data for symbol, look in seen.items()}
        count = ledger.tried(seen, trials or ledger.TRIALS, made.code).looks
    except ArgosyError:
        pass
    return code, names, count
