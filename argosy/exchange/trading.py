"""Orders at the exchange: entry, replacement, cancel, legs, and what the law of venues/sim says of them; it never reads a clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from argosy.core.effects import Cancel
from argosy.core.events import Event, Fill, OrderUpdate, Quote, Reply
from argosy.core.orders import Work
from argosy.core.time import NEVER
from argosy.exchange import admission, entry, spreads
from argosy.exchange.accounts import Account, Regime
from argosy.exchange.hours import Hours, Phase, day_of
from argosy.exchange.market import Board, Market
from argosy.exchange.orders import Ticket
from argosy.exchange.wire import (
    PER_SHARE,
    Body,
    Refusal,
    absent,
    invalid,
    name,
    number,
    price_text,
    shares,
    stamp,
    unfit,
)
from argosy.kernels.fees import FREE, FeeSchedule

NAN = float("nan")
_UP = 1.0 + 4.5e-16
"""Two steps of a float up, so that four shares are not a lot short of four when they are cut to whole lots."""
_KEPT = (
    "side", "kind", "tif", "klass", "limit", "stop", "trail_price", "trail_percent", "extended", "intent", "hwm", "level", "parent",
    "group", "hung",
)  # fmt: skip
"""What a replacement has of the order that it replaces, where nothing else is said."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How the exchange behaves where the real one is not documented, or differs by account.

    cash:       dollars of each account; multiplier: 1 cash account (T+1), 2 margin, 4 day trading (legacy_pdt alone)
    frac:       share of a quote's shown size that fills, 0 = any size at once; fees: of each fill
    carries:    a replacement shows the fills of the order that it replaces, and its quantity counts them
    away_frac:  a limit that is worse than the market by more is refused, 0 = any
    partial_frac: share of the orders that fill half at first, as paper accounts do (0.1 there), chosen by seed
    margin_rate: interest on cash below 0, a year of 360 days; borrow_rate: fee on the worth of what is sold short; both as fractions
    """

    cash: int = 100_000
    multiplier: int = 2
    regime: Regime = "intraday_2026"
    limit_rule: Literal["through", "touch"] = "touch"
    frac: float = 0.0
    fees: FeeSchedule = FREE
    carries: bool = False
    away_frac: float = 0.0
    partial_frac: float = 0.0
    margin_rate: float = 0.0
    borrow_rate: float = 0.0


class Trading:
    """What happens to orders, one account at a time; `Exchange` gives it time and a market.

    told: hears each frame of `trade_updates` with its account; holding...: fills, cancels or replacements are held back
    skew: ns by which the exchange's clock is wrong in what it says; by_bars: there are bars and nothing finer
    hiding: ns for which a new order is not found; silent: nobody is told of what happens
    unquoted: instruments that had no quote since their session opened: the one of a day before fills nothing
    """

    def __init__(self, market: Market, hours: Hours, now: int, seed: int, terms: Terms) -> None:
        self.market = market
        self.hours = hours
        self.now = now
        self.seed = seed
        self.terms = terms
        self.phase: Phase = hours.phase(now)
        self.orders = 0
        self.executions = 0
        self.by_bars = False
        self.skew = 0
        self.holding = False
        self.holding_cancels = False
        self.holding_replaces = False
        self.hiding = 0
        self.silent = False
        self.unquoted: set[int] = set()
        self.told: Callable[[Account, Body], None] = lambda account, frame: None

    def may_trade(self, account: Account, ticket: Ticket) -> bool:
        """Whether an order is one for this part of the day: coins always; the night for those who did not say no to it."""
        if ticket.sort == "crypto":
            return True
        if ticket.tif == "cls" and not self.by_bars:
            return False
        if self.phase == "overnight":
            return ticket.extended and not account.settings["disable_overnight_trading"]
        return self.phase == "regular" or (ticket.extended and self.phase in ("pre", "post"))

    def _row(self, instrument: int) -> Quote | None:
        board = self.market.boards[instrument]
        best = board.quote
        if best is None or (self.by_bars and board.kind != "option"):
            return None
        return Quote(self.now, self.now, instrument, best.bp or NAN, best.ap or NAN, best.bs * _UP, best.sa * _UP)

    # -- orders ------------------------------

    def make(self, board: Board) -> Ticket:
        """A fresh ticket for a symbol."""
        self.orders += 1
        number, now = self.orders, self.now
        return Ticket(
            number=number, id=name(self.seed, "order", number), client=name(self.seed, "client", number), asset=board.asset,
            symbol=board.symbol, instrument=board.row.id, side=1, kind="market", tif="day", lots=0, created=now, updated=now,
            submitted=now, size=board.size, sort=board.klass, hidden=now + self.hiding if self.hiding else 0,
        )  # fmt: skip

    def submit(self, account: Account, body: Any) -> Body:
        """Take an order; its JSON as it is accepted. Raises Refusal."""
        if isinstance(body, dict) and body.get("order_class") == "mleg":
            return spreads.submit(self, account, body)
        ticket = entry.draft(body, self.market, self.now, self.make)
        if ticket.client in account.clients:
            raise invalid("client_order_id must be unique")
        admission.near(ticket, self.market, self.terms.away_frac)
        hold, reserve = admission.admit(account, ticket, self.market, self.now, day_of(self.now))
        if self.market.boards[ticket.instrument].halted:
            raise unfit(f"trading in {ticket.symbol} is halted")
        account.add(ticket)
        account.keep(ticket, hold, reserve)
        ticket.expires = self._ends(ticket)
        for leg in ticket.legs:
            account.add(leg)
            leg.expires = ticket.expires
        may = self.may_trade(account, ticket)
        ticket.status = "pending_new" if may else "accepted"
        answer = ticket.view()
        self.say(account, ticket, ticket.status, ticket.status)
        self._enter(account, ticket)
        if ticket.klass == "oco":
            for leg in ticket.legs:
                self._enter(account, leg)
        if may:
            self._halve(account, ticket)
            self._meet(account, ticket.instrument)
        return answer

    def _ends(self, ticket: Ticket) -> int:
        return self.hours.ends(self.now, ticket.tif, ticket.extended)

    def _halve(self, account: Account, ticket: Ticket) -> None:
        """Let some orders meet their first quote with half of their lots."""
        resting = account.core.resting(ticket.number)
        half = ticket.lots // 2 // PER_SHARE * PER_SHARE
        if resting is None or not half or int(ticket.id[:4], 16) >= self.terms.partial_frac * 65_536:
            return
        whole, resting.armed = resting.armed, half
        self._meet(account, ticket.instrument)
        resting.armed = whole

    def _enter(self, account: Account, ticket: Ticket) -> None:
        """Give an order to the law."""
        ticket.hung = False
        events = account.core.apply(admission.passed(ticket, self.by_bars), self.now)
        for event in events:
            if isinstance(event, Reply) and event.outcome == "refused":
                self.end(account, ticket, "rejected")
                return
        resting = account.core.resting(ticket.number)
        if resting is not None and not self.may_trade(account, ticket):
            resting.from_ts = NEVER
        elif ticket.status != "held":
            self.say(account, ticket, "new", "new")
        self._trail(account, ticket)

    def _meet(self, account: Account, instrument: int) -> None:
        if not self.holding and instrument not in self.unquoted:
            row = self._row(instrument)
            if row is not None and account.core.busy(instrument):
                self.hear(account, account.core.apply(row, self.now))

    def resize(self, account: Account, ticket: Ticket, price: float) -> None:
        """An order for an amount that waited for a session is for as many lots as the amount buys now."""
        resting = account.core.resting(ticket.number)
        if ticket.notional is None or ticket.filled or resting is None or not price > 0 or ticket.limit == ticket.limit:
            return
        lots = max(entry.bought(ticket.notional, price), 1)
        ticket.lots = resting.lots = min(lots, ticket.reserve) if ticket.reserve else lots  # never through zero

    def find(self, account: Account, identity: str) -> Ticket:
        """An order by the wire's id; Refusal 404 or 422."""
        ticket = account.tickets.get(identity)
        if ticket is None:
            if len(identity) != 36 or identity.count("-") != 4:
                raise invalid("order_id is missing" if not identity else f"invalid order id: {identity}")
            raise absent(f"order not found for {identity}")
        return ticket

    def cancel(self, account: Account, identity: str) -> None:
        """Take an order back, with all of its group. Raises Refusal."""
        ticket = self.find(account, identity)
        if not ticket.live or ticket.status == "pending_cancel":
            raise unfit(f'order is already in "{ticket.status}" state')
        family = [ticket] if not ticket.complex else _family(ticket)
        for member in family:
            if member.live:
                self.say(account, member, "pending_cancel", "pending_cancel")
        if self.holding_cancels:
            return
        for member in family:
            if member.live:
                self._withdraw(account, member)

    def _withdraw(self, account: Account, ticket: Ticket) -> None:
        if account.core.resting(ticket.number) is None:
            self.end(account, ticket, "replaced" if ticket.replacing else "canceled")
        else:
            self.hear(account, account.core.apply(Cancel(ticket.number), self.now))

    def replace(self, account: Account, identity: str, body: Any) -> Body:
        """Put a new order in the place of one. Raises Refusal, and the old one stays."""
        old = self.find(account, identity)
        if old.status in ("accepted", "pending_new", "pending_cancel", "pending_replace"):
            raise unfit(f"unable to replace order, order isn't sent to exchange yet (status {old.status})")
        if not old.live:
            raise unfit(f'order is already in "{old.status}" state')
        if old.notional is not None:
            raise unfit("notional orders cannot be replaced")
        if old.klass == "mleg":
            raise unfit("mleg orders cannot be replaced")
        if not isinstance(body, dict):
            raise Refusal(400, 40010000, "request body format is invalid")
        board = self.market.boards[old.instrument]
        fresh = self.make(board)
        for field in _KEPT:
            setattr(fresh, field, getattr(old, field))
        fresh.legs = old.legs
        fresh.replaces = old.id
        carried = old.filled if self.terms.carries else 0
        fresh.filled, fresh.carried = carried, carried
        fresh.turnover = old.turnover if carried else 0.0
        fresh.lots = entry.lots_of(body["qty"]) if body.get("qty") is not None else old.lots - old.filled + carried
        if fresh.lots <= carried:
            raise unfit("qty must be above what is filled")
        if body.get("limit_price") is not None:
            if old.limit != old.limit:
                raise invalid("limit_price cannot be set on this order")
            fresh.limit = entry.price_of(body["limit_price"], "limit_price")
        if body.get("stop_price") is not None:
            if old.stop != old.stop:
                raise invalid("stop_price cannot be set on this order")
            fresh.stop = entry.price_of(body["stop_price"], "stop_price")
        if body.get("trail") is not None:
            if old.kind != "trailing_stop":
                raise invalid("trail cannot be set on this order")
            entry.trail_by(fresh, body["trail"])
        if body.get("time_in_force") is not None:
            fresh.tif = body["time_in_force"]
            if fresh.tif not in entry.TIFS:
                raise invalid(f"invalid time_in_force: {fresh.tif}")
        entry.still(fresh, old, board, self.now)
        if old.complex and not (old.hold or old.reserve):
            admission.covered(account, fresh, old)
        fresh.expires = self._ends(fresh)
        client = entry.client_id(body)
        if client:
            if client in account.clients:
                raise invalid("client_order_id must be unique")
            fresh.client = client
        if self.holding_replaces:
            self.say(account, old, "pending_replace", "pending_replace")
            return fresh.view() | {"status": "pending_replace"}
        hold, reserve = old.hold, old.reserve
        account.keep(old, 0, 0)
        old.replacing = True
        try:
            if reserve or hold or not old.complex:
                hold, reserve = admission.admit(account, fresh, self.market, self.now, day_of(self.now))
        except Refusal:
            account.keep(old, hold, reserve)
            old.replacing = False
            raise
        fresh.status = "held" if old.status == "held" else "new"
        account.add(fresh)
        account.keep(fresh, hold, reserve)
        old.replaced_by = fresh.id
        answer = fresh.view() | {"status": "pending_new"}
        for leg in fresh.legs:
            leg.parent = fresh
        if old.parent is not None:
            old.parent.legs = [fresh if leg is old else leg for leg in old.parent.legs]
        self._withdraw(account, old)
        if not fresh.hung:
            self._enter(account, fresh)
            self._meet(account, fresh.instrument)
        return answer

    def close(self, account: Account, board: Board, qty: Any = None, percentage: Any = None) -> Body:
        """An order that ends a position, or a part of it. Raises Refusal."""
        held = account.lots(board.row.id)
        if not held:
            raise absent(f"position does not exist: {board.symbol}")
        lots = abs(held)
        if qty is not None:
            lots = entry.lots_of(qty)
        elif percentage is not None:
            share = number(percentage, "percentage")
            if not 0 < share <= 100:
                raise invalid("percentage must be above 0 and at most 100")
            lots = int(lots * share / 100)
        tif = "gtc" if board.kind == "crypto" else "day"
        body = {"symbol": board.symbol, "qty": shares(lots), "side": "sell" if held > 0 else "buy", "type": "market", "time_in_force": tif}
        return self.submit(account, body)

    # -- what the law says ------------------------------

    def hear(self, account: Account, events: list[Event]) -> None:
        """Put what the law said on the wire."""
        for event in events:
            if isinstance(event, Fill):
                self._fill(account, account.numbers[event.order], event)
            elif isinstance(event, OrderUpdate):
                self._update(account, account.numbers[event.order], event)

    def _update(self, account: Account, ticket: Ticket, event: OrderUpdate) -> None:
        if event.work is Work.WORKING:
            if event.lots:
                ticket.lots = event.lots + ticket.carried
                ticket.updated = self.now
                account.keep(ticket, ticket.hold, min(ticket.reserve, ticket.leaves))
            return
        if event.work in (Work.CANCELED, Work.EXPIRED):
            if ticket.replacing:
                self.end(account, ticket, "replaced")
            else:
                self.end(account, ticket, "expired" if event.work is Work.EXPIRED else "canceled")

    def _fill(self, account: Account, ticket: Ticket, event: Fill) -> None:
        left = ticket.leaves
        ticket.filled += event.lots
        ticket.turnover += event.lots * event.price
        done = ticket.filled >= ticket.lots
        ticket.status = "filled" if done else "partially_filled"
        ticket.updated = ticket.filled_at = self.now
        account.keep(ticket, ticket.hold * ticket.leaves // left, max(ticket.reserve - event.lots, 0))
        account.fill(ticket, event, self.now, day_of(self.now), self.hours.settles(self.now) if account.multiplier == 1 else 0)
        self.executions += 1
        if done:
            account.over(ticket)
        if ticket.klass == "mleg":
            return
        self.frame(account, ticket, "fill" if done else "partial_fill", {
            "execution_id": name(self.seed, "execution", self.executions), "timestamp": stamp(self.now),
            "price": price_text(event.price), "qty": shares(event.lots), "position_qty": shares(account.lots(ticket.instrument)),
        })  # fmt: skip
        if done:
            self._protect(account, ticket)

    def _protect(self, account: Account, ticket: Ticket) -> None:
        """The entry is filled: its legs come alive, the target new, the stop held until it triggers."""
        legs = [leg for leg in ticket.legs if leg.hung and leg.live]
        if ticket.klass == "oco" or not legs:
            return
        for place, leg in enumerate(legs):
            leg.lots = ticket.filled
            leg.submitted = leg.updated = self.now
            if place == 0:
                leg.status = "new"
                account.keep(leg, 0, leg.lots)
            if len(legs) == 1:
                leg.group = 0
            self._enter(account, leg)

    def end(self, account: Account, ticket: Ticket, how: str) -> None:
        """The order is over without (all of) its fill."""
        if not ticket.live:
            return
        if how in ("expired", "canceled", "rejected") and account.core.resting(ticket.number) is not None:
            account.core.apply(Cancel(ticket.number), self.now)
        ticket.updated = self.now
        field = {"expired": "expired_at", "canceled": "canceled_at", "rejected": "failed_at", "replaced": "replaced_at"}[how]
        setattr(ticket, field, self.now)
        reserve = ticket.reserve
        account.over(ticket)
        self.say(account, ticket, how, how)
        if how == "replaced":
            return
        if ticket.group and reserve and ticket.parent is not None:
            for other in ticket.parent.legs:
                if other is not ticket and other.live and not other.hung:
                    account.keep(other, 0, other.leaves)
        if ticket.klass == "mleg":
            account.spreads.pop((ticket.parent or ticket).number, None)
            for member in _family(ticket):
                self.end(account, member, how)
        elif ticket.legs and ticket.klass != "oco":
            for leg in ticket.legs:
                if leg.hung and leg.live:
                    self.end(account, leg, how if how != "rejected" else "canceled")

    def _trail(self, account: Account, ticket: Ticket) -> None:
        if ticket.kind != "trailing_stop":
            return
        resting = account.core.resting(ticket.number)
        board = self.market.boards[ticket.instrument]
        best = board.quote
        price = board.mark() if best is None else (best.ap if ticket.side > 0 else best.bp)
        level = resting.stop if resting is not None else NAN
        if level != level:
            away = price * ticket.trail_percent / 100.0 if ticket.trail_percent == ticket.trail_percent else ticket.trail_price
            level = price + ticket.side * away
        ticket.level = level
        if ticket.trail_percent == ticket.trail_percent:
            ticket.hwm = level / (1.0 + ticket.side * ticket.trail_percent / 100.0)
        else:
            ticket.hwm = level - ticket.side * ticket.trail_price

    def show(self, account: Account, ticket: Ticket, nested: bool = True) -> Body:
        """The JSON of an order, with the level of a trailing stop as it is now."""
        if ticket.kind == "trailing_stop" and ticket.live:
            self._trail(account, ticket)
        return ticket.view(nested)

    def say(self, account: Account, ticket: Ticket, event: str, status: str) -> None:
        """Give an order a status, and tell of it."""
        ticket.status = status
        ticket.updated = self.now
        self.frame(account, ticket, event, {"timestamp": stamp(self.now), "execution_id": None})

    def frame(self, account: Account, ticket: Ticket, event: str, more: Body) -> None:
        """Tell of an order; nobody hears of the legs of an order of several options, or of what is silent."""
        if self.silent or (ticket.klass == "mleg" and ticket.parent is not None):
            return
        data: Body = {"event": event, **more}
        if data.get("execution_id") is None:
            self.executions += 1
            data["execution_id"] = name(self.seed, "execution", self.executions)
        data["order"] = ticket.view()
        frame: Body = {"stream": "trade_updates", "data": data}
        account.said.append((self.now, frame))
        self.told(account, frame)


def _family(ticket: Ticket) -> list[Ticket]:
    """An order with its parent and all legs."""
    top = ticket.parent or ticket
    return [top, *top.legs]
