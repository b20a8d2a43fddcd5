"""What kind of thing a table holds, told by its columns and values, never by the name of its file; it reads nothing out of it.

    prices    bars, quotes, trades, closes                 facts     figures of the world: long or wide
    funding   a perpetual's funding rates                  factors   a vendor's adjustment factors
    contracts options, a row a contract                    names     which ticker a security had when
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from argosy.core.errors import Misuse
from argosy.data import columns, contracts, factors, foreign, funding, renames
from argosy.data.facts import PUBLISHED, SERIES, TIMES, VALUE
from argosy.data.funding import RATE
from argosy.data.numbers import numbers, numeric
from argosy.data.options import Options
from argosy.data.table import Table

Layout = Literal["prices", "facts", "funding", "contracts", "two_headed", "factors", "names"]

_FIGURES = frozenset(
    "unrate cpiaucsl cpilfesl gdp gdpc1 payems fedfunds dff sofr usrec vixcls icsa indpro umcsent m2sl houst rsafs pcepi pcepilfe"
    " t10y2y t10y3m t5yifr"
    " aaa baa"
    " mktrf smb hml rmw cma mom umd rf riskfree nber primecredit".split()
)  # fmt: skip
"""Names under which statistical offices and researchers publish; nothing of the kind is traded."""
_TENORS = ("month", "months", "mo", "year", "years", "yr", "y", "m", "week", "wk")


def layout(table: Table, options: Options) -> Layout:
    """The layout of a table. Raises Misuse: those of `foreign.in_columns`."""
    words = [contracts.columns_word(name) for name in table.names]
    if options.kind == "funding":
        return "funding"
    if contracts.two_headed(table):
        return "two_headed"
    if contracts.looks(table):
        return "contracts"
    if factors.looks(table):
        return "factors"
    if renames.looks(table):
        return "names"
    if (set(words) & (set(RATE) - {"rate"})) or funding.looks(table):
        return "funding"
    if set(words) & set(SERIES) and set(words) & set(VALUE):
        return "facts"
    if options.kind == "fact" or (not options.kind and _wide_figures(table, words)):
        return "facts"
    found = columns.roles(table.names)
    if not set(columns.BAR) <= set(found) and not {"bid", "ask"} <= set(found) and not {"bid_close", "ask_close"} <= set(found):
        foreign.in_columns(f"{table.path}:{table.header}", table.names)
    return "prices"


def _wide_figures(table: Table, words: list[str]) -> bool:
    """Whether a table of a date and numbers is one of figures rather than of closes.

    It is when a column has a name that is none of a share (a length of time, a published series), when values are zero or
    negative, when holes are written as a point, or when its rows are weeks apart and not as bars are.
    """
    when = [i for i, name in enumerate(table.names) if columns.role(name) in ("date", "stamp") or words[i] in TIMES]
    if not when or when[0] != 0 or not len(table.lines):
        return False
    rest = [i for i in range(len(words)) if i not in when and words[i]]
    priced = {columns.role(table.names[i]) for i in rest}
    if not rest or priced & {"open", "high", "low", "bid", "ask", "size", "symbol", "adjusted", "volume", "bid_close", "close", "price"}:
        lone = priced <= {"price"} and len(rest) == 1 and words[rest[0]] in VALUE
        return lone and any(word in PUBLISHED for word in words)
    if not all(numeric(table.columns[i]) for i in rest):
        return False
    if any(words[i] in _FIGURES for i in rest) or all(_tenor(words[i]) for i in rest):
        return True
    for i in rest:
        values, _ = numbers(table.columns[i])
        good = values[np.isfinite(values)]
        if len(good) and float(np.mean(good <= 0)) > 0.01:
            return True
        text = table.columns[i]
        if not text.dtype.is_numeric() and bool((text.cast(str).fill_null("") == ".").any()):
            return True
    return _sparse(table, when[0])


def _tenor(word: str) -> bool:
    digits = word.rstrip("abcdefghijklmnopqrstuvwxyz")
    return bool(digits) and digits.isdigit() and word[len(digits) :] in _TENORS


def _sparse(table: Table, place: int) -> bool:
    """Whether rows are weeks apart, and not as regularly as monthly bars of prices would need many columns to be."""
    from argosy.data import stamps

    try:
        times = stamps.read(table.columns[place], order="mdy")
    except Misuse:
        return False
    days = np.diff(np.unique(times.utc[times.ok])) / 86_400e9
    return len(days) > 2 and float(np.median(days)) > 20
