"""Numbers as price files write them: 1,234.5 and 1.234,5 and $3 and 2.5M; a text that is none is said to be bad, never guessed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

BLANKS = ("", ".", "-", "--", "nan", "na", "n/a", "#n/a", "null", "none", "nat", "\\n")
"""Texts that stand for no value, in lower case."""

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def numbers(column: pl.Series, decimal: str = ".") -> tuple[Floats, Bools]:
    """A column as float64 with nan for blanks, and which rows hold anything else that is no finite number.

    decimal: "." (1,234.5) or "," (1.234,5). A leading $ and a final K, M or B are read.
    """
    if column.dtype != pl.String:
        if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
            column = column.cast(pl.String, strict=False)
        else:
            values = column.cast(pl.Float64).fill_null(float("nan")).to_numpy().copy()
            bad = np.isinf(values)
            values[bad] = np.nan
            return values, bad
    if decimal == ".":
        quick = column.cast(pl.Float64, strict=False)
        if not quick.null_count() and quick.is_finite().all():
            return quick.to_numpy().copy(), np.zeros(len(quick), dtype=bool)
    return _spelt(column.fill_null("").str.strip_chars().str.strip_prefix("$"), decimal)


def numeric(column: pl.Series, decimal: str = ".") -> bool:
    """Whether at least half of the values that are there are numbers."""
    values, bad = numbers(column, decimal)
    return int(np.isfinite(values).sum()) >= int(bad.sum())


def decimal_of(columns: Sequence[pl.Series], delimiter: str) -> str:
    """How a file parts the decimals: "." or ","; "" when 1,234 can be either and no other number tells.

    delimiter: of the file; between commas a comma inside a number parts thousands unless a number shows otherwise.
    """
    point = comma = either = 0
    for column in columns:
        if column.dtype != pl.String:
            continue
        text = column.filter(column.str.contains(",", literal=True).fill_null(False)).str.strip_chars().str.strip_prefix("$")
        if len(text):
            point += int(text.str.contains(_POINT).sum())
            comma += int(text.str.contains(_COMMA).sum())
            either += int(text.str.contains(_EITHER).sum())
    if point or comma:
        return "," if comma > point else "."
    return "" if either and delimiter != "," else "."


def _spelt(text: pl.Series, decimal: str) -> tuple[Floats, Bools]:
    """As `numbers`, of texts that are not all plain."""
    blank = text.str.to_lowercase().is_in(list(BLANKS)).to_numpy()
    if decimal == ",":
        swapped = text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        text = pl.select(pl.when(text.str.contains(_EUROPEAN)).then(swapped).otherwise(pl.lit("?"))).to_series()
    elif text.str.contains(",", literal=True).any():
        plain = text.str.replace_all(",", "", literal=True)
        text = pl.select(pl.when(text.str.contains(_GROUPED)).then(plain).otherwise(text)).to_series()
    scaled = text.str.extract_groups(r"^([-+]?[\d.]+)\s?([KMBkmb])$").struct.unnest()
    factor = scaled["2"].str.to_lowercase().replace_strict({"k": 1e3, "m": 1e6, "b": 1e9}, default=None, return_dtype=pl.Float64)
    found = text.cast(pl.Float64, strict=False).fill_null(scaled["1"].cast(pl.Float64, strict=False) * factor)
    values = found.fill_null(float("nan")).to_numpy().copy()
    bad = ~np.isfinite(values) & ~blank
    values[~np.isfinite(values)] = np.nan
    return values, bad


_POINT = r",\d{3}\.\d|^[-+]?\d{1,3}(,\d{3}){2,}$"
_COMMA = r"^[-+]?(\d{1,3}(\.\d{3})+,\d+|\d+,(\d{1,2}|\d{4,})|0,\d+|\d{4,},\d+)$"
_EITHER = r"^[-+]?[1-9]\d{0,2},\d{3}$"
_GROUPED = r"^[-+]?\d{1,3}((,\d{3})+|(,\d{2})+,\d{3})(\.\d+)?\s?[KMBkmb]?$"
_EUROPEAN = r"^[-+]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?\s?[KMBkmb]?$"
