"""A map of a grid of two parameters in a terminal: where the good ones lie together, and where one stands alone by chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

SHADES = " ░▒▓█"
BEST = "◆"
NOTHING = "·"


def heat(rows: pl.DataFrame, across: str, down: str, by: str, width: int, less: bool = False) -> list[str]:
    """Lines of a map: `across` to the right, `down` downwards, darker is better in `by` (the mean over the symbols).

    Each shade is a fifth of the combinations; ◆ the best, · no figure. No lines when it does not fit into `width`, or when a
    parameter has one value only.
    """
    import polars as pl

    cells = rows.group_by(across, down, maintain_order=True).agg(pl.col(by).mean())
    right, below = (sorted(cells[name].unique().to_list()) for name in (across, down))
    names = [_text(value) for value in below]
    edge = max(len(down), *map(len, names))
    if len(right) < 2 or len(below) < 2 or edge + 2 + 2 * len(right) > width:
        return []
    worth = {(a, b): value for a, b, value in cells.select(across, down, by).rows() if value is not None and value == value}
    if not worth:
        return []
    known = sorted(worth.values(), reverse=less)
    best = known[-1]
    lines = [f"{by}: {across} to the right, {down} downwards; {SHADES[1]} the worse, {SHADES[-1]} the better fifths, {BEST} the best"]
    for value, name in zip(below, names, strict=True):
        marks = [_mark(worth.get((each, value)), known, best) for each in right]
        lines.append(f"{name:>{edge}}  {''.join(marks)}".rstrip())
    lines.append(f"{'':{edge}}  {_scale([_text(value) for value in right])}")
    return lines


def _mark(value: float | None, known: Sequence[float], best: float) -> str:
    if value is None:
        return NOTHING + " "
    if value == best:
        return BEST + " "
    place = known.index(value) / len(known)
    return SHADES[min(len(SHADES) - 1, int(place * len(SHADES)))] * 2


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _scale(names: Sequence[str]) -> str:
    """Names under their columns, two signs wide each, as many as there is room for."""
    line = ""
    for place, name in enumerate(names):
        if 2 * place >= len(line):
            line = f"{line:{2 * place}}{name} "
    return line.rstrip()
