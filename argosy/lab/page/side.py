"""Several runs in one table, best return first, with holding beside, and their lines over each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from argosy.core.money import per_one
from argosy.lab import words
from argosy.lab.page.element import LOG, ZOOM, cell, colour
from argosy.lab.result import Result
from argosy.lab.words import money, number, percent

COLUMNS = (
    ("Return", "total_return", "growth from the first to the last row"),
    ("A year", "cagr", "compound growth a calendar year"),
    ("Volatility", "volatility", "standard deviation of daily returns, a year"),
    ("Sharpe", "sharpe", "mean daily return over its deviation, a year, riskless rate 0"),
    ("Sortino", "sortino", "mean daily return over that of its losses, a year"),
    ("Max fall", "max_drawdown", "deepest fall from a peak"),
    ("Trades", "trades", "closed round trips"),
    ("Wins", "win_rate", "share of closed trips that made money after fees"),
    ("Fees", "fees", "all fees paid"),
    ("Refusals", "refusals", "orders the risk gate or the venue refused"),
)
TESTED = ("Tested", "verdict of its passport; without one it is not tested")


def side(runs: Sequence[Result], passports: Mapping[int, Mapping[str, Any]]) -> str:
    """The table, the chart of all lines, and the ways to each run. passports: plain, by place of the run."""
    ranked = sorted(range(len(runs)), key=lambda k: -_rank(runs[k].stats.get("total_return")))
    rows = []
    for k in ranked:
        run = runs[k]
        flag = ' <span class="flag">stopped</span>' if run.failures else ""
        key = f'<i class="key {colour(k)}"></i>'
        name = f'<a href="#run-{k}">{key}{escape(run.name)}</a>{flag}'
        rows.append(f'<tr data-run="{k}"><th scope="row">{name}</th>{_cells(run, run.stats)}{_verdict(passports, k)}</tr>')
    seen = set()
    for run in runs:
        if (beside := repr(run.benchmark_stats)) not in seen:
            seen.add(beside)
            of = "" if len(runs[0].symbols) == len(run.symbols) else f" ({escape(', '.join(run.symbols))})"
            blank = f"<td>{words.NONE}</td>" if passports else ""
            label = f'<i class="key ch"></i>Holding all{of}'
            rows.append(f'<tr class="held"><th scope="row">{label}</th>{_cells(None, run.benchmark_stats)}{blank}</tr>')
    cash = money(runs[0].cash / per_one(runs[0].currency), runs[0].currency, 0)
    heads = "".join(f'<th scope="col" class="n" title="{told}"><button type="button">{label}</button></th>' for label, _, told in COLUMNS)
    heads += f'<th scope="col" title="{TESTED[1]}"><button type="button">{TESTED[0]}</button></th>' if passports else ""
    ways = "".join(f'<a href="#run-{k}" data-run="{k}"><i class="key {colour(k)}"></i>{escape(run.name)}</a>' for k, run in enumerate(runs))
    return (
        f'<section id="compare"><h2>Side by side</h2><p class="note lead">{escape(words.ranking(runs))}</p>'
        '<div class="scroll"><table class="sortable compare"><thead><tr>'
        f'<th scope="col"><button type="button">Strategy</button></th>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
        f'<p class="note">{escape(words.HOLDING)} Choose a row to see that strategy below.</p>'
        f'<div class="figure"><div class="figbar"><h3>What {cash} became</h3><span class="acts">{ZOOM}{LOG}</span></div>'
        '<p class="readout" aria-live="polite"></p>'
        f'<div class="chart tall" data-chart="all" tabindex="0" role="img" aria-label="{escape(_spoken(runs))}"></div></div></section>'
        f'<nav class="runs" aria-label="Strategies">{ways}</nav>'
    )


def _rank(value: float | None) -> float:
    return value if value is not None and value == value else float("-inf")


def _verdict(passports: Mapping[int, Mapping[str, Any]], k: int) -> str:
    if not passports:
        return ""
    found = passports.get(k)
    return f'<td><b class="word {found["verdict"]}">{found["verdict"]}</b></td>' if found else '<td class="soft">not tested</td>'


def _spoken(runs: Sequence[Result]) -> str:
    parts = [f"{run.name} {percent(run.stats.get('total_return'), signed=True)}" for run in runs]
    return f"Equity of {', '.join(parts)}; buy and hold {percent(runs[0].benchmark_stats.get('total_return'), signed=True)}"


def _cells(run: Result | None, stats: Mapping[str, float]) -> str:
    out = []
    for _, key, _ in COLUMNS:
        value: float | None = stats.get(key)
        if key == "refusals":
            value = float(sum(run.refusals.values())) if run else None
        if key in ("trades", "refusals"):
            text = number(value, 0)
        elif key in ("sharpe", "sortino"):
            text = number(value)
        elif key == "fees":
            text = money(value, run.currency, 0) if run else words.NONE
        else:
            text = percent(value, signed=key in ("total_return", "cagr"))
        out.append(cell(text, value))
    return "".join(out)
