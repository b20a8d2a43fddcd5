"""Prices written as JSON: lists of rows, lists of records, or columns, as exchanges and notebooks write them; nothing is judged yet.

It never guesses what a bare row of numbers means beyond the two layouts that everybody writes: a candle and a trade.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import polars as pl

from argosy.core.errors import Misuse
from argosy.data import foreign

CANDLE = ("timestamp", "open", "high", "low", "close", "volume")
KLINE = (*CANDLE, "close_time", "quote_volume", "trade_count", "taker_base", "taker_quote", "ignored")
TRADE = ("timestamp", "id", "type", "side", "price", "amount", "cost")
_BARE = {6: CANDLE, 12: KLINE, 7: TRADE}
"""What a row without names means, by its length."""


def frame(where: str, data: bytes, given: Sequence[str] = ()) -> tuple[pl.DataFrame, list[str]]:
    """The table of a JSON document and what had to be assumed. given: names for rows without any.

    Raises Misuse: INGEST_JSON (no JSON, or no table in it), INGEST_NO_ROWS, and those of `foreign.in_document`.
    """
    try:
        document = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise Misuse("INGEST_JSON", f"the file begins like JSON and is not: {error}", where=where, fix="download it again") from error
    foreign.in_document(where, document)
    notes: list[str] = []
    rows = _rows(document, notes)
    if rows is None:
        seen = ", ".join(list(document)[:6]) if isinstance(document, dict) else type(document).__name__
        raise Misuse(
            "INGEST_JSON", f"no table of prices is in this document: {seen}", where=where,
            fix="write a list of rows, a list of records, or an object of columns",
        )  # fmt: skip
    if not rows:
        raise Misuse("INGEST_NO_ROWS", "the document has no rows", where=where, fix="export it again with data")
    if isinstance(rows[0], dict):
        names = list(dict.fromkeys(str(key) for row in rows[:1_000] if isinstance(row, dict) for key in row))
        columns = {name: [row.get(name) if isinstance(row, dict) else None for row in rows] for name in names}
    else:
        width = len(rows[0]) if isinstance(rows[0], list) else 0
        names = list(given) or list(_BARE.get(width, ()))
        if len(names) != width:
            raise Misuse(
                "INGEST_JSON", f"rows of {width} values without names: {str(rows[0])[:80]}", where=f"{where}:1",
                fix="name them: --columns date,price,size",
            )  # fmt: skip
        if not given:
            notes.append(f"rows without names: read as {', '.join(names)}")
        odd = next((i for i, row in enumerate(rows) if not isinstance(row, list) or len(row) != width), -1)
        if odd >= 0:
            raise Misuse("INGEST_JSON", f"row {odd + 1} has not the {width} values of the first", where=f"{where}:{odd + 1}", fix="mend that row")
        columns = {name: list(cells) for name, cells in zip(names, zip(*rows, strict=True), strict=True)}
    return pl.DataFrame([_series(name, cells) for name, cells in columns.items()]), notes


def _rows(document: Any, notes: list[str]) -> list[Any] | None:
    """The rows in a document: itself, or what it holds under its one name, or by symbol, or its columns."""
    if isinstance(document, list):
        return document if not document or isinstance(document[0], list | dict) else None
    if not isinstance(document, dict) or not document:
        return None
    if isinstance(document.get("columns"), list) and isinstance(document.get("data"), list):
        names = [str(name) for name in document["columns"]]
        rows = [dict(zip(names, row, strict=False)) for row in document["data"]]
        index = document.get("index")
        if isinstance(index, list) and len(index) == len(rows) and index and not isinstance(index[0], int):
            rows = [{"date": key} | row for key, row in zip(index, rows, strict=True)]
        return rows
    values = list(document.values())
    if all(isinstance(value, list) for value in values):
        if all(value and isinstance(value[0], dict) for value in values):  # symbol -> records
            if len(values) == 1:
                return list(values[0])
            notes.append(f"{len(values)} symbols, each with its records")
            return [{"symbol": key} | row for key, value in document.items() for row in value]
        if len({len(value) for value in values}) == 1 and len(values) > 1 and values[0] and not isinstance(values[0][0], list | dict):
            return [dict(zip(document, row, strict=True)) for row in zip(*values, strict=True)]
    if all(isinstance(value, dict) for value in values) and len(values) > 2:
        keys = set(values[0])
        if keys and all(set(value) == keys for value in values):  # column -> row -> cell
            return [{"date" if not str(key).isdigit() or len(str(key)) > 8 else "row": key} | {name: document[name][key] for name in document}
                    for key in values[0]]  # fmt: skip
    nested = [value for value in values if isinstance(value, list | dict)]
    if len(nested) == 1:
        return _rows(nested[0], notes)
    return None


def _series(name: str, cells: list[Any]) -> pl.Series:
    """A column: numbers where all are, else text; a nested cell becomes its text."""
    kinds = {type(cell) for cell in cells} - {type(None)}
    if kinds <= {int, float} and kinds:
        return pl.Series(name, cells, dtype=pl.Float64 if float in kinds else pl.Int64, strict=False)
    texts = [None if cell is None else str(cell).lower() if isinstance(cell, bool) else str(cell) for cell in cells]
    return pl.Series(name, texts, dtype=pl.String)
