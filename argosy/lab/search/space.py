"""What may be varied: each parameter of a strategy with its bounds, as a range or as choices; it tries nothing itself.

A range is said as in a sweep: "5..50:5" is first, last and step; "0.5..3" has no step where the parameter is a float; "0.001..1:log"
counts in ratios; "5,10,20" are choices. Without a word a parameter's own bounds are its range, where it has two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from math import exp, floor, isfinite, log, prod
from typing import Any, Literal

import msgspec
import numpy as np

from argosy.core.errors import Misuse

FINE = 20
"""Parts of a range that has no step of its own."""
MOST_GRID = 1_000_000

Point = dict[str, Any]
"""A value by parameter."""


class Axis(msgspec.Struct, frozen=True):
    """One parameter. step: 0 without one; log: counted in ratios; values: of a choice, else empty; low and high are in it."""

    name: str
    kind: Literal["int", "float", "choice"]
    low: float = 0.0
    high: float = 0.0
    step: float = 0.0
    log: bool = False
    values: tuple[Any, ...] = ()

    def __len__(self) -> int:
        """How many values it has; 0 without a step."""
        if self.kind == "choice":
            return len(self.values)
        if self.log or not self.step:
            return 0
        return floor((self.high - self.low) / self.step * (1.0 + 1e-12)) + 1

    def value(self, place: int) -> Any:
        """The value at a place, from 0 on, of an axis that has a length."""
        return self.values[place] if self.kind == "choice" else self._typed(self.low + place * self.step)

    def drawn(self, part: float) -> Any:
        """The value at a part of the way, 0 <= part < 1, each as likely."""
        if len(self):
            return self.value(min(len(self) - 1, int(part * len(self))))
        if self.log:
            return self._typed(exp(log(self.low) + part * (log(self.high) - log(self.low))))
        return self._typed(self.low + part * (self.high - self.low))

    def beside(self, value: Any) -> tuple[Any, Any]:
        """The values one step below and above; None where there is none. Choices that are no numbers have all others beside them."""
        if self.kind == "choice":
            at = self.values.index(value)
            return (self.values[at - 1] if at else None, self.values[at + 1] if at + 1 < len(self.values) else None)
        if self.log:
            ratio = exp((log(self.high) - log(self.low)) / FINE)
            low, high = self._typed(value / ratio), self._typed(value * ratio)
            if self.kind == "int":
                low, high = min(low, value - 1), max(high, value + 1)
        else:
            width = (self.high - self.low) / FINE
            step = max(self.step, self.step * round(width / self.step)) if self.step else width
            low, high = self._typed(value - step), self._typed(value + step)
        return (low if low >= self.low - 1e-12 * abs(self.low) else None, high if high <= self.high + 1e-12 * abs(self.high) else None)

    def text(self) -> str:
        """The range or the choices as they are said."""
        if self.kind == "choice":
            return ",".join(str(value) for value in self.values)
        tail = ":log" if self.log else f":{self.step:g}" if self.step and (self.kind != "int" or self.step != 1) else ""
        return f"{self.low:g}..{self.high:g}{tail}"

    def _typed(self, value: float) -> Any:
        if self.kind == "int":
            return round(value)
        return float(f"{value:.12g}")  # 0.1 + 2 * 0.1 is said, and kept, as 0.3


class Space(msgspec.Struct, frozen=True):
    """All that is varied together."""

    axes: tuple[Axis, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(axis.name for axis in self.axes)

    def size(self) -> int:
        """Points of the grid; 0 where an axis has no step."""
        return prod(len(axis) for axis in self.axes)

    def grid(self) -> Iterator[Point]:
        """Every point, the last name turning fastest; Misuse("SEARCH_GRID") for an axis without a step or far too many points."""
        for axis in self.axes:
            if not len(axis):
                what = f"{axis.name} has no step, so it has no grid"
                raise Misuse("SEARCH_GRID", what, where=axis.name, fix=f"write {axis.name}={axis.low:g}..{axis.high:g}:STEP")
        if self.size() > MOST_GRID:
            raise Misuse("SEARCH_GRID", f"the grid has {self.size():,} points", fix="name the parameters to vary with --set, or use random or tpe")
        for places in product(*(range(len(axis)) for axis in self.axes)):
            yield {axis.name: axis.value(place) for axis, place in zip(self.axes, places, strict=True)}

    def draw(self, seed: int, number: int) -> Point:
        """The `number`-th point of a random search: the same whoever draws it, and in whatever order."""
        parts = np.random.default_rng([seed % (1 << 64), number]).random(len(self.axes))
        return {axis.name: axis.drawn(float(part)) for axis, part in zip(self.axes, parts, strict=True)}

    def plain(self) -> dict[str, str]:
        """As they are said, by name."""
        return {axis.name: axis.text() for axis in self.axes}


Said = str | Axis | Iterable[Any]


def space(cls: type, said: Mapping[str, Said] | None = None, fixed: Mapping[str, object] | None = None) -> Space:
    """What a strategy may be varied in: what is said, by parameter; without a word every number that has two bounds.

    A parameter that is fixed is not varied. Raises Misuse: SEARCH_SPACE (unknown, fixed as well, badly said, nothing to vary).
    """
    shape = getattr(cls, "params", None)
    if not (isinstance(shape, type) and issubclass(shape, msgspec.Struct)):
        raise Misuse("SEARCH_SPACE", f"{cls.__name__} has no parameters", where=cls.__qualname__, fix="there is nothing to search")
    info: Any = msgspec.inspect.type_info(shape)
    types = {field.encode_name: _bare(field.type) for field in info.fields}
    held = set(fixed or ())
    for name in said or ():
        if name not in types:
            raise Misuse("SEARCH_SPACE", f"there is no parameter {name!r}", where=name, fix=f"it has: {', '.join(types) or 'none'}")
        if name in held:
            raise Misuse("SEARCH_SPACE", f"{name} is both varied and fixed", where=name, fix="give it once")
    if said:
        return Space(tuple(_said(name, value, types[name]) for name, value in said.items()))
    axes = [axis for name, kind in types.items() if name not in held and (axis := _bounded(name, kind)) is not None]
    if not axes:
        raise Misuse("SEARCH_SPACE", f"no parameter of {cls.__name__} has two bounds", where=cls.__qualname__, fix="name them: --set fast=5..50:5")
    return Space(tuple(axes))


def _bare(kind: Any) -> Any:
    while isinstance(kind, msgspec.inspect.Metadata):
        kind = kind.type
    return kind


def _bounded(name: str, kind: Any) -> Axis | None:
    """The range that a type's own bounds make; None without two."""
    if isinstance(kind, msgspec.inspect.BoolType):
        return Axis(name, "choice", values=(False, True))
    if isinstance(kind, msgspec.inspect.LiteralType):
        return Axis(name, "choice", values=tuple(kind.values))
    whole = isinstance(kind, msgspec.inspect.IntType)
    if not whole and not isinstance(kind, msgspec.inspect.FloatType):
        return None
    low = kind.ge if kind.ge is not None else _inside(kind.gt, 1, whole)
    high = kind.le if kind.le is not None else _inside(kind.lt, -1, whole)
    if low is None or high is None or not high > low:
        return None
    step = float(kind.multiple_of or (1 if whole else 0))
    if not whole and kind.gt is not None and kind.ge is None:
        low = low + (high - low) / 1000.0
    if not whole and kind.lt is not None and kind.le is None:
        high = high - (high - low) / 1000.0
    return Axis(name, "int" if whole else "float", float(low), float(high), step)


