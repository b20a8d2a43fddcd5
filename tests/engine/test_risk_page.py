"""docs/risk.md is what the code says: its codes, defaults, breakers and alarms."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import msgspec

from argosy.core.instrument import Instruments
from argosy.engine.breakers import DESK, Breakers, _counts
from argosy.engine.rules.profiles import PROFILES, SHELF
from argosy.engine.state import State

ROOT = Path(__file__).parents[2]
MADE = runpy.run_path(str(ROOT / "scripts/risk_page.py"))
TEXT = (ROOT / "docs/risk.md").read_text(encoding="utf-8")


def test_the_page_is_what_the_code_says() -> None:
    assert MADE["written"](TEXT) == TEXT, "write it anew: python scripts/risk_page.py"


def test_every_code_stands_on_it_with_its_text_and_its_defaults() -> None:
    rows = {line.split("`")[1]: line for line in TEXT.splitlines() if re.match(r"\| `[A-Z_]+` \|.*\[risk\.", line)}
    codes = {code for make, _ in SHELF.values() for code in make.codes}  # type: ignore[attr-defined]
    assert rows.keys() == codes
    assert len(codes) >= 35
    for name, (make, _) in SHELF.items():
        for code in make.codes:  # type: ignore[attr-defined]
            assert f"`[risk.{name}]`" in rows[code]
            assert "| – |" not in rows[code], f"{code} has no text"
            for key, value in PROFILES["desk"].get(name, {}).items():
                assert f"`{key} = {str(value).lower() if isinstance(value, bool) else f'{value:g}'}`" in rows[code].split("|")[-2]


def test_every_breaker_stands_on_it() -> None:
    storms = Breakers(rejects=1).storms()
    assert storms is not None
    counted = {row[0] for row in _counts(State(Instruments(), "USD", []), storms, DESK, 0, 0.0)}
    assert counted | {"DAILY_LOSS", "DRAWDOWN"} == set(MADE["BREAKERS"])
    named = {name for limit, window, _ in MADE["BREAKERS"].values() for name in (limit, window) if name}
    assert named | {"probe_clean", "dark"} == {field.name for field in msgspec.structs.fields(Breakers)}


def test_every_alarm_of_the_engine_stands_on_it() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in MADE["ENGINE"].rglob("*.py"))
    made = set(re.findall(r'Alarm\(\s*"([A-Z_]+)"', source))
    assert len(made) >= 12
    assert "–" not in TEXT.partition("## Alarms")[2]
    for code in made | {"CANCEL_REFUSED"}:
        assert f"`{code}`" in TEXT, code
