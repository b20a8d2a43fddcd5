"""The bars of one instrument as a compiled loop reads them, looked through once for each tape; wrong bars are refused here."""

from __future__ import annotations

from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.tape import Tape
from argosy.kernels.sweep.marks import BLOCK, blocks
from argosy.lab.verdict import daily, steps_a_year

BARS = ("ts", "known", "span", "open", "high", "low", "close", "volume")
_SEEN: WeakKeyDictionary[Tape, dict[int, Series]] = WeakKeyDictionary()


class Series(NamedTuple):
    """One instrument's bars. bars: the columns BARS; bounds: see `marks.blocks`; days: last rows of UTC days; ppy: days a year.

    span: the longest bar, ns
    """

    tape: Tape
    bars: tuple[NDArray[Any], ...]
    bounds: NDArray[np.float64]
    days: NDArray[np.int64]
    ppy: float
    span: int


def series(tape: Tape, instrument: int, symbol: str) -> Series:
    """The series of an instrument that the tape holds; Misuse: SWEEP_TAPE (bars overlap), SWEEP_PRICES."""
    known = _SEEN.setdefault(tape, {})
    if instrument not in known:
        known[instrument] = _series(tape.only(instrument), symbol)
    return known[instrument]


def _series(tape: Tape, symbol: str) -> Series:
    columns = tape.columns
    ts, known = columns["ts"], columns["known"]
    if np.any(known[1:] <= known[:-1]) or np.any(ts[1:] < known[:-1]) or np.any(known <= ts):
        raise Misuse("SWEEP_TAPE", f"bars of {symbol} overlap, or are known late", where=symbol, fix="one series, bar after bar")
    for name in ("open", "high", "low", "close"):
        fine = (columns[name] > 0.0) & (columns[name] < 1e9)
        if not np.all(fine):
            at = int(np.flatnonzero(~fine)[0])
            raise Misuse("SWEEP_PRICES", f"bar {at} of {symbol} has {name} {columns[name][at]}", where=symbol, fix="a price is positive")
    bounds = np.empty((4, -(-len(tape) // BLOCK)))
    blocks(columns["open"], columns["high"], columns["low"], columns["close"], bounds)
    bars = tuple(np.ascontiguousarray(columns[name]) for name in BARS)
    return Series(tape, bars, bounds, daily(known), steps_a_year(known), int(columns["span"].max()))
