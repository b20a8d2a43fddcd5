"""What is wrong with the settings: each fault with its key, its line and what to write instead; it mends nothing."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from pydantic import ValidationError

from argosy.core.errors import Misconfigured
from argosy.engine.rules.profiles import SHELF, rules
from argosy.settings.lines import spot
from argosy.settings.sections import OFF, FeeSettings, Settings


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


def faults(
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
    base = settings.account.currency if settings is not None else "USD"
    risk = tree.get("risk", {})
    for name, given in risk.items() if isinstance(risk, dict) else ():
        if name != "profile":
            found = _table(name) if not isinstance(given, dict) else _limits(name, given, base)
            if found is not None:
                yield msgspec.structs.replace(found, file=file, line=spot(spots, found.key))


def _table(name: str) -> Fault:
    """A value in [risk] that is neither the profile nor a rule's table."""
    rules_of = [f"[risk.{rule}]" for rule, (_, shape) in SHELF.items() if name in shape.__struct_fields__]
    near = difflib.get_close_matches(name, SHELF, 1)
    fix = f"did you mean [risk.{near[0]}]?" if near else f"rules: {', '.join(SHELF)}"
    if rules_of:
        fix = f"it belongs in a rule's table: {', '.join(rules_of)}"
    return Fault("RULE_UNKNOWN", f"risk.{name}", f"{name!r} is no table of limits", fix)


def _limits(name: str, given: Mapping[str, Any], base: str) -> Fault | None:
    """The first thing wrong with the limits of one rule, as the rule itself says it."""
    for key, value in given.items() or ((None, None),):
        wanted = {name: {key: None if value == OFF else value} if key is not None else {}}
        try:
            rules("lab", wanted, base=base, where="risk")
        except Misconfigured as error:
            near: list[str] = []
            if error.code != "LIMIT_VALUE":
                names = list(SHELF) if error.code == "RULE_UNKNOWN" else [k for k in SHELF[name][1].__struct_fields__ if k != "currency"]
                near = difflib.get_close_matches(error.where.rpartition(".")[2], names, 1)
            fix = f"did you mean {near[0]!r}? {error.fix}" if near else f"{error.fix}: `argosy config explain {error.where}`"
            return Fault(error.code, error.where, error.what, fix)
    return None


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
        there = known(parts[:-1])
        near = difflib.get_close_matches(parts[-1], there, 1)
        fix = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(there)}"
        return Fault("SETTING_UNKNOWN", key, f"there is no setting {key!r}", fix)
    context = item.get("ctx", {})
    hint = f"see `argosy config explain {key}`"
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        word = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}
        if isinstance(value, float) and value != value:
            return Fault("SETTING_BOUNDS", key, f"{key} is not a number", f"write a number; {hint}")
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


def known(parts: list[str]) -> list[str]:
    """The keys that may stand in the section `parts`."""
    if parts == ["venue", "fees"]:
        return list(FeeSettings.model_fields)
    model: Any = Settings
    for part in parts:
        model = model.model_fields[part].annotation
    return list(getattr(model, "model_fields", ()))
