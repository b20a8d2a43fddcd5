"""The simulated venue of the compiled tick lane: what each row fills; the law is `venues.sim`'s. It knows only what has arrived."""

from __future__ import annotations

from typing import Any

from argosy.kernels.fills import participation, quote_fill, stop_fill, trade_fill
from argosy.kernels.kernel import kernel
from argosy.kernels.ledger import overflow
from argosy.kernels.queue import NONE, reached, thinned
from argosy.kernels.sweep.account import ORDERS, OVERFLOW, REFUSED, Market
from argosy.kernels.ticks.places import (
    AHEAD,
    AMEND,
    ARMED,
    AWAY,
    BOOK,
    BOUNDLESS,
    CANCELED,
    DEALT,
    ENDS,
    EXPIRED,
    FILL,
    FILLED,
    FROM,
    GROUP,
    KIND,
    LIMITED,
    LIVE,
    MAKER,
    MARKET,
    MORE,
    MOST,
    NEXT,
    NIL,
    ONE,
    OWN,
    PARENT,
    PLACE,
    PRICED,
    QUOTE,
    REDUCE,
    RESIZED,
    ROOMY,
    SEEN,
    SERIAL,
    SIDE,
    TAKES,
    TODO,
    TRADE,
    VHELD,
    VKIND,
    VLEVEL,
    VLOTS,
    WOKEN,
    Desk,
    Rows,
    Sea,
)
from argosy.kernels.ticks.post import end, say

NAN = float("nan")
INF = float("inf")


@kernel
def deal(acct: Any, desk: Desk, k: int, lots: int, price: float, row: int, at: int, known: int) -> None:
    """Execute lots of an order: one fill, and what it does to its siblings and legs."""
    oi = desk.oi
    side = oi[k, SIDE]
    oi[k, FILLED] += lots
    acct[VHELD] += side * lots
    acct[ROOMY] -= lots
    say(acct, desk, known, FILL, oi[k, SERIAL], lots, row, oi[k, MAKER], price)
    done = oi[k, FILLED] >= oi[k, VLOTS]
    if done:
        oi[k, LIVE] = 0
    group = oi[k, GROUP]
    if group != 0:
        for j in range(acct[ORDERS]):
            if j == k or oi[j, LIVE] == 0 or oi[j, GROUP] != group:
                continue
            oi[j, VLOTS] -= lots
            if oi[j, ARMED] != BOUNDLESS:
                oi[j, ARMED] -= lots
            if done or oi[j, VLOTS] <= oi[j, FILLED]:
                end(acct, desk, j, CANCELED, known)
            else:
                say(acct, desk, known, RESIZED, oi[j, SERIAL], oi[j, VLOTS], NIL, NIL, NAN)
    serial = oi[k, SERIAL]
    for j in range(acct[ORDERS]):
        if oi[j, PARENT] != serial or oi[j, LIVE] == 0:
            continue
        oi[j, ARMED] += lots
        if oi[j, LIVE] == 2:
            oi[j, LIVE] = 1
            oi[j, FROM] = at
            say(acct, desk, known, WOKEN, oi[j, SERIAL], NIL, NIL, NIL, NAN)


@kernel
def take(acct: Any, desk: Desk, market: Market, k: int, row: int, at: int, known: int) -> None:
    """Fill what the caps and the position allow of an order that the row at hand touches."""
    oi = desk.oi
    oi[k, TODO] = 0
    if oi[k, LIVE] != 1:
        return
    full = min(oi[k, VLOTS], oi[k, ARMED]) - oi[k, FILLED]
    lots = full
    side = oi[k, SIDE]
    if oi[k, REDUCE] != 0:
        held = -side * acct[VHELD]
        if held < lots:
            lots = max(held, 0)
    closed = lots < full
    lots = min(lots, oi[k, MOST], acct[ROOMY])
    if lots > 0:
        price = desk.of[k, PRICED]
        if overflow(lots, price, market.scale):
            acct[REFUSED] = OVERFLOW
            return
        deal(acct, desk, k, lots, price, row, at, known)
        if oi[k, ARMED] != BOUNDLESS and min(oi[k, VLOTS], oi[k, ARMED]) - oi[k, FILLED] <= 0:
            oi[k, VKIND] = oi[k, KIND]
    if closed and side * acct[VHELD] >= 0 and oi[k, LIVE] == 1:
        end(acct, desk, k, CANCELED, known)


