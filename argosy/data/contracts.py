"""Option contracts by day or moment: chains, bars, quotes, open interest and a model's greeks, kept as typed tables of the underlying.

They become instruments only where a strategy trades options (`chains`); it never mixes prices of different contracts.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.time import DAY
from argosy.data import columns, stamps
from argosy.data.numbers import numbers
from argosy.data.options import Options
from argosy.data.reading import Reading, Sheet
from argosy.data.symbols import symbol_in
from argosy.data.table import Table
from argosy.data.tables import Leaf, leaf

EXPIRY = ("expiry", "expiration", "expirationdate", "expirydate", "expdate", "maturity", "exdate")
STRIKE = ("strike", "strikeprice", "k")
RIGHT = ("right", "type", "optiontype", "cp", "callput", "putcall", "cpflag", "side")
CONTRACT = ("contract", "contractsymbol", "optionsymbol", "occ", "occsymbol", "osi", "optionroot", "symbol")
UNDERLYING = ("underlying", "underlyingsymbol", "ticker", "root", "act", "symbol")
TIME = ("date", "quotedate", "tradedate", "time", "timestamp", "ts", "datetime", "quotedatetime", "lasttradedate")
OSI = r"^([A-Z][A-Z0-9.]{0,5})\s*(\d{2})(\d{2})(\d{2})([CP])(\d{8})$"
"""Root, yymmdd, C or P, strike in thousandths, as the clearing house names a contract."""

_VALUES = {
    "open": "open", "high": "high", "low": "low", "close": "close", "lastprice": "close", "last": "close", "price": "price", "modelprice": "price",
    "volume": "volume", "openinterest": "open_interest", "oi": "open_interest", "impliedvolatility": "implied_volatility", "iv": "implied_volatility",
    "impliedvol": "implied_volatility", "modelimpliedvol": "implied_volatility", "delta": "delta", "gamma": "gamma", "vega": "vega",
    "theta": "theta", "rho": "rho", "modeldelta": "delta", "modelgamma": "gamma", "modelvega": "vega", "modeltheta": "theta", "modelrho": "rho",
    "underlyingclose": "underlying", "underlyingprice": "underlying", "modelundprice": "underlying", "undprice": "underlying",
    "underlyinglast": "underlying", "bid": "bid", "ask": "ask", "bidsize": "bid_size", "asksize": "ask_size", "ttm": "years",
    "interestrate": "interest_rate", "dividendyield": "dividend_yield",
}  # fmt: skip
for _side in columns.SIDES:
    for _field in columns.BAR:
        _VALUES[f"{_side}{_field}"] = f"{_side}_{_field}"
del _side, _field


class _Named(NamedTuple):
    """Which contract each row is of. root: "" where a row does not say."""

    root: pl.Series
    expiry: pl.Series
    strike: NDArray[np.float64]
    right: pl.Series


def looks(table: Table) -> bool:
    """Whether each row is one of an option contract: by strike, expiry and right, or by the clearing house's name."""
    words = _words(table)
    if set(words) & set(STRIKE) and set(words) & set(EXPIRY) and set(words) & set(RIGHT):
        return True
    return _contract(table) >= 0


def two_headed(table: Table) -> bool:
    """Whether a file has a column for the put and one for the call under each name: three lines of header, -1 and 1 in the second."""
    if table.rows < 3 or table.header < 1:
        return False
    first = table.text(table.header + 1).split(",")
    return first[0].strip().lower() == "right" and {"-1", "1"} <= {cell.strip() for cell in first}


def read(path: Path, table: Table, options: Options) -> Reading:
    """The contracts of a table, a leaf an underlying. Raises Misuse: INGEST_COLUMNS, INGEST_SYMBOL, INGEST_NOTHING."""
    sheet = Sheet(path, table, options)
    place = sheet.place(*TIME)
    if place < 0:
        raise Misuse("INGEST_COLUMNS", "contracts without a date", where=f"{sheet.where}:{table.header}", fix="name the column date")
    times = sheet.times(place)
    named = _named(sheet)
    known = times.utc + (DAY if times.dates else 0)
    data: dict[str, pl.Series] = {
        "ts": pl.Series(times.utc), "known": pl.Series(known), "expiry": named.expiry, "strike": pl.Series(named.strike), "right": named.right,
    }  # fmt: skip
    taken: set[int] = {place}
    for i, name in enumerate(table.names):
        word = columns_word(name)
        if i not in taken and word in _VALUES and _VALUES[word] not in data:
            data[_VALUES[word]] = pl.Series(sheet.number(i)).fill_nan(None)
    kind = _kind(set(data))
    if times.dates:
        sheet.notes.append("a row of a date is known when that day is over (24:00 UTC)")
    elif not times.zoned and not options.zone:
        sheet.notes.append("times have no zone: read as UTC (--zone names another)")
    frame = pl.DataFrame(data).with_columns(root=named.root).filter(pl.Series(sheet.sieve.alive))
    return sheet.reading(kind, _leaves(sheet, frame, kind, times.dates))


