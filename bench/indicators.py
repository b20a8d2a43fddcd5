"""Indicators against TA-Lib on the same million closes, in turn; a ratio counts only where all outputs agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from time import process_time
from typing import Any

import numpy as np
import talib
from numpy.typing import NDArray

from argosy.kernels.indicators import DEFINITIONS, Indicator, adx, atr, bbands, ema, macd, rsi, sma
from bench.clock import in_turn, typical
from bench.figure import Figure, figure
from bench.market import prices

Column = NDArray[np.float64]
Series = dict[str, Column]
SEVEN: dict[str, tuple[Indicator, Callable[[Series], Any]]] = {
    "sma": (sma(30), lambda s: talib.SMA(s["close"], 30)),
    "ema": (ema(30), lambda s: talib.EMA(s["close"], 30)),
    "rsi": (rsi(14), lambda s: talib.RSI(s["close"], 14)),
    "macd": (macd(12, 26, 9), lambda s: talib.MACD(s["close"], 12, 26, 9)),
    "bbands": (bbands(20, 2.0), lambda s: talib.BBANDS(s["close"], 20, 2.0, 2.0)),
    "atr": (atr(14), lambda s: talib.ATR(s["high"], s["low"], s["close"], 14)),
    "adx": (adx(14), lambda s: talib.ADX(s["high"], s["low"], s["close"], 14)),
}
UNSTABLE = 2_000
"""Rows after which a recursive mean has forgotten how it was seeded."""
SAME = 1e-9


def series(rows: int) -> Series:
    """Columns in USD, and volume, (T,) float64."""
    made = prices(rows)
    return {name: getattr(made, name) / (1.0 if name == "volume" else 100.0) for name in made._fields}


def differs(indicator: Indicator, theirs: Any, columns: Series) -> str:
    """Where one of the outputs is not TA-Lib's, "" where all are: the same nan prefix, 1e-9 relative after the unstable rows."""
    others = theirs if isinstance(theirs, tuple) else (theirs,)
    for name, other in zip(_outputs(indicator, len(others)), others, strict=True):
        own = indicator.output(name).batch(columns)
        if not np.array_equal(np.isnan(own), np.isnan(other)):
            return f"{indicator.name}.{name} begins at row {_first(own)}, TA-Lib's at {_first(other)}"
        a, b = own[UNSTABLE:], other[UNSTABLE:]
        scale = np.maximum(np.abs(b), np.median(np.abs(b)))  # near a zero crossing the size of the series is the measure
        worst = float(np.max(np.abs(a - b) / scale))
        if not worst <= SAME:
            return f"{indicator.name}.{name} differs from TA-Lib by {worst:.1e}"
    return ""


def _outputs(indicator: Indicator, count: int) -> tuple[str, ...]:
    """Our outputs in TA-Lib's order: bands come as upper, middle, lower there."""
    names = indicator.outputs
    if indicator.name == "bbands":
        return tuple(sorted(names[:3], key=("upper", "middle", "lower").index))
    return names[:count] if len(names) >= count else names


def _first(values: Column) -> int:
    seen = np.flatnonzero(~np.isnan(values))
    return int(seen[0]) if len(seen) else -1


def figures(quick: bool) -> Iterator[Figure]:
    """Each one's time over TA-Lib's, their sum, and what one more bar costs in Python."""
    rows, pairs = (100_000, 5) if quick else (1_000_000, 15)
    columns = series(rows)
    faults = ""
    for name, (indicator, peer) in SEVEN.items():
        fault = differs(indicator, peer(columns), columns)
        pair = in_turn(partial(_timed, partial(indicator.batch, columns)), partial(_timed, partial(peer, columns)), pairs)
        faults = faults or fault
        note = f"{pair.ours / rows * 1e9:.2f} ns a row, TA-Lib {pair.theirs / rows * 1e9:.2f}; all outputs equal to 1e-9"
        yield figure(
            f"indicators.{name}", 1.0 / pair.ratio, wrong=fault, note=note, peer="TA-Lib 0.8.2", peer_value=1.0, ratio=pair.ratio
        )
    pair = in_turn(
        lambda: _timed(lambda: [own.batch(columns) for own, _ in SEVEN.values()]),
        lambda: _timed(lambda: [other(columns) for _, other in SEVEN.values()]),
        pairs,
    )
    note = f"{pair.ours / rows * 1e9:.2f} ns a row for all seven, TA-Lib {pair.theirs / rows * 1e9:.2f}"
    yield figure(
        "indicators.sum", 1.0 / pair.ratio, wrong=faults, note=note, peer="TA-Lib 0.8.2", peer_value=1.0, ratio=pair.ratio
    )
    yield from _streams(columns, 5_000 if quick else 20_000)


def _timed(work: Callable[[], Any]) -> float:
    begun = process_time()
    work()
    return process_time() - begun


def _streams(columns: Series, rows: int) -> Iterator[Figure]:
    """Microseconds of one `update` from Python, over the seven; the last value must be the batch's to the bit."""
    costs: dict[str, float] = {}
    fault = ""
    for name, (indicator, _) in SEVEN.items():
        inputs = list(zip(*(columns[column][:rows].tolist() for column in indicator.columns), strict=True))
        last = [0.0]

        def feed(indicator: Indicator = indicator, inputs: Any = inputs, last: list[float] = last) -> None:
            update = indicator.stream().update
            value = 0.0
            for row in inputs:
                value = update(*row)
            last[0] = value

        costs[name] = typical(feed, 5) / rows * 1e6
        whole = indicator.batch({column: columns[column][:rows] for column in indicator.columns})[-1]
        if not fault and last[0] != whole:
            fault = f"{name} streamed ends with {last[0]!r}, in bulk with {whole!r}"
    read = ", ".join(f"{name} {cost:.2f}" for name, cost in costs.items())
    yield figure("indicators.stream", median(costs.values()), wrong=fault, note=f"median of the seven; {read}; {len(DEFINITIONS)} defined")
    yield figure("indicators.stream_slowest", max(costs.values()), wrong=fault, note=f"{max(costs, key=costs.__getitem__)} of the seven")
