"""`argosy data` as an owner types it: what it prints, how it fails, and that a backtest runs on what was imported."""

import re
import time

import polars as pl
import pytest

HEAD = "date,open,high,low,close,volume\n"


def rows(first=2, last=30, add=0.0):
    return "".join(f"2024-01-{d:02d},{d + add},{d + add + 1},{d + add - 0.5},{d + add + 0.5},100\n" for d in range(first, last))


@pytest.fixture
def spy(tmp_path):
    (tmp_path / "SPY.csv").write_text(HEAD + rows())


def test_import_says_what_it_kept_and_what_comes_next(shell, spy):
    told = shell("data", "import", "SPY.csv")
    assert (told.code, told.err) == (0, "")
    assert "✓ SPY.csv  28 rows in, 28 bars kept, 0 rejected" in told.out
    assert re.search(r"SPY\s+28\s+2024-01-02\s+2024-01-29\s+1d", told.out)
    next_ = re.search(r"next\s+argosy (.+)", told.out)[1]
    assert shell(*next_.split()).code == 0


def test_a_backtest_on_imported_prices_is_one_on_the_file(shell, spy):
    shell("data", "import", "SPY.csv", "--catalog", "shelf")
    direct = shell("backtest", "buy_and_hold", "--data", "SPY.csv", "--json").json
    kept = shell("backtest", "buy_and_hold", "--data", "shelf", "--json").json
    assert kept["stats"] == direct["stats"] and kept["fills"] == direct["fills"] == 1
    assert kept["bars"] == 28


def test_sessions_and_splits_reach_the_backtest(shell, tmp_path):
    text = "Date,Open,High,Low,Close,Adj Close,Volume\n"
    for day in (2, 3, 4, 5, 8, 9, 10, 11, 12):
        price = 100 if day < 9 else 50
        text += f"2024-01-{day:02d},{price},{price},{price},{price},50,1000\n"
    (tmp_path / "X.csv").write_text(text)
    assert "1 splits and 0 dividends" in shell("data", "import", "X.csv", "--calendar", "XNYS").out
    told = shell("backtest", "buy_and_hold", "--json").json
    assert abs(told["stats"]["total_return"]) < 0.001  # the split is no loss
    assert [row["kind"] for row in shell("data", "list", "--json").json] == ["actions", "bar"]


def test_refused_rows_are_shown_and_kept_in_a_file(shell, tmp_path):
    (tmp_path / "SPY.csv").write_text(HEAD + rows() + "2024-02-01,1,2,3,1,5\n2024-02-02,x,2,1,1,5\n2024-02-03,y,2,1,1,5\n")
    told = shell("data", "import", "SPY.csv")
    assert told.code == 0 and "! SPY.csv  31 rows in, 28 bars kept, 3 rejected" in told.out
    assert "rejected 2: open is not a number" in told.out and "row 31: 2024-02-02,x,2,1,1,5" in told.out
    assert told.out.index("open is not a number") < told.out.index("high is below low")  # the most frequent first
    kept = pl.read_csv(tmp_path / "data" / "rejected" / "SPY.csv")
    assert kept["line"].to_list() == [30, 31, 32] and kept["text"][1] == "2024-02-02,x,2,1,1,5"
    machine = shell("data", "import", "SPY.csv", "--json").json
    assert (machine["rows_in"], machine["rows_kept"], machine["rows_rejected"]) == (31, 28, 3)
    assert machine["reasons"] == {"high is below low": 1, "open is not a number": 2}


def test_replacing_is_said_and_merging_adds(shell, tmp_path, spy):
    shell("data", "import", "SPY.csv")
    (tmp_path / "more.csv").write_text(HEAD + "".join(f"2024-02-{d:02d},5,6,4,5,100\n" for d in range(1, 11)))
    assert shell("data", "import", "more.csv", "--symbol", "SPY", "--merge", "--json").code == 0
    assert shell("data", "list", "--json").json[0]["rows"] == 38
    told = shell("data", "import", "more.csv", "--symbol", "SPY")
    assert "the 38 rows of 1d that were there are replaced (--merge adds)" in told.out
    assert shell("data", "list", "--json").json[0]["rows"] == 10


