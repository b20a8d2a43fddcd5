"""One function, two ways to run it: `k.py` plain, `k.jit` compiled for bulk; never a bit of difference.

The law of kernels: no fastmath, no integer `**`, no NumPy reductions inside, one sequential step. Integers
are int64 when compiled, so what may leave int64 is guarded in the kernel. Both lanes divide alike:
`error_model="python"` makes machine code raise ZeroDivisionError where Python does; kernels of the house test
the divisor first. The compiler is not imported before the first `jit`.

Compiled code is kept under `${ARGOSY_CACHE or ~/.cache/argosy}/kernels/<key>`. The key names all sources of
this package, the files and constants of kernels elsewhere, the versions of numba, llvmlite and Python, and
the CPU: an edited callee gives another key, never an old answer. Where nothing can be written, code is
compiled for this process only. No other environment variable is read, and nothing old is deleted.
"""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, lru_cache, update_wrapper
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from threading import RLock
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, ModuleType
from typing import Any, Generic, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")

HOME = Path(__file__).resolve().parent
_LOCK = RLock()


class Uncompilable(Exception):
    """Machine code cannot be made of a kernel; the compiler's own words are its cause."""


class Kernel(Generic[P, R]):
    """One function in two lanes, equal to the bit; made by `@kernel`.

    k.fn   the function as it was written
    k.py   plain Python; kernels that it calls are plain too. It is `fn` itself when it calls none, so it
           costs nothing more
    k.jit  machine code; kernels that it calls are compiled in. Made at the first access, compiled at the
           first call of each types
    k(...) the same as k.jit(...)

    A kernel names the kernels that it calls by their own names (`from ... import notional`), never through a
    module. What names stand for is settled when the kernel is first linked.
    """

    def __init__(self, function: Callable[P, R]) -> None:
        if not isinstance(function, FunctionType):
            raise TypeError(f"KERNEL_SHAPE: {function!r} is not a plain function; decorate a def")
        update_wrapper(self, function)
        self.fn = function

    @cached_property
    def py(self) -> Callable[P, R]:
        """The plain lane; never imports the compiler."""
        with _LOCK:
            return cast("Callable[P, R]", _plain(self, {}))

    @cached_property
    def jit(self) -> Callable[P, R]:
        """The compiled lane; one dispatcher in a process, shared by all kernels that call this one."""
        with _LOCK:
            return cast("Callable[P, R]", _compiled(self, {}))

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.jit(*args, **kwargs)

    def prove(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the compiled lane with arguments of which it has nothing to do; Uncompilable where it cannot be made."""
        machine = self.jit
        try:
            return machine(*args, **kwargs)
        except Exception as error:  # the compiler raises many kinds
            raise Uncompilable(f"{self!r} cannot be compiled") from error

    def __reduce__(self) -> str:
        return self.fn.__qualname__

    def __repr__(self) -> str:
        return f"<kernel {self.fn.__module__}.{self.fn.__qualname__}>"

    @property
    def cache(self) -> Path | None:
        """Where its compiled code is kept; None for a closure, without a source file or a writable place."""
        if any(
            each.fn.__closure__ or not Path(each.fn.__code__.co_filename).exists() for each in reach(self)
        ):
            return None
        try:
            return _writable(str(root() / key(self)))
        except (OSError, RuntimeError):  # a source is gone; a user without a home
            return None


def kernel(function: Callable[P, R]) -> Kernel[P, R]:
    """Make a kernel of a plain function, its types kept; TypeError("KERNEL_SHAPE") for anything else."""
    return Kernel(function)


# -- linking -------------------------------------------------------------------------------------------------


def _names(code: CodeType) -> set[str]:
    """All names that code and the code inside it look up as globals or attributes."""
    names = set(code.co_names)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            names |= _names(inner)
    return names


def _uses(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """The (name, value) pairs of the globals that a function looks up; builtins are left out."""
    for name in sorted(_names(function.__code__)):
        if name in function.__globals__:
            yield name, function.__globals__[name]


def _cells(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """The (name, value) pairs of a closure."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        yield name, cell.cell_contents


def _callees(made: Kernel[..., Any]) -> dict[str, Kernel[..., Any]]:
    """The kernels that a kernel looks up as globals, by name; TypeError("KERNEL_LINK") where that fails."""
    found = {}
    for name, value in _uses(made.fn):
        if isinstance(value, Kernel):
            found[name] = value
        elif isinstance(value, ModuleType):
            for inner in sorted(_names(made.fn.__code__) & set(vars(value))):
                if isinstance(vars(value)[inner], Kernel):
                    fix = f"from {value.__name__} import {inner}"
                    raise TypeError(f"KERNEL_LINK: {made!r} reaches {name}.{inner} through a module; {fix}")
    defaults = (*(made.fn.__defaults__ or ()), *(made.fn.__kwdefaults__ or {}).values())
    if any(isinstance(value, Kernel) for value in defaults):
        raise TypeError(f"KERNEL_LINK: {made!r} has a kernel as a default; call it by its own name")
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


Version = Callable[[Kernel[..., Any]], Any]


def _relinked(made: Kernel[..., Any], seal: Callable[[FunctionType], Any], version: Version) -> Any:
    """A copy of a kernel's function, sealed, in which the kernels it names are of the same lane."""
    function = made.fn
    callees = _callees(made)
    scope = dict(function.__globals__)
    cells = tuple(CellType(value) for _, value in _cells(function))
    copy = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, cells or None)
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__qualname__ = function.__qualname__
    copy.__doc__ = function.__doc__
    sealed = seal(copy)  # before its callees: a kernel may call itself
    for name, callee in callees.items():
        scope[name] = version(callee)
    for cell in cells:
        if isinstance(cell.cell_contents, Kernel):
            cell.cell_contents = version(cell.cell_contents)
    return sealed


