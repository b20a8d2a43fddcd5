"""`argosy new`: a strategy of one's own to begin with, its test, and the line that makes it known; it overwrites nothing."""

from __future__ import annotations

import re
from keyword import iskeyword
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from argosy.cli.options import Json

app = typer.Typer(no_args_is_help=True, help="Begin something of your own.", rich_markup_mode=None)

STEP = Template(
    '''"""$title: long while the fast average is above the slow one, with a stop below; write here what yours does."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from argosy.core.strategy import ABSENT, Out
from argosy.kernels.indicators import atr, ema


class Params(msgspec.Struct, frozen=True):
    """What may be set: `-p fast=20`, or `fast = 20` in argosy.toml. A value out of bounds is refused before anything runs."""

    fast: Annotated[int, Meta(ge=2, le=500, description="bars of the fast average")] = 10
    slow: Annotated[int, Meta(ge=3, le=1000, description="bars of the slow average")] = 40
    room: Annotated[float, Meta(gt=0.0, le=20.0, description="distance of the stop, in average ranges")] = 3.0
    weight: Annotated[float, Meta(gt=0.0, le=1.0, description="fraction of the allotment to hold")] = 1.0


class State(msgspec.Struct):
    """All that it remembers from bar to bar; it survives a restart. Every field has a default."""

    inside: float = 0.0


class $cls:
    """One bar in, four numbers out (target, limit, stop, take), which stand until they are changed."""

    params = Params
    state = State
    needs = staticmethod(lambda p: {"fast": ema(p.fast), "slow": ema(p.slow), "range": atr(14)})

    @staticmethod
    def step(row: Any, needs: Any, state: State, params: Params, out: Out) -> None:
        """row: open high low close volume of the bar that just ended; needs: the indicators named above, nan while they warm up."""
        if not (needs.fast > 0.0 and needs.slow > 0.0 and needs.range > 0.0):
            return  # an indicator is still nan
        if state.inside > 0.0:
            if row.low <= out.stop or needs.fast < needs.slow:  # the venue closed it at the stop, or the trend is over
                state.inside = 0.0
                out.target = 0.0
                out.stop = ABSENT
        elif needs.fast > needs.slow and row.close > params.room * needs.range:
            state.inside = 1.0
            out.target = params.weight
            out.stop = row.close - params.room * needs.range

    @staticmethod
    def explain(needs: Any, state: State, params: Params, out: Out) -> str:
        """Why: what `--trades`, `argosy explain` and `argosy daily` will tell you later."""
        sign = ">" if needs.fast > needs.slow else "<"
        return f"$name: fast {needs.fast:.6g} {sign} slow {needs.slow:.6g}"
'''
)

CLASS = Template(
    '''"""$title: buys far below the average and sells when it is back; write here what yours does."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from argosy.core.events import Bar
from argosy.core.intents import Protection, Target
from argosy.core.protocols import Book
from argosy.core.strategy import Watch
from argosy.kernels.indicators import zscore


class Params(msgspec.Struct, frozen=True):
    """What may be set: `-p window=30`, or `window = 30` in argosy.toml. A value out of bounds is refused before anything runs."""

    window: Annotated[int, Meta(ge=5, le=500, description="bars of the average")] = 20
    enter: Annotated[float, Meta(ge=0.5, le=5.0, description="deviations below the average to buy at")] = 1.5
    weight: Annotated[float, Meta(gt=0.0, le=1.0, description="fraction of the budget to hold of one instrument")] = 0.2
    stop_frac: Annotated[float, Meta(gt=0.0, lt=1.0, description="fall from the entry at which to get out, as a fraction")] = 0.1


class $cls:
    """Handlers on a plain class: each returns what it wants (a Target, several, or None for no change), never an order."""

    params = Params
    watches = (Watch("*", "bar"),)
    needs = staticmethod(lambda p: {"z": zscore(p.window)})

    def __init__(self, params: Params) -> None:
        self.params = params

    def on_bar(self, bar: Bar, book: Book) -> Target | None:
        """bar: the one that just ended; book: this strategy's own positions, marks, cash and indicators."""
        z = book.needs(bar.instrument).z
        if z < -self.params.enter and book.lots(bar.instrument) == 0:
            stop = Protection(stop=bar.close * (1.0 - self.params.stop_frac))
            why = f"$name: {-z:.1f} deviations below its average"
            return Target(bar.instrument, weight=self.params.weight, protection=stop, why=why)
        if z > 0.0:  # also after a stop, so that the next fall is a new wish; the same wish again changes nothing
            return Target(bar.instrument, lots=0, why="$name: back at its average")
        return None
'''
)

TEST = Template(
    '''"""$title keeps the laws of strategies, and does what its first line says on rows made by hand."""

from pathlib import Path

from argosy.core.plugins import from_file
from argosy.testing.strategy_kit import $kit

$cls = from_file(f"{Path(__file__).parents[1] / 'strategies' / '$name.py'}:$cls")


class Test$cls($kit):
    """The whole suite: no look into the future, the same twice, nothing lost in a restart, no split is a signal."""

    strategy = $cls
    given = $given  # parameters with which it trades within the suite's 600 bars
$more'''
)