def read_two_headed(path: Path, table: Table, options: Options) -> Reading:
    """A model's greeks with the put and the call side by side, each line two rows. Errors as `read`."""
    rights = [cell.strip() for cell in table.text(table.header + 1).split(",")]
    heads = [cell.strip().lower() for cell in table.text(table.header + 2).split(",")]
    keys = {heads[i]: i for i in range(len(heads)) if heads[i]}
    if not {"expiry", "strike", "time"} <= set(keys):
        what = "the third line of the header names no expiry, strike and time"
        raise Misuse("INGEST_COLUMNS", what, where=f"{path}:{table.header + 2}", fix="mend the header")
    below = table.below(table.header + 2)
    sheet, cut = Sheet(path, below, options), below.columns
    gone = next((i for i, name in enumerate(table.names) if columns_word(name) in ("ttm", "years", "timetoexpiry")), -1)
    years = numbers(cut[gone])[0] if gone >= 0 else np.full(len(below.lines), np.nan)
    order = options.dates or _order(cut[keys["time"]], cut[keys["expiry"]], years)
    times = stamps.read(cut[keys["time"]], order=order, zone=options.zone, lines=below.lines, where=str(path))
    ends = stamps.read(cut[keys["expiry"]], order=order, lines=below.lines, where=str(path))
    sheet.sieve.refuse(~times.ok | ~ends.ok, "date or time cannot be read")
    strike = sheet.number(keys["strike"], needed=True)
    roots = sheet.text(keys["ticker"]) if "ticker" in keys else pl.Series([options.symbol or symbol_in(path.name)] * len(strike))
    parts = []
    for sign, right in (("-1", "P"), ("1", "C")):
        data = {"ts": pl.Series(times.utc), "known": pl.Series(times.utc), "expiry": pl.Series(ends.local // DAY).cast(pl.Int32).cast(pl.Date),
                "strike": pl.Series(strike), "right": pl.Series([right] * len(strike))}  # fmt: skip
        for i, name in enumerate(table.names):
            word = columns_word(name)
            if word in _VALUES and _VALUES[word] not in data and rights[i] in (sign, ""):
                data[_VALUES[word]] = pl.Series(sheet.number(i)).fill_nan(None)
        parts.append(pl.DataFrame(data).with_columns(root=roots).filter(pl.Series(sheet.sieve.alive)))
    sheet.notes.append("put and call side by side: each line is two rows; times have no zone: read as UTC (--zone names another)")
    return sheet.reading("greeks", _leaves(sheet, pl.concat(parts), "greeks", False))


def _order(times: pl.Series, ends: pl.Series, years: NDArray[np.float64]) -> str:
    """The order of day and month by which the time to the expiry is the one that the file tells; "" when it tells none."""
    fits = []
    for order in ("mdy", "dmy"):
        first, last = stamps.read(times, order=order), stamps.read(ends, order=order)
        ok = first.ok & last.ok & np.isfinite(years)
        if ok.any():
            fits.append((float(np.median(np.abs((last.utc - first.utc)[ok] / (365 * DAY) - years[ok]))), order))
    best = min(fits, default=(1.0, ""))
    return best[1] if best[0] < 3 / 365 else ""


def _leaves(sheet: Sheet, frame: pl.DataFrame, kind: str, dated: bool) -> list[Leaf]:
    """A leaf an underlying; rows of one contract and time that are there twice are counted, and kept."""
    out = []
    for (root,), own in frame.group_by("root", maintain_order=True):
        table = own.drop("root")
        contracts = table.select("expiry", "strike", "right").n_unique()
        days = table["ts"].n_unique()
        nameless = table["underlying"].null_count() if "underlying" in table.columns else 0
        zero = int((table["implied_volatility"].fill_null(0.0) <= 1e-6).sum()) if "implied_volatility" in table.columns else 0
        sheet.notes.append(f"{root}: {contracts:,} contracts at {days:,} {'days' if dated else 'moments'}")
        if nameless:
            sheet.notes.append(f"{root}: {nameless:,} rows without the price of the underlying")
        if zero:
            sheet.notes.append(f"{root}: {zero:,} rows whose volatility was not computed (0)")
        gone = int((table["expiry"].cast(pl.Int32).cast(pl.Int64) * DAY + DAY < table["ts"]).sum())
        if gone:
            sheet.notes.append(f"{root}: {gone:,} rows after the expiry of their contract")
        twice = int(table.select("ts", "expiry", "strike", "right").is_duplicated().sum())
        out.append(leaf(kind, str(root), "day" if dated else "tick", table, duplicates=twice))
    sheet.notes.append("kept as a table of contracts; a strategy of options trades them: argosy backtest covered_call")
    return out


def _kind(names: set[str]) -> str:
    if {"delta", "underlying"} & names and "open" not in names:
        return "greeks"
    if {"implied_volatility", "delta"} & names:
        return "chain"
    if "bid_close" in names or {"bid", "ask"} <= names:
        return "option_quote"
    if {"open", "close"} & names:
        return "option_bar"
    if "open_interest" in names:
        return "open_interest"
    what = "contracts without a price, an open interest or a greek"
    raise Misuse("INGEST_COLUMNS", what, fix="name the columns open high low close, bid ask, or delta")


def _named(sheet: Sheet) -> _Named:
    """The contract of each row, from its columns or from the clearing house's name."""
    table, options = sheet.table, sheet.options
    contract = _contract(table)
    if contract >= 0:
        parts = sheet.text(contract).str.to_uppercase().str.extract_groups(OSI).struct.unnest()
        sheet.sieve.refuse(parts["1"].is_null().to_numpy(), f"{table.names[contract]} names no contract")
        day = "20" + parts["2"] + "-" + parts["3"] + "-" + parts["4"]
        expiry = day.str.to_date(strict=False)
        sheet.sieve.refuse(expiry.is_null().to_numpy(), "expiry cannot be read")
        strike = parts["6"].cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy() / 1000
        return _Named(parts["1"].fill_null(""), expiry, strike, parts["5"].fill_null(""))
    ends = sheet.times(sheet.place(*EXPIRY), "expiry")
    strike = sheet.number(sheet.place(*STRIKE), needed=True)
    with np.errstate(invalid="ignore"):
        sheet.sieve.refuse(strike <= 0, "strike is zero or negative")
    letters = sheet.text(sheet.place(*RIGHT)).str.to_lowercase()
    call, put = letters.is_in(["c", "call", "1", "calls"]).to_numpy(), letters.is_in(["p", "put", "-1", "puts"]).to_numpy()
    sheet.sieve.refuse(~(call | put), "neither a call nor a put")
    place = sheet.place(*UNDERLYING)
    name = options.symbol or ("" if place >= 0 else symbol_in(sheet.path.name))
    if place < 0 and not name:
        raise Misuse("INGEST_SYMBOL", "neither a column nor the file's name tells the underlying", where=sheet.where, fix="name it: --symbol SPY")
    if place < 0 and not options.symbol:
        sheet.notes.append(f"underlying {name} is from the file's name (--symbol names another)")
    root = sheet.text(place) if place >= 0 and not options.symbol else pl.Series([name] * len(strike))
    right = pl.Series(np.where(call, "C", "P").tolist(), dtype=pl.String)
    return _Named(root, pl.Series(ends.local // DAY).cast(pl.Int32).cast(pl.Date), strike, right)


def _contract(table: Table) -> int:
    """The column that holds the clearing house's names, -1 when none does."""
    for place, name in enumerate(table.names):
        if columns_word(name) in CONTRACT and table.columns[place].dtype == pl.String:
            text = table.columns[place].head(50).fill_null("").str.strip_chars().str.to_uppercase()
            if len(text) and int(text.str.contains(OSI).sum()) > 0.9 * len(text):
                return place
    return -1


def columns_word(name: str) -> str:
    """A column's name in letters and digits alone, in lower case."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _words(table: Table) -> list[str]:
    return [columns_word(name) for name in table.names]
