"""A stretch of plain market orders as columns, and the records it is short for; it decides nothing and reads nothing else.

Stretches of entries with stops and targets are `turns`; whoever holds a stretch of either form asks here.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argosy.core.effects import Submit
from argosy.core.events import Fill, Reply
from argosy.core.intents import Target
from argosy.core.orders import Approved, Order, Share
from argosy.core.time import MINUTE
from argosy.engine import turns
from argosy.engine.records import Reserve, Rows, Stretch, Wanted

DEAL = np.dtype(
    [
        ("rows", "i8"), ("known", "i8"), ("cell", "i8"), ("instrument", "i8"), ("target", "f8"), ("wanted", "i8"), ("seen", "i8"),
        ("order", "i8"), ("side", "i8"), ("lots", "i8"), ("exit", "i8"), ("reserved", "i8"),
        ("filled", "i8"), ("price", "f8"), ("notional", "i8"), ("fee", "i8"), ("cash", "i8"),
    ]
)  # fmt: skip
"""One decision of one cell and what came of it.

rows, known: market rows before it, and its time; target: what the step wrote; wanted: the lots it came to
seen:        rows its instrument had shown by then; order: 0 when nothing was to be traded
lots:        of the order; exit: 1 when it could only shrink the position; reserved: units held back while it was open
filled:      start of the bar at whose open it filled; notional, fee: units; cash: the account's after it
"""


def unfold(stretch: Stretch) -> Iterator[Any]:
    """The records that a stretch stands for, in order."""
    if stretch.form == "entry":
        yield from turns.unfold(stretch)
        return
    deals = np.frombuffer(stretch.deals, DEAL).tolist()
    whys = stretch.whys if len(stretch.whys) != 1 else stretch.whys * len(deals)
    for _, group in groupby(zip(deals, whys, strict=True), key=lambda pair: pair[0][0]):
        yield from _instant(stretch, list(group))


def _instant(stretch: Stretch, pairs: list[tuple[Any, str]]) -> Iterator[Any]:
    """The decisions of one instant, the venue's answers, and the fills at the next open."""
    strategy = stretch.strategy
    rows, known = pairs[0][0][:2]
    yield Rows(rows)
    for deal, why in pairs:
        yield Wanted(strategy, target(stretch, deal[3], deal[4], why), deal[5], known)
    sent = sorted((pair for pair in pairs if pair[0][7]), key=lambda pair: int(pair[0][7]))
    for deal, why in sent:
        yield Reserve(Submit(Approved(order_of(strategy, deal, why))), deal[11], bool(deal[10]))
    if len(sent) > 1:
        yield Rows(rows, len(sent))
    for deal, _ in sent:
        yield Reply(known, known, deal[7], "submit", "accepted")
    if len(sent) > 1:
        yield Rows(rows, len(sent))
    for deal, _ in sorted(sent, key=lambda pair: int(pair[0][3])):
        yield fill_of(deal)


def target(stretch: Stretch, instrument: int, value: float, why: str) -> Target:
    """The intent that a step's number means."""
    if stretch.unit == "lots":
        return Target(instrument, int(value), why=why)
    if stretch.unit == "weight":
        return Target(instrument, weight=value * stretch.share, why=why)
    return Target(instrument, notional=value, why=why)


def order_of(strategy: str, deal: Any, why: str) -> Order:
    """The order of a deal."""
    return Order(deal[7], deal[3], deal[8], deal[9], reduce_only=bool(deal[10]), shares=(Share(strategy, deal[9]),), why=why)


def fill_of(deal: Any) -> Fill:
    """The execution of a deal."""
    return Fill(deal[12], deal[12], deal[3], deal[7], f"{deal[7]}-1", deal[8], deal[9], deal[13], deal[14], deal[15], False, 0)


def executed(stretch: Stretch) -> NDArray[Any]:
    """The deals that traded, in the order of their fills."""
    if stretch.form == "entry":
        return turns.executed(stretch)
    deals = np.frombuffer(stretch.deals, DEAL)
    return deals[deals["lots"] > 0]


def fills(stretch: Stretch) -> Iterator[tuple[Order, Fill]]:
    """Its orders with their executions, in the order of the fills."""
    if stretch.form == "entry":
        yield from turns.fills(stretch)
        return
    deals = np.frombuffer(stretch.deals, DEAL).tolist()
    whys = stretch.whys if len(stretch.whys) != 1 else stretch.whys * len(deals)
    for deal, why in zip(deals, whys, strict=True):
        if deal[9]:
            yield order_of(stretch.strategy, deal, why), fill_of(deal)


def sent(deals: NDArray[Any]) -> tuple[list[tuple[int, int, int, int, bool]], dict[int, int], int]:
    """The orders of some deals as `Counters.on_stretch` takes them: those of the last minute, the last entries, how many entries."""
    orders = deals[deals["lots"] > 0]
    orders = orders[np.argsort(orders["order"])]
    entries = orders[orders["exit"] == 0]
    entered = {i: entries["known"][entries["instrument"] == i].item(-1) for i in np.unique(entries["instrument"]).tolist()}
    late = orders[orders["known"] > orders["known"][-1] - MINUTE]
    rows = zip(*(late[name].tolist() for name in ("known", "instrument", "side", "lots", "exit")), strict=True)
    return list(rows), entered, len(entries)