STEP_MORE = '''

def test_it_enters_above_the_slow_average_with_its_stop():
    from types import SimpleNamespace

    from argosy.core.strategy import Out

    params, state, out = {cls}.params(room=2.0, weight=0.5), {cls}.state(), Out()
    row = SimpleNamespace(open=100.0, high=101.0, low=99.0, close=100.0, volume=1e6)
    {cls}.step(row, SimpleNamespace(fast=101.0, slow=99.0, range=2.0), state, params, out)
    assert (out.target, out.stop) == (0.5, 96.0)  # 100 less two ranges of 2
    {cls}.step(row, SimpleNamespace(fast=98.0, slow=99.0, range=2.0), state, params, out)
    assert out.target == 0.0
'''

STYLES = {"step": (STEP, "StepKit", '{"fast": 5, "slow": 20}', STEP_MORE), "class": (CLASS, "StrategyKit", '{"window": 10}', "")}


@app.callback()
def begin() -> None:
    """Begin something of your own: argosy new strategy my_idea."""


@app.command("strategy")
def strategy(
    name: Annotated[str, typer.Argument(help="Its name: small letters, digits and _, like my_idea.", metavar="NAME")],
    style: Annotated[str, typer.Option("--style", help="step: one bar in, four numbers out, compiled; class: handlers, orders, anything.")] = "step",
    folder: Annotated[Path, typer.Option("--folder", help="Where; this folder if left out.", metavar="DIR")] = Path(),
    json: Json = False,
) -> None:
    """Write a strategy, its test and its section in argosy.toml, ready to run; it refuses to overwrite anything.

    \b
      argosy new strategy my_idea
      argosy new strategy dips --style class
      pytest tests/test_my_idea.py
      argosy backtest my_idea --symbols IBM
    """
    from argosy.cli import screen
    from argosy.core.errors import Misuse

    if style not in STYLES:
        raise Misuse("NEW_STYLE", f"{style!r} is not a style", where="--style", fix="use step or class")
    _named(name)
    cls = "".join(part.capitalize() for part in name.split("_"))
    title = name.replace("_", " ").capitalize()
    code, kit, given, more = STYLES[style]
    files = {
        folder / "strategies" / f"{name}.py": code.substitute(title=title, cls=cls, name=name),
        folder / "tests" / f"test_{name}.py": TEST.substitute(title=title, cls=cls, name=name, kit=kit, given=given, more=more.format(cls=cls)),
    }
    for path in files:
        if path.exists():
            raise Misuse("NEW_EXISTS", f"{path} is there already", where=str(path), fix="take another name, or move that file away first")
    toml = folder / "argosy.toml"
    settings = _section(toml, name, f"strategies/{name}.py:{cls}")
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        toml.write_text(settings, encoding="utf-8")
    except OSError as error:
        what = f"it cannot be written: {error.strerror or error}"
        raise Misuse("NEW_FOLDER", what, where=str(folder), fix="name a folder of yours: --folder DIR") from error
    made = [str(path) for path in (*files, toml)]
    there = "" if folder == Path() else f"cd {folder} && "
    steps = [f"{there}pytest tests/test_{name}.py", f"{there}argosy backtest {name} --symbols IBM --trades", f"{there}argosy config check"]
    if json:
        screen.say_json({"name": name, "style": style, "class": cls, "files": made, "next": steps})
        return
    for place in made:
        typer.echo(f"{'wrote' if place != str(toml) else 'added to'}  {place}")
    typer.echo("\nnext\n  " + "\n  ".join(steps))


def _named(name: str) -> None:
    """Misuse("NEW_NAME") for what cannot be a name of a strategy."""
    from argosy.core import plugins
    from argosy.core.errors import Misuse

    if not re.fullmatch(r"[a-z][a-z0-9_]{1,40}", name) or iskeyword(name) or name.endswith("_") or "__" in name:
        raise Misuse("NEW_NAME", f"{name!r} cannot be the name of a strategy", where="NAME", fix="use small letters, digits and _, like my_idea")
    if name in plugins.found("argosy.strategies"):
        raise Misuse("NEW_NAME", f"{name!r} is registered already", where="NAME", fix="take another name; see: argosy strategies")


def _section(toml: Path, name: str, plugin: str) -> str:
    """The settings file with a section for the strategy. Misuse: NEW_EXISTS, NEW_SETTINGS (the file cannot be read)."""
    import tomllib

    from argosy.core.errors import Misuse

    text = ""
    if toml.exists():
        try:
            text = toml.read_text(encoding="utf-8")
            found = tomllib.loads(text)
        except (OSError, ValueError) as error:
            raise Misuse("NEW_SETTINGS", f"{toml} cannot be read: {error}", where=str(toml), fix="mend it: argosy config check") from error
        if name in found.get("strategies", {}):
            raise Misuse("NEW_EXISTS", f"{toml} has a section [strategies.{name}] already", where=str(toml), fix="take another name")
    gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    return f'{text}{gap}[strategies.{name}]\nplugin = "{plugin}"  # its parameters go below: weight = 0.5\n'
