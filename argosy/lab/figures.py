"""The series behind a report's charts: at most two thousand points a line, with every extreme kept; no pixel lives here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argosy.core.events import Bar, Quote, Trade
from argosy.core.instrument import Instrument
from argosy.core.money import per_one
from argosy.core.tape import Tape
from argosy.core.time import SECOND
from argosy.lab.result import Result
from argosy.lab.trades import Ratio
from argosy.lab.verdict import falls

POINTS = 2_000
"""Most points of one line."""
SIGNS = 800
"""Most marks of entries and exits on one price chart."""

Prices = Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]]
"""By symbol: (known ns, raw price), both (T,)."""


def prices(
    tapes: Sequence[Tape], instruments: Sequence[Instrument]
) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Closes of bars, else trade prices, else middles of quotes, of each instrument; those without a row are left out."""
    out = {}
    for row in instruments:
        for kind in (Bar, Trade, Quote):
            own = [tape.only(row.id) for tape in tapes if tape.kind is kind and row.id in tape.instruments]
            if own:
                tape = Tape.merge(own)
                price = (
                    tape["close"]
                    if kind is Bar
                    else tape["price"]
                    if kind is Trade
                    else (tape["bid"] + tape["ask"]) / 2
                )
                good = np.isfinite(price)
                out[row.symbol] = tape["known"][good], price[good]
                break
    return out


def unsplit(
    known: NDArray[np.int64], price: NDArray[np.float64], symbol: str, splits: Sequence[Ratio]
) -> NDArray[np.float64]:
    """Prices in today's units: those before a split are divided by its ratio, so that the line has no cliff."""
    out = np.array(price, np.float64)
    for split in splits:
        if split.symbol == symbol:
            out[known < split.known] /= split.ratio
    return out


