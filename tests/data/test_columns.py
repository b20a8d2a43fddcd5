"""Headers of many vendors and what they mean."""

import pytest

from argosy.core.errors import Misuse
from argosy.data.columns import role, roles, shape


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("Date,Open,High,Low,Close,Adj Close,Volume", "bar"),
        ("<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<TICKVOL>,<VOL>", "bar"),
        ("timestamp,1. open,2. high,3. low,4. close,5. volume", "bar"),
        ("unix,date,symbol,open,high,low,close,Volume BTC,Volume USD", "bar"),
        ("open_time,o,h,l,c,v", "bar"),
        ("Time (UTC),Open,High,Low,Close,Volume ", "bar"),
        ("ts,bid,ask,bid_size,ask_size", "quote"),
        ("time,bid_open,bid_high,bid_low,bid_close,ask_open,ask_high,ask_low,ask_close", "quotebar"),
        ("timestamp,price,qty,is_buyer_maker", "trade"),
        ("time,price,volume", "trade"),
        ("date,close", "close"),
        ("Date,AAPL,MSFT,IBM", "wide"),
        ("Date,C,T,LOW,AAPL,MSFT", "wide"),  # tickers that are also words of prices
    ],
)
def test_the_shape_of_a_header(header, kind):
    names = header.split(",")
    assert shape(roles(names), names, "x") == kind


def test_single_words():
    assert [role(name) for name in ("Adj. Close", "Gmt time", "Volume (BTC)", "bestBidPrice", "tradeID", "what?")] == [
        "adjusted", "stamp", "volume", "bid", "id", "",
    ]  # fmt: skip


def test_a_number_beats_the_date_beside_it_and_date_and_time_go_together():
    assert roles(["unix", "date", "price", "size"]) == {"stamp": 0, "price": 2, "size": 3}
    assert roles(["date", "time", "bid", "ask"]) == {"date": 0, "time": 1, "bid": 2, "ask": 3}


@pytest.mark.parametrize(
    ("header", "kind", "code", "said"),
    [
        ("open,high,low,close", "", "INGEST_COLUMNS", "no column holds a date"),
        ("date,open,low,close", "", "INGEST_COLUMNS", "a bar needs high too"),
        ("date,close", "trade", "INGEST_COLUMNS", "not those of a trade"),
        ("date,close", "candle", "INGEST_KIND", "use bar, quote, trade"),
    ],
)
def test_what_cannot_be_prices(header, kind, code, said):
    names = header.split(",")
    with pytest.raises(Misuse, match=code) as caught:
        shape(roles(names), names, "f.csv:1", kind)
    assert said in str(caught.value)


def test_a_thousand_columns_do_not_flood_the_message():
    names = [f"{'x' * 200}{k}!" for k in range(1000)]
    with pytest.raises(Misuse) as caught:
        shape(roles(names), names, "f.csv:1")
    assert len(str(caught.value)) < 800 and "and 988 more" in str(caught.value)
