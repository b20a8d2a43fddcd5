"""The real tree keeps every law; a copy with one planted breach does not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.houses.laws import HEART, LAWS, OUTSIDE, breaches

ROOT = Path(__file__).resolve().parents[2]
HOUSE = ROOT / "argosy"

LONG: dict[str, int] = {}
"""Files that are longer than the law allows, with the length they may not pass; they shall be split, and leave this table."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the sources of the house, to plant breaches in."""
    return Path(
        shutil.copytree(
            HOUSE, tmp_path / "argosy", ignore=shutil.ignore_patterns("__pycache__", "*.parquet", "*.md")
        )
    )


def plant(tree: Path, file: str, text: str) -> None:
    """Add lines at the end of a file, which is made if need be."""
    path = tree / file
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text() if path.exists() else '"""A planted file that says what it is for."""\n'
    path.write_text(before + text)


@pytest.mark.parametrize("law", [law for law in LAWS if law != "length"])
def test_the_house_keeps_the_law(law: str) -> None:
    assert [str(breach) for breach in breaches(HOUSE, law)] == []


def test_files_are_short() -> None:
    found = {breach.file: breach.line for breach in breaches(HOUSE, "length")}
    assert found.keys() <= LONG.keys(), "a new file is too long"
    assert LONG.keys() <= found.keys(), "a file was split: take it out of LONG"
    assert {file: lines for file, lines in found.items() if lines > LONG[file]} == {}, "a long file grew"


PLANTED = [
    # the clock, by every door
    ("world", "engine/planner.py", "import time\nNOW = time.time()\n", "time"),
    ("world", "engine/planner.py", "from time import perf_counter as tick\n", "time"),
    ("world", "core/ids.py", "import time as t\nNOW = t.monotonic()\n", "time"),
    ("world", "core/time.py", "NOW = datetime.now(UTC)\n", "datetime.datetime.now"),
    (
        "world",
        "venues/sim/core.py",
        "import datetime as dt\nNOW = dt.datetime.utcnow()\n",
        "datetime.datetime.utcnow",
    ),
    (
        "world",
        "strategies/trend.py",
        "from datetime import date\nDAY = date.today()\n",
        "datetime.date.today",
    ),
    ("world", "engine/engine.py", "CLOCK = __import__('time')\n", "time"),
    ("world", "engine/engine.py", "import importlib\nCLOCK = importlib.import_module('time')\n", "time"),
    ("world", "engine/rules/stale.py", "def late():\n    import time\n    return time.time_ns()\n", "time"),
    # chance
    ("world", "strategies/grid.py", "import random\n", "random"),
    ("world", "core/ids.py", "import uuid\n", "uuid"),
    ("world", "venues/sim/slips.py", "import numpy as np\nRNG = np.random.default_rng()\n", "numpy.random"),
    ("world", "kernels/fees.py", "from numpy.random import default_rng\n", "numpy.random"),
    # the environment and the network
    ("world", "kernels/stats.py", "import os\nHOME = os.environ['HOME']\n", "os.environ"),
    ("world", "core/money.py", "from os import getenv\n", "os.getenv"),
    ("world", "venues/sim/core.py", "import socket\n", "socket"),
    ("world", "strategies/trend.py", "import requests\n", "requests"),
    ("world", "engine/journal.py", "import urllib.request\n", "urllib"),
    ("world", "replay.py", "import asyncio\n", "asyncio"),
    # which mode is it?
    ("mode", "engine/engine.py", "def ask(run):\n    return run.is_live\n", "is_live"),
    ("mode", "strategies/trend.py", "if is_backtest:\n    pass\n", "is_backtest"),
    ("mode", "lab/backtest.py", "dry_run = True\n", "dry_run"),
    ("mode", "venues/sim/core.py", "class RunMode: ...\n", "RunMode"),
    # who approves?
    (
        "approval",
        "engine/planner.py",
        "from argosy.core.orders import Approved\nYES = Approved(None)\n",
        "Approved",
    ),
    (
        "approval",
        "venues/sim/core.py",
        "from argosy.core import orders\nYES = orders.Approved(None)\n",
        "Approved",
    ),
    # a strategy's guests
    ("guest", "strategies/trend.py", "from argosy.venues.sim.core import SimCore\n", "argosy.venues"),
    ("guest", "strategies/trend.py", "import argosy.engine.engine\n", "argosy.engine"),
    ("guest", "strategies/trend.py", "from ..data import demo\n", "..data"),
    ("guest", "strategies/trend.py", "from argosy.coreless import x\n", "argosy.coreless"),
    # names, lines and first lines
    ("homes", "engine/utils.py", "", "utils"),
    ("homes", "common/clock.py", "", "common"),
    ("homes", "engine/planner.py", "class OrderManager:\n    pass\n", "OrderManager"),
    ("length", "core/ids.py", "x = 1\n" * 500, "lines"),
]


