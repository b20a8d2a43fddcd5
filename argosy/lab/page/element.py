"""Small pieces of HTML that several parts of a page are made of; whatever comes from outside is escaped here."""

from __future__ import annotations

from html import escape

from argosy.core.time import DAY, iso
from argosy.lab.result import Result
from argosy.lab.words import number

COLOURS = 10
"""Lines of a chart that differ in colour; those after them are the same colours, dashed."""
SHIP = (
    '<svg class="ship" viewBox="0 0 48 40" aria-hidden="true"><path d="M4 28h40l-5 9H11z"/><path d="M23 3v22H8C16 20 21 12 23 3z"/>'
    '<path d="M26 8c3 5 8 12 16 17H26z"/></svg>'
)
ZOOM = (
    '<span class="zooms" role="group" aria-label="Zoom"><button type="button" class="toggle" data-zoom="out" aria-label="zoom out">−</button>'
    '<button type="button" class="toggle" data-zoom="in" aria-label="zoom in">+</button>'
    '<button type="button" class="toggle" data-zoom="all">all</button></span>'
)
"""Buttons that a chart's script gives a meaning to; they are not shown without it."""
LOG = '<button type="button" class="toggle" data-log aria-pressed="false">log</button>'


def colour(k: int) -> str:
    """The classes of the k-th line."""
    return f"c{k % COLOURS}" + (" again" if k >= COLOURS else "")


def cell(text: str, value: float | None, kind: str = "n") -> str:
    """A cell of a table that sorts by `value`; text is HTML already."""
    sort = "" if value is None or value != value else f' data-v="{value:.12g}"'
    return f'<td class="{kind}"{sort}>{text}</td>'


def chart(kind: str, k: int, said: str, size: str = "tall") -> str:
    """An empty box that the script draws in; `said` is what a screen reader says of it."""
    told = escape(said)
    return f'<div class="chart {size}" data-chart="{kind}" data-run="{k}" tabindex="0" role="img" aria-label="{told}"></div>'


def tip(label: str, text: str) -> str:
    """A word whose explanation opens when it is pointed at, touched or reached by keyboard."""
    said = escape(text)
    return f'<span class="tip" tabindex="0" aria-description="{said}" data-tip="{said}">{escape(label)}</span>'


def bar(frac: float, tone: str = "") -> str:
    """A bar of a fraction, 0 to 1, of its cell."""
    return f'<i class="{tone}" style="width:{100 * min(1.0, max(0.0, frac)):.1f}%"></i>'


def intraday(result: Result) -> bool:
    """Whether the time of day tells trades apart: rows less than half a day from each other, by the middle of them."""
    import numpy as np

    return len(result.known) > 2 and float(np.median(np.diff(result.known))) < DAY / 2


def day(ns: int, clock: bool = False) -> str:
    """2024-01-02, with the time of day where `clock` asks for it and there is one."""
    text = iso(ns)
    return text[:10] if not clock or "T" not in text else f"{text[:10]} {text[11:16]}"


def size(units: float) -> str:
    """Whole units without decimals, others with four."""
    return number(units, 0) if units == units // 1 else number(units, 4)


def price(value: float | None) -> str:
    """Two decimals, four below one."""
    return number(value, 2 if value is None or abs(value) >= 1 else 4)
