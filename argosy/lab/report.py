"""The report: one HTML file of a run, or of several side by side, that opens anywhere and asks no network for anything.

Every number in it is text in the page, from the Result; the script draws, pages and sorts, and never computes a figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from argosy.core.errors import Misuse
from argosy.core.time import iso
from argosy.lab import drawn, figures, words
from argosy.lab.months import table
from argosy.lab.orders import Asked
from argosy.lab.page.costs import costs
from argosy.lab.page.element import colour
from argosy.lab.page.groups import groups, tables
from argosy.lab.page.head import masthead
from argosy.lab.page.lines import curves, invested, rolled
from argosy.lab.page.market import market
from argosy.lab.page.numbers import numbers
from argosy.lab.page.reach import points, reach
from argosy.lab.page.refusals import refusals
from argosy.lab.page.shell import document
from argosy.lab.page.side import side
from argosy.lab.page.spread import spread
from argosy.lab.page.stamp import stamp
from argosy.lab.page.terms import terms
from argosy.lab.page.tiles import tiles
from argosy.lab.page.trips import columns, trips
from argosy.lab.result import Result
from argosy.lab.statistics import Statistics, pair, rolling, statistics
from argosy.lab.verdict import daily, earned
from argosy.lab.words import headline

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

WINDOWS = (126, 63, 21)
"""Days that rolling figures look back on; the first that fits twice into a run is taken."""


def write(
    results: Result | Sequence[Result],
    path: Path | str,
    *,
    prices: figures.Prices | None = None,
    asked: Sequence[Sequence[Asked]] = (),
    reaches: Sequence[pl.DataFrame | None] = (),
    passports: Mapping[int, Mapping[str, Any]] | None = None,
    title: str = "",
) -> Path:
    """Write the report of one result or several to `path` and return it.

    prices:    raw prices by symbol (`figures.prices`), for the charts of entries and exits; without them there are none
    asked:     the orders of each result (`orders.orders`), for what was refused and why; without them only the counts are told
    reaches:   the trades of each result with the columns of `statistics.excursions`; without them MAE and MFE are not shown
    passports: plain passports (`passport.paper.plain`) by place of the result; where there is none, it is "not tested"
    Raises Misuse: REPORT_EMPTY (no result), REPORT_PATH (the file cannot be written).
    """
    at = Path(path)
    text = render(results, prices=prices, asked=asked, reaches=reaches, passports=passports, title=title)
    try:
        at.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Misuse(
            "REPORT_PATH",
            f"the report cannot be written: {error.strerror}",
            where=str(at),
            fix="choose another path",
        ) from error
    return at


def render(
    results: Result | Sequence[Result],
    *,
    prices: figures.Prices | None = None,
    asked: Sequence[Sequence[Asked]] = (),
    reaches: Sequence[pl.DataFrame | None] = (),
    passports: Mapping[int, Mapping[str, Any]] | None = None,
    title: str = "",
) -> str:
    """The report as a text of HTML; see `write`."""
    runs = [results] if isinstance(results, Result) else list(results)
    if not runs:
        raise Misuse("REPORT_EMPTY", "a report needs at least one result")
    name = title or (runs[0].name if len(runs) == 1 else f"{len(runs)} strategies")
    tested = passports or {}
    most = drawn.POINTS if len(runs) == 1 else drawn.POINTS // 3
    seen = [_Seen(run, reaches[k] if k < len(reaches) else None, prices or {}, most) for k, run in enumerate(runs)]
    body = [masthead(runs, name), side(runs, tested) if len(runs) > 1 else ""]
    for k, one in enumerate(seen):
        body.append(_run(one, k, len(runs), bool(prices), asked[k] if k < len(asked) else (), tested.get(k)))
    return document(name, body, drawn.drawn(runs, prices or {}, [one.drawn() for one in seen]))


class _Seen:
    """One run, and what is worked out of it once for the words and for the charts."""

    def __init__(self, result: Result, trades: pl.DataFrame | None, prices: figures.Prices, most: int) -> None:
        self.result, self.trades, self.most = result, trades, most
        self.stats: Statistics = statistics(result, trades=trades)
        self.window = next((days for days in WINDOWS if len(daily(result.known)) > 2 * days), 0)
        self.rolling = rolling(result, self.window) if self.window else None
        self.invested = figures.invested(result, prices, most) if result.fills.height and len(result.known) else None

    def returns(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Daily returns, its own and those of holding."""
        known, value = earned(self.result.known, self.result.value, self.result.flow)
        held = self.result.benchmark
        both = pair(known, value, held[len(held) - len(known) :])
        return both.own, both.benchmark

    def span(self, name: str) -> tuple[float, float] | None:
        """Lowest and highest of a rolling figure."""
        values = [] if self.rolling is None else self.rolling[name].drop_nulls().to_list()
        return (min(values), max(values)) if values else None

    def mean(self) -> float | None:
        """What was in the market, long and short together, on average; None without a fill."""
        if self.invested is None:
            return None
        whole = self.invested[1] - self.invested[2]
        return float(np.nanmean(whole)) if bool(np.isfinite(whole).any()) else None

    def drawn(self) -> dict[str, Any]:
        """What is drawn of it beside curve and signs."""
        parts = {
            "rolling": drawn.rolled(self.rolling, self.most) if self.rolling is not None else {},
            "invested": drawn.invested(*self.invested) if self.invested is not None else {},
            "reach": points(self.trades),
            "trips": columns(self.result),
        }
        return {name: part for name, part in parts.items() if part}


def _run(one: _Seen, k: int, of: int, priced: bool, asked: Sequence[Asked], passport: Mapping[str, Any] | None) -> str:
    """Everything about one run."""
    result = one.result
    title = f'<h2 class="runname"><i class="key {colour(k)}"></i>{escape(result.name)}</h2>' if of > 1 else ""
    found = tables(result, one.trades)
    if of > 1:
        found.pop("month", None)  # the months are in the heat map
    parts = [
        f'<article class="run" id="run-{k}" data-run="{k}">{title}',
        f'<div class="verdict"><p class="headline">{escape(headline(result))}</p><p class="story">{escape(words.story(result))}</p></div>',
        stamp(passport, result.strategies[0] if result.strategies else "NAME"),
        _failures(result),
        "".join(f'<p class="caution">{escape(text)}</p>' for text in words.cautions(result)),
        tiles(result),
        curves(result, k),
        table(result),
        market(result, k) if priced else "",
        trips(result, k),
        rolled(k, one.window, one.span("sharpe"), one.span("beta")) if one.window else "",
        _pair(spread(*one.returns(), one.stats), reach(one.trades, k)),
        invested(result, k, one.mean()),
        groups(result, found),
        _pair(refusals(result, asked), costs(result, one.stats), kind="pair loose"),
        numbers(one.stats, not k),
        terms(result),
        "</article>",
    ]
    return "\n".join(part for part in parts if part)


def _pair(*parts: str, kind: str = "pair") -> str:
    """Sections beside each other; one alone has all the room."""
    shown = [part for part in parts if part]
    return f'<div class="{kind}">{"".join(shown)}</div>' if len(shown) > 1 else "".join(shown)


def _failures(result: Result) -> str:
    return "".join(
        f'<details class="failure"><summary><b>{escape(failed.strategy)}</b> stopped on {iso(failed.known)[:10]}: {escape(failed.error)}</summary>'
        f"<pre>{escape(failed.event)}\n{escape(failed.trace)}</pre></details>"
        for failed in result.failures
    )
