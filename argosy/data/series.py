"""The rows of one symbol: put in order, one for each time, with their spans, splits and the facts of the instrument.

It never chooses between two rows of one time that differ unless the owner says which.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.events import Bar, Quote, Trade
from argosy.core.instrument import Instrument, Kind
from argosy.core.tape import Tape
from argosy.core.time import DAY, MS, iso, span, span_text
from argosy.data.actions import Action, derive
from argosy.data.options import Options
from argosy.data.quality import Health, inspect, modal_step
from argosy.data.sieve import Sieve
from argosy.data.stamps import Stamps
from argosy.data.symbols import currency_of, guess_kind

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_LENGTHS = ((3.5, 1), (9.5, 7), (16, 14), (31.5, 31), (93, 92))
"""Usual distance of dated rows in days, up to which they are bars of so many days: one, a week, two, a month, a quarter."""


class Series(msgspec.Struct, frozen=True):
    """The rows of one symbol. tape: instrument 0; every: name of the span ("tick" for quotes and trades).

    tells: whether the file tells of splits and dividends at all, so that no action means that there was none
    quotes: of bars of the middle of bid and ask, the quotes at their ends
    """

    instrument: Instrument
    every: str
    tape: Tape
    actions: list[Action]
    health: Health
    tells: bool = False
    quotes: Tape | None = None


class Sorter:
    """Makes the series of a file. barred: rows are spans of time, one each; ids: the column of trade ids, if there is one."""

    def __init__(
        self, sieve: Sieve, options: Options, where: str, kind: type[Bar | Quote | Trade], times: Stamps, fields: dict[str, Floats], *,
        barred: bool, adjusted: Floats | None = None, ids: pl.Series | None = None, closing: dict[str, Floats] | None = None,
    ) -> None:  # fmt: skip
        self.sieve, self.options, self.where, self.kind = sieve, options, where, kind
        self.times, self.fields, self.barred = times, fields, barred
        self.adjusted = adjusted if kind is Bar else None
        self.ids = ids if not barred else None
        self.closing = closing
        self.notes: list[str] = []

    def series(self, name: str, rows: Ints) -> Series | None:
        """The series of the rows at these places in the table; None when none of them can stay."""
        ts = self.times.utc[rows]
        late = int((np.diff(ts) < 0).sum())
        if late:
            self.notes.append(f"{name}: {late:,} rows were out of order and have been sorted")
        rows = rows[np.argsort(ts, kind="stable")]
        if self.barred:
            rows = self._once(name, rows)
        elif self.ids is not None:
            rows = self._once_by_id(rows, self.ids)
        every = "tick"
        start = end = self.times.utc[rows]
        if self.barred:
            start, end, every = self._spans(name, rows)
            left = self.sieve.alive[rows]
            rows, start, end = rows[left], start[left], end[left]
        if not len(rows):
            return None
        values = {field: column[rows] for field, column in self.fields.items()}
        known = end + self.options.delay_ms * MS
        stamped: dict[str, NDArray[np.int64]] = {"ts": end, "known": known}
        if self.kind is Bar:
            stamped = {"ts": start, "known": known, "span": end - start}
        elif self.barred:
            every = "tick"  # a quote as it stood when its bar ended
        tape = Tape(self.kind, {**values, **stamped, "instrument": np.zeros(len(rows), dtype=np.int64)})
        instrument = self._instrument(name, values)
        actions = self._actions(name, tape, rows, instrument.currency)
        quotes = None
        if self.closing is not None and self.kind is Bar:
            at = {field: column[rows] for field, column in self.closing.items()}
            quotes = Tape(Quote, {**at, "ts": end, "known": known, "instrument": np.zeros(len(rows), dtype=np.int64)})
        return Series(instrument, every, tape, actions, inspect(tape, [name]).entries[0], tells=self.adjusted is not None, quotes=quotes)

    def _actions(self, name: str, tape: Tape, rows: Ints, currency: str) -> list[Action]:
        if self.adjusted is None:
            return []
        derived = derive(tape, self.adjusted[rows], currency=currency)
        splits = sum(type(action).__name__ == "Split" for action in derived.actions)
        self.notes.append(f"{name}: {splits} splits and {len(derived.actions) - splits} dividends read from the adjusted close")
        if derived.odd:
            first = iso(derived.odd[0].ts)
            self.notes.append(f"{name}: {len(derived.odd)} steps of the adjusted close are unexplained, the first at {first}")
        return derived.actions

    def _once(self, name: str, rows: Ints) -> Ints:
        """Rows sorted by time with one for each time; the same row twice is dropped, different ones are refused."""
        stamp, lines = self.times.utc[rows], self.sieve.table.lines
        if not (np.diff(stamp) == 0).any():
            return rows
        rows = rows[np.lexsort((lines[rows], stamp))]  # of one time, in the order of the file
        begins: Bools = np.r_[True, np.diff(stamp) != 0]
        first = np.maximum.accumulate(np.where(begins, np.arange(len(rows)), 0))  # place of the first of its time
        group = np.cumsum(begins) - 1
        same = np.ones(len(rows), dtype=bool)
        for column in self.fields.values():
            own, other = column[rows], column[rows[first]]
            same &= (own == other) | (np.isnan(own) & np.isnan(other))
        differ = np.zeros(group[-1] + 1, dtype=bool)
        differ[group[~same]] = True
        odd: Bools = differ[group]  # rows of a time that has different rows
        if odd.any() and not self.options.keep:
            other_place = int(np.flatnonzero(~same)[0])
            one, other_row = rows[first[other_place]], rows[other_place]
            raise Misuse(
                "INGEST_CONFLICT",
                f"{name}: lines {lines[one]} and {lines[other_row]} have the time {iso(int(stamp[other_place]))} and different values",
                where=f"{self.where}:{lines[other_row]}", fix="choose one: --keep first or --keep last",
            )  # fmt: skip
        last: Bools = np.r_[begins[1:], True]
        chosen: Bools = last if self.options.keep == "last" else begins
        wanted: Bools = (odd & chosen) | (~odd & begins)
        self.sieve.refuse_rows(rows[~wanted & ~odd], "duplicate of another row")
        self.sieve.refuse_rows(rows[~wanted & odd], f"same time as another row (--keep {self.options.keep})")
        kept: Ints = rows[wanted]
        return kept

    def _once_by_id(self, rows: Ints, ids: pl.Series) -> Ints:
        names = ids.gather(rows).cast(pl.String).fill_null("")
        twice: Bools = (~names.is_first_distinct() & (names != "")).to_numpy()
        self.sieve.refuse_rows(rows[twice], "trade id seen before")
        once: Ints = rows[~twice]
        return once

    def _spans(self, name: str, rows: Ints) -> tuple[Ints, Ints, str]:
        """Start and end of each bar, and the name of their length."""
        local, utc = self.times.local[rows], self.times.utc[rows]
        daily = self.times.dates or bool((local % DAY == 0).all())
        wall = np.sort(local) if daily else utc
        step = span(self.options.every) if self.options.every else modal_step(wall)
        if daily and not self.options.every:
            step = next((length * DAY for days, length in _LENGTHS if step <= days * DAY), 366 * DAY)
            if not self.times.dates and len(rows) < 2:
                step = 0
        if step <= 0 or step % MS:
            raise Misuse(
                "INGEST_SPAN", f"{name}: the length of a bar cannot be told from {len(rows)} row(s)",
                where=f"{self.where}:{self.sieve.table.lines[rows[0]]}", fix="say it: --every 1m",
            )  # fmt: skip
        every = span_text(step)
        if self.options.calendar and daily and step == DAY:
            return *self._in_sessions(rows, local), every
        if self.options.stamped == "end":
            return utc - step, utc, every
        return utc, utc + step, every

    def _in_sessions(self, rows: Ints, local: Ints) -> tuple[Ints, Ints]:
        """Open and close of each date's session; rows of a date without one are refused."""
        from argosy.data.calendars import schedule

        opens, closes, dates = schedule(self.options.calendar, int(local.min()) - DAY, int(local.max()) + 2 * DAY)
        day = local - local % DAY
        if not len(dates):
            opens = closes = dates = np.zeros(1, dtype=np.int64)
            found = np.zeros(len(day), dtype=bool)
            place = np.zeros(len(day), dtype=np.int64)
        else:
            dates = dates - dates % DAY
            place = np.minimum(np.searchsorted(dates, day), len(dates) - 1)
            found = dates[place] == day
        self.sieve.refuse_rows(rows[~found], f"no session of {self.options.calendar} on that date")
        return opens[place], closes[place]

    def _instrument(self, name: str, values: dict[str, Floats]) -> Instrument:
        kind: Kind = self.options.asset or guess_kind(name)
        prices = values["close"] if "close" in values else values["price"] if "price" in values else values["bid"]
        prices = prices[np.isfinite(prices)][:2_000]
        calendar = self.options.calendar or "24/7"
        currency = self.options.currency or currency_of(name)
        if not self.options.currency and currency != "USD":
            self.notes.append(f"{name}: prices are counted in {currency} (--currency names another)")
        if kind == "equity":
            return Instrument(symbol=name, currency=currency, calendar=calendar)
        places = next((k for k in range(2, 9) if np.allclose(prices, np.round(prices, k), rtol=0, atol=1e-10)), 8)
        tick = Decimal(1).scaleb(-places)
        lot = Decimal("1E-8") if kind == "crypto" else Decimal(1)
        return Instrument(symbol=name, kind=kind, currency=currency, lot=lot, tick=tick, tick_small=tick, calendar=calendar)
