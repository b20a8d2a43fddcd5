"""`argosy strategies`: which strategies are registered, what they do and what they may be set to."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from argosy.cli.options import Json


def strategies(
    name: Annotated[str, typer.Argument(help="Show only this one.")] = "",
    json: Json = False,
) -> None:
    """List the strategies, each in one line, with its parameters, their defaults and bounds.

    \b
      argosy strategies
      argosy strategies trend --json
    """
    from argosy.cli import screen
    from argosy.core import plugins
    from argosy.core.errors import Misuse

    found = plugins.found("argosy.strategies")
    if name and name not in found:
        plugins.load("argosy.strategies", name)
    rows = []
    for key, point in found.items():
        if name in ("", key):
            try:
                rows.append(describe(key, plugins.load("argosy.strategies", key)))
            except Misuse as error:
                rows.append(
                    {"name": key, "class": point.value, "about": f"broken: {error.what}", "params": []}
                )
    if json:
        screen.say_json(rows)
        return
    _show(rows)


def describe(name: str, cls: type) -> dict[str, Any]:
    """What there is to know of a strategy class: name, class, about (its first line), params."""
    import inspect
    import sys

    from argosy.cli.explain import fields

    module = inspect.getdoc(sys.modules[cls.__module__]) or ""
    about = (module or inspect.getdoc(cls) or "").strip().split("\n")[0].split(";")[0].rstrip(".")
    shape = getattr(cls, "params", None)
    params = [fact.plain() for fact in fields(shape)] if shape is not None else []
    return {"name": name, "class": f"{cls.__module__}:{cls.__qualname__}", "about": about, "params": params}


def _show(rows: list[dict[str, Any]]) -> None:
    from rich.padding import Padding
    from rich.text import Text

    from argosy.cli import screen

    out = screen.console()
    for row in rows:
        out.print()
        out.print(Text.assemble((row["name"], f"bold {screen.GAIN}"), "  ", row["about"]))
        if not row["params"]:
            continue
        table = screen.table()
        for label in ("param", "type", "default", "bounds", "what it is"):
            table.add_column(
                label,
                style="bold" if label == "param" else "" if label == "what it is" else screen.SOFT,
                overflow="fold",
            )
        for param in row["params"]:
            table.add_row(*(Text(str(param[key])) for key in ("key", "type", "default", "bounds", "about")))
        out.print(Padding(table, (0, 0, 0, 2)))
    if not rows:
        out.print("No strategy is registered.")
    else:
        out.print(f"\nRun one: argosy backtest {rows[0]['name']}", style=screen.SOFT)
