"""`argosy compare`: saved runs side by side, from the terminal; no passport, no recommendation."""

import pytest


@pytest.fixture
def saved(shell, monkeypatch, tmp_path):
    monkeypatch.setenv("ARGOSY_HOME", str(tmp_path / "keys"))
    where = ("--symbols", "IBM", "--start", "2009-01-01")
    for name, strategy, more in (("a", "trend", ()), ("b", "buy_and_hold", ()), ("c", "trend", ("-p", "fast=7"))):
        assert shell("backtest", strategy, *where, *more, "--save", f"runs/{name}").code == 0
    return shell


def test_runs_without_a_passport_are_never_recommended(saved, tmp_path):
    told = saved("compare", "runs/a", "runs/b", "--out", "page.html", "--json").json
    assert told["runs"] == ["trend", "buy_and_hold"]
    assert told["recommended"] is None
    assert told["advice"][0] == "None of these runs can be recommended."
    assert {one["verdict"] for one in told["tested"].values()} == {"not tested"}
    assert "None can be recommended" in (tmp_path / "page.html").read_text(encoding="utf-8")
    plain = saved("compare", "runs/a", "runs/b")
    assert plain.code == 0
    tests = ("Sharpe of trend less buy_and_hold", "Jobson-Korkie-Memmel", "paired stationary bootstrap")
    for text in ("not tested", *tests, "None of these runs can be"):
        assert text in plain.out
    assert saved("compare", "runs/a", "runs/c", "--json").json["runs"] == ["a", "c"]  # two of one name go by their folders


def test_passports_are_cited(saved, tmp_path):
    (tmp_path / "passports").mkdir()
    made = saved("passport", "trend", "--symbols", "IBM", "--start", "2009-01-01", "--out", "passports/trend.html", "--json").json
    told = saved("compare", "runs/a", "runs/c", "--passports", "passports", "--json").json
    assert told["tested"]["a"]["verdict"] == made["verdict"]
    assert told["tested"]["c"]["verdict"] == "not tested"
    assert "trend.html is not of this run" in told["tested"]["c"]["said"]
    assert told["recommended"] == ("a" if made["verdict"] in ("PASS", "WEAK") else None)


def test_misuse_is_told(saved):
    assert saved("compare", "runs/a", "--json").error["code"] == "COMPARE_RUNS"
    assert saved("compare", "runs/a", "gone", "--json").error["code"] == "COMPARE_RUN"
    assert saved("compare", "runs/a", "runs/b", "--passports", "gone", "--json").error["code"] == "COMPARE_PASSPORTS"
