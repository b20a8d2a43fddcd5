"""Python's own arithmetic for compiled steps: each raises where Python raises, and is equal to Python to the bit.

Machine code answers a root of -1 with nan, an `exp` that is too great with inf and `int(nan)` with some number. These
raise what Python raises. `argosy.kernels.linked` puts them in the place of the functions of `math` that a step names.
Where an int would come of a float of 2**50 or more they raise OverflowError(BEYOND), and Python does not: there the step has
done nothing wrong, and the row is Python's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from argosy.kernels.kernel import Kernel, kernel

LIMIT = 2.0**50
"""An int made of a float is smaller than this, so that int64 and doubles hold it, and what is counted on from it, exactly."""
BEYOND = "an int of 2**50 or more is not made in machine code"
INF = math.inf


@kernel
def sqrt(x: float) -> float:
    """The root; ValueError below 0."""
    value = float(x)
    if value < 0.0:
        raise ValueError("math domain error")
    return math.sqrt(value)


@kernel
def log(x: float) -> float:
    """The natural logarithm; ValueError at 0 and below."""
    value = float(x)
    if value <= 0.0:
        raise ValueError("math domain error")
    return math.log(value)


@kernel
def log2(x: float) -> float:
    """The logarithm of base 2; ValueError at 0 and below."""
    value = float(x)
    if value <= 0.0:
        raise ValueError("math domain error")
    return math.log2(value)


@kernel
def log10(x: float) -> float:
    """The logarithm of base 10; ValueError at 0 and below."""
    value = float(x)
    if value <= 0.0:
        raise ValueError("math domain error")
    return math.log10(value)


@kernel
def log1p(x: float) -> float:
    """The logarithm of 1 + x; ValueError at -1 and below."""
    value = float(x)
    if value <= -1.0:
        raise ValueError("math domain error")
    return math.log1p(value)


# In Python itself these raise before their result is looked at; the tests of the result are for machine code.


@kernel
def exp(x: float) -> float:
    """e to the power of x; OverflowError where that is no double."""
    value = float(x)
    result = math.exp(value)
    if result == INF and value != INF:
        raise OverflowError("math range error")
    return result


@kernel
def expm1(x: float) -> float:
    """e to the power of x, less 1; OverflowError where that is no double."""
    value = float(x)
    result = math.expm1(value)
    if result == INF and value != INF:
        raise OverflowError("math range error")
    return result


@kernel
def sinh(x: float) -> float:
    """The hyperbolic sine; OverflowError where that is no double."""
    value = float(x)
    result = math.sinh(value)
    if abs(result) == INF and abs(value) != INF:
        raise OverflowError("math range error")
    return result


@kernel
def cosh(x: float) -> float:
    """The hyperbolic cosine; OverflowError where that is no double."""
    value = float(x)
    result = math.cosh(value)
    if result == INF and abs(value) != INF:
        raise OverflowError("math range error")
    return result


@kernel
def sin(x: float) -> float:
    """The sine; ValueError at infinities."""
    value = float(x)
    if abs(value) == INF:
        raise ValueError("math domain error")
    return math.sin(value)


@kernel
def cos(x: float) -> float:
    """The cosine; ValueError at infinities."""
    value = float(x)
    if abs(value) == INF:
        raise ValueError("math domain error")
    return math.cos(value)


@kernel
def tan(x: float) -> float:
    """The tangent; ValueError at infinities."""
    value = float(x)
    if abs(value) == INF:
        raise ValueError("math domain error")
    return math.tan(value)


@kernel
def whole(x: float) -> int:
    """`int(x)` and `math.trunc(x)`; ValueError for nan, OverflowError for inf and, with BEYOND, from 2**50 on."""
    value = float(x)
    if value != value:
        raise ValueError("cannot convert float NaN to integer")
    if abs(value) == INF:
        raise OverflowError("cannot convert float infinity to integer")
    if not -LIMIT < value < LIMIT:
        raise OverflowError(BEYOND)
    return int(value)


@kernel
def floor(x: float) -> int:
    """`math.floor(x)`, the greatest int that is not above; errors as of `whole`."""
    number = whole(x)
    return number - 1 if float(number) > x else number


@kernel
def ceil(x: float) -> int:
    """`math.ceil(x)`, the least int that is not below; errors as of `whole`."""
    number = whole(x)
    return number + 1 if float(number) < x else number


@kernel
def nearest(x: float) -> int:
    """`round(x)`, the nearest int, halves to the even one; errors as of `whole`."""
    number = floor(x)
    above = float(x) - float(number)  # exact: both are below 2**50
    if above > 0.5 or (above == 0.5 and number % 2 == 1):
        return number + 1
    return number


STANDS_FOR: Mapping[Any, Kernel[..., Any]] = {
    math.sqrt: sqrt, math.log: log, math.log2: log2, math.log10: log10, math.log1p: log1p, math.exp: exp, math.expm1: expm1,
    math.sinh: sinh, math.cosh: cosh, math.sin: sin, math.cos: cos, math.tan: tan,
    int: whole, math.trunc: whole, math.floor: floor, math.ceil: ceil, round: nearest,
}  # fmt: skip
"""The kernels that take the place of functions of Python in a compiled step."""

NUMBERS = frozenset(made for made, stands in STANDS_FOR.items() if stands not in (whole, floor, ceil, nearest)) | {
    math.atan, math.tanh, math.fabs,
}  # fmt: skip
"""Functions of one number that give a float. Those without a kernel are the same compiled as they are."""

INTS = frozenset({int, math.trunc, math.floor, math.ceil, round})
"""Functions of one float that give an int."""

TRUTHS = frozenset({math.isnan, math.isinf, math.isfinite})
"""Functions of one number that give a truth value."""
