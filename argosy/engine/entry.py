"""A step that says an entry with its own stop and target, instead of a position: what its four numbers mean; it sends nothing."""

from __future__ import annotations

from argosy.core.intents import Ladder, Protection, Rung
from argosy.core.orders import BUY, SELL
from argosy.core.strategy import ABSENT

RUNG = "in"
"""The name of the one rung."""


def ladder(instrument: int, lots: int, limit: float, stop: float, take: float, why: str) -> Ladder:
    """The one entry wanted now, none for 0 lots; what filled before keeps its own stop and target."""
    if not lots:
        return Ladder(instrument, (), why)
    nan = float("nan")
    exits = None
    if stop != ABSENT or take != ABSENT:
        exits = Protection(stop=nan if stop == ABSENT else stop, take=nan if take == ABSENT else take)
    return Ladder(instrument, (Rung(RUNG, BUY if lots > 0 else SELL, limit, abs(lots), protection=exits),), why)
