"""What indicators are built of: the sum, the greatest, the spread of the last n rows; none of them keeps dust.

All live in a part of one state vector that begins at `o` and is zero at the start. A sum or an extreme over n
rows is that of the turn of n rows that runs now and that of the rest of the turn before, of which every row
keeps the total from it to the end of its turn: nothing is ever subtracted, so what has left the window is gone,
an outlier included, and a step is O(1) amortised. (A queue made of two stacks; van Herk, Pattern Recognition
Letters 13 (1992), and Gil and Werman, IEEE PAMI 15 (1993), do the same for extremes.)
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from argosy.kernels.indicators.indicator import State
from argosy.kernels.kernel import kernel

NAN = float("nan")
INF = float("inf")


@kernel
def lag_step(s: State, o: int, n: int, x: float) -> float:
    """The row n before this one, 0 while there is none. Layout: [place, ring of n]."""
    at = int(s[o])
    old = s[o + 1 + at]
    s[o + 1 + at] = x
    at += 1
    s[o] = 0.0 if at == n else float(at)
    return old


@kernel
def sum_step(s: State, o: int, n: int, x: float) -> float:
    """The sum of the last n rows, of as many as there are in the beginning. Layout: [place, sum, ring of n]."""
    at = o + 2 + int(s[o])
    total = s[o + 1] + x
    s[at] = x
    if at < o + 1 + n:
        s[o] += 1.0
        s[o + 1] = total
        return total + s[at + 1]
    rest = 0.0
    for k in range(at, o + 1, -1):
        rest += s[k]
        s[k] = rest
    s[o] = 0.0
    s[o + 1] = 0.0
    return total


@kernel
def top_step(s: State, o: int, n: int, x: float) -> float:
    """The greatest of the last n rows; no number to use before there are n. Layout: [place, best, ring of n]."""
    at = o + 2 + int(s[o])
    best = s[o + 1]
    if at == o + 2 or x > best:
        best = x
    s[at] = x
    if at < o + 1 + n:
        s[o] += 1.0
        s[o + 1] = best
        rest = s[at + 1]
        return rest if rest > best else best
    rest = x
    for k in range(at, o + 1, -1):
        if s[k] > rest:
            rest = s[k]
        s[k] = rest
    s[o] = 0.0
    return best


@kernel
def bottom_step(s: State, o: int, n: int, x: float) -> float:
    """The least of the last n rows; no number to use before there are n. Layout: [place, best, ring of n]."""
    at = o + 2 + int(s[o])
    best = s[o + 1]
    if at == o + 2 or x < best:
        best = x
    s[at] = x
    if at < o + 1 + n:
        s[o] += 1.0
        s[o + 1] = best
        rest = s[at + 1]
        return rest if rest < best else best
    rest = x
    for k in range(at, o + 1, -1):
        if s[k] < rest:
            rest = s[k]
        s[k] = rest
    s[o] = 0.0
    return best


@kernel
def top_rows(s: State, o: int, n: int, x: Any, out: Any) -> int:
    """`top_step` on the whole turns of a fresh state but the last, two chains side by side; returns how many rows.

    Rows before there are n are nan.
    """
    turns = len(x) // n - 1
    if n == 1 or turns < 2:
        return 0
    rest = np.empty(n)
    best = x[0]
    for k in range(n):
        best = x[k] if x[k] > best else best
        out[k] = NAN
    out[n - 1] = best
    for turn in range(1, turns):
        old = x[(turn - 1) * n : turn * n]
        new = x[turn * n : (turn + 1) * n]
        here = out[turn * n : (turn + 1) * n]
        best = new[0]
        back = old[n - 1]
        for k in range(n):
            best = new[k] if new[k] > best else best
            here[k] = best
            back = old[n - 1 - k] if old[n - 1 - k] > back else back
            rest[n - 1 - k] = back
        for k in range(n - 1):
            here[k] = rest[k + 1] if rest[k + 1] > here[k] else here[k]
    back = x[turns * n - 1]
    for k in range(n):
        back = x[turns * n - 1 - k] if x[turns * n - 1 - k] > back else back
        s[o + 1 + n - k] = back
    return turns * n


@kernel
def bottom_rows(s: State, o: int, n: int, x: Any, out: Any) -> int:
    """`bottom_step` on the whole turns of a fresh state but the last, two chains side by side; returns how many rows.

    Rows before there are n are nan.
    """
    turns = len(x) // n - 1
    if n == 1 or turns < 2:
        return 0
    rest = np.empty(n)
    best = x[0]
    for k in range(n):
        best = x[k] if x[k] < best else best
        out[k] = NAN
    out[n - 1] = best
    for turn in range(1, turns):
        old = x[(turn - 1) * n : turn * n]
        new = x[turn * n : (turn + 1) * n]
        here = out[turn * n : (turn + 1) * n]
        best = new[0]
        back = old[n - 1]
        for k in range(n):
            best = new[k] if new[k] < best else best
            here[k] = best
            back = old[n - 1 - k] if old[n - 1 - k] < back else back
            rest[n - 1 - k] = back
        for k in range(n - 1):
            here[k] = rest[k + 1] if rest[k + 1] < here[k] else here[k]
    back = x[turns * n - 1]
    for k in range(n):
        back = x[turns * n - 1 - k] if x[turns * n - 1 - k] < back else back
        s[o + 1 + n - k] = back
    return turns * n


@kernel
def age_step(s: State, o: int, n: int, x: float) -> float:
    """How many rows ago the greatest of the last n was, the latest of equals; no use before there are n.

    Layout: [place, best, its place, ring of n values, ring of n places].
    """
    place = s[o]
    at = o + 3 + int(place)
    if place == 0.0 or x >= s[o + 1]:
        s[o + 1] = x
        s[o + 2] = place
    s[at] = x
    s[at + n] = place
    age = place - s[o + 2]
    if at < o + 2 + n:
        s[o] = place + 1.0
        if s[at + 1] > s[o + 1]:
            return place + n - s[at + 1 + n]
        return age
    best = x
    where = place
    for k in range(at, o + 2, -1):
        if s[k] > best:
            best = s[k]
            where = s[k + n]
        s[k] = best
        s[k + n] = where
    s[o] = 0.0
    return age


@kernel
def decay(a: float, before: float, last: float, x: float) -> float:
    """The next weighted mean from the one `before` the last and from a * the `last` row and x = a * this one.

    v[t] = (1-a)(1-a) v[t-2] + (1-a) a x[t-1] + a x[t] is v[t] = (1-a) v[t-1] + a x[t] said over two rows: two
    chains that do not wait for each other, for a processor waits longest for its own last result.
    """
    b = 1.0 - a
    return b * b * before + (b * last + x)


@kernel
def smooth_step(s: State, o: int, n: float, a: float, x: float) -> float:
    """The mean in which a new row weighs `a`, seeded with the plain mean of the first n; nan before.

    Layout: [rows, value (their sum while warming), value before, a * row].
    """
    if s[o] < n:
        s[o] += 1.0
        seed = s[o + 1] + x
        if s[o] < n:
            s[o + 1] = seed
            return NAN
        seed /= n
        s[o + 1] = seed
        s[o + 2] = seed
        s[o + 3] = a * seed
        return seed
    b = 1.0 - a
    x *= a
    value = b * b * s[o + 2] + (b * s[o + 3] + x)
    s[o + 2] = s[o + 1]
    s[o + 1] = value
    s[o + 3] = x
    return value


# -- moments -------------------------------------------------------------------------------------------------


@kernel
def moments_anew(s: State, n: int, x: float) -> None:
    """Sum the ring of `moments_step` anew, about this row."""
    total = 0.0
    for k in range(7, 7 + n):
        total += s[k] - x
    mean = total / n
    squares = 0.0
    for k in range(7, 7 + n):
        away = s[k] - x - mean
        squares += away * away
    s[2] = x
    s[3] = mean
    s[4] = squares
    s[5] = squares
    s[6] = 0.0


@kernel
def moments_step(s: State, n: int, x: float) -> tuple[float, float]:
    """Mean and population standard deviation of the last n rows.

    Layout: [rows (at most n), place, base, mean less base, squares about the mean, greatest squares since they
    were summed, turns since, ring of n].

    Welford's update with the leaving row taken off in the same step, on distances from a base near the mean,
    so that no digits are lost to a large price. The ring is summed anew about a new base when the squares
    have fallen a thousandfold and each time it has turned 16 times, so that neither an outlier that left nor
    a long series leaves its dust behind. n equal rows have exactly their own mean and no deviation, for their
    squares fall to dust and the base is then their price.
    """
    at = 7 + int(s[1])
    old = s[at]
    s[at] = x
    if s[0] < n:
        s[0] += 1.0
        if s[0] == 1.0:
            s[2] = x
        step = x - s[2] - s[3]
        s[3] += step / s[0]
        s[4] += step * (x - s[2] - s[3])
    else:
        base = s[2]
        before = s[3]
        change = x - old
        mean = before + change * (1.0 / n)
        s[3] = mean
        s[4] += change * ((x - base - mean) + (old - base - before))
    if at < 6 + n:
        s[1] += 1.0
    else:
        s[1] = 0.0
        s[6] += 1.0
    if s[0] < n:
        return NAN, NAN
    if s[4] < s[5] * 1e-3 or s[6] == 16.0:
        moments_anew(s, n, x)
    elif s[4] > s[5]:
        s[5] = s[4]
    var = s[4] * (1.0 / n)
    return s[2] + s[3], sqrt(var) if var > 0.0 else 0.0


@kernel
def both_anew(s: State, n: int, x: float, y: float) -> None:
    """Sum the rings of `both_step` anew, about this row."""
    total_x = 0.0
    total_y = 0.0
    for k in range(12, 12 + n):
        total_x += s[k] - x
        total_y += s[k + n] - y
    mean_x = total_x / n
    mean_y = total_y / n
    s[2] = 0.0
    s[3] = x
    s[4] = y
    s[5] = mean_x
    s[6] = mean_y
    xx = 0.0
    yy = 0.0
    xy = 0.0
    for k in range(12, 12 + n):
        a = s[k] - x - mean_x
        b = s[k + n] - y - mean_y
        xx += a * a
        yy += b * b
        xy += a * b
    s[7] = xx
    s[8] = yy
    s[9] = xy
    s[10] = xx
    s[11] = yy


@kernel
def both_step(s: State, n: int, x: float, y: float) -> bool:
    """The squares of two series about their means, s[7] and s[8], and their product s[9], over n rows.

    True when there are n. As `moments_step`. Layout: [rows, place, turns, base x, base y, mean x, mean y less
    their bases, squares x, squares y, product, greatest squares x, y since they were summed, rings of n].
    """
    at = 12 + int(s[1])
    old_x = s[at]
    old_y = s[at + n]
    s[at] = x
    s[at + n] = y
    if s[0] < n:
        s[0] += 1.0
        if s[0] == 1.0:
            s[3] = x
            s[4] = y
        a = x - s[3] - s[5]
        b = y - s[4] - s[6]
        s[5] += a / s[0]
        s[6] += b / s[0]
        up = y - s[4] - s[6]
        s[7] += a * (x - s[3] - s[5])
        s[8] += b * up
        s[9] += a * up
    else:
        share = 1.0 / n
        a = x - old_x
        b = y - old_y
        leave_x = old_x - s[3] - s[5]
        leave_y = old_y - s[4] - s[6]
        s[5] += a * share
        s[6] += b * share
        up = y - s[4] - s[6]
        s[7] += a * ((x - s[3] - s[5]) + leave_x)
        s[8] += b * (up + leave_y)
        s[9] += a * up + b * leave_x
    if at < 11 + n:
        s[1] += 1.0
    else:
        s[1] = 0.0
        s[2] += 1.0
    if s[0] < n:
        return False
    if s[7] < s[10] * 1e-3 or s[8] < s[11] * 1e-3 or s[2] == 16.0:
        both_anew(s, n, x, y)
    if s[7] > s[10]:
        s[10] = s[7]
    if s[8] > s[11]:
        s[11] = s[8]
    return True
