"""One strategy's whole past on one instrument in a single compiled loop: needs, step, orders, fills, ledger and figures.

It is the law of the walk lane for one step strategy that stands alone with an account of its own: the same step, the same
prices, fees and integers. What it cannot tell exactly it marks as refused (`account.REFUSED`); it never approximates.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from argosy.kernels.kernel import kernel
from argosy.kernels.ledger import notional
from argosy.kernels.local import bits, keep, local
from argosy.kernels.slippage import bps as slip_bps
from argosy.kernels.sweep.account import (
    AT,
    BOUND,
    CASH,
    DAY,
    DAYS,
    DUE,
    ENTERING,
    EQUITY,
    EVENT,
    EXPOSED,
    FINE,
    FRESH,
    GUARD,
    HELD,
    HIGH,
    LEAVING,
    LIMIT,
    LISTED,
    LOW,
    NEVER,
    NOW,
    ORDERS,
    PEAK,
    PROFIT,
    REFUSED,
    STOP,
    STOPPER,
    TAKE,
    WANT,
    WAY,
    execute,
)
from argosy.kernels.sweep.guards import alone, between, laid, sound, strike
from argosy.kernels.sweep.marks import COUNT, DEPTH, FIRST, LAST, day_end, floor_of, marked, untouched
from argosy.kernels.sweep.orders import LEVEL, SEEN, TAG, closing, inside, opening, reach
from argosy.kernels.sweep.wishes import arrange, split, want

DAILY = 6 * 3_600_000_000_000
"""A bar at least this long is a whole session (`venues.sim.facts.DAILY`)."""
NAN = float("nan")
INF = float("inf")
DIVIDEND, CLOSE, SPLIT = 0, 1, 2
"""Kinds of what happens beside the bars: a payment per unit held, the end of a session, a split."""
STRETCH = 2048
"""Rows that all combinations are walked over before the next ones: their prices and indicators stay near the processor."""
BEFORE, BETWEEN, AFTER = 0, 1, 2
"""When, in a row: before its opening, between opening and inside, after what lies inside."""


class Row(NamedTuple):
    """A bar as a step sees it; the fields of `core.events.Bar`."""

    ts: int
    known: int
    instrument: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    span: int


def step(row: Any, needs: Any, state: Any, params: Any, out: Any) -> None:
    """Stands for the strategy's own step, which `link.sweeper` puts in its place."""
    raise NotImplementedError


def pick(table: Any, places: Any, t: Any) -> Any:
    """Stands for the reader of as many needs as the strategy has."""
    raise NotImplementedError


def Needs(*values: float) -> Any:
    """Stands for the type of the strategy's needs."""
    raise NotImplementedError


def quiet(
    t: int, end: int, rests: bool, low: float, high: float, bars: Any, bounds: Any, table: Any, places: Any, params: Any, state: Any,
    out: Any, instrument: int,
) -> int:  # fmt: skip
    """Call the step on rows from t on until it writes something else, at most to `end`; returns the row after the last.

    rests: something rests at the venue, so a row after t that does not lie between low and high ends it, too
    """
    stamps, knowns, spans, opens, highs, lows, closes, volumes = bars
    mine = local(out)
    own = local(state)
    chosen = local(params)
    target, limit, stop, take = mine.target, mine.limit, mine.stop, mine.take
    clear = t + 1 if rests else end
    r = t
    changed = 0
    while r < end and changed == 0:
        if r >= clear:
            clear = untouched(opens, highs, lows, bounds, r, low, high)
            if clear == r:
                break
        until = min(clear, end)
        while r < until:
            # they are these numbers already; said here, the compiler knows it
            mine.target, mine.limit, mine.stop, mine.take = target, limit, stop, take
            u = np.uintp(r)
            step(
                Row(stamps[u], knowns[u], instrument, opens[u], highs[u], lows[u], closes[u], volumes[u], spans[u]),
                Needs(*pick(table, places, u)), own, chosen, mine,
            )  # fmt: skip
            r += 1
            # four answers, not one: so they stay apart, and a row on which nothing is written is not asked again
            if bits(mine.target) != bits(target):
                changed = 1
                break
            if bits(mine.stop) != bits(stop):
                changed = 2
                break
            if bits(mine.limit) != bits(limit):
                changed = 3
                break
            if bits(mine.take) != bits(take):
                changed = 4
                break
    keep(out, mine)
    keep(state, own)
    return r


