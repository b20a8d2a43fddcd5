"""The example package is what its page says: it can be found by its entry point, declared, and keeps the laws."""

from __future__ import annotations

import ast
import sys
import tomllib
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path

from argosy.core.plugins import GROUPS
from argosy.core.strategy import declare
from argosy.testing.strategy_kit import StepKit

HOME = Path(__file__).resolve().parents[2] / "examples" / "tsla_improved"
sys.path.insert(0, str(HOME / "src"))
TslaImproved: type = import_module("tsla_improved").TslaImproved
PROJECT = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))["project"]


class TestTheLaws(StepKit):
    """With its own defaults; its own tests use others."""

    strategy = TslaImproved


def test_the_entry_point_names_the_class() -> None:
    (group,) = PROJECT["entry-points"]
    assert group in GROUPS
    points = PROJECT["entry-points"][group]
    assert points == {"tsla_improved": "tsla_improved:TslaImproved"}
    assert EntryPoint("tsla_improved", points["tsla_improved"], group).load() is TslaImproved
    assert declare(TslaImproved).name == "tsla_improved"


def test_it_imports_only_the_public_surface() -> None:
    for file in (HOME / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            module = node.module if isinstance(node, ast.ImportFrom) else None
            if module and module.startswith("argosy"):
                assert module.startswith(("argosy.core", "argosy.kernels.indicators")), (
                    f"{file.name} imports {module}"
                )
            if isinstance(node, ast.Import):
                assert not any(name.name.startswith("argosy") for name in node.names)


def test_its_page_lists_every_parameter_with_its_default() -> None:
    page = (HOME / "README.md").read_text(encoding="utf-8")
    defaults = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            names = [name.strip(" `") for name in cells[0].split(",")]
            defaults |= dict(zip(names, map(float, cells[1].split(",")), strict=True))
    params = declare(TslaImproved).params
    assert defaults == {name: float(getattr(params, name)) for name in params.__struct_fields__}
