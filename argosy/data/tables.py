"""What the catalog keeps that is no tape: figures of the world, funding rates, option chains, names; each a typed table.

Every table has `ts` and `known`, int64 ns UTC, and is sorted by `known`; it never holds a row that was known before it happened.

    fact           ts, known, value                         a series of figures (a rate, an index, unemployment)
    funding        ts, known, rate                          a perpetual's funding
    chain          one row a contract and day: expiry, strike, right, prices of the middle, open interest, greeks
    option_bar     one row a contract and bar: trades;  option_quote: bid and ask;  open_interest: contracts open
    greeks         one row a contract and moment: a model's price, volatility and greeks
    names          which ticker a security had from when to when
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import polars as pl

from argosy.core.errors import Misuse
from argosy.core.events import Fact, Funding
from argosy.data.quality import Health

TABLES = ("fact", "funding", "chain", "option_bar", "option_quote", "open_interest", "greeks", "names")
KEYS = {"fact": ("ts", "known"), "funding": ("ts",)}
"""What may be there once only; of the other kinds, the whole row."""


ALL = "all"
"""How often a fact or a funding has rows is no part of its name: one series is one table, however sparse a file of it is."""


class Leaf(msgspec.Struct, frozen=True):
    """A table of one symbol. every: `ALL`, "day" or "tick": what its rows are; health: its rows, span and holes."""

    kind: str
    symbol: str
    every: str
    frame: pl.DataFrame
    health: Health


def leaf(kind: str, symbol: str, every: str, frame: pl.DataFrame, **found: int) -> Leaf:
    """A leaf of a frame that has ts and known; found: counts of its flaws, as `Health` names them. Misuse("TABLE_SHAPE")."""
    if kind not in TABLES or not {"ts", "known"} <= set(frame.columns) or not frame.height:
        raise Misuse("TABLE_SHAPE", f"{kind} of {symbol} has {', '.join(frame.columns)} and {frame.height} rows", fix="it needs ts, known and a row")
    frame = frame.sort("known", "ts", maintain_order=True)
    ts, known = frame["ts"].to_numpy(), frame["known"].to_numpy()
    if bool((known < ts).any()):
        raise Misuse("TABLE_SHAPE", f"{kind} of {symbol} has a row that was known before it happened")
    base = {"symbol": symbol, "kind": kind, "rows": frame.height, "first": int(ts.min()), "last": int(ts.max())}
    health = msgspec.convert(base | found, Health)
    return Leaf(kind, symbol, every, frame, health)


def facts(symbol: str, frame: pl.DataFrame, source: str) -> list[Fact]:
    """The rows of a fact as events, by known."""
    columns = (frame[name].to_list() for name in ("ts", "known", "value"))
    return [Fact(ts=ts, known=known, source=source, name=symbol, value=value) for ts, known, value in zip(*columns, strict=True)]


def funding(frame: pl.DataFrame, instrument: int) -> list[Funding]:
    """The rows of a funding table as events of an instrument, by known."""
    columns = (frame[name].to_list() for name in ("ts", "known", "rate"))
    return [Funding(ts=ts, known=known, instrument=instrument, rate=rate) for ts, known, rate in zip(*columns, strict=True)]


def merged(kind: str, symbol: str, stored: pl.DataFrame, new: pl.DataFrame, where: str) -> pl.DataFrame:
    """What is stored and what is new, equal rows once; Misuse("CATALOG_CONFLICT") where one time has two values."""
    if stored.schema != new.schema:
        new = new.select([pl.col(name).cast(stored.schema[name]) if name in new.columns else pl.lit(None, stored.schema[name]).alias(name)
                          for name in stored.columns])  # fmt: skip
    joined = pl.concat([stored, new]).unique(maintain_order=True)
    key: Sequence[str] = KEYS.get(kind, ())
    if key and joined.select(key).is_duplicated().any():
        twice = int(np.flatnonzero(joined.select(key).is_duplicated().to_numpy())[0])
        what = f"{symbol}: {kind} has two values at ts {joined['ts'][twice]}"
        raise Misuse("CATALOG_CONFLICT", what, where=where, fix="leave --merge out to replace what is stored")
    return joined.sort("known", "ts", maintain_order=True)
