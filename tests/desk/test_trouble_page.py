"""docs/troubleshooting.md and docs/configuration.md are what the code says: every code of a desk, every key of the settings."""

from __future__ import annotations

import ast
import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import argosy
from argosy.cli.explain import keys
from argosy.cli.main import app
from argosy.desk.doctor import NAMES
from argosy.settings import load
from argosy.settings.sections import ArmingSettings, BreakerSettings, WatchdogSettings

ROOT = Path(argosy.__file__).parents[1]
PAGE = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
SETTINGS = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
ERRORS = {"Misuse", "Misconfigured", "Broken", "Retry", "Rejected", "alarm", "Alarm", "need", "Missing"}
CODE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
OTHERS = {
    "ARGOSY_HOME", "ARGOSY_CRASH", "ARGOSY_ARMING_KEY", "XDG_CONFIG_HOME", "ALPACA_API_KEY", "ALPACA_SECRET_KEY", "ALPACA_LIVE_API_KEY",
    "ALPACA_LIVE_SECRET_KEY",
}  # fmt: skip
"""Names of the environment, which are no codes."""

WARN = ("latch", "watched")
"""Examinations that never fail."""


def codes(path: Path) -> Iterator[str]:
    """Everything in a file that looks like a code, and whatever errors and alarms are given first."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
            yield node.value
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in ERRORS and isinstance(node.args[0].value, str) and node.args[0].value.isupper():
                yield node.args[0].value


def told() -> dict[str, str]:
    """code -> the row of the page that begins with it, or names it in its first cell."""
    rows = (line for line in PAGE.splitlines() if line.startswith("| `"))
    return {code: row for row in rows for code in re.findall(r"`([A-Z_]+)`", row.split("|")[1])}


def test_every_code_of_desk_journal_and_door_is_on_the_page_with_what_to_do() -> None:
    files = [*(ROOT / "argosy/desk").rglob("*.py"), *(ROOT / "argosy/store").rglob("*.py"), ROOT / "argosy/quay.py"]
    found = {code for path in files for code in codes(path)} - OTHERS
    assert len(found) > 110
    assert found - told().keys() == set()
    assert {f"PREFLIGHT_{name.upper().replace(' ', '_')}" for name in NAMES if name not in WARN} <= told().keys()
    for code, row in told().items():
        cells = [cell.strip() for cell in row.split("|")[1:-1]]
        assert len(cells) == 3 and all(cells), code


def test_no_code_stands_on_it_twice_or_is_nowhere_in_the_house() -> None:
    rows = [code for line in PAGE.splitlines() if line.startswith("| `") for code in re.findall(r"`([A-Z_]+)`", line.split("|")[1])]
    assert len(rows) == len(set(rows))
    house = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "argosy").rglob("*.py"))
    assert [code for code in rows if not code.startswith("PREFLIGHT_") and f'"{code}"' not in house] == []


def test_the_page_of_settings_is_what_the_settings_say() -> None:
    made = runpy.run_path(str(ROOT / "scripts/settings_page.py"))
    assert made["written"](SETTINGS) == SETTINGS, "write it anew: python scripts/settings_page.py"
    section = ""
    shown = set()
    for line in SETTINGS.splitlines():
        if line.startswith("### ["):
            section = line[5:-1]
        elif line.startswith("| `[risk."):
            head, _, names = line[3:].partition("]`")
            shown |= {f"{head[1:]}.{name}" for name in re.findall(r"`(\w+)`", names)}
        elif line.startswith("| `") and section and not line.startswith("| `["):
            shown.add(f"{section}.{line.split('`')[1]}")
    assert set(keys()) == shown


def test_the_example_file_shows_the_desks_sections_and_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "argosy.example.toml").read_text(encoding="utf-8")
    assert {"desk", "breakers", "watchdog", "arming"} <= set(re.findall(r"^\[(\w+)\]", text, re.MULTILINE))
    (tmp_path / "argosy.toml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(app, ["config", "check", "--json"])
    assert told.exit_code == 0 and json.loads(told.stdout)["faults"] == []
    settings = load(None, {}).settings
    assert settings.breakers == BreakerSettings() and settings.watchdog == WatchdogSettings() and settings.arming == ArmingSettings()


def test_the_first_page_counts_the_conditions_of_real_money_rightly() -> None:
    source = (ROOT / "argosy/desk/arming.py").read_text(encoding="utf-8")
    conditions = set(re.findall(r'"(LIVE_[A-Z_]+)"', source))
    assert f"{len(conditions)} conditions" in (ROOT / "README.md").read_text(encoding="utf-8")
