"""A stop and a target that guard a whole position, kept as two numbers instead of two orders: the common case, told quickly.

It is what `orders` would do with them, to the unit; whatever else is wished makes orders of them again (`laid`).
"""

from __future__ import annotations

from typing import Any

from argosy.kernels.fills import limit_fill, stop_fill
from argosy.kernels.kernel import kernel
from argosy.kernels.slippage import bps as slip_bps
from argosy.kernels.sweep.account import (
    HELD,
    NEVER,
    ORDERS,
    RANK,
    SENT,
    STOPPER,
    TAKER,
    TURN,
    WANT,
    Market,
    execute,
)
from argosy.kernels.sweep.orders import (
    AMEND,
    BORN,
    ENDS,
    FROM,
    GROUP,
    KIND,
    LEVEL,
    LIMITED,
    LIVE,
    LOTS,
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
)
from argosy.kernels.sweep.wishes import HIGHEST

NAN = float("nan")
INF = float("inf")


@kernel
def between(held: int, stop: float, profit: float) -> tuple[float, float]:
    """(floor, ceiling): a bar that lies between them touches neither guard; nan is a guard that is not there."""
    low = stop if held > 0 else profit
    high = profit if held > 0 else stop
    return (low if low == low else -INF), (high if high == high else INF)


@kernel
def sound(side: int, stop: float, profit: float) -> bool:
    """Whether levels of a position of this side can be kept as two numbers: sent without refusal, the stop on the losing side."""
    if stop == stop and not 0.0 < stop < HIGHEST:
        return False
    if profit == profit and not 0.0 < profit < HIGHEST:
        return False
    return stop != stop or profit != profit or (profit - stop) * side > 0.0


@kernel
def strike(
    acct: Any, lvl: Any, log: Any, market: Market, schedule: Any, stop: float, profit: float, fresh: bool, row: int, at: int,
    open: float, high: float, low: float,
) -> bool:  # fmt: skip
    """Let a bar meet the guards: the open first, then the stop, the worse one; returns whether the position was closed.

    fresh: the target has not yet stood at an open; at: first row whose end is not before the open was known
    """
    held = acct[HELD]
    side = -1 if held > 0 else 1
    tag = STOPPER
    when = at
    maker = False
    price = stop_fill(side, stop, open, open, open)
    if price != price:
        price = limit_fill(side, profit, open, open, open, market.through)
        if price == price:
            tag = TAKER
            maker = not fresh
        else:
            when = row
            price = stop_fill(side, stop, open, high, low)
            if price != price:
                price = limit_fill(side, profit, open, high, low, market.through)
                tag = TAKER
                maker = True
    if price != price:
        return False
    if tag == STOPPER and market.bps != 0.0:
        price = slip_bps(side, price, market.bps)
    execute(acct, lvl, log, market, schedule, side, abs(held), price, maker, tag, row, when)
    return True


@kernel
def laid(acct: Any, oi: Any, of: Any, stop: float, profit: float, fresh: bool, row: int) -> None:
    """Make orders of the guards again; row: any that they have been at work on."""
    held = acct[HELD]
    serial = acct[RANK]
    for tag in (STOPPER, TAKER):
        level = stop if tag == STOPPER else profit
        if level != level:
            continue
        k = acct[ORDERS]
        acct[RANK] += 1
        oi[k, LIVE] = 1
        oi[k, KIND] = STOPS if tag == STOPPER else LIMITED
        oi[k, SIDE] = -1 if held > 0 else 1
        oi[k, LOTS] = abs(held)
        oi[k, PLACE] = acct[RANK]
        oi[k, FROM] = row
        oi[k, SEEN] = 0 if fresh and tag == TAKER else 1
        oi[k, MET] = 1
        oi[k, ENDS] = NEVER
        oi[k, REDUCE] = 1
        oi[k, TAG] = tag
        oi[k, PARENT] = 0
        oi[k, SERIAL] = acct[RANK]
        oi[k, GROUP] = serial + 1
        oi[k, BORN] = acct[TURN]
        oi[k, AMEND] = -1
        oi[k, TODO] = 0
        oi[k, NOTE] = acct[SENT]
        of[k, LEVEL] = level
        of[k, NEXT] = NAN
        acct[SENT] += 1
        acct[ORDERS] = k + 1


@kernel
def alone(acct: Any, oi: Any, of: Any) -> bool:
    """Whether nothing rests but one stop and one target at most, each for the whole position, settled."""
    held = acct[HELD]
    count = acct[ORDERS]
    if acct[WANT] != held or count > 2:
        return False
    stop = NAN
    profit = NAN
    for k in range(count):
        level = of[k, LEVEL]
        if oi[k, LIVE] != 1 or oi[k, AMEND] >= 0 or oi[k, LOTS] != abs(held) or oi[k, SIDE] * held >= 0:
            return False
        if oi[k, TAG] == STOPPER and stop != stop:
            stop = level
        elif oi[k, TAG] == TAKER and profit != profit:
            profit = level
        else:
            return False
    return sound(1 if held > 0 else -1, stop, profit)
