"""Real days with their minutes drawn: opens, highs, lows and closes are a tape's, the way between them is chance by seed.

A tape of days can be traded by the minute so, as a drill or a demonstration; nothing learnt from the minutes is true of any market.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from argosy.core.errors import Misuse
from argosy.core.events import Bar, Dividend, Split
from argosy.core.time import MINUTE, NEVER, SECOND
from argosy.exchange import corporate
from argosy.exchange.feed import read
from argosy.exchange.hours import midnight
from argosy.exchange.market import LONG, Candle
from argosy.exchange.venue import Exchange, candle

STEP = 5 * SECOND
"""Each symbol has a quote and a trade this often, in the exchange's time."""
PER = MINUTE // STEP
BEHIND = 20
"""Sessions whose minutes lie behind the start; of those before there are days."""
HALF = 0.01
EARLY = 5 * MINUTE
"""A night is left out up to so long before the next open."""


def way(bar: Bar, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(count + 1,) prices in cents' steps from a bar's open to its close that touch its high and its low and never pass them."""
    low, high = round(bar.low, 2), round(bar.high, 2)
    first, second = np.sort(rng.choice(np.arange(1, count), 2, replace=False)).tolist()
    ends = (high, low) if rng.random() < 0.5 else (low, high)
    stops = [(0, bar.open), (first, ends[0]), (second, ends[1]), (count, bar.close)]
    out = np.empty(count + 1)
    for (a, begin), (b, end) in pairwise(stops):
        steps = np.cumsum(rng.standard_normal(b - a)) * (high - low) / (2.5 * np.sqrt(count))
        part = np.arange(1, b - a + 1) / (b - a)
        out[a + 1 : b + 1] = begin + (end - begin) * part + steps - steps[-1] * part
    out[0] = bar.open
    return np.asarray(np.round(np.clip(out, low, high), 2), dtype=np.float64)


def volumes(bar: Bar, count: int) -> NDArray[np.float64]:
    """(count,) whole shares that sum to the bar's, more of them at both ends of the day."""
    middle = np.linspace(-1.0, 1.0, count)
    share = 0.5 + middle * middle
    edges = np.floor(np.concatenate(([0.0], np.cumsum(share / share.sum()))) * bar.volume + 0.5)
    return np.diff(edges)


class Drawn:
    """The feed of a tape of days. source, symbols: as of `feed.read`; start: days before it are the history, ns; seed: of the ways.

    Nights are left out: `leap` says to when time may go.
    """

    def __init__(self, source: str, symbols: list[str], start: int, seed: int) -> None:
        rows, self.symbols, _ = read(source, symbols)
        self.due = NEVER
        self._seed = seed
        self._days: list[tuple[int, int, dict[int, Bar]]] = []
        self._acts: list[tuple[int, Split | Dividend]] = []
        for at, _, row in rows:
            if isinstance(row, Split | Dividend):
                self._acts.append((row.known, row))
            elif not isinstance(row, Bar) or row.span < LONG:
                raise Misuse("TAPE_SPAN", "only days can have their minutes drawn", where="--feed", fix=f"play it as it is: tape:{source}")
            elif at == row.ts:
                if not self._days or self._days[-1][0] != row.ts:
                    self._days.append((row.ts, row.ts + row.span, {}))
                self._days[-1][2][row.instrument] = row
        self._day = next((place for place, (opens, _, _) in enumerate(self._days) if opens >= start), len(self._days))
        if self._day == len(self._days):
            raise Misuse("TAPE_EMPTY", f"there is no day in {source} from the start on", where="--start", fix="start earlier")
        self.start = self._days[self._day][0] - EARLY
        self._tick = 0
        self._count = 0
        self._ways: dict[int, tuple[list[float], list[float]]] = {}

    def pin(self, symbol: str, quote: tuple[float, float] | None) -> None:
        """A tape goes on whatever was said by hand."""

    @property
    def leap(self) -> int:
        """While nothing is to come for long: when time may go on, ns; else 0."""
        return self.due - EARLY if self._tick == 0 and self.due != NEVER else 0

    def begin(self, exchange: Exchange) -> None:
        """Days before the start become the history, the last of them by the minute; it begins with a session."""
        for place, (opens, closes, bars) in enumerate(self._days[: self._day]):
            for i, bar in bars.items():
                board = exchange.market.boards[i]
                one = candle(bar)
                one.t = midnight(one.t)
                board.days.append(one)
                if place >= self._day - BEHIND:
                    board.minutes += self._minutes(place, i, bar, opens, closes)
                board.price(bar.close)
                board.before = bar.close
        self._acts = [act for act in self._acts if act[0] > self._days[self._day - 1][1]] if self._day else self._acts
        self._open()

    def _path(self, place: int, i: int, bar: Bar, opens: int, closes: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Prices and volumes of a day's steps."""
        count = (closes - opens) // STEP - 1
        rng = np.random.default_rng([self._seed, place, i])
        return way(bar, count, rng), volumes(bar, count + 1)

    def _minutes(self, place: int, i: int, bar: Bar, opens: int, closes: int) -> list[Candle]:
        prices, sizes = self._path(place, i, bar, opens, closes)
        out = []
        for k in range(0, len(prices), PER):
            part, size = prices[k : k + PER], sizes[k : k + PER]
            row = Bar(0, 0, i, float(part[0]), float(part.max()), float(part.min()), float(part[-1]), float(size.sum()), MINUTE)
            out.append(candle(structs.replace(row, ts=opens + k * STEP)))
        return out

    def _open(self) -> None:
        """Draw the day that comes."""
        if self._day == len(self._days):
            self.due = NEVER
            return
        opens, closes, bars = self._days[self._day]
        self._ways.clear()
        for i, bar in bars.items():
            prices, sizes = self._path(self._day, i, bar, opens, closes)
            self._ways[i] = prices.tolist(), sizes.tolist()
        self._tick, self._count = 0, (closes - opens) // STEP
        self.due = opens

    def step(self, exchange: Exchange) -> None:
        """All symbols tick once."""
        exchange.advance(self.due)
        if self._tick == 0:
            self._act(exchange)
        for i, (prices, sizes) in self._ways.items():
            price, symbol = prices[self._tick], self.symbols[i]
            exchange.quote(symbol, round(price - HALF, 2), round(price + HALF, 2), 500.0, 500.0)
            exchange.trade(symbol, price, sizes[self._tick])
        self._tick += 1
        self.due += STEP
        if self._tick == self._count:
            self._day += 1
            self._open()

    def _act(self, exchange: Exchange) -> None:
        """Splits and dividends up to this open."""
        while self._acts and self._acts[0][0] <= self.due:
            act = self._acts.pop(0)[1]
            symbol = self.symbols[act.instrument]
            if isinstance(act, Split):
                corporate.split(exchange, symbol, act.ratio)
            else:
                corporate.dividend(exchange, symbol, act.amount)
