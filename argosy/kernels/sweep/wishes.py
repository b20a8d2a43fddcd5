"""From what a step wrote to orders: the wish it takes, and the orders that are cancelled, moved and sent until the venue holds it.

It is the planner of the engine (HEART §4, §5) with a venue that answers at once. What the gate would refuse marks the
combination as refused with a code; it is never sent another way.
"""

from __future__ import annotations

from typing import Any

from argosy.kernels.kernel import kernel
from argosy.kernels.ledger import notional
from argosy.kernels.sweep.account import (
    BOUND,
    BROKE,
    CASH,
    CHILD,
    CROSS,
    FINE,
    HELD,
    ILIMIT,
    ISTOP,
    ITAKE,
    LIMIT,
    LOTS_UNIT,
    NEVER,
    NOW,
    ORDERS,
    OUT,
    OVERFLOW,
    PRICE,
    RANK,
    RATIO,
    REFUSED,
    ROOM,
    SENT,
    SHORT,
    SIZE,
    STANDING,
    STOP,
    STOPPER,
    TAKE,
    TAKER,
    TURN,
    VALUE,
    WANT,
    WEIGHT,
    WTURN,
    Market,
    snap,
)
from argosy.kernels.sweep.orders import (
    AMEND,
    BORN,
    CAPACITY,
    ENDS,
    FROM,
    GROUP,
    KIND,
    LEVEL,
    LIMITED,
    LIVE,
    LOTS,
    MARKET,
    MET,
    NEXT,
    NOTE,
    PARENT,
    PLACE,
    REDUCE,
    SEEN,
    SERIAL,
    SIDE,
    STOPS,
    TAG,
    TODO,
    compact,
    ended,
)

NAN = float("nan")
INF = float("inf")
HIGHEST = 1e9
"""A level at or above it is refused: no price is that high, and the gate would say so."""


@kernel
def send(
    acct: Any, oi: Any, of: Any, notes: Any, kind: int, side: int, lots: int, level: float, reduces: bool, tag: int, parent: int,
    group: int, frm: int, ends: int, market: Market,
) -> int:  # fmt: skip
    """A new order; returns its serial number, 0 when there is no room or it would be refused."""
    k = acct[ORDERS]
    if k >= CAPACITY:
        acct[REFUSED] = ROOM
        return 0
    if lots < market.least or lots > market.most:
        acct[REFUSED] = SIZE
        return 0
    if kind != MARKET and not 0.0 < level < HIGHEST:
        acct[REFUSED] = PRICE
        return 0
    acct[RANK] += 1
    serial = acct[RANK]
    oi[k, LIVE] = 2 if parent != 0 else 1
    oi[k, KIND] = kind
    oi[k, SIDE] = side
    oi[k, LOTS] = lots
    oi[k, PLACE] = serial
    oi[k, FROM] = frm
    oi[k, SEEN] = 0
    oi[k, MET] = 0
    oi[k, ENDS] = ends
    oi[k, REDUCE] = 1 if reduces else 0
    oi[k, TAG] = tag
    oi[k, PARENT] = parent
    oi[k, SERIAL] = serial
    oi[k, GROUP] = group
    oi[k, BORN] = acct[TURN]
    oi[k, AMEND] = -1
    oi[k, TODO] = 0
    of[k, LEVEL] = level
    of[k, NEXT] = NAN
    acct[ORDERS] = k + 1
    note = acct[SENT]
    oi[k, NOTE] = note
    acct[SENT] = note + 1
    if note < len(notes):
        one = notes[note]
        one.sent = acct[NOW]
        one.kind = kind
        one.side = side
        one.lots = lots
        one.level = level
        one.tag = tag
        one.end = 0
        one.ended = -1
        one.filled = 0
        one.price = NAN
    return int(serial)


@kernel
def move(acct: Any, oi: Any, of: Any, notes: Any, k: int, level: float, frm: int) -> None:
    """Move a protection to the level wanted now; it holds from the next row on."""
    if level != level:
        return
    now = of[k, NEXT] if oi[k, AMEND] >= 0 else of[k, LEVEL]
    if now != level:
        if not 0.0 < level < HIGHEST:
            acct[REFUSED] = PRICE
        acct[RANK] += 1
        oi[k, PLACE] = acct[RANK]
        oi[k, AMEND] = frm
        of[k, NEXT] = level
        if oi[k, NOTE] < len(notes):
            notes[oi[k, NOTE]].level = level


