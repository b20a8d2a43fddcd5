"""From a vendor's file to a tape: every row is kept or refused for a reason that is told."""

import gzip
from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.core.errors import Misuse
from argosy.core.events import Bar, Quote, Split, Trade
from argosy.core.time import DAY, HOUR, MINUTE, parse
from argosy.data.ingest import Options, read
from argosy.data.report import as_csv, lines_of

HEAD = "date,open,high,low,close,volume\n"


def rows(first=2, last=12):
    return "".join(f"2024-01-{day:02d},{day},{day + 1},{day - 0.5},{day + 0.5},100\n" for day in range(first, last))


def taken(tmp_path, text, name="SPY.csv", **options):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(path, Options(**options))


def refused(tmp_path, text, code, *said, name="SPY.csv", **options):
    with pytest.raises(Misuse) as caught:
        taken(tmp_path, text, name, **options)
    assert caught.value.code == code and caught.value.fix and name in caught.value.where
    for part in said:
        assert part in str(caught.value)


def test_a_plain_file(tmp_path):
    found = taken(tmp_path, HEAD + rows())
    (series,) = found.series
    assert (series.instrument.symbol, series.every, series.tape.kind) == ("SPY", "1d", Bar)
    assert (found.report.rows_in, found.report.rows_kept, found.report.rows_rejected) == (10, 10, 0)
    first = next(series.tape.rows())
    assert first == Bar(
        ts=parse("2024-01-02"), known=parse("2024-01-03"), instrument=0, open=2, high=3, low=1.5, close=2.5, volume=100, span=DAY
    )


BAD = [
    ("2024-02-01,1,2,1,,5", "close is blank"),
    ("2024-02-01,1,2,1,nan,5", "close is blank"),
    ("2024-02-01,-1,2,1,1,5", "open is zero or negative"),
    ("2024-02-01,1,2,0,1,5", "low is zero or negative"),
    ("2024-02-01,1,2,3,1.5,5", "high is below low"),
    ("2024-02-01,1,2,1,5,5", "open or close is outside high and low"),
    ("2024-02-01,x,2,1,1,5", "open is not a number"),
    ("2024-02-01,inf,2,1,1,5", "open is not a number"),
    ("2024-02-01,1,2,1,1,-5", "volume is negative"),
    ("2024-02-01,1,2,1,1,many", "volume is not a number"),
    ("2024-02-30,1,2,1,1,5", "date or time cannot be read"),
    (",1,2,1,1,5", "date or time cannot be read"),
    ("2024-02-01,1,2,1,1", "wrong number of fields"),
    ("2024-02-01,1,2,1,1,5,6", "wrong number of fields"),
    ("2024-02-01," + "9" * 100_000 + ",2,1,1,5", "open is not a number"),
    ("2024-01-02,2,3,1.5,2.5,100", "duplicate of another row"),
]


@pytest.mark.parametrize(("row", "reason"), BAD, ids=[reason.replace(" ", "-") + f"-{i}" for i, (_, reason) in enumerate(BAD)])
def test_a_bad_row_costs_itself_alone_and_is_told_with_its_line(tmp_path, row, reason):
    found = taken(tmp_path, HEAD + rows(2, 7) + row + "\n" + rows(7, 12))
    assert found.report.reasons == {reason: 1} and lines_of(found.rejects, reason) == [7]
    assert (found.report.rows_in, found.report.rows_kept, found.report.rows_rejected) == (11, 10, 1)
    assert found.rejects[0].text == row and row in as_csv(found.rejects).replace('"', "")
    assert found.series[0].tape["close"].tolist() == [day + 0.5 for day in range(2, 12)]
    assert reason in str(found.report) and "row 7" in str(found.report)


def test_gaps_zero_volume_and_unsorted_rows_survive(tmp_path):
    lines = (rows(2, 7) + rows(20, 25)).splitlines()
    lines[3] = lines[3].replace(",100", ",0")
    order = [4, 0, 7, 2, 9, 1, 3, 8, 5, 6]
    found = taken(tmp_path, HEAD + "\n".join(lines[k] for k in order) + "\n")
    assert found.report.rows_kept == 10 and "out of order" in str(found.report.notes)
    assert (np.diff(found.series[0].tape["ts"]) > 0).all()
    health = found.series[0].health
    assert (health.zero_volume, health.gaps, health.missing) == (1, 1, 13)


