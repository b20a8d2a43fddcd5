"""What the owner holds, from a file of her own: symbol, quantity and what she paid; it guesses no symbol and drops no line."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from argosy.core.errors import Misuse

SYMBOL = ("symbol", "ticker", "instrument", "asset")
QUANTITY = ("quantity", "qty", "shares", "units", "amount", "position", "size")
PRICE = ("price", "cost", "averageprice", "avgprice", "averagecost", "avgcost", "unitcost", "entryprice", "purchaseprice")
_GROUPED = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?")
CASH = ("CASH", "$CASH", "USD")


class Holding(msgspec.Struct, frozen=True):
    """Units of a symbol (negative: short), and what one cost; price nan-free, 0 when it is not told."""

    symbol: str
    quantity: float
    price: float = 0.0


class Holdings(msgspec.Struct, frozen=True):
    """All of it. cash: in the base currency."""

    rows: tuple[Holding, ...]
    cash: float = 0.0

    def of(self, symbol: str) -> Holding | None:
        """The holding of a symbol."""
        return next((row for row in self.rows if row.symbol == symbol), None)

    def worth(self, prices: Mapping[str, float]) -> float:
        """Cash and all that has a price (else what it cost), in the base currency."""
        return self.cash + sum(row.quantity * prices.get(row.symbol, row.price) for row in self.rows)


def read(path: Path) -> Holdings:
    """Read a CSV of symbol, quantity and (optional) price; a row CASH is cash. Several rows of a symbol are added up.

    Raises Misuse: HOLDINGS_FILE, HOLDINGS_COLUMNS, HOLDINGS_ROW (with its line).
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Misuse("HOLDINGS_FILE", f"the holdings cannot be read: {error}", where=str(path), fix="a CSV of symbol, quantity, price") from error
    lines = [(k, line) for k, line in enumerate(text.splitlines(), 1) if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        raise Misuse("HOLDINGS_FILE", "the file is empty", where=str(path), fix="a CSV of symbol, quantity, price")
    delimiter = next((mark for mark in (";", "\t") if mark in lines[0][1]), ",")
    heads = ["".join(letter for letter in name.lower() if letter.isalnum()) for name in next(csv.reader([lines[0][1]], delimiter=delimiter))]
    places = [next((heads.index(word) for word in words if word in heads), -1) for words in (SYMBOL, QUANTITY, PRICE)]
    if places[0] < 0 or places[1] < 0:
        raise Misuse(
            "HOLDINGS_COLUMNS", f"the columns are {lines[0][1][:80]!r}", where=f"{path}:{lines[0][0]}", fix="name them symbol,quantity,price",
        )  # fmt: skip
    cash = 0.0
    held: dict[str, tuple[float, float]] = {}
    for line, content in lines[1:]:
        cells = [cell.strip() for cell in next(csv.reader([content], delimiter=delimiter))]
        if any(cells[len(heads) :]):
            what = f"{content[:60]!r} has more cells than there are columns"
            raise Misuse("HOLDINGS_ROW", what, where=f"{path}:{line}", fix='write 1234, or "1,234" in quotes')
        if delimiter == ";" and any("," in cells[place] for place in places[1:] if 0 <= place < len(cells)):
            what = f"whether a comma in {content[:60]!r} is a decimal point is not sure"
            raise Misuse("HOLDINGS_ROW", what, where=f"{path}:{line}", fix="write it like 12.5")
        symbol = cells[places[0]].upper() if places[0] < len(cells) else ""
        if not symbol:
            raise Misuse("HOLDINGS_ROW", f"no symbol in {content[:60]!r}", where=f"{path}:{line}", fix="mend or remove that line")
        quantity = _number(cells, places[1], path, line, heads[places[1]])
        price = _number(cells, places[2], path, line, heads[places[2]]) if places[2] >= 0 and places[2] < len(cells) and cells[places[2]] else 0.0
        if symbol in CASH:
            cash += quantity
            continue
        before, paid = held.get(symbol, (0.0, 0.0))
        held[symbol] = (before + quantity, paid + quantity * price)
    rows = tuple(Holding(symbol, units, paid / units if units else 0.0) for symbol, (units, paid) in held.items())
    return Holdings(rows, cash)


def _number(cells: list[str], place: int, path: Path, line: int, name: str) -> float:
    text = (cells[place] if place < len(cells) else "").replace("$", "").strip()
    try:  # a comma groups thousands, and nothing else: 12,5 may be twelve and a half or a mistake
        value = float(text.replace(",", "") if _GROUPED.fullmatch(text) else text)
    except ValueError as error:
        raise Misuse("HOLDINGS_ROW", f"{name} {text!r} is not a number", where=f"{path}:{line}", fix="write it like 12.5") from error
    if value != value or abs(value) == float("inf"):
        raise Misuse("HOLDINGS_ROW", f"{name} {text!r} is not a number", where=f"{path}:{line}", fix="write it like 12.5")
    return value