def walk(
    lo: int, hi: int, bars: Any, bounds: Any, table: Any, places: Any, params: Any, state: Any, out: Any, market: Any, schedule: Any,
    days: Any, events: Any, amounts: Any, acct: Any, lvl: Any, oi: Any, of: Any, log: Any, notes: Any, figures: Any,
    curve: Any,
) -> None:  # fmt: skip
    """Walk one combination over rows [lo, hi) of one instrument, from where it stands in its records to where it stands then.

    bars:    (ts, known, span, open, high, low, close, volume), (T,) each; bounds: what `marks.blocks` made of them
    table:   (M, T) float64, an indicator a row; places: (N,) int64, the row of each of the strategy's needs
    params, state, out: a record each
    days:    rows that end a UTC day, (D,) int64
    events:  (E, 5) int64 row, when, kind, and of a split how many for how many, in order; amounts: (E,) float64, of
             payments, and by how much a split divides prices
    acct, lvl, oi, of: as `account` and `orders` name them, ACCOUNT and LEVELS long, (CAPACITY, INTEGERS) and (CAPACITY, FLOATS)
    log:     records of fills, filled as far as they go; figures: FIGURES float64
    curve:   (D,) worth at the end of each day, in currency, filled as far as it goes; (0,) where nobody asks
    notes:   records of orders; where there is room for any, every order is written down, and guards are orders like the others
    """
    stamps, knowns, spans, opens, highs, lows, closes, volumes = bars
    n = len(closes)
    scale = market.scale
    one = market.per_one
    last_target, last_limit, last_stop, last_take = bits(out.target), bits(out.limit), bits(out.stop), bits(out.take)
    cash = acct[CASH]
    held = acct[HELD]
    peak = acct[PEAK]
    depth = figures[DEPTH]
    floor = floor_of(peak, depth)
    # what rests: two numbers (stop, profit), or, where `listed`, orders in arrays; side: a market order of the next open
    plain = len(notes) == 0
    listed = acct[LISTED] != 0
    stop = lvl[GUARD]
    profit = lvl[PROFIT]
    fresh = acct[FRESH] != 0
    side = acct[WAY]
    leaving = acct[LEAVING]
    entering = acct[ENTERING]
    rests = acct[ORDERS] != 0 or stop == stop or profit == profit
    low_reach = lvl[LOW]
    high_reach = lvl[HIGH]
    due = acct[DUE]
    event = acct[EVENT]
    next_event = events[event, 0] if event < len(events) else n
    day = acct[DAYS]
    t = lo
    while t < hi:
        # 1. what happens before the end of row t
        dirty = False
        moved = False
        acct[NOW] = t
        if t == next_event:
            if not listed:
                laid(acct, oi, of, stop, profit, fresh, t)
                listed = True
            while event < len(events) and events[event, 0] == t and events[event, 1] == BEFORE:
                if events[event, 2] == DIVIDEND:
                    acct[CASH] += notional(acct[HELD], amounts[event], scale)
                elif events[event, 2] == SPLIT:
                    split(acct, lvl, events[event, 3], events[event, 4])
                    out.limit /= amounts[event]
                    out.stop /= amounts[event]
                    out.take /= amounts[event]
                    last_limit, last_stop, last_take = bits(out.limit), bits(out.stop), bits(out.take)
                elif acct[ORDERS] != 0:
                    closing(acct, oi, of, notes)
                    arrange(acct, lvl, oi, of, notes, market, closes[t - 1], t, NEVER)
                event += 1
            rests = acct[ORDERS] != 0
            moved = True
            if acct[REFUSED] != FINE:
                return
        if side != 0:
            at = t - 1 if knowns[t - 1] == stamps[t] else t
            price = opens[t]
            if market.bps != 0.0:
                price = slip_bps(side, price, market.bps)
            if leaving != 0:
                execute(acct, lvl, log, market, schedule, side, leaving, price, False, 0, t, at)
            if entering != 0:
                execute(acct, lvl, log, market, schedule, side, entering, price, False, 0, t, at)
                stop = lvl[STOP]
                profit = lvl[TAKE]
            side = 0
            moved = True
            rests = stop == stop or profit == profit
            fresh = rests
            low_reach, high_reach = between(acct[HELD], stop, profit)
        if rests and (moved or fresh or t >= due or not (low_reach < min(lows[t], opens[t]) and max(highs[t], opens[t]) < high_reach)):
            at = t - 1 if knowns[t - 1] == stamps[t] else t
            if listed:
                trading = not volumes[t] <= 0.0
                opening(acct, lvl, oi, of, log, notes, market, schedule, t, at, stamps[t], spans[t] >= DAILY, trading, opens[t])
                later = stamps[t] - stamps[t] % DAY + DAY if market.utc else NEVER
                arrange(acct, lvl, oi, of, notes, market, closes[t - 1], t + 1, later)
                while t == next_event and event < len(events) and events[event, 0] == t and events[event, 1] == BETWEEN:
                    acct[CASH] += notional(acct[HELD], amounts[event], scale)
                    event += 1
                if trading:
                    inside(acct, lvl, oi, of, log, notes, market, schedule, t, opens[t], highs[t], lows[t])
                dirty = True
                moved = True
            elif not volumes[t] <= 0.0:
                if strike(acct, lvl, log, market, schedule, stop, profit, fresh, t, at, opens[t], highs[t], lows[t]):
                    moved = True
                    rests = False
                    stop = NAN
                    profit = NAN
                fresh = False
        if t == next_event:
            while event < len(events) and events[event, 0] == t:
                if events[event, 2] == DIVIDEND:
                    acct[CASH] += notional(acct[HELD], amounts[event], scale)
                elif acct[ORDERS] != 0:
                    closing(acct, oi, of, notes)
                event += 1
            next_event = events[event, 0] if event < len(events) else n
            dirty = True
        if moved:
            if acct[REFUSED] != FINE:
                return
            held = acct[HELD]
            cash = acct[CASH]
        # 2. from row t on while nothing can happen: the step alone
        ends = t + 1 if dirty or fresh else min(due, next_event, hi) if listed else min(next_event, hi)
        r = quiet(t, ends, rests, low_reach, high_reach, bars, bounds, table, places, params, state, out, market.instrument)
        # 3. rows [t, r) at the same position: their marks
        if held != 0:
            peak, floor, depth = marked(closes, bounds, t, r, held, cash, scale, peak, floor, depth)
            while day < len(days) and days[day] < r:
                worth = (cash + notional(held, closes[days[day]], scale)) / one
                day_end(figures, worth)
                if day < len(curve):
                    curve[day] = worth
                day += 1
        else:
            if cash > peak:
                peak = cash
                floor = floor_of(peak, depth)
            elif cash < floor and peak > 0:
                depth = max(depth, (peak - cash) / peak)
                floor = floor_of(peak, depth)
            while day < len(days) and days[day] < r:
                day_end(figures, cash / one)
                if day < len(curve):
                    curve[day] = cash / one
                day += 1
        # 4. what is wished now
        t = r
        last = r - 1
        acct[NOW] = last
        wished = False
        if (
            bits(out.target) ^ last_target | bits(out.stop) ^ last_stop | bits(out.limit) ^ last_limit | bits(out.take) ^ last_take != 0
        ):
            last_target, last_limit, last_stop, last_take = bits(out.target), bits(out.limit), bits(out.stop), bits(out.take)
            wished = want(acct, lvl, market, out.target, out.limit, out.stop, out.take, closes[last])
            if acct[REFUSED] != FINE:
                return
        if wished or (dirty and listed):
            until = knowns[last] - knowns[last] % DAY + DAY if market.utc else NEVER
            if not listed:
                # a market order that the next open fills whole, or a guard that moves: no need to make orders of it
                need = acct[WANT] - held
                easy = lvl[LIMIT] != lvl[LIMIT] and r < n and next_event != r
                if need == 0:
                    easy = easy and (held == 0 or (market.least <= abs(held) <= market.most and sound(held, lvl[STOP], lvl[TAKE])))
                    if easy and held != 0:
                        fresh = lvl[TAKE] == lvl[TAKE] and (fresh or profit != lvl[TAKE])
                        stop = lvl[STOP]
                        profit = lvl[TAKE]
                else:
                    way = 1 if need > 0 else -1
                    lots = abs(need)
                    leaving = min(lots, abs(held)) if held * way < 0 else 0
                    entering = lots - leaving
                    easy = easy and not volumes[r] <= 0.0 and stamps[r] < until
                    easy = easy and (leaving == 0 or (leaving == abs(held) and market.least <= leaving <= market.most))
                    if easy and entering != 0:
                        easy = (leaving != 0 or held == 0) and market.least <= entering <= market.most and (way > 0 or market.shortable)
                        easy = easy and sound(way, lvl[STOP], lvl[TAKE]) and (lots + abs(held)) * closes[last] * scale < BOUND
                    if easy:
                        side = way
                        stop = NAN
                        profit = NAN
                if not easy:
                    laid(acct, oi, of, stop, profit, fresh, t)
                    listed = True
                rests = stop == stop or profit == profit
                low_reach, high_reach = between(held, stop, profit)
            if listed:
                arrange(acct, lvl, oi, of, notes, market, closes[last], r, until)
                if acct[REFUSED] != FINE:
                    return
                rests = acct[ORDERS] != 0
                due = n
                if plain and alone(acct, oi, of):
                    listed = False
                    stop = NAN
                    profit = NAN
                    fresh = False
                    for k in range(acct[ORDERS]):
                        if oi[k, TAG] == STOPPER:
                            stop = of[k, LEVEL]
                        else:
                            profit = of[k, LEVEL]
                            fresh = oi[k, SEEN] == 0
                    acct[ORDERS] = 0
                    low_reach, high_reach = between(held, stop, profit)
                elif rests:
                    low_reach, high_reach, due = reach(acct, oi, of, stamps, r)
    acct[PEAK] = peak
    figures[DEPTH] = depth
    acct[LISTED] = 1 if listed else 0
    lvl[GUARD] = stop
    lvl[PROFIT] = profit
    acct[FRESH] = 1 if fresh else 0
    acct[WAY] = side
    acct[LEAVING] = leaving
    acct[ENTERING] = entering
    lvl[LOW] = low_reach
    lvl[HIGH] = high_reach
    acct[DUE] = due
    acct[EVENT] = event
    acct[DAYS] = day


