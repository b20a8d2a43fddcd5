"""An account at the exchange: cash, positions, its orders and everything that ever changed them; sums are exact integers."""

from __future__ import annotations

from collections import deque
from math import log10
from typing import Literal

import msgspec

from argosy.core.events import Fill
from argosy.exchange.market import Contract, Market, exchange_of
from argosy.exchange.options import needed
from argosy.exchange.orders import Ticket
from argosy.exchange.wire import PER_SHARE, PER_USD, Body, dollars, name, shares, stamp
from argosy.venues.sim.core import SimCore

Regime = Literal["intraday_2026", "legacy_pdt"]
DAY_TRADES_MAX = 3
LEVEL = 3
"""The options trading level of an account: spreads are allowed."""
HEARD = 5_000
"""Trade updates that are kept for those who ask for what happened since."""
PATTERN_EQUITY = 25_000 * PER_USD


class Position(msgspec.Struct):
    """lots: signed, of 1e-9 share; cost: units paid for the open lots, negative for a short; today, spent: lots opened today and their cost."""

    lots: int = 0
    cost: int = 0
    today: int = 0
    spent: int = 0


class Activity(msgspec.Struct):
    """One row of the account's history. amount: what it did to the cash, in units."""

    id: str
    at: int
    kind: str
    amount: int
    body: Body


