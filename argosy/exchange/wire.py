"""How the exchange writes and reads numbers, times, names and refusals; it never decides whether an order is good."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import Any
from zoneinfo import ZoneInfo

from argosy.core.errors import Misuse, Rejected
from argosy.core.time import SECOND, iso, parse

LOT = Decimal("1E-9")
PER_SHARE = 1_000_000_000
"""Integer lots in one share: nine decimals, as the venue counts fractions."""
PER_USD = 1_000_000
EASTERN = ZoneInfo("America/New_York")
_NUMBER = re.compile(r"[+-]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][+-]?[0-9]{1,3})?")
"""A number as clients write it: no spaces, no underscores, no digits of other scripts, and no NaN."""

Body = dict[str, Any]


class Refusal(Rejected):
    """A definite no of the exchange, as it goes over the wire.

    status: HTTP status; number: the venue's code, 0 for bodies that have none; extra: further keys of the body
    """

    def __init__(self, status: int, number: int, message: str, **extra: Any) -> None:
        super().__init__(f"ALPACA_{number or status}", message)
        self.status = status
        self.number = number
        self.extra = extra

    @property
    def body(self) -> Body:
        """The JSON of it; without `code` where the venue gives none."""
        head: Body = {"code": self.number} if self.number else {}
        return {**head, "message": self.what, **self.extra}


def invalid(message: str, **extra: Any) -> Refusal:
    """422 for a parameter that cannot be read or is not allowed there."""
    return Refusal(422, 40010001, message, **extra)


def unfit(message: str, **extra: Any) -> Refusal:
    """422 for a business rule."""
    return Refusal(422, 42210000, message, **extra)


def forbidden(message: str, **extra: Any) -> Refusal:
    """403 for what the account may not do now."""
    return Refusal(403, 40310000, message, **extra)


def absent(message: str) -> Refusal:
    """404 for what is not there."""
    return Refusal(404, 40410000, message)


def name(seed: int, kind: str, number: int) -> str:
    """The same uuid for the same seed, kind and number, so that a session can be repeated."""
    h = blake2b(f"{seed}/{kind}/{number}".encode(), digest_size=16).hexdigest()
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"


@lru_cache(maxsize=4096)
def _second(second: int) -> str:
    return iso(second * SECOND + 1)[:19]


def stamp(ns: int) -> str:
    """RFC 3339 in UTC with nine digits."""
    second, rest = divmod(ns, SECOND)
    return f"{_second(second)}.{rest:09d}Z"


def when(text: str, field: str) -> int:
    """ns of a date or time in a query; 422 when it is none."""
    try:
        return parse(text.replace(" ", "+"))
    except Misuse:
        raise invalid(f"invalid {field}: {text}") from None


def shares(lots: int) -> str:
    """Shares of integer lots without trailing zeros: 1500000000 -> "1.5"."""
    whole, rest = divmod(abs(lots), PER_SHARE)
    text = f"{whole}.{rest:09d}".rstrip("0").rstrip(".") if rest else str(whole)
    return "-" + text if lots < 0 else text


def dollars(units: int) -> str:
    """Dollars of integer units, exact, at least two decimals where there is a fraction: 1234500000 -> "1234.50"."""
    whole, rest = divmod(abs(units), PER_USD)
    text = str(whole)
    if rest:
        fraction = f"{rest:06d}".rstrip("0")
        text += "." + fraction.ljust(2, "0")
    return "-" + text if units < 0 else text


def price_text(price: float) -> str | None:
    """A price as the venue writes it, None for nan."""
    if price != price:
        return None
    return f"{price:.4f}".rstrip("0").rstrip(".")


def number(value: Any, field: str) -> Decimal:
    """A decimal that came as a JSON number or as text; 422 for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise invalid(f"{field} must be a number")
    text = str(value)
    if not _NUMBER.fullmatch(text):
        raise invalid(f"{field} must be a number")
    found = Decimal(text)
    if (found and not -30 <= found.adjusted() <= 9) or abs(found) > Decimal("1E9"):
        raise invalid(f"{field} must be a number")
    return found


def digits(text: str) -> bool:
    """Whether a text of a query is a whole number, of at most nine ASCII digits."""
    return len(text) <= 9 and text.isascii() and text.isdigit()


def flag(value: Any, field: str) -> bool:
    """A boolean as clients send it: true, "True", "1"."""
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text in ("true", "1", "t"):
        return True
    if text in ("false", "0", "f", ""):
        return False
    raise invalid(f"{field} must be a boolean")
