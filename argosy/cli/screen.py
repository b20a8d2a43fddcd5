"""How results look in a terminal: a table side by side, a verdict, a line of equity; colours blue and orange, never alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from argosy.core.money import per_one
from argosy.lab import words
from argosy.lab.result import Result
from argosy.lab.words import money, number, percent

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from argosy.lab.passport import Passport

GAIN, LOSS, SOFT = "#4aa3e0", "#e08a3c", "bright_black"
_BLOCKS = "▁▂▃▄▅▆▇█"


def console() -> Console:
    """Where answers go: stdout."""
    from rich.console import Console

    return Console(highlight=False, markup=False)


def table(*columns: str, **more: Any) -> Table:
    """An empty table as all of ours look. columns: what stands above; one that begins with a space is of figures, and stands right."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, header_style=SOFT, pad_edge=False, show_edge=False, **more)
    for name in columns:
        made.add_column(name.strip(), justify="right" if name.startswith(" ") else "left", no_wrap=True)
    return made


def say_json(value: Any) -> None:
    """One JSON document on stdout."""
    import msgspec

    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def writable(path: Path | None, option: str) -> None:
    """Before anything runs: whether a file may be written there; Misuse("WRITE_PATH")."""
    import os

    from argosy.core.errors import Misuse

    if path is None:
        return
    folder = path.parent
    what = "is a folder" if path.is_dir() else f"cannot be written: there is no folder {folder}" if not folder.is_dir() else ""
    if not what and not os.access(path if path.exists() else folder, os.W_OK):
        what = "may not be written"
    if what:
        raise Misuse("WRITE_PATH", f"{path} {what}", where=option, fix="name a file in a folder of yours")


def folder(path: Path | None, option: str) -> None:
    """Before anything runs: make a folder that is to be written into; Misuse("WRITE_PATH") where that cannot be."""
    import os

    from argosy.core.errors import Misuse

    if path is None:
        return
    try:
        path.mkdir(parents=True, exist_ok=True)
        what = "" if os.access(path, os.W_OK) else "nothing may be written into it"
    except FileExistsError:
        what = "it is a file"
    except OSError as error:
        what = error.strerror or "it cannot be made"
    if what:
        raise Misuse("WRITE_PATH", f"{path} cannot be the folder: {what}", where=option, fix="name a folder of yours")


def sparkline(values: Sequence[float], width: int) -> str:
    """The course of values in `width` blocks, lowest to highest."""
    if len(values) < 2 or width < 2:
        return ""
    picks = [float(values[round(k * (len(values) - 1) / (width - 1))]) for k in range(width)]
    low, high = min(picks), max(picks)
    if not high > low:
        return _BLOCKS[0] * width
    return "".join(_BLOCKS[min(7, int((pick - low) / (high - low) * 8))] for pick in picks)


def _tone(value: float | None) -> str:
    return "" if value is None or value != value or not value else GAIN if value > 0 else LOSS


def _rank(result: Result) -> float:
    value = result.stats.get("total_return", float("nan"))
    return value if value == value else float("-inf")


