"""What arrives at the venue of the compiled tick lane, and when: orders, cancels, amends, the end of a session; it fills nothing."""

from __future__ import annotations

from typing import Any

from argosy.kernels.kernel import kernel
from argosy.kernels.latency import delay
from argosy.kernels.sweep.account import DAY, ORDERS, REFUSED, ROOM, Market
from argosy.kernels.ticks.places import (
    ACCEPT,
    AHEAD,
    AMEND,
    AMENDED,
    AMENDS,
    ARMED,
    ARRIVED,
    ASKED,
    BOUNDLESS,
    CANCEL,
    CANCELED,
    DEALT,
    ENDS,
    EXPIRED,
    FILLED,
    FROM,
    HELD,
    KIND,
    LEVEL,
    LIVE,
    LOTS,
    MESSAGES,
    MORE,
    NEVER,
    NEXT,
    NIL,
    ONE,
    ORDER,
    OWN,
    PARENT,
    PLACE,
    RANKED,
    REFUSED_AMEND,
    REFUSED_CANCEL,
    SEEN,
    SERIAL,
    SIZE,
    TAG,
    TODO,
    UNDERWAY,
    VKIND,
    VLEVEL,
    VLOTS,
    WHEN,
    Desk,
    Sea,
)
from argosy.kernels.ticks.post import end, say, whereis

NAN = float("nan")


@kernel
def arrival(acct: Any, sea: Sea, now: int) -> int:
    """When what is sent now arrives; messages never overtake each other."""
    if sea.latency + sea.jitter <= 0:
        return now
    acct[MESSAGES] += 1
    at = now + delay(acct[MESSAGES], sea.seed, sea.latency, sea.jitter)
    acct[ARRIVED] = max(at, acct[ARRIVED])
    return int(acct[ARRIVED])


@kernel
def rest(acct: Any, desk: Desk, market: Market, k: int, at: int, daily: bool) -> None:
    """Enter an order into the venue's list."""
    oi, of = desk.oi, desk.of
    acct[RANKED] += 1
    oi[k, PLACE] = acct[RANKED]
    leg = oi[k, PARENT] != 0
    oi[k, LIVE] = 2 if leg else 1
    oi[k, VKIND] = oi[k, KIND]
    oi[k, VLOTS] = oi[k, LOTS]
    oi[k, FILLED] = 0
    oi[k, ARMED] = 0 if leg else BOUNDLESS
    oi[k, FROM] = at
    oi[k, SEEN] = 0
    oi[k, ENDS] = at - at % DAY + DAY if daily and market.utc else NEVER
    oi[k, AMEND] = 0
    oi[k, MORE] = 0
    oi[k, TODO] = 0
    of[k, VLEVEL] = of[k, LEVEL]
    of[k, NEXT] = NAN
    of[k, AHEAD] = NAN
    of[k, OWN] = 0.0
    of[k, DEALT] = 0.0


@kernel
def submitted(acct: Any, desk: Desk, market: Market, sea: Sea, serial: int, now: int) -> None:
    """An order with its legs arrives, or will have arrived."""
    oi = desk.oi
    at = arrival(acct, sea, now)
    known = at + sea.report
    k = whereis(acct, oi, serial)
    say(acct, desk, known, ACCEPT, serial, NIL, NIL, NIL, NAN)
    rest(acct, desk, market, k, at, oi[k, TAG] == 0)
    for j in range(k + 1, acct[ORDERS]):
        if oi[j, PARENT] == serial:
            rest(acct, desk, market, j, at, False)
            say(acct, desk, known, HELD, oi[j, SERIAL], NIL, NIL, NIL, NAN)


@kernel
def canceled(acct: Any, desk: Desk, serial: int, known: int) -> None:
    """A cancel has arrived."""
    k = whereis(acct, desk.oi, serial)
    if k < 0 or desk.oi[k, LIVE] == 0:
        say(acct, desk, known, REFUSED_CANCEL, serial, NIL, NIL, NIL, NAN)
    else:
        end(acct, desk, k, CANCELED, known)


@kernel
def amended(acct: Any, desk: Desk, serial: int, lots: int, level: float, known: int) -> None:
    """An amend has arrived: fewer lots hold at once, other terms from the next row on."""
    oi, of = desk.oi, desk.of
    k = whereis(acct, oi, serial)
    if k < 0 or oi[k, LIVE] == 0 or (lots != 0 and lots <= oi[k, FILLED]):
        say(acct, desk, known, REFUSED_AMEND, serial, NIL, NIL, NIL, NAN)
        return
    more = lots - oi[k, VLOTS] - oi[k, MORE] if lots != 0 else 0
    if more < 0:
        oi[k, VLOTS] += more
        more = 0
    if more != 0 or level == level:
        acct[RANKED] += 1
        oi[k, PLACE] = acct[RANKED]
        oi[k, AMEND] = 1
        oi[k, MORE] += more
        if level == level:
            of[k, NEXT] = level
    say(acct, desk, known, AMENDED, serial, lots, NIL, ONE if oi[k, LIVE] == 2 else NIL, level)


@kernel
def settle(acct: Any, desk: Desk, sea: Sea, upto: int) -> None:
    """Let the errands arrive that are due by `upto`."""
    bag = desk.bag
    while acct[UNDERWAY] > 0 and bag[0, WHEN] <= upto:
        asked, serial, lots, level = bag[0, ASKED], bag[0, ORDER], bag[0, SIZE], desk.levels[0]
        known = max(bag[0, WHEN], upto) + sea.report
        n = acct[UNDERWAY] - 1
        for j in range(n):
            for c in range(4):
                bag[j, c] = bag[j + 1, c]
            desk.levels[j] = desk.levels[j + 1]
        acct[UNDERWAY] = n
        if asked == CANCEL:
            canceled(acct, desk, serial, known)
        else:
            amended(acct, desk, serial, lots, level, known)


@kernel
def perform(acct: Any, desk: Desk, market: Market, sea: Sea, asked: int, serial: int, lots: int, level: float, now: int) -> None:
    """Do one thing that the engine asks for."""
    settle(acct, desk, sea, now)
    if asked > AMENDS:
        submitted(acct, desk, market, sea, serial, now)
    elif sea.latency + sea.jitter > 0:
        n = acct[UNDERWAY]
        if n >= len(desk.levels):
            acct[REFUSED] = ROOM
            return
        bag = desk.bag
        bag[n, WHEN], bag[n, ASKED], bag[n, ORDER], bag[n, SIZE] = arrival(acct, sea, now), asked, serial, lots
        desk.levels[n] = level
        acct[UNDERWAY] = n + 1
    elif asked == CANCEL:
        canceled(acct, desk, serial, now + sea.report)
    else:
        amended(acct, desk, serial, lots, level, now + sea.report)


@kernel
def close(acct: Any, desk: Desk, sea: Sea, when: int) -> None:
    """A session ended: what is good for the day and had arrived by then ends with it."""
    oi = desk.oi
    for k in range(acct[ORDERS]):
        if oi[k, LIVE] == 1 and oi[k, TAG] == 0 and oi[k, FROM] < when:
            end(acct, desk, k, EXPIRED, when + sea.report)
