"""Runs the same tests again and again and counts what did not pass each time: a test that fails once in twenty runs is a defect.

    python scripts/flakes.py 20 tests/exchange tests/venues/alpaca          twenty runs
    python scripts/flakes.py 20 tests/exchange --load                       beside a process that never rests, and with low priority

Every run is a process of its own. Exit status 1 when any test failed in any run; what it printed is shown.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
_PASSED = re.compile(r"(\d+) passed")
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_SLOWEST_S = 1_800


def once(folders: list[str], low: bool) -> tuple[int, list[str], str]:
    """(tests that passed, those that did not, what was printed) of one run."""
    try:
        done = subprocess.run(
            [*PYTEST, *folders],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_SLOWEST_S,
            preexec_fn=(lambda: os.nice(10)) if low else None,
        )
    except subprocess.TimeoutExpired as stuck:
        return 0, [f"stuck after {_SLOWEST_S} s"], str(stuck.stdout or "")
    found = _PASSED.search(done.stdout)
    failed = _FAILED.findall(done.stdout)
    if done.returncode and not failed:
        failed = [f"exit status {done.returncode}"]
    return int(found.group(1)) if found else 0, failed, done.stdout


def main(arguments: list[str] | None = None) -> int:
    """Run and count; 1 when anything failed at any time."""
    parser = argparse.ArgumentParser(prog="flakes", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", type=int, help="how often")
    parser.add_argument("folders", nargs="+", metavar="TESTS", help="what pytest runs: folders, files or single tests")
    parser.add_argument("--load", action="store_true", help="beside a process that never rests, with low priority")
    asked = parser.parse_args(arguments)
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if asked.load else None
    bad: Counter[str] = Counter()
    passed, begun = 0, time.monotonic()
    try:
        for run in range(1, asked.runs + 1):
            start = time.monotonic()
            good, failed, output = once(asked.folders, asked.load)
            passed += good
            bad.update(failed)
            print(f"run {run:3} of {asked.runs}: {good} passed, {len(failed)} failed, {time.monotonic() - start:.0f} s", flush=True)
            if failed:
                print(output, flush=True)
    finally:
        if busy is not None:
            busy.kill()
            busy.wait()
    print(f"\n{asked.runs} runs, {passed:,} tests passed, {bad.total()} failed, {time.monotonic() - begun:.0f} s altogether")
    for name, count in bad.most_common():
        print(f"  {count:3} of {asked.runs}  {name}")
    return 1 if bad or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
