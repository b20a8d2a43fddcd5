"""Where the compiled tick lane keeps its numbers: the names of columns and places; nothing is computed here."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


def _own(count: int) -> Any:
    """So many numbers from 0 on, each an int64: for each plain number as an argument the compiler would make a callee anew."""
    return [np.int64(k) for k in range(count)]


NEVER = (1 << 63) - 1
BOUNDLESS = 1 << 62
BOOK, QUOTE, TRADE = 0, 1, 2
"""Kinds of rows, as `core.strategy.Tick` counts them."""

# columns of an order, int64: as the engine knows it ...
WORK, CANCELLING, LOTS, CUM, LEFT, LEG, TURNED, FORGONE, SIDE, TAG, REDUCE, PARENT, GROUP, SERIAL, KIND = (
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
)  # fmt: skip
# ... and as the venue has it. LIVE: 0 gone, 1 at work, 2 a leg that waits; AMEND: terms that hold from the next row on; MOST: lots
# it may take of the row at hand
LIVE, VKIND, VLOTS, FILLED, ARMED, FROM, PLACE, SEEN, ENDS, AMEND, MORE, TODO, TAKES, MAKER, MOST = (
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29,
)  # fmt: skip
INTEGERS = 30
# float64: its level as the engine and as the venue know it, the next one, and of the row at hand how far off and which price;
# what stands before it, of that its own account's, and what has traded there since the level was heard of
LEVEL, VLEVEL, NEXT, AWAY, PRICED, AHEAD, OWN, DEALT = 0, 1, 2, 3, 4, 5, 6, 7
FLOATS = 8
MARKET, LIMITED, STOPS = 0, 1, 2
CAPACITY = 24

NIL, ONE = _own(2)
SENT, WORKING, ACKED, LEAVING, MOVING, CANCELED, EXPIRED, DONE = _own(8)
"""WORK of an order; from CANCELED on it has ended."""

# columns of a message on its way to the engine, int64, and its price
KNOWN, WHAT, WHOSE, COUNT, AT, REST = 0, 1, 2, 3, 4, 5
WORDS = 6
ACCEPT, HELD, GONE, RESIZED, WOKEN, AMENDED, REFUSED_CANCEL, REFUSED_AMEND, FILL = _own(9)
BOX = 96
# columns of what is on its way to the venue (cancels and amends), and its level; of what the engine asks for now, WHEN is unused
WHEN, ASKED, ORDER, SIZE = 0, 1, 2, 3
ERRANDS = 4
CANCEL, AMENDS, SUBMIT = _own(3)

# places of `acct` beyond those of `kernels.sweep.account`
VHELD, RANKED, ARRIVED, MESSAGES, WAITING, UNDERWAY, DIRTY, TIRES, TIRED_AT, MARKED, ASKS, CLOSED, ROOMY, INSTANT, STEPPED = (
    31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45,
)  # fmt: skip
WROTE = 12
"""First of the four places of `lvl` with what a step had written when it was last looked at."""


class Rows(NamedTuple):
    """The rows of one instrument in order, (T,) each, and its instants.

    kind, price, size, side: of trades and of levels; bid, ask, bid_size, ask_size: what a quote, or the book after a row, shows
    standing_bid, standing_ask: the last quote's at the end of the row's instant; before: size of its level before a book row
    low, high: what of the row may touch an order: the price, or the ask and the bid; inf and -inf where nothing does
    bounds:  (2, blocks) lowest low and highest high of each block of rows
    number:  the instant of a row; starts: (K + 1,) first row of each instant
    marks:   (K,) last price at the end of each instant, 0 before the first; mark_bounds: what `sweep.marks.blocks` made of them
    moments: (K,) when each instant was known; levels: of book rows sorted by (side, price, row): side, price, row, size
    clears:  rows that began a new book
    """

    ts: Any
    known: Any
    kind: Any
    price: Any
    size: Any
    side: Any
    bid: Any
    ask: Any
    bid_size: Any
    ask_size: Any
    standing_bid: Any
    standing_ask: Any
    before: Any
    low: Any
    high: Any
    bounds: Any
    number: Any
    starts: Any
    marks: Any
    mark_bounds: Any
    moments: Any
    level_side: Any
    level_price: Any
    level_row: Any
    level_size: Any
    clears: Any


class Sea(NamedTuple):
    """What lies between a strategy and its fills: the three models, each by itself, and the tape's own facts.

    latency, jitter, report: ns there, its spread, and back; seed: of the spread; frac: share of a row's size, 0 no cap
    queue:   a model of `kernels.queue`; takes: trades fill what takes, for no quote and no book could; deep: book rows match
    watched: bits of the kinds of rows that the step is called for
    """

    latency: int
    jitter: int
    report: int
    seed: int
    frac: float
    queue: int
    takes: bool
    deep: bool
    watched: int


class Desk(NamedTuple):
    """One combination's orders and mail. oi, of: orders; box, prices: messages to the engine; bag, levels: errands to the venue;
    asks, asked: what the engine asks for now."""

    oi: Any
    of: Any
    box: Any
    prices: Any
    bag: Any
    levels: Any
    asks: Any
    asked: Any
