"""One tick strategy's whole past on one instrument in a single compiled loop: rows, step, orders, latency, queue, ledger, figures.

It is the law of the walk lane, instant by instant: first all of an instant is applied, then the step sees each of its rows, then one
decision is made. Between what can matter it looks at rows only to call the step. What it cannot tell exactly it marks as refused.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from argosy.kernels.kernel import kernel
from argosy.kernels.ledger import notional
from argosy.kernels.local import bits, keep, local
from argosy.kernels.queue import NONE
from argosy.kernels.sweep.account import (
    AT,
    CASH,
    DAYS,
    EQUITY,
    EXPOSED,
    FINE,
    HELD,
    ORDERS,
    PEAK,
    REFUSED,
)
from argosy.kernels.sweep.marks import BLOCK, COUNT, DEPTH, FIRST, LAST, day_end, floor_of, marked
from argosy.kernels.sweep.wishes import want
from argosy.kernels.ticks.blotter import deliver, forget
from argosy.kernels.ticks.errands import close, settle
from argosy.kernels.ticks.places import (
    AHEAD,
    AMEND,
    CLOSED,
    DIRTY,
    ENDS,
    FROM,
    KNOWN,
    LIMITED,
    LIVE,
    MARKED,
    MARKET,
    NEVER,
    SEEN,
    SIDE,
    UNDERWAY,
    VKIND,
    VLEVEL,
    WAITING,
    WHEN,
    WROTE,
    Desk,
    Rows,
    Sea,
)
from argosy.kernels.ticks.planner import decide
from argosy.kernels.ticks.venue import touched

NAN = float("nan")
INF = float("inf")
STRETCH = 8192
"""Rows that all combinations are walked over before the next ones."""


class Tick(NamedTuple):
    """A row as a step sees it; the fields of `core.strategy.Tick`."""

    ts: int
    known: int
    instrument: int
    kind: int
    price: float
    size: float
    side: int
    bid: float
    ask: float
    bid_size: float
    ask_size: float
    held: float


def step(row: Any, needs: Any, state: Any, params: Any, out: Any) -> None:
    """Stands for the strategy's own step, which `link.ticker` puts in its place."""
    raise NotImplementedError


@kernel
def bounded(low: Any, high: Any, out: Any) -> None:
    """Lowest low and highest high of each block of rows; low, high: (T,), out: (2, ceil(T / BLOCK)), overwritten."""
    n = len(low)
    for b in range(out.shape[1]):
        bottom, top = INF, -INF
        for t in range(b * BLOCK, min((b + 1) * BLOCK, n)):
            bottom, top = min(bottom, low[t]), max(top, high[t])
        out[0, b], out[1, b] = bottom, top


@kernel
def clear_to(
    rows: Rows, lo: int, hi: int, low: float, high: float, under: float, over: float, one: float, two: float
) -> int:
    """The row up to which none from `lo` on touches an order: the edge of an instant, at most `hi`, sometimes sooner.

    low, high: limits: a row whose low is at or below, or whose high is at or above, touches; under, over: stops, likewise with the
    row's high and its low, nan where none waits; one, two: prices at which a row touches a queue, nan where none does
    """
    b = lo // BLOCK
    end = min((b + 1) * BLOCK, hi)
    t = lo
    queues = one == one
    stops = under == under or over == over
    if queues or stops or not (low < rows.bounds[0, b] and rows.bounds[1, b] < high):
        while t < end and low < rows.low[t] and rows.high[t] < high:
            if queues and (rows.price[t] == one or rows.price[t] == two):
                break
            if stops and (rows.high[t] <= under or rows.low[t] >= over):
                break
            t += 1
        if t < end:
            return int(rows.starts[rows.number[t]])
    if end < hi:
        edge = rows.starts[rows.number[end]]
        if edge != end:
            return int(edge) if edge > lo else lo
    return end


