"""The settings as they stand: file, `.env`, environment and flags laid over each other, each key with where it was set.

It never goes on with a part that is wrong: either every key is right, or all faults are told.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from argosy.settings.environment import environment, variable
from argosy.settings.faults import Fault, faults
from argosy.settings.lines import lines, spot
from argosy.settings.sections import Settings
from argosy.settings.tree import lay, leaves, nested

FILE = "argosy.toml"
_SOURCE = {"env": "env", ".env": "env", "command": "flag"}


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
    loaded, found = examine(config, flags)
    if loaded is None:
        error = found[0].error()
        if len(found) > 1:
            error.fix += f" ({len(found) - 1} more: see `argosy config check`)"
        raise error
    return loaded


def examine(config: Path | str | None = None, flags: Mapping[str, Any] | None = None) -> tuple[Loaded | None, list[Fault]]:
    """(settings, no faults) or (None, every fault found)."""
    path = Path(config) if config is not None else Path(FILE)
    text, given, fault = _toml(path, wanted=config is not None)
    if fault is not None:
        return None, [fault]
    spots = lines(text)
    variables, found = environment()
    found += faults(given, str(path), spots)
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for source, tree in [("file", given), *variables, ("flag", nested(flags or {}))]:
        lay(merged, tree)
        for key, _ in leaves(tree):
            if source == "file":
                line = spot(spots, key)
                origins[key] = f"{path}:{line}" if line else str(path)
            else:
                origins[key] = f"{source} {variable(key)}" if source != "flag" else "command line"
    wrong = {fault.key for fault in found}
    for fault in faults(merged, "", {}, strict=False):
        if fault.key not in wrong:
            origin = origins.get(fault.key, "")
            found.append(msgspec.structs.replace(fault, source=_SOURCE.get(origin.split(" ")[0], "file"), file=origin))
    if found:
        return None, sorted(found, key=lambda fault: (fault.file, fault.line))
    used = str(path) if text or config is not None else ""
    return Loaded(Settings.model_validate(merged), origins, used), []


def _toml(path: Path, *, wanted: bool) -> tuple[str, dict[str, Any], Fault | None]:
    """(text, tree, None), or the fault that keeps the file from being read. wanted: it must be there."""

    def fault(what: str, fix: str, line: int = 0) -> tuple[str, dict[str, Any], Fault]:
        return "", {}, Fault("SETTINGS_FILE", "", what, fix, file=str(path), line=line)

    if not wanted and not path.exists():
        return "", {}, None
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        return fault(f"the settings cannot be read: {error.strerror or error}", "name a TOML file with --config")
    except UnicodeDecodeError as error:
        return fault(f"the settings are not UTF-8 text: {error.reason} at byte {error.start}", "save the file as UTF-8")
    try:
        return text, tomllib.loads(text), None
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+)", str(error))
        line = int(found[1]) if found else len(text.splitlines())
        said = re.sub(r"\s*\(at [^)]*\)$", "", str(error))
        shown = text.splitlines()[line - 1].strip()[:60] if 0 < line <= len(text.splitlines()) else ""
        return fault(f"this is no TOML: {said[:1].lower()}{said[1:]}" + (f": {shown}" if shown else ""), _advice(shown), line)


def _advice(line: str) -> str:
    """What to write instead of a line that TOML cannot read."""
    name, sign, value = (part.strip() for part in line.partition("="))
    if sign and re.fullmatch(r"[A-Za-z_][\w./ -]*", value) and value not in ("true", "false"):
        word = value.lower()
        return f"write {name} = {word}" if word in ("true", "false") else f'texts need quotes: {name} = "{value}"'
    if sign and not value:
        return f"give {name} a value, or take the line out"
    if sign and re.fullmatch(r"[\d_.,%]+", value):
        return f"write a plain number: {name} = {re.sub('[^0-9.]', '', value)}"
    if ":" in line and not sign:
        return f"write = instead of a colon: {line.partition(':')[0].strip()} = ..."
    return "mend the line: KEY = VALUE, texts in quotes, tables as [NAME]"
