"""The laws of the house that a reader of the source can check: each takes a file and names what breaks it, with the line.

A tree is the folder of a package laid out like `argosy/`. Nothing is imported and nothing is run; the files are parsed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

HEART = ("core", "kernels", "engine", "strategies", "venues/sim", "replay.py")
"""Where no clock, chance, environment or network may be read."""

OUTSIDE = (
    "time", "random", "secrets", "uuid", "socket", "ssl", "select", "selectors", "asyncio", "threading", "multiprocessing",
    "subprocess", "signal", "urllib", "http", "requests", "httpx", "aiohttp", "websockets", "picows", "numpy.random",
    "os.environ", "os.environb", "os.getenv", "os.urandom", "os.times", "os.getrandom",
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
)  # fmt: skip
"""Dotted names of the world outside; naming one, or anything below it, is a breach."""

ALLOWED = {
    (
        "kernels/kernel.py",
        "os.environ",
    ),  # where compiled kernels are cached is the machine's business; no result depends on it
    ("kernels/kernel.py", "threading"),  # two threads that call a kernel first wait for one compilation
}
"""The exceptions, by file and name."""

GATES = frozenset({"engine/risk.py", "engine/stretch.py", "engine/turns.py", "testing/venue_kit.py", "exchange/admission.py"})
"""The gate; the kit that tests venues, which stands in its place there and trades with nobody; and the simulated exchange's own gate."""

MODE = re.compile(r"\b(is_live|is_backtest|dry_run|RunMode)\b")
HOMELESS = frozenset({"common", "utils", "util", "helpers", "helper", "misc", "shared"})
TITLES = re.compile(r"(Manager|Handler|Helper|Utils?)$")
LONGEST = 500
GUEST = ("argosy.core", "argosy.kernels")
"""All of the house that a strategy may name."""


class Breach(NamedTuple):
    """One broken law: the file under the tree, the line, the law's name and what stands there."""

    file: str
    line: int
    law: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.law}: {self.text}"


def _within(name: str, rooms: tuple[str, ...]) -> bool:
    return any(name == room or name.startswith(room + "/") for room in rooms)


def _named(tree: ast.AST) -> dict[str, str]:
    """Local names that an import binds, each with the dotted name it stands for."""
    bound: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                bound[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return bound


def _dotted(node: ast.expr, bound: dict[str, str]) -> str:
    """The dotted name that an expression stands for; "" when it is no imported name."""
    if isinstance(node, ast.Name):
        return bound.get(node.id, "")
    if isinstance(node, ast.Attribute):
        base = _dotted(node.value, bound)
        return f"{base}.{node.attr}" if base else ""
    return ""


def _mentions(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every outside name that a module imports or uses, with its line."""
    bound = _named(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Attribute):
            yield node.lineno, _dotted(node, bound)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("__import__", "import_module"):
                yield node.lineno, str(node.args[0].value)


def world(name: str, text: str) -> Iterator[Breach]:
    """No clock, chance, environment or network in the heart: what happens comes in as events."""
    if not _within(name, HEART):
        return
    seen: set[tuple[int, str]] = set()
    for line, dotted in _mentions(ast.parse(text)):
        for outside in OUTSIDE:
            named = dotted == outside or dotted.startswith(outside + ".")
            if named and (name, outside) not in ALLOWED and (line, outside) not in seen:
                seen.add((line, outside))
                yield Breach(name, line, "world", f"{outside} in the heart")


def mode(name: str, text: str) -> Iterator[Breach]:
    """Nobody but house.py asks which kind of run it is."""
    if name == "house.py":
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if found := MODE.search(line):
            yield Breach(name, number, "mode", f"{found[0]} outside house.py")


def approval(name: str, text: str) -> Iterator[Breach]:
    """Only the risk gate makes an Approved."""
    if name in GATES or "Approved" not in text:
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called == "Approved":
                yield Breach(name, node.lineno, "approval", "Approved is made outside the gate")


def guest(name: str, text: str) -> Iterator[Breach]:
    """A strategy names core and kernels, and nothing else of the house."""
    if not _within(name, ("strategies",)):
        return
    for node in ast.walk(ast.parse(text)):
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = ["." * node.level + (node.module or "")]
        for module in modules:
            ours = module.startswith((".", "argosy"))
            if ours and not any(module == room or module.startswith(room + ".") for room in GUEST):
                yield Breach(name, node.lineno, "guest", f"a strategy imports {module}")


def purpose(name: str, text: str) -> Iterator[Breach]:
    """The first line of every module says what it is for."""
    first = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0].strip()
    if len(first.split()) < 4 or not (first[0].isupper() or first[0] in "`'\""):
        yield Breach(name, 1, "purpose", f"the first line is no sentence: {first!r}")


def homes(name: str, text: str) -> Iterator[Breach]:
    """No room for homeless things, and no class that only manages others."""
    for part in (*Path(name).parent.parts, Path(name).stem):
        if part in HOMELESS:
            yield Breach(name, 1, "homes", f"{part} names no noun")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef) and TITLES.search(node.name):
            yield Breach(name, node.lineno, "homes", f"class {node.name} says no noun")


def length(name: str, text: str) -> Iterator[Breach]:
    """A file that needs more than LONGEST lines is two."""
    lines = len(text.splitlines())
    if lines > LONGEST:
        yield Breach(name, lines, "length", f"{lines} lines, more than {LONGEST}")


LAWS: dict[str, Callable[[str, str], Iterator[Breach]]] = {
    law.__name__: law for law in (world, mode, approval, guest, purpose, homes, length)
}


@cache
def _judged(law: str, name: str, text: str) -> tuple[Breach, ...]:
    """What breaks a law in one file; a text that was judged is not read again."""
    return tuple(LAWS[law](name, text))


def breaches(tree: Path, *names: str) -> list[Breach]:
    """What breaks the laws of these names (all, if none is named) in a tree, in order of file and line."""
    if not (tree / "core").is_dir():
        raise FileNotFoundError(f"{tree} is no house: it has no core")
    texts = [(path.relative_to(tree).as_posix(), path.read_text()) for path in tree.rglob("*.py")]
    return sorted(breach for law in names or LAWS for name, text in texts for breach in _judged(law, name, text))
