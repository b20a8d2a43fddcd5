"""Files that are no bars: what each is, is told by its content; figures are known late, contracts stay apart, others are refused by name."""

import gzip
import json

import numpy as np
import polars as pl
import pytest

from argosy.core.errors import Misuse
from argosy.core.events import Dividend, Split
from argosy.core.time import HOUR, MINUTE, iso, parse
from argosy.data import zones
from argosy.data.catalog import Catalog
from argosy.data.facts import period
from argosy.data.ingest import Options, ingest, read, survey
from argosy.data.renames import strangers
from argosy.data.stamps import read as stamps_of
from argosy.data.tables import leaf

BARS = "date,open,high,low,close,volume\n"


def put(tmp_path, text, name="x.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def months(first, count):
    base = np.datetime64(first, "M")
    return [str((base + k).astype("M8[D]")) for k in range(count)]


# -- figures ---------------------------------------------------------------------------------------------------------------


def test_a_long_table_of_figures_is_known_a_stated_lag_after_its_period(tmp_path):
    rows = "".join(f"UNRATE,{day},{4 + k / 10}\n" for k, day in enumerate(months("2020-01", 6)))
    daily = "".join(f"DGS10,2020-03-{d:02d},{'.' if d == 4 else 1.5}\n" for d in (2, 3, 4, 5, 6))
    found = survey(put(tmp_path, "series_id,date,value\n" + rows + daily))
    assert (found.report.kind, found.report.rows_in, found.report.rows_kept) == ("fact", 11, 10)
    assert found.report.reasons == {"value has no value (blank or .)": 1}
    unrate, dgs = found.leaves
    assert (unrate.symbol, dgs.symbol) == ("UNRATE", "DGS10") and any("day +1d, month +45d" in note for note in found.report.notes)
    row = unrate.frame.row(0, named=True)
    assert iso(row["ts"]) == "2020-01-01" and iso(row["known"]) == "2020-03-17"  # January ends on 1 February, and 45 days
    assert iso(dgs.frame["known"][0]) == "2020-03-04"  # the end of the 2nd, and a day
    assert not found.series


@pytest.mark.parametrize(("lag", "known"), [("0", "2020-02-01"), ("10d", "2020-02-11")])
def test_the_owner_says_another_lag(tmp_path, lag, known):
    text = "series_id,date,value\n" + "".join(f"X,{day},1\n" for day in months("2020-01", 4))
    found = survey(put(tmp_path, text), Options(lag=lag))
    assert iso(found.leaves[0].frame["known"][0]) == known
    with pytest.raises(Misuse, match="INGEST_LAG"):
        survey(put(tmp_path, text), Options(lag="soon"))


def test_a_column_of_publication_is_taken_at_its_word_and_revisions_are_kept(tmp_path):
    text = "series,date,value,released\nGDP,2020-01-01,100,2020-04-29\nGDP,2020-01-01,99,2020-06-25\nGDP,2020-04-01,90,2020-07-30\n"
    frame = survey(put(tmp_path, text)).leaves[0].frame
    assert [iso(k) for k in frame["known"]] == ["2020-04-30", "2020-06-26", "2020-07-31"]  # a date alone: by its end
    assert frame["value"].to_list() == [100.0, 99.0, 90.0]


def test_two_values_of_one_date_need_a_word(tmp_path):
    path = put(tmp_path, "series,date,value\nX,2020-01-01,1\nX,2020-01-01,2\nX,2020-01-02,3\n")
    with pytest.raises(Misuse, match=r"INGEST_CONFLICT.*lines 2 and 3"):
        survey(path)
    assert survey(path, Options(keep="last")).leaves[0].frame["value"].to_list() == [2.0, 3.0]
    assert survey(path, Options(keep="first")).leaves[0].frame["value"].to_list() == [1.0, 3.0]


@pytest.mark.parametrize(
    ("head", "line", "names"),
    [
        ("Time Period,1month,10year", "{day} 00:00:00+00:00,0.01,0.02", ["CURVE.1month", "CURVE.10year"]),
        ("Date,Mkt-RF,SMB", "{compact},1.5,-0.3", ["Mkt-RF", "SMB"]),
        ("DATE,FEDFUNDS", "{day},1.25", ["FEDFUNDS"]),
        ("Date,vix", "{day},.\n{next},12.5", ["vix"]),
        ("date,spread", "{day},-0.25", ["spread"]),
    ],
)  # fmt: skip
def test_a_wide_table_of_figures_is_told_from_one_of_closes(tmp_path, head, line, names):
    days = months("2001-01", 14)
    lines = [line.format(day=d, compact=d[:7].replace("-", ""), next=d[:8] + "02") for d in days]
    found = survey(put(tmp_path, head + "\n" + "\n".join(lines) + "\n", "curves.csv"))
    assert found.report.kind == "fact" and [leaf.symbol for leaf in found.leaves] == names


def test_closes_stay_closes_and_the_owner_decides(tmp_path):
    days = [f"2024-01-{d:02d}" for d in range(2, 31)]
    path = put(tmp_path, "Date,XLF,XLK\n" + "".join(f"{day},10.5,20.25\n" for day in days))
    assert [item.instrument.symbol for item in survey(path).series] == ["XLF", "XLK"]
    assert [leaf.symbol for leaf in survey(path, Options(kind="fact")).leaves] == ["XLF", "XLK"]
    with pytest.raises(Misuse, match="INGEST_PRICES"):
        read(put(tmp_path, "series,date,value\nX,2020-01-01,1\n"))


def test_the_rhythm_of_dates_tells_day_and_month(tmp_path):
    text = [f"{m}/1/{y}" for y in (1919, 1920) for m in range(1, 13)]
    found = stamps_of(pl.Series(text))
    assert [iso(t) for t in found.utc[[0, 1, 12]]] == ["1919-01-01", "1919-02-01", "1920-01-01"]
    with pytest.raises(Misuse, match="INGEST_DATES"):
        stamps_of(pl.Series(["1/2/1919", "2/2/1919", "3/2/1919"]))  # too few to tell


@pytest.mark.parametrize(("text", "day"), [("192607", "1926-07-01"), ("2010-04", "2010-04-01"), ("2010Q3", "2010-07-01"), ("2010-Q1", "2010-01-01")])
def test_months_and_quarters_are_their_first_day(text, day):
    found = stamps_of(pl.Series([text]))
    assert found.ok.all() and iso(int(found.utc[0])) == day


@pytest.mark.parametrize(
    ("days", "every", "end"),
    [
        (["2020-01-01", "2020-02-01", "2020-03-01"], "month", "2020-02-01"),
        (["2020-01-31", "2020-02-29", "2020-03-31"], "month", "2020-02-01"),
        (["2020-01-01", "2020-04-01", "2020-07-01"], "quarter", "2020-04-01"),
        (["2003-01-09", "2003-06-26", "2004-07-01", "2004-08-11"], "change", "2003-01-10"),
        (["2020-01-03", "2020-01-10", "2020-01-17"], "week", "2020-01-04"),  # Fridays end their week
        (["2020-01-02", "2020-01-03", "2020-01-06"], "day", "2020-01-03"),
    ],
)
def test_the_period_of_a_figure(days, every, end):
    found, ends = period(np.array([parse(day) for day in days]))
    assert (found, iso(int(ends[0]))) == (every, end)


def test_facts_and_funding_come_back_as_events_in_time(tmp_path):
    shelf = Catalog(tmp_path / "shelf")
    ingest(put(tmp_path, "series_id,date,value\n" + "".join(f"U,{d},1\nV,{d},2\n" for d in months("2020-01", 3))), shelf)
    rates = "date,fundingRate\n" + "".join(f"2021-11-18 {h:02d}:00:00,0.0001\n" for h in (0, 8, 16))
    ingest(put(tmp_path, rates, "XRPUSDT.csv"), shelf)
    events = shelf.facts()
    assert [event.known for event in events] == sorted(event.known for event in events) and len(events) == 6
    assert {event.name for event in events} == {"U", "V"} and {event.source for event in events} == {"x.csv"}
    assert len(shelf.facts(["U"], as_of="2020-03-17")) == 1  # no figure before it is known
    assert [(event.instrument, event.rate) for event in shelf.funding(["AAPL", "XRPUSDT"])] == [(1, 0.0001)] * 3
    assert shelf.symbols() == () and shelf.symbols("fact") == ("U", "V")
    assert [what for _, what in shelf.check()] == ["", "", ""]
    assert {entry.key for entry in shelf.reindex()} == {"fact/U/all", "fact/V/all", "funding/XRPUSDT/all"}


def test_a_table_is_merged_and_a_value_that_differs_is_refused(tmp_path):
    shelf = Catalog(tmp_path / "shelf")
    ingest(put(tmp_path, "series,date,value\nX,2020-01-02,1\nX,2020-01-03,2\n"), shelf)
    ingest(put(tmp_path, "series,date,value\nX,2020-01-03,2\nX,2020-01-06,3\n"), shelf, merge=True)
    assert shelf.table("X", "fact")["value"].to_list() == [1.0, 2.0, 3.0]
    with pytest.raises(Misuse, match="CATALOG_CONFLICT"):
        ingest(put(tmp_path, "series,date,value\nX,2020-01-03,9\nX,2020-01-07,4\n"), shelf, merge=True)
    assert shelf.table("X", "fact")["value"].to_list() == [1.0, 2.0, 3.0]
    with pytest.raises(Misuse, match="CATALOG_KIND"):
        shelf.table("X", "bar")


# -- funding ---------------------------------------------------------------------------------------------------------------


def test_bars_without_a_price_are_funding(tmp_path):
    stamps = [f"2021-11-{18 + k // 3} {(k % 3) * 8:02d}:00:00.0{k % 7}7" for k in range(9)]
    text = BARS + "".join(f"{t},{0.0001 * (k - 2):.6f},0,0,0,0\n" for k, t in enumerate(stamps))
    found = survey(put(tmp_path, text, "XRP_USDT-8h.csv"))
    (leaf,) = found.leaves
    assert (found.report.kind, leaf.symbol, leaf.health.step, leaf.frame.height) == ("funding", "XRPUSDT", 8 * HOUR, 9)
    assert leaf.frame["rate"].to_list() == pytest.approx([0.0001 * (k - 2) for k in range(9)])
    assert leaf.health.gaps == 0  # some milliseconds late are no gap


def test_a_rate_of_the_whole_position_is_refused_with_its_line(tmp_path):
    found = survey(put(tmp_path, "date,fundingRate\n2021-11-18 00:00:00,0.0001\n2021-11-18 08:00:00,1\n2021-11-18 16:00:00,-1.5\n", "XRPUSDT.csv"))
    assert found.leaves[0].frame["rate"].to_list() == [0.0001]
    assert (found.report.rows_kept, found.report.rows_rejected) == (1, 2)
    assert found.report.reasons == {"a rate of the whole position or more": 2}


def test_a_table_never_holds_a_row_that_was_known_before_it_happened():
    rows = {"ts": [10, 20], "known": [10, 19], "value": [1.0, 2.0]}
    with pytest.raises(Misuse, match="known before it happened") as refused:
        leaf("fact", "CPI", "all", pl.DataFrame(rows))
    assert refused.value.code == "TABLE_SHAPE"
    assert leaf("fact", "CPI", "all", pl.DataFrame(rows | {"known": [10, 20]})).health.rows == 2


def test_a_figure_that_was_released_before_its_date_is_known_on_its_date(tmp_path):
    text = "series,date,value,released\nGDP,2020-01-01,100,2020-04-29\nGDP,2020-10-01,90,2020-07-30\n"
    (found,) = survey(put(tmp_path, text)).leaves
    assert found.frame["known"].to_list() == [parse("2020-04-30"), parse("2020-10-01")], "a forecast is nothing that happened"


def test_prices_near_zero_are_no_funding(tmp_path):
    text = BARS + "".join(f"2024-01-{d:02d},0.05,0.06,0.04,0.05,9\n" for d in range(2, 12))
    assert survey(put(tmp_path, text, "SHIB.csv")).report.kind == "bar"


# -- contracts -------------------------------------------------------------------------------------------------------------

CHAIN = "date,expiry,strike,right,open,high,low,close,volume,open_interest,implied_volatility,delta,underlying_close\n"


def test_a_chain_is_a_table_of_contracts_of_its_underlying(tmp_path):
    rows = "2024-01-02,2024-01-19,470,C,5,6,4,5.5,10,100,0.15,0.5,472\n2024-01-02,2024-01-19,470,P,4,5,3,4,0,,0,0,\n"
    rows += "2024-01-02,2024-01-19,-1,P,4,5,3,4,0,,0.1,0,472\n2024-01-02,2024-01-19,480,X,4,5,3,4,0,,0.1,0,472\n"
    shelf = Catalog(tmp_path / "shelf")
    report = ingest(put(tmp_path, CHAIN + rows, "chain_spy.csv"), shelf)
    assert (report.kind, report.rows_kept, report.rows_rejected) == ("chain", 2, 2)
    assert report.reasons == {"strike is zero or negative": 1, "neither a call nor a put": 1}
    assert any("without the price of the underlying" in note for note in report.notes)
    assert any("argosy backtest covered_call" in note for note in report.notes)
    frame = shelf.table("SPY", "chain")
    assert frame["right"].to_list() == ["C", "P"] and str(frame["expiry"][0]) == "2024-01-19"
    assert iso(frame["known"][0]) == "2024-01-03" and frame["open_interest"].to_list() == [100.0, None]
    assert shelf.table("SPY", "chain", as_of="2024-01-02").height == 0


def test_the_clearing_house_names_contracts(tmp_path):
    text = "contract,time,model_price,model_impliedVol,model_delta,model_undPrice\n"
    text += "SPX   230811C04300000,20230804 13:31:26.730840,221.2,0.19,0.97,4518\n"
    text += "SPY230811P00445500,20230804 13:31:27,1.5,0.18,-0.3,450.1\nbad,20230804 13:31:28,1,1,1,1\n"
    text += "SPY230811P00445500,20230804 13:32:27,1.5,0.18,-0.3,450.1\n" * 20
    found = survey(put(tmp_path, text))
    assert found.report.kind == "greeks" and [leaf.symbol for leaf in found.leaves] == ["SPX", "SPY"]
    row = found.leaves[1].frame.row(0, named=True)
    assert (row["strike"], row["right"], str(row["expiry"]), row["underlying"]) == (445.5, "P", "2023-08-11", 450.1)
    assert iso(found.leaves[0].frame["ts"][0]) == "2023-08-04T13:31:26.73084Z"
    assert found.report.reasons == {"contract names no contract": 1}


def test_put_and_call_side_by_side(tmp_path):
    text = ",,,,model_price,model_price,model_delta,model_delta,model_undPrice,TTM\nright,,,,-1,1,-1,1,,\nticker,expiry,strike,time,,,,,,\n"
    text += "SPY,09/02/2024 23:59:00,417,07/02/2024 16:24:00,0.01,80.2,-0.1,0.9,497,0.0055\n"
    text += "SPY,09/02/2024 23:59:00,491,07/02/2024 15:43:00,0.3,6.8,-0.2,0.8,497,0.0055\n"
    (leaf,) = survey(put(tmp_path, text)).leaves
    assert leaf.frame.height == 4 and iso(leaf.frame["ts"].min())[:10] == "2024-02-07"  # day first: 2 days to the expiry, as TTM says
    put_row = leaf.frame.filter((pl.col("right") == "P") & (pl.col("strike") == 417)).row(0, named=True)
    assert (put_row["price"], put_row["delta"]) == (0.01, -0.1)


# -- factors and names -----------------------------------------------------------------------------------------------------


def test_factors_become_splits_and_dividends_on_the_next_session(tmp_path):
    # Friday 6 June 2014, a split of 7; Thursday 7 August, 0.47 of 94.48 (what the company did, rounded factors)
    text = "symbol,date,price_factor,split_factor,reference_price\nAAPL,19980102,0.9950254,0.1428571,1\nAAPL,20140606,0.9950254,0.1428571,645.57\n"
    text += f"AAPL,20140806,{1 - 0.47 / 94.97:.7f},1,94.97\nAAPL,20501231,1,1,0\n".replace("0.9950254,", "0.9950254,")
    shelf = Catalog(tmp_path / "shelf")
    report = ingest(put(tmp_path, text), shelf)
    assert report.kind == "actions" and any("1 splits and" in note for note in report.notes)
    split, *rest = shelf.actions(["AAPL"])
    assert isinstance(split, Split) and split.ratio == 7.0 and iso(split.ts + 1) == "2014-06-09"  # the Monday after
    dividend = rest[-1]
    assert isinstance(dividend, Dividend) and dividend.amount == pytest.approx(0.47, abs=0.001) and iso(dividend.ts + 1) == "2014-08-07"


def test_names_tell_another_companys_bars(tmp_path):
    maps = "symbol,date,ticker,exchange\nQQQ,20240102,qqq,Q\nQQQ,20240105,qqq,Q\nQQQ,20240110,qqqq,Q\nQQQ,20501231,qqq,Q\n"
    shelf = Catalog(tmp_path / "shelf")
    assert ingest(put(tmp_path, maps), shelf).kind == "names"
    days = [f"2024-01-{d:02d}" for d in (2, 5, 8, 10, 11, 12)]
    odd = strangers(shelf.table("QQQ", "names"), "QQQ", np.array([parse(day) for day in days]))
    assert odd.tolist() == [False, False, True, True, False, False]
    path = put(tmp_path, BARS + "".join(f"{day},1,2,0.5,1,9\n" for day in days), "QQQ.csv")
    report = ingest(path, shelf)
    assert report.rows_kept == 6 and any("2 rows, 2024-01-08 to 2024-01-10" in note for note in report.notes)
    report = ingest(path, shelf, Options(own_name=True))
    assert (report.rows_in, report.rows_kept, report.rows_rejected) == (6, 4, 2)
    assert len(shelf.tape("QQQ")) == 4


# -- clocks ----------------------------------------------------------------------------------------------------------------


def session(start, count, day="2024-01-03"):
    return np.array([parse(day) + start + k * MINUTE for k in range(count)])


@pytest.mark.parametrize(
    ("local", "zone"),
    [
        (session(9 * HOUR + 30 * MINUTE, 390), "America/New_York"),
        (session(14 * HOUR + 30 * MINUTE, 390), "UTC"),
        (session(13 * HOUR + 30 * MINUTE, 390, "2024-07-03"), "UTC"),
        (session(0, 1440), ""),
        (session(9 * HOUR + 30 * MINUTE, 10), ""),  # too few
    ],
)
def test_the_hours_of_trade_tell_the_clock(local, zone):
    assert zones.guess(local, np.ones(len(local))) == zone


def test_minutes_of_a_share_are_read_by_new_yorks_clock_and_a_coin_by_utc(tmp_path):
    text = BARS + "".join(f"2024-07-03 {9 + (30 + k) // 60:02d}:{(30 + k) % 60:02d}:00,1,2,0.5,1,9\n" for k in range(390))
    share = survey(put(tmp_path, text, "SPY_1m.csv"))
    assert iso(int(share.series[0].tape["ts"][0])) == "2024-07-03T13:30:00Z"
    assert any("read as America/New_York" in note for note in share.report.notes)
    assert iso(int(survey(put(tmp_path, text, "BTCUSD_1m.csv")).series[0].tape["ts"][0])) == "2024-07-03T09:30:00Z"
    assert iso(int(survey(put(tmp_path, text, "SPY_1m.csv"), Options(zone="UTC")).series[0].tape["ts"][0])) == "2024-07-03T09:30:00Z"


# -- ticks -----------------------------------------------------------------------------------------------------------------


def test_prints_that_set_no_price_are_left_out_unless_all_are_wanted(tmp_path):
    rows = [("1", 0), ("20000020", 0), ("100000", 0), ("200", 0), ("4000", 0), ("1", 1)]  # average price, derivatively priced, out of sequence
    text = "ms,price,qty,exchange,cond,suspicious\n" + "".join(f"{36_000_000 + k},10.5,100,Q,{c},{s}\n" for k, (c, s) in enumerate(rows))
    path = put(tmp_path, text, "IBM_20131007.csv")
    found = read(path)
    assert (found.report.rows_kept, found.report.rows_rejected) == (2, 4)
    assert {reason.split(" (")[0] for reason in found.report.reasons} == {
        "marked suspicious by its source", "sets no price: an average price", "sets no price: derivatively priced", "sets no price: out of sequence",
    }  # fmt: skip
    assert read(path, Options(prints="all")).report.rows_kept == 5


# -- JSON and Feather ------------------------------------------------------------------------------------------------------


def named(names="tohlcv"):
    return [dict(zip(names, row, strict=False)) for row in candles()]


def columned():
    names = ("timestamp", "open", "high", "low", "close")
    return {name: [row[name] for row in named(names)] for name in names}


def candles(count=5):
    return [[1_700_000_040_000 + 60_000 * k, 1.0, 2.0, 0.5, 1.5, 10.0] for k in range(count)]


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        (candles(), "bar"),
        ([[ms, str(ms), None, "sell", 1.5, 2.0, 3.0] for ms, *_ in candles()], "trade"),
        (named(), "bar"),
        ({"bars": named()}, "bar"),
        ({"columns": ["date", "open", "high", "low", "close", "volume"], "data": candles()}, "bar"),
        (columned(), "bar"),
        ({"bars": {"AAPL": named(), "IBM": named()}}, "bar"),
    ],
)  # fmt: skip
def test_json_as_exchanges_and_notebooks_write_it(tmp_path, document, kind):
    found = read(put(tmp_path, gzip.compress(json.dumps(document).encode()), "XRPUSDT.json.gz"))
    assert found.report.kind == kind and found.report.rows_rejected == 0 and len(found.series[0].tape) == 5
    if kind == "trade":
        assert found.series[0].tape["side"].tolist() == [-1] * 5


