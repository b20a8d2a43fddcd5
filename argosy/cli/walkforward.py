"""`argosy walkforward`: searches in one part of the past, is judged on the next, over and over; it sends no order anywhere."""

from __future__ import annotations

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
from argosy.cli.search import Goal, Method, Rules, Strategy, Together, Vary

if TYPE_CHECKING:
    from argosy.lab.walkforward import Crossed, Walk


def walkforward(
    strategy: Strategy,
    symbols: Symbols = "",
    values: Vary = None,
    data: Where = "",
    every: Every = "",
    start: Start = "",
    end: End = "",
    param: Fixed = None,
    cash: Cash = None,
    windows: Annotated[int, typer.Option("--windows", help="How many parts are judged, one after the other.", metavar="N", min=1)] = 5,
    rolling: Annotated[bool, typer.Option("--rolling", help="Learn from as much each time; else from the first day on.")] = False,
    train: Annotated[float, typer.Option("--train", help="Part of the past before the first judged one.", metavar="FRAC")] = 0.5,
    cpcv: Annotated[
        str, typer.Option("--cpcv", help="Instead: combinatorial purged cross-validation, groups,judged like 6,2.", metavar="N,K")
    ] = "",
    horizon: Annotated[
        str, typer.Option("--horizon", help="How long a decision matters, like 5d: purged before a judged part.", metavar="SPAN")
    ] = "",
    embargo: Annotated[str, typer.Option("--embargo", help="More room around a judged part, like 2d.", metavar="SPAN")] = "",
    method: Method = "random",
    trials: Annotated[int, typer.Option("--trials", help="Points to try in each window.", metavar="N", min=1)] = 50,
    objective: Goal = "sharpe",
    constraint: Rules = None,
    seed: Seed = 1,
    together: Together = False,
    workers: Workers = 0,
    ledger: Ledger = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Ask whether what a search finds lasts: judge its best where it never looked.

    Each window's best trades the time after it, with the cash that the window before left; what it holds at its end is sold. Indicators
    know the past, the strategy begins fresh. With --cpcv every part of the past is judged many times, on several whole paths.

    \b
      argosy walkforward trend --symbols IBM --set fast=5..50:5 --set slow=20..200:10 -c "fast<slow"
      argosy walkforward trend --symbols IBM --set fast=5..50:5 --set slow=20..200:10 --windows 8 --rolling --method tpe
      argosy walkforward mean_reversion --symbols IBM --set window=10..60:10 --set entry=1..3:0.5 --cpcv 6,2 --horizon 40d --embargo 5d
    """
    from time import time_ns

    from argosy.cli import screen
    from argosy.cli.backtest import parameters, split
    from argosy.cli.prices import chosen as bound
    from argosy.cli.search import ground, varied
    from argosy.core.time import span
    from argosy.lab.trials import TRIALS
    from argosy.lab.walkforward import cross, walk

    groups = _groups(cpcv) if cpcv else (0, 0)
    apart = {"horizon_ns": span(horizon) if horizon else 0, "embargo_ns": span(embargo) if embargo else 0}
    plugin, found, terms, label = ground(strategy, symbols, data, every, start, end, cash, config)
    ledger = ledger or TRIALS
    with screen.progress(f"walkforward {strategy}", 1000, json) as show:
        every_one: dict[str, Any] = {
            "terms": terms, "params": parameters(param or []), "symbols": bound(split(symbols), found), "method": method, "trials": trials,
            "objective": objective,
            "constraints": constraint or [], "seed": seed, "together": together, "workers": workers, "ledger_at": ledger, "at_ns": time_ns(),
            "progress": lambda done, total: show(round(1000 * done / max(1, total)), ""),
        } | apart  # fmt: skip
        chosen = varied(values or [])
        crossed = cross(plugin, found, chosen, groups=groups[0], judged=groups[1], **every_one) if cpcv else None
        walked = None if cpcv else walk(plugin, found, chosen, windows=windows, rolls=rolling, train_frac=train, **every_one)
    head = {"strategy": strategy, "data": label, "method": method, "seed": seed, "objective": objective}
    if walked is not None:
        screen.say_json(head | _plain(walked)) if json else _show(walked, strategy, label)
    if crossed is not None:
        screen.say_json(head | _plain_paths(crossed)) if json else _show_paths(crossed, strategy, label)
    if not json:
        from argosy.lab.trials import count

        made = walked.trials if walked is not None else crossed.trials if crossed is not None else 0
        screen.console().print(f"\n{made} different trials, {count(ledger)} in all ({ledger})", style=screen.SOFT, soft_wrap=True)


def _groups(text: str) -> tuple[int, int]:
    """ "6,2" -> (6, 2); Misuse("CPCV")."""
    from argosy.core.errors import Misuse

    parts = text.split(",")
    if len(parts) != 2 or not all(part.strip().isdigit() for part in parts):
        raise Misuse("CPCV", f"{text!r} is not GROUPS,JUDGED", where="--cpcv", fix="write it like --cpcv 6,2")
    return int(parts[0]), int(parts[1])


def _plain(walked: Walk) -> dict[str, Any]:
    from argosy.cli.search import number
    from argosy.core.time import iso

    return {
        "lane": walked.lane, "trials": walked.trials, "efficiency": number(walked.efficiency), "kept": number(walked.kept),
        "figures": {name: number(value) for name, value in walked.figures.items()},
        "drift": {name: number(value) for name, value in walked.drift.items()},
        "windows": [
            {
                "number": stage.number, "train": [iso(stage.train.start), iso(stage.train.end)], "test": [iso(stage.test.start), iso(stage.test.end)],
                "best": stage.best, "inside": {name: number(value) for name, value in stage.inside.items()},
                "outside": {name: number(value) for name, value in stage.outside.items()}, "start_units": stage.start, "end_units": stage.end,
            }
            for stage in walked.stages
        ],
    }  # fmt: skip


def _plain_paths(crossed: Crossed) -> dict[str, Any]:
    from argosy.cli.search import number

    return {
        "lane": crossed.lane, "trials": crossed.trials, "sharpes": {name: number(value) for name, value in crossed.sharpes.items()},
        "losing_frac": crossed.losing_frac, "splits": crossed.splits.to_dicts(), "paths": crossed.paths.to_dicts(),
    }  # fmt: skip


def _show(walked: Walk, strategy: str, label: str) -> None:
    from rich.text import Text

    from argosy.cli import screen
    from argosy.cli.search import HEADS, _value, figure, titled
    from argosy.core.time import iso
    from argosy.lab.words import percent

    show, goal = screen.console(), walked.objective.name
    where = "compiled" if walked.lane == "sweep" else "through the engine"
    head = f"{strategy} on {label}: {len(walked.stages)} windows searched by {walked.objective.text}, each judged after ({where})"
    show.print(head, style=screen.SOFT)
    table = screen.table()
    wide = show.width >= 70 + 9 * len(walked.space.names)
    for name in ("Learned from", "Judged from") if wide else ("Judged",):
        table.add_column(name, no_wrap=True)
    said, figures = titled(goal), ("total_return", "max_drawdown", "trades") if wide else ("total_return",)
    for name in (*walked.space.names, f"{said} in", f"{said} out", *(HEADS[name] for name in figures)):
        table.add_column(name, justify="right", no_wrap=True)
    for stage in walked.stages:
        chosen = [_value(stage.best[name]) if stage.best else "–" for name in walked.space.names]
        here = [figure(name, stage.outside.get(name)) for name in (goal, *figures)]
        days = [iso(stage.train.start)[:10]] * wide + [iso(stage.test.start)[:10]]
        table.add_row(*days, *chosen, figure(goal, stage.inside.get(goal)), *here)
    show.print(table)
    if any(stage.best is None for stage in walked.stages):
        show.print("– : nothing kept the rules there, so nothing was traded after it", style=screen.SOFT)
    own = walked.figures
    drawn = screen.sparkline(walked.value.tolist(), max(10, min(show.width, 88) - 12))
    show.print(Text.assemble(("\njudged     ", screen.SOFT), (drawn, screen.GAIN)))
    line = "  ".join(f"{HEADS[name].lower()} {figure(name, own[name])}" for name in ("total_return", "cagr", "sharpe", "max_drawdown", "trades"))
    show.print(f"           {line}", soft_wrap=True)
    show.print(f"efficiency {percent(walked.efficiency, 0)} of the growth a year that the searches showed; {percent(walked.kept, 0)} of their {goal}")
    drift = "  ".join(f"{name} {percent(value, 0)}" for name, value in walked.drift.items())
    show.print(f"drift      {drift} of its range from window to window", soft_wrap=True)


def _show_paths(crossed: Crossed, strategy: str, label: str) -> None:
    from argosy.cli import screen
    from argosy.cli.search import HEADS, figure
    from argosy.lab.words import number, percent

    show = screen.console()
    show.print(
        f"{strategy} on {label}: {crossed.splits.height} splits searched by {crossed.objective.text}, put together to {crossed.paths.height} paths",
        style=screen.SOFT,
    )
    names = ("total_return", "cagr", "sharpe", "sortino", "max_drawdown", "end_equity")
    table = screen.table(" Path", *(f" {HEADS[name]}" for name in names), " ")
    for row, curve in zip(crossed.paths.to_dicts(), crossed.equity, strict=True):
        table.add_row(str(row["path"]), *(figure(name, row[name]) for name in names), screen.sparkline(curve.tolist(), 24))
    show.print(table)
    own = crossed.sharpes
    show.print(
        f"\nSharpe of the paths   mean {number(own['mean'])}, deviation {number(own['deviation'])}, "
        f"5 % {number(own['q05'])}, median {number(own['q50'])}, 95 % {number(own['q95'])}; {percent(crossed.losing_frac, 0)} of them lose",
        soft_wrap=True,
    )
