"""What a symbol or a file's name tells: the ticker, the kind of thing, a date; a guess that the owner can overrule."""

from __future__ import annotations

import re

from argosy.core.instrument import Kind
from argosy.core.money import FIAT


def guess_kind(symbol: str) -> Kind:
    """What a symbol looks like: two currencies are fx, a coin and what it is counted in crypto, else an equity."""
    word = re.sub(r"[^A-Z0-9]", "", symbol.upper())
    if len(word) == 6 and word[:3] in FIAT and word[3:] in FIAT:
        return "fx"
    if word in _COINS or any(word.endswith(quote) and len(word) > len(quote) + 1 for quote in ("USDT", "USDC", "BUSD", "BTC", "XBT", "ETH")):
        return "crypto"
    return "crypto" if word[:3] in _COINS and word[3:] in FIAT | _COINS else "equity"


def currency_of(symbol: str) -> str:
    """What a symbol's price is counted in: EURGBP in GBP, LTCBTC in BTC; USD for all else, coins tied to it included."""
    kind = guess_kind(symbol)
    word = re.sub(r"[^A-Z0-9]", "", symbol.upper())
    if kind == "fx":
        return word[3:]
    if kind == "crypto" and word not in _COINS:
        for quote in sorted((FIAT | _COINS) - _DOLLARS, key=lambda name: (-len(name), name)):
            if word.endswith(quote) and len(word) > len(quote):
                return quote
    return "USD"


def symbol_in(name: str) -> str:
    """The symbol that a file's name tells: its first word that is no vendor, kind, span or date; "" when none is left."""
    stem = re.sub(r"\.(csv|txt|tsv|gz|parquet|pq|dat|zip|json|feather|arrow)\b", "", name, flags=re.IGNORECASE)
    words = [word for word in re.split(r"[_\-\s.,()]+", stem) if word]
    left = [word.upper() for word in words if not _NOISE.fullmatch(word)]
    if not left:
        return ""
    pair = len(left) > 1 and left[0].isalpha() and (left[1] in FIAT or left[1] in _COINS) and (left[0] in FIAT or left[0] in _COINS)
    return left[0] + left[1] if pair else left[0]


def day_in(name: str) -> str:
    """The date in a file's name: "ticks_20131007.csv" -> "2013-10-07"; "" when there is none."""
    match = re.search(r"(?<!\d)((?:19|20)\d{2})-?(\d{2})-?(\d{2})(?!\d)", name)
    return "-".join(match.groups()) if match else ""


def zone_in(name: str) -> str:
    """The clock of a vendor named in a file's name, where it is known not to be UTC; "" otherwise."""
    return next((zone for vendor, zone in (("fxcm", "UTC-5"),) if re.search(rf"(?<![a-z]){vendor}(?![a-z])", name.lower())), "")


_COINS = frozenset("BTC XBT ETH LTC XRP BNB SOL ADA DOT DOGE BCH EOS TRX XLM LINK AVAX USDT USDC BUSD DAI MATIC ATOM UNI ETC XMR".split())
_DOLLARS = frozenset("USDT USDC BUSD DAI".split())
_NOISE = re.compile(
    r"lean|binance|coinbase|kraken|bitstamp|bitfinex|bybit|okx|oanda|fxcm|dukascopy|histdata|yahoo|stooq|alpaca|polygon|tiingo|nasdaq|nyse|freqtrade|wiki"
    r"|trades?|quotes?|bars?|candles?|klines?|ticks?|minutes?|hours?|hourly|daily|day|weekly|monthly|ohlcv?|prices?|data|history|historical|export|adjusted"
    r"|unadjusted|raw|adjclose|with|spot|futures|perp|mark|funding|rates?|options?|chains?|openinterest|interest|american|european|greeks|model|ib|series|curves?|fred|arch|factors?|files?|maps?|m\d+|h\d+|d1|\d+(ms|s|m|min|h|d|w|y)?|table|file|test|sample",
    re.IGNORECASE,
)
