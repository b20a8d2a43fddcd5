"""Whether a row touches an order, and at which price; the arithmetic is the kernels', never its own."""

from __future__ import annotations

from math import inf

from argosy.core.events import Bar, Event
from argosy.core.orders import Tif, Type, Work
from argosy.kernels import fills, ledger
from argosy.venues.sim.book import BOUNDLESS, Lane, Resting
from argosy.venues.sim.clearing import Clearing
from argosy.venues.sim.slips import Slips

_limit_fill = fills.limit_fill.py
_stop_fill = fills.stop_fill.py
_stop_limit_fill = fills.stop_limit_fill.py
_trail = fills.trail_update.py
_participation = fills.participation.py
_quote_fill = fills.quote_fill.py
_trade_fill = fills.trade_fill.py
_overflow = ledger.overflow.py

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

    through: a limit must be passed, not only reached; slips: what taking costs
    frac:    share of a row's volume that may be taken, 0 = no cap
    """

    __slots__ = ("_clearing", "_slips", "frac", "slips", "through")

    def __init__(self, clearing: Clearing, through: bool, slips: Slips, frac: float) -> None:
        self._clearing = clearing
        self.through = through
        self.slips = slips
        self.frac = frac
        self._slips = bool(slips)

    @staticmethod
    def traded(bar: Bar) -> bool:
        """Whether a bar can fill anything: it has volume and all its prices."""
        return (
            not bar.volume <= 0.0  # nan: nobody says, as of an index or a currency
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
        """What an order does in a row from `price` on, None: nothing; a stop becomes what it triggers."""
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

    def quote(self, resting: Resting, bid: float, ask: float) -> Candidate | None:
        """What an order does at a quote: a limit that rested fills at its own price, else at the quote's."""
        price = ask if resting.side > 0 else bid
        if resting.type is not _LIMIT:
            return self._tick(resting, price)
        side, limit, rested = resting.side, resting.limit, resting.seen
        px = _quote_fill(side, limit, bid, ask, rested)
        if px != px:
            return None
        return 1, side * (price - limit), resting.rank, resting, px, rested, resting.reach

    def trade(self, resting: Resting, price: float, takes: bool) -> Candidate | None:
        """What an order does at a print; where it may not take, it waits for a quote."""
        if resting.type is not _LIMIT:
            candidate = self._tick(resting, price)
            return candidate if takes else None
        side, limit = resting.side, resting.limit
        px = _trade_fill(side, limit, price, self.through)
        if px != px:
            return None
        return 1, side * (price - limit), resting.rank, resting, px, True, resting.reach

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
                price = self.slips.price(lane, resting.side, lots, price)
            if lots > lane.large and _overflow(lots, price, lane.scale):
                self._clearing.end(resting, Work.CANCELED, "OVERFLOW", at, known, out)
                return NAN
            self._clearing.fill(lane, resting, lots, price, at, known, maker, out)
            if resting.armed != BOUNDLESS and resting.reach <= 0:
                resting.type = resting.order.type  # what its entry has yet to fill is protected anew
        else:
            price = NAN
        if closed and resting.side * lane.lots >= 0 and resting.id in self._clearing.orders:
            self._clearing.end(resting, Work.CANCELED, "REDUCE_ONLY", at, known, out)
        return price

    def trail(self, resting: Resting, bar: Bar) -> None:
        """Move a trailing stop by a finished bar; of one in which it was born, only the close is its own."""
        if resting.arrival > bar.ts:
            self.follow(resting, bar.close)
        else:
            self.follow(resting, bar.high if resting.side < 0 else bar.low)

    def follow(self, resting: Resting, price: float) -> None:
        """Pull a trailing stop along to a better price: up for a sell, down for a buy; it never goes back."""
        resting.stop = _trail(resting.side, resting.stop, price, resting.trail, resting.order.trail_frac)

    def level(self, resting: Resting, price: float) -> float:
        """Where a trailing stop stands; it first hangs from its entry, or from the first price it meets."""
        if resting.mark != resting.mark:
            resting.mark = price
        self.follow(resting, resting.mark)
        return resting.stop
