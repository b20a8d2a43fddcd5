"""What an expression of a step may be: a float, an int with a bound, a truth value; it knows no source and no compiler.

Why ints are exact: a run has fewer than 2**31 rows, an int starts below START, an int made of a float is below MADE, and a
step adds to what it keeps at most MOST times, at most STEP each. So what it keeps is below MADE + 2**31 * MOST * STEP + START,
which is below COUNT, and COUNT is exact as a float. Times of rows are before the year 2116; with them it is below KEPT_TIME.
"""

from __future__ import annotations

from typing import NamedTuple

START, MADE, COUNT = 1 << 31, 1 << 50, (1 << 51) + (1 << 32)
STEP, MOST = 1 << 10, 500
EXACT = 1 << 53
TIME, KEPT_TIME = (1 << 62) - (1 << 55), (1 << 62) - (1 << 54)
LAST = (1 << 63) - 1


class Value(NamedTuple):
    """What an expression may be.

    kind:   f float; i int; b truth value; m float when compiled, and in Python perhaps an int; u number of unknown kind
    bound:  no int it may be is greater in size
    steady: an int, its size is that of something kept, plus less than STEP for each addition, or less than MADE
    """

    kind: str
    bound: int = 0
    steady: bool = True


FLOAT, TRUTH, UNKNOWN, NEITHER = Value("f"), Value("b"), Value("u"), Value("x")


def join(one: Value, other: Value) -> Value:
    """What may be the one or the other; NEITHER where these are not of a kind."""
    if one == other:
        return one
    if not {one.kind, other.kind} <= set("fim"):
        return NEITHER
    ints = [each for each in (one, other) if each.kind != "f"]
    bound = max(each.bound for each in ints)
    if {one.kind, other.kind} == {"i"}:
        return Value("i", bound, keeps(one) and keeps(other))
    return Value("m", bound, all(keeps(each) for each in ints)) if bound <= EXACT else NEITHER


def keeps(value: Value) -> bool:
    """Whether an int may be kept in a field, and never grows out of COUNT by that."""
    return value.steady or value.bound <= MADE


def plus(one: Value, other: Value) -> Value:
    """A sum or a difference of two that may be ints. Small steps from what is kept stay within its bound, as counted above."""
    kind = "i" if (one.kind, other.kind) == ("i", "i") else "m"
    bound = one.bound + other.bound
    steady = (one.steady and other.bound <= STEP) or (other.steady and one.bound <= STEP)
    if steady:
        bound = min(bound, COUNT if max(one.bound, other.bound) <= COUNT else KEPT_TIME)
    return Value(kind, bound, steady)
