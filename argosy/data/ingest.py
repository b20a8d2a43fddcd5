"""Brings a vendor's file of prices into the catalog: reads it, judges every row, and accounts for each that is refused.

It never guesses between two meanings that matter (day or month, which of two prices) and never loses a row silently:
rows in = rows kept + rows rejected.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.events import Bar, Quote, Trade
from argosy.core.instrument import Instrument, Kind
from argosy.core.money import FIAT
from argosy.core.tape import Tape
from argosy.core.time import DAY, MS, iso, span, span_text
from argosy.data import columns, stamps
from argosy.data.actions import Action, derive
from argosy.data.quality import Health, inspect, modal_step
from argosy.data.table import Table, open_table

if TYPE_CHECKING:
    from argosy.data.catalog import Catalog

BLANKS = ("", ".", "-", "--", "nan", "na", "n/a", "#n/a", "null", "none", "nat", "\\n")
"""Texts that stand for no value, in lower case."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the owner knows and the file does not say; everything has a default that is inferred or harmless.

    symbol:   name of the instrument (else a column, else the file's name)
    kind:     "bar", "quote" or "trade" (else by the columns; bars of bid and ask become bars of their middle)
    every:    length of a bar, like "5m" (else the usual step)
    zone:     of times without one: "America/New_York", "UTC-5"; "" = UTC
    dates:    "mdy" or "dmy" for dates like 3/4/2021
    day:      the date of times counted since midnight ("2013-10-07"; else a date in the file's name)
    columns:  names for a file without a header
    calendar: stamps daily bars with its sessions ("XNYS"); "" = whole UTC days
    stamped:  whether a bar carries its start or its end
    keep:     which of several rows of one time stays; "" = refuse when they differ
    delay_ms: how long after its end a row could be known
    asset:    kind of the instrument ("equity", "crypto", "fx", ...; else by the symbol)
    origin, licence: noted in the catalog
    """

    symbol: str = ""
    kind: str = ""
    every: str = ""
    zone: str = ""
    dates: str = ""
    day: str = ""
    columns: tuple[str, ...] = ()
    calendar: str = ""
    stamped: Literal["start", "end"] = "start"
    keep: Literal["", "first", "last"] = ""
    delay_ms: int = 0
    currency: str = "USD"
    asset: Literal["", "equity", "crypto", "fx", "future", "option", "index"] = ""
    origin: str = ""
    licence: str = ""


class Reject(msgspec.Struct, frozen=True):
    """A row that was refused: its line in the file, why, and its text."""

    line: int
    reason: str
    text: str


class Series(msgspec.Struct, frozen=True):
    """The rows of one symbol. tape: instrument 0; every: name of the span ("tick" for quotes and trades)."""

    instrument: Instrument
    every: str
    tape: Tape
    actions: list[Action]
    health: Health


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file. rows_in == rows_kept + rows_rejected; reasons: rejected rows by cause.

    written: the catalog's files; rejected_file: the refused rows as CSV, "" when there are none
    """

    file: str
    kind: str
    rows_in: int
    rows_kept: int
    rows_rejected: int
    reasons: dict[str, int]
    notes: list[str]
    symbols: list[Health]
    written: list[str] = []
    rejected_file: str = ""

    def __str__(self) -> str:
        head = f"{self.file}: {self.kind}, {self.rows_in:,} rows in, {self.rows_kept:,} kept, {self.rows_rejected:,} rejected"
        lines = [head, *(f"  rejected {count:,}: {reason}" for reason, count in sorted(self.reasons.items()))]
        if self.rejected_file:
            lines.append(f"  rejected rows are in {self.rejected_file}")
        lines += [f"  note: {note}" for note in self.notes]
        for health in self.symbols[:20]:
            found = [f"{getattr(health, name):,} {word}" for name, word in _FOUND if getattr(health, name)]
            step = f", step {span_text(health.step)}" if health.step else ""
            times = f"{iso(health.first)} .. {iso(health.last)}{step}"
            lines.append(f"  {health.symbol}: {health.rows:,} rows, {times}" + (f"; {', '.join(found)}" if found else ""))
        if len(self.symbols) > 20:
            lines.append(f"  and {len(self.symbols) - 20} symbols more")
        return "\n".join(lines + [f"  wrote {name}" for name in self.written[:20]])


_FOUND = (
    ("gaps", "gaps"), ("missing", "rows missing in them"), ("zero_volume", "of zero volume"), ("unknown_volume", "without volume"),
    ("flat", "with one price"), ("one_sided", "one-sided"), ("locked", "locked"), ("crossed", "crossed"),
    ("outliers", "spikes"), ("splits", "like unadjusted splits"),
)  # fmt: skip


class Reading(msgspec.Struct, frozen=True):
    """A file that was read and judged: its report, a `Series` for each symbol, and the refused rows by line."""

    report: Report
    series: list[Series]
    rejects: list[Reject]


def ingest(path: str | Path, catalog: Catalog, options: Options = Options(), *, merge: bool = False) -> Report:
    """Read a file and write it into the catalog; refused rows go to `<file>.rejected.csv` beside the entry.

    merge: add to what the catalog has of the symbol instead of replacing it. Errors as `read` and `Catalog.write`;
    nothing is written when the file is refused.
    """
    reading = read(path, options)
    written = []
    for item in reading.series:
        entry = catalog.write(
            item.instrument, item.tape, every=item.every, actions=item.actions or None, merge=merge,
            origin=options.origin or Path(path).name, licence=options.licence,
        )  # fmt: skip
        written.append(entry.path)
    rejected = ""
    if reading.rejects:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["line", "reason", "text"])
        writer.writerows((reject.line, reject.reason, reject.text) for reject in reading.rejects)
        folder = Path(written[0]).parent if len(written) == 1 else Path(written[0]).parent.parent
        rejected = str(folder / f"{Path(path).name}.rejected.csv")
        catalog.write_text(rejected, text.getvalue())
    return msgspec.structs.replace(reading.report, written=written, rejected_file=rejected)


def read(path: str | Path, options: Options = Options()) -> Reading:
    """Read a CSV or Parquet file of prices and judge every row; nothing is written.

    Raises Misuse: those of `open_table`, and INGEST_KIND, INGEST_COLUMNS, INGEST_DATES, INGEST_ZONE, INGEST_SYMBOL,
    INGEST_SPAN, INGEST_CONFLICT (rows of one time that differ), INGEST_NOTHING (no row can be kept).
    """
    path = Path(path)
    return _Judge(path, open_table(path, options.columns), options).reading()


class _Judge:
    """One file on its way: which rows are alive, and why the others are not."""

    def __init__(self, path: Path, table: Table, options: Options) -> None:
        self.path, self.options, self.where = path, options, str(path)
        self.roles = columns.roles(table.names)
        self.shape = columns.shape(self.roles, table.names, f"{path}:1" if table.delimiter else str(path), options.kind)
        if self.shape == "wide":
            table, self.roles = self._unpivot(table)
        if self.shape == "close" and "close" not in self.roles:
            self.roles["close"] = self.roles["price"]
        self.table = table
        self.alive: Bools = np.ones(len(table.lines), dtype=bool)
        self.why: list[tuple[str, Ints]] = []  # reason and places in the table
        self.notes = list(table.notes)
        self.kind: type[Bar | Quote | Trade] = Bar
        if self.shape == "trade":
            self.kind = Trade
        elif self.shape == "quote" or (self.shape == "quotebar" and options.kind == "quote"):
            self.kind = Quote

    def reading(self) -> Reading:
        times = self._times()
        symbols, names = self._symbols()
        fields = self._fields()
        adjusted = self._number("adjusted", bad_is_blank=True) if "adjusted" in self.roles and self.kind is Bar else None
        if self.table.lines.size and self._falling(times, symbols):
            self.notes.append("newest first: the order was turned")
            flip = True
        else:
            flip = False
        series: list[Series] = []
        for code, name in enumerate(names):
            rows = np.flatnonzero(self.alive & (symbols == code))
            if flip:
                rows = rows[::-1]
            if len(rows):
                item = self._series(name, rows, times, fields, adjusted)
                if item is not None:
                    series.append(item)
        return self._reading(series)

    def _reading(self, series: list[Series]) -> Reading:
        rejects = [Reject(int(line), "wrong number of fields", self.table.text(int(line))) for line in self.table.ragged]
        reasons: dict[str, int] = {}
        if rejects:
            reasons["wrong number of fields"] = len(rejects)
        for reason, places in self.why:
            reasons[reason] = reasons.get(reason, 0) + len(places)
            rejects += [Reject(int(line), reason, self.table.text(int(line))) for line in self.table.lines[places]]
        rejects.sort(key=lambda reject: reject.line)
        kept = sum(len(item.tape) for item in series)
        if not series:
            causes = ", ".join(f"{count:,} {reason}" for reason, count in sorted(reasons.items(), key=lambda pair: -pair[1]))
            line = rejects[0].line if rejects else 1
            raise Misuse(
                "INGEST_NOTHING", f"none of {self.table.rows:,} rows can be kept: {causes}",
                where=f"{self.where}:{line}", fix="look at that line; say --kind, --dates or --columns if it was misread",
            )  # fmt: skip
        report = Report(
            file=self.path.name, kind=self.kind.__name__.lower(), rows_in=self.table.rows, rows_kept=kept,
            rows_rejected=len(rejects), reasons=reasons, notes=self.notes, symbols=[item.health for item in series],
        )  # fmt: skip
        return Reading(report, series, rejects)

    # -- rows ----------------------------------------------------------------------------------------------------------

    def _reject(self, bad: Bools, reason: str) -> None:
        places = np.flatnonzero(bad & self.alive)
        if len(places):
            self.why.append((reason, places))
            self.alive[places] = False

    def _unpivot(self, table: Table) -> tuple[Table, dict[str, int]]:
        """A panel of closes (a column each symbol) as rows of (time, symbol, close)."""
        keep = next(iter(self.roles.values()))
        wide = [i for i, name in enumerate(table.names) if i != keep and name]
        odd = [table.names[i] for i in wide if not re.fullmatch(r"[\w^=.:/&$ -]{1,32}", table.names[i])]
        texts = [i for i in wide if not _numeric(table.columns[i])]
        if odd or texts:
            name = odd[0] if odd else table.names[texts[0]]
            raise Misuse(
                "INGEST_COLUMNS", f"column {name!r} is neither a price nor a known word; columns: {', '.join(table.names[:12])}",
                where=f"{self.where}:1", fix="name prices open high low close, bid ask, or price size",
            )  # fmt: skip
        long = table.long(keep, wide, "symbol", "close")
        long.notes.append(f"a panel: each of {len(wide)} columns is a symbol, each cell a row")
        return long, {next(iter(self.roles)): 0, "symbol": 1, "close": 2}

    def _times(self) -> stamps.Stamps:
        lines, options = self.table.lines, self.options
        if "date" in self.roles and "time" in self.roles:
            column = stamps.joined(self._column("date"), self._column("time"))
        elif "ms" in self.roles and not {"date", "stamp"} & set(self.roles):
            day = options.day or _day_in(self.path.name)
            times = stamps.of_day(self._column("ms"), day, options.zone)
            self.notes.append(f"times are milliseconds since midnight of {day}, zone {options.zone or 'UTC'}")
            self._reject(times.lost, "local time that the change of clocks skipped")
            self._reject(~times.ok, "time cannot be read")
            return times
        else:
            column = self._column("stamp" if "stamp" in self.roles else "date")
        times = stamps.read(column, order=options.dates, zone=options.zone, lines=lines, where=self.where)
        if not times.zoned and not times.dates and not options.zone:
            self.notes.append("times have no zone: read as UTC")
        if times.form:
            self.notes.append(f"times written as {times.form}")
        self._reject(times.lost, "local time that the change of clocks skipped")
        self._reject(~times.ok, "date or time cannot be read")
        return times

    def _symbols(self) -> tuple[Ints, list[str]]:
        """A code for each row and the symbols in the order of their codes."""
        count, wanted = len(self.table.lines), self.options.symbol
        if "symbol" not in self.roles:
            name = wanted or symbol_in(self.path.name)
            if not name:
                raise Misuse("INGEST_SYMBOL", "neither a column nor the file's name tells the symbol", where=self.where, fix="name it: --symbol AAPL")
            if not wanted:
                self.notes.append(f"symbol {name} is from the file's name")
            return np.zeros(count, dtype=np.int64), [name]
        column = self._column("symbol").cast(pl.String).fill_null("").str.strip_chars()
        self._reject((column == "").to_numpy(), "no symbol")
        values = column.to_numpy()
        names = list(dict.fromkeys(values[self.alive].tolist()))
        if wanted and wanted not in names:
            if len(names) > 1:
                raise Misuse("INGEST_SYMBOL", f"no row is of {wanted!r}", where=self.where, fix=f"it has {', '.join(names[:8])}")
            self.notes.append(f"symbol {names[0] if names else ''} is stored as {wanted}")
            return np.zeros(count, dtype=np.int64), [wanted]
        if wanted:
            self._reject(values != wanted, "another symbol")
            names = [wanted]
        code = {name: i for i, name in enumerate(names)}
        return np.array([code.get(value, -1) for value in values.tolist()], dtype=np.int64), names

    def _column(self, role: str) -> pl.Series:
        return self.table.columns[self.roles[role]]

    # -- values --------------------------------------------------------------------------------------------------------

    def _number(self, role: str, *, bad_is_blank: bool = False) -> Floats:
        """A column as numbers, nan for blanks; rows with other text are rejected unless `bad_is_blank`."""
        values, bad = numbers(self._column(role), self.table.delimiter)
        if not bad_is_blank:
            self._reject(bad, f"{self.table.names[self.roles[role]]} is not a number")
        return values

    def _price(self, role: str) -> Floats:
        values = self._number(role)
        name = self.table.names[self.roles[role]]
        self._reject(np.isnan(values), f"{name} is blank")
        with np.errstate(invalid="ignore"):
            self._reject(values <= 0, f"{name} is zero or negative")
        return values

    def _size(self, role: str) -> Floats:
        """A volume or size: nan when blank or when the file has none."""
        if role not in self.roles:
            return np.full(len(self.table.lines), np.nan)
        values = self._number(role)
        with np.errstate(invalid="ignore"):
            self._reject(values < 0, f"{self.table.names[self.roles[role]]} is negative")
        return values

    def _fields(self) -> dict[str, Floats]:
        if self.kind is Trade:
            fields = {"price": self._price("price"), "size": self._number("size")}
            self._reject(np.isnan(fields["size"]), "size is blank")
            with np.errstate(invalid="ignore"):
                self._reject(fields["size"] <= 0, "size is zero or negative")
            return fields | {"side": self._side()}
        if self.kind is Quote:
            return self._quotes("_close" if self.shape == "quotebar" else "")
        if self.shape == "quotebar":
            return self._middle()
        if self.shape in ("close", "wide"):
            close = self._price("close")
            self.notes.append("closes only: open, high and low are the close")
            return dict.fromkeys(columns.BAR, close) | {"volume": self._size("volume")}
        bars = {name: self._price(name) for name in columns.BAR}
        return self._ranges(bars) | {"volume": self._size("volume")}

    def _ranges(self, bars: dict[str, Floats]) -> dict[str, Floats]:
        """Bars whose high and low hold the open and the close; a last digit that differs by rounding is widened."""
        opens, highs, lows, closes = (bars[name] for name in columns.BAR)
        with np.errstate(invalid="ignore"):
            self._reject(highs < lows, "high is below low")
            top, bottom = np.maximum(opens, closes), np.minimum(opens, closes)
            self._reject((top > highs * (1 + 1e-6)) | (bottom < lows * (1 - 1e-6)), "open or close is outside high and low")
            touched = int(((top > highs) | (bottom < lows))[self.alive].sum())
        if touched:
            self.notes.append(f"{touched:,} rows had an open or close beyond high or low by rounding: high or low was widened")
        return {"open": opens, "high": np.fmax(highs, top), "low": np.fmin(lows, bottom), "close": closes}

    def _middle(self) -> dict[str, Floats]:
        """Bars of the middle of bid and ask; rows with one side only are rejected. Volume is unknown."""
        sides: dict[str, dict[str, Floats]] = {}
        for side in columns.SIDES:
            sides[side] = {name: self._number(f"{side}_{name}") for name in columns.BAR}
        with np.errstate(invalid="ignore"):
            missing = [np.isnan(values) | (values == 0) for side in sides.values() for values in side.values()]
            one, every = np.any(missing, axis=0), np.all(missing, axis=0)
            self._reject(every, "neither bid nor ask")
            self._reject(one, "one-sided: no middle")
            self._reject(np.any([values < 0 for side in sides.values() for values in side.values()], axis=0), "price is negative")
            crossed = int((sides["bid"]["close"] > sides["ask"]["close"])[self.alive].sum())
        self.notes.append("bars of bid and ask: stored as bars of the middle (--kind quote stores the closing quotes)")
        if crossed:
            self.notes.append(f"{crossed:,} bars close crossed (bid above ask)")
        bars = {name: (sides["bid"][name] + sides["ask"][name]) / 2 for name in columns.BAR}
        volume = self._size("volume")
        return self._ranges(bars) | {"volume": volume}

    def _quotes(self, suffix: str) -> dict[str, Floats]:
        """Quotes; a side that is zero or blank is nan with size 0, a size the file does not tell is nan."""
        fields: dict[str, Floats] = {}
        for side in columns.SIDES:
            price = self._number(side + suffix)
            size = self._size(f"{side}_size")
            with np.errstate(invalid="ignore"):
                self._reject(price < 0, f"{side} is negative")
                none = np.isnan(price) | (price == 0)
            fields[side] = np.where(none, np.nan, price)
            fields[f"{side}_size"] = np.where(none, 0.0, size)
        self._reject(np.isnan(fields["bid"]) & np.isnan(fields["ask"]), "neither bid nor ask")
        return fields

    def _side(self) -> Floats:
        """+1 buyer, -1 seller, 0 unknown."""
        role = "side" if "side" in self.roles else "maker" if "maker" in self.roles else ""
        if not role:
            return np.zeros(len(self.table.lines))
        text = self._column(role).cast(pl.String).fill_null("").str.strip_chars().str.to_lowercase()
        plus, minus = ("false", "0"), ("true", "1")
        if role == "side":
            plus, minus = ("buy", "b", "bid", "1", "+1", "buyer"), ("sell", "s", "ask", "a", "-1", "seller")
        return text.is_in(list(plus)).to_numpy() * 1.0 - text.is_in(list(minus)).to_numpy() * 1.0

    # -- one symbol ----------------------------------------------------------------------------------------------------

    def _falling(self, times: stamps.Stamps, symbols: Ints) -> bool:
        """Whether the file has its newest rows first."""
        rows = np.flatnonzero(self.alive)
        steps, same = np.diff(times.utc[rows]), np.diff(symbols[rows]) == 0
        return int((steps[same] < 0).sum()) > int((steps[same] > 0).sum())

    def _series(self, name: str, rows: Ints, times: stamps.Stamps, fields: dict[str, Floats], adjusted: Floats | None) -> Series | None:
        ts = times.utc[rows]
        late = int((np.diff(ts) < 0).sum())
        if late:
            self.notes.append(f"{name}: {late:,} rows were out of order and have been sorted")
        order = np.argsort(ts, kind="stable")
        rows = rows[order]
        if self.kind is Bar or self.shape == "quotebar":
            rows = self._once(name, rows, times.utc, fields)
        elif "id" in self.roles:
            rows = self._once_by_id(rows)
        delay = self.options.delay_ms * MS
        values = {field: column[rows] for field, column in fields.items()}
        every = "tick"
        if self.kind is Bar or self.shape == "quotebar":
            start, end, every = self._spans(name, rows, times)
            rows_left = self.alive[rows]
            if not rows_left.all():
                rows, start, end = rows[rows_left], start[rows_left], end[rows_left]
                values = {field: column[rows_left] for field, column in values.items()}
            if not len(rows):
                return None
            if self.kind is Bar:
                values |= {"ts": start, "known": end + delay, "span": end - start}
            else:
                every, values = "tick", values | {"ts": end, "known": end + delay}
        else:
            values |= {"ts": times.utc[rows], "known": times.utc[rows] + delay}
        tape = Tape(self.kind, values | {"instrument": np.zeros(len(rows), dtype=np.int64)})
        instrument = self._instrument(name, values)
        found: list[Action] = []
        if adjusted is not None:
            derived = derive(tape, adjusted[rows], currency=instrument.currency)
            found = derived.actions
            splits = sum(type(action).__name__ == "Split" for action in found)
            self.notes.append(f"{name}: {splits} splits and {len(found) - splits} dividends read from the adjusted close")
            if derived.odd:
                self.notes.append(f"{name}: {len(derived.odd)} steps of the adjusted close are unexplained, the first at {iso(derived.odd[0].ts)}")
        return Series(instrument, every, tape, found, inspect(tape, [name]).entries[0])

    def _once(self, name: str, rows: Ints, ts: Ints, fields: dict[str, Floats]) -> Ints:
        """Rows sorted by time with one for each time; the same row twice is dropped, different ones are refused."""
        stamp = ts[rows]
        again = np.flatnonzero(np.diff(stamp) == 0) + 1
        if not len(again):
            return rows
        drop = np.zeros(len(rows), dtype=bool)
        conflict = np.zeros(len(rows), dtype=bool)
        starts = np.flatnonzero(np.r_[True, np.diff(stamp) != 0])
        ends = np.r_[starts[1:], len(rows)]
        lines = self.table.lines
        for low, high in zip(starts.tolist(), ends.tolist(), strict=True):
            if high - low == 1:
                continue
            group = rows[low:high]
            by_line = np.argsort(lines[group], kind="stable") + low
            first = rows[by_line[0]]
            same = np.array([all(_equal(column[first], column[rows[k]]) for column in fields.values()) for k in by_line])
            if same.all():
                drop[by_line[1:]] = True
                continue
            if not self.options.keep:
                other = rows[by_line[int(np.flatnonzero(~same)[0])]]
                raise Misuse(
                    "INGEST_CONFLICT",
                    f"{name}: lines {lines[first]} and {lines[other]} have the time {iso(int(ts[first]))} and different values",
                    where=f"{self.where}:{lines[other]}", fix="choose one: --keep first or --keep last",
                )  # fmt: skip
            conflict[by_line[1:] if self.options.keep == "first" else by_line[:-1]] = True
        for mask, reason in ((drop, "duplicate of another row"), (conflict, f"same time as another row (--keep {self.options.keep})")):
            bad = np.zeros(len(self.alive), dtype=bool)
            bad[rows[mask]] = True
            self._reject(bad, reason)
        return rows[~(drop | conflict)]

    def _once_by_id(self, rows: Ints) -> Ints:
        ids = self._column("id").cast(pl.String).fill_null("")
        names = ids.to_numpy()[rows]
        seen: set[str] = set()
        twice = np.zeros(len(rows), dtype=bool)
        for i, name in enumerate(names.tolist()):
            if name and name in seen:
                twice[i] = True
            seen.add(name)
        bad = np.zeros(len(self.alive), dtype=bool)
        bad[rows[twice]] = True
        self._reject(bad, "trade id seen before")
        return rows[~twice]

    def _spans(self, name: str, rows: Ints, times: stamps.Stamps) -> tuple[Ints, Ints, str]:
        """Start and end of each bar, and the name of their length."""
        local, utc = times.local[rows], times.utc[rows]
        daily = times.dates or bool((local % DAY == 0).all())
        wall = np.sort(local) if daily else utc
        step = span(self.options.every) if self.options.every else modal_step(wall)
        if daily and not self.options.every:
            step = next((length * DAY for days, length in ((3.5, 1), (9.5, 7), (16, 14), (31.5, 31), (93, 92)) if step <= days * DAY), 366 * DAY)
            if not times.dates and len(rows) < 2:
                step = 0
        if step <= 0 or step % MS:
            raise Misuse(
                "INGEST_SPAN", f"{name}: the length of a bar cannot be told from {len(rows)} rows", where=f"{self.where}:{self.table.lines[rows[0]]}",
                fix="say it: --every 1m",
            )  # fmt: skip
        every = span_text(step)
        if self.options.calendar and daily and step == DAY:
            return *self._in_sessions(rows, local), every
        if self.options.stamped == "end":
            return utc - step, utc, every
        return utc, utc + step, every

    def _in_sessions(self, rows: Ints, local: Ints) -> tuple[Ints, Ints]:
        """Open and close of each date's session; rows of a date without one are rejected."""
        from argosy.data.calendars import schedule

        opens, closes, dates = schedule(self.options.calendar, int(local.min()) - DAY, int(local.max()) + 2 * DAY)
        dates = dates - dates % DAY
        day = local - local % DAY
        place = np.minimum(np.searchsorted(dates, day), max(len(dates) - 1, 0))
        if not len(dates):
            found = np.zeros(len(day), dtype=bool)
            opens = closes = dates = np.zeros(1, dtype=np.int64)
        else:
            found = dates[place] == day
        bad = np.zeros(len(self.alive), dtype=bool)
        bad[rows[~found]] = True
        self._reject(bad, f"no session of {self.options.calendar} on that date")
        return opens[place], closes[place]

    def _instrument(self, name: str, values: dict[str, Floats]) -> Instrument:
        kind: Kind = self.options.asset or guess_kind(name)
        prices = values["close"] if "close" in values else values["price"] if "price" in values else values["bid"]
        prices = prices[np.isfinite(prices)][:2_000]
        calendar = self.options.calendar or "24/7"
        if kind == "equity":
            return Instrument(symbol=name, currency=self.options.currency, calendar=calendar)
        places = next((k for k in range(2, 9) if np.allclose(prices, np.round(prices, k), rtol=0, atol=1e-10)), 8)
        tick = Decimal(1).scaleb(-places)
        lot = Decimal("1E-8") if kind == "crypto" else Decimal(1)
        return Instrument(symbol=name, kind=kind, currency=self.options.currency, lot=lot, tick=tick, tick_small=tick, calendar=calendar)


def numbers(column: pl.Series, delimiter: str = ",") -> tuple[Floats, Bools]:
    """A column as float64 with nan for blanks, and which rows hold anything else that is no finite number.

    Decimal commas (in files not parted by commas), thousands separators, a leading $ and a final K, M or B are read.
    """
    if column.dtype != pl.String:
        if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
            column = column.cast(pl.String, strict=False)
        else:
            values = column.cast(pl.Float64).fill_null(float("nan")).to_numpy().copy()
            bad = np.isinf(values)
            values[bad] = np.nan
            return values, bad
    text = column.fill_null("").str.strip_chars().str.strip_prefix("$")
    blank = text.str.to_lowercase().is_in(list(BLANKS))
    if text.str.contains(",", literal=True).any():
        grouped = text.str.contains(r"^-?\d{1,3}(,\d{3})+(\.\d+)?$") | text.str.contains(r",\d+,")
        european = text.str.contains(r"^-?\d{1,3}(\.\d{3})*,\d+$")
        if delimiter != "," and int(european.sum()) >= int(text.str.contains(r"\d,\d{3}\.\d").sum()) and european.any():
            text = text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        else:
            text = pl.select(pl.when(grouped).then(text.str.replace_all(",", "", literal=True)).otherwise(text)).to_series()
    scaled = text.str.extract_groups(r"^([-+]?[\d.]+)\s?([KMBkmb])$").struct.unnest()
    plain = text.cast(pl.Float64, strict=False)
    factor = scaled["2"].str.to_lowercase().replace_strict({"k": 1e3, "m": 1e6, "b": 1e9}, default=None, return_dtype=pl.Float64)
    values = plain.fill_null(scaled["1"].cast(pl.Float64, strict=False) * factor).fill_null(float("nan")).to_numpy().copy()
    bad = ~np.isfinite(values) & ~blank.to_numpy()
    values[~np.isfinite(values)] = np.nan
    return values, bad


def guess_kind(symbol: str) -> Kind:
    """What a symbol looks like: two currencies are fx, a coin and what it is counted in crypto, else an equity."""
    word = re.sub(r"[^A-Z0-9]", "", symbol.upper())
    if len(word) == 6 and word[:3] in FIAT and word[3:] in FIAT:
        return "fx"
    if word in _COINS or any(word.endswith(quote) and len(word) > len(quote) + 1 for quote in ("USDT", "USDC", "BUSD", "BTC", "XBT", "ETH")):
        return "crypto"
    return "crypto" if word[:3] in _COINS and word[3:] in FIAT | _COINS else "equity"


def symbol_in(name: str) -> str:
    """The symbol that a file's name tells: its first word that is no vendor, kind, span or date; "" when none is left."""
    stem = re.sub(r"\.(csv|txt|tsv|gz|parquet|pq|dat|zip)\b", "", name, flags=re.IGNORECASE)
    words = [word for word in re.split(r"[_\-\s.,()]+", stem) if word]
    left = [word.upper() for word in words if not _NOISE.fullmatch(word)]
    if not left:
        return ""
    pair = len(left) > 1 and left[0].isalpha() and (left[1] in FIAT or left[1] in _COINS) and (left[0] in FIAT or left[0] in _COINS)
    return left[0] + left[1] if pair else left[0]


_COINS = frozenset("BTC XBT ETH LTC XRP BNB SOL ADA DOT DOGE BCH EOS TRX XLM LINK AVAX USDT USDC BUSD DAI MATIC ATOM UNI ETC XMR".split())
_NOISE = re.compile(
    r"lean|binance|coinbase|kraken|bitstamp|bitfinex|bybit|okx|oanda|fxcm|dukascopy|histdata|yahoo|stooq|alpaca|polygon|tiingo|nasdaq|nyse|freqtrade|wiki"
    r"|trades?|quotes?|bars?|candles?|klines?|ticks?|minutes?|hours?|hourly|daily|day|weekly|monthly|ohlcv?|prices?|data|history|historical|export|adjusted"
    r"|unadjusted|raw|adjclose|with|spot|futures|perp|m\d+|h\d+|d1|\d+(ms|s|m|min|h|d|w|y)?|table|file|test|sample",
    re.IGNORECASE,
)


def _day_in(name: str) -> str:
    match = re.search(r"(?<!\d)((?:19|20)\d{2})-?(\d{2})-?(\d{2})(?!\d)", name)
    return "-".join(match.groups()) if match else ""


def _equal(a: float, b: float) -> bool:
    return bool(a == b or (np.isnan(a) and np.isnan(b)))


def _numeric(column: pl.Series) -> bool:
    """Whether at least half of the values that are there are numbers."""
    values, bad = numbers(column)
    return int(np.isfinite(values).sum()) >= int(bad.sum())


def lines_of(rejects: Sequence[Reject], reason: str) -> list[int]:
    """The lines refused for one reason."""
    return [reject.line for reject in rejects if reject.reason == reason]
