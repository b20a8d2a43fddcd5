"""What the script of a report draws: curves, prices and the signs of fills, thinned and packed; no figure is read from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from argosy.lab import figures, packed
from argosy.lab.result import Result

POINTS = 1_000
"""Most points of one curve where several runs are in one report: one a pixel, twice as many where there is one run."""


def drawn(runs: Sequence[Result], prices: figures.Prices) -> dict[str, Any]:
    """The data of a page: each run's curve and signs, and the prices that are charted."""
    splits = runs[0].splits
    most = figures.POINTS if len(runs) == 1 else POINTS
    lines = figures.price_lines({symbol: (known[rows], price[rows]) for symbol, (known, price) in prices.items()
                                 for rows in (figures.thin(price, most),)}, splits)  # fmt: skip
    return {
        "currency": runs[0].currency,
        "runs": [
            {"name": run.name, "curve": _curve(figures.curve(run, most)), "signs": _signs(run) if prices else {}}
            for run in runs
        ],
        "prices": {
            symbol: {"t": packed.whole(line["t"]), "p": packed.decimal(line["p"], _places(line["p"]))}
            for symbol, line in lines.items()
        },
    }


def _curve(line: Mapping[str, list[Any]]) -> dict[str, packed.Packed]:
    out = {name: packed.decimal(line[name], 2) for name in ("own", "held", "down", "held_down")}
    return {"t": packed.whole(line["t"])} | out


def _signs(run: Result) -> dict[str, dict[str, Any]]:
    """Marks of fills by symbol; each reason is written once, `w` says which."""
    out: dict[str, dict[str, Any]] = {}
    for symbol, marks in figures.signs(run).items():
        whys = list(dict.fromkeys(marks["why"]))
        place = {why: k for k, why in enumerate(whys)}
        out[symbol] = {
            "t": packed.whole(marks["t"]),
            "p": packed.decimal(marks["p"], _places(marks["p"])),
            "s": packed.whole(marks["s"]),
            "w": packed.whole([place[why] for why in marks["why"]]),
            "why": packed.texts(whys),
        }
    return out


def _places(values: Sequence[float]) -> int:
    """Decimals that no value goes beyond."""
    texts = (f"{value:.12f}".rstrip("0") for value in values)
    return max((len(text) - text.index(".") - 1 for text in texts), default=0)
