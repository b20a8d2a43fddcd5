"""The quick way through bars on which one entry rests with its own stop and target, cancelled and placed anew as the step says.

It is defined as stepping each row: the same matching as the simulated venue's bars (HEART §7), the same sizes, prices, fees and
integers. A turn that is not plain (a refusal that might come, an entry against the position) it leaves to the engine, with the
strategy's numbers as they are, before anything of it has begun.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import floor
from types import FunctionType
from typing import Any

from argosy.kernels.brackets import (
    ARMED,
    ARRIVAL,
    AT_LIMIT,
    AT_STOP,
    AT_TAKE,
    BORN,
    CAPACITY,
    FROM,
    LEGS_MET,
    LOTS,
    MARK,
    MET,
    NUMBER,
    PLACE,
    RANK,
    RESTS,
    SENT,
    SIDE,
    SPENT,
    STANDING,
    STIRRED,
    STOP_ID,
    STOP_RANK,
    TAKE_ID,
    TAKE_RANK,
    TOLD,
    TURN,
    UNITS,
    WANTED,
    WISHES,
    WORK,
    Venue,
    legs,
    match,
)
from argosy.kernels.kernel import Kernel, kernel
from argosy.kernels.ledger import notional
from argosy.kernels.scan import (
    ALERT,
    ALERT_EQUITY,
    ALERT_FRAC,
    APART,
    AT,
    AWAY,
    CASH,
    CHANGED,
    CURSOR,
    DEALS,
    DECISIONS,
    ENTERED,
    ENTRIES,
    FALL_FRAC,
    FIRST,
    GROSS,
    HELD,
    LAST_OPEN,
    LEAST_EQUITY,
    LEVERAGE,
    LIMIT,
    LOSSES,
    MARKED,
    MINUTE,
    MULTIPLIER,
    NEEDS,
    NET,
    ORDER_LOTS,
    ORDER_VALUE,
    ORDERS,
    ORDERS_BEFORE,
    OWN_CASH,
    OWN_ENTRIES,
    OWN_FEES,
    OWN_LEAST,
    OWN_POWER,
    OWN_TRADES,
    PEAK,
    POSITION_FRAC,
    POSITION_LOTS,
    POWER_FRAC,
    RATE,
    SEEN,
    SEQ,
    STREAK,
    THROUGH,
    TRADES,
    VALUE,
    WALKED,
    WARM,
    WINDOW,
    WORTH,
)
from argosy.kernels.sweep.account import Market, snap

AHEAD = 5
"""Decisions that one row may take at most, and one more."""
HIGHEST = 1e9
"""Prices at or above it are left to the engine."""
INF = float("inf")


def step(row: Any, needs: Any, state: Any, params: Any, out: Any) -> None:
    """Stands for the strategy's own step, which `walker` puts in its place."""
    raise NotImplementedError


@kernel
def off_grid(price: float, market: Market) -> bool:
    """Whether the gate would find a price off the tick of its size (`rules.grid`), or it is none."""
    if not 0.0 < price < HIGHEST:
        return True
    tick = market.step if price >= 1.0 else market.small_step
    steps = floor(price / tick + 0.5)
    return not (steps >= 1.0 and -1e-9 * price <= steps * tick - price <= 1e-9 * price)


