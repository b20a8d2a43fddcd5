"""A search as a map of two parameters: values that lie close are put together, so that any search can be drawn; it draws no line."""

from __future__ import annotations

from html import escape
from math import floor
from typing import TYPE_CHECKING, Any

import numpy as np

from argosy.lab.search.objective import Objective
from argosy.lab.search.run import Found

if TYPE_CHECKING:
    import polars as pl

LEAST, MOST = 4, 16
"""Fewest and most fields along one side, where values are put together."""
WORSE, BETTER = (224, 138, 60), (74, 163, 224)
"""The colours of the house: orange below the middle, blue above it."""


def two(found: Found) -> tuple[str, str] | None:
    """The two varied numbers that explain most, the one with more values first; None when there are not two."""
    names = [
        axis.name for axis in found.space.axes
        if found.frame[axis.name].n_unique() > 1 and found.frame[axis.name].dtype.is_numeric()
    ]  # fmt: skip
    known = {name: weight if (weight := found.weights.get(name, 0.0)) == weight else 0.0 for name in names}
    chosen = sorted(names, key=lambda name: -known[name])[:2]
    if len(chosen) < 2:
        return None
    across, down = sorted(chosen, key=lambda name: -found.frame[name].n_unique())
    return across, down


def fields(found: Found, across: str, down: str) -> pl.DataFrame:
    """The feasible trials with these two parameters put into parts, named by their middle; as they are where they fill their grid."""
    rows = found.frame.filter(found.frame["feasible"])
    sides = rows[across].n_unique() * rows[down].n_unique()
    full = sides <= MOST * MOST and rows.height >= sides
    count = MOST if full else max(LEAST, min(MOST, int(rows.height**0.5 / 1.5)))
    return rows.with_columns(**{name: _parts(rows[name], count) for name in (across, down)})


def _parts(values: pl.Series, count: int) -> pl.Series:
    import polars as pl

    distinct = np.sort(values.unique().to_numpy().astype(np.float64))
    if len(distinct) <= count:
        return values
    low, width = float(distinct[0]), (float(distinct[-1]) - float(distinct[0])) / count
    middle = [low + (min(count - 1, floor((value - low) / width)) + 0.5) * width for value in values.to_list()]
    return pl.Series(values.name, [float(f"{value:.3g}") for value in middle])


def svg(found: Found, across: str, down: str) -> str:
    """The map as SVG: a field a pair of values, its colour the mean objective, its figure in a tooltip; the best has a frame."""
    goal = found.objective
    cells = fields(found, across, down).group_by(across, down, maintain_order=True).agg(_mean(goal.name))
    right, below = (sorted(cells[name].unique().to_list()) for name in (across, down))
    worth = {(a, b): value for a, b, value in cells.select(across, down, goal.name).rows() if value is not None}
    if not worth:
        return '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"/>'
    size, left, top = 34, 74, 28
    width, height = left + size * len(right) + 12, top + size * len(below) + 44
    known = sorted(worth.values(), reverse=goal.sign < 0)
    best = known[-1]
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
            f'aria-label="{escape(goal.name)} by {escape(across)} and {escape(down)}" font-family="system-ui, sans-serif" font-size="11">'
        ),
        f'<text x="{left}" y="16" fill="currentColor">{escape(goal.text)}: blue is better, orange worse</text>',
    ]
    for i, low in enumerate(below):
        y = top + size * i
        parts.append(f'<text x="{left - 8}" y="{y + size / 2 + 4}" text-anchor="end" fill="currentColor">{_said(low)}</text>')
        for k, value in enumerate(right):
            figure = worth.get((value, low))
            if figure is not None:
                x = left + size * k
                frame = ' stroke="currentColor" stroke-width="2"' if figure == best else ""
                said = f"{across} {_said(value)}, {down} {_said(low)}: {goal.name} {figure:.3g}"
                parts.append(
                    f'<rect x="{x + 1}" y="{y + 1}" width="{size - 2}" height="{size - 2}" rx="4" fill="{_colour(figure, known, goal)}"{frame}>'
                    f"<title>{escape(said)}</title></rect>"
                )
    base = top + size * len(below)
    every = max(1, -(-len(right) // 8))
    parts += [
        f'<text x="{left + size * k + size / 2}" y="{base + 16}" text-anchor="middle" fill="currentColor">{_said(value)}</text>'
        for k, value in enumerate(right)
        if k % every == 0
    ]
    parts.append(f'<text x="{left}" y="{base + 36}" fill="currentColor">{escape(across)} to the right, {escape(down)} downwards</text></svg>')
    return "\n".join(parts)


def _mean(name: str) -> Any:
    import polars as pl

    return pl.col(name).mean()


def _said(value: Any) -> str:
    return escape(f"{value:g}" if isinstance(value, float) else str(value))


def _colour(figure: float, known: list[float], goal: Objective) -> str:
    """Orange at the worst, pale in the middle, blue at the best, by rank."""
    place = known.index(figure) / max(1, len(known) - 1)
    far = abs(place - 0.5) * 2.0
    base = BETTER if place >= 0.5 else WORSE
    return "#" + "".join(f"{round(238 + (part - 238) * far):02x}" for part in base)
