"""What rests at the simulated venue: its orders, by instrument; nothing here decides a price."""

from __future__ import annotations

from fractions import Fraction
from math import inf

import msgspec

from argosy.core.events import Bar
from argosy.core.instrument import Instrument
from argosy.core.orders import Order, Tif, Type
from argosy.core.time import NEVER
from argosy.kernels.fees import FREE, FeeSchedule
from argosy.venues.sim.levels import Levels

NAN = float("nan")
_WAITING = frozenset({Type.LIMIT, Type.STOP, Type.STOP_LIMIT})
_PATIENT = frozenset({Tif.DAY, Tif.GTC, Tif.GTD})
BOUNDLESS = 1 << 62
"""More lots than can be ordered: the room of a row without a cap; armed lots of an order without a parent."""


class Resting(msgspec.Struct, gc=False):
    """One order at the venue: what it is now, where `order` says how it was sent.

    lots, filled: total and cumulative; armed: how much may fill (a leg's grows as its parent fills)
    limit, stop:  prices as amended and split, nan when the type has none; the stop of a trailing one is its
                  level
    trail, mark:  a trailing stop's distance or fraction, and the price from which it first hung
    arrival:      ns at which it reached the venue; from_ts: first bar start or tick that may touch it
    rank:         place in the queue among equal prices
    day_end:      end of its UTC day when no session ends it; NEVER otherwise
    seen:         a row has been matched against it at its present price; met: one has at any price
    waiting:      a leg whose parent has not filled; count: executions so far
    ahead, own, dealt: see `kernels.queue`; ahead is nan until it has a place in the queue
    """

    order: Order
    id: int
    side: int
    type: Type
    tif: Tif
    lots: int
    limit: float
    stop: float
    arrival: int
    from_ts: int
    rank: int
    reduce_only: bool = False
    group: int = 0
    trail: float = NAN
    filled: int = 0
    armed: int = BOUNDLESS
    mark: float = NAN
    day_end: int = NEVER
    seen: bool = False
    met: bool = False
    waiting: bool = False
    count: int = 0
    ahead: float = NAN
    own: float = 0.0
    dealt: float = 0.0
    legs: list[Resting] | None = None

    @property
    def reach(self) -> int:
        """Lots that may fill now, before reduce-only and caps."""
        return (self.lots if self.lots < self.armed else self.armed) - self.filled

    def hang(self, leg: Resting) -> None:
        """Make an order a leg of this one: it lives for what this one has filled."""
        if self.legs is None:
            self.legs = []
        self.legs.append(leg)
        leg.armed = self.filled
        leg.waiting = self.filled == 0


