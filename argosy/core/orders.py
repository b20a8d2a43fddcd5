"""Orders, their two-axis state table, and the gate's verdicts; an edge that is not in the table is a broken house.

Work says where an order is on its way; quantity (cumulative lots and execution ids) is counted apart from it, because
real venues fill orders that they have already called canceled.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec

from argosy.core.time import NEVER

BUY = 1
SELL = -1


class Type(IntEnum):
    """How an order meets the market."""

    MARKET = 0
    LIMIT = 1
    STOP = 2
    STOP_LIMIT = 3
    TRAILING = 4


class Tif(IntEnum):
    """How long an order lives: DAY to the session's end, OPG and CLS only in the auctions, GTD to `expire`."""

    DAY = 0
    GTC = 1
    IOC = 2
    FOK = 3
    OPG = 4
    CLS = 5
    GTD = 6


class Work(IntEnum):
    """Where an order is on its way."""

    NEW = 0
    DENIED = 1
    INTENT = 2
    SENT = 3
    ACKED = 4
    WORKING = 5
    PENDING_CANCEL = 6
    PENDING_REPLACE = 7
    UNKNOWN = 8
    FILLED = 9
    CANCELED = 10
    EXPIRED = 11
    REJECTED = 12
    REPLACED = 13


TERMINAL = frozenset({Work.DENIED, Work.FILLED, Work.CANCELED, Work.EXPIRED, Work.REJECTED, Work.REPLACED})
_ENDS = frozenset({Work.FILLED, Work.CANCELED, Work.EXPIRED, Work.REJECTED, Work.REPLACED})
_LIVE = frozenset({Work.ACKED, Work.WORKING, Work.PENDING_CANCEL, Work.PENDING_REPLACE})

EDGES: dict[Work, frozenset[Work]] = {
    Work.NEW: frozenset({Work.DENIED, Work.INTENT}),
    Work.INTENT: frozenset({Work.SENT, Work.CANCELED}),
    Work.SENT: frozenset({Work.ACKED, Work.WORKING, Work.PENDING_CANCEL, Work.UNKNOWN}) | _ENDS,
    Work.ACKED: _LIVE | _ENDS,
    Work.WORKING: _LIVE | _ENDS,
    Work.PENDING_CANCEL: _LIVE | _ENDS | {Work.UNKNOWN},
    Work.PENDING_REPLACE: _LIVE | _ENDS | {Work.UNKNOWN},
    Work.UNKNOWN: _LIVE | _ENDS,
    Work.CANCELED: frozenset({Work.FILLED}),
    Work.EXPIRED: frozenset({Work.FILLED}),
    Work.REPLACED: frozenset({Work.FILLED}),
    Work.REJECTED: frozenset(),
    Work.FILLED: frozenset(),
    Work.DENIED: frozenset(),
}
"""The one table of edges. Staying where one is is always allowed; late fills may complete an ended order."""


class Share(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The part of an order that belongs to one strategy, in lots (positive)."""

    strategy: str
    lots: int


class Order(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One order as decided; what became of it lives in the blotter.

    id:     journal sequence of the decision; `ids.client_order_id` makes the venue's text of it
    side:   BUY or SELL; lots: positive
    limit, stop: prices, nan when the type has none
    trail:  trailing distance in price, or a fraction of the price when `trail_frac`; nan when none
    expire: ns UTC for GTD
    reduce_only: may never open or enlarge a position (protections, exits)
    shares: whose order it is; sums to `lots`
    tag:    a ladder's rung tag, "stop" or "take" for a protection, "" for a plain child order
    parent: id of the entry that must fill before this leg lives; 0 when it stands alone
    group:  one-cancels-other group id; a fill of one member takes the same lots off the others; 0 when none
    """

    id: int
    instrument: int
    side: int
    lots: int
    type: Type = Type.MARKET
    limit: float = float("nan")
    stop: float = float("nan")
    trail: float = float("nan")
    trail_frac: bool = False
    tif: Tif = Tif.DAY
    expire: int = NEVER
    reduce_only: bool = False
    post_only: bool = False
    shares: tuple[Share, ...] = ()
    tag: str = ""
    parent: int = 0
    group: int = 0
    why: str = ""


class Approved(msgspec.Struct, frozen=True, gc=False, tag="approved"):
    """The gate's proof that an order may be sent; only `engine/risk.py` makes one, and venues accept nothing else.

    legs: protections that come alive as the order fills (a bracket), each approved with it.
    """

    order: Order
    legs: tuple[Order, ...] = ()


class Trimmed(msgspec.Struct, frozen=True, gc=False, tag="trimmed"):
    """The gate allowed less than was asked: `lots` of `asked`, because of rule `code`."""

    code: str
    asked: int
    lots: int
    numbers: dict[str, float]


class Refused(msgspec.Struct, frozen=True, gc=False, tag="refused"):
    """The gate said no. code: stable; numbers: what was compared, by name, in the units the names say."""

    code: str
    numbers: dict[str, float]
    text: str = ""
