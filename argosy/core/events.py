"""Everything that can become known, each with two times; an event is a fact, never a wish, and never changes.

`ts` is when it happened, `known` when we could act on it: int64 ns UTC. Events with equal `known` form an instant and are
applied in the order of `RANK`, then instrument id, then the sequence of their source. Prices are float64 in the
instrument's currency; lots and money are integers; volumes are float64 in units of the thing.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from argosy.core.orders import Work

SCHEMA = 4
"""Number of the record layout; a journal of any released number folds for ever."""


class Event(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Base of all events: when it happened and when we could act on it."""

    ts: int
    known: int


# -- the market ------------------------------------------------------------------------------------------------------


class Bar(Event, frozen=True):
    """One finished bar. ts: its start; known: its end plus the source's delay; span: end - start in ns."""

    instrument: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    span: int


class Quote(Event, frozen=True):
    """Best bid and ask; a side without an order is nan with size 0."""

    instrument: int
    bid: float
    ask: float
    bid_size: float
    ask_size: float


class Trade(Event, frozen=True):
    """One print. side: the aggressor, +1 buyer, -1 seller, 0 unknown."""

    instrument: int
    price: float
    size: float
    side: int = 0


class BookDelta(Event, frozen=True):
    """A changed level of the order book. size 0 deletes the level; `clear` starts a new snapshot."""

    instrument: int
    side: int
    price: float
    size: float
    clear: bool = False


class Fact(Event, frozen=True):
    """Something the world said: a macro figure, a headline, a filing. value is nan for a text-only fact."""

    source: str
    name: str
    value: float = float("nan")
    text: str = ""
    instrument: int = -1


class Forecast(Event, frozen=True):
    """What a model expects of one instrument over `horizon` ns, as a return, with its standard error."""

    model: str
    instrument: int
    mean: float
    error: float
    horizon: int


# -- what venues say -------------------------------------------------------------------------------------------------


class Reply(Event, frozen=True):
    """A venue's answer to a Submit, Cancel or Amend.

    outcome: "accepted" | "refused" (definite no) | "ambiguous" (time-out, 5xx: the order is UNKNOWN until evidence)
    """

    order: int
    verb: Literal["submit", "cancel", "amend"]
    outcome: Literal["accepted", "refused", "ambiguous"]
    code: str = ""
    text: str = ""


class OrderUpdate(Event, frozen=True):
    """A venue's word on an order's way that is not a fill. lots: new total after an amend, else 0; prices likewise nan."""

    order: int
    work: Work
    lots: int = 0
    limit: float = float("nan")
    stop: float = float("nan")
    code: str = ""


class Fill(Event, frozen=True):
    """One execution. execution: the venue's id, applied once; lots positive; side of the order.

    notional: signed integer currency units, + for a buy (what the ledger pays), before fee;
    fee: integer units, + is a cost; leaves: lots still open after it, as the venue counts them (-1 when it does not say)
    """

    instrument: int
    order: int
    execution: str
    side: int
    lots: int
    price: float
    notional: int
    fee: int
    maker: bool = False
    leaves: int = -1


class Bust(Event, frozen=True):
    """The venue took back an execution; its effect on lots and cash is undone."""

    execution: str


class Reversal(Event, frozen=True):
    """A chain reorganised and a soft execution is gone; undone like a Bust, and its order is open again."""

    execution: str


class Account(Event, frozen=True):
    """The venue's own count of the account, evidence for reconciliation; it never changes the ledger by itself."""

    currency: str
    cash: int
    equity: int
    buying_power: int
    positions: dict[int, int] = {}


# -- what changes the books without an order ---------------------------------------------------------------------------


class Adjust(Event, frozen=True):
    """A difference found by reconciliation and booked with its cause; lots and cash are deltas."""

    instrument: int
    lots: int
    price: float
    cash: int
    currency: str
    cause: str
    strategy: str = ""


class CashFlow(Event, frozen=True):
    """A deposit (+) or withdrawal (-): never profit, drawdown or daily loss. strategy "" is the unallocated house book."""

    currency: str
    amount: int
    strategy: str = ""


class Split(Event, frozen=True):
    """Each unit became `ratio` units (2.0 for two-for-one) before this bar; price: raw price for cash in lieu, nan = last mark."""

    instrument: int
    ratio: float
    price: float = float("nan")


class Dividend(Event, frozen=True):
    """Cash of `amount` currency per unit held at this moment (the ex-date's open); shorts pay it."""

    instrument: int
    amount: float
    currency: str = ""


class Funding(Event, frozen=True):
    """A perpetual's funding at `rate` of the position's value at the mark: longs pay a positive rate."""

    instrument: int
    rate: float


