"""The account and the virtual book of each strategy: integer lots, integer cash, marks and P&L; it never asks for a price.

Law: in every currency and instrument the virtual books sum to the account, after every event. What belongs to no strategy
(unallocated cash, hand trades, rounding residues of shared payments) is in the house book, whose name is "".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import compress

import msgspec

from argosy.core.errors import Broken
from argosy.core.events import Adjust, Borrow, CashFlow, Delist, Dividend, Fill, Funding, Split
from argosy.core.instrument import Instruments
from argosy.core.money import per_one
from argosy.core.orders import Share
from argosy.kernels import ledger

HOUSE = ""
MADE = 4096
"""Executions whose effect is remembered, to be undone exactly."""
NAN = float("nan")

_notional = ledger.notional.py
_apply_fill = ledger.apply_fill.py


class Fx(msgspec.Struct, frozen=True):
    """How a currency becomes base: by the mark of `instrument` (base per unit of currency), or its inverse."""

    currency: str
    instrument: int
    inverse: bool = False
    stale_ns: int = 0


class VirtualBook:
    """One strategy's own account inside the account.

    cash: units by currency index; lots, cost: signed by instrument; realised: P&L of closed lots before fees, in units
    by currency; fees: units paid by currency; budget: base units granted and deposited less those taken back; max_loss: of it, 0 = no limit
    """

    __slots__ = ("budget", "cash", "cost", "fees", "lots", "max_loss", "realised", "strategy")

    def __init__(self, strategy: str, instruments: int, currencies: int) -> None:
        self.strategy = strategy
        self.budget = 0
        self.max_loss = 0
        self.cash = [0] * currencies
        self.fees = [0] * currencies
        self.realised = [0] * currencies
        self.lots = [0] * instruments
        self.cost = [0] * instruments

    def snapshot(self) -> tuple[object, ...]:
        return (self.strategy, self.budget, self.max_loss, self.cash[:], self.fees[:], self.realised[:], self.lots[:], self.cost[:])


class Portfolio:
    """The account's lots, cash and marks, and the virtual books they are the sum of.

    lots, value:       by instrument id; value is lots at the mark in the instrument's currency units
    marks, marked:     last known price (nan before the first) and when it became known
    cash, worth:       by currency index: cash, and the sum of `value` in that currency
    held:              instruments with a position
    """

    def __init__(self, instruments: Instruments, base: str = "USD", strategies: Iterable[str] = (), fx: Iterable[Fx] = ()) -> None:
        n = len(instruments)
        self.instruments = instruments
        self.base = base
        currencies = [base]
        for row in instruments:
            if row.currency not in currencies:
                currencies.append(row.currency)
        self.currencies = tuple(currencies)
        self.currency_of = [currencies.index(row.currency) for row in instruments]
        self.scale = [row.scale for row in instruments]
        self.fx: list[Fx | None] = [None] * len(currencies)
        for rate in fx:
            if rate.currency not in currencies:
                self.currencies = (*self.currencies, rate.currency)
                currencies.append(rate.currency)
                self.fx.append(None)
            self.fx[currencies.index(rate.currency)] = rate
        self.single = len(currencies) == 1
        self.lots = [0] * n
        self.value = [0] * n
        self.marks = [NAN] * n
        self.marked = [0] * n
        self.cash = [0] * len(currencies)
        self.worth = [0] * len(currencies)
        self.held: set[int] = set()
        self._made: dict[str, tuple[tuple[str, int, int, int, int], ...]] = {}
        self.books: dict[str, VirtualBook] = {
            name: VirtualBook(name, n, len(currencies)) for name in (HOUSE, *strategies)
        }

    # -- money ---------------------------------------------------------------------------------------------------------

    def currency_index(self, currency: str) -> int:
        """The place of a currency in `cash`; "" is base. Broken("CURRENCY_UNKNOWN") when the run does not know it."""
        if not currency:
            return 0
        if currency not in self.currencies:
            raise Broken("CURRENCY_UNKNOWN", f"{currency} is no currency of this run", fix="declare it with its FX instrument")
        return self.currencies.index(currency)

    def to_base(self, units: int, index: int) -> int | None:
        """`units` of a currency in base units at the last known rate; None when no rate is known."""
        if index == 0:
            return units
        rate = self.fx[index]
        if rate is None:
            return None
        mark = self.marks[rate.instrument]
        if not mark > 0.0:
            return None
        price = 1.0 / mark if rate.inverse else mark
        return round(units * (price * (per_one(self.base) / per_one(self.currencies[index]))))

    @property
    def equity(self) -> int:
        """Cash and positions at their marks, in base units at the last known rates (a currency without a rate counts 0)."""
        total = self.cash[0] + self.worth[0]
        if self.single:
            return total
        for index in range(1, len(self.cash)):
            total += self.to_base(self.cash[index] + self.worth[index], index) or 0
        return total

    def equity_of(self, strategy: str) -> int:
        """A virtual book's cash and positions at the marks, in base units."""
        return self.stake(strategy)[0]

    def stake(self, strategy: str) -> tuple[int, int]:
        """(equity, gross) of a virtual book at the marks, in base units; gross without what the account as a whole does not hold."""
        book = self.books[strategy]
        lots, cash = book.lots, book.cash
        if len(cash) == 1 and lots.count(0) == len(lots):
            return cash[0], 0
        totals, gross = cash[:], 0
        for i in compress(range(len(lots)), lots):
            if self.marks[i] == self.marks[i]:
                c = self.currency_of[i]
                worth = self.value[i] if lots[i] == self.lots[i] else _notional(lots[i], self.marks[i], self.scale[i])
                totals[c] += worth
                if self.lots[i]:
                    gross += self.to_base(abs(worth), c) or 0
        total = totals[0]
        for index in range(1, len(totals)):
            total += self.to_base(totals[index], index) or 0
        return total, gross

    # -- marks ---------------------------------------------------------------------------------------------------------

    def mark(self, i: int, price: float, known: int) -> None:
        """A new last price of instrument i."""
        self.marks[i] = price
        self.marked[i] = known
        if self.lots[i]:
            self.revalue(i)

    def revalue(self, i: int) -> None:
        """Bring value and worth of instrument i in line with its lots and mark."""
        mark = self.marks[i]
        new = _notional(self.lots[i], mark, self.scale[i]) if mark == mark else 0
        change = new - self.value[i]
        if change:
            self.value[i] = new
            self.worth[self.currency_of[i]] += change
        if self.lots[i]:
            self.held.add(i)
        else:
            self.held.discard(i)

    @property
    def gross(self) -> int:
        """Sum of |value| of what is held, in base units at the rates of the marks."""
        value = self.value
        if self.single:
            return sum([abs(value[i]) for i in self.held])
        return sum(self.to_base(abs(value[i]), self.currency_of[i]) or 0 for i in self.held)

    # -- what changes lots and cash ------------------------------------------------------------------------------------

    def fill(self, fill: Fill, shares: Sequence[Share]) -> list[tuple[str, int, int, int]]:
        """Book one execution, split over `shares` (lots of this fill, summing to it).

        Returns (strategy, signed lots, realised units before fees, fee units) of each share.
        """
        i = fill.instrument
        c = self.currency_of[i]
        signed = fill.lots * fill.side
        self.lots[i] += signed
        self.cash[c] -= fill.notional + fill.fee
        if self.marks[i] != self.marks[i]:
            self.marks[i] = fill.price
        self.revalue(i)
        if len(shares) == 1:
            notionals, fees = [fill.notional], [fill.fee]
        else:
            weights = [share.lots for share in shares]
            notionals, fees = apportion(fill.notional, weights), apportion(fill.fee, weights)
        told = [self.share(share.strategy, i, c, share.lots * fill.side, notionals[k], fees[k]) for k, share in enumerate(shares)]
        self._made[fill.execution] = tuple((name, lots, won, notionals[k], fee) for k, (name, lots, won, fee) in enumerate(told))
        if len(self._made) > MADE:
            del self._made[next(iter(self._made))]
        return told

    def share(self, strategy: str, i: int, c: int, signed: int, notional: int, fee: int) -> tuple[str, int, int, int]:
        """One virtual book's part of what moved lots and cash of the account: (strategy, signed lots, realised, fee)."""
        book = self.books[strategy]
        book.lots[i], book.cost[i], realised = _apply_fill(book.lots[i], book.cost[i], signed, notional)
        book.cash[c] -= notional + fee
        book.fees[c] += fee
        book.realised[c] += realised
        return strategy, signed, realised, fee

    def unfill(self, fill: Fill, shares: Sequence[Share]) -> None:
        """Undo an execution that the venue busted or a chain reversed, with its fee and with what it had earned.

        One that is older than is remembered is undone by its opposite, which earns what lies between the two.
        """
        made = self._made.pop(fill.execution, None)
        if made is None:
            self.fill(msgspec.structs.replace(fill, side=-fill.side, notional=-fill.notional, fee=-fill.fee), shares)
            self._made.pop(fill.execution, None)
            return
        i = fill.instrument
        c = self.currency_of[i]
        self.lots[i] -= fill.lots * fill.side
        self.cash[c] += fill.notional + fill.fee
        self.revalue(i)
        for strategy, signed, realised, notional, fee in made:
            book = self.books[strategy]
            book.lots[i] -= signed
            book.cash[c] += notional + fee
            book.fees[c] -= fee
            book.cost[i] -= realised + notional
            book.realised[c] -= realised
            if not book.lots[i]:
                book.realised[c] -= book.cost[i]
                book.cost[i] = 0

    def cross(self, i: int, buyer: str, seller: str, lots: int, notional: int) -> list[tuple[str, int, int, int]]:
        """Move lots between two virtual books at `notional` (units, positive); the account does not change. Returns as `fill`."""
        c = self.currency_of[i]
        return [self.share(buyer, i, c, lots, notional, 0), self.share(seller, i, c, -lots, -notional, 0)]

    def cash_flow(self, flow: CashFlow) -> None:
        """A deposit or withdrawal, of the account and of one virtual book."""
        c = self.currency_index(flow.currency)
        self.cash[c] += flow.amount
        book = self.books[flow.strategy]
        book.cash[c] += flow.amount
        if flow.strategy:
            book.budget += self.to_base(flow.amount, c) or 0

    def grant(self, strategy: str, units: int, max_loss: int = 0) -> None:
        """Move base cash from the house book to a strategy's (negative: back), of which it may lose max_loss (0: no limit)."""
        self.books[strategy].max_loss = max_loss
        self.books[HOUSE].cash[0] -= units
        self.books[strategy].cash[0] += units
        self.books[strategy].budget += units

    def adjust(self, adjust: Adjust) -> None:
        """Book a difference that reconciliation found, in the named virtual book (the house's unless it says otherwise)."""
        i = adjust.instrument
        book = self.books[adjust.strategy]
        if i >= 0 and adjust.lots:
            price = adjust.price if adjust.price == adjust.price else self.marks[i]
            worth = _notional(adjust.lots, price, self.scale[i]) if price == price else 0
            self.lots[i] += adjust.lots
            book.lots[i], book.cost[i], _ = _apply_fill(book.lots[i], book.cost[i], adjust.lots, worth)
            if self.marks[i] != self.marks[i]:
                self.marks[i] = price  # as after a first fill, so that what came in is worth something
            self.revalue(i)
        if adjust.cash:
            c = self.currency_index(adjust.currency)
            self.cash[c] += adjust.cash
            book.cash[c] += adjust.cash

    def split(self, split: Split) -> None:
        """Rescale lots; the account keeps whole lots and is paid cash for the fraction, shared like the fraction arose."""
        i = split.instrument
        ratio = Fraction(split.ratio).limit_denominator(10_000)
        price = split.price if split.price == split.price else self.marks[i] / split.ratio
        new, part = _rescale(self.lots[i], ratio)
        books = list(self.books.values())
        scaled = [_rescale(book.lots[i], ratio) for book in books]
        if self.marks[i] == self.marks[i]:
            self.marks[i] /= split.ratio
        missing = new - sum(lots for lots, _ in scaled)
        order = sorted(range(len(books)), key=lambda k: (-abs(scaled[k][1]), books[k].strategy))
        lots_of = [lots for lots, _ in scaled]
        for k in order:
            if not missing:
                break
            if scaled[k][1] and (scaled[k][1] > 0) == (missing > 0):
                step = 1 if missing > 0 else -1
                lots_of[k] += step
                missing -= step
        lots_of[0] += missing
        lieu = round(part * Fraction(price * self.scale[i])) if price == price else 0
        c = self.currency_of[i]
        paid = 0
        for k, book in enumerate(books):
            exact = book.lots[i] * ratio
            cash = round((exact - lots_of[k]) * Fraction(price * self.scale[i])) if price == price else 0
            if not lots_of[k]:
                book.realised[c] += cash - book.cost[i]
                book.cost[i] = 0
            else:
                book.cost[i] -= cash
            book.lots[i] = lots_of[k]
            book.cash[c] += cash
            paid += cash
        books[0].cash[c] += lieu - paid
        self.lots[i] = new
        self.cash[c] += lieu
        self.revalue(i)

    def dividend(self, dividend: Dividend) -> None:
        """Pay per unit held: longs receive, shorts pay; each virtual book by its own lots."""
        i = dividend.instrument
        c = self.currency_index(dividend.currency) if dividend.currency else self.currency_of[i]
        self._pay(i, c, dividend.amount, +1)

    def funding(self, funding: Funding) -> None:
        """Charge longs (or pay them) the rate of the position's value at the mark."""
        i = funding.instrument
        if self.marks[i] == self.marks[i]:
            self._pay(i, self.currency_of[i], funding.rate * self.marks[i], -1)

    def borrow(self, borrow: Borrow) -> None:
        """Charge the account's short; the short virtual books share it by their lots."""
        i = borrow.instrument
        if self.lots[i] >= 0 or self.marks[i] != self.marks[i]:
            return
        c = self.currency_of[i]
        cost = _notional(-self.lots[i], borrow.rate * self.marks[i], self.scale[i])
        short = [book for book in self.books.values() if book.lots[i] < 0]
        self.cash[c] -= cost
        for book, part in zip(short, apportion(cost, [-book.lots[i] for book in short]), strict=True):
            book.cash[c] -= part
            book.fees[c] += part

    def _pay(self, i: int, c: int, per_unit: float, sign: int) -> None:
        scale = self.scale[i]
        paid = sign * _notional(self.lots[i], per_unit, scale)
        self.cash[c] += paid
        for book in self.books.values():
            if book.lots[i]:
                part = sign * _notional(book.lots[i], per_unit, scale)
                book.cash[c] += part
                paid -= part
        self.books[HOUSE].cash[c] += paid

    def delist(self, delist: Delist) -> None:
        """Close every virtual position at the final price, without fee."""
        i = delist.instrument
        c = self.currency_of[i]
        total = _notional(-self.lots[i], delist.price, self.scale[i])
        self.lots[i] = 0
        self.cash[c] -= total
        for book in self.books.values():
            if book.lots[i]:
                part = _notional(-book.lots[i], delist.price, self.scale[i])
                self.share(book.strategy, i, c, -book.lots[i], part, 0)
                total -= part
        self.books[HOUSE].cash[c] -= total
        self.marks[i] = delist.price
        self.revalue(i)

    # -- laws ----------------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Broken("BOOKS") unless the virtual books sum to the account to the unit and the worth equals the values."""
        for c, currency in enumerate(self.currencies):
            total = sum(book.cash[c] for book in self.books.values())
            if total != self.cash[c]:
                raise Broken("BOOKS", f"virtual cash {total} is not the account's {self.cash[c]} {currency}")
            worth = sum(self.value[i] for i, index in enumerate(self.currency_of) if index == c)
            if worth != self.worth[c]:
                raise Broken("BOOKS", f"worth {self.worth[c]} is not the sum of values {worth} {currency}")
        for i, lots in enumerate(self.lots):
            total = sum(book.lots[i] for book in self.books.values())
            if total != lots:
                raise Broken("BOOKS", f"virtual lots {total} are not the account's {lots}", where=self.instruments[i].symbol)

    def snapshot(self) -> tuple[object, ...]:
        """Plain values of the whole room, for the state hash."""
        return (
            self.base, list(self.currencies), self.cash[:], self.lots[:], self.value[:],
            [None if mark != mark else mark for mark in self.marks], self.marked[:], sorted(self.held),
            [book.snapshot() for _, book in sorted(self.books.items())],
        )  # fmt: skip


def apportion(total: int, weights: list[int]) -> list[int]:
    """`total` split over `weights` by largest remainder, ties to the first; sums exactly."""
    out = [0] * len(weights)
    ledger.apportion.py(total, weights, out)
    return out


def _rescale(lots: int, ratio: Fraction) -> tuple[int, Fraction]:
    """Whole lots after a split, toward zero, and the fraction left over with its sign."""
    exact = lots * ratio
    whole = int(exact)
    return whole, exact - whole
