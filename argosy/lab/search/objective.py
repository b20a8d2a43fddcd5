"""What is sought and what must hold: a figure to raise or to lower, and plain comparisons; it runs nothing that is written in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from operator import eq, ge, gt, le, lt, ne
from typing import Any

import msgspec

from argosy.core.errors import Misuse
from argosy.lab.statistics.catalogue import NAMES, better

END = "end_equity"
"""What the account is worth at the end: the one figure of a trial that is no statistic."""
FIGURES: dict[str, int] = {name: better(name) for name in NAMES} | {END: 1}
"""Figures of a trial, those of `lab.statistics`: 1 where more is better, -1 where less is, 0 where it must be said."""

_OPS: dict[str, Callable[[Any, Any], bool]] = {">=": ge, "<=": le, ">": gt, "<": lt, "==": eq, "!=": ne}
_RULE = re.compile(r"\s*([A-Za-z_]\w*)\s*(>=|<=|==|!=|>|<)\s*(?:([A-Za-z_]\w*)|([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(%?))\s*")
BAD = 1e12
"""Worth of a trial that has no figure, with the sign of the worse."""


class Objective(msgspec.Struct, frozen=True):
    """A figure, and its sign: 1 to raise it, -1 to lower it."""

    name: str
    sign: int

    def better(self, one: float, other: float) -> bool:
        """Whether `one` is better than `other`; what is no number never is."""
        return one == one and (other != other or self.sign * one > self.sign * other)

    @property
    def text(self) -> str:
        return f"{'max' if self.sign > 0 else 'min'} {self.name}"


def objective(text: str) -> Objective:
    """ "sharpe", or with a way of its own "min:volatility", "max:exposure".

    Misuse("SEARCH_OBJECTIVE") for an unknown figure, and for one of which neither more nor less is better where nobody says which is.
    """
    way, sign, name = text.rpartition(":")
    name = name.strip()
    if name not in FIGURES or way.strip() not in ("", "min", "max") or (sign and not way):
        raise Misuse(
            "SEARCH_OBJECTIVE", f"{text!r} is no figure to search by", where="--objective", fix=f"one of {', '.join(FIGURES)}; or min:NAME, max:NAME"
        )
    found = {"max": 1, "min": -1, "": FIGURES[name]}[way.strip()]
    if not found:
        raise Misuse("SEARCH_OBJECTIVE", f"of {name} neither more nor less is better", where="--objective", fix=f"max:{name} or min:{name}")
    return Objective(name, found)


class Rule(msgspec.Struct, frozen=True):
    """`left` compared with a number or with another name: `trades >= 30`, `max_drawdown <= 20 %`, `fast < slow`."""

    left: str
    op: str
    right: str
    bound: float

    @property
    def text(self) -> str:
        return f"{self.left} {self.op} {self.right or f'{self.bound:g}'}"

    def names(self) -> tuple[str, ...]:
        """The names in it."""
        return (self.left, self.right) if self.right else (self.left,)

    def broken(self, values: Mapping[str, Any]) -> float:
        """How far it is broken, relative to its bound; 0 when it holds, infinite where a figure is missing."""
        left, right = values.get(self.left), values.get(self.right) if self.right else self.bound
        if left is None or right is None or left != left or right != right:
            return float("inf")
        if _OPS[self.op](left, right):
            return 0.0
        try:
            return max(1e-9, abs(float(left) - float(right)) / max(1.0, abs(float(right))))
        except ValueError:  # words
            return 1.0


def rules(texts: Sequence[str], params: Sequence[str]) -> tuple[Rule, ...]:
    """The rules of such texts; names are figures or parameters. Misuse("SEARCH_CONSTRAINT") for anything else."""
    return tuple(_rule(text, params) for text in texts)


def _rule(text: str, params: Sequence[str]) -> Rule:
    match = _RULE.fullmatch(text)
    if match is None:
        raise Misuse(
            "SEARCH_CONSTRAINT", f"{text!r} is no comparison", where="--constraint",
            fix='write a name, one of >= <= > < == !=, and a number or a name: "trades>=30", "max_drawdown<=0.2", "fast<slow"',
        )  # fmt: skip
    left, op, right, number, pct = match.groups()
    for name in (left, right):
        if name and name not in FIGURES and name not in params:
            known = ", ".join((*FIGURES, *params))
            what = f"{name!r} in {text!r} is neither a figure nor a parameter"
            raise Misuse("SEARCH_CONSTRAINT", what, where="--constraint", fix=f"known: {known}")
    return Rule(left, op, right or "", float(number) / (100.0 if pct else 1.0) if number else 0.0)


def broken(held: Sequence[Rule], values: Mapping[str, Any]) -> float:
    """How far all rules together are broken; 0 when all hold."""
    return sum(rule.broken(values) for rule in held)


def worth(sought: Objective, figure: float, off: float) -> float:
    """A number that a search can compare: the figure itself, or, where a rule is broken by `off`, one that is worse than any."""
    if isfinite(figure) and not off:
        return figure
    return -sought.sign * BAD * (1.0 + min(off, 1e6))
