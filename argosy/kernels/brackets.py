"""An entry with its own stop and target at the venue, in machine code: what rests, and what each bar fills of it (HEART §7).

It is the simulated venue's matching of bars and the ledger's booking, to the unit; it knows no latency, no caps and no wishes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from argosy.kernels import slippage
from argosy.kernels.fees import fee
from argosy.kernels.fills import limit_fill, stop_fill
from argosy.kernels.kernel import kernel
from argosy.kernels.ledger import apply_fill, notional
from argosy.kernels.scan import (
    CASH,
    COST,
    CURSOR,
    DEALS,
    DECISIONS,
    HELD,
    LOSSES,
    OWN_CASH,
    OWN_FEES,
    OWN_REALISED,
    SEQ,
    TRIP,
    VALUE,
    WORTH,
)
from argosy.kernels.sweep.account import Market

slip_bps = slippage.bps
slip_ticks = slippage.ticks
slip_volume = slippage.volume_share

CAPACITY = 64
"""Entries, at rest or with legs at work, beyond which the engine steps."""

TURN, OPEN, INSIDE = 1, 2, 3
"""Kinds of rows in the log: what the step wanted and came of it at once; a fill at an open; a fill inside a bar."""
ENTRY, STOP, TAKE = 0, 1, 2
"""What filled."""
# places of `tally` beyond those of the scan. RESTS: rows of `rests`; RANK: the venue's last;
# WISHES: wishes so far; STANDING: 1 when the step's last word is known, and its lots; SPENT: 1 when its entry has filled; STIRRED: 1
# when the instant at hand had fills
RESTS, RANK, WISHES, STANDING, WANTED, SPENT, STIRRED = 20, 21, 22, 23, 24, 25, 26
# columns of `rests`, (CAPACITY, WIDTH) int64. WORK: 1 the entry rests, 2 it filled and its legs are at work, 0 gone; FROM: first bar
# start that may touch the entry; MET, LEGS_MET: a bar has been matched against it; ARRIVAL, ARMED: when it came, when it filled;
# BORN: start of the bar it filled in; *_ID, *_RANK: of its legs, 0 when there is none; SENT: wishes when it was sent; TOLD: its turn
NUMBER, SIDE, LOTS, WORK, FROM, MET, LEGS_MET, ARRIVAL, ARMED, BORN, PLACE, STOP_ID, STOP_RANK, TAKE_ID, TAKE_RANK, SENT, UNITS, TOLD = range(18)
WIDTH = 18
# columns of `levels`, (CAPACITY, 4) float64; MARK: the price at which the entry filled. In `said`, (3,) float64: the step's last levels
AT_LIMIT, AT_STOP, AT_TAKE, MARK = 0, 1, 2, 3


class Venue(NamedTuple):
    """How the venue fills and the instrument trades, beside what `Market` says.

    ticks, volume_share: slippage; large: lots from which a worth must be looked at first; span: longest bar that fills
    """

    ticks: float
    volume_share: float
    large: int
    span: int


class Rest(NamedTuple):
    """One live order at a simulated venue, as it is lent and given back.

    order: as sent; waiting: a leg whose entry rests; from_ts: first bar start that may touch it; seen: a bar has been matched
    rank:  place in the queue; arrival: when it came, or came alive; mark: its entry's price, 0.0 while it waits
    """

    order: Any
    waiting: bool
    from_ts: int
    seen: bool
    rank: int
    arrival: int
    mark: float


@kernel
def legs(rests: Any, k: int) -> int:
    """Which legs an entry has: 1 a stop, 2 a target, 4 the target is the second of two."""
    found = 1 if rests[k, STOP_ID] != 0 else 0
    if rests[k, TAKE_ID] != 0:
        found += 2
        if rests[k, TAKE_ID] == rests[k, NUMBER] + 2:
            found += 4
    return found


@kernel
def execute(
    k: int, what: int, price: float, maker: bool, at: int, kind: int, rows: int, known: int, born: int, volume: float, rests: Any,
    levels: Any, book: Any, marks: Any, tally: Any, log: Any, market: Market, venue: Venue, schedule: Any,
) -> int:  # fmt: skip
    """Fill an entry or one of its legs, whole; returns how many events the venue makes of it.

    at: when it happened; rows: market rows before it; known: of its instant; born: start of its bar
    """
    side = rests[k, SIDE] if what == ENTRY else -rests[k, SIDE]
    lots = rests[k, LOTS]
    if what == STOP:
        if market.bps != 0.0:
            price = slip_bps(side, price, market.bps)
        if venue.ticks != 0.0:
            tick = market.step if price >= 1.0 else market.small_step
            price = max(slip_ticks(side, price, venue.ticks, tick), tick)
        if venue.volume_share != 0.0:
            price = slip_volume(side, price, lots * market.lot, volume, venue.volume_share)
    paid = side * notional(lots, price, market.scale)
    cost = fee(schedule, side, lots, market.lot, abs(paid), maker, market.unit)
    tally[CASH] -= paid + cost
    held, basis, realised = apply_fill(book[0, HELD], book[0, COST], side * lots, paid)
    book[0, HELD] = held
    book[0, COST] = basis
    value = notional(held, marks[0], market.scale)
    tally[WORTH] += value - book[0, VALUE]
    book[0, VALUE] = value
    tally[OWN_CASH] -= paid + cost
    tally[OWN_FEES] += cost
    tally[OWN_REALISED] += realised
    earned = book[0, TRIP] + realised - cost
    book[0, TRIP] = earned
    if held == 0:
        book[0, TRIP] = 0
        if earned < 0:
            tally[LOSSES] += 1
        elif earned > 0:
            tally[LOSSES] = 0
    one = log[tally[DEALS]]
    tally[DEALS] += 1
    one.kind = kind
    one.rows = rows
    one.known = known
    one.mark = 0
    one.instrument = market.instrument
    one.what = what
    one.entry = rests[k, NUMBER]
    one.legs = legs(rests, k)
    one.side = rests[k, SIDE]
    one.lots = lots
    one.price = price
    one.units = paid
    one.fee = cost
    one.cash = tally[CASH]
    one.maker = 1 if maker else 0
    one.filled = at
    one.told = rests[k, TOLD]
    one.limit = levels[k, AT_LIMIT]
    one.stop = levels[k, AT_STOP]
    one.take = levels[k, AT_TAKE]
    events = 1 + (1 if rests[k, STOP_ID] != 0 else 0) + (1 if rests[k, TAKE_ID] != 0 else 0)
    if what == ENTRY:
        tally[SPENT] = 1
        levels[k, MARK] = price
        rests[k, WORK] = 2 if events > 1 else 0
        rests[k, UNITS] = 0
        rests[k, LEGS_MET] = 0
        rests[k, ARMED] = at
        rests[k, BORN] = born
        return events
    rests[k, WORK] = 0
    return events - 1


@kernel
def candidates(
    n: int, start: int, price: float, high: float, low: float, inside: bool, rests: Any, levels: Any, todo: Any, px: Any, market: Market
) -> int:  # fmt: skip
    """Note what a row touches: `todo` (place, what, 0 takes or 1 rests, rank, maker), `px` (how far off, price); returns how many."""
    m = 0
    for k in range(n):
        side = rests[k, SIDE]
        if rests[k, WORK] == 1:
            if rests[k, FROM] > start:
                continue
            at = limit_fill(side, levels[k, AT_LIMIT], price, high, low, market.through)
            if at == at:
                todo[m, 0], todo[m, 1], todo[m, 2], todo[m, 3] = k, ENTRY, 1, rests[k, PLACE]
                todo[m, 4] = 1 if inside else rests[k, MET]
                px[m, 0], px[m, 1] = side * (price - levels[k, AT_LIMIT]), at
                m += 1
            rests[k, MET] = 1
            continue
        if rests[k, STOP_ID] != 0:
            at = stop_fill(-side, levels[k, AT_STOP], price, high, low)
            if at == at:
                todo[m, 0], todo[m, 1], todo[m, 2], todo[m, 3], todo[m, 4] = k, STOP, 0, rests[k, STOP_RANK], 0
                px[m, 0], px[m, 1] = -side * (levels[k, AT_STOP] - price), at
                m += 1
        if rests[k, TAKE_ID] != 0:
            at = limit_fill(-side, levels[k, AT_TAKE], price, high, low, market.through)
            if at == at:
                todo[m, 0], todo[m, 1], todo[m, 2], todo[m, 3] = k, TAKE, 1, rests[k, TAKE_RANK]
                todo[m, 4] = 1 if inside else rests[k, LEGS_MET]
                px[m, 0], px[m, 1] = -side * (price - levels[k, AT_TAKE]), at
                m += 1
        rests[k, LEGS_MET] = 1
    return m


@kernel
def first(m: int, todo: Any, px: Any) -> int:
    """The candidate whose turn it is: what takes, then the better price, then who came first; -1 none."""
    best = -1
    for j in range(m):
        if todo[j, 0] < 0:
            continue
        better = best < 0 or todo[j, 2] < todo[best, 2]
        if not better and todo[j, 2] == todo[best, 2]:
            better = px[j, 0] < px[best, 0] or (px[j, 0] == px[best, 0] and todo[j, 3] < todo[best, 3])
        if better:
            best = j
    return best


@kernel
def compact(rests: Any, levels: Any, tally: Any) -> None:
    """Forget what is gone; the others keep their order."""
    n = 0
    for k in range(tally[RESTS]):
        if rests[k, WORK] != 0:
            if n != k:
                for c in range(WIDTH):
                    rests[n, c] = rests[k, c]
                for c in range(4):
                    levels[n, c] = levels[k, c]
            n += 1
    tally[RESTS] = n


@kernel
def match(
    t: int, start: int, now: int, open: float, high: float, low: float, volume: float, rests: Any, levels: Any, todo: Any, px: Any,
    book: Any, marks: Any, tally: Any, log: Any, market: Market, venue: Venue, schedule: Any,
) -> int:  # fmt: skip
    """Let bar t meet what rests: its opening, then what lies inside; returns how many events it made inside."""
    events = 0
    begun = tally[DEALS]
    m = candidates(tally[RESTS], start, open, open, open, False, rests, levels, todo, px, market)
    j = first(m, todo, px)
    while j >= 0:
        k = todo[j, 0]
        what = todo[j, 1]
        todo[j, 0] = -1
        if rests[k, WORK] != 0:
            events += execute(
                k, what, px[j, 1], todo[j, 4] != 0, start, OPEN, t, now, start, volume, rests, levels, book, marks, tally, log,
                market, venue, schedule,
            )  # fmt: skip
            if what == ENTRY and rests[k, WORK] != 0:  # its legs meet the open, too
                away = -rests[k, SIDE]
                at = stop_fill(away, levels[k, AT_STOP], open, open, open) if rests[k, STOP_ID] != 0 else float("nan")
                what = STOP
                if at != at and rests[k, TAKE_ID] != 0:
                    at = limit_fill(away, levels[k, AT_TAKE], open, open, open, market.through)
                    what = TAKE
                if at == at:
                    events += execute(
                        k, what, at, False, start, OPEN, t, now, start, volume, rests, levels, book, marks, tally, log, market, venue,
                        schedule,
                    )  # fmt: skip
        j = first(m, todo, px)
    if events > 0:
        compact(rests, levels, tally)
        tally[DECISIONS] -= 1
        if events > 1 or tally[CURSOR] != t:
            log[begun].mark = 1
            tally[SEQ] += 1
        tally[CURSOR] = t
        tally[SEQ] += events
    if tally[RESTS] == 0:
        return 0
    events = 0
    entry = -1
    m = candidates(tally[RESTS], start, open, high, low, True, rests, levels, todo, px, market)
    j = first(m, todo, px)
    while j >= 0:
        k = todo[j, 0]
        what = todo[j, 1]
        todo[j, 0] = -1
        if rests[k, WORK] != 0:
            events += execute(
                k, what, px[j, 1], todo[j, 4] != 0, now, INSIDE, t, now, start, volume, rests, levels, book, marks, tally, log,
                market, venue, schedule,
            )  # fmt: skip
            if what == ENTRY:
                entry = k
        j = first(m, todo, px)
    if entry >= 0 and rests[entry, WORK] != 0:  # of its legs only the stop
        rests[entry, LEGS_MET] = 1
        if rests[entry, STOP_ID] != 0:
            at = stop_fill(-rests[entry, SIDE], levels[entry, AT_STOP], levels[entry, MARK], high, low)
            if at == at:
                events += execute(
                    entry, STOP, at, False, now, INSIDE, t, now, start, volume, rests, levels, book, marks, tally, log, market, venue,
                    schedule,
                )  # fmt: skip
    if events > 0:
        compact(rests, levels, tally)
        tally[SEQ] += 1 + events
        tally[CURSOR] = t + 1
    return events
