"""Bars, splits and dividends fetched from Yahoo through yfinance and judged like any file; nothing is stored by it.

It never asks the network for more than it was told to, never fills a hole, and never passes a failed answer on as an empty one.
Yahoo's prices are adjusted for splits up to today (their volumes too), not for dividends. So no split is stored with them, and
dividends are, in today's units, each before the open of its ex-date.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from argosy.core.errors import ArgosyError, Misconfigured, Misuse, Rejected, Retry
from argosy.core.events import Dividend
from argosy.core.time import parse
from argosy.data.actions import EVE_NS, in_order
from argosy.data.ingest import judge
from argosy.data.options import Options
from argosy.data.reading import Reading
from argosy.data.symbols import currency_of, guess_kind
from argosy.data.table import Table

EVERY = {"1m": "1m", "2m": "2m", "5m": "5m", "15m": "15m", "30m": "30m", "1h": "1h", "1d": "1d", "1w": "1wk"}
"""Our spans and Yahoo's words for them."""
WHAT = ("Open", "High", "Low", "Close", "Volume")

Download = Callable[[str, str, str, str], Any]
"""(symbol, start, end, interval) -> a pandas frame, as `yfinance` returns one; start and end may be ""."""


class Request(msgspec.Struct, frozen=True):
    """What to fetch. start, end: ISO dates, end not included, "" = as far as there is; every: one of `EVERY`;

    calendar: stamps daily bars; "" = XNYS for shares and whole UTC days for the rest
    """

    symbols: tuple[str, ...]
    start: str = ""
    end: str = ""
    every: str = "1d"
    calendar: str = ""


def fetched(request: Request, *, download: Download | None = None, progress: Callable[[str], None] | None = None) -> list[tuple[Reading, str]]:
    """Each symbol's bars, read and judged, with where they are from.

    Raises Misuse: FETCH_EVERY, FETCH_DATES, FETCH_SYMBOL (unknown), FETCH_EMPTY (no row in that time), and those of `ingest.read`;
    Misconfigured("FETCH_MISSING") without yfinance; Retry: FETCH_NETWORK, FETCH_BUSY; Rejected("FETCH_FAILED"); all before anything is stored.
    """
    if request.every not in EVERY:
        raise Misuse("FETCH_EVERY", f"{request.every!r} is not a span that Yahoo has", where="--every", fix=f"use {', '.join(EVERY)}")
    low, high = (parse(text) if text else 0 for text in (request.start, request.end))
    if low and high and low >= high:
        raise Misuse("FETCH_DATES", f"{request.start} is not before {request.end}", where="--from, --to", fix="the last day is not included")
    get = download or yahoo()
    told = progress or (lambda what: None)
    out = []
    for place, symbol in enumerate(dict.fromkeys(request.symbols)):
        told(f"fetching {symbol} ({place + 1} of {len(request.symbols)})")
        raw = get(symbol, request.start, request.end, EVERY[request.every])
        out.append((reading(raw, symbol, request), f"Yahoo Finance, {symbol}"))
    return out


def reading(raw: Any, symbol: str, request: Request) -> Reading:
    """A pandas frame of yfinance, judged. Raises Misuse: FETCH_EMPTY, FETCH_SHAPE, and those of `ingest.read`."""
    frame = table_of(raw, symbol, daily=request.every in ("1d", "1w"))
    daily = request.every in ("1d", "1w")
    kind = guess_kind(symbol)
    calendar = request.calendar or ("XNYS" if kind == "equity" and daily else "")
    prices = frame.select(["Date", *[name for name in WHAT if name in frame.columns]])
    table = Table(Path(f"yahoo {symbol}"), prices.columns, prices.get_columns(), np.arange(1, len(prices) + 1, dtype=np.int64), source=prices)
    options = Options(symbol=symbol, every=request.every, calendar=calendar if request.every == "1d" else "", keep="last")
    found = judge(Path(f"yahoo {symbol}"), table, options)
    notes = [*found.report.notes, "prices are adjusted for splits up to today, not for dividends"]
    if not daily:
        return msgspec.structs.replace(found, report=msgspec.structs.replace(found.report, notes=notes))
    series = []
    for item in found.series:
        actions: list[Any] = []
        if "Dividends" in frame.columns:
            days = frame["Date"].cast(pl.Datetime("ns")).cast(pl.Int64).to_numpy()
            cash = frame["Dividends"].fill_null(0.0).to_numpy()
            ends = item.tape["known"]
            for day, amount in zip(days[cash > 0].tolist(), cash[cash > 0].tolist(), strict=True):
                bar = int(np.searchsorted(ends, day, side="right"))  # the bar that is open on that day
                if bar < len(item.tape):
                    ts = int(item.tape["ts"][bar]) - EVE_NS
                    actions.append(Dividend(ts=ts, known=ts, instrument=0, amount=round(amount, 6), currency=currency_of(symbol)))
            notes.append(f"{symbol}: {len(actions)} dividends")
        series.append(msgspec.structs.replace(item, actions=in_order(actions), tells="Dividends" in frame.columns))
    return msgspec.structs.replace(found, series=series, report=msgspec.structs.replace(found.report, notes=notes))