@kernel
def begin(cash: int, warm: int, listed: bool, bars: Any, days: Any, events: Any, acct: Any, lvl: Any, figures: Any, one: float, curve: Any) -> None:
    """Set a combination before its first row, `warm`; acct is all 0."""
    n = len(bars[0])
    for k in range(len(lvl)):
        lvl[k] = NAN
    lvl[LOW] = -INF
    lvl[HIGH] = INF
    acct[CASH] = cash
    acct[PEAK] = cash
    acct[LISTED] = 1 if listed else 0
    acct[DUE] = n
    figures[DEPTH] = 0.0
    figures[FIRST] = cash / one
    figures[LAST] = cash / one
    figures[COUNT] = -1.0
    event = 0
    while event < len(events) and events[event, 0] < warm:
        event += 1
    acct[EVENT] = event
    day = 0
    while day < len(days) and days[day] < warm:
        day_end(figures, cash / one)
        if day < len(curve):
            curve[day] = cash / one
        day += 1
    acct[DAYS] = day


@kernel
def conclude(bars: Any, scale: float, acct: Any, figures: Any) -> None:
    """Count up a combination after its last row."""
    closes = bars[6]
    n = len(closes)
    if acct[HELD] != 0:
        acct[EXPOSED] += n - acct[AT]
    if figures[COUNT] < 0.0:
        figures[COUNT] = 0.0
    acct[EQUITY] = acct[CASH] + notional(acct[HELD], closes[n - 1], scale)


