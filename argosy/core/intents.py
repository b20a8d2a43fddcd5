"""What a strategy wants, never how to get it; an intent is a wish with its reason, and no order."""

from __future__ import annotations

from typing import Literal

import msgspec

from argosy.core.orders import Tif


class Protection(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Exits that belong to a strategy's position: a stop, a take-profit, or a trailing stop (distance, or fraction when trail_frac).

    nan means there is none. Prices are raw prices of the instrument.
    """

    stop: float = float("nan")
    take: float = float("nan")
    trail: float = float("nan")
    trail_frac: bool = False


class Target(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="target"):
    """The position wanted of one instrument; exactly one of lots, weight, notional says how much.

    lots:      signed integer lots
    weight:    signed fraction of the strategy's virtual equity at the decision's mark, rounded toward zero, evaluated once
    notional:  signed currency amount of the instrument, rounded toward zero
    limit:     worst price; nan means market
    urgency:   "now" sends at once; execution algorithms read the others
    horizon_ns: the wish expires this long after the decision; the rest is cancelled and, with on_expiry="flat", the
               position closed
    A repeat of the standing target is a no-op; a new one replaces it.
    """

    instrument: int
    lots: int | None = None
    weight: float | None = None
    notional: float | None = None
    limit: float = float("nan")
    tif: Tif = Tif.DAY
    urgency: Literal["now", "patient"] = "now"
    protection: Protection | None = None
    horizon_ns: int = 0
    on_expiry: Literal["keep", "flat"] = "keep"
    why: str = ""
    evidence: tuple[int, ...] = ()


class Rung(msgspec.Struct, frozen=True, gc=False):
    """One wanted resting order of a ladder; `tag` is its name in the diff, unique in the ladder. side: BUY or SELL."""

    tag: str
    side: int
    px: float
    lots: int
    tif: Tif = Tif.GTC
    post_only: bool = False
    protection: Protection | None = None


class Ladder(msgspec.Struct, frozen=True, gc=False, tag="ladder"):
    """The complete set of resting orders wanted of one instrument; rungs that did not change keep their queue place."""

    instrument: int
    rungs: tuple[Rung, ...] = ()
    why: str = ""
    evidence: tuple[int, ...] = ()


class Hold(msgspec.Struct, frozen=True, gc=False, tag="hold"):
    """Withdraws the standing intent of one instrument and keeps the position (and its protection)."""

    instrument: int
    why: str = ""
    evidence: tuple[int, ...] = ()


Intent = Target | Ladder | Hold
