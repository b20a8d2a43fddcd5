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
from argosy.data import foreign, jsonfile
from argosy.data.columns import roles as meanings

DELIMITERS = (",", ";", "\t", "|")
_HEADLESS = ("date", "open", "high", "low", "close", "volume")
_NUMBER = re.compile(r"\s*[-+]?\d[\d.,:/ T+-]*Z?\s*")


class Table:
    """Columns of equal length. names: as written; lines: (R,) line (text) or row number (Parquet) of each row, from 1.

    rows: data rows that the file had, ragged ones included; ragged: lines whose number of fields was wrong;
    header: line of the column names, 0 when there is none; text(line): the row as written; delimiter: "" for Parquet;
    notes: what had to be assumed.
    """

    def __init__(
        self,
        path: Path,
        names: Sequence[str],
        columns: Sequence[pl.Series],
        lines: NDArray[np.int64],
        *,
        ragged: Sequence[int] = (),
        source: str | pl.DataFrame = "",
        delimiter: str = "",
        header: int = 0,
        notes: Sequence[str] = (),
    ) -> None:
        self.path = path
        self.names = list(names)
        self.columns = list(columns)
        self.lines = lines
        self.ragged = np.asarray(ragged, dtype=np.int64)
        self.rows = len(lines) + len(ragged)
        self.delimiter = delimiter
        self.header = header
        self.notes = list(notes)
        self._source = source
        self._lines: list[str] = []

    def text(self, line: int) -> str:
        """The row of a line, as the file has it (Parquet: its values with commas between)."""
        if isinstance(self._source, pl.DataFrame):
            return ",".join("" if value is None else str(value) for value in self._source.row(line - 1))
        if not self._lines:
            self._lines = self._source.split("\n")
        return self._lines[line - 1]

    def below(self, line: int) -> Table:
        """The same table without the rows of the first lines, up to `line`."""
        keep = self.lines > line
        columns = [column.filter(pl.Series(keep)) for column in self.columns]
        return Table(
            self.path, self.names, columns, self.lines[keep], ragged=[at for at in self.ragged.tolist() if at > line], source=self._source,
            delimiter=self.delimiter, header=self.header, notes=self.notes,
        )  # fmt: skip

    def long(self, keep: int, wide: Sequence[int], key: str, value: str) -> Table:
        """The same table with a row for each cell of the `wide` columns: column `keep`, the cell's column name, the cell."""
        names = pl.Series(key, np.repeat(np.array([self.names[i] for i in wide], dtype=object), len(self.lines)).tolist())
        columns = [pl.concat([self.columns[keep]] * len(wide)), names, pl.concat([self.columns[i].rename(value) for i in wide])]
        return Table(
            self.path, [self.names[keep], key, value], columns, np.tile(self.lines, len(wide)), ragged=self.ragged.tolist(),
            source=self._source, delimiter=self.delimiter, header=self.header, notes=self.notes,
        )  # fmt: skip


def open_table(path: Path, columns: Sequence[str] = ()) -> Table:
    """Read a CSV (plain or gzip, any of , ; tab |), Parquet, Feather or JSON file. columns: names for a file without a header.

    Raises Misuse: INGEST_FILE (cannot be opened), INGEST_EMPTY, INGEST_NO_ROWS, INGEST_GZIP, INGEST_PARQUET, INGEST_JSON
    (damaged), INGEST_HTML, INGEST_FORMAT (another format), INGEST_BINARY, INGEST_COLUMNS (one column, or no header), and
    those of `foreign` for what belongs to another room.
    """
    where = str(path)
    try:
        if path.is_dir():
            raise Misuse("INGEST_FILE", "this is a folder, not a file", where=where, fix="name one of the files in it")
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", "") or str(error) or type(error).__name__
        raise Misuse("INGEST_FILE", f"the file cannot be read: {reason}", where=where, fix="check the path") from error
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise Misuse("INGEST_GZIP", f"the gzip file is damaged: {error}", where=where, fix="download it again") from error
    if not data.strip():
        raise Misuse("INGEST_EMPTY", "the file is empty", where=where, fix="export it again")
    if data[:4] == b"PAR1" or data[:6] == b"ARROW1":
        return _parquet(path, data)
    if data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"[", b"{"):
        frame, notes = jsonfile.frame(where, data.removeprefix(b"\xef\xbb\xbf"), columns)
        return _framed(path, frame, notes)
    return _text(path, *_decode(where, data), columns)


