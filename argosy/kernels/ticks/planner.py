"""The planner of the compiled tick lane: what it asks for until the venue holds what is wished.

It is the planner of the walk lane (HEART §4, §5) for one strategy alone: it knows only what it was told, plans
anew when something changed, and waits for the venue's word. What the gate would refuse marks the combination as refused.
"""

from __future__ import annotations

from typing import Any

from argosy.kernels.kernel import kernel
from argosy.kernels.sweep.account import (
    BOUND,
    CHILD,
    CROSS,
    FINE,
    LIMIT,
    ORDERS,
    OVERFLOW,
    PRICE,
    RANK,
    REFUSED,
    ROOM,
    SHORT,
    STOP,
    STOPPER,
    TAKE,
    TAKER,
    TRIMMED,
    TURN,
    WANT,
    WTURN,
    Market,
)
from argosy.kernels.sweep.account import HELD as POSITION
from argosy.kernels.sweep.account import SIZE as BAD_SIZE
from argosy.kernels.sweep.wishes import HIGHEST
from argosy.kernels.ticks.blotter import deliver, forget
from argosy.kernels.ticks.errands import perform
from argosy.kernels.ticks.places import (
    ACKED,
    AMENDS,
    ASKED,
    ASKS,
    CANCEL,
    CANCELED,
    CANCELLING,
    CAPACITY,
    CUM,
    DIRTY,
    FLOATS,
    GROUP,
    INTEGERS,
    KIND,
    LEAVING,
    LEFT,
    LEG,
    LEVEL,
    LIMITED,
    LOTS,
    MARKET,
    MOVING,
    NIL,
    ONE,
    ORDER,
    PARENT,
    REDUCE,
    SENT,
    SERIAL,
    SIDE,
    SIZE,
    STOPS,
    SUBMIT,
    TAG,
    TURNED,
    WAITING,
    WORK,
    WORKING,
    Desk,
    Sea,
)

NAN = float("nan")
INF = float("inf")


@kernel
def ask(acct: Any, desk: Desk, asked: int, serial: int, lots: int, level: float) -> None:
    """Note an effect; they are performed in this order when the decision is made."""
    n = acct[ASKS]
    if n >= len(desk.asked):
        acct[REFUSED] = ROOM
        return
    desk.asks[n, ASKED], desk.asks[n, ORDER], desk.asks[n, SIZE] = asked, serial, lots
    desk.asked[n] = level
    acct[ASKS] = n + 1


@kernel
def let_go(acct: Any, desk: Desk, k: int) -> None:
    """Ask for an order's end."""
    desk.oi[k, CANCELLING] = 1
    desk.oi[k, WORK] = LEAVING
    ask(acct, desk, CANCEL, desk.oi[k, SERIAL], NIL, NAN)


@kernel
def order(
    acct: Any, desk: Desk, market: Market, kind: int, side: int, lots: int, level: float, reduces: int, tag: int, parent: int, group: int,
) -> int:  # fmt: skip
    """A new order as the engine knows it; its serial number, 0 when it would be refused."""
    oi, of = desk.oi, desk.of
    k = acct[ORDERS]
    if k >= CAPACITY:
        acct[REFUSED] = ROOM
        return 0
    if lots < market.least or lots > market.most:
        acct[REFUSED] = BAD_SIZE
        return 0
    if kind != MARKET and not 0.0 < level < HIGHEST:
        acct[REFUSED] = PRICE
        return 0
    acct[RANK] += 1
    serial = acct[RANK]
    for c in range(INTEGERS):
        oi[k, c] = 0
    for c in range(FLOATS):
        of[k, c] = NAN
    oi[k, WORK], oi[k, LOTS], oi[k, LEFT], oi[k, LEG] = SENT, lots, lots, 1 if parent != 0 else 0
    oi[k, TURNED], oi[k, SIDE], oi[k, TAG], oi[k, REDUCE] = acct[TURN], side, tag, reduces
    oi[k, PARENT], oi[k, GROUP], oi[k, SERIAL], oi[k, KIND] = parent, group, serial, kind
    of[k, LEVEL] = level
    acct[ORDERS] = k + 1
    return int(serial)


@kernel
def guard(acct: Any, lvl: Any, desk: Desk, market: Market, side: int, lots: int, tag: int, parent: int, group: int) -> None:
    """A stop or a target; by itself, or as a leg of an entry."""
    if parent == 0 and lots > -side * acct[POSITION]:
        acct[REFUSED] = TRIMMED
        return
    kind = STOPS if tag == STOPPER else LIMITED
    serial = order(acct, desk, market, kind, side, lots, lvl[STOP] if tag == STOPPER else lvl[TAKE], ONE, tag, parent, group)
    if parent == 0 and serial != 0:
        ask(acct, desk, SUBMIT, serial, lots, NAN)