class Lane:
    """One instrument at the venue: its live orders and what is known of its trading.

    working:  orders that a row may touch; legs whose parent has not filled are not among them
    lots:     signed position from own fills (and `adopt`)
    bar:      the bar between its opening and its end, None outside
    opened:   start of the last bar whose opening was matched, -1 before the first
    traded:   whether the bar at hand can fill anything
    volume:   of the bar at hand; large: lots from which a worth is checked before it is booked
    room:     lots of volume that orders may still take from the row at hand
    late:     orders whose life ends with the bar at hand: (order, when it ended)
    amended:  (order, from when, more lots, limit, stop): terms that hold from the next row on
    utc:      its days are UTC days, because no session of its calendar ever ended
    span:     longest bar that matches, 0 = all
    quotes, trades: finer rows are in the replay, so that no bar matches
    bid, ask: the quote at hand, nan when it may be stale
    levels:   its order book, where the run keeps one: then its rows match what quotes would
    """

    __slots__ = (
        "amended",
        "ask",
        "bar",
        "bid",
        "calendar",
        "delisted",
        "fees",
        "free",
        "halted",
        "instrument",
        "large",
        "late",
        "levels",
        "lot",
        "lots",
        "opened",
        "quotes",
        "room",
        "row",
        "scale",
        "span",
        "tick",
        "tick_small",
        "traded",
        "trades",
        "unit",
        "utc",
        "volume",
        "working",
    )

    def __init__(self, row: Instrument, fees: FeeSchedule, unit: float) -> None:
        self.row = row
        self.instrument = row.id
        self.calendar = row.calendar
        self.utc = row.calendar == "24/7"
        self.scale = row.scale
        self.large = int(2.0**62 / (self.scale * 1e7))
        self.tick = float(row.tick)
        self.tick_small = float(row.tick_small)
        self.volume = 0.0
        self.lot = float(row.lot)
        self.unit = unit
        self.fees = fees
        self.free = fees == FREE
        self.working: list[Resting] = []
        self.lots = 0
        self.bar: Bar | None = None
        self.opened = -1
        self.traded = False
        self.room = BOUNDLESS
        self.late: list[tuple[Resting, int]] = []
        self.amended: list[tuple[Resting, int, int, float, float]] = []
        self.span = 0
        self.quotes = False
        self.trades = False
        self.levels: Levels | None = None
        self.bid = NAN
        self.ask = NAN
        self.halted = False
        self.delisted = False

    def matches(self, span: int) -> bool:
        """Whether bars of this span decide fills here: not when the replay has finer rows."""
        if self.quotes or self.trades or self.levels is not None:
            return False
        return not self.span or span <= self.span

    def lots_of(self, resting: Resting) -> int:
        """Total lots of an order as its owner was told: with the growth that holds from the next row on."""
        return resting.lots + sum(terms[2] for terms in self.amended if terms[0] is resting)

    def reach(self) -> tuple[float, float]:
        """(floor, ceiling): a bar between them touches none of the orders; none is between where one must see each bar.

        Limits and stops that have rested through a bar wait for their price; what is new, trails, ends with the day, belongs to
        an auction or takes at once must see every bar.
        """
        floor, ceiling = -inf, inf
        if self.amended or self.late:
            return inf, -inf
        for resting in self.working:
            kind = resting.type
            if not resting.seen or resting.day_end != NEVER or kind not in _WAITING or resting.tif not in _PATIENT:
                return inf, -inf
            price = resting.limit if kind is Type.LIMIT else resting.stop
            if (resting.side > 0) == (kind is Type.LIMIT):
                floor = max(floor, price)
            else:
                ceiling = min(ceiling, price)
        return floor, ceiling

    def retime(self, ts: int) -> None:
        """Let the amended terms hold that a row at `ts` meets: bar start, or known of a tick."""
        kept = []
        for terms in self.amended:
            resting, from_ts, more, limit, stop = terms
            if from_ts > ts:
                kept.append(terms)
                continue
            resting.lots += more
            if limit == limit:
                resting.limit = limit
            if stop == stop:
                resting.stop = stop
            resting.seen = False
            resting.ahead = NAN
        self.amended = kept

    def rescale(self, ratio: Fraction) -> list[Resting]:
        """Apply a split: lots times the ratio, prices divided by it; returns orders with no lot left."""
        self.lots = _toward_zero(self.lots, ratio)
        factor = float(ratio)
        self.amended = [
            (resting, at, _toward_zero(more, ratio), limit / factor, stop / factor)
            for resting, at, more, limit, stop in self.amended
        ]
        gone = []
        for resting in self.working:
            rescale(resting, ratio)
            if resting.lots <= resting.filled:
                gone.append(resting)
        return gone


def rescale(resting: Resting, ratio: Fraction) -> None:
    """One order through a split, and the legs that wait for it; a fraction of a lot is dropped."""
    factor = float(ratio)
    resting.lots = _toward_zero(resting.lots, ratio)
    resting.filled = _toward_zero(resting.filled, ratio)
    if resting.armed != BOUNDLESS:
        resting.armed = _toward_zero(resting.armed, ratio)
    resting.limit /= factor
    resting.stop /= factor
    resting.mark /= factor
    if not resting.order.trail_frac:
        resting.trail /= factor
    for leg in resting.legs or ():
        if leg.waiting:
            rescale(leg, ratio)


def _toward_zero(lots: int, ratio: Fraction) -> int:
    scaled = abs(lots) * ratio.numerator // ratio.denominator
    return scaled if lots >= 0 else -scaled