def test_newest_first_is_turned(tmp_path):
    found = taken(tmp_path, HEAD + "\n".join(reversed(rows().splitlines())) + "\n")
    assert found.series[0].tape["close"][0] == 2.5 and any("newest first" in note for note in found.report.notes)
    assert not any("out of order" in note for note in found.report.notes)


def test_two_rows_of_one_time_that_differ_are_never_chosen_silently(tmp_path):
    text = HEAD + "2024-01-02,1,2,1,2,3\n2024-01-02,1,2,1,1.5,3\n2024-01-03,1,2,1,2,3\n"
    refused(tmp_path, text, "INGEST_CONFLICT", "lines 2 and 3", ":3]", "--keep first")
    for keep, close in (("first", 2.0), ("last", 1.5)):
        found = taken(tmp_path, text, keep=keep)
        assert found.series[0].tape["close"].tolist() == [close, 2.0] and found.report.rows_rejected == 1
        assert found.rejects[0].line == (3 if keep == "first" else 2)


def test_times_have_a_zone_or_are_read_as_utc_with_a_note(tmp_path):
    text = "time,open,high,low,close\n" + "".join(f"2024-07-01 09:{m:02d},1,2,1,2\n" for m in range(30, 40))
    plain = taken(tmp_path, text)
    assert plain.series[0].tape["ts"][0] == parse("2024-07-01T09:30:00Z") and "read as UTC" in str(plain.report.notes)
    york = taken(tmp_path, text, zone="America/New_York")
    assert york.series[0].tape["ts"][0] == parse("2024-07-01T13:30:00Z") and "read as UTC" not in str(york.report.notes)
    assert york.series[0].every == "1m" and (york.series[0].tape["span"] == MINUTE).all()
    with pytest.raises(Misuse, match=r"INGEST_ZONE.*'Mars'"):
        taken(tmp_path, text, zone="Mars")


def test_a_gap_and_a_fold_of_the_clocks(tmp_path):
    text = "time,open,high,low,close\n" + "".join(f"2024-03-10 0{h}:{m}0,1,2,1,2\n" for h in (1, 2, 3) for m in range(6))
    found = taken(tmp_path, text, zone="America/New_York")
    assert found.report.reasons == {"local time that the change of clocks skipped": 6} and found.report.rows_kept == 12
    assert (np.diff(found.series[0].tape["ts"]) == 10 * MINUTE).all()


def test_stamped_at_the_end_and_known_late(tmp_path):
    text = "time,open,high,low,close\n2024-07-01 10:00Z,1,2,1,2\n2024-07-01 11:00Z,1,2,1,2\n"
    tape = taken(tmp_path, text, stamped="end", delay_ms=250).series[0].tape
    assert tape["ts"][0] == parse("2024-07-01T09:00:00Z") and tape["known"][0] == parse("2024-07-01T10:00:00Z") + 250_000_000
    assert (tape["span"] == HOUR).all()


def test_daily_bars_in_the_sessions_of_an_exchange(tmp_path):
    text = "date,open,high,low,close\n2024-07-03,1,2,1,2\n2024-07-04,1,2,1,2\n2024-07-05,1,2,1,2\n"
    found = taken(tmp_path, text, calendar="XNYS")
    assert found.report.reasons == {"no session of XNYS on that date": 1} and found.rejects[0].line == 3
    assert found.series[0].tape["known"].tolist() == [parse("2024-07-03T17:00:00Z"), parse("2024-07-05T20:00:00Z")]
    assert found.series[0].instrument.calendar == "XNYS"


def test_one_sided_quotes_are_kept_and_empty_ones_refused(tmp_path):
    quotes = ("1,2,5,6", "0,2,0,6", ",,,", "1.5,,7,")
    text = "ts,bid,ask,bid_size,ask_size\n" + "".join(f"2024-01-01T00:00:0{k}Z,{quote}\n" for k, quote in enumerate(quotes))
    found = taken(tmp_path, text)
    tape = found.series[0].tape
    assert tape.kind is Quote and found.report.reasons == {"neither bid nor ask": 1}
    assert np.isnan(tape["bid"]).tolist() == [False, True, False] and np.isnan(tape["ask"]).tolist() == [False, False, True]
    assert tape["bid_size"].tolist() == [5, 0, 7] and found.series[0].health.one_sided == 2


