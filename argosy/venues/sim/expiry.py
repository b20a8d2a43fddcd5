"""How options end: when, at which price of the underlying, and who must deliver; it books nothing.

By the rule of the clearing house what is in the money by a cent or more is exercised for its holder, and its writer is
assigned; the rest is worthless. Source: Options Clearing Corporation, Rule 805 (exercise by exception).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from argosy.core.errors import Misuse
from argosy.core.events import Assignment, Bar, Event, Exercise, Expiry, Quote, Split, Trade
from argosy.core.instrument import Instrument, Instruments
from argosy.core.money import unit
from argosy.core.orders import Work
from argosy.core.tape import Tape
from argosy.venues.sim.book import Lane
from argosy.venues.sim.clearing import Clearing

LEAST = 0.01
NAN = float("nan")


def expiries(
    instruments: Instruments, tapes: Sequence[Tape], events: Iterable[Event] = (), least: float = LEAST
) -> list[Expiry]:
    """The Expiry of each option that ends while the tapes last, for a replay.

    least: currency per unit of the underlying by which an option must be in the money to be exercised
    The settlement price is the last of the underlying that had happened by then; the news of it is known when that price is.
    Misuse: EXPIRY_PRICE when there is none, EXPIRY_LEAST for a `least` below 0, OPTION_SPLIT when the underlying splits
    before the end (adjusted contracts are not known here).
    """
    options = [row for row in instruments if row.option is not None]
    last = max((int(tape["known"][-1]) for tape in tapes if len(tape)), default=-1)
    if not least >= 0.0:
        raise Misuse("EXPIRY_LEAST", f"{least} is no amount in the money", fix="0.01, as the clearing house does")
    for event in events if options else ():
        if isinstance(event, Split):
            _unsplit(options, instruments, event)
    over = [row for row in options if row.option is not None and row.option.expiry_ns <= last]
    out = [_expiry(row, instruments, tapes, least) for row in over]
    return sorted(out, key=lambda one: (one.known, one.instrument))


def expire(expiry: Expiry, over: Lane, under: Lane, clearing: Clearing, now: int, known: int, out: list[Event]) -> None:
    """End an option at the venue: its orders with it, and its position where that is in the money exercised or assigned.

    over, under: lanes of the option and its underlying. known: when the ends of orders are; the settlement is known at once.
    """
    over.delisted = True
    while over.working:
        clearing.end(over.working[0], Work.CANCELED, "EXPIRED", expiry.ts, known, out)
    lots, over.lots = over.lots, 0
    if not lots or not (expiry.delivered or expiry.cash):
        return
    if expiry.underlying >= 0:
        under.lots += lots * expiry.delivered
    kind = Exercise if lots > 0 else Assignment
    delivered, cash = lots * expiry.delivered, lots * expiry.cash
    out.append(kind(expiry.ts, now, expiry.instrument, abs(lots), expiry.underlying, delivered, cash, expiry.strike))


def _expiry(row: Instrument, instruments: Instruments, tapes: Sequence[Tape], least: float) -> Expiry:
    """The end of one option, its settlement worked out exactly."""
    terms = row.option
    if terms is None:
        raise Misuse("OPTION_TERMS", "it is no option", where=row.symbol)
    under = instruments[terms.underlying]
    price, known = _price(under.id, terms.expiry_ns, tapes)
    if price != price:
        raise Misuse("EXPIRY_PRICE", f"{under.symbol} has no price by the expiry", where=row.symbol, fix="feed its prices, too")
    known = max(known, terms.expiry_ns)
    worth = terms.worth(price)
    if not worth or worth < least - 1e-9:
        return Expiry(terms.expiry_ns, known, row.id, price, 0.0)
    if terms.settlement == "cash":
        units = round(worth * float(row.lot * row.multiplier / unit(row.currency)))
        return Expiry(terms.expiry_ns, known, row.id, price, worth, -1, 0, units, float(terms.strike))
    lots, cash = instruments.delivery(row.id)
    side = 1 if terms.right == "call" else -1
    return Expiry(terms.expiry_ns, known, row.id, price, worth, under.id, side * lots, -side * cash, float(terms.strike))


def _price(i: int, at: int, tapes: Sequence[Tape]) -> tuple[float, int]:
    """The last price of an instrument that had happened by `at`, and when it was known; nan without one."""
    best = (-1, NAN, 0)
    for tape in tapes:
        if not len(tape) or i not in tape.instruments:
            continue
        own = tape.only(i)
        when = own["ts"] + own["span"] if tape.kind is Bar else own["ts"]
        if tape.kind is Bar:
            price = own["close"]
        elif tape.kind is Trade:
            price = own["price"]
        elif tape.kind is Quote:
            price = (own["bid"] + own["ask"]) * 0.5
        else:
            continue
        rows = np.flatnonzero((when <= at) & np.isfinite(price))
        if len(rows):
            row = int(rows[-1])
            if int(when[row]) > best[0]:
                best = (int(when[row]), float(price[row]), int(own["known"][row]))
    return best[1], best[2]


def _unsplit(options: Sequence[Instrument], instruments: Instruments, split: Split) -> None:
    for row in options:
        terms = row.option
        if terms is not None and instruments[terms.underlying].id == split.instrument and split.ts < terms.expiry_ns:
            raise Misuse(
                "OPTION_SPLIT", f"{terms.underlying} splits before the option ends", where=row.symbol,
                fix="end the run before the split, or list the adjusted contracts from there on",
            )  # fmt: skip
