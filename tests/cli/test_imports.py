"""`argosy data import` of folders, plans and figures, and `argosy data fetch`, as an owner types them."""

import json

import pytest

from argosy.data import fetch

HEAD = "date,open,high,low,close,volume\n"


def bars(count=10):
    return HEAD + "".join(f"2024-01-{d:02d},{d},{d + 1},{d - 0.5},{d + 0.5},100\n" for d in range(2, 2 + count))


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "downloads"
    place.mkdir()
    (place / "SPY.csv").write_text(bars())
    (place / "IBM.csv").write_text(bars(5) + "2024-02-01,1,2,3,1,5\n")
    (place / "rates.csv").write_text("series_id,date,value\n" + "".join(f"FEDFUNDS,2024-0{m}-01,5.{m}\n" for m in range(1, 7)))
    (place / "capture.txt").write_text("wss://x.com <-> 1618678132.3\n")
    (place / ".hidden").write_text("x")
    (place / "README.md").write_text("# words")
    return place


def test_a_folder_is_brought_file_by_file_and_what_is_no_data_is_named(shell, folder):
    told = shell("data", "import", "downloads")
    assert told.code == 1
    assert "✗ capture.txt  INGEST_WIRE" in told.out and "✓ 3 files stored, 21 rows; 1 refused" in told.out
    assert "1 high is below low" in told.out
    found = shell("data", "list", "--json").json
    assert [(row["kind"], row["symbol"], row["rows"]) for row in found] == [("bar", "IBM", 5), ("bar", "SPY", 10), ("fact", "FEDFUNDS", 6)]


def test_the_same_for_machines(shell, folder):
    told = shell("data", "import", "downloads", "--json")
    assert told.code == 1 and [row["kind"] for row in told.json["files"]] == ["bar", "bar", "fact"]
    (wrong,) = told.json["refused"]
    assert wrong["code"] == "INGEST_WIRE" and wrong["where"].endswith("capture.txt:1") and wrong["fix"]


def test_a_plan_writes_nothing(shell, tmp_path, folder):
    told = shell("data", "import", "downloads/SPY.csv", "--plan")
    assert told.code == 0 and "would write   bar/SPY/1d: 10 rows, new" in told.out and "Nothing was written" in told.out
    assert "3 files would be stored" in shell("data", "import", "downloads", "--plan").out
    assert not (tmp_path / "data").exists()
    machine = shell("data", "import", "downloads/SPY.csv", "--plan", "--json").json
    assert machine["planned"] is True and machine["written"] == ["bar/SPY/1d: 10 rows, new"]


def test_figures_are_shown_with_when_they_were_known(shell, folder):
    told = shell("data", "import", "downloads/rates.csv")
    assert told.code == 0 and "6 rows in, 6 facts kept" in told.out and "month +45d" in told.out
    shown = shell("data", "show", "FEDFUNDS", "--kind", "fact", "-n", "1")
    assert "2024-01-01" in shown.out and "2024-03-17" in shown.out and "1 of 6 rows" in shown.out
    assert shell("data", "show", "FEDFUNDS", "--kind", "fact", "--json").json[0]["value"] == 5.1
    told = shell("data", "import", "downloads/rates.csv", "--lag", "1d", "--json").json
    assert any("month +1d" in note for note in told["notes"])


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("downloads/rates.csv", "--lag", "soon"), "INGEST_LAG"),
        (("downloads/rates.csv", "--kind", "trade"), "INGEST_KIND"),
        (("downloads", "--symbol", "X"), "DATA_OPTION"),
        (("nowhere",), "DATA_FILE"),
        (("downloads/SPY.csv", "--prints", "some"), "DATA_OPTION"),
        (("downloads/capture.txt",), "INGEST_WIRE"),
    ],
)
def test_misuse_is_status_2_with_a_fix(shell, folder, words, code):
    told = shell("data", "import", *words, "--json")
    assert told.code == 2 and told.error["code"] == code and told.error["fix"]


def test_an_empty_folder_is_said(shell, tmp_path):
    (tmp_path / "empty").mkdir()
    assert shell("data", "import", "empty", "--json").error["code"] == "DATA_FILES"


def test_fetch_stores_what_came_and_says_so(shell, monkeypatch):
    pandas = pytest.importorskip("pandas")
    index = pandas.DatetimeIndex(pandas.bdate_range("2024-01-02", periods=5)).tz_localize("America/New_York")
    frame = pandas.DataFrame({"Open": 10.0, "High": 12.0, "Low": 9.0, "Close": 11.0, "Volume": 5, "Dividends": 0.0, "Stock Splits": 0.0}, index=index)
    monkeypatch.setattr(fetch, "yahoo", lambda: lambda *asked: frame)
    told = shell("data", "fetch", "SPY", "--from", "2024-01-01", "--plan")
    assert told.code == 0 and "bar/SPY/1d: 5 rows, new" in told.out
    told = shell("data", "fetch", "SPY", "IBM", "--from", "2024-01-01")
    assert told.code == 0 and told.out.count("5 rows in, 5 bars kept") == 2
    entries = shell("data", "list", "--json").json
    assert {(row["symbol"], row["kind"]) for row in entries} == {("SPY", "bar"), ("SPY", "actions"), ("IBM", "bar"), ("IBM", "actions")}
    assert all(row["licence"].startswith("personal use") for row in entries)
    assert shell("backtest", "buy_and_hold", "--symbols", "SPY", "--json").json["bars"] == 5


def test_fetch_without_the_network_says_what_to_do(shell, monkeypatch):
    def broken(*asked):
        raise fetch.Retry("FETCH_NETWORK", "Yahoo cannot be reached", where="SPY", fix="check the connection")

    monkeypatch.setattr(fetch, "yahoo", lambda: broken)
    told = shell("data", "fetch", "SPY", "--json")
    assert told.code == 1 and json.loads(told.err)["error"]["code"] == "FETCH_NETWORK"
    assert shell("data", "fetch", "SPY", "--every", "7m", "--json").code == 2


def test_help_teaches(shell):
    for words in (("data", "import"), ("data", "fetch"), ("daily",), ("explain",), ("new", "strategy")):
        told = shell(*words, "--help")
        assert told.code == 0 and told.out.count("argosy ") >= 3
