"""The tax lots of one symbol: opened by what is bought (or sold short), closed in the order of a method; no unit of money is lost.

Money is integer units (`core.money`). What a lot cost has its opening fee in it; what a sale brought has its own taken off.
Parts are rounded half-even and the last part of a lot takes the rest, so sums are exact whatever was sold in pieces.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from heapq import heappop, heappush

import msgspec

from argosy.core.errors import Misuse
from argosy.kernels import ledger
from argosy.lab.taxes.term import WINDOW, is_long

METHODS = ("fifo", "lifo", "hifo", "average")
"""Oldest first, newest first, dearest first (of shorts: least received first), and average cost with the dates of the oldest."""

class Lot(msgspec.Struct, kw_only=True):
    """What is left of one opening. side: +1 bought, -1 sold short; size: lots, positive, a fraction only after an odd split.

    money:    units paid (of a short: received, negative), before fees; fees: units
    deferred: loss of wash sales carried in it, positive units; opened: day; held_from: day from which holding counts
    ns:       when it was opened; origin: number of the opening, which its parts share
    washed:   it already replaces what a wash sale sold; unit: what a lot of it cost when that was last asked, for the dearest
    """

    side: int
    size: Fraction
    money: int
    fees: int
    opened: date
    held_from: date
    ns: int
    origin: int
    deferred: int = 0
    washed: bool = False
    unit: float = 0.0

    @property
    def cost(self) -> int:
        """Money and fees, without deferred losses: paid for a long, minus what was received for a short."""
        return self.money + self.fees

    def split_off(self, size: Fraction) -> Lot:
        """Take a part of this size away as a lot of its own, its money in proportion; all of it leaves nothing behind."""
        part = msgspec.structs.replace(self, size=size)
        if size != self.size:
            share = size / self.size
            part.money, part.fees, part.deferred = round(self.money * share), round(self.fees * share), round(self.deferred * share)
        self.size -= size
        self.money -= part.money
        self.fees -= part.fees
        self.deferred -= part.deferred
        return part


class Sale(msgspec.Struct, kw_only=True):
    """One lot, or part of one, closed. Money in units; days in the zone of the reckoning.

    side:       +1 a long sold, -1 a short bought back; size: lots; quantity: units of the thing
    acquired, sold: days as the form has them: a short is acquired and sold on the day it was bought back; opened: of the lot
    proceeds, cost: what was received less its fee, and paid with its fee; deferred: losses of wash sales in the lot
    disallowed: loss of this sale that is not allowed, positive; replaced: lots that were bought again; long_term: over a year
    gain:       proceeds - cost: what was earned, whatever taxes say; taxable: gain - deferred + disallowed
    """

    symbol: str
    side: int
    size: Fraction
    quantity: float
    acquired: date
    sold: date
    opened: date
    ns: int
    proceeds: int
    cost: int
    deferred: int
    long_term: bool
    held_days: int
    disallowed: int = 0
    replaced: Fraction = Fraction(0)
    lieu: bool = False

    @property
    def gain(self) -> int:
        return self.proceeds - self.cost

    @property
    def taxable(self) -> int:
        return self.gain - self.deferred + self.disallowed


class _Loss:
    """A sale at a loss of which not all has been replaced. left: lots; loss: units, of those lots; held: how long; until: day."""

    __slots__ = ("held", "left", "loss", "sale", "until")

    def __init__(self, sale: Sale, held: timedelta) -> None:
        self.sale = sale
        self.left = sale.size
        self.loss = sale.deferred - sale.gain
        self.until = sale.sold + timedelta(days=WINDOW)
        self.held = held


class Book:
    """The open lots of one symbol, oldest first, and the sales made from them.

    method: one of `METHODS`; wash: whether the loss of a wash sale moves into the lot that replaces what was sold
    position: signed lots held; unit: units of the thing in a lot
    lots: may hold emptied ones until `settle`, which also shares average cost out
    """

    def __init__(self, symbol: str, method: str = "fifo", wash: bool = True) -> None:
        if method not in METHODS:
            raise Misuse("TAX_METHOD", f"there is no method {method!r}", fix=f"one of {', '.join(METHODS)}")
        self.symbol = symbol
        self.method = method
        self.wash = wash
        self.lots: list[Lot] = []
        self.sales: list[Sale] = []
        self.position = Fraction(0)
        self.unit = 1.0
        self._losses: list[_Loss] = []
        self._opened = 0
        self._empty = 0
        self._pool = [0, 0, 0]  # money, fees and deferred losses of all that is held, for average cost
        self._dear: list[tuple[float, int, int, Lot]] = []  # the dearest first
        self._asked = 0

    def fill(self, ns: int, day: date, side: int, lots: int, notional: int, fee: int, carried: int = 0) -> None:
        """Book one execution: side +1 or -1, lots positive, notional signed units (+ paid), fee units. Fills come in order of time.

        It first closes lots of the other side; what is left opens one, its money split in proportion to lots.
        carried: losses of wash sales that come with it, positive units, which go where the money goes
        """
        size, money, fees = Fraction(lots), notional, fee
        if self.position * side < 0:
            part = min(size, abs(self.position))
            gone, paid = money, fees
            if part != size:  # as the ledger splits it
                gone = money - ledger.apply_fill.py(int(self.position), 0, side * lots, notional)[1]
                paid = round(fees * (part / size))
            with_it = round(carried * (part / size))
            self._close(ns, day, part, gone, paid, carried=with_it)
            size, money, fees, carried = size - part, money - gone, fees - paid, carried - with_it
        if size:
            self._opened += 1
            lot = Lot(side=side, size=size, money=money, fees=fees, opened=day, held_from=day, ns=ns, origin=self._opened, deferred=carried)
            self.lots.append(lot)
            self._price(lot)
            self._pool[0] += money
            self._pool[1] += fees
            self._pool[2] += carried
            self.position += side * size
            if self.wash:
                self._replace(lot, day)

    def deliver(self, lots: int) -> tuple[int, int]:
        """So many lots go, signed, against a delivery: no sale is made of them; (what they cost, the losses carried in them).

        Of written ones the cost is negative: what was received. Misuse("TAX_DELIVERY") where so many are not held.
        """
        size = Fraction(abs(lots))
        if self.position * lots >= 0 or size > abs(self.position):
            raise Misuse("TAX_DELIVERY", f"{lots} lots were delivered of {self.position} held", where=self.symbol, fix="give the run from its start")
        parts = self._averaged(size) if self.method == "average" else self._take(size)
        self.position += lots
        return sum(part.cost for part in parts), sum(part.deferred for part in parts)

    def split(self, ns: int, day: date, ratio: Fraction, price: float, scale: float) -> None:
        """Each lot becomes `ratio` lots; the account keeps whole ones, and the fraction is sold at `price` (cash in lieu).

        scale: units of money of one lot at a price of 1; without a price (nan) the fraction's cost stays with the others
        """
        for lot in self.lots:
            lot.size *= ratio
        for loss in self._losses:
            loss.left *= ratio
        self._reprice()
        self.position *= ratio
        total, side = self.position, 1 if self.position > 0 else -1
        lost = abs(total) - int(abs(total))
        if not lost:
            return
        if price == price:
            self._close(ns, day, lost, round(-side * lost * Fraction(price * scale)), 0, lieu=True)
            return
        kept = (abs(total) - lost) / abs(total)
        if not kept:
            self._close(ns, day, lost, 0, 0, lieu=True)
            return
        self.position *= kept
        for lot in self.lots:
            lot.size *= kept
        self._reprice()

    def settle(self) -> None:
        """Leave only lots that hold something, and share average cost out to them."""
        self.lots = [lot for lot in self.lots if lot.size]
        self._empty = 0
        if self.method == "average":
            _spread(self.lots, self._pool)

    # -- closing ---------------------------------------------------------------------------------------------------------

    def _close(self, ns: int, day: date, size: Fraction, notional: int, fee: int, lieu: bool = False, carried: int = 0) -> None:
        """Close `size` lots for signed `notional` (+ paid), a fee and losses carried, shared over the lots closed in proportion."""
        parts = self._averaged(size) if self.method == "average" else self._take(size)
        self.position -= parts[0].side * size
        whole, money, fees = size, notional, fee
        made: list[tuple[Sale, Lot]] = []
        for part in parts:
            share = part.size / whole
            gone, paid = (money, fees) if part.size == whole else (round(money * share), round(fees * share))
            late = carried if part.size == whole else round(carried * share)
            whole, money, fees, carried = whole - part.size, money - gone, fees - paid, carried - late
            out = gone + paid  # what closing cost; of a sale it is negative
            proceeds, cost = (-out, part.cost) if part.side > 0 else (-part.cost, out)
            sale = Sale(
                symbol=self.symbol, side=part.side, size=part.size, quantity=float(part.size) * self.unit,
                acquired=part.opened if part.side > 0 else day, sold=day, opened=part.opened, ns=ns, proceeds=proceeds, cost=cost,
                deferred=part.deferred + late, long_term=part.side > 0 and is_long(part.held_from, day),
                held_days=(day - part.held_from).days, lieu=lieu,
            )  # fmt: skip
            made.append((sale, part))
        self.sales.extend(sale for sale, _ in made)
        if self.wash and not lieu:
            for sale, part in made:
                if sale.gain - sale.deferred < 0:
                    self._look_back(sale, part)

    def _take(self, size: Fraction) -> list[Lot]:
        """Parts of lots, in the order of the method, that sum to `size`; what is taken leaves the open lots."""
        parts: list[Lot] = []
        for lot in self._order():
            part = min(size, lot.size)
            parts.append(lot.split_off(part))
            self._empty += not lot.size
            size -= part
            if not size:
                break
        if self.method in ("fifo", "average"):
            del self.lots[: self._empty]
            self._empty = 0
        elif self.method == "lifo":
            del self.lots[len(self.lots) - self._empty :]
            self._empty = 0
        elif self._empty * 2 > len(self.lots):
            self.lots = [lot for lot in self.lots if lot.size]
            self._empty = 0
        return parts

    def _order(self) -> Iterator[Lot]:
        """Open lots in the order in which the method sells them."""
        if self.method == "lifo":
            yield from reversed(self.lots)
        elif self.method == "hifo":
            while self._dear:
                unit, _, _, lot = self._dear[0]
                if lot.size and unit == lot.unit:
                    yield lot
                if not lot.size or unit != lot.unit:
                    heappop(self._dear)
        else:
            yield from self.lots

    def _averaged(self, size: Fraction) -> list[Lot]:
        """The same at average cost: the money gone is the ledger's own (`kernels.ledger.apply_fill`), spread over the oldest lots."""
        held, side, pool = abs(self.position), 1 if self.position > 0 else -1, self._pool
        gone = pool[:]
        if size != held:
            gone = [round(total * (size / held)) for total in pool]
            if held.denominator == size.denominator == 1:
                gone[0] = pool[0] - ledger.apply_fill.py(int(held) * side, pool[0], -side * int(size), 0)[1]
        self._pool = [total - part for total, part in zip(pool, gone, strict=True)]
        parts = self._take(size)
        _spread(parts, gone)
        return parts

    def _price(self, lot: Lot) -> None:
        """Say anew what a lot cost, so that the dearest can be found; of the same cost the older is dearer."""
        if self.method == "hifo":
            self._asked += 1
            lot.unit = -(lot.cost + lot.deferred) / float(lot.size)
            heappush(self._dear, (lot.unit, lot.origin, self._asked, lot))

    def _reprice(self) -> None:
        """The same for all lots, after their sizes changed."""
        self._dear = []
        for lot in self.lots:
            if lot.size:
                self._price(lot)

    # -- wash sales --------------------------------------------------------------------------------------------------------

    def _look_back(self, sale: Sale, part: Lot) -> None:
        """A sale at a loss: match it with lots opened in the days before it and still there; the rest waits for the days after.

        What is left of the very lot that was sold from replaces nothing. Source: Revenue Ruling 56-602.
        """
        loss = _Loss(sale, sale.sold - part.held_from)
        since = sale.sold - timedelta(days=WINDOW)
        near: list[Lot] = []
        for lot in reversed(self.lots):  # they are in the order of their opening
            if lot.opened < since:
                break
            if lot.size and not lot.washed and lot.origin != part.origin:
                near.append(lot)
        for lot in reversed(near):
            if loss.left:
                self._match(loss, lot)
        if loss.left:
            self._losses.append(loss)

    def _replace(self, lot: Lot, day: date) -> None:
        """A lot just opened: it may replace what was sold at a loss in the days before it, the oldest sale first."""
        self._losses = [loss for loss in self._losses if loss.left and day <= loss.until]
        for loss in self._losses:
            if lot.washed:
                break
            if loss.sale.side == lot.side:
                rest = self._match(loss, lot)
                lot = rest if rest is not None else lot

    def _match(self, loss: _Loss, lot: Lot) -> Lot | None:
        """Let a lot, or as much of it as was sold, replace the sale's; the part of the lot that is not needed, if any."""
        size = min(loss.left, lot.size)
        moved = loss.loss if size == loss.left else round(loss.loss * (size / loss.left))
        loss.left -= size
        loss.loss -= moved
        loss.sale.disallowed += moved
        loss.sale.replaced += size
        rest = None
        if size != lot.size:
            rest = lot.split_off(lot.size - size)
            self.lots.insert(next(k for k in range(len(self.lots) - 1, -1, -1) if self.lots[k] is lot) + 1, rest)
            self._price(rest)
        lot.washed = True
        lot.deferred += moved
        lot.held_from -= loss.held
        self._pool[2] += moved
        self._price(lot)
        return rest


def _spread(lots: list[Lot], totals: list[int]) -> None:
    """Give lots these sums of money, fees and deferred losses in proportion to their sizes; the last takes the rest."""
    whole = sum((lot.size for lot in lots), Fraction(0))
    money, fees, deferred = totals
    for lot in lots:
        share = lot.size / whole
        lot.money, lot.fees, lot.deferred = round(money * share), round(fees * share), round(deferred * share)
        money, fees, deferred, whole = money - lot.money, fees - lot.fees, deferred - lot.deferred, whole - lot.size
