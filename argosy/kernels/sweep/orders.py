"""The orders of one combination that rest at the venue, and what each bar fills of them, as the simulated venue does (HEART §7).

It knows no latency and no caps, and fills nothing that the venue of the walk lane would not.
"""

from __future__ import annotations

from typing import Any

from argosy.kernels.fills import limit_fill, stop_fill
from argosy.kernels.kernel import kernel
from argosy.kernels.slippage import bps as slip_bps
from argosy.kernels.sweep.account import (
    CHILD,
    HELD,
    NEVER,
    NOW,
    ORDERS,
    REFUSED,
    TRIMMED,
    WANT,
    WTURN,
    Market,
    execute,
)

NAN = float("nan")
INF = float("inf")
# columns of `oi`, int64. LIVE: 0 gone, 1 at work, 2 a leg that waits; FROM: first row that may touch it; AMEND: row from which
# its next level holds, -1 none; TODO, TAKES, MAKER: of the row at hand; NOTE: its place in the log of orders
LIVE, KIND, SIDE, LOTS, PLACE, FROM, SEEN, MET, ENDS, REDUCE, TAG, PARENT, SERIAL, GROUP, BORN, AMEND, TODO, TAKES, MAKER, NOTE = (
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
)  # fmt: skip
INTEGERS = 20
# columns of `of`, float64: its level (nan at market), the next one, and of the row at hand: how far off, price
LEVEL, NEXT, AWAY, PRICED = 0, 1, 2, 3
FLOATS = 4
MARKET, LIMITED, STOPS = 0, 1, 2
CAPACITY = 24
GONE, FILLED, EXPIRED = 1, 2, 3
"""How an order ended, in the log of orders (0: it rests)."""


@kernel
def ended(acct: Any, oi: Any, k: int) -> None:
    """Take an order off; the legs that wait for it go with it."""
    oi[k, LIVE] = 0
    serial = oi[k, SERIAL]
    for j in range(acct[ORDERS]):
        if oi[j, PARENT] == serial and oi[j, LIVE] == 2:
            oi[j, LIVE] = 0


@kernel
def expire(acct: Any, oi: Any, notes: Any, k: int) -> None:
    """A DAY order ended by itself: what it lacked is given up, unless something was wished since."""
    if oi[k, TAG] == CHILD and acct[WTURN] <= oi[k, BORN]:
        acct[WANT] -= oi[k, SIDE] * oi[k, LOTS]
    if oi[k, NOTE] < len(notes):
        notes[oi[k, NOTE]].end = EXPIRED
    ended(acct, oi, k)


@kernel
def compact(acct: Any, oi: Any, of: Any, notes: Any) -> None:
    """Forget the orders that are gone, and note when; the others keep their order."""
    n = 0
    for k in range(acct[ORDERS]):
        if oi[k, LIVE] != 0:
            if n != k:
                for c in range(INTEGERS):
                    oi[n, c] = oi[k, c]
                for c in range(FLOATS):
                    of[n, c] = of[k, c]
            n += 1
        elif oi[k, NOTE] < len(notes):
            note = notes[oi[k, NOTE]]
            note.ended = acct[NOW]
            if note.end == 0:
                note.end = GONE
    acct[ORDERS] = n


@kernel
def offer(oi: Any, of: Any, k: int, price: float, high: float, low: float, maker: int, mark: int, market: Market) -> None:
    """Note whether a row from `price` on touches an order: `mark` in its TODO."""
    kind = oi[k, KIND]
    side = oi[k, SIDE]
    level = of[k, LEVEL]
    if kind == MARKET:
        oi[k, TODO], oi[k, TAKES], oi[k, MAKER] = mark, 0, 0
        of[k, AWAY], of[k, PRICED] = -INF, price
    elif kind == LIMITED:
        px = limit_fill(side, level, price, high, low, market.through)
        if px == px:
            oi[k, TODO], oi[k, TAKES], oi[k, MAKER] = mark, 1, maker
            of[k, AWAY], of[k, PRICED] = side * (price - level), px
    else:
        px = stop_fill(side, level, price, high, low)
        if px == px:
            oi[k, TODO], oi[k, TAKES], oi[k, MAKER] = mark, 0, 0
            of[k, AWAY], of[k, PRICED] = side * (level - price), px


