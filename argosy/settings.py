"""What the owner has set: a file, the environment and flags, put together and checked; every complaint names the place.

The file is `argosy.toml` in the current folder, or what `--config` names. Later wins: default, file, `.env`, environment
(`ARGOSY_VENUE__SLIPPAGE_BPS=2`), flag. Bounds of risk limits and of strategy parameters live beside their rules and
strategies; this module composes and never invents one.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError
from pydantic_settings import BaseSettings, DotEnvSettingsSource, EnvSettingsSource, SettingsConfigDict

from argosy.core.errors import Misconfigured
from argosy.engine.rules.profiles import SHELF, rules
from argosy.house import Terms
from argosy.kernels.fees import FeeSchedule

FILE = "argosy.toml"
OFF = "off"
"""What to write for a risk limit that should not exist (a settings file has no word for nothing)."""


_SOURCE = {"env": "env", ".env": "env", "command": "flag"}


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


class _Names(BaseSettings):
    """How the environment spells the sections; never made, only read by the sources of `load`."""

    model_config = SettingsConfigDict(env_prefix="ARGOSY_", env_nested_delimiter="__", extra="ignore")
    account: AccountSettings = AccountSettings()
    venue: VenueSettings = VenueSettings()
    risk: RiskSettings = RiskSettings()
    data: DataSettings = DataSettings()
    strategies: dict[str, StrategySettings] = {}


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong. line 0: no line to name; source: "file", "env" or "flag"."""

    code: str
    key: str
    what: str
    fix: str
    source: str = "file"
    file: str = ""
    line: int = 0

    @property
    def where(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place} {self.key}".strip()

    def error(self) -> Misconfigured:
        return Misconfigured(self.code, self.what, where=self.where, fix=self.fix)


class Loaded(msgspec.Struct, frozen=True):
    """Settings, and for each key that somebody set where: "argosy.toml:3", "env ARGOSY_...", ".env ..." or "command line"."""

    settings: Settings
    origins: dict[str, str]
    file: str


def load(config: Path | str | None = None, flags: Mapping[str, Any] | None = None) -> Loaded:
    """Read and check all sources.

    config: the file, else argosy.toml in this folder when there is one; flags: dotted key -> value, as given on the
    command line. Raises Misconfigured with the first fault; its fix tells when there are more.
    """
    loaded, faults = examine(config, flags)
    if loaded is None:
        error = faults[0].error()
        if len(faults) > 1:
            error.fix += f" ({len(faults) - 1} more: see `argosy config check`)"
        raise error
    return loaded


def examine(
    config: Path | str | None = None, flags: Mapping[str, Any] | None = None
) -> tuple[Loaded | None, list[Fault]]:
    """(settings, no faults) or (None, every fault found)."""
    path = Path(config) if config is not None else Path(FILE)
    text = ""
    if config is not None or path.exists():
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            return None, [
                Fault(
                    "SETTINGS_FILE",
                    "",
                    f"the settings cannot be read: {error}",
                    "name a TOML file with --config",
                    file=str(path),
                )
            ]
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        at = int(found[1]) if found else 0
        return None, [
            Fault(
                "SETTINGS_FILE",
                "",
                f"this is no TOML: {error}",
                "mend the line; texts need quotes",
                file=str(path),
                line=at,
            )
        ]
    spots = lines(text)
    sources: list[tuple[str, dict[str, Any]]] = [("file", given), *_environment()]
    sources.append(("flag", _nested(flags or {})))
    faults = [*_faults(given, str(path), spots), *_strangers()]
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for source, tree in sources:
        _merge(merged, tree)
        for key, _ in leaves(tree):
            if source == "file":
                line = spot(spots, key)
                origins[key] = f"{path}:{line}" if line else str(path)
            else:
                origins[key] = f"{source} {_env_name(key)}" if source != "flag" else "command line"
    wrong = {fault.key for fault in faults}
    for fault in _faults(merged, "", {}, strict=False):
        if fault.key not in wrong:
            origin = origins.get(fault.key, "")
            faults.append(
                msgspec.structs.replace(fault, source=_SOURCE.get(origin.split(" ")[0], "file"), file=origin)
            )
    if faults:
        return None, sorted(faults, key=lambda fault: (fault.file, fault.line))
    used = str(path) if text or config is not None else ""
    return Loaded(Settings.model_validate(merged), origins, used), []


# -- finding faults --------------------------------------------------------------------------------------------------------


def _faults(
    tree: dict[str, Any], file: str, spots: Mapping[str, int], *, strict: bool = True
) -> Iterator[Fault]:
    """Everything wrong in one tree. strict: as in a file, where numbers are numbers; else texts may be read as numbers."""
    try:
        settings = Settings.model_validate(tree, strict=strict)
    except ValidationError as error:
        for item in error.errors(include_url=False):
            fault = _fault(dict(item))
            yield msgspec.structs.replace(fault, file=file, line=spot(spots, fault.key))
        settings = None
    risk = tree.get("risk", {})
    if not isinstance(risk, dict):
        return
    base = settings.account.currency if settings is not None else "USD"
    for name, limits in risk.items():
        if name == "profile":
            continue
        if not isinstance(limits, dict):
            names = [rule for rule, (_, shape) in SHELF.items() if name in shape.__struct_fields__]
            near = difflib.get_close_matches(name, SHELF, 1)
            fix = f"did you mean [risk.{near[0]}]?" if near else f"rules: {', '.join(SHELF)}"
            if names:
                fix = f"it belongs in a rule's table: {', '.join(f'[risk.{rule}]' for rule in names)}"
            yield Fault(
                "RULE_UNKNOWN",
                f"risk.{name}",
                f"{name!r} is no table of limits",
                fix,
                file=file,
                line=spot(spots, f"risk.{name}"),
            )
            continue
        for key, value in limits.items() or ((None, None),):
            try:
                rules(
                    "lab",
                    {name: {key: None if value == OFF else value} if key is not None else {}},
                    base=base,
                    where="risk",
                )
            except Misconfigured as error:
                known = (
                    list(SHELF)
                    if error.code == "RULE_UNKNOWN"
                    else [k for k in SHELF[name][1].__struct_fields__ if k != "currency"]
                )
                near = (
                    difflib.get_close_matches(error.where.rpartition(".")[2], known, 1)
                    if error.code != "LIMIT_VALUE"
                    else []
                )
                fix = (
                    f"did you mean {near[0]!r}? {error.fix}"
                    if near
                    else f"{error.fix}: `argosy config explain {error.where}`"
                )
                yield Fault(
                    error.code, error.where, error.what, fix, file=file, line=spot(spots, error.where)
                )
                break


