"""The table of all indicators for the handbook, made from what they are; it says nothing that they do not."""

from __future__ import annotations

from importlib import import_module
from inspect import Parameter, signature

from argosy.kernels.indicators.indicator import DEFINITIONS

UNITS = {"price": "as what it reads", "ratio": "none", "volume": "volume"}


def call(name: str) -> str:
    """How it is written, with its defaults: `rsi(14)`; a parameter without one stands as its name."""
    maker = getattr(import_module("argosy.kernels.indicators"), name)
    shown = [each for each in signature(maker).parameters.values() if each.name not in ("every", "of")]
    parts = [
        each.name if each.default is Parameter.empty else f"{each.name}={each.default}" for each in shown
    ]
    return f"{name}({', '.join(parts)})"


def table() -> str:
    """Markdown, one row an indicator, in order of the alphabet."""
    rows = [
        "| indicator | reads | gives | unit at a split | first value | remembers | source |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in sorted(DEFINITIONS):
        each = DEFINITIONS[name]
        made = example(name)
        units = dict.fromkeys(UNITS[scale] for scale in each.scale)
        own = len(each.inputs) == 1 or each.free
        cells = (
            f"`{call(name)}`",
            ", ".join(each.inputs) + (" or `of`" if own else ""),
            ", ".join(each.outputs),
            " / ".join(units),
            " / ".join(str(row) for row in dict.fromkeys(each.warmup(made))),
            "all rows" if each.memory else "its window",
            each.source,
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def example(name: str) -> tuple[float, ...]:
    """The params of its defaults, with n = 10 where there is none."""
    maker = getattr(import_module("argosy.kernels.indicators"), name)
    bare = [each for each in signature(maker).parameters.values() if each.default is Parameter.empty]
    params: tuple[float, ...] = maker(*[10 for _ in bare]).params
    return params