def test_what_is_no_table_is_said_with_its_place(tmp_path):
    with pytest.raises(Misuse, match=r"INGEST_JSON.*rows of 3 values"):
        read(put(tmp_path, "[[1,2,3]]", "x.json"))
    with pytest.raises(Misuse, match=r"INGEST_JSON.*row 2"):
        read(put(tmp_path, json.dumps([candles()[0], [1, 2]]), "x.json"))
    with pytest.raises(Misuse, match=r"INGEST_JSON.*begins like JSON"):
        read(put(tmp_path, "[1,2", "x.json"))
    with pytest.raises(Misuse, match="INGEST_NO_ROWS"):
        read(put(tmp_path, "[]", "x.json"))


def test_feather_is_read_as_parquet_is(tmp_path):
    frame = pl.DataFrame(candles(), schema=["timestamp", "open", "high", "low", "close", "volume"], orient="row")
    frame.write_ipc(tmp_path / "LTCBTC-1m.feather")
    assert len(read(tmp_path / "LTCBTC-1m.feather").series[0].tape) == 5
    (tmp_path / "cut.feather").write_bytes((tmp_path / "LTCBTC-1m.feather").read_bytes()[:-20])
    with pytest.raises(Misuse, match=r"INGEST_PARQUET.*Feather"):
        read(tmp_path / "cut.feather")


