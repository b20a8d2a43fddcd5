"""A stretch of entries with their stops and targets as columns, and the records it is short for; it decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argosy.core.effects import Cancel, Submit
from argosy.core.events import Event, Fill, OrderUpdate, Reply
from argosy.core.intents import Ladder
from argosy.core.orders import Approved, Order, Share, Tif, Type, Work
from argosy.engine.entry import RUNG, ladder
from argosy.engine.records import Reserve, Rows, Stretch, Wanted
from argosy.kernels.brackets import ENTRY, INSIDE, STOP, TAKE, TURN

ROW = np.dtype(
    [(name, "i8") for name in ("rows", "known", "entry", "gone", "lots", "units", "fee", "cash", "filled")]
    + [(name, "f8") for name in ("limit", "stop", "take", "price", "asked_stop", "asked_take")]
    + [("told", "i4"), ("instrument", "i4")]
    + [(name, "i1") for name in ("kind", "mark", "what", "maker", "side", "legs", "gone_legs", "spare")]
)
"""One turn of the step, or one fill.

kind:   TURN, OPEN (a fill at an open) or INSIDE (one inside a bar); rows: market rows before it; known: when it was
mark:   1 when those rows are marked before it; told: which of the reasons is its own
entry:  number of the entry that was sent, or that filled or whose leg did; side, lots, limit, stop, take: its own, on the grid (inf:
        none); legs: 1 a stop, 2 a target, 4 the target is the second of two. Without lots none was wanted, without number none sent
gone, gone_legs: the entry that was canceled for it, and its legs
units:  held back for an entry sent, or what a fill was worth; fee: units; cash: the account's after it; filled: when
price:  of a fill, or what the step wrote as its limit, beside asked_stop and asked_take; what: ENTRY, STOP or TAKE filled
maker:  1 when it rested
"""


class Turn:
    """One row, by name."""

    __slots__ = ROW.names or ()

    def __init__(self, row: tuple[Any, ...]) -> None:
        for name, value in zip(ROW.names or (), row, strict=True):
            setattr(self, name, value)

    def __getattr__(self, name: str) -> Any:  # for the type checker: the slots are the row's
        raise AttributeError(name)


def _ids(entry: int, legs: int) -> tuple[int, int]:
    """The numbers of an entry's stop and target, 0 for none."""
    return entry + 1 if legs & 1 else 0, (entry + 2 if legs & 4 else entry + 1) if legs & 2 else 0


def _turns(stretch: Stretch) -> list[Any]:
    return [Turn(row) for row in np.frombuffer(stretch.deals, ROW).tolist()]


def unfold(stretch: Stretch) -> Iterator[Any]:
    """The records that a stretch stands for, in order."""
    for (kind, rows), group in groupby(_turns(stretch), key=lambda turn: (turn.kind, turn.rows)):
        if kind == TURN:
            for turn in group:
                yield from _turn(stretch, turn)
            continue
        turns = list(group)
        updates = [event for turn in turns for event in _moved(turn)]
        events: list[Event] = [*updates, *[fill_of(turn) for turn in turns]]
        if kind == INSIDE:
            yield Rows(rows, len(events), 1)
        elif len(events) > 1:
            yield Rows(rows, len(events))
        elif turns[0].mark:
            yield Rows(rows)
        yield from events


def _turn(stretch: Stretch, turn: Any) -> Iterator[Any]:
    """What the step wanted, what was canceled for it, what was sent, and the venue's answers."""
    rows, known = turn.rows, turn.known
    if turn.mark:
        yield Rows(rows)
    why = _why(stretch, turn)
    intent = wanted_of(turn, why)
    yield Wanted(stretch.strategy, intent, 0, known)
    if turn.gone:
        legs = [leg for leg in _ids(turn.gone, turn.gone_legs) if leg]
        yield Cancel(turn.gone)
        yield Rows(rows, 2 + len(legs))
        yield Reply(known, known, turn.gone, "cancel", "accepted")
        yield OrderUpdate(known, known, turn.gone, Work.CANCELED, code="USER")
        for leg in legs:
            yield OrderUpdate(known, known, leg, Work.CANCELED, code="PARENT")
    if turn.entry:
        order = entry_of(stretch.strategy, turn, why)
        sent = legs_of(stretch.strategy, turn)
        yield Reserve(Submit(Approved(order, sent)), turn.units, False)
        if sent:
            yield Rows(rows, 1 + len(sent))
        yield Reply(known, known, order.id, "submit", "accepted")
        for one in sent:
            yield OrderUpdate(known, known, one.id, Work.ACKED, code="HELD")


