"""A value that must not be seen: it shows itself as stars everywhere, and is unveiled only where it is sent."""

from __future__ import annotations

import json
import logging
from typing import NoReturn
from urllib.parse import quote, quote_plus

SHOWN = "***"
SHORTEST = 6
"""Values shorter than this are not looked for in texts: they would be found everywhere."""


class Secret:
    """A text that no print, format, log line, pickle or traceback shows."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself; for the line that sends it."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({SHOWN})"

    def __str__(self) -> str:
        return SHOWN

    def __format__(self, spec: str) -> str:
        return SHOWN

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        from hmac import compare_digest

        return isinstance(other, Secret) and compare_digest(self._value.encode(), other._value.encode())

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")


class Veil:
    """Takes known secrets out of texts and bytes, also where they are written as a URL or JSON writes them."""

    def __init__(self, *secrets: Secret) -> None:
        plain = {one.reveal() for one in secrets if len(one.reveal()) >= SHORTEST}
        ways = {way(value) for value in plain for way in (str, _quoted, quote_plus, _escaped)}
        self._values = sorted(ways, key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text with stars in place of each secret."""
        for value in self._values:
            if value in text:
                text = text.replace(value, SHOWN)
        return text

    def bytes(self, data: bytes) -> bytes:
        """The bytes with stars in place of each secret."""
        for value in self._values:
            raw = value.encode()
            if raw in data:
                data = data.replace(raw, SHOWN.encode())
        return data


def _quoted(value: str) -> str:
    return quote(value, safe="")


def _escaped(value: str) -> str:
    return json.dumps(value)[1:-1]


class VeiledLog(logging.Filter):
    """A filter for a log's handlers: lines, arguments and tracebacks go through the veil."""

    def __init__(self, veil: Veil) -> None:
        super().__init__()
        self._veil = veil

    def filter(self, record: logging.LogRecord) -> bool:
        """Mend the record in place; nothing is ever dropped."""
        record.msg = self._veil.text(record.getMessage())
        record.args = None
        if record.exc_info:
            record.exc_text = self._veil.text(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True
