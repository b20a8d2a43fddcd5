"""What a trade costs in fees: commission and the regulators' small change; it knows only a schedule."""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

from argosy.kernels.kernel import kernel


class FeeSchedule(NamedTuple):
    """Every number a fee is made of, in the instrument's currency, not in integer units; all 0 is free.

    per_unit:     commission per unit of the thing (per share)
    minimum:      least commission of one fill; cap_frac: most, as a fraction of its worth (0 = no cap; the
                  cap beats the minimum)
    maker_bps:    commission on worth, what rests; taker_bps: what takes; negative is a rebate
    sec_rate:     fraction of the proceeds of a sale, rounded up to the cent
    taf_per_unit: per unit sold, rounded up to the cent, at most taf_cap (0 = no cap)
    cat_per_unit: per unit bought or sold, rounded up to the cent
    flat:         per fill
    """

    per_unit: float = 0.0
    minimum: float = 0.0
    cap_frac: float = 0.0
    maker_bps: float = 0.0
    taker_bps: float = 0.0
    sec_rate: float = 0.0
    taf_per_unit: float = 0.0
    taf_cap: float = 0.0
    cat_per_unit: float = 0.0
    flat: float = 0.0


@kernel
def cents(amount: float) -> int:
    """Whole cents, rounded up; 1e-12 of it is taken off first, so that binary dust does not cost a cent."""
    return ceil(amount * 100.0 * 0.999999999999)


@kernel
def fee(
    schedule: FeeSchedule, side: int, lots: int, lot_size: float, notional: int, maker: bool, unit: float
) -> int:
    """Fee of one fill in integer currency units; positive is paid.

    side:     +1 buy, -1 sell; lots: > 0; lot_size: units of the thing in one lot
    notional: worth of the fill in currency units, > 0 (its sign is not looked at)
    unit:     value of one currency unit, `core.money.unit`: 1e-6 for USD, 1e-8 for tokens

    Commission and flat fee are rounded half-even together, each regulator's fee up to the cent by itself.
    """
    per_unit, minimum, cap_frac, maker_bps, taker_bps, sec_rate, taf_rate, taf_cap, cat_rate, flat = schedule
    per_one = 1.0 / unit
    worth = abs(notional)
    charge = worth * ((maker_bps if maker else taker_bps) * 1e-4)
    if per_unit != 0.0:
        charge += lots * lot_size * per_unit * per_one
    if minimum > 0.0 and charge < minimum * per_one:
        charge = minimum * per_one
    if cap_frac > 0.0 and charge > cap_frac * worth:
        charge = cap_frac * worth
    paid = round(charge + flat * per_one)
    pennies = 0
    if side < 0:
        if sec_rate > 0.0:
            pennies += cents(worth * sec_rate * unit)
        if taf_rate > 0.0:
            taf = lots * lot_size * taf_rate
            if 0.0 < taf_cap < taf:
                taf = taf_cap
            pennies += cents(taf)
    if cat_rate > 0.0:
        pennies += cents(lots * lot_size * cat_rate)
    return paid + pennies * round(0.01 * per_one) if pennies else paid


FREE = FeeSchedule()
"""No fee at all."""


def bps(maker: float, taker: float) -> FeeSchedule:
    """Basis points of worth for what rests and what takes, as on crypto exchanges."""
    return FeeSchedule(maker_bps=maker, taker_bps=taker)


def per_share(amount: float, minimum: float = 0.0, cap_frac: float = 0.0) -> FeeSchedule:
    """An amount per share, with a minimum for each fill and a cap as a fraction of its worth."""
    return FeeSchedule(per_unit=amount, minimum=minimum, cap_frac=cap_frac)


def alpaca_equity(
    sec_per_million: float = 0.0,
    taf_per_share: float = 0.000195,
    taf_cap: float = 9.79,
    cat_per_share: float = 0.0000265,
) -> FeeSchedule:
    """US shares without commission: only what the regulators take; each number changes by date.

    sec_per_million: USD per million of sale proceeds, Securities Exchange Act section 31: 0.00 for sales
                     since 2025-05-14, 27.80 before (SEC fee rate advisories for fiscal years 2024 and 2025)
    taf_per_share:   FINRA Trading Activity Fee on sales, FINRA By-Laws schedule A section 1: 0.000195 since
                     2026-01-01, at most taf_cap = 9.79 a trade; 0.000166 and 8.30 before
    cat_per_share:   Consolidated Audit Trail funding fee, both sides, as passed on by the broker: about
                     0.0000265 (2026)
    The broker rounds a day's fees up to the cent; here each fill is, so that many small fills cost more here
    than there.
    """
    return FeeSchedule(
        sec_rate=sec_per_million * 1e-6,
        taf_per_unit=taf_per_share,
        taf_cap=taf_cap,
        cat_per_unit=cat_per_share,
    )
