"""Books executions, ends orders and wakes legs at the simulated venue; it never decides whether they fill."""

from __future__ import annotations

from argosy.core.effects import Cancel
from argosy.core.events import Event, Fill, OrderUpdate, Reply
from argosy.core.orders import Work
from argosy.core.time import DAY, NEVER, utc_day
from argosy.kernels import fees, ledger
from argosy.venues.sim.book import BOUNDLESS, NAN, Lane, Resting

_notional = ledger.notional.py
_fee = fees.fee.py


class Clearing:
    """All orders of the venue and what became of them.

    orders: the live ones by id, waiting legs included
    ended:  Work of each order that ended, or the code for which it was refused
    groups: live members of each one-cancels-other group
    """

    __slots__ = ("ended", "groups", "lanes", "orders")

    def __init__(self, lanes: list[Lane]) -> None:
        self.orders: dict[int, Resting] = {}
        self.ended: dict[int, Work | str] = {}
        self.groups: dict[int, list[Resting]] = {}
        self.lanes = lanes

    def cancel(self, effect: Cancel, at: int, known: int, out: list[Event]) -> None:
        """End an order at its owner's wish; refused where it lives no more."""
        resting = self.orders.get(effect.order)
        if resting is None:
            out.append(Reply(at, known, effect.order, "cancel", "refused", "NOT_CANCELABLE"))
            return
        out.append(Reply(at, known, effect.order, "cancel", "accepted"))
        self.end(resting, Work.CANCELED, "USER", at, known, out)

    def fill(
        self,
        lane: Lane,
        resting: Resting,
        lots: int,
        price: float,
        ts: int,
        known: int,
        maker: bool,
        out: list[Event],
    ) -> None:
        """Execute `lots` at `price`: one Fill, and what it does to siblings and legs."""
        side = resting.side
        filled = resting.filled = resting.filled + lots
        leaves = resting.lots - filled
        count = resting.count = resting.count + 1
        order = resting.id
        lane.lots += side * lots
        lane.room -= lots
        notional = _notional(lots, price, lane.scale)
        fee = 0 if lane.free else _fee(lane.fees, side, lots, lane.lot, notional, maker, lane.unit)
        out.append(
            Fill(
                ts,
                known,
                lane.instrument,
                order,
                f"{order}-{count}",
                side,
                lots,
                price,
                side * notional,
                fee,
                maker,
                leaves,
            )
        )
        if not leaves:
            del self.orders[order]
            self.ended[order] = Work.FILLED
            lane.working.remove(resting)
            if not lane.working:
                lane.bid = lane.ask = NAN
        if resting.group:
            self._reduce(resting, lots, ts, known, out)
        if resting.legs is not None:
            self._arm(lane, resting, lots, price, ts, known, out)

    def end(self, resting: Resting, work: Work, code: str, ts: int, known: int, out: list[Event]) -> None:
        """Take a live order off the book and say so; legs that wait for it end with it."""
        del self.orders[resting.id]
        self.ended[resting.id] = work
        if not resting.waiting:
            lane = self.lanes[resting.order.instrument]
            lane.working.remove(resting)
            if not lane.working:
                lane.bid = lane.ask = NAN
        if resting.group:
            self._leave(resting)
        out.append(OrderUpdate(ts, known, resting.id, work, code=code))
        if resting.legs is not None:
            self._orphan(resting, ts, known, out)

    def _leave(self, resting: Resting) -> None:
        members = self.groups[resting.group]
        members.remove(resting)
        if not members:
            del self.groups[resting.group]

    def _reduce(self, resting: Resting, lots: int, ts: int, known: int, out: list[Event]) -> None:
        """One cancels other: take the filled lots off the siblings, all of them when the order is done."""
        done = resting.filled >= resting.lots
        members = self.groups[resting.group][:]
        if done:
            self._leave(resting)
        for other in members:
            if other is resting:
                continue
            other.lots -= lots
            if other.armed != BOUNDLESS:
                other.armed -= lots
            if done or other.lots <= other.filled:
                self.end(other, Work.CANCELED, "OCO", ts, known, out)
            else:
                out.append(OrderUpdate(ts, known, other.id, Work.WORKING, lots=other.lots, code="OCO"))

    def _arm(
        self, lane: Lane, parent: Resting, lots: int, price: float, ts: int, known: int, out: list[Event]
    ) -> None:
        """Wake the legs of an entry for the lots that filled. A trailing leg hangs from the entry's price."""
        for leg in parent.legs or ():
            if leg.id not in self.orders:
                continue
            leg.armed += lots
            if leg.waiting:
                leg.waiting = False
                leg.mark = price
                leg.arrival = ts
                leg.from_ts = ts if lane.bar is None else lane.bar.ts
                if leg.day_end != NEVER:
                    leg.day_end = utc_day(ts) + DAY
                lane.working.append(leg)
                out.append(OrderUpdate(ts, known, leg.id, Work.WORKING))

    def _orphan(self, parent: Resting, ts: int, known: int, out: list[Event]) -> None:
        """The entry ended short: its legs shrink to what it filled, or end."""
        for leg in parent.legs or ():
            if leg.id not in self.orders:
                continue
            if leg.armed < leg.lots:
                leg.lots = leg.armed
                if leg.lots <= leg.filled:
                    self.end(leg, Work.CANCELED, "PARENT", ts, known, out)
                else:
                    out.append(OrderUpdate(ts, known, leg.id, Work.WORKING, lots=leg.lots, code="PARENT"))
