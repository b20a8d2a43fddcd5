"""Which combinations a sweep tries, and what each needs; the order is that of the grid, the last name turning fastest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import msgspec

from argosy.core import plugins
from argosy.core.errors import Misuse
from argosy.core.strategy import Declaration, declare
from argosy.engine.steps import strange
from argosy.kernels.sweep.link import MOST_NEEDS

Grid = Mapping[str, Iterable[object] | object]


class Combination(NamedTuple):
    """One choice of parameters. given: the values of the grid; params: all, as the step sees them; needs: its indicators."""

    given: tuple[Any, ...]
    params: tuple[Any, ...]
    needs: tuple[Any, ...]
    warmup: int


class Plan(NamedTuple):
    """A strategy and all its combinations. names: of the grid, in order; fields: of its params Struct."""

    declaration: Declaration
    names: tuple[str, ...]
    fields: tuple[str, ...]
    combinations: list[Combination]


def plan(strategy: str | type, grid: Grid, fixed: Mapping[str, object]) -> Plan:
    """Every combination of the grid, with `fixed` values for the rest.

    Raises Misuse: SWEEP_STRATEGY (what a sweep cannot run), SWEEP_GRID (an empty or doubled name), and what `declare` raises.
    """
    cls = strategy if isinstance(strategy, type) else plugins.load("argosy.strategies", strategy)
    doubled = set(grid) & set(fixed)
    if doubled:
        raise Misuse("SWEEP_GRID", f"{', '.join(sorted(doubled))} is both in the grid and fixed", fix="give it once")
    axes = {name: _axis(name, values) for name, values in grid.items()}
    return points(cls, tuple(axes), list(product(*axes.values())), fixed)


def points(cls: type, names: tuple[str, ...], rows: Sequence[tuple[object, ...]], fixed: Mapping[str, object]) -> Plan:
    """The plan of chosen combinations, a row of values each, in the order given; there is one at least. Raises as `plan` does."""
    first = declare(cls, "", **fixed, **dict(zip(names, rows[0], strict=True)))
    _check(first)
    fields = first.params.__struct_fields__
    shape = type(first.params)
    kinds = tuple(type(getattr(first.params, field)) for field in fields)
    own_needs, own_warmup = getattr(cls, "needs", {}), getattr(cls, "warmup", 0)
    found = []
    for given in rows:
        chosen = dict(fixed) | dict(zip(names, given, strict=True))
        try:
            params = msgspec.convert(chosen, shape, strict=False)
        except msgspec.ValidationError:
            declare(cls, "", **chosen)  # says it in the strategy's own words
            raise
        needs = tuple((own_needs(params) if callable(own_needs) else own_needs).values())
        warmup = int(own_warmup(params) if callable(own_warmup) else own_warmup)
        values = tuple(getattr(params, field) for field in fields)
        if tuple(map(type, values)) != kinds:
            raise Misuse("SWEEP_GRID", f"{chosen} makes parameters of other kinds than the first choice", where=cls.__qualname__, fix="one kind each")
        kept = tuple(getattr(params, name) for name in names)
        found.append(Combination(kept, values, needs, max([warmup, *(need.warmup for need in needs)])))
    return Plan(first, names, fields, found)


def _axis(name: str, values: Iterable[object] | object) -> list[object]:
    axis = list(values) if isinstance(values, Iterable) and not isinstance(values, str) else [values]
    if not axis:
        raise Misuse("SWEEP_GRID", f"{name} has no value to try", where=name, fix='write it like {"fast": range(5, 50, 5)}')
    return axis


def _check(declaration: Declaration) -> None:
    """Misuse("SWEEP_STRATEGY") for what a compiled loop cannot run exactly as the engine does."""
    where = f"{declaration.cls.__module__}.{declaration.cls.__qualname__}"
    why = ""
    if declaration.step is None:
        why = "has no step: only step strategies can be swept"
    elif declaration.wants != "position":
        why = "says entries, each with its own stop and target; a sweep knows one position with one of each"
    elif declaration.handlers:
        why = f"has handlers ({', '.join(declaration.handlers)}) beside its step"
    elif declaration.wakes:
        why = "declares wakes"
    elif len(declaration.needs) > MOST_NEEDS:
        why = f"needs {len(declaration.needs)} indicators, more than {MOST_NEEDS}"
    elif any(watch.symbol != "*" for watch in declaration.watches):
        why = "watches something else than its own instrument"
    elif (found := strange(declaration)) is not None:
        why = f"does what machine code would do otherwise, {found}"
    if why:
        raise Misuse("SWEEP_STRATEGY", f"{declaration.name} {why}", where=where, fix="run it with `argosy backtest`")