def _moved(turn: Any) -> list[OrderUpdate]:
    """What a fill does to legs: those of an entry come alive, the other of a pair ends."""
    when, known = turn.filled, _heard(turn)
    if turn.what == ENTRY:
        return [OrderUpdate(when, known, leg, Work.WORKING) for leg in _ids(turn.entry, turn.legs) if leg]
    other = _ids(turn.entry, turn.legs)[1 if turn.what == STOP else 0]
    return [OrderUpdate(when, known, other, Work.CANCELED, code="OCO")] if other else []


def _heard(turn: Any) -> int:
    """When the engine heard of a fill: of one at an open at once, of one inside a bar with the bar."""
    return int(turn.known if turn.kind == INSIDE else turn.filled)


def _why(stretch: Stretch, turn: Any) -> str:
    return stretch.whys[turn.told if len(stretch.whys) > 1 else 0]


def wanted_of(turn: Any, why: str) -> Ladder:
    """What the step wanted at a turn."""
    return ladder(turn.instrument, turn.side * turn.lots, turn.price, turn.asked_stop, turn.asked_take, why)


def entry_of(strategy: str, turn: Any, why: str) -> Order:
    """The entry of a row."""
    return Order(
        turn.entry, turn.instrument, turn.side, turn.lots, Type.LIMIT, turn.limit, tif=Tif.GTC, shares=(Share(strategy, turn.lots),),
        tag=f"rung:{RUNG}", why=why,
    )  # fmt: skip


def stop_of(strategy: str, turn: Any) -> Order:
    """The stop of a row's entry."""
    return Order(
        _ids(turn.entry, turn.legs)[0], turn.instrument, -turn.side, turn.lots, Type.STOP, stop=turn.stop, tif=Tif.GTC, reduce_only=True,
        shares=(Share(strategy, turn.lots),), tag="stop", parent=turn.entry, group=turn.entry, why="protection: stop",
    )  # fmt: skip


def take_of(strategy: str, turn: Any) -> Order:
    """The target of a row's entry."""
    return Order(
        _ids(turn.entry, turn.legs)[1], turn.instrument, -turn.side, turn.lots, Type.LIMIT, turn.take, tif=Tif.GTC, reduce_only=True,
        shares=(Share(strategy, turn.lots),), tag="take", parent=turn.entry, group=turn.entry, why="protection: take",
    )  # fmt: skip


def legs_of(strategy: str, turn: Any) -> tuple[Order, ...]:
    """The legs of a row's entry."""
    legs = []
    if turn.legs & 1:
        legs.append(stop_of(strategy, turn))
    if turn.legs & 2:
        legs.append(take_of(strategy, turn))
    return tuple(legs)


def fill_of(turn: Any) -> Fill:
    """The execution of a row. A row of a leg keeps the side of its entry in `side`."""
    number = (turn.entry, *_ids(turn.entry, turn.legs))[turn.what]
    side = turn.side if turn.what == ENTRY else -turn.side
    return Fill(
        turn.filled, _heard(turn), turn.instrument, number, f"{number}-1", side, turn.lots, turn.price, turn.units, turn.fee,
        bool(turn.maker), 0,
    )  # fmt: skip


def executed(stretch: Stretch) -> NDArray[Any]:
    """The fills, in order; the side is that of the execution."""
    rows = np.frombuffer(stretch.deals, ROW)
    rows = rows[rows["kind"] != TURN].copy()
    rows["side"][rows["what"] != ENTRY] *= -1
    made: NDArray[Any] = rows
    return made


def fills(stretch: Stretch) -> Iterator[tuple[Order, Fill]]:
    """Orders with their executions, in the order of the fills."""
    for turn in _turns(stretch):
        if turn.kind == TURN:
            continue
        if turn.what == ENTRY:
            order = entry_of(stretch.strategy, turn, _why(stretch, turn))
        else:
            order = (stop_of if turn.what == STOP else take_of)(stretch.strategy, turn)
        yield order, fill_of(turn)


__all__ = ["ROW", "TAKE", "executed", "fills", "unfold"]
