"""What a price file's columns mean, in the many spellings that vendors use; it reads names only, never values."""

from __future__ import annotations

import re
from collections.abc import Sequence

from argosy.core.errors import Misuse

BAR = ("open", "high", "low", "close")
SIDES = ("bid", "ask")

_WORDS: dict[str, str] = {
    "date": "date day tradingday tradedate tradingdate datum sessiondate dt observationdate dates caldt yyyymmdd quotedate asof asofdate",
    "time": "time timeofday hour clock tradetime hhmmss",
    "stamp": (
        "timestamp datetime ts t opentime unix unixtime unixtimestamp epoch epochtime gmttime localtime utctime timens timems"
        " timeus timeutc dateutc tstamp eventtime exchangetime exchangetimestamp datetimeutc begintime starttime barstart"
        " timeperiodstart bartime candlebegintime start transacttime participanttimestamp siptimestamp tsevent"
    ),
    "ms": "ms millisecondsofday mssincemidnight millisofday",
    "open": "open o openprice first opening pxopen priceopen opn",
    "high": "high h highprice hi max pxhigh pricehigh highest",
    "low": "low l lowprice lo min pxlow pricelow lowest",
    "close": "close c closeprice last closelast pxlast pxclose settle settlement settleprice closing lastprice priceclose unadjclose",
    "adjusted": "adjclose adjustedclose closeadj closeadjusted adjcloseprice adjustedcloseprice adj",
    "volume": (
        "volume vol v volumetraded tickvolume tickvol totalvolume basevolume shares tradedvolume volumebtc volumeeth volumeltc"
        " volumecurrency sharestraded unadjustedvolume volumeunits volumebase"
    ),
    "bid": "bid bidprice bestbid bidpx b bestbidprice bid1 bidprice1 bidprice0 bidpx00",
    "ask": "ask askprice bestask offer askpx a bestaskprice offerprice ask1 askprice1 askprice0 askpx00",
    "bid_size": "bidsize bidqty bidvolume bidvol sizebid bestbidsize bestbidqty bidamount bidsize1 bidsz00 lastbidsize",
    "ask_size": "asksize askqty askvolume askvol sizeask bestasksize bestaskqty askamount offersize asksize1 asksz00 lastasksize",
    "price": "price px tradeprice p value",
    "size": "size qty quantity amount q tradesize tradeqty lastsize lastqty tradevolume",
    "side": "side takerside aggressor aggressorside direction",
    "maker": "isbuyermaker buyermaker ismaker",
    "id": "id tradeid aggtradeid aggid execid tid trdmatchid",
    "condition": "cond condition conditions salecondition saleconditions",
    "suspicious": "suspicious",
    "symbol": "symbol ticker instrument sym pair security securityid code instrumentid product figi isin",
}
_ROLE = {word: role for role, words in _WORDS.items() for word in words.split()}
_FIELDS = {"open": "open", "o": "open", "high": "high", "h": "high", "low": "low", "l": "low", "close": "close", "c": "close"}
for _side in SIDES:
    for _short, _field in _FIELDS.items():
        _ROLE.setdefault(f"{_side}{_short}", f"{_side}_{_field}")
        _ROLE.setdefault(f"{_short}{_side}", f"{_side}_{_field}")
del _side, _short, _field


def role(name: str) -> str:
    """What one column means: "open", "bid_close", "stamp" and so on; "" when the name says nothing."""
    word = re.sub(r"[^a-z0-9]", "", name.lower())
    if word in _ROLE:
        return _ROLE[word]
    bare = re.sub(r"\([^)]*\)|\[[^]]*\]|^\s*\d+[a-z]?\.\s+", "", name.lower())  # "1. open", "Time (UTC)", "Volume [BTC]"
    word = re.sub(r"[^a-z0-9]", "", bare)
    if word in _ROLE:
        return _ROLE[word]
    if re.match(r"volume\s", bare):  # "Volume BTC"
        return "volume"
    return ""


