"""Refuses what this desk does not know, may not trade, or cannot trade now; it never judges the price."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from argosy.core.orders import Order, Refused
from argosy.engine.rules.rule import Room, View


class KnownLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to set: the facts of the instrument decide. `restricted` is set on its row."""


class Known:
    """INSTRUMENT_UNKNOWN, NOT_TRADABLE, RESTRICTED, DELISTED, HALTED; exits are refused too, for the venue would.

    RECONCILE_DRIFT: the venue counts the position otherwise. An exit passes only if it is one by the venue's own count as well.
    """

    code = "INSTRUMENT_UNKNOWN"
    codes = ("INSTRUMENT_UNKNOWN", "NOT_TRADABLE", "RESTRICTED", "DELISTED", "HALTED", "RECONCILE_DRIFT")
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
            if view.drifted(i):
                counted = view.conditions.counted
                theirs = counted.get(i, 0) if counted is not None else 0
                if exit and order.lots <= -order.side * theirs:
                    return None
                return Refused("RECONCILE_DRIFT", {"lots": view.lots(i), "counted_lots": theirs}, f"the venue counts {facts.row.symbol} otherwise")
            return Refused("HALTED", {"instrument": i}, f"{facts.row.symbol} is halted by its venue")
        return None
