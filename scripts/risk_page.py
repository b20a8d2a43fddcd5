"""Write the tables of docs/risk.md from the rules, the breakers and the alarms themselves.

    python scripts/risk_page.py            write them
    python scripts/risk_page.py --print    only show them
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import argosy.engine
from argosy.engine.breakers import DESK, Breakers
from argosy.engine.rules.profiles import PROFILES, SHELF

PAGE = Path(__file__).resolve().parent.parent / "docs/risk.md"
ENGINE = Path(argosy.engine.__file__).parent
BREAKERS = {
    "DAILY_LOSS": ("daily_loss_frac", "", "equity below the day's start, or below the last resume after it, as a fraction"),
    "DRAWDOWN": ("drawdown_frac", "", "equity below its peak, as a fraction"),
    "PNL_VELOCITY": ("velocity_frac", "velocity_s", "equity below its highest within a time, as a fraction"),
    "CONSECUTIVE_LOSSES": ("losses", "", "orders in a row that closed at a loss, of the whole account"),
    "REJECT_STORM": ("rejects", "rejects_s", "orders and amends that the venue refused within a time"),
    "REPEATED_EXECUTION": ("repeats", "repeats_s", "orders that filled on one side of one instrument within a time"),
    "RECONCILE_DRIFT": ("drifts", "", "instruments at once that the venue counts otherwise"),
    "FEED_GAP": ("silence_s", "", "seconds in session without any price of what strategies trade"),
}
"""Cause -> (limit, its window, what is counted)."""


WORDS = {
    "MAX_ORDER_QTY": "one order is larger than allowed", "MAX_ORDER_NOTIONAL": "one order is worth more than allowed",
    "STREAM_RECONCILING": "a connection is down, or is being compared", "NAKED_OPTION": "options that are written would not be covered",
    "NO_REFERENCE": "no price, or none that is young enough, is known to judge this order", "MAX_GROSS": "positions added up are too much",
    "MAX_NET": "longs less shorts are too much", "MAX_LEVERAGE": "positions added up are too much for the equity",
    "EXECUTION_UNKNOWN": "an execution was taken back of which nothing is known", "PROTECTION_REFUSED": "the gate refused a stop or target",
    "STRATEGY_QUARANTINED": "a strategy raised an error and was stopped", "VENUE_REFUSES": "the venue refuses the same thing again and again",
    "CANCEL_REFUSED": "the venue refuses a cancel again and again; it is asked ever more seldom",
    "SAGA_LATE": "a protection that was to make way is not gone in time, or what it made way for is not done; that is wanted no more",
    "FX_STALE": "a currency has no rate, or an old one",
}  # fmt: skip
"""What a code says where its refusals say several things, or what they saw."""


def said(source: str, name: str) -> Iterator[tuple[str, str]]:
    """(code, text) of every Refused or Alarm that a source makes; what is filled in later stands as …"""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == name and node.args):
            continue
        codes = [leaf.value for leaf in ast.walk(node.args[0]) if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)]
        text = _text(node.args[-1 if name == "Refused" else 1])
        for code in codes:
            if code.isupper():
                yield code, text


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(value) if isinstance(value, ast.Constant) else "…" for value in node.values)
    return ""


def limits(shape: Any, over: dict[str, Any]) -> str:
    """The limits of a profile; those that are off are left out."""
    found = []
    for name in shape.__struct_fields__:
        value = over.get(name, getattr(shape(), name))
        if name != "currency" and value is not None:
            found.append(f"`{name} = {str(value).lower() if isinstance(value, bool) else f'{value:g}'}`")
    return " ".join(found) or ("off" if shape.__struct_fields__ else "always")


def codes() -> str:
    """Every code of the gate, in the order in which it is asked."""
    rows = ["| code | what it says | exits too | set in | `lab` | `desk` |", "|---|---|---|---|---|---|"]
    for name, (make, shape) in SHELF.items():
        texts: dict[str, str] = {}
        for code, text in said(inspect.getsource(sys.modules[make.__module__]), "Refused"):
            if text and code not in texts:
                texts[code] = text
        exits = "yes" if make.guards_exits else "no"  # type: ignore[attr-defined]
        for code in make.codes:  # type: ignore[attr-defined]
            lab, desk = limits(shape, PROFILES["lab"].get(name, {})), limits(shape, PROFILES["desk"].get(name, {}))
            rows.append(f"| `{code}` | {WORDS.get(code) or texts.get(code, '–')} | {exits} | `[risk.{name}]` | {lab} | {desk} |")
    return "\n".join(rows)


def breakers() -> str:
    """Every breaker, with its limit."""
    rows = ["| alarm and cause | what is counted | limit in `[breakers]` | `desk` | L2 at |", "|---|---|---|---|---|"]
    for cause, (limit, window, what) in BREAKERS.items():
        value = getattr(DESK, limit)
        within = f" within `{window} = {getattr(DESK, window):g}`" if window else ""
        rows.append(f"| `{cause}` | {what} | `{limit}` | {value:g}{within} | {1.5 * value:g} |")
    return "\n".join(rows)


def alarms() -> str:
    """Every alarm of the engine."""
    found: dict[str, str] = {}
    for path in sorted(ENGINE.rglob("*.py")):
        for code, text in said(path.read_text(encoding="utf-8"), "Alarm"):
            found.setdefault(code, WORDS.get(code) or text)
    return "\n".join(["| alarm | what it says |", "|---|---|", *(f"| `{code}` | {text} |" for code, text in sorted(found.items()))])


def written(page: str) -> str:
    """The page with its tables made anew."""
    for name, made in (("codes", codes()), ("breakers", breakers()), ("alarms", alarms())):
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(end)
        page = f"{before}{begin}\n{made}\n{end}{after}"
    return page


__all__ = ["BREAKERS", "ENGINE", "PAGE", "Breakers", "alarms", "breakers", "codes", "written"]

if __name__ == "__main__":
    if "--print" in sys.argv:
        print(codes(), breakers(), alarms(), sep="\n\n")
    else:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
