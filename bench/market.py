"""Made-up prices for the bench: minutes of a random walk in whole cents, the same in every run and on every machine."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from argosy.core.events import Bar, BookDelta, Trade
from argosy.core.instrument import Instrument, Instruments
from argosy.core.tape import Tape
from argosy.core.time import MINUTE, MS

Cents = NDArray[np.int64]


class Prices(NamedTuple):
    """Minutes of one instrument, (T,) int64 cents; volume in shares."""

    open: Cents
    high: Cents
    low: Cents
    close: Cents
    volume: Cents


@lru_cache(maxsize=128)
def prices(rows: int, seed: int = 7) -> Prices:
    """A geometric walk of 4 basis points a minute from 100 USD; an open is within two cents of the close before it.

    Drawn by NumPy's legacy generator, whose numbers are frozen.
    """
    draw = np.random.RandomState(seed)
    close = np.maximum(np.rint(10_000.0 * np.exp(np.cumsum(draw.normal(0.0, 4e-4, rows)))), 100).astype(np.int64)
    gap = draw.randint(-2, 3, rows)
    open_ = np.maximum(np.concatenate(([10_000], close[:-1])) + gap, 1)
    high = np.maximum(open_, close) + draw.randint(0, 6, rows)
    low = np.maximum(np.minimum(open_, close) - draw.randint(0, 6, rows), 1)
    volume = draw.randint(100, 20_000, rows).astype(np.int64)
    made = Prices(open_, high, low, close, volume)
    for column in made:
        column.flags.writeable = False
    return made


@lru_cache(maxsize=4)
def tape(rows: int, instruments: int = 1, seed: int = 7) -> Tape:
    """Bars of `instruments` walks of `rows` minutes each, known at the end of their minute; prices cents as float64."""
    series = [prices(rows, seed + k) for k in range(instruments)]
    minute = np.repeat(np.arange(rows, dtype=np.int64) * MINUTE, instruments)
    columns = {
        name: np.stack([getattr(one, name) for one in series], axis=1).ravel() / (1.0 if name == "volume" else 100.0)
        for name in Prices._fields
    }
    whose = np.tile(np.arange(instruments, dtype=np.int64), rows)
    spans = np.full(rows * instruments, MINUTE)
    return Tape(Bar, {"ts": minute, "known": minute + MINUTE, "instrument": whose, "span": spans} | columns)


@lru_cache(maxsize=4)
def prints(rows: int, seed: int = 11) -> tuple[Cents, Cents]:
    """Trades a millisecond apart that swing about 100 USD: prices in even cents, and the aggressor's side (+1 up, -1 down)."""
    draw = np.random.RandomState(seed)
    steps = draw.choice(np.asarray([-2, 2]), rows).tolist()
    turns = draw.random_sample(rows).tolist()
    away, path = 0, []
    for step, turn in zip(steps, turns, strict=True):
        away += -step if away * step > 0 and turn < abs(away) / 40 else step
        path.append(10_000 + away)
    price = np.asarray(path, dtype=np.int64)
    side = np.sign(np.diff(price, prepend=10_000)).astype(np.int64)
    return price, side


@lru_cache(maxsize=2)
def trade_tape(rows: int) -> Tape:
    """The prints as trades of one share each, known when they happen."""
    price, side = prints(rows)
    when = np.arange(1, rows + 1, dtype=np.int64) * MS
    columns = {
        "ts": when, "known": when, "instrument": np.zeros(rows, np.int64), "price": price / 100.0, "size": np.ones(rows), "side": side,
    }  # fmt: skip
    return Tape(Trade, columns)


@lru_cache(maxsize=2)
def book_tape(rows: int, seed: int = 13) -> tuple[Tape, Tape]:
    """As many rows again, half trades and half levels of a book about them, each known half a millisecond after a trade.

    The book shows bids below the last trade and asks above it, so that it never meets an order that rests between; sizes and
    levels change at random, some are deleted.
    """
    trades = trade_tape(rows // 2)
    draw = np.random.RandomState(seed)
    n = len(trades)
    side = draw.choice(np.asarray([-1, 1]), n)
    cents = np.rint(trades["price"] * 100.0).astype(np.int64) - side * draw.randint(60, 70, n)
    size = np.where(draw.random_sample(n) < 0.3, 0.0, draw.randint(1, 50, n).astype(np.float64))
    when = trades["known"] + MS // 2
    columns = {
        "ts": when, "known": when, "instrument": np.zeros(n, np.int64), "side": side, "price": cents / 100.0, "size": size,
        "clear": np.zeros(n, np.bool_),
    }  # fmt: skip
    return trades, Tape(BookDelta, columns)


def table(instruments: int = 1) -> Instruments:
    """Shares in whole lots, open round the clock."""
    return Instruments([Instrument(symbol=f"X{k}") for k in range(instruments)])
