"""A step made ready for the compiler: the same lines, with functions that raise where Python raises.

`linked(step)` reads the step's source, puts the kernels of `argosy.kernels.checked` where it names `math.sqrt`, `int`
and the like, and compiles it to Python anew: same file, same lines, same globals and closure. It is for steps of which
`argosy.kernels.plain.foreign` has nothing to say. It never runs a step, and never imports the compiler.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import linecache
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from tokenize import TokenError
from types import CodeType, FunctionType, ModuleType
from typing import Any

from argosy.kernels.checked import STANDS_FOR

MISSING = object()
"""What a name stands for that nothing is known of."""


def original(step: FunctionType) -> ast.FunctionDef | None:
    """The tree of a step, its lines counted as in its file; None where the source is not that of the code."""
    code = step.__code__
    linecache.checkcache(code.co_filename)
    lines = linecache.getlines(code.co_filename, step.__globals__)[code.co_firstlineno - 1 :]
    try:
        block = inspect.getblock(lines)
        inner = block[0][:1] in (" ", "\t")
        tree = ast.parse("".join(["if 1:\n", *block] if inner else block))
    except (IndexError, SyntaxError, TokenError):  # no such line; no block of its own
        return None
    ast.increment_lineno(tree, code.co_firstlineno - (2 if inner else 1))
    first = tree.body[0]
    found = first.body[0] if inner and isinstance(first, ast.If) else first
    if not isinstance(found, ast.FunctionDef):
        return None
    found.decorator_list = []
    for imported in _imports(step):
        try:
            if _means(_compiled(found, code, imported)) == _means(code):
                return found
        except SyntaxError:  # a nonlocal of other source
            return None
    return None


def _imports(step: FunctionType) -> Iterator[list[str]]:
    """What the file may have imported, likeliest first: calls of attributes of imported names are compiled in another way."""
    named = [name for name in step.__code__.co_names if name in step.__globals__]
    yield [name for name in named if isinstance(step.__globals__[name], ModuleType)]
    yield named
    yield []


def _compiled(tree: ast.FunctionDef, code: CodeType, imported: Sequence[str] = ()) -> CodeType:
    """The code of a function's tree, with the closure and in the file of `code`."""
    free = [ast.arg(name) for name in code.co_freevars]
    outer = ast.FunctionDef(
        name="outer", args=ast.arguments([], free, None, [], [], None, []), body=[tree], decorator_list=[], lineno=1, col_offset=0
    )  # fmt: skip
    outer.type_params = []  # type: ignore[attr-defined, unused-ignore]  # Python 3.12 asks for it
    imports: list[ast.stmt] = [ast.Import([ast.alias(name) for name in imported])] if imported else []
    module = ast.fix_missing_locations(ast.Module([*imports, outer], []))
    found: CodeType = compile(module, code.co_filename, "exec", dont_inherit=True)
    for _ in range(2):  # the code of outer, and in it that of the function
        found = next(each for each in found.co_consts if isinstance(each, CodeType))
    return found


def _means(code: CodeType) -> tuple[Any, ...]:
    """What a code does, wherever it stands; the flag 0x10 says that it stands inside a function, those above 0xFF are the file's."""
    return code.co_code, code.co_flags & 0xEF, code.co_argcount, code.co_kwonlyargcount, _within(code)


def _within(code: CodeType) -> tuple[Any, ...]:
    """The names and constants of a code; 1, 1.0 and True differ, and so do 0.0 and -0.0."""
    consts = [(each.co_code, _within(each)) if isinstance(each, CodeType) else repr(each) for each in code.co_consts]
    return code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, consts


def meaning(step: FunctionType, name: str) -> Any:
    """What a name that is not local stands for in a step: of its closure, its globals, the language; else MISSING."""
    if name in step.__code__.co_freevars:
        cell = (step.__closure__ or ())[step.__code__.co_freevars.index(name)]
        try:
            return cell.cell_contents
        except ValueError:  # nothing is in it yet
            return MISSING
    return step.__globals__.get(name, vars(builtins).get(name, MISSING))


def called(step: FunctionType, node: ast.expr) -> Any:
    """What a call calls: a global, one of the closure, or a function of a module; else MISSING."""
    if isinstance(node, ast.Name) and node.id not in step.__code__.co_varnames:
        return meaning(step, node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        module = called(step, node.value)
        if isinstance(module, ModuleType):
            return vars(module).get(node.attr, MISSING)
    return MISSING


def stands_for(found: Any) -> Any:
    """The kernel that stands for a function of Python when compiled; None where it may stay."""
    return STANDS_FOR.get(found) if found is int or inspect.isbuiltin(found) else None


class _Rewriter(ast.NodeTransformer):
    """Names kernels where a step names functions that differ compiled. used: those kernels by their new names."""

    def __init__(self, step: FunctionType) -> None:
        self.step = step
        self.used: dict[str, Any] = {}

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        found = called(self.step, node.func)
        if found is float and node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
            return ast.copy_location(ast.Constant(float(node.args[0].value)), node)
        made = stands_for(found)
        if made is not None:
            name = f"checked.{made.fn.__name__}"  # no name of a user's has a dot
            self.used[name] = made
            node.func = ast.copy_location(ast.Name(name, ast.Load()), node.func)
        return node


def _numbers(step: FunctionType) -> tuple[tuple[str, str], ...]:
    """The immutable values that a step names, by name: it is linked anew when one of them has changed."""
    code = step.__code__
    found = {name: meaning(step, name) for name in (*code.co_names, *code.co_freevars)}
    return tuple(
        (name, f"{type(value).__name__} {value!r}" if isinstance(value, bool | int | float) else str(id(value)))
        for name, value in sorted(found.items())
    )


def _named(value: Any) -> str:
    """What a function, a kernel or a type is called, wherever it is used from."""
    inner = getattr(value, "fn", getattr(value, "py_func", value))
    return f"{getattr(inner, '__module__', '')}.{getattr(inner, '__qualname__', type(value).__qualname__)}"


def linked(step: FunctionType) -> FunctionType:
    """The step as `kernel` may take it: raises compiled what it raises in Python. TypeError("KERNEL_SOURCE") without source.

    The same function comes back for the same step, until a global or a closure that it names has another value. Its
    qualified name carries a digest of all that it means, so that compiled code kept on disk is never that of another.
    """
    return _linked(step, _numbers(step))


@lru_cache(maxsize=128)
def _linked(step: FunctionType, numbers: tuple[tuple[str, str], ...]) -> FunctionType:
    tree = original(step)
    if tree is None:
        raise TypeError(f"KERNEL_SOURCE: the source of {step.__qualname__} cannot be read")
    rewriter = _Rewriter(step)
    rewriter.visit(tree)
    code = _compiled(tree, step.__code__)
    cells: Mapping[str, Any] = dict(zip(step.__code__.co_freevars, step.__closure__ or (), strict=True))
    scope = dict(step.__globals__) | rewriter.used
    own = FunctionType(
        code.replace(co_qualname=step.__code__.co_qualname), scope, step.__name__, None,
        tuple(cells[name] for name in code.co_freevars) or None,
    )  # fmt: skip
    known = [(name, _named(meaning(step, name)) if text[:1].isdigit() else text) for name, text in numbers]
    digest = blake2b(repr((code.co_code, _within(code), known)).encode(), digest_size=6).hexdigest()
    own.__qualname__ = f"{step.__qualname__}_{digest}"
    own.__module__ = step.__module__
    own.__doc__ = step.__doc__
    own.__annotations__ = step.__annotations__
    return own
