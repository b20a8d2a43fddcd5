"""What the rules leave free by themselves, worked out once, so that a plain order far within it need not ask each of them.

It can only say that no rule has anything to say; it never refuses, trims or finds a reason. What it does not let pass, and whatever
it cannot know, the rules judge. Law: tests/laws/test_straight.py, what passes here passes all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from argosy.core.orders import Order, Tif, Type
from argosy.core.time import MINUTE
from argosy.engine.rules.grid import off
from argosy.engine.rules.rule import INF, PRICE_LIMIT, Facts, Room, Rule, bounds_of
from argosy.engine.state import LIVE
from argosy.engine.view import StateView

Ask = Callable[[Order, Sequence[Order], StateView], bool]

BOOKABLE = 2.0**61
"""Half of what can be booked: nearer to the limit the rule for it is asked."""

_MARKET, _LIMIT, _IOC, _FOK = Type.MARKET, Type.LIMIT, Tif.IOC, Tif.FOK


class Clearance:
    """The bounds of a gate's rules while nothing changes but prices, positions, orders and their counts.

    rules: those that bind, in their order; facts: of the instruments, by id; ask: fills `view.asked` for an order
    The gate forgets it with any other record: a session, a halt, a band, a gap, a level, a word of the owner.
    """

    __slots__ = ("_ask", "_asks", "_asks_exits", "_facts", "_room", "_weighs")

    def __init__(self, rules: Sequence[Rule], facts: Sequence[Facts], view: StateView, ask: Ask) -> None:
        self._facts, self._ask = facts, ask
        room = self._room = Room()
        asks = []
        for rule in rules:
            clear = bounds_of(rule)
            if clear is None or not clear(room, view):
                asks.append(rule)
        self._asks = tuple(rule.check for rule in asks)
        self._asks_exits = tuple(rule.check for rule in asks if rule.guards_exits)
        self._weighs = min(room.gross, room.net, room.leverage, room.power_frac) < INF

    def exit(self, order: Order, view: StateView) -> bool | None:
        """Whether an order without legs that no rule minds is an exit; None where the rules are to be asked."""
        state, portfolio, room, i = view.state, view.portfolio, self._room, order.instrument
        facts, lots, side, limit = self._facts[i], order.lots, order.side, order.limit
        mark, kind = portfolio.marks[i], order.type
        if state.level != LIVE or not portfolio.single or not facts.sendable or i in state.halted or i in state.delisted or state.blotter.open[i]:
            return None
        if not 0.0 < mark < PRICE_LIMIT or not facts.min_lots <= lots <= facts.max_lots or len(order.shares) != 1 or order.shares[0].lots != lots:
            return None
        if order.tif is _IOC or order.tif is _FOK or order.stop == order.stop:
            return None
        price = mark
        if kind is _LIMIT and not off(limit, facts):
            through = (limit - mark) * side
            if through > room.through * mark or -through > room.away * mark:
                return None
            price = limit if limit > mark else mark
        elif kind is not _MARKET or limit == limit:
            return None
        held = portfolio.lots[i] * side
        most = abs(held) + lots
        each = price * facts.scale
        worth = lots * each + 1.0
        if lots > room.lots or worth > room.value or not most * each < BOOKABLE or most > BOOKABLE:
            return None
        exit = held + lots <= 0
        asks = self._asks_exits if exit else self._asks
        if not exit and (order.reduce_only or not self._opens(order, held + lots, each, worth, facts, view)):
            return None
        if asks:
            self._ask(order, (), view)
            for check in asks:
                if check(order, (), exit, view) is not None:
                    return None
        return exit

    def _opens(self, order: Order, after: int, each: float, worth: float, facts: Facts, view: StateView) -> bool:
        """Whether an order that can enlarge the position to `after` lots (on its side), worth so many units, is within the bounds for new risk."""
        state, portfolio, counters, room, i = view.state, view.portfolio, view.counters, self._room, order.instrument
        now, equity = state.now, portfolio.cash[0] + portfolio.worth[0]
        strategy = order.shares[0].strategy
        if equity < room.least_equity or state.peak - equity > room.fall_frac * state.peak:
            return False
        if counters.trades_in_all >= room.trades or counters.trades.get(strategy, 0) >= room.own_trades:
            return False
        if counters.losses and counters.losses.get(strategy, 0) >= room.streak:
            return False
        stamps = counters.stamps
        if len(stamps) >= room.rate and now - stamps[-int(room.rate)] < MINUTE:
            return False
        if room.apart_ns > 0 and now - counters.last.get(i, -1 << 62) < room.apart_ns:
            return False
        if now - portfolio.marked[i] > room.age_ns:
            return False
        if room.uncrossed:
            bid, ask = state.quotes[i]
            if bid >= ask:
                return False
        if order.side < 0 and not (room.shorts and facts.shortable):
            return False
        if after > room.position_lots or after * each + 1.0 > room.position_frac * equity:
            return False
        if self._weighs:
            gross = portfolio.gross if portfolio.held else 0
            if state.blotter.busy:
                gross += view.open
                if room.net < INF:  # what is open elsewhere may fill far from the marks
                    return False
            if gross + worth > room.gross or gross + worth > room.net or gross + worth > room.leverage * equity:
                return False
            if worth > (int(equity * view.multiplier) - gross) * room.power_frac:
                return False
        book = portfolio.books[strategy]
        if room.own_power_frac < INF or book.max_loss:
            own, power = view.means(strategy)
            if worth > power * room.own_power_frac or book.budget - own >= (book.max_loss or INF):
                return False
        return True
