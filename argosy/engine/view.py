"""What the risk rules may look at: the state, read-only and O(1), in base currency units; it never decides."""

from __future__ import annotations

from argosy.core.instrument import Instruments
from argosy.core.orders import Order
from argosy.engine.conditions import Conditions
from argosy.engine.counters import Counters
from argosy.engine.rules.rule import Asked, Own
from argosy.engine.state import State
from argosy.kernels import ledger

NAN = float("nan")
_notional = ledger.notional.py


class StateView:
    """`rules.rule.View` over the engine's state.

    multiplier: buying power per equity (1 cash account, 2 margin, 4 intraday)
    """

    __slots__ = ("_blotter", "asked", "base", "conditions", "counters", "instruments", "multiplier", "portfolio", "state")

    def __init__(self, state: State, multiplier: float) -> None:
        self.asked = Asked()
        self.state = state
        self.portfolio = state.portfolio
        self._blotter = state.blotter
        self.instruments: Instruments = state.instruments
        self.counters: Counters = state.counters
        self.conditions: Conditions = state.conditions
        self.base = state.portfolio.base
        self.multiplier = multiplier

    @property
    def now(self) -> int:
        return self.state.now

    @property
    def level(self) -> int:
        return self.state.level

    @property
    def equity(self) -> int:
        return self.portfolio.equity

    @property
    def cash(self) -> int:
        portfolio = self.portfolio
        if portfolio.single:
            return portfolio.cash[0]
        return sum(portfolio.to_base(units, c) or 0 for c, units in enumerate(portfolio.cash))

    @property
    def peak(self) -> int:
        return self.state.peak

    @property
    def day_start(self) -> int:
        return self.state.day_start

    @property
    def gross(self) -> int:
        return self.portfolio.gross + self.open

    @property
    def open(self) -> int:
        """Base units that open and UNKNOWN orders can add to the gross exposure at worst, at least what is reserved for them."""
        blotter = self._blotter
        more = 0
        for i in blotter.working() if blotter.busy else ():
            low, high = self.worst(i)
            more += self._worth(i, max(-low, high) - abs(self.portfolio.lots[i]))
        return max(blotter.reserved, more)

    def _worth(self, i: int, lots: int) -> int:
        """What so many lots, not negative, may come to at worst: at the mark, or at the dearest price of an open order."""
        price = self._blotter.dearest(i, self.portfolio.marks[i]) if lots else NAN
        return (self.value(i, lots, price) or 0) if price == price else 0

    @property
    def nets(self) -> tuple[int, int]:
        portfolio = self.portfolio
        worth = portfolio.worth
        low = high = worth[0] if portfolio.single else sum(portfolio.to_base(units, c) or 0 for c, units in enumerate(worth))
        for i in self._blotter.working() if self._blotter.busy else ():
            held = portfolio.lots[i]
            least, most = self.worst(i)
            low -= self._worth(i, held - least)
            high += self._worth(i, most - held)
        return low, high

    @property
    def buying_power(self) -> int:
        """Equity times the multiplier, less what is held and what open orders may add at worst."""
        return int(self.portfolio.equity * self.multiplier) - self.portfolio.gross - self.open

    @property
    def reserved(self) -> int:
        return self._blotter.reserved

    def own(self, strategy: str) -> Own:
        book = self.portfolio.books[strategy]
        equity, power = self.means(strategy)
        return Own(equity, power, book.budget, book.max_loss)

    def means(self, strategy: str) -> tuple[int, int]:
        """(equity, power) of a strategy's own book."""
        equity, gross = self.portfolio.stake(strategy)
        return equity, int(equity * self.multiplier) - gross - (self._open_of(strategy) if self._blotter.busy else 0)

    def _open_of(self, strategy: str) -> int:
        """Base units that a strategy's part of the open orders can add to what its own book holds, at worst."""
        blotter, lots = self._blotter, self.portfolio.books[strategy].lots
        more = sum(self._worth(i, blotter.worst_of(strategy, i, lots[i]) - abs(lots[i])) for i in blotter.working())
        return max(blotter.reserved_by(strategy), more)

    def lots(self, instrument: int) -> int:
        return self.portfolio.lots[instrument]

    def worst(self, instrument: int) -> tuple[int, int]:
        lots = self.portfolio.lots[instrument]
        if not self._blotter.open[instrument]:
            return lots, lots
        return self._blotter.worst(instrument, lots)

    def mark(self, instrument: int) -> float:
        return self.portfolio.marks[instrument]

    def marked(self, instrument: int) -> int:
        return self.portfolio.marked[instrument]

    def quote(self, instrument: int) -> tuple[float, float]:
        return self.state.quotes[instrument]

    def reference(self, instrument: int) -> float:
        """The mark, which is the mid while quotes come and the last price else."""
        return self.portfolio.marks[instrument]

    def value(self, instrument: int, lots: int, price: float) -> int | None:
        """Base value of lots at a price; None when no or only a stale rate is known."""
        portfolio = self.portfolio
        c = portfolio.currency_of[instrument]
        units = _notional(lots, price, portfolio.scale[instrument])
        if c == 0:
            return units
        rate = portfolio.fx[c]
        if rate is None or (rate.stale_ns and self.state.now - portfolio.marked[rate.instrument] > rate.stale_ns):
            return None
        return portfolio.to_base(units, c)

    def fx_age_ns(self, currency: str) -> int:
        """How old the rate of a currency is; 0 for base; the greatest int64 when there is none."""
        portfolio = self.portfolio
        c = portfolio.currency_index(currency)
        if c == 0:
            return 0
        rate = portfolio.fx[c]
        if rate is None or not portfolio.marks[rate.instrument] > 0.0:
            return (1 << 63) - 1
        return self.state.now - portfolio.marked[rate.instrument]

    def session_open(self, instrument: int) -> bool:
        return self.state.session_open(instrument)

    def halted(self, instrument: int) -> bool:
        return instrument in self.state.halted

    def drifted(self, instrument: int) -> bool:
        return instrument in self.state.drifted

    def delisted(self, instrument: int) -> bool:
        return instrument in self.state.delisted

    def will_guard(self, order: Order, price: float) -> bool:
        """Whether every share of an order is of a strategy whose wish has a stop, on the losing side of a price where one is known."""
        wishes = [self.state.wishes.get((share.strategy, order.instrument)) for share in order.shares]
        stops = [wish.protection for wish in wishes if wish is not None and wish.protection is not None]
        return bool(stops) and len(stops) == len(wishes) and all(
            one.trail == one.trail or (one.stop == one.stop and not (price - one.stop) * order.side <= 0.0) for one in stops
        )  # fmt: skip

    def opposite(self, instrument: int, side: int) -> float:
        return self._blotter.opposite(instrument, side)

    def reservation(self, order: Order) -> int:
        """Base units to hold back for an order: what it can add to the gross exposure, at its limit or the mark."""
        if order.reduce_only:
            return 0
        i, lots, price, portfolio = order.instrument, order.lots, order.limit, self.portfolio
        held = portfolio.lots[i]
        if held * order.side < 0:
            lots = max(0, lots - abs(held))
        if price != price:
            price = portfolio.marks[i]
        if not lots or price != price:
            return 0
        return abs(_notional(lots, price, portfolio.scale[i]) if not portfolio.currency_of[i] else self.value(i, lots, price) or 0)


__all__ = ["StateView"]
