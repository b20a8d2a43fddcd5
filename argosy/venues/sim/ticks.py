"""Orders against quotes and trades, at their own prices; a row never fills an order that it gave birth to."""

from __future__ import annotations

from argosy.core.events import Event, Quote, Trade
from argosy.core.orders import Tif, Work
from argosy.venues.sim.book import Lane, Resting
from argosy.venues.sim.clearing import Clearing
from argosy.venues.sim.touch import Candidate, Touch, place

_IOC, _FOK = Tif.IOC, Tif.FOK


class Ticks:
    """Matches a lane's orders with one quote or one trade at a time.

    Quotes: what takes fills at the other side; a limit at that side's price when it was marketable on
    arrival, at its own price when it rested. Trades: what takes fills at the print; a limit at its own price.
    A side that is nan fills nothing.
    """

    __slots__ = ("_clearing", "_touch")

    def __init__(self, clearing: Clearing, touch: Touch) -> None:
        self._clearing = clearing
        self._touch = touch

    def quote(self, lane: Lane, quote: Quote, known: int, out: list[Event]) -> None:
        """Match a quote; its sizes are the cap when participation is on."""
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
        takes = not lane.quotes
        if lane.amended:
            lane.retime(at)
        for resting in lane.working:
            if resting.from_ts > at:
                continue
            if resting.day_end <= trade.ts:
                ends.append((resting, Work.EXPIRED, "DAY"))
                continue
            if takes and (resting.tif is _IOC or resting.tif is _FOK):
                once.append(resting)
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