@kernel
def reach(acct: Any, desk: Desk, sea: Sea, rows: Rows, lo: int) -> tuple[float, float, float, float, float, float, int]:
    """(low, high, under, over, one, two, due): see `clear_to`; from the time `due` on rows are to be seen whole. Where the next is: high is -inf."""
    oi, of = desk.oi, desk.of
    low, high, under, over, one, two, due = -INF, INF, NAN, NAN, NAN, NAN, NEVER
    for k in range(acct[ORDERS]):
        if oi[k, LIVE] != 1:
            continue
        if oi[k, FROM] > rows.known[lo]:
            due = min(due, oi[k, FROM])
            continue
        if oi[k, AMEND] != 0 or oi[k, SEEN] == 0 or oi[k, VKIND] == MARKET:
            return INF, -INF, NAN, NAN, NAN, NAN, NEVER
        if oi[k, ENDS] < due:
            due = oi[k, ENDS]
        level = of[k, VLEVEL]
        if oi[k, VKIND] != LIMITED:
            if oi[k, SIDE] < 0:
                under = level if not level <= under else under
            else:
                over = level if not level >= over else over
        elif oi[k, SIDE] > 0:
            low = max(low, level)
        else:
            high = min(high, level)
        if sea.queue != NONE and oi[k, VKIND] == LIMITED:
            if of[k, AHEAD] != of[k, AHEAD] or (two == two and level != one and level != two):
                return INF, -INF, NAN, NAN, NAN, NAN, NEVER
            if one != one:
                one = level
            elif level != one:
                two = level
    return low, high, under, over, one, two, due


@kernel
def first_from(known: Any, lo: int, hi: int, when: int) -> int:
    """The first row of [lo, hi) that is known at `when` or later, hi where none is."""
    while lo < hi:
        m = (lo + hi) // 2
        if known[m] < when:
            lo = m + 1
        else:
            hi = m
    return lo


@kernel
def due_by(acct: Any, desk: Desk, closes: Any) -> int:
    """The next moment at which something is due without a row."""
    when = NEVER
    for m in range(acct[WAITING]):
        when = min(when, desk.box[m, KNOWN])
    if acct[UNDERWAY] > 0:
        when = min(when, desk.bag[0, WHEN])
    if acct[CLOSED] < len(closes):
        when = min(when, closes[acct[CLOSED]])
    return int(when)


@kernel
def mark_to(acct: Any, figures: Any, rows: Rows, scale: float, one: float, days: Any, end: int) -> None:
    """Mark the instants that were not, up to `end`, at the position as it stands."""
    k = acct[MARKED]
    if k >= end:
        return
    held, cash = acct[HELD], acct[CASH]
    peak, depth = acct[PEAK], figures[DEPTH]
    floor = floor_of(peak, depth)
    day = acct[DAYS]
    if held != 0:
        peak, floor, depth = marked(rows.marks, rows.mark_bounds, k, end, held, cash, scale, peak, floor, depth)
    elif cash > peak:
        peak = cash
    elif cash < floor and peak > 0:
        depth = max(depth, (peak - cash) / peak)
    while day < len(days) and days[day] < end:
        worth = notional(held, rows.marks[days[day]], scale) if held != 0 else 0
        day_end(figures, (cash + worth) / one)
        day += 1
    acct[DAYS] = day
    acct[PEAK] = peak
    figures[DEPTH] = depth
    acct[MARKED] = end


def quiet(t: int, end: int, rows: Rows, params: Any, state: Any, out: Any, instrument: int, held: float, watched: int) -> int:
    """Call the step on rows from t on until it writes something else, at most to `end`; returns the row after the last."""
    mine = local(out)
    own = local(state)
    chosen = local(params)
    target, limit, stop, take = mine.target, mine.limit, mine.stop, mine.take
    r = t
    changed = 0
    while r < end:
        # they are these numbers already; said here, the compiler knows it
        mine.target, mine.limit, mine.stop, mine.take = target, limit, stop, take
        u = np.uintp(r)
        r += 1
        if (watched >> rows.kind[u]) & 1 == 0:
            continue
        step(
            Tick(
                rows.ts[u], rows.known[u], instrument, rows.kind[u], rows.price[u], rows.size[u], rows.side[u], rows.standing_bid[u],
                rows.standing_ask[u], rows.bid_size[u], rows.ask_size[u], held,
            ), (), own, chosen, mine,
        )  # fmt: skip
        # four answers, not one: so they stay apart
        if bits(mine.target) != bits(target):
            changed = 1
        if bits(mine.stop) != bits(stop):
            changed = 2
        if bits(mine.limit) != bits(limit):
            changed = 3
        if bits(mine.take) != bits(take):
            changed = 4
        if changed != 0:
            break
    keep(out, mine)
    keep(state, own)
    return r


