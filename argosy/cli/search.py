"""`argosy search`: the best parameters of a strategy by a figure, under rules; it counts every look, and sends no order anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from argosy.cli.options import (
    Cash,
    Config,
    End,
    Every,
    Fixed,
    Json,
    Ledger,
    Seed,
    Start,
    Symbols,
    Where,
    Workers,
)

if TYPE_CHECKING:
    from argosy.house import Data, Terms
    from argosy.lab.search import Found

Strategy = Annotated[str, typer.Argument(help="A registered strategy (see `argosy strategies`), or FILE.py:CLASS.")]
Vary = Annotated[
    list[str] | None,
    typer.Option(
        "--set", "-s", metavar="NAME=VALUES",
        help="What to vary: fast=5..50:5 (first..last:step), x=0.5..3 (any number between), x=0.01..1:log, fast=5,10,20; repeat it. "
        "Left out: every parameter within its own bounds.",
    ),
]  # fmt: skip
Method = Annotated[str, typer.Option("--method", help="grid, random, tpe or cmaes (the latter two need Optuna).", metavar="NAME")]
Trials = Annotated[int, typer.Option("--trials", help="Points to try; of a grid the most.", metavar="N", min=1)]
Goal = Annotated[
    str, typer.Option("--objective", help="The figure to search by: any of docs/statistics.md, like sharpe, calmar, omega, cvar, profit_factor, "
        "alpha, or end_equity; min: or max: before it turns it round.", metavar="FIGURE")
]
Rules = Annotated[
    list[str] | None,
    typer.Option("--constraint", "-c", help='What must hold, like "trades>=30", "max_drawdown<=20%", "fast<slow"; repeat it.', metavar="RULE"),
]
Together = Annotated[bool, typer.Option("--together", help="All instruments in one account, through the engine; else each alone.")]


def search(
    strategy: Strategy,
    symbols: Symbols = "",
    values: Vary = None,
    data: Where = "",
    every: Every = "",
    start: Start = "",
    end: End = "",
    param: Fixed = None,
    cash: Cash = None,
    method: Method = "random",
    trials: Trials = 100,
    objective: Goal = "sharpe",
    constraint: Rules = None,
    seed: Seed = 1,
    prune: Annotated[bool, typer.Option("--prune", help="tpe, cmaes: give up early what lags behind the median.")] = False,
    together: Together = False,
    storage: Annotated[
        str, typer.Option("--storage", help="Keep what was tried in this file (tpe, cmaes: or at a database's URL).", metavar="FILE")
    ] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Take up the search that the storage holds.")] = False,
    top: Annotated[int, typer.Option("--top", help="Rows to show; 0 is all.", metavar="N", min=0)] = 10,
    save: Annotated[Path | None, typer.Option("--save", help="Also write every trial, one Parquet file.", metavar="FILE")] = None,
    svg: Annotated[Path | None, typer.Option("--svg", help="Also draw the map of two parameters, one SVG file.", metavar="FILE")] = None,
    workers: Workers = 0,
    ledger: Ledger = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Look for the best parameters of a strategy, and say whether they stand on a plateau or on a needle.

    The best of many looks good by chance. So every trial is written down, one step to each side of the best is tried too, and what you
    should ask next is `argosy walkforward`. The same seed gives the same answer, with any number of workers, stopped and resumed or not.

    \b
      argosy search trend --symbols IBM --set fast=5..50:5 --set slow=20..200:10 --method grid --trials 1000
      argosy search trend --symbols IBM -s fast=5..50 -s slow=20..200 -s stop_atr=0..5 -c "fast<slow" -c "trades>=30" --trials 300
      argosy search mean_reversion --symbols IBM --method tpe --objective calmar -c "max_drawdown<=20%" --storage mr.jsonl
      argosy search mean_reversion --symbols IBM --method tpe --objective calmar -c "max_drawdown<=20%" --storage mr.jsonl \\
          --resume --trials 400
    """
    from time import time_ns

    from argosy.cli import screen
    from argosy.cli.prices import chosen
    from argosy.lab.search import search as run
    from argosy.lab.trials import TRIALS

    screen.writable(save, "--save")
    screen.writable(svg, "--svg")
    plugin, found, terms, label = ground(strategy, symbols, data, every, start, end, cash, config)
    from argosy.cli.backtest import parameters, split

    with screen.progress(f"search {strategy}", trials, json) as show:
        out = run(
            plugin, found, varied(values or []), terms=terms, params=parameters(param or []), symbols=chosen(split(symbols), found), method=method,
            trials=trials,
            objective=objective, constraints=constraint or [], seed=seed, prune=prune, together=together, storage=storage or None, resume=resume,
            workers=workers, progress=lambda done, total: show(round(done * trials / max(1, total)), ""), ledger_at=ledger or TRIALS, at_ns=time_ns(),
        )  # fmt: skip
    if save is not None:
        out.frame.write_parquet(save)
    drawn = _draw(out, svg)
    if json:
        screen.say_json(plain(out, strategy, label, seed, top) | ({"saved": str(save)} if save else {}) | ({"svg": str(svg)} if drawn else {}))
        return
    _show(out, strategy, label, seed, top)
    if drawn:
        screen.console().print(f"\nmap   {svg}", soft_wrap=True)
    _counted(out.runs, ledger or TRIALS)


