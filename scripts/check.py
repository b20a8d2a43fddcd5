"""Every check of the house, each with its time: what `make test` runs; it stops at nothing and hides nothing.

    python scripts/check.py              all: style, types, imports, each suite of tests, the example plugin, coverage
    python scripts/check.py laws core    only these, without the coverage gate

Each folder of tests/ is a suite in a process of its own; as many run at once as there are processors. Coverage is counted
by branches over the heart (core, kernels, engine), in Python: a kernel counts where its plain function ran.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
GATES = {"argosy/core": 98, "argosy/kernels": 95, "argosy/engine": 95}
"""The least branch coverage of each room of the heart, in percent."""
SLOWEST_FIRST = ("laws", "strategies", "walks", "venues", "engine", "cli", "lab", "data", "kernels")


class Done(NamedTuple):
    """One finished suite."""

    name: str
    failed: bool
    seconds: float
    output: str


def suites() -> dict[str, tuple[str, ...]]:
    """Every suite that exists, by name, with its command; those that last longest begin first."""
    commands: dict[str, tuple[str, ...]] = {
        "style": (sys.executable, "-m", "ruff", "check", "."),
        "types": (sys.executable, "-m", "mypy"),
        "imports": (str(Path(sys.executable).parent / "lint-imports"), "--no-cache"),
    }
    found = sorted(folder.name for folder in (ROOT / "tests").iterdir() if any(folder.rglob("test_*.py")))
    known = [name for name in SLOWEST_FIRST if name in found]
    tests: dict[str, tuple[str, ...]] = {}
    for name in (*known, *(name for name in found if name not in known)):
        tests[name] = (*PYTEST, "--cov", "--cov-report=", f"tests/{name}")
    plugin = {"plugin": (*PYTEST, "examples/tsla_improved/tests")}
    return tests | plugin | commands


def run(name: str, command: tuple[str, ...]) -> Done:
    """Run one suite and keep what it printed."""
    begun = time.monotonic()
    environment = os.environ | {"COVERAGE_FILE": str(ROOT / f".coverage.{name}"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Done(name, done.returncode != 0, time.monotonic() - begun, done.stdout)


def coverage() -> list[Done]:
    """Join what the suites counted and hold each room of the heart against its gate."""
    tool = (sys.executable, "-m", "coverage")
    joined = run(
        "coverage",
        (*tool, "combine", "--quiet", "--data-file=.coverage", *map(str, sorted(ROOT.glob(".coverage.*")))),
    )
    if joined.failed:
        return [joined]
    return [
        run(
            f"coverage {room}",
            (*tool, "report", "--data-file=.coverage", f"--include={room}/*", f"--fail-under={least}"),
        )
        for room, least in GATES.items()
    ]


def main(wanted: list[str]) -> int:
    """Run the wanted suites (none named: all, with the coverage gate); exit status 1 when one failed."""
    known = suites()
    unknown = [name for name in wanted if name not in known]
    if unknown:
        print(f"no suite is named {', '.join(unknown)}; there are: {', '.join(known)}")
        return 2
    for stale in ROOT.glob(".coverage*"):
        stale.unlink()
    begun = time.monotonic()
    results: list[Done] = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for done in pool.map(
            lambda item: run(*item), ((name, known[name]) for name in known if not wanted or name in wanted)
        ):
            results.append(done)
            print(f"\n== {done.name}\n{done.output.rstrip()}", flush=True)
    if not wanted:
        for done in coverage():
            results.append(done)
            print(f"\n== {done.name}\n{done.output.rstrip()}", flush=True)
    print("\n== time of each suite")
    for done in results:
        print(f"{done.name:24} {done.seconds:7.1f} s{'   FAILED' if done.failed else ''}")
    print(f"{'altogether':24} {time.monotonic() - begun:7.1f} s")
    return 1 if any(done.failed for done in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