def _inside(bound: float | None, way: int, whole: bool) -> float | None:
    """A bound that is not itself allowed."""
    return None if bound is None else bound + way if whole else bound


def _said(name: str, value: Said, kind: Any) -> Axis:
    if isinstance(value, Axis):
        return value
    whole, real = isinstance(kind, msgspec.inspect.IntType), isinstance(kind, msgspec.inspect.FloatType)
    if isinstance(value, str):
        if ".." in value and (whole or real):
            return _range(name, value, whole)
        parts: Sequence[Any] = [part.strip() for part in value.split(",") if part.strip()]
    else:
        parts = list(value)
    values = tuple(dict.fromkeys(_one(name, part, kind) for part in parts))
    if not values:
        raise Misuse("SEARCH_SPACE", f"{name} has no value to try", where=name, fix=f"write it like {name}=5..50:5 or {name}=5,10,20")
    return Axis(name, "choice", values=values)


def _one(name: str, part: Any, kind: Any) -> Any:
    """A choice in the parameter's own type."""
    of: Any = {"IntType": int, "FloatType": float, "BoolType": bool}.get(type(kind).__name__)
    if of is None:
        return part
    try:
        return msgspec.convert(part.lower() if isinstance(part, str) and of is bool else part, of, strict=False)
    except msgspec.ValidationError as error:
        raise Misuse("SEARCH_SPACE", f"{name} cannot be {part!r}: {error}", where=name, fix=f"write it like {name}=5,10,20") from error


def _range(name: str, text: str, whole: bool) -> Axis:
    """first..last, first..last:step or first..last:log."""
    first, _, rest = text.partition("..")
    last, _, tail = rest.partition(":")
    fix = f"write first..last:step, like {name}=5..50:5, or {name}=0.001..1:log"
    try:
        low, high = float(first), float(last)
        step = 0.0 if tail in ("", "log") else float(tail)
    except ValueError as error:
        raise Misuse("SEARCH_SPACE", f"{name}={text} is no range", where=name, fix=fix) from error
    fine = isfinite(low) and isfinite(high) and isfinite(step) and high > low and (step > 0.0 or tail in ("", "log"))
    if not fine or (tail == "log" and low <= 0.0) or (whole and any(part != round(part) for part in (low, high, step))):
        raise Misuse("SEARCH_SPACE", f"{name}={text} is no range", where=name, fix=fix)
    if whole and not step and tail != "log":
        step = 1.0
    return Axis(name, "int" if whole else "float", low, high, step, tail == "log")