@kernel
def drain(acct: Any, desk: Desk, market: Market, mark: int, row: int, at: int, known: int) -> None:
    """Let the orders noted with `mark` take: what takes first, then the better price, then who came first."""
    oi, of = desk.oi, desk.of
    while acct[REFUSED] == 0:
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
        if best < 0:
            return
        take(acct, desk, market, best, row, at, known)


@kernel
def offer(desk: Desk, k: int, mark: int, takes: int, away: float, price: float, maker: int, most: int) -> None:
    """Note that the row at hand touches an order."""
    oi, of = desk.oi, desk.of
    oi[k, TODO], oi[k, TAKES], oi[k, MAKER], oi[k, MOST] = mark, takes, maker, most
    of[k, AWAY], of[k, PRICED] = away, price


@kernel
def tick(desk: Desk, k: int, price: float, mark: int) -> None:
    """A price meets what is no limit: a market order takes, a stop that it reaches becomes one."""
    oi, of = desk.oi, desk.of
    if oi[k, VKIND] == MARKET:
        offer(desk, k, mark, NIL, -INF, price, NIL, NIL + BOUNDLESS)
        return
    most = min(oi[k, VLOTS], oi[k, ARMED]) - oi[k, FILLED]
    if most <= 0:
        return
    side, level = oi[k, SIDE], of[k, VLEVEL]
    px = stop_fill(side, level, price, price, price)
    if px == px:
        oi[k, VKIND] = MARKET
        offer(desk, k, mark, NIL, side * (level - price), px, NIL, most)


@kernel
def shown_at(rows: Rows, side: int, price: float, row: int) -> float:
    """What the book shows at a level before a row."""
    sides, prices, places = rows.level_side, rows.level_price, rows.level_row
    lo, hi = 0, len(places)
    while lo < hi:  # the first word on the level from `row` on
        m = (lo + hi) // 2
        before = sides[m] < side or (sides[m] == side and (prices[m] < price or (prices[m] == price and places[m] < row)))
        if before:
            lo = m + 1
        else:
            hi = m
    last = lo - 1
    if last < 0 or sides[last] != side or prices[last] != price:
        return 0.0
    clears = rows.clears
    lo, hi = 0, len(clears)
    while lo < hi:
        m = (lo + hi) // 2
        if clears[m] < row:
            lo = m + 1
        else:
            hi = m
    if lo > 0 and places[last] < clears[lo - 1]:
        return 0.0
    size = rows.level_size[last]
    return float(size) if size > 0.0 else 0.0


@kernel
def retime(acct: Any, desk: Desk) -> None:
    """Let the amended terms hold; a new price loses the place in the queue."""
    oi, of = desk.oi, desk.of
    for k in range(acct[ORDERS]):
        if oi[k, AMEND] != 0:
            oi[k, AMEND] = 0
            oi[k, VLOTS] += oi[k, MORE]
            oi[k, MORE] = 0
            if of[k, NEXT] == of[k, NEXT]:
                of[k, VLEVEL] = of[k, NEXT]
            of[k, NEXT] = NAN
            oi[k, SEEN] = 0
            of[k, AHEAD] = NAN


@kernel
def line_up(acct: Any, desk: Desk, market: Market, rows: Rows, row: int) -> None:
    """What has arrived by a row takes its place in the queue of its level, behind what is shown and behind its own account's."""
    oi, of = desk.oi, desk.of
    at = rows.known[row]
    for k in range(acct[ORDERS]):
        if oi[k, LIVE] != 1 or oi[k, VKIND] != LIMITED or oi[k, FROM] > at or of[k, AHEAD] == of[k, AHEAD]:
            continue
        side, level = oi[k, SIDE], of[k, VLEVEL]
        own = 0
        for j in range(acct[ORDERS]):
            if oi[j, LIVE] == 1 and oi[j, VKIND] == LIMITED and oi[j, SIDE] == side and of[j, VLEVEL] == level and oi[j, PLACE] < oi[k, PLACE]:
                own += min(oi[j, VLOTS], oi[j, ARMED]) - oi[j, FILLED]
        of[k, OWN] = max(own, 0) * market.lot
        of[k, AHEAD] = shown_at(rows, side, level, row) + of[k, OWN]
        of[k, DEALT] = 0.0