@kernel
def first(acct: Any, oi: Any, of: Any, mark: int) -> int:
    """The order whose turn it is of those noted: what takes, then the better price, then who came first; -1 none."""
    best = -1
    for k in range(acct[ORDERS]):
        if oi[k, TODO] != mark:
            continue
        if best < 0:
            best = k
            continue
        better = oi[k, TAKES] < oi[best, TAKES]
        if oi[k, TAKES] == oi[best, TAKES]:
            better = of[k, AWAY] < of[best, AWAY] or (of[k, AWAY] == of[best, AWAY] and oi[k, PLACE] < oi[best, PLACE])
        if better:
            best = k
    return best


@kernel
def take(
    acct: Any, lvl: Any, oi: Any, of: Any, log: Any, notes: Any, market: Market, schedule: Any, k: int, row: int, at: int
) -> float:
    """Fill an order at its price of this row, as far as it may reduce; returns the price, nan when nothing filled."""
    oi[k, TODO] = 0
    if oi[k, LIVE] != 1:
        return NAN
    side = oi[k, SIDE]
    full = oi[k, LOTS]
    lots = full
    if oi[k, REDUCE] != 0:
        held = -side * acct[HELD]
        if held < lots:
            lots = held if held > 0 else 0
    price = of[k, PRICED]
    if lots > 0:
        if oi[k, TAKES] == 0 and market.bps != 0.0:
            price = slip_bps(side, price, market.bps)
        execute(acct, lvl, log, market, schedule, side, lots, price, oi[k, MAKER] != 0, oi[k, TAG], row, at)
        oi[k, LOTS] = full - lots
        if oi[k, NOTE] < len(notes):
            note = notes[oi[k, NOTE]]
            note.filled += lots
            note.price = price
            if lots == full:
                note.end = FILLED
        if lots == full:
            oi[k, LIVE] = 0
        group = oi[k, GROUP]
        serial = oi[k, SERIAL]
        for j in range(acct[ORDERS]):
            if j == k or oi[j, LIVE] == 0:
                continue
            if group != 0 and oi[j, GROUP] == group:
                oi[j, LOTS] -= lots
                if lots == full or oi[j, LOTS] <= 0:
                    oi[j, LIVE] = 0
            if oi[j, PARENT] == serial and oi[j, LIVE] == 2:
                oi[j, LIVE] = 1
                oi[j, FROM] = row
    else:
        price = NAN
    if lots < full and side * acct[HELD] >= 0 and oi[k, LIVE] == 1:
        oi[k, LIVE] = 0
        if oi[k, TAG] == CHILD:
            acct[REFUSED] = TRIMMED
    return float(price)


@kernel
def opening(
    acct: Any, lvl: Any, oi: Any, of: Any, log: Any, notes: Any, market: Market, schedule: Any, row: int, at: int, ts: int,
    whole: bool, trading: bool, price: float,
) -> None:  # fmt: skip
    """Match the open: market orders, triggered stops, limits it meets; then the legs of what filled."""
    for k in range(acct[ORDERS]):
        if oi[k, AMEND] >= 0 and oi[k, AMEND] <= row:
            of[k, LEVEL] = of[k, NEXT]
            oi[k, AMEND] = -1
            oi[k, SEEN] = 0
    for k in range(acct[ORDERS]):
        oi[k, TODO] = 0
        if oi[k, LIVE] != 1 or oi[k, FROM] > row:
            continue
        if oi[k, ENDS] <= ts and (oi[k, MET] != 0 or not whole):
            expire(acct, oi, notes, k)
            continue
        oi[k, MET] = 1
        if trading:
            offer(oi, of, k, price, price, price, oi[k, SEEN], 1, market)
            oi[k, SEEN] = 1
    k = first(acct, oi, of, 1)
    while k >= 0:
        take(acct, lvl, oi, of, log, notes, market, schedule, k, row, at)
        serial = oi[k, SERIAL]
        for j in range(acct[ORDERS]):
            if oi[j, PARENT] == serial and oi[j, LIVE] == 1:
                offer(oi, of, j, price, price, price, 0, 2, market)
        j = first(acct, oi, of, 2)
        while j >= 0:
            take(acct, lvl, oi, of, log, notes, market, schedule, j, row, at)
            j = first(acct, oi, of, 2)
        k = first(acct, oi, of, 1)
    compact(acct, oi, of, notes)


