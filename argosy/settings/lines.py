"""Where each key of a settings file stands, so that a complaint can name its line; it reads no value and judges nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping

_WORD = r"(?:[\w-]+|\"[^\"]*\"|'[^']*')"
_TABLE = re.compile(r"\s*\[+\s*([^\]#]+?)\s*\]+")
_PAIR = re.compile(rf"\s*({_WORD}(?:\s*\.\s*{_WORD})*)\s*=")


def lines(text: str) -> dict[str, int]:
    """Dotted key -> its line in a TOML text, for tables and for keys; keys inside an inline table have none."""
    out: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if head := _TABLE.match(line):
            section = _bare(head[1])
            out.setdefault(section, number)
        elif pair := _PAIR.match(line):
            key = _bare(pair[1])
            out.setdefault(f"{section}.{key}" if section else key, number)
    return out


def spot(spots: Mapping[str, int], key: str) -> int:
    """The line of a key, else of the table it is in, else 0."""
    while key:
        if key in spots:
            return spots[key]
        key = key.rpartition(".")[0]
    return 0


def _bare(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))
