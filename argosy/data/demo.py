"""Real prices to start with: five US stocks, daily, 2000 to 2013, packaged with the house; it needs no network.

It never changes the packaged rows; what they are and where they come from is told in demo.md beside this file.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Broken
from argosy.core.events import Bar
from argosy.core.instrument import Instrument, Instruments
from argosy.core.tape import Tape
from argosy.data.actions import Action, derive, in_order

FILE = Path(__file__).with_name("demo.parquet")
CALENDAR = "XNYS"


class Demo(NamedTuple):
    """Ready for a replay. tape: raw daily Bars (ts = the session's open, known = its close); adjusted: (T,) adjusted closes.

    actions: the splits and dividends of the tape's instruments, by known. Ids in tape and actions are those of
    `instruments`.
    """

    instruments: Instruments
    tape: Tape
    actions: list[Action]
    adjusted: NDArray[np.float64]


def load(symbols: tuple[str, ...] | list[str] = ()) -> Demo:
    """The packaged prices of `symbols` in that order, all five (AAPL FB GOOG IBM MSFT) when none is named.

    Prices are raw USD, volumes raw shares. Raises Misuse("INSTRUMENT_UNKNOWN") for a symbol that is not packaged and
    Broken("DEMO_FILE") when the package is damaged.
    """
    import polars as pl

    try:
        table = pl.read_parquet(FILE)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise Broken("DEMO_FILE", f"the packaged prices cannot be read: {error}", where=str(FILE), fix="install again") from error
    names = table["symbol"].to_numpy()
    packaged = Instruments(Instrument(symbol=str(name), calendar=CALENDAR) for name in sorted(set(names.tolist())))
    chosen = Instruments(packaged[symbol] for symbol in symbols) if symbols else packaged
    parts: list[NDArray[np.int64]] = []
    actions: list[Action] = []
    adjusted = table["adj_close"].to_numpy()
    columns = {name: table[name].to_numpy() for name in ("ts", "known", "open", "high", "low", "close", "volume")}
    columns["span"] = columns["known"] - columns["ts"]
    for instrument in chosen:
        rows = np.flatnonzero(names == instrument.symbol)
        own = {name: column[rows] for name, column in columns.items()}
        tape = Tape(Bar, own | {"instrument": np.full(len(rows), instrument.id)})
        actions += derive(tape, adjusted[rows], currency=instrument.currency, base="ex").actions
        parts.append(rows)
    rows = np.concatenate(parts)
    columns["instrument"] = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    columns = {name: column if name == "instrument" else column[rows] for name, column in columns.items()}
    order = np.lexsort((columns["instrument"], columns["known"]))
    tape = Tape(Bar, {name: column[order] for name, column in columns.items()})
    return Demo(chosen, tape, in_order(actions), adjusted[rows][order])
