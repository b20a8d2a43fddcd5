"""What Alpaca made of a request: yes, a definite no, or nobody knows; a time-out is never a no."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Generic, TypeVar

import msgspec

from argosy.net.outcome import Answered, Failed, Outcome
from argosy.venues.alpaca.codec import WireError, number, plain, record

T = TypeVar("T")
NOT_SENT = "NOT_SENT"
NOT_UNIQUE = "must be unique"
NOT_FOUND = 404


class Accepted(msgspec.Struct, Generic[T], frozen=True):
    """Alpaca did it. value: what it answered."""

    value: T


class Refused(msgspec.Struct, frozen=True):
    """Alpaca definitely did not do it.

    code: Alpaca's number as text, HTTP_<status> where its body had none, NOT_SENT where not one byte went out
    numbers: what it compared, by its own names
    """

    code: str
    text: str = ""
    status: int = 0
    numbers: dict[str, Decimal] = {}


class Ambiguous(msgspec.Struct, frozen=True):
    """It may have been done or not. cause: name of the failure, or HTTP_<status>."""

    cause: str


Answer = Accepted[T] | Refused | Ambiguous


def read(outcome: Outcome) -> Accepted[Any] | Refused | Ambiguous:
    """The answer that an outcome is, with plain values; an empty body is None."""
    if isinstance(outcome, Failed):
        return Ambiguous(outcome.cause) if outcome.sent else Refused(NOT_SENT, outcome.cause)
    if outcome.ok:
        if not outcome.body:
            return Accepted(None)
        try:
            return Accepted(plain(outcome.body))
        except ValueError:
            return Ambiguous("BROKEN_REPLY")
    if 400 <= outcome.status < 500 and outcome.status != 408:
        return _refused(outcome)
    return Ambiguous(f"HTTP_{outcome.status}")


def _refused(outcome: Answered) -> Refused:
    try:
        body = plain(outcome.body)
    except ValueError:
        body = {}
    error = record(WireError, body)
    numbers = {key: value for key, told in error.odd.items() if isinstance(told, str | int | float) and (value := number(told)) is not None}
    code = str(error.code) if error.code else f"HTTP_{outcome.status}"
    return Refused(code, error.message, outcome.status, numbers)
