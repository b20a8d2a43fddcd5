"""A vendor's factor file as splits and dividends: what happened on the first session after each row's date; it changes no price.

A row's factors hold for the days up to its date. Between a row and the next, the ratio of the split factors is the split, and
the ratio of the price factors is 1 - dividend / close of that date.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.events import Dividend, Split
from argosy.core.time import DAY, iso
from argosy.data.actions import EVE_NS, Action, in_order, nearest_ratio
from argosy.data.calendars import schedule
from argosy.data.options import Options
from argosy.data.reading import Reading, Sheet
from argosy.data.symbols import currency_of, symbol_in
from argosy.data.table import Table

CALENDAR = "XNYS"
PRICE, SPLIT, REFERENCE = ("pricefactor",), ("splitfactor",), ("referenceprice", "reference", "close", "refprice")


def looks(table: Table) -> bool:
    """Whether the columns are a date with a factor of prices and one of splits."""
    words = {"".join(letter for letter in name.lower() if letter.isalnum()) for name in table.names}
    return {"pricefactor", "splitfactor"} <= words


def read(path: Path, table: Table, options: Options) -> Reading:
    """The splits and dividends of each symbol. Raises Misuse: INGEST_COLUMNS, INGEST_SYMBOL, INGEST_NOTHING.

    An action is known `EVE_NS` before 00:00 UTC of its ex-date: after the session before, before any bar of that date.
    """
    sheet = Sheet(path, table, options)
    when, symbol = sheet.place("date"), sheet.place("symbol", "ticker")
    if when < 0:
        raise Misuse("INGEST_COLUMNS", "factors without a date", where=f"{sheet.where}:{table.header}", fix="name the column date")
    times = sheet.times(when)
    price, split = sheet.number(sheet.place(*PRICE), needed=True), sheet.number(sheet.place(*SPLIT), needed=True)
    with np.errstate(invalid="ignore"):
        sheet.sieve.refuse((price <= 0) | (split <= 0), "a factor is zero or negative")
    place = sheet.place(*REFERENCE)
    close = sheet.number(place) if place >= 0 else np.full(len(price), np.nan)
    name = options.symbol or ("" if symbol >= 0 else symbol_in(path.name))
    if symbol < 0 and not name:
        raise Misuse("INGEST_SYMBOL", "neither a column nor the file's name tells the symbol", where=sheet.where, fix="name it: --symbol AAPL")
    names = sheet.text(symbol) if symbol >= 0 else pl.Series([name] * len(price))
    if options.symbol and symbol >= 0:
        sheet.sieve.refuse((names != options.symbol).to_numpy(), "another symbol")
    frame = pl.DataFrame({"name": names, "row": np.arange(len(names))}).filter(pl.Series(sheet.sieve.alive))
    found: dict[str, list[Action]] = {}
    for (own,), part in frame.group_by("name", maintain_order=True):
        rows = part["row"].to_numpy()
        rows = rows[np.argsort(times.utc[rows], kind="stable")]
        actions, odd = _actions(times.utc[rows], price[rows], split[rows], close[rows], currency_of(str(own)))
        found[str(own)] = actions
        splits = sum(isinstance(action, Split) for action in actions)
        sheet.notes.append(f"{own}: {splits} splits and {len(actions) - splits} dividends, on the first session of {CALENDAR} after their rows")
        if odd:
            sheet.notes.append(f"{own}: {len(odd)} steps could not be read as a dividend, the first at {iso(odd[0])}")
    return sheet.reading("actions", [], found)


def _actions(
    dates: NDArray[np.int64], price: NDArray[np.float64], split: NDArray[np.float64], close: NDArray[np.float64], currency: str
) -> tuple[list[Action], list[int]]:
    """The actions between rows by date, and the dates of steps that are none."""
    steps = np.flatnonzero((split[1:] != split[:-1]) | (np.abs(price[:-1] / price[1:] - 1) > 1e-7))
    if not len(steps):
        return [], []
    _, _, sessions = schedule(CALENDAR, int(dates[steps[0]]), int(dates[steps[-1]]) + 14 * DAY)
    days = sessions - sessions % DAY
    out: list[Action] = []
    odd: list[int] = []
    for i in steps.tolist():
        date = int(dates[i] - dates[i] % DAY)
        after = int(np.searchsorted(days, date, side="right"))
        if after >= len(days):
            odd.append(date)
            continue
        ts = int(days[after]) - EVE_NS
        ratio = float(split[i + 1] / split[i])
        if abs(ratio - 1) > 1e-6:
            near = nearest_ratio(ratio, 1e-3)
            ratio = near if near != 1.0 else round(ratio, 6)
            out.append(Split(ts=ts, known=ts, instrument=0, ratio=ratio))
        else:
            ratio = 1.0
        rest = float(price[i] / price[i + 1])
        if abs(rest - 1) <= 1e-7:
            continue
        if not (0.3 < rest < 1.0 and close[i] > 0):
            odd.append(date)
            continue
        out.append(Dividend(ts=ts, known=ts, instrument=0, amount=round(float(close[i]) * (1 - rest) / ratio, 4), currency=currency))
    return in_order(out), odd
