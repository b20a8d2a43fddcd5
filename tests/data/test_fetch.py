"""Fetching, with the network's edge replaced by frames of the shapes that yfinance returns; what it raises is named."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest

from argosy.core.errors import Misconfigured, Misuse, Rejected, Retry
from argosy.core.events import Dividend
from argosy.core.time import iso
from argosy.data import fetch
from argosy.data.catalog import Catalog
from argosy.data.fetch import Request, fetched, reading, table_of
from argosy.data.options import Options
from argosy.data.store import lay

pandas = pytest.importorskip("pandas")


def days(zone="America/New_York", count=6, first="2024-01-02"):
    return pandas.DatetimeIndex(pandas.bdate_range(first, periods=count)).tz_localize(zone)


def frame(index, *, columns=None, adjusted=True):
    n = len(index)
    data = {"Open": 10.0 + np.arange(n), "High": 12.0 + np.arange(n), "Low": 9.0 + np.arange(n), "Close": 11.0 + np.arange(n)}
    data |= {"Adj Close": 10.5 + np.arange(n)} if adjusted else {}
    data |= {"Volume": np.full(n, 1000), "Dividends": np.where(np.arange(n) == 3, 0.24, 0.0), "Stock Splits": np.where(np.arange(n) == 4, 2.0, 0.0)}
    made = pandas.DataFrame(data, index=index)
    if columns is not None:
        made.columns = pandas.MultiIndex.from_tuples([columns(name) for name in made.columns])
    return made


@pytest.mark.parametrize("columns", [None, lambda name: (name, "SPY"), lambda name: ("SPY", name)])
def test_daily_bars_with_dividends_in_every_shape_of_columns(columns):
    (found, origin), = fetched(Request(("SPY",), "2024-01-01"), download=lambda *asked: frame(days(), columns=columns))  # fmt: skip
    (item,) = found.series
    assert origin == "Yahoo Finance, SPY" and len(item.tape) == 6
    assert iso(int(item.tape["ts"][0])) == "2024-01-02T14:30:00Z" and iso(int(item.tape["known"][0])) == "2024-01-02T21:00:00Z"
    assert item.tape["close"].tolist() == [11.0, 12.0, 13.0, 14.0, 15.0, 16.0]  # not the adjusted close
    (action,) = item.actions  # the split is in the prices already
    assert isinstance(action, Dividend) and action.amount == 0.24 and iso(action.ts + 1) == "2024-01-05T14:30:00Z"
    assert any("adjusted for splits" in note for note in found.report.notes)


def test_a_symbol_among_others_gets_its_own_columns():
    one, other = frame(days()), frame(days())
    other["Close"] = 99.0
    both = pandas.concat({"SPY": one, "IBM": other}, axis=1).swaplevel(axis=1)
    assert table_of(both, "IBM", daily=True)["Close"].to_list() == [99.0] * 6
    assert table_of(both, "SPY", daily=True)["Close"].to_list() != [99.0] * 6
    with pytest.raises(Misuse, match=r"FETCH_SHAPE.*Open, High, Low, Close of QQQ"):
        table_of(both, "QQQ", daily=True)


def test_minutes_are_turned_to_utc_and_coins_have_no_sessions():
    index = pandas.date_range("2024-07-03 09:30", periods=5, freq="1min", tz="America/New_York")
    found = reading(frame(index, adjusted=False), "SPY", Request(("SPY",), every="1m"))
    assert iso(int(found.series[0].tape["ts"][0])) == "2024-07-03T13:30:00Z" and found.series[0].every == "1m"
    coin = reading(frame(pandas.date_range("2024-01-05", periods=4, tz="UTC")), "BTC-USD", Request(("BTC-USD",)))
    tape = coin.series[0].tape
    assert len(tape) == 4 and iso(int(tape["ts"][1])) == "2024-01-06" and iso(int(tape["known"][1])) == "2024-01-07"


def test_what_is_fetched_goes_through_the_same_judgement_and_into_the_catalog(tmp_path):
    raw = frame(days())
    raw.iloc[2, raw.columns.get_loc("Close")] = np.nan
    raw.iloc[1, raw.columns.get_loc("High")] = 1.0
    found, origin = fetched(Request(("SPY",)), download=lambda *asked: raw)[0]
    assert found.report.rows_rejected == 2 and set(found.report.reasons) == {"Close is blank", "high is below low"}
    shelf = Catalog(tmp_path / "shelf")
    lay(found, shelf, Options(), origin)
    assert [(entry.key, entry.origin) for entry in shelf.describe()] == [("actions/SPY", origin), ("bar/SPY/1d", origin)]
    assert len(shelf.tape("SPY")) == 4 and shelf.actions(["SPY"])[0].amount == 0.24


def test_each_symbol_is_asked_once_with_the_dates_and_the_span():
    asked = []

    def download(*words):
        asked.append(words)
        return frame(days())

    fetched(Request(("SPY", "IBM", "SPY"), "2024-01-01", "2024-02-01", "1w"), download=download)
    assert asked == [("SPY", "2024-01-01", "2024-02-01", "1wk"), ("IBM", "2024-01-01", "2024-02-01", "1wk")]


@pytest.mark.parametrize(
    ("request_", "raw", "code"),
    [
        (Request(("SPY",), every="7m"), None, "FETCH_EVERY"),
        (Request(("SPY",), "2024-02-01", "2024-01-01"), None, "FETCH_DATES"),
        (Request(("SPY",), "soon"), None, "TIME"),
        (Request(("SPY",)), None, "FETCH_EMPTY"),
        (Request(("SPY",)), pandas.DataFrame(), "FETCH_EMPTY"),
        (Request(("SPY",)), pandas.DataFrame({"a": [1]}, index=days(count=1)), "FETCH_SHAPE"),
    ],
)
def test_misuse_is_named(request_, raw, code):
    with pytest.raises(Misuse) as caught:
        fetched(request_, download=lambda *asked: raw)
    assert (caught.value.code, caught.value.exit_status) == (code, 2) and caught.value.fix


def named(kind, *bases):
    return type(kind, bases or (Exception,), {})("it broke")


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (named("YFRateLimitError"), Retry, "FETCH_BUSY"),
        (named("YFTzMissingError"), Misuse, "FETCH_SYMBOL"),
        (named("YFPricesMissingError"), Misuse, "FETCH_EMPTY"),
        (named("DNSError", OSError), Retry, "FETCH_NETWORK"),
        (ValueError("odd"), Rejected, "FETCH_FAILED"),
    ],
)
def test_what_the_library_raises_is_named_by_what_to_do(monkeypatch, error, kind, code):
    def history(**asked):
        assert asked["auto_adjust"] is False and asked["actions"] is True
        assert logging.getLogger("yfinance").level > logging.CRITICAL  # it prints nothing meanwhile
        raise error

    library = SimpleNamespace(Ticker=lambda symbol: SimpleNamespace(history=history))
    monkeypatch.setattr(fetch, "import_module", lambda name: library)
    level = logging.getLogger("yfinance").level
    with pytest.raises(kind) as caught:
        fetched(Request(("NOPE",), "2024-01-01"))
    assert caught.value.code == code and caught.value.where == "NOPE" and caught.value.fix and caught.value.__cause__ is error
    assert logging.getLogger("yfinance").level == level


def test_without_the_library_the_extra_is_named(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(fetch, "import_module", missing)
    with pytest.raises(Misconfigured, match=r"FETCH_MISSING.*argosy\[fetch\]"):
        fetched(Request(("SPY",)))


