"""`argosy sweep`: one strategy with many parameters over the past; it counts every look, and sends no order anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from argosy.cli.options import Cash, Config, End, Every, Fixed, Json, Ledger, Start, Symbols, Where, Workers

if TYPE_CHECKING:
    import polars as pl

SHOWN = ("total_return", "sharpe", "max_drawdown", "trades", "win_rate", "exposure", "fees", "end_equity")
HEADS = ("Return", "Sharpe", "Max fall", "Trades", "Wins", "Exposure", "Fees", "End")


def sweep(
    strategy: Annotated[str, typer.Argument(help="A registered step strategy (see `argosy strategies`), or FILE.py:CLASS.")],
    symbols: Symbols = "",
    values: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", help="Values to try: fast=5..50:5 (first..last:step) or fast=5,10,20; repeat it.", metavar="NAME=VALUES"),
    ] = None,
    data: Where = "",
    every: Every = "",
    start: Start = "",
    end: End = "",
    param: Fixed = None,
    cash: Cash = None,
    by: Annotated[str, typer.Option("--by", help="What the best rows are the best in.", metavar="COLUMN")] = "sharpe",
    top: Annotated[int, typer.Option("--top", help="Rows to show; 0 is all.", metavar="N", min=0)] = 10,
    on: Annotated[str, typer.Option("--on", help="threads, processes, or ray: the cluster that RAY_ADDRESS names.", metavar="PLACE")] = "threads",
    workers: Workers = 0,
    save: Annotated[Path | None, typer.Option("--save", help="Also write every row, one Parquet file.", metavar="FILE")] = None,
    ledger: Ledger = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Try every combination of parameters on each instrument alone, and show the best.

    Each row is what `argosy backtest` says of it alone, to the last cent. The best of many looks good by chance: every trial is
    written down, so that later statistics know how many there were. Two parameters are drawn as a map, too.

    \b
      argosy sweep trend --symbols IBM --set fast=5..50:5 --set slow=20..200:10 --top 20
      argosy sweep trend --symbols IBM,GOOG --set fast=10,20 --set slow=50,100 -p short=true --by total_return
      argosy sweep mean_reversion --symbols IBM --set window=10..60:10 --set entry=1.5,2,2.5 --save rows.parquet
    """
    from time import time_ns

    from argosy.cli import prices, screen
    from argosy.cli.backtest import from_file, parameters, split
    from argosy.core.errors import Misuse
    from argosy.lab.sweep import TRIALS, count
    from argosy.lab.sweep import sweep as run
    from argosy.settings import load

    if by not in SHOWN:
        raise Misuse("SWEEP_BY", f"there is no column {by!r}", where="--by", fix=f"one of {', '.join(SHOWN)}")
    screen.writable(save, "--save")
    grid = axes(values or [])
    settings = load(config, {"account.cash": cash} if cash is not None else {}).settings
    source = data or prices.default(settings.data.catalog)
    found, label = prices.gather(source, split(symbols), start, end, every)
    plugin = from_file(strategy) if ".py:" in strategy else strategy
    ledger = ledger or TRIALS
    frame = run(
        plugin, found, grid, terms=settings.terms(), params=parameters(param or []), symbols=split(symbols), by=by, on=on, workers=workers,
        progress=not json, trials=ledger, at_ns=time_ns(),
    )  # fmt: skip
    if save is not None:
        frame.write_parquet(save)
    best = frame.filter(frame["refused"] == "")
    refused = frame.height - best.height
    rows = best.head(top) if top else best
    made = count(ledger)
    if json:
        head = {"strategy": strategy, "data": label, "by": by, "trials": frame.height, "trials_in_all": made, "refused": refused}
        screen.say_json(head | {"rows": rows.to_dicts()} | ({"saved": str(save)} if save else {}))
        return
    out = screen.console()
    out.print(f"{strategy} on {label}: the best {rows.height} of {frame.height} by {by}", style=screen.SOFT)
    out.print(_table(rows, list(grid), out.width))
    wide = [name for name in grid if frame[name].n_unique() > 1]
    if len(wide) == 2 and best.height:
        from argosy.cli.heat import heat

        across, down = sorted(wide, key=lambda name: -frame[name].n_unique())
        for line in ["", *heat(best, across, down, by, out.width, by in ("max_drawdown", "fees"))]:
            out.print(line, soft_wrap=True)
    if refused:
        codes = ", ".join(sorted(set(frame["refused"].to_list()) - {""}))
        out.print(f"\n{refused} of {frame.height} could not be told exactly and have no row: {codes}")
    out.print(f"\n{frame.height} trials made, {made} in all ({ledger}): the best of so many looks good by chance", soft_wrap=True)


def axes(given: list[str]) -> dict[str, list[Any]]:
    """["fast=5..50:5", "slow=20,50"] -> {"fast": [5, 10, ..., 50], "slow": ["20", "50"]}; the last of a range is in it.

    Misuse("SWEEP_SET") for what is neither.
    """
    from argosy.core.errors import Misuse

    out: dict[str, list[Any]] = {}
    for text in given:
        name, sign, said = text.partition("=")
        name = name.strip()
        if not sign or not name.isidentifier() or not said.strip() or name in out:
            raise Misuse("SWEEP_SET", f"{text!r} is not NAME=VALUES", where="--set", fix="write it like --set fast=5..50:5, each name once")
        out[name] = _range(text, said) if ".." in said or ":" in said else [part.strip() for part in said.split(",") if part.strip()]
    if not out:
        raise Misuse("SWEEP_SET", "there is nothing to try", where="--set", fix="write it like --set fast=5..50:5 --set slow=20..200:10")
    return out


def _range(text: str, said: str) -> list[Any]:
    """first..last or first..last:step (or with a colon for the dots), in exact decimals."""
    from decimal import Decimal, InvalidOperation

    from argosy.core.errors import Misuse

    try:
        first, last, *rest = [Decimal(part) for part in said.replace("..", ":").split(":")]
        step = rest[0] if rest else Decimal(1)
        fine = len(rest) < 2 and step > 0 and last >= first and all(value.is_finite() for value in (first, last, step))
    except (InvalidOperation, ValueError):
        fine = False
    if not fine:
        raise Misuse("SWEEP_SET", f"{text!r} is no range", where="--set", fix="write first..last:step, like fast=5..50:5")
    count = int((last - first) / step) + 1
    if count > 1_000_000:
        raise Misuse("SWEEP_SET", f"{text!r} has {count} values", where="--set", fix="take larger steps")
    values = [first + step * k for k in range(count)]
    return [int(value) if value == value.to_integral_value() else float(value) for value in values]


def _table(rows: pl.DataFrame, names: list[str], width: int) -> Any:
    from argosy.cli import screen
    from argosy.lab.words import number, percent

    shown = len(HEADS) if width >= 60 + 10 * len(names) + 30 else 5
    table = screen.table("Symbol", *(f" {head}" for head in (*names, *HEADS[:shown])))
    for row in rows.to_dicts():
        figures = (
            percent(row["total_return"], signed=True), number(row["sharpe"]), percent(row["max_drawdown"]), number(row["trades"], 0),
            percent(row["win_rate"], 0), percent(row["exposure"], 0), number(row["fees"], 0), number(row["end_equity"], 0),
        )  # fmt: skip
        chosen = (f"{row[name]:g}" if isinstance(row[name], float) else str(row[name]) for name in names)
        table.add_row(row["symbol"], *chosen, *figures[:shown])
    return table
