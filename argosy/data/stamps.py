"""Dates and times as price files write them, turned into ns UTC; it refuses an order of day and month that it must guess."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.time import DAY, HOUR, MINUTE, SECOND

_TIME = (
    r"(?:[T ,;]+(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d{1,12}))?)?\s*(?P<ap>[AaPp]\.?[Mm]\.?)?"
    r"\s*(?P<z>Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?(?:\[[A-Za-z_/]+\])?)?$"
)
_ISO = r"^(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})" + _TIME
_SHORT = r"^(?P<a>\d{1,2})(?P<s>[-/.])(?P<b>\d{1,2})[-/.](?P<y>\d{4}|\d{2})" + _TIME
_DAY_NAME = r"^(?:[A-Za-z]{3,9},?\s+)?(?P<d>\d{1,2})[ -](?P<mon>[A-Za-z]{3,9})\.?[ ,-]+(?P<y>\d{4}|\d{2})" + _TIME
_NAME_DAY = r"^(?:[A-Za-z]{3,9},\s+)?(?P<mon>[A-Za-z]{3,9})\.?\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y>\d{4})" + _TIME
_COMPACT = (
    r"^(?P<y>(?:18|19|20|21)\d{2})(?P<m>\d{2})(?P<d>\d{2})"
    r"(?:[T _-]?(?P<H>\d{2}):?(?P<M>\d{2})(?::?(?P<S>\d{2})(?:\.(?P<f>\d{1,12}))?)?)?(?P<z>Z)?$"
)
_MONTH = r"^(?P<y>(?:18|19|20|21)\d{2})[-/. ]?(?P<m>0[1-9]|1[0-2])$"
_QUARTER = r"^(?P<y>(?:18|19|20|21)\d{2})[-/. ]?[Qq](?P<q>[1-4])$"
_EPOCH = r"^(?P<i>-?\d{1,19})(?:\.(?P<f>\d{1,12}))?$"
_FORMS = (
    ("ISO", _ISO), ("day and month", _SHORT), ("month name", _DAY_NAME), ("month name", _NAME_DAY), ("compact", _COMPACT), ("year and month", _MONTH),
    ("quarter", _QUARTER), ("epoch", _EPOCH),
)  # fmt: skip
_MONTHS = {name: i + 1 for i, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split())}
_UNITS = ((10**11, SECOND), (10**14, 1_000_000), (10**17, 1_000), (1 << 63, 1))
_FIXED = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d{2}))?")


class Stamps(NamedTuple):
    """Times of R rows. local: wall clock as written, ns; utc: ns UTC; ok: readable; lost: a wall clock that a change of
    clocks skipped; dates: no row has a time of day; zoned: the text says its zone; form: how they are written."""

    local: NDArray[np.int64]
    utc: NDArray[np.int64]
    ok: NDArray[np.bool_]
    lost: NDArray[np.bool_]
    dates: bool
    zoned: bool
    form: str


def read(column: pl.Series, *, order: str = "", zone: str = "", lines: NDArray[np.int64] | None = None, where: str = "") -> Stamps:
    """Times of a column of text, numbers, dates or datetimes; the form that fits most rows is that of the column.

    order: "mdy" or "dmy" for 3/4/2021; zone: that of texts without one ("" = UTC), an IANA name or "UTC-5".
    Raises Misuse: INGEST_DATES (day and month cannot be told apart, or contradict), INGEST_ZONE (unknown zone).
    """
    if order not in ("", "mdy", "dmy"):
        raise Misuse("INGEST_DATES", f"{order!r} is not an order of dates", fix="use mdy or dmy")
    if isinstance(column.dtype, pl.Datetime) or column.dtype == pl.Date:
        return _typed(column, zone)
    text = _as_text(column)
    lines = np.arange(1, len(text) + 1) if lines is None else lines
    best: tuple[int, str, NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_], bool] | None = None
    for form, pattern in _FORMS:
        match, parts = _groups(text, pattern)
        if not match.any():
            continue
        if form == "epoch":
            ns, good, unit = _epoch(parts, match)
            result = (ns, np.zeros(len(ns), dtype=np.int64), good, False, f"epoch {unit}")
        else:
            if form in ("year and month", "quarter"):
                parts = _first_day(parts)
            if form == "day and month":
                parts = _order(parts, match, order, lines, where)
            result = (*_civil(parts, match), form)
        score = int(result[2].sum())
        if best is None or score > best[0]:
            best = (score, result[4], result[0], result[1], result[2], result[3])
        if score == len(text):
            break
    if best is None:
        zero = np.zeros(len(text), dtype=np.int64)
        none = np.zeros(len(text), dtype=bool)
        return Stamps(zero, zero, none, none, False, False, "")
    _, form, local, offset, ok, timed = best
    told = (offset != _NO_ZONE) & ok if form[:5] != "epoch" else ok
    offset = np.where(offset == _NO_ZONE, 0, offset)
    utc, lost = (local - offset, np.zeros(len(ok), dtype=bool)) if bool((told | ~ok).all()) else to_utc(local, zone)
    utc = np.where(told, local - offset, utc)
    lost = lost & ok & ~told
    dates = form[:5] != "epoch" and not timed
    return Stamps(local, utc, ok & ~lost, lost, dates, bool(told.any()), form)


def of_day(column: pl.Series, day: str, zone: str = "") -> Stamps:
    """Times from milliseconds since midnight of `day` ("2013-10-07") in `zone`."""
    start = read(pl.Series([day]))
    if not day or not start.ok[0]:
        raise Misuse("INGEST_DATES", "times are milliseconds since midnight, and no day is told", fix="name it: --day 2013-10-07")
    value = column.cast(pl.Float64, strict=False).fill_null(-1).fill_nan(-1).to_numpy()
    ok = (value >= 0) & (value < 86_400_000)
    local = start.utc[0] + np.where(ok, np.round(value * 1_000) * 1_000, 0).astype(np.int64)
    utc, lost = to_utc(local, zone)
    return Stamps(local, utc, ok & ~lost, lost & ok, False, False, "milliseconds of the day")


def joined(date: pl.Series, time: pl.Series) -> pl.Series:
    """A column of "date time" of two; a time of digits alone (930, 93000) is hours, minutes and seconds."""
    days = (date.cast(pl.String) if date.dtype != pl.String else date).str.strip_chars()
    if isinstance(date.dtype, pl.Datetime):
        days = date.dt.date().cast(pl.String)
    clock = (time.cast(pl.String) if time.dtype != pl.String else time).str.strip_chars()
    digits = clock.str.contains(r"^\d{1,6}$")
    longest = clock.filter(digits.fill_null(False)).str.len_chars().max()
    size = 6 if isinstance(longest, int) and longest > 4 else 4
    padded = clock.str.zfill(size)
    split = padded.str.slice(0, 2) + ":" + padded.str.slice(2, 2) + (":" + padded.str.slice(4, 2) if size == 6 else "")
    frame = pl.DataFrame({"days": days, "clock": clock, "split": split, "digits": digits})
    compact = pl.col("days").str.replace(r"^(\d{4})(\d{2})(\d{2})$", "${1}-${2}-${3}")
    return frame.select(pl.concat_str([compact, pl.lit(" "), pl.when("digits").then("split").otherwise("clock")]).alias("stamp"))["stamp"]


def to_utc(local: NDArray[np.int64], zone: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Wall clock of a zone to UTC, and which wall clocks never were; an hour that came twice is its first. "" = UTC."""
    lost = np.zeros(len(local), dtype=bool)
    if zone.upper() in ("", "UTC", "Z", "GMT"):
        return local, lost
    fixed = _FIXED.fullmatch(zone.strip().upper())
    if fixed:
        ahead = (int(fixed[2]) * HOUR + int(fixed[3] or 0) * MINUTE) * (-1 if fixed[1] == "-" else 1)
        return local - ahead, lost
    wall = pl.Series(local).cast(pl.Datetime("ns"))
    try:
        moved = wall.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    except pl.exceptions.PolarsError as error:
        raise Misuse("INGEST_ZONE", f"there is no zone {zone!r}", fix='use a name like "America/New_York" or "UTC-5"') from error
    lost = moved.is_null().to_numpy()
    return moved.cast(pl.Int64).fill_null(0).to_numpy(), lost


