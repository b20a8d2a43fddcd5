"""The quick way through quiet rows: marks, the peak, one step strategy, and its plain market orders, filled at the next open.

It is defined as stepping each row: the same step, the same sizes, prices, fees and integers. What is not plain (a limit, a
protection, a refusal that might come, an order that might not fill at once) it leaves to the engine, before it has begun.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from types import FunctionType
from typing import Any, NamedTuple

from argosy.kernels import slippage
from argosy.kernels.fees import FeeSchedule, fee
from argosy.kernels.kernel import Kernel, kernel
from argosy.kernels.ledger import apply_fill, notional

slip_bps = slippage.bps
slip_ticks = slippage.ticks
slip_volume = slippage.volume_share

DAY = 86_400_000_000_000
MINUTE = 60_000_000_000
LIMIT = 2.0**61
LOTS, WEIGHT, NOTIONAL = 0, 1, 2
"""What a step's target counts."""

WALKED, TOUCHED, ALERT = 0, 1, 2
"""Why a scan stopped: at the end or at a decision, before a row that may touch an order, at an equity to look at."""

# columns of `cells`, (instruments, 5) int64: its cell or -1, first row of its needs, rows seen, 1 if it has needs, bars to warm up
CELL, FIRST, SEEN, NEEDS, WARM = 0, 1, 2, 3, 4
# columns of `book`, (instruments, 6) int64; ENTERED: when the last entry was sent; TRIP: earned by the trade under way, after its fees
HELD, VALUE, MARKED, COST, ENTERED, TRIP = 0, 1, 2, 3, 4, 5
# columns of `facts`, (instruments, 10) float64; UTC: 1 when DAY orders end with the UTC day; SPAN: longest bar that fills
SCALE, LOT, TICK, TICK_SMALL, MIN_LOTS, MAX_LOTS, LARGE, SHORTABLE, UTC, SPAN = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
# places of `tally`, (20,) int64: of the account, of the strategy's book, of the journal, of the day; CHANGED: cells of the instant
CASH, WORTH, PEAK, HOLDING, AT = 0, 1, 2, 3, 4
OWN_CASH, OWN_FEES, OWN_REALISED = 5, 6, 7
SEQ, CURSOR, DEALS, DECISIONS = 8, 9, 10, 11
TRADES, OWN_TRADES, LOSSES = 12, 13, 14
WINDOW, ORDERS, ORDERS_BEFORE, LAST_OPEN, CHANGED = 15, 16, 17, 18, 19
# places of `room`, (22,) float64: within these bounds no rule can refuse; THROUGH, AWAY: of a limit from the mark, parts of it
ALERT_EQUITY, ALERT_FRAC = 0, 1
ORDER_LOTS, ORDER_VALUE, POSITION_LOTS, POSITION_FRAC, GROSS, NET, LEVERAGE, POWER_FRAC, MULTIPLIER = 2, 3, 4, 5, 6, 7, 8, 9, 10
LEAST_EQUITY, FALL_FRAC, ENTRIES, OWN_ENTRIES, STREAK, RATE, APART, OWN_POWER, OWN_LEAST = 11, 12, 13, 14, 15, 16, 17, 18, 19
THROUGH, AWAY = 20, 21
# places of `terms`, (8,) float64; UNIT: what a target counts; MONEY: worth of one unit of the currency;
# DEALING: 1 when plain orders may be dealt with here
DEALING, UNIT, SHARE, PER_ONE, BPS, TICKS, VOLUME_SHARE, MONEY = 0, 1, 2, 3, 4, 5, 6, 7


class Plainness(NamedTuple):
    """How a simulated venue fills a plain market order at an open, where it does so at once and whole.

    schedule: of all instruments; bps, ticks, volume_share: slippage; large: lots from which a worth must be looked at first
    utc:      whether DAY orders end with the UTC day; spans: longest bar that fills, 0 = any; opened: start of the last opening
    through:  whether a limit must be passed, not only reached
    """

    schedule: FeeSchedule
    bps: float
    ticks: float
    volume_share: float
    large: Sequence[int]
    utc: Sequence[bool]
    spans: Sequence[int]
    opened: int
    through: bool


def step(row: Any, needs: Any, state: Any, params: Any, out: Any) -> None:
    """Stands for the strategy's own step, which `scanner` puts in its place."""
    raise NotImplementedError


