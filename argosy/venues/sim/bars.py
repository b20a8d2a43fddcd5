"""Orders against bars, opening first, then what lies inside; a bar never fills what came after its start."""

from __future__ import annotations

from argosy.core.events import Bar, Event
from argosy.core.orders import Tif, Type, Work
from argosy.venues.sim.book import BOUNDLESS, Lane, Resting
from argosy.venues.sim.clearing import Clearing
from argosy.venues.sim.facts import DAILY
from argosy.venues.sim.sessions import Sessions
from argosy.venues.sim.touch import Candidate, Touch, place

_MARKET, _LIMIT, _TRAILING = Type.MARKET, Type.LIMIT, Type.TRAILING
_GTC, _IOC, _FOK, _OPG, _CLS = Tif.GTC, Tif.IOC, Tif.FOK, Tif.OPG, Tif.CLS


class Bars:
    """Matches a lane's orders in the two phases of a bar.

    Opening: market orders, triggered stops and limits that the open meets, all at the open. Inside: stops,
    then limits by price, then by arrival; legs born inside get only their stops. All share the bar's cap.
    """

    __slots__ = ("_clearing", "_sessions", "_touch")

    def __init__(self, clearing: Clearing, sessions: Sessions, touch: Touch) -> None:
        self._clearing = clearing
        self._sessions = sessions
        self._touch = touch

    def opening(self, lane: Lane, bar: Bar, known: int, out: list[Event]) -> None:
        """Match the open; `known` is when its fills are heard of."""
        ts = bar.ts
        touch = self._touch
        lane.bar = bar
        lane.opened = ts
        if lane.amended:
            lane.retime(ts)
        price = bar.open
        lane.volume = bar.volume
        trading = lane.traded = not lane.halted and touch.traded(bar)
        lane.room = touch.room(bar.volume, lane.lot) if trading else 0
        working = lane.working
        if len(working) == 1 and trading:
            resting = working[0]
            if (
                resting.type is _MARKET and resting.tif <= _GTC and resting.from_ts <= ts < resting.day_end
            ):  # the plain case, without lists
                resting.met = resting.seen = True
                touch.take(lane, (0, 0.0, 0, resting, price, False, BOUNDLESS), ts, known, out, True)
                if resting.legs is not None:
                    self._meet(lane, resting, price, ts, known, out)
                return
        whole = bar.span >= DAILY
        todo: list[Candidate] = []
        ends: list[tuple[Resting, Work, str]] = []
        once: list[Resting] = []
        for resting in working:
            if resting.from_ts > ts:
                continue
            if resting.day_end <= ts and (resting.met or not whole):
                ends.append((resting, Work.EXPIRED, "DAY"))
                continue
            tif = resting.tif
            if tif is _IOC or tif is _FOK:
                once.append(resting)
            elif tif is _CLS:
                continue
            elif tif is _OPG:
                if not whole and not resting.arrival <= self._sessions.start(lane.calendar) <= ts:
                    continue
                once.append(resting)
            resting.met = True
            if trading:
                candidate = touch.row(resting, price, price, price, resting.seen)
                if candidate is not None:
                    if resting.order.post_only and not resting.seen:
                        ends.append((resting, Work.CANCELED, "POST_ONLY_CROSS"))
                    else:
                        todo.append(candidate)
                resting.seen = True
        if ends:
            self._end(ends, ts, known, out)
        if len(todo) > 1:
            todo.sort(key=place)
        for candidate in todo:
            touch.take(lane, candidate, ts, known, out, True)
            if candidate[3].legs is not None:
                self._meet(lane, candidate[3], price, ts, known, out)
        for resting in once:
            if resting.id in self._clearing.orders:
                self._clearing.end(resting, Work.CANCELED, resting.tif.name, ts, known, out)

    def _meet(self, lane: Lane, parent: Resting, price: float, ts: int, known: int, out: list[Event]) -> None:
        """Legs that the open of their entry has already passed: stops, then targets."""
        todo: list[Candidate] = []
        for leg in parent.legs or ():
            if leg.id in self._clearing.orders and not leg.waiting and leg.type is not _MARKET:
                candidate = self._touch.row(leg, price, price, price, False)
                if candidate is not None:
                    todo.append(candidate)
        todo.sort(key=place)
        for candidate in todo:
            self._touch.take(lane, candidate, ts, known, out, True)

    def inside(self, lane: Lane, bar: Bar, known: int, out: list[Event]) -> None:
        """Match what lies between the open and the close; `known` is when it is heard of."""
        if lane.working:
            trading = lane.traded and not lane.halted
            if trading:
                self._match(lane, bar, known, out)
            if bar.span >= DAILY or bar.ts < self._sessions.end(lane.calendar) <= bar.ts + bar.span:
                self._auction(lane, bar, trading, known, out)
            if trading:
                for resting in lane.working:
                    if resting.from_ts <= bar.ts:
                        resting.seen = True
                        if resting.type is _TRAILING:
                            self._touch.trail(resting, bar)
        lane.bar = None
        if lane.late:
            self._sessions.after(lane, known, out)

    def _match(self, lane: Lane, bar: Bar, known: int, out: list[Event]) -> None:
        """Orders that were there at the opening, then the stops of entries that filled inside."""
        ts, at = bar.ts, bar.known
        price, high, low = bar.open, bar.high, bar.low
        touch = self._touch
        todo: list[Candidate] = []
        for resting in lane.working:
            if (
                resting.from_ts <= ts
                and resting.type is not _MARKET
                and resting.tif is not _CLS
                and resting.tif is not _OPG
            ):
                candidate = touch.row(resting, price, high, low, True)
                if candidate is not None:
                    todo.append(candidate)
        if len(todo) > 1:
            todo.sort(key=place)
        entries: list[tuple[Resting, float]] = []
        for candidate in todo:
            entry = touch.take(lane, candidate, at, known, out, True)
            if candidate[3].legs is not None and entry == entry:
                entries.append((candidate[3], entry))
        for parent, entry in entries:
            todo = []
            for leg in parent.legs or ():
                if leg.id in self._clearing.orders and leg.type is not _LIMIT and leg.type is not _MARKET:
                    candidate = touch.row(leg, entry, high, low, False)
                    if candidate is not None:
                        todo.append(candidate)
            todo.sort(key=place)
            for candidate in todo:
                touch.take(lane, candidate, at, known, out, True)

    def _auction(self, lane: Lane, bar: Bar, trading: bool, known: int, out: list[Event]) -> None:
        """The close of a session's last bar: CLS orders fill at it, and what is left of them ends."""
        close = bar.close
        touch = self._touch
        orders = [resting for resting in lane.working if resting.tif is _CLS and resting.from_ts <= bar.ts]
        if trading:
            todo = [touch.row(resting, close, close, close, False) for resting in orders]
            for candidate in sorted((candidate for candidate in todo if candidate is not None), key=place):
                touch.take(lane, candidate, bar.known, known, out, True)
        ends = [(resting, Work.CANCELED, "CLS") for resting in orders]
        self._end(ends, bar.known, known, out)

    def _end(self, ends: list[tuple[Resting, Work, str]], at: int, known: int, out: list[Event]) -> None:
        for resting, work, code in ends:
            if resting.id in self._clearing.orders:
                self._clearing.end(resting, work, code, at, known, out)
