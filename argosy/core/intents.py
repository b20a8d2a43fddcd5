"""What a strategy wants, never how to get it; an intent is a wish with its reason, and no order."""

from __future__ import annotations

from typing import Literal

import msgspec

from argosy.core.orders import Tif

_set = msgspec.structs.force_setattr
"""Whole numbers written where fractions belong become fractions: a journal would give them back as such."""


class Protection(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Exits that belong to a strategy's position: a stop, a take-profit, or a trailing stop (distance, or fraction when trail_frac).

    nan means there is none. Prices are raw prices of the instrument.
    """

    stop: float = float("nan")
    take: float = float("nan")
    trail: float = float("nan")
    trail_frac: bool = False


class Twap(msgspec.Struct, frozen=True, gc=False, tag="twap"):
    """Evenly over time: `slices` equal parts, one every duration_ns / slices, the first at once."""

    duration_ns: int
    slices: int


class Vwap(msgspec.Struct, frozen=True, gc=False, tag="vwap"):
    """As the market is expected to trade: one part for each number of `curve`, the volume expected in that part of duration_ns."""

    duration_ns: int
    curve: tuple[float, ...]

    def __post_init__(self) -> None:
        _set(self, "curve", tuple(float(each) for each in self.curve))


class Pov(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="pov"):
    """A share of what the market trades: up to `rate` (0-1) of the volume seen since the decision, in parts of at least `least` lots."""

    rate: float
    least: int = 1

    def __post_init__(self) -> None:
        _set(self, "rate", float(self.rate))


class Iceberg(msgspec.Struct, frozen=True, gc=False, tag="iceberg"):
    """Little at a time: `display` lots at the target's limit, and the next when they have filled."""

    display: int


class Shortfall(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="shortfall"):
    """Between haste, which moves the price, and patience, in which it moves by itself: the schedule of Almgren and Chriss.

    risk_aversion: per unit of currency; 0 is Twap
    volatility:    standard deviation of the price over one slice, in price
    impact:        temporary, in price per unit of the thing traded within one slice; permanent: in price per unit
    Source: Almgren and Chriss, "Optimal Execution of Portfolio Transactions", Journal of Risk 3 (2001).
    """

    duration_ns: int
    slices: int
    risk_aversion: float
    volatility: float
    impact: float
    permanent: float = 0.0

    def __post_init__(self) -> None:
        for name in ("risk_aversion", "volatility", "impact", "permanent"):
            _set(self, name, float(getattr(self, name)))


Execution = Twap | Vwap | Pov | Iceberg | Shortfall
"""How a target is to be reached, where not at once (docs/execution.md)."""


class Target(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag="target"):
    """The position wanted of one instrument; exactly one of lots, weight, notional says how much.

    lots:      signed integer lots
    weight:    signed fraction of the strategy's virtual equity at the decision's mark, rounded toward zero, evaluated once
    notional:  signed currency amount of the instrument, rounded toward zero
    limit:     worst price; nan means market
    execution: the algorithm that paces the way there; None goes at once
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
    execution: Execution | None = None
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
