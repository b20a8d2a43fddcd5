"""What the venue says to the engine of the compiled tick lane, and how orders end there; each message is known at its own time."""

from __future__ import annotations

from typing import Any

from argosy.kernels.kernel import kernel
from argosy.kernels.sweep.account import ORDERS, REFUSED, ROOM
from argosy.kernels.ticks.places import (
    ARMED,
    AT,
    BOX,
    CANCELED,
    COUNT,
    FILLED,
    GONE,
    KNOWN,
    LIVE,
    NIL,
    PARENT,
    RESIZED,
    REST,
    SERIAL,
    VLOTS,
    WAITING,
    WHAT,
    WHOSE,
    Desk,
)

NAN = float("nan")


@kernel
def whereis(acct: Any, oi: Any, serial: int) -> int:
    """The place of an order, -1 when it is forgotten."""
    for k in range(acct[ORDERS]):
        if oi[k, SERIAL] == serial:
            return k
    return -1


@kernel
def say(acct: Any, desk: Desk, known: int, what: int, serial: int, lots: int, row: int, rest: int, price: float) -> None:
    """Put a message on its way to the engine."""
    n = acct[WAITING]
    if n >= BOX:
        acct[REFUSED] = ROOM
        return
    box = desk.box
    box[n, KNOWN], box[n, WHAT], box[n, WHOSE], box[n, COUNT], box[n, AT], box[n, REST] = known, what, serial, lots, row, rest
    desk.prices[n] = price
    acct[WAITING] = n + 1


@kernel
def finish(acct: Any, desk: Desk, k: int, work: int, known: int) -> None:
    """Take one order off the book and say so."""
    desk.oi[k, LIVE] = 0
    say(acct, desk, known, GONE, desk.oi[k, SERIAL], NIL, NIL, work, NAN)


@kernel
def end(acct: Any, desk: Desk, k: int, work: int, known: int) -> None:
    """End an order; its legs shrink to what it filled, or end with it."""
    oi = desk.oi
    finish(acct, desk, k, work, known)
    for j in range(acct[ORDERS]):
        if oi[j, PARENT] == oi[k, SERIAL] and oi[j, LIVE] != 0 and oi[j, ARMED] < oi[j, VLOTS]:
            oi[j, VLOTS] = oi[j, ARMED]
            if oi[j, VLOTS] <= oi[j, FILLED]:
                finish(acct, desk, j, CANCELED, known)
            else:
                say(acct, desk, known, RESIZED, oi[j, SERIAL], oi[j, VLOTS], NIL, NIL, NAN)
