"""What the environment and a `.env` file set: `ARGOSY_VENUE__SLIPPAGE_BPS=2` is venue.slippage_bps; a slip is named.

It never reads a variable that does not begin with ARGOSY_, but for the few in `KNOWN`, and it never passes one by that looks like a setting.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from pydantic_settings import BaseSettings, DotEnvSettingsSource, SettingsConfigDict

from argosy.settings.faults import Fault, known
from argosy.settings.sections import Settings
from argosy.settings.tree import lay, leaves, nested

PREFIX = "ARGOSY_"
FILE = ".env"
KNOWN = {
    "TRADING_MODE": "desk.mode", "LIVE_TRADING_ENABLED": "desk.live_enabled", "LIVE_CONFIRM": "desk.live_confirm", "ALPACA_BASE_URL": "desk.base",
}  # fmt: skip
"""Names that users of brokers know, and the keys they set; our own name for a key beats them."""
_OTHERS = frozenset({"cache", "drill"})
"""Variables of ours that are no settings: where compiled code lies, and how long the tests take."""


class _Names(BaseSettings):
    """How pydantic reads a `.env` file; never made."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore")


def variable(key: str) -> str:
    """The variable that sets a key: "venue.fees" -> "ARGOSY_VENUE__FEES"."""
    return PREFIX + key.upper().replace(".", "__")


def environment() -> tuple[list[tuple[str, dict[str, Any]]], list[Fault]]:
    """(source, tree) of `.env` and of the environment, weakest first, and what is wrong with the names and the lists."""
    faults: list[Fault] = []
    sources: list[tuple[str, dict[str, Any]]] = []
    for source, names in ((FILE, _dotenv(faults)), ("env", dict(os.environ))):
        pairs = (pair for name, text in sorted(names.items(), key=_late) for pair in _read(source, name, text, faults))
        sources.append((source, nested(dict(pairs))))
    return sources, faults


def _late(pair: tuple[str, str]) -> tuple[bool, str]:
    """Our own names after those that everybody knows."""
    return pair[0].upper().startswith(PREFIX), pair[0]


def _dotenv(faults: list[Fault]) -> Mapping[str, str]:
    if not Path(FILE).is_file():
        return {}
    try:
        found = DotEnvSettingsSource(_Names, env_file=FILE, env_file_encoding="utf-8-sig").env_vars
    except (OSError, UnicodeDecodeError) as error:
        faults.append(Fault("SETTINGS_FILE", "", f"the file cannot be read: {error}", "save it as UTF-8 text", source=FILE, file=FILE))
        return {}
    return {name: value or "" for name, value in found.items()}


def _read(source: str, name: str, text: str, faults: list[Fault]) -> Iterator[tuple[str, Any]]:
    """The keys that one variable sets, with their values: a text as it is, a list or a table from JSON."""
    if name.upper() in KNOWN and text.strip():
        yield KNOWN[name.upper()], text.strip()
        return
    if not name.upper().startswith(PREFIX):
        return
    place = "environment" if source == "env" else FILE

    def fault(what: str, fix: str, code: str = "SETTING_UNKNOWN") -> None:
        faults.append(Fault(code, name.upper(), what, fix, source="env", file=place))

    parts = name[len(PREFIX) :].lower().split("__")
    section = parts[0]
    if section not in Settings.model_fields:
        if len(parts) == 1:
            if section not in _OTHERS and (meant := _meant(section)):
                fault(f"{name.upper()} sets nothing", f"did you mean {variable(meant)}? two underscores part section and key")
            return
        near = difflib.get_close_matches(section, list(Settings.model_fields), 1)
        fix = f"did you mean {near[0].upper()}?" if near else f"sections: {', '.join(Settings.model_fields)}"
        fault(f"there is no section {section!r}", fix)
        return
    value: Any = text
    if len(parts) == 1 or text.strip()[:1] in ("[", "{"):
        try:
            value = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            shape = '{"cash": 1000}' if len(parts) == 1 else '["AAPL", "MSFT"]'
            fault(f"{text[:60]!r} is no JSON: {error}", f"write a list or a table like {shape}", "SETTING_TYPE")
            return
    key = ".".join(parts)
    if isinstance(value, dict):
        tree: dict[str, Any] = {}
        lay(tree, value)
        yield from ((f"{key}.{below}", one) for below, one in leaves(tree))
    else:
        yield key, value


def _meant(word: str) -> str:
    """The key that a name with single underscores is close to; "" when it is close to none."""
    keys = {f"{section}_{key}": f"{section}.{key}" for section in Settings.model_fields for key in known([section])}
    near = difflib.get_close_matches(word, keys, 1, 0.8)
    if near:
        return keys[near[0]]
    section = next((name for name in Settings.model_fields if word.startswith(f"{name}_")), "")
    return f"{section}.{word[len(section) + 1 :]}" if section else ""