def table_of(raw: Any, symbol: str, *, daily: bool) -> pl.DataFrame:
    """Columns Date (a date, or a moment in UTC), Open ... Volume, Dividends of a pandas frame, whatever the shape of its columns.

    Raises Misuse: FETCH_EMPTY (no row), FETCH_SHAPE (no prices of the symbol among its columns).
    """
    if raw is None or not len(raw):
        raise Misuse("FETCH_EMPTY", f"Yahoo has no row of {symbol} in that time", where=symbol, fix="widen --from and --to, or check the symbol")
    columns: dict[str, Any] = {}
    for position, label in enumerate(raw.columns):
        parts = label if isinstance(label, tuple) else (label,)
        words = [str(part) for part in parts]
        names = [word for word in words if word in (*WHAT, "Adj Close", "Dividends", "Stock Splits")]
        others = [word for word in words if word not in names and word]
        if names and (not others or symbol.upper() in (word.upper() for word in others)):
            columns.setdefault(names[0], raw.iloc[:, position])
    missing = [name for name in WHAT[:4] if name not in columns]
    if missing:
        shown = ", ".join(map(str, list(raw.columns)[:8]))
        raise Misuse("FETCH_SHAPE", f"the answer has no {', '.join(missing)} of {symbol}: {shown}", where=symbol, fix="update yfinance")
    index = raw.index
    if daily:
        dates = [moment.date() for moment in index]  # the exchange's own date: its midnight is not that of UTC
        when = pl.Series("Date", dates, dtype=pl.Date)
    else:
        zone = getattr(index, "tz", None)
        moments = index.tz_convert("UTC").tz_localize(None) if zone is not None else index
        when = pl.Series("Date", moments.to_numpy().astype("datetime64[ns]").astype(np.int64)).cast(pl.Datetime("ns", "UTC"))
    values = [pl.Series(name, np.asarray(column, dtype=np.float64)) for name, column in columns.items()]
    return pl.DataFrame([when, *[column.fill_nan(None) for column in values]])


def yahoo() -> Download:
    """The real thing. Raises Misconfigured("FETCH_MISSING") when yfinance is not installed."""
    try:
        library = import_module("yfinance")
    except ImportError as error:
        raise Misconfigured("FETCH_MISSING", "yfinance is not installed", where="argosy data fetch", fix='pip install "argosy[fetch]"') from error

    def download(symbol: str, start: str, end: str, interval: str) -> Any:
        span = {"start": start or None, "end": end or None} if start or end else {"period": "max" if interval in ("1d", "1wk") else "5d"}
        with _plain(library):
            try:
                return library.Ticker(symbol).history(interval=interval, auto_adjust=False, actions=True, timeout=20, **span)
            except Exception as error:  # whatever it raises is named by what the owner can do about it
                raise _named(error, symbol) from error

    return download


@contextmanager
def _plain(library: Any) -> Iterator[None]:
    """The library with its errors raised, not printed."""
    log = logging.getLogger("yfinance")
    level, debug = log.level, getattr(getattr(library, "config", None), "debug", None)
    hidden = getattr(debug, "hide_exceptions", None)
    log.setLevel(logging.CRITICAL + 1)
    if hidden is not None:
        debug.hide_exceptions = False  # type: ignore[union-attr]
    try:
        yield
    finally:
        log.setLevel(level)
        if hidden is not None:
            debug.hide_exceptions = hidden  # type: ignore[union-attr]


def _named(error: Exception, symbol: str) -> ArgosyError:
    """One of ours for what the library or the network raised."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    text = str(error).split(" See http")[0].strip() or type(error).__name__
    if "YFRateLimitError" in kinds:
        return Retry("FETCH_BUSY", "Yahoo answers that there were too many requests", where=symbol, fix="wait a quarter of an hour")
    if kinds & {"YFTzMissingError", "YFTickerMissingError"}:
        fix = "write it as Yahoo does: BRK-B, BTC-USD, EURUSD=X, ^GSPC"
        return Misuse("FETCH_SYMBOL", f"Yahoo knows no symbol {symbol!r}", where=symbol, fix=fix)
    if "YFPricesMissingError" in kinds:
        fix = "widen --from and --to; minutes reach back days only"
        return Misuse("FETCH_EMPTY", f"Yahoo has no row of {symbol} in that time: {text}", where=symbol, fix=fix)
    if isinstance(error, OSError):
        fix = "check the connection; or import a file: argosy data import FILE"
        return Retry("FETCH_NETWORK", f"Yahoo cannot be reached: {text}", where=symbol, fix=fix)
    return Rejected("FETCH_FAILED", f"{type(error).__name__}: {text}", where=symbol, fix="try again later, or update yfinance")