def test_a_notebooks_index_without_a_name_is_a_date(tmp_path):
    text = ",AAPL,MSFT\n" + "".join(f"2024-01-{d:02d},{d},{d + 1}\n" for d in range(2, 12))
    assert [item.instrument.symbol for item in read(put(tmp_path, text)).series] == ["AAPL", "MSFT"]


# -- what belongs elsewhere --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("wss://ws.kraken.com <-> 1618678132.368463\n", "INGEST_WIRE"),
        ("1618677786.986287: {\"topic\":\"x\"}\n" * 3, "INGEST_WIRE"),
        ("1723161253937085768 {\"stream\":\"btcusdt@depth\"}\n" * 3, "INGEST_WIRE"),
        ("https://api.binance.com/api/v3/depth?x=1 -> 1: {}\n", "INGEST_WIRE"),
        ("pool,block_number,timestamp,event,amount0,amount1\na,1,2,swap,3,4\n", "INGEST_DEFI"),
        ("address,name_tag,labels\n0x0,a,b\n", "INGEST_ONCHAIN"),
        ("token,block_number,from,to,value,timestamps\na,1,b,c,2,3\n", "INGEST_ONCHAIN"),
        ("text,label\nup we go,1\n", "INGEST_TEXTS"),
        ("$:\t-1.5\t0.8\t[-1, -1]\n%)\t-0.4\t1.0\t[0, 1]\n", "INGEST_TEXTS"),
        (json.dumps({"openapi": "3.0", "paths": {}, "info": {}}), "INGEST_SPECIFICATION"),
        (json.dumps([{"page": "a", "heading": "b", "payload": {}}]), "INGEST_WIRE"),
        (json.dumps({"block_number": 1, "traces": [], "receipts": []}), "INGEST_ONCHAIN"),
        (json.dumps({"a.json": {"pool": {}, "swaps": []}}), "INGEST_DEFI"),
        (json.dumps([[0, 1, 2, [3, 4], [5], 6]]), "INGEST_VECTORS"),
    ],
)
def test_what_belongs_to_another_room_is_named(tmp_path, text, code):
    with pytest.raises(Misuse) as caught:
        survey(put(tmp_path, text))
    assert (caught.value.code, caught.value.exit_status) == (code, 2)
    assert caught.value.fix and str(tmp_path) in caught.value.where


