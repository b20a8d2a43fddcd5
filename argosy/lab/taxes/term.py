"""Calendar days of taxes: the day of a trade and whether what was sold was held for more than a year; it never counts in hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from argosy.core.errors import Misuse
from argosy.core.time import SECOND

WINDOW = 30
"""Days before and after a sale at a loss in which buying the same again makes it a wash sale. Source: 26 U.S.C. 1091(a)."""


def zone(name: str) -> tzinfo:
    """The time zone of that name; Misuse("ZONE") when there is none."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Misuse("ZONE", f"there is no time zone {name!r}", fix="write it like America/New_York") from error


def trade_date(ns: int, where: tzinfo) -> date:
    """The calendar day of a time (ns UTC) in a zone."""
    return datetime.fromtimestamp(ns // SECOND, where).date()


def is_long(acquired: date, sold: date) -> bool:
    """Whether what was acquired and sold on these days was held for more than a year.

    Holding begins on the day after the one it was acquired on, and a year is over on the same date a year later; what begins
    on 29 February ends its year on 1 March. So a lot bought on the last day of a month is long from the first of a month.
    Source: 26 U.S.C. 1222; Revenue Ruling 66-7.
    """
    begins = acquired + timedelta(days=1)
    try:
        over = begins.replace(year=begins.year + 1)
    except ValueError:  # 29 February
        over = date(begins.year + 1, 3, 1)
    return sold >= over
