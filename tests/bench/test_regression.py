"""Speed that must not be lost: calls a bar and an order, and the walk's time over a plain loop's, each within bench/budgets.toml.

The bench runs in a process of its own, without the coverage counter, through the door that people use. What is gated does not
depend on the machine: counts are exact, and the ratio is the median of pairs timed in turn.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.figure import budgets

ROOT = Path(__file__).resolve().parents[2]
GUARDED = ("calls", "reference")

SLOW_ROWS = """
import sys
from argosy.core.tape import Tape

plain = Tape.rows

def think():
    return sum(range(50))

def rows(self, *bounds):
    for row in plain(self, *bounds):
        for _ in range(6):
            think()
        yield row

Tape.rows = rows
"""

SLOW_GATE = """
import sys
from argosy.engine.risk import RiskGate

def ask_again():
    return None

def slower(plain):
    def asked(self, order, *more):
        for _ in range(200):
            ask_again()
        return plain(self, order, *more)
    return asked

RiskGate.admit, RiskGate.swift = slower(RiskGate.admit), slower(RiskGate.swift)
"""

WRONG_FILLS = """
import sys
from bench import trial

plain = trial.expected
trial.expected = lambda *rows, **more: plain(*rows, **more)._replace(equity=1)
"""


def measure(*names: str, plant: str = "import sys") -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit status and the figures of a quick bench, after a plant has been laid in its process."""
    wanted = [word for name in names for word in ("--only", name)]
    code = f"{plant}\nfrom bench.__main__ import main\nsys.exit(main({['--quick', '--json', *wanted]!r}))"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=kept | {"PYTHONHASHSEED": "0"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return done.returncode, {row["name"]: row for row in json.loads(done.stdout)}


def test_calls_and_ratios_stay_within_their_budgets() -> None:
    status, rows = measure(*GUARDED)
    assert {name: row["note"] for name, row in rows.items() if row["ok"] is not True} == {}
    assert status == 0
    guarded = {name for name, budget in budgets().items() if name.split(".")[0] in GUARDED and budget.gate}
    assert set(rows) == guarded
    assert all(row["value"] > 0 for row in rows.values())


def test_a_slower_row_is_caught_by_the_count_and_by_the_clock() -> None:
    status, rows = measure("calls.bar", "reference.stepped", plant=SLOW_ROWS)
    assert status == 1
    assert {name: row["ok"] for name, row in rows.items()} == {"calls.bar": False, "reference.stepped": False}


def test_a_slower_gate_is_caught_by_the_count_of_an_order() -> None:
    status, rows = measure("calls.order", plant=SLOW_GATE)
    assert (status, rows["calls.order"]["ok"]) == (1, False)


def test_a_wrong_result_does_not_count_however_quick() -> None:
    status, rows = measure("reference.stepped", plant=WRONG_FILLS)
    assert (status, rows["reference.stepped"]["ok"]) == (1, False)
    assert "equity" in rows["reference.stepped"]["note"]
