"""The exchange without its sockets: accounts, orders, time and the market over venues/sim; it never reads a clock.

Call `advance(now)` before anything else; what happened to orders goes to `told`, what happened in the market to `market.told`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from argosy.core.errors import Misuse
from argosy.core.events import Bar, Event, Session, Status, Trade
from argosy.core.time import DAY, MINUTE, NEVER, SECOND
from argosy.exchange import entry, exercise, interest, options, spreads
from argosy.exchange.accounts import Account
from argosy.exchange.hours import CALENDAR, NIGHT, PRE, Hours, Phase
from argosy.exchange.market import Board, Candle, Market
from argosy.exchange.orders import OPEN, Ticket
from argosy.exchange.trading import Terms, Trading
from argosy.exchange.wire import PER_USD, Body, absent, dollars, stamp, unfit
from argosy.venues.sim.core import SimCore


class Exchange(Trading):
    """Alpaca's behaviour over one SimCore for each account.

    symbols: what is traded; keys: (key, secret) of each account; now: ns at the start; seed: of all ids
    actions: splits and dividends that have happened, by type
    """

    def __init__(
        self, symbols: Iterable[str], keys: Iterable[tuple[str, str]], now: int, *, seed: int = 0, hours: Hours | None = None,
        terms: Terms | None = None,
    ) -> None:  # fmt: skip
        super().__init__(Market(symbols, seed), hours or Hours(), now, seed, terms or Terms())
        terms = self.terms
        self.accounts: dict[str, Account] = {}
        self.actions: dict[str, list[Body]] = {}
        for number, (key, secret) in enumerate(keys):
            self.accounts[key] = Account(
                key, secret, number, seed, self._core(), cash=terms.cash * PER_USD, now=now, multiplier=terms.multiplier,
                regime=terms.regime,
            )  # fmt: skip
        self._minute = now - now % MINUTE
        self._next = now
        self.chain = options.Chain(self.market, self.hours)
        self.market.listed = lambda symbol: self.chain.find(symbol, self.now)
        self.market.opened = self._derive

    def _core(self) -> SimCore:
        terms = self.terms
        return SimCore(
            self.market.instruments, fees=terms.fees, limit_rule=terms.limit_rule, participation_frac=terms.frac, seed=self.seed
        )

    def reset(self, cash: float | None = None) -> None:
        """Every account anew, with this many dollars; the market stays."""
        units = round((self.terms.cash if cash is None else cash) * PER_USD)
        for account in self.accounts.values():
            account.configure(self.terms.multiplier)
            account.begin(self._core(), units, self.now)
        for board in self.market.boards:
            if board.halted:
                self.market.halt(board.row.id, False, self.now)

    def loosen(self, forced: bool | None) -> None:
        """Nothing is held back, hidden or wrong; the market follows `forced`."""
        self.holding = self.holding_cancels = self.holding_replaces = self.silent = False
        self.hiding = self.skew = 0
        self.force(forced)

    def force(self, is_open: bool | None) -> None:
        """Open or close the market by hand; None follows the calendar."""
        self.hours.forced = is_open
        self.turn(self.hours.phase(self.now))

    # -- time ------------------------------

    def advance(self, now: int) -> None:
        """Time goes on: sessions open and close, minutes end, delayed things arrive. It never goes back."""
        if now < self.now:
            return
        if now >= self._next:
            for at, what in self.hours.boundaries(self.now, now):
                self.now = at
                self._boundary(what)
            self._next = min((at for at, _ in self.hours.boundaries(now, now + 8 * DAY)), default=now)
        self.now = now
        if now - self._minute >= MINUTE:
            self._minute = now - now % MINUTE
            self.market.minute_over(now)
            for account in self.accounts.values():
                account.curve.append((self._minute, account.equity(self.market)))
                for ticket in [t for t in account.open() if t.tif == "gtc" and t.expires <= now and t.parent is None]:
                    self.end(account, ticket, "canceled")

    def _boundary(self, what: str) -> None:
        if what == "close":
            if self.phase == "regular":
                self._close()
            exercise.expire(self)
            for account in self.accounts.values():
                terms, days = self.terms, interest.nights(self.hours, self.now)
                interest.charge(account, self.market, terms.margin_rate, terms.borrow_rate, self.now, days)
        if what == "pre":
            self.market.new_day()
            for account in self.accounts.values():
                for position in account.positions.values():
                    position.today = position.spent = 0
        if what == "night":
            for account in self.accounts.values():
                for ticket in account.open():
                    if ticket.extended and ticket.tif == "day" and ticket.expires <= self.now:
                        self.end(account, ticket, "expired")
        self.turn(self.hours.phase(self.now))

    def turn(self, phase: Phase) -> None:
        """The market is in another part of its day: orders that may trade in it wake, the others sleep."""
        before, self.phase = self.phase, phase
        if phase == before:
            return
        if before == "regular" and phase != "regular":
            self._close()
        for account in self.accounts.values():
            if phase == "regular":
                account.core.apply(Session(self.now, self.now, CALENDAR, True, 0, self.now), self.now)
            for ticket in account.open():
                self._awake(account, ticket)
            for parent in list(account.spreads.values()):
                if phase == "regular" and parent.status == "accepted":
                    spreads.wake(self, account, parent)
        if phase in ("overnight", "pre", "regular"):
            self.unquoted = self._old(phase)
        for board in self.market.boards:
            if board.row.id not in self.unquoted:
                self._size(board)
                self._match(board.row.id)
        if not self.unquoted:
            self._spread()

    def _old(self, phase: Phase) -> set[int]:
        """Instruments with a quote of a day before at best, where the calendar opened: they open with the first of their own."""
        day = next((opens - PRE for opens, closes, _ in self.hours.around(self.now) if opens - PRE - NIGHT <= self.now < closes), 0)
        if self.hours.forced is not None or not day:
            return set()
        since = day if phase == "regular" else day - NIGHT
        boards = (b for b in self.market.boards if b.kind != "crypto" and not b.pinned and b.quote is not None)
        return {board.row.id for board in boards if board.quote is not None and board.quote.t < since}

    def _size(self, board: Board, price: float = 0.0) -> None:
        """Orders for an amount are for what it buys at the quote, or at a price."""
        best = board.quote
        for account in self.accounts.values():
            for side in (1, -1) if price or best is not None else ():
                for ticket in account.live.get((board.row.id, side), {}).values():
                    self.resize(account, ticket, price or (0.0 if best is None else best.ap if side > 0 else best.bp))

    def _spread(self) -> None:
        """Let orders of several options meet the market."""
        for account in self.accounts.values():
            for parent in list(account.spreads.values()):
                spreads.meet(self, account, parent)

    def _close(self) -> None:
        """The closing auction, the end of day orders, and the day's close."""
        for account in self.accounts.values():
            for ticket in account.open():
                if ticket.tif == "cls":
                    self._awake(account, ticket, auction=True)
        for board in self.market.boards:
            self._match(board.row.id)
        for account in self.accounts.values():
            account.last_equity = account.equity(self.market)
            events = account.core.apply(Session(self.now, self.now, CALENDAR, False, 0, self.now), self.now)
            self.hear(account, events)
        self.market.close_day()

    def _awake(self, account: Account, ticket: Ticket, auction: bool = False) -> None:
        resting = account.core.resting(ticket.number)
        if resting is None or ticket.klass == "mleg":
            return
        may = auction or self.may_trade(account, ticket)
        resting.from_ts = self.now if may else NEVER
        if may and ticket.status == "accepted":
            self.say(account, ticket, "new", "new")

    # -- the market ------------------------------

    def quote(self, symbol: str, bid: float, ask: float, bid_size: float = 100.0, ask_size: float = 100.0) -> None:
        """A new best bid and ask; nan for a side without an order."""
        board = self.board(symbol)
        row = board.row.id
        self.market.on_quote(row, self.now, bid, ask, bid_size, ask_size)
        if row in self.unquoted:
            self.unquoted.discard(row)
            self._size(board)
        self._match(row)
        if row in self.market.derived:
            self._follow(row)
        elif board.contract is not None:
            self._spread()

    def _follow(self, under: int) -> None:
        """Options follow their underlying, each at most once a second but for those with orders."""
        for board in self.market.derived[under]:
            last = board.quote
            due = last is None or self.now - last.t >= SECOND
            if not (board.pinned or board.over) and (due or any(a.core.busy(board.row.id) for a in self.accounts.values())):
                self._derive(board)
        self._spread()

    def _derive(self, board: Board) -> None:
        """Quote an option by its underlying, and let its orders meet that."""
        best = options.best(self.market, board, self.now)
        if best is not None:
            self.market.on_quote(board.row.id, self.now, best.bp, best.ap, best.bs, best.sa)
            self.unquoted.discard(board.row.id)
            self._match(board.row.id)

    def trade(self, symbol: str, price: float, size: float) -> None:
        """A trade of others: it moves charts and, on tapes without quotes, fills what rests."""
        board = self.board(symbol)
        row = board.row.id
        self.market.on_trade(row, self.now, price, size)
        if not board.quotes and not self.holding:
            self._apply(row, Trade(self.now, self.now, row, price, size))

    def open_bar(self, bar: Bar) -> None:
        """A bar of a tape begins: orders may fill at its open."""
        self._size(self.market.boards[bar.instrument], bar.open)
        for account in self.accounts.values():
            if account.core.busy(bar.instrument) and not self.holding:
                self.hear(account, account.core.opening(bar))

    def end_bar(self, bar: Bar) -> None:
        """A bar of a tape is over."""
        self.market.on_bar(bar.instrument, candle(bar), bar.span)
        for account in self.accounts.values():
            if account.core.busy(bar.instrument) and not self.holding:
                self.hear(account, account.core.apply(bar, self.now))
        if bar.instrument in self.market.derived:
            self._follow(bar.instrument)

    def halt(self, symbol: str, halted: bool) -> None:
        """Stop or resume trading in a symbol: resting orders stay and do not fill."""
        board = self.board(symbol)
        self.market.halt(board.row.id, halted, self.now)
        for account in self.accounts.values():
            account.core.apply(Status(self.now, self.now, board.row.id, halted), self.now)
        self._match(board.row.id)

    def board(self, symbol: str) -> Board:
        """The board of a symbol; Misuse for one that is not traded."""
        board = self.market.board(symbol)
        if board is None:
            raise Misuse("SYMBOL_UNKNOWN", f"{symbol!r} is not traded here")
        return board

    def release(self, on: bool) -> None:
        """Hold all fills back, or let the market at hand fill what waits."""
        self.holding = on
        if not on:
            for board in self.market.boards:
                self._match(board.row.id)
            self._spread()

    def trim(self, account: Account, instrument: int) -> None:
        """Cancel orders that would close more than is held."""
        held = account.lots(instrument)
        for ticket in account.open():
            if ticket.instrument == instrument and ticket.reserve and (held * ticket.side >= 0 or ticket.reserve > abs(held)):
                self.end(account, ticket, "canceled")

    def _match(self, instrument: int) -> None:
        """Let the quote at hand meet the orders of all accounts."""
        if not self.holding and instrument not in self.unquoted and any(account.core.busy(instrument) for account in self.accounts.values()):
            row = self._row(instrument)
            if row is not None:
                self._apply(instrument, row)

    def _apply(self, instrument: int, row: Event) -> None:
        for account in self.accounts.values():
            if account.core.busy(instrument):
                self.hear(account, account.core.apply(row, self.now))

    # -- by hand ------------------------------

    def execute(self, identity: str, qty: Any = None, price: Any = None) -> None:
        """Fill an order by hand: all that it has left, or `qty` shares, at a price or the market's. Raises Refusal."""
        account, ticket = self.anyone(identity)
        if ticket.klass == "mleg" and ticket.live and ticket.parent is None and price is not None:
            spreads.fill(self, account, ticket, min(entry.lots_of(qty) if qty is not None else ticket.leaves, ticket.leaves), float(price))
            return
        resting = account.core.resting(ticket.number)
        if resting is None or not ticket.live or ticket.klass == "mleg":
            raise unfit(f'order is in "{ticket.status}" state')
        best = self.market.boards[ticket.instrument].quote
        at = (best.ap if ticket.side > 0 else best.bp) if best else self.market.boards[ticket.instrument].mark()
        px = float(price) if price is not None else at
        lots = entry.lots_of(qty) if qty is not None else ticket.leaves
        self.hear(account, account.core.execute(resting, lots, px, self.now))

    def event(self, identity: str, event: str, extra: Body | None = None, silent: bool = False) -> None:
        """Say something of an order by hand: ends end it, other names that are states become its state, all go on the stream unless silent."""
        self.silent = silent
        try:
            self._happen(identity, event, extra)
        finally:
            self.silent = False

    def _happen(self, identity: str, event: str, extra: Body | None) -> None:
        account, ticket = self.anyone(identity)
        if event in ("fill", "partial_fill"):
            more = extra or {}
            self.execute(identity, more.get("qty"), more.get("price"))
            return
        if event in ("canceled", "expired", "rejected"):
            self.end(account, ticket, event)
            return
        if event in OPEN:
            ticket.status = event
        elif event in ("order_replace_rejected", "order_cancel_rejected"):
            ticket.status = "partially_filled" if ticket.filled else "new"
        self.frame(account, ticket, event, {"timestamp": stamp(self.now), "execution_id": None, **(extra or {})})

    def anyone(self, identity: str) -> tuple[Account, Ticket]:
        """The account and ticket of an order's id or client id; Refusal 404."""
        for account in self.accounts.values():
            ticket = account.tickets.get(identity) or account.clients.get(identity)
            if ticket is not None:
                return account, ticket
        raise absent(f"order not found for {identity}")

    def audit(self) -> None:
        """Misuse("BOOKS") unless cash is the sum of all rows and the law counts the same positions."""
        for account in self.accounts.values():
            total = sum(row.amount for row in account.activities)
            if total != account.cash:
                raise Misuse("BOOKS", f"cash {dollars(account.cash)} is not the sum of its rows {dollars(total)}")
            for board in self.market.boards:
                if account.core.lots(board.row.id) != account.lots(board.row.id):
                    raise Misuse("BOOKS", f"positions in {board.symbol} differ")


def candle(bar: Bar) -> Candle:
    """A bar of a tape as data clients see it."""
    return Candle(bar.ts, bar.open, bar.high, bar.low, bar.close, bar.volume, 1, bar.close * bar.volume)
