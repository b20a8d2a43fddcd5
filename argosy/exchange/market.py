"""The market of the exchange: last quote and trade, minutes and days of each symbol, as data clients ask for them; it fills nothing.

Shares, coins ("BTC/USD") and listed options are boards alike; `kind` says which.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Literal

import msgspec

from argosy.core.errors import Misuse
from argosy.core.instrument import Instrument, Instruments
from argosy.core.time import HOUR, MINUTE
from argosy.exchange.hours import midnight, minute_of_day
from argosy.exchange.wire import LOT, Body, name, stamp
from argosy.kernels import ledger

NAN = float("nan")
KEPT = 20_000
LONG = 3 * HOUR
"""Bars of at least this are days: a half day has three hours and a half."""
DEEP = 5
"""Levels of an order book of coins on each side."""
_notional = ledger.notional.py
Kind = Literal["equity", "crypto", "option"]
OCC = re.compile(r"([A-Z]{1,6})(\d{6})([CP])(\d{8})")
"""An option's symbol: root, date, right, and a thousandth of the strike."""


@lru_cache(maxsize=65_536)
def kind_of(symbol: str) -> Kind:
    """What a symbol stands for: coins have a slash, options date and strike."""
    if "/" in symbol:
        return "crypto"
    return "option" if OCC.fullmatch(symbol) else "equity"


class Candle(msgspec.Struct):
    """One minute or day. t: start ns; worth: sum of price times size, for the average; n: trades in it."""

    t: int
    o: float
    h: float
    l: float
    c: float
    v: float
    n: int
    worth: float

    def view(self, kind: Kind = "equity") -> Body:
        """The JSON of a bar."""
        average = self.worth / self.v if self.v else self.c
        return {"t": stamp(self.t), "o": self.o, "h": self.h, "l": self.l, "c": self.c, "v": self.v, "n": self.n, "vw": round(average, 6)}

    def join(self, other: Candle) -> None:
        """Make one of two in a row."""
        self.h, self.l, self.c = max(self.h, other.h), min(self.l, other.l), other.c
        self.v, self.n, self.worth = self.v + other.v, self.n + other.n, self.worth + other.worth


class Print(msgspec.Struct):
    """One trade."""

    t: int
    p: float
    s: float
    i: int

    def view(self, kind: Kind = "equity") -> Body:
        """The JSON of a trade."""
        if kind == "crypto":
            return {"t": stamp(self.t), "p": self.p, "s": self.s, "i": self.i, "tks": "B" if self.i % 2 else "S"}
        if kind == "option":
            return {"t": stamp(self.t), "x": "C", "p": self.p, "s": self.s, "c": "I"}
        return {"t": stamp(self.t), "x": "V", "p": self.p, "s": self.s, "c": ["@"], "i": self.i, "z": "C"}


class Best(msgspec.Struct):
    """One quote; a side without an order is 0 with size 0, as the wire has it."""

    t: int
    bp: float
    bs: float
    ap: float
    sa: float

    def view(self, kind: Kind = "equity") -> Body:
        """The JSON of a quote."""
        if kind == "crypto":
            return {"t": stamp(self.t), "bp": self.bp, "bs": self.bs, "ap": self.ap, "as": self.sa}
        if kind == "option":
            return {"t": stamp(self.t), "ax": "C", "ap": self.ap, "as": self.sa, "bx": "C", "bp": self.bp, "bs": self.bs, "c": "A"}
        return {"t": stamp(self.t), "ax": "V", "ap": self.ap, "as": self.sa, "bx": "V", "bp": self.bp, "bs": self.bs, "c": ["R"], "z": "C"}


class Board:
    """What is known of one symbol.

    minutes, days: finished candles, ascending; minute: the one at hand; before: the last close of the day before
    held: its name among positions; size: shares in one; contract: of an option; pinned: its quote was put there by hand; over: it has expired
    band: the limits (down, up) that were last said of it
    """

    def __init__(self, row: Instrument, asset: str) -> None:
        self.row = row
        self.symbol = row.symbol
        self.asset = asset
        self.kind = kind_of(row.symbol)
        self.klass = {"equity": "us_equity", "crypto": "crypto", "option": "us_option"}[self.kind]
        self.held = row.symbol.replace("/", "")
        self.size = int(row.multiplier)
        self.contract: Contract | None = None
        self.pinned = False
        self.over = False
        self.band: tuple[float, float] | None = None
        self.quotes: deque[Best] = deque(maxlen=KEPT)
        self.trades: deque[Print] = deque(maxlen=KEPT)
        self.minutes: list[Candle] = []
        self.days: list[Candle] = []
        self.minute: Candle | None = None
        self.before = 0.0
        self.count = 0
        self.halted = False
        self._mark = NAN

    @property
    def quote(self) -> Best | None:
        """The last quote."""
        return self.quotes[-1] if self.quotes else None

    @property
    def trade(self) -> Print | None:
        """The last trade."""
        return self.trades[-1] if self.trades else None

    def mark(self) -> float:
        """The price at which positions are counted: the middle of the quote, else the last price; 0 before any."""
        return self._mark if self._mark == self._mark else 0.0

    def price(self, mark: float) -> None:
        """Set the mark."""
        self._mark = mark

    def touch(self, price: float, size: float, at: int, trades: int = 1) -> Candle | None:
        """Put a trade into its minute; returns the minute before when a new one begins."""
        start = at - at % MINUTE
        minute = self.minute
        if minute is not None and minute.t == start:
            minute.h, minute.l, minute.c = max(minute.h, price), min(minute.l, price), price
            minute.v, minute.n, minute.worth = minute.v + size, minute.n + trades, minute.worth + price * size
            return None
        self.minute = Candle(start, price, price, price, price, size, trades, price * size)
        return minute