_MAGIC = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook"), (b"%PDF", "a PDF"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file"), (b"\x89HDF", "an HDF5 file"), (b"BZh", "a bzip2 file"), (b"\xfd7zXZ", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"), (b"\x89PNG", "a PNG picture"), (b"\xff\xd8\xff", "a JPEG picture"), (b"GIF8", "a GIF picture"),
    (b"SQLite format 3", "an SQLite database"), (b"7z\xbc\xaf", "a 7z archive"), (b"\x93NUMPY", "a NumPy file"), (b"\x7fELF", "a program"),
)  # fmt: skip
"""How other formats begin."""


def _decode(where: str, data: bytes) -> tuple[str, list[str]]:
    """The text of a file, with lines ended by \\n, and what had to be assumed."""
    for magic, name in _MAGIC:
        if data.startswith(magic):
            raise Misuse("INGEST_FORMAT", f"this is {name}, not CSV or Parquet", where=where, fix="unpack or export it as CSV or Parquet")
    head = data[:65_536]
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    if wide or (len(head) > 8 and not any(head[1:64:2]) and all(head[0:64:2])):
        try:
            return _lined(data.decode("utf-16" if wide else "utf-16-le")), ["the text is UTF-16"]
        except UnicodeDecodeError as error:
            raise Misuse("INGEST_BINARY", "the file is not text", where=where, fix="export it as CSV in UTF-8") from error
    control = sum(byte < 32 and byte not in b"\t\n\r\f\v" for byte in head)
    if b"\x00" in data or control > 0.01 * len(head):
        raise Misuse("INGEST_BINARY", "the file is binary, whatever its name says", where=where, fix="export it as CSV or Parquet")
    notes: list[str] = []
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        if sum(byte > 127 for byte in head) > 0.3 * len(head):
            raise Misuse("INGEST_BINARY", "the file is not text", where=where, fix="export it as CSV in UTF-8") from None
        text = data.decode("latin-1")
        notes.append("the text is not UTF-8: read as Latin-1")
    start = text[:1_000].lstrip()[:200].lower()
    if start.startswith("<") and ("html" in start or "<!doctype" in start or "<?xml" in start or "<head" in start):
        raise Misuse("INGEST_HTML", "this is a web page, not prices", where=where, fix="the download failed: look at it, fetch again")
    foreign.in_text(where, text[:20_000])
    return _lined(text), notes


