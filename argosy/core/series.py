"""Which series of options to trade next: the nearest expiry, the nearest strike beyond a price; it wants nothing itself."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from argosy.core.protocols import Book

Right = Literal["call", "put"]


def chosen(book: Book, stock: int, right: Right, strike: float, soonest: int) -> int:
    """The option of a right that ends first, not before `soonest` (ns), with the nearest strike at or beyond a price.

    Beyond is above for calls and below for puts. Only those that have a price are chosen from; -1 where there is none.
    """
    sign = 1.0 if right == "call" else -1.0
    symbol = book.instrument(stock).symbol
    best: tuple[int, float, int] | None = None
    for i in book.instruments:
        terms = book.instrument(i).option
        if terms is None or terms.underlying != symbol or terms.right != right or not book.mark(i) > 0.0:
            continue
        away = sign * (float(terms.strike) - strike)
        if away < -1e-9 * strike or terms.expiry_ns < soonest or terms.expiry_ns <= book.now:
            continue
        best = min(best, (terms.expiry_ns, away, i)) if best is not None else (terms.expiry_ns, away, i)
    return -1 if best is None else best[2]


def held(book: Book, stock: int, right: Right, side: int) -> list[int]:
    """Own options of a right on a stock that are held (+1) or written (-1), by id."""
    symbol = book.instrument(stock).symbol
    out = []
    for i in sorted(book.instruments):
        terms = book.instrument(i).option
        if terms is not None and terms.underlying == symbol and terms.right == right and side * book.lots(i) > 0:
            out.append(i)
    return out


def size(book: Book, stock: int, option: int) -> int:
    """Lots of the stock that one lot of the option is about."""
    row, under = book.instrument(option), book.instrument(stock)
    return int(Fraction(row.lot * row.multiplier) / Fraction(under.lot * under.multiplier))
