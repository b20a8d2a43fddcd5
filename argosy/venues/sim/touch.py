"""Whether a row touches an order, and at which price; the arithmetic is the kernels', never its own."""

from __future__ import annotations

from math import inf

from argosy.core.events import Bar, Event
from argosy.core.orders import Tif, Type, Work
from argosy.kernels import fills, slippage
from argosy.venues.sim.book import BOUNDLESS, Lane, Resting
from argosy.venues.sim.clearing import Clearing

_limit_fill = fills.limit_fill.py
_stop_fill = fills.stop_fill.py
_stop_limit_fill = fills.stop_limit_fill.py
_trail = fills.trail_update.py
_participation = fills.participation.py
_slip = slippage.bps.py

_LIMIT, _STOP_LIMIT, _MARKET, _TRAILING = Type.LIMIT, Type.STOP_LIMIT, Type.MARKET, Type.TRAILING
_FOK = Tif.FOK
NAN = float("nan")

Candidate = tuple[int, float, int, Resting, float, bool, int]
"""(0 takes or 1 rests, how far off its price is, rank, order, price, maker, lots it may take)."""


def place(candidate: Candidate) -> tuple[int, float, int]:
    """Priority in a row: what takes first, then the better price, then who came first."""
    return candidate[0], candidate[1], candidate[2]


class Touch:
    """The law of one row: limits `through` or `touch`, adverse slippage of what takes, the share of volume.

    through: a limit must be passed, not only reached; bps: slippage
    frac:    share of a row's volume that may be taken, 0 = no cap
    """

    __slots__ = ("_clearing", "_slips", "bps", "frac", "through")

    def __init__(self, clearing: Clearing, through: bool, bps: float, frac: float) -> None:
        self._clearing = clearing
        self.through = through
        self.bps = bps
        self.frac = frac
        self._slips = bps > 0.0

    @staticmethod
    def traded(bar: Bar) -> bool:
        """Whether a bar can fill anything: it has volume and all its prices."""
        return (
            bar.volume > 0.0
            and bar.open == bar.open
            and bar.high == bar.high
            and bar.low == bar.low
            and bar.close == bar.close
        )

    def room(self, volume: float, lot: float) -> int:
        """Lots that all orders together may take from a row of `volume` units."""
        return _participation(self.frac, volume, lot) if self.frac else BOUNDLESS

    def shown(self, size: float, lot: float) -> int:
        """Lots that may be taken from a quote's side: all that it shows when there is a cap."""
        return _participation(1.0, size, lot) if self.frac else BOUNDLESS

    def row(self, resting: Resting, price: float, high: float, low: float, maker: bool) -> Candidate | None:
        """What an order does in a row that begins at `price`; None: untouched. A triggered stop becomes what
        it triggers.
        """
        kind = resting.type
        if kind is _MARKET:
            return 0, -inf, resting.rank, resting, price, False, BOUNDLESS
        side = resting.side
        if kind is _LIMIT:
            limit = resting.limit
            px = _limit_fill(side, limit, price, high, low, self.through)
            if px != px:
                return None
            return 1, side * (price - limit), resting.rank, resting, px, maker, resting.reach
        most = resting.reach
        if most <= 0:
            return None
        level = self.level(resting, price) if kind is _TRAILING else resting.stop
        px = _stop_fill(side, level, price, high, low)
        if px != px:
            return None
        if kind is _STOP_LIMIT:
            limit = resting.limit
            px = _stop_limit_fill(side, level, limit, price, high, low, self.through)
            resting.type = _LIMIT
            if px != px:
                return None
            return 1, side * (price - limit), resting.rank, resting, px, False, most
        resting.type = _MARKET
        return 0, side * (level - price), resting.rank, resting, px, False, most

    def quote(self, resting: Resting, price: float) -> Candidate | None:
        """What an order does at its side of a quote: a limit that rested fills at its own price, else at the
        quote's.
        """
        rested = resting.seen and resting.type is _LIMIT
        candidate = self._tick(resting, price)
        if candidate is not None and rested:
            return (*candidate[:4], resting.limit, True, candidate[6])
        return candidate

    def trade(self, resting: Resting, price: float, takes: bool) -> Candidate | None:
        """What an order does at a print; where it may not take, it waits for a quote."""
        if resting.type is _LIMIT:
            side, limit = resting.side, resting.limit
            px = _limit_fill(side, limit, side * inf, price, price, self.through)
            return (
                None
                if px != px
                else (1, side * (price - limit), resting.rank, resting, px, True, resting.reach)
            )
        candidate = self._tick(resting, price)
        return candidate if takes else None

    def _tick(self, resting: Resting, price: float) -> Candidate | None:
        candidate = self.row(resting, price, price, price, False)
        if resting.type is _TRAILING:
            self.follow(resting, price)
        return candidate

    def take(
        self, lane: Lane, candidate: Candidate, at: int, known: int, out: list[Event], slips: bool = False
    ) -> float:
        """Fill what the caps and the position allow; returns the price, nan when nothing filled."""
        takes, _, _, resting, price, maker, most = candidate
        if resting.id not in self._clearing.orders:
            return NAN
        lots = full = (resting.lots if resting.lots < resting.armed else resting.armed) - resting.filled
        if resting.reduce_only:
            held = -resting.side * lane.lots
            if held < lots:
                lots = held if held > 0 else 0
        closed = lots < full
        if lots > most:
            lots = most
        if lots > lane.room:
            lots = lane.room
        if resting.tif is _FOK and lots < resting.lots - resting.filled:
            return NAN
        if lots > 0:
            if slips and self._slips and not takes:
                price = _slip(resting.side, price, self.bps)
            self._clearing.fill(lane, resting, lots, price, at, known, maker, out)
            if resting.armed != BOUNDLESS and resting.reach <= 0:
                resting.type = resting.order.type  # what its entry has yet to fill is protected anew
        else:
            price = NAN
        if closed and resting.side * lane.lots >= 0 and resting.id in self._clearing.orders:
            self._clearing.end(resting, Work.CANCELED, "REDUCE_ONLY", at, known, out)
        return price

    def trail(self, resting: Resting, bar: Bar) -> None:
        """Move the mark of a trailing stop by a finished bar; of the bar in which it was born inside, only
        the close is its own.
        """
        if resting.arrival > bar.ts:
            self.follow(resting, bar.close)
        else:
            self.follow(resting, bar.high if resting.side < 0 else bar.low)

    def follow(self, resting: Resting, price: float) -> None:
        """Pull a trailing stop along to a better price: up for a sell, down for a buy; it never goes back."""
        resting.stop = _trail(resting.side, resting.stop, price, resting.trail, resting.order.trail_frac)

    def level(self, resting: Resting, price: float) -> float:
        """Where a trailing stop stands: it first hangs from its entry's price, or from the first price it
        meets.
        """
        if resting.mark != resting.mark:
            resting.mark = price
        self.follow(resting, resting.mark)
        return resting.stop