def ground(
    strategy: str, symbols: str, data: str, every: str, start: str, end: str, cash: float | None, config: Path | None
) -> tuple[str | type, Data, Terms, str]:
    """The strategy, its prices, the terms of the settings, and what to call the prices."""
    from argosy.cli import prices
    from argosy.cli.backtest import from_file, split
    from argosy.settings import load

    settings = load(config, {"account.cash": cash} if cash is not None else {}).settings
    source = data or prices.default(settings.data.catalog)
    plugin = from_file(strategy) if ".py:" in strategy else strategy
    found, label = prices.gather(source, split(symbols), start, end, every, **prices.wishes([plugin]))
    return plugin, found, settings.terms(), label


def varied(given: list[str]) -> dict[str, str]:
    """["fast=5..50:5"] -> {"fast": "5..50:5"}; Misuse("SEARCH_SPACE")."""
    from argosy.core.errors import Misuse

    out: dict[str, str] = {}
    for text in given:
        name, sign, said = text.partition("=")
        name = name.strip()
        if not sign or not name.isidentifier() or not said.strip() or name in out:
            raise Misuse("SEARCH_SPACE", f"{text!r} is not NAME=VALUES", where="--set", fix="write it like --set fast=5..50:5, each name once")
        out[name] = said.strip()
    return out


def plain(out: Found, strategy: str, label: str, seed: int, top: int) -> dict[str, Any]:
    """What a machine asks for."""
    rows = _best(out)
    around = out.around
    return {
        "strategy": strategy, "data": label, "method": out.method, "lane": out.lane, "seed": seed, "objective": out.objective.text,
        "constraints": [rule.text for rule in out.rules], "space": out.space.plain(), "trials": out.frame.height, "runs": out.runs,
        "feasible": int(out.frame["feasible"].sum()), "states": dict(sorted(out.frame["state"].value_counts().rows())),
        "best": out.best, "value": number(out.value), "figures": {name: number(value) for name, value in out.figures.items()},
        "plateau": number(around.plateau) if around else None,
        "sensitivity": [
            {"parameter": row.name, "side": row.side, "value": row.value, "figure": number(row.figure), "change": number(row.change),
             "feasible": row.feasible, "rank": row.rank or None}
            for row in (around.rows if around else ())
        ],
        "importance": {name: number(weight) for name, weight in out.weights.items()},
        "rows": (rows.head(top) if top else rows).to_dicts(),
    }  # fmt: skip


def number(value: float) -> float | None:
    """A float as JSON can say it."""
    return value if value - value == 0.0 else None


def _best(out: Found) -> Any:
    goal = out.objective
    if goal.name not in out.frame.columns:
        return out.frame.clear()
    rows = out.frame.filter(out.frame["feasible"])
    return rows.sort(goal.name, descending=goal.sign > 0, nulls_last=True, maintain_order=True)


def _draw(out: Found, svg: Path | None) -> bool:
    from argosy.lab.search import picture

    pair = picture.two(out) if svg is not None else None
    if svg is None or pair is None:
        return False
    svg.write_text(picture.svg(out, *pair), encoding="utf-8")
    return True


def _counted(runs: int, ledger: Path) -> None:
    from argosy.cli import screen
    from argosy.lab.trials import count

    made = count(ledger)
    screen.console().print(f"\n{runs} trials run, {made} in all ({ledger}): the best of so many looks good by chance", soft_wrap=True)


