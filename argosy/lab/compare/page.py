"""A comparison as one HTML file: the advice first, then the figures side by side, the lines, and what may be chance."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from argosy.core.errors import Misuse
from argosy.core.money import per_one
from argosy.core.time import SECOND, iso
from argosy.lab import figures, packed
from argosy.lab.compare.comparison import Comparison, Row
from argosy.lab.compare.tested import UNTESTED, Tested
from argosy.lab.page.element import LOG, ZOOM, cell, colour, tip
from argosy.lab.page.head import masthead
from argosy.lab.page.lines import HINT, READ
from argosy.lab.page.numbers import TITLES, about, label, said
from argosy.lab.page.shell import document
from argosy.lab.statistics import FIGURES
from argosy.lab.words import money, number, percent

POINTS = 1_500
MARKED = "Bold with a dot is the best of a row."


def write(found: Comparison, path: Path | str) -> Path:
    """Write the page and return its path. Misuse("COMPARE_PATH")."""
    at = Path(path)
    try:
        at.write_text(page(found), encoding="utf-8")
    except OSError as error:
        raise Misuse("COMPARE_PATH", f"the page cannot be written: {error.strerror}", where=str(at), fix="choose another path") from error
    return at


def page(found: Comparison) -> str:
    """The page."""
    title = f"{', '.join(found.names[:-1])} and {found.names[-1]}" if len(found.names) < 4 else f"{len(found.names)} runs side by side"
    body = [masthead(found.results, title, "comparison"), _advice(found), _lines(found), _table(found), _gaps(found), _correlation(found)]
    style = (files("argosy.lab") / "page" / "beside.css").read_text(encoding="utf-8")
    return document(title, body, _drawn(found), style)


def _advice(found: Comparison) -> str:
    chosen = found.advice.recommended
    head = "None can be recommended"
    if chosen is not None:
        head = f"{chosen} may be chosen" if found.tested[chosen].verdict == "PASS" else f"{chosen}, with caution"
    items = "".join(f"<li>{escape(text)}</li>" for text in (*found.advice.sentences, *found.notes))
    return f'<section class="advice {"yes" if chosen else "no"}"><p class="headline">{escape(head)}</p><ul>{items}</ul></section>'


def _lines(found: Comparison) -> str:
    spoken = ", ".join(
        f"{name} {percent(one.curve.total_return, signed=True)}" for name, one in zip(found.names, found.statistics, strict=True)
    )
    start = _start(found)
    return (
        f'<section class="figure"><div class="figbar"><h3>What {money(start, found.results[0].currency, 0)} became, on the same days</h3>'
        f'<span class="acts">{ZOOM}{LOG}</span></div>{READ}<div class="chart tall" data-chart="all" tabindex="0" role="img" '
        f'aria-label="{escape("Equity of " + spoken)}"></div><p class="note hint">{HINT}</p></section>'
    )


def _start(found: Comparison) -> float:
    return found.results[0].cash / per_one(found.results[0].currency) or 100.0


def _table(found: Comparison) -> str:
    heads = "".join(
        f'<th scope="col" class="n"><i class="key {colour(k)}"></i>{escape(name)}<br>{_word(found.tested[name])}</th>'
        for k, name in enumerate(found.names)
    )
    rows, group = [], ""
    currency = found.results[0].currency
    for row in found.rows:
        if row.figure.split(".")[0] != group:
            group = row.figure.split(".")[0]
            rows.append(f'<tr class="title"><th scope="colgroup" colspan="{len(found.names) + 1}">{TITLES[group]}</th></tr>')
        rows.append(_figure(row, found, currency))
    period = f"{iso(int(found.days.known[0]))[:10]} to {iso(int(found.days.known[-1]))[:10]}, {len(found.days.returns):,} days"
    cut = " A run that is longer was cut to these days, and its trades to those entered in them." if found.cut else ""
    return (
        f'<section class="card"><h3>Side by side</h3><p class="note">{period}.{cut} {MARKED}</p><div class="scroll"><table class="beside"><thead><tr>'
        f"<th></th>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def _word(one: Tested) -> str:
    return f'<span class="soft">{UNTESTED}</span>' if one.verdict == UNTESTED else f'<b class="word {one.verdict}">{one.verdict}</b>'


def _figure(row: Row, found: Comparison, currency: str) -> str:
    group, name = row.figure.split(".")
    unit = FIGURES[group][name].unit
    cells = ""
    for k, value in enumerate(row.values):
        reason = found.statistics[k].reasons.get(row.figure, "")
        text = said(name, value, unit, currency)
        cells += cell(tip(text, reason) if reason else text, value, "n best" if k in row.best else "n")
    return f'<tr data-figure="{row.figure}"><th scope="row">{tip(label(name), about(group, name))}</th>{cells}</tr>'


def _gaps(found: Comparison) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(one.one)} less {escape(one.other)}</th>{cell(number(one.difference), one.difference)}'
        f"{cell(number(one.error), one.error)}{cell(number(one.p, 3), one.p)}{cell(f'{number(one.low)} to {number(one.high)}', one.low)}"
        f"{cell(number(one.p_paths, 3), one.p_paths)}<td>{'more than chance' if one.sure else 'may be chance'}</td></tr>"
        for one in found.gaps
    )
    first = found.gaps[0]
    note = (
        "Standard error and p: Jobson and Korkie (1981) as corrected by Memmel (2003). Interval and its p: paired stationary bootstrap (Politis and "
        f"Romano, 1994), {first.paths:,} draws of blocks of {number(first.block, 1)} days on average. It is called more than chance when both p "
        "are below 0.05; of many pairs some are below it by luck."
    )
    heads = "".join(f'<th scope="col" class="n">{name}</th>' for name in ("Difference", "Error", "p", "95 % from", "p, drawn"))
    return (
        f'<section class="card"><h3>Differences of the Sharpe ratios</h3><p class="note">{note}</p>'
        '<div class="scroll"><table class="grid2 gaps"><thead><tr><th></th>'
        f"{heads}<th></th></tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def _correlation(found: Comparison) -> str:
    heads = "".join(f'<th scope="col" class="n">{escape(name)}</th>' for name in found.names)
    rows = []
    for i, name in enumerate(found.names):
        cells = ""
        for j in range(len(found.names)):
            value = float(found.correlation[i, j])
            deep = f"color-mix(in srgb,var(--{'gain' if value > 0 else 'loss'}) {abs(value) * 45:.0f}%,transparent)" if value == value else "none"
            cells += f'<td class="n" style="background:{deep}">{number(value)}</td>'
        rows.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    note = "Of daily returns. Runs that move apart carry a portfolio further than one that is a little better."
    return (
        f'<section class="card"><h3>How they move together</h3><p class="note">{note}</p>'
        '<div class="scroll"><table class="grid2 together"><thead><tr><th></th>'
        f"{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def _drawn(found: Comparison) -> dict[str, Any]:
    """Lines that begin with the same cash."""
    start, runs = _start(found), []
    for k, name in enumerate(found.names):
        value = found.days.value[:, k] / found.days.value[0, k] * start
        rows = figures.thin(value, POINTS)
        shown = [round(float(v), 2) for v in np.asarray(value)[rows]]
        runs.append({"name": name, "curve": {"t": packed.whole((found.days.known[rows] // SECOND).tolist()), "own": packed.decimal(shown, 2)}})
    return {"currency": found.results[0].currency, "runs": runs, "prices": {}}
