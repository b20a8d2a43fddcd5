"""Where the exchange's prices come from: quotes that walk by seed, with a history behind them, or a tape of real ones."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from heapq import merge
from pathlib import Path
from typing import Protocol

import numpy as np
from msgspec import structs

from argosy.core.errors import Misuse
from argosy.core.events import Bar, Dividend, Quote, Split, Trade
from argosy.core.tape import Tape
from argosy.core.time import HOUR, MINUTE, MS, NEVER
from argosy.data.actions import Action
from argosy.exchange import corporate, news
from argosy.exchange.hours import midnight
from argosy.exchange.market import LONG, Candle, kind_of, whole
from argosy.exchange.venue import Exchange, candle

TICK = 200 * MS
"""Each symbol has a quote this often, in the exchange's time."""
SESSIONS = 5
DAYS = 260
BLOCK = 4096
PAPERS = 300
"""Ticks of each symbol between two articles: one a minute."""


class Feed(Protocol):
    """due: ns of the next thing that happens, NEVER at the end; `step` lets it happen. leap: to when time may go at once, ns, or 0."""

    due: int

    @property
    def leap(self) -> int: ...

    def begin(self, exchange: Exchange) -> None: ...
    def step(self, exchange: Exchange) -> None: ...
    def pin(self, symbol: str, quote: tuple[float, float] | None) -> None: ...