def comparison(results: Sequence[Result], width: int, passports: Mapping[str, Passport] | None = None) -> Table:
    """Strategies by return, best first, with buying and holding beside; with passports, the verdict on each."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    wide, narrow = width >= 112, width < 98
    table = Table(
        box=box.SIMPLE_HEAD, header_style=SOFT, pad_edge=False, padding=0 if narrow else (0, 1), show_edge=False,
        collapse_padding=narrow,
    )  # fmt: skip
    table.add_column("Strategy", no_wrap=True)
    if wide:
        table.add_column("Equity", no_wrap=True)
    short = narrow and passports is not None  # growth a year makes room for the verdict
    for head in (
        "Return", *(() if short else ("CAGR",)), "Vol", "Sharpe", "Fall" if narrow else "Max fall", "Trades", "Wins", "Fees",
        ("Ref." if passports else "Refus.") if narrow else "Refused",
    ):  # fmt: skip
        table.add_column(head, justify="right", no_wrap=True)
    if passports:
        table.add_column("Test" if narrow else "Tested", no_wrap=True)
    for result in sorted(results, key=_rank, reverse=True):
        stats = result.stats
        name = Text(result.name, style="bold")
        if result.failures:
            name.append(" stopped", style=f"bold {LOSS}")
        refused = sum(result.refusals.values())
        table.add_row(
            name, *((Text(sparkline(result.grown.tolist(), 16), style=GAIN),) if wide else ()), *_figures(stats, short),
            number(stats.get("trades"), 0), percent(stats.get("win_rate"), 0), money(stats.get("fees"), result.currency, 0),
            Text(number(refused, 0), style="" if refused else SOFT), *([_tested(passports, result.name)] if passports else []),
        )  # fmt: skip
    table.add_section()
    seen = set()
    for result in results:
        if (held := repr(result.benchmark_stats)) not in seen:
            seen.add(held)
            line = (Text(sparkline(result.benchmark.tolist(), 16), style=SOFT),) if wide else ()
            table.add_row(
                Text("holding all", style="italic"),
                *line,
                *_figures(result.benchmark_stats, short),
                *[Text(words.NONE, style=SOFT)] * 4,
            )
    return table


TESTED = {"PASS": f"bold {GAIN}", "WEAK": "bold", "FAIL": f"bold {LOSS}"}
"""How a verdict is written; its word says it, never the colour alone."""


def _tested(passports: Mapping[str, Passport], name: str) -> Text:
    from rich.text import Text

    made = passports.get(name)
    return Text(words.NONE if made is None else made.verdict, style=SOFT if made is None else TESTED[made.verdict])


def why(passports: Mapping[str, Passport], out: Console) -> None:
    """What stands behind each verdict, a line a strategy: how likely it is more than luck, and what else was not good."""
    from rich.table import Table

    table = Table(box=None, header_style=SOFT, pad_edge=False)
    for head in ("", "Tested", "Not luck", "Also weak"):
        table.add_column(head, no_wrap=head != "Also weak", justify="right" if head == "Not luck" else "left")
    for name, made in passports.items():
        luck = made.check("deflated_sharpe").numbers.get("deflated_sharpe")
        weak = [one.title.lower() for one in made.checks if one.status in ("warn", "fail") and one.name != "deflated_sharpe"]
        table.add_row(name, _tested(passports, name), percent(luck), ", ".join(weak))
    trials = max((made.trials for made in passports.values()), default=0)
    out.print(f"Tested: could it be luck, after {trials} tries on these prices?", style=SOFT)
    out.print(table)


def _figures(stats: dict[str, float], short: bool = False) -> list[Any]:
    from rich.text import Text

    total = stats.get("total_return")
    return [
        Text(percent(total, signed=True), style=f"bold {_tone(total)}".strip()),
        *(() if short else (Text(percent(stats.get("cagr"), signed=True), style=_tone(stats.get("cagr"))),)),
        percent(stats.get("volatility")), number(stats.get("sharpe")), percent(stats.get("max_drawdown")),
    ]  # fmt: skip


def verdict(result: Result, out: Console) -> None:
    """One result in full: headline, story, cautions, numbers beside those of holding, refusals."""
    from rich import box
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    own, held = result.stats, result.benchmark_stats
    out.print()
    out.print(Text(words.headline(result), style="bold"))
    out.print(Padding(Text(words.story(result), style=SOFT), (0, 0, 0, 0)), width=min(out.width, 88))
    out.print()
    line = max(10, min(out.width, 88) - 12)
    out.print(Text.assemble(("equity   ", SOFT), (sparkline(result.grown.tolist(), line), GAIN)))
    out.print(Text.assemble(("holding  ", SOFT), (sparkline(result.benchmark.tolist(), line), SOFT)))
    out.print()
    table = Table(box=box.SIMPLE_HEAD, header_style=SOFT, pad_edge=False, show_edge=False)
    table.add_column("", no_wrap=True, style=SOFT)
    for head in (result.name, "holding"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("", justify="right", no_wrap=True)
    left = (
        (
            "return",
            percent(own.get("total_return"), signed=True),
            percent(held.get("total_return"), signed=True),
        ),
        ("a year", percent(own.get("cagr"), signed=True), percent(held.get("cagr"), signed=True)),
        ("volatility", percent(own.get("volatility")), percent(held.get("volatility"))),
        ("Sharpe", number(own.get("sharpe")), number(held.get("sharpe"))),
        ("Sortino", number(own.get("sortino")), number(held.get("sortino"))),
        ("deepest fall", percent(own.get("max_drawdown")), percent(held.get("max_drawdown"))),
    )
    right = (
        ("trades closed", number(own.get("trades"), 0)),
        ("won", percent(own.get("win_rate"), 0)),
        ("profit factor", number(own.get("profit_factor"))),
        ("time in the market", percent(own.get("exposure"), 0)),
        ("turnover a year", f"{number(own.get('turnover'), 1)} ×"),
        ("fees", money(own.get("fees"), result.currency)),
    )
    for (name, mine, other), (label, value) in zip(left, right, strict=True):
        table.add_row(
            name, Text(mine, style="bold"), Text(other, style=SOFT), Text(f"   {label}", style=SOFT), value
        )
    out.print(table)
    beneath = Table(box=None, header_style=SOFT, pad_edge=False, padding=(0, 2, 0, 0))
    for head in ("beside", *(name.replace("_", " ") for name in BESIDE)):
        beneath.add_column(head, no_wrap=True, style=SOFT if head == "beside" else "", justify="left" if head == "beside" else "right")
    for name, found in beside(result).items():
        beneath.add_row(name, *(percent(found[key], signed=True) if key in SIGNED else number(found[key]) for key in BESIDE))
    out.print()
    out.print(beneath)
    out.print()
    for code, count in sorted(result.refusals.items(), key=lambda item: -item[1]):
        out.print(Text.assemble(("refused  ", SOFT), (f"{count:,} × ", "bold"), code))
    for text in words.cautions(result):
        out.print(Text.assemble(("!  ", LOSS), text))
    for failed in result.failures:
        out.print(Text.assemble((f"✗  {failed.strategy} stopped: ", f"bold {LOSS}"), failed.error))


BESIDE = ("alpha", "beta", "information_ratio", "excess_return")
SIGNED = ("alpha", "excess_return")


def beside(result: Result) -> dict[str, dict[str, float | None]]:
    """How a run did beside holding, and beside its yardstick, by name: the figures of `BESIDE`, None where one has no sense."""
    from math import isfinite

    from argosy.lab.statistics import statistics

    told = statistics(result)
    pairs = {"holding": told.versus} | ({told.measure: told.against} if told.against is not None else {})
    plain = {name: {key: float(getattr(one, key)) for key in BESIDE} for name, one in pairs.items()}
    return {name: {key: value if isfinite(value) else None for key, value in one.items()} for name, one in plain.items()}


def ground(result: Result, label: str) -> str:
    """What a run stood on, in one line."""
    from argosy.core.time import iso

    if not len(result.known):
        return label
    venue = result.settings.get("venue", {})
    fees = venue.get("fees", "")
    shown = [symbol for symbol in result.symbols if symbol not in (result.options or {})]
    parts = [
        label, ", ".join(shown[:8]) + (" …" if len(shown) > 8 else ""),
        f"{iso(int(result.known[0]))[:10]} to {iso(int(result.known[-1]))[:10]}", f"{result.bars:,} rows",
        money(result.cash / per_one(result.currency), result.currency, 0),
        f"fees {fees if isinstance(fees, str) else 'own'}", f"slippage {venue.get('slippage_bps', 0):g} bps",
        f"limits {result.settings.get('risk', {}).get('profile', '')}",
    ]  # fmt: skip
    return " · ".join(part for part in parts if part)


@contextmanager
def progress(label: str, total: int, quiet: bool = False) -> Iterator[Callable[[int, str], None]]:
    """A bar on stderr while something long runs; nothing when stderr is no terminal. Yields (done, what) -> None."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, what: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from argosy.kernels.kernel import watched

    with Progress(
        TextColumn("{task.description}"), BarColumn(complete_style=GAIN, finished_style=GAIN), TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(), console=Console(stderr=True), transient=True,
    ) as bar:  # fmt: skip
        task = bar.add_task(label, total=total)
        with watched(lambda kernel: bar.update(task, description=f"{label}: compiling {kernel}, once on this machine")):
            yield lambda done, what: bar.update(task, completed=done, description=what or label)