@kernel
def leave(acct: Any, lvl: Any, desk: Desk, market: Market, side: int, lots: int) -> None:
    """An order that only makes the position smaller."""
    if lots > -side * acct[POSITION]:
        acct[REFUSED] = TRIMMED
        return
    limit = lvl[LIMIT]
    serial = order(acct, desk, market, LIMITED if limit == limit else MARKET, side, lots, limit, ONE, NIL, NIL, NIL)
    if serial != 0:
        ask(acct, desk, SUBMIT, serial, lots, NAN)


@kernel
def enter(acct: Any, lvl: Any, desk: Desk, market: Market, side: int, lots: int, mark: float, bid: float, ask_: float) -> None:
    """An order that opens or adds, with its legs; judged as the gate does."""
    oi, of = desk.oi, desk.of
    limit = lvl[LIMIT]
    if side < 0 and not market.shortable:
        acct[REFUSED] = SHORT
        return
    price = limit if limit == limit else mark
    if not mark > 0.0:
        acct[REFUSED] = PRICE
        return
    worst = lots + abs(acct[POSITION])
    best = NAN
    for k in range(acct[ORDERS]):
        if oi[k, WORK] >= CANCELED:
            continue
        worst += oi[k, LOTS]
        if oi[k, SIDE] == side or oi[k, LEG] != 0 or oi[k, KIND] == STOPS:
            continue
        own = of[k, LEVEL] if oi[k, KIND] == LIMITED else (-INF if side > 0 else INF)
        if best != best or (own < best if side > 0 else own > best):
            best = own
    if not worst * max(price, mark) * market.scale < BOUND:
        acct[REFUSED] = OVERFLOW
        return
    if best == best:
        reach = limit
        if reach != reach:
            reach = ask_ if side > 0 else bid
            if reach != reach:
                reach = mark
        if not (reach - best) * side < 0.0:
            acct[REFUSED] = CROSS
            return
    serial = order(acct, desk, market, LIMITED if limit == limit else MARKET, side, lots, limit, NIL, NIL, NIL, NIL)
    if serial == 0:
        return
    for tag in range(STOPPER, TAKER + 1):
        level = lvl[STOP] if tag == STOPPER else lvl[TAKE]
        if level == level:
            guard(acct, lvl, desk, market, -side, lots, tag, serial, serial)
    ask(acct, desk, SUBMIT, serial, lots, NAN)


@kernel
def relevel(acct: Any, lvl: Any, desk: Desk, k: int) -> bool:
    """Whether a protection rests at another level than is wanted now and may be moved there."""
    oi, of = desk.oi, desk.of
    level = lvl[STOP] if oi[k, TAG] == STOPPER else lvl[TAKE]
    if (oi[k, WORK] != WORKING and oi[k, WORK] != ACKED) or level != level or of[k, LEVEL] == level:
        return False
    if not 0.0 < level < HIGHEST:
        acct[REFUSED] = PRICE
    return True


