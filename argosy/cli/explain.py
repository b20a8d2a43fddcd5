"""What a setting means, read from where it is defined: type, default, bounds, unit, and where it is set now."""

from __future__ import annotations

import difflib
import inspect
from typing import TYPE_CHECKING, Any

import msgspec

from argosy.core.errors import Misuse

if TYPE_CHECKING:
    from argosy.settings import Loaded

_UNITS = {
    "_bps": "basis points (1/100 of a percent)", "_pct": "percent, 0 to 100", "_frac": "fraction, 0 to 1", "_ms": "milliseconds",
    "_ns": "nanoseconds", "_lots": "lots", "_usd": "USD",
}  # fmt: skip
_TYPES = {
    "IntType": "whole number", "FloatType": "number", "BoolType": "true or false", "StrType": "text", "DictType": "table",
    "ListType": "list", "VarTupleType": "list",
}  # fmt: skip
_SIGNS = (("gt", ">"), ("ge", "≥"), ("lt", "<"), ("le", "≤"))


class Fact(msgspec.Struct, frozen=True):
    """All there is to know of one key. default, value: as they are written in a settings file; origin: "default" or a place."""

    key: str
    type: str
    default: str
    bounds: str = ""
    unit: str = ""
    about: str = ""
    value: str = ""
    origin: str = "default"

    def plain(self) -> dict[str, str]:
        return msgspec.structs.asdict(self)


def explain(key: str, loaded: Loaded | None) -> Fact:
    """The fact of a dotted key; with `loaded` also its value now. Misuse("SETTING_UNKNOWN") with what may be meant."""
    parts = key.split(".")
    fact = _find(parts)
    if fact is None:
        every = list(keys())
        near = difflib.get_close_matches(key, every, 3)
        ends = [one for one in every if one.split(".")[-1] == parts[-1]]
        hint = (
            f"did you mean {', '.join(near or ends[:3])}?"
            if near or ends
            else "`argosy config explain` lists all keys"
        )
        raise Misuse("SETTING_UNKNOWN", f"there is no setting {key!r}", where=key, fix=hint)
    if loaded is None:
        return fact
    at: Any = loaded.settings.plain()
    for part in parts:
        at = at.get(part) if isinstance(at, dict) else None
    value, origin = (
        (text_of(at), loaded.origins.get(key, "default")) if at is not None else (fact.default, "default")
    )
    if parts[0] == "risk" and len(parts) == 3 and key not in loaded.origins:
        from argosy.engine.rules.profiles import PROFILES

        profile = loaded.settings.risk.profile
        if parts[2] in PROFILES[profile].get(parts[1], {}):
            value, origin = text_of(PROFILES[profile][parts[1]][parts[2]]), f"profile {profile}"
    return msgspec.structs.replace(fact, key=key, value=value, origin=origin)


def keys(section: str = "") -> list[str]:
    """Every key that can be set, in the order of the sections; strategies only by their shape."""
    from argosy.engine.rules.profiles import SHELF
    from argosy.settings import FeeSettings, Settings, StrategySettings

    out = []
    for name, field in Settings.model_fields.items():
        if name == "strategies":
            out += [f"strategies.NAME.{key}" for key in StrategySettings.model_fields]
            continue
        out += [f"{name}.{key}" for key in field.annotation.model_fields]  # type: ignore[union-attr]
        if name == "venue":
            out += [f"venue.fees.{key}" for key in FeeSettings.model_fields]
        if name == "risk":
            out += [
                f"risk.{rule}.{key}"
                for rule, (_, shape) in SHELF.items()
                for key in shape.__struct_fields__
                if key != "currency"
            ]
    return [key for key in out if not section or key == section or key.startswith(section + ".")]


