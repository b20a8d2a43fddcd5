"""Says whether a step does as machine code exactly what it does in Python, and if not, which line does not and why.

It reads the step's source and follows what each expression may be, on every path: a float, an int with a bound, a truth
value. What it does not know it does not let through. It never runs the step, and never imports the compiler.

Ints stay exact where the starting values are `small` and a run has fewer than 2**31 rows: see `argosy.kernels.kinds`.
"""

from __future__ import annotations

import ast
import dis
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import FunctionType, ModuleType
from typing import Any

from argosy.kernels.checked import INTS, NUMBERS, TRUTHS
from argosy.kernels.foreign import WORDS, Foreign, Found, stop, stop_call, stop_power
from argosy.kernels.kernel import Kernel, reach
from argosy.kernels.kinds import (
    COUNT,
    EXACT,
    FLOAT,
    KEPT_TIME,
    LAST,
    MADE,
    MOST,
    NEITHER,
    START,
    TIME,
    TRUTH,
    UNKNOWN,
    Value,
    join,
    keeps,
    plus,
)  # fmt: skip
from argosy.kernels.linked import MISSING, called, linked, meaning, original

__all__ = ["Foreign", "foreign", "linked", "mixed", "small"]

ARGUMENTS = ("row", "needs", "state", "params", "out")

_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod)
_PARSED = frozenset({"inf", "-inf", "nan", "infinity", "-infinity"})


def small(values: Iterable[object]) -> bool:
    """Whether the ints among the params and the starting values of a state are below 2**31, as `foreign` takes for granted."""
    return not any(type(value) is int and abs(value) >= START for value in values)


def foreign(step: Callable[..., Any], types: Mapping[str, Mapping[str, str]]) -> Foreign | None:
    """What in a step does not mean the same compiled; None when all of it does, once it is `linked`.

    types: of the fields of row, needs, state, params and out, by argument: "f" float, "i" int, "b" bool; "m" a float field
           that may begin as an int (`peak: float = 0`)
    It speaks of the step as its names stand now: of its globals and its closure, which the compiler freezes.
    """
    found = _followed(step, types)
    return found if isinstance(found, Foreign) else None


def mixed(step: Callable[..., Any], types: Mapping[str, Mapping[str, str]]) -> frozenset[tuple[str, str]]:
    """The float fields, as (argument, name), in which Python may leave an int where machine code leaves the equal float."""
    found = _followed(step, types)
    return frozenset() if isinstance(found, Foreign) else frozenset(found)


def _followed(step: Callable[..., Any], types: Mapping[str, Mapping[str, str]]) -> Foreign | set[tuple[str, str]]:
    if not isinstance(step, FunctionType):
        return Foreign(0, "the step is not a plain function", "write it as a def in the class, under @staticmethod")
    tree = original(step)
    if tree is None:
        line = step.__code__.co_firstlineno
        return Foreign(line, "its source cannot be read", "write it as a def of its own, in a file, and start anew")
    ints = {(base, name) for base, fields in types.items() for name, kind in fields.items() if kind == "m"}
    wide: set[tuple[str, str]] = set()
    try:
        while True:  # what a field may hold is known once the step has been followed with all that it may put there
            before = len(ints) + len(wide)
            _Walk(step, types, ints, wide).whole(tree)
            if len(ints) + len(wide) == before:
                return ints
    except Found as found:
        return found.foreign


