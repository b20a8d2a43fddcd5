"""Money as integers: each currency counts in its own smallest unit, so that sums are exact; no rate is ever applied here."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from argosy.core.errors import Misuse

FIAT = frozenset("USD EUR GBP JPY CHF CAD AUD NZD SEK NOK DKK HKD SGD CNY INR KRW MXN BRL ZAR PLN TRY".split())
"""Currencies counted in millionths; every other is a token, counted in hundred-millionths."""

INT_LIMIT = 1 << 62
"""Amounts at or beyond this size (in units) are refused before they are booked."""


def unit(currency: str) -> Decimal:
    """The value of one integer unit: Decimal("0.000001") for fiat, Decimal("0.00000001") for tokens."""
    return Decimal("1E-6") if currency in FIAT else Decimal("1E-8")


def per_one(currency: str) -> int:
    """Integer units in one whole currency: 1_000_000 for USD, 100_000_000 for BTC."""
    return 1_000_000 if currency in FIAT else 100_000_000


def to_units(amount: Decimal | int | float | str, currency: str) -> int:
    """Units of `amount`, rounded half-even; floats go through their shortest text, so 0.1 is exactly a tenth.

    Raises Misuse("MONEY") when the amount is not finite or too large to book.
    """
    try:
        value = Decimal(str(amount))
    except ArithmeticError as error:
        raise Misuse("MONEY", f"{amount!r} is not an amount of {currency}") from error
    if value.is_finite() and value.adjusted() < 20:  # so that it is rounded once, from the amount as it was written
        units = int(value.quantize(unit(currency), ROUND_HALF_EVEN) * per_one(currency))
        if abs(units) < INT_LIMIT:
            return units
    raise Misuse("MONEY", f"{amount} {currency} cannot be booked", fix="amounts stay below 4.6e18 units")


def from_units(units: int, currency: str) -> Decimal:
    """The exact decimal amount of integer `units`."""
    return Decimal(units) * unit(currency)


def money_text(units: int, currency: str = "USD") -> str:
    """Units as people read them: "12,345.67 USD" (cents for fiat, eight places for tokens)."""
    places = 2 if currency in FIAT else 8
    return f"{from_units(units, currency):,.{places}f} {currency}"
