"""Buys a little at set times, more where it has fallen, and sells all at a gain on its average cost; it never borrows.

Regular buys and safety orders lower the average of what falls. They do not make a falling thing rise: the most that is
put in is bounded.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from argosy.core.errors import Misuse
from argosy.core.events import Bar, Fill
from argosy.core.instrument import Instrument
from argosy.core.intents import Intent, Ladder, Rung, Target
from argosy.core.orders import BUY, SELL
from argosy.core.protocols import Book
from argosy.core.strategy import Watch
from argosy.core.time import span


class Params(msgspec.Struct, frozen=True):
    """What Dca may be set to. A cycle lasts from flat to flat. Raises ValueError when `every` is no span."""

    every: Annotated[str, Meta(description='span between regular buys, counted from 1970, like "1d" or "1w"')] = "1w"
    part: Annotated[float, Meta(gt=0.0, le=1.0, description="fraction of each allotment that a regular buy is for")] = 0.05
    parts: Annotated[int, Meta(ge=1, le=1000, description="regular buys of a cycle, at most")] = 12
    safety: Annotated[int, Meta(ge=0, le=20, description="safety orders below the last regular buy")] = 3
    drop: Annotated[
        float, Meta(ge=0.001, le=0.9, description="distance between safety orders, as a fraction of the price")
    ] = 0.03
    scale: Annotated[float, Meta(ge=1.0, le=4.0, description="size of each safety order to the one above it")] = 1.5
    take: Annotated[
        float, Meta(ge=0.0, le=10.0, description="gain on the average cost at which all is sold; 0 = never")
    ] = 0.08

    def __post_init__(self) -> None:
        try:
            span(self.every)
        except Misuse as error:
            raise ValueError(str(error)) from error


class Cycle(msgspec.Struct):
    """One instrument's cycle.

    period: span last looked at; bought: regular buys so far; size: lots of the last of them; base: its price
    due: lots of it that have not filled; met: lots that its safety orders have bought
    spent: what is held has cost, in price x lots; held: lots, by fills; close: close of the last bar seen
    """

    period: int = -1
    bought: int = 0
    size: int = 0
    base: float = 0.0
    due: int = 0
    met: int = 0
    spent: float = 0.0
    held: int = 0
    close: float = 0.0


class State(msgspec.Struct):
    """cycles: by instrument id."""

    cycles: dict[int, Cycle] = {}


class Dca:
    """Regular buys are at market; safety orders and the sale rest at the venue, so that they are met between two bars too.

    A safety order that has filled does not come again before the next regular buy, which lays all of them anew.
    """

    name = "dca"
    params = Params
    state: State | type[State] = State
    watches = (Watch("*", "bar"),)
    window = 2

    def __init__(self, params: Params) -> None:
        self._params = params
        self._every = span(params.every)
        self.state = State()

    def on_bar(self, bar: Bar, book: Book) -> tuple[Intent, ...] | None:
        """A regular buy, once a span."""
        i, p = bar.instrument, self._params
        cycle = self.state.cycles.setdefault(i, Cycle())
        self._split(cycle, float(book.window(i, 2)[0, 3]), book.lots(i))
        cycle.close = bar.close
        period = book.now // self._every
        if period == cycle.period or not bar.close > 0.0:
            return None
        cycle.period = period
        row = book.instrument(i)
        worth = unit_value(row)
        allotment = book.equity / len(book.instruments)
        lots = int(p.part * allotment / (bar.close * worth))
        room = allotment - max(0, book.lots(i)) * bar.close * worth
        if cycle.bought >= p.parts or lots < max(1, row.min_lots) or lots * bar.close * worth > room:
            return None
        cycle.bought += 1
        cycle.size, cycle.base, cycle.due, cycle.met = lots, bar.close, lots, 0
        why = f"dca: regular buy {cycle.bought} of {p.parts}"
        return Target(i, lots=max(0, book.lots(i)) + lots, why=why), self._ladder(i, cycle, book, why)

    def on_fill(self, fill: Fill, book: Book) -> Ladder | None:
        """Count what it cost, and move the sale to the new average; flat, the cycle is over."""
        i = fill.instrument
        cycle = self.state.cycles.get(i)
        if cycle is None:
            return None
        if fill.side > 0:
            regular = min(cycle.due, fill.lots)
            cycle.due -= regular
            cycle.met += fill.lots - regular
            cycle.spent += fill.lots * fill.price
            cycle.held += fill.lots
        else:
            cycle.spent -= cycle.spent * min(fill.lots, cycle.held) / cycle.held if cycle.held else 0.0
            cycle.held = max(0, cycle.held - fill.lots)
        if not cycle.held:
            cycle.bought, cycle.size, cycle.due, cycle.met, cycle.spent = 0, 0, 0, 0, 0.0
            return Ladder(i, (), why="dca: all sold, the cycle is over")
        if fill.side < 0:
            return None
        return self._ladder(i, cycle, book, f"dca: holds {cycle.held} lots at {cycle.spent / cycle.held:.6g}")

    @staticmethod
    def _split(cycle: Cycle, before: float, held: int) -> None:
        """After a split the last close, as it is said today, is another: prices and lots follow it."""
        if not cycle.close or not before > 0.0 or before == cycle.close:
            return
        ratio = cycle.close / before
        cycle.base /= ratio
        cycle.size, cycle.due, cycle.met = int(cycle.size * ratio), int(cycle.due * ratio), int(cycle.met * ratio)
        if cycle.held:  # what it has cost stays; a fraction of a lot that the split left over was paid out
            cycle.held = max(0, held)

    def _ladder(self, i: int, cycle: Cycle, book: Book, why: str) -> Ladder:
        """The safety orders that have not filled since the last regular buy, and the sale."""
        row = book.instrument(i)
        room = book.equity / len(book.instruments) / unit_value(row) - cycle.spent - cycle.due * cycle.base
        rungs = safety(cycle, self._params, row, room)
        if cycle.held and self._params.take > 0.0:
            px = row.snap(cycle.spent / cycle.held * (1.0 + self._params.take), 1)
            rungs += (Rung("take", SELL, px, cycle.held),)
        return Ladder(i, rungs, why=why)


def safety(cycle: Cycle, p: Params, row: Instrument, room: float) -> tuple[Rung, ...]:
    """Safety orders below the last regular buy, each `drop` below the one above and `scale` as large, less what they have bought.

    room: price x lots that they may cost together; those for which nothing is left are not laid.
    """
    rungs = []
    met = cycle.met
    for k in range(1, p.safety + 1):
        px = row.snap(cycle.base * (1.0 - p.drop) ** k, -1)
        lots = int(cycle.size * p.scale ** (k - 1) + 1e-9)
        done = min(met, lots)
        met -= done
        lots -= done
        room -= px * lots
        if px <= 0.0 or room < 0.0:
            break
        if lots < max(1, row.min_lots):
            continue
        rungs.append(Rung(f"safety{cycle.bought}.{k}", BUY, px, lots))
    return tuple(rungs)


def unit_value(row: Instrument) -> float:
    """Money per lot and price point."""
    return float(row.lot * row.multiplier)
