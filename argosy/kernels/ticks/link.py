"""Puts a strategy's own step into the loop over ticks; one compiled loop for each step, kept on disk like every kernel."""

from __future__ import annotations

from functools import lru_cache
from types import FunctionType

from argosy.kernels.kernel import Kernel, kernel, reach
from argosy.kernels.local import bits, keep, local
from argosy.kernels.sweep.account import charge
from argosy.kernels.sweep.link import options, own
from argosy.kernels.ticks import loop

HOME = loop.__name__.rpartition(".")[0]
INNER = {"_nrt": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""How kernels are compiled that only other ones call: all arrays are the caller's, and Python has no way in."""


@lru_cache(maxsize=128)
def ticker(function: FunctionType) -> Kernel[..., None]:
    """`loop.batch` of one strategy's step; it gives the interpreter's lock back while it runs.

    function: the step as `argosy.kernels.linked` gives it
    """
    local.jit, keep.jit, bits.jit  # noqa: B018  (made before anything is linked to them)
    own_step = kernel(function)
    options(own_step)["forceinline"] = True
    options(charge)["forceinline"] = True
    for inner in reach(kernel(loop.walk)):
        if inner.fn.__module__.startswith(HOME):
            options(inner).update(INNER)
    where = f"{function.__module__}_{function.__qualname__}"
    own_quiet = own(loop.quiet, f"tick_quiet_{where}", step=own_step)
    options(own_quiet).update(INNER)
    own_walk = own(loop.walk, f"tick_walk_{where}", quiet=own_quiet)
    options(own_walk).update(INNER)
    made = own(loop.batch, f"ticks_{where}", walk=own_walk)
    options(made)["_nrt"] = False
    options(made)["nogil"] = True  # threads run combinations side by side
    return made
