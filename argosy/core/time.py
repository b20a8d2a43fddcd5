"""Time as the house counts it: int64 nanoseconds UTC, and spans such as "5m"; this module never reads a clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from argosy.core.errors import Misuse

US = 1_000
MS = 1_000_000
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NEVER = (1 << 63) - 1
"""The last instant that int64 can name: the expiry of an order that has none."""

_SPAN = re.compile(r"(\d+)(ms|s|m|h|d|w)")
_UNIT = {"ms": MS, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def span(text: str) -> int:
    """Nanoseconds of a span such as "100ms", "30s", "5m", "1h", "1d", "1w".

    Raises Misuse("SPAN") for anything else.
    """
    match = _SPAN.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise Misuse("SPAN", f"{text!r} is not a span", fix='write a count and a unit, like "5m" or "1d"')
    return int(match[1]) * _UNIT[match[2]]


def span_text(ns: int) -> str:
    """The shortest text that `span` reads back as `ns`: 300_000_000_000 -> "5m"."""
    for unit in ("w", "d", "h", "m", "s", "ms"):
        if ns and ns % _UNIT[unit] == 0:
            return f"{ns // _UNIT[unit]}{unit}"
    return f"{ns}ns"


def parse(text: str) -> int:
    """Nanoseconds UTC of an ISO 8601 date or time; a text without a zone is read as UTC.

    Raises Misuse("TIME") when the text is no date.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Misuse("TIME", f"{text!r} is not a date or time", fix='write it like "2026-11-21T14:30:00Z"') from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds * US


def iso(ns: int) -> str:
    """ISO 8601 text of `ns` in UTC, as short as it can be said exactly: a date at midnight, else to the nanosecond."""
    seconds, rest = divmod(ns, SECOND)
    moment = datetime.fromtimestamp(seconds, UTC)
    if rest:
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest:09d}".rstrip("0") + "Z"
    if ns % DAY == 0:
        return f"{moment:%Y-%m-%d}"
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def utc_day(ns: int) -> int:
    """The start of the UTC day that holds `ns`."""
    return ns - ns % DAY
