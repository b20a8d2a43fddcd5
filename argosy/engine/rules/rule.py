"""What a rule is, and all that it may look at; nothing here decides anything.

A rule is a plain object. It is pure: the same order and the same view give the same answer, and only the engine changes
the view. Money is in integer units of the base currency, positions are signed integer lots, times are ns UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from argosy.core.instrument import Instrument, Instruments
from argosy.core.orders import Order, Refused, Trimmed
from argosy.engine.conditions import Conditions
from argosy.engine.counters import Counters

NAN = float("nan")
INF = float("inf")
PRICE_LIMIT = 1e18
"""No price at or above this is worth multiplying with."""

LIVE, REDUCE, HALT, PROBE = 0, 1, 2, -1
"""Safety levels a rule tells apart; 2, 3 and 4 all halt."""


class Facts:
    """What the rules need of one instrument, as floats and ints, read once from its row.

    scale: currency units per lot and point; lot: units of the thing; max_lots: the largest order (a number beyond any order when there is none)
    """

    __slots__ = (
        "currency",
        "known",
        "lot",
        "max_lots",
        "min_lots",
        "row",
        "scale",
        "sendable",
        "shortable",
        "tick",
        "tick_small",
    )

    def __init__(self, row: Instrument, known: bool = True) -> None:
        self.row = row
        self.known = known
        self.sendable = known and row.tradable and not row.restricted
        self.shortable = row.shortable
        self.currency = row.currency
        self.tick = float(row.tick)
        self.tick_small = float(row.tick_small)
        self.scale = row.scale
        self.lot = float(row.lot)
        self.min_lots = max(1, row.min_lots)
        self.max_lots = row.max_lots or 1 << 62


STRANGER = Facts(Instrument(symbol="?"), known=False)
"""Stands for an instrument that the run does not know."""


class Asked:
    """What the gate works out once about the order in question, for all rules. A view owns one; only the gate writes it.

    facts:     of the order's instrument
    reference: `view.reference` of it, nan when none
    price:     what the order may cost a unit at worst: a buy's limit, else the reference or a stop beyond it; a sell's
               limit, stop or reference, whichever is highest; nan when there is none
    value:     base units of the whole order at `price`; None without a price or an FX rate
    low, high: `view.worst` before the order
    """

    __slots__ = ("facts", "high", "low", "price", "reference", "value")

    def __init__(self) -> None:
        self.facts = STRANGER
        self.reference = NAN
        self.price = NAN
        self.value: int | None = None
        self.low = 0
        self.high = 0


class Own(NamedTuple):
    """One strategy's virtual book, in base units. budget: what it was given; max_loss: of it, 0 = no limit; power: of its own
    equity times the multiplier, less what it holds and what is reserved for its orders."""

    equity: int
    power: int
    budget: int
    max_loss: int


class Room:
    """Bounds within which no rule can refuse or trim a plain order: wide open until the rules have narrowed them.

    lots, value:        of one order; position_lots, position_frac: of the position it makes, and of equity
    gross, net:         units; leverage: gross over equity; power_frac: of the buying power
    least_equity:       below it no entry; fall_frac: nor this far below the peak
    trades, own_trades: of the day, the account's and the strategy's; streak: losses in a row
    own_power_frac:     of the strategy's own buying power; own_loss: whether its own greatest loss is looked at
    rate:               orders in two minutes; apart_ns: between entries of an instrument; shorts: whether they may open
    through, away:      how far a limit may lie through the mark, and from it either way, as parts of it
    age_ns, uncrossed:  how old the mark may be, and whether the quote must not be crossed or locked: not for a bar just marked
    """

    __slots__ = (
        "age_ns", "apart_ns", "away", "fall_frac", "gross", "least_equity", "leverage", "lots", "net", "own_loss", "own_power_frac", "own_trades",
        "position_frac", "position_lots", "power_frac", "rate", "shorts", "streak", "through", "trades", "uncrossed", "value",
    )  # fmt: skip

    def __init__(self) -> None:
        self.least_equity = -INF
        self.apart_ns = -INF
        self.shorts = True
        self.uncrossed = False
        self.lots = self.value = self.position_lots = self.position_frac = self.gross = self.net = self.leverage = INF
        self.own_loss = False
        self.through = self.away = self.age_ns = INF
        self.own_power_frac = self.power_frac = self.fall_frac = self.trades = self.own_trades = self.streak = self.rate = INF


class View(Protocol):
    """The desk as a rule sees it, every call O(1), for the ids that `instruments` has.

    Of an id that it lacks the gate asks nothing, and the rule `known`, which comes first, refuses it.
    """

    @property
    def now(self) -> int:
        """The greatest `known` seen, ns UTC."""

    @property
    def level(self) -> int:
        """0 LIVE, 1 REDUCE, 2 3 4 HALT, -1 PROBE."""

    @property
    def instruments(self) -> Instruments: ...
    @property
    def counters(self) -> Counters: ...
    @property
    def conditions(self) -> Conditions:
        """Bands, gaps, connections, halts that ended, short-sale limits, volumes."""

    @property
    def asked(self) -> Asked:
        """One `Asked()` for the life of the view; the gate fills it before the rules run."""

    @property
    def base(self) -> str:
        """The base currency."""

    @property
    def equity(self) -> int: ...
    @property
    def cash(self) -> int: ...
    @property
    def peak(self) -> int:
        """The greatest equity, cash flows taken out."""

    @property
    def day_start(self) -> int:
        """Equity at the start of the day, cash flows since then already taken out."""

    @property
    def buying_power(self) -> int:
        """What may still be spent, after the engine's own reservations for open orders."""

    @property
    def reserved(self) -> int:
        """Base units held back for open orders."""

    @property
    def gross(self) -> int:
        """Sum of worst |position| values, open and UNKNOWN orders counted as filled."""

    @property
    def nets(self) -> tuple[int, int]:
        """(lowest, highest) signed sum of position values, if all open and UNKNOWN sells (buys) fill."""

    def lots(self, i: int, /) -> int:
        """Signed position."""

    def worst(self, i: int, /) -> tuple[int, int]:
        """(lowest, highest) signed position if all open and UNKNOWN sells (buys) fill.

        Resting protections (tag "stop", "take" or "trail") are left out: they go as the position goes. A working exit counts.
        """

    def will_guard(self, order: Order, price: float, /) -> bool:
        """Whether each strategy that the order is for wants a stop, on the losing side of `price`, for all that it holds."""

    def own(self, strategy: str, /) -> Own:
        """A strategy's own book."""

    def mark(self, i: int, /) -> float:
        """The last known price, nan when none."""

    def marked(self, i: int, /) -> int:
        """When the last mark became known, 0 when none."""

    def quote(self, i: int, /) -> tuple[float, float]:
        """(bid, ask), nan for a side without an order."""

    def value(self, i: int, lots: int, px: float, /) -> int | None:
        """Base units of `lots` at `px`, never shrinking as lots grow; None when the FX rate is missing or stale."""

    def session_open(self, i: int, /) -> bool: ...
    def halted(self, i: int, /) -> bool:
        """Whether it may not be traded: halted by its venue, or drifted."""

    def drifted(self, i: int, /) -> bool:
        """Whether the venue counts it otherwise than the books here."""

    def delisted(self, i: int, /) -> bool: ...
    def fx_age_ns(self, currency: str, /) -> int:
        """Age of the rate from `currency` to base."""

    def reference(self, i: int, /) -> float:
        """Price that collars compare with: mid of a fresh quote, else the mark; nan when none."""

    def opposite(self, i: int, side: int, /) -> float:
        """Best limit price of our own working orders against `side` (a BUY asks for our lowest sell), nan when none."""


class Rule(Protocol):
    """One reason to say no.

    code:         stable name of its refusal (its first, where it has several)
    guards_exits: False: an order that can only shrink the position is not shown to it
    A rule may also have `binds: bool`; False says that with its limits it can never refuse, and the gate skips it; and `paces: bool`;
    True says that it asks how many requests there were of late.
    """

    @property
    def code(self) -> str: ...
    @property
    def guards_exits(self) -> bool: ...
    def check(
        self, order: Order, legs: Sequence[Order], exit: bool, view: View, /
    ) -> Refused | Trimmed | int | None:
        """None: fine. An int allows only so many lots, a Trimmed says the same with its code and numbers.

        exit: the order cannot increase |position|, even if all that is open fills
        """


def bounds_of(rule: Rule) -> Callable[[Room, View], bool] | None:
    """What tells the bounds of a rule, `clear(room, view)`; None where it has none, or has another `check` than the one they are of."""
    for cls in type(rule).__mro__:
        if "clear" in vars(cls):
            found: Callable[[Room, View], bool] = rule.clear  # type: ignore[attr-defined]
            return found
        if "check" in vars(cls):
            break
    return None