_NO_ZONE = np.iinfo(np.int64).min


def _typed(column: pl.Series, zone: str) -> Stamps:
    aware = getattr(column.dtype, "time_zone", None)
    days = column.dtype == pl.Date
    if aware:
        utc = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None).cast(pl.Datetime("ns")).cast(pl.Int64)
        local = column.dt.replace_time_zone(None).cast(pl.Datetime("ns")).cast(pl.Int64)
    else:
        local = utc = column.cast(pl.Datetime("ns")).cast(pl.Int64)
    ok = local.is_not_null().to_numpy()
    wall = local.fill_null(0).to_numpy()
    lost = np.zeros(len(ok), dtype=bool)
    moments = utc.fill_null(0).to_numpy()
    if not aware:
        moments, lost = to_utc(wall, zone)
    return Stamps(wall, moments, ok & ~lost, lost & ok, days, bool(aware), "date" if days else "datetime")


def _as_text(column: pl.Series) -> pl.Series:
    if column.dtype.is_float():
        values = column.fill_null(float("nan")).to_numpy()
        return pl.Series(["" if not np.isfinite(v) else f"{v:.0f}" if v == np.floor(v) else f"{v:.6f}" for v in values])
    text = column if column.dtype == pl.String else column.cast(pl.String, strict=False)
    return text.fill_null("").str.strip_chars().str.strip_chars("'\"")