def thin(values: NDArray[np.float64], most: int = POINTS, keep: Sequence[int] = ()) -> NDArray[np.int64]:
    """Rows to draw: first, last, `keep`, and lowest and highest of each bucket, ascending; all when there are few.

    At most `most` + 2 + len(keep) rows. nan is never the lowest or highest.
    """
    count = len(values)
    if count <= most:
        return np.arange(count)
    edges = np.linspace(0, count, max(1, most // 2) + 1).astype(np.int64)
    low, high = np.where(np.isnan(values), np.inf, values), np.where(np.isnan(values), -np.inf, values)
    rows = [0, count - 1, *keep]
    for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if end > start:
            rows += [start + int(np.argmin(low[start:end])), start + int(np.argmax(high[start:end]))]
    return np.unique(np.array(rows, np.int64))


def curve(result: Result, most: int = POINTS) -> dict[str, list[Any]]:
    """t (seconds UTC), own, held (currency), down, held_down (percent, 0 or less) of the rows worth drawing.

    Deposits are taken out (`Result.grown`). With a yardstick: index (currency), index_down.
    """
    value = result.grown
    down, held = falls(value), falls(result.benchmark)
    worst = [int(np.argmax(down)), int(np.argmax(held)), int(np.argmax(value))] if len(value) else []
    rows = thin(value, most - 5, worst)
    places = 2 if len(value) and abs(value[0]) < 1e5 else 0
    index = {} if result.yardstick is None else {
        "index": _rounded(result.yardstick.value[rows], places), "index_down": _rounded(-100 * below(result.yardstick.value)[rows], 2),
    }  # fmt: skip
    return {
        "t": (result.known[rows] // SECOND).tolist(),
        "own": _rounded(value[rows], places),
        "held": _rounded(result.benchmark[rows], places),
        "down": _rounded(-100 * down[rows], 2),
        "held_down": _rounded(-100 * held[rows], 2),
    } | index


def below(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """`verdict.falls` of a curve that begins later: nan before its first value."""
    seen = np.flatnonzero(~np.isnan(value))
    out = np.full(len(value), np.nan)
    if len(seen):
        out[seen[0] :] = falls(value[seen[0] :])
    return out


def price_lines(lines: Prices, splits: Sequence[Ratio], most: int = POINTS) -> dict[str, dict[str, list[Any]]]:
    """By symbol: t (seconds), p (price in today's units, None for nan)."""
    out = {}
    for symbol, (known, raw) in lines.items():
        price = unsplit(known, raw, symbol, splits)
        rows = thin(price, most)
        out[symbol] = {
            "t": (known[rows] // SECOND).tolist(),
            "p": [None if p != p else float(f"{p:.6g}") for p in price[rows].tolist()],
        }
    return out


def signs(result: Result, most: int = SIGNS) -> dict[str, dict[str, list[Any]]]:
    """By symbol: t, p (today's units), s (+1 bought, -1 sold), why; the largest `most` by value when there are more."""
    out: dict[str, dict[str, list[Any]]] = {}
    fills = result.fills
    for symbol in fills["symbol"].unique(maintain_order=True).to_list():
        own = fills.filter(fills["symbol"] == symbol)
        if own.height > most:
            own = (
                own.with_row_index("row").sort(own["notional"].abs(), descending=True).head(most).sort("row")
            )
        known = own["known"].to_numpy()
        price = unsplit(known, own["price"].to_numpy(), symbol, result.splits)
        out[symbol] = {
            "t": (known // SECOND).tolist(),
            "p": [float(f"{p:.6g}") for p in price.tolist()],
            "s": own["side"].to_list(),
            "why": [(why or "")[:72] for why in own["why"].to_list()],
        }
    return out


def invested(result: Result, lines: Prices, most: int = 1_000) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """(known, long, short): what was held, as a fraction of equity, at up to `most` rows of the run; short is 0 or less.

    lines: raw prices by symbol; a symbol without them is valued at its last fill. nan where equity is not above 0.
    """
    import polars as pl

    count = len(result.known)
    rows = np.arange(count) if count <= most else np.unique(np.linspace(0, count - 1, most).astype(np.int64))
    times = np.asarray(result.known)[rows]
    both = np.zeros((2, len(rows)))
    one = float(per_one(result.currency))
    for symbol in result.fills["symbol"].unique(maintain_order=True).to_list():
        own = result.fills.filter(pl.col("symbol") == symbol).sort("known", maintain_order=True)
        when, paid = own["known"].to_numpy(), unsplit(own["known"].to_numpy(), own["price"].to_numpy(), symbol, result.splits)
        units = own["units"].to_numpy() * own["price"].to_numpy() / np.where(paid != 0.0, paid, 1.0)  # in today's units
        held = _at(when, np.cumsum(own["side"].to_numpy() * units), times)
        known, price = lines.get(symbol, (when, own["price"].to_numpy()))
        mark = _at(known, unsplit(known, price, symbol, result.splits), times)
        size = units * paid
        scale = _at(when, np.where(size > 0.0, own["notional"].abs().to_numpy() / one / np.where(size > 0.0, size, 1.0), 0.0), times)
        trips = result.trades.filter(pl.col("symbol") == symbol)
        begun, over = (np.sort(trips[name].drop_nulls().to_numpy()) for name in ("entered", "left"))
        flat = np.searchsorted(begun, times, side="right") == np.searchsorted(over, times, side="right")
        worth = np.where(flat, 0.0, held * np.nan_to_num(mark) * scale)
        both += np.maximum(worth, 0.0), np.minimum(worth, 0.0)
    value = result.value[rows]
    return times, *(np.where(value > 0.0, part / np.where(value > 0.0, value, 1.0), np.nan) for part in both)  # type: ignore[return-value]


def _at(known: NDArray[np.int64], values: NDArray[np.float64], times: NDArray[np.int64]) -> NDArray[np.float64]:
    """The last value known at each time; 0 before the first."""
    place = np.searchsorted(known, times, side="right") - 1
    return np.where(place >= 0, values[np.maximum(place, 0)], 0.0) if len(values) else np.zeros(len(times))


def _rounded(values: NDArray[np.float64], places: int) -> list[float | int | None]:
    """JSON numbers as short as they can be; None for nan."""
    if not places:
        return [None if v != v else round(v) for v in values.tolist()]
    return [None if v != v else round(v, places) for v in values.tolist()]
