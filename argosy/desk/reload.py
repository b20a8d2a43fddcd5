"""Settings that change while a desk runs: limits, intervals, policies, the log; what is not among them is refused by name, and nothing changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from argosy.core.errors import Misconfigured
from argosy.house import Terms, Wanted
from argosy.settings import DeskSettings

LOOSE = frozenset({
    "inflight_s", "orders_s", "positions_s", "fills_s", "policy", "policies", "shutdown", "heartbeat_ms", "log_level",
})  # fmt: skip
"""Keys of the desk that may change while it runs."""
LIMITS = ("limits",)
"""What of the terms may change."""


def changed(
    before: tuple[Terms, DeskSettings, Sequence[Wanted]], after: tuple[Terms, DeskSettings, Sequence[Wanted]]
) -> list[str]:
    """The keys that differ, all of which may. Misconfigured("RELOAD_REFUSED") names those that may not."""
    found: list[str] = []
    refused: list[str] = []
    old, new = before[1].model_dump(), after[1].model_dump()
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            (found if name in LOOSE else refused).append(f"desk.{name}")
    one, other = _plain(before[0]), _plain(after[0])
    for name in sorted(one):
        if one[name] != other[name]:
            (found if name in LIMITS else refused).append("risk" if name in LIMITS else f"terms.{name}")
    if [_strategy(wanted) for wanted in before[2]] != [_strategy(wanted) for wanted in after[2]]:
        refused.append("strategies")
    if refused:
        raise Misconfigured(
            "RELOAD_REFUSED", f"{', '.join(refused)} cannot change while the desk runs", where="settings",
            fix="stop the desk, which keeps positions with their stops, and start it again",
        )  # fmt: skip
    return found


def _plain(terms: Terms) -> dict[str, Any]:
    return {name: getattr(terms, name) for name in terms.__struct_fields__}


def _strategy(wanted: Wanted) -> Mapping[str, Any]:
    return {name: getattr(wanted, name) for name in msgspec.structs.asdict(wanted)}