def _find(parts: list[str]) -> Fact | None:
    from argosy.engine.rules.profiles import SHELF
    from argosy.settings import FeeSettings, Settings, StrategySettings

    if parts[0] == "strategies" and len(parts) == 3:
        if parts[2] in StrategySettings.model_fields:
            return _modelled(StrategySettings, parts[2])
        return next((fact for fact in _params(parts[1]) if fact.key == parts[2]), None)
    if parts[:2] == ["venue", "fees"] and len(parts) == 3 and parts[2] in FeeSettings.model_fields:
        return _modelled(FeeSettings, parts[2])
    if parts[0] == "risk" and len(parts) == 3 and parts[1] in SHELF:
        rule, shape = SHELF[parts[1]]
        fact = next((fact for fact in fields(shape) if fact.key == parts[2] and fact.key != "currency"), None)
        if fact is None:
            return None
        about = " ".join((inspect.getdoc(shape) or "").split())
        codes = ", ".join(getattr(rule, "codes", (getattr(rule, "code", ""),)))
        return msgspec.structs.replace(fact, about=f"{about} Refuses with {codes}.")
    if len(parts) == 2 and parts[0] in Settings.model_fields and parts[0] != "strategies":
        model: Any = Settings.model_fields[parts[0]].annotation
        return _modelled(model, parts[1]) if parts[1] in model.model_fields else None
    return None


def _params(name: str) -> list[Fact]:
    """The parameters of the strategy that a section or plugin of that name means."""
    from argosy.core import plugins

    found = plugins.found("argosy.strategies")
    if name not in found:
        return []
    shape = getattr(plugins.load("argosy.strategies", name), "params", None)
    return fields(shape) if shape is not None else []


def _modelled(model: Any, key: str) -> Fact:
    """A key of a pydantic section."""
    field = model.model_fields[key]
    extra = field.json_schema_extra or {}
    bounds = [
        f"{sign} {getattr(item, name):g}"
        for item in field.metadata
        for name, sign in _SIGNS
        if getattr(item, name, None) is not None
    ]
    schema = model.model_json_schema()["properties"][key]
    choices: list[str] = schema.get("enum") or next(
        (one["enum"] for one in schema.get("anyOf", schema.get("oneOf", [])) if "enum" in one), []
    )
    kind = str(schema.get("type", "")) if not choices else "choice"
    kind = {"array": "list of texts", "string": "text"}.get(kind, kind)
    if choices:
        bounds = ['"' + '" | "'.join(choices) + '"' + (" | a table" if key == "fees" else "")]
    return Fact(
        key=key, type=kind, default=text_of(field.default), bounds=", ".join(bounds), unit=str(extra.get("unit", "")) or _unit(key),
        about=field.description or "",
    )  # fmt: skip


def fields(shape: type[msgspec.Struct]) -> list[Fact]:
    """The fields of a Struct with bounds in its annotations."""
    info = msgspec.inspect.type_info(shape)
    out = []
    for field in info.fields:  # type: ignore[attr-defined]
        kind, bounds, about = _typed(field.type)
        default = field.default if field.default is not msgspec.NODEFAULT else None
        if field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        text = '"off"' if default is None else text_of(default)
        out.append(
            Fact(key=field.name, type=kind, default=text, bounds=bounds, unit=_unit(field.name), about=about)
        )
    return out


def _typed(kind: Any) -> tuple[str, str, str]:
    """(type, bounds, description) in words."""
    about = ""
    if isinstance(kind, msgspec.inspect.Metadata):
        about = str((kind.extra_json_schema or {}).get("description", ""))
        kind = kind.type
    if isinstance(kind, msgspec.inspect.UnionType):
        parts = [_typed(one) for one in kind.types if not isinstance(one, msgspec.inspect.NoneType)]
        optional = len(parts) < len(kind.types)
        name = " or ".join(part[0] for part in parts) + (', or "off"' if optional else "")
        return (
            name,
            ", ".join(part[1] for part in parts if part[1]),
            about or " ".join(part[2] for part in parts),
        )
    bounds = [
        f"{sign} {getattr(kind, name):g}" for name, sign in _SIGNS if getattr(kind, name, None) is not None
    ]
    if isinstance(kind, msgspec.inspect.LiteralType):
        return "choice", " | ".join(f'"{value}"' for value in kind.values), about
    return _TYPES.get(type(kind).__name__, type(kind).__name__), ", ".join(bounds), about


def _unit(key: str) -> str:
    return next((unit for ending, unit in _UNITS.items() if key.endswith(ending)), "")


def text_of(value: Any) -> str:
    """A value as it is written in a settings file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, float):
        return f"{value:g}" if abs(value) < 1e6 and value != int(value) else str(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(text_of(one) for one in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {text_of(one)}" for key, one in value.items()) + "}"
    return str(value)