class Live:
    """Prices that walk: the same seed and start give the same prices. Quotes are one to three cents wide, above 50 dollars."""

    def __init__(self, symbols: list[str], start: int, seed: int) -> None:
        self.symbols = symbols
        self.start = start
        self.due = start
        self.leap = 0
        self._seed = seed
        self._rng = np.random.default_rng(seed)
        self._mids = [first_price(symbol, seed) for symbol in symbols]
        self._pins: dict[str, tuple[float, float]] = {}
        self._draws = self._rng.random((BLOCK, 5)).tolist()
        self._drawn = 0
        self._count = 0

    def pin(self, symbol: str, quote: tuple[float, float] | None) -> None:
        """Keep a symbol's quote where someone put it, ticking on; None lets it walk on from there."""
        if quote is not None:
            self._pins[symbol] = quote
            return
        bid, ask = self._pins.pop(symbol, (0.0, 0.0))
        if bid > 0 and ask > 0 and symbol in self.symbols:
            self._mids[self.symbols.index(symbol)] = (bid + ask) / 2.0

    def begin(self, exchange: Exchange) -> None:
        """Put the history behind the start, and the first quotes."""
        hours, start = exchange.hours, self.start
        rows = hours.around(start)
        spans = [(opens, min(closes, start)) for opens, closes, _ in rows if opens < start][-SESSIONS:]
        if exchange.phase == "regular" and not any(opens <= start < closes for opens, closes, _ in rows):
            spans.append((max(start - start % MINUTE - 3 * HOUR, spans[-1][1] if spans else 0), start))
        old = [opens for opens, closes, _ in hours.sessions(start - 380 * 24 * HOUR, start) if closes < start][-DAYS:]
        day = start - start % (24 * HOUR)
        for place, board in enumerate(exchange.market.boards):
            rng = np.random.default_rng([self._seed, place])
            if board.kind == "crypto":
                always = np.arange(day - 24 * HOUR, start - MINUTE + 1, MINUTE, dtype=np.int64)
                board.minutes = _candles(always, self._mids[place], 6e-4, 3.0, rng)
                before = np.array([midnight(day - k * 24 * HOUR) for k in range(DAYS, 1, -1)], dtype=np.int64)
                board.days = _candles(before, board.minutes[0].o, 0.03, 4e3, rng)
                board.before = board.days[-1].c
                self._first(exchange, place)
                continue
            opens = np.concatenate([np.arange(a, b - MINUTE + 1, MINUTE, dtype=np.int64) for a, b in spans] or [np.zeros(0, np.int64)])
            board.minutes = _candles(opens, self._mids[place], 4e-4, 900.0, rng)
            first = board.minutes[0].o if board.minutes else self._mids[place]
            days = [midnight(day) for day in old if not spans or day < spans[0][0]]
            board.days = _candles(np.array(days, dtype=np.int64), first, 0.012, 2e6, rng)
            for a, b in spans:
                if b < start - MINUTE and b - a > HOUR:
                    board.days.append(whole([row for row in board.minutes if a <= row.t < b]))
            board.before = board.days[-1].c if board.days else first
            self._first(exchange, place)
        closes = [b for _, b in spans if b < start] or [start]
        for place, symbol in enumerate(self.symbols):
            self._write(exchange, closes[place % len(closes)] - HOUR, symbol, told=False)
        exchange.market.articles.sort(key=lambda article: article[0])

    def _first(self, exchange: Exchange, place: int) -> None:
        self._tick(exchange, place)
        exchange.trade(self.symbols[place], round(self._mids[place], 2), 100.0)

    def _write(self, exchange: Exchange, at: int, symbol: str, told: bool = True) -> None:
        """An article about a symbol: what its price has done, and nothing else."""
        board = exchange.market.by_name[symbol]
        change = (board.mark() / board.before - 1.0) * 100 if board.before else 0.0
        way = "rises" if change > 0 else "falls"
        words = {"headline": f"{symbol} {way} {abs(change):.2f}% on the simulated market", "summary": f"The last price is {board.mark():.2f}."}
        news.publish(exchange.market, at, [symbol], words, told)

    def step(self, exchange: Exchange) -> None:
        """One symbol ticks."""
        count = len(self.symbols)
        place = self._count % count
        self._count += 1
        self.due = self.start + (self._count // count) * TICK + (self._count % count) * (TICK // count)
        if exchange.phase != "closed" or kind_of(self.symbols[place]) == "crypto":
            self._tick(exchange, place)
        if self._count % (count * PAPERS) == 0:
            self._write(exchange, exchange.now, self.symbols[self._count // (count * PAPERS) % count])

    def _tick(self, exchange: Exchange, place: int) -> None:
        if self._drawn == BLOCK:
            self._draws = self._rng.random((BLOCK, 5)).tolist()
            self._drawn = 0
        up, wide, many, prints, size = self._draws[self._drawn]
        self._drawn += 1
        symbol = self.symbols[place]
        pinned = self._pins.get(symbol)
        if pinned is not None:
            bid, ask = pinned
        else:
            mid = max(self._mids[place] * (1.0 + (up - 0.5) * 1.2e-4), 51.0)
            self._mids[place] = mid
            half = 0.005 + 0.005 * int(wide * 3.0)
            bid, ask = round(mid - half, 2), round(mid + half, 2)
            if ask <= bid:
                ask = round(bid + 0.01, 2)
        unit = 0.1 if kind_of(symbol) == "crypto" else 100.0
        exchange.quote(symbol, bid, ask, round(unit * (1 + int(many * 9.0)), 1), round(unit * (1 + int(size * 9.0)), 1))
        if prints < 0.4:
            price = ask if prints < 0.2 else bid
            if price == price and price > 0:
                exchange.trade(symbol, price, round(unit / 10 * (1 + int(size * 30.0)), 2))


def first_price(symbol: str, seed: int) -> float:
    """A price between 60 and 400 dollars, of coins two hundred times as much; the same for the same symbol and seed."""
    raw = int.from_bytes(blake2b(f"{seed}/{symbol}".encode(), digest_size=4).digest(), "big")
    return round((60.0 + raw % 34_000 / 100.0) * (200 if kind_of(symbol) == "crypto" else 1), 2)


def _candles(opens: np.ndarray[tuple[int], np.dtype[np.int64]], last: float, spread: float, size: float, rng: np.random.Generator) -> list[Candle]:
    """Candles that end at the price `last`."""
    count = len(opens)
    if not count:
        return []
    steps = rng.normal(0.0, spread, count + 1)
    path = np.exp(np.cumsum(steps) - np.cumsum(steps)[-1]) * last
    path = np.maximum(np.round(path, 2), 50.0)
    o, c = path[:-1], path[1:]
    wide = np.abs(rng.normal(0.0, spread / 2, (2, count)))
    h = np.round(np.maximum(o, c) * (1 + wide[0]), 2)
    l = np.round(np.minimum(o, c) * (1 - wide[1]), 2)
    v = np.round(rng.gamma(2.0, size, count)) + 1.0
    n = (v // 50).astype(np.int64) + 1
    worth = v * (o + c) / 2
    rows = zip(opens.tolist(), o.tolist(), h.tolist(), l.tolist(), c.tolist(), v.tolist(), n.tolist(), worth.tolist(), strict=True)
    return [Candle(*row) for row in rows]


Moment = tuple[int, int, Bar | Quote | Trade | Split | Dividend]
_END, _ACT, _ROW, _OPEN = 0, 1, 2, 3


class Taped:
    """Real prices: bars, quotes and trades of a file, a catalog or the packaged prices, in the order in which they were known.

    source: a path, or "demo"; start: rows before it are the history, ns (0 = the first row is the start)
    """

    def __init__(self, source: str, symbols: list[str], start: int = 0) -> None:
        self._rows, found, self.by_bars = read(source, symbols)
        self.symbols = found
        if not self._rows:
            raise Misuse("TAPE_EMPTY", f"there are no prices in {source}", where="--feed")
        self.start = start or self._rows[0][0] - 1
        self._place = 0
        self.due = self._rows[0][0]
        self.leap = 0

    def pin(self, symbol: str, quote: tuple[float, float] | None) -> None:
        """A tape goes on whatever was said by hand."""

    def begin(self, exchange: Exchange) -> None:
        """Rows before the start become the history."""
        exchange.by_bars = self.by_bars
        while self._place < len(self._rows) and self._rows[self._place][0] <= self.start:
            _, what, row = self._rows[self._place]
            self._place += 1
            board = exchange.market.boards[row.instrument]
            if isinstance(row, Bar):
                if what == _END:
                    one = candle(row)
                    if row.span >= LONG:
                        one.t = midnight(one.t)
                    (board.days if row.span >= LONG else board.minutes).append(one)
                    board.price(row.close)
                    board.before = row.close
            elif isinstance(row, Split | Dividend):
                continue
            elif isinstance(row, Quote):
                exchange.market.on_quote(row.instrument, row.known, row.bid, row.ask, row.bid_size, row.ask_size)
            else:
                exchange.market.on_trade(row.instrument, row.known, row.price, row.size)
        self._next()

    def _next(self) -> None:
        self.due = self._rows[self._place][0] if self._place < len(self._rows) else NEVER

    def step(self, exchange: Exchange) -> None:
        """The next row happens."""
        at, what, row = self._rows[self._place]
        self._place += 1
        self._next()
        symbol = self.symbols[row.instrument]
        if isinstance(row, Bar):
            if what == _OPEN:
                exchange.advance(at)
                exchange.open_bar(row)
            else:
                exchange.advance(at - 1)
                exchange.end_bar(row)
            return
        exchange.advance(at)
        if isinstance(row, Split):
            corporate.split(exchange, symbol, row.ratio)
        elif isinstance(row, Dividend):
            corporate.dividend(exchange, symbol, row.amount)
        elif isinstance(row, Quote):
            exchange.quote(symbol, row.bid, row.ask, row.bid_size, row.ask_size)
        else:
            exchange.trade(symbol, row.price, row.size)


def read(source: str, symbols: list[str]) -> tuple[list[Moment], list[str], bool]:
    """(moments in order, symbols by id, whether there are only bars) of a source."""
    tapes: list[Tape] = []
    actions: list[Action] = []
    if source == "demo":
        from argosy.data.demo import load

        demo = load(symbols)
        names, tapes, actions = list(demo.instruments.symbols), [demo.tape], demo.actions
    elif Path(source).is_dir():
        from argosy.data.catalog import Catalog

        catalog = Catalog(source)
        found = catalog.instruments(symbols, "bar")
        names, tapes, actions = list(found.symbols), [catalog.tape(found, "bar")], catalog.actions(found)
    elif Path(source).exists():
        from argosy.data.ingest import read as ingest

        series = {one.instrument.symbol: one for one in ingest(source).series}
        missing = [symbol for symbol in symbols if symbol not in series]
        if missing:
            raise Misuse("DATA_SYMBOL", f"{missing[0]!r} is not in {source}", where="--symbols", fix=f"it has: {', '.join(series)}")
        names = symbols or list(series)
        for place, symbol in enumerate(names):
            tape = series[symbol].tape
            tapes.append(Tape(tape.kind, tape.columns | {"instrument": np.full(len(tape), place)}))
            actions += [structs.replace(action, instrument=place) for action in series[symbol].actions]
    else:
        raise Misuse("DATA_SOURCE", f"there is nothing at {source!r}", where="--feed", fix='tape:FILE, tape:FOLDER of a catalog, or tape:demo')
    moments = [list(_moments(tape)) for tape in tapes]
    moments.append(sorted(((action.known, _ACT, action) for action in actions), key=lambda m: m[:2]))
    return list(merge(*moments, key=lambda m: m[:2])), names, all(tape.kind is Bar for tape in tapes)


def _moments(tape: Tape) -> Iterator[Moment]:
    found: list[Moment] = []
    for row in tape.rows():
        if isinstance(row, Bar):
            found += [(row.ts, _OPEN, row), (row.known, _END, row)]
        elif isinstance(row, Quote | Trade):
            found.append((row.known, _ROW, row))
    found.sort(key=lambda m: m[:2])
    return iter(found)
