"""Returns by month as a table of a report, a row a year; it computes no statistics of its own."""

from __future__ import annotations

from html import escape

from argosy.lab import words
from argosy.lab.result import Result
from argosy.lab.verdict import monthly
from argosy.lab.words import number

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def table(result: Result) -> str:
    """Returns by month, a row a year."""
    months = monthly(result.known, result.grown)
    if len(months) < 2:
        return ""
    held = {(year, month): frac for year, month, frac in monthly(result.known, result.benchmark)}
    by_year: dict[int, dict[int, float]] = {}
    for year, month, frac in months:
        by_year.setdefault(year, {})[month] = frac
    rows = []
    for year, row in by_year.items():
        cells = "".join(_cell(row.get(month)) for month in range(1, 13))
        total, other = 1.0, 1.0
        for month, frac in row.items():
            total *= 1.0 + frac
            other *= 1.0 + held.get((year, month), 0.0)
        whole = _cell(total - 1.0, "sum")
        beside = f'<td class="sum held wide">{number((other - 1.0) * 100, 1)}</td>'
        rows.append(f'<tr><th scope="row">{year}</th>{cells}{whole}{beside}</tr>')
    heads = "".join(f'<th scope="col">{month[0]}<s>{month[1:]}</s></th>' for month in MONTHS)
    return (
        f'<section><h3>{escape(words.months([frac for _, _, frac in months]))}</h3>'
        '<table class="heat"><caption>Return in percent; blue gained, orange lost</caption>'
        f'<thead><tr><th></th>{heads}<th scope="col" class="sum"><span class="wide">Year</span><span class="narrow">Σ</span></th>'
        f'<th scope="col" class="sum wide">Held</th></tr></thead><tbody>{"".join(rows)}</tbody></table></section>'
    )


def _cell(frac: float | None, kind: str = "") -> str:
    """A month's return; `g1` to `g9` and `l1` to `l9` are the depths of colour. Where there is little room, a whole number."""
    if frac is None or frac != frac:
        return f'<td class="{kind}"></td>' if kind else "<td></td>"
    if abs(frac) < 0.0005:
        return f'<td class="{kind}"><b>0.0</b><i>0</i></td>'
    depth = min(9, 1 + int(9 * (abs(frac) / (0.30 if kind else 0.12)) ** 0.8))
    names = f"{'g' if frac > 0 else 'l'}{depth}{' ' + kind if kind else ''}"
    return f'<td class="{names}"><b>{number(frac * 100, 1)}</b><i>{number(frac * 100, 0)}</i></td>'
