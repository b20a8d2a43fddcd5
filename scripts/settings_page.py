"""Write the tables of docs/configuration.md from the settings themselves.

    python scripts/settings_page.py            write them
    python scripts/settings_page.py --print    only show them
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from argosy.cli.explain import explain, keys
from argosy.desk.keys import NAMES
from argosy.desk.permit import BOUND
from argosy.desk.reload import LOOSE
from argosy.settings import sections
from argosy.settings.environment import KNOWN, variable

PAGE = Path(__file__).resolve().parent.parent / "docs/configuration.md"


def tables() -> str:
    """Every key of every section: default, bounds, unit, meaning; the rules of risk have a page of their own."""
    rows: dict[str, list[str]] = {}
    for key in keys():
        section, _, name = key.rpartition(".")
        if section.startswith("risk."):
            continue
        fact = explain(key, None)
        bounds = ", ".join(part for part in (fact.bounds.replace("|", "or"), fact.unit) if part)
        rows.setdefault(section, []).append(f"| `{name}` | `{fact.default}` | {bounds} | {fact.about} |")
    out: list[str] = []
    for section, lines in rows.items():
        out += [f"### [{section}]", "", *_about(section), "| key | default | bounds, unit | what it means |", "|---|---|---|---|", *lines, ""]
    return "\n".join(out).rstrip()


def _about(section: str) -> list[str]:
    """What a section is for, as its class says."""
    field = sections.Settings.model_fields.get(section)
    kind = getattr(field, "annotation", None)
    text = inspect.getdoc(kind) if isinstance(kind, type) else ""
    return [*(text or "").split("\n\n", maxsplit=1)[:1], ""] if text else []


def rules() -> str:
    """The keys of the rules of risk, one line a rule."""
    found: dict[str, list[str]] = {}
    for key in keys():
        section, _, name = key.rpartition(".")
        if section.startswith("risk."):
            found.setdefault(section, []).append(f"`{name}`")
    return "\n".join(["| section | keys |", "|---|---|", *(f"| `[{section}]` | {', '.join(names)} |" for section, names in found.items())])


def names() -> str:
    """Names in the environment that are not made from a key."""
    rows = ["| variable | what it sets |", "|---|---|", *(f"| `{name}` | `{key}`; `{variable(key)}` beats it |" for name, key in KNOWN.items())]
    for mode, pair in NAMES.items():
        if mode in ("paper", "live"):
            rows.append(f"| {', '.join(f'`{one}`' for one in pair)} | keys of the account in mode {mode}; else from the keystore |")
    return "\n".join(rows)


def loose() -> str:
    """What may change while a desk runs."""
    found = [f"`desk.{name}`" for name in sorted(LOOSE)]
    bound = [f"`{name}`" for name in sorted(BOUND - {"risk"})]
    return f"All of `[risk.*]`, and {', '.join(found)}. Under an arming not `[risk.*]`, {', '.join(bound)}: the record binds them."


def written(page: str) -> str:
    """The page with its tables made anew."""
    for name, made in (("keys", tables()), ("rules", rules()), ("names", names()), ("loose", loose())):
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        before, found, rest = page.partition(begin)
        inside, closed, after = rest.partition(end)
        if not (found and closed):
            raise SystemExit(f"{PAGE.name} has no place for {name}: {inside[:40]}")
        page = f"{before}{begin}\n{made}\n{end}{after}"
    return page


if __name__ == "__main__":
    if "--print" in sys.argv:
        print(tables(), rules(), names(), loose(), sep="\n\n")
    else:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
