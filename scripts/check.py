"""Every check of the house, each with its time: what `make test` runs; it stops at nothing and hides nothing.

    python scripts/check.py              all: style, types, imports, each suite of tests, the example plugin, coverage
    python scripts/check.py laws core    only these, without the coverage gates
    python scripts/check.py coverage     only the gates, over what the suites counted when they ran last

Each folder of tests/ is a suite in a process of its own; as many run at once as there are processors. Coverage is counted
by branches, in the processes that a test starts too (not in those that it kills), in Python: a kernel counts where its plain
function ran. Python 3.11 tells nobody of a coroutine that goes on after what it awaited caught an error of a socket, until it waits
again: such lines count as not run, and are to be reached by an answer that is no error.
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
GATES: dict[str, tuple[int, tuple[str, ...]]] = {
    "core": (98, ("argosy/core/*",)),
    "kernels": (95, ("argosy/kernels/*",)),
    "engine": (95, ("argosy/engine/*",)),
    "desk": (95, ("argosy/desk/*",)),
    "venues": (95, ("argosy/venues/*",)),
    "net": (95, ("argosy/net/*",)),
    "store": (95, ("argosy/store/*",)),
    "risk": (100, ("argosy/engine/risk.py", "argosy/engine/rules/*")),
    "arming": (100, ("argosy/desk/arming.py", "argosy/desk/permit.py")),
    "levels": (100, ("argosy/engine/levels.py", "argosy/engine/breakers.py", "argosy/venues/sim/levels.py")),
    "reconcile": (100, ("argosy/desk/reconcile.py", "argosy/desk/balances.py")),
}
"""The least branch coverage of each room, in percent, and of what loses money where it is wrong: all of it."""
JOINED = ".coverage-joined"
"""What all suites counted; its name is no suite's, or a report would take those in once more."""
SLOWEST_FIRST = ("laws", "desk", "walks", "cli", "strategies", "venues", "engine", "lab", "data", "kernels")


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
    """Join what the suites counted and hold each room against its gate."""
    tool = (sys.executable, "-m", "coverage")
    counted = sorted(str(path) for path in ROOT.glob(".coverage.*"))
    joined = run("coverage", (*tool, "combine", "--quiet", "--keep", f"--data-file={JOINED}", *counted))
    if joined.failed:
        return [joined]
    return [
        run(
            f"coverage {name}",
            (*tool, "report", f"--data-file={JOINED}", f"--include={','.join(files)}", f"--fail-under={least}"),
        )
        for name, (least, files) in GATES.items()
    ]


def main(wanted: list[str]) -> int:
    """Run the wanted suites (none named: all, with the coverage gates); exit status 1 when one failed."""
    known = suites()
    unknown = [name for name in wanted if name not in known and name != "coverage"]
    if unknown:
        print(f"no suite is named {', '.join(unknown)}; there are: {', '.join(known)}, coverage")
        return 2
    for name in wanted or ("*",):
        for stale in (*ROOT.glob(f".coverage.{name}"), *ROOT.glob(f".coverage.{name}.*")):
            stale.unlink(missing_ok=True)
    begun = time.monotonic()
    results: list[Done] = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for done in pool.map(
            lambda item: run(*item), ((name, known[name]) for name in known if not wanted or name in wanted)
        ):
            results.append(done)
            print(f"\n== {done.name}\n{done.output.rstrip()}", flush=True)
    if not wanted or "coverage" in wanted:
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
