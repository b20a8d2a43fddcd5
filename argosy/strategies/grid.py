"""Buys falls and sells rises on fixed price lines about a reference; it sells only what it holds and never borrows."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from argosy.core.events import Bar, Fill
from argosy.core.instrument import Instrument
from argosy.core.intents import Ladder, Rung
from argosy.core.orders import BUY, SELL
from argosy.core.protocols import Book
from argosy.core.strategy import Watch


class Params(msgspec.Struct, frozen=True):
    """What Grid may be set to."""

    levels: Annotated[int, Meta(ge=1, le=50, description="lines on each side of the reference")] = 5
    spacing: Annotated[
        float, Meta(ge=0.0005, le=0.5, description="distance of two lines, as a fraction of the price")
    ] = 0.02
    invest: Annotated[
        float,
        Meta(
            gt=0.0,
            le=1.0,
            description="fraction of the budget that all lines below the references may buy for",
        ),
    ] = 0.95


class Center(msgspec.Struct):
    """One instrument's grid.

    reference: price of line 0; size: lots a line; base: lots held when it was laid
    seen:      lots held at the last look; close: close of the last bar seen
    rungs:     orders wanted; asked: when, ns; tried: orders found resting when missing ones were asked for again
    """

    reference: float
    size: int
    base: int
    seen: int
    close: float = 0.0
    rungs: int = 0
    asked: int = 0
    tried: int = -1


class State(msgspec.Struct):
    """centers: the grid of each instrument, by id."""

    centers: dict[int, Center] = {}


class Grid:
    """A ladder of resting orders on the lines reference x (1 + spacing)^k, k from -levels to levels.

    What was bought on line k is sold on line k + 1 and the other way round, so the wanted orders follow from the
    lots held alone. Once the price has left the lines, and after a split, the grid is laid anew about the price; what
    is held is then sold on the lines above. Rungs that fill in part are replaced by what is left of them.
    """

    name = "grid"
    params = Params
    state: State | type[State] = State
    watches = (Watch("*", "bar"),)
    window = 2

    def __init__(self, params: Params) -> None:
        self._params = params
        self.state = State()

    def on_bar(self, bar: Bar, book: Book) -> Ladder | None:
        """Lay the grid, lay it anew when the price has left it, follow what was filled."""
        i = bar.instrument
        price = book.mark(i)
        if not price > 0.0:
            return None
        center = self.state.centers.get(i)
        why = ""
        if center is None:
            why = f"grid: laid about {price:.6g}"
        elif center.close != book.window(i, 2)[0, 3]:
            why = f"grid: laid anew about {price:.6g} after a split or a pause"
        else:
            width = (1.0 + self._params.spacing) ** self._params.levels
            if not center.reference / width <= price <= center.reference * width:
                why = f"grid: {price:.6g} has left the lines about {center.reference:.6g}"
        if why:
            laid = self._laid(i, price, book)
            if laid is None:
                return None
            laid.close = bar.close
            self.state.centers[i] = laid
            return self._ladder(i, laid, book, why)
        if center is not None:
            center.close = bar.close
            if book.lots(i) == center.seen:
                return self._missed(i, center, book)
        return self._followed(i, book)

    def on_fill(self, fill: Fill, book: Book) -> Ladder | None:
        """Follow a fill at once, unless a split has made the lines prices of another kind."""
        center = self.state.centers.get(fill.instrument)
        if center is None or center.close not in book.window(fill.instrument, 2)[:, 3]:
            return None
        return self._followed(fill.instrument, book)

    def _followed(self, i: int, book: Book) -> Ladder | None:
        center = self.state.centers.get(i)
        held = book.lots(i)
        if center is None or held == center.seen:
            return None
        return self._ladder(i, center, book, f"grid: holds {held} lots")

    def _missed(self, i: int, center: Center, book: Book) -> Ladder | None:
        """Ask once more for orders that were refused or that the venue has ended."""
        if book.now == center.asked:
            return None
        resting = len(book.resting(i))
        if resting >= center.rungs:
            center.tried = -1
            return None
        if resting == center.tried:
            return None
        ladder = self._ladder(i, center, book, f"grid: {center.rungs - resting} orders are missing")
        center.tried = resting
        return ladder

    def _laid(self, i: int, price: float, book: Book) -> Center | None:
        """A grid about a price; None when the budget does not buy the smallest order on each line."""
        row = book.instrument(i)
        room = self._room(book)
        size = int(room / (self._params.levels * price * unit_value(row)))
        held = max(0, book.lots(i))
        return Center(price, size, held, held) if size >= row.min_lots else None

    def _room(self, book: Book) -> float:
        return self._params.invest * book.equity / len(book.instruments)

    def _ladder(self, i: int, center: Center, book: Book, why: str) -> Ladder:
        row = book.instrument(i)
        held = max(0, book.lots(i))
        center.seen = book.lots(i)
        room = self._room(book) - held * book.mark(i) * unit_value(row)
        rungs = lines(center, held, self._params.levels, self._params.spacing, row, room)
        center.rungs = len(rungs)
        center.asked = book.now
        center.tried = -1
        return Ladder(i, rungs, why=why)


def lines(
    center: Center, held: int, levels: int, spacing: float, row: Instrument, room: float
) -> tuple[Rung, ...]:
    """The orders wanted when `held` lots are held: buys from the highest line down, then sells from the lowest line up.

    held: lots, not negative; room: money that buys may still use
    Sells never sum to more than `held`, buys cost no more than `room`, and the highest buy is below the lowest sell.
    """
    size = center.size
    sold = center.base - held
    value = unit_value(row)
    rungs = []
    for k in range(levels - 1, -levels - 1, -1):
        lots = max(0, min(sold - k * size, size))
        px = row.snap(center.reference * (1.0 + spacing) ** k, -1)
        if lots < row.min_lots or px <= 0.0:
            continue
        room -= lots * px * value
        if room < 0.0:
            break
        rungs.append(Rung(f"buy{k}", BUY, px, lots))
    left = held
    for k in range(-levels + 1, levels + 1):
        lots = min(left, max(0, min(k * size - sold, size))) if k < levels else left
        if lots < row.min_lots:
            continue
        left -= lots
        px = row.snap(center.reference * (1.0 + spacing) ** k, 1)
        rungs.append(Rung(f"sell{k}", SELL, px, lots))
    return tuple(rungs)


def unit_value(row: Instrument) -> float:
    """Money per lot and price point."""
    return float(row.lot * row.multiplier)