def _plain(made: Kernel[..., Any], memo: dict[Kernel[..., Any], Any]) -> Any:
    if made in memo:
        return memo[made]
    if not _callees(made) and not any(isinstance(value, Kernel) for _, value in _cells(made.fn)):
        return made.fn

    def seal(copy: FunctionType) -> FunctionType:
        memo[made] = copy
        return copy

    return _relinked(made, seal, lambda callee: _plain(callee, memo))


def _compiled(made: Kernel[..., Any], memo: dict[Kernel[..., Any], Any]) -> Any:
    if made in memo:
        return memo[made]
    if "jit" in made.__dict__:
        return made.__dict__["jit"]

    def seal(copy: FunctionType) -> Any:
        memo[made] = _dispatcher(copy, made.cache)
        return memo[made]

    sealed = _relinked(made, seal, lambda callee: _compiled(callee, memo))
    made.__dict__["jit"] = sealed
    return sealed


def _dispatcher(function: FunctionType, place: Path | None) -> Any:
    """What compiles a function when it is called, from and to `place`; without one, for this process only."""
    numba = import_module("numba")
    _listen()
    if place is not None:
        before = numba.config.CACHE_DIR
        numba.config.CACHE_DIR = str(place)
        try:
            return _general(numba.njit(cache=True, error_model="python", fastmath=False)(function))
        except RuntimeError:  # the compiler finds no place there after all
            pass
        finally:
            numba.config.CACHE_DIR = before
    return _general(numba.njit(error_model="python", fastmath=False)(function))


def _general(made: Any) -> Any:
    """The same, compiled once for a type and not anew for each constant that a caller writes down."""
    unliteral = import_module("numba.core.types").unliteral
    template = made.get_call_template

    def general(args: Any, kws: Any) -> Any:
        return template(tuple(map(unliteral, args)), {name: unliteral(value) for name, value in kws.items()})

    made.get_call_template = general
    return made


# -- whoever waits for the compiler ----------------------------------------------------------------------------------------


_TOLD: list[Callable[[str], None]] = []


@contextmanager
def watched(told: Callable[[str], None]) -> Iterator[None]:
    """While it lasts, `told` is called with the name of each kernel before machine code of it is made; not for code from disk."""
    _TOLD.append(told)
    try:
        yield
    finally:
        _TOLD.remove(told)


