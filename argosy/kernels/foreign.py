"""Tells the user about a line of a step that machine code would do otherwise: where it is, what it is, what to write.

It decides nothing: `argosy.kernels.plain` does.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from types import FunctionType
from typing import NamedTuple

WORDS: Mapping[type, tuple[str, str]] = {
    ast.For: ("is a loop", "write its turns one below the other"),
    ast.While: ("is a loop", "write its turns one below the other"),
    ast.JoinedStr: ("is text", "put words into explain"),
    ast.Dict: ("is a dict", "use if and else, or fields of state"),
    ast.List: ("is a list", "use names, or fields of state"),
    ast.Tuple: ("is a tuple", "use names, or fields of state"),
    ast.Subscript: ("looks into a container", "use names, or fields of state"),
    ast.Attribute: ("is not a number of row, needs, state, params or out", "import the number itself by its name"),
    ast.Raise: ("raises", "return, or write 0.0 to out.target"),
    ast.Assert: ("asserts", "return, or write 0.0 to out.target"),
    ast.Lambda: ("is a function", "write it out in the step"),
    ast.FunctionDef: ("is a function inside the step", "write it out in the step"),
    ast.NamedExpr: ("assigns inside an expression", "assign on a line of its own"),
}


class Foreign(NamedTuple):
    """The first thing in a step that machine code would do otherwise: its line in the file, what it is, what to write."""

    line: int
    what: str
    fix: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}; {self.fix}"


class Found(Exception):
    """What ends a walk through a step: not an error but its answer."""

    def __init__(self, foreign: Foreign) -> None:
        self.foreign = foreign


def stop(node: ast.AST, what: str, fix: str) -> Found:
    """What to raise at a node."""
    text = ast.unparse(node).partition("\n")[0]
    text = text if len(text) <= 60 else f"{text[:57]}..."
    return Found(Foreign(getattr(node, "lineno", 0), f"`{text}` {what}", fix))


def stop_power(node: ast.AST, base: str, power: ast.expr) -> Found:
    """What to raise at a power, with the product that the user means."""
    value = power.value if isinstance(power, ast.Constant) else None
    base = base if base.replace(".", "").isidentifier() else "x"
    fixes: Mapping[object, str] = {2: f"write {base} * {base}", 3: f"write {base} * {base} * {base}", 0.5: f"write math.sqrt({base})"}
    return stop(node, "rounds differently compiled", fixes.get(value, "write products, or math.exp(power * math.log(x))"))


def stop_call(node: ast.AST, found: object) -> Found:
    """What to raise at a call that cannot be followed, or not with these arguments."""
    if found is round:
        return stop(node, "rounds to digits differently compiled", "write round(x * 100.0) / 100.0, say, which is done alike")
    if found is math.log:
        return stop(node, "has a base", "write math.log(x) / math.log(base)")
    if isinstance(found, FunctionType):
        return stop(node, "calls a plain function", "write it out in the step")
    return stop(node, "calls what is not known to be alike compiled", "use abs, min, max, round, int, float, bool and plain math")
