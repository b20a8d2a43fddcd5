"""How many Python functions a bar and an order call: counts, the same on every machine and under every load."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from types import FrameType

from bench.figure import Figure, figure
from bench.market import tape
from bench.orders import checked
from bench.robots import Brackets, Cross, Idle
from bench.trial import STEPPED, expected, walk, wrong

SHORT, LONG = 1_000, 3_000
COMPILED = 100_000


def calls(rows: int, strategy: type, scan_from: int | None = STEPPED) -> int:
    """Python functions entered (generators resumed, too) in one walk, from wiring to the end."""
    walk(SHORT if scan_from else rows, strategy=strategy, fee_bps=0, scan_from=scan_from)  # what is made once is made
    tape(rows)  # made before, and kept
    seen = [0]

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            seen[0] += 1

    gc.collect()
    gc.disable()
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        walk(rows, strategy=strategy, fee_bps=0, scan_from=scan_from)
    finally:
        sys.setprofile(before)
        gc.enable()
    return seen[0]


def figures(quick: bool) -> Iterator[Figure]:
    """Calls a bar, an order and a bar of brackets when stepped, and a thousand bars when compiled: without what a run costs once."""
    more = LONG - SHORT
    idle = calls(LONG, Idle) - calls(SHORT, Idle)
    yield figure("calls.bar", idle / more, note=f"{more:,} bars more, stepped, no orders")
    fills = expected(LONG, fee_bps=0).fills - expected(SHORT, fee_bps=0).fills
    said = wrong(walk(LONG, fee_bps=0, scan_from=STEPPED), expected(LONG, fee_bps=0))
    crossed = calls(LONG, Cross) - calls(SHORT, Cross)
    yield figure("calls.order", (crossed - idle) / fills, wrong=said, note=f"{fills} orders more, stepped: wish, gate, submit, ack, fill")
    said = checked(walk(LONG, strategy=Brackets, fee_bps=0), LONG)
    heavy = calls(LONG, Brackets) - calls(SHORT, Brackets)
    yield figure("calls.heavy", heavy / more, wrong=said, note="a bar with 1 cancel and 3 orders")
    said = wrong(walk(COMPILED, fee_bps=0), expected(COMPILED, fee_bps=0), refold=False)
    scanned = calls(COMPILED, Cross, None) / COMPILED * 1_000
    yield figure("calls.walk", scanned, wrong=said, note="a thousand bars as the house walks them by itself, wiring and all")