def batch(
    row: int, seat: int, cursor: Any, cash: int, bars: Any, bounds: Any, table: Any, places: Any, warms: Any, params: Any, states: Any,
    outs: Any, market: Any, schedule: Any, days: Any, events: Any, amounts: Any, accounts: Any, lvl: Any, oi: Any, of: Any, log: Any,
    notes: Any, figures: Any, curves: Any,
) -> None:  # fmt: skip
    """Walk C combinations, each with `cash` units, a stretch of rows at a time, so that they share what is near.

    row, seat: the stretch and the combination to begin with, 0 and 0 at first
    cursor:    (2,) int64: the stretch and the combination at hand; where a step raised, the caller marks that combination as
               refused and begins again with the next one
    places:    (C, N) int64; warms: (C,) int64; params, states, outs: C records each
    accounts:  (C, ACCOUNT) int64 zeros, lvl: (C, LEVELS), figures: (C, FIGURES) float64: what comes out
    curves:    (C, D) float64, worth at the end of each of the D days of `days`; (C, 0) where nobody asks
    oi, of:    (C, CAPACITY, INTEGERS) and (C, CAPACITY, FLOATS); log, notes: of the one combination, where there is room in them
    """
    n = len(bars[0])
    if row == 0 and seat == 0:
        for c in range(len(warms)):
            begin(cash, warms[c], len(notes) != 0, bars, days, events, accounts[c], lvl[c], figures[c], market.per_one, curves[c])
    while row < n:
        end = min(row + STRETCH, n)
        while seat < len(warms):
            cursor[0] = row
            cursor[1] = seat
            lo = max(row, warms[seat])
            if accounts[seat, REFUSED] == FINE and lo < end:
                walk(
                    lo, end, bars, bounds, table, places[seat], params[seat], states[seat], outs[seat], market, schedule, days, events,
                    amounts, accounts[seat], lvl[seat], oi[seat], of[seat], log, notes, figures[seat], curves[seat],
                )  # fmt: skip
            seat += 1
        seat = 0
        row = end
    for c in range(len(warms)):
        conclude(bars, market.scale, accounts[c], figures[c])
