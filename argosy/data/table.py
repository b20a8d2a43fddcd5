"""A price file as it lies: its columns as text or numbers, each row with the line it came from; nothing is judged yet.

It tells what a file is by its content, never by its name, and it never keeps a row that it could not read without
saying so.
"""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from argosy.core.errors import Misuse

DELIMITERS = (",", ";", "\t", "|")
_HEADLESS = ("date", "open", "high", "low", "close", "volume")
_NUMBER = re.compile(r"\s*[-+]?\d[\d.,:/ T+-]*Z?\s*")


class Table:
    """Columns of equal length. names: as written; lines: (R,) line (text) or row number (Parquet) of each row, from 1.

    rows: data rows that the file had, ragged ones included; ragged: lines whose number of fields was wrong;
    text(line): the row as written; delimiter: "" for Parquet; notes: what had to be assumed.
    """

    def __init__(
        self,
        path: Path,
        names: Sequence[str],
        columns: Sequence[pl.Series],
        lines: NDArray[np.int64],
        *,
        ragged: Sequence[int] = (),
        source: Sequence[str] | pl.DataFrame = (),
        delimiter: str = "",
        notes: Sequence[str] = (),
    ) -> None:
        self.path = path
        self.names = list(names)
        self.columns = list(columns)
        self.lines = lines
        self.ragged = np.asarray(ragged, dtype=np.int64)
        self.rows = len(lines) + len(ragged)
        self.delimiter = delimiter
        self.notes = list(notes)
        self._source = source

    def text(self, line: int) -> str:
        """The row of a line, as the file has it (Parquet: its values with commas between)."""
        if isinstance(self._source, pl.DataFrame):
            return ",".join("" if value is None else str(value) for value in self._source.row(line - 1))
        return self._source[line - 1]

    def long(self, keep: int, wide: Sequence[int], key: str, value: str) -> Table:
        """The same table with a row for each cell of the `wide` columns: column `keep`, the cell's column name, the cell."""
        names = pl.Series(key, np.repeat(np.array([self.names[i] for i in wide], dtype=object), len(self.lines)).tolist())
        columns = [pl.concat([self.columns[keep]] * len(wide)), names, pl.concat([self.columns[i].rename(value) for i in wide])]
        table = Table(
            self.path, [self.names[keep], key, value], columns, np.tile(self.lines, len(wide)),
            ragged=self.ragged.tolist(), source=self._source, delimiter=self.delimiter, notes=self.notes,
        )  # fmt: skip
        return table


