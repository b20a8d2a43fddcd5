"""How far each trade went against its owner and for him before it ended (MAE, MFE), from bars; it never counts a bar it cannot place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argosy.core.events import Bar
from argosy.core.instrument import Instrument
from argosy.core.tape import Tape
from argosy.lab.trades import Ratio

if TYPE_CHECKING:
    import polars as pl


class Range(NamedTuple):
    """Bars of one symbol, ascending, raw prices. ts, known: (B,) ns, when each began and was over; high, low: (B,) float64."""

    ts: NDArray[np.int64]
    known: NDArray[np.int64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]


def ranges(tapes: Sequence[Tape], instruments: Sequence[Instrument]) -> dict[str, Range]:
    """The finest bars of each instrument by symbol; those without bars are left out."""
    out: dict[str, Range] = {}
    for row in instruments:
        own = [tape.only(row.id) for tape in tapes if tape.kind is Bar and row.id in tape.instruments]
        if own:
            finest = min(own, key=lambda tape: int(np.median(tape["span"])))
            out[row.symbol] = Range(finest["ts"], finest["known"], finest["high"], finest["low"])
    return out


def excursions(trades: pl.DataFrame, bars: Mapping[str, Range], splits: Sequence[Ratio] = ()) -> pl.DataFrame:
    """`trades` with columns mae_frac, mfe_frac (fractions of the average entry price, 0 or more) and bars (how many were seen).

    A bar counts when it lies wholly inside the trade: it began at or after the entry and was over before the exit, or at the exit
    if the next bar began then. Of a bar inside which the trade ended only the exit's own average price counts, since what came
    first in it cannot be told; in a market without pauses an exit inside a bar cannot be told from one at the next opening, and
    the bar counts. Bars before a split that the trade lived through are put in the units after it. A symbol without bars has null.
    Source: Sweeney, Maximum Adverse Excursion (1997).
    """
    import polars as pl

    adverse: list[float | None] = []
    favourable: list[float | None] = []
    counts: list[int | None] = []
    names = ("symbol", "side", "entered", "left", "entry_price", "exit_price")
    for symbol, side, entered, left, entry, leave in zip(*[trades[name].to_list() for name in names], strict=True):
        one = bars.get(symbol)
        if one is None or not entry > 0.0:
            adverse.append(None)
            favourable.append(None)
            counts.append(None)
            continue
        first = int(np.searchsorted(one.ts, entered, side="left"))
        last = _end(one, left)
        low, high = _reach(one, first, last, [s for s in splits if s.symbol == symbol and (left is None or s.known <= left)])
        if leave is not None:
            low, high = min(low, leave), max(high, leave)
        down, up = (entry - low) / entry, (high - entry) / entry
        adverse.append(max(0.0, down if side > 0 else up))
        favourable.append(max(0.0, up if side > 0 else down))
        counts.append(max(0, last - first))
    return trades.with_columns(
        pl.Series("mae_frac", adverse, dtype=pl.Float64),
        pl.Series("mfe_frac", favourable, dtype=pl.Float64),
        pl.Series("bars", counts, dtype=pl.Int64),
    )


def _end(one: Range, left: int | None) -> int:
    """The number of bars that were over before a trade ended."""
    if left is None:
        return len(one.known)
    last = int(np.searchsorted(one.known, left, side="left"))
    abuts = last + 1 < len(one.known) and one.known[last] == left == one.ts[last + 1]
    return last + 1 if abuts else last


def _reach(one: Range, first: int, last: int, splits: Sequence[Ratio]) -> tuple[float, float]:
    """Lowest low and highest high of the bars from first to last, in the units after the splits; (inf, -inf) of none."""
    low, high = float("inf"), float("-inf")
    ratio = Fraction(1)
    stop = last
    for split in sorted(splits, key=lambda split: -split.known):
        start = min(max(first, int(np.searchsorted(one.ts, split.known, side="left"))), stop)
        low, high = _widest(one, start, stop, low, high, ratio)
        ratio *= Fraction(split.ratio).limit_denominator(10_000)
        stop = start
    return _widest(one, first, stop, low, high, ratio)


def _widest(one: Range, start: int, stop: int, low: float, high: float, ratio: Fraction) -> tuple[float, float]:
    """Widen (low, high) by the bars from start to stop, divided by a ratio; bars of nan say nothing."""
    if stop > start:
        below, above = np.fmin.reduce(one.low[start:stop]), np.fmax.reduce(one.high[start:stop])
        low = min(low, float(below) / float(ratio)) if below == below else low
        high = max(high, float(above) / float(ratio)) if above == above else high
    return low, high
