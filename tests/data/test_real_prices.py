"""Real vendors' files, where they are present: flaws and all, every row accounted for, splits found where they happened."""

from pathlib import Path

import numpy as np
import pytest

from argosy.core.errors import Misuse
from argosy.core.events import Split
from argosy.core.time import iso, parse
from argosy.data.catalog import Catalog
from argosy.data.ingest import Options, ingest, read, survey

SHARED = next((folder / "shared" / "data" for folder in Path(__file__).resolve().parents if (folder / "shared" / "data").is_dir()), Path("/nowhere"))
pytestmark = pytest.mark.skipif(not (SHARED / "equities_daily").is_dir(), reason="the real prices are not in this checkout")


def prices(*folders):
    found = []
    for folder in folders:
        found += sorted([*(SHARED / folder).glob("*.csv.gz"), *(SHARED / folder).glob("*.parquet")])
    return found


NO_PRICES = ("factor_files", "map_files", "funding_rate")
KINDS = {"factor_files": "actions", "map_files": "names", "funding_rate": "funding"}


@pytest.mark.parametrize("file", prices("equities_daily", "equities_intraday", "crypto", "fx"), ids=lambda file: file.name)
def test_every_row_of_every_file_is_accounted_for(file):
    if any(word in file.name for word in NO_PRICES):
        with pytest.raises(Misuse, match="INGEST_PRICES"):
            read(file)
        report = survey(file).report
        assert report.kind == next(kind for word, kind in KINDS.items() if word in file.name) and report.rows_rejected == 0
        return
    found = read(file)
    assert found.report.rows_in == found.report.rows_kept + found.report.rows_rejected > 90
    assert found.report.rows_rejected <= 0.01 * found.report.rows_in
    for item in found.series:
        assert item.health.nan == item.health.non_positive == item.health.bad_range == item.health.duplicates == 0
        assert (np.diff(item.tape["known"]) >= 0).all()


def other(*folders):
    return sorted(file for folder in folders for file in (SHARED / folder).rglob("*") if file.is_file() and file.suffix != ".md")


@pytest.mark.parametrize("file", [*other("macro", "options"), *sorted((SHARED / "crypto").glob("*.json.gz"))], ids=lambda file: file.name)
def test_figures_contracts_and_json_are_accounted_for(file):
    report = survey(file).report
    assert report.rows_in == report.rows_kept + report.rows_rejected >= 16
    assert report.kind in ("fact", "chain", "option_bar", "option_quote", "open_interest", "greeks", "trade")
    assert all("no value" in reason for reason in report.reasons)  # nothing but blanks is refused


ELSEWHERE = ("INGEST_WIRE", "INGEST_DEFI", "INGEST_ONCHAIN", "INGEST_TEXTS", "INGEST_VECTORS", "INGEST_SPECIFICATION")


@pytest.mark.parametrize("file", other("wire", "defi", "onchain", "sentiment"), ids=lambda file: file.name)
def test_what_belongs_elsewhere_is_refused_by_name(file):
    with pytest.raises(Misuse) as caught:
        survey(file)
    assert caught.value.code in ELSEWHERE and caught.value.fix


def test_factors_agree_with_the_jumps_of_the_raw_prices(tmp_path):
    folder = SHARED / "equities_daily"
    if not (folder / "lean_factor_files.csv.gz").exists():
        pytest.skip("no factor file in this checkout")
    shelf = Catalog(tmp_path)
    ingest(folder / "lean_factor_files.csv.gz", shelf)
    for name, symbol in (("lean_aapl", "AAPL"), ("lean_ibm", "IBM"), ("lean_bac", "BAC")):
        jumps = {iso(jump.ts)[:10]: jump.ratio for jump in read(folder / f"{name}.csv.gz").series[0].health.split_list}
        splits = {iso(event.ts + 1): event.ratio for event in shelf.actions([symbol]) if isinstance(event, Split)}
        assert splits == {day: ratio for day, ratio in jumps.items() if day in splits} and splits


def test_ticks_make_the_minutes_of_the_same_vendor():
    folder = SHARED / "equities_intraday"
    if not (folder / "lean_ibm_tick_trade_20131007.parquet").exists():
        pytest.skip("no ticks in this checkout")
    ticks = read(folder / "lean_ibm_tick_trade_20131007.parquet", Options(prints="all")).series[0].tape
    bars = read(folder / "lean_ibm_minute_trade.csv.gz").series[0].tape.between(parse("2013-10-07"), parse("2013-10-08"))
    volume = np.zeros(len(bars))
    np.add.at(volume, np.searchsorted(bars["ts"], ticks["ts"], side="right") - 1, ticks["size"])
    assert np.mean(volume == bars["volume"]) > 0.99  # the same clock, and every print counted once


@pytest.mark.parametrize(
    ("name", "days"),
    [("lean_aapl", ["2000-06-21", "2005-02-28", "2014-06-09", "2020-08-31"]), ("lean_ibm", ["1999-05-27"]), ("lean_bac", ["2004-08-30"])],
)
def test_unadjusted_splits_are_seen_in_raw_prices(name, days):
    file = SHARED / "equities_daily" / f"{name}.csv.gz"
    if not file.exists():
        pytest.skip(f"{file.name} is not in this checkout")
    health = read(file).series[0].health
    assert set(days) <= {iso(jump.ts)[:10] for jump in health.split_list}


def test_the_minutes_of_new_york_lie_in_its_sessions(tmp_path):
    file = SHARED / "equities_intraday" / "spy_1m_20201215_18.csv.gz"
    if not file.exists():
        pytest.skip(f"{file.name} is not in this checkout")
    shelf = Catalog(tmp_path)
    ingest(file, shelf, Options(symbol="SPY", zone="America/New_York"))
    tape = shelf.tape("SPY")
    assert tape["ts"][0] == np.datetime64("2020-12-15T14:30", "ns").astype(np.int64)
    assert {iso(int(ts))[:10] for ts in tape["ts"]} == {"2020-12-15", "2020-12-16", "2020-12-17", "2020-12-18"}


def test_one_sided_quotes_of_a_real_day():
    file = SHARED / "equities_intraday" / "lean_ibm_tick_quote_20131007.parquet"
    if not file.exists():
        pytest.skip(f"{file.name} is not in this checkout")
    (item,) = read(file, Options(zone="America/New_York")).series
    tape = item.tape
    one = np.isnan(tape["bid"]) ^ np.isnan(tape["ask"])
    assert item.health.one_sided == int(one.sum()) > 0
    assert not (np.isnan(tape["bid"]) & np.isnan(tape["ask"])).any()