_KINDS = {
    "float": "a number", "int": "a whole number", "bool": "true or false", "string": "a text in quotes",
    "list": "a list in brackets", "model": "a table", "dict": "a table",
}  # fmt: skip


def _fault(item: dict[str, Any]) -> Fault:
    """A pydantic complaint in the words of the house."""
    parts = [str(part) for part in item["loc"]]
    if parts[:2] == ["venue", "fees"] and len(parts) > 2 and parts[2] in ("name", "table"):
        del parts[2]
    key, kind, value = ".".join(parts), str(item["type"]), item.get("input")
    if kind == "extra_forbidden":
        known = _known(parts[:-1])
        near = difflib.get_close_matches(parts[-1], known, 1)
        fix = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
        return Fault("SETTING_UNKNOWN", key, f"there is no setting {key!r}", fix)
    context = item.get("ctx", {})
    hint = f"see `argosy config explain {key}`"
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        word = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}
        name = next(name for name in word if name in context)
        return Fault(
            "SETTING_BOUNDS",
            key,
            f"{key} is {value!r}",
            f"use a value of {word[name]} {context[name]:g}; {hint}",
        )
    if kind == "literal_error":
        near = difflib.get_close_matches(
            str(value), [text.strip("'") for text in re.findall(r"'[^']*'", context["expected"])], 1
        )
        return Fault(
            "SETTING_VALUE",
            key,
            f"{key} is {value!r}",
            f"use {context['expected']}" + (f"; did you mean {near[0]!r}?" if near else ""),
        )
    if kind.endswith(("_type", "_parsing")):
        wanted = _KINDS.get(kind.rpartition("_")[0].removesuffix("_attributes"), "another kind of value")
        return Fault("SETTING_TYPE", key, f"{key} is {value!r}, not {wanted}", f"write {wanted}; {hint}")
    return Fault("SETTING_VALUE", key, f"{key} is {value!r}: {item['msg']}", hint)


def _known(parts: list[str]) -> list[str]:
    """The keys that may stand in the section `parts`."""
    if parts == ["venue", "fees"]:
        return list(FeeSettings.model_fields)
    model: Any = Settings
    for part in parts:
        model = model.model_fields[part].annotation
    return list(model.model_fields)


def _strangers() -> Iterator[Fault]:
    """Environment variables that look like ours but name no section."""
    for name in sorted(os.environ):
        if name.upper().startswith("ARGOSY_") and "__" in name:
            section = name[len("ARGOSY_") :].split("__")[0].lower()
            if section not in Settings.model_fields:
                near = difflib.get_close_matches(section, list(Settings.model_fields), 1)
                fix = (
                    f"did you mean {near[0].upper()}?"
                    if near
                    else f"sections: {', '.join(Settings.model_fields)}"
                )
                yield Fault(
                    "SETTING_UNKNOWN",
                    name,
                    f"there is no section {section!r}",
                    fix,
                    source="env",
                    file="environment",
                )


# -- sources ---------------------------------------------------------------------------------------------------------------


def _environment() -> list[tuple[str, dict[str, Any]]]:
    """What `.env` and the environment set, weakest first."""
    fields = Settings.model_fields
    dotenv = {
        key: value for key, value in DotEnvSettingsSource(_Names, env_file=".env")().items() if key in fields
    }
    return [(".env", dotenv), ("env", EnvSettingsSource(_Names)())]


def _env_name(key: str) -> str:
    return "ARGOSY_" + key.upper().replace(".", "__")


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """{"venue.fees": "free"} -> {"venue": {"fees": "free"}}"""
    tree: dict[str, Any] = {}
    for key, value in flat.items():
        *parts, last = key.split(".")
        at = tree
        for part in parts:
            at = at.setdefault(part, {})
        at[last] = value
    return tree


def _merge(into: dict[str, Any], tree: Mapping[str, Any]) -> None:
    for key, value in tree.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = {**value} if isinstance(value, Mapping) else value
            if isinstance(value, Mapping):
                into[key] = {}
                _merge(into[key], value)


def leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of everything below."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def lines(text: str) -> dict[str, int]:
    """Dotted key -> its line in a TOML text, for tables and for keys; keys inside an inline table have none."""
    out: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if head := re.match(r"\s*\[+\s*([^\]#]+?)\s*\]+", line):
            section = _bare(head[1])
            out.setdefault(section, number)
        elif pair := re.match(
            r"\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*=", line
        ):
            key = _bare(pair[1])
            out.setdefault(f"{section}.{key}" if section else key, number)
    return out


def _bare(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))


def spot(spots: Mapping[str, int], key: str) -> int:
    """The line of a key, else of the table it is in, else 0."""
    while key:
        if key in spots:
            return spots[key]
        key = key.rpartition(".")[0]
    return 0