def test_show_list_inspect_check_remove_reindex(shell, tmp_path, spy):
    shell("data", "import", "SPY.csv", "--origin", "a friend", "--licence", "ours")
    (entry,) = shell("data", "list", "--json").json
    assert (entry["symbol"], entry["origin"], entry["licence"]) == ("SPY", "a friend", "ours")
    assert "a friend" in shell("data", "list").out
    assert [row["close"] for row in shell("data", "show", "SPY", "-n", "2", "--json").json] == [2.5, 3.5]
    assert [row["close"] for row in shell("data", "show", "SPY", "-n", "2", "--last", "--json").json] == [28.5, 29.5]
    assert "no row" in shell("data", "show", "SPY", "--start", "2030-01-01").out
    assert "SPY  bar  28 rows" in shell("data", "inspect", "SPY").out
    assert "1 of 1 files are whole, 28 rows" in shell("data", "check").out
    (tmp_path / "data" / entry["path"]).write_bytes(b"hello")
    broken = shell("data", "check", "--json")
    assert broken.code == 1 and broken.json["ok"] is False and "not those" in broken.json["files"][0]["what"]
    told = shell("data", "check")
    assert told.code == 1 and "import a friend again" in told.err and "0 of 1 files" in told.out
    assert "0 files" in shell("data", "reindex").out
    shell("data", "import", "SPY.csv")
    assert "removed SPY bar 1d, 28 rows" in shell("data", "remove", "SPY").out
    assert "is empty" in shell("data", "list").out


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("png.csv", b"\x89PNG\r\n\x1a\n" + bytes(99), "INGEST_FORMAT"),
        ("empty.csv", b"", "INGEST_EMPTY"),
        ("head.csv", HEAD.encode(), "INGEST_NO_ROWS"),
        ("cut.parquet", b"PAR1" + bytes(99), "INGEST_PARQUET"),
        ("noise.csv", bytes(range(256)), "INGEST_BINARY"),
        ("cut.csv.gz", b"\x1f\x8b\x08" + bytes(9), "INGEST_GZIP"),
        ("page.csv", b"<html>403</html>", "INGEST_HTML"),
        ("either.csv", b"date,open,high,low,close\n3/4/2021,1,2,1,2\n", "INGEST_DATES"),
        ("twice.csv", (HEAD + "2024-01-02,1,2,1,1,1\n2024-01-02,1,2,1,2,1\n").encode(), "INGEST_CONFLICT"),
        ("2024.csv", (HEAD + rows()).encode(), "INGEST_SYMBOL"),
    ],
)
def test_a_file_that_is_not_what_it_claims(shell, tmp_path, name, data, code):
    (tmp_path / name).write_bytes(data)
    told = shell("data", "import", name, "--json")
    assert (told.code, told.error["code"], told.error["exit_status"]) == (2, code, 2)
    assert name in told.error["where"] and told.error["what"] and told.error["fix"]
    said = shell("data", "import", name)
    assert said.code == 2 and said.out == "" and code in said.err and "fix" in said.err and "Traceback" not in said.err
    assert not (tmp_path / "data" / "manifest.json").exists()


@pytest.mark.parametrize(
    ("words", "code", "fix"),
    [
        (("import", "SPX.csv"), "DATA_FILE", "did you mean SPY.csv?"),
        (("import", "SPY.csv", "--kind", "candle"), "DATA_OPTION", "bar or quote or trade"),
        (("import", "SPY.csv", "--dates", "ymd"), "DATA_OPTION", "mdy or dmy"),
        (("import", "SPY.csv", "--every", "5x"), "SPAN", ""),
        (("import", "SPY.csv", "--calendar", "XNYZ"), "CALENDAR_UNKNOWN", "XNYS"),
        (("import", "SPY.csv", "--catalog", "SPY.csv"), "CATALOG_FOLDER", "--catalog DIR"),
        (("import", "SPY.csv", "--symbol", "  "), "CATALOG_SYMBOL", "letters"),
        (("import", "SPY.csv", "--delay-ms", "-1"), "USAGE", "--help"),
        (("import",), "USAGE", "--help"),
        (("show", "IBM"), "CATALOG_SYMBOL", "argosy data import"),
        (("inspect", "IBM"), "CATALOG_SYMBOL", "argosy data import"),
        (("remove", "IBM"), "CATALOG_SYMBOL", "argosy data import"),
        (("list", "--config", "none.toml"), "SETTINGS_FILE", "--config"),
    ],
)
def test_misuse_is_named_with_its_fix(shell, spy, words, code, fix):
    told = shell("data", *words, "--json")
    assert (told.code, told.error["code"]) == (2, code) and fix in told.error["fix"]


def test_an_earlier_import_outlives_a_later_failure(shell, tmp_path, spy):
    shell("data", "import", "SPY.csv")
    before = shell("data", "show", "SPY", "-n", "100", "--json").json
    (tmp_path / "SPY.csv").write_bytes(b"PK\x03\x04")
    assert shell("data", "import", "SPY.csv").code == 2
    assert shell("data", "show", "SPY", "-n", "100", "--json").json == before


@pytest.mark.parametrize("command", ["import", "list", "show", "inspect", "check", "remove", "reindex"])
def test_help_has_an_example(shell, command):
    assert f"argosy data {command}" in shell("data", command, "--help").out


def test_a_hundred_thousand_minutes_take_a_moment(shell, tmp_path):
    """Half a second here; the bound is wide because the machines that run this are busy."""
    import numpy as np

    count = 100_000
    ts = np.datetime64("2020-01-01", "us") + np.arange(count) * np.timedelta64(60_000_000, "us")
    close = np.round(100 + np.sin(np.arange(count) / 999), 4)
    frame = pl.DataFrame({"timestamp": ts, "open": close, "high": close + 1, "low": close - 1, "close": close, "volume": 5})
    frame.write_csv(tmp_path / "BTCUSDT_1m.csv")
    begun = time.perf_counter()
    told = shell("data", "import", "BTCUSDT_1m.csv", "--json")
    assert told.code == 0 and told.json["rows_kept"] == count
    assert time.perf_counter() - begun < 10
