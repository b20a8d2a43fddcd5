"""`argosy explain`: why a saved run made a trade, from the bar it saw to what it earned; it reads the journal and runs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from argosy.cli.options import Json

if TYPE_CHECKING:
    from argosy.lab.result import Result
    from argosy.lab.why import Chapter, Kept, Step, Way


def explain(
    run: Annotated[Path, typer.Argument(help="A folder that `argosy backtest ... --save DIR` wrote.", metavar="RUN")],
    trade: Annotated[str, typer.Argument(help="Number of the trade, from 1, or `last`; the trades are listed if left out.", metavar="TRADE")] = "",
    order: Annotated[int, typer.Option("--order", help="Explain an order by its number instead, a refused one too.", metavar="NUMBER", min=0)] = 0,
    last: Annotated[int, typer.Option("--last", help="How many trades to list, from the end; 0 is all.", metavar="N", min=0)] = 20,
    json: Json = False,
) -> None:
    """Say why a trade was made: the bar, the wish and its reason, the allocator, the gate, the order, the fills, the money.

    \b
      argosy backtest trend --symbols IBM --save run
      argosy explain run                list the trades with their numbers
      argosy explain run 3              the third trade
      argosy explain run last --json
      argosy explain run --order 1234   one order, refused ones too
    """
    from argosy.cli import screen
    from argosy.core.errors import Misuse
    from argosy.lab.result import Result
    from argosy.lab.why import load, of_order, of_trade

    if not run.is_dir():
        raise Misuse("EXPLAIN_RUN", f"there is no folder {str(run)!r}", where="RUN", fix="write one: argosy backtest trend --symbols IBM --save run")
    result = Result.load(run)
    if not trade and not order:
        _list(result, run, last, json)
        return
    kept = load(run)
    _same(kept, result, run)
    if order:
        chapter = of_order(kept, result.currency, order)
        if json:
            screen.say_json(chapter)
        else:
            tree(chapter.title, [chapter], [], None)
        return
    found = of_trade(kept, result, _place(trade, result.trades.height))
    if json:
        screen.say_json(found)
    else:
        _show(found)


def _place(text: str, count: int) -> int:
    from argosy.core.errors import Misuse

    if text == "last":
        return count - 1
    if not text.isdigit() or not int(text):
        fix = f"a number from 1 to {count}, or last" if count else "the run never traded"
        raise Misuse("EXPLAIN_TRADE", f"{text!r} is not the number of a trade", where="TRADE", fix=fix)
    return int(text) - 1


def _same(kept: Kept, result: Result, run: Path) -> None:
    """Misuse("EXPLAIN_MIXED") when journal and result are of different runs."""
    from argosy.core.errors import Misuse

    journal = result.hashes.get("journal", "")
    if journal and journal != kept.head.chain:
        raise Misuse("EXPLAIN_MIXED", "the journal in this folder is of another run than the result", where=str(run), fix="save the run again")


def _list(result: Result, run: Path, last: int, json: bool) -> None:
    from argosy.cli import screen
    from argosy.core.money import per_one
    from argosy.core.time import iso
    from argosy.lab.words import money, percent

    one = per_one(result.currency)
    first = max(0, result.trades.height - last) if last else 0
    rows = list(enumerate(result.trades.iter_rows(named=True), 1))[first:]
    if json:
        screen.say_json([{"trade": k} | row | {key: None if row[key] is None else row[key] / one for key in ("pnl", "fees")} for k, row in rows])
        return
    out = screen.console()
    if not rows:
        out.print(f"{result.name} never traded.")
        return
    from rich.text import Text

    table = screen.table()
    for head in ("trade", "strategy", "symbol", "side", "entered", "left", "P&L", "return", "why"):
        right = head in ("trade", "P&L", "return")
        table.add_column(head, justify="right" if right else "left", no_wrap=head != "why", overflow="ellipsis" if head == "why" else "fold")
    for k, row in rows:
        pnl = None if row["pnl"] is None else row["pnl"] / one
        tone = "" if not pnl else screen.GAIN if pnl > 0 else screen.LOSS
        why = " → ".join(text for text in (row["why_in"], row["why_out"]) if text)
        table.add_row(
            str(k), row["strategy"], row["symbol"], "long" if row["side"] > 0 else "short", iso(row["entered"])[:10],
            "open" if row["open"] else iso(row["left"])[:10], Text(money(pnl, result.currency, 0, signed=True), style=tone),
            Text(percent(row["return_frac"], signed=True), style=tone), Text(why, style=screen.SOFT),
        )  # fmt: skip
    out.print(table)
    out.print(f"{len(rows)} of {result.trades.height} trades; why one was made: argosy explain {run} {rows[-1][0]}", style=screen.SOFT)


def _show(way: Way) -> None:
    tree(way.title, way.chapters, way.refused, way.result)


_MARKS = {"bar": "saw", "intent": "wanted", "house": "house", "allocator": "allocated", "verdict": "gate", "order": "order", "venue": "venue",
          "fill": "fill", "action": "meanwhile", "result": "earned"}  # fmt: skip


def tree(title: str, chapters: list[Chapter], meanwhile: list[Step], result: Step | None) -> None:
    """Draw a way as a tree on the terminal."""
    from rich.text import Text
    from rich.tree import Tree

    from argosy.cli import screen

    tree = Tree(Text(title, style="bold"), guide_style=screen.SOFT)
    for chapter in chapters:
        if chapter.title == title:
            branch: Any = tree
        else:
            branch = tree.add(Text(chapter.title, style=f"bold {screen.GAIN}"))
        for step in chapter.steps:
            branch.add(_line(step))
    if meanwhile:
        branch = tree.add(Text("meanwhile", style="bold"))
        for step in meanwhile[:20]:
            branch.add(_line(step))
        if len(meanwhile) > 20:
            branch.add(Text(f"and {len(meanwhile) - 20} more: --json lists all", style=screen.SOFT))
    if result is not None:
        tree.add(_line(result))
    screen.console().print(tree)


def _line(step: Step) -> Any:
    from rich.text import Text

    from argosy.cli import screen
    from argosy.core.time import iso

    tone = ""
    if step.what == "result":
        pnl = step.facts.get("pnl") or 0.0
        tone = f"bold {screen.GAIN if pnl > 0 else screen.LOSS if pnl < 0 else ''}".strip()
    when = iso(step.known)[:16].replace("T", " ")
    return Text.assemble((f"{_MARKS[step.what]:<10}", "bold"), (f"{when:<17}", screen.SOFT), (step.text, tone))