@kernel
def turn(
    t: int, now: int, target: float, limit: float, stop: float, take: float, rests: Any, levels: Any, said: Any, book: Any,
    marks: Any, close: float, tally: Any, room: Any, log: Any, market: Market, venue: Venue,
) -> bool:  # fmt: skip
    """Take what the step wrote after bar t, if all that comes of it is plain: cancel what rests, send what is wanted, log both.

    False, and nothing is touched, where the engine must decide.
    """
    if target == INF:
        tally[DECISIONS] -= 1
        return True
    if not abs(target) < HIGHEST * HIGHEST or not (limit > -INF and stop > -INF and take > -INF):
        return False
    wanted = int(target)
    if wanted != 0 and not (0.0 < limit < HIGHEST and (stop == INF or 0.0 < stop < HIGHEST) and (take == INF or 0.0 < take < HIGHEST)):
        return False
    same = tally[STANDING] != 0 and tally[SPENT] == 0 and wanted == tally[WANTED]
    if same and (wanted == 0 or (limit == said[0] and stop == said[1] and take == said[2])):
        tally[DECISIONS] -= 1
        return True
    side = 1 if wanted > 0 else -1
    lots = abs(wanted)
    n = tally[RESTS]
    rest = n - 1 if n > 0 and rests[n - 1, WORK] == 1 else -1
    level = 0.0
    at_stop = INF
    at_take = INF
    sends = wanted != 0
    if sends:
        level = snap(limit, -side, market)
        at_stop = snap(stop, side, market)
        at_take = snap(take, side, market)
        sends = rest < 0 or rests[rest, SIDE] != side or levels[rest, AT_LIMIT] != level or rests[rest, LOTS] != lots
    ends = rest >= 0 and (sends or wanted == 0)
    held = book[0, HELD]
    given = 1 if ends else 0
    units = 0
    if now - tally[WINDOW] >= MINUTE:
        before = tally[ORDERS] if now - tally[WINDOW] < 2 * MINUTE else 0
        sent = 0
    else:
        before = tally[ORDERS_BEFORE]
        sent = tally[ORDERS]
    if sends:
        if off_grid(level, market) or (stop != INF and off_grid(at_stop, market)) or (take != INF and off_grid(at_take, market)):
            return False
        mark = marks[0]
        if held * side < 0 or n - given >= CAPACITY or close != close or not mark > 0.0:
            return False
        if not market.least <= lots <= market.most or lots > venue.large or lots > room[ORDER_LOTS]:
            return False
        if side < 0 and not market.shortable:
            return False
        for k in range(n):
            if rests[k, WORK] == 2 and rests[k, TAKE_ID] != 0 and (level - levels[k, AT_TAKE]) * side >= 0.0:
                return False
        if abs(level - mark) > room[AWAY] * mark or (level - mark) * side > room[THROUGH] * mark:
            return False
        price = max(level, mark)
        after = abs(held) + lots
        if not after * price * market.scale < LIMIT:
            return False
        value = notional(lots, price, market.scale)
        equity = tally[CASH] + tally[WORTH]
        own = tally[OWN_CASH] + tally[WORTH]
        gross = abs(book[0, VALUE])
        if value > room[ORDER_VALUE] or sent + 1 + before > room[RATE]:
            return False
        if after > room[POSITION_LOTS] or notional(after, price, market.scale) > room[POSITION_FRAC] * equity - 1.0:
            return False
        grown = gross + value
        if grown > room[GROSS] or abs(tally[WORTH]) + value > room[NET] or grown > room[LEVERAGE] * equity - 1.0:
            return False
        if room[POWER_FRAC] < INF and value > room[POWER_FRAC] * (equity * room[MULTIPLIER] - gross - 1.0):
            return False
        if equity < room[LEAST_EQUITY] or tally[PEAK] - equity > room[FALL_FRAC] * tally[PEAK]:
            return False
        if tally[TRADES] - given >= room[ENTRIES] or tally[OWN_TRADES] - given >= room[OWN_ENTRIES]:
            return False
        if room[OWN_POWER] < INF and value > room[OWN_POWER] * (own * room[MULTIPLIER] - gross - 1.0):
            return False
        if own < room[OWN_LEAST] or tally[LOSSES] >= room[STREAK] or now - book[0, ENTERED] < room[APART]:
            return False
        units = notional(lots, level, market.scale)
    # all of it is plain: do it
    one = log[tally[DEALS]]
    place = tally[DEALS]
    tally[DEALS] += 1
    tally[DECISIONS] -= 1 + given + (1 if sends else 0)
    seq = tally[SEQ]
    one.mark = 0
    if tally[CURSOR] != t + 1:
        tally[CURSOR] = t + 1
        one.mark = 1
        seq += 1
    seq += 1
    one.kind = TURN
    one.rows = t + 1
    one.known = now
    one.instrument = market.instrument
    one.entry = 0
    one.legs = 0
    one.gone = 0
    one.gone_legs = 0
    one.told = place
    one.side = side
    one.lots = lots
    one.limit = level
    one.stop = at_stop
    one.take = at_take
    one.price = limit
    one.asked_stop = stop
    one.asked_take = take
    one.units = units
    tally[WISHES] += 1
    tally[STANDING] = 1
    tally[WANTED] = wanted
    tally[SPENT] = 0
    said[0], said[1], said[2] = limit, stop, take
    if ends:
        one.gone = rests[rest, NUMBER]
        one.gone_legs = legs(rests, rest)
        seq += 4 + (1 if rests[rest, STOP_ID] != 0 else 0) + (1 if rests[rest, TAKE_ID] != 0 else 0)
        tally[TRADES] -= 1
        tally[OWN_TRADES] -= 1
        tally[RESTS] = rest
    if sends:
        number = seq * 4
        rank = tally[RANK] + 1
        k = tally[RESTS]
        tally[RESTS] = k + 1
        rests[k, NUMBER] = number
        rests[k, SIDE] = side
        rests[k, LOTS] = lots
        rests[k, WORK] = 1
        rests[k, FROM] = now if now > tally[LAST_OPEN] else tally[LAST_OPEN] + 1
        rests[k, MET] = 0
        rests[k, LEGS_MET] = 0
        rests[k, ARRIVAL] = now
        rests[k, ARMED] = 0
        rests[k, BORN] = 0
        rests[k, PLACE] = rank
        rests[k, STOP_ID] = 0
        rests[k, TAKE_ID] = 0
        rests[k, SENT] = tally[WISHES]
        rests[k, UNITS] = units
        rests[k, TOLD] = place
        levels[k, AT_LIMIT] = level
        levels[k, AT_STOP] = at_stop
        levels[k, AT_TAKE] = at_take
        levels[k, MARK] = 0.0
        more = 0
        if stop != INF:
            more += 1
            rests[k, STOP_ID] = number + more
            rests[k, STOP_RANK] = rank + more
        if take != INF:
            more += 1
            rests[k, TAKE_ID] = number + more
            rests[k, TAKE_RANK] = rank + more
        tally[RANK] = rank + more
        one.entry = number
        one.legs = legs(rests, k)
        seq += 2 + more + (1 if more > 0 else 0)
        if now - tally[WINDOW] >= MINUTE:
            tally[ORDERS_BEFORE] = before
            tally[ORDERS] = 0
            tally[WINDOW] = now
        tally[ORDERS] += 1
        book[0, ENTERED] = now
        tally[TRADES] += 1
        tally[OWN_TRADES] += 1
    tally[SEQ] = seq
    return True