@pytest.mark.parametrize(
    ("law", "file", "text", "named"), PLANTED, ids=lambda value: str(value)[:28].strip() or "empty"
)
def test_a_planted_breach_is_found(copy: Path, law: str, file: str, text: str, named: str) -> None:
    before = breaches(copy, law)
    plant(copy, file, text)
    new = [breach for breach in breaches(copy, law) if breach not in before and breach.file == file]
    assert new, f"{law} did not see {text!r} in {file}"
    assert any(named in breach.text for breach in new)
    assert {breach.law for breach in new} == {law}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("empty.py", ""),
        ("comment.py", "# says nothing to help()\n"),
        ("short.py", '"""Orders."""\n'),
        ("lower.py", '"""this is no sentence of ours."""\n'),
    ],
)
def test_a_module_that_does_not_say_what_it_is_for_is_found(copy: Path, file: str, text: str) -> None:
    (copy / "engine" / file).write_text(text)
    assert [breach.file for breach in breaches(copy, "purpose")] == [f"engine/{file}"]


@pytest.mark.parametrize(
    ("law", "file", "text"),
    [
        ("world", "engine/planner.py", "from argosy.core.time import DAY\n"),  # our own time is no clock
        ("world", "engine/planner.py", "def when(book):\n    return book.now\n"),  # nor is a book's
        (
            "world",
            "data/ingest.py",
            "import time\nNOW = time.time()\n",
        ),  # the rooms outside the heart may look
        ("world", "core/time.py", "WHEN = datetime.fromisoformat('2026-01-01')\n"),
        ("mode", "house.py", "is_live = False\n"),  # one file may ask
        ("mode", "engine/engine.py", "def this_is_liveable():\n    pass\n"),
        ("approval", "engine/risk.py", "YES = Approved(None)\n"),
        ("guest", "strategies/trend.py", "from argosy.kernels.indicators import sma\n"),
        ("guest", "lab/backtest.py", "from argosy.venues.sim.core import SimCore\n"),
    ],
)
def test_the_laws_let_right_things_pass(copy: Path, law: str, file: str, text: str) -> None:
    plant(copy, file, text)
    assert breaches(copy, law) == breaches(HOUSE, law)


def test_every_room_of_the_heart_is_looked_at(copy: Path) -> None:
    for room in HEART:
        file = room if room.endswith(".py") else f"{room}/planted.py"
        plant(copy, file, "import socket\n")
    found = {breach.file.partition("/planted.py")[0] for breach in breaches(copy, "world")}
    assert found == set(HEART)


def test_every_outside_name_is_seen(copy: Path) -> None:
    for outside in OUTSIDE:
        room, _, name = outside.rpartition(".")
        plant(copy, "core/planted.py", f"from {room} import {name}\n" if room else f"import {name}\n")
    assert {breach.text.split()[0] for breach in breaches(copy, "world")} == set(OUTSIDE)


def test_a_tree_that_is_no_house_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no core"):
        breaches(tmp_path)
