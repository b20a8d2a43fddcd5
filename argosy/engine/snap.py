"""Puts the prices of an intent on the tick grid, never to the owner's loss: limits no worse, protections no later."""

from __future__ import annotations

import msgspec

from argosy.core.instrument import Instrument
from argosy.core.intents import Protection, Rung


def limit_on_grid(limit: float, instrument: Instrument, side: int) -> float:
    """A buy's limit down to the grid, a sell's up. side: sign of the trade; nan stays nan."""
    return instrument.snap(limit, -1 if side > 0 else 1)


def protection_on_grid(protection: Protection | None, instrument: Instrument, lots: int) -> Protection | None:
    """A long's stop and take go up to the grid (no later, no worse), a short's down. lots: the position guarded."""
    if protection is None:
        return None
    up = 1 if lots >= 0 else -1
    return Protection(
        stop=instrument.snap(protection.stop, up),
        take=instrument.snap(protection.take, up),
        trail=protection.trail if protection.trail_frac else instrument.snap(protection.trail, -1),
        trail_frac=protection.trail_frac,
    )


def rung_on_grid(rung: Rung, instrument: Instrument) -> Rung:
    """A rung no worse than asked: a buy's price down to the grid, a sell's up."""
    return msgspec.structs.replace(
        rung,
        px=limit_on_grid(rung.px, instrument, rung.side),
        protection=protection_on_grid(rung.protection, instrument, rung.side),
    )


def regrid(price: float, instrument: Instrument, direction: int) -> float:
    """A price that a split has made, on the tick grid at or beyond it; one that is there but for the last bits stays as it is."""
    snapped = instrument.snap(price, direction)
    return snapped if abs(snapped - price) > 1e-9 * price else price
