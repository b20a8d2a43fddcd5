"""Orders against quotes and trades, at their own prices; a row never fills an order that it gave birth to."""

from __future__ import annotations

from argosy.core.events import BookDelta, Event, Quote, Trade
from argosy.core.orders import Tif, Type, Work
from argosy.kernels import fills, queue
from argosy.venues.sim.book import Lane, Resting
from argosy.venues.sim.clearing import Clearing
from argosy.venues.sim.touch import Candidate, Touch, place

_IOC, _FOK = Tif.IOC, Tif.FOK
_LIMIT = Type.LIMIT
participation = fills.participation.py
_reached, _thinned = queue.reached.py, queue.thinned.py


class Ticks:
    """Matches a lane's orders with one quote, one trade or one changed level at a time.

    Quotes: what takes fills at the other side; a limit at that side's price when it was marketable on
    arrival, at its own price when it rested. Trades: what takes fills at the print; a limit at its own price.
    A side that is nan fills nothing. Books: a changed level is a quote of what the book shows after it; of a new book, the moment
    in which it is told fills nothing. Where a book is kept, quotes fill nothing.
    queue: a model of `kernels.queue`: at a limit's own price, trades fill it only with what comes to its place
    """

    __slots__ = ("_clearing", "_queue", "_touch")

    def __init__(self, clearing: Clearing, touch: Touch, queue: int = queue.NONE) -> None:
        self._clearing = clearing
        self._queue = queue
        self._touch = touch

    def quote(self, lane: Lane, quote: Quote, known: int, out: list[Event]) -> None:
        """Match a quote; its sizes are the cap when participation is on."""
        if lane.levels is None:
            self._quoted(lane, quote, known, out)

    def book(self, lane: Lane, delta: BookDelta, known: int, out: list[Event]) -> None:
        """Take a changed level and match what the book shows then."""
        levels = lane.levels
        if levels is None:
            return
        side, price = delta.side, delta.price
        if self._queue and lane.working and not lane.halted:
            lane.retime(delta.known)
            self._place(lane, delta.known)
            before = 0.0 if delta.clear else levels.size(side, price)
            for resting in lane.working:
                if resting.type is _LIMIT and resting.side == side and resting.limit == price and resting.ahead == resting.ahead:
                    resting.ahead = _thinned(self._queue, resting.ahead, resting.own, before, delta.size, resting.dealt)
                    resting.dealt = 0.0
        levels.apply(delta)
        if delta.known != levels.torn:
            self._quoted(lane, Quote(delta.ts, delta.known, delta.instrument, *levels.top()), known, out)

    def _place(self, lane: Lane, at: int) -> None:
        """What has arrived by `at` takes its place in the queue: behind what its level shows, and behind our own there."""
        levels = lane.levels
        if levels is None:
            return
        for resting in lane.working:
            if resting.type is _LIMIT and resting.from_ts <= at and resting.ahead != resting.ahead:
                own = sum(
                    other.reach for other in lane.working
                    if other.type is _LIMIT and other.side == resting.side and other.limit == resting.limit and other.rank < resting.rank
                )  # fmt: skip
                resting.own = max(own, 0) * lane.lot
                resting.ahead = levels.size(resting.side, resting.limit) + resting.own
                resting.dealt = 0.0

    def _queued(self, lane: Lane, resting: Resting, trade: Trade) -> Candidate | None:
        """What of a trade at a limit's own price comes to its place in the queue."""
        if trade.side * resting.side > 0:
            return None
        resting.ahead, came = _reached(resting.ahead, trade.size)
        if trade.size > 0.0:
            resting.dealt += trade.size
        lots = participation(1.0, came, lane.lot)
        return (1, 0.0, resting.rank, resting, resting.limit, True, min(resting.reach, lots)) if lots > 0 else None

    def _quoted(self, lane: Lane, quote: Quote, known: int, out: list[Event]) -> None:
        lane.bid, lane.ask = quote.bid, quote.ask
        if not lane.working or lane.halted:
            return
        at = quote.known
        buys: list[Candidate] = []
        sells: list[Candidate] = []
        ends: list[tuple[Resting, Work, str]] = []
        once: list[Resting] = []
        touch = self._touch
        if lane.amended:
            lane.retime(at)
        for resting in lane.working:
            if resting.from_ts > at:
                continue
            if resting.day_end <= quote.ts:
                ends.append((resting, Work.EXPIRED, "DAY"))
                continue
            if resting.tif is _IOC or resting.tif is _FOK:
                once.append(resting)
            price = quote.ask if resting.side > 0 else quote.bid
            if price != price:
                continue
            candidate = touch.quote(resting, quote.bid, quote.ask)
            if candidate is None:
                pass
            elif resting.order.post_only and not resting.seen:
                ends.append((resting, Work.CANCELED, "POST_ONLY_CROSS"))
            elif resting.side > 0:
                buys.append(candidate)
            else:
                sells.append(candidate)
            resting.seen = True
        self._end(ends, at, known, out)
        if buys:
            lane.room = touch.shown(quote.ask_size, lane.lot)
            self._take(lane, buys, at, known, out)
        if sells:
            lane.room = touch.shown(quote.bid_size, lane.lot)
            self._take(lane, sells, at, known, out)
        self._once(once, at, known, out)

    def trade(self, lane: Lane, trade: Trade, known: int, out: list[Event]) -> None:
        """Match a trade; with quotes in the replay it fills only what rests, and what takes waits for the
        next quote.
        """
        price = trade.price
        if lane.halted or not lane.working or price != price:
            return
        at = trade.known
        todo: list[Candidate] = []
        ends: list[tuple[Resting, Work, str]] = []
        once: list[Resting] = []
        touch = self._touch
        takes = not lane.quotes and lane.levels is None
        if lane.amended:
            lane.retime(at)
        if self._queue:
            self._place(lane, at)
        for resting in lane.working:
            if resting.from_ts > at:
                continue
            if resting.day_end <= trade.ts:
                ends.append((resting, Work.EXPIRED, "DAY"))
                continue
            if takes and (resting.tif is _IOC or resting.tif is _FOK):
                once.append(resting)
            if self._queue and resting.type is _LIMIT and price == resting.limit and resting.ahead == resting.ahead:
                candidate = self._queued(lane, resting, trade)
            else:
                candidate = touch.trade(resting, price, takes)
            if candidate is not None:
                todo.append(candidate)
            if takes:
                resting.seen = True
        self._end(ends, at, known, out)
        if todo:
            lane.room = touch.room(trade.size, lane.lot)
            self._take(lane, todo, at, known, out)
        self._once(once, at, known, out)

    def _end(self, ends: list[tuple[Resting, Work, str]], at: int, known: int, out: list[Event]) -> None:
        for resting, work, code in ends:
            if resting.id in self._clearing.orders:
                self._clearing.end(resting, work, code, at, known, out)

    def _take(self, lane: Lane, todo: list[Candidate], at: int, known: int, out: list[Event]) -> None:
        if len(todo) > 1:
            todo.sort(key=place)
        for candidate in todo:
            self._touch.take(lane, candidate, at, known, out)

    def _once(self, once: list[Resting], at: int, known: int, out: list[Event]) -> None:
        for resting in once:
            if resting.id in self._clearing.orders:
                self._clearing.end(resting, Work.CANCELED, resting.tif.name, at, known, out)
