"""What the script of a report draws: curves, prices and the signs of fills, thinned and packed; no figure is read from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from argosy.core.time import SECOND
from argosy.lab import figures, packed
from argosy.lab.result import Result

POINTS = 1_000
"""Most points of one curve where several runs are in one report: one a pixel, four times as many where there is one run, to look closer."""
PRICES = 60_000
"""Most prices in a report of one run, shared by its instruments."""
SIGNS = 16_000
"""Most signs of fills in a report of one run, shared by its instruments."""


def drawn(runs: Sequence[Result], prices: figures.Prices, more: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """The data of a page: each run's curve and signs, and the prices that are charted. more: what else is drawn of each run."""
    splits = runs[0].splits
    alone = len(runs) == 1
    shared = max(1, len(prices))
    most = max(1_000, min(15_000, PRICES // shared)) if alone else POINTS
    marks = max(200, SIGNS // shared) if alone else figures.SIGNS
    lines = figures.price_lines({symbol: (known[rows], price[rows]) for symbol, (known, price) in prices.items()
                                 for rows in (figures.thin(price, most),)}, splits, most + 2)  # fmt: skip
    return {
        "currency": runs[0].currency,
        "runs": [
            {
                "name": run.name,
                "index": run.yardstick.name if run.yardstick is not None else "",
                "curve": _curve(figures.curve(run, 4 * POINTS if alone else POINTS)),
                "signs": _signs(run, marks) if prices else {},
            }
            | dict(more[k] if k < len(more) else {})
            for k, run in enumerate(runs)
        ],
        "prices": {
            symbol: {"t": packed.whole(line["t"]), "p": packed.decimal(line["p"], _places(line["p"]))}
            for symbol, line in lines.items()
        },
    }


def rolled(table: pl.DataFrame, most: int = POINTS) -> dict[str, Any]:
    """t, sharpe and beta of `statistics.rolling`, packed; {} when nothing is in it."""
    kept = table.filter(pl.col("sharpe").is_not_null() | pl.col("beta").is_not_null())
    if not kept.height:
        return {}
    rows = figures.thin(kept["sharpe"].fill_null(float("nan")).to_numpy(), most)
    out: dict[str, Any] = {"t": packed.whole((kept["known"].to_numpy()[rows] // SECOND).tolist())}
    return out | {name: _short(kept[name].fill_null(float("nan")).to_numpy()[rows], 3) for name in ("sharpe", "beta")}


def invested(known: NDArray[np.int64], long: NDArray[np.float64], short: NDArray[np.float64]) -> dict[str, Any]:
    """t, long and short in percent of the account, packed."""
    out: dict[str, Any] = {"t": packed.whole((known // SECOND).tolist()), "long": _short(100.0 * long, 1)}
    return out | ({"short": _short(100.0 * short, 1)} if bool((short < 0.0).any()) else {})


def _short(values: NDArray[np.float64], places: int) -> packed.Packed:
    return packed.decimal([None if v != v else round(v, places) for v in values.tolist()], places)


def _curve(line: Mapping[str, list[Any]]) -> dict[str, packed.Packed]:
    out = {name: packed.decimal(line[name], 2) for name in line if name != "t"}
    return {"t": packed.whole(line["t"])} | out


def _signs(run: Result, most: int) -> dict[str, dict[str, Any]]:
    """Marks of fills by symbol; each reason is written once, `w` says which."""
    out: dict[str, dict[str, Any]] = {}
    for symbol, marks in figures.signs(run, most).items():
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


def _places(values: Sequence[float | None]) -> int:
    """Decimals that no value goes beyond."""
    texts = (f"{value:.12f}".rstrip("0") for value in values if value is not None)
    return max((len(text) - text.index(".") - 1 for text in texts), default=0)
