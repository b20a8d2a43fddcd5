"""What can be set: the account, the venue's assumptions, the gate's limits, the fleet, each with bounds and a sentence.

It never reads a file or the environment, and it never repeats a bound that lives beside a rule or a strategy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from argosy.house import Terms
from argosy.kernels.fees import FeeSchedule

OFF = "off"
"""What to write for a risk limit that should not exist (a settings file has no word for nothing)."""


class Section(BaseModel):
    """Base of the sections: a key that is not known is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AccountSettings(Section):
    """The account that is traded."""

    cash: float = Field(
        default=100_000.0,
        gt=0,
        le=1e12,
        description="cash at the start",
        json_schema_extra={"unit": "whole units of currency"},
    )
    currency: str = Field(
        default="USD",
        pattern=r"^[A-Z0-9]{2,10}$",
        description="base currency: equity, budgets and limits in money are counted in it",
    )
    multiplier: float = Field(
        default=1.0,
        ge=1.0,
        le=20.0,
        description="buying power per equity: 1 is a cash account, 2 a margin account",
        json_schema_extra={"unit": "times equity"},
    )


class FeeSettings(Section):
    """A fee schedule of one's own; every number is 0 unless set."""

    per_unit: float = Field(
        default=0.0,
        ge=0,
        le=1e6,
        description="commission per unit (per share)",
        json_schema_extra={"unit": "currency"},
    )
    minimum: float = Field(
        default=0.0,
        ge=0,
        le=1e6,
        description="least commission of one fill",
        json_schema_extra={"unit": "currency"},
    )
    cap_frac: float = Field(
        default=0.0, ge=0, le=1, description="most commission, of a fill's worth; 0 is no cap"
    )
    maker_bps: float = Field(
        default=0.0,
        ge=-100,
        le=10_000,
        description="commission on worth for resting orders; negative is a rebate",
    )
    taker_bps: float = Field(
        default=0.0, ge=-100, le=10_000, description="commission on worth for orders that take"
    )
    sec_rate: float = Field(
        default=0.0, ge=0, le=1, description="fraction of the proceeds of a sale, rounded up to the cent"
    )
    taf_per_unit: float = Field(
        default=0.0,
        ge=0,
        le=1e6,
        description="per unit sold, rounded up to the cent",
        json_schema_extra={"unit": "currency"},
    )
    taf_cap: float = Field(
        default=0.0,
        ge=0,
        le=1e6,
        description="most of taf_per_unit on one fill; 0 is no cap",
        json_schema_extra={"unit": "currency"},
    )
    cat_per_unit: float = Field(
        default=0.0,
        ge=0,
        le=1e6,
        description="per unit bought or sold, rounded up to the cent",
        json_schema_extra={"unit": "currency"},
    )
    flat: float = Field(
        default=0.0, ge=0, le=1e6, description="per fill", json_schema_extra={"unit": "currency"}
    )


def _fees_kind(value: object) -> str:
    return "table" if isinstance(value, Mapping | FeeSettings) else "name"


Fees = Annotated[
    Annotated[Literal["alpaca", "free"], Tag("name")] | Annotated[FeeSettings, Tag("table")],
    Discriminator(_fees_kind),
]


class VenueSettings(Section):
    """The simulated venue's assumptions."""

    fees: Fees = Field(
        default="alpaca",
        description="fee schedule: a name, or a table of numbers (explain venue.fees.maker_bps)",
    )
    slippage_bps: float = Field(
        default=1.0,
        ge=0,
        le=1000,
        description="adverse slippage of market orders and triggered stops on bars",
    )
    limit_rule: Literal["through", "touch"] = Field(
        default="through",
        description="a limit fills when the price passes through it, or already when it touches it",
    )
    participation_frac: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="share of a bar's volume that all our orders together may take; 0 is no cap",
    )
    latency_ms: float = Field(
        default=0.0, ge=0, le=3_600_000, description="from a decision to its arrival at the venue"
    )


class RiskSettings(BaseModel):
    """The gate's limits: a profile, with the limits of single rules over it."""

    model_config = ConfigDict(extra="allow", frozen=True)
    profile: Literal["lab", "desk"] = Field(
        default="lab",
        description="lab: rules are evaluated, limits are off unless set; desk: careful limits unless loosened",
    )

    @property
    def limits(self) -> dict[str, dict[str, Any]]:
        """Rule -> its limits as set; "off" is None."""
        extra = self.model_extra or {}
        return {
            name: {key: None if value == OFF else value for key, value in given.items()}
            for name, given in extra.items()
        }


class DataSettings(Section):
    """Where prices are."""

    catalog: str = Field(
        default="data", min_length=1, description="folder of the catalog that `argosy data import` fills"
    )


class StrategySettings(BaseModel):
    """One strategy of the fleet; keys other than these are its own parameters."""

    model_config = ConfigDict(extra="allow", frozen=True)
    plugin: str = Field(
        default="", description="the name it is registered by; empty: the name of the section"
    )
    symbols: list[str] = Field(default=[], description="what it trades; empty: everything in the run")
    budget_frac: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="share of the account that is its own; 0: an equal part of what nobody claims",
    )

    @property
    def params(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class Settings(Section):
    """Everything that can be set."""

    account: AccountSettings = AccountSettings()
    venue: VenueSettings = VenueSettings()
    risk: RiskSettings = RiskSettings()
    data: DataSettings = DataSettings()
    strategies: dict[str, StrategySettings] = {}

    def terms(self) -> Terms:
        """The conditions of a run."""
        fees = self.venue.fees
        return Terms(
            cash=self.account.cash, currency=self.account.currency, multiplier=self.account.multiplier,
            fees=fees if isinstance(fees, str) else FeeSchedule(**fees.model_dump()),
            slippage_bps=self.venue.slippage_bps, limit_rule=self.venue.limit_rule,
            participation_frac=self.venue.participation_frac, latency_ms=self.venue.latency_ms,
            profile=self.risk.profile, limits=self.risk.limits,
        )  # fmt: skip

    def plain(self) -> dict[str, Any]:
        """Nested plain values, as a report and `config show` print them."""
        return self.model_dump(mode="json")
