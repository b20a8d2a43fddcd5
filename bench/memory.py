"""Peak memory of one walk above the imported interpreter, in a process of its own; prints {"peak", "tape", "wrong"}, bytes."""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path

from bench.market import tape
from bench.trial import expected, walk, wrong

SELF = Path("/proc/self")


def read(key: str) -> int:
    """Bytes of a line of the kernel's status of this process: VmRSS is now, VmHWM the peak."""
    for line in (SELF / "status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    raise OSError(f"no {key} in {SELF / 'status'}")


def main(rows: int) -> None:
    """Measure from where all is imported and compiled; the tape counts, what made it does not."""
    walk(60_000)
    gc.collect()
    imported = read("VmRSS")
    bars = tape(rows)
    gc.collect()
    (SELF / "clear_refs").write_text("5")  # the peak begins anew
    trial = walk(rows)
    peak = read("VmHWM") - imported
    size = sum(column.nbytes for column in bars.columns.values())
    print(json.dumps({"peak": peak, "tape": size, "wrong": wrong(trial, expected(rows))}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
