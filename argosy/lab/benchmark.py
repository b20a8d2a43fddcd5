"""Buying and holding: what the same cash would have become in the same instruments without any cleverness or cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from argosy.core.events import Bar, Delist, Dividend, Event, Quote, Split, Trade
from argosy.core.tape import Tape


def buy_and_hold(known: NDArray[np.int64], tapes: Sequence[Tape], instruments: Sequence[int], cash: float, events: Iterable[Event] = ()) -> NDArray[np.float64]:
    """Value of `cash` put in equal parts into `instruments`, each at its first price, and held: (T,) float64 currency.

    known:  (T,) ns UTC ascending: when to value it; row t uses prices known <= known[t]
    events: splits, dividends (kept as cash) and delistings; others are ignored
    A part waits as cash until its instrument has a price. There are no fees, no slippage and no rebalancing, and units
    may be fractions: it is the easiest opponent to describe and a hard one to beat.
    """
    total = np.zeros(len(known), np.float64)
    if not len(instruments):
        return total + cash
    share = cash / len(instruments)
    by_id: dict[int, list[Event]] = {}
    for event in sorted(events, key=lambda event: event.known):
        if isinstance(event, Split | Dividend | Delist):
            by_id.setdefault(event.instrument, []).append(event)
    for instrument in instruments:
        when, price = prices(tapes, instrument)
        total += _one(known, when, price, share, by_id.get(instrument, []))
    return total


def prices(tapes: Sequence[Tape], instrument: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(known, raw price) of one instrument in order: closes of bars, else trades, else the middle of quotes."""
    for kind in (Bar, Trade, Quote):
        rows = [tape.only(instrument) for tape in tapes if tape.kind is kind]
        rows = [tape for tape in rows if len(tape)]
        if not rows:
            continue
        tape = Tape.merge(rows)
        price = tape["close"] if kind is Bar else tape["price"] if kind is Trade else (tape["bid"] + tape["ask"]) / 2
        good = np.isfinite(price)
        return tape["known"][good], price[good]
    return np.zeros(0, np.int64), np.zeros(0, np.float64)


def _one(known: NDArray[np.int64], when: NDArray[np.int64], price: NDArray[np.float64], cash: float, events: list[Event]) -> NDArray[np.float64]:
    """The value of one part at each `known`."""
    out = np.full(len(known), cash, np.float64)
    if not len(when):
        return out
    units, kept = cash / price[0], 0.0
    edges = [event for event in events if event.known > when[0]]
    begin = int(np.searchsorted(known, when[0], side="left"))
    row = np.searchsorted(when, known, side="right") - 1
    last = price[0]
    for event in [*edges, None]:
        end = len(known) if event is None else int(np.searchsorted(known, event.known, side="left"))
        if end > begin:
            out[begin:end] = units * _at(price, when, row[begin:end], edges, event, known[begin:end]) + kept
            begin = end
        if event is None:
            break
        at = int(np.searchsorted(when, event.known, side="right")) - 1
        last = price[at] if at >= 0 else last
        if isinstance(event, Split):
            units *= event.ratio
        elif isinstance(event, Dividend):
            kept += units * event.amount
        elif isinstance(event, Delist):
            kept += units * event.price
            units = 0.0
    return out


def _at(price: NDArray[np.float64], when: NDArray[np.int64], row: NDArray[np.int64], edges: list[Event], until: Event | None, known: NDArray[np.int64]) -> NDArray[np.float64]:
    """Prices of rows, where one printed before a split that is already known is divided by its ratio."""
    out = price[row].copy()
    for split in edges:
        if isinstance(split, Split):
            stale = (when[row] < split.known) & (known >= split.known)
            out[stale] /= split.ratio
    return out