class Contract(msgspec.Struct, frozen=True):
    """What an option promises. side: +1 a call, -1 a put; day: its last, "2026-11-20"; expires: ns of that day's close."""

    symbol: str
    under: int
    root: str
    side: int
    strike: Decimal
    day: str
    expires: int

    def worth(self, price: float) -> float:
        """What exercise gives for one share, at least 0."""
        return max((price - float(self.strike)) * self.side, 0.0)


class Market:
    """All boards, and who is told: `told(channel, symbol, record)` for each record that streams carry.

    derived: boards of options by their underlying; listed: finds an option that has no board yet; opened: hears of its board
    articles: (ns, row) of the news
    """

    def __init__(self, symbols: Iterable[str], seed: int) -> None:
        self.instruments = Instruments()
        self.boards: list[Board] = []
        self.by_name: dict[str, Board] = {}
        self.articles: list[tuple[int, Body]] = []
        self.derived: dict[int, list[Board]] = {}
        self.listed: Callable[[str], Contract | None] = lambda symbol: None
        self.opened: Callable[[Board], None] = lambda board: None
        for symbol in symbols:
            self.add(symbol)
        self.told: Callable[[str, str, Candle | Print | Best | Body], None] = lambda channel, symbol, record: None
        self.seed = seed

    def add(self, symbol: str, contract: Contract | None = None) -> Board:
        """Open a board."""
        kind = kind_of(symbol)
        plain = kind == "equity"
        row = self.instruments.add(Instrument(
            symbol=symbol, venue="alpaca", lot=LOT, calendar="24/7" if kind == "crypto" else "XNYS", kind=kind,
            multiplier=Decimal(100) if kind == "option" else Decimal(1), shortable=plain, marginable=plain,
        ))  # fmt: skip
        board = Board(row, asset_id(symbol))
        board.contract = contract
        self.boards.append(board)
        self.by_name |= {board.symbol: board, board.asset: board, board.held: board}
        if contract is not None:
            self.derived.setdefault(contract.under, []).append(board)
            self.opened(board)
        return board

    def board(self, symbol: str) -> Board | None:
        """The board of a symbol or asset id; an option that is listed gets one when it is asked for."""
        found = self.by_name.get(symbol)
        if found is None:
            contract = self.listed(symbol)
            if contract is not None:
                return self.by_name.get(contract.symbol) or self.add(contract.symbol, contract)
        return found

    def worth(self, instrument: int, lots: int) -> int:
        """Units that signed lots are worth at the mark; Misuse("MARK") before there is a price."""
        board = self.boards[instrument]
        mark = board.mark()
        if not mark and lots:
            raise Misuse("MARK", "there is no price yet", where=board.symbol)
        value = int(_notional(abs(lots), mark, board.row.scale))
        return value if lots >= 0 else -value

    def on_quote(self, instrument: int, at: int, bid: float, ask: float, bid_size: float, ask_size: float) -> None:
        """A new quote; nan for a side without an order."""
        board = self.boards[instrument]
        if bid == bid and ask == ask:
            board.price((bid + ask) / 2.0)
        best = Best(at, bid if bid == bid else 0.0, bid_size, ask if ask == ask else 0.0, ask_size)
        board.quotes.append(best)
        self.told("quotes", board.symbol, best)
        if board.kind == "crypto":
            self.told("orderbooks", board.symbol, {**book(best), "t": at, "r": True})

    def on_trade(self, instrument: int, at: int, price: float, size: float) -> None:
        """A new trade."""
        board = self.boards[instrument]
        if not board.quotes:
            board.price(price)
        board.count += 1
        row = Print(at, price, size, board.count)
        board.trades.append(row)
        self.told("trades", board.symbol, row)
        self.finished(board, board.touch(price, size, at))

    def on_bar(self, instrument: int, candle: Candle, span: int) -> None:
        """A finished candle of a tape of bars; one as long as a session is a day."""
        board = self.boards[instrument]
        board.price(candle.c)
        board.count += 1
        board.trades.append(Print(candle.t, candle.c, candle.v, board.count))
        if span < LONG:
            self.finished(board, candle)
            return
        board.before = board.days[-1].c if board.days else candle.c
        candle.t = midnight(candle.t)
        board.days.append(candle)
        self.told("dailyBars", board.symbol, candle)

    def finished(self, board: Board, minute: Candle | None) -> None:
        """Keep a finished minute and tell of it."""
        if minute is None:
            return
        board.minutes.append(minute)
        self.told("bars", board.symbol, minute)
        today = self.today(board)
        if today is not None:
            self.told("dailyBars", board.symbol, today)
        band = self.band(board, minute.t + MINUTE) if board.kind == "equity" else None
        if band is not None and (board.band is None or abs(sum(band) - sum(board.band)) >= 0.01 * sum(band)):
            self.limit(board, band, minute.t + MINUTE)

    def band(self, board: Board, now: int) -> tuple[float, float] | None:
        """(down, up) that trading may not leave: 5 % around the mean of five minutes, 20 % below 3 dollars, twice that before the close.

        Source: the national market system plan to address extraordinary market volatility, for stocks of its first tier.
        """
        rows = board.minutes[-5:]
        mean = sum(row.c for row in rows) / len(rows) if rows else board.mark()
        if not mean:
            return None
        wide = 0.05 if mean > 3 else 0.20
        if minute_of_day(now) >= 15 * 60 + 35:
            wide *= 2
        return round(mean * (1 - wide), 2), round(mean * (1 + wide), 2)

    def limit(self, board: Board, band: tuple[float, float], at: int, indicator: str = "B") -> None:
        """Say the price bands of a symbol."""
        board.band = band
        self.told("lulds", board.symbol, {"u": band[1], "d": band[0], "i": indicator, "t": at, "z": "C"})

    def minute_over(self, now: int) -> None:
        """End the minutes that lie behind `now`."""
        for board in self.boards:
            minute = board.minute
            if minute is not None and minute.t + MINUTE <= now:
                board.minute = None
                self.finished(board, minute)

    def today(self, board: Board) -> Candle | None:
        """The day at hand, from its minutes."""
        rows = board.minutes[-1000:] + ([board.minute] if board.minute else [])
        if not rows:
            return None
        first = max(midnight(rows[-1].t), rows[-1].t - 20 * 60 * MINUTE)
        return whole(rows[bisect_left(rows, first, key=lambda row: row.t) :])

    def close_day(self) -> None:
        """Keep the day at hand as a finished one."""
        for board in self.boards:
            if board.kind == "crypto":
                continue
            today = self.today(board)
            if today is not None and (not board.days or board.days[-1].t < today.t):
                board.days.append(today)

    def new_day(self) -> None:
        """Prices are now compared with the last close."""
        for board in self.boards:
            if board.days:
                board.before = board.days[-1].c

    def halt(self, instrument: int, halted: bool, at: int) -> None:
        """Stop or resume trading in a symbol, and tell of it."""
        board = self.boards[instrument]
        board.halted = halted
        code, text = ("H", "Trading Halt") if halted else ("T", "Trading Resumption")
        self.told("statuses", board.symbol, {
            "sc": code, "sm": text, "rc": "LUDP" if halted else "", "rm": "Volatility Trading Pause" if halted else "",
            "t": at, "z": "C",
        })  # fmt: skip

    def asset(self, board: Board) -> Body:
        """The JSON of an asset."""
        coin = board.kind == "crypto"
        head: Body = {
            "id": board.asset, "class": board.klass, "exchange": exchange_of(board), "symbol": board.symbol,
            "name": f"{board.symbol} (simulated)", "status": "active", "tradable": True, "marginable": board.row.marginable,
            "maintenance_margin_requirement": 100 if coin else 30, "margin_requirement_long": "100" if coin else "30",
            "margin_requirement_short": "100" if coin else "30", "shortable": board.row.shortable, "easy_to_borrow": board.row.shortable,
            "fractionable": board.kind != "option",
        }  # fmt: skip
        if coin:
            return head | {"min_order_size": "0.0001", "min_trade_increment": "0.000000001", "price_increment": "0.01", "attributes": []}
        return head | {"borrow_status": "easy_to_borrow", "attributes": ["fractional_eh_enabled", "has_options", "overnight_tradable"]}


def whole(rows: list[Candle]) -> Candle:
    """One day of its minutes."""
    first = rows[0]
    day = Candle(midnight(first.t), first.o, first.h, first.l, first.c, first.v, first.n, first.worth)
    for row in rows[1:]:
        day.join(row)
    return day


def asset_id(symbol: str) -> str:
    """The id of an asset, the same on every exchange."""
    return name(0, "asset/" + symbol, 0)


def exchange_of(board: Board) -> str:
    """Where a thing is traded; an option has no one place."""
    return {"equity": "NASDAQ", "crypto": "CRYPTO", "option": ""}[board.kind]


def book(best: Best) -> Body:
    """Five levels behind a quote, a hundredth of a percent apart and each a little deeper."""
    step = round(max((best.bp + best.ap) * 5e-5, 0.01), 2)
    return {
        "b": [{"p": round(best.bp - step * k, 2), "s": best.bs * (k + 1)} for k in range(DEEP)] if best.bp else [],
        "a": [{"p": round(best.ap + step * k, 2), "s": best.sa * (k + 1)} for k in range(DEEP)] if best.ap else [],
    }