@kernel
def plan(acct: Any, lvl: Any, desk: Desk, market: Market, mark: float, bid: float, ask_: float) -> None:
    """What can be asked for now so that the venue comes to hold what is wished; what waits for its word is planned again then."""
    oi, of = desk.oi, desk.of
    if acct[WTURN] == 0:
        return
    held = acct[POSITION]
    limit = lvl[LIMIT]
    lack = acct[WANT] - held
    n = acct[ORDERS]
    busy = 0
    leaving = 0
    children = 0
    for k in range(n):
        if oi[k, WORK] < CANCELED and oi[k, TAG] == CHILD:
            children += 1
            busy += oi[k, SIDE] * oi[k, LEFT]
            if oi[k, REDUCE] != 0:
                leaving += oi[k, LOTS] - oi[k, CUM]
    settled = True
    for k in range(n):
        if oi[k, WORK] >= CANCELED or oi[k, TAG] != CHILD:
            continue
        if oi[k, WORK] == LEAVING or oi[k, CANCELLING] != 0:
            settled = False
            continue
        own, side = of[k, LEVEL], oi[k, SIDE]
        same = own == limit or (own != own and limit != limit)
        if not same or lack * side <= 0 or busy * side > lack * side:
            let_go(acct, desk, k)
            settled = False
    close = 0
    rest = 0
    way = 1
    if settled:
        need = lack - busy
        if need != 0:
            way = 1 if need > 0 else -1
            after = held + busy
            close = min(abs(need), abs(after)) if after * way < 0 else 0
            rest = abs(need) - close
            blocked = False
            for k in range(n):
                if close != 0 and oi[k, WORK] < CANCELED and oi[k, TAG] != CHILD and oi[k, SIDE] == way and oi[k, LEG] == 0:
                    blocked = True
            if blocked:
                if close < market.least or close > market.most or close > abs(held):
                    acct[REFUSED] = BAD_SIZE
                if limit == limit and not 0.0 < limit < HIGHEST:
                    acct[REFUSED] = PRICE
                for k in range(n):
                    guards = oi[k, WORK] < CANCELED and oi[k, TAG] != CHILD and oi[k, SIDE] == way and oi[k, LEG] == 0
                    if guards and oi[k, CANCELLING] == 0 and oi[k, WORK] != LEAVING:
                        let_go(acct, desk, k)
                return
    elif children != 0:
        return
    # guards: those that rest, then those that are missing
    side = -1 if held > 0 else 1
    whole = max(0, abs(held) - leaving - close)
    stopped = 0
    taken = 0
    waits = False
    first = acct[ASKS]
    for k in range(n):
        if waits or oi[k, WORK] >= CANCELED or oi[k, TAG] == CHILD:
            continue
        if oi[k, LEG] != 0:
            continue
        if oi[k, WORK] == LEAVING or oi[k, CANCELLING] != 0:
            waits = True
            continue
        level = lvl[STOP] if oi[k, TAG] == STOPPER else lvl[TAKE]
        room = whole - (stopped if oi[k, TAG] == STOPPER else taken)
        if held == 0 or oi[k, SIDE] != side or level != level or room <= 0:
            let_go(acct, desk, k)
            continue
        if oi[k, TAG] == STOPPER:
            stopped += min(room, oi[k, LOTS] - oi[k, CUM]) if oi[k, WORK] == WORKING else oi[k, LOTS] - oi[k, CUM]
        else:
            taken += min(room, oi[k, LOTS] - oi[k, CUM]) if oi[k, WORK] == WORKING else oi[k, LOTS] - oi[k, CUM]
    amends(acct, lvl, desk, held, side, whole, first)
    if close != 0:
        leave(acct, lvl, desk, market, way, close)
    if rest != 0 and held * way < 0:
        enter(acct, lvl, desk, market, way, rest, mark, bid, ask_)
    if held != 0 and not waits:
        stops = whole - stopped if lvl[STOP] == lvl[STOP] else 0
        takes = whole - taken if lvl[TAKE] == lvl[TAKE] else 0
        group = acct[RANK] + 1 if stops > 0 and takes > 0 else 0
        for tag in range(STOPPER, TAKER + 1):
            lots = stops if tag == STOPPER else takes
            if lots > 0:
                guard(acct, lvl, desk, market, side, lots, tag, NIL, group)
    if rest != 0 and held * way >= 0:
        enter(acct, lvl, desk, market, way, rest, mark, bid, ask_)


@kernel
def amends(acct: Any, lvl: Any, desk: Desk, held: int, side: int, whole: int, first: int) -> None:
    """Ask for the terms that resting guards should have; up to the one that is on its way out, as the planner goes."""
    oi = desk.oi
    stopped = 0
    taken = 0
    gone = acct[ASKS]
    for k in range(acct[ORDERS]):
        if oi[k, WORK] >= CANCELED or oi[k, TAG] == CHILD:
            continue
        level = lvl[STOP] if oi[k, TAG] == STOPPER else lvl[TAKE]
        if oi[k, LEG] != 0:
            if relevel(acct, lvl, desk, k):
                ask(acct, desk, AMENDS, oi[k, SERIAL], NIL, level)
                oi[k, WORK] = MOVING
            continue
        if oi[k, CANCELLING] != 0:
            new = False
            for a in range(first, gone):
                new = new or desk.asks[a, ORDER] == oi[k, SERIAL]
            if not new:
                return
            continue
        room = whole - (stopped if oi[k, TAG] == STOPPER else taken)
        leaves = oi[k, LOTS] - oi[k, CUM]
        if leaves > room and oi[k, WORK] == WORKING:
            ask(acct, desk, AMENDS, oi[k, SERIAL], oi[k, LOTS] - leaves + room, NAN)
            leaves = room
            oi[k, WORK] = MOVING
        elif relevel(acct, lvl, desk, k):
            ask(acct, desk, AMENDS, oi[k, SERIAL], NIL, level)
            oi[k, WORK] = MOVING
        if oi[k, TAG] == STOPPER:
            stopped += leaves
        else:
            taken += leaves


@kernel
def decide(
    acct: Any, lvl: Any, log: Any, desk: Desk, market: Market, schedule: Any, sea: Sea, now: int, instant: int, mark: float, bid: float,
    ask_: float,
) -> None:  # fmt: skip
    """Plan, ask, hear what the venue answers at once, and again until there is nothing more to ask for."""
    while acct[DIRTY] != 0 and acct[REFUSED] == FINE:
        acct[DIRTY] = 0
        acct[ASKS] = 0
        plan(acct, lvl, desk, market, mark, bid, ask_)
        before = acct[WAITING]
        for a in range(acct[ASKS]):
            if acct[REFUSED] == FINE:
                perform(acct, desk, market, sea, desk.asks[a, ASKED], desk.asks[a, ORDER], desk.asks[a, SIZE], desk.asked[a], now)
        if acct[ASKS] == 0:
            break
        acct[ASKS] = 0
        deliver(acct, lvl, log, desk, market, schedule, before, now, instant)
        forget(acct, desk)
