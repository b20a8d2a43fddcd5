"""What a kernel is: one plain function that gives the same bits as Python and as machine code; numba waits until asked for.

The law of kernels: no fastmath, no integer `**`, no NumPy reductions inside, one sequential step. Both lanes divide alike:
`error_model="python"` makes machine code raise ZeroDivisionError where Python does. (With "numpy" it would go on with inf
where Python stops, and a strategy would live differently in the sweep than in the walk.) Kernels of the house test the
divisor first, so that the check costs a branch that is never taken.

Compiled code is kept under `${ARGOSY_CACHE or ~/.cache/argosy}/kernels/<key>`. The key names all sources of this package,
the files of a user's kernel and of what it calls, the versions of numba, llvmlite and Python, and the CPU: an edited callee
gives another key, never an old answer. Where that place cannot be written, code is compiled for this process only. This
module never reads another environment variable.
"""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache, update_wrapper
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any, Generic, ParamSpec, TypeVar, cast

from argosy.core.errors import Misuse

P = ParamSpec("P")
R = TypeVar("R")

HOME = Path(__file__).resolve().parent
_ABSENT = object()


class Kernel(Generic[P, R]):
    """One function in two lanes, equal to the bit; made by `@kernel`.

    k.py(...)   plain Python; kernels that it calls are plain Python too (right for one scalar call: 75 ns against 213)
    k.jit(...)  machine code; kernels that it calls are compiled in (right in bulk); made at the first access
    k(...)      the same as k.jit(...)

    A kernel names the kernels it calls by their own names (`from ... import notional`), not through a module: Misuse
    KERNEL_LINK otherwise.
    """

    def __init__(self, function: Callable[P, R]) -> None:
        if not isinstance(function, FunctionType):
            raise Misuse("KERNEL_SHAPE", f"{function!r} is not a plain function", fix="decorate a def at the top of a module")
        update_wrapper(self, function)
        self.fn = function

    @cached_property
    def py(self) -> Callable[P, R]:
        """The plain Python lane; never imports numba."""
        return cast("Callable[P, R]", _linked(self, {}, lambda fresh, _: fresh))

    @cached_property
    def jit(self) -> Callable[P, R]:
        """The compiled lane; imports numba at the first access and compiles at the first call of each signature."""
        return cast("Callable[P, R]", _linked(self, {}, _compiled))

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.jit(*args, **kwargs)

    def __reduce__(self) -> str:
        return self.fn.__qualname__

    def __repr__(self) -> str:
        return f"<kernel {self.fn.__module__}.{self.fn.__qualname__}>"

    @property
    def cache(self) -> Path | None:
        """Where the compiled code is kept; None when it cannot be kept (a closure, typed at a prompt, no writable place)."""
        if any(each.fn.__closure__ or not os.path.exists(each.fn.__code__.co_filename) for each in reach(self)):
            return None
        return _writable(str(root() / key(self)))


def kernel(function: Callable[P, R]) -> Kernel[P, R]:
    """Make a plain function a kernel; Misuse("KERNEL_SHAPE") for anything else."""
    return Kernel(function)


# -- linking -------------------------------------------------------------------------------------------------------------


def _names(code: CodeType) -> set[str]:
    """All names that code and the code inside it look up as globals or attributes."""
    names = set(code.co_names)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            names |= _names(inner)
    return names


