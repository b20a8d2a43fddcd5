"""The value of one unit of an account into which money comes and goes: what was earned, without what was paid in; never a forecast."""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence
from typing import Any

from numpy.typing import NDArray

from argosy.kernels.kernel import kernel

NAN = float("nan")


@kernel
def units(
    equity: Sequence[float], flows: Sequence[float], out: MutableSequence[float] | NDArray[Any]
) -> int:
    """Fill `out` with the time-weighted value of one unit, 1.0 at the first row with money; how many rows that leaves out.

    equity, flows, out: (T,), in one currency; flows[t] is what came in (+) or went out (-) after row t - 1 and by row t, and
    is in equity[t]. It counts at the end of its step: it has earned nothing yet. A return is
    (equity[t] - flows[t]) / equity[t - 1] - 1.

    Rows before the first money are 1.0. An account emptied by a withdrawal stands still until money comes again; one that has
    lost everything is 0 for ever. What has no sense is nan from there on: equity that starts below nothing, or that earned
    without money, or nan.
    Source: CFA Institute, Global Investment Performance Standards (2020), true time-weighted return.
    """
    rows = len(equity)
    first = 0
    while first < rows and equity[first] == 0.0:
        out[first] = 1.0
        first += 1
    if first == rows:
        return first
    unit = 1.0 if equity[first] > 0.0 else NAN
    out[first] = unit
    for t in range(first + 1, rows):
        base = equity[t - 1]
        kept = equity[t] - flows[t]
        if unit <= 0.0:
            pass
        elif base > 0.0:
            unit *= kept / base
        elif not (base == 0.0 and kept == 0.0):
            unit = NAN
        out[t] = unit
    return first
