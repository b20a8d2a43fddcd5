"""The market of the exchange: last quote and trade, minutes and days of each symbol, as data clients ask for them; it fills nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

import msgspec

from argosy.core.errors import Misuse
from argosy.core.instrument import Instrument, Instruments
from argosy.core.time import HOUR, MINUTE
from argosy.exchange.hours import day_of, midnight
from argosy.exchange.wire import LOT, Body, name, stamp
from argosy.kernels import ledger

NAN = float("nan")
KEPT = 20_000
LONG = 3 * HOUR
"""Bars of at least this are days: a half day has three hours and a half."""
_notional = ledger.notional.py


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

    def view(self) -> Body:
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

    def view(self) -> Body:
        """The JSON of a trade."""
        return {"t": stamp(self.t), "x": "V", "p": self.p, "s": self.s, "c": ["@"], "i": self.i, "z": "C"}


class Best(msgspec.Struct):
    """One quote; a side without an order is 0 with size 0, as the wire has it."""

    t: int
    bp: float
    bs: float
    ap: float
    sa: float

    def view(self) -> Body:
        """The JSON of a quote."""
        return {"t": stamp(self.t), "ax": "V", "ap": self.ap, "as": self.sa, "bx": "V", "bp": self.bp, "bs": self.bs, "c": ["R"], "z": "C"}


class Board:
    """What is known of one symbol.

    minutes, days: finished candles, ascending; minute: the one at hand; before: the last close of the day before
    """

    def __init__(self, row: Instrument, asset: str) -> None:
        self.row = row
        self.symbol = row.symbol
        self.asset = asset
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


class Market:
    """All boards, and who is told: `told(channel, symbol, record)` for each record that streams carry."""

    def __init__(self, symbols: Iterable[str], seed: int) -> None:
        rows = [Instrument(symbol=s, venue="alpaca", lot=LOT, calendar="XNYS") for s in symbols]
        self.instruments = Instruments(rows)
        self.boards = [Board(row, name(0, "asset/" + row.symbol, 0)) for row in self.instruments]
        self.by_name = {board.symbol: board for board in self.boards} | {board.asset: board for board in self.boards}
        self.told: Callable[[str, str, Candle | Print | Best | Body], None] = lambda channel, symbol, record: None
        self.seed = seed

    def board(self, symbol: str) -> Board | None:
        """A symbol or asset id."""
        return self.by_name.get(symbol)

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
        day = day_of(rows[-1].t)
        found: Candle | None = None
        first = rows[-1].t - 20 * 60 * MINUTE
        for row in rows:
            if row.t < first or day_of(row.t) != day:
                continue
            if found is None:
                found = Candle(midnight(row.t), row.o, row.h, row.l, row.c, row.v, row.n, row.worth)
            else:
                found.join(row)
        return found

    def close_day(self) -> None:
        """Keep the day at hand as a finished one."""
        for board in self.boards:
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
        return {
            "id": board.asset, "class": "us_equity", "exchange": "NASDAQ", "symbol": board.symbol, "name": f"{board.symbol} (simulated)",
            "status": "active", "tradable": True, "marginable": True, "maintenance_margin_requirement": 30,
            "margin_requirement_long": "30", "margin_requirement_short": "30", "shortable": board.row.shortable,
            "easy_to_borrow": board.row.shortable, "borrow_status": "easy_to_borrow", "fractionable": True,
            "attributes": ["fractional_eh_enabled"],
        }  # fmt: skip
