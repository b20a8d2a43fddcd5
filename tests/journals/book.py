"""Journals as text: a line a record, with its kind in words and its frame in base 64, so that a reviewer sees what a change changes.

    schema 1
    symbols S0 S1
    strategies busy opposite raises
    hash <state hash of the fold>
    lots 3 0
    cash 99930999957
    row <base 64 of a market row>
    record 1 Run <base 64 of the frame>

It reads and writes; it knows nothing of what a record means.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from argosy.core.events import Bar, BookDelta, Quote, Trade

HERE = Path(__file__).parent
_HEAD = struct.Struct("<QII")  # sequence, length, CRC: the layout of a frame


class Page(msgspec.Struct):
    """One committed journal. frames: all frames as they were written; rows: the market rows it refers to."""

    schema: int
    symbols: list[str]
    strategies: list[str]
    hash: str
    lots: list[int]
    cash: int
    rows: list[Any]
    frames: bytes


def cut(data: bytes) -> Iterator[bytes]:
    """The frames of a journal, one by one, undecoded."""
    at = 0
    while at < len(data):
        _, length, _ = _HEAD.unpack_from(data, at)
        end = at + _HEAD.size + length
        yield data[at:end]
        at = end


def write(path: Path, page: Page) -> None:
    """Write a page; the same page gives the same bytes."""
    lines = [
        f"schema {page.schema}", f"symbols {' '.join(page.symbols)}", f"strategies {' '.join(page.strategies)}", f"hash {page.hash}",
        f"lots {' '.join(map(str, page.lots))}", f"cash {page.cash}",
    ]  # fmt: skip
    lines += [f"row {type(row).__name__} {_text(msgspec.msgpack.encode(row))}" for row in page.rows]
    for frame in cut(page.frames):
        seq, _, _ = _HEAD.unpack_from(frame)
        lines.append(f"record {seq} {_kind(frame)} {_text(frame)}")
    path.write_text("\n".join(lines) + "\n")


def read(path: Path) -> Page:
    """Read a page back."""
    words: dict[str, list[str]] = {}
    rows, frames = [], []
    decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(Bar | Quote | Trade | BookDelta)
    for line in path.read_text().splitlines():
        name, *rest = line.split(" ")
        if name == "row":
            rows.append(decoder.decode(base64.b64decode(rest[1])))
        elif name == "record":
            frames.append(base64.b64decode(rest[2]))
        else:
            words[name] = rest
    return Page(
        int(words["schema"][0]), words["symbols"], words["strategies"], words["hash"][0], [int(word) for word in words["lots"]],
        int(words["cash"][0]), rows, b"".join(frames),
    )  # fmt: skip


def kinds(path: Path) -> set[str]:
    """The kinds of record on a page."""
    return {line.split(" ")[2] for line in path.read_text().splitlines() if line.startswith("record ")}


def pages() -> Iterable[Path]:
    """All committed journals."""
    return sorted(HERE.glob("*.txt"))


def _kind(frame: bytes) -> str:
    return str(msgspec.msgpack.decode(frame[_HEAD.size :])["type"])


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