def open_table(path: Path, columns: Sequence[str] = ()) -> Table:
    """Read a CSV (plain or gzip, any of , ; tab |) or Parquet file. columns: names for a file without a header.

    Raises Misuse: INGEST_FILE (cannot be opened), INGEST_EMPTY, INGEST_NO_ROWS, INGEST_GZIP, INGEST_PARQUET (damaged),
    INGEST_HTML, INGEST_FORMAT (another format), INGEST_BINARY, INGEST_COLUMNS (one column, or no header).
    """
    where = str(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Misuse("INGEST_FILE", f"the file cannot be read: {reason}", where=where, fix="check the path") from error
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise Misuse("INGEST_GZIP", f"the gzip file is damaged: {error}", where=where, fix="download it again") from error
    if not data.strip():
        raise Misuse("INGEST_EMPTY", "the file is empty", where=where, fix="export it again")
    if data[:4] == b"PAR1":
        return _parquet(path, data)
    return _text(path, _decode(where, data), columns)


def _decode(where: str, data: bytes) -> str:
    for magic, name in ((b"PK\x03\x04", "a zip archive"), (b"ARROW1", "an Arrow or Feather file"), (b"%PDF", "a PDF"), (b"\xd0\xcf\x11\xe0", "an old Excel file"), (b"\x89HDF", "an HDF5 file"), (b"BZh", "a bzip2 file"), (b"\xfd7zXZ", "an xz file"), (b"\x28\xb5\x2f\xfd", "a zstd file")):  # fmt: skip
        if data.startswith(magic):
            raise Misuse("INGEST_FORMAT", f"this is {name}, not CSV or Parquet", where=where, fix="unpack or export it as CSV or Parquet")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise Misuse("INGEST_BINARY", "the file is not text", where=where, fix="export it as CSV in UTF-8") from error
    head = data[:65_536]
    control = sum(byte < 32 and byte not in b"\t\n\r\f\v" for byte in head)
    if b"\x00" in data or control > 0.01 * len(head):
        raise Misuse("INGEST_BINARY", "the file is binary, whatever its name says", where=where, fix="export it as CSV or Parquet")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        if sum(byte > 127 for byte in head) > 0.3 * len(head):
            raise Misuse("INGEST_BINARY", "the file is not text", where=where, fix="export it as CSV in UTF-8") from None
        text = data.decode("latin-1")
    start = text.lstrip()[:200].lower()
    if start.startswith("<") and ("html" in start or "<!doctype" in start or "<?xml" in start or "<head" in start):
        raise Misuse("INGEST_HTML", "this is a web page, not prices", where=where, fix="the download failed: look at it, fetch again")
    if start.startswith(("{", "[")):
        raise Misuse("INGEST_FORMAT", "this is JSON, not CSV or Parquet", where=where, fix="convert it to CSV")
    return text


def _text(path: Path, text: str, given: Sequence[str]) -> Table:
    where = str(path)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    body = [i for i, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")]
    if not body:
        raise Misuse("INGEST_EMPTY", "the file has no rows", where=where, fix="export it again")
    delimiter = _delimiter([lines[i] for i in body[:50]])
    if delimiter == "":
        raise Misuse(
            "INGEST_COLUMNS", "no delimiter found: the file has a single column", where=f"{where}:{body[0] + 1}",
            fix="separate the columns with commas, semicolons, tabs or |",
        )  # fmt: skip
    notes: list[str] = []
    # words above the header: start at the first line that has as many fields as most lines
    widths = [len(_fields(lines[i], delimiter)) for i in body[:50]]
    usual = max(set(widths), key=lambda width: (widths.count(width), width))
    first = next((k for k, width in enumerate(widths) if width >= usual), 0)
    if first:
        notes.append(f"{first} line(s) above the header skipped")
    names = [name.strip().strip("'") for name in _fields(lines[body[first]], delimiter)]
    if any(_NUMBER.fullmatch(name) for name in names):
        names = _nameless(f"{where}:{body[first] + 1}", names, given)
        notes.append(f"no header: columns read as {', '.join(names)}")
        rows = body[first:]
    else:
        rows = body[first + 1 :]
        if given:
            notes.append("the file has a header: the given column names are not used")
    if not rows:
        raise Misuse("INGEST_NO_ROWS", "the file has a header and no rows", where=where, fix="export it again with data")
    while names and not names[-1]:
        names.pop()  # a delimiter at the end of the header
    width = len(names)
    numbers = np.array(rows, dtype=np.int64) + 1
    if any('"' in lines[i] for i in rows):
        split = [_fields(lines[i], delimiter) for i in rows]
        good = np.array([_fits(fields, width) for fields in split])
        kept = [fields for fields, fits in zip(split, good, strict=True) if fits]
        columns = [pl.Series(names[k], [fields[k] for fields in kept], dtype=pl.String) for k in range(width)]
    else:
        lists = pl.Series("line", [lines[i] for i in rows], dtype=pl.String).str.split(delimiter)
        length = lists.list.len().to_numpy()
        extra = lists.list.slice(width).list.join("").str.strip_chars().str.len_bytes().to_numpy()
        good = (length == width) | ((length > width) & (extra == 0))
        lists = lists.filter(pl.Series(good))
        columns = [lists.list.get(k).alias(names[k]) for k in range(width)]
    ragged = numbers[~good].tolist()
    return Table(path, names, columns, numbers[good], ragged=ragged, source=lines, delimiter=delimiter, notes=notes)


def _fields(line: str, delimiter: str) -> list[str]:
    """The fields of one line; quotes hold inside it and never reach into the next, so that no row can swallow another."""
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter), [""])
    except csv.Error:
        return line.split(delimiter)


def _fits(fields: Sequence[str], width: int) -> bool:
    return len(fields) == width or (len(fields) > width and not any(field.strip() for field in fields[width:]))


def _delimiter(lines: Sequence[str]) -> str:
    """The delimiter that gives most lines the same number of fields, two or more; "" when none does."""
    best, score = "", (0.0, 0)
    for delimiter in DELIMITERS:
        widths = [len(_fields(line, delimiter)) for line in lines]
        usual = max(set(widths), key=lambda width: (widths.count(width), width))
        if usual > 1 and (widths.count(usual) / len(widths), usual) > score:
            best, score = delimiter, (widths.count(usual) / len(widths), usual)
    return best


def _nameless(where: str, fields: Sequence[str], given: Sequence[str]) -> list[str]:
    """Names for a file without a header: those given, or date (time) open high low close volume."""
    if given:
        if len(given) != len(fields):
            raise Misuse("INGEST_COLUMNS", f"{len(given)} column names for {len(fields)} columns", where=where, fix="name each column once")
        return list(given)
    clock = len(fields) > 5 and re.fullmatch(r"\s*\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*", fields[1])
    names = ["date", "time", *_HEADLESS[1:]] if clock else list(_HEADLESS)
    if len(fields) < len(names) - 1:
        raise Misuse(
            "INGEST_COLUMNS", f"no header, and {len(fields)} columns are not date, open, high, low, close, volume",
            where=where, fix="name them: --columns date,price,size",
        )  # fmt: skip
    return (names + [f"column{k + 1}" for k in range(len(names), len(fields))])[: len(fields)]


def _parquet(path: Path, data: bytes) -> Table:
    where = str(path)
    broken = Misuse("INGEST_PARQUET", "the Parquet file is damaged or cut short", where=where, fix="download or export it again")
    if len(data) < 12 or data[-4:] != b"PAR1":
        raise broken
    try:
        frame = pl.read_parquet(BytesIO(data))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        raise broken from error
    if not len(frame):
        raise Misuse("INGEST_NO_ROWS", "the file has columns and no rows", where=where, fix="export it again with data")
    columns = frame.get_columns()
    lines = np.arange(1, len(frame) + 1, dtype=np.int64)
    return Table(path, frame.columns, columns, lines, source=frame)
