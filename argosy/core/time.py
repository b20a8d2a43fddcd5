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

_SPAN = re.compile(r"([0-9]+)(ns|us|ms|s|m|h|d|w)")
_UNIT = {"ns": 1, "us": US, "ms": MS, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_FRACTION = re.compile(r"(?<=[0-9][.,])[0-9]+")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def span(text: str) -> int:
    """Nanoseconds of a span such as "100ms", "30s", "5m", "1h", "1d", "1w" ("us" and "ns" are read too).

    Raises Misuse("SPAN") for anything else, nothing at all ("0m") and what int64 cannot count.
    """
    match = _SPAN.fullmatch(text)
    ns = int(match[1]) * _UNIT[match[2]] if match and len(text) < 24 else 0
    if not 0 < ns < NEVER:
        raise Misuse("SPAN", f"{text!r} is not a span", fix='write a count and a unit, like "5m" or "1d"')
    return ns


def span_text(ns: int) -> str:
    """The text in the largest unit that `span` reads back as a positive `ns`: 300_000_000_000 -> "5m"."""
    for unit in ("w", "d", "h", "m", "s", "ms", "us"):
        if ns and ns % _UNIT[unit] == 0:
            return f"{ns // _UNIT[unit]}{unit}"
    return f"{ns}ns"


def parse(text: str) -> int:
    """Nanoseconds UTC of an ISO 8601 date or time, exact to the nanosecond; a text without a zone is read as UTC.

    Raises Misuse("TIME") when the text is no date, or one that int64 cannot count (before 1678 or after 2261).
    """
    fraction = _FRACTION.search(text)
    whole = text[: fraction.start() - 1] + text[fraction.end() :] if fraction else text
    try:
        moment = datetime.fromisoformat(whole)
    except ValueError as error:
        raise Misuse("TIME", f"{text!r} is not a date or time", fix='write it like "2026-11-21T14:30:00Z"') from error
    offset = moment.utcoffset()
    if offset is not None and offset.total_seconds() % 60:
        raise Misuse("TIME", f"{text!r} has a zone that is no whole minutes from UTC", fix="write it in UTC")
    if not 1678 <= moment.year <= 2261:
        raise Misuse("TIME", f"{text!r} is too far away to be counted", fix="years go from 1678 to 2261")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    delta = moment - _EPOCH
    rest = int(fraction[0][:9].ljust(9, "0")) if fraction else delta.microseconds * US
    return (delta.days * 86_400 + delta.seconds) * SECOND + rest


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