def _show(out: Found, strategy: str, label: str, seed: int, top: int) -> None:
    from argosy.cli import screen
    from argosy.cli.heat import heat
    from argosy.lab.search import picture

    show, goal = screen.console(), out.objective
    rows = _best(out)
    where = "compiled, each instrument alone" if out.lane == "sweep" else "through the engine, one account"
    shown = min(rows.height, top or rows.height)
    head = f"{strategy} on {label}: the best {shown} of {out.frame.height} by {goal.text} ({out.method}, seed {seed}, {where})"
    show.print(head, style=screen.SOFT)
    for code, count in sorted(out.frame.filter(out.frame["refused"] != "")["refused"].value_counts().rows()):
        show.print(f"{count} had no figures: {code}", style=screen.SOFT)
    if out.best is None:
        held = ", ".join(rule.text for rule in out.rules) or "no rule"
        show.print(f"\nNo trial has a {goal.name} and keeps the rules ({held}). Loosen a rule, or vary more widely.", soft_wrap=True)
        return
    show.print(_table(rows.head(top) if top else rows, out, show.width))
    said = "  ".join(f"{name}={_value(value)}" for name, value in out.best.items())
    show.print(f"\nbest   {said}   {goal.name} {figure(goal.name, out.value)}", style="bold", soft_wrap=True)
    if out.around is not None and out.around.rows:
        show.print(_around(out))
        show.print(_plateau(out.around.plateau), soft_wrap=True)
    pair = picture.two(out)
    if pair is not None:
        for line in ["", *heat(picture.fields(out, *pair), *pair, goal.name, show.width, goal.sign < 0)]:
            show.print(line, soft_wrap=True)


def _plateau(share: float) -> str:
    from argosy.lab.words import percent

    if share != share:
        return "plateau –   the best does not lead the median trial"
    word = "a plateau" if share >= 0.7 else "a slope" if share >= 0.35 else "a needle: trust it less"
    return f"plateau {percent(share, 0)}   so much of the lead over the median trial is left one step away: {word}"


def _table(rows: Any, out: Found, width: int) -> Any:
    from argosy.cli import screen

    names, goal = out.space.names, out.objective.name
    figures = [name for name in (goal, "total_return", "sharpe", "max_drawdown", "trades", "win_rate", "fees") if name in rows.columns]
    figures = list(dict.fromkeys(figures))[: max(1, (width - 8 - 10 * len(names)) // 10)]
    table = screen.table(*(f" {head}" for head in ("#", *names, *map(titled, figures))))
    for row in rows.to_dicts():
        table.add_row(str(row["number"]), *(_value(row[name]) for name in names), *(figure(name, row[name]) for name in figures))
    return table


HEADS = {
    "total_return": "Return", "cagr": "A year", "volatility": "Vol", "sharpe": "Sharpe", "sortino": "Sortino", "calmar": "Calmar",
    "max_drawdown": "Max fall", "trades": "Trades", "win_rate": "Wins", "profit_factor": "Factor", "expectancy": "A trade", "fees": "Fees",
    "exposure": "Exposure", "traded": "Traded", "end_equity": "End",
}  # fmt: skip


def figure(name: str, value: float | None) -> str:
    """A figure as people read it, in its unit."""
    from argosy.lab.statistics.catalogue import NAMES
    from argosy.lab.words import number as said
    from argosy.lab.words import percent

    if name in NAMES and NAMES[name].unit == "frac":
        return percent(value, signed=name in ("total_return", "cagr", "alpha", "excess_return"))
    whole = name in ("fees", "traded", "end_equity") or (name in NAMES and NAMES[name].unit in ("count", "days"))
    return said(value, 0 if whole else 2)


def titled(name: str) -> str:
    """What a figure is called over a column."""
    return HEADS.get(name) or name.replace("_", " ")


def _around(out: Found) -> Any:
    """One step to each side of the best."""

    from argosy.cli import screen
    from argosy.lab.words import percent

    goal = out.objective.name
    table = screen.table("One step away", " below", f" {goal}", " rank", " best", " above", f" {goal}", " rank", " explains")
    sides = {(row.name, row.side): row for row in (out.around.rows if out.around else ())}
    for name, best in (out.best or {}).items():
        cells = []
        for side in (-1, 1):
            row = sides.get((name, side))
            fine = row is not None and row.feasible
            told = (figure(goal, row.figure), str(row.rank)) if row is not None and fine else ("–", "–")
            cells += [_value(row.value) if row is not None else "–", *told]
        weight = out.weights.get(name, float("nan"))
        table.add_row(name, *cells[:3], _value(best), *cells[3:], percent(weight, 0))
    return table


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)
