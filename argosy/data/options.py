"""What the owner knows about a file of prices and the file does not say; it reads nothing and decides nothing."""

from __future__ import annotations

from typing import Literal

import msgspec


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Everything has a default that is inferred or harmless.

    symbol:   name of the instrument (else a column, else the file's name)
    kind:     "bar", "quote", "trade", "fact" or "funding" (else by the content; bars of bid and ask become bars of their middle)
    every:    length of a bar, like "5m" (else the usual step)
    zone:     of times without one: "America/New_York", "UTC-5"; "" = UTC
    dates:    "mdy" or "dmy" for dates like 3/4/2021
    decimal:  "." or "," in numbers; "" = as the file shows
    day:      the date of times counted since midnight ("2013-10-07"; else a date in the file's name)
    columns:  names for a file without a header
    calendar: stamps daily bars with its sessions ("XNYS"); "" = whole UTC days
    stamped:  whether a bar carries its start or its end
    keep:     which of several rows of one time stays; "" = refuse when they differ
    delay_ms: how long after its end a row could be known
    currency: of the prices; "" = what the symbol tells (EURGBP in GBP), else USD
    asset:    kind of the instrument ("equity", "crypto", "fx", ...; else by the symbol)
    lag:      how long after the end of its period a fact is known, like "45d"; "" = by its frequency (`facts.LAGS`)
    prints:   "regular" leaves out trades whose condition says that they set no price (late, average price, ...); "all"
    own_name: leave out rows of dates on which a map file gives the name to another security
    origin, licence: noted in the catalog
    """

    symbol: str = ""
    kind: str = ""
    every: str = ""
    zone: str = ""
    dates: str = ""
    decimal: str = ""
    day: str = ""
    columns: tuple[str, ...] = ()
    calendar: str = ""
    stamped: Literal["start", "end"] = "start"
    keep: Literal["", "first", "last"] = ""
    delay_ms: int = 0
    currency: str = ""
    asset: Literal["", "equity", "crypto", "fx", "future", "option", "index"] = ""
    lag: str = ""
    prints: Literal["regular", "all"] = "regular"
    own_name: bool = False
    origin: str = ""
    licence: str = ""


INFERRED = Options()
"""Nothing is said: all of it is read from the file."""