def _tell(_: Any, event: Any) -> None:
    """Pass a kernel's name on; what is no kernel but the compiler's own is passed over."""
    made = event.data["dispatcher"].py_func
    if not made.__module__.startswith("numba."):
        for told in _TOLD:
            told(made.__name__)


@lru_cache(maxsize=1)
def _listen() -> None:
    """Hear from the compiler when it begins."""
    event = import_module("numba.core.event")
    ear = type("Ear", (event.Listener,), {"on_start": _tell, "on_end": lambda _, event: None})
    event.register("numba:compile", ear())


# -- the cache -----------------------------------------------------------------------------------------------


def root() -> Path:
    """The directory of all compiled kernels: `${ARGOSY_CACHE or ~/.cache/argosy}/kernels`."""
    return Path(os.environ.get("ARGOSY_CACHE") or Path.home() / ".cache" / "argosy") / "kernels"


@lru_cache(maxsize=64)
def _writable(place: str) -> Path | None:
    """The directory, made if need be; None when nothing can be written there."""
    try:
        Path(place).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            return Path(place)
    except OSError:
        return None


@lru_cache(maxsize=1)
def _base() -> bytes:
    """What all keys share: the sources of this package, the toolchain and the CPU."""
    digest = blake2b(digest_size=16)
    versions = (
        import_module("numba").__version__,
        import_module("llvmlite").__version__,
        platform.python_version(),
    )
    for name in (*versions, import_module("llvmlite.binding").get_host_cpu_name()):
        digest.update(name.encode() + b"\0")
    for path in sorted(HOME.rglob("*.py")):
        digest.update(path.relative_to(HOME).as_posix().encode() + b"\0")
        digest.update(blake2b(path.read_bytes()).digest())
    return digest.digest()


def key(made: Kernel[..., Any]) -> str:
    """The name of the cache that a kernel belongs to: 32 hex digits.

    Kernels of this package share one; they take their constants from no other package. A kernel from
    elsewhere adds its own file, the files of the plain functions that it names, and the values of the
    constants that it names; its own and those of all kernels that it reaches.
    """
    digest = blake2b(_base(), digest_size=16)
    for name, content in sorted(_outside(made)):
        digest.update(blake2b(name.encode()).digest() + blake2b(content).digest())
    return digest.hexdigest()


def _outside(made: Kernel[..., Any]) -> set[tuple[str, bytes]]:
    """What a kernel depends on beyond this package: (file, function or constant's name, content)."""
    found: set[tuple[str, bytes]] = set()
    seen: set[FunctionType] = set()
    todo: list[FunctionType] = [each.fn for each in reach(made)]
    while todo:
        function = todo.pop()
        file = Path(function.__code__.co_filename)
        if function in seen or file.resolve().is_relative_to(HOME):
            continue
        seen.add(function)
        found.add((file.name, file.read_bytes()))
        found.add((function.__qualname__, _content(function.__code__)))
        names = _names(function.__code__)
        values = [*_uses(function), *_cells(function)]
        modules: set[int] = set()
        for name, value in values:
            inner = getattr(value, "py_func", getattr(value, "fn", value))
            if isinstance(inner, FunctionType | BuiltinFunctionType | type):
                found.add((name, f"{inner.__module__}.{inner.__qualname__}".encode()))
            if isinstance(inner, FunctionType):
                todo.append(inner)
            elif isinstance(value, ModuleType):
                if id(value) not in modules:  # modules name one another
                    modules.add(id(value))
                    values += [(f"{name}.{own}", vars(value)[own]) for own in sorted(names & set(vars(value)))]
            elif hasattr(value, "tobytes") and hasattr(value, "dtype") and not isinstance(value, type):
                found.add((name, f"{value.dtype}{value.shape}".encode() + value.tobytes()))
            elif isinstance(value, (bool, int, float, complex, str, tuple)):
                found.add((name, repr(value).encode()))
    return found


def _content(code: CodeType) -> bytes:
    """What tells two functions of one name and one file apart."""
    inner = b"".join(_content(each) for each in code.co_consts if isinstance(each, CodeType))
    plain = [each for each in code.co_consts if not isinstance(each, CodeType)]
    return b"\0".join((code.co_code, repr((plain, code.co_names, code.co_firstlineno)).encode(), inner))
