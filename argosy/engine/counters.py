"""What the risk rules count: trades, losing streaks, order stamps, recent orders, refusals; it never reads a clock or a price.

Folds from the journal: each method is called for the same recorded things in the same order, live and in a fold. Memory
is bounded by the numbers of strategies, instruments, open orders and codes, and by `STAMPS`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from argosy.core.orders import Order
from argosy.core.time import MINUTE
from argosy.engine.requests import Requests

STAMPS = 4096
"""Orders remembered for rates and duplicates; no rule may look further back than this many, or than a minute."""

Likeness = tuple[tuple[str, ...], int, int, int, int, float, float]


def likeness(order: Order) -> Likeness:
    """What two orders share that are duplicates: strategies, instrument, side, lots, type, limit, stop (0.0: none)."""
    limit, stop = order.limit, order.stop
    return (
        tuple([share.strategy for share in order.shares]), order.instrument, order.side, order.lots, int(order.type),
        limit if limit == limit else 0.0, stop if stop == stop else 0.0,
    )  # fmt: skip


def like_of(entry: Order | Likeness) -> Likeness:
    """The likeness of an entry that is remembered whole or as its likeness."""
    return entry if isinstance(entry, tuple) else likeness(entry)


class Counters:
    """The counts, readable by rules and written only through the methods.

    day:           number of the running day, -1 before the first
    trades:        entries today by strategy; trades_in_all: of the account (a shared order counts once there). An entry
                   counts when it is sent, and no more when it ends without a fill; one still open counts in the next day too
    losses:        trades closed at a loss in a row today, by strategy; only those above zero
    trips:         (strategy, instrument) -> what the trade under way has earned so far, its fees taken off, base units
    stamps:        `now` of orders sent, oldest first; only the last STAMPS matter
    last:          instrument -> `now` of its last entry
    recent:        (`now`, entry or its likeness), oldest first; only the last STAMPS of the last minute matter
    refusals:      code -> count
    requests:      what was asked of the venue within a minute, by strategy; None where no rule limits it
    """

    __slots__ = (
        "_unfilled",
        "day",
        "last",
        "losses",
        "recent",
        "refusals",
        "requests",
        "stamps",
        "trades",
        "trades_in_all",
        "trips",
    )

    def __init__(self) -> None:
        self.day = -1
        self.trades: dict[str, int] = {}
        self.trades_in_all = 0
        self.losses: dict[str, int] = {}
        self.trips: dict[tuple[str, int], int] = {}
        self.stamps: list[int] = []
        self.last: dict[int, int] = {}
        self.recent: list[tuple[int, Order | Likeness]] = []
        self.refusals: dict[str, int] = {}
        self.requests: Requests | None = None
        self._unfilled: dict[int, tuple[str, ...]] = {}

    def on_session(self, day: int) -> None:
        """A session of day number `day` began; a day that is not later than the running one changes nothing."""
        if day <= self.day:
            return
        self.day = day
        self.losses.clear()
        self.trades.clear()
        self.trades_in_all = 0
        for strategies in self._unfilled.values():
            self._count(strategies, +1)

    def on_order(self, order: Order, now: int, exit: bool = False) -> None:
        """An approved order goes out. exit: the verdict's word; exits and reduce-only orders are stamped, but are no trades."""
        stamps = self.stamps
        stamps.append(now)
        if len(stamps) > 2 * STAMPS:
            del stamps[:-STAMPS]
        if self.requests is not None:
            self.requests.sent(now, [share.strategy for share in order.shares])
        if exit or order.reduce_only:
            return
        recent = self.recent
        recent.append((now, order))
        if len(recent) > 2 * STAMPS:
            del recent[:-STAMPS]
        self.last[order.instrument] = now
        shares = order.shares
        strategies = (shares[0].strategy,) if len(shares) == 1 else tuple([share.strategy for share in shares])
        self._unfilled[order.id] = strategies
        self.trades_in_all += 1
        trades = self.trades
        for name in strategies:
            trades[name] = trades.get(name, 0) + 1

    def on_stretch(
        self, strategy: str, orders: Sequence[tuple[int, int, int, int, bool]], entered: Mapping[int, int], entries: int, losses: int
    ) -> None:
        """Market orders of one strategy that were sent and filled: the same as `on_order`, `on_fill` and `on_closed` for each.

        orders: (now, instrument, side, lots, exit) of those of the last minute, oldest first; entered: when each instrument was entered
        last; entries: how many in all; losses: realised in a row after them
        """
        self.stamps.extend([row[0] for row in orders[-STAMPS:]])
        if len(self.stamps) > 2 * STAMPS:
            del self.stamps[:-STAMPS]
        recent = [(row[0], ((strategy,), row[1], row[2], row[3], 0, 0.0, 0.0)) for row in orders if not row[4]]
        self.recent.extend(recent[-STAMPS:])
        if len(self.recent) > 2 * STAMPS:
            del self.recent[:-STAMPS]
        self.last.update(entered)
        if entries:
            self.trades_in_all += entries
            self.trades[strategy] = self.trades.get(strategy, 0) + entries
        if losses:
            self.losses[strategy] = losses
        else:
            self.losses.pop(strategy, None)

    def on_entries(
        self, strategy: str, entries: Sequence[tuple[int, Likeness]], trades: tuple[int, int], losses: int, unfilled: int
    ) -> None:
        """Entries of one strategy that were sent, and filled or ended: (now, likeness) of those of the last minute, oldest first.

        trades: what then counts, of the account and of the strategy; losses: realised in a row; unfilled: the one that rests, 0 none
        """
        self.stamps.extend([row[0] for row in entries[-STAMPS:]])
        if len(self.stamps) > 2 * STAMPS:
            del self.stamps[:-STAMPS]
        self.recent.extend(entries[-STAMPS:])
        if len(self.recent) > 2 * STAMPS:
            del self.recent[:-STAMPS]
        self.last.update([(like[1], now) for now, like in entries])
        self.trades_in_all = trades[0]
        for counts, count in ((self.trades, trades[1]), (self.losses, losses)):
            if count:
                counts[strategy] = count
            else:
                counts.pop(strategy, None)
        self._unfilled = {unfilled: (strategy,)} if unfilled else {}

    @property
    def unfilled(self) -> tuple[int, ...]:
        """Entries that are out and have no fill."""
        return tuple(self._unfilled)

    def on_fill(self, order: int) -> None:
        """The order of this id has a fill: if it is an entry, its trade is now real. Later fills change nothing."""
        self._unfilled.pop(order, None)

    def on_ended(self, order: int) -> bool:
        """The order of this id ended; an entry without a fill was no trade and gives its place back, which is what is returned."""
        strategies = self._unfilled.pop(order, None)
        if strategies is not None:
            self._count(strategies, -1)
        return strategies is not None

    def on_late(self, strategies: tuple[str, ...]) -> None:
        """An entry that had ended and given its place back filled after all."""
        self._count(strategies, +1)

    def on_closed(self, strategy: str, realised: int) -> None:
        """A strategy closed a trade with `realised` base units of profit; zero neither makes nor ends a streak."""
        if realised < 0:
            self.losses[strategy] = self.losses.get(strategy, 0) + 1
        elif realised > 0:
            self.losses.pop(strategy, None)

    def on_traded(self, strategy: str, instrument: int, held: int, signed: int, realised: int, fee: int) -> None:
        """A strategy's position came to `held` by `signed` lots, which realised so many base units and cost a fee.

        A trade lasts from flat to flat, in however many executions, and its fees are its own. One execution that turns a position ends a
        trade and begins another: its fee is shared by lots.
        """
        key, before = (strategy, instrument), held - signed
        earned = self.trips.pop(key, 0) + realised
        if held * before < 0:
            part = fee * abs(before) // abs(signed)
            self.on_closed(strategy, earned - part)
            self.trips[key] = part - fee
        elif held:
            self.trips[key] = earned - fee
        else:
            self.on_closed(strategy, earned - fee)

    def on_over(self, strategy: str, instrument: int) -> None:
        """A position is gone without a trade that closed it (booked by hand, busted, split away): the next trade begins from nothing."""
        self.trips.pop((strategy, instrument), None)

    def on_refusal(self, code: str) -> None:
        """The gate refused with `code`."""
        self.refusals[code] = self.refusals.get(code, 0) + 1

    def forgive(self, strategy: str) -> None:
        """The owner lets a paused strategy trade again before the next session."""
        self.losses.pop(strategy, None)

    def snapshot(self) -> dict[str, Any]:
        """Plain values (ints, strings, lists), equal for equal histories; `restore` reads it back, also after JSON."""
        stamps = self.stamps
        since = stamps[-1] - MINUTE if stamps else 0
        trips = sorted([name, i, units] for (name, i), units in self.trips.items() if units)
        return ({"trips": trips} if trips else {}) | {
            "day": self.day,
            "trades": sorted([name, count] for name, count in self.trades.items()),
            "trades_in_all": self.trades_in_all,
            "losses": sorted([name, count] for name, count in self.losses.items()),
            "stamps": [
                stamp for stamp in islice(stamps, max(0, len(stamps) - STAMPS), None) if stamp > since
            ],
            "last": sorted([i, stamp] for i, stamp in self.last.items()),
            "recent": [
                [[*like[0]], *like[1:], stamp]
                for stamp, like in ((stamp, like_of(entry)) for stamp, entry in self.recent[-STAMPS:] if stamp > since)
            ],
            "refusals": sorted([code, count] for code, count in self.refusals.items()),
            "unfilled": sorted([order, [*strategies]] for order, strategies in self._unfilled.items()),
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Become what `snapshot` says."""
        self.day = snapshot["day"]
        self.trades = dict(snapshot["trades"])
        self.trades_in_all = snapshot["trades_in_all"]
        self.losses = dict(snapshot["losses"])
        self.trips = {(name, i): units for name, i, units in snapshot.get("trips", ())}
        self.stamps = list(snapshot["stamps"])
        self.last = dict(snapshot["last"])
        self.recent = [(row[7], (tuple(row[0]), *row[1:7])) for row in snapshot["recent"]]
        self.refusals = dict(snapshot["refusals"])
        self._unfilled = {order: tuple(strategies) for order, strategies in snapshot["unfilled"]}

    def _count(self, strategies: Sequence[str], step: int) -> None:
        self.trades_in_all += step
        for name in strategies:
            count = self.trades.get(name, 0) + step
            if count:
                self.trades[name] = count
            else:
                del self.trades[name]
