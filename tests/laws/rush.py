"""A wild desk that lives by quotes and trades: strategies that mostly want plain things, near the limits of a careful gate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from argosy.core.effects import Effect
from argosy.core.events import Account, Band, Command, Fact, Gap, Link, Quote, Session, Status, Timer, Trade
from argosy.core.instrument import Instruments
from argosy.core.intents import Hold, Iceberg, Ladder, Protection, Rung, Target
from argosy.core.orders import Tif
from argosy.core.strategy import Watch
from argosy.core.time import MINUTE, SECOND
from argosy.engine.breakers import DESK, Breakers
from argosy.engine.engine import Engine
from argosy.house import Terms, Wanted, assemble
from tests.laws.market import instruments
from tests.laws.wild import Wild

LOOSE: dict[str, Any] = {"trades_per_day": {"max_trades": None}, "losing_streak": {"max_losses": None}, "protection": {"required": False}}
TERMS = {
    "lab": Terms(fees="free", slippage_bps=0.0, limits={"position": {"max_lots": 60}, "order_size": {"max_lots": 50, "trim": True}}),
    "open": Terms(fees="free", slippage_bps=0.0),
    "desk": Terms(profile="desk", breakers=DESK, limits=LOOSE | {"duplicate": {"window_ms": None}, "order_rate": {
        "per_second": 4, "per_minute": 30, "per_minute_each": None, "requests_per_minute": None, "cancels_per_order": None,
    }}),
    "strict": Terms(profile="desk", limits={"position": {"max_lots": 30}, "session": {"queue": False}, "short": {"allow": False}}),
    "near": Terms(breakers=Breakers(daily_loss_frac=0.001, drawdown_frac=0.002), limits={
        "exposure": {"max_gross": 3_000, "max_net": 2_500, "max_leverage": 0.04}, "buying_power": {"use_pct": 4.0}, "budget": {"use_pct": 7.0},
        "daily_loss": {"max_pct": 0.05}, "drawdown": {"max_pct": 0.1}, "collar": {"max_pct": 0.3, "both_sides": True}, "adv": {"max_pct": 1.0},
        "after_halt": {"market_wait_ms": 90_000}, "first_minutes": {"minutes": 3.0},
        "trades_per_day": {"max_trades": 30, "max_trades_per_strategy": 20}, "losing_streak": {"max_losses": 4}, "interval": {"every_s": 45.0},
        "stale": {"max_age_ms": 90_000, "locked": True}, "sector": {"max_pct": 2.0, "of": {"S0": "x", "S1": "x"}},
    }),
}  # fmt: skip
"""Limits: few, none, those of a desk, and two sets that refuse a great deal."""


class Quick:
    """Wants mostly whole lots at market, and at times anything else, at quotes and trades."""

    watches = (Watch("*", "quote"), Watch("*", "trade"))

    class params(msgspec.Struct):
        seed: int = 1
        size: int = 20

    class state(msgspec.Struct):
        word: int = 0

    def __init__(self, params: Any) -> None:
        self.params = params
        self.state = type(self).state(params.seed * 7919 + 17)
        self.last: Any = None

    def _throw(self, sides: int) -> int:
        self.state.word = (self.state.word * 6364136223846793005 + 1442695040888963407) % (1 << 63)
        return (self.state.word >> 20) % sides

    def on_quote(self, quote: Quote, book: Any) -> Any:
        return self._want(quote.instrument, book)

    def on_trade(self, trade: Trade, book: Any) -> Any:
        return self._want(trade.instrument, book)

    def on_timer(self, timer: Timer, book: Any) -> Any:
        i = book.instruments[0]
        return self._want(i, book) if book.mark(i) == book.mark(i) and self._throw(3) == 0 else None

    def _want(self, i: int, book: Any) -> Any:
        what, size, mark = self._throw(40), self.params.size, book.mark(i)
        lots = self._throw(2 * size + 1) - size
        if what < 14:
            self.last = Target(i, lots=max(0, lots) if what % 2 else lots, why="market")
        elif what < 16:
            self.last = Target(i, lots=lots, limit=round(mark + (self._throw(80) - 40) / 100.0, 2), tif=Tif(self._throw(4)))
        elif what == 16:
            self.last = Target(i, weight=lots / 2000.0)
        elif what == 17:
            self.last = Target(i, notional=lots * 40.0)
        elif what == 18:
            self.last = Target(i, lots=lots, protection=Protection(stop=mark - (0.4 if lots > 0 else -0.4)))
        elif what == 19:
            self.last = Ladder(i, (Rung("b", 1, round(mark - 0.3, 2), 1 + self._throw(4)),) if lots > 0 else ())
        elif what == 20:
            self.last = Hold(i)
        elif what == 21:
            self.last = Target(i, lots=lots, horizon_ns=3 * MINUTE, on_expiry="flat")
        elif what == 22:
            self.last = (Target(i, lots=lots), Target(i, lots=-lots))
        elif what == 23:
            self.last = Target(i, lots=0)
        elif what == 24:
            self.last = Target(i, lots=lots, limit=round(mark, 2), execution=Iceberg(3))
        elif what > 26:
            return None
        return self.last  # said again, where nothing was thrown


class Wrong(Quick):
    """As Quick, until it says what nobody may want, or raises."""

    def _want(self, i: int, book: Any) -> Any:
        if self._throw(60) == 0:
            wrong = (None, Target(i), Target(99, lots=1), Target(i, lots=1 << 63), Target(i, lots=1, tif=Tif.GTD), "buy")[self._throw(6)]
            return wrong or 1 // 0
        return super()._want(i, book)


def desk(seed: int, kind: str, shared: bool = False, wrong: bool = False, facts: Callable[[], Instruments] | None = None) -> Engine:
    """Each strategy alone on its instrument, or both on both."""
    symbols: tuple[tuple[str, ...], ...] = ((), ()) if shared else (("S0",), ("S1",))
    wanted = [
        Wanted("ann", Wrong if wrong else Quick, {"seed": seed}, symbols[0], budget_frac=0.4, max_loss_frac=0.001 if kind == "near" else 0.0),
        Wanted("bob", Quick, {"seed": seed + 1, "size": 9}, symbols[1]),
    ]  # fmt: skip
    return assemble(wanted, (facts() if facts else instruments(2), [], []), TERMS[kind]).engine


class Rush(Wild):
    """said: what the engine asked for at each event."""

    def __init__(self, seed: int, engine: Engine) -> None:
        self.said: list[tuple[Effect, ...]] = []
        super().__init__(seed, engine)

    def note(self, effects: Sequence[Effect]) -> None:
        self.said.append(tuple(effects))
        super().note(effects)

    def step(self) -> None:
        """Mostly quotes and trades, and orders that fill; whoever stopped the desk lets it go on before long."""
        self.now += self.random.choice((0, 1, SECOND))
        what, state = self.random.random(), self.state
        tickets = [ticket for row in state.blotter.open for ticket in row.values() if not ticket.leg]
        if tickets and self.random.random() < 0.7:
            self._fill(tickets[0])
        elif what < 0.75:
            self._bar(self.random.randrange(2))
        elif what < 0.85:
            self._answer()
        elif what < 0.93 and (state.level or "active" not in state.status.values()):
            verb = "resume" if state.level else "unpause"
            self.feed(Command(self.now, self.now, verb, "me", "go on", "" if state.level else self.random.choice(("ann", "bob"))))
            for _ in range(3):
                self.feed(Account(self.now, self.now, "USD", 0, 0, 0, dict(enumerate(self.lots))))
        else:
            self._elsewhere()

    def _bar(self, i: int) -> None:
        if self.random.random() < 0.1:
            super()._bar(i)
            return
        self.now += self.random.choice((1, SECOND, 20 * SECOND))
        self.price[i] = max(1.0, round(self.price[i] + self.random.choice((-0.2, -0.05, 0.0, 0.05, 0.2)), 2))
        if self.random.random() < 0.3:
            price = self.random.choice((self.price[i], self.price[i], float("nan")))
            self.marks[i] = price if price == price else self.marks[i]
            self.feed(Trade(self.now, self.now, i, price, 5.0, 1))
            return
        nan = float("nan")
        bid, ask = self.random.choice((*((-0.01, 0.01),) * 3, (0.0, 0.0), (0.02, -0.02), (nan, 0.01), (nan, nan)))
        bid, ask = self.price[i] + bid, self.price[i] + ask
        mid = (bid + ask) * 0.5 if bid == bid else ask
        self.marks[i] = mid if mid == mid else self.marks[i]
        self.feed(Quote(self.now, self.now, i, bid, ask, 10.0, 10.0))

    def _elsewhere(self) -> None:
        now, i, price = self.now, self.random.randrange(2), self.price[self.random.randrange(2)]
        what = self.random.randrange(24)
        if what == 0:
            away = self.random.choice((0.1, 5.0, float("nan"), float("nan")))
            self.feed(Band(now, now, i, price - away, price + away))
        elif what == 1:
            self.feed(Link(now, now, "account", self.random.choice(("up", "up", "reconciling"))))
        elif what == 2 and self.random.random() < 0.3:
            self.feed(Gap(now, now, i, "feed"))
        elif what == 3:
            self.feed(Status(now, now, i, self.random.random() < 0.2, "LULD"))
        elif what == 4:
            self.feed(Fact(now, now, "src", *self.random.choice((("ssr", 1.0), ("ssr", 0.0), ("adv", 900.0), ("adv", 1e9))), "", i))
        elif what == 5 and self.random.random() < 0.2:
            self.feed(Command(now, now, "arm", "me", "why"))
        elif what == 6:
            self.count += 1
            self.feed(Session(now, now, "24/7", self.random.random() < 0.8, self.count, now + MINUTE))
        elif what < 12:
            self.feed(Timer(now, now, "pulse"))
        else:
            super()._elsewhere()
