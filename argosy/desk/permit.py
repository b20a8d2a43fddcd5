"""What a desk owes to the arming it trades under: its caps in the gate, its first minutes, and an end; where nothing was armed it owes nothing.

It makes no proof and prolongs none. It goes by the wall's time, as the arming does, never by an exchange's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from argosy.core.errors import Misconfigured
from argosy.core.events import Command
from argosy.core.time import MINUTE, iso
from argosy.desk import arming
from argosy.engine.rules.profiles import PROFILES
from argosy.house import Terms
from argosy.net.guard import Armed

LAST = MINUTE
"""So long before its end an arming counts as over: entries are taken back while the door is still open."""
WARNED = (30 * MINUTE, 10 * MINUTE, MINUTE)
"""So long before a desk halts it says so."""
BOUND = frozenset({"risk", "desk.policy", "desk.policies", "desk.shutdown"})
"""What a reload may change elsewhere, and what the owner's record binds."""
SHOWN = (
    ("daily_loss", "max_pct", "a day may lose {:g} %"), ("drawdown", "max_pct", "{:g} % below the peak"),
    ("position", "max_pct", "a position {:g} %"),
    ("trades_per_day", "max_trades", "{:g} trades a day"), ("order_size", "max_notional", "an order {:,.0f}"),
    ("first_minutes", "max_notional", "{:,.0f} at first"),
)  # fmt: skip
"""(rule, limit, words) of what is said of the limits at a start."""


class Permit:
    """The arming of one run. armed: its proof, None where none is needed; account: the broker's number of it; path: of the signed record.

    Misconfigured("ARMED_OTHER") where the proof is for another account.
    """

    def __init__(self, armed: Armed | None, account: str, path: Path, wall: Callable[[], int] = time.time_ns) -> None:
        if armed is not None and armed.account != account:
            raise Misconfigured(
                "ARMED_OTHER", f"it was armed for account {armed.account}, the key opens {account}", where="arming",
                fix="argosy arm, for this account",
            )  # fmt: skip
        self.armed = armed
        self.path = path
        self._wall = wall
        self._warned = 0
        self._told = False

    def under(self, terms: Terms) -> Terms:
        """The terms of the run, no looser than the arming."""
        return terms if self.armed is None else msgspec.structs.replace(terms, limits=arming.limits_under(terms.limits, self.armed))

    def begins(self, now: int) -> list[Command]:
        """What the journal is told before anything is decided: from here the first minutes are counted."""
        if self.armed is None:
            return []
        return [Command(now, now, "arm", "owner", f"record {self.armed.record}, until {iso(self.armed.until_ns)}")]

    def over(self) -> str:
        """Why the desk must halt: "" while the record is the one that is kept and has not ended."""
        if self.armed is None or arming.stands(self.path, self.armed, self._wall() + LAST):
            return ""
        return "the arming has ended" if self._wall() + LAST >= self.armed.until_ns else "the record was taken away, or is another one"

    def ends(self) -> str:
        """That it ends soon, said half an hour, ten minutes and a minute before the desk halts; else ""."""
        if self.armed is None:
            return ""
        left = self.armed.until_ns - LAST - self._wall()
        due = sum(left <= before for before in WARNED)
        if due <= self._warned:
            return ""
        self._warned = due
        minutes = max(0, -(-left // MINUTE))
        return (
            f"the arming ends at {iso(self.armed.until_ns)[:16]} UTC: in {minutes} min entries are taken back and only exits go out. "
            "To trade on: stop, argosy arm, argosy unlatch, start"
        )

    def ended(self) -> bool:
        """Whether its time is over, said once."""
        over = self.armed is not None and not self._told and self._wall() >= self.armed.until_ns
        self._told = self._told or over
        return over

    def keeps(self, changed: list[str]) -> None:
        """Refuse a reload of what the record binds. Misconfigured("RELOAD_ARMED")."""
        bound = sorted(BOUND & set(changed))
        if self.armed is not None and bound:
            raise Misconfigured(
                "RELOAD_ARMED", f"{', '.join(bound)} cannot change under an arming", where="settings", fix="stop the desk, argosy arm, start it again"
            )

    @property
    def until(self) -> str:
        """When it ends, for the eye; "" where nothing was armed."""
        return iso(self.armed.until_ns)[:16] if self.armed is not None else ""


def shown(limits: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The limits of a desk that an owner looks at first, in words."""
    found = []
    for rule, key, words in SHOWN:
        value = {**PROFILES["desk"].get(rule, {}), **limits.get(rule, {})}.get(key)
        if value is not None:
            found.append(words.format(value))
    return found


__all__ = ["BOUND", "LAST", "Permit", "shown"]
