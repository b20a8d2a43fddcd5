"""HEART §11: no fastmath, no integer power, no reductions of NumPy inside a kernel; read from the source of every kernel."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

KERNELS = Path(__file__).resolve().parents[2] / "argosy"
REDUCTIONS = frozenset({
    "sum", "nansum", "mean", "nanmean", "std", "nanstd", "var", "nanvar", "prod", "cumsum", "cumprod", "dot", "median", "average", "matmul",
    "einsum", "inner", "vdot", "trapezoid",
})  # fmt: skip
"""Names under numpy, or methods of an array, whose order of additions is the library's own."""


def kernels(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    """Functions that are decorated as kernels, with or without arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                name = decorator.func if isinstance(decorator, ast.Call) else decorator
                if (isinstance(name, ast.Name) and name.id == "kernel") or (isinstance(name, ast.Attribute) and name.attr == "kernel"):
                    yield node


def breaches(source: str) -> list[str]:
    """What breaks the law in a source text: (line) and what stands there."""
    tree = ast.parse(source)
    given = [node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "fastmath"]
    found = [f"{value.lineno}: fastmath" for value in given if not (isinstance(value, ast.Constant) and value.value is False)]
    for function in kernels(tree):
        for node in ast.walk(function):
            if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Pow):
                exponent = node.right if isinstance(node, ast.BinOp) else node.value
                if not (isinstance(exponent, ast.Constant) and isinstance(exponent.value, float)):
                    found.append(f"{node.lineno}: a power that may be an integer's")
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in REDUCTIONS:
                found.append(f"{node.lineno}: {node.func.attr}")
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
                found.append(f"{node.lineno}: @")
    return found


def modules() -> list[Path]:
    return [path for path in sorted(KERNELS.rglob("*.py")) if any(kernels(ast.parse(path.read_text())))]


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(KERNELS).as_posix())
def test_a_kernel_keeps_the_law(path: Path) -> None:
    assert breaches(path.read_text()) == []


def test_there_are_kernels_to_look_at() -> None:
    assert sum(len(list(kernels(ast.parse(path.read_text())))) for path in modules()) > 30


@pytest.mark.parametrize(
    "line",
    ["x = a ** 2", "x = a ** b", "x **= 2", "x = np.sum(a)", "x = a.mean()", "x = np.dot(a, b)", "x = a @ b"],
)
def test_a_planted_breach_is_found(line: str) -> None:
    source = f"@kernel\ndef f(a, b, x):\n    {line}\n    return x\n"
    assert len(breaches(source)) == 1
    assert breaches(source.replace("@kernel\n", "")) == []


def test_planted_fastmath_is_found_anywhere_and_a_float_s_power_is_allowed() -> None:
    assert breaches("f = numba.njit(fastmath=True)(g)\n") == ["1: fastmath"]
    assert breaches("f = numba.njit(fastmath=False)(g)\n") == []
    assert breaches("@kernel\ndef f(a):\n    return a ** 0.5\n") == []
