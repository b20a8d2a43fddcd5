"""`argosy montecarlo`: shakes a result to see how much of it was luck; it sends no order anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from argosy.cli.options import Cash, Config, End, Every, Json, Ledger, Seed, Start, Symbols, Where, Workers

if TYPE_CHECKING:
    from argosy.lab.montecarlo import Fan, Monte


def montecarlo(
    target: Annotated[
        str,
        typer.Argument(
            help="A strategy (registered, or FILE.py:CLASS), or a folder saved with `argosy backtest --save`.", metavar="STRATEGY|FOLDER"
        ),
    ],
    symbols: Symbols = "",
    data: Where = "",
    every: Every = "",
    start: Start = "",
    end: End = "",
    param: Annotated[list[str] | None, typer.Option("--param", "-p", help="A parameter, like fast=20; repeat it.", metavar="NAME=VALUE")] = None,
    cash: Cash = None,
    only: Annotated[
        str, typer.Option("--only", help="Some of trades,returns,prices,costs,delays; all if left out.", metavar="KIND,KIND")
    ] = "",
    paths: Annotated[int, typer.Option("--paths", help="Paths drawn from trades and from returns.", metavar="N", min=1)] = 5_000,
    block: Annotated[
        float, typer.Option("--block", help="Mean days of a block of returns; 0 finds it (Politis-White).", metavar="DAYS", min=0.0)
    ] = 0.0,
    runs: Annotated[int, typer.Option("--runs", help="Re-runs on moved prices.", metavar="N", min=1)] = 200,
    noise: Annotated[float, typer.Option("--noise-bps", help="How far prices are moved.", metavar="BPS")] = 10.0,
    costs: Annotated[str, typer.Option("--costs", help="By what fees and slippage are multiplied.", metavar="K,K")] = "1,2,3",
    delay: Annotated[str, typer.Option("--delays", help="By how many bars wishes are late.", metavar="N,N")] = "0,1,2",
    falls: Annotated[str, typer.Option("--falls", help="Falls whose chance is told, in percent.", metavar="PCT,PCT")] = "10,20,30,50",
    seed: Seed = 1,
    workers: Workers = 0,
    ledger: Ledger = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Shake a result: draw its trades and its days again, move the prices a little, multiply the costs, be late.

    Trades are drawn one by one and added up; daily returns are drawn in blocks and compounded (stationary bootstrap), so that quiet and
    wild times stay together. On moved prices, at higher costs and with late orders the strategy is run again. A saved run has no strategy
    in it: of a folder only trades and returns can be drawn.

    \b
      argosy montecarlo trend --symbols IBM -p fast=10 -p slow=50
      argosy montecarlo trend --symbols IBM --only returns --paths 20000 --falls 15,25 --json
      argosy backtest trend --symbols IBM --save runs/trend && argosy montecarlo runs/trend
    """
    from time import time_ns

    from argosy.cli import screen
    from argosy.cli.backtest import parameters, split
    from argosy.cli.prices import chosen
    from argosy.cli.search import ground
    from argosy.core.errors import Misuse
    from argosy.lab.montecarlo import KINDS
    from argosy.lab.montecarlo import montecarlo as shake
    from argosy.lab.trials import TRIALS

    kinds = split(only) or KINDS
    deep = [fall / 100.0 for fall in _numbers(falls, "--falls")]
    if (Path(target) / "result.json").is_file():
        rest = [kind for kind in split(only) if kind not in ("trades", "returns")]
        if rest:
            what, fix = f"a saved run cannot be run again: {', '.join(rest)}", "name the strategy, or --only trades,returns"
            raise Misuse("MONTE_FOLDER", what, where=target, fix=fix)
        with screen.progress(f"montecarlo {target}", paths, json) as show:
            found, label = _saved(Path(target), kinds, paths, block, seed, deep, lambda kind, done, total: show(done * paths // total, kind))
        name = Path(target).name
    else:
        if Path(target).is_dir():
            raise Misuse("MONTE_FOLDER", f"{target} holds no saved run", where=target, fix="save one: argosy backtest trend --save DIR")
        plugin, prices, terms, label = ground(target, symbols, data, every, start, end, cash, config)
        name = target
        with screen.progress(f"montecarlo {target}", 1000, json) as show:
            found = shake(
                plugin, prices, parameters(param or []), terms=terms, symbols=chosen(split(symbols), prices),
                only=kinds, paths=paths, runs=runs, block=block,
                noise_bps=noise, costs=_numbers(costs, "--costs"), late=[int(bars) for bars in _numbers(delay, "--delays")], falls=deep, seed=seed,
                workers=workers, progress=lambda kind, done, total: show(round(1000 * done / max(1, total)), kind), ledger_at=ledger or TRIALS,
                at_ns=time_ns(),
            )  # fmt: skip
    if json:
        screen.say_json({"target": target, "data": label, "seed": seed} | _plain(found))
        return
    _show(found, name, label, seed)


def _numbers(text: str, where: str) -> list[float]:
    """ "1,2.5" -> [1.0, 2.5]; Misuse("MONTE_NUMBERS")."""
    from argosy.core.errors import Misuse

    try:
        found = [float(part) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise Misuse("MONTE_NUMBERS", f"{text!r} is no list of numbers", where=where, fix=f"write it like {where} 1,2,3") from error
    if not found or not all(0.0 <= value < float("inf") for value in found) or (where == "--delays" and any(value != int(value) for value in found)):
        raise Misuse("MONTE_NUMBERS", f"{text!r} is no list of numbers from 0 on", where=where, fix=f"write it like {where} 1,2,3")
    return found


def _saved(folder: Path, kinds: Any, paths: int, block: float, seed: int, falls: list[float], told: Any) -> tuple[Monte, str]:
    """The fans of a saved run, and what to call it."""
    import numpy as np
    import polars as pl

    from argosy.core.money import per_one
    from argosy.lab.montecarlo import Monte, resampled
    from argosy.lab.result import Result
    from argosy.lab.search.course import Course, curve_figures, trade_figures

    result = Result.load(folder)
    shut = result.trades.filter(~result.trades["open"]).sort("left", maintain_order=True)
    still = result.trades.filter(result.trades["open"])["pnl"].drop_nulls().to_list()
    equity = np.rint(result.grown * per_one(result.currency)).astype(np.int64)  # what came in on the way is no return
    course = Course(result.known, equity, np.asarray(shut["pnl"].to_list(), np.int64), 0, (), tuple(still))
    base = curve_figures(course.known, course.equity, result.currency) | trade_figures(course.pnl, result.currency)
    trades, returns = resampled(course, result.currency, kinds, paths, block, seed, falls, told)
    return Monte(base, trades, returns, None, pl.DataFrame(), "saved"), f"the run of {result.name}"


def _plain(found: Monte) -> dict[str, Any]:
    from argosy.cli.search import number
    from argosy.lab.montecarlo.fan import LEVELS

    names = [f"q{100 * level:02.0f}" for level in LEVELS]
    shaken = found.prices
    prices: dict[str, Any] | None = None
    if shaken is not None:
        quantiles = {name: dict(zip(names, map(number, values), strict=True)) for name, values in shaken.quantiles.items()}
        prices = {"runs": shaken.runs, "noise_bps": shaken.bps, "loss_prob": number(shaken.loss_prob), "refused": shaken.refused}
        prices["quantiles"] = quantiles
    return {
        "base": {name: number(value) for name, value in found.base.items()}, "lane": found.lane,
        "trades": found.trades.plain() if found.trades else None, "returns": found.returns.plain() if found.returns else None,
        "prices": prices, "stress": found.stress.to_dicts(),
    }  # fmt: skip


def _show(found: Monte, name: str, label: str, seed: int) -> None:
    from argosy.cli import screen
    from argosy.cli.search import figure
    from argosy.lab.words import percent

    show, own = screen.console(), found.base
    show.print(f"{name} on {label}, shaken (seed {seed})", style=screen.SOFT)
    show.print(
        f"as it was   return {figure('total_return', own['total_return'])}, Sharpe {figure('sharpe', own['sharpe'])}, "
        f"max fall {figure('max_drawdown', own['max_drawdown'])}, {figure('trades', own['trades'])} trades", style="bold", soft_wrap=True,
    )  # fmt: skip
    for fan in (found.trades, found.returns):
        if fan is not None:
            _show_fan(fan, own)
    if found.trades is None and found.returns is None and found.prices is None and not found.stress.height:
        show.print("\nThere was no trade and no change of equity to draw from.")
    if found.prices is not None:
        shaken = found.prices
        show.print(f"\nprices moved by {shaken.bps:g} bps   {shaken.runs} re-runs, {percent(shaken.loss_prob, 1)} of them lose")
        show.print(_quantiles({key: shaken.quantiles[key] for key in ("total_return", "sharpe", "max_drawdown", "trades")}))
        if shaken.refused:
            show.print(f"{shaken.refused} of them have no figures", style=screen.SOFT)
    if found.stress.height:
        show.print("\nthe same decisions under worse conditions")
        show.print(_stress(found))
        if found.stress.filter(found.stress["kind"] == "costs")["end_equity"].n_unique() == 1 and "costs" in found.stress["kind"].to_list():
            show.print("costs make no difference: the settings have neither fees nor slippage, or nothing was traded", style=screen.SOFT)


def _show_fan(fan: Fan, own: dict[str, float]) -> None:
    from argosy.cli import screen
    from argosy.lab.words import percent

    show = screen.console()
    what = f"in blocks of {fan.block:.1f} days" if fan.kind == "returns" else "one by one"
    show.print(f"\n{fan.kind} drawn again {what}   {fan.paths:,} paths of {fan.steps:,}; {percent(fan.loss_prob, 1)} end with a loss", soft_wrap=True)
    start = fan.start
    show.print(_quantiles({"total_return": [end / start - 1.0 for end in fan.ends.tolist()], "max_drawdown": fan.depths.tolist()}))
    width = max(10, min(show.width, 88) - 12)
    drawn = {level: fan.equity[fan.levels.index(level)].tolist() for level in (0.95, 0.5, 0.05)}
    low, high = min(map(min, drawn.values())), max(map(max, drawn.values()))
    for level, line in drawn.items():
        show.print(f"{100 * level:>4.0f} %   {_scaled(line, low, high, width)}", soft_wrap=True)
    chances = ", ".join(f"{percent(prob, 1)} fall {percent(fall, 0)}" for fall, prob in fan.fall_probs.items())
    show.print(f"at some time {chances} or deeper", soft_wrap=True)


def _scaled(values: list[float], low: float, high: float, width: int) -> str:
    """A line of blocks on a scale that several lines share."""
    blocks = "▁▂▃▄▅▆▇█"
    picks = [values[round(k * (len(values) - 1) / max(1, width - 1))] for k in range(width)]
    reach = high - low
    return "".join(blocks[min(7, int((pick - low) / reach * 8))] if reach > 0.0 else blocks[0] for pick in picks)


def _quantiles(rows: dict[str, list[float]]) -> Any:
    from argosy.cli import screen
    from argosy.cli.search import HEADS, figure
    from argosy.lab.montecarlo.fan import LEVELS

    table = screen.table()
    table.add_column("quantile", no_wrap=True, style=screen.SOFT)
    for level in LEVELS:
        table.add_column(f"{100 * level:.0f} %", justify="right", no_wrap=True)
    for name, values in rows.items():
        table.add_row(HEADS[name], *(figure(name, value) for value in values))
    return table


def _stress(found: Monte) -> Any:
    from argosy.cli import screen
    from argosy.cli.search import HEADS, figure

    names = ("total_return", "sharpe", "max_drawdown", "trades", "end_equity")
    table = screen.table("", *(f" {HEADS[name]}" for name in names))
    for row in found.stress.to_dicts():
        said = f"costs × {row['by']:g}" if row["kind"] == "costs" else f"{row['by']:g} bars late" if row["by"] != 1 else "1 bar late"
        table.add_row(said, *(figure(name, row[name]) for name in names), *([row["refused"]] if row["refused"] else []))
    return table
