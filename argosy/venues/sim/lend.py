"""What rests at the simulated venue, lent to whoever walks bars elsewhere by the venue's own terms, and taken back; it matches nothing."""

from __future__ import annotations

from collections.abc import Sequence

from argosy.core.orders import Order, Tif, Type
from argosy.kernels.brackets import Rest
from argosy.venues.sim.book import BOUNDLESS, Lane, Resting
from argosy.venues.sim.clearing import Clearing

_KINDS = frozenset({Type.LIMIT, Type.STOP})


def lend(clearing: Clearing, lane: Lane) -> list[Rest] | None:
    """The live orders of an instrument, by rank; None where one of them is more than a limit or a stop, whole and good till canceled."""
    if lane.amended or lane.late or lane.halted or lane.delisted:
        return None
    found = []
    for resting in clearing.orders.values():
        order = resting.order
        if order.instrument != lane.instrument:
            continue
        armed = resting.armed == (BOUNDLESS if not order.parent else 0 if resting.waiting else resting.lots)
        plain = resting.type is order.type and resting.type in _KINDS and resting.tif is Tif.GTC and not order.post_only
        kept = resting.lots == order.lots and _same(resting.limit, order.limit) and _same(resting.stop, order.stop)
        if not (armed and plain and kept) or resting.filled:
            return None
        mark = resting.mark if resting.mark == resting.mark else 0.0
        found.append(Rest(order, resting.waiting, resting.from_ts, resting.seen, resting.rank, resting.arrival, mark))
    found.sort(key=lambda rest: rest.rank)
    return found


def _same(one: float, other: float) -> bool:
    return one == other or (one != one and other != other)


def take_back(clearing: Clearing, lane: Lane, rests: Sequence[Rest]) -> None:
    """Let these be the live orders of an instrument, by rank, each entry before its legs."""
    for number in [number for number, resting in clearing.orders.items() if resting.order.instrument == lane.instrument]:
        resting = clearing.orders.pop(number)
        if resting.group:
            members = clearing.groups[resting.group]
            members.remove(resting)
            if not members:
                del clearing.groups[resting.group]
    lane.working.clear()
    for rest in sorted(rests, key=lambda rest: (not rest.order.parent, rest.rank)):
        resting = _resting(rest)
        clearing.orders[resting.id] = resting
        if resting.group:
            clearing.groups.setdefault(resting.group, []).append(resting)
        if not resting.waiting:
            lane.working.append(resting)
    for rest in rests:
        parent = clearing.orders.get(rest.order.parent)
        if parent is not None:
            if parent.legs is None:
                parent.legs = []
            parent.legs.append(clearing.orders[rest.order.id])


def _resting(rest: Rest) -> Resting:
    order: Order = rest.order
    return Resting(
        order, order.id, order.side, order.type, order.tif, order.lots, order.limit, order.stop, rest.arrival, rest.from_ts, rest.rank,
        order.reduce_only, order.group, armed=BOUNDLESS if not order.parent else 0 if rest.waiting else order.lots,
        mark=rest.mark or float("nan"), seen=rest.seen, met=rest.seen, waiting=rest.waiting,
    )  # fmt: skip