@kernel
def inside(
    acct: Any, lvl: Any, oi: Any, of: Any, log: Any, notes: Any, market: Market, schedule: Any, row: int, price: float, high: float,
    low: float,
) -> None:  # fmt: skip
    """Match what lies between the open and the close; of legs born here only the stops."""
    for k in range(acct[ORDERS]):
        oi[k, TODO] = 0
        if oi[k, LIVE] == 1 and oi[k, FROM] <= row and oi[k, KIND] != MARKET:
            offer(oi, of, k, price, high, low, 1, 1, market)
    filled = 0
    k = first(acct, oi, of, 1)
    while k >= 0:
        entry = take(acct, lvl, oi, of, log, notes, market, schedule, k, row, row)
        if entry == entry:
            filled += 1
            oi[k, TODO] = -filled
            of[k, PRICED] = entry
        k = first(acct, oi, of, 1)
    for turn in range(filled):
        for k in range(acct[ORDERS]):
            if oi[k, TODO] != -1 - turn:
                continue
            serial = oi[k, SERIAL]
            for j in range(acct[ORDERS]):
                if oi[j, PARENT] == serial and oi[j, LIVE] == 1 and oi[j, KIND] == STOPS:
                    offer(oi, of, j, of[k, PRICED], high, low, 0, 2, market)
            j = first(acct, oi, of, 2)
            while j >= 0:
                take(acct, lvl, oi, of, log, notes, market, schedule, j, row, row)
                j = first(acct, oi, of, 2)
    for k in range(acct[ORDERS]):
        oi[k, TODO] = 0
        if oi[k, LIVE] == 1 and oi[k, FROM] <= row:
            oi[k, SEEN] = 1
    compact(acct, oi, of, notes)


@kernel
def closing(acct: Any, oi: Any, of: Any, notes: Any) -> None:
    """A session ended: its DAY orders end with it."""
    for k in range(acct[ORDERS]):
        if oi[k, LIVE] == 1 and oi[k, TAG] == CHILD:
            expire(acct, oi, notes, k)
    compact(acct, oi, of, notes)


@kernel
def reach(acct: Any, oi: Any, of: Any, stamps: Any, row: int) -> tuple[float, float, int]:
    """(floor, ceiling, due): a bar from `row` to before `due` that lies between them touches no order.

    stamps: (T,) starts of the bars. Where the very next bar must be seen, none lies between them.
    """
    low, high, due = -INF, INF, len(stamps)
    ends = NEVER
    for k in range(acct[ORDERS]):
        if oi[k, AMEND] >= 0 or (oi[k, LIVE] == 1 and (oi[k, SEEN] == 0 or (oi[k, TAG] == CHILD and oi[k, KIND] == MARKET))):
            return INF, -INF, due
        if oi[k, LIVE] != 1:
            continue
        if oi[k, ENDS] < ends:
            ends = oi[k, ENDS]
        level = of[k, LEVEL]
        if (oi[k, SIDE] > 0) == (oi[k, KIND] == LIMITED):
            low = max(low, level)
        else:
            high = min(high, level)
    if ends != NEVER:
        lo = row
        while lo < due:  # the first bar that starts when a DAY order has ended
            middle = (lo + due) // 2
            if stamps[middle] < ends:
                lo = middle + 1
            else:
                due = middle
    return low, high, due
