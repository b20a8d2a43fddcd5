"""A year's sales as rows in the columns of Form 8949, with their sums; to be read beside the broker's own papers, and no tax advice."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

from argosy.core.errors import Misuse
from argosy.core.money import FIAT, from_units
from argosy.lab.taxes.book import Sale
from argosy.lab.taxes.reckon import Account

HEADS = (
    "Description of property", "Date acquired", "Date sold or disposed of", "Proceeds", "Cost or other basis", "Code",
    "Amount of adjustment", "Gain or loss", "Term", "Symbol", "Quantity", "Side", "Opened", "Wash-sale loss in basis",
)  # fmt: skip
"""Columns (a) to (h) of the form, then what a reader wants beside them. Days as YYYY-MM-DD, amounts in the currency."""


def rows(account: Account, year: int | None = None) -> list[dict[str, Any]]:
    """The sales of a calendar year (all if left out), in order, as dicts by `HEADS`; amounts are Decimal to the cent.

    The basis holds the fees and the losses carried in; the adjustment is the loss not allowed, code W; gain or loss is proceeds
    less basis plus adjustment, of the amounts as they are shown. A short was acquired and sold on the day it was bought back.
    """
    return [_row(sale, account.currency) for sale in account.sales if year is None or sale.sold.year == year]


def _row(sale: Sale, currency: str) -> dict[str, Any]:
    proceeds, basis = _cents(sale.proceeds, currency), _cents(sale.cost + sale.deferred, currency)
    adjustment = _cents(sale.disallowed, currency)
    quantity = f"{sale.quantity:.8f}".rstrip("0").rstrip(".")
    what = f"{quantity} {sale.symbol}" + (" (short)" if sale.side < 0 else "") + (" (cash in lieu)" if sale.lieu else "")
    values = (
        what, sale.acquired.isoformat(), sale.sold.isoformat(), proceeds, basis, "W" if sale.disallowed else "", adjustment,
        proceeds - basis + adjustment, "long" if sale.long_term else "short", sale.symbol, quantity,
        "long" if sale.side > 0 else "short", sale.opened.isoformat(), _cents(sale.deferred, currency),
    )  # fmt: skip
    return dict(zip(HEADS, values, strict=True))


def sums(made: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """By term, "short", "long" and "all": sales, proceeds, basis, adjustment, gain (Decimal), washed (how many had a loss not allowed)."""
    out: dict[str, dict[str, Any]] = {}
    for term in ("short", "long", "all"):
        own = [row for row in made if term in ("all", row["Term"])]
        out[term] = {
            "sales": len(own),
            "proceeds": sum((row["Proceeds"] for row in own), Decimal(0)),
            "basis": sum((row["Cost or other basis"] for row in own), Decimal(0)),
            "adjustment": sum((row["Amount of adjustment"] for row in own), Decimal(0)),
            "gain": sum((row["Gain or loss"] for row in own), Decimal(0)),
            "washed": sum(row["Code"] == "W" for row in own),
        }
    return out


def write_csv(made: Iterable[dict[str, Any]], path: Path) -> Path:
    """Write rows with their heads, UTF-8, one sale a line; the folder is made if need be. Misuse("TAX_PATH") where it cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, HEADS)
            writer.writeheader()
            writer.writerows(made)
    except OSError as error:
        raise Misuse("TAX_PATH", f"the sales cannot be written: {error.strerror}", where=str(path), fix="name another file") from error
    return path


def _cents(units: int, currency: str) -> Decimal:
    """An amount to the cent (fiat) or the hundred-millionth (tokens), half-even."""
    return from_units(units, currency).quantize(Decimal("0.01") if currency in FIAT else Decimal("0.00000001"), ROUND_HALF_EVEN)
