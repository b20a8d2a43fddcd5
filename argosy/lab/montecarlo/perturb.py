"""Prices a little different from what they were, and bars that are still bars; what was known when is never touched."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.events import Bar, Quote, Trade
from argosy.core.instrument import Instrument
from argosy.core.tape import Tape

Prices = NDArray[np.float64]


def perturbed(tapes: Sequence[Tape], instruments: Sequence[Instrument], bps: float, seed: int, path: int) -> list[Tape]:
    """The tapes with every price moved by normal noise of `bps` basis points of it, on the tick grid.

    Of a bar, open, high, low and close are moved each by itself; then the high is at least, the low at most the others. A quote's bid
    and ask move together. The same seed and path give the same prices. Misuse: MONTE_NOISE (no noise), MONTE_TAPE (books).
    """
    if not 0.0 < bps < 5_000.0:
        raise Misuse("MONTE_NOISE", f"{bps} bps is no noise", where="noise", fix="more than 0, less than 5000")
    return [_moved(tape, instruments, bps * 1e-4, np.random.default_rng([seed % (1 << 64), path, k])) for k, tape in enumerate(tapes)]


def _moved(tape: Tape, instruments: Sequence[Instrument], size: float, rng: np.random.Generator) -> Tape:
    names = {Bar: ("open", "high", "low", "close"), Quote: ("bid", "ask"), Trade: ("price",)}.get(tape.kind)
    if names is None:
        raise Misuse("MONTE_TAPE", f"prices of {tape.kind.__name__} cannot be moved", where=tape.kind.__name__, fix="use bars, quotes or trades")
    count = len(tape)
    drawn = rng.standard_normal((len(names) if tape.kind is Bar else 1, count)) * size
    found: dict[str, Any] = {}
    for k, name in enumerate(names):
        found[name] = _snapped(tape[name] * np.exp(drawn[k if tape.kind is Bar else 0]), tape["instrument"], instruments)
    if tape.kind is Bar:
        found["high"] = np.maximum(np.maximum(found["high"], found["low"]), np.maximum(found["open"], found["close"]))
        found["low"] = np.minimum(np.minimum(found["high"], found["low"]), np.minimum(found["open"], found["close"]))
    return Tape(tape.kind, dict(tape.columns) | found)


def _snapped(prices: Prices, instrument: NDArray[np.int64], instruments: Sequence[Instrument]) -> Prices:
    """Prices on the nearest tick of their instruments, one tick at least."""
    out = np.array(prices)
    for row in instruments:
        own = instrument == row.id
        if own.any():
            mine = out[own]
            out[own] = np.where(mine >= 1.0, _on(mine, row.tick), _on(mine, row.tick_small))
    return out


def _on(prices: Prices, tick: Decimal) -> Prices:
    num, den = tick.as_integer_ratio()
    steps = np.maximum(1.0, np.rint(prices * (den / num)))
    return np.where(np.isnan(prices), np.nan, steps * num / den)