def _groups(text: pl.Series, pattern: str) -> tuple[NDArray[np.bool_], dict[str, pl.Series]]:
    """Which rows match, and the named groups as text with "" where absent."""
    names = re.findall(r"\?P<(\w+)>", pattern)
    frame = text.str.extract_groups(pattern.replace("?P<", "?<")).struct.unnest()
    match: NDArray[np.bool_] = frame[names[0]].is_not_null().to_numpy()  # every pattern begins with a part that must be there
    return match, {name: frame[name].fill_null("") for name in names}


def _int(column: pl.Series, default: int) -> NDArray[np.int64]:
    return column.cast(pl.Int64, strict=False).fill_null(default).to_numpy()


def _fraction(column: pl.Series, digits: int) -> NDArray[np.int64]:
    """Decimals as an integer of `digits` digits: "5" -> 500_000_000 for nine."""
    return _int(column.str.slice(0, digits).str.pad_end(digits, "0"), 0)


def _civil(parts: dict[str, pl.Series], match: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_], bool]:
    """ns, offset of the zone (`_NO_ZONE` untold), validity, and whether a row tells a time of day."""
    year = _int(parts["y"], 0)
    year = np.where((year < 100) & (year >= 70), year + 1900, np.where(year < 70, year + 2000, year))
    if "mon" in parts:
        names = parts["mon"].str.to_lowercase().str.slice(0, 3)
        month = names.replace_strict(_MONTHS, default=0, return_dtype=pl.Int64).to_numpy()
    else:
        month = _int(parts["m"], 0)
    day = _int(parts["d"], 0)
    hour, minute, second = (_int(parts[name], 0) for name in "HMS")
    fraction = _fraction(parts["f"], 9)
    ok = match & (year >= 1800) & (year <= 2200) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    ok &= (hour < 24) & (minute < 60) & (second < 60)
    months = np.where(ok, (year - 1970) * 12 + month - 1, 0).astype("M8[M]")
    begin = months.astype("M8[D]").astype(np.int64)
    ok &= begin + day <= (months + 1).astype("M8[D]").astype(np.int64)
    if "ap" in parts:
        half = parts["ap"].str.to_lowercase().str.slice(0, 1)
        pm, am = (half == "p").to_numpy(), (half == "a").to_numpy()
        ok &= ~((pm | am) & ((hour < 1) | (hour > 12)))
        hour = np.where(pm | am, hour % 12 + 12 * pm, hour)
    ns = (begin + day - 1) * DAY + hour * HOUR + minute * MINUTE + second * SECOND + fraction
    offset = np.full(len(ns), _NO_ZONE)
    zone = parts["z"]
    told = (zone != "").to_numpy()
    if told.any():
        sign = np.where(zone.str.starts_with("-").to_numpy(), -1, 1)
        digits = zone.str.replace_all(r"\D", "")
        ahead = _int(digits.str.slice(0, 2), 0) * HOUR + _int(digits.str.slice(2, 2), 0) * MINUTE
        offset = np.where(told, sign * ahead, _NO_ZONE)
    timed = bool(((parts["H"] != "").to_numpy() & ok).any())
    return np.where(ok, ns, 0), offset, ok, timed


