"""What strategies with options on one stock share: their settings of the series, which stock it is, and when a series is rolled."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from argosy.core.errors import Misuse
from argosy.core.protocols import Book
from argosy.core.time import DAY


class Series(msgspec.Struct, frozen=True):
    """Which options are taken, and how many."""

    underlying: Annotated[str, Meta(description="symbol of the stock; none = the only thing it trades that is no option")] = ""
    contracts: Annotated[int, Meta(ge=1, le=100_000, description="lots of the option, and 100 shares of the stock to each")] = 1
    least_days: Annotated[float, Meta(ge=0.0, le=1000.0, description="least time to the expiry when an option is taken")] = 7.0
    roll_days: Annotated[
        float, Meta(ge=0.0, le=1000.0, description="time to the expiry at which it is closed for the next; 0 = never")
    ] = 0.0


def stock_of(book: Book, series: Series) -> int:
    """The id of the stock; Misuse("OPTION_STOCK") where none is named and there is not just one."""
    if series.underlying:
        return book.instrument(series.underlying).id
    stocks = [i for i in book.instruments if book.instrument(i).option is None]
    if len(stocks) != 1:
        names = ", ".join(book.instrument(i).symbol for i in stocks) or "none"
        raise Misuse("OPTION_STOCK", f"it trades the options of one stock, and there is: {names}", fix="name it: -p underlying=IBM")
    return stocks[0]


def soonest(book: Book, series: Series) -> int:
    """The first moment, ns, at which an option that is taken now may end."""
    return book.now + int(series.least_days * DAY)


def rolled(book: Book, i: int, series: Series) -> bool:
    """Whether it is time to close an option before its end, and nothing is under way in it."""
    terms = book.instrument(i).option
    return terms is not None and terms.expiry_ns - book.now <= series.roll_days * DAY and not book.resting(i)
