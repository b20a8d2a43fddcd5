"""Option chains of the catalog as instruments and prices that a backtest can trade; it makes up no contract and no price.

A contract is taken as the usual one of a share: 100 of the underlying, American, delivered, over with the day of its expiry (24:00 UTC).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, NamedTuple

import numpy as np
import polars as pl

from argosy.core.events import Bar, Quote
from argosy.core.instrument import Instrument, Option
from argosy.core.tape import Tape
from argosy.core.time import DAY
from argosy.data.catalog import Catalog

MULTIPLIER = Decimal(100)
KINDS = ("option_quote", "option_bar", "chain")
"""Tables of prices of contracts, the best first. The one with most days (or moments) of the period is taken.

Bids and asks of a day become bars of their middle, as those of a chain are; those of moments stay quotes, and fill at their own sides.
"""
OPEN, HIGH, LOW, CLOSE = "open", "high", "low", "close"


class Listed(NamedTuple):
    """Contracts of one underlying. tapes: their prices; the ids of `rows` are places in it, from `first` on; notes: what to know of them."""

    rows: list[Instrument]
    tapes: list[Tape]
    notes: list[str]


def contract(under: Instrument, expiry: int, strike: Decimal, right: Literal["call", "put"], calendar: str = "24/7") -> Instrument:
    """The instrument of a contract, named as the clearing house does. expiry: days since 1970, the last on which it lives."""
    day = np.datetime64(expiry, "D").item()
    symbol = f"{under.symbol}{day:%y%m%d}{right[0].upper()}{int(strike * 1000):08d}"
    terms = Option(underlying=under.symbol, strike=strike, right=right, expiry_ns=(expiry + 1) * DAY)
    return Instrument(symbol=symbol, kind="option", currency=under.currency, multiplier=MULTIPLIER, calendar=calendar, option=terms)


def listed(catalog: Catalog, under: Instrument, first: int, low: int, high: int) -> Listed | None:
    """The contracts of an underlying that have a price known from `low` to `high` and end after `low`; None where the catalog has no chain.

    first: id of the first contract; low, high: ns, `high` not included. Raises what `Catalog.table` raises.
    """
    found: tuple[int, str, pl.DataFrame] | None = None
    for kind in KINDS:
        if under.symbol in catalog.symbols(kind):
            table = catalog.table(under.symbol, kind, start=low, end=high)
            moments = kind == "option_quote" and bool((table["known"] - table["ts"] < DAY).any())
            days = table["ts"].n_unique()
            if found is None or days > found[0]:
                found = days, "moments" if moments else kind, _sides(table) if moments else _bars(table, kind)
    if found is None:
        return None
    _, kind, table = found
    whole = table.height
    table = table.filter(pl.col("good") & (pl.col("expiry").cast(pl.Int32).cast(pl.Int64) * DAY + DAY > low))
    table = table.unique(["expiry", "strike", "right", "known"], keep="last", maintain_order=True)
    rows: list[Instrument] = []
    parts: list[pl.DataFrame] = []
    for (expiry, strike, right), own in table.group_by("expiry", "strike", "right", maintain_order=True):
        day = int(np.datetime64(expiry, "D").astype(np.int64))
        rows.append(contract(under, day, Decimal(str(strike)).normalize(), "call" if right == "C" else "put"))
        parts.append(own.with_columns(instrument=pl.lit(first + len(rows) - 1)))
    what = {"moments": "bids and asks", "option_quote": "middles of bids and asks", "option_bar": "trades", "chain": "middles of a chain"}[kind]
    notes = [f"{len(rows):,} options of {under.symbol} ({what}, {table['ts'].n_unique()} {'moments' if kind == 'moments' else 'days'})"]
    if whole > table.height:
        notes.append(f"{whole - table.height:,} rows of options without a price, over, or there twice left out")
    return Listed(rows, [_tape(kind, pl.concat(parts))] if parts else [], notes)


def _sides(table: pl.DataFrame) -> pl.DataFrame:
    """Quotes with `good`: whether a row has a bid and an ask that can be."""
    bid, ask = ("bid", "ask") if "bid" in table.columns else ("bid_close", "ask_close")
    table = table.with_columns(bid=pl.col(bid), ask=pl.col(ask))
    return table.with_columns(good=((pl.col("bid") > 0.0) & (pl.col("ask") >= pl.col("bid"))).fill_null(value=False))


def _bars(table: pl.DataFrame, kind: str) -> pl.DataFrame:
    """Rows of days as bars, with `good`: whether their prices can be; the middle where there are bids and asks, the close where no more."""
    names, have = (OPEN, HIGH, LOW, CLOSE), set(table.columns)
    if kind == "option_quote":
        last = ("bid", "ask") if "bid" in have else ("bid_close", "ask_close")
        sides = {name: (f"bid_{name}", f"ask_{name}") if {f"bid_{name}", f"ask_{name}"} <= have else last for name in names}
        both = [(pl.col(bid) > 0.0) & (pl.col(ask) >= pl.col(bid)) for bid, ask in sides.values()]
        middles = ((pl.col(bid) + pl.col(ask)).truediv(2.0).alias(name) for name, (bid, ask) in sides.items())
        table = table.with_columns(pl.all_horizontal(both).alias("two"), *middles)
    else:
        blank = pl.col(CLOSE) if CLOSE in have else pl.lit(None, pl.Float64)
        table = table.with_columns(pl.lit(value=True).alias("two"), *(blank.alias(name) for name in names if name not in have))
    shape = (pl.col(LOW) > 0.0) & (pl.col(LOW) <= pl.min_horizontal(OPEN, CLOSE)) & (pl.col(HIGH) >= pl.max_horizontal(OPEN, CLOSE))
    return table.with_columns(good=(shape & pl.col("two")).fill_null(value=False))


def _tape(kind: str, table: pl.DataFrame) -> Tape:
    """The rows of all contracts as one tape: quotes of moments, else bars of whole days."""
    table = table.sort("known", "instrument", maintain_order=True)
    known, instrument = (table[name].to_numpy().astype(np.int64) for name in ("known", "instrument"))
    if kind == "moments":
        sizes = {f"{side}_size": table[f"{side}_size"].fill_null(0.0).to_numpy() if f"{side}_size" in table.columns else np.zeros(len(known))
                 for side in ("bid", "ask")}  # fmt: skip
        sides = {side: table[side].to_numpy() for side in ("bid", "ask")}
        return Tape(Quote, {"ts": known, "known": known, "instrument": instrument} | sides | sizes)
    ts = table["ts"].to_numpy().astype(np.int64)
    volume = table["volume"].cast(pl.Float64).fill_null(0.0).to_numpy() if "volume" in table.columns else np.full(len(ts), np.nan)
    prices = {name: table[name].to_numpy() for name in (OPEN, HIGH, LOW, CLOSE)}
    return Tape(Bar, {"ts": ts, "known": known, "instrument": instrument, "volume": volume, "span": known - ts} | prices)

