"""Write the table of docs/decisions/011-what-the-gate-refuses.md from the rules themselves.

    python scripts/gate_page.py            write it
    python scripts/gate_page.py --print    only show it
"""

from __future__ import annotations

import ast
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from argosy.engine.rules.profiles import PROFILES, SHELF

PAGE = Path(__file__).resolve().parent.parent / "docs/decisions/011-what-the-gate-refuses.md"
BEGIN, END = "<!-- rules: begin -->", "<!-- rules: end -->"


def numbers(module: ModuleType) -> list[str]:
    """The names under which a rule tells what it compared: the text keys of its dicts, in the order of the source."""
    found: dict[str, None] = {}
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        keys: list[ast.expr | None] = list(node.keys) if isinstance(node, ast.Dict) else []
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            keys = [node.slice]
        found |= {key.value: None for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
    return list(found)


def limits(shape: Any, over: dict[str, Any]) -> str:
    """The limits of a profile as they are written in settings; those that are off are left out."""
    said = []
    for name in shape.__struct_fields__:
        value = over.get(name, getattr(shape(), name))
        if name != "currency" and value is not None:
            said.append(f"{name} {str(value).lower() if isinstance(value, bool) else f'{value:g}'}")
    return ", ".join(said) or ("off" if shape.__struct_fields__ else "always")


def table() -> str:
    """All rules in the order in which they are asked."""
    rows = ["| rule, what it does | codes | numbers told | exits too | `lab` | `desk` |", "|---|---|---|---|---|---|"]
    for name, (make, shape) in SHELF.items():
        module = sys.modules[make.__module__]
        about = (module.__doc__ or "").split("\n")[0].split(";")[0].rstrip(".")
        codes = " ".join(f"`{code}`" for code in make.codes)  # type: ignore[attr-defined]
        told = " ".join(numbers(module)) or "–"
        exits = "yes" if make.guards_exits else "no"  # type: ignore[attr-defined]
        rows.append(
            f"| `{name}`: {about[0].lower() + about[1:]} | {codes} | {told} | {exits} "
            f"| {limits(shape, PROFILES['lab'].get(name, {}))} | {limits(shape, PROFILES['desk'].get(name, {}))} |"
        )
    return "\n".join(rows)


def written(page: str) -> str:
    """The page with its table made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    if "--print" in sys.argv:
        print(table())
    else:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
