"""The figures of every indicator for docs/indicators.md: a row of bars in bulk, TA-Lib beside it, and one bar streamed.

    python -m bench.indicator_page            measure, and write them into the page
    python -m bench.indicator_page --print    measure, and only show them
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import talib
from talib import MA_Type  # type: ignore[attr-defined, unused-ignore]  # it is there, unsaid

from argosy.kernels.indicators import DEFINITIONS, Indicator
from argosy.kernels.indicators.page import example
from bench.clock import in_turn, seconds, typical
from bench.indicators import Column, Series, series

PAGE = Path(__file__).resolve().parent.parent / "docs/indicators.md"
BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->\n"
ROWS = 1_000_000
STREAMED = 20_000
PAIRS = 7

SIMPLE, EXPONENTIAL = MA_Type.SMA, MA_Type.EMA
Peer = Callable[..., Any]
HLC = ("high", "low", "close")
THEIRS: dict[str, tuple[Peer, tuple[str, ...]]] = {
    "adx": (talib.ADX, HLC), "aroon": (talib.AROON, HLC[:2]), "atr": (talib.ATR, HLC), "cci": (talib.CCI, HLC),
    "bbands": (lambda x, n, k: talib.BBANDS(x, n, k, k), ("close",)), "dema": (talib.DEMA, ("close",)), "ema": (talib.EMA, ("close",)),
    "correl": (talib.CORREL, ("close", "volume")), "beta": (talib.BETA, ("close", "volume")), "highest": (talib.MAX, ("high",)),
    "kama": (lambda x, n, fast, slow: talib.KAMA(x, n), ("close",)), "lowest": (talib.MIN, ("low",)), "macd": (talib.MACD, ("close",)),
    "mfi": (talib.MFI, (*HLC, "volume")), "mom": (talib.MOM, ("close",)), "natr": (talib.NATR, HLC), "obv": (talib.OBV, ("close", "volume")),
    "ppo": (lambda x, fast, slow, signal: talib.PPO(x, fast, slow, EXPONENTIAL), ("close",)), "psar": (talib.SAR, HLC[:2]),
    "roc": (talib.ROC, ("close",)), "rsi": (talib.RSI, ("close",)), "sma": (talib.SMA, ("close",)), "stddev": (talib.STDDEV, ("close",)),
    "stoch": (lambda h, l, c, n, smooth, d: talib.STOCH(h, l, c, n, smooth, SIMPLE, d, SIMPLE), HLC), "tema": (talib.TEMA, ("close",)),
    "stochrsi": (lambda x, n, window, d: talib.STOCHRSI(x, n, window, d, SIMPLE), ("close",)), "willr": (talib.WILLR, HLC),
    "wma": (talib.WMA, ("close",)),
}  # fmt: skip
"""TA-Lib's call and what it reads, for those that it has; its numbers are ours."""


def made(name: str) -> Indicator:
    """An indicator with its defaults, n = 10 where there is none; those of two series read close and volume."""
    two = "other" in DEFINITIONS[name].inputs
    return Indicator(name, example(name), of=("close", "volume") if two else ())


def numbers(name: str) -> list[float]:
    """Its numbers as TA-Lib takes them: whole ones as int, but for factors."""
    factors = {"psar": (0, 1), "bbands": (1,), "stddev": (1,)}.get(name, ())
    return [value if k in factors else int(value) for k, value in enumerate(example(name))]


def row(name: str, columns: Series) -> str:
    """One line of the table: nanoseconds a row in bulk, TA-Lib's, their ratio, microseconds of one bar streamed from Python."""
    indicator = made(name)
    bulk = partial(seconds, partial(indicator.batch, columns))
    bulk()
    if name in THEIRS:
        peer, reads = THEIRS[name]
        theirs: Callable[[], Any] = partial(peer, *(columns[column] for column in reads), *numbers(name))
        pair = in_turn(bulk, partial(seconds, theirs), PAIRS)
        beside, ratio = f"{pair.theirs / ROWS * 1e9:.1f}", f"{1.0 / pair.ratio:.2f}"
        own = pair.ours
    else:
        beside, ratio, own = "", "", typical(partial(indicator.batch, columns), PAIRS)
    return f"| `{indicator.name}` | {own / ROWS * 1e9:.1f} | {beside} | {ratio} | {_streamed(indicator, columns):.2f} |"


def _streamed(indicator: Indicator, columns: Series) -> float:
    """Microseconds of one `update` from Python."""
    inputs = list(zip(*(_first(columns[column]) for column in indicator.columns), strict=True))

    def feed() -> None:
        update = indicator.stream().update
        for values in inputs:
            update(*values)

    feed()
    return typical(feed, 3) / STREAMED * 1e6


def _first(column: Column) -> list[float]:
    found: list[float] = column[:STREAMED].tolist()
    return found


def table() -> str:
    """Markdown, one row an indicator, in order of the alphabet."""
    columns = series(ROWS)
    rows = [
        f"Measured by `python -m bench.indicator_page` over {ROWS:,} rows, in turn with TA-Lib {talib.__version__}; processor time.", "",
        "| indicator | ns a row | TA-Lib ns | ours / TA-Lib | one bar streamed, µs |", "|---|---:|---:|---:|---:|",
    ]  # fmt: skip
    for name in sorted(DEFINITIONS):
        rows.append(row(name, columns))
        print(rows[-1], file=sys.stderr, flush=True)
    return "\n".join(rows) + "\n"


def written(page: str, shown: str) -> str:
    """The page with its figures made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{shown}{END}{after}"


if __name__ == "__main__":
    measured = table()
    if "--print" in sys.argv:
        print(measured)
    else:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), measured), encoding="utf-8")
