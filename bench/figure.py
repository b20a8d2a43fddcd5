"""A figure: one measured number with what it should be, whom it is compared with, and whether its result was right."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
NOISY = "absolute, the machine is noisy"


class Budget(NamedTuple):
    """What a figure should be.

    at_least or at_most: the bound, in `unit`; neither: the figure is only read
    gate: whether missing the bound fails the bench (ratios and counts; an absolute time never does)
    """

    unit: str
    at_least: float | None = None
    at_most: float | None = None
    gate: bool = False

    @property
    def bound(self) -> float | None:
        return self.at_most if self.at_least is None else self.at_least

    def met(self, value: float) -> bool:
        """Whether a value is within the bound."""
        if self.at_least is not None and value < self.at_least:
            return False
        return self.at_most is None or value <= self.at_most


@cache
def budgets() -> dict[str, Budget]:
    """Every budget by the name of its figure, as bench/budgets.toml has them."""
    rows: dict[str, dict[str, Any]] = tomllib.loads((HERE / "budgets.toml").read_text())
    return {name: Budget(**row) for name, row in rows.items()}


class Figure(NamedTuple):
    """One line of the table.

    value: None when it could not be measured; peer_value: the other's, in the same unit; ratio: better is greater
    wrong: why the result that was timed does not count, "" when it was checked and right
    ok:    None not measured; False wrong or beyond its budget; True otherwise
    fails: whether it fails the bench: a wrong result, or a gated budget missed
    """

    name: str
    value: float | None
    unit: str = ""
    budget: float | None = None
    peer: str = ""
    peer_value: float | None = None
    ratio: float | None = None
    ok: bool | None = None
    note: str = ""
    fails: bool = False

    def row(self) -> dict[str, Any]:
        """The figure as bench/latest.json keeps it."""
        kept = ("name", "value", "unit", "budget", "peer", "peer_value", "ratio", "ok", "note")
        return {key: _short(getattr(self, key)) for key in kept}


def figure(
    name: str,
    value: float | None,
    *,
    wrong: str = "",
    note: str = "",
    peer: str = "",
    peer_value: float | None = None,
    ratio: float | None = None,
) -> Figure:
    """A figure held against its budget. A ratio that is gated is a figure of its own, in the unit "x"."""
    budget = budgets()[name]
    if value is None:
        return Figure(name, None, budget.unit, budget.bound, peer, peer_value, ratio, None, note or "not measured")
    met = budget.met(value)
    if wrong:
        note = f"does not count: {wrong}"
    elif not met:
        note = f"short of its budget{'' if budget.gate else f' ({NOISY}, not gated)'}" + (f"; {note}" if note else "")
    fails = bool(wrong) or (budget.gate and not met)
    return Figure(name, value, budget.unit, budget.bound, peer, peer_value, ratio, met and not wrong, note, fails)


def broken(name: str, why: str) -> Figure:
    """A figure that was not reached because its measurement raised; it fails the bench."""
    budget = budgets()[name]
    return Figure(name, None, budget.unit, budget.bound, ok=False, note=f"its measurement broke: {why}", fails=True)


def _short(value: Any) -> Any:
    """A number with five digits that mean something, so that files of figures can be read."""
    if not isinstance(value, float):
        return value
    return int(value) if value.is_integer() and abs(value) < 1e15 else float(f"{value:.5g}")
