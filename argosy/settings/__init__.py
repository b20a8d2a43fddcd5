"""What the owner has set: a file, the environment and flags, put together and checked; every complaint names the place.

The file is `argosy.toml` in the current folder, or what `--config` names. Later wins: default, file, `.env`, environment
(`ARGOSY_VENUE__SLIPPAGE_BPS=2`), flag. Bounds of risk limits and of strategy parameters live beside their rules and
strategies; this room composes and never invents one.
"""

from argosy.settings.faults import Fault
from argosy.settings.lines import lines, spot
from argosy.settings.loaded import FILE, Loaded, examine, load
from argosy.settings.sections import (
    OFF,
    AccountSettings,
    ArmingSettings,
    DataSettings,
    DeskSettings,
    Fees,
    FeeSettings,
    RiskSettings,
    Section,
    Settings,
    StrategySettings,
    VenueSettings,
    WatchdogSettings,
)
from argosy.settings.tree import leaves

__all__ = [
    "FILE",
    "OFF",
    "AccountSettings",
    "ArmingSettings",
    "DataSettings",
    "DeskSettings",
    "Fault",
    "FeeSettings",
    "Fees",
    "Loaded",
    "RiskSettings",
    "Section",
    "Settings",
    "StrategySettings",
    "VenueSettings",
    "WatchdogSettings",
    "examine",
    "leaves",
    "lines",
    "load",
    "spot",
]
