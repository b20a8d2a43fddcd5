"""The packaged prices: their rows, the splits and dividends read out of them, and what the file says of itself."""

import numpy as np
import polars as pl
import pytest

from argosy.core.errors import Broken, Misuse
from argosy.core.events import Dividend, Split
from argosy.core.time import parse
from argosy.data import demo


@pytest.fixture(scope="module")
def packaged():
    return demo.load()


def test_rows_and_symbols(packaged):
    assert packaged.instruments.symbols == ("AAPL", "FB", "GOOG", "IBM", "MSFT")
    count = {row.symbol: int((packaged.tape["instrument"] == row.id).sum()) for row in packaged.instruments}
    assert count == {"AAPL": 3270, "FB": 196, "GOOG": 2148, "IBM": 3270, "MSFT": 3270}
    assert len(packaged.tape) == len(packaged.adjusted) == 12_154
    assert {row.calendar for row in packaged.instruments} == {"XNYS"}


def test_a_known_day_is_as_the_newspapers_printed_it(packaged):
    day = packaged.tape["ts"] == parse("2008-10-10T13:30:00Z")
    row = day & (packaged.tape["instrument"] == packaged.instruments["AAPL"].id)
    assert row.sum() == 1
    prices = [float(packaged.tape[name][row][0]) for name in ("open", "high", "low", "close")]
    assert prices == [85.70, 100.00, 85.00, 96.80]
    assert packaged.tape["known"][row][0] == parse("2008-10-10T20:00:00Z")


def test_the_splits_are_those_that_happened(packaged):
    found = [(packaged.instruments[a.instrument].symbol, a.known + 1, a.ratio) for a in packaged.actions if isinstance(a, Split)]
    assert found == [
        ("AAPL", parse("2000-06-21T13:30:00Z"), 2.0),
        ("MSFT", parse("2003-02-18T14:30:00Z"), 2.0),
        ("AAPL", parse("2005-02-28T14:30:00Z"), 2.0),
    ]


def test_the_dividends_of_one_company_are_those_it_paid(packaged):
    own = packaged.instruments["AAPL"].id
    found = [(a.known + 1, a.amount) for a in packaged.actions if isinstance(a, Dividend) and a.instrument == own]
    days = ("2012-08-09T13:30:00Z", "2012-11-07T14:30:00Z", "2013-02-07T14:30:00Z")
    assert [ts for ts, _ in found] == [parse(day) for day in days]
    assert [amount for _, amount in found] == pytest.approx([2.65] * 3, abs=0.01)


@pytest.mark.parametrize("symbol", ["AAPL", "IBM", "MSFT"])
def test_raw_prices_and_actions_give_the_adjusted_close(packaged, symbol):
    own = packaged.instruments[symbol].id
    rows = packaged.tape["instrument"] == own
    close, adjusted, ts = packaged.tape["close"][rows], packaged.adjusted[rows], packaged.tape["ts"][rows]
    factor = np.ones(len(close))
    for action in packaged.actions:
        if action.instrument == own:
            at = int(np.searchsorted(ts, action.known))
            factor[:at] *= 1 / action.ratio if isinstance(action, Split) else 1 / (1 + action.amount / close[at])
    rebuilt = close * factor
    np.testing.assert_allclose(rebuilt / rebuilt[-1], adjusted / adjusted[-1], rtol=2e-3)


def test_the_file_says_where_it_is_from_and_how_it_was_made():
    told = pl.read_parquet_metadata(demo.FILE)
    assert "Quandl WIKI" in told["origin"] and told["licence"] == "public domain"
    assert told["command"].startswith("python scripts/make_demo_prices.py")
    page = demo.FILE.with_name("demo.md").read_text()
    assert "public domain" in page and "12,154 rows" in page


def test_chosen_symbols_keep_their_order_and_ids():
    chosen = demo.load(("MSFT", "AAPL"))
    assert chosen.instruments.symbols == ("MSFT", "AAPL")
    assert chosen.tape.instruments == (0, 1)
    assert {a.instrument for a in chosen.actions if isinstance(a, Split) and a.known > parse("2004-01-01")} == {1}
    with pytest.raises(Misuse, match=r"INSTRUMENT_UNKNOWN"):
        demo.load(("XYZ",))


def test_a_damaged_package_says_so(tmp_path, monkeypatch):
    (tmp_path / "demo.parquet").write_bytes(demo.FILE.read_bytes()[:1000])
    monkeypatch.setattr(demo, "FILE", tmp_path / "demo.parquet")
    with pytest.raises(Broken, match=r"DEMO_FILE"):
        demo.load()
