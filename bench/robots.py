"""The strategies that the bench trades with, and the limits around them: every rule on, none in the way."""

from __future__ import annotations

from typing import Any

from argosy.core.events import Bar, Fact, Fill, Trade
from argosy.core.intents import Ladder, Protection, Rung
from argosy.core.orders import BUY, SELL
from argosy.core.protocols import Book
from argosy.core.strategy import Cross as Crossing
from argosy.core.strategy import Out, Watch
from argosy.kernels.indicators import sma

LOTS = 100.0
MARGIN = 1e-6
"""Means of cent prices over 10 and 30 bars are equal or at least a thirtieth of a cent apart; dust is no cross."""


class Cross:
    """Long 100 while the mean of 10 is above that of 30, else flat."""

    unit = "lots"
    needs = {"fast": sma(10), "slow": sma(30)}

    @staticmethod
    def step(row: Any, needs: Any, state: Any, params: Any, out: Out) -> None:
        """The wish of one bar."""
        out.target = LOTS if needs.fast - needs.slow > MARGIN else 0.0


class Sided:
    """Long 100 while the mean of 10 is above that of 30, by however little."""

    unit = "lots"
    needs = {"fast": sma(10), "slow": sma(30)}

    @staticmethod
    def step(row: Any, needs: Any, state: Any, params: Any, out: Out) -> None:
        """The wish of one bar."""
        out.target = LOTS if needs.fast > needs.slow else 0.0


class Woken(Sided):
    """The same, and it says what wakes it."""

    wakes = (Crossing("fast", "slow"),)


class Idle:
    """The same needs and comparison, but it never wants anything: what a bar costs without orders."""

    unit = "lots"
    needs = {"fast": sma(10), "slow": sma(30)}

    @staticmethod
    def step(row: Any, needs: Any, state: Any, params: Any, out: Out) -> None:
        """The comparison, and no wish that differs from the position."""
        out.target = LOTS if needs.fast - needs.slow > 1e9 else 0.0


class Brackets:
    """Each bar: the unfilled entry goes, and a new one with its stop and target comes, a thousandth from the close."""

    def on_bar(self, bar: Bar, book: Book) -> Ladder:
        """The one entry wanted now; what filled before keeps its own stop and target."""
        close = round(bar.close * 100.0)
        entry = close - close // 1_000
        exits = Protection(stop=(entry - entry // 1_000) / 100.0, take=(entry + entry // 1_000) / 100.0)
        return Ladder(bar.instrument, (Rung("in", BUY, entry / 100.0, int(LOTS), protection=exits),))


class Entries:
    """The same as a step: each bar the one entry wanted now, with its own stop and target; what filled keeps its own."""

    unit = "lots"
    wants = "entry"

    @staticmethod
    def step(row: Any, needs: Any, state: Any, params: Any, out: Out) -> None:
        """One entry a thousandth below the close, in whole cents."""
        close = int(row.close * 100.0 + 0.5)
        entry = close - close // 1_000
        out.target = LOTS
        out.limit = entry / 100.0
        out.stop = (entry - entry // 1_000) / 100.0
        out.take = (entry + entry // 1_000) / 100.0


LOW, HIGH = 9_985, 10_015
"""Cents at which the swings are bought and sold; odd, and trades are even, so that none is merely touched."""


class Swings:
    """One order rests, always: a share bought at LOW, sold at HIGH, and so on. A fact begins it; then it hears of its fills alone."""

    watches = (Watch("*", "trade"),)

    def on_fact(self, fact: Fact, book: Book) -> Ladder:
        """The first order."""
        return Ladder(0, (Rung("buy", BUY, LOW / 100.0, 1),))

    def on_fill(self, fill: Fill, book: Book) -> Ladder:
        """The other side rests."""
        rung = Rung("sell", SELL, HIGH / 100.0, 1) if fill.side == BUY else Rung("buy", BUY, LOW / 100.0, 1)
        return Ladder(fill.instrument, (rung,))


class Steps:
    """The swings as a step, called for every trade: while flat it bids at LOW, while long it offers at HIGH."""

    unit = "lots"
    watches = (Watch("*", "trade"),)

    @staticmethod
    def step(row: Any, needs: Any, state: Any, params: Any, out: Out) -> None:
        """The one order wanted now."""
        if row.held > 0.0:
            out.target = 0.0
            out.limit = HIGH / 100.0
        else:
            out.target = 1.0
            out.limit = LOW / 100.0


class Watched(Swings):
    """The same, and every trade is shown to it."""

    def on_trade(self, trade: Trade, book: Book) -> None:
        """Only a look."""


LIMITS: dict[str, dict[str, Any]] = {
    "order_size": {"max_lots": 10**9, "max_notional": 1e11},
    "collar": {"max_pct": 1000.0, "both_sides": True, "market_age_ms": 86_400_000},
    "fx": {"max_age_ms": 86_400_000},
    "stale": {"max_age_ms": 86_400_000},
    "daily_loss": {"max_pct": 100.0},
    "drawdown": {"max_pct": 100.0},
    "losing_streak": {"max_losses": 10**9},
    "trades_per_day": {"max_trades": 10**9},
    "order_rate": {"per_second": 4096, "per_minute": 4096},
    "duplicate": {"window_ms": 1},
    "position": {"max_pct": 10_000.0, "max_lots": 10**9},
    "exposure": {"max_gross": 1e11, "max_net": 1e11, "max_leverage": 1000.0},
    "buying_power": {"use_pct": 100.0},
}
"""Limits of every rule that has one, so wide that none binds."""