def _walk(
    lo: int, hi: int, bars: Any, seats: Any, table: Any, state: Any, params: Any, row: Any, out: Any, last: Any, book: Any, marks: Any,
    tally: Any, room: Any, market: Market, venue: Venue, schedule: Any, rests: Any, levels: Any, said: Any, todo: Any, px: Any,
    log: Any, memo: Any, aside: Any, was_state: Any, was_out: Any, awake: Any,
) -> tuple[int, int, int]:  # fmt: skip
    """Walk rows [lo, hi) of the one instrument; returns (rows walked up to, 1 when the step's word waits for the engine, why).

    bars:   (instrument, ts, known, span, open, high, low, close, volume), (T,) each
    seats, book, tally, room: see the names of the scan; rests, levels, said: see the names above; todo, px: room for candidates
    table:  needs as records; state, out, last, params, row, was_state, was_out: one record each; awake: as in the scan
    log:    records of `engine.turns.ROW`; memo: the strategy's state after each turn in it
    aside:  (len(log), 2) float64, its target and the rows its instrument had shown by then
    """
    instrument, ts, known, span, open_, high, low, close, volume = bars
    t = lo
    while t < hi:
        if tally[DECISIONS] < AHEAD or tally[DEALS] + 2 * tally[RESTS] + 4 > len(log):
            return t, 0, WALKED
        if not abs(tally[CASH]) + abs(tally[OWN_CASH]) + abs(tally[WORTH]) + abs(tally[OWN_FEES]) < LIMIT:
            return t, 0, WALKED
        now = known[t]
        tally[STIRRED] = 0
        if tally[RESTS] > 0 and span[t] <= venue.span:
            if ts[t] > tally[LAST_OPEN]:
                tally[LAST_OPEN] = ts[t]
            if not volume[t] <= 0.0 and open_[t] == open_[t] and high[t] == high[t] and low[t] == low[t] and close[t] == close[t]:
                tally[STIRRED] = match(
                    t, ts[t], now, open_[t], high[t], low[t], volume[t], rests, levels, todo, px, book, marks, tally, log, market, venue,
                    schedule,
                )  # fmt: skip
        price = close[t]
        if price == price:
            marks[0] = price
            book[0, MARKED] = now
            if book[0, HELD] != 0:
                value = notional(book[0, HELD], price, market.scale)
                tally[WORTH] += value - book[0, VALUE]
                book[0, VALUE] = value
        equity = tally[CASH] + tally[WORTH]
        if equity > tally[PEAK]:
            tally[PEAK] = equity
        if equity <= room[ALERT_EQUITY] or tally[PEAK] - equity >= room[ALERT_FRAC] * tally[PEAK]:
            return t + 1, 0, ALERT
        called = True
        k = seats[0, FIRST]
        if seats[0, NEEDS] != 0:
            k += seats[0, SEEN]
        seats[0, SEEN] += 1
        if seats[0, WARM] > 0:
            seats[0, WARM] -= 1
            called = seats[0, WARM] == 0
        if called and len(awake) > 0:
            called = awake[seats[0, FIRST] + seats[0, SEEN] - 1]
        if not called:
            if tally[STIRRED] != 0:
                tally[DECISIONS] -= 1
            t += 1
            continue
        tally[AT] = t
        tally[CHANGED] = 0
        one = row[0]
        one.ts = ts[t]
        one.known = now
        one.instrument = instrument[t]
        one.open = open_[t]
        one.high = high[t]
        one.low = low[t]
        one.close = close[t]
        one.volume = volume[t]
        one.span = span[t]
        mine = out[0]
        was_state[0] = state[0]
        was_out[0] = mine
        step(one, table[k], state[0], params[0], mine)
        last[0] = mine
        before = tally[DEALS]
        if not turn(
            t, now, mine.target, mine.limit, mine.stop, mine.take, rests, levels, said, book, marks, close[t], tally,
            room, log, market, venue,
        ):  # fmt: skip
            return t + 1, 1, WALKED
        if tally[DEALS] != before:
            memo[before] = state[0]
            aside[before, 0] = mine.target
            aside[before, 1] = seats[0, SEEN]
        t += 1
    return t, 0, WALKED


@lru_cache(maxsize=128)
def walker(function: Callable[..., None]) -> Kernel[..., tuple[int, int, int]]:
    """The walk of one strategy's step; TypeError("KERNEL_SHAPE") when the step is no plain function."""
    scope = dict(_walk.__globals__) | {"step": kernel(function)}
    own = FunctionType(_walk.__code__, scope, _walk.__name__, _walk.__defaults__)
    own.__qualname__ = f"walk_{function.__module__}_{function.__qualname__}"
    own.__doc__ = _walk.__doc__
    return kernel(own)
