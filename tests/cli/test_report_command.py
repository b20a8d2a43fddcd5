"""`argosy report`: a saved run is shown as it was when it ran: page, tables, document, and only its own passport."""

import json

import polars as pl
import pytest

from argosy.lab.result import Result
from tests.lab.test_report import Page


@pytest.fixture
def saved(shell, monkeypatch, tmp_path):
    monkeypatch.setenv("ARGOSY_HOME", str(tmp_path / "keys"))
    where = ("--symbols", "IBM", "--start", "2005-01-01", "--end", "2009-01-01")
    assert shell("backtest", "trend", *where, "--save", "run", "--report", "first.html").code == 0
    return shell


def test_the_page_of_a_saved_run_is_that_of_the_run(saved, tmp_path):
    assert saved("report", "run", "--out", "second.html").code == 0
    assert "wrote   second.html" in saved.out
    first, second = (Page((tmp_path / name).read_text(encoding="utf-8")) for name in ("first.html", "second.html"))
    assert second.tables == first.tables
    assert second.stats == first.stats
    data = [json.loads(one.data) for one in (first, second)]
    assert data[1] == data[0]  # curves, prices, signs, excursions
    assert data[1]["runs"][0]["reach"]
    assert saved("report", "run").code == 0
    assert (tmp_path / "run/report.html").stat().st_size > 50_000


def test_tables_and_document(saved, tmp_path):
    assert saved("report", "run", "--csv", "t", "--parquet", "p").code == 0
    result = Result.load(tmp_path / "run")
    assert {file.stem for file in (tmp_path / "t").iterdir()} == {
        "curve", "fills", "trades", "statistics", "months", "refusals", "rolling", "invested", "by_symbol", "by_side", "by_regime", "by_month",
    }  # fmt: skip
    curve = pl.read_parquet(tmp_path / "p/curve.parquet")
    assert curve["equity"].to_list() == result.value.tolist()
    assert curve["drawdown"].max() == pytest.approx(result.stats["max_drawdown"])
    assert pl.read_csv(tmp_path / "t/by_symbol.csv")["pnl"].sum() == pytest.approx(result.trades.filter(~pl.col("open"))["pnl"].sum() / 1e6)
    assert "mae_frac" in pl.read_parquet(tmp_path / "p/trades.parquet").columns
    assert not (tmp_path / "run/report.html").exists()
    told = saved("report", "run", "--json").json
    assert told["statistics"]["curve"]["sharpe"] == pytest.approx(result.stats["sharpe"])
    assert told["groups"]["symbol"][0]["group"] == "IBM"
    assert told["passport"] is None
    assert told["files"] == []


def test_only_its_own_passport(saved, tmp_path):
    where = ("--symbols", "IBM", "--start", "2005-01-01", "--end", "2009-01-01")
    assert saved("passport", "trend", *where, "--out", "own.json").code in (0, 1)
    assert saved("passport", "trend", *where, "-p", "fast=7", "--out", "other.json").code in (0, 1)
    told = saved("report", "run", "--passport", "own.json", "--json").json
    assert told["passport"]["verdict"] in ("PASS", "WEAK", "FAIL")
    assert saved("report", "run", "--passport", "own.json", "--out", "r.html").code == 0
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Not tested." not in text
    assert f">{told['passport']['verdict']}<" in text
    refused = saved("report", "run", "--passport", "other.json", "--json")
    assert (refused.code, refused.error["code"]) == (2, "REPORT_PASSPORT")
    assert "came to something else" in refused.error["what"]
    (tmp_path / "own.json").write_text((tmp_path / "own.json").read_text().replace('"trials": ', '"trials": 9'))
    assert "changed" in saved("report", "run", "--passport", "own.json", "--json").error["what"]


def test_misuse_is_told(shell, tmp_path):
    assert shell("report", "gone", "--json").error["code"] == "REPORT_RUN"
    (tmp_path / "empty").mkdir()
    assert shell("report", "empty", "--json").error["code"] == "RESULT_READ"
    assert shell("backtest", "buy_and_hold", "--symbols", "IBM", "--start", "2012-01-01", "--save", "run").code == 0
    (tmp_path / "run/prices.parquet").write_bytes(b"no parquet")
    assert shell("report", "run", "--json").error["code"] == "REPORT_GROUND"
    for name in ("prices", "reach", "orders"):
        (tmp_path / f"run/{name}.parquet").unlink(missing_ok=True)
    assert shell("report", "run").code == 0  # saved by an older release: less to show
    (tmp_path / "file").write_text("")
    assert shell("report", "run", "--csv", "file/t", "--json").error["code"] == "EXPORT_PATH"
