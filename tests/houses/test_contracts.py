"""The import contracts hold, and each of them fails when a door is broken through."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def lint(where: Path) -> tuple[int, str]:
    """Run the import contracts on the tree under a folder."""
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--config", str(where / "pyproject.toml")],
        cwd=where, env=os.environ | {"PYTHONPATH": str(where), "COLUMNS": "200"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with the sources of the house and its contracts."""
    shutil.copytree(
        ROOT / "argosy", tmp_path / "argosy", ignore=shutil.ignore_patterns("__pycache__", "*.parquet")
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_imports_only_go_down() -> None:
    status, text = lint(ROOT)
    assert status == 0, text
    assert "2 kept, 0 broken" in text


@pytest.mark.parametrize(
    ("file", "line", "importer", "imported"),
    [
        (
            "strategies/trend.py",
            "from argosy.venues.sim.core import SimCore",
            "argosy.strategies.trend",
            "argosy.venues.sim.core",
        ),
        ("core/ids.py", "from argosy.kernels import fees", "argosy.core.ids", "argosy.kernels"),
        ("kernels/fees.py", "import argosy.engine.risk", "argosy.kernels.fees", "argosy.engine.risk"),
        ("engine/planner.py", "from argosy.house import Terms", "argosy.engine.planner", "argosy.house"),
        (
            "data/demo.py",
            "from argosy.engine.engine import Engine",
            "argosy.data.demo",
            "argosy.engine.engine",
        ),
        ("venues/sim/core.py", "from argosy.lab import backtest", "argosy.venues.sim.core", "argosy.lab"),
        ("replay.py", "from argosy.house import assemble", "argosy.replay", "argosy.house"),
        ("engine/engine.py", "import polars", "argosy.engine.engine", "polars"),
        ("kernels/fills.py", "from numba import njit", "argosy.kernels.fills", "numba"),
    ],
    ids=lambda value: str(value).replace(" ", "_")[:30],
)
def test_a_planted_import_breaks_a_contract(
    copy: Path, file: str, line: str, importer: str, imported: str
) -> None:
    path = copy / "argosy" / file
    path.write_text(path.read_text() + f"\n{line}\n")
    status, text = lint(copy)
    assert status != 0, text
    assert "broken" in text and importer in text and imported in text


def test_a_room_that_is_not_in_the_plan_breaks_a_contract(copy: Path) -> None:
    (copy / "argosy" / "attic").mkdir()
    (copy / "argosy" / "attic" / "__init__.py").write_text('"""A room that nobody drew."""\n')
    status, text = lint(copy)
    assert status != 0 and "attic" in text