def roles(names: Sequence[str]) -> dict[str, int]:
    """Each meaning with the first column that has it; in a panel of symbols (a column each) only the time has one."""
    if _panel(names):
        return {role(names[0]): 0}
    found: dict[str, int] = {}
    for place, name in enumerate(names):
        meaning = role(name)
        if meaning:
            found.setdefault(meaning, place)
    if "date" in found and "time" not in found and "stamp" not in found and role(names[found["date"]]) == "date":
        return _prices(found)
    if "stamp" in found and "date" in found and "time" not in found:
        del found["date"]  # "unix, date, ...": the number has no zone to guess
    if "stamp" in found and "time" in found and "date" not in found:
        del found["time"]
    if "time" in found and "date" not in found:
        found["stamp"] = found.pop("time")
    if "date" in found and "time" in found:
        found.pop("stamp", None)
    return _prices(found)


def _panel(names: Sequence[str]) -> bool:
    """Whether the columns are a time and then symbols; tickers such as C, T or LOW are not prices among others."""
    if len(names) < 3 or role(names[0]) not in ("date", "stamp"):
        return False
    rest = names[1:]
    tickers = [name for name in rest if not role(name)]
    short = all(len(name) <= 3 and name.isupper() for name in rest if role(name))
    return len(tickers) >= 2 and short and not set(BAR) <= {role(name) for name in rest}


def _prices(found: dict[str, int]) -> dict[str, int]:
    """In a file of bars, a price is the close and a size the volume."""
    if "price" in found and "close" not in found and {"open", "high", "low"} <= set(found):
        found["close"] = found.pop("price")
    if "size" in found and "volume" not in found and set(BAR) <= set(found):
        found["volume"] = found.pop("size")
    if "price" in found and "size" not in found and "volume" in found and not set(BAR) & set(found):
        found["size"] = found.pop("volume")
    return found


_FITS = {
    "": ("bar", "quotebar", "quote", "trade", "close", "wide"),
    "bar": ("bar", "quotebar", "close", "wide"),
    "quote": ("quote", "quotebar"),
    "trade": ("trade",),
}
"""What may be wanted, and the shapes that can give it."""


def listed(names: Sequence[str]) -> str:
    """Names for a message: the first twelve, none too long."""
    shown = ", ".join(name if len(name) <= 30 else f"{name[:27]}..." for name in names[:12])
    return f"{shown}, and {len(names) - 12} more" if len(names) > 12 else shown or "none"


def shape(found: dict[str, int], names: Sequence[str], where: str, kind: str = "") -> str:
    """What the columns hold: "bar", "close" (closes only), "quotebar", "quote", "trade" or "wide" (a column a symbol).

    kind: the wanted event kind ("bar", "quote", "trade"), "" = what the columns suggest. Raises Misuse("INGEST_COLUMNS").
    """
    has = set(found)
    timed = has & {"date", "stamp", "ms"}
    options: list[str] = []
    if timed:
        if set(BAR) <= has:
            options.append("bar")
        if {f"{side}_{field}" for side in SIDES for field in BAR} <= has:
            options.append("quotebar")
        if {"bid", "ask"} <= has:
            options.append("quote")
        if {"price", "size"} <= has:
            options.append("trade")
        if not options and has & {"close", "price"} and not has & {"open", "high", "low"}:
            options.append("close")
        others = [name for place, name in enumerate(names) if place not in found.values() and name]
        if not options and others and not has - {"date", "stamp", "time"}:
            options.append("wide")
    if kind not in _FITS:
        raise Misuse("INGEST_KIND", f"{kind!r} is not a kind of price", fix="use bar, quote, trade, fact or funding")
    fits = [option for option in options if option in _FITS[kind]]
    if fits:
        return fits[0]
    if not timed:
        raise Misuse(
            "INGEST_COLUMNS", f"no column holds a date or time; columns: {listed(names)}", where=where, fix="name it date, time or timestamp",
        )  # fmt: skip
    wanted = f"a {kind}" if kind else "a bar, quote or trade"
    missing = [field for field in BAR if field not in has]
    hint = f"a bar needs {', '.join(missing)} too" if 0 < len(missing) < 4 else "name prices open high low close, bid ask, or price size"
    raise Misuse("INGEST_COLUMNS", f"the columns are not those of {wanted}: {listed(names)}", where=where, fix=hint)
