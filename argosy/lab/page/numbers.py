"""All statistics of a run, each with its definition and source behind its name, and the reason where it has no value."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import msgspec

from argosy.lab.page.element import cell, tip
from argosy.lab.statistics import FIGURES, Statistics
from argosy.lab.words import NONE, money, number, percent

LABELS = {
    "cagr": "growth a year", "sharpe": "Sharpe", "sharpe_error": "standard error of Sharpe", "sharpe_error_iid": "the same, if independent",
    "sharpe_above_0": "chance that Sharpe is above 0", "sortino": "Sortino", "calmar": "Calmar", "omega": "Omega", "max_drawdown": "deepest fall",
    "max_drawdown_days": "its length", "underwater_days": "longest under water", "average_drawdown": "average fall", "ulcer": "ulcer index",
    "var": "value at risk", "cvar": "mean beyond it", "var_gaussian": "VaR, normal", "cvar_gaussian": "mean beyond it, normal",
    "var_cornish_fisher": "VaR, Cornish-Fisher", "cvar_cornish_fisher": "mean beyond it, C-F", "mae_frac": "mean move against",
    "mfe_frac": "mean move for", "held_days": "mean time held", "fee_bps": "fees of what was traded", "average_frac": "average of a trade",
    "best_frac": "best trade", "worst_frac": "worst trade", "drag": "fees of the account, a year", "open_trades": "trades still open",
}  # fmt: skip
"""Names for people; the others are their own, with spaces."""
SIGNED = {"total_return", "cagr", "alpha", "excess_return", "best_step", "worst_step", "best_frac", "worst_frac", "average_frac"}
TITLES = {"curve": "Growth and risk", "versus": "Beside", "deals": "Trades and costs"}


def label(name: str) -> str:
    """What people call a figure."""
    return LABELS.get(name, name.replace("_", " "))


def said(name: str, value: float, unit: str, currency: str) -> str:
    """A figure in its unit, as people read it."""
    if unit == "frac":
        return percent(value, 1 if abs(value) >= 0.1 else 2, signed=name in SIGNED)
    if unit == "days":
        return f"{number(value, 0 if abs(value) >= 10 else 1)} days" if value == value else NONE
    if unit == "count":
        return number(value, 0)
    if unit == "bps":
        return f"{number(value)} bps" if value == value else NONE
    return money(value, currency) if unit == "currency" else number(value)


def about(group: str, name: str, steps: str = "days") -> str:
    """Definition and source of a figure in one line."""
    one = FIGURES[group][name]
    step = " A step is a day." if steps == "days" and "step" in one.meaning else ""
    return f"{one.meaning[:1].upper()}{one.meaning[1:]}.{step} Source: {one.source}."


def numbers(stats: Statistics, told: bool = True) -> str:
    """Three tables, side by side where there is room. told: whether definitions are written; the script copies them to other runs."""
    name = escape(stats.measure)
    heads = {"curve": [("own", "curve"), ("holding", "benchmark")], "versus": [("", "versus")], "deals": [("", "deals")]}
    if stats.yardstick is not None:
        heads["curve"].append((name, "yardstick"))
        heads["versus"] = [("holding", "versus"), (name, "against")]
    tables = [
        _table(group, stats, [(head, place, msgspec.structs.asdict(getattr(stats, place))) for head, place in columns], told)
        for group, columns in heads.items()
    ]
    note = "Point at a name, or touch it, for its definition and source."
    return (
        f'<section class="card"><h3>Every statistic</h3><p class="note">{note} Beside: {stats.held}{f"; {name}, held" if name else ""}.</p>'
        f'<div class="numbers"><div>{tables[0]}</div><div>{tables[1]}{tables[2]}</div></div></section>'
    )


def _table(group: str, stats: Statistics, columns: Sequence[tuple[str, str, dict[str, float]]], told: bool) -> str:
    heads = "".join(f'<th scope="col" class="n">{head}</th>' for head, _, _ in columns)
    rows = []
    for name, one in FIGURES[group].items():
        cells = ""
        for _, place, values in columns:
            text, reason = said(name, values[name], one.unit, stats.currency), stats.reasons.get(f"{place}.{name}", "")
            cells += cell(tip(text, reason) if reason else text, values[name])
        named = tip(label(name), about(group, name, stats.steps)) if told else f'<span class="tip">{label(name)}</span>'
        rows.append(f'<tr data-figure="{group}.{name}"><th scope="row">{named}</th>{cells}</tr>')
    title = "Beside holding" if group == "versus" and len(columns) == 1 else TITLES[group]
    return f'<table class="figures"><thead><tr><th scope="col">{title}</th>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
