"""One small picture of several runs: what the same cash became under each; plain SVG that asks no network and runs no script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from math import ceil, floor, log, log10
from typing import TYPE_CHECKING

import numpy as np

from argosy.core.money import per_one
from argosy.core.time import iso, parse
from argosy.lab.words import money, percent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from argosy.lab.result import Result

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 380, 10, 232, 46, 30
POINTS = 220
"""Points of a line: one for about three pixels."""
INK = ("#0b67a8", "#cf5a00", "#00805d", "#b0508a", "#7a5bc7", "#b98500", "#3d9fd8", "#c22f4f", "#5f7d13", "#8a5a3c")
DARK = ("#5fb0f0", "#f28b42", "#3fc79d", "#dd8bbd", "#b49bf5", "#e5bd4b", "#a6dcff", "#ff8095", "#a9cf55", "#d2a383")


def svg(results: Sequence[Result], title: str) -> str:
    """The equity of each run and of holding all, on one logarithmic scale, each line named at its end, best first."""
    lines = [(run.name, run.known, run.grown, f"c{k % len(INK)}") for k, run in enumerate(results)]
    lines.append(("holding all", results[0].known, results[0].benchmark, "ch"))
    first = min(int(known[0]) for _, known, _, _ in lines)
    last = max(int(known[-1]) for _, known, _, _ in lines)
    low = min(float(np.nanmin(value)) for _, _, value, _ in lines)
    high = max(float(np.nanmax(value)) for _, _, value, _ in lines)

    def x(known: float) -> float:
        return LEFT + (known - first) / (last - first) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return TOP + (1 - log(value / low) / log(high / low)) * (HEIGHT - TOP - BOTTOM)

    currency = results[0].currency
    cash = money(results[0].cash / per_one(currency), currency, 0)
    said = f"What {cash} became, {iso(first)[:10]} to {iso(last)[:10]}"
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}: {escape(said)}">',
        f"<style>{_style()}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}" rx="10"/>',
        f'<text class="title" x="{LEFT + 8}" y="26">{escape(title)}</text>',
        f'<text class="soft" x="{WIDTH - 12}" y="26" text-anchor="end">{escape(said)}</text>',
    ]
    for level in _levels(low, high):
        out.append(f'<path class="grid" d="M{LEFT} {y(level):.1f}H{WIDTH - RIGHT}"/>')
        out.append(f'<text class="soft" x="{LEFT + 8}" y="{y(level) - 4:.1f}">{money(level, currency, 0)}</text>')
    begin = int(iso(first)[:4]) + 1
    out += [
        f'<text class="soft" x="{x(parse(f"{year}-01-01")):.1f}" y="{HEIGHT - 10}" text-anchor="middle">{year}</text>'
        for year in range(begin, int(iso(last)[:4]) + 1, 2)
    ]
    for _, known, value, kind in reversed(lines):
        out.append(f'<path class="line {kind}" d="{_path(known, value, x, y)}"/>')
    ends = sorted(lines, key=lambda line: -float(line[2][-1]))
    places = _apart([y(float(value[-1])) for _, _, value, _ in ends], 19)
    for place, (name, known, value, kind) in zip(places, ends, strict=True):
        gain = percent(float(value[-1]) / float(value[0]) - 1, signed=True)
        out.append(f'<path class="lead {kind}" d="M{x(int(known[-1])) + 3:.1f} {y(float(value[-1])):.1f}L{WIDTH - RIGHT + 18} {place - 4:.1f}"/>')
        out.append(f'<text class="{kind}" x="{WIDTH - RIGHT + 24}" y="{place:.1f}">{escape(name)}</text>')
        out.append(f'<text class="{kind} n" x="{WIDTH - 12}" y="{place:.1f}" text-anchor="end">{gain}</text>')
    return "\n".join((*out, "</svg>\n"))


def _style() -> str:
    def tones(ink: Sequence[str], held: str) -> str:
        return "".join(f".c{k}{{color:{tone}}}" for k, tone in enumerate(ink)) + f".ch{{color:{held}}}"

    return (
        "text{font:13px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;fill:currentColor}.title{font-size:16px;font-weight:650;color:#17202c}"
        ".soft{font-size:11.5px;color:#6b7683}.n{font-variant-numeric:tabular-nums}.paper{fill:#fff}.grid{stroke:#eceae4}"
        ".line{fill:none;stroke:currentColor;stroke-width:1.7;stroke-linejoin:round}.line.ch{stroke-dasharray:5 3}"
        ".lead{stroke:currentColor;stroke-width:.8;opacity:.6}" + tones(INK, "#767d87")
        + "@media (prefers-color-scheme:dark){.paper{fill:#151d29}.grid{stroke:#263142}.title{color:#e7ecf2}.soft{color:#98a2ae}"
        + tones(DARK, "#98a2ae") + "}"
    )  # fmt: skip


def _path(known: NDArray[np.int64], value: NDArray[np.float64], x: Callable[[float], float], y: Callable[[float], float]) -> str:
    rows = np.unique(np.linspace(0, len(known) - 1, POINTS).round().astype(np.int64))
    return "M" + "L".join(f"{x(int(known[row])):.1f} {y(float(value[row])):.1f}" for row in rows)


def _levels(low: float, high: float) -> list[float]:
    """Round numbers between, three to six of them."""
    powers = [10.0**power for power in range(floor(log10(low)), ceil(log10(high)) + 1)]
    every = [power * k for power in powers for k in (1, 2, 5)]
    return [level for level in every if low <= level <= high]


def _apart(places: Sequence[float], gap: float) -> list[float]:
    """The same heights from top to bottom, moved so that texts do not touch, as little as a simple way can."""
    out: list[float] = []
    for place in places:
        out.append(max(place + 4, out[-1] + gap if out else place))
    over = out[-1] - (HEIGHT - 8) if out else 0.0
    return [place - over for place in out] if over > 0 else out