def test_bars_of_bid_and_ask_become_their_middle_or_quotes(tmp_path):
    names = [f"{side}_{field}" for side in ("bid", "ask") for field in ("open", "high", "low", "close")]
    text = ",".join(["time", *names]) + "\n2024-01-01 00:00,1,2,0.5,1.5,2,3,1.5,2.5\n2024-01-01 01:00,1,2,0.5,1.5,2,3,1.5,2.5\n"
    bar = next(taken(tmp_path, text).series[0].tape.rows())
    assert (bar.open, bar.high, bar.low, bar.close) == (1.5, 2.5, 1.0, 2.0) and np.isnan(bar.volume)
    quote = next(taken(tmp_path, text, kind="quote").series[0].tape.rows())
    assert (quote.bid, quote.ask, quote.ts) == (1.5, 2.5, parse("2024-01-01T01:00:00Z"))


def test_trades_with_sides_and_ids(tmp_path):
    deals = ("00Z,10,1,buy,a", "00Z,10,1,sell,b", "00Z,10,1,sell,b", "01Z,10,0,buy,c")
    text = "time,price,size,side,trade_id\n" + "".join(f"2024-01-01T00:00:{deal}\n" for deal in deals)
    found = taken(tmp_path, text)
    assert found.series[0].tape.kind is Trade and found.series[0].tape["side"].tolist() == [1, -1]
    assert found.report.reasons == {"trade id seen before": 1, "size is zero or negative": 1}
    maker = taken(tmp_path, "time,price,qty,is_buyer_maker\n2024-01-01T00:00:00Z,10,1,true\n2024-01-01T00:00:01Z,10,1,false\n")
    assert maker.series[0].tape["side"].tolist() == [-1, 1]


def test_several_symbols_a_panel_and_an_unknown_symbol(tmp_path):
    text = "date,symbol,open,high,low,close\n" + "".join(f"2024-01-0{d},{s},1,2,1,2\n" for d in (1, 2) for s in ("AAA", "BBB"))
    assert [item.instrument.symbol for item in taken(tmp_path, text).series] == ["AAA", "BBB"]
    only = taken(tmp_path, text, symbol="BBB")
    assert [item.instrument.symbol for item in only.series] == ["BBB"] and only.report.reasons == {"another symbol": 2}
    refused(tmp_path, text, "INGEST_SYMBOL", "no row is of 'CCC'", "AAA, BBB", symbol="CCC")
    panel = taken(tmp_path, "Date,AAPL,MSFT\n2024-01-01,1,5\n2024-01-02,2,\n2024-01-03,3,7\n")
    assert {item.instrument.symbol: item.tape["close"].tolist() for item in panel.series} == {"AAPL": [1, 2, 3], "MSFT": [5, 7]}
    assert panel.report.rows_in == 6 and panel.report.reasons == {"close is blank": 1}
    refused(tmp_path, HEAD + rows(), "INGEST_SYMBOL", "--symbol", name="2024.csv")


def test_adjusted_closes_tell_of_splits(tmp_path):
    text = "Date,Open,High,Low,Close,Adj Close\n2024-01-02,100,100,100,100,50\n2024-01-03,102,102,102,102,51\n2024-01-04,51,51,51,51,51\n"
    (series,) = taken(tmp_path, text).series
    assert [(type(a), a.ratio, a.known) for a in series.actions] == [(Split, 2.0, parse("2024-01-04") - 1)] and series.tells
    assert series.tape["close"].tolist() == [100, 102, 51]  # prices stay raw


def test_decimal_commas(tmp_path):
    eu = "Datum;Open;High;Low;Close;Volume\n02.01.2024;1.001,5;1.002;1.000,25;1.001,75;1.000\n15.01.2024;2,5;3;2;2,5;2.500\n"
    found = taken(tmp_path, eu)
    assert found.series[0].tape["close"].tolist() == [1001.75, 2.5] and found.series[0].tape["volume"].tolist() == [1000, 2500]
    either = "date;open;high;low;close\n2024-01-02;1,100;1,200;1,050;1,150\n2024-01-03;1,100;1,200;1,050;1,150\n"
    refused(tmp_path, either, "INGEST_DECIMAL", "--decimal")
    assert taken(tmp_path, either, decimal=",").series[0].tape["close"][0] == 1.15
    assert taken(tmp_path, either, decimal=".").series[0].tape["close"][0] == 1150


