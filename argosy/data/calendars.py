"""When a market is open: sessions of a calendar, and the Session events that begin and end a trading day.

It never trades and never reads a clock: a schedule depends on its arguments alone. The schedule library is loaded only
when a calendar other than "24/7" is asked for.
"""

from __future__ import annotations

import warnings
from difflib import get_close_matches
from functools import lru_cache
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from argosy.core.errors import Misconfigured, Misuse
from argosy.core.events import Bar, Session
from argosy.core.tape import Tape
from argosy.core.time import DAY, parse

ALWAYS = "24/7"
"""The calendar of things that never close: its sessions are UTC days."""

_YEARS = 10
"""Schedules are computed and kept in blocks of this many years."""


def sessions(calendar: str, start: int | str, end: int | str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Opens and closes, ns UTC, of the sessions that touch [start, end): close > start and open < end, ascending.

    calendar: "24/7" (UTC days) or a name such as "XNYS"; start, end: ns UTC or ISO text.
    Raises Misconfigured("CALENDAR_UNKNOWN") and Misuse("CALENDAR_RANGE").
    """
    opens, closes, _ = schedule(calendar, start, end)
    return opens, closes


def schedule(
    calendar: str, start: int | str, end: int | str
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Like `sessions`, with the session's date as a third array: ns of its midnight, as if it were UTC."""
    low = parse(start) if isinstance(start, str) else int(start)
    high = parse(end) if isinstance(end, str) else int(end)
    if calendar == ALWAYS:
        opens = np.arange(low - low % DAY, max(high, low - low % DAY), DAY, dtype=np.int64)
        return opens, opens + DAY, opens
    first, last = _year(low - 7 * DAY), _year(high + 7 * DAY)
    blocks = [_block(calendar, block) for block in range(first // _YEARS, last // _YEARS + 1)]
    if not blocks:
        blocks = [_block(calendar, first // _YEARS)]
    opens, closes, dates = (np.concatenate(columns) for columns in zip(*blocks, strict=True))
    chosen = (closes > low) & (opens < high)
    return opens[chosen], closes[chosen], dates[chosen]


def session_events(calendar: str, start: int | str, end: int | str) -> list[Session]:
    """The Session events of the sessions that touch [start, end): an open and a close each, in order.

    `day` is the session's date as yyyymmdd; `closes` the end of that session, on both events. Errors as `sessions`.
    """
    opens, closes, dates = schedule(calendar, start, end)
    return _events(calendar, opens, closes, _yyyymmdd(dates))


def sessions_of(tape: Tape, calendar: str = "XNYS") -> list[Session]:
    """The Session events of the days in a tape of daily bars, without a schedule: each bar's start and end are one session.

    The tape's instruments may differ in length; days on which none has a bar have no session. The date of a session is
    the UTC date of its last nanosecond. Raises Misuse: SESSIONS_KIND (not bars), SESSIONS_INTRADAY (several bars a day).
    """
    if tape.kind is not Bar:
        raise Misuse("SESSIONS_KIND", f"sessions come from bars, not from {tape.kind.__name__}", fix="use session_events")
    ends = tape["ts"] + tape["span"]
    days = (ends - 1) // DAY
    pairs = np.stack([days, tape["instrument"]])
    if np.unique(pairs, axis=1).shape[1] != len(tape):
        raise Misuse("SESSIONS_INTRADAY", "an instrument has several bars in one day", fix="use session_events")
    dates, place = np.unique(days, return_inverse=True)
    opens = np.full(len(dates), np.iinfo(np.int64).max)
    closes = np.full(len(dates), np.iinfo(np.int64).min)
    np.minimum.at(opens, place, tape["ts"])
    np.maximum.at(closes, place, ends)
    return _events(calendar, opens, closes, _yyyymmdd(dates * DAY))


def _events(
    calendar: str, opens: NDArray[np.int64], closes: NDArray[np.int64], days: NDArray[np.int64]
) -> list[Session]:
    events: list[Session] = []
    for begin, close, day in zip(opens.tolist(), closes.tolist(), days.tolist(), strict=True):
        events.append(Session(ts=begin, known=begin, calendar=calendar, open=True, day=day, closes=close))
        events.append(Session(ts=close, known=close, calendar=calendar, open=False, day=day, closes=close))
    return events


def _year(ns: int) -> int:
    return int(np.datetime64(ns, "ns").astype("M8[Y]").astype(np.int64)) + 1970


def _yyyymmdd(midnights: NDArray[np.int64]) -> NDArray[np.int64]:
    """20240229 for the midnight of 29 February 2024."""
    days = midnights.astype("M8[ns]").astype("M8[D]")
    months = days.astype("M8[M]")
    years = days.astype("M8[Y]")
    month = (months - years.astype("M8[M]")).astype(np.int64) + 1
    day = (days - months.astype("M8[D]")).astype(np.int64) + 1
    numbers: NDArray[np.int64] = (years.astype(np.int64) + 1970) * 10_000 + month * 100 + day
    return numbers


@lru_cache(maxsize=64)
def _block(calendar: str, block: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Opens, closes and dates of the block of `_YEARS` years that starts in year `block * _YEARS`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's own use of a deprecated call; nothing of ours
        library = import_module("exchange_calendars")
        errors = import_module("exchange_calendars.errors")
    first, last = block * _YEARS, block * _YEARS + _YEARS - 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = library.get_calendar(calendar, start=f"{first}-01-01", end=f"{last}-12-31").schedule
    except errors.InvalidCalendarName as error:
        names = library.get_calendar_names()
        close = get_close_matches(calendar.upper(), names, 3, 0.5) or ["XNYS"]
        raise Misconfigured(
            "CALENDAR_UNKNOWN",
            f"there is no calendar {calendar!r}",
            where="calendar",
            fix=f'write "24/7", or one like {", ".join(close)}',
        ) from error
    except (errors.CalendarError, ValueError) as error:
        raise Misuse("CALENDAR_RANGE", f"{calendar} has no schedule for {first}-{last}: {error}") from error
    opens = table["open"].to_numpy(dtype="datetime64[ns]").astype(np.int64)
    closes = table["close"].to_numpy(dtype="datetime64[ns]").astype(np.int64)
    dates = table.index.to_numpy(dtype="datetime64[ns]").astype(np.int64)
    for column in (opens, closes, dates):
        column.flags.writeable = False
    return opens, closes, dates
