"""Files that are what they claim, and those that are not: each is told by its content, with the place and what to do."""

import gzip
from io import BytesIO

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core.errors import Misuse
from argosy.data.table import open_table

HEAD = "date,open,high,low,close,volume\n"
ROWS = "".join(f"2024-01-{day:02d},{day},{day + 1},{day - 0.5},{day + 0.5},100\n" for day in range(2, 12))
PLAIN = (HEAD + ROWS).encode()


def parquet():
    buffer = BytesIO()
    pl.read_csv(PLAIN).write_parquet(buffer)
    return buffer.getvalue()


def opened(tmp_path, data, name="f.csv", columns=()):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return open_table(path, columns)


def texts(table):
    return [column.cast(pl.String).to_list() for column in table.columns]


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        b"\xef\xbb\xbf" + PLAIN,
        PLAIN.decode().encode("utf-16"),
        PLAIN.decode().encode("utf-16-le"),
        PLAIN.replace(b"\n", b"\r\n"),
        PLAIN.replace(b"\n", b"\r"),
        PLAIN.replace(b",", b";"),
        PLAIN.replace(b",", b"\t"),
        PLAIN.replace(b",", b"|"),
        gzip.compress(PLAIN),
        PLAIN.rstrip(b"\n"),
        PLAIN.replace(b"2024-01-02", b'"2024-01-02"'),
        PLAIN.replace(b"\n", b",\n"),  # a delimiter at the end of each line
    ],
    ids="plain bom utf16 utf16le crlf cr semicolon tab pipe gzip no-last-newline quoted trailing".split(),
)
def test_one_table_in_many_coats(tmp_path, data):
    table = opened(tmp_path, data)
    expected = [line.split(",") for line in ROWS.splitlines()]
    assert table.names == HEAD.strip().split(",") and table.header == 1
    assert texts(table) == [list(column) for column in zip(*expected, strict=True)]
    assert table.lines.tolist() == list(range(2, 12)) and len(table.ragged) == 0


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        (b"", "INGEST_EMPTY", "empty"),
        (b" \n\n ", "INGEST_EMPTY", "empty"),
        (b"# only words\n#\n", "INGEST_EMPTY", "no rows"),
        (HEAD.encode(), "INGEST_NO_ROWS", "header and no rows"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "INGEST_FORMAT", "a PNG picture"),
        (b"PK\x03\x04" + bytes(50), "INGEST_FORMAT", "a zip archive"),
        (b"SQLite format 3\x00" + bytes(50), "INGEST_FORMAT", "an SQLite database"),
        (b"%PDF-1.7", "INGEST_FORMAT", "a PDF"),
        (bytes(range(256)) * 8, "INGEST_BINARY", "binary"),
        (b"<!DOCTYPE html><html>403</html>", "INGEST_HTML", "a web page"),
        (b'{"error": "key"}', "INGEST_JSON", "no table of prices is in this document: error"),
        (gzip.compress(PLAIN)[:60], "INGEST_GZIP", "damaged"),
        (b"x" * 1_000_000, "INGEST_COLUMNS", "single column"),
        (b"price\n1\n2\n", "INGEST_COLUMNS", "single column"),
        (b"1,2\n3,4\n", "INGEST_COLUMNS", "no header"),
        (parquet()[:200], "INGEST_PARQUET", "cut short"),
        (parquet()[:60] + parquet()[-60:], "INGEST_PARQUET", "damaged"),
        (b"PAR1", "INGEST_PARQUET", "cut short"),
    ],
)
def test_what_it_is_not_is_said_by_name(tmp_path, data, code, said):
    with pytest.raises(Misuse) as caught:
        opened(tmp_path, data)
    assert (caught.value.code, caught.value.exit_status) == (code, 2)
    assert said in caught.value.what and "f.csv" in caught.value.where and caught.value.fix


def test_a_folder_and_a_file_that_is_not_there(tmp_path):
    with pytest.raises(Misuse, match=r"INGEST_FILE.*a folder"):
        open_table(tmp_path)
    with pytest.raises(Misuse, match=r"INGEST_FILE.*No such file"):
        open_table(tmp_path / "none.csv")
    with pytest.raises(Misuse, match=r"INGEST_FILE") as caught:
        open_table(tmp_path / ("x" * 5000))
    assert "too long" in caught.value.what


def test_rows_of_another_width_are_set_apart_with_their_lines(tmp_path):
    table = opened(tmp_path, "a,b,c\n1,2,3\n4,5\n6,7,8,9\n\n# said\n10,11,12\n")
    assert texts(table) == [["1", "10"], ["2", "11"], ["3", "12"]]
    assert (table.lines.tolist(), table.ragged.tolist(), table.rows) == ([2, 7], [3, 4], 4)
    assert [table.text(line) for line in (3, 4, 7)] == ["4,5", "6,7,8,9", "10,11,12"]


def test_a_quote_that_never_closes_costs_one_row(tmp_path):
    table = opened(tmp_path, 'date,close,note\n2024-01-01,1,"x\n2024-01-02,2,y\n2024-01-03,3,"a,b"\n')
    assert table.columns[0].to_list()[-2:] == ["2024-01-02", "2024-01-03"]
    assert table.columns[2].to_list()[-1] == "a,b"


def test_words_above_the_header_and_a_file_without_one(tmp_path):
    table = opened(tmp_path, "Prices of X\nall rights\n" + HEAD + ROWS)
    assert table.header == 3 and table.lines[0] == 4 and "2 line(s) above" in table.notes[0]
    bare = opened(tmp_path, ROWS)
    assert bare.names == ["date", "open", "high", "low", "close", "volume"] and bare.lines[0] == 1 and bare.header == 0
    named = opened(tmp_path, "2024-01-01,5,2\n2024-01-02,6,3\n", columns=("date", "price", "size"))
    assert named.names == ["date", "price", "size"] and len(named.lines) == 2
    with pytest.raises(Misuse, match=r"INGEST_COLUMNS.*2 column names for 3"):
        opened(tmp_path, "2024-01-01,5,2\n", columns=("date", "price"))


def test_decimal_commas_do_not_become_delimiters(tmp_path):
    table = opened(tmp_path, "01.02.2024;1,5;2,5;1,0;2,0;100,5\n02.02.2024;1,5;2,5;1,0;2,0;100,5\n")
    assert table.delimiter == ";" and len(table.names) == 6


def test_a_parquet_row_is_told_as_text(tmp_path):
    table = opened(tmp_path, parquet(), "whatever.csv")
    assert table.header == 0 and table.text(1) == "2024-01-02,2,3,1.5,2.5,100"


FIELD = st.text(st.characters(codec="ascii", exclude_characters='\r\n"#,;|\t', min_codepoint=33), min_size=1, max_size=6)


@settings(max_examples=60)
@given(st.lists(st.lists(FIELD, min_size=1, max_size=5), min_size=1, max_size=12), st.booleans())
def test_no_row_is_ever_lost(tmp_path_factory, rows, comment):
    """Whatever widths the rows have, each is a row of the table or among the ragged ones, by its line."""
    text = "date,close,note\n" + "".join(",".join(row) + "\n" for row in rows) + ("# end\n" if comment else "")
    path = tmp_path_factory.mktemp("rows") / "f.csv"
    path.write_text(text)
    table = open_table(path)
    assert table.names == ["date", "close", "note"]
    seen = sorted([*table.lines.tolist(), *table.ragged.tolist()])
    assert table.rows == len(rows) and seen == list(range(2, len(rows) + 2))
    for place, line in enumerate(table.lines.tolist()):
        assert [column[place] for column in table.columns] == rows[line - 2][: len(table.names)]
