"""The tax lots of a whole run: its fills and splits through one book for each symbol; dividends and other income are not in them.

An option that ends with a delivery is no sale: what it cost goes into the cost of what was bought by it, or off what selling it
brought; what was received for a written one goes the other way. One that is settled in cash, sold or worthless is a sale of its own.
Source: Internal Revenue Service, Publication 550, Puts and Calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from argosy.core.errors import Misuse
from argosy.lab.result import Result
from argosy.lab.taxes.book import Book, Lot, Sale
from argosy.lab.taxes.term import trade_date, zone


class Account(NamedTuple):
    """What was sold, in order of time, and what is still held, by symbol. method, wash, zone: how it was reckoned."""

    sales: list[Sale]
    held: dict[str, list[Lot]]
    currency: str
    method: str
    wash: bool
    zone: str

    @property
    def gain(self) -> int:
        """Units earned by all sales after fees, whatever taxes say."""
        return sum(sale.gain for sale in self.sales)

    @property
    def taxable(self) -> int:
        """Units that count: gains, less losses carried in, plus losses not allowed."""
        return sum(sale.taxable for sale in self.sales)

    @property
    def open_cost(self) -> int:
        """Units paid for what is held, fees in it (of shorts: minus what was received)."""
        return sum(lot.cost for lots in self.held.values() for lot in lots)

    @property
    def deferred(self) -> int:
        """Units of wash-sale losses that wait in what is held."""
        return sum(lot.deferred for lots in self.held.values() for lot in lots)


class _Deal(NamedTuple):
    known: int
    ts: int
    lots: int
    notional: int
    fee: int
    price: float
    units: float
    against: tuple[str, str, int] | None = None


ENDS = ("exercise", "assignment", "expiry")
"""Executions of a result's fills that no venue made: how an option ended."""


def reckon(result: Result, method: str = "fifo", *, wash: bool = True, where: str = "UTC") -> Account:
    """Open and close the lots of an account, all its strategies together, as it really traded.

    method: fifo, lifo, hifo or average; wash: carry the losses of wash sales; where: the zone of the calendar days
    Laws: gain - open_cost is what the fills brought in, to the unit; taxable is gain + deferred, to the unit.
    Trades inside the house (one strategy's with another's) are none of the account's, and a split comes before a fill of its
    own time. Misuse: TAX_METHOD, ZONE, TAX_DELIVERY, and TAX_OPTIONS for a saved run with options that ended, of an older release.
    """
    place = zone(where)
    Book("", method, wash)  # a wrong method is told before anything is read
    books: dict[str, Book] = {}
    given: dict[tuple[str, str, int], tuple[int, int]] = {}  # what the options of a delivery cost, and the losses carried in them
    options = result.options or {}
    for symbol, deals in sorted(_deals(result), key=lambda row: row[0] not in options):  # options first
        book = books.setdefault(symbol, Book(symbol, method, wash))
        splits = sorted((split for split in result.splits if split.symbol == symbol), key=lambda split: -split.known)
        scale = 0.0
        for deal in deals:
            while splits and splits[-1].known <= deal.known:
                one = splits.pop()
                book.split(one.known, trade_date(one.known, place), Fraction(one.ratio).limit_denominator(10_000), one.price, scale)
            if deal.price:
                scale = abs(deal.notional) / (abs(deal.lots) * deal.price)
            book.unit = deal.units / abs(deal.lots)
            side = 1 if deal.lots > 0 else -1
            cost = carried = 0
            if deal.against is not None and symbol in options:
                given[deal.against] = book.deliver(deal.lots)
                continue
            if deal.against is not None:
                cost, carried = given.get(deal.against, (0, 0))
            book.fill(deal.ts, trade_date(deal.ts, place), side, abs(deal.lots), deal.notional + cost, deal.fee, carried)
        for one in reversed(splits):
            if not len(result.known) or one.known <= int(result.known[-1]):
                book.split(one.known, trade_date(one.known, place), Fraction(one.ratio).limit_denominator(10_000), one.price, scale)
        book.settle()
    sales = sorted((sale for book in books.values() for sale in book.sales), key=lambda sale: sale.ns)
    held = {symbol: book.lots for symbol, book in sorted(books.items()) if book.lots}
    return Account(sales, held, result.currency, method, wash, where)


def _deals(result: Result) -> Iterator[tuple[str, list[_Deal]]]:
    """By symbol: the account's executions in order, shares of one put together; what was traded inside the house cancels out."""
    names = ("symbol", "execution", "known", "ts", "side", "lots", "notional", "fee", "price", "units", "strategy", "order")
    rows: list[tuple[Any, ...]] = list(zip(*[result.fills[name].to_list() for name in names], strict=True))
    groups: list[list[tuple[Any, ...]]] = []
    delivered: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    ends = _deliveries(rows, result.options)
    keys = []
    last: tuple[Any, ...] | None = None
    for k, row in enumerate(rows):
        end = ends.get(k)
        key = (*row[:3], end)
        if end is not None and key in delivered:  # every strategy's part of one delivery
            delivered[key].append(row)
        elif end is None and key == last:
            groups[-1].append(row)
        else:
            groups.append([row])
            keys.append(end)
            if end is not None:
                delivered[key] = groups[-1]
        last = key
    by_symbol: dict[str, list[_Deal]] = {}
    for own, end in zip(groups, keys, strict=True):
        symbol, _, known = own[0][:3]
        lots = sum(row[4] * row[5] for row in own)
        if lots:
            notional, fee = sum(row[6] for row in own), sum(row[7] for row in own)
            size = sum(row[5] for row in own)
            units = sum(row[9] for row in own) * abs(lots) / size
            deal = _Deal(known, own[0][3], lots, notional, fee, own[0][8], units, end)
            by_symbol.setdefault(symbol, []).append(deal)
    yield from by_symbol.items()


def _deliveries(rows: Sequence[tuple[Any, ...]], options: Mapping[str, str] | None) -> dict[int, tuple[str, str, int]]:
    """Numbers of the rows that are an option going and its underlying coming in one delivery, which stand one after the other."""
    out = {}
    for k, row in enumerate(rows):
        symbol, how, known = row[:3]
        if how not in ENDS or row[11]:
            continue
        if options is None:
            raise Misuse(
                "TAX_OPTIONS", "an option ended in this run, and it does not say whether the underlying was delivered", where=symbol,
                fix="run it again, and save it with this release",
            )  # fmt: skip
        after = rows[k + 1] if k + 1 < len(rows) else None
        if after is not None and symbol in options and after[:3] == (options[symbol], how, known) and after[10] == row[10]:
            out[k] = out[k + 1] = (symbol, how, known)
    return out