def _scan(
    lo: int, hi: int, bars: Any, cells: Any, table: Any, state: Any, params: Any, row: Any, out: Any, last: Any, changed: Any,
    floor: Any, ceiling: Any, book: Any, marks: Any, facts: Any, tally: Any, room: Any, terms: Any, schedule: Any,
    standing: Any, asks: Any, log: Any, memo: Any, was_state: Any, was_out: Any,
    awake: Any,
) -> tuple[int, int, int]:  # fmt: skip
    """Walk rows [lo, hi), whole instants; returns (rows walked up to, cells that changed and wait, why it stopped).

    bars:   (instrument, ts, known, span, open, high, low, close, volume), (T,) each, equal `known` in order of instrument
    cells, book, facts, tally, room, terms: see the names above
    table:  needs of all cells as records; state, out, last: a record each cell; params, row: one record
    changed: (cells,) int64, filled with the cells whose numbers changed in the last instant and wait for the engine
    floor, ceiling: (n,) float64; a row with low <= floor or high >= ceiling is not walked (an order may be touched)
    marks:  (n,) float64 last prices; standing: (cells,) float64, what each wanted last, nan for nothing
    asks:   (cells, 5) int64, room to plan an instant's orders in
    log:    a record a decision of a cell, see `engine.stretch`; memo: the cell's state after it
    awake:  (rows of all cells,) bool where the strategy asked to be called, or (0,): everywhere
    was_state, was_out: one record each, the cell's numbers before the step at hand, should it raise
    """
    instrument, ts, known, span, open_, high, low, close, volume = bars
    worth = tally[WORTH]
    peak = tally[PEAK]
    gross = 0
    for i in range(len(marks)):
        gross += abs(book[i, VALUE])
    pending = 0
    t = lo
    count = 0
    while t < hi:
        now = known[t]
        end = t
        while end < hi and known[end] == now:
            i = instrument[end]
            if low[end] <= floor[i] or high[end] >= ceiling[i] or not floor[i] < open_[end] < ceiling[i]:
                return t, 0, TOUCHED
            end += 1
        # the openings: what was decided in the instant before fills, in the order of the log
        if pending:
            first = tally[DEALS] - pending
            filled = 0
            for d in range(first, tally[DEALS]):
                deal = log[d]
                if deal.lots == 0:
                    continue
                r = t
                while instrument[r] != deal.instrument:
                    r += 1
                i = deal.instrument
                side = deal.side
                price = open_[r]
                if terms[BPS] != 0.0:
                    price = slip_bps(side, price, terms[BPS])
                if terms[TICKS] != 0.0:
                    tick = facts[i, TICK] if price >= 1.0 else facts[i, TICK_SMALL]
                    price = max(slip_ticks(side, price, terms[TICKS], tick), tick)
                if terms[VOLUME_SHARE] != 0.0:
                    price = slip_volume(side, price, deal.lots * facts[i, LOT], volume[r], terms[VOLUME_SHARE])
                paid = side * notional(deal.lots, price, facts[i, SCALE])
                cost = fee(schedule, side, deal.lots, facts[i, LOT], abs(paid), False, terms[MONEY])
                deal.price = price
                deal.notional = paid
                deal.fee = cost
                deal.filled = ts[r]
                was = book[i, HELD]
                tally[CASH] -= paid + cost
                held, basis, realised = apply_fill(was, book[i, COST], side * deal.lots, paid)
                book[i, HELD] = held
                book[i, COST] = basis
                if was == 0:
                    tally[HOLDING] += 1
                if held == 0:
                    tally[HOLDING] -= 1
                value = notional(held, marks[i], facts[i, SCALE])
                worth += value - book[i, VALUE]
                gross += abs(value) - abs(book[i, VALUE])
                book[i, VALUE] = value
                tally[OWN_CASH] -= paid + cost
                tally[OWN_FEES] += cost
                tally[OWN_REALISED] += realised
                earned = book[i, TRIP] + realised - cost
                book[i, TRIP] = earned
                if held == 0:
                    book[i, TRIP] = 0
                    if earned < 0:
                        tally[LOSSES] += 1
                    elif earned > 0:
                        tally[LOSSES] = 0
                deal.cash = tally[CASH]
                if ts[r] > tally[LAST_OPEN]:
                    tally[LAST_OPEN] = ts[r]
                filled += 1
            tally[SEQ] += filled + (1 if filled > 1 else 0)
            pending = 0
        for r in range(t, end):
            i = instrument[r]
            price = close[r]
            if price == price:
                marks[i] = price
                book[i, MARKED] = now
                if book[i, HELD] != 0:
                    value = notional(book[i, HELD], price, facts[i, SCALE])
                    worth += value - book[i, VALUE]
                    gross += abs(value) - abs(book[i, VALUE])
                    book[i, VALUE] = value
        tally[WORTH] = worth
        equity = tally[CASH] + worth
        if equity > peak:
            peak = equity
            tally[PEAK] = peak
        if equity <= room[ALERT_EQUITY] or peak - equity >= room[ALERT_FRAC] * peak:
            return end, 0, ALERT
        for r in range(t, end):
            i = instrument[r]
            c = cells[i, CELL]
            if c < 0:
                continue
            k = cells[i, FIRST]
            if cells[i, NEEDS] != 0:
                k += cells[i, SEEN]
            cells[i, SEEN] += 1
            if cells[i, WARM] > 0:
                cells[i, WARM] -= 1
                if cells[i, WARM] > 0:
                    continue
            if len(awake) > 0 and not awake[cells[i, FIRST] + cells[i, SEEN] - 1]:
                continue
            tally[AT] = r
            one = row[0]
            one.ts = ts[r]
            one.known = now
            one.instrument = i
            one.open = open_[r]
            one.high = high[r]
            one.low = low[r]
            one.close = close[r]
            one.volume = volume[r]
            one.span = span[r]
            mine = out[c]
            was_state[0] = state[c]
            was_out[0] = mine
            step(one, table[k], state[c], params[0], mine)
            then = last[c]
            if mine.target != then.target or mine.stop != then.stop or mine.limit != then.limit or mine.take != then.take:
                then.target = mine.target
                then.limit = mine.limit
                then.stop = mine.stop
                then.take = mine.take
                changed[count] = c
                asks[count, 0] = i
                count += 1
                tally[CHANGED] = count
        t = end
        if count == 0:
            continue
        if terms[DEALING] == 0.0 or tally[DECISIONS] <= 0 or tally[DEALS] + count > len(log):
            return end, count, WALKED
        pending = plan(
            count, end, hi, now, bars, out, last, changed, cells, book, marks, facts, tally, room, terms, standing, asks, log,
            equity, gross, worth,
        )  # fmt: skip
        if pending == 0:
            return end, count, WALKED
        for k in range(count):
            memo[tally[DEALS] - count + k] = state[changed[k]]
        count = 0
        tally[CHANGED] = 0
    return t, 0, WALKED


