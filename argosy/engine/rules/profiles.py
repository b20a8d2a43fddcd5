"""The two sets of limits: `lab`, wide open unless set, and `desk`, careful unless loosened; it never reads a file.

Settings are a mapping of rule name to its limits, as they stand in a settings file:

    [risk.position]
    max_pct = 5.0
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from argosy.core.errors import Misconfigured
from argosy.engine.rules.adv import Adv, AdvLimits
from argosy.engine.rules.after_halt import AfterHalt, AfterHaltLimits
from argosy.engine.rules.band import BandLimits, InBand
from argosy.engine.rules.budget import Budget, BudgetLimits
from argosy.engine.rules.buying_power import BuyingPower, BuyingPowerLimits
from argosy.engine.rules.collar import Collar, CollarLimits
from argosy.engine.rules.cover import Cover, CoverLimits
from argosy.engine.rules.daily_loss import DailyLoss, DailyLossLimits
from argosy.engine.rules.drawdown import Drawdown, DrawdownLimits
from argosy.engine.rules.duplicate import Duplicate, DuplicateLimits
from argosy.engine.rules.exposure import Exposure, ExposureLimits
from argosy.engine.rules.feed import FeedLimits, SeenAll
from argosy.engine.rules.first_minutes import FirstMinutes, FirstMinutesLimits
from argosy.engine.rules.fx import FxFresh, FxLimits
from argosy.engine.rules.grid import Grid, GridLimits
from argosy.engine.rules.interval import Interval, IntervalLimits
from argosy.engine.rules.known import Known, KnownLimits
from argosy.engine.rules.losing_streak import LosingStreak, LosingStreakLimits
from argosy.engine.rules.order_rate import OrderRate, OrderRateLimits
from argosy.engine.rules.order_size import OrderSize, OrderSizeLimits
from argosy.engine.rules.overflow import Overflow, OverflowLimits
from argosy.engine.rules.position import Position, PositionLimits
from argosy.engine.rules.probe import Probe, ProbeLimits
from argosy.engine.rules.protection import Protected, ProtectionLimits
from argosy.engine.rules.reduce_only import ReduceOnly, ReduceOnlyLimits
from argosy.engine.rules.rule import Rule
from argosy.engine.rules.sector import Sector, SectorLimits
from argosy.engine.rules.self_cross import SelfCross, SelfCrossLimits
from argosy.engine.rules.session import InSession, SessionLimits
from argosy.engine.rules.short import Short, ShortLimits
from argosy.engine.rules.stale import FreshData, StaleLimits
from argosy.engine.rules.trades_per_day import TradesPerDay, TradesPerDayLimits

SHELF: dict[str, tuple[Callable[..., Rule], type[msgspec.Struct]]] = {
    "known": (Known, KnownLimits),
    "grid": (Grid, GridLimits),
    "overflow": (Overflow, OverflowLimits),
    "order_size": (OrderSize, OrderSizeLimits),
    "session": (InSession, SessionLimits),
    "collar": (Collar, CollarLimits),
    "band": (InBand, BandLimits),
    "reduce_only": (ReduceOnly, ReduceOnlyLimits),
    "feed": (SeenAll, FeedLimits),
    "after_halt": (AfterHalt, AfterHaltLimits),
    "fx": (FxFresh, FxLimits),
    "stale": (FreshData, StaleLimits),
    "daily_loss": (DailyLoss, DailyLossLimits),
    "drawdown": (Drawdown, DrawdownLimits),
    "losing_streak": (LosingStreak, LosingStreakLimits),
    "trades_per_day": (TradesPerDay, TradesPerDayLimits),
    "order_rate": (OrderRate, OrderRateLimits),
    "interval": (Interval, IntervalLimits),
    "duplicate": (Duplicate, DuplicateLimits),
    "self_cross": (SelfCross, SelfCrossLimits),
    "short": (Short, ShortLimits),
    "cover": (Cover, CoverLimits),
    "protection": (Protected, ProtectionLimits),
    "adv": (Adv, AdvLimits),
    "probe": (Probe, ProbeLimits),
    "first_minutes": (FirstMinutes, FirstMinutesLimits),
    "position": (Position, PositionLimits),
    "sector": (Sector, SectorLimits),
    "exposure": (Exposure, ExposureLimits),
    "buying_power": (BuyingPower, BuyingPowerLimits),
    "budget": (Budget, BudgetLimits),
}
"""Rules by the name of their limits, in the order they are asked: what the venue would refuse, then levels, then losses
and rates, then amounts, where trimming happens."""

PROFILES: dict[str, dict[str, dict[str, Any]]] = {
    "lab": {},
    "desk": {
        "collar": {"max_pct": 3.0, "market_age_ms": 60_000},
        "fx": {"max_age_ms": 300_000},
        "stale": {"max_age_ms": 60_000, "crossed": True, "locked": True},
        "after_halt": {"market_wait_ms": 5_000},
        "daily_loss": {"max_pct": 2.0},
        "drawdown": {"max_pct": 10.0},
        "losing_streak": {"max_losses": 5},
        "trades_per_day": {"max_trades": 10},
        "order_rate": {
            "per_second": 10, "per_minute": 160, "per_minute_each": 60, "requests_per_minute": 160, "kept_for_cancels": 40, "cancels_per_order": 4.0,
        },
        "duplicate": {"window_ms": 1_000},
        "protection": {"required": True, "default_stop_pct": 2.0},
        "adv": {"max_pct": 1.0},
        "first_minutes": {"minutes": 5.0},
        "position": {"max_pct": 5.0},
        "sector": {"max_pct": 25.0},
        "exposure": {"max_leverage": 1.0},
        "buying_power": {"use_pct": 95.0},
        "budget": {"use_pct": 100.0},
    },
}


def rules(
    profile: str,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    base: str = "USD",
    where: str = "limits",
    options: bool = True,
) -> tuple[Rule, ...]:
    """The rules of a profile, in order, with `settings` over its limits; a limit set to None is off.

    base:  currency of limits in money
    where: what error messages call the settings, a file or a section
    options: False leaves the rule out that is about options alone, for a run that has none
    Raises Misconfigured: PROFILE_UNKNOWN, RULE_UNKNOWN, LIMIT_UNKNOWN, LIMIT_VALUE; each names the key and the fix.
    """
    if profile not in PROFILES:
        raise Misconfigured(
            "PROFILE_UNKNOWN",
            f"{profile!r} is no profile of limits",
            where=where,
            fix=f"known: {', '.join(PROFILES)}",
        )
    given = settings or {}
    for name in given:
        if name not in SHELF:
            raise Misconfigured(
                "RULE_UNKNOWN",
                f"no rule is named {name!r}",
                where=f"{where}.{name}",
                fix=f"known: {', '.join(SHELF)}",
            )
    made = []
    for name, (make, shape) in SHELF.items():
        values = PROFILES[profile].get(name, {}) | _read(name, shape, given.get(name, {}), where)
        if "currency" in shape.__struct_fields__:
            values["currency"] = base
        if name == "cover" and not options:
            continue
        made.append(make(shape(**values)))
    return tuple(made)


def _read(name: str, shape: type[msgspec.Struct], given: object, where: str) -> dict[str, Any]:
    """The given limits of one rule, each checked by itself, so that the error names its key."""
    if not isinstance(given, Mapping):
        raise Misconfigured(
            "LIMIT_VALUE",
            f"{given!r} is no table of limits",
            where=f"{where}.{name}",
            fix="write key = value lines under it",
        )
    keys = [key for key in shape.__struct_fields__ if key != "currency"]
    values = {}
    for key, value in given.items():
        if key not in keys:
            raise Misconfigured(
                "LIMIT_UNKNOWN",
                f"the rule {name} has no limit {key!r}",
                where=f"{where}.{name}.{key}",
                fix=f"known: {', '.join(keys) or 'none'}",
            )
        try:
            values[key] = getattr(msgspec.convert({key: value}, shape, strict=False), key)
        except msgspec.ValidationError as error:
            reason = str(error).split(" - at ")[0]
            raise Misconfigured(
                "LIMIT_VALUE",
                f"{value!r}: {reason}",
                where=f"{where}.{name}.{key}",
                fix="see the bounds of this limit",
            ) from error
    return values