@pytest.mark.parametrize(
    ("text", "code", "said", "options"),
    [
        (HEAD + "foo,1,2,1,2,3\n", "INGEST_NOTHING", "'foo,1,2,1,2,3'", {}),
        (HEAD + "3/4/2021,1,2,1,2,3\n4/5/2021,1,2,1,2,3\n", "INGEST_DATES", "--dates mdy", {}),
        ("date,open,low,close\n2024-01-01,1,1,1\n", "INGEST_COLUMNS", "needs high", {}),
        ("time,open,high,low,close\n2024-01-01 10:00,1,2,1,2\n", "INGEST_SPAN", "--every 1m", {}),
        (HEAD + rows(), "INGEST_COLUMNS", "not those of a trade", {"kind": "trade"}),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "INGEST_FORMAT", "PNG", {}),
        (HEAD, "INGEST_NO_ROWS", "no rows", {}),
    ],
)
def test_what_is_refused_names_the_place_and_the_way_out(tmp_path, text, code, said, options):
    refused(tmp_path, text, code, said, **options)


def test_wrong_options_are_named(tmp_path):
    with pytest.raises(Misuse, match=r"SPAN"):
        taken(tmp_path, HEAD + rows(), every="5x")
    with pytest.raises(Exception, match=r"CALENDAR_UNKNOWN"):
        taken(tmp_path, HEAD + rows(), calendar="XNYZ")
    with pytest.raises(Misuse, match=r"INGEST_DECIMAL"):
        taken(tmp_path, HEAD + rows(), decimal="x")


def test_a_parquet_file_is_judged_by_the_same_rules(tmp_path):
    frame = pl.read_csv((HEAD + rows() + "2024-02-01,5,4,6,5,1\n").encode(), try_parse_dates=True)
    frame.write_parquet(tmp_path / "SPY.parquet")
    found = read(tmp_path / "SPY.parquet")
    same = taken(tmp_path, HEAD + rows() + "2024-02-01,5,4,6,5,1\n")
    assert found.series[0].tape.hash == same.series[0].tape.hash
    assert found.report.reasons == {"high is below low": 1} and found.rejects[0].line == 11


@pytest.mark.parametrize(
    ("name", "symbol", "kind", "currency"),
    [
        ("AAPL.csv", "AAPL", "equity", "USD"), ("binance_BTC-USDT_1m.csv.gz", "BTCUSDT", "crypto", "USD"),
        ("EURGBP_daily_2020.csv", "EURGBP", "fx", "GBP"),
        ("LTC_BTC-5m.csv", "LTCBTC", "crypto", "BTC"), ("GBPUSD_m1.csv", "GBPUSD", "fx", "USD"),
    ],
)  # fmt: skip
def test_what_a_file_name_tells(tmp_path, name, symbol, kind, currency):
    text = (HEAD + rows()).encode()
    found = taken(tmp_path, gzip.compress(text) if name.endswith("gz") else text, name)
    facts = found.series[0].instrument
    assert (facts.symbol, facts.kind, facts.currency) == (symbol, kind, currency)


CELL = st.sampled_from(["1", "2", "3", "0", "-1", "nan", "", "x", "1e9", "2.5"])
DATE = st.sampled_from(["2024-01-01", "2024-01-02", "2024-01-03", "2024-02-30", "", "soon"])


def good_row(row):
    """Whether a row can be kept, in other words than the room of data uses."""
    date, *prices, volume = row
    if date not in ("2024-01-01", "2024-01-02", "2024-01-03") or volume in ("-1", "x"):
        return False
    if any(price in ("", "nan", "x", "0", "-1") for price in prices):
        return False
    opened, high, low, close = map(float, prices)
    return low <= min(opened, close) and max(opened, close) <= high


@settings(max_examples=100)
@given(st.lists(st.tuples(DATE, CELL, CELL, CELL, CELL, CELL), min_size=1, max_size=25))
def test_every_row_is_kept_or_refused_for_a_reason(tmp_path_factory, table):
    folder = tmp_path_factory.mktemp("rows")
    (folder / "SPY.csv").write_text(HEAD + "".join(",".join(row) + "\n" for row in table))
    good = any(good_row(row) for row in table)
    if not good:
        with pytest.raises(Misuse, match="INGEST_NOTHING"):
            read(folder / "SPY.csv", Options(keep="last", every="1d"))
        return
    found = read(folder / "SPY.csv", Options(keep="last", every="1d"))
    report = found.report
    assert report.rows_in == len(table) == report.rows_kept + report.rows_rejected
    assert dict(Counter(reject.reason for reject in found.rejects)) == report.reasons
    assert len({reject.line for reject in found.rejects}) == report.rows_rejected
    for item in found.series:
        tape = item.tape
        assert item.health.clean and (np.diff(tape["ts"]) > 0).all()
        for bar in tape.rows():
            assert 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high and not bar.volume < 0