class Borrow(Event, frozen=True):
    """The cost of holding a short: `rate` of its value for the time since the last one (already multiplied by time)."""

    instrument: int
    rate: float


class Delist(Event, frozen=True):
    """The instrument ends: positions are closed at `price`, orders are cancelled, nothing more is tradable."""

    instrument: int
    price: float


class Exercise(Event, frozen=True):
    """The holder of options exercised some: they are gone for what they promised.

    lots: of the option, positive; underlying: what was delivered, -1 for cash alone; delivered: signed lots of it that came in;
    cash: signed units of the option's currency that came in; price: the strike, at which the underlying is booked;
    cause: "expiry" or why; strategy: whose, "" = of all who hold them, pro rata
    """

    instrument: int
    lots: int
    underlying: int
    delivered: int
    cash: int
    price: float
    cause: str = "expiry"
    strategy: str = ""


class Assignment(Event, frozen=True):
    """The writer of options was assigned some: the other side of an Exercise, with the same fields seen from this account."""

    instrument: int
    lots: int
    underlying: int
    delivered: int
    cash: int
    price: float
    cause: str = "expiry"
    strategy: str = ""


class Expiry(Event, frozen=True):
    """An option ended: what was not exercised or assigned before is settled among the virtual books, or worthless.

    price: settlement price of the underlying; worth: of one unit of the option then; strike: at which a delivery is booked
    delivered, cash: what one long lot is settled for, signed; both 0 when it is worthless
    """

    instrument: int
    price: float
    worth: float
    underlying: int = -1
    delivered: int = 0
    cash: int = 0
    strike: float = 0.0


class Status(Event, frozen=True):
    """Trading status of one instrument: halted by the venue, or trading again; by ourselves where `reason` is RECONCILE_DRIFT."""

    instrument: int
    halted: bool
    reason: str = ""


class Session(Event, frozen=True):
    """A session of `calendar` begins (`open`) or ends; closes: ns of its end. `day` numbers trade and loss counts."""

    calendar: str
    open: bool
    day: int
    closes: int


class Band(Event, frozen=True):
    """Limit up, limit down: no trade of an instrument may happen below `low` or above `high`; nan where there is no such limit."""

    instrument: int
    low: float
    high: float


class Link(Event, frozen=True):
    """A connection to a venue is up, down, or up again while what was missed is compared ("reconciling"); `source` names it."""

    source: str
    state: Literal["up", "down", "reconciling"]


class Gap(Event, frozen=True):
    """A feed lost `count` messages (-1: unknown) of one instrument (-1: all)."""

    instrument: int
    source: str
    count: int = -1


# -- ourselves -------------------------------------------------------------------------------------------------------


class Timer(Event, frozen=True):
    """A moment we asked to be told of; name "pulse" is the rim's heartbeat."""

    name: str
    strategy: str = ""


class Command(Event, frozen=True):
    """The owner's word. verb: reduce | halt | flatten | dark | resume | pause | unpause | retire | cancel | arm; strategy "" is the whole
    desk.

    instrument, order: of flatten and cancel, what they are about (-1, 0: everything); protections: a halt takes them off as well
    """

    verb: str
    by: str
    reason: str
    strategy: str = ""
    instrument: int = -1
    order: int = 0
    protections: bool = False


class Latch(Event, frozen=True):
    """A safety level was set or cleared: 0 LIVE, 1 REDUCE, 2 HALT, 3 HALT and flatten, 4 DARK, -1 PROBE."""

    level: int
    cause: str
    by: str = "engine"


MarketEvent = Bar | Quote | Trade | BookDelta
"""What a tape carries in bulk; everything else is recorded whole in the journal."""

RANK: dict[type, int] = {
    Command: 0,
    Latch: 0,
    Reply: 1,
    OrderUpdate: 1,
    Fill: 2,
    Exercise: 2,
    Assignment: 2,
    Bust: 2,
    Reversal: 2,
    Account: 3,
    Adjust: 3,
    CashFlow: 3,
    Split: 3,
    Dividend: 3,
    Funding: 3,
    Borrow: 3,
    Delist: 3,
    Expiry: 3,
    Status: 3,
    Session: 3,
    Band: 3,
    Link: 3,
    Gap: 3,
    Bar: 4,
    Quote: 4,
    Trade: 4,
    BookDelta: 4,
    Fact: 5,
    Forecast: 6,
    Timer: 7,
}
"""Order of kinds inside an instant: the owner first, then what venues said, then the market, then opinions."""


def sort_instant(events: list[Event]) -> list[Event]:
    """The events of one instant in the order they are applied; the sort is stable, so a source's sequence is kept."""
    return sorted(events, key=lambda event: (RANK[type(event)], getattr(event, "instrument", -1)))
