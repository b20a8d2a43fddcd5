"""What is loaded when: the face opens and the nouns are spoken without any of the heavy libraries."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

HEAVY = (
    "numba",
    "llvmlite",
    "polars",
    "pandas",
    "pydantic",
    "pydantic_settings",
    "pyarrow",
    "exchange_calendars",
    "scipy",
)


def loaded(program: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after a program; its last line prints them."""
    tail = "\nimport json, sys\nprint('\\n' + json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV_CORE")}
    done = subprocess.run(
        [sys.executable, "-c", program + tail], env=environment, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_probe_sees_what_is_loaded() -> None:
    assert "polars" in loaded("import polars")


@pytest.mark.parametrize(
    "module",
    [
        "errors",
        "time",
        "ids",
        "money",
        "instrument",
        "orders",
        "events",
        "intents",
        "effects",
        "strategy",
        "tape",
        "plugins",
        "protocols",
    ],
)
def test_the_nouns_load_nothing_heavy(module: str) -> None:
    found = loaded(f"import argosy.core.{module}")
    assert "argosy" in found
    assert found.isdisjoint(HEAVY)


def test_help_loads_nothing_heavy() -> None:
    found = loaded(
        "import sys\n"
        "sys.argv = ['argosy', '--help']\n"
        "from argosy.cli.main import run\n"
        "try:\n"
        "    run()\n"
        "except SystemExit as done:\n"
        "    assert not done.code, done.code\n"
        "else:\n"
        "    raise AssertionError('help ends the program')\n"
    )
    assert "typer" in found
    assert found.isdisjoint({*HEAVY, "numpy"})


@pytest.mark.parametrize("name", ["buy_and_hold", "trend", "mean_reversion", "rebalance", "grid"])
def test_a_strategy_loads_nothing_heavy_but_what_it_needs(name: str) -> None:
    assert loaded(f"import argosy.strategies.{name}").isdisjoint(HEAVY)
