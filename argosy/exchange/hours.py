"""When the simulated market is open: real sessions with half days, or forced open for practice; it never reads a clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal

from argosy.core.time import DAY, HOUR, MINUTE, SECOND
from argosy.data.calendars import schedule
from argosy.exchange.wire import EASTERN, Body

Phase = Literal["closed", "overnight", "pre", "regular", "post"]
PRE = 330 * MINUTE
NIGHT = 8 * HOUR
LATE = 4 * HOUR
"""From four in the morning to the open; the overnight session before it, from eight in the evening; from the close to eight."""
AGED = 90
"""Days after which an order that is good till canceled is canceled."""
CALENDAR = "XNYS"


class Hours:
    """The day of the exchange. forced: None follows the calendar, True or False overrules it until told otherwise.

    Sessions end on half days at one; the hours after a close are four, also then.
    """

    def __init__(self, forced: bool | None = None) -> None:
        self.forced = forced
        self._block: tuple[int, int, list[tuple[int, int, int]]] = (0, 0, [])

    def sessions(self, start: int, end: int) -> list[tuple[int, int, int]]:
        """(open, close, date at midnight) ns of the real sessions that touch [start, end)."""
        opens, closes, dates = schedule(CALENDAR, start, end)
        return list(zip(opens.tolist(), closes.tolist(), dates.tolist(), strict=True))

    def around(self, now: int) -> list[tuple[int, int, int]]:
        """The sessions from ten days before to twenty days after, kept until they no longer hold `now`."""
        low, high, rows = self._block
        if not low <= now < high:
            day = now - now % DAY
            rows = self.sessions(day - 10 * DAY, day + 20 * DAY)
            self._block = (day, day + DAY, rows)
        return rows

    def phase(self, now: int) -> Phase:
        """Where in the day `now` is; forced open is "regular"."""
        if self.forced:
            return "regular"
        for opens, closes, _ in self.around(now):
            if opens <= now < closes:
                return "closed" if self.forced is False else "regular"
            if opens - PRE <= now < opens:
                return "pre"
            if closes <= now < closes + LATE:
                return "post"
            if opens - PRE - NIGHT <= now < opens - PRE:
                return "overnight"
        return "closed"

    def next(self, now: int) -> tuple[int, int]:
        """(next open, next close) ns after `now`, as the venue's clock tells them."""
        rows = self.around(now)
        if self.forced:
            close = next(closes for _, closes, _ in rows if closes > now)
            return next(opens for opens, _, _ in rows if opens > close), close
        opening = next(opens for opens, _, _ in rows if opens > now)
        if self.forced is False:
            return opening, next(closes for _, closes, _ in rows if closes > opening)
        return opening, next(closes for _, closes, _ in rows if closes > now)

    def boundaries(self, after: int, upto: int) -> list[tuple[int, str]]:
        """Opens, closes and ends of the extended day in (after, upto], in order."""
        found: list[tuple[int, str]] = []
        for opens, closes, _ in self.around(upto):
            found += [(closes + LATE, "night"), (opens - PRE - NIGHT, "overnight"), (opens - PRE, "pre"), (opens, "open"), (closes, "close")]
        return sorted((at for at in found if after < at[0] <= upto), key=lambda at: at[0])

    def settles(self, now: int) -> int:
        """When what is sold at `now` is settled: the open of the next session (T+1)."""
        rows = self.around(now)
        today = next((closes for opens, closes, _ in rows if closes >= now), now)
        return next(opens for opens, _, _ in rows if opens > today)

    def ends(self, now: int, tif: str, extended: bool) -> int:
        """When an order that comes at `now` ends by itself, ns; 0 for one that never rests."""
        if tif in ("ioc", "fok"):
            return 0
        if tif == "gtc":
            day = datetime.fromtimestamp(now // SECOND, EASTERN) + timedelta(days=AGED)
            return int(day.replace(hour=16, minute=15, second=0, microsecond=0).timestamp()) * SECOND
        after = now - LATE if extended else now
        return next(closes for _, closes, _ in self.around(now) if closes > after) + (LATE if extended else 0)

    def clock(self, now: int) -> Body:
        """The answer of /v2/clock."""
        opening, closing = self.next(now)
        return {
            "timestamp": eastern(now),
            "is_open": self.phase(now) == "regular",
            "next_open": eastern(opening),
            "next_close": eastern(closing),
        }

    def calendar(self, start: int, end: int) -> list[Body]:
        """The rows of /v2/calendar from the day of `start` to the day of `end`."""
        rows = []
        for opens, closes, date in self.sessions(start - DAY, end + 2 * DAY):
            if start <= date <= end:
                following = next((d for _, c, d in self.sessions(closes, closes + 8 * DAY) if c > closes), date)
                half = closes - opens < 5 * HOUR
                rows.append({
                    "date": day_text(date), "open": clock_text(opens), "close": clock_text(closes), "session_open": "0400",
                    "session_close": "1700" if half else "2000", "settlement_date": day_text(following),
                })  # fmt: skip
        return rows


def eastern(ns: int) -> str:
    """RFC 3339 with the offset of New York."""
    moment = datetime.fromtimestamp(ns // SECOND, EASTERN)
    text = moment.isoformat()
    return f"{text[:19]}.{ns % SECOND:09d}{text[19:]}" if ns % SECOND else text


def day_text(ns: int) -> str:
    """The date of a midnight in UTC."""
    return datetime.fromtimestamp(ns // SECOND, UTC).strftime("%Y-%m-%d")


def clock_text(ns: int) -> str:
    """Hours and minutes in New York."""
    return datetime.fromtimestamp(ns // SECOND, EASTERN).strftime("%H:%M")


def minute_of_day(ns: int) -> int:
    """Minutes since midnight in New York."""
    moment = datetime.fromtimestamp(ns // SECOND, EASTERN)
    return moment.hour * 60 + moment.minute


def day_of(ns: int) -> str:
    """The date in New York."""
    return _day_of(ns // (15 * MINUTE))


@lru_cache(maxsize=8192)
def _day_of(quarters: int) -> str:
    return datetime.fromtimestamp(quarters * 900, EASTERN).strftime("%Y-%m-%d")


def midnight(ns: int) -> int:
    """Midnight in New York of the day of `ns`: the time of its daily bar."""
    return _midnight(ns // DAY, day_of(ns))


@lru_cache(maxsize=4096)
def _midnight(_: int, day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=EASTERN).timestamp()) * SECOND
