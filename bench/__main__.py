"""`python -m bench`: measures, prints a table and keeps the figures; it fails when a gated figure does."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.figure import HERE, Figure, broken, budgets

GROUPS = (
    "walk", "sweep", "instruments", "orders", "ticks", "calls", "reference", "parts", "statistics", "passport", "report", "indicators",
    "options", "peers", "shell", "wire", "exchange", "desk", "sockets", "journal", "kill", "ambiguous",
)  # fmt: skip
"""Files of figures, in the order in which they run."""
LATEST = HERE / "latest.json"
HISTORY = HERE / "history.jsonl"
MARKS = {None: "[yellow]not measured[/]", True: "[green]ok[/]", False: "[red]no[/]"}


def main(arguments: list[str] | None = None) -> int:
    """Run the wanted groups; 1 when a gated figure fails, 2 for a name that no figure has."""
    asked = _parser().parse_args(arguments)
    names = [*GROUPS, *budgets()]
    for name in asked.only:
        if name not in names:
            print(f"no figure is called {name!r}; there are: {', '.join(names)}", file=sys.stderr)
            return 2
    progress = Console(stderr=True, highlight=False)
    measured: list[Figure] = []
    for group in GROUPS:
        if not asked.only or any(name.split(".")[0] == group for name in asked.only):
            wanted = {name for name in budgets() if _under(name, group) and (not asked.only or any(_under(name, one) for one in asked.only))}
            measured.extend(one for one in _group(group, wanted, asked.quick, progress) if one.name in wanted)
    if asked.json:
        print(json.dumps([one.row() for one in measured], indent=1))
    else:
        _show(measured)
    if not asked.quick:
        _keep(measured)
    return 1 if any(one.fails for one in measured) else 0


def _under(name: str, wanted: str) -> bool:
    return name == wanted or name.startswith(wanted + ".")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="How fast the house is, where its results are right.")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="a group or a figure; may be given again")
    parser.add_argument("--quick", action="store_true", help="smaller runs, for a look; keeps nothing")
    parser.add_argument("--json", action="store_true", help="print the list of figures instead of the table")
    return parser


def _group(name: str, wanted: set[str], quick: bool, progress: Console) -> Iterator[Figure]:
    """The figures of one group as they come, with a line of progress each, until all that are wanted are there."""
    begun = time.monotonic()
    left = [one for one in budgets() if one in wanted]
    with progress.status(f"{name} ...") as status:
        try:
            figures: Callable[[bool], Iterator[Figure]] = import_module(f"bench.{name}").figures
            for one in figures(quick):
                if one.name in left:
                    left.remove(one.name)
                progress.print(f"  {one.name:<28} {_value(one.value):>12} {one.unit:<10} {time.monotonic() - begun:6.0f} s")
                status.update(f"{name}: after {one.name} ...")
                yield one
                if not left:
                    break
        except Exception as error:  # noqa: BLE001  (what is measured may break in any way; the other groups are still measured)
            progress.print_exception()
            for missing in left:
                yield broken(missing, f"{type(error).__name__}: {error}")


def _value(value: float | None) -> str:
    if value is None:
        return "-"
    if abs(value) >= 1e6:
        return f"{value / 1e6:,.2f} M"
    if abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def _table(figures: list[Figure]) -> Table:
    """All figures, one a line."""
    table = Table(title="Argosy bench", title_justify="left", header_style="bold", pad_edge=False)
    for head, justify in (("figure", "left"), ("value", "right"), ("unit", "left"), ("budget", "right"), ("peer", "left"),
                          ("peer value", "right"), ("ratio", "right"), ("", "left")):  # fmt: skip
        table.add_column(head, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    group = ""
    for one in figures:
        if group and one.name.split(".")[0] != group:
            table.add_section()
        group = one.name.split(".")[0]
        budget = budgets()[one.name]
        sign = "" if budget.bound is None else "≥ " if budget.at_least is not None else "≤ "
        bound = f"{sign}{_value(budget.bound)}{' gate' if budget.gate else ''}" if sign else ""
        ratio = f"{one.ratio:.3g} ×" if one.ratio is not None else ""
        peer = _value(one.peer_value) if one.peer_value is not None else ""
        table.add_row(one.name, _value(one.value), one.unit, bound, one.peer, peer, ratio, MARKS[one.ok])
    return table


def _show(figures: list[Figure]) -> None:
    """The table, and beneath it what is short, wrong or not measured, and how each figure was checked."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    console.print(_table(figures))
    console.print("Absolute figures are of a noisy machine and never gated; gates are paired ratios, counts and right results.")
    for title, chosen in (
        ("Short, wrong or not measured", [one for one in figures if one.ok is not True]),
        ("Checked", [one for one in figures if one.ok is True and one.note]),
    ):
        if chosen:
            console.print(f"\n[bold]{title}[/]")
            for one in chosen:
                console.print(f"  {one.name}: {one.note or 'beyond its budget'}", markup=False)


def _keep(figures: list[Figure], latest: Path = LATEST, history: Path = HISTORY) -> None:
    """Lay the figures over those in latest.json, in the order of the budgets, and add a line to the history."""
    rows = {row["name"]: row for row in json.loads(latest.read_text())} if latest.exists() else {}
    rows |= {one.name: one.row() for one in figures}
    kept = [rows[name] for name in budgets() if name in rows]
    latest.write_text(json.dumps(kept, indent=1) + "\n")
    line = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "figures": {one.name: one.row()["value"] for one in figures}}
    with history.open("a") as file:
        file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    sys.exit(main())
