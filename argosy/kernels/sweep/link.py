"""Puts a strategy's own step into the loop of a sweep; one compiled loop for each step, kept on disk like every kernel.

It asks nothing of a step: `lab.sweep.grid` has asked whether the step means the same compiled.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from types import FunctionType
from typing import Any, cast

from argosy.kernels.kernel import Kernel, kernel
from argosy.kernels.local import bits, keep, local
from argosy.kernels.sweep import loop
from argosy.kernels.sweep.account import charge, execute
from argosy.kernels.sweep.guards import strike
from argosy.kernels.sweep.marks import marked, untouched
from argosy.kernels.sweep.wishes import want

MOST_NEEDS = 12


def pick_1(table: Any, p: Any, t: int) -> Any:
    """One need of a row."""
    return (table[p[0]][t],)


def pick_2(table: Any, p: Any, t: int) -> Any:
    """Two needs of a row."""
    return table[p[0]][t], table[p[1]][t]


def pick_3(table: Any, p: Any, t: int) -> Any:
    """Three needs of a row."""
    return table[p[0]][t], table[p[1]][t], table[p[2]][t]


def pick_4(table: Any, p: Any, t: int) -> Any:
    """Four needs of a row."""
    return table[p[0]][t], table[p[1]][t], table[p[2]][t], table[p[3]][t]


def pick_6(table: Any, p: Any, t: int) -> Any:
    """Six needs of a row."""
    return table[p[0]][t], table[p[1]][t], table[p[2]][t], table[p[3]][t], table[p[4]][t], table[p[5]][t]


def pick_8(table: Any, p: Any, t: int) -> Any:
    """Eight needs of a row."""
    return (
        table[p[0]][t], table[p[1]][t], table[p[2]][t], table[p[3]][t], table[p[4]][t], table[p[5]][t], table[p[6]][t], table[p[7]][t],
    )  # fmt: skip


def pick_12(table: Any, p: Any, t: int) -> Any:
    """Twelve needs of a row."""
    return (
        table[p[0]][t], table[p[1]][t], table[p[2]][t], table[p[3]][t], table[p[4]][t], table[p[5]][t], table[p[6]][t], table[p[7]][t],
        table[p[8]][t], table[p[9]][t], table[p[10]][t], table[p[11]][t],
    )  # fmt: skip


PICKS = {1: pick_1, 2: pick_2, 3: pick_3, 4: pick_4, 6: pick_6, 8: pick_8, 12: pick_12}
"""Readers by the number of needs; a strategy with another number is read by the next, its last places unused."""
_SIGN = ":"


def places(names: Sequence[str]) -> tuple[str, ...]:
    """The names of a strategy's needs, filled up with unused ones to a number that can be read."""
    size = next(count for count in PICKS if count >= max(1, len(names)))
    return (*names, *(f"unused{k}" for k in range(len(names), size)))


def needs_of(names: Sequence[str]) -> type:
    """The named tuple of these needs: one class for equal names, found again by its name in a stored kernel."""
    made: type = _needs(_SIGN.join(("Needs", *names)))
    return made


def __getattr__(name: str) -> Any:
    if _SIGN not in name:
        raise AttributeError(name)
    return _needs(name)


@cache
def _needs(name: str) -> type:
    """The class that a name tells: its kind and its fields."""
    kind, *fields = name.split(_SIGN)
    made: Any = namedtuple(kind, fields)  # type: ignore[misc]
    made.__module__ = __name__
    made.__qualname__ = name
    globals()[name] = made
    return cast("type", made)


def options(made: Any) -> dict[str, Any]:
    """How a kernel is compiled; it may be changed until its first call."""
    found: dict[str, Any] = made.jit.targetoptions
    return found


def own(function: Callable[..., Any], name: str, **names: Any) -> Kernel[..., Any]:
    """A kernel of a copy of a function, in which some names stand for something else."""
    scope = dict(function.__globals__) | names
    copy = FunctionType(function.__code__, scope, function.__name__, function.__defaults__)
    copy.__qualname__ = name
    copy.__doc__ = function.__doc__
    return kernel(copy)


@lru_cache(maxsize=128)
def sweeper(function: FunctionType, names: tuple[str, ...]) -> Kernel[..., None]:
    """`loop.batch` of one strategy's step, whose needs have these `places`; it gives the interpreter's lock back while it runs.

    function: the step as `argosy.kernels.linked` gives it
    """
    local.jit, keep.jit, bits.jit  # noqa: B018  (made before anything is linked to them)
    own_step, own_pick = kernel(function), kernel(PICKS[len(names)])
    for inner in (own_step, own_pick, execute, want, charge, strike, marked):
        options(inner)["forceinline"] = True
    for inner in (own_pick, execute, want, charge, strike, marked, untouched):
        options(inner)["_nrt"] = False  # all arrays are the caller's: nobody counts who holds them
    where = f"{function.__module__}_{function.__qualname__}"
    own_quiet = own(loop.quiet, f"quiet_{where}", step=own_step, pick=own_pick, Needs=needs_of(names))
    own_walk = own(loop.walk, f"walk_{where}", quiet=own_quiet)
    options(own_quiet)["_nrt"] = False
    made = own(loop.batch, f"sweep_{where}", walk=own_walk)
    options(own_walk)["_nrt"] = False
    options(made)["_nrt"] = False
    options(made)["nogil"] = True  # threads run combinations side by side
    return made
