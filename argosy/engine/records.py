"""What a journal holds beside events and effects: the header, wishes, verdicts, reservations, marks of market rows."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from argosy.core import effects as fx
from argosy.core import events as ev
from argosy.core.intents import Hold, Ladder, Target
from argosy.core.orders import Order, Refused, Trimmed


class Run(msgspec.Struct, frozen=True, tag=True):
    """The first record: who ran with what. tapes: content hashes; code: strategy id -> hash of its code and params."""

    schema: int
    desk: str
    base: str
    symbols: tuple[str, ...]
    strategies: tuple[str, ...]
    tapes: tuple[str, ...] = ()
    code: dict[str, str] = {}
    limits: str = ""


class Rows(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag=True):
    """Market rows up to (not including) `upto` of the run's merged source were applied before the next record.

    With `events` > 0 an instant of several events begins here: the next `events` records, then `rows` market rows, are one
    instant. A recorded event without such a mark is an instant of its own.
    """

    upto: int
    events: int = 0
    rows: int = 0


class Grant(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Base units moved from the house book to a strategy's; max_loss: of them, after which it may only get out (0 = all of it)."""

    strategy: str
    units: int
    max_loss: int = 0


class Wanted(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A strategy's intent and the lots it came to, evaluated once. lots: signed wanted position (ladders and holds: 0).

    by: "strategy"; or the engine for it: "protection" (one that it triggered; the strategy's own word still stands, so that saying
        it again is a repeat, as after a stop that rested at the venue), "level" (it is being flattened), "horizon"
    """

    strategy: str
    intent: Target | Ladder | Hold
    lots: int
    at: int
    by: Literal["strategy", "protection", "level", "horizon"] = "strategy"


class Cross(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Opposite wishes met inside the house at the mid, without fee: `buyer` took `lots` from `seller`."""

    instrument: int
    buyer: str
    seller: str
    lots: int
    price: float
    notional: int


class Verdict(msgspec.Struct, frozen=True, gc=False, tag=True):
    """What the gate said when it did not simply approve (an approval is recorded inside its Submit)."""

    order: Order
    outcome: Refused | Trimmed


class Unsized(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A strategy's intent that came to no size, so that nothing stands by it."""

    strategy: str
    intent: Target
    refused: Refused


class Released(msgspec.Struct, frozen=True, gc=False, tag=True):
    """An execution algorithm let its target go on. back: lots of it that are still held back, 0 when it has let all of it go."""

    strategy: str
    instrument: int
    back: int


class Guarded(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The house gave an entry without a stop one. price: it was measured from; rung: of a ladder, "" for a target's position."""

    strategy: str
    instrument: int
    stop: float
    price: float
    rung: str = ""


class Reserve(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A Submit with the base units held back for it; exit: it can only shrink the position."""

    submit: fx.Submit
    units: int
    exit: bool = False


class Given(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A strategy's wish was given up: it keeps what it holds, and the same wish would be a new one. Or it was paused, retired,
    quarantined, or its horizon came."""

    strategy: str
    instrument: int
    cause: str


class Standing(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A strategy's own standing changed: active | paused | retired | quarantined."""

    strategy: str
    status: str
    cause: str


class Memory(msgspec.Struct, frozen=True, tag=True):
    """A snapshot of a strategy's own state at this place of the journal."""

    strategy: str
    blob: bytes
    rows: int


class Stretch(msgspec.Struct, frozen=True, tag=True):
    """A stretch of plain orders, in columns: short for the records that `engine.stretch.unfold` makes of it.

    strategy: whose; unit: what its targets count ("lots", "weight", "notional"); share: of its equity that weight 1 means
    records: how many it stands for, sequences included; whys: their reasons, or one for all
    form: "market": deals are `engine.stretch.DEAL` rows; "entry": they are `engine.turns.ROW` rows
    """

    strategy: str
    unit: str
    share: float
    records: int
    deals: bytes
    whys: tuple[str, ...]
    form: str = "market"


Record = (
    Run | Rows | Stretch | Grant | Wanted | Unsized | Released | Cross | Guarded | Verdict | Reserve | Given | Standing | Memory
    | fx.Cancel | fx.Amend | fx.SetTimer | fx.Note | fx.Alarm
    | ev.Reply | ev.OrderUpdate | ev.Fill | ev.Bust | ev.Reversal | ev.Account | ev.Adjust | ev.CashFlow | ev.Split
    | ev.Dividend | ev.Funding | ev.Borrow | ev.Delist | ev.Exercise | ev.Assignment | ev.Expiry | ev.Status
    | ev.Session | ev.Band | ev.Link | ev.Gap | ev.Fact | ev.Forecast | ev.Timer | ev.Command | ev.Latch
)  # fmt: skip
"""Everything a journal may hold."""


def plain(thing: Any) -> Any:
    """The builtin values of a record for a snapshot; fields that are nan, which is no value, are left out."""
    return _without_nan(msgspec.to_builtins(thing))


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items() if item == item}
    return [_without_nan(item) for item in value] if isinstance(value, list | tuple) else value