def _lined(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _text(path: Path, text: str, notes: list[str], given: Sequence[str]) -> Table:
    where = str(path)
    lines = text.split("\n", 200)
    body = [i for i, line in enumerate(lines[:200]) if _told(line)]
    if len(body) < min(50, len(lines) - 1):  # many comments: look at all of it
        lines = text.split("\n")
        body = [i for i, line in enumerate(lines) if _told(line)]
    if not body:
        raise Misuse("INGEST_EMPTY", "the file has no rows", where=where, fix="export it again")
    delimiter = _delimiter([lines[i] for i in body[:50]])
    if delimiter == "":
        raise Misuse(
            "INGEST_COLUMNS", "no delimiter found: the file has a single column", where=f"{where}:{body[0] + 1}",
            fix="separate the columns with commas, semicolons, tabs or |",
        )  # fmt: skip
    # words above the header: start at the first line that has as many fields as most lines
    widths = [len(_fields(lines[i], delimiter)) for i in body[:50]]
    usual = max(set(widths), key=lambda width: (widths.count(width), width))
    first = next((k for k, width in enumerate(widths) if width >= usual), 0)
    first = next((k for k in range(first) if _is_header(_fields(lines[body[k]], delimiter))), first)
    if first:
        notes.append(f"{first} line(s) above the header skipped")
    header = body[first] + 1
    names = [name.strip().strip("'") for name in _fields(lines[body[first]], delimiter)]
    start = header  # of the rows: so many lines are above them
    if any(_NUMBER.fullmatch(name) for name in names):
        names = _nameless(f"{where}:{header}", names, given)
        notes.append(f"no header: columns read as {', '.join(names)}")
        start, header = header - 1, 0
    elif given:
        notes.append("the file has a header: the given column names are not used")
    while names and not names[-1]:
        names.pop()  # a delimiter at the end of the header
    quick = _quick(text, start, len(names), delimiter)
    if quick is not None:
        count = len(quick[0]) if quick else 0
        numbers = np.arange(start + 1, start + 1 + count, dtype=np.int64)
        return Table(path, names, quick, numbers, source=text, delimiter=delimiter, header=header, notes=notes)
    lines = text.split("\n")
    rows = [i for i in range(start, len(lines)) if _told(lines[i])]
    if not rows:
        raise Misuse("INGEST_NO_ROWS", "the file has a header and no rows", where=f"{where}:{header}", fix="export it again with data")
    columns, good = _columns([lines[i] for i in rows], len(names), delimiter)
    numbers = np.array(rows, dtype=np.int64) + 1
    ragged = numbers[~good].tolist()
    return Table(path, names, columns, numbers[good], ragged=ragged, source=text, delimiter=delimiter, header=header, notes=notes)


def _is_header(names: Sequence[str]) -> bool:
    """Whether these words name a time and something else that prices have."""
    found = set(meanings(names))
    return bool(found & {"date", "stamp", "ms"}) and len(found) > 1


def _told(line: str) -> bool:
    """Whether a line is neither blank nor a comment."""
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _quick(text: str, skipped: int, width: int, delimiter: str) -> list[pl.Series] | None:
    """The columns below the first `skipped` lines when every line there is plain and has `width` fields; else None.

    Nothing is lost: a line with too many fields stops the reader, and then one with too few would show in the count.
    """
    if '"' in text or "#" in text or width < 2:
        return None
    at = 0
    for _ in range(skipped):
        at = text.find("\n", at) + 1
        if not at:
            return None
    data = text[at:].rstrip("\n").encode()
    if not data or data.count(delimiter.encode()) != (data.count(b"\n") + 1) * (width - 1):
        return None
    try:
        frame = pl.read_csv(BytesIO(data), has_header=False, infer_schema=False, separator=delimiter, quote_char=None)
    except pl.exceptions.PolarsError:
        return None
    if frame.shape != (data.count(b"\n") + 1, width):
        return None
    return [column.fill_null("") for column in frame.get_columns()]


def _columns(lines: list[str], width: int, delimiter: str) -> tuple[list[pl.Series], NDArray[np.bool_]]:
    """The columns of lines that are told apart one by one, and which lines have the right number of fields."""
    if any('"' in line for line in lines):
        split = [_fields(line, delimiter) for line in lines]
        good = np.array([_fits(fields, width) for fields in split])
        kept = [fields for fields, fits in zip(split, good, strict=True) if fits]
        return [pl.Series([fields[k] for fields in kept], dtype=pl.String) for k in range(width)], good
    lists = pl.Series(lines, dtype=pl.String).str.split(delimiter)
    length = lists.list.len().to_numpy()
    extra = lists.list.slice(width).list.join("").str.strip_chars().str.len_bytes().to_numpy()
    good = (length == width) | ((length > width) & (extra == 0))
    lists = lists.filter(pl.Series(good))
    return [lists.list.get(k) for k in range(width)], good


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
    """That of a line that reads as a header, else what gives most lines the same number of fields, two or more; "" for none.

    Of equals a comma is the last choice: between semicolons it parts decimals.
    """
    for line in lines[:20]:
        for delimiter in DELIMITERS:
            if _is_header(_fields(line, delimiter)):
                return delimiter
    best, score = "", (0.0, False, 0)
    for delimiter in DELIMITERS:
        widths = [len(_fields(line, delimiter)) for line in lines]
        usual = max(set(widths), key=lambda width: (widths.count(width), width))
        found = (widths.count(usual) / len(widths), delimiter != "," and usual > 2, usual)
        if usual > 1 and found > score:
            best, score = delimiter, found
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
    name, last = ("Parquet", b"PAR1") if data[:4] == b"PAR1" else ("Feather", b"ARROW1")
    broken = Misuse("INGEST_PARQUET", f"the {name} file is damaged or cut short", where=where, fix="download or export it again")
    if len(data) < 12 or not data.endswith(last):
        raise broken
    try:
        frame = pl.read_parquet(BytesIO(data)) if name == "Parquet" else pl.read_ipc(BytesIO(data))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        raise broken from error
    if not len(frame):
        raise Misuse("INGEST_NO_ROWS", "the file has columns and no rows", where=where, fix="export it again with data")
    return _framed(path, frame)


def _framed(path: Path, frame: pl.DataFrame, notes: Sequence[str] = ()) -> Table:
    lines = np.arange(1, len(frame) + 1, dtype=np.int64)
    return Table(path, frame.columns, frame.get_columns(), lines, source=frame, notes=notes)