@kernel
def touched(acct: Any, desk: Desk, market: Market, sea: Sea, rows: Rows, row: int) -> None:
    """Match a row with what has arrived by it."""
    oi, of = desk.oi, desk.of
    kind = rows.kind[row]
    price = rows.price[row]
    if kind == QUOTE and sea.deep:
        return
    if kind == BOOK and not sea.deep:
        return
    if kind == TRADE and price != price:
        return
    live = False
    for k in range(acct[ORDERS]):
        live = live or oi[k, LIVE] == 1
    if not live:
        return
    at = rows.known[row]
    known = at + sea.report
    ts = rows.ts[row]
    retime(acct, desk)
    if sea.queue != NONE:
        line_up(acct, desk, market, rows, row)
        if kind == BOOK:
            for k in range(acct[ORDERS]):
                there = oi[k, LIVE] == 1 and oi[k, VKIND] == LIMITED and oi[k, SIDE] == rows.side[row] and of[k, VLEVEL] == price
                if there and of[k, AHEAD] == of[k, AHEAD]:
                    of[k, AHEAD] = thinned(sea.queue, of[k, AHEAD], of[k, OWN], rows.before[row], rows.size[row], of[k, DEALT])
                    of[k, DEALT] = 0.0
    bid, ask = rows.bid[row], rows.ask[row]
    if kind == BOOK and rows.low[row] == INF and rows.high[row] == -INF:
        return  # a new book is being told
    for k in range(acct[ORDERS]):
        oi[k, TODO] = 0
        if oi[k, LIVE] != 1 or oi[k, FROM] > at:
            continue
        if oi[k, ENDS] <= ts:
            oi[k, TODO] = -1
            continue
        side, level = oi[k, SIDE], of[k, VLEVEL]
        most = min(oi[k, VLOTS], oi[k, ARMED]) - oi[k, FILLED]
        if kind == TRADE:
            if oi[k, VKIND] != LIMITED:
                tick(desk, k, price, ONE)
                if not sea.takes:
                    oi[k, TODO] = 0
            elif sea.queue != NONE and price == level:
                if rows.side[row] * side <= 0:
                    of[k, AHEAD], came = reached(of[k, AHEAD], rows.size[row])
                    if rows.size[row] > 0.0:
                        of[k, DEALT] += rows.size[row]
                    lots = participation(1.0, came, market.lot)
                    if lots > 0:
                        offer(desk, k, ONE, ONE, 0.0, level, ONE, min(most, lots))
            else:
                px = trade_fill(side, level, price, market.through)
                if px == px:
                    offer(desk, k, ONE, ONE, side * (price - level), px, ONE, most)
            if sea.takes:
                oi[k, SEEN] = 1
            continue
        px = ask if side > 0 else bid
        if px != px:
            continue
        mark = ONE if side > 0 else ONE + ONE
        if oi[k, VKIND] != LIMITED:
            tick(desk, k, px, mark)
        else:
            away = side * (px - level)
            px = quote_fill(side, level, bid, ask, oi[k, SEEN] != 0)
            if px == px:
                offer(desk, k, mark, ONE, away, px, oi[k, SEEN], most)
        oi[k, SEEN] = 1
    for k in range(acct[ORDERS]):
        if oi[k, TODO] == -1:
            oi[k, TODO] = 0
            if oi[k, LIVE] == 1:
                end(acct, desk, k, EXPIRED, known)
    if kind == TRADE:
        acct[ROOMY] = participation(sea.frac, rows.size[row], market.lot) if sea.frac > 0.0 else BOUNDLESS
        drain(acct, desk, market, ONE, row, at, known)
    else:
        acct[ROOMY] = participation(1.0, rows.ask_size[row], market.lot) if sea.frac > 0.0 else BOUNDLESS
        drain(acct, desk, market, ONE, row, at, known)
        acct[ROOMY] = participation(1.0, rows.bid_size[row], market.lot) if sea.frac > 0.0 else BOUNDLESS
        drain(acct, desk, market, ONE + ONE, row, at, known)
