"""An option chain made of a share's own prices by a formula, to try a strategy where no chain is at hand; nobody ever quoted these prices.

It is never mixed with real ones, and whoever uses it must say so: `NOTE`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.events import Bar
from argosy.core.instrument import Instrument
from argosy.core.tape import Tape
from argosy.core.time import DAY, HOUR
from argosy.data.chains import Listed, contract
from argosy.kernels.options.bulk import prices

NOTE = "SYNTHETIC options: Black-Scholes-Merton at the volatility of the last 60 days, rate 2 %; no such price was ever quoted"
LOOK = 60
"""Bars of the volatility, and days before its end on which a series is listed."""
RATE = 0.02
STRIKES: dict[Literal["call", "put"], tuple[float, ...]] = {"call": (1.0, 1.025, 1.05, 1.1), "put": (0.9, 0.95, 0.975, 1.0)}
"""Strikes of a series, as parts of the price when it is listed; rounded to the steps that exchanges use."""
YEAR = 365 * DAY
LEAST = 0.01


def chain(under: Instrument, tape: Tape, first: int) -> Listed:
    """Monthly series of calls and puts on the daily bars of one share, each priced at every open and close of its life.

    tape: bars of that share alone; first: id of the first contract. An open knows the volatility of the day before.
    Misuse("CHAIN_DAILY") for bars that are no days, since there is no volatility of a day in them.
    """
    span = tape["span"]
    if not len(tape) or tape.kind is not Bar or int(span.min()) < 3 * HOUR or int(span.max()) > DAY:
        what = f"a synthetic chain of {under.symbol} needs daily bars"
        raise Misuse("CHAIN_DAILY", what, where="--data", fix="import an option chain, or daily bars")
    close, known = tape["close"], tape["known"]
    sigma = volatility(close)
    rows: list[Instrument] = []
    columns: list[dict[str, NDArray[np.float64] | NDArray[np.int64]]] = []
    for day in fridays(int(known[LOOK]) if len(known) > LOOK else int(known[-1]), int(known[-1])):
        end = (day + 1) * DAY
        life = np.flatnonzero((known > end - LOOK * DAY) & (known <= end) & ~np.isnan(sigma))
        life = life[life > 0]
        if not len(life):
            continue
        listed_at = float(close[life[0]])
        step = Decimal(1) if listed_at < 25 else Decimal("2.5") if listed_at < 100 else Decimal(5) if listed_at < 250 else Decimal(10)
        for right, parts in STRIKES.items():
            for strike in sorted({(Decimal(str(listed_at * part)) / step).quantize(Decimal(1)) * step for part in parts} - {Decimal(0)}):
                rows.append(contract(under, day, strike.normalize(), right, under.calendar))
                columns.append(_life(tape, life, sigma, float(strike), right, end) | {"instrument": np.full(len(life), first + len(rows) - 1)})
    made = {name: np.concatenate([one[name] for one in columns]) for name in columns[0]} if columns else {}
    if not made:
        return Listed([], [], [NOTE])
    order = np.lexsort((made["instrument"], made["known"]))
    return Listed(rows, [Tape(Bar, {name: column[order] for name, column in made.items()})], [NOTE])


def volatility(close: NDArray[np.float64]) -> NDArray[np.float64]:
    """Deviation of the last `LOOK` daily logarithmic moves, a year of 252, at least 5 %; (T,), nan before there are so many."""
    moves = np.diff(np.log(close))
    out = np.full(len(close), np.nan)
    if len(moves) >= LOOK:
        views = np.lib.stride_tricks.sliding_window_view(moves, LOOK)
        out[LOOK:] = np.maximum(0.05, views.std(axis=1, ddof=1) * np.sqrt(252.0))
    return out


def fridays(low: int, high: int) -> list[int]:
    """Third Fridays of the months from `low` to two months after `high` (ns), as days since 1970."""
    months = np.arange(np.datetime64(low, "ns").astype("M8[M]"), np.datetime64(high, "ns").astype("M8[M]") + 3)
    begins = months.astype("M8[D]").astype(np.int64)
    return [int(day) for day in (begins + (4 - (begins + 3) % 7) % 7 + 14).tolist() if (day + 1) * DAY > low]


def _life(
    tape: Tape, life: NDArray[np.int64], sigma: NDArray[np.float64], strike: float, right: Literal["call", "put"], end: int
) -> dict[str, NDArray[np.float64] | NDArray[np.int64]]:
    """Bars of one contract: valued at the share's open and close, to the cent; between them it is not known."""
    sign = 1 if right == "call" else -1

    def worth(price: NDArray[np.float64], at: NDArray[np.int64], vol: NDArray[np.float64]) -> NDArray[np.float64]:
        years = np.maximum(end - at, HOUR) / YEAR
        return np.maximum(LEAST, np.round(prices(sign, price, strike, years, RATE, 0.0, vol), 2))

    opened = worth(tape["open"][life], tape["ts"][life], sigma[life - 1])
    closed = worth(tape["close"][life], tape["known"][life], sigma[life])
    unknown = np.isnan(opened)
    opened = np.where(unknown, closed, opened)
    own = {name: tape[name][life] for name in ("ts", "known", "span")}
    drawn = {"open": opened, "close": closed, "high": np.maximum(opened, closed), "low": np.minimum(opened, closed)}
    return own | drawn | {"volume": np.full(len(life), np.nan)}