def _uses(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """The (name, value) pairs of globals that a function looks up; builtins are left out."""
    for name in sorted(_names(function.__code__)):
        value = function.__globals__.get(name, _ABSENT)
        if value is not _ABSENT:
            yield name, value


def _cells(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """The (name, value) pairs of a closure."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        yield name, cell.cell_contents


def _callees(made: Kernel[..., Any]) -> dict[str, Kernel[..., Any]]:
    """The kernels that a kernel looks up as globals, by name."""
    function = made.fn
    found = {}
    names = _names(function.__code__)
    for name, value in _uses(function):
        if isinstance(value, Kernel):
            found[name] = value
        elif isinstance(value, ModuleType):
            for inner in names & set(vars(value)):
                if isinstance(vars(value)[inner], Kernel):
                    fix = f"from {value.__name__} import {inner}"
                    raise Misuse("KERNEL_LINK", f"{made!r} reaches {name}.{inner} through a module", fix=fix)
    return found


def reach(made: Kernel[..., Any]) -> tuple[Kernel[..., Any], ...]:
    """A kernel and all kernels that it calls, directly or not; itself first."""
    found = {made: None}
    todo = [made]
    while todo:
        each = todo.pop()
        captured = (value for _, value in _cells(each.fn) if isinstance(value, Kernel))
        for callee in (*_callees(each).values(), *captured):
            if callee not in found:
                found[callee] = None
                todo.append(callee)
    return tuple(found)


def _linked(
    made: Kernel[..., Any],
    memo: dict[Kernel[..., Any], Any],
    finish: Callable[[FunctionType, Kernel[..., Any]], Any],
) -> Any:
    """The function of a kernel rebuilt so that each kernel it names is that kernel's version of the same lane."""
    if made in memo:
        return memo[made]
    function = made.fn
    callees = _callees(made)
    scope = dict(function.__globals__) if callees else function.__globals__
    cells = tuple(CellType(value) for _, value in _cells(function))
    fresh = function
    if callees or cells or function.__defaults__ or function.__kwdefaults__:
        fresh = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, cells)
        fresh.__kwdefaults__ = function.__kwdefaults__
        fresh.__qualname__ = function.__qualname__
        fresh.__doc__ = function.__doc__
    memo[made] = finished = finish(fresh, made)
    for name, callee in callees.items():
        scope[name] = _linked(callee, memo, finish)
    for cell in cells:
        if isinstance(cell.cell_contents, Kernel):
            cell.cell_contents = _linked(cell.cell_contents, memo, finish)
    if fresh.__defaults__ and any(isinstance(value, Kernel) for value in fresh.__defaults__):
        raise Misuse("KERNEL_LINK", f"{made!r} has a kernel as a default argument", fix="call it by its own name")
    return finished


def _compiled(fresh: FunctionType, made: Kernel[..., Any]) -> Any:
    """A compiled dispatcher that keeps its code at the kernel's own place."""
    numba = import_module("numba")
    place = made.cache
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(place or before)
    try:
        return numba.njit(cache=place is not None, error_model="python", fastmath=False)(fresh)
    finally:
        numba.config.CACHE_DIR = before


# -- the cache -----------------------------------------------------------------------------------------------------------


def root() -> Path:
    """The directory of all compiled kernels: `${ARGOSY_CACHE or ~/.cache/argosy}/kernels`."""
    return Path(os.environ.get("ARGOSY_CACHE") or Path.home() / ".cache" / "argosy") / "kernels"


@lru_cache(maxsize=64)
def _writable(place: str) -> Path | None:
    """The directory, made if need be; None when nothing can be written there."""
    try:
        os.makedirs(place, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            return Path(place)
    except OSError:
        return None


@lru_cache(maxsize=1)
def _base() -> bytes:
    """What all keys share: the sources of this package, the toolchain and the CPU."""
    digest = blake2b(digest_size=16)
    for version in (import_module("numba").__version__, import_module("llvmlite").__version__):
        digest.update(version.encode() + b"\0")
    digest.update(platform.python_version().encode() + b"\0")
    digest.update(import_module("llvmlite.binding").get_host_cpu_name().encode() + b"\0")
    for path in sorted(HOME.rglob("*.py")):
        digest.update(str(path.relative_to(HOME)).encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.digest()


def key(made: Kernel[..., Any]) -> str:
    """The name of the cache that a kernel belongs to: 32 hex digits.

    Kernels of this package share one. A kernel from elsewhere adds its files, the files of the plain functions that it
    names, and the values of the constants that it names, its own and of all kernels it reaches.
    """
    digest = blake2b(_base(), digest_size=16)
    for path, text in sorted(_outside(made)):
        digest.update(path.encode() + b"\0" + text + b"\0")
    return digest.hexdigest()


def _outside(made: Kernel[..., Any]) -> set[tuple[str, bytes]]:
    """What a kernel depends on beyond this package: (file name or constant's name, content)."""
    found: set[tuple[str, bytes]] = set()
    for each in reach(made):
        file = Path(each.fn.__code__.co_filename)
        if file.resolve().is_relative_to(HOME):
            continue
        found |= _source(file)
        for name, value in (*_uses(each.fn), *_cells(each.fn)):
            inner = getattr(value, "py_func", value)
            if isinstance(inner, FunctionType):
                found |= _source(Path(inner.__code__.co_filename))
            elif hasattr(value, "tobytes") and hasattr(value, "dtype"):
                found.add((name, f"{value.dtype}{value.shape}".encode() + value.tobytes()))
            elif isinstance(value, (bool, int, float, str, tuple)):
                found.add((name, repr(value).encode()))
    return found


def _source(file: Path) -> set[tuple[str, bytes]]:
    return {(file.name, file.read_bytes())} if file.exists() else set()
