"""Refuses what this desk does not know, may not trade, or cannot trade now; it never judges the price."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from argosy.core.orders import Order, Refused
from argosy.engine.rules.rule import Room, View


class KnownLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to set: the facts of the instrument decide. `restricted` is set on its row."""


class Known:
    """INSTRUMENT_UNKNOWN, NOT_TRADABLE, RESTRICTED, DELISTED, HALTED; exits are refused too, for the venue would."""

    code = "INSTRUMENT_UNKNOWN"
    codes = ("INSTRUMENT_UNKNOWN", "NOT_TRADABLE", "RESTRICTED", "DELISTED", "HALTED")
    guards_exits = True

    def __init__(self, limits: KnownLimits) -> None:
        self.limits = limits

    def clear(self, room: Room, view: View, /) -> bool:
        """Instruments that cannot be sent are left out beforehand."""
        return True

    def check(self, order: Order, legs: Sequence[Order], exit: bool, view: View, /) -> Refused | None:
        facts = view.asked.facts
        i = order.instrument
        if not facts.sendable:
            if not facts.known:
                return Refused(
                    "INSTRUMENT_UNKNOWN",
                    {"instrument": i, "known": len(view.instruments)},
                    "no such instrument in this run",
                )
            if facts.row.restricted:
                return Refused(
                    "RESTRICTED", {"instrument": i}, f"{facts.row.symbol} is on the restricted list"
                )
            return Refused(
                "NOT_TRADABLE", {"instrument": i}, f"{facts.row.symbol} cannot be traded on {facts.row.venue}"
            )
        if view.delisted(i):
            return Refused("DELISTED", {"instrument": i}, f"{facts.row.symbol} has ended")
        if view.halted(i):
            return Refused("HALTED", {"instrument": i}, f"{facts.row.symbol} is halted by its venue")
        return None
