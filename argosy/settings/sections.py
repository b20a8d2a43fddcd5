"""What can be set: the account, the venue's assumptions, the gate's limits, the fleet, each with bounds and a sentence.

It never reads a file or the environment, and it never repeats a bound that lives beside a rule or a strategy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from argosy.engine.breakers import DESK, Breakers
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
    exercise_least: float = Field(
        default=Terms().exercise_least,
        ge=0,
        le=1e6,
        description="by how much an option must be in the money at its end to be exercised",
        json_schema_extra={"unit": "currency per unit of the underlying"},
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
    benchmark: str = Field(
        default="",
        description="symbol of the catalog that a run is compared with, beside holding; empty: SPY where there is one; off: none",
    )


class BreakerSettings(Section):
    """When a desk gets out of risk by itself: at a limit it takes nothing new, at half as much again it halts; 0: never.

    Daily loss and drawdown have their limits in [risk.daily_loss] and [risk.drawdown].
    """

    velocity_frac: float = Field(default=DESK.velocity_frac, ge=0, le=1, description="fall from the highest equity within velocity_s")
    velocity_s: float = Field(default=DESK.velocity_s, gt=0, le=86_400, description="span of velocity_frac", json_schema_extra={"unit": "s"})
    losses: int = Field(default=DESK.losses, ge=0, le=1000, description="orders in a row that closed at a loss")
    rejects: int = Field(default=DESK.rejects, ge=0, le=10_000, description="refusals by the broker within rejects_s")
    rejects_s: float = Field(default=DESK.rejects_s, gt=0, le=86_400, description="span of rejects", json_schema_extra={"unit": "s"})
    repeats: int = Field(default=DESK.repeats, ge=0, le=10_000, description="orders filled on one side of one symbol within repeats_s")
    repeats_s: float = Field(default=DESK.repeats_s, gt=0, le=86_400, description="span of repeats", json_schema_extra={"unit": "s"})
    drifts: int = Field(default=DESK.drifts, ge=0, le=1000, description="symbols at once that the broker counts otherwise")
    silence_s: float = Field(
        default=DESK.silence_s, ge=0, le=86_400, description="time in session without any price", json_schema_extra={"unit": "s"}
    )
    probe_clean: int = Field(default=DESK.probe_clean, ge=1, le=1000, description="clean comparisons after a resume until large orders go out again")
    dark: Literal["leave", "flatten"] = Field(default=DESK.dark, description="positions at level DARK: left to their stops, or closed")


class DeskSettings(Section):
    """The desk: which account is traded, how it is watched, what becomes of what is found there."""

    mode: Literal["sim", "paper", "shadow", "live"] = Field(
        default="sim",
        description="sim: `argosy exchange` on this machine; paper: the broker's paper money; shadow: real prices, fills of our own, "
        "no order leaves; live: real money, only when armed",
    )
    base: str = Field(default="", description="URL of the exchange for sim, like http://127.0.0.1:8900; empty for the broker's own hosts")
    account: str = Field(
        default="", pattern=r"^[A-Za-z0-9]{0,32}$", description="number of the account; another one is refused. Live needs it"
    )
    name: str = Field(default="ARGO", pattern=r"^[A-Z0-9]{4}$", description="four letters with which this desk's order ids begin")
    symbols: list[str] = Field(default=[], description="what is watched and traded; empty: what the strategies name")
    feed: Literal["iex", "sip", "delayed_sip", "test"] = Field(default="iex", description="the broker's market data")
    fractional: bool = Field(default=False, description="trade parts of shares; the broker then takes no resting stop for them")
    speed: float = Field(
        default=1.0, gt=0, le=1e6, description="seconds of the exchange in one of ours: what `argosy exchange --speed` was told; sim alone"
    )
    live_enabled: bool = Field(default=False, description="real money may be traded; LIVE_TRADING_ENABLED=true says so too")
    live_confirm: str = Field(
        default="", pattern=r"^[A-Za-z0-9]{0,32}$", description="the account's number once more, from LIVE_CONFIRM; one of the conditions of live"
    )
    journal_sync: Literal["none", "group", "each"] = Field(
        default="group", description="when the journal is made durable: never, each 2 ms by a thread, before each order"
    )
    preflight: Literal["auto", "full", "short"] = Field(
        default="auto",
        description="the examination before each start: full tries the kill switch and a watchdog out, short leaves out what takes seconds, "
        "in sim alone; auto: short in sim, else full",
    )
    heartbeat_ms: int = Field(
        default=200, ge=20, le=5000, description="how often the desk shows its watchdog that it lives", json_schema_extra={"unit": "ms"}
    )
    inflight_s: float = Field(
        default=2.0, ge=0.1, le=60, description="how often orders without an answer are asked about", json_schema_extra={"unit": "s"}
    )
    orders_s: float = Field(
        default=5.0, ge=0.5, le=300, description="how often open orders are compared with the broker's", json_schema_extra={"unit": "s"}
    )
    positions_s: float = Field(
        default=30.0, ge=1, le=600, description="how often positions and cash are compared", json_schema_extra={"unit": "s"}
    )
    fills_s: float = Field(
        default=60.0, ge=1, le=600, description="how often executions are walked for one that no stream told", json_schema_extra={"unit": "s"}
    )
    quiet_s: float = Field(
        default=5.0, ge=0, le=60, description="how long an order must be quiet before a difference counts", json_schema_extra={"unit": "s"}
    )
    mute_s: float = Field(
        default=30.0, ge=1, le=3600, description="a stream that says nothing for so long in a session is opened anew", json_schema_extra={"unit": "s"}
    )
    policy: Literal["halt", "adopt", "ignore"] = Field(
        default="halt",
        description="trades of another hand in this account: stop trading the symbol, take them into the house's book, or leave them alone",
    )
    policies: dict[str, Literal["halt", "adopt", "ignore"]] = Field(default={}, description="the same for single symbols")
    shutdown: Literal["keep", "flatten"] = Field(
        default="keep", description="at the end: keep positions with their stops and cancel what would enlarge them, or close everything first"
    )
    on_failure: Literal["keep", "flatten"] = Field(
        default="keep", description="the position of a strategy that failed: kept with its stops, or closed"
    )
    market_orders: Literal["auto", "limit", "market"] = Field(
        default="auto",
        description="how an order at the market is said to the broker: limit: as a limit risk.collar.max_pct from the last price, which an exit "
        "moves along; market: as it is; auto: limit with paper and real money, market in sim",
    )
    extended_hours: bool = Field(
        default=False,
        description="outside of regular hours, orders on which no stop hangs go out as limits for extended hours; else they wait for the open",
    )
    keep_sims: int = Field(
        default=5, ge=0, le=1000, description="how many simulations of `argosy up` are kept; each start of it removes the older ones"
    )
    requests_per_minute: int = Field(default=0, ge=0, le=100_000, description="requests to the broker; 0: its own limit, 200")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="what the log keeps")


class WatchdogSettings(Section):
    """The process that watches the desk, and gets its account out of risk when it is silent."""

    on: bool = Field(default=True, description="start a watchdog with the desk; without one nobody acts when it hangs")
    silence_s: float = Field(
        default=3.0, ge=0.5, le=60, description="a desk that shows no sign of life for so long is halted from outside",
        json_schema_extra={"unit": "s"},
    )  # fmt: skip
    flatten: Literal["none", "unprotected", "all"] = Field(
        default="unprotected",
        description="positions that it closes then: none, those of which the broker holds no stop, or all. Orders that add risk always go",
    )
    collar_frac: float = Field(
        default=0.03, ge=0.001, le=0.2, description="how far from the broker's last price its exits may go at first; more at each attempt"
    )


class ArmingSettings(Section):
    """What real money may do at most, beside the limits of risk; live trading is not armed before these are set."""

    size_cap_usd: float = Field(
        default=0.0, ge=0, le=1e9, description="the largest order with real money; 0: not set, and nothing goes live",
        json_schema_extra={"unit": "USD"},
    )  # fmt: skip
    first_cap_usd: float = Field(
        default=0.0, ge=0, le=1e9, description="the largest order in the first minutes after each start; 0: not set, and nothing goes live",
        json_schema_extra={"unit": "USD"},
    )  # fmt: skip
    first_minutes: float = Field(
        default=30.0, gt=0, le=1440, description="how long the cap of the first minutes holds", json_schema_extra={"unit": "min"}
    )
    days: float = Field(default=1.0, gt=0, le=7, description="how long an arming holds, if you say nothing else", json_schema_extra={"unit": "days"})


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
    max_loss_frac: float = Field(
        default=0.0, ge=0, le=1, description="part of that which it may lose, after which it may only get out; 0: no limit of its own"
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
    desk: DeskSettings = DeskSettings()
    breakers: BreakerSettings = BreakerSettings()
    watchdog: WatchdogSettings = WatchdogSettings()
    arming: ArmingSettings = ArmingSettings()
    strategies: dict[str, StrategySettings] = {}

    def terms(self) -> Terms:
        """The conditions of a run."""
        fees = self.venue.fees
        return Terms(
            cash=self.account.cash, currency=self.account.currency, multiplier=self.account.multiplier,
            fees=fees if isinstance(fees, str) else FeeSchedule(**fees.model_dump()),
            slippage_bps=self.venue.slippage_bps, limit_rule=self.venue.limit_rule,
            participation_frac=self.venue.participation_frac, latency_ms=self.venue.latency_ms, exercise_least=self.venue.exercise_least,
            profile=self.risk.profile, limits=self.risk.limits,
        )  # fmt: skip

    def desk_terms(self) -> Terms:
        """The conditions of a desk: as of a run, with the careful profile and its breakers."""
        return msgspec.structs.replace(self.terms(), profile="desk", breakers=Breakers(**self.breakers.model_dump()))

    def plain(self) -> dict[str, Any]:
        """Nested plain values, as a report and `config show` print them."""
        return self.model_dump(mode="json")
