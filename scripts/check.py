"""Every check of the house, one after another, each with its time: what `make test` runs; it stops at nothing and hides nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
COVERED = ["--cov=argosy.core", "--cov=argosy.kernels", "--cov=argosy.engine", "--cov-branch", "--cov-report=term:skip-covered"]
SUITES = [
    ("style", [sys.executable, "-m", "ruff", "check", "argosy", "tests", "scripts", "bench"]),
    ("types", [sys.executable, "-m", "mypy"]),
    ("imports", [str(Path(sys.executable).parent / "lint-imports")]),
    ("tests", [*PYTEST, *COVERED, "--cov-fail-under=90", "--durations=10", "tests"]),
    ("plugin", [*PYTEST, "examples/tsla_improved/tests"]),
]


def main() -> int:
    """Run all suites that exist; exit status 1 when one failed."""
    failed = []
    times = []
    for name, command in SUITES:
        command = [part for part in command if part not in ("bench", "scripts") or (ROOT / part).exists()]
        print(f"\n== {name}: {' '.join(command[1:])}", flush=True)
        begun = time.monotonic()
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            failed.append(name)
        times.append((name, time.monotonic() - begun))
    print("\n== time of each suite")
    for name, seconds in times:
        print(f"{name:10} {seconds:7.1f} s{'   FAILED' if name in failed else ''}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