class _Walk:
    """One way through a step. mixed, wide: fields found to hold an int among floats, and times; both grow."""

    def __init__(
        self, step: FunctionType, types: Mapping[str, Mapping[str, str]], mixed: set[tuple[str, str]], wide: set[tuple[str, str]]
    ) -> None:
        self.step = step
        self.types = types
        self.mixed = mixed
        self.wide = wide
        self.locals = set(step.__code__.co_varnames)
        self.additions = 0

    def whole(self, tree: ast.FunctionDef) -> None:
        given = tree.args
        if tuple(each.arg for each in given.args) != ARGUMENTS or any(
            (given.posonlyargs, given.vararg, given.kwonlyargs, given.kwarg, given.defaults)
        ):
            raise stop(tree, "has other arguments", f"write def step({', '.join(ARGUMENTS)})")
        self.block(tree.body, {})

    # -- statements --------------------------------------------------------------------------------------------------

    def block(self, body: Sequence[ast.stmt], env: dict[str, Value]) -> dict[str, Value] | None:
        """The locals after some statements, None when they always return."""
        now: dict[str, Value] | None = env
        for node in body:
            if now is None:
                raise stop(node, "is never reached", "remove it")
            now = self.statement(node, now)
        return now

    def statement(self, node: ast.stmt, env: dict[str, Value]) -> dict[str, Value] | None:
        match node:
            case ast.Pass() | ast.Expr(value=ast.Constant()) | ast.AnnAssign(value=None):
                pass
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self.unpack(target, value, env)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self.assign(target, self.expr(value, env), env)
            case ast.AugAssign(target=target, op=op, value=value):
                self.assign(target, self.binary(node, op, (target, value), self.expr(target, env), self.expr(value, env)), env)
            case ast.Return(value=None | ast.Constant(value=None)):
                return None
            case ast.If(test=test, body=body, orelse=orelse):
                self.test(test, env)
                one, other = self.block(body, dict(env)), self.block(orelse, dict(env))
                if one is None or other is None:
                    return other if one is None else one
                return {name: join(one[name], other[name]) for name in one if name in other}
            case _:
                raise stop(node, *WORDS.get(type(node), ("is not arithmetic, a comparison or an if", "write it without")))
        return env

    def unpack(self, target: ast.expr, value: ast.expr, env: dict[str, Value]) -> None:
        if not isinstance(value, ast.Tuple):
            self.assign(target, self.expr(value, env), env)
            return
        if not isinstance(target, ast.Tuple | ast.List) or len(target.elts) != len(value.elts):
            raise stop(value, *WORDS[ast.Tuple])
        found = [self.expr(each, env) for each in value.elts]
        for place, each in zip(target.elts, found, strict=True):
            self.assign(place, each, env)

    def assign(self, target: ast.expr, value: Value, env: dict[str, Value]) -> None:
        match target:
            case ast.Name(id=name) if name not in ARGUMENTS:
                env[name] = value
            case ast.Attribute(value=ast.Name(id="state" | "out" as base), attr=name):
                self.keep(target, base, name, value)
            case _:
                raise stop(target, "cannot be assigned to", "write to names, to fields of state, and to out")

    def keep(self, node: ast.expr, base: str, name: str, value: Value) -> None:
        """A value comes into a field."""
        kind = self.field(node, base, name).kind
        if value.kind == "b" or kind == "b":
            if value.kind != kind:
                fix = "write True or False" if kind == "b" else "write (1.0 if ... else 0.0)"
                raise stop(node, "mixes truth values with numbers", fix)
            return
        if value.kind not in "fim":
            raise stop(node, "takes a number of unknown kind", "write float(...)")
        if kind == "i" and value.kind != "i":
            raise stop(node, "is an int field and takes a float, which would be cut", "write int(...), or make the field a float: 0.0")
        if value.kind == "f":
            return
        if not keeps(value):
            raise stop(node, "may grow out of the ints of machine code", "count by single steps, keep it smaller by %, or use floats")
        if kind == "i":
            if value.bound > COUNT:
                self.wide.add((base, name))
        elif value.bound > EXACT:
            raise stop(node, "is a float field and takes an int too great for it", "write float(...)")
        else:
            self.mixed.add((base, name))

    # -- expressions -------------------------------------------------------------------------------------------------

    def test(self, node: ast.expr, env: dict[str, Value]) -> None:
        """An expression of which only the truth is asked."""
        match node:
            case ast.BoolOp(values=values):
                for each in values:
                    self.test(each, env)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self.test(operand, env)
            case _:
                self.expr(node, env)

    def expr(self, node: ast.expr, env: dict[str, Value]) -> Value:
        match node:
            case ast.Constant(value=value):
                return self.constant(node, value)
            case ast.Name(id=name):
                return self.name(node, name, env)
            case ast.Attribute(value=ast.Name(id=base), attr=name):
                if base in ARGUMENTS:
                    return self.field(node, base, name)
                module = MISSING if base in self.locals else meaning(self.step, base)
                if isinstance(module, ModuleType) and module.__name__ in ("math", "numpy"):
                    return self.constant(node, vars(module).get(name))
                raise stop(node, *WORDS[ast.Attribute])
            case ast.UnaryOp(op=op, operand=operand):
                return self.unary(node, op, self.expr(operand, env), operand)
            case ast.BinOp(left=left, op=op, right=right):
                return self.binary(node, op, (left, right), self.expr(left, env), self.expr(right, env))
            case ast.Compare(left=left, ops=ops, comparators=others):
                return self.compare(node, ops, [self.expr(each, env) for each in (left, *others)])
            case ast.BoolOp(values=values):
                return self.either(node, [self.expr(each, env) for each in values])
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self.test(test, env)
                return self.either(node, [self.expr(body, env), self.expr(orelse, env)])
            case ast.Call():
                return self.call(node, env)
            case _:
                raise stop(node, *WORDS.get(type(node), ("is not arithmetic or a comparison", "write it without")))

    def constant(self, node: ast.expr, value: object) -> Value:
        if type(value) is float:
            return FLOAT
        if type(value) is bool:
            return TRUTH
        if type(value) is int and abs(value) <= EXACT:
            size = abs(value)
            return Value("i", size if size <= MADE else max(size, COUNT + 1))
        if type(value) is int:
            raise stop(node, "is an int beyond 2**53", "use a float, or smaller units")
        if type(value) is str:
            raise stop(node, *WORDS[ast.JoinedStr])
        raise stop(node, "is not a float, an int or a bool", "name numbers only; what changes belongs into state")

    def name(self, node: ast.expr, name: str, env: dict[str, Value]) -> Value:
        if name in env:
            if env[name] is NEITHER:
                raise stop(node, "may be one of two kinds here", "give it floats on every path, or truth values on every path")
            return env[name]
        if name in ARGUMENTS:
            raise stop(node, "is used whole", "use its fields")
        if name in self.locals:
            raise stop(node, "is not set on every path to here", "set it before the if")
        return self.constant(node, meaning(self.step, name))

    def field(self, node: ast.expr, base: str, name: str) -> Value:
        kind = self.types.get(base, {}).get(name, "")
        if (base, name) in self.mixed:
            return Value("m", COUNT)
        if kind == "i":
            bound = {"row": TIME, "params": START}.get(base, KEPT_TIME if (base, name) in self.wide else COUNT)
            return Value("i", bound)
        if kind not in ("f", "b"):
            raise stop(node, f"is no number of {base}", "declare it as a float, an int or a bool")
        return FLOAT if kind == "f" else TRUTH

    def numbers(self, node: ast.AST, *values: Value) -> None:
        """Stops at what cannot be reckoned with."""
        for value in values:
            if value.kind == "b":
                raise stop(node, "reckons with a truth value", "write (1.0 if ... else 0.0)")
            if value.kind == "u":
                raise stop(node, "reckons with a number of unknown kind", "write float(...) around the call")

    def unary(self, node: ast.expr, op: ast.unaryop, value: Value, operand: ast.expr) -> Value:
        if isinstance(op, ast.Not):
            return TRUTH
        self.numbers(node, value)
        if isinstance(op, ast.Invert):
            raise stop(node, "works on bits", "use not, or arithmetic")
        if isinstance(op, ast.USub) and value.kind == "m":
            raise stop(node, "may be an int in Python, whose 0 has no sign", f"write -float({ast.unparse(operand)})")
        return value

    def binary(self, node: ast.AST, op: ast.operator, sides: tuple[ast.expr, ast.expr], a: Value, b: Value) -> Value:
        if isinstance(op, ast.Pow):
            raise stop_power(node, ast.unparse(sides[0]), sides[1])
        if not isinstance(op, _ARITHMETIC):
            raise stop(node, "works on bits or matrices", "use + - * / // % and comparisons")
        self.numbers(node, a, b)
        if "f" in (a.kind, b.kind):
            return FLOAT
        mixed = "m" in (a.kind, b.kind)
        exact = EXACT if mixed else LAST
        match op:
            case ast.Div():
                if max(a.bound, b.bound) > EXACT:
                    raise stop(node, "divides ints too great for a float", "write float(...) around both")
                return FLOAT
            case ast.Add() | ast.Sub():
                self.additions += 1
                made = plus(a, b)
            case _ if mixed:
                raise stop(node, "may be of ints in Python, whose 0 has no sign", "write float(...) around one of them")
            case ast.Mult():
                made = Value("i", a.bound * b.bound, steady=False)
            case ast.FloorDiv():
                divisor = sides[1].value if isinstance(sides[1], ast.Constant) else 0
                literal = abs(divisor) if type(divisor) is int else 0
                made = Value("i", a.bound // literal + 1 if literal > 1 else a.bound, a.steady)
            case _:
                made = Value("i", b.bound, b.steady)
        if made.bound > exact or self.additions > MOST:
            raise stop(node, "may be too great for an int of machine code", "write float(...) around one of them")
        return made

    def compare(self, node: ast.Compare, ops: Sequence[ast.cmpop], values: Sequence[Value]) -> Value:
        for k, op in enumerate(ops):
            a, b = values[k], values[k + 1]
            if not isinstance(op, ast.Eq | ast.NotEq | ast.Lt | ast.LtE | ast.Gt | ast.GtE):
                raise stop(node, "asks for identity or membership", "use == and the like")
            if a.kind == b.kind == "b" and isinstance(op, ast.Eq | ast.NotEq):
                continue
            self.numbers(node, a, b)
            if (a.kind, b.kind) != ("i", "i") and max(a.bound, b.bound) > EXACT:
                raise stop(node, "compares a float with an int too great for one", "write float(...) around the int")
        return TRUTH

    def either(self, node: ast.AST, values: Sequence[Value]) -> Value:
        """One of several values."""
        found = values[0]
        for value in values[1:]:
            found = join(found, value)
        if found is NEITHER:
            raise stop(node, "may be one of two kinds", "use floats alone, or truth values alone")
        return found

    def call(self, node: ast.Call, env: dict[str, Value]) -> Value:
        found = called(self.step, node.func)
        if node.keywords or any(isinstance(each, ast.Starred) for each in node.args):
            raise stop(node, "names its arguments", "give them by place")
        match node.args:
            case [ast.Constant(value=str(text))] if found is float and text.strip().lower() in _PARSED:
                return FLOAT
        given = [self.expr(each, env) for each in node.args]
        if isinstance(found, Kernel) or type(found).__name__ == "CPUDispatcher":
            loose = getattr(found, "targetoptions", {}).get("fastmath") or _has_power(found)
            if loose or isinstance(node.func, ast.Attribute) or any(each.kind not in "fib" for each in given):
                raise stop(node, "is no kernel of plain numbers, called by its own name", "give it float(...), without ** and fastmath in it")
            return UNKNOWN
        known = found if any(found is each for each in _BUILTINS) or _of_math(found) else None
        if known is None:
            raise stop_call(node, found)
        if known is max or known is min:
            if len(given) < 2:
                raise stop(node, "takes one argument", "give two or more numbers")
            self.numbers(node, *given)
            return self.either(node, given)
        if len(given) != (2 if known is math.atan2 else 1):
            raise stop_call(node, found)
        value = given[0]
        if known is bool and value.kind != "u":
            return TRUTH
        if known is float and value.kind == "u":
            return FLOAT
        self.numbers(node, *given)
        if known is abs:
            return value
        if known in INTS:
            if value.kind == "i":
                raise stop(node, "is of an int already", "leave it out")
            return Value("i", MADE)
        return TRUTH if known in TRUTHS else FLOAT


_BUILTINS: Sequence[Any] = (abs, min, max, int, float, bool, round)


def _has_power(found: Any) -> bool:
    """Whether a kernel has a power, which the compiler reckons otherwise where a constant of the step comes to it."""
    codes = [each.fn.__code__ for each in reach(found)] if isinstance(found, Kernel) else [found.py_func.__code__]
    return any(
        {"pow", "power"} & set(code.co_names) or any(each.argrepr in ("**", "**=") for each in dis.get_instructions(code)) for code in codes
    )


def _of_math(found: object) -> bool:
    return getattr(found, "__module__", "") == "math" and (found in NUMBERS | INTS | TRUTHS or found is math.atan2)
