"""What one strategy wants of one instrument, and stands until it says otherwise; a wish trades nothing by itself."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import msgspec

from argosy.core.instrument import Instrument
from argosy.core.intents import Hold, Ladder, Protection, Rung, Target
from argosy.core.orders import Order, Tif
from argosy.core.time import NEVER
from argosy.engine.algos.course import Course
from argosy.engine.parts import parts
from argosy.engine.records import plain
from argosy.engine.snap import regrid

NAN = float("nan")


class Wish:
    """What one strategy wants of one instrument, and stands.

    lots:   wanted signed position; None when it has no target standing
    course: what of it is held back, and by which algorithm; None where it is wanted at once
    house:  its stop is one that the house gave (`engine.shelter`)
    rungs:  wanted resting orders by tag; spent: tags whose order filled or was refused, until a new ladder says otherwise
    """

    __slots__ = ("course", "house", "intent", "limit", "lots", "on_expiry", "protection", "rungs", "spent", "tif", "turn", "until")

    def __init__(self) -> None:
        self.intent: Target | Ladder | Hold | None = None
        self.lots: int | None = None
        self.course: Course | None = None
        self.turn = 0
        self.limit = NAN
        self.tif = Tif.DAY
        self.until = NEVER
        self.on_expiry = "keep"
        self.protection: Protection | None = None
        self.house = False
        self.rungs: dict[str, Rung] = {}
        self.spent: set[str] = set()

    def snapshot(self) -> tuple[object, ...]:
        whole = (
            plain(self.intent), self.lots, self.turn, self.limit, int(self.tif), self.until, self.on_expiry,
            plain(self.protection), plain(self.rungs), sorted(self.spent),
        )  # fmt: skip
        return whole if self.course is None else (*whole, self.course.snapshot())

    def split(self, held: int, before: int, ratio: float, exact: Fraction, row: Instrument) -> None:
        """Rescale at a split. held, before: the position after it and before; exact: the ratio as venues count it."""
        lacks = 0 if self.lots is None else int((self.lots - before) * exact)
        self.limit = regrid(self.limit / ratio, row, -1 if lacks > 0 else 1)
        if self.lots is not None:
            self.lots = held + lacks
        if self.course is not None:
            self.course.split(ratio, exact)
        if self.protection is not None:
            self.protection = rescale(self.protection, ratio, row, 1 if (self.lots or held) >= 0 else -1)
        self.rungs = {tag: rescale_rung(rung, ratio, row, exact) for tag, rung in self.rungs.items()}


def repeats(standing: Any, intent: Any) -> bool:
    """Whether an intent repeats the standing one (its reason and evidence do not count; nan equals nan)."""
    if type(intent) is not Target:
        return repr(standing) == repr(intent)
    if type(standing) is not Target or standing.lots != intent.lots or standing.weight != intent.weight:
        return False
    if standing.notional != intent.notional or standing.tif != intent.tif or standing.horizon_ns != intent.horizon_ns:
        return False
    if standing.limit != intent.limit and (standing.limit == standing.limit or intent.limit == intent.limit):
        return False
    if standing.execution != intent.execution:
        return False
    return standing.on_expiry == intent.on_expiry and repr(standing.protection) == repr(intent.protection)


def same_size(standing: Any, intent: Target) -> bool:
    """Whether an intent wants the standing size again, so that its lots stand too: a weight is evaluated once."""
    return (
        type(standing) is Target and standing.lots == intent.lots and standing.weight == intent.weight
        and standing.notional == intent.notional and intent.lots is None
    )  # fmt: skip


def same_ladder(wish: Any, intent: Any) -> bool:
    """Whether a ladder repeats the standing one and none of its rungs was filled or refused."""
    return (
        wish is not None and type(intent) is Ladder and type(wish.intent) is Ladder and not wish.spent
        and repr(wish.intent.rungs) == repr(intent.rungs)
    )  # fmt: skip


def rescale(protection: Protection, ratio: float, row: Instrument, up: int) -> Protection:
    """Protection levels after a split, on the tick grid: a long's go up to it (up = 1), a short's down (-1)."""
    return Protection(
        stop=regrid(protection.stop / ratio, row, up),
        take=regrid(protection.take / ratio, row, up),
        trail=protection.trail if protection.trail_frac else protection.trail / ratio,
        trail_frac=protection.trail_frac,
    )


def rescale_rung(rung: Rung, ratio: float, row: Instrument, exact: Fraction) -> Rung:
    """A rung after a split: its price on the tick grid no worse than before, its lots toward zero but at least one."""
    protection = rung.protection
    return msgspec.structs.replace(
        rung, px=regrid(rung.px / ratio, row, -rung.side), lots=max(1, int(rung.lots * exact)),
        protection=None if protection is None else rescale(protection, ratio, row, rung.side),
    )  # fmt: skip


def give_up(wishes: Mapping[tuple[str, int], Wish], order: Order, lots: int) -> None:
    """Take refused lots off the wishes of an order's shares, pro rata by largest remainder, ties by strategy id."""
    given = parts([share.lots for share in order.shares], lots, [share.strategy for share in order.shares])
    for share, part in zip(order.shares, given, strict=True):
        wish = wishes.get((share.strategy, order.instrument))
        if wish is not None and wish.lots is not None:
            wish.lots -= order.side * part


def shrink(wishes: Mapping[tuple[str, int], Wish], order: Order, lots: int) -> None:
    """The gate allows only some of a rung: that is what is wanted now, or the order would be replaced for ever."""
    wish = wishes.get((order.shares[0].strategy, order.instrument))
    name = order.tag.removeprefix("rung:")
    if wish is not None and name in wish.rungs:
        wish.rungs[name] = msgspec.structs.replace(wish.rungs[name], lots=lots)
