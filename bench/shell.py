"""What a person at a shell waits for, in fresh processes: the help, the demo, and the memory that a long walk takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

from bench.figure import Figure, figure

ARGOSY = (sys.executable, "-m", "argosy.cli")
ROOT = Path(__file__).resolve().parent.parent


def figures(quick: bool) -> Iterator[Figure]:
    """Wall seconds of whole processes (medians), MB of peak memory."""
    yield _help(3 if quick else 9)
    yield _backtest(2 if quick else 5)
    yield _cold()
    yield _demo(1 if quick else 3)
    yield _memory(100_000 if quick else 1_000_000)


def _run(command: tuple[str, ...], folder: str, **names: str) -> tuple[float, subprocess.CompletedProcess[str]]:
    begun = perf_counter()
    env = os.environ | names
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=600, check=False)
    return perf_counter() - begun, done


def _script() -> tuple[str, ...]:
    """The installed command, else the module."""
    command = Path(sys.executable).parent / "argosy"
    return (str(command),) if command.exists() else ARGOSY


def _help(runs: int) -> Figure:
    fault, times = "", []
    with tempfile.TemporaryDirectory() as folder:
        for k in range(runs + 1):
            took, done = _run((*_script(), "--help"), folder)
            if k:  # the first one reads the disk
                times.append(took)
            if done.returncode or "backtest" not in done.stdout:
                fault = f"exit {done.returncode}, and its text does not name backtest"
    return figure("shell.help", median(times), wrong=fault, note=f"median of {runs} fresh processes; the text names its commands")


def _backtest(runs: int) -> Figure:
    fault, times, found = "", [], set()
    with tempfile.TemporaryDirectory() as folder:
        for k in range(runs + 1):
            took, done = _run((*_script(), "backtest", "trend", "--json"), folder)
            if k:  # the first one compiles
                times.append(took)
            if done.returncode:
                fault = f"exit {done.returncode}: {(done.stderr or done.stdout).strip()[-200:]}"
            found.add(_lasting(done.stdout))
    if len(found) != 1 or "" in found:
        fault = fault or "its runs did not all print the same result as JSON"
    note = f"median of {runs} fresh processes, warm: trend over the packaged prices; the same result from each"
    return figure("shell.backtest", median(times), wrong=fault, note=note)


def _cold() -> Figure:
    """A sweep where nothing was ever compiled: the largest kernel of the house; the second finds it on disk."""
    command = (*_script(), "sweep", "trend", "--symbols", "IBM", "--set", "fast=5..50:5", "--json")
    with tempfile.TemporaryDirectory() as folder:
        cold, first = _run(command, folder, ARGOSY_CACHE=folder)
        warm, second = _run(command, folder, ARGOSY_CACHE=folder)
    fault = "" if first.returncode == second.returncode == 0 else f"exit {first.returncode}: {first.stderr.strip()[-200:]}"
    if not fault and _rows(first.stdout) != _rows(second.stdout):
        fault = "the rows of the second are not those of the first"
    return figure("shell.cold", cold, wrong=fault, note=f"the first sweep on a new machine, once; the second took {warm:.2f} s, same rows")


def _rows(text: str) -> object:
    """The rows of a printed sweep."""
    return json.loads(text)["rows"]


def _lasting(text: str) -> str:
    """A printed result without the time it took; "" when it is no result."""
    try:
        said = json.loads(text)
    except ValueError:
        return ""
    said.pop("seconds", None)
    return json.dumps(said, sort_keys=True) if said.get("fills") else ""


def _demo(runs: int) -> Figure:
    fault, times = "", []
    with tempfile.TemporaryDirectory() as folder:
        for k in range(runs + 1):
            took, done = _run((*_script(), "demo"), folder)
            if k:  # the first one compiles
                times.append(took)
            if done.returncode:
                fault = f"exit {done.returncode}: {(done.stderr or done.stdout).strip()[-200:]}"
            elif not list(Path(folder).glob("*.html")):
                fault = "it left no report"
    return figure("shell.demo", median(times), wrong=fault, note=f"median of {runs}, warm; exit 0 and a report is there")


def _memory(rows: int) -> Figure:
    took, done = _run((sys.executable, "-m", "bench.memory", str(rows)), str(ROOT))
    if done.returncode:
        said = done.stderr.strip().splitlines()
        return figure("shell.memory", None, note=f"exit {done.returncode}: {said[-1] if said else ''} (it reads Linux's own count)")
    found = json.loads(done.stdout.splitlines()[-1])
    note = f"{rows:,} bars, peak above the imported interpreter; {found['tape'] / 1e6:.0f} MB of it are the tape ({took:.0f} s)"
    return figure("shell.memory", found["peak"] / 1e6, wrong=found["wrong"], note=note)
