"""What the engine of the compiled tick lane knows of its orders: it learns it from messages, answers before fills; only evidence ends one."""

from __future__ import annotations

from typing import Any

from argosy.kernels.kernel import kernel
from argosy.kernels.sweep.account import (
    CHILD,
    FINE,
    ORDERS,
    REFUSED,
    ROOM,
    TIRED,
    TRIMMED,
    WANT,
    WTURN,
    Market,
    execute,
)
from argosy.kernels.ticks.places import (
    ACCEPT,
    ACKED,
    AMENDED,
    AT,
    CANCELED,
    CANCELLING,
    COUNT,
    CUM,
    DIRTY,
    DONE,
    FILL,
    FLOATS,
    FORGONE,
    GONE,
    HELD,
    INTEGERS,
    KNOWN,
    LEFT,
    LEG,
    LEVEL,
    LIVE,
    LOTS,
    ORDER,
    PARENT,
    REFUSED_CANCEL,
    RESIZED,
    REST,
    SENT,
    SERIAL,
    SIDE,
    TAG,
    TIRED_AT,
    TIRES,
    TURNED,
    UNDERWAY,
    WAITING,
    WHAT,
    WHOSE,
    WOKEN,
    WORDS,
    WORK,
    WORKING,
    Desk,
)
from argosy.kernels.ticks.post import whereis

TRIES = 5
"""Refusals of the venue in one moment after which the engine waits (`engine.patience.TRIES`); here the combination is refused."""


@kernel
def resized(oi: Any, k: int, lots: int) -> None:
    """An order's total became `lots`: what it lacks with it."""
    filled = oi[k, LOTS] - oi[k, LEFT]
    oi[k, LEFT] = max(0, lots - filled)
    oi[k, LOTS] = lots


@kernel
def ended(acct: Any, oi: Any, k: int) -> None:
    """An order ended with lots open: unless it was asked to, what it lacked is given up."""
    if oi[k, TAG] == CHILD and oi[k, CANCELLING] == 0:
        oi[k, FORGONE] = 1
        if acct[WTURN] <= oi[k, TURNED]:
            acct[WANT] -= oi[k, SIDE] * oi[k, LEFT]
    for j in range(acct[ORDERS]):
        if oi[j, PARENT] == oi[k, SERIAL] and oi[j, LEG] != 0 and oi[k, CUM] == 0 and oi[j, WORK] == SENT:
            oi[j, WORK] = CANCELED


@kernel
def filled(acct: Any, lvl: Any, log: Any, desk: Desk, market: Market, schedule: Any, m: int, k: int, instant: int) -> None:
    """A fill was heard of: count it, book it."""
    oi, box = desk.oi, desk.box
    lots = box[m, COUNT]
    if lots > oi[k, LEFT]:
        acct[REFUSED] = TRIMMED  # a part of it would be nobody's
        return
    oi[k, LEFT] -= lots
    oi[k, CUM] += lots
    if oi[k, CUM] >= oi[k, LOTS]:
        oi[k, WORK] = DONE
    elif oi[k, WORK] == SENT:
        oi[k, WORK] = WORKING
    serial = oi[k, SERIAL]
    for j in range(acct[ORDERS]):
        if oi[j, PARENT] == serial:
            oi[j, LEG] = 0
            if oi[j, WORK] == SENT:
                oi[j, WORK] = WORKING
    side = oi[k, SIDE]
    if oi[k, TAG] == CHILD and oi[k, FORGONE] != 0 and acct[WTURN] <= oi[k, TURNED]:
        acct[WANT] += side * lots
    execute(acct, lvl, log, market, schedule, side, lots, desk.prices[m], box[m, REST] != 0, oi[k, TAG], box[m, AT], instant)


@kernel
def hear(acct: Any, lvl: Any, log: Any, desk: Desk, market: Market, schedule: Any, m: int, now: int, instant: int) -> None:
    """Apply one message."""
    oi, of, box = desk.oi, desk.of, desk.box
    what = box[m, WHAT]
    k = whereis(acct, oi, box[m, WHOSE])
    if k < 0:
        acct[REFUSED] = ROOM
        return
    if what == FILL:
        filled(acct, lvl, log, desk, market, schedule, m, k, instant)
        acct[DIRTY] = 1
        return
    over = oi[k, WORK] >= CANCELED
    if what == ACCEPT:
        if oi[k, TAG] != CHILD or acct[WTURN] > oi[k, TURNED]:
            acct[DIRTY] = 1
        if oi[k, WORK] == SENT or oi[k, WORK] == ACKED:
            oi[k, WORK] = WORKING
        return
    acct[DIRTY] = 1
    if what >= REFUSED_CANCEL:
        if acct[TIRED_AT] != now:
            acct[TIRED_AT] = now
            acct[TIRES] = 0
        acct[TIRES] += 1
        if acct[TIRES] > TRIES:
            acct[REFUSED] = TIRED
        if not over:
            if what == REFUSED_CANCEL:
                oi[k, CANCELLING] = 0
            oi[k, WORK] = WORKING
    elif not over:
        if what == HELD:
            oi[k, WORK] = ACKED
        elif what == WOKEN:
            oi[k, WORK] = WORKING
        elif what == RESIZED:
            resized(oi, k, box[m, COUNT])
            oi[k, WORK] = WORKING
        elif what == AMENDED:
            if box[m, COUNT] != 0:
                resized(oi, k, box[m, COUNT])
            level = desk.prices[m]
            if level == level:
                of[k, LEVEL] = level
            oi[k, WORK] = ACKED if box[m, REST] != 0 else WORKING
        elif what == GONE:
            oi[k, WORK] = box[m, REST]
            ended(acct, oi, k)


@kernel
def deliver(
    acct: Any, lvl: Any, log: Any, desk: Desk, market: Market, schedule: Any, mark: int, now: int, instant: int
) -> None:
    """Hear all that is known by `now`: answers before fills, those since `mark` first, and then those that were under way."""
    box = desk.box
    n = acct[WAITING]
    for rank in range(2):
        for turn in range(2):
            lo, hi = (mark, n) if turn == 0 else (0, mark)
            for m in range(lo, hi):
                if box[m, KNOWN] <= now and (box[m, WHAT] == FILL) == (rank == 1) and acct[REFUSED] == FINE:
                    hear(acct, lvl, log, desk, market, schedule, m, now, instant)
    kept = 0
    for m in range(n):
        if box[m, KNOWN] > now:
            if kept != m:
                for c in range(WORDS):
                    box[kept, c] = box[m, c]
                desk.prices[kept] = desk.prices[m]
            kept += 1
    acct[WAITING] = kept


@kernel
def forget(acct: Any, desk: Desk) -> None:
    """Forget the orders that ended on both sides and of which nothing is under way; the others keep their order."""
    oi, of, box, bag = desk.oi, desk.of, desk.box, desk.bag
    n = 0
    for k in range(acct[ORDERS]):
        kept = oi[k, WORK] < CANCELED or oi[k, LIVE] != 0
        for m in range(acct[WAITING]):
            kept = kept or box[m, WHOSE] == oi[k, SERIAL]
        for m in range(acct[UNDERWAY]):
            kept = kept or bag[m, ORDER] == oi[k, SERIAL]
        if kept:
            if n != k:
                for c in range(INTEGERS):
                    oi[n, c] = oi[k, c]
                for c in range(FLOATS):
                    of[n, c] = of[k, c]
            n += 1
    acct[ORDERS] = n