@kernel
def plan(
    count: int, end: int, hi: int, now: int, bars: Any, out: Any, last: Any, changed: Any, cells: Any, book: Any, marks: Any,
    facts: Any, tally: Any, room: Any, terms: Any, standing: Any, asks: Any, log: Any, equity: int, gross: int, worth: int,
) -> int:  # fmt: skip
    """Decide an instant's changes if all of them are plain: size, net, judge, log; returns the decisions logged, or 0.

    Nothing is touched when it returns 0. In asks: instrument, lots wanted, lots to trade (signed), value, 1 for an exit.
    """
    instrument, ts, known, span, open_, high, low, close, volume = bars
    if end >= hi:
        return 0
    then = end + 1
    while then < hi and known[then] == known[end]:
        then += 1
    inf = float("inf")
    orders = 0
    for k in range(count):
        c = changed[k]
        i = asks[k, 0]
        mine = out[c]
        target = mine.target
        if mine.limit != inf or mine.stop != inf or mine.take != inf or not abs(target) < 1e18:
            return 0
        mark = marks[i]
        if not mark > 0.0:
            return 0
        if terms[UNIT] == LOTS:
            lots = int(target)
            if lots == standing[c]:
                return 0
        else:
            if terms[UNIT] == WEIGHT:
                asked = target * terms[SHARE]
                if asked == standing[c]:
                    return 0
                own = tally[OWN_CASH] + worth
                if own <= 0:
                    return 0
                amount = asked * own
                amount = amount * 1_000_000_000 / 1_000_000_000
            else:
                if target == standing[c]:
                    return 0
                amount = target * terms[PER_ONE]
            each = mark * facts[i, SCALE]
            if not each > 0.0:
                return 0
            size = amount / each
            if not abs(size) < 1e15:
                return 0
            lots = int(size)
        held = book[i, HELD]
        trade = lots - held
        asks[k, 1] = lots
        asks[k, 2] = trade
        asks[k, 3] = 0
        asks[k, 4] = 0
        if trade == 0:
            continue
        orders += 1
        side = 1 if trade > 0 else -1
        size_lots = abs(trade)
        if held * side < 0:
            if size_lots > abs(held):
                return 0
            asks[k, 4] = 1
        if not facts[i, MIN_LOTS] <= size_lots <= facts[i, MAX_LOTS] or size_lots > facts[i, LARGE] or size_lots > room[ORDER_LOTS]:
            return 0
        worst = size_lots + (abs(held) if held * side > 0 else 0)
        if not worst * mark * facts[i, SCALE] < LIMIT:
            return 0
        asks[k, 3] = notional(size_lots, mark, facts[i, SCALE])
        if asks[k, 3] > room[ORDER_VALUE]:
            return 0
        # its next bar must be the next instant's, and must be able to fill it whole
        r = end
        while r < then and instrument[r] != i:
            r += 1
        if r == then or ts[r] < now or ts[r] <= tally[LAST_OPEN] or span[r] > facts[i, SPAN] or ts[r] != ts[end]:
            return 0
        if facts[i, UTC] != 0.0 and ts[r] >= now - now % DAY + DAY:
            return 0
        if volume[r] <= 0.0 or not (open_[r] > 0.0 and high[r] == high[r] and low[r] == low[r] and close[r] == close[r]):
            return 0
    # the rules for new risk, in the order in which the engine would send
    if now - tally[WINDOW] >= MINUTE:
        before = tally[ORDERS] if now - tally[WINDOW] < 2 * MINUTE else 0
        sent = 0
    else:
        before = tally[ORDERS_BEFORE]
        sent = tally[ORDERS]
    entries = 0
    reserved = 0
    for k in range(count):
        trade = asks[k, 2]
        if trade == 0:
            continue
        sent += 1
        if sent + before > room[RATE]:
            return 0
    for k in range(count):
        trade = asks[k, 2]
        if trade == 0 or asks[k, 4] != 0:
            continue
        i = asks[k, 0]
        held = book[i, HELD]
        side = 1 if trade > 0 else -1
        value = asks[k, 3]
        after = abs(held) + abs(trade)
        if after > room[POSITION_LOTS] or notional(after, marks[i], facts[i, SCALE]) > room[POSITION_FRAC] * equity - 1.0:
            return 0
        if side < 0 and facts[i, SHORTABLE] == 0.0:
            return 0
        more = gross + reserved + value
        if more > room[GROSS] or abs(worth) + reserved + value > room[NET] or more > room[LEVERAGE] * equity - 1.0:
            return 0
        if room[POWER_FRAC] < inf and value > room[POWER_FRAC] * (equity * room[MULTIPLIER] - (gross + reserved) - 1.0):
            return 0
        if equity < room[LEAST_EQUITY] or tally[PEAK] - equity > room[FALL_FRAC] * tally[PEAK]:
            return 0
        if tally[TRADES] + entries >= room[ENTRIES] or tally[OWN_TRADES] + entries >= room[OWN_ENTRIES]:
            return 0
        own = tally[OWN_CASH] + worth
        if room[OWN_POWER] < inf and value > room[OWN_POWER] * (own * room[MULTIPLIER] - (gross + reserved) - 1.0):
            return 0
        if own < room[OWN_LEAST]:
            return 0
        if tally[LOSSES] >= room[STREAK] or now - book[i, ENTERED] < room[APART]:
            return 0
        entries += 1
        reserved += value
    # all of it is plain: log it
    tally[DECISIONS] -= 1
    seq = tally[SEQ]
    if tally[CURSOR] != end:
        tally[CURSOR] = end
        seq += 1
    seq += count
    if now - tally[WINDOW] >= MINUTE:
        tally[ORDERS_BEFORE] = before
        tally[ORDERS] = 0
        tally[WINDOW] = now
    base = tally[DEALS]
    for exits in (1, 0):
        for k in range(count):
            trade = asks[k, 2]
            if trade == 0 or asks[k, 4] != exits:
                continue
            log[base + k].order = seq * 4
            seq += 1
            tally[ORDERS] += 1
            if exits == 0:
                book[asks[k, 0], ENTERED] = now
                tally[TRADES] += 1
                tally[OWN_TRADES] += 1
    for k in range(count):
        deal = log[base + k]
        c = changed[k]
        trade = asks[k, 2]
        deal.rows = end
        deal.known = now
        deal.cell = c
        deal.instrument = asks[k, 0]
        deal.wanted = asks[k, 1]
        deal.target = out[c].target
        deal.side = 1 if trade > 0 else -1
        deal.lots = abs(trade)
        deal.exit = asks[k, 4]
        deal.reserved = 0 if asks[k, 4] != 0 or trade == 0 else asks[k, 3]
        deal.seen = cells[asks[k, 0], SEEN]
        deal.filled = 0
        deal.price = 0.0
        deal.notional = 0
        deal.fee = 0
        deal.cash = 0
        if trade == 0:
            deal.order = 0
        if terms[UNIT] == LOTS:
            standing[c] = asks[k, 1]
        elif terms[UNIT] == WEIGHT:
            standing[c] = out[c].target * terms[SHARE]
        else:
            standing[c] = out[c].target
    seq += orders + (1 if orders > 1 else 0)
    tally[SEQ] = seq
    tally[DEALS] = base + count
    return count


@lru_cache(maxsize=128)
def scanner(function: Callable[..., None]) -> Kernel[..., tuple[int, int, int]]:
    """The scan of one strategy's step; TypeError("KERNEL_SHAPE") when the step is no plain function."""
    scope = dict(_scan.__globals__) | {"step": kernel(function)}
    own = FunctionType(_scan.__code__, scope, _scan.__name__, _scan.__defaults__)
    own.__qualname__ = f"scan_{function.__module__}_{function.__qualname__}"
    own.__doc__ = _scan.__doc__
    return kernel(own)