@kernel
def enter(
    acct: Any, lvl: Any, oi: Any, of: Any, notes: Any, market: Market, side: int, lots: int, mark: float, frm: int, ends: int,
    gone: float,
) -> None:  # fmt: skip
    """An order that opens or adds, with its legs; judged as the gate does. gone: nearest limit just cancelled on the other side."""
    limit = lvl[LIMIT]
    if side < 0 and not market.shortable:
        acct[REFUSED] = SHORT
        return
    price = limit if limit == limit else mark
    if not (lots + abs(acct[HELD])) * max(price, mark) * market.scale < BOUND:
        acct[REFUSED] = OVERFLOW
        return
    if (price - gone) * side >= 0.0:
        acct[REFUSED] = CROSS
        return
    for k in range(acct[ORDERS]):
        rests = oi[k, LIVE] == 1 and oi[k, KIND] == LIMITED and oi[k, SIDE] == -side
        meets = (price - of[k, LEVEL]) * side >= 0.0 or (oi[k, AMEND] >= 0 and (price - of[k, NEXT]) * side >= 0.0)
        if rests and meets:
            acct[REFUSED] = CROSS
            return
    kind = LIMITED if limit == limit else MARKET
    serial = send(acct, oi, of, notes, kind, side, lots, limit, False, CHILD, 0, 0, frm, ends, market)
    if serial != 0 and lvl[STOP] == lvl[STOP]:
        send(acct, oi, of, notes, STOPS, -side, lots, lvl[STOP], True, STOPPER, serial, serial, frm, NEVER, market)
    if serial != 0 and lvl[TAKE] == lvl[TAKE]:
        send(acct, oi, of, notes, LIMITED, -side, lots, lvl[TAKE], True, TAKER, serial, serial, frm, NEVER, market)


@kernel
def arrange(acct: Any, lvl: Any, oi: Any, of: Any, notes: Any, market: Market, mark: float, frm: int, ends: int) -> None:
    """Cancel, move and send until the venue comes to hold what is wished.

    mark: last price; frm: first row that may touch what is sent; ends: when its DAY orders end
    """
    again = True
    while again and acct[REFUSED] == FINE:
        again = False
        held = acct[HELD]
        limit = lvl[LIMIT]
        lack = acct[WANT] - held
        busy = 0
        exits = 0
        for k in range(acct[ORDERS]):
            if oi[k, LIVE] == 1 and oi[k, TAG] == CHILD:
                busy += oi[k, SIDE] * oi[k, LOTS]
                if oi[k, REDUCE] != 0:
                    exits += oi[k, LOTS]
        if busy != 0:
            for k in range(acct[ORDERS]):
                if oi[k, LIVE] != 1 or oi[k, TAG] != CHILD:
                    continue
                own = of[k, LEVEL]
                side = oi[k, SIDE]
                same = own == limit or (own != own and limit != limit)
                if not same or lack * side <= 0 or busy * side > lack * side:
                    ended(acct, oi, k)
                    again = True
        if again:
            compact(acct, oi, of, notes)
            continue
        need = lack - busy
        side = 1 if need > 0 else -1
        close = 0
        if need != 0 and (held + busy) * side < 0:
            for k in range(acct[ORDERS]):
                if oi[k, LIVE] == 1 and oi[k, TAG] != CHILD and oi[k, SIDE] == side:
                    oi[k, LIVE] = 0
                    again = True
            if again:
                compact(acct, oi, of, notes)
                continue
            close = min(abs(need), abs(held + busy))
        rest = abs(need) - close
        whole = max(0, abs(held) - exits - close)
        guards = -1 if held > 0 else 1
        stopped = 0
        taken = 0
        gone = NAN
        for k in range(acct[ORDERS]):
            tag = oi[k, TAG]
            if tag == CHILD:
                continue
            level = lvl[STOP] if tag == STOPPER else lvl[TAKE]
            if oi[k, LIVE] == 2:
                move(acct, oi, of, notes, k, level, frm)
                continue
            room = whole - (stopped if tag == STOPPER else taken)
            if held == 0 or oi[k, SIDE] != guards or level != level or room <= 0:
                if tag == TAKER and oi[k, SIDE] == -side:
                    was = of[k, NEXT] if oi[k, AMEND] >= 0 else of[k, LEVEL]
                    if gone != gone or (was - gone) * side < 0.0:
                        gone = was
                oi[k, LIVE] = 0
                again = True
                continue
            if oi[k, LOTS] > room:
                oi[k, LOTS] = room
                again = True
            else:
                move(acct, oi, of, notes, k, level, frm)
            if tag == STOPPER:
                stopped += oi[k, LOTS]
            else:
                taken += oi[k, LOTS]
        compact(acct, oi, of, notes)
        kind = LIMITED if limit == limit else MARKET
        if close != 0:
            send(acct, oi, of, notes, kind, side, close, limit, True, CHILD, 0, 0, frm, ends, market)
        if rest != 0 and held * side < 0:
            enter(acct, lvl, oi, of, notes, market, side, rest, mark, frm, ends, gone)
        if held != 0:
            stops = whole - stopped if lvl[STOP] == lvl[STOP] else 0
            takes = whole - taken if lvl[TAKE] == lvl[TAKE] else 0
            group = acct[RANK] + 1 if stops > 0 and takes > 0 else 0
            if stops > 0:
                send(acct, oi, of, notes, STOPS, guards, stops, lvl[STOP], True, STOPPER, 0, group, frm, NEVER, market)
            if takes > 0:
                send(acct, oi, of, notes, LIMITED, guards, takes, lvl[TAKE], True, TAKER, 0, group, frm, NEVER, market)
        if rest != 0 and held * side >= 0:
            enter(acct, lvl, oi, of, notes, market, side, rest, mark, frm, ends, gone)