# -- what is there already -----------------------------------------------------------------------------------------------------


def days(count=6):
    return [f"2024-01-{d:02d}" for d in range(2, 2 + count)]


def test_closes_never_take_the_place_of_bars_unasked(tmp_path):
    shelf = Catalog(tmp_path / "shelf")
    ingest(put(tmp_path, BARS + "".join(f"{day},1,2,0.5,1,9\n" for day in days()), "AAPL.csv"), shelf)
    panel = put(tmp_path, "Date,AAPL,MSFT\n" + "".join(f"{day},1,2\n" for day in days()), "panel.csv")
    with pytest.raises(Misuse, match=r"INGEST_LESSER.*AAPL 1d.*6 that have"):
        ingest(panel, shelf)
    assert shelf.symbols() == ("AAPL",)  # all of a file or nothing
    ingest(panel, shelf, replace=True)
    assert shelf.symbols() == ("AAPL", "MSFT") and np.isnan(shelf.tape("AAPL")["volume"]).all()


def test_quotes_of_bid_and_ask_lie_beside_the_bars_of_trades(tmp_path):
    shelf = Catalog(tmp_path / "shelf")
    stamps = [f"2024-01-02 00:0{k}:00" for k in range(5)]
    head = "ts,bid_open,bid_high,bid_low,bid_close,bid_size,ask_open,ask_high,ask_low,ask_close,ask_size\n"
    quotes = put(tmp_path, head + "".join(f"{t},9,9,9,9,2,11,11,11,11,3\n" for t in stamps), "BTCUSD_q.csv")
    trades = put(tmp_path, BARS.replace("date", "ts") + "".join(f"{t},10,12,9,10,5\n" for t in stamps), "BTCUSD_t.csv")
    ingest(quotes, shelf)
    assert {entry.key for entry in shelf.describe()} == {"bar/BTCUSD/1m"}  # alone, their middle is the best there is
    ingest(trades, shelf)
    report = ingest(quotes, shelf)
    assert any("stored beside them" in note for note in report.notes)
    assert {entry.key for entry in shelf.describe()} == {"bar/BTCUSD/1m", "quote/BTCUSD/tick"}
    assert shelf.tape("BTCUSD")["high"].tolist() == [12.0] * 5
    tape = shelf.tape("BTCUSD", "quote")
    assert (tape["bid"][0], tape["ask_size"][0], iso(int(tape["ts"][0]))) == (9.0, 3.0, "2024-01-02T00:01:00Z")


def test_a_plan_says_what_would_be_and_writes_nothing(tmp_path):
    shelf = Catalog(tmp_path / "shelf")
    path = put(tmp_path, BARS + "".join(f"{day},1,2,0.5,1,9\n" for day in days()), "SPY.csv")
    report = ingest(path, shelf, plan=True)
    assert report.planned and report.written == ["bar/SPY/1d: 6 rows, new"] and not (tmp_path / "shelf").exists()
    ingest(path, shelf)
    before = {file: file.read_bytes() for file in (tmp_path / "shelf").rglob("*") if file.is_file()}
    assert ingest(path, shelf, plan=True).written == ["bar/SPY/1d: 6 rows, is there already"]
    longer = put(tmp_path, BARS + "".join(f"{day},1,2,0.5,1,9\n" for day in days(8)), "SPY.csv")
    assert ingest(longer, shelf, plan=True).written == ["bar/SPY/1d: 8 rows, replaces 6 rows"]
    assert ingest(longer, shelf, merge=True, plan=True).written == ["bar/SPY/1d: 8 rows, adds to 6 rows"]
    assert before == {file: file.read_bytes() for file in (tmp_path / "shelf").rglob("*") if file.is_file()}