class Account:
    """One pair of keys and all that belongs to it.

    multiplier: 1 (cash account, sales settle T+1), 2 (margin), 4 (day trading, legacy_pdt alone)
    holds:      units of buying power kept for open orders; reserved: lots kept by (instrument, side)
    live:       open tickets by (instrument, side); curve: (minute ns, equity units), one row a minute; first: units at the start
    spreads:    open orders of several options; left: options not to be exercised; said: (ns, frame) of what was told
    """

    def __init__(
        self, key: str, secret: str, number: int, seed: int, core: SimCore, *, cash: int, now: int, multiplier: int = 2,
        regime: Regime = "intraday_2026",
    ) -> None:  # fmt: skip
        self.key, self.secret = key, secret
        self.id = name(seed, f"account {key}", number)
        self.number = f"PA{abs(hash_of(self.id)) % 10**10:010d}"
        self.seed = seed * 1000 + number
        self.regime: Regime = regime
        self.configure(multiplier)
        self.begin(core, cash, now)

    def configure(self, multiplier: int) -> None:
        """The configuration as the venue gives it to a new account."""
        self.multiplier = multiplier
        self.settings: Body = {
            "dtbp_check": "entry", "fractional_trading": True, "max_margin_multiplier": str(multiplier), "no_shorting": False,
            "pdt_check": "entry", "suspend_trade": False, "trade_confirm_email": "all", "ptp_no_exception_entry": False,
            "max_options_trading_level": LEVEL, "disable_overnight_trading": False,
        }  # fmt: skip
        if self.regime == "intraday_2026":
            del self.settings["dtbp_check"], self.settings["pdt_check"]

    def begin(self, core: SimCore, cash: int, now: int) -> None:
        """Start anew: no orders, no positions, this cash."""
        self.core = core
        self.cash = 0
        self.positions: dict[int, Position] = {}
        self.tickets: dict[str, Ticket] = {}
        self.clients: dict[str, Ticket] = {}
        self.numbers: dict[int, Ticket] = {}
        self.live: dict[tuple[int, int], dict[int, Ticket]] = {}
        self.reserved: dict[tuple[int, int], int] = {}
        self.holds = 0
        self.activities: list[Activity] = []
        self.places: dict[str, int] = {}
        self.unsettled: list[tuple[int, int]] = []
        self.day_trades: list[tuple[str, str]] = []
        self.day = ""
        self.spreads: dict[int, Ticket] = {}
        self.left: set[int] = set()
        self.watchlists: dict[str, Body] = {}
        self.lists = 0
        self.said: deque[tuple[int, Body]] = deque(maxlen=HEARD)
        self.curve: list[tuple[int, int]] = []
        self.created = now
        self.last_equity = cash
        self.first = cash
        self.book("CSD", cash, now, {"description": "opening balance"})

    # -- the books ------------------------------

    def book(self, kind: str, amount: int, now: int, body: Body) -> None:
        """A row that is no trade: what it did to the cash and why."""
        self.cash += amount
        row = {"activity_type": kind, "date": stamp(now)[:10], "net_amount": dollars(amount), "status": "executed", **body}
        self._write(kind, amount, now, row)

    def fill(self, ticket: Ticket, fill: Fill, now: int, day: str, settles: int) -> Activity:
        """Book one execution: lots, cost, cash, fee; returns its row."""
        amount = -fill.notional
        self.cash += amount
        position = self.positions.setdefault(ticket.instrument, Position())
        signed = ticket.side * fill.lots
        if day != self.day:
            self.day = day
            for other in self.positions.values():
                other.today = other.spent = 0
        held = position.lots
        closing = min(fill.lots, abs(held)) if held * signed < 0 else 0
        if closing:
            if position.today * held > 0 and (day, ticket.id) not in self.day_trades:
                self.day_trades.append((day, ticket.id))
            position.cost -= position.cost * closing // abs(held)
        opening = fill.lots - closing
        if opening:
            part = fill.notional * opening // fill.lots if closing else fill.notional
            position.cost += part
            position.today += ticket.side * opening
            position.spent += part
        position.lots += signed
        if not position.lots:
            del self.positions[ticket.instrument]
        if self.multiplier == 1 and amount > 0:
            self.unsettled.append((settles, amount))
        done = ticket.filled >= ticket.lots
        row = self._write("FILL", amount, now, {
            "activity_type": "FILL", "transaction_time": stamp(now), "type": "fill" if done else "partial_fill",
            "price": repr(fill.price), "qty": shares(fill.lots), "side": "buy" if ticket.side > 0 else "sell",
            "symbol": ticket.symbol, "leaves_qty": shares(ticket.leaves), "order_id": ticket.id, "cum_qty": shares(ticket.filled),
            "order_status": ticket.status, "swap_rate": "1",
        })  # fmt: skip
        if fill.fee:
            self.book("FEE", -fill.fee, now, {"symbol": ticket.symbol, "description": f"fee of order {ticket.id}"})
        return row

    def move(self, instrument: int, lots: int, cost: int) -> None:
        """Change a position by what is no trade of its own: signed lots, and the units that they cost."""
        position = self.positions.setdefault(instrument, Position())
        held = position.lots
        closing = min(abs(lots), abs(held)) if held * lots < 0 else 0
        if closing:
            position.cost -= position.cost * closing // abs(held)
        if abs(lots) > closing:
            position.cost += cost * (abs(lots) - closing) // abs(lots)
        position.lots += lots
        if not position.lots:
            del self.positions[instrument]

    def _write(self, kind: str, amount: int, now: int, row: Body) -> Activity:
        count = len(self.activities)
        text = stamp(now)
        digits = text[:23].replace("-", "").replace(":", "").replace("T", "").replace(".", "")
        identity = f"{digits}::{name(self.seed, 'activity', count)}"
        activity = Activity(identity, now, kind, amount, {"id": identity, "account_id": self.id, **row})
        self.places[identity] = count
        self.activities.append(activity)
        return activity

    # -- orders ------------------------------

    def add(self, ticket: Ticket) -> None:
        """Take a ticket into the account's lists."""
        self.tickets[ticket.id] = ticket
        self.clients[ticket.client] = ticket
        self.numbers[ticket.number] = ticket
        self.live.setdefault((ticket.instrument, ticket.side), {})[ticket.number] = ticket

    def keep(self, ticket: Ticket, hold: int, reserve: int) -> None:
        """Keep buying power and lots for an order; 0 and 0 lets them go."""
        self.holds += hold - ticket.hold
        place = (ticket.instrument, ticket.side)
        self.reserved[place] = self.reserved.get(place, 0) + reserve - ticket.reserve
        ticket.hold, ticket.reserve = hold, reserve

    def over(self, ticket: Ticket) -> None:
        """The order is no longer open."""
        self.keep(ticket, 0, 0)
        self.live.get((ticket.instrument, ticket.side), {}).pop(ticket.number, None)

    def opposite(self, instrument: int, side: int) -> list[Ticket]:
        """Open orders of the other side."""
        return list(self.live.get((instrument, -side), {}).values())

    def open(self) -> list[Ticket]:
        """All open orders, in order of entry."""
        return sorted((t for group in self.live.values() for t in group.values()), key=lambda t: t.number)

    # -- worth ------------------------------

    def lots(self, instrument: int) -> int:
        """Signed lots held."""
        position = self.positions.get(instrument)
        return position.lots if position else 0

    def values(self, market: Market) -> tuple[int, int]:
        """(long, short) market value in units; short is negative or 0."""
        long = short = 0
        for instrument, position in self.positions.items():
            worth = market.worth(instrument, position.lots)
            if worth > 0:
                long += worth
            else:
                short += worth
        return long, short

    def equity(self, market: Market) -> int:
        """Cash and the worth of all positions, units."""
        long, short = self.values(market)
        return self.cash + long + short

    def settled(self, now: int) -> int:
        """Cash that may buy in a cash account."""
        self.unsettled = [row for row in self.unsettled if row[0] > now]
        return self.cash - sum(amount for _, amount in self.unsettled)

    def margins(self, market: Market) -> tuple[int, int]:
        """(initial, maintenance) margin in units: half of all shares, and a quarter of longs with 30 % of shorts; coins and options whole."""
        long = short = whole = 0
        written = False
        for instrument, position in self.positions.items():
            worth, kind = market.worth(instrument, position.lots), market.boards[instrument].kind
            if kind != "equity":
                whole += max(worth, 0)
                written |= worth < 0
            elif worth > 0:
                long += worth
            else:
                short += worth
        if written:
            whole += self.backing(market)
        if self.multiplier == 1:
            return long + whole, long + whole
        return (long - short) // 2 + whole, long // 4 - short * 3 // 10 + whole

    def contracts(self, market: Market, under: int, orders: bool = False) -> dict[Contract, int]:
        """Signed contracts held on an underlying; `orders`: with those that open orders would write."""
        found: dict[Contract, int] = {}
        for board in market.derived.get(under, ()):
            lots = self.lots(board.row.id)
            if orders:
                lots -= sum(t.leaves for t in self.live.get((board.row.id, -1), {}).values() if not t.reserve)
            if lots and board.contract is not None:
                found[board.contract] = lots // PER_SHARE
        return found

    def backing(self, market: Market) -> int:
        """Units of cash that written options must have behind them."""
        total = 0
        for under in market.derived:
            dollars_, _ = needed(self.contracts(market, under), 1 << 40)
            total += round(dollars_ * PER_USD)
        return total

    def free(self, market: Market, now: int) -> int:
        """Units that may buy what cannot be bought on margin."""
        cash = self.settled(now)
        if self.multiplier > 1 or self.positions:
            cash = min(cash, self.equity(market) - self.margins(market)[0]) if self.multiplier > 1 else cash - self.backing(market)
        return max(cash - self.holds, 0)

    def power(self, market: Market, now: int) -> int:
        """Buying power in units, less what open orders keep."""
        if self.multiplier == 1:
            return max(self.settled(now) - self.holds, 0)
        equity = self.equity(market)
        initial, maintenance = self.margins(market)
        if self.multiplier == 4 and self.regime == "legacy_pdt" and equity >= PATTERN_EQUITY:
            return max(4 * max(equity - maintenance, 0) - self.holds, 0)
        return max(2 * max(equity - initial, 0) - self.holds, 0)

    @property
    def level(self) -> int:
        """The options trading level that holds."""
        wanted = self.settings["max_options_trading_level"]
        return LEVEL if wanted is None else min(int(wanted), LEVEL)

    def view(self, market: Market, now: int) -> Body:
        """The answer of /v2/account."""
        long, short = self.values(market)
        equity = self.cash + long + short
        initial, maintenance = self.margins(market)
        power = self.power(market, now)
        regt = power if self.multiplier == 1 else max(2 * max(equity - initial, 0) - self.holds, 0)
        free = self.free(market, now)
        suspended = bool(self.settings["suspend_trade"])
        body: Body = {
            "id": self.id, "admin_configurations": {}, "user_configurations": None, "account_number": self.number,
            "status": "ACTIVE", "crypto_status": "ACTIVE", "currency": "USD", "cash": dollars(self.cash),
            "equity": dollars(equity), "portfolio_value": dollars(equity), "last_equity": dollars(self.last_equity),
            "buying_power": dollars(power), "regt_buying_power": dollars(regt), "options_buying_power": dollars(free),
            "non_marginable_buying_power": dollars(free), "effective_buying_power": dollars(power),
            "long_market_value": dollars(long), "short_market_value": dollars(short), "position_market_value": dollars(long + short),
            "initial_margin": dollars(initial), "maintenance_margin": dollars(maintenance), "last_maintenance_margin": "0",
            "multiplier": str(self.multiplier), "sma": dollars(max(equity - initial, 0)), "accrued_fees": "0",
            "pending_transfer_in": "0", "pending_transfer_out": "0", "pending_reg_taf_fees": "0", "intraday_adjustments": "0",
            "balance_asof": stamp(self.created)[:10], "trading_blocked": False, "transfers_blocked": False,
            "account_blocked": False, "trade_suspended_by_user": suspended,
            "shorting_enabled": self.multiplier > 1 and not self.settings["no_shorting"], "created_at": stamp(self.created),
            "options_approved_level": LEVEL, "options_trading_level": self.level,
        }  # fmt: skip
        if self.regime == "legacy_pdt":
            trades = len(set(self.day_trades))
            body |= {
                "pattern_day_trader": trades > DAY_TRADES_MAX, "daytrade_count": trades,
                "daytrading_buying_power": dollars(power if self.multiplier == 4 else 0), "bod_dtbp": dollars(power),
            }  # fmt: skip
        return body

    def holding(self, instrument: int, market: Market) -> Body:
        """The JSON of one position."""
        position = self.positions[instrument]
        board = market.boards[instrument]
        lots, cost = position.lots, position.cost
        worth = market.worth(instrument, lots)
        gain = worth - cost
        mark, before = board.mark(), board.before
        reserved = self.reserved.get((instrument, -1 if lots > 0 else 1), 0)
        part = gain / abs(cost) if cost else 0.0
        fresh = min(abs(position.today), abs(lots)) * (1 if lots > 0 else -1) if position.today * lots > 0 else 0
        paid = position.spent * fresh // position.today if fresh else 0
        since = paid + round((lots - fresh) * before * board.row.scale) if before else cost
        today = worth - since
        return {
            "asset_id": board.asset, "symbol": board.held, "exchange": exchange_of(board), "asset_class": board.klass,
            "asset_marginable": board.row.marginable, "qty": shares(lots), "qty_available": shares(lots - (reserved if lots > 0 else -reserved)),
            "avg_entry_price": average_text(cost, lots, board.size),
            "side": "long" if lots > 0 else "short", "market_value": dollars(worth), "cost_basis": dollars(cost),
            "unrealized_pl": dollars(gain), "unrealized_plpc": repr(round(part, 9)), "unrealized_intraday_pl": dollars(today),
            "unrealized_intraday_plpc": repr(round(today / abs(since), 9) if since else 0.0), "current_price": f"{mark:.4f}".rstrip("0").rstrip("."),
            "lastday_price": f"{before:.4f}".rstrip("0").rstrip("."),
            "change_today": repr(round(mark / before - 1.0, 9)) if before else "0",
        }  # fmt: skip


def average_text(cost: int, lots: int, size: int) -> str:
    """What one share cost, with as many decimals, at most six, as the units of the cost allow."""
    sure = log10(max(abs(lots) * size / PER_SHARE, 1e-6) / 0.5e-6)
    text = f"{cost * (PER_SHARE / 1e6) / lots / size:.{max(min(int(sure), 6), 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def hash_of(text: str) -> int:
    """A number from a uuid, the same in every process."""
    return int(text.replace("-", "")[:12], 16)
