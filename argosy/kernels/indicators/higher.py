"""Bars of a higher timeframe out of lower ones, each given away only when it is over; it never shows a bar that grows."""

from __future__ import annotations

from collections.abc import MutableSequence
from typing import Any

from argosy.core.time import DAY
from argosy.kernels.kernel import kernel

FIELDS = ("open", "high", "low", "close", "volume")
"""What a bar of a higher timeframe is made of, in the order its stream eats it."""

WEEK = 7 * DAY
MONDAY = 4 * DAY
"""The first Monday after the epoch, which was a Thursday."""

BEFORE, OWN = 1, 2
"""What a row closes: the bar of an earlier bucket, its own, or (their sum) both."""


def origin(every: int) -> int:
    """Where buckets of `every` ns are counted from: the epoch, weeks from a Monday."""
    return MONDAY if every % WEEK == 0 else 0


@kernel
def fold_step(
    clock: MutableSequence[int], bar: MutableSequence[float], every: int, first: int, counted: bool,
    open_: float, high: float, low: float, close: float, volume: float, ts: int, span: int,
) -> int:  # fmt: skip
    """One row into its bucket; 0, BEFORE (that bar is bar[5:10]), OWN (it is bar[0:5]) or both.

    A bar belongs to the bucket in which it starts. A bucket closes when a bar ends at or after its end, or when a
    bar of another bucket arrives. A row that is not counted adds nothing, but its time closes what is over.

    clock: [start of the bucket, 1 while its bar is open]; first: `origin`; ts, span: ns
    """
    at = ts - first
    start = clock[0]
    done = 0
    if at < start or at >= start + every:
        start = at // every * every
        clock[0] = start
        if clock[1] == 1:
            for k in range(5):
                bar[5 + k] = bar[k]
            clock[1] = 0
            done = 1
    if counted:
        if clock[1] == 0:
            clock[1] = 1
            bar[0] = open_
            bar[1] = high
            bar[2] = low
            bar[3] = close
            bar[4] = volume
        else:
            if high > bar[1]:
                bar[1] = high
            if low < bar[2]:
                bar[2] = low
            bar[3] = close
            bar[4] += volume
    if clock[1] == 1 and at + span >= start + every:
        clock[1] = 0
        done += 2
    return done


@kernel
def fold_loop(
    clock: Any, bar: Any, every: int, first: int, counted: Any,
    open_: Any, high: Any, low: Any, close: Any, volume: Any, ts: Any, span: Any, made: Any, rows: Any,
) -> int:  # fmt: skip
    """`fold_step` on each row; returns how many bars closed: `made` (5, T) and the row at which each did, `rows` (T,)."""
    count = 0
    top, bottom, last, total = bar[1], bar[2], bar[3], bar[4]
    for t in range(len(ts)):
        at = ts[t] - first
        if clock[1] == 1 and at >= clock[0] and at + span[t] < clock[0] + every and span[t] >= 0:  # inside its bar
            if counted[t]:
                top = high[t] if high[t] > top else top
                bottom = low[t] if low[t] < bottom else bottom
                last = close[t]
                total += volume[t]
            continue
        bar[1], bar[2], bar[3], bar[4] = top, bottom, last, total
        done = fold_step(
            clock, bar, every, first, counted[t],
            open_[t], high[t], low[t], close[t], volume[t], ts[t], span[t],
        )  # fmt: skip
        top, bottom, last, total = bar[1], bar[2], bar[3], bar[4]
        if done != 0:
            if done != 2:
                for k in range(5):
                    made[k, count] = bar[5 + k]
                rows[count] = t
                count += 1
            if done != 1:
                for k in range(5):
                    made[k, count] = bar[k]
                rows[count] = t
                count += 1
    bar[1], bar[2], bar[3], bar[4] = top, bottom, last, total
    return count


@kernel
def spread_rows(values: Any, rows: Any, count: int, out: Any) -> None:
    """The value of the last of `count` bars that had closed by each row of `out`, which begins as nan."""
    for k in range(count):
        until = rows[k + 1] if k + 1 < count else len(out)
        for t in range(rows[k], until):
            out[t] = values[k]


@kernel
def gaps(x: Any) -> int:
    """How many numbers are nan or infinite."""
    found = 0
    for t in range(len(x)):
        found += 1 if x[t] - x[t] != 0.0 else 0
    return found