def walk(
    lo: int, hi: int, warm: int, rows: Rows, params: Any, state: Any, out: Any, market: Any, schedule: Any, sea: Sea, days: Any,
    closes: Any, acct: Any, lvl: Any, desk: Desk, log: Any, figures: Any,
) -> None:  # fmt: skip
    """Walk one combination over rows [lo, hi), whole instants, from where it stands in its records to where it stands then.

    warm:   rows at the beginning on which the step is not called; closes: when sessions ended
    params, state, out: a record each; acct, lvl, desk: the account, its wish, its orders and mail
    log:    records of fills, filled as far as they go; figures: FIGURES float64
    """
    known = rows.known
    t = lo
    while t < hi:
        # 1. whole stretches on which nothing can be touched or heard: the step alone
        due = due_by(acct, desk, closes)
        r = t
        changed = False
        if due > known[t] and t >= warm:
            low, high, under, over, first, second, ends = reach(acct, desk, sea, rows, t)
            due = min(due, ends)
            end = first_from(known, t, hi, due) if due != NEVER else hi
            wide = low == -INF and high == INF and under != under and over != over and first != first
            sure = end if wide else clear_to(rows, t, end, low, high, under, over, first, second)
            while r < sure:
                r = quiet(r, sure, rows, params, state, out, market.instrument, float(acct[HELD]), sea.watched)
                if r < sure or differs(out, lvl):
                    changed = True
                    break
                if sure < end:
                    sure = clear_to(rows, sure, end, low, high, under, over, first, second)
            if not changed and r > t:
                t = r
                continue
        # 2. the rest of an instant: all that is due before it and in it, its rows as the step sees them, one decision
        k = rows.number[r - 1] if changed else rows.number[t]
        if not changed:
            heard(t, rows, market, schedule, sea, days, closes, acct, lvl, desk, log, figures)
        edge = rows.starts[k + 1]
        heed(acct, lvl, market, out, rows.marks[k])
        r = max(r, min(warm, edge))
        while r < edge and acct[REFUSED] == FINE:
            r = quiet(r, edge, rows, params, state, out, market.instrument, float(acct[HELD]), sea.watched)
            heed(acct, lvl, market, out, rows.marks[k])
        if acct[DIRTY] != 0 and acct[REFUSED] == FINE:
            decide(
                acct, lvl, log, desk, market, schedule, sea, known[edge - 1], k + 1, rows.marks[k], rows.standing_bid[edge - 1],
                rows.standing_ask[edge - 1],
            )  # fmt: skip
        if acct[REFUSED] != FINE:
            return
        t = edge


@kernel
def heard(
    t: int, rows: Rows, market: Any, schedule: Any, sea: Sea, days: Any, closes: Any, acct: Any, lvl: Any, desk: Desk, log: Any,
    figures: Any,
) -> None:  # fmt: skip
    """All that is due before the instant of row t, each at its time, and then what the instant itself does at the venue."""
    k = rows.number[t]
    now = rows.known[t]
    at = max(t - 1, 0)
    mark_to(acct, figures, rows, market.scale, market.per_one, days, k)
    due = due_by(acct, desk, closes)
    while due < now and acct[REFUSED] == FINE:
        before = acct[WAITING]
        arrive(acct, desk, sea, closes, due)
        deliver(acct, lvl, log, desk, market, schedule, before, due, k)
        if t > 0:
            decide(
                acct, lvl, log, desk, market, schedule, sea, due, k, rows.marks[k - 1], rows.standing_bid[at], rows.standing_ask[at]
            )
        due = due_by(acct, desk, closes)
    before = acct[WAITING]
    for r in range(t, rows.starts[k + 1]):
        touched(acct, desk, market, sea, rows, r)
    if due == now:
        arrive(acct, desk, sea, closes, now)
    if acct[WAITING] != 0:
        deliver(acct, lvl, log, desk, market, schedule, before, now, k)
        forget(acct, desk)