@kernel
def want(
    acct: Any, lvl: Any, market: Market, target: float, limit: float, stop: float, profit: float, mark: float
) -> bool:
    """Take what a step wrote as the new wish; returns whether something is to be arranged."""
    if target == INF:
        return False
    if not abs(target) < 1e18 or limit != limit or stop != stop or profit != profit:
        acct[REFUSED] = OUT
        return False
    value = target
    if market.sizing == LOTS_UNIT:
        value = float(int(target))
    elif market.sizing == WEIGHT:
        value = target * market.share
    stands = acct[STANDING] != 0
    same = stands and value == lvl[VALUE]
    if same and limit == lvl[ILIMIT] and stop == lvl[ISTOP] and profit == lvl[ITAKE]:
        return False
    if market.sizing == LOTS_UNIT:
        lots = int(target)
    elif same:
        lots = acct[WANT]
    else:
        if market.sizing == WEIGHT:
            equity = acct[CASH] - market.house + notional(acct[HELD], mark, market.scale)
            if equity <= 0 and value != 0.0:
                acct[REFUSED] = BROKE
                return False
            amount = value * equity
            amount = amount * 1_000_000_000 / 1_000_000_000
        else:
            amount = value * market.per_one
        each = mark * market.scale
        size = amount / each if each > 0.0 else INF
        if not abs(size) < BOUND:
            acct[REFUSED] = OVERFLOW
            return False
        lots = int(size)
    held = acct[HELD]
    before = held
    if held == 0 and stands:
        before = acct[WANT]
    acct[WANT] = lots
    acct[STANDING] = 1
    acct[TURN] += 1
    acct[WTURN] = acct[TURN]
    lvl[VALUE] = value
    lvl[ILIMIT] = limit
    lvl[ISTOP] = stop
    lvl[ITAKE] = profit
    lvl[LIMIT] = NAN
    if limit != INF:
        lvl[LIMIT] = snap(limit, -1 if lots > held else 1, market)
    anew = before == 0 or (before > 0 and lots < 0) or (before < 0 and lots > 0)
    if stop != INF or profit != INF or anew:
        up = 1 if lots >= 0 else -1
        lvl[STOP] = snap(stop, up, market) if stop != INF else NAN
        lvl[TAKE] = snap(profit, up, market) if profit != INF else NAN
    return True


@kernel
def split(acct: Any, lvl: Any, num: int, den: int) -> None:
    """Count the position in new units; refused where orders rest, levels stand or a fraction of a lot would be paid in cash."""
    stands = lvl[LIMIT] == lvl[LIMIT] or lvl[STOP] == lvl[STOP] or lvl[TAKE] == lvl[TAKE]
    odd = acct[HELD] * num % den != 0 or abs(acct[HELD]) >= 1 << 40
    if odd or stands or acct[ORDERS] != 0 or acct[WANT] != acct[HELD]:
        acct[REFUSED] = RATIO
        return
    acct[HELD] = acct[HELD] * num // den
    acct[WANT] = acct[HELD]
