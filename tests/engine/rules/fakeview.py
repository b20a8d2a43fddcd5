"""A desk that can be set up by hand: one account with a few instruments, for tests of the gate's rules."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from argosy.core.instrument import Instrument, Instruments, Option
from argosy.core.orders import Order, Share, Type
from argosy.engine.conditions import Conditions
from argosy.engine.counters import Counters
from argosy.engine.requests import Requests
from argosy.engine.rules.rule import Asked, Own

NAN = float("nan")
USD = 1_000_000
NOW = 1_700_000_000_000_000_000

ACME, SHUT, BANNED, EURO, HARD, COIN, BLOCK, CALL, PUT = range(9)
"""Ids: an ordinary share; not tradable; restricted; in EUR; not shortable; 0.001 lots of at least 10; 5 to 50 lots; options once listed."""


def table() -> Instruments:
    return Instruments(
        [
            Instrument(symbol="ACME"),
            Instrument(symbol="SHUT", tradable=False),
            Instrument(symbol="BANNED", restricted=True),
            Instrument(symbol="EURO", currency="EUR"),
            Instrument(symbol="HARD", shortable=False),
            Instrument(symbol="COIN", kind="crypto", lot=Decimal("0.001"), min_lots=10),
            Instrument(symbol="BLOCK", min_lots=5, max_lots=50),
        ]
    )


class FakeView:
    """100,000 USD, flat, every instrument at 100 with a quote of 99.99 to 100.01; all plain attributes."""

    def __init__(self) -> None:
        self.now = NOW
        self.level = 0
        self.instruments = table()
        self.counters = Counters()
        self.counters.requests = Requests()
        self.conditions = Conditions()
        self.asked = Asked()
        self.base = "USD"
        self.equity = 100_000 * USD
        self.cash = 100_000 * USD
        self.peak = 100_000 * USD
        self.day_start = 100_000 * USD
        self.buying_power = 100_000 * USD
        self.gross = 0
        self.reserved = 0
        self.net = 0
        n = len(self.instruments)
        self.held = [0] * n
        self.buys = [0] * n
        self.sells = [0] * n
        self.marks = [100.0] * n
        self.known = [NOW] * n
        self.bids = [99.99] * n
        self.asks = [100.01] * n
        self.scales = [row.scale for row in self.instruments]
        self.rates: dict[str, float] = {"USD": 1.0, "EUR": 1.1}
        self.rate_age = 0
        self.open = True
        self.stopped: set[int] = set()
        self.apart: set[int] = set()
        self.ended: set[int] = set()
        self.best = NAN
        self.guarded: set[int] = set()

        self.owned = Own(100_000 * USD, 100_000 * USD, 100_000 * USD, 0)

    def list_options(self) -> None:
        """Add a call and a put on ACME, strike 100, in lots of 100 shares: ids 7 and 8."""
        for right in ("call", "put"):
            terms = Option(underlying="ACME", strike=Decimal(100), right=right, expiry_ns=NOW + 1)  # type: ignore[arg-type]
            row = self.instruments.add(Instrument(symbol=right.upper(), kind="option", multiplier=Decimal(100), option=terms))
            for column in (self.held, self.buys, self.sells):
                column.append(0)
            self.marks.append(5.0)
            self.known.append(NOW)
            self.bids.append(4.99)
            self.asks.append(5.01)
            self.scales.append(row.scale)

    def own(self, strategy: str) -> Own:
        return self.owned

    def _has(self, i: int) -> bool:
        return 0 <= i < len(self.marks)

    def lots(self, i: int) -> int:
        return self.held[i] if self._has(i) else 0

    def worst(self, i: int) -> tuple[int, int]:
        return (self.held[i] - self.sells[i], self.held[i] + self.buys[i]) if self._has(i) else (0, 0)

    def mark(self, i: int) -> float:
        return self.marks[i] if self._has(i) else NAN

    def marked(self, i: int) -> int:
        return self.known[i] if self._has(i) else 0

    def quote(self, i: int) -> tuple[float, float]:
        return (self.bids[i], self.asks[i]) if self._has(i) else (NAN, NAN)

    def value(self, i: int, lots: int, px: float) -> int | None:
        if not self._has(i):
            return None
        rate = self.rates.get(self.instruments[i].currency)
        return None if rate is None else round(lots * px * self.scales[i] * rate)

    def session_open(self, i: int) -> bool:
        return self.open

    @property
    def nets(self) -> tuple[int, int]:
        return self.net, self.net

    def halted(self, i: int) -> bool:
        return i in self.stopped or i in self.apart

    def drifted(self, i: int) -> bool:
        return i in self.apart

    def delisted(self, i: int) -> bool:
        return i in self.ended

    def fx_age_ns(self, currency: str) -> int:
        return self.rate_age

    def reference(self, i: int) -> float:
        return self.mark(i)

    def opposite(self, i: int, side: int) -> float:
        return self.best

    def will_guard(self, order: Order, price: float) -> bool:
        return order.instrument in self.guarded


def order(lots: int = 10, side: int = 1, i: int = ACME, **fields: Any) -> Order:
    """A market order of strategy "a", or what the fields say; a limit makes it a limit order."""
    fields.setdefault("shares", (Share("a", lots),))
    if "limit" in fields:
        fields.setdefault("type", Type.LIMIT)
    return Order(fields.pop("id", 1), i, side, lots, **fields)


def stop_leg(entry: Order, stop: float, **fields: Any) -> Order:
    fields = {"lots": entry.lots, "type": Type.STOP, "reduce_only": True, "tag": "stop", "shares": entry.shares} | fields
    return Order(2, entry.instrument, -entry.side, stop=stop, parent=entry.id, **fields)
