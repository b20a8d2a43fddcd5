"""Columns of a chart packed into short texts: whole steps, differences, then base64; it never changes a number it is given.

A packed column is [multiply, divide, text]: value = step * multiply / divide. The text is base64 of a byte string, one
variable-length number a row (seven bits a byte, lowest first): 0 for a missing value, else 1 + the zigzag of the difference
of its step to that of the last row that has one.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from math import gcd

Packed = tuple[int, int, str]
Sayings = tuple[list[str], list[str]]
"""Sentences without their figures, each figure a "\x00"; and for each text "sentence figure figure ...", split by spaces."""
_FIGURE = re.compile(r"\d[\d.,]*")


def whole(values: Sequence[int]) -> Packed:
    """Whole numbers, exactly; their greatest common divisor is taken out."""
    multiply = gcd(*values) or 1
    return multiply, 1, _text([value // multiply for value in values])


def decimal(values: Sequence[float | int | None], places: int) -> Packed:
    """Numbers of at most `places` decimals; ValueError when one has more, for then something would be lost."""
    divide = 10**places
    steps = [None if value is None else round(value * divide) for value in values]
    for value, step in zip(values, steps, strict=True):
        if value is not None and step is not None and abs(step / divide - value) > 1e-9 * max(1.0, abs(value)):
            raise ValueError(f"{value} has more than {places} decimals")
    return 1, divide, _text(steps)


def unpack(packed: Packed) -> list[float | None]:
    """What `whole` or `decimal` packed."""
    multiply, divide, text = packed
    out: list[float | None] = []
    last = number = shift = 0
    for byte in b64decode(text):
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            if number:
                last += ((number - 1) >> 1) ^ -((number - 1) & 1)
            out.append(last * multiply / divide if number else None)
            number = shift = 0
    return out


def texts(values: Sequence[str]) -> Sayings:
    """Texts that differ in their figures alone: what strategies say of their trades."""
    sentences: dict[str, int] = {}
    rows = []
    for value in values:
        place = sentences.setdefault(_FIGURE.sub("\x00", value), len(sentences))
        rows.append(" ".join((str(place), *_FIGURE.findall(value))))
    return list(sentences), rows


def untext(sayings: Sayings) -> list[str]:
    """What `texts` packed."""
    sentences, rows = sayings
    out = []
    for row in rows:
        place, *figures = row.split(" ")
        parts = sentences[int(place)].split("\x00")
        out.append("".join(part + figure for part, figure in zip(parts, (*figures, ""), strict=True)))
    return out


def _text(steps: Sequence[int | None]) -> str:
    data = bytearray()
    last = 0
    for step in steps:
        number = 0
        if step is not None:
            number = 1 + (2 * (step - last) if step >= last else 2 * (last - step) - 1)
            last = step
        while number > 127:
            data.append(number & 127 | 128)
            number >>= 7
        data.append(number)
    return b64encode(data).decode()
