"""What a plan is made of: orders without their numbers, and what else one call of the planner asks for; nothing here plans or sends."""

from __future__ import annotations

import msgspec

from argosy.core.effects import Amend
from argosy.core.intents import Protection
from argosy.core.orders import Order, Share, Tif, Type
from argosy.core.time import NEVER
from argosy.engine.journal import Cross

NAN = float("nan")


class Draft(msgspec.Struct, gc=False):
    """An order without its id, before the gate.

    protection: legs to attach; paired: one-cancels-other with the next draft; common: the one stop of several holders
    """

    instrument: int
    side: int
    lots: int
    shares: tuple[Share, ...]
    type: Type = Type.MARKET
    limit: float = NAN
    stop: float = NAN
    trail: float = NAN
    trail_frac: bool = False
    tif: Tif = Tif.DAY
    reduce_only: bool = False
    post_only: bool = False
    tag: str = ""
    paired: bool = False
    common: bool = False
    expire: int = NEVER
    protection: Protection | None = None
    why: str = ""


class Plan:
    """What one call asks for, in the order it is recorded: crosses, cancels, amends, drafts.

    exits, way: drafts that can be sent only when the protections `way` have gone; nothing makes way for what the gate refuses
    saga: the protection that an order of the other side waits for, 0: none does
    """

    __slots__ = ("amends", "cancels", "crosses", "drafts", "exits", "saga", "way")

    def __init__(self) -> None:
        self.crosses: list[Cross] = []
        self.cancels: list[int] = []
        self.amends: list[Amend] = []
        self.drafts: list[Draft] = []
        self.exits: list[Draft] = []
        self.way: list[int] = []
        self.saga = 0


def guard(i: int, side: int, lots: int, shares: tuple[Share, ...], tag: str, protection: Protection) -> Draft:
    """The draft of one protective order."""
    draft = Draft(i, side, lots, shares, tif=Tif.GTC, reduce_only=True, tag=tag, why=f"protection: {tag}")
    if tag == "stop":
        draft.type, draft.stop = Type.STOP, protection.stop
    elif tag == "take":
        draft.type, draft.limit = Type.LIMIT, protection.take
    else:
        draft.type, draft.trail, draft.trail_frac = Type.TRAILING, protection.trail, protection.trail_frac
    return draft


def order_of(draft: Draft, number: int, pair: int) -> tuple[Order, tuple[Order, ...]]:
    """The order and legs of a draft. number: four times the journal sequence; legs take the next numbers."""
    order = Order(
        number, draft.instrument, draft.side, draft.lots, draft.type, draft.limit, draft.stop, draft.trail, draft.trail_frac,
        draft.tif, draft.expire, draft.reduce_only, draft.post_only, draft.shares, draft.tag, 0, pair, draft.why,
    )  # fmt: skip
    protection = draft.protection
    if protection is None:
        return order, ()
    legs: list[Order] = []
    for tag in ("stop", "take", "trail"):
        level = getattr(protection, tag)
        if level == level:
            leg = guard(draft.instrument, -draft.side, draft.lots, draft.shares, tag, protection)
            legs.append(
                Order(
                    number + 1 + len(legs), leg.instrument, leg.side, leg.lots, type=leg.type, limit=leg.limit, stop=leg.stop,
                    trail=leg.trail, trail_frac=leg.trail_frac, tif=leg.tif, reduce_only=True, shares=leg.shares, tag=tag,
                    parent=number, group=number, why=leg.why,
                )  # fmt: skip
            )
    return order, tuple(legs)


__all__ = ["Draft", "Plan", "guard", "order_of"]