@kernel
def arrive(acct: Any, desk: Desk, sea: Sea, closes: Any, when: int) -> None:
    """What is due at the venue by itself: errands arrive, then sessions end."""
    settle(acct, desk, sea, when)
    while acct[CLOSED] < len(closes) and closes[acct[CLOSED]] <= when:
        close(acct, desk, sea, closes[acct[CLOSED]])
        acct[CLOSED] += 1


@kernel
def differs(out: Any, lvl: Any) -> bool:
    """Whether a step has written something since it was last looked at."""
    return bool(
        bits(out.target) != bits(lvl[WROTE]) or bits(out.limit) != bits(lvl[WROTE + 1]) or bits(out.stop) != bits(lvl[WROTE + 2])
        or bits(out.take) != bits(lvl[WROTE + 3])
    )  # fmt: skip


@kernel
def noted(lvl: Any, out: Any) -> None:
    """Remember what was last looked at."""
    lvl[WROTE], lvl[WROTE + 1], lvl[WROTE + 2], lvl[WROTE + 3] = out.target, out.limit, out.stop, out.take


@kernel
def heed(acct: Any, lvl: Any, market: Any, out: Any, mark: float) -> None:
    """Take what a step has written as its wish."""
    if not differs(out, lvl):
        return
    noted(lvl, out)
    if want(acct, lvl, market, out.target, out.limit, out.stop, out.take, mark):
        acct[DIRTY] = 1


@kernel
def begin(cash: int, acct: Any, lvl: Any, figures: Any, one: float) -> None:
    """Set a combination before its first row; acct is all 0."""
    for k in range(len(lvl)):
        lvl[k] = NAN
    for k in range(4):
        lvl[WROTE + k] = INF
    acct[CASH] = cash
    acct[PEAK] = cash
    figures[DEPTH] = 0.0
    figures[FIRST] = cash / one
    figures[LAST] = cash / one
    figures[COUNT] = -1.0


@kernel
def conclude(rows: Rows, acct: Any, market: Any, days: Any, figures: Any) -> None:
    """Count up a combination after its last row; what would be known later is never heard of."""
    n = len(rows.starts) - 1
    one = market.per_one
    if acct[REFUSED] == FINE:
        mark_to(acct, figures, rows, market.scale, one, days, n)
    if acct[HELD] != 0:
        acct[EXPOSED] += n - acct[AT]
    if figures[COUNT] < 0.0:
        figures[COUNT] = 0.0
    acct[EQUITY] = acct[CASH]
    if acct[HELD] != 0:
        acct[EQUITY] += notional(acct[HELD], rows.marks[n - 1], market.scale)


def batch(
    row: int, seat: int, cursor: Any, cash: int, rows: Rows, cuts: Any, warms: Any, params: Any, states: Any, outs: Any, market: Any,
    schedule: Any, sea: Sea, days: Any, closes: Any, accounts: Any, lvl: Any, oi: Any, of: Any, box: Any, prices: Any, bag: Any,
    levels: Any, asks: Any, asked: Any, log: Any, figures: Any,
) -> None:  # fmt: skip
    """Walk C combinations, each with `cash` units, a stretch of rows at a time, so that they share what is near.

    row, seat: the stretch and the combination to begin with, 0 and 0 at first; cursor: (2,) int64, those at hand
    cuts: (S + 1,) rows at which stretches begin, edges of instants, 0 first and T last
    accounts: (C, ACCOUNT) int64 zeros; lvl: (C, LEVELS); figures: (C, FIGURES) float64: what comes out
    oi ... asked: the arrays of `places.Desk`, one for each combination
    """
    count = len(warms)
    if row == 0 and seat == 0:
        for c in range(count):
            begin(cash, accounts[c], lvl[c], figures[c], market.per_one)
    while row < len(cuts) - 1:
        while seat < count:
            cursor[0] = row
            cursor[1] = seat
            if accounts[seat, REFUSED] == FINE:
                desk = Desk(oi[seat], of[seat], box[seat], prices[seat], bag[seat], levels[seat], asks[seat], asked[seat])
                walk(
                    cuts[row], cuts[row + 1], warms[seat], rows, params[seat], states[seat], outs[seat], market, schedule, sea, days, closes,
                    accounts[seat], lvl[seat], desk, log, figures[seat],
                )  # fmt: skip
            seat += 1
        seat = 0
        row += 1
    for c in range(count):
        conclude(rows, accounts[c], market, days, figures[c])