def _first_day(parts: dict[str, pl.Series]) -> dict[str, pl.Series]:
    """A month or a quarter as its first day."""
    year = parts["y"]
    blank, one = (pl.Series([text] * len(year), dtype=pl.String) for text in ("", "1"))
    month = parts["m"] if "m" in parts else (parts["q"].cast(pl.Int64, strict=False).fill_null(1) * 3 - 2).cast(pl.String)
    return {"y": year, "m": month, "d": one} | dict.fromkeys(("H", "M", "S", "f", "z"), blank)


def _rhythm(parts: dict[str, pl.Series], match: NDArray[np.bool_]) -> str:
    """The order by which dates are months, quarters or years apart, each about as far as the next, when the other order is not so."""
    fits = []
    for order, day, month in (("mdy", "b", "a"), ("dmy", "a", "b")):
        ns, _, ok, _ = _civil(parts | {"d": parts[day], "m": parts[month]}, match)
        days = np.diff(np.unique(ns[ok & match])) // DAY
        if len(days) >= 11 and int(days.min()) >= 28 and int(days.max()) <= 1.2 * int(days.min()):
            fits.append(order)
    return fits[0] if len(fits) == 1 else ""


def _order(parts: dict[str, pl.Series], match: NDArray[np.bool_], order: str, lines: NDArray[np.int64], where: str) -> dict[str, pl.Series]:
    """Which of a/b is the month: the order given, dots (day first), or a number beyond 12."""
    a, b = _int(parts["a"], 0), _int(parts["b"], 0)
    if not order:
        valid = match & (a >= 1) & (b >= 1) & (a <= 31) & (b <= 31) & ~((a > 12) & (b > 12))
        day_first, month_first = np.flatnonzero(valid & (a > 12)), np.flatnonzero(valid & (b > 12))
        if len(day_first) and len(month_first):
            i, j = int(day_first[0]), int(month_first[0])
            raise Misuse(
                "INGEST_DATES", f"dates contradict: line {lines[i]} has the day first, line {lines[j]} the month",
                where=f"{where}:{lines[max(i, j)]}", fix="say the order: --dates mdy or --dates dmy",
            )  # fmt: skip
        if len(day_first) or (not len(month_first) and bool((parts["s"] == ".").to_numpy()[match].all())):
            order = "dmy"
        elif len(month_first):
            order = "mdy"
        elif rhythm := _rhythm(parts, match):
            order = rhythm
        else:
            first = int(np.flatnonzero(match)[0])
            text = f"{a[first]}{parts['s'][first]}{b[first]}{parts['s'][first]}{parts['y'][first]}"
            raise Misuse(
                "INGEST_DATES", f"{text} can be read as day or month first, and no other line tells",
                where=f"{where}:{lines[first]}", fix="say the order: --dates mdy or --dates dmy",
            )  # fmt: skip
    day, month = ("a", "b") if order == "dmy" else ("b", "a")
    return parts | {"d": parts[day], "m": parts[month]}


def _epoch(parts: dict[str, pl.Series], match: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.bool_], str]:
    """Seconds, ms, us or ns since 1970 by the size of the middle value; values of another size are not read."""
    whole = _int(parts["i"], 0)
    middle = abs(int(np.median(np.abs(whole[match].astype(np.float64)))))
    limit, unit = next((limit, unit) for limit, unit in _UNITS if middle < limit)
    ok = match & (np.abs(whole) <= (1 << 62) // unit) & (np.abs(whole) < limit) & (middle >= 10_000_000)
    digits = {SECOND: 9, 1_000_000: 6, 1_000: 3, 1: 0}[unit]
    fraction = _fraction(parts["f"], digits) if digits else np.zeros(len(whole), dtype=np.int64)
    ns = np.where(ok, whole, 0) * unit + np.where(whole < 0, -fraction, fraction)
    ok &= (ns > -170 * 365 * DAY) & (ns < 230 * 366 * DAY)
    return np.where(ok, ns, 0), ok, {SECOND: "seconds", 1_000_000: "milliseconds", 1_000: "microseconds", 1: "nanoseconds"}[unit]
